/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_ruleset.h"

#include "kernel/nft_log.h"

#include <netinet/in.h> /* before what is the kernel's */

#include <linux/netfilter.h>
#include <string.h>

/* Before the usual places of others, so that our translation is the one that counts. */
#define PRIO_DSTNAT (-100 - 5)
#define PRIO_SRCNAT (100 - 5)
#define PRIO_FILTER (0 - 5)

#define PORT_SSDP 1900
#define PORT_RDP 3389
#define PORT_PCP 5351 /* and NAT-PMP */

/* A set of pinholes: which fields its keys have. */
#define PH6(fields...) .key = { fields }, .timeout = true, .counter = true

const struct nft_set_spec nft_sets[NFT_SETS] = {
	[SET_PM4] = { "pm4", "external port to inside endpoint", { TYPE_PROTO, TYPE_PORT },
	    { TYPE_IPV4, TYPE_PORT }, .timeout = true, .counter = true },
	[SET_PM4R] = { "pm4r", "the same for one remote host", { TYPE_IPV4, TYPE_PROTO, TYPE_PORT },
	    { TYPE_IPV4, TYPE_PORT }, .timeout = true, .counter = true },
	[SET_SRC4] = { "src4", "inside endpoint to the external port it leaves from",
	    { TYPE_IPV4, TYPE_PROTO, TYPE_PORT }, { TYPE_PORT }, .timeout = true },
	[SET_OPEN4] = { "open4", "inside endpoints that are open to the WAN",
	    { TYPE_IPV4, TYPE_PROTO, TYPE_PORT }, .timeout = true, .counter = true },
	[SET_OPEN4R] = { "open4r", "the same for one remote host",
	    { TYPE_IPV4, TYPE_IPV4, TYPE_PROTO, TYPE_PORT }, .timeout = true, .counter = true },
	[SET_MAPPED4] = { "mapped4", "external ports that are mapped, and all packets through them",
	    { TYPE_PROTO, TYPE_PORT }, .timeout = true, .counter = true },
	[SET_MAPPED4R] = { "mapped4r", "the same for one remote host",
	    { TYPE_IPV4, TYPE_PROTO, TYPE_PORT }, .timeout = true, .counter = true },
	[SET_SERVICES] = { "services", "ports of the gateway that are open to the WAN",
	    .key = { TYPE_PROTO, TYPE_PORT } },
	[SET_WAN_IF] = { "wan_if", "the WAN", .key = { TYPE_IFNAME } },
	[SET_LAN_IF] = { "lan_if", "the LANs", .key = { TYPE_IFNAME } },
	[SET_WAN4] = { "wan4", "addresses of the WAN", .key = { TYPE_IPV4 } },
	[SET_CLAMP_IF] = { "clamp_if", "links smaller than others", .key = { TYPE_IFNAME } },
	[SET_PH6] = { "ph6", "IPv6 pinholes: internal host and port",
	    PH6(TYPE_IPV6, TYPE_PROTO, TYPE_PORT) },
	[SET_PH6S] = { "ph6s", "the same for one remote port",
	    PH6(TYPE_IPV6, TYPE_PROTO, TYPE_PORT, TYPE_PORT) },
	[SET_PH6R] = { "ph6r", "the same for one remote host",
	    PH6(TYPE_IPV6, TYPE_IPV6, TYPE_PROTO, TYPE_PORT) },
	[SET_PH6RS] = { "ph6rs", "the same for one remote host and port",
	    PH6(TYPE_IPV6, TYPE_IPV6, TYPE_PROTO, TYPE_PORT, TYPE_PORT) },
	[SET_PH6P] = { "ph6p", "IPv6 pinholes: internal host and protocol",
	    PH6(TYPE_IPV6, TYPE_PROTO) },
	[SET_PH6PS] = { "ph6ps", "the same for one remote port",
	    PH6(TYPE_IPV6, TYPE_PROTO, TYPE_PORT) },
	[SET_PH6PR] = { "ph6pr", "the same for one remote host",
	    PH6(TYPE_IPV6, TYPE_IPV6, TYPE_PROTO) },
	[SET_PH6PRS] = { "ph6prs", "the same for one remote host and port",
	    PH6(TYPE_IPV6, TYPE_IPV6, TYPE_PROTO, TYPE_PORT) },
	[SET_PH6A] = { "ph6a", "IPv6 pinholes: internal host", PH6(TYPE_IPV6) },
	[SET_PH6AR] = { "ph6ar", "the same for one remote host", PH6(TYPE_IPV6, TYPE_IPV6) },
	/* Room for each port of both protocols: a port scan cannot make us forget a knock. */
	[SET_KNOCKED4] = { "knocked4", "ports that somebody tried in vain",
	    { TYPE_PROTO, TYPE_PORT }, .timeout = true, .size = 2 * 65536 },
	[SET_ENDED4] = { "ended4", "TCP flows that ended with their mapping",
	    { TYPE_IPV4, TYPE_PORT, TYPE_IPV4, TYPE_PORT }, .timeout = true, .size = 65536 },
	[SET_ENDED6] = { "ended6", "TCP flows that ended with their pinhole",
	    { TYPE_IPV6, TYPE_PORT, TYPE_IPV6, TYPE_PORT }, .timeout = true, .size = 65536 },
};

