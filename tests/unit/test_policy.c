/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/policy.h"
#include "unit.h"

#include <netinet/in.h>
#include <string.h>

#define HOST(n) (0xc0a80100u | (n))

static const struct conf secure = {
	.secure = true, .min_port = 1024, .max_mappings_per_client = 128
};

static const struct asker host7 = {
	.origin = LEASE_UPNP, .client = HOST(7), .lan = { HOST(1), 24 }
};

static const struct asker administrator = { .origin = LEASE_STATIC };

static struct msg_map
to_host(unsigned host)
{
	return (struct msg_map){
		.key = { .client = HOST(7), .external_port = 8080, .protocol = MSG_PROTO_TCP },
		.internal_client = HOST(host),
		.internal_port = 8000,
		.enabled = 1,
		.lease_s = 3600,
	};
}

/* With nothing known but how many mappings the client has. */
static void
check_with(const struct conf *conf, const struct asker *asker, const struct msg_map *req,
    size_t have, struct policy_verdict *v)
{
	const struct policy_facts facts = { .mappings_of_client = have };

	policy_check(conf, asker, req, &facts, v);
}

static enum result
check(const struct conf *conf, const struct asker *asker, const struct msg_map *req, size_t have)
{
	struct policy_verdict v;

	check_with(conf, asker, req, have, &v);
	CU_ASSERT_EQUAL(v.reason[0] == '\0', v.result == RESULT_OK);
	return v.result;
}

static void
test_a_client_may_map_to_itself_also_to_a_low_port_inside(void)
{
	struct msg_map req = to_host(7);

	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 0), RESULT_OK);
	req.internal_port = 554;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 0), RESULT_OK);
}

static void
test_ports_by_which_hosts_are_managed_must_be_named(void)
{
	static const uint16_t ports[] = { 22, 23, 80, 443, 445, 3389 };
	struct conf conf = secure;
	struct msg_map req = to_host(7);
	struct policy_verdict v;
	size_t i;

	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		conf = secure;
		req.internal_port = ports[i];
		req.key.protocol = i % 2 ? IPPROTO_UDP : IPPROTO_TCP;
		CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
		conf.secure = false;
		CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_NOT_AUTHORIZED);

		/* a rule for all ports does not name them, one for a range does */
		conf.rules[0] = (struct conf_rule){ .action = CONF_ALLOW, .permanent = true };
		conf.n_rules = 1;
		check_with(&conf, &host7, &req, 0, &v);
		CU_ASSERT_EQUAL(v.result, RESULT_NOT_AUTHORIZED);
		CU_ASSERT_PTR_NOT_NULL(strstr(v.reason, "no rule names it"));
		conf.rules[0].internal[conf.rules[0].n_internal++] =
		    (struct conf_ports){ (uint16_t)(ports[i] - 1), ports[i] };
		CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_OK);
	}
}

static void
test_secure_mode_refuses_other_hosts_and_open_mode_hosts_that_are_none(void)
{
	struct conf open = secure;
	struct msg_map req = to_host(8);

	open.secure = false;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(check(&open, &host7, &req, 0), RESULT_OK);
	req = to_host(1); /* the gateway */
	CU_ASSERT_EQUAL(check(&open, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	req = to_host(0); /* the network */
	CU_ASSERT_EQUAL(check(&open, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	req = to_host(255); /* broadcast */
	CU_ASSERT_EQUAL(check(&open, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	req.internal_client = 0x08080808; /* elsewhere */
	CU_ASSERT_EQUAL(check(&open, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	req.internal_client = 0xffffffff;
	CU_ASSERT_EQUAL(check(&open, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
}

static void
test_the_gateway_cannot_map_to_itself(void)
{
	struct asker gateway = host7;
	struct msg_map req = to_host(1);

	gateway.client = HOST(1);
	CU_ASSERT_EQUAL(check(&secure, &gateway, &req, 0), RESULT_NOT_AUTHORIZED);
}

static void
test_ports_below_the_least_are_refused(void)
{
	struct conf conf = secure;
	struct msg_map req = to_host(7);

	req.key.external_port = 1023;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	req.key.external_port = 1024;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 0), RESULT_OK);
	req.key.external_port = 65535;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 0), RESULT_OK);
	conf.min_port = 2000;
	req.key.external_port = 1999;
	CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	conf.min_port = 1; /* names no port */
	CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_OK);
	req.key.external_port = 1023;
	CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
}

static void
test_a_client_gets_its_share_and_no_more(void)
{
	struct msg_map req = to_host(7);

	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 127), RESULT_OK);
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 128), RESULT_NO_RESOURCES);
}

static void
test_the_first_fault_wins(void)
{
	struct msg_map req = to_host(8);

	req.key.external_port = 80;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 999), RESULT_NOT_AUTHORIZED);
	req.internal_port = 0;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 999), RESULT_INVALID_ARGS);
	req.key.external_port = 0;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 999), RESULT_WILDCARD_EXT_PORT);
	req.internal_client = 0;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 999), RESULT_WILDCARD_CLIENT);
}

static void
test_long_leases_are_cut_to_the_longest(void)
{
	static const struct {
		uint32_t max_s, wanted_s, granted_s;
	} cases[] = {
		{ 0, 0, 0 },
		{ 0, UINT32_MAX, UINT32_MAX },
		{ 86400, 0, 86400 },
		{ 86400, 86401, 86400 },
		{ 86400, 3600, 3600 },
	};
	struct msg_map req = to_host(7);
	struct conf conf = secure;
	struct policy_verdict v;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		conf.max_lease_s = cases[i].max_s;
		req.lease_s = cases[i].wanted_s;
		check_with(&conf, &host7, &req, 0, &v);
		CU_ASSERT_EQUAL(v.result, RESULT_OK);
		CU_ASSERT_EQUAL(v.lease_s, cases[i].granted_s);
	}
}

