/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/claim.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
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

/* A second process that has the claim until @end is written to. */
static pid_t
fork_holder(int *end)
{
	int ends[2], ready[2];
	char octet;
	pid_t pid;

	CU_ASSERT_FATAL(pipe(ends) == 0 && pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		struct event_base *base = event_base_new();
		struct claim *claim;

		close(ends[1]);
		if (claim_take(base, name, &claim) == 0 && write(ready[1], "", 1) == 1)
			(void)!read(ends[0], &octet, 1);
		usleep(100000); /* it takes its time to die */
		_exit(0);
	}
	close(ends[0]);
	CU_ASSERT_EQUAL(read(ready[0], &octet, 1), 1);
	close(ready[0]);
	close(ready[1]);
	*end = ends[1];
	return pid;
}

static void
test_what_a_dying_process_holds_is_waited_for(void)
{
	struct event_base *base = event_base_new();
	struct claim *claim;
	int end, status;
	pid_t pid;

	snprintf(name, sizeof(name), "test_claim-dying-%d", (int)getpid());
	pid = fork_holder(&end);
	close(end);
	CU_ASSERT_EQUAL(claim_take(base, name, &claim), 0);
	CU_ASSERT_PTR_NOT_NULL(claim);
	claim_free(claim);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	event_base_free(base);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_claim_holds_until_it_is_given_up),
	UNIT_TEST(what_a_dying_process_holds_is_waited_for),
	UNIT_END,
};

int
main(void)
{
	return unit_run("claim", tests);
}
