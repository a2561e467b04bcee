/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/notify.h"
#include "core/wan.h"
#include "fake_network.h"
#include "fakes.h"
#include "ipc/channel.h"
#include "lib/compiler.h"
#include "unit.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- a gateway with one LAN ---- */

static struct lan *const lan0 = &fake_network.lans[0], *const lan1 = &fake_network.lans[1];

struct scene {
	struct fixture f;
	int events; /* the worker's end */
};

static void
scene_init(struct scene *s)
{
	int ends[2];

	fixture_init(&s->f);
	s->f.core.base = event_base_new();
	s->f.core.notify = notify_new(&s->f.core);
	s->f.core.conf.http_port = 5431;
	s->f.core.conf.notify_interval_s = 900;
	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	*lan0 = (struct lan){ .ifname = "lan0", .serving = true, .calls_fd = -1, .events_fd = -1 };
	*lan1 = (struct lan){ .ifname = "lan1", .serving = true, .calls_fd = -1, .events_fd = -1 };
	fake_network.n_lans = 2;
	lan0->events_fd = ends[0];
	s->events = ends[1];
}

static void
scene_exit(struct scene *s)
{
	notify_free(s->f.core.notify);
	event_base_free(s->f.core.base);
	close(lan0->events_fd);
	lan0->events_fd = -1;
	close(s->events);
	fixture_exit(&s->f);
}

static int
next(struct scene *s, struct msg *msg)
{
	return fixture_heard(s->events, msg, MSG_FROM_CORE_EVENT);
}

static const struct lease lease = {
	.id = 3,
	.external_port = 8080,
	.protocol = MSG_PROTO_TCP,
	.enabled = true,
	.internal_client = LAN_HOST(7),
	.internal_port = 80,
	.client = LAN_HOST(7),
	.expires_ms = LEASE_FOREVER,
	.description = (char *)"web",
};

/* ---- workers ---- */

static void
test_a_new_worker_learns_who_and_how_we_are(void)
{
	struct scene s;
	struct msg msg;

	scene_init(&s);
	memset(s.f.core.uuid, 7, 16);
	notify_greet(&s.f.core, lan0);
	CU_ASSERT_EQUAL(next(&s, &msg), MSG_GATEWAY);
	CU_ASSERT_EQUAL(msg.body.gateway.http_port, 5431);
	CU_ASSERT_EQUAL(msg.body.gateway.uuid[15], 7);
	CU_ASSERT_EQUAL(next(&s, &msg), MSG_STATE);
	CU_ASSERT_EQUAL(msg.body.state.external_address, 0xcb007105);
	CU_ASSERT_EQUAL(msg.body.state.uptime_s, 77);
	CU_ASSERT_STRING_EQUAL(msg.body.state.wan_interface, "eth0");
	CU_ASSERT_EQUAL(next(&s, &msg), 0);
	scene_exit(&s);
}

/* What @fd is told of the boot id: 0, nothing. */
static uint32_t
heard_boot_id(int fd)
{
	struct msg msg;
	uint32_t id = 0;

	while (channel_recv(fd, &msg, NULL, MSG_FROM_CORE_EVENT) == 0)
		if (msg.header.type == MSG_GATEWAY)
			id = msg.body.gateway.boot_id;
	return id;
}

static void
test_the_boot_id_is_one_on_all_lans_and_grows_when_one_is_met_anew(void)
{
	uint32_t first, second;
	struct scene s;
	int ends[2];

	scene_init(&s);
	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	lan0->boot_id = lan1->boot_id = 0;
	lan1->events_fd = ends[0];
	notify_greet(&s.f.core, lan0);
	notify_greet(&s.f.core, lan1);
	first = heard_boot_id(s.events);
	CU_ASSERT_NOT_EQUAL(first, 0);
	CU_ASSERT_EQUAL(heard_boot_id(ends[1]), first);

	notify_greet(&s.f.core, lan1); /* another worker: its clients have lost everything */
	second = heard_boot_id(ends[1]);
	CU_ASSERT(second > first);
	CU_ASSERT_EQUAL(heard_boot_id(s.events), second);

	lan1->boot_id = 0;
	fake_now_ms += 60000; /* a network that comes later */
	notify_greet(&s.f.core, lan1);
	CU_ASSERT(heard_boot_id(ends[1]) > second);
	CU_ASSERT_EQUAL(heard_boot_id(s.events), lan1->boot_id);
	close(ends[0]);
	close(ends[1]);
	lan1->events_fd = -1;
	scene_exit(&s);
}

static void
test_many_changes_become_one_message(void)
{
	struct scene s;
	struct msg msg;

	scene_init(&s);
	notify_lease(&s.f.core, NOTIFY_ADDED, &lease);
	notify_lease(&s.f.core, NOTIFY_DELETED, &lease);
	notify_state(&s.f.core, "wan", "text");
	fixture_turn(&s.f);
	CU_ASSERT_EQUAL(next(&s, &msg), MSG_STATE);
	CU_ASSERT_EQUAL(next(&s, &msg), 0);

	fake_now_ms -= 60000; /* so that the pause cannot end while we look */
	notify_lease(&s.f.core, NOTIFY_ADDED, &lease);
	fixture_turn(&s.f);
	CU_ASSERT_EQUAL(next(&s, &msg), 0);
	scene_exit(&s);
}

