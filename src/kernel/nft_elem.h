/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of sets and maps: what a mapping, a pinhole, an ended flow or a link puts into which
 * set, and how that looks in messages. Pure: writes behind a message header and reads attributes.
 *
 * Written by hand rather than through libnftnl: elements are the hot path, and the few attributes
 * they have are the same in every version.
 */
#ifndef PORTREEVE_KERNEL_NFT_ELEM_H
#define PORTREEVE_KERNEL_NFT_ELEM_H

#include <libmnl/libmnl.h>

#include "kernel/nft_ruleset.h"

/* Newer than some kernel headers. */
#define NFT_M_DESTROYSETELEM 30 /* 6.3: a delete that takes "absent" for done */

/* Room that a message needs at most. */
#define NFT_ROOM_ELEM 272 /* a list of one element */
#define NFT_ELEM_SIZE 176 /* each further one */

/* What is in a set or map, network byte order. Unused octets are 0, so that memcmp() orders. */
struct nft_elem {
	uint8_t key[48];
	uint8_t data[8];
	uint32_t id;              /* of the lease; 0: none */
	uint8_t mark;             /* for the caller */
	int64_t timeout_ms;       /* read from the kernel: what remains. 0: permanent */
	uint64_t packets, octets; /* its counter: put, where one made anew goes on from */
};

/*
 * Elements of a mapping, which outlive it by NFT_GRACE_MS. *@set, where there is a choice: the set
 * for any remote host, or the one for a certain host.
 */
void nft_elem_map(const struct nft_mapping *m, enum nft_set_id *set, struct nft_elem *elem);
void nft_elem_mapped(const struct nft_mapping *m, struct nft_elem *elem); /* and knocked4's key */
void nft_elem_mapped_remote(const struct nft_mapping *m, struct nft_elem *elem); /* mapped4r */
void nft_elem_source(const struct nft_mapping *m, struct nft_elem *elem);        /* src4 */
void nft_elem_open(const struct nft_mapping *m, enum nft_set_id *set, struct nft_elem *elem);

/* Of a pinhole: *@set is one of SET_PH6... */
void nft_elem_pinhole(const struct nft_pinhole *p, enum nft_set_id *set, struct nft_elem *elem);

/* Of a flow that is over, for NFT_ENDED_MS: *@set is one of SET_ENDED... */
void nft_elem_flow(const struct nft_flow *flow, enum nft_set_id *set, struct nft_elem *elem);

/* Of what is there until it is taken out. */
void nft_elem_ifname(const char *name, struct nft_elem *elem);
void nft_elem_addr(uint32_t addr, struct nft_elem *elem);

/* A list of elements, or of their keys: NEWSETELEM, DELSETELEM, GETSETELEM. */
struct nlattr *nft_elem_list_begin(struct nlmsghdr *nlh, const char *table, enum nft_set_id set);
void nft_elem_put(struct nlmsghdr *nlh, enum nft_set_id set, const struct nft_elem *elem);
void nft_elem_put_key(struct nlmsghdr *nlh, enum nft_set_id set, const struct nft_elem *elem);
void nft_elem_list_end(struct nlmsghdr *nlh, struct nlattr *list);

/* NEWSETELEM of { tcp, udp }: see nft_set_put_l4(). */
void nft_elem_put_l4(struct nlmsghdr *nlh, const char *table, uint32_t set_id);

/* Reads one element of a list; its counter is 0 without one. false: malformed, or not of that set.
 */
bool nft_elem_parse(const struct nlattr *attr, enum nft_set_id set, struct nft_elem *elem);

#endif
