/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For people: tables that align and fit, sentences otherwise. */
#include "ctl/writer.h"
#include "ctl/writer_audit.h"
#include "ctl/writer_explain.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ctl/doctor.h"
#include "ctl/terminal.h"
#include "lib/compiler.h"
#include "lib/utf8.h"

#define CELL_MAX 64
#define WIDE 1000 /* columns for text that need not fit a table */

/* ==== colours ==== */

enum color { PLAIN, BOLD, DIM, GOOD, BAD, ODD };

static void
paint(struct writer *w, enum color color)
{
	static const char *const codes[] = { "0", "1", "2", "32", "31", "33" };

	if (w->colors)
		fprintf(w->out, "\033[%sm", codes[color]);
}

/* "59s", "5m 3s", "23h 59m", "12d 3h": two units say enough. */
static const char *
duration_str(json_int_t s, char buf[CELL_MAX])
{
	const long long n = s;

	if (n < 60)
		snprintf(buf, CELL_MAX, "%llds", n);
	else if (n < 3600)
		snprintf(buf, CELL_MAX, "%lldm %llds", n / 60, n % 60);
	else if (n < 86400)
		snprintf(buf, CELL_MAX, "%lldh %lldm", n / 3600, n / 60 % 60);
	else
		snprintf(buf, CELL_MAX, "%lldd %lldh", n / 86400, n / 3600 % 24);
	return buf;
}

/* "999 B", "1.5 KiB", "12.0 GiB" */
static const char *
size_str(json_int_t octets, char buf[CELL_MAX])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double n = (double)octets / 1024;
	size_t i;

	if (octets < 1024) {
		snprintf(buf, CELL_MAX, "%lld B", (long long)octets);
		return buf;
	}
	for (i = 0; i + 1 < sizeof(units) / sizeof(units[0]) && n >= 1024; i++)
		n /= 1024;
	snprintf(buf, CELL_MAX, "%.1f %s", n, units[i]);
	return buf;
}

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
		duration_str(m->remaining_s, buf);
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
	void (*cell)(const struct writer_mapping *m, char buf[CELL_MAX]);
} columns[] = {
	{ "ID", true, cell_id },
	{ "OUTSIDE", false, cell_outside },
	{ "FROM", false, cell_from },
	{ "INSIDE", false, cell_inside },
	{ "ON", false, cell_on },
	{ "LEFT", true, cell_left },
	{ "BY", false, cell_by },
};

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct table {
	size_t width[N_COLUMNS];
	size_t rest; /* for the description */
};

static void
widen(struct table *t, size_t column, const char *cell)
{
	size_t width = utf8_width(cell);

	if (t->width[column] < width)
		t->width[column] = width;
}

/* Looks at every mapping before the first is printed. 0 or -EPROTO. */
static int
table_measure(struct table *t, json_t *array, size_t columns_max)
{
	struct writer_mapping m;
	char buf[CELL_MAX];
	size_t i, c, used = 0;

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
	for (c = 0; c < N_COLUMNS; c++)
		used += t->width[c] + 2;
	t->rest = used < columns_max ? columns_max - used : 0;
	return 0;
}

/* Owes the blanks after a cell to the next one, so that no line ends with them. */
static void
table_cell(const struct table *t, size_t column, const char *cell, int *owed, FILE *out)
{
	char tame[WRITER_TEXT_MAX];
	int pad;

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
		fputs("There are no mappings.\n", w->out);
		return 0;
	}
	paint(w, BOLD);
	for (c = 0; c < N_COLUMNS; c++)
		table_cell(&t, c, columns[c].title, &owed, w->out);
	table_end(&t, "DESCRIPTION", owed, w->out);
	paint(w, PLAIN);
	for (i = 0; i < json_array_size(array); i++) {
		writer_unpack_mapping(json_array_get(array, i), &m);
		paint(w, m.enabled ? PLAIN : DIM);
		table_row(&t, &m, w->out);
	}
	paint(w, PLAIN);
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

