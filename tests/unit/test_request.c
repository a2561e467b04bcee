/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/request.h"
#include "fakes.h"
#include "ipc/channel.h"
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static struct lan lan0 = { .ifname = "lan0",
	.ifindex = 2,
	.prefix = { LAN_HOST(1), 24 },
	.calls_fd = -1,
	.events_fd = -1 };

static struct msg
call(enum msg_type type)
{
	struct msg msg = { .header = { .type = (uint16_t)type, .serial = 9 } };

	msg.header.size = (uint16_t)msg_size(type);
	return msg;
}

static enum result
ask(struct fixture *f, const struct msg *req, struct msg *reply)
{
	CU_ASSERT_EQUAL(request_dispatch(&f->core, &lan0, req, reply), 0);
	CU_ASSERT_EQUAL(reply->header.serial, 9);
	CU_ASSERT_EQUAL(reply->header.type, req->header.type);
	return (enum result)reply->header.result;
}

static void
test_each_call_is_answered(void)
{
	struct msg add = call(MSG_MAP_ADD), get = call(MSG_MAP_GET), del = call(MSG_MAP_DEL),
		   index = call(MSG_MAP_GET_INDEX), reply;
	struct fixture f;

	fixture_init(&f);
	add.body.map = fake_request(7, 8080, 88);
	CU_ASSERT_EQUAL(ask(&f, &add, &reply), RESULT_OK);
	CU_ASSERT_EQUAL(reply.header.size, 0);

	get.body.key = add.body.map.key;
	CU_ASSERT_EQUAL(ask(&f, &get, &reply), RESULT_OK);
	CU_ASSERT_EQUAL(reply.header.size, sizeof(struct msg_map));
	CU_ASSERT_EQUAL(reply.body.map.internal_port, 88);

	index.body.index.client = LAN_HOST(8); /* anybody may look */
	CU_ASSERT_EQUAL(ask(&f, &index, &reply), RESULT_OK);
	CU_ASSERT_EQUAL(reply.body.map.key.external_port, 8080);
	index.body.index.index = 1;
	CU_ASSERT_EQUAL(ask(&f, &index, &reply), RESULT_NO_SUCH_INDEX);
	CU_ASSERT_EQUAL(reply.header.size, 0);

	del.body.key = add.body.map.key;
	CU_ASSERT_EQUAL(ask(&f, &del, &reply), RESULT_OK);
	CU_ASSERT_EQUAL(ask(&f, &del, &reply), RESULT_NO_SUCH_ENTRY);
	CU_ASSERT_EQUAL(ask(&f, &get, &reply), RESULT_NO_SUCH_ENTRY);
	fixture_exit(&f);
}

/* A client that was told "failed" must not have a mapping. */
static void
test_a_call_that_comes_too_late_changes_nothing(void)
{
	struct msg add = call(MSG_MAP_ADD), get = call(MSG_MAP_GET), reply;
	struct fixture f;

	fixture_init(&f);
	add.body.map = fake_request(7, 8080, 88);
	get.body.key = add.body.map.key;
	add.header.deadline_ms = f.core.now_ms();
	CU_ASSERT_EQUAL(ask(&f, &add, &reply), RESULT_FAILED);
	CU_ASSERT_EQUAL(reply.header.size, 0);
	CU_ASSERT_EQUAL(ask(&f, &get, &reply), RESULT_NO_SUCH_ENTRY);
	add.header.deadline_ms++;
	CU_ASSERT_EQUAL(ask(&f, &add, &reply), RESULT_OK);
	CU_ASSERT_EQUAL(ask(&f, &get, &reply), RESULT_OK);
	fixture_exit(&f);
}

static void
test_state_and_counters_are_told(void)
{
	struct msg state = call(MSG_STATE_GET), counters = call(MSG_COUNTERS_GET), reply;
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(ask(&f, &state, &reply), RESULT_OK);
	CU_ASSERT_EQUAL(reply.header.size, sizeof(struct msg_state));
	CU_ASSERT_EQUAL(reply.body.state.external_address, 0xcb007105);
	CU_ASSERT_EQUAL(ask(&f, &counters, &reply), RESULT_OK);
	CU_ASSERT_EQUAL(reply.header.size, sizeof(struct msg_counters));
	fixture_exit(&f);
}

static void
test_a_client_of_another_network_is_a_broken_contract(void)
{
	struct msg add = call(MSG_MAP_ADD), key = call(MSG_MAP_DEL),
		   index = call(MSG_MAP_GET_INDEX), reply;
	struct fixture f;

	fixture_init(&f);
	add.body.map = fake_request(7, 8080, 88);
	add.body.map.key.client = 0xc0a80207;
	CU_ASSERT_EQUAL(request_dispatch(&f.core, &lan0, &add, &reply), -EPROTO);
	key.body.key = add.body.map.key;
	CU_ASSERT_EQUAL(request_dispatch(&f.core, &lan0, &key, &reply), -EPROTO);
	index.body.index.client = 0xc0a80207;
	CU_ASSERT_EQUAL(request_dispatch(&f.core, &lan0, &index, &reply), -EPROTO);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 0);
	fixture_exit(&f);
}

