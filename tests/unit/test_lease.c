/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/lease.h"
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct lease
make(uint16_t external_port, uint32_t client, uint16_t internal_port)
{
	return (struct lease){
		.protocol = IPPROTO_TCP,
		.external_port = external_port,
		.internal_client = client,
		.internal_port = internal_port,
		.client = client,
		.enabled = true,
		.expires_ms = LEASE_FOREVER,
		.description = (char *)"x",
	};
}

static struct lease *
add(struct lease_table *t, const struct lease *l)
{
	struct lease *out = NULL;

	CU_ASSERT_EQUAL(lease_add(t, l, &out), 0);
	return out;
}

static void
test_a_lease_is_found_every_way(void)
{
	struct lease_table *t = lease_table_new(10);
	struct lease l = make(8080, 7, 80), *in = add(t, &l);

	CU_ASSERT_PTR_EQUAL(lease_find(t, IPPROTO_TCP, 8080, 0), in);
	CU_ASSERT_PTR_EQUAL(lease_find_id(t, in->id), in);
	CU_ASSERT_PTR_EQUAL(lease_on_port(t, IPPROTO_TCP, 8080, NULL), in);
	CU_ASSERT_PTR_EQUAL(lease_source_owner(t, IPPROTO_TCP, 7, 80), in);
	CU_ASSERT_PTR_EQUAL(lease_at(t, 0), in);
	CU_ASSERT_PTR_EQUAL(lease_after(t, 0), in);
	CU_ASSERT_PTR_NULL(lease_find(t, IPPROTO_UDP, 8080, 0));
	CU_ASSERT_PTR_NULL(lease_find(t, IPPROTO_TCP, 8080, 1));
	CU_ASSERT_PTR_NULL(lease_on_port(t, IPPROTO_UDP, 8080, NULL));
	CU_ASSERT_PTR_NULL(lease_next_expiry(t));
	CU_ASSERT_EQUAL(lease_count_of(t, 7), 1);
	CU_ASSERT_PTR_NOT_EQUAL(in->description, l.description);

	lease_del(t, in);
	CU_ASSERT_EQUAL(lease_count(t), 0);
	CU_ASSERT_EQUAL(lease_count_of(t, 7), 0);
	CU_ASSERT_PTR_NULL(lease_find(t, IPPROTO_TCP, 8080, 0));
	CU_ASSERT_PTR_NULL(lease_source_owner(t, IPPROTO_TCP, 7, 80));
	CU_ASSERT_PTR_NULL(lease_at(t, 0));
	CU_ASSERT_PTR_NULL(lease_after(t, 0));
	lease_table_free(t);
}

static void
test_a_key_is_given_once_and_the_table_is_bounded(void)
{
	struct lease_table *t = lease_table_new(2);
	struct lease l = make(1, 7, 80);

	add(t, &l);
	CU_ASSERT_EQUAL(lease_add(t, &l, NULL), -EEXIST);
	l.remote_host = 5;
	add(t, &l);
	l.external_port = 2;
	CU_ASSERT_EQUAL(lease_add(t, &l, NULL), -ENOSPC);
	lease_table_set_max(t, 3);
	CU_ASSERT_EQUAL(lease_add(t, &l, NULL), 0);
	lease_table_set_max(t, 1);
	CU_ASSERT_EQUAL(lease_count(t), 3);
	lease_table_free(t);
}

static void
test_the_administrators_leases_use_no_quota(void)
{
	struct lease_table *t = lease_table_new(9);
	struct lease l = make(1, 7, 80), *in;

	l.origin = LEASE_STATIC;
	in = add(t, &l);
	CU_ASSERT_EQUAL(lease_count_of(t, 7), 0);
	lease_del(t, in);
	CU_ASSERT_EQUAL(lease_count_of(t, 7), 0);
	lease_table_free(t);
}

