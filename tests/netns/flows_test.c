/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Knocks and flows on the real kernel: what packets leave behind, and how it ends. */
#define _GNU_SOURCE
#include "kernel_lab.h"

#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/conntrack.h"
#include "kernel/conntrack6.h"

/* ---- what packets tell ---- */

#define LAN_ADDR 0xc0a80101 /* 192.168.1.1 on lan0; the peer is 192.168.1.9 */

static const struct nft_net wan_and_lan = {
	.wan = "wan0", .wan_addrs = { WAN_ADDR }, .n_wan_addrs = 1, .lans = { "lan0" }, .n_lans = 1
};

static void
knock_init(struct fixture *f)
{
	fixture_init(f, false, &all_caps);
	CU_ASSERT_EQUAL(sh("ip link add wan0 type veth peer name wan1 && "
			   "ip link add lan0 type veth peer name lan1 && "
			   "for i in wan0 wan1 lan0 lan1; do ip link set $i up || exit 1; done && "
			   "ip addr add 203.0.113.1/24 dev wan0 && "
			   "ip addr add 192.168.1.1/24 dev lan0"),
	    0);
	CU_ASSERT_EQUAL(f->nft->set_net(f->nft, &wan_and_lan), 0);
	CU_ASSERT(sync_now(f) > 0);
}

static uint16_t
checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* An empty UDP packet comes in where @link (wan1, lan1) ends. */
static void
send_udp(const char *link, uint32_t from, uint32_t to, uint16_t port)
{
	struct {
		struct ether_header eth;
		struct iphdr ip;
		struct udphdr udp;
	} __attribute__((packed)) frame = {
		.eth.ether_type = htons(ETHERTYPE_IP),
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP },
		.udp = { .source = htons(4000), .dest = htons(port), .len = htons(8) },
	};
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(link) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	memset(frame.eth.ether_dhost, 0xff, ETH_ALEN);
	memset(frame.eth.ether_shost, 0x02, ETH_ALEN);
	frame.ip.tot_len = htons(sizeof(frame.ip) + sizeof(frame.udp));
	frame.ip.saddr = htonl(from);
	frame.ip.daddr = htonl(to);
	frame.ip.check = checksum(&frame.ip, sizeof(frame.ip));
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(
	    sendto(fd, &frame, sizeof(frame), 0, (void *)&ll, sizeof(ll)), (ssize_t)sizeof(frame));
	close(fd);
}

static int
knocked(struct fixture *f, uint16_t port)
{
	uint64_t record;

	return f->nft->knocked(f->nft, IPPROTO_UDP, port, &record);
}

/* Packets that were sent go through the kernel soon, mostly at once. */
static bool
is_knocked_soon(struct fixture *f, uint16_t port)
{
	int i;

	for (i = 0; i < 100 && knocked(f, port) != 1; i++)
		usleep(10000);
	return i < 100;
}

static void
test_a_port_that_was_tried_in_vain_is_remembered(void)
{
	struct fixture f;

	knock_init(&f);
	CU_ASSERT_EQUAL(knocked(&f, 6000), 0);
	send_udp("wan1", WAN_ADDR + 8, WAN_ADDR, 6000);
	CU_ASSERT_TRUE(is_knocked_soon(&f, 6000));
	CU_ASSERT_EQUAL(knocked(&f, 6001), 0);
	CU_ASSERT_STRING_EQUAL(output("nft list set inet portreeve knocked4 | "
				      "grep -o 'udp . 6000 timeout 10m'"),
	    "udp . 6000 timeout 10m");

	/* A LAN host that tries the external address. */
	send_udp("lan1", LAN_ADDR + 8, WAN_ADDR, 6002);
	CU_ASSERT_TRUE(is_knocked_soon(&f, 6002));
	/* What it wants of us is no knock; the packet behind it tells that it has passed. */
	send_udp("lan1", LAN_ADDR + 8, LAN_ADDR, 6003);
	send_udp("lan1", LAN_ADDR + 8, WAN_ADDR, 6004);
	CU_ASSERT_TRUE(is_knocked_soon(&f, 6004));
	CU_ASSERT_EQUAL(knocked(&f, 6003), 0);
	fixture_exit(&f);
}

