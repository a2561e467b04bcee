/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/pinhole_table.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct pinhole
make(uint16_t port)
{
	struct pinhole p = { .key = { .internal_port = port, .protocol = 6 },
		.expires_ms = 1000 + port };

	p.key.internal_client.octet[15] = 7;
	p.host.octet[15] = (uint8_t)(1 + port % 3);
	return p;
}

static struct pinhole *
add(struct pinhole_table *t, const struct pinhole *p)
{
	struct pinhole *out = NULL;

	CU_ASSERT_EQUAL(pinhole_table_add(t, p, &out), 0);
	return out;
}

static void
test_a_pinhole_is_found_every_way(void)
{
	struct pinhole_table *t = pinhole_table_new(10);
	struct pinhole p = make(80), *in = add(t, &p), other = make(81);

	CU_ASSERT_EQUAL(in->id, 1);
	CU_ASSERT_PTR_EQUAL(pinhole_find(t, &p.key), in);
	CU_ASSERT_PTR_EQUAL(pinhole_find_id(t, 1), in);
	CU_ASSERT_PTR_EQUAL(pinhole_after(t, 0), in);
	CU_ASSERT_PTR_NULL(pinhole_after(t, 1));
	CU_ASSERT_PTR_EQUAL(pinhole_next_expiry(t), in);
	CU_ASSERT_PTR_NULL(pinhole_find(t, &other.key));
	CU_ASSERT_EQUAL(pinhole_count_of(t, &p.host), 1);
	CU_ASSERT_EQUAL(pinhole_remaining_s(in, 0), 2);
	CU_ASSERT_EQUAL(pinhole_remaining_s(in, 5000), 1);
	pinhole_table_del(t, in);
	CU_ASSERT_EQUAL(pinhole_count(t), 0);
	CU_ASSERT_EQUAL(pinhole_count_of(t, &p.host), 0);
	CU_ASSERT_PTR_NULL(pinhole_find(t, &p.key));
	CU_ASSERT_PTR_NULL(pinhole_find_id(t, 1));
	CU_ASSERT_PTR_NULL(pinhole_after(t, 0));
	CU_ASSERT_PTR_NULL(pinhole_next_expiry(t));
	pinhole_table_free(t);
}

static void
test_keys_and_ids_are_given_once_and_the_table_is_bounded(void)
{
	struct pinhole_table *t = pinhole_table_new(2);
	struct pinhole p = make(80);

	add(t, &p);
	CU_ASSERT_EQUAL(pinhole_table_add(t, &p, NULL), -EEXIST);
	p = make(81);
	p.id = 1;
	CU_ASSERT_EQUAL(pinhole_table_add(t, &p, NULL), -EEXIST);
	p.id = 0;
	add(t, &p);
	p = make(82);
	CU_ASSERT_EQUAL(pinhole_table_add(t, &p, NULL), -ENOSPC);
	pinhole_table_set_max(t, 3);
	add(t, &p);
	pinhole_table_set_max(t, 1);
	CU_ASSERT_EQUAL(pinhole_count(t), 3);
	pinhole_table_free(t);
}

static void
test_an_id_comes_again_after_all_others(void)
{
	struct pinhole_table *t = pinhole_table_new(10);
	struct pinhole p = make(80), stays = make(81), *in;
	unsigned i;

	CU_ASSERT_EQUAL(add(t, &stays)->id, 1);
	for (i = 2; i <= 65535; i++) {
		in = add(t, &p);
		CU_ASSERT_EQUAL_FATAL(in->id, i);
		pinhole_table_del(t, in);
	}
	CU_ASSERT_EQUAL(add(t, &p)->id, 2); /* neither 0 nor the one in use */
	pinhole_table_free(t);
}

static void
test_walks_are_in_order_of_id_and_ends_in_order_of_time(void)
{
	struct pinhole_table *t = pinhole_table_new(PINHOLES_MAX);
	uint32_t seed = (uint32_t)time(NULL), x = seed | 1;
	struct pinhole p, *in;
	int64_t last = 0;
	uint16_t id = 0;
	unsigned i, n = 0;

	printf("seed %u ", seed);
	for (i = 0; i < 3000; i++) {
		p = make((uint16_t)(i + 1));
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		p.expires_ms = x % 100000;
		in = add(t, &p);
		if (x % 5 == 0)
			pinhole_table_del(t, in);
		else if (x % 5 == 1)
			pinhole_table_renew(t, in, 1, x % 77777);
	}
	while ((in = pinhole_after(t, id))) {
		CU_ASSERT_TRUE_FATAL(in->id > id);
		id = in->id;
		n++;
	}
	CU_ASSERT_EQUAL(n, pinhole_count(t));
	while ((in = pinhole_next_expiry(t))) {
		CU_ASSERT_TRUE_FATAL(in->expires_ms >= last);
		last = in->expires_ms;
		pinhole_table_del(t, in);
	}
	CU_ASSERT_EQUAL(pinhole_count(t), 0);
	pinhole_table_free(t);
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(a_pinhole_is_found_every_way),
		UNIT_TEST(keys_and_ids_are_given_once_and_the_table_is_bounded),
		UNIT_TEST(an_id_comes_again_after_all_others),
		UNIT_TEST(walks_are_in_order_of_id_and_ends_in_order_of_time),
		UNIT_END,
	};

	return unit_run("pinhole_table", tests);
}
