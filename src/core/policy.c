/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of what a client may have. Pure: no I/O, no table, no clock.
 *
 * Two kinds of ports must be named by a rule that allows them, whoever asks and by whatever
 * version: external ones below min_port or 1024, and internal ones by which hosts are managed.
 * "Internal port >= min_port" is a rule for version 2 only (WANIPConnection:2 2.6).
 */
#include "core/policy.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/conf_preset.h"

#define PORT_SSDP 1900
#define PORT_PCP 5351
#define WELL_KNOWN_PORTS 1024 /* are below that (RFC 6335) */

_Static_assert(POLICY_RULES <= LEASE_RULES_MAX, "leases remember the number of their rule");

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

/* What is found wrong next, the value of that key makes so. */
static void
blame(struct policy_verdict *v, const char *key)
{
	if (v->result == RESULT_OK)
		v->key = key;
}

/* ---- which rule ---- */

/* What rules look at. */
struct subject {
	struct addr6 client;
	const struct mac *mac;
	const char *ifname;
	uint16_t protocol;
	uint16_t external_port, internal_port; /* 0: all; pinholes only */
	bool any_remote;
	bool high_ports_only;    /* inside as well: version 2 */
	bool one_port;           /* both are one: who names one of them names the other */
	struct conf_ports *same; /* narrowed by each rule whose answer hangs on the external port */
};

/* One rule as it is to be read: @scope says for whom, @rule what. Without a preset both are one. */
struct effective {
	const struct conf_rule *scope; /* NULL: of the key "preset" */
	const struct conf_rule *rule;
	uint16_t id;
	int line;
};

enum match { MATCH_NO, MATCH_YES, MATCH_NEEDS_MAC };

/* By what hosts are managed: remote shells, web administration, file sharing, remote desktop. */
static bool
is_management(uint16_t port)
{
	static const uint16_t ports[] = { 22, 23, 80, 443, 445, 3389 };
	size_t i;

	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		if (ports[i] == port)
			return true;
	return false;
}

static bool
has_port(const struct conf_ports *ports, size_t n, uint16_t port)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (port >= ports[i].first && port <= ports[i].last)
			return true;
	return false;
}

/* On this side of where @above begins the answer is what it is for @port. */
static void
narrow_to_side(struct conf_ports *same, uint32_t above, uint16_t port)
{
	if (port < above && same->last >= above)
		same->last = (uint16_t)(above - 1);
	else if (port >= above && same->first < above)
		same->first = (uint16_t)above;
}

/* The answer changes at both ends of each range; those behind others cost narrowness, not truth. */
static void
narrow(struct conf_ports *same, const struct conf_ports *ports, size_t n, uint16_t port)
{
	size_t i;

	for (i = 0; i < n; i++) {
		narrow_to_side(same, ports[i].first, port);
		narrow_to_side(same, ports[i].last + 1u, port);
	}
}

/* May a rule that names no internal ports allow this one? */
static bool
is_plain_inside(const struct conf *conf, const struct subject *s, uint16_t port)
{
	return !is_management(port) && !(s->high_ports_only && port && port < conf->min_port);
}

static bool
matches_protocol(const struct conf_rule *rule, const struct subject *s, bool allows)
{
	switch ((enum conf_protocol)rule->protocol) {
	case CONF_PROTOCOL_ANY:
		return true;
	case CONF_TCP:
		return s->protocol == IPPROTO_TCP || (s->protocol == MSG_PROTO_ANY && !allows);
	case CONF_UDP:
		return s->protocol == IPPROTO_UDP || (s->protocol == MSG_PROTO_ANY && !allows);
	}
	return false;
}

/* A rule without a list means all ports but those that must be named, unless the other list has
 * named what is one with them. */
static bool
is_named(const struct conf_rule *rule, const struct subject *s)
{
	return s->one_port && (rule->n_external || rule->n_internal);
}

/* A request for all ports is more than a list allows, and less than a denied one tolerates. */
static bool
matches_internal(
    const struct conf *conf, const struct conf_rule *rule, const struct subject *s, bool allows)
{
	if (rule->n_internal)
		return has_port(rule->internal, rule->n_internal, s->internal_port) ||
		       (!allows && !s->internal_port);
	return !allows || is_named(rule, s) || is_plain_inside(conf, s, s->internal_port);
}

static bool
matches_external(
    const struct conf *conf, const struct conf_rule *rule, const struct subject *s, bool allows)
{
	uint16_t low = policy_lowest_port(conf);

	if (rule->n_external) {
		narrow(s->same, rule->external, rule->n_external, s->external_port);
		return has_port(rule->external, rule->n_external, s->external_port) ||
		       (!allows && !s->external_port);
	}
	if (!allows || is_named(rule, s))
		return true;
	narrow_to_side(s->same, low, s->external_port);
	return !s->external_port || s->external_port >= low;
}

