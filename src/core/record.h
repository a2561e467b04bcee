/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens in the core as rows of the audit trail (trail.h). Who decides fills in core->row on
 * the way (the reason, the lease); who got the request calls one of these once it is answered.
 */
#ifndef PORTREEVE_CORE_RECORD_H
#define PORTREEVE_CORE_RECORD_H

#include "core/core.h"
#include "core/lan.h"
#include "core/mapping.h"
#include "core/policy.h"

/* A request begins: what the last one left in core->row goes. */
void record_begin(struct core *core);

/* For who decides: why not; which lease it is about, and as it is granted. */
void record_reason(struct core *core, const char *reason);
void record_verdict(struct core *core, const struct policy_verdict *v); /* which rule, and why */
void record_lease(struct core *core, const struct lease *lease);
void record_pinhole(struct core *core, const struct pinhole *p);

/* A worker's request has its answer. Those that only ask leave no row. */
void record_request(
    struct core *core, const struct lan *lan, const struct msg *req, enum result result);

/* The administrator's: add, with what was asked for; delete, of what core->row has; and others. */
void record_add(struct core *core, const struct msg_map *map, enum result result);
void record_add_configured(struct core *core, const struct msg_map *map, enum result result);
void record_by_cli(struct core *core, enum trail_action action, enum result result);

/* The administrator wanted to end what is not there: @wanted has the action and what was named. */
void record_nothing_to_delete(struct core *core, const struct trail_row *wanted);

/* Somebody who may only look has tried a verb that changes something. */
void record_not_permitted(struct core *core, const char *verb);

/* What the configuration has brought about, of the lease or pinhole that core->row has. */
void record_by_configuration(struct core *core, enum trail_action action, enum result result);

/* ... because the rules of now say so: with @why, where it was done. Returns @result. */
enum result record_by_rules(struct core *core, enum trail_action action,
    const struct policy_verdict *why, enum result result);

/* A reload, by whomever. @errors: NULL when there were none. */
void record_reload(struct core *core, const char *errors);

void record_expired(struct core *core, const struct lease *lease);
void record_expired_pinhole(struct core *core, const struct pinhole *p);

/* What came by itself, in words. */
void record_event(struct core *core, enum trail_origin origin, enum trail_action action,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Opens the trail, and says that the daemon has started; says that it stops, and closes it. */
int record_start(struct core *core);
void record_stop(struct core *core);

#endif
