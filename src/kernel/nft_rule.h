/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of rules, and how one of ours is known again. Pure: writes attributes behind a message
 * header and reads userdata. What the terms of a rule are in the kernel's terms: nft_term.h.
 */
#ifndef PORTREEVE_KERNEL_NFT_RULE_H
#define PORTREEVE_KERNEL_NFT_RULE_H

#include <libmnl/libmnl.h>

#include "kernel/nft_ruleset.h"

/*
 * NEWRULE. @l4_set_id: the anonymous set of nft_set_put_l4() for a rule that needs one. The
 * userdata holds the comment and the rule's hash. -ENOMEM.
 */
int nft_rule_put(
    struct nlmsghdr *nlh, const char *table, const struct nft_rule *rule, uint32_t l4_set_id);
bool nft_rule_has_l4_set(const struct nft_rule *rule);

/*
 * What a rule does, as a number: over its chain, comment and encoded expressions. The kernel keeps
 * it for us, and since a rule is never changed in place, an equal hash is an equal rule. 0: no
 * memory.
 */
uint64_t nft_rule_hash(const struct nft_rule *rule);
uint64_t nft_rule_parse_hash(const struct nlattr *userdata); /* 0: not one of our rules */

#endif
