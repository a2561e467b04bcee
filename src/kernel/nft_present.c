/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_present.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "kernel/nft_rule.h"
#include "kernel/nft_set.h"

#define TRIES 6 /* somebody else may change things while we look */

#define N(array) (sizeof(array) / sizeof((array)[0]))

static bool
is_str(const struct nlattr *attr, const char *text)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 &&
	       strcmp(mnl_attr_get_str(attr), text) == 0;
}

static int
on_table(void *arg, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[NFTA_TABLE_OWNER + 1];
	struct nft_present *have = arg;

	nfnl_parse(nlh, tb, N(tb));
	have->table = true;
	have->flags = nfnl_u32(tb[NFTA_TABLE_FLAGS]);
	have->owner = nfnl_u32(tb[NFTA_TABLE_OWNER]);
	return 0;
}

static bool
is_chain_right(const struct nftnl_chain *chain, enum nft_chain_id id)
{
	const struct nft_chain_spec *spec = &nft_chains[id];

	if (!nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM))
		return !spec->type;
	return spec->type && nftnl_chain_is_set(chain, NFTNL_CHAIN_TYPE) &&
	       nftnl_chain_is_set(chain, NFTNL_CHAIN_PRIO) &&
	       nftnl_chain_is_set(chain, NFTNL_CHAIN_POLICY) &&
	       strcmp(nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE), spec->type) == 0 &&
	       nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM) == spec->hook &&
	       nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO) == spec->priority &&
	       nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY) == NF_ACCEPT;
}

static int
on_chain(void *arg, const struct nlmsghdr *nlh)
{
	struct nft_present *have = arg;
	struct nftnl_chain *chain = nftnl_chain_alloc();
	int id;

	if (!chain)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(nlh, chain) == 0 &&
	    strcmp(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE), NFT_TABLE) == 0) {
		id = nft_ruleset_find_chain(nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));
		if (id >= 0 && is_chain_right(chain, (enum nft_chain_id)id))
			have->chains++;
		else
			have->foreign_chains++;
	}
	nftnl_chain_free(chain);
	return 0;
}

/* 0: no limit. */
static uint32_t
get_set_size(const struct nlattr *desc)
{
	const struct nlattr *attr;

	if (!desc)
		return 0;
	mnl_attr_for_each_nested(attr, desc)
	{
		if (mnl_attr_get_type(attr) == NFTA_SET_DESC_SIZE)
			return nfnl_u32(attr);
	}
	return 0;
}

/* The kernel chooses nothing of this itself, and flags that we do not know make a set foreign. */
static bool
is_set_right(const struct nlattr **tb, enum nft_set_id id, bool counters)
{
	const struct nft_set_spec *spec = &nft_sets[id];

	return nfnl_u32(tb[NFTA_SET_FLAGS]) == nft_set_kind(id) &&
	       get_set_size(tb[NFTA_SET_DESC]) == spec->size &&
	       nfnl_u32(tb[NFTA_SET_KEY_LEN]) == nft_set_key_len(id) &&
	       nfnl_u32(tb[NFTA_SET_DATA_LEN]) == nft_set_data_len(id) && !tb[NFTA_SET_TIMEOUT] &&
	       !!tb[NFTA_SET_EXPR] == (spec->counter && counters);
}

static int
on_set(void *arg, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[NFTA_SET_EXPR + 1];
	struct nft_present *have = arg;
	int id;

	nfnl_parse(nlh, tb, N(tb));
	if (!is_str(tb[NFTA_SET_TABLE], NFT_TABLE) || !tb[NFTA_SET_NAME])
		return 0;
	id = nft_ruleset_find_set(mnl_attr_get_str(tb[NFTA_SET_NAME]));
	if (id >= 0)
		have->set[id] = is_set_right(tb, (enum nft_set_id)id, have->counters);
	else if (!(nfnl_u32(tb[NFTA_SET_FLAGS]) & NFT_SET_ANONYMOUS)) /* those are of our rules */
		have->foreign_sets++;
	return 0;
}

/* The hash of the @n-th rule of @chain, 0 when there is none. */
static uint64_t
wanted_hash(const struct nft_rules *rules, int chain, unsigned n)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		if ((int)rules->rule[i].chain == chain && n-- == 0)
			return rules->hash[i];
	return 0;
}

static int
on_rule(void *arg, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[NFTA_RULE_USERDATA + 1];
	struct nft_present *have = arg;
	uint64_t hash = 0;
	int chain;

	nfnl_parse(nlh, tb, N(tb));
	if (!is_str(tb[NFTA_RULE_TABLE], NFT_TABLE) || !tb[NFTA_RULE_CHAIN])
		return 0;
	chain = nft_ruleset_find_chain(mnl_attr_get_str(tb[NFTA_RULE_CHAIN]));
	if (chain < 0)
		return 0; /* on_chain() saw it */
	if (tb[NFTA_RULE_USERDATA])
		hash = nft_rule_parse_hash(tb[NFTA_RULE_USERDATA]);
	if (!hash || hash != wanted_hash(have->rules, chain, have->rules_seen[chain]))
		have->rules_differ = true;
	have->rules_seen[chain]++;
	return 0;
}

struct elem_dump {
	struct nft_elems *list;
	enum nft_set_id set;
};

