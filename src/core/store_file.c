/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the database file. A file that cannot be used must neither stop the gateway nor be lost: it
 * is set aside under another name for a human to look at. A file that only cannot be used now (disk
 * full, locked) is left where it is.
 */
#include <config.h>

#include "core/store_file.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUSY_MS 1000

/* Checkpoints are checkpoint.c's; the log is cut to 4 MiB when it begins anew. */
#define PRAGMAS                                                                                    \
	"PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-128; "         \
	"PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=4194304; "                            \
	"PRAGMA trusted_schema=OFF"

/* quick_check takes about 10 ms for 2 MiB; larger files go without. */
#define CHECK_BYTES_MAX (32 << 20)

/*
 * Times: *_s is wall clock, expires_boot_ms is CLOCK_BOOTTIME of the boot whose id is in boot; both
 * expiries are NULL for permanent leases. Addresses are numbers; the view shows them to people.
 */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE lease ("
    "	id INTEGER PRIMARY KEY,"
    "	protocol INTEGER NOT NULL,"
    "	external_port INTEGER NOT NULL,"
    "	remote_host INTEGER NOT NULL,"
    "	internal_client INTEGER NOT NULL,"
    "	internal_port INTEGER NOT NULL,"
    "	enabled INTEGER NOT NULL,"
    "	origin INTEGER NOT NULL,"
    "	client INTEGER NOT NULL,"
    "	duration_s INTEGER NOT NULL,"
    "	boot INTEGER NOT NULL,"
    "	expires_boot_ms INTEGER,"
    "	expires_wall_s INTEGER,"
    "	written_s INTEGER NOT NULL,"
    "	created_s INTEGER NOT NULL,"
    "	last_used_s INTEGER NOT NULL,"
    "	use_packets INTEGER NOT NULL,"
    "	packets INTEGER NOT NULL,"
    "	octets INTEGER NOT NULL,"
    "	description TEXT NOT NULL);"
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE VIEW leases AS SELECT id,"
    "	CASE protocol WHEN 6 THEN 'TCP' WHEN 17 THEN 'UDP' ELSE protocol END AS protocol,"
    "	external_port,"
    "	CASE remote_host WHEN 0 THEN '*' ELSE printf('%d.%d.%d.%d', remote_host >> 24,"
    "		remote_host >> 16 & 255, remote_host >> 8 & 255, remote_host & 255) END"
    "		AS remote_host,"
    "	printf('%d.%d.%d.%d', internal_client >> 24, internal_client >> 16 & 255,"
    "		internal_client >> 8 & 255, internal_client & 255) AS internal_client,"
    "	internal_port, enabled,"
    "	CASE origin WHEN 0 THEN 'upnp' WHEN 1 THEN 'static' WHEN 2 THEN 'config' ELSE origin END "
    "AS origin,"
    "	datetime(created_s, 'unixepoch') AS created,"
    "	datetime(expires_wall_s, 'unixepoch') AS expires, description FROM lease;"
    "PRAGMA user_version=2;"
    "COMMIT";

/* Pages of 1 KiB: a put writes one or two of them to the log. */
static const struct store_kind lease_kind = {
	.name = STORE_FILE_NAME,
	.schema = schema,
	.version = 2,
	.upgrades = { { "SELECT packets, octets FROM lease LIMIT 0",
	    "ALTER TABLE lease ADD COLUMN packets INTEGER NOT NULL DEFAULT 0;"
	    "ALTER TABLE lease ADD COLUMN octets INTEGER NOT NULL DEFAULT 0" } },
	.page_size = 1024,
	.probes = { "SELECT " STORE_LEASE_COLUMNS " FROM lease LIMIT 0",
	    "SELECT name, value FROM meta LIMIT 0" },
	.loss = "the mappings it held are lost unless clients renew them",
};

/* How an attempt to open ended. */
enum attempt {
	ATTEMPT_OK,
	ATTEMPT_BROKEN, /* the file itself is at fault: set it aside */
	ATTEMPT_FAILED, /* something else is: leave it alone */
};

struct reason {
	char text[256];
};

/* Is a result code of SQLite's the file's fault? */
static bool
blames_file(sqlite3 *db, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* a table or column is missing */
	case SQLITE_SCHEMA:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_READONLY:
		return true;
	case SQLITE_CANTOPEN:
		switch (sqlite3_system_errno(db)) {
		case EMFILE:
		case ENFILE:
		case ENOMEM:
		case ENOSPC:
		case EDQUOT:
		case EROFS:
			return false;
		}
		return true;
	case SQLITE_IOERR:
		return sqlite3_system_errno(db) == EIO || rc == SQLITE_IOERR_SHORT_READ ||
		       rc == SQLITE_IOERR_CORRUPTFS;
	}
	return false;
}

