/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "kernel/nft_text.h"

/* All rules of @config, one a line. */
static const char *
render(const struct nft_config *config)
{
	static char text[8192];
	struct nft_rule rules[NFT_RULES];
	size_t n = nft_ruleset_rules(config, rules), i, len = 0;
	char line[512];

	text[0] = '\0';
	for (i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\n",
		    nft_text_rule(&rules[i], line, sizeof(line)));
	return text;
}

#define MAPPED(verdict)                                                                            \
	"mapped: meta l4proto { tcp, udp } "                                                       \
	"ct original ip saddr . meta l4proto . ct original proto-dst @mapped4r " verdict           \
	"\nmapped: meta l4proto { tcp, udp } meta l4proto . ct original proto-dst "                \
	"@mapped4 " verdict "\ntranslated: ct original ip daddr @wan4 jump mapped\n"               \
	"translated: accept\n"
#define MAPPINGS                                                                                   \
	"mappings: meta nfproto ipv4 dnat ip to ip saddr . meta l4proto . th dport map @pm4r\n"    \
	"mappings: meta nfproto ipv4 dnat ip to meta l4proto . th dport map @pm4\n" MAPPED(        \
	    "accept")
#define PREROUTING                                                                                 \
	"prerouting: iifname @wan_if meta nfproto ipv4 meta l4proto { tcp, udp } "                 \
	"fib daddr type local jump mappings\n"                                                     \
	"prerouting: iifname @lan_if meta nfproto ipv4 meta l4proto { tcp, udp } "                 \
	"ip daddr @wan4 jump mappings\n"
#define POSTROUTING                                                                                \
	"postrouting: oifname @wan_if meta nfproto ipv4 jump outward\n"                            \
	"postrouting: iifname @lan_if oifname @lan_if meta nfproto ipv4 jump hairpin\n"
#define OUTWARD                                                                                    \
	"outward: meta nfproto ipv4 meta l4proto { tcp, udp } "                                    \
	"masquerade to :ip saddr . meta l4proto . th sport map @src4\n"
#define BY_WAN "hairpin: meta nfproto ipv4 ct original ip daddr @wan4 "
#define HAIRPIN                                                                                    \
	BY_WAN "meta l4proto { tcp, udp } snat ip to ct original ip daddr:"                        \
	       "ip saddr . meta l4proto . th sport map @src4\n" BY_WAN                             \
	       "meta l4proto { tcp, udp } meta l4proto . th sport != @mapped4 "                    \
	       "snat ip to ct original ip daddr\n" BY_WAN                                          \
	       "meta l4proto { tcp, udp } snat ip to ct original ip daddr fully-random\n" BY_WAN   \
	       "snat ip to ct original ip daddr\n"                                                 \
	       "hairpin: meta nfproto ipv4 ct status dnat masquerade\n"
#define TRANSLATION MAPPINGS OUTWARD HAIRPIN PREROUTING POSTROUTING
#define ENDED6 /* without pinholes */
#define FORWARD                                                                                    \
	"forward: meta nfproto ipv4 ct state new,related tcp flags & syn == 0 oifname @wan_if "    \
	"ip saddr . tcp sport . ip daddr . tcp dport @ended4 drop\n" ENDED6                        \
	"forward: ct status dnat jump translated\n"
#define KNOCKS                                                                                     \
	"input: ct status dnat jump translated\n"                                                  \
	"input: iifname @wan_if ct state new,related meta nfproto ipv4 "                           \
	"meta l4proto { tcp, udp } "                                                               \
	"update @knocked4 { meta l4proto . th dport timeout 600s }\n"                              \
	"input: iifname @lan_if ct state new,related meta nfproto ipv4 "                           \
	"meta l4proto { tcp, udp } ip daddr @wan4 "                                                \
	"update @knocked4 { meta l4proto . th dport timeout 600s }\n"

static void
test_without_sharing_only_mappings_are_translated(void)
{
	const struct nft_config config = { .worker_uid = (uid_t)-1 };

	CU_ASSERT_STRING_EQUAL(render(&config), TRANSLATION FORWARD KNOCKS);
}

static void
test_sharing_masquerades_the_lans_but_off_mapped_ports(void)
{
	const struct nft_config config = { .worker_uid = (uid_t)-1, .masquerade = true };

	CU_ASSERT_STRING_EQUAL(render(&config), MAPPINGS OUTWARD
	    "outward: iifname @lan_if meta nfproto ipv4 "
	    "meta l4proto { tcp, udp } meta l4proto . th sport != @mapped4 masquerade\n"
	    "outward: iifname @lan_if meta nfproto ipv4 meta l4proto { tcp, udp } "
	    "masquerade fully-random\n"
	    "outward: iifname @lan_if meta nfproto ipv4 masquerade\n" HAIRPIN PREROUTING POSTROUTING
		FORWARD KNOCKS);
}

