/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_netlink.h"

#include <assert.h>
#include <string.h>

void
fake_netlink_address(struct netlink_if *ifp, const char *prefix)
{
	assert(ifp->n_addrs < NETLINK_ADDRS_MAX);
	if (prefix4_parse(prefix, &ifp->addrs[ifp->n_addrs++]) < 0)
		assert(!"a prefix");
}

struct netlink_if *
fake_netlink_add(struct netlink *nl, const char *name, uint32_t index, const char *prefix)
{
	struct netlink_if *ifp = &nl->ifs[nl->n++];

	assert(nl->n <= FAKE_NETLINK_MAX);
	memset(ifp, 0, sizeof(*ifp));
	strncpy(ifp->name, name, sizeof(ifp->name) - 1);
	ifp->index = index;
	ifp->up = ifp->running = true;
	ifp->mtu = 1500;
	if (prefix)
		fake_netlink_address(ifp, prefix);
	return ifp;
}

void
fake_netlink_del(struct netlink *nl, const char *name)
{
	size_t i;

	for (i = 0; i < nl->n; i++)
		if (strcmp(nl->ifs[i].name, name) == 0)
			break;
	assert(i < nl->n);
	nl->n--;
	memmove(&nl->ifs[i], &nl->ifs[i + 1], (nl->n - i) * sizeof(nl->ifs[0]));
}

const struct netlink_if *
netlink_find(const struct netlink *nl, const char *name)
{
	size_t i;

	for (i = 0; i < nl->n; i++)
		if (strcmp(nl->ifs[i].name, name) == 0)
			return &nl->ifs[i];
	return NULL;
}

const struct netlink_if *
netlink_next(const struct netlink *nl, const struct netlink_if *prev)
{
	size_t i = prev ? (size_t)(prev - nl->ifs) + 1 : 0;

	return i < nl->n ? &nl->ifs[i] : NULL;
}

const struct netlink_if *
netlink_default(const struct netlink *nl)
{
	return nl->default_ifname ? netlink_find(nl, nl->default_ifname) : NULL;
}
