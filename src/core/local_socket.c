/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns no socket: the caller does. */
#include "config.h"

#include "core/local_socket.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/log.h"

#define SOCKET_GROUP "portreeve"

/* A socket left by a core that was killed may go; anything else there is somebody's mistake. */
static int
refuse_others_file(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	return S_ISSOCK(st.st_mode) ? 0 : -EEXIST;
}

static int
remove_stale(const char *path)
{
	int rc = refuse_others_file(path);

	if (rc == 0 && unlink(path) < 0 && errno != ENOENT)
		rc = -errno;
	return rc;
}

/* Who may read: the group. Without it (a try-out, a user namespace) the daemon's own user. */
static void
share_with_group(const char *path)
{
	const struct group *group = getgrnam(SOCKET_GROUP);

	if (group && lchown(path, (uid_t)-1, group->gr_gid) < 0)
		log_debug("%s: chown to group %s: %s", path, SOCKET_GROUP, strerror(errno));
}

/* Bound and listening at @path, where nobody looks for it. */
static int
listen_aside(const char *path, int backlog)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;
	mode_t mask;

	if (fd < 0)
		return -errno;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	mask = umask(0117); /* never open to others, not for a moment */
	rc = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
	umask(mask);
	if (rc == 0) {
		share_with_group(path);
		if (listen(fd, backlog) == 0)
			return fd;
		rc = -errno;
		unlink(path);
	}
	close(fd);
	return rc;
}

/*
 * Between bind() and listen() a client is refused as by a dead daemon, so the socket gets its name
 * when it listens. Whoever comes before that finds what was there: nothing, or the dead one's.
 */
int
local_listen(const char *path, int backlog)
{
	char aside[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int n = snprintf(aside, sizeof(aside), "%s" LOCAL_SOCKET_ASIDE, path), fd, rc;

	if (n < 0 || (size_t)n >= sizeof(aside))
		return -ENAMETOOLONG;
	rc = refuse_others_file(path);
	if (rc == 0)
		rc = remove_stale(aside);
	if (rc < 0)
		return rc;
	fd = listen_aside(aside, backlog);
	if (fd < 0 || rename(aside, path) == 0)
		return fd;
	rc = -errno;
	unlink(aside);
	close(fd);
	return rc;
}

const char *
local_listen_error_str(int rc)
{
	switch (-rc) {
	case EEXIST:
		return "is there and no socket, or has such a neighbour (" LOCAL_SOCKET_ASIDE
		       "): remove it";
	case ENAMETOOLONG:
		return "the path of a socket has at most 106 octets: choose a shorter --run-dir";
	}
	return strerror(-rc);
}
