/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/identity.h"
#include "fakes.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/test_identity.XXXXXX";

static void
test_the_machine_id_decides_and_is_not_shown(void)
{
	uint8_t one[16], again[16], other[16];
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_TRUE_FATAL(unit_write_file(path, "0123456789abcdef0123456789abcdef\n"));
	CU_ASSERT_EQUAL(identity_uuid(&f.store.store, path, one), 0);
	CU_ASSERT_EQUAL(identity_uuid(&f.store.store, path, again), 0);
	CU_ASSERT_TRUE_FATAL(unit_write_file(path, "0123456789abcdef0123456789abcde0\n"));
	CU_ASSERT_EQUAL(identity_uuid(&f.store.store, path, other), 0);
	CU_ASSERT_EQUAL(memcmp(one, again, 16), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(one, other, 16), 0);
	CU_ASSERT_EQUAL(one[6] >> 4, 5); /* RFC 4122 4.3 */
	CU_ASSERT_NOT_EQUAL(memcmp(one, "\x01\x23\x45\x67", 4), 0);
	CU_ASSERT_EQUAL(f.store.meta_size, 0);
	fixture_exit(&f);
}

static void
test_without_machine_id_a_random_name_is_kept(void)
{
	static const char *const none[] = { "", "uninitialized\n", "0123456789ABCDEF\n",
		"00000000000000000000000000000000\n" };
	uint8_t first[16], uuid[16];
	struct fixture f;
	size_t i;

	fixture_init(&f);
	CU_ASSERT_EQUAL(identity_uuid(&f.store.store, "/nonexistent", first), 0);
	CU_ASSERT_EQUAL(first[6] >> 4, 4);
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		CU_ASSERT_TRUE_FATAL(unit_write_file(path, none[i]));
		CU_ASSERT_EQUAL(identity_uuid(&f.store.store, path, uuid), 0);
		CU_ASSERT_EQUAL(memcmp(uuid, first, 16), 0);
	}
	fixture_exit(&f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(the_machine_id_decides_and_is_not_shown),
	UNIT_TEST(without_machine_id_a_random_name_is_kept),
	UNIT_END,
};

int
main(void)
{
	return unit_run_with_file("identity", tests, path);
}
