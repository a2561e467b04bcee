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
#define MSG_ARGUMENTS_MAX 160 /* octets of a refused request's arguments, with the NUL */
#define MSG_PROTO_TCP 6       /* IANA protocol numbers */
#define MSG_PROTO_UDP 17

/* From SIGTERM until a worker has said good-bye to its LAN, or has given up on that. */
#define MSG_GOODBYE_MS 400

enum msg_type {
	/* worker -> core on "calls"; the reply has the same type and a result */
	MSG_MAP_ADD = 1,    /* struct msg_map -> no body */
	MSG_MAP_DEL,        /* struct msg_map_key -> no body */
	MSG_MAP_GET,        /* struct msg_map_key -> struct msg_map */
	MSG_MAP_GET_INDEX,  /* struct msg_index -> struct msg_map */
	MSG_MAP_ADD_ANY,    /* struct msg_map -> struct msg_port: near the one asked for */
	MSG_MAP_DEL_RANGE,  /* struct msg_range -> no body */
	MSG_MAP_NEXT,       /* struct msg_range_next -> struct msg_map; RESULT_NOT_FOUND: no more */
	MSG_STATE_GET,      /* no body -> struct msg_state */
	MSG_COUNTERS_GET,   /* no body -> struct msg_counters */
	MSG_CONNECTION,     /* struct msg_connection -> no body */
	MSG_TIMES_GET,      /* no body -> struct msg_times */
	MSG_TIME_SET,       /* struct msg_time -> no body */
	MSG_PINHOLE_ADD,    /* struct msg_pinhole -> struct msg_pinhole_id */
	MSG_PINHOLE_UPDATE, /* struct msg_pinhole_key -> no body */
	MSG_PINHOLE_DEL,    /* struct msg_pinhole_key -> no body */
	MSG_PINHOLE_USE,    /* struct msg_pinhole_key -> struct msg_pinhole_use */
	MSG_OUTBOUND_GET,   /* struct msg_pinhole -> struct msg_seconds */
	MSG_REFUSED,        /* struct msg_refused -> no body: for the audit trail */

	/* core -> worker on "events" */
	MSG_GATEWAY, /* struct msg_gateway: the first message on a fresh events channel */
	MSG_STATE,   /* struct msg_state: something evented has changed */

	/* core -> supervisor */
	MSG_READY, /* no body: state is loaded, the kernel is right, workers may come */
	MSG_LAN,   /* struct msg_lan: serve this LAN at this address, or stop serving it */
	MSG_HOOK,  /* struct msg_hook: run on_connect or on_disconnect */
	MSG_DHCP,  /* struct msg_dhcp: run dnsmasq with the file as it is now, or stop it */

	/* supervisor -> core */
	MSG_WORKER, /* struct msg_worker and two descriptors: core's ends of calls and events */
	MSG_WORKER_GONE, /* struct msg_worker: it died or was stopped. The core says it of one
			    that broke the contract: it must be ended */
	MSG_HOOK_DONE,   /* struct msg_hook: it has ended, or could not be run */
	MSG_DHCP_STATE,  /* struct msg_dhcp_state: after MSG_READY, and on each change */
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
	uint32_t pad;    /* 0 */
	/*
	 * Of a call, CLOCK_BOOTTIME: from then on its client is told that it failed, so the core
	 * must not grant it any more. 0: no such time.
	 */
	int64_t deadline_ms;
};

/*
 * The version of the service by which a client called. Lease times, access control and some faults
 * are others in version 2 (WANIPConnection:2 2.3.16, 2.5.1, 2.6).
 */
enum msg_igd { MSG_IGD1, MSG_IGD2 };

/* What names a mapping (WANIPConnection:2 2.2.20: RemoteHost, ExternalPort, Protocol). */
struct msg_map_key {
	uint32_t client;      /* who asks: address of the control point */
	uint32_t remote_host; /* 0: any */
	uint16_t external_port;
	uint8_t protocol; /* MSG_PROTO_TCP or MSG_PROTO_UDP */
	uint8_t igd;      /* enum msg_igd; 0 in replies */
};

/*
 * A mapping: as asked for in MSG_MAP_ADD, as it stands in the replies. MSG_MAP_ADD_ANY: external
 * port 0 leaves the choice to the core.
 */
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
	uint32_t index; /* 0.. as in GetGenericPortMappingEntry; of those it may see in version 2 */
	uint8_t igd;    /* enum msg_igd */
	uint8_t pad[3]; /* 0 */
};

