/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each check by a snapshot that it must find something in, and one that it must not. */
#include "core/findings.h"
#include "ipc/msg.h"
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define NOW_S 1750000000
#define DAY_S 86400
#define HOST(n) (0xc0a80100u | (n))

static struct finding found[64];
static size_t n_found;

static void
on_finding(void *arg, const struct finding *f)
{
	CU_ASSERT_PTR_NULL(arg);
	CU_ASSERT_FATAL(n_found < 64);
	CU_ASSERT_TRUE(f->seen[0] != '\0' && f->why[0] != '\0' && f->remedy[0] != '\0');
	found[n_found++] = *f;
}

/* A gateway that is well, with one way in that is. */
static struct findings_way
good_way(void)
{
	return (struct findings_way){ .id = 3,
		.enabled = true,
		.by_client = true,
		.any_remote = true,
		.protocol = IPPROTO_UDP,
		.external_port = 30000,
		.internal_port = 30000,
		.internal = addr6_from4(HOST(7)),
		.client = addr6_from4(HOST(7)),
		.created_s = NOW_S - DAY_S,
		.last_used_s = NOW_S - 60,
		.host = FINDINGS_HOST_THERE,
		.of_host = 1,
		.first_of_host = true };
}

static struct findings_facts
good_facts(void)
{
	return (struct findings_facts){ .now_s = NOW_S,
		.unused_days = 30,
		.many_ports = 32,
		.gateway = true,
		.secure = true,
		.wan_address = 0x08080808 };
}

static size_t
check(const struct findings_facts *facts)
{
	n_found = 0;
	findings_check(facts, on_finding, NULL);
	return n_found;
}

/* What is found of one way in. */
static size_t
check_way(const struct findings_way *way)
{
	static struct findings_facts facts;

	facts = good_facts();
	facts.ways = way;
	facts.n_ways = 1;
	return check(&facts);
}

static bool
has(enum conf_finding id)
{
	size_t i;

	for (i = 0; i < n_found; i++)
		if (found[i].id == id)
			return true;
	return false;
}

static void
only(enum conf_finding id, enum finding_severity severity)
{
	CU_ASSERT_EQUAL(n_found, 1);
	CU_ASSERT_EQUAL(found[0].id, id);
	CU_ASSERT_EQUAL(found[0].severity, severity);
}

static void
test_what_is_well_is_not_named(void)
{
	struct findings_way way = good_way();

	CU_ASSERT_EQUAL(check_way(&way), 0);
}

static void
test_management_ports_open_to_the_world(void)
{
	struct findings_way way = good_way();

	way.protocol = IPPROTO_TCP;
	way.internal_port = 22;
	check_way(&way);
	only(CONF_FINDING_MANAGEMENT_PORT, FINDING_CRITICAL);
	CU_ASSERT_STRING_EQUAL(found[0].subject, "TCP 30000");
	CU_ASSERT_PTR_NOT_NULL(strstr(found[0].seen, "192.168.1.7 port 22"));
	CU_ASSERT_PTR_NOT_NULL(strstr(found[0].seen, "SSH"));
	CU_ASSERT_EQUAL(found[0].mapping, 3);
	way.any_remote = false;
	CU_ASSERT_EQUAL(check_way(&way), 0);
	way.any_remote = true;
	way.enabled = false;
	CU_ASSERT_EQUAL(check_way(&way), 0);
	way.enabled = true;
	way.protocol = IPPROTO_UDP; /* SSH has no datagrams */
	CU_ASSERT_EQUAL(check_way(&way), 0);
	way.protocol = IPPROTO_TCP;
	way.internal_port = 40000;
	way.external_port = 3389; /* for whom the outside is enough to know */
	check_way(&way);
	only(CONF_FINDING_MANAGEMENT_PORT, FINDING_CRITICAL);
	way = good_way();
	way.by_client = false; /* the administrator's as well */
	way.protocol = IPPROTO_TCP;
	way.internal_port = 5900;
	check_way(&way);
	only(CONF_FINDING_MANAGEMENT_PORT, FINDING_CRITICAL);
}

