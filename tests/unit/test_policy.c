/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/policy.h"
#include "unit.h"

#include <string.h>

#define HOST(n) (0xc0a80100u | (n))

static const struct conf secure = {
	.secure = true, .min_port = 1024, .max_mappings_per_client = 128
};

static const struct asker host7 = {
	.origin = LEASE_UPNP, .client = HOST(7), .lan = { HOST(1), 24 }
};

static const struct asker administrator = { .origin = LEASE_STATIC };

static struct msg_map
to_host(unsigned host)
{
	return (struct msg_map){
		.key = { .client = HOST(7), .external_port = 8080, .protocol = MSG_PROTO_TCP },
		.internal_client = HOST(host),
		.internal_port = 80,
		.enabled = 1,
		.lease_s = 3600,
	};
}

static enum result
check(const struct conf *conf, const struct asker *asker, const struct msg_map *req, size_t have)
{
	struct policy_verdict v;

	policy_check(conf, asker, req, have, &v);
	CU_ASSERT_EQUAL(v.reason[0] == '\0', v.result == RESULT_OK);
	return v.result;
}

static void
test_a_client_may_map_to_itself_also_to_a_low_port_inside(void)
{
	struct msg_map req = to_host(7);

	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 0), RESULT_OK);
}

static void
test_secure_mode_refuses_other_hosts_and_open_mode_hosts_that_are_none(void)
{
	struct conf open = secure;
	struct msg_map req = to_host(8);

	open.secure = false;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(check(&open, &host7, &req, 0), RESULT_OK);
	req = to_host(1); /* the gateway */
	CU_ASSERT_EQUAL(check(&open, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	req = to_host(0); /* the network */
	CU_ASSERT_EQUAL(check(&open, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	req = to_host(255); /* broadcast */
	CU_ASSERT_EQUAL(check(&open, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	req.internal_client = 0x08080808; /* elsewhere */
	CU_ASSERT_EQUAL(check(&open, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	req.internal_client = 0xffffffff;
	CU_ASSERT_EQUAL(check(&open, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
}

static void
test_the_gateway_cannot_map_to_itself(void)
{
	struct asker gateway = host7;
	struct msg_map req = to_host(1);

	gateway.client = HOST(1);
	CU_ASSERT_EQUAL(check(&secure, &gateway, &req, 0), RESULT_NOT_AUTHORIZED);
}

static void
test_ports_below_the_least_are_refused(void)
{
	struct msg_map req = to_host(7);

	req.key.external_port = 1023;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 0), RESULT_NOT_AUTHORIZED);
	req.key.external_port = 1024;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 0), RESULT_OK);
	req.key.external_port = 65535;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 0), RESULT_OK);
}

static void
test_a_client_gets_its_share_and_no_more(void)
{
	struct msg_map req = to_host(7);

	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 127), RESULT_OK);
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 128), RESULT_NO_RESOURCES);
}

static void
test_the_first_fault_wins(void)
{
	struct msg_map req = to_host(8);

	req.key.external_port = 80;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 999), RESULT_NOT_AUTHORIZED);
	req.internal_port = 0;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 999), RESULT_INVALID_ARGS);
	req.key.external_port = 0;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 999), RESULT_WILDCARD_EXT_PORT);
	req.internal_client = 0;
	CU_ASSERT_EQUAL(check(&secure, &host7, &req, 999), RESULT_WILDCARD_CLIENT);
}

static void
test_long_leases_are_cut_to_the_longest(void)
{
	static const struct {
		uint32_t max_s, wanted_s, granted_s;
	} cases[] = {
		{ 0, 0, 0 },
		{ 0, UINT32_MAX, UINT32_MAX },
		{ 86400, 0, 86400 },
		{ 86400, 86401, 86400 },
		{ 86400, 3600, 3600 },
	};
	struct msg_map req = to_host(7);
	struct conf conf = secure;
	struct policy_verdict v;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		conf.max_lease_s = cases[i].max_s;
		req.lease_s = cases[i].wanted_s;
		policy_check(&conf, &host7, &req, 0, &v);
		CU_ASSERT_EQUAL(v.result, RESULT_OK);
		CU_ASSERT_EQUAL(v.lease_s, cases[i].granted_s);
	}
}

static void
test_the_administrator_is_bound_by_form_only(void)
{
	struct conf conf = secure;
	struct msg_map req = to_host(8);
	struct policy_verdict v;

	conf.max_lease_s = 60;
	req.key.external_port = 80;
	req.lease_s = 0;
	policy_check(&conf, &administrator, &req, 999, &v);
	CU_ASSERT_EQUAL(v.result, RESULT_OK);
	CU_ASSERT_EQUAL(v.lease_s, 0);

	req.internal_client = 0x7f000001;
	CU_ASSERT_EQUAL(check(&conf, &administrator, &req, 0), RESULT_INVALID_ARGS);
	req.internal_client = 0xe0000001;
	CU_ASSERT_EQUAL(check(&conf, &administrator, &req, 0), RESULT_INVALID_ARGS);
	req.internal_client = 0;
	CU_ASSERT_EQUAL(check(&conf, &administrator, &req, 0), RESULT_WILDCARD_CLIENT);
}

