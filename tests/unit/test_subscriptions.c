/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One host's share of a service's event subscriptions. */
#include <stdio.h>
#include <string.h>

#include "unit.h"
#include "worker/upnp/subscriptions.h"

#define A 0xc0a8010au
#define B 0xc0a8010bu
#define WANIP 1
#define L3F 2

static struct subscriptions s;

static const char *
sid_of(unsigned n)
{
	static char sid[48];

	snprintf(sid, sizeof(sid), "uuid:%u", n);
	return sid;
}

static void
grant(uint32_t peer, uint32_t service, unsigned n, int64_t until_ms)
{
	subscriptions_granted(&s, peer, service, sid_of(n), strlen(sid_of(n)), until_ms);
}

static void
fill(uint32_t peer, uint32_t service, unsigned first)
{
	unsigned i;

	for (i = 0; i < SUBSCRIPTIONS_PER_HOST; i++) {
		CU_ASSERT_TRUE(subscriptions_may(&s, peer, service, 0));
		grant(peer, service, first + i, 1000);
	}
}

static void
test_a_host_with_its_share_gets_no_more_of_that_service(void)
{
	memset(&s, 0, sizeof(s));
	fill(A, WANIP, 0);
	CU_ASSERT_FALSE(subscriptions_may(&s, A, WANIP, 999));
	CU_ASSERT_TRUE(subscriptions_may(&s, A, L3F, 999));
	CU_ASSERT_TRUE(subscriptions_may(&s, B, WANIP, 999));
}

static void
test_what_runs_out_or_is_given_up_makes_room(void)
{
	memset(&s, 0, sizeof(s));
	fill(A, WANIP, 0);
	subscriptions_ended(&s, sid_of(3), strlen(sid_of(3)));
	CU_ASSERT_TRUE(subscriptions_may(&s, A, WANIP, 999));
	grant(A, WANIP, 99, 5000);
	CU_ASSERT_FALSE(subscriptions_may(&s, A, WANIP, 999));
	CU_ASSERT_TRUE(subscriptions_may(&s, A, WANIP, 1000));
	CU_ASSERT_EQUAL(s.n, 1);
}

static void
test_a_renewal_is_not_another_one(void)
{
	int i;

	memset(&s, 0, sizeof(s));
	for (i = 0; i < 100; i++)
		grant(A, WANIP, 7, 1000 + i);
	CU_ASSERT_EQUAL(s.n, 1);
	CU_ASSERT_EQUAL(s.v[0].expires_ms, 1099);
}

static void
test_a_full_table_grants_nobody_and_breaks_nothing(void)
{
	unsigned i;

	memset(&s, 0, sizeof(s));
	for (i = 0; i < SUBSCRIPTIONS_MAX + 10; i++)
		grant(i, WANIP, i, 1000);
	CU_ASSERT_EQUAL(s.n, SUBSCRIPTIONS_MAX);
	CU_ASSERT_FALSE(subscriptions_may(&s, A, WANIP, 0));
	CU_ASSERT_TRUE(subscriptions_may(&s, A, WANIP, 1000));
	CU_ASSERT_EQUAL(s.n, 0);
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(a_host_with_its_share_gets_no_more_of_that_service),
		UNIT_TEST(what_runs_out_or_is_given_up_makes_room),
		UNIT_TEST(a_renewal_is_not_another_one),
		UNIT_TEST(a_full_table_grants_nobody_and_breaks_nothing),
		UNIT_END,
	};

	return unit_run("subscriptions", tests);
}
