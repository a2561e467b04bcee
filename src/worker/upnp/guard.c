/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Defines the names of libc that have to do with the network. Owns: which sockets are bound to the
 * device, the SSDP socket, the search limits. Called from any thread of libupnp.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "worker/upnp/courier.h"
#include "worker/upnp/gate.h"
#include "worker/upnp/guard.h"
#include "worker/upnp/libc_calls.h"
#include "worker/upnp/ssdp_check.h"
#include "worker/upnp/ssdp_send.h"
#include "worker/upnp/threads.h"

#define SSDP_PORT 1900
#define SOURCES 64     /* addresses whose searches are counted at a time */
#define DATAGRAMS 32   /* looked at in one recvfrom() for one that passes */
#define FDS FD_SETSIZE /* libupnp can use no higher number */

enum counted {
	CALL_SOCKET,
	CALL_BIND,
	CALL_LISTEN,
	CALL_GETSOCKNAME,
	CALL_SETSOCKOPT,
	CALL_SELECT,
	CALL_INTERFACES, /* ioctl or getifaddrs */
	CALL_COUNT,
};

static struct {
	struct guard_config conf;
	char ifname[IFNAMSIZ];
	atomic_bool active;
	atomic_int ssdp_fd;
	atomic_bool on_device[FDS]; /* sockets that are bound to the device */
	atomic_uint calls[CALL_COUNT];
	atomic_bool port_taken; /* binding HTTP failed and was said */
	atomic_bool ssdp_told;  /* the same of SSDP */
} guard = { .ssdp_fd = -1 };

static void
count(enum counted call)
{
	atomic_fetch_add_explicit(&guard.calls[call], 1, memory_order_relaxed);
}

static bool
active(void)
{
	return atomic_load_explicit(&guard.active, memory_order_acquire);
}

static int
fail(int error)
{
	errno = error;
	return -1;
}

void
guard_init(const struct guard_config *config)
{
	int i;

	libc_calls();
	for (i = 0; i < CALL_COUNT; i++)
		atomic_store(&guard.calls[i], 0);
	guard.conf = *config;
	strncpy(guard.ifname, config->ifname, sizeof(guard.ifname) - 1);
	guard.conf.ifname = guard.ifname;
	atomic_store(&guard.active, true);
}

/* The IPv4 address in @addr, host byte order, or false. */
static bool
is_ipv4(const struct sockaddr *addr, socklen_t len, uint32_t *ip, uint16_t *port)
{
	struct sockaddr_in in;

	if (!addr || len < sizeof(in) || addr->sa_family != AF_INET)
		return false;
	memcpy(&in, addr, sizeof(in));
	*ip = ntohl(in.sin_addr.s_addr);
	*port = ntohs(in.sin_port);
	return true;
}

static bool
is_loopback(uint32_t ip)
{
	return ip >> 24 == 127;
}

/* A host on the LAN that is not we. */
static bool
is_neighbour(uint32_t ip)
{
	const struct prefix4 *lan = &guard.conf.address;

	return ip != lan->addr && prefix4_contains(lan, ip) && !prefix4_is_edge(lan, ip);
}

static struct sockaddr_in
own_address(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(guard.conf.address.addr) },
	};
}

static void
give_address(const struct sockaddr_in *in, struct sockaddr *addr, socklen_t *len)
{
	if (!addr || !len)
		return;
	memcpy(addr, in, *len < sizeof(*in) ? *len : sizeof(*in));
	*len = sizeof(*in);
}

static bool
is_type(int fd, int wanted)
{
	int type = -1;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == wanted;
}

/*
 * Binds @fd to the LAN device: nothing comes from or goes to another one, whatever the routes say.
 * Needs no rights as long as the socket is bound to none (Linux 5.7).
 */
static int
to_device(int fd)
{
	if (fd < 0 || fd >= FDS)
		return fail(EMFILE);
	if (atomic_load(&guard.on_device[fd]))
		return 0;
	if (libc_calls()->setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &guard.conf.ifindex,
		sizeof(guard.conf.ifindex)) < 0) {
		log_error("cannot bind a socket to %s: %m", guard.ifname);
		return -1;
	}
	atomic_store(&guard.on_device[fd], true);
	return 0;
}

/* -------- interfaces: there is one, with one address -------- */

