/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where dhcp_probe.h's frames leave and come in. */
#ifndef PORTREEVE_PROBE_DHCP_SOCKET_H
#define PORTREEVE_PROBE_DHCP_SOCKET_H

#include <stdint.h>

#define DHCP_SOCKET_FRAME_MAX 2048 /* octets of what is received; the rest is cut off */

/*
 * A packet socket that sees only what comes for a DHCP client, for send() and recv() of whole
 * frames. Fills @mac with the card's address. The descriptor, or -errno: -EPROTONOSUPPORT: it is
 * not an Ethernet.
 */
int dhcp_socket_open(const char *ifname, uint8_t mac[6]);

#endif
