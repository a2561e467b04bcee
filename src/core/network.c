/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns the rtnetlink monitor, and carries its news around. */
#include "core/network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/connection.h"
#include "core/dhcp.h"
#include "core/heal.h"
#include "core/lan.h"
#include "core/notify.h"
#include "core/parent.h"
#include "core/share.h"
#include "core/wan.h"
#include "lib/compiler.h"
#include "lib/log.h"
#include "platform/netlink.h"

#define ETHERNET_MTU 1500

struct network {
	struct core *core;
	struct netlink *nl;
	struct event *readable;
	struct nft_net told; /* to nft */
};

/* ---- packet filter ---- */

static bool
is_configured(const struct conf *conf, const char *ifname)
{
	size_t i;

	for (i = 0; i < conf->n_lans; i++)
		if (strcmp(conf->lans[i], ifname) == 0)
			return true;
	return false;
}

/*
 * Whose packets are smaller than those of others of ours, or of most links on the way: hosts on the
 * other side announce segments that do not fit, and who filters the ICMP errors that say so loses
 * the connection.
 */
static void
clamp_fill(const struct core *core, struct nft_net *net)
{
	const struct netlink_if *ifs[1 + CONF_LANS_MAX];
	uint32_t largest = ETHERNET_MTU;
	size_t n = 0, i;

	if (!heal_clamps(&core->conf))
		return;
	ifs[n++] = netlink_find(core->network->nl, net->wan);
	for (i = 0; i < net->n_lans; i++)
		ifs[n++] = netlink_find(core->network->nl, net->lans[i]);
	for (i = 0; i < n; i++)
		if (ifs[i] && ifs[i]->mtu > largest)
			largest = ifs[i]->mtu;
	for (i = 0; i < n; i++)
		if (ifs[i] && (core->conf.clamp_mss == CONF_YES || ifs[i]->mtu < largest))
			memcpy(net->clamp[net->n_clamp++], ifs[i]->name, IFNAMSIZ);
}

/*
 * Rules match names, so a configured LAN that is not there at the moment needs no change when it
 * comes back.
 */
static void
net_fill(const struct core *core, struct nft_net *net)
{
	const char *wan = wan_ifname(core->wan);
	const struct lan *lan;
	size_t i;

	memset(net, 0, sizeof(*net));
	snprintf(net->wan, sizeof(net->wan), "%s", wan);
	net->n_wan_addrs = wan_addresses(
	    core->wan, net->wan_addrs, sizeof(net->wan_addrs) / sizeof(net->wan_addrs[0]));
	for (i = 0; (lan = lans_at(core->lans, i)) && net->n_lans < CONF_LANS_MAX; i++)
		if (strcmp(lan->ifname, wan) != 0 &&
		    (lan->serving || is_configured(&core->conf, lan->ifname)))
			memcpy(net->lans[net->n_lans++], lan->ifname, IFNAMSIZ);
	clamp_fill(core, net);
}

void
network_tell_nft(struct core *core)
{
	struct network *network = core->network;
	int rc;

	net_fill(core, &network->told);
	rc = core->nft->set_net(core->nft, &network->told);
	if (rc < 0 && core->heal)
		heal_soon(core); /* the table was lost; it comes back with the net just told */
}

/* ---- news ---- */

static void
on_lan_changed(void *arg, const struct lan *lan)
{
	struct core *core = arg;
	char prefix[PREFIX4_STRLEN], text[64];

	if (core->parent)
		parent_tell_lan(core, lan);
	snprintf(text, sizeof(text), "%s is %s %s", lan->ifname,
	    lan->serving ? "served at" : "not served",
	    lan->serving ? prefix4_str(&lan->prefix, prefix) : "now");
	notify_state(core, "lan", text);
}

static void
tell_wan(struct core *core)
{
	char address[ADDR4_STRLEN], text[96];

	snprintf(text, sizeof(text), "%s is %s, address %s",
	    wan_ifname(core->wan)[0] ? wan_ifname(core->wan) : "the WAN",
	    wan_status(core->wan) == MSG_WAN_CONNECTED ? "connected" : "not connected",
	    addr4_str(wan_external_address(core->wan), address));
	notify_state(core, "wan", text);
}

void
network_update(struct core *core)
{
	struct network *network = core->network;
	struct nft_net net;
	int lan_changes;
	bool other_wan, changed = wan_update(core->wan, &core->conf, network->nl, core->now_ms());

	share_update(core, network->nl);
	connection_wan_changed(core);
	if (changed)
		tell_wan(core);
	lan_changes = lans_update(
	    core->lans, &core->conf, network->nl, wan_ifname(core->wan), on_lan_changed, core);
	dhcp_update(core);
	net_fill(core, &net);
	other_wan = strcmp(net.wan, network->told.wan) != 0;
	if (memcmp(&net, &network->told, sizeof(net)) != 0)
		network_tell_nft(core);
	if (core->heal && (other_wan || lan_changes) && share_look_for_nat(core) &&
	    heal_replace_nft(core) < 0)
		log_error("others translate, or do not any more, and our table does not follow");
}

const char *
network_default_route(const struct core *core)
{
	const struct netlink_if *ifp = netlink_default(core->network->nl);

	return ifp ? ifp->name : "";
}

bool
network_is_ours6(const struct core *core, const struct addr6 *addr)
{
	const struct netlink_if *ifp = NULL;
	size_t i;

	while ((ifp = netlink_next(core->network->nl, ifp)))
		for (i = 0; i < ifp->n_addrs6; i++)
			if (addr6_same(&ifp->addrs6[i].addr, addr))
				return true;
	return false;
}

static void
on_readable(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct network *network = arg;

	if (netlink_read(network->nl) > 0)
		network_update(network->core);
}

/* ---- life ---- */

struct network *
network_new(struct core *core)
{
	struct network *network = calloc(1, sizeof(*network));

	if (!network)
		return NULL;
	network->core = core;
	core->wan = wan_new();
	core->lans = lans_new();
	network->nl = netlink_new();
	if (core->wan && core->lans && network->nl)
		network->readable = event_new(core->base, netlink_fd(network->nl),
		    EV_READ | EV_PERSIST, on_readable, network);
	if (!network->readable || event_add(network->readable, NULL) < 0) {
		log_error("the network cannot be watched");
		network_free(network);
		return NULL;
	}
	core->network = network;
	network_update(core);
	network_tell_nft(core);
	return network;
}

void
network_free(struct network *network)
{
	if (!network)
		return;
	if (network->readable)
		event_free(network->readable);
	netlink_free(network->nl);
	lans_free(network->core->lans);
	wan_free(network->core->wan);
	network->core->lans = NULL;
	network->core->wan = NULL;
	free(network);
}
