/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker/upnp/soap.h"
#include "unit.h"
#include "lib/compiler.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT 0xc0a80102 /* 192.168.1.2 */
#define WANIP "urn:schemas-upnp-org:service:WANIPConnection"

static struct soap soap;

/* ---- a core that answers what the test wants ------------------------------------------------- */

static struct {
	int rc;
	enum result result;
	struct msg_map map;
	struct msg_state state;
	struct msg_counters counters;
	unsigned entries; /* of the range, at ports 1, 2, ... */
	uint64_t packets;

	unsigned refused; /* requests of which it was only told */
	struct msg_refused last_refused;

	unsigned calls; /* others */
	enum msg_type type;
	struct msg asked; /* body of the last call */
} core;

static void
next_mapping(const struct msg_range_next *next, struct msg *reply)
{
	if (core.result != RESULT_OK)
		return;
	if (next->after_port >= core.entries) {
		reply->header.result = RESULT_NOT_FOUND;
		return;
	}
	reply->body.map = core.map;
	reply->body.map.key.external_port = next->after_port + 1;
}

int
channel_call(struct channel_client *client UNUSED, enum msg_type type, const void *body,
    size_t size, struct msg *reply, int timeout_ms)
{
	CU_ASSERT_TRUE(timeout_ms > 0 && timeout_ms <= SERVICE_CORE_MS);
	if (type == MSG_REFUSED) {
		core.refused++;
		core.last_refused = *(const struct msg_refused *)body;
		return 0;
	}
	core.calls++;
	core.type = type;
	if (size)
		memcpy(&core.asked.body, body, size);
	memset(reply, 0, sizeof(*reply));
	reply->header.result = core.result;
	if (type == MSG_MAP_GET || type == MSG_MAP_GET_INDEX)
		reply->body.map = core.map;
	else if (type == MSG_STATE_GET)
		reply->body.state = core.state;
	else if (type == MSG_COUNTERS_GET)
		reply->body.counters = core.counters;
	else if (type == MSG_TIMES_GET)
		reply->body.times = (struct msg_times){ { 10, 11, 12 } };
	else if (type == MSG_MAP_ADD_ANY)
		reply->body.port.port = 40000;
	else if (type == MSG_PINHOLE_ADD)
		reply->body.pinhole_id.id = 7;
	else if (type == MSG_PINHOLE_USE)
		reply->body.pinhole_use.packets = core.packets;
	else if (type == MSG_OUTBOUND_GET)
		reply->body.seconds.seconds = 180;
	else if (type == MSG_MAP_NEXT)
		next_mapping((const struct msg_range_next *)body, reply);
	return core.rc;
}

static void
core_reset(void)
{
	memset(&core, 0, sizeof(core));
	core.state.wan_status = MSG_WAN_CONNECTED;
	core.state.link_up = 1;
	core.state.external_address = 0xcb007105;
	core.state.uptime_s = 77;
	core.state.mappings = 2;
}

/* ---- requests -------------------------------------------------------------------------------- */

#define BODY(inner)                                                                                \
	"<?xml version=\"1.0\"?>\n<s:Envelope "                                                    \
	"xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "                                   \
	"s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>" inner             \
	"</s:Body></s:Envelope>"

/* What came back of the last request. */
static struct {
	int code;
	char text[128]; /* of a fault */
	char *document; /* the body of an answer */
} answer;

static void
set_client(UpnpActionRequest *request, uint32_t client)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(client) };

	memcpy(&ss, &sin, sizeof(sin));
	if (client == 0)
		ss.ss_family = AF_INET6;
	UpnpActionRequest_set_CtrlPtIPAddr(request, &ss);
}

/* What the gate makes of the arguments in a body. */
static struct soap_args
read_args(const char *name, const char *args)
{
	static char out[65536], body[65536];
	struct soap_args read = { 0 };
	int full;

	snprintf(body, sizeof(body),
	    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"
	    "<u:%s xmlns:u=\"urn:x\">%s</u:%s></s:Body></s:Envelope>",
	    name, args, name);
	CU_ASSERT_PTR_NULL(
	    soap_body_read(body, strlen(body), name, out, sizeof(out), &read, &full));
	return read;
}

/* As gate and libupnp would, for the element <u:@name xmlns:u="@type">@args</u:@name>. */
static void
ask(uint32_t client, const char *id, const char *type, const char *name, const char *args)
{
	UpnpActionRequest *request = UpnpActionRequest_new();
	IXML_Document *doc = NULL;
	char xml[512];

	snprintf(xml, sizeof(xml), "<u:%s xmlns:u=\"%s\"></u:%s>", name, type, name);
	CU_ASSERT_EQUAL_FATAL(ixmlParseBufferEx(xml, &doc), IXML_SUCCESS);
	UpnpActionRequest_strcpy_ServiceID(request, id);
	UpnpActionRequest_strcpy_ActionName(request, name);
	UpnpActionRequest_set_ActionRequest(request, doc);
	set_client(request, client);

	free(answer.document);
	answer.document = NULL;
	answer.document = soap_on_action(&soap, request, read_args(name, args));
	answer.code = UpnpActionRequest_get_ErrCode(request);
	snprintf(
	    answer.text, sizeof(answer.text), "%s", UpnpActionRequest_get_ErrStr_cstr(request));
	CU_ASSERT_EQUAL(!UpnpActionRequest_get_ActionResult(request), !answer.document);
	ixmlDocument_free(UpnpActionRequest_get_ActionResult(request));
	ixmlDocument_free(doc);
	UpnpActionRequest_delete(request);
}

static void
ask_wanip(const char *name, const char *args)
{
	ask(CLIENT, service_wanip.key, WANIP ":1", name, args);
}

static void
ask_wanip2(const char *name, const char *args)
{
	ask(CLIENT, service_wanip2.key, WANIP ":2", name, args);
}

/* Is there an answer with this element? */
static bool
answered(const char *name, const char *value)
{
	char element[256];

	snprintf(element, sizeof(element), "<%s>%s</%s>", name, value, name);
	return answer.code == 0 && answer.document && strstr(answer.document, element);
}

