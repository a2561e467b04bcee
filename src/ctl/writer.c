/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the writers share: the daemon's objects as structs, and strangers' text made harmless. */
#include "ctl/writer.h"

#include <errno.h>
#include <string.h>

#include "lib/utf8.h"

/* Text or null. */
static int
optional_text(json_t *json, const char **text)
{
	*text = json_string_value(json);
	return *text || json_is_null(json) ? 0 : -EPROTO;
}

int
writer_unpack_mapping(json_t *json, struct writer_mapping *m)
{
	json_t *remote, *remaining, *client, *created, *used;

	if (json_unpack(json, "{s:I, s:b, s:s, s:i, s:i, s:o, s:s, s:o, s:s, s:s, s:o, s:o, s:o}",
		"id", &m->id, "enabled", &m->enabled, "protocol", &m->protocol, "external_port",
		&m->external_port, "internal_port", &m->internal_port, "remote_host", &remote,
		"internal_client", &m->internal_client, "lease_remaining_s", &remaining,
		"description", &m->description, "origin", &m->origin, "client", &client, "created",
		&created, "last_used", &used) < 0)
		return -EPROTO;
	if (!json_is_integer(remaining) && !json_is_null(remaining))
		return -EPROTO;
	m->remaining_s = json_is_null(remaining) ? -1 : json_integer_value(remaining);
	if (optional_text(remote, &m->remote_host) < 0 || optional_text(client, &m->client) < 0 ||
	    optional_text(created, &m->created) < 0)
		return -EPROTO;
	return optional_text(used, &m->last_used);
}

/*
 * The marks that turn the direction of writing (Unicode 5.8, "bidirectional ordering controls") and
 * the line separators: with them a description could rewrite its whole line.
 */
static void
tame_marks(char *text)
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

/* Octets of @text that take at most @columns. */
static size_t
fitting(const char *text, size_t columns)
{
	char part[WRITER_TEXT_MAX];
	size_t end = 0, next, fit = 0;

	while (text[end]) {
		next = end + 1;
		while ((text[next] & 0xc0) == 0x80)
			next++;
		memcpy(part + end, text + end, next - end);
		part[next] = '\0';
		if (utf8_width(part) > columns)
			break;
		fit = end = next;
	}
	return fit;
}

const char *
writer_tame(const char *text, size_t columns, char buf[WRITER_TEXT_MAX])
{
	static const char ellipsis[] = "\xe2\x80\xa6";
	size_t end;

	snprintf(buf, WRITER_TEXT_MAX - sizeof(ellipsis), "%s", text);
	utf8_sanitize(buf);
	tame_marks(buf);
	if (utf8_width(buf) > columns) {
		end = fitting(buf, columns ? columns - 1 : 0);
		snprintf(buf + end, sizeof(ellipsis), "%s", columns ? ellipsis : "");
	}
	return buf;
}
