/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_expr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/rtnetlink.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "kernel/nfnl.h"
#include "kernel/nft_log.h"

/*
 * Registers of 4 octets each follow one another from NFT_REG_1 on, but as numbers they are 1 and
 * then 9, 10, ...: a key of several fields is loaded into REG(0), REG(1), REG(2).
 */
#define REG(i) ((i) == 0 ? NFT_REG_1 : NFT_REG32_00 + (uint32_t)(i))

/* Userdata is a list of type, length, value. Type 0 is the comment that nft(8) shows. */
#define UDATA_COMMENT 0
#define UDATA_SET_BYTEORDER 0
#define UDATA_SET_COMMENT 7
#define UDATA_LEASE 0x70
#define UDATA_RULE_HASH 0x71
#define UDATA_JOIN_MARK 0x72
#define UDATA_MAX 254 /* the kernel drops 256 in silence */

#define L4_SET_NAME "__set%d" /* the kernel fills in the number */

/* ---- sets ---- */

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

#define PAD4(n) (((n) + 3) & ~(size_t)3)

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

#define N(array) (sizeof(array) / sizeof((array)[0]))

size_t
nft_expr_key_len(enum nft_set_id set)
{
	return fields_len(nft_sets[set].key, N(nft_sets[set].key));
}

size_t
nft_expr_data_len(enum nft_set_id set)
{
	return fields_len(nft_sets[set].data, N(nft_sets[set].data));
}

uint32_t
nft_expr_set_flags(enum nft_set_id set)
{
	const struct nft_set_spec *spec = &nft_sets[set];

	return (spec->data[0] ? NFT_SET_MAP : 0u) | (spec->timeout ? NFT_SET_TIMEOUT : 0u) |
	       (spec->size ? NFT_SET_EVAL : 0u);
}

static size_t
put_udata(uint8_t *buf, size_t at, uint8_t type, const void *value, size_t len)
{
	if (at + 2 + len > UDATA_MAX)
		return at;
	buf[at] = type;
	buf[at + 1] = (uint8_t)len;
	memcpy(buf + at + 2, value, len);
	return at + 2 + len;
}

static const uint8_t *
find_udata(const struct nlattr *attr, uint8_t type, size_t len)
{
	const uint8_t *buf = mnl_attr_get_payload(attr);
	size_t size = mnl_attr_get_payload_len(attr), at = 0;

	while (at + 2 <= size && at + 2 + buf[at + 1] <= size) {
		if (buf[at] == type && buf[at + 1] == len)
			return buf + at + 2;
		at += 2 + (size_t)buf[at + 1];
	}
	return NULL;
}

void
nft_expr_put_table(struct nlmsghdr *nlh, const char *table, uint32_t flags)
{
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	mnl_attr_put_u32(nlh, NFTA_TABLE_FLAGS, htonl(flags));
}

void
nft_expr_put_table_comment(struct nlmsghdr *nlh)
{
	static const char text[] = "port mappings, kept by portreeved";
	uint8_t udata[UDATA_MAX];

	mnl_attr_put(nlh, NFTA_TABLE_USERDATA,
	    put_udata(udata, 0, UDATA_COMMENT, text, sizeof(text)), udata);
}

static struct nftnl_set *
build_set(const char *table, enum nft_set_id id, bool counter)
{
	static const uint32_t host_order = 1;
	const struct nft_set_spec *spec = &nft_sets[id];
	struct nftnl_set *set = nftnl_set_alloc();
	struct nftnl_expr *expr;
	uint8_t udata[UDATA_MAX];
	size_t len = 0;

	if (!set)
		return NULL;
	/* nft(8) takes keys for big endian, which turns names of interfaces around. */
	if (spec->key[0] == TYPE_IFNAME)
		len = put_udata(udata, len, UDATA_SET_BYTEORDER, &host_order, sizeof(host_order));
	len = put_udata(udata, len, UDATA_SET_COMMENT, spec->comment, strlen(spec->comment) + 1);
	nftnl_set_set_str(set, NFTNL_SET_TABLE, table);
	nftnl_set_set_str(set, NFTNL_SET_NAME, spec->name);
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, fields_type(spec->key, N(spec->key)));
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, nft_expr_key_len(id));
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, nft_expr_set_flags(id));
	if (spec->size)
		nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, spec->size);
	if (spec->data[0]) {
		nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, fields_type(spec->data, 2));
		nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, nft_expr_data_len(id));
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
nft_expr_put_set(
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
nft_expr_put_l4_set(struct nlmsghdr *nlh, const char *table, uint32_t id)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set)
		return -ENOMEM;
	nftnl_set_set_str(set, NFTNL_SET_TABLE, table);
	nftnl_set_set_str(set, NFTNL_SET_NAME, L4_SET_NAME);
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

/* ---- elements ---- */

static void
put_key(struct nlmsghdr *nlh, const void *key, size_t len)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);

	mnl_attr_put(nlh, NFTA_DATA_VALUE, len, key);
	mnl_attr_nest_end(nlh, nest);
}

void
nft_expr_put_l4_elems(struct nlmsghdr *nlh, const char *table, uint32_t id)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct nlattr *list, *nest;
	size_t i;

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, L4_SET_NAME);
	mnl_attr_put_u32(nlh, NFTA_SET_ELEM_LIST_SET_ID, htonl(id));
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (i = 0; i < N(protocols); i++) {
		nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
		put_key(nlh, &protocols[i], 1);
		mnl_attr_nest_end(nlh, nest);
	}
	mnl_attr_nest_end(nlh, list);
}

static void
set_u32(uint8_t *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, sizeof(value));
}

