/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WANIPConnection:1 and what version 2 has in common with it: status, external address and port
 * mappings. Everything here is a question to the core; nothing is remembered.
 */
#include "worker/upnp/wanip.h"

#include <stdio.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/compiler.h"

static const char *const error_names[MSG_WAN_ERROR_COUNT] = {
	[MSG_ERROR_NONE] = "ERROR_NONE",
	[MSG_ERROR_COMMAND_ABORTED] = "ERROR_COMMAND_ABORTED",
	[MSG_ERROR_NOT_ENABLED_FOR_INTERNET] = "ERROR_NOT_ENABLED_FOR_INTERNET",
	[MSG_ERROR_ISP_DISCONNECT] = "ERROR_ISP_DISCONNECT",
	[MSG_ERROR_USER_DISCONNECT] = "ERROR_USER_DISCONNECT",
	[MSG_ERROR_IDLE_DISCONNECT] = "ERROR_IDLE_DISCONNECT",
	[MSG_ERROR_FORCED_DISCONNECT] = "ERROR_FORCED_DISCONNECT",
	[MSG_ERROR_NO_CARRIER] = "ERROR_NO_CARRIER",
	[MSG_ERROR_IP_CONFIGURATION] = "ERROR_IP_CONFIGURATION",
	[MSG_ERROR_UNKNOWN] = "ERROR_UNKNOWN",
};

static const char *const status_names[MSG_WAN_STATUS_COUNT] = {
	[MSG_WAN_UNCONFIGURED] = "Unconfigured",
	[MSG_WAN_DISCONNECTED] = "Disconnected",
	[MSG_WAN_CONNECTED] = "Connected",
	[MSG_WAN_CONNECTING] = "Connecting",
	[MSG_WAN_PENDING_DISCONNECT] = "PendingDisconnect",
	[MSG_WAN_DISCONNECTING] = "Disconnecting",
};

/* ---- the connection -------------------------------------------------------------------------- */

/* It routes and always will: asking for what it is succeeds, for anything else is 731. */
static enum result
set_connection_type(struct call *call)
{
	const char *type = args_text(&call->in, "NewConnectionType");

	return strcmp(type, "IP_Routed") == 0 ? RESULT_OK : RESULT_READ_ONLY;
}

static enum result
get_connection_type_info(struct call *call)
{
	answer_text(&call->answer, "NewConnectionType", "IP_Routed");
	answer_text(&call->answer, "NewPossibleConnectionTypes", "IP_Routed");
	return RESULT_OK;
}

/* Whether there is a way to connect, and who may end what others use, the core knows. */
static enum result
connection(struct call *call, enum msg_connect what)
{
	const struct msg_connection body = {
		.client = call->client,
		.what = (uint8_t)what,
		.igd = (uint8_t)call->igd,
	};
	struct msg reply;

	if (call->client == 0)
		return RESULT_NOT_AUTHORIZED;
	return call_core(call, MSG_CONNECTION, &body, sizeof(body), &reply);
}

static enum result
request_connection(struct call *call)
{
	return connection(call, MSG_CONNECT);
}

static enum result
request_termination(struct call *call)
{
	return connection(call, MSG_DISCONNECT);
}

static enum result
force_termination(struct call *call)
{
	return connection(call, MSG_DISCONNECT_NOW);
}

static enum result
set_time(struct call *call, enum msg_timer which, const char *name)
{
	const struct msg_time body = {
		.client = call->client,
		.seconds = args_number(&call->in, name),
		.which = (uint8_t)which,
		.igd = (uint8_t)call->igd,
	};
	struct msg reply;

	if (call->client == 0)
		return RESULT_NOT_AUTHORIZED;
	return call_core(call, MSG_TIME_SET, &body, sizeof(body), &reply);
}

static enum result
get_time(struct call *call, enum msg_timer which, const char *name)
{
	enum result result;
	struct msg reply;

	result = call_core(call, MSG_TIMES_GET, NULL, 0, &reply);
	if (result == RESULT_OK)
		answer_number(&call->answer, name, reply.body.times.seconds[which]);
	return result;
}

