/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For people: tables that align and fit, sentences otherwise. */
#include "ctl/writer.h"
#include "ctl/writer_audit.h"
#include "ctl/writer_explain.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "ctl/doctor.h"
#include "ctl/human.h"
#include "ctl/terminal.h"
#include "lib/compiler.h"
#include "lib/utf8.h"

#define CELL_MAX HUMAN_MAX
#define WIDE 1000 /* columns for text that need not fit a table */
#define LINE_HEAD_MAX 64
#define FLOW_MAX 320
#define WAY_MAX 100
#define CHANGE_INDENT 32
#define PINHOLE_COLUMNS 45  /* of what is not the inside, nor from where */
#define BELOW "           " /* as wide as the names in front of what "status" says */

/* ==== the table of mappings: a row each for its columns ==== */

static void
cell_id(const struct writer_mapping *m, char buf[CELL_MAX])
{
	snprintf(buf, CELL_MAX, "%lld", (long long)m->id);
}

static void
cell_outside(const struct writer_mapping *m, char buf[CELL_MAX])
{
	snprintf(buf, CELL_MAX, "%.8s %5d", m->protocol, m->external_port);
}

static void
cell_from(const struct writer_mapping *m, char buf[CELL_MAX])
{
	snprintf(buf, CELL_MAX, "%.15s", m->remote_host ? m->remote_host : "any");
}

static void
cell_inside(const struct writer_mapping *m, char buf[CELL_MAX])
{
	snprintf(buf, CELL_MAX, "%.15s:%d", m->internal_client, m->internal_port);
}

static void
cell_on(const struct writer_mapping *m, char buf[CELL_MAX])
{
	snprintf(buf, CELL_MAX, "%s", m->enabled ? "yes" : "no");
}

static void
cell_left(const struct writer_mapping *m, char buf[CELL_MAX])
{
	if (m->remaining_s < 0)
		snprintf(buf, CELL_MAX, "permanent");
	else
		human_duration(m->remaining_s, buf);
}

static void
cell_by(const struct writer_mapping *m, char buf[CELL_MAX])
{
	snprintf(buf, CELL_MAX, "%.8s", m->origin);
}

/* The last column, the description, gets what is left of the line. */
static const struct column {
	const char *title;
	bool right;
	int spare; /* 1, then 2...: goes where the terminal is too narrow; "show" has it */
	void (*cell)(const struct writer_mapping *m, char buf[CELL_MAX]);
} columns[] = {
	{ "ID", true, 0, cell_id },
	{ "OUTSIDE", false, 0, cell_outside },
	{ "FROM", false, 4, cell_from },
	{ "INSIDE", false, 0, cell_inside },
	{ "ON", false, 3, cell_on },
	{ "LEFT", true, 2, cell_left },
	{ "BY", false, 1, cell_by },
};

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))
#define SPARE_MAX 4

struct table {
	size_t width[N_COLUMNS]; /* 0: the column is not shown */
	size_t rest;             /* for the description */
};

static void
widen(struct table *t, size_t column, const char *cell)
{
	size_t width = utf8_width(cell);

	if (t->width[column] < width)
		t->width[column] = width;
}

static size_t
table_width(const struct table *t)
{
	size_t c, used = 0;

	for (c = 0; c < N_COLUMNS; c++)
		used += t->width[c] ? t->width[c] + 2 : 0;
	return used;
}

/* Leaves columns out until the others fit; the two blanks at the end of a line may be missing. */
static void
table_narrow(struct table *t, size_t columns_max)
{
	size_t c;
	int spare;

	for (spare = 1; spare <= SPARE_MAX && table_width(t) > columns_max + 2; spare++)
		for (c = 0; c < N_COLUMNS; c++)
			if (columns[c].spare == spare)
				t->width[c] = 0;
}

/* Looks at every mapping before the first is printed. 0 or -EPROTO. */
static int
table_measure(struct table *t, json_t *array, size_t columns_max)
{
	struct writer_mapping m;
	char buf[CELL_MAX];
	size_t i, c, used;

	for (c = 0; c < N_COLUMNS; c++)
		t->width[c] = strlen(columns[c].title);
	for (i = 0; i < json_array_size(array); i++) {
		if (writer_unpack_mapping(json_array_get(array, i), &m) < 0)
			return -EPROTO;
		for (c = 0; c < N_COLUMNS; c++) {
			columns[c].cell(&m, buf);
			widen(t, c, buf);
		}
	}
	table_narrow(t, columns_max);
	used = table_width(t);
	t->rest = used < columns_max ? columns_max - used : 0;
	return 0;
}

