/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns nothing but what it returns. */
#include "config.h"

#include "seclog/nflog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "seclog/packet.h"

#define GATHER 16    /* packets in a message... */
#define GATHER_CS 20 /* ... or what has come in so many hundredths of a second */
#define RECEIVE_ROOM (1024 * 1024)

static struct nlmsghdr *
begin(char *buf, uint16_t group)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(group);
	return nlh;
}

/* Sends it and reads the acknowledgement; packets that come meanwhile are lost, nobody has asked
 * for them yet. */
static int
ask(struct mnl_socket *nl, struct nlmsghdr *nlh)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	ssize_t n;

	nlh->nlmsg_seq = (uint32_t)time(NULL);
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (n < 0)
		return -errno;
	return mnl_cb_run(buf, (size_t)n, nlh->nlmsg_seq, 0, NULL, NULL) < 0 ? -errno : 0;
}

static int
bind_group(struct mnl_socket *nl, uint16_t group)
{
	const struct nfulnl_msg_config_cmd cmd = { .command = NFULNL_CFG_CMD_BIND };
	char buf[256];
	struct nlmsghdr *nlh = begin(buf, group);

	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(cmd), &cmd);
	return ask(nl, nlh);
}

static int
set_mode(struct mnl_socket *nl, uint16_t group)
{
	const struct nfulnl_msg_config_mode mode = { .copy_range = htonl(PACKET_SNAP),
		.copy_mode = NFULNL_COPY_PACKET };
	char buf[256];
	struct nlmsghdr *nlh = begin(buf, group);

	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(GATHER));
	mnl_attr_put_u32(nlh, NFULA_CFG_TIMEOUT, htonl(GATHER_CS));
	return ask(nl, nlh);
}

int
nflog_open(uint16_t group, struct mnl_socket **out)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	const int room = RECEIVE_ROOM;
	int rc;

	if (!nl)
		return -errno;
	rc = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : bind_group(nl, group);
	if (rc == 0)
		rc = set_mode(nl, group);
	if (rc < 0) {
		mnl_socket_close(nl);
		return rc;
	}
	setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	*out = nl;
	return 0;
}

static void
on_message(const struct nlmsghdr *nlh, nflog_fn fn, void *arg)
{
	struct nflog_packet packet = { .prefix = "" };
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		switch (mnl_attr_get_type(attr)) {
		case NFULA_PREFIX:
			if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
				packet.prefix = mnl_attr_get_str(attr);
			break;
		case NFULA_IFINDEX_OUTDEV:
			packet.forwarded = true;
			break;
		case NFULA_PAYLOAD:
			packet.data = mnl_attr_get_payload(attr);
			packet.len = mnl_attr_get_payload_len(attr);
			break;
		}
	}
	if (packet.data)
		fn(arg, &packet);
}

int
nflog_read(struct mnl_socket *nl, char *buf, nflog_fn fn, void *arg)
{
	const struct nlmsghdr *nlh = (const void *)buf;
	ssize_t n = recv(mnl_socket_get_fd(nl), buf, NFLOG_BUFFER, MSG_DONTWAIT);
	int left = (int)n;

	if (n < 0)
		return -errno;
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		if (nlh->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
			on_message(nlh, fn, arg);
	return 0;
}
