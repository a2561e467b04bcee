/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the HTTP listener and every connection from accept to close.
 *
 * A connection is read by the thread that is in gate_select(), which never waits but there. It then
 * waits READY for its turn, and is SERVED by one thread of libupnp until that closes it. Only then
 * does its place in the table become free. The lock is over the table: who is where, and whose turn
 * it is. What a connection has read or has still to give belongs to the one thread that has it, so
 * reading and rewriting need no lock.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

#include "lib/addr.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "worker/upnp/gate.h"
#include "worker/upnp/gate_check.h"
#include "worker/upnp/libc_calls.h"
#include "worker/upnp/subscriptions.h"

#define REQUEST_MAX (GATE_HEADER_MAX + GATE_BODY_MAX + 8)
#define FIRST_READ 2048    /* enough for most requests */
#define SEND_BUFFER 262144 /* any answer fits: libupnp's threads do not wait for slow readers */
#define EVENTS 32
#define ACCEPTS 64 /* in one round */
#define GATE_SID_MAX 48

enum state {
	FREE,
	READING,
	READY,
	SERVED,
	LINGERING, /* refused: what still comes is thrown away until the client closes */
};

struct conn {
	enum state state;
	int fd;
	uint32_t peer;
	uint16_t peer_port;
	uint64_t order; /* of arrival, then of getting ready */
	int64_t deadline_ms;
	bool polled;       /* epoll knows it */
	bool continued;    /* "100 Continue" was sent */
	bool answered;     /* libupnp began its answer */
	bool ends_at_once; /* libupnp does nothing between its answer and the end */
	enum gate_method method;
	uint32_t service;       /* of SUBSCRIBE: subscriptions_key() */
	char sid[GATE_SID_MAX]; /* of UNSUBSCRIBE */
	size_t unsent;          /* octets of its body that libupnp has yet to send */
	size_t need;            /* octets of the whole request, once known */
	char *buf;              /* what has come; then what libupnp is to receive */
	size_t cap, len, at;
	struct soap_args args; /* of a call; behind the request in @buf */
	char *answer;          /* the body that goes out instead of libupnp's; NULL: libupnp's */
	size_t answer_len;
};

static struct {
	pthread_mutex_t lock;
	atomic_int library_fd; /* the event counter under libupnp's number */
	int listener, epoll;
	uint32_t self;
	uint16_t port;
	uint64_t order;
	int n_ready, n_served;
	bool waiting; /* a thread is in gate_select(), and nothing has been written to wake it */
	bool to_wake; /* once the lock is free */
	bool open, shut;
	struct conn conns[GATE_CONNECTIONS];
	struct conn *offered[GATE_CONNECTIONS]; /* SERVED, not yet taken by accept() */
	size_t n_offered, first_offered;
	struct conn *_Atomic by_fd[FD_SETSIZE]; /* SERVED, by descriptor */
	struct subscriptions subscriptions;
	char scratch[REQUEST_MAX + GATE_REWRITE_ROOM];
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER, .library_fd = -1, .listener = -1 };

/* Whose request this thread of libupnp's has received last. */
static __thread struct conn *received;

static const struct libc_calls *
libc(void)
{
	return libc_calls();
}

static struct conn *
served(int fd)
{
	if (fd < 0 || fd >= FD_SETSIZE)
		return NULL;
	return atomic_load_explicit(&gate.by_fd[fd], memory_order_acquire);
}

/* Takes what the client has sent too much, so that close() does not reset the connection under our
 * answer. */
static void
drain(int fd)
{
	char waste[4096];
	int i;

	for (i = 0; i < 16; i++)
		if (libc()->recv(fd, waste, sizeof(waste), MSG_DONTWAIT) <= 0)
			break;
}

static void
enter(void)
{
	pthread_mutex_lock(&gate.lock);
}

/* There is a request or a deadline that gate_select() does not know of. The lock is held. */
static void
wake(void)
{
	gate.to_wake = gate.to_wake || gate.waiting;
	gate.waiting = false;
}