const struct nft_helper_spec nft_helpers[NFT_HELPERS] = {
	[HELPER_FTP] = { NFT_HELPER_FTP, "ftp", "ftp", IPPROTO_TCP },
	[HELPER_TFTP] = { NFT_HELPER_TFTP, "tftp", "tftp", IPPROTO_UDP },
	[HELPER_SIP_UDP] = { NFT_HELPER_SIP, "sip_udp", "sip", IPPROTO_UDP },
	[HELPER_SIP_TCP] = { NFT_HELPER_SIP, "sip_tcp", "sip", IPPROTO_TCP },
	[HELPER_RAS] = { NFT_HELPER_H323, "ras", "RAS", IPPROTO_UDP },
	[HELPER_Q931] = { NFT_HELPER_H323, "q931", "Q.931", IPPROTO_TCP },
	[HELPER_PPTP] = { NFT_HELPER_PPTP, "pptp", "pptp", IPPROTO_TCP },
};

const struct nft_chain_spec nft_chains[NFT_CHAINS] = {
	[CHAIN_MAPPINGS] = { .name = "mappings" },
	[CHAIN_MAPPED] = { .name = "mapped" },
	[CHAIN_TRANSLATED] = { .name = "translated" },
	[CHAIN_OUTWARD] = { .name = "outward" },
	[CHAIN_HAIRPIN] = { .name = "hairpin" },
	[CHAIN_PINHOLES] = { .name = "pinholes" },
	[CHAIN_REFUSED] = { .name = "refused" },
	[CHAIN_HELPERS] = { .name = "helpers" },
	[CHAIN_LET_IN] = { .name = "let_in" },
	[CHAIN_WAN_FORWARD] = { .name = "wan_forward" },
	[CHAIN_WAN_INPUT] = { .name = "wan_input" },
	[CHAIN_PREROUTING] = { "prerouting", "nat", NF_INET_PRE_ROUTING, PRIO_DSTNAT },
	[CHAIN_POSTROUTING] = { "postrouting", "nat", NF_INET_POST_ROUTING, PRIO_SRCNAT },
	[CHAIN_FORWARD] = { "forward", "filter", NF_INET_FORWARD, PRIO_FILTER },
	[CHAIN_INPUT] = { "input", "filter", NF_INET_LOCAL_IN, PRIO_FILTER },
	[CHAIN_OUTPUT] = { "output", "filter", NF_INET_LOCAL_OUT, PRIO_FILTER },
};

enum when {
	ALWAYS,
	IF_MASQUERADE,
	IF_CLAMP,
	IF_SERVING,
	IF_WORKER,
	IF_FIREWALL,
	IF_OWN,
	IF_LOG_DROPPED,
	IF_LOG_OPENED,
	IF_LOG_OPENED_OWN,
	IF_OPEN,
	IF_JOIN,
	IF_OPEN_JOIN,
	IF_HELPERS,
	IF_FTP,
	IF_TFTP,
	IF_SIP,
	IF_H323,
	IF_PPTP,
	IF_ECHO,
	IF_TIMESTAMP,
	IF_MASK,
	IF_ROUTER,
	IF_REDIRECT,
};

/* Values that only the configuration knows. */
#define VALUE_HTTP_PORT UINT32_MAX
#define VALUE_WORKER_UID UINT32_MAX
#define VALUE_MIN_PORT UINT32_MAX
#define VALUE_JOIN_MARK 0

#define IIF_IN(s)                                                                                  \
	{                                                                                          \
		.kind = TERM_IIF_IN, .set = (s)                                                    \
	}
#define OIF_IN(s)                                                                                  \
	{                                                                                          \
		.kind = TERM_OIF_IN, .set = (s)                                                    \
	}
#define NOT_FROM_LAN                                                                               \
	{ .kind = TERM_IIF_NOT_IN, .set = SET_LAN_IF },                                            \
	{                                                                                          \
		.kind = TERM_IIF_NOT_LO                                                            \
	}

/* By an address of the WAN: through a mapping, then. */
#define BY_WAN                                                                                     \
	{                                                                                          \
		.kind = TERM_SENT_TO, .set = SET_WAN4                                              \
	}

#define BELOW_MIN                                                                                  \
	{ .kind = TERM_BELOW_DPORT, .value = VALUE_MIN_PORT },                                     \
	{                                                                                          \
		.kind = TERM_RETURN                                                                \
	}
