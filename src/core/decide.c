/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/decide.h"

#include <stdio.h>

#include "core/lease.h"
#include "core/wan.h"
#include "platform/neigh.h"

/* What a search for a free port may cost in questions to the gateway's sockets. Rules are asked
 * once for all ports between two ends of their ranges. */
#define SOCKETS_TRIED_MAX 64

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
	enum result by_policy;

	ask_policy(core, asker, req, old, known, v);
	by_policy = v->result;
	if (v->result == RESULT_OK || v->result == RESULT_NO_RESOURCES)
		find_conflict(core, asker, req, old, v);
	if (v->result != by_policy)
		v->key = NULL;
	if (v->result == RESULT_OK && !old &&
	    lease_count(core->leases) >= core->conf.max_mappings) {
		v->result = RESULT_NO_RESOURCES;
		v->key = "max_mappings";
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

/*
 * One way from a wish, round the end of the ports, as far as half of them are. Rules are asked for
 * a stretch at a time, and leases for a word of ports, so it costs what rules there are.
 */
struct way {
	bool down;
	uint32_t steps;         /* from the wish to where it stands */
	struct conf_ports same; /* for these the rules have been asked... */
	bool allowed;           /* ... and this is what they say */
};

/* What both ways share. */
struct search {
	struct core *core;
	const struct asker *asker;
	struct msg_map req;
	struct known *known;
	uint32_t low, span, wish; /* the ports from @low on; the wish as a distance from there */
};

static uint16_t
port_at(const struct search *s, const struct way *way)
{
	uint32_t at = way->down ? s->wish + s->span - way->steps : s->wish + way->steps;

	return (uint16_t)(s->low + at % s->span);
}

/* Where a rule may have a say about ports, is @port the asker's to have? */
static void
ask_for_stretch(struct search *s, struct way *way, uint16_t port)
{
	struct policy_verdict v = { .result = RESULT_OK, .same = { 1, UINT16_MAX } };

	if (s->core->conf.n_rules || s->core->conf.n_presets) {
		s->req.key.external_port = port;
		ask_policy(s->core, s->asker, &s->req, NULL, s->known, &v);
	}
	way->allowed = v.result == RESULT_OK;
	way->same = v.same;
	if (way->same.first < s->low)
		way->same.first = (uint16_t)s->low;
}

/* The nearest one on its way from @port on, within the stretch; 0: none. */
static uint16_t
free_in_stretch(const struct search *s, const struct way *way, uint16_t port)
{
	const struct lease_table *leases = s->core->leases;
	uint8_t protocol = s->req.key.protocol;

	if (!way->allowed)
		return 0;
	return way->down ? lease_highest_free(leases, protocol, way->same.first, port)
			 : lease_lowest_free(leases, protocol, port, way->same.last);
}

/* One step on, and then to the next port that is free and allowed. False: there is none. */
static bool
way_next(struct search *s, struct way *way)
{
	uint16_t port, found;

	for (way->steps++; way->steps <= s->span / 2;) {
		port = port_at(s, way);
		if (port < way->same.first || port > way->same.last)
			ask_for_stretch(s, way, port);
		found = free_in_stretch(s, way, port);
		if (found) {
			way->steps += way->down ? port - found : found - port;
			return way->steps <= s->span / 2;
		}
		way->steps += way->down ? port - way->same.first + 1u : way->same.last - port + 1u;
	}
	return false;
}

/* The nearest free port: +1, -1, +2, -2, ... around the end of the range. 0: there is none. */
static uint16_t
find_free_port(
    struct core *core, const struct asker *asker, const struct msg_map *req, struct known *known)
{
	uint32_t low = policy_lowest_port(&core->conf), wish = req->key.external_port;
	struct search s = { core, asker, *req, known, low, 65536 - low,
		wish < low ? 0 : wish - low };
	struct way up = { .down = false }, down = { .down = true };
	bool is_up = way_next(&s, &up), is_down = way_next(&s, &down);
	struct way *near;
	unsigned tries;
	uint16_t port;

	for (tries = 0; (is_up || is_down) && tries < SOCKETS_TRIED_MAX; tries++) {
		near = is_up && (!is_down || up.steps <= down.steps) ? &up : &down;
		port = port_at(&s, near);
		if (!is_gateways_port(core, req->key.protocol, port))
			return port;
		if (near == &up)
			is_up = way_next(&s, near);
		else
			is_down = way_next(&s, near);
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
