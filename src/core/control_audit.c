/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/control_audit.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/control_verbs.h"
#include "core/trail_store.h"
#include "lib/addr.h"
#include "lib/addr6.h"

void
control_normalize_client(const char *text, char buf[TRAIL_HOST_MAX])
{
	struct addr6 addr;
	uint32_t addr4;
	size_t i;

	if (addr4_parse(text, &addr4) == 0) {
		addr4_str(addr4, buf);
		return;
	}
	if (addr6_parse(text, &addr) == 0) {
		addr6_str(&addr, buf);
		return;
	}
	snprintf(buf, TRAIL_HOST_MAX, "%s", text);
	for (i = 0; buf[i]; i++)
		buf[i] = (char)tolower((unsigned char)buf[i]);
}

static bool
is_outcome(const char *text)
{
	return strcmp(text, "ok") == 0 || strcmp(text, "refused") == 0 ||
	       strcmp(text, "expired") == 0;
}

/* The members of a request into @query. NULL, or what is wrong. */
static json_t *
parse_query(json_t *request, struct trail_query *query, char client[TRAIL_HOST_MAX])
{
	json_int_t after = 0, since_s = 0, port = 0, mapping = 0, pinhole = 0;
	json_int_t limit = TRAIL_PAGE_DEFAULT;
	const char *who = NULL, *outcome = NULL;
	json_error_t error;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s?I, s?I, s?I, s?s, s?I, s?I, s?I, s?s}",
		"after", &after, "limit", &limit, "since_s", &since_s, "client", &who, "port",
		&port, "mapping", &mapping, "pinhole", &pinhole, "result", &outcome) < 0)
		return control_error("invalid-args", "%s", error.text);
	if (after < 0 || limit < 1 || limit > TRAIL_PAGE_MAX)
		return control_error(
		    "invalid-args", "after is an id, limit is 1 to %d", TRAIL_PAGE_MAX);
	if (port < 0 || port > 65535)
		return control_error("invalid-args", "port is 1 to 65535");
	if (outcome && !is_outcome(outcome))
		return control_error("invalid-args", "result is ok, refused or expired");
	if (who && strlen(who) >= TRAIL_HOST_MAX)
		return control_error(
		    "invalid-args", "client is an address, a MAC address or a host's name");
	if (who)
		control_normalize_client(who, client);
	*query = (struct trail_query){ .after = (uint64_t)after,
		.since_s = since_s,
		.client = who ? client : NULL,
		.port = (int)port,
		.mapping = mapping,
		.pinhole = pinhole,
		.outcome = outcome,
		.limit = (int)limit };
	return NULL;
}

/* Ids of pinholes come again: what had this one before is another story. */
static void
begin_with_pinhole(const struct core *core, struct trail_query *query)
{
	const struct pinhole *p = NULL;

	if (query->pinhole > 0 && query->pinhole <= UINT16_MAX)
		p = pinhole_find_id(core->pinholes, (uint16_t)query->pinhole);
	if (p && query->since_s < p->created_s)
		query->since_s = p->created_s;
}

json_t *
control_trail(struct core *core, json_t *request)
{
	char client[TRAIL_HOST_MAX];
	struct trail_query query;
	struct trail_store *store;
	json_t *answer;

	answer = parse_query(request, &query, client);
	if (answer)
		return answer;
	begin_with_pinhole(core, &query);
	store = trail_read(core->trail);
	answer = store ? trail_store_page(store, &query) : NULL;
	if (answer)
		return answer;
	return control_error("failed", "the audit trail cannot be read; the daemon's log says why");
}
