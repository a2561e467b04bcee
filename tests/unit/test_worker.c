/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker's loop, run in this process: the test holds the supervisor's and the core's ends, says
 * things before the loop starts, and ends it from a handler.
 */
#include "config.h"

#include "worker/worker.h"
#include "unit.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"

static const struct msg_gateway gateway = {
	.http_port = 5431,
	.notify_interval_s = 900,
	.boot_id = 1,
	.hostname = "gateway",
};
static const struct msg_state state = { .wan_status = MSG_WAN_CONNECTED, .mappings = 5 };

struct fixture {
	struct worker w;
	int supervisor;    /* the supervisor's end */
	int calls, events; /* the core's ends */
	unsigned gateways, states, stops, timers;
	uint32_t mappings; /* of the last state */
	int gateway_rc;
	bool stale_at_state;
	bool stop_at_state;  /* the supervisor goes when a state has come */
	bool core_dies_once; /* at the first state the core goes, and another comes */
	bool timer_wanted;
};

static void
bring_core(struct fixture *f)
{
	int calls[2], events[2];

	CU_ASSERT_EQUAL_FATAL(channel_pair(calls), 0);
	CU_ASSERT_EQUAL_FATAL(channel_pair(events), 0);
	CU_ASSERT_EQUAL(channel_send(f->supervisor, MSG_CHANNELS, NULL, 0,
			    (const int[]){ calls[0], events[0] }, 2),
	    0);
	close(calls[0]);
	close(events[0]);
	f->calls = calls[1];
	f->events = events[1];
}

static void
greet(struct fixture *f)
{
	CU_ASSERT_EQUAL(
	    channel_send(f->events, MSG_GATEWAY, &gateway, sizeof(gateway), NULL, 0), 0);
	CU_ASSERT_EQUAL(channel_send(f->events, MSG_STATE, &state, sizeof(state), NULL, 0), 0);
}

static void
lose_core(struct fixture *f)
{
	close(f->calls);
	close(f->events);
	f->calls = f->events = -1;
}

static void
lose_supervisor(struct fixture *f)
{
	close(f->supervisor);
	f->supervisor = -1;
}

static int
on_gateway(void *arg, const struct msg_gateway *got)
{
	struct fixture *f = arg;

	f->gateways++;
	CU_ASSERT_EQUAL(got->http_port, gateway.http_port);
	return f->gateway_rc;
}

static void
on_state(void *arg, const struct msg_state *got)
{
	struct fixture *f = arg;

	f->states++;
	f->mappings = got->mappings;
	f->w.stale = f->stale_at_state;
	if (f->core_dies_once) {
		f->core_dies_once = false;
		lose_core(f);
		bring_core(f);
		greet(f);
	} else if (f->stop_at_state) {
		lose_supervisor(f);
	}
}

static int
timeout_ms(void *arg)
{
	return ((struct fixture *)arg)->timer_wanted ? 0 : -1;
}

static void
on_timer(void *arg)
{
	struct fixture *f = arg;

	f->timers++;
	f->timer_wanted = false;
	lose_supervisor(f);
}

static void
on_stop(void *arg)
{
	((struct fixture *)arg)->stops++;
}

static const struct worker_ops ops = {
	.on_gateway = on_gateway,
	.on_state = on_state,
	.timeout_ms = timeout_ms,
	.on_timer = on_timer,
	.on_stop = on_stop,
};

static void
fixture_init(struct fixture *f)
{
	int ends[2];

	memset(f, 0, sizeof(*f));
	f->calls = f->events = f->w.events_fd = -1;
	f->w.core = channel_client_new(-1);
	CU_ASSERT_EQUAL_FATAL(channel_pair(ends), 0);
	f->supervisor = ends[0];
	if (ends[0] == WORKER_SUPERVISOR_FD) {
		f->supervisor = dup(ends[0]);
		close(ends[0]);
	}
	if (ends[1] != WORKER_SUPERVISOR_FD) {
		CU_ASSERT_EQUAL_FATAL(dup2(ends[1], WORKER_SUPERVISOR_FD), WORKER_SUPERVISOR_FD);
		close(ends[1]);
	}
}

static int
run(struct fixture *f)
{
	int status = worker_run(&f->w, &ops, f);

	alarm(0);
	return status;
}

static void
fixture_exit(struct fixture *f)
{
	channel_client_free(f->w.core);
	close(WORKER_SUPERVISOR_FD);
	if (f->supervisor >= 0)
		lose_supervisor(f);
	if (f->calls >= 0)
		lose_core(f);
}

static void
test_events_of_the_core_are_passed_on(void)
{
	struct fixture f;

	fixture_init(&f);
	f.stop_at_state = true;
	bring_core(&f);
	greet(&f);
	CU_ASSERT_EQUAL(run(&f), EXIT_SUCCESS);
	CU_ASSERT_EQUAL(f.gateways, 1);
	CU_ASSERT_EQUAL(f.states, 1);
	CU_ASSERT_EQUAL(f.mappings, 5);
	fixture_exit(&f);
}

static void
test_end_of_the_supervisor_is_the_worker_s_end_with_a_good_bye(void)
{
	struct fixture f;

	fixture_init(&f);
	lose_supervisor(&f);
	CU_ASSERT_EQUAL(run(&f), EXIT_SUCCESS);
	CU_ASSERT_EQUAL(f.stops, 1);
	fixture_exit(&f);
}

static void
test_sigterm_ends_with_a_good_bye(void)
{
	struct fixture f;

	fixture_init(&f);
	kill(getpid(), SIGTERM);
	CU_ASSERT_EQUAL(run(&f), EXIT_SUCCESS);
	CU_ASSERT_EQUAL(f.stops, 1);
	fixture_exit(&f);
}

