/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6 pinholes: open, renew, close, expire. As mapping.h has it: decide, record, program the
 * kernel, store, answer; undo in reverse.
 *
 * Who may open what (WANIPv6FirewallControl:1 2.6, RFC 6092): a host its own addresses, whichever
 * of them it speaks from, IPv4 included; the neighbour table tells which are the same host's.
 * Without "secure", any host of the LAN.
 */
#ifndef PORTREEVE_CORE_PINHOLE_H
#define PORTREEVE_CORE_PINHOLE_H

#include "core/core.h"
#include "core/lan.h"
#include "core/pinhole_table.h"

#define PINHOLE_LEASE_MAX_S 86400

/* Who asks, and through which LAN. */
struct pinhole_asker {
	struct addr6 client; /* IPv4: ::ffff:a.b.c.d */
	const struct lan *lan;
};

/*
 * Opens one, or restarts the lease of that which has the same key. Faults, the first of: 702, 703,
 * 402 (lease, remote host), 708, 705, 707, 606, 701, 501.
 */
enum result pinhole_add(struct core *core, const struct pinhole_asker *asker,
    const struct msg_pinhole *req, uint16_t *id);

/* 702, 703, 402 (update), 704, 606, 501. */
enum result pinhole_update(
    struct core *core, const struct pinhole_asker *asker, uint16_t id, uint32_t lease_s);
enum result pinhole_del(struct core *core, const struct pinhole_asker *asker, uint16_t id);
enum result pinhole_use(
    struct core *core, const struct pinhole_asker *asker, uint16_t id, uint64_t *packets);

/* How long the firewall keeps an idle connection of that protocol that began inside. 702, 705, 606,
 * 501. */
enum result pinhole_outbound_timeout(struct core *core, const struct pinhole_asker *asker,
    const struct msg_pinhole *req, uint32_t *seconds);

struct policy_verdict; /* policy.h */
struct neigh_list;     /* platform/neigh.h */

/*
 * What would be said of one that is there if its client asked for it now. Where that cannot be
 * known (@lan NULL: its LAN is not there; its MAC address is not in @neighbours), RESULT_OK.
 */
void pinhole_judge(struct core *core, const struct lan *lan, const struct pinhole *p,
    struct neigh_list *neighbours, struct policy_verdict *v);

/* Ends one that would be refused now, and says why in log and trail. */
enum result pinhole_revoke(struct core *core, struct pinhole *p, const struct policy_verdict *why);

/* The administrator closes one. */
enum result pinhole_del_one(struct core *core, struct pinhole *p);

/* Reads its counter from the kernel; packets and last_used_s follow, in the store as well. */
void pinhole_refresh_use(struct core *core, struct pinhole *p);

/* For nft->sync(): walks all; @arg is the core. */
bool pinhole_next(void *arg, const void **cursor, struct nft_pinhole *out);

/* As mapping_expire(). */
size_t pinhole_expire(struct core *core);

/* Brings back what the store has, and the number of the id given last. 0 or -errno. */
int pinhole_load(struct core *core);

#endif
