/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What foreign_read() makes of the kernel's answers, and the judge walks: chains, rules, sets, each
 * expression as a plain step. Tests fabricate them.
 */
#ifndef PORTREEVE_KERNEL_FOREIGN_MODEL_H
#define PORTREEVE_KERNEL_FOREIGN_MODEL_H

#include "kernel/foreign.h"

struct nftnl_rule;

#define FOREIGN_REGS 64    /* octets of nf_tables' registers */
#define FOREIGN_KEY_MAX 32 /* octets of a set's key; longer ones are not looked at */
#define FOREIGN_DEVICES 4  /* of a chain at ingress; others are not seen */
#define FOREIGN_STEPS_MAX 64

enum foreign_step_kind {
	STEP_META,        /* reg = meta @key (NFT_META_*) */
	STEP_CT,          /* reg = ct @key (NFT_CT_*) */
	STEP_FIB_TYPE,    /* reg = type of the destination address */
	STEP_FIB_PRESENT, /* reg = is there a route back? */
	STEP_PAYLOAD,     /* reg = @len octets at @offset of header @key (NFT_PAYLOAD_*) */
	STEP_IMMEDIATE,   /* reg = a */
	STEP_UNREAD,      /* reg = something we do not know */
	STEP_BITWISE,     /* reg = from & a ^ b */
	STEP_CMP,         /* goes on if @from compares to a as @key (NFT_CMP_*) says */
	STEP_RANGE,       /* goes on if @from is in a..b; @invert: if not */
	STEP_LOOKUP,      /* goes on if @from is in @set; @verdict_map: does what is found there */
	STEP_SOME,        /* goes on for some packets: rates, quotas */
	STEP_OPAQUE,      /* goes on under a condition that we cannot read */
	STEP_VERDICT,     /* @verdict, @chain */
	STEP_NAT,         /* @key: enum foreign_nat_kind; ends like accept */
};

struct foreign_step {
	uint8_t kind;
	uint8_t reg, from, len; /* octets: where in the registers, how many */
	bool invert, verdict_map;
	uint32_t key, offset;
	int32_t verdict; /* NF_* and NFT_* */
	char *chain;     /* of a jump; owned */
	char *set;       /* owned */
	uint8_t a[16], b[16];
};

struct foreign_rule {
	uint64_t handle;
	struct foreign_step *steps;
	size_t n;
};

struct foreign_chain {
	uint8_t family;
	char *table, *name;
	bool base, nat;
	uint32_t hook; /* NF_INET_*; of family netdev NF_INET_INGRESS */
	int32_t priority;
	uint32_t policy;
	char devices[FOREIGN_DEVICES][IFNAMSIZ]; /* of family netdev */
	struct foreign_rule *rules;
	size_t n, cap;
};

/* One key, or all from @from to @to. */
struct foreign_elem {
	uint8_t from[FOREIGN_KEY_MAX], to[FOREIGN_KEY_MAX];
	int32_t verdict;
	char *chain; /* owned */
};

struct foreign_set {
	uint8_t family;
	char *table, *name;
	uint32_t key_len;
	bool interval; /* of ranges */
	bool boxes;    /* ... in several fields at once, which are not read */
	bool complete; /* all elements are here */
	struct foreign_elem *elems;
	size_t n, cap;
};

struct foreign {
	struct foreign_summary summary;
	struct foreign_chain *chains;
	size_t n_chains, chains_cap;
	struct foreign_set *sets;
	size_t n_sets, sets_cap;
};

/* The chain of that name in the table of @like, or NULL. */
struct foreign_chain *foreign_find_chain(
    const struct foreign *f, const struct foreign_chain *like, const char *name);
struct foreign_set *foreign_find_set(
    const struct foreign *f, const struct foreign_chain *like, const char *name);

/*
 * foreign_parse.c: the steps of one rule as the kernel told it. 0 or -ENOMEM; what cannot be read
 * becomes an opaque step.
 */
int foreign_parse_rule(struct nftnl_rule *nlr, struct foreign_rule *rule);

#endif
