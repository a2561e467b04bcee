/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The good-byes that a start begins with: whoever remembers us from before a crash must forget that
 * first (UDA 1.0 1.1.3). libupnp says byebye only for a device that it serves, and would then
 * answer searches for one that is just going.
 */
#ifndef PORTREEVE_WORKER_UPNP_BYEBYE_H
#define PORTREEVE_WORKER_UPNP_BYEBYE_H

#include "worker/upnp/service.h"

#define BYEBYE_MESSAGE_MAX 512
/* One for the root, two for each device, one for each service (UDA 1.0 1.1.2), at most. */
#define BYEBYE_MESSAGES (1 + 2 * DESC_DEVICES + SERVICE_COUNT)

/* Writes message @which, from 0 on. False: what it would name is not announced. Pure. */
bool byebye_build(const struct desc_names *names, unsigned which, char buf[BYEBYE_MESSAGE_MAX]);

/* Sends all of them once by the interface @ifindex. 0 or -errno. */
int byebye_send(const struct desc_names *names, uint32_t ifindex);

#endif
