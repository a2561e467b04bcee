/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rulesets as others write them, loaded by nft(8) and iptables-nft into a network namespace each:
 * what drops our mappings is found and named, what is harmless is not. Needs root or unprivileged
 * user namespaces, else it is skipped.
 */
#define _GNU_SOURCE
#include "kernel_lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernel/foreign.h"

/* ---- helpers ---- */

/* Gives @text to the shell command @command. */
static bool
feed(const char *command, const char *text)
{
	FILE *f = popen(command, "we");

	if (!f)
		return false;
	fputs(text, f);
	return pclose(f) == 0;
}

static bool
has_iptables(void)
{
	return system("command -v iptables-nft >/dev/null 2>&1") == 0;
}

/* A TCP mapping of 203.0.113.1:5000 to 192.168.1.10:7000, seen in the forward hook. */
static struct foreign_packet
mapped(void)
{
	struct foreign_packet p = {
		.family = NFPROTO_IPV4,
		.protocol = IPPROTO_TCP,
		.iif = "wan0",
		.oif = "lan0",
		.dst_len = 32,
		.dport = 7000,
		.dnated = true,
	};

	inet_pton(AF_INET, "192.168.1.10", p.dst);
	return p;
}

/* Any mapping to a host of the LAN. */
static struct foreign_packet
any_mapped(void)
{
	struct foreign_packet p = mapped();

	p.dst_len = 24;
	p.dport = 0;
	return p;
}

/* A search of a host of the LAN, seen in the input hook. */
static struct foreign_packet
search(void)
{
	struct foreign_packet p = {
		.family = NFPROTO_IPV4,
		.protocol = IPPROTO_UDP,
		.iif = "lan0",
		.src_len = 24,
		.dst_len = 32,
		.dport = 1900,
		.to = FOREIGN_TO_MANY,
	};

	inet_pton(AF_INET, "192.168.1.0", p.src);
	inet_pton(AF_INET, "239.255.255.250", p.dst);
	return p;
}

static struct foreign_packet
outbound(void)
{
	struct foreign_packet p = {
		.family = NFPROTO_IPV4,
		.protocol = IPPROTO_TCP,
		.iif = "lan0",
		.oif = "wan0",
		.src_len = 24,
	};

	inet_pton(AF_INET, "192.168.1.0", p.src);
	return p;
}

struct result {
	struct foreign_finding worst;
	unsigned n;
};

static void
on_finding(void *arg, const struct foreign_finding *finding)
{
	struct result *result = arg;

	result->n++;
	if (finding->verdict > result->worst.verdict)
		result->worst = *finding;
}

static struct result
judge(const struct foreign_packet *packet, uint32_t hook)
{
	struct result result = { .n = 0 };
	struct foreign *f;

	CU_ASSERT_EQUAL_FATAL(foreign_read(&f), 0);
	foreign_judge(f, packet, hook, on_finding, &result);
	foreign_free(f);
	return result;
}

static void
load(const char *ruleset)
{
	CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNET), 0);
	CU_ASSERT_TRUE_FATAL(feed("nft -f -", ruleset));
}

/* The forward hook's verdict over any mapping. */
static enum foreign_verdict
forward_verdict(const char *ruleset)
{
	struct foreign_packet p = any_mapped();

	load(ruleset);
	return judge(&p, NF_INET_FORWARD).worst.verdict;
}

/* The handle that nft shows of the rule with @words. */
static uint64_t
handle_of(const char *words)
{
	char command[256], line[64] = "";
	FILE *f;

	snprintf(command, sizeof(command),
	    "nft -a list ruleset | grep -- '%s' | sed 's/.*# handle //'", words);
	f = popen(command, "re");
	if (f) {
		if (!fgets(line, sizeof(line), f))
			line[0] = '\0';
		pclose(f);
	}
	return strtoull(line, NULL, 10);
}

/* ---- what drops ---- */

