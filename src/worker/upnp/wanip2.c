/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What WANIPConnection:2 has beyond version 1: any port that is free, and ranges of ports. Who may
 * see or delete what is the core's to decide.
 */
#include "worker/upnp/wanip.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/addr.h"
#include "lib/clock.h"
#include "worker/upnp/xml.h"

/* A list takes one question for each entry; the client waits for 30 s (UDA 1.0 3.2.2). */
#define LIST_MS 20000

static enum result
add_any_port_mapping(struct call *call)
{
	enum result result;
	struct msg_map map;
	struct msg reply;

	result = wanip_read_mapping(call, &map);
	if (result != RESULT_OK)
		return result;
	if (map.internal_port == 0)
		return wanip_no_internal_port(call);
	result = call_core(call, MSG_MAP_ADD_ANY, &map, sizeof(map), &reply);
	if (result == RESULT_OK)
		answer_number(&call->answer, "NewReservedPort", reply.body.port.port);
	return result;
}

static enum result
read_range(const struct call *call, struct msg_range *range)
{
	if (call->client == 0)
		return RESULT_NOT_AUTHORIZED;
	*range = (struct msg_range){
		.client = call->client,
		.first_port = (uint16_t)args_number(&call->in, "NewStartPort"),
		.last_port = (uint16_t)args_number(&call->in, "NewEndPort"),
		.protocol = wanip_protocol(call),
		.igd = (uint8_t)call->igd,
		.manage = (uint8_t)args_number(&call->in, "NewManage"),
	};
	return range->first_port > range->last_port ? RESULT_INCONSISTENT : RESULT_OK;
}

static enum result
delete_port_mapping_range(struct call *call)
{
	struct msg_range range;
	enum result result;
	struct msg reply;

	result = read_range(call, &range);
	if (result == RESULT_OK)
		result = call_core(call, MSG_MAP_DEL_RANGE, &range, sizeof(range), &reply);
	return result;
}

/* ---- GetListOfPortMappings ------------------------------------------------------------------- */

#define LIST_BEGIN                                                                                 \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                             \
	"<p:PortMappingList xmlns:p=\"urn:schemas-upnp-org:gw:WANIPConnection\" "                  \
	"xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "                                 \
	"xsi:schemaLocation=\"urn:schemas-upnp-org:gw:WANIPConnection "                            \
	"http://www.upnp.org/schemas/gw/WANIPConnection-v2.xsd\">\n"
#define LIST_END "</p:PortMappingList>\n"

/* 2.3.25. The description is text in a document; that the document becomes text is libupnp's. */
static void
put_entry(FILE *f, const struct msg_map *map)
{
	char remote[ADDR4_STRLEN] = "", client[ADDR4_STRLEN];
	char description[XML_ESCAPED_MAX(MSG_DESCRIPTION_MAX)];

	if (map->key.remote_host)
		addr4_str(map->key.remote_host, remote);
	xml_escape(description, sizeof(description), map->description);
	fprintf(f,
	    "<p:PortMappingEntry><p:NewRemoteHost>%s</p:NewRemoteHost>"
	    "<p:NewExternalPort>%u</p:NewExternalPort><p:NewProtocol>%s</p:NewProtocol>"
	    "<p:NewInternalPort>%u</p:NewInternalPort>"
	    "<p:NewInternalClient>%s</p:NewInternalClient><p:NewEnabled>%u</p:NewEnabled>"
	    "<p:NewDescription>%s</p:NewDescription>"
	    "<p:NewLeaseTime>%u</p:NewLeaseTime></p:PortMappingEntry>\n",
	    remote, map->key.external_port, map->key.protocol == MSG_PROTO_TCP ? "TCP" : "UDP",
	    map->internal_port, addr4_str(map->internal_client, client), map->enabled, description,
	    (unsigned)map->lease_s);
}

/* Walks the range, @most entries; 0: all. */
static enum result
put_entries(struct call *call, FILE *f, const struct msg_range *range, uint32_t most)
{
	int64_t deadline_ms = clock_boot_ms() + LIST_MS;
	struct msg_range_next next = { .range = *range };
	enum result result = RESULT_OK;
	uint32_t n = 0;
	struct msg reply;

	while (most == 0 || n < most) {
		result = call_core(call, MSG_MAP_NEXT, &next, sizeof(next), &reply);
		if (result != RESULT_OK)
			break;
		put_entry(f, &reply.body.map);
		next.after_port = reply.body.map.key.external_port;
		next.after_remote_host = reply.body.map.key.remote_host;
		n++;
		if (clock_boot_ms() > deadline_ms)
			return RESULT_FAILED;
	}
	return n > 0 && result == RESULT_NOT_FOUND ? RESULT_OK : result;
}

static enum result
get_list_of_port_mappings(struct call *call)
{
	struct msg_range range;
	enum result result;
	char *text = NULL;
	size_t len;
	FILE *f;

	result = read_range(call, &range);
	if (result != RESULT_OK)
		return result;
	f = open_memstream(&text, &len);
	if (!f)
		return RESULT_FAILED;
	fputs(LIST_BEGIN, f);
	result = put_entries(call, f, &range, args_number(&call->in, "NewNumberOfPorts"));
	fputs(LIST_END, f);
	if (ferror(f) && result == RESULT_OK)
		result = RESULT_FAILED;
	if (fclose(f) != 0 && result == RESULT_OK)
		result = RESULT_FAILED;
	if (result == RESULT_OK)
		answer_take(&call->answer, "NewPortListing", text);
	else
		free(text);
	return result;
}

const struct service_action wanip2_actions[] = {
	{ "AddAnyPortMapping", add_any_port_mapping },
	{ "DeletePortMappingRange", delete_port_mapping_range },
	{ "GetListOfPortMappings", get_list_of_port_mappings },
	{ NULL, NULL },
};