/* nft(8) shows the addresses by name only after a look at the family. */
#define PINHOLE(s)                                                                                 \
	{                                                                                          \
		IF_FIREWALL,                                                                       \
		{                                                                                  \
			CHAIN_PINHOLES, NULL,                                                      \
			{                                                                          \
				{ .kind = TERM_IPV6 }, { .kind = TERM_PINHOLE, .set = (s) },       \
				{                                                                  \
					.kind = TERM_LET_IN                                        \
				}                                                                  \
			}                                                                          \
		}                                                                                  \
	}

#define OPEN4(s)                                                                                   \
	{                                                                                          \
		{ .kind = TERM_IPV4 }, { .kind = TERM_TCP_OR_UDP },                                \
		    { .kind = TERM_OPEN4, .set = (s) },                                            \
		{                                                                                  \
			.kind = TERM_LET_IN                                                        \
		}                                                                                  \
	}

#define LET_IN(when_, chain, comment, family, term, value_, verdict)                               \
	{                                                                                          \
		when_,                                                                             \
		{                                                                                  \
			chain, comment,                                                            \
			{                                                                          \
				{ .kind = family }, { .kind = term, .value = value_ },             \
				{                                                                  \
					.kind = verdict                                            \
				}                                                                  \
			}                                                                          \
		}                                                                                  \
	}
/* nft(8) takes a flow's port only after a look at the protocol. */
#define MAPPED(s, comment)                                                                         \
	{                                                                                          \
		ALWAYS,                                                                            \
		{                                                                                  \
			CHAIN_MAPPED, comment,                                                     \
			{                                                                          \
				{ .kind = TERM_TCP_OR_UDP }, { .kind = TERM_MAPPED, .set = (s) },  \
				{                                                                  \
					.kind = TERM_LET_IN                                        \
				}                                                                  \
			}                                                                          \
		}                                                                                  \
	}
#define HELPER(when_, term, port, helper)                                                          \
	{                                                                                          \
		when_,                                                                             \
		{                                                                                  \
			CHAIN_HELPERS, NULL,                                                       \
			{                                                                          \
				{ .kind = term, .value = port },                                   \
				{                                                                  \
					.kind = TERM_HELPER, .value = helper                       \
				}                                                                  \
			}                                                                          \
		}                                                                                  \
	}
#define ICMP(when_, chain, comment, type, verdict)                                                 \
	LET_IN(when_, chain, comment, TERM_IPV4, TERM_ICMP, type, verdict)
#define ICMPV6(chain, comment, first, last, verdict)                                               \
	LET_IN(IF_OWN, chain, comment, TERM_IPV6, TERM_ICMPV6, (first) << 8 | (last), verdict)

/*
 * The chains that every forwarded packet walks ask first what costs least and is seldom true (the
 * state of the flow, a flag of TCP), and then for a set. Those of translation see the first packet
 * of a flow only, and part by interface at once.
 */
