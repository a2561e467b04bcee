/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns every event from libupnp's connect() until it is delivered or lost, and the subscriptions
 * that a subscriber said it does not know. One thread does all of it; the lock is for
 * courier_connect() alone.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/log.h"
#include "worker/upnp/courier.h"
#include "worker/upnp/libc_calls.h"

#define SID_MAX 48
#define UNKNOWN_SIDS 32
#define ANSWER_MAX 4096 /* of a subscriber; only its first line matters */

enum state {
	FREE,
	TAKING,  /* from libupnp, over the socket pair */
	WAITING, /* for its time, and for those before it to the same destination */
	CONNECTING,
	SENDING,
	ANSWERING,
};

struct event {
	enum state state;
	uint64_t order;
	int fd; /* the pair's end, then the connection to the subscriber; -1 while waiting */
	uint32_t addr;
	uint16_t port; /* of its first URL, which also keeps its events in order */
	int64_t not_before_ms, deadline_ms;
	char sid[SID_MAX];
	char *buf; /* what libupnp said */
	size_t cap, len;
	unsigned int url; /* the one that is tried, 0 first */
	char *out;        /* the NOTIFY for it, then the answer */
	size_t out_len, at;
};

static struct {
	pthread_mutex_t lock;
	pthread_t thread;
	bool started;
	int wake_fd;
	uint32_t self, ifindex;
	uint64_t order;
	struct event events[COURIER_EVENTS];
	char unknown[UNKNOWN_SIDS][SID_MAX]; /* answered with 412; a ring */
	unsigned int n_unknown;
} courier = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake_fd = -1 };

static const struct libc_calls *
libc(void)
{
	return libc_calls();
}

static void
release(struct event *e)
{
	if (e->fd >= 0)
		libc()->close(e->fd);
	free(e->buf);
	free(e->out);
	*e = (struct event){ .state = FREE, .fd = -1 };
}

static bool
same_destination(const struct event *a, const struct event *b)
{
	return a->addr == b->addr && a->port == b->port;
}

/* The subscriber does not take events now: those that wait for it are lost, too. */
static void
lose(struct event *e, const char *why)
{
	char addr[ADDR4_STRLEN];
	size_t i;

	log_debug("event for %s port %u lost: %s", addr4_str(e->addr, addr), e->port, why);
	for (i = 0; i < COURIER_EVENTS; i++)
		if (courier.events[i].state == WAITING && same_destination(&courier.events[i], e))
			release(&courier.events[i]);
	release(e);
}

/* This URL of the subscriber's did not work: UDA 1.1 4.1.2 has the next one tried. */
static void
try_next(struct event *e, const char *why)
{
	if (e->state == TAKING) {
		lose(e, why);
		return;
	}
	if (e->fd >= 0)
		libc()->close(e->fd);
	e->fd = -1;
	e->url++;
	e->state = WAITING;
	log_debug("callback URL %u of %s does not work: %s", e->url, e->sid, why);
}

/* The value of header @name in the @len octets of a head, copied to @value; "" if it is missing. */
static void
header(const char *head, size_t len, const char *name, char *value, size_t cap)
{
	size_t name_len = strlen(name), value_len;
	const char *end = head + len, *line = memchr(head, '\n', len), *eol;

	value[0] = '\0';
	for (; line && ++line < end; line = eol) {
		eol = memchr(line, '\n', (size_t)(end - line));
		if (!eol)
			return;
		if ((size_t)(eol - line) <= name_len || line[name_len] != ':' ||
		    strncasecmp(line, name, name_len) != 0)
			continue;
		line += name_len + 1;
		while (line < eol && *line == ' ')
			line++;
		value_len = (size_t)(eol - line);
		if (value_len && line[value_len - 1] == '\r')
			value_len--;
		if (value_len < cap) {
			memcpy(value, line, value_len);
			value[value_len] = '\0';
		}
		return;
	}
}

/* -------- TAKING: libupnp's side -------- */

