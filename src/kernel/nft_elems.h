/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of elements that grows: those wanted in a set, or those present. */
#ifndef PORTREEVE_KERNEL_NFT_ELEMS_H
#define PORTREEVE_KERNEL_NFT_ELEMS_H

#include "kernel/nft_elem.h"

struct nft_elems {
	struct nft_elem *v;
	size_t n, cap;
};

int nft_elems_add(struct nft_elems *list, const struct nft_elem *elem); /* 0 or -ENOMEM */
void nft_elems_free(struct nft_elems *list);

/* By key, each key once: the oldest lease has it. */
void nft_elems_sort(struct nft_elems *list);

/* As memcmp(). */
int nft_elems_compare_keys(const struct nft_elem *a, const struct nft_elem *b);

#endif
