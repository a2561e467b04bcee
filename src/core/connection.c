/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns what was asked of the connection and what became of it. Whether it is up is wan.c's to say:
 * a phase here only tells how far a wish has come.
 */
#include "core/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/notify.h"
#include "core/parent.h"
#include "core/wan.h"
#include "lib/compiler.h"
#include "lib/log.h"
#include "platform/ifstat.h"

#define META_TIMES "connection_times"

/* A command has 30 s at the supervisor's; then it is not heard of any more. */
#define HOOK_MS 35000

/* Idleness is looked for so often in its time, but neither each second nor less than once a minute.
 */
#define IDLE_LOOKS 8
#define IDLE_LOOK_MIN_S 2
#define IDLE_LOOK_MAX_S 60

enum phase {
	PHASE_NONE,
	PHASE_HOOK_UP,   /* on_connect runs */
	PHASE_WAIT_UP,   /* it has ended well: the line may take a moment */
	PHASE_PENDING,   /* clients are being warned */
	PHASE_HOOK_DOWN, /* on_disconnect runs */
	PHASE_WAIT_DOWN,
};

struct connection {
	struct core *core;
	enum phase phase;
	enum msg_wan_error error;  /* LastConnectionError */
	enum msg_wan_error reason; /* what the error will be, once the line is down */
	bool was_connected;
	struct msg_times times;
	struct event *timer; /* of the phase */
	struct event *watch; /* of idle and longest time */
	int64_t busy_ms;     /* when packets were last seen */
	uint64_t packets;
};

/* ---- what is told ---- */

static bool
is_up(const struct core *core)
{
	return wan_status(core->wan) == MSG_WAN_CONNECTED;
}

enum msg_wan_status
connection_status(const struct core *core)
{
	enum msg_wan_status wan = wan_status(core->wan);

	if (wan == MSG_WAN_UNCONFIGURED)
		return wan;
	switch (core->connection->phase) {
	case PHASE_NONE:
		break;
	case PHASE_HOOK_UP:
	case PHASE_WAIT_UP:
		return MSG_WAN_CONNECTING;
	case PHASE_PENDING:
		return MSG_WAN_PENDING_DISCONNECT;
	case PHASE_HOOK_DOWN:
	case PHASE_WAIT_DOWN:
		return MSG_WAN_DISCONNECTING;
	}
	return wan;
}

enum msg_wan_error
connection_error(const struct core *core)
{
	return wan_status(core->wan) == MSG_WAN_UNCONFIGURED ? MSG_ERROR_NONE
							     : core->connection->error;
}

static void
enter(struct connection *c, enum phase phase, int wait_ms)
{
	const struct timeval tv = { wait_ms / 1000, wait_ms % 1000 * 1000 };

	c->phase = phase;
	event_del(c->timer);
	if (wait_ms)
		event_add(c->timer, &tv);
}

static void
tell(struct connection *c, const char *text)
{
	log_info("connection: %s", text);
	notify_state(c->core, "connection", text);
}

/* ---- up and down ---- */

/* There is a link and no address, or not even that. */
static enum msg_wan_error
error_of_line(const struct core *core)
{
	return wan_link_up(core->wan) ? MSG_ERROR_IP_CONFIGURATION : MSG_ERROR_NO_CARRIER;
}

static enum result
begin_up(struct connection *c)
{
	if (!c->core->conf.on_connect[0] || parent_run_hook(c->core, false) < 0)
		return RESULT_SETUP_FAILED;
	enter(c, PHASE_HOOK_UP, HOOK_MS);
	tell(c, "connecting, as a client has asked");
	return RESULT_OK;
}

static enum result
begin_down(struct connection *c, enum msg_wan_error reason)
{
	if (parent_run_hook(c->core, true) < 0)
		return RESULT_FAILED;
	c->reason = reason;
	enter(c, PHASE_HOOK_DOWN, HOOK_MS);
	tell(c, "disconnecting");
	return RESULT_OK;
}

static enum result
begin_pending(struct connection *c, enum msg_wan_error reason)
{
	uint32_t delay_s = c->times.seconds[MSG_TIME_WARN];

	if (delay_s == 0)
		return begin_down(c, reason);
	c->reason = reason;
	enter(c, PHASE_PENDING, delay_s < INT32_MAX / 1000 ? (int)delay_s * 1000 : INT32_MAX);
	tell(c, "about to disconnect");
	return RESULT_OK;
}

static void
end(struct connection *c, enum msg_wan_error error, const char *text)
{
	c->error = error;
	enter(c, PHASE_NONE, 0);
	tell(c, text);
}

