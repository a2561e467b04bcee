/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCP and DNS for the LANs, by dnsmasq. The core writes its configuration, since it knows the
 * addresses; the supervisor runs it, since it may start programs; neither speaks with it.
 *
 *	RUN_DIR/dnsmasq.conf	what it reads when it starts; another text is another start
 *	STATE_DIR/dhcp.leases	what it writes: dhcp_leases.h reads it
 *
 * With dhcp = auto portreeve-dhcp looks for other servers first and, where it finds one, gives up
 * and says on which LAN; that one is left out then.
 */
#ifndef PORTREEVE_CORE_DHCP_H
#define PORTREEVE_CORE_DHCP_H

#include "core/core.h"
#include "core/lan.h"

/* NULL: no memory. */
struct dhcp *dhcp_new(struct core *core);
void dhcp_free(struct dhcp *dhcp);

/* LANs or the configuration have changed. */
void dhcp_update(struct core *core);

/* What other servers there are is looked at anew with the next update. */
void dhcp_look_again(struct core *core);

/* How dnsmasq fares. The first word comes when the supervisor knows that we are ready. */
void dhcp_on_state(struct core *core, const struct msg_dhcp_state *state);

enum dhcp_service {
	DHCP_OFF,     /* not wanted, or there is no LAN */
	DHCP_LOOKING, /* for other servers, so nobody is served yet */
	DHCP_SERVED,  /* by us */
	DHCP_OTHER,   /* by somebody else, so we leave it alone */
	DHCP_FAILED,  /* it should be, but dnsmasq does not run */
};

/* What becomes of DHCP on @lan. */
enum dhcp_service dhcp_service(const struct core *core, const struct lan *lan);
const char *dhcp_service_str(enum dhcp_service service); /* "off", "looking", "served", ... */

/* Of dnsmasq; 0: it does not run. */
uint32_t dhcp_pid(const struct core *core);

#endif
