/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/lan.h"
#include "fake_netlink.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static struct lans *lans;
static struct netlink nl;
static struct conf conf;
static char told[512]; /* what changed() was told: "+eth1 192.168.1.1/24 #3 " or "-eth1 " */

static void
setup(void)
{
	memset(&nl, 0, sizeof(nl));
	memset(&conf, 0, sizeof(conf));
	fake_netlink_add(&nl, "lo", 1, "127.0.0.1/8")->loopback = true;
	fake_netlink_add(&nl, "eth0", 2, "203.0.113.5/24");
	fake_netlink_add(&nl, "eth1", 3, "192.168.1.1/24");
	lans = lans_new();
	CU_ASSERT_PTR_NOT_NULL_FATAL(lans);
}

static void
teardown(void)
{
	lans_free(lans);
}

static void
on_changed(void *arg, const struct lan *lan)
{
	size_t used = strlen(told);
	char prefix[PREFIX4_STRLEN];

	CU_ASSERT_PTR_EQUAL(arg, &conf);
	if (lan->serving)
		snprintf(told + used, sizeof(told) - used, "+%s %s #%u ", lan->ifname,
		    prefix4_str(&lan->prefix, prefix), lan->ifindex);
	else
		snprintf(told + used, sizeof(told) - used, "-%s ", lan->ifname);
}

static int
update_with(const char *wan)
{
	told[0] = '\0';
	return lans_update(lans, &conf, &nl, wan, on_changed, &conf);
}

static int
update(void)
{
	return update_with("eth0");
}

static struct netlink_if *
iface(const char *name)
{
	return (struct netlink_if *)netlink_find(&nl, name);
}

static void
configure(const char *name)
{
	strcpy(conf.lans[conf.n_lans++], name);
}

static void
test_other_interfaces_with_private_addresses_are_lans(void)
{
	setup();
	fake_netlink_add(&nl, "br0", 4, "10.1.0.1/16");
	fake_netlink_add(&nl, "eth7", 5, "198.51.100.1/24");
	fake_netlink_add(&nl, "eth8", 6, NULL);
	fake_netlink_add(&nl, "eth9", 7, "192.168.9.1/24")->up = false;
	fake_netlink_add(&nl, "tun0", 8, "10.8.0.2/24")->point_to_point = true;
	CU_ASSERT_EQUAL(update(), 2);
	CU_ASSERT_STRING_EQUAL(told, "+eth1 192.168.1.1/24 #3 +br0 10.1.0.1/16 #4 ");
	CU_ASSERT_EQUAL(lans_count(lans), 2);
	CU_ASSERT_PTR_EQUAL(lans_find(lans, "br0"), lans_at(lans, 1));
	CU_ASSERT_PTR_NULL(lans_at(lans, 2));
	CU_ASSERT_PTR_NULL(lans_find(lans, "eth7"));
	CU_ASSERT_EQUAL(lans_at(lans, 0)->calls_fd, -1);
	CU_ASSERT_EQUAL(update(), 0);
	teardown();
}

static void
test_nothing_is_served_before_the_wan_is_known(void)
{
	setup();
	CU_ASSERT_EQUAL(update_with(""), 0);
	CU_ASSERT_EQUAL(update_with("eth0"), 1);
	teardown();
}

static void
test_configured_lans_need_no_private_address_and_no_wan(void)
{
	setup();
	configure("eth7");
	configure("tun0");
	fake_netlink_add(&nl, "eth7", 5, "198.51.100.1/24");
	fake_netlink_add(&nl, "tun0", 8, "10.8.0.2/24")->point_to_point = true;
	CU_ASSERT_EQUAL(update_with(""), 2);
	CU_ASSERT_STRING_EQUAL(told, "+eth7 198.51.100.1/24 #5 +tun0 10.8.0.2/24 #8 ");
	CU_ASSERT_PTR_NULL(lans_find(lans, "eth1"));
	teardown();
}

static void
test_wan_is_never_served(void)
{
	setup();
	configure("eth0");
	CU_ASSERT_EQUAL(update(), 0);
	CU_ASSERT_FALSE(lans_find(lans, "eth0")->serving);
	conf.n_lans = 0;
	CU_ASSERT_EQUAL(update(), 1);
	CU_ASSERT_EQUAL(update_with("eth1"), 1); /* the WAN has moved to what was a LAN */
	CU_ASSERT_STRING_EQUAL(told, "-eth1 ");
	teardown();
}