BORDER(int, socket, int domain, int type, int protocol)
{
	int fd;

	count(CALL_SOCKET);
	/* Mappers of IPv4 are confused by a LOCATION in IPv6. */
	if (active() && domain == AF_INET6)
		return fail(EAFNOSUPPORT);
	fd = libc_calls()->socket(domain, type, protocol);
	if (fd >= 0 && fd < FDS)
		atomic_store(&guard.on_device[fd], false);
	return fd;
}

static int
one_interface(struct ifconf *conf)
{
	struct sockaddr_in self = own_address(0);
	struct ifreq req = { 0 };

	if (conf->ifc_buf && conf->ifc_len < (int)sizeof(req)) {
		conf->ifc_len = 0;
		return 0;
	}
	conf->ifc_len = sizeof(req);
	if (!conf->ifc_buf)
		return 0;
	memcpy(req.ifr_name, guard.ifname, sizeof(req.ifr_name));
	memcpy(&req.ifr_addr, &self, sizeof(self));
	memcpy(conf->ifc_buf, &req, sizeof(req));
	return 0;
}

static int
interface_address(struct ifreq *req, bool mask)
{
	struct sockaddr_in in = own_address(0);

	if (mask)
		in.sin_addr.s_addr = htonl(prefix4_mask(guard.conf.address.len));
	memcpy(&req->ifr_addr, &in, sizeof(in));
	return 0;
}

BORDER(int, ioctl, int fd, unsigned long request, void *arg)
{
	count(CALL_INTERFACES);
	if (!active())
		return libc_calls()->ioctl(fd, request, arg);
	if (request == SIOCGIFCONF)
		return one_interface(arg);
	if ((request == SIOCGIFADDR || request == SIOCGIFNETMASK) &&
	    strncmp(((struct ifreq *)arg)->ifr_name, guard.ifname, IFNAMSIZ) == 0)
		return interface_address(arg, request == SIOCGIFNETMASK);
	return libc_calls()->ioctl(fd, request, arg);
}

/* The list of one that getifaddrs() gives; libupnp from 1.14 on asks by this. */
static struct {
	struct ifaddrs list;
	struct sockaddr_in addr, mask;
} only;

BORDER(int, getifaddrs, struct ifaddrs **list)
{
	count(CALL_INTERFACES);
	if (!active())
		return libc_calls()->getifaddrs(list);
	only.addr = own_address(0);
	only.mask = only.addr;
	only.mask.sin_addr.s_addr = htonl(prefix4_mask(guard.conf.address.len));
	only.list = (struct ifaddrs){
		.ifa_name = guard.ifname,
		.ifa_flags = IFF_UP | IFF_RUNNING | IFF_BROADCAST | IFF_MULTICAST,
		.ifa_addr = (struct sockaddr *)&only.addr,
		.ifa_netmask = (struct sockaddr *)&only.mask,
	};
	*list = &only.list;
	return 0;
}

BORDER(void, freeifaddrs, struct ifaddrs *list)
{
	if (list != &only.list)
		libc_calls()->freeifaddrs(list);
}

/* libupnp 1.8 reads the interface's IPv6 addresses there; there are none. */
BORDER(FILE *, fopen, const char *path, const char *mode)
{
	if (active() && strcmp(path, "/proc/net/if_inet6") == 0) {
		errno = ENOENT;
		return NULL;
	}
	return libc_calls()->fopen(path, mode);
}

/* Of a host name in a URL or a header: no DNS for strangers. */
BORDER(int, getaddrinfo, const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **result)
{
	struct addrinfo numeric = { 0 };

	if (!active())
		return libc_calls()->getaddrinfo(node, service, hints, result);
	if (hints)
		numeric = *hints;
	numeric.ai_family = AF_INET;
	numeric.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
	return libc_calls()->getaddrinfo(node, service, &numeric, result);
}

/* Goes into SERVER: of us, not of the kernel. */
BORDER(int, uname, struct utsname *name)
{
	if (!active())
		return libc_calls()->uname(name);
	*name = (struct utsname){ .sysname = PACKAGE_NAME, .release = PACKAGE_VERSION };
	return 0;
}

/* -------- sockets: bound to the device -------- */