static void
test_what_serves_the_lan_is_closed_elsewhere(void)
{
	const struct nft_config config = { .worker_uid = 998, .http_port = 5000 };

	CU_ASSERT_STRING_EQUAL(render(&config), TRANSLATION FORWARD
	    "input: iifname != @lan_if iifname != \"lo\" udp dport 1900 drop\n"
	    "input: iifname != @lan_if iifname != \"lo\" udp dport 5351 drop\n"
	    "input: iifname != @lan_if iifname != \"lo\" tcp dport 5000 drop\n" KNOCKS
	    "output: meta skuid 998 oifname != @lan_if oifname != \"lo\" drop\n");
}

#define PINHOLES                                                                                   \
	"pinholes: meta nfproto ipv6 ip6 daddr . meta l4proto . th dport @ph6 accept\n"            \
	"pinholes: meta nfproto ipv6 ip6 saddr . ip6 daddr . meta l4proto . th dport @ph6r "       \
	"accept\n"                                                                                 \
	"pinholes: meta nfproto ipv6 ip6 daddr . meta l4proto . th dport . th sport @ph6s "        \
	"accept\n"                                                                                 \
	"pinholes: meta nfproto ipv6 "                                                             \
	"ip6 saddr . ip6 daddr . meta l4proto . th dport . th sport @ph6rs accept\n"               \
	"pinholes: meta l4proto { tcp, udp } th dport < 1024 return\n"                             \
	"pinholes: meta l4proto 33 th dport < 1024 return\n"                                       \
	"pinholes: meta l4proto 132 th dport < 1024 return\n"                                      \
	"pinholes: meta l4proto 136 th dport < 1024 return\n"                                      \
	"pinholes: tcp dport 3389 return\n"                                                        \
	"pinholes: udp dport 3389 return\n"                                                        \
	"pinholes: meta nfproto ipv6 ip6 daddr . meta l4proto @ph6p accept\n"                      \
	"pinholes: meta nfproto ipv6 ip6 saddr . ip6 daddr . meta l4proto @ph6pr accept\n"         \
	"pinholes: meta nfproto ipv6 ip6 daddr . meta l4proto . th sport @ph6ps accept\n"          \
	"pinholes: meta nfproto ipv6 ip6 saddr . ip6 daddr . meta l4proto . th sport @ph6prs "     \
	"accept\n"                                                                                 \
	"pinholes: meta nfproto ipv6 ip6 daddr @ph6a accept\n"                                     \
	"pinholes: meta nfproto ipv6 ip6 saddr . ip6 daddr @ph6ar accept\n"
#define WAN_INPUT_V6                                                                               \
	"wan_input: meta nfproto ipv6 icmpv6 type 1-4 return\n"                                    \
	"wan_input: meta nfproto ipv6 icmpv6 type 128-129 return\n"                                \
	"wan_input: meta nfproto ipv6 icmpv6 type 130-132 return\n"                                \
	"wan_input: meta nfproto ipv6 icmpv6 type 133-136 return\n"                                \
	"wan_input: meta nfproto ipv6 icmpv6 type 141-143 return\n"                                \
	"wan_input: meta nfproto ipv6 icmpv6 type 148-149 return\n"                                \
	"wan_input: meta nfproto ipv6 icmpv6 type 151-153 return\n"