static uint32_t
get_u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return ntohl(value);
}

static void
set_port(uint8_t *at, uint16_t port)
{
	port = htons(port);
	memcpy(at, &port, sizeof(port));
}

static void
init_elem(const struct nft_mapping *m, struct nft_elem *elem)
{
	*elem = (struct nft_elem){ .id = m->id };
	if (m->timeout_ms)
		elem->timeout_ms = m->timeout_ms + NFT_GRACE_MS;
}

void
nft_expr_map(const struct nft_mapping *m, enum nft_set_id *set, struct nft_elem *elem)
{
	uint8_t *key = elem->key;

	init_elem(m, elem);
	*set = m->remote_host ? SET_PM4R : SET_PM4;
	if (m->remote_host) {
		set_u32(key, m->remote_host);
		key += 4;
	}
	key[0] = m->protocol;
	set_port(key + 4, m->external_port);
	set_u32(elem->data, m->internal_client);
	set_port(elem->data + 4, m->internal_port);
}

void
nft_expr_mapped(const struct nft_mapping *m, struct nft_elem *elem)
{
	init_elem(m, elem);
	elem->key[0] = m->protocol;
	set_port(elem->key + 4, m->external_port);
}

void
nft_expr_mapped_remote(const struct nft_mapping *m, struct nft_elem *elem)
{
	init_elem(m, elem);
	set_u32(elem->key, m->remote_host);
	elem->key[4] = m->protocol;
	set_port(elem->key + 8, m->external_port);
}

void
nft_expr_source(const struct nft_mapping *m, struct nft_elem *elem)
{
	init_elem(m, elem);
	set_u32(elem->key, m->internal_client);
	elem->key[4] = m->protocol;
	set_port(elem->key + 8, m->internal_port);
	set_port(elem->data, m->external_port);
}

void
nft_expr_open(const struct nft_mapping *m, enum nft_set_id *set, struct nft_elem *elem)
{
	uint8_t *key = elem->key;

	init_elem(m, elem);
	*set = m->remote_host ? SET_OPEN4R : SET_OPEN4;
	if (m->remote_host) {
		set_u32(key, m->remote_host);
		key += 4;
	}
	set_u32(key, m->internal_client);
	key[4] = m->protocol;
	set_port(key + 8, m->internal_port);
}

static enum nft_set_id
pinhole_set(const struct nft_pinhole *p)
{
	bool remote = !addr6_is_zero(&p->remote_host);

	if (p->protocol == NFT_PROTO_ANY)
		return remote ? SET_PH6AR : SET_PH6A;
	if (p->internal_port == 0) {
		if (p->remote_port == 0)
			return remote ? SET_PH6PR : SET_PH6P;
		return remote ? SET_PH6PRS : SET_PH6PS;
	}
	if (p->remote_port == 0)
		return remote ? SET_PH6R : SET_PH6;
	return remote ? SET_PH6RS : SET_PH6S;
}

void
nft_expr_pinhole(const struct nft_pinhole *p, enum nft_set_id *set, struct nft_elem *elem)
{
	struct nft_pinhole_fields f;
	uint8_t *key = elem->key;

	*elem = (struct nft_elem){ .id = p->id };
	if (p->timeout_ms)
		elem->timeout_ms = p->timeout_ms + NFT_GRACE_MS;
	*set = pinhole_set(p);
	f = nft_ruleset_pinhole(*set);
	if (f.remote_host) {
		memcpy(key, p->remote_host.octet, 16);
		key += 16;
	}
	memcpy(key, p->internal_client.octet, 16);
	key += 16;
	if (f.protocol) {
		key[0] = (uint8_t)p->protocol;
		key += 4;
	}
	if (f.internal_port) {
		set_port(key, p->internal_port);
		key += 4;
	}
	if (f.remote_port)
		set_port(key, p->remote_port);
}

void
nft_expr_flow(const struct nft_flow *flow, enum nft_set_id *set, struct nft_elem *elem)
{
	uint8_t *key = elem->key;
	uint32_t inside, peer;

	*elem = (struct nft_elem){ .timeout_ms = NFT_ENDED_MS };
	if (addr6_to4(&flow->inside, &inside) && addr6_to4(&flow->peer, &peer)) {
		*set = SET_ENDED4;
		set_u32(key, inside);
		set_port(key + 4, flow->inside_port);
		set_u32(key + 8, peer);
		set_port(key + 12, flow->peer_port);
		return;
	}
	*set = SET_ENDED6;
	memcpy(key, flow->inside.octet, 16);
	set_port(key + 16, flow->inside_port);
	memcpy(key + 20, flow->peer.octet, 16);
	set_port(key + 36, flow->peer_port);
}

void
nft_expr_ifname(const char *name, struct nft_elem *elem)
{
	*elem = (struct nft_elem){ 0 };
	snprintf((char *)elem->key, IFNAMSIZ, "%s", name);
}

void
nft_expr_addr(uint32_t addr, struct nft_elem *elem)
{
	*elem = (struct nft_elem){ 0 };
	set_u32(elem->key, addr);
}

struct nlattr *
nft_expr_elems_begin(struct nlmsghdr *nlh, const char *table, enum nft_set_id set)
{
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, nft_sets[set].name);
	return mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
}

void
nft_expr_elems_end(struct nlmsghdr *nlh, struct nlattr *list)
{
	mnl_attr_nest_end(nlh, list);
}

void
nft_expr_put_key(struct nlmsghdr *nlh, enum nft_set_id set, const struct nft_elem *elem)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);

	put_key(nlh, elem->key, nft_expr_key_len(set));
	mnl_attr_nest_end(nlh, nest);
}

