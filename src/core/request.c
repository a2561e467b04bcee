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

#include "core/connection.h"
#include "core/mapping.h"
#include "core/metrics.h"
#include "core/notify.h"
#include "core/parent.h"
#include "core/pinhole.h"
#include "core/record.h"
#include "core/wan.h"
#include "ipc/channel.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/log.h"
#include "platform/ifstat.h"

static struct asker
asker_on(const struct lan *lan, uint32_t client, uint8_t igd)
{
	return (struct asker){ .origin = LEASE_UPNP,
		.client = client,
		.lan = lan->prefix,
		.igd = (enum msg_igd)igd,
		.ifname = lan->ifname,
		.ifindex = lan->ifindex };
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

/* There is one reason only not to let a client. */
static enum result
may_connect(struct core *core, enum result result)
{
	if (result == RESULT_NOT_AUTHORIZED)
		record_reason(core, "no command is configured that ends it (on_disconnect)");
	return result;
}

static enum result
on_connection(struct core *core, const struct lan *lan UNUSED, const struct msg *req,
    struct msg *reply UNUSED)
{
	return may_connect(core, connection_ask(core, (enum msg_connect)req->body.connection.what));
}

static enum result
on_times_get(struct core *core, const struct lan *lan UNUSED, const struct msg *req UNUSED,
    struct msg *reply)
{
	connection_times(core, &reply->body.times);
	return RESULT_OK;
}

static enum result
on_time_set(struct core *core, const struct lan *lan UNUSED, const struct msg *req,
    struct msg *reply UNUSED)
{
	const struct msg_time *time = &req->body.time;

	return may_connect(core, connection_set_time(core, (enum msg_timer)time->which,
				     time->seconds, (enum msg_igd)time->igd));
}

/* ---- pinholes ---- */

static struct pinhole_asker
pinhole_asker_on(const struct lan *lan, const uint8_t client[16])
{
	struct pinhole_asker asker = { .lan = lan };

	memcpy(asker.client.octet, client, sizeof(asker.client.octet));
	return asker;
}

static enum result
on_pinhole_add(struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply)
{
	const struct msg_pinhole *pinhole = &req->body.pinhole;
	struct pinhole_asker asker = pinhole_asker_on(lan, pinhole->client);

	return pinhole_add(core, &asker, pinhole, &reply->body.pinhole_id.id);
}

static enum result
on_pinhole_update(
    struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply UNUSED)
{
	const struct msg_pinhole_key *key = &req->body.pinhole_key;
	struct pinhole_asker asker = pinhole_asker_on(lan, key->client);

	return pinhole_update(core, &asker, key->id, key->lease_s);
}

static enum result
on_pinhole_del(
    struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply UNUSED)
{
	const struct msg_pinhole_key *key = &req->body.pinhole_key;
	struct pinhole_asker asker = pinhole_asker_on(lan, key->client);

	return pinhole_del(core, &asker, key->id);
}

static enum result
on_pinhole_use(struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply)
{
	const struct msg_pinhole_key *key = &req->body.pinhole_key;
	struct pinhole_asker asker = pinhole_asker_on(lan, key->client);

	return pinhole_use(core, &asker, key->id, &reply->body.pinhole_use.packets);
}

static enum result
on_outbound_get(struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply)
{
	const struct msg_pinhole *pinhole = &req->body.pinhole;
	struct pinhole_asker asker = pinhole_asker_on(lan, pinhole->client);

	return pinhole_outbound_timeout(core, &asker, pinhole, &reply->body.seconds.seconds);
}

/* The trail is told of it with the answer, as of all others. */
static enum result
on_refused(struct core *core UNUSED, const struct lan *lan UNUSED, const struct msg *req UNUSED,
    struct msg *reply UNUSED)
{
	return RESULT_OK;
}

static const struct {
	enum result (*handle)(
	    struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply);
	size_t client; /* where the body says who asks; NO_CLIENT: it does not */
	bool client6;  /* with 16 octets */
} handlers[MSG_TYPE_COUNT] = {
#define NO_CLIENT SIZE_MAX
	[MSG_MAP_ADD] = { on_map_add, .client = offsetof(struct msg, body.map.key.client) },
	[MSG_MAP_DEL] = { on_map_del, .client = offsetof(struct msg, body.key.client) },
	[MSG_MAP_GET] = { on_map_get, .client = offsetof(struct msg, body.key.client) },
	[MSG_MAP_GET_INDEX] = { on_map_get_index,
	    .client = offsetof(struct msg, body.index.client) },
	[MSG_MAP_ADD_ANY] = { on_map_add_any, .client = offsetof(struct msg, body.map.key.client) },
	[MSG_MAP_DEL_RANGE] = { on_map_del_range,
	    .client = offsetof(struct msg, body.range.client) },
	[MSG_MAP_NEXT] = { on_map_next, .client = offsetof(struct msg, body.next.range.client) },
	[MSG_STATE_GET] = { on_state_get, .client = NO_CLIENT },
	[MSG_COUNTERS_GET] = { on_counters_get, .client = NO_CLIENT },
	[MSG_CONNECTION] = { on_connection,
	    .client = offsetof(struct msg, body.connection.client) },
	[MSG_TIMES_GET] = { on_times_get, .client = NO_CLIENT },
	[MSG_TIME_SET] = { on_time_set, .client = offsetof(struct msg, body.time.client) },
	[MSG_PINHOLE_ADD] = { on_pinhole_add, .client = offsetof(struct msg, body.pinhole.client),
	    .client6 = true },
	[MSG_PINHOLE_UPDATE] = { on_pinhole_update,
	    .client = offsetof(struct msg, body.pinhole_key.client), .client6 = true },
	[MSG_PINHOLE_DEL] = { on_pinhole_del,
	    .client = offsetof(struct msg, body.pinhole_key.client), .client6 = true },
	[MSG_PINHOLE_USE] = { on_pinhole_use,
	    .client = offsetof(struct msg, body.pinhole_key.client), .client6 = true },
	[MSG_REFUSED] = { on_refused, .client = offsetof(struct msg, body.refused.client) },
	[MSG_OUTBOUND_GET] = { on_outbound_get, .client = offsetof(struct msg, body.pinhole.client),
	    .client6 = true },
};

/* Any link-local address is: it came by that link. */
static bool
is_on_lan6(const struct lan *lan, const struct addr6 *addr)
{
	uint32_t addr4;
	size_t i;

	if (addr6_to4(addr, &addr4))
		return prefix4_contains(&lan->prefix, addr4);
	for (i = 0; i < lan->n_prefixes6; i++)
		if (prefix6_contains(&lan->prefixes6[i], addr))
			return true;
	return addr6_is_link_local(addr);
}

/*
 * The gate before the worker lets no IPv4 client of another network in, so none comes here: 0, or
 * -EPROTO. It cannot know every IPv6 prefix of the LAN at every moment; a client from elsewhere is
 * only refused: -EACCES.
 */
static int
check_client(const struct lan *lan, const struct msg *req)
{
	const char *at;
	char who[ADDR6_STRLEN];
	struct addr6 client;
	uint32_t addr4;

	if (handlers[req->header.type].client == NO_CLIENT)
		return 0;
	at = (const char *)req + handlers[req->header.type].client;
	if (handlers[req->header.type].client6) {
		memcpy(&client, at, sizeof(client));
	} else {
		memcpy(&addr4, at, sizeof(addr4));
		client = addr6_from4(addr4);
	}
	if (is_on_lan6(lan, &client))
		return 0;
	if (!addr6_to4(&client, &addr4))
		return -EACCES;
	log_error(
	    "%s: its worker asks for %s, who is not there", lan->ifname, addr6_str(&client, who));
	return -EPROTO;
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

static enum result
handle(struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply)
{
	core->unsettled = false;
	if (is_overdue(core, lan, req)) {
		record_reason(core, "we came to it too late");
		return RESULT_FAILED;
	}
	return handlers[req->header.type].handle(core, lan, req, reply);
}

int
request_dispatch(struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply)
{
	const uint64_t begun_us = clock_mono_us();
	unsigned type = req->header.type;
	int rc;

	if (type >= MSG_TYPE_COUNT || !handlers[type].handle)
		return -EPROTO;
	rc = check_client(lan, req);
	if (rc == -EPROTO)
		return rc;
	record_begin(core);
	if (rc < 0)
		record_reason(core, "the client is not on this LAN");
	memset(reply, 0, sizeof(*reply));
	reply->header.type = req->header.type;
	reply->header.serial = req->header.serial;
	reply->header.result = rc < 0 ? RESULT_NOT_AUTHORIZED : handle(core, lan, req, reply);
	metrics_request(
	    &core->metrics, (enum msg_type)type, reply->header.result, clock_mono_us() - begun_us);
	if (reply->header.result == RESULT_OK)
		reply->header.size = (uint16_t)msg_reply_size(type);
	return 0;
}

/* ---- the channel ---- */

/*
 * A refusal that a moment may turn into a grant (a neighbour is being looked for) waits for that
 * moment: 10, 20, 40 ms. Meanwhile this worker's other calls wait as well, so there are few such.
 */
#define WAITS 3
#define WAIT_MS 10
#define WAITS_PER_S 2

/* Owned by the LAN's event, as its argument. */
struct calls {
	struct core *core;
	struct lan *lan;
	struct event *again;
	struct msg *waiting; /* the call that waits, NULL: none */
	unsigned waits;      /* of that call */
	int64_t since_ms;
	unsigned calls; /* that have waited since then */
};

static int
send_reply(const struct lan *lan, const struct msg *req, const struct msg *reply)
{
	int rc = channel_reply(
	    lan->calls_fd, req, reply->header.result, &reply->body, reply->header.size);

	return rc == -EAGAIN ? -ENOBUFS : rc;
}

static bool
may_wait(struct calls *calls)
{
	int64_t now_ms = calls->core->now_ms();

	if (calls->waiting)
		return calls->waits < WAITS;
	if (now_ms - calls->since_ms >= 1000) {
		calls->since_ms = now_ms;
		calls->calls = 0;
	}
	return calls->calls++ < WAITS_PER_S;
}

/* 0: it waits now. */
static int
wait_for(struct calls *calls, const struct msg *req)
{
	struct timeval tv = { 0, 0 };

	if (!calls->waiting) {
		calls->waiting = malloc(sizeof(*req));
		if (!calls->waiting)
			return -ENOMEM;
		*calls->waiting = *req;
		calls->waits = 0;
		event_del(calls->lan->calls_event);
	}
	tv.tv_usec = (WAIT_MS << calls->waits++) * 1000;
	return event_add(calls->again, &tv);
}

static int
answer(struct calls *calls, const struct msg *req)
{
	struct msg reply;
	int rc = request_dispatch(calls->core, calls->lan, req, &reply);

	if (rc < 0)
		return rc;
	if (calls->core->unsettled && reply.header.result != RESULT_OK && may_wait(calls) &&
	    wait_for(calls, req) == 0)
		return 0;
	record_request(calls->core, calls->lan, req, (enum result)reply.header.result);
	rc = send_reply(calls->lan, req, &reply);
	if (calls->waiting) {
		free(calls->waiting);
		calls->waiting = NULL;
		event_add(calls->lan->calls_event, NULL);
	}
	return rc;
}

static int
serve_one(struct calls *calls)
{
	struct msg req;
	int rc = channel_recv(calls->lan->calls_fd, &req, NULL, MSG_FROM_WORKER_CALL);

	return rc < 0 ? rc : answer(calls, &req);
}

static void
let_go(struct calls *calls, int rc)
{
	struct lan *lan = calls->lan;

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

static void
on_again(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct calls *calls = arg;
	struct msg req = *calls->waiting;
	int rc;

	rc = answer(calls, &req);
	if (rc < 0)
		let_go(calls, rc);
}

/*
 * A worker has one call under way at a time, so there is hardly ever another one to look for.
 * Should there be one, it keeps the descriptor readable, and the loop comes back after the others.
 */
static void
on_calls(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct calls *calls = arg;
	int rc = calls->waiting ? 0 : serve_one(calls);

	if (rc < 0 && rc != -EAGAIN)
		let_go(calls, rc);
}

static void
calls_free(struct calls *calls)
{
	if (calls->again)
		event_free(calls->again);
	free(calls->waiting);
	free(calls);
}

static struct calls *
calls_new(struct core *core, struct lan *lan)
{
	struct calls *calls = calloc(1, sizeof(*calls));

	if (!calls)
		return NULL;
	calls->core = core;
	calls->lan = lan;
	calls->again = event_new(core->base, -1, 0, on_again, calls);
	if (calls->again)
		return calls;
	calls_free(calls);
	return NULL;
}

int
request_attach(struct core *core, struct lan *lan, int calls_fd, int events_fd)
{
	struct calls *calls = calls_new(core, lan);

	request_detach(core, lan);
	lan->calls_fd = calls_fd;
	lan->events_fd = events_fd;
	if (!calls) {
		request_detach(core, lan);
		return -ENOMEM;
	}
	lan->calls_event = event_new(core->base, calls_fd, EV_READ | EV_PERSIST, on_calls, calls);
	if (!lan->calls_event)
		calls_free(calls);
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
		calls_free(event_get_callback_arg(lan->calls_event));
		event_free(lan->calls_event);
		lan->calls_event = NULL;
	}
	if (lan->calls_fd >= 0)
		close(lan->calls_fd);
	if (lan->events_fd >= 0)
		close(lan->events_fd);
	lan->calls_fd = lan->events_fd = -1;
}