/* Owes the blanks after a cell to the next one, so that no line ends with them. */
static void
table_cell(const struct table *t, size_t column, const char *cell, int *owed, FILE *out)
{
	char tame[WRITER_TEXT_MAX];
	int pad;

	if (t->width[column] == 0)
		return;
	writer_tame(cell, t->width[column], tame);
	pad = (int)(t->width[column] - utf8_width(tame));
	if (columns[column].right)
		*owed += pad;
	fprintf(out, "%*s%s", *owed, "", tame);
	*owed = columns[column].right ? 2 : pad + 2;
}

static void
table_end(const struct table *t, const char *description, int owed, FILE *out)
{
	char tame[WRITER_TEXT_MAX];

	writer_tame(description, t->rest, tame);
	fprintf(out, "%*s%s\n", *tame ? owed : 0, "", tame);
}

static void
table_row(const struct table *t, const struct writer_mapping *m, FILE *out)
{
	char buf[CELL_MAX];
	int owed = 0;
	size_t c;

	for (c = 0; c < N_COLUMNS; c++) {
		columns[c].cell(m, buf);
		table_cell(t, c, buf, &owed, out);
	}
	table_end(t, m->description, owed, out);
}

static int
print_mappings(struct writer *w, json_t *array)
{
	struct writer_mapping m;
	struct table t;
	int owed = 0;
	size_t i, c;

	if (table_measure(&t, array, w->columns) < 0)
		return -EPROTO;
	if (json_array_size(array) == 0) {
		fputs(
		    w->some ? "There are no such mappings.\n" : "There are no mappings.\n", w->out);
		return 0;
	}
	writer_paint(w, WRITER_BOLD);
	for (c = 0; c < N_COLUMNS; c++)
		table_cell(&t, c, columns[c].title, &owed, w->out);
	table_end(&t, "DESCRIPTION", owed, w->out);
	writer_paint(w, WRITER_PLAIN);
	for (i = 0; i < json_array_size(array); i++) {
		writer_unpack_mapping(json_array_get(array, i), &m);
		writer_paint(w, m.enabled ? WRITER_PLAIN : WRITER_DIM);
		table_row(&t, &m, w->out);
	}
	writer_paint(w, WRITER_PLAIN);
	return 0;
}

/* ==== pinholes: IPv6 addresses are long, so each has two lines where it must ==== */

/* "[2001:db8::7]:80", or without a port the address alone. */
static const char *
endpoint_str(const char *addr, int port, char buf[CELL_MAX])
{
	if (port < 0)
		snprintf(buf, CELL_MAX, "%.45s", addr);
	else
		snprintf(buf, CELL_MAX, "[%.45s]:%d", addr, port);
	return buf;
}

static const char *
remote_str(const struct writer_pinhole *p, char buf[CELL_MAX])
{
	if (p->remote_host)
		return endpoint_str(p->remote_host, p->remote_port, buf);
	if (p->remote_port < 0)
		return "any";
	snprintf(buf, CELL_MAX, "any port %d", p->remote_port);
	return buf;
}

static const char *
protocol_str(const struct writer_pinhole *p, char buf[CELL_MAX])
{
	if (p->protocol)
		return p->protocol;
	snprintf(buf, CELL_MAX, "%d", p->protocol_number);
	return buf;
}

/* The width of the widest inside, or -EPROTO. */
static int
measure_inside(json_t *array)
{
	int width = (int)strlen("INSIDE"), n;
	struct writer_pinhole p;
	char buf[CELL_MAX];
	size_t i;

	for (i = 0; i < json_array_size(array); i++) {
		if (writer_unpack_pinhole(json_array_get(array, i), &p) < 0)
			return -EPROTO;
		n = (int)strlen(endpoint_str(p.internal_client, p.internal_port, buf));
		width = n > width ? n : width;
	}
	return width;
}

/* Without the inside a row has the 40 columns of the narrowest terminal. */
#define PACKETS_COLUMNS(inside) ((inside) ? 8 : 7)

