/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/human.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ISO_COLUMNS 19 /* "2026-05-01T12:00:00", before the Z */

const char *
human_duration(int64_t s, char buf[HUMAN_MAX])
{
	const long long n = s;

	if (n < 60)
		snprintf(buf, HUMAN_MAX, "%llds", n);
	else if (n < 3600)
		snprintf(buf, HUMAN_MAX, "%lldm %llds", n / 60, n % 60);
	else if (n < 86400)
		snprintf(buf, HUMAN_MAX, "%lldh %lldm", n / 3600, n / 60 % 60);
	else
		snprintf(buf, HUMAN_MAX, "%lldd %lldh", n / 86400, n / 3600 % 24);
	return buf;
}

const char *
human_size(int64_t octets, char buf[HUMAN_MAX])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double n = (double)octets / 1024;
	size_t i;

	if (octets < 1024) {
		snprintf(buf, HUMAN_MAX, "%lld B", (long long)octets);
		return buf;
	}
	for (i = 0; i + 1 < sizeof(units) / sizeof(units[0]) && n >= 1024; i++)
		n /= 1024;
	snprintf(buf, HUMAN_MAX, "%.1f %s", n, units[i]);
	return buf;
}

const char *
human_time(const char *iso, char buf[HUMAN_MAX])
{
	snprintf(buf, HUMAN_MAX, "%.*s", ISO_COLUMNS, iso);
	if (strlen(buf) == ISO_COLUMNS && buf[10] == 'T')
		buf[10] = ' ';
	return buf;
}

const char *
human_time_ago(const char *iso, int64_t now_s, char buf[HUMAN_MAX])
{
	struct tm tm = { 0 };
	const char *end = strptime(iso, "%Y-%m-%dT%H:%M:%SZ", &tm);
	char time[HUMAN_MAX], ago[HUMAN_MAX];
	int64_t then_s;

	human_time(iso, time);
	then_s = end && !*end ? (int64_t)timegm(&tm) : INT64_MAX;
	if (then_s == INT64_MAX)
		snprintf(buf, HUMAN_MAX, "%.*s", ISO_COLUMNS, time);
	else if (then_s > now_s)
		snprintf(buf, HUMAN_MAX, "%.*s UTC", ISO_COLUMNS, time);
	else
		snprintf(buf, HUMAN_MAX, "%.*s UTC (%.24s ago)", ISO_COLUMNS, time,
		    human_duration(now_s - then_s, ago));
	return buf;
}
