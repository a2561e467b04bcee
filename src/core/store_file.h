/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The database file of store.c: opened and checked, made when missing, set aside when it is broken.
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
	"created_s, last_used_s, use_packets, description"
#define STORE_LEASE_N_COLUMNS 18

struct store_file {
	sqlite3 *db;
	char *path;
	int dir_fd;  /* holds the lock on the directory */
	bool shared; /* other connections may be opened beside this one */
};

/* 0, or -errno, which was logged. */
int store_file_open(struct store_file *file, const char *dir);

/* Moves what is left in the write-ahead log, and closes. */
void store_file_close(struct store_file *file);

#endif
