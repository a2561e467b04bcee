/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ipc/msg.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PEERS (MSG_FROM_WORKER + 1)

/* One good message of each kind; each test spoils one thing of a copy. */
static const struct msg_map good_map = {
	.key = { .client = 0xc0a80107, .external_port = 8080, .protocol = MSG_PROTO_TCP },
	.internal_client = 0xc0a80107,
	.internal_port = 80,
	.enabled = 1,
	.lease_s = 3600,
	.description = "web",
};
static const struct msg_index good_index = { .client = 0xc0a80107, .index = 3 };
static const struct msg_state good_state = {
	.external_address = 0xcb007105,
	.wan_status = MSG_WAN_CONNECTED,
	.link_up = 1,
	.mappings = 2,
	.uptime_s = 60,
	.wan_interface = "wan0",
};
static const struct msg_gateway good_gateway = {
	.http_port = 5431,
	.notify_interval_s = 900,
	.boot_id = 1700000000,
	.hostname = "gateway.home",
};
static const struct msg_lan good_lan = {
	.ifname = "lan0",
	.ifindex = 3,
	.address = 0xc0a80101,
	.prefix_len = 24,
	.serve = 1,
};
static const struct msg_port good_port = { .port = 8080 };
static const struct msg_range good_range = {
	.client = 0xc0a80107, .first_port = 1024, .last_port = 65535, .protocol = MSG_PROTO_UDP
};
static const struct msg_range_next good_next = {
	.range = { .client = 0xc0a80107, .last_port = 65535, .protocol = MSG_PROTO_TCP },
	.after_port = 8080,
	.after_remote_host = 0xcb007109,
};
static const struct msg_connection good_connection = { .client = 0xc0a80107 };
static const struct msg_time good_time = { .client = 0xc0a80107, .seconds = 600 };
static const struct msg_times good_times = { .seconds = { 0, 600, 30 } };
static const struct msg_pinhole good_pinhole = {
	.client = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 },
	.internal_client = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 },
	.internal_port = 8080,
	.protocol = MSG_PROTO_TCP,
	.lease_s = 3600,
};
static const struct msg_pinhole_key good_pinhole_key = {
	.client = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 }, .id = 3, .lease_s = 600
};
static const struct msg_refused good_refused = { .client = 0xc0a80107,
	.result = RESULT_INVALID_ARGS };
static const struct msg_hook good_hook = { .wan_interface = "ppp0" };
static const struct msg_dhcp good_dhcp = { .serial = 1, .run = 1, .look = 1 };
static const struct msg_dhcp_state good_dhcp_state = { .serial = 1, .pid = 4711, .restarts = 2 };
static const struct msg_worker good_worker = { .ifname = "lan0", .pid = 4711 };

