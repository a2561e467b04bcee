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

/* A port, or null for any. */
static int
optional_port(json_t *json, int *port)
{
	*port = json_is_null(json) ? -1 : (int)json_integer_value(json);
	return json_is_null(json) || json_is_integer(json) ? 0 : -EPROTO;
}

int
writer_unpack_pinhole(json_t *json, struct writer_pinhole *p)
{
	json_t *protocol, *remote, *rport, *port, *created, *used;

	if (json_unpack(json, "{s:I, s:o, s:o, s:o, s:s, s:o, s:I, s:s, s:s, s:o, s:o, s:I}", "id",
		&p->id, "protocol", &protocol, "remote_host", &remote, "remote_port", &rport,
		"internal_client", &p->internal_client, "internal_port", &port, "lease_remaining_s",
		&p->remaining_s, "origin", &p->origin, "client", &p->client, "created", &created,
		"last_used", &used, "packets", &p->packets) < 0)
		return -EPROTO;
	p->protocol = json_string_value(protocol);
	p->protocol_number = (int)json_integer_value(protocol);
	if (!p->protocol && !json_is_integer(protocol))
		return -EPROTO;
	if (optional_port(rport, &p->remote_port) < 0 ||
	    optional_port(port, &p->internal_port) < 0 ||
	    optional_text(remote, &p->remote_host) < 0 || optional_text(created, &p->created) < 0)
		return -EPROTO;
	return optional_text(used, &p->last_used);
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
	utf8_tame_marks(buf);
	if (utf8_width(buf) > columns) {
		end = fitting(buf, columns ? columns - 1 : 0);
		snprintf(buf + end, sizeof(ellipsis), "%s", columns ? ellipsis : "");
	}
	return buf;
}
