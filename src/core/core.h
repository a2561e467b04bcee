/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct core: everything the core owns, and the order in which it starts and stops.
 */
#ifndef PORTREEVE_CORE_CORE_H
#define PORTREEVE_CORE_CORE_H

#include <event2/event.h>

#include "config/conf.h"
#include "core/dhcp_leases.h"
#include "core/lease.h"
#include "core/metrics.h"
#include "core/pinhole_table.h"
#include "core/store.h"
#include "core/trail.h"
#include "ipc/msg.h"
#include "kernel/flowlist.h"
#include "kernel/nft.h"

struct wan;            /* wan.h: what we say of the WAN */
struct lans;           /* lan.h: which LANs are served, and by which worker */
struct connection;     /* connection.h: what clients ask of the WAN */
struct share;          /* share.h: what sharing changes of the system */
struct dhcp;           /* dhcp.h: dnsmasq's configuration, and whether it runs */
struct network;        /* network.h: the monitor that keeps both up to date */
struct heal;           /* heal.h: who else touches the kernel's table */
struct flows;          /* flows.h: connection tracking entries to forget */
struct notify;         /* notify.h: changes told to workers and watchers */
struct control;        /* control.h: the CLI's socket */
struct metrics_socket; /* metrics_socket.h: where scrapers ask */
struct parent;         /* parent.h: the supervisor's channel */
struct expiry;         /* expiry.c: the timer of the next lease to end */
struct clockwatch;     /* clockwatch.h: somebody sets the clock */
struct claim;          /* claim.h: nobody else serves this network namespace */

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
	struct event *sigterm, *sigint;
	struct lease_table *leases;
	struct pinhole_table *pinholes;
	struct nft *nft;
	struct store *store;
	struct wan *wan;
	struct lans *lans;
	struct connection *connection;
	struct share *share;
	struct dhcp *dhcp;
	struct dhcp_leases dhcp_leases; /* for names in the trail */
	struct network *network;
	struct heal *heal;
	struct flows *flows;
	struct notify *notify;
	struct control *control;
	struct metrics metrics;
	struct metrics_socket *metrics_socket; /* NULL: there is none */
	struct parent *parent;
	struct expiry *expiry;
	struct clockwatch *clockwatch;
	struct claim *claim; /* NULL: somebody sits on the name */
	struct trail *trail; /* NULL: no memory for it */
	bool cli_has_uid;    /* a user of the CLI is being answered: this one */
	uint32_t cli_uid;
	struct trail_row row;    /* of the trail, about the request under way: see record.h */
	char trouble[128];       /* why the last request that failed did: see trouble.h */
	uint8_t uuid[16];        /* base of the UDNs */
	uint32_t boot_id;        /* that workers were told; 0: none was yet */
	int64_t boot_ms;         /* since when there has been one */
	uint16_t pinhole_id_end; /* of the block that pinhole.c takes ids from */
	bool unsettled;          /* an answer may be another one in a moment: see pinhole.c */
	uint32_t update_id;      /* SystemUpdateID: counts changes of the mappings */
	struct {
		int64_t since_ms;
		unsigned lines, left_out;
	} log_budget;      /* of mapping.c: clients decide how much there is to say */
	bool told_to_stop; /* by a signal, as opposed to the supervisor's death */
	int64_t started_ms;
	int64_t (*now_ms)(void); /* CLOCK_BOOTTIME; tests put a fake clock here */
	int64_t (*wall_s)(void);
	/* The living flows of a mapping (kernel/flowlist.h). NULL: none can be read. */
	int (*read_flows)(const struct nft_mapping *mapping, struct flowlist *out);
	int (*read_pinhole_flows)(const struct nft_pinhole *pinhole, struct flowlist *out);
	/* Has the gateway itself a socket there? (platform/portuse.h) NULL: never. */
	bool (*port_in_use)(uint32_t addr, uint8_t protocol, uint16_t port);
	/* What "doctor" says of the machine (doctor.h). NULL: nothing. */
	struct json_t *(*doctor)(struct core *core);
	/* The verb "audit" (audit.h). NULL: nothing is found. */
	struct json_t *(*audit)(struct core *core, struct json_t *request);
};

/*
 * Opens and restores all that a core needs, so that the sandbox may close behind it. Keeps @opt's
 * pointers. NULL on error, which was logged.
 */
struct core *core_new(const struct core_options *opt);

/* The configuration's file, given or by default. */
static inline const char *
core_conf_path(const struct core *core)
{
	return core->opt.conf_path ? core->opt.conf_path : CONF_PATH;
}

/* Says that it is ready, and serves until core_stop(). 0 or -errno, which was logged. */
int core_run(struct core *core);
void core_stop(struct core *core);

/*
 * Ends everything in reverse. The kernel's table stays, so that traffic goes on, unless a signal
 * ended us and keep_mappings_on_exit is no.
 */
void core_free(struct core *core);

#endif
