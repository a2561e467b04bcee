/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libupnp may do with a socket. The libc calls that it makes are defined in guard.c, which the
 * linker binds in place of libc's (the program is linked with border_ldflags, see border.inc); each
 * is bounded here and then passed on, or answered by gate.c (HTTP in) and courier.c (events out).
 *
 * Until guard_init() all of them only pass on. From then on, for the whole process: IPv4 sockets
 * serve the LAN device alone, IPv6 sockets and host names do not exist, and there is one interface
 * with one address.
 */
#ifndef PORTREEVE_WORKER_UPNP_GUARD_H
#define PORTREEVE_WORKER_UPNP_GUARD_H

#include <net/if.h>
#include <stdint.h>

#include "lib/addr.h"
#include "worker/upnp/ssdp_send.h"

#define GUARD_MULTICAST_TTL 2 /* UDA 1.1 1.2.1 */
#define GUARD_SEARCH_RATE 10  /* searches per second from one address, once the burst is used up */
#define GUARD_SEARCH_BURST 30

struct guard_config {
	const char *ifname; /* the only device packets come from and go to */
	uint32_t ifindex;
	struct prefix4 address; /* our address there: the only one libupnp sees and binds to */
	uint16_t http_port;     /* bound exactly; no other is tried */

	/* How advertisements and answers to searches are written anew. NULL: they leave as
	 * libupnp says them. */
	const struct ssdp_self *self;
};

/* Before UpnpInit2(). Copies @config. Once in the life of a process. */
void guard_init(const struct guard_config *config);

/*
 * After UpnpInit2(): proves that every symbol that must be ours is what libupnp calls, that the
 * sockets are bound to the device, and that a request reaches libupnp through the gate. 0, or
 * -ENOTSUP with the reason in the log: do not serve.
 */
int guard_self_test(void);

/* When UpnpInit2() has failed: a socket could not be had, and the log says why. */
bool guard_told_why(void);

/*
 * After the device is registered: from now on requests reach libupnp. Those that came before
 * waited, because libupnp would have known nothing of what they ask for.
 */
void guard_open(void);

/*
 * Before the device goes: no more requests reach libupnp, which would call what was there a moment
 * ago unknown (404). They get 503. Waits for those under way, for @patience_ms at most.
 */
void guard_shut(int patience_ms);

#endif
