/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One HTTP request of a LAN host: is it one that we answer, and how libupnp gets to see it.
 *
 * Pure: no I/O, no clock, no state; fuzzed. What passes is not handed on as it came: libupnp reads
 * a request written anew by gate_rewrite(), with the headers that it needs in the form that it
 * takes, and a SOAP body of our own making. So its parsers never see a stranger's bytes, and every
 * tolerance that real clients need is given in one place.
 */
#ifndef PORTREEVE_WORKER_UPNP_GATE_CHECK_H
#define PORTREEVE_WORKER_UPNP_GATE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/upnp/soap_body.h"

#define GATE_HEADER_MAX 8192 /* octets, request line included */
#define GATE_HEADERS_MAX 64  /* header lines */
#define GATE_BODY_MAX 65536
#define GATE_CALLBACK_MAX 512 /* octets of a callback URL */
#define GATE_CALLBACKS_MAX 4  /* callback URLs of one subscription; more are left out */

/*
 * Windows and the consoles take an IGD:1 only, and may follow an advertisement of IGD:2: whatever
 * document of the two they ask for, they get that one.
 */
#define GATE_PATH_1 "/description.xml"
#define GATE_PATH_2 "/description2.xml"

/* What to do with what has come so far. */
enum gate_verdict {
	GATE_MORE,     /* not whole yet */
	GATE_CONTINUE, /* as GATE_MORE, and the client waits for "100 Continue" */
	GATE_PASS,     /* hand it over */
	GATE_REFUSE,   /* answer with the status and close */
};

enum gate_method {
	GATE_GET,
	GATE_HEAD,
	GATE_POST,
	GATE_M_POST, /* RFC 2774: handed on as POST */
	GATE_SUBSCRIBE,
	GATE_UNSUBSCRIBE,
};

/* The two ends of the connection, host byte order. */
struct gate_ends {
	uint32_t self; /* our address and port: what Host must say */
	uint16_t port;
	uint32_t peer; /* events go to this address only */
};

/* Part of the request, not terminated. */
struct gate_slice {
	const char *at; /* NULL: not there */
	size_t len;
};

struct gate_check {
	enum gate_verdict verdict;
	int status;         /* HTTP status with GATE_REFUSE */
	const char *reason; /* for the log and the answer's body; always set with GATE_REFUSE */
	size_t need;        /* octets of the whole request; 0 while the head is not whole */

	/* Set once the head is whole and in order. All slices point into the data. */
	enum gate_method method;
	unsigned int minor; /* HTTP/1.minor, 0 or 1 */
	struct gate_slice target;
	struct gate_slice user_agent;
	struct gate_slice action_urn; /* of SOAPACTION, before "#" */
	struct gate_slice action;     /* and after it */
	struct gate_slice sid;
	struct gate_slice callbacks[GATE_CALLBACKS_MAX]; /* that lead to the peer, without <> */
	size_t n_callbacks;
	uint32_t timeout_s; /* of SUBSCRIBE, 1..86400 */
	struct gate_slice body;

	struct soap_args args; /* of the call; set by gate_rewrite(), and points into its @out */
};

/*
 * Looks at the first @len octets of a request. Never reads past them, never changes them. What
 * comes after a whole request is ignored: we answer one per connection.
 */
void gate_check(const char *data, size_t len, const struct gate_ends *ends, struct gate_check *out);

/*
 * Writes the request of @check (GATE_PASS, of the same data) anew into @out. Returns its length; 0
 * with verdict, status and reason set in @check: the SOAP body is not one (400) or too long for
 * @cap (413). GATE_REWRITE_ROOM more octets than the request had are always enough.
 *
 * The call in it has no arguments: they follow behind the request, as @check->args, and go to our
 * handlers (soap.h) past libupnp. Only a QueryStateVariable keeps its own, which libupnp reads.
 *
 * Several callback URLs, which all lead to the same address, become one of the form
 * "http://addr:port/path{port/path}{port/path}", for courier.c to take apart again: to libupnp the
 * first that the courier takes from it is as good as delivered. No URL of a client has braces.
 */
#define GATE_REWRITE_ROOM 2048
size_t gate_rewrite(struct gate_check *check, const struct gate_ends *ends, char *out, size_t cap);

/* "Bad Request" and the like, for every status that gate_check() gives. */
const char *gate_status_text(int status);

#endif
