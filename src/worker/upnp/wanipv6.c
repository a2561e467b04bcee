/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WANIPv6FirewallControl:1: pinholes in the IPv6 firewall. Clients call over IPv4; which IPv6
 * addresses are theirs the core finds by the neighbour table.
 */
#include "worker/upnp/service.h"

#include <string.h>

#include "lib/compiler.h"

/* ::ffff:a.b.c.d */
static enum result
put_client(const struct call *call, uint8_t client[16])
{
	memset(client, 0, 10);
	memset(client + 10, 0xff, 2);
	client[12] = (uint8_t)(call->client >> 24);
	client[13] = (uint8_t)(call->client >> 16);
	client[14] = (uint8_t)(call->client >> 8);
	client[15] = (uint8_t)call->client;
	return call->client ? RESULT_OK : RESULT_NOT_AUTHORIZED;
}

static enum result
get_firewall_status(struct call *call)
{
	struct msg_state state;
	enum result result = call_state(call, &state);

	if (result != RESULT_OK)
		return result;
	answer_number(&call->answer, "FirewallEnabled", state.ipv6_firewall);
	answer_number(&call->answer, "InboundPinholeAllowed", state.pinholes_allowed);
	return RESULT_OK;
}

/* The five arguments that say what passes. */
static enum result
read_pinhole(struct call *call, struct msg_pinhole *pinhole)
{
	uint32_t protocol = args_number(&call->in, "Protocol");
	enum result result;

	memset(pinhole, 0, sizeof(*pinhole));
	result = put_client(call, pinhole->client);
	if (result == RESULT_OK)
		result = args_addr6(&call->in, "RemoteHost", pinhole->remote_host);
	if (result == RESULT_OK)
		result = args_addr6(&call->in, "InternalClient", pinhole->internal_client);
	if (result == RESULT_OK && protocol > UINT8_MAX && protocol != MSG_PROTO_ANY)
		result = RESULT_PROTOCOL_UNSUPPORTED;
	pinhole->remote_port = (uint16_t)args_number(&call->in, "RemotePort");
	pinhole->internal_port = (uint16_t)args_number(&call->in, "InternalPort");
	pinhole->protocol = (uint16_t)protocol;
	return result;
}

static enum result
get_outbound_pinhole_timeout(struct call *call)
{
	struct msg_pinhole pinhole;
	enum result result;
	struct msg reply;

	result = read_pinhole(call, &pinhole);
	if (result == RESULT_OK)
		result = call_core(call, MSG_OUTBOUND_GET, &pinhole, sizeof(pinhole), &reply);
	if (result == RESULT_OK)
		answer_number(&call->answer, "OutboundPinholeTimeout", reply.body.seconds.seconds);
	return result;
}

static enum result
add_pinhole(struct call *call)
{
	struct msg_pinhole pinhole;
	enum result result;
	struct msg reply;

	result = read_pinhole(call, &pinhole);
	if (result != RESULT_OK)
		return result;
	pinhole.lease_s = args_number(&call->in, "LeaseTime");
	result = call_core(call, MSG_PINHOLE_ADD, &pinhole, sizeof(pinhole), &reply);
	if (result == RESULT_OK)
		answer_number(&call->answer, "UniqueID", reply.body.pinhole_id.id);
	return result;
}

static enum result
ask_of(struct call *call, enum msg_type type, uint32_t lease_s, struct msg *reply)
{
	struct msg_pinhole_key key = {
		.id = (uint16_t)args_number(&call->in, "UniqueID"),
		.lease_s = lease_s,
	};
	enum result result = put_client(call, key.client);

	return result == RESULT_OK ? call_core(call, type, &key, sizeof(key), reply) : result;
}

static enum result
update_pinhole(struct call *call)
{
	struct msg reply;

	return ask_of(call, MSG_PINHOLE_UPDATE, args_number(&call->in, "NewLeaseTime"), &reply);
}

static enum result
delete_pinhole(struct call *call)
{
	struct msg reply;

	return ask_of(call, MSG_PINHOLE_DEL, 0, &reply);
}

static enum result
get_pinhole_packets(struct call *call)
{
	enum result result;
	struct msg reply;

	result = ask_of(call, MSG_PINHOLE_USE, 0, &reply);
	if (result == RESULT_OK)
		answer_number(&call->answer, "PinholePackets",
		    (uint32_t)reply.body.pinhole_use.packets); /* wraps, as all counters do */
	return result;
}

/* Nobody came through yet: that may be because nobody tried (2.5.7). */
static enum result
check_pinhole_working(struct call *call)
{
	enum result result;
	struct msg reply;

	result = ask_of(call, MSG_PINHOLE_USE, 0, &reply);
	if (result == RESULT_OK && reply.body.pinhole_use.packets == 0)
		result = RESULT_NO_TRAFFIC;
	if (result == RESULT_OK)
		answer_number(&call->answer, "IsWorking", 1);
	return result;
}

static void
firewall_enabled(const struct desc_names *names UNUSED, const struct msg_state *state,
    char text[SERVICE_VALUE_MAX])
{
	strcpy(text, state->ipv6_firewall ? "1" : "0");
}

static void
inbound_pinhole_allowed(const struct desc_names *names UNUSED, const struct msg_state *state,
    char text[SERVICE_VALUE_MAX])
{
	strcpy(text, state->pinholes_allowed ? "1" : "0");
}

static const struct service_action actions[] = {
	{ "GetFirewallStatus", get_firewall_status },
	{ "GetOutboundPinholeTimeout", get_outbound_pinhole_timeout },
	{ "AddPinhole", add_pinhole },
	{ "UpdatePinhole", update_pinhole },
	{ "DeletePinhole", delete_pinhole },
	{ "GetPinholePackets", get_pinhole_packets },
	{ "CheckPinholeWorking", check_pinhole_working },
	{ NULL, NULL },
};

static const struct service_event events[] = {
	{ "FirewallEnabled", firewall_enabled },
	{ "InboundPinholeAllowed", inbound_pinhole_allowed },
	{ NULL, NULL },
};

const struct service service_wanipv6 = {
	.key = "wanipv6",
	.type = "urn:schemas-upnp-org:service:WANIPv6FirewallControl",
	.version = 1,
	.id = "urn:upnp-org:serviceId:WANIPv6Firewall1",
	.document = "wanipv6.xml",
	.path = "wanipv6",
	.device = DESC_CONNECTION,
	.views = DESC_VIEW_2,
	.actions = actions,
	.events = events,
};
