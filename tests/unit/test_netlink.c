/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor and the counters, against the real kernel in a network namespace of our own. Skipped,
 * and said so, where none may be made.
 */
#include <config.h>

#include "platform/ifstat.h"
#include "platform/neigh.h"
#include "platform/netlink.h"
#include "lib/clock.h"
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct netlink *nl;

static void
ip(const char *args)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "ip %s", args);
	CU_ASSERT_EQUAL_FATAL(system(cmd), 0);
}

/* A pair w0, w1 with w0 as WAN; any failed assertion is in the test that calls. */
static void
setup(void)
{
	ip("link add w0 type veth peer name w1");
	ip("link set lo up");
	ip("link set w0 up");
	ip("link set w1 up");
	ip("addr add 203.0.113.5/24 dev w0");
	ip("route add default via 203.0.113.1");
	nl = netlink_new();
	CU_ASSERT_PTR_NOT_NULL_FATAL(nl);
}

static void
teardown(void)
{
	netlink_free(nl);
	nl = NULL;
	if (system("ip link del w0 2>/dev/null; ip link del x0 2>/dev/null") < 0)
		perror("ip");
}

#define DEADLINE_MS 5000

/* Takes one round of events; false when the deadline has passed without any. */
static bool
next_events(int64_t deadline_ms)
{
	struct pollfd pfd = { .fd = netlink_fd(nl), .events = POLLIN };
	int64_t left = deadline_ms - clock_boot_ms();

	if (left <= 0 || poll(&pfd, 1, (int)left) <= 0)
		return false;
	CU_ASSERT_TRUE(netlink_read(nl) >= 0);
	return true;
}

/* Carrier changes are told by a worker of the kernel's up to a second later, so wait for a state
 * and not for a number of events. */
#define EVENTUALLY(state)                                                                          \
	do {                                                                                       \
		int64_t deadline_ms = clock_boot_ms() + DEADLINE_MS;                               \
		while (!(state) && next_events(deadline_ms))                                       \
			;                                                                          \
		CU_ASSERT_TRUE(state);                                                             \
	} while (0)

/* Events come in order: once this one is seen, all before it were. */
static void
drain(void)
{
	static unsigned mtu = 1300;
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "link set lo mtu %u", ++mtu);
	ip(cmd);
	EVENTUALLY(netlink_find(nl, "lo")->mtu == mtu);
}

static const struct netlink_if *
wan(void)
{
	const struct netlink_if *w0 = netlink_find(nl, "w0");

	CU_ASSERT_PTR_NOT_NULL_FATAL(w0);
	return w0;
}

static void
test_present_state_is_read_at_start(void)
{
	const struct netlink_if *w0, *lo, *i;
	size_t n = 0;

	setup();
	drain();
	EVENTUALLY(wan()->running);
	w0 = wan();
	lo = netlink_find(nl, "lo");
	CU_ASSERT_PTR_NOT_NULL_FATAL(lo);
	CU_ASSERT_TRUE(lo->loopback);
	CU_ASSERT_TRUE(w0->up && w0->running && !w0->loopback && !w0->point_to_point);
	CU_ASSERT_EQUAL(w0->mtu, 1500);
	CU_ASSERT_EQUAL(w0->n_addrs, 1);
	CU_ASSERT_EQUAL(w0->addrs[0].addr, 0xcb007105);
	CU_ASSERT_EQUAL(w0->addrs[0].len, 24);
	CU_ASSERT_PTR_EQUAL(netlink_default(nl), w0);
	for (i = netlink_next(nl, NULL); i; i = netlink_next(nl, i))
		n++;
	CU_ASSERT_EQUAL(n, 3);
	CU_ASSERT_PTR_NULL(netlink_find(nl, "none"));
	teardown();
}

static void
test_reading_without_events_does_not_block(void)
{
	setup();
	drain();
	CU_ASSERT_EQUAL(netlink_read(nl), 0);
	teardown();
}

static void
test_carrier_and_admin_state_are_followed(void)
{
	setup();
	drain();
	ip("link set w1 down");
	EVENTUALLY(wan()->up && !wan()->running);
	ip("link set w1 up");
	EVENTUALLY(wan()->up && wan()->running);
	ip("link set w0 down");
	EVENTUALLY(!wan()->up);
	teardown();
}

