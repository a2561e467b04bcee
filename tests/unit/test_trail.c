/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real trail on files of our own; the clocks are the test's, and it flushes by hand. */
#include "config.h"

#include "core/trail.h"
#include "core/trail_store.h"
#include "lib/addr6.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/log.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOST(n) (0xc0a80100u | (n)) /* 192.168.1.n */
#define WALL_S 1750000000

static char dir[64];
static struct trail *trail;
static int64_t clock_ms, clock_s;
static unsigned asked_mac;

static int64_t
now_ms(void)
{
	return clock_ms;
}

static int64_t
wall_s(void)
{
	return clock_s;
}

static void
mac(void *arg UNUSED, uint32_t ifindex UNUSED, const struct addr6 *client UNUSED,
    char buf[TRAIL_MAC_STRLEN])
{
	asked_mac++;
	snprintf(buf, TRAIL_MAC_STRLEN, "02:00:00:00:00:07");
}

static void
reopen_with(uint32_t rows_max, uint32_t days_max)
{
	const struct trail_options options = { .dir = dir,
		.now_ms = now_ms,
		.wall_s = wall_s,
		.rows_max = rows_max,
		.days_max = days_max,
		.mac = mac };

	trail_free(trail);
	trail = trail_new(&options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(trail);
}

static void
reopen(void)
{
	reopen_with(20000, 90);
}

static void
make_dir(void)
{
	strcpy(dir, "/tmp/test_trail.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	clock_ms = 1000000;
	clock_s = WALL_S;
	asked_mac = 0;
	log_set_level(LOG_LEVEL_ERROR);
}

static void
setup(void)
{
	make_dir();
	reopen();
}

static void
teardown(void)
{
	char cmd[128];

	trail_free(trail);
	trail = NULL;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd) != 0)
		perror(cmd);
}

static struct trail_row
a_refusal(unsigned host, uint16_t port)
{
	struct trail_row row = { .origin = TRAIL_BY_UPNP,
		.action = TRAIL_ADD,
		.result = RESULT_CONFLICT,
		.told_upnp = true,
		.ifindex = 2,
		.protocol = IPPROTO_TCP,
		.external_port = port,
		.internal_port = 80,
		.has_lease_s = true,
		.lease_s = 3600 };

	row.client = row.internal_client = addr6_from4(HOST(host));
	snprintf(row.reason, sizeof(row.reason), "the port leads to 192.168.1.9");
	return row;
}

static void
refuse(unsigned host, uint16_t port)
{
	struct trail_row row = a_refusal(host, port);

	trail_add(trail, &row);
}

/* ---- reading ---- */

static json_t *all;

/* All rows that @filter lets through, page by page, in @all; how many. */
static size_t
read_all(const struct trail_query *filter)
{
	struct trail_query q = *filter;
	json_t *page, *next;
	unsigned pages = 0;

	json_decref(all);
	all = json_array();
	do {
		page = trail_store_page(trail_read(trail), &q);
		CU_ASSERT_PTR_NOT_NULL_FATAL(page);
		json_array_extend(all, json_object_get(page, "trail"));
		next = json_object_get(page, "next");
		CU_ASSERT_TRUE(
		    json_is_null(next) || json_integer_value(next) > (json_int_t)q.after);
		q.after = (uint64_t)json_integer_value(next);
		json_decref(page);
	} while (q.after && ++pages < 1000);
	CU_ASSERT_TRUE(pages < 1000);
	return json_array_size(all);
}

static size_t
count(void)
{
	return read_all(&(struct trail_query){ .limit = 100 });
}

static const char *
text(size_t i, const char *name)
{
	const char *value = json_string_value(json_object_get(json_array_get(all, i), name));

	return value ? value : "(null)";
}

static json_int_t
number(size_t i, const char *name)
{
	return json_integer_value(json_object_get(json_array_get(all, i), name));
}

