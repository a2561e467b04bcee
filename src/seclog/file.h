/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of the security log: appended to, and when it is full renamed to FILE.old, in the place
 * of the one before. So both together never hold more than twice the limit.
 */
#ifndef PORTREEVE_SECLOG_FILE_H
#define PORTREEVE_SECLOG_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct file {
	int dir, fd; /* fd -1: not open */
	char name[256];
	size_t size, max;
};

/* Keeps @dir, a directory's descriptor. Nothing is opened yet. */
void file_init(struct file *f, int dir, const char *name, size_t max);
void file_close(struct file *f);

/*
 * Appends a whole line, behind a head if the file is new. 0 or -errno; the next line tries to open
 * it anew. A file that somebody has moved or deleted is begun again.
 */
int file_write(struct file *f, const char *line, size_t len);

#endif
