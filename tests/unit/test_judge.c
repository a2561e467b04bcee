/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mappings that are there, and rules that were changed behind their backs. */
#include "core/judge.h"
#include "fake_network.h"
#include "fakes.h"
#include "platform/neigh.h"
#include "unit.h"

#include <string.h>

static struct lan *const lan = &fake_network.lans[0];

/* Host 7 has 5000, 5001, 5002, host 8 has 5008, and the administrator 5009. */
static void
scene_init(struct fixture *f)
{
	static const struct {
		unsigned host;
		uint16_t port;
	} rows[] = { { 7, 5000 }, { 7, 5001 }, { 7, 5002 }, { 8, 5008 } };
	struct asker administrator = fake_asker(0);
	struct msg_map req;
	size_t i;

	*lan = fake_lan;
	fixture_init(f);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asker asker = fake_asker(rows[i].host);

		req = fake_request(rows[i].host, rows[i].port, rows[i].port);
		CU_ASSERT_EQUAL(mapping_add(&f->core, &asker, &req, NULL), RESULT_OK);
	}
	req = fake_request(7, 5009, 80);
	CU_ASSERT_EQUAL(mapping_add(&f->core, &administrator, &req, NULL), RESULT_OK);
}

static struct conf_rule *
add_rule(struct fixture *f, enum conf_action action)
{
	struct conf_rule *rule = &f->core.conf.rules[f->core.conf.n_rules++];

	*rule = (struct conf_rule){
		.head = { "one", 3 }, .action = (uint8_t)action, .permanent = true
	};
	return rule;
}

struct seen {
	struct fixture *f;
	bool end;                   /* those that are refused */
	unsigned good, bad;         /* judged so */
	struct policy_verdict last; /* refusal */
};

static void
on_judged(void *arg, struct lease *lease, const struct policy_verdict *v)
{
	struct seen *seen = arg;

	if (v->result == RESULT_OK) {
		seen->good++;
		return;
	}
	seen->bad++;
	seen->last = *v;
	if (seen->end)
		CU_ASSERT_EQUAL(mapping_del_lease(&seen->f->core, lease), RESULT_OK);
}

static void
judge_quietly(struct fixture *f,
    void (*judged)(void *arg, struct lease *lease, const struct policy_verdict *v), void *arg)
{
	struct neigh_list neighbours = { .read = false };

	CU_ASSERT_EQUAL(judge_leases(&f->core, &neighbours, judged, arg), 0);
	neigh_list_free(&neighbours);
}

static struct seen
judge(struct fixture *f, bool end)
{
	struct seen seen = { .f = f, .end = end };

	judge_quietly(f, on_judged, &seen);
	return seen;
}

static uint16_t
rule_of(struct fixture *f, uint16_t port)
{
	return lease_find(f->core.leases, MSG_PROTO_TCP, port, 0)->rule;
}

static void
test_mappings_get_the_number_of_the_rule_that_allows_them_now(void)
{
	struct conf_rule *rule;
	struct fixture f;
	struct seen seen;

	scene_init(&f);
	rule = add_rule(&f, CONF_ALLOW);
	rule->n_internal = 1;
	rule->internal[0] = (struct conf_ports){ 5001, 5008 };
	seen = judge(&f, false);
	CU_ASSERT_EQUAL(seen.good, 4); /* the administrator's are not asked about */
	CU_ASSERT_EQUAL(rule_of(&f, 5000), 0);
	CU_ASSERT_EQUAL(rule_of(&f, 5001), 1);
	CU_ASSERT_EQUAL(rule_of(&f, 5008), 1);
	CU_ASSERT_EQUAL(lease_count_by(f.core.leases, 1, 0), 3);
	f.core.conf.n_rules = 0;
	judge_quietly(&f, NULL, NULL);
	CU_ASSERT_EQUAL(lease_count_by(f.core.leases, 1, 0), 0);
	fixture_exit(&f);
}

static void
test_what_is_denied_now_is_told_and_may_be_ended(void)
{
	struct conf_rule *rule;
	struct fixture f;
	struct seen seen;

	scene_init(&f);
	rule = add_rule(&f, CONF_DENY);
	rule->n_lans = 1;
	strcpy(rule->lans[0], lan->ifname);
	rule->n_external = 1;
	rule->external[0] = (struct conf_ports){ 5001, 5002 };
	seen = judge(&f, false);
	CU_ASSERT_EQUAL(seen.bad, 2);
	CU_ASSERT_STRING_EQUAL(seen.last.rule, "one");
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 5);
	seen = judge(&f, true);
	CU_ASSERT_EQUAL(seen.bad, 2);
	CU_ASSERT_EQUAL(seen.good, 2);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 3);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

