/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delivers events (GENA NOTIFY) for libupnp, so that no thread of it waits for a subscriber.
 *
 * libupnp delivers each event on a thread of a pool that search replies and advertisements share,
 * with up to 30 s of patience. Here its connect() succeeds at once: it talks to the courier over a
 * socket pair, is told "200 OK", and the courier carries the event on its own time, in order for
 * each destination. Of several callback URLs (gate_check.h has them in one) each is tried in turn
 * until one takes the event. A subscriber that answered 412 (it does not know the subscription) is
 * told to libupnp with the next event, which then ends the subscription. Other failures lose the
 * event, as UDA 1.1 4.3.2 has it; the subscriber sees the gap in SEQ.
 */
#ifndef PORTREEVE_WORKER_UPNP_COURIER_H
#define PORTREEVE_WORKER_UPNP_COURIER_H

#include <stdint.h>

#define COURIER_EVENTS 128       /* under way or waiting, in all */
#define COURIER_PER_ADDRESS 16   /* for one subscriber's address; more are refused */
#define COURIER_EVENT_MAX 65536  /* octets of one NOTIFY */
#define COURIER_CONNECT_MS 2000  /* for a subscriber to take the connection, at each URL */
#define COURIER_DELIVERY_MS 5000 /* for one delivery in all, at each URL */
/* GUPnP loses an initial event that comes before the SUBSCRIBE answer has been read. */
#define COURIER_INITIAL_DELAY_MS 50

/* Starts the courier's thread. 0 or -errno. */
int courier_start(uint32_t self, uint32_t ifindex);

/*
 * Puts one end of a socket pair under the number @fd, a socket that was to be connected to
 * @addr:@port. 0 or -errno: -EAGAIN, too much waits for that address already.
 */
int courier_connect(int fd, uint32_t addr, uint16_t port);

#endif
