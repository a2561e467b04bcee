/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WANIPConnection:1: status, external address and port mappings. Everything here is a question to
 * the core; nothing is remembered.
 */
#include "worker/upnp/service.h"

#include <stdio.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/compiler.h"

static const char *const status_names[] = {
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

/* The connection is not ours to make: there is one, or asking does not help. */
static enum result
request_connection(struct call *call)
{
	struct msg_state state;
	enum result result = call_state(call, &state);

	if (result == RESULT_OK && state.wan_status != MSG_WAN_CONNECTED)
		result = RESULT_FAILED;
	return result;
}

/* Nobody on the LAN may take the Internet away from the others. */
static enum result
refuse_termination(struct call *call UNUSED)
{
	return RESULT_NOT_AUTHORIZED;
}

static const char *
last_error(const struct msg_state *state)
{
	if (state->wan_status == MSG_WAN_CONNECTED)
		return "ERROR_NONE";
	return state->link_up ? "ERROR_IP_CONFIGURATION" : "ERROR_NO_CARRIER";
}

static enum result
get_status_info(struct call *call)
{
	struct msg_state state;
	enum result result = call_state(call, &state);

	if (result != RESULT_OK)
		return result;
	answer_text(&call->answer, "NewConnectionStatus", status_names[state.wan_status]);
	answer_text(&call->answer, "NewLastConnectionError", last_error(&state));
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

/* The core compares IPv4 addresses; whoever has none owns nothing and may open nothing. */
static enum result
read_key(struct call *call, struct msg_map_key *key)
{
	if (call->client == 0)
		return RESULT_NOT_AUTHORIZED;
	key->client = call->client;
	key->external_port = (uint16_t)args_number(&call->in, "NewExternalPort");
	key->protocol =
	    strcmp(args_text(&call->in, "NewProtocol"), "TCP") == 0 ? MSG_PROTO_TCP : MSG_PROTO_UDP;
	return args_remote_host(&call->in, "NewRemoteHost", &key->remote_host);
}

static enum result
add_port_mapping(struct call *call)
{
	struct msg_map map = { 0 };
	enum result result;
	struct msg reply;

	result = read_key(call, &map.key);
	if (result == RESULT_OK)
		result = args_internal_client(&call->in, "NewInternalClient", &map.internal_client);
	if (result == RESULT_OK)
		result = args_description(&call->in, "NewPortMappingDescription", map.description);
	if (result != RESULT_OK)
		return result;

	map.internal_port = (uint16_t)args_number(&call->in, "NewInternalPort");
	map.enabled = (uint8_t)args_number(&call->in, "NewEnabled");
	map.lease_s = args_number(&call->in, "NewLeaseDuration");
	if (map.key.external_port == 0)
		return RESULT_WILDCARD_EXT_PORT;
	if (map.internal_port == 0)
		return RESULT_INVALID_ARGS; /* 732 exists in version 2 only */
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
	{ "RequestTermination", refuse_termination },
	{ "ForceTermination", refuse_termination },
	{ "GetStatusInfo", get_status_info },
	{ "GetNATRSIPStatus", get_nat_rsip_status },
	{ "GetGenericPortMappingEntry", get_generic_port_mapping_entry },
	{ "GetSpecificPortMappingEntry", get_specific_port_mapping_entry },
	{ "AddPortMapping", add_port_mapping },
	{ "DeletePortMapping", delete_port_mapping },
	{ "GetExternalIPAddress", get_external_ip_address },
	{ NULL, NULL },
};

static const struct service_event events[] = {
	{ "PossibleConnectionTypes", possible_connection_types },
	{ "ConnectionStatus", connection_status },
	{ "ExternalIPAddress", external_ip_address },
	{ "PortMappingNumberOfEntries", port_mapping_number_of_entries },
	{ NULL, NULL },
};

const struct service service_wanip = {
	.type = "urn:schemas-upnp-org:service:WANIPConnection",
	.id = "urn:upnp-org:serviceId:WANIPConn1",
	.document = "wanip1.xml",
	.device = DESC_CONNECTION,
	.actions = actions,
	.events = events,
};