/* "id 123" for people, and the number for us. */
static void
put_elem_udata(struct nlmsghdr *nlh, uint32_t id)
{
	uint8_t udata[UDATA_MAX];
	char text[16];
	uint8_t number[4];
	size_t len;
	int n = snprintf(text, sizeof(text), "id %u", id);

	len = put_udata(udata, 0, UDATA_COMMENT, text, (size_t)n + 1);
	set_u32(number, id);
	len = put_udata(udata, len, UDATA_LEASE, number, sizeof(number));
	mnl_attr_put(nlh, NFTA_SET_ELEM_USERDATA, len, udata);
}

void
nft_expr_put_elem(struct nlmsghdr *nlh, enum nft_set_id set, const struct nft_elem *elem)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM), *data;
	size_t data_len = nft_expr_data_len(set);

	put_key(nlh, elem->key, nft_expr_key_len(set));
	if (data_len) {
		data = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_DATA);
		mnl_attr_put(nlh, NFTA_DATA_VALUE, data_len, elem->data);
		mnl_attr_nest_end(nlh, data);
	}
	if (elem->timeout_ms)
		mnl_attr_put_u64(
		    nlh, NFTA_SET_ELEM_TIMEOUT, __builtin_bswap64((uint64_t)elem->timeout_ms));
	if (elem->id)
		put_elem_udata(nlh, elem->id);
	mnl_attr_nest_end(nlh, nest);
}

/* Exactly @len octets of a NFTA_DATA_VALUE. */
static bool
parse_value(const struct nlattr *nest, void *value, size_t len)
{
	const struct nlattr *tb[NFTA_DATA_VALUE + 1];

	nfnl_parse_nest(nest, tb, N(tb));
	if (!tb[NFTA_DATA_VALUE] || mnl_attr_get_payload_len(tb[NFTA_DATA_VALUE]) != len)
		return false;
	memcpy(value, mnl_attr_get_payload(tb[NFTA_DATA_VALUE]), len);
	return true;
}

static bool
parse_u64(const struct nlattr *attr, uint64_t *value)
{
	if (mnl_attr_get_payload_len(attr) != sizeof(*value))
		return false;
	memcpy(value, mnl_attr_get_payload(attr), sizeof(*value));
	*value = __builtin_bswap64(*value);
	return true;
}

static bool
parse_counter(const struct nlattr *nest, uint64_t *packets)
{
	const struct nlattr *tb[NFTA_EXPR_DATA + 1], *counter[NFTA_COUNTER_PACKETS + 1];

	nfnl_parse_nest(nest, tb, N(tb));
	if (!tb[NFTA_EXPR_NAME] || !tb[NFTA_EXPR_DATA] ||
	    strcmp(mnl_attr_get_str(tb[NFTA_EXPR_NAME]), "counter") != 0)
		return false;
	nfnl_parse_nest(tb[NFTA_EXPR_DATA], counter, N(counter));
	return counter[NFTA_COUNTER_PACKETS] && parse_u64(counter[NFTA_COUNTER_PACKETS], packets);
}

bool
nft_expr_parse_elem(
    const struct nlattr *attr, enum nft_set_id set, struct nft_elem *elem, uint64_t *packets)
{
	const struct nlattr *tb[NFTA_SET_ELEM_EXPR + 1];
	size_t data_len = nft_expr_data_len(set);
	const uint8_t *id;
	uint64_t remaining = 0;

	*elem = (struct nft_elem){ 0 };
	nfnl_parse_nest(attr, tb, N(tb));
	if (!tb[NFTA_SET_ELEM_KEY] ||
	    !parse_value(tb[NFTA_SET_ELEM_KEY], elem->key, nft_expr_key_len(set)))
		return false;
	if (data_len &&
	    (!tb[NFTA_SET_ELEM_DATA] || !parse_value(tb[NFTA_SET_ELEM_DATA], elem->data, data_len)))
		return false;
	if (tb[NFTA_SET_ELEM_TIMEOUT] && tb[NFTA_SET_ELEM_EXPIRATION] &&
	    parse_u64(tb[NFTA_SET_ELEM_EXPIRATION], &remaining))
		elem->timeout_ms = remaining ? (int64_t)remaining : 1;
	if (tb[NFTA_SET_ELEM_USERDATA]) {
		id = find_udata(tb[NFTA_SET_ELEM_USERDATA], UDATA_LEASE, sizeof(elem->id));
		if (id)
			elem->id = get_u32(id);
	}
	if (packets) {
		*packets = 0;
		if (tb[NFTA_SET_ELEM_EXPR])
			parse_counter(tb[NFTA_SET_ELEM_EXPR], packets);
	}
	return true;
}

/* ---- chains ---- */

int
nft_expr_put_chain(struct nlmsghdr *nlh, const char *table, enum nft_chain_id id)
{
	const struct nft_chain_spec *spec = &nft_chains[id];
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (!chain)
		return -ENOMEM;
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, table);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, spec->name);
	if (spec->type) {
		nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, spec->type);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, spec->hook);
		nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, spec->priority);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	}
	nftnl_chain_nlmsg_build_payload(nlh, chain);
	nftnl_chain_free(chain);
	return 0;
}

/* ---- helpers ---- */

