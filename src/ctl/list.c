/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "list": all pages of mappings and pinholes, what passes the filter of them, once or as a live
 * view. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/filter.h"
#include "ctl/terminal.h"
#include "lib/compiler.h"

#define LIVE_MS 1000    /* the time that is left changes, too */
#define PAUSE_US 100000 /* between two pictures, however much changes */

/* One page of @what onto the end of @all; *@next is where the following one begins, 0: it was the
 * last. */
static enum ctl_exit
list_page(struct ctl *ctl, const char *what, json_t *all, json_int_t *next)
{
	json_t *answer, *page, *after;
	json_int_t from = *next;
	enum ctl_exit rc;

	rc = ctl_ask(
	    ctl, json_pack("{s:s, s:I, s:s}", "verb", "list", "after", from, "of", what), &answer);
	if (rc != CTL_OK)
		return rc;
	if (json_unpack(answer, "{s:o, s:o}", what, &page, "next", &after) < 0 ||
	    !json_is_array(page) || json_array_extend(all, page) < 0) {
		json_decref(answer);
		return ctl_not_understood(ctl);
	}
	*next = json_integer_value(after);
	json_decref(answer);
	return *next && *next <= from ? ctl_not_understood(ctl) : CTL_OK;
}

static enum ctl_exit
list_all(struct ctl *ctl, const char *what, json_t *all)
{
	json_int_t next = 0;
	enum ctl_exit rc;

	do {
		rc = list_page(ctl, what, all, &next);
	} while (rc == CTL_OK && next);
	return rc;
}

/* What passes of @what, in order. */
static enum ctl_exit
list_some(struct ctl *ctl, const struct filter *filter, const char *what, json_t **some)
{
	json_t *all = json_array();
	enum ctl_exit rc = list_all(ctl, what, all);

	*some = rc == CTL_OK ? filter_apply(filter, all) : NULL;
	json_decref(all);
	return rc == CTL_OK && !*some ? ctl_not_understood(ctl) : rc;
}

/* @live: on a screen that is cleared once everything is there. */
static enum ctl_exit
picture(struct ctl *ctl, const struct filter *filter, bool live)
{
	json_t *mappings = NULL, *pinholes = NULL;
	enum ctl_exit rc;

	rc = list_some(ctl, filter, "mappings", &mappings);
	if (rc == CTL_OK)
		rc = list_some(ctl, filter, "pinholes", &pinholes);
	writer_measure(ctl->writer);
	if (rc == CTL_OK && live && !ctl->json)
		terminal_clear(ctl->writer->out);
	if (rc == CTL_OK && ctl->writer->list(ctl->writer, mappings, pinholes) < 0)
		rc = ctl_not_understood(ctl);
	fflush(ctl->writer->out);
	json_decref(mappings);
	json_decref(pinholes);
	return rc;
}

/* Every picture was flushed, so nothing is lost. */
static void
on_interrupt(int signo UNUSED)
{
	_exit(CTL_OK);
}

/* A second connection tells that something has changed. */
static struct client *
open_watch(struct ctl *ctl)
{
	struct client *watch = client_open(ctl->socket);
	json_t *request = json_pack("{s:s}", "verb", "watch"), *answer = NULL;

	if (watch && client_send(watch, request) == 0)
		answer = client_read(watch);
	json_decref(request);
	if (answer) {
		json_decref(answer);
		return watch;
	}
	ctl->writer->error(ctl->writer, "unreachable", client_error());
	client_close(watch);
	return NULL;
}

/* People see the time run; programs are told of changes only. */
static enum ctl_exit
live(struct ctl *ctl, const struct filter *filter)
{
	struct client *watch = open_watch(ctl);
	enum ctl_exit rc = watch ? CTL_OK : CTL_UNREACHABLE;
	int changed = 1;

	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
	while (rc == CTL_OK) {
		if (changed || !ctl->json)
			rc = picture(ctl, filter, true);
		if (rc != CTL_OK)
			break;
		usleep(PAUSE_US);
		changed = client_wait(watch, LIVE_MS);
		if (changed < 0) {
			ctl->writer->error(ctl->writer, "unreachable", client_error());
			rc = CTL_UNREACHABLE;
		}
	}
	client_close(watch);
	return rc;
}

enum ctl_exit
list_run(struct ctl *ctl)
{
	const struct filter filter = {
		.client = ctl->of_client,
		.protocol = ctl->proto,
		.port = ctl->port,
		.origin = ctl->origin,
		.sort = ctl->sort,
		.unused = ctl->unused,
	};
	const char *wrong = filter_check(&filter);

	if (wrong)
		return ctl_usage("%s", wrong);
	ctl->writer->some =
	    filter.client || filter.protocol || filter.port || filter.origin || filter.unused;
	return ctl->live ? live(ctl, &filter) : picture(ctl, &filter, false);
}