static bool
is_unknown(const char *sid)
{
	size_t i;

	for (i = 0; i < UNKNOWN_SIDS; i++)
		if (sid[0] && strcmp(courier.unknown[i], sid) == 0)
			return true;
	return false;
}

/* Has all of the NOTIFY come? */
static bool
is_whole(const struct event *e)
{
	const char *end = memmem(e->buf, e->len, "\r\n\r\n", 4);
	char text[16];
	size_t head;

	if (!end)
		return false;
	head = (size_t)(end - e->buf) + 4;
	header(e->buf, head, "CONTENT-LENGTH", text, sizeof(text));
	return e->len - head >= strtoul(text, NULL, 10);
}

static void
accept_event(struct event *e)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nCONTENT-LENGTH: 0\r\n\r\n";
	static const char gone[] = "HTTP/1.1 412 Precondition Failed\r\nCONTENT-LENGTH: 0\r\n\r\n";
	const char *answer;
	char seq[12];

	header(e->buf, e->len, "SID", e->sid, sizeof(e->sid));
	header(e->buf, e->len, "SEQ", seq, sizeof(seq));
	answer = is_unknown(e->sid) ? gone : ok;
	libc()->send(e->fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
	libc()->close(e->fd);
	e->fd = -1;
	if (answer == gone) {
		release(e);
		return;
	}
	e->state = WAITING;
	e->not_before_ms = clock_boot_ms();
	if (strcmp(seq, "0") == 0)
		e->not_before_ms += COURIER_INITIAL_DELAY_MS;
}

static void
on_taking(struct event *e)
{
	char *buf;
	ssize_t n;

	if (e->len == e->cap) {
		buf = e->cap < COURIER_EVENT_MAX ? realloc(e->buf, e->cap + 4096) : NULL;
		if (!buf) {
			lose(e, "too long");
			return;
		}
		e->buf = buf;
		e->cap += 4096;
	}
	n = libc()->recv(e->fd, e->buf + e->len, e->cap - e->len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		release(e);
		return;
	}
	e->len += (size_t)n;
	if (is_whole(e))
		accept_event(e);
}

/* -------- the subscriber's side -------- */

static int
open_socket(void)
{
	const struct sockaddr_in self = { .sin_family = AF_INET,
		.sin_addr = { htonl(courier.self) } };
	int fd = libc()->socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (libc()->setsockopt(
		fd, SOL_SOCKET, SO_BINDTOIFINDEX, &courier.ifindex, sizeof(courier.ifindex)) == 0 &&
	    libc()->bind(fd, (const struct sockaddr *)&self, sizeof(self)) == 0)
		return fd;
	libc()->close(fd);
	return -1;
}

/*
 * Of "NOTIFY /path{port/path}... HTTP/1.1" (gate_rewrite()) the path of the @e->url-th URL, its
 * @len and its @port. NULL: there is none.
 */
static const char *
find_url(const struct event *e, size_t *len, uint16_t *port)
{
	static const char method[] = "NOTIFY ";
	const char *at = e->buf + sizeof(method) - 1, *line_end = memchr(e->buf, '\r', e->len);
	unsigned int i;

	if (!line_end || e->len < sizeof(method) || memcmp(e->buf, method, sizeof(method) - 1) != 0)
		return NULL;
	*port = e->port;
	for (i = 0; i < e->url; i++) {
		at = memchr(at, '{', (size_t)(line_end - at));
		if (!at)
			return NULL;
		*port = (uint16_t)strtoul(at + 1, NULL, 10);
		at += 1 + strspn(at + 1, "0123456789");
	}
	*len = strcspn(at, "{} \r");
	return at;
}

