/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each check makes of facts that are made up: one thing is wrong at a time. */
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "core/doctor.h"

#define LINES 64

struct report {
	struct doctor_line lines[LINES];
	size_t n;
};

static void
on_line(void *arg, const struct doctor_line *line)
{
	struct report *r = arg;

	if (r->n < LINES)
		r->lines[r->n++] = *line;
}

/* A gateway on which all is well. */
static struct doctor_facts
healthy(void)
{
	struct doctor_facts f = {
		.share = true,
		.masquerades_us = true,
		.pinholes = true,
		.http_port = 5431,
		.wan = "wan0",
		.wan_connected = true,
		.wan_address = 0x08080808,
		.default_route = "wan0",
		.forward4 = 1,
		.forward6 = 1,
		.forward4_wan = 1,
		.rp_all = 0,
		.rp_wan = 1,
		.flows = 100,
		.flows_max = 65536,
		.n_lans = 2,
		.health = { .table_ok = true, .counters = true },
		.our_chains = 8,
		.foreign = { .our_table = true, .our_chains = 8, .complete = true },
		.core_age_s = 60,
		.daemon_age_s = 60,
		.disk_free = 1 << 30,
		.state_dir = "/var/lib/portreeve",
		.kernel = "6.12.1",
	};
	struct doctor_lan lan = {
		.ifname = "lan0",
		.serving = true,
		.prefix = { 0xc0a80101, 24 },
		.worker_pid = 7,
		.joined = 1,
		.forwarding = 1,
	};

	f.lans[0] = f.lans[1] = lan;
	snprintf(f.lans[1].ifname, sizeof(f.lans[1].ifname), "lan1");
	return f;
}

static struct report report;

/* The worst line of the check @id, which must be there. */
static const struct doctor_line *
line_of(const struct doctor_facts *f, const char *id)
{
	static const struct doctor_line none = { .id = "" };
	const struct doctor_line *worst = NULL;
	size_t i;

	report.n = 0;
	doctor_check(f, on_line, &report);
	for (i = 0; i < report.n; i++) {
		const struct doctor_line *line = &report.lines[i];

		if (strcmp(line->id, id) == 0 &&
		    (!worst || line->result % DOCTOR_SKIP > worst->result % DOCTOR_SKIP))
			worst = line;
	}
	CU_ASSERT_PTR_NOT_NULL(worst);
	return worst ? worst : &none;
}

/* What is wrong is said with a remedy, and everything else stays as it was. */
static void
expect(const struct doctor_facts *f, const char *id, enum doctor_result result, const char *words)
{
	const struct doctor_line *line = line_of(f, id);
	size_t i;

	CU_ASSERT_EQUAL(line->result, result);
	CU_ASSERT_PTR_NOT_NULL(strstr(line->reason, words));
	if (result != line->result || !strstr(line->reason, words))
		printf("\n%s: %d %s\n", id, line->result, line->reason);
	for (i = 0; i < report.n; i++) {
		enum doctor_result r = report.lines[i].result;

		CU_ASSERT_EQUAL(
		    report.lines[i].remedy[0] != '\0', r == DOCTOR_WARN || r == DOCTOR_FAIL);
		CU_ASSERT_TRUE(
		    r == DOCTOR_OK || r == DOCTOR_SKIP || strcmp(report.lines[i].id, id) == 0);
	}
}

static void
test_a_healthy_gateway_has_nothing_to_say_but_ok(void)
{
	struct doctor_facts f = healthy();
	size_t i;

	line_of(&f, "wan");
	CU_ASSERT_TRUE(report.n >= 17);
	for (i = 0; i < report.n; i++) {
		CU_ASSERT_EQUAL(report.lines[i].result, DOCTOR_OK);
		CU_ASSERT_STRING_EQUAL(report.lines[i].remedy, "");
		CU_ASSERT_STRING_NOT_EQUAL(report.lines[i].reason, "");
	}
}