static void
test_a_sender_that_goes_on_stays_remembered(void)
{
	struct fixture f;

	knock_init(&f);
	send_udp("wan1", WAN_ADDR + 8, WAN_ADDR, 6000);
	CU_ASSERT_TRUE(is_knocked_soon(&f, 6000));
	CU_ASSERT_EQUAL(sh("nft flush set inet portreeve knocked4"), 0);
	CU_ASSERT_EQUAL(knocked(&f, 6000), 0);
	send_udp("wan1", WAN_ADDR + 8, WAN_ADDR, 6000); /* the same flow as before */
	CU_ASSERT_TRUE(is_knocked_soon(&f, 6000));
	fixture_exit(&f);
}

static void
test_knocks_neither_wake_us_nor_are_they_mended(void)
{
	struct fixture f;
	struct nft_culprit culprit;
	struct nft_mapping m = mapping(1);
	uint16_t port;

	knock_init(&f);
	for (port = 6000; port < 8000; port++)
		send_udp("wan1", WAN_ADDR + 8, WAN_ADDR, port);
	CU_ASSERT_TRUE(is_knocked_soon(&f, 7999));
	CU_ASSERT_EQUAL(watch(&f, &culprit), 0);
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	CU_ASSERT_EQUAL(knocked(&f, 6000), 1);
	CU_ASSERT_EQUAL(sh("nft list ruleset | nft -c -f -"), 0);

	stop(&f);
	start(&f, &all_caps);
	CU_ASSERT_EQUAL(f.nft->set_net(f.nft, &wan_and_lan), 0);
	CU_ASSERT_EQUAL(knocked(&f, 6000), -EAGAIN);
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	CU_ASSERT_EQUAL(knocked(&f, 6000), 1);
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_ADD, NFT_SOURCE_ADD, &m), 0);
	fixture_exit(&f);
}

static void
test_the_record_of_knocks_is_another_when_some_may_be_missing(void)
{
	struct fixture f;
	uint64_t first = 0, second = 0, third = 0;

	knock_init(&f);
	CU_ASSERT_EQUAL(f.nft->knocked(f.nft, IPPROTO_TCP, 1, &first), 0);
	CU_ASSERT_EQUAL(f.nft->knocked(f.nft, IPPROTO_TCP, 2, &second), 0);
	CU_ASSERT_EQUAL(first, second);
	CU_ASSERT_EQUAL(f.nft->set_net(f.nft, &wan_and_lan), 0);
	CU_ASSERT_EQUAL(f.nft->knocked(f.nft, IPPROTO_TCP, 1, &second), 0);
	CU_ASSERT_NOT_EQUAL(first, second);
	CU_ASSERT_EQUAL(sh("nft delete table inet portreeve"), 0);
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(f.nft->knocked(f.nft, IPPROTO_TCP, 1, &third), 0);
	CU_ASSERT_NOT_EQUAL(second, third);
	fixture_exit(&f);
}

static void
test_a_mapped_port_counts_and_is_not_knocked_at(void)
{
	struct fixture f;
	struct nft_mapping m = mapping(2);
	uint64_t packets = 0;

	knock_init(&f);
	m.internal_client = LAN_ADDR + 8;
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_ADD, NFT_SOURCE_ADD, &m), 0);
	send_udp("wan1", WAN_ADDR + 8, WAN_ADDR, m.external_port);
	send_udp("wan1", WAN_ADDR + 8, WAN_ADDR, 6000);
	CU_ASSERT_TRUE(is_knocked_soon(&f, 6000));
	CU_ASSERT_EQUAL(knocked(&f, m.external_port), 0);
	CU_ASSERT_EQUAL(f.nft->map_use(f.nft, &m, &packets), 0);
	CU_ASSERT_EQUAL(packets, 1);
	fixture_exit(&f);
}

/* ---- connection tracking ---- */

/* Reads until the sweep has ended. */
static void
sweep(struct conntrack *ct)
{
	struct pollfd pfd = { .fd = conntrack_fd(ct), .events = POLLIN };

	CU_ASSERT_EQUAL(conntrack_sweep(ct), 0);
	while (poll(&pfd, 1, 50) > 0)
		CU_ASSERT_EQUAL(conntrack_read(ct), 0);
}

