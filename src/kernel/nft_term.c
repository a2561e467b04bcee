/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_term.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/tcp.h>

#include "kernel/nft_log.h"
#include "kernel/nft_set.h"

/* All packets of a flow until its first answer; related: one that a helper foresaw. */
#define UNREPLIED (NF_CT_STATE_BIT(IP_CT_NEW) | NF_CT_STATE_BIT(IP_CT_RELATED))

#define ANSWERED (NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED))

#define IP6_SADDR 8u
#define IP6_DADDR 24u
#define IP_SADDR 12u
#define IP_DADDR 16u
#define TH_SPORT 0u
#define TH_DPORT 2u
#define TH_FLAGS_AT 13u

/* What several kinds are made of. */

static void
saddr(struct nft_exprs *x, uint32_t dreg)
{
	nft_expr_payload(x, NFT_PAYLOAD_NETWORK_HEADER, IP_SADDR, 4, dreg);
}

static void
daddr(struct nft_exprs *x, uint32_t dreg)
{
	nft_expr_payload(x, NFT_PAYLOAD_NETWORK_HEADER, IP_DADDR, 4, dreg);
}

static void
port(struct nft_exprs *x, uint32_t offset, uint32_t dreg)
{
	nft_expr_payload(x, NFT_PAYLOAD_TRANSPORT_HEADER, offset, 2, dreg);
}

static void
l4proto(struct nft_exprs *x, uint32_t dreg)
{
	nft_expr_meta(x, NFT_META_L4PROTO, dreg);
}

