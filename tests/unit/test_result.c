/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ipc/result.h"
#include "unit.h"

#include <string.h>

static void
test_every_outcome_has_code_text_and_word(void)
{
	int i, j;

	for (i = 0; i < RESULT_COUNT; i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(result_upnp_text((enum result)i));
		CU_ASSERT_PTR_NOT_NULL_FATAL(result_str((enum result)i));
		CU_ASSERT_TRUE(i == RESULT_OK || result_upnp_code((enum result)i) >= 401);
		for (j = 0; j < i; j++) {
			/* WANIPv6FirewallControl has its own meaning for some numbers. */
			if ((i < RESULT_NO_PINHOLES_LEFT) == (j < RESULT_NO_PINHOLES_LEFT))
				CU_ASSERT_NOT_EQUAL(result_upnp_code((enum result)i),
				    result_upnp_code((enum result)j));
			CU_ASSERT_STRING_NOT_EQUAL(
			    result_str((enum result)i), result_str((enum result)j));
		}
	}
	CU_ASSERT_EQUAL(result_upnp_code(RESULT_OK), 0);
}

static void
test_words_are_fit_for_scripts(void)
{
	int i;

	for (i = 0; i < RESULT_COUNT; i++)
		CU_ASSERT_EQUAL(strspn(result_str((enum result)i), "abcdefghijklmnopqrstuvwxyz-"),
		    strlen(result_str((enum result)i)));
}

/* The ones that clients act on. */
static void
test_codes_and_texts_are_the_standards(void)
{
	CU_ASSERT_EQUAL(result_upnp_code(RESULT_CONFLICT), 718);
	CU_ASSERT_STRING_EQUAL(result_upnp_text(RESULT_CONFLICT), "ConflictInMappingEntry");
	CU_ASSERT_EQUAL(result_upnp_code(RESULT_NO_SUCH_INDEX), 713);
	CU_ASSERT_STRING_EQUAL(
	    result_upnp_text(RESULT_NO_SUCH_INDEX), "SpecifiedArrayIndexInvalid");
	CU_ASSERT_EQUAL(result_upnp_code(RESULT_NO_SUCH_ENTRY), 714);
	CU_ASSERT_STRING_EQUAL(result_upnp_text(RESULT_NO_SUCH_ENTRY), "NoSuchEntryInArray");
	CU_ASSERT_EQUAL(result_upnp_code(RESULT_NOT_AUTHORIZED), 606);
	CU_ASSERT_EQUAL(result_upnp_code(RESULT_NO_RESOURCES), 728);
	CU_ASSERT_EQUAL(result_upnp_code(RESULT_OTHER_MECHANISM), 729);
	CU_ASSERT_EQUAL(result_upnp_code(RESULT_NOT_FOUND), 730);
	CU_ASSERT_EQUAL(result_upnp_code(RESULT_WILDCARD_INT_PORT), 732);
	CU_ASSERT_EQUAL(result_upnp_code(RESULT_INCONSISTENT), 733);
	CU_ASSERT_EQUAL(result_upnp_code(RESULT_NO_SUCH_PINHOLE), 704);
	CU_ASSERT_EQUAL(result_upnp_code(RESULT_NO_TRAFFIC), 709);
	CU_ASSERT_STRING_EQUAL(result_upnp_text(RESULT_FAILED), "Action Failed");
}

static void
test_unknown_number_is_our_failure(void)
{
	CU_ASSERT_EQUAL(result_upnp_code((enum result)RESULT_COUNT), 501);
	CU_ASSERT_EQUAL(result_upnp_code((enum result) - 1), 501);
	CU_ASSERT_STRING_EQUAL(result_str((enum result)999), "failed");
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(every_outcome_has_code_text_and_word),
		UNIT_TEST(words_are_fit_for_scripts),
		UNIT_TEST(codes_and_texts_are_the_standards),
		UNIT_TEST(unknown_number_is_our_failure),
		UNIT_END,
	};

	return unit_run("result", tests);
}
