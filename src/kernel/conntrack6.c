/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One dump, one delete for each flow that matches. Nothing is kept between two calls: pinholes end
 * seldom, and those who ask for it gather wishes.
 */
#include "kernel/conntrack6.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdbool.h>
#include <string.h>

#include "kernel/nfnl.h"

/* Newer than some kernel headers. 5.8: the kernel skips flows that do not match. */
#define CTA_F_FILTER 25
#define CTA_F_FILTER_ORIG_FLAGS 1
#define FILTER_PROTO_NUM (1u << 3)
#define FILTER_PROTO_DST_PORT (1u << 5)

#define N(array) (sizeof(array) / sizeof((array)[0]))

struct sweep {
	const struct ct_match6 *wishes;
	size_t n;
	struct nfnl del;
	ct_ending_fn ending;
	void *arg;
	int forgotten;
};

struct flow {
	struct addr6 src, dst;
	uint16_t sport, dport;
	uint8_t protocol;
};

/* ---- reading ---- */

static bool
get_addr(const struct nlattr *attr, struct addr6 *addr)
{
	if (!attr || mnl_attr_get_payload_len(attr) != sizeof(addr->octet))
		return false;
	memcpy(addr->octet, mnl_attr_get_payload(attr), sizeof(addr->octet));
	return true;
}

/* 0 for a protocol without ports. */
static uint16_t
get_port(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == 2 ? ntohs(mnl_attr_get_u16(attr)) : 0;
}

static bool
parse_flow(const struct nlattr *orig, struct flow *f)
{
	const struct nlattr *tb[CTA_TUPLE_PROTO + 1], *ip[CTA_IP_V6_DST + 1];
	const struct nlattr *proto[CTA_PROTO_DST_PORT + 1];

	nfnl_parse_nest(orig, tb, N(tb));
	if (!tb[CTA_TUPLE_IP] || !tb[CTA_TUPLE_PROTO])
		return false;
	nfnl_parse_nest(tb[CTA_TUPLE_IP], ip, N(ip));
	nfnl_parse_nest(tb[CTA_TUPLE_PROTO], proto, N(proto));
	if (!proto[CTA_PROTO_NUM] || mnl_attr_get_payload_len(proto[CTA_PROTO_NUM]) != 1)
		return false;
	f->protocol = mnl_attr_get_u8(proto[CTA_PROTO_NUM]);
	f->sport = get_port(proto[CTA_PROTO_SRC_PORT]);
	f->dport = get_port(proto[CTA_PROTO_DST_PORT]);
	return get_addr(ip[CTA_IP_V6_SRC], &f->src) && get_addr(ip[CTA_IP_V6_DST], &f->dst);
}

static bool
is_match(const struct ct_match6 *m, const struct flow *f)
{
	return addr6_same(&m->internal_client, &f->dst) &&
	       (m->protocol == CT_PROTO_ANY || m->protocol == f->protocol) &&
	       (!m->internal_port || m->internal_port == f->dport) &&
	       (!m->remote_port || m->remote_port == f->sport) &&
	       (addr6_is_zero(&m->remote_host) || addr6_same(&m->remote_host, &f->src));
}

/* ---- ending ---- */

static void
copy_attr(struct nlmsghdr *nlh, const struct nlattr *attr)
{
	if (attr)
		mnl_attr_put(nlh, attr->nla_type, mnl_attr_get_payload_len(attr),
		    mnl_attr_get_payload(attr));
}

/* By the whole original tuple and the id, so that no later flow with the same tuple is hit. One
 * that has ended by itself meanwhile is no error. */
static int
delete_flow(struct sweep *s, const struct flow *f, const struct nlattr **tb)
{
	const struct nft_flow ended = {
		.inside = f->dst,
		.peer = f->src,
		.inside_port = f->dport,
		.peer_port = f->sport,
	};
	char buf[NFNL_ASK_SIZE];
	struct nlmsghdr *req;
	int rc;

	if (mnl_attr_get_len(tb[CTA_TUPLE_ORIG]) > NFNL_ASK_SIZE / 2)
		return 0;
	if (s->ending && f->protocol == IPPROTO_TCP)
		s->ending(s->arg, &ended, 1);
	req = nfnl_ask_begin(
	    buf, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, NLM_F_ACK, AF_INET6);
	copy_attr(req, tb[CTA_TUPLE_ORIG]);
	copy_attr(req, tb[CTA_ID]);
	copy_attr(req, tb[CTA_ZONE]);
	rc = nfnl_ask(&s->del, req, NULL, NULL);
	s->forgotten += rc == 0;
	return rc == -ENOENT ? 0 : rc;
}

static int
on_flow(void *arg, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[CTA_ZONE + 1], *attr;
	struct sweep *s = arg;
	struct flow flow;
	size_t i;

	memset(tb, 0, sizeof(tb));
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) < N(tb))
			tb[mnl_attr_get_type(attr)] = attr;
	}
	if (!tb[CTA_TUPLE_ORIG] || !parse_flow(tb[CTA_TUPLE_ORIG], &flow))
		return 0;
	for (i = 0; i < s->n; i++)
		if (is_match(&s->wishes[i], &flow))
			return delete_flow(s, &flow, tb);
	return 0;
}

/* Only flows to this port. Not by address: there the kernel (6.18 at least) takes what does not
 * match for what does. */
static void
put_filter(struct nlmsghdr *nlh, const struct ct_match6 *m)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG), *nest;

	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, (uint8_t)m->protocol);
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(m->internal_port));
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_nest_end(nlh, tuple);
	nest = mnl_attr_nest_start(nlh, CTA_F_FILTER);
	mnl_attr_put_u32(nlh, CTA_F_FILTER_ORIG_FLAGS, FILTER_PROTO_NUM | FILTER_PROTO_DST_PORT);
	mnl_attr_nest_end(nlh, nest);
}

static int
dump(struct nfnl *nl, struct sweep *s, bool filtered)
{
	char buf[NFNL_ASK_SIZE];
	struct nlmsghdr *req = nfnl_ask_begin(
	    buf, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_INET6);

	if (filtered)
		put_filter(req, &s->wishes[0]);
	return nfnl_ask(nl, req, on_flow, s);
}

int
conntrack6_forget(const struct ct_match6 *wishes, size_t n, ct_ending_fn ending, void *arg)
{
	struct sweep s = { .wishes = wishes, .n = n, .del.fd = -1, .ending = ending, .arg = arg };
	struct nfnl nl = { .fd = -1 };
	bool filtered;
	int rc;

	if (n == 0)
		return 0;
	filtered = n == 1 && wishes[0].protocol != CT_PROTO_ANY && wishes[0].internal_port;
	rc = nfnl_open(&nl);
	if (rc == 0)
		rc = nfnl_open(&s.del);
	if (rc == 0)
		rc = dump(&nl, &s, filtered);
	if ((rc == -EINVAL || rc == -EOPNOTSUPP) && filtered)
		rc = dump(&nl, &s, false);
	nfnl_close(&nl);
	nfnl_close(&s.del);
	return rc < 0 ? rc : s.forgotten;
}
