/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/addr6.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

static struct addr6
parse(const char *text)
{
	struct addr6 addr = { { 0 } };

	CU_ASSERT_EQUAL(addr6_parse(text, &addr), 0);
	return addr;
}

static void
test_text_goes_in_and_out(void)
{
	static const char *const same[] = { "::", "::1", "2001:db8::1", "fe80::1234:5678",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "192.0.2.1" };
	char buf[ADDR6_STRLEN], text[64];
	struct addr6 addr;
	size_t i;

	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		snprintf(
		    text, sizeof(text), "%s%s", strchr(same[i], '.') ? "::ffff:" : "", same[i]);
		addr = parse(text);
		CU_ASSERT_STRING_EQUAL(addr6_str(&addr, buf), same[i]);
	}
	addr = parse("2001:DB8:0:0:0::1");
	CU_ASSERT_STRING_EQUAL(addr6_str(&addr, buf), "2001:db8::1");
}

static void
test_what_is_no_address_is_refused(void)
{
	static const char *const bad[] = { "", ":", "1", "2001:db8::1/64", "2001:db8::1%eth0",
		" ::1", "::1 ", "12345::", "1:2:3:4:5:6:7:8:9", "192.0.2.1", "::g" };
	struct addr6 addr;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(addr6_parse(bad[i], &addr), -EINVAL);
	CU_ASSERT_EQUAL(addr6_parse(NULL, &addr), -EINVAL);
}

static void
test_kinds_are_told_apart(void)
{
	static const struct {
		const char *text;
		bool global, link_local;
	} rows[] = {
		{ "2001:db8::1", true, false },
		{ "3fff::1", true, false },
		{ "2000::", true, false },
		{ "fe80::1", false, true },
		{ "febf::1", false, true },
		{ "fec0::1", false, false },
		{ "fd00::1", false, false },
		{ "ff02::1", false, false },
		{ "::1", false, false },
		{ "::ffff:192.0.2.1", false, false },
		{ "4000::1", false, false },
	};
	struct addr6 addr;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		addr = parse(rows[i].text);
		CU_ASSERT_EQUAL(addr6_is_global(&addr), rows[i].global);
		CU_ASSERT_EQUAL(addr6_is_link_local(&addr), rows[i].link_local);
		CU_ASSERT_FALSE(addr6_is_zero(&addr));
	}
	addr = parse("::");
	CU_ASSERT_TRUE(addr6_is_zero(&addr));
}

static void
test_ipv4_addresses_have_their_place(void)
{
	struct addr6 addr = addr6_from4(0xc0000201), same = parse("::ffff:192.0.2.1");
	uint32_t addr4 = 0;

	CU_ASSERT_TRUE(addr6_same(&addr, &same));
	CU_ASSERT_TRUE(addr6_to4(&addr, &addr4));
	CU_ASSERT_EQUAL(addr4, 0xc0000201);
	addr = parse("2001:db8::1");
	CU_ASSERT_FALSE(addr6_to4(&addr, &addr4));
}

static void
test_prefixes_contain_what_begins_like_them(void)
{
	static const struct {
		const char *prefix, *addr;
		bool contains;
	} rows[] = {
		{ "2001:db8::1/64", "2001:db8::ffff:1", true },
		{ "2001:db8::1/64", "2001:db8:0:1::1", false },
		{ "2001:db8::/63", "2001:db8:0:1::1", true },
		{ "2001:db8::/63", "2001:db8:0:2::1", false },
		{ "2001:db8::1", "2001:db8::1", true },
		{ "2001:db8::1", "2001:db8::2", false },
		{ "::/0", "ff02::1", true },
		{ "2001:db8::1/127", "2001:db8::", true },
	};
	struct prefix6 prefix;
	struct addr6 addr;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT_EQUAL(prefix6_parse(rows[i].prefix, &prefix), 0);
		addr = parse(rows[i].addr);
		CU_ASSERT_EQUAL(prefix6_contains(&prefix, &addr), rows[i].contains);
	}
	CU_ASSERT_EQUAL(prefix6_parse("2001:db8::/129", &prefix), -EINVAL);
	CU_ASSERT_EQUAL(prefix6_parse("2001:db8::/", &prefix), -EINVAL);
	CU_ASSERT_EQUAL(prefix6_parse("2001:db8::/64x", &prefix), -EINVAL);
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(text_goes_in_and_out),
		UNIT_TEST(what_is_no_address_is_refused),
		UNIT_TEST(kinds_are_told_apart),
		UNIT_TEST(ipv4_addresses_have_their_place),
		UNIT_TEST(prefixes_contain_what_begins_like_them),
		UNIT_END,
	};

	return unit_run("addr6", tests);
}
