/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A struct netlink that says what a test wants: interfaces are put into it by hand. */
#ifndef PORTREEVE_TESTS_FAKE_NETLINK_H
#define PORTREEVE_TESTS_FAKE_NETLINK_H

#include "platform/netlink.h"

#define FAKE_NETLINK_MAX 24

struct netlink {
	struct netlink_if ifs[FAKE_NETLINK_MAX];
	size_t n;
	const char *default_ifname; /* NULL: no default route */
};

/* An interface that is up and running; @prefix ("192.168.1.1/24") may be NULL. */
struct netlink_if *fake_netlink_add(
    struct netlink *nl, const char *name, uint32_t index, const char *prefix);
void fake_netlink_address(struct netlink_if *ifp, const char *prefix);
void fake_netlink_del(struct netlink *nl, const char *name);

#endif