/* Who is woken can have the lock at once. */
static void
leave(void)
{
	const int fd = atomic_load(&gate.library_fd);
	const uint64_t one = 1;
	const bool to_wake = gate.to_wake;

	gate.to_wake = false;
	pthread_mutex_unlock(&gate.lock);
	if (to_wake && write(fd, &one, sizeof(one)) < 0)
		log_error("cannot wake libupnp: %m");
}

static void
set_state(struct conn *c, enum state state)
{
	gate.n_ready += (state == READY) - (c->state == READY);
	gate.n_served += (state == SERVED) - (c->state == SERVED);
	c->state = state;
}

static void
release(struct conn *c)
{
	set_state(c, FREE);
	libc()->close(c->fd);
	free(c->buf);
	*c = (struct conn){ .state = FREE, .fd = -1 };
}

static unsigned int
count(uint32_t peer, enum state from, enum state to)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < GATE_CONNECTIONS; i++)
		if (gate.conns[i].state >= from && gate.conns[i].state <= to &&
		    gate.conns[i].peer == peer)
			n++;
	return n;
}

/* -------- answers of our own -------- */

static bool
is_call(const struct conn *c)
{
	return c->buf && c->len >= 7 &&
	       (memcmp(c->buf, "POST ", 5) == 0 || memcmp(c->buf, "M-POST ", 7) == 0);
}

/*
 * A call is refused with a UPnP fault: miniupnpc looks for an errorCode whatever the status says,
 * and takes a body without one for success. @reason is text of ours that needs no escaping.
 */
static int
put_reason(char *text, size_t size, const struct conn *c, int status, const char *reason)
{
	if (!is_call(c))
		return snprintf(text, size, "%s\n", reason);
	return snprintf(text, size,
	    "<?xml version=\"1.0\"?>\n"
	    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
	    "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><s:Fault>"
	    "<faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>"
	    "<UPnPError xmlns=\"urn:schemas-upnp-org:control-1-0\"><errorCode>%d</errorCode>"
	    "<errorDescription>%s</errorDescription></UPnPError></detail></s:Fault></s:Body>"
	    "</s:Envelope>\n",
	    status < 500 ? 402 : 501, reason);
}

static void
send_error(const struct conn *c, int status, const char *reason)
{
	char body[1024], text[1536];
	int n;

	n = put_reason(body, sizeof(body), c, status, reason);
	if (n < 0 || (size_t)n >= sizeof(body))
		body[0] = '\0';
	n = snprintf(text, sizeof(text),
	    "HTTP/1.1 %d %s\r\nCONTENT-TYPE: %s\r\nCONTENT-LENGTH: %zu\r\n"
	    "CONNECTION: close\r\n\r\n%s",
	    status, gate_status_text(status),
	    is_call(c) ? "text/xml; charset=\"utf-8\"" : "text/plain", strlen(body), body);
	if (n > 0 && (size_t)n < sizeof(text))
		libc()->send(c->fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(c->fd, SHUT_WR);
}

static void
log_refusal(const struct conn *c, int status, const char *reason)
{
	char addr[ADDR4_STRLEN];

	log_debug("http: %s: %d %s", addr4_str(c->peer, addr), status, reason);
}

static void
watch(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = c };
	int op = c->polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	c->polled = true;
	if (epoll_ctl(gate.epoll, op, c->fd, &ev) < 0)
		release(c);
}

static void
refuse(struct conn *c, int status, const char *reason)
{
	log_refusal(c, status, reason);
	send_error(c, status, reason);
	free(c->buf);
	c->buf = NULL;
	set_state(c, LINGERING);
	c->deadline_ms = clock_boot_ms() + GATE_LINGER_MS;
	watch(c);
	wake();
}

/* At once, without waiting for the client to read it. */
static void
turn_away(struct conn *c, int status, const char *reason)
{
	log_refusal(c, status, reason);
	send_error(c, status, reason);
	drain(c->fd);
	release(c);
}

/* -------- from READY to SERVED -------- */

/* Before there is a device to ask, only our own probe is let in. */
static bool
may_enter(const struct conn *c)
{
	return gate.open || c->peer == gate.self;
}

