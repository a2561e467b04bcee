/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ct_parse.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#include "kernel/nfnl.h"

/* Newer than some kernel headers. */
#define CTA_F_FILTER 25
#define CTA_F_FILTER_ORIG_FLAGS 1
#define FILTER_PROTO_NUM (1u << 3)
#define FILTER_PROTO_DST_PORT (1u << 5)

#define N(array) (sizeof(array) / sizeof((array)[0]))

static uint16_t
get_u16(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == 2 ? ntohs(mnl_attr_get_u16(attr)) : 0;
}

static uint8_t
get_u8(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == 1 ? mnl_attr_get_u8(attr) : 0;
}

/* The addresses and the protocol's part of a tuple. */
static bool
parse_nests(const struct nlattr *attr, const struct nlattr *ip[CTA_IP_MAX + 1],
    const struct nlattr *proto[CTA_PROTO_DST_PORT + 1])
{
	const struct nlattr *tb[CTA_TUPLE_PROTO + 1];

	if (!attr)
		return false;
	nfnl_parse_nest(attr, tb, N(tb));
	if (!tb[CTA_TUPLE_IP] || !tb[CTA_TUPLE_PROTO])
		return false;
	nfnl_parse_nest(tb[CTA_TUPLE_IP], ip, CTA_IP_MAX + 1);
	nfnl_parse_nest(tb[CTA_TUPLE_PROTO], proto, CTA_PROTO_DST_PORT + 1);
	return true;
}

bool
ct_parse_tuple(const struct nlattr *attr, struct ct_tuple *t)
{
	const struct nlattr *ip[CTA_IP_MAX + 1], *proto[CTA_PROTO_DST_PORT + 1];

	if (!parse_nests(attr, ip, proto))
		return false;
	t->src = nfnl_u32(ip[CTA_IP_V4_SRC]);
	t->protocol = get_u8(proto[CTA_PROTO_NUM]);
	t->sport = get_u16(proto[CTA_PROTO_SRC_PORT]);
	t->dport = get_u16(proto[CTA_PROTO_DST_PORT]);
	return true;
}

static bool
get_addr6(const struct nlattr *attr, struct addr6 *addr)
{
	if (!attr || mnl_attr_get_payload_len(attr) != sizeof(addr->octet))
		return false;
	memcpy(addr->octet, mnl_attr_get_payload(attr), sizeof(addr->octet));
	return true;
}

bool
ct_parse_tuple6(const struct nlattr *attr, struct ct_tuple6 *t)
{
	const struct nlattr *ip[CTA_IP_MAX + 1], *proto[CTA_PROTO_DST_PORT + 1];

	if (!parse_nests(attr, ip, proto) || !proto[CTA_PROTO_NUM])
		return false;
	t->protocol = get_u8(proto[CTA_PROTO_NUM]);
	t->sport = get_u16(proto[CTA_PROTO_SRC_PORT]);
	t->dport = get_u16(proto[CTA_PROTO_DST_PORT]);
	return get_addr6(ip[CTA_IP_V6_SRC], &t->src) && get_addr6(ip[CTA_IP_V6_DST], &t->dst);
}

void
ct_put_port_filter(struct nlmsghdr *nlh, uint8_t protocol, uint16_t port)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG), *nest;

	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, protocol);
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(port));
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_nest_end(nlh, tuple);
	nest = mnl_attr_nest_start(nlh, CTA_F_FILTER);
	mnl_attr_put_u32(nlh, CTA_F_FILTER_ORIG_FLAGS, FILTER_PROTO_NUM | FILTER_PROTO_DST_PORT);
	mnl_attr_nest_end(nlh, nest);
}
