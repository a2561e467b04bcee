/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real store on files of our own; the clock and the boot id are the test's. */
#include <config.h>

#include "core/checkpoint.h"
#include "core/store.h"
#include "core/store_file.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <netinet/in.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BOOT 41
#define NEXT_BOOT 42
#define NOW_MS 5000000    /* CLOCK_BOOTTIME at which leases are written */
#define WALL_S 1750000000 /* and the wall clock then */
#define LOADED_MAX 20000

static char dir[64];
static struct store *store;

static struct lease loaded[LOADED_MAX];
static char descriptions[LOADED_MAX][16];
static size_t n_loaded;

static int
on_lease(void *arg UNUSED, const struct lease *l)
{
	CU_ASSERT_FATAL(n_loaded < LOADED_MAX);
	loaded[n_loaded] = *l;
	snprintf(descriptions[n_loaded], sizeof(descriptions[0]), "%s", l->description);
	loaded[n_loaded].description = descriptions[n_loaded];
	n_loaded++;
	return 0;
}

static void
reopen(int64_t boot)
{
	if (store)
		store->free(store);
	store = store_open_at_boot(dir, boot);
	CU_ASSERT_PTR_NOT_NULL_FATAL(store);
}

static size_t
load(int64_t now_ms, int64_t wall_s)
{
	n_loaded = 0;
	CU_ASSERT_EQUAL(store->load(store, now_ms, wall_s, on_lease, NULL), 0);
	return n_loaded;
}

static void
setup(void)
{
	strcpy(dir, "/tmp/test_store.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	reopen(BOOT);
}

static void
teardown(void)
{
	char cmd[128];

	if (store)
		store->free(store);
	store = NULL;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd) != 0)
		perror(cmd);
}

static const char *
path_of(const char *suffix)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/" STORE_FILE_NAME "%s", dir, suffix);
	return path;
}

static struct lease
a_lease(uint32_t id, uint32_t duration_s)
{
	struct lease l = {
		.id = id,
		.external_port = (uint16_t)(8000 + id),
		.protocol = id % 2 ? IPPROTO_TCP : IPPROTO_UDP,
		.origin = LEASE_UPNP,
		.enabled = true,
		.internal_port = 80,
		.internal_client = 0xc0a80107,
		.client = 0xc0a80107,
		.duration_s = duration_s,
		.expires_ms = duration_s ? NOW_MS + (int64_t)duration_s * 1000 : LEASE_FOREVER,
		.created_s = WALL_S - 10,
		.description = (char *)"game",
	};

	return l;
}

static void
put(uint32_t id, uint32_t duration_s)
{
	struct lease l = a_lease(id, duration_s);

	CU_ASSERT_EQUAL(store->put(store, &l, NOW_MS, WALL_S), 0);
}

