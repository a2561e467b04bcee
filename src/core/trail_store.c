/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns audit.db: its connection, its statements, and the thread that moves its log. */
#include "core/trail_store.h"

#include <errno.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint.h"
#include "core/lease_json.h"
#include "core/store_file.h"
#include "ipc/msg.h"
#include "lib/log.h"

#define PRUNE_ROWS 512 /* at a time: about a millisecond */
#define INCIDENTS_LOOKED_AT 2000

/* In the order in which rows are bound and shown. */
#define COLUMNS                                                                                    \
	"id, time_s, last_s, count, outcome, origin, client, mac, host, uid, action, protocol, "   \
	"external_port, last_port, remote_host, internal_client, internal_port, enabled, "         \
	"lease_s, "                                                                                \
	"description, result, upnp_code, rule, rule_line, reason, mapping, pinhole"
#define PLACES "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?"

enum column {
	COL_ID,
	COL_TIME_S,
	COL_LAST_S,
	COL_COUNT,
	COL_OUTCOME,
	COL_ORIGIN,
	COL_CLIENT,
	COL_MAC,
	COL_HOST,
	COL_UID,
	COL_ACTION,
	COL_PROTOCOL,
	COL_EXTERNAL_PORT,
	COL_LAST_PORT,
	COL_REMOTE_HOST,
	COL_INTERNAL_CLIENT,
	COL_INTERNAL_PORT,
	COL_ENABLED,
	COL_LEASE_S,
	COL_DESCRIPTION,
	COL_RESULT,
	COL_UPNP_CODE,
	COL_RULE,
	COL_RULE_LINE,
	COL_REASON,
	COL_MAPPING,
	COL_PINHOLE,
	N_COLUMNS
};

/* Names of the members of a row in JSON; times are texts there. */
static const char *const member[N_COLUMNS] = { "id", "time", "last", "count", "outcome", "origin",
	"client", "mac", "host", "uid", "action", "protocol", "external_port", "last_port",
	"remote_host", "internal_client", "internal_port", "enabled", "lease_s", "description",
	"result", "upnp_code", "rule", "rule_line", "reason", "mapping", "pinhole" };

/* The index holds what came by itself only, so the rows of requests cost nothing there. */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE trail ("
    "	id INTEGER PRIMARY KEY,"
    "	time_s INTEGER NOT NULL,"
    "	last_s INTEGER NOT NULL,"
    "	count INTEGER NOT NULL,"
    "	outcome TEXT NOT NULL,"
    "	origin TEXT NOT NULL,"
    "	client TEXT, mac TEXT, host TEXT, uid INTEGER,"
    "	action TEXT NOT NULL,"
    "	protocol TEXT, external_port INTEGER, last_port INTEGER, remote_host TEXT,"
    "	internal_client TEXT, internal_port INTEGER, enabled INTEGER, lease_s INTEGER, description "
    "TEXT,"
    "	result TEXT NOT NULL, upnp_code INTEGER,"
    "	rule TEXT, rule_line INTEGER, reason TEXT,"
    "	mapping INTEGER, pinhole INTEGER);"
    "CREATE INDEX incident ON trail (id) WHERE outcome = 'event';"
    "PRAGMA user_version=3;"
    "COMMIT";

static const struct store_kind trail_kind = {
	.name = TRAIL_FILE_NAME,
	.schema = schema,
	.version = 3,
	.upgrades = { { "SELECT enabled FROM trail LIMIT 0",
			  "ALTER TABLE trail ADD COLUMN enabled INTEGER" },
	    { "SELECT uid FROM trail LIMIT 0", "ALTER TABLE trail ADD COLUMN uid INTEGER" } },
	.page_size = 4096,
	.probes = { "SELECT " COLUMNS " FROM trail LIMIT 0" },
	.loss = "the audit trail in it is not continued",
};

enum stmt { STMT_BEGIN, STMT_COMMIT, STMT_PUT, STMT_REPEAT, STMT_PRUNE, STMT_COUNT };

static const char *const stmt_sql[STMT_COUNT] = {
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_PUT] = "INSERT INTO trail (" COLUMNS ") VALUES (" PLACES ")",
	[STMT_REPEAT] = "UPDATE trail SET count = count + ?2, last_s = ?3 WHERE id = ?1",
	[STMT_PRUNE] = "DELETE FROM trail WHERE id < ?1 AND (id <= ?2 OR last_s < ?3)",
};

