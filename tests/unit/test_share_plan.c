/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses a LAN gets, with a fake network and a fake list of what is ours. */
#include "core/share_plan.h"
#include "fake_netlink.h"
#include "unit.h"

#include <string.h>

#include "config/conf_keys.h"
#include "lib/compiler.h"

static struct conf conf;
static struct netlink nl;
static const char *ours; /* the one name that undo_is_ours() knows */

bool
undo_is_ours(const struct undo *undo UNUSED, const char *name)
{
	return ours && strcmp(ours, name) == 0;
}

static void
setup(void)
{
	conf_keys_defaults(&conf);
	memset(&nl, 0, sizeof(nl));
	ours = NULL;
	fake_netlink_add(&nl, "wan0", 2, "203.0.113.1/24");
	fake_netlink_add(&nl, "lan0", 3, NULL);
	fake_netlink_add(&nl, "lan1", 4, NULL);
}

/* The address for @ifname as text; "" when there is none. */
static const char *
pick(const char *ifname, const char *taken)
{
	static char text[PREFIX4_STRLEN];
	struct prefix4 others[1], out;
	size_t n = 0;

	if (taken)
		prefix4_parse(taken, &others[n++]);
	text[0] = '\0';
	if (share_plan_address(&conf, &nl, NULL, ifname, others, n, &out))
		prefix4_str(&out, text);
	return text;
}

static struct netlink_if *
find(const char *name)
{
	return (struct netlink_if *)netlink_find(&nl, name);
}

static void
test_a_lan_without_an_address_gets_the_configured_one(void)
{
	setup();
	CU_ASSERT_STRING_EQUAL(pick("lan0", NULL), "192.168.137.1/24");
	prefix4_parse("10.1.1.254/25", &conf.lan_address);
	CU_ASSERT_STRING_EQUAL(pick("lan0", NULL), "10.1.1.254/25");
	CU_ASSERT_STRING_EQUAL(pick("lan1", "10.1.1.254/25"), "10.1.2.126/25");
	CU_ASSERT_STRING_EQUAL(pick("none0", NULL), "");
}

static void
test_a_lan_that_has_one_is_left_alone(void)
{
	setup();
	fake_netlink_address(find("lan0"), "192.168.1.1/24");
	CU_ASSERT_STRING_EQUAL(pick("lan0", NULL), "");
}

static void
test_what_is_in_use_elsewhere_is_passed_over(void)
{
	setup();
	fake_netlink_address(find("wan0"), "192.168.137.44/24");
	CU_ASSERT_STRING_EQUAL(pick("lan0", NULL), "192.168.138.1/24");
	fake_netlink_address(find("lan1"), "192.168.0.1/16");
	CU_ASSERT_STRING_EQUAL(pick("lan0", NULL), "");
}

static void
test_what_it_got_it_keeps(void)
{
	setup();
	fake_netlink_address(find("lan0"), "192.168.139.1/24");
	ours = "address:lan0:192.168.139.1/24";
	CU_ASSERT_STRING_EQUAL(pick("lan0", NULL), "192.168.139.1/24");
	fake_netlink_address(find("lan0"), "10.0.0.1/8");
	CU_ASSERT_STRING_EQUAL(pick("lan0", NULL), ""); /* somebody gave it another */
}

static void
test_each_lan_gets_a_network_of_the_prefix(void)
{
	struct prefix6 prefix, out;
	char text[ADDR6_STRLEN];

	prefix6_parse("2001:db8:5::/48", &prefix);
	CU_ASSERT_TRUE(share_plan_subnet6(&prefix, 0, &out));
	CU_ASSERT_STRING_EQUAL(addr6_str(&out.addr, text), "2001:db8:5::1");
	CU_ASSERT_EQUAL(out.len, 64);
	CU_ASSERT_TRUE(share_plan_subnet6(&prefix, 10, &out));
	CU_ASSERT_STRING_EQUAL(addr6_str(&out.addr, text), "2001:db8:5:a::1");
	prefix6_parse("2001:db8:5:fffc::/62", &prefix);
	CU_ASSERT_TRUE(share_plan_subnet6(&prefix, 3, &out));
	CU_ASSERT_STRING_EQUAL(addr6_str(&out.addr, text), "2001:db8:5:ffff::1");
	CU_ASSERT_FALSE(share_plan_subnet6(&prefix, 4, &out));
	prefix6_parse("2001:db8:5:6::/64", &prefix);
	CU_ASSERT_TRUE(share_plan_subnet6(&prefix, 0, &out));
	CU_ASSERT_FALSE(share_plan_subnet6(&prefix, 1, &out));
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_lan_without_an_address_gets_the_configured_one),
	UNIT_TEST(a_lan_that_has_one_is_left_alone),
	UNIT_TEST(what_is_in_use_elsewhere_is_passed_over),
	UNIT_TEST(what_it_got_it_keeps),
	UNIT_TEST(each_lan_gets_a_network_of_the_prefix),
	UNIT_END,
};

int
main(void)
{
	return unit_run("share_plan", tests);
}
