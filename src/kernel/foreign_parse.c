/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One rule of the kernel's as steps. */
#include "kernel/foreign_model.h"

#include <errno.h>
#include <netinet/in.h>
#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <stdlib.h>
#include <string.h>

#define UNREAD_LEN 16 /* what is loaded and not known may be as long as this */

/* The octet at which register @number begins: there are four long ones, or sixteen short ones. */
static uint8_t
reg_at(uint32_t number)
{
	if (number >= NFT_REG32_00 && number <= NFT_REG32_15)
		return (uint8_t)((number - NFT_REG32_00) * 4);
	if (number >= NFT_REG_1 && number <= NFT_REG_4)
		return (uint8_t)((number - NFT_REG_1) * 16);
	return FOREIGN_REGS; /* fits nowhere */
}

static void
steps_free(struct foreign_step *steps, size_t n)
{
	while (n--) {
		free(steps[n].chain);
		free(steps[n].set);
	}
}

static struct foreign_step *
add(struct foreign_rule *rule, enum foreign_step_kind kind)
{
	struct foreign_step *s;

	if (rule->n < FOREIGN_STEPS_MAX) {
		s = &rule->steps[rule->n++];
	} else { /* a rule of that length is not understood */
		s = &rule->steps[rule->n - 1];
		free(s->chain);
		free(s->set);
	}
	*s = (struct foreign_step){ .kind = (uint8_t)kind };
	return s;
}

/* False: longer than we keep. */
static bool
copy(uint8_t to[16], const struct nftnl_expr *e, uint16_t attr, uint32_t *len)
{
	const void *data = nftnl_expr_get(e, attr, len);

	if (!data || *len == 0 || *len > 16)
		return false;
	memcpy(to, data, *len);
	return true;
}

static int
on_opaque(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	(void)e;
	add(rule, STEP_OPAQUE);
	return 0;
}

static int
on_some(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	(void)e;
	add(rule, STEP_SOME);
	return 0;
}

static int
on_nothing(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	(void)rule;
	(void)e;
	return 0;
}

/* Whatever it loads, we do not know it. */
static int
unread(struct foreign_rule *rule, const struct nftnl_expr *e, uint16_t dreg)
{
	struct foreign_step *s = add(rule, STEP_UNREAD);

	s->reg = reg_at(nftnl_expr_get_u32(e, dreg));
	s->len = UNREAD_LEN;
	return 0;
}

static int
on_meta(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	struct foreign_step *s;

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_META_DREG))
		return 0; /* it sets a mark or a priority */
	s = add(rule, STEP_META);
	s->key = nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY);
	s->reg = reg_at(nftnl_expr_get_u32(e, NFTNL_EXPR_META_DREG));
	s->len = UNREAD_LEN;
	return 0;
}

static int
on_ct(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	struct foreign_step *s;

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_CT_DREG))
		return 0;
	s = add(rule, STEP_CT);
	s->key = nftnl_expr_get_u32(e, NFTNL_EXPR_CT_KEY);
	s->reg = reg_at(nftnl_expr_get_u32(e, NFTNL_EXPR_CT_DREG));
	s->len = UNREAD_LEN;
	return 0;
}

static int
on_fib(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	uint32_t flags = nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_FLAGS);
	uint32_t result = nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_RESULT);
	struct foreign_step *s;

	if (result == NFT_FIB_RESULT_ADDRTYPE && flags & NFTA_FIB_F_DADDR)
		s = add(rule, STEP_FIB_TYPE);
	else if (result != NFT_FIB_RESULT_ADDRTYPE && flags & NFTA_FIB_F_SADDR &&
		 flags & NFTA_FIB_F_PRESENT)
		s = add(rule, STEP_FIB_PRESENT);
	else
		return unread(rule, e, NFTNL_EXPR_FIB_DREG);
	s->reg = reg_at(nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_DREG));
	return 0;
}