static struct ip_mreqn
membership(const void *value, socklen_t len)
{
	struct ip_mreqn mreq = {
		.imr_address = { htonl(guard.conf.address.addr) },
		.imr_ifindex = (int)guard.conf.ifindex,
	};

	if (value && len >= sizeof(mreq.imr_multiaddr))
		memcpy(&mreq.imr_multiaddr, value, sizeof(mreq.imr_multiaddr));
	return mreq;
}

static int
set_multicast(int fd)
{
	const struct ip_mreqn via = membership(NULL, 0);
	const int ttl = GUARD_MULTICAST_TTL;
	const struct libc_calls *c = libc_calls();

	if (c->setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &via, sizeof(via)) < 0)
		return -1;
	return c->setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl));
}

/*
 * libupnp 1.8 gives IP_MULTICAST_IF the address as 64 bits, which Linux takes for a membership:
 * NOTIFY then leaves by the default route. Whatever it says, there is one right answer.
 */
BORDER(int, setsockopt, int fd, int level, int option, const void *value, socklen_t len)
{
	struct ip_mreqn mreq;

	count(CALL_SETSOCKOPT);
	if (!active() || level != IPPROTO_IP)
		return libc_calls()->setsockopt(fd, level, option, value, len);
	switch (option) {
	case IP_MULTICAST_IF:
	case IP_MULTICAST_TTL:
		return to_device(fd) < 0 ? -1 : set_multicast(fd);
	case IP_ADD_MEMBERSHIP:
	case IP_DROP_MEMBERSHIP:
		mreq = membership(value, len);
		return libc_calls()->setsockopt(fd, level, option, &mreq, sizeof(mreq));
	default:
		return libc_calls()->setsockopt(fd, level, option, value, len);
	}
}

/*
 * In the kernel, so that the NOTIFYs of all the LAN's devices wake nobody: only what begins with
 * "M-SE" and comes from a LAN address. For UDP the filter sees the UDP header first.
 */
static int
filter_searches(int fd)
{
	const uint32_t mask = prefix4_mask(guard.conf.address.len);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + 12),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, guard.conf.address.addr & mask, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x4d2d5345, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { .len = sizeof(code) / sizeof(*code), .filter = code };

	return libc_calls()->setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

/* Says once why @port cannot be had, by errno, and what to do about it. -1. */
static int
tell_bind(atomic_bool *told, const char *protocol, uint16_t port, const char *remedy)
{
	const int error = errno;

	if (atomic_exchange(told, true))
		return -1;
	if (error == EADDRINUSE)
		log_error("%s: %s port %u is taken by another program (ss -lnp tells which): %s",
		    guard.ifname, protocol, port, remedy);
	else
		log_error("%s: %s port %u cannot be opened: %s", guard.ifname, protocol, port,
		    strerror(error));
	return fail(error);
}

static int
bind_ssdp(int fd, const struct sockaddr *addr, socklen_t len)
{
	const struct libc_calls *c = libc_calls();
	const int on = 1, off = 0;

	/* IP_MULTICAST_ALL: else groups that others joined elsewhere come in, too. */
	if (c->setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    c->setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof(off)) < 0 ||
	    c->setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0 ||
	    set_multicast(fd) < 0 || filter_searches(fd) < 0 || c->bind(fd, addr, len) < 0) {
		return tell_bind(
		    &guard.ssdp_told, "UDP", SSDP_PORT, "end it, it may be another UPnP daemon");
	}
	atomic_store(&guard.ssdp_fd, fd);
	return 0;
}

bool
guard_told_why(void)
{
	return atomic_load(&guard.port_taken) || atomic_load(&guard.ssdp_told);
}

/* libupnp asks for 49152 and counts up until one is free; ours is said in the configuration. */
static int
bind_http(int fd)
{
	const struct sockaddr_in self = own_address(guard.conf.http_port);
	const int on = 1;

	if (atomic_load(&guard.port_taken))
		return fail(EADDRINUSE);
	libc_calls()->setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (libc_calls()->bind(fd, (const struct sockaddr *)&self, sizeof(self)) == 0)
		return 0;
	return tell_bind(
	    &guard.port_taken, "TCP", guard.conf.http_port, "end it, or set another http_port");
}

