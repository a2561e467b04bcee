/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/decide.h"

#include <stdio.h>

#include "core/lease.h"
#include "core/wan.h"
#include "platform/neigh.h"

/* What a search for a free port may cost: questions to the gateway's sockets, and to rules. */
#define SOCKETS_TRIED_MAX 64
#define RULES_TRIED_MAX 4096

/* Version 2 tells what a client made from what the administrator made (2.4.16). */
static enum result
conflict_with(const struct asker *asker, const struct lease *lease)
{
	return asker->igd == MSG_IGD2 && lease->origin != LEASE_UPNP ? RESULT_OTHER_MECHANISM
								     : RESULT_CONFLICT;
}

static bool
is_gateways_port(const struct core *core, uint8_t protocol, uint16_t port)
{
	return policy_is_ours(&core->conf, protocol, port) ||
	       (core->port_in_use && wan_address(core->wan) &&
		   core->port_in_use(wan_address(core->wan), protocol, port));
}

/*
 * What is found out once in a request at most, however many ports are tried: the asker's network
 * card, as the neighbour table has it, and how many mappings each rule has given to the client.
 */
struct known {
	bool asked, has_mac;
	struct mac mac;
	uint32_t counts[POLICY_RULES]; /* and one; 0: not counted */
};

/* The lease that is being refreshed takes nobody's share a second time. */
struct counted {
	const struct lease_table *leases;
	const struct lease *old;
	struct known *known;
};

static size_t
count_of(const struct counted *counted, uint16_t rule, uint32_t client)
{
	uint32_t *count = &counted->known->counts[rule];

	if (!client)
		return lease_count_by(counted->leases, rule, 0);
	if (!*count)
		*count = (uint32_t)lease_count_by(counted->leases, rule, client) + 1;
	return *count - 1;
}

static size_t
count_by_rule(const void *arg, uint16_t rule, uint32_t client)
{
	const struct counted *counted = arg;
	const struct lease *old = counted->old;

	return count_of(counted, rule, client) -
	       (old && old->origin == LEASE_UPNP && old->rule == rule);
}

static const struct mac *
mac_of(const struct asker *asker, struct known *known)
{
	const struct addr6 addr = addr6_from4(asker->client);

	if (!known->asked)
		known->has_mac = neigh_find_mac(asker->ifindex, &addr, &known->mac);
	known->asked = true;
	return known->has_mac ? &known->mac : NULL;
}

/* The neighbour table is asked only when a rule that else matches wants a MAC address. */
static void
ask_policy(struct core *core, const struct asker *asker, const struct msg_map *req,
    const struct lease *old, struct known *known, struct policy_verdict *v)
{
	const struct counted counted = { core->leases, old, known };
	struct policy_facts facts = {
		.mappings_of_client = old ? 0 : lease_count_of(core->leases, req->internal_client),
		.count = count_by_rule,
		.arg = &counted,
	};

	policy_check(&core->conf, asker, req, &facts, v);
	if (!v->needs_mac)
		return;
	facts.mac = mac_of(asker, known);
	if (facts.mac)
		policy_check(&core->conf, asker, req, &facts, v);
	else
		core->unsettled = true;
}

/* What the administrator has on the port, whoever may use it: a client gets no part of that. */
static const struct lease *
find_administrators(const struct core *core, const struct msg_map_key *key)
{
	const struct lease *l = NULL;

	while ((l = lease_on_port(core->leases, key->protocol, key->external_port, l)))
		if (l->origin != LEASE_UPNP)
			return l;
	return NULL;
}

static void
find_conflict(const struct core *core, const struct asker *asker, const struct msg_map *req,
    const struct lease *old, struct policy_verdict *v)
{
	const struct lease *on_port =
	    lease_on_port(core->leases, req->key.protocol, req->key.external_port, NULL);
	const struct lease *theirs =
	    !old && asker->origin == LEASE_UPNP ? find_administrators(core, &req->key) : NULL;
	char holder[ADDR4_STRLEN];

	if (on_port && on_port->internal_client != req->internal_client) {
		v->result = conflict_with(asker, on_port);
		snprintf(v->reason, sizeof(v->reason), "the port leads to %s",
		    addr4_str(on_port->internal_client, holder));
	} else if (old && old->origin != asker->origin) {
		v->result = conflict_with(asker, old);
		snprintf(v->reason, sizeof(v->reason), "the mapping is %s",
		    old->origin != LEASE_UPNP ? "the administrator's" : "a client's");
	} else if (theirs) {
		v->result = conflict_with(asker, theirs);
		snprintf(v->reason, sizeof(v->reason), "the port is the administrator's");
	} else if (asker->igd == MSG_IGD2 && !on_port &&
		   is_gateways_port(core, req->key.protocol, req->key.external_port)) {
		v->result = RESULT_OTHER_MECHANISM;
		snprintf(v->reason, sizeof(v->reason), "the gateway itself uses the port");
	}
}

