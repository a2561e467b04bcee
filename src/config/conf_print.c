/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration as a file, with the help of the tables as comments. */
#include "config/conf_keys.h"
#include "config/conf_preset.h"
#include "config/conf_service.h"

#include <stdlib.h>
#include <string.h>

/* Each line of @text behind @before. */
static void
print_lines(const char *before, const char *text, FILE *out)
{
	const char *end;

	for (; text && *text; text = end ? end + 1 : NULL) {
		end = strchr(text, '\n');
		fprintf(out, "%s%.*s\n", before, end ? (int)(end - text) : (int)strlen(text), text);
	}
}

static void
print_legal(const char *before, const struct conf_key *key, FILE *out)
{
	char legal[CONF_WHY_MAX];

	conf_key_legal(key, legal);
	if (key->fallback)
		fprintf(out, "%sLegal: %s. Default: %s\n", before, legal, key->fallback);
	else
		fprintf(out, "%sLegal: %s. Must be given.\n", before, legal);
}

static void
print_key(const struct conf *conf, const struct conf_key *key, FILE *out)
{
	fputc('\n', out);
	print_lines("# ", key->help, out);
	print_legal("# ", key, out);
	fprintf(out, "%s = ", key->name);
	conf_key_print(conf, key, out);
	fputc('\n', out);
}

static void
print_entry(const struct conf_section *section, const struct conf_entry *entry,
    const void *defaults, const char *before, FILE *out)
{
	const struct conf_key *key;

	fprintf(out, "%s%s \"%s\" {\n", before, section->name, entry->title);
	for (key = section->fields; key->name; key++) {
		if (conf_key_same(entry, defaults, key))
			continue;
		fprintf(out, "%s\t%s = ", before, key->name);
		conf_key_print(entry, key, out);
		fputc('\n', out);
	}
	fprintf(out, "%s}\n", before);
}

static void
print_section(const struct conf *conf, const struct conf_section *section, FILE *out)
{
	size_t i, n = conf_section_count(conf, section);
	void *defaults = calloc(1, section->stride);
	const struct conf_key *key;

	fputc('\n', out);
	print_lines("# ", section->help, out);
	fprintf(out, "# Legal: at most %zu of %s \"NAME\" { key = value ... }, with these keys:\n",
	    section->most, section->name);
	for (key = section->fields; key->name; key++) {
		fprintf(out, "#   %s\n", key->name);
		print_lines("#     ", key->help, out);
		print_legal("#     ", key, out);
	}
	if (n == 0 && section->example)
		print_lines("#", section->example, out);
	if (defaults)
		conf_defaults(defaults, section->fields);
	for (i = 0; defaults && i < n; i++)
		print_entry(section, conf_section_at(conf, section, i), defaults, "", out);
	free(defaults);
}

/* As comments, what the names in use stand for. */
static void
print_preset(const struct conf_preset *preset, const char *name, FILE *out)
{
	const struct conf_section *section = conf_section_find("rule");
	struct conf_rule defaults = { .action = CONF_ACTION_NONE };
	size_t i;

	conf_defaults(&defaults, section->fields);
	fprintf(out, "\n# The preset \"%s\" stands for:\n", name);
	for (i = 0; i < preset->n_rules; i++)
		print_entry(section, &preset->rules[i].head, &defaults, "#", out);
}

/* As comments, what the built-in names mean, but for those that the file gives another meaning. */
static void
print_services(const struct conf *conf, FILE *out)
{
	const struct conf_section *section = conf_section_find("service");
	const struct conf_service *service;
	struct conf_service defaults = { .n_tcp = 0 };
	size_t i;

	conf_defaults(&defaults, section->fields);
	fputs("\n# The services that are built in; a section of the same name takes the place of "
	      "one:\n",
	    out);
	for (i = 0; (service = conf_service_builtin(i)); i++)
		if (conf_service_find(conf, service->head.title) == service)
			print_entry(section, &service->head, &defaults, "#", out);
}

void
conf_print(const struct conf *conf, FILE *out)
{
	const struct conf_section *section;
	const struct conf_key *key;
	enum conf_preset_id i;

	fputs("# Configuration of portreeved, see portreeve.conf(5).\n", out);
	for (key = conf_keys; key->name; key++)
		print_key(conf, key, out);
	for (section = conf_sections; section->name; section++)
		print_section(conf, section, out);
	print_services(conf, out);
	for (i = CONF_PRESET_NONE + 1; i < CONF_PRESET_COUNT; i++)
		if (conf_preset_is_used(conf, i))
			print_preset(&conf_presets[i], conf_preset_words[i], out);
}
