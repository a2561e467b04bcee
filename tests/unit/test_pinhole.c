/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/pinhole.h"
#include "fakes.h"
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* 2001:db8:1::n */
static struct addr6
host6(unsigned n)
{
	struct addr6 addr = fake_lan.prefixes6[0].addr;

	addr.octet[15] = (uint8_t)n;
	return addr;
}

/* 2001:db8:1:0:n::m: another address of host @n. */
static struct addr6
other6(unsigned n, unsigned m)
{
	struct addr6 addr = host6(m);

	addr.octet[9] = (uint8_t)n;
	return addr;
}

static struct pinhole_asker
asker6(unsigned n)
{
	return (struct pinhole_asker){ .client = host6(n), .lan = &fake_lan };
}

static struct pinhole_asker
asker4(unsigned n)
{
	return (struct pinhole_asker){ .client = addr6_from4(LAN_HOST(n)), .lan = &fake_lan };
}

/* Host @n for itself: any remote, TCP @port, an hour. */
static struct msg_pinhole
request(unsigned n, uint16_t port)
{
	struct msg_pinhole req = {
		.internal_port = port, .protocol = IPPROTO_TCP, .lease_s = 3600
	};
	struct addr6 addr = host6(n);

	memcpy(req.client, addr.octet, 16);
	memcpy(req.internal_client, addr.octet, 16);
	return req;
}

/* The id, or 0 after a refusal. */
static uint16_t
open_for(struct fixture *f, unsigned n, const struct msg_pinhole *req, enum result result)
{
	struct pinhole_asker asker = asker6(n);
	uint16_t id = 0;

	CU_ASSERT_EQUAL(pinhole_add(&f->core, &asker, req, &id), result);
	return id;
}

static uint16_t
open_port(struct fixture *f, unsigned n, uint16_t port)
{
	struct msg_pinhole req = request(n, port);

	return open_for(f, n, &req, RESULT_OK);
}

/* ---- add ---- */