static void
test_the_administrator_is_bound_by_form_only(void)
{
	struct conf conf = secure;
	struct msg_map req = to_host(8);
	struct policy_verdict v;

	conf.max_lease_s = 60;
	req.key.external_port = 80;
	req.lease_s = 0;
	check_with(&conf, &administrator, &req, 999, &v);
	CU_ASSERT_EQUAL(v.result, RESULT_OK);
	CU_ASSERT_EQUAL(v.lease_s, 0);

	req.internal_client = 0x7f000001;
	CU_ASSERT_EQUAL(check(&conf, &administrator, &req, 0), RESULT_INVALID_ARGS);
	req.internal_client = 0xe0000001;
	CU_ASSERT_EQUAL(check(&conf, &administrator, &req, 0), RESULT_INVALID_ARGS);
	req.internal_client = 0;
	CU_ASSERT_EQUAL(check(&conf, &administrator, &req, 0), RESULT_WILDCARD_CLIENT);
}

/* WANIPConnection:2 2.6 */
static void
test_version_2_wants_high_ports_on_both_sides(void)
{
	struct asker host = host7;
	struct conf open = secure;
	struct msg_map req = to_host(7);

	host.igd = MSG_IGD2;
	req.internal_port = 554;
	CU_ASSERT_EQUAL(check(&secure, &host, &req, 0), RESULT_NOT_AUTHORIZED);
	req.internal_port = 1024;
	CU_ASSERT_EQUAL(check(&secure, &host, &req, 0), RESULT_OK);
	req.internal_port = 0;
	CU_ASSERT_EQUAL(check(&secure, &host, &req, 0), RESULT_WILDCARD_INT_PORT);
	open.secure = false;
	req.internal_port = 554;
	CU_ASSERT_EQUAL(check(&open, &host, &req, 0), RESULT_OK);
	open = secure;
	open.min_port = 554;
	CU_ASSERT_EQUAL(check(&open, &host, &req, 0), RESULT_OK);
}

/* WANIPConnection:2 2.3.16 */
static void
test_a_lease_of_version_2_is_a_week_at_most(void)
{
	static const struct {
		uint32_t wanted_s, max_s, granted_s;
	} rows[] = {
		{ 0, 0, 604800 },
		{ 1, 0, 1 },
		{ 604800, 0, 604800 },
		{ 604801, 0, 604800 },
		{ UINT32_MAX, 0, 604800 },
		{ 0, 3600, 3600 },
		{ 7200, 3600, 3600 },
		{ 60, 3600, 60 },
		{ 0, 1000000, 604800 },
	};
	struct asker host = host7;
	struct conf conf = secure;
	struct msg_map req = to_host(7);
	struct policy_verdict v;
	size_t i;

	host.igd = MSG_IGD2;
	req.internal_port = 8080;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		conf.max_lease_s = rows[i].max_s;
		req.lease_s = rows[i].wanted_s;
		check_with(&conf, &host, &req, 0, &v);
		CU_ASSERT_EQUAL(v.result, RESULT_OK);
		CU_ASSERT_EQUAL(v.lease_s, rows[i].granted_s);
	}
}

static void
test_version_2_sees_and_ends_its_own_between_high_ports(void)
{
	const struct lease own = { .origin = LEASE_UPNP,
		.external_port = 8080,
		.internal_port = 8080,
		.internal_client = HOST(7),
		.client = HOST(7) };
	struct lease lease = own;
	struct asker host = host7;
	struct conf open = secure;

	host.igd = MSG_IGD2;
	open.secure = false;
	CU_ASSERT_TRUE(policy_may_see(&secure, &host, &own));
	CU_ASSERT_TRUE(policy_may_delete(&secure, &host, &own));

	lease.internal_client = HOST(8); /* it asked for another */
	CU_ASSERT_FALSE(policy_may_see(&secure, &host, &lease));
	CU_ASSERT_FALSE(policy_may_delete(&secure, &host, &lease));
	CU_ASSERT_TRUE(policy_may_see(&secure, &host7, &lease));
	CU_ASSERT_TRUE(policy_may_delete(&secure, &host7, &lease));
	CU_ASSERT_TRUE(policy_may_see(&open, &host, &lease));
	CU_ASSERT_TRUE(policy_may_delete(&open, &host, &lease));

	lease = own;
	lease.internal_port = 80;
	CU_ASSERT_FALSE(policy_may_see(&secure, &host, &lease));
	CU_ASSERT_FALSE(policy_may_delete(&secure, &host, &lease));
	lease = own;
	lease.origin = LEASE_STATIC;
	CU_ASSERT_TRUE(policy_may_see(&secure, &host, &lease));
	CU_ASSERT_FALSE(policy_may_delete(&secure, &host, &lease));
	CU_ASSERT_FALSE(policy_may_delete(&open, &host, &lease));
	CU_ASSERT_TRUE(policy_may_delete(&secure, &administrator, &lease));

	CU_ASSERT_FALSE(policy_may_reach(&secure, &host, 1023));
	CU_ASSERT_TRUE(policy_may_reach(&secure, &host, 1024));
	CU_ASSERT_TRUE(policy_may_reach(&open, &host, 1));
	CU_ASSERT_FALSE(policy_may_manage(&secure));
	CU_ASSERT_TRUE(policy_may_manage(&open));
}