/* The READY one that came first, of an address that may have one more served. */
static struct conn *
next_ready(void)
{
	struct conn *best = NULL;
	uint32_t busy = 0; /* an address that was found to have its share */
	size_t i;

	if (gate.n_ready == 0 || gate.n_served >= GATE_SERVED)
		return NULL;
	for (i = 0; i < GATE_CONNECTIONS; i++) {
		struct conn *c = &gate.conns[i];

		if (c->state != READY || c->peer == busy || !may_enter(c) ||
		    (best && c->order > best->order))
			continue;
		if (gate.n_served < GATE_SERVED_FREELY ||
		    count(c->peer, SERVED, SERVED) < GATE_SERVED_PER_ADDRESS)
			best = c;
		else
			busy = c->peer;
	}
	return best;
}

/* Offers libupnp what may be served now. The lock is held. */
static void
dispatch(void)
{
	struct conn *c;

	while ((c = next_ready())) {
		set_state(c, SERVED);
		gate.offered[(gate.first_offered + gate.n_offered++) % GATE_CONNECTIONS] = c;
		atomic_store_explicit(&gate.by_fd[c->fd], c, memory_order_release);
		wake();
	}
}

/* -------- READING: without the lock, until it is known what becomes of it -------- */

static const char going[] = "the gateway is going";

enum outcome {
	READ_ON,
	WHOLE,
	REFUSED,
	GONE, /* the client closed before the end */
};

static enum outcome
refused(struct gate_check *check, int status, const char *reason)
{
	check->status = status;
	check->reason = reason;
	return REFUSED;
}

/* Whole and in order: what libupnp receives takes the place of what has come. */
static enum outcome
rewrite(struct conn *c, struct gate_check *check, const struct gate_ends *ends)
{
	size_t len = gate_rewrite(check, ends, gate.scratch, sizeof(gate.scratch));
	char *copy = len ? malloc(len + check->args.len) : NULL;

	if (!len)
		return REFUSED;
	if (!copy)
		return refused(check, 503, "out of memory");
	memcpy(copy, gate.scratch, len + check->args.len);
	c->args = (struct soap_args){ copy + len, check->args.len };
	free(c->buf);
	c->buf = copy;
	c->len = len;
	c->at = 0;
	return WHOLE;
}

/* A renewal is always let through: libupnp knows whether there is such a one. */
static enum outcome
note_subscription(struct conn *c, struct gate_check *check)
{
	bool may = true;

	c->method = check->method;
	c->service = subscriptions_key(check->target.at, check->target.len);
	if (check->sid.at && check->sid.len < sizeof(c->sid))
		memcpy(c->sid, check->sid.at, check->sid.len);
	if (check->method == GATE_SUBSCRIBE && !check->sid.at) {
		enter();
		may = subscriptions_may(&gate.subscriptions, c->peer, c->service, clock_boot_ms());
		leave();
	}
	return may ? WHOLE : refused(check, 503, "this host has its share of subscriptions");
}

static enum outcome
judge(struct conn *c, struct gate_check *check)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct gate_ends ends = { gate.self, gate.port, c->peer };

	if (c->need > c->len)
		return READ_ON;
	gate_check(c->buf, c->len, &ends, check);
	c->need = check->need;
	switch (check->verdict) {
	case GATE_CONTINUE:
		if (!c->continued)
			libc()->send(c->fd, go_on, strlen(go_on), MSG_DONTWAIT | MSG_NOSIGNAL);
		c->continued = true;
		return READ_ON;
	case GATE_MORE:
		return READ_ON;
	case GATE_PASS:
		if (note_subscription(c, check) != WHOLE)
			return REFUSED;
		return rewrite(c, check, &ends);
	case GATE_REFUSE:
		return REFUSED;
	}
	return REFUSED;
}

static bool
make_room(struct conn *c)
{
	size_t cap = c->need > c->cap ? c->need : c->cap;
	char *buf;

	if (cap == c->len)
		cap = cap ? 2 * cap : FIRST_READ;
	if (cap > REQUEST_MAX)
		cap = REQUEST_MAX;
	if (cap == c->cap)
		return c->len < cap;
	buf = realloc(c->buf, cap);
	if (!buf)
		return false;
	c->buf = buf;
	c->cap = cap;
	return true;
}