/* The rows of @action, and in how many requests they come to. */
static size_t
rows_of(const char *action, json_int_t *times)
{
	size_t i, n = 0;

	*times = 0;
	for (i = 0; i < json_array_size(all); i++) {
		if (strcmp(text(i, "action"), action) != 0)
			continue;
		n++;
		*times += number(i, "count");
	}
	return n;
}

static size_t
files_like(const char *pattern)
{
	char path[128];
	glob_t found;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, pattern);
	n = glob(path, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
	globfree(&found);
	return n;
}

/* ---- tests ---- */

static void
test_a_row_is_read_as_it_was_added(void)
{
	struct trail_row row = a_refusal(7, 8080);

	setup();
	snprintf(row.rule, sizeof(row.rule), "games");
	row.rule_line = 12;
	row.mapping = 4000000000;
	row.remote_host = addr6_from4(0xcb007105);
	snprintf(row.description, sizeof(row.description), "J\xc3\xbcrgen's");
	trail_add(trail, &row);
	CU_ASSERT_EQUAL_FATAL(count(), 1);
	CU_ASSERT_STRING_EQUAL(text(0, "time"), "2025-06-15T15:06:40Z");
	CU_ASSERT_STRING_EQUAL(text(0, "last"), "2025-06-15T15:06:40Z");
	CU_ASSERT_EQUAL(number(0, "count"), 1);
	CU_ASSERT_STRING_EQUAL(text(0, "outcome"), "refused");
	CU_ASSERT_STRING_EQUAL(text(0, "origin"), "upnp");
	CU_ASSERT_STRING_EQUAL(text(0, "action"), "add");
	CU_ASSERT_STRING_EQUAL(text(0, "client"), "192.168.1.7");
	CU_ASSERT_STRING_EQUAL(text(0, "mac"), "02:00:00:00:00:07");
	CU_ASSERT_STRING_EQUAL(text(0, "host"), "(null)");
	CU_ASSERT_STRING_EQUAL(text(0, "protocol"), "TCP");
	CU_ASSERT_EQUAL(number(0, "external_port"), 8080);
	CU_ASSERT_STRING_EQUAL(text(0, "remote_host"), "203.0.113.5");
	CU_ASSERT_STRING_EQUAL(text(0, "internal_client"), "192.168.1.7");
	CU_ASSERT_EQUAL(number(0, "internal_port"), 80);
	CU_ASSERT_EQUAL(number(0, "lease_s"), 3600);
	CU_ASSERT_STRING_EQUAL(text(0, "description"), "J\xc3\xbcrgen's");
	CU_ASSERT_STRING_EQUAL(text(0, "result"), "conflict");
	CU_ASSERT_EQUAL(number(0, "upnp_code"), 718);
	CU_ASSERT_STRING_EQUAL(text(0, "rule"), "games");
	CU_ASSERT_EQUAL(number(0, "rule_line"), 12);
	CU_ASSERT_STRING_EQUAL(text(0, "reason"), "the port leads to 192.168.1.9");
	CU_ASSERT_EQUAL(number(0, "mapping"), 4000000000);
	CU_ASSERT_TRUE(json_is_null(json_object_get(json_array_get(all, 0), "pinhole")));
	CU_ASSERT_EQUAL(files_like(TRAIL_FILE_NAME), 1);
	teardown();
}

static void
test_adding_does_no_io(void)
{
	setup();
	refuse(7, 8080);
	CU_ASSERT_EQUAL(asked_mac, 0);
	trail_flush(trail);
	CU_ASSERT_EQUAL(asked_mac, 1);
	teardown();
}

/* A row that is written at once takes a hundred times as long, on the fastest disk. */
static void
test_adding_takes_microseconds(void)
{
	uint64_t begun_us, spent_us = 0;
	uint16_t port = 1;
	int i, round;

	setup();
	for (round = 0; round < 20; round++) {
		begun_us = clock_mono_us();
		for (i = 0; i < TRAIL_RING; i++) {
			struct trail_row row = a_refusal(7, port++);

			row.origin = TRAIL_BY_CLI; /* who has no budget */
			trail_add(trail, &row);
		}
		spent_us += clock_mono_us() - begun_us;
		CU_ASSERT_EQUAL(trail_flush(trail), 0);
	}
	CU_ASSERT_EQUAL(count(), 20 * TRAIL_RING);
	CU_ASSERT_TRUE(spent_us < 20 * TRAIL_RING * UINT64_C(20));
	teardown();
}

