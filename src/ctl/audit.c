/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb that looks back, and at what is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "ctl/since.h"

/* The filters of the command line, as members of a request. CTL_OK, or CTL_USAGE after saying why.
 */
static enum ctl_exit
add_filters(struct ctl *ctl, json_t *request)
{
	static const char *const results[] = { "ok", "refused", "expired" };
	int64_t since_s;
	uint32_t port;
	size_t i = 0;

	if (ctl->since) {
		if (since_parse(ctl->since, (int64_t)time(NULL), &since_s) < 0)
			return ctl_usage("--since is " SINCE_LEGAL ", not \"%s\"", ctl->since);
		json_object_set_new(request, "since_s", json_integer(since_s));
	}
	if (ctl->port) {
		if (ctl_parse_number(ctl->port, "the port", 1, 65535, &port) < 0)
			return CTL_USAGE;
		json_object_set_new(request, "port", json_integer((json_int_t)port));
	}
	if (ctl->result) {
		while (i < 3 && strcmp(ctl->result, results[i]) != 0)
			i++;
		if (i == 3)
			return ctl_usage(
			    "--result is ok, refused or expired, not \"%s\"", ctl->result);
		json_object_set_new(request, "result", json_string(results[i]));
	}
	if (ctl->of_client)
		json_object_set_new(request, "client", json_string(ctl->of_client));
	if (ctl->of_client && !json_object_get(request, "client"))
		return ctl_usage("--client is not UTF-8");
	return CTL_OK;
}

/* One page onto the end of @all; *@after is where the following one begins, 0: it was the last. */
static enum ctl_exit
trail_page(struct ctl *ctl, const json_t *filters, json_t *all, json_int_t *after)
{
	json_t *request = json_deep_copy(filters), *answer, *page, *next;
	json_int_t from = *after;
	enum ctl_exit rc;

	json_object_set_new(request, "after", json_integer(from));
	rc = ctl_ask(ctl, request, &answer);
	if (rc != CTL_OK)
		return rc;
	if (json_unpack(answer, "{s:o, s:o}", "trail", &page, "next", &next) < 0 ||
	    !json_is_array(page) || json_array_extend(all, page) < 0) {
		json_decref(answer);
		return ctl_not_understood(ctl);
	}
	*after = json_integer_value(next);
	json_decref(answer);
	return *after && *after <= from ? ctl_not_understood(ctl) : CTL_OK;
}

enum ctl_exit
audit_read_trail(struct ctl *ctl, const json_t *filters, json_t *all)
{
	json_int_t after = 0;
	enum ctl_exit rc;

	do
		rc = trail_page(ctl, filters, all, &after);
	while (rc == CTL_OK && after);
	return rc;
}

static enum ctl_exit
audit_trail(struct ctl *ctl)
{
	json_t *filters = json_pack("{s:s, s:i}", "verb", "trail", "limit", 200);
	json_t *all = json_array();
	enum ctl_exit rc;

	rc = add_filters(ctl, filters);
	if (rc == CTL_OK)
		rc = audit_read_trail(ctl, filters, all);
	ctl->writer->some = ctl->since || ctl->of_client || ctl->port || ctl->result;
	if (rc == CTL_OK && ctl->writer->trail(ctl->writer, all) < 0)
		rc = ctl_not_understood(ctl);
	json_decref(filters);
	json_decref(all);
	return rc;
}

/* ---- findings ---- */

/* One page of @what; its members belong to *@answer. *@after is where the next one begins, 0: it
 * was the last. */
static enum ctl_exit
ask_page(struct ctl *ctl, const char *what, json_int_t *after, json_t **answer)
{
	json_int_t from = *after;
	enum ctl_exit rc;

	rc = ctl_ask(
	    ctl, json_pack("{s:s, s:s, s:I}", "verb", "audit", "of", what, "after", from), answer);
	if (rc != CTL_OK)
		return rc;
	*after = json_integer_value(json_object_get(*answer, "next"));
	if (*after == 0 || *after > from)
		return CTL_OK;
	json_decref(*answer);
	return ctl_not_understood(ctl);
}

/* Reads all pages. @take: 0 or -EPROTO. */
static enum ctl_exit
ask_all(struct ctl *ctl, const char *what, int (*take)(json_t *answer, void *arg), void *arg)
{
	json_int_t after = 0;
	enum ctl_exit rc;
	json_t *answer;

	do {
		rc = ask_page(ctl, what, &after, &answer);
		if (rc != CTL_OK)
			return rc;
		if (take(answer, arg) < 0)
			rc = ctl_not_understood(ctl);
		json_decref(answer);
	} while (rc == CTL_OK && after);
	return rc;
}

