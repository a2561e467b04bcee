/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a client that takes any port is put, and what it costs to find out. policy_check() is
 * counted on its way (by the linker's --wrap).
 */
#include "core/decide.h"
#include "core/lease.h"
#include "fakes.h"
#include "unit.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static unsigned checks; /* policy_check() */

void __real_policy_check(const struct conf *conf, const struct asker *asker,
    const struct msg_map *req, const struct policy_facts *facts, struct policy_verdict *verdict);
void __wrap_policy_check(const struct conf *conf, const struct asker *asker,
    const struct msg_map *req, const struct policy_facts *facts, struct policy_verdict *verdict);

void
__wrap_policy_check(const struct conf *conf, const struct asker *asker, const struct msg_map *req,
    const struct policy_facts *facts, struct policy_verdict *verdict)
{
	checks++;
	__real_policy_check(conf, asker, req, facts, verdict);
}

static struct conf_rule *
add_rule(struct fixture *f, enum conf_action action)
{
	struct conf_rule *rule = &f->core.conf.rules[f->core.conf.n_rules++];

	*rule = (struct conf_rule){ .action = (uint8_t)action, .permanent = true };
	return rule;
}

static void
add_range(struct conf_rule *rule, uint32_t first, uint32_t last)
{
	rule->external[rule->n_external++] = (struct conf_ports){ (uint16_t)first, (uint16_t)last };
}

/* Another host has it. */
static void
take(struct fixture *f, uint32_t port)
{
	const struct lease lease = { .protocol = IPPROTO_TCP,
		.origin = LEASE_UPNP,
		.internal_client = LAN_HOST(200),
		.external_port = (uint16_t)port,
		.internal_port = (uint16_t)port,
		.expires_ms = LEASE_FOREVER };

	lease_add(f->core.leases, &lease, NULL);
}

/* The port that host 7 gets who wishes @wish; 0 when it gets none. */
static uint16_t
port_for(struct fixture *f, uint32_t wish)
{
	const struct asker asker = fake_asker(7);
	struct msg_map req = fake_request(7, (uint16_t)wish, 5000);
	struct policy_verdict v;

	checks = 0;
	decide_any_port(&f->core, &asker, &req, &v);
	return v.result == RESULT_OK ? req.key.external_port : 0;
}

/* ---- costs ---- */

static void
test_a_hostile_wish_costs_a_few_questions_however_many_ports_are_denied(void)
{
	struct fixture f;

	fixture_init(&f);
	add_range(add_rule(&f, CONF_ALLOW), 8000, 8001);
	add_rule(&f, CONF_DENY);
	take(&f, 8000);
	take(&f, 8001);
	CU_ASSERT_EQUAL(port_for(&f, 8000), 0);
	CU_ASSERT(checks <= 8);
	fixture_exit(&f);
}

static void
test_the_longest_configuration_costs_two_questions_for_each_of_its_ranges(void)
{
	const unsigned ranges = CONF_RULES_MAX * CONF_RULE_PORTS_MAX;
	struct conf_rule *rule = NULL;
	struct fixture f;
	unsigned i;

	fixture_init(&f);
	for (i = 0; i < ranges; i++) { /* between two of them is a port, which is taken */
		if (i % CONF_RULE_PORTS_MAX == 0)
			rule = add_rule(&f, CONF_DENY);
		add_range(rule, i ? 1025 + i * 100 : 1024, 1123 + i * 100);
		take(&f, 1124 + i * 100);
	}
	rule->external[CONF_RULE_PORTS_MAX - 1].last = 65535;
	CU_ASSERT_EQUAL(port_for(&f, 31124), 0);
	CU_ASSERT(checks <= 2 * ranges + 8);
	lease_del(f.core.leases, lease_find(f.core.leases, IPPROTO_TCP, 1124, 0));
	CU_ASSERT_EQUAL(port_for(&f, 31124), 1124);
	CU_ASSERT(checks <= 2 * ranges + 8);
	fixture_exit(&f);
}

static void
test_a_port_far_from_the_wish_is_found(void)
{
	struct fixture f;

	fixture_init(&f);
	add_range(add_rule(&f, CONF_ALLOW), 50000, 50000);
	add_range(add_rule(&f, CONF_ALLOW), 20000, 20000);
	add_rule(&f, CONF_DENY);
	take(&f, 20000);
	CU_ASSERT_EQUAL(port_for(&f, 20000), 50000);
	CU_ASSERT(checks <= 12);
	fixture_exit(&f);
}

/* ---- against a naive search ---- */

#define LOW 65136u /* the last 400 ports, so that all of them can be tried */
#define SPAN (65536 - LOW)

static uint64_t state;
static bool used[SPAN]; /* by sockets of the gateway */

static uint32_t
pick(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

static bool
is_used(uint32_t addr, uint8_t protocol, uint16_t port)
{
	return addr && protocol == IPPROTO_TCP && port >= LOW && used[port - LOW];
}

static void
random_rules(struct fixture *f)
{
	unsigned n = pick(5), ranges, first;
	struct conf_rule *rule;

	while (n--) {
		rule = add_rule(f, pick(2) ? CONF_ALLOW : CONF_DENY);
		rule->protocol = (uint8_t)(pick(4) ? CONF_TCP : CONF_UDP);
		if (pick(3) == 0) {
			rule->n_clients = 1;
			rule->clients[0] = (struct conf_client){ .is_mac = true,
				.mac = { { 2, 0, 0, 0, 0, (uint8_t)(7 + pick(2)) } } };
		}
		rule->max_mappings_per_client = pick(4) == 0;
		for (ranges = pick(4); ranges > 0; ranges--) {
			first = LOW + pick(SPAN);
			add_range(rule, first, first + pick(65536 - first));
		}
	}
}

static void
random_neighbourhood(struct fixture *f)
{
	unsigned dense = 1 + pick(8), i;

	memset(used, 0, sizeof(used));
	for (i = 0; i < SPAN; i++)
		if (pick(dense))
			take(f, LOW + i);
	for (i = 0; i < 20; i++)
		used[pick(SPAN)] = true;
}

static bool
is_allowed(struct fixture *f, uint32_t port)
{
	const struct asker asker = fake_asker(7);
	const struct msg_map req = fake_request(7, (uint16_t)port, 5000);
	struct policy_verdict v;

	decide(&f->core, &asker, &req, NULL, &v);
	return v.result == RESULT_OK || v.result == RESULT_CONFLICT;
}

static bool
is_free(struct fixture *f, uint32_t port)
{
	return lease_next_port(f->core.leases, IPPROTO_TCP, port) != port && !used[port - LOW] &&
	       is_allowed(f, port);
}

static uint16_t
naive_port_for(struct fixture *f, uint32_t wish)
{
	uint32_t at = wish - LOW, d;

	for (d = 1; d <= SPAN / 2; d++) {
		if (is_free(f, LOW + (at + d) % SPAN))
			return (uint16_t)(LOW + (at + d) % SPAN);
		if (is_free(f, LOW + (at + SPAN - d) % SPAN))
			return (uint16_t)(LOW + (at + SPAN - d) % SPAN);
	}
	return 0;
}

/* What is denied, rather than taken, is not replaced by another port. */
static bool
one_round(unsigned *found)
{
	uint32_t wish = LOW + pick(SPAN);
	uint16_t want, got;
	struct fixture f;

	fixture_init(&f);
	f.core.conf.min_port = LOW;
	f.core.port_in_use = is_used;
	random_rules(&f);
	random_neighbourhood(&f);
	take(&f, wish);
	got = port_for(&f, wish);
	want = is_allowed(&f, wish) ? naive_port_for(&f, wish) : 0;
	*found += got != 0;
	fixture_exit(&f);
	return got == want;
}

static void
test_the_nearest_port_is_found_as_by_trying_each(void)
{
	const char *given = getenv("DECIDE_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	unsigned i, found = 0;

	printf("seed %llu ", (unsigned long long)seed);
	state = seed;
	for (i = 0; i < 400 && one_round(&found); i++)
		;
	CU_ASSERT_EQUAL(i, 400);
	CU_ASSERT(found > 50);
	if (i < 400)
		printf("round %u, DECIDE_SEED=%llu repeats it\n", i, (unsigned long long)seed);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_hostile_wish_costs_a_few_questions_however_many_ports_are_denied),
	UNIT_TEST(the_longest_configuration_costs_two_questions_for_each_of_its_ranges),
	UNIT_TEST(a_port_far_from_the_wish_is_found),
	UNIT_TEST(the_nearest_port_is_found_as_by_trying_each),
	UNIT_END,
};

int
main(void)
{
	return unit_run("decide", tests);
}
