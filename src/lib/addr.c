/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as numbers in host byte order; never resolves a name. */
#include "lib/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
addr4_parse(const char *text, uint32_t *addr)
{
	struct in_addr in;

	if (!text || inet_pton(AF_INET, text, &in) != 1)
		return -EINVAL;
	*addr = ntohl(in.s_addr);
	return 0;
}

const char *
addr4_str(uint32_t addr, char buf[ADDR4_STRLEN])
{
	snprintf(buf, ADDR4_STRLEN, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 0xff, addr >> 8 & 0xff,
	    addr & 0xff);
	return buf;
}

int
prefix_split(const char *text, char *head, size_t size, uint8_t longest, uint8_t *len)
{
	const char *slash;
	size_t n;
	char *end;
	long value = longest;

	if (!text)
		return -EINVAL;
	slash = strchr(text, '/');
	n = slash ? (size_t)(slash - text) : strlen(text);
	if (n >= size)
		return -EINVAL;
	memcpy(head, text, n);
	head[n] = '\0';
	if (slash) {
		if (slash[1] < '0' || slash[1] > '9')
			return -EINVAL;
		value = strtol(slash + 1, &end, 10);
		if (*end || value > longest)
			return -EINVAL;
	}
	*len = (uint8_t)value;
	return 0;
}

int
prefix4_parse(const char *text, struct prefix4 *prefix)
{
	char head[ADDR4_STRLEN];
	int rc = prefix_split(text, head, sizeof(head), 32, &prefix->len);

	return rc < 0 ? rc : addr4_parse(head, &prefix->addr);
}

const char *
prefix4_str(const struct prefix4 *prefix, char buf[PREFIX4_STRLEN])
{
	char addr[ADDR4_STRLEN];

	snprintf(buf, PREFIX4_STRLEN, "%s/%u", addr4_str(prefix->addr, addr),
	    prefix->len > 32 ? 32u : prefix->len);
	return buf;
}

uint32_t
prefix4_mask(uint8_t len)
{
	if (len >= 32)
		return UINT32_MAX;
	return len ? UINT32_MAX << (32 - len) : 0;
}

bool
prefix4_contains(const struct prefix4 *prefix, uint32_t addr)
{
	return ((prefix->addr ^ addr) & prefix4_mask(prefix->len)) == 0;
}

bool
prefix4_same(const struct prefix4 *a, const struct prefix4 *b)
{
	return a->addr == b->addr && a->len == b->len;
}

bool
prefix4_is_edge(const struct prefix4 *prefix, uint32_t addr)
{
	uint32_t host = ~prefix4_mask(prefix->len);

	if (prefix->len >= 31 || !prefix4_contains(prefix, addr))
		return false;
	return (addr & host) == 0 || (addr & host) == host;
}

static const struct {
	struct prefix4 prefix;
	enum addr4_kind kind;
} kinds[] = {
	{ { 0x0a000000, 8 }, ADDR4_PRIVATE },
	{ { 0xac100000, 12 }, ADDR4_PRIVATE },
	{ { 0xc0a80000, 16 }, ADDR4_PRIVATE },
	{ { 0x64400000, 10 }, ADDR4_SHARED },
	{ { 0xa9fe0000, 16 }, ADDR4_LINK_LOCAL },
	{ { 0x7f000000, 8 }, ADDR4_LOOPBACK },
	{ { 0xc0000200, 24 }, ADDR4_DOCUMENTATION },
	{ { 0xc6336400, 24 }, ADDR4_DOCUMENTATION },
	{ { 0xcb007100, 24 }, ADDR4_DOCUMENTATION },
	{ { 0x00000000, 8 }, ADDR4_SPECIAL },
	{ { 0xe0000000, 3 }, ADDR4_SPECIAL },
};

enum addr4_kind
addr4_kind(uint32_t addr)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (prefix4_contains(&kinds[i].prefix, addr))
			return kinds[i].kind;
	return ADDR4_PUBLIC;
}

const char *
addr4_kind_str(enum addr4_kind kind)
{
	switch (kind) {
	case ADDR4_PUBLIC:
		return "public";
	case ADDR4_PRIVATE:
		return "private";
	case ADDR4_SHARED:
		return "shared";
	case ADDR4_LINK_LOCAL:
		return "link-local";
	case ADDR4_LOOPBACK:
		return "loopback";
	case ADDR4_DOCUMENTATION:
		return "documentation";
	case ADDR4_SPECIAL:
		return "special";
	}
	return "unknown";
}