static void
is_protocol(struct nft_exprs *x, uint8_t protocol)
{
	l4proto(x, nft_reg(0));
	nft_expr_cmp(x, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

static void
is_port(struct nft_exprs *x, uint32_t offset, uint32_t op, uint32_t value)
{
	uint16_t be = htons((uint16_t)value);

	port(x, offset, nft_reg(0));
	nft_expr_cmp(x, op, &be, sizeof(be));
}

/* A set of ours has its number and 1 for an id: see nft_sync.c. */
static void
lookup(struct nft_exprs *x, enum nft_set_id set, bool invert)
{
	nft_expr_lookup(x, nft_sets[set].name, set + 1u, false, invert);
}

static void
lookup_data(struct nft_exprs *x, enum nft_set_id map)
{
	nft_expr_lookup(x, nft_sets[map].name, map + 1u, true, false);
}

/* (protocol, port) into nft_reg(@at) and the one after. */
static void
endpoint(struct nft_exprs *x, uint32_t offset, int at)
{
	l4proto(x, nft_reg(at));
	port(x, offset, nft_reg(at + 1));
}

/* The value of the flow at @key has one bit of @mask at least. */
static void
ct_any(struct nft_exprs *x, uint32_t key, uint32_t mask)
{
	static const uint32_t zero;

	nft_expr_ct(x, key, nft_reg(0));
	nft_expr_mask(x, &mask, &zero, sizeof(mask));
	nft_expr_cmp(x, NFT_CMP_NEQ, &zero, sizeof(zero));
}

/* A segment of TCP whose flags in @mask are @flags. */
static void
tcp_flags(struct nft_exprs *x, uint8_t mask, uint8_t flags)
{
	static const uint8_t zero;

	is_protocol(x, IPPROTO_TCP);
	nft_expr_payload(x, NFT_PAYLOAD_TRANSPORT_HEADER, TH_FLAGS_AT, 1, nft_reg(0));
	nft_expr_mask(x, &mask, &zero, sizeof(mask));
	nft_expr_cmp(x, NFT_CMP_EQ, &flags, sizeof(flags));
}

/* One function for each way to encode a term; @arg is what the row of its kind has. */

static void
on_ifname_in(struct nft_exprs *x, const struct nft_term *term, uint32_t key)
{
	nft_expr_meta(x, key, nft_reg(0));
	lookup(x, term->set, false);
}

static void
on_ifname_not_in(struct nft_exprs *x, const struct nft_term *term, uint32_t key)
{
	nft_expr_meta(x, key, nft_reg(0));
	lookup(x, term->set, true);
}

static void
on_not_lo(struct nft_exprs *x, const struct nft_term *term, uint32_t key)
{
	static const char lo[IFNAMSIZ] = "lo";

	(void)term;
	nft_expr_meta(x, key, nft_reg(0));
	nft_expr_cmp(x, NFT_CMP_NEQ, lo, sizeof(lo));
}

static void
on_family(struct nft_exprs *x, const struct nft_term *term, uint32_t family)
{
	const uint8_t octet = (uint8_t)family;

	(void)term;
	nft_expr_meta(x, NFT_META_NFPROTO, nft_reg(0));
	nft_expr_cmp(x, NFT_CMP_EQ, &octet, sizeof(octet));
}

static void
on_protocol(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	(void)arg;
	is_protocol(x, (uint8_t)term->value);
}

static void
on_dport(struct nft_exprs *x, const struct nft_term *term, uint32_t protocol)
{
	is_protocol(x, (uint8_t)protocol);
	is_port(x, TH_DPORT, NFT_CMP_EQ, term->value);
}

static void
on_ports(struct nft_exprs *x, const struct nft_term *term, uint32_t protocol)
{
	is_protocol(x, (uint8_t)protocol);
	is_port(x, TH_SPORT, NFT_CMP_EQ, term->value >> 16);
	is_port(x, TH_DPORT, NFT_CMP_EQ, term->value & 0xffff);
}

static void
on_below_dport(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	(void)arg;
	is_port(x, TH_DPORT, NFT_CMP_LT, term->value);
}

static void
on_icmp(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	const uint8_t type = (uint8_t)term->value;

	(void)arg;
	is_protocol(x, IPPROTO_ICMP);
	nft_expr_payload(x, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, nft_reg(0));
	nft_expr_cmp(x, NFT_CMP_EQ, &type, sizeof(type));
}

static void
on_icmpv6(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	const uint8_t first = (uint8_t)(term->value >> 8), last = (uint8_t)term->value;

	(void)arg;
	is_protocol(x, IPPROTO_ICMPV6);
	nft_expr_payload(x, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, nft_reg(0));
	nft_expr_cmp(x, NFT_CMP_GTE, &first, sizeof(first));
	nft_expr_cmp(x, NFT_CMP_LTE, &last, sizeof(last));
}

static void
on_local(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	static const uint32_t local = RTN_LOCAL;

	(void)term;
	(void)arg;
	nft_expr_fib_type(x);
	nft_expr_cmp(x, NFT_CMP_EQ, &local, sizeof(local));
}

static void
on_daddr_in(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	(void)arg;
	daddr(x, nft_reg(0));
	lookup(x, term->set, false);
}

static void
on_sent_to(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	(void)arg;
	nft_expr_ct_original(x, NFT_CT_DST_IP, nft_reg(0));
	lookup(x, term->set, false);
}

/* Asked for the contrary the kernel finds the element and does not count it. */
static void
on_sport_free(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	(void)term;
	(void)arg;
	endpoint(x, TH_SPORT, 0);
	lookup(x, SET_MAPPED4, true);
}

static void
on_service(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	(void)term;
	(void)arg;
	endpoint(x, TH_DPORT, 0);
	lookup(x, SET_SERVICES, false);
}

static void
on_ct_status(struct nft_exprs *x, const struct nft_term *term, uint32_t mask)
{
	(void)term;
	ct_any(x, NFT_CT_STATUS, mask);
}

static void
on_ct_state(struct nft_exprs *x, const struct nft_term *term, uint32_t mask)
{
	(void)term;
	ct_any(x, NFT_CT_STATE, mask);
}

static void
on_original(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	static const uint8_t original = IP_CT_DIR_ORIGINAL;

	(void)term;
	(void)arg;
	nft_expr_ct(x, NFT_CT_DIRECTION, nft_reg(0));
	nft_expr_cmp(x, NFT_CMP_EQ, &original, sizeof(original));
}

static void
on_skuid(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	(void)arg;
	nft_expr_meta(x, NFT_META_SKUID, nft_reg(0));
	nft_expr_cmp(x, NFT_CMP_EQ, &term->value, sizeof(term->value));
}

static void
on_open(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	int at = 0;

	(void)arg;
	if (term->set == SET_OPEN4R)
		saddr(x, nft_reg(at++));
	daddr(x, nft_reg(at));
	endpoint(x, TH_DPORT, at + 1);
	lookup(x, term->set, false);
}

static void
on_mapped(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	int at = 0;

	(void)arg;
	if (term->set == SET_MAPPED4R)
		nft_expr_ct_original(x, NFT_CT_SRC_IP, nft_reg(at++));
	l4proto(x, nft_reg(at));
	nft_expr_ct_original(x, NFT_CT_PROTO_DST, nft_reg(at + 1));
	lookup(x, term->set, false);
}

/* Registers are counted in fours of octets. */
static void
on_pinhole(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	struct nft_pinhole_fields f = nft_ruleset_pinhole(term->set);
	int at = f.remote_host ? 4 : 0;

	(void)arg;
	if (f.remote_host)
		nft_expr_payload(x, NFT_PAYLOAD_NETWORK_HEADER, IP6_SADDR, 16, nft_reg(0));
	nft_expr_payload(x, NFT_PAYLOAD_NETWORK_HEADER, IP6_DADDR, 16, nft_reg(at));
	at += 4;
	if (f.protocol)
		l4proto(x, nft_reg(at));
	at++;
	if (f.internal_port) {
		port(x, TH_DPORT, nft_reg(at));
		at++;
	}
	if (f.remote_port)
		port(x, TH_SPORT, nft_reg(at));
	lookup(x, term->set, false);
}

static void
on_ended(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	bool six = term->set == SET_ENDED6;
	uint32_t len = six ? 16 : 4;
	int words = six ? 4 : 1;

	(void)arg;
	nft_expr_payload(
	    x, NFT_PAYLOAD_NETWORK_HEADER, six ? IP6_SADDR : IP_SADDR, len, nft_reg(0));
	port(x, TH_SPORT, nft_reg(words));
	nft_expr_payload(
	    x, NFT_PAYLOAD_NETWORK_HEADER, six ? IP6_DADDR : IP_DADDR, len, nft_reg(words + 1));
	port(x, TH_DPORT, nft_reg(2 * words + 1));
	lookup(x, term->set, false);
}

static void
on_tcp_syn(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	(void)term;
	(void)arg;
	tcp_flags(x, TH_SYN | TH_RST, TH_SYN);
}

static void
on_midstream(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	(void)term;
	(void)arg;
	tcp_flags(x, TH_SYN, 0);
}

static void
on_verdict(struct nft_exprs *x, const struct nft_term *term, uint32_t verdict)
{
	(void)term;
	nft_expr_verdict(x, verdict, NULL);
}

static void
on_jump(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	(void)arg;
	nft_expr_verdict(x, (uint32_t)NFT_JUMP, nft_chains[term->value].name);
}

static void
on_helper(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	(void)arg;
	nft_expr_helper(x, nft_helpers[term->value].name);
}

static void
on_mark(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	const uint32_t bit = term->value, mask = ~bit;

	(void)arg;
	nft_expr_meta(x, NFT_META_MARK, nft_reg(0));
	nft_expr_mask(x, &mask, &bit, sizeof(mask));
	nft_expr_set_mark(x);
}

static void
on_dnat(struct nft_exprs *x, const struct nft_term *term, uint32_t map)
{
	int at = 0;

	(void)term;
	if (map == SET_PM4R)
		saddr(x, nft_reg(at++));
	endpoint(x, TH_DPORT, at);
	lookup_data(x, (enum nft_set_id)map);
	nft_expr_dnat(x);
}

/* The port that src4 has for a source, into nft_reg(0). */
static void
source_port(struct nft_exprs *x)
{
	saddr(x, nft_reg(0));
	endpoint(x, TH_SPORT, 1);
	lookup_data(x, SET_SRC4);
}

static void
on_masq(struct nft_exprs *x, const struct nft_term *term, uint32_t flags)
{
	(void)term;
	if (flags & NF_NAT_RANGE_PROTO_SPECIFIED)
		source_port(x);
	nft_expr_masq(x, flags);
}

static void
on_snat(struct nft_exprs *x, const struct nft_term *term, uint32_t flags)
{
	(void)term;
	if (flags & NF_NAT_RANGE_PROTO_SPECIFIED)
		source_port(x);
	nft_expr_ct_original(x, NFT_CT_DST_IP, nft_reg(1));
	nft_expr_snat(x, flags);
}

static void
on_knock(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	(void)term;
	(void)arg;
	endpoint(x, TH_DPORT, 0);
	nft_expr_update(x, nft_sets[SET_KNOCKED4].name, SET_KNOCKED4 + 1, NFT_KNOCK_MS);
}

/* What goes beyond the rate ends the rule, and is not logged. */
static void
on_log(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	(void)arg;
	nft_expr_limit(x, term->value >> 8);
	nft_expr_log(x, nft_log_prefixes[term->value & 0xff]);
}

static void
on_clamp_mss(struct nft_exprs *x, const struct nft_term *term, uint32_t arg)
{
	(void)term;
	(void)arg;
	nft_expr_clamp_mss(x);
}

/* TERM_TCP_OR_UDP alone needs to know more: see nft_term_add(). TERM_LET_IN is in no rule that
 * nft_ruleset_rules() gives out. */
static const struct {
	void (*add)(struct nft_exprs *x, const struct nft_term *term, uint32_t arg);
	uint32_t arg;
} kinds[TERM_KINDS] = {
	[TERM_IIF_IN] = { on_ifname_in, NFT_META_IIFNAME },
	[TERM_IIF_NOT_IN] = { on_ifname_not_in, NFT_META_IIFNAME },
	[TERM_IIF_NOT_LO] = { on_not_lo, NFT_META_IIFNAME },
	[TERM_OIF_IN] = { on_ifname_in, NFT_META_OIFNAME },
	[TERM_OIF_NOT_IN] = { on_ifname_not_in, NFT_META_OIFNAME },
	[TERM_OIF_NOT_LO] = { on_not_lo, NFT_META_OIFNAME },
	[TERM_IPV4] = { on_family, NFPROTO_IPV4 },
	[TERM_IPV6] = { on_family, NFPROTO_IPV6 },
	[TERM_PROTO] = { on_protocol, 0 },
	[TERM_UDP_DPORT] = { on_dport, IPPROTO_UDP },
	[TERM_UDP_PORTS] = { on_ports, IPPROTO_UDP },
	[TERM_TCP_DPORT] = { on_dport, IPPROTO_TCP },
	[TERM_BELOW_DPORT] = { on_below_dport, 0 },
	[TERM_ICMP] = { on_icmp, 0 },
	[TERM_ICMPV6] = { on_icmpv6, 0 },
	[TERM_LOCAL] = { on_local, 0 },
	[TERM_DADDR_IN] = { on_daddr_in, 0 },
	[TERM_SENT_TO] = { on_sent_to, 0 },
	[TERM_SPORT_FREE] = { on_sport_free, 0 },
	[TERM_SERVICE] = { on_service, 0 },
	[TERM_DNATED] = { on_ct_status, IPS_DST_NAT },
	[TERM_UNREPLIED] = { on_ct_state, UNREPLIED },
	[TERM_ESTABLISHED] = { on_ct_state, ANSWERED },
	[TERM_ORIGINAL] = { on_original, 0 },
	[TERM_SKUID] = { on_skuid, 0 },
	[TERM_OPEN4] = { on_open, 0 },
	[TERM_MAPPED] = { on_mapped, 0 },
	[TERM_PINHOLE] = { on_pinhole, 0 },
	[TERM_ENDED] = { on_ended, 0 },
	[TERM_TCP_SYN] = { on_tcp_syn, 0 },
	[TERM_MIDSTREAM] = { on_midstream, 0 },
	[TERM_JUMP] = { on_jump, 0 },
	[TERM_ACCEPT] = { on_verdict, NF_ACCEPT },
	[TERM_DROP] = { on_verdict, NF_DROP },
	[TERM_RETURN] = { on_verdict, (uint32_t)NFT_RETURN },
	[TERM_HELPER] = { on_helper, 0 },
	[TERM_MARK] = { on_mark, 0 },
	[TERM_DNAT_PM4] = { on_dnat, SET_PM4 },
	[TERM_DNAT_PM4R] = { on_dnat, SET_PM4R },
	[TERM_MASQ] = { on_masq, 0 },
	[TERM_MASQ_RANDOM] = { on_masq, NF_NAT_RANGE_PROTO_RANDOM_FULLY },
	[TERM_MASQ_SRC4] = { on_masq, NF_NAT_RANGE_PROTO_SPECIFIED },
	[TERM_SNAT] = { on_snat, 0 },
	[TERM_SNAT_RANDOM] = { on_snat, NF_NAT_RANGE_PROTO_RANDOM_FULLY },
	[TERM_SNAT_SRC4] = { on_snat, NF_NAT_RANGE_PROTO_SPECIFIED },
	[TERM_KNOCK] = { on_knock, 0 },
	[TERM_LOG] = { on_log, 0 },
	[TERM_CLAMP_MSS] = { on_clamp_mss, 0 },
};

void
nft_term_add(struct nft_exprs *x, const struct nft_term *term, uint32_t l4_set_id)
{
	if (kinds[term->kind].add) {
		kinds[term->kind].add(x, term, kinds[term->kind].arg);
	} else if (term->kind == TERM_TCP_OR_UDP) {
		l4proto(x, nft_reg(0));
		nft_expr_lookup(x, NFT_L4_SET_NAME, l4_set_id, false, false);
	}
}