static void
test_forwarding_off_fails(void)
{
	struct doctor_facts f = healthy();

	f.forward4 = 0;
	expect(&f, "forwarding-ipv4", DOCTOR_FAIL, "forwards no IPv4");
	f = healthy();
	f.lans[1].forwarding = 0;
	expect(&f, "forwarding-ipv4", DOCTOR_FAIL, "lan1");
	f = healthy();
	f.forward4_wan = 0;
	expect(&f, "forwarding-ipv4", DOCTOR_FAIL, "wan0");
	f = healthy();
	f.forward4 = -1;
	expect(&f, "forwarding-ipv4", DOCTOR_SKIP, "cannot be read");
}

static void
test_ipv6_forwarding_matters_where_pinholes_are(void)
{
	struct doctor_facts f = healthy();

	f.forward6 = 0;
	expect(&f, "forwarding-ipv6", DOCTOR_WARN, "pinholes");
	f.pinholes = false;
	expect(&f, "forwarding-ipv6", DOCTOR_OK, "off");
	f.forward6 = -1;
	expect(&f, "forwarding-ipv6", DOCTOR_SKIP, "no IPv6");
}

static void
test_a_strict_reverse_path_fails_on_an_asymmetric_route(void)
{
	struct doctor_facts f = healthy();

	expect(&f, "reverse-path", DOCTOR_OK, "strict");
	snprintf(f.default_route, sizeof(f.default_route), "wan1");
	CU_ASSERT_EQUAL(line_of(&f, "reverse-path")->result, DOCTOR_FAIL);
	CU_ASSERT_PTR_NOT_NULL(strstr(line_of(&f, "reverse-path")->remedy, "rp_filter=2"));
	CU_ASSERT_EQUAL(line_of(&f, "default-route")->result, DOCTOR_WARN);
	f.rp_all = 2; /* the greater one counts */
	CU_ASSERT_EQUAL(line_of(&f, "reverse-path")->result, DOCTOR_OK);
	f.rp_all = 1;
	f.rp_wan = 0;
	CU_ASSERT_EQUAL(line_of(&f, "reverse-path")->result, DOCTOR_FAIL);
}

static void
test_the_kind_of_the_wan_address_is_told(void)
{
	static const struct {
		uint32_t addr;
		enum doctor_result result;
		const char *words;
	} cases[] = {
		{ 0x08080808, DOCTOR_OK, "public" },
		{ 0xc0a80002, DOCTOR_WARN, "private" },
		{ 0x64400001, DOCTOR_WARN, "100.64.0.0/10" },
		{ 0xcb007101, DOCTOR_WARN, "documentation" },
		{ 0xa9fe0001, DOCTOR_FAIL, "169.254.0.1" },
		{ 0, DOCTOR_SKIP, "no address" },
	};
	struct doctor_facts f;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f = healthy();
		f.wan_address = cases[i].addr;
		expect(&f, "wan-address", cases[i].result, cases[i].words);
		if (!cases[i].addr)
			continue;
		f.external_address = 0x09090909; /* the administrator has seen to it */
		expect(&f, "wan-address", DOCTOR_OK, "9.9.9.9");
	}
}

static void
test_no_wan_or_no_default_route_fails(void)
{
	struct doctor_facts f = healthy();

	f.wan_connected = false;
	expect(&f, "wan", DOCTOR_FAIL, "wan0");
	f = healthy();
	f.default_route[0] = '\0';
	f.rp_wan = 0;
	expect(&f, "default-route", DOCTOR_FAIL, "no IPv4 default route");
	f.wan[0] = '\0';
	CU_ASSERT_EQUAL(line_of(&f, "wan")->result, DOCTOR_FAIL);
	CU_ASSERT_EQUAL(line_of(&f, "reverse-path")->result, DOCTOR_SKIP);
}

static void
test_our_table_must_be_whole(void)
{
	struct doctor_facts f = healthy();

	f.foreign.our_table = false;
	expect(&f, "kernel-table", DOCTOR_FAIL, "not there");
	f = healthy();
	f.foreign.our_chains = 7;
	expect(&f, "kernel-table", DOCTOR_FAIL, "not complete");
	f = healthy();
	f.health.table_ok = false;
	expect(&f, "kernel-table", DOCTOR_FAIL, "not what it should be");
	f = healthy();
	f.foreign_error = -EINTR;
	CU_ASSERT_EQUAL(line_of(&f, "kernel-table")->result, DOCTOR_WARN);
	CU_ASSERT_EQUAL(line_of(&f, "foreign-rules")->result, DOCTOR_SKIP);
}

