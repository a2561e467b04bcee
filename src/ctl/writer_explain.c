/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One paragraph for the request, then what each version of the protocol is answered. */
#include "ctl/writer_explain.h"

#include <errno.h>
#include <string.h>

struct answer {
	int version, granted;
	json_int_t lease_s;
	/* text, or NULL */
	const char *upnp_text, *reason, *rule, *file;
	json_int_t upnp_code, line;
};

static const char *
text_of(json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

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
	a->upnp_text = text_of(json, "upnp_text");
	a->reason = text_of(json, "reason");
	a->rule = text_of(json, "rule");
	a->file = text_of(json, "file");
	a->upnp_code = number_of(json, "upnp_code");
	a->line = number_of(json, "line");
	return 0;
}

static void
print_lease(struct writer *w, json_int_t lease_s)
{
	if (lease_s)
		fprintf(w->out, "for %lld s", (long long)lease_s);
	else
		fputs("permanent", w->out);
}

static void
print_rule(struct writer *w, const char *rule, const char *file, json_int_t line)
{
	char rule_tame[WRITER_TEXT_MAX], file_tame[WRITER_TEXT_MAX];

	if (!rule)
		fputs("    No rule matches: the limits of the keys hold.\n", w->out);
	else if (file && line)
		fprintf(w->out, "    Rule \"%s\", %s:%lld.\n", tame(rule, rule_tame),
		    tame(file, file_tame), (long long)line);
	else if (line)
		fprintf(w->out, "    Rule \"%s\", line %lld of the configuration then.\n",
		    tame(rule, rule_tame), (long long)line);
	else
		fprintf(w->out, "    Rule \"%s\", of the command line.\n", tame(rule, rule_tame));
}

static int
print_answer(struct writer *w, json_t *json)
{
	char buf[WRITER_TEXT_MAX];
	struct answer a;

	if (unpack(json, &a) < 0)
		return -EPROTO;
	fprintf(w->out, "  By version %d: ", a.version);
	if (a.granted) {
		fputs("granted, ", w->out);
		print_lease(w, a.lease_s);
		fputs(".\n", w->out);
	} else {
		fprintf(w->out, "refused; the client is told %lld (%s).\n", (long long)a.upnp_code,
		    tame(a.upnp_text ? a.upnp_text : "?", buf));
	}
	if (a.reason)
		fprintf(w->out, "    Because: %s.\n", tame(a.reason, buf));
	if (a.rule || a.granted)
		print_rule(w, a.rule, a.file, a.line);
	return 0;
}

static int
print_request(struct writer *w, json_t *json)
{
	const char *client, *lan, *protocol, *to, *remote;
	json_int_t external_port, internal_port, lease_s;
	char buf[5][WRITER_TEXT_MAX];

	if (json_unpack(json, "{s:s, s:s, s:s, s:I, s:s, s:I, s:I}", "client", &client, "lan", &lan,
		"protocol", &protocol, "external_port", &external_port, "internal_client", &to,
		"internal_port", &internal_port, "lease_s", &lease_s) < 0)
		return -EPROTO;
	remote = text_of(json, "remote_host");
	fprintf(w->out, "%s port %lld%s%s to %s port %lld, ", tame(protocol, buf[0]),
	    (long long)external_port, remote ? " from " : "", remote ? tame(remote, buf[1]) : "",
	    tame(to, buf[2]), (long long)internal_port);
	print_lease(w, lease_s);
	fprintf(w->out, ", asked for by %s on %s:\n", tame(client, buf[3]), tame(lan, buf[4]));
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
	const char *time = text_of(row, "last"), *action = text_of(row, "action"),
		   *protocol = text_of(row, "protocol"), *reason = text_of(row, "reason"),
		   *rule = text_of(row, "rule"), *result = text_of(row, "result");
	json_int_t port = number_of(row, "external_port"), code = number_of(row, "upnp_code"),
		   count = number_of(row, "count");
	char buf[4][WRITER_TEXT_MAX];

	if (!time || !action || !result)
		return -EPROTO;
	fprintf(w->out, "%s: %s", tame(time, buf[0]), tame(action, buf[1]));
	if (protocol)
		fprintf(w->out, " %s", tame(protocol, buf[2]));
	if (port)
		fprintf(w->out, " port %lld", (long long)port);
	fputs(" was refused", w->out);
	if (code)
		fprintf(w->out, "; the client was told %lld (%s)", (long long)code,
		    tame(result, buf[3]));
	if (count > 1)
		fprintf(w->out, ", %lld times", (long long)count);
	fputs(".\n", w->out);
	if (reason)
		fprintf(w->out, "    Because: %s.\n", tame(reason, buf[0]));
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
	const char *protocol = text_of(json, "protocol"), *to = text_of(json, "internal_client"),
		   *reason = text_of(json, "reason"), *rule = text_of(json, "rule");
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
