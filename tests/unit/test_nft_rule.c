/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <netinet/in.h> /* before the headers of the kernel */
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "kernel/nft_join_rule.h"
#include "kernel/nft_rule.h"
#include "kernel/nft_term.h"
#include "kernel/nft_text.h"
#include "message.h"

/* Rules as libnftnl prints them, to be compared with "nft --debug=netlink". */
static const char *
expressions(const struct nft_rule *rule)
{
	static char text[4096];
	struct nftnl_rule *parsed = nftnl_rule_alloc();
	struct nlmsghdr *nlh = message();
	char *userdata;

	text[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(nft_rule_put(nlh, NFT_TABLE, rule, 3), 0);
	CU_ASSERT_EQUAL_FATAL(nftnl_rule_nlmsg_parse(nlh, parsed), 0);
	nftnl_rule_snprintf(text, sizeof(text), parsed, NFTNL_OUTPUT_DEFAULT, 0);
	nftnl_rule_free(parsed);
	userdata = strstr(text, "userdata");
	if (userdata)
		*userdata = '\0';
	return text;
}

/* Exactly these, in this order. Versions of libnftnl differ in the headline only. */
static void
check_expressions(const struct nft_rule *rule, const char *const *wanted)
{
	const char *have = strchr(expressions(rule), '[');

	for (; *wanted && have; wanted++) {
		size_t len = strlen(*wanted);

		if (strncmp(have, "[ ", 2) != 0 || strncmp(have + 2, *wanted, len) != 0 ||
		    strncmp(have + 2 + len, " ]", 2) != 0)
			break;
		have = strchr(have + 1, '[');
	}
	if (*wanted || have)
		fprintf(stderr, "\"%s\" wanted, have %s\n", *wanted ? *wanted : "the end",
		    have ? have : "the end");
	CU_ASSERT(!*wanted && !have);
}

#define RULE(...) (&(const struct nft_rule){ CHAIN_FORWARD, NULL, { __VA_ARGS__ } })
#define CHECK_EXPRESSIONS(rule, ...)                                                               \
	check_expressions(rule, (const char *const[]){ __VA_ARGS__, NULL })

static void
test_a_mapping_loads_key_and_data_into_following_registers(void)
{
	CHECK_EXPRESSIONS(RULE({ .kind = TERM_DNAT_PM4R }),
	    "payload load 4b @ network header + 12 => reg 1", "meta load l4proto => reg 9",
	    "payload load 2b @ transport header + 2 => reg 10", "lookup reg 1 set pm4r dreg 1",
	    "nat dnat ip addr_min reg 1 proto_min reg 9");
	CHECK_EXPRESSIONS(RULE({ .kind = TERM_DNAT_PM4 }), "meta load l4proto => reg 1",
	    "payload load 2b @ transport header + 2 => reg 9", "lookup reg 1 set pm4 dreg 1",
	    "nat dnat ip addr_min reg 1 proto_min reg 9");
}

static void
test_masquerade_takes_the_port_from_the_source_map(void)
{
	CHECK_EXPRESSIONS(RULE({ .kind = TERM_MASQ_SRC4 }),
	    "payload load 4b @ network header + 12 => reg 1", "meta load l4proto => reg 9",
	    "payload load 2b @ transport header + 0 => reg 10", "lookup reg 1 set src4 dreg 1",
	    "masq proto_min reg 1 flags 0x2");
	CHECK_EXPRESSIONS(RULE({ .kind = TERM_MASQ_RANDOM }), "masq flags 0x10");
}

/* A lookup that finds an element counts it, unless it was looked for its absence. */
static void
test_whose_port_is_free_is_asked_without_counting(void)
{
	CHECK_EXPRESSIONS(RULE({ .kind = TERM_SPORT_FREE }, { .kind = TERM_MASQ }),
	    "meta load l4proto => reg 1", "payload load 2b @ transport header + 0 => reg 9",
	    "lookup reg 1 set mapped4 0x1", "masq");
}

static void
test_a_hairpin_takes_the_address_it_was_sent_to(void)
{
	CHECK_EXPRESSIONS(RULE({ .kind = TERM_SENT_TO, .set = SET_WAN4 }, { .kind = TERM_SNAT }),
	    "ct load dst_ip => reg 1 , dir original", "lookup reg 1 set wan4",
	    "ct load dst_ip => reg 9 , dir original", "nat snat ip addr_min reg 9");
	CHECK_EXPRESSIONS(RULE({ .kind = TERM_SNAT_SRC4 }),
	    "payload load 4b @ network header + 12 => reg 1", "meta load l4proto => reg 9",
	    "payload load 2b @ transport header + 0 => reg 10", "lookup reg 1 set src4 dreg 1",
	    "ct load dst_ip => reg 9 , dir original",
	    "nat snat ip addr_min reg 9 proto_min reg 1 flags 0x2");
	CHECK_EXPRESSIONS(RULE({ .kind = TERM_SNAT_RANDOM }),
	    "ct load dst_ip => reg 9 , dir original", "nat snat ip addr_min reg 9 flags 0x10");
}

static void
test_matches_are_encoded_as_nft_does(void)
{
	CHECK_EXPRESSIONS(
	    RULE({ .kind = TERM_IIF_NOT_IN, .set = SET_LAN_IF }, { .kind = TERM_IIF_NOT_LO },
		{ .kind = TERM_UDP_DPORT, .value = 1900 }, { .kind = TERM_DROP }),
	    "meta load iifname => reg 1", "lookup reg 1 set lan_if 0x1",
	    "meta load iifname => reg 1",
	    "cmp neq reg 1 0x00006f6c 0x00000000 0x00000000 0x00000000",
	    "meta load l4proto => reg 1", "cmp eq reg 1 0x00000011",
	    "payload load 2b @ transport header + 2 => reg 1", "cmp eq reg 1 0x00006c07",
	    "immediate reg 0 drop");
	CHECK_EXPRESSIONS(
	    RULE({ .kind = TERM_IPV4 }, { .kind = TERM_TCP_OR_UDP }, { .kind = TERM_LOCAL },
		{ .kind = TERM_JUMP, .value = CHAIN_MAPPINGS }),
	    "meta load nfproto => reg 1", "cmp eq reg 1 0x00000002", "meta load l4proto => reg 1",
	    "lookup reg 1 set __set%d", "fib daddr type => reg 1", "cmp eq reg 1 0x00000002",
	    "immediate reg 0 jump -> mappings");
	CHECK_EXPRESSIONS(RULE({ .kind = TERM_OPEN4, .set = SET_OPEN4R }),
	    "payload load 4b @ network header + 12 => reg 1",
	    "payload load 4b @ network header + 16 => reg 9", "meta load l4proto => reg 10",
	    "payload load 2b @ transport header + 2 => reg 11", "lookup reg 1 set open4r");
	CHECK_EXPRESSIONS(RULE({ .kind = TERM_DNATED }, { .kind = TERM_ACCEPT }),
	    "ct load status => reg 1", "bitwise reg 1 = ( reg 1 & 0x00000020 ) ^ 0x00000000",
	    "cmp neq reg 1 0x00000000", "immediate reg 0 accept");
}

static void
test_segments_are_made_to_fit_as_nft_does(void)
{
	CHECK_EXPRESSIONS(RULE({ .kind = TERM_TCP_SYN }, { .kind = TERM_CLAMP_MSS }),
	    "meta load l4proto => reg 1", "cmp eq reg 1 0x00000006",
	    "payload load 1b @ transport header + 13 => reg 1",
	    "bitwise reg 1 = ( reg 1 & 0x00000006 ) ^ 0x00000000", "cmp eq reg 1 0x00000002",
	    "rt load tcpmss => reg 1", "byteorder reg 1 = hton(reg 1, 2, 2)",
	    "exthdr write tcpopt reg 1 => 2b @ 2 + 2");
}

/* The hash that the kernel would give back for @rule. */
static uint64_t
stored_hash(const struct nft_rule *rule)
{
	struct nlmsghdr *nlh = message();

	CU_ASSERT_EQUAL_FATAL(nft_rule_put(nlh, NFT_TABLE, rule, 100), 0);
	return nft_rule_parse_hash(message_attr(nlh, NFTA_RULE_USERDATA));
}

static void
test_each_rule_is_known_by_its_hash(void)
{
	const struct nft_config config = { .masquerade = true, .worker_uid = 1, .http_port = 1 };
	struct nft_rule rules[NFT_RULES];
	size_t n = nft_ruleset_rules(&config, rules), i, j;

	for (i = 0; i < n; i++) {
		CU_ASSERT_NOT_EQUAL(nft_rule_hash(&rules[i]), 0);
		CU_ASSERT_EQUAL(stored_hash(&rules[i]), nft_rule_hash(&rules[i]));
		for (j = 0; j < i; j++)
			CU_ASSERT_NOT_EQUAL(nft_rule_hash(&rules[i]), nft_rule_hash(&rules[j]));
	}
}

static void
test_a_rule_of_somebody_else_has_no_hash(void)
{
	struct nlmsghdr *nlh = message();

	/* A comment only; a length that lies; nothing. */
	mnl_attr_put(nlh, NFTA_RULE_USERDATA, 5, "\0\3hi");
	CU_ASSERT_EQUAL(nft_rule_parse_hash(message_attr(nlh, NFTA_RULE_USERDATA)), 0);
	nlh = message();
	mnl_attr_put(nlh, NFTA_RULE_USERDATA, 4, "\x71\x08hi");
	CU_ASSERT_EQUAL(nft_rule_parse_hash(message_attr(nlh, NFTA_RULE_USERDATA)), 0);
	nlh = message();
	mnl_attr_put(nlh, NFTA_RULE_USERDATA, 0, "");
	CU_ASSERT_EQUAL(nft_rule_parse_hash(message_attr(nlh, NFTA_RULE_USERDATA)), 0);
}

/* The tables of kinds have no compiler to find the row that was forgotten. */
static void
test_every_kind_of_term_has_bytes_and_words(void)
{
	enum nft_term_kind kind;

	for (kind = TERM_END + 1; kind < TERM_KINDS; kind++) {
		struct nft_rule rule = { .chain = CHAIN_FORWARD, .terms = { { .kind = kind } } };
		char text[128];

		nft_text_rule(&rule, text, sizeof(text));
		CU_ASSERT(strlen(text) > strlen("forward: ") && !strstr(text, "(null)"));
		if (kind == TERM_LET_IN) /* nft_ruleset_rules() puts another in its place */
			continue;
		if (!strchr(expressions(&rule), '['))
			fprintf(stderr, "no bytes for %s\n", text);
		CU_ASSERT_PTR_NOT_NULL(strchr(expressions(&rule), '['));
	}
}

static void
test_a_rule_in_another_chain_is_known_by_its_comment_or_what_it_does(void)
{
	const struct nft_rule other = { .chain = CHAIN_FORWARD,
		.terms = { { .kind = TERM_ACCEPT } } };
	struct nlmsghdr *nlh = message();
	const struct nlattr *attr;
	uint32_t mark = 0;

	CU_ASSERT_EQUAL_FATAL(nft_join_rule_put(nlh, "filter", "forward", 0x40000), 0);
	CU_ASSERT_TRUE(nft_join_rule_is(message_attr(nlh, NFTA_RULE_USERDATA), &mark));
	CU_ASSERT_EQUAL(mark, 0x40000);
	attr = message_attr(nlh, NFTA_RULE_EXPRESSIONS);
	CU_ASSERT_TRUE(nft_join_rule_looks_like(attr, 0x40000));
	CU_ASSERT_FALSE(nft_join_rule_looks_like(attr, 0x20000));

	nlh = message();
	CU_ASSERT_EQUAL_FATAL(nft_rule_put(nlh, "filter", &other, 0), 0);
	CU_ASSERT_FALSE(nft_join_rule_is(message_attr(nlh, NFTA_RULE_USERDATA), &mark));
	CU_ASSERT_EQUAL(mark, 0);
	CU_ASSERT_FALSE(
	    nft_join_rule_looks_like(message_attr(nlh, NFTA_RULE_EXPRESSIONS), 0x40000));
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_mapping_loads_key_and_data_into_following_registers),
	UNIT_TEST(masquerade_takes_the_port_from_the_source_map),
	UNIT_TEST(whose_port_is_free_is_asked_without_counting),
	UNIT_TEST(a_hairpin_takes_the_address_it_was_sent_to),
	UNIT_TEST(matches_are_encoded_as_nft_does),
	UNIT_TEST(segments_are_made_to_fit_as_nft_does),
	UNIT_TEST(each_rule_is_known_by_its_hash),
	UNIT_TEST(a_rule_of_somebody_else_has_no_hash),
	UNIT_TEST(every_kind_of_term_has_bytes_and_words),
	UNIT_TEST(a_rule_in_another_chain_is_known_by_its_comment_or_what_it_does),
	UNIT_END,
};

int
main(void)
{
	return unit_run("nft_rule", tests);
}
