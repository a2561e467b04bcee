/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rules log, as portreeve-seclog reads it: one place for both. */
#ifndef PORTREEVE_KERNEL_NFT_LOG_H
#define PORTREEVE_KERNEL_NFT_LOG_H

#define NFT_LOG_GROUP 5351 /* of nfnetlink_log, in the gateway's network namespace */
#define NFT_LOG_SNAP 128   /* octets of a packet */

enum nft_log_kind { NFT_LOG_DROP, NFT_LOG_OPEN, NFT_LOG_OPEN_INBOUND, NFT_LOG_KINDS };

/* The rules' prefixes: the words of the log's action field. */
static const char *const nft_log_prefixes[NFT_LOG_KINDS] = {
	[NFT_LOG_DROP] = "DROP",
	[NFT_LOG_OPEN] = "OPEN",
	[NFT_LOG_OPEN_INBOUND] = "OPEN-INBOUND",
};

#endif
