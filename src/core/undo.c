/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns the list of changes and its file. */
#include "core/undo.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"

struct change {
	char name[SETTING_NAME_MAX];
	char was[SETTING_VALUE_MAX], ours[SETTING_VALUE_MAX];
	bool wanted; /* in this round */
	int failed;  /* it could not be made: -errno, and nothing is to be undone. 0: it was */
};

struct undo {
	const struct undo_ops *ops;
	char path[PATH_MAX], fresh[PATH_MAX];
	struct change changes[UNDO_MAX]; /* in the order they were made */
	size_t n;
};

/* ---- the file ---- */

/* A whole new one in the place of the old. 0 or -errno. */
static int
save(const struct undo *undo)
{
	FILE *out = fopen(undo->fresh, "we");
	size_t i;
	bool ok;

	if (!out)
		return -errno;
	for (i = 0; i < undo->n; i++)
		if (!undo->changes[i].failed)
			fprintf(out, "%s %s %s\n", undo->changes[i].name, undo->changes[i].was,
			    undo->changes[i].ours);
	ok = !ferror(out);
	ok = fclose(out) == 0 && ok;
	return ok && rename(undo->fresh, undo->path) == 0 ? 0 : -EIO;
}

static void
save_or_say(const struct undo *undo)
{
	int rc = save(undo);

	if (rc < 0)
		log_warn("%s: cannot be written: %s", undo->path, strerror(-rc));
}

/* Lines that are none of ours are left out. */
static void
load(struct undo *undo)
{
	FILE *in = fopen(undo->path, "re");
	struct change c = { .wanted = false };
	char line[256];

	while (in && undo->n < UNDO_MAX && fgets(line, sizeof(line), in))
		if (sscanf(line, "%127s %31s %31s", c.name, c.was, c.ours) == 3)
			undo->changes[undo->n++] = c;
	if (in)
		fclose(in);
	if (undo->n)
		log_info("%zu settings were changed by an earlier run and will be put back at the "
			 "end",
		    undo->n);
}

/* ---- changes ---- */

static struct change *
find(const struct undo *undo, const char *name)
{
	size_t i;

	for (i = 0; i < undo->n; i++)
		if (strcmp(undo->changes[i].name, name) == 0)
			return (struct change *)&undo->changes[i];
	return NULL;
}

static void
drop(struct undo *undo, struct change *c)
{
	size_t at = (size_t)(c - undo->changes);

	memmove(c, c + 1, (--undo->n - at) * sizeof(*c));
}

/* As it was, if it still is as we made it. */
static void
put_back(struct undo *undo, const struct change *c)
{
	char value[SETTING_VALUE_MAX];
	int rc = undo->ops->get(c->name, value);

	if (c->failed || rc < 0)
		return; /* nothing was done, or it went with its interface */
	if (strcmp(value, c->ours) != 0) {
		log_info("%s is %s, changed by somebody else since: left as it is", c->name, value);
		return;
	}
	rc = undo->ops->set(c->name, c->was);
	if (rc < 0 && rc != -ENODEV && rc != -ENOENT)
		log_warn("%s cannot be put back to %s: %s", c->name, c->was, strerror(-rc));
	else
		log_info("%s is %s again", c->name, c->was);
}

/* Says it once, and again only when another error comes. */
static int
fail(struct change *c, int error)
{
	if (c->failed != error)
		log_warn("%s cannot be set to %s: %s", c->name, c->ours, strerror(-error));
	c->failed = error;
	return error;
}

/* The file first: see the header. */
static int
make(struct undo *undo, struct change *c)
{
	int before = c->failed, rc;

	c->failed = 0;
	rc = save(undo);
	if (rc == 0)
		rc = undo->ops->set(c->name, c->ours);
	if (rc == 0) {
		log_info("%s is %s now, was %s", c->name, c->ours, c->was);
		return 0;
	}
	c->failed = before;
	rc = fail(c, rc);
	save_or_say(undo);
	return rc;
}

int
undo_want(struct undo *undo, const char *name, const char *value)
{
	struct change *c = find(undo, name);
	char now[SETTING_VALUE_MAX];
	int rc = undo->ops->get(name, now);

	if (c && strcmp(c->ours, value) != 0) {
		put_back(undo, c);
		drop(undo, c);
		return undo_want(undo, name, value);
	}
	if (c)
		c->wanted = true;
	if (rc == 0 && strcmp(now, value) == 0)
		return 0;
	if (rc == -ENODEV)
		return rc;
	if (!c) {
		if (undo->n == UNDO_MAX || strlen(name) >= sizeof(c->name))
			return -ENOSPC;
		c = &undo->changes[undo->n++];
		*c = (struct change){ .wanted = true };
		snprintf(c->name, sizeof(c->name), "%s", name);
		snprintf(c->ours, sizeof(c->ours), "%s", value);
		c->failed = -EINPROGRESS;
	}
	if (rc < 0)
		return fail(c, rc);
	snprintf(c->was, sizeof(c->was), "%s", now);
	return make(undo, c);
}

void
undo_keep(struct undo *undo, const char *name)
{
	struct change *c = find(undo, name);

	if (c)
		c->wanted = true;
}

void
undo_forget(struct undo *undo, const char *name)
{
	struct change *c = find(undo, name);

	if (!c)
		return;
	drop(undo, c);
	save_or_say(undo);
}

void
undo_begin(struct undo *undo)
{
	size_t i;

	for (i = 0; i < undo->n; i++)
		undo->changes[i].wanted = false;
}

void
undo_end(struct undo *undo)
{
	size_t i = undo->n, before = undo->n;

	while (i--) {
		if (undo->changes[i].wanted)
			continue;
		put_back(undo, &undo->changes[i]);
		drop(undo, &undo->changes[i]);
	}
	if (undo->n != before)
		save_or_say(undo);
}

bool
undo_is_ours(const struct undo *undo, const char *name)
{
	const struct change *c = find(undo, name);

	return c && !c->failed;
}

void
undo_all(struct undo *undo)
{
	while (undo->n)
		put_back(undo, &undo->changes[--undo->n]);
	if (unlink(undo->path) < 0 && errno != ENOENT)
		log_warn("%s: cannot be removed: %s", undo->path, strerror(errno));
}

/* ---- life ---- */

struct undo *
undo_new(const char *run_dir, const struct undo_ops *ops)
{
	struct undo *undo = calloc(1, sizeof(*undo));

	if (!undo)
		return NULL;
	undo->ops = ops;
	snprintf(undo->path, sizeof(undo->path), "%s/changed", run_dir);
	snprintf(undo->fresh, sizeof(undo->fresh), "%s/changed.new", run_dir);
	load(undo);
	return undo;
}

void
undo_free(struct undo *undo)
{
	free(undo);
}
