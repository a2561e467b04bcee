/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our rules in the language of nft(8), for people and for tests to compare. Pure. */
#ifndef PORTREEVE_KERNEL_NFT_TEXT_H
#define PORTREEVE_KERNEL_NFT_TEXT_H

#include "kernel/nft_ruleset.h"

/* The chain, a colon and the terms of @rule, cut off at @size octets. Returns @buf. */
const char *nft_text_rule(const struct nft_rule *rule, char *buf, size_t size);

#endif