static void
test_restored_ids_are_kept_and_later_ones_are_greater(void)
{
	struct lease_table *t = lease_table_new(9);
	struct lease l = make(1, 7, 80), *in;

	l.id = 40;
	add(t, &l);
	l = make(2, 7, 80);
	l.id = 12; /* in disorder */
	in = add(t, &l);
	CU_ASSERT_PTR_EQUAL(lease_after(t, 0), in);
	CU_ASSERT_PTR_EQUAL(lease_source_owner(t, IPPROTO_TCP, 7, 80), in);
	l = make(3, 7, 80);
	CU_ASSERT_EQUAL(add(t, &l)->id, 41);
	l = make(4, 7, 80);
	l.id = 12;
	CU_ASSERT_EQUAL(lease_add(t, &l, NULL), -EEXIST);
	lease_table_free(t);
}

static void
test_ids_wrap_around_those_in_use(void)
{
	struct lease_table *t = lease_table_new(9);
	struct lease l = make(1, 7, 80), *in;

	l.id = 1;
	add(t, &l);
	l = make(2, 7, 80);
	l.id = UINT32_MAX;
	add(t, &l);
	l = make(3, 7, 80);
	in = add(t, &l);
	CU_ASSERT_EQUAL(in->id, 2);
	CU_ASSERT_PTR_EQUAL(lease_after(t, 1), in);
	CU_ASSERT_EQUAL(lease_after(t, 2)->id, UINT32_MAX);
	CU_ASSERT_PTR_NULL(lease_after(t, UINT32_MAX));
	lease_table_free(t);
}

static void
test_a_page_goes_on_after_a_lease_that_is_gone(void)
{
	struct lease_table *t = lease_table_new(9);
	struct lease *in[3];
	uint16_t i;

	for (i = 0; i < 3; i++) {
		struct lease l = make(i + 1, 7, 80);

		in[i] = add(t, &l);
	}
	lease_del(t, in[1]);
	CU_ASSERT_PTR_EQUAL(lease_after(t, 2), in[2]);
	CU_ASSERT_PTR_EQUAL(lease_after(t, 1), in[2]);
	lease_table_free(t);
}

static void
test_exchange_twice_changes_nothing(void)
{
	struct lease_table *t = lease_table_new(9);
	struct lease l = make(1, 7, 80), *in = add(t, &l), other = make(1, 7, 81);

	other.expires_ms = 500;
	other.enabled = true;
	other.description = strdup("other");
	lease_exchange(t, in, &other);
	CU_ASSERT_PTR_EQUAL(lease_source_owner(t, IPPROTO_TCP, 7, 81), in);
	CU_ASSERT_PTR_NULL(lease_source_owner(t, IPPROTO_TCP, 7, 80));
	CU_ASSERT_PTR_EQUAL(lease_next_expiry(t), in);
	CU_ASSERT_STRING_EQUAL(in->description, "other");
	CU_ASSERT_EQUAL(in->id, 1);

	lease_exchange(t, in, &other);
	CU_ASSERT_PTR_EQUAL(lease_source_owner(t, IPPROTO_TCP, 7, 80), in);
	CU_ASSERT_PTR_NULL(lease_next_expiry(t));
	CU_ASSERT_STRING_EQUAL(in->description, "x");
	free(other.description);
	lease_table_free(t);
}

static void
test_the_oldest_enabled_lease_owns_the_source_port(void)
{
	struct lease_table *t = lease_table_new(9);
	struct lease l1 = make(1, 7, 80), l2 = make(2, 7, 80), l3 = make(3, 7, 80);
	struct lease *a = add(t, &l1), *b = add(t, &l2), *c = add(t, &l3);
	struct lease off = make(1, 7, 80);

	CU_ASSERT_PTR_EQUAL(lease_source_owner(t, IPPROTO_TCP, 7, 80), a);
	off.enabled = false;
	off.description = a->description;
	lease_exchange(t, a, &off);
	CU_ASSERT_PTR_EQUAL(lease_source_owner(t, IPPROTO_TCP, 7, 80), b);
	lease_del(t, b);
	CU_ASSERT_PTR_EQUAL(lease_source_owner(t, IPPROTO_TCP, 7, 80), c);
	lease_exchange(t, a, &off);
	CU_ASSERT_PTR_EQUAL(lease_source_owner(t, IPPROTO_TCP, 7, 80), a);
	lease_table_free(t);
}

