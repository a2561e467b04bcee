/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "kernel/nft_udata.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define PAD4(n) (((n) + 3) & ~(size_t)3)

static const struct {
	uint32_t number; /* as nft(8) knows the type */
	size_t len;
} types[] = {
	[TYPE_NONE] = { 0, 0 },
	[TYPE_IPV4] = { 7, 4 },
	[TYPE_IPV6] = { 8, 16 },
	[TYPE_PROTO] = { 12, 1 },
	[TYPE_PORT] = { 13, 2 },
	[TYPE_IFNAME] = { 41, IFNAMSIZ },
};

/* Concatenated fields are padded to 4 octets each; a field alone is not. */
static size_t
fields_len(const enum nft_type *fields, size_t max)
{
	size_t len = 0, i;

	if (max < 2 || fields[1] == TYPE_NONE)
		return types[fields[0]].len;
	for (i = 0; i < max; i++)
		len += PAD4(types[fields[i]].len);
	return len;
}

/* 6 bits for each field, the first one highest. */
static uint32_t
fields_type(const enum nft_type *fields, size_t max)
{
	uint32_t number = 0;
	size_t i;

	for (i = 0; i < max && fields[i] != TYPE_NONE; i++)
		number = number << 6 | types[fields[i]].number;
	return number;
}

size_t
nft_set_key_len(enum nft_set_id set)
{
	return fields_len(nft_sets[set].key, N(nft_sets[set].key));
}

size_t
nft_set_data_len(enum nft_set_id set)
{
	return fields_len(nft_sets[set].data, N(nft_sets[set].data));
}

uint32_t
nft_set_kind(enum nft_set_id set)
{
	const struct nft_set_spec *spec = &nft_sets[set];

	return (spec->data[0] ? NFT_SET_MAP : 0u) | (spec->timeout ? NFT_SET_TIMEOUT : 0u) |
	       (spec->size ? NFT_SET_EVAL : 0u);
}

static struct nftnl_set *
build_set(const char *table, enum nft_set_id id, bool counter)
{
	static const uint32_t host_order = 1;
	const struct nft_set_spec *spec = &nft_sets[id];
	struct nftnl_set *set = nftnl_set_alloc();
	struct nftnl_expr *expr;
	uint8_t udata[NFT_UDATA_MAX];
	size_t len = 0;

	if (!set)
		return NULL;
	/* nft(8) takes keys for big endian, which turns names of interfaces around. */
	if (spec->key[0] == TYPE_IFNAME)
		len = nft_udata_put(
		    udata, len, NFT_UDATA_SET_BYTEORDER, &host_order, sizeof(host_order));
	len = nft_udata_put(
	    udata, len, NFT_UDATA_SET_COMMENT, spec->comment, strlen(spec->comment) + 1);
	nftnl_set_set_str(set, NFTNL_SET_TABLE, table);
	nftnl_set_set_str(set, NFTNL_SET_NAME, spec->name);
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, fields_type(spec->key, N(spec->key)));
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, nft_set_key_len(id));
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, nft_set_kind(id));
	if (spec->size)
		nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, spec->size);
	if (spec->data[0]) {
		nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, fields_type(spec->data, 2));
		nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, nft_set_data_len(id));
	}
	nftnl_set_set_data(set, NFTNL_SET_USERDATA, udata, len);
	if (!counter || !spec->counter)
		return set;

	expr = nftnl_expr_alloc("counter");
	if (expr && nftnl_set_set_data(set, NFTNL_SET_EXPR, expr, 0) == 0)
		return set; /* which now owns the expression */
	if (expr)
		nftnl_expr_free(expr);
	nftnl_set_free(set);
	return NULL;
}

int
nft_set_put(
    struct nlmsghdr *nlh, const char *table, enum nft_set_id id, uint32_t set_id, bool counter)
{
	struct nftnl_set *set = build_set(table, id, counter);

	if (!set)
		return -ENOMEM;
	nftnl_set_set_u32(set, NFTNL_SET_ID, set_id);
	nftnl_set_nlmsg_build_payload(nlh, set);
	nftnl_set_free(set);
	return 0;
}

int
nft_set_put_l4(struct nlmsghdr *nlh, const char *table, uint32_t id)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set)
		return -ENOMEM;
	nftnl_set_set_str(set, NFTNL_SET_TABLE, table);
	nftnl_set_set_str(set, NFTNL_SET_NAME, NFT_L4_SET_NAME);
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, types[TYPE_PROTO].number);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, types[TYPE_PROTO].len);
	nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, 2);
	nftnl_set_set_u32(set, NFTNL_SET_ID, id);
	nftnl_set_nlmsg_build_payload(nlh, set);
	nftnl_set_free(set);
	return 0;
}
