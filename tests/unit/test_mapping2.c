/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What version 2 of WANIPConnection adds: any port, ranges, lists, access control. */
#include "fakes.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static enum result
add_as(struct fixture *f, struct asker asker, uint16_t external_port, uint16_t internal_port)
{
	struct msg_map req = fake_request(asker.client & 0xff, external_port, internal_port);

	return mapping_add(&f->core, &asker, &req, NULL);
}

/* The port that @host gets who wishes @external_port; 0 when it gets none. */
static uint16_t
any(struct fixture *f, unsigned host, uint16_t external_port, uint16_t internal_port)
{
	struct msg_map req = fake_request(host, external_port, internal_port);
	struct asker asker = fake_asker2(host);
	uint16_t port = 0;

	return mapping_add_any(&f->core, &asker, &req, &port) == RESULT_OK ? port : 0;
}

static struct msg_range
range_of(unsigned host, uint16_t first, uint16_t last)
{
	return (struct msg_range){ .client = LAN_HOST(host),
		.first_port = first,
		.last_port = last,
		.protocol = MSG_PROTO_TCP,
		.igd = MSG_IGD2 };
}

static enum result
del_range(struct fixture *f, unsigned host, uint16_t first, uint16_t last, bool manage)
{
	struct msg_range range = range_of(host, first, last);
	struct asker asker = fake_asker2(host);

	range.manage = manage;
	return mapping_del_range(&f->core, &asker, &range);
}

/* ---- AddPortMapping ---- */

