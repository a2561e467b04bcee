/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb "audit" of the control socket: takes snapshots of the core for findings.h, in pages so
 * small that others hardly notice (some milliseconds each, however many mappings there are).
 *
 *	{"verb": "audit", "of": WHAT, "after": ID} with
 *	"hosts", "pinhole-hosts"
 *	             asks the hosts that mappings or pinholes lead to whether they are there:
 *	             {"asking": N, "next": id or null}; N have not answered yet. Ask again until
 *there are none, or 4 seconds are over "gateway", "mappings", "pinholes"
 *	             {"findings": [...], "checks": {ID: {"why", "remedy"}}, "next": id or null}
 *
 * A finding: {"id", "severity", "subject", "seen", "mapping", "pinhole", "accepted"}, and "remedy"
 * where it is another one than its check's.
 */
#ifndef PORTREEVE_CORE_AUDIT_H
#define PORTREEVE_CORE_AUDIT_H

#include <jansson.h>

#include "core/core.h"

json_t *audit_answer(struct core *core, json_t *request);

#endif
