/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns a timer that never ends, except when the clock is set. */
#include "core/clockwatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/record.h"
#include "lib/compiler.h"
#include "lib/log.h"

struct clockwatch {
	int fd;
	struct event *event;
	int64_t base_s;
};

int64_t
clockwatch_jump_s(int64_t *base_s, int64_t now_ms, int64_t wall_s)
{
	int64_t base = wall_s - now_ms / 1000, jump = base - *base_s;

	*base_s = base;
	return jump >= CLOCKWATCH_JUMP_S || jump <= -CLOCKWATCH_JUMP_S ? jump : 0;
}

static int
arm(struct clockwatch *cw)
{
	/* Nobody's clock comes there: two centuries away, or 2038 where time_t ends there. */
	static const struct itimerspec never = {
		.it_value = { .tv_sec = (time_t)(sizeof(time_t) > 4 ? 8000000000 : INT32_MAX) },
	};

	return timerfd_settime(cw->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) <
		       0
		   ? -errno
		   : 0;
}

static void
on_set(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct core *core = arg;
	int64_t jump_s =
	    clockwatch_jump_s(&core->clockwatch->base_s, core->now_ms(), core->wall_s());
	uint64_t times;

	if (read(fd, &times, sizeof(times)) < 0 && errno != ECANCELED)
		log_debug("clock watch: %s", strerror(errno));
	if (arm(core->clockwatch) < 0)
		event_del(core->clockwatch->event);
	if (jump_s == 0)
		return;
	log_info("the clock was set by %+lld s", (long long)jump_s);
	record_event(core, TRAIL_BY_DAEMON, TRAIL_CLOCK_JUMP, "the clock was set by %+lld s",
	    (long long)jump_s);
}

int
clockwatch_start(struct core *core)
{
	struct clockwatch *cw = calloc(1, sizeof(*cw));
	int rc;

	if (!cw)
		return -ENOMEM;
	core->clockwatch = cw;
	clockwatch_jump_s(&cw->base_s, core->now_ms(), core->wall_s());
	cw->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	rc = cw->fd < 0 ? -errno : arm(cw);
	if (rc == 0) {
		cw->event = event_new(core->base, cw->fd, EV_READ | EV_PERSIST, on_set, core);
		if (!cw->event || event_add(cw->event, NULL) < 0)
			rc = -ENOMEM;
	}
	if (rc < 0) {
		log_error("clock watch: %s", strerror(-rc));
		clockwatch_stop(core);
	}
	return rc;
}

void
clockwatch_stop(struct core *core)
{
	struct clockwatch *cw = core->clockwatch;

	if (!cw)
		return;
	core->clockwatch = NULL;
	if (cw->event)
		event_free(cw->event);
	if (cw->fd >= 0)
		close(cw->fd);
	free(cw);
}
