/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns the list of what was changed. Decides from configuration and snapshot what is wanted. */
#include "core/share.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/notify.h"
#include "core/share_plan.h"
#include "core/wan.h"
#include "kernel/foreign.h"
#include "lib/log.h"
#include "lib/utf8.h"

struct share {
	struct core *core;
	struct undo *undo;
	bool others_translate; /* and we leave it to them */
	bool no_room;          /* no free network: was said */
	bool too_many;         /* LANs for the prefix: was said */
	bool is_open;          /* IPv6 without a firewall: was said */
};

static const struct undo_ops real_ops = { setting_get, setting_set };

/* ---- IPv4 ---- */

static void
want_address(struct share *share, const struct netlink_if *ifp, const struct prefix4 *prefix)
{
	char address[SETTING_NAME_MAX], link[SETTING_NAME_MAX];

	share_plan_name(address, ifp->name, prefix);
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
		if (share_plan_address(conf, nl, share->undo, ifname, taken, n, &taken[n])) {
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
		if (!share_plan_subnet6(&conf->lan_prefix6.prefix, n++, &prefix)) {
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

/* ---- who translates ---- */

/* The rule of somebody else that translates all that comes from @lan, which may have no address. */
static bool
find_nat(const struct core *core, const struct foreign *foreign, const struct lan *lan,
    struct foreign_nat *nat)
{
	struct foreign_packet out = { .family = NFPROTO_IPV4,
		.protocol = IPPROTO_TCP,
		.to = FOREIGN_TO_OTHERS,
		.src_len = lan->prefix.len };
	uint32_t be = htonl(lan->prefix.addr & prefix4_mask(lan->prefix.len));

	memcpy(out.src, &be, sizeof(be));
	snprintf(out.iif, sizeof(out.iif), "%s", lan->ifname);
	snprintf(out.oif, sizeof(out.oif), "%s", wan_ifname(core->wan));
	out.iifindex = if_nametoindex(out.iif);
	out.oifindex = if_nametoindex(out.oif);
	return foreign_translates(foreign, &out, NF_INET_POST_ROUTING, FOREIGN_NAT_SOURCE,
		   INT32_MIN, INT32_MAX, nat) &&
	       nat->all;
}

static bool
others_translate(const struct core *core, struct foreign_nat *nat)
{
	struct foreign *foreign = NULL;
	const struct lan *lan;
	bool found = false;
	size_t i;
	int rc;

	if (!core->conf.share || !*wan_ifname(core->wan))
		return false;
	rc = foreign_read(&foreign);
	if (rc < 0) {
		log_warn("the rules of others cannot be read: %s", strerror(-rc));
		return false;
	}
	for (i = 0; !found && (lan = lans_at(core->lans, i)); i++)
		found = find_nat(core, foreign, lan, nat);
	foreign_free(foreign);
	return found;
}

bool
share_look_for_nat(struct core *core)
{
	struct share *share = core->share;
	struct foreign_nat nat;
	bool others = others_translate(core, &nat);
	char text[2 * FOREIGN_NAME_MAX + 96];

	if (others == share->others_translate)
		return false;
	share->others_translate = others;
	if (others)
		snprintf(text, sizeof(text),
		    "table %s %s, chain %s, translates for the LANs already, so we do not",
		    foreign_family_str(nat.place.family), nat.place.table, nat.place.chain);
	else
		snprintf(text, sizeof(text), "nobody else translates for the LANs any more");
	utf8_sanitize(text);
	log_warn("%s", text);
	notify_state(core, "nat", text);
	return true;
}

bool
share_masquerades(const struct core *core)
{
	return core->conf.share && !(core->share && core->share->others_translate);
}

const char *
share_nat_str(const struct core *core)
{
	if (!core->conf.share)
		return "off";
	return share_masquerades(core) ? "ours" : "others";
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
