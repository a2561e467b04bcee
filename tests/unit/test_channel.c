/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both ends are ours; a thread plays the core where a call must be answered while it waits. */
#include "config.h"

#include "ipc/channel.h"
#include "lib/clock.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONG_MS 5000 /* for what must not time out */
#define SHORT_MS 20  /* for what must */

static const struct msg_map_key key = {
	.client = 0xc0a80107,
	.external_port = 8080,
	.protocol = MSG_PROTO_TCP,
};

static void
close_both(int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

static unsigned
count_fds(void)
{
	unsigned n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
test_message_arrives_whole(void)
{
	struct msg_lan lan = {
		.ifname = "lan0", .ifindex = 3, .address = 0xc0a80101, .prefix_len = 24, .serve = 1
	};
	struct msg msg;
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	CU_ASSERT_TRUE(fcntl(ends[0], F_GETFD) & FD_CLOEXEC);
	CU_ASSERT_EQUAL(channel_recv(ends[1], &msg, NULL, MSG_FROM_CORE), -EAGAIN);
	CU_ASSERT_EQUAL(channel_send(ends[0], MSG_LAN, &lan, sizeof(lan), NULL, 0), 0);
	CU_ASSERT_EQUAL(channel_send(ends[0], MSG_READY, NULL, 0, NULL, 0), 0);
	CU_ASSERT_EQUAL(channel_recv(ends[1], &msg, NULL, MSG_FROM_CORE), 0);
	CU_ASSERT_EQUAL(msg.header.type, MSG_LAN);
	CU_ASSERT_EQUAL(memcmp(&msg.body.lan, &lan, sizeof(lan)), 0);
	CU_ASSERT_EQUAL(channel_recv(ends[1], &msg, NULL, MSG_FROM_CORE), 0);
	CU_ASSERT_EQUAL(msg.header.type, MSG_READY);
	close_both(ends);
}

static void
test_descriptors_come_along(void)
{
	int ends[2], given[2], got[MSG_FDS_MAX];
	struct msg msg;
	char c = 0;

	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	CU_ASSERT_EQUAL_FATAL(pipe(given), 0);
	CU_ASSERT_EQUAL(channel_send(ends[0], MSG_CHANNELS, NULL, 0, given, 2), 0);
	CU_ASSERT_EQUAL(channel_recv(ends[1], &msg, got, MSG_FROM_SUPERVISOR), 0);
	CU_ASSERT_TRUE(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
	CU_ASSERT_EQUAL(write(got[1], "x", 1), 1);
	CU_ASSERT_EQUAL(read(given[0], &c, 1), 1);
	CU_ASSERT_EQUAL(c, 'x');

	CU_ASSERT_EQUAL(channel_send(ends[0], MSG_PING, NULL, 0, NULL, 0), 0);
	close_both(got);
	CU_ASSERT_EQUAL(channel_recv(ends[1], &msg, got, MSG_FROM_SUPERVISOR), 0);
	CU_ASSERT_EQUAL(got[0], -1);
	CU_ASSERT_EQUAL(got[1], -1);
	close_both(given);
	close_both(ends);
}

/* Whoever sends what nobody asked for must not fill our table of descriptors. */
static void
test_unwanted_descriptors_are_closed(void)
{
	int ends[2], got[MSG_FDS_MAX] = { -1, -1 };
	struct msg_header ping = { .type = MSG_PING };
	struct iovec iov = { &ping, sizeof(ping) };
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(8 * sizeof(int))];
	} control = { 0 };
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.data) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&mh);
	const int zeros[8] = { 0 };
	unsigned before;
	struct msg msg;

	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	before = count_fds();
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(zeros));
	memcpy(CMSG_DATA(cmsg), zeros, sizeof(zeros));
	CU_ASSERT_EQUAL(sendmsg(ends[0], &mh, 0), (ssize_t)sizeof(ping));
	CU_ASSERT_EQUAL(channel_recv(ends[1], &msg, got, MSG_FROM_SUPERVISOR), -EPROTO);
	CU_ASSERT_EQUAL(got[0], -1);
	CU_ASSERT_EQUAL(count_fds(), before);

	CU_ASSERT_EQUAL(sendmsg(ends[0], &mh, 0), (ssize_t)sizeof(ping));
	CU_ASSERT_EQUAL(channel_recv(ends[1], &msg, NULL, MSG_FROM_SUPERVISOR), -EPROTO);
	CU_ASSERT_EQUAL(count_fds(), before);
	close_both(ends);
}