struct trail_store {
	struct store_file file;
	struct checkpoint *checkpoint; /* NULL: SQLite checkpoints by itself */
	sqlite3_stmt *stmt[STMT_COUNT];
	int batch_rc; /* of SQLite */
	bool broken;  /* found while reading, or by whomever: the next commit says so */
	char error[128];
};

/* ---- life ---- */

void
trail_store_free(struct trail_store *ts)
{
	size_t i;

	if (!ts)
		return;
	checkpoint_free(ts->checkpoint);
	for (i = 0; i < STMT_COUNT; i++)
		sqlite3_finalize(ts->stmt[i]);
	store_file_close(&ts->file);
	free(ts);
}

static int
prepare_all(struct trail_store *ts)
{
	size_t i;

	for (i = 0; i < STMT_COUNT; i++) {
		if (sqlite3_prepare_v3(ts->file.db, stmt_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
			&ts->stmt[i], NULL) != SQLITE_OK) {
			log_error("%s: %s", ts->file.path, sqlite3_errmsg(ts->file.db));
			return -EIO;
		}
	}
	return 0;
}

struct trail_store *
trail_store_open(const char *dir, char *spare, size_t size)
{
	struct trail_store *ts = calloc(1, sizeof(*ts));
	int rc;

	snprintf(spare, size, "%s", "");
	if (!ts)
		return NULL;
	rc = store_file_open_beside(&ts->file, dir, &trail_kind);
	if (rc == 0 && ts->file.spare)
		snprintf(spare, size, "%s", ts->file.spare);
	if (rc < 0 || prepare_all(ts) < 0) {
		trail_store_free(ts);
		return NULL;
	}
	if (ts->file.shared)
		ts->checkpoint = checkpoint_new(ts->file.path, CHECKPOINT_GATHER_MS);
	if (!ts->checkpoint)
		sqlite3_wal_autocheckpoint(ts->file.db, 1000);
	return ts;
}

