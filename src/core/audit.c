/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/audit.h"

#include <libmnl/libmnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/control_verbs.h"
#include "core/findings.h"
#include "core/lan.h"
#include "core/lease_json.h"
#include "core/mapping.h"
#include "core/pinhole.h"
#include "core/wan.h"
#include "platform/neigh.h"

/* Each way in costs three questions to the kernel, about 25 microseconds in all. */
#define PAGE_WAYS 200
#define PAGE_HOSTS 500

/* ---- what is found, as JSON ---- */

struct page {
	const struct conf *conf;
	json_t *findings, *checks;
};

static bool
is_accepted(const struct conf *conf, enum conf_finding id)
{
	size_t i;

	for (i = 0; i < conf->n_audit_accept; i++)
		if (conf->audit_accept[i] == id)
			return true;
	return false;
}

static json_t *
id_json(uint32_t id)
{
	return id ? json_integer((json_int_t)id) : json_null();
}

/* Why it matters stands once in a page. */
static void
on_finding(void *arg, const struct finding *f)
{
	const char *id = conf_finding_words[f->id];
	struct page *page = arg;
	json_t *check, *finding;

	check = json_object_get(page->checks, id);
	if (!check) {
		json_object_set_new(page->checks, id,
		    json_pack("{s:s, s:o}", "why", f->why, "remedy", text_json(f->remedy)));
		check = json_object_get(page->checks, id);
	}
	finding = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:b}", "id", id, "severity",
	    finding_severity_str(f->severity), "subject",
	    f->subject[0] ? json_string(f->subject) : json_null(), "seen", text_json(f->seen),
	    "mapping", id_json(f->mapping), "pinhole", id_json(f->pinhole), "accepted",
	    is_accepted(page->conf, f->id));
	if (strcmp(f->remedy, json_string_value(json_object_get(check, "remedy"))) != 0)
		json_object_set_new(finding, "remedy", text_json(f->remedy));
	json_array_append_new(page->findings, finding);
}

/* Takes the facts to the checks. @next: 0: it was the last page. */
static json_t *
find(struct core *core, const struct findings_facts *facts, uint32_t next)
{
	struct page page = {
		.conf = &core->conf, .findings = json_array(), .checks = json_object()
	};

	findings_check(facts, on_finding, &page);
	return json_pack("{s:o, s:o, s:o}", "findings", page.findings, "checks", page.checks,
	    "next", id_json(next));
}

static struct findings_facts *
new_facts(struct core *core)
{
	struct findings_facts *facts = calloc(1, sizeof(*facts));

	if (!facts)
		return NULL;
	facts->now_s = core->wall_s();
	facts->unused_days = core->conf.audit_unused_days;
	facts->many_ports = core->conf.audit_many_ports;
	return facts;
}

/* ---- hosts ---- */

/* The LAN that @addr is on: its index, 0: none that we serve. */
static uint32_t
lan_of(const struct core *core, const struct addr6 *addr)
{
	const struct lan *lan;
	uint32_t addr4;
	size_t i, p;

	for (i = 0; (lan = lans_at(core->lans, i)); i++) {
		if (!lan->serving)
			continue;
		if (addr6_to4(addr, &addr4)) {
			if (prefix4_contains(&lan->prefix, addr4))
				return lan->ifindex;
			continue;
		}
		for (p = 0; p < lan->n_prefixes6; p++)
			if (prefix6_contains(&lan->prefixes6[p], addr))
				return lan->ifindex;
	}
	return 0;
}

static enum neigh_presence
presence(const struct core *core, struct mnl_socket *sk, const struct addr6 *addr, bool may_ask)
{
	uint32_t ifindex = lan_of(core, addr);

	return sk && ifindex ? neigh_presence(sk, ifindex, addr, may_ask) : NEIGH_UNKNOWN;
}

static bool
is_first_of_host(const struct core *core, const struct lease *lease)
{
	return lease_of(core->leases, lease->internal_client, 0) == lease;
}

