/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor's channel, descriptor 3: which LANs want a worker, and the channels to those that
 * have one.
 */
#ifndef PORTREEVE_CORE_PARENT_H
#define PORTREEVE_CORE_PARENT_H

#include "core/core.h"
#include "core/lan.h"

#define PARENT_FD 3

/* Did a supervisor start us? Says so when not. */
bool parent_exists(void);

/* NULL on error, which was logged. */
struct parent *parent_new(struct core *core);
void parent_free(struct parent *parent);

/* All is right: says so, and names every LAN to be served. 0 or -errno, which was logged. */
int parent_ready(struct core *core);

/* Something about a LAN has changed. Silent before parent_ready(). */
void parent_tell_lan(struct core *core, const struct lan *lan);

/* The worker of @lan is not to be trusted any more: asks for its end. Another one will come. */
void parent_refuse_worker(struct core *core, const struct lan *lan);

/* Asks for dnsmasq; dhcp_on_state() follows. 0 or -errno, which was logged. */
int parent_run_dhcp(const struct msg_dhcp *dhcp);

/* Asks for on_connect or on_disconnect; connection_hook_done() follows. 0 or -errno. */
int parent_run_hook(struct core *core, bool disconnect);

#endif