static void
test_a_message_that_is_no_call_is_a_broken_contract(void)
{
	struct msg msg = call(MSG_READY), reply;
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(request_dispatch(&f.core, &lan0, &msg, &reply), -EPROTO);
	msg.header.type = MSG_TYPE_COUNT;
	CU_ASSERT_EQUAL(request_dispatch(&f.core, &lan0, &msg, &reply), -EPROTO);
	msg.header.type = 0;
	CU_ASSERT_EQUAL(request_dispatch(&f.core, &lan0, &msg, &reply), -EPROTO);
	fixture_exit(&f);
}

/* ---- over a real channel ---- */

struct wire {
	struct fixture f;
	struct lan lan;
	int calls, events; /* the worker's ends */
};

static void
wire_init(struct wire *w)
{
	int calls[2], events[2];

	fixture_init(&w->f);
	w->f.core.base = event_base_new();
	w->lan = lan0;
	CU_ASSERT_EQUAL_FATAL(channel_pair(calls), 0);
	CU_ASSERT_EQUAL_FATAL(channel_pair(events), 0);
	w->calls = calls[1];
	w->events = events[1];
	CU_ASSERT_EQUAL(request_attach(&w->f.core, &w->lan, calls[0], events[0]), 0);
}

static void
wire_exit(struct wire *w)
{
	request_detach(&w->f.core, &w->lan);
	close(w->calls);
	close(w->events);
	event_base_free(w->f.core.base);
	fixture_exit(&w->f);
}

static void
send_call(int fd)
{
	struct msg msg = call(MSG_MAP_GET_INDEX);
	struct iovec iov[2] = { { &msg.header, sizeof(msg.header) },
		{ &msg.body, msg.header.size } };

	msg.body.index.client = LAN_HOST(7);
	CU_ASSERT_TRUE(writev(fd, iov, 2) > 0);
}

static void
test_one_turn_of_the_loop_serves_one_call_of_a_worker(void)
{
	struct msg reply;
	struct wire w;
	int i, first;

	wire_init(&w);
	for (i = 0; i < 20; i++)
		send_call(w.calls);
	fixture_turn(&w.f);
	for (first = 0; recv(w.calls, &reply, sizeof(reply), MSG_DONTWAIT) > 0; first++)
		CU_ASSERT_EQUAL(reply.header.result, RESULT_NO_SUCH_INDEX);
	CU_ASSERT_EQUAL(first, 1);
	for (i = 0; i < 20; i++)
		fixture_turn(&w.f);
	for (; recv(w.calls, &reply, sizeof(reply), MSG_DONTWAIT) > 0; first++)
		;
	CU_ASSERT_EQUAL(first, 20);
	wire_exit(&w);
}

static void
test_a_worker_that_breaks_the_contract_loses_its_channels_and_its_life(void)
{
	struct msg reply;
	struct wire w;

	wire_init(&w);
	w.lan.worker_pid = 4711;
	CU_ASSERT_EQUAL(send(w.calls, "nonsense", 8, 0), 8);
	fixture_turn(&w.f);
	CU_ASSERT_EQUAL(w.lan.calls_fd, -1);
	CU_ASSERT_EQUAL(w.lan.events_fd, -1);
	CU_ASSERT_PTR_NULL(w.lan.calls_event);
	CU_ASSERT_EQUAL(fake_record.refused_worker, 4711);
	CU_ASSERT_EQUAL(recv(w.events, &reply, sizeof(reply), MSG_DONTWAIT), 0);
	CU_ASSERT_TRUE(recv(w.calls, &reply, sizeof(reply), MSG_DONTWAIT) <= 0);
	wire_exit(&w);
}

static void
test_a_worker_that_went_is_let_go_of(void)
{
	struct wire w;

	wire_init(&w);
	w.lan.worker_pid = 4711;
	shutdown(w.calls, SHUT_RDWR);
	fixture_turn(&w.f);
	CU_ASSERT_EQUAL(w.lan.calls_fd, -1);
	CU_ASSERT_EQUAL(fake_record.refused_worker, 0); /* its end is the supervisor's to see */
	wire_exit(&w);
}

static void
test_the_next_worker_takes_the_place_of_the_last(void)
{
	struct msg reply;
	int calls[2], events[2];
	struct wire w;

	wire_init(&w);
	CU_ASSERT_EQUAL_FATAL(channel_pair(calls), 0);
	CU_ASSERT_EQUAL_FATAL(channel_pair(events), 0);
	CU_ASSERT_EQUAL(request_attach(&w.f.core, &w.lan, calls[0], events[0]), 0);
	CU_ASSERT_EQUAL(recv(w.events, &reply, sizeof(reply), MSG_DONTWAIT), 0);
	send_call(calls[1]);
	fixture_turn(&w.f);
	CU_ASSERT_TRUE(recv(calls[1], &reply, sizeof(reply), MSG_DONTWAIT) > 0);
	close(calls[1]);
	close(events[1]);
	wire_exit(&w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(each_call_is_answered),
	UNIT_TEST(a_call_that_comes_too_late_changes_nothing),
	UNIT_TEST(state_and_counters_are_told),
	UNIT_TEST(a_client_of_another_network_is_a_broken_contract),
	UNIT_TEST(a_message_that_is_no_call_is_a_broken_contract),
	UNIT_TEST(one_turn_of_the_loop_serves_one_call_of_a_worker),
	UNIT_TEST(a_worker_that_breaks_the_contract_loses_its_channels_and_its_life),
	UNIT_TEST(a_worker_that_went_is_let_go_of),
	UNIT_TEST(the_next_worker_takes_the_place_of_the_last),
	UNIT_END,
};

int
main(void)
{
	return unit_run("request", tests);
}
