/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sweep is one dump, read from the event loop; what matches a wish is deleted over a second
 * socket while the dump goes on.
 */
#include "kernel/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/ct_parse.h"
#include "kernel/nfnl.h"
#include "lib/log.h"

#define BUCKETS 256
#define DELETE_ROOM NFNL_ASK_SIZE /* one delete message at most */
#define DELETE_SIZE 16384         /* gathered before they are sent */

/* Newer than some kernel headers. 5.8: the kernel skips flows that do not match, silently ignored
 * before. */
#define CTA_F_STATUS_MASK 26

struct wish {
	struct wish *next;
	struct ct_match match;
};

/* Wishes by protocol and external port. */
struct wishes {
	struct wish *bucket[BUCKETS];
	size_t n;
	const struct ct_match *any; /* one of them */
	bool same_port;             /* all have the protocol and port of any */
	bool same_kind;             /* all have the flags of any */
	struct ct_ports *ports;     /* to be filled, or NULL */
};

struct conntrack {
	struct nfnl dump;
	struct nfnl del;
	struct wishes now;  /* of the sweep under way */
	struct wishes next; /* gathered since */
	bool sweeping;
	bool again;      /* a further sweep was asked for */
	bool unfiltered; /* this kernel refuses filters */
	uint64_t forgotten;
	char *out; /* delete messages to be sent */
	size_t out_len;
	unsigned out_n;
	struct nft_flow ended[NFT_CHANGES_MAX]; /* of those, to be told before */
	size_t n_ended;
	ct_ending_fn ending;
	void *ending_arg;
};

/* What we look at of a flow. */
struct flow {
	uint32_t orig_src, reply_src;
	uint16_t orig_sport, orig_dport, reply_sport;
	uint8_t protocol;
	uint32_t status;
	const struct nlattr *orig, *id, *zone;
};

/* ---- wishes ---- */

static unsigned
bucket_of(uint8_t protocol, uint16_t port)
{
	return (port ^ port >> 8 ^ protocol) % BUCKETS;
}

static bool
same_match(const struct ct_match *a, const struct ct_match *b)
{
	return a->remote_host == b->remote_host && a->internal_client == b->internal_client &&
	       a->external_port == b->external_port && a->internal_port == b->internal_port &&
	       a->protocol == b->protocol && a->untranslated == b->untranslated &&
	       a->unreplied_only == b->unreplied_only;
}

static int
wishes_add(struct wishes *w, const struct ct_match *match)
{
	unsigned b = bucket_of(match->protocol, match->external_port);
	struct wish *wish;

	for (wish = w->bucket[b]; wish; wish = wish->next)
		if (same_match(&wish->match, match))
			return 0;
	wish = malloc(sizeof(*wish));
	if (!wish)
		return -ENOMEM;
	wish->match = *match;
	wish->next = w->bucket[b];
	w->bucket[b] = wish;
	if (w->n++ == 0) {
		w->any = &wish->match;
		w->same_port = w->same_kind = true;
	}
	w->same_port = w->same_port && match->protocol == w->any->protocol &&
		       match->external_port == w->any->external_port;
	w->same_kind = w->same_kind && match->unreplied_only == w->any->unreplied_only &&
		       match->untranslated == w->any->untranslated;
	return 0;
}

static void
wishes_clear(struct wishes *w)
{
	struct wish *wish;
	int b;

	for (b = 0; b < BUCKETS; b++)
		while ((wish = w->bucket[b])) {
			w->bucket[b] = wish->next;
			free(wish);
		}
	*w = (struct wishes){ 0 };
}

/* Nobody answered and nobody translated: it came before the mapping and would bypass it. Flows of
 * LAN hosts to that port elsewhere are translated at their source. */
static bool
is_stale(const struct flow *f)
{
	return !(f->status & (IPS_SEEN_REPLY | IPS_DST_NAT | IPS_SRC_NAT));
}

static bool
is_match(const struct ct_match *m, const struct flow *f)
{
	if (m->protocol != f->protocol || m->external_port != f->orig_dport ||
	    (m->remote_host && m->remote_host != f->orig_src))
		return false;
	if (m->unreplied_only)
		return is_stale(f);
	return !(f->status & IPS_DST_NAT) == m->untranslated &&
	       (!m->internal_client || m->internal_client == f->reply_src) &&
	       (!m->internal_port || m->internal_port == f->reply_sport);
}

static const struct ct_match *
find_wish(const struct wishes *w, const struct flow *f)
{
	const struct wish *wish;

	for (wish = w->bucket[bucket_of(f->protocol, f->orig_dport)]; wish; wish = wish->next)
		if (is_match(&wish->match, f))
			return &wish->match;
	return NULL;
}

bool
conntrack_has_port(const struct ct_ports *ports, uint8_t protocol, uint16_t port)
{
	return ports->bits[protocol == IPPROTO_UDP][port / 8] & 1u << port % 8;
}

static void
note_port(struct ct_ports *ports, const struct flow *f)
{
	uint16_t port = f->orig_dport;

	if ((f->protocol == IPPROTO_TCP || f->protocol == IPPROTO_UDP) && is_stale(f))
		ports->bits[f->protocol == IPPROTO_UDP][port / 8] |= (uint8_t)(1u << port % 8);
}

