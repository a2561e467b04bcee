/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_expr.h"

#include <netinet/in.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <netinet/tcp.h>

#include "kernel/nft_log.h"

static struct nftnl_expr *
add(struct nft_exprs *x, const char *name)
{
	struct nftnl_expr *e = x->failed ? NULL : nftnl_expr_alloc(name);

	if (!e) {
		x->failed = true;
		return NULL;
	}
	nftnl_rule_add_expr(x->rule, e);
	return e;
}

/* ---- loading ---- */

void
nft_expr_meta(struct nft_exprs *x, uint32_t key, uint32_t dreg)
{
	struct nftnl_expr *e = add(x, "meta");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, dreg);
}

void
nft_expr_payload(struct nft_exprs *x, uint32_t base, uint32_t offset, uint32_t len, uint32_t dreg)
{
	struct nftnl_expr *e = add(x, "payload");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, dreg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
}

void
nft_expr_ct(struct nft_exprs *x, uint32_t key, uint32_t dreg)
{
	struct nftnl_expr *e = add(x, "ct");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, dreg);
}

void
nft_expr_ct_original(struct nft_exprs *x, uint32_t key, uint32_t dreg)
{
	struct nftnl_expr *e = add(x, "ct");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, IP_CT_DIR_ORIGINAL);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, dreg);
}

void
nft_expr_fib_type(struct nft_exprs *x)
{
	struct nftnl_expr *e = add(x, "fib");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, nft_reg(0));
}

/* ---- comparing ---- */

void
nft_expr_cmp(struct nft_exprs *x, uint32_t op, const void *data, uint32_t len)
{
	struct nftnl_expr *e = add(x, "cmp");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, nft_reg(0));
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
}

void
nft_expr_mask(struct nft_exprs *x, const void *mask, const void *flip, uint32_t len)
{
	struct nftnl_expr *e = add(x, "bitwise");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, nft_reg(0));
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, nft_reg(0));
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, flip, len);
}

void
nft_expr_lookup(struct nft_exprs *x, const char *set, uint32_t set_id, bool dreg, bool invert)
{
	struct nftnl_expr *e = add(x, "lookup");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, nft_reg(0));
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, set_id);
	if (dreg)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, nft_reg(0));
	if (invert)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

/* ---- acting ---- */

void
nft_expr_verdict(struct nft_exprs *x, uint32_t verdict, const char *chain)
{
	struct nftnl_expr *e = add(x, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, verdict);
	if (chain)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
}

void
nft_expr_counter(struct nft_exprs *x)
{
	add(x, "counter");
}

void
nft_expr_set_mark(struct nft_exprs *x)
{
	struct nftnl_expr *e = add(x, "meta");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, nft_reg(0));
}

void
nft_expr_limit(struct nft_exprs *x, uint32_t rate)
{
	struct nftnl_expr *e = add(x, "limit");

	if (!e)
		return;
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, rate);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, 2 * rate);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
}

void
nft_expr_log(struct nft_exprs *x, const char *prefix)
{
	struct nftnl_expr *e = add(x, "log");

	if (!e)
		return;
	nftnl_expr_set_str(e, NFTNL_EXPR_LOG_PREFIX, prefix);
	nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP, NFT_LOG_GROUP);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOG_SNAPLEN, NFT_LOG_SNAP);
}

void
nft_expr_helper(struct nft_exprs *x, const char *object)
{
	struct nftnl_expr *e = add(x, "objref");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_CT_HELPER);
	nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, object);
}

/* What fits on the routes of both directions; the kernel only ever makes an option smaller. */
void
nft_expr_clamp_mss(struct nft_exprs *x)
{
	struct nftnl_expr *e = add(x, "rt");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_RT_KEY, NFT_RT_TCPMSS);
	nftnl_expr_set_u32(e, NFTNL_EXPR_RT_DREG, nft_reg(0));
	e = add(x, "byteorder");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SREG, nft_reg(0));
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_DREG, nft_reg(0));
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_LEN, 2);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SIZE, 2);
	e = add(x, "exthdr");
	if (!e)
		return;
	nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, TCPOPT_MAXSEG);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OFFSET, 2);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_LEN, 2);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_SREG, nft_reg(0));
}

void
nft_expr_update(struct nft_exprs *x, const char *set, uint32_t set_id, uint64_t timeout_ms)
{
	struct nftnl_expr *e = add(x, "dynset");

	if (!e)
		return;
	nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SET_ID, set_id);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, nft_reg(0));
	nftnl_expr_set_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT, timeout_ms);
}

/* ---- translating ---- */

void
nft_expr_dnat(struct nft_exprs *x)
{
	struct nftnl_expr *e = add(x, "nat");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, nft_reg(0));
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, nft_reg(1));
}

void
nft_expr_masq(struct nft_exprs *x, uint32_t flags)
{
	struct nftnl_expr *e = add(x, "masq");

	if (!e)
		return;
	if (flags)
		nftnl_expr_set_u32(e, NFTNL_EXPR_MASQ_FLAGS, flags);
	if (flags & NF_NAT_RANGE_PROTO_SPECIFIED)
		nftnl_expr_set_u32(e, NFTNL_EXPR_MASQ_REG_PROTO_MIN, nft_reg(0));
}

void
nft_expr_snat(struct nft_exprs *x, uint32_t flags)
{
	struct nftnl_expr *e = add(x, "nat");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_SNAT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, nft_reg(1));
	if (flags & NF_NAT_RANGE_PROTO_SPECIFIED)
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, nft_reg(0));
	if (flags)
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FLAGS, flags);
}
