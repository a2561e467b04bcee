/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the timer of the next lease or pinhole to end: a timerfd, since libevent's own timers stand
 * still while the machine is suspended.
 */
#include "core/mapping.h"
#include "core/pinhole.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/compiler.h"
#include "lib/log.h"

#define NOT_ARMED INT64_MAX

struct expiry {
	int fd;
	struct event *event;
	int64_t armed_ms;
};

static int64_t
next_ms(const struct core *core)
{
	const struct lease *lease = lease_next_expiry(core->leases);
	const struct pinhole *pinhole = pinhole_next_expiry(core->pinholes);
	int64_t next = lease ? lease->expires_ms : NOT_ARMED;

	return pinhole && pinhole->expires_ms < next ? pinhole->expires_ms : next;
}

static void
on_time(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct core *core = arg;
	uint64_t times;

	if (read(fd, &times, sizeof(times)) < 0 && errno != EAGAIN)
		log_warn("lease timer: %s", strerror(errno));
	core->expiry->armed_ms = NOT_ARMED;
	mapping_expire(core);
	pinhole_expire(core);
	/* More of them are due: the timer is then in the past and fires in the loop's next turn. */
	expiry_rearm(core);
}

int
expiry_start(struct core *core)
{
	struct expiry *e = calloc(1, sizeof(*e));
	int rc;

	if (!e)
		return -ENOMEM;
	e->armed_ms = NOT_ARMED;
	e->fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (e->fd < 0) {
		rc = -errno;
		log_error("lease timer: %s", strerror(errno));
		free(e);
		return rc;
	}
	core->expiry = e;
	e->event = event_new(core->base, e->fd, EV_READ | EV_PERSIST, on_time, core);
	if (!e->event || event_add(e->event, NULL) < 0) {
		log_error("lease timer: no event");
		expiry_stop(core);
		return -ENOMEM;
	}
	expiry_rearm(core);
	return 0;
}

void
expiry_stop(struct core *core)
{
	struct expiry *e = core->expiry;

	if (!e)
		return;
	core->expiry = NULL;
	if (e->event)
		event_free(e->event);
	close(e->fd);
	free(e);
}

void
expiry_rearm(struct core *core)
{
	struct expiry *e = core->expiry;
	struct itimerspec when = { 0 };
	int64_t wanted_ms;

	if (!e)
		return;
	wanted_ms = next_ms(core);
	if (wanted_ms == e->armed_ms)
		return;
	if (wanted_ms != NOT_ARMED) {
		when.it_value.tv_sec = wanted_ms / 1000;
		when.it_value.tv_nsec = wanted_ms % 1000 * 1000000;
		if (wanted_ms <= 0)
			when.it_value.tv_nsec = 1; /* all zero would disarm it */
	}
	if (timerfd_settime(e->fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		log_error("lease timer: %s", strerror(errno));
	else
		e->armed_ms = wanted_ms;
}
