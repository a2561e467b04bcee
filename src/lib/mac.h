/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Link-layer addresses of Ethernet: parse, print, compare. */
#ifndef PORTREEVE_LIB_MAC_H
#define PORTREEVE_LIB_MAC_H

#include <stdbool.h>
#include <stdint.h>

#define MAC_STRLEN 18

struct mac {
	uint8_t octet[6];
};

/* Six pairs of hexadecimal digits, parted by colons or by hyphens; nothing else. 0 or -EINVAL. */
int mac_parse(const char *text, struct mac *mac);

/* "52:54:00:12:34:56" into @buf, which it returns. */
const char *mac_str(const struct mac *mac, char buf[MAC_STRLEN]);

bool mac_same(const struct mac *a, const struct mac *b);

/* A single host can have it: neither a group's nor all zeros. */
bool mac_is_host(const struct mac *mac);

#endif