int
nft_expr_put_helper(struct nlmsghdr *nlh, const char *table, enum nft_helper_id id)
{
	const struct nft_helper_spec *spec = &nft_helpers[id];
	struct nftnl_obj *obj = nftnl_obj_alloc();

	if (!obj)
		return -ENOMEM;
	nftnl_obj_set_str(obj, NFTNL_OBJ_TABLE, table);
	nftnl_obj_set_str(obj, NFTNL_OBJ_NAME, spec->name);
	nftnl_obj_set_u32(obj, NFTNL_OBJ_TYPE, NFT_OBJECT_CT_HELPER);
	nftnl_obj_set_str(obj, NFTNL_OBJ_CT_HELPER_NAME, spec->type);
	nftnl_obj_set_u8(obj, NFTNL_OBJ_CT_HELPER_L4PROTO, spec->protocol);
	nftnl_obj_nlmsg_build_payload(nlh, obj);
	nftnl_obj_free(obj);
	return 0;
}

/* ---- rules ---- */

/* Expressions are added until one cannot be had; then the rule is not used. */
struct builder {
	struct nftnl_rule *rule;
	uint32_t l4_set_id;
	bool failed;
};

static struct nftnl_expr *
add(struct builder *b, const char *name)
{
	struct nftnl_expr *expr = b->failed ? NULL : nftnl_expr_alloc(name);

	if (!expr) {
		b->failed = true;
		return NULL;
	}
	nftnl_rule_add_expr(b->rule, expr);
	return expr;
}

static void
add_meta(struct builder *b, uint32_t key, uint32_t dreg)
{
	struct nftnl_expr *e = add(b, "meta");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, dreg);
}

static void
add_payload(struct builder *b, uint32_t base, uint32_t offset, uint32_t len, uint32_t dreg)
{
	struct nftnl_expr *e = add(b, "payload");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, dreg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
}

static void
add_cmp(struct builder *b, uint32_t op, const void *data, uint32_t len)
{
	struct nftnl_expr *e = add(b, "cmp");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
}

/* Key in REG(0).., data (if @dreg) into REG(0).. */
static void
add_lookup(struct builder *b, const char *set, uint32_t set_id, bool dreg, bool invert)
{
	struct nftnl_expr *e = add(b, "lookup");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, set_id);
	if (dreg)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
	if (invert)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

static void
add_ifname_set(struct builder *b, uint32_t key, enum nft_set_id set, bool invert)
{
	add_meta(b, key, NFT_REG_1);
	add_lookup(b, nft_sets[set].name, set + 1, false, invert);
}

static void
add_not_lo(struct builder *b, uint32_t key)
{
	static const char lo[IFNAMSIZ] = "lo";

	add_meta(b, key, NFT_REG_1);
	add_cmp(b, NFT_CMP_NEQ, lo, sizeof(lo));
}

static void
add_protocol(struct builder *b, uint8_t protocol)
{
	add_meta(b, NFT_META_L4PROTO, NFT_REG_1);
	add_cmp(b, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

/* All packets of a flow until its first answer; related: one that a helper foresaw. */
#define UNREPLIED (uint32_t)(NF_CT_STATE_BIT(IP_CT_NEW) | NF_CT_STATE_BIT(IP_CT_RELATED))

#define ANSWERED (uint32_t)(NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED))

#define IP6_SADDR (uint32_t)8
#define IP6_DADDR (uint32_t)24
#define IP_SADDR (uint32_t)12
#define IP_DADDR (uint32_t)16
#define TH_SPORT (uint32_t)0
#define TH_DPORT (uint32_t)2
#define TH_FLAGS_AT (uint32_t)13

static void
add_saddr(struct builder *b, uint32_t dreg)
{
	add_payload(b, NFT_PAYLOAD_NETWORK_HEADER, IP_SADDR, 4, dreg);
}

static void
add_port(struct builder *b, uint32_t offset, uint32_t dreg)
{
	add_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, offset, 2, dreg);
}

static void
add_dport(struct builder *b, uint8_t protocol, uint32_t port)
{
	uint16_t be = htons((uint16_t)port);

	add_protocol(b, protocol);
	add_port(b, TH_DPORT, NFT_REG_1);
	add_cmp(b, NFT_CMP_EQ, &be, sizeof(be));
}

/* Looks (protocol, port) up, after the source address if @saddr; the data goes to REG(0).. */
static void
add_endpoint_lookup(
    struct builder *b, enum nft_set_id set, bool saddr, uint32_t port_offset, bool dreg)
{
	int at = 0;

	if (saddr)
		add_saddr(b, REG(at++));
	add_meta(b, NFT_META_L4PROTO, REG(at));
	add_port(b, port_offset, REG(at + 1));
	add_lookup(b, nft_sets[set].name, set + 1, dreg, false);
}

static void
add_open(struct builder *b, enum nft_set_id set)
{
	int at = 0;

	if (set == SET_OPEN4R)
		add_saddr(b, REG(at++));
	add_payload(b, NFT_PAYLOAD_NETWORK_HEADER, IP_DADDR, 4, REG(at));
	add_meta(b, NFT_META_L4PROTO, REG(at + 1));
	add_port(b, TH_DPORT, REG(at + 2));
	add_lookup(b, nft_sets[set].name, set + 1, false, false);
}

static void
add_dnat(struct builder *b)
{
	struct nftnl_expr *e = add(b, "nat");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, REG(0));
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, REG(1));
}

static void
add_masq(struct builder *b, uint32_t flags)
{
	struct nftnl_expr *e = add(b, "masq");

	if (!e)
		return;
	if (flags)
		nftnl_expr_set_u32(e, NFTNL_EXPR_MASQ_FLAGS, flags);
	if (flags & NF_NAT_RANGE_PROTO_SPECIFIED)
		nftnl_expr_set_u32(e, NFTNL_EXPR_MASQ_REG_PROTO_MIN, NFT_REG_1);
}

