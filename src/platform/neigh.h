/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The neighbour table: which link-layer address answers for an address of a LAN. Asked on demand;
 * nothing is kept.
 */
#ifndef PORTREEVE_PLATFORM_NEIGH_H
#define PORTREEVE_PLATFORM_NEIGH_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/addr6.h"
#include "lib/mac.h"

#define NEIGH_LLADDR_MAX 8

struct neigh {
	uint8_t len; /* octets of lladdr; never 0 */
	uint8_t lladdr[NEIGH_LLADDR_MAX];
};

/*
 * Who has @addr (IPv4: ::ffff:a.b.c.d) on the link @ifindex? 0; -ENOENT: the kernel does not know
 * at the moment, and has been asked to find out, which takes a millisecond on a healthy link; or
 * -errno.
 */
int neigh_find(uint32_t ifindex, const struct addr6 *addr, struct neigh *out);

/* The same, but asks nobody else: what the kernel knows now. */
int neigh_look(uint32_t ifindex, const struct addr6 *addr, struct neigh *out);

/* The same, where only Ethernet's addresses are of use. False: not known, or another kind. */
static inline bool
neigh_find_mac(uint32_t ifindex, const struct addr6 *addr, struct mac *mac)
{
	struct neigh n;

	if (neigh_find(ifindex, addr, &n) < 0 || n.len != sizeof(mac->octet))
		return false;
	memcpy(mac->octet, n.lladdr, sizeof(mac->octet));
	return true;
}

/*
 * All that the kernel knows, for who asks about many: read at the first question, so that it costs
 * nothing where there is none. Zero is a fresh one.
 */
struct neigh_list {
	bool read;
	struct neigh_entry *entries;
	size_t n;
};

/* As neigh_find_mac(), of the moment of the first question; asks no host, and forgets what is
 * beyond 65536 entries. A table that cannot be read knows nobody, and is logged. */
bool neigh_list_find_mac(
    struct neigh_list *list, uint32_t ifindex, const struct addr6 *addr, struct mac *mac);
void neigh_list_free(struct neigh_list *list);

/* Is a host there? */
enum neigh_presence {
	NEIGH_UNKNOWN, /* nobody has asked of late, or it cannot be known on such a link */
	NEIGH_THERE,
	NEIGH_ASKING, /* the answer takes up to 3 seconds, milliseconds if it is there */
	NEIGH_GONE,   /* it has been asked, and did not answer */
};

/* A socket for many such questions. NULL: errno says why. */
struct mnl_socket *neigh_open(void);

/* As the kernel knows it; with @ask it asks the host when it does not know for sure. */
enum neigh_presence neigh_presence(
    struct mnl_socket *sk, uint32_t ifindex, const struct addr6 *addr, bool ask);

bool neigh_same(const struct neigh *a, const struct neigh *b);

#endif