static void
pinhole_row(struct writer *w, const struct writer_pinhole *p, int width)
{
	char id[CELL_MAX], inside[CELL_MAX], left[CELL_MAX], from[CELL_MAX], protocol[CELL_MAX];
	char tame[3][WRITER_TEXT_MAX];
	const char *remote = remote_str(p, from);
	int used;

	snprintf(id, sizeof(id), "p%lld", (long long)p->id);
	endpoint_str(p->internal_client, p->internal_port, inside);
	used = fprintf(w->out, "%-6s  %-5.5s  %-*s  %8s  %-6.6s  %8lld", id,
	    writer_tame(protocol_str(p, protocol), 5, tame[0]), width,
	    writer_tame(inside, sizeof(inside), tame[1]), duration_str(p->remaining_s, left),
	    p->origin, (long long)p->packets);
	fprintf(w->out, used + 2 + strlen(remote) > w->columns ? "\n        from %s\n" : "  %s\n",
	    writer_tame(remote, sizeof(from), tame[2]));
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
	fprintf(w->out, "\nIPv6 pinholes\n%-6s  %-5s  %-*s  %8s  %-6s  %8s  %s\n", "ID", "PROTO",
	    width, "INSIDE", "LEFT", "BY", "PACKETS", "FROM");
	for (i = 0; i < json_array_size(array); i++) {
		writer_unpack_pinhole(json_array_get(array, i), &p);
		pinhole_row(w, &p, width);
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
	char tame[WRITER_TEXT_MAX];

	fprintf(w->out, "%-12s %s\n", name, writer_tame(value, WIDE, tame));
}

/* "12 in, 34 out (1.2 MiB, 3 KiB)" where the kernel counts. */
static void
print_counters(struct writer *w, const json_t *flow)
{
	const json_t *packets_in = json_object_get(flow, "packets_in");
	char in[CELL_MAX], out[CELL_MAX];

	if (!json_is_integer(packets_in))
		return;
	fprintf(w->out, ", %lld packets in (%s), %lld out (%s)",
	    (long long)json_integer_value(packets_in),
	    size_str(json_integer_value(json_object_get(flow, "octets_in")), in),
	    (long long)json_integer_value(json_object_get(flow, "packets_out")),
	    size_str(json_integer_value(json_object_get(flow, "octets_out")), out));
}

static int
print_flows(struct writer *w, json_t *flows)
{
	char tame[WRITER_TEXT_MAX], silence[CELL_MAX];
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
		fprintf(w->out, "%-12s %s:%lld, %s", i ? "" : "flows", writer_tame(peer, 40, tame),
		    (long long)port, answered ? "both ways" : "unanswered");
		print_counters(w, flow);
		fprintf(
		    w->out, ", forgotten after %s of silence\n", duration_str(timeout, silence));
	}
	return 0;
}

/* Of "show": what it does at the moment, and what has become of it so far. */
static int
print_life(struct writer *w, json_t *json)
{
	json_t *flows = json_object_get(json, "flows"), *trail = json_object_get(json, "trail");

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
	struct writer_mapping m;
	char buf[CELL_MAX];

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
	line(w, "created", m.created ? m.created : "not known");
	line(w, "last used", m.last_used ? m.last_used : "never");
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
	line(w, "left", duration_str(p.remaining_s, buf));
	snprintf(text, sizeof(text), "%.45s (%.8s)", p.client, p.origin);
	line(w, "asked by", text);
	line(w, "created", p.created ? p.created : "not known");
	line(w, "last used", p.last_used ? p.last_used : "never");
	snprintf(buf, sizeof(buf), "%lld", (long long)p.packets);
	line(w, "packets", buf);
	return 0;
}

/* ==== changes ==== */

/* "TCP 8080 from any to 192.168.1.7:80" */
static void
print_way(struct writer *w, const char *protocol, json_int_t external_port, const char *remote,
    const char *client, json_int_t internal_port)
{
	char tame[5][WRITER_TEXT_MAX];

	fprintf(w->out, "%s %lld%s%s to %s:%lld", writer_tame(protocol, 8, tame[0]),
	    (long long)external_port, remote ? " from " : "",
	    remote ? writer_tame(remote, 15, tame[1]) : "", writer_tame(client, 15, tame[2]),
	    (long long)internal_port);
}

static int
change_of_mapping(struct writer *w, json_t *mapping)
{
	char left[CELL_MAX], tame[WRITER_TEXT_MAX];
	struct writer_mapping m;

	if (writer_unpack_mapping(mapping, &m) < 0)
		return -EPROTO;
	print_way(
	    w, m.protocol, m.external_port, m.remote_host, m.internal_client, m.internal_port);
	cell_left(&m, left);
	fprintf(w->out, ", %s%s, \"%s\" (mapping %lld)\n", left, m.enabled ? "" : ", disabled",
	    writer_tame(m.description, 40, tame), (long long)m.id);
	return 0;
}

