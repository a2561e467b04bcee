/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines about what clients have, mappings and pinholes. Clients decide how often something
 * happens, but not how much is written to the disk.
 */
#ifndef PORTREEVE_CORE_MAPPING_SAY_H
#define PORTREEVE_CORE_MAPPING_SAY_H

#include "core/core.h"
#include "core/notify.h"
#include "core/policy.h"

#define MAPPING_STRLEN 96

/* "TCP 8080 from 203.0.113.9 -> 192.168.1.7:80", into @buf, which it returns. */
const char *mapping_str(const struct lease *l, char buf[MAPPING_STRLEN]);

/* An address, or "administrator" for 0. Returns @buf or a literal. */
const char *mapping_client_str(uint32_t client, char buf[ADDR4_STRLEN]);

/* A line at level info, unless there were too many this second: those are counted. */
void mapping_say(struct core *core, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* That @what was refused to @who, or taken away, and by which rule. */
void mapping_say_refused(
    struct core *core, const char *what, const char *who, const struct policy_verdict *v);
void mapping_say_revoked(struct core *core, const char *what, const struct policy_verdict *why);

/* That @what has expired, or was deleted. */
void mapping_say_ended(struct core *core, const char *what, enum notify_kind kind);

#endif