static int
flows(const char *filter)
{
	return atoi(output("conntrack -L %s 2>/dev/null | wc -l", filter));
}

/* A peer's flow through a mapping of 8080 to @client, as the kernel would have it. */
static void
add_mapped_flow(const char *peer, const char *client)
{
	CU_ASSERT_EQUAL(sh("conntrack -I -p tcp -s %s -d 203.0.113.1 --sport 4000 --dport 8080 "
			   "--dst-nat %s:80 --state ESTABLISHED -t 100 -u SEEN_REPLY,ASSURED",
			    peer, client),
	    0);
}

static struct conntrack *
conntrack_start(void)
{
	struct conntrack *ct;

	CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNET), 0);
	ct = conntrack_new(NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ct);
	return ct;
}

static void
test_flows_end_with_their_mapping(void)
{
	struct conntrack *ct = conntrack_start();
	struct ct_match match = { .external_port = 8080, .protocol = IPPROTO_TCP };

	add_mapped_flow("203.0.113.9", "192.168.1.10");
	add_mapped_flow("203.0.113.10", "192.168.1.10");
	add_mapped_flow("203.0.113.11", "192.168.1.11");
	CU_ASSERT_EQUAL(flows("--dst-nat"), 3);

	match.external_port = 8081;
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	sweep(ct);
	CU_ASSERT_EQUAL(flows(""), 3);

	match.external_port = 8080;
	match.internal_client = 0xc0a8010a;
	match.internal_port = 80;
	match.remote_host = 0xcb007109;
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	sweep(ct);
	CU_ASSERT_EQUAL(flows(""), 2);
	CU_ASSERT_EQUAL(flows("-s 203.0.113.9"), 0);

	/* Two wishes at once, so that the kernel cannot filter by port. */
	match.remote_host = 0;
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	match.external_port = 9;
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	sweep(ct);
	CU_ASSERT_EQUAL(flows(""), 1);
	CU_ASSERT_EQUAL(flows("-s 203.0.113.11"), 1);
	CU_ASSERT_EQUAL(conntrack_forgotten(ct), 2);
	conntrack_free(ct);
}

/* While they are still there. */
static void
on_ending(void *arg, const struct nft_flow *ended, size_t n)
{
	struct fixture *f = arg;

	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_EQUAL(flows("--dst-nat"), 1);
	CU_ASSERT_EQUAL(f->nft->end_flows(f->nft, ended, n), 0);
	CU_ASSERT_EQUAL(f->nft->end_flows(f->nft, ended, n), 0); /* known already: no error */
}

static void
test_tcp_flows_that_end_are_named_to_the_kernel_before(void)
{
	struct ct_match match = { .external_port = 8080, .protocol = IPPROTO_TCP };
	struct nft_flow six = { .inside_port = 80, .peer_port = 4000 };
	struct conntrack *ct;
	struct fixture f;

	fixture_init(&f, false, &all_caps);
	CU_ASSERT(sync_now(&f) > 0);
	ct = conntrack_new(on_ending, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ct);
	add_mapped_flow("203.0.113.9", "192.168.1.10");
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	sweep(ct);
	CU_ASSERT_EQUAL(flows(""), 0);
	CU_ASSERT_STRING_EQUAL(output("nft list set inet portreeve ended4 | "
				      "grep -o '192.* timeout 1h'"),
	    "192.168.1.10 . 80 . 203.0.113.9 . 4000 timeout 1h");
	addr6_parse("2001:db8:1::7", &six.inside);
	addr6_parse("2001:db8:f::9", &six.peer);
	CU_ASSERT_EQUAL(f.nft->end_flows(f.nft, &six, 1), 0);
	CU_ASSERT_STRING_EQUAL(output("nft list set inet portreeve ended6 | "
				      "grep -o '2001.* timeout 1h'"),
	    "2001:db8:1::7 . 80 . 2001:db8:f::9 . 4000 timeout 1h");
	CU_ASSERT_EQUAL(sync_now(&f), 0); /* and they are no fault of the table */
	conntrack_free(ct);
	fixture_exit(&f);
}