static void
test_a_policy_that_drops_is_named(void)
{
	struct foreign_packet p = any_mapped();
	struct result r;

	load("table inet firewall { chain through { type filter hook forward priority 5; policy "
	     "drop;\n"
	     "ct state established,related accept\n iifname \"lan0\" accept\n }\n}\n");
	r = judge(&p, NF_INET_FORWARD);
	CU_ASSERT_EQUAL(r.n, 1);
	CU_ASSERT_EQUAL(r.worst.verdict, FOREIGN_DROPS);
	CU_ASSERT_FALSE(r.worst.exceptions);
	CU_ASSERT_EQUAL(r.worst.place.family, NFPROTO_INET);
	CU_ASSERT_STRING_EQUAL(r.worst.place.table, "firewall");
	CU_ASSERT_STRING_EQUAL(r.worst.place.chain, "through");
	CU_ASSERT_EQUAL(r.worst.place.handle, 0);
	CU_ASSERT_EQUAL(r.worst.place.hook, NF_INET_FORWARD);
	CU_ASSERT_EQUAL(r.worst.place.priority, 5);
}

static void
test_a_rule_that_drops_is_named_by_its_handle(void)
{
	struct foreign_packet p = any_mapped();
	struct result r;

	load("table ip f { chain c { type filter hook forward priority 0;\n"
	     "iifname \"lan0\" accept\n"
	     "iifname \"wan0\" counter drop comment \"here\"\n }\n}\n");
	r = judge(&p, NF_INET_FORWARD);
	CU_ASSERT_EQUAL(r.worst.verdict, FOREIGN_DROPS);
	CU_ASSERT_EQUAL(r.worst.place.family, NFPROTO_IPV4);
	CU_ASSERT_EQUAL(r.worst.place.handle, handle_of("here"));
	CU_ASSERT_NOT_EQUAL(r.worst.place.handle, 0);
}

static void
test_reject_is_a_drop_and_jumps_are_followed(void)
{
	struct foreign_packet p = any_mapped();
	struct result r;

	load("table inet f {\n chain last { reject with icmpx admin-prohibited comment \"here\"\n "
	     "}\n"
	     "chain from_wan { ct state invalid drop\n tcp flags & (fin|syn|rst|ack) != syn ct "
	     "state new drop\n goto last\n }\n"
	     "chain c { type filter hook forward priority 0;\n"
	     "iifname { \"wan0\", \"ppp0\" } jump from_wan\n }\n}\n");
	r = judge(&p, NF_INET_FORWARD);
	CU_ASSERT_EQUAL(r.worst.verdict, FOREIGN_DROPS);
	CU_ASSERT_STRING_EQUAL(r.worst.place.chain, "last");
	CU_ASSERT_STRING_EQUAL(r.worst.place.base, "c");
	CU_ASSERT_EQUAL(r.worst.place.handle, handle_of("here"));
}

static void
test_only_what_its_own_rules_let_in_passes(void)
{
	struct foreign_packet any = any_mapped(), one = mapped();
	struct result r;

	load("table inet f { chain c { type filter hook forward priority 0; policy drop;\n"
	     "tcp dport { 22, 7000-7010 } accept\n }\n}\n");
	r = judge(&any, NF_INET_FORWARD);
	CU_ASSERT_EQUAL(r.worst.verdict, FOREIGN_DROPS);
	CU_ASSERT_TRUE(r.worst.exceptions);
	CU_ASSERT_EQUAL(judge(&one, NF_INET_FORWARD).n, 0);
	one.dport = 7011;
	CU_ASSERT_EQUAL(judge(&one, NF_INET_FORWARD).worst.verdict, FOREIGN_DROPS);
	CU_ASSERT_FALSE(judge(&one, NF_INET_FORWARD).worst.exceptions);
}

static void
test_returning_the_allowed_and_dropping_the_rest_is_a_drop(void)
{
	struct foreign_packet p = any_mapped();
	struct result r;

	load("table ip f { chain user { ip saddr 198.51.100.0/24 return\n drop\n }\n"
	     "chain c { type filter hook forward priority 0;\n"
	     "iifname \"wan0\" jump user\n }\n}\n");
	r = judge(&p, NF_INET_FORWARD);
	CU_ASSERT_EQUAL(r.worst.verdict, FOREIGN_DROPS);
	CU_ASSERT_TRUE(r.worst.exceptions);
}