static const struct {
	enum when when;
	struct nft_rule rule;
} rows[] = {
	/* The narrower map first: a mapping for one remote host wins (WANIPConnection:2 2.3.15). */
	{ ALWAYS, { CHAIN_MAPPINGS, "mapping for this remote host",
		      { { .kind = TERM_IPV4 }, { .kind = TERM_DNAT_PM4R } } } },
	{ ALWAYS, { CHAIN_MAPPINGS, "mapping for anyone",
		      { { .kind = TERM_IPV4 }, { .kind = TERM_DNAT_PM4 } } } },

	/* Both directions of a flow are told by how it began. One that others translate is theirs.
	 */
	MAPPED(SET_MAPPED4R, "mapped for this remote host"),
	MAPPED(SET_MAPPED4, "mapped for anyone"),
	{ ALWAYS,
	    { CHAIN_TRANSLATED, NULL, { BY_WAN, { .kind = TERM_JUMP, .value = CHAIN_MAPPED } } } },
	{ ALWAYS, { CHAIN_TRANSLATED, "by others", { { .kind = TERM_ACCEPT } } } },

	{ ALWAYS, { CHAIN_OUTWARD, "leaves from its mapped port",
		      { { .kind = TERM_IPV4 }, { .kind = TERM_TCP_OR_UDP },
			  { .kind = TERM_MASQ_SRC4 } } } },
	{ IF_MASQUERADE,
	    { CHAIN_OUTWARD, "shares the WAN address",
		{ IIF_IN(SET_LAN_IF), { .kind = TERM_IPV4 }, { .kind = TERM_TCP_OR_UDP },
		    { .kind = TERM_SPORT_FREE }, { .kind = TERM_MASQ } } } },
	/* Else a stranger to the mapping would take its port towards the peers it speaks to. */
	{ IF_MASQUERADE, { CHAIN_OUTWARD, "keeps off the mapped ports of others",
			     { IIF_IN(SET_LAN_IF), { .kind = TERM_IPV4 },
				 { .kind = TERM_TCP_OR_UDP }, { .kind = TERM_MASQ_RANDOM } } } },
	{ IF_MASQUERADE,
	    { CHAIN_OUTWARD, "shares the WAN address",
		{ IIF_IN(SET_LAN_IF), { .kind = TERM_IPV4 }, { .kind = TERM_MASQ } } } },

	/*
	 * Without it the mapped host would answer its neighbour directly, from another address. It
	 * sees the neighbour as anybody outside does (RFC 4787, REQ-9), by address and port.
	 */
	{ ALWAYS, { CHAIN_HAIRPIN, "leaves from its mapped port",
		      { { .kind = TERM_IPV4 }, BY_WAN, { .kind = TERM_TCP_OR_UDP },
			  { .kind = TERM_SNAT_SRC4 } } } },
	{ ALWAYS, { CHAIN_HAIRPIN, NULL,
		      { { .kind = TERM_IPV4 }, BY_WAN, { .kind = TERM_TCP_OR_UDP },
			  { .kind = TERM_SPORT_FREE }, { .kind = TERM_SNAT } } } },
	{ ALWAYS, { CHAIN_HAIRPIN, "keeps off the mapped ports of others",
		      { { .kind = TERM_IPV4 }, BY_WAN, { .kind = TERM_TCP_OR_UDP },
			  { .kind = TERM_SNAT_RANDOM } } } },
	{ ALWAYS,
	    { CHAIN_HAIRPIN, NULL, { { .kind = TERM_IPV4 }, BY_WAN, { .kind = TERM_SNAT } } } },
	/* The same for what others translate, of whose addresses we know nothing. */
	{ ALWAYS, { CHAIN_HAIRPIN, "of others",
		      { { .kind = TERM_IPV4 }, { .kind = TERM_DNATED }, { .kind = TERM_MASQ } } } },

	{ ALWAYS,
	    { CHAIN_PREROUTING, "from the WAN",
		{ IIF_IN(SET_WAN_IF), { .kind = TERM_IPV4 }, { .kind = TERM_TCP_OR_UDP },
		    { .kind = TERM_LOCAL }, { .kind = TERM_JUMP, .value = CHAIN_MAPPINGS } } } },
	{ ALWAYS, { CHAIN_PREROUTING, "hairpin",
		      { IIF_IN(SET_LAN_IF), { .kind = TERM_IPV4 }, { .kind = TERM_TCP_OR_UDP },
			  { .kind = TERM_DADDR_IN, .set = SET_WAN4 },
			  { .kind = TERM_JUMP, .value = CHAIN_MAPPINGS } } } },

	/* Here comes the first packet of each connection that nobody has dropped. */
	{ IF_LOG_OPENED, { CHAIN_POSTROUTING, "security log",
			     { IIF_IN(SET_LAN_IF), OIF_IN(SET_WAN_IF),
				 { .kind = TERM_LOG, .value = NFT_LOG_OPEN } } } },
	{ IF_LOG_OPENED, { CHAIN_POSTROUTING, "security log",
			     { IIF_IN(SET_WAN_IF), OIF_IN(SET_LAN_IF),
				 { .kind = TERM_LOG, .value = NFT_LOG_OPEN_INBOUND } } } },

	{ ALWAYS, { CHAIN_POSTROUTING, "to the WAN",
		      { OIF_IN(SET_WAN_IF), { .kind = TERM_IPV4 },
			  { .kind = TERM_JUMP, .value = CHAIN_OUTWARD } } } },
	{ ALWAYS, { CHAIN_POSTROUTING, "between LANs",
		      { IIF_IN(SET_LAN_IF), OIF_IN(SET_LAN_IF), { .kind = TERM_IPV4 },
			  { .kind = TERM_JUMP, .value = CHAIN_HAIRPIN } } } },

	/* Of LANs only, in either direction, and before the first packet is accepted. */
	HELPER(IF_FTP, TERM_TCP_DPORT, 21, HELPER_FTP),
	HELPER(IF_TFTP, TERM_UDP_DPORT, 69, HELPER_TFTP),
	HELPER(IF_SIP, TERM_UDP_DPORT, 5060, HELPER_SIP_UDP),
	HELPER(IF_SIP, TERM_TCP_DPORT, 5060, HELPER_SIP_TCP),
	HELPER(IF_H323, TERM_UDP_DPORT, 1719, HELPER_RAS),
	HELPER(IF_H323, TERM_TCP_DPORT, 1720, HELPER_Q931),
	HELPER(IF_PPTP, TERM_TCP_DPORT, 1723, HELPER_PPTP),
	{ IF_HELPERS, { CHAIN_FORWARD, "read along",
			  { { .kind = TERM_UNREPLIED }, IIF_IN(SET_LAN_IF),
			      { .kind = TERM_JUMP, .value = CHAIN_HELPERS } } } },
	{ IF_HELPERS, { CHAIN_FORWARD, "read along",
			  { { .kind = TERM_UNREPLIED }, OIF_IN(SET_LAN_IF),
			      { .kind = TERM_JUMP, .value = CHAIN_HELPERS } } } },

	/* Before anything is accepted: mapped connections need it, too. */
	{ IF_CLAMP,
	    { CHAIN_FORWARD, "into a small link",
		{ { .kind = TERM_TCP_SYN }, OIF_IN(SET_CLAMP_IF), { .kind = TERM_CLAMP_MSS } } } },
	{ IF_CLAMP,
	    { CHAIN_FORWARD, "out of a small link",
		{ { .kind = TERM_TCP_SYN }, IIF_IN(SET_CLAMP_IF), { .kind = TERM_CLAMP_MSS } } } },

	/* Else the inside's next segment would begin the flow anew, as one of its own. */
	{ ALWAYS, { CHAIN_FORWARD, "ended with its mapping",
		      { { .kind = TERM_IPV4 }, { .kind = TERM_UNREPLIED },
			  { .kind = TERM_MIDSTREAM }, OIF_IN(SET_WAN_IF),
			  { .kind = TERM_ENDED, .set = SET_ENDED4 }, { .kind = TERM_DROP } } } },
	{ IF_FIREWALL,
	    { CHAIN_FORWARD, "ended with its pinhole",
		{ { .kind = TERM_IPV6 }, { .kind = TERM_UNREPLIED }, { .kind = TERM_MIDSTREAM },
		    OIF_IN(SET_WAN_IF), { .kind = TERM_ENDED, .set = SET_ENDED6 },
		    { .kind = TERM_DROP } } } },

	{ ALWAYS,
	    { CHAIN_FORWARD, NULL,
		{ { .kind = TERM_DNATED }, { .kind = TERM_JUMP, .value = CHAIN_TRANSLATED } } } },

	{ IF_OPEN_JOIN,
	    { CHAIN_FORWARD, "mapped port of the host itself",
		{ IIF_IN(SET_WAN_IF), { .kind = TERM_IPV4 }, { .kind = TERM_TCP_OR_UDP },
		    { .kind = TERM_OPEN4, .set = SET_OPEN4 }, { .kind = TERM_LET_IN } } } },
	{ IF_OPEN_JOIN,
	    { CHAIN_FORWARD, "the same for this remote host",
		{ IIF_IN(SET_WAN_IF), { .kind = TERM_IPV4 }, { .kind = TERM_TCP_OR_UDP },
		    { .kind = TERM_OPEN4, .set = SET_OPEN4R }, { .kind = TERM_LET_IN } } } },
	{ IF_JOIN, { CHAIN_FORWARD, "begun outside",
		       { IIF_IN(SET_WAN_IF), { .kind = TERM_IPV6 }, { .kind = TERM_ORIGINAL },
			   { .kind = TERM_JUMP, .value = CHAIN_PINHOLES } } } },

	{ IF_OWN, { CHAIN_FORWARD, "from the WAN",
		      { IIF_IN(SET_WAN_IF), { .kind = TERM_JUMP, .value = CHAIN_WAN_FORWARD } } } },

	/*
	 * RFC 6092. Flows that began outside come first, so that pinholes count all their packets;
	 * answers to what began inside are one step further, whatever pinholes there are.
	 */
	{ IF_OWN, { CHAIN_WAN_FORWARD, "begun outside",
		      { { .kind = TERM_IPV6 }, { .kind = TERM_ORIGINAL },
			  { .kind = TERM_JUMP, .value = CHAIN_PINHOLES } } } },
	{ IF_OWN, { CHAIN_WAN_FORWARD, "answers",
		      { { .kind = TERM_ESTABLISHED }, { .kind = TERM_ACCEPT } } } },
	/* RFC 4890 4.3.1: errors, and echo so that peers can find each other. Errors of IPv4 are
	 * known to conntrack by the flow that they are about. */
	ICMPV6(CHAIN_WAN_FORWARD, "errors", 1, 4, TERM_ACCEPT),
	ICMPV6(CHAIN_WAN_FORWARD, "echo", 128, 129, TERM_ACCEPT),
	ICMP(IF_ECHO, CHAIN_WAN_FORWARD, "echo-request", 8, TERM_ACCEPT),
	ICMP(IF_TIMESTAMP, CHAIN_WAN_FORWARD, "timestamp-request", 13, TERM_ACCEPT),
	ICMP(IF_MASK, CHAIN_WAN_FORWARD, "address-mask-request", 17, TERM_ACCEPT),
	{ IF_OPEN, { CHAIN_WAN_FORWARD, "mapped port of the host itself", OPEN4(SET_OPEN4) } },
	{ IF_OPEN, { CHAIN_WAN_FORWARD, "the same for this remote host", OPEN4(SET_OPEN4R) } },
	{ IF_OWN, { CHAIN_WAN_FORWARD, NULL, { { .kind = TERM_JUMP, .value = CHAIN_REFUSED } } } },

	PINHOLE(SET_PH6),
	PINHOLE(SET_PH6R),
	PINHOLE(SET_PH6S),
	PINHOLE(SET_PH6RS),
	/* What follows knows no internal port, and low ones are for nobody to open. */
	{ IF_FIREWALL,
	    { CHAIN_PINHOLES, "low ports", { { .kind = TERM_TCP_OR_UDP }, BELOW_MIN } } },
	{ IF_FIREWALL, { CHAIN_PINHOLES, "of DCCP",
			   { { .kind = TERM_PROTO, .value = IPPROTO_DCCP }, BELOW_MIN } } },
	{ IF_FIREWALL, { CHAIN_PINHOLES, "of SCTP",
			   { { .kind = TERM_PROTO, .value = IPPROTO_SCTP }, BELOW_MIN } } },
	{ IF_FIREWALL, { CHAIN_PINHOLES, "of UDP-Lite",
			   { { .kind = TERM_PROTO, .value = IPPROTO_UDPLITE }, BELOW_MIN } } },
	/* Of the ports by which hosts are managed, the one that is not low. */
	{ IF_FIREWALL,
	    { CHAIN_PINHOLES, "remote desktop",
		{ { .kind = TERM_TCP_DPORT, .value = PORT_RDP }, { .kind = TERM_RETURN } } } },
	{ IF_FIREWALL,
	    { CHAIN_PINHOLES, "the same by UDP",
		{ { .kind = TERM_UDP_DPORT, .value = PORT_RDP }, { .kind = TERM_RETURN } } } },
	PINHOLE(SET_PH6P),
	PINHOLE(SET_PH6PR),
	PINHOLE(SET_PH6PS),
	PINHOLE(SET_PH6PRS),
	PINHOLE(SET_PH6A),
	PINHOLE(SET_PH6AR),

	/* What is let in returns to the input chain. */
	{ IF_OWN, { CHAIN_WAN_INPUT, "answers",
		      { { .kind = TERM_ESTABLISHED }, { .kind = TERM_RETURN } } } },
	{ IF_LOG_OPENED_OWN, { CHAIN_WAN_INPUT, "security log",
				 { { .kind = TERM_DNATED },
				     { .kind = TERM_LOG, .value = NFT_LOG_OPEN_INBOUND } } } },
	{ IF_OWN,
	    { CHAIN_WAN_INPUT, "mapped", { { .kind = TERM_DNATED }, { .kind = TERM_RETURN } } } },
	{ IF_LOG_OPENED_OWN, { CHAIN_WAN_INPUT, "security log",
				 { { .kind = TERM_TCP_OR_UDP }, { .kind = TERM_SERVICE },
				     { .kind = TERM_LOG, .value = NFT_LOG_OPEN_INBOUND } } } },
	{ IF_OWN, { CHAIN_WAN_INPUT, "services",
		      { { .kind = TERM_TCP_OR_UDP }, { .kind = TERM_SERVICE },
			  { .kind = TERM_RETURN } } } },
	/* Answers to our own broadcasts and multicasts, which conntrack cannot know as such. */
	{ IF_OWN, { CHAIN_WAN_INPUT, "DHCP",
		      { { .kind = TERM_IPV4 }, { .kind = TERM_UDP_PORTS, .value = 67 << 16 | 68 },
			  { .kind = TERM_RETURN } } } },
	{ IF_OWN, { CHAIN_WAN_INPUT, "DHCPv6",
		      { { .kind = TERM_IPV6 }, { .kind = TERM_UDP_PORTS, .value = 547 << 16 | 546 },
			  { .kind = TERM_RETURN } } } },
	{ IF_OWN, { CHAIN_WAN_INPUT, "IGMP",
		      { { .kind = TERM_IPV4 }, { .kind = TERM_PROTO, .value = IPPROTO_IGMP },
			  { .kind = TERM_RETURN } } } },
	ICMP(IF_ECHO, CHAIN_WAN_INPUT, "echo-request", 8, TERM_RETURN),
	ICMP(IF_TIMESTAMP, CHAIN_WAN_INPUT, "timestamp-request", 13, TERM_RETURN),
	ICMP(IF_MASK, CHAIN_WAN_INPUT, "address-mask-request", 17, TERM_RETURN),
	ICMP(IF_ROUTER, CHAIN_WAN_INPUT, "router-solicitation", 10, TERM_RETURN),
	ICMP(IF_REDIRECT, CHAIN_WAN_INPUT, "redirect", 5, TERM_RETURN),
	/* RFC 4890 4.4.1. Conntrack does not follow those that keep the link alive. */
	ICMPV6(CHAIN_WAN_INPUT, "errors", 1, 4, TERM_RETURN),
	ICMPV6(CHAIN_WAN_INPUT, "echo", 128, 129, TERM_RETURN),
	ICMPV6(CHAIN_WAN_INPUT, "multicast listeners", 130, 132, TERM_RETURN),
	ICMPV6(CHAIN_WAN_INPUT, "routers and neighbours", 133, 136, TERM_RETURN),
	ICMPV6(CHAIN_WAN_INPUT, "inverse discovery, listeners", 141, 143, TERM_RETURN),
	ICMPV6(CHAIN_WAN_INPUT, "secure discovery", 148, 149, TERM_RETURN),
	ICMPV6(CHAIN_WAN_INPUT, "multicast routers", 151, 153, TERM_RETURN),
	{ IF_REDIRECT,
	    { CHAIN_WAN_INPUT, "redirect",
		{ { .kind = TERM_IPV6 }, { .kind = TERM_ICMPV6, .value = 137 << 8 | 137 },
		    { .kind = TERM_RETURN } } } },
	{ IF_OWN, { CHAIN_WAN_INPUT, NULL, { { .kind = TERM_JUMP, .value = CHAIN_REFUSED } } } },

	/* What chains of others accept, too: see nft_join.h. */
	{ IF_JOIN, { CHAIN_LET_IN, NULL, { { .kind = TERM_MARK, .value = VALUE_JOIN_MARK } } } },
	{ IF_JOIN, { CHAIN_LET_IN, NULL, { { .kind = TERM_ACCEPT } } } },

	/* All that is dropped of what comes from the WAN. */
	{ IF_LOG_DROPPED,
	    { CHAIN_REFUSED, "security log", { { .kind = TERM_LOG, .value = NFT_LOG_DROP } } } },
	{ IF_OWN, { CHAIN_REFUSED, NULL, { { .kind = TERM_DROP } } } },

	/* What speaks to LANs only, in any mode. */
	{ IF_SERVING, { CHAIN_INPUT, "SSDP",
			  { NOT_FROM_LAN, { .kind = TERM_UDP_DPORT, .value = PORT_SSDP },
			      { .kind = TERM_DROP } } } },
	{ IF_SERVING, { CHAIN_INPUT, "NAT-PMP and PCP",
			  { NOT_FROM_LAN, { .kind = TERM_UDP_DPORT, .value = PORT_PCP },
			      { .kind = TERM_DROP } } } },
	{ IF_SERVING, { CHAIN_INPUT, "UPnP",
			  { NOT_FROM_LAN, { .kind = TERM_TCP_DPORT, .value = VALUE_HTTP_PORT },
			      { .kind = TERM_DROP } } } },
	/* Counted as mapped even if it leads to a port that is open anyway. */
	{ IF_JOIN, { CHAIN_INPUT, "to the gateway itself",
		       { { .kind = TERM_DNATED }, BY_WAN,
			   { .kind = TERM_JUMP, .value = CHAIN_MAPPED } } } },
	{ IF_JOIN, { CHAIN_INPUT, "services",
		       { IIF_IN(SET_WAN_IF), { .kind = TERM_TCP_OR_UDP }, { .kind = TERM_SERVICE },
			   { .kind = TERM_LET_IN } } } },
	/* Before the knocks: what is dropped here leaves no flow behind. */
	{ IF_OWN, { CHAIN_INPUT, "from the WAN",
		      { IIF_IN(SET_WAN_IF), { .kind = TERM_JUMP, .value = CHAIN_WAN_INPUT } } } },
	{ ALWAYS,
	    { CHAIN_INPUT, "to the gateway itself",
		{ { .kind = TERM_DNATED }, { .kind = TERM_JUMP, .value = CHAIN_TRANSLATED } } } },
	/* What prerouting sends to the mappings and comes here nevertheless. Its flow may be one
	 * that a mapping made later would not get: see flows.h. */
	{ ALWAYS, { CHAIN_INPUT, "knocks of the WAN",
		      { IIF_IN(SET_WAN_IF), { .kind = TERM_UNREPLIED }, { .kind = TERM_IPV4 },
			  { .kind = TERM_TCP_OR_UDP }, { .kind = TERM_KNOCK } } } },
	{ ALWAYS, { CHAIN_INPUT, "knocks of the LANs",
		      { IIF_IN(SET_LAN_IF), { .kind = TERM_UNREPLIED }, { .kind = TERM_IPV4 },
			  { .kind = TERM_TCP_OR_UDP }, { .kind = TERM_DADDR_IN, .set = SET_WAN4 },
			  { .kind = TERM_KNOCK } } } },

	{ IF_WORKER, { CHAIN_OUTPUT, "workers speak to LANs only",
			 { { .kind = TERM_SKUID, .value = VALUE_WORKER_UID },
			     { .kind = TERM_OIF_NOT_IN, .set = SET_LAN_IF },
			     { .kind = TERM_OIF_NOT_LO }, { .kind = TERM_DROP } } } },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))