static struct doctor_finding
finding(enum doctor_traffic traffic, enum foreign_verdict verdict)
{
	return (struct doctor_finding){
		.traffic = traffic,
		.lan = "lan0",
		.foreign = { .verdict = verdict,
		    .place = { .family = NFPROTO_INET,
			.table = "fire",
			.chain = "last",
			.base = "fwd",
			.hook = NF_INET_FORWARD,
			.priority = 5,
			.handle = 42 } },
	};
}

static void
test_a_rule_in_the_way_is_named_with_what_to_insert(void)
{
	struct doctor_facts f = healthy();
	const struct doctor_line *line;

	f.findings[0] = finding(DOCTOR_MAPPING, FOREIGN_DROPS);
	f.n_findings = 1;
	expect(&f, "foreign-rules", DOCTOR_FAIL,
	    "table inet fire, chain last reached from fwd (hook forward, priority 5), rule handle "
	    "42 drops what is mapped (lan0)");
	line = line_of(&f, "foreign-rules");
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(line->remedy, "nft insert rule inet fire fwd ct status dnat accept"));

	CU_ASSERT_PTR_NOT_NULL(strstr(line->remedy, "firewall = join"));

	f.join_mark = 0x10000000;
	CU_ASSERT_STRING_EQUAL(line_of(&f, "foreign-rules")->remedy,
	    "add \"inet fire fwd\" to join_chain in the configuration");

	f.findings[0] = finding(DOCTOR_SEARCH, FOREIGN_DROPS);
	f.findings[0].foreign.place.handle = 0;
	expect(&f, "foreign-rules", DOCTOR_FAIL, "its policy drops UPnP searches");
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(line_of(&f, "foreign-rules")->remedy, "iifname lan0 udp dport 1900 accept"));
}

static void
test_what_to_insert_is_in_the_words_of_who_made_the_table(void)
{
	struct doctor_facts f = healthy();
	struct foreign_place *place = &f.findings[0].foreign.place;

	f.n_findings = 1;
	f.findings[0] = finding(DOCTOR_PINHOLE, FOREIGN_DROPS);
	CU_ASSERT_PTR_NOT_NULL(strstr(line_of(&f, "foreign-rules")->remedy,
	    "nft insert rule inet fire fwd iifname wan0 oifname lan0 meta nfproto ipv6 accept;"));
	place->family = NFPROTO_IPV6;
	CU_ASSERT_PTR_NOT_NULL(strstr(line_of(&f, "foreign-rules")->remedy,
	    "nft insert rule ip6 fire fwd iifname wan0 oifname lan0 accept;"));
	snprintf(place->table, sizeof(place->table), "filter");
	snprintf(place->base, sizeof(place->base), "FORWARD");
	CU_ASSERT_PTR_NOT_NULL(strstr(line_of(&f, "foreign-rules")->remedy,
	    "ip6tables -I FORWARD -i wan0 -o lan0 -j ACCEPT;"));
	f.findings[0].traffic = DOCTOR_MAPPING;
	CU_ASSERT_PTR_NOT_NULL(strstr(line_of(&f, "foreign-rules")->remedy,
	    "ip6tables -I FORWARD -m conntrack --ctstate DNAT -j ACCEPT;"));
	f.routed = true;
	CU_ASSERT_PTR_NOT_NULL(strstr(line_of(&f, "foreign-rules")->remedy,
	    "ip6tables -I FORWARD -i wan0 -o lan0 -j ACCEPT;"));
	f.findings[0].traffic = DOCTOR_CONTROL;
	place->family = NFPROTO_IPV4;
	CU_ASSERT_PTR_NOT_NULL(strstr(line_of(&f, "foreign-rules")->remedy,
	    "iptables -I FORWARD -i lan0 -p tcp --dport 5431 -j ACCEPT;"));
}