static json_t *
ask_hosts(struct core *core, uint32_t after)
{
	struct mnl_socket *sk = neigh_open();
	struct lease *lease = lease_after(core->leases, after);
	struct addr6 host;
	size_t n, asking = 0;

	for (n = 0; lease && n < PAGE_HOSTS; n++) {
		host = addr6_from4(lease->internal_client);
		if (is_first_of_host(core, lease))
			asking += presence(core, sk, &host, true) == NEIGH_ASKING;
		after = lease->id;
		lease = lease_after(core->leases, after);
	}
	if (sk)
		mnl_socket_close(sk);
	return json_pack(
	    "{s:I, s:o}", "asking", (json_int_t)asking, "next", id_json(lease ? after : 0));
}

/* Pinholes are few and short-lived, so each is asked for. */
static json_t *
ask_pinhole_hosts(struct core *core, uint32_t after)
{
	struct mnl_socket *sk = neigh_open();
	struct pinhole *p = pinhole_after(core->pinholes, (uint16_t)after);
	size_t n, asking = 0;

	for (n = 0; p && n < PAGE_HOSTS; n++) {
		asking += presence(core, sk, &p->key.internal_client, true) == NEIGH_ASKING;
		after = p->id;
		p = pinhole_after(core->pinholes, p->id);
	}
	if (sk)
		mnl_socket_close(sk);
	return json_pack(
	    "{s:I, s:o}", "asking", (json_int_t)asking, "next", id_json(p ? after : 0));
}

static enum findings_host
host_state(const struct core *core, struct mnl_socket *sk, const struct addr6 *addr)
{
	switch (presence(core, sk, addr, false)) {
	case NEIGH_THERE:
		return FINDINGS_HOST_THERE;
	case NEIGH_GONE:
		return FINDINGS_HOST_GONE;
	case NEIGH_ASKING:
	case NEIGH_UNKNOWN:
		break;
	}
	return FINDINGS_HOST_UNKNOWN;
}

/* ---- ways in ---- */

static void
fill_mapping(struct core *core, struct mnl_socket *sk, struct lease *l, struct findings_way *way)
{
	mapping_refresh_use(core, l);
	*way = (struct findings_way){ .id = l->id,
		.enabled = l->enabled,
		.by_client = l->origin == LEASE_UPNP,
		.any_remote = l->remote_host == 0,
		.permanent = l->duration_s == 0,
		.protocol = l->protocol,
		.external_port = l->external_port,
		.internal_port = l->internal_port,
		.internal = addr6_from4(l->internal_client),
		.client = addr6_from4(l->client),
		.created_s = l->created_s,
		.last_used_s = l->last_used_s,
		.first_of_host = is_first_of_host(core, l) };
	/* The host's others say the same, so the kernel is asked for each all the same: it is
	 * cheaper than to remember. */
	way->host = host_state(core, sk, &way->internal);
	if (way->first_of_host)
		while (lease_of(core->leases, l->internal_client, way->of_host))
			way->of_host++;
	snprintf(way->description, sizeof(way->description), "%.*s",
	    (int)sizeof(way->description) - 1, l->description);
}

static void
fill_pinhole(struct core *core, struct mnl_socket *sk, struct pinhole *p, struct findings_way *way)
{
	pinhole_refresh_use(core, p);
	*way = (struct findings_way){ .id = p->id,
		.pinhole = true,
		.enabled = true,
		.by_client = p->origin == LEASE_UPNP,
		.any_remote = addr6_is_zero(&p->key.remote_host),
		.protocol = p->key.protocol,
		.external_port = p->key.internal_port,
		.internal_port = p->key.internal_port,
		.internal = p->key.internal_client,
		.client = p->client,
		.created_s = p->created_s,
		.last_used_s = p->last_used_s };
	way->host = host_state(core, sk, &way->internal);
}

/* Fills a page of ways behind @after; returns where the next one begins, 0: there is none. */
static uint32_t
gather_mappings(
    struct core *core, struct mnl_socket *sk, uint32_t after, struct findings_way *ways, size_t *n)
{
	struct lease *lease = lease_after(core->leases, after);

	for (*n = 0; lease && *n < PAGE_WAYS; ++*n) {
		fill_mapping(core, sk, lease, &ways[*n]);
		after = lease->id;
		lease = lease_after(core->leases, after);
	}
	return lease ? after : 0;
}

static uint32_t
gather_pinholes(
    struct core *core, struct mnl_socket *sk, uint32_t after, struct findings_way *ways, size_t *n)
{
	struct pinhole *p = pinhole_after(core->pinholes, (uint16_t)after);