struct msg_port {
	uint16_t port;
	uint16_t pad; /* 0 */
};

/* NewStartPort to NewEndPort. In the wrong order they are refused with 733. */
struct msg_range {
	uint32_t client;
	uint16_t first_port, last_port;
	uint8_t protocol;
	uint8_t igd;    /* enum msg_igd */
	uint8_t manage; /* NewManage: others' mappings, too, as far as the policy lets it */
	uint8_t pad;    /* 0 */
};

/*
 * The next mapping of the range in order of (external port, remote host), behind the one last got.
 * Begins with after_port 0. A list may change while it is walked; what stays is seen once.
 */
struct msg_range_next {
	struct msg_range range;
	uint32_t after_remote_host;
	uint16_t after_port; /* 0: none yet */
	uint16_t pad;        /* 0 */
};

enum msg_wan_status {
	MSG_WAN_UNCONFIGURED,
	MSG_WAN_DISCONNECTED,
	MSG_WAN_CONNECTED,
	MSG_WAN_CONNECTING,
	MSG_WAN_PENDING_DISCONNECT,
	MSG_WAN_DISCONNECTING,
	MSG_WAN_STATUS_COUNT
};

/* LastConnectionError (WANIPConnection:2 2.3.5) */
enum msg_wan_error {
	MSG_ERROR_NONE,
	MSG_ERROR_COMMAND_ABORTED,
	MSG_ERROR_NOT_ENABLED_FOR_INTERNET,
	MSG_ERROR_ISP_DISCONNECT,
	MSG_ERROR_USER_DISCONNECT,
	MSG_ERROR_IDLE_DISCONNECT,
	MSG_ERROR_FORCED_DISCONNECT,
	MSG_ERROR_NO_CARRIER,
	MSG_ERROR_IP_CONFIGURATION,
	MSG_ERROR_UNKNOWN,
	MSG_WAN_ERROR_COUNT
};

/* What is evented, and what belongs to it. */
struct msg_state {
	uint32_t external_address; /* 0: none known; else interface's or the configured one */
	uint32_t mappings;         /* number of entries */
	uint32_t system_update_id; /* counts changes of the mappings, and wraps */
	uint32_t uptime_s;         /* since connected, 0 when not */
	uint8_t wan_status;        /* enum msg_wan_status */
	uint8_t last_error;        /* enum msg_wan_error */
	uint8_t link_up;           /* physical link, 0 or 1 */
	uint8_t wan_ppp;           /* 1: the WAN is a PPP link */
	uint8_t ipv6_firewall;     /* FirewallEnabled, 0 or 1 */
	uint8_t pinholes_allowed;  /* InboundPinholeAllowed, 0 or 1 */
	uint16_t pad;              /* 0 */
	char wan_interface[IFNAMSIZ];
};

/* Of the WAN interface; 64 bit here, wrapped to ui4 by who speaks UPnP. */
struct msg_counters {
	uint64_t bytes_sent, bytes_received;
	uint64_t packets_sent, packets_received;
	uint64_t upstream_bps, downstream_bps; /* link speed; 0: unknown */
};

/* MSG_CONNECTION: RequestConnection, RequestTermination, ForceTermination. */
enum msg_connect { MSG_CONNECT, MSG_DISCONNECT, MSG_DISCONNECT_NOW, MSG_CONNECT_COUNT };

struct msg_connection {
	uint32_t client;
	uint8_t what; /* enum msg_connect */
	uint8_t igd;  /* enum msg_igd */
	uint16_t pad; /* 0 */
};

/* AutoDisconnectTime, IdleDisconnectTime, WarnDisconnectDelay in seconds; 0: never, or none. */
enum msg_timer { MSG_TIME_AUTO, MSG_TIME_IDLE, MSG_TIME_WARN, MSG_TIMES };

struct msg_times {
	uint32_t seconds[MSG_TIMES];
};

struct msg_time {
	uint32_t client;
	uint32_t seconds;
	uint8_t which; /* enum msg_timer */
	uint8_t igd;   /* enum msg_igd */
	uint16_t pad;  /* 0 */
};

/*
 * IPv6 addresses are 16 octets in network byte order. Who asks is such, too: an IPv4 client is
 * ::ffff:a.b.c.d. All zero: the wildcard.
 */
#define MSG_PROTO_ANY 65535 /* of a pinhole: every protocol */

