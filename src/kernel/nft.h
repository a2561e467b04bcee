/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct nft: what the core may ask of the kernel's packet filter, as pointers, so that unit tests
 * put a fake here.
 *
 * All of it happens in one table, inet portreeve. A mapping is an element of a map, never a rule.
 * Calls that change something are one kernel transaction: all of it or nothing.
 */
#ifndef PORTREEVE_KERNEL_NFT_H
#define PORTREEVE_KERNEL_NFT_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/addr6.h"

#define NFT_TABLE "portreeve"
#define NFT_CHANGES_MAX 64
#define NFT_GRACE_MS                                                                               \
	60000 /* a kernel element outlives its lease by this, then ends even if we are all dead */

/* How long the kernel remembers a knock: longer than any flow lives that nobody answers (30 s for
 * UDP, up to 300 s for TCP, unless the administrator changed that). */
#define NFT_KNOCK_MS 600000

/* One mapping as the kernel sees it. Host byte order. */
struct nft_mapping {
	uint32_t id;          /* of the lease; kept in the element's userdata */
	uint32_t remote_host; /* 0: any remote host */
	uint32_t internal_client;
	uint16_t external_port;
	uint16_t internal_port;
	uint8_t protocol;   /* IPPROTO_TCP or IPPROTO_UDP */
	bool keep_source;   /* this mapping owns the source-port entry of its internal endpoint */
	int64_t timeout_ms; /* from now, without the grace; 0: permanent */
	/* What is known to have come through it: its elements, if made anew, go on from there. */
	uint64_t connections, packets, octets;
};

#define NFT_PROTO_ANY 65535

/* One IPv6 pinhole: packets that it lets in from the WAN to a LAN. */
struct nft_pinhole {
	uint32_t id;
	struct addr6 remote_host; /* 0: any */
	struct addr6 internal_client;
	uint16_t remote_port;   /* 0: any, or a protocol without ports */
	uint16_t internal_port; /* 0: any from min_port on, or a protocol without ports */
	uint16_t protocol;      /* IANA number; NFT_PROTO_ANY, then both ports are 0 */
	int64_t timeout_ms;     /* as of a mapping */
};

/*
 * A TCP flow that has ended with its mapping or pinhole. Where connection tracking takes up flows
 * under way (its default), the inside's next segment would begin it anew, as one of its own.
 */
struct nft_flow {
	struct addr6 inside, peer; /* IPv4: ::ffff:a.b.c.d */
	uint16_t inside_port, peer_port;
};

/* How long such a segment is dropped: longer than anybody repeats one. */
#define NFT_ENDED_MS 3600000

enum nft_op {
	NFT_MAP_ADD,    /* inbound: external port to internal endpoint */
	NFT_MAP_DEL,    /* absent: no error */
	NFT_MAP_RENEW,  /* same key and data, new timeout; absent: added */
	NFT_SOURCE_ADD, /* outbound: packets of the internal endpoint leave from the external port
			 */
	NFT_SOURCE_DEL, /* absent: no error */
	NFT_SOURCE_RENEW,
	NFT_PINHOLE_ADD,
	NFT_PINHOLE_DEL, /* absent: no error */
	NFT_PINHOLE_RENEW,
};

struct nft_change {
	enum nft_op op;
	union {
		struct nft_mapping mapping;
		struct nft_pinhole pinhole; /* of the last three */
	};
};

enum nft_firewall { NFT_FIREWALL_OFF, NFT_FIREWALL_OWN, NFT_FIREWALL_JOIN };

#define NFT_NAME_SIZE 64 /* of a table or chain of others that we join, with the NUL */
#define NFT_JOINS_MAX 16

/* A chain of another table. */
struct nft_chain_ref {
	uint8_t family; /* NFPROTO_IPV4, _IPV6 or _INET */
	char table[NFT_NAME_SIZE];
	char chain[NFT_NAME_SIZE];
};

