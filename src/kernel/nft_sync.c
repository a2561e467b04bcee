/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_sync.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>

#include "kernel/nft_batch.h"
#include "kernel/nft_rule.h"
#include "kernel/nft_set.h"
#include "kernel/nft_table.h"
#include "lib/log.h"

#define TRIES 6           /* somebody else may change things while we look or act */
#define ELEMS_PER_MSG 128 /* an attribute list ends at 64 KiB */
#define L4_SET_ID 100     /* and up: beyond the ids of our named sets */

/* What is to be done with an element. */
enum mark {
	MARK_KEEP,
	MARK_NEW,
	MARK_RENEW,   /* only the timeout differs */
	MARK_REPLACE, /* data or lease differ */
	MARK_STALE,   /* present, not wanted */
};

/* How much of the table must be built. */
enum level { LEVEL_ELEMENTS, LEVEL_RULES, LEVEL_TABLE };

/* What the kernel has. */
struct present {
	bool table;
	uint32_t flags;
	uint32_t owner; /* port id */
	unsigned chains, foreign_chains;
	bool set[NFT_SETS];
	unsigned foreign_sets;
	unsigned rules_seen[NFT_CHAINS];
	bool rules_differ;
	struct nft_elems elems[NFT_SETS];
};

/* One look and what follows from it. */
struct run {
	struct nft_sync *sync;
	struct present have;
	struct nft_rule rules[NFT_RULES];
	uint64_t hashes[NFT_RULES];
	size_t n_rules;
	struct nft_batch batch;
	uint32_t generation; /* of what we saw, and our own transactions since */
	unsigned changed;
	bool others; /* the table is owned by another process */
};

/* ---- lists ---- */

int
nft_elems_add(struct nft_elems *list, const struct nft_elem *elem)
{
	size_t cap = list->cap ? list->cap * 2 : 64;
	struct nft_elem *v;

	if (list->n == list->cap) {
		v = realloc(list->v, cap * sizeof(*v));
		if (!v)
			return -ENOMEM;
		list->v = v;
		list->cap = cap;
	}
	list->v[list->n++] = *elem;
	return 0;
}

void
nft_elems_free(struct nft_elems *list)
{
	free(list->v);
	*list = (struct nft_elems){ 0 };
}

static int
compare_keys(const void *a, const void *b)
{
	return memcmp(((const struct nft_elem *)a)->key, ((const struct nft_elem *)b)->key,
	    sizeof(((const struct nft_elem *)a)->key));
}

static int
compare_elems(const void *a, const void *b)
{
	uint32_t x = ((const struct nft_elem *)a)->id, y = ((const struct nft_elem *)b)->id;
	int order = compare_keys(a, b);

	return order ? order : x < y ? -1 : x > y;
}

/* By key, each key once: the oldest lease has it. */
static void
sort(struct nft_elems *list)
{
	size_t i, n = 0;

	if (list->n == 0)
		return;
	qsort(list->v, list->n, sizeof(*list->v), compare_elems);
	for (i = 1; i < list->n; i++)
		if (compare_keys(&list->v[n], &list->v[i]) != 0)
			list->v[++n] = list->v[i];
	list->n = n + 1;
}

/* ---- looking ---- */

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
	struct present *have = arg;

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
	struct present *have = arg;
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
	struct run *run = arg;
	int id;

	nfnl_parse(nlh, tb, N(tb));
	if (!is_str(tb[NFTA_SET_TABLE], NFT_TABLE) || !tb[NFTA_SET_NAME])
		return 0;
	id = nft_ruleset_find_set(mnl_attr_get_str(tb[NFTA_SET_NAME]));
	if (id >= 0)
		run->have.set[id] =
		    is_set_right(tb, (enum nft_set_id)id, run->sync->caps->counters);
	else if (!(nfnl_u32(tb[NFTA_SET_FLAGS]) & NFT_SET_ANONYMOUS)) /* those are of our rules */
		run->have.foreign_sets++;
	return 0;
}

/* The hash of the @n-th rule of @chain, 0 when there is none. */
static uint64_t
wanted_hash(const struct run *run, int chain, unsigned n)
{
	size_t i;

	for (i = 0; i < run->n_rules; i++)
		if ((int)run->rules[i].chain == chain && n-- == 0)
			return run->hashes[i];
	return 0;
}

