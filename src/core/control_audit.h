/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs of the CLI that audit: "trail". As the others in control_verbs.h. */
#ifndef PORTREEVE_CORE_CONTROL_AUDIT_H
#define PORTREEVE_CORE_CONTROL_AUDIT_H

#include <jansson.h>

#include "core/core.h"
#include "core/trail.h"

/*
 * A client as the trail spells it: addresses in their one form, the rest in small letters. @text
 * has less than TRAIL_HOST_MAX octets.
 */
void control_normalize_client(const char *text, char buf[TRAIL_HOST_MAX]);

/* A page of the audit trail. */
json_t *control_trail(struct core *core, json_t *request);

#endif