/* "p7      UDP"; @inside behind it, or nothing where that has a line of its own. */
static int
pinhole_row(struct writer *w, const struct writer_pinhole *p, const char *inside, int width)
{
	char id[CELL_MAX], left[CELL_MAX], protocol[CELL_MAX], tame[2][WRITER_TEXT_MAX];

	snprintf(id, sizeof(id), "p%lld", (long long)p->id);
	return fprintf(w->out, "%-6s  %-5.5s  %-*s%s%8s  %-6.6s  %*lld", id,
	    writer_tame(protocol_str(p, protocol), 5, tame[0]), width,
	    writer_tame(inside, CELL_MAX, tame[1]), width ? "  " : "",
	    human_duration(p->remaining_s, left), p->origin, PACKETS_COLUMNS(width),
	    (long long)p->packets);
}

static void
print_pinhole(struct writer *w, const struct writer_pinhole *p, int width)
{
	char inside[CELL_MAX], from[CELL_MAX], tame[WRITER_TEXT_MAX];
	const char *remote = remote_str(p, from);
	int used;

	endpoint_str(p->internal_client, p->internal_port, inside);
	used = pinhole_row(w, p, width ? inside : "", width);
	if (!width) {
		fputc('\n', w->out);
		writer_say(w, WRITER_PLAIN, "        ", "%s", inside);
		writer_say(w, WRITER_PLAIN, "        from ", "%s", remote);
	} else {
		fprintf(w->out,
		    used + 2 + strlen(remote) > w->columns ? "\n        from %s\n" : "  %s\n",
		    writer_tame(remote, sizeof(from), tame));
	}
}

static int
print_pinholes(struct writer *w, json_t *array)
{
	int width = measure_inside(array);
	struct writer_pinhole p;
	size_t i;

	if (width < 0)
		return -EPROTO;
	if (json_array_size(array) == 0)
		return 0;
	if (PINHOLE_COLUMNS + width > (int)w->columns)
		width = 0; /* each has a line for its inside */
	fputs("\nIPv6 pinholes\n", w->out);
	writer_paint(w, WRITER_BOLD);
	fprintf(w->out, "%-6s  %-5s  %-*s%s%8s  %-6s  %*s%s", "ID", "PROTO", width,
	    width ? "INSIDE" : "", width ? "  " : "", "LEFT", "BY", PACKETS_COLUMNS(width),
	    "PACKETS", width ? "  FROM" : "");
	writer_paint(w, WRITER_PLAIN);
	fputc('\n', w->out);
	for (i = 0; i < json_array_size(array); i++) {
		writer_unpack_pinhole(json_array_get(array, i), &p);
		print_pinhole(w, &p, width);
	}
	return 0;
}

static int
on_list(struct writer *w, json_t *mappings, json_t *pinholes)
{
	int rc = print_mappings(w, mappings);

	return rc < 0 ? rc : print_pinholes(w, pinholes);
}

/* ==== one mapping ==== */

static void
line(struct writer *w, const char *name, const char *value)
{
	char head[LINE_HEAD_MAX];

	snprintf(head, sizeof(head), "%-12s ", name);
	writer_say(w, WRITER_PLAIN, head, "%s", value);
}

static void
line_time(struct writer *w, const char *name, const char *iso, const char *otherwise)
{
	char buf[HUMAN_MAX];

	line(w, name, iso ? human_time_ago(iso, w->now_s, buf) : otherwise);
}

/* ", 12 packets in (1.2 MiB), 34 out (3.0 KiB)" where the kernel counts. */
static const char *
counters_str(const json_t *flow, char *buf, size_t size)
{
	const json_t *packets_in = json_object_get(flow, "packets_in");
	char in[HUMAN_MAX], out[HUMAN_MAX];

	*buf = '\0';
	if (json_is_integer(packets_in))
		snprintf(buf, size, ", %lld packets in (%s), %lld out (%s)",
		    (long long)json_integer_value(packets_in),
		    human_size(json_integer_value(json_object_get(flow, "octets_in")), in),
		    (long long)json_integer_value(json_object_get(flow, "packets_out")),
		    human_size(json_integer_value(json_object_get(flow, "octets_out")), out));
	return buf;
}

