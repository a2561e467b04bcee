/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the leases and every way to find one. No I/O, no clock, nothing of the kernel.
 *
 * A lease is one allocation; it hangs in the indexes by links of its own:
 *
 *	by key        hash of protocol, external port and remote host
 *	by port       hash of protocol and external port; leases that differ in the remote host
 *	              only are a ring, whose first one is in the hash
 *	by endpoint   hash of protocol, internal client and internal port; the enabled leases of
 *	              one endpoint are a ring in order of id: its first one owns the source port
 *	by id         vector in order of id, with holes where leases were deleted
 *	by index      dense vector, the last one fills a hole
 *	by expiry     binary heap of those that end
 *
 * All vectors grow in lease_add() only, so nothing else can fail.
 */
#include "core/lease.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define HASH_NONFATAL_OOM 1 /* a failed HASH_ADD leaves hh.tbl NULL */
#include <uthash.h>

enum { BY_KEY, BY_PORT, BY_ENDPOINT, N_HASHES };

#define HASH_BUCKETS_FIRST 64
#define NOT_IN_HEAP UINT32_MAX

struct ring {
	struct node *next, *prev; /* both the node itself when it is alone */
};

struct node {
	struct lease lease;           /* first, so that a lease is its node */
	struct node *chain[N_HASHES]; /* next in the same bucket */
	struct ring port, endpoint;   /* endpoint.next NULL: disabled, in no ring */
	uint32_t dense;               /* place in table->dense */
	uint32_t heap;                /* place in table->heap, or NOT_IN_HEAP */
	uint32_t own;                 /* place in its client's list */
};

struct hash {
	struct node **buckets;
	size_t n_buckets; /* a power of two */
	size_t used;
};

/* A deleted lease leaves its id and a NULL behind, until half of the vector is such. */
struct id_slot {
	uint32_t id;
	struct node *node;
};

struct client {
	uint32_t addr;
	uint32_t counted; /* those that count for its share */
	uint32_t n, room;
	struct node **own;
	UT_hash_handle hh;
};

/* Ports as bits: the next one in use is found without looking at each. */
#define PORT_WORDS (65536 / 64)

struct lease_table {
	size_t max;
	size_t count;
	size_t room; /* of dense and heap */
	struct node **dense;
	struct node **heap;
	size_t heap_count;
	struct id_slot *ids;
	size_t ids_count; /* holes included */
	size_t ids_room;
	uint32_t last_id;
	uint64_t seed; /* so that no client can choose ports that share a bucket */
	struct hash hash[N_HASHES];
	struct client *clients;
	uint32_t by_rule[LEASE_RULES_MAX]; /* clients' leases that each has allowed */
	uint64_t ports[2][PORT_WORDS];     /* external ports that have leases; TCP, UDP */
};

static struct node *
node_of(const struct lease *lease)
{
	return (struct node *)lease;
}

/* ---- hashes ---- */

static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t
hash_of(const struct lease_table *t, int which, const struct lease *l)
{
	uint64_t a = l->protocol, b = 0;

	switch (which) {
	case BY_KEY:
		a |= (uint64_t)l->external_port << 8;
		b = l->remote_host;
		break;
	case BY_PORT:
		a |= (uint64_t)l->external_port << 8;
		break;
	case BY_ENDPOINT:
		a |= (uint64_t)l->internal_port << 8;
		b = l->internal_client;
		break;
	}
	return mix(mix((a | b << 24) ^ t->seed) + t->seed);
}

static bool
same(int which, const struct lease *a, const struct lease *b)
{
	if (a->protocol != b->protocol)
		return false;
	switch (which) {
	case BY_KEY:
		return a->external_port == b->external_port && a->remote_host == b->remote_host;
	case BY_PORT:
		return a->external_port == b->external_port;
	case BY_ENDPOINT:
		return a->internal_client == b->internal_client &&
		       a->internal_port == b->internal_port;
	}
	return false;
}

