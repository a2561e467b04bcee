/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of changes with a fake system: settings are names and values in a table. */
#include "core/undo.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"

#define FORWARD "sysctl:net/ipv4/ip_forward"
#define ADDRESS "address:lan0:192.168.137.1/24"

static struct {
	char name[SETTING_NAME_MAX], value[SETTING_VALUE_MAX];
} system_has[8];

static char order[256]; /* what was set, in this order */
static int fail_set;
static char dir[] = "/tmp/test-undo-XXXXXX";

static char *
value_of(const char *name)
{
	size_t i;

	for (i = 0; i < 8; i++)
		if (strcmp(system_has[i].name, name) == 0)
			return system_has[i].value;
	return NULL;
}

static void
give(size_t i, const char *name, const char *value)
{
	strcpy(system_has[i].name, name);
	strcpy(system_has[i].value, value);
}

static int
fake_get(const char *name, char value[SETTING_VALUE_MAX])
{
	const char *now = value_of(name);

	if (now)
		strcpy(value, now);
	return now ? 0 : -ENODEV;
}

/* What is in the file at the moment when the system changes. */
static char file_then[256];

static void
read_file(char text[256])
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/changed", dir);
	f = fopen(path, "r");
	text[f ? fread(text, 1, 255, f) : 0] = '\0';
	if (f)
		fclose(f);
}

static int
fake_set(const char *name, const char *value)
{
	char *now = value_of(name);

	read_file(file_then);
	if (fail_set || !now)
		return fail_set ? fail_set : -ENODEV;
	strcpy(now, value);
	snprintf(order + strlen(order), sizeof(order) - strlen(order), "%s=%s ", name, value);
	return 0;
}

static const struct undo_ops ops = { fake_get, fake_set };

static struct undo *
begin(void)
{
	struct undo *undo;

	memset(system_has, 0, sizeof(system_has));
	give(0, FORWARD, "0");
	give(1, ADDRESS, "absent");
	order[0] = '\0';
	fail_set = 0;
	undo = undo_new(dir, &ops);
	CU_ASSERT_PTR_NOT_NULL_FATAL(undo);
	return undo;
}

static void
end(struct undo *undo)
{
	char text[256];

	undo_all(undo);
	undo_free(undo);
	read_file(text);
	CU_ASSERT_STRING_EQUAL(text, "");
}

static void
test_changes_are_put_back_the_last_first(void)
{
	struct undo *undo = begin();

	CU_ASSERT_EQUAL(undo_want(undo, FORWARD, "1"), 0);
	CU_ASSERT_EQUAL(undo_want(undo, ADDRESS, "present"), 0);
	CU_ASSERT_STRING_EQUAL(value_of(FORWARD), "1");
	CU_ASSERT_TRUE(undo_is_ours(undo, FORWARD));
	end(undo);
	CU_ASSERT_STRING_EQUAL(
	    order, FORWARD "=1 " ADDRESS "=present " ADDRESS "=absent " FORWARD "=0 ");
}

static void
test_what_was_so_already_stays_at_the_end(void)
{
	struct undo *undo = begin();

	give(0, FORWARD, "1");
	CU_ASSERT_EQUAL(undo_want(undo, FORWARD, "1"), 0);
	CU_ASSERT_FALSE(undo_is_ours(undo, FORWARD));
	end(undo);
	CU_ASSERT_STRING_EQUAL(order, "");
}

static void
test_what_others_changed_since_is_theirs(void)
{
	struct undo *undo = begin();

	undo_want(undo, FORWARD, "1");
	give(0, FORWARD, "2");
	end(undo);
	CU_ASSERT_STRING_EQUAL(value_of(FORWARD), "2");
}

static void
test_a_killed_core_leaves_word_for_the_next(void)
{
	struct undo *undo = begin();

	undo_want(undo, FORWARD, "1");
	undo_free(undo);
	undo = undo_new(dir, &ops);
	CU_ASSERT_PTR_NOT_NULL_FATAL(undo);
	CU_ASSERT_TRUE(undo_is_ours(undo, FORWARD));
	CU_ASSERT_EQUAL(undo_want(undo, FORWARD, "1"), 0);
	end(undo);
	CU_ASSERT_STRING_EQUAL(value_of(FORWARD), "0");
}

static void
test_the_file_is_written_before_the_change(void)
{
	struct undo *undo = begin();

	undo_want(undo, FORWARD, "1");
	CU_ASSERT_STRING_EQUAL(file_then, FORWARD " 0 1\n");
	end(undo);
}