/* Runs SQL on the file behind the store's back, while it is closed. */
static void
tamper(const char *sql)
{
	sqlite3 *db;

	store->free(store);
	store = NULL;
	CU_ASSERT_EQUAL(sqlite3_open(path_of(""), &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* Names in the directory that match portreeve.db.corrupt-DATE-TIME@suffix */
static size_t
set_aside_with(const char *suffix)
{
	char pattern[128];
	glob_t found;
	size_t n;

	snprintf(pattern, sizeof(pattern), "%s/" STORE_FILE_NAME ".corrupt-[0-9]*-*[0-9]%s", dir,
	    suffix);
	n = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
	globfree(&found);
	return n;
}

static size_t
set_aside(void)
{
	return set_aside_with("");
}

static void
test_lease_comes_back_as_it_was(void)
{
	struct lease l = {
		.id = 4000000000,
		.remote_host = 0xcb007109,
		.external_port = 65535,
		.protocol = IPPROTO_UDP,
		.origin = LEASE_STATIC,
		.enabled = false,
		.internal_port = 1,
		.internal_client = 0xfffffffe,
		.client = 0,
		.duration_s = 3600,
		.expires_ms = NOW_MS + 1234567,
		.created_s = WALL_S - 5,
		.last_used_s = WALL_S - 1,
		.use_packets = UINT64_MAX,
		.packets = UINT64_MAX - 1,
		.octets = UINT64_MAX - 2,
		.description = (char *)"J\xc3\xbcrgen's",
	};
	struct stat st;

	setup();
	CU_ASSERT_EQUAL(store->put(store, &l, NOW_MS, WALL_S), 0);
	put(1, 0);
	CU_ASSERT_EQUAL(stat(path_of(""), &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	reopen(BOOT);
	CU_ASSERT_EQUAL_FATAL(load(NOW_MS, WALL_S), 2);
	CU_ASSERT_EQUAL(loaded[0].id, 1);
	CU_ASSERT_EQUAL(loaded[0].expires_ms, LEASE_FOREVER);
	CU_ASSERT_STRING_EQUAL(loaded[1].description, l.description);
	l.description = loaded[1].description;
	CU_ASSERT_EQUAL(loaded[1].id, l.id);
	CU_ASSERT_EQUAL(loaded[1].remote_host, l.remote_host);
	CU_ASSERT_EQUAL(loaded[1].external_port, l.external_port);
	CU_ASSERT_EQUAL(loaded[1].protocol, l.protocol);
	CU_ASSERT_EQUAL(loaded[1].origin, l.origin);
	CU_ASSERT_EQUAL(loaded[1].enabled, l.enabled);
	CU_ASSERT_EQUAL(loaded[1].internal_port, l.internal_port);
	CU_ASSERT_EQUAL(loaded[1].internal_client, l.internal_client);
	CU_ASSERT_EQUAL(loaded[1].client, l.client);
	CU_ASSERT_EQUAL(loaded[1].duration_s, l.duration_s);
	CU_ASSERT_EQUAL(loaded[1].expires_ms, l.expires_ms);
	CU_ASSERT_EQUAL(loaded[1].created_s, l.created_s);
	CU_ASSERT_EQUAL(loaded[1].last_used_s, l.last_used_s);
	CU_ASSERT_EQUAL(loaded[1].use_packets, l.use_packets);
	CU_ASSERT_EQUAL(loaded[1].packets, l.packets);
	CU_ASSERT_EQUAL(loaded[1].octets, l.octets);
	teardown();
}

static void
test_put_replaces_and_del_removes(void)
{
	struct lease l = a_lease(7, 600);

	setup();
	put(7, 600);
	put(8, 600);
	l.internal_port = 99;
	CU_ASSERT_EQUAL(store->put(store, &l, NOW_MS, WALL_S), 0);
	CU_ASSERT_EQUAL(store->del(store, 8), 0);
	CU_ASSERT_EQUAL(store->del(store, 12345), 0);
	reopen(BOOT);
	CU_ASSERT_EQUAL_FATAL(load(NOW_MS, WALL_S), 1);
	CU_ASSERT_EQUAL(loaded[0].internal_port, 99);
	teardown();
}

/* The process is killed: nothing is closed, nothing flushed. */
static void
test_what_was_put_survives_a_kill(void)
{
	pid_t child;
	int status;

	setup();
	store->free(store);
	store = NULL;
	fflush(stdout);
	child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0) {
		store = store_open_at_boot(dir, BOOT);
		put(1, 600);
		put(2, 600);
		store->del(store, 1);
		_exit(0);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	reopen(BOOT);
	CU_ASSERT_EQUAL_FATAL(load(NOW_MS, WALL_S), 1);
	CU_ASSERT_EQUAL(loaded[0].id, 2);
	teardown();
}

static void
test_same_boot_counts_by_its_own_clock_alone(void)
{
	setup();
	put(1, 600);
	put(2, 60);
	reopen(BOOT);
	CU_ASSERT_EQUAL_FATAL(load(NOW_MS + 60000, WALL_S - 86400 * 365), 1);
	CU_ASSERT_EQUAL(loaded[0].id, 1);
	CU_ASSERT_EQUAL(loaded[0].expires_ms, NOW_MS + 600000);
	reopen(BOOT);
	CU_ASSERT_EQUAL(load(NOW_MS, WALL_S), 1); /* the expired row was deleted */
	teardown();
}

static void
test_after_a_reboot_the_wall_clock_tells_what_is_left(void)
{
	setup();
	put(1, 600);
	put(2, 60);
	put(3, 0);
	reopen(NEXT_BOOT);
	CU_ASSERT_EQUAL_FATAL(load(9000, WALL_S + 100), 2);
	CU_ASSERT_EQUAL(loaded[0].id, 1);
	CU_ASSERT_EQUAL(loaded[0].expires_ms, 9000 + 500000);
	CU_ASSERT_EQUAL(loaded[1].expires_ms, LEASE_FOREVER);

	/* From the first load on it is this boot's clock, whatever is done to the other. */
	reopen(NEXT_BOOT);
	CU_ASSERT_EQUAL_FATAL(load(19000, WALL_S + 90000), 2);
	CU_ASSERT_EQUAL(loaded[0].expires_ms, 9000 + 500000);
	teardown();
}

static void
test_clock_set_back_gives_the_full_duration_and_no_more(void)
{
	setup();
	put(1, 600);
	reopen(NEXT_BOOT);
	CU_ASSERT_EQUAL_FATAL(load(9000, WALL_S - 1), 1);
	CU_ASSERT_EQUAL(loaded[0].expires_ms, 9000 + 600000);
	teardown();

	setup(); /* no clock chip: 1970 until somebody tells the time */
	put(1, 600);
	reopen(NEXT_BOOT);
	CU_ASSERT_EQUAL_FATAL(load(9000, 100), 1);
	CU_ASSERT_EQUAL(loaded[0].expires_ms, 9000 + 600000);
	teardown();
}

static void
test_lease_written_before_the_clock_was_set_is_not_lost(void)
{
	struct lease l = a_lease(1, 600);

	setup();
	CU_ASSERT_EQUAL(store->put(store, &l, NOW_MS, 300), 0);
	reopen(NEXT_BOOT);
	CU_ASSERT_EQUAL_FATAL(load(9000, WALL_S), 1);
	CU_ASSERT_EQUAL(loaded[0].expires_ms, 9000 + 600000);
	teardown();
}

static void
test_batch_is_one_write_or_none(void)
{
	setup();
	CU_ASSERT_EQUAL(store->begin(store), 0);
	put(1, 0);
	put(2, 0);
	CU_ASSERT_EQUAL(store->del(store, 1), 0);
	CU_ASSERT_EQUAL(store->commit(store), 0);
	CU_ASSERT_EQUAL(load(NOW_MS, WALL_S), 1);
	CU_ASSERT_EQUAL(store->begin(store), 0);
	put(3, 0);
	reopen(BOOT); /* died before the commit */
	CU_ASSERT_EQUAL(load(NOW_MS, WALL_S), 1);
	teardown();
}

static void
test_named_values_are_kept(void)
{
	char buf[8];

	setup();
	CU_ASSERT_EQUAL(store->meta_get(store, "uuid", buf, sizeof(buf)), -ENOENT);
	CU_ASSERT_EQUAL(store->meta_put(store, "uuid", "\0ab", 3), 0);
	CU_ASSERT_EQUAL(store->meta_put(store, "empty", "", 0), 0);
	reopen(BOOT);
	CU_ASSERT_EQUAL(store->meta_get(store, "uuid", buf, sizeof(buf)), 3);
	CU_ASSERT_EQUAL(memcmp(buf, "\0ab", 3), 0);
	CU_ASSERT_EQUAL(store->meta_get(store, "uuid", buf, 2), -EMSGSIZE);
	CU_ASSERT_EQUAL(store->meta_get(store, "empty", buf, sizeof(buf)), 0);
	teardown();
}

static void
test_rows_that_make_no_sense_are_left_out(void)
{
	static const char *const wrong[] = { "external_port = 0", "internal_port = 70000",
		"protocol = 7", "internal_client = 0", "enabled = 2", "origin = 'me'",
		"duration_s = -1", "expires_boot_ms = 'soon'", "expires_boot_ms = NULL",
		"remote_host = 4294967296", "use_packets = 1.5", "packets = 'x'", "octets = 0.5",
		"client = x'00'" };
	size_t i, n = sizeof(wrong) / sizeof(wrong[0]);
	char sql[128];

	setup();
	for (i = 0; i <= n; i++)
		put((uint32_t)i + 1, 600);
	for (i = 0; i < n; i++) {
		snprintf(sql, sizeof(sql), "UPDATE lease SET %s WHERE id = %zu", wrong[i], i + 1);
		tamper(sql);
		reopen(BOOT);
	}
	tamper("INSERT INTO lease SELECT -5, protocol, 1, 0, internal_client, 1, 1, 0, 0, 0, boot, "
	       "NULL, NULL, 0, 0, 0, 0, 0, 0, '' FROM lease LIMIT 1");
	reopen(BOOT);
	CU_ASSERT_EQUAL_FATAL(load(NOW_MS, WALL_S), 1);
	CU_ASSERT_EQUAL(loaded[0].id, n + 1);
	teardown();
}

static void
test_description_from_disk_is_made_harmless(void)
{
	setup();
	put(1, 0);
	tamper("UPDATE lease SET description = 'a' || char(27) || 'b'");
	reopen(BOOT);
	CU_ASSERT_EQUAL_FATAL(load(NOW_MS, WALL_S), 1);
	CU_ASSERT_STRING_EQUAL(loaded[0].description, "a?b");
	teardown();
}

static int
refuse(void *arg, const struct lease *l UNUSED)
{
	return ++*(int *)arg == 2 ? -EEXIST : 0;
}

static void
test_refused_lease_does_not_stop_the_others(void)
{
	int calls = 0;

	setup();
	put(1, 0);
	put(2, 0);
	put(3, 0);
	CU_ASSERT_EQUAL(store->load(store, NOW_MS, WALL_S, refuse, &calls), 0);
	CU_ASSERT_EQUAL(calls, 3);
	teardown();
}

/* After @spoil has done its work on the closed file: a fresh one, the old one beside it. */
static void
check_set_aside(void (*spoil)(void))
{
	setup();
	put(1, 0);
	store->free(store);
	store = NULL;
	spoil();
	reopen(BOOT);
	CU_ASSERT_EQUAL(set_aside(), 1);
	CU_ASSERT_EQUAL(load(NOW_MS, WALL_S), 0);
	put(2, 0);
	reopen(BOOT);
	CU_ASSERT_EQUAL(load(NOW_MS, WALL_S), 1);
	CU_ASSERT_EQUAL(set_aside(), 1);
	teardown();
}

static void
overwrite(const char *suffix, off_t from, size_t len)
{
	int fd = open(path_of(suffix), O_WRONLY | O_CREAT, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	for (; len; len--, from++)
		CU_ASSERT_EQUAL(pwrite(fd, "\xa5", 1, from), 1);
	close(fd);
}

static void
spoil_all(void)
{
	overwrite("", 0, 5000);
}

static void
spoil_pages(void)
{
	overwrite("", 1024, 4000);
}

static void
spoil_by_truncation(void)
{
	CU_ASSERT_EQUAL(truncate(path_of(""), 2000), 0);
}

static void
spoil_by_a_directory(void)
{
	CU_ASSERT_EQUAL(unlink(path_of("")), 0);
	CU_ASSERT_EQUAL(mkdir(path_of(""), 0700), 0);
}

static void
spoil_by_a_pipe(void)
{
	CU_ASSERT_EQUAL(unlink(path_of("")), 0);
	CU_ASSERT_EQUAL(mkfifo(path_of(""), 0600), 0);
}

static void
spoil_by_sql(const char *sql)
{
	sqlite3 *db;

	CU_ASSERT_EQUAL(sqlite3_open(path_of(""), &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
spoil_by_newer_version(void)
{
	spoil_by_sql("PRAGMA user_version = 99");
}

static void
spoil_by_missing_column(void)
{
	spoil_by_sql("DROP VIEW leases; ALTER TABLE lease RENAME COLUMN client TO customer");
}

static void
spoil_by_foreign_tables(void)
{
	spoil_by_sql("DROP VIEW leases; DROP TABLE lease; PRAGMA user_version = 0");
}

static void
test_file_that_cannot_be_used_is_set_aside(void)
{
	check_set_aside(spoil_all);
	check_set_aside(spoil_pages);
	check_set_aside(spoil_by_truncation);
	check_set_aside(spoil_by_a_directory);
	check_set_aside(spoil_by_a_pipe);
	check_set_aside(spoil_by_newer_version);
	check_set_aside(spoil_by_missing_column);
	check_set_aside(spoil_by_foreign_tables);
}

/* Before packets were counted. */
static void
test_mappings_of_an_earlier_version_are_kept(void)
{
	setup();
	put(1, 0);
	put(2, 0);
	store->free(store);
	store = NULL;
	spoil_by_sql("ALTER TABLE lease DROP COLUMN packets; ALTER TABLE lease DROP COLUMN octets; "
		     "PRAGMA user_version = 1");
	reopen(BOOT);
	CU_ASSERT_EQUAL(set_aside(), 0);
	CU_ASSERT_EQUAL_FATAL(load(NOW_MS, WALL_S), 2);
	CU_ASSERT_EQUAL(loaded[0].packets, 0);
	put(3, 0);
	reopen(BOOT);
	CU_ASSERT_EQUAL(load(NOW_MS, WALL_S), 3);
	teardown();
}

/* SQLite would begin it anew and say nothing. */
static void
test_damaged_log_is_set_aside_and_the_rest_kept(void)
{
	glob_t found;

	setup();
	put(1, 0);
	store->free(store);
	store = NULL;
	overwrite("-wal", 0, 4096);
	reopen(BOOT);
	CU_ASSERT_EQUAL(load(NOW_MS, WALL_S), 1);
	CU_ASSERT_EQUAL(glob(path_of("-wal.corrupt-*"), 0, NULL, &found), 0);
	globfree(&found);
	CU_ASSERT_EQUAL(set_aside(), 0);
	put(2, 0);
	reopen(BOOT);
	CU_ASSERT_EQUAL(load(NOW_MS, WALL_S), 2);
	teardown();
}

/* Root may read all, so the test is for others: in a child that has become one of them. */
static void
test_file_without_permission_is_set_aside(void)
{
	int status = -1;
	pid_t child;

	setup();
	put(1, 0);
	store->free(store);
	store = NULL;
	CU_ASSERT_EQUAL(chmod(path_of(""), 0), 0);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		if (geteuid() == 0 && (chown(dir, 65534, 65534) < 0 || setuid(65534) < 0))
			_exit(2);
		store = store_open_at_boot(dir, BOOT);
		_exit(store && set_aside() == 1 ? 0 : 1);
	}
	waitpid(child, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	teardown();
}

static void
test_log_of_a_broken_file_goes_with_it(void)
{
	int status;
	pid_t child;

	setup();
	store->free(store);
	store = NULL;
	fflush(stdout);
	child = fork();
	if (child == 0) {
		store = store_open_at_boot(dir, BOOT);
		put(1, 0);
		_exit(0); /* leaves -wal and -shm */
	}
	waitpid(child, &status, 0);
	CU_ASSERT_EQUAL(access(path_of("-wal"), F_OK), 0);
	overwrite("", 0, 3000);
	overwrite("-wal", 0, 3000);
	reopen(BOOT);
	CU_ASSERT_EQUAL(set_aside(), 1);
	CU_ASSERT_EQUAL(set_aside_with("-wal"), 1);
	CU_ASSERT_EQUAL(load(NOW_MS, WALL_S), 0);
	teardown();
}

static void
test_garbage_in_the_log_loses_the_log_only(void)
{
	setup();
	put(1, 0);
	store->free(store);
	store = NULL;
	overwrite("-wal", 0, 4000);
	reopen(BOOT);
	CU_ASSERT_EQUAL(load(NOW_MS, WALL_S), 1);
	CU_ASSERT_EQUAL(set_aside(), 0);
	teardown();
}

static void
test_directory_in_use_is_refused(void)
{
	setup();
	CU_ASSERT_PTR_NULL(store_open_at_boot(dir, BOOT));
	CU_ASSERT_EQUAL(set_aside(), 0);
	put(1, 0);
	teardown();
}

static void
test_ten_thousand_leases_load_quickly(void)
{
	int64_t begun_ms;
	uint32_t i;

	setup();
	for (i = 1; i <= 10000; i++) {
		if (i % 100 == 1)
			CU_ASSERT_EQUAL(store->begin(store), 0);
		put(i, 3600);
		if (i % 100 == 0)
			CU_ASSERT_EQUAL(store->commit(store), 0);
	}
	store->free(store);
	store = NULL;
	begun_ms = clock_boot_ms();
	reopen(NEXT_BOOT); /* the dearer case: each row is put on the new clock */
	CU_ASSERT_EQUAL(load(1000, WALL_S + 1), 10000);
	begun_ms = clock_boot_ms() - begun_ms;
	printf("(10,000 leases: %lld ms) ", (long long)begun_ms);
	CU_ASSERT_EQUAL(loaded[9999].id, 10000);
	CU_ASSERT_EQUAL(loaded[9999].expires_ms, 1000 + 3599000);
	CU_ASSERT_TRUE(begun_ms < 5000); /* an order of magnitude above what is usual */
	teardown();
}

/* Octets of the database file, which only a checkpoint lets grow. */
static off_t
file_size(void)
{
	struct stat st;

	return stat(path_of(""), &st) == 0 ? st.st_size : -1;
}

static void
test_log_is_moved_by_a_thread_of_its_own(void)
{
	const struct timespec moment = { 0, 1000000 };
	struct checkpoint *cp;
	off_t before;
	int i;

	setup();
	before = file_size();
	cp = checkpoint_new(path_of(""), 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cp);
	for (i = 1; i <= 20; i++)
		put((uint32_t)i, 0);
	CU_ASSERT_EQUAL(file_size(), before);
	CU_ASSERT_EQUAL(checkpoint_poke(cp), 0);
	for (i = 0; i < 5000 && file_size() == before; i++)
		nanosleep(&moment, NULL);
	CU_ASSERT_TRUE(file_size() > before);
	checkpoint_free(cp);
	CU_ASSERT_EQUAL(load(NOW_MS, WALL_S), 20);
	teardown();
}

/* ---- a disk of 256 KiB ---- */

static void
fill(const char *name)
{
	static const char block[4096];
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
}

static void
clear(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	CU_ASSERT_EQUAL(unlink(path), 0);
}

/* Puts until the disk is full; the number that fitted. */
static uint32_t
put_until_full(uint32_t first)
{
	uint32_t id;
	int rc = 0;

	for (id = first; id < first + 5000; id++) {
		struct lease l = a_lease(id, 0);

		rc = store->put(store, &l, NOW_MS, WALL_S);
		if (rc)
			break;
	}
	CU_ASSERT_EQUAL(rc, -ENOSPC);
	return id - first;
}

static void
full_disk_refuses_and_recovers(void)
{
	struct lease l = a_lease(9000, 0);
	uint32_t fitted;

	reopen(BOOT);
	put(1, 0);
	fill("ballast");
	fitted = put_until_full(2);
	CU_ASSERT_EQUAL(load(NOW_MS, WALL_S), fitted + 1); /* reading goes on */
	CU_ASSERT_EQUAL(store->begin(store), 0);
	CU_ASSERT_EQUAL(store->put(store, &l, NOW_MS, WALL_S), 0);
	CU_ASSERT_EQUAL(store->del(store, 1), 0);
	CU_ASSERT_EQUAL(store->commit(store), -ENOSPC); /* of the batch nothing is kept */
	CU_ASSERT_EQUAL(store->error, -ENOSPC);
	CU_ASSERT_EQUAL(load(NOW_MS, WALL_S), fitted + 1);
	clear("ballast");
	put(9001, 0);
	CU_ASSERT_EQUAL(store->error, 0);
	CU_ASSERT_EQUAL(store->del(store, 1), 0);
	reopen(BOOT);
	CU_ASSERT_EQUAL(load(NOW_MS, WALL_S), fitted + 1);
	CU_ASSERT_EQUAL(set_aside(), 0);
	store->free(store);
}

static void
full_disk_at_start_still_loads(void)
{
	reopen(BOOT);
	put(1, 0);
	store->free(store);
	store = NULL;
	fill("ballast");
	reopen(NEXT_BOOT);
	CU_ASSERT_EQUAL(load(1000, WALL_S), 1);
	put_until_full(2);
	clear("ballast");
	put(9001, 0);
	CU_ASSERT_EQUAL(set_aside(), 0);
	store->free(store);
}

static void
check_on_small_disk(void (*body)(void))
{
	setup();
	store->free(store);
	store = NULL;
	unit_on_small_disk(dir, body);
	teardown();
}

static void
test_full_disk_refuses_and_recovers(void)
{
	check_on_small_disk(full_disk_refuses_and_recovers);
}

static void
test_full_disk_at_start_still_loads(void)
{
	check_on_small_disk(full_disk_at_start_still_loads);
}

static struct pinhole loaded_pinhole;

static int
on_pinhole(void *arg, const struct pinhole *p)
{
	loaded_pinhole = *p;
	++*(unsigned *)arg;
	return 0;
}

static unsigned
load_pinholes(int64_t now_ms, int64_t wall_s)
{
	unsigned n = 0;

	CU_ASSERT_EQUAL(store->load_pinholes(store, now_ms, wall_s, on_pinhole, &n), 0);
	return n;
}

static void
test_pinholes_come_back_with_their_time_over_a_reboot(void)
{
	struct pinhole p = { .id = 65535,
		.key = { .internal_port = 8080, .remote_port = 5000, .protocol = 17 },
		.duration_s = 3600,
		.expires_ms = NOW_MS + 3600000,
		.created_s = WALL_S,
		.packets = 77 };

	setup();
	p.key.internal_client = addr6_from4(1);
	p.key.remote_host = addr6_from4(2);
	p.client = addr6_from4(3);
	p.host = addr6_from4(4);
	CU_ASSERT_EQUAL(store->put_pinhole(store, &p, NOW_MS, WALL_S), 0);
	reopen(BOOT);
	CU_ASSERT_EQUAL(load_pinholes(NOW_MS + 1000, WALL_S + 1), 1);
	CU_ASSERT_EQUAL(loaded_pinhole.id, 65535);
	CU_ASSERT_EQUAL(memcmp(&loaded_pinhole.key, &p.key, sizeof(p.key)), 0);
	CU_ASSERT_TRUE(addr6_same(&loaded_pinhole.client, &p.client));
	CU_ASSERT_TRUE(addr6_same(&loaded_pinhole.host, &p.host));
	CU_ASSERT_EQUAL(loaded_pinhole.expires_ms, p.expires_ms);
	CU_ASSERT_EQUAL(loaded_pinhole.packets, 77);

	reopen(NEXT_BOOT);
	CU_ASSERT_EQUAL(load_pinholes(5000, WALL_S + 600), 1);
	CU_ASSERT_EQUAL(loaded_pinhole.expires_ms, 5000 + 3000000);
	CU_ASSERT_EQUAL(store->del_pinhole(store, 65535), 0);
	CU_ASSERT_EQUAL(store->del_pinhole(store, 65535), 0);
	reopen(NEXT_BOOT);
	CU_ASSERT_EQUAL(load_pinholes(5000, WALL_S + 600), 0);
	teardown();
}

static void
test_a_file_from_before_pinholes_gets_their_table(void)
{
	struct pinhole p = { .id = 1, .duration_s = 3600, .expires_ms = NOW_MS + 3600000 };

	setup();
	spoil_by_sql("DROP TABLE pinhole");
	reopen(BOOT);
	p.key.internal_client = addr6_from4(1);
	CU_ASSERT_EQUAL(store->put_pinhole(store, &p, NOW_MS, WALL_S), 0);
	CU_ASSERT_EQUAL(load_pinholes(NOW_MS, WALL_S), 1);
	spoil_by_sql("UPDATE pinhole SET internal_client = 'nonsense'");
	reopen(BOOT);
	CU_ASSERT_EQUAL(load_pinholes(NOW_MS, WALL_S), 0);
	teardown();
}

static const struct unit_test tests[] = {
	UNIT_TEST(pinholes_come_back_with_their_time_over_a_reboot),
	UNIT_TEST(a_file_from_before_pinholes_gets_their_table),
	UNIT_TEST(lease_comes_back_as_it_was),
	UNIT_TEST(put_replaces_and_del_removes),
	UNIT_TEST(what_was_put_survives_a_kill),
	UNIT_TEST(same_boot_counts_by_its_own_clock_alone),
	UNIT_TEST(after_a_reboot_the_wall_clock_tells_what_is_left),
	UNIT_TEST(clock_set_back_gives_the_full_duration_and_no_more),
	UNIT_TEST(lease_written_before_the_clock_was_set_is_not_lost),
	UNIT_TEST(batch_is_one_write_or_none),
	UNIT_TEST(named_values_are_kept),
	UNIT_TEST(rows_that_make_no_sense_are_left_out),
	UNIT_TEST(description_from_disk_is_made_harmless),
	UNIT_TEST(refused_lease_does_not_stop_the_others),
	UNIT_TEST(file_that_cannot_be_used_is_set_aside),
	UNIT_TEST(mappings_of_an_earlier_version_are_kept),
	UNIT_TEST(damaged_log_is_set_aside_and_the_rest_kept),
	UNIT_TEST(file_without_permission_is_set_aside),
	UNIT_TEST(log_of_a_broken_file_goes_with_it),
	UNIT_TEST(garbage_in_the_log_loses_the_log_only),
	UNIT_TEST(directory_in_use_is_refused),
	UNIT_TEST(ten_thousand_leases_load_quickly),
	UNIT_TEST(log_is_moved_by_a_thread_of_its_own),
	UNIT_TEST(full_disk_refuses_and_recovers),
	UNIT_TEST(full_disk_at_start_still_loads),
	UNIT_END,
};

int
main(void)
{
	return unit_run("store", tests);
}