/* A field of the flow's first packet. */
static void
add_ct_original(struct builder *b, uint32_t key, uint32_t dreg)
{
	struct nftnl_expr *e = add(b, "ct");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, IP_CT_DIR_ORIGINAL);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, dreg);
}

/* To the address that the first packet was sent to, with the port in REG(0) if @flags say so. */
static void
add_snat(struct builder *b, uint32_t flags)
{
	struct nftnl_expr *e;

	add_ct_original(b, NFT_CT_DST_IP, REG(1));
	e = add(b, "nat");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_SNAT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, REG(1));
	if (flags & NF_NAT_RANGE_PROTO_SPECIFIED)
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, REG(0));
	if (flags)
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FLAGS, flags);
}

/* Leaves the bits of @mask, then turns those of @flip around; both are @len long. */
static void
add_mask(struct builder *b, const void *mask, const void *flip, uint32_t len)
{
	struct nftnl_expr *e = add(b, "bitwise");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, flip, len);
}

/* Status or state of the flow has one bit of @mask at least. */
static void
add_ct_any(struct builder *b, uint32_t key, uint32_t mask)
{
	static const uint32_t zero;
	struct nftnl_expr *e = add(b, "ct");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	add_mask(b, &mask, &zero, sizeof(mask));
	add_cmp(b, NFT_CMP_NEQ, &zero, sizeof(zero));
}

static void
add_local(struct builder *b)
{
	static const uint32_t local = RTN_LOCAL;
	struct nftnl_expr *e = add(b, "fib");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
	add_cmp(b, NFT_CMP_EQ, &local, sizeof(local));
}

static void
add_knock(struct builder *b)
{
	struct nftnl_expr *e;

	add_meta(b, NFT_META_L4PROTO, REG(0));
	add_port(b, TH_DPORT, REG(1));
	e = add(b, "dynset");
	if (!e)
		return;
	nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, nft_sets[SET_KNOCKED4].name);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SET_ID, SET_KNOCKED4 + 1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, REG(0));
	nftnl_expr_set_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT, NFT_KNOCK_MS);
}

static void
add_verdict(struct builder *b, uint32_t verdict, const char *chain)
{
	struct nftnl_expr *e = add(b, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, verdict);
	if (chain)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
}

static void
add_family(struct builder *b, uint8_t family)
{
	add_meta(b, NFT_META_NFPROTO, NFT_REG_1);
	add_cmp(b, NFT_CMP_EQ, &family, sizeof(family));
}

/* Registers are counted in fours of octets. */
static void
add_pinhole(struct builder *b, enum nft_set_id set)
{
	struct nft_pinhole_fields f = nft_ruleset_pinhole(set);
	int at = f.remote_host ? 4 : 0;

	if (f.remote_host)
		add_payload(b, NFT_PAYLOAD_NETWORK_HEADER, IP6_SADDR, 16, REG(0));
	add_payload(b, NFT_PAYLOAD_NETWORK_HEADER, IP6_DADDR, 16, REG(at));
	at += 4;
	if (f.protocol)
		add_meta(b, NFT_META_L4PROTO, REG(at));
	at++;
	if (f.internal_port) {
		add_port(b, TH_DPORT, REG(at));
		at++;
	}
	if (f.remote_port)
		add_port(b, TH_SPORT, REG(at));
	add_lookup(b, nft_sets[set].name, set + 1, false, false);
}

static void
add_udp_ports(struct builder *b, uint32_t sport, uint32_t dport)
{
	uint16_t be = htons((uint16_t)sport);

	add_protocol(b, IPPROTO_UDP);
	add_port(b, TH_SPORT, NFT_REG_1);
	add_cmp(b, NFT_CMP_EQ, &be, sizeof(be));
	be = htons((uint16_t)dport);
	add_port(b, TH_DPORT, NFT_REG_1);
	add_cmp(b, NFT_CMP_EQ, &be, sizeof(be));
}

static void
add_icmp(struct builder *b, uint8_t type)
{
	add_protocol(b, IPPROTO_ICMP);
	add_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, NFT_REG_1);
	add_cmp(b, NFT_CMP_EQ, &type, sizeof(type));
}

static void
add_icmpv6(struct builder *b, uint8_t first, uint8_t last)
{
	add_protocol(b, IPPROTO_ICMPV6);
	add_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, NFT_REG_1);
	add_cmp(b, NFT_CMP_GTE, &first, sizeof(first));
	add_cmp(b, NFT_CMP_LTE, &last, sizeof(last));
}

static void
add_below_dport(struct builder *b, uint32_t port)
{
	uint16_t be = htons((uint16_t)port);

	add_port(b, TH_DPORT, NFT_REG_1);
	add_cmp(b, NFT_CMP_LT, &be, sizeof(be));
}

static void
add_ended(struct builder *b, enum nft_set_id set)
{
	bool six = set == SET_ENDED6;
	uint32_t len = six ? 16 : 4;
	int words = six ? 4 : 1;

	add_payload(b, NFT_PAYLOAD_NETWORK_HEADER, six ? IP6_SADDR : IP_SADDR, len, REG(0));
	add_port(b, TH_SPORT, REG(words));
	add_payload(b, NFT_PAYLOAD_NETWORK_HEADER, six ? IP6_DADDR : IP_DADDR, len, REG(words + 1));
	add_port(b, TH_DPORT, REG(2 * words + 1));
	add_lookup(b, nft_sets[set].name, set + 1, false, false);
}

static void
add_original(struct builder *b)
{
	static const uint8_t original = IP_CT_DIR_ORIGINAL;
	struct nftnl_expr *e = add(b, "ct");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_DIRECTION);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	add_cmp(b, NFT_CMP_EQ, &original, sizeof(original));
}