static int
print_flows(struct writer *w, json_t *flows)
{
	char text[FLOW_MAX], counters[FLOW_MAX / 2], silence[HUMAN_MAX];
	json_int_t port, timeout;
	const char *peer;
	int answered;
	size_t i;

	if (json_array_size(flows) == 0)
		line(w, "flows", "none at the moment");
	for (i = 0; i < json_array_size(flows); i++) {
		json_t *flow = json_array_get(flows, i);

		if (json_unpack(flow, "{s:s, s:I, s:b, s:I}", "peer", &peer, "peer_port", &port,
			"answered", &answered, "timeout_s", &timeout) < 0)
			return -EPROTO;
		snprintf(text, sizeof(text),
		    strchr(peer, ':') ? "[%.45s]:%lld, %s%s, forgotten after %s of silence"
				      : "%.45s:%lld, %s%s, forgotten after %s of silence",
		    peer, (long long)port, answered ? "both ways" : "unanswered",
		    counters_str(flow, counters, sizeof(counters)),
		    human_duration(timeout, silence));
		line(w, i ? "" : "flows", text);
	}
	return 0;
}

/* Of "show": what it does at the moment, and what has become of it so far. */
static int
print_life(struct writer *w, json_t *json)
{
	json_t *flows = json_object_get(json, "flows"), *trail = json_object_get(json, "trail");
	const json_t *connections = json_object_get(json, "connections");
	char buf[CELL_MAX];

	if (connections) {
		snprintf(buf, sizeof(buf), "%lld", (long long)json_integer_value(connections));
		line(w, "connections", buf);
	}
	if (flows && print_flows(w, flows) < 0)
		return -EPROTO;
	if (!trail)
		return 0;
	fputc('\n', w->out);
	return writer_audit_trail(w, trail);
}

static int
on_mapping(struct writer *w, json_t *json)
{
	char buf[CELL_MAX], text[2 * CELL_MAX];
	struct writer_mapping m;

	if (writer_unpack_mapping(json, &m) < 0)
		return -EPROTO;
	cell_id(&m, buf);
	line(w, "id", buf);
	snprintf(buf, sizeof(buf), "%.8s port %d", m.protocol, m.external_port);
	line(w, "outside", buf);
	line(w, "from", m.remote_host ? m.remote_host : "any remote host");
	snprintf(buf, sizeof(buf), "%.15s port %d", m.internal_client, m.internal_port);
	line(w, "inside", buf);
	line(w, "enabled", m.enabled ? "yes" : "no: it passes nothing");
	cell_left(&m, buf);
	line(w, "left", buf);
	line(w, "description", m.description);
	snprintf(
	    buf, sizeof(buf), "%.20s (%.8s)", m.client ? m.client : "the administrator", m.origin);
	line(w, "asked by", buf);
	line_time(w, "created", m.created, "not known");
	line_time(w, "last used", m.last_used, "never");
	snprintf(text, sizeof(text), "%lld, both ways (%s)", (long long)m.packets,
	    human_size(m.octets, buf));
	line(w, "packets", text);
	return print_life(w, json);
}

static int
on_pinhole(struct writer *w, json_t *json)
{
	char buf[CELL_MAX], text[2 * CELL_MAX];
	struct writer_pinhole p;

	if (writer_unpack_pinhole(json, &p) < 0)
		return -EPROTO;
	snprintf(buf, sizeof(buf), "p%lld", (long long)p.id);
	line(w, "id", buf);
	line(w, "protocol", protocol_str(&p, buf));
	line(w, "from", remote_str(&p, buf));
	line(w, "inside", endpoint_str(p.internal_client, p.internal_port, buf));
	line(w, "left", human_duration(p.remaining_s, buf));
	snprintf(text, sizeof(text), "%.45s (%.8s)", p.client, p.origin);
	line(w, "asked by", text);
	line_time(w, "created", p.created, "not known");
	line_time(w, "last used", p.last_used, "never");
	snprintf(buf, sizeof(buf), "%lld, from outside", (long long)p.packets);
	line(w, "packets", buf);
	return print_life(w, json);
}

/* ==== changes ==== */

/* "TCP 8080 from 203.0.113.9 to 192.168.1.7:80" */
static const char *
way_str(char buf[WAY_MAX], const char *protocol, json_int_t external_port, const char *remote,
    const char *client, json_int_t internal_port)
{
	snprintf(buf, WAY_MAX, "%.8s %lld%s%.15s to %.15s:%lld", protocol, (long long)external_port,
	    remote ? " from " : "", remote ? remote : "", client, (long long)internal_port);
	return buf;
}

