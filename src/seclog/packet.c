/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns nothing. RFC 791, 8200, 9293, 768, 792, 4443. */
#include "seclog/packet.h"

#include <netinet/in.h>
#include <string.h>

#define IPV6_HEADER 40
#define HEADERS_MAX 8 /* extension headers that are skipped */

struct bytes {
	const uint8_t *at;
	size_t left;
};

static uint16_t
be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static bool
skip(struct bytes *b, size_t n)
{
	if (n > b->left)
		return false;
	b->at += n;
	b->left -= n;
	return true;
}

static bool
parse_ipv4(struct bytes *b, struct packet *out, bool *first)
{
	const uint8_t *h = b->at;
	size_t len;

	if (b->left < 20)
		return false;
	len = (size_t)(h[0] & 15) * 4;
	out->size = be16(h + 2);
	out->protocol = h[9];
	out->src = addr6_from4(be32(h + 12));
	out->dst = addr6_from4(be32(h + 16));
	*first = (be16(h + 6) & 0x1fff) == 0;
	return len >= 20;
}

/* Skips one extension header; false: there is none, or it cannot be skipped. */
static bool
skip_extension(struct bytes *b, struct packet *out, bool *first)
{
	const uint8_t *h = b->at;
	size_t len;

	if (b->left < 8)
		return false;
	switch (out->protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		len = ((size_t)h[1] + 1) * 8;
		break;
	case IPPROTO_FRAGMENT:
		len = 8;
		*first = *first && (be16(h + 2) & 0xfff8) == 0;
		break;
	default:
		return false;
	}
	out->protocol = h[0];
	return skip(b, len);
}

static bool
parse_ipv6(struct bytes *b, struct packet *out, bool *first)
{
	const uint8_t *h = b->at;
	int i;

	if (b->left < IPV6_HEADER)
		return false;
	out->size = IPV6_HEADER + (uint32_t)be16(h + 4);
	out->protocol = h[6];
	memcpy(out->src.octet, h + 8, sizeof(out->src.octet));
	memcpy(out->dst.octet, h + 24, sizeof(out->dst.octet));
	*first = true;
	skip(b, IPV6_HEADER);
	for (i = 0; i < HEADERS_MAX && skip_extension(b, out, first); i++)
		;
	return true;
}

static void
parse_ports(const struct bytes *b, struct packet *out)
{
	if (b->left < 4)
		return;
	out->has_ports = true;
	out->src_port = be16(b->at);
	out->dst_port = be16(b->at + 2);
}

static void
parse_tcp(const struct bytes *b, struct packet *out)
{
	parse_ports(b, out);
	if (b->left < 16)
		return;
	out->has_tcp = true;
	out->tcp_seq = be32(b->at + 4);
	out->tcp_ack = be32(b->at + 8);
	out->tcp_flags = b->at[13] & 63;
	out->tcp_window = be16(b->at + 14);
}

static void
parse_upper(const struct bytes *b, struct packet *out)
{
	switch (out->protocol) {
	case IPPROTO_TCP:
		parse_tcp(b, out);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
		parse_ports(b, out);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (b->left < 2)
			break;
		out->has_icmp = true;
		out->icmp_type = b->at[0];
		out->icmp_code = b->at[1];
		break;
	default:
		break;
	}
}

bool
packet_parse(const uint8_t *data, size_t len, struct packet *out)
{
	struct bytes b = { data, len };
	bool first = false, known = false;

	memset(out, 0, sizeof(*out));
	if (len == 0)
		return false;
	if (data[0] >> 4 == 4) {
		known = parse_ipv4(&b, out, &first);
		if (known && !skip(&b, (size_t)(data[0] & 15) * 4))
			first = false;
	} else if (data[0] >> 4 == 6) {
		known = parse_ipv6(&b, out, &first);
	}
	if (known && first)
		parse_upper(&b, out);
	return known;
}