static void
test_ports_of_the_gateway_and_of_the_administrator_are_729(void)
{
	struct fixture f;

	fixture_init(&f);
	f.core.conf.http_port = 5431;
	CU_ASSERT_EQUAL(add_as(&f, fake_asker2(7), 5431, 5431), RESULT_OTHER_MECHANISM);
	CU_ASSERT_EQUAL(add_as(&f, fake_asker(7), 5431, 5431), RESULT_OK); /* as ever */

	CU_ASSERT_EQUAL(add_as(&f, fake_asker(0), 6000, 6000), RESULT_OK);
	CU_ASSERT_EQUAL(add_as(&f, fake_asker2(7), 6000, 6000), RESULT_OTHER_MECHANISM);
	CU_ASSERT_EQUAL(add_as(&f, fake_asker(7), 6000, 6000), RESULT_CONFLICT);

	CU_ASSERT_EQUAL(add_as(&f, fake_asker2(8), 7000, 7000), RESULT_OK);
	CU_ASSERT_EQUAL(add_as(&f, fake_asker2(7), 7000, 7000), RESULT_CONFLICT);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static uint16_t used_port;

static bool
is_used(uint32_t addr, uint8_t protocol, uint16_t port)
{
	CU_ASSERT_EQUAL(addr, 0xcb007105); /* the WAN's: other addresses are not reached there */
	return protocol == MSG_PROTO_TCP && port == used_port;
}

static void
test_a_port_with_a_socket_of_the_gateways_is_729_until_it_closes(void)
{
	struct fixture f;

	fixture_init(&f);
	f.core.port_in_use = is_used;
	used_port = 8080;
	CU_ASSERT_EQUAL(add_as(&f, fake_asker2(7), 8080, 8080), RESULT_OTHER_MECHANISM);
	CU_ASSERT_EQUAL(any(&f, 7, 8080, 8080), 8081);
	CU_ASSERT_EQUAL(add_as(&f, fake_asker(7), 8080, 8080), RESULT_OK);
	used_port = 0;
	CU_ASSERT_EQUAL(add_as(&f, fake_asker2(7), 8080, 8080), RESULT_OK);
	/* what it has it may refresh, whoever has opened a socket since */
	used_port = 8080;
	CU_ASSERT_EQUAL(add_as(&f, fake_asker2(7), 8080, 8080), RESULT_OK);
	fixture_exit(&f);
}

/* ---- AddAnyPortMapping ---- */

static void
test_a_free_wish_is_granted_and_a_refresh_keeps_it(void)
{
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(any(&f, 7, 8080, 8080), 8080);
	CU_ASSERT_EQUAL(any(&f, 7, 8080, 8080), 8080);
	CU_ASSERT_EQUAL(any(&f, 7, 8080, 9090), 8080); /* moves, as AddPortMapping does */
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 1);
	CU_ASSERT_EQUAL(fake_record.updated, 2);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_the_nearest_free_port_is_found_and_kept_on_refresh(void)
{
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(any(&f, 7, 8080, 8080), 8080);
	CU_ASSERT_EQUAL(any(&f, 8, 8080, 8080), 8081);
	CU_ASSERT_EQUAL(any(&f, 9, 8080, 8080), 8079);
	CU_ASSERT_EQUAL(any(&f, 10, 8080, 8080), 8082);
	/* each again: the wish is still taken, and each keeps what it got */
	CU_ASSERT_EQUAL(any(&f, 7, 8080, 8080), 8080);
	CU_ASSERT_EQUAL(any(&f, 8, 8080, 8080), 8081);
	CU_ASSERT_EQUAL(any(&f, 9, 8080, 8080), 8079);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 4);
	/* another endpoint of the same client is another mapping */
	CU_ASSERT_EQUAL(any(&f, 8, 8080, 9090), 8078);
	CU_ASSERT_EQUAL(fake_record.refused, 0);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_the_search_goes_around_the_end_and_not_below_min_port(void)
{
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(any(&f, 7, 65535, 5000), 65535);
	CU_ASSERT_EQUAL(any(&f, 8, 65535, 5000), 1024);
	CU_ASSERT_EQUAL(any(&f, 9, 65535, 5000), 65534);
	CU_ASSERT_EQUAL(any(&f, 10, 1024, 5000), 1025);
	CU_ASSERT_EQUAL(any(&f, 11, 1024, 5000), 1026);
	fixture_exit(&f);
}

static void
test_no_wish_is_the_internal_port_where_that_is_high_enough(void)
{
	struct fixture f;
	uint16_t port;

	fixture_init(&f);
	CU_ASSERT_EQUAL(any(&f, 7, 0, 5000), 5000);
	CU_ASSERT_EQUAL(any(&f, 7, 0, 5000), 5000);
	CU_ASSERT_EQUAL(any(&f, 8, 0, 5000), 5001);
	CU_ASSERT_EQUAL(any(&f, 8, 0, 5000), 5001);
	f.core.conf.secure = false; /* or a low internal port would be refused */
	port = any(&f, 9, 0, 88);
	CU_ASSERT_TRUE(port >= 1024);
	CU_ASSERT_EQUAL(any(&f, 9, 0, 88), port);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 3);
	fixture_exit(&f);
}

static void
test_any_port_obeys_the_policy(void)
{
	struct msg_map req = fake_request(8, 8080, 8080);
	struct asker asker = fake_asker2(7);
	struct fixture f;
	uint16_t port;

	fixture_init(&f);
	CU_ASSERT_EQUAL(mapping_add_any(&f.core, &asker, &req, &port), RESULT_NOT_AUTHORIZED);
	req = fake_request(7, 80, 8080);
	CU_ASSERT_EQUAL(mapping_add_any(&f.core, &asker, &req, &port), RESULT_NOT_AUTHORIZED);
	req = fake_request(7, 8080, 0);
	CU_ASSERT_EQUAL(mapping_add_any(&f.core, &asker, &req, &port), RESULT_WILDCARD_INT_PORT);
	req = fake_request(7, 8080, 8080);
	req.internal_client = 0;
	CU_ASSERT_EQUAL(mapping_add_any(&f.core, &asker, &req, &port), RESULT_WILDCARD_CLIENT);
	f.core.conf.max_mappings_per_client = 1;
	CU_ASSERT_EQUAL(any(&f, 7, 8080, 8080), 8080);
	req = fake_request(7, 8081, 8081);
	CU_ASSERT_EQUAL(mapping_add_any(&f.core, &asker, &req, &port), RESULT_NO_RESOURCES);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 1);
	fixture_exit(&f);
}

