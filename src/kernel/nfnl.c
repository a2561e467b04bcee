/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nfnl.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Limits, not allocations: a batch of 100,000 elements is about 8 MiB. */
#define SEND_LIMIT (32 << 20)
#define RECV_LIMIT (8 << 20)

/* Raises a limit as far as we may: beyond net.core.*mem_max with CAP_NET_ADMIN, up to it without.
 */
static void
raise_limit(int fd, int force, int plain, int value)
{
	if (setsockopt(fd, SOL_SOCKET, force, &value, sizeof(value)) < 0)
		setsockopt(fd, SOL_SOCKET, plain, &value, sizeof(value));
}

static int
set_up(struct nfnl *nl)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(addr);
	int one = 1, limit = 0;

	if (bind(nl->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    getsockname(nl->fd, (struct sockaddr *)&addr, &len) < 0)
		return -errno;
	nl->portid = addr.nl_pid;

	raise_limit(nl->fd, SO_SNDBUFFORCE, SO_SNDBUF, SEND_LIMIT);
	raise_limit(nl->fd, SO_RCVBUFFORCE, SO_RCVBUF, RECV_LIMIT);
	len = sizeof(limit);
	if (getsockopt(nl->fd, SOL_SOCKET, SO_SNDBUF, &limit, &len) < 0)
		return -errno;
	nl->max_send = (size_t)limit - 1024; /* the kernel wants 32 octets of it for itself */

	/* An error message need not repeat what we sent. */
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	return 0;
}

int
nfnl_open(struct nfnl *nl)
{
	int rc;

	*nl = (struct nfnl){ .fd = -1 };
	nl->rx = malloc(NFNL_RX_SIZE);
	if (!nl->rx)
		return -ENOMEM;
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	rc = nl->fd < 0 ? -errno : set_up(nl);
	if (rc < 0)
		nfnl_close(nl);
	return rc;
}

void
nfnl_close(struct nfnl *nl)
{
	if (nl->fd >= 0)
		close(nl->fd);
	free(nl->rx);
	nl->fd = -1;
	nl->rx = NULL;
}

int
nfnl_send(struct nfnl *nl, const void *buf, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t sent;

	do
		sent =
		    sendto(nl->fd, buf, len, 0, (const struct sockaddr *)&kernel, sizeof(kernel));
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

int
nfnl_recv(struct nfnl *nl)
{
	struct sockaddr_nl from;
	socklen_t from_len;
	ssize_t len;

	do {
		from_len = sizeof(from);
		len = recvfrom(nl->fd, nl->rx, NFNL_RX_SIZE, MSG_DONTWAIT | MSG_TRUNC,
		    (struct sockaddr *)&from, &from_len);
		if (len < 0 && errno != EINTR)
			return -errno;
	} while (len < 0 || from.nl_pid != 0); /* only the kernel speaks to us */
	return len > NFNL_RX_SIZE ? -EMSGSIZE : (int)len;
}

struct nlmsghdr *
nfnl_ask_begin(char buf[NFNL_ASK_SIZE], uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *nlh;
	struct nfgenmsg *nfg;

	memset(buf, 0, NFNL_ASK_SIZE); /* libmnl leaves padding as it finds it */
	nlh = mnl_nlmsg_put_header(buf);
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = 0;
	return nlh;
}

void
nfnl_parse(const struct nlmsghdr *nlh, const struct nlattr **tb, size_t max)
{
	const struct nlattr *attr;

	memset(tb, 0, max * sizeof(*tb));
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) < max)
			tb[mnl_attr_get_type(attr)] = attr;
	}
}

void
nfnl_parse_nest(const struct nlattr *nest, const struct nlattr **tb, size_t max)
{
	const struct nlattr *attr;

	memset(tb, 0, max * sizeof(*tb));
	mnl_attr_for_each_nested(attr, nest)
	{
		if (mnl_attr_get_type(attr) < max)
			tb[mnl_attr_get_type(attr)] = attr;
	}
}

uint32_t
nfnl_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == 4 ? be32toh(mnl_attr_get_u32(attr)) : 0;
}