static int
on_rule(void *arg, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[NFTA_RULE_USERDATA + 1];
	struct run *run = arg;
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
	if (!hash || hash != wanted_hash(run, chain, run->have.rules_seen[chain]))
		run->have.rules_differ = true;
	run->have.rules_seen[chain]++;
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

static void
forget(struct present *have)
{
	int i;

	for (i = 0; i < NFT_SETS; i++)
		nft_elems_free(&have->elems[i]);
	*have = (struct present){ 0 };
}

static int
look_once(struct run *run)
{
	struct nfnl *nl = run->sync->nl;
	struct present *have = &run->have;
	int rc, i;

	rc = look_at(nl, NFT_MSG_GETTABLE, 0, NFTA_TABLE_NAME, on_table, have);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = look_at(nl, NFT_MSG_GETCHAIN, NLM_F_DUMP, 0, on_chain, have);
	if (rc == 0)
		rc = look_at(nl, NFT_MSG_GETSET, NLM_F_DUMP, NFTA_SET_TABLE, on_set, run);
	if (rc == 0)
		rc = look_at(nl, NFT_MSG_GETRULE, NLM_F_DUMP, NFTA_RULE_TABLE, on_rule, run);
	for (i = 0; i < NFT_SETS && rc == 0; i++) {
		struct elem_dump dump = { &have->elems[i], (enum nft_set_id)i };

		if (have->set[i] && !nft_sets[i].size) /* what packets add is not our business */
			rc = look_at_elems(nl, &dump);
		sort(&have->elems[i]);
	}
	return rc;
}

static int
get_generation(struct run *run, uint32_t *generation)
{
	return look_at(run->sync->nl, NFT_MSG_GETGEN, 0, 0, on_gen, generation);
}

/* Element dumps do not tell when the set changes meanwhile, so the generation must be the same
 * before and after. */
static int
look(struct run *run)
{
	uint32_t before = 0;
	int rc = 0, i;

	for (i = 0; i < TRIES; i++) {
		forget(&run->have);
		rc = get_generation(run, &before);
		if (rc == 0)
			rc = look_once(run);
		if (rc == 0)
			rc = get_generation(run, &run->generation);
		if (rc == 0 && before == run->generation)
			return 0;
		if (rc < 0 && rc != -EINTR && rc != -ENOENT)
			return rc;
	}
	return rc; /* a busy machine: what we saw last will do, the next sync mends the rest */
}

/* ---- judging ---- */

static bool
wants_owner(const struct nft_sync *sync)
{
	return sync->config->own_table && sync->caps->owner_persist;
}

static bool
is_rules_right(const struct run *run)
{
	unsigned wanted[NFT_CHAINS] = { 0 };
	size_t i;

	for (i = 0; i < run->n_rules; i++)
		wanted[run->rules[i].chain]++;
	return !run->have.rules_differ && memcmp(wanted, run->have.rules_seen, sizeof(wanted)) == 0;
}

static enum level
judge(const struct run *run)
{
	const struct present *have = &run->have;
	uint32_t kind = wants_owner(run->sync) ? NFT_F_TABLE_PERSIST : 0;
	int i;

	/* Owner and persist come and go together, and PERSIST cannot be changed later. */
	if (!have->table || (have->flags & (NFT_F_TABLE_PERSIST | NFT_F_TABLE_DORMANT)) != kind ||
	    (!kind && have->flags & NFT_F_TABLE_OWNER))
		return LEVEL_TABLE;
	if (have->chains != NFT_CHAINS || have->foreign_chains || have->foreign_sets)
		return LEVEL_TABLE;
	for (i = 0; i < NFT_SETS; i++)
		if (!have->set[i])
			return LEVEL_TABLE;
	return is_rules_right(run) ? LEVEL_ELEMENTS : LEVEL_RULES;
}

/* A table that a living process owns is that process's business. */
static int
check_owner(struct run *run)
{
	char name[32] = "";
	uint32_t pid = 0;

	if (!(run->have.flags & NFT_F_TABLE_OWNER) || run->have.owner == run->sync->nl->portid)
		return 0;
	run->others = true;
	if (nfnl_holder(run->have.owner, &pid, name, sizeof(name)) == 0)
		log_error(
		    "table inet " NFT_TABLE " is owned by another process: %s, pid %u", name, pid);
	else
		log_error("table inet " NFT_TABLE " is owned by another process (netlink port %u)",
		    run->have.owner);
	return -EBUSY;
}

/* What it has counted is not lost when it is made anew. Of a table that is gone we know only what
 * was last read. */
static void
take_over_counter(struct nft_elem *wanted, const struct nft_elem *present)
{
	if (wanted->id != present->id || wanted->packets >= present->packets)
		return;
	wanted->packets = present->packets;
	wanted->octets = present->octets;
}

static bool
is_timeout_right(int64_t wanted_ms, int64_t present_ms)
{
	int64_t off = wanted_ms - present_ms;

	if (!wanted_ms != !present_ms)
		return false;
	return off <= NFT_GRACE_MS && off >= -NFT_GRACE_MS;
}

/* Marks both lists (sorted): a merge. */
static void
compare(struct nft_elems *wanted, struct nft_elems *present)
{
	size_t w = 0, p = 0;

	while (w < wanted->n || p < present->n) {
		struct nft_elem *we = w < wanted->n ? &wanted->v[w] : NULL;
		struct nft_elem *pe = p < present->n ? &present->v[p] : NULL;
		int order = !we ? 1 : !pe ? -1 : compare_keys(we, pe);

		if (order < 0) {
			we->mark = MARK_NEW;
			w++;
		} else if (order > 0) {
			pe->mark = MARK_STALE;
			p++;
		} else {
			if (we->id != pe->id || memcmp(we->data, pe->data, sizeof(we->data)) != 0)
				we->mark = MARK_REPLACE;
			else if (!is_timeout_right(we->timeout_ms, pe->timeout_ms))
				we->mark = MARK_RENEW;
			else
				we->mark = MARK_KEEP;
			take_over_counter(we, pe);
			w++;
			p++;
		}
	}
}

/* ---- acting ---- */

static int
send_batch(struct run *run)
{
	int rc = nft_batch_send(&run->batch, NULL, NULL);

	run->generation += rc == 0 && run->batch.count > 0;
	return rc;
}

/* Sends what has gathered when there may be no room for more: only a caller without rights comes
 * here, as otherwise everything fits. */
static int
flush_if_full(struct run *run)
{
	int rc;

	if (nft_batch_size(&run->batch) + 2 * ELEMS_PER_MSG * NFT_ELEM_SIZE <
	    run->sync->nl->max_send)
		return 0;
	rc = send_batch(run);
	nft_batch_begin(&run->batch);
	return rc;
}

static uint16_t
delete_type(const struct run *run)
{
	return run->sync->caps->destroy ? NFT_M_DESTROYSETELEM : NFT_MSG_DELSETELEM;
}

/* One message with those of @n elements whose mark is in @marks; with their data or keys only. */
static void
put_chunk(struct run *run, enum nft_set_id set, const struct nft_elem *v, size_t n, unsigned marks,
    bool add)
{
	struct nlmsghdr *nlh = NULL;
	struct nlattr *list = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!(marks & 1u << v[i].mark))
			continue;
		if (!nlh) {
			nlh = nft_batch_msg(&run->batch,
			    add ? NFT_MSG_NEWSETELEM : delete_type(run), add ? NLM_F_CREATE : 0,
			    NFT_ROOM_ELEM + ELEMS_PER_MSG * NFT_ELEM_SIZE);
			if (!nlh)
				return;
			list = nft_elem_list_begin(nlh, NFT_TABLE, set);
		}
		if (add)
			nft_elem_put(nlh, set, &v[i]);
		else
			nft_elem_put_key(nlh, set, &v[i]);
	}
	if (nlh)
		nft_elem_list_end(nlh, list);
}