struct msg_pinhole {
	uint8_t client[16];
	uint8_t remote_host[16];     /* 0: any */
	uint8_t internal_client[16]; /* 0: the wildcard, refused with 708 */
	uint16_t remote_port;        /* 0: any */
	uint16_t internal_port;      /* 0: any */
	uint16_t protocol;           /* IANA number, or MSG_PROTO_ANY */
	uint16_t pad;                /* 0 */
	uint32_t lease_s;            /* 1..86400; not looked at by MSG_OUTBOUND_GET */
};

struct msg_pinhole_id {
	uint16_t id;
	uint16_t pad; /* 0 */
};

struct msg_pinhole_key {
	uint8_t client[16];
	uint16_t id;
	uint16_t pad;     /* 0 */
	uint32_t lease_s; /* MSG_PINHOLE_UPDATE: 1..86400; else 0 */
};

/* Packets from outside that went through it. None: CheckPinholeWorking is RESULT_NO_TRAFFIC. */
struct msg_pinhole_use {
	uint64_t packets;
};

/*
 * A client asked for a change that the worker refuses by itself: an argument is missing or out of
 * range, or nobody may have it.
 */
enum msg_change {
	MSG_CHANGE_ADD,
	MSG_CHANGE_ADD_ANY,
	MSG_CHANGE_DEL,
	MSG_CHANGE_DEL_RANGE,
	MSG_CHANGE_PINHOLE_ADD,
	MSG_CHANGE_PINHOLE_UPDATE,
	MSG_CHANGE_PINHOLE_DEL,
	MSG_CHANGE_CONNECT,
	MSG_CHANGE_DISCONNECT,
	MSG_CHANGE_DISCONNECT_NOW,
	MSG_CHANGE_TIME,
	MSG_CHANGE_CONFIGURE, /* the connection itself */
	MSG_CHANGE_COUNT
};

struct msg_refused {
	uint32_t client;
	uint8_t change;                    /* enum msg_change */
	uint8_t result;                    /* enum result, what the client is told; not RESULT_OK */
	uint16_t pad;                      /* 0 */
	char arguments[MSG_ARGUMENTS_MAX]; /* "NewExternalPort=70000, ...", as much as fits */
};

struct msg_seconds {
	uint32_t seconds;
};

struct msg_gateway {
	uint8_t uuid[16]; /* from which each device's UDN is derived; stable for this machine */
	uint16_t http_port;
	uint8_t igd_version; /* what to announce: 1, 2, or 0 for both, as searchers ask */
	uint8_t pad;         /* 0 */
	uint32_t notify_interval_s;
	uint32_t boot_id; /* BOOTID.UPNP.ORG, 1..2^31-1, the same on all LANs; may grow */
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

/* on_connect, or on_disconnect; MSG_HOOK_DONE repeats it. */
struct msg_hook {
	uint8_t disconnect; /* 0 or 1 */
	uint8_t ok;         /* MSG_HOOK_DONE: it ended with status 0; else 0 */
	uint16_t pad;       /* 0 */
	char wan_interface[IFNAMSIZ];
};

/* The file is RUN_DIR/dnsmasq.conf, written by the core; the leases are in STATE_DIR. */
struct msg_dhcp {
	uint32_t serial; /* another one each time; the states that follow repeat it */
	uint8_t run;     /* 1: start, or start anew; 0: stop */
	uint8_t look;    /* 1: first look for other servers; 0 */
	uint16_t pad;    /* 0 */
};

struct msg_dhcp_state {
	uint32_t serial;   /* of the last struct msg_dhcp; 0: there was none */
	uint32_t pid;      /* 0: it does not run */
	uint32_t restarts; /* since the supervisor began, none of them asked for */
	uint32_t status;   /* with which it gave up, of dhcp/exits.h; else 0 */
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
		struct msg_port port;
		struct msg_range range;
		struct msg_range_next next;
		struct msg_state state;
		struct msg_counters counters;
		struct msg_connection connection;
		struct msg_times times;
		struct msg_time time;
		struct msg_pinhole pinhole;
		struct msg_pinhole_id pinhole_id;
		struct msg_pinhole_key pinhole_key;
		struct msg_pinhole_use pinhole_use;
		struct msg_refused refused;
		struct msg_seconds seconds;
		struct msg_gateway gateway;
		struct msg_lan lan;
		struct msg_worker worker;
		struct msg_hook hook;
		struct msg_dhcp dhcp;
		struct msg_dhcp_state dhcp_state;
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