/* The NOTIFY for the URL that is to be tried: libupnp's, with another request line and HOST. */
static bool
write_notify(struct event *e, uint16_t *port)
{
	static const char end_of_line[] = "\r\n";
	char addr[ADDR4_STRLEN];
	size_t len, head_cap, tail_len;
	const char *path = find_url(e, &len, port), *tail = e->buf;
	int i;

	/* After the request line and HOST, which libupnp says first. */
	for (i = 0; path && i < 2; i++) {
		tail = memmem(tail, e->len - (size_t)(tail - e->buf), end_of_line, 2);
		if (!tail)
			return false;
		tail += 2;
		if (i == 0 && strncasecmp(tail, "HOST:", 5) != 0)
			return false;
	}
	if (!path)
		return false;
	tail_len = e->len - (size_t)(tail - e->buf);
	head_cap = len + 64;
	free(e->out);
	e->out = malloc(head_cap + tail_len);
	if (!e->out)
		return false;
	e->out_len = (size_t)snprintf(e->out, head_cap, "NOTIFY %.*s HTTP/1.1\r\nHOST: %s:%u\r\n",
	    (int)len, path, addr4_str(e->addr, addr), *port);
	memcpy(e->out + e->out_len, tail, tail_len);
	e->out_len += tail_len;
	e->at = 0;
	return true;
}

static void
set_out(struct event *e)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(e->addr) } };
	uint16_t port;

	if (!write_notify(e, &port)) {
		lose(e, "no URL works");
		return;
	}
	to.sin_port = htons(port);
	e->fd = open_socket();
	if (e->fd < 0 || (libc()->connect(e->fd, (const struct sockaddr *)&to, sizeof(to)) < 0 &&
			     errno != EINPROGRESS)) {
		try_next(e, strerror(errno));
		return;
	}
	e->state = CONNECTING;
	e->deadline_ms = clock_boot_ms() + COURIER_CONNECT_MS;
}

static void
on_connected(struct event *e)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error) {
		try_next(e, strerror(error));
		return;
	}
	e->state = SENDING;
	e->deadline_ms += COURIER_DELIVERY_MS - COURIER_CONNECT_MS;
}

static void
on_sending(struct event *e)
{
	ssize_t n =
	    libc()->send(e->fd, e->out + e->at, e->out_len - e->at, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		try_next(e, strerror(errno));
		return;
	}
	e->at += n > 0 ? (size_t)n : 0;
	if (e->at == e->out_len) {
		e->state = ANSWERING;
		e->at = 0; /* the same buffer takes the answer */
	}
}

