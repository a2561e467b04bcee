/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The WAN and the LANs as the core asks for them (wan.h, lan.h), for programs that list
 * fake_network.c among their sources: all of it is what fake_network says.
 */
#ifndef PORTREEVE_TESTS_FAKE_NETWORK_H
#define PORTREEVE_TESTS_FAKE_NETWORK_H

#include "core/lan.h"
#include "core/wan.h"

#define FAKE_LANS_MAX 2
#define FAKE_WAN_ADDRESS 0xcb007105 /* 203.0.113.5 */

struct fake_network {
	const char *ifname; /* of the WAN */
	uint32_t address;   /* of the WAN, which is the external one, too; 0: there is none */
	enum msg_wan_status status;
	bool link_up, double_nat;
	uint32_t uptime_s;
	struct lan lans[FAKE_LANS_MAX];
	size_t n_lans;
};

/* At first eth0 is connected with FAKE_WAN_ADDRESS for 77 s, and one LAN, br0, is served. */
extern struct fake_network fake_network;

#endif