static const struct {
	enum msg_type type;
	enum msg_peer peer;
	const void *body;
	size_t size;
	unsigned fds;
} good[] = {
	{ MSG_MAP_ADD, MSG_FROM_WORKER_CALL, &good_map, sizeof(good_map), 0 },
	{ MSG_MAP_DEL, MSG_FROM_WORKER_CALL, &good_map.key, sizeof(good_map.key), 0 },
	{ MSG_MAP_GET, MSG_FROM_WORKER_CALL, &good_map.key, sizeof(good_map.key), 0 },
	{ MSG_MAP_GET_INDEX, MSG_FROM_WORKER_CALL, &good_index, sizeof(good_index), 0 },
	{ MSG_STATE_GET, MSG_FROM_WORKER_CALL, NULL, 0, 0 },
	{ MSG_COUNTERS_GET, MSG_FROM_WORKER_CALL, NULL, 0, 0 },
	{ MSG_MAP_ADD, MSG_FROM_CORE_REPLY, NULL, 0, 0 },
	{ MSG_MAP_DEL, MSG_FROM_CORE_REPLY, NULL, 0, 0 },
	{ MSG_MAP_GET, MSG_FROM_CORE_REPLY, &good_map, sizeof(good_map), 0 },
	{ MSG_MAP_GET_INDEX, MSG_FROM_CORE_REPLY, &good_map, sizeof(good_map), 0 },
	{ MSG_STATE_GET, MSG_FROM_CORE_REPLY, &good_state, sizeof(good_state), 0 },
	{ MSG_COUNTERS_GET, MSG_FROM_CORE_REPLY, &(struct msg_counters){ 0 },
	    sizeof(struct msg_counters), 0 },
	{ MSG_MAP_ADD_ANY, MSG_FROM_WORKER_CALL, &good_map, sizeof(good_map), 0 },
	{ MSG_MAP_ADD_ANY, MSG_FROM_CORE_REPLY, &good_port, sizeof(good_port), 0 },
	{ MSG_MAP_DEL_RANGE, MSG_FROM_WORKER_CALL, &good_range, sizeof(good_range), 0 },
	{ MSG_MAP_DEL_RANGE, MSG_FROM_CORE_REPLY, NULL, 0, 0 },
	{ MSG_MAP_NEXT, MSG_FROM_WORKER_CALL, &good_next, sizeof(good_next), 0 },
	{ MSG_MAP_NEXT, MSG_FROM_CORE_REPLY, &good_map, sizeof(good_map), 0 },
	{ MSG_CONNECTION, MSG_FROM_WORKER_CALL, &good_connection, sizeof(good_connection), 0 },
	{ MSG_CONNECTION, MSG_FROM_CORE_REPLY, NULL, 0, 0 },
	{ MSG_TIMES_GET, MSG_FROM_WORKER_CALL, NULL, 0, 0 },
	{ MSG_TIMES_GET, MSG_FROM_CORE_REPLY, &good_times, sizeof(good_times), 0 },
	{ MSG_TIME_SET, MSG_FROM_WORKER_CALL, &good_time, sizeof(good_time), 0 },
	{ MSG_TIME_SET, MSG_FROM_CORE_REPLY, NULL, 0, 0 },
	{ MSG_PINHOLE_ADD, MSG_FROM_WORKER_CALL, &good_pinhole, sizeof(good_pinhole), 0 },
	{ MSG_PINHOLE_ADD, MSG_FROM_CORE_REPLY, &(struct msg_pinhole_id){ .id = 3 },
	    sizeof(struct msg_pinhole_id), 0 },
	{ MSG_PINHOLE_UPDATE, MSG_FROM_WORKER_CALL, &good_pinhole_key, sizeof(good_pinhole_key),
	    0 },
	{ MSG_PINHOLE_UPDATE, MSG_FROM_CORE_REPLY, NULL, 0, 0 },
	{ MSG_PINHOLE_DEL, MSG_FROM_WORKER_CALL, &good_pinhole_key, sizeof(good_pinhole_key), 0 },
	{ MSG_PINHOLE_DEL, MSG_FROM_CORE_REPLY, NULL, 0, 0 },
	{ MSG_PINHOLE_USE, MSG_FROM_WORKER_CALL, &good_pinhole_key, sizeof(good_pinhole_key), 0 },
	{ MSG_PINHOLE_USE, MSG_FROM_CORE_REPLY, &(struct msg_pinhole_use){ 0 },
	    sizeof(struct msg_pinhole_use), 0 },
	{ MSG_OUTBOUND_GET, MSG_FROM_WORKER_CALL, &good_pinhole, sizeof(good_pinhole), 0 },
	{ MSG_OUTBOUND_GET, MSG_FROM_CORE_REPLY, &(struct msg_seconds){ 120 },
	    sizeof(struct msg_seconds), 0 },
	{ MSG_REFUSED, MSG_FROM_WORKER_CALL, &good_refused, sizeof(good_refused), 0 },
	{ MSG_REFUSED, MSG_FROM_CORE_REPLY, NULL, 0, 0 },
	{ MSG_HOOK, MSG_FROM_CORE, &good_hook, sizeof(good_hook), 0 },
	{ MSG_HOOK_DONE, MSG_FROM_SUPERVISOR, &good_hook, sizeof(good_hook), 0 },
	{ MSG_DHCP, MSG_FROM_CORE, &good_dhcp, sizeof(good_dhcp), 0 },
	{ MSG_DHCP_STATE, MSG_FROM_SUPERVISOR, &good_dhcp_state, sizeof(good_dhcp_state), 0 },
	{ MSG_GATEWAY, MSG_FROM_CORE_EVENT, &good_gateway, sizeof(good_gateway), 0 },
	{ MSG_STATE, MSG_FROM_CORE_EVENT, &good_state, sizeof(good_state), 0 },
	{ MSG_READY, MSG_FROM_CORE, NULL, 0, 0 },
	{ MSG_LAN, MSG_FROM_CORE, &good_lan, sizeof(good_lan), 0 },
	{ MSG_WORKER, MSG_FROM_SUPERVISOR, &good_worker, sizeof(good_worker), 2 },
	{ MSG_WORKER_GONE, MSG_FROM_SUPERVISOR, &good_worker, sizeof(good_worker), 0 },
	{ MSG_WORKER_GONE, MSG_FROM_CORE, &good_worker, sizeof(good_worker), 0 },
	{ MSG_RELOAD, MSG_FROM_SUPERVISOR, NULL, 0, 0 },
	{ MSG_CHANNELS, MSG_FROM_SUPERVISOR, NULL, 0, 2 },
	{ MSG_PING, MSG_FROM_SUPERVISOR, NULL, 0, 0 },
	{ MSG_PONG, MSG_FROM_CORE, NULL, 0, 0 },
	{ MSG_PONG, MSG_FROM_WORKER, NULL, 0, 0 },
};
#define GOODS (sizeof(good) / sizeof(good[0]))

