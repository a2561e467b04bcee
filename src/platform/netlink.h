/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses, links and the default route as the kernel tells them over rtnetlink, kept up to date.
 */
#ifndef PORTREEVE_PLATFORM_NETLINK_H
#define PORTREEVE_PLATFORM_NETLINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/addr6.h"

#define NETLINK_ADDRS_MAX 16 /* IPv4 addresses kept of one interface; further ones are ignored */
#define NETLINK_ADDRS6_MAX 32

struct netlink_if {
	char name[IFNAMSIZ];
	uint32_t index;
	bool up;      /* administratively up */
	bool running; /* carrier, as operstate tells (UNKNOWN counts as up) */
	bool loopback;
	bool point_to_point;
	bool ppp;
	uint32_t mtu;
	size_t n_addrs;
	struct prefix4
	    addrs[NETLINK_ADDRS_MAX]; /* global scope; primary first, in the kernel's order */
	size_t n_addrs6;
	struct prefix6 addrs6[NETLINK_ADDRS6_MAX]; /* of any scope but the link, in no order */
};

struct netlink;

/* Opens the monitor and reads the present state. NULL on error, which was logged. */
struct netlink *netlink_new(void);
void netlink_free(struct netlink *nl);

/* To be watched for reading. netlink_read() takes what is there: 1 something changed, 0 nothing
 * that matters, or -errno, which was logged. Never blocks. */
int netlink_fd(const struct netlink *nl);
int netlink_read(struct netlink *nl);

/* Valid until the next netlink_read(). NULL: there is no such interface. */
const struct netlink_if *netlink_find(const struct netlink *nl, const char *name);

/* Walks all interfaces; begin with NULL. */
const struct netlink_if *netlink_next(const struct netlink *nl, const struct netlink_if *prev);

/* The interface of the IPv4 default route with the lowest metric in the main table, or NULL. */
const struct netlink_if *netlink_default(const struct netlink *nl);

#endif