void
connection_time_over(struct core *core)
{
	struct connection *c = core->connection;

	switch (c->phase) {
	case PHASE_NONE:
		break;
	case PHASE_HOOK_UP:
	case PHASE_WAIT_UP:
		end(c, error_of_line(c->core), "could not connect in time");
		break;
	case PHASE_PENDING:
		if (begin_down(c, c->reason) != RESULT_OK)
			end(c, MSG_ERROR_COMMAND_ABORTED, "could not disconnect");
		break;
	case PHASE_HOOK_DOWN:
	case PHASE_WAIT_DOWN:
		end(c, MSG_ERROR_COMMAND_ABORTED, "still connected, though it was to end");
		break;
	}
}

static void
on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	connection_time_over(((struct connection *)arg)->core);
}

void
connection_hook_done(struct core *core, const struct msg_hook *done)
{
	struct connection *c = core->connection;

	if (c->phase != (done->disconnect ? PHASE_HOOK_DOWN : PHASE_HOOK_UP))
		return; /* of a wish that is past */
	if (done->disconnect && !is_up(core))
		end(c, c->reason, "disconnected");
	else if (!done->ok)
		end(c, done->disconnect ? MSG_ERROR_COMMAND_ABORTED : MSG_ERROR_UNKNOWN,
		    done->disconnect ? "on_disconnect failed" : "on_connect failed");
	else
		enter(c, done->disconnect ? PHASE_WAIT_DOWN : PHASE_WAIT_UP,
		    CONNECTION_SETTLE_S * 1000);
}

/* ---- idle and longest time ---- */

static uint64_t
count_packets(const struct core *core)
{
	struct ifstat stat;

	if (ifstat_read(wan_ifname(core->wan), &stat) < 0)
		return 0;
	return stat.rx_packets + stat.tx_packets;
}

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Nobody wakes up for this unless a client has set a time and there is a command to run. */
static void
plan_watch(struct connection *c)
{
	uint32_t auto_s = c->times.seconds[MSG_TIME_AUTO], idle_s = c->times.seconds[MSG_TIME_IDLE];
	uint32_t wait_s = IDLE_LOOK_MAX_S, up_s = wan_uptime_s(c->core->wan, c->core->now_ms());
	struct timeval tv = { 0, 0 };

	event_del(c->watch);
	if (!c->core->conf.on_disconnect[0] || !is_up(c->core) || (!auto_s && !idle_s))
		return;
	if (auto_s)
		wait_s = least(wait_s, auto_s > up_s ? auto_s - up_s : 1);
	if (idle_s)
		wait_s = least(wait_s,
		    idle_s / IDLE_LOOKS > IDLE_LOOK_MIN_S ? idle_s / IDLE_LOOKS : IDLE_LOOK_MIN_S);
	tv.tv_sec = wait_s ? wait_s : 1;
	event_add(c->watch, &tv);
}

void
connection_look(struct core *core)
{
	struct connection *c = core->connection;
	uint32_t auto_s = c->times.seconds[MSG_TIME_AUTO], idle_s = c->times.seconds[MSG_TIME_IDLE];
	int64_t now_ms = core->now_ms();
	uint64_t packets = count_packets(core);

	if (packets != c->packets) {
		c->packets = packets;
		c->busy_ms = now_ms;
	}
	if (c->phase == PHASE_NONE && is_up(core)) {
		if (idle_s && now_ms - c->busy_ms >= idle_s * INT64_C(1000))
			begin_pending(c, MSG_ERROR_IDLE_DISCONNECT);
		else if (auto_s && wan_uptime_s(core->wan, now_ms) >= auto_s)
			begin_pending(c, MSG_ERROR_USER_DISCONNECT);
	}
	plan_watch(c);
}

static void
on_watch(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	connection_look(((struct connection *)arg)->core);
}

/* ---- what rtnetlink shows ---- */

static void
on_up(struct connection *c)
{
	c->error = MSG_ERROR_NONE;
	c->busy_ms = c->core->now_ms();
	c->packets = count_packets(c->core);
	if (c->phase == PHASE_HOOK_UP || c->phase == PHASE_WAIT_UP)
		enter(c, PHASE_NONE, 0);
}

static void
on_down(struct connection *c)
{
	switch (c->phase) {
	case PHASE_HOOK_DOWN: /* is over when the command is */
		return;
	case PHASE_WAIT_DOWN:
		c->error = c->reason;
		break;
	case PHASE_NONE:
	case PHASE_PENDING:
		c->error =
		    wan_link_up(c->core->wan) ? MSG_ERROR_ISP_DISCONNECT : MSG_ERROR_NO_CARRIER;
		break;
	case PHASE_HOOK_UP:
	case PHASE_WAIT_UP:
		return;
	}
	enter(c, PHASE_NONE, 0);
}