static void
test_a_map_of_verdicts_is_read(void)
{
	CU_ASSERT_EQUAL(
	    forward_verdict("table inet f { chain w { drop\n }\n chain l { accept\n }\n"
			    "chain c { type filter hook forward priority 0;\n"
			    "iifname vmap { \"wan0\" : jump w, \"lan0\" : jump l }\n }\n}\n"),
	    FOREIGN_DROPS);
	CU_ASSERT_EQUAL(
	    forward_verdict("table inet f { chain w { drop\n }\n"
			    "chain c { type filter hook forward priority 0; policy drop;\n"
			    "ct state vmap { established : accept, related : accept, "
			    "invalid : drop }\n"
			    "iifname . oifname vmap { \"wan0\" . \"lan0\" : accept, "
			    "\"wan0\" . \"lan1\" : jump w }\n }\n}\n"),
	    FOREIGN_PASSES);
}

static void
test_input_is_judged_for_searches(void)
{
	struct foreign_packet p = search();

	load("table inet f { chain in { type filter hook input priority 0; policy drop;\n"
	     "iifname \"lo\" accept\n ct state established,related accept\n"
	     "ip protocol icmp accept\n tcp dport 22 accept\n }\n}\n");
	CU_ASSERT_EQUAL(judge(&p, NF_INET_LOCAL_IN).worst.verdict, FOREIGN_DROPS);
	load("table inet f { chain in { type filter hook input priority 0; policy drop;\n"
	     "ip daddr 224.0.0.0/4 udp dport 1900 accept\n }\n}\n");
	CU_ASSERT_EQUAL(judge(&p, NF_INET_LOCAL_IN).n, 0);
	load("table inet f { chain in { type filter hook input priority 0; policy drop;\n"
	     "ip saddr 192.168.0.0/16 accept\n }\n}\n");
	CU_ASSERT_EQUAL(judge(&p, NF_INET_LOCAL_IN).n, 0);
	load("table inet f { chain in { type filter hook input priority 0; policy drop;\n"
	     "ip saddr 10.0.0.0/8 accept\n fib daddr type local accept\n }\n}\n");
	CU_ASSERT_EQUAL(judge(&p, NF_INET_LOCAL_IN).worst.verdict, FOREIGN_DROPS);
}

static void
test_what_cannot_be_read_and_decides_is_unclear(void)
{
	CU_ASSERT_EQUAL(
	    forward_verdict("table inet f { chain c { type filter hook forward "
			    "priority 0; policy drop;\n meta mark 0x17 accept\n }\n}\n"),
	    FOREIGN_UNCLEAR);
}

static void
test_a_mark_that_is_known_is_judged(void)
{
	struct foreign_packet p = any_mapped();

	load("table inet f {\nchain c { type filter hook forward priority 0; policy drop;\n"
	     "meta mark and 0x10000000 == 0x10000000 accept\n }\n }\n");
	CU_ASSERT_EQUAL(judge(&p, NF_INET_FORWARD).worst.verdict, FOREIGN_UNCLEAR);
	p.mark = 0x10000000;
	p.mark_priority = 0;
	CU_ASSERT_EQUAL(judge(&p, NF_INET_FORWARD).worst.verdict, FOREIGN_UNCLEAR);
	p.mark_priority = -1;
	CU_ASSERT_EQUAL(judge(&p, NF_INET_FORWARD).n, 0);
	p.mark = 0x20000000;
	CU_ASSERT_EQUAL(judge(&p, NF_INET_FORWARD).worst.verdict, FOREIGN_UNCLEAR);
	load("table inet f {\nchain c { type filter hook forward priority 0;\n"
	     "meta mark and 0x30000000 == 0x10000000 drop\n }\n }\n");
	p.mark = 0x20000000; /* the other bit is set: it is another mark */
	CU_ASSERT_EQUAL(judge(&p, NF_INET_FORWARD).n, 0);
}

