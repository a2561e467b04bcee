/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns what we say of the WAN. Decides from a netlink snapshot alone: no I/O, no clock of its own.
 */
#include "core/wan.h"
#include "lib/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wan_state {
	char ifname[IFNAMSIZ];
	uint32_t ifindex; /* 0: there is no such interface now */
	bool up;
	bool running;
	bool ppp;
	uint32_t address; /* the first one usable; 0: none */
	uint32_t addrs[NETLINK_ADDRS_MAX];
	size_t n_addrs;
	uint32_t configured_address; /* external_address; 0: none */
};

struct wan {
	struct wan_state now;
	int64_t connected_ms; /* when this connection began, if there is one */
	char said[256];       /* what was last logged */
};

struct wan *
wan_new(void)
{
	struct wan *wan = calloc(1, sizeof(*wan));

	if (!wan)
		log_error("WAN: out of memory");
	return wan;
}

void
wan_free(struct wan *wan)
{
	free(wan);
}

/* Somebody out there can send to it, be it through further translation. */
static bool
is_usable(uint32_t addr)
{
	switch (addr4_kind(addr)) {
	case ADDR4_PUBLIC:
	case ADDR4_PRIVATE:
	case ADDR4_SHARED:
	case ADDR4_DOCUMENTATION:
		return true;
	case ADDR4_LINK_LOCAL:
	case ADDR4_LOOPBACK:
	case ADDR4_SPECIAL:
		return false;
	}
	return false;
}

static enum msg_wan_status
status_of(const struct wan_state *s)
{
	if (!s->ifname[0])
		return MSG_WAN_UNCONFIGURED;
	return s->up && s->running && s->address ? MSG_WAN_CONNECTED : MSG_WAN_DISCONNECTED;
}

/*
 * The configured interface, else the default route's. While there is no default route the last one
 * stays: a line that dials again is the same WAN, and mappings wait for it.
 */
static void
choose_ifname(char ifname[IFNAMSIZ], const struct conf *conf, const struct netlink *nl)
{
	const struct netlink_if *route;

	if (conf->wan[0]) {
		memcpy(ifname, conf->wan, IFNAMSIZ);
		return;
	}
	route = netlink_default(nl);
	if (route && !route->loopback)
		memcpy(ifname, route->name, IFNAMSIZ);
}

/* Of a link that is not there: as it was last, else as pppd names its own. */
static bool
was_ppp(const struct wan_state *before, const char *ifname)
{
	if (strcmp(before->ifname, ifname) == 0)
		return before->ppp;
	return strncmp(ifname, "ppp", 3) == 0;
}

static void
look(struct wan_state *s, const struct wan_state *before, const struct conf *conf,
    const struct netlink *nl)
{
	const struct netlink_if *ifp;
	size_t i;

	choose_ifname(s->ifname, conf, nl);
	s->configured_address = conf->external_address;
	ifp = s->ifname[0] ? netlink_find(nl, s->ifname) : NULL;
	s->ppp = ifp ? ifp->ppp : was_ppp(before, s->ifname);
	if (!ifp)
		return;
	s->ifindex = ifp->index;
	s->up = ifp->up;
	s->running = ifp->running;
	for (i = 0; i < ifp->n_addrs; i++) {
		s->addrs[s->n_addrs++] = ifp->addrs[i].addr;
		if (!s->address && is_usable(ifp->addrs[i].addr))
			s->address = ifp->addrs[i].addr;
	}
}

static bool
same_state(const struct wan_state *a, const struct wan_state *b)
{
	return strcmp(a->ifname, b->ifname) == 0 && a->ifindex == b->ifindex && a->up == b->up &&
	       a->running == b->running && a->ppp == b->ppp && a->address == b->address &&
	       a->configured_address == b->configured_address && a->n_addrs == b->n_addrs &&
	       memcmp(a->addrs, b->addrs, a->n_addrs * sizeof(a->addrs[0])) == 0;
}

/* Is it the connection that was there before, so that its uptime goes on? */
static bool
same_connection(const struct wan_state *a, const struct wan_state *b)
{
	return status_of(a) == MSG_WAN_CONNECTED && status_of(b) == MSG_WAN_CONNECTED &&
	       a->ifindex == b->ifindex && a->address == b->address;
}

static bool
is_translated(uint32_t addr)
{
	enum addr4_kind kind = addr4_kind(addr);

	return kind == ADDR4_PRIVATE || kind == ADDR4_SHARED;
}

