/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of any worker: options, sandbox, channels, loop. A worker serves one LAN at one address;
 * when that changes the supervisor ends it and starts another.
 *
 *	portreeve-upnp --lan IF --ifindex N --address A.B.C.D/LEN --log-level LEVEL --xml DIR
 *
 * It is started as the workers' user already, with DIR as its working directory (as ".": the path
 * may lead through directories that this user cannot enter). Descriptor 3 is the supervisor's
 * channel. The descriptors to the core come over it, and come again when the core was restarted.
 */
#ifndef PORTREEVE_WORKER_WORKER_H
#define PORTREEVE_WORKER_WORKER_H

#include <stdbool.h>

#include "ipc/channel.h"
#include "lib/addr.h"

#define WORKER_SUPERVISOR_FD 3

struct worker {
	char ifname[IFNAMSIZ];
	uint32_t ifindex;
	struct prefix4 address;      /* ours on the LAN, and the LAN's prefix length */
	const char *xml_dir;         /* where the descriptions are */
	struct channel_client *core; /* for channel_call(), from any thread */
	int events_fd;               /* -1: no core at present */
	bool stale;                  /* set by a callback: end, to be started anew */
};

/* What a kind of worker does; all called on the main thread. */
struct worker_ops {
	/* The first one starts serving: 0 or -errno, which ends the worker. Later ones: another
	 * core has come. */
	int (*on_gateway)(void *arg, const struct msg_gateway *gateway);
	void (*on_state)(void *arg, const struct msg_state *state);

	/* May be NULL. Until on_timer is wanted: 0 now, -1 not at all. */
	int (*timeout_ms)(void *arg);
	void (*on_timer)(void *arg);

	/* SIGTERM, or the supervisor is gone: say good-bye to the LAN. The process ends with
	 * _exit() afterwards, and in any case 2 s after this call has begun. */
	void (*on_stop)(void *arg);
};

/* Reads the options, opens the log, enters the sandbox. 0 or -errno, which was said. @program:
 * "portreeve-upnp". */
int worker_init(struct worker *w, const char *program, int argc, char **argv);

/* Runs until told to stop, then calls on_stop. Returns the exit status. */
int worker_run(struct worker *w, const struct worker_ops *ops, void *arg);

#endif