static void
test_what_may_pass_is_a_warning_and_a_mapping_that_does_not_a_failure(void)
{
	struct doctor_facts f = healthy();

	f.n_findings = 1;
	f.findings[0] = finding(DOCTOR_MAPPING, FOREIGN_UNCLEAR);
	expect(&f, "foreign-rules", DOCTOR_WARN, "may drop");
	f.findings[0] = finding(DOCTOR_MAPPING, FOREIGN_DROPS);
	f.findings[0].foreign.exceptions = true;
	expect(&f, "foreign-rules", DOCTOR_WARN, "but for what its own rules let in");
	f.findings[0].lease = 12;
	expect(&f, "foreign-rules", DOCTOR_FAIL, "mapping 12");
}

static void
test_what_was_not_read_is_said(void)
{
	struct doctor_facts f = healthy();

	f.foreign.complete = false;
	f.foreign.rules = 4096;
	expect(&f, "foreign-rules", DOCTOR_WARN, "first 4096 rules");
	f = healthy();
	f.legacy = true;
	expect(&f, "foreign-rules", DOCTOR_WARN, "old iptables");
	f = healthy();
	f.findings_left_out = true;
	expect(&f, "foreign-rules", DOCTOR_WARN, "more rules");
}

static void
test_who_translates_before_us_is_named(void)
{
	struct doctor_facts f = healthy();

	f.dnat_first = true;
	f.dnat.place = finding(DOCTOR_ARRIVAL, FOREIGN_DROPS).foreign.place;
	expect(&f, "nat-order", DOCTOR_FAIL, "all ports");
	f.dnat_lease = 3;
	expect(&f, "nat-order", DOCTOR_FAIL, "mapping 3");
	f = healthy();
	f.snat_first = true;
	f.snat.place = finding(DOCTOR_ARRIVAL, FOREIGN_DROPS).foreign.place;
	expect(&f, "nat-order", DOCTOR_WARN, "keep their port");
}

static void
test_somebody_must_share_the_address(void)
{
	struct doctor_facts f = healthy();

	f.share = f.masquerades_us = false;
	expect(&f, "sharing", DOCTOR_WARN, "nobody translates");
	f.lans[0].prefix.addr = f.lans[1].prefix.addr = 0x08080909;
	expect(&f, "sharing", DOCTOR_OK, "no LAN has addresses");
	f = healthy();
	f.share = f.masquerades_us = false;
	f.routed = true;
	expect(&f, "sharing", DOCTOR_OK, "their own addresses");
	f.masquerades = true;
	f.masquerade.place = finding(DOCTOR_ARRIVAL, FOREIGN_DROPS).foreign.place;
	expect(&f, "sharing", DOCTOR_OK, "table inet fire");
}

static void
test_ports_taken_by_others_are_told(void)
{
	struct doctor_facts f = healthy();

	f.taken[0] = (struct doctor_taken){ .lease = 5, .port = 8080, .protocol = 6 };
	f.n_taken = 1;
	expect(&f, "ports", DOCTOR_WARN, "TCP port 8080 is mapped (mapping 5)");
	f = healthy();
	f.lans[0].http_taken = true;
	expect(&f, "ports", DOCTOR_FAIL, "TCP port 5431 of lan0");
}

static void
test_a_full_connection_table_is_told_in_time(void)
{
	struct doctor_facts f = healthy();

	f.flows_max = 1000;
	f.flows = 799;
	expect(&f, "conntrack", DOCTOR_OK, "79%");
	f.flows = 800;
	expect(&f, "conntrack", DOCTOR_WARN, "80%");
	f.flows = 950;
	expect(&f, "conntrack", DOCTOR_FAIL, "dropped");
	f.flows = -1;
	expect(&f, "conntrack", DOCTOR_SKIP, "not loaded");
}

