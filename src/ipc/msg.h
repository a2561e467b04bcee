/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every message between our processes. Start reading here.
 *
 *	portreeved <-> portreeve-core   channel "supervisor", descriptor 3 of the core
 *	portreeved <-> each worker      channel "supervisor", descriptor 3 of the worker
 *	worker -> core -> worker        channel "calls": a request, its reply, matched by serial
 *	core -> worker                  channel "events": never answered
 *
 * A message is a struct msg_header followed by one fixed struct, sent whole over a SOCK_SEQPACKET
 * pair. Size and every field are checked on arrival by msg_check(); whoever sends anything else is
 * killed. Numbers are in host byte order. Text fields are NUL-terminated within their array; a
 * description may hold any other octet, so who shows it calls utf8_sanitize() first.
 */
#ifndef PORTREEVE_IPC_MSG_H
#define PORTREEVE_IPC_MSG_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/result.h"

#define MSG_DESCRIPTION_MAX 512 /* octets of UTF-8, with the NUL */
#define MSG_HOSTNAME_MAX 64
#define MSG_PROTO_TCP 6 /* IANA protocol numbers */
#define MSG_PROTO_UDP 17

/* From SIGTERM until a worker has said good-bye to its LAN, or has given up on that. */
#define MSG_GOODBYE_MS 400

enum msg_type {
	/* worker -> core on "calls"; the reply has the same type and a result */
	MSG_MAP_ADD = 1,   /* struct msg_map -> no body */
	MSG_MAP_DEL,       /* struct msg_map_key -> no body */
	MSG_MAP_GET,       /* struct msg_map_key -> struct msg_map */
	MSG_MAP_GET_INDEX, /* struct msg_index -> struct msg_map */
	MSG_STATE_GET,     /* no body -> struct msg_state */
	MSG_COUNTERS_GET,  /* no body -> struct msg_counters */

	/* core -> worker on "events" */
	MSG_GATEWAY, /* struct msg_gateway: the first message on a fresh events channel */
	MSG_STATE,   /* struct msg_state: something evented has changed */

	/* core -> supervisor */
	MSG_READY, /* no body: state is loaded, the kernel is right, workers may come */
	MSG_LAN,   /* struct msg_lan: serve this LAN at this address, or stop serving it */

	/* supervisor -> core */
	MSG_WORKER, /* struct msg_worker and two descriptors: core's ends of calls and events */
	MSG_WORKER_GONE, /* struct msg_worker: it died or was stopped. The core says it of one
			    that broke the contract: it must be ended */
	MSG_RELOAD,      /* no body: SIGHUP came */

	/* supervisor -> worker */
	MSG_CHANNELS, /* no body, two descriptors: the worker's ends of calls and events */

	/* supervisor -> core and workers, and back: the sign of life */
	MSG_PING, /* no body */
	MSG_PONG, /* no body */

	MSG_TYPE_COUNT
};

struct msg_header {
	uint16_t type;   /* enum msg_type */
	uint16_t size;   /* octets after this header */
	uint32_t serial; /* of the request, repeated by its reply; 0 elsewhere */
	uint32_t result; /* enum result, in replies; 0 elsewhere */
};

/* What names a mapping (WANIPConnection:2 2.2.20: RemoteHost, ExternalPort, Protocol). */
struct msg_map_key {
	uint32_t client;      /* who asks: address of the control point */
	uint32_t remote_host; /* 0: any */
	uint16_t external_port;
	uint8_t protocol; /* MSG_PROTO_TCP or MSG_PROTO_UDP */
	uint8_t pad;      /* 0 */
};

/* A mapping: as asked for in MSG_MAP_ADD, as it stands in the replies. */
struct msg_map {
	struct msg_map_key key;
	uint32_t internal_client; /* 0 in a request: the wildcard, refused with 715 */
	uint16_t internal_port;
	uint8_t enabled;  /* 0 or 1 */
	uint8_t pad;      /* 0 */
	uint32_t lease_s; /* asked for, or remaining; 0: permanent */
	char description[MSG_DESCRIPTION_MAX];
};

struct msg_index {
	uint32_t client;
	uint32_t index; /* 0.. as in GetGenericPortMappingEntry */
};

enum msg_wan_status { MSG_WAN_UNCONFIGURED, MSG_WAN_DISCONNECTED, MSG_WAN_CONNECTED };

/* What is evented, and what belongs to it. */
struct msg_state {
	uint32_t external_address; /* 0: none known; else interface's or the configured one */
	uint8_t wan_status;        /* enum msg_wan_status */
	uint8_t link_up;           /* physical link, 0 or 1 */
	uint16_t pad;              /* 0 */
	uint32_t mappings;         /* number of entries */
	uint32_t uptime_s;         /* since connected, 0 when not */
	char wan_interface[IFNAMSIZ];
};

/* Of the WAN interface; 64 bit here, wrapped to ui4 by who speaks UPnP. */
struct msg_counters {
	uint64_t bytes_sent, bytes_received;
	uint64_t packets_sent, packets_received;
	uint64_t upstream_bps, downstream_bps; /* link speed; 0: unknown */
};

struct msg_gateway {
	uint8_t uuid[16]; /* from which each device's UDN is derived; stable for this machine */
	uint16_t http_port;
	uint16_t pad; /* 0 */
	uint32_t notify_interval_s;
	char hostname[MSG_HOSTNAME_MAX]; /* letters, digits, '-', '.', '_'; never empty */
};

struct msg_lan {
	char ifname[IFNAMSIZ];
	uint32_t ifindex;
	uint32_t address; /* ours on that LAN */
	uint8_t prefix_len;
	uint8_t serve; /* 1: have a worker there; 0: stop it, the other numbers may be 0 */
	uint16_t pad;  /* 0 */
};

struct msg_worker {
	char ifname[IFNAMSIZ]; /* its LAN */
	uint32_t pid;
	uint32_t restarts; /* of workers of this LAN since the supervisor began */
};

/* The largest body; receive buffers are this plus the header. */
#define MSG_BODY_MAX sizeof(struct msg_map)
#define MSG_FDS_MAX 2

struct msg {
	struct msg_header header;
	union {
		struct msg_map map;
		struct msg_map_key key;
		struct msg_index index;
		struct msg_state state;
		struct msg_counters counters;
		struct msg_gateway gateway;
		struct msg_lan lan;
		struct msg_worker worker;
	} body;
};

/* Who is at the other end of the channel a message came from. */
enum msg_peer {
	MSG_FROM_WORKER_CALL,
	MSG_FROM_CORE_REPLY,
	MSG_FROM_CORE_EVENT,
	MSG_FROM_CORE,
	MSG_FROM_SUPERVISOR,
	MSG_FROM_WORKER
};

/*
 * Is @msg, of @len octets in all with @fds descriptors, something that @peer may send? Checks type,
 * direction, size, range of each field, terminated text and zero padding. 0, or -EPROTO: stop
 * talking to it.
 */
int msg_check(const struct msg *msg, size_t len, unsigned fds, enum msg_peer peer);

/* Body size that goes with a request or an event of @type, and with a reply that is RESULT_OK. */
size_t msg_size(enum msg_type type);
size_t msg_reply_size(enum msg_type type);

/* "map-add", for logs. */
const char *msg_type_str(enum msg_type type);

#endif
