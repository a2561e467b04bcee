/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/dhcp_probe.h"

#include <string.h>

#define ETH 14
#define IP 20
#define UDP 8
#define BOOTP 236 /* octets before the options, RFC 2131 section 2 */
#define COOKIE 0x63825363u

enum { OPTION_PAD = 0, OPTION_ROUTER = 3, OPTION_TYPE = 53, OPTION_END = 255 };
enum { DISCOVER = 1, OFFER = 2 };

static void
put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void
put32(uint8_t *p, uint32_t value)
{
	put16(p, value >> 16);
	put16(p + 2, value);
}

static uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t
get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static uint32_t
checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

void
dhcp_probe_build(
    uint8_t frame[DHCP_PROBE_FRAME], const uint8_t mac[6], const uint8_t chaddr[6], uint32_t xid)
{
	uint8_t *ip = frame + ETH, *udp = ip + IP, *bootp = udp + UDP, *options = bootp + BOOTP;

	memset(frame, 0, DHCP_PROBE_FRAME);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	put16(frame + 12, 0x0800);

	ip[0] = 0x45;
	put16(ip + 2, DHCP_PROBE_FRAME - ETH);
	ip[8] = 16;
	ip[9] = 17;
	put32(ip + 16, 0xffffffffu);
	put16(ip + 10, checksum(ip, IP));

	put16(udp, 68); /* without a checksum, which RFC 768 allows */
	put16(udp + 2, 67);
	put16(udp + 4, DHCP_PROBE_FRAME - ETH - IP);

	bootp[0] = 1;
	bootp[1] = 1;
	bootp[2] = 6;
	put32(bootp + 4, xid);
	put16(bootp + 10, 0x8000); /* answer to everybody: nobody has that hardware address */
	memcpy(bootp + 28, chaddr, 6);
	put32(options, COOKIE);
	options[4] = OPTION_TYPE;
	options[5] = 1;
	options[6] = DISCOVER;
	options[7] = 55; /* wants to know: mask, router */
	options[8] = 2;
	options[9] = 1;
	options[10] = OPTION_ROUTER;
	options[11] = OPTION_END;
}

/* The value of @option, of @min octets at least, or NULL. Options that run over the end end there.
 */
static const uint8_t *
find_option(const uint8_t *p, size_t len, uint8_t option, size_t min)
{
	size_t i = 0;

	while (i < len && p[i] != OPTION_END) {
		if (p[i] == OPTION_PAD) {
			i++;
			continue;
		}
		if (i + 2 > len || p[i + 1] > len - i - 2)
			return NULL;
		if (p[i] == option)
			return p[i + 1] >= min ? p + i + 2 : NULL;
		i += 2 + (size_t)p[i + 1];
	}
	return NULL;
}

/* Where UDP begins in @frame, and how long it is; NULL: it is none that comes from a server. */
static const uint8_t *
find_udp(const uint8_t *frame, size_t len, size_t *udp_len)
{
	const uint8_t *ip = frame + ETH;
	size_t header, total;

	if (len < ETH + IP + UDP || get16(frame + 12) != 0x0800 || ip[0] >> 4 != 4)
		return NULL;
	header = (size_t)(ip[0] & 15) * 4;
	total = get16(ip + 2);
	if (header < IP || total < header + UDP || total > len - ETH || ip[9] != 17 ||
	    get16(ip + 6) & 0x3fff) /* a fragment */
		return NULL;
	*udp_len = get16(ip + header + 4);
	if (get16(ip + header) != 67 || get16(ip + header + 2) != 68 || *udp_len < UDP ||
	    *udp_len > total - header)
		return NULL;
	return ip + header;
}

bool
dhcp_probe_parse(const uint8_t *frame, size_t len, const uint8_t chaddr[6], uint32_t xid,
    struct dhcp_offer *offer)
{
	const uint8_t *udp, *bootp, *option;
	size_t udp_len = 0, options;

	udp = find_udp(frame, len, &udp_len);
	if (!udp || udp_len < UDP + BOOTP + 4)
		return false;
	bootp = udp + UDP;
	options = udp_len - UDP - BOOTP - 4;
	if (bootp[0] != 2 || get32(bootp + 4) != xid || memcmp(bootp + 28, chaddr, 6) != 0 ||
	    get32(bootp + BOOTP) != COOKIE)
		return false;
	option = find_option(bootp + BOOTP + 4, options, OPTION_TYPE, 1);
	if (!option || *option != OFFER)
		return false;
	option = find_option(bootp + BOOTP + 4, options, OPTION_ROUTER, 4);
	offer->server = get32(frame + ETH + 12);
	offer->router = option ? get32(option) : 0;
	return true;
}
