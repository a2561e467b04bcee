/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/wan.h"
#include "lib/log.h"
#include "fake_netlink.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct wan *wan;
static struct netlink nl;
static struct conf conf;
static int64_t now_ms;

static void
setup(void)
{
	memset(&nl, 0, sizeof(nl));
	memset(&conf, 0, sizeof(conf));
	now_ms = 1000000;
	fake_netlink_add(&nl, "eth0", 2, "203.0.113.5/24");
	fake_netlink_add(&nl, "eth1", 3, "192.168.1.1/24");
	nl.default_ifname = "eth0";
	wan = wan_new();
	CU_ASSERT_PTR_NOT_NULL_FATAL(wan);
}

static bool
update(void)
{
	return wan_update(wan, &conf, &nl, now_ms);
}

static void
teardown(void)
{
	wan_free(wan);
}

static void
test_default_routes_interface_is_the_wan(void)
{
	uint32_t addrs[4];

	setup();
	CU_ASSERT_STRING_EQUAL(wan_ifname(wan), "");
	CU_ASSERT_EQUAL(wan_status(wan), MSG_WAN_UNCONFIGURED);
	CU_ASSERT_TRUE(update());
	CU_ASSERT_STRING_EQUAL(wan_ifname(wan), "eth0");
	CU_ASSERT_EQUAL(wan_address(wan), 0xcb007105);
	CU_ASSERT_EQUAL(wan_external_address(wan), 0xcb007105);
	CU_ASSERT_EQUAL(wan_addresses(wan, addrs, 4), 1);
	CU_ASSERT_EQUAL(wan_status(wan), MSG_WAN_CONNECTED);
	CU_ASSERT_TRUE(wan_link_up(wan));
	CU_ASSERT_FALSE(update());
	teardown();
}

static void
test_default_route_is_followed_when_it_moves(void)
{
	setup();
	update();
	nl.default_ifname = "eth1";
	CU_ASSERT_TRUE(update());
	CU_ASSERT_STRING_EQUAL(wan_ifname(wan), "eth1");
	CU_ASSERT_EQUAL(wan_address(wan), 0xc0a80101);
	teardown();
}

static void
test_configured_interface_beats_the_default_route(void)
{
	setup();
	strcpy(conf.wan, "ppp0");
	CU_ASSERT_TRUE(update());
	CU_ASSERT_STRING_EQUAL(wan_ifname(wan), "ppp0");
	CU_ASSERT_EQUAL(wan_status(wan), MSG_WAN_DISCONNECTED);
	CU_ASSERT_EQUAL(wan_external_address(wan), 0);
	fake_netlink_add(&nl, "ppp0", 9, "203.0.113.9/32");
	CU_ASSERT_TRUE(update());
	CU_ASSERT_EQUAL(wan_status(wan), MSG_WAN_CONNECTED);
	CU_ASSERT_EQUAL(wan_address(wan), 0xcb007109);
	teardown();
}

static void
test_redial_is_no_change_of_interface(void)
{
	setup();
	update();
	nl.default_ifname = NULL;
	CU_ASSERT_FALSE(update()); /* the route alone says nothing of the link */
	fake_netlink_del(&nl, "eth0");
	CU_ASSERT_TRUE(update());
	CU_ASSERT_STRING_EQUAL(wan_ifname(wan), "eth0");
	CU_ASSERT_EQUAL(wan_status(wan), MSG_WAN_DISCONNECTED);
	CU_ASSERT_FALSE(update());
	fake_netlink_add(&nl, "eth0", 12, "203.0.113.6/24");
	CU_ASSERT_TRUE(update());
	CU_ASSERT_EQUAL(wan_address(wan), 0xcb007106);
	CU_ASSERT_EQUAL(wan_status(wan), MSG_WAN_CONNECTED);
	teardown();
}

/* What clients are shown depends on it, and should not change with each call. */
static void
test_a_ppp_line_is_one_while_it_is_hung_up(void)
{
	setup();
	CU_ASSERT_TRUE(update());
	CU_ASSERT_FALSE(wan_is_ppp(wan));
	strcpy(conf.wan, "ppp0"); /* not dialled yet: by its name */
	CU_ASSERT_TRUE(update());
	CU_ASSERT_TRUE(wan_is_ppp(wan));
	strcpy(conf.wan, "dsl0");
	CU_ASSERT_TRUE(update());
	CU_ASSERT_FALSE(wan_is_ppp(wan));
	fake_netlink_add(&nl, "dsl0", 9, "203.0.113.9/32")->ppp = true;
	CU_ASSERT_TRUE(update());
	CU_ASSERT_TRUE(wan_is_ppp(wan));
	fake_netlink_del(&nl, "dsl0");
	CU_ASSERT_TRUE(update());
	CU_ASSERT_TRUE(wan_is_ppp(wan));
	fake_netlink_add(&nl, "dsl0", 10, "203.0.113.9/32");
	CU_ASSERT_TRUE(update());
	CU_ASSERT_FALSE(wan_is_ppp(wan));
	teardown();
}

