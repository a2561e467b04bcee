/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A change becomes a message to the workers and a line to each `portreeve watch`. */
#ifndef PORTREEVE_CORE_NOTIFY_H
#define PORTREEVE_CORE_NOTIFY_H

#include "core/core.h"
#include "core/lan.h"
#include "core/mapping.h"

enum notify_kind { NOTIFY_ADDED, NOTIFY_UPDATED, NOTIFY_DELETED, NOTIFY_EXPIRED };

struct notify *notify_new(struct core *core);
void notify_free(struct notify *notify);

/*
 * A lease came, changed or went. Watchers hear of it now; workers get one MSG_STATE when the event
 * loop comes round, however many changes there were (the worker moderates further).
 */
void notify_lease(struct core *core, enum notify_kind kind, const struct lease *lease);

/* The same for a pinhole; nothing of it is evented. */
void notify_pinhole(struct core *core, enum notify_kind kind, const struct pinhole *p);

struct policy_verdict; /* policy.h */

/* A request was refused. */
void notify_refused(struct core *core, const struct asker *asker, const struct msg_map *req,
    const struct policy_verdict *v);

/* The WAN's address or state changed, or the kernel table was healed: @text says it to watchers. */
void notify_state(struct core *core, const char *what, const char *text);

/*
 * MSG_GATEWAY and MSG_STATE to a worker that has just come. If with it the gateway has come anew to
 * that LAN, the boot id grows, and the other workers hear of it, too.
 */
void notify_greet(struct core *core, struct lan *lan);

/* The present state, as workers are told. */
void notify_fill_state(const struct core *core, struct msg_state *state);

/*
 * Watchers (control.c): @line is one JSON object without newline, valid during the call.
 */
struct notify_watcher;
typedef void (*notify_watch_fn)(void *arg, const char *line);
struct notify_watcher *notify_watch(struct core *core, notify_watch_fn fn, void *arg);
void notify_unwatch(struct core *core, struct notify_watcher *watcher);

#endif