static enum attempt
judge(sqlite3 *db, int rc, struct reason *why)
{
	if (rc == SQLITE_OK)
		return ATTEMPT_OK;
	snprintf(why->text, sizeof(why->text), "%s", db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
	return db && blames_file(db, rc) ? ATTEMPT_BROKEN : ATTEMPT_FAILED;
}

/* The first column of the first row: as number in @value, or as text in @text (both may be NULL).
 */
static int
query_one(sqlite3 *db, const char *sql, int64_t *value, char *text, size_t size)
{
	sqlite3_stmt *stmt;
	int rc;

	rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && value)
		*value = sqlite3_column_int64(stmt, 0);
	if (rc == SQLITE_ROW && text)
		snprintf(text, size, "%s",
		    sqlite3_column_text(stmt, 0) ? (const char *)sqlite3_column_text(stmt, 0) : "");
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/*
 * Looks at the first octets before SQLite does: it removes the log of a file that is no database,
 * and that may be all that is left of the leases.
 */
static enum attempt
check_magic(const char *path, struct reason *why)
{
	static const char magic[16] = "SQLite format 3";
	char head[sizeof(magic)];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return ATTEMPT_OK; /* what is wrong with it, SQLite will tell */
	n = read(fd, head, sizeof(head));
	close(fd);
	if (n <= 0 || (n == sizeof(head) && memcmp(head, magic, sizeof(head)) == 0))
		return ATTEMPT_OK;
	snprintf(why->text, sizeof(why->text), "it is not a database");
	return ATTEMPT_BROKEN;
}

/* A name that nothing has yet: PATH.corrupt-20240131-235959, then with -2, -3, ... */
static char *
spare_name(const char *path)
{
	time_t now = time(NULL);
	char stamp[32], more[16] = "";
	struct stat st;
	struct tm tm;
	char *name;
	int i;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	for (i = 2; i < 100; i++) {
		if (asprintf(&name, "%s.corrupt-%s%s", path, stamp, more) < 0)
			return NULL;
		if (lstat(name, &st) < 0 && errno == ENOENT)
			return name;
		free(name);
		snprintf(more, sizeof(more), "-%d", i);
	}
	return NULL;
}

/*
 * SQLite takes a log whose head is damaged for an empty one, and says nothing. The mappings in it
 * are lost in any case; here that is said, and the log is kept for who wants to look. An empty head
 * is what a power cut leaves of a log that was never forced to the disk.
 */
static void
check_log(const struct store_file *file)
{
	static const unsigned char magic[3] = { 0x37, 0x7f, 0x06 }, empty[sizeof(magic)];
	unsigned char head[sizeof(magic)];
	char *log = NULL, *spare = NULL;
	int fd = -1;

	if (asprintf(&log, "%s-wal", file->path) < 0)
		return;
	fd = open(log, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, head, sizeof(head)) == sizeof(head) &&
	    memcmp(head, magic, sizeof(head)) != 0 && memcmp(head, empty, sizeof(head)) != 0) {
		spare = spare_name(log);
		if (spare && rename(log, spare) == 0)
			log_error("%s is damaged. It is now %s; of what was changed last, %s", log,
			    spare, file->kind->loss);
	}
	if (fd >= 0)
		close(fd);
	free(spare);
	free(log);
}

/* Missing: made here, since SQLite would give it the umask's mode. */
static enum attempt
check_inode(const struct store_file *file, struct reason *why)
{
	const char *path = file->path;
	enum attempt result;
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0 && errno == ENOENT) {
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0) {
			snprintf(why->text, sizeof(why->text), "%s", strerror(errno));
			return ATTEMPT_FAILED;
		}
		close(fd);
		return ATTEMPT_OK;
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		snprintf(why->text, sizeof(why->text), "it is not a file");
		return ATTEMPT_BROKEN;
	}
	result = check_magic(path, why);
	if (result == ATTEMPT_OK)
		check_log(file);
	return result;
}

