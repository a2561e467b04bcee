/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One core for each network namespace: two of them, with directories of their own, would take each
 * other's mappings out of the one kernel table for ever. The sign is a name in the abstract socket
 * space, which belongs to the network namespace and is gone with the process that holds it.
 */
#ifndef PORTREEVE_CORE_CLAIM_H
#define PORTREEVE_CORE_CLAIM_H

#include <event2/event.h>

struct claim;

/*
 * Claims the namespace we are in under @name; one that a dying process still has is waited for, a
 * second at most. 0; -EBUSY: another core has it, which was logged with
 * its pid; else -errno. Where somebody without rights sits on the name, that is logged and *@out is
 * NULL: nobody may keep the gateway from starting in this way.
 */
int claim_take(struct event_base *base, const char *name, struct claim **out);
void claim_free(struct claim *claim);

#endif