static void
test_a_mac_address_is_asked_once_in_ten_seconds(void)
{
	setup();
	refuse(7, 1000);
	refuse(7, 1001);
	trail_flush(trail);
	clock_ms += 5000;
	refuse(7, 1002);
	trail_flush(trail);
	CU_ASSERT_EQUAL(asked_mac, 1);
	clock_ms += 5000;
	refuse(7, 1003);
	trail_flush(trail);
	CU_ASSERT_EQUAL(asked_mac, 2);
	teardown();
}

static void
test_the_same_again_is_counted_in_one_row(void)
{
	setup();
	refuse(7, 8080);
	clock_s += 5;
	refuse(7, 8080); /* in the ring */
	trail_flush(trail);
	clock_s += 5;
	refuse(7, 8080); /* on disk */
	refuse(7, 8080);
	CU_ASSERT_EQUAL_FATAL(count(), 1);
	CU_ASSERT_EQUAL(number(0, "count"), 4);
	CU_ASSERT_STRING_EQUAL(text(0, "time"), "2025-06-15T15:06:40Z");
	CU_ASSERT_STRING_EQUAL(text(0, "last"), "2025-06-15T15:06:50Z");
	refuse(7, 8081);
	refuse(8, 8080);
	CU_ASSERT_EQUAL(count(), 3);
	teardown();
}

static void
test_after_an_hour_the_same_again_is_a_new_row(void)
{
	setup();
	refuse(7, 8080);
	clock_s += TRAIL_FOLD_S - 1;
	refuse(7, 8080);
	clock_s += 1;
	refuse(7, 8080);
	CU_ASSERT_EQUAL_FATAL(count(), 2);
	CU_ASSERT_EQUAL(number(0, "count"), 2);
	CU_ASSERT_EQUAL(number(1, "count"), 1);
	teardown();
}

static void
test_a_flood_of_one_client_does_not_push_out_the_others(void)
{
	struct trail_query q = { .limit = 100, .client = "192.168.1.8" };
	json_int_t times;
	uint32_t i;

	make_dir();
	reopen_with(1000, 90);
	refuse(8, 80);
	for (i = 1; i <= 60000; i++) {
		refuse(7, (uint16_t)i);
		if (i % 400 == 0)
			trail_flush(trail);
	}
	refuse(8, 81);
	CU_ASSERT_EQUAL(read_all(&q), 2);
	CU_ASSERT_EQUAL(count(), 2 + TRAIL_BURST + 1);
	CU_ASSERT_EQUAL(rows_of("left-out", &times), 1);
	CU_ASSERT_EQUAL(times, 60000 - TRAIL_BURST);
	teardown();
}

static void
test_a_budget_grows_again_with_time(void)
{
	json_int_t times;
	uint16_t i;

	setup();
	for (i = 1; i <= TRAIL_BURST + 10; i++)
		refuse(7, i);
	clock_ms += 5 * TRAIL_REFILL_MS;
	for (; i <= TRAIL_BURST + 30; i++)
		refuse(7, i);
	count();
	CU_ASSERT_EQUAL(rows_of("add", &times), TRAIL_BURST + 5);
	rows_of("left-out", &times);
	CU_ASSERT_EQUAL(times, 25);
	teardown();
}

static void
test_a_grant_is_not_hidden_behind_refusals(void)
{
	struct trail_row row = a_refusal(7, 8080);
	json_int_t times;
	uint16_t i;

	setup();
	for (i = 1; i <= TRAIL_BURST + 10; i++)
		refuse(7, i);
	row.result = RESULT_OK;
	row.mapping = 5;
	trail_add(trail, &row);
	count();
	CU_ASSERT_EQUAL(rows_of("add", &times), TRAIL_BURST + 1);
	CU_ASSERT_EQUAL(number(json_array_size(all) - 1, "mapping"), 5);
	teardown();
}

