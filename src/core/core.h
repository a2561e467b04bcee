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
struct expiry;  /* mapping.h: the timer of the next lease to end */

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
};

#endif