/* How many hosts that ways in lead to have not said yet whether they are there. */
static int
add_asking(json_t *answer, void *arg)
{
	json_int_t *asking = arg, n;

	if (json_unpack(answer, "{s:I}", "asking", &n) < 0)
		return -EPROTO;
	*asking += n;
	return 0;
}

/* Who is there answers within milliseconds; who is gone is given up after three seconds. */
static enum ctl_exit
wait_for_hosts(struct ctl *ctl)
{
	static const int waits_ms[] = { 20, 80, 200, 500, 900, 900, 900, 500 };
	json_int_t asking;
	enum ctl_exit rc;
	size_t i;

	for (i = 0; i <= sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
		asking = 0;
		rc = ask_all(ctl, "hosts", add_asking, &asking);
		if (rc == CTL_OK)
			rc = ask_all(ctl, "pinhole-hosts", add_asking, &asking);
		if (rc != CTL_OK || asking == 0 || i == sizeof(waits_ms) / sizeof(waits_ms[0]))
			return rc;
		nanosleep(&(struct timespec){ .tv_nsec = waits_ms[i] * 1000000L }, NULL);
	}
	return CTL_OK;
}

/* Each finding with all that its check says. 0 or -EPROTO. */
static int
add_findings(json_t *answer, void *arg)
{
	json_t *findings, *checks, *finding, *check;
	size_t i;

	if (json_unpack(answer, "{s:o, s:o}", "findings", &findings, "checks", &checks) < 0 ||
	    !json_is_array(findings))
		return -EPROTO;
	json_array_foreach(findings, i, finding)
	{
		check = json_object_get(checks, writer_text_of(finding, "id"));
		if (!check || json_object_update_missing(finding, check) < 0 ||
		    json_array_append(arg, finding) < 0)
			return -EPROTO;
	}
	return 0;
}

struct counts {
	int critical, warnings, accepted;
};

static struct counts
count(json_t *all)
{
	struct counts n = { 0 };
	const char *severity;
	json_t *finding;
	size_t i;

	json_array_foreach(all, i, finding)
	{
		severity = writer_text_of(finding, "severity");
		if (json_is_true(json_object_get(finding, "accepted")))
			n.accepted++;
		else if (severity && strcmp(severity, "critical") == 0)
			n.critical++;
		else
			n.warnings++;
	}
	return n;
}

static enum ctl_exit
print_findings(struct ctl *ctl, json_t *all)
{
	struct counts n = count(all);
	json_t *report = json_pack("{s:O, s:i, s:i, s:i}", "findings", all, "critical", n.critical,
	    "warnings", n.warnings, "accepted", n.accepted);
	int rc = ctl->writer->findings(ctl->writer, report);

	json_decref(report);
	if (rc < 0)
		return ctl_not_understood(ctl);
	if (n.critical)
		return CTL_AUDIT_CRITICAL;
	return n.warnings ? CTL_AUDIT_WARNINGS : CTL_OK;
}

/* What is refused at all is no warning about the gateway. */
static enum ctl_exit
audit_findings(struct ctl *ctl)
{
	static const char *const whats[] = { "gateway", "mappings", "pinholes" };
	json_t *all = json_array();
	enum ctl_exit rc;
	size_t i;

	rc = wait_for_hosts(ctl);
	for (i = 0; rc == CTL_OK && i < sizeof(whats) / sizeof(whats[0]); i++)
		rc = ask_all(ctl, whats[i], add_findings, all);
	if (rc == CTL_OK)
		rc = print_findings(ctl, all);
	else
		rc = CTL_UNREACHABLE;
	json_decref(all);
	return rc;
}

enum ctl_exit
audit_run(struct ctl *ctl)
{
	if (ctl->n_words == 1) {
		if (strcmp(ctl->words[0], "trail") == 0)
			return audit_trail(ctl);
		return ctl_usage("audit has a trail, and no \"%s\"", ctl->words[0]);
	}
	if (ctl->since || ctl->of_client || ctl->port || ctl->result)
		return ctl_usage("these options go with \"audit trail\"");
	return audit_findings(ctl);
}
