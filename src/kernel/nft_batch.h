/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One nf_tables transaction: begin, add messages, send, gather the answers.
 *
 * All of it happens or nothing. The kernel tells every message that failed, by its number here
 * (0 for the first).
 */
#ifndef PORTREEVE_KERNEL_NFT_BATCH_H
#define PORTREEVE_KERNEL_NFT_BATCH_H

#include <stdbool.h>

#include "kernel/nfnl.h"

struct nft_batch {
	struct nfnl *nl;
	char *buf;
	size_t len, cap;
	size_t open;    /* where the last message begins */
	unsigned count; /* messages in it */
	int error;      /* -ENOMEM: a message could not be added */
};

void nft_batch_init(struct nft_batch *b, struct nfnl *nl);
void nft_batch_exit(struct nft_batch *b);

/* Empties @b; its memory is kept for the next transaction. */
void nft_batch_begin(struct nft_batch *b);

/*
 * Adds a message of nf_tables type @type with room for @room octets of attributes, to be written
 * before the next call. NULL: no memory, which nft_batch_send() reports.
 */
struct nlmsghdr *nft_batch_msg(struct nft_batch *b, uint16_t type, uint16_t flags, size_t room);

/* Octets so far. */
size_t nft_batch_size(const struct nft_batch *b);

typedef void (*nft_batch_error_fn)(void *arg, unsigned message, int err);

/* Sends @b. 0 or the first error, all of which @on_error (may be NULL) hears. */
int nft_batch_send(struct nft_batch *b, nft_batch_error_fn on_error, void *arg);

/* The same as a question: the kernel checks everything and then forgets it. */
int nft_batch_check(struct nft_batch *b, nft_batch_error_fn on_error, void *arg);

#endif
