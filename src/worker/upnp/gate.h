/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP accept filter: libupnp sees complete, well-formed requests only.
 *
 * The gate owns the real listening socket. It accepts, reads until a request is whole and judged
 * (gate_check.h), and only then lets libupnp's accept() have the connection; what libupnp receives
 * there is the request as gate_rewrite() wrote it. A refused request gets a proper HTTP error. So
 * no thread of libupnp ever waits for one client: it has eleven of them, and a 30 s patience.
 *
 * The gate has no thread of its own. libupnp's only listening thread waits in select(); the gate
 * works there and never blocks. guard.c sends libupnp's calls here.
 */
#ifndef PORTREEVE_WORKER_UPNP_GATE_H
#define PORTREEVE_WORKER_UPNP_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "worker/upnp/soap_body.h"

#define GATE_REQUEST_MS 2000      /* for a whole request, from accept on */
#define GATE_LINGER_MS 500        /* for a refused client to take its answer */
#define GATE_SEND_MS 2000         /* for one send() of an answer to make progress */
#define GATE_CONNECTIONS 128      /* in all */
#define GATE_PER_ADDRESS 32       /* of one address; the next one gets 503 at once */
#define GATE_SERVED 32            /* in libupnp's hands at a time; it has room for 100 */
#define GATE_SERVED_FREELY 8      /* of any address: three of libupnp's threads are then left */
#define GATE_SERVED_PER_ADDRESS 4 /* beyond that: of one address; more wait their turn */

/*
 * Takes the bound socket @fd over: listens on it, and leaves an event counter under that number,
 * by which other threads wake gate_select(). 0 or -errno. One gate in a process.
 */
int gate_listen(int fd, uint32_t self, uint16_t port);

/* Is @fd what gate_listen() left? */
bool gate_is_listener(int fd);

/* Is that in @set, which has numbers below @n? */
bool gate_is_among(int n, const fd_set *set);

/*
 * select(2) without a time limit, where @r holds what gate_listen() left: does the gate's work, and
 * calls that descriptor readable while a request waits to be accepted. From one thread at a time.
 */
int gate_select(int n, fd_set *r, fd_set *w, fd_set *e);

/* The real listening socket, for tests of its options; -1: none. */
int gate_listener(void);

/* The next whole request's connection, as accept(2) would give it; -1 with EAGAIN: none. */
int gate_accept(struct sockaddr *addr, socklen_t *len);

/* Is @fd a connection in libupnp's hands? The calls below are for those. */
bool gate_has(int fd);
bool gate_readable(int fd); /* part of the request has not been received yet */
ssize_t gate_recv(int fd, void *buf, size_t len, int flags);
ssize_t gate_send(int fd, const void *buf, size_t len, int flags);
int gate_close(int fd);

/*
 * The arguments of the call that this thread of libupnp's is about, until it closes the connection.
 * They do not go through libupnp (gate_check.h), which reads, handles and answers a request on one
 * thread. On any other thread: none.
 */
struct soap_args gate_arguments(void);

/*
 * The body of the answer to that call, in place of the one that libupnp is about to send; of that
 * only the header goes out, with another length. Takes @body, which was allocated; NULL: none.
 */
void gate_answer(char *body);

/* libupnp closes its listener: no more requests. The caller closes the descriptor. */
void gate_stop(void);

/* Lets requests through to libupnp. Until then whole ones wait. */
void gate_open(void);

/*
 * No more of them: those that wait and those that come get 503. Returns when libupnp has answered
 * those it has, after @patience_ms at the latest.
 */
void gate_shut(int patience_ms);

/* Sends a request of our own through gate and libupnp. 0; -ETIMEDOUT: no HTTP answer came. */
int gate_probe(int timeout_ms);

#endif