static void
test_ingress_of_the_wan_is_seen(void)
{
	struct foreign_packet p = mapped();

	CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNET), 0);
	if (system("ip link add wan0 type veth peer name far0 2>/dev/null") != 0) {
		printf("skipped: no veth ");
		return;
	}
	CU_ASSERT_TRUE_FATAL(feed("nft -f -",
	    "table netdev f { chain c { type filter hook ingress device wan0 priority 0; policy "
	    "drop;\n udp dport 53 accept\n }\n}\n"));
	CU_ASSERT_EQUAL(judge(&p, NF_INET_INGRESS).worst.verdict, FOREIGN_DROPS);
	snprintf(p.iif, sizeof(p.iif), "wan1");
	CU_ASSERT_EQUAL(judge(&p, NF_INET_INGRESS).n, 0);
}

/* ---- what is harmless ---- */

static void
test_harmless_rules_are_not_reported(void)
{
	static const char *const harmless[] = {
		"table inet f { chain c { type filter hook forward priority 0; policy accept;\n "
		"}\n}\n",
		/* a blocklist, an attack, a rate */
		"table inet f { set bad { type ipv4_addr; flags interval; elements = { "
		"198.51.100.0/24, 203.0.113.64/26 }\n}\n"
		"chain c { type filter hook forward priority 0;\n ip saddr @bad drop\n"
		"ct state invalid drop\n tcp flags & (fin|syn) == (fin|syn) drop\n"
		"ip protocol icmp limit rate over 10/second drop\n meta l4proto udp udp dport 53 "
		"drop\n"
		"tcp dport { 25, 135-139 } drop\n }\n}\n",
		/* it knows about translated flows */
		"table inet f { chain c { type filter hook forward priority 0; policy drop;\n"
		"ct status dnat accept\n }\n}\n",
		/* it is about others */
		"table inet f { chain c { type filter hook forward priority 0;\n"
		"iifname \"lan1\" drop\n iifname \"docker*\" oifname \"wan0\" drop\n"
		"ip daddr 192.168.2.0/24 drop\n ip6 daddr fc00::/7 drop\n }\n}\n",
		"table ip6 f { chain c { type filter hook forward priority 0; policy drop;\n "
		"}\n}\n",
		"table arp f { chain c { type filter hook input priority 0; policy drop;\n }\n}\n",
		"table inet f { chain c { type filter hook input priority 0; policy drop;\n }\n}\n",
		/* it is switched off */
		"table inet f { flags dormant; chain c { type filter hook forward priority 0; "
		"policy "
		"drop;\n }\n}\n",
		/* a chain that nobody jumps to */
		"table inet f { chain lost { drop\n }\n chain c { type filter hook forward "
		"priority "
		"0;\n }\n}\n",
		/* by mark and by group: it may be meant for others */
		"table inet f { chain c { type filter hook forward priority 0;\n meta mark 7 "
		"drop\n }\n}\n",
	};
	size_t i;

	for (i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		enum foreign_verdict verdict = forward_verdict(harmless[i]);

		if (verdict != FOREIGN_PASSES)
			printf("\nreported: %s", harmless[i]);
		CU_ASSERT_EQUAL(verdict, FOREIGN_PASSES);
	}
}

/* ---- as the well-known ones write them ---- */

