/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns the list of what was changed. Decides from configuration and snapshot what is wanted. */
#include "core/share.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/wan.h"
#include "lib/log.h"

#define NETWORKS_TRIED 64

struct share {
	struct core *core;
	struct undo *undo;
	bool no_room;  /* no free network: was said */
	bool too_many; /* LANs for the prefix: was said */
	bool is_open;  /* IPv6 without a firewall: was said */
};

static const struct undo_ops real_ops = { setting_get, setting_set };

/* ---- what is wanted; pure ---- */

static void
name_address(char name[SETTING_NAME_MAX], const char *ifname, const struct prefix4 *prefix)
{
	char text[PREFIX4_STRLEN];

	snprintf(name, SETTING_NAME_MAX, "address:%s:%s", ifname, prefix4_str(prefix, text));
}

static bool
overlap(const struct prefix4 *a, const struct prefix4 *b)
{
	const struct prefix4 *wider = a->len < b->len ? a : b;

	return prefix4_contains(wider, wider == a ? b->addr : a->addr);
}

/* Is some of @prefix in use on another interface than @ifname, or in @taken? */
static bool
in_use(const struct prefix4 *prefix, const struct netlink *nl, const char *ifname,
    const struct prefix4 *taken, size_t n_taken)
{
	const struct netlink_if *ifp = NULL;
	size_t i;

	for (i = 0; i < n_taken; i++)
		if (overlap(prefix, &taken[i]))
			return true;
	while ((ifp = netlink_next(nl, ifp)))
		for (i = 0; strcmp(ifp->name, ifname) != 0 && i < ifp->n_addrs; i++)
			if (overlap(prefix, &ifp->addrs[i]))
				return true;
	return false;
}

static bool
has_address_of_others(const struct netlink_if *ifp, const struct undo *undo)
{
	char name[SETTING_NAME_MAX];
	size_t i;

	for (i = 0; i < ifp->n_addrs; i++) {
		name_address(name, ifp->name, &ifp->addrs[i]);
		if (!undo_is_ours(undo, name))
			return true;
	}
	return false;
}

bool
share_pick_address(const struct conf *conf, const struct netlink *nl, const struct undo *undo,
    const char *ifname, const struct prefix4 *taken, size_t n_taken, struct prefix4 *out)
{
	const struct netlink_if *ifp = netlink_find(nl, ifname);
	struct prefix4 prefix = conf->lan_address;
	char name[SETTING_NAME_MAX];
	bool found = false;
	size_t i;

	if (!ifp || has_address_of_others(ifp, undo) || prefix.len == 0)
		return false;
	for (i = 0; i < NETWORKS_TRIED; i++) {
		if (!in_use(&prefix, nl, ifname, taken, n_taken)) {
			name_address(name, ifname, &prefix);
			if (!found || undo_is_ours(undo, name))
				*out = prefix;
			found = true;
			if (undo_is_ours(undo, name))
				break;
		}
		prefix.addr += ~prefix4_mask(prefix.len) + 1;
	}
	return found;
}

bool
share_subnet6(const struct prefix6 *prefix, size_t n, struct prefix6 *out)
{
	uint64_t network = 0;
	size_t i;

	if (prefix->len > 64 || (prefix->len > 48 && n >> (64 - prefix->len)))
		return false;
	for (i = 0; i < 8; i++)
		network = network << 8 | prefix->addr.octet[i];
	network |= n;
	memset(out, 0, sizeof(*out));
	for (i = 8; i--; network >>= 8)
		out->addr.octet[i] = (uint8_t)network;
	out->addr.octet[15] = 1;
	out->len = 64;
	return true;
}

/* ---- IPv4 ---- */

static void
want_address(struct share *share, const struct netlink_if *ifp, const struct prefix4 *prefix)
{
	char address[SETTING_NAME_MAX], link[SETTING_NAME_MAX];

	name_address(address, ifp->name, prefix);
	snprintf(link, sizeof(link), "link:%s", ifp->name);
	/* Who takes it down later means it. */
	if (!ifp->up && !undo_is_ours(share->undo, address))
		undo_want(share->undo, link, "up");
	else
		undo_keep(share->undo, link);
	undo_want(share->undo, address, "present");
}

