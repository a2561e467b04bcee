/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns core->row, the row about the request under way; and what each message is called in the
 * trail. */
#include "core/record.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/metrics.h"
#include "lib/utf8.h"

/* ---- text of strangers ---- */

/* As much as there is room for, whole characters, nothing that a terminal or a log would obey. */
static void
copy_text(char *to, size_t size, const char *text)
{
	size_t n = strlen(text);

	if (n >= size) {
		n = size - 1;
		while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(to, text, n);
	to[n] = '\0';
	utf8_sanitize(to);
}

#define COPY(array, text) copy_text(array, sizeof(array), text)

static void
note(struct core *core, const struct trail_row *row)
{
	metrics_change(&core->metrics, row);
	trail_add(core->trail, row);
}

/* ---- for who decides ---- */

void
record_begin(struct core *core)
{
	memset(&core->row, 0, sizeof(core->row));
}

void
record_verdict(struct core *core, const struct policy_verdict *v)
{
	COPY(core->row.rule, v->rule);
	core->row.rule_line = (uint32_t)v->line;
	COPY(core->row.reason, v->reason);
}

void
record_reason(struct core *core, const char *reason)
{
	COPY(core->row.reason, reason);
}

static uint8_t
enabled(bool is)
{
	return is ? TRAIL_ENABLED_YES : TRAIL_ENABLED_NO;
}

static void
fill_lease(struct trail_row *row, const struct lease *lease)
{
	row->mapping = lease->id;
	row->protocol = lease->protocol;
	row->external_port = lease->external_port;
	row->internal_port = lease->internal_port;
	row->internal_client = addr6_from4(lease->internal_client);
	if (lease->remote_host)
		row->remote_host = addr6_from4(lease->remote_host);
	row->has_lease_s = true;
	row->lease_s = lease->duration_s;
	row->enabled = enabled(lease->enabled);
	COPY(row->description, lease->description);
}

static void
fill_pinhole(struct trail_row *row, const struct pinhole *p)
{
	row->pinhole = p->id;
	row->protocol = p->key.protocol;
	row->external_port = p->key.remote_port;
	row->internal_port = p->key.internal_port;
	row->internal_client = p->key.internal_client;
	row->remote_host = p->key.remote_host;
	row->has_lease_s = true;
	row->lease_s = p->duration_s;
}

void
record_lease(struct core *core, const struct lease *lease)
{
	fill_lease(&core->row, lease);
}

void
record_pinhole(struct core *core, const struct pinhole *p)
{
	fill_pinhole(&core->row, p);
}

/* ---- requests of workers ---- */

static void
fill_client(struct trail_row *row, uint32_t client)
{
	row->client = addr6_from4(client);
}

static void
fill_key(struct trail_row *row, const struct msg_map_key *key)
{
	fill_client(row, key->client);
	row->protocol = key->protocol;
	row->external_port = key->external_port;
	if (key->remote_host)
		row->remote_host = addr6_from4(key->remote_host);
}

/* What was granted is there already; of a refused one what was asked for. */
static void
fill_map(struct trail_row *row, const struct msg_map *map)
{
	if (row->mapping) {
		fill_client(row, map->key.client);
		return;
	}
	fill_key(row, &map->key);
	if (map->internal_client)
		row->internal_client = addr6_from4(map->internal_client);
	row->internal_port = map->internal_port;
	row->has_lease_s = true;
	row->lease_s = map->lease_s;
	row->enabled = enabled(map->enabled);
	COPY(row->description, map->description);
}

static void
on_map(struct trail_row *row, const struct msg *req)
{
	fill_map(row, &req->body.map);
}

static void
on_key(struct trail_row *row, const struct msg *req)
{
	fill_key(row, &req->body.key);
}

static void
on_range(struct trail_row *row, const struct msg *req)
{
	const struct msg_range *range = &req->body.range;

	fill_client(row, range->client);
	row->protocol = range->protocol;
	row->external_port = range->first_port;
	row->last_port = range->last_port;
}

static void
on_connection(struct trail_row *row, const struct msg *req)
{
	static const enum trail_action actions[MSG_CONNECT_COUNT] = { TRAIL_CONNECT,
		TRAIL_DISCONNECT, TRAIL_FORCE_DISCONNECT };

	fill_client(row, req->body.connection.client);
	row->action = (uint8_t)actions[req->body.connection.what];
}

static void
on_time(struct trail_row *row, const struct msg *req)
{
	static const char *const which[MSG_TIMES] = { "AutoDisconnectTime", "IdleDisconnectTime",
		"WarnDisconnectDelay" };

	fill_client(row, req->body.time.client);
	snprintf(row->description, sizeof(row->description), "%s %u s", which[req->body.time.which],
	    req->body.time.seconds);
}

static void
on_pinhole(struct trail_row *row, const struct msg *req)
{
	const struct msg_pinhole *p = &req->body.pinhole;

	memcpy(row->client.octet, p->client, sizeof(row->client.octet));
	memcpy(row->internal_client.octet, p->internal_client, sizeof(p->internal_client));
	memcpy(row->remote_host.octet, p->remote_host, sizeof(p->remote_host));
	row->protocol = p->protocol;
	row->external_port = p->remote_port;
	row->internal_port = p->internal_port;
	row->has_lease_s = true;
	row->lease_s = p->lease_s;
}

static void
on_pinhole_key(struct trail_row *row, const struct msg *req)
{
	const struct msg_pinhole_key *key = &req->body.pinhole_key;

	memcpy(row->client.octet, key->client, sizeof(row->client.octet));
	row->pinhole = key->id;
	if (key->lease_s) {
		row->has_lease_s = true;
		row->lease_s = key->lease_s;
	}
}

static void
on_refused(struct trail_row *row, const struct msg *req)
{
	static const enum trail_action actions[MSG_CHANGE_COUNT] = {
		[MSG_CHANGE_ADD] = TRAIL_ADD,
		[MSG_CHANGE_ADD_ANY] = TRAIL_ADD_ANY,
		[MSG_CHANGE_DEL] = TRAIL_DELETE,
		[MSG_CHANGE_DEL_RANGE] = TRAIL_DELETE_RANGE,
		[MSG_CHANGE_PINHOLE_ADD] = TRAIL_PINHOLE_ADD,
		[MSG_CHANGE_PINHOLE_UPDATE] = TRAIL_PINHOLE_UPDATE,
		[MSG_CHANGE_PINHOLE_DEL] = TRAIL_PINHOLE_DELETE,
		[MSG_CHANGE_CONNECT] = TRAIL_CONNECT,
		[MSG_CHANGE_DISCONNECT] = TRAIL_DISCONNECT,
		[MSG_CHANGE_DISCONNECT_NOW] = TRAIL_FORCE_DISCONNECT,
		[MSG_CHANGE_TIME] = TRAIL_SET_TIME,
		[MSG_CHANGE_CONFIGURE] = TRAIL_CONFIGURE,
	};

	char text[TRAIL_REASON_MAX];

	fill_client(row, req->body.refused.client);
	row->action = (uint8_t)actions[req->body.refused.change];
	row->result = req->body.refused.result;
	snprintf(text, sizeof(text), "%s: %s; %s",
	    row->action == TRAIL_CONFIGURE ? "clients may not change that"
					   : "the request itself is wrong",
	    result_upnp_text((enum result)row->result), req->body.refused.arguments);
	COPY(row->reason, text);
}

static const struct {
	enum trail_action action;
	void (*fill)(struct trail_row *row, const struct msg *req); /* NULL: leaves no row */
} kinds[MSG_TYPE_COUNT] = {
	[MSG_MAP_ADD] = { TRAIL_ADD, on_map },
	[MSG_MAP_ADD_ANY] = { TRAIL_ADD_ANY, on_map },
	[MSG_MAP_DEL] = { TRAIL_DELETE, on_key },
	[MSG_MAP_DEL_RANGE] = { TRAIL_DELETE_RANGE, on_range },
	[MSG_CONNECTION] = { TRAIL_CONNECT, on_connection },
	[MSG_TIME_SET] = { TRAIL_SET_TIME, on_time },
	[MSG_PINHOLE_ADD] = { TRAIL_PINHOLE_ADD, on_pinhole },
	[MSG_PINHOLE_UPDATE] = { TRAIL_PINHOLE_UPDATE, on_pinhole_key },
	[MSG_PINHOLE_DEL] = { TRAIL_PINHOLE_DELETE, on_pinhole_key },
	[MSG_REFUSED] = { TRAIL_ADD, on_refused },
};

void
record_request(struct core *core, const struct lan *lan, const struct msg *req, enum result result)
{
	unsigned type = req->header.type;
	struct trail_row *row = &core->row;

	if (type >= MSG_TYPE_COUNT || !kinds[type].fill)
		return;
	row->origin = TRAIL_BY_UPNP;
	if (row->action != TRAIL_RENEW)
		row->action = (uint8_t)kinds[type].action;
	row->result = (uint8_t)result;
	row->told_upnp = true;
	row->ifindex = lan->ifindex;
	kinds[type].fill(row, req);
	note(core, row);
}

/* ---- the administrator ---- */

void
record_by_configuration(struct core *core, enum trail_action action, enum result result)
{
	struct trail_row *row = &core->row;

	row->origin = TRAIL_BY_CONFIGURATION;
	row->action = (uint8_t)action;
	row->result = (uint8_t)result;
	note(core, row);
}

enum result
record_by_rules(struct core *core, enum trail_action action, const struct policy_verdict *why,
    enum result result)
{
	if (result == RESULT_OK)
		record_verdict(core, why);
	record_by_configuration(core, action, result);
	return result;
}

static void
fill_user(struct trail_row *row, const struct core *core)
{
	row->has_uid = core->cli_has_uid;
	row->uid = core->cli_has_uid ? core->cli_uid : 0;
}

void
record_by_cli(struct core *core, enum trail_action action, enum result result)
{
	struct trail_row *row = &core->row;

	row->origin = TRAIL_BY_CLI;
	fill_user(row, core);
	if (row->action != TRAIL_RENEW)
		row->action = (uint8_t)action;
	row->result = (uint8_t)result;
	note(core, row);
}

/* Nobody on a LAN asked for it. */
static void
fill_own_map(struct trail_row *row, const struct msg_map *map)
{
	fill_map(row, map);
	memset(&row->client, 0, sizeof(row->client));
}

void
record_add(struct core *core, const struct msg_map *map, enum result result)
{
	fill_own_map(&core->row, map);
	record_by_cli(core, TRAIL_ADD, result);
}

void
record_add_configured(struct core *core, const struct msg_map *map, enum result result)
{
	fill_own_map(&core->row, map);
	record_by_configuration(core, TRAIL_ADD, result);
}

void
record_nothing_to_delete(struct core *core, const struct trail_row *wanted)
{
	core->row = *wanted;
	record_reason(core, wanted->action == TRAIL_DELETE ? "there is no such mapping"
							   : "there is no such pinhole");
	record_by_cli(core, (enum trail_action)wanted->action, RESULT_NO_SUCH_ENTRY);
}

void
record_not_permitted(struct core *core, const char *verb)
{
	static const struct {
		const char *verb;
		enum trail_action action;
	} verbs[] = { { "add", TRAIL_ADD }, { "delete", TRAIL_DELETE },
		{ "reload", TRAIL_RELOAD } };
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].verb, verb) != 0)
			continue;
		record_begin(core);
		record_reason(core, "the user may only look");
		record_by_cli(core, verbs[i].action, RESULT_NOT_AUTHORIZED);
	}
}

