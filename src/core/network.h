/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens on a new WAN address, or when a LAN comes and goes: the monitor's news go to wan.c
 * and lan.c, and what they make of it to the kernel, the supervisor, workers and watchers.
 */
#ifndef PORTREEVE_CORE_NETWORK_H
#define PORTREEVE_CORE_NETWORK_H

#include "core/core.h"
#include "lib/addr6.h"

/* Fills core->wan and core->lans, and tells core->nft. NULL on error, which was logged. */
struct network *network_new(struct core *core);
void network_free(struct network *network);

/* Looks again at all, e.g. because the configuration is another one. */
void network_update(struct core *core);

/* Tells core->nft all that it must know, e.g. because it is a new one. */
void network_tell_nft(struct core *core);

/* The interface of the IPv4 default route; "": there is none. Valid until the loop goes on. */
const char *network_default_route(const struct core *core);

/* Is it an address of the gateway, on whatever interface? */
bool network_is_ours6(const struct core *core, const struct addr6 *addr);

#endif