/* WANIPConnection:2 2.6 */
static void
test_version_2_wants_high_ports_on_both_sides(void)
{
	struct asker host = host7;
	struct conf open = secure;
	struct msg_map req = to_host(7);

	host.igd = MSG_IGD2;
	CU_ASSERT_EQUAL(check(&secure, &host, &req, 0), RESULT_NOT_AUTHORIZED);
	req.internal_port = 1024;
	CU_ASSERT_EQUAL(check(&secure, &host, &req, 0), RESULT_OK);
	req.internal_port = 0;
	CU_ASSERT_EQUAL(check(&secure, &host, &req, 0), RESULT_WILDCARD_INT_PORT);
	open.secure = false;
	req.internal_port = 80;
	CU_ASSERT_EQUAL(check(&open, &host, &req, 0), RESULT_OK);
	open = secure;
	open.min_port = 80;
	CU_ASSERT_EQUAL(check(&open, &host, &req, 0), RESULT_OK);
}

/* WANIPConnection:2 2.3.16 */
static void
test_a_lease_of_version_2_is_a_week_at_most(void)
{
	static const struct {
		uint32_t wanted_s, max_s, granted_s;
	} rows[] = {
		{ 0, 0, 604800 },
		{ 1, 0, 1 },
		{ 604800, 0, 604800 },
		{ 604801, 0, 604800 },
		{ UINT32_MAX, 0, 604800 },
		{ 0, 3600, 3600 },
		{ 7200, 3600, 3600 },
		{ 60, 3600, 60 },
		{ 0, 1000000, 604800 },
	};
	struct asker host = host7;
	struct conf conf = secure;
	struct msg_map req = to_host(7);
	struct policy_verdict v;
	size_t i;

	host.igd = MSG_IGD2;
	req.internal_port = 8080;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		conf.max_lease_s = rows[i].max_s;
		req.lease_s = rows[i].wanted_s;
		policy_check(&conf, &host, &req, 0, &v);
		CU_ASSERT_EQUAL(v.result, RESULT_OK);
		CU_ASSERT_EQUAL(v.lease_s, rows[i].granted_s);
	}
}

static void
test_version_2_sees_and_ends_its_own_between_high_ports(void)
{
	const struct lease own = { .origin = LEASE_UPNP,
		.external_port = 8080,
		.internal_port = 8080,
		.internal_client = HOST(7),
		.client = HOST(7) };
	struct lease lease = own;
	struct asker host = host7;
	struct conf open = secure;

	host.igd = MSG_IGD2;
	open.secure = false;
	CU_ASSERT_TRUE(policy_may_see(&secure, &host, &own));
	CU_ASSERT_TRUE(policy_may_delete(&secure, &host, &own));

	lease.internal_client = HOST(8); /* it asked for another */
	CU_ASSERT_FALSE(policy_may_see(&secure, &host, &lease));
	CU_ASSERT_FALSE(policy_may_delete(&secure, &host, &lease));
	CU_ASSERT_TRUE(policy_may_see(&secure, &host7, &lease));
	CU_ASSERT_TRUE(policy_may_delete(&secure, &host7, &lease));
	CU_ASSERT_TRUE(policy_may_see(&open, &host, &lease));
	CU_ASSERT_TRUE(policy_may_delete(&open, &host, &lease));

	lease = own;
	lease.internal_port = 80;
	CU_ASSERT_FALSE(policy_may_see(&secure, &host, &lease));
	CU_ASSERT_FALSE(policy_may_delete(&secure, &host, &lease));
	lease = own;
	lease.origin = LEASE_STATIC;
	CU_ASSERT_TRUE(policy_may_see(&secure, &host, &lease));
	CU_ASSERT_FALSE(policy_may_delete(&secure, &host, &lease));
	CU_ASSERT_FALSE(policy_may_delete(&open, &host, &lease));
	CU_ASSERT_TRUE(policy_may_delete(&secure, &administrator, &lease));

	CU_ASSERT_FALSE(policy_may_reach(&secure, &host, 1023));
	CU_ASSERT_TRUE(policy_may_reach(&secure, &host, 1024));
	CU_ASSERT_TRUE(policy_may_reach(&open, &host, 1));
	CU_ASSERT_FALSE(policy_may_manage(&secure));
	CU_ASSERT_TRUE(policy_may_manage(&open));
}

static const struct unit_test tests[] = {
	UNIT_TEST(version_2_wants_high_ports_on_both_sides),
	UNIT_TEST(a_lease_of_version_2_is_a_week_at_most),
	UNIT_TEST(version_2_sees_and_ends_its_own_between_high_ports),
	UNIT_TEST(a_client_may_map_to_itself_also_to_a_low_port_inside),
	UNIT_TEST(secure_mode_refuses_other_hosts_and_open_mode_hosts_that_are_none),
	UNIT_TEST(the_gateway_cannot_map_to_itself),
	UNIT_TEST(ports_below_the_least_are_refused),
	UNIT_TEST(a_client_gets_its_share_and_no_more),
	UNIT_TEST(the_first_fault_wins),
	UNIT_TEST(long_leases_are_cut_to_the_longest),
	UNIT_TEST(the_administrator_is_bound_by_form_only),
	UNIT_END,
};

int
main(void)
{
	return unit_run("policy", tests);
}
