/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "kernel/nft_ruleset.h"

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
		    nft_ruleset_rule_str(&rules[i], line, sizeof(line)));
	return text;
}

#define MAPPINGS                                                                                   \
	"mappings: meta nfproto ipv4 dnat ip to ip saddr . meta l4proto . th dport map @pm4r\n"    \
	"mappings: meta nfproto ipv4 dnat ip to meta l4proto . th dport map @pm4\n"
#define PREROUTING                                                                                 \
	"prerouting: iifname @wan_if meta nfproto ipv4 meta l4proto { tcp, udp } "                 \
	"fib daddr type local jump mappings\n"                                                     \
	"prerouting: iifname @lan_if meta nfproto ipv4 meta l4proto { tcp, udp } "                 \
	"ip daddr @wan4 jump mappings\n"
#define POSTROUTING                                                                                \
	"postrouting: iifname @lan_if oifname @lan_if meta nfproto ipv4 ct status dnat "           \
	"masquerade\n"                                                                             \
	"postrouting: oifname @wan_if meta nfproto ipv4 meta l4proto { tcp, udp } "                \
	"masquerade to :ip saddr . meta l4proto . th sport map @src4\n"
#define FORWARD                                                                                    \
	"forward: oifname @wan_if meta nfproto ipv4 ct state new,related tcp flags & syn == 0 "    \
	"ip saddr . tcp sport . ip daddr . tcp dport @ended4 drop\n"                               \
	"forward: ct status dnat accept\n"
#define KNOCKS                                                                                     \
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

	CU_ASSERT_STRING_EQUAL(render(&config), MAPPINGS PREROUTING POSTROUTING FORWARD KNOCKS);
}

static void
test_sharing_masquerades_the_lans_but_off_mapped_ports(void)
{
	const struct nft_config config = { .worker_uid = (uid_t)-1, .masquerade = true };

	CU_ASSERT_STRING_EQUAL(render(&config), MAPPINGS PREROUTING POSTROUTING
	    "postrouting: iifname @lan_if oifname @wan_if meta nfproto ipv4 "
	    "meta l4proto { tcp, udp } meta l4proto . th sport @mapped4 masquerade fully-random\n"
	    "postrouting: iifname @lan_if oifname @wan_if meta nfproto ipv4 masquerade\n" FORWARD
		KNOCKS);
}

static void
test_what_serves_the_lan_is_closed_elsewhere(void)
{
	const struct nft_config config = { .worker_uid = 998, .http_port = 5000 };

	CU_ASSERT_STRING_EQUAL(render(&config), MAPPINGS PREROUTING POSTROUTING FORWARD
	    "input: iifname != @lan_if iifname != \"lo\" udp dport 1900 drop\n"
	    "input: iifname != @lan_if iifname != \"lo\" udp dport 5351 drop\n"
	    "input: iifname != @lan_if iifname != \"lo\" tcp dport 5000 drop\n" KNOCKS
	    "output: meta skuid 998 oifname != @lan_if oifname != \"lo\" drop\n");
}

static void
test_segments_are_made_to_fit_before_anything_is_accepted(void)
{
	const struct nft_config config = { .worker_uid = (uid_t)-1, .clamp_mss = true };

	CU_ASSERT_STRING_EQUAL(render(&config), MAPPINGS PREROUTING POSTROUTING
	    "forward: oifname @clamp_if tcp flags & (syn|rst) == syn "
	    "tcp option maxseg size set rt mtu\n"
	    "forward: iifname @clamp_if tcp flags & (syn|rst) == syn "
	    "tcp option maxseg size set rt mtu\n" FORWARD KNOCKS);
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
	nft_ruleset_rule_str(&rules[0], buf, sizeof(buf));
	CU_ASSERT_STRING_EQUAL(buf, "mappings: meta ");
}

static const struct unit_test tests[] = {
	UNIT_TEST(without_sharing_only_mappings_are_translated),
	UNIT_TEST(sharing_masquerades_the_lans_but_off_mapped_ports),
	UNIT_TEST(what_serves_the_lan_is_closed_elsewhere),
	UNIT_TEST(segments_are_made_to_fit_before_anything_is_accepted),
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
