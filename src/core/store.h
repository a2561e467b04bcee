/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases on disk (SQLite, WAL): what brings them back after a crash or a reboot.
 *
 * struct store is a set of verbs like struct nft, so that unit tests put a fake here.
 *
 * A write that returned 0 survives the death of every process of ours. A power cut may lose the
 * last second (synchronous=NORMAL), never more, and never leaves half a write.
 */
#ifndef PORTREEVE_CORE_STORE_H
#define PORTREEVE_CORE_STORE_H

#include "core/lease.h"
#include "core/pinhole_table.h"

/*
 * Called for each lease at load, with expires_ms already on this boot's clock. Description only
 * lives during the call. 0, or -errno: the lease is left out, which load() logs.
 */
typedef int (*store_lease_fn)(void *arg, const struct lease *lease);
typedef int (*store_pinhole_fn)(void *arg, const struct pinhole *p);

struct store {
	int error; /* of the last write: 0 or -errno */

	/*
	 * Writes the lease, new or changed (key: id). 0 or -errno; it was logged when it is another
	 * one than last time. -ENOSPC: the disk is full, or its user's quota; nothing was written,
	 * and once there is room again all goes on by itself.
	 */
	int (*put)(struct store *store, const struct lease *lease, int64_t now_ms, int64_t wall_s);
	int (*del)(struct store *store, uint32_t id); /* absent: no error */

	/*
	 * All unexpired leases, in order of id. Remaining time: on the same boot (boot id) by
	 * CLOCK_BOOTTIME; after a reboot by the wall clock, never more than the lease's duration;
	 * full duration when the clock is evidently wrong (before the row was written, or before
	 * this program was). Expired rows are deleted; rows that make no sense are logged and left
	 * out. 0 or -errno.
	 */
	int (*load)(
	    struct store *store, int64_t now_ms, int64_t wall_s, store_lease_fn fn, void *arg);

	/* The same for pinholes. */
	int (*put_pinhole)(
	    struct store *store, const struct pinhole *p, int64_t now_ms, int64_t wall_s);
	int (*del_pinhole)(struct store *store, uint16_t id);
	int (*load_pinholes)(
	    struct store *store, int64_t now_ms, int64_t wall_s, store_pinhole_fn fn, void *arg);

	/* Small named values (machine uuid when there is no machine-id, ...). get: length, or
	 * -ENOENT; -EMSGSIZE: longer than @size. */
	int (*meta_get)(struct store *store, const char *name, void *buf, size_t size);
	int (*meta_put)(struct store *store, const char *name, const void *buf, size_t size);

	/*
	 * Several puts and dels as one write: begin, then commit. 0 or -errno. All or nothing: once
	 * begin or one of them has failed, the others and commit return its error, too.
	 */
	int (*begin)(struct store *store);
	int (*commit)(struct store *store);

	/* Where a database was put that could not be used, at the last start; NULL: there was none
	 * such. */
	const char *(*spare)(struct store *store);

	void (*free)(struct store *store);
};

/*
 * Opens DIR/portreeve.db, made if missing (mode 0600). A corrupt or unreadable database is renamed
 * to portreeve.db.corrupt-<time>, said in the log, and a fresh one begun. NULL: not even that
 * works, or another process uses DIR; it was logged.
 *
 * The first put or del starts a thread that moves the log into the database file now and then; not
 * earlier, so that it has no more rights than the caller has kept by then.
 */
struct store *store_open(const char *dir);

/* What an error of a write is called: "the disk is full". */
const char *store_error_str(int error);

/* The same as if the machine's boot id were @boot: for tests. */
struct store *store_open_at_boot(const char *dir, int64_t boot);

#endif
