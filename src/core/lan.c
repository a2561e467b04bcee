/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the list of LANs. Decides from configuration and netlink snapshot which are served and at
 * which address; the worker's fields of struct lan belong to who runs the workers.
 */
#include "core/lan.h"
#include "lib/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one LAN should be, before it is compared with what was last told. */
struct wanted {
	const char *ifname;
	const struct netlink_if *ifp; /* NULL: there is no such interface */
	const char *why_not;          /* NULL: serve */
	uint32_t ifindex;
	struct prefix4 prefix; /* ours there; zero when not served */
};

struct lans {
	struct lan *at[CONF_LANS_MAX]; /* each on its own: others keep pointers to them */
	size_t n;
	const char *complaint; /* last one logged about the list as a whole */
};

struct lans *
lans_new(void)
{
	struct lans *lans = calloc(1, sizeof(*lans));

	if (!lans)
		log_error("LANs: out of memory");
	return lans;
}

void
lans_free(struct lans *lans)
{
	size_t i;

	if (!lans)
		return;
	for (i = 0; i < lans->n; i++)
		free(lans->at[i]);
	free(lans);
}

size_t
lans_count(const struct lans *lans)
{
	return lans->n;
}

struct lan *
lans_at(const struct lans *lans, size_t index)
{
	return index < lans->n ? lans->at[index] : NULL;
}

struct lan *
lans_find(const struct lans *lans, const char *ifname)
{
	size_t i;

	for (i = 0; i < lans->n; i++)
		if (strcmp(lans->at[i]->ifname, ifname) == 0)
			return lans->at[i];
	return NULL;
}

/* The first private address, else the first one. NULL: none. */
static const struct prefix4 *
pick_address(const struct netlink_if *ifp, bool private_only)
{
	size_t i;

	for (i = 0; i < ifp->n_addrs; i++)
		if (addr4_kind(ifp->addrs[i].addr) == ADDR4_PRIVATE)
			return &ifp->addrs[i];
	return ifp->n_addrs && !private_only ? &ifp->addrs[0] : NULL;
}

/* May @w, whose name and interface are set, be served, and at which address? */
static void
judge(struct wanted *w, const char *wan_ifname)
{
	const struct prefix4 *prefix;

	if (strcmp(w->ifname, wan_ifname) == 0) {
		w->why_not = "it is the WAN"; /* nothing of ours answers there, asked for or not */
		return;
	}
	if (!w->ifp) {
		w->why_not = "there is no such interface now (ip link tells which there "
			     "are); it is served when it comes";
		return;
	}
	w->ifindex = w->ifp->index;
	prefix = pick_address(w->ifp, false);
	if (!w->ifp->up)
		w->why_not = "the interface is down; it is served once it is up";
	else if (!prefix)
		w->why_not = "it has no IPv4 address; give it one, or with share = yes it gets "
			     "lan_address";
	else
		w->prefix = *prefix;
}

static size_t
want_configured(
    struct wanted *out, const struct conf *conf, const struct netlink *nl, const char *wan_ifname)
{
	size_t i;

	for (i = 0; i < conf->n_lans; i++) {
		out[i].ifname = conf->lans[i];
		out[i].ifp = netlink_find(nl, conf->lans[i]);
		judge(&out[i], wan_ifname);
	}
	return conf->n_lans;
}

static void
complain(struct lans *lans, const char *complaint)
{
	if (complaint && complaint != lans->complaint)
		log_warn("%s", complaint);
	lans->complaint = complaint;
}

/*
 * Every interface but the WAN with a private address. While the WAN is not known any of them could
 * be it, so none is served. Point-to-point links are left out: there the other end is a provider's
 * or somebody's network behind a tunnel; who wants one served names it.
 */
static size_t
want_found(struct lans *lans, struct wanted *out, const struct netlink *nl, const char *wan_ifname)
{
	const struct netlink_if *ifp;
	const char *complaint = NULL;
	size_t n = 0;

	if (!*wan_ifname) {
		complain(lans,
		    "no LAN is served before the WAN is known: wait for a default route, or "
		    "configure wan or lan");
		return 0;
	}
	for (ifp = netlink_next(nl, NULL); ifp; ifp = netlink_next(nl, ifp)) {
		if (ifp->loopback || ifp->point_to_point || !ifp->up || !pick_address(ifp, true) ||
		    strcmp(ifp->name, wan_ifname) == 0)
			continue;
		if (n == CONF_LANS_MAX) {
			complaint = "too many interfaces with private addresses: configure lan";
			break;
		}
		out[n].ifname = ifp->name;
		out[n].ifp = ifp;
		judge(&out[n++], wan_ifname);
	}
	if (!n)
		complaint = "no LAN: no interface but the WAN is up with a private address";
	complain(lans, complaint);
	return n;
}

