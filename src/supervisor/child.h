/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One place for a process, whether it runs or waits for its start: how it is started and ended, how
 * long it waits after a death, and by when it must have answered. What it is for and what else its
 * life means is supervise.c's.
 */
#ifndef PORTREEVE_SUPERVISOR_CHILD_H
#define PORTREEVE_SUPERVISOR_CHILD_H

#include "supervisor/supervise.h"

#define CHILD_NEVER INT64_MAX

struct child {
	const struct supervise_ops *ops;
	void *arg; /* of @ops */
	enum supervise_kind kind;
	char name[40];      /* "portreeve-upnp on lan0" */
	pid_t pid;          /* 0: none runs */
	int fd;             /* our end of its channel, -1: none */
	bool stopping;      /* was told to end */
	unsigned deaths;    /* in a row, none of them wanted */
	uint32_t restarts;  /* in all */
	int64_t started_ms; /* the process that runs */
	int64_t start_ms;   /* when to start the next one */
	int64_t kill_ms;    /* when to end it by force... */
	int64_t pong_ms;    /* ...and when, were no sign of life to come */
};

void child_init(
    struct child *child, const struct supervise_ops *ops, void *arg, enum supervise_kind kind);

/* Our end of its channel; twice is harmless. */
void child_close(struct child *child);

/* Starts it, with a channel if it is of a kind that has one. False: not now; a later start is
 * planned. */
bool child_start(struct child *child, const struct supervise_spec *spec);

/* Plans the next start of one that died unasked, or could not be started. Returns the milliseconds
 * until then. */
int64_t child_back_off(struct child *child);

/* Tells it to end, by force after @patience_ms; none is started in its place. */
void child_stop(struct child *child, int patience_ms);

/* By force at once, which the log tells with @why. */
void child_kill(struct child *child, const char *why);

/* Asks for a sign of life. */
void child_ping(struct child *child);

/* It has ended: the log tells, with @delay_ms until its next start (negative: none). */
void child_log_exit(const struct child *child, int status, int64_t delay_ms);

/* Ends one that has had its time. */
void child_on_timer(struct child *child);

#endif
