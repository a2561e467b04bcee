/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCPDISCOVER as an Ethernet frame, and the offers it gets (RFC 2131). Pure; fuzzed.
 *
 * Frames, since no socket of the gateway's own may be disturbed: a DHCP client of its own may sit
 * on port 68, and a server of its own must not take part.
 */
#ifndef PORTREEVE_PROBE_DHCP_PROBE_H
#define PORTREEVE_PROBE_DHCP_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DHCP_PROBE_FRAME 342 /* octets: Ethernet, IP, UDP, 300 of BOOTP */

struct dhcp_offer {
	uint32_t server; /* who sent it */
	uint32_t router; /* the gateway it names; 0: none */
};

/* Fills @frame: to everybody, from the card @mac, in the name of a client @chaddr. */
void dhcp_probe_build(
    uint8_t frame[DHCP_PROBE_FRAME], const uint8_t mac[6], const uint8_t chaddr[6], uint32_t xid);

/* Is @frame an offer for that client? False for anything else, whatever it is. */
bool dhcp_probe_parse(const uint8_t *frame, size_t len, const uint8_t chaddr[6], uint32_t xid,
    struct dhcp_offer *offer);

#endif