/* The pragmas, and the step to WAL. */
static int
configure(const struct store_file *file, bool exclusive)
{
	char mode[16] = "", page_size[32];
	sqlite3 *db = file->db;
	int rc;

	sqlite3_extended_result_codes(db, 1);
	sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0); /* 40 to 120 KiB each */
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_busy_timeout(db, BUSY_MS);
	snprintf(page_size, sizeof(page_size), "PRAGMA page_size=%d", file->kind->page_size);
	rc = sqlite3_exec(db, page_size, NULL, NULL, NULL);
	if (rc == SQLITE_OK && exclusive)
		rc = sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = query_one(db, "PRAGMA journal_mode=WAL", NULL, mode, sizeof(mode));
	if (rc == SQLITE_OK && strcmp(mode, "wal") != 0)
		log_warn("%s: no write-ahead log on this file system; writes are slow", file->path);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, PRAGMAS, NULL, NULL, NULL);
	return rc;
}

/* From @version to the kind's own, all of it or nothing: who closes the file rolls back. */
static int
upgrade(const struct store_file *file, int version)
{
	const struct store_kind *kind = file->kind;
	const struct store_upgrade *step;
	char set_version[48];
	sqlite3 *db = file->db;
	int rc, from = version;

	if (version == kind->version)
		return SQLITE_OK;
	snprintf(set_version, sizeof(set_version), "PRAGMA user_version=%d", kind->version);
	rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	for (; rc == SQLITE_OK && version < kind->version; version++) {
		step = &kind->upgrades[version - 1];
		if (query_one(db, step->probe, NULL, NULL, 0) != SQLITE_OK)
			rc = sqlite3_exec(db, step->sql, NULL, NULL, NULL);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, set_version, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		log_info(
		    "%s: its schema was version %d and is %d now", file->path, from, kind->version);
	return rc;
}

/* @verdict: "ok", or what is wrong with the file. */
static int
check_pages(sqlite3 *db, char *verdict, size_t size)
{
	int64_t bytes = 0;
	int rc =
	    query_one(db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
		&bytes, NULL, 0);

	snprintf(verdict, size, "ok");
	if (rc == SQLITE_OK && bytes <= CHECK_BYTES_MAX)
		rc = query_one(db, "PRAGMA quick_check(1)", NULL, verdict, size);
	return rc;
}

/* Makes the tables in an empty file; in another checks that they are ours and whole, and brings
 * those of an earlier version up to date. What is damaged is not written to. */
static enum attempt
check_content(const struct store_file *file, struct reason *why)
{
	const struct store_kind *kind = file->kind;
	int64_t version = 0, objects = 0;
	sqlite3 *db = file->db;
	char verdict[160];
	size_t i;
	int rc;

	rc = query_one(db, "PRAGMA user_version", &version, NULL, 0);
	if (rc == SQLITE_OK)
		rc = query_one(db, "SELECT count(*) FROM sqlite_master", &objects, NULL, 0);
	if (rc == SQLITE_OK && version == 0 && objects == 0)
		return judge(db, sqlite3_exec(db, kind->schema, NULL, NULL, NULL), why);
	if (rc == SQLITE_OK && (version < 1 || version > kind->version)) {
		snprintf(why->text, sizeof(why->text),
		    "its schema is version %lld, this program knows %d", (long long)version,
		    kind->version);
		return ATTEMPT_BROKEN;
	}
	if (rc == SQLITE_OK)
		rc = check_pages(db, verdict, sizeof(verdict));
	if (rc == SQLITE_OK && strcmp(verdict, "ok") != 0) {
		snprintf(why->text, sizeof(why->text), "%s", verdict);
		return ATTEMPT_BROKEN;
	}
	if (rc == SQLITE_OK)
		rc = upgrade(file, (int)version);
	for (i = 0; rc == SQLITE_OK && i < STORE_PROBES_MAX && kind->probes[i]; i++)
		rc = query_one(db, kind->probes[i], NULL, NULL, 0);
	return judge(db, rc, why);
}

static enum attempt
try_open(struct store_file *file, bool exclusive, struct reason *why)
{
	enum attempt result;
	int rc;

	result = check_inode(file, why);
	if (result != ATTEMPT_OK)
		return result;
	rc = sqlite3_open_v2(
	    file->path, &file->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK && sqlite3_db_readonly(file->db, "main")) {
		snprintf(why->text, sizeof(why->text), "it may not be written");
		result = ATTEMPT_BROKEN;
	} else {
		if (rc == SQLITE_OK)
			rc = configure(file, exclusive);
		result = judge(file->db, rc, why);
		if (result == ATTEMPT_OK)
			result = check_content(file, why);
	}
	if (result != ATTEMPT_OK) {
		/* Leaves a broken file and its log as they are. */
		if (file->db)
			sqlite3_db_config(file->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		sqlite3_close(file->db);
		file->db = NULL;
	}
	file->shared = !exclusive;
	return result;
}

/* With its log, and under names that still belong together, so that it can be opened by hand. */
static int
set_aside(struct store_file *file, const char *why)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	const char *path = file->path;
	char *spare = spare_name(path), *from = NULL, *to = NULL;
	int rc = spare ? 0 : -EEXIST;
	size_t i;

	for (i = 0; rc == 0 && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (asprintf(&from, "%s%s", path, suffixes[i]) < 0)
			from = NULL;
		if (asprintf(&to, "%s%s", spare, suffixes[i]) < 0)
			to = NULL;
		if (!from || !to)
			rc = -ENOMEM;
		else if (rename(from, to) < 0 && errno != ENOENT)
			rc = -errno;
		free(from);
		free(to);
	}
	if (rc < 0)
		log_error("%s cannot be used (%s) nor set aside: %s", path, why, strerror(-rc));
	else
		log_error("%s cannot be used: %s. It is now %s; a fresh one is begun, and %s", path,
		    why, spare, file->kind->loss);
	free(file->spare);
	file->spare = spare;
	return rc;
}

static int
open_or_set_aside(struct store_file *file)
{
	struct reason why = { "" };
	enum attempt result;
	int rc;

	result = try_open(file, false, &why);
	if (result == ATTEMPT_BROKEN) {
		rc = set_aside(file, why.text);
		if (rc < 0)
			return rc;
		result = try_open(file, false, &why);
	} else if (result == ATTEMPT_FAILED) {
		/* On a full disk there may be no room for the index of the log, which this way is
		 * kept in memory: the mappings that are there already can be read. */
		result = try_open(file, true, &why);
	}
	if (result == ATTEMPT_OK)
		return 0;
	log_error("%s: %s", file->path, why.text);
	return -EIO;
}

/* Two daemons on one directory would overwrite each other's leases. */
static int
lock_dir(const char *dir)
{
	int fd, rc;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
		rc = -errno;
		log_error("%s: %s", dir, strerror(-rc));
		return rc;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		rc = -errno;
		log_error("%s: %s", dir, strerror(-rc));
		return rc;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		log_error("%s is in use by another process", dir);
		close(fd);
		return -EBUSY;
	}
	return fd;
}

static int
open_kind(struct store_file *file, const char *dir, const struct store_kind *kind)
{
	int rc;

	file->kind = kind;
	if (asprintf(&file->path, "%s/%s", dir, kind->name) < 0) {
		file->path = NULL;
		log_error("%s: %s", dir, strerror(ENOMEM));
		rc = -ENOMEM;
	} else {
		rc = open_or_set_aside(file);
	}
	if (rc < 0)
		store_file_close(file);
	return rc;
}

int
store_file_open(struct store_file *file, const char *dir)
{
	memset(file, 0, sizeof(*file));
	file->dir_fd = lock_dir(dir);
	if (file->dir_fd < 0)
		return file->dir_fd;
	return open_kind(file, dir, &lease_kind);
}

int
store_file_open_beside(struct store_file *file, const char *dir, const struct store_kind *kind)
{
	memset(file, 0, sizeof(*file));
	file->dir_fd = -1;
	return open_kind(file, dir, kind);
}

void
store_file_close(struct store_file *file)
{
	sqlite3_close(file->db);
	free(file->path);
	free(file->spare);
	if (file->dir_fd >= 0)
		close(file->dir_fd);
	memset(file, 0, sizeof(*file));
	file->dir_fd = -1;
}