/* The shape of OpenWrt's fw4. */
static const char fw4[] =
    "table inet fw4 {\n"
    "chain input { type filter hook input priority filter; policy drop;\n"
    "iif \"lo\" accept\n ct state vmap { established : accept, related : accept }\n"
    "iifname \"lan0\" jump input_lan\n iifname \"wan0\" jump input_wan\n jump handle_reject\n }\n"
    "chain forward { type filter hook forward priority filter; policy drop;\n"
    "ct state vmap { established : accept, related : accept }\n"
    "iifname \"lan0\" jump forward_lan\n iifname \"wan0\" jump forward_wan\n"
    "jump handle_reject\n }\n"
    "chain handle_reject { meta l4proto tcp reject with tcp reset\n reject\n }\n"
    "chain input_lan { jump accept_from_lan\n }\n"
    "chain input_wan { meta nfproto ipv4 udp dport 68 accept\n jump reject_from_wan\n }\n"
    "chain forward_lan { jump accept_to_wan\n }\n"
    "chain forward_wan { icmp type echo-request accept\n %s jump reject_to_wan\n }\n"
    "chain accept_from_lan { iifname \"lan0\" counter accept\n }\n"
    "chain accept_to_wan { meta nfproto ipv4 oifname \"wan0\" ct state invalid drop\n"
    "oifname \"wan0\" counter accept\n }\n"
    "chain reject_from_wan { iifname \"wan0\" counter jump handle_reject\n }\n"
    "chain reject_to_wan { oifname \"wan0\" counter jump handle_reject\n }\n"
    "chain srcnat { type nat hook postrouting priority srcnat;\n"
    "oifname \"wan0\" jump srcnat_wan\n }\n"
    "chain srcnat_wan { meta nfproto ipv4 masquerade\n }\n"
    "chain raw_prerouting { type filter hook prerouting priority raw;\n }\n"
    "chain mangle_forward { type filter hook forward priority mangle;\n"
    "iifname \"wan0\" tcp flags & (fin|syn|rst) == syn tcp option maxseg size set rt mtu\n }\n"
    "}\n";

static void
test_like_fw4(void)
{
	struct foreign_packet p = any_mapped(), s = search(), out = outbound();
	struct foreign_nat nat;
	struct foreign *f;
	char text[4096];

	snprintf(text, sizeof(text), fw4, "");
	load(text);
	CU_ASSERT_EQUAL(judge(&p, NF_INET_FORWARD).worst.verdict, FOREIGN_DROPS);
	CU_ASSERT_STRING_EQUAL(judge(&p, NF_INET_FORWARD).worst.place.chain, "handle_reject");
	CU_ASSERT_EQUAL(judge(&p, NF_INET_FORWARD).n, 1);
	CU_ASSERT_EQUAL(judge(&s, NF_INET_LOCAL_IN).n, 0);
	CU_ASSERT_EQUAL(judge(&out, NF_INET_FORWARD).n, 0);

	CU_ASSERT_EQUAL_FATAL(foreign_read(&f), 0);
	CU_ASSERT_TRUE(foreign_translates(
	    f, &out, NF_INET_POST_ROUTING, FOREIGN_NAT_SOURCE, INT32_MIN, INT32_MAX, &nat));
	CU_ASSERT_TRUE(nat.all);
	CU_ASSERT_STRING_EQUAL(nat.place.chain, "srcnat_wan");
	CU_ASSERT_EQUAL(nat.place.priority, 100);
	CU_ASSERT_FALSE(foreign_translates(
	    f, &out, NF_INET_POST_ROUTING, FOREIGN_NAT_SOURCE, INT32_MIN, 99, &nat));
	foreign_free(f);

	snprintf(text, sizeof(text), fw4, "ct status dnat accept\n");
	load(text);
	CU_ASSERT_EQUAL(judge(&p, NF_INET_FORWARD).n, 0);
}

