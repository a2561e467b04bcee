/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_elem.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "kernel/nfnl.h"
#include "kernel/nft_set.h"
#include "kernel/nft_udata.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* ---- what goes into which set ---- */

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

static void
init_traffic(const struct nft_mapping *m, struct nft_elem *elem)
{
	init_elem(m, elem);
	elem->packets = m->packets;
	elem->octets = m->octets;
}

void
nft_elem_map(const struct nft_mapping *m, enum nft_set_id *set, struct nft_elem *elem)
{
	uint8_t *key = elem->key;

	init_elem(m, elem);
	elem->packets = m->connections;
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
nft_elem_mapped(const struct nft_mapping *m, struct nft_elem *elem)
{
	init_traffic(m, elem);
	elem->key[0] = m->protocol;
	set_port(elem->key + 4, m->external_port);
}

void
nft_elem_mapped_remote(const struct nft_mapping *m, struct nft_elem *elem)
{
	init_traffic(m, elem);
	set_u32(elem->key, m->remote_host);
	elem->key[4] = m->protocol;
	set_port(elem->key + 8, m->external_port);
}

void
nft_elem_source(const struct nft_mapping *m, struct nft_elem *elem)
{
	init_elem(m, elem);
	set_u32(elem->key, m->internal_client);
	elem->key[4] = m->protocol;
	set_port(elem->key + 8, m->internal_port);
	set_port(elem->data, m->external_port);
}

void
nft_elem_open(const struct nft_mapping *m, enum nft_set_id *set, struct nft_elem *elem)
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
nft_elem_pinhole(const struct nft_pinhole *p, enum nft_set_id *set, struct nft_elem *elem)
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
nft_elem_flow(const struct nft_flow *flow, enum nft_set_id *set, struct nft_elem *elem)
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
nft_elem_ifname(const char *name, struct nft_elem *elem)
{
	*elem = (struct nft_elem){ 0 };
	snprintf((char *)elem->key, IFNAMSIZ, "%s", name);
}

void
nft_elem_addr(uint32_t addr, struct nft_elem *elem)
{
	*elem = (struct nft_elem){ 0 };
	set_u32(elem->key, addr);
}

/* ---- bytes ---- */

static void
put_key(struct nlmsghdr *nlh, const void *key, size_t len)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);

	mnl_attr_put(nlh, NFTA_DATA_VALUE, len, key);
	mnl_attr_nest_end(nlh, nest);
}

void
nft_elem_put_l4(struct nlmsghdr *nlh, const char *table, uint32_t id)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct nlattr *list, *nest;
	size_t i;

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, NFT_L4_SET_NAME);
	mnl_attr_put_u32(nlh, NFTA_SET_ELEM_LIST_SET_ID, htonl(id));
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (i = 0; i < N(protocols); i++) {
		nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
		put_key(nlh, &protocols[i], 1);
		mnl_attr_nest_end(nlh, nest);
	}
	mnl_attr_nest_end(nlh, list);
}

struct nlattr *
nft_elem_list_begin(struct nlmsghdr *nlh, const char *table, enum nft_set_id set)
{
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, nft_sets[set].name);
	return mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
}

void
nft_elem_list_end(struct nlmsghdr *nlh, struct nlattr *list)
{
	mnl_attr_nest_end(nlh, list);
}

void
nft_elem_put_key(struct nlmsghdr *nlh, enum nft_set_id set, const struct nft_elem *elem)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);

	put_key(nlh, elem->key, nft_set_key_len(set));
	mnl_attr_nest_end(nlh, nest);
}

/* "id 123" for people, and the number for us. */
static void
put_elem_udata(struct nlmsghdr *nlh, uint32_t id)
{
	uint8_t udata[NFT_UDATA_MAX];
	char text[16];
	uint8_t number[4];
	size_t len;
	int n = snprintf(text, sizeof(text), "id %u", id);

	len = nft_udata_put(udata, 0, NFT_UDATA_COMMENT, text, (size_t)n + 1);
	set_u32(number, id);
	len = nft_udata_put(udata, len, NFT_UDATA_LEASE, number, sizeof(number));
	mnl_attr_put(nlh, NFTA_SET_ELEM_USERDATA, len, udata);
}

