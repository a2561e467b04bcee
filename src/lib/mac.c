/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mac.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
mac_parse(const char *text, struct mac *mac)
{
	struct mac parsed;
	char mark = 0;
	size_t i;

	if (strlen(text) != MAC_STRLEN - 1)
		return -EINVAL;
	mark = text[2];
	if (mark != ':' && mark != '-')
		return -EINVAL;
	for (i = 0; i < sizeof(parsed.octet); i++, text += 3) {
		int high = digit(text[0]), low = digit(text[1]);

		if (high < 0 || low < 0 || text[2] != (i < 5 ? mark : '\0'))
			return -EINVAL;
		parsed.octet[i] = (uint8_t)(high << 4 | low);
	}
	*mac = parsed;
	return 0;
}

const char *
mac_str(const struct mac *mac, char buf[MAC_STRLEN])
{
	const uint8_t *o = mac->octet;

	snprintf(
	    buf, MAC_STRLEN, "%02x:%02x:%02x:%02x:%02x:%02x", o[0], o[1], o[2], o[3], o[4], o[5]);
	return buf;
}

bool
mac_same(const struct mac *a, const struct mac *b)
{
	return memcmp(a->octet, b->octet, sizeof(a->octet)) == 0;
}

bool
mac_is_host(const struct mac *mac)
{
	static const struct mac none;

	return !(mac->octet[0] & 1) && !mac_same(mac, &none);
}
