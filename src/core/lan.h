/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The LANs: which interfaces are served at which address, and the worker that serves each.
 */
#ifndef PORTREEVE_CORE_LAN_H
#define PORTREEVE_CORE_LAN_H

#include "config/conf.h"
#include "ipc/msg.h"
#include "platform/netlink.h"

struct lan {
	char ifname[IFNAMSIZ];
	uint32_t ifindex;
	struct prefix4 prefix;                        /* our address there and its length */
	struct prefix6 prefixes6[NETLINK_ADDRS6_MAX]; /* ours there, with their lengths */
	size_t n_prefixes6;
	bool serving;        /* present, up and with an address: a worker is wanted */
	uint32_t worker_pid; /* 0: none at present */
	uint32_t boot_id;    /* that a worker was last told; 0: none was */
	uint32_t gone_pid;   /* of the one before, 0: none that we knew */
	uint32_t restarts;
	int calls_fd; /* core's ends of the worker's channels, -1 when there is none */
	int events_fd;
	struct event *calls_event; /* owned by request.c */
};

struct lans;

struct lans *lans_new(void);
void lans_free(struct lans *lans);

/*
 * Looks at @nl again: the configured LANs, or every interface but the WAN that is up and has a
 * private address (none while @wan_ifname is empty: any could be the WAN; no point-to-point links).
 * The WAN itself is never served, even when configured as LAN.
 * Calls @changed for each LAN whose present state (serve or not, index, address) differs from what
 * was last told, those that end first. Returns how many did. A LAN that is wanted no more stays in
 * the list until a later update finds it without worker and descriptors; pointers to others stay
 * valid.
 */
int lans_update(struct lans *lans, const struct conf *conf, const struct netlink *nl,
    const char *wan_ifname, void (*changed)(void *arg, const struct lan *lan), void *arg);

size_t lans_count(const struct lans *lans);
struct lan *lans_at(const struct lans *lans, size_t index);
struct lan *lans_find(const struct lans *lans, const char *ifname);

/* The one whose network @addr is of, or NULL. */
static inline const struct lan *
lans_find_addr4(const struct lans *lans, uint32_t addr)
{
	size_t i;

	for (i = 0; i < lans_count(lans); i++) {
		const struct lan *lan = lans_at(lans, i);

		if (lan->prefix.addr && prefix4_contains(&lan->prefix, addr))
			return lan;
	}
	return NULL;
}

static inline const struct lan *
lans_find_addr6(const struct lans *lans, const struct addr6 *addr)
{
	size_t i, j;

	for (i = 0; i < lans_count(lans); i++) {
		const struct lan *lan = lans_at(lans, i);

		for (j = 0; j < lan->n_prefixes6; j++)
			if (prefix6_contains(&lan->prefixes6[j], addr))
				return lan;
	}
	return NULL;
}

#endif
