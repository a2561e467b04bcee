/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases: every port mapping now in force.
 *
 * The table is the truth; kernel and store follow it. Nothing here does I/O or reads a clock:
 * callers pass the time, so tests can choose it. Every operation costs the same however many leases
 * there are (timers and ids: log n). One lease takes about 200 octets and its description.
 */
#ifndef PORTREEVE_CORE_LEASE_H
#define PORTREEVE_CORE_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEASE_FOREVER INT64_MAX
#define LEASE_RULES_MAX 128 /* numbers of rules are less */

enum lease_origin {
	LEASE_UPNP,
	LEASE_STATIC, /* the administrator's, by the CLI */
	LEASE_CONFIG, /* the administrator's, by the configuration: see forward.h */
};
#define LEASE_ORIGINS (LEASE_CONFIG + 1)

struct lease {
	uint32_t id; /* given by lease_add(); comes again after 2^32 leases at the earliest */
	uint32_t remote_host; /* 0: any. With the next two the key of the mapping */
	uint16_t external_port;
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t origin;   /* enum lease_origin */
	bool enabled;     /* false: kept, but passes nothing */
	bool counted;     /* the element has counted all flows since the grant; not stored */
	uint16_t internal_port;
	uint16_t rule; /* which allowed it: policy.h's number; not stored, found anew at start */
	uint32_t internal_client;
	uint32_t client;     /* who asked; 0 for the administrator */
	uint32_t duration_s; /* as granted at the last refresh; 0: permanent */
	int64_t expires_ms;  /* CLOCK_BOOTTIME; LEASE_FOREVER */
	int64_t created_s;   /* wall clock */
	int64_t last_used_s; /* wall clock, 0: never seen in use */
	/* As the kernel's elements had counted when they were last read, since the grant. */
	uint64_t use_packets;     /* the first ones of flows */
	uint64_t packets, octets; /* all, of both directions: nft.h's map_traffic() */
	char *description;        /* UTF-8, never NULL in the table; the table's own copy */
};

struct lease_table;

/* At most @max leases; a smaller maximum set later refuses new ones and drops none. */
struct lease_table *lease_table_new(size_t max);
void lease_table_set_max(struct lease_table *t, size_t max);
void lease_table_free(struct lease_table *t);
size_t lease_count(const struct lease_table *t);

/* How many internal clients have any. */
size_t lease_clients(const struct lease_table *t);

/* Leases of one internal client, for quotas. The administrator's do not count. */
size_t lease_count_of(const struct lease_table *t, uint32_t internal_client);

/*
 * Clients' leases that @rule has allowed: in all (@internal_client 0), or to one internal client,
 * which costs as much as that one has leases.
 */
size_t lease_count_by(const struct lease_table *t, uint16_t rule, uint32_t internal_client);

/* Another rule would allow it now. */
void lease_set_rule(struct lease_table *t, struct lease *lease, uint16_t rule);

/* All leases that lead to @internal_client, the administrator's too: 0.., in no order. NULL past
 * the end. */
struct lease *lease_of(const struct lease_table *t, uint32_t internal_client, size_t index);

/* The first external port from @from on that has a lease; 0: none. */
uint16_t lease_next_port(const struct lease_table *t, uint8_t protocol, uint32_t from);

/* Of the external ports @first to @last (1..65535): the lowest, or the highest, that has no lease;
 * 0: all have. */
uint16_t lease_lowest_free(
    const struct lease_table *t, uint8_t protocol, uint16_t first, uint16_t last);
uint16_t lease_highest_free(
    const struct lease_table *t, uint8_t protocol, uint16_t first, uint16_t last);

/*
 * Copies @l, with a fresh id if l->id is 0 (else that one is kept: restored leases; later ids are
 * greater). A NULL description is an empty one. The lease in the table comes back in @out (may be
 * NULL); it belongs to the table and is valid until deleted. -EEXIST: the key or the id is taken;
 * -ENOSPC: the table is full; -ENOMEM.
 */
int lease_add(struct lease_table *t, const struct lease *l, struct lease **out);

/*
 * Exchanges everything but key, id and origin with @with. Cannot fail, so a second call undoes the
 * first. The description changes owner, too: with->description was malloc'ed by the caller, and
 * what comes back in its place is the caller's.
 */
void lease_exchange(struct lease_table *t, struct lease *lease, struct lease *with);

void lease_del(struct lease_table *t, struct lease *lease);

struct lease *lease_find_id(const struct lease_table *t, uint32_t id);
struct lease *lease_find(
    const struct lease_table *t, uint8_t protocol, uint16_t external_port, uint32_t remote_host);

/* The leases on one external port, whatever their remote host, oldest first: begin with @prev NULL,
 * then the last one got. */
struct lease *lease_on_port(const struct lease_table *t, uint8_t protocol, uint16_t external_port,
    const struct lease *prev);

/* The enabled lease that owns the source-port entry of this internal endpoint: the oldest one; or
 * NULL. */
struct lease *lease_source_owner(const struct lease_table *t, uint8_t protocol,
    uint32_t internal_client, uint16_t internal_port);

/* Dense array: 0..count-1. Order holds while nothing is deleted. NULL past the end. */
struct lease *lease_at(const struct lease_table *t, size_t index);

/* In order of id, beginning after @id (0: the first), which need not exist any more. NULL: no more.
 */
struct lease *lease_after(const struct lease_table *t, uint32_t id);

/* The lease to expire first, or NULL when none ever does. */
struct lease *lease_next_expiry(const struct lease_table *t);

/* Seconds left at @now_ms, rounded up, at least 1; 0: permanent. */
uint32_t lease_remaining_s(const struct lease *l, int64_t now_ms);

#endif
