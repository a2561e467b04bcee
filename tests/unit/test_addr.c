/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/addr.h"
#include "lib/utf8.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

static void
test_only_whole_dotted_quads_parse(void)
{
	static const char *const bad[] = { "", "1.2.3", "1.2.3.4 ", " 1.2.3.4", "256.1.1.1",
		"a.b.c.d", "1.2.3.4.5", "1.2.3.4/24" };
	uint32_t addr;
	size_t i;

	CU_ASSERT_EQUAL(addr4_parse("192.168.1.10", &addr), 0);
	CU_ASSERT_EQUAL(addr, 0xc0a8010a);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(addr4_parse(bad[i], &addr), -EINVAL);
}

static void
test_prefix_knows_its_hosts_and_edges(void)
{
	struct prefix4 p;
	char buf[PREFIX4_STRLEN];

	CU_ASSERT_EQUAL(prefix4_parse("192.168.1.1/24", &p), 0);
	CU_ASSERT_TRUE(prefix4_contains(&p, 0xc0a801fe));
	CU_ASSERT_FALSE(prefix4_contains(&p, 0xc0a802fe));
	CU_ASSERT_TRUE(prefix4_same(&p, &p));
	CU_ASSERT_FALSE(prefix4_same(&p, &(const struct prefix4){ p.addr, 25 }));
	CU_ASSERT_FALSE(prefix4_same(&p, &(const struct prefix4){ p.addr + 1, p.len }));
	CU_ASSERT_TRUE(prefix4_is_edge(&p, 0xc0a80100));
	CU_ASSERT_TRUE(prefix4_is_edge(&p, 0xc0a801ff));
	CU_ASSERT_FALSE(prefix4_is_edge(&p, 0xc0a80101));
	CU_ASSERT_STRING_EQUAL(prefix4_str(&p, buf), "192.168.1.1/24");
	CU_ASSERT_EQUAL(prefix4_parse("10.0.0.1/33", &p), -EINVAL);
	CU_ASSERT_EQUAL(prefix4_parse("10.0.0.1/", &p), -EINVAL);
	CU_ASSERT_EQUAL(prefix4_parse("10.0.0.1/-1", &p), -EINVAL);
}

static void
test_kind_of_address_is_told(void)
{
	CU_ASSERT_EQUAL(addr4_kind(0xc0a80101), ADDR4_PRIVATE);
	CU_ASSERT_EQUAL(addr4_kind(0xac1f0001), ADDR4_PRIVATE);
	CU_ASSERT_EQUAL(addr4_kind(0xac200001), ADDR4_PUBLIC);
	CU_ASSERT_EQUAL(addr4_kind(0x64400001), ADDR4_SHARED);
	CU_ASSERT_EQUAL(addr4_kind(0xcb007105), ADDR4_DOCUMENTATION);
	CU_ASSERT_EQUAL(addr4_kind(0x08080808), ADDR4_PUBLIC);
	CU_ASSERT_EQUAL(addr4_kind(0xe0000001), ADDR4_SPECIAL);
}

static void
test_hostile_text_becomes_harmless(void)
{
	char text[] = "ok\x1b[31m \xc3\xbc \xff\xc2\x9b!";

	CU_ASSERT_FALSE(utf8_valid(text, strlen(text)));
	utf8_sanitize(text);
	CU_ASSERT_TRUE(utf8_valid(text, strlen(text)));
	CU_ASSERT_STRING_EQUAL(text, "ok?[31m \xc3\xbc ?\?\?!");
	CU_ASSERT_FALSE(utf8_valid("\xed\xa0\x80", 3)); /* a surrogate */
	CU_ASSERT_FALSE(utf8_valid("\xc0\xaf", 2));     /* overlong */
	CU_ASSERT_EQUAL(utf8_width("a\xc3\xbc\xe6\xbc\xa2"), 4);
}

static void
test_marks_that_turn_a_line_around_are_tamed(void)
{
	char text[] = "a\xe2\x80\xae\xe2\x80\xa8\xd8\x9c\xe2\x80\x94 \xd7\xa9\xe2\x81\xa6";

	utf8_tame_marks(text);
	CU_ASSERT_STRING_EQUAL(text, "a?\?\?\?\?\?\?\?\xe2\x80\x94 \xd7\xa9?\?\?");
}

static const struct unit_test tests[] = {
	UNIT_TEST(only_whole_dotted_quads_parse),
	UNIT_TEST(prefix_knows_its_hosts_and_edges),
	UNIT_TEST(kind_of_address_is_told),
	UNIT_TEST(hostile_text_becomes_harmless),
	UNIT_TEST(marks_that_turn_a_line_around_are_tamed),
	UNIT_END,
};

int
main(void)
{
	return unit_run("addr", tests);
}
