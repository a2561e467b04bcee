/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "dhcp/look.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dhcp/exits.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "probe/dhcp_probe.h"
#include "probe/dhcp_socket.h"

#define PORT_SERVER 67
#define READS_MAX 256 /* in one turn */

_Static_assert(LOOK_MS < EXITS_LOOK_MS, "others count on an end of it");

/* ---- one interface ---- */

struct place {
	const char *ifname;
	int fd; /* -errno: not looked at */
	uint8_t mac[6];
};

/* Does a program have the server's port there? The kernel knows by trying. */
static bool
port_is_taken(const char *ifname)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT_SERVER) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool taken;

	if (fd < 0)
		return false;
	taken =
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname)) == 0 &&
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 && errno == EADDRINUSE;
	close(fd);
	return taken;
}

/* Where nobody can be asked, or by us, nobody is found. */
static void
place_open(struct place *p, const char *ifname)
{
	p->ifname = ifname;
	p->fd = dhcp_socket_open(ifname, p->mac);
	if (p->fd < 0 && p->fd != -ENODEV && p->fd != -EPROTONOSUPPORT)
		log_warn("%s: cannot look for DHCP servers: %s", ifname, strerror(-p->fd));
}

/* By its own address, since it is no host that wants one; a link that is down has nobody on it. */
static void
place_ask(const struct place *p, uint32_t xid)
{
	uint8_t frame[DHCP_PROBE_FRAME];

	dhcp_probe_build(frame, p->mac, p->mac, xid);
	if (send(p->fd, frame, sizeof(frame), 0) < 0)
		log_debug("%s: no question goes out: %s", p->ifname, strerror(errno));
}

static bool
place_read(const struct place *p, uint32_t xid, uint32_t *server)
{
	uint8_t frame[DHCP_SOCKET_FRAME_MAX];
	struct dhcp_offer offer;
	ssize_t n;
	int i;

	for (i = 0; i < READS_MAX; i++) {
		n = recv(p->fd, frame, sizeof(frame), 0);
		if (n < 0)
			return false;
		if (dhcp_probe_parse(frame, (size_t)n, p->mac, xid, &offer)) {
			*server = offer.server;
			return true;
		}
	}
	return false;
}

/* ---- all of them ---- */

static int
wait_for_answer(struct place *places, size_t n, uint32_t xid, uint32_t *server)
{
	int64_t end_ms = clock_mono_ms() + LOOK_MS, ask_ms = 0, now_ms, next_ms;
	struct pollfd fds[EXITS_LANS];
	size_t i;

	while ((now_ms = clock_mono_ms()) < end_ms) {
		if (now_ms >= ask_ms) {
			for (i = 0; i < n; i++)
				if (places[i].fd >= 0)
					place_ask(&places[i], xid);
			ask_ms = now_ms + LOOK_AGAIN_MS;
		}
		for (i = 0; i < n; i++)
			fds[i] = (struct pollfd){ .fd = places[i].fd, .events = POLLIN };
		next_ms = ask_ms < end_ms ? ask_ms : end_ms;
		poll(fds, (nfds_t)n, (int)(next_ms - now_ms));
		for (i = 0; i < n; i++)
			if (fds[i].revents && place_read(&places[i], xid, server))
				return (int)i;
	}
	return -1;
}

int
look(const char (*ifnames)[IFNAMSIZ], size_t n, enum look_result *result, uint32_t *server)
{
	struct place places[EXITS_LANS];
	size_t i, opened = 0;
	uint32_t xid = 1;
	int found = -1;

	*result = LOOK_NOBODY;
	*server = 0;
	if (getrandom(&xid, sizeof(xid), GRND_NONBLOCK) < 0)
		xid = (uint32_t)clock_mono_ms();
	for (i = 0; i < n; i++) {
		if (port_is_taken(ifnames[i])) {
			*result = LOOK_TAKEN;
			return (int)i;
		}
	}
	for (i = 0; i < n; i++) {
		place_open(&places[i], ifnames[i]);
		opened += places[i].fd >= 0;
	}
	if (opened)
		found = wait_for_answer(places, n, xid, server);
	if (found >= 0)
		*result = LOOK_ANSWERS;
	for (i = 0; i < n; i++)
		if (places[i].fd >= 0)
			close(places[i].fd);
	return found;
}
