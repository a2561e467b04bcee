/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/control_explain.h"

#include <string.h>

#include "core/control_audit.h"
#include "core/control_verbs.h"
#include "core/decide.h"
#include "core/lan.h"
#include "core/lease_json.h"
#include "core/trail_store.h"
#include "lib/addr.h"

static json_t *
text_or_null(const char *text)
{
	return *text ? text_json(text) : json_null();
}

static json_t *
number_or_null(bool there, json_int_t number)
{
	return there ? json_integer(number) : json_null();
}

/* A key that decides, and what gave it its value. */
static json_t *
key_json(const struct core *core, const char *key)
{
	int line = key ? conf_line(&core->conf, key) : CONF_LINE_DEFAULT;

	if (!key)
		return json_null();
	return json_pack("{s:s, s:s, s:o, s:o}", "name", key, "set",
	    line > 0                   ? "file"
	    : line == CONF_LINE_OPTION ? "command-line"
				       : "default",
	    "file", text_or_null(line > 0 ? core_conf_path(core) : ""), "line",
	    number_or_null(line > 0, line));
}

/* What the client would be told when it calls by @igd. */
static json_t *
answer_json(struct core *core, const struct lan *lan, const struct msg_map *req, enum msg_igd igd)
{
	const struct asker asker = { .origin = LEASE_UPNP,
		.client = req->key.client,
		.lan = lan->prefix,
		.igd = igd,
		.ifname = lan->ifname,
		.ifindex = lan->ifindex };
	struct policy_verdict v;
	bool granted;

	decide(core, &asker, req,
	    lease_find(
		core->leases, req->key.protocol, req->key.external_port, req->key.remote_host),
	    &v);
	core->unsettled = false; /* no worker's call is to wait for this */
	granted = v.result == RESULT_OK;
	return json_pack("{s:i, s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
	    igd == MSG_IGD2 ? 2 : 1, "granted", granted, "result", result_str(v.result),
	    "upnp_code", number_or_null(!granted, result_upnp_code(v.result)), "upnp_text",
	    text_or_null(granted ? "" : result_upnp_text(v.result)), "reason",
	    text_or_null(v.reason), "rule", text_or_null(v.rule), "file",
	    text_or_null(v.line ? core_conf_path(core) : ""), "line",
	    number_or_null(v.line > 0, v.line), "key", key_json(core, v.key), "lease_s",
	    number_or_null(granted, v.lease_s));
}

static json_t *
explain(struct core *core, const struct msg_map *req)
{
	const struct lan *lan = lans_find_addr4(core->lans, req->key.client);
	char addr[ADDR4_STRLEN];

	if (!lan)
		return control_error("not-found",
		    "%s is on no LAN that is served, so nothing that it asks for comes here",
		    addr4_str(req->key.client, addr));
	return json_pack("{s:o, s:s, s:s, s:i, s:o, s:i, s:o, s:I, s:[o, o]}", "client",
	    addr_json(req->key.client), "lan", lan->ifname, "protocol",
	    protocol_str(req->key.protocol), "external_port", req->key.external_port,
	    "internal_client", addr_json(req->internal_client), "internal_port", req->internal_port,
	    "remote_host", addr_json(req->key.remote_host), "lease_s", (json_int_t)req->lease_s,
	    "answers", answer_json(core, lan, req, MSG_IGD1),
	    answer_json(core, lan, req, MSG_IGD2));
}

static json_t *
bad_client(void)
{
	return control_error("invalid-args", "client is an IPv4 address");
}

/* Members of the request into @req. NULL, or what is wrong. */
static json_t *
parse(json_t *request, struct msg_map *req)
{
	json_int_t external_port, internal_port = 0, lease_s = 0;
	const char *client, *protocol, *to = NULL, *remote = NULL;
	json_error_t error;
	json_t *wrong;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s, s:s, s:I, s?s, s?I, s?s, s?I}",
		"client", &client, "protocol", &protocol, "external_port", &external_port,
		"internal_client", &to, "internal_port", &internal_port, "remote_host", &remote,
		"lease_s", &lease_s) < 0)
		return control_error("invalid-args", "%s", error.text);
	if (addr4_parse(client, &req->key.client) < 0 || !req->key.client)
		return bad_client();
	wrong = control_parse_key(protocol, external_port, remote, &req->key);
	if (wrong)
		return wrong;
	req->internal_client = req->key.client;
	if (to && addr4_parse(to, &req->internal_client) < 0)
		return control_error("invalid-args", "internal_client is an IPv4 address");
	if (internal_port < 0 || internal_port > 65535)
		return control_error("invalid-args", "internal_port is 1 to 65535");
	if (lease_s < 0 || lease_s > UINT32_MAX)
		return control_error("invalid-args", "lease_s is 0 (permanent) to 4294967295");
	req->internal_port = internal_port ? (uint16_t)internal_port : req->key.external_port;
	req->lease_s = (uint32_t)lease_s;
	req->enabled = 1;
	return NULL;
}

/* A row of the trail as the request that it was; null: it is none of those that we can repeat. */
static json_t *
explain_row(struct core *core, json_t *row)
{
	static const char *const members[] = { "client", "protocol", "external_port",
		"internal_client", "internal_port", "remote_host", "lease_s" };
	const char *action = json_string_value(json_object_get(row, "action"));
	struct msg_map req = { 0 };
	json_t *request, *answer;
	size_t i;

	if (!action || (strcmp(action, "add") != 0 && strcmp(action, "renew") != 0))
		return json_null();
	request = json_object();
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (!json_is_null(json_object_get(row, members[i])))
			json_object_set(request, members[i], json_object_get(row, members[i]));
	answer = parse(request, &req);
	if (!answer)
		answer = explain(core, &req);
	json_decref(request);
	if (!json_object_get(answer, "error"))
		return answer;
	json_decref(answer);
	return json_null();
}

static json_t *
explain_last(struct core *core, json_t *request)
{
	struct trail_store *store = trail_read(core->trail);
	char client[TRAIL_HOST_MAX];
	json_error_t error;
	const char *who;
	json_t *row;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s}", "last", &who) < 0)
		return control_error("invalid-args", "%s", error.text);
	if (!*who || strlen(who) >= sizeof(client))
		return control_error(
		    "invalid-args", "last is an address, a MAC address or a host's name");
	control_normalize_client(who, client);
	row = store ? trail_store_last_refusal(store, client) : NULL;
	if (!row)
		return control_error("failed",
		    "the audit trail cannot be read, or is off (audit_max_rows); the daemon's log "
		    "says why");
	return json_pack("{s:o, s:o}", "last", row, "now",
	    json_is_null(row) ? json_null() : explain_row(core, row));
}

json_t *
control_explain(struct core *core, json_t *request)
{
	struct msg_map req = { 0 };
	json_t *wrong;

	if (json_object_get(request, "last"))
		return explain_last(core, request);
	wrong = parse(request, &req);
	return wrong ? wrong : explain(core, &req);
}
