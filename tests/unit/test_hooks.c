/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real processes: scripts in a directory of the test's own. */
#include "supervisor/hooks.h"
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"

static char dir[64];
static struct hooks hooks;

/* Writes DIR/NAME, to be run by the shell. */
static void
script(const char *name, const char *body)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f, "#!/bin/sh\n%s\n", body);
	fclose(f);
	chmod(path, 0755);
}

static const char *
content(const char *name)
{
	static char text[512];
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	text[f ? fread(text, 1, sizeof(text) - 1, f) : 0] = '\0';
	if (f)
		fclose(f);
	return text;
}

/* @args follow the script's path. */
static void
start(const char *up_args, int limit_ms)
{
	static char up[256], down[256];
	static const char *commands[2] = { up, down };

	log_set_level(LOG_LEVEL_ERROR);
	snprintf(up, sizeof(up), "%s/up%s", dir, up_args);
	snprintf(down, sizeof(down), "%s/down", dir);
	CU_ASSERT_EQUAL_FATAL(hooks_start(&hooks, commands, limit_ms), 0);
	CU_ASSERT_TRUE(hooks.fd >= 0);
}

static void
setup(void)
{
	strcpy(dir, "/tmp/test_hooks.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
}

static void
teardown(void)
{
	char cmd[128];

	hooks_stop(&hooks);
	wait(NULL);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	CU_ASSERT_EQUAL(system(cmd), 0);
}

static void
run(bool disconnect)
{
	struct msg_hook hook = { .disconnect = disconnect, .wan_interface = "ppp0" };

	CU_ASSERT_EQUAL(hooks_run(&hooks, &hook), 0);
}

/* What came of a wish, within the deadline of a slow machine. */
static void
expect(bool disconnect, bool ok)
{
	struct pollfd pfd = { .fd = hooks.fd, .events = POLLIN };
	struct msg_hook done = { .disconnect = 2 };

	CU_ASSERT_EQUAL(poll(&pfd, 1, 10000), 1);
	CU_ASSERT_EQUAL(hooks_read(&hooks, &done), 1);
	CU_ASSERT_EQUAL(done.disconnect, disconnect);
	CU_ASSERT_EQUAL(done.ok, ok);
	CU_ASSERT_STRING_EQUAL(done.wan_interface, "ppp0");
}

static void
test_a_command_runs_with_its_words_and_environment(void)
{
	char want[256];

	setup();
	script("up", "echo \"$# $1 $2 $PORTREEVE_WAN $PORTREEVE_ACTION $HOME\" >\"${0%/*}/out\"");
	script("down", "echo \"$PORTREEVE_ACTION\" >\"${0%/*}/out\"");
	start(" -v  $HOME", 10000);
	run(false);
	expect(false, true);
	snprintf(want, sizeof(want), "2 -v $HOME ppp0 connect \n"); /* no shell expands it */
	CU_ASSERT_STRING_EQUAL(content("out"), want);
	run(true);
	expect(true, true);
	CU_ASSERT_STRING_EQUAL(content("out"), "disconnect\n");
	teardown();
}

static void
test_what_fails_is_told(void)
{
	setup();
	script("up", "exit 3");
	start("", 10000);
	run(false);
	expect(false, false);
	log_set_level(LOG_LEVEL_ERROR);
	run(true); /* there is no such file */
	expect(true, false);
	teardown();
}

static void
test_a_command_that_takes_too_long_is_killed_with_its_children(void)
{
	setup();
	script("up", "(sleep 100; echo late >\"${0%/*}/out\") & echo $! >\"${0%/*}/pid\"; wait");
	start("", 300);
	run(false);
	expect(false, false);
	CU_ASSERT_TRUE(atoi(content("pid")) == 0 || kill(atoi(content("pid")), 0) < 0 ||
		       strstr(content("out"), "late") == NULL);
	teardown();
}

static void
test_another_wish_ends_the_command_under_way(void)
{
	setup();
	script("up", "sleep 100");
	script("down", "true");
	start("", 10000);
	run(false);
	run(true);
	expect(false, false);
	expect(true, true);
	teardown();
}

static void
test_without_commands_there_is_no_process(void)
{
	static const char *const none[2] = { "", "" };
	struct msg_hook hook = { .disconnect = 0 };

	CU_ASSERT_EQUAL(hooks_start(&hooks, none, 1000), 0);
	CU_ASSERT_EQUAL(hooks.fd, -1);
	CU_ASSERT_EQUAL(hooks_run(&hooks, &hook), -ENOENT);
	hooks_stop(&hooks);
}

static void
test_the_process_ends_with_its_supervisor(void)
{
	setup();
	script("up", "true");
	start("", 10000);
	hooks_stop(&hooks);
	CU_ASSERT_TRUE(wait(NULL) > 0);
	teardown();
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(a_command_runs_with_its_words_and_environment),
		UNIT_TEST(what_fails_is_told),
		UNIT_TEST(a_command_that_takes_too_long_is_killed_with_its_children),
		UNIT_TEST(another_wish_ends_the_command_under_way),
		UNIT_TEST(without_commands_there_is_no_process),
		UNIT_TEST(the_process_ends_with_its_supervisor),
		UNIT_END,
	};

	return unit_run("hooks", tests);
}
