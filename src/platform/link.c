/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "platform/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#define READ_SIZE 16384

static int
query(struct mnl_socket *sk, const char *ifname, mnl_cb_t on_link, void *arg)
{
	char buf[READ_SIZE] = { 0 }; /* the padding behind the name goes to the kernel, too */
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	ssize_t n;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = 1;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	if (mnl_socket_sendto(sk, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(sk, buf, sizeof(buf));
	if (n < 0)
		return -errno;
	if (mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(sk), on_link, arg) < 0)
		return -errno;
	return 0;
}

int
link_ask(const char *ifname, mnl_cb_t on_link, void *arg)
{
	struct mnl_socket *sk;
	int rc;

	if (!*ifname || strlen(ifname) >= IFNAMSIZ)
		return -ENODEV;
	sk = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!sk)
		return -errno;
	rc = mnl_socket_bind(sk, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno
							    : query(sk, ifname, on_link, arg);
	mnl_socket_close(sk);
	return rc;
}
