/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs of the CLI, a row each. Formats are checked by json_unpack, so a handler sees only
 * members of the right type; ranges are checked here.
 */
#include "core/control_verbs.h"

#include "config.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/connection.h"
#include "core/control.h"
#include "core/control_audit.h"
#include "core/dhcp.h"
#include "core/control_explain.h"
#include "core/lan.h"
#include "core/lease_json.h"
#include "core/mapping.h"
#include "core/pinhole.h"
#include "core/share.h"
#include "core/record.h"
#include "core/reload.h"
#include "core/trouble.h"
#include "core/wan.h"
#include "lib/addr.h"
#include "lib/compiler.h"
#include "lib/utf8.h"

/* Where the description in xml/ puts WANIPConnection. */
#define CONTROL_URL_PATH "/ctl/wanip"

/* For whoever names what is not there. */
#define SEE_LIST "; see portreeve list"

json_t *
control_error(const char *code, const char *fmt, ...)
{
	char message[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	return json_pack("{s:{s:s, s:o}}", "error", "code", code, "message", text_json(message));
}

static json_t *
invalid(const json_error_t *error)
{
	return control_error("invalid-args", "%s", error->text);
}

static const char *
wan_state_str(enum msg_wan_status status)
{
	switch (status) {
	case MSG_WAN_UNCONFIGURED:
		return "unconfigured";
	case MSG_WAN_DISCONNECTED:
		return "disconnected";
	case MSG_WAN_CONNECTED:
		return "connected";
	case MSG_WAN_CONNECTING:
		return "connecting";
	case MSG_WAN_PENDING_DISCONNECT:
		return "pending-disconnect";
	case MSG_WAN_DISCONNECTING:
		return "disconnecting";
	case MSG_WAN_STATUS_COUNT:
		break;
	}
	return "unknown";
}

static json_t *
wan_json(const struct core *core)
{
	const char *ifname = wan_ifname(core->wan);
	uint32_t addr = wan_address(core->wan);

	return json_pack("{s:o, s:s, s:b, s:o, s:o, s:b, s:o, s:I}", "interface",
	    *ifname ? json_string(ifname) : json_null(), "state",
	    wan_state_str(connection_status(core)), "link_up", wan_link_up(core->wan), "address",
	    addr_json(addr), "address_kind",
	    addr ? json_string(addr4_kind_str(addr4_kind(addr))) : json_null(), "double_nat",
	    wan_double_nat(core->wan), "external_address",
	    addr_json(wan_external_address(core->wan)), "uptime_s",
	    (json_int_t)wan_uptime_s(core->wan, core->now_ms()));
}

static json_t *
lan_json(const struct core *core, const struct lan *lan)
{
	char url[64], addr[ADDR4_STRLEN];

	snprintf(url, sizeof(url), "http://%s:%u" CONTROL_URL_PATH,
	    addr4_str(lan->prefix.addr, addr), core->conf.http_port);
	return json_pack("{s:s, s:b, s:o, s:i, s:o, s:o, s:I, s:s, s:s}", "interface", lan->ifname,
	    "serving", lan->serving, "address", addr_json(lan->prefix.addr), "prefix_len",
	    lan->prefix.len, "control_url", lan->serving ? json_string(url) : json_null(),
	    "worker_pid", lan->worker_pid ? json_integer(lan->worker_pid) : json_null(), "restarts",
	    (json_int_t)lan->restarts, "dhcp", dhcp_service_str(dhcp_service(core, lan)), "nat",
	    share_nat_str(core));
}

static json_t *
lans_json(const struct core *core)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < lans_count(core->lans); i++)
		json_array_append_new(array, lan_json(core, lans_at(core->lans, i)));
	return array;
}

