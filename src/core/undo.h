/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was changed of the system, and how it was before: so that it can be put back, also by a
 * later core when this one was killed.
 *
 *	RUN_DIR/changed    a line each: name, value before, value that we gave it
 *
 * The run directory, since a reboot undoes both. A line is written before the change is made: if we
 * die in between, the system is as the line says it was, and nothing is undone.
 *
 * Settings are wanted round by round, as the network and the configuration change: undo_begin(),
 * undo_want() for each, undo_end(). What was wanted before and is not any more is put back. Only
 * what is still as we set it is put back; what somebody else has changed since is his.
 */
#ifndef PORTREEVE_CORE_UNDO_H
#define PORTREEVE_CORE_UNDO_H

#include <stdbool.h>
#include <stddef.h>

#include "platform/setting.h"

#define UNDO_MAX 64 /* changes at a time */

/* platform/setting.h, or what a test puts here. */
struct undo_ops {
	int (*get)(const char *name, char value[SETTING_VALUE_MAX]);
	int (*set)(const char *name, const char *value);
};

struct undo;

/* Reads what an earlier core has left in @run_dir. NULL on error, which was logged. */
struct undo *undo_new(const char *run_dir, const struct undo_ops *ops);

/* Leaves all as it is, on disk, too. */
void undo_free(struct undo *undo);

void undo_begin(struct undo *undo);

/*
 * Makes @name be @value. 0: it is so; -errno, which was logged when it was not so the last time.
 * What is so already is not our change and stays when we go.
 */
int undo_want(struct undo *undo, const char *name, const char *value);

/* Wants it as we have set it, but leaves alone what somebody else has made of it since. */
void undo_keep(struct undo *undo, const char *name);

/* It is somebody else's from now on: stays as it is. */
void undo_forget(struct undo *undo, const char *name);

void undo_end(struct undo *undo);

/* Did we give @name its present value? (We may have been another process.) */
bool undo_is_ours(const struct undo *undo, const char *name);

/* Puts all back, the last change first. */
void undo_all(struct undo *undo);

#endif