static int
change_of_mapping(json_t *mapping, char text[WRITER_TEXT_MAX])
{
	char left[CELL_MAX], tame[WRITER_TEXT_MAX], way[WAY_MAX];
	struct writer_mapping m;

	if (writer_unpack_mapping(mapping, &m) < 0)
		return -EPROTO;
	cell_left(&m, left);
	way_str(
	    way, m.protocol, m.external_port, m.remote_host, m.internal_client, m.internal_port);
	snprintf(text, WRITER_TEXT_MAX, "%s, %s%s, \"%.200s\" (mapping %lld)", way, left,
	    m.enabled ? "" : ", disabled", writer_tame(m.description, 40, tame), (long long)m.id);
	return 0;
}

/* "TCP from any to [2001:db8::7]:80, 59m 3s (pinhole 7)" */
static int
change_of_pinhole(json_t *pinhole, char text[WRITER_TEXT_MAX])
{
	char buf[4][CELL_MAX];
	struct writer_pinhole p;

	if (writer_unpack_pinhole(pinhole, &p) < 0)
		return -EPROTO;
	snprintf(text, WRITER_TEXT_MAX, "%.8s from %s to %s, %s (pinhole %lld)",
	    protocol_str(&p, buf[0]), remote_str(&p, buf[1]),
	    endpoint_str(p.internal_client, p.internal_port, buf[2]),
	    human_duration(p.remaining_s, buf[3]), (long long)p.id);
	return 0;
}

static int
change_refused(json_t *change, char text[WRITER_TEXT_MAX])
{
	const char *protocol, *internal, *result, *reason = "", *client;
	json_int_t external_port, internal_port;
	json_t *who, *from = NULL;
	char way[WAY_MAX];

	if (json_unpack(change, "{s:o, s:s, s:I, s?o, s:s, s:I, s:s, s?s}", "client", &who,
		"protocol", &protocol, "external_port", &external_port, "remote_host", &from,
		"internal_client", &internal, "internal_port", &internal_port, "result", &result,
		"reason", &reason) < 0)
		return -EPROTO;
	client = json_string_value(who);
	way_str(way, protocol, external_port, json_string_value(from), internal, internal_port);
	snprintf(text, WRITER_TEXT_MAX, "%s for %.20s: %.40s%s%.400s", way,
	    client ? client : "the administrator", result, *reason ? ", " : "", reason);
	return 0;
}

static enum writer_color
color_of(const char *event)
{
	static const struct {
		const char *event;
		enum writer_color color;
	} colors[] = { { "added", WRITER_GOOD }, { "refused", WRITER_BAD },
		{ "dropped", WRITER_BAD }, { "deleted", WRITER_DIM }, { "expired", WRITER_DIM } };
	size_t i;

	for (i = 0; i < sizeof(colors) / sizeof(colors[0]); i++)
		if (strcmp(event, colors[i].event) == 0)
			return colors[i].color;
	return WRITER_PLAIN;
}

/* What has changed, in words. 0 or -EPROTO. */
static int
change_str(json_t *change, const char *event, char text[WRITER_TEXT_MAX])
{
	json_t *mapping = json_object_get(change, "mapping");
	json_t *pinhole = json_object_get(change, "pinhole");
	const char *said = writer_text_of(change, "text");

	if (mapping)
		return change_of_mapping(mapping, text);
	if (pinhole)
		return change_of_pinhole(pinhole, text);
	if (strcmp(event, "refused") == 0)
		return change_refused(change, text);
	snprintf(text, WRITER_TEXT_MAX, "%s", said ? said : "");
	return 0;
}

/* "2026-05-01 12:00:00Z  added     ...", and the rest of it below. */
static int
on_change(struct writer *w, json_t *change)
{
	char head[2 * HUMAN_MAX], when[HUMAN_MAX], text[WRITER_TEXT_MAX], tame[WRITER_TEXT_MAX];
	const char *time = "", *event;

	if (json_unpack(change, "{s?s, s:s}", "time", &time, "event", &event) < 0 ||
	    change_str(change, event, text) < 0)
		return -EPROTO;
	snprintf(head, sizeof(head), "%.40sZ  ", human_time(time, when));
	fputs(writer_tame(head, 24, tame), w->out);
	writer_paint(w, color_of(event));
	snprintf(head, sizeof(head), "%-8.20s  ", event);
	fputs(writer_tame(head, 24, tame), w->out);
	writer_paint(w, WRITER_PLAIN);
	writer_wrap(w->out, writer_tame(text, sizeof(tame), tame), CHANGE_INDENT, w->columns);
	fflush(w->out);
	return 0;
}

