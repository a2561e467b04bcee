/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is counted, and its text. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/lan.h"
#include "core/lease_json.h"
#include "core/metrics.h"
#include "fake_network.h"
#include "fakes.h"
#include "lib/compiler.h"
#include "unit.h"

static struct fixture f;
static char *text;

static void
healthy(const struct nft *nft UNUSED, struct nft_health *health)
{
	*health = (struct nft_health){ .table_ok = true, .heals = 3 };
}

static void
setup(void)
{
	fixture_init(&f);
	f.core.nft->health = healthy;
}

static void
teardown(void)
{
	free(text);
	text = NULL;
	fixture_exit(&f);
}

static bool
says(const char *line)
{
	free(text);
	text = metrics_text(&f.core);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	return strstr(text, line) != NULL;
}

static void
test_a_request_falls_into_the_bucket_of_its_time(void)
{
	setup();
	metrics_request(&f.core.metrics, MSG_MAP_ADD, RESULT_OK, 50);
	metrics_request(&f.core.metrics, MSG_MAP_ADD, RESULT_OK, 51);
	metrics_request(&f.core.metrics, MSG_MAP_ADD, RESULT_CONFLICT, 2000000);
	CU_ASSERT_TRUE(says("_bucket{le=\"0.00005\"} 1\n"));
	CU_ASSERT_TRUE(says("_bucket{le=\"0.0001\"} 2\n"));
	CU_ASSERT_TRUE(says("_bucket{le=\"1.0\"} 2\n"));
	CU_ASSERT_TRUE(says("_bucket{le=\"+Inf\"} 3\n"));
	CU_ASSERT_TRUE(says("portreeve_request_seconds_sum 2.000101\n"));
	CU_ASSERT_TRUE(says("{action=\"map-add\",result=\"ok\"} 2\n"));
	CU_ASSERT_TRUE(says("{action=\"map-add\",result=\"conflict\"} 1\n"));
	teardown();
}

static void
refused_by(const char *rule)
{
	struct trail_row row = { .action = TRAIL_ADD, .result = RESULT_NOT_AUTHORIZED };

	snprintf(row.rule, sizeof(row.rule), "%s", rule);
	metrics_change(&f.core.metrics, &row);
}

static void
test_refusals_are_counted_by_rule_and_those_of_too_many_rules_together(void)
{
	char rule[16];
	int i;

	setup();
	refused_by("");
	refused_by("a\"b");
	refused_by("a\"b");
	for (i = 2; i < METRICS_RULES + 3; i++) {
		snprintf(rule, sizeof(rule), "rule %d", i);
		refused_by(rule);
	}
	CU_ASSERT_TRUE(says("portreeve_refusals_total{rule=\"built-in\"} 1\n"));
	CU_ASSERT_TRUE(says("portreeve_refusals_total{rule=\"a\\\"b\"} 2\n"));
	CU_ASSERT_TRUE(says("portreeve_refusals_total{rule=\"others\"} 3\n"));
	teardown();
}

static void
test_what_is_so_at_the_moment_is_told(void)
{
	setup();
	CU_ASSERT_TRUE(says("portreeve_worker_restarts_total{lan=\"br0\"} 2\n"));
	CU_ASSERT_TRUE(says("portreeve_heals_total 3\n"));
	CU_ASSERT_TRUE(says("portreeve_wan_connected 1\n"));
	CU_ASSERT_TRUE(says("portreeve_mappings{origin=\"static\"} 0\n"));
	CU_ASSERT_TRUE(says("\n# EOF\n"));
	teardown();
}

static void
test_mappings_of_each_origin_are_told(void)
{
	static const enum lease_origin origins[] = { LEASE_UPNP, LEASE_STATIC, LEASE_CONFIG };
	struct lease lease = {
		.protocol = IPPROTO_TCP, .expires_ms = LEASE_FOREVER, .description = ""
	};
	char line[64];
	size_t i;

	setup();
	CU_ASSERT_EQUAL(LEASE_ORIGINS, sizeof(origins) / sizeof(origins[0]));
	for (i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		lease.origin = (uint8_t)origins[i];
		lease.external_port = (uint16_t)(5000 + i);
		lease.internal_client = LAN_HOST(7);
		lease.internal_port = 80;
		CU_ASSERT_EQUAL_FATAL(lease_add(f.core.leases, &lease, NULL), 0);
		snprintf(line, sizeof(line), "portreeve_mappings{origin=\"%s\"} 1\n",
		    lease_origin_str(origins[i]));
		CU_ASSERT_TRUE(says(line));
	}
	teardown();
}

static void
test_what_succeeds_is_no_refusal(void)
{
	const struct trail_row row = { .origin = TRAIL_BY_CLI, .action = TRAIL_DELETE };

	setup();
	metrics_change(&f.core.metrics, &row);
	CU_ASSERT_TRUE(says("{origin=\"cli\",action=\"delete\",result=\"ok\"} 1\n"));
	CU_ASSERT_FALSE(says("portreeve_refusals_total{"));
	teardown();
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(a_request_falls_into_the_bucket_of_its_time),
		UNIT_TEST(refusals_are_counted_by_rule_and_those_of_too_many_rules_together),
		UNIT_TEST(what_succeeds_is_no_refusal),
		UNIT_TEST(mappings_of_each_origin_are_told),
		UNIT_TEST(what_is_so_at_the_moment_is_told),
		UNIT_END,
	};

	return unit_run("metrics", tests);
}
