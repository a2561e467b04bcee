/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker/upnp/gena.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define T0 1000000 /* ms; any time will do */

static struct gena gena;
static struct gena_job job;

static const struct msg_state connected = {
	.external_address = 0xcb007105, .wan_status = MSG_WAN_CONNECTED, .link_up = 1, .mappings = 3
};

static void
start(void)
{
	struct desc_names names = { .default_service = "uuid:x:WANConnectionDevice:1,service" };

	gena_init(&gena, &names);
	gena_state(&gena, &connected);
}

static void
mappings(unsigned number)
{
	struct msg_state state = connected;

	state.mappings = number;
	gena_state(&gena, &state);
}

/* Makes "sid-1" a subscriber of WANIPConnection who knows all. */
static void
start_subscribed(void)
{
	start();
	CU_ASSERT_EQUAL(gena_subscribe(&gena, service_wanip.key, "sid-1", T0 - 1000), 0);
	CU_ASSERT_TRUE(gena_next(&gena, T0 - 1000 + GENA_INITIAL_MS, &job));
}

static const char *
value(const char *name)
{
	int i;

	for (i = 0; i < job.n; i++)
		if (strcmp(job.names[i], name) == 0)
			return job.values.text[i];
	return "(none)";
}

static void
test_nothing_is_due_without_subscribers(void)
{
	start();
	CU_ASSERT_EQUAL(gena_due_ms(&gena), -1);
	mappings(4);
	CU_ASSERT_EQUAL(gena_due_ms(&gena), -1);
	CU_ASSERT_FALSE(gena_next(&gena, T0 + GENA_REPEAT_MS * 2LL, &job));
}

static void
test_initial_event_comes_after_a_moment_with_all_variables(void)
{
	start();
	CU_ASSERT_EQUAL(gena_subscribe(&gena, service_wanip.key, "sid-1", T0), 0);
	CU_ASSERT_EQUAL(gena_due_ms(&gena), T0 + GENA_INITIAL_MS);
	CU_ASSERT_FALSE(gena_next(&gena, T0 + GENA_INITIAL_MS - 1, &job));
	CU_ASSERT_TRUE(gena_next(&gena, T0 + GENA_INITIAL_MS, &job));
	CU_ASSERT_PTR_EQUAL(job.service, &service_wanip);
	CU_ASSERT_STRING_EQUAL(job.sid, "sid-1");
	CU_ASSERT_EQUAL(job.n, 4);
	CU_ASSERT_STRING_EQUAL(value("PossibleConnectionTypes"), "IP_Routed");
	CU_ASSERT_STRING_EQUAL(value("ConnectionStatus"), "Connected");
	CU_ASSERT_STRING_EQUAL(value("ExternalIPAddress"), "203.0.113.5");
	CU_ASSERT_STRING_EQUAL(value("PortMappingNumberOfEntries"), "3");
	CU_ASSERT_FALSE(gena_next(&gena, T0 + GENA_INITIAL_MS, &job));
}

static void
test_each_service_has_its_own_variables(void)
{
	start();
	gena_subscribe(&gena, service_layer3.key, "a", T0);
	gena_subscribe(&gena, service_wancommon.key, "b", T0);
	CU_ASSERT_TRUE(gena_next(&gena, T0 + GENA_INITIAL_MS, &job));
	CU_ASSERT_STRING_EQUAL(
	    value("DefaultConnectionService"), "uuid:x:WANConnectionDevice:1,service");
	CU_ASSERT_EQUAL(job.n, 1);
	CU_ASSERT_TRUE(gena_next(&gena, T0 + GENA_INITIAL_MS, &job));
	CU_ASSERT_STRING_EQUAL(value("PhysicalLinkStatus"), "Up");
	CU_ASSERT_STRING_EQUAL(value("NumberOfActiveConnections"), "1");
	CU_ASSERT_EQUAL(job.n, 2);
}

static void
test_initial_event_waits_for_the_first_state(void)
{
	struct desc_names names = { .default_service = "" };

	gena_init(&gena, &names);
	gena_subscribe(&gena, service_wanip.key, "sid-1", T0);
	CU_ASSERT_EQUAL(gena_due_ms(&gena), -1);
	CU_ASSERT_FALSE(gena_next(&gena, T0 + 1000, &job));
	gena_state(&gena, &connected);
	CU_ASSERT_TRUE(gena_next(&gena, T0 + 1000, &job));
	CU_ASSERT_STRING_EQUAL(job.sid, "sid-1");
}