static enum result
set_auto_disconnect_time(struct call *call)
{
	return set_time(call, MSG_TIME_AUTO, "NewAutoDisconnectTime");
}

static enum result
set_idle_disconnect_time(struct call *call)
{
	return set_time(call, MSG_TIME_IDLE, "NewIdleDisconnectTime");
}

static enum result
set_warn_disconnect_delay(struct call *call)
{
	return set_time(call, MSG_TIME_WARN, "NewWarnDisconnectDelay");
}

static enum result
get_auto_disconnect_time(struct call *call)
{
	return get_time(call, MSG_TIME_AUTO, "NewAutoDisconnectTime");
}

static enum result
get_idle_disconnect_time(struct call *call)
{
	return get_time(call, MSG_TIME_IDLE, "NewIdleDisconnectTime");
}

static enum result
get_warn_disconnect_delay(struct call *call)
{
	return get_time(call, MSG_TIME_WARN, "NewWarnDisconnectDelay");
}

static enum result
get_status_info(struct call *call)
{
	struct msg_state state;
	enum result result = call_state(call, &state);

	if (result != RESULT_OK)
		return result;
	answer_text(&call->answer, "NewConnectionStatus", status_names[state.wan_status]);
	answer_text(&call->answer, "NewLastConnectionError", error_names[state.last_error]);
	answer_number(&call->answer, "NewUptime", state.uptime_s);
	return RESULT_OK;
}

static enum result
get_nat_rsip_status(struct call *call)
{
	answer_number(&call->answer, "NewRSIPAvailable", 0);
	answer_number(&call->answer, "NewNATEnabled", 1);
	return RESULT_OK;
}

static enum result
get_external_ip_address(struct call *call)
{
	struct msg_state state;
	enum result result = call_state(call, &state);

	if (result == RESULT_OK)
		answer_addr(&call->answer, "NewExternalIPAddress", state.external_address);
	return result;
}

/* ---- port mappings --------------------------------------------------------------------------- */

uint8_t
wanip_protocol(const struct call *call)
{
	return strcmp(args_text(&call->in, "NewProtocol"), "TCP") == 0 ? MSG_PROTO_TCP
								       : MSG_PROTO_UDP;
}

/* The core compares IPv4 addresses; whoever has none owns nothing and may open nothing. */
static enum result
read_key(struct call *call, struct msg_map_key *key)
{
	if (call->client == 0)
		return RESULT_NOT_AUTHORIZED;
	key->client = call->client;
	key->external_port = (uint16_t)args_number(&call->in, "NewExternalPort");
	key->protocol = wanip_protocol(call);
	key->igd = (uint8_t)call->igd;
	return args_remote_host(&call->in, "NewRemoteHost", &key->remote_host);
}

enum result
wanip_read_mapping(struct call *call, struct msg_map *map)
{
	enum result result;

	memset(map, 0, sizeof(*map));
	result = read_key(call, &map->key);
	if (result == RESULT_OK)
		result =
		    args_internal_client(&call->in, "NewInternalClient", &map->internal_client);
	if (result == RESULT_OK)
		result = args_description(&call->in, "NewPortMappingDescription", map->description);
	if (result != RESULT_OK)
		return result;

	map->internal_port = (uint16_t)args_number(&call->in, "NewInternalPort");
	map->enabled = (uint8_t)args_number(&call->in, "NewEnabled");
	map->lease_s = args_number(&call->in, "NewLeaseDuration");
	return RESULT_OK;
}

enum result
wanip_no_internal_port(const struct call *call)
{
	return call->igd == MSG_IGD2 ? RESULT_WILDCARD_INT_PORT : RESULT_INVALID_ARGS;
}

static enum result
add_port_mapping(struct call *call)
{
	enum result result;
	struct msg_map map;
	struct msg reply;

	result = wanip_read_mapping(call, &map);
	if (result != RESULT_OK)
		return result;
	if (map.key.external_port == 0)
		return RESULT_WILDCARD_EXT_PORT;
	if (map.internal_port == 0)
		return wanip_no_internal_port(call);
	return call_core(call, MSG_MAP_ADD, &map, sizeof(map), &reply);
}

