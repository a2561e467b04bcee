/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of the kernel by name: files below /proc/sys, addresses and links by rtnetlink. */
#include "platform/setting.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/addr6.h"

#define READ_SIZE 16384

/* ---- sysctl ---- */

/* Nothing but the network's, and no way out of there. */
static int
open_sysctl(const char *key, int flags)
{
	char path[SETTING_NAME_MAX + 16];
	int fd;

	if (strncmp(key, "net/", 4) != 0 || strstr(key, ".."))
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/sys/%s", key);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int
get_sysctl(const char *key, char value[SETTING_VALUE_MAX])
{
	int fd = open_sysctl(key, O_RDONLY);
	ssize_t n;
	int rc;

	if (fd < 0)
		return fd;
	n = read(fd, value, SETTING_VALUE_MAX - 1);
	rc = n < 0 ? -errno : 0;
	close(fd);
	value[n < 0 ? 0 : n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return rc;
}

static int
set_sysctl(const char *key, const char *value)
{
	int fd = open_sysctl(key, O_WRONLY), rc;

	if (fd < 0)
		return fd;
	rc = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

/* ---- rtnetlink ---- */

/* Sends @nlh and waits for its end: the answers of a dump go to @on. 0 or -errno. */
static int
talk(struct nlmsghdr *nlh, mnl_cb_t on, void *arg)
{
	struct mnl_socket *sk = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	char buf[READ_SIZE];
	ssize_t n;
	int rc = MNL_CB_OK, saved;

	if (!sk)
		return -errno;
	nlh->nlmsg_seq = 1;
	if (mnl_socket_bind(sk, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(sk, nlh, nlh->nlmsg_len) < 0)
		rc = MNL_CB_ERROR;
	while (rc == MNL_CB_OK) {
		n = mnl_socket_recvfrom(sk, buf, sizeof(buf));
		rc = n < 0 ? MNL_CB_ERROR
			   : mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(sk), on, arg);
	}
	saved = errno;
	mnl_socket_close(sk);
	return rc == MNL_CB_ERROR ? -saved : 0;
}

/* ---- addresses ---- */

/* As rtnetlink takes it apart: an interface and ADDRESS/LENGTH of either family. */
struct address {
	uint32_t index;
	uint8_t family, len;
	uint8_t octets[16]; /* network byte order */
	size_t size;
	bool found;
};

/* @text: "lan0:192.168.137.1/24" */
static int
parse_address(const char *text, struct address *a)
{
	const char *colon = strchr(text, ':');
	char ifname[IFNAMSIZ];
	struct prefix6 prefix6;
	struct prefix4 prefix4;
	uint32_t be;

	memset(a, 0, sizeof(*a));
	if (!colon || colon == text || colon - text >= IFNAMSIZ)
		return -EINVAL;
	snprintf(ifname, sizeof(ifname), "%.*s", (int)(colon - text), text);
	if (prefix4_parse(colon + 1, &prefix4) == 0) {
		a->family = AF_INET;
		a->len = prefix4.len;
		a->size = sizeof(be);
		be = htonl(prefix4.addr);
		memcpy(a->octets, &be, sizeof(be));
	} else if (prefix6_parse(colon + 1, &prefix6) == 0) {
		a->family = AF_INET6;
		a->len = prefix6.len;
		a->size = sizeof(prefix6.addr.octet);
		memcpy(a->octets, prefix6.addr.octet, a->size);
	} else {
		return -EINVAL;
	}
	a->index = if_nametoindex(ifname);
	return a->index ? 0 : -ENODEV;
}

static int
on_address(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct address *a = arg;
	const struct nlattr *attr;
	uint16_t wanted = a->family == AF_INET ? IFA_LOCAL : IFA_ADDRESS;

	if (nlh->nlmsg_type != RTM_NEWADDR || ifa->ifa_index != a->index ||
	    ifa->ifa_family != a->family || ifa->ifa_prefixlen != a->len)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa))
	{
		if (mnl_attr_get_type(attr) == wanted &&
		    mnl_attr_get_payload_len(attr) == a->size &&
		    memcmp(mnl_attr_get_payload(attr), a->octets, a->size) == 0)
			a->found = true;
	}
	return MNL_CB_OK;
}

static struct nlmsghdr *
address_message(char *buf, const struct address *a, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifaddrmsg *ifa;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = a->family;
	if (type == RTM_GETADDR)
		return nlh;
	ifa->ifa_prefixlen = a->len;
	ifa->ifa_index = a->index;
	mnl_attr_put(nlh, IFA_LOCAL, a->size, a->octets);
	mnl_attr_put(nlh, IFA_ADDRESS, a->size, a->octets);
	return nlh;
}

static int
get_address(const char *text, char value[SETTING_VALUE_MAX])
{
	char buf[READ_SIZE] = { 0 };
	struct address a;
	int rc = parse_address(text, &a);

	if (rc == 0)
		rc = talk(address_message(buf, &a, RTM_GETADDR, NLM_F_DUMP), on_address, &a);
	snprintf(value, SETTING_VALUE_MAX, "%s", a.found ? "present" : "absent");
	return rc;
}

static int
set_address(const char *text, const char *value)
{
	bool present = strcmp(value, "present") == 0;
	char buf[READ_SIZE] = { 0 };
	struct nlmsghdr *nlh;
	struct address a;
	uint32_t host, broadcast;
	int rc = parse_address(text, &a);

	if (rc < 0)
		return rc;
	nlh = address_message(buf, &a, present ? RTM_NEWADDR : RTM_DELADDR,
	    present ? NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL : NLM_F_ACK);
	if (present && a.family == AF_INET && a.len < 31) {
		memcpy(&host, a.octets, sizeof(host));
		broadcast = host | htonl(~prefix4_mask(a.len));
		mnl_attr_put(nlh, IFA_BROADCAST, sizeof(broadcast), &broadcast);
	}
	rc = talk(nlh, NULL, NULL);
	return rc == (present ? -EEXIST : -EADDRNOTAVAIL) ? 0 : rc;
}

/* ---- links ---- */

static int
on_link(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type == RTM_NEWLINK)
		*(bool *)arg = ifi->ifi_flags & IFF_UP;
	return MNL_CB_OK;
}