static void
test_the_administrator_has_no_budget(void)
{
	struct trail_row row = { .origin = TRAIL_BY_CLI, .action = TRAIL_ADD };
	uint32_t i;

	setup();
	for (i = 1; i <= 2000; i++) {
		row.mapping = i;
		trail_add(trail, &row);
		if (i % 400 == 0)
			trail_flush(trail);
	}
	CU_ASSERT_EQUAL(count(), 2000);
	teardown();
}

static void
fill_by_cli(uint32_t from, uint32_t to)
{
	struct trail_row row = { .origin = TRAIL_BY_CLI, .action = TRAIL_ADD };

	for (; from <= to; from++) {
		row.mapping = from;
		trail_add(trail, &row);
		if (from % 256 == 0)
			trail_flush(trail);
	}
	trail_flush(trail);
}

static void
test_retention_by_number_drops_the_oldest(void)
{
	make_dir();
	reopen_with(1000, 0);
	fill_by_cli(1, 5000);
	while (count() > 1000 + 64) /* each batch may drop some */
		fill_by_cli(5001, 5064);
	CU_ASSERT_TRUE(count() >= 1000);
	CU_ASSERT_TRUE(number(0, "mapping") >= 3900);
	teardown();
}

static void
test_retention_by_age_drops_the_oldest(void)
{
	make_dir();
	reopen_with(20000, 2);
	fill_by_cli(1, 100);
	clock_s += 86400;
	fill_by_cli(101, 200);
	clock_s += 86400 + 1;
	fill_by_cli(201, 300);
	CU_ASSERT_EQUAL(count(), 200);
	CU_ASSERT_EQUAL(number(0, "mapping"), 101);
	teardown();
}

static void
test_what_is_too_old_goes_without_new_rows(void)
{
	make_dir();
	reopen_with(20000, 2);
	fill_by_cli(1, 10);
	clock_s += 86400;
	CU_ASSERT_EQUAL(count(), 10);
	clock_s += 86400 + 1;
	CU_ASSERT_EQUAL(count(), 0);
	teardown();
}

static void
test_without_rows_there_is_no_trail(void)
{
	make_dir();
	reopen_with(0, 90);
	refuse(7, 80);
	CU_ASSERT_EQUAL(count(), 0);
	trail_set_retention(trail, 100, 90);
	refuse(7, 80);
	CU_ASSERT_EQUAL(count(), 1);
	teardown();
}

static void
test_the_trail_goes_on_after_a_restart(void)
{
	setup();
	refuse(7, 80);
	reopen();
	refuse(7, 80);
	CU_ASSERT_EQUAL_FATAL(count(), 2);
	CU_ASSERT_TRUE(number(1, "id") > number(0, "id"));
	teardown();
}

/* The process is killed: nothing is closed, nothing flushed. */
static void
test_a_kill_loses_only_what_was_not_flushed(void)
{
	int status;
	pid_t child;

	setup();
	trail_free(trail);
	trail = NULL;
	fflush(stdout);
	child = fork();
	if (child == 0) {
		reopen();
		refuse(7, 80);
		trail_flush(trail);
		refuse(7, 81);
		_exit(0);
	}
	waitpid(child, &status, 0);
	reopen();
	CU_ASSERT_EQUAL_FATAL(count(), 1);
	CU_ASSERT_EQUAL(number(0, "external_port"), 80);
	teardown();
}

