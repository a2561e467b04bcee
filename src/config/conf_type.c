/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys and their values, whatever the type: setting, comparing, printing. */
#include "config/conf_type.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const struct conf_type_spec *const types[CONF_TYPE_COUNT] = {
	[CONF_BOOL] = &conf_type_bool,
	[CONF_SWITCH] = &conf_type_switch,
	[CONF_U16] = &conf_type_u16,
	[CONF_U32] = &conf_type_u32,
	[CONF_IFNAME] = &conf_type_ifname,
	[CONF_ADDRESS] = &conf_type_address,
	[CONF_PREFIX] = &conf_type_prefix,
	[CONF_HOST] = &conf_type_host,
	[CONF_RANGE] = &conf_type_range,
	[CONF_PREFIX6] = &conf_type_prefix6,
	[CONF_DOMAIN] = &conf_type_domain,
	[CONF_CLIENT] = &conf_type_client,
	[CONF_MAC] = &conf_type_mac,
	[CONF_PORTS] = &conf_type_ports,
	[CONF_USER] = &conf_type_user,
	[CONF_LEVEL] = &conf_type_level,
	[CONF_CHOICE] = &conf_type_choice,
	[CONF_FILE] = &conf_type_file,
	[CONF_COMMAND] = &conf_type_command,
	[CONF_ENDPOINT] = &conf_type_endpoint,
	[CONF_CHAIN] = &conf_type_chain,
	[CONF_BIT] = &conf_type_bit,
	[CONF_TEXT] = &conf_type_text,
};

static size_t
size_of(const struct conf_key *key)
{
	return types[key->type]->size ? types[key->type]->size : key->max;
}

bool
conf_key_is_list(const struct conf_key *key)
{
	return key->list.most > 0;
}

static bool
may_be_empty(const struct conf_key *key)
{
	return key->fallback && strcmp(key->fallback, "\"\"") == 0;
}

static size_t *
count_of(void *base, const struct conf_key *key)
{
	return (size_t *)((char *)base + key->list.count);
}

static size_t
count_in(const void *base, const struct conf_key *key)
{
	return *(const size_t *)((const char *)base + key->list.count);
}

static const void *
item_in(const void *base, const struct conf_key *key, size_t i)
{
	return (const char *)base + key->offset + i * key->list.stride;
}

/* ---- setting ---- */

static int
add_item(void *base, const struct conf_key *key, const union conf_value *v)
{
	size_t i, n = count_in(base, key);

	assert(key->list.stride == size_of(key));
	for (i = 0; i < n; i++)
		if (memcmp(item_in(base, key, i), v, size_of(key)) == 0)
			return -EEXIST;
	if (n == key->list.most)
		return -ENOSPC;
	memcpy((char *)base + key->offset + n * key->list.stride, v, size_of(key));
	(*count_of(base, key))++;
	return 0;
}

/* 0, or an error that describe() knows. */
static int
set(void *base, const struct conf_key *key, const char *text)
{
	union conf_value v;
	int rc = 0;

	memset(&v, 0, sizeof(v));
	if (*text)
		rc = types[key->type]->parse(key, text, &v);
	else if (conf_key_is_list(key) || !may_be_empty(key))
		rc = -EINVAL;
	if (rc < 0)
		return rc;
	if (conf_key_is_list(key))
		return add_item(base, key, &v);
	memcpy((char *)base + key->offset, &v, size_of(key));
	return 0;
}

static const char *
describe(const struct conf_key *key, int error)
{
	switch (error) {
	case -ERANGE:
		return "is out of range";
	case -E2BIG:
		return "is too long";
	case -EEXIST:
		return "stands there twice";
	case -ENOSPC:
		return "is one too many";
	case -EADDRNOTAVAIL:
		return "is no host's address";
	case -EDOM:
		return "ends before it begins";
	case -EBUSY:
		return "is our own";
	case -EXDEV:
		return "has bits beyond its length";
	}
	return types[key->type]->wrong;
}

int
conf_key_set(void *base, const struct conf_key *key, const char *text, char why[CONF_WHY_MAX])
{
	char legal[CONF_WHY_MAX];
	int rc;

	rc = set(base, key, text);
	if (rc == 0)
		return 0;
	snprintf(why, CONF_WHY_MAX, "\"%.48s\" %s; legal: %.400s", text, describe(key, rc),
	    conf_key_legal(key, legal));
	return -EINVAL;
}