/* The shape of firewalld's. */
static void
test_like_firewalld(void)
{
	static const char text[] =
	    "table inet firewalld {\n"
	    "chain mangle_PREROUTING { type filter hook prerouting priority mangle + 10; policy "
	    "accept;\n jump mangle_PREROUTING_ZONES\n }\n"
	    "chain mangle_PREROUTING_ZONES { iifname \"wan0\" goto mangle_PRE_public\n"
	    "goto mangle_PRE_public\n }\n"
	    "chain mangle_PRE_public { return\n }\n"
	    "chain filter_PREROUTING { type filter hook prerouting priority filter + 10; policy "
	    "accept;\n icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept\n"
	    "meta nfproto ipv6 fib saddr . mark . iif oif missing drop\n }\n"
	    "chain filter_FORWARD { type filter hook forward priority filter + 10; policy accept;\n"
	    "ct state { established, related } accept\n %s iifname \"lo\" accept\n"
	    "ct state invalid drop\n ip6 daddr { ::/96, 2002:e000::/19 } reject with icmpv6 "
	    "addr-unreachable\n"
	    "jump filter_FORWARD_ZONES\n reject with icmpx admin-prohibited comment \"here\"\n }\n"
	    "chain filter_FORWARD_ZONES { iifname \"wan0\" goto filter_FWD_public\n"
	    "goto filter_FWD_public\n }\n"
	    "chain filter_FWD_public { jump filter_FWD_public_allow\n"
	    "meta l4proto { icmp, ipv6-icmp } accept\n }\n"
	    "chain filter_FWD_public_allow { oifname \"wan0\" accept\n }\n }\n";
	struct foreign_packet p = any_mapped();
	struct result r;
	char filled[4096];

	snprintf(filled, sizeof(filled), text, "");
	load(filled);
	r = judge(&p, NF_INET_FORWARD);
	CU_ASSERT_EQUAL(r.worst.verdict, FOREIGN_DROPS);
	CU_ASSERT_EQUAL(r.worst.place.handle, handle_of("here"));
	p.oif[0] = '\0';
	p.dnated = false;
	p.to = FOREIGN_TO_US;
	CU_ASSERT_EQUAL(judge(&p, NF_INET_PRE_ROUTING).n, 0);

	p = any_mapped();
	snprintf(filled, sizeof(filled), text, "ct status dnat accept\n");
	load(filled);
	CU_ASSERT_EQUAL(judge(&p, NF_INET_FORWARD).n, 0);
}

/* The shape of ufw's, by iptables-nft. */
static void
test_like_ufw(void)
{
	static const char text[] =
	    "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT "
	    "[0:0]\n:before-forward - [0:0]\n:before-input - [0:0]\n"
	    ":user-input - [0:0]\n:user-forward - [0:0]\n:not-local - [0:0]\n"
	    "-A INPUT -j before-input\n-A FORWARD -j before-forward\n"
	    "-A before-input -i lo -j ACCEPT\n"
	    "-A before-input -m conntrack --ctstate RELATED,ESTABLISHED -j "
	    "ACCEPT\n"
	    "-A before-input -m conntrack --ctstate INVALID -j DROP\n"
	    "-A before-input -p icmp --icmp-type echo-request -j ACCEPT\n"
	    "-A before-input -j not-local\n"
	    "-A not-local -m addrtype --dst-type LOCAL -j RETURN\n"
	    "-A not-local -m addrtype --dst-type MULTICAST -j RETURN\n"
	    "-A not-local -m limit --limit 3/min --limit-burst 10 -j LOG\n"
	    "-A not-local -j DROP\n"
	    "-A before-input -j user-input\n"
	    "-A user-input -p tcp -m tcp --dport 22 -j ACCEPT\n"
	    "-A before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j "
	    "ACCEPT\n%s"
	    "-A before-forward -j user-forward\nCOMMIT\n";
	struct foreign_packet p = any_mapped(), s = search();
	struct result r;
	char filled[4096];

	if (!has_iptables()) {
		printf("skipped: no iptables-nft ");
		return;
	}
	CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNET), 0);
	snprintf(filled, sizeof(filled), text, "");
	CU_ASSERT_TRUE_FATAL(feed("iptables-nft-restore 2>/dev/null", filled));
	r = judge(&p, NF_INET_FORWARD);
	CU_ASSERT_EQUAL(r.worst.verdict, FOREIGN_DROPS);
	CU_ASSERT_STRING_EQUAL(r.worst.place.chain, "FORWARD");
	CU_ASSERT_EQUAL(r.worst.place.handle, 0);
	r = judge(&s, NF_INET_LOCAL_IN);
	CU_ASSERT_EQUAL(r.worst.verdict, FOREIGN_DROPS);
	CU_ASSERT_STRING_EQUAL(r.worst.place.chain, "INPUT");

	snprintf(filled, sizeof(filled), text,
	    "-A user-input -s 192.168.1.0/24 -p udp -m udp --dport 1900 -j ACCEPT\n"
	    "-A before-forward -i wan0 -m conntrack --ctstate DNAT -j ACCEPT\n");
	CU_ASSERT_TRUE_FATAL(feed("iptables-nft-restore 2>/dev/null", filled));
	CU_ASSERT_EQUAL(judge(&p, NF_INET_FORWARD).n, 0);
	CU_ASSERT_EQUAL(judge(&s, NF_INET_LOCAL_IN).n, 0);
}