/* All that has come so far. READ_ON: it was not enough. */
static enum outcome
read_request(struct conn *c, struct gate_check *check)
{
	enum outcome outcome;
	ssize_t n;

	do {
		if (!make_room(c))
			return refused(check, 503, "no room for the request");
		n = libc()->recv(c->fd, c->buf + c->len, c->cap - c->len, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return READ_ON;
		if (n <= 0)
			return GONE;
		c->len += (size_t)n;
		outcome = judge(c, check);
	} while (outcome == READ_ON);
	return outcome;
}

static void
make_ready(struct conn *c)
{
	if (gate.shut && c->peer != gate.self) {
		refuse(c, 503, going);
		return;
	}
	set_state(c, READY);
	c->order = gate.order++;
	dispatch();
}

static void
on_readable(struct conn *c)
{
	struct gate_check check;
	enum outcome outcome = read_request(c, &check);

	enter();
	switch (outcome) {
	case READ_ON:
		watch(c);
		break;
	case WHOLE:
		make_ready(c);
		break;
	case REFUSED:
		refuse(c, check.status, check.reason);
		break;
	case GONE:
		release(c);
		break;
	}
	leave();
}

static void
on_lingering(struct conn *c)
{
	char waste[4096];
	ssize_t n = 1;
	int i;

	for (i = 0; i < 16 && n > 0; i++)
		n = libc()->recv(c->fd, waste, sizeof(waste), MSG_DONTWAIT);
	if (n > 0 || (n < 0 && errno == EAGAIN))
		watch(c);
	else
		release(c);
}

/* -------- accepting -------- */

static bool
has_offers(void)
{
	bool any;

	enter();
	any = gate.n_offered > 0;
	leave();
	return any;
}

/*
 * A free place. If there is none, the address that holds most gives up its newest: so an address
 * that holds less is always let in.
 */
static struct conn *
place(uint32_t peer)
{
	struct conn *victim = NULL;
	unsigned int most = count(peer, READING, LINGERING), n;
	size_t i;

	for (i = 0; i < GATE_CONNECTIONS; i++)
		if (gate.conns[i].state == FREE)
			return &gate.conns[i];
	for (i = 0; i < GATE_CONNECTIONS; i++) {
		struct conn *c = &gate.conns[i];

		if (c->state == SERVED)
			continue;
		n = count(c->peer, READING, LINGERING);
		if (n > most || (victim && n == most && c->order > victim->order)) {
			most = n;
			victim = c;
		}
	}
	if (victim)
		turn_away(victim, 503, "too many connections");
	return victim;
}

/* The place of the connection @fd; NULL: it was turned away. */
static struct conn *
admit(int fd, const struct sockaddr_in *peer)
{
	struct conn newcomer = {
		.fd = fd,
		.peer = ntohl(peer->sin_addr.s_addr),
		.peer_port = ntohs(peer->sin_port),
		.deadline_ms = clock_boot_ms() + GATE_REQUEST_MS,
	};
	struct conn *c = NULL;

	enter();
	if (fd < FD_SETSIZE && count(newcomer.peer, READING, LINGERING) < GATE_PER_ADDRESS)
		c = place(newcomer.peer);
	if (c) {
		newcomer.order = gate.order++;
		*c = newcomer;
		set_state(c, READING);
	} else {
		turn_away(&newcomer, 503, "too many connections");
	}
	leave();
	return c;
}

/* Until one is offered: libupnp takes one after each select(). */
static void
on_listener(void)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	struct sockaddr_in peer = { 0 };
	struct conn *c;
	socklen_t len;
	int i, fd = 0;

	for (i = 0; i < ACCEPTS && !has_offers(); i++) {
		len = sizeof(peer);
		fd = accept4(gate.listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
		if (fd < 0)
			break;
		c = admit(fd, &peer);
		if (c)
			on_readable(c);
	}
	/* Out of descriptors or memory: it stays readable, so do not spin. */
	if (i < ACCEPTS && fd < 0 &&
	    (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
		nanosleep(&pause, NULL);
}

/* -------- the library's select() -------- */

/* Ends what is overdue; returns the milliseconds until the next deadline, -1 for none. */
static int
expire(void)
{
	const int64_t now = clock_boot_ms();
	int64_t next = -1;
	size_t i;

	for (i = 0; i < GATE_CONNECTIONS; i++) {
		struct conn *c = &gate.conns[i];

		if (c->state != READING && c->state != LINGERING)
			continue;
		if (c->deadline_ms <= now) {
			if (c->state == READING && c->len > 0)
				turn_away(c, 408, "the request did not come in time");
			else
				release(c);
		} else if (next < 0 || c->deadline_ms - now < next) {
			next = c->deadline_ms - now;
		}
	}
	return (int)next;
}

static void
on_event(const struct epoll_event *ev)
{
	struct conn *c = ev->data.ptr;
	enum state state;

	enter();
	state = c->state;
	if (state == LINGERING)
		on_lingering(c);
	leave();
	if (state == READING)
		on_readable(c);
}

static void
on_connections(void)
{
	struct epoll_event ev[EVENTS];
	int i, n = epoll_wait(gate.epoll, ev, EVENTS, 0);

	for (i = 0; i < n; i++)
		on_event(&ev[i]);
}

/* How long select() may wait, in milliseconds; -1: for ever. */
static int
begin_wait(void)
{
	int ms;

	enter();
	ms = expire();
	if (gate.n_offered > 0)
		ms = 0;
	gate.waiting = ms != 0;
	leave();
	return ms;
}

/* Does what the descriptors of our own in @r call for, and takes them out; returns their number. */
static int
pump(fd_set *r)
{
	const int wake_fd = atomic_load(&gate.library_fd);
	const bool woken = FD_ISSET(wake_fd, r), connections = FD_ISSET(gate.epoll, r),
		   newcomers = FD_ISSET(gate.listener, r);
	uint64_t waste;

	enter();
	gate.waiting = false;
	leave();
	if (woken && read(wake_fd, &waste, sizeof(waste)) < 0)
		log_debug("http: woken for nothing: %m");
	if (connections)
		on_connections();
	if (newcomers)
		on_listener();
	FD_CLR(wake_fd, r);
	FD_CLR(gate.epoll, r);
	FD_CLR(gate.listener, r);
	return woken + connections + newcomers;
}

static int
select_once(int n, fd_set *r, fd_set *w, fd_set *e, int wait_ms)
{
	struct timeval tv = { wait_ms / 1000, wait_ms % 1000 * 1000 };
	int rc;

	FD_SET(gate.epoll, r);
	FD_SET(gate.listener, r);
	n = n > gate.epoll ? n : gate.epoll + 1;
	n = n > gate.listener ? n : gate.listener + 1;
	rc = libc()->select(n, r, w, e, wait_ms < 0 ? NULL : &tv);
	return rc < 0 ? rc : rc - pump(r);
}

int
gate_select(int n, fd_set *r, fd_set *w, fd_set *e)
{
	const fd_set none = { 0 }, want_r = *r, want_w = w ? *w : none, want_e = e ? *e : none;
	int rc;

	do {
		*r = want_r;
		if (w)
			*w = want_w;
		if (e)
			*e = want_e;
		rc = select_once(n, r, w, e, begin_wait());
		if (rc >= 0 && has_offers()) {
			FD_SET(atomic_load(&gate.library_fd), r);
			rc++;
		}
	} while (rc == 0);
	return rc;
}

/* -------- begin and end -------- */

static void
set_options(int fd)
{
	const struct timeval send_time = { .tv_sec = GATE_SEND_MS / 1000 };
	const int on = 1, size = SEND_BUFFER;

	/* Accepted sockets inherit them. */
	libc()->setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send_time, sizeof(send_time));
	libc()->setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	libc()->setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* Woken once for connection and request; one that says nothing comes after this time. */
	libc()->setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof(on));
}

int
gate_listen(int fd, uint32_t self, uint16_t port)
{
	int counter = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), rc;

	if (atomic_load(&gate.library_fd) >= 0)
		return -EALREADY;
	gate.self = self;
	gate.port = port;
	gate.listener = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	gate.epoll = epoll_create1(EPOLL_CLOEXEC);
	set_options(gate.listener);
	if (counter < 0 || gate.listener < 0 || gate.epoll < 0 ||
	    fcntl(gate.listener, F_SETFL, O_NONBLOCK) < 0 ||
	    libc()->listen(gate.listener, SOMAXCONN) < 0 || dup2(counter, fd) < 0) {
		rc = -errno;
		log_error("cannot listen for HTTP: %m");
		return rc;
	}
	libc()->close(counter);
	if (gate.listener >= FD_SETSIZE || gate.epoll >= FD_SETSIZE)
		return -EMFILE;
	atomic_store(&gate.library_fd, fd);
	return 0;
}