	for (*n = 0; p && *n < PAGE_WAYS; ++*n) {
		fill_pinhole(core, sk, p, &ways[*n]);
		after = p->id;
		p = pinhole_after(core->pinholes, p->id);
	}
	return p ? after : 0;
}

static json_t *
find_ways(struct core *core, uint32_t after,
    uint32_t (*gather)(struct core *core, struct mnl_socket *sk, uint32_t after,
	struct findings_way *ways, size_t *n))
{
	struct findings_way *ways = calloc(PAGE_WAYS, sizeof(*ways));
	struct findings_facts *facts = new_facts(core);
	struct mnl_socket *sk = neigh_open();
	json_t *answer = NULL;
	uint32_t next;

	if (ways && facts) {
		next = gather(core, sk, after, ways, &facts->n_ways);
		facts->ways = ways;
		answer = find(core, facts, next);
	}
	if (sk)
		mnl_socket_close(sk);
	free(facts);
	free(ways);
	return answer;
}

/* ---- the gateway ---- */

static void
on_line(void *arg, const struct doctor_line *line)
{
	struct findings_facts *facts = arg;

	if (line->result != DOCTOR_WARN && line->result != DOCTOR_FAIL)
		return;
	if (facts->n_lines < FINDINGS_LINES_MAX)
		facts->lines[facts->n_lines++] = *line;
}

/* Without a trail nothing is known, and nothing said. */
static void
fill_incidents(struct core *core, struct findings_facts *facts)
{
	static const enum trail_action actions[FINDINGS_INCIDENTS] = {
		[FINDINGS_HEALED] = TRAIL_HEAL,
		[FINDINGS_WORKER_ENDED] = TRAIL_WORKER_END,
		[FINDINGS_CORE_CRASHED] = TRAIL_CRASH,
		[FINDINGS_CLOCK_JUMPED] = TRAIL_CLOCK_JUMP,
		[FINDINGS_SET_ASIDE] = TRAIL_SET_ASIDE,
		[FINDINGS_ROWS_LOST] = TRAIL_ROWS_LOST,
	};
	int64_t since_s = facts->now_s - FINDINGS_INCIDENT_DAYS * INT64_C(86400);
	struct trail_store *store = trail_read(core->trail);
	size_t i;

	for (i = 0; store && i < FINDINGS_INCIDENTS; i++)
		trail_store_incident(store, actions[i], since_s, &facts->incidents[i]);
}

static json_t *
find_gateway(struct core *core)
{
	struct doctor_facts *seen = calloc(1, sizeof(*seen));
	struct findings_facts *facts = new_facts(core);
	json_t *answer = NULL;

	if (seen && facts) {
		facts->gateway = true;
		facts->secure = core->conf.secure;
		facts->double_nat = wan_double_nat(core->wan);
		facts->wan_address = wan_address(core->wan);
		doctor_gather(core, seen);
		doctor_check(seen, on_line, facts);
		fill_incidents(core, facts);
		answer = find(core, facts, 0);
	}
	free(facts);
	free(seen);
	return answer;
}

json_t *
audit_answer(struct core *core, json_t *request)
{
	const char *of = "gateway";
	json_int_t after = 0;
	json_error_t error;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s?s, s?I}", "of", &of, "after", &after) <
	    0)
		return control_error("invalid-args", "%s", error.text);
	if (after < 0 || after > UINT32_MAX)
		return control_error("invalid-args", "after is an id");
	if (strcmp(of, "gateway") == 0)
		return find_gateway(core);
	if (strcmp(of, "hosts") == 0)
		return ask_hosts(core, (uint32_t)after);
	if (strcmp(of, "pinhole-hosts") == 0)
		return ask_pinhole_hosts(core, (uint32_t)after);
	if (strcmp(of, "mappings") == 0)
		return find_ways(core, (uint32_t)after, gather_mappings);
	if (strcmp(of, "pinholes") == 0)
		return find_ways(core, (uint32_t)after, gather_pinholes);
	return control_error("invalid-args",
	    "of is \"gateway\", \"hosts\", \"pinhole-hosts\", \"mappings\" or \"pinholes\"");
}