static enum result
delete_port_mapping(struct call *call)
{
	struct msg_map_key key = { 0 };
	enum result result;
	struct msg reply;

	result = read_key(call, &key);
	if (result == RESULT_OK)
		result = call_core(call, MSG_MAP_DEL, &key, sizeof(key), &reply);
	return result;
}

static void
answer_mapping(struct answer *answer, const struct msg_map *map)
{
	char client[ADDR4_STRLEN];

	answer_number(answer, "NewInternalPort", map->internal_port);
	answer_text(answer, "NewInternalClient", addr4_str(map->internal_client, client));
	answer_number(answer, "NewEnabled", map->enabled);
	answer_text(answer, "NewPortMappingDescription", map->description);
	answer_number(answer, "NewLeaseDuration", map->lease_s);
}

static enum result
get_specific_port_mapping_entry(struct call *call)
{
	struct msg_map_key key = { 0 };
	enum result result;
	struct msg reply;

	result = read_key(call, &key);
	if (result == RESULT_OK)
		result = call_core(call, MSG_MAP_GET, &key, sizeof(key), &reply);
	if (result == RESULT_OK)
		answer_mapping(&call->answer, &reply.body.map);
	return result;
}

static enum result
get_generic_port_mapping_entry(struct call *call)
{
	struct msg_index index = {
		.client = call->client,
		.index = args_number(&call->in, "NewPortMappingIndex"),
		.igd = (uint8_t)call->igd,
	};
	const struct msg_map *map;
	enum result result;
	struct msg reply;

	if (call->client == 0)
		return RESULT_NOT_AUTHORIZED;
	result = call_core(call, MSG_MAP_GET_INDEX, &index, sizeof(index), &reply);
	if (result != RESULT_OK)
		return result;

	map = &reply.body.map;
	answer_addr(&call->answer, "NewRemoteHost", map->key.remote_host);
	answer_number(&call->answer, "NewExternalPort", map->key.external_port);
	answer_text(
	    &call->answer, "NewProtocol", map->key.protocol == MSG_PROTO_TCP ? "TCP" : "UDP");
	answer_mapping(&call->answer, map);
	return RESULT_OK;
}

/* ---- evented variables ----------------------------------------------------------------------- */

static void
possible_connection_types(const struct desc_names *names UNUSED,
    const struct msg_state *state UNUSED, char text[SERVICE_VALUE_MAX])
{
	strcpy(text, "IP_Routed");
}

static void
connection_status(const struct desc_names *names UNUSED, const struct msg_state *state,
    char text[SERVICE_VALUE_MAX])
{
	strcpy(text, status_names[state->wan_status]);
}

static void
external_ip_address(const struct desc_names *names UNUSED, const struct msg_state *state,
    char text[SERVICE_VALUE_MAX])
{
	text[0] = '\0';
	if (state->external_address)
		addr4_str(state->external_address, text);
}

/* A ui2, though both protocols together have room for twice as many. */
static void
port_mapping_number_of_entries(const struct desc_names *names UNUSED, const struct msg_state *state,
    char text[SERVICE_VALUE_MAX])
{
	unsigned number = state->mappings < UINT16_MAX ? state->mappings : UINT16_MAX;

	snprintf(text, SERVICE_VALUE_MAX, "%u", number);
}

static const struct service_action actions[] = {
	{ "SetConnectionType", set_connection_type },
	{ "GetConnectionTypeInfo", get_connection_type_info },
	{ "RequestConnection", request_connection },
	{ "RequestTermination", request_termination },
	{ "ForceTermination", force_termination },
	{ "SetAutoDisconnectTime", set_auto_disconnect_time },
	{ "SetIdleDisconnectTime", set_idle_disconnect_time },
	{ "SetWarnDisconnectDelay", set_warn_disconnect_delay },
	{ "GetStatusInfo", get_status_info },
	{ "GetAutoDisconnectTime", get_auto_disconnect_time },
	{ "GetIdleDisconnectTime", get_idle_disconnect_time },
	{ "GetWarnDisconnectDelay", get_warn_disconnect_delay },
	{ "GetNATRSIPStatus", get_nat_rsip_status },
	{ "GetGenericPortMappingEntry", get_generic_port_mapping_entry },
	{ "GetSpecificPortMappingEntry", get_specific_port_mapping_entry },
	{ "AddPortMapping", add_port_mapping },
	{ "DeletePortMapping", delete_port_mapping },
	{ "GetExternalIPAddress", get_external_ip_address },
	{ NULL, NULL },
};

