/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "platform/portuse.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK 0x7f000001u

/* A socket on @addr and a port that the kernel chooses. */
static int
open_socket(int type, uint32_t addr, uint16_t *port)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr = { htonl(addr) } };
	socklen_t len = sizeof(name);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&name, len), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	if (type == SOCK_STREAM)
		CU_ASSERT_EQUAL_FATAL(listen(fd, 1), 0);
	*port = ntohs(name.sin_port);
	return fd;
}

static void
test_a_listener_is_seen_until_it_goes(void)
{
	uint16_t port;
	int fd = open_socket(SOCK_STREAM, LOOPBACK, &port);

	CU_ASSERT_TRUE(portuse_taken(LOOPBACK, IPPROTO_TCP, port));
	CU_ASSERT_TRUE(portuse_taken(0, IPPROTO_TCP, port));
	CU_ASSERT_FALSE(portuse_taken(LOOPBACK + 1, IPPROTO_TCP, port));
	close(fd);
	CU_ASSERT_FALSE(portuse_taken(LOOPBACK, IPPROTO_TCP, port));
}

static void
test_a_socket_on_every_address_is_seen_on_each(void)
{
	uint16_t port;
	int fd = open_socket(SOCK_DGRAM, 0, &port);

	CU_ASSERT_TRUE(portuse_taken(LOOPBACK, IPPROTO_UDP, port));
	close(fd);
	CU_ASSERT_FALSE(portuse_taken(LOOPBACK, IPPROTO_UDP, port));
}

static void
test_an_address_that_is_not_ours_is_used_by_nobody(void)
{
	CU_ASSERT_FALSE(portuse_taken(0xcb007109, IPPROTO_UDP, 5000));
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(a_listener_is_seen_until_it_goes),
		UNIT_TEST(a_socket_on_every_address_is_seen_on_each),
		UNIT_TEST(an_address_that_is_not_ours_is_used_by_nobody),
		UNIT_END,
	};

	return unit_run("portuse", tests);
}
