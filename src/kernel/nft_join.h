/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One rule of ours in chains of others: packets that our table let in, which carry its mark, are
 * accepted there, too. An accept of ours alone does not keep another table from dropping them.
 *
 * The rule stands first in the chain and there is one of it, whatever else happens to the chain.
 * What is ours is known by the rule's userdata or, should a tool have saved and loaded it, by its
 * comment.
 */
#ifndef PORTREEVE_KERNEL_NFT_JOIN_H
#define PORTREEVE_KERNEL_NFT_JOIN_H

#include "kernel/nfnl.h"
#include "kernel/nft.h"

enum nft_join_state { JOIN_UNKNOWN, JOIN_IN_PLACE, JOIN_ABSENT, JOIN_REFUSED };

struct nft_join {
	struct nfnl *nl;
	const struct nft_config *config;
	enum nft_join_state state[NFT_JOINS_MAX]; /* as last seen, and told in the log */
};

/*
 * Puts the rule in its place in all chains of the configuration. Returns how many chains had to be
 * changed, or -errno of the first that failed. A chain that is not there is no error: it is
 * awaited.
 */
int nft_join_run(struct nft_join *join);

/*
 * Takes the rule out of all chains that @next (NULL: nothing) does not join, also those that an
 * earlier run joined: it reads all rules there are. 0 or -errno.
 */
int nft_join_leave(struct nft_join *join, const struct nft_config *next);

/* How many chains have the rule in its place. */
size_t nft_join_count(const struct nft_join *join);

#endif
