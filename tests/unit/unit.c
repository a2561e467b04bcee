/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>

int
unit_run(const char *suite, const struct unit_test *tests)
{
	unsigned failed;
	CU_pSuite cu;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return EXIT_FAILURE;
	cu = CU_add_suite(suite, NULL, NULL);
	for (; cu && tests->name; tests++) {
		if (!CU_add_test(cu, tests->name, tests->run)) {
			fprintf(stderr, "%s: %s\n", tests->name, CU_get_error_msg());
			return EXIT_FAILURE;
		}
	}
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_tests_failed();
	printf(
	    "\n%s: %u passed, %u failed\n", suite, CU_get_number_of_tests_run() - failed, failed);
	CU_cleanup_registry();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
