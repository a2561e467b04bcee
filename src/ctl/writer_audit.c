/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row of the trail is a line of the table, and where there is more to say (why, how often) one or
 * two below it. */
#include "ctl/writer_audit.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/human.h"
#include "lib/utf8.h"

#define TIME_COLUMNS 19
#define BY_COLUMNS 7
#define INDENT (TIME_COLUMNS + 2)
#define CLIENT_MAX 39
#define WHAT_MIN 30 /* "add TCP 8080 -> 192.168.1.7:80" */
#define LINE_MAX 400

struct row {
	const char *time, *last, *outcome, *origin, *action, *result;
	json_int_t count;
	bool disabled;
	/* text, or NULL */
	const char *client, *mac, *host, *protocol, *remote_host, *internal_client, *description,
	    *rule, *reason;
	/* numbers, or -1 */
	json_int_t external_port, last_port, internal_port, lease_s, upnp_code, rule_line, mapping,
	    pinhole, uid;
};

static json_int_t
number_of(json_t *json, const char *name)
{
	const json_t *value = json_object_get(json, name);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static int
unpack(json_t *json, struct row *r)
{
	if (json_unpack(json, "{s:s, s:s, s:I, s:s, s:s, s:s, s:s}", "time", &r->time, "last",
		&r->last, "count", &r->count, "outcome", &r->outcome, "origin", &r->origin,
		"action", &r->action, "result", &r->result) < 0)
		return -EPROTO;
	r->disabled = json_is_false(json_object_get(json, "enabled"));
	r->client = writer_text_of(json, "client");
	r->mac = writer_text_of(json, "mac");
	r->host = writer_text_of(json, "host");
	r->protocol = writer_text_of(json, "protocol");
	r->remote_host = writer_text_of(json, "remote_host");
	r->internal_client = writer_text_of(json, "internal_client");
	r->description = writer_text_of(json, "description");
	r->rule = writer_text_of(json, "rule");
	r->reason = writer_text_of(json, "reason");
	r->external_port = number_of(json, "external_port");
	r->last_port = number_of(json, "last_port");
	r->internal_port = number_of(json, "internal_port");
	r->lease_s = number_of(json, "lease_s");
	r->upnp_code = number_of(json, "upnp_code");
	r->rule_line = number_of(json, "rule_line");
	r->mapping = number_of(json, "mapping");
	r->pinhole = number_of(json, "pinhole");
	r->uid = number_of(json, "uid");
	return 0;
}

static const char *
by_str(const char *origin)
{
	return strcmp(origin, "configuration") == 0 ? "config" : origin;
}

/* Adds to a line that is being put together; what has no room is cut. */
static void __attribute__((format(printf, 2, 3))) append(char line[LINE_MAX], const char *fmt, ...)
{
	size_t used = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + used, LINE_MAX - used, fmt, ap);
	va_end(ap);
}

/* "192.168.1.7:80", "[2001:db8::7]:80" */
static void
append_inside(char line[LINE_MAX], const struct row *r)
{
	bool six = strchr(r->internal_client, ':') != NULL;

	append(line, " -> %s%s%s", six ? "[" : "", r->internal_client, six ? "]" : "");
	if (r->internal_port > 0)
		append(line, ":%lld", (long long)r->internal_port);
}

/* "add TCP 8080 -> 192.168.1.7:80" */
static void
what_str(const struct row *r, char line[LINE_MAX])
{
	snprintf(line, LINE_MAX, "%s", r->action);
	if (r->protocol)
		append(line, " %s", r->protocol);
	if (r->external_port > 0)
		append(line, " %lld", (long long)r->external_port);
	if (r->last_port > 0)
		append(line, "-%lld", (long long)r->last_port);
	if (r->remote_host)
		append(line, " from %s", r->remote_host);
	if (r->internal_client)
		append_inside(line, r);
}

/* "ok, mapping 7", "718 conflict" */
static void
answer_str(const struct row *r, char line[LINE_MAX])
{
	line[0] = '\0';
	if (strcmp(r->outcome, "refused") == 0 && r->upnp_code > 0)
		append(line, "%lld %s", (long long)r->upnp_code, r->result);
	else if (strcmp(r->outcome, "refused") == 0)
		append(line, "%s", r->result);
	else if (strcmp(r->outcome, "event") != 0)
		append(line, "%s", r->outcome);
	if (r->mapping > 0)
		append(line, ", mapping %lld", (long long)r->mapping);
	if (r->pinhole > 0)
		append(line, ", pinhole %lld", (long long)r->pinhole);
}

/* "why: the port leads to 192.168.1.8 (rule "games", line 12)" */
static void
why_str(const struct row *r, char line[LINE_MAX])
{
	line[0] = '\0';
	if (r->reason)
		append(line, "%s", r->reason);
	if (r->rule)
		append(line, "%srule %s", *line ? "; " : "", r->rule);
	if (r->rule && r->rule_line > 0)
		append(line, " (line %lld)", (long long)r->rule_line);
}

