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

#include "kernel/ct_parse.h"
#include "kernel/nfnl.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

struct sweep {
	const struct ct_match6 *wishes;
	size_t n;
	struct nfnl del;
	ct_ending_fn ending;
	void *arg;
	int forgotten;
};

static bool
is_match(const struct ct_match6 *m, const struct ct_tuple6 *f)
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
delete_flow(struct sweep *s, const struct ct_tuple6 *f, const struct nlattr **tb)
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
	struct ct_tuple6 flow;
	size_t i;

	memset(tb, 0, sizeof(tb));
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) < N(tb))
			tb[mnl_attr_get_type(attr)] = attr;
	}
	if (!ct_parse_tuple6(tb[CTA_TUPLE_ORIG], &flow))
		return 0;
	for (i = 0; i < s->n; i++)
		if (is_match(&s->wishes[i], &flow))
			return delete_flow(s, &flow, tb);
	return 0;
}

static int
dump(struct nfnl *nl, struct sweep *s, bool filtered)
{
	char buf[NFNL_ASK_SIZE];
	struct nlmsghdr *req = nfnl_ask_begin(
	    buf, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_INET6);

	if (filtered)
		ct_put_port_filter(req, (uint8_t)s->wishes[0].protocol, s->wishes[0].internal_port);
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
