/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns the descriptor of the file. */
#include "config.h"

#include "seclog/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seclog/line.h"

void
file_init(struct file *f, int dir, const char *name, size_t max)
{
	*f = (struct file){ .dir = dir, .fd = -1, .max = max };
	snprintf(f->name, sizeof(f->name), "%s", name);
}

void
file_close(struct file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

/* O_APPEND and one write: a line is never torn. */
static int
put(struct file *f, const char *text, size_t len)
{
	ssize_t n = write(f->fd, text, len);

	if (n == (ssize_t)len) {
		f->size += len;
		return 0;
	}
	return n < 0 ? -errno : -ENOSPC;
}

static int
open_file(struct file *f)
{
	struct stat st;
	int rc;

	f->fd = openat(f->dir, f->name,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	if (f->fd < 0)
		return -errno;
	rc = fstat(f->fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	f->size = rc == 0 ? (size_t)st.st_size : 0;
	if (rc == 0 && f->size == 0)
		rc = put(f, line_head, strlen(line_head));
	if (rc < 0)
		file_close(f);
	return rc;
}

/* Is it still the one that has the name? */
static int
is_there(const struct file *f)
{
	struct stat by_name, by_fd;

	return fstatat(f->dir, f->name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(f->fd, &by_fd) == 0 && by_name.st_ino == by_fd.st_ino &&
	       by_name.st_dev == by_fd.st_dev;
}

static int
rotate(struct file *f)
{
	char old[sizeof(f->name) + 4];

	snprintf(old, sizeof(old), "%s.old", f->name);
	file_close(f);
	return renameat(f->dir, f->name, f->dir, old) < 0 ? -errno : 0;
}

int
file_write(struct file *f, const char *line, size_t len)
{
	int rc = 0;

	if (f->fd >= 0 && !is_there(f))
		file_close(f);
	if (f->fd < 0)
		rc = open_file(f);
	if (rc == 0 && f->size + len > f->max && f->size > strlen(line_head)) {
		rc = rotate(f);
		if (rc == 0)
			rc = open_file(f);
	}
	if (rc == 0)
		rc = put(f, line, len);
	if (rc < 0)
		file_close(f);
	return rc;
}
