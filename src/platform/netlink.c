/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the rtnetlink monitor and a snapshot of links, addresses and the default route.
 *
 * An event never edits the snapshot: it only tells that reading again is worth it. Events get lost
 * and the kernel does not send all of them (no RTM_DELROUTE when a link goes down, no order of
 * addresses after a primary one is removed), so what was read last is the only thing to trust. What
 * changes while a dump runs sends an event of its own.
 */
#include "platform/netlink.h"
#include "lib/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READ_SIZE 16384
#define READS_MAX 256 /* in one netlink_read(); the rest keeps the descriptor readable */
#define DUMP_TRIES 5  /* of a dump that changes interrupted */

/* RFC 2863 ifOperStatus as the kernel numbers it; linux/if.h does not go with every net/if.h. */
enum { OPERSTATE_UNKNOWN = 0, OPERSTATE_UP = 6 };

struct snapshot {
	struct netlink_if *ifs; /* by index */
	size_t n;
	uint32_t default_index; /* 0: no default route */
	uint32_t default_metric;
};

struct netlink {
	struct mnl_socket *monitor;
	struct snapshot now;
	bool stale; /* something happened since the snapshot was taken */
};

/* ---- messages to structs ---- */

static void
parse_link(const struct nlmsghdr *nlh, struct netlink_if *out)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	uint8_t operstate;

	memset(out, 0, sizeof(*out));
	out->index = (uint32_t)ifi->ifi_index;
	out->up = ifi->ifi_flags & IFF_UP;
	out->running = ifi->ifi_flags & IFF_RUNNING;
	out->loopback = ifi->ifi_flags & IFF_LOOPBACK;
	out->ppp = ifi->ifi_type == ARPHRD_PPP;
	out->point_to_point = ifi->ifi_flags & IFF_POINTOPOINT;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi))
	{
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
				strncpy(out->name, mnl_attr_get_str(attr), sizeof(out->name) - 1);
			break;
		case IFLA_MTU:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				out->mtu = mnl_attr_get_u32(attr);
			break;
		case IFLA_OPERSTATE:
			if (mnl_attr_validate(attr, MNL_TYPE_U8) < 0)
				break;
			operstate = mnl_attr_get_u8(attr);
			out->running = operstate == OPERSTATE_UP || operstate == OPERSTATE_UNKNOWN;
			break;
		}
	}
}

struct address {
	uint32_t index;
	uint32_t flags;
	struct prefix4 prefix;
};

/* False: not one that we keep. */
static bool
parse_addr(const struct nlmsghdr *nlh, struct address *out)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	uint32_t peer = 0, local = 0;

	if (ifa->ifa_family != AF_INET || ifa->ifa_scope != RT_SCOPE_UNIVERSE)
		return false;
	out->index = ifa->ifa_index;
	out->flags = ifa->ifa_flags;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa))
	{
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			continue;
		switch (mnl_attr_get_type(attr)) {
		case IFA_ADDRESS:
			peer = ntohl(mnl_attr_get_u32(attr));
			break;
		case IFA_LOCAL:
			local = ntohl(mnl_attr_get_u32(attr));
			break;
		case IFA_FLAGS:
			out->flags = mnl_attr_get_u32(attr);
			break;
		}
	}
	/* IFA_ADDRESS is the other end's on a point-to-point link; IFA_LOCAL is always ours. */
	out->prefix.addr = local ? local : peer;
	out->prefix.len = ifa->ifa_prefixlen;
	return out->prefix.addr != 0;
}

/* The same for IPv6. Ours is IFA_LOCAL where there is a peer. */
static bool
parse_addr6(const struct nlmsghdr *nlh, uint32_t *index, struct prefix6 *out)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	bool local = false;

	if (ifa->ifa_family != AF_INET6 || ifa->ifa_scope == RT_SCOPE_LINK ||
	    ifa->ifa_scope == RT_SCOPE_HOST)
		return false;
	memset(out, 0, sizeof(*out));
	*index = ifa->ifa_index;
	out->len = ifa->ifa_prefixlen;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa))
	{
		if (mnl_attr_get_payload_len(attr) != sizeof(out->addr.octet) ||
		    (mnl_attr_get_type(attr) != IFA_LOCAL &&
			(mnl_attr_get_type(attr) != IFA_ADDRESS || local)))
			continue;
		local = mnl_attr_get_type(attr) == IFA_LOCAL;
		memcpy(out->addr.octet, mnl_attr_get_payload(attr), sizeof(out->addr.octet));
	}
	return out->len <= 128 && !addr6_is_zero(&out->addr);
}

