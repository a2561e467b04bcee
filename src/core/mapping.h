/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mappings: add, renew, delete, expire. Decide, record, program the kernel, store, answer; undo in
 * reverse.
 */
#ifndef PORTREEVE_CORE_MAPPING_H
#define PORTREEVE_CORE_MAPPING_H

#include "core/core.h"
#include "lib/addr.h"

/* Who asks, and through which LAN. */
struct asker {
	enum lease_origin origin;
	uint32_t client;    /* 0: the administrator */
	struct prefix4 lan; /* our address and prefix on the LAN the request came by; unused for the
			       administrator */
	enum msg_igd igd;   /* the version it was called by */
	const char *ifname; /* of that LAN, for rules that name it; NULL: none of them means it */
	uint32_t ifindex;
};

#define MAPPING_LEASE_MAX_S 604800 /* of version 2, and what 0 means there */

/*
 * Grants or refreshes one mapping; the same client always may refresh, also with another internal
 * port or description (WANIPConnection:2 2.4.16). A failure leaves table, kernel and store as they
 * were. @out (may be NULL) is the lease.
 *
 * All mappings on one external port and protocol lead to the same internal client, whatever their
 * remote hosts, and a key is refreshed only by the kind (client or administrator) that made it:
 * anything else is RESULT_CONFLICT; RESULT_OTHER_MECHANISM in version 2 when the administrator has
 * the port, or the gateway itself.
 */
enum result mapping_add(
    struct core *core, const struct asker *asker, const struct msg_map *req, struct lease **out);

/*
 * The same, with another external port where the one asked for (0: none in particular) is not to be
 * had: the one that this client already has for the same internal endpoint and remote host, else
 * the nearest free one: +1, -1, +2, -2, ..., around the end of the range of ports that clients may
 * have. RESULT_NO_RESOURCES: there is none.
 */
enum result mapping_add_any(
    struct core *core, const struct asker *asker, const struct msg_map *req, uint16_t *port);

/*
 * RESULT_NO_SUCH_ENTRY; RESULT_NOT_AUTHORIZED: the administrator's, or (secure) another client's;
 * RESULT_FAILED.
 */
enum result mapping_del(
    struct core *core, const struct asker *asker, const struct msg_map_key *key);

/* Ends a lease whatever its owner: the administrator's delete by id. */
enum result mapping_del_lease(struct core *core, struct lease *lease);

struct policy_verdict; /* policy.h */

/* The rules that hold now would refuse it: ends it, and says why in log and trail. */
enum result mapping_revoke(
    struct core *core, struct lease *lease, const struct policy_verdict *why);

/* ... or would grant no more than v->lease_s: that from now on. Its connections go on. */
enum result mapping_shorten(struct core *core, struct lease *lease, const struct policy_verdict *v);

/*
 * Ends all mappings of the range that the asker may delete: those that lead to it; with manage
 * others' too, unless secure. All of them or none, as one change. RESULT_NOT_FOUND: there are none;
 * RESULT_INCONSISTENT; RESULT_NOT_AUTHORIZED: it begins with ports that no client may have.
 */
enum result mapping_del_range(
    struct core *core, const struct asker *asker, const struct msg_range *range);

/*
 * What the asker may see, which in version 1 is everything. get: RESULT_NO_SUCH_ENTRY,
 * RESULT_NOT_AUTHORIZED; at: the @index-th of them, RESULT_NO_SUCH_INDEX; after: as msg.h says of
 * struct msg_range_next, results as of mapping_del_range().
 */
enum result mapping_get(const struct core *core, const struct asker *asker,
    const struct msg_map_key *key, const struct lease **out);
enum result mapping_at(
    const struct core *core, const struct asker *asker, uint32_t index, const struct lease **out);
enum result mapping_after(const struct core *core, const struct asker *asker,
    const struct msg_range_next *next, const struct lease **out);

/* Of range calls: does @lease lie in it, and may it be asked for at all? */
bool mapping_in_range(const struct msg_range *range, const struct lease *lease);
enum result mapping_check_range(
    const struct core *core, const struct asker *asker, const struct msg_range *range);

/* Fills @out as clients see it: remaining time, description. */
void mapping_describe(const struct core *core, const struct lease *lease, struct msg_map *out);

/* Reads the counters of one lease from the kernel; last_used_s follows, in the store as well. */
void mapping_refresh_use(struct core *core, struct lease *lease);

/* The counters of all into the store, before the kernel's table goes. */
void mapping_save_use(struct core *core);

/* Makes the kernel's table what leases and pinholes say: nft->sync(). */
int mapping_sync(struct core *core);

/* For nft->sync(): walks all enabled leases; @arg is the core. */
bool mapping_next(void *arg, const void **cursor, struct nft_mapping *out);

/*
 * Ends leases whose time is over, as many as one kernel transaction takes. Returns how many; there
 * may be more. They end here even when kernel or store refuse: the kernel's own timeouts and the
 * next start mend that.
 */
size_t mapping_expire(struct core *core);

/*
 * The timer that calls mapping_expire() (expiry.c), exact on CLOCK_BOOTTIME. Between two slices the
 * event loop serves requests. start: 0 or -errno, which was logged. rearm: after each change of
 * the table; mapping.c and its neighbours do.
 */
int expiry_start(struct core *core);
void expiry_stop(struct core *core);
void expiry_rearm(struct core *core);

#endif