BORDER(int, bind, int fd, const struct sockaddr *addr, socklen_t len)
{
	uint32_t ip;
	uint16_t port;

	count(CALL_BIND);
	/* libupnp wakes itself by a datagram to 127.0.0.1. */
	if (!active() || !is_ipv4(addr, len, &ip, &port) || is_loopback(ip))
		return libc_calls()->bind(fd, addr, len);
	if (to_device(fd) < 0)
		return -1;
	if (is_type(fd, SOCK_STREAM))
		return bind_http(fd);
	if (port == SSDP_PORT)
		return bind_ssdp(fd, addr, len);
	return libc_calls()->bind(fd, addr, len);
}

BORDER(int, listen, int fd, int backlog)
{
	struct sockaddr_in in = { 0 };
	socklen_t len = sizeof(in);
	int rc;

	count(CALL_LISTEN);
	if (!active() || libc_calls()->getsockname(fd, (struct sockaddr *)&in, &len) < 0 ||
	    in.sin_family != AF_INET)
		return libc_calls()->listen(fd, backlog);
	rc = courier_start(guard.conf.address.addr, guard.conf.ifindex);
	if (rc == 0)
		rc = gate_listen(fd, guard.conf.address.addr, guard.conf.http_port);
	return rc < 0 ? fail(-rc) : 0;
}

BORDER(int, getsockname, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_in self;

	count(CALL_GETSOCKNAME);
	if (!active() || !gate_is_listener(fd))
		return libc_calls()->getsockname(fd, addr, len);
	self = own_address(guard.conf.http_port);
	give_address(&self, addr, len);
	return 0;
}

/* -------- HTTP in: gate.c -------- */

BORDER(int, accept, int fd, struct sockaddr *addr, socklen_t *len)
{
	if (!active() || !gate_is_listener(fd))
		return libc_calls()->accept(fd, addr, len);
	return gate_accept(addr, len);
}

/*
 * libupnp's threads ask about one connection at a time, before each recv() and send(). Of one that
 * the gate has let in, the request is here already, and a send() has a time limit of its own.
 */
static bool
is_ready(int fd, const fd_set *r, const fd_set *w)
{
	if (r && FD_ISSET(fd, r))
		return gate_readable(fd);
	return w && FD_ISSET(fd, w) && gate_has(fd);
}

BORDER(int, select, int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout)
{
	int fd = n - 1;

	count(CALL_SELECT);
	if (!active() || fd < 0 || fd >= FDS)
		return libc_calls()->select(n, r, w, e, timeout);
	if (r && !timeout && gate_is_among(n, r))
		return gate_select(n, r, w, e);
	if (!is_ready(fd, r, w))
		return libc_calls()->select(n, r, w, e, timeout);
	if (r && w && FD_ISSET(fd, r))
		FD_ZERO(w);
	if (e)
		FD_ZERO(e);
	return 1;
}

BORDER(ssize_t, recv, int fd, void *buf, size_t len, int flags)
{
	if (!active() || !gate_has(fd))
		return libc_calls()->recv(fd, buf, len, flags);
	return gate_recv(fd, buf, len, flags);
}

BORDER(ssize_t, send, int fd, const void *buf, size_t len, int flags)
{
	if (!active() || !gate_has(fd))
		return libc_calls()->send(fd, buf, len, flags);
	return gate_send(fd, buf, len, flags);
}

BORDER(int, close, int fd)
{
	int ssdp = fd;

	if (!active() || fd < 0)
		return libc_calls()->close(fd);
	if (gate_has(fd))
		return gate_close(fd);
	if (gate_is_listener(fd))
		gate_stop();
	atomic_compare_exchange_strong(&guard.ssdp_fd, &ssdp, -1);
	return libc_calls()->close(fd);
}

/* -------- events out: courier.c -------- */

BORDER(int, connect, int fd, const struct sockaddr *addr, socklen_t len)
{
	uint32_t ip;
	uint16_t port;
	int rc;

	if (!active() || !is_ipv4(addr, len, &ip, &port))
		return libc_calls()->connect(fd, addr, len);
	if (!is_neighbour(ip) || port == 0 || !is_type(fd, SOCK_STREAM))
		return fail(ENETUNREACH);
	rc = courier_connect(fd, ip, port);
	return rc < 0 ? fail(-rc) : 0;
}

/* -------- SSDP -------- */