static int
on_payload(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	uint32_t len = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN);
	struct foreign_step *s;

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_PAYLOAD_DREG))
		return 0; /* it writes */
	if (len > 16)
		return unread(rule, e, NFTNL_EXPR_PAYLOAD_DREG);
	s = add(rule, STEP_PAYLOAD);
	s->key = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE);
	s->offset = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET);
	s->len = (uint8_t)len;
	s->reg = reg_at(nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_DREG));
	return 0;
}

static int
put_verdict(struct foreign_rule *rule, int32_t verdict, const char *chain)
{
	struct foreign_step *s = add(rule, STEP_VERDICT);

	s->verdict = verdict;
	s->chain = chain ? strdup(chain) : NULL;
	return chain && !s->chain ? -ENOMEM : 0;
}

static int
on_immediate(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	struct foreign_step *s;
	uint8_t value[16];
	uint32_t len;

	if (nftnl_expr_is_set(e, NFTNL_EXPR_IMM_VERDICT))
		return put_verdict(rule, (int32_t)nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT),
		    nftnl_expr_is_set(e, NFTNL_EXPR_IMM_CHAIN)
			? nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN)
			: NULL);
	if (!copy(value, e, NFTNL_EXPR_IMM_DATA, &len))
		return unread(rule, e, NFTNL_EXPR_IMM_DREG);
	s = add(rule, STEP_IMMEDIATE);
	memcpy(s->a, value, len);
	s->len = (uint8_t)len;
	s->reg = reg_at(nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_DREG));
	return 0;
}

static int
on_bitwise(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	uint8_t mask[16], xor_[16];
	uint32_t len, xor_len;
	struct foreign_step *s;

	if ((nftnl_expr_is_set(e, NFTNL_EXPR_BITWISE_OP) &&
		nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_OP) != 0) || /* a shift */
	    !copy(mask, e, NFTNL_EXPR_BITWISE_MASK, &len) ||
	    !copy(xor_, e, NFTNL_EXPR_BITWISE_XOR, &xor_len) || len != xor_len)
		return unread(rule, e, NFTNL_EXPR_BITWISE_DREG);
	s = add(rule, STEP_BITWISE);
	memcpy(s->a, mask, len);
	memcpy(s->b, xor_, len);
	s->len = (uint8_t)len;
	s->from = reg_at(nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_SREG));
	s->reg = reg_at(nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_DREG));
	return 0;
}

/* To another byte order: numbers that we do not compare. */
static int
on_byteorder(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	return unread(rule, e, NFTNL_EXPR_BYTEORDER_DREG);
}

static int
on_hash(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	return unread(rule, e, NFTNL_EXPR_HASH_DREG);
}

static int
on_numgen(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	return unread(rule, e, NFTNL_EXPR_NG_DREG);
}

static int
on_socket(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	return unread(rule, e, NFTNL_EXPR_SOCKET_DREG);
}

static int
on_rt(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	return unread(rule, e, NFTNL_EXPR_RT_DREG);
}

static int
on_exthdr(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	if (!nftnl_expr_is_set(e, NFTNL_EXPR_EXTHDR_DREG))
		return 0; /* it writes, such as the segment size */
	return unread(rule, e, NFTNL_EXPR_EXTHDR_DREG);
}

static int
on_cmp(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	struct foreign_step *s;
	uint8_t value[16];
	uint32_t len;

	if (!copy(value, e, NFTNL_EXPR_CMP_DATA, &len))
		return on_opaque(rule, e);
	s = add(rule, STEP_CMP);
	memcpy(s->a, value, len);
	s->len = (uint8_t)len;
	s->key = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP);
	s->from = reg_at(nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_SREG));
	return 0;
}

static int
on_range(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	uint32_t from_len, to_len;
	struct foreign_step *s;
	uint8_t from[16], to[16];

	if (!copy(from, e, NFTNL_EXPR_RANGE_FROM_DATA, &from_len) ||
	    !copy(to, e, NFTNL_EXPR_RANGE_TO_DATA, &to_len) || from_len != to_len)
		return on_opaque(rule, e);
	s = add(rule, STEP_RANGE);
	memcpy(s->a, from, from_len);
	memcpy(s->b, to, to_len);
	s->len = (uint8_t)from_len;
	s->invert = nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_OP) == NFT_RANGE_NEQ;
	s->from = reg_at(nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_SREG));
	return 0;
}

