/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connection's state machine. The WAN is what the test says, and time passes when it says. */
#include "core/connection.h"
#include "core/parent.h"
#include "core/wan.h"
#include "fake_network.h"
#include "fakes.h"
#include "lib/compiler.h"
#include "platform/ifstat.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- around it ---- */

static struct {
	unsigned ups, downs; /* commands asked for */
	int fail_hook;
	uint64_t packets;
} world;

int
ifstat_read(const char *ifname UNUSED, struct ifstat *out)
{
	*out = (struct ifstat){ .rx_packets = world.packets };
	return 0;
}

int
parent_run_hook(struct core *core UNUSED, bool disconnect)
{
	if (world.fail_hook)
		return world.fail_hook;
	*(disconnect ? &world.downs : &world.ups) += 1;
	return 0;
}

/* A core whose line is as given, with both commands. */
static void
start(struct fixture *f, enum msg_wan_status status)
{
	memset(&world, 0, sizeof(world));
	fake_network.ifname = "ppp0";
	fake_network.uptime_s = 0;
	fake_network.status = status;
	fake_network.link_up = status == MSG_WAN_CONNECTED;
	fixture_init(f);
	f->core.base = event_base_new();
	strcpy(f->core.conf.on_connect, "/bin/up");
	strcpy(f->core.conf.on_disconnect, "/bin/down");
	f->core.connection = connection_new(&f->core);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->core.connection);
	connection_wan_changed(&f->core);
}

static void
stop(struct fixture *f)
{
	connection_free(f->core.connection);
	event_base_free(f->core.base);
	fixture_exit(f);
}

static void
wan_is(struct fixture *f, enum msg_wan_status status, bool link)
{
	fake_network.status = status;
	fake_network.link_up = link;
	connection_wan_changed(&f->core);
}

static void
hook_done(struct fixture *f, bool disconnect, bool ok)
{
	const struct msg_hook done = { .disconnect = disconnect, .ok = ok };

	connection_hook_done(&f->core, &done);
}

#define STATUS(f, s) CU_ASSERT_EQUAL(connection_status(&(f)->core), s)
#define ERROR(f, e) CU_ASSERT_EQUAL(connection_error(&(f)->core), e)
#define ASK(f, what, result) CU_ASSERT_EQUAL(connection_ask(&(f)->core, what), result)

/* ---- tests ---- */

static void
test_a_client_connects(void)
{
	struct fixture f;

	start(&f, MSG_WAN_DISCONNECTED);
	ERROR(&f, MSG_ERROR_NO_CARRIER);
	ASK(&f, MSG_CONNECT, RESULT_OK);
	CU_ASSERT_EQUAL(world.ups, 1);
	STATUS(&f, MSG_WAN_CONNECTING);
	ASK(&f, MSG_CONNECT, RESULT_SETUP_IN_PROGRESS);
	hook_done(&f, false, true);
	STATUS(&f, MSG_WAN_CONNECTING);
	wan_is(&f, MSG_WAN_CONNECTED, true);
	STATUS(&f, MSG_WAN_CONNECTED);
	ERROR(&f, MSG_ERROR_NONE);
	ASK(&f, MSG_CONNECT, RESULT_OK); /* and no effect */
	CU_ASSERT_EQUAL(world.ups, 1);
	stop(&f);
}

static void
test_the_line_may_come_up_before_the_command_ends(void)
{
	struct fixture f;

	start(&f, MSG_WAN_DISCONNECTED);
	ASK(&f, MSG_CONNECT, RESULT_OK);
	wan_is(&f, MSG_WAN_CONNECTED, true);
	STATUS(&f, MSG_WAN_CONNECTED);
	hook_done(&f, false, true);
	STATUS(&f, MSG_WAN_CONNECTED);
	stop(&f);
}

