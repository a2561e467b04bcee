/* SPDX-License-Identifier: GPL-2.0-or-later */
/* May this client have this? Configuration and request in, result and reason out; pure. */
#ifndef PORTREEVE_CORE_POLICY_H
#define PORTREEVE_CORE_POLICY_H

#include "core/mapping.h"

struct policy_verdict {
	enum result result;
	char reason[128]; /* why not, for the log and the administrator; empty when granted */
	uint32_t lease_s; /* as granted: max_lease_s applied; 0: permanent */
};

/*
 * The first fault wins, in this order: 715 wildcard client, 716 wildcard external port, 402
 * internal port 0, 606 what the configuration forbids, 728 the client's share is used up. A
 * conflict (718) is between the last two, and for mapping.c to find.
 *
 * @mappings_of_client: how many the internal client has already.
 */
void policy_check(const struct conf *conf, const struct asker *asker, const struct msg_map *req,
    size_t mappings_of_client, struct policy_verdict *verdict);

#endif
