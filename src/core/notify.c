/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the list of watchers, and when workers are told the state. JSON is built only while
 * somebody watches.
 */
#include "core/notify.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "core/connection.h"
#include "core/lease_json.h"
#include "core/policy.h"
#include "core/wan.h"
#include "ipc/channel.h"
#include "lib/compiler.h"
#include "lib/log.h"

/* The first news after a quiet time leave at once, further ones this far apart at least. */
#define STATE_INTERVAL_MS 50

#define META_BOOT_ID "boot_id"

struct notify_watcher {
	LIST_ENTRY(notify_watcher) link;
	notify_watch_fn fn;
	void *arg;
};

struct notify {
	struct core *core;
	struct event *flush;
	int64_t sent_ms;
	LIST_HEAD(, notify_watcher) watchers;
};

/* ---- workers ---- */

void
notify_fill_state(const struct core *core, struct msg_state *state)
{
	memset(state, 0, sizeof(*state));
	state->external_address = wan_external_address(core->wan);
	state->wan_status = (uint8_t)connection_status(core);
	state->last_error = (uint8_t)connection_error(core);
	state->wan_ppp = wan_is_ppp(core->wan);
	state->ipv6_firewall = core->conf.firewall != CONF_FIREWALL_OFF;
	state->pinholes_allowed = core->conf.allow_pinholes;
	state->link_up = wan_link_up(core->wan);
	state->mappings = (uint32_t)lease_count(core->leases);
	state->system_update_id = core->update_id;
	if (state->wan_status == MSG_WAN_CONNECTED ||
	    state->wan_status == MSG_WAN_PENDING_DISCONNECT)
		state->uptime_s = wan_uptime_s(core->wan, core->now_ms());
	snprintf(state->wan_interface, sizeof(state->wan_interface), "%s", wan_ifname(core->wan));
}

/* False: it does not read at present. The supervisor ends it if that lasts. */
static bool
send_state(const struct core *core, const struct lan *lan)
{
	struct msg_state state;

	if (lan->events_fd < 0)
		return true;
	notify_fill_state(core, &state);
	return channel_send(lan->events_fd, MSG_STATE, &state, sizeof(state), NULL, 0) != -EAGAIN;
}

static void
plan_flush(struct notify *notify)
{
	int64_t wait_ms = notify->sent_ms + STATE_INTERVAL_MS - notify->core->now_ms();
	struct timeval tv = { 0, 0 };

	if (event_pending(notify->flush, EV_TIMEOUT, NULL))
		return;
	if (wait_ms > 0) {
		tv.tv_sec = wait_ms / 1000;
		tv.tv_usec = wait_ms % 1000 * 1000;
	}
	event_add(notify->flush, &tv);
}

static void
on_flush(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct notify *notify = arg;
	const struct lan *lan;
	bool all = true;
	size_t i;

	notify->sent_ms = notify->core->now_ms();
	for (i = 0; (lan = lans_at(notify->core->lans, i)); i++)
		all &= send_state(notify->core, lan);
	if (!all)
		plan_flush(notify);
}

/* What may stand in a host name (RFC 1123 2.1); it goes into headers and documents. */
static void
fill_hostname(char name[MSG_HOSTNAME_MAX])
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-.";
	size_t i;

	if (gethostname(name, MSG_HOSTNAME_MAX) < 0)
		name[0] = '\0';
	name[MSG_HOSTNAME_MAX - 1] = '\0';
	for (i = 0; name[i]; i++)
		if (!strchr(legal, name[i]))
			name[i] = '-';
	if (!name[0])
		strcpy(name, "gateway");
}

/* Workers that come so soon after the first have all come with it. */
#define BOOT_MS 5000

/*
 * UDA 1.1 1.2: grows each time a device comes to a network anew. By the clock, and by one where the
 * clock does not do it; the store remembers.
 */
static void
next_boot_id(struct core *core)
{
	uint32_t now = (uint32_t)core->wall_s() & INT32_MAX, last = core->boot_id;

	if (!last &&
	    core->store->meta_get(core->store, META_BOOT_ID, &last, sizeof(last)) != sizeof(last))
		last = 0;
	core->boot_id = now > last || last >= INT32_MAX ? now : last + 1;
	if (core->boot_id == 0)
		core->boot_id = 1;
	core->store->meta_put(core->store, META_BOOT_ID, &core->boot_id, sizeof(core->boot_id));
}

static int
send_gateway(const struct core *core, struct lan *lan)
{
	struct msg_gateway gateway = {
		.http_port = core->conf.http_port,
		.igd_version = core->conf.igd_version,
		.notify_interval_s = core->conf.notify_interval_s,
		.boot_id = core->boot_id,
	};

	memcpy(gateway.uuid, core->uuid, sizeof(gateway.uuid));
	memset(gateway.hostname, 0, sizeof(gateway.hostname));
	fill_hostname(gateway.hostname);
	lan->boot_id = core->boot_id;
	return channel_send(lan->events_fd, MSG_GATEWAY, &gateway, sizeof(gateway), NULL, 0);
}