static bool
fault(int code, const char *text)
{
	return answer.code == code && !answer.document && strcmp(answer.text, text) == 0;
}

#define HOST(v) "<NewRemoteHost>" v "</NewRemoteHost>"
#define EXT(v) "<NewExternalPort>" v "</NewExternalPort>"
#define PROTO(v) "<NewProtocol>" v "</NewProtocol>"
#define INT(v) "<NewInternalPort>" v "</NewInternalPort>"
#define CLNT(v) "<NewInternalClient>" v "</NewInternalClient>"
#define ON(v) "<NewEnabled>" v "</NewEnabled>"
#define DESC(v) "<NewPortMappingDescription>" v "</NewPortMappingDescription>"
#define LEASE(v) "<NewLeaseDuration>" v "</NewLeaseDuration>"
#define KEY HOST("") EXT("5000") PROTO("TCP")
#define REST INT("80") CLNT("192.168.1.2") ON("1") DESC("web") LEASE("3600")

/* ---- tests ----------------------------------------------------------------------------------- */

static void
test_tables_and_documents_agree(void)
{
	struct soap other = soap;

	CU_ASSERT_EQUAL(soap_check(&soap), 0);
	strcpy(other.scpd[SERVICE_WANIP].actions[3].name, "Unheard");
	CU_ASSERT_EQUAL(soap_check(&other), -EINVAL);
	other = soap;
	other.scpd[SERVICE_WANIP].nactions--;
	CU_ASSERT_EQUAL(soap_check(&other), -EINVAL);
	other = soap;
	other.scpd[SERVICE_LAYER3].vars[0].evented = false;
	CU_ASSERT_EQUAL(soap_check(&other), -EINVAL);
}

static void
test_every_action_that_only_tells_has_an_answer(void)
{
	const struct scpd_action *action;
	char type[128];
	unsigned i, j, k;

	core_reset();
	for (i = 0; i < SERVICE_COUNT; i++) {
		snprintf(type, sizeof(type), "%s:%u", services[i]->type, services[i]->version);
		for (j = 0; j < soap.scpd[i].nactions; j++) {
			action = &soap.scpd[i].actions[j];
			if (action->nargs == 0 || !action->args[0].out)
				continue;
			ask(CLIENT, services[i]->key, type, action->name, "");
			CU_ASSERT_EQUAL(answer.code, 0);
			for (k = 0; k < action->nargs; k++)
				CU_ASSERT_PTR_NOT_NULL(
				    strstr(answer.document, action->args[k].name));
		}
	}
}

static void
test_add_sends_what_was_asked_for(void)
{
	const struct msg_map *map = &core.asked.body.map;

	core_reset();
	ask_wanip("AddPortMapping",
	    HOST("203.0.113.9") EXT("5000") PROTO("udp") INT("80") CLNT("192.168.1.2") ON("0")
		DESC("a &lt;b&gt; &amp; \xc3\xbc") LEASE("3600"));
	CU_ASSERT_EQUAL(answer.code, 0);
	CU_ASSERT_STRING_EQUAL(answer.document,
	    BODY("<u:AddPortMappingResponse xmlns:u=\"" WANIP ":1\"></u:AddPortMappingResponse>"));
	CU_ASSERT_EQUAL(core.type, MSG_MAP_ADD);
	CU_ASSERT_EQUAL(map->key.client, CLIENT);
	CU_ASSERT_EQUAL(map->key.remote_host, 0xcb007109);
	CU_ASSERT_EQUAL(map->key.external_port, 5000);
	CU_ASSERT_EQUAL(map->key.protocol, MSG_PROTO_UDP);
	CU_ASSERT_EQUAL(map->internal_client, 0xc0a80102);
	CU_ASSERT_EQUAL(map->internal_port, 80);
	CU_ASSERT_EQUAL(map->enabled, 0);
	CU_ASSERT_EQUAL(map->lease_s, 3600);
	CU_ASSERT_STRING_EQUAL(map->description, "a <b> & \xc3\xbc");
}

static void
test_add_takes_any_order_and_fills_in(void)
{
	const struct msg_map *map = &core.asked.body.map;

	core_reset();
	ask_wanip("AddPortMapping",
	    "<NewFuture>1</NewFuture>" INT("80") CLNT("192.168.1.2") PROTO("TCP") EXT(" 05000 "));
	CU_ASSERT_EQUAL(answer.code, 0);
	CU_ASSERT_EQUAL(map->key.external_port, 5000);
	CU_ASSERT_EQUAL(map->key.remote_host, 0);
	CU_ASSERT_EQUAL(map->enabled, 1);
	CU_ASSERT_EQUAL(map->lease_s, 0);
	CU_ASSERT_STRING_EQUAL(map->description, "");
	ask_wanip("AddPortMapping", HOST("*") EXT("1") PROTO("TCP") REST LEASE("1"));
	CU_ASSERT_EQUAL(answer.code, 0);
	CU_ASSERT_EQUAL(map->key.remote_host, 0);
	CU_ASSERT_EQUAL(map->lease_s, 3600); /* the first of a name counts */
	ask_wanip("AddPortMapping", "<u:NewExternalPort>7</u:NewExternalPort>" PROTO("TCP") REST);
	CU_ASSERT_EQUAL(map->key.external_port, 7);
	ask_wanip("AddPortMapping", KEY DESC("<![CDATA[a <b>]]>") INT("80") CLNT("192.168.1.2"));
	CU_ASSERT_STRING_EQUAL(map->description, "a <b>");
}

