/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers workers. Owns core's end of their calls channels, and lets go of a worker that breaks
 * the contract: the supervisor ends it and starts a clean one.
 */
#include "core/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mapping.h"
#include "core/notify.h"
#include "core/parent.h"
#include "core/wan.h"
#include "ipc/channel.h"
#include "lib/compiler.h"
#include "lib/log.h"
#include "platform/ifstat.h"

#define REQUESTS_PER_TURN 8 /* of one worker, before the others get their turn */

static struct asker
asker_on(const struct lan *lan, uint32_t client, uint8_t igd)
{
	return (struct asker){
		.origin = LEASE_UPNP, .client = client, .lan = lan->prefix, .igd = (enum msg_igd)igd
	};
}

static struct asker
asker_of_key(const struct lan *lan, const struct msg_map_key *key)
{
	return asker_on(lan, key->client, key->igd);
}

static enum result
on_map_add(
    struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply UNUSED)
{
	struct asker asker = asker_of_key(lan, &req->body.map.key);

	return mapping_add(core, &asker, &req->body.map, NULL);
}

static enum result
on_map_del(
    struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply UNUSED)
{
	struct asker asker = asker_of_key(lan, &req->body.key);

	return mapping_del(core, &asker, &req->body.key);
}

static enum result
tell_mapping(
    const struct core *core, enum result result, const struct lease *lease, struct msg *reply)
{
	if (result == RESULT_OK)
		mapping_describe(core, lease, &reply->body.map);
	return result;
}

static enum result
on_map_get(struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply)
{
	struct asker asker = asker_of_key(lan, &req->body.key);
	const struct lease *lease = NULL;
	enum result result = mapping_get(core, &asker, &req->body.key, &lease);

	return tell_mapping(core, result, lease, reply);
}

static enum result
on_map_get_index(struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply)
{
	const struct msg_index *index = &req->body.index;
	struct asker asker = asker_on(lan, index->client, index->igd);
	const struct lease *lease = NULL;
	enum result result = mapping_at(core, &asker, index->index, &lease);

	return tell_mapping(core, result, lease, reply);
}

static enum result
on_map_add_any(struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply)
{
	struct asker asker = asker_of_key(lan, &req->body.map.key);

	return mapping_add_any(core, &asker, &req->body.map, &reply->body.port.port);
}

static enum result
on_map_del_range(
    struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply UNUSED)
{
	struct asker asker = asker_on(lan, req->body.range.client, req->body.range.igd);

	return mapping_del_range(core, &asker, &req->body.range);
}

static enum result
on_map_next(struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply)
{
	const struct msg_range_next *next = &req->body.next;
	struct asker asker = asker_on(lan, next->range.client, next->range.igd);
	const struct lease *lease = NULL;
	enum result result = mapping_after(core, &asker, next, &lease);

	return tell_mapping(core, result, lease, reply);
}

static enum result
on_state_get(struct core *core, const struct lan *lan UNUSED, const struct msg *req UNUSED,
    struct msg *reply)
{
	notify_fill_state(core, &reply->body.state);
	return RESULT_OK;
}

static enum result
on_counters_get(struct core *core, const struct lan *lan UNUSED, const struct msg *req UNUSED,
    struct msg *reply)
{
	struct msg_counters *out = &reply->body.counters;
	const char *ifname = wan_ifname(core->wan);
	struct ifstat stat = { 0 };

	/* An interface that is not there has counted nothing: clients poll this, and must live. */
	if (ifname[0] && ifstat_read(ifname, &stat) < 0)
		memset(&stat, 0, sizeof(stat));
	out->bytes_sent = stat.tx_bytes;
	out->bytes_received = stat.rx_bytes;
	out->packets_sent = stat.tx_packets;
	out->packets_received = stat.rx_packets;
	out->upstream_bps = out->downstream_bps = stat.speed_bps;
	return RESULT_OK;
}

/* The connection is not ours to make or to end. */
static enum result
on_connection(struct core *core, const struct lan *lan UNUSED, const struct msg *req,
    struct msg *reply UNUSED)
{
	enum msg_wan_status status = wan_status(core->wan);

	if (req->body.connection.what != MSG_CONNECT)
		return RESULT_NOT_AUTHORIZED;
	if (status == MSG_WAN_UNCONFIGURED)
		return RESULT_NOT_CONFIGURED;
	return status == MSG_WAN_CONNECTED ? RESULT_OK : RESULT_SETUP_FAILED;
}

static enum result
on_times_get(struct core *core UNUSED, const struct lan *lan UNUSED, const struct msg *req UNUSED,
    struct msg *reply UNUSED)
{
	return RESULT_OK;
}

static enum result
on_time_set(struct core *core UNUSED, const struct lan *lan UNUSED, const struct msg *req UNUSED,
    struct msg *reply UNUSED)
{
	return RESULT_NOT_AUTHORIZED;
}

/* Nothing is filtered, so nothing needs a hole. */
static enum result
on_pinhole(struct core *core UNUSED, const struct lan *lan UNUSED, const struct msg *req UNUSED,
    struct msg *reply UNUSED)
{
	return RESULT_FIREWALL_DISABLED;
}

