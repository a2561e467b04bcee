/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6 addresses and prefixes: parse, print, compare. 16 octets in network byte order, as messages
 * and packets have them.
 */
#ifndef PORTREEVE_LIB_ADDR6_H
#define PORTREEVE_LIB_ADDR6_H

#include <stdbool.h>
#include <stdint.h>

#define ADDR6_STRLEN 46

struct addr6 {
	uint8_t octet[16];
};

struct prefix6 {
	struct addr6 addr; /* the address itself, host bits kept */
	uint8_t len;       /* 0..128 */
};

/* Text as of RFC 4291 2.2, nothing before or after it, no zone. 0 or -EINVAL. */
int addr6_parse(const char *text, struct addr6 *addr);

/* RFC 5952; an IPv4 address (::ffff:a.b.c.d) as its dotted quad. Returns @buf. */
const char *addr6_str(const struct addr6 *addr, char buf[ADDR6_STRLEN]);

bool addr6_is_zero(const struct addr6 *addr);
bool addr6_same(const struct addr6 *a, const struct addr6 *b);

/* A host of the Internet has it: 2000::/3 (IANA's global unicast space). */
bool addr6_is_global(const struct addr6 *addr);
bool addr6_is_link_local(const struct addr6 *addr); /* fe80::/10 */

/* IPv4 addresses (host byte order) and their place among IPv6 ones, ::ffff:0:0/96. */
struct addr6 addr6_from4(uint32_t addr);
bool addr6_to4(const struct addr6 *addr, uint32_t *out); /* false: it is none */

/* "2001:db8::1/64"; without a length it is a /128. 0 or -EINVAL. */
int prefix6_parse(const char *text, struct prefix6 *prefix);
bool prefix6_contains(const struct prefix6 *prefix, const struct addr6 *addr);

#endif
