/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "platform/neigh.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/log.h"

#define ROOM 8192
#define LIST_ROOM 16384
#define LIST_MAX 65536
#define LIST_TRIES 5 /* of a table that changes while it is read */

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

struct mnl_socket *
neigh_open(void)
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
	struct mnl_socket *sk = neigh_open();
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
	struct mnl_socket *sk = neigh_open();
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

/* ---- all of them ---- */

struct neigh_entry {
	uint32_t ifindex;
	struct addr6 addr;
	struct neigh neigh;
};

static int
by_place(const void *a, const void *b)
{
	const struct neigh_entry *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return memcmp(x->addr.octet, y->addr.octet, sizeof(x->addr.octet));
}

static struct neigh_entry *
list_grow(struct neigh_list *list)
{
	size_t room = list->n ? list->n * 2 : 64;
	struct neigh_entry *entries;

	if (list->n == 0 || (list->n >= 64 && (list->n & (list->n - 1)) == 0)) {
		entries = realloc(list->entries, room * sizeof(*entries));
		if (!entries)
			return NULL;
		list->entries = entries;
	}
	return &list->entries[list->n];
}

static bool
parse_place(const struct nlmsghdr *nlh, struct neigh_entry *entry)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	uint32_t addr4;

	entry->ifindex = (uint32_t)ndm->ndm_ifindex;
	mnl_attr_for_each(attr, nlh, sizeof(*ndm))
	{
		if (mnl_attr_get_type(attr) != NDA_DST)
			continue;
		if (ndm->ndm_family == AF_INET && mnl_attr_get_payload_len(attr) == sizeof(addr4)) {
			memcpy(&addr4, mnl_attr_get_payload(attr), sizeof(addr4));
			entry->addr = addr6_from4(ntohl(addr4));
			return true;
		}
		if (ndm->ndm_family == AF_INET6 &&
		    mnl_attr_get_payload_len(attr) == sizeof(entry->addr.octet)) {
			memcpy(entry->addr.octet, mnl_attr_get_payload(attr),
			    sizeof(entry->addr.octet));
			return true;
		}
	}
	return false;
}

static int
on_entry(const struct nlmsghdr *nlh, void *data)
{
	struct neigh_list *list = data;
	struct neigh_entry *entry;

	if (list->n == LIST_MAX)
		return MNL_CB_OK;
	entry = list_grow(list);
	if (!entry) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	memset(entry, 0, sizeof(*entry));
	on_neigh(nlh, &entry->neigh);
	if (entry->neigh.len && parse_place(nlh, entry))
		list->n++;
	return MNL_CB_OK;
}

/* A socket of its own each time: nothing of a failed dump can be mistaken for the next one's. */
static int
read_all(struct neigh_list *list)
{
	struct mnl_socket *sk = neigh_open();
	char buf[LIST_ROOM];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	int rc = MNL_CB_OK;
	ssize_t n;

	if (!sk)
		return -errno;
	list->n = 0;
	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ndmsg)); /* AF_UNSPEC: both families */
	n = mnl_socket_sendto(sk, nlh, nlh->nlmsg_len);
	while (n >= 0 && rc == MNL_CB_OK) {
		n = mnl_socket_recvfrom(sk, buf, sizeof(buf));
		if (n >= 0)
			rc = mnl_cb_run(
			    buf, (size_t)n, 1, mnl_socket_get_portid(sk), on_entry, list);
	}
	rc = n < 0 || rc == MNL_CB_ERROR ? -errno : 0;
	mnl_socket_close(sk);
	return rc;
}

static void
list_read(struct neigh_list *list)
{
	int rc = -EINTR, i;

	list->read = true;
	for (i = 0; i < LIST_TRIES && rc == -EINTR; i++)
		rc = read_all(list);
	if (rc < 0) {
		log_warn("neighbour table: %s: rules by MAC address match nobody just now",
		    strerror(-rc));
		list->n = 0;
	}
	if (list->n)
		qsort(list->entries, list->n, sizeof(*list->entries), by_place);
}

bool
neigh_list_find_mac(
    struct neigh_list *list, uint32_t ifindex, const struct addr6 *addr, struct mac *mac)
{
	const struct neigh_entry wanted = { .ifindex = ifindex, .addr = *addr };
	const struct neigh_entry *found = NULL;

	if (!list->read)
		list_read(list);
	if (list->n)
		found = bsearch(&wanted, list->entries, list->n, sizeof(wanted), by_place);
	if (!found || found->neigh.len != sizeof(mac->octet))
		return false;
	memcpy(mac->octet, found->neigh.lladdr, sizeof(mac->octet));
	return true;
}

void
neigh_list_free(struct neigh_list *list)
{
	free(list->entries);
	*list = (struct neigh_list){ .read = false };
}

/* ---- is it there? ---- */

static int
on_state(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type == RTM_NEWNEIGH && mnl_nlmsg_get_payload_len(nlh) >= sizeof(*ndm))
		*(uint16_t *)data = ndm->ndm_state;
	return MNL_CB_OK;
}

/* An entry that is old is put to the test at once; one that is missing is made by being used. */
static void
ask_host(struct mnl_socket *sk, uint32_t ifindex, const struct addr6 *addr, bool known)
{
	char buf[512];
	struct nlmsghdr *nlh =
	    begin(buf, RTM_NEWNEIGH, (known ? 0 : NLM_F_CREATE) | NLM_F_ACK, ifindex, addr);
	struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct neigh unused;

	if (known)
		ndm->ndm_state = NUD_PROBE;
	else
		ndm->ndm_flags = NTF_USE;
	ask(sk, nlh, &unused);
}

enum neigh_presence
neigh_presence(struct mnl_socket *sk, uint32_t ifindex, const struct addr6 *addr, bool may_ask)
{
	char buf[ROOM];
	struct nlmsghdr *nlh = begin(buf, RTM_GETNEIGH, 0, ifindex, addr);
	uint16_t state = NUD_NONE;
	ssize_t n;

	if (mnl_socket_sendto(sk, nlh, nlh->nlmsg_len) < 0)
		return NEIGH_UNKNOWN;
	n = mnl_socket_recvfrom(sk, buf, sizeof(buf));
	if (n < 0)
		return NEIGH_UNKNOWN;
	mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(sk), on_state, &state);
	if (state & (NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP))
		return NEIGH_THERE;
	if (state & NUD_FAILED)
		return NEIGH_GONE;
	if (state & (NUD_INCOMPLETE | NUD_PROBE))
		return NEIGH_ASKING;
	if (!may_ask)
		return NEIGH_UNKNOWN;
	ask_host(sk, ifindex, addr, state != NUD_NONE);
	return NEIGH_ASKING;
}

bool
neigh_same(const struct neigh *a, const struct neigh *b)
{
	return a->len == b->len && memcmp(a->lladdr, b->lladdr, a->len) == 0;
}