/* ---- rules ---- */

#define ADDR(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const struct mac mac7 = { { 0x52, 0x54, 0, 0, 0, 7 } };

static struct conf_client
prefix_of(uint32_t addr, uint8_t len)
{
	return (struct conf_client){ .prefix = { addr6_from4(addr), (uint8_t)(96 + len) } };
}

/* A configuration with one rule, in line 12, which tests go on to fill in. */
static struct conf
with_rule(enum conf_action action)
{
	struct conf conf = secure;

	conf.n_rules = 1;
	conf.rules[0] = (struct conf_rule){
		.head = { .title = "one", .line = 12 }, .action = (uint8_t)action, .permanent = true
	};
	return conf;
}

/* Is the request of host 7 decided by the rule "one"? */
static bool
is_decided(const struct conf *conf, const struct asker *asker, const struct msg_map *req,
    const struct mac *mac)
{
	const struct policy_facts facts = { .mac = mac };
	struct policy_verdict v;

	policy_check(conf, asker, req, &facts, &v);
	CU_ASSERT_EQUAL(v.rule[0] != 0, v.rule_id != POLICY_RULE_DEFAULT);
	return strcmp(v.rule, "one") == 0;
}

static void
test_a_rule_matches_clients_by_address_and_prefix(void)
{
	struct conf conf = with_rule(CONF_DENY);
	struct msg_map req = to_host(7);
	struct conf_rule *rule = &conf.rules[0];

	CU_ASSERT_TRUE(is_decided(&conf, &host7, &req, NULL)); /* everybody */
	rule->n_clients = 1;
	rule->clients[0] = prefix_of(HOST(7), 32);
	CU_ASSERT_TRUE(is_decided(&conf, &host7, &req, NULL));
	rule->clients[0] = prefix_of(HOST(8), 32);
	CU_ASSERT_FALSE(is_decided(&conf, &host7, &req, NULL));
	rule->clients[0] = prefix_of(HOST(0), 29);
	CU_ASSERT_TRUE(is_decided(&conf, &host7, &req, NULL));
	rule->clients[0] = prefix_of(HOST(8), 29);
	CU_ASSERT_FALSE(is_decided(&conf, &host7, &req, NULL));
	rule->n_clients = 2;
	rule->clients[1] = prefix_of(ADDR(192, 168, 0, 0), 16);
	CU_ASSERT_TRUE(is_decided(&conf, &host7, &req, NULL));
	/* an IPv6 prefix has no IPv4 hosts, not even ::/0 less than all */
	rule->n_clients = 1;
	rule->clients[0] = (struct conf_client){ .prefix = { { { 0x20, 1, 0xd, 0xb8 } }, 32 } };
	CU_ASSERT_FALSE(is_decided(&conf, &host7, &req, NULL));
}

static void
test_a_rule_matches_clients_by_mac_and_asks_for_it_only_then(void)
{
	const struct mac mac8 = { { 0x52, 0x54, 0, 0, 0, 8 } };
	struct conf conf = with_rule(CONF_DENY);
	const struct policy_facts unknown = { .mac = NULL };
	struct msg_map req = to_host(7);
	struct conf_rule *rule = &conf.rules[0];
	struct policy_verdict v;

	rule->n_clients = 1;
	rule->clients[0] = (struct conf_client){ .is_mac = true, .mac = mac7 };
	CU_ASSERT_TRUE(is_decided(&conf, &host7, &req, &mac7));
	CU_ASSERT_FALSE(is_decided(&conf, &host7, &req, &mac8));

	/* not known: refused for now, whatever the rule would do */
	for (rule->action = CONF_ALLOW; rule->action <= CONF_DENY; rule->action++) {
		policy_check(&conf, &host7, &req, &unknown, &v);
		CU_ASSERT_EQUAL(v.result, RESULT_NOT_AUTHORIZED);
		CU_ASSERT_TRUE(v.needs_mac);
	}
	/* but for one that the rule is not about, nobody asks */
	rule->action = CONF_DENY;
	rule->protocol = CONF_UDP;
	policy_check(&conf, &host7, &req, &unknown, &v);
	CU_ASSERT_EQUAL(v.result, RESULT_OK);
	CU_ASSERT_FALSE(v.needs_mac);
	/* nor where an address of the same rule matches */
	rule->protocol = CONF_TCP;
	rule->clients[rule->n_clients++] = prefix_of(HOST(7), 32);
	policy_check(&conf, &host7, &req, &unknown, &v);
	CU_ASSERT_FALSE(v.needs_mac);
	CU_ASSERT_EQUAL(v.result, RESULT_NOT_AUTHORIZED);
}

static void
test_a_rule_matches_the_lan_it_was_asked_by(void)
{
	struct conf conf = with_rule(CONF_DENY);
	struct asker asker = host7;
	struct msg_map req = to_host(7);

	conf.rules[0].n_lans = 2;
	strcpy(conf.rules[0].lans[0], "br0");
	strcpy(conf.rules[0].lans[1], "br1");
	CU_ASSERT_FALSE(is_decided(&conf, &asker, &req, NULL));
	asker.ifname = "br1";
	CU_ASSERT_TRUE(is_decided(&conf, &asker, &req, NULL));
	asker.ifname = "br10";
	CU_ASSERT_FALSE(is_decided(&conf, &asker, &req, NULL));
}