static size_t
fill(struct msg *msg, size_t i)
{
	memset(msg, 0, sizeof(*msg));
	msg->header.type = (uint16_t)good[i].type;
	msg->header.size = (uint16_t)good[i].size;
	if (good[i].peer == MSG_FROM_WORKER_CALL || good[i].peer == MSG_FROM_CORE_REPLY)
		msg->header.serial = 7;
	if (good[i].size)
		memcpy(&msg->body, good[i].body, good[i].size);
	return sizeof(msg->header) + good[i].size;
}

/* The good message of @type from @peer. */
static size_t
fill_type(struct msg *msg, enum msg_type type, enum msg_peer peer)
{
	size_t i;

	for (i = 0; i < GOODS; i++)
		if (good[i].type == type && good[i].peer == peer)
			return fill(msg, i);
	CU_FAIL_FATAL("no such example");
	return 0;
}

static bool
is_good(enum msg_type type, enum msg_peer peer)
{
	size_t i;

	for (i = 0; i < GOODS; i++)
		if (good[i].type == type && good[i].peer == peer)
			return true;
	return false;
}

static void
test_every_type_is_accepted_as_it_should_be(void)
{
	struct msg msg;
	size_t i, len;
	int type;

	for (i = 0; i < GOODS; i++) {
		len = fill(&msg, i);
		CU_ASSERT_EQUAL(msg_check(&msg, len, good[i].fds, good[i].peer), 0);
	}
	for (type = 1; type < MSG_TYPE_COUNT; type++)
		CU_ASSERT_STRING_NOT_EQUAL(msg_type_str((enum msg_type)type), "unknown");
	CU_ASSERT_STRING_EQUAL(msg_type_str(MSG_TYPE_COUNT), "unknown");
	CU_ASSERT_STRING_EQUAL(msg_type_str((enum msg_type)0), "unknown");
}

static void
test_wrong_direction_is_refused(void)
{
	struct msg msg;
	size_t i, len;
	int peer;

	for (i = 0; i < GOODS; i++) {
		for (peer = 0; peer < PEERS; peer++) {
			if (is_good(good[i].type, (enum msg_peer)peer))
				continue;
			len = fill(&msg, i);
			msg.header.serial =
			    peer == MSG_FROM_WORKER_CALL || peer == MSG_FROM_CORE_REPLY;
			CU_ASSERT_EQUAL(
			    msg_check(&msg, len, good[i].fds, (enum msg_peer)peer), -EPROTO);
		}
	}
}

static void
test_wrong_size_is_refused(void)
{
	struct msg msg;
	size_t i, len;

	for (i = 0; i < GOODS; i++) {
		len = fill(&msg, i);
		CU_ASSERT_EQUAL(msg_check(&msg, len + 1, good[i].fds, good[i].peer), -EPROTO);
		CU_ASSERT_EQUAL(msg_check(&msg, len - 1, good[i].fds, good[i].peer), -EPROTO);
		CU_ASSERT_EQUAL(msg_check(&msg, 0, good[i].fds, good[i].peer), -EPROTO);
		msg.header.size++;
		CU_ASSERT_EQUAL(msg_check(&msg, len, good[i].fds, good[i].peer), -EPROTO);
		CU_ASSERT_EQUAL(msg_check(&msg, len + 1, good[i].fds, good[i].peer), -EPROTO);
	}
}

static void
test_wrong_number_of_descriptors_is_refused(void)
{
	struct msg msg;
	size_t i, len;
	unsigned fds;

	for (i = 0; i < GOODS; i++) {
		len = fill(&msg, i);
		for (fds = 0; fds <= MSG_FDS_MAX + 1; fds++)
			CU_ASSERT_EQUAL(msg_check(&msg, len, fds, good[i].peer),
			    fds == good[i].fds ? 0 : -EPROTO);
	}
}

static void
test_unknown_type_is_refused(void)
{
	static const unsigned types[] = { 0, MSG_TYPE_COUNT, MSG_TYPE_COUNT + 1, 0x7fff, 0xffff };
	struct msg msg = { .header = { .serial = 1 } };
	size_t i;
	int peer;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		msg.header.type = (uint16_t)types[i];
		for (peer = 0; peer < PEERS; peer++)
			CU_ASSERT_EQUAL(
			    msg_check(&msg, sizeof(msg.header), 0, (enum msg_peer)peer), -EPROTO);
	}
}