/* Only "412" says more than that it is done. */
static void
on_answering(struct event *e)
{
	size_t cap = e->out_len < ANSWER_MAX ? e->out_len : ANSWER_MAX;
	ssize_t n = libc()->recv(e->fd, e->out + e->at, cap - e->at, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	e->at += n > 0 ? (size_t)n : 0;
	if (n > 0 && e->at < cap && !memmem(e->out, e->at, "\r\n\r\n", 4))
		return;
	if (e->at == 0) {
		try_next(e, "no answer");
		return;
	}
	if (e->at >= 12 && memcmp(e->out, "HTTP/1.", 7) == 0 && memcmp(e->out + 9, "412", 3) == 0)
		strcpy(courier.unknown[courier.n_unknown++ % UNKNOWN_SIDS], e->sid);
	release(e);
}

static void
on_event(struct event *e)
{
	switch (e->state) {
	case FREE:
	case WAITING:
		break;
	case TAKING:
		on_taking(e);
		break;
	case CONNECTING:
		on_connected(e);
		break;
	case SENDING:
		on_sending(e);
		break;
	case ANSWERING:
		on_answering(e);
		break;
	}
}

/* Is nothing older on its way to the same destination? */
static bool
is_first(const struct event *e)
{
	size_t i;

	for (i = 0; i < COURIER_EVENTS; i++)
		if (courier.events[i].state >= WAITING && courier.events[i].order < e->order &&
		    same_destination(&courier.events[i], e))
			return false;
	return true;
}

/* -------- the thread -------- */

/* Starts what may start, ends what is overdue; milliseconds until the next such time, or -1. */
static int
advance(void)
{
	const int64_t now = clock_boot_ms();
	int64_t next = -1, at;
	size_t i;

	for (i = 0; i < COURIER_EVENTS; i++) {
		struct event *e = &courier.events[i];

		if (e->state == WAITING && is_first(e) && e->not_before_ms <= now)
			set_out(e);
		else if (e->state != FREE && e->state != WAITING && e->deadline_ms <= now)
			try_next(e, "no answer in time");
	}
	for (i = 0; i < COURIER_EVENTS; i++) {
		const struct event *e = &courier.events[i];

		if (e->state == FREE || (e->state == WAITING && !is_first(e)))
			continue;
		at = e->state == WAITING ? e->not_before_ms : e->deadline_ms;
		at = at > now ? at - now : 0;
		if (next < 0 || at < next)
			next = at;
	}
	return (int)next;
}

static nfds_t
collect(struct pollfd *p, struct event **of)
{
	nfds_t n = 0;
	size_t i;

	p[n++] = (struct pollfd){ .fd = courier.wake_fd, .events = POLLIN };
	for (i = 0; i < COURIER_EVENTS; i++) {
		struct event *e = &courier.events[i];

		if (e->state == FREE || e->state == WAITING)
			continue;
		of[n] = e;
		p[n].fd = e->fd;
		p[n].revents = 0;
		p[n++].events = e->state == TAKING || e->state == ANSWERING ? POLLIN : POLLOUT;
	}
	return n;
}

static void *
run(void *arg UNUSED)
{
	struct pollfd p[COURIER_EVENTS + 1];
	struct event *of[COURIER_EVENTS + 1];
	uint64_t woken;
	int timeout_ms;
	nfds_t i, n;

	for (;;) {
		pthread_mutex_lock(&courier.lock);
		timeout_ms = advance();
		n = collect(p, of);
		pthread_mutex_unlock(&courier.lock);
		if (poll(p, n, timeout_ms) < 0)
			continue;
		if (p[0].revents && read(courier.wake_fd, &woken, sizeof(woken)) < 0)
			log_warn("courier: %m");
		pthread_mutex_lock(&courier.lock);
		for (i = 1; i < n; i++)
			if (p[i].revents && of[i]->fd == p[i].fd)
				on_event(of[i]);
		pthread_mutex_unlock(&courier.lock);
	}
	return NULL;
}

int
courier_start(uint32_t self, uint32_t ifindex)
{
	sigset_t all, before;
	size_t i;
	int rc;

	courier.self = self;
	courier.ifindex = ifindex;
	for (i = 0; i < COURIER_EVENTS; i++)
		courier.events[i].fd = -1;
	courier.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (courier.wake_fd < 0)
		return -errno;
	/* Signals belong to the worker's own loop. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&courier.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	courier.started = rc == 0;
	return -rc;
}

/* A free place, or NULL: all are taken, or the address has its share. */
static struct event *
place(uint32_t addr)
{
	struct event *found = NULL;
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < COURIER_EVENTS; i++) {
		if (courier.events[i].state == FREE)
			found = &courier.events[i];
		else
			n += courier.events[i].addr == addr;
	}
	return n < COURIER_PER_ADDRESS ? found : NULL;
}

int
courier_connect(int fd, uint32_t addr, uint16_t port)
{
	const uint64_t one = 1;
	struct event *e;
	int pair[2];

	if (!courier.started)
		return -ENETDOWN;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;

	pthread_mutex_lock(&courier.lock);
	e = place(addr);
	if (e && dup2(pair[0], fd) >= 0) {
		*e = (struct event){
			.state = TAKING,
			.order = courier.order++,
			.fd = pair[1],
			.addr = addr,
			.port = port,
			.deadline_ms = clock_boot_ms() + COURIER_CONNECT_MS,
		};
		pair[1] = -1;
	}
	pthread_mutex_unlock(&courier.lock);

	libc()->close(pair[0]);
	if (pair[1] >= 0) {
		libc()->close(pair[1]);
		return -EAGAIN;
	}
	return write(courier.wake_fd, &one, sizeof(one)) < 0 ? -errno : 0;
}