static struct node **
bucket_of(const struct lease_table *t, int which, const struct lease *l)
{
	const struct hash *h = &t->hash[which];

	return &h->buckets[hash_of(t, which, l) & (h->n_buckets - 1)];
}

static struct node *
hash_find(const struct lease_table *t, int which, const struct lease *like)
{
	struct node *n;

	for (n = *bucket_of(t, which, like); n; n = n->chain[which])
		if (same(which, &n->lease, like))
			return n;
	return NULL;
}

static void
hash_insert(struct lease_table *t, int which, struct node *n)
{
	struct node **bucket = bucket_of(t, which, &n->lease);

	n->chain[which] = *bucket;
	*bucket = n;
	t->hash[which].used++;
}

static void
hash_remove(struct lease_table *t, int which, struct node *n)
{
	struct node **at = bucket_of(t, which, &n->lease);

	while (*at != n)
		at = &(*at)->chain[which];
	*at = n->chain[which];
	t->hash[which].used--;
}

/* Doubles the buckets once there are as many leases. Without memory it just gets slower. */
static void
hash_grow(struct lease_table *t, int which)
{
	struct hash *h = &t->hash[which], old = *h;
	struct node **fresh, *n, *next;
	size_t i;

	if (h->used < h->n_buckets)
		return;
	fresh = calloc(h->n_buckets * 2, sizeof(struct node *));
	if (!fresh)
		return;
	h->buckets = fresh;
	h->n_buckets *= 2;
	h->used = 0;
	for (i = 0; i < old.n_buckets; i++) {
		for (n = old.buckets[i]; n; n = next) {
			next = n->chain[which];
			hash_insert(t, which, n);
		}
	}
	free(old.buckets);
}

/* ---- rings of leases that share a port or an endpoint; the first one is in the hash ---- */

static struct ring *
ring_of(int which, struct node *n)
{
	return which == BY_PORT ? &n->port : &n->endpoint;
}

/*
 * In order of id. A fresh lease has the greatest one, so the search from the end is over at once;
 * only an older lease that moves or is enabled again looks further.
 */
static void
ring_insert(struct lease_table *t, int which, struct node *n)
{
	struct node *first = hash_find(t, which, &n->lease), *after;
	struct ring *ring = ring_of(which, n);

	if (!first) {
		ring->next = ring->prev = n;
		hash_insert(t, which, n);
		return;
	}
	after = ring_of(which, first)->prev;
	while (after != first && after->lease.id > n->lease.id)
		after = ring_of(which, after)->prev;
	if (first->lease.id > n->lease.id) {
		hash_remove(t, which, first);
		hash_insert(t, which, n);
		after = ring_of(which, first)->prev;
	}
	ring->prev = after;
	ring->next = ring_of(which, after)->next;
	ring_of(which, ring->next)->prev = n;
	ring_of(which, after)->next = n;
}

static void
ring_remove(struct lease_table *t, int which, struct node *n)
{
	struct ring *ring = ring_of(which, n);
	struct node *next = ring->next;

	if (hash_find(t, which, &n->lease) == n) {
		hash_remove(t, which, n);
		if (next != n)
			hash_insert(t, which, next);
	}
	ring_of(which, ring->prev)->next = next;
	ring_of(which, next)->prev = ring->prev;
	ring->next = ring->prev = NULL;
}

/* ---- heap of those that end ---- */

static bool
ends_before(const struct node *a, const struct node *b)
{
	if (a->lease.expires_ms != b->lease.expires_ms)
		return a->lease.expires_ms < b->lease.expires_ms;
	return a->lease.id < b->lease.id;
}

static void
heap_set(struct lease_table *t, size_t place, struct node *n)
{
	t->heap[place] = n;
	n->heap = (uint32_t)place;
}