/* A segment of TCP whose flags in @mask are @flags. */
static void
add_tcp_flags(struct builder *b, uint8_t mask, uint8_t flags)
{
	static const uint8_t zero;

	add_protocol(b, IPPROTO_TCP);
	add_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, TH_FLAGS_AT, 1, NFT_REG_1);
	add_mask(b, &mask, &zero, sizeof(mask));
	add_cmp(b, NFT_CMP_EQ, &flags, sizeof(flags));
}

/* What fits on the routes of both directions; the kernel only ever makes an option smaller. */
static void
add_clamp_mss(struct builder *b)
{
	struct nftnl_expr *e = add(b, "rt");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_RT_KEY, NFT_RT_TCPMSS);
	nftnl_expr_set_u32(e, NFTNL_EXPR_RT_DREG, NFT_REG_1);
	e = add(b, "byteorder");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_LEN, 2);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SIZE, 2);
	e = add(b, "exthdr");
	if (!e)
		return;
	nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, TCPOPT_MAXSEG);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OFFSET, 2);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_LEN, 2);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_SREG, NFT_REG_1);
}

/* What goes beyond the rate ends the rule, and is not logged. */
static void
add_log(struct builder *b, uint32_t kind, uint32_t rate)
{
	struct nftnl_expr *e = add(b, "limit");

	if (!e)
		return;
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, rate);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, 2 * rate);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	e = add(b, "log");
	if (!e)
		return;
	nftnl_expr_set_str(e, NFTNL_EXPR_LOG_PREFIX, nft_log_prefixes[kind]);
	nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP, NFT_LOG_GROUP);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOG_SNAPLEN, NFT_LOG_SNAP);
}

static void
add_mapped(struct builder *b, enum nft_set_id set)
{
	int at = 0;

	if (set == SET_MAPPED4R)
		add_ct_original(b, NFT_CT_SRC_IP, REG(at++));
	add_meta(b, NFT_META_L4PROTO, REG(at));
	add_ct_original(b, NFT_CT_PROTO_DST, REG(at + 1));
	add_lookup(b, nft_sets[set].name, set + 1, false, false);
}

static void
add_helper(struct builder *b, enum nft_helper_id id)
{
	struct nftnl_expr *e = add(b, "objref");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_CT_HELPER);
	nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, nft_helpers[id].name);
}

