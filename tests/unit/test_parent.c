/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/parent.h"
#include "core/request.h"
#include "core/reload.h"
#include "fake_network.h"
#include "fakes.h"
#include "ipc/channel.h"
#include "lib/compiler.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- a gateway with two LANs, one of them served ---- */

int
reload_run(struct core *core UNUSED, json_t **report UNUSED, char *errors, size_t size)
{
	snprintf(errors, size, "%s", "");
	fake_record.reloads++;
	return 0;
}

static struct lan *const lan_list = fake_network.lans;

struct scene {
	struct fixture f;
	int supervisor; /* its end */
	int calls, events;
};

static void
scene_init(struct scene *s)
{
	int ends[2];

	fixture_init(&s->f);
	lan_list[0] = (struct lan){ .ifname = "lan0",
		.ifindex = 4,
		.prefix = { LAN_HOST(1), 24 },
		.serving = true,
		.calls_fd = -1,
		.events_fd = -1 };
	fake_network.n_lans = 2;
	lan_list[1] = (struct lan){ .ifname = "lan1", .calls_fd = -1, .events_fd = -1 };
	s->calls = s->events = -1;
	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	if (ends[0] != PARENT_FD) {
		CU_ASSERT_EQUAL_FATAL(dup2(ends[0], PARENT_FD), PARENT_FD);
		close(ends[0]);
	}
	s->supervisor = ends[1];
	s->f.core.base = event_base_new();
	s->f.core.parent = parent_new(&s->f.core);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->f.core.parent);
}

static void
scene_exit(struct scene *s)
{
	parent_free(s->f.core.parent);
	event_base_free(s->f.core.base);
	close(PARENT_FD);
	if (s->supervisor >= 0)
		close(s->supervisor);
	if (s->calls >= 0)
		close(s->calls);
	if (s->events >= 0)
		close(s->events);
	fixture_exit(&s->f);
}

static int
next(struct scene *s, struct msg *msg)
{
	return fixture_heard(s->supervisor, msg, MSG_FROM_CORE);
}

static void
send_worker(struct scene *s, const char *ifname, uint32_t pid)
{
	struct msg_worker worker = { .pid = pid, .restarts = pid - 100 };
	int calls[2], events[2];

	strcpy(worker.ifname, ifname);
	CU_ASSERT_EQUAL_FATAL(channel_pair(calls), 0);
	CU_ASSERT_EQUAL_FATAL(channel_pair(events), 0);
	CU_ASSERT_EQUAL(channel_send(s->supervisor, MSG_WORKER, &worker, sizeof(worker),
			    (const int[]){ calls[0], events[0] }, 2),
	    0);
	close(calls[0]);
	close(events[0]);
	if (s->calls >= 0)
		close(s->calls);
	if (s->events >= 0)
		close(s->events);
	s->calls = calls[1];
	s->events = events[1];
	fixture_turn(&s->f);
}

static void
send_gone(struct scene *s, uint32_t pid)
{
	struct msg_worker worker = { .ifname = "lan0", .pid = pid };

	CU_ASSERT_EQUAL(
	    channel_send(s->supervisor, MSG_WORKER_GONE, &worker, sizeof(worker), NULL, 0), 0);
	fixture_turn(&s->f);
}

/* ---- what must hold ---- */

static void
test_nothing_is_told_before_all_is_right(void)
{
	struct scene s;
	struct msg msg;

	scene_init(&s);
	parent_tell_lan(&s.f.core, &lan_list[0]);
	CU_ASSERT_EQUAL(next(&s, &msg), 0);
	CU_ASSERT_EQUAL(parent_ready(&s.f.core), 0);
	CU_ASSERT_EQUAL(next(&s, &msg), MSG_READY);
	CU_ASSERT_EQUAL(next(&s, &msg), MSG_LAN);
	CU_ASSERT_STRING_EQUAL(msg.body.lan.ifname, "lan0");
	CU_ASSERT_EQUAL(msg.body.lan.serve, 1);
	CU_ASSERT_EQUAL(msg.body.lan.address, LAN_HOST(1));
	CU_ASSERT_EQUAL(next(&s, &msg), MSG_LAN);
	CU_ASSERT_EQUAL(msg.body.lan.serve, 0);
	CU_ASSERT_EQUAL(next(&s, &msg), 0);
	scene_exit(&s);
}

static void
test_a_change_of_a_lan_is_told(void)
{
	struct scene s;
	struct msg msg;

	scene_init(&s);
	CU_ASSERT_EQUAL(parent_ready(&s.f.core), 0);
	while (next(&s, &msg))
		;
	lan_list[0].prefix.addr = LAN_HOST(2);
	parent_tell_lan(&s.f.core, &lan_list[0]);
	CU_ASSERT_EQUAL(next(&s, &msg), MSG_LAN);
	CU_ASSERT_EQUAL(msg.body.lan.address, LAN_HOST(2));
	scene_exit(&s);
}

