/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the writers share: the daemon's objects as structs, and strangers' text made harmless. */
#include "ctl/writer.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "ctl/terminal.h"
#include "lib/utf8.h"

void
writer_measure(struct writer *w)
{
	w->columns = terminal_columns(w->out);
}

const char *
writer_text_of(json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

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

	if (json_unpack(json,
		"{s:I, s:b, s:s, s:i, s:i, s:o, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:I, s:I}", "id",
		&m->id, "enabled", &m->enabled, "protocol", &m->protocol, "external_port",
		&m->external_port, "internal_port", &m->internal_port, "remote_host", &remote,
		"internal_client", &m->internal_client, "lease_remaining_s", &remaining,
		"description", &m->description, "origin", &m->origin, "client", &client, "created",
		&created, "last_used", &used, "packets", &m->packets, "octets", &m->octets) < 0)
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

void
writer_paint(struct writer *w, enum writer_color color)
{
	static const char *const codes[] = { "0", "1", "2", "32", "31", "33" };

	if (w->colors)
		fprintf(w->out, "\033[%sm", codes[color]);
}

/* The next word of @text, as much of it as has room in a line, into @word. Its octets. */
static size_t
next_word(const char *text, size_t room, char word[WRITER_TEXT_MAX])
{
	size_t len = strcspn(text, " "), fit;

	snprintf(word, WRITER_TEXT_MAX, "%.*s", (int)len, text);
	if (utf8_width(word) <= room)
		return len;
	fit = fitting(word, room);
	if (fit == 0) /* not even one character has room */
		return len;
	word[fit] = '\0';
	return fit;
}

void
writer_wrap(FILE *out, const char *text, size_t indent, size_t columns)
{
	const size_t room = columns > indent ? columns - indent : 1;
	char word[WRITER_TEXT_MAX];
	size_t used = 0, width;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		text += next_word(text, room, word);
		width = utf8_width(word);
		if (used && used + 1 + width > room) {
			fprintf(out, "\n%*s", (int)indent, "");
			used = 0;
		}
		fprintf(out, "%s%s", used ? " " : "", word);
		used += width + (used ? 1 : 0);
	}
	fputc('\n', out);
}

void
writer_say(struct writer *w, enum writer_color color, const char *head, const char *fmt, ...)
{
	char text[WRITER_TEXT_MAX], tame[WRITER_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fputs(head, w->out);
	if (color != WRITER_PLAIN)
		writer_paint(w, color);
	writer_wrap(w->out, writer_tame(text, sizeof(tame), tame), utf8_width(head), w->columns);
	if (color != WRITER_PLAIN)
		writer_paint(w, WRITER_PLAIN);
}