static json_t *
on_status(struct core *core, json_t *request UNUSED)
{
	struct nft_health health = { 0 };

	core->nft->health(core->nft, &health);
	return json_pack("{s:i, s:s, s:I, s:o, s:o, s:{s:I, s:I}, s:{s:I, s:b, s:b}, s:{s:b, s:b, "
			 "s:I, s:I, s:I}, s:o}",
	    "schema", CONTROL_SCHEMA, "version", PACKAGE_VERSION, "uptime_s",
	    (json_int_t)((core->now_ms() - core->started_ms) / 1000), "wan", wan_json(core), "lans",
	    lans_json(core), "mappings", "count", (json_int_t)lease_count(core->leases), "max",
	    (json_int_t)core->conf.max_mappings, "pinholes", "count",
	    (json_int_t)pinhole_count(core->pinholes), "firewall",
	    core->conf.firewall != CONF_FIREWALL_OFF, "allowed", core->conf.allow_pinholes,
	    "kernel", "table_ok", health.table_ok, "owned", health.owned, "heals",
	    (json_int_t)health.heals, "joins", (json_int_t)health.joins, "joined",
	    (json_int_t)health.joined, "security_log",
	    core->conf.security_log[0] ? text_json(core->conf.security_log) : json_null());
}

static json_t *
list_pinholes(struct core *core, json_int_t after, json_int_t limit)
{
	struct pinhole *p =
	    after < UINT16_MAX ? pinhole_after(core->pinholes, (uint16_t)after) : NULL;
	json_t *array = json_array();
	uint16_t last = 0;

	for (; p && limit > 0; limit--) {
		pinhole_refresh_use(core, p);
		json_array_append_new(array, pinhole_json(p, core->now_ms()));
		last = p->id;
		p = pinhole_after(core->pinholes, last);
	}
	return json_pack(
	    "{s:o, s:o}", "pinholes", array, "next", p ? json_integer(last) : json_null());
}

static json_t *
list_mappings(struct core *core, json_int_t after, json_int_t limit)
{
	struct lease *lease = lease_after(core->leases, (uint32_t)after);
	json_t *array = json_array();
	uint32_t last = 0;

	for (; lease && limit > 0; limit--) {
		mapping_refresh_use(core, lease);
		json_array_append_new(array, lease_json(lease, core->now_ms()));
		last = lease->id;
		lease = lease_after(core->leases, last);
	}
	return json_pack(
	    "{s:o, s:o}", "mappings", array, "next", lease ? json_integer(last) : json_null());
}

static json_t *
on_list(struct core *core, json_t *request)
{
	json_int_t after = 0, limit = CONTROL_LIST_DEFAULT;
	const char *of = "mappings";
	json_error_t error;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s?I, s?I, s?s}", "after", &after,
		"limit", &limit, "of", &of) < 0)
		return invalid(&error);
	if (after < 0 || after > UINT32_MAX || limit < 1 || limit > CONTROL_LIST_MAX)
		return control_error(
		    "invalid-args", "after is an id, limit is 1 to %d", CONTROL_LIST_MAX);
	if (strcmp(of, "mappings") == 0)
		return list_mappings(core, after, limit);
	if (strcmp(of, "pinholes") == 0)
		return list_pinholes(core, after, limit);
	return control_error("invalid-args", "of is \"mappings\" or \"pinholes\"");
}

/* The pinhole that the request names. NULL: what is wrong is in @wrong. */
static struct pinhole *
find_pinhole(struct core *core, json_t *request, json_t **wrong)
{
	struct pinhole *p = NULL;
	json_error_t error;
	json_int_t id;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:I}", "pinhole", &id) < 0) {
		*wrong = invalid(&error);
		return NULL;
	}
	if (id > 0 && id <= UINT16_MAX)
		p = pinhole_find_id(core->pinholes, (uint16_t)id);
	if (!p)
		*wrong = control_error(
		    "not-found", "there is no pinhole with id %lld" SEE_LIST, (long long)id);
	return p;
}

static json_t *
show_pinhole(struct core *core, json_t *request)
{
	json_t *wrong = NULL;
	struct pinhole *p = find_pinhole(core, request, &wrong);

	if (!p)
		return wrong;
	pinhole_refresh_use(core, p);
	return pinhole_json(p, core->now_ms());
}