/* ICMP that the firewall lets in by choice. */
enum nft_icmp {
	NFT_ICMP_ECHO = 1 << 0, /* of IPv4 only: that of IPv6 passes anyway */
	NFT_ICMP_TIMESTAMP = 1 << 1,
	NFT_ICMP_MASK = 1 << 2,
	NFT_ICMP_ROUTER = 1 << 3, /* of IPv4 only, as echo */
	NFT_ICMP_REDIRECT = 1 << 4,
};

/* Protocols whose flows the kernel reads along with. */
enum nft_helper {
	NFT_HELPER_FTP = 1 << 0,
	NFT_HELPER_TFTP = 1 << 1,
	NFT_HELPER_SIP = 1 << 2,
	NFT_HELPER_H323 = 1 << 3,
	NFT_HELPER_PPTP = 1 << 4,
};

#define NFT_SERVICES_MAX 256

struct nft_port {
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t port;
};

struct nft_config {
	bool masquerade;  /* ICS: LAN traffic that leaves by the WAN gets the WAN address */
	bool own_table;   /* owner and persist flags where the kernel has them */
	uid_t worker_uid; /* packets of this user may leave by LANs only; (uid_t)-1: no such rule */
	uint16_t http_port;         /* dropped when it comes from elsewhere than a LAN */
	bool clamp_mss;             /* on the links of nft_net's clamp */
	enum nft_firewall firewall; /* own: what comes from the WAN unasked is dropped; join: what
				       we let in is marked for chains of others */
	bool open_hosts;            /* what goes to a mapped port of a host itself is let in, too */
	struct nft_port services[NFT_SERVICES_MAX]; /* that the gateway offers to the WAN */
	size_t n_services;
	uint32_t helpers;    /* bits of enum nft_helper */
	uint32_t icmp_allow; /* bits of enum nft_icmp */
	uint16_t min_port;   /* the least port that a pinhole for any port lets in */
	uint32_t join_mark;  /* the bit of the packet mark that says so */
	struct nft_chain_ref joins[NFT_JOINS_MAX]; /* chains that get a rule which accepts it */
	size_t n_joins;                            /* 0 unless @firewall is join */
	bool log_dropped, log_opened;              /* to NFT_LOG_GROUP (nft_log.h)... */
	uint32_t log_rate;                         /* ... at most so many a second of each kind */
};

/* The interfaces and addresses that the rules look at. */
struct nft_net {
	char wan[IFNAMSIZ];     /* empty: none */
	uint32_t wan_addrs[16]; /* for hairpin: the WAN's addresses */
	size_t n_wan_addrs;
	char lans[16][IFNAMSIZ];
	size_t n_lans;
	char clamp[17][IFNAMSIZ]; /* links through which TCP must not send its largest segments */
	size_t n_clamp;
};

/* Walks all mappings that should be in force (enabled ones). Starts anew with *cursor NULL; false:
 * no more. */
typedef bool (*nft_next_fn)(void *arg, const void **cursor, struct nft_mapping *out);

typedef bool (*nft_next_pinhole_fn)(void *arg, const void **cursor, struct nft_pinhole *out);

/* Who changed our table, as nf_tables tells it. */
struct nft_culprit {
	uint32_t pid;
	char name[32]; /* program, empty when unknown */
	char what[64]; /* "table deleted", "3 elements removed", ... */
	bool table;    /* our table was touched */
	bool joined;   /* a chain that we join, or its table */
};

struct nft_health {
	size_t joins, joined; /* chains of others that shall have our rule, and those that have */
	bool table_ok;        /* all was there at the last look */
	bool owned;           /* owner and persist are in force */
	bool renew_in_place;  /* what the kernel can: see struct nft_caps */
	bool owner_persist, destroy, counters;
	uint64_t heals; /* how often something had to be restored */
};

