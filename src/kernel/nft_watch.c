/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/utf8.h"

#define DATAGRAMS_PER_READ 64 /* then the event loop has its turn */

/* Drops what carries our port id: all messages of a datagram are of one transaction. */
static void
ignore_own_changes(struct nft_watch *w)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(w->own_portid), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	/* Only to save wake-ups: on_generation() knows our changes anyway. */
	setsockopt(w->nl.fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

static int
set_group(struct nft_watch *w, int option)
{
	int group = NFNLGRP_NFTABLES;

	return setsockopt(w->nl.fd, SOL_NETLINK, option, &group, sizeof(group)) < 0 ? -errno : 0;
}

int
nft_watch_resume(struct nft_watch *w)
{
	return set_group(w, NETLINK_ADD_MEMBERSHIP);
}

void
nft_watch_pause(struct nft_watch *w)
{
	set_group(w, NETLINK_DROP_MEMBERSHIP);
}

int
nft_watch_open(struct nft_watch *w, uint32_t own_portid, const struct nft_config *config)
{
	int rc;

	*w = (struct nft_watch){ .own_portid = own_portid, .config = config };
	rc = nfnl_open(&w->nl);
	if (rc < 0)
		return rc;
	ignore_own_changes(w);
	rc = nft_watch_resume(w);
	if (rc < 0)
		nft_watch_close(w);
	return rc;
}

void
nft_watch_close(struct nft_watch *w)
{
	nfnl_close(&w->nl);
}

/* The attribute @type of @nlh as a string, or "". */
static const char *
get_str(const struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == type &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			return mnl_attr_get_str(attr);
	}
	return "";
}

static unsigned
count_elems(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr, *child;
	unsigned n = 0;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested(child, attr) n++;
	}
	return n;
}

/* Is the event about the joined chain @c: its rules, the chain itself, or its whole table? */
static bool
is_about(const struct nlmsghdr *nlh, const struct nft_chain_ref *c)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	if (nfg->nfgen_family != c->family || strcmp(get_str(nlh, 1), c->table) != 0)
		return false;
	switch (NFNL_MSG_TYPE(nlh->nlmsg_type)) {
	case NFT_MSG_NEWTABLE:
	case NFT_MSG_DELTABLE:
		return true;
	case NFT_MSG_NEWCHAIN:
	case NFT_MSG_DELCHAIN:
		return strcmp(get_str(nlh, NFTA_CHAIN_NAME), c->chain) == 0;
	case NFT_MSG_NEWRULE:
	case NFT_MSG_DELRULE:
		return strcmp(get_str(nlh, NFTA_RULE_CHAIN), c->chain) == 0;
	}
	return false;
}

static void
look_for_joined(struct nft_watch *w, const struct nlmsghdr *nlh)
{
	size_t i;

	for (i = 0; !w->tally.joined && i < w->config->n_joins; i++)
		w->tally.joined = is_about(nlh, &w->config->joins[i]);
}

/* The table's name is the first attribute of all of these. */
static void
count(struct nft_watch *w, const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	enum nft_watch_object object;
	unsigned n = 1;
	bool removed;

	if (nfg->nfgen_family != NFPROTO_INET || strcmp(get_str(nlh, 1), NFT_TABLE) != 0)
		return;
	switch (NFNL_MSG_TYPE(nlh->nlmsg_type)) {
	case NFT_MSG_NEWTABLE:
	case NFT_MSG_DELTABLE:
		object = WATCH_TABLE;
		break;
	case NFT_MSG_NEWCHAIN:
	case NFT_MSG_DELCHAIN:
		object = WATCH_CHAIN;
		break;
	case NFT_MSG_NEWRULE:
	case NFT_MSG_DELRULE:
		object = WATCH_RULE;
		break;
	case NFT_MSG_NEWSET:
	case NFT_MSG_DELSET:
		object = WATCH_SET;
		break;
	case NFT_MSG_NEWSETELEM:
	case NFT_MSG_DELSETELEM:
		object = WATCH_ELEMENT;
		n = count_elems(nlh);
		snprintf(
		    w->tally.set, sizeof(w->tally.set), "%s", get_str(nlh, NFTA_SET_ELEM_LIST_SET));
		break;
	default:
		return;
	}
	removed = NFNL_MSG_TYPE(nlh->nlmsg_type) % 3 == 2; /* NEW, GET, DEL, NEW, ... */
	*(removed ? &w->tally.removed[object] : &w->tally.added[object]) += n;
}