static void
test_a_rule_matches_protocol_and_ports(void)
{
	struct conf conf = with_rule(CONF_DENY);
	struct msg_map req = to_host(7);
	struct conf_rule *rule = &conf.rules[0];

	rule->protocol = CONF_UDP;
	CU_ASSERT_FALSE(is_decided(&conf, &host7, &req, NULL));
	req.key.protocol = IPPROTO_UDP;
	CU_ASSERT_TRUE(is_decided(&conf, &host7, &req, NULL));
	rule->protocol = CONF_TCP;
	CU_ASSERT_FALSE(is_decided(&conf, &host7, &req, NULL));
	rule->protocol = CONF_PROTOCOL_ANY;

	rule->external[0] = (struct conf_ports){ 8000, 8079 };
	rule->n_external = 1;
	CU_ASSERT_FALSE(is_decided(&conf, &host7, &req, NULL));
	rule->external[1] = (struct conf_ports){ 8080, 8080 };
	rule->n_external = 2;
	CU_ASSERT_TRUE(is_decided(&conf, &host7, &req, NULL));
	rule->internal[0] = (struct conf_ports){ 8001, 65535 };
	rule->n_internal = 1;
	CU_ASSERT_FALSE(is_decided(&conf, &host7, &req, NULL)); /* both must match */
	req.internal_port = 8001;
	CU_ASSERT_TRUE(is_decided(&conf, &host7, &req, NULL));
	req.internal_port = 65535;
	CU_ASSERT_TRUE(is_decided(&conf, &host7, &req, NULL));
}

static void
test_an_allowing_rule_names_low_ports_outside_or_does_not_match(void)
{
	struct conf conf = with_rule(CONF_ALLOW);
	struct msg_map req = to_host(7);
	struct conf_rule *rule = &conf.rules[0];

	req.key.external_port = 443;
	CU_ASSERT_FALSE(is_decided(&conf, &host7, &req, NULL));
	CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	rule->external[0] = (struct conf_ports){ 443, 443 };
	rule->n_external = 1;
	CU_ASSERT_TRUE(is_decided(&conf, &host7, &req, NULL));
	CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_OK);
	req.internal_port = 443; /* inside it is another matter */
	CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_NOT_AUTHORIZED);

	/* in version 2 a rule that names a low port inside gives it, too */
	rule->internal[0] = (struct conf_ports){ 443, 554 };
	rule->n_internal = 1;
	req.internal_port = 554;
	struct asker v2 = host7;
	v2.igd = MSG_IGD2;
	CU_ASSERT_EQUAL(check(&conf, &v2, &req, 0), RESULT_OK);
}

static void
test_the_first_rule_that_matches_decides(void)
{
	struct conf conf = with_rule(CONF_DENY);
	struct msg_map req = to_host(7);
	struct policy_verdict v;

	conf.n_rules = 3;
	conf.rules[0].n_external = 1;
	conf.rules[0].external[0] = (struct conf_ports){ 9000, 9000 };
	conf.rules[1] =
	    (struct conf_rule){ .head = { "two", 20 }, .action = CONF_ALLOW, .permanent = true };
	conf.rules[2] = (struct conf_rule){ .head = { "three", 30 }, .action = CONF_DENY };
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_EQUAL(v.result, RESULT_OK);
	CU_ASSERT_STRING_EQUAL(v.rule, "two");
	CU_ASSERT_EQUAL(v.line, 20);
	CU_ASSERT_EQUAL(v.rule_id, 2);
	req.key.external_port = 9000;
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_EQUAL(v.result, RESULT_NOT_AUTHORIZED);
	CU_ASSERT_STRING_EQUAL(v.rule, "one");
	conf.n_rules = 1;
	req.key.external_port = 9001;
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_EQUAL(v.result, RESULT_OK);
	CU_ASSERT_STRING_EQUAL(v.rule, "");
	CU_ASSERT_EQUAL(v.rule_id, POLICY_RULE_DEFAULT);
}

static void
test_a_denial_says_why_and_by_which_rule_and_line(void)
{
	struct conf conf = with_rule(CONF_DENY);
	char where[POLICY_DECIDER_STRLEN];
	struct msg_map req = to_host(7);
	struct policy_verdict v;

	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_STRING_EQUAL(v.reason, "a rule denies it");
	strcpy(conf.rules[0].reason, "printers need no port");
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_STRING_EQUAL(v.reason, "printers need no port");
	CU_ASSERT_STRING_EQUAL(v.rule, "one");
	CU_ASSERT_EQUAL(v.line, 12);
	CU_ASSERT_STRING_EQUAL(
	    policy_decider_str(&v, "/etc/p.conf", where), " (rule \"one\", /etc/p.conf:12)");
	v.line = 0;
	CU_ASSERT_STRING_EQUAL(
	    policy_decider_str(&v, "/etc/p.conf", where), " (rule \"one\", command line)");
	v.rule[0] = '\0';
	CU_ASSERT_STRING_EQUAL(policy_decider_str(&v, "/etc/p.conf", where), "");
}

static void
test_no_rule_allows_what_secure_mode_forbids(void)
{
	struct conf conf = with_rule(CONF_ALLOW);
	struct msg_map req = to_host(8);

	CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	conf.secure = false;
	CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_OK);
	req = to_host(1);
	CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
}

