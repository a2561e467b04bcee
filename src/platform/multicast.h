/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether multicast of a LAN reaches us. */
#ifndef PORTREEVE_PLATFORM_MULTICAST_H
#define PORTREEVE_PLATFORM_MULTICAST_H

#include <stdbool.h>
#include <stdint.h>

/* Does somebody on this machine listen to the IPv4 group @group on @ifname? 1, 0 or -errno. */
int multicast_joined(const char *ifname, uint32_t group);

struct multicast_bridge {
	bool snooping; /* it sends groups only where it heard that they are wanted ... */
	bool querier;  /* ... and asks for that itself */
};

/* 0, -ENODEV: @ifname is no bridge, or -errno. */
int multicast_bridge(const char *ifname, struct multicast_bridge *bridge);

#endif
