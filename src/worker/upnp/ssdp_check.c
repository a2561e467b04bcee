/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pure: a search in, the same search in the form that libupnp takes out. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "worker/upnp/ssdp_check.h"

#define LINE_MAX_LEN 512

struct search {
	char man[32];
	char mx[8];
	char st[SSDP_ST_MAX];
};

/* Copies the next line without its end to @line; what is longer is cut. False: no more lines. */
static bool
next_line(const char **at, const char *end, char line[LINE_MAX_LEN])
{
	const char *lf;
	size_t len;

	if (*at >= end)
		return false;
	lf = memchr(*at, '\n', (size_t)(end - *at));
	len = (size_t)((lf ? lf : end) - *at);
	if (len >= LINE_MAX_LEN)
		len = LINE_MAX_LEN - 1;
	memcpy(line, *at, len);
	line[len] = '\0';
	line[strcspn(line, "\r")] = '\0';
	*at = lf ? lf + 1 : end;
	return true;
}

/* If @line is header @name, its value without blanks around it goes to @value. */
static void
take(const char *line, const char *name, char *value, size_t cap)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return;
	line += len + 1;
	line += strspn(line, " \t");
	len = strlen(line);
	while (len && strchr(" \t", line[len - 1]))
		len--;
	/* What is too long is no value that we know. */
	if (len >= cap)
		len = 0;
	memcpy(value, line, len);
	value[len] = '\0';
}

static bool
name_ok(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-._", text[i]))
			return false;
	return len > 0;
}

/* "urn:DOMAIN:device:TYPE:VERSION"; libupnp counts on all the parts being there. */
static bool
urn_ok(const char *st)
{
	const char *domain = st + 4, *kind, *type, *version;

	kind = strchr(domain, ':');
	type = kind ? strchr(kind + 1, ':') : NULL;
	version = type ? strchr(type + 1, ':') : NULL;
	if (!version || !name_ok(domain, (size_t)(kind - domain)))
		return false;
	if (strncmp(kind, ":device:", 8) != 0 && strncmp(kind, ":service:", 9) != 0)
		return false;
	if (!name_ok(type + 1, (size_t)(version - type - 1)))
		return false;
	version++;
	return *version && strlen(version) <= 3 && strspn(version, "0123456789") == strlen(version);
}

static bool
target_ok(const char *st)
{
	if (strcmp(st, "ssdp:all") == 0 || strcmp(st, "upnp:rootdevice") == 0)
		return true;
	if (strncmp(st, "uuid:", 5) == 0)
		return name_ok(st + 5, strlen(st + 5));
	return strncmp(st, "urn:", 4) == 0 && urn_ok(st);
}

/* Seconds to answer in; -1: not a number. */
static long
mx_of(const char *mx, bool multicast)
{
	if (!multicast)
		return 1; /* libupnp then answers without delay */
	if (!*mx || strspn(mx, "0123456789") != strlen(mx))
		return -1;
	return strtol(mx, NULL, 10) < SSDP_MX_MAX ? strtol(mx, NULL, 10) : SSDP_MX_MAX;
}

size_t
ssdp_rewrite(char *buf, size_t len, size_t cap, bool multicast)
{
	struct search s = { "", "", "" };
	const char *at = buf, *end = buf + len;
	char line[LINE_MAX_LEN];
	long mx;
	int n;

	if (memchr(buf, '\0', len) || !next_line(&at, end, line) ||
	    strncmp(line, "M-SEARCH * HTTP/1.", 18) != 0)
		return 0;
	while (next_line(&at, end, line) && line[0]) {
		take(line, "MAN", s.man, sizeof(s.man));
		take(line, "MX", s.mx, sizeof(s.mx));
		take(line, "ST", s.st, sizeof(s.st));
	}
	mx = mx_of(s.mx, multicast);
	/* The quotes belong there; some forget them. */
	if (strcmp(s.man, "\"ssdp:discover\"") != 0 && strcmp(s.man, "ssdp:discover") != 0)
		return 0;
	if (mx < 0 || !target_ok(s.st))
		return 0;
	n = snprintf(buf, cap,
	    "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n"
	    "MX: %ld\r\nST: %s\r\n\r\n",
	    mx, s.st);
	return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}