static void
test_a_new_mapping_clears_unanswered_flows_only(void)
{
	struct conntrack *ct = conntrack_start();
	struct ct_match match = {
		.external_port = 8080, .protocol = IPPROTO_UDP, .unreplied_only = true
	};

	/* A peer that was sending already, one that was answered, and a LAN host's own flow. */
	CU_ASSERT_EQUAL(sh("conntrack -I -p udp -s 203.0.113.9 -d 203.0.113.1 --sport 4000 "
			   "--dport 8080 -t 100"),
	    0);
	CU_ASSERT_EQUAL(sh("conntrack -I -p udp -s 203.0.113.10 -d 203.0.113.1 --sport 4000 "
			   "--dport 8080 -t 100 -u SEEN_REPLY"),
	    0);
	CU_ASSERT_EQUAL(sh("conntrack -I -p udp -s 192.168.1.10 -d 203.0.113.9 --sport 4000 "
			   "--dport 8080 --src-nat 203.0.113.1 -t 100"),
	    0);
	CU_ASSERT_EQUAL(flows(""), 3);
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	sweep(ct);
	CU_ASSERT_EQUAL(flows(""), 2);
	CU_ASSERT_EQUAL(flows("-s 203.0.113.9"), 0);
	conntrack_free(ct);
}

static void
test_a_survey_finds_the_ports_of_unanswered_flows(void)
{
	struct conntrack *ct = conntrack_start();
	struct ct_match match = {
		.external_port = 8080, .protocol = IPPROTO_UDP, .unreplied_only = true
	};
	struct ct_ports ports;
	int round;

	CU_ASSERT_EQUAL(sh("conntrack -I -p udp -s 203.0.113.9 -d 203.0.113.1 --sport 4000 "
			   "--dport 8081 -t 100"),
	    0);
	CU_ASSERT_EQUAL(sh("conntrack -I -p udp -s 203.0.113.10 -d 203.0.113.1 --sport 4000 "
			   "--dport 8082 -t 100 -u SEEN_REPLY"),
	    0);
	add_mapped_flow("203.0.113.9", "192.168.1.10");
	/* Alone, with a wish that the kernel could filter by, and with one of another kind. */
	for (round = 0; round < 3; round++) {
		conntrack_survey(ct, &ports);
		CU_ASSERT_FALSE(ports.complete);
		match.unreplied_only = round == 1;
		if (round)
			CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
		sweep(ct);
		CU_ASSERT_TRUE(ports.complete);
		CU_ASSERT_TRUE(conntrack_has_port(&ports, IPPROTO_UDP, 8081));
		CU_ASSERT_FALSE(conntrack_has_port(&ports, IPPROTO_TCP, 8081));
		CU_ASSERT_FALSE(conntrack_has_port(&ports, IPPROTO_UDP, 8082));
		CU_ASSERT_FALSE(conntrack_has_port(&ports, IPPROTO_TCP, 8080));
	}
	CU_ASSERT_EQUAL(flows(""), 3);
	conntrack_free(ct);
}

static void
test_a_survey_asked_for_during_a_sweep_waits_for_the_next(void)
{
	struct conntrack *ct = conntrack_start();
	struct ct_ports ports;

	conntrack_survey(ct, &ports);
	CU_ASSERT_EQUAL(conntrack_sweep(ct), 0);
	conntrack_survey(ct, &ports);
	CU_ASSERT_EQUAL(conntrack_read(ct), 0);
	CU_ASSERT_FALSE(ports.complete);
	sweep(ct);
	CU_ASSERT_TRUE(ports.complete);
	conntrack_free(ct);
}

static void
test_wishes_of_a_running_sweep_wait_for_the_next(void)
{
	struct conntrack *ct = conntrack_start();
	struct ct_match match = { .external_port = 9, .protocol = IPPROTO_TCP };

	add_mapped_flow("203.0.113.9", "192.168.1.10");
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	CU_ASSERT_EQUAL(conntrack_sweep(ct), 0);
	match.external_port = 8080;
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	sweep(ct); /* asked for while the first is under way */
	CU_ASSERT_EQUAL(conntrack_forgotten(ct), 1);
	CU_ASSERT_EQUAL(flows(""), 0);
	conntrack_free(ct);
}