static void
test_the_firewall_drops_what_comes_from_the_wan_unasked(void)
{
	const struct nft_config config = {
		.worker_uid = (uid_t)-1, .firewall = NFT_FIREWALL_OWN, .min_port = 1024
	};

#undef ENDED6
#define ENDED6                                                                                     \
	"forward: meta nfproto ipv6 ct state new,related tcp flags & syn == 0 oifname @wan_if "    \
	"ip6 saddr . tcp sport . ip6 daddr . tcp dport @ended6 drop\n"
	CU_ASSERT_STRING_EQUAL(render(&config), TRANSLATION FORWARD
	    "forward: iifname @wan_if jump wan_forward\n"
	    "wan_forward: meta nfproto ipv6 ct direction original jump pinholes\n"
	    "wan_forward: ct state established,related accept\n"
	    "wan_forward: meta nfproto ipv6 icmpv6 type 1-4 accept\n"
	    "wan_forward: meta nfproto ipv6 icmpv6 type 128-129 accept\n"
	    "wan_forward: jump refused\n" PINHOLES
	    "wan_input: ct state established,related return\n"
	    "wan_input: ct status dnat return\n"
	    "wan_input: meta l4proto { tcp, udp } meta l4proto . th dport @services return\n"
	    "wan_input: meta nfproto ipv4 udp sport 67 udp dport 68 return\n"
	    "wan_input: meta nfproto ipv6 udp sport 547 udp dport 546 return\n"
	    "wan_input: meta nfproto ipv4 meta l4proto 2 return\n" WAN_INPUT_V6
	    "wan_input: jump refused\n"
	    "refused: drop\n"
	    "input: iifname @wan_if jump wan_input\n" KNOCKS);
#undef ENDED6
#define ENDED6
}

static void
test_without_translation_the_firewall_opens_the_hosts_themselves(void)
{
	struct nft_config config = { .worker_uid = (uid_t)-1, .firewall = NFT_FIREWALL_OWN };

	CU_ASSERT_PTR_NULL(strstr(render(&config), "@open4"));
	config.open_hosts = true;
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(render(&config), "wan_forward: meta nfproto ipv4 meta l4proto { tcp, udp } "
				    "ip daddr . meta l4proto . th dport @open4 accept\n"
				    "wan_forward: meta nfproto ipv4 meta l4proto { tcp, udp } "
				    "ip saddr . ip daddr . meta l4proto . th dport @open4r accept\n"
				    "wan_forward: jump refused\n"));
}

static void
test_each_switch_lets_one_kind_of_icmp_in(void)
{
	static const struct {
		uint32_t icmp;
		const char *rules[2];
	} cases[] = {
		{ NFT_ICMP_ECHO, { "wan_input: meta nfproto ipv4 icmp type 8 return",
				     "wan_forward: meta nfproto ipv4 icmp type 8 accept" } },
		{ NFT_ICMP_TIMESTAMP, { "wan_input: meta nfproto ipv4 icmp type 13 return",
					  "wan_forward: meta nfproto ipv4 icmp type 13 accept" } },
		{ NFT_ICMP_MASK, { "wan_input: meta nfproto ipv4 icmp type 17 return",
				     "wan_forward: meta nfproto ipv4 icmp type 17 accept" } },
		{ NFT_ICMP_ROUTER, { "wan_input: meta nfproto ipv4 icmp type 10 return" } },
		{ NFT_ICMP_REDIRECT, { "wan_input: meta nfproto ipv4 icmp type 5 return",
					 "wan_input: meta nfproto ipv6 icmpv6 type 137-137" } },
	};
	struct nft_config config = { .worker_uid = (uid_t)-1 };
	size_t i, r, without;
	const char *text;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		config.firewall = NFT_FIREWALL_OWN;
		config.icmp_allow = 0;
		without = strlen(render(&config));
		config.icmp_allow = cases[i].icmp;
		text = render(&config);
		CU_ASSERT(strlen(text) > without);
		for (r = 0; r < 2 && cases[i].rules[r]; r++)
			CU_ASSERT_PTR_NOT_NULL(strstr(text, cases[i].rules[r]));
		config.firewall = NFT_FIREWALL_OFF;
		CU_ASSERT_STRING_EQUAL(render(&config), TRANSLATION FORWARD KNOCKS);
	}
}

static void
test_segments_are_made_to_fit_before_anything_is_accepted(void)
{
	const struct nft_config config = { .worker_uid = (uid_t)-1, .clamp_mss = true };

	CU_ASSERT_STRING_EQUAL(render(&config),
	    TRANSLATION "forward: tcp flags & (syn|rst) == syn oifname @clamp_if "
			"tcp option maxseg size set rt mtu\n"
			"forward: tcp flags & (syn|rst) == syn iifname @clamp_if "
			"tcp option maxseg size set rt mtu\n" FORWARD KNOCKS);
}