static void
test_ping_is_answered_and_sigint_is_not(void)
{
	struct fixture f;
	struct msg msg;

	fixture_init(&f);
	kill(getpid(), SIGINT); /* Ctrl-C is the supervisor's to answer */
	CU_ASSERT_EQUAL(channel_send(f.supervisor, MSG_PING, NULL, 0, NULL, 0), 0);
	CU_ASSERT_EQUAL(channel_send(f.supervisor, MSG_RELOAD, NULL, 0, NULL, 0), 0);
	CU_ASSERT_EQUAL(run(&f), EXIT_FAILURE); /* a reload is not for workers */
	CU_ASSERT_EQUAL(channel_recv(f.supervisor, &msg, NULL, MSG_FROM_WORKER), 0);
	CU_ASSERT_EQUAL(msg.header.type, MSG_PONG);
	fixture_exit(&f);
}

static void
test_another_core_is_greeted_again(void)
{
	struct fixture f;

	fixture_init(&f);
	f.core_dies_once = f.stop_at_state = true;
	bring_core(&f);
	greet(&f);
	CU_ASSERT_EQUAL(run(&f), EXIT_SUCCESS);
	CU_ASSERT_EQUAL(f.gateways, 2);
	CU_ASSERT_EQUAL(f.states, 2);
	fixture_exit(&f);
}

static void
test_state_before_the_gateway_breaks_the_contract(void)
{
	struct fixture f;

	fixture_init(&f);
	bring_core(&f);
	CU_ASSERT_EQUAL(channel_send(f.events, MSG_STATE, &state, sizeof(state), NULL, 0), 0);
	CU_ASSERT_EQUAL(run(&f), EXIT_FAILURE);
	CU_ASSERT_EQUAL(f.states, 0);
	CU_ASSERT_EQUAL(f.stops, 1);
	fixture_exit(&f);
}

static void
test_worker_that_cannot_serve_ends(void)
{
	struct fixture f;

	fixture_init(&f);
	f.gateway_rc = -EADDRINUSE;
	bring_core(&f);
	greet(&f);
	CU_ASSERT_EQUAL(run(&f), EXIT_FAILURE);
	CU_ASSERT_EQUAL(f.gateways, 1);
	CU_ASSERT_EQUAL(f.states, 0);
	fixture_exit(&f);
}

static void
test_worker_that_has_become_stale_says_good_bye_and_ends(void)
{
	struct fixture f;

	fixture_init(&f);
	f.stale_at_state = true;
	bring_core(&f);
	greet(&f);
	CU_ASSERT_EQUAL(run(&f), EXIT_FAILURE); /* so that another is started */
	CU_ASSERT_EQUAL(f.states, 1);
	CU_ASSERT_EQUAL(f.stops, 1);
	fixture_exit(&f);
}

static void
test_timer_is_called_when_due(void)
{
	struct fixture f;

	fixture_init(&f);
	f.timer_wanted = true;
	CU_ASSERT_EQUAL(run(&f), EXIT_SUCCESS);
	CU_ASSERT_EQUAL(f.timers, 1);
	fixture_exit(&f);
}

static void
test_wrong_options_are_refused(void)
{
	static const char *const wrong[][12] = {
		{ "--lan", "lan0" },
		{ "--lan", "a-name-too-long-for-linux", "--ifindex", "3", "--address",
		    "192.168.1.1/24", "--xml", "." },
		{ "--lan", "lan0", "--ifindex", "0", "--address", "192.168.1.1/24", "--xml", "." },
		{ "--lan", "lan0", "--ifindex", "3x", "--address", "192.168.1.1/24", "--xml", "." },
		{ "--lan", "lan0", "--ifindex", "3", "--address", "192.168.1/24", "--xml", "." },
		{ "--lan", "lan0", "--ifindex", "3", "--address", "192.168.1.1/24", "--xml", ".",
		    "--log-level", "loud" },
		{ "--lan", "lan0", "--ifindex", "3", "--address", "192.168.1.1/24", "--xml", ".",
		    "more" },
		{ "--wan", "wan0" },
	};
	struct worker w;
	char *argv[14];
	size_t i;
	int argc;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		argv[0] = strdup("portreeve-upnp");
		for (argc = 1; argc <= 12 && wrong[i][argc - 1]; argc++)
			argv[argc] = strdup(wrong[i][argc - 1]);
		argv[argc] = NULL;
		optind = 0; /* glibc: begin again */
		CU_ASSERT_EQUAL(worker_init(&w, "test_worker", argc, argv), -EINVAL);
		while (argc > 0)
			free(argv[--argc]);
	}
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(events_of_the_core_are_passed_on),
		UNIT_TEST(end_of_the_supervisor_is_the_worker_s_end_with_a_good_bye),
		UNIT_TEST(sigterm_ends_with_a_good_bye),
		UNIT_TEST(ping_is_answered_and_sigint_is_not),
		UNIT_TEST(another_core_is_greeted_again),
		UNIT_TEST(state_before_the_gateway_breaks_the_contract),
		UNIT_TEST(worker_that_cannot_serve_ends),
		UNIT_TEST(worker_that_has_become_stale_says_good_bye_and_ends),
		UNIT_TEST(timer_is_called_when_due),
		UNIT_TEST(wrong_options_are_refused),
		UNIT_END,
	};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL); /* as worker_init() does */
	log_open("test_worker", LOG_LEVEL_ERROR);
	return unit_run("worker", tests);
}
