/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/lease_json.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ipc/msg.h"
#include "lib/addr.h"
#include "lib/utf8.h"

const char *
protocol_str(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "TCP" : "UDP";
}

json_t *
addr_json(uint32_t addr)
{
	char buf[ADDR4_STRLEN];

	return addr ? json_string(addr4_str(addr, buf)) : json_null();
}

json_t *
time_json(int64_t wall_s)
{
	time_t t = (time_t)wall_s;
	char buf[32];
	struct tm tm;

	if (!wall_s || !gmtime_r(&t, &tm) || !strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return json_null();
	return json_string(buf);
}

json_t *
text_json(const char *text)
{
	json_t *json;
	char *copy;

	if (utf8_valid(text, strlen(text)))
		return json_string(text);
	copy = strdup(text);
	if (!copy)
		return NULL;
	utf8_sanitize(copy);
	json = json_string(copy);
	free(copy);
	return json;
}

static json_t *
remaining_json(const struct lease *lease, int64_t now_ms)
{
	if (lease->expires_ms == LEASE_FOREVER)
		return json_null();
	return json_integer(lease_remaining_s(lease, now_ms));
}

const char *
lease_origin_str(enum lease_origin origin)
{
	switch (origin) {
	case LEASE_UPNP:
		return "upnp";
	case LEASE_STATIC:
		return "static";
	case LEASE_CONFIG:
		return "config";
	}
	return "unknown";
}

json_t *
lease_json(const struct lease *lease, int64_t now_ms)
{
	return json_pack(
	    "{s:I, s:b, s:s, s:i, s:o, s:o, s:i, s:o, s:o, s:s, s:o, s:o, s:o, s:I, s:I}", "id",
	    (json_int_t)lease->id, "enabled", lease->enabled, "protocol",
	    protocol_str(lease->protocol), "external_port", lease->external_port, "remote_host",
	    addr_json(lease->remote_host), "internal_client", addr_json(lease->internal_client),
	    "internal_port", lease->internal_port, "lease_remaining_s",
	    remaining_json(lease, now_ms), "description", text_json(lease->description), "origin",
	    lease_origin_str((enum lease_origin)lease->origin), "client", addr_json(lease->client),
	    "created", time_json(lease->created_s), "last_used", time_json(lease->last_used_s),
	    "packets", (json_int_t)lease->packets, "octets", (json_int_t)lease->octets);
}

json_t *
addr6_json(const struct addr6 *addr)
{
	char buf[ADDR6_STRLEN];

	return addr6_is_zero(addr) ? json_null() : json_string(addr6_str(addr, buf));
}

static json_t *
port_json(uint16_t port)
{
	return port ? json_integer(port) : json_null();
}

static json_t *
ip_protocol_json(uint16_t protocol)
{
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
		return json_string(protocol_str((uint8_t)protocol));
	return protocol == MSG_PROTO_ANY ? json_string("any") : json_integer(protocol);
}

json_t *
pinhole_json(const struct pinhole *p, int64_t now_ms)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:I, s:s, s:o, s:o, s:o, s:I}", "id",
	    p->id, "protocol", ip_protocol_json(p->key.protocol), "remote_host",
	    addr6_json(&p->key.remote_host), "remote_port", port_json(p->key.remote_port),
	    "internal_client", addr6_json(&p->key.internal_client), "internal_port",
	    port_json(p->key.internal_port), "lease_remaining_s",
	    (json_int_t)pinhole_remaining_s(p, now_ms), "origin",
	    lease_origin_str((enum lease_origin)p->origin), "client", addr6_json(&p->client),
	    "created", time_json(p->created_s), "last_used", time_json(p->last_used_s), "packets",
	    (json_int_t)p->packets);
}
