/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the core does, and the rows that it leaves in a real trail. */
#include "core/clockwatch.h"
#include "core/forward.h"
#include "core/record.h"
#include "core/request.h"
#include "core/pinhole.h"
#include "core/trail_store.h"
#include "fakes.h"
#include "lib/log.h"
#include "unit.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char dir[64];
static struct fixture f;
static json_t *page, *rows;

static void
setup(void)
{
	struct trail_options options = { .dir = dir, .rows_max = 1000 };

	strcpy(dir, "/tmp/test_record.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	fixture_init(&f);
	options.now_ms = f.core.now_ms;
	options.wall_s = f.core.wall_s;
	f.core.trail = trail_new(&options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f.core.trail);
}

static void
teardown(void)
{
	char cmd[128];

	json_decref(page);
	page = NULL;
	trail_free(f.core.trail);
	fixture_exit(&f);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd) != 0)
		perror(cmd);
}

/* As on_calls() has it: answered, then recorded. */
static enum result
ask(struct msg *req)
{
	struct msg reply;

	CU_ASSERT_EQUAL_FATAL(request_dispatch(&f.core, &fake_lan, req, &reply), 0);
	record_request(&f.core, &fake_lan, req, (enum result)reply.header.result);
	return (enum result)reply.header.result;
}

static struct msg
call(enum msg_type type)
{
	return (
	    struct msg){ .header = { .type = (uint16_t)type, .size = (uint16_t)msg_size(type) } };
}

static struct msg
call_add(unsigned host, uint16_t external_port, uint16_t internal_port)
{
	struct msg req = call(MSG_MAP_ADD);

	req.body.map = fake_request(host, external_port, internal_port);
	return req;
}

static size_t
read_rows(void)
{
	const struct trail_query all = { .limit = 200 };

	json_decref(page);
	page = trail_store_page(trail_read(f.core.trail), &all);
	rows = json_object_get(page, "trail");
	return json_array_size(rows);
}

static const char *
text(size_t i, const char *name)
{
	const char *value = json_string_value(json_object_get(json_array_get(rows, i), name));

	return value ? value : "(null)";
}

static json_int_t
number(size_t i, const char *name)
{
	return json_integer_value(json_object_get(json_array_get(rows, i), name));
}

/* "upnp add ok": who, what, and how it ended. */
static void
expect(size_t i, const char *origin, const char *action, const char *result)
{
	CU_ASSERT_STRING_EQUAL(text(i, "origin"), origin);
	CU_ASSERT_STRING_EQUAL(text(i, "action"), action);
	CU_ASSERT_STRING_EQUAL(text(i, "result"), result);
}

static void
test_the_life_of_a_mapping_is_told(void)
{
	struct msg add = call_add(7, 8080, 88), del = call(MSG_MAP_DEL);

	setup();
	CU_ASSERT_EQUAL(ask(&add), RESULT_OK);
	add.body.map.lease_s = 7200;
	CU_ASSERT_EQUAL(ask(&add), RESULT_OK);
	del.body.key = add.body.map.key;
	CU_ASSERT_EQUAL(ask(&del), RESULT_OK);
	CU_ASSERT_EQUAL(ask(&del), RESULT_NO_SUCH_ENTRY);

	CU_ASSERT_EQUAL_FATAL(read_rows(), 4);
	expect(0, "upnp", "add", "ok");
	CU_ASSERT_STRING_EQUAL(text(0, "client"), "192.168.1.7");
	CU_ASSERT_STRING_EQUAL(text(0, "internal_client"), "192.168.1.7");
	CU_ASSERT_EQUAL(number(0, "external_port"), 8080);
	CU_ASSERT_EQUAL(number(0, "internal_port"), 88);
	CU_ASSERT_EQUAL(number(0, "lease_s"), 3600);
	CU_ASSERT_EQUAL(number(0, "mapping"), 1);
	CU_ASSERT_TRUE(json_is_null(json_object_get(json_array_get(rows, 0), "upnp_code")));
	expect(1, "upnp", "renew", "ok");
	CU_ASSERT_EQUAL(number(1, "lease_s"), 7200);
	CU_ASSERT_EQUAL(number(1, "mapping"), 1);
	expect(2, "upnp", "delete", "ok");
	CU_ASSERT_EQUAL(number(2, "mapping"), 1);
	CU_ASSERT_STRING_EQUAL(text(2, "internal_client"), "192.168.1.7");
	expect(3, "upnp", "delete", "no-such-entry");
	CU_ASSERT_EQUAL(number(3, "upnp_code"), 714);
	CU_ASSERT_EQUAL(number(3, "mapping"), 0); /* nothing is left of the request before */
	teardown();
}