static void
test_connected_takes_up_running_and_an_address(void)
{
	struct netlink_if *eth0;

	setup();
	update();
	eth0 = &nl.ifs[0];
	eth0->running = false;
	CU_ASSERT_TRUE(update());
	CU_ASSERT_EQUAL(wan_status(wan), MSG_WAN_DISCONNECTED);
	CU_ASSERT_FALSE(wan_link_up(wan));
	CU_ASSERT_EQUAL(wan_external_address(wan), 0);
	eth0->running = true;
	eth0->up = false;
	CU_ASSERT_TRUE(update());
	CU_ASSERT_EQUAL(wan_status(wan), MSG_WAN_DISCONNECTED);
	eth0->up = true;
	eth0->n_addrs = 0;
	CU_ASSERT_TRUE(update());
	CU_ASSERT_EQUAL(wan_status(wan), MSG_WAN_DISCONNECTED);
	CU_ASSERT_TRUE(wan_link_up(wan));
	fake_netlink_address(eth0, "169.254.1.2/16"); /* what DHCP clients take in despair */
	CU_ASSERT_TRUE(update());
	CU_ASSERT_EQUAL(wan_status(wan), MSG_WAN_DISCONNECTED);
	fake_netlink_address(eth0, "203.0.113.7/24");
	CU_ASSERT_TRUE(update());
	CU_ASSERT_EQUAL(wan_status(wan), MSG_WAN_CONNECTED);
	CU_ASSERT_EQUAL(wan_address(wan), 0xcb007107);
	teardown();
}

static void
test_uptime_begins_anew_with_each_connection(void)
{
	setup();
	update();
	now_ms += 61500;
	CU_ASSERT_EQUAL(wan_uptime_s(wan, now_ms), 61);
	fake_netlink_address(&nl.ifs[0], "203.0.113.20/24");
	CU_ASSERT_TRUE(update()); /* a second address is no new connection */
	CU_ASSERT_EQUAL(wan_uptime_s(wan, now_ms), 61);
	nl.ifs[0].running = false;
	update();
	CU_ASSERT_EQUAL(wan_uptime_s(wan, now_ms), 0);
	now_ms += 5000;
	nl.ifs[0].running = true;
	update();
	now_ms += 2000;
	CU_ASSERT_EQUAL(wan_uptime_s(wan, now_ms), 2);
	nl.ifs[0].index = 40; /* deleted and made again between two looks */
	CU_ASSERT_TRUE(update());
	CU_ASSERT_EQUAL(wan_uptime_s(wan, now_ms), 0);
	teardown();
}

static void
test_configured_address_is_told_while_connected(void)
{
	uint32_t addrs[4];

	setup();
	update();
	conf.external_address = 0xc6336401;
	CU_ASSERT_TRUE(update());
	CU_ASSERT_EQUAL(wan_external_address(wan), 0xc6336401);
	CU_ASSERT_EQUAL(wan_address(wan), 0xcb007105);
	CU_ASSERT_EQUAL(wan_addresses(wan, addrs, 4), 2);
	CU_ASSERT_EQUAL(addrs[0], 0xc6336401);
	CU_ASSERT_EQUAL(addrs[1], 0xcb007105);
	CU_ASSERT_EQUAL(wan_addresses(wan, addrs, 1), 1);
	conf.external_address = 0xcb007105; /* the interface's own */
	CU_ASSERT_TRUE(update());
	CU_ASSERT_EQUAL(wan_addresses(wan, addrs, 4), 1);
	nl.ifs[0].up = false;
	update();
	CU_ASSERT_EQUAL(wan_external_address(wan), 0);
	teardown();
}

static void
test_an_address_that_is_translated_again_is_double_nat(void)
{
	setup();
	update();
	CU_ASSERT_FALSE(wan_double_nat(wan));
	nl.ifs[0].n_addrs = 0;
	update();
	CU_ASSERT_FALSE(wan_double_nat(wan));
	fake_netlink_address(&nl.ifs[0], "100.64.0.10/10");
	update();
	CU_ASSERT_TRUE(wan_double_nat(wan));
	nl.ifs[0].n_addrs = 0;
	fake_netlink_address(&nl.ifs[0], "10.0.0.2/24");
	update();
	CU_ASSERT_TRUE(wan_double_nat(wan));
	conf.external_address = 0xc6336401; /* somebody knows, and has arranged for it */
	update();
	CU_ASSERT_FALSE(wan_double_nat(wan));
	teardown();
}

/* What the log says during one update goes to @text. */
static void
capture_update(char *text, size_t size)
{
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	update();
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	n = read(ends[0], text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	close(ends[0]);
}

static void
test_each_change_is_logged_once_in_plain_words(void)
{
	char text[1024];

	setup();
	capture_update(text, sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "info "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "WAN is eth0, 203.0.113.5 (documentation)"));
	capture_update(text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "");
	nl.default_ifname = "eth1";
	capture_update(text, sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "warn "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "WAN is eth1, 192.168.1.1 (private): double NAT"));
	nl.ifs[1].running = false;
	capture_update(text, sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "WAN is eth1: no link"));
	teardown();
}

static const struct unit_test tests[] = {
	UNIT_TEST(default_routes_interface_is_the_wan),
	UNIT_TEST(default_route_is_followed_when_it_moves),
	UNIT_TEST(configured_interface_beats_the_default_route),
	UNIT_TEST(redial_is_no_change_of_interface),
	UNIT_TEST(a_ppp_line_is_one_while_it_is_hung_up),
	UNIT_TEST(connected_takes_up_running_and_an_address),
	UNIT_TEST(uptime_begins_anew_with_each_connection),
	UNIT_TEST(configured_address_is_told_while_connected),
	UNIT_TEST(an_address_that_is_translated_again_is_double_nat),
	UNIT_TEST(each_change_is_logged_once_in_plain_words),
	UNIT_END,
};

int
main(void)
{
	return unit_run("wan", tests);
}