static void
test_rules_do_not_bind_the_administrator(void)
{
	struct conf conf = with_rule(CONF_DENY);
	struct msg_map req = to_host(7);
	struct policy_verdict v;

	check_with(&conf, &administrator, &req, 0, &v);
	CU_ASSERT_EQUAL(v.result, RESULT_OK);
	CU_ASSERT_STRING_EQUAL(v.rule, "");
}

static void
test_a_rule_has_its_own_longest_lease(void)
{
	struct conf conf = with_rule(CONF_ALLOW);
	struct msg_map req = to_host(7);
	struct asker v2 = host7;
	struct policy_verdict v;

	conf.max_lease_s = 600;
	conf.rules[0].max_lease_s = 7200;
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_EQUAL(v.lease_s, 3600);
	req.lease_s = 0;
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_EQUAL(v.lease_s, 7200);
	conf.rules[0].max_lease_s = 0;
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_EQUAL(v.lease_s, 600);
	conf.rules[0].max_lease_s = UINT32_MAX;
	v2.igd = MSG_IGD2;
	check_with(&conf, &v2, &req, 0, &v);
	CU_ASSERT_EQUAL(v.lease_s, 604800);
}

static void
test_a_rule_may_refuse_permanent_mappings_and_open_ones(void)
{
	struct conf conf = with_rule(CONF_ALLOW);
	struct msg_map req = to_host(7);
	struct asker v2 = host7;
	struct policy_verdict v;

	conf.rules[0].permanent = false;
	CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_OK);
	req.lease_s = 0;
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_EQUAL(v.result, RESULT_NOT_AUTHORIZED);
	CU_ASSERT_PTR_NOT_NULL(strstr(v.reason, "permanent"));
	v2.igd = MSG_IGD2; /* where 0 is a week */
	CU_ASSERT_EQUAL(check(&conf, &v2, &req, 0), RESULT_OK);
	conf.rules[0].max_lease_s = 60;
	CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_OK);

	conf = with_rule(CONF_ALLOW);
	conf.rules[0].remote_host_required = true;
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_EQUAL(v.result, RESULT_NOT_AUTHORIZED);
	CU_ASSERT_PTR_NOT_NULL(strstr(v.reason, "remote host"));
	req.key.remote_host = ADDR(203, 0, 113, 9);
	CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_OK);
}

/* @arg: what rule 1 has allowed, in all and for host 7. */
static size_t
count_of_one(const void *arg, uint16_t rule, uint32_t client)
{
	const size_t *counts = arg;

	CU_ASSERT_EQUAL(rule, 1);
	CU_ASSERT_TRUE(client == 0 || client == HOST(7));
	return counts[client ? 1 : 0];
}

static void
test_a_rule_has_its_own_shares(void)
{
	static const struct {
		uint32_t each, all;
		size_t by_client, by_rule, mappings;
		enum result result;
	} rows[] = {
		{ 0, 0, 500, 500, 127, RESULT_OK },
		{ 0, 0, 0, 0, 128, RESULT_NO_RESOURCES }, /* the key's */
		{ 3, 0, 2, 500, 500, RESULT_OK },         /* in place of the key's */
		{ 3, 0, 3, 500, 0, RESULT_NO_RESOURCES },
		{ 0, 9, 8, 8, 0, RESULT_OK },
		{ 0, 9, 1, 9, 0, RESULT_NO_RESOURCES },
		{ 500, 9, 9, 9, 0, RESULT_NO_RESOURCES },
	};
	struct conf conf = with_rule(CONF_ALLOW);
	struct msg_map req = to_host(7);
	struct policy_verdict v;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const size_t counts[] = { rows[i].by_rule, rows[i].by_client };
		const struct policy_facts facts = {
			.mappings_of_client = rows[i].mappings, .count = count_of_one, .arg = counts
		};

		conf.rules[0].max_mappings_per_client = rows[i].each;
		conf.rules[0].max_mappings = rows[i].all;
		policy_check(&conf, &host7, &req, &facts, &v);
		CU_ASSERT_EQUAL(v.result, rows[i].result);
		CU_ASSERT_EQUAL(v.reason[0] == '\0', v.result == RESULT_OK);
	}
}

/* ---- which key ---- */

static const char *
key_that_decides(const struct conf *conf, const struct msg_map *req, size_t have)
{
	struct policy_verdict v;

	check_with(conf, &host7, req, have, &v);
	return v.key ? v.key : "none";
}

static void
test_a_verdict_names_the_key_that_decides(void)
{
	struct msg_map req = to_host(7);
	struct conf conf = secure;

	CU_ASSERT_STRING_EQUAL(key_that_decides(&conf, &req, 0), "none");
	CU_ASSERT_STRING_EQUAL(key_that_decides(&conf, &req, 128), "max_mappings_per_client");
	conf.max_lease_s = 60; /* less than was asked for is granted */
	CU_ASSERT_STRING_EQUAL(key_that_decides(&conf, &req, 0), "max_lease_s");
	req.lease_s = 60;
	CU_ASSERT_STRING_EQUAL(key_that_decides(&conf, &req, 0), "none");
	req.key.external_port = 1023;
	CU_ASSERT_STRING_EQUAL(key_that_decides(&conf, &req, 128), "min_port");
	conf.min_port = 1; /* then it is nobody's to choose */
	CU_ASSERT_STRING_EQUAL(key_that_decides(&conf, &req, 128), "none");
	req = to_host(8);
	CU_ASSERT_STRING_EQUAL(key_that_decides(&conf, &req, 0), "secure");
}