static json_t *
delete_pinhole(struct core *core, json_t *request)
{
	json_t *wrong = NULL;
	struct pinhole *p = find_pinhole(core, request, &wrong);
	struct trail_row wanted = { .action = TRAIL_PINHOLE_DELETE };
	enum result result;
	json_int_t named;
	uint16_t id;

	if (!p) {
		named = json_integer_value(json_object_get(request, "pinhole"));
		wanted.pinhole = named > 0 && named <= UINT16_MAX ? (uint16_t)named : 0;
		if (wanted.pinhole)
			record_nothing_to_delete(core, &wanted);
		return wrong;
	}
	id = p->id;
	record_begin(core);
	result = pinhole_del_one(core, p);
	record_by_cli(core, TRAIL_PINHOLE_DELETE, result);
	if (result != RESULT_OK)
		return control_error(result_str(RESULT_FAILED), "%s", trouble_str(core));
	return json_pack("{s:i}", "deleted", id);
}

static json_t *
no_such_id(json_int_t id)
{
	return control_error(
	    "not-found", "there is no mapping with id %lld" SEE_LIST, (long long)id);
}

static struct lease *
find_id(struct core *core, json_int_t id)
{
	return id > 0 && id <= UINT32_MAX ? lease_find_id(core->leases, (uint32_t)id) : NULL;
}

static json_t *
on_show(struct core *core, json_t *request)
{
	struct lease *lease;
	json_error_t error;
	json_int_t id;

	if (json_object_get(request, "pinhole"))
		return show_pinhole(core, request);
	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:I}", "id", &id) < 0)
		return invalid(&error);
	lease = find_id(core, id);
	if (!lease)
		return no_such_id(id);
	mapping_refresh_use(core, lease);
	return lease_json(lease, core->now_ms());
}

json_t *
control_parse_key(
    const char *protocol, json_int_t port, const char *remote, struct msg_map_key *key)
{
	if (strcasecmp(protocol, "TCP") == 0)
		key->protocol = IPPROTO_TCP;
	else if (strcasecmp(protocol, "UDP") == 0)
		key->protocol = IPPROTO_UDP;
	else
		return control_error("invalid-args", "protocol is TCP or UDP");
	if (port < 1 || port > 65535)
		return control_error("invalid-args", "external_port is 1 to 65535");
	key->external_port = (uint16_t)port;
	if (remote && *remote && (addr4_parse(remote, &key->remote_host) < 0 || !key->remote_host))
		return control_error(
		    "invalid-args", "remote_host is an IPv4 address, or null for any");
	return NULL;
}

/* Whose mapping a new one clashes with: the same key, or the port leads to another host. */
static const struct lease *
in_the_way(struct core *core, const struct msg_map_key *key)
{
	const struct lease *same =
	    lease_find(core->leases, key->protocol, key->external_port, key->remote_host);

	return same ? same : lease_on_port(core->leases, key->protocol, key->external_port, NULL);
}

/* Why a mapping of the administrator's was refused, in words that say what to do. */
static json_t *
refusal(struct core *core, enum result result, const struct msg_map *map)
{
	static const char *const texts[RESULT_COUNT] = {
		[RESULT_CONFLICT] = "the external port is in use on the gateway",
		[RESULT_NO_RESOURCES] = "there are as many mappings as the configuration allows; "
					"see max_mappings and max_mappings_per_client",
	};
	const struct lease *other = NULL;
	char addr[ADDR4_STRLEN];

	if (result == RESULT_CONFLICT)
		other = in_the_way(core, &map->key);
	if (other)
		return control_error(result_str(result),
		    "%s port %u already leads to %s port %u (mapping %u); delete that first",
		    protocol_str(other->protocol), other->external_port,
		    addr4_str(other->internal_client, addr), other->internal_port, other->id);
	if (result == RESULT_NO_SUCH_ENTRY)
		return control_error("not-found", "there is no such mapping");
	if (result == RESULT_FAILED)
		return control_error(result_str(result), "%s", trouble_str(core));
	if (result < RESULT_COUNT && texts[result])
		return control_error(result_str(result), "%s", texts[result]);
	return control_error(result_str(result), "refused: %s",
	    core->row.reason[0] ? core->row.reason : result_upnp_text(result));
}