_Static_assert(N_ROWS <= NFT_RULES, "NFT_RULES is too small");

static bool
lets_in(const struct nft_config *config, enum nft_icmp icmp)
{
	return config->firewall == NFT_FIREWALL_OWN && config->icmp_allow & icmp;
}

static bool
is_wanted(enum when when, const struct nft_config *config)
{
	switch (when) {
	case ALWAYS:
		return true;
	case IF_MASQUERADE:
		return config->masquerade;
	case IF_CLAMP:
		return config->clamp_mss;
	case IF_SERVING:
		return config->http_port != 0;
	case IF_WORKER:
		return config->worker_uid != (uid_t)-1;
	case IF_FIREWALL:
		return config->firewall != NFT_FIREWALL_OFF;
	case IF_OWN:
		return config->firewall == NFT_FIREWALL_OWN;
	case IF_OPEN:
		return config->open_hosts && config->firewall == NFT_FIREWALL_OWN;
	case IF_OPEN_JOIN:
		return config->open_hosts && config->firewall == NFT_FIREWALL_JOIN;
	case IF_JOIN:
		return config->firewall == NFT_FIREWALL_JOIN;
	case IF_LOG_DROPPED:
		return config->log_dropped && config->firewall == NFT_FIREWALL_OWN;
	case IF_LOG_OPENED:
		return config->log_opened;
	case IF_LOG_OPENED_OWN:
		return config->log_opened && config->firewall == NFT_FIREWALL_OWN;
	case IF_HELPERS:
		return config->helpers != 0;
	case IF_FTP:
		return config->helpers & NFT_HELPER_FTP;
	case IF_TFTP:
		return config->helpers & NFT_HELPER_TFTP;
	case IF_SIP:
		return config->helpers & NFT_HELPER_SIP;
	case IF_H323:
		return config->helpers & NFT_HELPER_H323;
	case IF_PPTP:
		return config->helpers & NFT_HELPER_PPTP;
	case IF_ECHO:
		return lets_in(config, NFT_ICMP_ECHO);
	case IF_TIMESTAMP:
		return lets_in(config, NFT_ICMP_TIMESTAMP);
	case IF_MASK:
		return lets_in(config, NFT_ICMP_MASK);
	case IF_ROUTER:
		return lets_in(config, NFT_ICMP_ROUTER);
	case IF_REDIRECT:
		return lets_in(config, NFT_ICMP_REDIRECT);
	}
	return false;
}

