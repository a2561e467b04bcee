/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expressions of nf_tables, one function for each that our rules use: they load fields of a packet
 * or its flow into registers, compare them, look them up, and act.
 */
#ifndef PORTREEVE_KERNEL_NFT_EXPR_H
#define PORTREEVE_KERNEL_NFT_EXPR_H

#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Registers of 4 octets each follow one another from NFT_REG_1 on, but as numbers they are 1 and
 * then 9, 10, ...: a key of several fields is loaded into nft_reg(0), nft_reg(1), nft_reg(2).
 */
static inline uint32_t
nft_reg(int i)
{
	return i == 0 ? NFT_REG_1 : NFT_REG32_00 + (uint32_t)i;
}

/* Expressions are added to @rule until one cannot be had; then it @failed and is not used. */
struct nft_exprs {
	struct nftnl_rule *rule;
	bool failed;
};

/* Load a field into @dreg. */
void nft_expr_meta(struct nft_exprs *x, uint32_t key, uint32_t dreg);
void nft_expr_payload(
    struct nft_exprs *x, uint32_t base, uint32_t offset, uint32_t len, uint32_t dreg);
void nft_expr_ct(struct nft_exprs *x, uint32_t key, uint32_t dreg);
void nft_expr_ct_original(
    struct nft_exprs *x, uint32_t key, uint32_t dreg); /* of the flow's first packet */
void nft_expr_fib_type(struct nft_exprs *x); /* RTN_* of the destination, into nft_reg(0) */

/* Work on nft_reg(0), to which nft_expr_mask() leaves the bits of @mask and turns those of @flip
 * around; both are @len long. */
void nft_expr_cmp(struct nft_exprs *x, uint32_t op, const void *data, uint32_t len);
void nft_expr_mask(struct nft_exprs *x, const void *mask, const void *flip, uint32_t len);

/* Key in nft_reg(0).., data (if @dreg) into nft_reg(0).. */
void nft_expr_lookup(struct nft_exprs *x, const char *set, uint32_t set_id, bool dreg, bool invert);

/* Act. */
void nft_expr_verdict(struct nft_exprs *x, uint32_t verdict, const char *chain); /* NULL: none */
void nft_expr_counter(struct nft_exprs *x);
void nft_expr_set_mark(struct nft_exprs *x);             /* from nft_reg(0) */
void nft_expr_limit(struct nft_exprs *x, uint32_t rate); /* a second; bursts of twice that */
void nft_expr_log(struct nft_exprs *x, const char *prefix);
void nft_expr_helper(struct nft_exprs *x, const char *object);
void nft_expr_clamp_mss(struct nft_exprs *x);

/* The key in nft_reg(0).. is entered into @set, or its timeout begins anew. */
void nft_expr_update(struct nft_exprs *x, const char *set, uint32_t set_id, uint64_t timeout_ms);

/*
 * Translate addresses. dnat: to address and port in nft_reg(0), nft_reg(1). masq and snat: @flags
 * are NF_NAT_RANGE_*, with the port in nft_reg(0) for NF_NAT_RANGE_PROTO_SPECIFIED; snat takes the
 * address from nft_reg(1).
 */
void nft_expr_dnat(struct nft_exprs *x);
void nft_expr_masq(struct nft_exprs *x, uint32_t flags);
void nft_expr_snat(struct nft_exprs *x, uint32_t flags);

#endif
