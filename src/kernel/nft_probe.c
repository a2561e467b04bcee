/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_probe.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/nft_batch.h"
#include "kernel/nft_elem.h"
#include "kernel/nft_set.h"
#include "kernel/nft_table.h"
#include "lib/compiler.h"

#define FIRST_TIMEOUT_MS 3600000
#define SECOND_TIMEOUT_MS (2 * FIRST_TIMEOUT_MS)

static const struct nft_mapping sample = {
	.internal_client = 0xc0a80001,
	.external_port = 1024,
	.internal_port = 1024,
	.protocol = 6,
	.timeout_ms = FIRST_TIMEOUT_MS,
};

static void
add_table(struct nft_batch *b, const char *table, uint32_t flags)
{
	struct nlmsghdr *nlh = nft_batch_msg(b, NFT_MSG_NEWTABLE, NLM_F_CREATE, NFT_ROOM);

	if (nlh)
		nft_table_put(nlh, table, flags);
}

static void
add_map(struct nft_batch *b, const char *table, enum nft_set_id set, bool counter)
{
	struct nlmsghdr *nlh = nft_batch_msg(b, NFT_MSG_NEWSET, NLM_F_CREATE, NFT_ROOM);

	if (nlh && nft_set_put(nlh, table, set, set + 1, counter) < 0)
		b->error = -ENOMEM;
}

static void
add_elem(struct nft_batch *b, const char *table, uint16_t type, int64_t timeout_ms)
{
	struct nlmsghdr *nlh = nft_batch_msg(b, type, NLM_F_CREATE, NFT_ROOM_ELEM);
	struct nft_elem elem;
	struct nlattr *list;
	enum nft_set_id set;

	if (!nlh)
		return;
	nft_elem_map(&sample, &set, &elem);
	elem.timeout_ms = timeout_ms;
	list = nft_elem_list_begin(nlh, table, set);
	nft_elem_put(nlh, set, &elem);
	nft_elem_list_end(nlh, list);
}

/* One transaction asks everything; each message belongs to a question and may fail alone. */
enum question { MUST_HAVE, OWNER, OWNER_PERSIST, COUNTERS, DESTROY, QUESTIONS };

struct questions {
	enum question of[16]; /* each message */
	bool failed[QUESTIONS];
};

static void
on_refusal(void *arg, unsigned message, int err UNUSED)
{
	struct questions *q = arg;

	q->failed[q->of[message]] = true;
}

/* Tags the message added last. */
static void
ask(struct nft_batch *b, struct questions *q, enum question question)
{
	if (b->count)
		q->of[b->count - 1] = question;
}

/* -EPERM and the like concern the whole transaction and no question. */
static int
ask_all(struct nft_batch *b, const char *table, struct questions *q)
{
	char other[40];
	int rc;

	nft_batch_begin(b);
	add_table(b, table, 0);
	ask(b, q, MUST_HAVE);
	add_map(b, table, SET_PM4, false);
	ask(b, q, MUST_HAVE);
	add_elem(b, table, NFT_MSG_NEWSETELEM, FIRST_TIMEOUT_MS);
	ask(b, q, MUST_HAVE);
	add_elem(b, table, NFT_MSG_DELSETELEM, 0);
	ask(b, q, MUST_HAVE);
	add_elem(b, table, NFT_M_DESTROYSETELEM, 0);
	ask(b, q, DESTROY);
	add_map(b, table, SET_PM4R, true);
	ask(b, q, COUNTERS);
	snprintf(other, sizeof(other), "%s_o", table);
	add_table(b, other, NFT_F_TABLE_OWNER);
	ask(b, q, OWNER);
	snprintf(other, sizeof(other), "%s_p", table);
	add_table(b, other, NFT_F_TABLE_OWNER | NFT_F_TABLE_PERSIST);
	ask(b, q, OWNER_PERSIST);
	rc = nft_batch_check(b, on_refusal, q);
	if (rc < 0 && (q->failed[MUST_HAVE] || !memchr(q->failed, true, sizeof(q->failed))))
		return rc;
	return 0;
}

