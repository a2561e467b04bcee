/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_rule.h"

#include <errno.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "kernel/nft_expr.h"
#include "kernel/nft_table.h"
#include "kernel/nft_term.h"
#include "kernel/nft_udata.h"

bool
nft_rule_has_l4_set(const struct nft_rule *rule)
{
	size_t t;

	for (t = 0; t < NFT_TERMS; t++)
		if (rule->terms[t].kind == TERM_TCP_OR_UDP)
			return true;
	return false;
}

/* Writes all but the userdata. */
static int
put_rule_body(
    struct nlmsghdr *nlh, const char *table, const struct nft_rule *spec, uint32_t l4_set_id)
{
	struct nft_exprs x = { .rule = nftnl_rule_alloc() };
	size_t t;

	if (!x.rule)
		return -ENOMEM;
	nftnl_rule_set_str(x.rule, NFTNL_RULE_TABLE, table);
	nftnl_rule_set_str(x.rule, NFTNL_RULE_CHAIN, nft_chains[spec->chain].name);
	for (t = 0; t < NFT_TERMS && spec->terms[t].kind != TERM_END; t++)
		nft_term_add(&x, &spec->terms[t], l4_set_id);
	if (!x.failed)
		nftnl_rule_nlmsg_build_payload(nlh, x.rule);
	nftnl_rule_free(x.rule);
	return x.failed ? -ENOMEM : 0;
}

static uint64_t
fnv1a(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		hash = (hash ^ *p++) * 0x100000001b3u;
	return hash;
}

uint64_t
nft_rule_hash(const struct nft_rule *rule)
{
	union {
		struct nlmsghdr nlh;
		char room[NFT_ROOM];
	} u;
	uint64_t hash = 0xcbf29ce484222325u;

	memset(&u, 0, sizeof(u));
	mnl_nlmsg_put_header(&u);
	if (put_rule_body(&u.nlh, NFT_TABLE, rule, 0) < 0)
		return 0;
	hash = fnv1a(hash, mnl_nlmsg_get_payload(&u.nlh), mnl_nlmsg_get_payload_len(&u.nlh));
	if (rule->comment)
		hash = fnv1a(hash, rule->comment, strlen(rule->comment));
	return hash ? hash : 1;
}

int
nft_rule_put(
    struct nlmsghdr *nlh, const char *table, const struct nft_rule *rule, uint32_t l4_set_id)
{
	uint64_t hash = nft_rule_hash(rule);
	uint8_t udata[NFT_UDATA_MAX];
	size_t len = 0;

	if (!hash || put_rule_body(nlh, table, rule, l4_set_id) < 0)
		return -ENOMEM;
	if (rule->comment)
		len = nft_udata_put(
		    udata, len, NFT_UDATA_COMMENT, rule->comment, strlen(rule->comment) + 1);
	len = nft_udata_put(udata, len, NFT_UDATA_RULE_HASH, &hash, sizeof(hash));
	mnl_attr_put(nlh, NFTA_RULE_USERDATA, len, udata);
	return 0;
}

uint64_t
nft_rule_parse_hash(const struct nlattr *userdata)
{
	const uint8_t *found = nft_udata_find(userdata, NFT_UDATA_RULE_HASH, sizeof(uint64_t));
	uint64_t hash = 0;

	if (found)
		memcpy(&hash, found, sizeof(hash));
	return hash;
}
