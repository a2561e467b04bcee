/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "supervisor/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS 10

static int
make_one(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return stat(path, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
	return -errno;
}

int
rundir_make(const char *path, mode_t mode)
{
	char part[PATH_MAX];
	char *slash;
	int rc;

	if (!*path || strlen(path) >= sizeof(part))
		return *path ? -ENAMETOOLONG : -ENOENT;
	strcpy(part, path);
	for (slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		rc = make_one(part, 0755);
		if (rc < 0)
			return rc;
		*slash = '/';
	}
	return make_one(path, mode);
}

static int
open_in(const char *run_dir, const char *name, mode_t mode)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", run_dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
	return fd < 0 ? -errno : fd;
}

static pid_t
read_pid(int fd)
{
	char text[16] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		return 0;
	return (pid_t)strtol(text, NULL, 10);
}

int
rundir_lock(const char *run_dir, pid_t *first)
{
	int fd = open_in(run_dir, "portreeved.pid", 0644), rc;

	*first = 0;
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
		*first = read_pid(fd);
		close(fd);
		return rc;
	}
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

void
rundir_unlock(int fd)
{
	if (fd >= 0 && ftruncate(fd, 0) == 0)
		close(fd);
}

int
rundir_lock_group(const char *run_dir, int patience_ms)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	int fd = open_in(run_dir, "portreeved.group", 0600);

	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (patience_ms <= 0) {
			close(fd);
			return -EBUSY;
		}
		patience_ms -= STEP_MS;
		nanosleep(&step, NULL);
	}
	return fd;
}
