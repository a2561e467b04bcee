/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each verb of the CLI means: one request line in, one JSON object out. No sockets here.
 */
#ifndef PORTREEVE_CORE_CONTROL_VERBS_H
#define PORTREEVE_CORE_CONTROL_VERBS_H

#include <jansson.h>
#include <stdbool.h>

#include "core/core.h"

/* Mappings in one page of "list": when nothing is asked for (about 1 ms of the event loop), at
 * most. */
#define CONTROL_LIST_DEFAULT 100
#define CONTROL_LIST_MAX 500

/* Who asks, by the kernel's word (SO_PEERCRED). */
struct control_peer {
	bool may_change; /* may use the verbs that change something */
	bool has_uid;    /* false: not known */
	uint32_t uid;
};

/*
 * Answers one request of @len octets. Sets *@watch when the peer asked to watch. A new reference,
 *or NULL when memory is out.
 *
 * Errors are {"error": {"code": "...", "message": "..."}} with one of the codes
 *	malformed, unknown-verb, invalid-args, not-permitted, not-found, bad-configuration,
 *	busy, or a word of result_str().
 */
json_t *control_answer(
    struct core *core, const struct control_peer *peer, const char *line, size_t len, bool *watch);

struct msg_map_key; /* ipc/msg.h */

/*
 * What names a mapping, from the members of a request, into @key. NULL, or what is wrong. @remote
 * may be NULL: any.
 */
json_t *control_parse_key(
    const char *protocol, json_int_t port, const char *remote, struct msg_map_key *key);

json_t *control_error(const char *code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
