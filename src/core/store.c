/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs of struct store on SQLite. Owns the statements and the connection; the file itself is
 * store_file.c's, moving the log into it is checkpoint.c's.
 */
#include "core/store_sqlite.h"
#include "lib/addr.h"
#include "lib/log.h"
#include "lib/utf8.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define DESCRIPTION_MAX 511 /* octets kept of a description read from disk */
#define NONSENSE_LINES 5    /* bad rows logged one by one */

/* Columns, numbered as in STORE_LEASE_COLUMNS; parameters of STMT_PUT are these plus one. */
enum column {
	COL_ID,
	COL_PROTOCOL,
	COL_EXTERNAL_PORT,
	COL_REMOTE_HOST,
	COL_INTERNAL_CLIENT,
	COL_INTERNAL_PORT,
	COL_ENABLED,
	COL_ORIGIN,
	COL_CLIENT,
	COL_DURATION_S,
	COL_BOOT,
	COL_EXPIRES_BOOT_MS,
	COL_EXPIRES_WALL_S,
	COL_WRITTEN_S,
	COL_CREATED_S,
	COL_LAST_USED_S,
	COL_USE_PACKETS,
	COL_PACKETS,
	COL_OCTETS,
	COL_DESCRIPTION,
	COL_LEFT_MS, /* computed by the select of load(), not stored */
};

static_assert(COL_LEFT_MS == STORE_LEASE_N_COLUMNS, "columns differ from their names");

static const char *const stmt_sql[STMT_COUNT] = {
	[STMT_PUT] = "INSERT OR REPLACE INTO lease (" STORE_LEASE_COLUMNS
		     ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[STMT_DEL] = "DELETE FROM lease WHERE id = ?",
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
};

/* ---- errors ---- */

static int
to_errno(sqlite3 *db, int rc)
{
	int system;

	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		system = sqlite3_system_errno(db);
		if (system == EROFS)
			return -EROFS;
		return system == ENOSPC || system == EDQUOT ? -ENOSPC : -EIO;
	case SQLITE_READONLY:
		return -EROFS;
	}
	return -EIO;
}

const char *
store_error_str(int error)
{
	return error == -ENOSPC ? "the disk is full" : strerror(-error);
}

/* A full disk fails each of thousands of writes: only changes are logged. */
int
sqlite_store_written(struct sqlite_store *s, int rc)
{
	int error = to_errno(s->file.db, rc);

	if (error && error != s->store.error)
		log_error("%s cannot be written: %s (%s): what is asked for is refused until it "
			  "can",
		    s->file.path, store_error_str(error), sqlite3_errmsg(s->file.db));
	else if (!error && s->store.error)
		log_info("%s can be written again", s->file.path);
	s->store.error = error;
	return error;
}

/* Runs a prepared statement that returns no rows. */
static int
run(struct sqlite_store *s, sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);
	int error = sqlite_store_written(s, rc);

	sqlite3_reset(stmt);
	return error;
}

/* ---- writing ---- */

/* The log has grown: have it moved. Without a helper SQLite does it itself, on our time. */
static void
poke(struct sqlite_store *s)
{
	int rc;

	if (!s->checkpoint)
		return;
	rc = checkpoint_poke(s->checkpoint);
	if (rc == 0)
		return;
	log_warn("%s: no thread for checkpoints: %s", s->file.path, strerror(-rc));
	checkpoint_free(s->checkpoint);
	s->checkpoint = NULL;
	sqlite3_wal_autocheckpoint(s->file.db, 1000);
}

int
sqlite_store_change(struct sqlite_store *s, sqlite3_stmt *stmt)
{
	int error;

	if (s->in_batch && s->batch_error)
		return s->batch_error;
	error = run(s, stmt);
	if (s->in_batch)
		s->batch_error = error;
	else if (!error)
		poke(s);
	return error;
}