/* "uid 1000 (anna)": by the names of this machine, which is the daemon's. */
static void
append_user(char line[LINE_MAX], json_int_t uid)
{
	const struct passwd *user = getpwuid((uid_t)uid);

	append(line, "%suid %lld", *line ? ", " : "", (long long)uid);
	if (user)
		append(line, " (%s)", user->pw_name);
}

/* Who it was and what for: "aa:bb:..., desktop, lease 3600 s, "game"; 12 times until ..." */
static void
more_str(const struct row *r, char line[LINE_MAX])
{
	char until[HUMAN_MAX], lease[HUMAN_MAX];

	line[0] = '\0';
	if (r->host)
		append(line, "%s", r->host);
	if (r->mac)
		append(line, "%s%s", *line ? ", " : "", r->mac);
	if (r->uid >= 0)
		append_user(line, r->uid);
	if (r->lease_s == 0)
		append(line, "%spermanent", *line ? ", " : "");
	else if (r->lease_s > 0)
		append(line, "%slease %s", *line ? ", " : "", human_duration(r->lease_s, lease));
	if (r->disabled)
		append(line, "%sdisabled", *line ? ", " : "");
	if (r->description)
		append(line, "%s\"%s\"", *line ? ", " : "", r->description);
	if (r->count <= 1)
		return;
	append(line, "%s%lld times until %s", *line ? "; " : "", (long long)r->count,
	    human_time(r->last, until));
}

static void
print_cell(struct writer *w, const char *text, size_t columns)
{
	char tame[WRITER_TEXT_MAX];

	writer_tame(text, columns, tame);
	fprintf(w->out, "%s%*s", tame, (int)(columns - utf8_width(tame)) + 2, "");
}

/* A line below the row's first one; nothing where there is nothing to say. */
static void
print_below(struct writer *w, enum writer_color color, const char *text)
{
	char head[INDENT + 1];

	snprintf(head, sizeof(head), "%*s", INDENT, "");
	if (*text)
		writer_say(w, color, head, "%s", text);
}

static enum writer_color
color_of(const struct row *r)
{
	if (strcmp(r->outcome, "refused") == 0)
		return WRITER_BAD;
	return strcmp(r->outcome, "expired") == 0 ? WRITER_DIM : WRITER_PLAIN;
}

/* What and answer behind the other cells (@begun) and @pad blanks, or below them what does not fit
 * into @left columns. */
static void
print_what(struct writer *w, const struct row *r, bool begun, size_t pad, size_t left)
{
	char line[LINE_MAX], answer[LINE_MAX], tame[WRITER_TEXT_MAX];
	size_t width;

	what_str(r, line);
	answer_str(r, answer);
	width = utf8_width(writer_tame(line, sizeof(tame), tame));
	if (width <= left)
		fprintf(w->out, "%*s%s", (int)pad, "", tame);
	if (width + 2 + utf8_width(answer) <= left) {
		fputs(*answer ? "  " : "", w->out);
		writer_paint(w, color_of(r));
		fputs(writer_tame(answer, sizeof(tame), tame), w->out);
		writer_paint(w, WRITER_PLAIN);
		*answer = '\0';
	}
	if (begun || width <= left)
		fputc('\n', w->out);
	if (width > left)
		print_below(w, WRITER_PLAIN, line);
	print_below(w, color_of(r), answer);
}

/* The client has a line of its own where the terminal is too narrow for a table. */
static void
print_row(struct writer *w, const struct row *r, size_t client, bool narrow)
{
	const size_t used = TIME_COLUMNS + BY_COLUMNS + client + 6;
	char line[LINE_MAX], time[HUMAN_MAX], tame[WRITER_TEXT_MAX];

	print_cell(w, human_time(r->time, time), TIME_COLUMNS);
	if (narrow) {
		fprintf(w->out, "%s\n", by_str(r->origin));
		print_below(w, WRITER_PLAIN, r->client ? r->client : "");
		print_what(w, r, false, INDENT, w->columns - INDENT);
	} else {
		print_cell(w, by_str(r->origin), BY_COLUMNS);
		writer_tame(r->client ? r->client : "-", client, tame);
		fputs(tame, w->out);
		print_what(w, r, true, client + 2 - utf8_width(tame), w->columns - used);
	}
	why_str(r, line);
	print_below(w, WRITER_PLAIN, line);
	more_str(r, line);
	print_below(w, WRITER_DIM, line);
}

static void
print_titles(struct writer *w, size_t client, bool narrow)
{
	writer_paint(w, WRITER_BOLD);
	print_cell(w, "TIME (UTC)", TIME_COLUMNS);
	if (narrow) {
		fputs("BY", w->out);
	} else {
		print_cell(w, "BY", BY_COLUMNS);
		print_cell(w, "CLIENT", client);
		fputs("WHAT  ANSWER", w->out);
	}
	writer_paint(w, WRITER_PLAIN);
	fputc('\n', w->out);
}