/* ==== status ==== */

static const char *
text_or(json_t *json, const char *otherwise)
{
	const char *text = json_string_value(json);

	return text ? text : otherwise;
}

/* What it means to be behind another NAT, for somebody who wonders why nothing comes in. */
static void
print_double_nat(struct writer *w, const char *kind)
{
	writer_say(w, WRITER_ODD, BELOW, "%s",
	    strcmp(kind, "shared") == 0
		? "Double NAT: the provider translates, too (a shared address). Ports mapped here "
		  "can be reached in the provider's network, but not from the Internet."
		: "Double NAT: another router translates before this one (a private address). "
		  "Ports mapped here can be reached from the Internet only if it forwards them.");
}

static int
print_wan(struct writer *w, json_t *wan)
{
	json_t *interface, *address, *kind, *external;
	char duration[HUMAN_MAX], up[HUMAN_MAX + 8] = "", where[80] = "";
	const char *state;
	json_int_t uptime;
	int double_nat;

	if (json_unpack(wan, "{s:o, s:o, s:s, s:o, s:b, s:o, s:I}", "interface", &interface,
		"address", &address, "state", &state, "address_kind", &kind, "double_nat",
		&double_nat, "external_address", &external, "uptime_s", &uptime) < 0)
		return -EPROTO;
	if (uptime > 0)
		snprintf(up, sizeof(up), " for %s", human_duration(uptime, duration));
	if (json_is_string(address))
		snprintf(where, sizeof(where), ", %.20s (%.20s)", text_or(address, ""),
		    text_or(kind, "unknown"));
	writer_say(w, WRITER_PLAIN, "WAN        ", "%.20s, %.20s%s%s", text_or(interface, "none"),
	    state, up, where);
	if (json_is_string(external) && !json_equal(external, address))
		writer_say(
		    w, WRITER_PLAIN, BELOW, "Clients are told %.20s.", text_or(external, ""));
	if (double_nat)
		print_double_nat(w, text_or(kind, ""));
	return 0;
}

/* What sharing makes of the LAN; a daemon that is older says nothing of it. */
static void
print_sharing(struct writer *w, json_t *lan)
{
	static const struct {
		const char *key, *word, *text;
		bool odd;
	} rows[] = {
		{ "nat", "others", "The connection is shared by another ruleset, not by us.",
		    false },
		{ "dhcp", "looking", "Looking whether another DHCP server is there.", false },
		{ "dhcp", "served", "DHCP and DNS by dnsmasq.", false },
		{ "dhcp", "other", "Another server gives addresses by DHCP; we do not.", true },
		{ "dhcp", "failed", "dnsmasq does not run: no DHCP and no DNS by us.", true },
	};
	const char *word;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		word = json_string_value(json_object_get(lan, rows[i].key));
		if (!word || strcmp(word, rows[i].word) != 0)
			continue;
		writer_say(w, rows[i].odd ? WRITER_ODD : WRITER_PLAIN, BELOW, "%s", rows[i].text);
	}
}

static int
print_lan(struct writer *w, json_t *lan, const char *title)
{
	json_t *address, *url, *pid;
	char head[LINE_HEAD_MAX], worker[32] = "no worker", again[40] = "";
	const char *interface;
	json_int_t restarts;

	if (json_unpack(lan, "{s:s, s:o, s:o, s:o, s:I}", "interface", &interface, "address",
		&address, "control_url", &url, "worker_pid", &pid, "restarts", &restarts) < 0)
		return -EPROTO;
	snprintf(head, sizeof(head), "%-10s ", title);
	writer_say(w, WRITER_PLAIN, head, "%.20s, %.20s, %.60s", interface,
	    text_or(address, "no address"), text_or(url, "not served"));
	if (json_is_integer(pid))
		snprintf(worker, sizeof(worker), "worker %lld", (long long)json_integer_value(pid));
	if (restarts > 0)
		snprintf(again, sizeof(again), ", restarted %lld time%s", (long long)restarts,
		    restarts == 1 ? "" : "s");
	writer_say(w, WRITER_PLAIN, BELOW, "%s%s", worker, again);
	print_sharing(w, lan);
	return 0;
}

