/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract as a table: one row for each type. Pure; reads nothing but the message. */
#include "ipc/msg.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* No hidden padding: every octet on the wire is a field that is checked. */
static_assert(sizeof(struct msg_header) == 24, "header");
static_assert(sizeof(struct msg_map_key) == 12, "map_key");
static_assert(sizeof(struct msg_map) == 24 + MSG_DESCRIPTION_MAX, "map");
static_assert(sizeof(struct msg_index) == 12, "index");
static_assert(sizeof(struct msg_port) == 4, "port");
static_assert(sizeof(struct msg_range) == 12, "range");
static_assert(sizeof(struct msg_range_next) == 20, "range_next");
static_assert(sizeof(struct msg_state) == 24 + IFNAMSIZ, "state");
static_assert(sizeof(struct msg_counters) == 48, "counters");
static_assert(sizeof(struct msg_connection) == 8, "connection");
static_assert(sizeof(struct msg_times) == 12, "times");
static_assert(sizeof(struct msg_time) == 12, "time");
static_assert(sizeof(struct msg_pinhole) == 60, "pinhole");
static_assert(sizeof(struct msg_pinhole_id) == 4, "pinhole_id");
static_assert(sizeof(struct msg_pinhole_key) == 24, "pinhole_key");
static_assert(sizeof(struct msg_refused) == 8 + MSG_ARGUMENTS_MAX, "refused");
static_assert(sizeof(struct msg_pinhole_use) == 8, "pinhole_use");
static_assert(sizeof(struct msg_seconds) == 4, "seconds");
static_assert(sizeof(struct msg_gateway) == 28 + MSG_HOSTNAME_MAX, "gateway");
static_assert(sizeof(struct msg_lan) == 12 + IFNAMSIZ, "lan");
static_assert(sizeof(struct msg_worker) == 8 + IFNAMSIZ, "worker");
static_assert(sizeof(struct msg_hook) == 4 + IFNAMSIZ, "hook");
static_assert(sizeof(struct msg_dhcp) == 8, "dhcp");
static_assert(sizeof(struct msg_dhcp_state) == 16, "dhcp_state");
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
protocol_ok(uint8_t protocol)
{
	return protocol == MSG_PROTO_TCP || protocol == MSG_PROTO_UDP;
}

static bool
is_zero(const void *octets, size_t size)
{
	const unsigned char *p = octets;

	while (size && *p == 0)
		p++, size--;
	return size == 0;
}

static bool
key_ok(const struct msg_map_key *key)
{
	return protocol_ok(key->protocol) && key->igd <= MSG_IGD2;
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

	return map_ok(map) && map->key.igd == 0 && map->key.external_port != 0 &&
	       map->internal_client != 0 && map->internal_port != 0;
}

static bool
check_key(const struct msg *msg)
{
	return key_request_ok(&msg->body.key);
}

static bool
check_index(const struct msg *msg)
{
	const struct msg_index *index = &msg->body.index;

	return index->client != 0 && index->igd <= MSG_IGD2 &&
	       is_zero(index->pad, sizeof(index->pad));
}

static bool
check_port(const struct msg *msg)
{
	return msg->body.port.port != 0 && msg->body.port.pad == 0;
}

static bool
range_ok(const struct msg_range *range)
{
	return range->client != 0 && protocol_ok(range->protocol) && range->igd <= MSG_IGD2 &&
	       range->manage <= 1 && range->pad == 0;
}

static bool
check_range(const struct msg *msg)
{
	return range_ok(&msg->body.range);
}

static bool
check_range_next(const struct msg *msg)
{
	const struct msg_range_next *next = &msg->body.next;

	return range_ok(&next->range) && next->pad == 0 &&
	       (next->after_port != 0 || next->after_remote_host == 0);
}

static bool
check_state(const struct msg *msg)
{
	const struct msg_state *state = &msg->body.state;

	return state->wan_status < MSG_WAN_STATUS_COUNT &&
	       state->last_error < MSG_WAN_ERROR_COUNT && state->link_up <= 1 &&
	       state->wan_ppp <= 1 && state->ipv6_firewall <= 1 && state->pinholes_allowed <= 1 &&
	       state->pad == 0 &&
	       (state->wan_status == MSG_WAN_CONNECTED ||
		   state->wan_status == MSG_WAN_PENDING_DISCONNECT || state->uptime_s == 0) &&
	       (state->wan_interface[0] == '\0' || ifname_ok(state->wan_interface));
}

static bool
check_connection(const struct msg *msg)
{
	const struct msg_connection *connection = &msg->body.connection;

	return connection->client != 0 && connection->what < MSG_CONNECT_COUNT &&
	       connection->igd <= MSG_IGD2 && connection->pad == 0;
}

static bool
check_time(const struct msg *msg)
{
	const struct msg_time *time = &msg->body.time;

	return time->client != 0 && time->which < MSG_TIMES && time->igd <= MSG_IGD2 &&
	       time->pad == 0;
}

/* A lease time out of range is told to the client (402) by the core. */
static bool
check_pinhole(const struct msg *msg)
{
	const struct msg_pinhole *pinhole = &msg->body.pinhole;

	return !is_zero(pinhole->client, sizeof(pinhole->client)) &&
	       (pinhole->protocol <= UINT8_MAX || pinhole->protocol == MSG_PROTO_ANY) &&
	       pinhole->pad == 0;
}

static bool
check_pinhole_id(const struct msg *msg)
{
	return msg->body.pinhole_id.pad == 0;
}

