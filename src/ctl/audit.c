/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb that looks back. */
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

static enum ctl_exit
audit_trail(struct ctl *ctl)
{
	json_t *filters = json_pack("{s:s, s:i}", "verb", "trail", "limit", 200);
	json_t *all = json_array();
	json_int_t after = 0;
	enum ctl_exit rc;

	rc = add_filters(ctl, filters);
	while (rc == CTL_OK) {
		rc = trail_page(ctl, filters, all, &after);
		if (!after)
			break;
	}
	if (rc == CTL_OK && ctl->writer->trail(ctl->writer, all) < 0)
		rc = ctl_not_understood(ctl);
	json_decref(filters);
	json_decref(all);
	return rc;
}

enum ctl_exit
audit_run(struct ctl *ctl)
{
	if (strcmp(ctl->words[0], "trail") != 0)
		return ctl_usage("audit has a trail, and no \"%s\"", ctl->words[0]);
	return audit_trail(ctl);
}
