/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns no socket: the caller does. */
#include "config.h"

#include "core/local_socket.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/log.h"

#define SOCKET_GROUP "portreeve"

/* A file left by a core that was killed goes; anything else in the way is somebody's mistake. */
static int
remove_stale(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	return unlink(path) < 0 ? -errno : 0;
}

/* Who may read: the group. Without it (a try-out, a user namespace) the daemon's own user. */
static void
share_with_group(const char *path)
{
	const struct group *group = getgrnam(SOCKET_GROUP);

	if (group && lchown(path, (uid_t)-1, group->gr_gid) < 0)
		log_debug("%s: chown to group %s: %s", path, SOCKET_GROUP, strerror(errno));
}

int
local_listen(const char *path, int backlog)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, rc;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	rc = remove_stale(path);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
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
