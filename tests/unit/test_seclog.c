/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The security log: packets, lines, and the file with its limit. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seclog/file.h"
#include "seclog/line.h"
#include "seclog/packet.h"
#include "unit.h"

/* 203.0.113.2:40000 to 192.168.1.10:5060, SYN and ACK, 48 octets by its header. */
static const uint8_t tcp4[] = { 0x45, 0, 0, 48, 0, 1, 0, 0, 64, 6, 0, 0, 203, 0, 113, 2, 192, 168,
	1, 10, 0x9c, 0x40, 0x13, 0xc4, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x12, 4, 0, 0, 0, 0, 0 };

/* Echo request from 2001:db8::2 to 2001:db8:1::7. */
static const uint8_t icmp6[] = { 0x60, 0, 0, 0, 0, 8, 58, 64, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 2, 0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 128, 0, 0, 0, 0,
	0, 0, 0 };

static const struct tm when = {
	.tm_year = 126, .tm_mon = 4, .tm_mday = 1, .tm_hour = 12, .tm_min = 3, .tm_sec = 9
};

static const char *
line_of(const uint8_t *data, size_t len)
{
	static char line[LINE_MAX_OCTETS];
	struct packet p;

	CU_ASSERT_TRUE_FATAL(packet_parse(data, len, &p));
	line_format(line, &when, "DROP", &p, "-", "FORWARD");
	return line;
}

static void
test_a_tcp_packet_has_all_its_fields(void)
{
	CU_ASSERT_STRING_EQUAL(line_of(tcp4, sizeof(tcp4)),
	    "2026-05-01 12:03:09 DROP TCP 203.0.113.2 192.168.1.10 40000 5060 48 SA 1 2 1024 - - - "
	    "FORWARD\n");
}

static void
test_an_icmpv6_packet_has_type_and_code(void)
{
	CU_ASSERT_STRING_EQUAL(line_of(icmp6, sizeof(icmp6)),
	    "2026-05-01 12:03:09 DROP ICMPV6 2001:db8::2 2001:db8:1::7 - - 48 - - - - 128 0 - "
	    "FORWARD\n");
}

static void
test_what_is_cut_off_or_a_later_fragment_has_no_ports(void)
{
	uint8_t fragment[sizeof(tcp4)];
	struct packet p;

	memcpy(fragment, tcp4, sizeof(tcp4));
	fragment[7] = 100;
	CU_ASSERT_TRUE(packet_parse(fragment, sizeof(fragment), &p));
	CU_ASSERT_FALSE(p.has_ports);
	CU_ASSERT_EQUAL(p.protocol, IPPROTO_TCP);
	CU_ASSERT_TRUE(packet_parse(tcp4, 23, &p));
	CU_ASSERT_FALSE(p.has_ports);
	CU_ASSERT_TRUE(packet_parse(tcp4, 30, &p));
	CU_ASSERT_TRUE(p.has_ports);
	CU_ASSERT_FALSE(p.has_tcp);
}

static void
test_what_is_no_ip_is_refused(void)
{
	const uint8_t other[] = { 0x12, 0x34, 0x56 };
	struct packet p;

	CU_ASSERT_FALSE(packet_parse(other, sizeof(other), &p));
	CU_ASSERT_FALSE(packet_parse(tcp4, 19, &p));
	CU_ASSERT_FALSE(packet_parse(icmp6, 39, &p));
	CU_ASSERT_FALSE(packet_parse(tcp4, 0, &p));
}

static void
test_lost_events_are_a_line_without_a_packet(void)
{
	char line[LINE_MAX_OCTETS];

	line_format(line, &when, "INFO-EVENTS-LOST", NULL, "-", "-");
	CU_ASSERT_STRING_EQUAL(
	    line, "2026-05-01 12:03:09 INFO-EVENTS-LOST - - - - - - - - - - - - - -\n");
}

