/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A socket for each list: closing it ends a dump that is longer than we care to read. */
#include "kernel/flowlist.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/ct_parse.h"
#include "kernel/nfnl.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define FLOWS_MAX N(((struct flowlist *)0)->flows)

/* Whose flows are wanted: one of the two. */
struct wish {
	const struct nft_mapping *mapping;
	const struct nft_pinhole *pinhole;
};

static bool
is_of(const struct nft_mapping *m, const struct ct_tuple *orig, const struct ct_tuple *reply)
{
	return orig->protocol == m->protocol && orig->dport == m->external_port &&
	       (!m->remote_host || orig->src == m->remote_host) &&
	       reply->src == m->internal_client && reply->sport == m->internal_port;
}

static bool
is_of_pinhole(const struct nft_pinhole *p, const struct ct_tuple6 *orig)
{
	return addr6_same(&p->internal_client, &orig->dst) &&
	       (p->protocol == NFT_PROTO_ANY || p->protocol == orig->protocol) &&
	       (!p->internal_port || p->internal_port == orig->dport) &&
	       (!p->remote_port || p->remote_port == orig->sport) &&
	       (addr6_is_zero(&p->remote_host) || addr6_same(&p->remote_host, &orig->src));
}

/* The far end of a flow, if it is one of those. */
static bool
find_peer(const struct wish *wish, const struct nlattr **tb, struct addr6 *peer, uint16_t *port)
{
	struct ct_tuple orig, reply;
	struct ct_tuple6 orig6;

	if (wish->pinhole) {
		if (!ct_parse_tuple6(tb[CTA_TUPLE_ORIG], &orig6) ||
		    !is_of_pinhole(wish->pinhole, &orig6))
			return false;
		*peer = orig6.src;
		*port = orig6.sport;
		return true;
	}
	if (!(nfnl_u32(tb[CTA_STATUS]) & IPS_DST_NAT) ||
	    !ct_parse_tuple(tb[CTA_TUPLE_ORIG], &orig) ||
	    !ct_parse_tuple(tb[CTA_TUPLE_REPLY], &reply) || !is_of(wish->mapping, &orig, &reply))
		return false;
	*peer = addr6_from4(orig.src);
	*port = orig.sport;
	return true;
}

static void
read_counters(const struct nlattr *attr, uint64_t *packets, uint64_t *octets)
{
	const struct nlattr *tb[CTA_COUNTERS_BYTES + 1];

	if (!attr)
		return;
	nfnl_parse_nest(attr, tb, N(tb));
	*packets = nfnl_u64(tb[CTA_COUNTERS_PACKETS]);
	*octets = nfnl_u64(tb[CTA_COUNTERS_BYTES]);
}

static void
on_flow(const struct nlmsghdr *nlh, const struct wish *wish, struct flowlist *out)
{
	const struct nlattr *tb[CTA_MAX + 1];
	struct flowlist_flow *f;
	struct addr6 peer;
	uint16_t port;

	nfnl_parse(nlh, tb, N(tb));
	if (!find_peer(wish, tb, &peer, &port))
		return;
	if (out->n == FLOWS_MAX) {
		out->complete = false;
		return;
	}
	f = &out->flows[out->n++];
	*f = (struct flowlist_flow){
		.peer = peer,
		.peer_port = port,
		.answered = nfnl_u32(tb[CTA_STATUS]) & IPS_SEEN_REPLY,
		.counted = tb[CTA_COUNTERS_ORIG] != NULL,
		.timeout_s = nfnl_u32(tb[CTA_TIMEOUT]),
	};
	read_counters(tb[CTA_COUNTERS_ORIG], &f->packets_in, &f->octets_in);
	read_counters(tb[CTA_COUNTERS_REPLY], &f->packets_out, &f->octets_out);
}

/* 1: the dump goes on; 0: it has ended; or -errno. */
static int
read_piece(struct nfnl *nl, const struct wish *wish, struct flowlist *out, size_t *looked)
{
	const struct nlmsghdr *nlh = (const void *)nl->rx;
	int len = nfnl_recv(nl);

	if (len < 0)
		return len;
	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return nfnl_error(nlh);
		if (nlh->nlmsg_type == NLMSG_DONE)
			return 0;
		(*looked)++;
		on_flow(nlh, wish, out);
	}
	return 1;
}

static void
put_filter(struct nlmsghdr *nlh, const struct wish *wish)
{
	const struct nft_pinhole *p = wish->pinhole;

	if (!p)
		ct_put_port_filter(nlh, wish->mapping->protocol, wish->mapping->external_port);
	else if (p->protocol != NFT_PROTO_ANY && p->internal_port)
		ct_put_port_filter(nlh, (uint8_t)p->protocol, p->internal_port);
}

static int
read_all(struct nfnl *nl, const struct wish *wish, bool filtered, struct flowlist *out)
{
	char buf[NFNL_ASK_SIZE];
	struct nlmsghdr *nlh = nfnl_ask_begin(buf, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
	    NLM_F_DUMP, wish->pinhole ? AF_INET6 : AF_INET);
	size_t looked = 0;
	int rc;

	*out = (struct flowlist){ .complete = true };
	if (filtered)
		put_filter(nlh, wish);
	nlh->nlmsg_seq = ++nl->seq;
	rc = nfnl_send(nl, nlh, nlh->nlmsg_len);
	if (rc < 0)
		return rc;
	do
		rc = read_piece(nl, wish, out, &looked);
	while (rc > 0 && looked < FLOWLIST_LOOK_MAX);
	if (rc > 0)
		out->complete = false;
	return rc < 0 ? rc : 0;
}

static int
read_list(const struct wish *wish, struct flowlist *out)
{
	struct nfnl nl;
	int rc = nfnl_open(&nl);

	if (rc < 0)
		return rc;
	rc = read_all(&nl, wish, true, out);
	if (rc == -EINVAL || rc == -EOPNOTSUPP) /* a kernel that refuses filters */
		rc = read_all(&nl, wish, false, out);
	nfnl_close(&nl);
	return rc;
}

int
flowlist_read(const struct nft_mapping *mapping, struct flowlist *out)
{
	return read_list(&(const struct wish){ .mapping = mapping }, out);
}

int
flowlist_read_pinhole(const struct nft_pinhole *pinhole, struct flowlist *out)
{
	return read_list(&(const struct wish){ .pinhole = pinhole }, out);
}