/* Token buckets of the addresses that searched last. */
static struct {
	pthread_mutex_t lock;
	struct {
		uint32_t addr;
		int64_t at_ms;
		int64_t tokens_ms; /* time that is left to spend: 1000 / GUARD_SEARCH_RATE each */
	} source[SOURCES];
} searches = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool
may_search(uint32_t addr)
{
	const int64_t price_ms = 1000 / GUARD_SEARCH_RATE, full_ms = price_ms * GUARD_SEARCH_BURST;
	const int64_t now = clock_boot_ms();
	size_t i, at = 0;
	bool may;

	pthread_mutex_lock(&searches.lock);
	for (i = 0; i < SOURCES; i++) {
		if (searches.source[i].addr == addr) {
			at = i;
			break;
		}
		if (searches.source[i].at_ms < searches.source[at].at_ms)
			at = i;
	}
	if (searches.source[at].addr != addr) {
		searches.source[at].addr = addr;
		searches.source[at].tokens_ms = full_ms;
		searches.source[at].at_ms = now;
	}
	searches.source[at].tokens_ms += now - searches.source[at].at_ms;
	if (searches.source[at].tokens_ms > full_ms)
		searches.source[at].tokens_ms = full_ms;
	searches.source[at].at_ms = now;
	may = searches.source[at].tokens_ms >= price_ms;
	if (may)
		searches.source[at].tokens_ms -= price_ms;
	pthread_mutex_unlock(&searches.lock);
	return may;
}