static uint32_t
multipath_oif(const struct nlattr *attr)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attr);
	int left = mnl_attr_get_payload_len(attr);

	for (; RTNH_OK(hop, left); left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop))
		if (!(hop->rtnh_flags & RTNH_F_DEAD))
			return (uint32_t)hop->rtnh_ifindex;
	return 0;
}

/* A default route of the main table that leads somewhere? Then by which interface and metric. */
static bool
parse_default(const struct nlmsghdr *nlh, uint32_t *index, uint32_t *metric)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	uint32_t table = rtm->rtm_table;

	if (rtm->rtm_family != AF_INET || rtm->rtm_dst_len || rtm->rtm_src_len || rtm->rtm_tos ||
	    rtm->rtm_type != RTN_UNICAST || (rtm->rtm_flags & (RTM_F_CLONED | RTNH_F_DEAD)))
		return false;
	*index = *metric = 0;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
	{
		if (mnl_attr_get_type(attr) == RTA_MULTIPATH) {
			*index = multipath_oif(attr);
			continue;
		}
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			continue;
		switch (mnl_attr_get_type(attr)) {
		case RTA_OIF:
			*index = mnl_attr_get_u32(attr);
			break;
		case RTA_PRIORITY:
			*metric = mnl_attr_get_u32(attr);
			break;
		case RTA_TABLE:
			table = mnl_attr_get_u32(attr);
			break;
		}
	}
	return table == RT_TABLE_MAIN && *index;
}

/* ---- the snapshot ---- */

static struct netlink_if *
find_index(const struct snapshot *snap, uint32_t index)
{
	size_t i;

	for (i = 0; i < snap->n; i++)
		if (snap->ifs[i].index == index)
			return &snap->ifs[i];
	return NULL;
}

static bool
same_link(const struct netlink_if *a, const struct netlink_if *b)
{
	return a->index == b->index && a->up == b->up && a->running == b->running &&
	       a->loopback == b->loopback && a->point_to_point == b->point_to_point &&
	       a->ppp == b->ppp && a->mtu == b->mtu && strcmp(a->name, b->name) == 0;
}

static bool
same_addrs(const struct netlink_if *a, const struct netlink_if *b)
{
	size_t i;

	if (a->n_addrs != b->n_addrs)
		return false;
	for (i = 0; i < a->n_addrs; i++)
		if (a->addrs[i].addr != b->addrs[i].addr || a->addrs[i].len != b->addrs[i].len)
			return false;
	return true;
}

static const struct prefix6 *
find_addr6(const struct netlink_if *ifp, const struct prefix6 *like)
{
	size_t i;

	for (i = 0; i < ifp->n_addrs6; i++)
		if (ifp->addrs6[i].len == like->len &&
		    addr6_same(&ifp->addrs6[i].addr, &like->addr))
			return &ifp->addrs6[i];
	return NULL;
}

static bool
same_addrs6(const struct netlink_if *a, const struct netlink_if *b)
{
	size_t i;

	for (i = 0; i < a->n_addrs6; i++)
		if (!find_addr6(b, &a->addrs6[i]))
			return false;
	return a->n_addrs6 == b->n_addrs6;
}

static bool
same_snapshot(const struct snapshot *a, const struct snapshot *b)
{
	size_t i;

	if (a->n != b->n || a->default_index != b->default_index)
		return false;
	for (i = 0; i < a->n; i++)
		if (!same_link(&a->ifs[i], &b->ifs[i]) || !same_addrs(&a->ifs[i], &b->ifs[i]) ||
		    !same_addrs6(&a->ifs[i], &b->ifs[i]))
			return false;
	return true;
}

static int
by_index(const void *a, const void *b)
{
	uint32_t x = ((const struct netlink_if *)a)->index,
		 y = ((const struct netlink_if *)b)->index;

	return (x > y) - (x < y);
}

/* ---- reading all of it ---- */

static int
on_link(const struct nlmsghdr *nlh, void *data)
{
	struct snapshot *snap = data;
	struct netlink_if *grown;

	if (nlh->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct ifinfomsg))
		return MNL_CB_OK;
	grown = realloc(snap->ifs, (snap->n + 1) * sizeof(*grown));
	if (!grown) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	snap->ifs = grown;
	parse_link(nlh, &snap->ifs[snap->n++]);
	return MNL_CB_OK;
}

struct addr_pass {
	struct snapshot *snap;
	bool deprecated; /* which ones this pass takes */
};