static bool
matches_lan(const struct conf_rule *scope, const struct subject *s)
{
	size_t i;

	for (i = 0; i < scope->n_lans; i++)
		if (s->ifname && strcmp(scope->lans[i], s->ifname) == 0)
			return true;
	return scope->n_lans == 0;
}

static enum match
matches_client(const struct conf_rule *scope, const struct subject *s)
{
	enum match match = scope->n_clients ? MATCH_NO : MATCH_YES;
	size_t i;

	for (i = 0; i < scope->n_clients && match != MATCH_YES; i++) {
		const struct conf_client *c = &scope->clients[i];

		if (!c->is_mac && prefix6_contains(&c->prefix, &s->client))
			match = MATCH_YES;
		else if (c->is_mac && s->mac && mac_same(&c->mac, s->mac))
			match = MATCH_YES;
		else if (c->is_mac && !s->mac)
			match = MATCH_NEEDS_MAC;
	}
	return match;
}

/* A rule that names a preset can turn all of it into denials. */
static enum conf_action
action_of(const struct effective *e)
{
	if (e->scope && e->scope->action == CONF_DENY)
		return CONF_DENY;
	return (enum conf_action)e->rule->action;
}

/* The external port comes last, so that it narrows only where all else matches. */
static enum match
matches(const struct conf *conf, const struct effective *e, const struct subject *s)
{
	bool allows = action_of(e) == CONF_ALLOW;
	enum match match;

	if (!matches_protocol(e->rule, s, allows) || !matches_internal(conf, e->rule, s, allows) ||
	    (e->scope && !matches_lan(e->scope, s)))
		return MATCH_NO;
	match = e->scope ? matches_client(e->scope, s) : MATCH_YES;
	if (match == MATCH_NO || !matches_external(conf, e->rule, s, allows))
		return MATCH_NO;
	return match;
}

/* The first of @rules that matches: into e->rule. */
static enum match
find_among(const struct conf *conf, const struct subject *s, const struct conf_rule *rules,
    size_t n, struct effective *e)
{
	enum match match = MATCH_NO;
	size_t i;

	for (i = 0; i < n && match == MATCH_NO; i++) {
		e->rule = &rules[i];
		match = matches(conf, e, s);
	}
	return match;
}

static enum match
find_rule(const struct conf *conf, const struct subject *s, struct effective *e)
{
	const struct conf_preset *preset;
	enum match match;
	size_t i;

	for (i = 0; i < conf->n_rules; i++) {
		e->scope = &conf->rules[i];
		e->id = (uint16_t)(1 + i);
		e->line = e->scope->head.line;
		preset = &conf_presets[e->scope->preset];
		match = e->scope->preset ? find_among(conf, s, preset->rules, preset->n_rules, e)
					 : find_among(conf, s, e->scope, 1, e);
		if (match != MATCH_NO)
			return match;
	}
	e->scope = NULL;
	e->line = conf->preset_line;
	for (i = 0; i < conf->n_presets; i++) {
		preset = &conf_presets[conf->presets[i]];
		e->id = (uint16_t)(1 + CONF_RULES_MAX + conf->presets[i]);
		match = find_among(conf, s, preset->rules, preset->n_rules, e);
		if (match != MATCH_NO)
			return match;
	}
	return MATCH_NO;
}

/* ---- what it says ---- */

static void
tell_rule(const struct effective *e, struct policy_verdict *v)
{
	v->line = e->line;
	v->rule_id = e->id;
	if (e->scope && e->scope != e->rule)
		snprintf(v->rule, sizeof(v->rule), "%s: %.28s", e->scope->head.title,
		    e->rule->head.title);
	else
		snprintf(v->rule, sizeof(v->rule), "%s", e->rule->head.title);
}

static void
deny(const struct effective *e, struct policy_verdict *v)
{
	if (e->scope && e->scope->reason[0])
		refuse(v, RESULT_NOT_AUTHORIZED, "%s", e->scope->reason);
	else if (e->rule->reason[0])
		refuse(v, RESULT_NOT_AUTHORIZED, "%s", e->rule->reason);
	else
		refuse(v, RESULT_NOT_AUTHORIZED, "a rule denies it");
}

