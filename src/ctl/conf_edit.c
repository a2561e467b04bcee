/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/conf_edit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Behind the comment at @p, or NULL: there is none. */
static const char *
skip_comment(const char *p)
{
	const char *end;

	if (p[0] == '#' || (p[0] == '/' && p[1] == '/'))
		return p + strcspn(p, "\n");
	if (p[0] != '/' || p[1] != '*')
		return NULL;
	end = strstr(p + 2, "*/");
	return end ? end + 2 : p + strlen(p);
}

/* Behind the quoted text at @p, or NULL: there is none. */
static const char *
skip_quoted(const char *p)
{
	char mark = *p;

	if (mark != '"' && mark != '\'')
		return NULL;
	for (p++; *p && *p != mark; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : p;
}

static const char *
skip_blanks(const char *p)
{
	const char *next;

	for (;;) {
		p += strspn(p, " \t\r\n");
		next = skip_comment(p);
		if (!next)
			return p;
		p = next;
	}
}

/* Of a key, or of a value without quotes. */
static size_t
word_length(const char *p)
{
	return strcspn(p, " \t\r\n#\"'{}()=,+");
}

/* Behind the braces that open at @p, and all within. */
static const char *
skip_braces(const char *p)
{
	const char *next;
	int depth = 0;

	do {
		next = skip_comment(p);
		if (!next)
			next = skip_quoted(p);
		if (!next) {
			depth += (*p == '{') - (*p == '}');
			next = p + 1;
		}
		p = next;
	} while (*p && depth > 0);
	return p;
}

/* The first thing behind blanks: a word, a quoted text or a pair of braces. Behind it. */
static const char *
skip_thing(const char *p)
{
	const char *next = skip_quoted(p);
	size_t n;

	if (next)
		return next;
	if (*p == '{')
		return skip_braces(p);
	n = word_length(p);
	return n ? p + n : p + (*p != '\0');
}

/* "KEY = value" outside of any section: from *@begin to *@end. */
static bool
find_key(const char *text, const char *key, const char **begin, const char **end)
{
	const char *p = skip_blanks(text), *next;
	size_t n = strlen(key);

	for (; *p; p = skip_blanks(next)) {
		next = skip_thing(p);
		if ((size_t)(next - p) != n || strncmp(p, key, n) != 0)
			continue;
		*begin = p;
		p = skip_blanks(next);
		if (*p != '=')
			continue;
		*end = skip_thing(skip_blanks(p + 1));
		return true;
	}
	return false;
}

/* Behind the line "#KEY = ...", or the end. */
static const char *
find_example(const char *text, const char *key)
{
	size_t n = strlen(key);
	const char *line;

	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (line[0] == '#' && strncmp(line + 1, key, n) == 0 &&
		    line[1 + n + strspn(line + 1 + n, " ")] == '=') {
			line += strcspn(line, "\n");
			return *line ? line + 1 : line;
		}
	}
	return text + strlen(text);
}

char *
conf_edit_set(const char *text, const char *key, const char *value)
{
	const char *begin, *end, *feed = "";
	bool there = find_key(text, key, &begin, &end);
	char *out = NULL;

	if (!there) {
		begin = end = find_example(text, key);
		if (begin > text && begin[-1] != '\n')
			feed = "\n";
	}
	if (asprintf(&out, "%.*s%s%s = %s%s%s", (int)(begin - text), text, feed, key, value,
		there ? "" : "\n", end) < 0)
		return NULL;
	return out;
}