static void
test_multicast_that_does_not_come_is_told(void)
{
	struct doctor_facts f = healthy();

	f.lans[0].joined = 0;
	expect(&f, "multicast", DOCTOR_FAIL, "lan0");
	f = healthy();
	f.lans[1].is_bridge = f.lans[1].snooping = true;
	expect(&f, "multicast", DOCTOR_WARN, "IGMP snooping");
	f.lans[1].querier = true;
	expect(&f, "multicast", DOCTOR_OK, "each LAN");
	f = healthy();
	f.lans[0].serving = f.lans[1].serving = false;
	expect(&f, "multicast", DOCTOR_FAIL, "no LAN is served");
}

static void
test_processes_that_came_again_are_told(void)
{
	struct doctor_facts f = healthy();

	f.lans[0].restarts = 3;
	expect(&f, "processes", DOCTOR_WARN, "3 times");
	f.lans[0].worker_pid = 0;
	expect(&f, "processes", DOCTOR_FAIL, "not there");
	f = healthy();
	f.daemon_age_s = 100;
	expect(&f, "processes", DOCTOR_WARN, "portreeve-core");
	f.daemon_age_s = -1; /* not known */
	expect(&f, "processes", DOCTOR_OK, "since the start");
}

static void
test_a_full_or_closed_disk_is_told(void)
{
	struct doctor_facts f = healthy();

	f.disk_free = 10 << 20;
	expect(&f, "state", DOCTOR_WARN, "10 MiB");
	f.disk_free = 0;
	expect(&f, "state", DOCTOR_FAIL, "0 MiB");
	f = healthy();
	f.store_error = -ENOSPC; /* a quota, say: the disk itself has room */
	expect(&f, "state", DOCTOR_FAIL,
	    "could not be written when that was last tried: the disk "
	    "is full");
	f.store_error = -EIO;
	expect(&f, "state", DOCTOR_FAIL, "last tried: Input/output error");
	f.state_error = -EROFS;
	expect(&f, "state", DOCTOR_FAIL, "cannot be written: Read-only");
}

static void
test_what_the_kernel_cannot_do_is_told(void)
{
	struct doctor_facts f = healthy();

	expect(&f, "kernel", DOCTOR_OK, "owned table no (6.9)");
	f.health.counters = false;
	expect(&f, "kernel", DOCTOR_WARN, "not known when a mapping was last used");
}

static void
test_libupnp_is_judged_only_where_a_worker_is(void)
{
	struct doctor_facts f = healthy();

	expect(&f, "libupnp", DOCTOR_OK, "self-test");
	f.lans[0].worker_pid = f.lans[1].worker_pid = 0;
	CU_ASSERT_EQUAL(line_of(&f, "libupnp")->result, DOCTOR_SKIP);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_healthy_gateway_has_nothing_to_say_but_ok),
	UNIT_TEST(forwarding_off_fails),
	UNIT_TEST(ipv6_forwarding_matters_where_pinholes_are),
	UNIT_TEST(a_strict_reverse_path_fails_on_an_asymmetric_route),
	UNIT_TEST(the_kind_of_the_wan_address_is_told),
	UNIT_TEST(no_wan_or_no_default_route_fails),
	UNIT_TEST(our_table_must_be_whole),
	UNIT_TEST(a_rule_in_the_way_is_named_with_what_to_insert),
	UNIT_TEST(what_to_insert_is_in_the_words_of_who_made_the_table),
	UNIT_TEST(what_may_pass_is_a_warning_and_a_mapping_that_does_not_a_failure),
	UNIT_TEST(what_was_not_read_is_said),
	UNIT_TEST(who_translates_before_us_is_named),
	UNIT_TEST(somebody_must_share_the_address),
	UNIT_TEST(ports_taken_by_others_are_told),
	UNIT_TEST(a_full_connection_table_is_told_in_time),
	UNIT_TEST(multicast_that_does_not_come_is_told),
	UNIT_TEST(processes_that_came_again_are_told),
	UNIT_TEST(a_full_or_closed_disk_is_told),
	UNIT_TEST(what_the_kernel_cannot_do_is_told),
	UNIT_TEST(libupnp_is_judged_only_where_a_worker_is),
	UNIT_END,
};

int
main(void)
{
	return unit_run("doctor", tests);
}