static void
want_addresses(struct share *share, const struct netlink *nl)
{
	const struct conf *conf = &share->core->conf;
	struct prefix4 taken[CONF_LANS_MAX];
	char link[SETTING_NAME_MAX];
	const char *ifname;
	bool no_room = false;
	size_t i, n = 0;

	for (i = 0; i < conf->n_lans; i++) {
		ifname = conf->lans[i];
		if (strcmp(ifname, wan_ifname(share->core->wan)) == 0)
			continue;
		if (share_pick_address(conf, nl, share->undo, ifname, taken, n, &taken[n])) {
			want_address(share, netlink_find(nl, ifname), &taken[n]);
			n++;
		} else if (netlink_find(nl, ifname)) {
			no_room = no_room || !netlink_find(nl, ifname)->n_addrs;
			/* Who gave it an address does not want it down when we go. */
			snprintf(link, sizeof(link), "link:%s", ifname);
			undo_forget(share->undo, link);
		}
	}
	if (no_room && !share->no_room)
		log_warn("lan_address: this network and those that follow are in use; a LAN stays "
			 "without an address");
	share->no_room = no_room;
}

/* ---- IPv6 ---- */

/* RFC 4861 6.2.7 forbids a router to configure itself by others' advertisements; 2 allows it. */
static void
want_accept_ra(struct share *share)
{
	const char *wan = wan_ifname(share->core->wan);
	char name[SETTING_NAME_MAX], value[SETTING_VALUE_MAX];

	if (!*wan)
		return;
	snprintf(name, sizeof(name), "sysctl:net/ipv6/conf/%s/accept_ra", wan);
	if (undo_is_ours(share->undo, name) ||
	    (setting_get(name, value) == 0 && strcmp(value, "1") == 0))
		undo_want(share->undo, name, "2");
}

static void
want_networks6(struct share *share, const struct netlink *nl)
{
	const struct conf *conf = &share->core->conf;
	char name[SETTING_NAME_MAX], text[ADDR6_STRLEN];
	struct prefix6 prefix;
	bool too_many = false;
	size_t i, n = 0;

	for (i = 0; i < conf->n_lans; i++) {
		if (strcmp(conf->lans[i], wan_ifname(share->core->wan)) == 0)
			continue;
		if (!share_subnet6(&conf->lan_prefix6.prefix, n++, &prefix)) {
			too_many = true;
			break;
		}
		if (!netlink_find(nl, conf->lans[i]))
			continue;
		snprintf(name, sizeof(name), "address:%s:%s/64", conf->lans[i],
		    addr6_str(&prefix.addr, text));
		undo_want(share->undo, name, "present");
	}
	if (too_many && !share->too_many)
		log_warn("lan_prefix6: has fewer networks than there are LANs");
	share->too_many = too_many;
}

static bool
shares_ipv6(const struct conf *conf)
{
	return conf->share && (conf->lan_prefix6.automatic || conf->lan_prefix6.prefix.len);
}

static void
want_ipv6(struct share *share, const struct netlink *nl)
{
	const struct conf *conf = &share->core->conf;
	bool is_open = shares_ipv6(conf) && conf->firewall == CONF_FIREWALL_OFF;

	if (is_open && !share->is_open)
		log_warn("the LANs' hosts can be reached from the Internet by IPv6: firewall = own "
			 "would close that, if no other ruleset does");
	share->is_open = is_open;
	if (!shares_ipv6(conf))
		return;
	/* Before forwarding is on: else the kernel forgets what the provider has advertised. */
	want_accept_ra(share);
	undo_want(share->undo, "sysctl:net/ipv6/conf/all/forwarding", "1");
	if (!conf->lan_prefix6.automatic)
		want_networks6(share, nl);
}

bool
share_has_ipv6(const struct core *core, const struct lan *lan)
{
	size_t i;

	for (i = 0; shares_ipv6(&core->conf) && i < lan->n_prefixes6; i++)
		if (lan->prefixes6[i].len == 64)
			return true;
	return false;
}

/* ---- life ---- */

void
share_update(struct core *core, const struct netlink *nl)
{
	struct share *share = core->share;

	undo_begin(share->undo);
	if (core->conf.share) {
		undo_want(share->undo, "sysctl:net/ipv4/ip_forward", "1");
		want_addresses(share, nl);
		want_ipv6(share, nl);
	}
	undo_end(share->undo);
}

struct share *
share_new(struct core *core)
{
	struct share *share = calloc(1, sizeof(*share));

	if (!share)
		return NULL;
	share->core = core;
	share->undo = undo_new(core->opt.run_dir, &real_ops);
	if (!share->undo) {
		free(share);
		return NULL;
	}
	return share;
}

void
share_free(struct share *share, bool put_back)
{
	if (!share)
		return;
	if (put_back)
		undo_all(share->undo);
	undo_free(share->undo);
	free(share);
}
