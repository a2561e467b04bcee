/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of sets and maps themselves, whose elements nft_elem.h has. Pure: writes attributes behind
 * a message header, sends nothing.
 */
#ifndef PORTREEVE_KERNEL_NFT_SET_H
#define PORTREEVE_KERNEL_NFT_SET_H

#include <libmnl/libmnl.h>

#include "kernel/nft_ruleset.h"

#define NFT_L4_SET_NAME "__set%d" /* the kernel fills in the number */

/* Octets of a key or of data, as the kernel counts them. */
size_t nft_set_key_len(enum nft_set_id set);
size_t nft_set_data_len(enum nft_set_id set);

/* NFT_SET_*, as the kernel tells them of a set that is there. */
uint32_t nft_set_kind(enum nft_set_id set);

/* NEWSET with the number @set_id for this transaction. Counters only if @counter. -ENOMEM. */
int nft_set_put(
    struct nlmsghdr *nlh, const char *table, enum nft_set_id set, uint32_t set_id, bool counter);

/* NEWSET of { tcp, udp }, which a rule refers to by @set_id. -ENOMEM. */
int nft_set_put_l4(struct nlmsghdr *nlh, const char *table, uint32_t set_id);

#endif