/* What a rule says is the rule's, but for limits that it leaves to the keys. */
static void
test_a_rule_that_decides_leaves_no_key_to_blame(void)
{
	struct msg_map req = to_host(7);
	struct conf conf = secure;

	conf.n_rules = 1;
	conf.rules[0] = (struct conf_rule){ .action = CONF_DENY };
	CU_ASSERT_STRING_EQUAL(key_that_decides(&conf, &req, 128), "none");
	conf.rules[0].action = CONF_ALLOW;
	conf.max_lease_s = 60;
	conf.rules[0].max_lease_s = 30;
	CU_ASSERT_STRING_EQUAL(key_that_decides(&conf, &req, 0), "none");
	CU_ASSERT_STRING_EQUAL(key_that_decides(&conf, &req, 128), "max_mappings_per_client");
	conf.rules[0].max_lease_s = 0;
	CU_ASSERT_STRING_EQUAL(key_that_decides(&conf, &req, 0), "max_lease_s");
}

/* ---- presets ---- */

static enum result
check_preset(
    enum conf_preset_id preset, uint8_t protocol, uint16_t internal_port, struct policy_verdict *v)
{
	struct conf conf = secure;
	struct msg_map req = to_host(7);

	conf.n_presets = 2;
	conf.presets[0] = (uint8_t)preset;
	conf.presets[1] = CONF_PRESET_STRICT;
	conf.preset_line = 3;
	req.key.protocol = protocol;
	req.internal_port = internal_port;
	check_with(&conf, &host7, &req, 0, v);
	CU_ASSERT_EQUAL(v->line, 3);
	return v->result;
}

static void
test_presets_open_what_they_say_and_strict_nothing_else(void)
{
	static const struct {
		enum conf_preset_id preset;
		uint8_t protocol;
		uint16_t first, last;
		const char *rule;
	} rows[] = {
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 5060, 5060, "messenger/sip" },
		{ CONF_PRESET_MESSENGER, IPPROTO_UDP, 5060, 5060, "messenger/sip" },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 7100, 7103, "messenger/sip" },
		{ CONF_PRESET_MESSENGER, IPPROTO_UDP, 7100, 7103, "messenger/sip" },
		{ CONF_PRESET_MESSENGER, IPPROTO_UDP, 5350, 5353, "messenger/media" },
		{ CONF_PRESET_MESSENGER, IPPROTO_UDP, 5004, 5059, "messenger/media" },
		{ CONF_PRESET_MESSENGER, IPPROTO_UDP, 7104, 65535, "messenger/media" },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 1503, 1503, "messenger/t120" },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 6891, 6900, "messenger/files" },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 3389, 3389, "messenger/assistance" },
		{ CONF_PRESET_CONSOLE, IPPROTO_UDP, 3074, 3079, "console/game" },
		{ CONF_PRESET_CONSOLE, IPPROTO_TCP, 3074, 3074, "console/game" },
		{ CONF_PRESET_CONSOLE, IPPROTO_UDP, 45000, 65535, "console/peers" },
		{ CONF_PRESET_P2P, IPPROTO_TCP, 6881, 6889, "p2p/peers" },
	};
	static const struct {
		enum conf_preset_id preset;
		uint8_t protocol;
		uint16_t port;
	} closed[] = {
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 5059 },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 5061 },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 7099 },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 7104 },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 5350 },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 1502 },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 1504 },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 3388 },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 3390 },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 6890 },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 6901 },
		{ CONF_PRESET_MESSENGER, IPPROTO_UDP, 5003 },
		{ CONF_PRESET_MESSENGER, IPPROTO_UDP, 3389 },
		{ CONF_PRESET_MESSENGER, IPPROTO_UDP, 1503 },
		{ CONF_PRESET_MESSENGER, IPPROTO_TCP, 22 },
		{ CONF_PRESET_CONSOLE, IPPROTO_TCP, 3389 },
		{ CONF_PRESET_CONSOLE, IPPROTO_TCP, 45000 },
		{ CONF_PRESET_P2P, IPPROTO_TCP, 3389 },
		{ CONF_PRESET_STRICT, IPPROTO_UDP, 40000 },
	};
	struct policy_verdict v;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT_EQUAL(
		    check_preset(rows[i].preset, rows[i].protocol, rows[i].first, &v), RESULT_OK);
		CU_ASSERT_STRING_EQUAL(v.rule, rows[i].rule);
		CU_ASSERT_EQUAL(
		    check_preset(rows[i].preset, rows[i].protocol, rows[i].last, &v), RESULT_OK);
		CU_ASSERT_STRING_EQUAL(v.rule, rows[i].rule);
	}
	for (i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		CU_ASSERT_EQUAL(
		    check_preset(closed[i].preset, closed[i].protocol, closed[i].port, &v),
		    RESULT_NOT_AUTHORIZED);
		CU_ASSERT_STRING_EQUAL(v.rule, "strict/rest");
		CU_ASSERT_STRING_EQUAL(v.reason, "no rule allows it");
	}
}