static void
test_a_pinhole_is_a_way_in_too(void)
{
	struct findings_way way = good_way();

	way.pinhole = true;
	way.protocol = IPPROTO_TCP;
	way.internal_port = way.external_port = 445;
	addr6_parse("2001:db8::7", &way.internal);
	check_way(&way);
	only(CONF_FINDING_MANAGEMENT_PORT, FINDING_CRITICAL); /* another address is no other host */
	CU_ASSERT_EQUAL(found[0].pinhole, 3);
	CU_ASSERT_EQUAL(found[0].mapping, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(found[0].seen, "2001:db8::7"));
}

static void
test_pages_that_may_manage_a_device(void)
{
	struct findings_way way = good_way();

	way.protocol = IPPROTO_TCP;
	way.internal_port = 80;
	check_way(&way);
	only(CONF_FINDING_WEB_PORT, FINDING_WARNING);
}

static void
test_a_game_that_is_seen_at_the_port_of_such_a_page_is_none(void)
{
	struct findings_way way = good_way();

	way.protocol = IPPROTO_TCP;
	way.external_port = 5001;
	CU_ASSERT_EQUAL(check_way(&way), 0);
}

static void
test_a_mapping_to_another_host_than_the_asker(void)
{
	struct findings_way way = good_way();

	way.client = addr6_from4(HOST(8));
	check_way(&way);
	only(CONF_FINDING_OTHER_HOST, FINDING_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(found[0].seen, "192.168.1.8"));
	way.by_client = false;
	memset(&way.client, 0, sizeof(way.client));
	CU_ASSERT_EQUAL(check_way(&way), 0);
}

static void
test_permanent_leases_of_clients(void)
{
	struct findings_way way = good_way();

	way.permanent = true;
	check_way(&way);
	only(CONF_FINDING_PERMANENT_LEASE, FINDING_WARNING);
	way.by_client = false;
	CU_ASSERT_EQUAL(check_way(&way), 0);
}

static void
test_one_host_with_many_ports_is_named_once(void)
{
	struct findings_way ways[3] = { good_way(), good_way(), good_way() };
	struct findings_facts facts = good_facts();

	ways[0].of_host = 31;
	CU_ASSERT_EQUAL(check_way(&ways[0]), 0);
	ways[0].of_host = 32;
	ways[1].first_of_host = ways[2].first_of_host = false;
	facts.ways = ways;
	facts.n_ways = 3;
	check(&facts);
	only(CONF_FINDING_MANY_PORTS, FINDING_WARNING);
	CU_ASSERT_STRING_EQUAL(found[0].subject, "192.168.1.7");
	CU_ASSERT_PTR_NOT_NULL(strstr(found[0].seen, "32"));
}

static void
test_a_mapping_unused_for_long(void)
{
	struct findings_way way = good_way();
	struct findings_facts facts = good_facts();

	way.created_s = NOW_S - 90 * DAY_S;
	way.last_used_s = NOW_S - 30 * DAY_S + 1;
	CU_ASSERT_EQUAL(check_way(&way), 0);
	way.last_used_s--;
	check_way(&way);
	only(CONF_FINDING_UNUSED, FINDING_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(found[0].seen, "30 days ago"));
	way.last_used_s = 0;
	check_way(&way);
	only(CONF_FINDING_UNUSED, FINDING_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(found[0].seen, "never used in the 90 days"));
	way.created_s = NOW_S - DAY_S; /* new: it may still be used */
	CU_ASSERT_EQUAL(check_way(&way), 0);
	way.created_s = 0; /* nobody knows */
	CU_ASSERT_EQUAL(check_way(&way), 0);
	way.created_s = NOW_S - 90 * DAY_S;
	facts.unused_days = 0;
	facts.ways = &way;
	facts.n_ways = 1;
	CU_ASSERT_EQUAL(check(&facts), 0);
}

static void
test_a_host_that_has_left(void)
{
	struct findings_way way = good_way();

	way.host = FINDINGS_HOST_GONE;
	check_way(&way);
	only(CONF_FINDING_HOST_GONE, FINDING_WARNING);
	way.host = FINDINGS_HOST_UNKNOWN;
	CU_ASSERT_EQUAL(check_way(&way), 0);
}

static void
test_low_ports_of_clients(void)
{
	struct findings_way way = good_way();

	way.external_port = 1023;
	check_way(&way);
	only(CONF_FINDING_LOW_PORT, FINDING_WARNING);
	way.external_port = 1024;
	CU_ASSERT_EQUAL(check_way(&way), 0);
	way.external_port = 500;
	way.by_client = false;
	CU_ASSERT_EQUAL(check_way(&way), 0);
}