static void
test_a_command_that_fails_leaves_an_error(void)
{
	struct fixture f;

	start(&f, MSG_WAN_DISCONNECTED);
	ASK(&f, MSG_CONNECT, RESULT_OK);
	hook_done(&f, false, false);
	STATUS(&f, MSG_WAN_DISCONNECTED);
	ERROR(&f, MSG_ERROR_UNKNOWN);
	wan_is(&f, MSG_WAN_CONNECTED, true);
	ASK(&f, MSG_DISCONNECT_NOW, RESULT_OK);
	hook_done(&f, true, false);
	STATUS(&f, MSG_WAN_CONNECTED);
	ERROR(&f, MSG_ERROR_COMMAND_ABORTED);
	stop(&f);
}

static void
test_a_client_disconnects(void)
{
	static const struct {
		enum msg_connect what;
		enum msg_wan_error error;
	} rows[] = { { MSG_DISCONNECT, MSG_ERROR_USER_DISCONNECT },
		{ MSG_DISCONNECT_NOW, MSG_ERROR_FORCED_DISCONNECT } };
	struct fixture f;
	size_t i;

	for (i = 0; i < 2; i++) {
		start(&f, MSG_WAN_CONNECTED);
		ERROR(&f, MSG_ERROR_NONE);
		ASK(&f, rows[i].what, RESULT_OK);
		STATUS(&f, MSG_WAN_DISCONNECTING);
		ASK(&f, MSG_CONNECT, RESULT_DISCONNECTING);
		ASK(&f, MSG_DISCONNECT, RESULT_DISCONNECTING);
		hook_done(&f, true, true);
		STATUS(&f, MSG_WAN_DISCONNECTING); /* until it is so */
		wan_is(&f, MSG_WAN_DISCONNECTED, false);
		STATUS(&f, MSG_WAN_DISCONNECTED);
		ERROR(&f, rows[i].error);
		ASK(&f, MSG_DISCONNECT, RESULT_ALREADY_TERMINATED);
		ASK(&f, MSG_DISCONNECT_NOW, RESULT_ALREADY_TERMINATED);
		CU_ASSERT_EQUAL(world.downs, 1);
		stop(&f);
	}
}

static void
test_the_line_may_go_before_the_command_ends(void)
{
	struct fixture f;

	start(&f, MSG_WAN_CONNECTED);
	ASK(&f, MSG_DISCONNECT_NOW, RESULT_OK);
	wan_is(&f, MSG_WAN_DISCONNECTED, false);
	STATUS(&f, MSG_WAN_DISCONNECTING);
	hook_done(&f, true, true);
	STATUS(&f, MSG_WAN_DISCONNECTED);
	ERROR(&f, MSG_ERROR_FORCED_DISCONNECT);
	stop(&f);
}

static void
test_a_warning_may_be_taken_back(void)
{
	struct fixture f;

	start(&f, MSG_WAN_CONNECTED);
	CU_ASSERT_EQUAL(connection_set_time(&f.core, MSG_TIME_WARN, 3600, MSG_IGD2), RESULT_OK);
	ASK(&f, MSG_DISCONNECT, RESULT_OK);
	STATUS(&f, MSG_WAN_PENDING_DISCONNECT);
	CU_ASSERT_EQUAL(world.downs, 0);
	ASK(&f, MSG_DISCONNECT, RESULT_DISCONNECTING);
	ASK(&f, MSG_CONNECT, RESULT_OK);
	STATUS(&f, MSG_WAN_CONNECTED);
	ASK(&f, MSG_DISCONNECT, RESULT_OK);
	ASK(&f, MSG_DISCONNECT_NOW, RESULT_OK); /* no delay */
	STATUS(&f, MSG_WAN_DISCONNECTING);
	CU_ASSERT_EQUAL(world.downs, 1);
	stop(&f);
}

static void
test_connecting_may_be_broken_off(void)
{
	struct fixture f;

	start(&f, MSG_WAN_DISCONNECTED);
	ASK(&f, MSG_CONNECT, RESULT_OK);
	ASK(&f, MSG_DISCONNECT, RESULT_OK);
	STATUS(&f, MSG_WAN_DISCONNECTING);
	hook_done(&f, false, false); /* the one broken off */
	STATUS(&f, MSG_WAN_DISCONNECTING);
	hook_done(&f, true, true);
	STATUS(&f, MSG_WAN_DISCONNECTED);
	ERROR(&f, MSG_ERROR_USER_DISCONNECT);
	stop(&f);
}

