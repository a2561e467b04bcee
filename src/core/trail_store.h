/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit trail on disk: DIR/audit.db, an SQLite database beside the leases' and apart from it,
 * so that whatever happens to the one leaves the other alone. People may read it with sqlite3: what
 * has a name is stored as text.
 */
#ifndef PORTREEVE_CORE_TRAIL_STORE_H
#define PORTREEVE_CORE_TRAIL_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/trail.h"

#define TRAIL_FILE_NAME "audit.db"

/* Of "trail": rows in one answer, and rows that are looked at for it (some milliseconds). */
#define TRAIL_PAGE_DEFAULT 100
#define TRAIL_PAGE_MAX 200
#define TRAIL_SCAN_MAX 4000
#define TRAIL_LAST_MAX 20000 /* rows that are looked at for the last refusal */

struct trail_store;

/*
 * A file that cannot be used is set aside and a fresh one begun, which is logged and said in @spare
 * (the name it has now; empty: there was no such). NULL: not even that, which was logged.
 */
struct trail_store *trail_store_open(const char *dir, char *spare, size_t size);
void trail_store_free(struct trail_store *ts);

/* The greatest id in the file, 0: none. */
uint64_t trail_store_last_id(struct trail_store *ts);

/*
 * One batch: begin, then rows and repeats, then commit, which returns 0 or -errno: all of it or
 * nothing. -ENOSPC: the disk is full. -EBADMSG: the file is broken, open it anew. Nothing is
 * logged.
 */
void trail_store_begin(struct trail_store *ts);
void trail_store_put(
    struct trail_store *ts, const struct trail_row *row, const char *mac, const char *host);
void trail_store_repeat(struct trail_store *ts, uint64_t id, uint32_t more, int64_t last_s);
int trail_store_commit(struct trail_store *ts);

/* Why the last batch was not written, for people. */
const char *trail_store_error(struct trail_store *ts);

/*
 * Deletes the oldest rows: those beyond @rows_max, and those that ended before @oldest_s; at most a
 * few hundred. True: there may be more. Errors are the next batch's to find.
 */
bool trail_store_prune(struct trail_store *ts, uint32_t rows_max, int64_t oldest_s);

/* What somebody wants to see; see control.h, verb "trail". */
struct trail_query {
	uint64_t after; /* rows with greater ids */
	int64_t since_s;
	const char *client;  /* NULL: any */
	int port;            /* 0: any */
	int64_t mapping;     /* the id of one; 0: any */
	int64_t pinhole;     /* likewise */
	const char *outcome; /* "ok", "refused", "expired"; NULL: any */
	int limit;
};

/* {"trail": [...], "next": id or null}, a new reference; NULL: the file cannot be read, or no
 * memory. */
json_t *trail_store_page(struct trail_store *ts, const struct trail_query *query);

/*
 * The last request of @client (an address, a MAC address or a host's name, as the trail spells it)
 * that was refused: its row, a new reference; null: none among the latest rows. NULL: as above.
 */
json_t *trail_store_last_refusal(struct trail_store *ts, const char *client);

/* What has happened of a kind since @since_s: how often, when last, and what was said of that. */
struct trail_incident {
	uint32_t count;
	int64_t last_s;
	char text[TRAIL_REASON_MAX];
};

/* 0: *@out is filled (count 0: nothing has); or -errno. */
int trail_store_incident(
    struct trail_store *ts, enum trail_action action, int64_t since_s, struct trail_incident *out);

#endif
