/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each kind of term of our rules is in expressions of nf_tables. */
#ifndef PORTREEVE_KERNEL_NFT_TERM_H
#define PORTREEVE_KERNEL_NFT_TERM_H

#include "kernel/nft_expr.h"
#include "kernel/nft_ruleset.h"

/* Adds the expressions of @term. @l4_set_id: the set that TERM_TCP_OR_UDP looks at. */
void nft_term_add(struct nft_exprs *x, const struct nft_term *term, uint32_t l4_set_id);

#endif
