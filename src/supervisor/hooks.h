/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * on_connect and on_disconnect: run by a process of its own that is forked before the supervisor
 * gives its rights up, since a line is seldom brought up without them. It does nothing but wait to
 * be told which of the two to run, and takes nothing else from anybody: no text, no path.
 *
 * One command runs at a time, as leader of a session, without a shell, with an environment of its
 * own and with a time limit; another wish ends the one under way.
 */
#ifndef PORTREEVE_SUPERVISOR_HOOKS_H
#define PORTREEVE_SUPERVISOR_HOOKS_H

#include "ipc/msg.h"

#define HOOKS_LIMIT_MS 30000

struct hooks {
	int fd; /* -1: there is no such process */
};

/* @commands: on_connect and on_disconnect; when both are empty nothing is started. 0 or -errno,
 * which was logged. */
int hooks_start(struct hooks *hooks, const char *const commands[2], int limit_ms);

/* Lets go of it: it ends, after the command under way. */
void hooks_stop(struct hooks *hooks);

/* 0, and hooks_read() will tell how it went; or -errno: it cannot be run. */
int hooks_run(struct hooks *hooks, const struct msg_hook *hook);

/* When hooks->fd is readable. 1: @done is filled; 0: nothing; -EPIPE: the process is gone, and said
 * so. */
int hooks_read(struct hooks *hooks, struct msg_hook *done);

#endif