static void
test_secure_mode_off(void)
{
	struct findings_facts facts = good_facts();

	facts.secure = false;
	check(&facts);
	only(CONF_FINDING_SECURE_OFF, FINDING_CRITICAL);
	facts.gateway = false; /* only ways in are looked at */
	CU_ASSERT_EQUAL(check(&facts), 0);
}

static void
test_double_nat(void)
{
	struct findings_facts facts = good_facts();

	facts.double_nat = true;
	facts.wan_address = 0x64400001;
	check(&facts);
	only(CONF_FINDING_DOUBLE_NAT, FINDING_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(found[0].seen, "100.64.0.1 is shared"));
}

/* One line of the doctor's makes that finding, one that is less than @least does not. */
static void
check_line(const char *id, enum doctor_result least, enum conf_finding finding)
{
	struct findings_facts facts = good_facts();

	facts.n_lines = 1;
	facts.lines[0] = (struct doctor_line){ .id = id, .result = least };
	snprintf(facts.lines[0].reason, sizeof(facts.lines[0].reason), "what he saw");
	snprintf(facts.lines[0].remedy, sizeof(facts.lines[0].remedy), "what he says");
	check(&facts);
	only(finding, FINDING_CRITICAL);
	CU_ASSERT_STRING_EQUAL(found[0].seen, "what he saw");
	CU_ASSERT_STRING_EQUAL(found[0].remedy, "what he says");
	facts.lines[0].remedy[0] = '\0';
	check(&facts);
	only(finding, FINDING_CRITICAL);
	facts.lines[0].result = (enum doctor_result)(least - 1);
	CU_ASSERT_EQUAL(check(&facts), 0);
}

static void
test_what_the_doctor_finds_fatal(void)
{
	check_line("foreign-rules", DOCTOR_FAIL, CONF_FINDING_FOREIGN_DROP);
	check_line("kernel-table", DOCTOR_FAIL, CONF_FINDING_TABLE_MISSING);
	check_line("state", DOCTOR_FAIL, CONF_FINDING_STORE_UNWRITABLE);
	check_line("forwarding-ipv4", DOCTOR_FAIL, CONF_FINDING_FORWARDING_OFF);
}

static void
on_line(void *arg, const struct doctor_line *line)
{
	struct findings_facts *facts = arg;

	if (facts->n_lines < FINDINGS_LINES_MAX && line->result == DOCTOR_FAIL)
		facts->lines[facts->n_lines++] = *line;
}

/* The two tables meet by their ids: those must not part. */
static void
test_the_doctor_still_calls_them_so(void)
{
	static struct doctor_facts sick;
	struct findings_facts facts = good_facts();

	memset(&sick, 0, sizeof(sick)); /* no forwarding, no table */
	sick.our_chains = 1;
	sick.store_error = -ENOSPC;
	sick.foreign.complete = true;
	sick.findings[sick.n_findings++] = (struct doctor_finding){
		.traffic = DOCTOR_MAPPING, .lan = "lan0", .foreign = { .verdict = FOREIGN_DROPS }
	};
	doctor_check(&sick, on_line, &facts);
	check(&facts);
	CU_ASSERT_TRUE(has(CONF_FINDING_FOREIGN_DROP));
	CU_ASSERT_TRUE(has(CONF_FINDING_TABLE_MISSING));
	CU_ASSERT_TRUE(has(CONF_FINDING_FORWARDING_OFF));
	CU_ASSERT_TRUE(has(CONF_FINDING_STORE_UNWRITABLE));
}