/* By name among @n. NULL: not wanted. */
static const struct wanted *
find_wanted(const struct wanted *wanted, size_t n, const char *ifname)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(wanted[i].ifname, ifname) == 0)
			return &wanted[i];
	return NULL;
}

/* The entry for @ifname, made if needed. NULL: no room or no memory. */
static struct lan *
find_or_add(struct lans *lans, const char *ifname)
{
	struct lan *lan = lans_find(lans, ifname);

	if (lan)
		return lan;
	if (lans->n == CONF_LANS_MAX) {
		log_warn("LAN %s: no room before workers of former LANs have gone", ifname);
		return NULL;
	}
	lan = calloc(1, sizeof(*lan));
	if (!lan) {
		log_error("LAN %s: out of memory", ifname);
		return NULL;
	}
	strncpy(lan->ifname, ifname, sizeof(lan->ifname) - 1);
	lan->calls_fd = lan->events_fd = -1;
	lans->at[lans->n++] = lan;
	return lan;
}

/* Forgets LANs that nobody wants and no worker is left of. */
static void
sweep(struct lans *lans, const struct wanted *wanted, size_t n)
{
	size_t i, kept = 0;

	for (i = 0; i < lans->n; i++) {
		struct lan *lan = lans->at[i];

		if (lan->serving || lan->worker_pid || lan->calls_event || lan->calls_fd >= 0 ||
		    lan->events_fd >= 0 || find_wanted(wanted, n, lan->ifname))
			lans->at[kept++] = lan;
		else
			free(lan);
	}
	lans->n = kept;
}

static void
say(const struct lan *lan, const char *why_not)
{
	char prefix[PREFIX4_STRLEN];

	if (lan->serving)
		log_info("LAN %s is served at %s", lan->ifname, prefix4_str(&lan->prefix, prefix));
	else
		log_warn("LAN %s is not served: %s", lan->ifname, why_not);
}

static bool
same_address(const struct prefix4 *a, const struct prefix4 *b)
{
	return a->addr == b->addr && a->len == b->len;
}

/* Brings @lan to what is wanted of it; true when that was a change. */
static bool
settle(struct lan *lan, const struct wanted *w, bool is_new)
{
	bool serve = !w->why_not;
	bool same = lan->serving == serve && lan->ifindex == (serve ? w->ifindex : 0) &&
		    same_address(&lan->prefix, &w->prefix);

	lan->serving = serve;
	lan->ifindex = serve ? w->ifindex : 0;
	lan->prefix = w->prefix; /* zero when not served */
	lan->n_prefixes6 = serve ? w->ifp->n_addrs6 : 0;
	if (serve)
		memcpy(lan->prefixes6, w->ifp->addrs6, sizeof(lan->prefixes6));
	if (!same || is_new)
		say(lan, w->why_not);
	return !same;
}

/* The end of a LAN that is no longer wanted: nothing about it but the reason is known. */
static struct wanted
unwanted(const struct lan *lan, const struct netlink *nl, const char *wan_ifname)
{
	struct wanted w = { .ifname = lan->ifname, .ifp = netlink_find(nl, lan->ifname) };

	judge(&w, wan_ifname);
	if (!w.why_not)
		w.why_not = "it is no longer configured, or has no private address";
	memset(&w.prefix, 0, sizeof(w.prefix));
	return w;
}

int
lans_update(struct lans *lans, const struct conf *conf, const struct netlink *nl,
    const char *wan_ifname, void (*changed)(void *arg, const struct lan *lan), void *arg)
{
	struct wanted wanted[CONF_LANS_MAX];
	size_t n, i;
	int changes = 0;

	memset(wanted, 0, sizeof(wanted));
	if (conf->n_lans) {
		complain(lans, NULL);
		n = want_configured(wanted, conf, nl, wan_ifname);
	} else {
		n = want_found(lans, wanted, nl, wan_ifname);
	}
	sweep(lans, wanted, n);

	/* First what ends: an address may have moved from one LAN to another. */
	for (i = 0; i < lans->n; i++) {
		const struct wanted *w = find_wanted(wanted, n, lans->at[i]->ifname);
		struct wanted end;

		if (!w) {
			end = unwanted(lans->at[i], nl, wan_ifname);
			w = &end;
		}
		if (w->why_not && settle(lans->at[i], w, false)) {
			changed(arg, lans->at[i]);
			changes++;
		}
	}
	for (i = 0; i < n; i++) {
		bool is_new = !lans_find(lans, wanted[i].ifname);
		struct lan *lan = find_or_add(lans, wanted[i].ifname);

		if (lan && settle(lan, &wanted[i], is_new)) {
			changed(arg, lan);
			changes++;
		}
	}
	return changes;
}
