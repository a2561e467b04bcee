/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes in and out of a seqpacket pair. Knows sizes and descriptors; what a message means is
 * msg.c's and its reader's business.
 *
 * A client's call costs one sendmsg, one poll and one recvmsg. The lock is never held while a
 * thread waits for the core, so setting another descriptor takes effect at once.
 */
#include "config.h"

#include "ipc/channel.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"

union control {
	struct cmsghdr align;
	char data[CMSG_SPACE(MSG_FDS_MAX * sizeof(int))];
};

int
channel_pair(int ends[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	return 0;
}

/* The peer's end is closed, in the words of this module. */
static int
peer_error(int error)
{
	switch (error) {
	case ECONNRESET:
	case ENOTCONN:
	case ECONNREFUSED:
	case EPIPE:
		return -EPIPE;
	case ENOBUFS:
	case EWOULDBLOCK:
		return -EAGAIN;
	default:
		return -error;
	}
}

static int
send_whole(int fd, const struct msg_header *header, const void *body, const int *fds, unsigned nfds)
{
	struct iovec iov[2] = {
		{ .iov_base = (void *)(uintptr_t)header, .iov_len = sizeof(*header) },
		{ .iov_base = (void *)(uintptr_t)body, .iov_len = header->size },
	};
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = header->size ? 2 : 1 };
	union control control;
	struct cmsghdr *cmsg;
	ssize_t n;

	assert(nfds <= MSG_FDS_MAX && header->size <= MSG_BODY_MAX);
	if (nfds) {
		memset(&control, 0, sizeof(control));
		mh.msg_control = control.data;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&mh);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nfds * sizeof(int));
	}
	do
		n = sendmsg(fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? peer_error(errno) : 0;
}

int
channel_send(
    int fd, enum msg_type type, const void *body, size_t size, const int *fds, unsigned nfds)
{
	struct msg_header header = { .type = (uint16_t)type, .size = (uint16_t)size };

	assert(size == msg_size(type));
	return send_whole(fd, &header, body, fds, nfds);
}

int
channel_reply(int fd, const struct msg *request, enum result result, const void *body, size_t size)
{
	struct msg_header header = {
		.type = request->header.type,
		.serial = request->header.serial,
		.result = (uint32_t)result,
		.size = result == RESULT_OK ? (uint16_t)size : 0,
	};

	assert(result != RESULT_OK || size == msg_reply_size((enum msg_type)header.type));
	return send_whole(fd, &header, body, NULL, 0);
}