static void
test_a_refresh_is_news_because_of_the_update_id(void)
{
	struct scene s;
	struct msg msg;

	scene_init(&s);
	s.f.core.update_id = 5;
	notify_lease(&s.f.core, NOTIFY_UPDATED, &lease);
	fixture_turn(&s.f);
	CU_ASSERT_EQUAL(next(&s, &msg), MSG_STATE);
	CU_ASSERT_EQUAL(msg.body.state.system_update_id, 5);
	scene_exit(&s);
}

static void
test_a_worker_that_does_not_read_is_not_waited_for(void)
{
	struct scene s;
	unsigned i;

	scene_init(&s);
	for (i = 0; i < 2000; i++) {
		fake_now_ms += 1000;
		notify_state(&s.f.core, "wan", "text");
		fixture_turn(&s.f);
	}
	scene_exit(&s);
}

/* ---- watchers ---- */

static json_t *seen;

static void
on_line(void *arg, const char *line)
{
	unsigned *count = arg;

	(*count)++;
	json_decref(seen);
	seen = json_loads(line, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(seen);
	CU_ASSERT_PTR_NULL(strchr(line, '\n'));
}

static const char *
text_of(const char *key)
{
	const char *text = json_string_value(json_object_get(seen, key));

	return text ? text : "";
}

static void
test_watchers_see_each_change(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	const struct policy_verdict verdict = {
		.result = RESULT_CONFLICT, .reason = "taken", .rule = "games", .line = 7
	};
	struct asker asker = fake_asker(7);
	struct notify_watcher *w;
	struct scene s;
	unsigned lines = 0;
	json_t *mapping;

	scene_init(&s);
	w = notify_watch(&s.f.core, on_line, &lines);
	notify_lease(&s.f.core, NOTIFY_EXPIRED, &lease);
	CU_ASSERT_EQUAL(lines, 1);
	CU_ASSERT_STRING_EQUAL(text_of("event"), "expired");
	mapping = json_object_get(seen, "mapping");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(mapping, "external_port")), 8080);

	notify_refused(&s.f.core, &asker, &req, &verdict);
	CU_ASSERT_EQUAL(lines, 2);
	CU_ASSERT_STRING_EQUAL(text_of("event"), "refused");
	CU_ASSERT_STRING_EQUAL(text_of("result"), result_str(RESULT_CONFLICT));
	CU_ASSERT_STRING_EQUAL(text_of("reason"), "taken");
	CU_ASSERT_STRING_EQUAL(text_of("rule"), "games");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(seen, "line")), 7);
	CU_ASSERT_STRING_EQUAL(text_of("client"), "192.168.1.7");

	notify_state(&s.f.core, "healed", "by\xff nft");
	CU_ASSERT_STRING_EQUAL(text_of("event"), "healed");
	CU_ASSERT_STRING_EQUAL(text_of("text"), "by? nft");

	notify_unwatch(&s.f.core, w);
	notify_state(&s.f.core, "wan", "text");
	CU_ASSERT_EQUAL(lines, 3);
	json_decref(seen);
	seen = NULL;
	scene_exit(&s);
}

struct leaver {
	struct core *core;
	struct notify_watcher *watcher;
};

static void
on_line_leave(void *arg, const char *line UNUSED)
{
	struct leaver *leaver = arg;

	notify_unwatch(leaver->core, leaver->watcher);
}

static void
test_a_watcher_may_leave_while_it_is_told(void)
{
	struct leaver leaver;
	struct scene s;
	unsigned lines = 0;

	scene_init(&s);
	notify_watch(&s.f.core, on_line, &lines);
	leaver.core = &s.f.core;
	leaver.watcher = notify_watch(&s.f.core, on_line_leave, &leaver);
	notify_state(&s.f.core, "wan", "text");
	notify_state(&s.f.core, "wan", "text");
	CU_ASSERT_EQUAL(lines, 2);
	json_decref(seen);
	seen = NULL;
	scene_exit(&s);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_new_worker_learns_who_and_how_we_are),
	UNIT_TEST(the_boot_id_is_one_on_all_lans_and_grows_when_one_is_met_anew),
	UNIT_TEST(many_changes_become_one_message),
	UNIT_TEST(a_refresh_is_news_because_of_the_update_id),
	UNIT_TEST(a_worker_that_does_not_read_is_not_waited_for),
	UNIT_TEST(watchers_see_each_change),
	UNIT_TEST(a_watcher_may_leave_while_it_is_told),
	UNIT_END,
};

int
main(void)
{
	return unit_run("notify", tests);
}
