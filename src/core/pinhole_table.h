/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every IPv6 pinhole now in force, as lease.h has the port mappings.
 *
 * The table is the truth; kernel and store follow it. Nothing here does I/O or reads a clock.
 * Finding one costs the same however many there are (timers: log n).
 */
#ifndef PORTREEVE_CORE_PINHOLE_TABLE_H
#define PORTREEVE_CORE_PINHOLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr6.h"

#define PINHOLES_MAX 16384 /* ids have 16 bits, and are not to be used again soon */

/* What names a pinhole (WANIPv6FirewallControl:1 2.4.3). No padding: compared as a whole. */
struct pinhole_key {
	struct addr6 remote_host; /* 0: any */
	struct addr6 internal_client;
	uint16_t remote_port;   /* 0: any */
	uint16_t internal_port; /* 0: any */
	uint16_t protocol;      /* MSG_PROTO_ANY: any, then both ports are 0 */
};

struct pinhole {
	uint16_t id;    /* the UniqueID; comes again after 65,535 pinholes at the earliest */
	uint8_t origin; /* enum lease_origin */
	struct pinhole_key key;
	struct addr6 client; /* who asked; IPv4: ::ffff:a.b.c.d */
	struct addr6 host;   /* whose share it takes: 0, then a link-layer address, or an address */
	uint32_t duration_s; /* as granted at the last refresh */
	int64_t expires_ms;  /* CLOCK_BOOTTIME */
	int64_t created_s;   /* wall clock */
	int64_t last_used_s; /* wall clock, 0: never seen in use */
	uint64_t packets;    /* that came through it in all, when last counted */
	uint64_t counter; /* of the kernel's element then; not stored: one made anew begins at 0 */
};

struct pinhole_table;

struct pinhole_table *pinhole_table_new(size_t max);
void pinhole_table_free(struct pinhole_table *t);
void pinhole_table_set_max(struct pinhole_table *t, size_t max); /* drops none */
size_t pinhole_count(const struct pinhole_table *t);
size_t pinhole_count_of(const struct pinhole_table *t, const struct addr6 *host);

/*
 * Copies @p, with a fresh id if p->id is 0. The one in the table comes back in @out (may be NULL)
 * and is valid until deleted. -EEXIST: key or id are taken; -ENOSPC: the table is full; -ENOMEM.
 */
int pinhole_table_add(struct pinhole_table *t, const struct pinhole *p, struct pinhole **out);
void pinhole_table_del(struct pinhole_table *t, struct pinhole *p);

/* Its time is another one. Cannot fail. */
void pinhole_table_renew(
    struct pinhole_table *t, struct pinhole *p, uint32_t duration_s, int64_t expires_ms);

struct pinhole *pinhole_find_id(const struct pinhole_table *t, uint16_t id);
struct pinhole *pinhole_find(const struct pinhole_table *t, const struct pinhole_key *key);
struct pinhole *pinhole_after(const struct pinhole_table *t, uint16_t id); /* 0: the first */
struct pinhole *pinhole_next_expiry(const struct pinhole_table *t);

/* The id given last; the next is the one after it, around 0 and those in use. */
uint16_t pinhole_last_id(const struct pinhole_table *t);
void pinhole_set_last_id(struct pinhole_table *t, uint16_t id);

/* Seconds left at @now_ms, rounded up, at least 1. */
uint32_t pinhole_remaining_s(const struct pinhole *p, int64_t now_ms);

#endif
