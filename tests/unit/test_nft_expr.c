/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <netinet/in.h> /* before the headers of the kernel */
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "kernel/nft_expr.h"

/* Some message with nothing in it but headers. */
static struct nlmsghdr *
message(void)
{
	static union {
		struct nlmsghdr nlh;
		char room[NFT_ROOM];
	} u;

	memset(&u, 0, sizeof(u));
	mnl_nlmsg_put_header(&u);
	mnl_nlmsg_put_extra_header(&u.nlh, sizeof(struct nfgenmsg));
	return &u.nlh;
}

static const char *
hex(const void *data, size_t len)
{
	static char text[1024];
	const uint8_t *p = data;
	size_t i;

	text[0] = '\0';
	for (i = 0; i < len && i < 300; i++)
		sprintf(text + 2 * i, "%02x", p[i]);
	return text;
}

/* The attributes of @nlh as hexadecimal text. */
static const char *
hex_attrs(const struct nlmsghdr *nlh)
{
	return hex(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg)),
	    mnl_nlmsg_get_payload_len(nlh) - sizeof(struct nfgenmsg));
}

static const struct nft_mapping mapping = {
	.id = 7,
	.internal_client = 0xc0a8010a,
	.external_port = 8080,
	.internal_port = 80,
	.protocol = IPPROTO_TCP,
	.timeout_ms = 3600000,
};

static void
test_fields_of_keys_are_padded_to_4_octets(void)
{
	struct nft_mapping m = mapping;
	struct nft_elem elem;
	enum nft_set_id set;

	nft_expr_map(&m, &set, &elem);
	CU_ASSERT_EQUAL(set, SET_PM4);
	CU_ASSERT_STRING_EQUAL(hex(elem.key, nft_expr_key_len(set)), "060000001f900000");
	CU_ASSERT_STRING_EQUAL(hex(elem.data, nft_expr_data_len(set)), "c0a8010a00500000");

	m.remote_host = 0xcb007109;
	nft_expr_map(&m, &set, &elem);
	CU_ASSERT_EQUAL(set, SET_PM4R);
	CU_ASSERT_STRING_EQUAL(hex(elem.key, nft_expr_key_len(set)), "cb007109060000001f900000");

	nft_expr_source(&m, &elem);
	CU_ASSERT_STRING_EQUAL(
	    hex(elem.key, nft_expr_key_len(SET_SRC4)), "c0a8010a0600000000500000");
	CU_ASSERT_STRING_EQUAL(hex(elem.data, nft_expr_data_len(SET_SRC4)), "1f90");

	nft_expr_open(&m, &set, &elem);
	CU_ASSERT_EQUAL(set, SET_OPEN4R);
	CU_ASSERT_STRING_EQUAL(
	    hex(elem.key, nft_expr_key_len(set)), "cb007109c0a8010a0600000000500000");
	m.remote_host = 0;
	nft_expr_open(&m, &set, &elem);
	CU_ASSERT_EQUAL(set, SET_OPEN4);
	CU_ASSERT_STRING_EQUAL(hex(elem.key, nft_expr_key_len(set)), "c0a8010a0600000000500000");

	nft_expr_mapped(&m, &elem);
	CU_ASSERT_STRING_EQUAL(hex(elem.key, nft_expr_key_len(SET_MAPPED4)), "060000001f900000");

	nft_expr_ifname("eth0", &elem);
	CU_ASSERT_STRING_EQUAL(
	    hex(elem.key, nft_expr_key_len(SET_WAN_IF)), "65746830000000000000000000000000");
	nft_expr_addr(0xcb007101, &elem);
	CU_ASSERT_STRING_EQUAL(hex(elem.key, nft_expr_key_len(SET_WAN4)), "cb007101");
}

static void
test_a_kernel_element_outlives_its_lease_by_the_grace(void)
{
	struct nft_mapping m = mapping;
	struct nft_elem elem;
	enum nft_set_id set;

	nft_expr_map(&m, &set, &elem);
	CU_ASSERT_EQUAL(elem.timeout_ms, 3600000 + NFT_GRACE_MS);
	m.timeout_ms = 0;
	nft_expr_map(&m, &set, &elem);
	CU_ASSERT_EQUAL(elem.timeout_ms, 0);
}

static void
test_an_element_is_encoded_as_the_kernel_reads_it(void)
{
	static const char wanted[] = "0600010074000000" /* table "t" */
				     "08000200706d3400" /* set "pm4" */
				     "48000380"         /* elements */
				     "44000180"         /* one of them */
				     "10000180"         /* key */
				     "0c000100060000001f900000"
				     "10000280" /* data */
				     "0c000100c0a8010a00500000"
				     "0c000400000000000037d8e0" /* 3660 s */
				     "11000600"                 /* userdata: */
				     "00056964203700"           /* "id 7" */
				     "700400000007"             /* 7 */
				     "000000";
	struct nlmsghdr *nlh = message();
	struct nft_elem elem;
	struct nlattr *list;
	enum nft_set_id set;

	nft_expr_map(&mapping, &set, &elem);
	list = nft_expr_elems_begin(nlh, "t", set);
	nft_expr_put_elem(nlh, set, &elem);
	nft_expr_elems_end(nlh, list);
	CU_ASSERT_STRING_EQUAL(hex_attrs(nlh), wanted);
}

