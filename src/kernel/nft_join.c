/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_join.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "kernel/nft_batch.h"
#include "kernel/nft_join_rule.h"
#include "kernel/nft_table.h"
#include "lib/log.h"

#define TRIES 4      /* somebody else may change the chain while we look or act */
#define FOUND_MAX 64 /* rules of ours taken out at a time */
#define N(array) (sizeof(array) / sizeof((array)[0]))
#define CHAIN_STRLEN (8 + 2 * NFT_NAME_SIZE)

/* A rule of ours, where it is. */
struct found {
	struct nft_chain_ref chain;
	uint64_t handle; /* network byte order */
};

struct look {
	const struct nft_config *config;
	bool everywhere; /* in all tables; those that @config joins are left out */
	unsigned rules;  /* seen so far */
	bool first;      /* the first one is the rule as it should be */
	struct found found[FOUND_MAX];
	size_t n;
};

static const char *
chain_str(const struct nft_chain_ref *c, char buf[CHAIN_STRLEN])
{
	const char *family = c->family == NFPROTO_IPV4   ? "ip"
			     : c->family == NFPROTO_IPV6 ? "ip6"
							 : "inet";

	snprintf(buf, CHAIN_STRLEN, "%s %s %s", family, c->table, c->chain);
	return buf;
}

static bool
is_same_chain(const struct nft_chain_ref *a, const struct nft_chain_ref *b)
{
	return a->family == b->family && strcmp(a->table, b->table) == 0 &&
	       strcmp(a->chain, b->chain) == 0;
}

static bool
is_joined(const struct nft_config *config, const struct nft_chain_ref *chain)
{
	size_t i;

	for (i = 0; config && i < config->n_joins; i++)
		if (is_same_chain(&config->joins[i], chain))
			return true;
	return false;
}

/* ---- looking ---- */

static bool
copy_name(char name[NFT_NAME_SIZE], const struct nlattr *attr)
{
	if (!attr || mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0 ||
	    mnl_attr_get_payload_len(attr) > NFT_NAME_SIZE)
		return false;
	strcpy(name, mnl_attr_get_str(attr));
	return true;
}

/* In all tables only what says so is taken for ours. */
static bool
is_ours(const struct look *look, const struct nlattr **tb, uint32_t *mark)
{
	if (tb[NFTA_RULE_USERDATA] && nft_join_rule_is(tb[NFTA_RULE_USERDATA], mark))
		return true;
	return !look->everywhere && tb[NFTA_RULE_EXPRESSIONS] &&
	       nft_join_rule_looks_like(tb[NFTA_RULE_EXPRESSIONS], look->config->join_mark);
}

static int
on_rule(void *arg, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[NFTA_RULE_USERDATA + 1];
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct look *look = arg;
	struct found f = { .chain.family = nfg->nfgen_family };
	uint32_t mark = 0;
	unsigned nth = look->rules++;

	nfnl_parse(nlh, tb, N(tb));
	if (!is_ours(look, tb, &mark) || !tb[NFTA_RULE_HANDLE] ||
	    mnl_attr_get_payload_len(tb[NFTA_RULE_HANDLE]) != 8 ||
	    !copy_name(f.chain.table, tb[NFTA_RULE_TABLE]) ||
	    !copy_name(f.chain.chain, tb[NFTA_RULE_CHAIN]))
		return 0;
	memcpy(&f.handle, mnl_attr_get_payload(tb[NFTA_RULE_HANDLE]), sizeof(f.handle));
	if (look->everywhere && is_joined(look->config, &f.chain))
		return 0;
	if (!look->everywhere && nth == 0 && mark == look->config->join_mark)
		look->first = true;
	if (look->n < FOUND_MAX)
		look->found[look->n++] = f;
	return 0;
}

/* The rules of @chain, or (NULL) of all chains there are. An absent one has none. */
static int
look_at(struct nft_join *join, const struct nft_chain_ref *chain, struct look *look)
{
	char buf[NFNL_ASK_SIZE];
	struct nlmsghdr *req;
	int rc, i = 0;

	do {
		*look = (struct look){ .config = look->config, .everywhere = !chain };
		req = nfnl_ask_begin(buf, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, NLM_F_DUMP,
		    chain ? chain->family : NFPROTO_UNSPEC);
		if (chain) {
			mnl_attr_put_strz(req, NFTA_RULE_TABLE, chain->table);
			mnl_attr_put_strz(req, NFTA_RULE_CHAIN, chain->chain);
		}
		rc = nfnl_ask(join->nl, req, on_rule, look);
	} while (rc == -EINTR && ++i < TRIES);
	return rc == -ENOENT ? 0 : rc;
}

