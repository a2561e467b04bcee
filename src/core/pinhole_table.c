/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the pinholes and the ways to find one: hashes by id and by key, a bit for each id in use
 * (for walks in their order), a heap of ends, and the number of each host's.
 */
#include "core/pinhole_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* a failed HASH_ADD leaves hh.tbl NULL */
#include <uthash.h>

#define ID_WORDS (65536 / 64)

static_assert(sizeof(struct pinhole_key) == 38, "a key is compared as a whole");

struct node {
	struct pinhole pinhole; /* first, so that a pinhole is its node */
	size_t heap;            /* place in table->heap */
	UT_hash_handle by_id, by_key;
};

struct host {
	struct addr6 addr;
	size_t pinholes;
	UT_hash_handle hh;
};

struct pinhole_table {
	size_t max, count, room;
	struct node **heap;
	struct node *ids, *keys;
	struct host *hosts;
	uint64_t used[ID_WORDS];
	uint16_t last_id;
};

static struct node *
node_of(const struct pinhole *p)
{
	return (struct node *)p;
}

/* ---- hosts ---- */

static struct host *
host_find(const struct pinhole_table *t, const struct addr6 *addr)
{
	struct host *host;

	HASH_FIND(hh, t->hosts, addr, sizeof(*addr), host);
	return host;
}

static int
host_count(struct pinhole_table *t, const struct addr6 *addr)
{
	struct host *host = host_find(t, addr);

	if (!host) {
		host = calloc(1, sizeof(*host));
		if (!host)
			return -ENOMEM;
		host->addr = *addr;
		HASH_ADD(hh, t->hosts, addr, sizeof(host->addr), host);
		if (!host->hh.tbl) {
			free(host);
			return -ENOMEM;
		}
	}
	host->pinholes++;
	return 0;
}

static void
host_uncount(struct pinhole_table *t, const struct addr6 *addr)
{
	struct host *host = host_find(t, addr);

	if (--host->pinholes)
		return;
	HASH_DEL(t->hosts, host);
	free(host);
}

/* ---- heap ---- */

static bool
ends_before(const struct node *a, const struct node *b)
{
	return a->pinhole.expires_ms < b->pinhole.expires_ms;
}

static void
heap_set(struct pinhole_table *t, size_t place, struct node *n)
{
	t->heap[place] = n;
	n->heap = place;
}

