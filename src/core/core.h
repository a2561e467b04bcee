/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct core: everything the core owns, and the order in which it starts and stops.
 */
#ifndef PORTREEVE_CORE_CORE_H
#define PORTREEVE_CORE_CORE_H

#include <event2/event.h>

#include "config/conf.h"
#include "core/lease.h"
#include "core/store.h"
#include "ipc/msg.h"
#include "kernel/nft.h"

struct wan;     /* wan.h: what we say of the WAN */
struct lans;    /* lan.h: which LANs are served, and by which worker */
struct flows;   /* flows.h: connection tracking entries to forget */
struct notify;  /* notify.h: changes told to workers and watchers */
struct control; /* control.h: the CLI's socket */
struct expiry;  /* expiry.c: the timer of the next lease to end */

struct core_options {
	const char *conf_path; /* NULL: the default */
	struct conf_overrides over;
	const char *run_dir;
	const char *state_dir;
};

struct core {
	struct core_options opt;
	struct conf conf; /* replaced as a whole by a reload */
	struct event_base *base;
	struct lease_table *leases;
	struct nft *nft;
	struct store *store;
	struct wan *wan;
	struct lans *lans;
	struct flows *flows;
	struct notify *notify;
	struct control *control;
	struct expiry *expiry;
	uint8_t uuid[16]; /* base of the UDNs */
	int64_t started_ms;
	int64_t (*now_ms)(void); /* CLOCK_BOOTTIME; tests put a fake clock here */
	int64_t (*wall_s)(void);
	struct core_run *run; /* core.c's own: signals, monitors, the supervisor's channel */
};

/* Everything that must be open before the sandbox closes. NULL on error, which was logged. */
struct core *core_new(const struct core_options *opt);

/* Serves until told to stop. 0, or -errno, which was logged. */
int core_run(struct core *core);

/* Stops in reverse; keep_mappings_on_exit decides what becomes of the kernel's table. */
void core_free(struct core *core);

/* The kernel's table may not be what it should be: it is looked at soon, and mended. */
void core_heal_soon(struct core *core);

#endif
