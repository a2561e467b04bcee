/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forgets the flows of mappings that are gone, and stale unreplied ones that would bypass a new
 * mapping.
 *
 * The kernel has no index by port, so each sweep is one dump of the connection table; it is read
 * piece by piece from the event loop and all wishes that have gathered are served by the same
 * sweep.
 */
#ifndef PORTREEVE_KERNEL_CONNTRACK_H
#define PORTREEVE_KERNEL_CONNTRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/nft.h"

/* Flows whose original destination port is @external_port. Host byte order. */
struct ct_match {
	uint32_t remote_host;     /* original source; 0: any */
	uint32_t internal_client; /* reply source; 0: any. For flows of a mapping that is gone */
	uint16_t external_port;
	uint16_t internal_port; /* reply source port; 0: any */
	uint8_t protocol;
	bool untranslated;   /* flows that were sent to the internal client itself, whose port is
				@external_port, too */
	bool unreplied_only; /* entries that no reply has confirmed and that are not translated by a
				mapping */
};

/* Original destination ports of flows. */
struct ct_ports {
	bool complete;         /* all flows were looked at */
	uint8_t bits[2][8192]; /* TCP, UDP */
};

struct conntrack;

/*
 * Told the TCP flows of mappings and pinholes that are about to be forgotten, at most
 * NFT_CHANGES_MAX at once.
 */
typedef void (*ct_ending_fn)(void *arg, const struct nft_flow *flows, size_t n);

/* NULL on error, which was logged. @ending may be NULL. Needs CAP_NET_ADMIN. */
struct conntrack *conntrack_new(ct_ending_fn ending, void *arg);
void conntrack_free(struct conntrack *ct);

/* Remembers a wish; nothing is sent yet. 0 or -ENOMEM. */
int conntrack_forget(struct conntrack *ct, const struct ct_match *match);

/*
 * Fills @ports with the ports that wishes for unreplied flows only could be about, in the next
 * sweep to be started; they are all there once it is complete. It stays the caller's and must
 * outlive
 * @ct, or a further call. A sweep that fails leaves this, too, to the next one.
 */
void conntrack_survey(struct conntrack *ct, struct ct_ports *ports);
bool conntrack_has_port(const struct ct_ports *ports, uint8_t protocol, uint16_t port);

/*
 * Starts a sweep for all wishes gathered so far, unless one is under way (it is then started when
 * that one ends). 0, or -errno, which was logged: its wishes wait for the next sweep.
 *
 * Not cheap: the kernel makes the first piece of a dump while it is asked for it, and walks on
 * until the piece is full. If few flows match that is its whole table within this call, about 25 ns
 * a bucket and 0.4 us a flow: 5 ms with 262,144 empty buckets, 13 ms with 20,000 flows in them.
 */
int conntrack_sweep(struct conntrack *ct);

/* To be watched for reading; conntrack_read() handles one piece of the dump. 0, or -errno as above.
 */
int conntrack_fd(const struct conntrack *ct);
int conntrack_read(struct conntrack *ct);

/* Entries removed since the start. */
uint64_t conntrack_forgotten(const struct conntrack *ct);

#endif