/* Has the gateway come anew to @lan since the boot id was made? */
static bool
is_boot(const struct core *core, const struct lan *lan)
{
	return !core->boot_id || lan->boot_id == core->boot_id ||
	       core->now_ms() - core->boot_ms >= BOOT_MS;
}

void
notify_greet(struct core *core, struct lan *lan)
{
	struct lan *other;
	size_t i;
	int rc;

	if (is_boot(core, lan)) {
		next_boot_id(core);
		core->boot_ms = core->now_ms();
		for (i = 0; (other = lans_at(core->lans, i)); i++)
			if (other != lan && other->events_fd >= 0)
				send_gateway(core, other);
	}
	rc = send_gateway(core, lan);
	if (rc < 0 || !send_state(core, lan))
		log_warn("%s: its worker could not be greeted: %s", lan->ifname,
		    strerror(rc < 0 ? -rc : EAGAIN));
}

/* ---- watchers ---- */

static bool
is_watched(const struct notify *notify)
{
	return !LIST_EMPTY(&notify->watchers);
}

/* Takes @event over; a watcher may leave while it is told. */
static void
tell(struct notify *notify, json_t *event)
{
	struct notify_watcher *w, *next;
	char *line = event ? json_dumps(event, JSON_COMPACT) : NULL;

	if (!line)
		log_warn("watchers miss an event: no memory");
	for (w = line ? LIST_FIRST(&notify->watchers) : NULL; w; w = next) {
		next = LIST_NEXT(w, link);
		w->fn(w->arg, line);
	}
	free(line);
	json_decref(event);
}

static const char *
kind_str(enum notify_kind kind)
{
	switch (kind) {
	case NOTIFY_ADDED:
		return "added";
	case NOTIFY_UPDATED:
		return "updated";
	case NOTIFY_DELETED:
		return "deleted";
	case NOTIFY_EXPIRED:
		return "expired";
	}
	return "unknown";
}

void
notify_lease(struct core *core, enum notify_kind kind, const struct lease *lease)
{
	plan_flush(core->notify); /* SystemUpdateID is evented */
	if (!is_watched(core->notify))
		return;
	tell(core->notify, json_pack("{s:o, s:s, s:o}", "time", time_json(core->wall_s()), "event",
			       kind_str(kind), "mapping", lease_json(lease, core->now_ms())));
}

void
notify_pinhole(struct core *core, enum notify_kind kind, const struct pinhole *p)
{
	if (!is_watched(core->notify))
		return;
	tell(core->notify, json_pack("{s:o, s:s, s:o}", "time", time_json(core->wall_s()), "event",
			       kind_str(kind), "pinhole", pinhole_json(p, core->now_ms())));
}

void
notify_refused(struct core *core, const struct asker *asker, const struct msg_map *req,
    const struct policy_verdict *v)
{
	if (!is_watched(core->notify))
		return;
	tell(core->notify,
	    json_pack("{s:o, s:s, s:o, s:s, s:i, s:o, s:o, s:i, s:s, s:o, s:o, s:o}", "time",
		time_json(core->wall_s()), "event", "refused", "client", addr_json(asker->client),
		"protocol", protocol_str(req->key.protocol), "external_port",
		req->key.external_port, "remote_host", addr_json(req->key.remote_host),
		"internal_client", addr_json(req->internal_client), "internal_port",
		req->internal_port, "result", result_str(v->result), "reason", text_json(v->reason),
		"rule", *v->rule ? text_json(v->rule) : json_null(), "line",
		v->line ? json_integer(v->line) : json_null()));
}

void
notify_state(struct core *core, const char *what, const char *text)
{
	plan_flush(core->notify);
	if (!is_watched(core->notify))
		return;
	tell(core->notify, json_pack("{s:o, s:s, s:o}", "time", time_json(core->wall_s()), "event",
			       what, "text", text_json(text)));
}

struct notify_watcher *
notify_watch(struct core *core, notify_watch_fn fn, void *arg)
{
	struct notify_watcher *w = malloc(sizeof(*w));

	if (!w)
		return NULL;
	w->fn = fn;
	w->arg = arg;
	LIST_INSERT_HEAD(&core->notify->watchers, w, link);
	return w;
}

void
notify_unwatch(struct core *core UNUSED, struct notify_watcher *watcher)
{
	LIST_REMOVE(watcher, link);
	free(watcher);
}

/* ---- life ---- */

struct notify *
notify_new(struct core *core)
{
	struct notify *notify = calloc(1, sizeof(*notify));

	if (!notify)
		return NULL;
	notify->core = core;
	notify->sent_ms = core->now_ms() - STATE_INTERVAL_MS;
	LIST_INIT(&notify->watchers);
	notify->flush = event_new(core->base, -1, 0, on_flush, notify);
	if (!notify->flush) {
		free(notify);
		return NULL;
	}
	return notify;
}

void
notify_free(struct notify *notify)
{
	struct notify_watcher *w;

	if (!notify)
		return;
	while ((w = LIST_FIRST(&notify->watchers))) {
		LIST_REMOVE(w, link);
		free(w);
	}
	event_free(notify->flush);
	free(notify);
}