static void
test_a_change_is_told_at_once_and_alone(void)
{
	start_subscribed();
	mappings(4);
	CU_ASSERT_TRUE(gena_next(&gena, T0, &job));
	CU_ASSERT_STRING_EQUAL(job.sid, "");
	CU_ASSERT_EQUAL(job.n, 1);
	CU_ASSERT_STRING_EQUAL(value("PortMappingNumberOfEntries"), "4");
	CU_ASSERT_FALSE(gena_next(&gena, T0, &job));
}

static void
test_changes_at_one_time_go_in_one_event(void)
{
	struct msg_state state = { .wan_status = MSG_WAN_DISCONNECTED, .mappings = 3 };

	start_subscribed();
	gena_state(&gena, &state);
	CU_ASSERT_TRUE(gena_next(&gena, T0, &job));
	CU_ASSERT_EQUAL(job.n, 2);
	CU_ASSERT_STRING_EQUAL(value("ConnectionStatus"), "Disconnected");
	CU_ASSERT_STRING_EQUAL(value("ExternalIPAddress"), "");
}

static void
test_what_did_not_change_is_not_told(void)
{
	start_subscribed();
	mappings(3);
	CU_ASSERT_FALSE(gena_next(&gena, T0, &job));
}

static void
test_a_burst_becomes_two_events_and_the_last_value_wins(void)
{
	unsigned i;

	start_subscribed();
	mappings(4);
	CU_ASSERT_TRUE(gena_next(&gena, T0, &job));
	for (i = 5; i < 100; i++) {
		mappings(i);
		CU_ASSERT_FALSE(gena_next(&gena, T0 + (int64_t)i, &job));
	}
	CU_ASSERT_EQUAL(gena_due_ms(&gena), T0 + GENA_MODERATION_MS);
	CU_ASSERT_FALSE(gena_next(&gena, T0 + GENA_MODERATION_MS - 1, &job));
	CU_ASSERT_TRUE(gena_next(&gena, T0 + GENA_MODERATION_MS, &job));
	CU_ASSERT_STRING_EQUAL(value("PortMappingNumberOfEntries"), "99");
	CU_ASSERT_FALSE(gena_next(&gena, T0 + GENA_MODERATION_MS, &job));
}

static void
test_a_change_that_went_back_is_not_told(void)
{
	start_subscribed();
	mappings(4);
	CU_ASSERT_TRUE(gena_next(&gena, T0, &job));
	mappings(5);
	mappings(4);
	CU_ASSERT_FALSE(gena_next(&gena, T0 + 1000, &job));
}

static void
test_a_subscriber_who_comes_during_a_burst_believes_what_the_others_do(void)
{
	start_subscribed();
	mappings(4);
	CU_ASSERT_TRUE(gena_next(&gena, T0, &job));
	gena_subscribe(&gena, service_wanip.key, "sid-2", T0);
	mappings(5);
	CU_ASSERT_EQUAL(gena_due_ms(&gena), T0 + GENA_INITIAL_MS);
	CU_ASSERT_TRUE(gena_next(&gena, T0 + GENA_INITIAL_MS, &job));
	CU_ASSERT_STRING_EQUAL(job.sid, "");
	CU_ASSERT_EQUAL(job.n, 1);
	CU_ASSERT_STRING_EQUAL(value("PortMappingNumberOfEntries"), "5");
	CU_ASSERT_TRUE(gena_next(&gena, T0 + GENA_INITIAL_MS, &job));
	CU_ASSERT_STRING_EQUAL(job.sid, "sid-2");
	CU_ASSERT_STRING_EQUAL(value("PortMappingNumberOfEntries"), "5");
	CU_ASSERT_FALSE(gena_next(&gena, T0 + 1000, &job));
}