static void
test_lan_that_comes_late_is_served_then(void)
{
	setup();
	configure("br7");
	CU_ASSERT_EQUAL(update(), 0);
	CU_ASSERT_EQUAL(lans_count(lans), 1);
	CU_ASSERT_FALSE(lans_at(lans, 0)->serving);
	fake_netlink_add(&nl, "br7", 11, NULL);
	CU_ASSERT_EQUAL(update(), 0);
	fake_netlink_address(iface("br7"), "192.168.7.1/24");
	iface("br7")->running = false; /* a bridge before its first port */
	CU_ASSERT_EQUAL(update(), 1);
	CU_ASSERT_STRING_EQUAL(told, "+br7 192.168.7.1/24 #11 ");
	teardown();
}

static void
test_new_address_and_new_index_are_told(void)
{
	setup();
	update();
	iface("eth1")->addrs[0].addr = 0xc0a80201;
	CU_ASSERT_EQUAL(update(), 1);
	CU_ASSERT_STRING_EQUAL(told, "+eth1 192.168.2.1/24 #3 ");
	iface("eth1")->addrs[0].len = 25;
	CU_ASSERT_EQUAL(update(), 1);
	iface("eth1")->index = 30;
	CU_ASSERT_EQUAL(update(), 1);
	CU_ASSERT_STRING_EQUAL(told, "+eth1 192.168.2.1/25 #30 ");
	fake_netlink_address(iface("eth1"), "192.168.77.1/24");
	CU_ASSERT_EQUAL(update(), 0); /* the first one still serves */
	teardown();
}

static void
test_lan_that_goes_is_told_once_and_may_come_back(void)
{
	struct lan *lan;

	setup();
	update();
	lan = lans_find(lans, "eth1");
	lan->worker_pid = 77;
	iface("eth1")->up = false;
	CU_ASSERT_EQUAL(update(), 1);
	CU_ASSERT_STRING_EQUAL(told, "-eth1 ");
	CU_ASSERT_EQUAL(update(), 0);
	CU_ASSERT_PTR_EQUAL(lans_find(lans, "eth1"), lan); /* its worker still runs */
	iface("eth1")->up = true;
	CU_ASSERT_EQUAL(update(), 1);
	CU_ASSERT_PTR_EQUAL(lans_find(lans, "eth1"), lan);
	CU_ASSERT_EQUAL(lan->worker_pid, 77);
	fake_netlink_del(&nl, "eth1");
	CU_ASSERT_EQUAL(update(), 1);
	lan->worker_pid = 0;
	update();
	CU_ASSERT_EQUAL(lans_count(lans), 0);
	teardown();
}

static void
test_address_that_moves_is_given_up_before_it_is_served(void)
{
	setup();
	update();
	fake_netlink_add(&nl, "br0", 4, "192.168.1.1/24");
	iface("eth1")->n_addrs = 0;
	CU_ASSERT_EQUAL(update(), 2);
	CU_ASSERT_STRING_EQUAL(told, "-eth1 +br0 192.168.1.1/24 #4 ");
	teardown();
}

static void
test_more_lans_than_places_are_bounded(void)
{
	char name[IFNAMSIZ], prefix[PREFIX4_STRLEN];
	unsigned i;

	setup();
	for (i = 0; i < CONF_LANS_MAX + 2; i++) {
		snprintf(name, sizeof(name), "v%u", i);
		snprintf(prefix, sizeof(prefix), "10.%u.0.1/24", i);
		fake_netlink_add(&nl, name, 100 + i, prefix);
	}
	CU_ASSERT_EQUAL(update(), CONF_LANS_MAX);
	CU_ASSERT_EQUAL(lans_count(lans), CONF_LANS_MAX);
	CU_ASSERT_EQUAL(update(), 0);
	teardown();
}

static const struct unit_test tests[] = {
	UNIT_TEST(other_interfaces_with_private_addresses_are_lans),
	UNIT_TEST(nothing_is_served_before_the_wan_is_known),
	UNIT_TEST(configured_lans_need_no_private_address_and_no_wan),
	UNIT_TEST(wan_is_never_served),
	UNIT_TEST(lan_that_comes_late_is_served_then),
	UNIT_TEST(new_address_and_new_index_are_told),
	UNIT_TEST(lan_that_goes_is_told_once_and_may_come_back),
	UNIT_TEST(address_that_moves_is_given_up_before_it_is_served),
	UNIT_TEST(more_lans_than_places_are_bounded),
	UNIT_END,
};

int
main(void)
{
	return unit_run("lan", tests);
}
