/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the snapshot. Every dump has a bound in number and time and is broken off at it by closing
 * the socket: the kernel makes a dump piece by piece, as it is read.
 */
#include "kernel/foreign_model.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/nfnl.h"
#include "kernel/nft_ruleset.h"

#define TABLES_MAX 256
#define CHAINS_MAX 4096
#define RULES_MAX 4096
#define SETS_MAX 256
#define ELEMS_MAX 512 /* of one set */
#define TOTAL_ELEMS_MAX 4096
#define BUDGET_US 8000 /* of one look: 1000 to 3000 rules */
#define TRIES 3
#define ENOUGH 1 /* a callback wants no more */

struct reader {
	struct foreign *f;
	struct nfnl nl;
	bool open;
	int64_t deadline_us;
	uint32_t generation;
	char *dormant[TABLES_MAX]; /* "family name" of tables that are switched off */
	size_t n_dormant;
	size_t n_elems;
	struct foreign_chain *last; /* that got a rule */
	struct foreign_set *set;    /* being read */
};

/* Of our own work: on a busy machine a look takes longer and sees no less. */
static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Room for one more at the end of a growing array. NULL: no memory. */
static void *
grow(void **array, size_t *n, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 16;
	void *bigger;

	if (*n == *cap) {
		bigger = realloc(*array, more * size);
		if (!bigger)
			return NULL;
		*array = bigger;
		*cap = more;
	}
	memset((char *)*array + *n * size, 0, size);
	return (char *)*array + (*n)++ * size;
}

/* ---- asking ---- */

/*
 * Gives each message to @on_msg until that returns other than 0, or the time is over: then the
 * socket is closed, and the dump with it. 0, or -errno.
 */
static int
ask(struct reader *r, struct nlmsghdr *req, nfnl_msg_fn on_msg)
{
	bool dump = req->nlmsg_flags & NLM_F_DUMP;
	int rc;

	if (!r->open) {
		rc = nfnl_open(&r->nl);
		if (rc < 0)
			return rc;
		r->open = true;
	}
	req->nlmsg_seq = ++r->nl.seq;
	rc = nfnl_send(&r->nl, req, req->nlmsg_len);
	while (rc == 0) {
		const struct nlmsghdr *nlh = (const void *)r->nl.rx;
		int len = nfnl_recv(&r->nl);

		if (len < 0) {
			rc = len;
			break;
		}
		for (; rc == 0 && mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_seq != r->nl.seq)
				continue;
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				rc = -EINTR;
			else if (nlh->nlmsg_type == NLMSG_ERROR)
				return nfnl_error(nlh);
			else if (nlh->nlmsg_type == NLMSG_DONE)
				return 0;
			else
				rc = on_msg(r, nlh);
			if (rc == 0 && !dump)
				return 0;
		}
		if (rc == 0 && now_us() > r->deadline_us) {
			r->f->summary.complete = false;
			rc = ENOUGH;
		}
	}
	nfnl_close(&r->nl);
	r->open = false;
	return rc == ENOUGH ? 0 : rc;
}

static int
look_at(struct reader *r, uint8_t type, uint16_t flags, nfnl_msg_fn on_msg)
{
	char buf[NFNL_ASK_SIZE];

	return ask(r, nfnl_ask_begin(buf, NFNL_SUBSYS_NFTABLES << 8 | type, flags, NFPROTO_UNSPEC),
	    on_msg);
}

/* ---- tables ---- */

static uint8_t
family_of(const struct nlmsghdr *nlh)
{
	return ((const struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family;
}

static bool
is_ours(uint8_t family, const char *table)
{
	return family == NFPROTO_INET && strcmp(table, NFT_TABLE) == 0;
}

static int
on_generation(void *arg, const struct nlmsghdr *nlh)
{
	struct reader *r = arg;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFTA_GEN_ID)
			r->generation = nfnl_u32(attr);
	}
	return 0;
}