/* It changes with the mappings, so gena.c puts both into one property set (2.3.27). */
static void
system_update_id(const struct desc_names *names UNUSED, const struct msg_state *state,
    char text[SERVICE_VALUE_MAX])
{
	snprintf(text, SERVICE_VALUE_MAX, "%u", (unsigned)state->system_update_id);
}

#define EVENTS_1                                                                                   \
	{ "PossibleConnectionTypes", possible_connection_types },                                  \
	    { "ConnectionStatus", connection_status },                                             \
	    { "ExternalIPAddress", external_ip_address },                                          \
	{                                                                                          \
		"PortMappingNumberOfEntries", port_mapping_number_of_entries                       \
	}

static const struct service_event events[] = { EVENTS_1, { NULL, NULL } };

static const struct service_event events2[] = {
	EVENTS_1,
	{ "SystemUpdateID", system_update_id },
	{ NULL, NULL },
};

const struct service service_wanip = {
	.key = "wanip1",
	.type = "urn:schemas-upnp-org:service:WANIPConnection",
	.version = 1,
	.id = "urn:upnp-org:serviceId:WANIPConn1",
	.document = "wanip1.xml",
	.path = "wanip",
	.device = DESC_CONNECTION,
	.views = DESC_VIEW_1,
	.link = SERVICE_IP_LINK,
	.newer = &service_wanip2,
	.actions = actions,
	.events = events,
};

const struct service service_wanip2 = {
	.key = "wanip2",
	.type = "urn:schemas-upnp-org:service:WANIPConnection",
	.version = 2,
	.id = "urn:upnp-org:serviceId:WANIPConn1",
	.document = "wanip2.xml",
	.path = "wanip2",
	.device = DESC_CONNECTION,
	.views = DESC_VIEW_2,
	.link = SERVICE_IP_LINK,
	.older = &service_wanip,
	.actions = wanip2_actions,
	.events = events2,
};

/* ---- WANPPPConnection:1, in its place where the WAN is a PPP link ---------------------------- */

/* The session is set up by the administrator, who gives its password away to nobody. */
static enum result
configure_connection(struct call *call UNUSED)
{
	return RESULT_NOT_AUTHORIZED;
}

static enum result
get_link_layer_max_bit_rates(struct call *call)
{
	struct msg_counters counters;
	enum result result = call_counters(call, &counters);

	if (result != RESULT_OK)
		return result;
	answer_number(&call->answer, "NewUpstreamMaxBitRate",
	    counters.upstream_bps < UINT32_MAX ? (uint32_t)counters.upstream_bps : UINT32_MAX);
	answer_number(&call->answer, "NewDownstreamMaxBitRate",
	    counters.downstream_bps < UINT32_MAX ? (uint32_t)counters.downstream_bps : UINT32_MAX);
	return RESULT_OK;
}

static const struct service_action ppp_actions[] = {
	{ "ConfigureConnection", configure_connection },
	{ "GetLinkLayerMaxBitRates", get_link_layer_max_bit_rates },
	{ NULL, NULL },
};

const struct service service_wanppp = {
	.key = "wanppp",
	.type = "urn:schemas-upnp-org:service:WANPPPConnection",
	.version = 1,
	.id = "urn:upnp-org:serviceId:WANPPPConn1",
	.document = "wanppp.xml",
	.path = "wanip",
	.device = DESC_CONNECTION,
	.views = DESC_VIEWS,
	.link = SERVICE_PPP_LINK,
	.older = &service_wanip,
	.actions = ppp_actions,
	.events = events,
};