static void
add_mark(struct builder *b, uint32_t bit)
{
	const uint32_t mask = ~bit;
	struct nftnl_expr *e;

	add_meta(b, NFT_META_MARK, NFT_REG_1);
	add_mask(b, &mask, &bit, sizeof(mask));
	e = add(b, "meta");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

static void
add_term(struct builder *b, const struct nft_term *term)
{
	switch (term->kind) {
	case TERM_END:
		return;
	case TERM_IIF_IN:
		return add_ifname_set(b, NFT_META_IIFNAME, term->set, false);
	case TERM_IIF_NOT_IN:
		return add_ifname_set(b, NFT_META_IIFNAME, term->set, true);
	case TERM_IIF_NOT_LO:
		return add_not_lo(b, NFT_META_IIFNAME);
	case TERM_OIF_IN:
		return add_ifname_set(b, NFT_META_OIFNAME, term->set, false);
	case TERM_OIF_NOT_IN:
		return add_ifname_set(b, NFT_META_OIFNAME, term->set, true);
	case TERM_OIF_NOT_LO:
		return add_not_lo(b, NFT_META_OIFNAME);
	case TERM_IPV4:
		return add_family(b, NFPROTO_IPV4);
	case TERM_TCP_OR_UDP:
		add_meta(b, NFT_META_L4PROTO, NFT_REG_1);
		return add_lookup(b, L4_SET_NAME, b->l4_set_id, false, false);
	case TERM_UDP_DPORT:
		return add_dport(b, IPPROTO_UDP, term->value);
	case TERM_UDP_PORTS:
		return add_udp_ports(b, term->value >> 16, term->value & 0xffff);
	case TERM_TCP_DPORT:
		return add_dport(b, IPPROTO_TCP, term->value);
	case TERM_LOCAL:
		return add_local(b);
	case TERM_DADDR_IN:
		add_payload(b, NFT_PAYLOAD_NETWORK_HEADER, IP_DADDR, 4, NFT_REG_1);
		return add_lookup(b, nft_sets[term->set].name, term->set + 1, false, false);
	case TERM_SENT_TO:
		add_ct_original(b, NFT_CT_DST_IP, NFT_REG_1);
		return add_lookup(b, nft_sets[term->set].name, term->set + 1, false, false);
	case TERM_SPORT_MAPPED:
		return add_endpoint_lookup(b, SET_MAPPED4, false, TH_SPORT, false);
	case TERM_DNATED:
		return add_ct_any(b, NFT_CT_STATUS, IPS_DST_NAT);
	case TERM_UNREPLIED:
		return add_ct_any(b, NFT_CT_STATE, UNREPLIED);
	case TERM_SKUID:
		add_meta(b, NFT_META_SKUID, NFT_REG_1);
		return add_cmp(b, NFT_CMP_EQ, &term->value, sizeof(term->value));
	case TERM_IPV6:
		return add_family(b, NFPROTO_IPV6);
	case TERM_PROTO:
		return add_protocol(b, (uint8_t)term->value);
	case TERM_BELOW_DPORT:
		return add_below_dport(b, term->value);
	case TERM_ICMP:
		return add_icmp(b, (uint8_t)term->value);
	case TERM_ICMPV6:
		return add_icmpv6(b, (uint8_t)(term->value >> 8), (uint8_t)term->value);
	case TERM_ORIGINAL:
		return add_original(b);
	case TERM_ESTABLISHED:
		return add_ct_any(b, NFT_CT_STATE, ANSWERED);
	case TERM_OPEN4:
		return add_open(b, term->set);
	case TERM_PINHOLE:
		return add_pinhole(b, term->set);
	case TERM_TCP_SYN:
		return add_tcp_flags(b, TH_SYN | TH_RST, TH_SYN);
	case TERM_MIDSTREAM:
		return add_tcp_flags(b, TH_SYN, 0);
	case TERM_ENDED:
		return add_ended(b, term->set);
	case TERM_SERVICE:
		return add_endpoint_lookup(b, SET_SERVICES, false, TH_DPORT, false);
	case TERM_MAPPED:
		return add_mapped(b, term->set);
	case TERM_HELPER:
		return add_helper(b, (enum nft_helper_id)term->value);
	case TERM_MARK:
		return add_mark(b, term->value);
	case TERM_LET_IN: /* nft_ruleset_rules() has put another in its place */
		return;
	case TERM_RETURN:
		return add_verdict(b, (uint32_t)NFT_RETURN, NULL);
	case TERM_JUMP:
		return add_verdict(b, (uint32_t)NFT_JUMP, nft_chains[term->value].name);
	case TERM_ACCEPT:
		return add_verdict(b, NF_ACCEPT, NULL);
	case TERM_DROP:
		return add_verdict(b, NF_DROP, NULL);
	case TERM_DNAT_PM4:
		add_endpoint_lookup(b, SET_PM4, false, TH_DPORT, true);
		return add_dnat(b);
	case TERM_DNAT_PM4R:
		add_endpoint_lookup(b, SET_PM4R, true, TH_DPORT, true);
		return add_dnat(b);
	case TERM_MASQ:
		return add_masq(b, 0);
	case TERM_MASQ_RANDOM:
		return add_masq(b, NF_NAT_RANGE_PROTO_RANDOM_FULLY);
	case TERM_MASQ_SRC4:
		add_endpoint_lookup(b, SET_SRC4, true, TH_SPORT, true);
		return add_masq(b, NF_NAT_RANGE_PROTO_SPECIFIED);
	case TERM_SNAT:
		return add_snat(b, 0);
	case TERM_SNAT_RANDOM:
		return add_snat(b, NF_NAT_RANGE_PROTO_RANDOM_FULLY);
	case TERM_SNAT_SRC4:
		add_endpoint_lookup(b, SET_SRC4, true, TH_SPORT, true);
		return add_snat(b, NF_NAT_RANGE_PROTO_SPECIFIED);
	case TERM_KNOCK:
		return add_knock(b);
	case TERM_LOG:
		return add_log(b, term->value & 0xff, term->value >> 8);
	case TERM_CLAMP_MSS:
		return add_clamp_mss(b);
	}
}

bool
nft_expr_has_l4_set(const struct nft_rule *rule)
{
	size_t t;

	for (t = 0; t < NFT_TERMS; t++)
		if (rule->terms[t].kind == TERM_TCP_OR_UDP)
			return true;
	return false;
}

/* Writes all but the userdata. */
static int
put_rule_body(
    struct nlmsghdr *nlh, const char *table, const struct nft_rule *spec, uint32_t l4_set_id)
{
	struct builder b = { .rule = nftnl_rule_alloc(), .l4_set_id = l4_set_id };
	size_t t;

	if (!b.rule)
		return -ENOMEM;
	nftnl_rule_set_str(b.rule, NFTNL_RULE_TABLE, table);
	nftnl_rule_set_str(b.rule, NFTNL_RULE_CHAIN, nft_chains[spec->chain].name);
	for (t = 0; t < NFT_TERMS && spec->terms[t].kind != TERM_END; t++)
		add_term(&b, &spec->terms[t]);
	if (!b.failed)
		nftnl_rule_nlmsg_build_payload(nlh, b.rule);
	nftnl_rule_free(b.rule);
	return b.failed ? -ENOMEM : 0;
}

static uint64_t
fnv1a(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		hash = (hash ^ *p++) * 0x100000001b3u;
	return hash;
}

uint64_t
nft_expr_rule_hash(const struct nft_rule *rule)
{
	union {
		struct nlmsghdr nlh;
		char room[NFT_ROOM];
	} u;
	uint64_t hash = 0xcbf29ce484222325u;

	memset(&u, 0, sizeof(u));
	mnl_nlmsg_put_header(&u);
	if (put_rule_body(&u.nlh, NFT_TABLE, rule, 0) < 0)
		return 0;
	hash = fnv1a(hash, mnl_nlmsg_get_payload(&u.nlh), mnl_nlmsg_get_payload_len(&u.nlh));
	if (rule->comment)
		hash = fnv1a(hash, rule->comment, strlen(rule->comment));
	return hash ? hash : 1;
}

int
nft_expr_put_rule(
    struct nlmsghdr *nlh, const char *table, const struct nft_rule *rule, uint32_t l4_set_id)
{
	uint64_t hash = nft_expr_rule_hash(rule);
	uint8_t udata[UDATA_MAX];
	size_t len = 0;

	if (!hash || put_rule_body(nlh, table, rule, l4_set_id) < 0)
		return -ENOMEM;
	if (rule->comment)
		len =
		    put_udata(udata, len, UDATA_COMMENT, rule->comment, strlen(rule->comment) + 1);
	len = put_udata(udata, len, UDATA_RULE_HASH, &hash, sizeof(hash));
	mnl_attr_put(nlh, NFTA_RULE_USERDATA, len, udata);
	return 0;
}

uint64_t
nft_expr_parse_rule_hash(const struct nlattr *userdata)
{
	const uint8_t *found = find_udata(userdata, UDATA_RULE_HASH, sizeof(uint64_t));
	uint64_t hash = 0;

	if (found)
		memcpy(&hash, found, sizeof(hash));
	return hash;
}

/* ---- the rule in chains of others ---- */

static const char join_comment[] = "let in by the table inet portreeve";

int
nft_expr_put_join(struct nlmsghdr *nlh, const char *table, const char *chain, uint32_t mark)
{
	struct builder b = { .rule = nftnl_rule_alloc() };
	static const uint32_t zero;
	uint8_t udata[UDATA_MAX];
	size_t len;

	if (!b.rule)
		return -ENOMEM;
	nftnl_rule_set_str(b.rule, NFTNL_RULE_TABLE, table);
	nftnl_rule_set_str(b.rule, NFTNL_RULE_CHAIN, chain);
	add_meta(&b, NFT_META_MARK, NFT_REG_1);
	add_mask(&b, &mark, &zero, sizeof(mark));
	add_cmp(&b, NFT_CMP_EQ, &mark, sizeof(mark));
	add(&b, "counter");
	add_verdict(&b, NF_ACCEPT, NULL);
	if (!b.failed)
		nftnl_rule_nlmsg_build_payload(nlh, b.rule);
	nftnl_rule_free(b.rule);
	len = put_udata(udata, 0, UDATA_COMMENT, join_comment, sizeof(join_comment));
	len = put_udata(udata, len, UDATA_JOIN_MARK, &mark, sizeof(mark));
	mnl_attr_put(nlh, NFTA_RULE_USERDATA, len, udata);
	return b.failed ? -ENOMEM : 0;
}

bool
nft_expr_is_join(const struct nlattr *userdata, uint32_t *mark)
{
	const uint8_t *found = find_udata(userdata, UDATA_COMMENT, sizeof(join_comment));

	*mark = 0;
	if (!found || memcmp(found, join_comment, sizeof(join_comment)) != 0)
		return false;
	found = find_udata(userdata, UDATA_JOIN_MARK, sizeof(*mark));
	if (found)
		memcpy(mark, found, sizeof(*mark));
	return true;
}

/* The name of an expression and its attributes. */
static const char *
parse_expr(const struct nlattr *attr, const struct nlattr **tb, size_t max)
{
	const struct nlattr *expr[NFTA_EXPR_DATA + 1];

	nfnl_parse_nest(attr, expr, N(expr));
	if (!expr[NFTA_EXPR_NAME] ||
	    mnl_attr_validate(expr[NFTA_EXPR_NAME], MNL_TYPE_NUL_STRING) < 0)
		return "";
	memset(tb, 0, max * sizeof(*tb));
	if (expr[NFTA_EXPR_DATA])
		nfnl_parse_nest(expr[NFTA_EXPR_DATA], tb, max);
	return mnl_attr_get_str(expr[NFTA_EXPR_NAME]);
}

static bool
is_u32(const struct nlattr *attr, uint32_t value)
{
	return attr && mnl_attr_get_payload_len(attr) == sizeof(value) &&
	       mnl_attr_get_u32(attr) == value;
}

static bool
is_data(const struct nlattr *nest, uint32_t value)
{
	uint32_t got;

	return nest && parse_value(nest, &got, sizeof(got)) && got == value;
}

static bool
is_accept(const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_DATA_MAX + 1], *verdict[NFTA_VERDICT_MAX + 1];

	if (!data)
		return false;
	nfnl_parse_nest(data, tb, N(tb));
	if (!tb[NFTA_DATA_VERDICT])
		return false;
	nfnl_parse_nest(tb[NFTA_DATA_VERDICT], verdict, N(verdict));
	return is_u32(verdict[NFTA_VERDICT_CODE], htonl(NF_ACCEPT));
}

