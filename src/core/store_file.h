/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The database files of the state directory: opened, checked, and set aside when they are broken.
 */
#ifndef PORTREEVE_CORE_STORE_FILE_H
#define PORTREEVE_CORE_STORE_FILE_H

#include <sqlite3.h>
#include <stdbool.h>

#define STORE_FILE_NAME "portreeve.db"

/* The columns of table lease, in the order in which store.c binds and reads them. */
#define STORE_LEASE_COLUMNS                                                                        \
	"id, protocol, external_port, remote_host, internal_client, internal_port, enabled, "      \
	"origin, client, duration_s, boot, expires_boot_ms, expires_wall_s, written_s, "           \
	"created_s, last_used_s, use_packets, packets, octets, description"
#define STORE_LEASE_N_COLUMNS 20

#define STORE_PROBES_MAX 4
#define STORE_UPGRADES_MAX 4

/* What a file of one version lacks of the next. */
struct store_upgrade {
	const char *probe; /* one that can answer this lacks nothing: versions were not always told
			      apart */
	const char *sql;
};

/* What a file is for. */
struct store_kind {
	const char *name;
	const char *schema; /* makes everything in an empty file, user_version, too */
	int version;        /* that one, 1 and up */
	struct store_upgrade upgrades[STORE_UPGRADES_MAX]; /* from version 1, from 2, ... */
	int page_size;                                     /* octets */
	const char *probes[STORE_PROBES_MAX];              /* what a file of this kind can answer */
	const char *loss; /* what is lost with it, after "and": a clause for people */
};

struct store_file {
	sqlite3 *db;
	const struct store_kind *kind;
	char *path;
	char *spare; /* where the one was put that could not be used; NULL: there was none such */
	int dir_fd;  /* holds the lock on the directory */
	bool shared; /* other connections may be opened beside this one */
};

/* The leases' file, with a lock on the directory. 0, or -errno, which was logged. */
int store_file_open(struct store_file *file, const char *dir);

/* Another one in a directory that is locked already; keeps @kind. 0, or -errno, which was logged.
 */
int store_file_open_beside(struct store_file *file, const char *dir, const struct store_kind *kind);

/* Moves what is left in the write-ahead log, and closes. */
void store_file_close(struct store_file *file);

#endif
