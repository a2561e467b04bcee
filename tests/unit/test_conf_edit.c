/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/conf_edit.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static void
expect(const char *text, const char *key, const char *value, const char *want)
{
	char *got = conf_edit_set(text, key, value);

	CU_ASSERT_PTR_NOT_NULL_FATAL(got);
	CU_ASSERT_STRING_EQUAL(got, want);
	if (strcmp(got, want) != 0)
		printf("\nof: %s\ngot: %s\nwant: %s\n", text, got, want);
	free(got);
}

static void
test_a_key_is_changed_in_its_place(void)
{
	expect("wan = ppp0\n", "wan", "\"eth0\"", "wan = \"eth0\"\n");
	expect("a = 1\n  wan=\"ppp0\" # dsl\nb = 2", "wan", "\"eth0\"",
	    "a = 1\n  wan = \"eth0\" # dsl\nb = 2");
	expect("lan = {\"a\",\n  b, # two }\n c}\nx = 1\n", "lan", "{\"d\"}",
	    "lan = {\"d\"}\nx = 1\n");
	expect("wan /* here */ = // there\n ppp0\n", "wan", "e", "wan = e\n");
	expect("on_connect = \"/x = {\" wan = a", "wan", "b", "on_connect = \"/x = {\" wan = b");
}

static void
test_only_the_key_itself_is_changed(void)
{
	expect("# wan = no\n// wan = no\n/* wan = no */\nwanted = 1\nx = \"wan = no\"\nwan = a\n",
	    "wan", "b",
	    "# wan = no\n// wan = no\n/* wan = no */\nwanted = 1\nx = \"wan = no\"\nwan = b\n");
	expect("rule \"wan = 1\" {\n\twan = a\n\tlan = {b}\n}\n", "wan", "c",
	    "rule \"wan = 1\" {\n\twan = a\n\tlan = {b}\n}\nwan = c\n");
	expect("rule wan {\n}\nwan = a", "wan", "c", "rule wan {\n}\nwan = c");
}

static void
test_a_new_key_comes_behind_its_example_or_at_the_end(void)
{
	expect("# Share.\n#share = no\n\n#wan = \"\"\n", "share", "yes",
	    "# Share.\n#share = no\nshare = yes\n\n#wan = \"\"\n");
	expect("#share = no", "share", "yes", "#share = no\nshare = yes\n");
	expect("", "share", "yes", "share = yes\n");
	expect("a = 1", "share", "yes", "a = 1\nshare = yes\n");
	expect("#shared = no\na = 1\n", "share", "yes", "#shared = no\na = 1\nshare = yes\n");
}

static void
test_texts_that_are_cut_off_do_no_harm(void)
{
	static const char *const texts[] = { "wan", "wan =", "wan = \"", "wan = {", "wan = {\"",
		"/*", "{", "}", "=", "\"", "wan = /*", "#", "\\" };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(conf_edit_set(texts[i], "wan", "x"));
	CU_PASS("no crash");
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_key_is_changed_in_its_place),
	UNIT_TEST(only_the_key_itself_is_changed),
	UNIT_TEST(a_new_key_comes_behind_its_example_or_at_the_end),
	UNIT_TEST(texts_that_are_cut_off_do_no_harm),
	UNIT_END,
};

int
main(void)
{
	return unit_run("conf_edit", tests);
}