bool
gate_is_listener(int fd)
{
	return fd >= 0 && fd == atomic_load_explicit(&gate.library_fd, memory_order_acquire);
}

bool
gate_is_among(int n, const fd_set *set)
{
	const int fd = atomic_load_explicit(&gate.library_fd, memory_order_acquire);

	return fd >= 0 && fd < n && FD_ISSET(fd, set);
}

int
gate_listener(void)
{
	return gate.listener;
}

void
gate_stop(void)
{
	size_t i;

	enter();
	atomic_store(&gate.library_fd, -1);
	gate.waiting = false;
	for (i = 0; i < GATE_CONNECTIONS; i++)
		if (gate.conns[i].state != FREE && gate.conns[i].state != SERVED)
			release(&gate.conns[i]);
	libc()->close(gate.listener);
	libc()->close(gate.epoll);
	gate.listener = -1;
	leave();
}

/* -------- libupnp's side -------- */

int
gate_accept(struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_in peer = { .sin_family = AF_INET };
	struct conn *c = NULL;

	enter();
	if (gate.n_offered > 0) {
		c = gate.offered[gate.first_offered];
		gate.first_offered = (gate.first_offered + 1) % GATE_CONNECTIONS;
		gate.n_offered--;
		peer.sin_addr.s_addr = htonl(c->peer);
		peer.sin_port = htons(c->peer_port);
	}
	leave();
	if (!c) {
		errno = EAGAIN;
		return -1;
	}
	if (addr && len) {
		memcpy(addr, &peer, *len < sizeof(peer) ? *len : sizeof(peer));
		*len = sizeof(peer);
	}
	return c->fd;
}

