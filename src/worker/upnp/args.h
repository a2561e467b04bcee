/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed arguments out of a request, values into an answer; both checked against the SCPD.
 * Pure: bytes from the LAN come in as text, and what goes on is checked.
 */
#ifndef PORTREEVE_WORKER_UPNP_ARGS_H
#define PORTREEVE_WORKER_UPNP_ARGS_H

#include "ipc/msg.h"
#include "worker/upnp/scpd.h"

#define ARGS_ANSWER_MAX 1024 /* octets of all values of an answer, each with its NUL */

/* Of one request. Texts are borrowed from whoever put them there. */
struct args {
	const struct scpd_action *action;
	const char *text[SCPD_ARGS_MAX]; /* as sent; where there is a list of values, as listed */
	uint32_t number[SCPD_ARGS_MAX];
};

void args_init(struct args *args, const struct scpd_action *action);

/* An argument that came. Unknown names are ignored (UDA 1.0 3.2.1), the first of a name counts. */
void args_put(struct args *args, const char *name, const char *text);

/*
 * All there, of the right type and in range? RESULT_OK, RESULT_INVALID_ARGS (missing, not a number
 * or boolean) or RESULT_OUT_OF_RANGE. What clients leave out without harm gets its usual value.
 */
enum result args_check(struct args *args);

/* After args_check(). @name is one of the action's input arguments. */
const char *args_text(const struct args *args, const char *name);
uint32_t args_number(const struct args *args, const char *name);

/*
 * A remote host: a dotted quad, or 0 for any of the ways clients write the wildcard. Host names are
 * RESULT_INVALID_ARGS.
 */
enum result args_remote_host(const struct args *args, const char *name, uint32_t *addr);

/* An internal client: a dotted quad; none is RESULT_WILDCARD_CLIENT. */
enum result args_internal_client(const struct args *args, const char *name, uint32_t *addr);

/*
 * An IPv6 address in 16 octets, network byte order; all zero for any of the ways clients write the
 * wildcard. RESULT_INVALID_ARGS for anything else.
 */
enum result args_addr6(const struct args *args, const char *name, uint8_t addr[16]);

/* Text for people: UTF-8 with control characters made harmless, or RESULT_TOO_LONG. */
enum result args_description(
    const struct args *args, const char *name, char text[MSG_DESCRIPTION_MAX]);

/* The values of one answer. */
struct answer {
	const struct scpd_action *action;
	const char *text[SCPD_ARGS_MAX]; /* NULL: not given yet */
	char store[ARGS_ANSWER_MAX];
	size_t used;
	char *large; /* the one text that may be of any size; NULL: none */
};

void answer_init(struct answer *answer, const struct scpd_action *action);
void answer_exit(struct answer *answer);

/* Takes @text, which was allocated, and frees it in answer_exit(). Once in an answer. */
void answer_take(struct answer *answer, const char *name, char *text);

/* @name is one of the action's output arguments. Copies @text. */
void answer_text(struct answer *answer, const char *name, const char *text);
void answer_number(struct answer *answer, const char *name, uint32_t number);

/* Empty for @addr 0. */
void answer_addr(struct answer *answer, const char *name, uint32_t addr);

#endif
