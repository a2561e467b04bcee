/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who else changes our table: nf_tables' events (nfnetlink group 7). Our own changes are sorted out
 * in the kernel, so that they cost no wake-up.
 */
#ifndef PORTREEVE_KERNEL_NFT_WATCH_H
#define PORTREEVE_KERNEL_NFT_WATCH_H

#include "kernel/nfnl.h"
#include "kernel/nft_ruleset.h"

enum nft_watch_object {
	WATCH_TABLE,
	WATCH_CHAIN,
	WATCH_RULE,
	WATCH_SET,
	WATCH_ELEMENT,
	WATCH_OBJECTS
};

/* What the transaction whose events are being read did to our table. */
struct nft_watch_tally {
	unsigned added[WATCH_OBJECTS];
	unsigned removed[WATCH_OBJECTS];
	bool joined;  /* something of a chain that we join */
	char set[24]; /* of the last elements */
};

struct nft_watch {
	struct nfnl nl;
	uint32_t own_portid;
	const struct nft_config *config; /* whose joins are watched, too */
	struct nft_watch_tally tally;
};

/* @own_portid: the socket whose changes are ours. Keeps @config. 0 or -errno. */
int nft_watch_open(struct nft_watch *w, uint32_t own_portid, const struct nft_config *config);
void nft_watch_close(struct nft_watch *w);

/*
 * Stops and goes on listening. While anybody listens the kernel makes an event of 4 KiB for each
 * element of a transaction before it sends the first, so large ones are done unheard.
 */
void nft_watch_pause(struct nft_watch *w);
int nft_watch_resume(struct nft_watch *w); /* 0 or -errno */

/* As nft.h says of watch_read. */
int nft_watch_read(struct nft_watch *w, struct nft_culprit *culprit);

/* One event; 1 when it ends a foreign transaction that touched our table or a chain that we join.
 * Pure but for @w. */
int nft_watch_event(struct nft_watch *w, const struct nlmsghdr *nlh, struct nft_culprit *culprit);

#endif