static void
test_wrong_requests_never_reach_the_core(void)
{
	static const struct {
		int code;
		const char *args;
	} rows[] = {
		{ 402, "" },
		{ 402, PROTO("TCP") REST },
		{ 402, HOST("") EXT("5000") REST },
		{ 402, KEY INT("80") },
		{ 402, KEY CLNT("192.168.1.2") },
		{ 402, HOST("") EXT("x") PROTO("TCP") REST },
		{ 601, HOST("") EXT("65536") PROTO("TCP") REST },
		{ 402, HOST("") EXT("-1") PROTO("TCP") REST },
		{ 601, HOST("") EXT("5000") PROTO("ICMP") REST },
		{ 601, HOST("") EXT("5000") PROTO("") REST },
		{ 402, HOST("example.net") EXT("5000") PROTO("TCP") REST },
		{ 716, HOST("") EXT("0") PROTO("TCP") REST },
		{ 402, KEY INT("0") CLNT("192.168.1.2") },
		{ 601, KEY INT("70000") CLNT("192.168.1.2") },
		{ 715, KEY INT("80") CLNT("") },
		{ 715, KEY INT("80") CLNT("0.0.0.0") },
		{ 402, KEY INT("80") CLNT("laptop") },
		{ 402, KEY INT("80") CLNT("192.168.1.2") ON("maybe") },
		{ 402, KEY INT("80") CLNT("192.168.1.2") LEASE("1h") },
		{ 601, KEY INT("80") CLNT("192.168.1.2") LEASE("4294967296") },
	};
	size_t i;

	core_reset();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask_wanip("AddPortMapping", rows[i].args);
		CU_ASSERT_EQUAL(answer.code, rows[i].code);
		CU_ASSERT_TRUE(answer.text[0] != '\0');
		CU_ASSERT_PTR_NULL(answer.document);
		CU_ASSERT_EQUAL(core.refused, i + 1);
		CU_ASSERT_EQUAL(core.last_refused.client, CLIENT);
		CU_ASSERT_EQUAL(core.last_refused.change, MSG_CHANGE_ADD);
		CU_ASSERT_EQUAL(
		    result_upnp_code((enum result)core.last_refused.result), rows[i].code);
	}
	CU_ASSERT_EQUAL(core.calls, 0);
}

static void
test_the_core_is_told_once_of_what_is_refused_and_not_of_questions(void)
{
	core_reset();
	core.result = RESULT_CONFLICT;
	ask_wanip("AddPortMapping", KEY REST);
	CU_ASSERT_EQUAL(answer.code, 718);
	CU_ASSERT_EQUAL(core.refused, 0); /* it has refused it itself */
	ask_wanip("GetSpecificPortMappingEntry", "");
	CU_ASSERT_EQUAL(answer.code, 402);
	CU_ASSERT_EQUAL(core.refused, 0);
	ask_wanip("DeletePortMapping", "");
	CU_ASSERT_EQUAL(answer.code, 402);
	CU_ASSERT_EQUAL(core.refused, 1);
	CU_ASSERT_EQUAL(core.last_refused.change, MSG_CHANGE_DEL);
	CU_ASSERT_STRING_EQUAL(core.last_refused.arguments, "");
	ask_wanip("DeletePortMapping", HOST("") EXT("70000") PROTO("TCP"));
	CU_ASSERT_STRING_EQUAL(
	    core.last_refused.arguments, "NewRemoteHost=, NewExternalPort=70000, NewProtocol=TCP");
}

static void
test_arguments_of_any_length_are_told_as_far_as_there_is_room(void)
{
	char args[2048], many[1024];

	core_reset();
	memset(many, 'x', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	snprintf(args, sizeof(args), HOST("%s") EXT("70000") PROTO("TCP"), many);
	ask_wanip("DeletePortMapping", args);
	CU_ASSERT_EQUAL(core.refused, 1);
	CU_ASSERT_EQUAL(strlen(core.last_refused.arguments), MSG_ARGUMENTS_MAX - 1);
}

static void
test_a_description_beyond_its_room_is_605(void)
{
	char args[2048] = KEY INT("80") CLNT("192.168.1.2") "<NewPortMappingDescription>";
	size_t len = strlen(args);

	core_reset();
	memset(args + len, 'x', MSG_DESCRIPTION_MAX - 1);
	strcpy(args + len + MSG_DESCRIPTION_MAX - 1, "</NewPortMappingDescription>");
	ask_wanip("AddPortMapping", args);
	CU_ASSERT_EQUAL(answer.code, 0);
	strcpy(args + len + MSG_DESCRIPTION_MAX - 1, "y</NewPortMappingDescription>");
	ask_wanip("AddPortMapping", args);
	CU_ASSERT_TRUE(fault(605, "String Argument Too Long"));
}

static void
test_each_result_of_the_core_becomes_its_fault(void)
{
	static const struct {
		enum result result;
		int code;
	} rows[] = {
		{ RESULT_FAILED, 501 },
		{ RESULT_NOT_AUTHORIZED, 606 },
		{ RESULT_NO_SUCH_ENTRY, 714 },
		{ RESULT_WILDCARD_CLIENT, 715 },
		{ RESULT_WILDCARD_EXT_PORT, 716 },
		{ RESULT_CONFLICT, 718 },
		{ RESULT_NO_RESOURCES, 728 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		core_reset();
		core.result = rows[i].result;
		ask_wanip("AddPortMapping", KEY REST);
		CU_ASSERT_EQUAL(core.calls, 1);
		CU_ASSERT_EQUAL(answer.code, rows[i].code);
		CU_ASSERT_TRUE(answer.text[0] != '\0');
		CU_ASSERT_PTR_NULL(answer.document);
	}
	CU_ASSERT_TRUE(fault(728, answer.text));
}

static void
test_a_core_that_does_not_answer_is_501(void)
{
	core_reset();
	core.rc = -ETIMEDOUT;
	ask_wanip("GetExternalIPAddress", "");
	CU_ASSERT_TRUE(fault(501, "Action Failed"));
	CU_ASSERT_EQUAL(core.calls, 1);
}

static void
test_unknown_actions_and_names_are_401(void)
{
	core_reset();
	ask_wanip("AddAnyPortMapping", KEY REST);
	CU_ASSERT_TRUE(fault(401, "Invalid Action"));
	ask_wanip("addportmapping", KEY REST);
	CU_ASSERT_EQUAL(answer.code, 401);
	ask(CLIENT, service_wancommon.key,
	    "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1", "AddPortMapping", KEY REST);
	CU_ASSERT_EQUAL(answer.code, 401);
	ask(CLIENT, "urn:upnp-org:serviceId:Other", WANIP ":1", "GetStatusInfo", "");
	CU_ASSERT_EQUAL(answer.code, 401);
	CU_ASSERT_EQUAL(core.calls, 0);
}

static void
test_answers_go_back_under_the_name_that_was_called(void)
{
	static const char *const bad[] = { WANIP, WANIP ":", WANIP ":x", WANIP ":1x", WANIP ":123",
		WANIP ":&quot;", "urn:schemas-upnp-org:service:WANPPPConnection:1" };
	size_t i;

	core_reset();
	ask(CLIENT, service_wanip.key, WANIP ":2", "GetExternalIPAddress", "");
	CU_ASSERT_TRUE(answered("NewExternalIPAddress", "203.0.113.5"));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer.document, "xmlns:u=\"" WANIP ":2\""));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ask(CLIENT, service_wanip.key, bad[i], "GetExternalIPAddress", "");
		CU_ASSERT_EQUAL(answer.code, 401);
	}
}