static void
test_serial_goes_with_calls_and_replies_only(void)
{
	struct msg msg;
	size_t i, len;

	for (i = 0; i < GOODS; i++) {
		len = fill(&msg, i);
		msg.header.serial = !msg.header.serial;
		CU_ASSERT_EQUAL(msg_check(&msg, len, good[i].fds, good[i].peer), -EPROTO);
	}
}

static void
test_deadline_goes_with_calls_only(void)
{
	struct msg msg;
	size_t i, len;

	for (i = 0; i < GOODS; i++) {
		len = fill(&msg, i);
		msg.header.deadline_ms = 1;
		CU_ASSERT_EQUAL(msg_check(&msg, len, good[i].fds, good[i].peer),
		    good[i].peer == MSG_FROM_WORKER_CALL ? 0 : -EPROTO);
		msg.header.deadline_ms = -1;
		CU_ASSERT_EQUAL(msg_check(&msg, len, good[i].fds, good[i].peer), -EPROTO);
	}
}

static void
test_result_goes_with_replies_only(void)
{
	struct msg msg;
	size_t i, len;

	for (i = 0; i < GOODS; i++) {
		len = fill(&msg, i);
		msg.header.result = RESULT_CONFLICT;
		if (good[i].peer == MSG_FROM_CORE_REPLY) {
			msg.header.size = 0;
			len = sizeof(msg.header);
			CU_ASSERT_EQUAL(msg_check(&msg, len, 0, good[i].peer), 0);
			msg.header.result = RESULT_COUNT;
		}
		CU_ASSERT_EQUAL(msg_check(&msg, len, good[i].fds, good[i].peer), -EPROTO);
	}
}

static void
test_refusal_has_no_body(void)
{
	struct msg msg;
	size_t len = fill_type(&msg, MSG_MAP_GET, MSG_FROM_CORE_REPLY);

	msg.header.result = RESULT_NO_SUCH_ENTRY;
	CU_ASSERT_EQUAL(msg_check(&msg, len, 0, MSG_FROM_CORE_REPLY), -EPROTO);
}

/* Sets @field of a good message to @value and expects @rc. */
#define SPOIL(type, peer, nfds, field, value, rc)                                                  \
	do {                                                                                       \
		struct msg m_;                                                                     \
		size_t len_ = fill_type(&m_, type, peer);                                          \
                                                                                                   \
		m_.body.field = value;                                                             \
		CU_ASSERT_EQUAL(msg_check(&m_, len_, nfds, peer), rc);                             \
	} while (0)

static void
test_fields_of_a_mapping_request_are_checked(void)
{
	SPOIL(MSG_MAP_ADD, MSG_FROM_WORKER_CALL, 0, map.key.client, 0, -EPROTO);
	SPOIL(MSG_MAP_ADD, MSG_FROM_WORKER_CALL, 0, map.key.protocol, 0, -EPROTO);
	SPOIL(MSG_MAP_ADD, MSG_FROM_WORKER_CALL, 0, map.key.protocol, 132, -EPROTO);
	SPOIL(MSG_MAP_ADD, MSG_FROM_WORKER_CALL, 0, map.key.protocol, MSG_PROTO_UDP, 0);
	SPOIL(MSG_MAP_ADD, MSG_FROM_WORKER_CALL, 0, map.key.igd, 2, -EPROTO);
	SPOIL(MSG_MAP_ADD, MSG_FROM_WORKER_CALL, 0, map.key.igd, MSG_IGD2, 0);
	SPOIL(MSG_MAP_ADD, MSG_FROM_WORKER_CALL, 0, map.enabled, 2, -EPROTO);
	SPOIL(MSG_MAP_ADD, MSG_FROM_WORKER_CALL, 0, map.pad, 1, -EPROTO);
	/* wildcards are in range: the core refuses them by name */
	SPOIL(MSG_MAP_ADD, MSG_FROM_WORKER_CALL, 0, map.internal_client, 0, 0);
	SPOIL(MSG_MAP_ADD, MSG_FROM_WORKER_CALL, 0, map.key.external_port, 0, 0);
	SPOIL(MSG_MAP_ADD, MSG_FROM_WORKER_CALL, 0, map.lease_s, UINT32_MAX, 0);
}

