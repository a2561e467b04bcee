/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of the store on SQLite share: store.c (leases), store_pinhole.c. */
#ifndef PORTREEVE_CORE_STORE_SQLITE_H
#define PORTREEVE_CORE_STORE_SQLITE_H

#include "core/checkpoint.h"
#include "core/store.h"
#include "core/store_file.h"

/* 2024-01-01: a clock before this program was written has not been set. */
#define WALL_SANE "1704067200"

/* The time left of a row in ms, NULL when it is permanent. ?1 boot, ?2 now_ms, ?3 wall_s. */
#define LEFT_MS                                                                                    \
	"CASE WHEN boot = ?1 OR expires_boot_ms IS NULL THEN expires_boot_ms - ?2 "                \
	"WHEN ?3 < written_s OR ?3 < " WALL_SANE " OR written_s < " WALL_SANE                      \
	" THEN duration_s * 1000 "                                                                 \
	"ELSE min(expires_wall_s - ?3, duration_s) * 1000 END"

enum stmt { STMT_PUT, STMT_DEL, STMT_BEGIN, STMT_COMMIT, STMT_COUNT };

struct sqlite_store {
	struct store store; /* the verbs; first, so that a struct store * leads here */
	struct store_file file;
	struct checkpoint *checkpoint; /* NULL: SQLite checkpoints by itself */
	sqlite3_stmt *stmt[STMT_COUNT];
	sqlite3_stmt *put_pinhole, *del_pinhole; /* NULL until they are needed */
	int64_t boot;
	bool in_batch;
	int batch_error;
};

static inline struct sqlite_store *
sqlite_store(struct store *store)
{
	return (struct sqlite_store *)store;
}

/* A result code of a write: 0 or -errno, logged when it is another one than last time. */
int sqlite_store_written(struct sqlite_store *s, int rc);

/* Runs a prepared statement that changes something and resets it, alone or as part of a batch. 0 or
 * -errno. */
int sqlite_store_change(struct sqlite_store *s, sqlite3_stmt *stmt);

/* A statement used once, with the three parameters of LEFT_MS. NULL on error. */
sqlite3_stmt *sqlite_store_prepare_timed(
    struct sqlite_store *s, const char *sql, int64_t now_ms, int64_t wall_s);

/*
 * Puts rows of another boot on this boot's clock, so that from now on only one that nobody can set
 * counts, and deletes what has expired. Where this fails (disk full) the select of load() finds the
 * same by itself. @table has the columns that LEFT_MS looks at.
 */
void sqlite_store_tidy(struct sqlite_store *s, const char *table, int64_t now_ms, int64_t wall_s);

/* store_pinhole.c: the verbs for pinholes. Their table is made when it is missing. */
void sqlite_store_pinhole_init(struct sqlite_store *s);
void sqlite_store_pinhole_exit(struct sqlite_store *s);
int sqlite_store_put_pinhole(
    struct store *store, const struct pinhole *p, int64_t now_ms, int64_t wall_s);
int sqlite_store_del_pinhole(struct store *store, uint16_t id);
int sqlite_store_load_pinholes(
    struct store *store, int64_t now_ms, int64_t wall_s, store_pinhole_fn fn, void *arg);

#endif
