/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/pinhole_check.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "core/network.h"
#include "platform/neigh.h"

enum result
pinhole_check_service(const struct core *core)
{
	if (core->conf.firewall == CONF_FIREWALL_OFF)
		return RESULT_FIREWALL_DISABLED;
	return core->conf.allow_pinholes ? RESULT_OK : RESULT_PINHOLES_FORBIDDEN;
}

/*
 * Is it one host? True for one address; else the link-layer addresses decide. That of @internal may
 * not be known yet: then the kernel looks for it, and core->unsettled says that asking again soon
 * may give another answer.
 */
static bool
is_same_host(struct core *core, const struct pinhole_asker *asker, const struct addr6 *internal)
{
	struct neigh a, b;
	int rc;

	if (addr6_same(&asker->client, internal))
		return true;
	if (neigh_find(asker->lan->ifindex, &asker->client, &a) < 0)
		return false;
	rc = neigh_find(asker->lan->ifindex, internal, &b);
	if (rc == -ENOENT)
		core->unsettled = true;
	return rc == 0 && neigh_same(&a, &b);
}

bool
pinhole_may_touch(
    struct core *core, const struct pinhole_asker *asker, const struct addr6 *internal)
{
	return !core->conf.secure || is_same_host(core, asker, internal);
}

struct addr6
pinhole_share_of(const struct pinhole_asker *asker, const struct addr6 *internal)
{
	struct addr6 share = { { 0 } };
	struct neigh n;

	if (neigh_find(asker->lan->ifindex, internal, &n) < 0)
		return *internal;
	memcpy(share.octet + sizeof(share.octet) - n.len, n.lladdr, n.len);
	return share;
}

static bool
is_on_lan(const struct lan *lan, const struct addr6 *addr)
{
	size_t i;

	for (i = 0; i < lan->n_prefixes6; i++)
		if (prefix6_contains(&lan->prefixes6[i], addr))
			return true;
	return false;
}

static bool
has_ports(uint16_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

bool
pinhole_is_protocol(uint16_t protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_NONE:
	case IPPROTO_DSTOPTS:
	case IPPROTO_RAW:
		return false;
	}
	return true;
}

enum result
pinhole_check_form(const struct msg_pinhole *req, struct pinhole_key *key, const char **reason)
{
	*reason = "the lease is not 1 to 86400 s";
	if (req->lease_s == 0 || req->lease_s > PINHOLE_LEASE_MAX_S)
		return RESULT_INVALID_ARGS;
	*reason = "the remote host is none of the Internet";
	if (!addr6_is_zero(&key->remote_host) && !addr6_is_global(&key->remote_host))
		return RESULT_INVALID_ARGS;
	*reason = "the internal client is a wildcard";
	if (addr6_is_zero(&key->internal_client))
		return RESULT_WILDCARD_PINHOLE_CLIENT;
	*reason = "no packets are of that protocol";
	if (!pinhole_is_protocol(key->protocol))
		return RESULT_PROTOCOL_UNSUPPORTED;
	*reason = "a port of any protocol";
	if (key->protocol == MSG_PROTO_ANY && (key->remote_port || key->internal_port))
		return RESULT_WILDCARD_PROTOCOL;
	if (!has_ports(key->protocol))
		key->remote_port = key->internal_port = 0;
	return RESULT_OK;
}

enum result
pinhole_check_client(struct core *core, const struct pinhole_asker *asker,
    const struct pinhole_key *key, const char **reason)
{
	const struct addr6 *internal = &key->internal_client;

	*reason = "it is no host of the Internet on that LAN";
	if (!addr6_is_global(internal) || !is_on_lan(asker->lan, internal))
		return RESULT_NOT_AUTHORIZED;
	*reason = "it is the gateway itself";
	if (network_is_ours6(core, internal))
		return RESULT_NOT_AUTHORIZED;
	*reason = "it is another host (secure)";
	return pinhole_may_touch(core, asker, internal) ? RESULT_OK : RESULT_NOT_AUTHORIZED;
}

/* @neighbours NULL: the kernel is asked, and asks the host. */
static bool
find_mac(const struct pinhole_asker *asker, struct neigh_list *neighbours, struct mac *mac)
{
	uint32_t ifindex = asker->lan->ifindex;

	return neighbours ? neigh_list_find_mac(neighbours, ifindex, &asker->client, mac)
			  : neigh_find_mac(ifindex, &asker->client, mac);
}

void
pinhole_check_rules(struct core *core, const struct pinhole_asker *asker,
    const struct pinhole_key *key, struct neigh_list *neighbours, struct policy_verdict *v)
{
	const struct policy_pinhole req = { .client = asker->client,
		.ifname = asker->lan->ifname,
		.protocol = key->protocol,
		.port = key->internal_port,
		.any_remote = addr6_is_zero(&key->remote_host) };
	struct policy_facts facts = { .mac = NULL };
	struct mac mac;

	policy_check_pinhole(&core->conf, &req, &facts, v);
	if (!v->needs_mac)
		return;
	if (find_mac(asker, neighbours, &mac)) {
		facts.mac = &mac;
		policy_check_pinhole(&core->conf, &req, &facts, v);
	} else {
		core->unsettled = true;
	}
}
