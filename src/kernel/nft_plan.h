/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One transaction of elements, as a request makes it: each step says where an element shall be
 * brought to, and whatever is there already or absent makes no difference to the outcome. All of it
 * happens or nothing.
 */
#ifndef PORTREEVE_KERNEL_NFT_PLAN_H
#define PORTREEVE_KERNEL_NFT_PLAN_H

#include "kernel/nft_batch.h"
#include "kernel/nft_elem.h"
#include "kernel/nft_probe.h"

/* How an element is brought to where it shall be. */
enum nft_how {
	NFT_HOW_ADD,     /* must not be there */
	NFT_HOW_RENEW,   /* becomes one of the next two */
	NFT_HOW_UPDATE,  /* may be there, only the timeout changes */
	NFT_HOW_REPLACE, /* delete and add */
	NFT_HOW_DELETE,
	NFT_HOW_NOTHING, /* was found to be absent already */
};

#define NFT_STEPS_MAX (2 * NFT_CHANGES_MAX)

struct nft_plan {
	struct nfnl *nl;
	struct nft_batch *batch;
	const struct nft_caps *caps;
	struct nft_step {
		enum nft_set_id set;
		enum nft_how how;
		struct nft_elem elem;
	} steps[NFT_STEPS_MAX];
	size_t n;

	/* Of the present try: which step a message belongs to, and what became of it. */
	uint8_t step_of[2 * NFT_STEPS_MAX];
	bool deletes[2 * NFT_STEPS_MAX];
	unsigned messages;
	bool again; /* a step has found its answer and goes on differently */
	int fatal;
};

/* No steps yet. @batch lends its memory. */
void nft_plan_begin(
    struct nft_plan *plan, struct nfnl *nl, struct nft_batch *batch, const struct nft_caps *caps);

/* At most NFT_STEPS_MAX of them. */
void nft_plan_add(
    struct nft_plan *plan, enum nft_set_id set, enum nft_how how, const struct nft_elem *elem);

/* 0 or -errno; -ENOENT: our table is not there. */
int nft_plan_run(struct nft_plan *plan);

#endif