static void
test_services_do_not_wait_for_each_other(void)
{
	struct msg_state state = connected;

	start_subscribed();
	gena_subscribe(&gena, service_wancommon.key, "sid-2", T0 - 1000);
	CU_ASSERT_TRUE(gena_next(&gena, T0 - 500, &job));
	mappings(4);
	CU_ASSERT_TRUE(gena_next(&gena, T0, &job));
	state.link_up = 0;
	state.mappings = 4;
	gena_state(&gena, &state);
	CU_ASSERT_TRUE(gena_next(&gena, T0 + 1, &job));
	CU_ASSERT_PTR_EQUAL(job.service, &service_wancommon);
	CU_ASSERT_STRING_EQUAL(value("PhysicalLinkStatus"), "Down");
}

static void
test_values_are_repeated_so_that_the_dead_are_found(void)
{
	int64_t due;

	start_subscribed();
	due = gena_due_ms(&gena);
	CU_ASSERT_TRUE(due > T0 && due <= T0 + GENA_REPEAT_MS);
	CU_ASSERT_FALSE(gena_next(&gena, due - 1, &job));
	CU_ASSERT_TRUE(gena_next(&gena, due, &job));
	CU_ASSERT_STRING_EQUAL(job.sid, "");
	CU_ASSERT_EQUAL(job.n, 4);
	CU_ASSERT_FALSE(gena_next(&gena, due, &job));
	CU_ASSERT_EQUAL(gena_due_ms(&gena), due + GENA_REPEAT_MS);
}

static void
test_the_queue_of_subscribers_is_bounded(void)
{
	char sid[GENA_SID_MAX + 1];
	unsigned i;

	start();
	for (i = 0; i < SERVICE_COUNT * GENA_SUBSCRIPTIONS; i++) {
		snprintf(sid, sizeof(sid), "sid-%u", i);
		CU_ASSERT_EQUAL(gena_subscribe(&gena, service_wanip.key, sid, T0), 0);
	}
	CU_ASSERT_EQUAL(gena_subscribe(&gena, service_wanip.key, "one-more", T0), -ENOSPC);
	for (i = 0; i < SERVICE_COUNT * GENA_SUBSCRIPTIONS; i++) {
		snprintf(sid, sizeof(sid), "sid-%u", i);
		CU_ASSERT_TRUE(gena_next(&gena, T0 + GENA_INITIAL_MS, &job));
		CU_ASSERT_STRING_EQUAL(job.sid, sid);
	}
	CU_ASSERT_FALSE(gena_next(&gena, T0 + GENA_INITIAL_MS, &job));
	memset(sid, 'x', sizeof(sid));
	sid[GENA_SID_MAX] = '\0';
	CU_ASSERT_EQUAL(gena_subscribe(&gena, service_wanip.key, sid, T0), -ENOSPC);
	CU_ASSERT_EQUAL(gena_subscribe(&gena, "urn:unknown", "sid", T0), -ENOSPC);
}

static void
test_a_ui2_does_not_wrap(void)
{
	start_subscribed();
	mappings(100000);
	CU_ASSERT_TRUE(gena_next(&gena, T0, &job));
	CU_ASSERT_STRING_EQUAL(value("PortMappingNumberOfEntries"), "65535");
}

static const struct unit_test tests[] = {
	UNIT_TEST(nothing_is_due_without_subscribers),
	UNIT_TEST(initial_event_comes_after_a_moment_with_all_variables),
	UNIT_TEST(each_service_has_its_own_variables),
	UNIT_TEST(initial_event_waits_for_the_first_state),
	UNIT_TEST(a_change_is_told_at_once_and_alone),
	UNIT_TEST(changes_at_one_time_go_in_one_event),
	UNIT_TEST(what_did_not_change_is_not_told),
	UNIT_TEST(a_burst_becomes_two_events_and_the_last_value_wins),
	UNIT_TEST(a_change_that_went_back_is_not_told),
	UNIT_TEST(a_subscriber_who_comes_during_a_burst_believes_what_the_others_do),
	UNIT_TEST(services_do_not_wait_for_each_other),
	UNIT_TEST(values_are_repeated_so_that_the_dead_are_found),
	UNIT_TEST(the_queue_of_subscribers_is_bounded),
	UNIT_TEST(a_ui2_does_not_wrap),
	UNIT_END,
};

int
main(void)
{
	return unit_run("gena", tests);
}
