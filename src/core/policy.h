/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * May this client have this? Configuration, request and facts in, result and reason out; pure.
 *
 * The rules of the configuration are looked at in their order, then those of the key "preset"; the
 * first that matches decides. What none matches has the built-in limits: ports from min_port (and
 * 1024) on, to the asker itself, max_mappings_per_client of them.
 */
#ifndef PORTREEVE_CORE_POLICY_H
#define PORTREEVE_CORE_POLICY_H

#include "core/mapping.h"

/*
 * Numbers of rules, for counting what each has allowed: 0 is the built-in one, then the rules of
 * the file (with all rules of a preset that one names), then the presets of the key.
 */
#define POLICY_RULE_DEFAULT 0
#define POLICY_RULES (1 + CONF_RULES_MAX + CONF_PRESET_COUNT)

#define POLICY_RULE_STRLEN 64

/* What was decided, and why: for the answer, the log, the audit trail and "explain". */
struct policy_verdict {
	enum result result;
	char reason[128]; /* why not, for the log and the administrator; empty when granted */
	const char *key;  /* of the configuration, whose value decided; NULL: none */
	uint32_t
	    lease_s; /* as granted: max_lease_s and the version's rules applied; 0: permanent */
	char rule[POLICY_RULE_STRLEN]; /* which decided: TITLE, TITLE: PRESET/NAME, PRESET/NAME;
					  empty: the built-in limits, or what no rule can allow */
	int line;               /* where it stands in the file; 0: the command line, or no rule */
	uint16_t rule_id;       /* its number */
	bool needs_mac;         /* refused only because a rule would have to know the MAC address */
	struct conf_ports same; /* between these external ports, that asked for among them, the
				   verdict would be the same */
};

/* What else a decision depends on. */
struct policy_facts {
	const struct mac *mac;     /* the asker's; NULL: not known (see needs_mac) */
	size_t mappings_of_client; /* how many the internal client has already */
	/* How many mappings that @rule has allowed are there (@client 0), or lead to @client?
	 * NULL: none. */
	size_t (*count)(const void *arg, uint16_t rule, uint32_t client);
	const void *arg;
};

/*
 * The first fault wins, in this order: 715 wildcard client, 716 wildcard external port, 402 (732 in
 * version 2) internal port 0, 606 what the configuration forbids, 728 the client's or the rule's
 * share is used up. A conflict (718) is between the last two, and for mapping.c to find.
 */
void policy_check(const struct conf *conf, const struct asker *asker, const struct msg_map *req,
    const struct policy_facts *facts, struct policy_verdict *verdict);

/* A pinhole: its external port is the internal one. */
struct policy_pinhole {
	struct addr6 client; /* who asks; IPv4: ::ffff:a.b.c.d */
	const char *ifname;  /* by which LAN */
	uint16_t protocol;   /* MSG_PROTO_ANY: any */
	uint16_t port;       /* 0: all, or a protocol without ports */
	bool any_remote;     /* it lets everybody in */
};

/*
 * Who may have a pinhole, as far as rules say: RESULT_OK or RESULT_NOT_AUTHORIZED. Clients, LANs,
 * protocol, ports, remote_host_required and reason of a rule apply; shares and leases do not.
 */
void policy_check_pinhole(const struct conf *conf, const struct policy_pinhole *req,
    const struct policy_facts *facts, struct policy_verdict *verdict);

/* ' (rule "TITLE", FILE:LINE)', or empty when no rule decided. @path: the configuration's file. */
#define POLICY_DECIDER_STRLEN 256
const char *policy_decider_str(
    const struct policy_verdict *v, const char *path, char buf[POLICY_DECIDER_STRLEN]);

/*
 * Access control of those who have not proved who they are (WANIPConnection:2 2.6): in version 2 a
 * client sees and ends what leads to itself, between ports that it may have. Version 1 knows
 * nothing of the kind: all may see everything, and what may be ended is for "secure" to say. The
 * administrator may do everything, and his mappings are ended by nobody else.
 */
bool policy_may_see(const struct conf *conf, const struct asker *asker, const struct lease *lease);
bool policy_may_delete(
    const struct conf *conf, const struct asker *asker, const struct lease *lease);

/* Two of the same, for ranges: may they begin at that port? Does it reach others' mappings? */
bool policy_may_reach(const struct conf *conf, const struct asker *asker, uint16_t port);
bool policy_may_manage(const struct conf *conf);

/* The least external port that a client may have without a rule that names it: min_port, but never
 * one of the well-known ones. */
uint16_t policy_lowest_port(const struct conf *conf);

/* Ports that are for no client, though no mapping has them: what we serve LANs at. */
bool policy_is_ours(const struct conf *conf, uint8_t protocol, uint16_t port);

#endif
