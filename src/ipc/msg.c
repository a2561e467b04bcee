/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract as a table: one row for each type. Pure; reads nothing but the message. */
#include "ipc/msg.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* No hidden padding: every octet on the wire is a field that is checked. */
static_assert(sizeof(struct msg_header) == 12, "header");
static_assert(sizeof(struct msg_map_key) == 12, "map_key");
static_assert(sizeof(struct msg_map) == 24 + MSG_DESCRIPTION_MAX, "map");
static_assert(sizeof(struct msg_index) == 8, "index");
static_assert(sizeof(struct msg_state) == 16 + IFNAMSIZ, "state");
static_assert(sizeof(struct msg_counters) == 48, "counters");
static_assert(sizeof(struct msg_gateway) == 24 + MSG_HOSTNAME_MAX, "gateway");
static_assert(sizeof(struct msg_lan) == 12 + IFNAMSIZ, "lan");
static_assert(sizeof(struct msg_worker) == 8 + IFNAMSIZ, "worker");
static_assert(sizeof(((struct msg *)0)->body) == MSG_BODY_MAX, "MSG_BODY_MAX is the largest body");

/* ---- fields ---------------------------------------------------------------------------------- */

static bool
text_ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* What the kernel takes as an interface name, so that it can go into a path or an argument. */
static bool
ifname_ok(const char name[IFNAMSIZ])
{
	const unsigned char *p;

	if (!text_ends(name, IFNAMSIZ) || !name[0] || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	for (p = (const unsigned char *)name; *p; p++)
		if (*p <= ' ' || *p == '/' || *p == ':' || *p == 0x7f)
			return false;
	return true;
}

/* RFC 1123 2.1, loosely: it goes into an HTTP header and into XML. */
static bool
hostname_ok(const char name[MSG_HOSTNAME_MAX])
{
	const char *p;

	if (!text_ends(name, MSG_HOSTNAME_MAX) || !name[0])
		return false;
	for (p = name; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || *p == '-' || *p == '.' || *p == '_'))
			return false;
	return true;
}

static bool
key_ok(const struct msg_map_key *key)
{
	return (key->protocol == MSG_PROTO_TCP || key->protocol == MSG_PROTO_UDP) && key->pad == 0;
}

/* External port 0 is a wildcard that the core refuses by name (716), so it is in range here. */
static bool
key_request_ok(const struct msg_map_key *key)
{
	return key_ok(key) && key->client != 0;
}