bool
gate_has(int fd)
{
	return served(fd) != NULL;
}

bool
gate_readable(int fd)
{
	const struct conn *c = served(fd);

	return c && c->at < c->len;
}

ssize_t
gate_recv(int fd, void *buf, size_t len, int flags)
{
	struct conn *c = served(fd);

	if (!c || c->at == c->len)
		return libc()->recv(fd, buf, len, flags);
	received = c;
	if (len > c->len - c->at)
		len = c->len - c->at;
	memcpy(buf, c->buf + c->at, len);
	c->at += len;
	return (ssize_t)len;
}

struct soap_args
gate_arguments(void)
{
	return received ? received->args : (struct soap_args){ 0 };
}

void
gate_answer(char *body)
{
	if (!received || received->answered || received->answer) {
		free(body);
		return;
	}
	received->answer = body;
	received->answer_len = body ? strlen(body) : 0;
}

/* The body that the header from @text to @end announces. */
static size_t
body_length(const char *text, const char *end)
{
	static const char name[] = "\r\nCONTENT-LENGTH:";
	const char *at = memmem(text, (size_t)(end - text), name, strlen(name));

	return at ? strtoul(at + strlen(name), NULL, 10) : 0;
}

/* The value of a header of libupnp's answer. NULL: it has none. */
static const char *
value_of(const char *text, const char *end, const char *name, size_t *len)
{
	const char *at = memmem(text, (size_t)(end - text), name, strlen(name)), *eol;

	if (!at)
		return NULL;
	at += strlen(name);
	eol = memmem(at, (size_t)(end + 2 - at), "\r\n", 2);
	*len = eol ? (size_t)(eol - at) : 0;
	return eol ? at : NULL;
}