static int
on_lookup(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	const char *set = nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET);
	uint32_t dreg = nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_DREG);
	bool maps = nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_DREG);
	struct foreign_step *s;

	if (!set)
		return on_opaque(rule, e);
	s = add(rule, STEP_LOOKUP);
	s->set = strdup(set);
	s->from = reg_at(nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_SREG));
	s->invert = nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_FLAGS) &&
		    nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV;
	s->verdict_map = maps && dreg == NFT_REG_VERDICT;
	if (!s->set)
		return -ENOMEM;
	return maps && dreg != NFT_REG_VERDICT ? unread(rule, e, NFTNL_EXPR_LOOKUP_DREG) : 0;
}

static int
on_reject(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	(void)e;
	return put_verdict(rule, NF_DROP, NULL);
}

static int
on_queue(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	(void)e;
	return put_verdict(rule, NF_QUEUE, NULL);
}

static int
put_nat(struct foreign_rule *rule, enum foreign_nat_kind kind)
{
	add(rule, STEP_NAT)->key = kind;
	return 0;
}

static int
on_nat(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	return put_nat(rule, nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_TYPE) == NFT_NAT_SNAT
				 ? FOREIGN_NAT_SOURCE
				 : FOREIGN_NAT_DESTINATION);
}

static int
on_masq(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	(void)e;
	return put_nat(rule, FOREIGN_NAT_SOURCE);
}

static int
on_redir(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	(void)e;
	return put_nat(rule, FOREIGN_NAT_DESTINATION);
}

/* ---- matches and targets of iptables ---- */

/* Goes on if one of the bits @mask of ct @key is set; @invert: if none is. */
static void
put_ct_bits(struct foreign_rule *rule, uint32_t key, uint32_t mask, bool invert)
{
	struct foreign_step *s = add(rule, STEP_CT);

	s->key = key;
	s->len = UNREAD_LEN;
	s = add(rule, STEP_BITWISE);
	s->len = sizeof(mask);
	memcpy(s->a, &mask, sizeof(mask));
	s = add(rule, STEP_CMP);
	s->len = sizeof(mask);
	s->key = invert ? NFT_CMP_EQ : NFT_CMP_NEQ;
}

/* The states DNAT and SNAT are bits of the status; a rule that asks for both kinds is opaque. */
static int
on_conntrack_match(struct foreign_rule *rule, uint32_t rev, const void *info, uint32_t len)
{
	const struct xt_conntrack_mtinfo3 *m = info;
	uint32_t known = XT_CONNTRACK_STATE | XT_CONNTRACK_STATUS | XT_CONNTRACK_STATE_ALIAS;
	uint32_t nat = XT_CONNTRACK_STATE_SNAT | XT_CONNTRACK_STATE_DNAT;
	uint32_t states, status = 0;

	if (rev != 3 || len < sizeof(*m) || m->match_flags & ~known)
		return on_opaque(rule, NULL);
	if (m->match_flags & XT_CONNTRACK_STATUS)
		put_ct_bits(
		    rule, NFT_CT_STATUS, m->status_mask, m->invert_flags & XT_CONNTRACK_STATUS);
	if (!(m->match_flags & XT_CONNTRACK_STATE))
		return 0;
	states = m->state_mask & ~nat;
	if (m->state_mask & XT_CONNTRACK_STATE_SNAT)
		status |= IPS_SRC_NAT;
	if (m->state_mask & XT_CONNTRACK_STATE_DNAT)
		status |= IPS_DST_NAT;
	if (states && status && !(m->invert_flags & XT_CONNTRACK_STATE))
		return on_opaque(rule, NULL);
	if (status)
		put_ct_bits(rule, NFT_CT_STATUS, status, m->invert_flags & XT_CONNTRACK_STATE);
	if (states)
		put_ct_bits(rule, NFT_CT_STATE, states, m->invert_flags & XT_CONNTRACK_STATE);
	return 0;
}

