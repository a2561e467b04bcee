/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb "explain": what a client would be answered, and why, by the code that answers it
 * (decide.h); or why it was refused last. Nothing is changed. As the others in control_verbs.h.
 */
#ifndef PORTREEVE_CORE_CONTROL_EXPLAIN_H
#define PORTREEVE_CORE_CONTROL_EXPLAIN_H

#include <jansson.h>

#include "core/core.h"

/*
 * {"client": ..., "lan": ..., "protocol": ..., "external_port": ..., "internal_client": ...,
 *  "internal_port": ..., "remote_host": ..., "lease_s": ..., "answers": [{"version": 1,
 *  "granted": false, "result": "not-authorized", "upnp_code": 606, "upnp_text": "...",
 *  "reason": "...", "rule": "...", "file": "...", "line": 3, "lease_s": null}, ...]}, an answer for
 * each version of WANIPConnection.
 */
json_t *control_explain(struct core *core, json_t *request);

#endif
