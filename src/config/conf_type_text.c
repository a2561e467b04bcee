/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types of keys that are names, paths and texts, which others will read: what these would take for
 * something else is not legal. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "config/conf_type.h"
#include "lib/compiler.h"
#include "lib/utf8.h"

/*
 * What the kernel takes as a name (dev_valid_name), less what a file or a terminal would take for
 * something else.
 */
static int
parse_ifname(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
{
	const char *p;

	if (strlen(text) >= IFNAMSIZ || !strcmp(text, ".") || !strcmp(text, ".."))
		return -EINVAL;
	for (p = text; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("/:\"\\$", *p))
			return -EINVAL;
	strcpy(v->text, text);
	return 0;
}

static void
print_quoted(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	const char *p;

	fputc('"', out);
	for (p = value; *p; p++)
		fprintf(out, "%s%c", strchr("\"\\$", *p) ? "\\" : "", *p);
	fputc('"', out);
}

const struct conf_type_spec conf_type_ifname = {
	.size = IFNAMSIZ,
	.parse = parse_ifname,
	.print = print_quoted,
	.one = "an interface's name",
	.many = "interfaces' names",
	.wrong = "cannot be the name of an interface",
};

static int
parse_user(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
{
	const char *p;

	if (*text == '-' || strlen(text) >= sizeof(((struct conf *)0)->worker_user))
		return -EINVAL;
	for (p = text; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("/:,\"\\$", *p))
			return -EINVAL;
	strcpy(v->text, text);
	return 0;
}

const struct conf_type_spec conf_type_user = {
	.size = sizeof(((struct conf *)0)->worker_user),
	.parse = parse_user,
	.print = print_quoted,
	.one = "a user's name, at most 31 octets",
	.many = "users' names",
	.wrong = "cannot be the name of a user",
};

/* RFC 1123 2.1: labels of letters, digits and hyphens, the latter inside only. */
static int
parse_domain(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
{
	const char *p;

	if (strlen(text) >= CONF_DOMAIN_MAX)
		return -E2BIG;
	for (p = text; *p; p++) {
		bool inside = p > text && p[-1] != '.' && p[1] && p[1] != '.';

		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || (inside && (*p == '-' || *p == '.'))))
			return -EINVAL;
	}
	strcpy(v->text, text);
	return 0;
}

const struct conf_type_spec conf_type_domain = {
	.size = CONF_DOMAIN_MAX,
	.parse = parse_domain,
	.print = print_quoted,
	.one = "the name of a domain, at most 63 octets",
	.many = "domains' names",
	.wrong = "cannot be the name of a domain",
};

static int
parse_file(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
{
	const size_t len = strlen(text);
	size_t i;

	if (len >= CONF_FILE_MAX)
		return -E2BIG;
	if (*text != '/' || text[len - 1] == '/')
		return -EINVAL;
	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f || strchr("\"\\$", text[i]))
			return -EINVAL;
	strcpy(v->text, text);
	return 0;
}

const struct conf_type_spec conf_type_file = {
	.size = CONF_FILE_MAX,
	.parse = parse_file,
	.print = print_quoted,
	.one = "the absolute path of a file",
	.many = "paths of files",
	.wrong = "is not the path of a file",
};

/* Words between blanks; no shell reads it, so what only a shell understands is somebody's mistake.
 */
static int
parse_command(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
{
	const char *p;

	if (strlen(text) >= CONF_COMMAND_MAX)
		return -E2BIG;
	if (*text != '/')
		return -EINVAL;
	for (p = text; *p; p++)
		if (*p < ' ' || *p == 0x7f || strchr("\"'\\$`|&;<>*?", *p))
			return -EINVAL;
	strcpy(v->text, text);
	return 0;
}

const struct conf_type_spec conf_type_command = {
	.size = CONF_COMMAND_MAX,
	.parse = parse_command,
	.print = print_quoted,
	.one = "the absolute path of a program and its arguments",
	.many = "commands",
	.wrong = "is no command that can be run without a shell",
};

/* What nft(8) takes for a name. */
static bool
chain_name_valid(const char *name)
{
	size_t n =
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./\\");

	return n > 0 && n < CONF_CHAIN_NAME_MAX && name[n] == '\0' &&
	       !strchr("0123456789-./\\", *name);
}

static const char *const families[] = {
	[CONF_IP] = "ip", [CONF_IP6] = "ip6", [CONF_INET] = "inet"
};

static int
parse_chain(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
{
	char words[3 * CONF_CHAIN_NAME_MAX], *rest = words, *family, *table, *chain;
	size_t i;

	if (strlen(text) >= sizeof(words))
		return -E2BIG;
	strcpy(words, text);
	family = strsep(&rest, " ");
	table = strsep(&rest, " ");
	chain = rest; /* with all that follows: no name has a blank */
	if (!table || !chain || !chain_name_valid(table) || !chain_name_valid(chain))
		return -EINVAL;
	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (strcmp(family, families[i]) != 0)
			continue;
		v->chain.family = (uint8_t)i;
		strcpy(v->chain.table, table);
		strcpy(v->chain.chain, chain);
		return i == CONF_INET && strcmp(table, "portreeve") == 0 ? -EBUSY : 0;
	}
	return -EINVAL;
}

static void
print_chain(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	const struct conf_chain *c = value;

	fprintf(out, "\"%s %s %s\"", families[c->family], c->table, c->chain);
}

const struct conf_type_spec conf_type_chain = {
	.size = sizeof(struct conf_chain),
	.parse = parse_chain,
	.print = print_chain,
	.one = "a chain, such as \"inet filter forward\"",
	.many = "chains, such as \"inet filter forward\" (of ip, ip6 or inet)",
	.wrong = "is no chain",
};

static int
parse_text(const struct conf_key *key, const char *text, union conf_value *v)
{
	const char *p;

	assert(key->max <= sizeof(v->text));
	if (strlen(text) >= key->max)
		return -E2BIG;
	if (!utf8_valid(text, strlen(text)))
		return -EINVAL;
	for (p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return -EINVAL;
	strcpy(v->text, text);
	utf8_tame_marks(v->text);
	return strcmp(v->text, text) == 0 ? 0 : -EINVAL;
}

const struct conf_type_spec conf_type_text = {
	.size = 0,
	.parse = parse_text,
	.print = print_quoted,
	.one = "a text of at most %o octets",
	.many = "texts of at most %o octets",
	.wrong = "is not plain text",
};
