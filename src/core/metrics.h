/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is counted for monitoring, and its text (OpenMetrics 1.0).
 *
 * Counting costs an addition; what can be read from elsewhere (mappings, clients, restarts) is
 * gathered when somebody asks.
 */
#ifndef PORTREEVE_CORE_METRICS_H
#define PORTREEVE_CORE_METRICS_H

#include <stdint.h>

#include "core/trail.h"
#include "ipc/msg.h"
#include "ipc/result.h"

#define METRICS_BUCKETS 10 /* of the time that the core takes for a request; one more: longer */
#define METRICS_RULES 64   /* rules told apart; the refusals of further ones are counted together */

struct core;

struct metrics {
	uint64_t requests[MSG_TYPE_COUNT][RESULT_COUNT]; /* of workers */
	uint64_t changes[TRAIL_ORIGINS][TRAIL_ACTIONS][RESULT_COUNT];
	uint64_t buckets[METRICS_BUCKETS + 1], total_us;
	struct {
		char rule[TRAIL_RULE_MAX]; /* empty: no more of them; the last one: all others */
		uint64_t refusals;
	} rules[METRICS_RULES + 1];
};

/* The upper bound of each bucket, and how it is written. */
extern const struct metrics_bound {
	uint64_t us;
	const char *s; /* in seconds */
} metrics_bounds[METRICS_BUCKETS];

/* A worker's request was answered, @took_us after the core began with it. */
void metrics_request(struct metrics *m, enum msg_type type, enum result result, uint64_t took_us);

/* Something came into the audit trail; @row->rule empty: no rule of the configuration decided. */
void metrics_change(struct metrics *m, const struct trail_row *row);

/*
 * All of it as OpenMetrics text, ending with "# EOF". Counters begin with the core's start. For the
 * caller to free; NULL: no memory.
 */
char *metrics_text(struct core *core);

#endif
