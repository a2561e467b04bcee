/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types of keys that are numbers or one of a few words. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf_type.h"
#include "lib/compiler.h"

int
conf_type_digits(const struct conf_key *key, const char *text, const char *end, uint32_t *value)
{
	uint64_t n = 0;
	const char *p;

	for (p = text; p < end && *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > UINT32_MAX)
			return -ERANGE;
	}
	if (p < end || p == text)
		return -EINVAL;
	if (n < key->min || n > key->max)
		return -ERANGE;
	*value = (uint32_t)n;
	return 0;
}

static int
parse_bool(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			v->truth = i % 2;
			return 0;
		}
	}
	return -EINVAL;
}

static void
print_bool(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	fputs(*(const bool *)value ? "yes" : "no", out);
}

const struct conf_type_spec conf_type_bool = {
	.size = sizeof(bool),
	.parse = parse_bool,
	.print = print_bool,
	.one = "yes or no",
	.many = "truth values",
	.wrong = "is neither yes nor no",
};

static int
parse_switch(const struct conf_key *key, const char *text, union conf_value *v)
{
	union conf_value word;

	if (strcmp(text, "auto") == 0)
		return 0;
	if (parse_bool(key, text, &word) < 0)
		return -EINVAL;
	v->choice = word.truth ? CONF_YES : CONF_NO;
	return 0;
}

static void
print_switch(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	static const char *const words[] = { "auto", "no", "yes" };

	fputs(words[*(const uint8_t *)value], out);
}

const struct conf_type_spec conf_type_switch = {
	.size = sizeof(uint8_t),
	.parse = parse_switch,
	.print = print_switch,
	.one = "auto, yes or no",
	.many = "switches",
	.wrong = "is neither auto nor yes nor no",
};

static int
parse_u16(const struct conf_key *key, const char *text, union conf_value *v)
{
	uint32_t number = 0;
	int rc = conf_type_digits(key, text, text + strlen(text), &number);

	v->u16 = (uint16_t)number;
	return rc;
}

static void
print_u16(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	fprintf(out, "%u", *(const uint16_t *)value);
}

const struct conf_type_spec conf_type_u16 = {
	.size = sizeof(uint16_t),
	.parse = parse_u16,
	.print = print_u16,
	.one = "%a to %z",
	.many = "numbers from %a to %z",
	.wrong = "is not a whole number",
};

static int
parse_u32(const struct conf_key *key, const char *text, union conf_value *v)
{
	return conf_type_digits(key, text, text + strlen(text), &v->u32);
}

static void
print_u32(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	fprintf(out, "%u", *(const uint32_t *)value);
}

const struct conf_type_spec conf_type_u32 = {
	.size = sizeof(uint32_t),
	.parse = parse_u32,
	.print = print_u32,
	.one = "%a to %z",
	.many = "numbers from %a to %z",
	.wrong = "is not a whole number",
};

static int
parse_ports(const struct conf_key *key, const char *text, union conf_value *v)
{
	const char *end = text + strlen(text), *hyphen = strchr(text, '-');
	uint32_t first = 0, last = 0;
	int rc;

	rc = conf_type_digits(key, text, hyphen ? hyphen : end, &first);
	if (rc < 0)
		return rc;
	last = first;
	if (hyphen)
		rc = conf_type_digits(key, hyphen + 1, end, &last);
	if (rc == 0 && last < first)
		return -EDOM;
	v->ports.first = (uint16_t)first;
	v->ports.last = (uint16_t)last;
	return rc;
}

static void
print_ports(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	const struct conf_ports *ports = value;

	if (ports->first == ports->last)
		fprintf(out, "%u", ports->first);
	else
		fprintf(out, "%u-%u", ports->first, ports->last);
}

const struct conf_type_spec conf_type_ports = {
	.size = sizeof(struct conf_ports),
	.parse = parse_ports,
	.print = print_ports,
	.one = "a port from %a to %z, or a range such as 7100-7103",
	.many = "ports from %a to %z, or ranges such as 7100-7103",
	.wrong = "is neither a port nor a range",
};

/* 0x10000000, or the same as a decimal number. */
static int
parse_bit(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
{
	const char *legal = strncmp(text, "0x", 2) == 0 ? "0123456789abcdefABCDEF" : "0123456789";
	const char *from = text + (legal[10] ? 2 : 0);
	unsigned long long n;

	if (!*from || from[strspn(from, legal)] || strlen(from) > 10)
		return -EINVAL;
	n = strtoull(from, NULL, legal[10] ? 16 : 10);
	if (n == 0 || n > UINT32_MAX || n & (n - 1))
		return -ERANGE;
	v->u32 = (uint32_t)n;
	return 0;
}

static void
print_bit(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	fprintf(out, "0x%x", *(const uint32_t *)value);
}

const struct conf_type_spec conf_type_bit = {
	.size = sizeof(uint32_t),
	.parse = parse_bit,
	.print = print_bit,
	.one = "one bit, 0x1 to 0x80000000",
	.many = "bits, 0x1 to 0x80000000",
	.wrong = "is not a number",
};

static int
parse_level(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
{
	return log_level_parse(text, &v->level);
}

static void
print_level(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	fputs(log_level_str(*(const enum log_level *)value), out);
}

const struct conf_type_spec conf_type_level = {
	.size = sizeof(enum log_level),
	.parse = parse_level,
	.print = print_level,
	.one = "error, warn, info or debug",
	.many = "log levels",
	.wrong = "is not a log level",
};

static int
parse_choice(const struct conf_key *key, const char *text, union conf_value *v)
{
	uint8_t i;

	for (i = 0; key->words[i]; i++) {
		if (*text && strcmp(text, key->words[i]) == 0) {
			v->choice = i;
			return 0;
		}
	}
	return -EINVAL;
}

static void
print_choice(const struct conf_key *key, const void *value, FILE *out)
{
	fputs(key->words[*(const uint8_t *)value], out);
}

const struct conf_type_spec conf_type_choice = {
	.size = sizeof(uint8_t),
	.parse = parse_choice,
	.print = print_choice,
	.one = "%w",
	.many = "of %w",
	.wrong = "is none of these",
};