static struct nlmsghdr *
link_message(char *buf, uint32_t index, uint16_t type, bool change, bool up)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = (int)index;
	ifi->ifi_change = change ? IFF_UP : 0;
	ifi->ifi_flags = up ? IFF_UP : 0;
	return nlh;
}

static int
get_link(const char *ifname, char value[SETTING_VALUE_MAX])
{
	uint32_t index = if_nametoindex(ifname);
	char buf[READ_SIZE] = { 0 };
	bool up = false;
	int rc = index ? 0 : -ENODEV;

	if (rc == 0)
		rc = talk(link_message(buf, index, RTM_GETLINK, false, false), on_link, &up);
	snprintf(value, SETTING_VALUE_MAX, "%s", up ? "up" : "down");
	return rc;
}

static int
set_link(const char *ifname, const char *value)
{
	uint32_t index = if_nametoindex(ifname);
	char buf[READ_SIZE] = { 0 };

	if (!index)
		return -ENODEV;
	return talk(
	    link_message(buf, index, RTM_NEWLINK, true, strcmp(value, "up") == 0), NULL, NULL);
}

/* ---- by name ---- */

static const struct kind {
	const char *prefix;
	int (*get)(const char *name, char value[SETTING_VALUE_MAX]);
	int (*set)(const char *name, const char *value);
} kinds[] = {
	{ "sysctl:", get_sysctl, set_sysctl },
	{ "address:", get_address, set_address },
	{ "link:", get_link, set_link },
};

/* Sets *@rest to what follows the kind. NULL: no such kind. */
static const struct kind *
kind_of(const char *name, const char **rest)
{
	size_t i, n;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		n = strlen(kinds[i].prefix);
		*rest = name + n;
		if (strncmp(name, kinds[i].prefix, n) == 0)
			return &kinds[i];
	}
	return NULL;
}

int
setting_get(const char *name, char value[SETTING_VALUE_MAX])
{
	const char *rest;
	const struct kind *kind = kind_of(name, &rest);

	return kind ? kind->get(rest, value) : -EINVAL;
}

int
setting_set(const char *name, const char *value)
{
	const char *rest;
	const struct kind *kind = kind_of(name, &rest);

	return kind ? kind->set(rest, value) : -EINVAL;
}
