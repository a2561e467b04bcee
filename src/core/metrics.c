/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts. What becomes of it is in metrics_text.c. */
#include "config.h"

#include "core/metrics.h"

#include <stdio.h>
#include <string.h>

/* A request is some 100 us as a rule; 5 s are a worker's patience. */
const struct metrics_bound metrics_bounds[METRICS_BUCKETS] = {
	{ 50, "0.00005" },
	{ 100, "0.0001" },
	{ 250, "0.00025" },
	{ 500, "0.0005" },
	{ 1000, "0.001" },
	{ 5000, "0.005" },
	{ 10000, "0.01" },
	{ 50000, "0.05" },
	{ 250000, "0.25" },
	{ 1000000, "1.0" },
};

void
metrics_request(struct metrics *m, enum msg_type type, enum result result, uint64_t took_us)
{
	size_t i;

	m->requests[type][result]++;
	for (i = 0; i < METRICS_BUCKETS && took_us > metrics_bounds[i].us; i++)
		;
	m->buckets[i]++;
	m->total_us += took_us;
}

static void
count_refusal(struct metrics *m, const char *rule)
{
	size_t i;

	for (i = 0; i < METRICS_RULES && m->rules[i].rule[0]; i++)
		if (strcmp(m->rules[i].rule, rule) == 0)
			break;
	if (i < METRICS_RULES)
		snprintf(m->rules[i].rule, sizeof(m->rules[i].rule), "%s", rule);
	m->rules[i].refusals++;
}

void
metrics_change(struct metrics *m, const struct trail_row *row)
{
	m->changes[row->origin][row->action][row->result]++;
	if (row->result != RESULT_OK)
		count_refusal(m, row->rule[0] ? row->rule : "built-in");
}
