/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "unit.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_MOUNT 77

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

int
unit_run_with_file(const char *suite, const struct unit_test *tests, char *path)
{
	int fd = mkstemp(path), rc;

	if (fd < 0) {
		perror(path);
		return EXIT_FAILURE;
	}
	close(fd);
	rc = unit_run(suite, tests);
	unlink(path);
	return rc;
}

bool
unit_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

bool
unit_enter_netns(const char *suite)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %u 1", (unsigned)getuid());
	if (unshare(CLONE_NEWNET) == 0 || (unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 &&
					      unit_write_file("/proc/self/uid_map", map)))
		return true;
	printf("%s: skipped: no right to make a network namespace (%s)\n", suite, strerror(errno));
	return false;
}

static int
with_small_disk(const char *dir, void (*body)(void))
{
	unsigned failed = CU_get_number_of_failures();

	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return NO_MOUNT;
	mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("tmpfs", dir, "tmpfs", 0, "size=256k") < 0)
		return NO_MOUNT;
	body();
	return CU_get_number_of_failures() == failed ? 0 : 1;
}

void
unit_on_small_disk(const char *dir, void (*body)(void))
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(with_small_disk(dir, body));
	waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_MOUNT)
		printf("(skipped: no mount namespace) ");
	else
		CU_ASSERT_EQUAL(status, 0);
}