/* meta mark, bitwise, cmp, immediate, with counters and iptables' comments anywhere between. */
bool
nft_expr_looks_like_join(const struct nlattr *expressions, uint32_t mark)
{
	const struct nlattr *tb[16], *attr;
	bool fits = true;
	const char *name;
	int step = 0;

	mnl_attr_for_each_nested(attr, expressions)
	{
		name = parse_expr(attr, tb, N(tb));
		if (strcmp(name, "counter") == 0)
			continue;
		if (strcmp(name, "match") == 0 && tb[NFTA_MATCH_NAME] &&
		    mnl_attr_validate(tb[NFTA_MATCH_NAME], MNL_TYPE_NUL_STRING) == 0 &&
		    strcmp(mnl_attr_get_str(tb[NFTA_MATCH_NAME]), "comment") == 0)
			continue;
		switch (step++) {
		case 0:
			fits = strcmp(name, "meta") == 0 &&
			       is_u32(tb[NFTA_META_KEY], htonl(NFT_META_MARK)) &&
			       tb[NFTA_META_DREG];
			break;
		case 1:
			fits = strcmp(name, "bitwise") == 0 && is_data(tb[NFTA_BITWISE_MASK], mark);
			break;
		case 2:
			fits = strcmp(name, "cmp") == 0 &&
			       is_u32(tb[NFTA_CMP_OP], htonl(NFT_CMP_EQ)) &&
			       is_data(tb[NFTA_CMP_DATA], mark);
			break;
		case 3:
			fits = strcmp(name, "immediate") == 0 && is_accept(tb[NFTA_IMMEDIATE_DATA]);
			break;
		default:
			fits = false;
		}
		if (!fits)
			return false;
	}
	return step == 4;
}
