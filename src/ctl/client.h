/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CLI's end of the control socket: one JSON object a line, both ways. */
#ifndef PORTREEVE_CTL_CLIENT_H
#define PORTREEVE_CTL_CLIENT_H

#include <jansson.h>

struct client;

/*
 * Connects to the socket at @path, which stays the caller's and must stay. NULL: there is no such
 * daemon, and client_error() says in one line what to do.
 */
struct client *client_open(const char *path);
void client_close(struct client *client);

/* Sends one request. 0 or -errno, explained by client_error(). */
int client_send(struct client *client, const json_t *request);

/* The next object from the daemon, a new reference; NULL: see client_error(). Waits at most 10 s.
 */
json_t *client_read(struct client *client);

/*
 * Waits up to @timeout_ms for something from the daemon, and throws it away. 1: something came, 0:
 * nothing; -EPIPE: it is gone, see client_error().
 */
int client_wait(struct client *client, int timeout_ms);

/* From now on client_read() waits as long as it takes. */
void client_wait_forever(struct client *client);

/* What went wrong last, for people; valid until the next call. */
const char *client_error(void);

#endif