/* ---- IPv6 flows ---- */

static void
add_flow6(const char *src, unsigned sport, const char *dst, unsigned dport)
{
	CU_ASSERT_EQUAL(sh("conntrack -I -p udp -s %s -d %s --sport %u --dport %u -t 100 "
			   "-u SEEN_REPLY",
			    src, dst, sport, dport),
	    0);
}

static bool
has_flow6(const char *src, const char *dst, unsigned dport)
{
	return sh("conntrack -L -f ipv6 -p udp -s %s -d %s --dport %u | grep -q .", src, dst,
		   dport) == 0;
}

static void
test_flows_end_with_their_pinhole(void)
{
	struct ct_match6 wishes[2] = { { .protocol = IPPROTO_UDP, .internal_port = 8080 } };

	if (sh("command -v conntrack") != 0) {
		printf("skipped: no conntrack(8) ");
		return;
	}
	CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNET), 0);
	addr6_parse("2001:db8:1::7", &wishes[0].internal_client);
	add_flow6("2001:db8:f::9", 5000, "2001:db8:1::7", 8080);
	add_flow6("2001:db8:f::9", 5000, "2001:db8:1::7", 8081);
	add_flow6("2001:db8:f::9", 5000, "2001:db8:1::8", 8080);
	add_flow6("2001:db8:1::7", 8080, "2001:db8:f::9", 5001); /* begun inside */
	CU_ASSERT_EQUAL(conntrack6_forget(wishes, 1, NULL, NULL), 1);
	CU_ASSERT_FALSE(has_flow6("2001:db8:f::9", "2001:db8:1::7", 8080));
	CU_ASSERT_TRUE(has_flow6("2001:db8:f::9", "2001:db8:1::7", 8081));
	CU_ASSERT_TRUE(has_flow6("2001:db8:f::9", "2001:db8:1::8", 8080));
	CU_ASSERT_TRUE(has_flow6("2001:db8:1::7", "2001:db8:f::9", 5001));

	/* several at once, and of any port: no filter in the kernel then */
	wishes[0].internal_port = 0;
	wishes[0].protocol = CT_PROTO_ANY;
	wishes[1] = wishes[0];
	addr6_parse("2001:db8:1::8", &wishes[1].internal_client);
	wishes[1].remote_port = 4999;
	CU_ASSERT_EQUAL(conntrack6_forget(wishes, 2, NULL, NULL), 1);
	wishes[1].remote_port = 5000;
	addr6_parse("2001:db8:f::8", &wishes[1].remote_host);
	CU_ASSERT_EQUAL(conntrack6_forget(wishes, 2, NULL, NULL), 0);
	addr6_parse("2001:db8:f::9", &wishes[1].remote_host);
	CU_ASSERT_EQUAL(conntrack6_forget(wishes, 2, NULL, NULL), 1);
	CU_ASSERT_TRUE(has_flow6("2001:db8:1::7", "2001:db8:f::9", 5001));
	CU_ASSERT_EQUAL(conntrack6_forget(wishes, 0, NULL, NULL), 0);
}

static const struct unit_test tests[] = {
	UNIT_TEST(flows_end_with_their_pinhole),
	UNIT_TEST(flows_end_with_their_mapping),
	UNIT_TEST(tcp_flows_that_end_are_named_to_the_kernel_before),
	UNIT_TEST(a_new_mapping_clears_unanswered_flows_only),
	UNIT_TEST(a_port_that_was_tried_in_vain_is_remembered),
	UNIT_TEST(a_sender_that_goes_on_stays_remembered),
	UNIT_TEST(knocks_neither_wake_us_nor_are_they_mended),
	UNIT_TEST(the_record_of_knocks_is_another_when_some_may_be_missing),
	UNIT_TEST(a_mapped_port_counts_and_is_not_knocked_at),
	UNIT_TEST(a_survey_finds_the_ports_of_unanswered_flows),
	UNIT_TEST(a_survey_asked_for_during_a_sweep_waits_for_the_next),
	UNIT_TEST(wishes_of_a_running_sweep_wait_for_the_next),
	UNIT_END,
};

int
main(void)
{
	return kernel_lab_run("flows_kernel", tests, "nft --version && conntrack --version");
}
