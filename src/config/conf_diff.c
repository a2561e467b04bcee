/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is different in two configurations, for who reloads. */
#include <stdio.h>
#include <string.h>

#include "config/conf_keys.h"

struct diff {
	void (*differs)(void *arg, const char *what);
	void *arg;
};

static void
tell(const struct diff *d, const struct conf_section *section, const struct conf_entry *entry,
    const char *how)
{
	char text[128];

	snprintf(text, sizeof(text), "%s \"%s\" (%s)", section->name, entry->title, how);
	d->differs(d->arg, text);
}

static bool
same_entry(
    const struct conf_section *section, const struct conf_entry *a, const struct conf_entry *b)
{
	const struct conf_key *key;

	for (key = section->fields; key->name; key++)
		if (!conf_key_same(a, b, key))
			return false;
	return true;
}

/* Its place among those of @conf that @other has as well. */
static size_t
place_of(const struct conf *conf, const struct conf *other, const struct conf_section *section,
    const char *title)
{
	size_t i, place = 0;
	const struct conf_entry *entry;

	for (i = 0; i < conf_section_count(conf, section); i++) {
		entry = conf_section_at(conf, section, i);
		if (strcmp(entry->title, title) == 0)
			break;
		place += conf_section_entry(other, section, entry->title) != NULL;
	}
	return place;
}

static void
diff_section(const struct conf *old, const struct conf *fresh, const struct conf_section *section,
    const struct diff *d)
{
	const struct conf_entry *a, *b;
	size_t i;

	for (i = 0; i < conf_section_count(old, section); i++) {
		a = conf_section_at(old, section, i);
		if (!conf_section_entry(fresh, section, a->title))
			tell(d, section, a, "gone");
	}
	for (i = 0; i < conf_section_count(fresh, section); i++) {
		b = conf_section_at(fresh, section, i);
		a = conf_section_entry(old, section, b->title);
		if (!a)
			tell(d, section, b, "new");
		else if (!same_entry(section, a, b))
			tell(d, section, b, "changed");
		else if (place_of(old, fresh, section, b->title) !=
			 place_of(fresh, old, section, b->title))
			tell(d, section, b, "moved");
	}
}

void
conf_diff(const struct conf *old, const struct conf *fresh,
    void (*differs)(void *arg, const char *what), void *arg)
{
	const struct diff d = { differs, arg };
	const struct conf_section *section;
	const struct conf_key *key;

	for (key = conf_keys; key->name; key++)
		if (!conf_key_same(old, fresh, key))
			differs(arg, key->name);
	for (section = conf_sections; section->name; section++)
		diff_section(old, fresh, section, &d);
}