void
connection_wan_changed(struct core *core)
{
	struct connection *c = core->connection;
	bool up = is_up(core);

	if (up && !c->was_connected)
		on_up(c);
	else if (!up && c->was_connected)
		on_down(c);
	else if (!up &&
		 (c->error == MSG_ERROR_NO_CARRIER || c->error == MSG_ERROR_IP_CONFIGURATION))
		c->error = error_of_line(core); /* of a line that was not up yet */
	c->was_connected = up;
	plan_watch(c);
}

/* ---- what clients ask ---- */

static enum result
ask_up(struct connection *c, enum msg_wan_status status)
{
	switch (status) {
	case MSG_WAN_UNCONFIGURED:
		return RESULT_NOT_CONFIGURED;
	case MSG_WAN_CONNECTED:
		return RESULT_OK;
	case MSG_WAN_CONNECTING:
		return RESULT_SETUP_IN_PROGRESS;
	case MSG_WAN_DISCONNECTING:
		return RESULT_DISCONNECTING;
	case MSG_WAN_PENDING_DISCONNECT:
		enter(c, PHASE_NONE, 0);
		tell(c, "stays connected");
		return RESULT_OK;
	case MSG_WAN_DISCONNECTED:
	case MSG_WAN_STATUS_COUNT:
		break;
	}
	return begin_up(c);
}

static enum result
ask_down(struct connection *c, enum msg_wan_status status, bool at_once)
{
	enum msg_wan_error reason =
	    at_once ? MSG_ERROR_FORCED_DISCONNECT : MSG_ERROR_USER_DISCONNECT;

	switch (status) {
	case MSG_WAN_UNCONFIGURED:
		return RESULT_NOT_CONFIGURED;
	case MSG_WAN_DISCONNECTED:
		return RESULT_ALREADY_TERMINATED;
	case MSG_WAN_DISCONNECTING:
		return RESULT_DISCONNECTING;
	case MSG_WAN_PENDING_DISCONNECT:
		return at_once ? begin_down(c, reason) : RESULT_DISCONNECTING;
	case MSG_WAN_CONNECTING:
		return begin_down(c, reason);
	case MSG_WAN_CONNECTED:
	case MSG_WAN_STATUS_COUNT:
		break;
	}
	return at_once ? begin_down(c, reason) : begin_pending(c, reason);
}

enum result
connection_ask(struct core *core, enum msg_connect what)
{
	enum msg_wan_status status = connection_status(core);

	if (what == MSG_CONNECT)
		return ask_up(core->connection, status);
	/* Without a command nobody on the LAN may take the Internet away from the others. */
	if (!core->conf.on_disconnect[0])
		return RESULT_NOT_AUTHORIZED;
	return ask_down(core->connection, status, what == MSG_DISCONNECT_NOW);
}

enum result
connection_set_time(struct core *core, enum msg_timer which, uint32_t seconds, enum msg_igd igd)
{
	struct connection *c = core->connection;
	struct msg_times times = c->times;

	if (igd == MSG_IGD2 && !core->conf.on_disconnect[0])
		return RESULT_NOT_AUTHORIZED;
	times.seconds[which] = seconds;
	if (core->store->meta_put(core->store, META_TIMES, &times, sizeof(times)) < 0)
		return RESULT_FAILED;
	c->times = times;
	c->busy_ms = core->now_ms();
	plan_watch(c);
	return RESULT_OK;
}

void
connection_times(const struct core *core, struct msg_times *times)
{
	*times = core->connection->times;
}

/* ---- life ---- */

struct connection *
connection_new(struct core *core)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->core = core;
	c->error = MSG_ERROR_NO_CARRIER;
	if (core->store->meta_get(core->store, META_TIMES, &c->times, sizeof(c->times)) !=
	    sizeof(c->times))
		memset(&c->times, 0, sizeof(c->times));
	c->timer = event_new(core->base, -1, 0, on_timer, c);
	c->watch = event_new(core->base, -1, 0, on_watch, c);
	if (c->timer && c->watch)
		return c;
	log_error("the connection cannot be managed: no event");
	connection_free(c);
	return NULL;
}

void
connection_free(struct connection *c)
{
	if (!c)
		return;
	if (c->timer)
		event_free(c->timer);
	if (c->watch)
		event_free(c->watch);
	free(c);
}