void
record_reload(struct core *core, const char *errors)
{
	struct trail_row row = { .origin = TRAIL_BY_CONFIGURATION, .action = TRAIL_RELOAD };

	char line[TRAIL_REASON_MAX];

	if (errors) {
		row.result = RESULT_INVALID_ARGS;
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(errors, "\n"), errors);
		COPY(row.reason, line);
	}
	fill_user(&row, core); /* a signal has none */
	note(core, &row);
}

/* ---- what comes by itself ---- */

void
record_expired(struct core *core, const struct lease *lease)
{
	struct trail_row row = { .origin = TRAIL_BY_EXPIRY, .action = TRAIL_EXPIRE };

	fill_lease(&row, lease);
	if (lease->client)
		fill_client(&row, lease->client);
	note(core, &row);
}

void
record_expired_pinhole(struct core *core, const struct pinhole *p)
{
	struct trail_row row = {
		.origin = TRAIL_BY_EXPIRY, .action = TRAIL_EXPIRE, .client = p->client
	};

	fill_pinhole(&row, p);
	note(core, &row);
}

void
record_event(
    struct core *core, enum trail_origin origin, enum trail_action action, const char *fmt, ...)
{
	struct trail_row row = { .origin = (uint8_t)origin, .action = (uint8_t)action };
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	COPY(row.reason, text);
	note(core, &row);
}
