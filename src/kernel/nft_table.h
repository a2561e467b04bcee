/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of the table and of what has a name in it but no content: chains, and the objects through
 * which helpers of connection tracking read along. Pure: writes attributes behind a message header.
 */
#ifndef PORTREEVE_KERNEL_NFT_TABLE_H
#define PORTREEVE_KERNEL_NFT_TABLE_H

#include <libmnl/libmnl.h>

#include "kernel/nft_ruleset.h"

/* Flags of a table, newer than some kernel headers. */
#define NFT_F_TABLE_DORMANT 0x1u
#define NFT_F_TABLE_OWNER 0x2u   /* 5.12: only the socket that made it may change it */
#define NFT_F_TABLE_PERSIST 0x4u /* 6.9: and it stays when that socket closes */

/* Room that any message of ours needs at most, but for lists of elements. */
#define NFT_ROOM 4096

/* NEWTABLE, and DELTABLE with @flags 0. */
void nft_table_put(struct nlmsghdr *nlh, const char *table, uint32_t flags);

void nft_table_put_comment(struct nlmsghdr *nlh); /* says whose it is */

/* NEWCHAIN. -ENOMEM. */
int nft_table_put_chain(struct nlmsghdr *nlh, const char *table, enum nft_chain_id chain);

/* NEWOBJ of a helper. -ENOMEM. */
int nft_table_put_helper(struct nlmsghdr *nlh, const char *table, enum nft_helper_id helper);

#endif