/* "TCP from any to [2001:db8::7]:80, 59m 3s (pinhole 7)" */
static int
change_of_pinhole(struct writer *w, json_t *pinhole)
{
	char buf[4][CELL_MAX], tame[3][WRITER_TEXT_MAX];
	struct writer_pinhole p;

	if (writer_unpack_pinhole(pinhole, &p) < 0)
		return -EPROTO;
	fprintf(w->out, "%s from %s to %s, %s (pinhole %lld)\n",
	    writer_tame(protocol_str(&p, buf[0]), 8, tame[0]),
	    writer_tame(remote_str(&p, buf[1]), CELL_MAX, tame[1]),
	    writer_tame(
		endpoint_str(p.internal_client, p.internal_port, buf[2]), CELL_MAX, tame[2]),
	    duration_str(p.remaining_s, buf[3]), (long long)p.id);
	return 0;
}

static int
change_refused(struct writer *w, json_t *change)
{
	const char *protocol, *internal, *result, *reason = "", *client, *remote;
	json_int_t external_port, internal_port;
	char tame[3][WRITER_TEXT_MAX];
	json_t *who, *from = NULL;

	if (json_unpack(change, "{s:o, s:s, s:I, s?o, s:s, s:I, s:s, s?s}", "client", &who,
		"protocol", &protocol, "external_port", &external_port, "remote_host", &from,
		"internal_client", &internal, "internal_port", &internal_port, "result", &result,
		"reason", &reason) < 0)
		return -EPROTO;
	client = json_string_value(who);
	remote = json_string_value(from);
	print_way(w, protocol, external_port, remote, internal, internal_port);
	fprintf(w->out, " for %s: %s%s%s\n",
	    writer_tame(client ? client : "the administrator", 20, tame[0]),
	    writer_tame(result, 40, tame[1]), *reason ? ", " : "",
	    writer_tame(reason, 200, tame[2]));
	return 0;
}

static enum color
color_of(const char *event)
{
	if (strcmp(event, "added") == 0)
		return GOOD;
	if (strcmp(event, "refused") == 0)
		return BAD;
	return strcmp(event, "deleted") == 0 || strcmp(event, "expired") == 0 ? DIM : PLAIN;
}

static int
on_change(struct writer *w, json_t *change)
{
	const char *time = "", *event, *text = "";
	json_t *mapping = NULL, *pinhole = NULL;
	char tame[2][WRITER_TEXT_MAX];
	int rc = 0;

	if (json_unpack(change, "{s?s, s:s, s?o, s?o, s?s}", "time", &time, "event", &event,
		"mapping", &mapping, "pinhole", &pinhole, "text", &text) < 0)
		return -EPROTO;
	fprintf(w->out, "%s  ", writer_tame(time, 20, tame[0]));
	paint(w, color_of(event));
	fprintf(w->out, "%-8s  ", writer_tame(event, 20, tame[1]));
	paint(w, PLAIN);
	if (mapping)
		rc = change_of_mapping(w, mapping);
	else if (pinhole)
		rc = change_of_pinhole(w, pinhole);
	else if (strcmp(event, "refused") == 0)
		rc = change_refused(w, change);
	else
		fprintf(w->out, "%s\n", writer_tame(text, WIDE, tame[0]));
	fflush(w->out);
	return rc;
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
	if (strcmp(kind, "shared") == 0)
		fputs("           Double NAT: the provider translates, too (a shared address). "
		      "Ports mapped here\n"
		      "           can be reached in the provider's network, but not from the "
		      "Internet.\n",
		    w->out);
	else
		fputs("           Double NAT: another router translates before this one (a private "
		      "address).\n"
		      "           Ports mapped here can be reached from the Internet only if it "
		      "forwards them.\n",
		    w->out);
}