static void
test_fields_of_keys_and_indexes_are_checked(void)
{
	SPOIL(MSG_MAP_DEL, MSG_FROM_WORKER_CALL, 0, key.client, 0, -EPROTO);
	SPOIL(MSG_MAP_DEL, MSG_FROM_WORKER_CALL, 0, key.protocol, 1, -EPROTO);
	SPOIL(MSG_MAP_DEL, MSG_FROM_WORKER_CALL, 0, key.igd, 0xff, -EPROTO);
	SPOIL(MSG_MAP_GET, MSG_FROM_WORKER_CALL, 0, key.client, 0, -EPROTO);
	SPOIL(MSG_MAP_GET, MSG_FROM_WORKER_CALL, 0, key.protocol, 18, -EPROTO);
	SPOIL(MSG_MAP_GET_INDEX, MSG_FROM_WORKER_CALL, 0, index.client, 0, -EPROTO);
	SPOIL(MSG_MAP_GET_INDEX, MSG_FROM_WORKER_CALL, 0, index.index, UINT32_MAX, 0);
}

static void
test_a_mapping_in_a_reply_is_whole(void)
{
	SPOIL(MSG_MAP_GET, MSG_FROM_CORE_REPLY, 0, map.internal_client, 0, -EPROTO);
	SPOIL(MSG_MAP_GET, MSG_FROM_CORE_REPLY, 0, map.internal_port, 0, -EPROTO);
	SPOIL(MSG_MAP_GET, MSG_FROM_CORE_REPLY, 0, map.key.external_port, 0, -EPROTO);
	SPOIL(MSG_MAP_GET, MSG_FROM_CORE_REPLY, 0, map.enabled, 3, -EPROTO);
	SPOIL(MSG_MAP_GET, MSG_FROM_CORE_REPLY, 0, map.key.client, 0, 0); /* a static one */
}

static void
test_text_ends_within_its_field(void)
{
	struct msg msg;
	size_t len;

	len = fill_type(&msg, MSG_MAP_ADD, MSG_FROM_WORKER_CALL);
	memset(msg.body.map.description, 'x', MSG_DESCRIPTION_MAX);
	CU_ASSERT_EQUAL(msg_check(&msg, len, 0, MSG_FROM_WORKER_CALL), -EPROTO);
	msg.body.map.description[MSG_DESCRIPTION_MAX - 1] = '\0';
	CU_ASSERT_EQUAL(msg_check(&msg, len, 0, MSG_FROM_WORKER_CALL), 0);

	len = fill_type(&msg, MSG_GATEWAY, MSG_FROM_CORE_EVENT);
	memset(msg.body.gateway.hostname, 'x', MSG_HOSTNAME_MAX);
	CU_ASSERT_EQUAL(msg_check(&msg, len, 0, MSG_FROM_CORE_EVENT), -EPROTO);

	len = fill_type(&msg, MSG_REFUSED, MSG_FROM_WORKER_CALL);
	memset(msg.body.refused.arguments, 'x', MSG_ARGUMENTS_MAX);
	CU_ASSERT_EQUAL(msg_check(&msg, len, 0, MSG_FROM_WORKER_CALL), -EPROTO);

	len = fill_type(&msg, MSG_LAN, MSG_FROM_CORE);
	memset(msg.body.lan.ifname, 'x', IFNAMSIZ);
	CU_ASSERT_EQUAL(msg_check(&msg, len, 0, MSG_FROM_CORE), -EPROTO);

	len = fill_type(&msg, MSG_STATE, MSG_FROM_CORE_EVENT);
	memset(msg.body.state.wan_interface, 'x', IFNAMSIZ);
	CU_ASSERT_EQUAL(msg_check(&msg, len, 0, MSG_FROM_CORE_EVENT), -EPROTO);
}

static void
test_fields_of_the_state_are_checked(void)
{
	SPOIL(MSG_STATE, MSG_FROM_CORE_EVENT, 0, state.wan_status, MSG_WAN_STATUS_COUNT, -EPROTO);
	SPOIL(MSG_STATE, MSG_FROM_CORE_EVENT, 0, state.last_error, MSG_WAN_ERROR_COUNT, -EPROTO);
	SPOIL(MSG_STATE, MSG_FROM_CORE_EVENT, 0, state.wan_ppp, 2, -EPROTO);
	SPOIL(MSG_STATE, MSG_FROM_CORE_EVENT, 0, state.ipv6_firewall, 2, -EPROTO);
	SPOIL(MSG_STATE, MSG_FROM_CORE_EVENT, 0, state.pinholes_allowed, 2, -EPROTO);
	SPOIL(MSG_STATE, MSG_FROM_CORE_EVENT, 0, state.wan_status, MSG_WAN_PENDING_DISCONNECT, 0);
	SPOIL(MSG_STATE, MSG_FROM_CORE_EVENT, 0, state.link_up, 2, -EPROTO);
	SPOIL(MSG_STATE, MSG_FROM_CORE_EVENT, 0, state.pad, 1, -EPROTO);
	SPOIL(MSG_STATE, MSG_FROM_CORE_EVENT, 0, state.wan_status, MSG_WAN_DISCONNECTED, -EPROTO);
	SPOIL(MSG_STATE, MSG_FROM_CORE_EVENT, 0, state.external_address, 0, 0);
	SPOIL(MSG_STATE, MSG_FROM_CORE_EVENT, 0, state.wan_interface[0], '\0', 0);
	SPOIL(MSG_STATE, MSG_FROM_CORE_EVENT, 0, state.wan_interface[0], '/', -EPROTO);
	SPOIL(MSG_STATE_GET, MSG_FROM_CORE_REPLY, 0, state.link_up, 0xff, -EPROTO);
}

