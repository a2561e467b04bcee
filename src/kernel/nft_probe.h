/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the running kernel can do, tried in scratch tables rather than told by its version. All but
 * one question are transactions that never happen; the last needs a scratch table for a moment.
 */
#ifndef PORTREEVE_KERNEL_NFT_PROBE_H
#define PORTREEVE_KERNEL_NFT_PROBE_H

#include <stdbool.h>

#include "kernel/nfnl.h"
#include "kernel/nft.h"

struct nft_caps {
	bool
	    owner_persist; /* 6.9: a table of ours that others cannot change and that outlives us */
	bool renew_in_place; /* 6.12: a repeated add changes the timeout */
	bool destroy;        /* 6.3: delete that takes "absent" for done */
	bool counters;       /* 5.7: counters in elements of maps */
};

/* 0, or -errno when the kernel cannot even do what we must have (-EPERM: no CAP_NET_ADMIN). */
int nft_probe(struct nfnl *nl, struct nft_caps *caps);

/* Those of @helpers (bits of enum nft_helper) that this kernel has. Loads modules where it may. */
uint32_t nft_probe_helpers(struct nfnl *nl, uint32_t helpers);

/* nft_new() that makes use of what is in @limit only, so that tests can take the ways that older
 * kernels need. */
struct nft *nft_new_limited(const struct nft_config *config, const struct nft_caps *limit);

#endif
