/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What we say of the WAN: which interface, its address, whether connected and since when, and
 * whether the address is behind another NAT.
 */
#ifndef PORTREEVE_CORE_WAN_H
#define PORTREEVE_CORE_WAN_H

#include "config/conf.h"
#include "ipc/msg.h"
#include "platform/netlink.h"

struct wan;

struct wan *wan_new(void);
void wan_free(struct wan *wan);

/*
 * Looks at @nl again under @conf: the configured interface, or the default route's. Returns true
 * when something that we report has changed (interface, address, link, status); each such change is
 * logged once.
 */
bool wan_update(struct wan *wan, const struct conf *conf, const struct netlink *nl, int64_t now_ms);

const char *wan_ifname(const struct wan *wan); /* "" when there is none */
uint32_t wan_address(const struct wan *wan);   /* the interface's own first address, 0 when none */

/* By what LAN hosts may know the WAN: external_address, and all of the interface's addresses. At
 * most
 * @max of them; returns how many. */
size_t wan_addresses(const struct wan *wan, uint32_t *addrs, size_t max);

/* What is reported to clients: the configured external_address, or the interface's. 0 when not
 * connected. */
uint32_t wan_external_address(const struct wan *wan);
enum msg_wan_status wan_status(const struct wan *wan);

/*
 * Another device translates in front of this gateway: the address is private or shared, and no
 * external_address says that somebody has seen to it. What is mapped here cannot be reached from
 * the Internet until that device lets it through, too. False while there is no address.
 */
bool wan_double_nat(const struct wan *wan);
bool wan_link_up(const struct wan *wan);
bool wan_is_ppp(const struct wan *wan);
uint32_t wan_uptime_s(const struct wan *wan, int64_t now_ms);

#endif
