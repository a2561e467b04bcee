/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The family: one core, one worker for each LAN the core wants served, dnsmasq if it wants that,
 * and who writes the security log. Starts them, brings back those that die, hands each its
 * channels, and asks each for a sign of life; the last two have neither.
 *
 * Nothing here forks, sends a signal or reads a clock by itself: struct supervise_ops does, and
 * tests put fakes there. main.c owns the loop and calls the on_ functions.
 *
 * Who dies is brought back at once; one that dies again and again waits 10, 20, 40, ... ms, at most
 * 5 s, before each further start. 10 s of life make it a fresh one. Times are CLOCK_MONOTONIC, so a
 * suspended machine is not taken for a stuck process.
 */
#ifndef PORTREEVE_SUPERVISOR_SUPERVISE_H
#define PORTREEVE_SUPERVISOR_SUPERVISE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/msg.h"

#define SUPERVISE_LANS_MAX 32
#define SUPERVISE_FDS (1 + SUPERVISE_LANS_MAX)

#define SUPERVISE_BACKOFF_MS 10 /* before the second start in a row, then doubled */
#define SUPERVISE_BACKOFF_MAX_MS 5000
#define SUPERVISE_SLOW_BACKOFF_MS 60000 /* of those that may be configured wrongly */
#define SUPERVISE_SETTLED_MS 10000      /* of life, and earlier deaths are forgotten */
#define SUPERVISE_PING_MS 15000    /* between two signs of life asked for; each costs wake-ups */
#define SUPERVISE_PONG_MS 5000     /* until one that is asked is taken for stuck */
#define SUPERVISE_HANGUP_MS 200    /* from a closed channel to the end of the process */
#define SUPERVISE_REPLACE_MS 500   /* for a worker's good-bye when its LAN changes */
#define SUPERVISE_ADOPT_MS 3000    /* for a new core to name the LANs that are served */
#define SUPERVISE_CORE_TERM_MS 600 /* stop: the core's turn, were a worker still there */
#define SUPERVISE_KILL_MS 900      /* stop: whatever is left */

/* supervise.c and child.c have a row for each. */
enum supervise_kind {
	SUPERVISE_CORE,
	SUPERVISE_WORKER,
	SUPERVISE_DHCP,   /* dnsmasq */
	SUPERVISE_SECLOG, /* who writes the security log */
	SUPERVISE_KINDS,
};

/* What to start. */
struct supervise_spec {
	enum supervise_kind kind;
	const struct msg_lan *lan; /* a worker's */
	bool look;                 /* dnsmasq: once other servers have been looked for */
};

struct supervise_ops {
	int64_t (*now_ms)(void *arg);
	/* Starts a process that has @fd (kept by the caller) as its descriptor 3; dnsmasq and
	 * the security log have no such, @fd is -1. Its pid, or -errno, which was logged. */
	pid_t (*spawn)(void *arg, const struct supervise_spec *spec, int fd);
	void (*kill)(void *arg, pid_t pid, int sig);
	/* Runs on_connect or on_disconnect; supervise_on_hook_done() follows. 0 or -errno. */
	int (*hook)(void *arg, const struct msg_hook *hook);
	void (*on_ready)(void *arg); /* each time a core has said that it is ready */
};

struct supervisor;

/* @ops and @arg must outlive it. NULL: no memory. */
struct supervisor *supervise_new(const struct supervise_ops *ops, void *arg);
void supervise_free(struct supervisor *sup); /* closes the channels; ends nobody */

/* The security log is to be written, once there is a core. Before supervise_start(). */
void supervise_want_seclog(struct supervisor *sup);

/* Starts the core; the rest follows. */
void supervise_start(struct supervisor *sup);

/* SIGTERM: workers say good-bye, then the core ends, then supervise_done(). */
void supervise_stop(struct supervisor *sup);

/* SIGHUP. */
void supervise_reload(struct supervisor *sup);

/* A command has ended: the core that is there now is told. */
void supervise_on_hook_done(struct supervisor *sup, const struct msg_hook *done);

/* Fills all SUPERVISE_FDS places for poll(); those without a process are -1. */
void supervise_fds(const struct supervisor *sup, struct pollfd fds[SUPERVISE_FDS]);
void supervise_on_fds(struct supervisor *sup, const struct pollfd fds[SUPERVISE_FDS]);

/* @pid was reaped with wait(2) status @status. */
void supervise_on_exit(struct supervisor *sup, pid_t pid, int status);

/* Milliseconds until supervise_on_timer() is wanted; -1: not at all. */
int supervise_timeout_ms(struct supervisor *sup);
void supervise_on_timer(struct supervisor *sup);

/* All are gone after supervise_stop(), or the core cannot start: end with @status. */
bool supervise_done(struct supervisor *sup, int *status);

#endif
