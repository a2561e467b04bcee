/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases on disk (SQLite, WAL): what brings them back after a crash or a reboot.
 *
 * struct store is a set of verbs like struct nft, so that unit tests put a fake here.
 */
#ifndef PORTREEVE_CORE_STORE_H
#define PORTREEVE_CORE_STORE_H

#include "core/lease.h"

/* Called for each lease at load, with expires_ms already on this boot's clock. Description only
 * lives during the call. */
typedef int (*store_lease_fn)(void *arg, const struct lease *lease);

struct store {
	/* Writes the lease, new or changed (key: id). 0 or -errno (-ENOSPC: disk full). */
	int (*put)(struct store *store, const struct lease *lease, int64_t now_ms, int64_t wall_s);
	int (*del)(struct store *store, uint32_t id);

	/*
	 * All unexpired leases. Remaining time: on the same boot (boot id) by CLOCK_BOOTTIME; after
	 * a reboot by the wall clock, never more than the lease's duration; full duration when the
	 * clock is evidently wrong (before the row was written). Expired rows are deleted. 0 or
	 * -errno.
	 */
	int (*load)(
	    struct store *store, int64_t now_ms, int64_t wall_s, store_lease_fn fn, void *arg);

	/* Small named values (machine uuid when there is no machine-id, ...). get: length, or
	 * -ENOENT. */
	int (*meta_get)(struct store *store, const char *name, void *buf, size_t size);
	int (*meta_put)(struct store *store, const char *name, const void *buf, size_t size);

	/* Several puts and dels as one write: begin, then commit. 0 or -errno. */
	int (*begin)(struct store *store);
	int (*commit)(struct store *store);

	void (*free)(struct store *store);
};

/*
 * Opens DIR/portreeve.db, made if missing (mode 0600). A corrupt or unreadable database is renamed
 * to portreeve.db.corrupt-<time>, said in the log, and a fresh one begun. NULL: not even that
 * works; it was logged.
 */
struct store *store_open(const char *dir);

#endif
