/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "platform/neigh.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define ROOM 8192

/* What the kernel believes, confirmed or not: the answer decides who may open a port to whom, and a
 * host that can forge neighbour advertisements can take the address itself as well. */
#define KNOWN (NUD_PERMANENT | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)

static struct nlmsghdr *
begin(char *buf, uint16_t type, uint16_t flags, uint32_t ifindex, const struct addr6 *addr)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm;
	uint32_t addr4;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = 1;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_ifindex = (int)ifindex;
	if (addr6_to4(addr, &addr4)) {
		ndm->ndm_family = AF_INET;
		mnl_attr_put_u32(nlh, NDA_DST, htonl(addr4));
	} else {
		ndm->ndm_family = AF_INET6;
		mnl_attr_put(nlh, NDA_DST, sizeof(addr->octet), addr->octet);
	}
	return nlh;
}

static int
on_neigh(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct neigh *out = data;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ndm) ||
	    !(ndm->ndm_state & KNOWN))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ndm))
	{
		uint16_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) != NDA_LLADDR || len == 0 || len > NEIGH_LLADDR_MAX)
			continue;
		memcpy(out->lladdr, mnl_attr_get_payload(attr), len);
		out->len = (uint8_t)len;
	}
	return MNL_CB_OK;
}

/* Sends @nlh and takes the answer: the kernel gives it before the call returns. */
static int
ask(struct mnl_socket *sk, struct nlmsghdr *nlh, struct neigh *out)
{
	char buf[ROOM];
	ssize_t n;

	if (mnl_socket_sendto(sk, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(sk, buf, sizeof(buf));
	if (n < 0)
		return -errno;
	return mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(sk), on_neigh, out) < 0 ? -errno
											   : 0;
}

static struct mnl_socket *
open_socket(void)
{
	struct mnl_socket *sk = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (!sk || mnl_socket_bind(sk, 0, MNL_SOCKET_AUTOPID) == 0)
		return sk;
	mnl_socket_close(sk);
	return NULL;
}

static int
look(struct mnl_socket *sk, uint32_t ifindex, const struct addr6 *addr, struct neigh *out)
{
	char buf[512];
	int rc;

	memset(out, 0, sizeof(*out));
	rc = ask(sk, begin(buf, RTM_GETNEIGH, 0, ifindex, addr), out);
	return rc == 0 && out->len == 0 ? -ENOENT : rc;
}

int
neigh_look(uint32_t ifindex, const struct addr6 *addr, struct neigh *out)
{
	struct mnl_socket *sk = open_socket();
	int rc;

	if (!sk)
		return -errno;
	rc = look(sk, ifindex, addr, out);
	mnl_socket_close(sk);
	return rc;
}

int
neigh_find(uint32_t ifindex, const struct addr6 *addr, struct neigh *out)
{
	struct mnl_socket *sk = open_socket();
	char buf[512];
	struct nlmsghdr *nlh;
	int rc;

	if (!sk)
		return -errno;
	rc = look(sk, ifindex, addr, out);
	if (rc == -ENOENT) {
		nlh = begin(buf, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK, ifindex, addr);
		((struct ndmsg *)mnl_nlmsg_get_payload(nlh))->ndm_flags = NTF_USE;
		ask(sk, nlh, out);
		memset(out, 0, sizeof(*out));
	}
	mnl_socket_close(sk);
	return rc;
}

bool
neigh_same(const struct neigh *a, const struct neigh *b)
{
	return a->len == b->len && memcmp(a->lladdr, b->lladdr, a->len) == 0;
}