struct nft {
	/*
	 * The transaction of one request: @n changes, at most NFT_CHANGES_MAX. 0 or -errno;
	 * -ENOENT: the table or a part of it is gone, call sync().
	 */
	int (*apply)(struct nft *nft, const struct nft_change *changes, size_t n);

	/*
	 * Interfaces and addresses changed. 0 or -errno (-ENOENT as above). Before the first sync()
	 * it is only remembered; if sync() comes first, those of the earlier run stay in force
	 * until this is called.
	 */
	int (*set_net)(struct nft *nft, const struct nft_net *net);

	/*
	 * Makes the table what it should be: creates it, or compares it with what @next tells and
	 * applies the difference. Returns the number of things that had to be changed, or -errno
	 * (-EBUSY: a living process owns the table, which was logged).
	 */
	int (*sync)(struct nft *nft, nft_next_fn next, void *arg);

	/* What sync() asks for pinholes; before that there are none. */
	void (*set_pinholes)(struct nft *nft, nft_next_pinhole_fn next, void *arg);

	/*
	 * Readable: somebody changed nf_tables. watch_read returns 1 and fills @culprit when it was
	 * not us and our table (the caller then syncs) or a chain that we join (then join()), 0
	 * when not, or -errno (-ENOBUFS: events were lost, do both).
	 */
	int (*watch_fd)(const struct nft *nft);
	int (*watch_read)(struct nft *nft, struct nft_culprit *culprit);

	/*
	 * Packets that began a flow through the mapping, or to a host that it opens. One that
	 * finds its table gone has lost what was not read before. 0 or -errno (-ENOENT: absent,
	 * -EOPNOTSUPP: the kernel does not count).
	 */
	int (*map_use)(struct nft *nft, const struct nft_mapping *mapping, uint64_t *packets);

	/*
	 * Packets and their octets (from the IP header on) of flows through the mapping, of both
	 * directions, as they pass the chains forward and input. Not those to a host that it opens.
	 * As map_use.
	 */
	int (*map_traffic)(struct nft *nft, const struct nft_mapping *mapping, uint64_t *packets,
	    uint64_t *octets);

	/* Packets from outside that went through the pinhole. As map_use. */
	int (*pinhole_use)(struct nft *nft, const struct nft_pinhole *pinhole, uint64_t *packets);

	/*
	 * Did a packet come for this port that no mapping took, of a flow that nobody had answered?
	 * 1, 0, or -errno when it is not known. The kernel remembers it for NFT_KNOCK_MS, of all
	 * that came since @record became what it is: another number says that it began anew.
	 */
	int (*knocked)(struct nft *nft, uint8_t protocol, uint16_t port, uint64_t *record);

	/*
	 * Keeps the inside of @n flows, at most NFT_CHANGES_MAX, from going on with them for
	 * NFT_ENDED_MS; a new connection of the same ports is none of them. To be called before the
	 * flows are forgotten. 0 or -errno (-ENFILE: there is no room for more).
	 */
	int (*end_flows)(struct nft *nft, const struct nft_flow *flows, size_t n);

	/*
	 * Our rule in the chains of others. join: puts it in its place in each, and returns how
	 * many chains had to be changed, or -errno, which was logged; a chain that is not there is
	 * awaited. leave: takes it out of all that @next does not join (NULL: of all); 0 or -errno.
	 */
	int (*join)(struct nft *nft);
	int (*leave)(struct nft *nft, const struct nft_config *next);

	void (*health)(const struct nft *nft, struct nft_health *health);

	/* Removes our table, and our rules in others. 0 or -errno. */
	int (*remove)(struct nft *nft);

	/* Frees @nft and leaves the kernel as it is. */
	void (*free)(struct nft *nft);
};

/*
 * The real one. Opens its sockets, probes what the kernel can do; changes nothing until sync().
 * NULL on error, which was logged. Needs CAP_NET_ADMIN.
 */
struct nft *nft_new(const struct nft_config *config);

#endif