static void
test_a_line_that_is_lost_says_why(void)
{
	struct fixture f;

	start(&f, MSG_WAN_CONNECTED);
	wan_is(&f, MSG_WAN_DISCONNECTED, true);
	ERROR(&f, MSG_ERROR_ISP_DISCONNECT);
	wan_is(&f, MSG_WAN_CONNECTED, true);
	ERROR(&f, MSG_ERROR_NONE);
	wan_is(&f, MSG_WAN_DISCONNECTED, false);
	ERROR(&f, MSG_ERROR_NO_CARRIER);
	wan_is(&f, MSG_WAN_DISCONNECTED, true);
	ERROR(&f, MSG_ERROR_IP_CONFIGURATION);
	wan_is(&f, MSG_WAN_UNCONFIGURED, false);
	ERROR(&f, MSG_ERROR_NONE);
	STATUS(&f, MSG_WAN_UNCONFIGURED);
	ASK(&f, MSG_CONNECT, RESULT_NOT_CONFIGURED);
	ASK(&f, MSG_DISCONNECT, RESULT_NOT_CONFIGURED);
	stop(&f);
}

static void
test_without_commands_clients_can_only_look(void)
{
	struct msg_times times;
	struct fixture f;

	start(&f, MSG_WAN_CONNECTED);
	f.core.conf.on_connect[0] = f.core.conf.on_disconnect[0] = '\0';
	ASK(&f, MSG_CONNECT, RESULT_OK);
	ASK(&f, MSG_DISCONNECT, RESULT_NOT_AUTHORIZED);
	ASK(&f, MSG_DISCONNECT_NOW, RESULT_NOT_AUTHORIZED);
	wan_is(&f, MSG_WAN_DISCONNECTED, false);
	ASK(&f, MSG_CONNECT, RESULT_SETUP_FAILED);
	ASK(&f, MSG_DISCONNECT_NOW, RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(
	    connection_set_time(&f.core, MSG_TIME_IDLE, 60, MSG_IGD2), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(connection_set_time(&f.core, MSG_TIME_IDLE, 60, MSG_IGD1), RESULT_OK);
	connection_times(&f.core, &times);
	CU_ASSERT_EQUAL(times.seconds[MSG_TIME_IDLE], 60);
	CU_ASSERT_EQUAL(world.ups + world.downs, 0);
	stop(&f);
}

static void
test_a_command_that_cannot_be_asked_for_is_a_fault(void)
{
	struct fixture f;

	start(&f, MSG_WAN_DISCONNECTED);
	world.fail_hook = -EPIPE;
	ASK(&f, MSG_CONNECT, RESULT_SETUP_FAILED);
	STATUS(&f, MSG_WAN_DISCONNECTED);
	wan_is(&f, MSG_WAN_CONNECTED, true);
	ASK(&f, MSG_DISCONNECT, RESULT_FAILED);
	STATUS(&f, MSG_WAN_CONNECTED);
	stop(&f);
}

static void
test_times_outlive_a_restart(void)
{
	struct msg_times times;
	struct fixture f;

	start(&f, MSG_WAN_CONNECTED);
	CU_ASSERT_EQUAL(connection_set_time(&f.core, MSG_TIME_AUTO, 7200, MSG_IGD2), RESULT_OK);
	CU_ASSERT_EQUAL(connection_set_time(&f.core, MSG_TIME_WARN, 30, MSG_IGD2), RESULT_OK);
	connection_free(f.core.connection);
	f.core.connection = connection_new(&f.core);
	connection_times(&f.core, &times);
	CU_ASSERT_EQUAL(times.seconds[MSG_TIME_AUTO], 7200);
	CU_ASSERT_EQUAL(times.seconds[MSG_TIME_IDLE], 0);
	CU_ASSERT_EQUAL(times.seconds[MSG_TIME_WARN], 30);
	stop(&f);
}

static void
test_what_takes_too_long_is_given_up(void)
{
	struct fixture f;

	start(&f, MSG_WAN_DISCONNECTED);
	ASK(&f, MSG_CONNECT, RESULT_OK);
	hook_done(&f, false, true);
	fake_network.link_up = true;
	connection_time_over(&f.core);
	STATUS(&f, MSG_WAN_DISCONNECTED);
	ERROR(&f, MSG_ERROR_IP_CONFIGURATION);
	wan_is(&f, MSG_WAN_CONNECTED, true);
	ASK(&f, MSG_DISCONNECT, RESULT_OK);
	connection_time_over(&f.core); /* the supervisor never answered */
	STATUS(&f, MSG_WAN_CONNECTED);
	ERROR(&f, MSG_ERROR_COMMAND_ABORTED);
	CU_ASSERT_EQUAL(connection_set_time(&f.core, MSG_TIME_WARN, 30, MSG_IGD2), RESULT_OK);
	ASK(&f, MSG_DISCONNECT, RESULT_OK);
	STATUS(&f, MSG_WAN_PENDING_DISCONNECT);
	connection_time_over(&f.core); /* that is what a warning is for */
	STATUS(&f, MSG_WAN_DISCONNECTING);
	stop(&f);
}

static void
test_the_longest_time_ends_the_connection(void)
{
	struct fixture f;

	start(&f, MSG_WAN_CONNECTED);
	fake_network.uptime_s = 7200;
	CU_ASSERT_EQUAL(connection_set_time(&f.core, MSG_TIME_AUTO, 7200, MSG_IGD2), RESULT_OK);
	connection_look(&f.core);
	STATUS(&f, MSG_WAN_DISCONNECTING);
	hook_done(&f, true, true);
	wan_is(&f, MSG_WAN_DISCONNECTED, false);
	ERROR(&f, MSG_ERROR_USER_DISCONNECT);
	stop(&f);
}

static void
test_idleness_ends_the_connection_and_packets_keep_it(void)
{
	struct fixture f;

	start(&f, MSG_WAN_CONNECTED);
	CU_ASSERT_EQUAL(connection_set_time(&f.core, MSG_TIME_AUTO, 1, MSG_IGD2), RESULT_OK);
	CU_ASSERT_EQUAL(connection_set_time(&f.core, MSG_TIME_IDLE, 600, MSG_IGD2), RESULT_OK);
	fake_now_ms += 600000;
	world.packets = 5;
	connection_look(&f.core);
	STATUS(&f, MSG_WAN_CONNECTED);
	fake_now_ms += 600000;
	connection_look(&f.core);
	STATUS(&f, MSG_WAN_DISCONNECTING);
	hook_done(&f, true, true);
	wan_is(&f, MSG_WAN_DISCONNECTED, false);
	ERROR(&f, MSG_ERROR_IDLE_DISCONNECT);
	stop(&f);
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(a_client_connects),
		UNIT_TEST(the_line_may_come_up_before_the_command_ends),
		UNIT_TEST(a_command_that_fails_leaves_an_error),
		UNIT_TEST(a_client_disconnects),
		UNIT_TEST(the_line_may_go_before_the_command_ends),
		UNIT_TEST(a_warning_may_be_taken_back),
		UNIT_TEST(connecting_may_be_broken_off),
		UNIT_TEST(a_line_that_is_lost_says_why),
		UNIT_TEST(without_commands_clients_can_only_look),
		UNIT_TEST(a_command_that_cannot_be_asked_for_is_a_fault),
		UNIT_TEST(times_outlive_a_restart),
		UNIT_TEST(what_takes_too_long_is_given_up),
		UNIT_TEST(the_longest_time_ends_the_connection),
		UNIT_TEST(idleness_ends_the_connection_and_packets_keep_it),
		UNIT_END,
	};

	return unit_run("connection", tests);
}
