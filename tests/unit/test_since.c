/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/since.h"
#include "unit.h"

#include <errno.h>

#define NOW_S 1750000000 /* 2025-06-15T15:06:40Z */

static int64_t
parse(const char *text)
{
	int64_t out = -1;

	CU_ASSERT_EQUAL(since_parse(text, NOW_S, &out), 0);
	return out;
}

static void
test_a_number_with_a_unit_is_so_long_ago(void)
{
	CU_ASSERT_EQUAL(parse("90s"), NOW_S - 90);
	CU_ASSERT_EQUAL(parse("30m"), NOW_S - 1800);
	CU_ASSERT_EQUAL(parse("2h"), NOW_S - 7200);
	CU_ASSERT_EQUAL(parse("3d"), NOW_S - 259200);
	CU_ASSERT_EQUAL(parse("1w"), NOW_S - 604800);
	CU_ASSERT_EQUAL(parse("0s"), NOW_S);
	CU_ASSERT_EQUAL(parse("99999999999999999999w"), 0); /* since ever */
}

static void
test_a_date_is_utc(void)
{
	CU_ASSERT_EQUAL(parse("2025-06-15"), 1749945600);
	CU_ASSERT_EQUAL(parse("2025-06-15T15:06"), NOW_S - 40);
	CU_ASSERT_EQUAL(parse("2025-06-15T15:06:40"), NOW_S);
	CU_ASSERT_EQUAL(parse("2025-06-15T15:06:40Z"), NOW_S);
	CU_ASSERT_EQUAL(parse("2025-06-15 15:06:40"), NOW_S);
	CU_ASSERT_EQUAL(parse("2024-02-29"), 1709164800);
}

static void
test_anything_else_is_refused(void)
{
	static const char *const bad[] = { "", "2", "h", "2x", "-2h", "+2h", " 2h", "2h ", "2hh",
		"1.5h", "yesterday", "2025-02-29", "2025-13-01", "2025-06-31", "2025-06-15T25:00",
		"2025-06-15Z", "1969-01-01", "2025-06-15T15:06:40+02:00" };
	int64_t out;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(since_parse(bad[i], NOW_S, &out), -EINVAL);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_number_with_a_unit_is_so_long_ago),
	UNIT_TEST(a_date_is_utc),
	UNIT_TEST(anything_else_is_refused),
	UNIT_END,
};

int
main(void)
{
	return unit_run("since", tests);
}
