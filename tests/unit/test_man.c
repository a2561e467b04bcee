/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manual pages and the tables in the programs say the same. */
#include "config/conf_keys.h"
#include "config/conf_preset.h"
#include "ctl/ctl.h"
#include "supervisor/options.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 128

/* A page as its lines; items are those that begin with ".It ". */
struct page {
	char text[64 * 1024];
	char *items[ITEMS_MAX];
	size_t n_items;
};

static void
page_load(struct page *page, const char *name)
{
	char path[512], *line;
	FILE *f;

	memset(page, 0, sizeof(*page));
	snprintf(path, sizeof(path), MANDIR "/%s", name);
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	page->text[fread(page->text, 1, sizeof(page->text) - 1, f)] = '\0';
	fclose(f);
	for (line = page->text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, ".It ", 4) == 0 && page->n_items < ITEMS_MAX)
			page->items[page->n_items++] = line + 4;
	}
}

/* Does the line at @line go on after @head with an end or a blank? */
static bool
begins(const char *line, const char *head)
{
	size_t n = strlen(head);

	return strncmp(line, head, n) == 0 && strchr(" \n", line[n]);
}

/* The item whose line begins with @head, or NULL; one only may. */
static const char *
page_item(const struct page *page, const char *head)
{
	const char *found = NULL;
	size_t i;

	for (i = 0; i < page->n_items; i++) {
		if (!begins(page->items[i], head))
			continue;
		CU_ASSERT_PTR_NULL(found);
		found = page->items[i];
	}
	if (!found)
		printf("\nno item for: %s\n", head);
	CU_ASSERT_PTR_NOT_NULL(found);
	return found;
}

/* Is @want in the text of the item, up to the next one? */
static bool
item_says(const char *item, const char *want)
{
	const char *end = strstr(item, "\n.It ");
	const char *at = strstr(item, want);

	if (!at || (end && at > end))
		printf("\nmissing: %s\n", want);
	return at && (!end || at < end);
}

/* Items of a kind, to find those that the programs do not know. */
static size_t
page_count(const struct page *page, const char *head)
{
	size_t i, n = 0;

	for (i = 0; i < page->n_items; i++)
		n += strncmp(page->items[i], head, strlen(head)) == 0;
	return n;
}

/* Items of @keys, "Cm KEY =" or "Va SECTION.KEY =". Returns their number. */
static size_t
check_keys(const struct page *page, const char *before, const struct conf_key *keys)
{
	char head[128], want[512], legal[CONF_WHY_MAX];
	const struct conf_key *key;
	const char *item;

	for (key = keys; key->name; key++) {
		snprintf(head, sizeof(head), "%s%s =", before, key->name);
		item = page_item(page, head);
		if (key->fallback)
			snprintf(want, sizeof(want), "\nLegal: %s. Default: %s\n",
			    conf_key_legal(key, legal), key->fallback);
		else
			snprintf(want, sizeof(want), "\nLegal: %s. Must be given.\n",
			    conf_key_legal(key, legal));
		CU_ASSERT_TRUE(item && item_says(item, want));
	}
	return (size_t)(key - keys);
}

static void
test_every_key_has_its_place_with_range_and_default(void)
{
	struct page page;

	page_load(&page, "portreeve.conf.5");
	CU_ASSERT_EQUAL(page_count(&page, "Cm "), check_keys(&page, "Cm ", conf_keys));
}

static void
test_every_section_has_its_place_with_its_keys(void)
{
	const struct conf_section *section;
	size_t n = 0, n_fields = 0;
	struct page page;
	char head[128], want[64];
	const char *item;

	page_load(&page, "portreeve.conf.5");
	for (section = conf_sections; section->name; section++, n++) {
		snprintf(head, sizeof(head), "Ic %s Ar", section->name);
		item = page_item(&page, head);
		snprintf(want, sizeof(want), "At most %zu.\n", section->most);
		CU_ASSERT_TRUE(item && item_says(item, want));
		snprintf(head, sizeof(head), "Va %s.", section->name);
		n_fields += check_keys(&page, head, section->fields);
	}
	CU_ASSERT_EQUAL(page_count(&page, "Ic "), n);
	CU_ASSERT_EQUAL(page_count(&page, "Va "), n_fields);
}

