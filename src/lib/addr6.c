/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/addr6.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/addr.h"

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

int
addr6_parse(const char *text, struct addr6 *addr)
{
	struct in6_addr in;

	if (!text || inet_pton(AF_INET6, text, &in) != 1)
		return -EINVAL;
	memcpy(addr->octet, &in, sizeof(addr->octet));
	return 0;
}

const char *
addr6_str(const struct addr6 *addr, char buf[ADDR6_STRLEN])
{
	char quad[ADDR4_STRLEN];
	uint32_t addr4;

	if (addr6_to4(addr, &addr4))
		snprintf(buf, ADDR6_STRLEN, "%s", addr4_str(addr4, quad));
	else if (!inet_ntop(AF_INET6, addr->octet, buf, ADDR6_STRLEN))
		buf[0] = '\0';
	return buf;
}

bool
addr6_is_zero(const struct addr6 *addr)
{
	static const struct addr6 zero;

	return addr6_same(addr, &zero);
}

bool
addr6_same(const struct addr6 *a, const struct addr6 *b)
{
	return memcmp(a->octet, b->octet, sizeof(a->octet)) == 0;
}

bool
addr6_is_global(const struct addr6 *addr)
{
	return (addr->octet[0] & 0xe0) == 0x20;
}

bool
addr6_is_link_local(const struct addr6 *addr)
{
	return addr->octet[0] == 0xfe && (addr->octet[1] & 0xc0) == 0x80;
}

struct addr6
addr6_from4(uint32_t addr4)
{
	struct addr6 addr;

	memcpy(addr.octet, mapped, sizeof(mapped));
	addr.octet[12] = (uint8_t)(addr4 >> 24);
	addr.octet[13] = (uint8_t)(addr4 >> 16);
	addr.octet[14] = (uint8_t)(addr4 >> 8);
	addr.octet[15] = (uint8_t)addr4;
	return addr;
}

bool
addr6_to4(const struct addr6 *addr, uint32_t *out)
{
	const uint8_t *o = addr->octet;

	if (memcmp(o, mapped, sizeof(mapped)) != 0)
		return false;
	*out = (uint32_t)o[12] << 24 | (uint32_t)o[13] << 16 | (uint32_t)o[14] << 8 | o[15];
	return true;
}

int
prefix6_parse(const char *text, struct prefix6 *prefix)
{
	char head[ADDR6_STRLEN];
	int rc = prefix_split(text, head, sizeof(head), 128, &prefix->len);

	return rc < 0 ? rc : addr6_parse(head, &prefix->addr);
}

bool
prefix6_contains(const struct prefix6 *prefix, const struct addr6 *addr)
{
	unsigned whole = prefix->len / 8, bits = prefix->len % 8;

	if (memcmp(prefix->addr.octet, addr->octet, whole) != 0)
		return false;
	return bits == 0 ||
	       ((prefix->addr.octet[whole] ^ addr->octet[whole]) & (0xff00 >> bits & 0xff)) == 0;
}