static void
test_a_refusal_has_its_reason_and_its_code(void)
{
	struct msg add = call_add(7, 80, 80), stolen = call_add(7, 8080, 88);

	setup();
	snprintf(add.body.map.description, sizeof(add.body.map.description), "we\x1b[31mb");
	CU_ASSERT_EQUAL(ask(&add), RESULT_NOT_AUTHORIZED);
	stolen.body.map.internal_client = LAN_HOST(9);
	CU_ASSERT_EQUAL(ask(&stolen), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL_FATAL(read_rows(), 2);
	expect(0, "upnp", "add", "not-authorized");
	CU_ASSERT_EQUAL(number(0, "upnp_code"), 606);
	CU_ASSERT_STRING_EQUAL(text(0, "outcome"), "refused");
	CU_ASSERT_PTR_NOT_NULL(strstr(text(0, "reason"), "min_port"));
	CU_ASSERT_STRING_EQUAL(text(0, "description"), "we?[31mb");
	CU_ASSERT_PTR_NOT_NULL(strstr(text(1, "reason"), "secure"));
	CU_ASSERT_STRING_EQUAL(text(1, "client"), "192.168.1.7");
	CU_ASSERT_STRING_EQUAL(text(1, "internal_client"), "192.168.1.9");
	teardown();
}

static void
test_the_rule_that_decided_is_told_of_grants_and_refusals(void)
{
	struct msg add = call_add(7, 8080, 8080), other = call_add(8, 8081, 8081);
	struct conf_rule *rule;

	setup();
	rule = &f.core.conf.rules[f.core.conf.n_rules++];
	*rule = (struct conf_rule){ .head = { "first", 7 }, .action = CONF_ALLOW, .n_clients = 1 };
	rule->clients[0].prefix = (struct prefix6){ addr6_from4(LAN_HOST(7)), 128 };
	rule = &f.core.conf.rules[f.core.conf.n_rules++];
	*rule = (struct conf_rule){ .head = { "rest", 9 }, .action = CONF_DENY };
	CU_ASSERT_EQUAL(ask(&add), RESULT_OK);
	CU_ASSERT_EQUAL(ask(&other), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL_FATAL(read_rows(), 2);
	CU_ASSERT_STRING_EQUAL(text(0, "rule"), "first");
	CU_ASSERT_EQUAL(number(0, "rule_line"), 7);
	CU_ASSERT_STRING_EQUAL(text(1, "rule"), "rest");
	CU_ASSERT_EQUAL(number(1, "rule_line"), 9);
	CU_ASSERT_STRING_EQUAL(text(1, "reason"), "a rule denies it");
	teardown();
}

static void
test_a_request_that_came_too_late_is_told(void)
{
	struct msg add = call_add(7, 8080, 88);

	setup();
	add.header.deadline_ms = fake_now_ms;
	CU_ASSERT_EQUAL(ask(&add), RESULT_FAILED);
	CU_ASSERT_EQUAL_FATAL(read_rows(), 1);
	expect(0, "upnp", "add", "failed");
	CU_ASSERT_PTR_NOT_NULL(strstr(text(0, "reason"), "late"));
	teardown();
}

static void
test_what_a_worker_refuses_by_itself_is_told(void)
{
	struct msg refused = call(MSG_REFUSED);

	setup();
	refused.body.refused = (struct msg_refused){ .client = LAN_HOST(7),
		.change = MSG_CHANGE_DEL,
		.result = RESULT_OUT_OF_RANGE,
		.arguments = "NewExternalPort=70000, NewProtocol=T\x1b[31mCP" };
	CU_ASSERT_EQUAL(ask(&refused), RESULT_OK);
	CU_ASSERT_EQUAL_FATAL(read_rows(), 1);
	expect(0, "upnp", "delete", "out-of-range");
	CU_ASSERT_EQUAL(number(0, "upnp_code"), 601);
	CU_ASSERT_STRING_EQUAL(text(0, "outcome"), "refused");
	CU_ASSERT_STRING_EQUAL(text(0, "client"), "192.168.1.7");
	CU_ASSERT_PTR_NOT_NULL(strstr(text(0, "reason"), "itself is wrong"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text(0, "reason"), "NewExternalPort=70000, NewProtocol=T?["));
	teardown();
}

static void
test_questions_leave_no_row(void)
{
	struct msg get = call(MSG_MAP_GET), index = call(MSG_MAP_GET_INDEX);

	setup();
	get.body.key = fake_request(7, 8080, 88).key;
	ask(&get);
	index.body.index.client = LAN_HOST(7);
	ask(&index);
	CU_ASSERT_EQUAL(read_rows(), 0);
	teardown();
}

static void
test_ranges_and_any_ports_and_connections_are_told(void)
{
	struct msg any = call(MSG_MAP_ADD_ANY), range = call(MSG_MAP_DEL_RANGE),
		   end = call(MSG_CONNECTION), time = call(MSG_TIME_SET);

	setup();
	any.body.map = fake_request(7, 8080, 88);
	any.body.map.key.external_port = 0;
	any.body.map.internal_port = 5000;
	CU_ASSERT_EQUAL(ask(&any), RESULT_OK);
	range.body.range = (struct msg_range){ .client = LAN_HOST(7),
		.first_port = 2000,
		.last_port = 9000,
		.protocol = IPPROTO_TCP };
	CU_ASSERT_EQUAL(ask(&range), RESULT_OK);
	end.body.connection.client = LAN_HOST(8);
	end.body.connection.what = MSG_DISCONNECT_NOW;
	CU_ASSERT_EQUAL(ask(&end), RESULT_NOT_AUTHORIZED);
	time.body.time =
	    (struct msg_time){ .client = LAN_HOST(8), .seconds = 60, .which = MSG_TIME_IDLE };
	CU_ASSERT_EQUAL(ask(&time), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL_FATAL(read_rows(), 4);
	expect(0, "upnp", "add-any", "ok");
	CU_ASSERT_EQUAL(number(0, "external_port"), 5000);
	expect(1, "upnp", "delete-range", "ok");
	CU_ASSERT_EQUAL(number(1, "external_port"), 2000);
	CU_ASSERT_EQUAL(number(1, "last_port"), 9000);
	CU_ASSERT_STRING_EQUAL(text(1, "reason"), "1 mapping ended");
	expect(2, "upnp", "force-disconnect", "not-authorized");
	CU_ASSERT_STRING_EQUAL(text(2, "client"), "192.168.1.8");
	CU_ASSERT_PTR_NOT_NULL(strstr(text(2, "reason"), "on_disconnect"));
	expect(3, "upnp", "set-time", "not-authorized");
	CU_ASSERT_PTR_NOT_NULL(strstr(text(3, "reason"), "on_disconnect"));
	CU_ASSERT_STRING_EQUAL(text(3, "description"), "IdleDisconnectTime 60 s");
	teardown();
}

static void
test_what_the_configuration_maps_is_told(void)
{
	struct msg add = call_add(7, 8080, 88);
	struct conf_forward *forward;

	setup();
	ask(&add);
	forward = &f.core.conf.forwards[f.core.conf.n_forwards++];
	memset(forward, 0, sizeof(*forward));
	strcpy(forward->head.title, "web");
	forward->protocol = CONF_TCP;
	forward->external = (struct conf_ports){ 8080, 8080 };
	forward->to = (struct conf_endpoint){ LAN_HOST(9), 80 };
	forward_apply(&f.core);
	f.core.conf.n_forwards = 0;
	forward_apply(&f.core);
	CU_ASSERT_EQUAL_FATAL(read_rows(), 4);
	expect(1, "configuration", "delete", "ok"); /* the client gives way */
	CU_ASSERT_EQUAL(number(1, "mapping"), 1);
	CU_ASSERT_STRING_EQUAL(text(1, "reason"), "the configuration forwards the port");
	expect(2, "configuration", "add", "ok");
	CU_ASSERT_STRING_EQUAL(text(2, "client"), "(null)");
	CU_ASSERT_STRING_EQUAL(text(2, "internal_client"), "192.168.1.9");
	CU_ASSERT_EQUAL(number(2, "external_port"), 8080);
	expect(3, "configuration", "delete", "ok");
	CU_ASSERT_EQUAL(number(3, "mapping"), number(2, "mapping"));
	teardown();
}

static void
test_expiry_is_told_of_each_lease(void)
{
	struct msg a = call_add(7, 8080, 88), b = call_add(8, 8081, 88);

	setup();
	ask(&a);
	ask(&b);
	fake_now_ms += 3600 * 1000;
	fake_wall_s += 3600;
	CU_ASSERT_EQUAL(mapping_expire(&f.core), 2);
	CU_ASSERT_EQUAL_FATAL(read_rows(), 4);
	expect(2, "expiry", "expire", "ok");
	CU_ASSERT_STRING_EQUAL(text(2, "outcome"), "expired");
	CU_ASSERT_EQUAL(number(2, "mapping"), 1);
	CU_ASSERT_STRING_EQUAL(text(2, "client"), "192.168.1.7");
	CU_ASSERT_EQUAL(number(2, "external_port"), 8080);
	CU_ASSERT_EQUAL(number(3, "mapping"), 2);
	teardown();
}

static void
test_pinholes_are_told(void)
{
	struct msg add = call(MSG_PINHOLE_ADD), update = call(MSG_PINHOLE_UPDATE),
		   del = call(MSG_PINHOLE_DEL);
	struct addr6 host;

	setup();
	addr6_parse("2001:db8:1::7", &host);
	memcpy(add.body.pinhole.client, host.octet, 16);
	memcpy(add.body.pinhole.internal_client, host.octet, 16);
	add.body.pinhole.protocol = IPPROTO_UDP;
	add.body.pinhole.internal_port = 3074;
	add.body.pinhole.lease_s = 600;
	f.core.conf.firewall = CONF_FIREWALL_OFF;
	CU_ASSERT_EQUAL(ask(&add), RESULT_FIREWALL_DISABLED);
	f.core.conf.firewall = CONF_FIREWALL_OWN;
	f.core.conf.allow_pinholes = true;
	CU_ASSERT_EQUAL(ask(&add), RESULT_OK);
	memcpy(update.body.pinhole_key.client, host.octet, 16);
	update.body.pinhole_key.id = pinhole_last_id(f.core.pinholes);
	update.body.pinhole_key.lease_s = 900;
	CU_ASSERT_EQUAL(ask(&update), RESULT_OK);
	del.body.pinhole_key = update.body.pinhole_key;
	del.body.pinhole_key.lease_s = 0;
	CU_ASSERT_EQUAL(ask(&del), RESULT_OK);
	CU_ASSERT_EQUAL(ask(&del), RESULT_NO_SUCH_PINHOLE);
	CU_ASSERT_EQUAL(ask(&add), RESULT_OK);
	fake_now_ms += 600 * 1000;
	CU_ASSERT_EQUAL(pinhole_expire(&f.core), 1);

	CU_ASSERT_EQUAL_FATAL(read_rows(), 7);
	expect(0, "upnp", "pinhole-add", "firewall-disabled");
	CU_ASSERT_EQUAL(number(0, "upnp_code"), 702);
	expect(1, "upnp", "pinhole-add", "ok");
	CU_ASSERT_STRING_EQUAL(text(1, "client"), "2001:db8:1::7");
	CU_ASSERT_EQUAL(number(1, "internal_port"), 3074);
	CU_ASSERT_EQUAL(number(1, "pinhole"), number(2, "pinhole"));
	expect(2, "upnp", "pinhole-update", "ok");
	CU_ASSERT_EQUAL(number(2, "lease_s"), 900);
	expect(3, "upnp", "pinhole-delete", "ok");
	CU_ASSERT_EQUAL(number(3, "internal_port"), 3074);
	expect(4, "upnp", "pinhole-delete", "no-such-pinhole");
	expect(6, "expiry", "expire", "ok");
	CU_ASSERT_TRUE(number(6, "pinhole") > 0);
	teardown();
}

static void
test_reloads_and_events_are_told(void)
{
	setup();
	record_reload(&f.core, NULL);
	record_reload(&f.core, "x.conf:1: wan: wrong\nx.conf:2: lan: wrong\n");
	record_event(&f.core, TRAIL_BY_DAEMON, TRAIL_WORKER_END, "lan%d: its worker ended", 0);
	CU_ASSERT_EQUAL_FATAL(read_rows(), 3);
	expect(0, "configuration", "reload", "ok");
	CU_ASSERT_STRING_EQUAL(text(0, "outcome"), "ok");
	CU_ASSERT_STRING_EQUAL(text(1, "outcome"), "refused");
	CU_ASSERT_STRING_EQUAL(text(1, "reason"), "x.conf:1: wan: wrong");
	expect(2, "daemon", "worker-end", "ok");
	CU_ASSERT_STRING_EQUAL(text(2, "outcome"), "event");
	CU_ASSERT_STRING_EQUAL(text(2, "reason"), "lan0: its worker ended");
	teardown();
}

static void
test_who_may_only_look_and_tries_more_is_told(void)
{
	setup();
	record_not_permitted(&f.core, "add");
	record_not_permitted(&f.core, "add");
	record_not_permitted(&f.core, "reload");
	CU_ASSERT_EQUAL_FATAL(read_rows(), 2);
	expect(0, "cli", "add", "not-authorized");
	CU_ASSERT_EQUAL(number(0, "count"), 2);
	CU_ASSERT_STRING_EQUAL(text(0, "outcome"), "refused");
	expect(1, "cli", "reload", "not-authorized");
	teardown();
}

static void
test_long_text_ends_between_two_characters(void)
{
	struct msg add = call_add(7, 8080, 88);
	char want[TRAIL_DESCRIPTION_MAX];
	size_t i;

	setup();
	memset(add.body.map.description, 'x', 62);
	memcpy(add.body.map.description + 62, "\xc3\xbc\xc3\xbc", 5);
	ask(&add);
	for (i = 0; i < 62; i++)
		want[i] = 'x';
	want[62] = '\0';
	CU_ASSERT_EQUAL_FATAL(read_rows(), 1);
	CU_ASSERT_STRING_EQUAL(text(0, "description"), want);
	teardown();
}

static void
test_a_clock_that_is_set_is_noticed_and_one_that_runs_is_not(void)
{
	int64_t base_s = 0;

	clockwatch_jump_s(&base_s, 5000, 1700000000);
	CU_ASSERT_EQUAL(clockwatch_jump_s(&base_s, 105000, 1700000100), 0);
	CU_ASSERT_EQUAL(clockwatch_jump_s(&base_s, 105000, 1700000100 + 9), 0);
	CU_ASSERT_EQUAL(clockwatch_jump_s(&base_s, 105000, 1700000109 + 3600), 3600);
	CU_ASSERT_EQUAL(clockwatch_jump_s(&base_s, 105000, 1700000109 + 3600), 0);
	CU_ASSERT_EQUAL(clockwatch_jump_s(&base_s, 105000, 1700000109), -3600);
}

static const struct unit_test tests[] = {
	UNIT_TEST(the_life_of_a_mapping_is_told),
	UNIT_TEST(a_refusal_has_its_reason_and_its_code),
	UNIT_TEST(the_rule_that_decided_is_told_of_grants_and_refusals),
	UNIT_TEST(a_request_that_came_too_late_is_told),
	UNIT_TEST(what_a_worker_refuses_by_itself_is_told),
	UNIT_TEST(questions_leave_no_row),
	UNIT_TEST(ranges_and_any_ports_and_connections_are_told),
	UNIT_TEST(what_the_configuration_maps_is_told),
	UNIT_TEST(expiry_is_told_of_each_lease),
	UNIT_TEST(pinholes_are_told),
	UNIT_TEST(reloads_and_events_are_told),
	UNIT_TEST(who_may_only_look_and_tries_more_is_told),
	UNIT_TEST(long_text_ends_between_two_characters),
	UNIT_TEST(a_clock_that_is_set_is_noticed_and_one_that_runs_is_not),
	UNIT_END,
};

int
main(void)
{
	return unit_run("record", tests);
}