/* ---- translation ---- */

static void
test_port_forwards_of_others_are_found(void)
{
	struct foreign_packet p = {
		.family = NFPROTO_IPV4,
		.protocol = IPPROTO_TCP,
		.iif = "wan0",
		.dst_len = 32,
		.dport = 8080,
		.to = FOREIGN_TO_US,
	};
	struct foreign_nat nat;
	struct foreign *f;

	inet_pton(AF_INET, "203.0.113.1", p.dst);
	load("table ip docker { chain publish { iifname \"docker0\" return\n"
	     "tcp dport 8080 dnat to 172.17.0.2:80 comment \"here\"\n }\n"
	     "chain pre { type nat hook prerouting priority dstnat;\n"
	     "fib daddr type local jump publish\n }\n}\n");
	CU_ASSERT_EQUAL_FATAL(foreign_read(&f), 0);
	CU_ASSERT_TRUE(foreign_translates(
	    f, &p, NF_INET_PRE_ROUTING, FOREIGN_NAT_DESTINATION, INT32_MIN, -100, &nat));
	CU_ASSERT_TRUE(nat.all);
	CU_ASSERT_EQUAL(nat.place.handle, handle_of("here"));
	p.dport = 8081;
	CU_ASSERT_FALSE(foreign_translates(
	    f, &p, NF_INET_PRE_ROUTING, FOREIGN_NAT_DESTINATION, INT32_MIN, -100, &nat));
	p.dport = 0;
	CU_ASSERT_TRUE(foreign_translates(
	    f, &p, NF_INET_PRE_ROUTING, FOREIGN_NAT_DESTINATION, INT32_MIN, -100, &nat));
	CU_ASSERT_FALSE(nat.all);
	CU_ASSERT_FALSE(foreign_translates(
	    f, &p, NF_INET_PRE_ROUTING, FOREIGN_NAT_SOURCE, INT32_MIN, INT32_MAX, &nat));
	foreign_free(f);
}

static void
test_masquerading_by_iptables_is_found(void)
{
	struct foreign_packet out = outbound();
	struct foreign_nat nat;
	struct foreign *f;

	if (!has_iptables()) {
		printf("skipped: no iptables-nft ");
		return;
	}
	CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNET), 0);
	CU_ASSERT_EQUAL_FATAL(
	    system("iptables-nft -t nat -A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE"), 0);
	CU_ASSERT_EQUAL_FATAL(foreign_read(&f), 0);
	CU_ASSERT_FALSE(foreign_translates(
	    f, &out, NF_INET_POST_ROUTING, FOREIGN_NAT_SOURCE, INT32_MIN, INT32_MAX, &nat));
	foreign_free(f);
	CU_ASSERT_EQUAL_FATAL(
	    system("iptables-nft -t nat -A POSTROUTING -o wan0 -j MASQUERADE"), 0);
	CU_ASSERT_EQUAL_FATAL(foreign_read(&f), 0);
	CU_ASSERT_TRUE(foreign_translates(
	    f, &out, NF_INET_POST_ROUTING, FOREIGN_NAT_SOURCE, INT32_MIN, INT32_MAX, &nat));
	CU_ASSERT_TRUE(nat.all);
	CU_ASSERT_STRING_EQUAL(nat.place.table, "nat");
	foreign_free(f);
}