static void
test_a_broken_file_is_set_aside_and_said(void)
{
	char path[128];
	FILE *f;

	setup();
	refuse(7, 80);
	trail_free(trail);
	trail = NULL;
	snprintf(path, sizeof(path), "%s/" TRAIL_FILE_NAME, dir);
	f = fopen(path, "w");
	fputs("this is no database, whatever its name says", f);
	fclose(f);
	log_set_level(LOG_LEVEL_ERROR);
	reopen();
	refuse(7, 81);
	CU_ASSERT_EQUAL_FATAL(count(), 2);
	CU_ASSERT_STRING_EQUAL(text(0, "action"), "set-aside");
	CU_ASSERT_STRING_EQUAL(text(0, "outcome"), "event");
	CU_ASSERT_PTR_NOT_NULL(strstr(text(0, "reason"), "corrupt"));
	CU_ASSERT_EQUAL(files_like(TRAIL_FILE_NAME ".corrupt-*[0-9]"), 1);
	teardown();
}

/* By hand, as an administrator or another version of the program would. */
static void
change_file(const char *sql)
{
	char path[128];
	sqlite3 *db;

	trail_free(trail);
	trail = NULL;
	snprintf(path, sizeof(path), "%s/" TRAIL_FILE_NAME, dir);
	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* What is in the file, by its own word. */
static int
file_version(void)
{
	char path[128];
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int version;

	snprintf(path, sizeof(path), "%s/" TRAIL_FILE_NAME, dir);
	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_step(stmt), SQLITE_ROW);
	version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return version;
}

static void
check_an_older_file_goes_on(const char *make_older)
{
	setup();
	refuse(7, 80);
	change_file(make_older);
	CU_ASSERT(file_version() < 3);
	reopen();
	refuse(7, 81);
	CU_ASSERT_EQUAL_FATAL(count(), 2);
	CU_ASSERT_EQUAL(number(0, "external_port"), 80);
	CU_ASSERT_EQUAL(number(1, "external_port"), 81);
	CU_ASSERT_EQUAL(files_like(TRAIL_FILE_NAME ".corrupt-*"), 0);
	CU_ASSERT_EQUAL(file_version(), 3);
	teardown();
}

/* Version 1 was written with and without the column: nobody had raised the number. */
static void
test_a_file_of_an_earlier_version_is_brought_up_to_date(void)
{
	check_an_older_file_goes_on("ALTER TABLE trail DROP COLUMN enabled;"
				    "ALTER TABLE trail DROP COLUMN uid; PRAGMA user_version=1");
	check_an_older_file_goes_on("ALTER TABLE trail DROP COLUMN uid; PRAGMA user_version=1");
	check_an_older_file_goes_on("ALTER TABLE trail DROP COLUMN uid; PRAGMA user_version=2");
}

static void
check_is_set_aside(const char *sql)
{
	setup();
	refuse(7, 80);
	change_file(sql);
	log_set_level(LOG_LEVEL_ERROR);
	reopen();
	refuse(7, 81);
	CU_ASSERT_EQUAL_FATAL(count(), 2);
	CU_ASSERT_STRING_EQUAL(text(0, "action"), "set-aside");
	CU_ASSERT_EQUAL(number(1, "external_port"), 81);
	CU_ASSERT_EQUAL(files_like(TRAIL_FILE_NAME ".corrupt-*[0-9]"), 1);
	teardown();
}

static void
test_a_file_of_a_version_that_nobody_knows_is_set_aside(void)
{
	check_is_set_aside("PRAGMA user_version=4");
	check_is_set_aside("PRAGMA user_version=-1");
	/* It says 1, and has not what even that one had. */
	check_is_set_aside("ALTER TABLE trail DROP COLUMN reason; PRAGMA user_version=1");
	check_is_set_aside("DROP TABLE trail; PRAGMA user_version=1");
}