static void
test_a_rule_that_names_a_preset_gives_it_to_its_clients_with_its_limits(void)
{
	struct conf conf = with_rule(CONF_ACTION_NONE);
	struct msg_map req = to_host(7);
	struct policy_verdict v;

	conf.rules[0].preset = CONF_PRESET_MESSENGER;
	conf.rules[0].max_lease_s = 60;
	conf.rules[0].n_clients = 1;
	conf.rules[0].clients[0] = prefix_of(HOST(7), 32);
	req.internal_port = 3389;
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_EQUAL(v.result, RESULT_OK);
	CU_ASSERT_STRING_EQUAL(v.rule, "one: messenger/assistance");
	CU_ASSERT_EQUAL(v.line, 12);
	CU_ASSERT_EQUAL(v.rule_id, 1);
	CU_ASSERT_EQUAL(v.lease_s, 60);
	conf.rules[0].clients[0] = prefix_of(HOST(8), 32);
	CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_NOT_AUTHORIZED);

	/* and may turn it round */
	conf.rules[0].n_clients = 0;
	conf.rules[0].action = CONF_DENY;
	strcpy(conf.rules[0].reason, "no messenger here");
	req.internal_port = 5060;
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_EQUAL(v.result, RESULT_NOT_AUTHORIZED);
	CU_ASSERT_STRING_EQUAL(v.reason, "no messenger here");
	req.internal_port = 8000;
	CU_ASSERT_EQUAL(check(&conf, &host7, &req, 0), RESULT_OK);
}

static void
test_rules_of_the_file_come_before_the_presets_of_the_key(void)
{
	struct conf conf = with_rule(CONF_ALLOW);
	struct msg_map req = to_host(7);
	struct policy_verdict v;

	conf.n_presets = 1;
	conf.presets[0] = CONF_PRESET_STRICT;
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_EQUAL(v.result, RESULT_OK);
	CU_ASSERT_STRING_EQUAL(v.rule, "one");
	conf.n_rules = 0;
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_EQUAL(v.result, RESULT_NOT_AUTHORIZED);
	CU_ASSERT_STRING_EQUAL(v.rule, "strict/rest");
}

static void
test_p2p_has_shares_and_leases_of_its_own(void)
{
	struct conf conf = secure;
	struct msg_map req = to_host(7);
	struct policy_verdict v;

	conf.n_presets = 1;
	conf.presets[0] = CONF_PRESET_P2P;
	req.lease_s = 0;
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_EQUAL(v.result, RESULT_OK);
	CU_ASSERT_EQUAL(v.lease_s, 86400);
}

/* ---- pinholes ---- */

static enum result
check_pinhole(const struct conf *conf, uint16_t protocol, uint16_t port, struct policy_verdict *v)
{
	const struct policy_facts facts = { .mac = NULL };
	const struct policy_pinhole req = {
		.client = { { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 7 } },
		.ifname = "br0",
		.protocol = protocol,
		.port = port,
		.any_remote = true,
	};

	policy_check_pinhole(conf, &req, &facts, v);
	CU_ASSERT_EQUAL(v->reason[0] == '\0', v->result == RESULT_OK);
	return v->result;
}

static void
test_rules_apply_to_pinholes_whose_ports_are_one(void)
{
	struct conf conf = secure;
	struct policy_verdict v;
	struct conf_rule *rule = &conf.rules[0];

	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_TCP, 8000, &v), RESULT_OK);
	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_TCP, 1023, &v), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_TCP, 3389, &v), RESULT_NOT_AUTHORIZED);

	conf = with_rule(CONF_ALLOW);
	rule->internal[0] = (struct conf_ports){ 22, 22 };
	rule->n_internal = 1;
	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_TCP, 22, &v), RESULT_OK);
	CU_ASSERT_STRING_EQUAL(v.rule, "one");
	rule->external[0] = (struct conf_ports){ 22, 23 };
	rule->n_external = 1;
	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_TCP, 22, &v), RESULT_OK);
	rule->n_internal = 0;
	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_TCP, 23, &v), RESULT_OK);
	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_TCP, 24, &v), RESULT_NOT_AUTHORIZED);
	rule->remote_host_required = true;
	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_TCP, 23, &v), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_STRING_EQUAL(v.rule, "one");

	/* by an IPv6 prefix, and by the LAN */
	conf = with_rule(CONF_DENY);
	rule->n_clients = 1;
	rule->clients[0] = (struct conf_client){ .prefix = { { { 0x20, 1, 0xd, 0xb8 } }, 32 } };
	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_TCP, 8000, &v), RESULT_NOT_AUTHORIZED);
	rule->clients[0].prefix.addr.octet[0] = 0x26;
	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_TCP, 8000, &v), RESULT_OK);
	rule->n_clients = 0;
	rule->n_lans = 1;
	strcpy(rule->lans[0], "br1");
	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_TCP, 8000, &v), RESULT_OK);
}

/* Who asks for all ports, or any protocol, asks for more than a list allows. */
static void
test_a_wildcard_is_denied_by_part_of_it_and_allowed_by_no_part(void)
{
	struct conf conf = with_rule(CONF_DENY);
	struct conf_rule *rule = &conf.rules[0];
	struct policy_verdict v;

	rule->protocol = CONF_TCP;
	CU_ASSERT_EQUAL(check_pinhole(&conf, MSG_PROTO_ANY, 0, &v), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_GRE, 0, &v), RESULT_OK);
	rule->internal[0] = (struct conf_ports){ 25, 25 };
	rule->n_internal = 1;
	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_TCP, 0, &v), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(check_pinhole(&conf, MSG_PROTO_ANY, 0, &v), RESULT_NOT_AUTHORIZED);

	conf = with_rule(CONF_ALLOW);
	rule->protocol = CONF_TCP;
	rule->internal[0] = (struct conf_ports){ 8000, 9000 };
	rule->n_internal = 1;
	conf.n_presets = 1;
	conf.presets[0] = CONF_PRESET_STRICT;
	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_TCP, 8000, &v), RESULT_OK);
	CU_ASSERT_EQUAL(check_pinhole(&conf, IPPROTO_TCP, 0, &v), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(check_pinhole(&conf, MSG_PROTO_ANY, 0, &v), RESULT_NOT_AUTHORIZED);
}

