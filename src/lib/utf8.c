/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/utf8.h"

#include <stdint.h>
#include <string.h>

/* Length of the well-formed sequence at @p (1 to 4), or 0. Stops at the end of the string. */
static size_t
sequence(const unsigned char *p, size_t left, uint32_t *code)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0x0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	size_t n, i;

	for (n = 0; n < 4; n++)
		if ((p[0] & forms[n].mask) == forms[n].lead)
			break;
	if (n == 4 || n >= left)
		return 0;
	*code = p[0] & (unsigned char)~forms[n].mask;
	for (i = 1; i <= n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (p[i] & 0x3f);
	}
	if (*code < forms[n].least || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return n + 1;
}

bool
utf8_valid(const char *text, size_t len)
{
	uint32_t code;
	size_t n;

	for (; len; text += n, len -= n) {
		n = sequence((const unsigned char *)text, len, &code);
		if (!n)
			return false;
	}
	return true;
}

void
utf8_sanitize(char *text)
{
	size_t left = strlen(text), n;
	uint32_t code;

	for (; left; text += n, left -= n) {
		n = sequence((const unsigned char *)text, left, &code);
		if (n == 0) {
			n = 1;
			*text = '?';
		} else if (code < 0x20 || code == 0x7f) {
			*text = '?';
		} else if (code >= 0x80 && code < 0xa0) {
			memset(text, '?', n); /* C1 controls: some terminals obey them */
		}
	}
}

/* The blocks that terminals draw two columns wide (East Asian Width W and F, and emoji). */
static bool
is_wide(uint32_t code)
{
	return (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
	       (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
	       (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
	       (code >= 0xffe0 && code <= 0xffe6) || (code >= 0x1f300 && code <= 0x1f64f) ||
	       (code >= 0x1f900 && code <= 0x1f9ff) || (code >= 0x20000 && code <= 0x3fffd);
}

static bool
is_combining(uint32_t code)
{
	return (code >= 0x300 && code <= 0x36f) || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0xfe00 && code <= 0xfe0f);
}

void
utf8_tame_marks(char *text)
{
	unsigned char *p = (unsigned char *)text;

	for (; p[0] && p[1] && p[2]; p++) {
		if (p[0] == 0xd8 && p[1] == 0x9c) /* U+061C */
			memset(p, '?', 2);
		if (p[0] != 0xe2)
			continue;
		if ((p[1] == 0x80 &&
			((p[2] >= 0xa8 && p[2] <= 0xae) || p[2] == 0x8e || p[2] == 0x8f)) ||
		    (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9))
			memset(p, '?', 3); /* U+2028..202E, U+200E, U+200F, U+2066..2069 */
	}
	if (p[0] == 0xd8 && p[1] == 0x9c)
		memset(p, '?', 2);
}

size_t
utf8_width(const char *text)
{
	size_t left = strlen(text), width = 0, n;
	uint32_t code;

	for (; left; text += n, left -= n) {
		n = sequence((const unsigned char *)text, left, &code);
		if (!n)
			n = code = 1;
		if (!is_combining(code))
			width += is_wide(code) ? 2 : 1;
	}
	return width;
}
