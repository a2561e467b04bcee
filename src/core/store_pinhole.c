/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pinholes on disk. Their table is an addition to the file: a program that knows nothing of it can
 * use the rest, and a file without it gets it. Addresses are blobs of 16 octets.
 */
#include "core/store_sqlite.h"
#include "ipc/msg.h"
#include "lib/log.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define COLUMNS                                                                                    \
	"id, origin, protocol, remote_host, remote_port, internal_client, internal_port, client, " \
	"host, duration_s, boot, expires_boot_ms, expires_wall_s, written_s, created_s, "          \
	"last_used_s, packets"

enum column {
	COL_ID,
	COL_ORIGIN,
	COL_PROTOCOL,
	COL_REMOTE_HOST,
	COL_REMOTE_PORT,
	COL_INTERNAL_CLIENT,
	COL_INTERNAL_PORT,
	COL_CLIENT,
	COL_HOST,
	COL_DURATION_S,
	COL_BOOT,
	COL_EXPIRES_BOOT_MS,
	COL_EXPIRES_WALL_S,
	COL_WRITTEN_S,
	COL_CREATED_S,
	COL_LAST_USED_S,
	COL_PACKETS,
	COL_LEFT_MS, /* computed, not stored */
};

static const char table[] = "CREATE TABLE IF NOT EXISTS pinhole ("
			    "	id INTEGER PRIMARY KEY,"
			    "	origin INTEGER NOT NULL,"
			    "	protocol INTEGER NOT NULL,"
			    "	remote_host BLOB NOT NULL,"
			    "	remote_port INTEGER NOT NULL,"
			    "	internal_client BLOB NOT NULL,"
			    "	internal_port INTEGER NOT NULL,"
			    "	client BLOB NOT NULL,"
			    "	host BLOB NOT NULL,"
			    "	duration_s INTEGER NOT NULL,"
			    "	boot INTEGER NOT NULL,"
			    "	expires_boot_ms INTEGER NOT NULL,"
			    "	expires_wall_s INTEGER NOT NULL,"
			    "	written_s INTEGER NOT NULL,"
			    "	created_s INTEGER NOT NULL,"
			    "	last_used_s INTEGER NOT NULL,"
			    "	packets INTEGER NOT NULL)";

/* ---- statements ---- */

void
sqlite_store_pinhole_init(struct sqlite_store *s)
{
	sqlite_store_written(s, sqlite3_exec(s->file.db, table, NULL, NULL, NULL));
}

void
sqlite_store_pinhole_exit(struct sqlite_store *s)
{
	sqlite3_finalize(s->put_pinhole);
	sqlite3_finalize(s->del_pinhole);
}

/* 0 or -errno, which was logged. The table may have been missing on a disk that was full. */
static int
prepare(struct sqlite_store *s, const char *sql, sqlite3_stmt **stmt)
{
	if (*stmt)
		return 0;
	if (sqlite3_prepare_v3(s->file.db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) ==
	    SQLITE_OK)
		return 0;
	sqlite_store_pinhole_init(s);
	return sqlite_store_written(
	    s, sqlite3_prepare_v3(s->file.db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL));
}

/* ---- writing ---- */

static void
bind_addr(sqlite3_stmt *stmt, enum column col, const struct addr6 *addr)
{
	sqlite3_bind_blob(stmt, col + 1, addr->octet, sizeof(addr->octet), SQLITE_STATIC);
}

int
sqlite_store_put_pinhole(
    struct store *store, const struct pinhole *p, int64_t now_ms, int64_t wall_s)
{
	struct sqlite_store *s = sqlite_store(store);
	int64_t left_ms = p->expires_ms > now_ms ? p->expires_ms - now_ms : 0;
	int rc = prepare(s,
	    "INSERT OR REPLACE INTO pinhole (" COLUMNS
	    ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	    &s->put_pinhole);
	sqlite3_stmt *put = s->put_pinhole;

	if (rc < 0)
		return rc;
	sqlite3_bind_int(put, COL_ID + 1, p->id);
	sqlite3_bind_int(put, COL_ORIGIN + 1, p->origin);
	sqlite3_bind_int(put, COL_PROTOCOL + 1, p->key.protocol);
	bind_addr(put, COL_REMOTE_HOST, &p->key.remote_host);
	sqlite3_bind_int(put, COL_REMOTE_PORT + 1, p->key.remote_port);
	bind_addr(put, COL_INTERNAL_CLIENT, &p->key.internal_client);
	sqlite3_bind_int(put, COL_INTERNAL_PORT + 1, p->key.internal_port);
	bind_addr(put, COL_CLIENT, &p->client);
	bind_addr(put, COL_HOST, &p->host);
	sqlite3_bind_int64(put, COL_DURATION_S + 1, p->duration_s);
	sqlite3_bind_int64(put, COL_BOOT + 1, s->boot);
	sqlite3_bind_int64(put, COL_EXPIRES_BOOT_MS + 1, p->expires_ms);
	sqlite3_bind_int64(put, COL_EXPIRES_WALL_S + 1, wall_s + (left_ms + 999) / 1000);
	sqlite3_bind_int64(put, COL_WRITTEN_S + 1, wall_s);
	sqlite3_bind_int64(put, COL_CREATED_S + 1, p->created_s);
	sqlite3_bind_int64(put, COL_LAST_USED_S + 1, p->last_used_s);
	sqlite3_bind_int64(put, COL_PACKETS + 1, (int64_t)p->packets);
	return sqlite_store_change(s, put);
}

