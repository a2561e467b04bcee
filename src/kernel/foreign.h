/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everybody else's nf_tables rules, read and never changed: does one of them drop what we open,
 * does one translate what we translate?
 *
 * A look is a snapshot. What becomes of a kind of packets is found by walking the rules with what
 * is known of them: the interfaces, the protocol, that the flow is new, as many bits of the
 * addresses as are given. A condition on anything else is met by some packets (ports, strangers'
 * addresses) or cannot be judged (marks, matches of iptables that we do not know).
 *
 * iptables-nft, ufw and firewalld are seen, since they end in nf_tables; the old iptables is not.
 * The families bridge and arp are not looked at. All is bounded: what does not fit is not read, and
 * foreign_summary.complete says so.
 */
#ifndef PORTREEVE_KERNEL_FOREIGN_H
#define PORTREEVE_KERNEL_FOREIGN_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOREIGN_NAME_MAX 64 /* longer names of tables and chains are cut */

enum foreign_verdict {
	FOREIGN_PASSES,  /* or it drops some only, because of their address, their port, their rate
			  */
	FOREIGN_UNCLEAR, /* a rule that cannot be judged decides whether they pass */
	FOREIGN_DROPS,   /* all of them, or all but those that its own rules let in */
};

/* Where a rule is, as "nft -a list chain" shows it. */
struct foreign_place {
	uint8_t family; /* NFPROTO_* */
	char
	    table[FOREIGN_NAME_MAX]; /* every text is NUL-terminated and may hold any other octet */
	char chain[FOREIGN_NAME_MAX];
	uint64_t handle;             /* of the rule; 0: the policy of the chain */
	char base[FOREIGN_NAME_MAX]; /* the base chain from which it was reached */
	uint32_t hook;               /* of the base chain: NF_INET_* */
	int32_t priority;
};

struct foreign_finding {
	enum foreign_verdict verdict;
	bool exceptions; /* it lets some in, by address or port */
	struct foreign_place place;
};

/* The packets in question. What is not given may be anything. */
struct foreign_packet {
	uint8_t family;              /* NFPROTO_IPV4 or NFPROTO_IPV6 */
	uint8_t protocol;            /* IPPROTO_TCP or IPPROTO_UDP */
	char iif[IFNAMSIZ];          /* "": there is none (output) */
	char oif[IFNAMSIZ];          /* "": there is none (input, prerouting) */
	uint32_t iifindex, oifindex; /* 0: not known */
	uint8_t src[16], dst[16];    /* network byte order; IPv4 in the first four octets */
	uint8_t src_len, dst_len;    /* bits of them that are given */
	uint16_t sport, dport;       /* 0: any */
	uint32_t mark;               /* these bits of the packet's mark are set ... */
	int32_t mark_priority;       /* ... in chains of the hook that come after this priority */
	bool dnated;                 /* a mapping has been applied */
	bool reply; /* of an established flow, rather than the first of a new one */
	enum {
		FOREIGN_TO_OTHERS,
		FOREIGN_TO_US,
		FOREIGN_TO_MANY
	} to; /* forwarded, local, multicast */
};

enum foreign_nat_kind { FOREIGN_NAT_SOURCE, FOREIGN_NAT_DESTINATION };

struct foreign_nat {
	enum foreign_nat_kind kind;
	bool all; /* of the packets in question, rather than some of them */
	struct foreign_place place;
};

struct foreign_summary {
	unsigned tables, base_chains, nat_chains, rules; /* of others */
	bool complete;                                   /* all was read */
	bool our_table;                                  /* inet portreeve is there ... */
	unsigned our_chains;                             /* ... with so many chains */
};

struct foreign;

/*
 * Reads all tables but ours. 0 or -errno (-EINTR: they change all the time); *@out is freed by
 * foreign_free(). Takes some milliseconds where there are many rules: not for a request path.
 */
int foreign_read(struct foreign **out);
void foreign_free(struct foreign *f);

void foreign_summary(const struct foreign *f, struct foreign_summary *summary);

/*
 * What becomes of @packet in each foreign base chain at @hook (NF_INET_*) that sees it: calls
 * @on_finding for those where it does not simply pass. Pure.
 */
typedef void (*foreign_finding_fn)(void *arg, const struct foreign_finding *finding);
void foreign_judge(const struct foreign *f, const struct foreign_packet *packet, uint32_t hook,
    foreign_finding_fn on_finding, void *arg);

/*
 * The first foreign rule of kind @kind at @hook that translates @packet, or some of what it stands
 * for, in a chain of priority @from to @to. False: there is none. Pure.
 */
bool foreign_translates(const struct foreign *f, const struct foreign_packet *packet, uint32_t hook,
    enum foreign_nat_kind kind, int32_t from, int32_t to, struct foreign_nat *nat);

/* "ip", "ip6", "inet", ...; "prerouting", "input", ... */
const char *foreign_family_str(uint8_t family);
const char *foreign_hook_str(uint32_t hook);

#endif