static void
test_a_file_that_breaks_while_in_use_is_set_aside(void)
{
	static const char garbage[4096] = "garbage";
	char path[128];
	int fd, i;

	setup();
	fill_by_cli(1, 15000);
	reopen(); /* so that all is in the file, and little in memory */
	snprintf(path, sizeof(path), "%s/" TRAIL_FILE_NAME, dir);
	fd = open(path, O_WRONLY);
	for (i = 1; i < 40; i++)
		CU_ASSERT_EQUAL(pwrite(fd, garbage, sizeof(garbage), i * 4096), 4096);
	close(fd);
	CU_ASSERT_PTR_NULL(
	    trail_store_page(trail_read(trail), &(struct trail_query){ .limit = 2000 }));
	fill_by_cli(3000, 3010); /* finds it closed */
	fill_by_cli(3011, 3020);
	CU_ASSERT_EQUAL(files_like(TRAIL_FILE_NAME ".corrupt-*[0-9]"), 1);
	CU_ASSERT_EQUAL(count(), 22);
	CU_ASSERT_STRING_EQUAL(text(0, "action"), "add");
	teardown();
}

static void
test_filters_find_what_they_name(void)
{
	struct trail_row row = a_refusal(7, 8080);
	struct trail_query q = { .limit = 2 };

	setup();
	trail_add(trail, &row);
	row.result = RESULT_OK;
	row.mapping = 3;
	trail_add(trail, &row);
	row.action = TRAIL_EXPIRE;
	row.client = addr6_from4(HOST(8));
	trail_add(trail, &row);
	row = (struct trail_row){ .origin = TRAIL_BY_HEALING, .action = TRAIL_HEAL };
	trail_add(trail, &row);
	clock_s += 100;
	row = (struct trail_row){ .origin = TRAIL_BY_UPNP,
		.action = TRAIL_DELETE_RANGE,
		.external_port = 1000,
		.last_port = 2000,
		.client = addr6_from4(HOST(9)) };
	trail_add(trail, &row);
	CU_ASSERT_EQUAL(read_all(&q), 5);

	q.outcome = "refused";
	CU_ASSERT_EQUAL(read_all(&q), 1);
	q.outcome = "expired";
	CU_ASSERT_EQUAL(read_all(&q), 1);
	q.outcome = "ok";
	CU_ASSERT_EQUAL(read_all(&q), 2);
	q.outcome = NULL;

	q.client = "192.168.1.7"; /* for it, too */
	CU_ASSERT_EQUAL(read_all(&q), 3);
	q.client = "192.168.1.9";
	CU_ASSERT_EQUAL(read_all(&q), 1);
	q.client = "02:00:00:00:00:07";
	CU_ASSERT_EQUAL(read_all(&q), 3);
	q.client = NULL;

	q.port = 8080;
	CU_ASSERT_EQUAL(read_all(&q), 3);
	q.port = 80;
	CU_ASSERT_EQUAL(read_all(&q), 3);
	q.port = 1500; /* within a range */
	CU_ASSERT_EQUAL(read_all(&q), 1);
	q.port = 2001;
	CU_ASSERT_EQUAL(read_all(&q), 0);
	q.port = 0;

	q.since_s = WALL_S + 1;
	CU_ASSERT_EQUAL(read_all(&q), 1);
	teardown();
}

static void
test_a_page_is_bounded_and_pages_miss_nothing(void)
{
	struct trail_query q = { .limit = 200, .port = 7 };
	json_t *page;
	size_t i;

	setup();
	fill_by_cli(1, 3 * TRAIL_SCAN_MAX);
	page = trail_store_page(trail_read(trail), &q); /* nothing fits, so it has an end early */
	CU_ASSERT_EQUAL(json_array_size(json_object_get(page, "trail")), 0);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(page, "next")), TRAIL_SCAN_MAX);
	json_decref(page);
	CU_ASSERT_EQUAL(read_all(&q), 0);
	CU_ASSERT_EQUAL_FATAL(count(), 3 * TRAIL_SCAN_MAX);
	for (i = 0; i < 3 * TRAIL_SCAN_MAX; i++)
		if (number(i, "mapping") != (json_int_t)i + 1)
			break;
	CU_ASSERT_EQUAL(i, 3 * TRAIL_SCAN_MAX);
	teardown();
}

