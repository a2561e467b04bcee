/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker/upnp/gena.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

void
gena_init(struct gena *gena, const struct desc_names *names)
{
	const struct service_event *event;
	struct gena_service *s;
	unsigned i;

	memset(gena, 0, sizeof(*gena));
	gena->names = *names;
	for (i = 0; i < SERVICE_COUNT; i++) {
		s = &gena->services[i];
		s->service = services[i];
		s->told_ms = -GENA_MODERATION_MS; /* the first change is told at once */
		for (event = services[i]->events; event->name; event++)
			s->nvars++;
		assert(s->nvars <= SERVICE_EVENTS_MAX);
	}
}

void
gena_state(struct gena *gena, const struct msg_state *state)
{
	struct gena_service *s;
	unsigned i;

	for (s = gena->services; s < gena->services + SERVICE_COUNT; s++) {
		for (i = 0; i < s->nvars; i++)
			s->service->events[i].value(&gena->names, state, s->present.text[i]);
		if (!s->subscribed) /* nobody was told anything, nobody needs to be */
			s->told = s->present;
	}
	gena->known = true;
}

int
gena_subscribe(struct gena *gena, const char *key, const char *sid, int64_t now_ms)
{
	struct gena_waiting *w = &gena->waiting[gena->nwaiting];
	unsigned i;

	for (i = 0; i < SERVICE_COUNT; i++)
		if (strcmp(services[i]->key, key) == 0)
			break;
	if (i == SERVICE_COUNT || strlen(sid) >= sizeof(w->sid) ||
	    gena->nwaiting == sizeof(gena->waiting) / sizeof(gena->waiting[0]))
		return -ENOSPC;
	w->service = i;
	strcpy(w->sid, sid);
	w->due_ms = now_ms + GENA_INITIAL_MS;
	gena->nwaiting++;
	return 0;
}

/* ---- what is due ----------------------------------------------------------------------------- */

static bool
changed(const struct gena_service *s, unsigned var)
{
	return strcmp(s->present.text[var], s->told.text[var]) != 0;
}

static bool
any_changed(const struct gena_service *s)
{
	unsigned i;

	for (i = 0; i < s->nvars; i++)
		if (changed(s, i))
			return true;
	return false;
}

static int64_t
service_due_ms(const struct gena_service *s)
{
	if (any_changed(s))
		return s->told_ms + GENA_MODERATION_MS;
	return s->subscribed ? s->told_ms + GENA_REPEAT_MS : -1;
}

static void
job_add(struct gena_job *job, const struct gena_service *s, unsigned var)
{
	job->names[job->n] = s->service->events[var].name;
	strcpy(job->values.text[job->n], s->present.text[var]);
	job->n++;
}

/* Tells all what has changed; everything when nothing has and it is but time to repeat. */
static void
take_change(struct gena_service *s, int64_t now_ms, struct gena_job *job)
{
	bool repeat = !any_changed(s);
	unsigned i;

	job->service = s->service;
	for (i = 0; i < s->nvars; i++)
		if (repeat || changed(s, i))
			job_add(job, s, i);
	s->told = s->present;
	s->told_ms = now_ms;
}

/* Tells the subscriber who waits longest everything; before that, all others what has changed. */
static void
take_initial(struct gena *gena, int64_t now_ms, struct gena_job *job)
{
	const struct gena_waiting *w = &gena->waiting[0];
	struct gena_service *s = &gena->services[w->service];
	unsigned i;

	if (any_changed(s)) {
		take_change(s, now_ms, job);
		return;
	}
	if (!s->subscribed) {
		s->subscribed = true;
		s->told_ms = now_ms - GENA_MODERATION_MS; /* the time to repeat begins */
	}
	job->service = s->service;
	strcpy(job->sid, w->sid);
	for (i = 0; i < s->nvars; i++)
		job_add(job, s, i);
	gena->nwaiting--;
	memmove(gena->waiting, gena->waiting + 1, gena->nwaiting * sizeof(gena->waiting[0]));
}

bool
gena_initial_due(const struct gena *gena, int64_t now_ms)
{
	return gena->nwaiting && gena->waiting[0].due_ms <= now_ms;
}

bool
gena_next(struct gena *gena, int64_t now_ms, struct gena_job *job)
{
	struct gena_service *s;
	int64_t due_ms;

	job->n = 0;
	job->sid[0] = '\0';
	if (!gena->known)
		return false;
	if (gena_initial_due(gena, now_ms)) {
		take_initial(gena, now_ms, job);
		return true;
	}
	for (s = gena->services; s < gena->services + SERVICE_COUNT; s++) {
		due_ms = service_due_ms(s);
		if (due_ms != -1 && due_ms <= now_ms) {
			take_change(s, now_ms, job);
			return true;
		}
	}
	return false;
}

int64_t
gena_due_ms(const struct gena *gena)
{
	const struct gena_service *s;
	int64_t due_ms, first_ms = -1;

	if (!gena->known)
		return -1;
	if (gena->nwaiting)
		first_ms = gena->waiting[0].due_ms;
	for (s = gena->services; s < gena->services + SERVICE_COUNT; s++) {
		due_ms = service_due_ms(s);
		if (due_ms != -1 && (first_ms == -1 || due_ms < first_ms))
			first_ms = due_ms;
	}
	return first_ms;
}