/* What becomes of a subscription is known from libupnp's answer. */
static void
note_answer(const struct conn *c, const char *text, const char *end)
{
	const char *sid, *timeout;
	size_t len, timeout_len;
	int64_t until_ms;

	if (strncmp(text + 8, " 200 ", 5) != 0)
		return;
	enter();
	if (c->method == GATE_UNSUBSCRIBE)
		subscriptions_ended(&gate.subscriptions, c->sid, strlen(c->sid));
	sid = c->method == GATE_SUBSCRIBE ? value_of(text, end, "\r\nSID: ", &len) : NULL;
	timeout = sid ? value_of(text, end, "\r\nTIMEOUT: Second-", &timeout_len) : NULL;
	until_ms = clock_boot_ms() + (timeout ? strtol(timeout, NULL, 10) : 0) * 1000;
	if (timeout)
		subscriptions_granted(&gate.subscriptions, c->peer, c->service, sid, len, until_ms);
	leave();
}

static char close_line[] = "CONNECTION: close\r\n";

/* libupnp closes after each answer but does not say so in all of them. @eol: of the first line. */
static ssize_t
send_header(int fd, char *text, size_t len, char *eol, int flags)
{
	const size_t first = (size_t)(eol + 2 - text);
	struct iovec iov[] = {
		{ text, first },
		{ close_line, strlen(close_line) },
		{ text + first, len - first },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };
	ssize_t n = sendmsg(fd, &msg, flags);

	/* Of the caller's octets; after a short write by the time limit the rest will fail, too. */
	if (n > (ssize_t)(first + strlen(close_line)))
		return n - (ssize_t)strlen(close_line);
	return n > (ssize_t)first ? (ssize_t)first : n;
}