/* "ip filter" as one text, to be found again. */
static int
table_key(char *key, size_t size, uint8_t family, const char *name)
{
	int n = snprintf(key, size, "%u %s", family, name);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int
on_table(void *arg, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	const char *name = "";
	struct reader *r = arg;
	uint32_t flags = 0;
	char key[300];

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFTA_TABLE_NAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			name = mnl_attr_get_str(attr);
		if (mnl_attr_get_type(attr) == NFTA_TABLE_FLAGS)
			flags = nfnl_u32(attr);
	}
	if (is_ours(family_of(nlh), name)) {
		r->f->summary.our_table = !(flags & NFT_TABLE_F_DORMANT);
		return 0;
	}
	r->f->summary.tables++;
	if (!(flags & NFT_TABLE_F_DORMANT))
		return 0;
	if (r->n_dormant == TABLES_MAX || table_key(key, sizeof(key), family_of(nlh), name) < 0)
		return 0;
	r->dormant[r->n_dormant] = strdup(key);
	return r->dormant[r->n_dormant++] ? 0 : -ENOMEM;
}

static bool
is_dormant(const struct reader *r, uint8_t family, const char *table)
{
	char key[300];
	size_t i;

	if (table_key(key, sizeof(key), family, table) < 0)
		return false;
	for (i = 0; i < r->n_dormant; i++)
		if (strcmp(r->dormant[i], key) == 0)
			return true;
	return false;
}

/* ---- chains ---- */

static void
read_devices(struct foreign_chain *chain, const struct nftnl_chain *nlc)
{
	const char *const *names;
	size_t i;

	if (nftnl_chain_is_set(nlc, NFTNL_CHAIN_DEV))
		snprintf(
		    chain->devices[0], IFNAMSIZ, "%s", nftnl_chain_get_str(nlc, NFTNL_CHAIN_DEV));
	if (!nftnl_chain_is_set(nlc, NFTNL_CHAIN_DEVICES))
		return;
	names = nftnl_chain_get(nlc, NFTNL_CHAIN_DEVICES);
	for (i = 0; names && names[i] && i < FOREIGN_DEVICES; i++)
		snprintf(chain->devices[i], IFNAMSIZ, "%s", names[i]);
}

static void
read_hook(struct foreign_chain *chain, const struct nftnl_chain *nlc)
{
	const char *type = nftnl_chain_get_str(nlc, NFTNL_CHAIN_TYPE);

	chain->base = true;
	chain->nat = type && strcmp(type, "nat") == 0;
	chain->hook = nftnl_chain_get_u32(nlc, NFTNL_CHAIN_HOOKNUM);
	chain->priority = nftnl_chain_get_s32(nlc, NFTNL_CHAIN_PRIO);
	chain->policy = nftnl_chain_is_set(nlc, NFTNL_CHAIN_POLICY)
			    ? nftnl_chain_get_u32(nlc, NFTNL_CHAIN_POLICY)
			    : NF_ACCEPT;
	if (chain->family == NFPROTO_NETDEV)
		chain->hook = chain->hook == 0 ? NF_INET_INGRESS : NF_INET_NUMHOOKS + 1;
	read_devices(chain, nlc);
}

static int
add_chain(struct reader *r, const struct nftnl_chain *nlc)
{
	uint8_t family = (uint8_t)nftnl_chain_get_u32(nlc, NFTNL_CHAIN_FAMILY);
	const char *table = nftnl_chain_get_str(nlc, NFTNL_CHAIN_TABLE);
	const char *name = nftnl_chain_get_str(nlc, NFTNL_CHAIN_NAME);
	struct foreign *f = r->f;
	struct foreign_chain *chain;

	if (!table || !name)
		return 0;
	if (is_ours(family, table)) {
		f->summary.our_chains += nft_ruleset_find_chain(name) >= 0;
		return 0;
	}
	if (is_dormant(r, family, table))
		return 0;
	if (f->n_chains == CHAINS_MAX) {
		f->summary.complete = false;
		return ENOUGH;
	}
	chain = grow((void **)&f->chains, &f->n_chains, &f->chains_cap, sizeof(*chain));
	if (!chain)
		return -ENOMEM;
	chain->family = family;
	chain->table = strdup(table);
	chain->name = strdup(name);
	if (!chain->table || !chain->name)
		return -ENOMEM;
	if (nftnl_chain_is_set(nlc, NFTNL_CHAIN_HOOKNUM))
		read_hook(chain, nlc);
	f->summary.base_chains += chain->base;
	f->summary.nat_chains += chain->nat;
	return 0;
}

static int
on_chain(void *arg, const struct nlmsghdr *nlh)
{
	struct nftnl_chain *nlc = nftnl_chain_alloc();
	int rc = 0;

	if (!nlc)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(nlh, nlc) == 0)
		rc = add_chain(arg, nlc);
	nftnl_chain_free(nlc);
	return rc;
}