static void
test_a_grant_is_in_table_kernel_and_store(void)
{
	struct fixture f;
	uint16_t id;

	fixture_init(&f);
	id = open_port(&f, 7, 8080);
	CU_ASSERT_NOT_EQUAL(id, 0);
	CU_ASSERT_EQUAL(f.nft.n_pinholes, 1);
	CU_ASSERT_EQUAL(f.nft.pinholes[0].internal_port, 8080);
	CU_ASSERT_EQUAL(f.nft.pinholes[0].timeout_ms, 3600000);
	CU_ASSERT_EQUAL(f.store.n_pinholes, 1);
	CU_ASSERT_EQUAL(fake_record.pinholes_added, 1);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_the_same_key_restarts_the_lease_and_keeps_the_id(void)
{
	struct msg_pinhole req = request(7, 8080);
	struct fixture f;
	uint16_t id;

	fixture_init(&f);
	id = open_port(&f, 7, 8080);
	fake_now_ms += 1000000;
	req.lease_s = 60;
	CU_ASSERT_EQUAL(open_for(&f, 7, &req, RESULT_OK), id);
	CU_ASSERT_EQUAL(f.nft.n_pinholes, 1);
	CU_ASSERT_EQUAL(f.nft.pinholes[0].timeout_ms, 60000);
	CU_ASSERT_EQUAL(fake_record.pinholes_updated, 1);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	req.remote_port = 5000;
	CU_ASSERT_NOT_EQUAL(open_for(&f, 7, &req, RESULT_OK), id);
	CU_ASSERT_EQUAL(f.nft.n_pinholes, 2);
	fixture_exit(&f);
}

static void
test_the_service_may_be_switched_off(void)
{
	struct pinhole_asker asker = asker6(7);
	struct msg_pinhole req = request(7, 8080);
	uint64_t packets;
	uint32_t seconds;
	struct fixture f;
	uint16_t id;

	fixture_init(&f);
	id = open_port(&f, 7, 8080);
	f.core.conf.allow_pinholes = false;
	open_for(&f, 7, &req, RESULT_PINHOLES_FORBIDDEN);
	CU_ASSERT_EQUAL(pinhole_update(&f.core, &asker, id, 60), RESULT_PINHOLES_FORBIDDEN);
	CU_ASSERT_EQUAL(pinhole_del(&f.core, &asker, id), RESULT_PINHOLES_FORBIDDEN);
	CU_ASSERT_EQUAL(pinhole_use(&f.core, &asker, id, &packets), RESULT_PINHOLES_FORBIDDEN);
	CU_ASSERT_EQUAL(pinhole_outbound_timeout(&f.core, &asker, &req, &seconds), RESULT_OK);
	f.core.conf.firewall = CONF_FIREWALL_OFF;
	open_for(&f, 7, &req, RESULT_FIREWALL_DISABLED);
	CU_ASSERT_EQUAL(pinhole_update(&f.core, &asker, id, 60), RESULT_FIREWALL_DISABLED);
	CU_ASSERT_EQUAL(
	    pinhole_outbound_timeout(&f.core, &asker, &req, &seconds), RESULT_FIREWALL_DISABLED);
	fixture_exit(&f);
}

static void
test_leases_are_from_a_second_to_a_day(void)
{
	static const struct {
		uint32_t lease_s;
		enum result result;
	} rows[] = { { 0, RESULT_INVALID_ARGS }, { 1, RESULT_OK }, { 86400, RESULT_OK },
		{ 86401, RESULT_INVALID_ARGS }, { UINT32_MAX, RESULT_INVALID_ARGS } };
	struct pinhole_asker asker = asker6(7);
	struct msg_pinhole req = request(7, 8080);
	struct fixture f;
	uint16_t id;
	size_t i;

	fixture_init(&f);
	id = open_port(&f, 7, 8081);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		req.lease_s = rows[i].lease_s;
		open_for(&f, 7, &req, rows[i].result);
		CU_ASSERT_EQUAL(
		    pinhole_update(&f.core, &asker, id, rows[i].lease_s), rows[i].result);
	}
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_wildcards_are_served_as_far_as_they_make_sense(void)
{
	struct msg_pinhole req = request(7, 0);
	struct fixture f;

	fixture_init(&f);
	open_for(&f, 7, &req, RESULT_OK); /* any port: the kernel lets in from min_port on */
	req.protocol = MSG_PROTO_ANY;
	open_for(&f, 7, &req, RESULT_OK);
	req.internal_port = 8080;
	open_for(&f, 7, &req, RESULT_WILDCARD_PROTOCOL);
	req = request(7, 8080);
	memset(req.internal_client, 0, 16);
	open_for(&f, 7, &req, RESULT_WILDCARD_PINHOLE_CLIENT);
	CU_ASSERT_EQUAL(f.nft.n_pinholes, 2);
	fixture_exit(&f);
}

static void
test_protocols_without_ports_have_none(void)
{
	struct msg_pinhole req = request(7, 8080);
	struct fixture f;
	uint16_t id;

	fixture_init(&f);
	req.protocol = IPPROTO_ESP;
	id = open_for(&f, 7, &req, RESULT_OK);
	CU_ASSERT_EQUAL(f.nft.pinholes[0].internal_port, 0);
	req.internal_port = 4711;
	CU_ASSERT_EQUAL(open_for(&f, 7, &req, RESULT_OK), id); /* it is the same one */
	req.protocol = IPPROTO_FRAGMENT;
	open_for(&f, 7, &req, RESULT_PROTOCOL_UNSUPPORTED);
	req.protocol = IPPROTO_UDPLITE;
	open_for(&f, 7, &req, RESULT_OK);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_remote_hosts_are_of_the_internet(void)
{
	static const struct {
		const char *text;
		enum result result;
	} rows[] = {
		{ "::", RESULT_OK },
		{ "2001:db8:f::9", RESULT_OK },
		{ "fe80::1", RESULT_INVALID_ARGS },
		{ "ff02::1", RESULT_INVALID_ARGS },
		{ "::1", RESULT_INVALID_ARGS },
		{ "::ffff:192.0.2.1", RESULT_INVALID_ARGS },
	};
	struct msg_pinhole req = request(7, 8080);
	struct addr6 addr;
	struct fixture f;
	size_t i;

	fixture_init(&f);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		addr6_parse(rows[i].text, &addr);
		memcpy(req.remote_host, addr.octet, 16);
		open_for(&f, 7, &req, rows[i].result);
	}
	fixture_exit(&f);
}

/* ---- who may what ---- */

static void
test_a_host_opens_its_own_addresses_whichever_it_speaks_from(void)
{
	struct addr6 addrs[] = { host6(7), other6(7, 0x99) };
	struct pinhole_asker askers[] = { asker6(7), asker4(7), asker6(8), asker4(8) };
	enum result results[] = { RESULT_OK, RESULT_OK, RESULT_NOT_AUTHORIZED,
		RESULT_NOT_AUTHORIZED };
	struct msg_pinhole req = request(7, 8080);
	struct fixture f;
	uint16_t id;
	size_t a, i;

	fixture_init(&f);
	for (i = 0; i < 4; i++) {
		for (a = 0; a < 2; a++) {
			memcpy(req.internal_client, addrs[a].octet, 16);
			CU_ASSERT_EQUAL(pinhole_add(&f.core, &askers[i], &req, &id), results[i]);
		}
	}
	CU_ASSERT_EQUAL(f.nft.n_pinholes, 2);
	f.core.conf.secure = false;
	CU_ASSERT_EQUAL(pinhole_add(&f.core, &askers[2], &req, &id), RESULT_OK);
	fixture_exit(&f);
}

static void
test_what_is_no_host_of_the_lan_is_refused(void)
{
	static const char *const bad[] = { "2001:db8:1::1" /* ours */, "2001:db8:2::7", "fe80::7",
		"fd00::7", "ff02::1", "::ffff:192.168.1.7" };
	struct msg_pinhole req = request(7, 8080);
	struct addr6 addr;
	struct fixture f;
	size_t i;

	fixture_init(&f);
	f.core.conf.secure = false;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		addr6_parse(bad[i], &addr);
		memcpy(req.internal_client, addr.octet, 16);
		open_for(&f, 7, &req, RESULT_NOT_AUTHORIZED);
	}
	CU_ASSERT_EQUAL(f.nft.n_pinholes, 0);
	fixture_exit(&f);
}