static void
decide_on(struct core *core, const struct asker *asker, const struct msg_map *req,
    const struct lease *old, struct known *known, struct policy_verdict *v)
{
	ask_policy(core, asker, req, old, known, v);
	if (v->result == RESULT_OK || v->result == RESULT_NO_RESOURCES)
		find_conflict(core, asker, req, old, v);
	if (v->result == RESULT_OK && !old &&
	    lease_count(core->leases) >= core->conf.max_mappings) {
		v->result = RESULT_NO_RESOURCES;
		snprintf(v->reason, sizeof(v->reason), "the table is full (max_mappings)");
	}
}

void
decide(struct core *core, const struct asker *asker, const struct msg_map *req,
    const struct lease *old, struct policy_verdict *v)
{
	struct known known = { .asked = false };

	decide_on(core, asker, req, old, &known, v);
}

/* ---- any port ---- */

/* Where a client that has no wish might feel at home: on its internal port. */
static uint16_t
first_choice(const struct core *core, const struct msg_map *req)
{
	uint32_t low = policy_lowest_port(&core->conf);

	if (req->internal_port >= low)
		return req->internal_port;
	return (uint16_t)(low + (req->internal_client * 2654435761u >> 16) % (65536 - low));
}

/* Does this client have a mapping of the same endpoint already? Then it is to be that one. */
static const struct lease *
find_alike(const struct core *core, const struct asker *asker, const struct msg_map *req)
{
	const struct lease *l;
	size_t i;

	for (i = 0; (l = lease_of(core->leases, req->internal_client, i)); i++)
		if (l->origin == asker->origin && l->protocol == req->key.protocol &&
		    l->internal_port == req->internal_port &&
		    l->remote_host == req->key.remote_host &&
		    (l->rule != POLICY_RULE_DEFAULT ||
			l->external_port >= policy_lowest_port(&core->conf)))
			return l;
	return NULL;
}

/* Where a rule may have a say about ports, is this one the asker's to have? */
static bool
is_allowed(struct core *core, const struct asker *asker, const struct msg_map *req, uint16_t port,
    struct known *known)
{
	struct msg_map there = *req;
	struct policy_verdict v;

	if (core->conf.n_rules == 0 && core->conf.n_presets == 0)
		return true;
	there.key.external_port = port;
	ask_policy(core, asker, &there, NULL, known, &v);
	return v.result == RESULT_OK;
}

/* What a search has cost, so that it ends. */
struct search {
	unsigned sockets, rules;
	struct known *known;
};

static bool
is_over(const struct search *search)
{
	return search->sockets == SOCKETS_TRIED_MAX || search->rules == RULES_TRIED_MAX;
}

static bool
is_to_be_had(struct core *core, const struct asker *asker, const struct msg_map *req, uint16_t port,
    struct search *search)
{
	uint8_t protocol = req->key.protocol;

	if (lease_next_port(core->leases, protocol, port) == port || is_over(search))
		return false;
	search->rules++;
	if (!is_allowed(core, asker, req, port, search->known))
		return false;
	search->sockets++;
	return !is_gateways_port(core, protocol, port);
}

/* The nearest free port: +1, -1, +2, -2, ... around the end of the range. 0: there is none. */
static uint16_t
find_free_port(
    struct core *core, const struct asker *asker, const struct msg_map *req, struct known *known)
{
	uint32_t low = policy_lowest_port(&core->conf), span = 65536 - low, d;
	uint32_t wish = req->key.external_port, at = wish < low ? 0 : wish - low;
	struct search search = { .known = known };
	uint16_t port;

	for (d = 1; d <= span / 2 && !is_over(&search); d++) {
		port = (uint16_t)(low + (at + d) % span);
		if (is_to_be_had(core, asker, req, port, &search))
			return port;
		port = (uint16_t)(low + (at + span - d) % span);
		if (is_to_be_had(core, asker, req, port, &search))
			return port;
	}
	return 0;
}

/* Would another port help? It does where this one is taken, or was only our own choice. */
static bool
depends_on_port(const struct core *core, const struct policy_verdict *v, bool any)
{
	if (v->result == RESULT_CONFLICT || v->result == RESULT_OTHER_MECHANISM)
		return true;
	return any && v->result == RESULT_NOT_AUTHORIZED && !v->needs_mac &&
	       (core->conf.n_rules || core->conf.n_presets);
}

void
decide_any_port(
    struct core *core, const struct asker *asker, struct msg_map *req, struct policy_verdict *v)
{
	const struct lease *alike = find_alike(core, asker, req), *old;
	bool any = req->key.external_port == 0;
	struct known known = { .asked = false };
	uint16_t port;

	if (any)
		req->key.external_port = alike ? alike->external_port : first_choice(core, req);
	old = lease_find(
	    core->leases, req->key.protocol, req->key.external_port, req->key.remote_host);
	decide_on(core, asker, req, old, &known, v);
	if (!depends_on_port(core, v, any))
		return;
	port = alike ? alike->external_port : find_free_port(core, asker, req, &known);
	if (!port && v->result == RESULT_NOT_AUTHORIZED)
		return;
	v->result = port ? RESULT_OK : RESULT_NO_RESOURCES;
	snprintf(v->reason, sizeof(v->reason), "no external port is free");
	if (port)
		req->key.external_port = port;
}