/* Nobody loses to one that came later. */
static void
test_smaller_shares_end_the_latest(void)
{
	struct conf_rule *rule;
	struct fixture f;
	struct seen seen;

	scene_init(&f);
	f.core.conf.max_mappings_per_client = 2;
	seen = judge(&f, true);
	CU_ASSERT_EQUAL(seen.bad, 1);
	CU_ASSERT_EQUAL(seen.last.result, RESULT_NO_RESOURCES);
	CU_ASSERT_PTR_NULL(lease_find(f.core.leases, MSG_PROTO_TCP, 5002, 0));

	rule = add_rule(&f, CONF_ALLOW);
	rule->max_mappings_per_client = 1;
	seen = judge(&f, true);
	CU_ASSERT_EQUAL(seen.bad, 1);
	CU_ASSERT_PTR_NULL(lease_find(f.core.leases, MSG_PROTO_TCP, 5001, 0));
	rule->max_mappings = 1;
	seen = judge(&f, true);
	CU_ASSERT_EQUAL(seen.bad, 1);
	CU_ASSERT_PTR_NOT_NULL(lease_find(f.core.leases, MSG_PROTO_TCP, 5000, 0));
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 2);
	fixture_exit(&f);
}

static void
test_a_host_whose_mac_or_lan_is_not_known_loses_nothing(void)
{
	struct conf_rule *rule;
	struct fixture f;
	struct seen seen;

	scene_init(&f);
	rule = add_rule(&f, CONF_DENY);
	rule->n_clients = 1;
	rule->clients[0] = (struct conf_client){ .is_mac = true, .mac = { { 2, 0, 0, 0, 0, 8 } } };
	fake_unknown4 = 8;
	seen = judge(&f, true);
	CU_ASSERT_EQUAL(seen.bad, 0);
	memset(&lan->prefix, 0, sizeof(lan->prefix));
	seen = judge(&f, true);
	CU_ASSERT_EQUAL(seen.good + seen.bad, 0);
	*lan = fake_lan;
	fake_unknown4 = 0;
	seen = judge(&f, true);
	CU_ASSERT_EQUAL(seen.bad, 1);
	CU_ASSERT_PTR_NULL(lease_find(f.core.leases, MSG_PROTO_TCP, 5008, 0));
	fixture_exit(&f);
}

/* However many mappings there are; and no host is looked for, which none would wait for. */
static void
test_neighbours_are_read_once_and_only_for_a_rule_that_wants_them(void)
{
	struct conf_rule *rule;
	struct fixture f;
	struct seen seen;

	scene_init(&f);
	rule = add_rule(&f, CONF_DENY);
	rule->n_external = 1;
	rule->external[0] = (struct conf_ports){ 4000, 4999 };
	rule->n_clients = 1;
	rule->clients[0] = (struct conf_client){ .is_mac = true, .mac = { { 2, 0, 0, 0, 0, 7 } } };
	seen = judge(&f, false);
	CU_ASSERT_EQUAL(seen.good, 4);
	CU_ASSERT_EQUAL(fake_record.neighbours_read, 0);
	rule->external[0].last = 5999;
	seen = judge(&f, false);
	CU_ASSERT_EQUAL(seen.bad, 3);
	CU_ASSERT_EQUAL(seen.good, 1);
	CU_ASSERT_EQUAL(fake_record.neighbours_read, 1);
	CU_ASSERT_EQUAL(fake_record.neighbours_asked, 0);
	fixture_exit(&f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(neighbours_are_read_once_and_only_for_a_rule_that_wants_them),
	UNIT_TEST(mappings_get_the_number_of_the_rule_that_allows_them_now),
	UNIT_TEST(what_is_denied_now_is_told_and_may_be_ended),
	UNIT_TEST(smaller_shares_end_the_latest),
	UNIT_TEST(a_host_whose_mac_or_lan_is_not_known_loses_nothing),
	UNIT_END,
};

int
main(void)
{
	return unit_run("judge", tests);
}