static void
bind_times(struct sqlite_store *s, const struct lease *lease, int64_t now_ms, int64_t wall_s)
{
	sqlite3_stmt *put = s->stmt[STMT_PUT];
	int64_t left_ms;

	sqlite3_bind_int64(put, COL_DURATION_S + 1, lease->duration_s);
	sqlite3_bind_int64(put, COL_BOOT + 1, s->boot);
	sqlite3_bind_int64(put, COL_WRITTEN_S + 1, wall_s);
	sqlite3_bind_int64(put, COL_CREATED_S + 1, lease->created_s);
	sqlite3_bind_int64(put, COL_LAST_USED_S + 1, lease->last_used_s);
	if (lease->expires_ms == LEASE_FOREVER) {
		sqlite3_bind_null(put, COL_EXPIRES_BOOT_MS + 1);
		sqlite3_bind_null(put, COL_EXPIRES_WALL_S + 1);
		return;
	}
	left_ms = lease->expires_ms > now_ms ? lease->expires_ms - now_ms : 0;
	sqlite3_bind_int64(put, COL_EXPIRES_BOOT_MS + 1, lease->expires_ms);
	sqlite3_bind_int64(put, COL_EXPIRES_WALL_S + 1, wall_s + (left_ms + 999) / 1000);
}

static int
store_put(struct store *store, const struct lease *lease, int64_t now_ms, int64_t wall_s)
{
	struct sqlite_store *s = sqlite_store(store);
	sqlite3_stmt *put = s->stmt[STMT_PUT];

	sqlite3_bind_int64(put, COL_ID + 1, lease->id);
	sqlite3_bind_int(put, COL_PROTOCOL + 1, lease->protocol);
	sqlite3_bind_int(put, COL_EXTERNAL_PORT + 1, lease->external_port);
	sqlite3_bind_int64(put, COL_REMOTE_HOST + 1, lease->remote_host);
	sqlite3_bind_int64(put, COL_INTERNAL_CLIENT + 1, lease->internal_client);
	sqlite3_bind_int(put, COL_INTERNAL_PORT + 1, lease->internal_port);
	sqlite3_bind_int(put, COL_ENABLED + 1, lease->enabled);
	sqlite3_bind_int(put, COL_ORIGIN + 1, lease->origin);
	sqlite3_bind_int64(put, COL_CLIENT + 1, lease->client);
	sqlite3_bind_int64(put, COL_USE_PACKETS + 1, (int64_t)lease->use_packets);
	sqlite3_bind_int64(put, COL_PACKETS + 1, (int64_t)lease->packets);
	sqlite3_bind_int64(put, COL_OCTETS + 1, (int64_t)lease->octets);
	sqlite3_bind_text(put, COL_DESCRIPTION + 1, lease->description ? lease->description : "",
	    -1, SQLITE_STATIC);
	bind_times(s, lease, now_ms, wall_s);
	return sqlite_store_change(s, s->stmt[STMT_PUT]);
}

static int
store_del(struct store *store, uint32_t id)
{
	struct sqlite_store *s = sqlite_store(store);

	sqlite3_bind_int64(s->stmt[STMT_DEL], 1, id);
	return sqlite_store_change(s, s->stmt[STMT_DEL]);
}

static int
store_begin(struct store *store)
{
	struct sqlite_store *s = sqlite_store(store);

	assert(!s->in_batch);
	s->batch_error = run(s, s->stmt[STMT_BEGIN]);
	s->in_batch = true;
	return s->batch_error;
}

static int
store_commit(struct store *store)
{
	struct sqlite_store *s = sqlite_store(store);
	int error = s->batch_error;

	assert(s->in_batch);
	if (!error)
		error = run(s, s->stmt[STMT_COMMIT]);
	/* A full disk may have ended the transaction already. */
	if (error && !sqlite3_get_autocommit(s->file.db))
		sqlite3_exec(s->file.db, "ROLLBACK", NULL, NULL, NULL);
	s->in_batch = false;
	if (!error)
		poke(s);
	return error;
}

/* ---- loading ---- */

sqlite3_stmt *
sqlite_store_prepare_timed(struct sqlite_store *s, const char *sql, int64_t now_ms, int64_t wall_s)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(s->file.db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return NULL;
	sqlite3_bind_int64(stmt, 1, s->boot);
	sqlite3_bind_int64(stmt, 2, now_ms);
	sqlite3_bind_int64(stmt, 3, wall_s);
	return stmt;
}