static void
test_each_line_has_as_many_fields_as_the_head_names(void)
{
	const char *fields = strstr(line_head, "#Fields: ") + strlen("#Fields: "), *p;
	int named = 1, found = 1;

	for (p = fields; *p != '\n'; p++)
		named += *p == ' ';
	for (p = line_of(tcp4, sizeof(tcp4)); *p != '\n'; p++)
		found += *p == ' ';
	CU_ASSERT_EQUAL(named, found);
}

/* ---- the file ---- */

static char dir_path[] = "/tmp/test_seclog_XXXXXX";
static int dir;

static size_t
size_of(const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) < 0 ? 0 : (size_t)st.st_size;
}

static void
test_a_full_file_becomes_the_old_one_and_both_are_bounded(void)
{
	const char line[] = "0123456789012345678901234567890123456789012345678\n";
	const size_t max = 1024;
	struct file f;
	int i;

	file_init(&f, dir, "log", max);
	for (i = 0; i < 200; i++)
		CU_ASSERT_EQUAL(file_write(&f, line, strlen(line)), 0);
	CU_ASSERT_TRUE(size_of("log") > strlen(line_head) && size_of("log") <= max);
	CU_ASSERT_TRUE(size_of("log.old") > max / 2 && size_of("log.old") <= max);
	file_close(&f);
}

static void
test_a_file_that_was_taken_away_is_begun_again_with_its_head(void)
{
	struct file f;

	file_init(&f, dir, "gone", 65536);
	CU_ASSERT_EQUAL(file_write(&f, "a\n", 2), 0);
	CU_ASSERT_EQUAL(unlinkat(dir, "gone", 0), 0);
	CU_ASSERT_EQUAL(file_write(&f, "b\n", 2), 0);
	CU_ASSERT_EQUAL(size_of("gone"), strlen(line_head) + 2);
	file_close(&f);
}

static void
test_another_start_goes_on_with_the_file(void)
{
	struct file f;

	file_init(&f, dir, "on", 65536);
	CU_ASSERT_EQUAL(file_write(&f, "a\n", 2), 0);
	file_close(&f);
	file_init(&f, dir, "on", 65536);
	CU_ASSERT_EQUAL(file_write(&f, "b\n", 2), 0);
	CU_ASSERT_EQUAL(size_of("on"), strlen(line_head) + 4);
	file_close(&f);
}

static void
test_a_link_or_a_device_is_no_log(void)
{
	struct file f;

	CU_ASSERT_EQUAL(symlinkat("/dev/null", dir, "link"), 0);
	file_init(&f, dir, "link", 65536);
	CU_ASSERT_TRUE(file_write(&f, "a\n", 2) < 0);
	CU_ASSERT_EQUAL(mkfifoat(dir, "pipe", 0600), 0);
	file_init(&f, dir, "pipe", 65536);
	CU_ASSERT_TRUE(file_write(&f, "a\n", 2) < 0);
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(a_tcp_packet_has_all_its_fields),
		UNIT_TEST(an_icmpv6_packet_has_type_and_code),
		UNIT_TEST(what_is_cut_off_or_a_later_fragment_has_no_ports),
		UNIT_TEST(what_is_no_ip_is_refused),
		UNIT_TEST(lost_events_are_a_line_without_a_packet),
		UNIT_TEST(each_line_has_as_many_fields_as_the_head_names),
		UNIT_TEST(a_full_file_becomes_the_old_one_and_both_are_bounded),
		UNIT_TEST(a_file_that_was_taken_away_is_begun_again_with_its_head),
		UNIT_TEST(another_start_goes_on_with_the_file),
		UNIT_TEST(a_link_or_a_device_is_no_log),
		UNIT_END,
	};
	static const char *const names[] = { "log", "log.old", "gone", "on", "link", "pipe" };
	size_t i;
	int rc;

	if (!mkdtemp(dir_path))
		return EXIT_FAILURE;
	dir = open(dir_path, O_RDONLY | O_DIRECTORY);
	rc = unit_run("seclog", tests);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(dir, names[i], 0);
	close(dir);
	rmdir(dir_path);
	return rc;
}