/* ---- bounds ---- */

/* Of our own work, as foreign.c measures it: what else the machine does is not its fault. */
static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
test_ours_is_seen_and_left_out(void)
{
	struct foreign_summary s;
	struct foreign *f;

	load("table inet portreeve { chain forward { type filter hook forward priority 0; policy "
	     "drop;\n }\n chain input {\n }\n}\n"
	     "table ip portreeve { chain c { type nat hook prerouting priority 0;\n }\n}\n");
	CU_ASSERT_EQUAL_FATAL(foreign_read(&f), 0);
	foreign_summary(f, &s);
	CU_ASSERT_TRUE(s.our_table);
	CU_ASSERT_EQUAL(s.our_chains, 2);
	CU_ASSERT_EQUAL(s.tables, 1);
	CU_ASSERT_EQUAL(s.base_chains, 1);
	CU_ASSERT_EQUAL(s.nat_chains, 1);
	CU_ASSERT_TRUE(s.complete);
	foreign_free(f);
}

/* In pieces that a user namespace may send, too. */
static void
load_huge(void)
{
	unsigned piece, i;
	FILE *nft;

	load("table ip f {\nset big { type ipv4_addr;\n }\n chain c { type filter hook forward "
	     "priority 0;\n ip saddr @big drop\n }\n }\n");
	for (piece = 0; piece < 50; piece++) {
		nft = popen("nft -f -", "we");
		CU_ASSERT_PTR_NOT_NULL_FATAL(nft);
		for (i = 0; i < 100; i++)
			fprintf(nft,
			    "add element ip f big { 10.%u.%u.1, 10.%u.%u.2 }\n"
			    "add rule ip f c ip saddr 10.%u.%u.3 tcp dport 80 drop\n",
			    piece, i, piece, i, piece, i);
		CU_ASSERT_EQUAL_FATAL(pclose(nft), 0);
	}
}

static void
test_a_huge_ruleset_takes_bounded_time_and_says_so(void)
{
	struct foreign_summary s;
	int64_t began_us, took_us;
	struct foreign *f;

	load_huge();
	began_us = now_us();
	CU_ASSERT_EQUAL_FATAL(foreign_read(&f), 0);
	took_us = now_us() - began_us;
	foreign_summary(f, &s);
	foreign_free(f);
	CU_ASSERT_FALSE(s.complete);
	CU_ASSERT_TRUE(s.rules >= 100);
	if (took_us >= 100000)
		printf("took %d us ", (int)took_us);
	CU_ASSERT_TRUE(took_us < 100000); /* 10 ms are meant; sanitizers make it more */
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_policy_that_drops_is_named),
	UNIT_TEST(a_rule_that_drops_is_named_by_its_handle),
	UNIT_TEST(reject_is_a_drop_and_jumps_are_followed),
	UNIT_TEST(only_what_its_own_rules_let_in_passes),
	UNIT_TEST(returning_the_allowed_and_dropping_the_rest_is_a_drop),
	UNIT_TEST(a_map_of_verdicts_is_read),
	UNIT_TEST(input_is_judged_for_searches),
	UNIT_TEST(what_cannot_be_read_and_decides_is_unclear),
	UNIT_TEST(a_mark_that_is_known_is_judged),
	UNIT_TEST(ingress_of_the_wan_is_seen),
	UNIT_TEST(harmless_rules_are_not_reported),
	UNIT_TEST(like_fw4),
	UNIT_TEST(like_firewalld),
	UNIT_TEST(like_ufw),
	UNIT_TEST(port_forwards_of_others_are_found),
	UNIT_TEST(masquerading_by_iptables_is_found),
	UNIT_TEST(ours_is_seen_and_left_out),
	UNIT_TEST(a_huge_ruleset_takes_bounded_time_and_says_so),
	UNIT_END,
};

int
main(void)
{
	return kernel_lab_run("foreign_kernel", tests, "nft --version");
}