/*
 * Deletes and adds by chunks, so that an element which is replaced is so within one transaction
 * even if there are several.
 */
static int
put_elems(
    struct run *run, enum nft_set_id set, const struct nft_elems *list, unsigned del, unsigned add)
{
	size_t i, n;
	int rc;

	for (i = 0; i < list->n; i += n) {
		n = list->n - i < ELEMS_PER_MSG ? list->n - i : ELEMS_PER_MSG;
		put_chunk(run, set, list->v + i, n, del, false);
		put_chunk(run, set, list->v + i, n, add, true);
		rc = flush_if_full(run);
		if (rc < 0)
			return rc;
	}
	for (i = 0; i < list->n; i++)
		run->changed += !!((del | add) & 1u << list->v[i].mark);
	return 0;
}

#define BIT(mark) (1u << (mark))

static int
apply_difference(struct run *run)
{
	unsigned del = BIT(MARK_REPLACE), add = BIT(MARK_REPLACE) | BIT(MARK_NEW) | BIT(MARK_RENEW);
	int rc = 0, i;

	if (!run->sync->caps->renew_in_place)
		del |= BIT(MARK_RENEW);
	for (i = 0; i < NFT_SETS && rc == 0; i++) {
		rc = put_elems(run, (enum nft_set_id)i, &run->have.elems[i], BIT(MARK_STALE), 0);
		if (rc == 0)
			rc = put_elems(run, (enum nft_set_id)i, &run->sync->wanted[i], del, add);
	}
	return rc;
}