/* ---- rules ---- */

/* Rules come chain by chain. */
static struct foreign_chain *
chain_of(struct reader *r, uint8_t family, const char *table, const char *name)
{
	struct foreign_chain like = { .family = family, .table = (char *)(uintptr_t)table };
	struct foreign_chain *last = r->last;

	if (!last || last->family != family || strcmp(last->table, table) != 0 ||
	    strcmp(last->name, name) != 0)
		r->last = foreign_find_chain(r->f, &like, name);
	return r->last;
}

static int
add_rule(struct reader *r, struct nftnl_rule *nlr)
{
	uint8_t family = (uint8_t)nftnl_rule_get_u32(nlr, NFTNL_RULE_FAMILY);
	const char *table = nftnl_rule_get_str(nlr, NFTNL_RULE_TABLE);
	const char *name = nftnl_rule_get_str(nlr, NFTNL_RULE_CHAIN);
	struct foreign_chain *chain;
	struct foreign_rule *rule;

	if (!table || !name || is_ours(family, table))
		return 0;
	chain = chain_of(r, family, table, name);
	if (!chain)
		return 0;
	if (r->f->summary.rules == RULES_MAX) {
		r->f->summary.complete = false;
		return ENOUGH;
	}
	rule = grow((void **)&chain->rules, &chain->n, &chain->cap, sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	r->f->summary.rules++;
	return foreign_parse_rule(nlr, rule);
}

static int
on_rule(void *arg, const struct nlmsghdr *nlh)
{
	struct nftnl_rule *nlr = nftnl_rule_alloc();
	int rc = 0;

	if (!nlr)
		return -ENOMEM;
	if (nftnl_rule_nlmsg_parse(nlh, nlr) == 0)
		rc = add_rule(arg, nlr);
	nftnl_rule_free(nlr);
	return rc;
}

/* ---- sets ---- */

static struct foreign_elem *
add_elem(struct reader *r, const void *from, const void *to)
{
	struct foreign_set *set = r->set;
	struct foreign_elem *elem;

	elem = grow((void **)&set->elems, &set->n, &set->cap, sizeof(*elem));
	if (!elem)
		return NULL;
	memcpy(elem->from, from, set->key_len);
	memcpy(elem->to, to, set->key_len);
	elem->verdict = NFT_CONTINUE;
	r->n_elems++;
	return elem;
}

/* One element as the kernel tells it; of an interval, one of its ends, which has @is_end. */
static int
take_elem(struct nftnl_set_elem *nle, void *arg)
{
	struct reader *r = arg;
	struct foreign_set *set = r->set;
	struct foreign_elem *elem;
	const void *key;
	uint32_t len;

	if (set->n >= ELEMS_MAX || r->n_elems >= TOTAL_ELEMS_MAX ||
	    nftnl_set_elem_is_set(nle, NFTNL_SET_ELEM_KEY_END) ||
	    !nftnl_set_elem_is_set(nle, NFTNL_SET_ELEM_KEY)) {
		set->complete = false;
		return 0;
	}
	key = nftnl_set_elem_get(nle, NFTNL_SET_ELEM_KEY, &len);
	if (!key || len != set->key_len) {
		set->complete = false;
		return 0;
	}
	elem = add_elem(r, key, key);
	if (!elem)
		return -ENOMEM;
	if (nftnl_set_elem_is_set(nle, NFTNL_SET_ELEM_FLAGS) &&
	    nftnl_set_elem_get_u32(nle, NFTNL_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END)
		elem->verdict = NFT_BREAK; /* marks an end until join_intervals() */
	else if (nftnl_set_elem_is_set(nle, NFTNL_SET_ELEM_VERDICT))
		elem->verdict = (int32_t)nftnl_set_elem_get_u32(nle, NFTNL_SET_ELEM_VERDICT);
	if (nftnl_set_elem_is_set(nle, NFTNL_SET_ELEM_CHAIN)) {
		elem->chain = strdup(nftnl_set_elem_get_str(nle, NFTNL_SET_ELEM_CHAIN));
		if (!elem->chain)
			return -ENOMEM;
	}
	return 0;
}

static int
on_elems(void *arg, const struct nlmsghdr *nlh)
{
	struct nftnl_set *nls = nftnl_set_alloc();
	struct reader *r = arg;
	int rc = 0;

	if (!nls)
		return -ENOMEM;
	if (nftnl_set_elems_nlmsg_parse(nlh, nls) == 0)
		rc = nftnl_set_elem_foreach(nls, take_elem, r);
	nftnl_set_free(nls);
	if (rc < 0)
		return -ENOMEM;
	return r->set->n >= ELEMS_MAX || r->n_elems >= TOTAL_ELEMS_MAX ? ENOUGH : 0;
}

/* By key; an interval ends before another begins at the same key. */
static int
compare_ends(const void *a, const void *b)
{
	const struct foreign_elem *x = a, *y = b;
	int order = memcmp(x->from, y->from, sizeof(x->from));

	return order ? order : (x->verdict != NFT_BREAK) - (y->verdict != NFT_BREAK);
}

static void
decrement(uint8_t *key, size_t len)
{
	while (len-- > 0 && key[len]-- == 0)
		;
}

/* Beginnings and ends, as the kernel has them, into pairs. */
static void
join_intervals(struct foreign_set *set)
{
	size_t i, n = 0;

	if (set->n)
		qsort(set->elems, set->n, sizeof(*set->elems), compare_ends);
	for (i = 0; i < set->n; i++) {
		struct foreign_elem *e = &set->elems[i];

		if (e->verdict == NFT_BREAK) {
			free(e->chain);
			continue;
		}
		memset(e->to, 0xff, set->key_len);
		if (i + 1 < set->n) {
			memcpy(e->to, set->elems[i + 1].from, set->key_len);
			decrement(e->to, set->key_len);
		}
		set->elems[n++] = *e;
	}
	set->n = n;
}

static void
elems_free(struct foreign_set *set)
{
	while (set->n)
		free(set->elems[--set->n].chain);
	free(set->elems);
	set->elems = NULL;
	set->cap = 0;
}

static int
add_set(struct reader *r, const struct nftnl_set *nls)
{
	struct foreign *f = r->f;
	struct foreign_set *set;
	uint32_t len = 0;

	set = grow((void **)&f->sets, &f->n_sets, &f->sets_cap, sizeof(*set));
	if (!set)
		return -ENOMEM;
	set->family = (uint8_t)nftnl_set_get_u32(nls, NFTNL_SET_FAMILY);
	set->table = strdup(nftnl_set_get_str(nls, NFTNL_SET_TABLE));
	set->name = strdup(nftnl_set_get_str(nls, NFTNL_SET_NAME));
	set->key_len = nftnl_set_get_u32(nls, NFTNL_SET_KEY_LEN);
	set->interval = nftnl_set_get_u32(nls, NFTNL_SET_FLAGS) & NFT_SET_INTERVAL;
	if (nftnl_set_is_set(nls, NFTNL_SET_DESC_CONCAT))
		nftnl_set_get_data(nls, NFTNL_SET_DESC_CONCAT, &len);
	set->boxes = set->interval && len > 1; /* octets: one field has one */
	return set->table && set->name ? 0 : -ENOMEM;
}

static int
on_set(void *arg, const struct nlmsghdr *nlh)
{
	struct nftnl_set *nls = nftnl_set_alloc();
	int rc = 0;

	if (!nls)
		return -ENOMEM;
	if (nftnl_set_nlmsg_parse(nlh, nls) == 0 && nftnl_set_is_set(nls, NFTNL_SET_TABLE) &&
	    nftnl_set_is_set(nls, NFTNL_SET_NAME))
		rc = add_set(arg, nls);
	nftnl_set_free(nls);
	return rc;
}

static int
read_elems(struct reader *r, struct foreign_set *set)
{
	char buf[NFNL_ASK_SIZE];
	struct nlmsghdr *req = nfnl_ask_begin(
	    buf, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, NLM_F_DUMP, set->family);
	int rc;

	if (set->boxes || set->key_len > FOREIGN_KEY_MAX || r->n_elems >= TOTAL_ELEMS_MAX)
		return 0;
	mnl_attr_put_strz(req, NFTA_SET_ELEM_LIST_TABLE, set->table);
	mnl_attr_put_strz(req, NFTA_SET_ELEM_LIST_SET, set->name);
	r->set = set;
	set->complete = true;
	rc = ask(r, req, on_elems);
	if (set->n >= ELEMS_MAX || r->n_elems >= TOTAL_ELEMS_MAX || now_us() > r->deadline_us)
		set->complete = false;
	if (set->interval && set->complete)
		join_intervals(set);
	else if (set->interval)
		elems_free(set); /* beginnings without their ends */
	return rc;
}

/* The set that a step looks into, once. One that is not read counts as one that may hold anything.
 */
static int
need_set(struct reader *r, const struct foreign_chain *chain, const char *name)
{
	char buf[NFNL_ASK_SIZE];
	size_t before = r->f->n_sets;
	struct nlmsghdr *req;
	int rc;

	if (foreign_find_set(r->f, chain, name) || r->f->n_sets == SETS_MAX ||
	    strlen(chain->table) + strlen(name) > sizeof(buf) - 64)
		return 0;
	req = nfnl_ask_begin(buf, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSET, 0, chain->family);
	mnl_attr_put_strz(req, NFTA_SET_TABLE, chain->table);
	mnl_attr_put_strz(req, NFTA_SET_NAME, name);
	rc = ask(r, req, on_set);
	if (rc < 0 || r->f->n_sets == before)
		return rc == -ENOENT ? 0 : rc;
	return read_elems(r, &r->f->sets[before]);
}

static int
read_sets(struct reader *r)
{
	size_t c, i, s;
	int rc = 0;

	for (c = 0; c < r->f->n_chains; c++) {
		const struct foreign_chain *chain = &r->f->chains[c];

		for (i = 0; i < chain->n; i++)
			for (s = 0; s < chain->rules[i].n && rc == 0; s++)
				if (chain->rules[i].steps[s].kind == STEP_LOOKUP)
					rc = need_set(r, chain, chain->rules[i].steps[s].set);
	}
	return rc;
}

/* ---- all of it ---- */

static int
look_once(struct reader *r)
{
	uint32_t before;
	int rc;

	r->deadline_us = now_us() + BUDGET_US;
	r->f->summary.complete = true;
	rc = look_at(r, NFT_MSG_GETGEN, 0, on_generation);
	before = r->generation;
	if (rc == 0)
		rc = look_at(r, NFT_MSG_GETTABLE, NLM_F_DUMP, on_table);
	if (rc == 0)
		rc = look_at(r, NFT_MSG_GETCHAIN, NLM_F_DUMP, on_chain);
	if (rc == 0)
		rc = look_at(r, NFT_MSG_GETRULE, NLM_F_DUMP, on_rule);
	if (rc == 0)
		rc = read_sets(r);
	if (rc == 0)
		rc = look_at(r, NFT_MSG_GETGEN, 0, on_generation);
	return rc == 0 && before != r->generation ? -EINTR : rc;
}

static void
reader_exit(struct reader *r)
{
	while (r->n_dormant)
		free(r->dormant[--r->n_dormant]);
	if (r->open)
		nfnl_close(&r->nl);
}

/* One look, as consistent as the generation tells. */
int
foreign_read(struct foreign **out)
{
	int rc = -EINTR, i;

	*out = NULL;
	for (i = 0; i < TRIES && rc == -EINTR; i++) {
		struct reader r = { .f = calloc(1, sizeof(*r.f)) };

		if (!r.f)
			return -ENOMEM;
		rc = look_once(&r);
		reader_exit(&r);
		if (rc == 0)
			*out = r.f;
		else
			foreign_free(r.f);
	}
	return rc;
}

static void
chain_free(struct foreign_chain *chain)
{
	size_t i, s;

	for (i = 0; i < chain->n; i++) {
		for (s = 0; s < chain->rules[i].n; s++) {
			free(chain->rules[i].steps[s].chain);
			free(chain->rules[i].steps[s].set);
		}
		free(chain->rules[i].steps);
	}
	free(chain->rules);
	free(chain->table);
	free(chain->name);
}

void
foreign_free(struct foreign *f)
{
	size_t i;

	if (!f)
		return;
	for (i = 0; i < f->n_chains; i++)
		chain_free(&f->chains[i]);
	for (i = 0; i < f->n_sets; i++) {
		elems_free(&f->sets[i]);
		free(f->sets[i].table);
		free(f->sets[i].name);
	}
	free(f->chains);
	free(f->sets);
	free(f);
#ifdef __GLIBC__
	malloc_trim(0); /* some thousand rules are a MiB that nobody needs until the next look */
#endif
}
