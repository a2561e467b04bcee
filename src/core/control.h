/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CLI's socket, RUN_DIR/control.sock: one JSON object a line in, one or more out.
 *
 * Request {"verb": "list", ...}; answer the verb's object, or {"error": {"code": "not-found",
 *"message": "..."}}. Reading verbs are for whoever may open the socket (mode 0660, group portreeve
 *where it exists); changing verbs for root and for the user the daemon runs as (SO_PEERCRED).
 *
 *	status                                   the object documented in portreeve(1)
 *	list    after (id), limit (<= 500)       {"mappings": [...], "next": id or null}: in pages,
 *so that a long list never holds up a request show    id                               one mapping
 *	add     protocol, external_port, internal_client, internal_port, remote_host, lease_s,
 *description delete  id | protocol, external_port, remote_host watch a line per change until the
 *client goes reload                                   {"reloaded": true} or an error that holds the
 *messages
 */
#ifndef PORTREEVE_CORE_CONTROL_H
#define PORTREEVE_CORE_CONTROL_H

#include "core/core.h"

struct control *control_new(struct core *core); /* NULL on error, which was logged */
void control_free(struct control *control);

/* In core.c: reads the configuration again. 0, or -EINVAL with the messages in @errors (size
 * octets, NUL-terminated). */
int core_reload(struct core *core, char *errors, size_t size);

#endif