static void
test_without_a_free_port_any_is_728(void)
{
	struct fixture f;

	fixture_init(&f);
	f.core.conf.min_port = 65533;
	CU_ASSERT_EQUAL(any(&f, 7, 65533, 65533), 65533);
	CU_ASSERT_EQUAL(any(&f, 8, 65533, 65533), 65534);
	CU_ASSERT_EQUAL(any(&f, 9, 65533, 65533), 65535);
	CU_ASSERT_EQUAL(any(&f, 10, 65533, 65533), 0);
	CU_ASSERT_EQUAL(fake_record.refused_by.result, RESULT_NO_RESOURCES);
	fixture_exit(&f);
}

/* ---- DeletePortMappingRange ---- */

static void
test_a_range_ends_in_one_step_what_is_the_askers(void)
{
	struct fixture f;
	uint32_t id;

	fixture_init(&f);
	add_as(&f, fake_asker2(7), 2000, 2000);
	add_as(&f, fake_asker2(7), 2001, 2001);
	add_as(&f, fake_asker2(7), 3000, 3000);
	add_as(&f, fake_asker2(8), 2002, 2002);
	id = f.core.update_id;
	f.nft.applies = 0;
	f.nft.packets = 1; /* so that there are flows to cut */
	CU_ASSERT_EQUAL(del_range(&f, 7, 2000, 2999, false), RESULT_OK);
	CU_ASSERT_EQUAL(f.core.update_id, id + 1);
	CU_ASSERT_EQUAL(f.nft.applies, 1);
	CU_ASSERT_EQUAL(fake_record.deleted, 2);
	CU_ASSERT_EQUAL(fake_record.cuts, 2);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 2);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	CU_ASSERT_EQUAL(del_range(&f, 7, 2000, 2999, false), RESULT_NOT_FOUND);
	CU_ASSERT_EQUAL(f.core.update_id, id + 1);
	fixture_exit(&f);
}

/* The one thing that must never happen, whatever the arguments. */
static void
test_one_host_never_removes_anothers_mapping(void)
{
	struct fixture f;
	unsigned manage;

	fixture_init(&f);
	add_as(&f, fake_asker2(8), 2000, 2000);
	add_as(&f, fake_asker(8), 88 + 2000, 88);
	add_as(&f, fake_asker(0), 2002, 2002);
	for (manage = 0; manage < 2; manage++) {
		CU_ASSERT_EQUAL(del_range(&f, 7, 1024, 65535, manage), RESULT_NOT_FOUND);
		CU_ASSERT_EQUAL(del_range(&f, 7, 2000, 2000, manage), RESULT_NOT_FOUND);
		CU_ASSERT_EQUAL(del_range(&f, 7, 0, 65535, manage), RESULT_NOT_AUTHORIZED);
	}
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 3);
	CU_ASSERT_EQUAL(fake_record.deleted, 0);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_manage_reaches_others_only_where_secure_is_off(void)
{
	struct fixture f;

	fixture_init(&f);
	f.core.conf.secure = false;
	add_as(&f, fake_asker2(8), 2000, 2000);
	add_as(&f, fake_asker2(7), 2001, 2001);
	add_as(&f, fake_asker(0), 2002, 2002);
	CU_ASSERT_EQUAL(del_range(&f, 9, 1024, 65535, false), RESULT_NOT_FOUND);
	CU_ASSERT_EQUAL(del_range(&f, 9, 1024, 65535, true), RESULT_OK);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 1); /* the administrator's */
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_a_range_that_makes_no_sense_is_733(void)
{
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(del_range(&f, 7, 3000, 2999, false), RESULT_INCONSISTENT);
	CU_ASSERT_EQUAL(del_range(&f, 7, 3000, 3000, false), RESULT_NOT_FOUND);
	CU_ASSERT_EQUAL(del_range(&f, 7, 1023, 3000, false), RESULT_NOT_AUTHORIZED);
	fixture_exit(&f);
}