/* "NAME Ta TCP and UDP Ta 1, 2-3" for each rule, as the preset has it. */
static void
test_every_preset_is_told_with_its_ports(void)
{
	static const char *const protocols[] = { "TCP and UDP", "TCP", "UDP" };
	const struct conf_section *section = conf_section_find("rule");
	const struct conf_key *internal = conf_key_find(section->fields, "internal_port");
	char head[256], ports[128];
	enum conf_preset_id id;
	struct page page;
	size_t i;

	page_load(&page, "portreeve.conf.5");
	for (id = CONF_PRESET_NONE + 1; id < CONF_PRESET_COUNT; id++) {
		snprintf(head, sizeof(head), "Li %s", conf_preset_words[id]);
		page_item(&page, head);
		for (i = 0; i < conf_presets[id].n_rules; i++) {
			const struct conf_rule *rule = &conf_presets[id].rules[i];
			FILE *f = fmemopen(ports, sizeof(ports), "w");

			conf_key_print(rule, internal, f);
			fclose(f);
			ports[strlen(ports) - 1] = '\0'; /* the braces */
			snprintf(head, sizeof(head), "%s Ta %s Ta %s", rule->head.title,
			    rule->action == CONF_DENY ? "denied" : protocols[rule->protocol],
			    rule->n_internal            ? ports + 1
			    : rule->action == CONF_DENY ? "all"
							: "any");
			page_item(&page, head);
		}
	}
}

static void
test_every_verb_has_its_place_with_its_words(void)
{
	const struct ctl_verb *verb;
	char head[128], *c;
	struct page page;
	size_t n = 0;

	page_load(&page, "portreeve.1");
	for (verb = ctl_verbs; verb->name; verb++, n++) {
		snprintf(head, sizeof(head), "Cm %s%s%s", verb->name, *verb->words ? " Ar " : "",
		    verb->words);
		c = strchr(head, '['); /* mdoc spells what may be left out in its own way */
		if (c && c > head + 4 && strncmp(c - 4, " Ar ", 4) == 0)
			c -= 4; /* all of it may be left out */
		if (c)
			*c = '\0';
		page_item(&page, head);
	}
	CU_ASSERT_EQUAL(page_count(&page, "Cm "), n);
}

static void
test_every_option_of_the_cli_has_its_place(void)
{
	const struct ctl_option *option;
	struct page page;
	char head[128];
	size_t n = 0;

	page_load(&page, "portreeve.1");
	for (option = ctl_options; option->name; option++, n++) {
		snprintf(head, sizeof(head), "Fl -%s%s%s", option->name,
		    option->value ? " Ar " : "", option->value ? option->value : "");
		page_item(&page, head);
	}
	CU_ASSERT_EQUAL(page_count(&page, "Fl "), n);
}

/* An option of the daemon may follow its short form: "Fl c Ar FILE , Fl -config Ar FILE". */
static void
test_every_option_of_the_daemon_has_its_place(void)
{
	const struct option *option;
	struct page page;
	size_t n = 0, i, found;
	char name[128], *at;

	page_load(&page, "portreeved.8");
	for (option = options_long; option->name; option++, n++) {
		snprintf(name, sizeof(name), "Fl -%s", option->name);
		for (found = i = 0; i < page.n_items; i++) {
			at = strstr(page.items[i], name);
			found += at && at < strchr(page.items[i], '\n') && begins(at, name);
		}
		if (found != 1)
			printf("\nno item for: --%s\n", option->name);
		CU_ASSERT_EQUAL(found, 1);
	}
	CU_ASSERT_EQUAL(page_count(&page, "Fl "), n);
}

static const struct unit_test tests[] = {
	UNIT_TEST(every_key_has_its_place_with_range_and_default),
	UNIT_TEST(every_section_has_its_place_with_its_keys),
	UNIT_TEST(every_preset_is_told_with_its_ports),
	UNIT_TEST(every_verb_has_its_place_with_its_words),
	UNIT_TEST(every_option_of_the_cli_has_its_place),
	UNIT_TEST(every_option_of_the_daemon_has_its_place),
	UNIT_END,
};

int
main(void)
{
	return unit_run("man", tests);
}
