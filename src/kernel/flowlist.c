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

static bool
is_of(const struct nft_mapping *m, const struct ct_tuple *orig, const struct ct_tuple *reply)
{
	return orig->protocol == m->protocol && orig->dport == m->external_port &&
	       (!m->remote_host || orig->src == m->remote_host) &&
	       reply->src == m->internal_client && reply->sport == m->internal_port;
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
on_flow(const struct nlmsghdr *nlh, const struct nft_mapping *mapping, struct flowlist *out)
{
	const struct nlattr *tb[CTA_MAX + 1];
	struct ct_tuple orig, reply;
	struct flowlist_flow *f;
	uint32_t status;

	nfnl_parse(nlh, tb, N(tb));
	status = nfnl_u32(tb[CTA_STATUS]);
	if (!ct_parse_tuple(tb[CTA_TUPLE_ORIG], &orig) ||
	    !ct_parse_tuple(tb[CTA_TUPLE_REPLY], &reply) || !(status & IPS_DST_NAT) ||
	    !is_of(mapping, &orig, &reply))
		return;
	if (out->n == FLOWS_MAX) {
		out->complete = false;
		return;
	}
	f = &out->flows[out->n++];
	*f = (struct flowlist_flow){
		.peer = orig.src,
		.peer_port = orig.sport,
		.answered = status & IPS_SEEN_REPLY,
		.counted = tb[CTA_COUNTERS_ORIG] != NULL,
		.timeout_s = nfnl_u32(tb[CTA_TIMEOUT]),
	};
	read_counters(tb[CTA_COUNTERS_ORIG], &f->packets_in, &f->octets_in);
	read_counters(tb[CTA_COUNTERS_REPLY], &f->packets_out, &f->octets_out);
}

/* 1: the dump goes on; 0: it has ended; or -errno. */
static int
read_piece(struct nfnl *nl, const struct nft_mapping *mapping, struct flowlist *out, size_t *looked)
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
		on_flow(nlh, mapping, out);
	}
	return 1;
}

static int
read_all(struct nfnl *nl, const struct nft_mapping *mapping, bool filtered, struct flowlist *out)
{
	char buf[NFNL_ASK_SIZE];
	struct nlmsghdr *nlh = nfnl_ask_begin(
	    buf, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_INET);
	size_t looked = 0;
	int rc;

	*out = (struct flowlist){ .complete = true };
	if (filtered)
		ct_put_port_filter(nlh, mapping->protocol, mapping->external_port);
	nlh->nlmsg_seq = ++nl->seq;
	rc = nfnl_send(nl, nlh, nlh->nlmsg_len);
	if (rc < 0)
		return rc;
	do
		rc = read_piece(nl, mapping, out, &looked);
	while (rc > 0 && looked < FLOWLIST_LOOK_MAX);
	if (rc > 0)
		out->complete = false;
	return rc < 0 ? rc : 0;
}

int
flowlist_read(const struct nft_mapping *mapping, struct flowlist *out)
{
	struct nfnl nl;
	int rc = nfnl_open(&nl);

	if (rc < 0)
		return rc;
	rc = read_all(&nl, mapping, true, out);
	if (rc == -EINVAL || rc == -EOPNOTSUPP) /* a kernel that refuses filters */
		rc = read_all(&nl, mapping, false, out);
	nfnl_close(&nl);
	return rc;
}