void
conf_key_clear(void *base, const struct conf_key *key)
{
	assert(conf_key_is_list(key));
	*count_of(base, key) = 0;
	memset((char *)base + key->offset, 0, key->list.most * key->list.stride);
}

/* A list is empty by default. */
void
conf_defaults(void *base, const struct conf_key *keys)
{
	const struct conf_key *key;

	for (key = keys; key->name; key++) {
		if (conf_key_is_list(key))
			conf_key_clear(base, key);
		else if (!key->fallback || may_be_empty(key))
			memset((char *)base + key->offset, 0, size_of(key));
		else if (set(base, key, key->fallback) < 0)
			assert(!"a default that its own key refuses");
	}
}

bool
conf_key_is_empty(const void *base, const struct conf_key *key)
{
	static const union conf_value empty;

	if (conf_key_is_list(key))
		return count_in(base, key) == 0;
	return memcmp((const char *)base + key->offset, &empty, size_of(key)) == 0;
}

bool
conf_key_same(const void *a, const void *b, const struct conf_key *key)
{
	size_t i, n;

	if (!conf_key_is_list(key))
		return memcmp((const char *)a + key->offset, (const char *)b + key->offset,
			   size_of(key)) == 0;
	n = count_in(a, key);
	if (n != count_in(b, key))
		return false;
	for (i = 0; i < n; i++)
		if (memcmp(item_in(a, key, i), item_in(b, key, i), size_of(key)) != 0)
			return false;
	return true;
}

void
conf_key_copy(void *base, const void *from, const struct conf_key *key)
{
	bool is_list = conf_key_is_list(key);

	memcpy((char *)base + key->offset, (const char *)from + key->offset,
	    is_list ? key->list.most * key->list.stride : size_of(key));
	if (is_list)
		*count_of(base, key) = count_in(from, key);
}

/* ---- for people ---- */

/* "auto, 1 or 2" */
static void
print_words(const struct conf_key *key, FILE *out)
{
	const char *const *w = key->words + !*key->words[0];
	const char *mark = "";

	for (; *w; w++) {
		fprintf(out, "%s%s", mark, *w);
		mark = w[1] && w[2] ? ", " : " or ";
	}
}

/* %a: min, %z: max, %o: max without the NUL, %w: the words. */
static void
expand(const struct conf_key *key, const char *text, FILE *out)
{
	const char *p;

	for (p = text; *p; p++) {
		if (*p != '%') {
			fputc(*p, out);
			continue;
		}
		switch (*++p) {
		case 'a':
			fprintf(out, "%u", key->min);
			break;
		case 'z':
			fprintf(out, "%u", key->max);
			break;
		case 'o':
			fprintf(out, "%u", key->max - 1);
			break;
		case 'w':
			print_words(key, out);
			break;
		}
	}
}

const char *
conf_key_legal(const struct conf_key *key, char buf[CONF_WHY_MAX])
{
	FILE *out = fmemopen(buf, CONF_WHY_MAX, "w");

	buf[0] = '\0';
	if (!out)
		return buf;
	if (conf_key_is_list(key)) {
		fprintf(out, "a list of at most %zu ", key->list.most);
		expand(key, types[key->type]->many, out);
	} else {
		expand(key, types[key->type]->one, out);
		fputs(may_be_empty(key) ? ", or empty" : "", out);
	}
	fclose(out);
	return buf;
}

void
conf_key_print(const void *base, const struct conf_key *key, FILE *out)
{
	size_t i, n;

	if (!conf_key_is_list(key) && may_be_empty(key) && conf_key_is_empty(base, key)) {
		fputs("\"\"", out);
		return;
	}
	if (!conf_key_is_list(key)) {
		types[key->type]->print(key, (const char *)base + key->offset, out);
		return;
	}
	n = count_in(base, key);
	fputc('{', out);
	for (i = 0; i < n; i++) {
		if (i)
			fputs(", ", out);
		types[key->type]->print(key, item_in(base, key, i), out);
	}
	fputc('}', out);
}