/* Where it goes on counting from. */
static void
put_counter(struct nlmsghdr *nlh, const struct nft_elem *elem)
{
	struct nlattr *expr = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_EXPR), *data;

	mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, "counter");
	data = mnl_attr_nest_start(nlh, NFTA_EXPR_DATA);
	mnl_attr_put_u64(nlh, NFTA_COUNTER_BYTES, htobe64(elem->octets));
	mnl_attr_put_u64(nlh, NFTA_COUNTER_PACKETS, htobe64(elem->packets));
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, expr);
}

void
nft_elem_put(struct nlmsghdr *nlh, enum nft_set_id set, const struct nft_elem *elem)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM), *data;
	size_t data_len = nft_set_data_len(set);

	put_key(nlh, elem->key, nft_set_key_len(set));
	if (data_len) {
		data = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_DATA);
		mnl_attr_put(nlh, NFTA_DATA_VALUE, data_len, elem->data);
		mnl_attr_nest_end(nlh, data);
	}
	if (elem->timeout_ms)
		mnl_attr_put_u64(nlh, NFTA_SET_ELEM_TIMEOUT, htobe64((uint64_t)elem->timeout_ms));
	if (elem->id)
		put_elem_udata(nlh, elem->id);
	if (elem->packets)
		put_counter(nlh, elem);
	mnl_attr_nest_end(nlh, nest);
}

/* 0 if it is another expression. */
static void
parse_counter(const struct nlattr *nest, struct nft_elem *elem)
{
	const struct nlattr *tb[NFTA_EXPR_DATA + 1], *counter[NFTA_COUNTER_PACKETS + 1];

	nfnl_parse_nest(nest, tb, N(tb));
	if (!tb[NFTA_EXPR_NAME] || !tb[NFTA_EXPR_DATA] ||
	    mnl_attr_validate(tb[NFTA_EXPR_NAME], MNL_TYPE_NUL_STRING) < 0 ||
	    strcmp(mnl_attr_get_str(tb[NFTA_EXPR_NAME]), "counter") != 0)
		return;
	nfnl_parse_nest(tb[NFTA_EXPR_DATA], counter, N(counter));
	elem->packets = nfnl_u64(counter[NFTA_COUNTER_PACKETS]);
	elem->octets = nfnl_u64(counter[NFTA_COUNTER_BYTES]);
}

bool
nft_elem_parse(const struct nlattr *attr, enum nft_set_id set, struct nft_elem *elem)
{
	const struct nlattr *tb[NFTA_SET_ELEM_EXPR + 1];
	size_t data_len = nft_set_data_len(set);
	const uint8_t *id;

	*elem = (struct nft_elem){ 0 };
	nfnl_parse_nest(attr, tb, N(tb));
	if (!tb[NFTA_SET_ELEM_KEY] ||
	    !nfnl_data(tb[NFTA_SET_ELEM_KEY], elem->key, nft_set_key_len(set)))
		return false;
	if (data_len &&
	    (!tb[NFTA_SET_ELEM_DATA] || !nfnl_data(tb[NFTA_SET_ELEM_DATA], elem->data, data_len)))
		return false;
	if (tb[NFTA_SET_ELEM_TIMEOUT] && tb[NFTA_SET_ELEM_EXPIRATION]) {
		elem->timeout_ms = (int64_t)nfnl_u64(tb[NFTA_SET_ELEM_EXPIRATION]);
		if (elem->timeout_ms == 0)
			elem->timeout_ms = 1;
	}
	if (tb[NFTA_SET_ELEM_USERDATA]) {
		id = nft_udata_find(tb[NFTA_SET_ELEM_USERDATA], NFT_UDATA_LEASE, sizeof(elem->id));
		if (id)
			elem->id = get_u32(id);
	}
	if (tb[NFTA_SET_ELEM_EXPR])
		parse_counter(tb[NFTA_SET_ELEM_EXPR], elem);
	return true;
}
