/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Judges the mappings that are there by the rules that hold now: at start, since the store does not
 * know rules, and after a reload.
 */
#ifndef PORTREEVE_CORE_JUDGE_H
#define PORTREEVE_CORE_JUDGE_H

#include "core/core.h"

struct neigh_list;
struct policy_verdict;

/*
 * Gives every client's mapping the number of the rule that would allow it now, the oldest first, so
 * that shares are taken in that order. @judged (may be NULL) hears of each what would be said if
 * the client asked for it today; it may end the lease, and no other. One whose LAN is not there
 * is left as it is. Whose MAC address a rule wants is looked up in @neighbours. 0 or -ENOMEM.
 */
int judge_leases(struct core *core, struct neigh_list *neighbours,
    void (*judged)(void *arg, struct lease *lease, const struct policy_verdict *v), void *arg);

#endif