static void
test_incidents_tell_how_often_and_when_last(void)
{
	struct trail_row row = { .origin = TRAIL_BY_HEALING, .action = TRAIL_HEAL };
	struct trail_incident found;

	setup();
	snprintf(row.reason, sizeof(row.reason), "by nft");
	trail_add(trail, &row);
	clock_s += 10;
	snprintf(row.reason, sizeof(row.reason), "by iptables");
	trail_add(trail, &row);
	trail_add(trail, &row);
	fill_by_cli(1, 100);
	CU_ASSERT_EQUAL(trail_store_incident(trail_read(trail), TRAIL_HEAL, 0, &found), 0);
	CU_ASSERT_EQUAL(found.count, 3);
	CU_ASSERT_EQUAL(found.last_s, WALL_S + 10);
	CU_ASSERT_STRING_EQUAL(found.text, "by iptables");
	CU_ASSERT_EQUAL(
	    trail_store_incident(trail_read(trail), TRAIL_HEAL, WALL_S + 11, &found), 0);
	CU_ASSERT_EQUAL(found.count, 0);
	CU_ASSERT_EQUAL(trail_store_incident(trail_read(trail), TRAIL_CRASH, 0, &found), 0);
	CU_ASSERT_EQUAL(found.count, 0);
	teardown();
}

/* ---- a disk of 256 KiB ---- */

static void
fill_disk(void)
{
	static const char block[4096];
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/ballast", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
}

static size_t
lines_in(const char *path, const char *word)
{
	char line[512];
	FILE *f = fopen(path, "r");
	size_t n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, word) != NULL;
	if (f)
		fclose(f);
	return n;
}

/* More rows than there is room for on the disk and in the ring: one line, then all is well again.
 */
static void
full_disk_loses_rows(void)
{
	char path[128], log[128];
	json_int_t times;

	snprintf(log, sizeof(log), "%s.log", dir);
	reopen();
	fill_disk();
	if (!freopen(log, "w", stderr))
		_exit(78);
	fill_by_cli(1, 5000);
	CU_ASSERT_TRUE(trail_flush(trail) < 0);
	fflush(stderr);
	CU_ASSERT_EQUAL(lines_in(log, "cannot be written"), 1);
	snprintf(path, sizeof(path), "%s/ballast", dir);
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(trail_flush(trail), 0);
	count();
	CU_ASSERT_EQUAL(rows_of("rows-lost", &times), 1);
	CU_ASSERT_EQUAL(number(json_array_size(all) - 2, "mapping"), 5000);
	CU_ASSERT_EQUAL(files_like("*corrupt*"), 0);
	unlink(log);
	trail_free(trail);
}

static void
test_a_full_disk_loses_rows_with_one_line(void)
{
	make_dir();
	unit_on_small_disk(dir, full_disk_loses_rows);
	teardown();
}

static void
test_a_directory_that_cannot_be_written_stops_nothing(void)
{
	make_dir();
	CU_ASSERT_EQUAL(rmdir(dir), 0);
	log_set_level(LOG_LEVEL_ERROR);
	reopen();
	fill_by_cli(1, 2000);
	CU_ASSERT_PTR_NULL(trail_read(trail));
	trail_free(trail);
	trail = NULL;
	trail_add(NULL, &(struct trail_row){ .action = TRAIL_ADD });
}

/* The external port of the last refusal of @client; 0: there is none. */
static json_int_t
last_refusal_of(const char *client)
{
	json_t *row = trail_store_last_refusal(trail_read(trail), client);
	json_int_t port = json_integer_value(json_object_get(row, "external_port"));

	CU_ASSERT_PTR_NOT_NULL(row);
	json_decref(row);
	return port;
}