static void
test_fields_of_the_gateway_are_checked(void)
{
	SPOIL(MSG_GATEWAY, MSG_FROM_CORE_EVENT, 0, gateway.http_port, 0, -EPROTO);
	SPOIL(MSG_GATEWAY, MSG_FROM_CORE_EVENT, 0, gateway.pad, 1, -EPROTO);
	SPOIL(MSG_GATEWAY, MSG_FROM_CORE_EVENT, 0, gateway.igd_version, 2, 0);
	SPOIL(MSG_GATEWAY, MSG_FROM_CORE_EVENT, 0, gateway.igd_version, 3, -EPROTO);
	SPOIL(MSG_GATEWAY, MSG_FROM_CORE_EVENT, 0, gateway.boot_id, 0, -EPROTO);
	SPOIL(MSG_GATEWAY, MSG_FROM_CORE_EVENT, 0, gateway.boot_id, 0x80000000, -EPROTO);
	SPOIL(MSG_GATEWAY, MSG_FROM_CORE_EVENT, 0, gateway.notify_interval_s, 0, -EPROTO);
	SPOIL(MSG_GATEWAY, MSG_FROM_CORE_EVENT, 0, gateway.hostname[0], '\0', -EPROTO);
	SPOIL(MSG_GATEWAY, MSG_FROM_CORE_EVENT, 0, gateway.hostname[2], '<', -EPROTO);
	SPOIL(MSG_GATEWAY, MSG_FROM_CORE_EVENT, 0, gateway.hostname[2], '\r', -EPROTO);
}

static void
test_fields_of_ranges_are_checked(void)
{
	SPOIL(MSG_MAP_DEL_RANGE, MSG_FROM_WORKER_CALL, 0, range.client, 0, -EPROTO);
	SPOIL(MSG_MAP_DEL_RANGE, MSG_FROM_WORKER_CALL, 0, range.protocol, 0, -EPROTO);
	SPOIL(MSG_MAP_DEL_RANGE, MSG_FROM_WORKER_CALL, 0, range.igd, 2, -EPROTO);
	SPOIL(MSG_MAP_DEL_RANGE, MSG_FROM_WORKER_CALL, 0, range.manage, 2, -EPROTO);
	SPOIL(MSG_MAP_DEL_RANGE, MSG_FROM_WORKER_CALL, 0, range.pad, 1, -EPROTO);
	/* in the wrong order: the core refuses them by name */
	SPOIL(MSG_MAP_DEL_RANGE, MSG_FROM_WORKER_CALL, 0, range.last_port, 0, 0);
	SPOIL(MSG_MAP_NEXT, MSG_FROM_WORKER_CALL, 0, next.range.client, 0, -EPROTO);
	SPOIL(MSG_MAP_NEXT, MSG_FROM_WORKER_CALL, 0, next.pad, 1, -EPROTO);
	SPOIL(MSG_MAP_NEXT, MSG_FROM_WORKER_CALL, 0, next.after_port, 0, -EPROTO);
	SPOIL(MSG_MAP_NEXT, MSG_FROM_WORKER_CALL, 0, next.after_remote_host, 0, 0);
	SPOIL(MSG_MAP_ADD_ANY, MSG_FROM_CORE_REPLY, 0, port.port, 0, -EPROTO);
}

