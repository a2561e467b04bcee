/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_network.h"

#include <string.h>

#include "lib/compiler.h"

struct fake_network fake_network = {
	.ifname = "eth0",
	.address = FAKE_WAN_ADDRESS,
	.status = MSG_WAN_CONNECTED,
	.link_up = true,
	.uptime_s = 77,
	.lans = { { .ifname = "br0",
	    .prefix = { 0xc0a80101, 24 },
	    .serving = true,
	    .worker_pid = 4711,
	    .restarts = 2,
	    .calls_fd = -1,
	    .events_fd = -1 } },
	.n_lans = 1,
};

const char *
wan_ifname(const struct wan *wan UNUSED)
{
	return fake_network.ifname;
}

uint32_t
wan_address(const struct wan *wan UNUSED)
{
	return fake_network.address;
}

uint32_t
wan_external_address(const struct wan *wan UNUSED)
{
	return fake_network.address;
}

enum msg_wan_status
wan_status(const struct wan *wan UNUSED)
{
	return fake_network.status;
}

bool
wan_double_nat(const struct wan *wan UNUSED)
{
	return fake_network.double_nat;
}

bool
wan_link_up(const struct wan *wan UNUSED)
{
	return fake_network.link_up;
}

uint32_t
wan_uptime_s(const struct wan *wan UNUSED, int64_t now_ms UNUSED)
{
	return fake_network.uptime_s;
}

size_t
lans_count(const struct lans *lans UNUSED)
{
	return fake_network.n_lans;
}

struct lan *
lans_at(const struct lans *lans UNUSED, size_t index)
{
	return index < fake_network.n_lans ? &fake_network.lans[index] : NULL;
}

struct lan *
lans_find(const struct lans *lans UNUSED, const char *ifname)
{
	size_t i;

	for (i = 0; i < fake_network.n_lans; i++)
		if (strcmp(fake_network.lans[i].ifname, ifname) == 0)
			return &fake_network.lans[i];
	return NULL;
}