static void
test_entries_are_told_in_the_order_of_the_scpd(void)
{
	core_reset();
	core.map = (struct msg_map){
		.key = { .remote_host = 0, .external_port = 5000, .protocol = MSG_PROTO_UDP },
		.internal_client = 0xc0a80107,
		.internal_port = 81,
		.enabled = 1,
		.lease_s = 42,
		.description = "a <b> & \"c\" '\xc3\xbc'",
	};
	ask_wanip("GetGenericPortMappingEntry", "<NewPortMappingIndex>3</NewPortMappingIndex>");
	CU_ASSERT_EQUAL(core.asked.body.index.index, 3);
	CU_ASSERT_EQUAL(core.asked.body.index.client, CLIENT);
	CU_ASSERT_STRING_EQUAL(answer.document,
	    BODY("<u:GetGenericPortMappingEntryResponse xmlns:u=\"" WANIP ":1\">"
		 "<NewRemoteHost></NewRemoteHost><NewExternalPort>5000</NewExternalPort>"
		 "<NewProtocol>UDP</NewProtocol><NewInternalPort>81</NewInternalPort>"
		 "<NewInternalClient>192.168.1.7</NewInternalClient><NewEnabled>1</NewEnabled>"
		 "<NewPortMappingDescription>a &lt;b&gt; &amp; &quot;c&quot; &apos;\xc3\xbc&apos;"
		 "</NewPortMappingDescription><NewLeaseDuration>42</NewLeaseDuration>"
		 "</u:GetGenericPortMappingEntryResponse>"));

	ask_wanip("GetSpecificPortMappingEntry", HOST("0.0.0.0") EXT("5000") PROTO("Udp"));
	CU_ASSERT_EQUAL(core.type, MSG_MAP_GET);
	CU_ASSERT_EQUAL(core.asked.body.key.protocol, MSG_PROTO_UDP);
	CU_ASSERT_TRUE(answered("NewInternalPort", "81"));
	CU_ASSERT_TRUE(answered("NewLeaseDuration", "42"));
	CU_ASSERT_PTR_NULL(strstr(answer.document, "NewRemoteHost"));

	core.result = RESULT_NO_SUCH_INDEX;
	ask_wanip("GetGenericPortMappingEntry", "<NewPortMappingIndex>0</NewPortMappingIndex>");
	CU_ASSERT_TRUE(fault(713, answer.text));
	core.result = RESULT_NO_SUCH_ENTRY;
	ask_wanip("DeletePortMapping", KEY);
	CU_ASSERT_EQUAL(core.type, MSG_MAP_DEL);
	CU_ASSERT_TRUE(fault(714, answer.text));
}

static void
test_a_client_without_ipv4_maps_nothing(void)
{
	core_reset();
	ask(0, service_wanip.key, WANIP ":1", "AddPortMapping", KEY REST);
	CU_ASSERT_EQUAL(answer.code, 606);
	ask(0, service_wanip.key, WANIP ":1", "GetGenericPortMappingEntry",
	    "<NewPortMappingIndex>3</NewPortMappingIndex>");
	CU_ASSERT_EQUAL(answer.code, 606);
	CU_ASSERT_EQUAL(core.calls, 0);
	ask(0, service_wanip.key, WANIP ":1", "GetStatusInfo", "");
	CU_ASSERT_TRUE(answered("NewUptime", "77"));
}

static void
test_status_follows_the_wan(void)
{
	core_reset();
	ask_wanip("GetStatusInfo", "");
	CU_ASSERT_TRUE(answered("NewConnectionStatus", "Connected"));
	CU_ASSERT_TRUE(answered("NewLastConnectionError", "ERROR_NONE"));
	core.state = (struct msg_state){ .wan_status = MSG_WAN_DISCONNECTED,
		.link_up = 1,
		.last_error = MSG_ERROR_IP_CONFIGURATION };
	ask_wanip("GetStatusInfo", "");
	CU_ASSERT_TRUE(answered("NewConnectionStatus", "Disconnected"));
	CU_ASSERT_TRUE(answered("NewLastConnectionError", "ERROR_IP_CONFIGURATION"));
	CU_ASSERT_TRUE(answered("NewUptime", "0"));
	core.state.last_error = MSG_ERROR_NO_CARRIER;
	ask_wanip("GetStatusInfo", "");
	CU_ASSERT_TRUE(answered("NewLastConnectionError", "ERROR_NO_CARRIER"));
	ask_wanip("GetExternalIPAddress", "");
	CU_ASSERT_TRUE(answered("NewExternalIPAddress", ""));
}

