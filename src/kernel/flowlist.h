/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The living flows of one mapping or pinhole, for the administrator who looks at it. Reads only. */
#ifndef PORTREEVE_KERNEL_FLOWLIST_H
#define PORTREEVE_KERNEL_FLOWLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/nft.h"

#define FLOWLIST_LOOK_MAX 20000 /* flows that are looked at: some milliseconds */

struct flowlist_flow {
	struct addr6 peer; /* IPv4: ::ffff:a.b.c.d */
	uint16_t peer_port;
	bool answered;      /* packets went both ways */
	bool counted;       /* the kernel counts (net.netfilter.nf_conntrack_acct) */
	uint32_t timeout_s; /* the kernel forgets it after so much silence */
	uint64_t packets_in, octets_in, packets_out, octets_out; /* in: from the peer */
};

struct flowlist {
	size_t n;
	bool complete; /* all that there are */
	struct flowlist_flow flows[64];
};

/*
 * Flows from outside that @mapping has translated (id, timeout and keep_source are not looked at).
 * 0 or -errno. Needs CAP_NET_ADMIN. One dump of the connection table, which the kernel narrows to
 * the port from 5.8 on.
 */
int flowlist_read(const struct nft_mapping *mapping, struct flowlist *out);

/* Likewise flows that began outside and that @pinhole lets in. Narrowed where it has a port. */
int flowlist_read_pinhole(const struct nft_pinhole *pinhole, struct flowlist *out);

#endif
