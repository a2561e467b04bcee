/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stream sockets in the file system, for programs of this machine. */
#ifndef PORTREEVE_CORE_LOCAL_SOCKET_H
#define PORTREEVE_CORE_LOCAL_SOCKET_H

/* Behind the path while the socket does not listen yet; `ss -xl` goes on showing that name. */
#define LOCAL_SOCKET_ASIDE "~"

/*
 * A socket at @path that listens, non-blocking and close-on-exec; mode 0660, of the group portreeve
 * where that exists. It appears there at once as one that takes connections, in the place of one
 * left by a core that was killed. -errno; -EEXIST: something that is no socket is in the way, there
 * or aside; -ENAMETOOLONG: the system allows no more than 106 octets.
 */
int local_listen(const char *path, int backlog);

/* What kept it from that, and what to do about it. @rc: -errno, as it gave it. */
const char *local_listen_error_str(int rc);

#endif
