/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns nothing. What a member is missing or null in sorts last. */
#include "config.h"

#include "ctl/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const origins[] = { "upnp", "static", "config", NULL };

/* What can be sorted by; the member and whether the greatest comes first. */
static const struct order {
	const char *name, *member;
	bool falling;
} orders[] = {
	{ "id", "id", false },
	{ "port", "external_port", false },
	{ "inside", "internal_client", false },
	{ "client", "client", false },
	{ "left", "lease_remaining_s", false },
	{ "created", "created", true },
	{ "used", "last_used", true },
	{ 0 },
};

static const struct order *
find_order(const char *name)
{
	const struct order *o;

	for (o = orders; o->name; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

static bool
is_number(const char *text, long max)
{
	char *end;
	long n = strtol(text, &end, 10);

	return *text >= '0' && *text <= '9' && !*end && n <= max;
}

static bool
is_origin(const char *text)
{
	size_t i;

	for (i = 0; origins[i]; i++)
		if (strcmp(origins[i], text) == 0)
			return true;
	return false;
}

const char *
filter_check(const struct filter *f)
{
	if (f->protocol && strcasecmp(f->protocol, "tcp") != 0 &&
	    strcasecmp(f->protocol, "udp") != 0 && strcasecmp(f->protocol, "any") != 0 &&
	    !is_number(f->protocol, 255))
		return "--proto is tcp, udp, any, or the number of a protocol up to 255";
	if (f->port && (!is_number(f->port, 65535) || strcmp(f->port, "0") == 0))
		return "--port is a number from 1 to 65535";
	if (f->origin && !is_origin(f->origin))
		return "--origin is upnp, static or config";
	if (f->sort && !find_order(f->sort))
		return "--sort is id, port, inside, client, left, created or used";
	return NULL;
}

static bool
has_text(json_t *object, const char *member, const char *text)
{
	const char *value = json_string_value(json_object_get(object, member));

	return value && strcasecmp(value, text) == 0;
}

static bool
has_number(json_t *object, const char *member, const char *text)
{
	json_t *value = json_object_get(object, member);

	return json_is_integer(value) && json_integer_value(value) == strtol(text, NULL, 10);
}

static bool
passes(const struct filter *f, json_t *object)
{
	if (f->client && !has_text(object, "client", f->client) &&
	    !has_text(object, "internal_client", f->client))
		return false;
	if (f->protocol && !has_text(object, "protocol", f->protocol) &&
	    !has_number(object, "protocol", f->protocol))
		return false;
	if (f->port && !has_number(object, "external_port", f->port) &&
	    !has_number(object, "internal_port", f->port) &&
	    !has_number(object, "remote_port", f->port))
		return false;
	if (f->origin && !has_text(object, "origin", f->origin))
		return false;
	return !f->unused || json_is_null(json_object_get(object, "last_used"));
}

/* ---- sorting ---- */

struct item {
	json_t *object, *key; /* borrowed */
	size_t place;
	bool falling;
};

static int
compare_keys(const json_t *a, const json_t *b)
{
	if (json_is_integer(a) && json_is_integer(b))
		return (json_integer_value(a) > json_integer_value(b)) -
		       (json_integer_value(a) < json_integer_value(b));
	if (json_is_string(a) && json_is_string(b))
		return strverscmp(json_string_value(a), json_string_value(b));
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	const bool no_x = !x->key || json_is_null(x->key), no_y = !y->key || json_is_null(y->key);
	int order = no_x || no_y ? no_x - no_y : compare_keys(x->key, y->key);

	if (order && !no_x && !no_y && x->falling)
		order = -order;
	return order ? order : (x->place > y->place) - (x->place < y->place);
}

static size_t
select_items(const struct filter *f, json_t *array, struct item *items)
{
	const struct order *order = find_order(f->sort ? f->sort : "id");
	size_t i, n = 0;

	for (i = 0; i < json_array_size(array); i++) {
		json_t *object = json_array_get(array, i);

		if (!passes(f, object))
			continue;
		items[n].object = object;
		items[n].key = json_object_get(object, order->member);
		items[n].place = i;
		items[n++].falling = order->falling;
	}
	return n;
}

json_t *
filter_apply(const struct filter *f, json_t *array)
{
	struct item *items = calloc(json_array_size(array) + 1, sizeof(*items));
	json_t *out = json_array();
	size_t i, n;

	if (!items || !out) {
		free(items);
		json_decref(out);
		return NULL;
	}
	n = select_items(f, array, items);
	if (f->sort)
		qsort(items, n, sizeof(*items), compare);
	for (i = 0; i < n; i++)
		json_array_append(out, items[i].object);
	free(items);
	return out;
}
