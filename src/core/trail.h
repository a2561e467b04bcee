/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit trail: who asked for what, when, what was answered and why; and what happened by itself
 * (expiry, healing, workers that ended).
 *
 * A row is put into a ring in memory, which costs the request less than a microsecond, and is
 * written to disk (trail_store.h) with those that follow, a quarter of a second later. A crash
 * loses at most that moment of the trail; what was granted is in the lease store before the answer.
 *
 * Who floods cannot make it forget others: what is the same again within an hour is counted in one
 * row, and each client has two budgets of rows, for what is granted and for what is refused. What
 * goes beyond is counted in a row "left-out" of that client. On a full disk rows are lost, the
 * oldest first, with one line in the log.
 */
#ifndef PORTREEVE_CORE_TRAIL_H
#define PORTREEVE_CORE_TRAIL_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "ipc/result.h"
#include "lib/addr6.h"

#define TRAIL_MAC_STRLEN 25 /* 8 octets, as of InfiniBand or FireWire */
#define TRAIL_HOST_MAX 64
#define TRAIL_REASON_MAX 256
#define TRAIL_RULE_MAX 64
#define TRAIL_DESCRIPTION_MAX 64

#define TRAIL_RING 512       /* rows that wait for the disk */
#define TRAIL_GATHER_MS 250  /* from a row to the disk */
#define TRAIL_RETRY_MS 10000 /* after the disk refused */
#define TRAIL_FOLD_S 3600    /* the same again within this time is counted */
#define TRAIL_BURST 256      /* rows that a client may cause at once... */
#define TRAIL_REFILL_MS 5000 /* ... and then one more each so many milliseconds */

/* Who caused it. */
enum trail_origin {
	TRAIL_BY_UPNP,
	TRAIL_BY_CLI,
	TRAIL_BY_CONFIGURATION,
	TRAIL_BY_EXPIRY,
	TRAIL_BY_HEALING,
	TRAIL_BY_DAEMON, /* the processes themselves */
	TRAIL_ORIGINS
};

enum trail_action {
	/* what somebody asked for */
	TRAIL_ADD,
	TRAIL_ADD_ANY,
	TRAIL_RENEW, /* an add of what was there already */
	TRAIL_DELETE,
	TRAIL_DELETE_RANGE,
	TRAIL_PINHOLE_ADD,
	TRAIL_PINHOLE_UPDATE,
	TRAIL_PINHOLE_DELETE,
	TRAIL_CONNECT,
	TRAIL_DISCONNECT,
	TRAIL_FORCE_DISCONNECT,
	TRAIL_SET_TIME,
	TRAIL_CONFIGURE, /* the kind of connection, or its password: refused to all */
	TRAIL_RELOAD,
	/* what came by itself */
	TRAIL_EXPIRE,
	TRAIL_HEAL,
	TRAIL_WORKER_END,
	TRAIL_START,
	TRAIL_CRASH, /* the run before did not end in order */
	TRAIL_STOP,
	TRAIL_CLOCK_JUMP,
	TRAIL_SET_ASIDE, /* a database that could not be used */
	TRAIL_ROWS_LOST, /* of this trail */
	TRAIL_LEFT_OUT,  /* requests of one client beyond its budget */
	TRAIL_ACTIONS
};

/* Of a mapping: as it is, or as it was asked for. */
enum trail_enabled { TRAIL_ENABLED_NONE, TRAIL_ENABLED_NO, TRAIL_ENABLED_YES };

/*
 * One row. What does not apply is zero. Addresses: all zero for none, IPv4 as ::ffff:a.b.c.d. Text
 * is UTF-8 without control characters: who fills it in sees to that.
 */
struct trail_row {
	uint64_t id;      /* trail_add() fills in this... */
	int64_t time_s;   /* ... this: wall clock; of the first, if the same came again... */
	int64_t last_s;   /* ... of the last... */
	uint32_t count;   /* ... and how often */
	uint8_t origin;   /* enum trail_origin */
	uint8_t action;   /* enum trail_action */
	uint8_t result;   /* enum result */
	bool told_upnp;   /* the client was told the result's UPnP code */
	uint32_t ifindex; /* of the LAN the client is on: for its MAC address */
	bool has_uid;
	uint32_t uid; /* of the user of the CLI who asked */
	struct addr6 client;
	struct addr6 remote_host;
	struct addr6 internal_client;
	uint16_t protocol; /* IANA's number, or MSG_PROTO_ANY */
	uint16_t external_port;
	uint16_t last_port; /* of a range */
	uint16_t internal_port;
	uint8_t enabled; /* enum trail_enabled */
	bool has_lease_s;
	uint32_t lease_s; /* as granted, or as asked for when refused; 0: permanent */
	uint32_t mapping; /* id of the lease */
	uint16_t pinhole; /* id */
	uint32_t rule_line;
	char rule[TRAIL_RULE_MAX];
	char reason[TRAIL_REASON_MAX];
	char description[TRAIL_DESCRIPTION_MAX];
};

/* Called when a row is written. @buf is empty where nothing is known. */
typedef void (*trail_mac_fn)(
    void *arg, uint32_t ifindex, const struct addr6 *client, char buf[TRAIL_MAC_STRLEN]);
typedef void (*trail_host_fn)(void *arg, const struct addr6 *client, char buf[TRAIL_HOST_MAX]);

struct trail_options {
	const char *dir;         /* the state directory; kept, not copied */
	struct event_base *base; /* NULL: who adds rows flushes them, too */
	int64_t (*now_ms)(void); /* CLOCK_BOOTTIME */
	int64_t (*wall_s)(void);
	uint32_t rows_max, days_max; /* retention; no rows: no trail. No days: no limit by age */
	trail_mac_fn mac;            /* NULL: not known */
	trail_host_fn host;
	void *arg; /* of those two */
};

struct trail;
struct trail_store;

/* NULL: no memory. A file that cannot be opened is tried again with each batch. */
struct trail *trail_new(const struct trail_options *options);

/* Writes what is left. */
void trail_free(struct trail *trail);

/* Takes effect with the next batch. */
void trail_set_retention(struct trail *trail, uint32_t rows_max, uint32_t days_max);

/* Copies @row. Nothing can fail; @trail may be NULL. No I/O. */
void trail_add(struct trail *trail, const struct trail_row *row);

/* Writes what waits. 0 or -errno, which was logged when it is another one than last time. */
int trail_flush(struct trail *trail);

/* What is on disk, with all rows that waited where that can be done. NULL: there is no file. */
struct trail_store *trail_read(struct trail *trail);

/* Stable words: "upnp", "add-any"; outcome: "ok", "refused", "expired" or "event". */
const char *trail_origin_str(enum trail_origin origin);
const char *trail_action_str(enum trail_action action);
const char *trail_outcome_str(const struct trail_row *row);

#endif