static void
put_table(struct run *run, uint16_t type, uint32_t flags)
{
	struct nlmsghdr *nlh =
	    nft_batch_msg(&run->batch, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0, NFT_ROOM);

	if (!nlh)
		return;
	nft_table_put(nlh, NFT_TABLE, flags);
	if (type == NFT_MSG_NEWTABLE)
		nft_table_put_comment(nlh);
}

/* The rules name them. One that is there already stays what it is. */
static int
put_helpers(struct run *run)
{
	struct nlmsghdr *nlh;
	int rc = 0, i;

	for (i = 0; i < NFT_HELPERS && rc == 0; i++) {
		if (!(run->sync->config->helpers & nft_helpers[i].of))
			continue;
		nlh = nft_batch_msg(&run->batch, NFT_MSG_NEWOBJ, NLM_F_CREATE, NFT_ROOM);
		rc = nlh ? nft_table_put_helper(nlh, NFT_TABLE, (enum nft_helper_id)i) : -ENOMEM;
	}
	return rc;
}

static void
put_rules(struct run *run)
{
	struct nft_batch *b = &run->batch;
	struct nlmsghdr *nlh;
	size_t i;
	int rc = put_helpers(run);

	for (i = 0; i < run->n_rules && rc == 0; i++) {
		uint32_t l4_id = L4_SET_ID + (uint32_t)i;

		if (nft_rule_has_l4_set(&run->rules[i])) {
			nlh = nft_batch_msg(b, NFT_MSG_NEWSET, NLM_F_CREATE, NFT_ROOM);
			rc = nlh ? nft_set_put_l4(nlh, NFT_TABLE, l4_id) : -ENOMEM;
			nlh = nft_batch_msg(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE, NFT_ROOM);
			if (nlh)
				nft_elem_put_l4(nlh, NFT_TABLE, l4_id);
		}
		nlh = nft_batch_msg(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, NFT_ROOM);
		if (rc == 0)
			rc = nlh ? nft_rule_put(nlh, NFT_TABLE, &run->rules[i], l4_id) : -ENOMEM;
	}
	if (rc < 0)
		b->error = rc;
}

static void
replace_rules(struct run *run)
{
	struct nlmsghdr *nlh = nft_batch_msg(&run->batch, NFT_MSG_DELRULE, 0, NFT_ROOM);

	if (nlh)
		mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, NFT_TABLE); /* all of them */
	put_rules(run);
	run->changed++;
}

static void
create_table(struct run *run)
{
	struct nft_batch *b = &run->batch;
	struct nlmsghdr *nlh;
	int rc = 0, i;

	if (run->have.table)
		put_table(run, NFT_MSG_DELTABLE, 0);
	put_table(run, NFT_MSG_NEWTABLE,
	    wants_owner(run->sync) ? NFT_F_TABLE_OWNER | NFT_F_TABLE_PERSIST : 0);
	for (i = 0; i < NFT_SETS && rc == 0; i++) {
		nlh = nft_batch_msg(b, NFT_MSG_NEWSET, NLM_F_CREATE, NFT_ROOM);
		rc = nlh ? nft_set_put(nlh, NFT_TABLE, (enum nft_set_id)i, (uint32_t)i + 1,
			       run->sync->caps->counters)
			 : -ENOMEM;
	}
	for (i = 0; i < NFT_CHAINS && rc == 0; i++) {
		nlh = nft_batch_msg(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE, NFT_ROOM);
		rc = nlh ? nft_table_put_chain(nlh, NFT_TABLE, (enum nft_chain_id)i) : -ENOMEM;
	}
	put_rules(run);
	if (rc < 0)
		b->error = rc;
	run->changed++;
}

/* In a new table everything is new. Interfaces come first, then what was in force before, should
 * one transaction not suffice. */