static void
test_what_is_wanted_no_more_is_put_back(void)
{
	struct undo *undo = begin();

	undo_begin(undo);
	undo_want(undo, FORWARD, "1");
	undo_want(undo, ADDRESS, "present");
	undo_end(undo);
	undo_begin(undo);
	undo_want(undo, FORWARD, "1");
	undo_end(undo);
	CU_ASSERT_STRING_EQUAL(value_of(ADDRESS), "absent");
	CU_ASSERT_STRING_EQUAL(value_of(FORWARD), "1");
	CU_ASSERT_FALSE(undo_is_ours(undo, ADDRESS));
	end(undo);
}

static void
test_what_is_left_alone_or_forgotten_stays(void)
{
	struct undo *undo = begin();

	undo_want(undo, FORWARD, "1");
	undo_want(undo, ADDRESS, "present");
	give(0, FORWARD, "0");
	undo_begin(undo);
	undo_keep(undo, FORWARD); /* does not turn it on again */
	undo_forget(undo, ADDRESS);
	undo_end(undo);
	CU_ASSERT_STRING_EQUAL(value_of(FORWARD), "0");
	CU_ASSERT_STRING_EQUAL(value_of(ADDRESS), "present");
	CU_ASSERT_TRUE(undo_is_ours(undo, FORWARD));
	CU_ASSERT_FALSE(undo_is_ours(undo, ADDRESS));
	end(undo);
	CU_ASSERT_STRING_EQUAL(value_of(ADDRESS), "present");
}

static void
test_what_went_with_its_interface_is_made_again(void)
{
	struct undo *undo = begin();

	undo_want(undo, ADDRESS, "present");
	give(1, ADDRESS, "absent");
	CU_ASSERT_EQUAL(undo_want(undo, ADDRESS, "present"), 0);
	CU_ASSERT_STRING_EQUAL(value_of(ADDRESS), "present");
	system_has[1].name[0] = '\0';
	CU_ASSERT_EQUAL(undo_want(undo, ADDRESS, "present"), -ENODEV);
	end(undo);
}

static void
test_what_could_not_be_changed_is_not_put_back(void)
{
	struct undo *undo = begin();
	char text[256];

	fail_set = -EROFS;
	CU_ASSERT_EQUAL(undo_want(undo, FORWARD, "1"), -EROFS);
	CU_ASSERT_EQUAL(undo_want(undo, FORWARD, "1"), -EROFS);
	CU_ASSERT_FALSE(undo_is_ours(undo, FORWARD));
	read_file(text);
	CU_ASSERT_STRING_EQUAL(text, "");
	fail_set = 0;
	CU_ASSERT_EQUAL(undo_want(undo, FORWARD, "1"), 0);
	CU_ASSERT_TRUE(undo_is_ours(undo, FORWARD));
	end(undo);
	CU_ASSERT_STRING_EQUAL(order, FORWARD "=1 " FORWARD "=0 ");
}

static void
test_a_file_of_nonsense_is_passed_over(void)
{
	struct undo *undo;
	char path[64];
	FILE *f;
	int i;

	snprintf(path, sizeof(path), "%s/changed", dir);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs("one\n\n" FORWARD " 0 1\n", f);
	for (i = 0; i < 100; i++)
		fprintf(f, "x:%d a b\n", i);
	fclose(f);
	undo = begin();
	CU_ASSERT_TRUE(undo_is_ours(undo, FORWARD));
	end(undo);
}

static const struct unit_test tests[] = {
	UNIT_TEST(changes_are_put_back_the_last_first),
	UNIT_TEST(what_was_so_already_stays_at_the_end),
	UNIT_TEST(what_others_changed_since_is_theirs),
	UNIT_TEST(a_killed_core_leaves_word_for_the_next),
	UNIT_TEST(the_file_is_written_before_the_change),
	UNIT_TEST(what_is_wanted_no_more_is_put_back),
	UNIT_TEST(what_is_left_alone_or_forgotten_stays),
	UNIT_TEST(what_went_with_its_interface_is_made_again),
	UNIT_TEST(what_could_not_be_changed_is_not_put_back),
	UNIT_TEST(a_file_of_nonsense_is_passed_over),
	UNIT_END,
};

int
main(void)
{
	int rc;

	log_open("test", LOG_LEVEL_ERROR);
	if (!mkdtemp(dir))
		return EXIT_FAILURE;
	rc = unit_run("undo", tests);
	rmdir(dir);
	return rc;
}