/* ---- acting ---- */

static struct nlmsghdr *
put_message(struct nft_batch *b, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *nlh = nft_batch_msg(b, type, flags, NFT_ROOM);

	if (nlh)
		((struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family = family;
	return nlh;
}

static void
put_delete(struct nft_batch *b, const struct found *f)
{
	struct nlmsghdr *nlh = put_message(b, NFT_MSG_DELRULE, 0, f->chain.family);

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, f->chain.table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, f->chain.chain);
	mnl_attr_put(nlh, NFTA_RULE_HANDLE, sizeof(f->handle), &f->handle);
}

/* Deletes all that @look found and, if @chain, puts the rule at its begin: one transaction. */
static int
replace(struct nft_join *join, const struct look *look, const struct nft_chain_ref *chain)
{
	struct nlmsghdr *nlh = NULL;
	struct nft_batch b;
	size_t i;
	int rc;

	nft_batch_init(&b, join->nl);
	nft_batch_begin(&b);
	for (i = 0; i < look->n; i++)
		put_delete(&b, &look->found[i]);
	if (chain)
		nlh = put_message(&b, NFT_MSG_NEWRULE, NLM_F_CREATE, chain->family);
	if (nlh && nft_join_rule_put(nlh, chain->table, chain->chain, join->config->join_mark) < 0)
		b.error = -ENOMEM;
	rc = nft_batch_send(&b, NULL, NULL);
	nft_batch_exit(&b);
	return rc;
}

/* 1: the chain had to be changed, 0: all was right; -ENOENT: there is no such chain. */
static int
join_one(struct nft_join *join, const struct nft_chain_ref *chain)
{
	struct look look = { .config = join->config };
	int rc, i = 0;

	do {
		rc = look_at(join, chain, &look);
		if (rc < 0 || (look.first && look.n == 1))
			return rc;
		rc = replace(join, &look, chain);
	} while (rc == -ENOENT && look.n > 0 && ++i < TRIES); /* it went while we looked */
	return rc < 0 ? rc : 1;
}

/* ---- saying ---- */

static void
say_refused(const struct nft_chain_ref *chain, int error)
{
	char name[CHAIN_STRLEN];

	log_error("join_chain: \"%s\" takes no rule of ours: %s%s", chain_str(chain, name),
	    strerror(-error),
	    error == -EPERM ? "; its table is owned by another program, which must let go of it"
			    : "");
}

static void
tell(struct nft_join *join, size_t i, int rc)
{
	const struct nft_chain_ref *chain = &join->config->joins[i];
	enum nft_join_state state = rc == -ENOENT ? JOIN_ABSENT
				    : rc < 0      ? JOIN_REFUSED
						  : JOIN_IN_PLACE;
	char name[CHAIN_STRLEN];

	if (state == join->state[i])
		return;
	join->state[i] = state;
	switch (state) {
	case JOIN_IN_PLACE:
		log_info("join_chain: \"%s\" lets in what we let in", chain_str(chain, name));
		break;
	case JOIN_ABSENT:
		log_warn("join_chain: there is no \"%s\"; it is awaited", chain_str(chain, name));
		break;
	case JOIN_REFUSED:
		say_refused(chain, rc);
		break;
	case JOIN_UNKNOWN:
		break;
	}
}

/* ---- the verbs ---- */

int
nft_join_leave(struct nft_join *join, const struct nft_config *next)
{
	struct look look = { .config = next };
	int rc;

	do {
		rc = look_at(join, NULL, &look);
		if (rc == 0 && look.n)
			rc = replace(join, &look, NULL);
	} while (rc == 0 && look.n == FOUND_MAX);
	return rc == -ENOENT ? 0 : rc;
}

int
nft_join_run(struct nft_join *join)
{
	int rc, changed = 0, failed = 0;
	size_t i;

	for (i = 0; i < join->config->n_joins; i++) {
		rc = join_one(join, &join->config->joins[i]);
		tell(join, i, rc);
		if (rc > 0)
			changed++;
		else if (rc < 0 && rc != -ENOENT)
			failed = failed ? failed : rc;
	}
	return failed ? failed : changed;
}

size_t
nft_join_count(const struct nft_join *join)
{
	size_t i, n = 0;

	for (i = 0; i < join->config->n_joins; i++)
		n += join->state[i] == JOIN_IN_PLACE;
	return n;
}