/* What must be named, and no rule has. */
static void
check_unnamed(const struct conf *conf, const struct subject *s, struct policy_verdict *v)
{
	bool by_key = conf->min_port >= WELL_KNOWN_PORTS;

	if (s->external_port && s->external_port < policy_lowest_port(conf)) {
		blame(v, by_key ? "min_port" : NULL);
		refuse(v, RESULT_NOT_AUTHORIZED,
		    "external port %u is below %s%u, and no rule names it", s->external_port,
		    by_key ? "min_port " : "", policy_lowest_port(conf));
	}
	if (is_management(s->internal_port))
		refuse(v, RESULT_NOT_AUTHORIZED,
		    "hosts are managed by internal port %u, and no rule names it",
		    s->internal_port);
	if (!is_plain_inside(conf, s, s->internal_port)) {
		blame(v, "min_port");
		refuse(v, RESULT_NOT_AUTHORIZED,
		    "internal port %u is below min_port %u, and no rule names it", s->internal_port,
		    conf->min_port);
	}
}

/* Rules only, no limits. False: the built-in limits are to decide the rest. */
static bool
judge(
    const struct conf *conf, const struct subject *s, struct effective *e, struct policy_verdict *v)
{
	switch (find_rule(conf, s, e)) {
	case MATCH_NO:
		narrow_to_side(s->same, policy_lowest_port(conf), s->external_port);
		check_unnamed(conf, s, v);
		return false;
	case MATCH_NEEDS_MAC:
		tell_rule(e, v);
		v->needs_mac = true;
		refuse(v, RESULT_NOT_AUTHORIZED, "its MAC address is not known");
		return true;
	case MATCH_YES:
		break;
	}
	tell_rule(e, v);
	if (action_of(e) == CONF_DENY)
		deny(e, v);
	else if (s->any_remote &&
		 ((e->scope && e->scope->remote_host_required) || e->rule->remote_host_required))
		refuse(v, RESULT_NOT_AUTHORIZED, "a remote host must be named");
	return true;
}

/* The rule's own value, or its preset's, or (0) none. */
#define LIMIT(e, member) ((e)->scope && (e)->scope->member ? (e)->scope->member : (e)->rule->member)

/*
 * Clients live with a lease that is shorter than they asked for: they look at it, or refresh in
 * time; a fault would end it for them. Lease 0 is permanent in version 1, and a week in version 2,
 * where nothing may be longer (WANIPConnection:2 2.3.16).
 */
static uint32_t
granted_s(enum msg_igd igd, uint32_t longest_s, uint32_t wanted_s)
{
	if (igd == MSG_IGD2 && (wanted_s == 0 || wanted_s > MAPPING_LEASE_MAX_S))
		wanted_s = MAPPING_LEASE_MAX_S;
	if (longest_s && (wanted_s == 0 || wanted_s > longest_s))
		return longest_s;
	return wanted_s;
}

static size_t
count(const struct policy_facts *facts, uint16_t rule, uint32_t client)
{
	return facts->count ? facts->count(facts->arg, rule, client) : 0;
}

/* Without a rule (@e NULL) the keys' limits; a rule's own take their place. */
static void
check_limits(const struct conf *conf, const struct effective *e, const struct asker *asker,
    const struct msg_map *req, const struct policy_facts *facts, struct policy_verdict *v)
{
	uint32_t longest_s = e ? LIMIT(e, max_lease_s) : 0;
	uint32_t each = e ? LIMIT(e, max_mappings_per_client) : 0;
	uint32_t all = e ? LIMIT(e, max_mappings) : 0;

	v->lease_s = granted_s(asker->igd, longest_s ? longest_s : conf->max_lease_s, req->lease_s);
	if (e && v->lease_s == 0 && !((!e->scope || e->scope->permanent) && e->rule->permanent))
		refuse(v, RESULT_NOT_AUTHORIZED, "a permanent mapping is not allowed");
	if (each && count(facts, e->id, req->internal_client) >= each)
		refuse(v, RESULT_NO_RESOURCES,
		    "the client has %u mappings by this rule already (max_mappings_per_client)",
		    each);
	if (!each && facts->mappings_of_client >= conf->max_mappings_per_client) {
		blame(v, "max_mappings_per_client");
		refuse(v, RESULT_NO_RESOURCES,
		    "the client has %zu mappings already (max_mappings_per_client)",
		    facts->mappings_of_client);
	}
	if (all && count(facts, e->id, 0) >= all)
		refuse(v, RESULT_NO_RESOURCES,
		    "there are %u mappings by this rule already (max_mappings)", all);
	/* What is granted may be less than was asked for. */
	if (!longest_s && v->lease_s != granted_s(asker->igd, 0, req->lease_s))
		blame(v, "max_lease_s");
}

