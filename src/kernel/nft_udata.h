/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Userdata: what we note on our sets, elements and rules, and the kernel keeps without reading it.
 * A list of type, length, value; nft(8) shows the comments and passes over the rest.
 */
#ifndef PORTREEVE_KERNEL_NFT_UDATA_H
#define PORTREEVE_KERNEL_NFT_UDATA_H

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

/* The types of nft(8): a comment is type 0 but on sets. */
#define NFT_UDATA_COMMENT 0
#define NFT_UDATA_SET_BYTEORDER 0
#define NFT_UDATA_SET_COMMENT 7

/* Ours. */
#define NFT_UDATA_LEASE 0x70     /* on elements: the lease's number, big endian */
#define NFT_UDATA_RULE_HASH 0x71 /* on rules: see nft_rule_hash() */
#define NFT_UDATA_JOIN_MARK 0x72 /* on rules in chains of others: the bit of the mark */

#define NFT_UDATA_MAX 254 /* the kernel drops 256 in silence */

/* Adds a value behind @at octets of @buf, which holds NFT_UDATA_MAX. Returns the new length; a
 * value that does not fit is left out. */
size_t nft_udata_put(uint8_t *buf, size_t at, uint8_t type, const void *value, size_t len);

/* The value of @type with exactly @len octets, not aligned; NULL: there is none. It stays @attr's.
 */
const uint8_t *nft_udata_find(const struct nlattr *attr, uint8_t type, size_t len);

#endif
