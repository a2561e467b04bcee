/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes: how tables, sets, chains, rules and elements of our table look in nfnetlink messages.
 * Pure: writes behind a message header and reads attributes, sends nothing.
 *
 * Rules and sets go through libnftnl. Elements are written by hand: they are the hot path, and the
 * few attributes they have are the same in every version.
 */
#ifndef PORTREEVE_KERNEL_NFT_EXPR_H
#define PORTREEVE_KERNEL_NFT_EXPR_H

#include <libmnl/libmnl.h>

#include "kernel/nft_ruleset.h"

/* Newer than some kernel headers. */
#define NFT_F_TABLE_DORMANT 0x1u
#define NFT_F_TABLE_OWNER 0x2u   /* 5.12: only the socket that made it may change it */
#define NFT_F_TABLE_PERSIST 0x4u /* 6.9: and it stays when that socket closes */
#define NFT_M_DESTROYSETELEM 30  /* 6.3: a delete that takes "absent" for done */

/* Room that a message needs at most. */
#define NFT_ROOM 4096     /* anything but a list of elements */
#define NFT_ROOM_ELEM 224 /* a list of one element */
#define NFT_ELEM_SIZE 128 /* each further one */

/* What is in a set or map, network byte order. Unused octets are 0, so that memcmp() orders. */
struct nft_elem {
	uint8_t key[48];
	uint8_t data[8];
	uint32_t id;        /* of the lease; 0: none */
	uint8_t mark;       /* for the caller */
	int64_t timeout_ms; /* read from the kernel: what remains. 0: permanent */
};

/* Elements of a mapping. to_map: @set is pm4 or pm4r. */
void nft_expr_map(const struct nft_mapping *m, enum nft_set_id *set, struct nft_elem *elem);
void nft_expr_mapped(
    const struct nft_mapping *m, struct nft_elem *elem); /* mapped4, and knocked4's key */
void nft_expr_mapped_remote(const struct nft_mapping *m, struct nft_elem *elem); /* mapped4r */
void nft_expr_source(const struct nft_mapping *m, struct nft_elem *elem);        /* src4 */

/* *@set is SET_OPEN4, or SET_OPEN4R for a certain remote host. */
void nft_expr_open(const struct nft_mapping *m, enum nft_set_id *set, struct nft_elem *elem);
void nft_expr_pinhole(
    const struct nft_pinhole *p, enum nft_set_id *set, struct nft_elem *elem); /* one of ph6... */
void nft_expr_flow(
    const struct nft_flow *flow, enum nft_set_id *set, struct nft_elem *elem); /* one of ended... */
void nft_expr_ifname(const char *name, struct nft_elem *elem);
void nft_expr_addr(uint32_t addr, struct nft_elem *elem);

/* Octets of a key or of data, as the kernel counts them. */
size_t nft_expr_key_len(enum nft_set_id set);
size_t nft_expr_data_len(enum nft_set_id set);

uint32_t nft_expr_set_flags(enum nft_set_id set); /* NFT_SET_* */

/* NEWTABLE, and DELTABLE with @flags 0. */
void nft_expr_put_table(struct nlmsghdr *nlh, const char *table, uint32_t flags);

void nft_expr_put_table_comment(struct nlmsghdr *nlh); /* says whose it is */

/* NEWSET. Counters only if @counter. -ENOMEM. */
int nft_expr_put_set(
    struct nlmsghdr *nlh, const char *table, enum nft_set_id id, uint32_t set_id, bool counter);

/* NEWSET and NEWSETELEM of { tcp, udp }, which @rule_set_id of a rule refers to. -ENOMEM. */
int nft_expr_put_l4_set(struct nlmsghdr *nlh, const char *table, uint32_t id);
void nft_expr_put_l4_elems(struct nlmsghdr *nlh, const char *table, uint32_t id);

/* NEWOBJ of a helper. -ENOMEM. */
int nft_expr_put_helper(struct nlmsghdr *nlh, const char *table, enum nft_helper_id id);

/* NEWCHAIN. -ENOMEM. */
int nft_expr_put_chain(struct nlmsghdr *nlh, const char *table, enum nft_chain_id chain);

/*
 * NEWRULE. @l4_set_id: the anonymous set for a rule with TERM_TCP_OR_UDP. The userdata holds the
 * comment and the rule's hash. -ENOMEM.
 */
int nft_expr_put_rule(
    struct nlmsghdr *nlh, const char *table, const struct nft_rule *rule, uint32_t l4_set_id);
bool nft_expr_has_l4_set(const struct nft_rule *rule);

/*
 * What a rule does, as a number: over its chain, comment and encoded expressions. The kernel keeps
 * it for us, and since a rule is never changed in place, an equal hash is an equal rule. 0: no
 * memory.
 */
uint64_t nft_expr_rule_hash(const struct nft_rule *rule);
uint64_t nft_expr_parse_rule_hash(const struct nlattr *userdata); /* 0: not one of our rules */

/*
 * NEWRULE for a chain of another table: packets whose mark has the bit @mark are accepted. -ENOMEM.
 * is_join: is a rule with this userdata such a one? @mark: its bit, 0 if a tool has loaded it anew,
 * which keeps nothing but the comment. looks_like_join: a rule with these expressions does the
 * same, as a tool may lose even that.
 */
int nft_expr_put_join(struct nlmsghdr *nlh, const char *table, const char *chain, uint32_t mark);
bool nft_expr_is_join(const struct nlattr *userdata, uint32_t *mark);
bool nft_expr_looks_like_join(const struct nlattr *expressions, uint32_t mark);

/* A list of elements: NEWSETELEM, DELSETELEM, GETSETELEM. */
struct nlattr *nft_expr_elems_begin(struct nlmsghdr *nlh, const char *table, enum nft_set_id set);
void nft_expr_put_elem(struct nlmsghdr *nlh, enum nft_set_id set, const struct nft_elem *elem);
void nft_expr_put_key(struct nlmsghdr *nlh, enum nft_set_id set, const struct nft_elem *elem);
void nft_expr_elems_end(struct nlmsghdr *nlh, struct nlattr *list);

/* Reads one element of a list; @packets (may be NULL) is its counter. false: malformed, or not of
 * that set. */
bool nft_expr_parse_elem(
    const struct nlattr *attr, enum nft_set_id set, struct nft_elem *elem, uint64_t *packets);

#endif