/* The kernel drops the routes of a link that goes down and sends no RTM_DELROUTE for them. */
static void
test_default_route_goes_with_its_link(void)
{
	setup();
	drain();
	CU_ASSERT_PTR_NOT_NULL(netlink_default(nl));
	ip("link set w0 down");
	EVENTUALLY(!netlink_default(nl));
	ip("link set w0 up");
	ip("route add default via 203.0.113.1");
	EVENTUALLY(netlink_default(nl) == wan());
	teardown();
}

static void
test_default_route_of_least_metric_wins(void)
{
	setup();
	ip("link add x0 type veth peer name x1");
	ip("link set x0 up");
	ip("addr add 192.168.9.1/24 dev x0");
	ip("route del default");
	ip("route add default via 203.0.113.1 metric 200");
	ip("route add default dev x0 metric 100");
	drain();
	CU_ASSERT_STRING_EQUAL(netlink_default(nl)->name, "x0");
	ip("route del default metric 100");
	drain();
	CU_ASSERT_STRING_EQUAL(netlink_default(nl)->name, "w0");
	ip("route add default dev x0 table 77");
	ip("route add unreachable default metric 1");
	drain();
	CU_ASSERT_STRING_EQUAL(netlink_default(nl)->name, "w0");
	ip("route del unreachable default metric 1");
	teardown();
}

static void
test_multipath_default_route_leads_by_its_first_hop(void)
{
	setup();
	ip("link add x0 type veth peer name x1");
	ip("link set x0 up");
	ip("route replace default nexthop dev x0 nexthop via 203.0.113.1");
	drain();
	CU_ASSERT_STRING_EQUAL(netlink_default(nl)->name, "x0");
	teardown();
}

static void
test_addresses_come_and_go_in_the_kernels_order(void)
{
	setup();
	ip("addr add 203.0.113.6/24 dev w0");
	ip("addr add 192.168.5.1/24 dev w0");
	ip("addr add 169.254.7.7/16 scope link dev w0");
	drain();
	CU_ASSERT_EQUAL_FATAL(wan()->n_addrs, 3);
	CU_ASSERT_EQUAL(wan()->addrs[0].addr, 0xcb007105);
	CU_ASSERT_EQUAL(wan()->addrs[1].addr, 0xc0a80501); /* a primary goes before secondaries */
	CU_ASSERT_EQUAL(wan()->addrs[2].addr, 0xcb007106);
	ip("addr del 192.168.5.1/24 dev w0");
	drain();
	CU_ASSERT_EQUAL(wan()->n_addrs, 2);
	ip("addr flush dev w0");
	drain();
	CU_ASSERT_EQUAL(wan()->n_addrs, 0);
	CU_ASSERT_PTR_NULL(netlink_default(nl));
	teardown();
}

static void
test_deprecated_address_goes_last(void)
{
	setup();
	ip("addr add 198.51.100.9/24 dev w0");
	drain();
	CU_ASSERT_EQUAL(wan()->addrs[0].addr, 0xcb007105);
	ip("addr change 203.0.113.5/24 dev w0 valid_lft 1000 preferred_lft 0");
	drain();
	CU_ASSERT_EQUAL_FATAL(wan()->n_addrs, 2);
	CU_ASSERT_EQUAL(wan()->addrs[0].addr, 0xc6336409);
	CU_ASSERT_EQUAL(wan()->addrs[1].addr, 0xcb007105);
	teardown();
}

static void
test_own_address_of_a_point_to_point_link_is_kept(void)
{
	setup();
	ip("addr add 203.0.113.77 peer 203.0.113.254/32 dev w1");
	drain();
	CU_ASSERT_EQUAL_FATAL(netlink_find(nl, "w1")->n_addrs, 1);
	CU_ASSERT_EQUAL(netlink_find(nl, "w1")->addrs[0].addr, 0xcb00714d);
	teardown();
}

static void
test_interface_made_again_has_its_new_index(void)
{
	uint32_t before;

	setup();
	drain();
	before = wan()->index;
	ip("link del w0");
	ip("link add w0 type veth peer name w1");
	ip("addr add 203.0.113.8/24 dev w0");
	drain();
	CU_ASSERT_NOT_EQUAL(wan()->index, before);
	CU_ASSERT_EQUAL(wan()->addrs[0].addr, 0xcb007108);
	CU_ASSERT_PTR_NULL(netlink_default(nl));
	teardown();
}

static void
test_renamed_interface_is_found_by_its_new_name(void)
{
	setup();
	drain();
	ip("link set w0 name x0");
	drain();
	CU_ASSERT_PTR_NULL(netlink_find(nl, "w0"));
	CU_ASSERT_PTR_NOT_NULL(netlink_find(nl, "x0"));
	teardown();
}

