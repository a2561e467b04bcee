/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses LANs get when the connection is shared. Pure. */
#ifndef PORTREEVE_CORE_SHARE_PLAN_H
#define PORTREEVE_CORE_SHARE_PLAN_H

#include "config/conf.h"
#include "core/undo.h"
#include "platform/netlink.h"

/* The name of the setting (setting.h) that is @prefix on @ifname. */
void share_plan_name(char name[SETTING_NAME_MAX], const char *ifname, const struct prefix4 *prefix);

/*
 * The address that the LAN @ifname shall have under @conf: that which is ours already (@undo says
 * so), else lan_address, or the first of the networks that follow it which overlaps with no address
 * that another interface has in @nl, nor with one of @taken. False: it has one that is not ours, or
 * none is free.
 */
bool share_plan_address(const struct conf *conf, const struct netlink *nl, const struct undo *undo,
    const char *ifname, const struct prefix4 *taken, size_t n_taken, struct prefix4 *out);

/* The @n-th network of @prefix (/64), in it host 1. False: it has not so many. */
bool share_plan_subnet6(const struct prefix6 *prefix, size_t n, struct prefix6 *out);

#endif