static void
test_incidents_are_named_with_number_and_time(void)
{
	static const struct {
		enum findings_incident incident;
		enum conf_finding id;
		enum finding_severity severity;
	} rows[] = {
		{ FINDINGS_HEALED, CONF_FINDING_TABLE_CHANGED, FINDING_WARNING },
		{ FINDINGS_WORKER_ENDED, CONF_FINDING_WORKER_RESTARTS, FINDING_WARNING },
		{ FINDINGS_CORE_CRASHED, CONF_FINDING_CORE_CRASH, FINDING_WARNING },
		{ FINDINGS_CLOCK_JUMPED, CONF_FINDING_CLOCK_JUMP, FINDING_WARNING },
		{ FINDINGS_SET_ASIDE, CONF_FINDING_STORE_SET_ASIDE, FINDING_CRITICAL },
		{ FINDINGS_ROWS_LOST, CONF_FINDING_TRAIL_LOST, FINDING_WARNING },
	};
	struct findings_facts facts;
	size_t i;

	CU_ASSERT_EQUAL(sizeof(rows) / sizeof(rows[0]), FINDINGS_INCIDENTS);
	for (i = 0; i < FINDINGS_INCIDENTS; i++) {
		facts = good_facts();
		facts.incidents[rows[i].incident] =
		    (struct trail_incident){ .count = 3, .last_s = NOW_S, .text = "by nft" };
		check(&facts);
		only(rows[i].id, rows[i].severity);
		CU_ASSERT_PTR_NOT_NULL(strstr(found[0].seen, "3 times"));
		CU_ASSERT_PTR_NOT_NULL(strstr(found[0].seen, "2025-06-15 15:06:40 UTC: by nft"));
	}
}

static void
test_every_id_has_its_word_and_its_check(void)
{
	struct findings_way way = good_way(), other = good_way();
	struct findings_way ways[2];
	struct findings_facts facts = good_facts();
	enum conf_finding id;
	size_t i;

	way.protocol = IPPROTO_TCP;
	way.external_port = 22;
	way.internal_port = 80;
	way.client = addr6_from4(HOST(8));
	way.permanent = true;
	way.of_host = 1000;
	way.created_s = NOW_S - 90 * DAY_S;
	way.last_used_s = 0;
	way.host = FINDINGS_HOST_GONE;
	ways[0] = way;
	ways[1] = other;
	facts.ways = ways;
	facts.n_ways = 2;
	facts.secure = false;
	facts.double_nat = true;
	facts.n_lines = 4;
	facts.lines[0] = (struct doctor_line){ "foreign-rules", DOCTOR_FAIL, "x", "" };
	facts.lines[1] = (struct doctor_line){ "kernel-table", DOCTOR_FAIL, "x", "" };
	facts.lines[2] = (struct doctor_line){ "forwarding-ipv4", DOCTOR_FAIL, "x", "" };
	facts.lines[3] = (struct doctor_line){ "state", DOCTOR_FAIL, "x", "" };
	for (i = 0; i < FINDINGS_INCIDENTS; i++)
		facts.incidents[i].count = 1;
	CU_ASSERT_EQUAL(check(&facts), CONF_FINDING_COUNT - 1);
	for (id = CONF_FINDING_NONE + 1; id < CONF_FINDING_COUNT; id++) {
		CU_ASSERT_TRUE(has(id));
		CU_ASSERT_PTR_NOT_NULL(conf_finding_words[id]);
	}
	CU_ASSERT_PTR_NULL(conf_finding_words[CONF_FINDING_COUNT]);
	CU_ASSERT_STRING_EQUAL(conf_finding_words[CONF_FINDING_NONE], "");
}

static const struct unit_test tests[] = {
	UNIT_TEST(what_is_well_is_not_named),
	UNIT_TEST(management_ports_open_to_the_world),
	UNIT_TEST(a_pinhole_is_a_way_in_too),
	UNIT_TEST(pages_that_may_manage_a_device),
	UNIT_TEST(a_game_that_is_seen_at_the_port_of_such_a_page_is_none),
	UNIT_TEST(a_mapping_to_another_host_than_the_asker),
	UNIT_TEST(permanent_leases_of_clients),
	UNIT_TEST(one_host_with_many_ports_is_named_once),
	UNIT_TEST(a_mapping_unused_for_long),
	UNIT_TEST(a_host_that_has_left),
	UNIT_TEST(low_ports_of_clients),
	UNIT_TEST(secure_mode_off),
	UNIT_TEST(double_nat),
	UNIT_TEST(what_the_doctor_finds_fatal),
	UNIT_TEST(the_doctor_still_calls_them_so),
	UNIT_TEST(incidents_are_named_with_number_and_time),
	UNIT_TEST(every_id_has_its_word_and_its_check),
	UNIT_END,
};

int
main(void)
{
	return unit_run("findings", tests);
}