static void
test_nonsense_breaks_the_contract(void)
{
	char big[sizeof(struct msg) + 64];
	struct msg msg;
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	memset(big, 'x', sizeof(big));
	CU_ASSERT_EQUAL(send(ends[0], big, sizeof(big), 0), (ssize_t)sizeof(big));
	CU_ASSERT_EQUAL(channel_recv(ends[1], &msg, NULL, MSG_FROM_WORKER_CALL), -EPROTO);
	CU_ASSERT_EQUAL(send(ends[0], big, 3, 0), 3);
	CU_ASSERT_EQUAL(channel_recv(ends[1], &msg, NULL, MSG_FROM_WORKER_CALL), -EPROTO);
	CU_ASSERT_EQUAL(channel_send(ends[0], MSG_PONG, NULL, 0, NULL, 0), 0);
	CU_ASSERT_EQUAL(channel_recv(ends[1], &msg, NULL, MSG_FROM_WORKER_CALL), -EPROTO);
	close_both(ends);
}

static void
test_full_socket_is_told_at_once(void)
{
	unsigned sent = 0;
	struct msg msg;
	int ends[2], rc;

	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	while ((rc = channel_send(ends[0], MSG_PING, NULL, 0, NULL, 0)) == 0 && sent < 1000000)
		sent++;
	CU_ASSERT_EQUAL(rc, -EAGAIN);
	CU_ASSERT_TRUE(sent >= 16);
	CU_ASSERT_EQUAL(channel_recv(ends[1], &msg, NULL, MSG_FROM_SUPERVISOR), 0);
	close_both(ends);
}

