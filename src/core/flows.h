/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connection tracking entries to forget: gathers wishes for a moment, so that a burst of requests
 * costs one sweep. The first wish after a quiet time is served at once, further ones at most every
 * 50 ms, and seldom enough that they take a small share of the processor (1 s at worst).
 */
#ifndef PORTREEVE_CORE_FLOWS_H
#define PORTREEVE_CORE_FLOWS_H

#include "core/core.h"

struct flows *flows_new(struct core *core); /* NULL on error, which was logged */
void flows_free(struct flows *flows);

/* A mapping is gone, or leads elsewhere: its flows end. */
void flows_cut(struct flows *flows, const struct lease *lease);

/* A mapping came: entries of peers that were already sending must not bypass it. */
void flows_clear_stale(struct flows *flows, const struct lease *lease);

#endif
