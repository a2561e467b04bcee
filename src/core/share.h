/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sharing the connection takes of the system: an address for a LAN that has none, forwarding,
 * and with a prefix the same for IPv6. All of it is put back when it is wanted no more.
 */
#ifndef PORTREEVE_CORE_SHARE_H
#define PORTREEVE_CORE_SHARE_H

#include "core/core.h"
#include "core/lan.h"
#include "core/undo.h"
#include "platform/netlink.h"

/* NULL: no memory. Changes nothing yet. */
struct share *share_new(struct core *core);

/* @put_back: all as it was before us; else the next core finds what to put back. */
void share_free(struct share *share, bool put_back);

/* Brings the system to what configuration and @nl ask for; after wan_update(). */
void share_update(struct core *core, const struct netlink *nl);

/*
 * Does somebody else translate what leaves LANs by the WAN? Looks at the rules of others, which
 * takes some milliseconds. True: the answer has changed, so that the table must be made anew
 * (heal_new_nft()).
 */
bool share_look_for_nat(struct core *core);

/* Do we translate what leaves by the WAN: is it wanted, and done by nobody else? */
bool share_masquerades(const struct core *core);

const char *share_nat_str(const struct core *core); /* "off", "ours", "others" */

/* Has the LAN IPv6 that we share? */
bool share_has_ipv6(const struct core *core, const struct lan *lan);

#endif