static void
test_fields_about_the_connection_are_checked(void)
{
	SPOIL(MSG_CONNECTION, MSG_FROM_WORKER_CALL, 0, connection.client, 0, -EPROTO);
	SPOIL(MSG_REFUSED, MSG_FROM_WORKER_CALL, 0, refused.client, 0, -EPROTO);
	SPOIL(MSG_REFUSED, MSG_FROM_WORKER_CALL, 0, refused.change, MSG_CHANGE_COUNT, -EPROTO);
	SPOIL(MSG_REFUSED, MSG_FROM_WORKER_CALL, 0, refused.result, RESULT_OK, -EPROTO);
	SPOIL(MSG_REFUSED, MSG_FROM_WORKER_CALL, 0, refused.result, RESULT_COUNT, -EPROTO);
	SPOIL(MSG_REFUSED, MSG_FROM_WORKER_CALL, 0, refused.pad, 1, -EPROTO);
	SPOIL(MSG_CONNECTION, MSG_FROM_WORKER_CALL, 0, connection.what, MSG_CONNECT_COUNT, -EPROTO);
	SPOIL(MSG_CONNECTION, MSG_FROM_WORKER_CALL, 0, connection.pad, 1, -EPROTO);
	SPOIL(MSG_TIME_SET, MSG_FROM_WORKER_CALL, 0, time.which, MSG_TIMES, -EPROTO);
	SPOIL(MSG_TIME_SET, MSG_FROM_WORKER_CALL, 0, time.igd, 2, -EPROTO);
	SPOIL(MSG_HOOK, MSG_FROM_CORE, 0, hook.disconnect, 2, -EPROTO);
	SPOIL(MSG_HOOK, MSG_FROM_CORE, 0, hook.ok, 1, -EPROTO);
	SPOIL(MSG_HOOK, MSG_FROM_CORE, 0, hook.wan_interface[0], '/', -EPROTO);
	SPOIL(MSG_HOOK_DONE, MSG_FROM_SUPERVISOR, 0, hook.ok, 1, 0);
}

static void
test_fields_about_dnsmasq_are_checked(void)
{
	SPOIL(MSG_DHCP, MSG_FROM_CORE, 0, dhcp.serial, 0, -EPROTO);
	SPOIL(MSG_DHCP, MSG_FROM_CORE, 0, dhcp.run, 2, -EPROTO);
	SPOIL(MSG_DHCP, MSG_FROM_CORE, 0, dhcp.run, 0, -EPROTO); /* nothing to look for */
	SPOIL(MSG_DHCP, MSG_FROM_CORE, 0, dhcp.look, 0, 0);
	SPOIL(MSG_DHCP, MSG_FROM_CORE, 0, dhcp.pad, 1, -EPROTO);
	SPOIL(MSG_DHCP_STATE, MSG_FROM_SUPERVISOR, 0, dhcp_state.pid, UINT32_MAX, -EPROTO);
	SPOIL(MSG_DHCP_STATE, MSG_FROM_SUPERVISOR, 0, dhcp_state.pid, 0, 0);
	SPOIL(MSG_DHCP_STATE, MSG_FROM_SUPERVISOR, 0, dhcp_state.status, 79, -EPROTO);
}

static void
test_fields_of_pinholes_are_checked(void)
{
	struct msg msg;
	size_t len = fill_type(&msg, MSG_PINHOLE_ADD, MSG_FROM_WORKER_CALL);

	memset(msg.body.pinhole.client, 0, sizeof(msg.body.pinhole.client));
	CU_ASSERT_EQUAL(msg_check(&msg, len, 0, MSG_FROM_WORKER_CALL), -EPROTO);
	SPOIL(MSG_PINHOLE_ADD, MSG_FROM_WORKER_CALL, 0, pinhole.protocol, 256, -EPROTO);
	SPOIL(MSG_PINHOLE_ADD, MSG_FROM_WORKER_CALL, 0, pinhole.protocol, 255, 0);
	SPOIL(MSG_PINHOLE_ADD, MSG_FROM_WORKER_CALL, 0, pinhole.protocol, MSG_PROTO_ANY, 0);
	SPOIL(MSG_PINHOLE_ADD, MSG_FROM_WORKER_CALL, 0, pinhole.pad, 1, -EPROTO);
	/* wildcards and leases are in range: the core refuses them by name */
	SPOIL(MSG_PINHOLE_ADD, MSG_FROM_WORKER_CALL, 0, pinhole.internal_port, 0, 0);
	SPOIL(MSG_PINHOLE_ADD, MSG_FROM_WORKER_CALL, 0, pinhole.lease_s, UINT32_MAX, 0);
	SPOIL(MSG_PINHOLE_DEL, MSG_FROM_WORKER_CALL, 0, pinhole_key.pad, 1, -EPROTO);
	SPOIL(MSG_PINHOLE_ADD, MSG_FROM_CORE_REPLY, 0, pinhole_id.pad, 1, -EPROTO);
}

