/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "ctl/writer.h"

#define LINE_MAX_LEN 200

/* ---- what the probe heard ---- */

static void __attribute__((format(printf, 5, 6)))
add(json_t *checks, const char *id, const char *result, const char *remedy, const char *fmt, ...)
{
	char reason[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	json_array_append_new(checks, json_pack("{s:s, s:s, s:s, s:s?}", "id", id, "result", result,
					  "reason", reason, "remedy", remedy));
}

/* Our address on @ifname, or NULL. */
static const char *
address_on(json_t *lans, const char *ifname)
{
	const char *name, *address;
	size_t i;

	for (i = 0; i < json_array_size(lans); i++)
		if (json_unpack(json_array_get(lans, i), "{s:s, s:s}", "interface", &name,
			"address", &address) == 0 &&
		    strcmp(name, ifname) == 0)
			return address;
	return NULL;
}

static void
add_searched(json_t *checks, const char *ifname, const char *answered)
{
	if (strcmp(answered, "yes") == 0)
		add(checks, "search", "ok", NULL,
		    "%s: our worker answered a search of this gateway's own", ifname);
	else
		add(checks, "search", "fail",
		    "the foreign-rules and processes above say more; else the daemon's log",
		    "%s: our worker did not answer a search of this gateway's own", ifname);
}

static void
add_igd(json_t *checks, const char *ifname, const char *address, const char *ours)
{
	if (strcmp(address, ours) == 0)
		add(checks, "other-igd", "fail",
		    "stop the other UPnP daemon of this machine, such as miniupnpd",
		    "%s: another program of this gateway answers as one, too", ifname);
	else
		add(checks, "other-igd", "warn",
		    "turn UPnP off there, or clients map their ports on the wrong one",
		    "%s: %s answers as a UPnP gateway, too", ifname, address);
}

static void
add_dhcp(
    json_t *checks, const char *ifname, const char *server, const char *router, const char *ours)
{
	if (strcmp(router, ours) == 0)
		add(checks, "other-dhcp", "ok", NULL,
		    "%s: the DHCP server %s names this gateway as router", ifname, server);
	else
		add(checks, "other-dhcp", "warn",
		    "turn that server off, or let it name this gateway as router (option 3)",
		    "%s: the DHCP server %s names %s as router: hosts go around this gateway",
		    ifname, server, strcmp(router, "0.0.0.0") == 0 ? "nobody" : router);
}

/* One line of the program's. 1: it was the last one. */
static int
add_line(json_t *checks, json_t *lans, const char *line)
{
	char ifname[16], first[16], second[16], rest;
	const char *ours;
	int n;

	if (strcmp(line, "done") == 0)
		return 1;
	n = sscanf(line, "%*15[a-z] %15s %15s %15s %c", ifname, first, second, &rest);
	ours = n >= 1 ? address_on(lans, ifname) : NULL;
	if (!ours)
		return -EPROTO;
	if (n == 2 && strncmp(line, "searched ", 9) == 0)
		add_searched(checks, ifname, first);
	else if (n == 2 && strncmp(line, "igd ", 4) == 0)
		add_igd(checks, ifname, first, ours);
	else if (n == 3 && strncmp(line, "dhcp ", 5) == 0)
		add_dhcp(checks, ifname, first, second, ours);
	else if (n == 1 && strncmp(line, "unasked ", 8) == 0)
		add(checks, "other-dhcp", "skip", NULL, "%s: it is no Ethernet", ifname);
	else
		return -EPROTO;
	return 0;
}

static bool
has_check(json_t *checks, const char *id)
{
	const char *name;
	size_t i;

	for (i = 0; i < json_array_size(checks); i++) {
		name = json_string_value(json_object_get(json_array_get(checks, i), "id"));
		if (name && strcmp(name, id) == 0)
			return true;
	}
	return false;
}

int
doctor_add_probe(json_t *checks, json_t *lans, const char *text)
{
	char line[LINE_MAX_LEN];
	const char *end;
	int rc = 0;

	for (; rc == 0 && (end = strchr(text, '\n')); text = end + 1) {
		if ((size_t)(end - text) >= sizeof(line))
			return -EPROTO;
		memcpy(line, text, (size_t)(end - text));
		line[end - text] = '\0';
		rc = add_line(checks, lans, line);
	}
	if (rc != 1)
		return -EPROTO;
	if (!has_check(checks, "other-igd"))
		add(checks, "other-igd", "ok", NULL, "no other gateway answers on the LANs");
	if (!has_check(checks, "other-dhcp"))
		add(checks, "other-dhcp", "ok", NULL, "no other DHCP server answers on the LANs");
	return 0;
}

void
doctor_skip_probe(json_t *checks, const char *reason)
{
	static const char *const ids[] = { "search", "other-igd", "other-dhcp" };
	size_t i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		add(checks, ids[i], "skip", NULL, "not asked: %s", reason);
}

/* ---- what is printed ---- */

int
doctor_worst(json_t *checks)
{
	const char *result;
	int worst = 0;
	size_t i;

	if (!json_is_array(checks))
		return -EPROTO;
	for (i = 0; i < json_array_size(checks); i++) {
		result = json_string_value(json_object_get(json_array_get(checks, i), "result"));
		if (!result)
			return -EPROTO;
		if (strcmp(result, "fail") == 0)
			worst = 2;
		else if (strcmp(result, "warn") == 0 && worst < 1)
			worst = 1;
	}
	return worst;
}

#define INDENT 23

static void
print_result(FILE *out, const char *result, bool colors)
{
	static const struct {
		const char *result, *color;
	} table[] = { { "ok", "32" }, { "warn", "33" }, { "fail", "31" }, { "skip", "2" } };
	size_t i;

	for (i = 0; colors && i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(result, table[i].result) == 0) {
			fprintf(out, "\033[%sm%-4.4s\033[0m", table[i].color, result);
			return;
		}
	fprintf(out, "%-4.4s", result);
}

int
doctor_print(FILE *out, json_t *checks, size_t columns, bool colors)
{
	const char *id, *result, *reason, *remedy;
	char tame[WRITER_TEXT_MAX];
	json_t *optional;
	size_t i;

	for (i = 0; i < json_array_size(checks); i++) {
		if (json_unpack(json_array_get(checks, i), "{s:s, s:s, s:s, s:o}", "id", &id,
			"result", &result, "reason", &reason, "remedy", &optional) < 0)
			return -EPROTO;
		print_result(out, result, colors);
		fprintf(out, "  %-15.15s  ", id);
		writer_wrap(out, writer_tame(reason, sizeof(tame), tame), INDENT, columns);
		remedy = json_string_value(optional);
		if (!remedy)
			continue;
		fprintf(out, "%*s", INDENT, "-> ");
		writer_wrap(out, writer_tame(remedy, sizeof(tame), tame), INDENT, columns);
	}
	return 0;
}