static void
test_commands_to_the_connection_go_to_the_core(void)
{
	static const struct {
		const char *name;
		enum msg_connect what;
	} rows[] = { { "RequestConnection", MSG_CONNECT }, { "RequestTermination", MSG_DISCONNECT },
		{ "ForceTermination", MSG_DISCONNECT_NOW } };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		core_reset();
		ask_wanip(rows[i].name, "");
		CU_ASSERT_EQUAL(answer.code, 0);
		CU_ASSERT_EQUAL(core.type, MSG_CONNECTION);
		CU_ASSERT_EQUAL(core.asked.body.connection.client, CLIENT);
		CU_ASSERT_EQUAL(core.asked.body.connection.what, rows[i].what);
		core.result = RESULT_NOT_AUTHORIZED;
		ask_wanip(rows[i].name, "");
		CU_ASSERT_EQUAL(answer.code, 606);
	}
}

static void
test_times_of_the_connection_are_kept_by_the_core(void)
{
	static const char *const names[] = { "AutoDisconnectTime", "IdleDisconnectTime",
		"WarnDisconnectDelay" };
	char action[64], args[128], value[8];
	unsigned i;

	for (i = 0; i < MSG_TIMES; i++) {
		core_reset();
		snprintf(action, sizeof(action), "Set%s", names[i]);
		snprintf(args, sizeof(args), "<New%s>60</New%s>", names[i], names[i]);
		ask_wanip2(action, args);
		CU_ASSERT_EQUAL(answer.code, 0);
		CU_ASSERT_EQUAL(core.type, MSG_TIME_SET);
		CU_ASSERT_EQUAL(core.asked.body.time.which, i);
		CU_ASSERT_EQUAL(core.asked.body.time.seconds, 60);
		CU_ASSERT_EQUAL(core.asked.body.time.igd, MSG_IGD2);
		snprintf(action, sizeof(action), "Get%s", names[i]);
		ask_wanip2(action, "");
		snprintf(action, sizeof(action), "New%s", names[i]);
		snprintf(value, sizeof(value), "%u", i + 10);
		CU_ASSERT_TRUE(answered(action, value));
	}
}

static void
test_the_connection_routes_and_always_will(void)
{
	core_reset();
	ask_wanip("SetConnectionType", "<NewConnectionType>IP_Routed</NewConnectionType>");
	CU_ASSERT_EQUAL(answer.code, 0);
	ask_wanip("SetConnectionType", "<NewConnectionType>IP_Bridged</NewConnectionType>");
	CU_ASSERT_EQUAL(answer.code, 731);
	ask_wanip("SetConnectionType", "<NewConnectionType>PPPoE</NewConnectionType>");
	CU_ASSERT_EQUAL(answer.code, 601);
	CU_ASSERT_EQUAL(core.calls, 0);
	CU_ASSERT_EQUAL(core.refused, 2); /* that nothing changes is no refusal */
	CU_ASSERT_EQUAL(core.last_refused.change, MSG_CHANGE_CONFIGURE);
}

static void
test_version_2_says_by_which_version_it_was_called(void)
{
	core_reset();
	ask_wanip2("AddPortMapping", KEY REST);
	CU_ASSERT_EQUAL(answer.code, 0);
	CU_ASSERT_EQUAL(core.asked.body.map.key.igd, MSG_IGD2);
	ask_wanip2("AddPortMapping", KEY INT("0") CLNT("192.168.1.2"));
	CU_ASSERT_EQUAL(answer.code, 732);
	/* as long as it goes, rather than not at all */
	ask_wanip2("AddPortMapping", KEY INT("80") CLNT("192.168.1.2") LEASE("3600000"));
	CU_ASSERT_EQUAL(core.asked.body.map.lease_s, 604800);
	ask_wanip("AddPortMapping", KEY REST);
	CU_ASSERT_EQUAL(core.asked.body.map.key.igd, MSG_IGD1);

	/* A client of version 1 at the service of version 2 gets version 1. */
	ask(CLIENT, service_wanip2.key, WANIP ":1", "AddPortMapping", KEY REST);
	CU_ASSERT_EQUAL(core.asked.body.map.key.igd, MSG_IGD1);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer.document, "xmlns:u=\"" WANIP ":1\""));
	ask(CLIENT, service_wanip2.key, WANIP ":1", "AddAnyPortMapping", KEY REST);
	CU_ASSERT_EQUAL(answer.code, 401);
	ask_wanip("AddAnyPortMapping", KEY REST);
	CU_ASSERT_EQUAL(answer.code, 401);
}

static void
test_any_port_will_do(void)
{
	core_reset();
	ask_wanip2("AddAnyPortMapping", HOST("") EXT("0") PROTO("TCP") REST);
	CU_ASSERT_TRUE(answered("NewReservedPort", "40000"));
	CU_ASSERT_EQUAL(core.type, MSG_MAP_ADD_ANY);
	CU_ASSERT_EQUAL(core.asked.body.map.key.external_port, 0);
	core.result = RESULT_NO_RESOURCES;
	ask_wanip2("AddAnyPortMapping", KEY REST);
	CU_ASSERT_EQUAL(answer.code, 728);
}

#define RANGE(from, to)                                                                            \
	"<NewStartPort>" from "</NewStartPort><NewEndPort>" to                                     \
	"</NewEndPort>" PROTO("TCP") "<NewManage>1</NewManage>"

static void
test_ranges_are_checked_and_passed_on(void)
{
	const struct msg_range *range = &core.asked.body.range;

	core_reset();
	ask_wanip2("DeletePortMappingRange", RANGE("1024", "65535"));
	CU_ASSERT_EQUAL(answer.code, 0);
	CU_ASSERT_EQUAL(core.type, MSG_MAP_DEL_RANGE);
	CU_ASSERT_EQUAL(range->client, CLIENT);
	CU_ASSERT_EQUAL(range->first_port, 1024);
	CU_ASSERT_EQUAL(range->last_port, 65535);
	CU_ASSERT_EQUAL(range->protocol, MSG_PROTO_TCP);
	CU_ASSERT_EQUAL(range->manage, 1);
	CU_ASSERT_EQUAL(range->igd, MSG_IGD2);
	core_reset();
	ask_wanip2("DeletePortMappingRange", RANGE("2", "1"));
	CU_ASSERT_EQUAL(answer.code, 733);
	ask_wanip2("DeletePortMappingRange", RANGE("1", "65536"));
	CU_ASSERT_EQUAL(answer.code, 601);
	CU_ASSERT_EQUAL(core.calls, 0);
	core.result = RESULT_NOT_FOUND;
	ask_wanip2("DeletePortMappingRange", RANGE("1", "2"));
	CU_ASSERT_EQUAL(answer.code, 730);
}