/* ---- stretches of ports ---- */

static bool
says_the_same(const struct policy_verdict *a, const struct policy_verdict *b)
{
	return a->result == b->result && a->rule_id == b->rule_id && a->line == b->line &&
	       a->needs_mac == b->needs_mac && a->lease_s == b->lease_s &&
	       strcmp(a->rule, b->rule) == 0;
}

/* From @v on: are all ports as it says, up to those that it does not speak for? */
static void
expect_stretch(const struct conf *conf, const struct msg_map *req, const struct policy_verdict *v)
{
	struct msg_map there = *req;
	struct policy_verdict w;
	uint32_t port;

	CU_ASSERT(v->same.first <= req->key.external_port);
	CU_ASSERT(v->same.last >= req->key.external_port);
	for (port = v->same.first; port <= v->same.last; port++) {
		there.key.external_port = (uint16_t)port;
		check_with(conf, &host7, &there, 0, &w);
		if (!says_the_same(v, &w))
			break;
	}
	CU_ASSERT_EQUAL(port, v->same.last + 1u);
}

static void
test_a_verdict_tells_for_which_ports_it_holds(void)
{
	static const uint16_t ends[] = { 1, 79, 80, 81, 1023, 1024, 1999, 2000, 2500, 2501, 65535 };
	struct conf conf = secure;
	struct msg_map req = to_host(7);
	struct policy_verdict v;
	size_t i;

	conf.rules[0] = (struct conf_rule){ .action = CONF_ALLOW,
		.permanent = true,
		.n_external = 2,
		.external = { { 80, 80 }, { 2000, 3000 } } };
	conf.rules[1] = (struct conf_rule){ .action = CONF_DENY,
		.protocol = CONF_UDP, /* has nothing to say */
		.n_external = 1,
		.external = { { 5000, 5000 } } };
	conf.rules[2] = (struct conf_rule){
		.action = CONF_DENY, .n_external = 1, .external = { { 2500, 4000 } }
	};
	conf.n_rules = 3;
	conf.presets[0] = CONF_PRESET_STRICT;
	for (conf.n_presets = 0; conf.n_presets < 2; conf.n_presets++)
		for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
			req.key.external_port = ends[i];
			check_with(&conf, &host7, &req, 0, &v);
			expect_stretch(&conf, &req, &v);
		}
	conf.n_presets = 0;
	req.key.external_port = 6000;
	check_with(&conf, &host7, &req, 0, &v);
	CU_ASSERT_EQUAL(v.same.first, 4001); /* not cut by what does not match anyway */
	CU_ASSERT_EQUAL(v.same.last, 65535);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_verdict_tells_for_which_ports_it_holds),
	UNIT_TEST(a_client_may_map_to_itself_also_to_a_low_port_inside),
	UNIT_TEST(ports_by_which_hosts_are_managed_must_be_named),
	UNIT_TEST(secure_mode_refuses_other_hosts_and_open_mode_hosts_that_are_none),
	UNIT_TEST(the_gateway_cannot_map_to_itself),
	UNIT_TEST(ports_below_the_least_are_refused),
	UNIT_TEST(a_client_gets_its_share_and_no_more),
	UNIT_TEST(the_first_fault_wins),
	UNIT_TEST(long_leases_are_cut_to_the_longest),
	UNIT_TEST(the_administrator_is_bound_by_form_only),
	UNIT_TEST(version_2_wants_high_ports_on_both_sides),
	UNIT_TEST(a_lease_of_version_2_is_a_week_at_most),
	UNIT_TEST(version_2_sees_and_ends_its_own_between_high_ports),
	UNIT_TEST(a_rule_matches_clients_by_address_and_prefix),
	UNIT_TEST(a_rule_matches_clients_by_mac_and_asks_for_it_only_then),
	UNIT_TEST(a_rule_matches_the_lan_it_was_asked_by),
	UNIT_TEST(a_rule_matches_protocol_and_ports),
	UNIT_TEST(an_allowing_rule_names_low_ports_outside_or_does_not_match),
	UNIT_TEST(the_first_rule_that_matches_decides),
	UNIT_TEST(a_denial_says_why_and_by_which_rule_and_line),
	UNIT_TEST(no_rule_allows_what_secure_mode_forbids),
	UNIT_TEST(rules_do_not_bind_the_administrator),
	UNIT_TEST(a_rule_has_its_own_longest_lease),
	UNIT_TEST(a_rule_may_refuse_permanent_mappings_and_open_ones),
	UNIT_TEST(a_rule_has_its_own_shares),
	UNIT_TEST(presets_open_what_they_say_and_strict_nothing_else),
	UNIT_TEST(a_rule_that_names_a_preset_gives_it_to_its_clients_with_its_limits),
	UNIT_TEST(rules_of_the_file_come_before_the_presets_of_the_key),
	UNIT_TEST(a_verdict_names_the_key_that_decides),
	UNIT_TEST(a_rule_that_decides_leaves_no_key_to_blame),
	UNIT_TEST(p2p_has_shares_and_leases_of_its_own),
	UNIT_TEST(rules_apply_to_pinholes_whose_ports_are_one),
	UNIT_TEST(a_wildcard_is_denied_by_part_of_it_and_allowed_by_no_part),
	UNIT_END,
};

int
main(void)
{
	return unit_run("policy", tests);
}
