/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libupnp may do with a socket. The libc calls that it makes are defined in guard.c and
 * gate.c, which the linker binds in place of libc's; each is bounded here and then passed on.
 */
#ifndef PORTREEVE_WORKER_UPNP_GUARD_H
#define PORTREEVE_WORKER_UPNP_GUARD_H

#include <stdint.h>

#include "lib/addr.h"

struct guard_config {
	const char *ifname; /* the only device packets come from and go to */
	uint32_t ifindex;
	struct prefix4 address; /* our address there: the only one libupnp sees and binds to */
	uint16_t http_port;     /* bound exactly; no other is tried */
};

/* Before UpnpInit2(). Copies @config. */
void guard_init(const struct guard_config *config);

/*
 * After UpnpInit2(): proves that every symbol that must be ours is what libupnp calls, and that the
 * sockets are bound to the device. 0, or -ENOTSUP with the reason in the log: do not serve.
 */
int guard_self_test(void);

#endif