static void
test_closed_peer_is_told(void)
{
	struct msg msg;
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	close(ends[1]);
	CU_ASSERT_EQUAL(channel_recv(ends[0], &msg, NULL, MSG_FROM_CORE), -EPIPE);
	CU_ASSERT_EQUAL(channel_send(ends[0], MSG_PING, NULL, 0, NULL, 0), -EPIPE);
	close(ends[0]);
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* Answers @calls requests for state, each with its own serial in the uptime; then hangs up. */
struct server {
	pthread_t thread;
	int fd;
	unsigned calls;
	unsigned answered;
};

static void *
serve(void *arg)
{
	struct msg_state state = { .wan_status = MSG_WAN_CONNECTED, .link_up = 1 };
	struct server *server = arg;
	struct pollfd pfd = { .fd = server->fd, .events = POLLIN };
	struct msg msg;

	while (server->answered < server->calls && poll(&pfd, 1, LONG_MS) == 1) {
		if (channel_recv(server->fd, &msg, NULL, MSG_FROM_WORKER_CALL) < 0)
			break;
		state.uptime_s = msg.header.serial;
		if (channel_reply(server->fd, &msg, RESULT_OK, &state, sizeof(state)) < 0)
			break;
		server->answered++;
	}
	close(server->fd);
	return NULL;
}

static struct channel_client *
client_with_server(struct server *server, unsigned calls)
{
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	*server = (struct server){ .fd = ends[1], .calls = calls };
	CU_ASSERT_EQUAL_FATAL(pthread_create(&server->thread, NULL, serve, server), 0);
	return channel_client_new(ends[0]);
}

static void
test_call_gets_its_own_reply(void)
{
	struct channel_client *client;
	struct server server;
	struct msg reply;
	unsigned i;

	client = client_with_server(&server, 3);
	for (i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(channel_call(client, MSG_STATE_GET, NULL, 0, &reply, LONG_MS), 0);
		CU_ASSERT_EQUAL(reply.body.state.uptime_s, reply.header.serial);
	}
	pthread_join(server.thread, NULL);
	channel_client_free(client);
}

#define THREADS 8
#define CALLS 50

struct caller {
	struct channel_client *client;
	unsigned good;
};

static void *
call_often(void *arg)
{
	struct caller *caller = arg;
	struct msg reply;
	int i;

	for (i = 0; i < CALLS; i++)
		caller->good +=
		    channel_call(caller->client, MSG_STATE_GET, NULL, 0, &reply, LONG_MS) == 0 &&
		    reply.body.state.uptime_s == reply.header.serial;
	return NULL;
}

static void
test_many_threads_never_mix_replies(void)
{
	struct caller callers[THREADS];
	pthread_t threads[THREADS];
	struct server server;
	unsigned i;

	callers[0].client = client_with_server(&server, THREADS * CALLS);
	for (i = 0; i < THREADS; i++) {
		callers[i] = (struct caller){ .client = callers[0].client };
		CU_ASSERT_EQUAL_FATAL(
		    pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		CU_ASSERT_EQUAL(callers[i].good, CALLS);
	}
	pthread_join(server.thread, NULL);
	channel_client_free(callers[0].client);
}

static void
test_refusal_comes_back_as_a_result(void)
{
	struct channel_client *client;
	struct msg msg, reply;
	int ends[2];

	/* the answer to serial 1 waits before the question is asked */
	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	client = channel_client_new(ends[0]);
	msg.header = (struct msg_header){ .type = MSG_MAP_GET, .serial = 1 };
	CU_ASSERT_EQUAL(channel_reply(ends[1], &msg, RESULT_NO_SUCH_ENTRY, NULL, 0), 0);
	CU_ASSERT_EQUAL(channel_call(client, MSG_MAP_GET, &key, sizeof(key), &reply, LONG_MS), 0);
	CU_ASSERT_EQUAL(reply.header.result, RESULT_NO_SUCH_ENTRY);
	CU_ASSERT_EQUAL(reply.header.size, 0);
	close(ends[1]);
	channel_client_free(client);
}

static void
test_silent_core_times_out_and_its_late_reply_is_dropped(void)
{
	struct msg_state state = { .uptime_s = 0 };
	struct channel_client *client;
	struct msg late, reply;
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	client = channel_client_new(ends[0]);
	CU_ASSERT_EQUAL(channel_call(client, MSG_STATE_GET, NULL, 0, &reply, SHORT_MS), -ETIMEDOUT);
	CU_ASSERT_EQUAL(channel_recv(ends[1], &late, NULL, MSG_FROM_WORKER_CALL), 0);
	/* What it asked for must not be done any more. */
	CU_ASSERT_TRUE(late.header.deadline_ms > 0 && late.header.deadline_ms < clock_boot_ms());
	state.mappings = 1;
	CU_ASSERT_EQUAL(channel_reply(ends[1], &late, RESULT_OK, &state, sizeof(state)), 0);
	late.header.serial++; /* what the next call will ask */
	state.mappings = 2;
	CU_ASSERT_EQUAL(channel_reply(ends[1], &late, RESULT_OK, &state, sizeof(state)), 0);
	CU_ASSERT_EQUAL(channel_call(client, MSG_STATE_GET, NULL, 0, &reply, LONG_MS), 0);
	CU_ASSERT_EQUAL(reply.body.state.mappings, 2);
	close(ends[1]);
	channel_client_free(client);
}

static void
test_core_that_does_not_read_times_out(void)
{
	struct channel_client *client;
	struct msg reply;
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	while (channel_send(ends[0], MSG_PING, NULL, 0, NULL, 0) == 0)
		;
	client = channel_client_new(ends[0]);
	CU_ASSERT_EQUAL(channel_call(client, MSG_STATE_GET, NULL, 0, &reply, SHORT_MS), -ETIMEDOUT);
	close(ends[1]);
	channel_client_free(client);
}

static void
test_core_that_dies_ends_the_call_at_once(void)
{
	struct channel_client *client;
	struct server server;
	struct msg reply;

	client = client_with_server(&server, 1);
	CU_ASSERT_EQUAL(channel_call(client, MSG_STATE_GET, NULL, 0, &reply, LONG_MS), 0);
	pthread_join(server.thread, NULL);
	CU_ASSERT_EQUAL(channel_call(client, MSG_STATE_GET, NULL, 0, &reply, LONG_MS), -EPIPE);
	channel_client_free(client);
}

static void
test_reply_of_another_type_breaks_the_contract(void)
{
	struct channel_client *client;
	struct msg msg, reply;
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	client = channel_client_new(ends[0]);
	msg.header = (struct msg_header){ .type = MSG_MAP_ADD, .serial = 1 };
	CU_ASSERT_EQUAL(channel_reply(ends[1], &msg, RESULT_OK, NULL, 0), 0);
	CU_ASSERT_EQUAL(channel_call(client, MSG_STATE_GET, NULL, 0, &reply, LONG_MS), -EPROTO);
	close(ends[1]);
	channel_client_free(client);
}

static void
test_without_a_core_the_call_waits_for_one_and_then_fails(void)
{
	struct channel_client *client = channel_client_new(-1);
	struct msg reply;

	CU_ASSERT_EQUAL(channel_call(client, MSG_STATE_GET, NULL, 0, &reply, SHORT_MS), -EPIPE);
	channel_client_free(client);
}

static void
test_another_core_takes_over(void)
{
	struct channel_client *client;
	struct server first, second;
	struct caller caller = { 0 };
	struct msg reply;
	pthread_t thread;
	int ends[2];

	client = client_with_server(&first, 1);
	CU_ASSERT_EQUAL(channel_call(client, MSG_STATE_GET, NULL, 0, &reply, LONG_MS), 0);
	pthread_join(first.thread, NULL);
	channel_client_set_fd(client, -1);

	/* calls begun while there is none succeed when it comes */
	caller.client = client;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, call_often, &caller), 0);
	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	second = (struct server){ .fd = ends[1], .calls = CALLS };
	CU_ASSERT_EQUAL_FATAL(pthread_create(&second.thread, NULL, serve, &second), 0);
	channel_client_set_fd(client, ends[0]);
	pthread_join(thread, NULL);
	pthread_join(second.thread, NULL);
	CU_ASSERT_EQUAL(caller.good, CALLS);
	channel_client_free(client);
}