/* Members of "add" into @map. NULL, or what is wrong. */
static json_t *
parse_add(json_t *request, struct msg_map *map)
{
	const char *protocol, *client, *description = "", *remote = NULL;
	json_int_t external_port, internal_port = -1, lease_s = 0;
	json_error_t error;
	int enabled = 1;
	json_t *wrong;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s, s:I, s:s, s?I, s?s, s?I, s?s, s?b}",
		"protocol", &protocol, "external_port", &external_port, "internal_client", &client,
		"internal_port", &internal_port, "remote_host", &remote, "lease_s", &lease_s,
		"description", &description, "enabled", &enabled) < 0)
		return invalid(&error);
	wrong = control_parse_key(protocol, external_port, remote, &map->key);
	if (wrong)
		return wrong;
	if (internal_port == -1)
		internal_port = external_port;
	if (internal_port < 1 || internal_port > 65535)
		return control_error("invalid-args", "internal_port is 1 to 65535");
	if (addr4_parse(client, &map->internal_client) < 0 || !map->internal_client)
		return control_error("invalid-args", "internal_client is an IPv4 address");
	if (lease_s < 0 || lease_s > UINT32_MAX)
		return control_error("invalid-args", "lease_s is 0 (permanent) to 4294967295");
	if (strlen(description) >= sizeof(map->description))
		return control_error("invalid-args", "description has at most %zu octets",
		    sizeof(map->description) - 1);
	map->internal_port = (uint16_t)internal_port;
	map->lease_s = (uint32_t)lease_s;
	map->enabled = enabled != 0;
	snprintf(map->description, sizeof(map->description), "%s", description);
	utf8_sanitize(map->description);
	return NULL;
}

static json_t *
on_add(struct core *core, json_t *request)
{
	const struct asker asker = { .origin = LEASE_STATIC };
	struct lease *lease = NULL;
	struct msg_map map = { 0 };
	enum result result;
	json_t *wrong;

	wrong = parse_add(request, &map);
	if (wrong)
		return wrong;
	record_begin(core);
	result = mapping_add(core, &asker, &map, &lease);
	record_add(core, &map, result);
	if (result != RESULT_OK)
		return refusal(core, result, &map);
	return lease_json(lease, core->now_ms());
}

static void
record_no_mapping(struct core *core, json_int_t id, const struct msg_map_key *key)
{
	struct trail_row wanted = { .action = TRAIL_DELETE };

	wanted.mapping = id > 0 && id <= UINT32_MAX ? (uint32_t)id : 0;
	wanted.protocol = key->protocol;
	wanted.external_port = key->external_port;
	if (key->remote_host)
		wanted.remote_host = addr6_from4(key->remote_host);
	record_nothing_to_delete(core, &wanted);
}

/*
 * The mapping that "delete" names, by id or by its key. NULL with what is wrong in @wrong; that
 * there is none is in the trail, too.
 */
