/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/claim.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static char name[64];

static void
test_a_claim_holds_until_it_is_given_up(void)
{
	struct event_base *base = event_base_new();
	struct claim *first, *second;
	int i;

	snprintf(name, sizeof(name), "test_claim-%d", (int)getpid());
	CU_ASSERT_EQUAL(claim_take(base, name, &first), 0);
	CU_ASSERT_PTR_NOT_NULL(first);
	for (i = 0; i < 20; i++) { /* who asks in vain must not fill a queue */
		CU_ASSERT_EQUAL(claim_take(base, name, &second), -EBUSY);
		CU_ASSERT_PTR_NULL(second);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	claim_free(first);
	CU_ASSERT_EQUAL(claim_take(base, name, &second), 0);
	claim_free(second);
	event_base_free(base);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_claim_holds_until_it_is_given_up),
	UNIT_END,
};

int
main(void)
{
	return unit_run("claim", tests);
}
