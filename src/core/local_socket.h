/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stream sockets in the file system, for programs of this machine. */
#ifndef PORTREEVE_CORE_LOCAL_SOCKET_H
#define PORTREEVE_CORE_LOCAL_SOCKET_H

/*
 * A socket at @path that listens, non-blocking and close-on-exec; mode 0660, of the group portreeve
 * where that exists. One left there by a core that was killed is replaced. -errno; -EEXIST:
 * something that is no socket is in the way.
 */
int local_listen(const char *path, int backlog);

#endif
