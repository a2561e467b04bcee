/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "platform/portuse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bound and not listening, our own socket gets nothing in that moment. */
bool
portuse_taken(uint32_t addr, uint8_t protocol, uint16_t port)
{
	const struct sockaddr_in name = {
		.sin_family = AF_INET, .sin_addr = { htonl(addr) }, .sin_port = htons(port)
	};
	int type = protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM, one = 1;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	bool taken;

	if (fd < 0)
		return false;
	/* TCP: what only waits for its end is no use any more; a listener is, all the same. */
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	taken = bind(fd, (const struct sockaddr *)&name, sizeof(name)) < 0 && errno == EADDRINUSE;
	close(fd);
	return taken;
}