static void
test_joining_marks_what_is_let_in_and_drops_nothing(void)
{
	struct nft_config config = {
		.worker_uid = (uid_t)-1, .firewall = NFT_FIREWALL_JOIN, .join_mark = 0x40
	};
	const char *text = render(&config);
	static const char *const rules[] = {
		MAPPED("jump let_in"),
		"forward: ct status dnat jump translated\n",
		"forward: iifname @wan_if meta nfproto ipv6 ct direction original jump pinholes\n",
		"pinholes: meta nfproto ipv6 ip6 daddr . meta l4proto . th dport @ph6 "
		"jump let_in\n",
		"let_in: meta mark set meta mark | 0x00000040\nlet_in: accept\n",
		"input: ct status dnat jump translated\n",
	};
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(text, rules[i]));
	CU_ASSERT_PTR_NULL(strstr(text, "refused"));
	CU_ASSERT_PTR_NULL(strstr(text, "wan_forward"));
	CU_ASSERT_PTR_NULL(strstr(text, "@open4"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text,
	    "input: iifname @wan_if meta l4proto { tcp, udp } meta l4proto . th dport @services "
	    "jump let_in\n"));
	config.open_hosts = true;
	CU_ASSERT_PTR_NOT_NULL(strstr(render(&config),
	    "forward: iifname @wan_if meta nfproto ipv4 meta l4proto { tcp, udp } "
	    "ip daddr . meta l4proto . th dport @open4 jump let_in\n"));
}

static void
test_helpers_read_along_for_lans_only(void)
{
	const struct nft_config config = { .worker_uid = (uid_t)-1,
		.helpers = NFT_HELPER_FTP | NFT_HELPER_SIP };
	const char *text = render(&config);

	CU_ASSERT_PTR_NOT_NULL(
	    strstr(text, "helpers: tcp dport 21 ct helper set \"ftp\"\n"
			 "helpers: udp dport 5060 ct helper set \"sip_udp\"\n"
			 "helpers: tcp dport 5060 ct helper set \"sip_tcp\"\n"
			 "forward: ct state new,related iifname @lan_if jump helpers\n"
			 "forward: ct state new,related oifname @lan_if jump helpers\n"));
	CU_ASSERT_PTR_NULL(strstr(text, "tftp"));
}

static void
test_rules_come_chain_by_chain(void)
{
	const struct nft_config config = { .masquerade = true, .worker_uid = 1, .http_port = 1 };
	struct nft_rule rules[NFT_RULES];
	size_t n = nft_ruleset_rules(&config, rules), i;

	for (i = 1; i < n; i++)
		CU_ASSERT(rules[i].chain >= rules[i - 1].chain);
}

static void
test_we_translate_before_others(void)
{
	CU_ASSERT(nft_chains[CHAIN_PREROUTING].priority < -100);
	CU_ASSERT(nft_chains[CHAIN_POSTROUTING].priority < 100);
	CU_ASSERT(nft_chains[CHAIN_FORWARD].priority < 0);
}

static void
test_sets_and_chains_are_found_by_name(void)
{
	CU_ASSERT_EQUAL(nft_ruleset_find_set("src4"), SET_SRC4);
	CU_ASSERT_EQUAL(nft_ruleset_find_set("__set0"), -1);
	CU_ASSERT_EQUAL(nft_ruleset_find_chain("output"), CHAIN_OUTPUT);
	CU_ASSERT_EQUAL(nft_ruleset_find_chain("outpu"), -1);
}

static void
test_a_short_buffer_is_not_overrun(void)
{
	const struct nft_config config = { .worker_uid = (uid_t)-1 };
	struct nft_rule rules[NFT_RULES];
	char buf[16];

	nft_ruleset_rules(&config, rules);
	nft_text_rule(&rules[0], buf, sizeof(buf));
	CU_ASSERT_STRING_EQUAL(buf, "mappings: meta ");
}

static const struct unit_test tests[] = {
	UNIT_TEST(without_sharing_only_mappings_are_translated),
	UNIT_TEST(sharing_masquerades_the_lans_but_off_mapped_ports),
	UNIT_TEST(what_serves_the_lan_is_closed_elsewhere),
	UNIT_TEST(segments_are_made_to_fit_before_anything_is_accepted),
	UNIT_TEST(the_firewall_drops_what_comes_from_the_wan_unasked),
	UNIT_TEST(without_translation_the_firewall_opens_the_hosts_themselves),
	UNIT_TEST(each_switch_lets_one_kind_of_icmp_in),
	UNIT_TEST(joining_marks_what_is_let_in_and_drops_nothing),
	UNIT_TEST(helpers_read_along_for_lans_only),
	UNIT_TEST(rules_come_chain_by_chain),
	UNIT_TEST(we_translate_before_others),
	UNIT_TEST(sets_and_chains_are_found_by_name),
	UNIT_TEST(a_short_buffer_is_not_overrun),
	UNIT_END,
};

int
main(void)
{
	return unit_run("nft_ruleset", tests);
}