static void
ask_list(const char *number)
{
	char args[256];

	snprintf(args, sizeof(args), RANGE("1", "65535") "<NewNumberOfPorts>%s</NewNumberOfPorts>",
	    number);
	ask_wanip2("GetListOfPortMappings", args);
}

static unsigned
times(const char *text, const char *word)
{
	unsigned n = 0;

	while (text && (text = strstr(text, word)) != NULL)
		n++, text++;
	return n;
}

static void
test_a_list_is_a_document_within_the_answer(void)
{
	core_reset();
	core.entries = 2;
	core.map = (struct msg_map){
		.key = { .remote_host = 0xcb007109, .protocol = MSG_PROTO_TCP },
		.internal_client = 0xc0a80107,
		.internal_port = 81,
		.enabled = 1,
		.lease_s = 42,
		.description = "a<b",
	};
	ask_list("0");
	CU_ASSERT_EQUAL(answer.code, 0);
	CU_ASSERT_EQUAL(times(answer.document, "&lt;p:PortMappingEntry&gt;"), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer.document,
	    "&lt;p:PortMappingEntry&gt;&lt;p:NewRemoteHost&gt;203.0.113.9&lt;/p:NewRemoteHost&gt;"
	    "&lt;p:NewExternalPort&gt;2&lt;/p:NewExternalPort&gt;"
	    "&lt;p:NewProtocol&gt;TCP&lt;/p:NewProtocol&gt;"
	    "&lt;p:NewInternalPort&gt;81&lt;/p:NewInternalPort&gt;"
	    "&lt;p:NewInternalClient&gt;192.168.1.7&lt;/p:NewInternalClient&gt;"
	    "&lt;p:NewEnabled&gt;1&lt;/p:NewEnabled&gt;"
	    "&lt;p:NewDescription&gt;a&amp;lt;b&lt;/p:NewDescription&gt;"
	    "&lt;p:NewLeaseTime&gt;42&lt;/p:NewLeaseTime&gt;&lt;/p:PortMappingEntry&gt;"));
	core.entries = 5000;
	ask_list("0");
	CU_ASSERT_EQUAL(times(answer.document, "&lt;p:PortMappingEntry&gt;"), 5000);
	ask_list("17");
	CU_ASSERT_EQUAL(times(answer.document, "&lt;p:PortMappingEntry&gt;"), 17);
}

static void
test_a_list_of_nothing_is_730_and_a_failure_a_failure(void)
{
	core_reset();
	ask_list("0");
	CU_ASSERT_EQUAL(answer.code, 730);
	core.result = RESULT_NOT_AUTHORIZED;
	ask_list("0");
	CU_ASSERT_EQUAL(answer.code, 606);
	core_reset();
	core.rc = -ETIMEDOUT;
	ask_list("0");
	CU_ASSERT_EQUAL(answer.code, 501);
}

#define FIREWALL "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1"
#define PINHOLE(remote, client, protocol)                                                          \
	"<RemoteHost>" remote "</RemoteHost><RemotePort>0</RemotePort><InternalClient>" client     \
	"</InternalClient><InternalPort>5000</InternalPort><Protocol>" protocol "</Protocol>"      \
	"<LeaseTime>3600</LeaseTime>"

static void
ask_firewall(const char *name, const char *args)
{
	ask(CLIENT, service_wanipv6.key, FIREWALL, name, args);
}

static void
test_pinholes_are_asked_for_by_six_addresses_and_numbers(void)
{
	static const uint8_t client[16] = { [10] = 0xff, 0xff, 192, 168, 1, 2 };
	static const uint8_t host[16] = { 0x20, 1, 0xd, 0xb8, [15] = 9 }, any[16];
	static const char *const wildcards[] = { "", "*", "::", "::/0" };
	const struct msg_pinhole *p = &core.asked.body.pinhole;
	char args[512];
	size_t i;

	core_reset();
	ask_firewall("AddPinhole", PINHOLE("2001:db8::9", "2001:db8::9", "17"));
	CU_ASSERT_TRUE(answered("UniqueID", "7"));
	CU_ASSERT_EQUAL(core.type, MSG_PINHOLE_ADD);
	CU_ASSERT_EQUAL(memcmp(p->client, client, 16), 0);
	CU_ASSERT_EQUAL(memcmp(p->remote_host, host, 16), 0);
	CU_ASSERT_EQUAL(memcmp(p->internal_client, host, 16), 0);
	CU_ASSERT_EQUAL(p->internal_port, 5000);
	CU_ASSERT_EQUAL(p->remote_port, 0);
	CU_ASSERT_EQUAL(p->protocol, MSG_PROTO_UDP);
	CU_ASSERT_EQUAL(p->lease_s, 3600);
	for (i = 0; i < sizeof(wildcards) / sizeof(wildcards[0]); i++) {
		snprintf(args, sizeof(args), PINHOLE("%s", "2001:db8::9", "65535"), wildcards[i]);
		ask_firewall("AddPinhole", args);
		CU_ASSERT_EQUAL(answer.code, 0);
		CU_ASSERT_EQUAL(memcmp(p->remote_host, any, 16), 0);
		CU_ASSERT_EQUAL(p->protocol, MSG_PROTO_ANY);
	}
	core_reset();
	ask_firewall("AddPinhole", PINHOLE("", "192.168.1.2", "17"));
	CU_ASSERT_EQUAL(answer.code, 402);
	ask_firewall("AddPinhole", PINHOLE("", "2001:db8::9", "256"));
	CU_ASSERT_EQUAL(answer.code, 705);
	ask_firewall("UpdatePinhole", "<UniqueID>7</UniqueID><NewLeaseTime>86401</NewLeaseTime>");
	CU_ASSERT_EQUAL(answer.code, 601);
	CU_ASSERT_EQUAL(core.calls, 0);
	ask_firewall("UpdatePinhole", "<UniqueID>7</UniqueID><NewLeaseTime>60</NewLeaseTime>");
	CU_ASSERT_EQUAL(core.asked.body.pinhole_key.lease_s, 60);
	ask_firewall("DeletePinhole", "<UniqueID>7</UniqueID>");
	CU_ASSERT_EQUAL(core.type, MSG_PINHOLE_DEL);
	CU_ASSERT_EQUAL(core.asked.body.pinhole_key.id, 7);
	CU_ASSERT_EQUAL(core.asked.body.pinhole_key.lease_s, 0);
}