/* One datagram and where it was sent to; -1: none is there. */
static ssize_t
receive(int fd, void *buf, size_t len, struct sockaddr_in *from, bool *multicast)
{
	union {
		char space[CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { buf, len };
	struct msghdr msg = {
		.msg_name = from,
		.msg_namelen = sizeof(*from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct in_pktinfo info;
	struct cmsghdr *c;
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);

	*multicast = true;
	for (c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		*multicast = IN_MULTICAST(ntohl(info.ipi_addr.s_addr));
	}
	return n;
}

/*
 * The next search that deserves an answer. There may be none, but libupnp takes anything but octets
 * for the socket's end and closes it: then an empty line, which it drops.
 */
static ssize_t
receive_search(int fd, char *buf, size_t len, struct sockaddr_in *from)
{
	bool multicast;
	uint32_t ip;
	ssize_t n;
	int i;

	for (i = 0; i < DATAGRAMS; i++) {
		n = receive(fd, buf, len, from, &multicast);
		if (n < 0)
			break;
		ip = ntohl(from->sin_addr.s_addr);
		if (!prefix4_contains(&guard.conf.address, ip) ||
		    prefix4_is_edge(&guard.conf.address, ip) || from->sin_port == 0)
			continue;
		n = (ssize_t)ssdp_rewrite(buf, (size_t)n, len, multicast);
		if (n > 0 && may_search(ip))
			return n;
	}
	*from = own_address(SSDP_PORT);
	buf[0] = '\n';
	return 1;
}

BORDER(ssize_t, recvfrom, int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
    socklen_t *addr_len)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	ssize_t n;

	if (!active() || fd < 0 || fd != atomic_load(&guard.ssdp_fd) || len == 0)
		return libc_calls()->recvfrom(fd, buf, len, flags, addr, addr_len);
	n = receive_search(fd, buf, len, &from);
	give_address(&from, addr, addr_len);
	return n;
}

/* From our LAN address, port 1900, out by the LAN device. */
static ssize_t
send_ssdp(int fd, const void *buf, size_t len, struct sockaddr_in *to)
{
	union {
		char space[CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct in_pktinfo info = {
		.ipi_ifindex = (int)guard.conf.ifindex,
		.ipi_spec_dst = { htonl(guard.conf.address.addr) },
	};
	struct iovec iov = { (void *)(uintptr_t)buf, len };
	struct msghdr msg = {
		.msg_name = to,
		.msg_namelen = sizeof(*to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/*
 * libupnp opens a socket for each answer; clients and their firewalls expect it from port 1900, so
 * it leaves by the SSDP socket.
 */
BORDER(ssize_t, sendto, int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
    socklen_t addr_len)
{
	char text[SSDP_SEND_MAX];
	struct sockaddr_in to;
	ssize_t whole = (ssize_t)len;
	uint32_t ip;
	uint16_t port;
	int ssdp;

	if (!active() || !is_ipv4(addr, addr_len, &ip, &port) || is_loopback(ip))
		return libc_calls()->sendto(fd, buf, len, flags, addr, addr_len);
	if (!IN_MULTICAST(ip) && !prefix4_contains(&guard.conf.address, ip))
		return fail(ENETUNREACH);
	memcpy(&to, addr, sizeof(to));
	if (guard.conf.self) {
		len = ssdp_send_rewrite(guard.conf.self, buf, len, text);
		if (len == 0)
			return whole; /* libupnp need not know that it stays unsaid */
		buf = text;
	}
	ssdp = atomic_load(&guard.ssdp_fd);
	if (ssdp < 0 && (to_device(fd) < 0 || set_multicast(fd) < 0))
		return -1;
	return send_ssdp(ssdp >= 0 ? ssdp : fd, buf, len, &to) < 0 ? -1 : whole;
}

/* -------- the proof -------- */

static const struct libc_border border[] = {
	LIBC_BORDER(socket),
	LIBC_BORDER(bind),
	LIBC_BORDER(listen),
	LIBC_BORDER(accept),
	LIBC_BORDER(connect),
	LIBC_BORDER(getsockname),
	LIBC_BORDER(setsockopt),
	LIBC_BORDER(recv),
	LIBC_BORDER(recvfrom),
	LIBC_BORDER(send),
	LIBC_BORDER(sendto),
	LIBC_BORDER(select),
	LIBC_BORDER(close),
	LIBC_BORDER(ioctl),
	LIBC_BORDER(getifaddrs),
	LIBC_BORDER(freeifaddrs),
	LIBC_BORDER(getaddrinfo),
	LIBC_BORDER(fopen),
	LIBC_BORDER(uname),
};

static int
not_in_force(const char *what)
{
	log_error("the guard around libupnp is not in force: %s", what);
	return -ENOTSUP;
}

/* A library that was linked otherwise has its own: then none of these calls came to us. */
static int
check_calls(void)
{
	static const char *const names[] = {
		[CALL_SOCKET] = "socket was not called",
		[CALL_BIND] = "bind was not called",
		[CALL_LISTEN] = "listen was not called",
		[CALL_GETSOCKNAME] = "getsockname was not called",
		[CALL_SETSOCKOPT] = "setsockopt was not called",
		[CALL_SELECT] = "select was not called",
		[CALL_INTERFACES] = "the interfaces were not asked for",
	};
	int i;

	for (i = 0; i < CALL_COUNT; i++)
		if (atomic_load(&guard.calls[i]) == 0)
			return not_in_force(names[i]);
	return 0;
}

static bool
bound_to_device(int fd)
{
	uint32_t ifindex = 0;
	socklen_t len = sizeof(ifindex);

	return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &ifindex, &len) == 0 &&
	       ifindex == guard.conf.ifindex;
}

static int
check_sockets(void)
{
	int ssdp = atomic_load(&guard.ssdp_fd), all = 1;
	socklen_t len = sizeof(all);

	if (!bound_to_device(gate_listener()))
		return not_in_force("HTTP is not bound to the LAN device");
	if (!bound_to_device(ssdp))
		return not_in_force("SSDP is not bound to the LAN device");
	if (getsockopt(ssdp, IPPROTO_IP, IP_MULTICAST_ALL, &all, &len) < 0 || all != 0)
		return not_in_force("IP_MULTICAST_ALL is on");
	return 0;
}

int
guard_self_test(void)
{
	const char *unbound;
	int rc;

	if (!active())
		return not_in_force("guard_init() was not called");
	/* No border, only speed. */
	if (threads_unbound())
		log_warn("%s is not ours: requests cost more than they need", threads_unbound());
	unbound = libc_calls_unbound(border, sizeof(border) / sizeof(*border));
	if (unbound)
		return not_in_force(unbound);
	rc = check_sockets();
	if (rc == 0 && gate_probe(2000) < 0)
		rc = not_in_force("no request passes the gate");
	return rc == 0 ? check_calls() : rc;
}

void
guard_open(void)
{
	gate_open();
}

void
guard_shut(int patience_ms)
{
	gate_shut(patience_ms);
}
