/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_plan.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "kernel/nft_present.h"

#define TRIES 4

void
nft_plan_begin(
    struct nft_plan *plan, struct nfnl *nl, struct nft_batch *batch, const struct nft_caps *caps)
{
	plan->nl = nl;
	plan->batch = batch;
	plan->caps = caps;
	plan->n = 0;
}

/* A kernel that cannot do it in place makes a new element, which goes on counting where the old one
 * ends: but for packets of the few microseconds between. */
static void
plan_renewal(const struct nft_plan *plan, struct nft_step *step)
{
	struct nft_elem present = step->elem;

	step->how = plan->caps->renew_in_place ? NFT_HOW_UPDATE : NFT_HOW_REPLACE;
	if (plan->caps->renew_in_place || !nft_sets[step->set].counter ||
	    nft_present_ask(plan->nl, step->set, &present) < 0)
		return;
	step->elem.packets = present.packets;
	step->elem.octets = present.octets;
}

void
nft_plan_add(
    struct nft_plan *plan, enum nft_set_id set, enum nft_how how, const struct nft_elem *elem)
{
	struct nft_step *step = &plan->steps[plan->n++];

	step->set = set;
	step->how = how;
	step->elem = *elem;
	if (how == NFT_HOW_RENEW)
		plan_renewal(plan, step);
	if (!plan->caps->counters)
		step->elem.packets = step->elem.octets = 0;
}

static void
put_message(struct nft_plan *plan, struct nft_batch *b, size_t i, bool deletes)
{
	const struct nft_step *step = &plan->steps[i];
	uint16_t del = plan->caps->destroy ? NFT_M_DESTROYSETELEM : NFT_MSG_DELSETELEM;
	uint16_t flags = step->how == NFT_HOW_UPDATE ? NLM_F_CREATE : NLM_F_CREATE | NLM_F_EXCL;
	struct nlmsghdr *nlh = nft_batch_msg(
	    b, deletes ? del : NFT_MSG_NEWSETELEM, deletes ? 0 : flags, NFT_ROOM_ELEM);
	struct nlattr *list;

	if (!nlh)
		return;
	list = nft_elem_list_begin(nlh, NFT_TABLE, step->set);
	if (deletes)
		nft_elem_put_key(nlh, step->set, &step->elem);
	else
		nft_elem_put(nlh, step->set, &step->elem);
	nft_elem_list_end(nlh, list);
	plan->step_of[plan->messages] = (uint8_t)i;
	plan->deletes[plan->messages++] = deletes;
}

/*
 * A message failed, and with it the whole transaction. Absent where we delete is what we wanted (a
 * kernel before 6.3 tells it as an error); present where we add is a leftover to be replaced.
 */
static void
on_error(void *arg, unsigned message, int err)
{
	struct nft_plan *plan = arg;
	struct nft_step *step;

	if (message >= plan->messages)
		return;
	step = &plan->steps[plan->step_of[message]];
	if (plan->deletes[message] && err == -ENOENT && !plan->caps->destroy)
		step->how = step->how == NFT_HOW_REPLACE ? NFT_HOW_ADD : NFT_HOW_NOTHING;
	else if (!plan->deletes[message] && (err == -EEXIST || err == -EBUSY) &&
		 step->how != NFT_HOW_REPLACE)
		step->how = NFT_HOW_REPLACE;
	else
		plan->fatal = plan->fatal ? plan->fatal : err;
	plan->again = true;
}

/* -ENOENT: our table is not there. */
static int
look_for_table(struct nfnl *nl)
{
	char buf[NFNL_ASK_SIZE];
	struct nlmsghdr *req =
	    nfnl_ask_begin(buf, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0, NFPROTO_INET);

	mnl_attr_put_strz(req, NFTA_TABLE_NAME, NFT_TABLE);
	return nfnl_ask(nl, req, NULL, NULL);
}

static int
try_once(struct nft_plan *plan)
{
	size_t i;
	int rc;

	plan->messages = 0;
	plan->again = false;
	plan->fatal = 0;
	nft_batch_begin(plan->batch);
	for (i = 0; i < plan->n; i++) {
		if (plan->steps[i].how == NFT_HOW_DELETE || plan->steps[i].how == NFT_HOW_REPLACE)
			put_message(plan, plan->batch, i, true);
		if (plan->steps[i].how != NFT_HOW_DELETE && plan->steps[i].how != NFT_HOW_NOTHING)
			put_message(plan, plan->batch, i, false);
	}
	if (plan->messages == 0) /* all were absent: the table, too? */
		return look_for_table(plan->nl);
	rc = nft_batch_send(plan->batch, on_error, plan);
	return plan->fatal ? plan->fatal : rc;
}

int
nft_plan_run(struct nft_plan *plan)
{
	int rc, i = 0;

	if (plan->n == 0)
		return 0;
	do
		rc = try_once(plan);
	while (rc < 0 && plan->again && !plan->fatal && ++i < TRIES);
	return rc;
}
