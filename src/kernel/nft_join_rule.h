/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of the one rule that we keep in chains of others (nft_join.h says when and where), and how
 * it is known again after a tool has saved and loaded it. Pure.
 */
#ifndef PORTREEVE_KERNEL_NFT_JOIN_RULE_H
#define PORTREEVE_KERNEL_NFT_JOIN_RULE_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

/* NEWRULE for a chain of another table: packets whose mark has the bit @mark are accepted. -ENOMEM.
 */
int nft_join_rule_put(struct nlmsghdr *nlh, const char *table, const char *chain, uint32_t mark);

/* Is a rule with this userdata such a one? @mark: its bit, 0 if a tool has loaded it anew, which
 * keeps nothing but the comment. */
bool nft_join_rule_is(const struct nlattr *userdata, uint32_t *mark);

/* A rule with these expressions does the same: a tool may lose even the comment. */
bool nft_join_rule_looks_like(const struct nlattr *expressions, uint32_t mark);

#endif
