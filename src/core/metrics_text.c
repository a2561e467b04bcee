/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns nothing. Writes what was counted, and what is so at the moment, as a scraper reads it. */
#include "config.h"

#include "core/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/connection.h"
#include "core/core.h"
#include "core/lan.h"
#include "core/lease_json.h"

static void
family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# TYPE portreeve_%s %s\n# HELP portreeve_%s %s\n", name, type, name, help);
}

/* Backslashes, quotes and line ends mean something in a label. */
static void
label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (*value == '\\' || *value == '"')
			fputc('\\', out);
		fputc(*value, out);
	}
	fputc('"', out);
}

static void
gauge(FILE *out, const char *name, const char *help, uint64_t value)
{
	family(out, name, "gauge", help);
	fprintf(out, "portreeve_%s %" PRIu64 "\n", name, value);
}

static void
write_requests(FILE *out, const struct metrics *m)
{
	unsigned type, result;

	family(out, "requests", "counter", "What workers asked for, and the answer.");
	for (type = 0; type < MSG_TYPE_COUNT; type++)
		for (result = 0; result < RESULT_COUNT; result++)
			if (m->requests[type][result])
				fprintf(out,
				    "portreeve_requests_total{action=\"%s\",result=\"%s\"} %" PRIu64
				    "\n",
				    msg_type_str((enum msg_type)type),
				    result_str((enum result)result), m->requests[type][result]);
}

static void
write_changes(FILE *out, const struct metrics *m)
{
	unsigned origin, action, result;

	family(out, "changes", "counter",
	    "What changed something or tried to: everything that is in the audit trail.");
	for (origin = 0; origin < TRAIL_ORIGINS; origin++)
		for (action = 0; action < TRAIL_ACTIONS; action++)
			for (result = 0; result < RESULT_COUNT; result++)
				if (m->changes[origin][action][result])
					fprintf(out,
					    "portreeve_changes_total{origin=\"%s\",action=\"%s\","
					    "result=\"%s\"} %" PRIu64 "\n",
					    trail_origin_str((enum trail_origin)origin),
					    trail_action_str((enum trail_action)action),
					    result_str((enum result)result),
					    m->changes[origin][action][result]);
}

static void
write_refusals(FILE *out, const struct metrics *m)
{
	size_t i;

	family(out, "refusals", "counter", "Refused requests by the rule that decided.");
	for (i = 0; i <= METRICS_RULES; i++) {
		if (!m->rules[i].refusals)
			continue;
		fputs("portreeve_refusals_total{", out);
		label(out, "rule", i < METRICS_RULES ? m->rules[i].rule : "others");
		fprintf(out, "} %" PRIu64 "\n", m->rules[i].refusals);
	}
}

static void
write_latency(FILE *out, const struct metrics *m)
{
	uint64_t count = 0;
	size_t i;

	family(out, "request_seconds", "histogram",
	    "Time from a worker's request to the core's answer.");
	for (i = 0; i < METRICS_BUCKETS; i++) {
		count += m->buckets[i];
		fprintf(out, "portreeve_request_seconds_bucket{le=\"%s\"} %" PRIu64 "\n",
		    metrics_bounds[i].s, count);
	}
	count += m->buckets[METRICS_BUCKETS];
	fprintf(out,
	    "portreeve_request_seconds_bucket{le=\"+Inf\"} %" PRIu64
	    "\nportreeve_request_seconds_count %" PRIu64 "\nportreeve_request_seconds_sum %" PRIu64
	    ".%06" PRIu64 "\n",
	    count, count, m->total_us / 1000000, m->total_us % 1000000);
}

static void
write_table(FILE *out, const struct core *core)
{
	uint64_t by_origin[LEASE_ORIGINS] = { 0 };
	const struct lease *lease;
	unsigned i;

	for (i = 0; (lease = lease_at(core->leases, i)); i++)
		by_origin[lease->origin]++;
	family(out, "mappings", "gauge", "Port mappings in force.");
	for (i = 0; i < LEASE_ORIGINS; i++)
		fprintf(out, "portreeve_mappings{origin=\"%s\"} %" PRIu64 "\n",
		    lease_origin_str((enum lease_origin)i), by_origin[i]);
	gauge(out, "mapping_clients", "Hosts of the LANs that mappings lead to.",
	    lease_clients(core->leases));
	gauge(out, "pinholes", "IPv6 pinholes in force.", pinhole_count(core->pinholes));
}

static void
write_health(FILE *out, struct core *core)
{
	struct nft_health health = { 0 };
	size_t i;

	core->nft->health(core->nft, &health);
	gauge(out, "kernel_table_ok", "Whether the kernel's table is as it should be.",
	    health.table_ok);
	family(out, "heals", "counter", "Times the kernel's table had to be mended.");
	fprintf(out, "portreeve_heals_total %" PRIu64 "\n", (uint64_t)health.heals);
	family(out, "worker_restarts", "counter", "Times a worker had to be started again.");
	for (i = 0; i < lans_count(core->lans); i++) {
		const struct lan *lan = lans_at(core->lans, i);

		fputs("portreeve_worker_restarts_total{", out);
		label(out, "lan", lan->ifname);
		fprintf(out, "} %u\n", lan->restarts);
	}
	gauge(out, "wan_connected", "Whether the WAN has an address and is up.",
	    connection_status(core) == MSG_WAN_CONNECTED);
	gauge(out, "uptime_seconds", "Time since the core was started.",
	    (uint64_t)((core->now_ms() - core->started_ms) / 1000));
	family(out, "build", "info", "Which version this is.");
	fprintf(out, "portreeve_build_info{version=\"" PACKAGE_VERSION "\"} 1\n");
}

char *
metrics_text(struct core *core)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int failed;

	if (!out)
		return NULL;
	write_health(out, core);
	write_table(out, core);
	write_requests(out, &core->metrics);
	write_changes(out, &core->metrics);
	write_refusals(out, &core->metrics);
	write_latency(out, &core->metrics);
	fputs("# EOF\n", out);
	failed = ferror(out);
	if (fclose(out) == 0 && !failed)
		return text;
	free(text);
	return NULL;
}