static int
on_addr(const struct nlmsghdr *nlh, void *data)
{
	struct addr_pass *pass = data;
	struct netlink_if *ifp;
	struct address addr;

	if (nlh->nlmsg_type != RTM_NEWADDR ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct ifaddrmsg) || !parse_addr(nlh, &addr))
		return MNL_CB_OK;
	if (!(addr.flags & IFA_F_DEPRECATED) == pass->deprecated)
		return MNL_CB_OK;
	ifp = find_index(pass->snap, addr.index);
	if (ifp && ifp->n_addrs < NETLINK_ADDRS_MAX)
		ifp->addrs[ifp->n_addrs++] = addr.prefix;
	return MNL_CB_OK;
}

static int
on_addr6(const struct nlmsghdr *nlh, void *data)
{
	struct snapshot *snap = data;
	struct netlink_if *ifp;
	struct prefix6 prefix;
	uint32_t index;

	if (nlh->nlmsg_type != RTM_NEWADDR ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct ifaddrmsg) ||
	    !parse_addr6(nlh, &index, &prefix))
		return MNL_CB_OK;
	ifp = find_index(snap, index);
	if (ifp && ifp->n_addrs6 < NETLINK_ADDRS6_MAX)
		ifp->addrs6[ifp->n_addrs6++] = prefix;
	return MNL_CB_OK;
}

static int
on_route(const struct nlmsghdr *nlh, void *data)
{
	struct snapshot *snap = data;
	uint32_t index, metric;

	if (nlh->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct rtmsg) ||
	    !parse_default(nlh, &index, &metric) || !find_index(snap, index))
		return MNL_CB_OK;
	/* Of equals the first: that is the one the kernel takes. */
	if (!snap->default_index || metric < snap->default_metric) {
		snap->default_index = index;
		snap->default_metric = metric;
	}
	return MNL_CB_OK;
}

/* The fixed part of a dump request: an address family, all else zero. */
union dump_head {
	struct ifinfomsg link;
	struct ifaddrmsg addr;
	struct rtmsg route;
};

