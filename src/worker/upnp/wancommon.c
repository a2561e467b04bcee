/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WANCommonInterfaceConfig:1: the link to the Internet and what passed through it.
 * Layer3Forwarding:1: which connection is the default one; there is but one.
 */
#include "worker/upnp/service.h"
#include "lib/compiler.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- WANCommonInterfaceConfig ---------------------------------------------------------------- */

static uint32_t
saturated(uint64_t number)
{
	return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

static enum result
get_common_link_properties(struct call *call)
{
	struct msg_counters counters;
	struct msg_state state;
	enum result result;

	result = call_state(call, &state);
	if (result == RESULT_OK)
		result = call_counters(call, &counters);
	if (result != RESULT_OK)
		return result;
	/* What the modem behind the interface speaks is not for us to know. */
	answer_text(&call->answer, "NewWANAccessType", "Ethernet");
	answer_number(
	    &call->answer, "NewLayer1UpstreamMaxBitRate", saturated(counters.upstream_bps));
	answer_number(
	    &call->answer, "NewLayer1DownstreamMaxBitRate", saturated(counters.downstream_bps));
	answer_text(&call->answer, "NewPhysicalLinkStatus", state.link_up ? "Up" : "Down");
	return RESULT_OK;
}

/* Counters wrap at 2^32: clients take differences, modulo 2^32. */
static enum result
answer_counter(struct call *call, const char *name, size_t offset)
{
	struct msg_counters counters;
	enum result result = call_counters(call, &counters);
	uint64_t value;

	if (result != RESULT_OK)
		return result;
	memcpy(&value, (const char *)&counters + offset, sizeof(value));
	answer_number(&call->answer, name, (uint32_t)value);
	return RESULT_OK;
}

static enum result
get_total_bytes_sent(struct call *call)
{
	return answer_counter(call, "NewTotalBytesSent", offsetof(struct msg_counters, bytes_sent));
}

static enum result
get_total_bytes_received(struct call *call)
{
	return answer_counter(
	    call, "NewTotalBytesReceived", offsetof(struct msg_counters, bytes_received));
}

static enum result
get_total_packets_sent(struct call *call)
{
	return answer_counter(
	    call, "NewTotalPacketsSent", offsetof(struct msg_counters, packets_sent));
}

static enum result
get_total_packets_received(struct call *call)
{
	return answer_counter(
	    call, "NewTotalPacketsReceived", offsetof(struct msg_counters, packets_received));
}

static enum result
get_maximum_active_connections(struct call *call)
{
	answer_number(&call->answer, "NewMaximumActiveConnections", 1);
	return RESULT_OK;
}

static enum result
get_active_connection(struct call *call)
{
	char container[DESC_DEFAULT_SERVICE_MAX];
	struct msg_state state;
	enum result result;

	result = call_state(call, &state);
	if (result != RESULT_OK)
		return result;
	if (state.wan_status != MSG_WAN_CONNECTED ||
	    args_number(&call->in, "NewActiveConnectionIndex") != 0)
		return RESULT_NO_SUCH_INDEX;
	/* Both are in the default connection's name: "CONTAINER,SERVICE". */
	snprintf(container, sizeof(container), "%s", call->names->default_service);
	*strchr(container, ',') = '\0';
	answer_text(&call->answer, "NewActiveConnDeviceContainer", container);
	answer_text(&call->answer, "NewActiveConnectionServiceID", strchr(container, '\0') + 1);
	return RESULT_OK;
}

static void
physical_link_status(const struct desc_names *names UNUSED, const struct msg_state *state,
    char text[SERVICE_VALUE_MAX])
{
	strcpy(text, state->link_up ? "Up" : "Down");
}

static void
number_of_active_connections(const struct desc_names *names UNUSED, const struct msg_state *state,
    char text[SERVICE_VALUE_MAX])
{
	strcpy(text, state->wan_status == MSG_WAN_CONNECTED ? "1" : "0");
}

static const struct service_action wan_actions[] = {
	{ "GetCommonLinkProperties", get_common_link_properties },
	{ "GetTotalBytesSent", get_total_bytes_sent },
	{ "GetTotalBytesReceived", get_total_bytes_received },
	{ "GetTotalPacketsSent", get_total_packets_sent },
	{ "GetTotalPacketsReceived", get_total_packets_received },
	{ "GetMaximumActiveConnections", get_maximum_active_connections },
	{ "GetActiveConnection", get_active_connection },
	{ NULL, NULL },
};

static const struct service_event wan_events[] = {
	{ "PhysicalLinkStatus", physical_link_status },
	{ "NumberOfActiveConnections", number_of_active_connections },
	{ NULL, NULL },
};

const struct service service_wancommon = {
	.key = "wancommon",
	.type = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig",
	.version = 1,
	.id = "urn:upnp-org:serviceId:WANCommonIFC1",
	.document = "wancommon.xml",
	.path = "wancommon",
	.views = DESC_VIEWS,
	.device = DESC_WAN,
	.actions = wan_actions,
	.events = wan_events,
};

/* ---- Layer3Forwarding ------------------------------------------------------------------------ */

/* "uuid:...:WANConnectionDevice:1,urn:upnp-org:serviceId:WANIPConn1", and only the one we are. */
static enum result
set_default_connection_service(struct call *call)
{
	const char *text = args_text(&call->in, "NewDefaultConnectionService");
	const char *udn = call->names->udn[DESC_CONNECTION];
	const char *comma = strchr(text, ',');
	unsigned i;

	if (!comma)
		return RESULT_INVALID_ARGS;
	if (strncasecmp(text, udn, strlen(udn)) != 0 ||
	    (text[strlen(udn)] != ':' && text[strlen(udn)] != ','))
		return RESULT_INVALID_DEVICE;
	if (strcmp(comma + 1, service_connection(call->names, 1)->id) == 0)
		return RESULT_OK;
	for (i = 0; i < SERVICE_COUNT; i++)
		if (strcmp(comma + 1, services[i]->id) == 0)
			return RESULT_INVALID_SELECTION;
	return RESULT_INVALID_SERVICE;
}

static enum result
get_default_connection_service(struct call *call)
{
	answer_text(&call->answer, "NewDefaultConnectionService", call->names->default_service);
	return RESULT_OK;
}

static void
default_connection_service(const struct desc_names *names, const struct msg_state *state UNUSED,
    char text[SERVICE_VALUE_MAX])
{
	strcpy(text, names->default_service);
}

static const struct service_action layer3_actions[] = {
	{ "SetDefaultConnectionService", set_default_connection_service },
	{ "GetDefaultConnectionService", get_default_connection_service },
	{ NULL, NULL },
};

static const struct service_event layer3_events[] = {
	{ "DefaultConnectionService", default_connection_service },
	{ NULL, NULL },
};

const struct service service_layer3 = {
	.key = "l3f",
	.type = "urn:schemas-upnp-org:service:Layer3Forwarding",
	.version = 1,
	.id = "urn:upnp-org:serviceId:L3Forwarding1",
	.document = "l3f.xml",
	.path = "l3f",
	.views = DESC_VIEWS,
	.device = DESC_GATEWAY,
	.actions = layer3_actions,
	.events = layer3_events,
};