static struct lease *
find_to_delete(struct core *core, json_t *request, json_t **wrong)
{
	const char *protocol, *remote = NULL;
	struct msg_map_key key = { 0 };
	struct lease *lease;
	json_error_t error;
	json_int_t id, port;

	if (json_object_get(request, "id")) {
		if (json_unpack_ex(request, &error, JSON_STRICT, "{s:I}", "id", &id) < 0) {
			*wrong = invalid(&error);
			return NULL;
		}
		lease = find_id(core, id);
		if (!lease) {
			record_no_mapping(core, id, &key);
			*wrong = no_such_id(id);
		}
		return lease;
	}
	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s, s:I, s?s}", "protocol", &protocol,
		"external_port", &port, "remote_host", &remote) < 0)
		*wrong = invalid(&error);
	else
		*wrong = control_parse_key(protocol, port, remote, &key);
	if (*wrong)
		return NULL;
	lease = lease_find(core->leases, key.protocol, key.external_port, key.remote_host);
	if (lease)
		return lease;
	record_no_mapping(core, 0, &key);
	*wrong = control_error("not-found", "there is no mapping of %s port %u%s" SEE_LIST,
	    protocol_str(key.protocol), key.external_port,
	    key.remote_host ? " for that remote host" : "");
	return NULL;
}

static json_t *
on_delete(struct core *core, json_t *request)
{
	json_t *wrong = NULL;
	struct lease *lease;
	enum result result;
	uint32_t id;

	if (json_object_get(request, "pinhole"))
		return delete_pinhole(core, request);
	lease = find_to_delete(core, request, &wrong);
	if (!lease)
		return wrong;
	record_begin(core);
	if (lease->origin == LEASE_CONFIG) {
		record_lease(core, lease);
		record_reason(core, "it is of a section \"forward\" of the configuration");
		record_by_cli(core, TRAIL_DELETE, RESULT_NOT_AUTHORIZED);
		return control_error("not-permitted",
		    "the mapping is of a section \"forward\" of the configuration: change it there "
		    "and reload");
	}
	id = lease->id;
	result = mapping_del_lease(core, lease);
	record_by_cli(core, TRAIL_DELETE, result);
	if (result != RESULT_OK)
		return refusal(core, result, &(struct msg_map){ 0 });
	return json_pack("{s:I}", "deleted", (json_int_t)id);
}

static json_t *
on_watch(struct core *core UNUSED, json_t *request UNUSED)
{
	return json_pack("{s:b}", "watching", 1);
}

static json_t *
on_reload(struct core *core, json_t *request UNUSED)
{
	json_t *report = NULL;
	char errors[4000];

	if (reload_run(core, &report, errors, sizeof(errors)) < 0)
		return control_error("bad-configuration", "%s", errors);
	return report;
}

static json_t *
on_doctor(struct core *core, json_t *request UNUSED)
{
	return core->doctor ? core->doctor(core)
			    : json_pack("{s:[], s:[], s:i}", "checks", "lans", "http_port",
				  core->conf.http_port);
}

static json_t *
flow_json(const struct flowlist_flow *f)
{
	json_t *json = json_pack("{s:o, s:i, s:b, s:I, s:n, s:n, s:n, s:n}", "peer",
	    addr6_json(&f->peer), "peer_port", f->peer_port, "answered", f->answered, "timeout_s",
	    (json_int_t)f->timeout_s, "packets_in", "octets_in", "packets_out", "octets_out");

	if (json && f->counted) {
		json_object_set_new(json, "packets_in", json_integer((json_int_t)f->packets_in));
		json_object_set_new(json, "octets_in", json_integer((json_int_t)f->octets_in));
		json_object_set_new(json, "packets_out", json_integer((json_int_t)f->packets_out));
		json_object_set_new(json, "octets_out", json_integer((json_int_t)f->octets_out));
	}
	return json;
}

static json_t *
no_connection_table(void)
{
	return control_error("failed", "the kernel's connection table cannot be read");
}

static json_t *
flows_json(const struct flowlist *list)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < list->n; i++)
		json_array_append_new(array, flow_json(&list->flows[i]));
	return array;
}

static json_t *
flows_of_pinhole(struct core *core, json_t *request)
{
	struct flowlist list = { .complete = false };
	json_t *wrong = NULL;
	const struct pinhole *p = find_pinhole(core, request, &wrong);
	struct nft_pinhole like;

	if (!p)
		return wrong;
	like = (struct nft_pinhole){
		.remote_host = p->key.remote_host,
		.internal_client = p->key.internal_client,
		.remote_port = p->key.remote_port,
		.internal_port = p->key.internal_port,
		.protocol = p->key.protocol,
	};
	if (core->read_pinhole_flows && core->read_pinhole_flows(&like, &list) < 0)
		return no_connection_table();
	return json_pack("{s:o, s:b}", "flows", flows_json(&list), "complete", list.complete);
}

