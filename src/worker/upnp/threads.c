/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libupnp's thread pool does to the scheduler, once per request, made cheap. Defines the names
 * of libc that this takes; changes nothing of what they mean.
 *
 * The pool signals its condition while it holds the mutex that the woken thread needs: that thread
 * wakes, blocks, and wakes again. So a signal is kept back until this thread lets a mutex go or
 * waits itself, which POSIX allows: who waits for a condition looks again whether it holds. Before
 * and after each job the pool sets a priority that threads of SCHED_OTHER do not have: six system
 * calls for nothing, and a run of the scheduler. And threads without work wake to no purpose.
 */
#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "worker/upnp/libc_calls.h"
#include "worker/upnp/threads.h"

#define KEPT_MAX 4     /* signals; one more is given at once */
#define IDLE_S 4       /* and a part of a second; no other wait is that long */
#define IDLE_MORE_S 55 /* that an idle thread waits for work */

static __thread struct {
	unsigned held; /* mutexes that this thread took with pthread_mutex_lock() */
	unsigned n;
	pthread_cond_t *kept[KEPT_MAX];
} own;

static void
give_kept(void)
{
	unsigned i, n = own.n;

	own.n = 0;
	for (i = 0; i < n; i++)
		libc_calls()->pthread_cond_signal(own.kept[i]);
}

BORDER(int, pthread_cond_signal, pthread_cond_t *cond)
{
	if (own.held == 0 || own.n == KEPT_MAX)
		return libc_calls()->pthread_cond_signal(cond);
	own.kept[own.n++] = cond;
	return 0;
}

BORDER(int, pthread_mutex_lock, pthread_mutex_t *mutex)
{
	int rc = libc_calls()->pthread_mutex_lock(mutex);

	if (rc == 0)
		own.held++;
	return rc;
}

BORDER(int, pthread_mutex_unlock, pthread_mutex_t *mutex)
{
	int rc = libc_calls()->pthread_mutex_unlock(mutex);

	if (own.held > 0)
		own.held--;
	if (own.n > 0)
		give_kept();
	return rc;
}

BORDER(int, pthread_cond_wait, pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	if (own.n > 0)
		give_kept();
	return libc_calls()->pthread_cond_wait(cond, mutex);
}

/*
 * A thread without work waits five seconds, to be told that it is one of the least number and has
 * to wait again: four threads of them, for ever. The timer's deadlines are whole seconds, and ours
 * are of another clock, so it is known by its deadline.
 */
static bool
is_idle(const struct timespec *until)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return until->tv_nsec != 0 && until->tv_sec - now.tv_sec >= IDLE_S;
}

BORDER(int, pthread_cond_timedwait, pthread_cond_t *cond, pthread_mutex_t *mutex,
    const struct timespec *until)
{
	struct timespec later = *until;

	if (own.n > 0)
		give_kept();
	if (is_idle(until))
		later.tv_sec += IDLE_MORE_S;
	return libc_calls()->pthread_cond_timedwait(cond, mutex, &later);
}

BORDER(int, pthread_setschedparam, pthread_t thread, int policy, const struct sched_param *param)
{
	if (policy == SCHED_OTHER)
		return 0; /* it has one priority, and every thread has it already */
	return libc_calls()->pthread_setschedparam(thread, policy, param);
}

BORDER(int, sched_get_priority_min, int policy)
{
	return policy == SCHED_OTHER ? 0 : libc_calls()->sched_get_priority_min(policy);
}

BORDER(int, sched_get_priority_max, int policy)
{
	return policy == SCHED_OTHER ? 0 : libc_calls()->sched_get_priority_max(policy);
}

const char *
threads_unbound(void)
{
	static const struct libc_border border[] = {
		LIBC_BORDER(pthread_cond_signal),
		LIBC_BORDER(pthread_cond_timedwait),
		LIBC_BORDER(pthread_cond_wait),
		LIBC_BORDER(pthread_mutex_lock),
		LIBC_BORDER(pthread_mutex_unlock),
		LIBC_BORDER(pthread_setschedparam),
		LIBC_BORDER(sched_get_priority_max),
		LIBC_BORDER(sched_get_priority_min),
	};

	return libc_calls_unbound(border, sizeof(border) / sizeof(*border));
}