/* What only the configuration knows. */
static void
fill_in(struct nft_term *term, const struct nft_config *config)
{
	if (term->kind == TERM_SKUID)
		term->value = config->worker_uid;
	else if (term->kind == TERM_BELOW_DPORT)
		term->value = config->min_port;
	else if (term->kind == TERM_TCP_DPORT && term->value == VALUE_HTTP_PORT)
		term->value = config->http_port;
	else if (term->kind == TERM_MARK)
		term->value = config->join_mark;
	else if (term->kind == TERM_LOG)
		term->value |= config->log_rate << 8;
	else if (term->kind == TERM_LET_IN && config->firewall == NFT_FIREWALL_JOIN)
		*term = (struct nft_term){ .kind = TERM_JUMP, .value = CHAIN_LET_IN };
	else if (term->kind == TERM_LET_IN)
		term->kind = TERM_ACCEPT;
}

size_t
nft_ruleset_rules(const struct nft_config *config, struct nft_rule rules[NFT_RULES])
{
	size_t n = 0, i, t;

	for (i = 0; i < N_ROWS; i++) {
		if (!is_wanted(rows[i].when, config))
			continue;
		rules[n] = rows[i].rule;
		for (t = 0; t < NFT_TERMS; t++)
			fill_in(&rules[n].terms[t], config);
		n++;
	}
	return n;
}

struct nft_pinhole_fields
nft_ruleset_pinhole(enum nft_set_id set)
{
	return (struct nft_pinhole_fields){
		.remote_host = set == SET_PH6R || set == SET_PH6RS || set == SET_PH6PR ||
			       set == SET_PH6PRS || set == SET_PH6AR,
		.protocol = set < SET_PH6A,
		.internal_port = set < SET_PH6P,
		.remote_port =
		    set == SET_PH6S || set == SET_PH6RS || set == SET_PH6PS || set == SET_PH6PRS,
	};
}

int
nft_ruleset_find_set(const char *name)
{
	int i;

	for (i = 0; i < NFT_SETS; i++)
		if (strcmp(nft_sets[i].name, name) == 0)
			return i;
	return -1;
}

int
nft_ruleset_find_chain(const char *name)
{
	int i;

	for (i = 0; i < NFT_CHAINS; i++)
		if (strcmp(nft_chains[i].name, name) == 0)
			return i;
	return -1;
}
