/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/human.h"
#include "unit.h"

#define NOON_S 1777636800 /* 2026-05-01T12:00:00Z */

static void
test_durations_have_two_units(void)
{
	static const struct {
		int64_t s;
		const char *said;
	} table[] = { { 0, "0s" }, { 59, "59s" }, { 60, "1m 0s" }, { 3599, "59m 59s" },
		{ 3600, "1h 0m" }, { 86399, "23h 59m" }, { 86400, "1d 0h" },
		{ 400 * 86400L + 7200, "400d 2h" } };
	char buf[HUMAN_MAX];
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		CU_ASSERT_STRING_EQUAL(human_duration(table[i].s, buf), table[i].said);
}

static void
test_sizes_have_binary_units(void)
{
	char buf[HUMAN_MAX];

	CU_ASSERT_STRING_EQUAL(human_size(0, buf), "0 B");
	CU_ASSERT_STRING_EQUAL(human_size(1023, buf), "1023 B");
	CU_ASSERT_STRING_EQUAL(human_size(1536, buf), "1.5 KiB");
	CU_ASSERT_STRING_EQUAL(human_size(12LL << 30, buf), "12.0 GiB");
	CU_ASSERT_STRING_EQUAL(human_size(5000LL << 40, buf), "5000.0 TiB");
}

static void
test_times_tell_how_long_ago(void)
{
	static const char noon[] = "2026-05-01T12:00:00Z";
	char buf[HUMAN_MAX];

	CU_ASSERT_STRING_EQUAL(human_time(noon, buf), "2026-05-01 12:00:00");
	CU_ASSERT_STRING_EQUAL(
	    human_time_ago(noon, NOON_S + 11100, buf), "2026-05-01 12:00:00 UTC (3h 5m ago)");
	CU_ASSERT_STRING_EQUAL(
	    human_time_ago(noon, NOON_S, buf), "2026-05-01 12:00:00 UTC (0s ago)");
}

static void
test_what_is_to_come_or_no_time_is_not_ago(void)
{
	char buf[HUMAN_MAX];

	CU_ASSERT_STRING_EQUAL(
	    human_time_ago("2026-05-01T12:00:00Z", NOON_S - 1, buf), "2026-05-01 12:00:00 UTC");
	CU_ASSERT_STRING_EQUAL(human_time_ago("not known", NOON_S, buf), "not known");
	CU_ASSERT_STRING_EQUAL(human_time("", buf), "");
	CU_ASSERT_STRING_EQUAL(
	    human_time("2026-05-01T12:00:00Z and much more", buf), "2026-05-01 12:00:00");
}

static const struct unit_test tests[] = {
	UNIT_TEST(durations_have_two_units),
	UNIT_TEST(sizes_have_binary_units),
	UNIT_TEST(times_tell_how_long_ago),
	UNIT_TEST(what_is_to_come_or_no_time_is_not_ago),
	UNIT_END,
};

int
main(void)
{
	return unit_run("human", tests);
}
