/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table inet portreeve as data: its sets and maps, chains and rules. Pure: no netlink, no
 * kernel; nft_rule.h and its neighbours turn it into bytes, nft_text.h into words.
 *
 * The rules never change while the daemon runs: interfaces, addresses and mappings are elements of
 * sets and maps that the rules look at.
 */
#ifndef PORTREEVE_KERNEL_NFT_RULESET_H
#define PORTREEVE_KERNEL_NFT_RULESET_H

#include "kernel/nft.h"

enum nft_set_id {
	SET_PM4,      /* protocol . external port -> inside address . port */
	SET_PM4R,     /* the same for one remote host */
	SET_SRC4,     /* inside address . protocol . port -> the external port it leaves from */
	SET_OPEN4,    /* the same inside address . protocol . port: open to the WAN as it is */
	SET_OPEN4R,   /* the same for one remote host */
	SET_MAPPED4,  /* protocol . external port of pm4: taken, nobody else leaves from it */
	SET_MAPPED4R, /* the same of pm4r, after the remote host */
	SET_SERVICES, /* protocol . port that the gateway itself offers to the WAN */
	SET_WAN_IF,
	SET_LAN_IF,
	SET_WAN4,     /* addresses of the WAN */
	SET_CLAMP_IF, /* links whose MTU TCP cannot know: nft_net's clamp */
	SET_KNOCKED4, /* protocol . port that packets came for which no mapping took */
	SET_ENDED4,   /* inside address . port . peer's address . port of TCP flows that are over */
	SET_ENDED6,
	/*
	 * Pinholes, a set for each combination of what may be anything. All begin with the internal
	 * client (after the remote host, if that is a certain one).
	 */
	SET_PH6,    /* protocol . internal port */
	SET_PH6S,   /* ... and remote port */
	SET_PH6R,   /* one remote host: protocol . internal port */
	SET_PH6RS,  /* ... and remote port */
	SET_PH6P,   /* protocol only */
	SET_PH6PS,  /* ... and remote port */
	SET_PH6PR,  /* one remote host: protocol only */
	SET_PH6PRS, /* ... and remote port */
	SET_PH6A,   /* any protocol */
	SET_PH6AR,  /* one remote host: any protocol */
	NFT_SETS,
};

enum nft_type { TYPE_NONE, TYPE_IPV4, TYPE_IPV6, TYPE_PROTO, TYPE_PORT, TYPE_IFNAME };

struct nft_set_spec {
	const char *name;
	const char *comment;
	enum nft_type key[5]; /* concatenated */
	enum nft_type data[2];
	bool timeout;  /* elements end by themselves */
	bool counter;  /* elements count what finds them: the flows that began, as only the first
			  packet passes a chain of type nat; of mapped4 and pinholes packets */
	uint32_t size; /* not compared with what shall be there, at most so many; 0: compared */
};

enum nft_chain_id {
	CHAIN_MAPPINGS,
	CHAIN_MAPPED,     /* counts, and lets in, what goes through mappings */
	CHAIN_TRANSLATED, /* all that is translated, by others as well */
	CHAIN_OUTWARD,    /* translation of what leaves by the WAN */
	CHAIN_HAIRPIN,    /* and of what goes from LAN to LAN */
	CHAIN_REFUSED,
	CHAIN_HELPERS,
	CHAIN_LET_IN,
	CHAIN_PINHOLES,
	CHAIN_WAN_FORWARD,
	CHAIN_WAN_INPUT,
	CHAIN_PREROUTING,
	CHAIN_POSTROUTING,
	CHAIN_FORWARD,
	CHAIN_INPUT,
	CHAIN_OUTPUT,
	NFT_CHAINS,
};

struct nft_chain_spec {
	const char *name;
	const char *type; /* NULL: no hook, only jumped to */
	uint32_t hook;    /* NF_INET_* */
	int32_t priority;
};

