/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One end of a SOCK_SEQPACKET pair: send, receive, call and wait.
 *
 * A full socket means that the other end is stuck: senders get -EAGAIN at once and never block,
 * save in channel_call(), which has a deadline.
 */
#ifndef PORTREEVE_IPC_CHANNEL_H
#define PORTREEVE_IPC_CHANNEL_H

#include "ipc/msg.h"

/* Two connected ends, close-on-exec and non-blocking. 0 or -errno. */
int channel_pair(int ends[2]);

/*
 * Sends one message with @size octets of @body and @nfds descriptors (kept by the caller). 0 or
 * -errno; -EAGAIN: the peer does not read; -EPIPE: it is gone.
 */
int channel_send(
    int fd, enum msg_type type, const void *body, size_t size, const int *fds, unsigned nfds);

/* The reply to @request, with @size octets of @body. 0 or -errno. */
int channel_reply(
    int fd, const struct msg *request, enum result result, const void *body, size_t size);

/*
 * Receives one message without waiting, and checks it with msg_check() as sent by @peer.
 * Descriptors that came go to @fds (MSG_FDS_MAX places, close-on-exec; pass NULL where none are
 * expected: then they are closed and the message is refused). Unused places are -1. 0; -EAGAIN:
 * nothing there; -EPIPE: the peer is gone; -EPROTO: it broke the contract.
 */
int channel_recv(int fd, struct msg *msg, int *fds, enum msg_peer peer);

#define CHANNEL_RECONNECT_MS 1000

/*
 * Client side of "calls". Any thread may call; calls are made one at a time.
 */
struct channel_client;
struct channel_client *channel_client_new(int fd); /* owns @fd; -1: not connected yet */
void channel_client_free(struct channel_client *client);

/* Another core has come, or none is there (-1): a call under way on the old one fails. */
void channel_client_set_fd(struct channel_client *client, int fd);

/*
 * Sends a request and waits for its reply, at most @timeout_ms in all (the wait for other threads
 * included). 0 with @reply filled (look at reply->header.result), or -ETIMEDOUT, -EPIPE, -EPROTO.
 * Late replies are dropped. While there is no core a call waits for one, up to
 * CHANNEL_RECONNECT_MS, so that a core that is restarted is not noticed. A core that comes to the
 * request when nine tenths of the time are over leaves it undone (msg_header.deadline_ms). After
 * -EPIPE the request may have been granted all the same.
 */
int channel_call(struct channel_client *client, enum msg_type type, const void *body, size_t size,
    struct msg *reply, int timeout_ms);

#endif