static bool
check_pinhole_key(const struct msg *msg)
{
	const struct msg_pinhole_key *key = &msg->body.pinhole_key;

	return !is_zero(key->client, sizeof(key->client)) && key->pad == 0;
}

static bool
check_refused(const struct msg *msg)
{
	const struct msg_refused *refused = &msg->body.refused;

	return refused->client != 0 && refused->change < MSG_CHANGE_COUNT &&
	       refused->result > RESULT_OK && refused->result < RESULT_COUNT && refused->pad == 0 &&
	       text_ends(refused->arguments, sizeof(refused->arguments));
}

static bool
check_gateway(const struct msg *msg)
{
	const struct msg_gateway *gateway = &msg->body.gateway;

	return gateway->http_port != 0 && gateway->igd_version <= 2 && gateway->pad == 0 &&
	       gateway->notify_interval_s != 0 && gateway->boot_id != 0 &&
	       gateway->boot_id <= INT32_MAX && hostname_ok(gateway->hostname);
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

static bool
check_hook(const struct msg *msg)
{
	const struct msg_hook *hook = &msg->body.hook;

	return hook->disconnect <= 1 && hook->ok <= (msg->header.type == MSG_HOOK_DONE) &&
	       hook->pad == 0 &&
	       (hook->wan_interface[0] == '\0' ? is_zero(hook->wan_interface, IFNAMSIZ)
					       : ifname_ok(hook->wan_interface));
}

static bool
check_dhcp(const struct msg *msg)
{
	const struct msg_dhcp *dhcp = &msg->body.dhcp;

	return dhcp->serial != 0 && dhcp->run <= 1 && dhcp->look <= dhcp->run && dhcp->pad == 0;
}

static bool
check_dhcp_state(const struct msg *msg)
{
	const struct msg_dhcp_state *state = &msg->body.dhcp_state;

	return state->pid <= INT32_MAX && state->status <= UINT8_MAX &&
	       (state->pid == 0 || state->status == 0);
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
	[MSG_MAP_ADD_ANY] = { .name = "map-add-any",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_map),
	    .check = check_map_request,
	    .reply_size = sizeof(struct msg_port),
	    .check_reply = check_port },
	[MSG_MAP_DEL_RANGE] = { .name = "map-del-range",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_range),
	    .check = check_range },
	[MSG_MAP_NEXT] = { .name = "map-next",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_range_next),
	    .check = check_range_next,
	    .reply_size = sizeof(struct msg_map),
	    .check_reply = check_map_reply },
	[MSG_STATE_GET] = { .name = "state-get",
	    .peers = A_CALL,
	    .reply_size = sizeof(struct msg_state),
	    .check_reply = check_state },
	[MSG_COUNTERS_GET] = { .name = "counters-get",
	    .peers = A_CALL,
	    .reply_size = sizeof(struct msg_counters) },
	[MSG_CONNECTION] = { .name = "connection",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_connection),
	    .check = check_connection },
	[MSG_TIMES_GET] = { .name = "times-get",
	    .peers = A_CALL,
	    .reply_size = sizeof(struct msg_times) },
	[MSG_TIME_SET] = { .name = "time-set",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_time),
	    .check = check_time },
	[MSG_PINHOLE_ADD] = { .name = "pinhole-add",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_pinhole),
	    .check = check_pinhole,
	    .reply_size = sizeof(struct msg_pinhole_id),
	    .check_reply = check_pinhole_id },
	[MSG_PINHOLE_UPDATE] = { .name = "pinhole-update",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_pinhole_key),
	    .check = check_pinhole_key },
	[MSG_PINHOLE_DEL] = { .name = "pinhole-del",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_pinhole_key),
	    .check = check_pinhole_key },
	[MSG_PINHOLE_USE] = { .name = "pinhole-use",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_pinhole_key),
	    .check = check_pinhole_key,
	    .reply_size = sizeof(struct msg_pinhole_use) },
	[MSG_OUTBOUND_GET] = { .name = "outbound-get",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_pinhole),
	    .check = check_pinhole,
	    .reply_size = sizeof(struct msg_seconds) },

	[MSG_REFUSED] = { .name = "refused",
	    .peers = A_CALL,
	    .size = sizeof(struct msg_refused),
	    .check = check_refused },

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

	[MSG_HOOK] = { .name = "hook",
	    .peers = FROM(MSG_FROM_CORE),
	    .size = sizeof(struct msg_hook),
	    .check = check_hook },

	[MSG_DHCP] = { .name = "dhcp",
	    .peers = FROM(MSG_FROM_CORE),
	    .size = sizeof(struct msg_dhcp),
	    .check = check_dhcp },

	[MSG_WORKER] = { .name = "worker",
	    .peers = FROM(MSG_FROM_SUPERVISOR),
	    .fds = 2,
	    .size = sizeof(struct msg_worker),
	    .check = check_worker },
	[MSG_WORKER_GONE] = { .name = "worker-gone",
	    .peers = FROM(MSG_FROM_SUPERVISOR) | FROM(MSG_FROM_CORE),
	    .size = sizeof(struct msg_worker),
	    .check = check_worker },
	[MSG_HOOK_DONE] = { .name = "hook-done",
	    .peers = FROM(MSG_FROM_SUPERVISOR),
	    .size = sizeof(struct msg_hook),
	    .check = check_hook },
	[MSG_DHCP_STATE] = { .name = "dhcp-state",
	    .peers = FROM(MSG_FROM_SUPERVISOR),
	    .size = sizeof(struct msg_dhcp_state),
	    .check = check_dhcp_state },
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
	if (header->pad || header->deadline_ms < 0 ||
	    (header->deadline_ms && peer != MSG_FROM_WORKER_CALL))
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
