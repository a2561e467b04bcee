/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides on a request with all that there is to know: policy.h's rules, what is in the way of it,
 * the neighbour table. Changes nothing but core->unsettled, so "explain" asks here as well.
 */
#ifndef PORTREEVE_CORE_DECIDE_H
#define PORTREEVE_CORE_DECIDE_H

#include "core/policy.h"

/*
 * Policy, then the conflict rules of WANIPConnection:2 2.4.16, then the client's share: of several
 * faults a client is told the one that it can do most about. @old: the lease with the same key, or
 * NULL.
 */
void decide(struct core *core, const struct asker *asker, const struct msg_map *req,
    const struct lease *old, struct policy_verdict *v);

/* The same where another external port will do (mapping_add_any()): @req gets what can be had. */
void decide_any_port(
    struct core *core, const struct asker *asker, struct msg_map *req, struct policy_verdict *v);

#endif
