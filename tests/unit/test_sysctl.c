/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On the machine as it is; nothing is changed but a group that a socket of ours joins. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/multicast.h"
#include "platform/sysctl.h"

#define GROUP 0xef010203u /* 239.1.2.3 */

static void
test_numbers_are_read_and_what_is_none_is_not(void)
{
	char longer[300];
	int64_t number = 0;

	CU_ASSERT_EQUAL(sysctl_read("kernel/pid_max", &number), 0);
	CU_ASSERT_TRUE(number > 100);
	CU_ASSERT_EQUAL(sysctl_read("net/ipv4/no_such_key", &number), -ENOENT);
	CU_ASSERT_EQUAL(sysctl_read("kernel/ostype", &number), -EIO); /* a word */
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	CU_ASSERT_EQUAL(sysctl_read(longer, &number), -ENAMETOOLONG);
}

static void
test_a_key_of_an_interface_is_only_that(void)
{
	int64_t number = -1;

	CU_ASSERT_EQUAL(sysctl_read_if("ipv4", "lo", "forwarding", &number), 0);
	CU_ASSERT_TRUE(number == 0 || number == 1);
	CU_ASSERT_EQUAL(sysctl_read_if("ipv4", "nosuch0", "forwarding", &number), -ENOENT);
	CU_ASSERT_EQUAL(sysctl_read_if("ipv4", "", "forwarding", &number), -ENOENT);
	CU_ASSERT_EQUAL(sysctl_read_if("ipv4", "..", "route", &number), -ENOENT);
	CU_ASSERT_EQUAL(sysctl_read_if("ipv4", "lo/../lo", "forwarding", &number), -ENOENT);
}

static void
test_a_group_is_seen_while_somebody_listens(void)
{
	struct ip_mreqn group = { .imr_multiaddr = { htonl(GROUP) },
		.imr_ifindex = (int)if_nametoindex("lo") };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL(multicast_joined("lo", GROUP), 0);
	if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)) == 0) {
		CU_ASSERT_EQUAL(multicast_joined("lo", GROUP), 1);
		CU_ASSERT_EQUAL(multicast_joined("nosuch0", GROUP), 0);
	}
	close(fd);
	CU_ASSERT_EQUAL(multicast_joined("lo", GROUP), 0);
}

static void
test_what_is_no_bridge_is_told(void)
{
	struct multicast_bridge bridge;

	CU_ASSERT_EQUAL(multicast_bridge("lo", &bridge), -ENODEV);
	CU_ASSERT_EQUAL(multicast_bridge("nosuch0", &bridge), -ENODEV);
	CU_ASSERT_EQUAL(multicast_bridge("", &bridge), -ENODEV);
}

static const struct unit_test tests[] = {
	UNIT_TEST(numbers_are_read_and_what_is_none_is_not),
	UNIT_TEST(a_key_of_an_interface_is_only_that),
	UNIT_TEST(a_group_is_seen_while_somebody_listens),
	UNIT_TEST(what_is_no_bridge_is_told),
	UNIT_END,
};

int
main(void)
{
	return unit_run("sysctl", tests);
}
