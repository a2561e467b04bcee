/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the connection table, from the kernel: what we look at of flows. */
#ifndef PORTREEVE_KERNEL_CT_PARSE_H
#define PORTREEVE_KERNEL_CT_PARSE_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/addr6.h"

struct ct_tuple {
	uint32_t src; /* 0: none, or not IPv4 */
	uint16_t sport, dport;
	uint8_t protocol;
};

/* The same of IPv6. Ports are 0 where the protocol has none. */
struct ct_tuple6 {
	struct addr6 src, dst;
	uint16_t sport, dport;
	uint8_t protocol;
};

/* CTA_TUPLE_ORIG or CTA_TUPLE_REPLY. False: @attr is NULL, or lacks a part. */
bool ct_parse_tuple(const struct nlattr *attr, struct ct_tuple *t);
bool ct_parse_tuple6(const struct nlattr *attr, struct ct_tuple6 *t);

/*
 * Asks a dump for flows to this protocol and original destination port only (Linux 5.8; ignored
 * before, so who asks looks at what comes all the same). Not by address: there the kernel (6.18 at
 * least) takes what does not match for what does.
 */
void ct_put_port_filter(struct nlmsghdr *nlh, uint8_t protocol, uint16_t port);

#endif