static void
test_bridge_port_that_leaves_is_no_deleted_interface(void)
{
	setup();
	ip("link add x0 type bridge");
	ip("link set w1 master x0");
	drain();
	ip("link set w1 nomaster");
	drain();
	CU_ASSERT_PTR_NOT_NULL(netlink_find(nl, "w1"));
	teardown();
}

/* As many changes as the socket's buffer cannot hold: events are lost, the state is not. */
static void
test_lost_events_are_made_up_for(void)
{
	int small = 1, i;
	char cmd[96];

	setup();
	drain();
	CU_ASSERT_EQUAL(
	    setsockopt(netlink_fd(nl), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	for (i = 10; i < 40; i++) {
		snprintf(cmd, sizeof(cmd), "addr add 203.0.113.%d/24 dev w0", i);
		ip(cmd);
	}
	ip("link set w0 mtu 1400");
	EVENTUALLY(wan()->mtu == 1400);
	CU_ASSERT_EQUAL(wan()->n_addrs, NETLINK_ADDRS_MAX);
	teardown();
}

static void
test_counters_and_speed_are_read(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0xcb007109)
	};
	struct ifstat before, after;
	int fd;

	setup();
	CU_ASSERT_EQUAL(ifstat_read("w0", &before), 0);
	CU_ASSERT_EQUAL(before.speed_bps, 10000000000); /* what veth says of itself */
	ip("neigh add 203.0.113.9 lladdr 02:00:00:00:00:09 dev w0");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	CU_ASSERT_EQUAL(sendto(fd, "0123456789", 10, 0, (void *)&to, sizeof(to)), 10);
	close(fd);
	CU_ASSERT_EQUAL(ifstat_read("w0", &after), 0);
	CU_ASSERT_TRUE(after.tx_packets > before.tx_packets);
	CU_ASSERT_TRUE(after.tx_bytes >= before.tx_bytes + 38);
	CU_ASSERT_EQUAL(ifstat_read("lo", &after), 0);
	CU_ASSERT_EQUAL(after.speed_bps, 0);
	CU_ASSERT_EQUAL(ifstat_read("none", &after), -ENODEV);
	CU_ASSERT_EQUAL(ifstat_read("", &after), -ENODEV);
	CU_ASSERT_EQUAL(ifstat_read("a-name-much-too-long", &after), -ENODEV);
	teardown();
}

static bool
has_addr6(const char *text)
{
	struct prefix6 prefix;
	size_t i;

	CU_ASSERT_EQUAL(prefix6_parse(text, &prefix), 0);
	for (i = 0; i < wan()->n_addrs6; i++)
		if (addr6_same(&wan()->addrs6[i].addr, &prefix.addr) &&
		    wan()->addrs6[i].len == prefix.len)
			return true;
	return false;
}

static void
test_ipv6_addresses_come_and_go(void)
{
	setup();
	CU_ASSERT_EQUAL(wan()->n_addrs6, 0); /* the link-local one does not count */
	ip("addr add 2001:db8::5/64 dev w0 nodad");
	EVENTUALLY(has_addr6("2001:db8::5/64"));
	ip("addr add fd00::5/48 dev w0 nodad");
	EVENTUALLY(has_addr6("fd00::5/48") && wan()->n_addrs6 == 2);
	ip("addr del 2001:db8::5/64 dev w0");
	EVENTUALLY(!has_addr6("2001:db8::5/64") && wan()->n_addrs6 == 1);
	teardown();
}

static void
test_neighbours_are_known_by_both_families(void)
{
	struct addr6 four = addr6_from4(0xcb007109), six, other;
	struct neigh a, b;

	setup();
	addr6_parse("2001:db8::9", &six);
	addr6_parse("2001:db8::a", &other);
	ip("addr add 2001:db8::5/64 dev w0 nodad");
	ip("neigh add 203.0.113.9 lladdr 02:00:00:00:00:09 dev w0");
	ip("neigh add 2001:db8::9 lladdr 02:00:00:00:00:09 dev w0 nud stale");
	ip("neigh add 2001:db8::a lladdr 02:00:00:00:00:0a dev w0");
	EVENTUALLY(wan()->n_addrs6 == 1);
	CU_ASSERT_EQUAL(neigh_find(wan()->index, &four, &a), 0);
	CU_ASSERT_EQUAL(neigh_find(wan()->index, &six, &b), 0);
	CU_ASSERT_EQUAL(a.len, 6);
	CU_ASSERT_EQUAL(a.lladdr[5], 9);
	CU_ASSERT_TRUE(neigh_same(&a, &b));
	CU_ASSERT_EQUAL(neigh_find(wan()->index, &other, &b), 0);
	CU_ASSERT_FALSE(neigh_same(&a, &b));
	addr6_parse("2001:db8::b", &other);
	CU_ASSERT_EQUAL(neigh_find(wan()->index, &other, &b), -ENOENT);
	/* but the kernel looks for it now */
	CU_ASSERT_EQUAL(system("ip neigh show 2001:db8::b dev w0 | grep -q INCOMPLETE"), 0);
	teardown();
}