static void
test_a_worker_is_attached_and_greeted(void)
{
	struct scene s;

	scene_init(&s);
	send_worker(&s, "lan0", 100);
	CU_ASSERT_EQUAL(lan_list[0].worker_pid, 100);
	CU_ASSERT_TRUE(lan_list[0].calls_fd >= 0 && lan_list[0].events_fd >= 0);
	CU_ASSERT_EQUAL(fake_record.greets, 1);
	send_gone(&s, 100);
	CU_ASSERT_EQUAL(lan_list[0].worker_pid, 0);
	CU_ASSERT_EQUAL(lan_list[0].calls_fd, -1);
	scene_exit(&s);
}

static void
test_late_news_of_an_end_do_not_hurt_the_next_worker(void)
{
	struct scene s;

	scene_init(&s);
	send_worker(&s, "lan0", 100);
	send_worker(&s, "lan0", 101);
	send_gone(&s, 100);
	CU_ASSERT_EQUAL(lan_list[0].worker_pid, 101);
	CU_ASSERT_EQUAL(lan_list[0].restarts, 1);
	CU_ASSERT_TRUE(lan_list[0].calls_fd >= 0);
	scene_exit(&s);
}

static void
test_a_worker_for_nobody_is_sent_away(void)
{
	struct scene s;
	char buf;

	scene_init(&s);
	send_worker(&s, "lan1", 100);
	CU_ASSERT_EQUAL(lan_list[1].worker_pid, 0);
	CU_ASSERT_EQUAL(recv(s.calls, &buf, 1, MSG_DONTWAIT), 0);
	send_worker(&s, "lan2", 100);
	CU_ASSERT_EQUAL(recv(s.events, &buf, 1, MSG_DONTWAIT), 0);
	CU_ASSERT_EQUAL(fake_record.greets, 0);
	scene_exit(&s);
}

static void
test_signs_of_life_and_reloads_are_answered(void)
{
	struct scene s;
	struct msg msg;

	scene_init(&s);
	CU_ASSERT_EQUAL(channel_send(s.supervisor, MSG_PING, NULL, 0, NULL, 0), 0);
	CU_ASSERT_EQUAL(channel_send(s.supervisor, MSG_RELOAD, NULL, 0, NULL, 0), 0);
	fixture_turn(&s.f);
	CU_ASSERT_EQUAL(next(&s, &msg), MSG_PONG);
	CU_ASSERT_EQUAL(fake_record.reloads, 1);
	CU_ASSERT_EQUAL(fake_record.stops, 0);
	scene_exit(&s);
}

static void
test_how_dnsmasq_fares_is_passed_on(void)
{
	struct msg_dhcp_state state = { .serial = 3, .pid = 55, .restarts = 1 };
	struct msg_dhcp dhcp = { .serial = 4, .run = 1, .look = 1 };
	struct scene s;
	struct msg msg;

	scene_init(&s);
	CU_ASSERT_EQUAL(
	    channel_send(s.supervisor, MSG_DHCP_STATE, &state, sizeof(state), NULL, 0), 0);
	fixture_turn(&s.f);
	CU_ASSERT_EQUAL(fake_record.dhcp_state.pid, 55);
	CU_ASSERT_EQUAL(parent_run_dhcp(&dhcp), 0);
	CU_ASSERT_EQUAL(next(&s, &msg), MSG_DHCP);
	CU_ASSERT_EQUAL(msg.body.dhcp.serial, 4);
	CU_ASSERT_EQUAL(msg.body.dhcp.look, 1);
	scene_exit(&s);
}

static void
test_without_a_supervisor_we_end(void)
{
	struct scene s;

	scene_init(&s);
	close(s.supervisor);
	s.supervisor = -1;
	fixture_turn(&s.f);
	CU_ASSERT_EQUAL(fake_record.stops, 1);
	CU_ASSERT_FALSE(s.f.core.told_to_stop); /* so the kernel's table stays */
	scene_exit(&s);
}

static void
test_descriptor_3_must_be_a_channel(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd != PARENT_FD)
		dup2(fd, PARENT_FD);
	CU_ASSERT_FALSE(parent_exists());
	close(PARENT_FD);
	CU_ASSERT_FALSE(parent_exists());
	if (fd != PARENT_FD)
		close(fd);
}

static const struct unit_test tests[] = {
	UNIT_TEST(nothing_is_told_before_all_is_right),
	UNIT_TEST(a_change_of_a_lan_is_told),
	UNIT_TEST(a_worker_is_attached_and_greeted),
	UNIT_TEST(late_news_of_an_end_do_not_hurt_the_next_worker),
	UNIT_TEST(a_worker_for_nobody_is_sent_away),
	UNIT_TEST(signs_of_life_and_reloads_are_answered),
	UNIT_TEST(how_dnsmasq_fares_is_passed_on),
	UNIT_TEST(without_a_supervisor_we_end),
	UNIT_TEST(descriptor_3_must_be_a_channel),
	UNIT_END,
};

int
main(void)
{
	return unit_run("parent", tests);
}
