/* SPDX-License-Identifier: GPL-2.0-or-later */
/* May this client have this? Configuration and request in, result and reason out; pure. */
#ifndef PORTREEVE_CORE_POLICY_H
#define PORTREEVE_CORE_POLICY_H

#include "core/mapping.h"

struct policy_verdict {
	enum result result;
	char reason[128]; /* why not, for the log and the administrator; empty when granted */
	uint32_t
	    lease_s; /* as granted: max_lease_s and the version's rules applied; 0: permanent */
};

/*
 * The first fault wins, in this order: 715 wildcard client, 716 wildcard external port, 402 (732 in
 * version 2) internal port 0, 606 what the configuration forbids, 728 the client's share is used
 * up. A conflict (718) is between the last two, and for mapping.c to find.
 *
 * @mappings_of_client: how many the internal client has already.
 */
void policy_check(const struct conf *conf, const struct asker *asker, const struct msg_map *req,
    size_t mappings_of_client, struct policy_verdict *verdict);

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

/* Ports that are for no client, though no mapping has them: what we serve LANs at. */
bool policy_is_ours(const struct conf *conf, uint8_t protocol, uint16_t port);

#endif
