/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_join_rule.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <string.h>

#include "kernel/nfnl.h"
#include "kernel/nft_expr.h"
#include "kernel/nft_udata.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const char join_comment[] = "let in by the table inet portreeve";

int
nft_join_rule_put(struct nlmsghdr *nlh, const char *table, const char *chain, uint32_t mark)
{
	struct nft_exprs x = { .rule = nftnl_rule_alloc() };
	static const uint32_t zero;
	uint8_t udata[NFT_UDATA_MAX];
	size_t len;

	if (!x.rule)
		return -ENOMEM;
	nftnl_rule_set_str(x.rule, NFTNL_RULE_TABLE, table);
	nftnl_rule_set_str(x.rule, NFTNL_RULE_CHAIN, chain);
	nft_expr_meta(&x, NFT_META_MARK, nft_reg(0));
	nft_expr_mask(&x, &mark, &zero, sizeof(mark));
	nft_expr_cmp(&x, NFT_CMP_EQ, &mark, sizeof(mark));
	nft_expr_counter(&x);
	nft_expr_verdict(&x, NF_ACCEPT, NULL);
	if (!x.failed)
		nftnl_rule_nlmsg_build_payload(nlh, x.rule);
	nftnl_rule_free(x.rule);
	len = nft_udata_put(udata, 0, NFT_UDATA_COMMENT, join_comment, sizeof(join_comment));
	len = nft_udata_put(udata, len, NFT_UDATA_JOIN_MARK, &mark, sizeof(mark));
	mnl_attr_put(nlh, NFTA_RULE_USERDATA, len, udata);
	return x.failed ? -ENOMEM : 0;
}

bool
nft_join_rule_is(const struct nlattr *userdata, uint32_t *mark)
{
	const uint8_t *found = nft_udata_find(userdata, NFT_UDATA_COMMENT, sizeof(join_comment));

	*mark = 0;
	if (!found || memcmp(found, join_comment, sizeof(join_comment)) != 0)
		return false;
	found = nft_udata_find(userdata, NFT_UDATA_JOIN_MARK, sizeof(*mark));
	if (found)
		memcpy(mark, found, sizeof(*mark));
	return true;
}

/* The name of an expression and its attributes. */
static const char *
parse_expr(const struct nlattr *attr, const struct nlattr **tb, size_t max)
{
	const struct nlattr *expr[NFTA_EXPR_DATA + 1];

	nfnl_parse_nest(attr, expr, N(expr));
	if (!expr[NFTA_EXPR_NAME] ||
	    mnl_attr_validate(expr[NFTA_EXPR_NAME], MNL_TYPE_NUL_STRING) < 0)
		return "";
	memset(tb, 0, max * sizeof(*tb));
	if (expr[NFTA_EXPR_DATA])
		nfnl_parse_nest(expr[NFTA_EXPR_DATA], tb, max);
	return mnl_attr_get_str(expr[NFTA_EXPR_NAME]);
}

static bool
is_u32(const struct nlattr *attr, uint32_t value)
{
	return attr && mnl_attr_get_payload_len(attr) == sizeof(value) &&
	       mnl_attr_get_u32(attr) == value;
}

static bool
is_data(const struct nlattr *nest, uint32_t value)
{
	uint32_t got;

	return nest && nfnl_data(nest, &got, sizeof(got)) && got == value;
}

static bool
is_accept(const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_DATA_MAX + 1], *verdict[NFTA_VERDICT_MAX + 1];

	if (!data)
		return false;
	nfnl_parse_nest(data, tb, N(tb));
	if (!tb[NFTA_DATA_VERDICT])
		return false;
	nfnl_parse_nest(tb[NFTA_DATA_VERDICT], verdict, N(verdict));
	return is_u32(verdict[NFTA_VERDICT_CODE], htonl(NF_ACCEPT));
}

/* meta mark, bitwise, cmp, immediate, with counters and iptables' comments anywhere between. */
bool
nft_join_rule_looks_like(const struct nlattr *expressions, uint32_t mark)
{
	const struct nlattr *tb[16], *attr;
	bool fits = true;
	const char *name;
	int step = 0;

	mnl_attr_for_each_nested(attr, expressions)
	{
		name = parse_expr(attr, tb, N(tb));
		if (strcmp(name, "counter") == 0)
			continue;
		if (strcmp(name, "match") == 0 && tb[NFTA_MATCH_NAME] &&
		    mnl_attr_validate(tb[NFTA_MATCH_NAME], MNL_TYPE_NUL_STRING) == 0 &&
		    strcmp(mnl_attr_get_str(tb[NFTA_MATCH_NAME]), "comment") == 0)
			continue;
		switch (step++) {
		case 0:
			fits = strcmp(name, "meta") == 0 &&
			       is_u32(tb[NFTA_META_KEY], htonl(NFT_META_MARK)) &&
			       tb[NFTA_META_DREG];
			break;
		case 1:
			fits = strcmp(name, "bitwise") == 0 && is_data(tb[NFTA_BITWISE_MASK], mark);
			break;
		case 2:
			fits = strcmp(name, "cmp") == 0 &&
			       is_u32(tb[NFTA_CMP_OP], htonl(NFT_CMP_EQ)) &&
			       is_data(tb[NFTA_CMP_DATA], mark);
			break;
		case 3:
			fits = strcmp(name, "immediate") == 0 && is_accept(tb[NFTA_IMMEDIATE_DATA]);
			break;
		default:
			fits = false;
		}
		if (!fits)
			return false;
	}
	return step == 4;
}