static void
put_ports(struct foreign_rule *rule, unsigned offset, const uint16_t range[2], bool invert)
{
	uint16_t from = htons(range[0]), to = htons(range[1]);
	struct foreign_step *s;

	if (range[0] == 0 && range[1] == UINT16_MAX && !invert)
		return;
	s = add(rule, STEP_PAYLOAD);
	s->key = NFT_PAYLOAD_TRANSPORT_HEADER;
	s->offset = offset;
	s->len = sizeof(from);
	s = add(rule, STEP_RANGE);
	memcpy(s->a, &from, sizeof(from));
	memcpy(s->b, &to, sizeof(to));
	s->len = sizeof(from);
	s->invert = invert;
}

static int
on_tcp_match(struct foreign_rule *rule, uint32_t rev, const void *info, uint32_t len)
{
	const struct xt_tcp *m = info;

	if (rev != 0 || len < sizeof(*m))
		return on_opaque(rule, NULL);
	put_ports(rule, 0, m->spts, m->invflags & XT_TCP_INV_SRCPT);
	put_ports(rule, 2, m->dpts, m->invflags & XT_TCP_INV_DSTPT);
	if (m->option || m->flg_mask)
		on_opaque(rule, NULL);
	return 0;
}

static int
on_udp_match(struct foreign_rule *rule, uint32_t rev, const void *info, uint32_t len)
{
	const struct xt_udp *m = info;

	if (rev != 0 || len < sizeof(*m))
		return on_opaque(rule, NULL);
	put_ports(rule, 0, m->spts, m->invflags & XT_UDP_INV_SRCPT);
	put_ports(rule, 2, m->dpts, m->invflags & XT_UDP_INV_DSTPT);
	return 0;
}

/* Of the destination, one type only: the usual "--dst-type LOCAL". */
static int
on_addrtype_match(struct foreign_rule *rule, uint32_t rev, const void *info, uint32_t len)
{
	const struct xt_addrtype_info_v1 *m = info;
	struct foreign_step *s;
	uint32_t type = 0;

	if (rev != 1 || len < sizeof(*m) || m->source || m->flags & ~XT_ADDRTYPE_INVERT_DEST ||
	    !m->dest || m->dest & (m->dest - 1))
		return on_opaque(rule, NULL);
	while (!(m->dest >> type & 1))
		type++;
	add(rule, STEP_FIB_TYPE);
	s = add(rule, STEP_CMP);
	s->len = sizeof(type);
	memcpy(s->a, &type, sizeof(type));
	s->key = m->flags & XT_ADDRTYPE_INVERT_DEST ? NFT_CMP_NEQ : NFT_CMP_EQ;
	return 0;
}

static const struct {
	const char *name;
	int (*parse)(struct foreign_rule *rule, uint32_t rev, const void *info, uint32_t len);
} matches[] = {
	{ "conntrack", on_conntrack_match },
	{ "tcp", on_tcp_match },
	{ "udp", on_udp_match },
	{ "addrtype", on_addrtype_match },
};

static int
on_match(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_MT_NAME);
	uint32_t rev = nftnl_expr_get_u32(e, NFTNL_EXPR_MT_REV), len = 0;
	const void *info = nftnl_expr_get(e, NFTNL_EXPR_MT_INFO, &len);
	size_t i;

	if (name && strcmp(name, "comment") == 0)
		return 0;
	for (i = 0; name && info && i < sizeof(matches) / sizeof(matches[0]); i++)
		if (strcmp(name, matches[i].name) == 0)
			return matches[i].parse(rule, rev, info, len);
	if (name && (strcmp(name, "limit") == 0 || strcmp(name, "hashlimit") == 0))
		return on_some(rule, e);
	return on_opaque(rule, e);
}