/* @n belongs at @place or near it: to where it must be. */
static void
heap_settle(struct pinhole_table *t, size_t place, struct node *n)
{
	size_t child;

	while (place && ends_before(n, t->heap[(place - 1) / 2])) {
		heap_set(t, place, t->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	while ((child = place * 2 + 1) < t->count) {
		if (child + 1 < t->count && ends_before(t->heap[child + 1], t->heap[child]))
			child++;
		if (!ends_before(t->heap[child], n))
			break;
		heap_set(t, place, t->heap[child]);
		place = child;
	}
	heap_set(t, place, n);
}

static int
heap_reserve(struct pinhole_table *t)
{
	size_t room = t->room ? t->room * 2 : 16;
	void *p;

	if (t->count < t->room)
		return 0;
	p = realloc(t->heap, room * sizeof(t->heap[0]));
	if (!p)
		return -ENOMEM;
	t->heap = p;
	t->room = room;
	return 0;
}

/* ---- ids ---- */

static void
id_mark(struct pinhole_table *t, uint16_t id, bool used)
{
	if (used)
		t->used[id / 64] |= UINT64_C(1) << id % 64;
	else
		t->used[id / 64] &= ~(UINT64_C(1) << id % 64);
}

static bool
id_is_used(const struct pinhole_table *t, uint16_t id)
{
	return t->used[id / 64] >> id % 64 & 1;
}

/* There are more ids than pinholes. */
static uint16_t
fresh_id(struct pinhole_table *t)
{
	do
		t->last_id++;
	while (t->last_id == 0 || id_is_used(t, t->last_id));
	return t->last_id;
}

uint16_t
pinhole_last_id(const struct pinhole_table *t)
{
	return t->last_id;
}

void
pinhole_set_last_id(struct pinhole_table *t, uint16_t id)
{
	t->last_id = id;
}

/* ---- the table ---- */

static size_t
bounded(size_t max)
{
	return max < PINHOLES_MAX ? max : PINHOLES_MAX;
}

struct pinhole_table *
pinhole_table_new(size_t max)
{
	struct pinhole_table *t = calloc(1, sizeof(*t));

	if (t)
		t->max = bounded(max);
	return t;
}

void
pinhole_table_set_max(struct pinhole_table *t, size_t max)
{
	t->max = bounded(max);
}

void
pinhole_table_free(struct pinhole_table *t)
{
	if (!t)
		return;
	while (t->count)
		pinhole_table_del(t, &t->heap[t->count - 1]->pinhole);
	free(t->heap);
	free(t);
}

size_t
pinhole_count(const struct pinhole_table *t)
{
	return t->count;
}

size_t
pinhole_count_of(const struct pinhole_table *t, const struct addr6 *host)
{
	const struct host *h = host_find(t, host);

	return h ? h->pinholes : 0;
}

/* Into both hashes or none. */
static int
hash_node(struct pinhole_table *t, struct node *n)
{
	HASH_ADD(by_id, t->ids, pinhole.id, sizeof(n->pinhole.id), n);
	if (!n->by_id.tbl)
		return -ENOMEM;
	HASH_ADD(by_key, t->keys, pinhole.key, sizeof(n->pinhole.key), n);
	if (n->by_key.tbl)
		return 0;
	HASH_DELETE(by_id, t->ids, n);
	return -ENOMEM;
}

static int
insert(struct pinhole_table *t, struct node *n)
{
	int rc = heap_reserve(t);

	if (rc == 0)
		rc = host_count(t, &n->pinhole.host);
	if (rc < 0)
		return rc;
	if (n->pinhole.id == 0)
		n->pinhole.id = fresh_id(t);
	rc = hash_node(t, n);
	if (rc < 0) {
		host_uncount(t, &n->pinhole.host);
		return rc;
	}
	id_mark(t, n->pinhole.id, true);
	t->count++;
	heap_settle(t, t->count - 1, n);
	return 0;
}

int
pinhole_table_add(struct pinhole_table *t, const struct pinhole *p, struct pinhole **out)
{
	struct node *n;
	int rc;

	if (pinhole_find(t, &p->key) || (p->id && id_is_used(t, p->id)))
		return -EEXIST;
	if (t->count >= t->max)
		return -ENOSPC;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->pinhole = *p;
	rc = insert(t, n);
	if (rc < 0)
		free(n);
	else if (out)
		*out = &n->pinhole;
	return rc;
}

void
pinhole_table_del(struct pinhole_table *t, struct pinhole *p)
{
	struct node *n = node_of(p), *last;

	HASH_DELETE(by_id, t->ids, n);
	HASH_DELETE(by_key, t->keys, n);
	host_uncount(t, &p->host);
	id_mark(t, p->id, false);
	last = t->heap[--t->count];
	if (last != n)
		heap_settle(t, n->heap, last);
	free(n);
}

void
pinhole_table_renew(
    struct pinhole_table *t, struct pinhole *p, uint32_t duration_s, int64_t expires_ms)
{
	p->duration_s = duration_s;
	p->expires_ms = expires_ms;
	heap_settle(t, node_of(p)->heap, node_of(p));
}

struct pinhole *
pinhole_find_id(const struct pinhole_table *t, uint16_t id)
{
	struct node *n;

	HASH_FIND(by_id, t->ids, &id, sizeof(id), n);
	return n ? &n->pinhole : NULL;
}

struct pinhole *
pinhole_find(const struct pinhole_table *t, const struct pinhole_key *key)
{
	struct node *n;

	HASH_FIND(by_key, t->keys, key, sizeof(*key), n);
	return n ? &n->pinhole : NULL;
}

struct pinhole *
pinhole_after(const struct pinhole_table *t, uint16_t id)
{
	uint32_t next = (uint32_t)id + 1;
	uint64_t word;

	while (next < 65536) {
		word = t->used[next / 64] >> next % 64;
		if (word)
			return pinhole_find_id(
			    t, (uint16_t)(next + (uint32_t)__builtin_ctzll(word)));
		next = (next / 64 + 1) * 64;
	}
	return NULL;
}

struct pinhole *
pinhole_next_expiry(const struct pinhole_table *t)
{
	return t->count ? &t->heap[0]->pinhole : NULL;
}

uint32_t
pinhole_remaining_s(const struct pinhole *p, int64_t now_ms)
{
	return p->expires_ms > now_ms ? (uint32_t)((p->expires_ms - now_ms + 999) / 1000) : 1;
}
