/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connection tracking entries to forget: gathers wishes for a moment, so that a burst of requests
 * costs one sweep. The first wish after a quiet time is served in the loop's next turn, when the
 * answer is on its way, further ones at most every 50 ms, and seldom enough that they take a small
 * share of the processor (1 s at worst).
 *
 * A sweep costs 25 ns for each bucket of the kernel's table, even an empty one, and the loop stands
 * still meanwhile (6 ms with 262,144 of them). So there are none without a reason: a new mapping
 * asks the kernel whether the port was knocked at (nft.h), and what was knocked at before it kept a
 * record of that is found by a survey in the first sweep.
 */
#ifndef PORTREEVE_CORE_FLOWS_H
#define PORTREEVE_CORE_FLOWS_H

#include "core/core.h"

struct flows *flows_new(struct core *core); /* NULL on error, which was logged */
void flows_free(struct flows *flows);

/* A mapping that was or may have been in use is gone, or leads elsewhere: its flows end. */
void flows_cut(struct flows *flows, const struct lease *lease);

/* A mapping came: entries of peers that were already sending must not bypass it. No sweep where
 * none can be. */
void flows_clear_stale(struct flows *flows, const struct lease *lease);

/* The same for a pinhole that was in use. */
void flows_cut6(struct flows *flows, const struct pinhole *p);

#endif