static int
fill_table(struct run *run)
{
	unsigned had = BIT(MARK_KEEP) | BIT(MARK_RENEW) | BIT(MARK_REPLACE);
	int rc = 0, i;

	for (i = NFT_SETS - 1; i >= 0 && rc == 0; i--)
		rc = put_elems(run, (enum nft_set_id)i, &run->sync->wanted[i], 0, had);
	for (i = NFT_SETS - 1; i >= 0 && rc == 0; i--)
		rc = put_elems(run, (enum nft_set_id)i, &run->sync->wanted[i], 0, BIT(MARK_NEW));
	return rc;
}

/* An orphan of an earlier run: from now on it is ours, before anything else is done to it. */
static int
adopt(struct run *run)
{
	nft_batch_begin(&run->batch);
	put_table(run, NFT_MSG_NEWTABLE, NFT_F_TABLE_OWNER | NFT_F_TABLE_PERSIST);
	return send_batch(run);
}

static int
act(struct run *run, enum level level)
{
	int rc = 0;

	if (level < LEVEL_TABLE && wants_owner(run->sync) && !(run->have.flags & NFT_F_TABLE_OWNER))
		rc = adopt(run);
	if (rc < 0)
		return rc;

	nft_batch_begin(&run->batch);
	if (level == LEVEL_TABLE)
		create_table(run);
	else if (level == LEVEL_RULES)
		replace_rules(run);
	rc = level == LEVEL_TABLE ? fill_table(run) : apply_difference(run);
	return rc < 0 ? rc : send_batch(run);
}

/* ---- the whole ---- */

/* Interfaces and addresses that nobody has told us yet: those of the earlier run. */
static int
take_over_net(struct run *run)
{
	static const enum nft_set_id net[] = { SET_WAN_IF, SET_LAN_IF, SET_WAN4, SET_CLAMP_IF };
	size_t i, n;

	for (n = 0; n < N(net); n++) {
		struct nft_elems *wanted = &run->sync->wanted[net[n]];

		wanted->n = 0;
		for (i = 0; i < run->have.elems[net[n]].n; i++)
			if (nft_elems_add(wanted, &run->have.elems[net[n]].v[i]) < 0)
				return -ENOMEM;
	}
	return 0;
}

/* Acts unheard, and makes sure that nobody else did anything meanwhile, whom we would not have
 * heard either. */
static int
act_quietly(struct run *run, enum level level)
{
	uint32_t generation = 0;
	int rc, back;

	nft_watch_pause(run->sync->watch);
	rc = act(run, level);
	back = nft_watch_resume(run->sync->watch);
	if (rc == 0)
		rc = back;
	if (rc == 0)
		rc = get_generation(run, &generation);
	return rc == 0 && generation != run->generation ? -ERESTART : rc;
}

static int
try_once(struct run *run, bool quietly)
{
	int rc, i;

	rc = look(run);
	if (rc == 0)
		rc = check_owner(run);
	if (rc == 0 && run->sync->keep_net)
		rc = take_over_net(run);
	if (rc < 0)
		return rc;
	for (i = 0; i < NFT_SETS; i++)
		compare(&run->sync->wanted[i], &run->have.elems[i]);
	return quietly ? act_quietly(run, judge(run)) : act(run, judge(run));
}

/* Errors that mean: between look and act somebody changed what we saw, or an element expired. */
static bool
is_race(int rc)
{
	return rc == -ENOENT || rc == -EEXIST || rc == -EBUSY || rc == -ERESTART;
}

int
nft_sync_run(struct nft_sync *sync)
{
	struct run run = { .sync = sync };
	int rc = 0, i;
	size_t r;

	run.n_rules = nft_ruleset_rules(sync->config, run.rules);
	for (r = 0; r < run.n_rules; r++) {
		run.hashes[r] = nft_rule_hash(&run.rules[r]);
		if (!run.hashes[r])
			return -ENOMEM;
	}
	for (i = 0; i < NFT_SETS; i++)
		sort(&sync->wanted[i]);

	nft_batch_init(&run.batch, sync->nl);
	for (i = 0; i < TRIES; i++) {
		rc = try_once(&run, i < TRIES - 1);
		if (!is_race(rc) || run.others)
			break;
	}
	sync->changed = run.changed;
	sync->owned = rc == 0 && wants_owner(sync);
	nft_batch_exit(&run.batch);
	forget(&run.have);
	return rc;
}

/* The lists of 10,000 mappings are 5 MiB that nobody needs until the next sync. */
static void
give_memory_back(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

void
nft_sync_exit(struct nft_sync *sync)
{
	int i;

	for (i = 0; i < NFT_SETS; i++)
		nft_elems_free(&sync->wanted[i]);
	give_memory_back();
}