static void
test_a_pinhole_without_a_packet_cannot_be_said_to_work(void)
{
	core_reset();
	ask_firewall("CheckPinholeWorking", "<UniqueID>7</UniqueID>");
	CU_ASSERT_EQUAL(answer.code, 709);
	core.packets = 3;
	ask_firewall("CheckPinholeWorking", "<UniqueID>7</UniqueID>");
	CU_ASSERT_TRUE(answered("IsWorking", "1"));
	ask_firewall("GetPinholePackets", "<UniqueID>7</UniqueID>");
	CU_ASSERT_TRUE(answered("PinholePackets", "3"));
	core.result = RESULT_NO_SUCH_PINHOLE;
	ask_firewall("GetPinholePackets", "<UniqueID>7</UniqueID>");
	CU_ASSERT_EQUAL(answer.code, 704);
}

static void
test_the_lan_is_described_from_the_gateways_side(void)
{
	static const char type[] = "urn:schemas-upnp-org:service:LANHostConfigManagement:1";

	core_reset();
	soap.lan = (struct prefix4){ 0xc0a80101, 24 };
	ask(CLIENT, service_lanhost.key, type, "GetSubnetMask", "");
	CU_ASSERT_TRUE(answered("NewSubnetMask", "255.255.255.0"));
	ask(CLIENT, service_lanhost.key, type, "GetIPRoutersList", "");
	CU_ASSERT_TRUE(answered("NewIPRouters", "192.168.1.1"));
}

static void
ask_wancommon(const char *name, const char *args)
{
	ask(CLIENT, service_wancommon.key,
	    "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1", name, args);
}

static void
test_counters_wrap_and_rates_saturate(void)
{
	core_reset();
	core.counters = (struct msg_counters){
		.bytes_sent = 0x100000005,
		.bytes_received = 6,
		.packets_sent = 7,
		.packets_received = UINT64_MAX,
		.upstream_bps = 10000000000,
		.downstream_bps = 100000000,
	};
	ask_wancommon("GetTotalBytesSent", "");
	CU_ASSERT_TRUE(answered("NewTotalBytesSent", "5"));
	ask_wancommon("GetTotalBytesReceived", "");
	CU_ASSERT_TRUE(answered("NewTotalBytesReceived", "6"));
	ask_wancommon("GetTotalPacketsSent", "");
	CU_ASSERT_TRUE(answered("NewTotalPacketsSent", "7"));
	ask_wancommon("GetTotalPacketsReceived", "");
	CU_ASSERT_TRUE(answered("NewTotalPacketsReceived", "4294967295"));
	ask_wancommon("GetCommonLinkProperties", "");
	CU_ASSERT_TRUE(answered("NewWANAccessType", "Ethernet"));
	CU_ASSERT_TRUE(answered("NewLayer1UpstreamMaxBitRate", "4294967295"));
	CU_ASSERT_TRUE(answered("NewLayer1DownstreamMaxBitRate", "100000000"));
	CU_ASSERT_TRUE(answered("NewPhysicalLinkStatus", "Up"));
}

static void
test_there_is_one_active_connection_while_connected(void)
{
	static const char first[] = "<NewActiveConnectionIndex>0</NewActiveConnectionIndex>";

	core_reset();
	ask_wancommon("GetActiveConnection", first);
	CU_ASSERT_TRUE(answered("NewActiveConnectionServiceID", service_wanip.id));
	ask_wancommon(
	    "GetActiveConnection", "<NewActiveConnectionIndex>1</NewActiveConnectionIndex>");
	CU_ASSERT_EQUAL(answer.code, 713);
	core.state.wan_status = MSG_WAN_DISCONNECTED;
	ask_wancommon("GetActiveConnection", first);
	CU_ASSERT_EQUAL(answer.code, 713);
}

static int
set_default(const char *udn, const char *rest)
{
	char args[512];

	snprintf(args, sizeof(args),
	    "<NewDefaultConnectionService>%s%s</NewDefaultConnectionService>", udn, rest);
	ask(CLIENT, service_layer3.key, "urn:schemas-upnp-org:service:Layer3Forwarding:1",
	    "SetDefaultConnectionService", args);
	return answer.code;
}

static void
test_only_the_default_connection_can_be_the_default(void)
{
	const char *udn = soap.names.udn[DESC_CONNECTION];

	core_reset();
	CU_ASSERT_EQUAL(set_default(soap.names.default_service, ""), 0);
	CU_ASSERT_EQUAL(set_default("uuid:1", ":WANConnectionDevice:1,x"), 720);
	CU_ASSERT_EQUAL(set_default(soap.names.udn[DESC_WAN], ":WANConnectionDevice:1,x"), 720);
	CU_ASSERT_EQUAL(set_default(udn, "0:WANConnectionDevice:1,x"), 720);
	CU_ASSERT_EQUAL(set_default(udn, ":WANConnectionDevice:1,urn:x"), 721);
	CU_ASSERT_EQUAL(
	    set_default(udn, ":WANConnectionDevice:1,urn:upnp-org:serviceId:WANCommonIFC1"), 723);
	CU_ASSERT_EQUAL(set_default("", ""), 402);
	ask(CLIENT, service_layer3.key, "urn:schemas-upnp-org:service:Layer3Forwarding:1",
	    "GetDefaultConnectionService", "");
	CU_ASSERT_TRUE(answered("NewDefaultConnectionService", soap.names.default_service));
}

