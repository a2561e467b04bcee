/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wanted against present: makes the table what it should be with as little change as can be.
 *
 * What is missing, foreign or different is put right; what is right is not touched, so that flows,
 * counters and timeouts go on. Nothing that was in force and is wanted is ever absent in between.
 */
#ifndef PORTREEVE_KERNEL_NFT_SYNC_H
#define PORTREEVE_KERNEL_NFT_SYNC_H

#include "kernel/nfnl.h"
#include "kernel/nft_elems.h"
#include "kernel/nft_probe.h"
#include "kernel/nft_watch.h"

struct nft_sync {
	struct nfnl *nl;
	struct nft_watch *watch;
	const struct nft_caps *caps;
	const struct nft_config *config;
	struct nft_elems wanted[NFT_SETS]; /* in any order; sorted and thinned by nft_sync_run() */
	bool keep_net; /* in: the interfaces and addresses are whatever is there; out: wanted holds
			  them */

	/* The outcome. */
	unsigned changed; /* elements, and 1 for the table or its rules */
	bool owned;
};

/* 0 or -errno; -EBUSY: another process owns the table, which was logged. */
int nft_sync_run(struct nft_sync *sync);

void nft_sync_exit(struct nft_sync *sync);

#endif