/* Says the weightiest thing: removals before additions, the whole before its parts. */
static bool
describe(const struct nft_watch_tally *t, char *what, size_t size)
{
	static const char *const names[] = { "table", "chain", "rule", "set", "element" };
	unsigned i, n;

	if (t->removed[WATCH_TABLE]) {
		snprintf(what, size, t->added[WATCH_TABLE] ? "table replaced" : "table deleted");
		return true;
	}
	for (i = 0; i < 2 * WATCH_OBJECTS; i++) {
		const char *name = names[i % WATCH_OBJECTS];
		bool removed = i < WATCH_OBJECTS;

		n = removed ? t->removed[i] : t->added[i % WATCH_OBJECTS];
		if (n == 0)
			continue;
		if (!removed && i % WATCH_OBJECTS == WATCH_TABLE)
			snprintf(what, size, "table changed");
		else if (i % WATCH_OBJECTS == WATCH_ELEMENT)
			snprintf(what, size, "%u element%s %s %s", n, n == 1 ? "" : "s",
			    removed ? "removed from" : "added to", t->set);
		else
			snprintf(what, size, "%u %s%s %s", n, name, n == 1 ? "" : "s",
			    removed ? "removed" : "added");
		return true;
	}
	return false;
}

/* NEWGEN closes the events of a transaction and names its maker. */
static int
on_generation(struct nft_watch *w, const struct nlmsghdr *nlh, struct nft_culprit *culprit)
{
	struct nft_watch_tally tally = w->tally;
	const struct nlattr *attr;

	w->tally = (struct nft_watch_tally){ 0 };
	*culprit = (struct nft_culprit){ 0 };
	if (nlh->nlmsg_pid == w->own_portid)
		return 0;
	culprit->table = describe(&tally, culprit->what, sizeof(culprit->what));
	culprit->joined = tally.joined;
	if (!culprit->table && !culprit->joined)
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFTA_GEN_PROC_PID &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			culprit->pid = ntohl(mnl_attr_get_u32(attr));
	}
	snprintf(culprit->name, sizeof(culprit->name), "%s", get_str(nlh, NFTA_GEN_PROC_NAME));
	utf8_sanitize(culprit->name); /* a process may call itself anything */
	return 1;
}

int
nft_watch_event(struct nft_watch *w, const struct nlmsghdr *nlh, struct nft_culprit *culprit)
{
	if (NFNL_SUBSYS_ID(nlh->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg))
		return 0;
	if (NFNL_MSG_TYPE(nlh->nlmsg_type) == NFT_MSG_NEWGEN)
		return on_generation(w, nlh, culprit);
	if (nlh->nlmsg_pid != w->own_portid) {
		count(w, nlh);
		look_for_joined(w, nlh);
	}
	return 0;
}

/* The end of a foreign transaction stands alone in its datagram, so nothing follows it there. */
int
nft_watch_read(struct nft_watch *w, struct nft_culprit *culprit)
{
	int n, len, found = 0;

	for (n = 0; n < DATAGRAMS_PER_READ && !found; n++) {
		const struct nlmsghdr *nlh = (const void *)w->nl.rx;

		len = nfnl_recv(&w->nl);
		if (len == -EAGAIN)
			return 0;
		if (len < 0) {
			w->tally = (struct nft_watch_tally){ 0 };
			return len;
		}
		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			found |= nft_watch_event(w, nlh, culprit);
	}
	return found;
}