static bool
map_ok(const struct msg_map *map)
{
	return key_ok(&map->key) && map->enabled <= 1 && map->pad == 0 &&
	       text_ends(map->description, sizeof(map->description));
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static bool
check_map_request(const struct msg *msg)
{
	return map_ok(&msg->body.map) && msg->body.map.key.client != 0;
}

static bool
check_map_reply(const struct msg *msg)
{
	const struct msg_map *map = &msg->body.map;

	return map_ok(map) && map->key.external_port != 0 && map->internal_client != 0 &&
	       map->internal_port != 0;
}

static bool
check_key(const struct msg *msg)
{
	return key_request_ok(&msg->body.key);
}

static bool
check_index(const struct msg *msg)
{
	return msg->body.index.client != 0;
}

static bool
check_state(const struct msg *msg)
{
	const struct msg_state *state = &msg->body.state;

	return state->wan_status <= MSG_WAN_CONNECTED && state->link_up <= 1 && state->pad == 0 &&
	       (state->wan_status == MSG_WAN_CONNECTED || state->uptime_s == 0) &&
	       (state->wan_interface[0] == '\0' || ifname_ok(state->wan_interface));
}

static bool
check_gateway(const struct msg *msg)
{
	const struct msg_gateway *gateway = &msg->body.gateway;

	return gateway->http_port != 0 && gateway->pad == 0 && gateway->notify_interval_s != 0 &&
	       hostname_ok(gateway->hostname);
}

/* An interface that is gone has no index and no address; one to be served has both. */
static bool
check_lan(const struct msg *msg)
{
	const struct msg_lan *lan = &msg->body.lan;

	return ifname_ok(lan->ifname) && lan->serve <= 1 && lan->prefix_len <= 32 &&
	       lan->pad == 0 &&
	       (!lan->serve || (lan->ifindex != 0 && lan->ifindex <= INT32_MAX &&
				   lan->address != 0 && lan->prefix_len != 0));
}

static bool
check_worker(const struct msg *msg)
{
	const struct msg_worker *worker = &msg->body.worker;

	return ifname_ok(worker->ifname) && worker->pid != 0 && worker->pid <= INT32_MAX;
}

/* ---- types ----------------------------------------------------------------------------------- */

#define FROM(peer) (1u << (peer))
#define A_CALL (FROM(MSG_FROM_WORKER_CALL) | FROM(MSG_FROM_CORE_REPLY))

static const struct row {
	const char *name;
	unsigned peers; /* FROM() of who may send it */
	unsigned fds;
	uint16_t size;
	uint16_t reply_size;
	bool (*check)(const struct msg *msg);
	bool (*check_reply)(const struct msg *msg);
} rows[MSG_TYPE_COUNT] = {
	[MSG_MAP_ADD] = { .name = "map-add",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_map),
	    .check = check_map_request },
	[MSG_MAP_DEL] = { .name = "map-del",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_map_key),
	    .check = check_key },
	[MSG_MAP_GET] = { .name = "map-get",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_map_key),
	    .check = check_key,
	    .reply_size = sizeof(struct msg_map),
	    .check_reply = check_map_reply },
	[MSG_MAP_GET_INDEX] = { .name = "map-get-index",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_index),
	    .check = check_index,
	    .reply_size = sizeof(struct msg_map),
	    .check_reply = check_map_reply },
	[MSG_STATE_GET] = { .name = "state-get",
	    .peers = A_CALL,
	    .reply_size = sizeof(struct msg_state),
	    .check_reply = check_state },
	[MSG_COUNTERS_GET] = { .name = "counters-get",
	    .peers = A_CALL,
	    .reply_size = sizeof(struct msg_counters) },

	[MSG_GATEWAY] = { .name = "gateway",
	    .peers = FROM(MSG_FROM_CORE_EVENT),
	    .size = sizeof(struct msg_gateway),
	    .check = check_gateway },
	[MSG_STATE] = { .name = "state",
	    .peers = FROM(MSG_FROM_CORE_EVENT),
	    .size = sizeof(struct msg_state),
	    .check = check_state },

	[MSG_READY] = { .name = "ready", .peers = FROM(MSG_FROM_CORE) },
	[MSG_LAN] = { .name = "lan",
	    .peers = FROM(MSG_FROM_CORE),
	    .size = sizeof(struct msg_lan),
	    .check = check_lan },

	[MSG_WORKER] = { .name = "worker",
	    .peers = FROM(MSG_FROM_SUPERVISOR),
	    .fds = 2,
	    .size = sizeof(struct msg_worker),
	    .check = check_worker },
	[MSG_WORKER_GONE] = { .name = "worker-gone",
	    .peers = FROM(MSG_FROM_SUPERVISOR) | FROM(MSG_FROM_CORE),
	    .size = sizeof(struct msg_worker),
	    .check = check_worker },
	[MSG_RELOAD] = { .name = "reload", .peers = FROM(MSG_FROM_SUPERVISOR) },
	[MSG_CHANNELS] = { .name = "channels", .peers = FROM(MSG_FROM_SUPERVISOR), .fds = 2 },

	[MSG_PING] = { .name = "ping", .peers = FROM(MSG_FROM_SUPERVISOR) },
	[MSG_PONG] = { .name = "pong", .peers = FROM(MSG_FROM_CORE) | FROM(MSG_FROM_WORKER) },
};

static const struct row *
row_of(unsigned type)
{
	return type < MSG_TYPE_COUNT && rows[type].name ? &rows[type] : NULL;
}

int
msg_check(const struct msg *msg, size_t len, unsigned fds, enum msg_peer peer)
{
	const struct msg_header *header = &msg->header;
	bool is_reply = peer == MSG_FROM_CORE_REPLY;
	bool has_serial = is_reply || peer == MSG_FROM_WORKER_CALL;
	bool (*check)(const struct msg *);
	const struct row *row;
	size_t size;

	if (len < sizeof(*header))
		return -EPROTO;
	row = row_of(header->type);
	if (!row || !(row->peers & FROM(peer)) || fds != row->fds)
		return -EPROTO;
	if ((header->serial != 0) != has_serial ||
	    header->result >= (is_reply ? RESULT_COUNT : RESULT_OK + 1))
		return -EPROTO;

	size = is_reply ? row->reply_size : row->size;
	check = is_reply ? row->check_reply : row->check;
	if (header->result != RESULT_OK) {
		size = 0;
		check = NULL;
	}
	if (header->size != size || len != sizeof(*header) + size)
		return -EPROTO;
	return check && !check(msg) ? -EPROTO : 0;
}

size_t
msg_size(enum msg_type type)
{
	const struct row *row = row_of(type);

	return row ? row->size : 0;
}

size_t
msg_reply_size(enum msg_type type)
{
	const struct row *row = row_of(type);

	return row ? row->reply_size : 0;
}

const char *
msg_type_str(enum msg_type type)
{
	const struct row *row = row_of(type);

	return row ? row->name : "unknown";
}
