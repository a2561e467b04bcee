/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <netinet/in.h>
#include <string.h>

#include "core/forward.h"
#include "core/mapping.h"
#include "fakes.h"

static void
add_forward(struct fixture *f, const char *title, uint16_t first, uint16_t last, uint16_t to)
{
	struct conf_forward *forward = &f->core.conf.forwards[f->core.conf.n_forwards++];

	memset(forward, 0, sizeof(*forward));
	strcpy(forward->head.title, title);
	forward->protocol = CONF_TCP;
	forward->external = (struct conf_ports){ first, last };
	forward->to = (struct conf_endpoint){ 0xc0a80107, to };
}

static const struct lease *
on_port(struct fixture *f, uint16_t port)
{
	return lease_find(f->core.leases, IPPROTO_TCP, port, 0);
}

static void
test_forwards_become_mappings_of_the_configuration(void)
{
	const struct lease *l;
	struct fixture f;

	fixture_init(&f);
	add_forward(&f, "web", 8080, 8082, 80);
	forward_apply(&f.core);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 3);
	l = on_port(&f, 8082);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	CU_ASSERT_EQUAL(l->origin, LEASE_CONFIG);
	CU_ASSERT_EQUAL(l->internal_port, 82);
	CU_ASSERT_EQUAL(l->expires_ms, LEASE_FOREVER);
	CU_ASSERT_STRING_EQUAL(l->description, "web");
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_only_the_difference_is_applied(void)
{
	struct fixture f;
	unsigned applies;
	uint32_t id;

	fixture_init(&f);
	add_forward(&f, "a", 8080, 8080, 0);
	add_forward(&f, "b", 8090, 8090, 0);
	forward_apply(&f.core);
	id = on_port(&f, 8080)->id;
	applies = f.nft.applies;
	forward_apply(&f.core);
	CU_ASSERT_EQUAL(f.nft.applies, applies);
	f.core.conf.forwards[1].to.port = 90;
	forward_apply(&f.core);
	CU_ASSERT_EQUAL(on_port(&f, 8080)->id, id);
	CU_ASSERT_EQUAL(on_port(&f, 8090)->internal_port, 90);
	f.core.conf.n_forwards = 0;
	forward_apply(&f.core);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 0);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_who_has_the_port_gives_way_and_does_not_get_it_back(void)
{
	struct msg_map req = fake_request(9, 8080, 8080);
	struct asker asker = fake_asker(9);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(mapping_add(&f.core, &asker, &req, NULL), RESULT_OK);
	add_forward(&f, "a", 8080, 8080, 0);
	forward_apply(&f.core);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 1);
	CU_ASSERT_EQUAL(on_port(&f, 8080)->origin, LEASE_CONFIG);
	CU_ASSERT_EQUAL(mapping_add(&f.core, &asker, &req, NULL), RESULT_CONFLICT);
	asker.igd = MSG_IGD2;
	CU_ASSERT_EQUAL(mapping_add(&f.core, &asker, &req, NULL), RESULT_OTHER_MECHANISM);
	CU_ASSERT_EQUAL(mapping_del(&f.core, &asker, &req.key), RESULT_NOT_AUTHORIZED);
	fixture_exit(&f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(forwards_become_mappings_of_the_configuration),
	UNIT_TEST(only_the_difference_is_applied),
	UNIT_TEST(who_has_the_port_gives_way_and_does_not_get_it_back),
	UNIT_END,
};

int
main(void)
{
	return unit_run("forward", tests);
}