int
writer_audit_trail(struct writer *w, json_t *rows)
{
	size_t i, client = strlen("CLIENT"), width;
	struct row r;
	bool narrow;

	for (i = 0; i < json_array_size(rows); i++) {
		if (unpack(json_array_get(rows, i), &r) < 0)
			return -EPROTO;
		width = r.client ? utf8_width(r.client) : 0;
		client = width > client ? width : client;
	}
	if (json_array_size(rows) == 0) {
		fputs(w->some ? "There is nothing like that in the trail.\n"
			      : "There is nothing in the trail.\n",
		    w->out);
		return 0;
	}
	client = client > CLIENT_MAX ? CLIENT_MAX : client;
	narrow = w->columns < TIME_COLUMNS + BY_COLUMNS + client + 6 + WHAT_MIN;
	print_titles(w, client, narrow);
	for (i = 0; i < json_array_size(rows); i++) {
		unpack(json_array_get(rows, i), &r);
		print_row(w, &r, client, narrow);
	}
	return 0;
}

/* ==== findings: those of one kind together ==== */

#define SHOWN_MAX 10 /* of one kind; --json has all */

struct kind {
	const char *id, *severity, *why, *remedy;
	int accepted;
};

static int
unpack_kind(json_t *finding, struct kind *k)
{
	return json_unpack(finding, "{s:s, s:s, s:s, s:s, s:b}", "id", &k->id, "severity",
		   &k->severity, "why", &k->why, "remedy", &k->remedy, "accepted", &k->accepted) < 0
		   ? -EPROTO
		   : 0;
}

static bool
is_of(json_t *finding, const char *id)
{
	const char *other = writer_text_of(finding, "id");

	return other && strcmp(other, id) == 0;
}

/* "mapping 3: TCP 22 to ..." */
static void
print_seen(struct writer *w, json_t *finding)
{
	const char *seen = writer_text_of(finding, "seen");
	char line[WRITER_TEXT_MAX];

	if (number_of(finding, "mapping") > 0)
		snprintf(line, sizeof(line), "mapping %lld: %s",
		    (long long)number_of(finding, "mapping"), seen ? seen : "");
	else if (number_of(finding, "pinhole") > 0)
		snprintf(line, sizeof(line), "pinhole p%lld: %s",
		    (long long)number_of(finding, "pinhole"), seen ? seen : "");
	else
		snprintf(line, sizeof(line), "%s", seen ? seen : "");
	writer_say(w, WRITER_PLAIN, "    ", "%s", line);
}

/* The remedies of some differ: they name the place. */
static void
print_remedies(struct writer *w, json_t *all, const struct kind *k)
{
	const char *last = NULL, *remedy;
	json_t *finding;
	size_t i, n = 0;

	json_array_foreach(all, i, finding)
	{
		remedy = writer_text_of(finding, "remedy");
		if (!is_of(finding, k->id) || !remedy || (last && strcmp(last, remedy) == 0))
			continue;
		if (++n > SHOWN_MAX)
			break;
		writer_say(w, WRITER_PLAIN, "  do: ", "%s", remedy);
		last = remedy;
	}
}

static void
print_kind(struct writer *w, json_t *all, const struct kind *k)
{
	bool critical = strcmp(k->severity, "critical") == 0;
	json_t *finding;
	size_t i, n = 0;

	writer_paint(w, critical ? WRITER_BAD : WRITER_ODD);
	fprintf(w->out, "%-8s", critical ? "CRITICAL" : "WARNING");
	writer_paint(w, WRITER_PLAIN);
	writer_say(w, WRITER_PLAIN, "  ", "%s", k->id);
	json_array_foreach(all, i, finding)
	{
		if (is_of(finding, k->id) && ++n <= SHOWN_MAX)
			print_seen(w, finding);
	}
	if (n > SHOWN_MAX)
		fprintf(w->out, "    and %zu more (--json has all)\n", n - SHOWN_MAX);
	writer_say(w, WRITER_PLAIN, " why: ", "%s", k->why);
	print_remedies(w, all, k);
	fputc('\n', w->out);
}

/* Those of @severity, each kind at its first finding. 0 or -EPROTO. */
static int
print_severity(struct writer *w, json_t *all, const char *severity)
{
	struct kind k;
	size_t i, before;

	for (i = 0; i < json_array_size(all); i++) {
		if (unpack_kind(json_array_get(all, i), &k) < 0)
			return -EPROTO;
		if (k.accepted || strcmp(k.severity, severity) != 0)
			continue;
		for (before = 0; before < i; before++)
			if (is_of(json_array_get(all, before), k.id))
				break;
		if (before == i)
			print_kind(w, all, &k);
	}
	return 0;
}

int
writer_audit_findings(struct writer *w, json_t *report)
{
	int critical, warnings, accepted;
	json_t *all;

	if (json_unpack(report, "{s:o, s:i, s:i, s:i}", "findings", &all, "critical", &critical,
		"warnings", &warnings, "accepted", &accepted) < 0 ||
	    print_severity(w, all, "critical") < 0 || print_severity(w, all, "warning") < 0)
		return -EPROTO;
	if (critical || warnings)
		fprintf(w->out, "%d critical, %d warning%s", critical, warnings,
		    warnings == 1 ? "" : "s");
	else
		fputs("Nothing is wrong", w->out);
	if (accepted)
		fprintf(w->out, ", %d accepted", accepted);
	fputs(".\n", w->out);
	return 0;
}
