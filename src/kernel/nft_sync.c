/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_sync.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>

#include "kernel/nft_batch.h"
#include "kernel/nft_present.h"
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

/* One look and what follows from it. */
struct run {
	struct nft_sync *sync;
	struct nft_rules rules;
	struct nft_present have;
	struct nft_batch batch;
	uint32_t generation; /* of what we saw, and our own transactions since */
	unsigned changed;
	bool others; /* the table is owned by another process */
};

/* ---- judging ---- */

static bool
wants_owner(const struct nft_sync *sync)
{
	return sync->config->own_table && sync->caps->owner_persist;
}

static enum level
judge(const struct run *run)
{
	const struct nft_present *have = &run->have;
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
	return nft_present_has_rules(have) ? LEVEL_ELEMENTS : LEVEL_RULES;
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
		int order = !we ? 1 : !pe ? -1 : nft_elems_compare_keys(we, pe);

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

	for (i = 0; i < run->rules.n && rc == 0; i++) {
		uint32_t l4_id = L4_SET_ID + (uint32_t)i;

		if (nft_rule_has_l4_set(&run->rules.rule[i])) {
			nlh = nft_batch_msg(b, NFT_MSG_NEWSET, NLM_F_CREATE, NFT_ROOM);
			rc = nlh ? nft_set_put_l4(nlh, NFT_TABLE, l4_id) : -ENOMEM;
			nlh = nft_batch_msg(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE, NFT_ROOM);
			if (nlh)
				nft_elem_put_l4(nlh, NFT_TABLE, l4_id);
		}
		nlh = nft_batch_msg(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, NFT_ROOM);
		if (rc == 0)
			rc = nlh ? nft_rule_put(nlh, NFT_TABLE, &run->rules.rule[i], l4_id)
				 : -ENOMEM;
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

	for (n = 0; n < sizeof(net) / sizeof(net[0]); n++) {
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
		rc = nft_present_generation(run->sync->nl, &generation);
	return rc == 0 && generation != run->generation ? -ERESTART : rc;
}

static int
try_once(struct run *run, bool quietly)
{
	int rc, i;

	rc = nft_present_look(run->sync->nl, &run->have, &run->generation);
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

static int
fill_rules(const struct nft_config *config, struct nft_rules *rules)
{
	size_t i;

	rules->n = nft_ruleset_rules(config, rules->rule);
	for (i = 0; i < rules->n; i++) {
		rules->hash[i] = nft_rule_hash(&rules->rule[i]);
		if (!rules->hash[i])
			return -ENOMEM;
	}
	return 0;
}

int
nft_sync_run(struct nft_sync *sync)
{
	struct run run = { .sync = sync };
	int rc, i;

	rc = fill_rules(sync->config, &run.rules);
	if (rc < 0)
		return rc;
	run.have.rules = &run.rules;
	run.have.counters = sync->caps->counters;
	for (i = 0; i < NFT_SETS; i++)
		nft_elems_sort(&sync->wanted[i]);

	nft_batch_init(&run.batch, sync->nl);
	for (i = 0; i < TRIES; i++) {
		rc = try_once(&run, i < TRIES - 1);
		if (!is_race(rc) || run.others)
			break;
	}
	sync->changed = run.changed;
	sync->owned = rc == 0 && wants_owner(sync);
	nft_batch_exit(&run.batch);
	nft_present_forget(&run.have);
	return rc;
}

/* The lists of 10,000 mappings are 6 MiB that nobody needs until the next sync. */
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