static void
test_variables_with_a_value_can_be_queried(void)
{
	static const struct {
		unsigned service;
		const char *name;
		const char *value;
	} rows[] = {
		{ SERVICE_WANIP, "ConnectionStatus", "Connected" },
		{ SERVICE_WANIP, "ExternalIPAddress", "203.0.113.5" },
		{ SERVICE_WANIP, "PortMappingNumberOfEntries", "2" },
		{ SERVICE_WANIP, "Uptime", "77" },
		{ SERVICE_WANIP, "NATEnabled", "1" },
		{ SERVICE_WANCOMMON, "PhysicalLinkStatus", "Up" },
		{ SERVICE_WANCOMMON, "TotalBytesSent", "9" },
	};
	char text[1024];
	size_t i;

	core_reset();
	core.counters.bytes_sent = 9;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT_EQUAL(
		    soap_query(&soap, rows[i].service, rows[i].name, text, sizeof(text)),
		    RESULT_OK);
		CU_ASSERT_STRING_EQUAL(text, rows[i].value);
	}
	CU_ASSERT_EQUAL(soap_query(&soap, SERVICE_WANIP, "InternalClient", text, sizeof(text)),
	    RESULT_INVALID_VAR);
	CU_ASSERT_EQUAL(
	    soap_query(&soap, SERVICE_WANIP, "Nothing", text, sizeof(text)), RESULT_INVALID_VAR);
	CU_ASSERT_EQUAL(
	    soap_query(&soap, SERVICE_LAYER3, "Uptime", text, sizeof(text)), RESULT_INVALID_VAR);
}

static void
test_queries_are_answered_or_refused_by_name(void)
{
	UpnpStateVarRequest *request = UpnpStateVarRequest_new();

	core_reset();
	UpnpStateVarRequest_strcpy_ServiceID(request, service_wanip.key);
	UpnpStateVarRequest_strcpy_StateVarName(request, "ConnectionStatus");
	soap_on_query(&soap, request);
	CU_ASSERT_EQUAL(UpnpStateVarRequest_get_ErrCode(request), 0);
	CU_ASSERT_STRING_EQUAL(UpnpStateVarRequest_get_CurrentVal_cstr(request), "Connected");
	UpnpStateVarRequest_strcpy_StateVarName(request, "Nothing");
	soap_on_query(&soap, request);
	CU_ASSERT_EQUAL(UpnpStateVarRequest_get_ErrCode(request), 404);
	CU_ASSERT_STRING_EQUAL(UpnpStateVarRequest_get_ErrStr_cstr(request), "");
	UpnpStateVarRequest_delete(request);
}

/* ---- run ------------------------------------------------------------------------------------- */

static int
load(void)
{
	static const struct msg_gateway gateway = { .uuid = { 1 }, .hostname = "gate" };
	char *text;
	size_t len;
	unsigned i;

	desc_names(&soap.names, &gateway, false);
	for (i = 0; i < SERVICE_COUNT; i++) {
		if (desc_read(XML_SOURCE_DIR, services[i]->document, &text, &len) < 0 ||
		    scpd_parse(&soap.scpd[i], services[i]->document, text, len) < 0)
			return -1;
		free(text);
	}
	return 0;
}

static const struct unit_test tests[] = {
	UNIT_TEST(tables_and_documents_agree),
	UNIT_TEST(every_action_that_only_tells_has_an_answer),
	UNIT_TEST(add_sends_what_was_asked_for),
	UNIT_TEST(add_takes_any_order_and_fills_in),
	UNIT_TEST(wrong_requests_never_reach_the_core),
	UNIT_TEST(a_description_beyond_its_room_is_605),
	UNIT_TEST(the_core_is_told_once_of_what_is_refused_and_not_of_questions),
	UNIT_TEST(arguments_of_any_length_are_told_as_far_as_there_is_room),
	UNIT_TEST(each_result_of_the_core_becomes_its_fault),
	UNIT_TEST(a_core_that_does_not_answer_is_501),
	UNIT_TEST(unknown_actions_and_names_are_401),
	UNIT_TEST(answers_go_back_under_the_name_that_was_called),
	UNIT_TEST(entries_are_told_in_the_order_of_the_scpd),
	UNIT_TEST(a_client_without_ipv4_maps_nothing),
	UNIT_TEST(status_follows_the_wan),
	UNIT_TEST(commands_to_the_connection_go_to_the_core),
	UNIT_TEST(times_of_the_connection_are_kept_by_the_core),
	UNIT_TEST(the_connection_routes_and_always_will),
	UNIT_TEST(version_2_says_by_which_version_it_was_called),
	UNIT_TEST(any_port_will_do),
	UNIT_TEST(ranges_are_checked_and_passed_on),
	UNIT_TEST(a_list_is_a_document_within_the_answer),
	UNIT_TEST(a_list_of_nothing_is_730_and_a_failure_a_failure),
	UNIT_TEST(pinholes_are_asked_for_by_six_addresses_and_numbers),
	UNIT_TEST(a_pinhole_without_a_packet_cannot_be_said_to_work),
	UNIT_TEST(the_lan_is_described_from_the_gateways_side),
	UNIT_TEST(counters_wrap_and_rates_saturate),
	UNIT_TEST(there_is_one_active_connection_while_connected),
	UNIT_TEST(only_the_default_connection_can_be_the_default),
	UNIT_TEST(variables_with_a_value_can_be_queried),
	UNIT_TEST(queries_are_answered_or_refused_by_name),
	UNIT_END,
};

int
main(void)
{
	int status = load() < 0 ? EXIT_FAILURE : unit_run("soap", tests);

	free(answer.document);
	return status;
}