static int
on_elems(void *arg, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[NFTA_SET_ELEM_LIST_ELEMENTS + 1], *attr;
	struct elem_dump *dump = arg;
	struct nft_elem elem;

	nfnl_parse(nlh, tb, N(tb));
	if (!tb[NFTA_SET_ELEM_LIST_ELEMENTS])
		return 0;
	mnl_attr_for_each_nested(attr, tb[NFTA_SET_ELEM_LIST_ELEMENTS])
	{
		if (nft_elem_parse(attr, dump->set, &elem) && nft_elems_add(dump->list, &elem) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int
on_gen(void *arg, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[NFTA_GEN_ID + 1];

	nfnl_parse(nlh, tb, N(tb));
	*(uint32_t *)arg = nfnl_u32(tb[NFTA_GEN_ID]);
	return 0;
}

/* Asks for all objects of one type in our table (chains: in all tables). */
static int
look_at(struct nfnl *nl, uint8_t type, uint16_t flags, uint16_t table_attr, nfnl_msg_fn on_msg,
    void *arg)
{
	char buf[NFNL_ASK_SIZE];
	struct nlmsghdr *req =
	    nfnl_ask_begin(buf, NFNL_SUBSYS_NFTABLES << 8 | type, flags, NFPROTO_INET);

	if (table_attr)
		mnl_attr_put_strz(req, table_attr, NFT_TABLE);
	return nfnl_ask(nl, req, on_msg, arg);
}

static int
look_at_elems(struct nfnl *nl, struct elem_dump *dump)
{
	char buf[NFNL_ASK_SIZE];
	struct nlmsghdr *req = nfnl_ask_begin(
	    buf, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, NLM_F_DUMP, NFPROTO_INET);

	nft_elem_list_end(req, nft_elem_list_begin(req, NFT_TABLE, dump->set));
	return nfnl_ask(nl, req, on_elems, dump);
}

void
nft_present_forget(struct nft_present *have)
{
	const struct nft_present empty = { .rules = have->rules, .counters = have->counters };
	int i;

	for (i = 0; i < NFT_SETS; i++)
		nft_elems_free(&have->elems[i]);
	*have = empty;
}

static int
look_once(struct nfnl *nl, struct nft_present *have)
{
	int rc, i;

	rc = look_at(nl, NFT_MSG_GETTABLE, 0, NFTA_TABLE_NAME, on_table, have);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = look_at(nl, NFT_MSG_GETCHAIN, NLM_F_DUMP, 0, on_chain, have);
	if (rc == 0)
		rc = look_at(nl, NFT_MSG_GETSET, NLM_F_DUMP, NFTA_SET_TABLE, on_set, have);
	if (rc == 0)
		rc = look_at(nl, NFT_MSG_GETRULE, NLM_F_DUMP, NFTA_RULE_TABLE, on_rule, have);
	for (i = 0; i < NFT_SETS && rc == 0; i++) {
		struct elem_dump dump = { &have->elems[i], (enum nft_set_id)i };

		if (have->set[i] && !nft_sets[i].size) /* what packets add is not our business */
			rc = look_at_elems(nl, &dump);
		nft_elems_sort(&have->elems[i]);
	}
	return rc;
}

int
nft_present_generation(struct nfnl *nl, uint32_t *generation)
{
	return look_at(nl, NFT_MSG_GETGEN, 0, 0, on_gen, generation);
}

/* Element dumps do not tell when the set changes meanwhile, so the generation must be the same
 * before and after. */
int
nft_present_look(struct nfnl *nl, struct nft_present *have, uint32_t *generation)
{
	uint32_t before = 0;
	int rc = 0, i;

	for (i = 0; i < TRIES; i++) {
		nft_present_forget(have);
		rc = nft_present_generation(nl, &before);
		if (rc == 0)
			rc = look_once(nl, have);
		if (rc == 0)
			rc = nft_present_generation(nl, generation);
		if (rc == 0 && before == *generation)
			return 0;
		if (rc < 0 && rc != -EINTR && rc != -ENOENT)
			return rc;
	}
	return rc; /* a busy machine: what we saw last will do, the next sync mends the rest */
}

bool
nft_present_has_rules(const struct nft_present *have)
{
	unsigned wanted[NFT_CHAINS] = { 0 };
	size_t i;

	for (i = 0; i < have->rules->n; i++)
		wanted[have->rules->rule[i].chain]++;
	return !have->rules_differ && memcmp(wanted, have->rules_seen, sizeof(wanted)) == 0;
}

/* ---- one element ---- */

struct answer {
	enum nft_set_id set;
	struct nft_elem elem;
	bool found;
};

static int
on_answer(void *arg, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr, *child;
	struct answer *answer = arg;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested(child, attr)
		{
			if (nft_elem_parse(child, answer->set, &answer->elem))
				answer->found = true;
		}
	}
	return 0;
}

int
nft_present_ask(struct nfnl *nl, enum nft_set_id set, struct nft_elem *elem)
{
	struct answer answer = { .set = set };
	struct nlmsghdr *req;
	struct nlattr *list;
	char buf[NFNL_ASK_SIZE];
	int rc;

	req = nfnl_ask_begin(buf, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, 0, NFPROTO_INET);
	list = nft_elem_list_begin(req, NFT_TABLE, set);
	nft_elem_put_key(req, set, elem);
	nft_elem_list_end(req, list);
	rc = nfnl_ask(nl, req, on_answer, &answer);
	if (rc == 0 && !answer.found)
		rc = -ENOENT;
	if (rc == 0)
		*elem = answer.elem;
	return rc;
}