static void
test_low_ports_are_refused(void)
{
	struct msg_pinhole req = request(7, 1023);
	struct fixture f;

	fixture_init(&f);
	open_for(&f, 7, &req, RESULT_NOT_AUTHORIZED);
	f.core.conf.min_port = 1; /* does not name it; a rule does */
	open_for(&f, 7, &req, RESULT_NOT_AUTHORIZED);
	f.core.conf.rules[f.core.conf.n_rules++] = (struct conf_rule){
		.action = CONF_ALLOW, .n_internal = 1, .internal = { { 1023, 1023 } }
	};
	open_for(&f, 7, &req, RESULT_OK);
	fixture_exit(&f);
}

static void
test_a_neighbour_that_is_being_looked_for_is_worth_another_try(void)
{
	struct pinhole_asker asker = asker4(7);
	struct msg_pinhole req = request(7, 8080);
	struct fixture f;
	uint16_t id;

	fixture_init(&f);
	fake_unknown = 7;
	CU_ASSERT_EQUAL(pinhole_add(&f.core, &asker, &req, &id), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_TRUE(f.core.unsettled);
	CU_ASSERT_EQUAL(pinhole_add(&f.core, &asker, &req, &id), RESULT_OK);
	fixture_exit(&f);
}

static void
test_one_host_touches_no_pinhole_of_another(void)
{
	struct pinhole_asker eight = asker6(8), seven = asker4(7);
	struct fixture f;
	uint64_t packets;
	uint16_t id;

	fixture_init(&f);
	id = open_port(&f, 7, 8080);
	CU_ASSERT_EQUAL(pinhole_update(&f.core, &eight, id, 60), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(pinhole_del(&f.core, &eight, id), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(pinhole_use(&f.core, &eight, id, &packets), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(pinhole_del(&f.core, &eight, (uint16_t)(id + 1)), RESULT_NO_SUCH_PINHOLE);
	CU_ASSERT_EQUAL(f.nft.n_pinholes, 1);
	CU_ASSERT_EQUAL(pinhole_use(&f.core, &seven, id, &packets), RESULT_OK);
	CU_ASSERT_EQUAL(pinhole_update(&f.core, &seven, id, 60), RESULT_OK);
	CU_ASSERT_EQUAL(pinhole_del(&f.core, &seven, id), RESULT_OK);
	CU_ASSERT_EQUAL(pinhole_del(&f.core, &seven, id), RESULT_NO_SUCH_PINHOLE);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

/* Addresses are cheap, so the share is the host's. */
static void
test_a_share_is_of_a_host_and_not_of_an_address(void)
{
	struct msg_pinhole req = request(7, 8080);
	struct addr6 other = other6(7, 0x99);
	struct fixture f;

	fixture_init(&f);
	f.core.conf.max_mappings_per_client = 2;
	open_for(&f, 7, &req, RESULT_OK);
	memcpy(req.internal_client, other.octet, 16);
	open_for(&f, 7, &req, RESULT_OK);
	req.internal_port = 8081;
	open_for(&f, 7, &req, RESULT_NO_PINHOLES_LEFT);
	req.internal_port = 8080;
	open_for(&f, 7, &req, RESULT_OK); /* a renewal */
	open_port(&f, 8, 8080);
	pinhole_table_set_max(f.core.pinholes, 3);
	req = request(8, 8081);
	open_for(&f, 8, &req, RESULT_NO_PINHOLES_LEFT);
	fixture_exit(&f);
}

/* ---- use ---- */

static void
test_packets_are_counted_over_elements_made_anew(void)
{
	struct pinhole_asker asker = asker6(7);
	struct fixture f;
	uint64_t packets;
	uint16_t id;

	fixture_init(&f);
	id = open_port(&f, 7, 8080);
	CU_ASSERT_EQUAL(pinhole_use(&f.core, &asker, id, &packets), RESULT_OK);
	CU_ASSERT_EQUAL(packets, 0);
	f.nft.packets = 5;
	CU_ASSERT_EQUAL(pinhole_use(&f.core, &asker, id, &packets), RESULT_OK);
	CU_ASSERT_EQUAL(packets, 5);
	CU_ASSERT_EQUAL(pinhole_find_id(f.core.pinholes, id)->last_used_s, fake_wall_s);
	f.nft.packets = 2; /* somebody flushed the table */
	CU_ASSERT_EQUAL(pinhole_use(&f.core, &asker, id, &packets), RESULT_OK);
	CU_ASSERT_EQUAL(packets, 7);
	CU_ASSERT_EQUAL(pinhole_use(&f.core, &asker, id, &packets), RESULT_OK);
	CU_ASSERT_EQUAL(packets, 7);
	f.nft.packets = 9;
	CU_ASSERT_EQUAL(pinhole_update(&f.core, &asker, id, 60), RESULT_OK);
	f.nft.packets = 0; /* an old kernel renews so */
	CU_ASSERT_EQUAL(pinhole_use(&f.core, &asker, id, &packets), RESULT_OK);
	CU_ASSERT_EQUAL(packets, 14);
	fixture_exit(&f);
}

static void
test_outbound_timeouts_are_those_of_connection_tracking(void)
{
	struct pinhole_asker asker = asker6(7);
	struct msg_pinhole req = request(7, 0);
	uint32_t seconds;
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(pinhole_outbound_timeout(&f.core, &asker, &req, &seconds), RESULT_OK);
	CU_ASSERT_EQUAL(seconds, 432000);
	req.protocol = IPPROTO_UDP;
	CU_ASSERT_EQUAL(pinhole_outbound_timeout(&f.core, &asker, &req, &seconds), RESULT_OK);
	CU_ASSERT_EQUAL(seconds, 120);
	req.protocol = IPPROTO_FRAGMENT;
	CU_ASSERT_EQUAL(
	    pinhole_outbound_timeout(&f.core, &asker, &req, &seconds), RESULT_PROTOCOL_UNSUPPORTED);
	req = request(8, 0);
	CU_ASSERT_EQUAL(
	    pinhole_outbound_timeout(&f.core, &asker, &req, &seconds), RESULT_NOT_AUTHORIZED);
	fixture_exit(&f);
}

/* ---- end ---- */

static void
test_flows_end_with_a_pinhole_that_was_used(void)
{
	struct pinhole_asker asker = asker6(7);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(pinhole_del(&f.core, &asker, open_port(&f, 7, 8080)), RESULT_OK);
	CU_ASSERT_EQUAL(fake_record.cuts6, 0); /* nothing came through */
	f.nft.packets = 1;
	CU_ASSERT_EQUAL(pinhole_del(&f.core, &asker, open_port(&f, 7, 8081)), RESULT_OK);
	CU_ASSERT_EQUAL(fake_record.cuts6, 1);
	CU_ASSERT_EQUAL(fake_record.last_cut6.internal_port, 8081);
	CU_ASSERT_EQUAL(fake_record.pinholes_deleted, 2);
	fixture_exit(&f);
}

static void
test_leases_end_at_their_time_in_slices(void)
{
	struct fixture f;
	unsigned i;

	fixture_init(&f);
	f.core.conf.max_mappings_per_client = 200;
	for (i = 0; i < 100; i++)
		open_port(&f, 7, (uint16_t)(2000 + i));
	fake_now_ms += 3599999;
	CU_ASSERT_EQUAL(pinhole_expire(&f.core), 0);
	fake_now_ms += 1;
	CU_ASSERT_EQUAL(pinhole_expire(&f.core), 60);
	CU_ASSERT_EQUAL(pinhole_count(f.core.pinholes), 40);
	CU_ASSERT_EQUAL(pinhole_expire(&f.core), 40);
	CU_ASSERT_EQUAL(pinhole_expire(&f.core), 0);
	CU_ASSERT_EQUAL(fake_record.pinholes_expired, 100);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

#define FULL "/var/lib/test cannot be written: the disk is full"

static void
test_refusals_of_kernel_and_store_leave_no_trace(void)
{
	struct pinhole_asker asker = asker6(7);
	struct msg_pinhole req = request(7, 8081);
	struct fixture f;
	uint16_t id;

	fixture_init(&f);
	id = open_port(&f, 7, 8080);
	f.nft.fail_apply = -ENOBUFS;
	open_for(&f, 7, &req, RESULT_FAILED);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	f.store.fail_put = -ENOSPC;
	open_for(&f, 7, &req, RESULT_FAILED);
	CU_ASSERT_STRING_EQUAL(f.core.row.reason, FULL);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	CU_ASSERT_EQUAL(pinhole_count(f.core.pinholes), 1);

	f.nft.fail_apply = -ENOBUFS;
	CU_ASSERT_EQUAL(pinhole_update(&f.core, &asker, id, 60), RESULT_FAILED);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	f.store.fail_put = -ENOSPC;
	CU_ASSERT_EQUAL(pinhole_update(&f.core, &asker, id, 60), RESULT_FAILED);
	CU_ASSERT_STRING_EQUAL(f.core.row.reason, FULL);
	CU_ASSERT_TRUE(fixture_consistent(&f));

	f.nft.fail_apply = -ENOBUFS;
	CU_ASSERT_EQUAL(pinhole_del(&f.core, &asker, id), RESULT_FAILED);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	f.store.fail_del = -ENOSPC;
	CU_ASSERT_EQUAL(pinhole_del(&f.core, &asker, id), RESULT_FAILED);
	CU_ASSERT_STRING_EQUAL(f.core.row.reason, FULL);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	CU_ASSERT_EQUAL(pinhole_count(f.core.pinholes), 1);
	fixture_exit(&f);
}

static void
test_a_lost_table_is_put_back_before_the_answer(void)
{
	struct fixture f;

	fixture_init(&f);
	open_port(&f, 7, 8080);
	f.nft.table_lost = true;
	f.nft.n_pinholes = 0;
	open_port(&f, 7, 8081);
	CU_ASSERT_EQUAL(f.nft.n_pinholes, 2);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_a_restart_keeps_pinholes_and_gives_no_id_again(void)
{
	struct pinhole_asker asker = asker6(7);
	struct fixture f;
	uint16_t first, gone;

	fixture_init(&f);
	first = open_port(&f, 7, 8080);
	gone = open_port(&f, 7, 8081);
	CU_ASSERT_EQUAL(pinhole_del(&f.core, &asker, gone), RESULT_OK);

	pinhole_table_free(f.core.pinholes);
	f.core.pinhole_id_end = 0;
	CU_ASSERT_EQUAL(pinhole_load(&f.core), 0);
	CU_ASSERT_EQUAL(pinhole_count(f.core.pinholes), 1);
	CU_ASSERT_PTR_NOT_NULL(pinhole_find_id(f.core.pinholes, first));
	CU_ASSERT_TRUE(open_port(&f, 7, 8082) > gone);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_rules_decide_on_pinholes_by_mac_too(void)
{
	struct msg_pinhole req = request(7, 8000);
	struct conf_rule *rule;
	struct fixture f;

	fixture_init(&f);
	rule = &f.core.conf.rules[f.core.conf.n_rules++];
	*rule = (struct conf_rule){ .head = { "one", 5 }, .action = CONF_DENY, .n_clients = 1 };
	rule->clients[0] = (struct conf_client){ .is_mac = true, .mac = { { 2, 0, 0, 0, 0, 7 } } };
	CU_ASSERT_EQUAL(open_for(&f, 7, &req, RESULT_NOT_AUTHORIZED), 0);
	req = request(8, 8000);
	CU_ASSERT_NOT_EQUAL(open_for(&f, 8, &req, RESULT_OK), 0);
	req = request(8, 3389);
	CU_ASSERT_EQUAL(open_for(&f, 8, &req, RESULT_NOT_AUTHORIZED), 0);
	fixture_exit(&f);
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(rules_decide_on_pinholes_by_mac_too),
		UNIT_TEST(a_grant_is_in_table_kernel_and_store),
		UNIT_TEST(the_same_key_restarts_the_lease_and_keeps_the_id),
		UNIT_TEST(the_service_may_be_switched_off),
		UNIT_TEST(leases_are_from_a_second_to_a_day),
		UNIT_TEST(wildcards_are_served_as_far_as_they_make_sense),
		UNIT_TEST(protocols_without_ports_have_none),
		UNIT_TEST(remote_hosts_are_of_the_internet),
		UNIT_TEST(a_host_opens_its_own_addresses_whichever_it_speaks_from),
		UNIT_TEST(what_is_no_host_of_the_lan_is_refused),
		UNIT_TEST(low_ports_are_refused),
		UNIT_TEST(a_neighbour_that_is_being_looked_for_is_worth_another_try),
		UNIT_TEST(one_host_touches_no_pinhole_of_another),
		UNIT_TEST(a_share_is_of_a_host_and_not_of_an_address),
		UNIT_TEST(packets_are_counted_over_elements_made_anew),
		UNIT_TEST(outbound_timeouts_are_those_of_connection_tracking),
		UNIT_TEST(flows_end_with_a_pinhole_that_was_used),
		UNIT_TEST(leases_end_at_their_time_in_slices),
		UNIT_TEST(refusals_of_kernel_and_store_leave_no_trace),
		UNIT_TEST(a_lost_table_is_put_back_before_the_answer),
		UNIT_TEST(a_restart_keeps_pinholes_and_gives_no_id_again),
		UNIT_END,
	};

	return unit_run("pinhole", tests);
}