/* A rule is a row of terms: matches first, then one that acts. */
enum nft_term_kind {
	TERM_END,
	TERM_IIF_IN, /* @set */
	TERM_IIF_NOT_IN,
	TERM_IIF_NOT_LO,
	TERM_OIF_IN,
	TERM_OIF_NOT_IN,
	TERM_OIF_NOT_LO,
	TERM_IPV4,
	TERM_TCP_OR_UDP,
	TERM_UDP_DPORT,  /* @value */
	TERM_UDP_PORTS,  /* from port @value >> 16 to port @value & 0xffff */
	TERM_TCP_DPORT,  /* @value */
	TERM_LOCAL,      /* the destination is one of our addresses */
	TERM_DADDR_IN,   /* @set */
	TERM_SENT_TO,    /* the flow's first packet had a destination in @set */
	TERM_SPORT_FREE, /* protocol and source port are not in mapped4, which counts nothing */
	TERM_DNATED,     /* the flow goes through a mapping, ours or another's */
	TERM_UNREPLIED,  /* nobody has answered the flow so far */
	TERM_SKUID,      /* @value */
	TERM_IPV6,
	TERM_PROTO,       /* @value */
	TERM_BELOW_DPORT, /* destination port below @value; after a protocol that has ports */
	TERM_ICMP,        /* type @value, of IPv4 */
	TERM_ICMPV6,      /* types from @value / 256 to @value % 256 */
	TERM_ORIGINAL,    /* a packet in the direction of the flow's first one */
	TERM_ESTABLISHED, /* ... of a flow that was answered, or that belongs to another one */
	TERM_OPEN4,       /* is in @set, one of SET_OPEN4... */
	TERM_MAPPED,      /* the protocol and port that the flow began with are in @set, mapped4 or
			     mapped4r */
	TERM_SERVICE,     /* protocol and destination port are in services */
	TERM_PINHOLE,     /* is in @set, one of SET_PH6... */
	TERM_MIDSTREAM,   /* of TCP, and not the first of a connection */
	TERM_ENDED,       /* source and destination are in @set, one of SET_ENDED... */
	TERM_TCP_SYN,     /* opens a TCP connection, or answers that */
	/* acts */
	TERM_JUMP, /* @value: enum nft_chain_id */
	TERM_ACCEPT,
	TERM_DROP,
	TERM_RETURN,
	TERM_LET_IN, /* accepts, after a mark where others are joined */
	TERM_HELPER, /* the helper @value, an index of nft_helpers, reads the flow */
	TERM_MARK,   /* sets the bit @value of the packet's mark */
	TERM_DNAT_PM4,
	TERM_DNAT_PM4R,
	TERM_MASQ,
	TERM_MASQ_RANDOM,
	TERM_MASQ_SRC4,
	TERM_SNAT, /* to the address that the flow's first packet was sent to */
	TERM_SNAT_RANDOM,
	TERM_SNAT_SRC4,
	TERM_KNOCK,     /* remembers protocol and destination port in knocked4 */
	TERM_LOG,       /* enum nft_log_kind @value & 0xff, at most @value >> 8 a second */
	TERM_CLAMP_MSS, /* the segment size that is announced fits both ways; never a larger one */
	TERM_KINDS,
};

struct nft_term {
	enum nft_term_kind kind;
	enum nft_set_id set;
	uint32_t value;
};

#define NFT_TERMS 8
#define NFT_RULES 104

struct nft_rule {
	enum nft_chain_id chain;
	const char *comment; /* shown by "nft list", or NULL */
	struct nft_term terms[NFT_TERMS];
};

/* An object of the table: a helper of connection tracking. */
struct nft_helper_spec {
	enum nft_helper of; /* what asks for it */
	const char *name;   /* of the object */
	const char *type;   /* as the kernel calls it */
	uint8_t protocol;   /* IPPROTO_TCP or IPPROTO_UDP */
};

enum nft_helper_id {
	HELPER_FTP,
	HELPER_TFTP,
	HELPER_SIP_UDP,
	HELPER_SIP_TCP,
	HELPER_RAS,
	HELPER_Q931,
	HELPER_PPTP,
	NFT_HELPERS
};

extern const struct nft_helper_spec nft_helpers[NFT_HELPERS];
extern const struct nft_set_spec nft_sets[NFT_SETS];
extern const struct nft_chain_spec nft_chains[NFT_CHAINS];

/* The rules that @config asks for, chain by chain in their order. Returns their number. */
size_t nft_ruleset_rules(const struct nft_config *config, struct nft_rule rules[NFT_RULES]);

/* Which fields the keys of a set of pinholes have, in this order around the internal client: remote
 * host, (internal client,) protocol, internal port, remote port. */
struct nft_pinhole_fields {
	bool remote_host, protocol, internal_port, remote_port;
};
struct nft_pinhole_fields nft_ruleset_pinhole(enum nft_set_id set);

/* -1: none of that name. */
int nft_ruleset_find_set(const char *name);
int nft_ruleset_find_chain(const char *name);

#endif