/* All of it, as long as the client takes some within the time limit of a send(). 0, or -1. */
static int
send_whole(int fd, struct iovec *iov, size_t count, int flags)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = count };
	ssize_t n;

	while (msg.msg_iovlen > 0) {
		n = sendmsg(fd, &msg, flags);
		if (n < 0)
			return -1;
		for (; msg.msg_iovlen > 0 && (size_t)n >= msg.msg_iov->iov_len; msg.msg_iovlen--)
			n -= (ssize_t)(msg.msg_iov++)->iov_len;
		if (msg.msg_iovlen > 0) {
			msg.msg_iov->iov_base = (char *)msg.msg_iov->iov_base + n;
			msg.msg_iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

/* The header in @text, which ends at @end, with our body and its length; libupnp's is left out. */
static int
send_answer(struct conn *c, char *text, char *end, char *eol, int flags)
{
	size_t len = 0, first = (size_t)(eol + 2 - text);
	const char *value = value_of(text, end, "\r\nCONTENT-LENGTH: ", &len);
	char digits[24], *digits_at = value ? text + (value - text) : NULL;
	struct iovec iov[6];

	if (!digits_at || digits_at < text + first) {
		errno = EPROTO;
		return -1;
	}
	iov[0] = (struct iovec){ text, first };
	iov[1] = (struct iovec){ close_line, strlen(close_line) };
	iov[2] = (struct iovec){ text + first, (size_t)(digits_at - text) - first };
	iov[3] = (struct iovec){ digits,
		(size_t)snprintf(digits, sizeof(digits), "%zu", c->answer_len) };
	iov[4] = (struct iovec){ digits_at + len, (size_t)(end + 4 - digits_at) - len };
	iov[5] = (struct iovec){ c->answer, c->answer_len };
	return send_whole(c->fd, iov, sizeof(iov) / sizeof(*iov), flags);
}

/*
 * The flag for a send() with @len octets of the body in it: does more of it come? To a call or a
 * question comes the end of the connection at least, a moment later.
 */
static int
more(struct conn *c, size_t len)
{
	c->unsent -= len < c->unsent ? len : c->unsent;
	return c->unsent > 0 || c->ends_at_once ? MSG_MORE : 0;
}

/*
 * libupnp sends header and body in several pieces: each waits for the next, so that they leave in
 * one packet, with the end of the connection in it. shutdown() and close() send what still waits.
 */
ssize_t
gate_send(int fd, const void *buf, size_t len, int flags)
{
	struct conn *c = served(fd);
	char *text = (void *)(uintptr_t)buf;
	char *eol, *end;

	if (!c)
		return libc()->send(fd, buf, len, flags);
	if (c->answered && c->answer)
		return (ssize_t)len; /* of the body that ours stands for */
	if (c->answered || len < 8 || memcmp(text, "HTTP/1.", 7) != 0)
		return libc()->send(fd, buf, len, flags | more(c, len));
	eol = memmem(text, len, "\r\n", 2);
	end = memmem(text, len, "\r\n\r\n", 4);
	if (!eol || !end)
		return libc()->send(fd, buf, len, flags);
	c->answered = true;
	note_answer(c, text, end);
	/* A subscriber must have its answer before the first event comes. */
	c->ends_at_once = is_call(c) || memcmp(c->buf, "GET ", 4) == 0;
	if (c->answer && strncmp(text + 8, " 200 ", 5) == 0)
		return send_answer(c, text, end, eol, flags | MSG_MORE) < 0 ? -1 : (ssize_t)len;
	free(c->answer); /* libupnp found something to refuse after all */
	c->answer = NULL;
	c->unsent = body_length(text, end);
	flags |= more(c, len - (size_t)(end + 4 - text));
	if (memmem(text, (size_t)(end - text), "\r\nCONNECTION:", 13))
		return libc()->send(fd, buf, len, flags);
	return send_header(fd, text, len, eol, flags);
}

int
gate_close(int fd)
{
	struct conn *c = served(fd);
	char *buf, *answer;

	if (!c)
		return libc()->close(fd);
	drain(fd);
	received = NULL;
	buf = c->buf;
	answer = c->answer;
	enter();
	atomic_store_explicit(&gate.by_fd[fd], NULL, memory_order_release);
	set_state(c, FREE);
	*c = (struct conn){ .fd = -1 };
	if (gate_is_listener(atomic_load(&gate.library_fd)))
		dispatch();
	leave();
	free(buf);
	free(answer);
	return libc()->close(fd);
}

void
gate_open(void)
{
	enter();
	gate.open = true;
	dispatch();
	leave();
}

void
gate_shut(int patience_ms)
{
	const struct timespec step = { .tv_nsec = 2000000 };
	int64_t until_ms = clock_boot_ms() + patience_ms;
	size_t i;

	enter();
	gate.shut = true;
	for (i = 0; i < GATE_CONNECTIONS; i++)
		if (gate.conns[i].state == READY)
			refuse(&gate.conns[i], 503, going);
	while (gate.n_served > 0 && clock_boot_ms() < until_ms) {
		leave();
		nanosleep(&step, NULL);
		enter();
	}
	leave();
}

/* A place for the probe's connection, which gate_select() then reads like any other. */
static bool
admit_probe(int fd, int timeout_ms)
{
	struct conn *c = NULL;
	size_t i;

	enter();
	for (i = 0; i < GATE_CONNECTIONS && !c; i++)
		if (gate.conns[i].state == FREE)
			c = &gate.conns[i];
	if (c) {
		*c = (struct conn){ .fd = fd, .peer = gate.self };
		c->deadline_ms = clock_boot_ms() + timeout_ms;
		set_state(c, READING);
		watch(c);
	}
	leave();
	return c != NULL;
}

int
gate_probe(int timeout_ms)
{
	static const char request[] = "GET /portreeve-self-test HTTP/1.0\r\n\r\n";
	struct pollfd p = { .events = POLLIN };
	char answer[13] = "";
	int pair[2];
	bool ok;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	p.fd = pair[0];
	libc()->send(pair[0], request, strlen(request), MSG_NOSIGNAL);
	ok = admit_probe(pair[1], timeout_ms);
	if (!ok)
		libc()->close(pair[1]);
	/* libupnp knows no such document: 404, or 500 as long as it serves none. Ours are others.
	 */
	ok = ok && poll(&p, 1, timeout_ms) == 1 &&
	     libc()->recv(pair[0], answer, 12, MSG_DONTWAIT) == 12 &&
	     memcmp(answer, "HTTP/1.", 7) == 0 && !strstr(answer, " 408") &&
	     !strstr(answer, " 503") && !strstr(answer, " 400");
	libc()->close(pair[0]);
	return ok ? 0 : -ETIMEDOUT;
}