static int
print_wan(struct writer *w, json_t *wan)
{
	json_t *interface, *address, *kind, *external;
	char tame[4][WRITER_TEXT_MAX], up[CELL_MAX];
	const char *state;
	json_int_t uptime;
	int double_nat;

	if (json_unpack(wan, "{s:o, s:o, s:s, s:o, s:b, s:o, s:I}", "interface", &interface,
		"address", &address, "state", &state, "address_kind", &kind, "double_nat",
		&double_nat, "external_address", &external, "uptime_s", &uptime) < 0)
		return -EPROTO;
	fprintf(w->out, "WAN        %s, %s", writer_tame(text_or(interface, "none"), 20, tame[0]),
	    writer_tame(state, 20, tame[1]));
	if (uptime > 0)
		fprintf(w->out, " for %s", duration_str(uptime, up));
	if (json_is_string(address))
		fprintf(w->out, ", %s (%s)", writer_tame(text_or(address, ""), 20, tame[2]),
		    writer_tame(text_or(kind, "unknown"), 20, tame[3]));
	fputc('\n', w->out);
	if (json_is_string(external) && !json_equal(external, address))
		fprintf(w->out, "           Clients are told %s.\n",
		    writer_tame(text_or(external, ""), 20, tame[2]));
	if (double_nat) {
		paint(w, ODD);
		print_double_nat(w, text_or(kind, ""));
		paint(w, PLAIN);
	}
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
		if (rows[i].odd)
			paint(w, ODD);
		fprintf(w->out, "           %s\n", rows[i].text);
		if (rows[i].odd)
			paint(w, PLAIN);
	}
}

static int
print_lan(struct writer *w, json_t *lan, const char *title)
{
	json_t *address, *url, *pid;
	char tame[3][WRITER_TEXT_MAX];
	const char *interface;
	json_int_t restarts;

	if (json_unpack(lan, "{s:s, s:o, s:o, s:o, s:I}", "interface", &interface, "address",
		&address, "control_url", &url, "worker_pid", &pid, "restarts", &restarts) < 0)
		return -EPROTO;
	fprintf(w->out, "%-10s %s, %s", title, writer_tame(interface, 20, tame[0]),
	    writer_tame(text_or(address, "no address"), 20, tame[1]));
	if (json_is_string(url))
		fprintf(w->out, ", %s", writer_tame(text_or(url, ""), 60, tame[2]));
	else
		fputs(", not served", w->out);
	fputc('\n', w->out);
	if (json_is_integer(pid))
		fprintf(w->out, "           worker %lld", (long long)json_integer_value(pid));
	else
		fputs("           no worker", w->out);
	if (restarts > 0)
		fprintf(w->out, ", restarted %lld time%s", (long long)restarts,
		    restarts == 1 ? "" : "s");
	fputc('\n', w->out);
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
	fprintf(w->out, "IPv6       firewall on, %lld pinhole%s%s\n", (long long)count,
	    count == 1 ? "" : "s", allowed ? "" : ", new ones are not allowed");
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
	    duration_str(uptime, up));
	if (print_wan(w, wan) < 0 || print_lans(w, lans) < 0)
		return -EPROTO;
	fprintf(w->out, "Mappings   %lld of at most %lld\n", (long long)count, (long long)most);
	print_firewall(w, pinholes);
	fputs("Kernel     ", w->out);
	paint(w, table_ok ? PLAIN : BAD);
	fputs(table_ok ? "table in force" : "TABLE NOT IN FORCE, see the log", w->out);
	paint(w, PLAIN);
	fprintf(w->out, ", %s, restored %lld time%s\n", owned ? "owned" : "not owned",
	    (long long)heals, heals == 1 ? "" : "s");
	return 0;
}

/* For scrapers rather than for people: as it is. */
static int
on_metrics(struct writer *w, json_t *answer UNUSED, const char *text)
{
	fputs(text, w->out);
	return 0;
}

static void
on_done(struct writer *w, json_t *answer UNUSED, const char *text)
{
	char tame[WRITER_TEXT_MAX];

	fprintf(w->out, "%s\n", writer_tame(text, WIDE, tame));
}

/* The messages of "reload" have several lines. */
static void
on_error(struct writer *w, const char *code UNUSED, const char *message)
{
	char tame[WRITER_TEXT_MAX], part[WRITER_TEXT_MAX];
	const char *end;

	for (; message && *message; message = end ? end + 1 : NULL) {
		end = strchr(message, '\n');
		snprintf(part, sizeof(part), "%.*s",
		    end ? (int)(end - message) : (int)strlen(message), message);
		fprintf(w->err, "portreeve: %s\n", writer_tame(part, WIDE, tame));
	}
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
	return &writer;
}
