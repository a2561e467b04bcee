/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What wanip.c and wanip2.c share: the arguments of a mapping. */
#ifndef PORTREEVE_WORKER_UPNP_WANIP_H
#define PORTREEVE_WORKER_UPNP_WANIP_H

#include "worker/upnp/service.h"

/* What version 2 has beyond version 1. */
extern const struct service_action wanip2_actions[];

/* NewProtocol, MSG_PROTO_TCP or MSG_PROTO_UDP. */
uint8_t wanip_protocol(const struct call *call);

/* The eight arguments that describe a mapping. Ports may be 0 yet. */
enum result wanip_read_mapping(struct call *call, struct msg_map *map);

/* What NewInternalPort 0 is called: 732 exists in version 2 only. */
enum result wanip_no_internal_port(const struct call *call);

#endif
