/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every unit test program shares: a list of named tests, run by CUnit.
 *
 *	static const struct unit_test tests[] = {
 *		UNIT_TEST(kernel_refusal_leaves_no_trace),	// runs test_kernel_refusal_...()
 *		UNIT_END,
 *	};
 *	int main(void) { return unit_run("mapping", tests); }
 */
#ifndef PORTREEVE_TESTS_UNIT_H
#define PORTREEVE_TESTS_UNIT_H

#include <CUnit/CUnit.h>
#include <stdbool.h>

struct unit_test {
	const char *name;
	void (*run)(void);
};

#define UNIT_TEST(name)                                                                            \
	{                                                                                          \
#name, test_##name                                                                 \
	}
#define UNIT_END                                                                                   \
	{                                                                                          \
		NULL, NULL                                                                         \
	}

/*
 * Runs @tests as one suite, prints each failed assertion and closes with
 * "SUITE: N passed, N failed" on stdout. Returns the exit status for main().
 */
int unit_run(const char *suite, const struct unit_test *tests);

/* Makes @path hold @text and nothing else. False: it could not, with errno. */
bool unit_write_file(const char *path, const char *text);

#define UNIT_SKIPPED 77 /* exit status of a program that cannot run here */

/* The same with an empty file at @path, a template of mkstemp(), while they run. */
int unit_run_with_file(const char *suite, const struct unit_test *tests, char *path);

/*
 * Makes the caller root in a network namespace: a real root's, or that of a user namespace of its
 * own. False, after a line on stdout: neither is permitted, so the program is to be skipped.
 */
bool unit_enter_netns(const char *suite);

/*
 * Runs @body with a disk of 256 KiB mounted at @dir, in a child that has mounts of its own; what
 * fails there fails here. Where no mount is permitted it says so and passes.
 */
void unit_on_small_disk(const char *dir, void (*body)(void));

#endif
