/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CLI's socket, RUN_DIR/control.sock: one JSON object a line in, one or more out.
 *
 * Request {"verb": "list", ...}; answer the verb's object, or
 * {"error": {"code": "not-found", "message": "..."}}. A member that is null counts as not given.
 * Reading verbs are for whoever may open the socket (mode 0660, group portreeve where it exists);
 * changing verbs for root and for the user the daemon runs as (SO_PEERCRED).
 *
 *	status   the object documented in doc/json.md, as all others are
 *
 *	list     after (an id), limit (1..500, default 100), of ("mappings" or "pinholes"):
 *	         {"mappings": [...], "next": id or null}, in order of id; in pages, so that a
 *	         long list never holds up a request
 *
 *	show     id, or pinhole (an id): the mapping or the pinhole
 *
 *	watch    {"watching": true}, then a line per change until the client goes
 *
 *	trail    after (an id), limit (1..200, default 100), since_s (Unix time), client (an
 *	         address, a MAC address or a host's name), port, mapping or pinhole (an id; of a
 *	         pinhole that is there none of its predecessors'), result ("ok", "refused",
 *	         "expired"): {"trail": [...], "next": id or null}, in order of id. A page looks at
 *	         4000 rows at most, so it may be empty and yet have a next one
 *
 *	flows    id: {"flows": [...], "complete": bool, "connections": n}: the living flows
 *	         through that mapping, as portreeve(1) has them, and how many have begun; or
 *	         pinhole (an id): the same without the last
 *
 *	metrics  {"metrics": OpenMetrics text}
 *
 *	explain  client, protocol, external_port, [internal_client, internal_port, remote_host,
 *	         lease_s]: what that client would be answered; or last (a client): {"last": row of
 *	         the trail or null, "now": what it would be answered today, or null}
 *
 *	add      protocol, external_port, internal_client, [internal_port, remote_host, lease_s,
 *	         description, enabled]: the mapping
 *
 *	delete   id, or protocol, external_port, [remote_host], or pinhole: {"deleted": id}
 *
 *	doctor   {"checks": [...], "lans": [...]}: see doctor.h; some milliseconds of the event loop
 *
 *	reload   what reload.h says, or an error that holds the messages
 *
 * Mappings, pinholes and watch lines look as lease_json.h says, error codes are in control_verbs.h.
 *
 * Bounds: a request has at most 64 KiB, there are at most 32 clients (4 places are kept for those
 *who may change something), a client that is idle for 60 s or reads nothing for 30 s is dropped,
 *and so is a watcher that leaves 1 MiB unread.
 */
#ifndef PORTREEVE_CORE_CONTROL_H
#define PORTREEVE_CORE_CONTROL_H

#include "core/core.h"

#define CONTROL_SOCKET "control.sock" /* in the run directory */
#define CONTROL_SCHEMA 1              /* of doc/json.md, which says when it grows */

/* Ignores SIGPIPE from then on. */
struct control *control_new(struct core *core); /* NULL on error, which was logged */
void control_free(struct control *control);

#endif
