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

/* Has the LAN IPv6 that we share? */
bool share_has_ipv6(const struct core *core, const struct lan *lan);

/* ---- pure, for tests ---- */

/*
 * The address that the LAN @ifname shall have under @conf: that which is ours already (@undo says
 * so), else lan_address, or the first of the networks that follow it which overlaps with no address
 * that another interface has in @nl, nor with one of @taken. False: it has one that is not ours, or
 * none is free.
 */
bool share_pick_address(const struct conf *conf, const struct netlink *nl, const struct undo *undo,
    const char *ifname, const struct prefix4 *taken, size_t n_taken, struct prefix4 *out);

/* The @n-th network of @prefix (/64), in it host 1. False: it has not so many. */
bool share_subnet6(const struct prefix6 *prefix, size_t n, struct prefix6 *out);

#endif