static void
fill(struct fixture *f, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		add_as(f, fake_asker2(7), (uint16_t)(2000 + i), (uint16_t)(2000 + i));
	CU_ASSERT_EQUAL(lease_count(f->core.leases), n);
}

static void
test_a_large_range_goes_in_slices_that_the_kernel_takes(void)
{
	struct fixture f;
	uint32_t id;

	fixture_init(&f);
	fill(&f, 100);
	id = f.core.update_id;
	f.nft.applies = 0;
	CU_ASSERT_EQUAL(del_range(&f, 7, 1024, 65535, false), RESULT_OK);
	CU_ASSERT_TRUE(f.nft.applies > 1 && f.nft.applies < 10);
	CU_ASSERT_TRUE(f.nft.largest <= 64);
	CU_ASSERT_EQUAL(f.store.commits, 1);
	CU_ASSERT_EQUAL(f.core.update_id, id + 1);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 0);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

/* Each way it can fail, and each time all is as before. */
static void
test_a_range_goes_as_a_whole_or_not_at_all(void)
{
	struct fixture f;
	unsigned how;

	for (how = 0; how < 5; how++) {
		fixture_init(&f);
		fill(&f, 100);
		if (how <= 2) {
			f.nft.fail_apply_after = how;
			f.nft.fail_apply = -ENOBUFS;
		}
		f.store.fail_del = how == 3 ? -ENOSPC : 0;
		f.store.fail_commit = how == 4 ? -ENOSPC : 0;
		CU_ASSERT_EQUAL(del_range(&f, 7, 1024, 65535, false), RESULT_FAILED);
		CU_ASSERT_EQUAL(lease_count(f.core.leases), 100);
		CU_ASSERT_EQUAL(fake_record.deleted, 0);
		CU_ASSERT_EQUAL(fake_record.cuts, 0);
		CU_ASSERT_TRUE(fixture_consistent(&f));
		CU_ASSERT_EQUAL(del_range(&f, 7, 1024, 65535, false), RESULT_OK);
		CU_ASSERT_TRUE(fixture_consistent(&f));
		fixture_exit(&f);
	}
}

/* ---- SystemUpdateID ---- */

static void
test_every_change_counts_once(void)
{
	struct asker asker = fake_asker2(7);
	struct msg_map req = fake_request(7, 2000, 2000);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(f.core.update_id, 0);
	mapping_add(&f.core, &asker, &req, NULL);
	CU_ASSERT_EQUAL(f.core.update_id, 1);
	mapping_add(&f.core, &asker, &req, NULL);
	CU_ASSERT_EQUAL(f.core.update_id, 2);
	any(&f, 7, 3000, 3000);
	CU_ASSERT_EQUAL(f.core.update_id, 3);
	mapping_del(&f.core, &asker, &req.key);
	CU_ASSERT_EQUAL(f.core.update_id, 4);
	mapping_del(&f.core, &asker, &req.key); /* refused: no change */
	CU_ASSERT_EQUAL(f.core.update_id, 4);
	fake_now_ms += 3600000;
	CU_ASSERT_EQUAL(mapping_expire(&f.core), 1);
	CU_ASSERT_EQUAL(f.core.update_id, 5);
	fixture_exit(&f);
}

/* ---- what may be seen ---- */

