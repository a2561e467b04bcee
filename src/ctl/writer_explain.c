/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One paragraph for the request, then what each version of the protocol is answered. */
#include "ctl/writer_explain.h"

#include <errno.h>
#include <string.h>

#include "ctl/human.h"

#define LEASE_MAX (HUMAN_MAX + 8)

struct answer {
	int version, granted;
	json_int_t lease_s;
	/* text, or NULL */
	const char *upnp_text, *reason, *rule, *file;
	json_int_t upnp_code, line;
};

static json_int_t
number_of(json_t *json, const char *name)
{
	return json_integer_value(json_object_get(json, name));
}

/* All that was said ends on a terminal. */
static const char *
tame(const char *text, char buf[WRITER_TEXT_MAX])
{
	return writer_tame(text, WRITER_TEXT_MAX, buf);
}

static int
unpack(json_t *json, struct answer *a)
{
	if (json_unpack(json, "{s:i, s:b}", "version", &a->version, "granted", &a->granted) < 0)
		return -EPROTO;
	a->lease_s = number_of(json, "lease_s");
	a->upnp_text = writer_text_of(json, "upnp_text");
	a->reason = writer_text_of(json, "reason");
	a->rule = writer_text_of(json, "rule");
	a->file = writer_text_of(json, "file");
	a->upnp_code = number_of(json, "upnp_code");
	a->line = number_of(json, "line");
	return 0;
}

/* "for 1h 0m", "permanent" */
static const char *
lease_str(json_int_t lease_s, char buf[LEASE_MAX])
{
	char duration[HUMAN_MAX];

	if (lease_s)
		snprintf(buf, LEASE_MAX, "for %s", human_duration(lease_s, duration));
	else
		snprintf(buf, LEASE_MAX, "permanent");
	return buf;
}

static void
print_rule(struct writer *w, const char *rule, const char *file, json_int_t line)
{
	if (!rule)
		writer_say(
		    w, WRITER_PLAIN, "    ", "No rule matches: the limits of the keys hold.");
	else if (file && line)
		writer_say(
		    w, WRITER_PLAIN, "    ", "Rule \"%s\", %s:%lld.", rule, file, (long long)line);
	else if (line)
		writer_say(w, WRITER_PLAIN, "    ",
		    "Rule \"%s\", line %lld of the configuration then.", rule, (long long)line);
	else
		writer_say(w, WRITER_PLAIN, "    ", "Rule \"%s\", of the command line.", rule);
}

static int
print_key(struct writer *w, json_t *key)
{
	const char *name = writer_text_of(key, "name"), *set = writer_text_of(key, "set"),
		   *file = writer_text_of(key, "file");

	if (!name || !set)
		return -EPROTO;
	if (file)
		writer_say(w, WRITER_PLAIN, "    ", "Key %s, %s:%lld.", name, file,
		    (long long)number_of(key, "line"));
	else
		writer_say(w, WRITER_PLAIN, "    ", "Key %s, %s.", name,
		    strcmp(set, "default") == 0 ? "which is at its default"
						: "of the command line");
	return 0;
}

static int
print_answer(struct writer *w, json_t *json)
{
	json_t *key = json_object_get(json, "key");
	char head[24], lease[LEASE_MAX];
	struct answer a;

	if (unpack(json, &a) < 0)
		return -EPROTO;
	snprintf(head, sizeof(head), "  By version %d: ", a.version);
	if (a.granted)
		writer_say(w, WRITER_GOOD, head, "granted, %s.", lease_str(a.lease_s, lease));
	else
		writer_say(w, WRITER_BAD, head, "refused; the client is told %lld (%s).",
		    (long long)a.upnp_code, a.upnp_text ? a.upnp_text : "?");
	if (a.reason)
		writer_say(w, WRITER_PLAIN, "    ", "Because: %s.", a.reason);
	if (a.rule || a.granted)
		print_rule(w, a.rule, a.file, a.line);
	return json_is_object(key) ? print_key(w, key) : 0;
}

static int
print_request(struct writer *w, json_t *json)
{
	const char *client, *lan, *protocol, *to, *remote;
	json_int_t external_port, internal_port, lease_s;
	char lease[LEASE_MAX];

	if (json_unpack(json, "{s:s, s:s, s:s, s:I, s:s, s:I, s:I}", "client", &client, "lan", &lan,
		"protocol", &protocol, "external_port", &external_port, "internal_client", &to,
		"internal_port", &internal_port, "lease_s", &lease_s) < 0)
		return -EPROTO;
	remote = writer_text_of(json, "remote_host");
	writer_say(w, WRITER_PLAIN, "",
	    "%s port %lld%s%s to %s port %lld, %s, asked for by %s on %s:", protocol,
	    (long long)external_port, remote ? " from " : "", remote ? remote : "", to,
	    (long long)internal_port, lease_str(lease_s, lease), client, lan);
	return 0;
}

static int
print_explanation(struct writer *w, json_t *json)
{
	json_t *answers = json_object_get(json, "answers");
	size_t i;
	int rc;

	if (!json_is_array(answers))
		return -EPROTO;
	rc = print_request(w, json);
	for (i = 0; rc == 0 && i < json_array_size(answers); i++)
		rc = print_answer(w, json_array_get(answers, i));
	return rc;
}