static void
test_remaining_seconds_are_rounded_up(void)
{
	struct lease l = { .expires_ms = 5000 };

	CU_ASSERT_EQUAL(lease_remaining_s(&l, 0), 5);
	CU_ASSERT_EQUAL(lease_remaining_s(&l, 1), 5);
	CU_ASSERT_EQUAL(lease_remaining_s(&l, 4001), 1);
	CU_ASSERT_EQUAL(lease_remaining_s(&l, 6000), 1);
	l.expires_ms = LEASE_FOREVER;
	CU_ASSERT_EQUAL(lease_remaining_s(&l, 0), 0);
}

/* ---- random operations against a table that a child could write ---- */

#define MODEL_MAX 300

static struct lease model[MODEL_MAX]; /* in order of id */
static size_t model_n;
static uint64_t state;

static uint32_t
pick(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

/* Few values, so that keys and endpoints meet often. */
static struct lease
random_lease(void)
{
	struct lease l = make((uint16_t)(1 + pick(40)), 1 + pick(4), (uint16_t)(1 + pick(6)));

	l.protocol = pick(2) ? IPPROTO_TCP : IPPROTO_UDP;
	l.remote_host = pick(3);
	l.enabled = pick(4) != 0;
	l.origin = pick(5) ? LEASE_UPNP : LEASE_STATIC;
	l.expires_ms = pick(3) ? (int64_t)pick(1000) : LEASE_FOREVER;
	return l;
}

static size_t
model_find(const struct lease *l)
{
	size_t i;

	for (i = 0; i < model_n; i++)
		if (model[i].protocol == l->protocol &&
		    model[i].external_port == l->external_port &&
		    model[i].remote_host == l->remote_host)
			break;
	return i;
}

static bool
step_add(struct lease_table *t)
{
	struct lease l = random_lease(), *in = NULL;
	bool taken = model_find(&l) < model_n;
	int rc = lease_add(t, &l, &in);

	if (taken)
		return rc == -EEXIST;
	if (model_n == MODEL_MAX)
		return rc == -ENOSPC;
	l.id = in ? in->id : 0;
	model[model_n++] = l;
	return rc == 0 && (model_n == 1 || l.id > model[model_n - 2].id);
}

static bool
step_exchange(struct lease_table *t)
{
	struct lease l = random_lease(), *in, *m;
	uint64_t kept;

	if (!model_n)
		return true;
	m = &model[pick((uint32_t)model_n)];
	in = lease_find_id(t, m->id);
	if (!in)
		return false;
	l.internal_client = in->internal_client;
	l.description = strdup("y");
	lease_exchange(t, in, &l);
	free(l.description);
	kept = m->id;
	m->enabled = in->enabled;
	m->internal_port = in->internal_port;
	m->expires_ms = in->expires_ms;
	return in->id == kept && in->external_port == m->external_port;
}

static bool
step_del(struct lease_table *t)
{
	struct lease *in;
	size_t i;

	if (!model_n)
		return true;
	i = pick((uint32_t)model_n);
	in = lease_find(t, model[i].protocol, model[i].external_port, model[i].remote_host);
	if (!in || in->id != model[i].id)
		return false;
	lease_del(t, in);
	memmove(&model[i], &model[i + 1], (--model_n - i) * sizeof(model[0]));
	return true;
}

static bool
owners_agree(const struct lease_table *t, const struct lease *m)
{
	const struct lease *owner =
	    lease_source_owner(t, m->protocol, m->internal_client, m->internal_port);
	size_t i;

	for (i = 0; i < model_n; i++)
		if (model[i].enabled && model[i].protocol == m->protocol &&
		    model[i].internal_client == m->internal_client &&
		    model[i].internal_port == m->internal_port)
			return owner && owner->id == model[i].id;
	return !owner;
}

static bool
ports_agree(const struct lease_table *t, const struct lease *m)
{
	const struct lease *l = NULL;
	size_t i;

	for (i = 0; i < model_n; i++) {
		if (model[i].protocol != m->protocol || model[i].external_port != m->external_port)
			continue;
		l = lease_on_port(t, m->protocol, m->external_port, l);
		if (!l || l->id != model[i].id)
			return false;
	}
	return !lease_on_port(t, m->protocol, m->external_port, l);
}

static bool
counts_agree(const struct lease_table *t)
{
	size_t of[8] = { 0 }, i;

	for (i = 0; i < model_n; i++)
		if (model[i].origin != LEASE_STATIC)
			of[model[i].internal_client]++;
	for (i = 1; i < 8; i++)
		if (lease_count_of(t, (uint32_t)i) != of[i])
			return false;
	return lease_count(t) == model_n;
}

static bool
expiry_agrees(const struct lease_table *t)
{
	const struct lease *next = lease_next_expiry(t), *first = NULL;
	size_t i;

	for (i = 0; i < model_n; i++)
		if (model[i].expires_ms != LEASE_FOREVER &&
		    (!first || model[i].expires_ms < first->expires_ms))
			first = &model[i];
	return first ? next && next->id == first->id : !next;
}

static bool
order_agrees(const struct lease_table *t)
{
	const struct lease *l = NULL;
	bool seen[MODEL_MAX] = { false };
	size_t i, m;

	for (i = 0; i < model_n; i++) {
		l = lease_after(t, l ? l->id : 0);
		if (!l || l->id != model[i].id)
			return false;
		m = model_find(lease_at(t, i));
		if (m == model_n || seen[m])
			return false;
		seen[m] = true;
	}
	return !lease_after(t, l ? l->id : 0) && !lease_at(t, model_n);
}

/* Each client's list holds its leases, each port's bit tells whether it has any. */
static bool
lists_agree(const struct lease_table *t)
{
	size_t n = 0, i, of;
	uint32_t client;

	for (client = 0; client < 8; client++)
		for (of = 0; lease_of(t, client, of); of++, n++)
			if (lease_of(t, client, of)->internal_client != client ||
			    model_find(lease_of(t, client, of)) == model_n)
				return false;
	for (i = 0; i < model_n; i++)
		if (lease_next_port(t, model[i].protocol, model[i].external_port) !=
		    model[i].external_port)
			return false;
	return n == model_n;
}

static bool
agrees(const struct lease_table *t)
{
	size_t i;

	if (!counts_agree(t) || !expiry_agrees(t) || !order_agrees(t) || !lists_agree(t))
		return false;
	for (i = 0; i < model_n; i++)
		if (!owners_agree(t, &model[i]) || !ports_agree(t, &model[i]))
			return false;
	return true;
}

/* LEASE_SEED=N repeats a run. */
static void
test_random_operations_agree_with_a_naive_model(void)
{
	struct lease_table *t = lease_table_new(MODEL_MAX);
	const char *given = getenv("LEASE_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	bool good = true;
	unsigned step, what, full;

	printf("seed %llu ", (unsigned long long)seed);
	state = seed;
	model_n = 0;
	for (step = 0; step < 6000 && good; step++) {
		what = pick(10);
		full = step / 1000 % 2 ? 3 : 6; /* grow and shrink in turn */
		good = what < full ? step_add(t) : what < 8 ? step_exchange(t) : step_del(t);
		if (what == 9)
			good = good && step_del(t) && step_del(t);
		good = good && (step % 16 || agrees(t));
	}
	CU_ASSERT_TRUE(good);
	if (!good)
		printf("step %u, LEASE_SEED=%llu repeats it\n", step, (unsigned long long)seed);
	lease_table_free(t);
}

static void
test_ten_thousand_leases_all_expire_in_order(void)
{
	struct lease_table *t = lease_table_new(20000);
	struct lease l, *next;
	int64_t last = 0;
	uint32_t i;

	state = 1;
	for (i = 0; i < 10000; i++) {
		l = make((uint16_t)(i + 1024), 1 + i % 100, (uint16_t)(i + 1));
		l.expires_ms = 1 + pick(1000000);
		CU_ASSERT_EQUAL_FATAL(lease_add(t, &l, NULL), 0);
	}
	while ((next = lease_next_expiry(t))) {
		CU_ASSERT_TRUE_FATAL(next->expires_ms >= last);
		last = next->expires_ms;
		lease_del(t, next);
	}
	CU_ASSERT_EQUAL(lease_count(t), 0);
	CU_ASSERT_PTR_NULL(lease_after(t, 0));
	lease_table_free(t);
}

static void
test_the_next_port_in_use_is_found(void)
{
	struct lease_table *t = lease_table_new(10);
	struct lease l = make(65535, 7, 80), *in;

	CU_ASSERT_EQUAL(lease_next_port(t, IPPROTO_TCP, 0), 0);
	in = add(t, &l);
	CU_ASSERT_EQUAL(lease_next_port(t, IPPROTO_TCP, 0), 65535);
	CU_ASSERT_EQUAL(lease_next_port(t, IPPROTO_TCP, 65535), 65535);
	CU_ASSERT_EQUAL(lease_next_port(t, IPPROTO_TCP, 65536), 0);
	CU_ASSERT_EQUAL(lease_next_port(t, IPPROTO_UDP, 0), 0);
	l.remote_host = 9;
	add(t, &l);
	lease_del(t, in);
	CU_ASSERT_EQUAL(lease_next_port(t, IPPROTO_TCP, 1), 65535);
	lease_del(t, lease_of(t, 7, 0));
	CU_ASSERT_EQUAL(lease_next_port(t, IPPROTO_TCP, 1), 0);
	CU_ASSERT_PTR_NULL(lease_of(t, 7, 0));
	lease_table_free(t);
}

static void
test_the_nearest_free_port_is_found_between_two_others(void)
{
	struct lease_table *t = lease_table_new(1000);
	struct lease l;
	uint16_t port;

	CU_ASSERT_EQUAL(lease_lowest_free(t, IPPROTO_TCP, 1, 65535), 1);
	CU_ASSERT_EQUAL(lease_highest_free(t, IPPROTO_TCP, 1, 65535), 65535);
	for (port = 2000; port < 2300; port++) {
		l = make(port, 7, 80);
		add(t, &l);
	}
	CU_ASSERT_EQUAL(lease_lowest_free(t, IPPROTO_TCP, 2000, 2300), 2300);
	CU_ASSERT_EQUAL(lease_lowest_free(t, IPPROTO_TCP, 2017, 2299), 0);
	CU_ASSERT_EQUAL(lease_lowest_free(t, IPPROTO_UDP, 2017, 2299), 2017);
	CU_ASSERT_EQUAL(lease_lowest_free(t, IPPROTO_TCP, 1999, 1999), 1999);
	CU_ASSERT_EQUAL(lease_lowest_free(t, IPPROTO_TCP, 2300, 2299), 0); /* no port at all */
	CU_ASSERT_EQUAL(lease_highest_free(t, IPPROTO_TCP, 1999, 2299), 1999);
	CU_ASSERT_EQUAL(lease_highest_free(t, IPPROTO_TCP, 2000, 2283), 0);
	CU_ASSERT_EQUAL(lease_highest_free(t, IPPROTO_UDP, 2000, 2283), 2283);
	CU_ASSERT_EQUAL(lease_highest_free(t, IPPROTO_TCP, 2000, 2300), 2300);
	CU_ASSERT_EQUAL(lease_highest_free(t, IPPROTO_TCP, 2300, 2299), 0);
	lease_table_free(t);
}

static const struct unit_test tests[] = {
	UNIT_TEST(the_nearest_free_port_is_found_between_two_others),
	UNIT_TEST(the_next_port_in_use_is_found),
	UNIT_TEST(a_lease_is_found_every_way),
	UNIT_TEST(a_key_is_given_once_and_the_table_is_bounded),
	UNIT_TEST(the_administrators_leases_use_no_quota),
	UNIT_TEST(restored_ids_are_kept_and_later_ones_are_greater),
	UNIT_TEST(ids_wrap_around_those_in_use),
	UNIT_TEST(a_page_goes_on_after_a_lease_that_is_gone),
	UNIT_TEST(exchange_twice_changes_nothing),
	UNIT_TEST(the_oldest_enabled_lease_owns_the_source_port),
	UNIT_TEST(remaining_seconds_are_rounded_up),
	UNIT_TEST(random_operations_agree_with_a_naive_model),
	UNIT_TEST(ten_thousand_leases_all_expire_in_order),
	UNIT_END,
};

int
main(void)
{
	return unit_run("lease", tests);
}