static int
on_elem(void *arg, const struct nlmsghdr *nlh)
{
	int64_t *timeout_ms = arg;
	const struct nlattr *attr, *child;
	struct nft_elem elem;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested(child, attr)
		{
			if (nft_elem_parse(child, SET_PM4, &elem))
				*timeout_ms = elem.timeout_ms;
		}
	}
	return 0;
}

static int
read_timeout(struct nfnl *nl, const char *table, int64_t *timeout_ms)
{
	char buf[NFNL_ASK_SIZE];
	struct nlmsghdr *req = nfnl_ask_begin(
	    buf, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, NLM_F_DUMP, NFPROTO_INET);

	nft_elem_list_end(req, nft_elem_list_begin(req, table, SET_PM4));
	return nfnl_ask(nl, req, on_elem, timeout_ms);
}

/* A repeated add may be accepted and yet change nothing, so the value is read back. */
static bool
try_renewal(struct nft_batch *b, const char *table, uint32_t flags)
{
	struct nlmsghdr *nlh;
	int64_t timeout_ms = 0;
	bool works = false;

	nft_batch_begin(b);
	add_table(b, table, flags);
	add_map(b, table, SET_PM4, false);
	add_elem(b, table, NFT_MSG_NEWSETELEM, FIRST_TIMEOUT_MS);
	if (nft_batch_send(b, NULL, NULL) < 0)
		return false;
	nft_batch_begin(b);
	add_elem(b, table, NFT_MSG_NEWSETELEM, SECOND_TIMEOUT_MS);
	if (nft_batch_send(b, NULL, NULL) == 0 && read_timeout(b->nl, table, &timeout_ms) == 0)
		works = timeout_ms > FIRST_TIMEOUT_MS;

	nft_batch_begin(b);
	nlh = nft_batch_msg(b, NFT_MSG_DELTABLE, 0, NFT_ROOM);
	if (nlh)
		nft_table_put(nlh, table, 0);
	nft_batch_send(b, NULL, NULL);
	return works;
}

int
nft_probe(struct nfnl *nl, struct nft_caps *caps)
{
	struct questions q = { 0 };
	struct nft_batch b;
	char table[32];
	int rc;

	*caps = (struct nft_caps){ 0 };
	snprintf(table, sizeof(table), NFT_TABLE "_probe_%ld", (long)getpid());
	nft_batch_init(&b, nl);
	rc = ask_all(&b, table, &q);
	if (rc == 0) {
		caps->owner_persist = !q.failed[OWNER_PERSIST];
		caps->counters = !q.failed[COUNTERS];
		caps->destroy = !q.failed[DESTROY];
		/* An owned table goes with our socket, should we die in between. */
		caps->renew_in_place =
		    try_renewal(&b, table, q.failed[OWNER] ? 0 : NFT_F_TABLE_OWNER);
	}
	nft_batch_exit(&b);
	return rc;
}

static bool
has_helper(struct nft_batch *b, const char *table, enum nft_helper_id id)
{
	struct nlmsghdr *nlh;

	nft_batch_begin(b);
	add_table(b, table, 0);
	nlh = nft_batch_msg(b, NFT_MSG_NEWOBJ, NLM_F_CREATE, NFT_ROOM);
	if (!nlh || nft_table_put_helper(nlh, table, id) < 0)
		return false;
	return nft_batch_check(b, NULL, NULL) == 0;
}

uint32_t
nft_probe_helpers(struct nfnl *nl, uint32_t helpers)
{
	struct nft_batch b;
	char table[32];
	int i;

	snprintf(table, sizeof(table), NFT_TABLE "_probe_%ld", (long)getpid());
	nft_batch_init(&b, nl);
	for (i = 0; i < NFT_HELPERS; i++)
		if (helpers & nft_helpers[i].of && !has_helper(&b, table, (enum nft_helper_id)i))
			helpers &= ~(uint32_t)nft_helpers[i].of;
	nft_batch_exit(&b);
	return helpers;
}