static void
test_fields_of_a_lan_are_checked(void)
{
	SPOIL(MSG_LAN, MSG_FROM_CORE, 0, lan.ifname[0], '\0', -EPROTO);
	SPOIL(MSG_LAN, MSG_FROM_CORE, 0, lan.ifname[1], '/', -EPROTO);
	SPOIL(MSG_LAN, MSG_FROM_CORE, 0, lan.ifname[1], ' ', -EPROTO);
	SPOIL(MSG_LAN, MSG_FROM_CORE, 0, lan.ifindex, 0, -EPROTO);
	SPOIL(MSG_LAN, MSG_FROM_CORE, 0, lan.ifindex, UINT32_MAX, -EPROTO);
	SPOIL(MSG_LAN, MSG_FROM_CORE, 0, lan.address, 0, -EPROTO);
	SPOIL(MSG_LAN, MSG_FROM_CORE, 0, lan.prefix_len, 33, -EPROTO);
	SPOIL(MSG_LAN, MSG_FROM_CORE, 0, lan.prefix_len, 0, -EPROTO);
	SPOIL(MSG_LAN, MSG_FROM_CORE, 0, lan.serve, 2, -EPROTO);
	SPOIL(MSG_LAN, MSG_FROM_CORE, 0, lan.pad, 1, -EPROTO);
}

static void
test_a_lan_that_is_gone_needs_no_address(void)
{
	struct msg msg;
	size_t len = fill_type(&msg, MSG_LAN, MSG_FROM_CORE);

	msg.body.lan.serve = 0;
	msg.body.lan.ifindex = msg.body.lan.address = 0;
	msg.body.lan.prefix_len = 0;
	CU_ASSERT_EQUAL(msg_check(&msg, len, 0, MSG_FROM_CORE), 0);
}

static void
test_fields_of_a_worker_are_checked(void)
{
	SPOIL(MSG_WORKER, MSG_FROM_SUPERVISOR, 2, worker.pid, 0, -EPROTO);
	SPOIL(MSG_WORKER, MSG_FROM_SUPERVISOR, 2, worker.pid, UINT32_MAX, -EPROTO);
	SPOIL(MSG_WORKER, MSG_FROM_SUPERVISOR, 2, worker.ifname[0], '\0', -EPROTO);
	SPOIL(MSG_WORKER_GONE, MSG_FROM_SUPERVISOR, 0, worker.pid, 0, -EPROTO);
}

/* xorshift32 from a seed that is printed: random octets never pass for what they are not. */
static void
test_random_octets_never_overstep(void)
{
	uint32_t seed = 0x9e3779b9, x = seed;
	struct msg msg;
	unsigned i, j;
	size_t len;
	int peer, rc;

	for (i = 0; i < 20000; i++) {
		for (j = 0; j < sizeof(msg) / sizeof(x); j++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			memcpy((char *)&msg + j * sizeof(x), &x, sizeof(x));
		}
		msg.header.type %= MSG_TYPE_COUNT + 1;
		msg.header.serial &= 1;
		msg.header.result &= 1;
		peer = (int)(x % PEERS);
		msg.header.size = (uint16_t)(peer == MSG_FROM_CORE_REPLY
						 ? msg_reply_size((enum msg_type)msg.header.type)
						 : msg_size((enum msg_type)msg.header.type));
		len = sizeof(msg.header) + msg.header.size;
		rc = msg_check(&msg, len, 0, (enum msg_peer)peer);
		CU_ASSERT_TRUE_FATAL(rc == 0 || rc == -EPROTO);
		if (rc == 0)
			CU_ASSERT_TRUE(
			    is_good((enum msg_type)msg.header.type, (enum msg_peer)peer));
	}
	printf("(seed %#x) ", seed);
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(every_type_is_accepted_as_it_should_be),
		UNIT_TEST(wrong_direction_is_refused),
		UNIT_TEST(wrong_size_is_refused),
		UNIT_TEST(wrong_number_of_descriptors_is_refused),
		UNIT_TEST(unknown_type_is_refused),
		UNIT_TEST(serial_goes_with_calls_and_replies_only),
		UNIT_TEST(deadline_goes_with_calls_only),
		UNIT_TEST(result_goes_with_replies_only),
		UNIT_TEST(refusal_has_no_body),
		UNIT_TEST(fields_of_a_mapping_request_are_checked),
		UNIT_TEST(fields_of_keys_and_indexes_are_checked),
		UNIT_TEST(a_mapping_in_a_reply_is_whole),
		UNIT_TEST(text_ends_within_its_field),
		UNIT_TEST(fields_of_the_state_are_checked),
		UNIT_TEST(fields_of_the_gateway_are_checked),
		UNIT_TEST(fields_of_ranges_are_checked),
		UNIT_TEST(fields_about_the_connection_are_checked),
		UNIT_TEST(fields_about_dnsmasq_are_checked),
		UNIT_TEST(fields_of_pinholes_are_checked),
		UNIT_TEST(fields_of_a_lan_are_checked),
		UNIT_TEST(a_lan_that_is_gone_needs_no_address),
		UNIT_TEST(fields_of_a_worker_are_checked),
		UNIT_TEST(random_octets_never_overstep),
		UNIT_END,
	};

	return unit_run("msg", tests);
}