/* ---- reading a flow ---- */

static bool
parse_flow(const struct nlmsghdr *nlh, struct flow *f)
{
	const struct nlattr *tb[CTA_ZONE + 1];
	struct ct_tuple orig, reply;

	nfnl_parse(nlh, tb, sizeof(tb) / sizeof(tb[0]));
	if (!ct_parse_tuple(tb[CTA_TUPLE_ORIG], &orig) ||
	    !ct_parse_tuple(tb[CTA_TUPLE_REPLY], &reply))
		return false;
	*f = (struct flow){
		.orig_src = orig.src,
		.orig_sport = orig.sport,
		.orig_dport = orig.dport,
		.protocol = orig.protocol,
		.reply_src = reply.src,
		.reply_sport = reply.sport,
		.status = nfnl_u32(tb[CTA_STATUS]),
		.orig = tb[CTA_TUPLE_ORIG],
		.id = tb[CTA_ID],
		.zone = tb[CTA_ZONE],
	};
	return true;
}

/* ---- deleting ---- */

/* Sends the gathered deletes. Flows that ended by themselves meanwhile are told as errors. */
static void
flush_deletes(struct conntrack *ct)
{
	int len, rc;

	if (ct->out_n == 0)
		return;
	if (ct->ending && ct->n_ended)
		ct->ending(ct->ending_arg, ct->ended, ct->n_ended);
	ct->n_ended = 0;
	rc = nfnl_send(&ct->del, ct->out, ct->out_len);
	if (rc < 0)
		log_warn("conntrack: delete: %s", strerror(-rc));
	else
		ct->forgotten += ct->out_n;
	ct->out_len = 0;
	ct->out_n = 0;
	while (rc == 0 && (len = nfnl_recv(&ct->del)) > 0) {
		const struct nlmsghdr *nlh = (const void *)ct->del.rx;

		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			if (nlh->nlmsg_type == NLMSG_ERROR && nfnl_error(nlh) < 0)
				ct->forgotten--;
	}
}

static void
copy_attr(struct nlmsghdr *nlh, const struct nlattr *attr)
{
	if (attr)
		mnl_attr_put(nlh, attr->nla_type, mnl_attr_get_payload_len(attr),
		    mnl_attr_get_payload(attr));
}

/*
 * By the whole original tuple and the id, so that no later flow with the same tuple is hit.
 * @ended: with its mapping.
 */
static void
delete_flow(struct conntrack *ct, const struct flow *f, bool ended)
{
	struct nlmsghdr *nlh;

	if (mnl_attr_get_len(f->orig) > DELETE_ROOM / 2)
		return;
	if (ct->out_len + DELETE_ROOM > DELETE_SIZE || ct->n_ended == NFT_CHANGES_MAX)
		flush_deletes(ct);
	if (f->protocol == IPPROTO_TCP && ended)
		ct->ended[ct->n_ended++] = (struct nft_flow){
			.inside = addr6_from4(f->reply_src),
			.peer = addr6_from4(f->orig_src),
			.inside_port = f->reply_sport,
			.peer_port = f->orig_sport,
		};
	nlh = nfnl_ask_begin(
	    ct->out + ct->out_len, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 0, AF_INET);
	nlh->nlmsg_seq = ++ct->del.seq;
	copy_attr(nlh, f->orig);
	copy_attr(nlh, f->id);
	copy_attr(nlh, f->zone);
	ct->out_len += NLMSG_ALIGN(nlh->nlmsg_len);
	ct->out_n++;
}

/* ---- sweeping ---- */

/* Only translated flows, or only untranslated ones, or of those the ones without an answer. */
static void
put_status_filter(struct nlmsghdr *nlh, bool unreplied, bool untranslated)
{
	uint32_t mask = unreplied ? IPS_SEEN_REPLY | IPS_DST_NAT | IPS_SRC_NAT : IPS_DST_NAT;

	mnl_attr_put_u32(nlh, CTA_STATUS, htonl(unreplied || untranslated ? 0 : IPS_DST_NAT));
	mnl_attr_put_u32(nlh, CTA_F_STATUS_MASK, htonl(mask));
}

static int
start_dump(struct conntrack *ct)
{
	char buf[NFNL_ASK_SIZE];
	struct nlmsghdr *nlh = nfnl_ask_begin(
	    buf, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_INET);
	const struct wishes *w = &ct->now;

	if (!ct->unfiltered && w->same_port && !w->ports)
		ct_put_port_filter(nlh, w->any->protocol, w->any->external_port);
	if (!ct->unfiltered && w->n == 0)
		put_status_filter(nlh, true, false);
	else if (!ct->unfiltered && w->same_kind && (!w->ports || w->any->unreplied_only))
		put_status_filter(nlh, w->any->unreplied_only, w->any->untranslated);
	nlh->nlmsg_seq = ++ct->dump.seq;
	return nfnl_send(&ct->dump, nlh, nlh->nlmsg_len);
}