/* A row of the trail, as one that was refused. */
static int
print_last(struct writer *w, json_t *row)
{
	const char *time = writer_text_of(row, "last"), *action = writer_text_of(row, "action"),
		   *protocol = writer_text_of(row, "protocol"),
		   *reason = writer_text_of(row, "reason"), *rule = writer_text_of(row, "rule"),
		   *result = writer_text_of(row, "result");
	json_int_t number = number_of(row, "external_port"), code = number_of(row, "upnp_code"),
		   count = number_of(row, "count");
	char when[HUMAN_MAX], port[32] = "", times[32] = "", told[WRITER_TEXT_MAX] = "";

	if (!time || !action || !result)
		return -EPROTO;
	if (number)
		snprintf(port, sizeof(port), " port %lld", (long long)number);
	if (code)
		snprintf(
		    told, sizeof(told), "; the client was told %lld (%s)", (long long)code, result);
	if (count > 1)
		snprintf(times, sizeof(times), ", %lld times", (long long)count);
	writer_say(w, WRITER_PLAIN, "", "%s: %s%s%s%s was refused%s%s.",
	    human_time_ago(time, w->now_s, when), action, protocol ? " " : "",
	    protocol ? protocol : "", port, told, times);
	if (reason)
		writer_say(w, WRITER_PLAIN, "    ", "Because: %s.", reason);
	if (rule)
		print_rule(w, rule, NULL, number_of(row, "rule_line"));
	return 0;
}

int
writer_explain(struct writer *w, json_t *explanation)
{
	json_t *row = json_object_get(explanation, "last");
	json_t *now = json_object_get(explanation, "now");
	int rc;

	if (!row)
		return print_explanation(w, explanation);
	if (json_is_null(row)) {
		fputs("The trail knows of no refusal of that client.\n", w->out);
		return 0;
	}
	rc = print_last(w, row);
	if (rc < 0 || !json_is_object(now))
		return rc;
	fputs("If it were asked for now:\n", w->out);
	return print_explanation(w, now);
}

/* ---- reload ---- */

/* "Changed: min_port, rule "x" (new)." Nothing where there is nothing. */
static void
print_names(struct writer *w, const char *what, json_t *names)
{
	char buf[WRITER_TEXT_MAX];
	size_t i;

	for (i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		fprintf(w->out, "%s%s", i ? ", " : what, name ? tame(name, buf) : "?");
	}
	if (i)
		fputs(".\n", w->out);
}

static void
print_revoked(struct writer *w, json_t *json)
{
	const char *protocol = writer_text_of(json, "protocol"),
		   *to = writer_text_of(json, "internal_client"),
		   *reason = writer_text_of(json, "reason"), *rule = writer_text_of(json, "rule");
	json_int_t external_port = number_of(json, "external_port"),
		   internal_port = number_of(json, "internal_port"), line = number_of(json, "line");
	char buf[4][WRITER_TEXT_MAX];

	fprintf(w->out, "  %s", protocol ? tame(protocol, buf[0]) : "protocol of a pinhole");
	if (external_port)
		fprintf(w->out, " port %lld", (long long)external_port);
	fprintf(w->out, " to %s", to ? tame(to, buf[1]) : "?");
	if (internal_port)
		fprintf(w->out, " port %lld", (long long)internal_port);
	fprintf(w->out, ": %s", reason ? tame(reason, buf[2]) : "?");
	if (rule)
		fprintf(w->out, " (rule \"%s\"", tame(rule, buf[3]));
	if (rule && line)
		fprintf(w->out, ", line %lld", (long long)line);
	fputs(rule ? ")\n" : "\n", w->out);
}

static void
print_count(struct writer *w, json_int_t n, const char *one, const char *many)
{
	if (n == 1)
		fprintf(w->out, "1 mapping %s.\n", one);
	else if (n > 1)
		fprintf(w->out, "%lld mappings %s.\n", (long long)n, many);
}

int
writer_reload(struct writer *w, json_t *report)
{
	json_t *changed = json_object_get(report, "changed");
	json_t *revoked = json_object_get(report, "revoked");
	json_int_t n = number_of(report, "revoked_count");
	size_t i;

	if (!json_is_array(changed) || !json_is_array(revoked))
		return -EPROTO;
	fputs("The configuration is read again.\n", w->out);
	if (json_array_size(changed) == 0)
		fputs("Nothing in it has changed.\n", w->out);
	print_names(w, "Changed: ", changed);
	print_names(w, "Not before the next start: ", json_object_get(report, "next_start"));
	print_count(w, n, "is revoked", "are revoked");
	for (i = 0; i < json_array_size(revoked); i++)
		print_revoked(w, json_array_get(revoked, i));
	if (n > (json_int_t)i)
		fprintf(w->out, "  and %lld more; \"portreeve audit trail\" has all of them\n",
		    (long long)(n - (json_int_t)i));
	print_count(w, number_of(report, "shortened_count"), "has a shorter lease now",
	    "have shorter leases now");
	print_count(w, number_of(report, "refused_count"),
	    "is kept that would be refused now (on_reload = keep)",
	    "are kept that would be refused now (on_reload = keep)");
	return 0;
}