static bool
is_double_nat(const struct wan_state *s)
{
	return is_translated(s->address) && !s->configured_address;
}

static void
describe_connected(const struct wan_state *s, char *text, size_t size)
{
	char own[ADDR4_STRLEN], told[ADDR4_STRLEN];
	const char *kind = addr4_kind_str(addr4_kind(s->address));

	addr4_str(s->address, own);
	if (s->configured_address)
		snprintf(text, size, "WAN is %s, %s (%s); clients are told %s, as configured",
		    s->ifname, own, kind, addr4_str(s->configured_address, told));
	else if (is_double_nat(s))
		snprintf(text, size,
		    "WAN is %s, %s (%s): double NAT, another device translates in front of this "
		    "one and must let packets through, too",
		    s->ifname, own, kind);
	else
		snprintf(text, size, "WAN is %s, %s (%s)", s->ifname, own, kind);
}

static void
describe(const struct wan_state *s, char *text, size_t size)
{
	if (!s->ifname[0])
		snprintf(text, size,
		    "no WAN: there is no default route, and none is configured; wait for a route, "
		    "or name an interface by wan");
	else if (!s->ifindex)
		snprintf(text, size,
		    "WAN is %s: there is no such interface now (ip link tells which there are); it "
		    "is used when it comes",
		    s->ifname);
	else if (!s->up)
		snprintf(text, size, "WAN is %s: the interface is down; it is used once it is up",
		    s->ifname);
	else if (!s->running)
		snprintf(text, size, "WAN is %s: no link", s->ifname);
	else if (!s->address)
		snprintf(text, size,
		    "WAN is %s: it has no usable address; mappings take effect when it gets one",
		    s->ifname);
	else
		describe_connected(s, text, size);
}

/* Each change once, and nothing when only details changed that the line does not tell. */
static void
say(struct wan *wan)
{
	const struct wan_state *s = &wan->now;
	char text[sizeof(wan->said)];

	describe(s, text, sizeof(text));
	if (strcmp(text, wan->said) == 0)
		return;
	strcpy(wan->said, text);
	if (status_of(s) != MSG_WAN_CONNECTED || is_double_nat(s))
		log_warn("%s", text);
	else
		log_info("%s", text);
}

bool
wan_update(struct wan *wan, const struct conf *conf, const struct netlink *nl, int64_t now_ms)
{
	struct wan_state next = { 0 };
	bool changed;

	memcpy(next.ifname, wan->now.ifname, sizeof(next.ifname));
	look(&next, &wan->now, conf, nl);
	if (!same_connection(&wan->now, &next))
		wan->connected_ms = now_ms;
	changed = !same_state(&wan->now, &next);
	wan->now = next;
	say(wan);
	return changed;
}

const char *
wan_ifname(const struct wan *wan)
{
	return wan->now.ifname;
}

uint32_t
wan_address(const struct wan *wan)
{
	return wan->now.address;
}

size_t
wan_addresses(const struct wan *wan, uint32_t *addrs, size_t max)
{
	const struct wan_state *s = &wan->now;
	size_t n = 0, i;

	if (s->configured_address && n < max)
		addrs[n++] = s->configured_address;
	for (i = 0; i < s->n_addrs && n < max; i++)
		if (s->addrs[i] != s->configured_address)
			addrs[n++] = s->addrs[i];
	return n;
}

uint32_t
wan_external_address(const struct wan *wan)
{
	const struct wan_state *s = &wan->now;

	if (status_of(s) != MSG_WAN_CONNECTED)
		return 0;
	return s->configured_address ? s->configured_address : s->address;
}

enum msg_wan_status
wan_status(const struct wan *wan)
{
	return status_of(&wan->now);
}

bool
wan_double_nat(const struct wan *wan)
{
	return is_double_nat(&wan->now);
}

bool
wan_link_up(const struct wan *wan)
{
	return wan->now.up && wan->now.running;
}

bool
wan_is_ppp(const struct wan *wan)
{
	return wan->now.ppp;
}

uint32_t
wan_uptime_s(const struct wan *wan, int64_t now_ms)
{
	if (status_of(&wan->now) != MSG_WAN_CONNECTED || now_ms < wan->connected_ms)
		return 0;
	return (uint32_t)((now_ms - wan->connected_ms) / 1000);
}