int
sqlite_store_del_pinhole(struct store *store, uint16_t id)
{
	struct sqlite_store *s = sqlite_store(store);
	int rc = prepare(s, "DELETE FROM pinhole WHERE id = ?", &s->del_pinhole);

	if (rc < 0)
		return rc;
	sqlite3_bind_int(s->del_pinhole, 1, id);
	return sqlite_store_change(s, s->del_pinhole);
}

/* ---- loading ---- */

static bool
take(sqlite3_stmt *row, enum column col, int64_t most, int64_t *out)
{
	*out = sqlite3_column_int64(row, col);
	return sqlite3_column_type(row, col) == SQLITE_INTEGER && *out >= 0 && *out <= most;
}

static bool
take_u16(sqlite3_stmt *row, enum column col, uint16_t *out)
{
	int64_t v;
	bool good = take(row, col, UINT16_MAX, &v);

	*out = (uint16_t)v;
	return good;
}

static bool
take_addr(sqlite3_stmt *row, enum column col, struct addr6 *addr)
{
	const void *blob = sqlite3_column_blob(row, col);

	if (!blob || sqlite3_column_bytes(row, col) != sizeof(addr->octet))
		return false;
	memcpy(addr->octet, blob, sizeof(addr->octet));
	return true;
}

static bool
parse_row(sqlite3_stmt *row, int64_t now_ms, struct pinhole *p)
{
	int64_t origin = 0, duration = 0, packets = 0, left_ms = 0;

	memset(p, 0, sizeof(*p));
	if (!take_u16(row, COL_ID, &p->id) || p->id == 0 ||
	    !take(row, COL_ORIGIN, LEASE_STATIC, &origin) ||
	    !take_u16(row, COL_PROTOCOL, &p->key.protocol) ||
	    !take_addr(row, COL_REMOTE_HOST, &p->key.remote_host) ||
	    !take_u16(row, COL_REMOTE_PORT, &p->key.remote_port) ||
	    !take_addr(row, COL_INTERNAL_CLIENT, &p->key.internal_client) ||
	    !take_u16(row, COL_INTERNAL_PORT, &p->key.internal_port) ||
	    !take_addr(row, COL_CLIENT, &p->client) || !take_addr(row, COL_HOST, &p->host) ||
	    !take(row, COL_DURATION_S, UINT32_MAX, &duration) ||
	    !take(row, COL_CREATED_S, INT64_MAX, &p->created_s) ||
	    !take(row, COL_LAST_USED_S, INT64_MAX, &p->last_used_s) ||
	    !take(row, COL_PACKETS, INT64_MAX, &packets) ||
	    !take(row, COL_LEFT_MS, (int64_t)UINT32_MAX * 1000, &left_ms))
		return false;
	p->origin = (uint8_t)origin;
	p->duration_s = (uint32_t)duration;
	p->packets = (uint64_t)packets;
	p->expires_ms = now_ms + left_ms;
	if (p->key.protocol == MSG_PROTO_ANY)
		return !p->key.remote_port && !p->key.internal_port;
	return p->key.protocol <= UINT8_MAX && !addr6_is_zero(&p->key.internal_client);
}

int
sqlite_store_load_pinholes(
    struct store *store, int64_t now_ms, int64_t wall_s, store_pinhole_fn fn, void *arg)
{
	static const char select[] = "SELECT " COLUMNS ", " LEFT_MS " FROM pinhole ORDER BY id";
	struct sqlite_store *s = sqlite_store(store);
	unsigned nonsense = 0;
	struct pinhole p;
	sqlite3_stmt *row;
	int rc;

	sqlite_store_tidy(s, "pinhole", now_ms, wall_s);
	row = sqlite_store_prepare_timed(s, select, now_ms, wall_s);
	if (!row) {
		/* No table and no room for one: then there is nothing in it. */
		log_warn("%s: %s", s->file.path, sqlite3_errmsg(s->file.db));
		return 0;
	}
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		if (!parse_row(row, now_ms, &p))
			nonsense++;
		else if (p.expires_ms > now_ms && fn(arg, &p) < 0)
			nonsense++;
	}
	if (rc != SQLITE_DONE)
		log_error("%s: %s", s->file.path, sqlite3_errmsg(s->file.db));
	sqlite3_finalize(row);
	if (nonsense)
		log_warn("%u stored pinholes left out: they make no sense", nonsense);
	return rc == SQLITE_DONE ? 0 : -EIO;
}
