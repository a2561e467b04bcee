/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel has of our table, read and compared with what should be there. Changes nothing.
 */
#ifndef PORTREEVE_KERNEL_NFT_PRESENT_H
#define PORTREEVE_KERNEL_NFT_PRESENT_H

#include "kernel/nfnl.h"
#include "kernel/nft_elems.h"

/* The rules that are wanted, and the number that each is known by: nft_rule_hash(). */
struct nft_rules {
	struct nft_rule rule[NFT_RULES];
	uint64_t hash[NFT_RULES];
	size_t n;
};

struct nft_present {
	/* From the caller, and kept. */
	const struct nft_rules *rules;
	bool counters; /* elements are to have them, where their set says so */

	bool table;
	uint32_t flags;                  /* of the table: NFT_F_TABLE_* */
	uint32_t owner;                  /* port id */
	unsigned chains, foreign_chains; /* as they should be; others, or wrong ones */
	bool set[NFT_SETS];              /* is there, and as it should be */
	unsigned foreign_sets;
	unsigned rules_seen[NFT_CHAINS];
	bool rules_differ;
	struct nft_elems elems[NFT_SETS]; /* sorted; none of a set that packets add to */
};

/* Looks anew, and says at which generation of all tables. 0 or -errno. */
int nft_present_look(struct nfnl *nl, struct nft_present *have, uint32_t *generation);

int nft_present_generation(struct nfnl *nl, uint32_t *generation);

/* All rules that are wanted are there, in their order, and no others. */
bool nft_present_has_rules(const struct nft_present *have);

/* Frees what was seen. */
void nft_present_forget(struct nft_present *have);

/* Looks the key of @elem up, which becomes what the kernel has. 0 or -errno (-ENOENT: absent). */
int nft_present_ask(struct nfnl *nl, enum nft_set_id set, struct nft_elem *elem);

#endif
