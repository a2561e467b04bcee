/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pure. */
#include "worker/upnp/xml.h"

#include <errno.h>
#include <string.h>

static const char *
entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	}
	return NULL;
}

int
xml_escape(char *buf, size_t size, const char *text)
{
	const char *piece;
	size_t used = 0, len;

	if (size == 0)
		return -ENOSPC;
	for (; *text; text++) {
		piece = entity(*text);
		len = piece ? strlen(piece) : 1;
		if (used + len >= size)
			break;
		memcpy(buf + used, piece ? piece : text, len);
		used += len;
	}
	buf[used] = '\0';
	return *text ? -ENOSPC : 0;
}