static void
test_the_last_refusal_of_a_client_is_found(void)
{
	struct trail_row granted = a_refusal(7, 9000);

	make_dir();
	reopen();
	CU_ASSERT_EQUAL(last_refusal_of("192.168.1.7"), 0);
	refuse(7, 1111);
	clock_s += 10;
	refuse(7, 2222);
	refuse(8, 3333);
	granted.result = RESULT_OK;
	trail_add(trail, &granted);
	CU_ASSERT_EQUAL(last_refusal_of("192.168.1.7"), 2222);
	CU_ASSERT_EQUAL(last_refusal_of("192.168.1.8"), 3333);
	CU_ASSERT_EQUAL(last_refusal_of("192.168.1.9"), 0);
	CU_ASSERT_EQUAL(last_refusal_of("02:00:00:00:00:07"), 3333);
	clock_s +=
	    10; /* the same again is counted in its first row, and is the last all the same */
	refuse(7, 1111);
	CU_ASSERT_EQUAL(last_refusal_of("192.168.1.7"), 1111);
	teardown();
}

/* Root, whose number is 0, is somebody; two users are not one. */
static void
test_the_user_of_the_cli_is_kept_and_told_from_nobody(void)
{
	struct trail_row row = { .origin = TRAIL_BY_CLI, .action = TRAIL_ADD, .has_uid = true };

	setup();
	trail_add(trail, &row);
	row.uid = 1000;
	trail_add(trail, &row);
	row = (struct trail_row){ .origin = TRAIL_BY_CLI, .action = TRAIL_ADD };
	trail_add(trail, &row);
	CU_ASSERT_EQUAL(trail_flush(trail), 0);
	CU_ASSERT_EQUAL_FATAL(count(), 3);
	CU_ASSERT_EQUAL(number(0, "uid"), 0);
	CU_ASSERT_TRUE(json_is_integer(json_object_get(json_array_get(all, 0), "uid")));
	CU_ASSERT_EQUAL(number(1, "uid"), 1000);
	CU_ASSERT_TRUE(json_is_null(json_object_get(json_array_get(all, 2), "uid")));
	teardown();
}

static const struct unit_test tests[] = {
	UNIT_TEST(the_user_of_the_cli_is_kept_and_told_from_nobody),
	UNIT_TEST(the_last_refusal_of_a_client_is_found),
	UNIT_TEST(a_row_is_read_as_it_was_added),
	UNIT_TEST(adding_does_no_io),
	UNIT_TEST(adding_takes_microseconds),
	UNIT_TEST(a_mac_address_is_asked_once_in_ten_seconds),
	UNIT_TEST(the_same_again_is_counted_in_one_row),
	UNIT_TEST(after_an_hour_the_same_again_is_a_new_row),
	UNIT_TEST(a_flood_of_one_client_does_not_push_out_the_others),
	UNIT_TEST(a_budget_grows_again_with_time),
	UNIT_TEST(a_grant_is_not_hidden_behind_refusals),
	UNIT_TEST(the_administrator_has_no_budget),
	UNIT_TEST(retention_by_number_drops_the_oldest),
	UNIT_TEST(retention_by_age_drops_the_oldest),
	UNIT_TEST(what_is_too_old_goes_without_new_rows),
	UNIT_TEST(without_rows_there_is_no_trail),
	UNIT_TEST(the_trail_goes_on_after_a_restart),
	UNIT_TEST(a_kill_loses_only_what_was_not_flushed),
	UNIT_TEST(a_broken_file_is_set_aside_and_said),
	UNIT_TEST(a_file_of_an_earlier_version_is_brought_up_to_date),
	UNIT_TEST(a_file_of_a_version_that_nobody_knows_is_set_aside),
	UNIT_TEST(a_file_that_breaks_while_in_use_is_set_aside),
	UNIT_TEST(filters_find_what_they_name),
	UNIT_TEST(a_page_is_bounded_and_pages_miss_nothing),
	UNIT_TEST(incidents_tell_how_often_and_when_last),
	UNIT_TEST(a_full_disk_loses_rows_with_one_line),
	UNIT_TEST(a_directory_that_cannot_be_written_stops_nothing),
	UNIT_END,
};

int
main(void)
{
	log_open("test_trail", LOG_LEVEL_ERROR);
	return unit_run("trail", tests);
}
