/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/claim.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/compiler.h"
#include "lib/log.h"

#define BACKLOG 8

/* A core that was killed may still wait for the disk, and has the name until then. */
#define DYING_MS 1000

struct claim {
	int fd;
	struct event *asked;
};

static socklen_t
abstract(struct sockaddr_un *addr, const char *name)
{
	size_t len = strlen(name);

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len > sizeof(addr->sun_path) - 1)
		len = sizeof(addr->sun_path) - 1;
	memcpy(addr->sun_path + 1, name, len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
}

static int
open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Who listens under @addr: connecting tells its process and user. False: it does not say. */
static bool
find_holder(const struct sockaddr_un *addr, socklen_t len, struct ucred *holder)
{
	socklen_t size = sizeof(*holder);
	int fd = open_socket();
	bool found;

	if (fd < 0)
		return false;
	found = connect(fd, (const struct sockaddr *)addr, len) == 0 &&
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, holder, &size) == 0;
	close(fd);
	return found;
}

static int
judge_holder(const struct sockaddr_un *addr, socklen_t len)
{
	struct ucred holder;

	if (!find_holder(addr, len, &holder)) {
		log_warn("another process sits on our name in this network namespace, and does not "
			 "say which: going on");
		return 0;
	}
	if (holder.uid != 0 && holder.uid != geteuid()) {
		log_warn("pid %d of uid %u sits on our name in this network namespace: going on",
		    (int)holder.pid, (unsigned)holder.uid);
		return 0;
	}
	log_error("another portreeved runs in this network namespace, with the core pid %d: end it "
		  "first, one serves all LANs",
	    (int)holder.pid);
	return -EBUSY;
}

/* Waits a moment for the end of the process that listens under @addr. False: it lives on. */
static bool
holder_ends(const struct sockaddr_un *addr, socklen_t len)
{
	struct pollfd pfd = { .events = POLLIN };
	struct ucred holder;
	bool ended;

	if (!find_holder(addr, len, &holder))
		return true;
	if (holder.pid == getpid())
		return false;
	pfd.fd = (int)syscall(SYS_pidfd_open, holder.pid, 0u);
	if (pfd.fd < 0)
		return errno == ESRCH;
	ended = poll(&pfd, 1, DYING_MS) == 1;
	close(pfd.fd);
	return ended;
}

/* Who asks has its answer by then: the kernel keeps our identity with the connection. */
static void
on_asked(evutil_socket_t fd, short what UNUSED, void *arg UNUSED)
{
	int asker = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	if (asker >= 0)
		close(asker);
}

static int
take_name(int fd, const struct sockaddr_un *addr, socklen_t len)
{
	if (bind(fd, (const struct sockaddr *)addr, len) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (!holder_ends(addr, len))
		return -EADDRINUSE;
	return bind(fd, (const struct sockaddr *)addr, len) < 0 ? -errno : 0;
}

static int
start_listening(struct claim *claim, struct event_base *base)
{
	if (listen(claim->fd, BACKLOG) < 0)
		return -errno;
	claim->asked = event_new(base, claim->fd, EV_READ | EV_PERSIST, on_asked, NULL);
	return claim->asked && event_add(claim->asked, NULL) == 0 ? 0 : -ENOMEM;
}

int
claim_take(struct event_base *base, const char *name, struct claim **out)
{
	struct claim *claim = calloc(1, sizeof(*claim));
	struct sockaddr_un addr;
	socklen_t len = abstract(&addr, name);
	int rc;

	*out = NULL;
	if (!claim)
		return -ENOMEM;
	claim->fd = open_socket();
	rc = claim->fd < 0 ? claim->fd : 0;
	if (rc == 0)
		rc = take_name(claim->fd, &addr, len);
	if (rc == 0)
		rc = start_listening(claim, base);
	if (rc == 0) {
		*out = claim;
		return 0;
	}
	claim_free(claim);
	return rc == -EADDRINUSE ? judge_holder(&addr, len) : rc;
}

void
claim_free(struct claim *claim)
{
	if (!claim)
		return;
	if (claim->asked)
		event_free(claim->asked);
	if (claim->fd >= 0)
		close(claim->fd);
	free(claim);
}