static int
run_timed(struct sqlite_store *s, const char *sql, int64_t now_ms, int64_t wall_s)
{
	sqlite3_stmt *stmt = sqlite_store_prepare_timed(s, sql, now_ms, wall_s);
	int rc = stmt ? sqlite3_step(stmt) : sqlite3_errcode(s->file.db);

	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
run_on_table(
    struct sqlite_store *s, const char *format, const char *table, int64_t now_ms, int64_t wall_s)
{
	char *sql = sqlite3_mprintf(format, table);
	int rc = sql ? run_timed(s, sql, now_ms, wall_s) : SQLITE_NOMEM;

	sqlite3_free(sql);
	return rc;
}

void
sqlite_store_tidy(struct sqlite_store *s, const char *table, int64_t now_ms, int64_t wall_s)
{
	static const char rebase[] =
	    "UPDATE %s SET expires_boot_ms = ?2 + " LEFT_MS ", boot = ?1 WHERE boot <> ?1";
	static const char expire[] =
	    "DELETE FROM %s WHERE boot = ?1 AND expires_boot_ms <= ?2 AND ?3 = ?3";
	int rc = sqlite3_exec(s->file.db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = run_on_table(s, rebase, table, now_ms, wall_s);
	if (rc == SQLITE_OK)
		rc = run_on_table(s, expire, table, now_ms, wall_s);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->file.db, "COMMIT", NULL, NULL, NULL);
	sqlite_store_written(s, rc);
	if (rc != SQLITE_OK && !sqlite3_get_autocommit(s->file.db))
		sqlite3_exec(s->file.db, "ROLLBACK", NULL, NULL, NULL);
}

/* A column that must be a number from @least to @most. */
static bool
column_in(sqlite3_stmt *row, enum column col, int64_t least, int64_t most, int64_t *out)
{
	*out = sqlite3_column_int64(row, col);
	return sqlite3_column_type(row, col) == SQLITE_INTEGER && *out >= least && *out <= most;
}

/* NULL, or what is wrong with the row. @l's description is left to the caller. */
static const char *
parse_row(sqlite3_stmt *row, int64_t now_ms, struct lease *l)
{
	int64_t v, left_ms;

	memset(l, 0, sizeof(*l));
#define TAKE(col, field, type, least, most)                                                        \
	do {                                                                                       \
		if (!column_in(row, col, least, most, &v))                                         \
			return #field;                                                             \
		l->field = (type)v;                                                                \
	} while (0)
	TAKE(COL_ID, id, uint32_t, 1, UINT32_MAX);
	TAKE(COL_PROTOCOL, protocol, uint8_t, IPPROTO_TCP, IPPROTO_UDP);
	if (l->protocol != IPPROTO_TCP && l->protocol != IPPROTO_UDP)
		return "protocol";
	TAKE(COL_EXTERNAL_PORT, external_port, uint16_t, 1, UINT16_MAX);
	TAKE(COL_REMOTE_HOST, remote_host, uint32_t, 0, UINT32_MAX);
	TAKE(COL_INTERNAL_CLIENT, internal_client, uint32_t, 1, UINT32_MAX);
	TAKE(COL_INTERNAL_PORT, internal_port, uint16_t, 1, UINT16_MAX);
	TAKE(COL_ENABLED, enabled, bool, 0, 1);
	TAKE(COL_ORIGIN, origin, uint8_t, LEASE_UPNP, LEASE_CONFIG);
	TAKE(COL_CLIENT, client, uint32_t, 0, UINT32_MAX);
	TAKE(COL_DURATION_S, duration_s, uint32_t, 0, UINT32_MAX);
	TAKE(COL_CREATED_S, created_s, int64_t, 0, INT64_MAX);
	TAKE(COL_LAST_USED_S, last_used_s, int64_t, 0, INT64_MAX);
	TAKE(COL_USE_PACKETS, use_packets, uint64_t, INT64_MIN, INT64_MAX);
	TAKE(COL_PACKETS, packets, uint64_t, INT64_MIN, INT64_MAX);
	TAKE(COL_OCTETS, octets, uint64_t, INT64_MIN, INT64_MAX);
#undef TAKE
	l->expires_ms = LEASE_FOREVER;
	if (sqlite3_column_type(row, COL_LEFT_MS) == SQLITE_NULL)
		return l->duration_s ? "expiry" : NULL;
	if (!column_in(row, COL_LEFT_MS, INT32_MIN, (int64_t)UINT32_MAX * 1000, &left_ms))
		return "expiry";
	l->expires_ms = now_ms + left_ms;
	return NULL;
}

static void
copy_description(sqlite3_stmt *row, char *text, size_t size)
{
	const unsigned char *stored = sqlite3_column_text(row, COL_DESCRIPTION);

	snprintf(text, size, "%s", stored ? (const char *)stored : "");
	utf8_sanitize(text);
}

struct load_count {
	size_t loaded, nonsense, refused;
	int refusal; /* the first one's -errno */
};

static void
load_row(sqlite3_stmt *row, int64_t now_ms, store_lease_fn fn, void *arg, struct load_count *n)
{
	char description[DESCRIPTION_MAX + 1];
	struct lease lease;
	const char *wrong;
	int rc;

	wrong = parse_row(row, now_ms, &lease);
	if (wrong) {
		if (n->nonsense++ < NONSENSE_LINES)
			log_warn("stored mapping %lld left out: its %s makes no sense",
			    (long long)sqlite3_column_int64(row, COL_ID), wrong);
		return;
	}
	if (lease.expires_ms <= now_ms)
		return;
	copy_description(row, description, sizeof(description));
	lease.description = description;
	rc = fn(arg, &lease);
	if (rc == 0) {
		n->loaded++;
		return;
	}
	if (n->refused++ == 0)
		n->refusal = rc;
}

static int
store_load(struct store *store, int64_t now_ms, int64_t wall_s, store_lease_fn fn, void *arg)
{
	static const char select[] =
	    "SELECT " STORE_LEASE_COLUMNS ", " LEFT_MS " FROM lease ORDER BY id";
	struct sqlite_store *s = sqlite_store(store);
	struct load_count n = { 0 };
	sqlite3_stmt *row;
	int rc;

	sqlite_store_tidy(s, "lease", now_ms, wall_s);
	row = sqlite_store_prepare_timed(s, select, now_ms, wall_s);
	if (!row) {
		log_error("%s: %s", s->file.path, sqlite3_errmsg(s->file.db));
		return -EIO;
	}
	while ((rc = sqlite3_step(row)) == SQLITE_ROW)
		load_row(row, now_ms, fn, arg, &n);
	if (rc != SQLITE_DONE)
		log_error("%s: %s", s->file.path, sqlite3_errmsg(s->file.db));
	sqlite3_finalize(row);
	if (n.nonsense > NONSENSE_LINES)
		log_warn("%zu stored mappings in all make no sense", n.nonsense);
	if (n.refused)
		log_warn(
		    "%zu stored mappings were not taken back: %s", n.refused, strerror(-n.refusal));
	log_debug("%zu mappings loaded from %s", n.loaded, s->file.path);
	sqlite3_db_release_memory(s->file.db);
	return rc == SQLITE_DONE ? 0 : to_errno(s->file.db, rc);
}

/* ---- named values ---- */

static int
store_meta_get(struct store *store, const char *name, void *buf, size_t size)
{
	struct sqlite_store *s = sqlite_store(store);
	sqlite3_stmt *stmt;
	int rc, n;

	rc = sqlite3_prepare_v2(
	    s->file.db, "SELECT value FROM meta WHERE name = ?", -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		return to_errno(s->file.db, rc);
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		const void *value = sqlite3_column_blob(stmt, 0);

		n = sqlite3_column_bytes(stmt, 0);
		if ((size_t)n > size)
			n = -EMSGSIZE;
		else if (n)
			memcpy(buf, value, (size_t)n);
	} else {
		n = rc == SQLITE_DONE ? -ENOENT : to_errno(s->file.db, rc);
	}
	sqlite3_finalize(stmt);
	return n;
}

static int
store_meta_put(struct store *store, const char *name, const void *buf, size_t size)
{
	struct sqlite_store *s = sqlite_store(store);
	sqlite3_stmt *stmt;
	int rc;

	rc = sqlite3_prepare_v2(
	    s->file.db, "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		return sqlite_store_written(s, rc);
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	/* Not bind_blob(NULL): that would be the value NULL. */
	if (size)
		sqlite3_bind_blob64(stmt, 2, buf, size, SQLITE_STATIC);
	else
		sqlite3_bind_zeroblob(stmt, 2, 0);
	rc = sqlite_store_written(s, sqlite3_step(stmt));
	sqlite3_finalize(stmt);
	return rc;
}

/* ---- life ---- */

static const char *
store_spare(struct store *store)
{
	return sqlite_store(store)->file.spare;
}

static void
store_free(struct store *store)
{
	struct sqlite_store *s = sqlite_store(store);
	size_t i;

	if (!s)
		return;
	checkpoint_free(s->checkpoint);
	sqlite_store_pinhole_exit(s);
	for (i = 0; i < STMT_COUNT; i++)
		sqlite3_finalize(s->stmt[i]);
	store_file_close(&s->file);
	free(s);
}

static int
prepare_all(struct sqlite_store *s)
{
	size_t i;

	for (i = 0; i < STMT_COUNT; i++) {
		if (sqlite3_prepare_v3(s->file.db, stmt_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
			&s->stmt[i], NULL) != SQLITE_OK) {
			log_error("%s: %s", s->file.path, sqlite3_errmsg(s->file.db));
			return -EIO;
		}
	}
	return 0;
}

struct store *
store_open_at_boot(const char *dir, int64_t boot)
{
	static const struct store verbs = {
		.put = store_put,
		.del = store_del,
		.load = store_load,
		.put_pinhole = sqlite_store_put_pinhole,
		.del_pinhole = sqlite_store_del_pinhole,
		.load_pinholes = sqlite_store_load_pinholes,
		.meta_get = store_meta_get,
		.meta_put = store_meta_put,
		.begin = store_begin,
		.commit = store_commit,
		.spare = store_spare,
		.free = store_free,
	};
	struct sqlite_store *s;

	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* saves a lock for each allocation */
	s = calloc(1, sizeof(*s));
	if (!s) {
		log_error("%s: %s", dir, strerror(ENOMEM));
		return NULL;
	}
	s->store = verbs;
	s->boot = boot;
	if (store_file_open(&s->file, dir) < 0 || prepare_all(s) < 0) {
		store_free(&s->store);
		return NULL;
	}
	sqlite_store_pinhole_init(s);
	if (s->file.shared)
		s->checkpoint = checkpoint_new(s->file.path, CHECKPOINT_GATHER_MS);
	if (!s->checkpoint)
		sqlite3_wal_autocheckpoint(s->file.db, 1000);
	return &s->store;
}

/*
 * The kernel's boot id as a number (FNV-1a). Where there is none each start counts as a reboot, so
 * that the wall clock decides.
 */
static int64_t
this_boot(void)
{
	uint64_t hash = 0xcbf29ce484222325;
	char id[64] = "";
	size_t i;
	FILE *f;

	f = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (f) {
		if (!fgets(id, sizeof(id), f))
			id[0] = '\0';
		fclose(f);
	}
	if (!id[0] && getrandom(id, sizeof(id), GRND_NONBLOCK) != sizeof(id))
		snprintf(id, sizeof(id), "%p", (void *)&hash);
	for (i = 0; i < sizeof(id); i++)
		hash = (hash ^ (unsigned char)id[i]) * 0x100000001b3;
	return (int64_t)hash;
}

struct store *
store_open(const char *dir)
{
	return store_open_at_boot(dir, this_boot());
}
