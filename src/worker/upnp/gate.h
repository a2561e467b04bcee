/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP accept filter: libupnp sees complete, well-formed requests only.
 *
 * gate.c owns the real listening socket. A thread accepts, peeks until the request is whole, checks
 * it, and hands the connection to libupnp's accept(). A refused request gets a proper HTTP error.
 */
#ifndef PORTREEVE_WORKER_UPNP_GATE_H
#define PORTREEVE_WORKER_UPNP_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

#define GATE_REQUEST_MS 2000 /* for a whole request, from accept on */
#define GATE_PER_ADDRESS 4   /* connections of one address that are waiting or being answered */
#define GATE_CONNECTIONS 128 /* in all */
#define GATE_HEADER_MAX 8192 /* octets, request line included */
#define GATE_BODY_MAX 65536

/* What to do with what has been peeked so far. */
enum gate_verdict {
	GATE_MORE,     /* not whole yet */
	GATE_PASS,     /* hand it over */
	GATE_CONTINUE, /* as GATE_MORE, and the client waits for "100 Continue" */
	GATE_REFUSE,   /* answer with the status and close */
};

struct gate_check {
	enum gate_verdict verdict;
	int status; /* HTTP status with GATE_REFUSE */
	const char *reason;
};

/*
 * Pure: looks at @len octets of a request to @self:@port. Never reads past them, never changes
 * them; fuzzed.
 */
void gate_check(const char *data, size_t len, uint32_t self, uint16_t port, struct gate_check *out);

#endif
