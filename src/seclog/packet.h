/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The beginning of an IP packet, as nfnetlink_log copies it, to a struct. Pure; fuzzed. */
#ifndef PORTREEVE_SECLOG_PACKET_H
#define PORTREEVE_SECLOG_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr6.h"

#define PACKET_SNAP 128 /* octets that are enough for all we read, with some IPv6 options */

struct packet {
	struct addr6 src, dst; /* IPv4 as ::ffff:a.b.c.d */
	uint8_t protocol;      /* IANA number: of IPv6 the last header that was reached */
	uint32_t size;         /* of the whole IP packet */
	bool has_ports;
	uint16_t src_port, dst_port;
	bool has_tcp;
	uint8_t tcp_flags; /* as in the header: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32 */
	uint32_t tcp_seq, tcp_ack;
	uint16_t tcp_window;
	bool has_icmp;
	uint8_t icmp_type, icmp_code;
};

/* False: not even an IP header. What is cut off or is no first fragment has no ports. */
bool packet_parse(const uint8_t *data, size_t len, struct packet *out);

#endif