/* A number that a statement without parameters tells; 0: none. */
static int64_t
number(struct trail_store *ts, const char *sql)
{
	sqlite3_stmt *stmt;
	int64_t value = 0;

	if (sqlite3_prepare_v2(ts->file.db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return 0;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

uint64_t
trail_store_last_id(struct trail_store *ts)
{
	return (uint64_t)number(ts, "SELECT max(id) FROM trail");
}

static int64_t
first_id(struct trail_store *ts)
{
	return number(ts, "SELECT min(id) FROM trail");
}

/* Is the file itself at fault? */
static int
note(struct trail_store *ts, int rc)
{
	if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB)
		ts->broken = true;
	return rc;
}

/* ---- writing ---- */

static void
run(struct trail_store *ts, enum stmt which)
{
	int rc;

	if (ts->batch_rc != SQLITE_OK)
		return;
	rc = note(ts, sqlite3_step(ts->stmt[which]));
	sqlite3_reset(ts->stmt[which]);
	if (rc == SQLITE_DONE || rc == SQLITE_ROW)
		return;
	ts->batch_rc = rc;
	snprintf(ts->error, sizeof(ts->error), "%s", sqlite3_errmsg(ts->file.db));
}

void
trail_store_begin(struct trail_store *ts)
{
	ts->batch_rc = SQLITE_OK;
	run(ts, STMT_BEGIN);
}

/* What is empty or zero is NULL. Text must live until the statement has run. */
static void
bind_text(sqlite3_stmt *put, enum column col, const char *text)
{
	if (text && *text)
		sqlite3_bind_text(put, col + 1, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(put, col + 1);
}

static void
bind_number(sqlite3_stmt *put, enum column col, int64_t value)
{
	if (value)
		sqlite3_bind_int64(put, col + 1, value);
	else
		sqlite3_bind_null(put, col + 1);
}

static const char *
addr_text(const struct addr6 *addr, char buf[ADDR6_STRLEN])
{
	return addr6_is_zero(addr) ? "" : addr6_str(addr, buf);
}

static const char *
protocol_text(uint16_t protocol, char buf[8])
{
	switch (protocol) {
	case 0:
		return "";
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case MSG_PROTO_ANY:
		return "any";
	}
	snprintf(buf, 8, "%u", protocol);
	return buf;
}

void
trail_store_put(
    struct trail_store *ts, const struct trail_row *row, const char *mac, const char *host)
{
	char client[ADDR6_STRLEN], remote[ADDR6_STRLEN], internal[ADDR6_STRLEN], protocol[8];
	enum result result = (enum result)row->result;
	sqlite3_stmt *put = ts->stmt[STMT_PUT];

	sqlite3_bind_int64(put, COL_ID + 1, (int64_t)row->id);
	sqlite3_bind_int64(put, COL_TIME_S + 1, row->time_s);
	sqlite3_bind_int64(put, COL_LAST_S + 1, row->last_s);
	sqlite3_bind_int64(put, COL_COUNT + 1, row->count);
	bind_text(put, COL_OUTCOME, trail_outcome_str(row));
	bind_text(put, COL_ORIGIN, trail_origin_str((enum trail_origin)row->origin));
	bind_text(put, COL_CLIENT, addr_text(&row->client, client));
	bind_text(put, COL_MAC, mac);
	bind_text(put, COL_HOST, host);
	if (row->has_uid)
		sqlite3_bind_int64(put, COL_UID + 1, row->uid);
	else
		sqlite3_bind_null(put, COL_UID + 1);
	bind_text(put, COL_ACTION, trail_action_str((enum trail_action)row->action));
	bind_text(put, COL_PROTOCOL, protocol_text(row->protocol, protocol));
	bind_number(put, COL_EXTERNAL_PORT, row->external_port);
	bind_number(put, COL_LAST_PORT, row->last_port);
	bind_text(put, COL_REMOTE_HOST, addr_text(&row->remote_host, remote));
	bind_text(put, COL_INTERNAL_CLIENT, addr_text(&row->internal_client, internal));
	bind_number(put, COL_INTERNAL_PORT, row->internal_port);
	if (row->enabled)
		sqlite3_bind_int(put, COL_ENABLED + 1, row->enabled == TRAIL_ENABLED_YES);
	else
		sqlite3_bind_null(put, COL_ENABLED + 1);
	if (row->has_lease_s)
		sqlite3_bind_int64(put, COL_LEASE_S + 1, row->lease_s);
	else
		sqlite3_bind_null(put, COL_LEASE_S + 1);
	bind_text(put, COL_DESCRIPTION, row->description);
	bind_text(put, COL_RESULT, result_str(result));
	bind_number(put, COL_UPNP_CODE, row->told_upnp ? result_upnp_code(result) : 0);
	bind_text(put, COL_RULE, row->rule);
	bind_number(put, COL_RULE_LINE, row->rule_line);
	bind_text(put, COL_REASON, row->reason);
	bind_number(put, COL_MAPPING, row->mapping);
	bind_number(put, COL_PINHOLE, row->pinhole);
	run(ts, STMT_PUT);
}

void
trail_store_repeat(struct trail_store *ts, uint64_t id, uint32_t more, int64_t last_s)
{
	sqlite3_stmt *repeat = ts->stmt[STMT_REPEAT];

	sqlite3_bind_int64(repeat, 1, (int64_t)id);
	sqlite3_bind_int64(repeat, 2, more);
	sqlite3_bind_int64(repeat, 3, last_s);
	run(ts, STMT_REPEAT);
}

/* The log has grown: have it moved. Without a helper SQLite does it itself, on our time. */
static void
poke(struct trail_store *ts)
{
	if (!ts->checkpoint || checkpoint_poke(ts->checkpoint) == 0)
		return;
	log_warn("%s: no thread for checkpoints", ts->file.path);
	checkpoint_free(ts->checkpoint);
	ts->checkpoint = NULL;
	sqlite3_wal_autocheckpoint(ts->file.db, 1000);
}

int
trail_store_commit(struct trail_store *ts)
{
	int rc;

	if (!ts->broken)
		run(ts, STMT_COMMIT);
	rc = ts->batch_rc;
	if (rc == SQLITE_OK && !ts->broken) {
		poke(ts);
		return 0;
	}
	/* A full disk may have ended the transaction already. */
	if (!sqlite3_get_autocommit(ts->file.db))
		sqlite3_exec(ts->file.db, "ROLLBACK", NULL, NULL, NULL);
	if (ts->broken)
		return -EBADMSG;
	return (rc & 0xff) == SQLITE_FULL ? -ENOSPC : -EIO;
}

const char *
trail_store_error(struct trail_store *ts)
{
	return ts->broken ? "it is damaged" : ts->error;
}

bool
trail_store_prune(struct trail_store *ts, uint32_t rows_max, int64_t oldest_s)
{
	int64_t first = first_id(ts), last = (int64_t)trail_store_last_id(ts);
	sqlite3_stmt *prune = ts->stmt[STMT_PRUNE];
	int rc;

	if (first == 0)
		return false;
	sqlite3_bind_int64(prune, 1, first + PRUNE_ROWS);
	sqlite3_bind_int64(prune, 2, last - rows_max);
	sqlite3_bind_int64(prune, 3, oldest_s);
	rc = note(ts, sqlite3_step(prune));
	sqlite3_reset(prune);
	return rc == SQLITE_DONE && sqlite3_changes(ts->file.db) >= PRUNE_ROWS;
}

/* ---- reading ---- */

static json_t *
value_json(sqlite3_stmt *stmt, enum column col)
{
	if (col == COL_TIME_S || col == COL_LAST_S)
		return time_json(sqlite3_column_int64(stmt, col));
	switch (sqlite3_column_type(stmt, col)) {
	case SQLITE_INTEGER:
		if (col == COL_ENABLED)
			return json_boolean(sqlite3_column_int(stmt, col));
		return json_integer(sqlite3_column_int64(stmt, col));
	case SQLITE_TEXT:
		return text_json((const char *)sqlite3_column_text(stmt, col));
	}
	return json_null();
}

static json_t *
row_json(sqlite3_stmt *stmt)
{
	json_t *row = json_object();
	enum column col;

	for (col = 0; col < N_COLUMNS; col++)
		json_object_set_new(row, member[col], value_json(stmt, col));
	return row;
}

/* Rows of a stretch of ids, so that a filter that fits nothing has an end, too. */
static sqlite3_stmt *
prepare_page(struct trail_store *ts, const struct trail_query *q, int64_t after, int64_t until)
{
	static const char sql[] =
	    "SELECT " COLUMNS " FROM trail WHERE id > ?1 AND id <= ?2 AND last_s >= ?3 "
	    "AND (?4 IS NULL OR client = ?4 OR internal_client = ?4 OR mac = ?4 OR host = ?4 "
	    "COLLATE NOCASE) "
	    "AND (?5 = 0 OR external_port = ?5 OR internal_port = ?5 "
	    "OR ?5 BETWEEN external_port AND last_port) "
	    "AND (?6 IS NULL OR outcome = ?6) AND (?8 = 0 OR mapping = ?8) AND (?9 = 0 OR pinhole "
	    "= ?9) "
	    "ORDER BY id LIMIT ?7";
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(ts->file.db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return NULL;
	sqlite3_bind_int64(stmt, 1, after);
	sqlite3_bind_int64(stmt, 2, until);
	sqlite3_bind_int64(stmt, 3, q->since_s);
	if (q->client)
		sqlite3_bind_text(stmt, 4, q->client, -1, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 5, q->port);
	if (q->outcome)
		sqlite3_bind_text(stmt, 6, q->outcome, -1, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 7, q->limit);
	sqlite3_bind_int64(stmt, 8, q->mapping);
	sqlite3_bind_int64(stmt, 9, q->pinhole);
	return stmt;
}

json_t *
trail_store_page(struct trail_store *ts, const struct trail_query *q)
{
	int64_t first = first_id(ts), last = (int64_t)trail_store_last_id(ts), after, until, next;
	json_t *rows = json_array();
	sqlite3_stmt *stmt;
	int rc, n = 0;

	after = (int64_t)q->after < first - 1 ? first - 1 : (int64_t)q->after;
	until = last - after > TRAIL_SCAN_MAX ? after + TRAIL_SCAN_MAX : last;
	next = until < last ? until : 0;
	stmt = prepare_page(ts, q, after, until);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		json_array_append_new(rows, row_json(stmt));
		if (++n == q->limit)
			next = sqlite3_column_int64(stmt, COL_ID);
	}
	sqlite3_finalize(stmt);
	sqlite3_db_release_memory(ts->file.db);
	if (note(ts, rc) != SQLITE_DONE) {
		json_decref(rows);
		return NULL;
	}
	return json_pack("{s:o, s:o}", "trail", rows, "next",
	    next && next < last ? json_integer(next) : json_null());
}

json_t *
trail_store_last_refusal(struct trail_store *ts, const char *client)
{
	static const char sql[] =
	    "SELECT " COLUMNS " FROM trail WHERE id > ?1 "
	    "AND outcome = 'refused' AND (client = ?2 OR mac = ?2 OR host = ?2 COLLATE NOCASE) "
	    "ORDER BY last_s DESC, id DESC LIMIT 1";
	json_t *row = json_null();
	sqlite3_stmt *stmt;
	int rc;

	if (sqlite3_prepare_v2(ts->file.db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return NULL;
	sqlite3_bind_int64(stmt, 1, (int64_t)trail_store_last_id(ts) - TRAIL_LAST_MAX);
	sqlite3_bind_text(stmt, 2, client, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		row = row_json(stmt);
	else if (note(ts, rc) != SQLITE_DONE)
		row = NULL;
	sqlite3_finalize(stmt);
	sqlite3_db_release_memory(ts->file.db);
	return row;
}

int
trail_store_incident(
    struct trail_store *ts, enum trail_action action, int64_t since_s, struct trail_incident *out)
{
	static const char sql[] =
	    "SELECT sum(count), max(last_s), reason FROM (SELECT * FROM trail INDEXED BY incident "
	    "WHERE outcome = 'event' ORDER BY id DESC LIMIT ?3) WHERE action = ?1 AND last_s >= ?2";
	sqlite3_stmt *stmt;
	int rc;

	memset(out, 0, sizeof(*out));
	if (sqlite3_prepare_v2(ts->file.db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return -EIO;
	bind_text(stmt, 0, trail_action_str(action));
	sqlite3_bind_int64(stmt, 2, since_s);
	sqlite3_bind_int(stmt, 3, INCIDENTS_LOOKED_AT);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		const unsigned char *text = sqlite3_column_text(stmt, 2);

		out->count = (uint32_t)sqlite3_column_int64(stmt, 0);
		out->last_s = sqlite3_column_int64(stmt, 1);
		snprintf(out->text, sizeof(out->text), "%s", text ? (const char *)text : "");
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : -EIO;
}