static void
test_all_neighbours_are_read_at_once(void)
{
	struct neigh_list list = { .read = false };
	struct addr6 addr;
	struct mac mac;
	unsigned i;

	setup();
	ip("addr add 2001:db8::5/64 dev w0 nodad");
	ip("neigh add 2001:db8::9 lladdr 02:00:00:00:00:99 dev w0 nud stale");
	CU_ASSERT_EQUAL(system("for i in $(seq 1 250); do echo neigh add 203.0.113.$i lladdr "
			       "02:00:00:00:00:$(printf %02x $i) dev w0; done | ip -batch -"),
	    0);
	EVENTUALLY(wan()->n_addrs6 == 1);
	for (i = 1; i <= 250; i++) {
		addr = addr6_from4(0xcb007100 + i);
		if (!neigh_list_find_mac(&list, wan()->index, &addr, &mac) || mac.octet[5] != i)
			break;
	}
	CU_ASSERT_EQUAL(i, 251);
	CU_ASSERT_FALSE(neigh_list_find_mac(&list, wan()->index + 1, &addr, &mac));
	addr6_parse("2001:db8::9", &addr);
	CU_ASSERT_TRUE(neigh_list_find_mac(&list, wan()->index, &addr, &mac));
	CU_ASSERT_EQUAL(mac.octet[5], 0x99);
	/* who is not known is not looked for; nor is he known who came since */
	addr6_parse("2001:db8::b", &addr);
	CU_ASSERT_FALSE(neigh_list_find_mac(&list, wan()->index, &addr, &mac));
	CU_ASSERT_NOT_EQUAL(system("ip neigh show 2001:db8::b dev w0 | grep -q ."), 0);
	ip("neigh add 2001:db8::b lladdr 02:00:00:00:00:0b dev w0");
	CU_ASSERT_FALSE(neigh_list_find_mac(&list, wan()->index, &addr, &mac));
	neigh_list_free(&list);
	CU_ASSERT_TRUE(neigh_list_find_mac(&list, wan()->index, &addr, &mac));
	neigh_list_free(&list);
	teardown();
}

static const struct unit_test tests[] = {
	UNIT_TEST(all_neighbours_are_read_at_once),
	UNIT_TEST(ipv6_addresses_come_and_go),
	UNIT_TEST(neighbours_are_known_by_both_families),
	UNIT_TEST(present_state_is_read_at_start),
	UNIT_TEST(reading_without_events_does_not_block),
	UNIT_TEST(carrier_and_admin_state_are_followed),
	UNIT_TEST(default_route_goes_with_its_link),
	UNIT_TEST(default_route_of_least_metric_wins),
	UNIT_TEST(multipath_default_route_leads_by_its_first_hop),
	UNIT_TEST(addresses_come_and_go_in_the_kernels_order),
	UNIT_TEST(deprecated_address_goes_last),
	UNIT_TEST(own_address_of_a_point_to_point_link_is_kept),
	UNIT_TEST(interface_made_again_has_its_new_index),
	UNIT_TEST(renamed_interface_is_found_by_its_new_name),
	UNIT_TEST(bridge_port_that_leaves_is_no_deleted_interface),
	UNIT_TEST(lost_events_are_made_up_for),
	UNIT_TEST(counters_and_speed_are_read),
	UNIT_END,
};

int
main(void)
{
	if (!unit_enter_netns("netlink"))
		return UNIT_SKIPPED;
	if (system("ip link add w0 type veth peer name w1 2>/dev/null && ip link del w0") != 0) {
		printf("netlink: skipped: ip(8) makes no veth pair here\n");
		return UNIT_SKIPPED;
	}
	return unit_run("netlink", tests);
}