static void
heap_up(struct lease_table *t, size_t place, struct node *n)
{
	while (place && ends_before(n, t->heap[(place - 1) / 2])) {
		heap_set(t, place, t->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	heap_set(t, place, n);
}

static void
heap_down(struct lease_table *t, size_t place, struct node *n)
{
	size_t child;

	while ((child = place * 2 + 1) < t->heap_count) {
		if (child + 1 < t->heap_count && ends_before(t->heap[child + 1], t->heap[child]))
			child++;
		if (!ends_before(t->heap[child], n))
			break;
		heap_set(t, place, t->heap[child]);
		place = child;
	}
	heap_set(t, place, n);
}

static void
heap_insert(struct lease_table *t, struct node *n)
{
	n->heap = NOT_IN_HEAP;
	if (n->lease.expires_ms != LEASE_FOREVER)
		heap_up(t, t->heap_count++, n);
}

static void
heap_remove(struct lease_table *t, struct node *n)
{
	size_t place = n->heap;
	struct node *last;

	if (place == NOT_IN_HEAP)
		return;
	n->heap = NOT_IN_HEAP;
	last = t->heap[--t->heap_count];
	if (last == n)
		return;
	if (place && ends_before(last, t->heap[(place - 1) / 2]))
		heap_up(t, place, last);
	else
		heap_down(t, place, last);
}

/* ---- ids ---- */

/* The place of the first id that is not less than @id. */
static size_t
ids_place(const struct lease_table *t, uint32_t id)
{
	size_t low = 0, high = t->ids_count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (t->ids[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* At the end, save after 2^32 leases and for restored ones that come in disorder. */
static void
ids_insert(struct lease_table *t, struct node *n)
{
	size_t place = t->ids_count;

	if (place && t->ids[place - 1].id >= n->lease.id)
		place = ids_place(t, n->lease.id);
	if (place == t->ids_count || t->ids[place].id != n->lease.id) {
		memmove(
		    &t->ids[place + 1], &t->ids[place], (t->ids_count - place) * sizeof(t->ids[0]));
		t->ids_count++;
	}
	t->ids[place].id = n->lease.id;
	t->ids[place].node = n;
}

static void
ids_remove(struct lease_table *t, uint32_t id)
{
	size_t i, kept = 0;

	t->ids[ids_place(t, id)].node = NULL;
	if (t->ids_count < 64 || t->ids_count / 2 < t->count)
		return;
	for (i = 0; i < t->ids_count; i++)
		if (t->ids[i].node)
			t->ids[kept++] = t->ids[i];
	t->ids_count = kept;
}

static uint32_t
fresh_id(struct lease_table *t)
{
	do
		t->last_id++;
	while (t->last_id == 0 || lease_find_id(t, t->last_id));
	return t->last_id;
}

/* ---- counts of internal clients ---- */

static struct client *
client_find(const struct lease_table *t, uint32_t addr)
{
	struct client *c;

	HASH_FIND(hh, t->clients, &addr, sizeof(addr), c);
	return c;
}

static struct client *
client_find_or_add(struct lease_table *t, uint32_t addr)
{
	struct client *c = client_find(t, addr);

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->addr = addr;
	HASH_ADD(hh, t->clients, addr, sizeof(c->addr), c);
	if (c->hh.tbl)
		return c;
	free(c);
	return NULL;
}

static void
client_forget(struct lease_table *t, struct client *c)
{
	HASH_DEL(t->clients, c);
	free(c->own);
	free(c);
}

static int
client_add(struct lease_table *t, struct node *n)
{
	struct client *c = client_find_or_add(t, n->lease.internal_client);
	uint32_t room;
	void *p;

	if (!c)
		return -ENOMEM;
	if (c->n == c->room) {
		room = c->room ? c->room * 2 : 4;
		p = realloc(c->own, room * sizeof(c->own[0]));
		if (!p && c->n == 0)
			client_forget(t, c);
		if (!p)
			return -ENOMEM;
		c->own = p;
		c->room = room;
	}
	n->own = c->n;
	c->own[c->n++] = n;
	c->counted += n->lease.origin == LEASE_UPNP;
	return 0;
}

static void
client_remove(struct lease_table *t, struct node *n)
{
	struct client *c = client_find(t, n->lease.internal_client);

	c->counted -= n->lease.origin == LEASE_UPNP;
	c->own[n->own] = c->own[--c->n];
	c->own[n->own]->own = n->own;
	if (c->n == 0)
		client_forget(t, c);
}

/* ---- counts of rules ---- */

static void
rule_count(struct lease_table *t, const struct lease *l, int by)
{
	assert(l->rule < LEASE_RULES_MAX);
	if (l->origin == LEASE_UPNP)
		t->by_rule[l->rule] += (uint32_t)by;
}

/* ---- external ports ---- */

static uint64_t *
port_word(struct lease_table *t, const struct lease *l)
{
	return &t->ports[l->protocol == IPPROTO_UDP][l->external_port / 64];
}

static void
port_mark(struct lease_table *t, const struct lease *l, bool used)
{
	uint64_t bit = UINT64_C(1) << l->external_port % 64;

	if (used)
		*port_word(t, l) |= bit;
	else
		*port_word(t, l) &= ~bit;
}

/* ---- the table ---- */

struct lease_table *
lease_table_new(size_t max)
{
	struct lease_table *t = calloc(1, sizeof(*t));
	int i;

	if (!t)
		return NULL;
	t->max = max;
	for (i = 0; i < N_HASHES; i++) {
		t->hash[i].n_buckets = HASH_BUCKETS_FIRST;
		t->hash[i].buckets = calloc(HASH_BUCKETS_FIRST, sizeof(struct node *));
		if (!t->hash[i].buckets) {
			lease_table_free(t);
			return NULL;
		}
	}
	/* Early in the boot there may be none: the table works with any seed. */
	if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) < 0)
		t->seed = (uint64_t)(uintptr_t)t;
	return t;
}

void
lease_table_set_max(struct lease_table *t, size_t max)
{
	t->max = max;
}

void
lease_table_free(struct lease_table *t)
{
	struct client *c, *next;
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->count; i++) {
		free(t->dense[i]->lease.description);
		free(t->dense[i]);
	}
	HASH_ITER(hh, t->clients, c, next)
	{
		client_forget(t, c);
	}
	for (i = 0; i < N_HASHES; i++)
		free(t->hash[i].buckets);
	free(t->dense);
	free(t->heap);
	free(t->ids);
	free(t);
}

size_t
lease_count(const struct lease_table *t)
{
	return t->count;
}

size_t
lease_clients(const struct lease_table *t)
{
	return HASH_COUNT(t->clients);
}

size_t
lease_count_of(const struct lease_table *t, uint32_t internal_client)
{
	const struct client *c = client_find(t, internal_client);

	return c ? c->counted : 0;
}

size_t
lease_count_by(const struct lease_table *t, uint16_t rule, uint32_t internal_client)
{
	const struct client *c;
	size_t n = 0;
	uint32_t i;

	assert(rule < LEASE_RULES_MAX);
	if (!internal_client)
		return t->by_rule[rule];
	c = client_find(t, internal_client);
	for (i = 0; c && i < c->n; i++)
		n += c->own[i]->lease.rule == rule && c->own[i]->lease.origin == LEASE_UPNP;
	return n;
}

void
lease_set_rule(struct lease_table *t, struct lease *lease, uint16_t rule)
{
	rule_count(t, lease, -1);
	lease->rule = rule;
	rule_count(t, lease, 1);
}

struct lease *
lease_of(const struct lease_table *t, uint32_t internal_client, size_t index)
{
	const struct client *c = client_find(t, internal_client);

	return c && index < c->n ? &c->own[index]->lease : NULL;
}

uint16_t
lease_next_port(const struct lease_table *t, uint8_t protocol, uint32_t from)
{
	const uint64_t *ports = t->ports[protocol == IPPROTO_UDP];
	uint64_t word;

	while (from <= UINT16_MAX) {
		word = ports[from / 64] >> from % 64;
		if (word)
			return (uint16_t)(from + (uint32_t)__builtin_ctzll(word));
		from = (from / 64 + 1) * 64;
	}
	return 0;
}

/* The ports of one word that have no lease, from @first to @last only. */
static uint64_t
free_in_word(const uint64_t *ports, uint32_t word, uint32_t first, uint32_t last)
{
	uint64_t bits = ~ports[word];

	if (word == first / 64)
		bits &= UINT64_MAX << first % 64;
	if (word == last / 64)
		bits &= UINT64_MAX >> (63 - last % 64);
	return bits;
}

uint16_t
lease_lowest_free(const struct lease_table *t, uint8_t protocol, uint16_t first, uint16_t last)
{
	const uint64_t *ports = t->ports[protocol == IPPROTO_UDP];
	uint32_t word;
	uint64_t bits;

	for (word = first / 64; first <= last && word <= last / 64u; word++) {
		bits = free_in_word(ports, word, first, last);
		if (bits)
			return (uint16_t)(word * 64 + (uint32_t)__builtin_ctzll(bits));
	}
	return 0;
}

uint16_t
lease_highest_free(const struct lease_table *t, uint8_t protocol, uint16_t first, uint16_t last)
{
	const uint64_t *ports = t->ports[protocol == IPPROTO_UDP];
	uint32_t above;
	uint64_t bits;

	for (above = last / 64 + 1; first <= last && above > first / 64u; above--) {
		bits = free_in_word(ports, above - 1, first, last);
		if (bits)
			return (uint16_t)(above * 64 - 1 - (uint32_t)__builtin_clzll(bits));
	}
	return 0;
}

/* Room for one more everywhere. */
static int
reserve(struct lease_table *t)
{
	size_t room = t->room ? t->room * 2 : 64, ids_room = t->ids_room ? t->ids_room * 2 : 64;
	void *p;

	if (t->count == t->room) {
		p = realloc(t->dense, room * sizeof(t->dense[0]));
		if (!p)
			return -ENOMEM;
		t->dense = p;
		p = realloc(t->heap, room * sizeof(t->heap[0]));
		if (!p)
			return -ENOMEM;
		t->heap = p;
		t->room = room;
	}
	if (t->ids_count == t->ids_room) {
		p = realloc(t->ids, ids_room * sizeof(t->ids[0]));
		if (!p)
			return -ENOMEM;
		t->ids = p;
		t->ids_room = ids_room;
	}
	return 0;
}

static struct node *
node_new(const struct lease *l)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->lease = *l;
	n->lease.description = strdup(l->description ? l->description : "");
	if (!n->lease.description) {
		free(n);
		return NULL;
	}
	return n;
}

static void
link_node(struct lease_table *t, struct node *n)
{
	int i;

	if (n->lease.id == 0)
		n->lease.id = fresh_id(t);
	else if (n->lease.id > t->last_id)
		t->last_id = n->lease.id;
	for (i = 0; i < N_HASHES; i++)
		hash_grow(t, i);
	hash_insert(t, BY_KEY, n);
	ring_insert(t, BY_PORT, n);
	port_mark(t, &n->lease, true);
	if (n->lease.enabled)
		ring_insert(t, BY_ENDPOINT, n);
	heap_insert(t, n);
	ids_insert(t, n);
	rule_count(t, &n->lease, 1);
	n->dense = (uint32_t)t->count;
	t->dense[t->count++] = n;
}

int
lease_add(struct lease_table *t, const struct lease *l, struct lease **out)
{
	struct node *n;

	if (hash_find(t, BY_KEY, l) || (l->id && lease_find_id(t, l->id)))
		return -EEXIST;
	if (t->count >= t->max)
		return -ENOSPC;
	if (reserve(t) < 0)
		return -ENOMEM;
	n = node_new(l);
	if (!n)
		return -ENOMEM;
	if (client_add(t, n) < 0) {
		free(n->lease.description);
		free(n);
		return -ENOMEM;
	}
	link_node(t, n);
	if (out)
		*out = &n->lease;
	return 0;
}

void
lease_exchange(struct lease_table *t, struct lease *lease, struct lease *with)
{
	struct node *n = node_of(lease);
	struct lease old = *lease;

	/* A refresh keeps the internal client, so the counts never need memory here. */
	assert(with->internal_client == lease->internal_client);
	if (lease->enabled)
		ring_remove(t, BY_ENDPOINT, n);
	heap_remove(t, n);
	rule_count(t, lease, -1);

	*lease = *with;
	lease->id = old.id;
	lease->remote_host = old.remote_host;
	lease->external_port = old.external_port;
	lease->protocol = old.protocol;
	lease->origin = old.origin;
	*with = old;

	rule_count(t, lease, 1);
	if (lease->enabled)
		ring_insert(t, BY_ENDPOINT, n);
	heap_insert(t, n);
}

void
lease_del(struct lease_table *t, struct lease *lease)
{
	struct node *n = node_of(lease), *last;

	hash_remove(t, BY_KEY, n);
	ring_remove(t, BY_PORT, n);
	if (lease->enabled)
		ring_remove(t, BY_ENDPOINT, n);
	heap_remove(t, n);
	rule_count(t, lease, -1);
	client_remove(t, n);
	if (!lease_on_port(t, lease->protocol, lease->external_port, NULL))
		port_mark(t, lease, false);

	last = t->dense[--t->count];
	t->dense[n->dense] = last;
	last->dense = n->dense;
	ids_remove(t, lease->id);

	free(lease->description);
	free(n);
}

struct lease *
lease_find_id(const struct lease_table *t, uint32_t id)
{
	size_t place = ids_place(t, id);

	if (place == t->ids_count || t->ids[place].id != id || !t->ids[place].node)
		return NULL;
	return &t->ids[place].node->lease;
}

struct lease *
lease_find(
    const struct lease_table *t, uint8_t protocol, uint16_t external_port, uint32_t remote_host)
{
	struct lease like = {
		.protocol = protocol, .external_port = external_port, .remote_host = remote_host
	};

	return (struct lease *)hash_find(t, BY_KEY, &like);
}

struct lease *
lease_on_port(
    const struct lease_table *t, uint8_t protocol, uint16_t external_port, const struct lease *prev)
{
	struct lease like = { .protocol = protocol, .external_port = external_port };
	struct node *first = hash_find(t, BY_PORT, &like), *next;

	if (!prev)
		return (struct lease *)first;
	next = node_of(prev)->port.next;
	return next == first ? NULL : &next->lease;
}

struct lease *
lease_source_owner(
    const struct lease_table *t, uint8_t protocol, uint32_t internal_client, uint16_t internal_port)
{
	struct lease like = { .protocol = protocol,
		.internal_client = internal_client,
		.internal_port = internal_port };

	return (struct lease *)hash_find(t, BY_ENDPOINT, &like);
}

struct lease *
lease_at(const struct lease_table *t, size_t index)
{
	return index < t->count ? &t->dense[index]->lease : NULL;
}

struct lease *
lease_after(const struct lease_table *t, uint32_t id)
{
	size_t place = id == UINT32_MAX ? t->ids_count : ids_place(t, id + 1);

	while (place < t->ids_count && !t->ids[place].node)
		place++;
	return place < t->ids_count ? &t->ids[place].node->lease : NULL;
}

struct lease *
lease_next_expiry(const struct lease_table *t)
{
	return t->heap_count ? &t->heap[0]->lease : NULL;
}

uint32_t
lease_remaining_s(const struct lease *l, int64_t now_ms)
{
	int64_t left_s;

	if (l->expires_ms == LEASE_FOREVER)
		return 0;
	left_s = l->expires_ms > now_ms ? (l->expires_ms - now_ms + 999) / 1000 : 1;
	return left_s > UINT32_MAX ? UINT32_MAX : (uint32_t)left_s;
}
