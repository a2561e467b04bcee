/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/share_plan.h"

#include <stdio.h>
#include <string.h>

#define NETWORKS_TRIED 64

void
share_plan_name(char name[SETTING_NAME_MAX], const char *ifname, const struct prefix4 *prefix)
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
		share_plan_name(name, ifp->name, &ifp->addrs[i]);
		if (!undo_is_ours(undo, name))
			return true;
	}
	return false;
}

bool
share_plan_address(const struct conf *conf, const struct netlink *nl, const struct undo *undo,
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
			share_plan_name(name, ifname, &prefix);
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
share_plan_subnet6(const struct prefix6 *prefix, size_t n, struct prefix6 *out)
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