static int
print_lans(struct writer *w, json_t *lans)
{
	size_t i;

	if (json_array_size(lans) == 0)
		fputs("LAN        none\n", w->out);
	for (i = 0; i < json_array_size(lans); i++)
		if (print_lan(w, json_array_get(lans, i), i ? "" : "LAN") < 0)
			return -EPROTO;
	return 0;
}

/* Nothing where there is no firewall. */
static void
print_firewall(struct writer *w, json_t *pinholes)
{
	int firewall = 0, allowed = 0;
	json_int_t count = 0;

	if (!pinholes ||
	    json_unpack(pinholes, "{s:I, s:b, s:b}", "count", &count, "firewall", &firewall,
		"allowed", &allowed) < 0 ||
	    !firewall)
		return;
	writer_say(w, WRITER_PLAIN, "IPv6       ", "firewall on, %lld pinhole%s%s",
	    (long long)count, count == 1 ? "" : "s", allowed ? "" : ", new ones are not allowed");
}

static int
on_status(struct writer *w, json_t *status)
{
	json_t *wan, *lans, *pinholes = NULL;
	const char *version;
	json_int_t uptime, count, most, heals;
	int table_ok, owned;
	char up[CELL_MAX], tame[WRITER_TEXT_MAX];

	if (json_unpack(status, "{s:s, s:I, s:o, s:o, s:{s:I, s:I}, s?o, s:{s:b, s:b, s:I}}",
		"version", &version, "uptime_s", &uptime, "wan", &wan, "lans", &lans, "mappings",
		"count", &count, "max", &most, "pinholes", &pinholes, "kernel", "table_ok",
		&table_ok, "owned", &owned, "heals", &heals) < 0)
		return -EPROTO;
	fprintf(w->out, "portreeved %s, up for %s\n", writer_tame(version, 20, tame),
	    human_duration(uptime, up));
	if (print_wan(w, wan) < 0 || print_lans(w, lans) < 0)
		return -EPROTO;
	fprintf(w->out, "Mappings   %lld of at most %lld\n", (long long)count, (long long)most);
	print_firewall(w, pinholes);
	writer_say(w, table_ok ? WRITER_PLAIN : WRITER_BAD, "Kernel     ",
	    "%s, %s, restored %lld time%s",
	    table_ok ? "table in force" : "TABLE NOT IN FORCE, see the log",
	    owned ? "owned" : "not owned", (long long)heals, heals == 1 ? "" : "s");
	return 0;
}

/* For scrapers rather than for people: as it is. */
static int
on_metrics(struct writer *w, json_t *answer UNUSED, const char *text)
{
	fputs(text, w->out);
	return 0;
}

/* Each line of @text behind @before: what is shared, and what "reload" finds wrong, have several.
 */
static void
print_tame_lines(FILE *out, const char *before, const char *text)
{
	char tame[WRITER_TEXT_MAX], part[WRITER_TEXT_MAX];
	const char *end;

	for (; text && *text; text = end ? end + 1 : NULL) {
		end = strchr(text, '\n');
		snprintf(
		    part, sizeof(part), "%.*s", end ? (int)(end - text) : (int)strlen(text), text);
		fprintf(out, "%s%s\n", before, writer_tame(part, WIDE, tame));
	}
}

static void
on_done(struct writer *w, json_t *answer UNUSED, const char *text)
{
	print_tame_lines(w->out, "", text);
}

static void
on_error(struct writer *w, const char *code UNUSED, const char *message)
{
	print_tame_lines(w->err, "portreeve: ", message);
}

static int
on_doctor(struct writer *w, json_t *doctor)
{
	return doctor_print(w->out, json_object_get(doctor, "checks"), w->columns, w->colors);
}

struct writer *
writer_text(FILE *out, FILE *err)
{
	static struct writer writer = {
		.status = on_status,
		.list = on_list,
		.mapping = on_mapping,
		.pinhole = on_pinhole,
		.trail = writer_audit_trail,
		.findings = writer_audit_findings,
		.metrics = on_metrics,
		.explain = writer_explain,
		.reload = writer_reload,
		.change = on_change,
		.doctor = on_doctor,
		.done = on_done,
		.error = on_error,
	};

	writer.out = out;
	writer.err = err;
	writer.columns = terminal_columns(out);
	writer.colors = terminal_has_colors(out);
	writer.now_s = (int64_t)time(NULL);
	return &writer;
}