static void *
call_once(void *arg)
{
	struct caller *caller = arg;
	struct msg reply;

	caller->good =
	    channel_call(caller->client, MSG_STATE_GET, NULL, 0, &reply, LONG_MS) == -EPIPE;
	return NULL;
}

static void
test_replacing_the_core_ends_a_call_under_way(void)
{
	struct pollfd pfd = { .events = POLLIN };
	struct caller caller = { 0 };
	unsigned before = count_fds();
	int first[2], second[2];
	pthread_t thread;

	CU_ASSERT_EQUAL_FATAL(channel_pair(first), 0);
	CU_ASSERT_EQUAL_FATAL(channel_pair(second), 0);
	caller.client = channel_client_new(first[0]);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, call_once, &caller), 0);
	pfd.fd = first[1];
	CU_ASSERT_EQUAL(poll(&pfd, 1, LONG_MS), 1); /* the call is under way */
	channel_client_set_fd(caller.client, second[0]);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(caller.good, 1);
	channel_client_free(caller.client);
	close(first[1]);
	close(second[1]);
	CU_ASSERT_EQUAL(count_fds(), before);
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(message_arrives_whole),
		UNIT_TEST(descriptors_come_along),
		UNIT_TEST(unwanted_descriptors_are_closed),
		UNIT_TEST(nonsense_breaks_the_contract),
		UNIT_TEST(full_socket_is_told_at_once),
		UNIT_TEST(closed_peer_is_told),
		UNIT_TEST(call_gets_its_own_reply),
		UNIT_TEST(many_threads_never_mix_replies),
		UNIT_TEST(refusal_comes_back_as_a_result),
		UNIT_TEST(silent_core_times_out_and_its_late_reply_is_dropped),
		UNIT_TEST(core_that_does_not_read_times_out),
		UNIT_TEST(core_that_dies_ends_the_call_at_once),
		UNIT_TEST(reply_of_another_type_breaks_the_contract),
		UNIT_TEST(without_a_core_the_call_waits_for_one_and_then_fails),
		UNIT_TEST(another_core_takes_over),
		UNIT_TEST(replacing_the_core_ends_a_call_under_way),
		UNIT_END,
	};

	return unit_run("channel", tests);
}