uint64_t
nfnl_u64(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == 8 ? be64toh(mnl_attr_get_u64(attr)) : 0;
}

bool
nfnl_data(const struct nlattr *nest, void *value, size_t len)
{
	const struct nlattr *tb[NFTA_DATA_VALUE + 1];

	nfnl_parse_nest(nest, tb, NFTA_DATA_VALUE + 1);
	if (!tb[NFTA_DATA_VALUE] || mnl_attr_get_payload_len(tb[NFTA_DATA_VALUE]) != len)
		return false;
	memcpy(value, mnl_attr_get_payload(tb[NFTA_DATA_VALUE]), len);
	return true;
}

int
nfnl_error(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

	return mnl_nlmsg_get_payload_len(nlh) < sizeof(*err) ? -EBADMSG : err->error;
}

/* Reads on to the end of the answer even after an error, so that the next one starts clean. */
int
nfnl_ask(struct nfnl *nl, struct nlmsghdr *req, nfnl_msg_fn on_msg, void *arg)
{
	bool dump = req->nlmsg_flags & NLM_F_DUMP, done = false;
	int rc, res = 0;

	req->nlmsg_seq = ++nl->seq;
	rc = nfnl_send(nl, req, req->nlmsg_len);
	if (rc < 0)
		return rc;

	while (!done) {
		const struct nlmsghdr *nlh = (const void *)nl->rx;
		int len = nfnl_recv(nl);

		if (len < 0)
			return len == -EAGAIN && !res ? -EIO : len;
		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_seq != nl->seq)
				continue;
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR && !res)
				res = -EINTR;
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				rc = nfnl_error(nlh);
				done = true;
			} else if (nlh->nlmsg_type == NLMSG_DONE) {
				rc = 0;
				done = true;
			} else {
				rc = on_msg ? on_msg(arg, nlh) : 0;
				done = done || !dump;
			}
			if (rc < 0 && !res)
				res = rc;
		}
	}
	return res;
}

/* The inode of the socket @portid of NETLINK_NETFILTER, 0 when there is none. */
static unsigned long
socket_inode(uint32_t portid)
{
	char line[256];
	unsigned long inode = 0;
	FILE *f = fopen("/proc/self/net/netlink", "re");

	while (f && !inode && fgets(line, sizeof(line), f)) {
		unsigned proto, port;
		unsigned long ino;

		if (sscanf(line, "%*s %u %u %*s %*s %*s %*s %*s %*s %lu", &proto, &port, &ino) ==
			3 &&
		    proto == NETLINK_NETFILTER && port == portid)
			inode = ino;
	}
	if (f)
		fclose(f);
	return inode;
}

static bool
process_has(const char *pid, const char *link_wanted)
{
	char path[64], link[64];
	struct dirent *d;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	while (dir && !found && (d = readdir(dir))) {
		ssize_t len = readlinkat(dirfd(dir), d->d_name, link, sizeof(link) - 1);

		if (len < 0)
			continue;
		link[len] = '\0';
		found = strcmp(link, link_wanted) == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

static void
process_name(const char *pid, char *name, size_t size)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	f = fopen(path, "re");
	name[0] = '\0';
	if (f && fgets(name, size, f))
		name[strcspn(name, "\n")] = '\0';
	if (f)
		fclose(f);
}

int
nfnl_holder(uint32_t portid, uint32_t *pid, char *name, size_t size)
{
	char wanted[64];
	struct dirent *d;
	unsigned long inode = socket_inode(portid);
	DIR *proc = inode ? opendir("/proc") : NULL;
	int rc = -ENOENT;

	if (!proc)
		return -ENOENT;
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	while (rc < 0 && (d = readdir(proc))) {
		if (d->d_name[0] < '1' || d->d_name[0] > '9' || !process_has(d->d_name, wanted))
			continue;
		*pid = strtoul(d->d_name, NULL, 10);
		process_name(d->d_name, name, size);
		rc = 0;
	}
	closedir(proc);
	return rc;
}