/* Targets that end a packet's way. Others (LOG, MARK, TCPMSS) let it go on. */
static int
on_target(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME);

	if (!name)
		return 0;
	if (strcmp(name, "REJECT") == 0 || strcmp(name, "DROP") == 0 || strcmp(name, "TARPIT") == 0)
		return put_verdict(rule, NF_DROP, NULL);
	if (strcmp(name, "ACCEPT") == 0)
		return put_verdict(rule, NF_ACCEPT, NULL);
	if (strcmp(name, "MASQUERADE") == 0 || strcmp(name, "SNAT") == 0)
		return put_nat(rule, FOREIGN_NAT_SOURCE);
	if (strcmp(name, "DNAT") == 0 || strcmp(name, "REDIRECT") == 0)
		return put_nat(rule, FOREIGN_NAT_DESTINATION);
	if (strcmp(name, "NFQUEUE") == 0)
		return put_verdict(rule, NF_QUEUE, NULL);
	return 0;
}

/* "add @set { ... }" always goes on; with an expression inside only as that does. */
static int
on_dynset(struct foreign_rule *rule, const struct nftnl_expr *e)
{
	return nftnl_expr_is_set(e, NFTNL_EXPR_DYNSET_EXPR) ||
		       nftnl_expr_is_set(e, NFTNL_EXPR_DYNSET_EXPRESSIONS)
		   ? on_some(rule, e)
		   : 0;
}

/* ---- the table ---- */

/* What is not here is a condition that we do not know. */
static const struct {
	const char *name;
	int (*parse)(struct foreign_rule *rule, const struct nftnl_expr *e);
} expressions[] = {
	{ "meta", on_meta },
	{ "ct", on_ct },
	{ "cmp", on_cmp },
	{ "payload", on_payload },
	{ "immediate", on_immediate },
	{ "bitwise", on_bitwise },
	{ "lookup", on_lookup },
	{ "range", on_range },
	{ "fib", on_fib },
	{ "reject", on_reject },
	{ "queue", on_queue },
	{ "nat", on_nat },
	{ "masq", on_masq },
	{ "redir", on_redir },
	{ "match", on_match },
	{ "target", on_target },
	{ "byteorder", on_byteorder },
	{ "hash", on_hash },
	{ "numgen", on_numgen },
	{ "socket", on_socket },
	{ "rt", on_rt },
	{ "exthdr", on_exthdr },
	{ "limit", on_some },
	{ "quota", on_some },
	{ "connlimit", on_some },
	{ "counter", on_nothing },
	{ "log", on_nothing },
	{ "notrack", on_nothing },
	{ "objref", on_nothing },
	{ "last", on_nothing },
	{ "flow_offload", on_nothing },
	{ "dup", on_nothing },
	{ "dynset", on_dynset },
};

static int
on_expr(struct nftnl_expr *e, void *arg)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	struct foreign_rule *rule = arg;
	size_t i;

	for (i = 0; name && i < sizeof(expressions) / sizeof(expressions[0]); i++)
		if (strcmp(name, expressions[i].name) == 0)
			return expressions[i].parse(rule, e);
	return on_opaque(rule, e);
}

int
foreign_parse_rule(struct nftnl_rule *nlr, struct foreign_rule *rule)
{
	struct foreign_step steps[FOREIGN_STEPS_MAX];
	struct foreign_rule draft = { .steps = steps };
	int rc;

	draft.handle = nftnl_rule_get_u64(nlr, NFTNL_RULE_HANDLE);
	rc = nftnl_expr_foreach(nlr, on_expr, &draft);
	if (draft.n == FOREIGN_STEPS_MAX) /* cut off: all we know is that it may do anything */
		put_verdict(&draft, NF_QUEUE, NULL);
	*rule = draft;
	rule->steps = malloc((draft.n ? draft.n : 1) * sizeof(*steps));
	if (rc < 0 || !rule->steps) {
		steps_free(steps, draft.n);
		free(rule->steps);
		*rule = (struct foreign_rule){ 0 };
		return -ENOMEM;
	}
	memcpy(rule->steps, steps, draft.n * sizeof(*steps));
	return 0;
}
