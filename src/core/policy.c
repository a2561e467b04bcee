/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of what a client may have. Pure: no I/O, no table, no clock.
 *
 * "Internal port >= 1024" is a rule for version 2 only (WANIPConnection:2 2.6): real programs of
 * version 1 map a high external port to a server on 80 or 443 inside. Whoever runs that server
 * asked for it himself: in secure mode the internal client is the asker.
 */
#include "core/policy.h"

#define PORT_SSDP 1900
#define PORT_PCP 5351

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>

static void __attribute__((format(printf, 3, 4)))
refuse(struct policy_verdict *v, enum result result, const char *fmt, ...)
{
	va_list ap;

	if (v->result != RESULT_OK)
		return; /* the first fault wins */
	v->result = result;
	va_start(ap, fmt);
	vsnprintf(v->reason, sizeof(v->reason), fmt, ap);
	va_end(ap);
}

/* What no mapping can be, whoever asks. */
static void
check_form(const struct asker *asker, const struct msg_map *req, struct policy_verdict *v)
{
	if (req->internal_client == 0)
		refuse(v, RESULT_WILDCARD_CLIENT, "the internal client is a wildcard");
	if (req->key.external_port == 0)
		refuse(v, RESULT_WILDCARD_EXT_PORT, "the external port is a wildcard");
	if (req->internal_port == 0)
		refuse(v, asker->igd == MSG_IGD2 ? RESULT_WILDCARD_INT_PORT : RESULT_INVALID_ARGS,
		    "the internal port is 0");
}

/* Whom a mapping may lead to. */
static void
check_internal_client(const struct conf *conf, const struct asker *asker, const struct msg_map *req,
    struct policy_verdict *v)
{
	char inside[ADDR4_STRLEN], lan[PREFIX4_STRLEN];

	addr4_str(req->internal_client, inside);
	prefix4_str(&asker->lan, lan);
	if (conf->secure && req->internal_client != asker->client)
		refuse(v, RESULT_NOT_AUTHORIZED, "%s is another host (secure)", inside);
	if (!prefix4_contains(&asker->lan, req->internal_client))
		refuse(v, RESULT_NOT_AUTHORIZED, "%s is not on the LAN %s", inside, lan);
	if (req->internal_client == asker->lan.addr)
		refuse(v, RESULT_NOT_AUTHORIZED, "%s is the gateway itself", inside);
	if (prefix4_is_edge(&asker->lan, req->internal_client))
		refuse(v, RESULT_NOT_AUTHORIZED, "%s is no host of the LAN %s", inside, lan);
}

/* The administrator may map to any host, only not to what is no host. */
static void
check_static(const struct msg_map *req, struct policy_verdict *v)
{
	char inside[ADDR4_STRLEN];

	switch (addr4_kind(req->internal_client)) {
	case ADDR4_LOOPBACK:
	case ADDR4_SPECIAL:
		refuse(v, RESULT_INVALID_ARGS, "%s is not the address of a host",
		    addr4_str(req->internal_client, inside));
		break;
	case ADDR4_PUBLIC:
	case ADDR4_PRIVATE:
	case ADDR4_SHARED:
	case ADDR4_LINK_LOCAL:
	case ADDR4_DOCUMENTATION:
		break;
	}
}

static void
check_ports(const struct conf *conf, const struct asker *asker, const struct msg_map *req,
    struct policy_verdict *v)
{
	if (req->key.external_port < conf->min_port)
		refuse(v, RESULT_NOT_AUTHORIZED, "external port %u is below min_port %u",
		    req->key.external_port, conf->min_port);
	if (asker->igd == MSG_IGD2 && conf->secure && req->internal_port < conf->min_port)
		refuse(v, RESULT_NOT_AUTHORIZED, "internal port %u is below min_port %u",
		    req->internal_port, conf->min_port);
}

/*
 * Clients live with a lease that is shorter than they asked for: they look at it, or refresh in
 * time; a fault would end it for them. Lease 0 is permanent in version 1, and a week in version 2,
 * where nothing may be longer (WANIPConnection:2 2.3.16).
 */
static uint32_t
granted_s(const struct conf *conf, const struct asker *asker, uint32_t wanted_s)
{
	if (asker->igd == MSG_IGD2 && (wanted_s == 0 || wanted_s > MAPPING_LEASE_MAX_S))
		wanted_s = MAPPING_LEASE_MAX_S;
	if (conf->max_lease_s && (wanted_s == 0 || wanted_s > conf->max_lease_s))
		return conf->max_lease_s;
	return wanted_s;
}

void
policy_check(const struct conf *conf, const struct asker *asker, const struct msg_map *req,
    size_t mappings_of_client, struct policy_verdict *v)
{
	v->result = RESULT_OK;
	v->reason[0] = '\0';
	v->lease_s = req->lease_s;

	check_form(asker, req, v);
	if (asker->origin == LEASE_STATIC) {
		check_static(req, v);
		return;
	}
	check_internal_client(conf, asker, req, v);
	check_ports(conf, asker, req, v);
	if (mappings_of_client >= conf->max_mappings_per_client)
		refuse(v, RESULT_NO_RESOURCES,
		    "the client has %zu mappings already "
		    "(max_mappings_per_client)",
		    mappings_of_client);
	v->lease_s = granted_s(conf, asker, req->lease_s);
}

/* ---- access control ---- */

/* In version 2: what leads to the asker, between ports that it may have. */
static bool
is_own(const struct conf *conf, const struct asker *asker, const struct lease *lease)
{
	return lease->internal_client == asker->client && lease->external_port >= conf->min_port &&
	       lease->internal_port >= conf->min_port;
}

static bool
is_restricted(const struct conf *conf, const struct asker *asker)
{
	return asker->origin != LEASE_STATIC && asker->igd == MSG_IGD2 && conf->secure;
}

bool
policy_may_see(const struct conf *conf, const struct asker *asker, const struct lease *lease)
{
	return !is_restricted(conf, asker) || is_own(conf, asker, lease);
}

bool
policy_may_delete(const struct conf *conf, const struct asker *asker, const struct lease *lease)
{
	if (asker->origin == LEASE_STATIC)
		return true;
	if (lease->origin == LEASE_STATIC)
		return false;
	if (is_restricted(conf, asker))
		return is_own(conf, asker, lease);
	return !conf->secure || lease->internal_client == asker->client ||
	       lease->client == asker->client;
}

bool
policy_may_reach(const struct conf *conf, const struct asker *asker, uint16_t port)
{
	return !is_restricted(conf, asker) || port >= conf->min_port;
}

bool
policy_may_manage(const struct conf *conf)
{
	return !conf->secure;
}

bool
policy_is_ours(const struct conf *conf, uint8_t protocol, uint16_t port)
{
	if (protocol == IPPROTO_TCP)
		return port == conf->http_port;
	return port == PORT_SSDP || port == PORT_PCP;
}