static void
test_version_2_sees_its_own_only(void)
{
	struct msg_map_key key = { .external_port = 2000, .protocol = MSG_PROTO_TCP };
	struct asker seven = fake_asker2(7), eight = fake_asker2(8), old = fake_asker(7);
	const struct lease *l;
	struct fixture f;

	fixture_init(&f);
	add_as(&f, seven, 2000, 2000);
	add_as(&f, eight, 3000, 3000);
	add_as(&f, seven, 4000, 4000);
	CU_ASSERT_EQUAL(mapping_get(&f.core, &seven, &key, &l), RESULT_OK);
	CU_ASSERT_EQUAL(mapping_get(&f.core, &eight, &key, &l), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(mapping_get(&f.core, &old, &key, &l), RESULT_OK);
	key.external_port = 2001;
	CU_ASSERT_EQUAL(mapping_get(&f.core, &eight, &key, &l), RESULT_NO_SUCH_ENTRY);

	/* the index walks what can be seen, without a hole */
	CU_ASSERT_EQUAL(mapping_at(&f.core, &seven, 0, &l), RESULT_OK);
	CU_ASSERT_EQUAL(mapping_at(&f.core, &seven, 1, &l), RESULT_OK);
	CU_ASSERT_EQUAL(mapping_at(&f.core, &seven, 2, &l), RESULT_NO_SUCH_INDEX);
	CU_ASSERT_EQUAL(mapping_at(&f.core, &eight, 0, &l), RESULT_OK);
	CU_ASSERT_EQUAL(l->external_port, 3000);
	CU_ASSERT_EQUAL(mapping_at(&f.core, &old, 2, &l), RESULT_OK);
	f.core.conf.secure = false;
	CU_ASSERT_EQUAL(mapping_at(&f.core, &eight, 2, &l), RESULT_OK);
	fixture_exit(&f);
}

/* How many a walk finds, in order and each once. */
static size_t
walk(struct fixture *f, unsigned host, struct msg_range range)
{
	struct msg_range_next next = { .range = range };
	struct asker asker = fake_asker2(host);
	uint64_t place, last = 0;
	const struct lease *l;
	size_t n = 0;

	while (mapping_after(&f->core, &asker, &next, &l) == RESULT_OK) {
		place = (uint64_t)l->external_port << 32 | l->remote_host;
		CU_ASSERT_TRUE_FATAL(n == 0 || place > last);
		CU_ASSERT_TRUE_FATAL(l->external_port >= range.first_port);
		CU_ASSERT_TRUE_FATAL(l->external_port <= range.last_port);
		last = place;
		next.after_port = l->external_port;
		next.after_remote_host = l->remote_host;
		n++;
	}
	return n;
}

static void
test_a_list_has_each_of_the_askers_once_in_order(void)
{
	struct msg_map req = fake_request(7, 2005, 2005);
	struct asker asker = fake_asker2(7);
	struct msg_range range;
	struct fixture f;
	unsigned i;

	fixture_init(&f);
	for (i = 10; i > 0; i--)
		add_as(&f, fake_asker2(7 + i % 2), (uint16_t)(2000 + i), 2000);
	for (i = 3; i > 0; i--) {
		req.key.remote_host = i;
		CU_ASSERT_EQUAL(mapping_add(&f.core, &asker, &req, NULL),
		    req.key.external_port % 2 ? RESULT_CONFLICT : RESULT_OK);
		req.key.external_port = 2006;
		CU_ASSERT_EQUAL(mapping_add(&f.core, &asker, &req, NULL), RESULT_OK);
	}
	CU_ASSERT_EQUAL(walk(&f, 7, range_of(7, 1024, 65535)), 8);
	CU_ASSERT_EQUAL(walk(&f, 7, range_of(7, 2006, 2006)), 4);
	CU_ASSERT_EQUAL(walk(&f, 7, range_of(7, 2007, 2007)), 0);
	CU_ASSERT_EQUAL(walk(&f, 8, range_of(8, 1024, 65535)), 5);
	CU_ASSERT_EQUAL(walk(&f, 9, range_of(9, 1024, 65535)), 0);
	range = range_of(7, 2000, 1999);
	CU_ASSERT_EQUAL(mapping_after(&f.core, &asker, &(struct msg_range_next){ .range = range },
			    &(const struct lease *){ NULL }),
	    RESULT_INCONSISTENT);
	f.core.conf.secure = false;
	range = range_of(9, 1, 65535);
	CU_ASSERT_EQUAL(walk(&f, 9, range), 0);
	range.manage = 1;
	CU_ASSERT_EQUAL(walk(&f, 9, range), 13);
	fixture_exit(&f);
}

static void
test_a_list_goes_on_when_its_last_one_is_gone(void)
{
	struct msg_range_next next = { .range = range_of(7, 1024, 65535), .after_port = 2001 };
	struct asker asker = fake_asker2(7);
	const struct lease *l;
	struct fixture f;

	fixture_init(&f);
	add_as(&f, asker, 2000, 2000);
	add_as(&f, asker, 2002, 2002);
	CU_ASSERT_EQUAL(mapping_after(&f.core, &asker, &next, &l), RESULT_OK);
	CU_ASSERT_EQUAL(l->external_port, 2002);
	fixture_exit(&f);
}

/* Both ways of walking: by the client's list, and by ports. */
static void
test_many_are_listed_as_well_as_few(void)
{
	struct fixture f;

	fixture_init(&f);
	f.core.conf.max_mappings_per_client = 1000;
	fill(&f, 600);
	CU_ASSERT_EQUAL(walk(&f, 7, range_of(7, 1024, 65535)), 600);
	CU_ASSERT_EQUAL(walk(&f, 7, range_of(7, 2100, 2199)), 100);
	fixture_exit(&f);
}

/* ---- rules ---- */

static struct conf_rule *
add_rule(struct fixture *f, enum conf_action action)
{
	struct conf_rule *rule = &f->core.conf.rules[f->core.conf.n_rules++];

	*rule = (struct conf_rule){
		.head = { .title = "one", .line = 3 }, .action = (uint8_t)action, .permanent = true
	};
	return rule;
}

static enum result
add1(struct fixture *f, unsigned host, uint16_t external_port, uint16_t internal_port)
{
	return add_as(f, fake_asker(host), external_port, internal_port);
}

static void
test_a_refusal_carries_rule_line_and_reason(void)
{
	struct fixture f;

	fixture_init(&f);
	strcpy(add_rule(&f, CONF_DENY)->reason, "not here");
	CU_ASSERT_EQUAL(add1(&f, 7, 5000, 5000), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_STRING_EQUAL(fake_record.refused_by.rule, "one");
	CU_ASSERT_EQUAL(fake_record.refused_by.line, 3);
	CU_ASSERT_STRING_EQUAL(fake_record.refused_by.reason, "not here");
	CU_ASSERT_EQUAL(f.nft.applies, 0);
	fixture_exit(&f);
}

static void
test_shares_of_a_rule_are_counted_and_given_back(void)
{
	struct conf_rule *rule;
	struct fixture f;

	fixture_init(&f);
	rule = add_rule(&f, CONF_ALLOW);
	rule->n_internal = 1;
	rule->internal[0] = (struct conf_ports){ 5000, 5999 };
	rule->max_mappings_per_client = 2;
	rule->max_mappings = 3;

	CU_ASSERT_EQUAL(add1(&f, 7, 5000, 5000), RESULT_OK);
	CU_ASSERT_EQUAL(add1(&f, 7, 5001, 5001), RESULT_OK);
	CU_ASSERT_EQUAL(add1(&f, 7, 5002, 5002), RESULT_NO_RESOURCES);
	CU_ASSERT_STRING_EQUAL(fake_record.refused_by.rule, "one");
	CU_ASSERT_EQUAL(add1(&f, 7, 5000, 5000), RESULT_OK);           /* a refresh takes no more */
	CU_ASSERT_EQUAL(add1(&f, 7, 6000, 6000), RESULT_OK);           /* not by this rule */
	CU_ASSERT_EQUAL(add1(&f, 7, 6000, 5002), RESULT_NO_RESOURCES); /* nor may it become so */
	CU_ASSERT_EQUAL(add1(&f, 7, 5001, 6001), RESULT_OK);           /* leaves it */
	CU_ASSERT_EQUAL(add1(&f, 7, 5002, 5002), RESULT_OK);
	CU_ASSERT_EQUAL(lease_count_by(f.core.leases, 1, 0), 2);
	CU_ASSERT_EQUAL(lease_count_by(f.core.leases, 1, LAN_HOST(7)), 2);

	CU_ASSERT_EQUAL(add1(&f, 8, 5008, 5008), RESULT_OK);
	CU_ASSERT_EQUAL(add1(&f, 9, 5009, 5009), RESULT_NO_RESOURCES); /* three in all */
	CU_ASSERT_EQUAL(
	    mapping_del_lease(&f.core, lease_find(f.core.leases, MSG_PROTO_TCP, 5008, 0)),
	    RESULT_OK);
	CU_ASSERT_EQUAL(add1(&f, 9, 5009, 5009), RESULT_OK);
	fake_now_ms += 4000000; /* all expire */
	while (mapping_expire(&f.core))
		;
	CU_ASSERT_EQUAL(lease_count_by(f.core.leases, 1, 0), 0);
	fixture_exit(&f);
}

static void
test_a_failed_refresh_takes_no_share(void)
{
	struct conf_rule *rule;
	struct fixture f;

	fixture_init(&f);
	rule = add_rule(&f, CONF_ALLOW);
	rule->n_internal = 1;
	rule->internal[0] = (struct conf_ports){ 5000, 5999 };
	CU_ASSERT_EQUAL(add1(&f, 7, 6000, 6000), RESULT_OK);
	f.nft.fail_apply = -ENOBUFS;
	CU_ASSERT_EQUAL(add1(&f, 7, 6000, 5000), RESULT_FAILED);
	CU_ASSERT_EQUAL(lease_count_by(f.core.leases, 1, 0), 0);
	CU_ASSERT_EQUAL(add1(&f, 7, 6000, 5000), RESULT_OK);
	CU_ASSERT_EQUAL(lease_count_by(f.core.leases, 1, 0), 1);
	fixture_exit(&f);
}

static void
test_the_neighbour_table_is_asked_only_for_a_rule_that_wants_it(void)
{
	struct conf_rule *rule;
	struct fixture f;

	fixture_init(&f);
	rule = add_rule(&f, CONF_DENY);
	rule->n_clients = 1;
	rule->clients[0] = (struct conf_client){ .is_mac = true, .mac = { { 2, 0, 0, 0, 0, 7 } } };
	rule->n_external = 1;
	rule->external[0] = (struct conf_ports){ 5000, 5999 };
	CU_ASSERT_EQUAL(add1(&f, 7, 6000, 6000), RESULT_OK);
	CU_ASSERT_EQUAL(fake_record.neighbours_asked, 0);
	CU_ASSERT_EQUAL(add1(&f, 7, 5000, 5000), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_STRING_EQUAL(fake_record.refused_by.reason, "a rule denies it");
	CU_ASSERT_EQUAL(fake_record.neighbours_asked, 1);
	CU_ASSERT_EQUAL(add1(&f, 8, 5000, 5000), RESULT_OK);

	/* one that the kernel does not know yet is refused, and asking again soon helps */
	f.core.unsettled = false;
	fake_unknown4 = 9;
	CU_ASSERT_EQUAL(add1(&f, 9, 5009, 5000), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_TRUE(f.core.unsettled);
	CU_ASSERT_STRING_EQUAL(fake_record.refused_by.reason, "its MAC address is not known");
	CU_ASSERT_EQUAL(add1(&f, 9, 5009, 5000), RESULT_OK);
	fixture_exit(&f);
}

static void
test_any_port_is_looked_for_where_rules_allow_one(void)
{
	struct conf_rule *rule;
	struct fixture f;

	fixture_init(&f);
	rule = add_rule(&f, CONF_ALLOW);
	rule->n_external = 1;
	rule->external[0] = (struct conf_ports){ 8000, 8001 };
	add_rule(&f, CONF_DENY);
	CU_ASSERT_EQUAL(any(&f, 7, 0, 7999), 8000);
	CU_ASSERT_EQUAL(any(&f, 8, 8000, 7999), 8001);
	CU_ASSERT_EQUAL(any(&f, 9, 8000, 7999), 0); /* there is none left */
	CU_ASSERT_EQUAL(fake_record.refused_by.result, RESULT_NO_RESOURCES);
	CU_ASSERT_EQUAL(any(&f, 9, 9000, 7999), 0); /* its own wish is denied */
	CU_ASSERT_EQUAL(fake_record.refused_by.result, RESULT_NOT_AUTHORIZED);
	fixture_exit(&f);
}

/* By a rule below min_port: version 2 may see and end what it was given. */
static void
test_what_a_rule_gave_is_the_clients_own_in_version_2(void)
{
	struct asker asker = fake_asker2(7);
	struct msg_map req = fake_request(7, 443, 8443);
	const struct lease *lease;
	struct conf_rule *rule;
	struct fixture f;

	fixture_init(&f);
	rule = add_rule(&f, CONF_ALLOW);
	rule->n_external = 1;
	rule->external[0] = (struct conf_ports){ 443, 443 };
	CU_ASSERT_EQUAL(mapping_add(&f.core, &asker, &req, NULL), RESULT_OK);
	CU_ASSERT_EQUAL(mapping_get(&f.core, &asker, &req.key, &lease), RESULT_OK);
	CU_ASSERT_EQUAL(mapping_del(&f.core, &asker, &req.key), RESULT_OK);
	fixture_exit(&f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_refusal_carries_rule_line_and_reason),
	UNIT_TEST(shares_of_a_rule_are_counted_and_given_back),
	UNIT_TEST(a_failed_refresh_takes_no_share),
	UNIT_TEST(the_neighbour_table_is_asked_only_for_a_rule_that_wants_it),
	UNIT_TEST(any_port_is_looked_for_where_rules_allow_one),
	UNIT_TEST(what_a_rule_gave_is_the_clients_own_in_version_2),
	UNIT_TEST(ports_of_the_gateway_and_of_the_administrator_are_729),
	UNIT_TEST(a_port_with_a_socket_of_the_gateways_is_729_until_it_closes),
	UNIT_TEST(a_free_wish_is_granted_and_a_refresh_keeps_it),
	UNIT_TEST(the_nearest_free_port_is_found_and_kept_on_refresh),
	UNIT_TEST(the_search_goes_around_the_end_and_not_below_min_port),
	UNIT_TEST(no_wish_is_the_internal_port_where_that_is_high_enough),
	UNIT_TEST(any_port_obeys_the_policy),
	UNIT_TEST(without_a_free_port_any_is_728),
	UNIT_TEST(a_range_ends_in_one_step_what_is_the_askers),
	UNIT_TEST(one_host_never_removes_anothers_mapping),
	UNIT_TEST(manage_reaches_others_only_where_secure_is_off),
	UNIT_TEST(a_range_that_makes_no_sense_is_733),
	UNIT_TEST(a_large_range_goes_in_slices_that_the_kernel_takes),
	UNIT_TEST(a_range_goes_as_a_whole_or_not_at_all),
	UNIT_TEST(every_change_counts_once),
	UNIT_TEST(version_2_sees_its_own_only),
	UNIT_TEST(a_list_has_each_of_the_askers_once_in_order),
	UNIT_TEST(a_list_goes_on_when_its_last_one_is_gone),
	UNIT_TEST(many_are_listed_as_well_as_few),
	UNIT_END,
};

int
main(void)
{
	return unit_run("mapping2", tests);
}
