/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the configuration again while everything runs. What stays allowed is not disturbed, and a
 * faulty file changes nothing.
 */
#ifndef PORTREEVE_CORE_RELOAD_H
#define PORTREEVE_CORE_RELOAD_H

#include <jansson.h>

#include "core/core.h"

#define RELOAD_TOLD_MAX 100 /* mappings in "revoked" */

/*
 * 0, or -EINVAL with the messages in @errors (@size octets, NUL-terminated); both were logged.
 * @report (may be NULL) gets a new reference on success:
 *
 *	{"reloaded": true, "changed": ["min_port", "rule \"x\" (new)"], "next_start": ["http_port"],
 *	 "on_reload": "revoke", "revoked_count": 1, "revoked": [{"id": 7, "protocol": "TCP",
 *	 "external_port": 5000, "internal_client": "192.168.1.7", "internal_port": 80,
 *	 "reason": "...", "rule": "x", "line": 3}], "shortened_count": 0, "refused_count": 0}
 *
 * next_start: of those changed, what holds only from the next start on. refused_count: mappings
 * and pinholes that would not be granted any more and are kept. A pinhole that was revoked has
 * "pinhole" in place of "id", and no external port.
 */
int reload_run(struct core *core, json_t **report, char *errors, size_t size);

#endif