static int
dump(struct mnl_socket *sk, uint16_t type, const void *head, size_t size, mnl_cb_t on, void *data)
{
	static unsigned seq;
	char buf[READ_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	unsigned wanted = ++seq;
	ssize_t n;
	int rc;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = wanted;
	memcpy(mnl_nlmsg_put_extra_header(nlh, size), head, size);
	if (type == RTM_GETLINK)
		mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (mnl_socket_sendto(sk, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(sk, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		rc = mnl_cb_run(buf, (size_t)n, wanted, mnl_socket_get_portid(sk), on, data);
	} while (rc == MNL_CB_OK);
	return rc == MNL_CB_ERROR ? -errno : 0;
}

static int
dump_all(struct mnl_socket *sk, struct snapshot *snap)
{
	union dump_head head;
	struct addr_pass pass = { snap, false };
	int rc;

	memset(&head, 0, sizeof(head));
	rc = dump(sk, RTM_GETLINK, &head, sizeof(head.link), on_link, snap);
	if (rc < 0)
		return rc;
	if (snap->n)
		qsort(snap->ifs, snap->n, sizeof(*snap->ifs), by_index);

	/* Deprecated addresses still take packets, but are the last to be told to anyone. */
	head.addr.ifa_family = AF_INET;
	rc = dump(sk, RTM_GETADDR, &head, sizeof(head.addr), on_addr, &pass);
	pass.deprecated = true;
	if (rc == 0)
		rc = dump(sk, RTM_GETADDR, &head, sizeof(head.addr), on_addr, &pass);
	head.addr.ifa_family = AF_INET6;
	if (rc == 0)
		rc = dump(sk, RTM_GETADDR, &head, sizeof(head.addr), on_addr6, snap);
	if (rc < 0)
		return rc;

	memset(&head, 0, sizeof(head));
	head.route.rtm_family = AF_INET;
	head.route.rtm_table = RT_TABLE_MAIN;
	return dump(sk, RTM_GETROUTE, &head, sizeof(head.route), on_route, snap);
}

static struct mnl_socket *
query_open(void)
{
	struct mnl_socket *sk = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int on = 1;

	if (!sk)
		return NULL;
	/* Strict: the kernel honours rtm_table; where it cannot, parse_default() sorts out. */
	mnl_socket_setsockopt(sk, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	if (mnl_socket_bind(sk, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(sk);
		return NULL;
	}
	return sk;
}

/*
 * Reads everything into @snap. A socket of its own each time: nothing of a failed dump can be
 * mistaken for the next one's.
 */
static int
snapshot_read(struct snapshot *snap)
{
	struct mnl_socket *sk;
	int rc = -EINTR, i;

	for (i = 0; i < DUMP_TRIES && rc == -EINTR; i++) {
		sk = query_open();
		if (!sk)
			return -errno;
		free(snap->ifs);
		memset(snap, 0, sizeof(*snap));
		rc = dump_all(sk, snap);
		mnl_socket_close(sk);
	}
	return rc;
}

/* 1: something is different now; 0; or -errno. */
static int
refresh(struct netlink *nl)
{
	struct snapshot fresh = { 0 };
	int rc;

	rc = snapshot_read(&fresh);
	if (rc < 0) {
		free(fresh.ifs);
		log_warn("cannot read interfaces and addresses: %s", strerror(-rc));
		return rc;
	}
	nl->stale = false;
	rc = !same_snapshot(&nl->now, &fresh);
	free(nl->now.ifs);
	nl->now = fresh;
	return rc;
}

/* ---- the monitor ---- */

/* Does this link message tell something new? Many drivers send one for each whim. */
static bool
link_matters(const struct netlink *nl, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct netlink_if *known;
	struct netlink_if told;

	/* AF_BRIDGE: a port joined or left a bridge; its RTM_DELLINK deletes no interface. */
	if (ifi->ifi_family != AF_UNSPEC)
		return false;
	known = find_index(&nl->now, (uint32_t)ifi->ifi_index);
	if (nlh->nlmsg_type == RTM_DELLINK || !known)
		return true;
	parse_link(nlh, &told);
	return !same_link(known, &told);
}

/* Each router advertisement renews addresses that are known. */
static bool
addr_matters(const struct netlink *nl, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct netlink_if *ifp;
	struct prefix6 prefix;
	uint32_t index;

	if (ifa->ifa_family != AF_INET6)
		return true;
	if (!parse_addr6(nlh, &index, &prefix))
		return false;
	ifp = find_index(&nl->now, index);
	return !ifp || !find_addr6(ifp, &prefix) == (nlh->nlmsg_type == RTM_NEWADDR);
}

static int
on_event(const struct nlmsghdr *nlh, void *data)
{
	struct netlink *nl = data;
	size_t len = mnl_nlmsg_get_payload_len(nlh);
	uint32_t index, metric;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (len >= sizeof(struct ifinfomsg) && link_matters(nl, nlh))
			nl->stale = true;
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (len >= sizeof(struct ifaddrmsg) && addr_matters(nl, nlh))
			nl->stale = true;
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (len >= sizeof(struct rtmsg) && parse_default(nlh, &index, &metric))
			nl->stale = true;
		break;
	}
	return MNL_CB_OK;
}

int
netlink_read(struct netlink *nl)
{
	char buf[READ_SIZE];
	ssize_t n;
	int i;

	for (i = 0; i < READS_MAX; i++) {
		n = mnl_socket_recvfrom(nl->monitor, buf, sizeof(buf));
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != ENOBUFS && errno != ENOSPC) {
			log_warn("interface monitor: %s", strerror(errno));
			return -errno;
		}
		/* ENOBUFS: events were lost; ENOSPC: one was too long for us. */
		if (n < 0 || mnl_cb_run(buf, (size_t)n, 0, 0, on_event, nl) < 0)
			nl->stale = true;
	}
	return nl->stale ? refresh(nl) : 0;
}

struct netlink *
netlink_new(void)
{
	unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE;
	struct netlink *nl = calloc(1, sizeof(*nl));

	if (!nl) {
		log_error("interface monitor: %s", strerror(ENOMEM));
		return NULL;
	}
	nl->monitor = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!nl->monitor || mnl_socket_bind(nl->monitor, groups, MNL_SOCKET_AUTOPID) < 0) {
		log_error("interface monitor: %s", strerror(errno));
		netlink_free(nl);
		return NULL;
	}
	if (refresh(nl) < 0) {
		netlink_free(nl);
		return NULL;
	}
	return nl;
}

void
netlink_free(struct netlink *nl)
{
	if (!nl)
		return;
	if (nl->monitor)
		mnl_socket_close(nl->monitor);
	free(nl->now.ifs);
	free(nl);
}

int
netlink_fd(const struct netlink *nl)
{
	return mnl_socket_get_fd(nl->monitor);
}

const struct netlink_if *
netlink_find(const struct netlink *nl, const char *name)
{
	size_t i;

	for (i = 0; i < nl->now.n; i++)
		if (strcmp(nl->now.ifs[i].name, name) == 0)
			return &nl->now.ifs[i];
	return NULL;
}

const struct netlink_if *
netlink_next(const struct netlink *nl, const struct netlink_if *prev)
{
	size_t i = prev ? (size_t)(prev - nl->now.ifs) + 1 : 0;

	return i < nl->now.n ? &nl->now.ifs[i] : NULL;
}

const struct netlink_if *
netlink_default(const struct netlink *nl)
{
	return nl->now.default_index ? find_index(&nl->now, nl->now.default_index) : NULL;
}