static json_t *
on_flows(struct core *core, json_t *request)
{
	struct flowlist list = { .complete = false };
	struct nft_mapping mapping;
	struct lease *lease;
	json_error_t error;
	json_int_t id;

	if (json_object_get(request, "pinhole"))
		return flows_of_pinhole(core, request);
	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:I}", "id", &id) < 0)
		return invalid(&error);
	lease = find_id(core, id);
	if (!lease)
		return no_such_id(id);
	mapping = (struct nft_mapping){
		.remote_host = lease->remote_host,
		.internal_client = lease->internal_client,
		.external_port = lease->external_port,
		.internal_port = lease->internal_port,
		.protocol = lease->protocol,
	};
	mapping_refresh_use(core, lease);
	if (core->read_flows && core->read_flows(&mapping, &list) < 0)
		return no_connection_table();
	return json_pack("{s:o, s:b, s:I}", "flows", flows_json(&list), "complete", list.complete,
	    "connections", (json_int_t)lease->use_packets);
}

static json_t *
on_metrics(struct core *core, json_t *request UNUSED)
{
	char *text = metrics_text(core);
	json_t *answer = text ? json_pack("{s:s}", "metrics", text) : NULL;

	free(text);
	return answer;
}

static json_t *
on_audit(struct core *core, json_t *request)
{
	return core->audit ? core->audit(core, request)
			   : json_pack("{s:[], s:{}, s:n}", "findings", "checks", "next");
}

static const struct {
	const char *name;
	bool changes;
	json_t *(*run)(struct core *core, json_t *request);
} verbs[] = {
	{ "status", false, on_status },
	{ "list", false, on_list },
	{ "show", false, on_show },
	{ "watch", false, on_watch },
	{ "trail", false, control_trail },
	{ "audit", false, on_audit },
	{ "doctor", false, on_doctor },
	{ "flows", false, on_flows },
	{ "metrics", false, on_metrics },
	{ "explain", false, control_explain },
	{ "add", true, on_add },
	{ "delete", true, on_delete },
	{ "reload", true, on_reload },
};

static json_t *
dispatch(struct core *core, const struct control_peer *peer, json_t *request, bool *watch)
{
	json_error_t error;
	const char *name;
	size_t i;

	if (json_unpack_ex(request, &error, 0, "{s:s}", "verb", &name) < 0)
		return control_error("malformed", "a request is an object with a \"verb\"");
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(name, verbs[i].name) != 0)
			continue;
		if (verbs[i].changes && !peer->may_change) {
			record_not_permitted(core, name);
			return control_error("not-permitted", "only root may %s", verbs[i].name);
		}
		*watch = verbs[i].run == on_watch;
		json_object_del(request, "verb"); /* the handlers refuse members unknown to them */
		return verbs[i].run(core, request);
	}
	return control_error("unknown-verb", "there is no verb \"%.32s\"", name);
}

/* JSON's null means "not given", in requests as in answers. */
static void
drop_nulls(json_t *object)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(object, next, key, value) if (json_is_null(value))
	    json_object_del(object, key);
}

json_t *
control_answer(
    struct core *core, const struct control_peer *peer, const char *line, size_t len, bool *watch)
{
	json_error_t error;
	json_t *request, *answer;

	*watch = false;
	request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!request)
		return control_error("malformed", "not JSON: %s", error.text);
	if (json_is_object(request))
		drop_nulls(request);
	core->cli_has_uid = peer->has_uid;
	core->cli_uid = peer->uid;
	answer = dispatch(core, peer, request, watch);
	core->cli_has_uid = false;
	json_decref(request);
	return answer;
}