static void
test_an_element_comes_back_as_it_went(void)
{
	struct nlmsghdr *nlh = message();
	struct nft_elem elem, back;
	struct nlattr *list;
	enum nft_set_id set;
	uint64_t packets = 5;

	nft_expr_map(&mapping, &set, &elem);
	list = nft_expr_elems_begin(nlh, "t", set);
	nft_expr_put_elem(nlh, set, &elem);
	nft_expr_elems_end(nlh, list);

	CU_ASSERT_TRUE_FATAL(nft_expr_parse_elem(mnl_attr_get_payload(list), set, &back, &packets));
	CU_ASSERT_EQUAL(memcmp(back.key, elem.key, sizeof(back.key)), 0);
	CU_ASSERT_EQUAL(memcmp(back.data, elem.data, sizeof(back.data)), 0);
	CU_ASSERT_EQUAL(back.id, 7);
	CU_ASSERT_EQUAL(packets, 0);
	CU_ASSERT_EQUAL(back.timeout_ms, 0); /* the kernel tells what remains, and we did not */
}

static void
test_elements_of_another_shape_are_refused(void)
{
	struct nlmsghdr *nlh = message();
	struct nft_elem elem, back;
	struct nlattr *list;
	enum nft_set_id set;

	nft_expr_map(&mapping, &set, &elem);
	list = nft_expr_elems_begin(nlh, "t", set);
	nft_expr_put_elem(nlh, set, &elem);
	nft_expr_elems_end(nlh, list);
	CU_ASSERT_FALSE(nft_expr_parse_elem(mnl_attr_get_payload(list), SET_PM4R, &back, NULL));
	CU_ASSERT_FALSE(nft_expr_parse_elem(mnl_attr_get_payload(list), SET_SRC4, &back, NULL));

	nlh = message();
	list = nft_expr_elems_begin(nlh, "t", set);
	nft_expr_put_key(nlh, set, &elem); /* no data */
	nft_expr_elems_end(nlh, list);
	CU_ASSERT_FALSE(nft_expr_parse_elem(mnl_attr_get_payload(list), set, &back, NULL));
}

/* Rules as libnftnl prints them, to be compared with "nft --debug=netlink". */
static const char *
expressions(const struct nft_rule *rule)
{
	static char text[4096];
	struct nftnl_rule *parsed = nftnl_rule_alloc();
	struct nlmsghdr *nlh = message();
	char *userdata;

	text[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(nft_expr_put_rule(nlh, NFT_TABLE, rule, 3), 0);
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
	CHECK_EXPRESSIONS(RULE({ .kind = TERM_SPORT_MAPPED }, { .kind = TERM_MASQ_RANDOM }),
	    "meta load l4proto => reg 1", "payload load 2b @ transport header + 0 => reg 9",
	    "lookup reg 1 set mapped4", "masq flags 0x10");
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
	const struct nlattr *attr;

	CU_ASSERT_EQUAL_FATAL(nft_expr_put_rule(nlh, NFT_TABLE, rule, 100), 0);
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFTA_RULE_USERDATA)
			return nft_expr_parse_rule_hash(attr);
	}
	return 0;
}

static void
test_each_rule_is_known_by_its_hash(void)
{
	const struct nft_config config = { .masquerade = true, .worker_uid = 1, .http_port = 1 };
	struct nft_rule rules[NFT_RULES];
	size_t n = nft_ruleset_rules(&config, rules), i, j;

	for (i = 0; i < n; i++) {
		CU_ASSERT_NOT_EQUAL(nft_expr_rule_hash(&rules[i]), 0);
		CU_ASSERT_EQUAL(stored_hash(&rules[i]), nft_expr_rule_hash(&rules[i]));
		for (j = 0; j < i; j++)
			CU_ASSERT_NOT_EQUAL(
			    nft_expr_rule_hash(&rules[i]), nft_expr_rule_hash(&rules[j]));
	}
}

static void
test_a_rule_of_somebody_else_has_no_hash(void)
{
	struct nlmsghdr *nlh = message();

	/* A comment only; a length that lies; nothing. */
	mnl_attr_put(nlh, NFTA_RULE_USERDATA, 5, "\0\3hi");
	CU_ASSERT_EQUAL(
	    nft_expr_parse_rule_hash(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg))),
	    0);
	nlh = message();
	mnl_attr_put(nlh, NFTA_RULE_USERDATA, 4, "\x71\x08hi");
	CU_ASSERT_EQUAL(
	    nft_expr_parse_rule_hash(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg))),
	    0);
	nlh = message();
	mnl_attr_put(nlh, NFTA_RULE_USERDATA, 0, "");
	CU_ASSERT_EQUAL(
	    nft_expr_parse_rule_hash(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg))),
	    0);
}

static const struct unit_test tests[] = {
	UNIT_TEST(fields_of_keys_are_padded_to_4_octets),
	UNIT_TEST(a_kernel_element_outlives_its_lease_by_the_grace),
	UNIT_TEST(an_element_is_encoded_as_the_kernel_reads_it),
	UNIT_TEST(an_element_comes_back_as_it_went),
	UNIT_TEST(elements_of_another_shape_are_refused),
	UNIT_TEST(a_mapping_loads_key_and_data_into_following_registers),
	UNIT_TEST(masquerade_takes_the_port_from_the_source_map),
	UNIT_TEST(a_hairpin_takes_the_address_it_was_sent_to),
	UNIT_TEST(matches_are_encoded_as_nft_does),
	UNIT_TEST(segments_are_made_to_fit_as_nft_does),
	UNIT_TEST(each_rule_is_known_by_its_hash),
	UNIT_TEST(a_rule_of_somebody_else_has_no_hash),
	UNIT_END,
};

int
main(void)
{
	return unit_run("nft_expr", tests);
}