/* The sweep has failed; its wishes wait for the next one. */
static int
fail_sweep(struct conntrack *ct, int err)
{
	struct wish *wish;
	int b;

	log_warn("connection tracking: flows could not be looked through: %s", strerror(-err));
	for (b = 0; b < BUCKETS; b++)
		for (wish = ct->now.bucket[b]; wish; wish = wish->next)
			wishes_add(&ct->next, &wish->match);
	if (!ct->next.ports)
		ct->next.ports = ct->now.ports;
	wishes_clear(&ct->now);
	return err;
}

int
conntrack_sweep(struct conntrack *ct)
{
	int rc;

	if (ct->sweeping) {
		ct->again = true;
		return 0;
	}
	if (ct->next.n == 0 && !ct->next.ports)
		return 0;
	ct->now = ct->next;
	ct->next = (struct wishes){ 0 };
	rc = start_dump(ct);
	ct->sweeping = rc == 0;
	return rc < 0 ? fail_sweep(ct, rc) : 0;
}

/* The dump has ended with @err. A kernel that does not know our filter is asked without. */
static int
end_sweep(struct conntrack *ct, int err)
{
	flush_deletes(ct);
	ct->sweeping = false;
	if ((err == -EINVAL || err == -EOPNOTSUPP) && !ct->unfiltered) {
		ct->unfiltered = true;
		err = start_dump(ct);
		ct->sweeping = err == 0;
		if (err == 0)
			return 0;
	}
	if (err < 0) {
		ct->again = false;
		return fail_sweep(ct, err);
	}
	if (ct->now.ports)
		ct->now.ports->complete = true;
	wishes_clear(&ct->now);
	if (!ct->again)
		return 0;
	ct->again = false;
	return conntrack_sweep(ct);
}

static int
on_message(struct conntrack *ct, const struct nlmsghdr *nlh)
{
	const struct ct_match *match;
	struct flow flow;

	if (nlh->nlmsg_type == NLMSG_ERROR)
		return end_sweep(ct, nfnl_error(nlh));
	if (nlh->nlmsg_type == NLMSG_DONE)
		return end_sweep(ct, 0);
	if (!parse_flow(nlh, &flow))
		return 0;
	if (ct->now.ports)
		note_port(ct->now.ports, &flow);
	match = find_wish(&ct->now, &flow);
	if (match)
		delete_flow(ct, &flow, !match->unreplied_only);
	return 0;
}

int
conntrack_read(struct conntrack *ct)
{
	const struct nlmsghdr *nlh = (const void *)ct->dump.rx;
	uint32_t seq = ct->dump.seq;
	int len = nfnl_recv(&ct->dump), rc = 0;

	if (len < 0)
		return len == -EAGAIN ? 0 : ct->sweeping ? end_sweep(ct, len) : len;
	for (; mnl_nlmsg_ok(nlh, len) && rc == 0; nlh = mnl_nlmsg_next(nlh, &len))
		if (nlh->nlmsg_seq == seq && ct->sweeping)
			rc = on_message(ct, nlh);
	flush_deletes(ct);
	return rc;
}

/* ---- life ---- */

int
conntrack_forget(struct conntrack *ct, const struct ct_match *match)
{
	struct ct_match m;

	memset(&m, 0, sizeof(m)); /* padding, too: wishes are compared as a whole */
	m.remote_host = match->remote_host;
	m.internal_client = match->internal_client;
	m.external_port = match->external_port;
	m.internal_port = match->internal_port;
	m.protocol = match->protocol;
	m.untranslated = match->untranslated;
	m.unreplied_only = match->unreplied_only;
	return wishes_add(&ct->next, &m);
}

void
conntrack_survey(struct conntrack *ct, struct ct_ports *ports)
{
	*ports = (struct ct_ports){ 0 };
	ct->now.ports = NULL; /* of a sweep under way: it began too early */
	ct->next.ports = ports;
}

int
conntrack_fd(const struct conntrack *ct)
{
	return ct->dump.fd;
}

uint64_t
conntrack_forgotten(const struct conntrack *ct)
{
	return ct->forgotten;
}

struct conntrack *
conntrack_new(ct_ending_fn ending, void *arg)
{
	struct conntrack *ct = calloc(1, sizeof(*ct));
	int rc = -ENOMEM;

	if (ct) {
		ct->dump.fd = ct->del.fd = -1;
		ct->ending = ending;
		ct->ending_arg = arg;
		ct->out = malloc(DELETE_SIZE);
		rc = ct->out ? nfnl_open(&ct->dump) : -ENOMEM;
	}
	if (rc == 0)
		rc = nfnl_open(&ct->del);
	if (rc == 0)
		return ct;
	log_error("connection tracking cannot be used: %s", strerror(-rc));
	conntrack_free(ct);
	return NULL;
}

void
conntrack_free(struct conntrack *ct)
{
	if (!ct)
		return;
	wishes_clear(&ct->now);
	wishes_clear(&ct->next);
	nfnl_close(&ct->dump);
	nfnl_close(&ct->del);
	free(ct->out);
	free(ct);
}
