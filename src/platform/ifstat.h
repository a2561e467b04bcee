/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Byte and packet counters of one interface, and its link speed. */
#ifndef PORTREEVE_PLATFORM_IFSTAT_H
#define PORTREEVE_PLATFORM_IFSTAT_H

#include <stdint.h>

struct ifstat {
	uint64_t rx_bytes, tx_bytes;
	uint64_t rx_packets, tx_packets;
	uint64_t speed_bps; /* 0: unknown */
};

/* 64-bit counters by rtnetlink, speed by ethtool. 0 or -errno (-ENODEV). */
int ifstat_read(const char *ifname, struct ifstat *stat);

#endif