static const struct {
	enum result (*handle)(
	    struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply);
	size_t client; /* where the body says who asks; NO_CLIENT: it does not */
} handlers[MSG_TYPE_COUNT] = {
#define NO_CLIENT SIZE_MAX
	[MSG_MAP_ADD] = { on_map_add, offsetof(struct msg, body.map.key.client) },
	[MSG_MAP_DEL] = { on_map_del, offsetof(struct msg, body.key.client) },
	[MSG_MAP_GET] = { on_map_get, offsetof(struct msg, body.key.client) },
	[MSG_MAP_GET_INDEX] = { on_map_get_index, offsetof(struct msg, body.index.client) },
	[MSG_MAP_ADD_ANY] = { on_map_add_any, offsetof(struct msg, body.map.key.client) },
	[MSG_MAP_DEL_RANGE] = { on_map_del_range, offsetof(struct msg, body.range.client) },
	[MSG_MAP_NEXT] = { on_map_next, offsetof(struct msg, body.next.range.client) },
	[MSG_STATE_GET] = { on_state_get, NO_CLIENT },
	[MSG_COUNTERS_GET] = { on_counters_get, NO_CLIENT },
	[MSG_CONNECTION] = { on_connection, offsetof(struct msg, body.connection.client) },
	[MSG_TIMES_GET] = { on_times_get, NO_CLIENT },
	[MSG_TIME_SET] = { on_time_set, offsetof(struct msg, body.time.client) },
	[MSG_PINHOLE_ADD] = { on_pinhole, NO_CLIENT },
	[MSG_PINHOLE_UPDATE] = { on_pinhole, NO_CLIENT },
	[MSG_PINHOLE_DEL] = { on_pinhole, NO_CLIENT },
	[MSG_PINHOLE_USE] = { on_pinhole, NO_CLIENT },
	[MSG_OUTBOUND_GET] = { on_pinhole, NO_CLIENT },
};

/* The gate before the worker lets nobody else in, so no client of another network comes here. */
static bool
client_is_on_lan(const struct lan *lan, const struct msg *req)
{
	char who[ADDR4_STRLEN];
	uint32_t client;

	if (handlers[req->header.type].client == NO_CLIENT)
		return true;
	memcpy(&client, (const char *)req + handlers[req->header.type].client, sizeof(client));
	if (prefix4_contains(&lan->prefix, client))
		return true;
	log_error(
	    "%s: its worker asks for %s, who is not there", lan->ifname, addr4_str(client, who));
	return false;
}

/* Its client has been told that it failed, or will be before we could say otherwise. */
static bool
is_overdue(const struct core *core, const struct lan *lan, const struct msg *req)
{
	int64_t late_ms = core->now_ms() - req->header.deadline_ms;

	if (!req->header.deadline_ms || late_ms < 0)
		return false;
	log_warn("%s: %s left undone: we came to it %lld ms too late", lan->ifname,
	    msg_type_str((enum msg_type)req->header.type), (long long)late_ms);
	return true;
}

int
request_dispatch(struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply)
{
	unsigned type = req->header.type;

	if (type >= MSG_TYPE_COUNT || !handlers[type].handle || !client_is_on_lan(lan, req))
		return -EPROTO;
	memset(reply, 0, sizeof(*reply));
	reply->header.type = req->header.type;
	reply->header.serial = req->header.serial;
	reply->header.result = is_overdue(core, lan, req)
				   ? RESULT_FAILED
				   : handlers[type].handle(core, lan, req, reply);
	if (reply->header.result == RESULT_OK)
		reply->header.size = (uint16_t)msg_reply_size(type);
	return 0;
}

/* ---- the channel ---- */

/* Owned by the LAN's event, as its argument. */
struct calls {
	struct core *core;
	struct lan *lan;
};

static int
serve_one(struct core *core, const struct lan *lan)
{
	struct msg req, reply;
	int rc;

	rc = channel_recv(lan->calls_fd, &req, NULL, MSG_FROM_WORKER_CALL);
	if (rc < 0)
		return rc;
	rc = request_dispatch(core, lan, &req, &reply);
	if (rc < 0)
		return rc;
	rc =
	    channel_reply(lan->calls_fd, &req, reply.header.result, &reply.body, reply.header.size);
	return rc == -EAGAIN ? -ENOBUFS : rc;
}

/* What is left over keeps the descriptor readable, so the loop comes back after the others. */
static void
on_calls(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct calls *calls = arg;
	struct lan *lan = calls->lan;
	int rc = 0, i;

	for (i = 0; i < REQUESTS_PER_TURN && rc == 0; i++)
		rc = serve_one(calls->core, lan);
	if (rc == 0 || rc == -EAGAIN)
		return;
	if (rc == -EPROTO)
		log_error("%s: its worker (pid %u) broke the contract, let go of it", lan->ifname,
		    lan->worker_pid);
	else if (rc != -EPIPE)
		log_warn("%s: its worker (pid %u): %s, let go of it", lan->ifname, lan->worker_pid,
		    strerror(-rc));
	if (rc != -EPIPE)
		parent_refuse_worker(calls->core, lan);
	request_detach(calls->core, lan);
}

int
request_attach(struct core *core, struct lan *lan, int calls_fd, int events_fd)
{
	struct calls *calls = malloc(sizeof(*calls));

	request_detach(core, lan);
	lan->calls_fd = calls_fd;
	lan->events_fd = events_fd;
	if (!calls) {
		request_detach(core, lan);
		return -ENOMEM;
	}
	*calls = (struct calls){ core, lan };
	lan->calls_event = event_new(core->base, calls_fd, EV_READ | EV_PERSIST, on_calls, calls);
	if (!lan->calls_event)
		free(calls);
	if (!lan->calls_event || event_add(lan->calls_event, NULL) < 0) {
		request_detach(core, lan);
		return -ENOMEM;
	}
	return 0;
}

void
request_detach(struct core *core UNUSED, struct lan *lan)
{
	if (lan->calls_event) {
		free(event_get_callback_arg(lan->calls_event));
		event_free(lan->calls_event);
		lan->calls_event = NULL;
	}
	if (lan->calls_fd >= 0)
		close(lan->calls_fd);
	if (lan->events_fd >= 0)
		close(lan->events_fd);
	lan->calls_fd = lan->events_fd = -1;
}