/* Gathers the descriptors that came into @fds; returns how many there were. */
static unsigned
take_fds(struct msghdr *mh, int *fds)
{
	unsigned count = 0, n, i;
	struct cmsghdr *cmsg;
	int fd;

	for (cmsg = CMSG_FIRSTHDR(mh); cmsg; cmsg = CMSG_NXTHDR(mh, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		n = (unsigned)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		for (i = 0; i < n; i++, count++) {
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
			if (count < MSG_FDS_MAX)
				fds[count] = fd;
			else
				close(fd);
		}
	}
	return count;
}

static void
close_fds(int *fds)
{
	unsigned i;

	for (i = 0; i < MSG_FDS_MAX; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

int
channel_recv(int fd, struct msg *msg, int *fds, enum msg_peer peer)
{
	struct iovec iov[2] = {
		{ .iov_base = &msg->header, .iov_len = sizeof(msg->header) },
		{ .iov_base = &msg->body, .iov_len = sizeof(msg->body) },
	};
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };
	int none[MSG_FDS_MAX];
	union control control;
	unsigned nfds;
	ssize_t n;
	int rc;

	/* Without room for descriptors the kernel drops them and says MSG_CTRUNC. */
	if (fds) {
		mh.msg_control = control.data;
		mh.msg_controllen = sizeof(control.data);
	} else {
		fds = none;
	}
	for (nfds = 0; nfds < MSG_FDS_MAX; nfds++)
		fds[nfds] = -1;

	do
		n = recvmsg(fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return peer_error(errno);
	nfds = take_fds(&mh, fds);
	if (n == 0 && nfds == 0)
		return -EPIPE;

	rc = mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EPROTO
						     : msg_check(msg, (size_t)n, nfds, peer);
	if (rc < 0)
		close_fds(fds);
	return rc;
}

/* ---- calls ----------------------------------------------------------------------------------- */

struct channel_client {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* no call under way any more, or another descriptor */
	int fd;                 /* -1: no core at present */
	int busy_fd;            /* a thread has a call under way on it; -1: none */
	uint32_t serial;        /* of the last call */
};

struct channel_client *
channel_client_new(int fd)
{
	struct channel_client *client = calloc(1, sizeof(*client));
	pthread_condattr_t attr;

	if (!client)
		return NULL;
	client->fd = fd;
	client->busy_fd = -1;
	pthread_mutex_init(&client->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&client->changed, &attr);
	pthread_condattr_destroy(&attr);
	return client;
}

void
channel_client_free(struct channel_client *client)
{
	if (!client)
		return;
	assert(client->busy_fd < 0);
	if (client->fd >= 0)
		close(client->fd);
	pthread_cond_destroy(&client->changed);
	pthread_mutex_destroy(&client->lock);
	free(client);
}

void
channel_client_set_fd(struct channel_client *client, int fd)
{
	pthread_mutex_lock(&client->lock);
	if (client->fd >= 0 && client->fd == client->busy_fd)
		shutdown(client->fd, SHUT_RDWR); /* wakes the caller, who closes it */
	else if (client->fd >= 0)
		close(client->fd);
	client->fd = fd;
	pthread_cond_broadcast(&client->changed);
	pthread_mutex_unlock(&client->lock);
}

/* Waits for its turn and for a core to talk to. The descriptor to use with @serial, or -errno. */
static int
call_begin(struct channel_client *client, int64_t deadline_ms, uint32_t *serial)
{
	int64_t core_ms = clock_mono_ms() + CHANNEL_RECONNECT_MS, until_ms;
	struct timespec ts;
	int fd = -EPIPE;

	if (core_ms > deadline_ms)
		core_ms = deadline_ms;
	pthread_mutex_lock(&client->lock);
	while (client->busy_fd >= 0 || client->fd < 0) {
		until_ms = client->busy_fd >= 0 ? deadline_ms : core_ms;
		if (clock_mono_ms() >= until_ms) {
			fd = client->busy_fd >= 0 ? -ETIMEDOUT : -EPIPE;
			goto out;
		}
		ts.tv_sec = (time_t)(until_ms / 1000);
		ts.tv_nsec = (long)(until_ms % 1000) * 1000000;
		pthread_cond_timedwait(&client->changed, &client->lock, &ts);
	}
	client->serial = client->serial == UINT32_MAX ? 1 : client->serial + 1;
	*serial = client->serial;
	fd = client->busy_fd = client->fd;
out:
	pthread_mutex_unlock(&client->lock);
	return fd;
}

/* A descriptor that failed, or was replaced meanwhile, is closed by who used it last. */
static void
call_end(struct channel_client *client, int fd, int rc)
{
	pthread_mutex_lock(&client->lock);
	client->busy_fd = -1;
	if (client->fd != fd) {
		close(fd);
	} else if (rc == -EPIPE || rc == -EPROTO) {
		close(fd);
		client->fd = -1;
	}
	/* The next one has its turn; that there is no core now concerns all of them. */
	if (client->fd >= 0)
		pthread_cond_signal(&client->changed);
	else
		pthread_cond_broadcast(&client->changed);
	pthread_mutex_unlock(&client->lock);
}

/* 0 when @fd is ready, or has failed, which the next read or write tells; else -ETIMEDOUT. */
static int
wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int64_t left;
	int n;

	do {
		left = deadline_ms - clock_mono_ms();
		n = poll(&pfd, 1, left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int
call_send(int fd, const struct msg_header *header, const void *body, int64_t deadline_ms)
{
	int rc;

	while ((rc = send_whole(fd, header, body, NULL, 0)) == -EAGAIN) {
		rc = wait_for(fd, POLLOUT, deadline_ms);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* Replies to earlier calls, whose callers have given up, are read and dropped. */
static int
call_wait(int fd, const struct msg_header *request, struct msg *reply, int64_t deadline_ms)
{
	int rc;

	for (;;) {
		rc = wait_for(fd, POLLIN, deadline_ms);
		if (rc < 0)
			return rc;
		rc = channel_recv(fd, reply, NULL, MSG_FROM_CORE_REPLY);
		if (rc == -EAGAIN)
			continue;
		if (rc < 0)
			return rc;
		if (reply->header.serial == request->serial)
			return reply->header.type == request->type ? 0 : -EPROTO;
	}
}

int
channel_call(struct channel_client *client, enum msg_type type, const void *body, size_t size,
    struct msg *reply, int timeout_ms)
{
	struct msg_header header = {
		.type = (uint16_t)type,
		.size = (uint16_t)size,
		/* A tenth is left for the answer of a core that begins with it just in time. */
		.deadline_ms = clock_boot_ms() + timeout_ms - timeout_ms / 10,
	};
	int64_t deadline_ms = clock_mono_ms() + timeout_ms;
	int fd, rc;

	assert(size == msg_size(type));
	fd = call_begin(client, deadline_ms, &header.serial);
	if (fd < 0)
		return fd;
	rc = call_send(fd, &header, body, deadline_ms);
	if (rc == 0)
		rc = call_wait(fd, &header, reply, deadline_ms);
	call_end(client, fd, rc);
	return rc;
}
