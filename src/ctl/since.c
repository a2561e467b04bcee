/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/since.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#define YEARS_100_S (INT64_C(100) * 366 * 86400)

static int
parse_ago(const char *text, int64_t *ago_s)
{
	static const struct {
		char unit;
		int64_t s;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	int64_t n = 0;
	const char *p;
	size_t i;

	for (p = text; *p >= '0' && *p <= '9'; p++)
		n = n < YEARS_100_S ? n * 10 + (*p - '0') : YEARS_100_S;
	if (p == text || !*p || p[1])
		return -EINVAL;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (*p != units[i].unit)
			continue;
		*ago_s = n < YEARS_100_S / units[i].s ? n * units[i].s : YEARS_100_S;
		return 0;
	}
	return -EINVAL;
}

/* The forms of ISO 8601 that people write. strptime() takes 31 February for March, so what came out
 * is looked at once more. */
static int
parse_date(const char *text, int64_t *out)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
		"%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ" };
	const char *end;
	struct tm tm;
	size_t i;
	int day;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		memset(&tm, 0, sizeof(tm));
		end = strptime(text, forms[i], &tm);
		if (!end || *end || tm.tm_year < 70)
			continue;
		day = tm.tm_mday;
		*out = timegm(&tm);
		return tm.tm_mday == day ? 0 : -EINVAL;
	}
	return -EINVAL;
}

int
since_parse(const char *text, int64_t now_s, int64_t *out)
{
	int64_t ago_s;

	if (parse_ago(text, &ago_s) == 0) {
		*out = now_s > ago_s ? now_s - ago_s : 0;
		return 0;
	}
	return parse_date(text, out);
}