/* ---- what no rule can allow ---- */

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
	uint32_t to = req->internal_client;

	if (conf->secure && to != asker->client) {
		blame(v, "secure");
		refuse(
		    v, RESULT_NOT_AUTHORIZED, "%s is another host (secure)", addr4_str(to, inside));
	}
	if (!prefix4_contains(&asker->lan, to))
		refuse(v, RESULT_NOT_AUTHORIZED, "%s is not on the LAN %s", addr4_str(to, inside),
		    prefix4_str(&asker->lan, lan));
	if (to == asker->lan.addr)
		refuse(v, RESULT_NOT_AUTHORIZED, "%s is the gateway itself", addr4_str(to, inside));
	if (prefix4_is_edge(&asker->lan, to))
		refuse(v, RESULT_NOT_AUTHORIZED, "%s is no host of the LAN %s",
		    addr4_str(to, inside), prefix4_str(&asker->lan, lan));
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
verdict_init(struct policy_verdict *v)
{
	*v = (struct policy_verdict){
		.result = RESULT_OK, .rule_id = POLICY_RULE_DEFAULT, .same = { 1, UINT16_MAX }
	};
}

void
policy_check(const struct conf *conf, const struct asker *asker, const struct msg_map *req,
    const struct policy_facts *facts, struct policy_verdict *v)
{
	const struct subject s = {
		.client = addr6_from4(asker->client),
		.mac = facts->mac,
		.ifname = asker->ifname,
		.protocol = req->key.protocol,
		.external_port = req->key.external_port,
		.internal_port = req->internal_port,
		.any_remote = req->key.remote_host == 0,
		.high_ports_only = asker->igd == MSG_IGD2 && conf->secure,
		.same = &v->same,
	};
	struct effective e;
	bool by_rule;

	verdict_init(v);
	v->lease_s = req->lease_s;
	check_form(asker, req, v);
	if (asker->origin != LEASE_UPNP) {
		check_static(req, v);
		return;
	}
	check_internal_client(conf, asker, req, v);
	if (v->result != RESULT_OK)
		return;
	by_rule = judge(conf, &s, &e, v);
	check_limits(conf, by_rule ? &e : NULL, asker, req, facts, v);
}

void
policy_check_pinhole(const struct conf *conf, const struct policy_pinhole *req,
    const struct policy_facts *facts, struct policy_verdict *v)
{
	const struct subject s = {
		.client = req->client,
		.mac = facts->mac,
		.ifname = req->ifname,
		.protocol = req->protocol,
		.external_port = req->port,
		.internal_port = req->port,
		.any_remote = req->any_remote,
		.one_port = true,
		.same = &v->same,
	};
	struct effective e;

	verdict_init(v);
	judge(conf, &s, &e, v);
}

const char *
policy_decider_str(
    const struct policy_verdict *v, const char *path, char buf[POLICY_DECIDER_STRLEN])
{
	buf[0] = '\0';
	if (v->rule[0] && v->line)
		snprintf(buf, POLICY_DECIDER_STRLEN, " (rule \"%s\", %.120s:%d)", v->rule, path,
		    v->line);
	else if (v->rule[0])
		snprintf(buf, POLICY_DECIDER_STRLEN, " (rule \"%s\", command line)", v->rule);
	return buf;
}

/* ---- access control ---- */

/* In version 2: what leads to the asker, between ports that it may have or that a rule gave it. */
static bool
is_own(const struct conf *conf, const struct asker *asker, const struct lease *lease)
{
	return lease->internal_client == asker->client &&
	       (lease->rule != POLICY_RULE_DEFAULT ||
		   (lease->external_port >= policy_lowest_port(conf) &&
		       lease->internal_port >= conf->min_port));
}

static bool
is_restricted(const struct conf *conf, const struct asker *asker)
{
	return asker->origin == LEASE_UPNP && asker->igd == MSG_IGD2 && conf->secure;
}

bool
policy_may_see(const struct conf *conf, const struct asker *asker, const struct lease *lease)
{
	return !is_restricted(conf, asker) || is_own(conf, asker, lease);
}

bool
policy_may_delete(const struct conf *conf, const struct asker *asker, const struct lease *lease)
{
	if (asker->origin != LEASE_UPNP)
		return true;
	if (lease->origin != LEASE_UPNP)
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

uint16_t
policy_lowest_port(const struct conf *conf)
{
	return conf->min_port > WELL_KNOWN_PORTS ? conf->min_port : WELL_KNOWN_PORTS;
}

bool
policy_is_ours(const struct conf *conf, uint8_t protocol, uint16_t port)
{
	if (protocol == IPPROTO_TCP)
		return port == conf->http_port;
	return port == PORT_SSDP || port == PORT_PCP;
}
