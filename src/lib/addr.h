/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4 addresses and prefixes: parse, print, compare. All in host byte order.
 */
#ifndef PORTREEVE_LIB_ADDR_H
#define PORTREEVE_LIB_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDR4_STRLEN 16
#define PREFIX4_STRLEN 19
#define ADDR4_BROADCAST 0xffffffffu

struct prefix4 {
	uint32_t addr; /* the address itself, host bits kept: 192.168.1.1/24 */
	uint8_t len;   /* 0..32 */
};

/* What kind of address it is, as an administrator needs to know it of a WAN address. */
enum addr4_kind {
	ADDR4_PUBLIC,
	ADDR4_PRIVATE,       /* RFC 1918 */
	ADDR4_SHARED,        /* 100.64.0.0/10, RFC 6598: the provider's NAT */
	ADDR4_LINK_LOCAL,    /* 169.254.0.0/16 */
	ADDR4_LOOPBACK,      /* 127.0.0.0/8 */
	ADDR4_DOCUMENTATION, /* RFC 5737 */
	ADDR4_SPECIAL,       /* 0/8, multicast, reserved, broadcast */
};

/* Dotted quad only, nothing before or after it. 0 or -EINVAL. */
int addr4_parse(const char *text, uint32_t *addr);

/* Writes the dotted quad into @buf and returns it. */
const char *addr4_str(uint32_t addr, char buf[ADDR4_STRLEN]);

/*
 * Takes "ADDRESS/LENGTH" apart, of any family: the text before the slash goes to @head (@size
 * octets), the length to @len;
 * @longest when there is none. 0, or -EINVAL: no room, or no length of 0 to @longest.
 */
int prefix_split(const char *text, char *head, size_t size, uint8_t longest, uint8_t *len);

/* "192.168.1.0/24"; without a length it is a /32. 0 or -EINVAL. */
int prefix4_parse(const char *text, struct prefix4 *prefix);
const char *prefix4_str(const struct prefix4 *prefix, char buf[PREFIX4_STRLEN]);

uint32_t prefix4_mask(uint8_t len);
bool prefix4_same(const struct prefix4 *a, const struct prefix4 *b); /* host bits, too */
bool prefix4_contains(const struct prefix4 *prefix, uint32_t addr);

/* The network or broadcast address of @prefix: no host has it. Always false for /31 and /32. */
bool prefix4_is_edge(const struct prefix4 *prefix, uint32_t addr);

enum addr4_kind addr4_kind(uint32_t addr);

/* "public", "private", "shared", ... */
const char *addr4_kind_str(enum addr4_kind kind);

#endif
