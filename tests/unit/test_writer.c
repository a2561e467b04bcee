/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/terminal.h"
#include "ctl/writer.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/utf8.h"

#define UE "\xc3\xbc"       /* one column, two octets */
#define HAN "\xe6\xbc\xa2"  /* two columns, three octets */
#define RLO "\xe2\x80\xae"  /* turns the direction of writing */
#define DOTS "\xe2\x80\xa6" /* the ellipsis */

#define NOW_S 1777640700 /* 2026-05-01T13:05:00Z */

static char printed[64 * 1024];

static json_t *
mapping(int id, int port, const char *client, json_t *remaining, const char *description)
{
	return json_pack(
	    "{s:i, s:b, s:s, s:i, s:n, s:s, s:i, s:o, s:s, s:s, s:s, s:s, s:n, s:i, s:i}", "id", id,
	    "enabled", 1, "protocol", "TCP", "external_port", port, "remote_host",
	    "internal_client", client, "internal_port", 80, "lease_remaining_s", remaining,
	    "description", description, "origin", "upnp", "client", client, "created",
	    "2024-05-01T12:00:00Z", "last_used", "packets", 1234, "octets", 1500000);
}

typedef int (*print_fn)(struct writer *, json_t *);

static struct writer *
begin(struct writer *(*get)(FILE *, FILE *))
{
	FILE *f = fmemopen(printed, sizeof(printed), "w");

	struct writer *w = get(f, f);

	memset(printed, 0, sizeof(printed));
	w->now_s = NOW_S;
	return w;
}

/* Takes @json over. */
static const char *
print(struct writer *w, print_fn fn, json_t *json, int rc)
{
	CU_ASSERT_EQUAL(fn(w, json), rc);
	json_decref(json);
	fclose(w->out);
	return printed;
}

static const char *
print_list(struct writer *w, json_t *mappings, json_t *pinholes, int rc)
{
	CU_ASSERT_EQUAL(w->list(w, mappings, pinholes), rc);
	json_decref(mappings);
	json_decref(pinholes);
	fclose(w->out);
	return printed;
}

static const char *
text_table(json_t *array)
{
	return print_list(begin(writer_text), array, json_array(), 0);
}

static json_t *
pinhole(const char *inside, json_t *port, json_t *remote, json_t *remote_port)
{
	return json_pack("{s:i, s:s, s:o, s:o, s:s, s:o, s:i, s:s, s:s, s:n, s:n, s:i}", "id", 7,
	    "protocol", "UDP", "remote_host", remote, "remote_port", remote_port, "internal_client",
	    inside, "internal_port", port, "lease_remaining_s", 3600, "origin", "upnp", "client",
	    "192.168.1.7", "created", "last_used", "packets", 12);
}

static void
expect_fit_lines(void)
{
	const char *line, *end;

	for (line = printed; *line; line = end + 1) {
		end = strchr(line, '\n');
		CU_ASSERT_PTR_NOT_NULL_FATAL(end);
		CU_ASSERT_TRUE(end - line <= TERMINAL_COLUMNS);
	}
}

/* Every line at most @columns, whole characters, and no blanks at its end. */
static void
expect_fit_in(size_t columns)
{
	char copy[sizeof(printed)], *line, *save;

	strcpy(copy, printed);
	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (utf8_width(line) > columns)
			printf("\ntoo wide: %s\n", line);
		CU_ASSERT(utf8_width(line) <= columns);
		CU_ASSERT_TRUE(utf8_valid(line, strlen(line)));
		CU_ASSERT_NOT_EQUAL(line[strlen(line) - 1], ' ');
	}
}

static void
expect_fit(void)
{
	expect_fit_in(TERMINAL_COLUMNS);
}

static void
test_table_aligns(void)
{
	json_t *array = json_array();

	json_array_append_new(array, mapping(7, 80, "192.168.1.7", json_integer(59), "web"));
	json_array_append_new(
	    array, mapping(1234, 65535, "192.168.100.200", json_null(), "gr" UE "n"));
	json_array_append_new(array, mapping(8, 9, "192.168.1.7", json_integer(1), ""));
	CU_ASSERT_STRING_EQUAL(text_table(array),
	    "  ID  OUTSIDE    FROM  INSIDE              ON        LEFT  BY    DESCRIPTION\n"
	    "   7  TCP    80  any   192.168.1.7:80      yes        59s  upnp  web\n"
	    "1234  TCP 65535  any   192.168.100.200:80  yes  permanent  upnp  gr" UE "n\n"
	    "   8  TCP     9  any   192.168.1.7:80      yes         1s  upnp\n");
	expect_fit();
}

static void
test_empty_table_says_so(void)
{
	CU_ASSERT_STRING_EQUAL(text_table(json_array()), "There are no mappings.\n");
}

static void
test_long_description_ends_with_an_ellipsis_at_100_columns(void)
{
	json_t *array = json_array();
	char text[512];
	char *line;
	size_t i;

	memset(text, 'x', sizeof(text));
	text[511] = '\0';
	json_array_append_new(array, mapping(1, 1, "192.168.1.7", json_integer(9), text));
	for (i = 0; i < 170; i++)
		memcpy(text + 3 * i, HAN, 4);
	json_array_append_new(array, mapping(2, 1, "192.168.1.7", json_integer(9), text));
	for (i = 0; i < 255; i++)
		memcpy(text + 2 * i, UE, 3);
	json_array_append_new(array, mapping(3, 1, "192.168.1.7", json_integer(9), text));
	text_table(array);
	expect_fit();
	line = strchr(printed, '\n') + 1;
	*strchr(line, '\n') = '\0';
	CU_ASSERT_EQUAL(utf8_width(line), TERMINAL_COLUMNS);
	CU_ASSERT_STRING_EQUAL(line + strlen(line) - 4, "x" DOTS);
}

static void
test_widest_mapping_fits_100_columns(void)
{
	json_t *array = json_array(), *m;

	m = mapping(1, 65535, "192.168.100.200", json_integer(UINT32_MAX), "wide enough");
	json_object_set_new(m, "id", json_integer(UINT32_MAX));
	json_object_set_new(m, "internal_port", json_integer(65535));
	json_object_set_new(m, "remote_host", json_string("203.100.113.200"));
	json_object_set_new(m, "origin", json_string("static"));
	json_array_append_new(array, m);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_table(array), "wide enough\n"));
	expect_fit();
}

static void
test_hostile_text_is_harmless(void)
{
	char buf[WRITER_TEXT_MAX];
	json_t *array = json_array();

	json_array_append_new(array, mapping(1, 1, "192.168.1.7", json_integer(9),
					 "a\x1b[2J\nb\tc" RLO "d\xc2\x9b"
					 "e"));
	text_table(array);
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "  a?[2J?b?c?\?\?d?\?e\n"));
	CU_ASSERT_STRING_EQUAL(writer_tame("\xff\xfe", 10, buf), "?\?");
	CU_ASSERT_STRING_EQUAL(writer_tame("x\xd8\x9c", 10, buf), "x?\?");
	CU_ASSERT_STRING_EQUAL(writer_tame("x" RLO, 10, buf), "x?\?\?");
	CU_ASSERT_STRING_EQUAL(writer_tame("\xe2\x81\xa6y", 10, buf), "?\?\?y");
}

static void
test_cut_keeps_whole_characters(void)
{
	char buf[WRITER_TEXT_MAX];

	CU_ASSERT_STRING_EQUAL(writer_tame("abc", 3, buf), "abc");
	CU_ASSERT_STRING_EQUAL(writer_tame("abcd", 3, buf), "ab" DOTS);
	CU_ASSERT_STRING_EQUAL(writer_tame(HAN HAN, 3, buf), HAN DOTS);
	CU_ASSERT_STRING_EQUAL(writer_tame(HAN HAN, 2, buf), DOTS);
	CU_ASSERT_STRING_EQUAL(writer_tame("abc", 1, buf), DOTS);
	CU_ASSERT_STRING_EQUAL(writer_tame("abc", 0, buf), "");
	CU_ASSERT_STRING_EQUAL(writer_tame("", 0, buf), "");
}

static void
test_pinholes_have_a_table_of_their_own(void)
{
	json_t *array = json_array();
	struct writer *w;

	json_array_append_new(
	    array, pinhole("2001:db8::7", json_integer(3074), json_null(), json_null()));
	json_array_append_new(array,
	    pinhole("2001:db8::7", json_null(), json_string("2001:db8:f::9"), json_integer(5000)));
	print_list(begin(writer_text), json_array(), array, 0);
	CU_ASSERT_STRING_EQUAL(printed,
	    "There are no mappings.\n"
	    "\n"
	    "IPv6 pinholes\n"
	    "ID      PROTO  INSIDE                  LEFT  BY       PACKETS  FROM\n"
	    "p7      UDP    [2001:db8::7]:3074     1h 0m  upnp          12  any\n"
	    "p7      UDP    2001:db8::7            1h 0m  upnp          12  "
	    "[2001:db8:f::9]:5000\n");

	w = begin(writer_text);
	print(w, w->pinhole,
	    pinhole("2001:db8::7", json_integer(80), json_null(), json_integer(5000)), 0);
	CU_ASSERT_STRING_EQUAL(printed, "id           p7\n"
					"protocol     UDP\n"
					"from         any port 5000\n"
					"inside       [2001:db8::7]:80\n"
					"left         1h 0m\n"
					"asked by     192.168.1.7 (upnp)\n"
					"created      not known\n"
					"last used    never\n"
					"packets      12, from outside\n");

	w = begin(writer_text);
	print(w, w->change,
	    json_pack("{s:s, s:s, s:o}", "time", "2026-05-01T12:00:00Z", "event", "added",
		"pinhole", pinhole("2001:db8::7", json_integer(80), json_null(), json_null())),
	    0);
	CU_ASSERT_STRING_EQUAL(printed, "2026-05-01 12:00:00Z  added     UDP from any to "
					"[2001:db8::7]:80, 1h 0m (pinhole 7)\n");
}

static void
test_the_longest_pinhole_fits_on_two_lines(void)
{
	static const char longest[] = "2001:db8:1111:2222:3333:4444:5555:6666";
	json_t *array = json_array();

	json_array_append_new(array,
	    pinhole(longest, json_integer(65535), json_string(longest), json_integer(65535)));
	print_list(begin(writer_text), json_array(), array, 0);
	expect_fit_lines();
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "\n        from ["));
}

static void
test_json_is_what_the_daemon_said(void)
{
	struct writer *w = begin(writer_json);
	json_t *array = json_array();

	json_array_append_new(array, json_pack("{s:i, s:s}", "id", 1, "new_member", UE));
	print_list(w, array, json_array(), 0);
	CU_ASSERT_STRING_EQUAL(
	    printed, "{\"mappings\":[{\"id\":1,\"new_member\":\"" UE "\"}],\"pinholes\":[]}\n");

	w = begin(writer_json);
	w->error(w, "unreachable", "/tmp/\xff is not there");
	fclose(w->out);
	CU_ASSERT_STRING_EQUAL(printed, "{\"error\":{\"code\":\"unreachable\",\"message\":"
					"\"/tmp/? is not there\"}}\n");
}

static void
test_foreign_objects_are_refused(void)
{
	struct writer *w = begin(writer_text);
	json_t *array = json_pack("[{s:i}]", "id", 1);

	print_list(w, array, json_array(), -EPROTO);
	CU_ASSERT_STRING_EQUAL(printed, "");
	w = begin(writer_text);
	print(w, w->pinhole, json_pack("{s:i}", "id", 1), -EPROTO);
	CU_ASSERT_STRING_EQUAL(printed, "");
	w = begin(writer_text);
	print(w, w->status, json_object(), -EPROTO);
	CU_ASSERT_STRING_EQUAL(printed, "");
	w = begin(writer_text);
	print(w, w->mapping, mapping(1, 1, "1.1.1.1", json_string("soon"), ""), -EPROTO);
	CU_ASSERT_STRING_EQUAL(printed, "");
	w = begin(writer_text);
	print(w, w->change, json_object(), -EPROTO);
	CU_ASSERT_STRING_EQUAL(printed, "");
}

static json_t *
status(const char *address, const char *kind, int double_nat, const char *external)
{
	return json_pack(
	    "{s:s, s:i, s:{s:s, s:s, s:b, s:s, s:s, s:b, s:s, s:i},"
	    " s:[{s:s, s:b, s:s, s:i, s:s, s:i, s:i, s:s, s:s}, {s:s, s:b, s:n, s:i, s:n, s:n, "
	    "s:i}], s:{s:i, s:i}, s:{s:b, s:b, s:i}}",
	    "version", "0.1.0", "uptime_s", 90000, "wan", "interface", "eth0", "state", "connected",
	    "link_up", 1, "address", address, "address_kind", kind, "double_nat", double_nat,
	    "external_address", external, "uptime_s", 3661, "lans", "interface", "br0", "serving",
	    1, "address", "192.168.1.1", "prefix_len", 24, "control_url",
	    "http://192.168.1.1:5431/ctl/wanip", "worker_pid", 42, "restarts", 1, "dhcp", "other",
	    "nat", "others", "interface", "br1", "serving", 0, "address", "prefix_len", 0,
	    "control_url", "worker_pid", "restarts", 0, "mappings", "count", 3, "max", 32768,
	    "kernel", "table_ok", 1, "owned", 0, "heals", 2);
}

static void
test_status_reads_well(void)
{
	struct writer *w = begin(writer_text);

	print(w, w->status, status("192.168.0.2", "private", 1, "192.168.0.2"), 0);
	CU_ASSERT_STRING_EQUAL(printed,
	    "portreeved 0.1.0, up for 1d 1h\n"
	    "WAN        eth0, connected for 1h 1m, 192.168.0.2 (private)\n"
	    "           Double NAT: another router translates before this one (a private address). "
	    "Ports mapped\n"
	    "           here can be reached from the Internet only if it forwards them.\n"
	    "LAN        br0, 192.168.1.1, http://192.168.1.1:5431/ctl/wanip\n"
	    "           worker 42, restarted 1 time\n"
	    "           The connection is shared by another ruleset, not by us.\n"
	    "           Another server gives addresses by DHCP; we do not.\n"
	    "           br1, no address, not served\n"
	    "           no worker\n"
	    "Mappings   3 of at most 32768\n"
	    "Kernel     table in force, not owned, restored 2 times\n");
	expect_fit();
	w = begin(writer_text);
	print(w, w->status, status("192.168.0.2", "private", 0, "203.0.113.9"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "           Clients are told 203.0.113.9.\n"));
	CU_ASSERT_PTR_NULL(strstr(printed, "Double NAT"));
	w = begin(writer_text);
	print(w, w->status, status("100.64.0.10", "shared", 1, "100.64.0.10"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(printed,
	    "           Double NAT: the provider translates, too (a shared address). Ports mapped "
	    "here can be\n"
	    "           reached in the provider's network, but not from the Internet.\n"));
	expect_fit();
}

static void
test_changes_read_well(void)
{
	struct writer *w = begin(writer_text);

	print(w, w->change,
	    json_pack("{s:s, s:s, s:o}", "time", "2024-05-01T12:00:00Z", "event", "added",
		"mapping", mapping(7, 8080, "192.168.1.7", json_integer(3600), "web")),
	    0);
	CU_ASSERT_STRING_EQUAL(printed, "2024-05-01 12:00:00Z  added     TCP 8080 to "
					"192.168.1.7:80, 1h 0m, \"web\" (mapping 7)\n");
	w = begin(writer_text);
	print(w, w->change,
	    json_pack("{s:s, s:s, s:s, s:s, s:i, s:n, s:s, s:i, s:s, s:s}", "time",
		"2024-05-01T12:00:00Z", "event", "refused", "client", "192.168.1.9", "protocol",
		"UDP", "external_port", 53, "remote_host", "internal_client", "192.168.1.9",
		"internal_port", 53, "result", "not-authorized", "reason", "below min_port"),
	    0);
	CU_ASSERT_STRING_EQUAL(printed,
	    "2024-05-01 12:00:00Z  refused   UDP 53 to 192.168.1.9:53 for 192.168.1.9: "
	    "not-authorized, below\n"
	    "                                min_port\n");
	w = begin(writer_text);
	print(w, w->change,
	    json_pack("{s:s, s:s, s:s}", "time", "2024-05-01T12:00:00Z", "event", "wan", "text",
		"eth0 has 203.0.113.7"),
	    0);
	CU_ASSERT_STRING_EQUAL(printed, "2024-05-01 12:00:00Z  wan       eth0 has 203.0.113.7\n");
}

static json_t *
trail_row(const char *outcome, const char *client, const char *reason, int count)
{
	return json_pack(
	    "{s:i, s:s, s:s, s:i, s:s, s:s, s:s, s:s?, s:s, s:s, s:i, s:s, s:i, s:s, s:s, "
	    "s:i, s:s?}",
	    "id", 1, "time", "2025-06-15T15:06:40Z", "last", "2025-06-15T15:09:00Z", "count", count,
	    "outcome", outcome, "origin", "upnp", "action", "add", "client", client, "mac",
	    "02:00:00:00:00:07", "protocol", "TCP", "external_port", 8080, "internal_client",
	    "192.168.1.7", "internal_port", 80, "description", "w" RLO "b", "result",
	    strcmp(outcome, "ok") == 0 ? "ok" : "conflict", "upnp_code", 718, "reason", reason);
}

static void
test_the_trail_reads_well(void)
{
	struct writer *w = begin(writer_text);
	json_t *rows = json_array();

	json_array_append_new(rows, trail_row("ok", "192.168.1.7", NULL, 1));
	json_array_append_new(
	    rows, trail_row("refused", "192.168.1.8", "the port leads to 192.168.1.7", 3));
	CU_ASSERT_STRING_EQUAL(print(w, w->trail, rows, 0),
	    "TIME (UTC)           BY       CLIENT       WHAT  ANSWER\n"
	    "2025-06-15 15:06:40  upnp     192.168.1.7  add TCP 8080 -> 192.168.1.7:80  ok\n"
	    "                     02:00:00:00:00:07, \"w???b\"\n"
	    "2025-06-15 15:06:40  upnp     192.168.1.8  add TCP 8080 -> 192.168.1.7:80  718 "
	    "conflict\n"
	    "                     the port leads to 192.168.1.7\n"
	    "                     02:00:00:00:00:07, \"w???b\"; 3 times until 2025-06-15 "
	    "15:09:00\n");
	expect_fit();
}

static void
test_the_trail_names_the_user_of_the_cli(void)
{
	struct writer *w = begin(writer_text);
	json_t *rows = json_array(), *row = trail_row("refused", NULL, "the user may only look", 1);

	json_object_set_new(row, "uid", json_integer(0));
	json_array_append_new(rows, row);
	row = trail_row("ok", NULL, NULL, 1);
	json_object_set_new(row, "uid", json_integer(4000000000)); /* nobody's number */
	json_array_append_new(rows, row);
	print(w, w->trail, rows, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, ", uid 0 (root), \"w"));
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, ", uid 4000000000, \"w"));
	expect_fit();
}

static json_t *
finding(const char *id, const char *severity, const char *seen, const char *remedy, bool accepted)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:b}", "id", id, "severity", severity,
	    "seen", seen, "why", "It matters.", "remedy", remedy, "mapping", 3, "accepted",
	    accepted);
}

static void
test_findings_read_well(void)
{
	struct writer *w = begin(writer_text);
	json_t *all = json_array();

	json_array_append_new(all, finding("unused", "warning", "this", "Delete it.", false));
	json_array_append_new(all, finding("low-port", "warning", "known", "Nothing.", true));
	json_array_append_new(all, finding("web", "critical", "page", "Close it.", false));
	json_array_append_new(all, finding("unused", "warning", "that", "Delete it.", false));
	CU_ASSERT_STRING_EQUAL(print(w, w->findings,
				   json_pack("{s:o, s:i, s:i, s:i}", "findings", all, "critical", 1,
				       "warnings", 2, "accepted", 1),
				   0),
	    "CRITICAL  web\n"
	    "    mapping 3: page\n"
	    " why: It matters.\n"
	    "  do: Close it.\n"
	    "\n"
	    "WARNING   unused\n"
	    "    mapping 3: this\n"
	    "    mapping 3: that\n"
	    " why: It matters.\n"
	    "  do: Delete it.\n"
	    "\n"
	    "1 critical, 2 warnings, 1 accepted.\n");
}

static void
test_many_findings_of_a_kind_are_counted_and_long_ones_wrapped(void)
{
	char seen[400] = "";
	struct writer *w = begin(writer_text);
	json_t *all = json_array();
	int i;

	for (i = 0; i < 40; i++)
		strcat(seen, "words ");
	for (i = 0; i < 1000; i++)
		json_array_append_new(all, finding("unused", "warning", seen, "Delete it.", false));
	print(w, w->findings,
	    json_pack("{s:o, s:i, s:i, s:i}", "findings", all, "critical", 0, "warnings", 1000,
		"accepted", 0),
	    0);
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "    and 990 more (--json has all)\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "0 critical, 1000 warnings.\n"));
	expect_fit_lines();
}

/* ---- narrow terminals, colours, times ---- */

#define NARROW 60

static struct writer *
begin_narrow(void)
{
	struct writer *w = begin(writer_text);

	w->columns = NARROW;
	return w;
}

static void
test_a_narrow_list_leaves_columns_out_one_by_one(void)
{
	json_t *array = json_array(), *m = mapping(7, 80, "192.168.1.7", json_integer(59), "web");
	struct writer *w = begin_narrow();

	json_array_append_new(array, m);
	print_list(w, json_incref(array), json_array(), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "BY    DESC"));
	expect_fit_in(NARROW);
	json_object_set_new(m, "remote_host", json_string("203.100.113.200"));
	w = begin_narrow();
	print_list(w, json_incref(array), json_array(), 0);
	CU_ASSERT_PTR_NULL(strstr(printed, "BY"));
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "LEFT"));
	expect_fit_in(NARROW);
	json_object_set_new(m, "id", json_integer(UINT32_MAX));
	json_object_set_new(m, "external_port", json_integer(65535));
	json_object_set_new(m, "internal_port", json_integer(65535));
	json_object_set_new(m, "internal_client", json_string("192.168.100.200"));
	w = begin_narrow();
	print_list(w, array, json_array(), 0);
	CU_ASSERT_STRING_EQUAL(printed,
	    "        ID  OUTSIDE    INSIDE                 DESCRIPTION\n"
	    "4294967295  TCP 65535  192.168.100.200:65535  web\n");
}

static void
test_narrow_pinholes_have_a_line_for_each_end(void)
{
	static const char longest[] = "2001:db8:1111:2222:3333:4444:5555:6666";
	struct writer *w = begin_narrow();
	json_t *array = json_array();

	json_array_append_new(array,
	    pinhole(longest, json_integer(65535), json_string(longest), json_integer(65535)));
	print_list(w, json_array(), array, 0);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(printed, "ID      PROTO      LEFT  BY      PACKETS\n"
			    "p7      UDP       1h 0m  upnp         12\n"
			    "        [2001:db8:1111:2222:3333:4444:5555:6666]:65535\n"
			    "        from [2001:db8:1111:2222:3333:4444:5555:6666]:65535\n"));
	expect_fit_in(NARROW);
}

/* As "show" has it, with a description that has no blank to break at. */
static json_t *
life(void)
{
	json_t *m = mapping(7, 8080, "192.168.1.7", json_integer(3600), ""), *trail = json_array();
	char text[512];
	size_t i;

	for (i = 0; i < 170; i++)
		memcpy(text + 3 * i, HAN, 4);
	json_object_set_new(m, "description", json_string(text));
	json_object_set_new(m, "created", json_string("2026-05-01T10:00:00Z"));
	json_object_set_new(m, "flows",
	    json_pack("[{s:s, s:i, s:b, s:i, s:I, s:I, s:I, s:I}]", "peer", "203.100.113.200",
		"peer_port", 65535, "answered", 1, "timeout_s", 432000, "packets_in",
		(json_int_t)1 << 40, "octets_in", (json_int_t)1 << 50, "packets_out",
		(json_int_t)1 << 40, "octets_out", (json_int_t)1 << 50));
	json_array_append_new(
	    trail, trail_row("refused", "192.168.1.8", "the port leads to 192.168.1.7", 3));
	json_object_set_new(m, "trail", trail);
	return m;
}

static void
test_show_says_how_long_ago(void)
{
	struct writer *w = begin(writer_text);

	print(w, w->mapping, life(), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(printed,
	    "\ncreated      2026-05-01 10:00:00 UTC (3h 5m ago)\nlast used    never\n"
	    "packets      1234, both ways (1.4 MiB)\n"));
	expect_fit();
}

static void
test_show_fits_a_narrow_terminal_and_loses_nothing(void)
{
	struct writer *w = begin_narrow();
	const char *at = printed;
	size_t n = 0;

	print(w, w->mapping, life(), 0);
	expect_fit_in(NARROW);
	for (; (at = strstr(at, HAN)); at += strlen(HAN))
		n++;
	CU_ASSERT_EQUAL(n, 170);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(printed, "\n             (1024.0 TiB), forgotten after 5d 0h of silence\n"));
}

static void
test_the_trail_fits_a_narrow_terminal(void)
{
	struct writer *w = begin_narrow();
	json_t *rows = json_array(), *six;

	json_array_append_new(rows, trail_row("ok", "192.168.1.7", NULL, 1));
	six = trail_row("refused", "2001:db8:1111:2222:3333:4444:5555:6666", "no", 1);
	json_object_set_new(
	    six, "internal_client", json_string("2001:db8:1111:2222:3333:4444:5555:6666"));
	json_array_append_new(rows, six);
	print(w, w->trail, rows, 0);
	expect_fit_in(NARROW);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(printed, "TIME (UTC)           BY\n"
			    "2025-06-15 15:06:40  upnp\n"
			    "                     192.168.1.7\n"
			    "                     add TCP 8080 -> 192.168.1.7:80  ok\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "718 conflict\n"));
}

static void
test_what_does_not_fit_beside_a_client_stands_below_it(void)
{
	struct writer *w = begin(writer_text);
	json_t *rows = json_array(), *six;

	six = trail_row("refused", "2001:db8::7", "no", 1);
	json_object_set_new(six, "result", json_string("wildcard-external-port"));
	json_object_set_new(six, "remote_host", json_string("2001:db8:f::9"));
	json_array_append_new(rows, six);
	print(w, w->trail, rows, 0);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(printed, "2001:db8::7  add TCP 8080 from 2001:db8:f::9 -> 192.168.1.7:80\n"
			    "                     718 wildcard-external-port\n"));
	expect_fit();
}

static void
test_status_and_changes_fit_a_narrow_terminal(void)
{
	struct writer *w = begin_narrow();
	json_t *p = pinhole("2001:db8:1111:2222:3333:4444:5555:6666", json_integer(65535),
	    json_string("2001:db8:1111:2222:3333:4444:5555:7777"), json_integer(65535));

	print(w, w->status, status("100.64.0.10", "shared", 1, "100.64.0.10"), 0);
	expect_fit_in(NARROW);
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "LAN        br0, 192.168.1.1,\n"
					       "           http://192.168.1.1:5431/ctl/wanip\n"));
	w = begin_narrow();
	print(w, w->change,
	    json_pack("{s:s, s:s, s:o}", "time", "2026-05-01T12:00:00Z", "event", "added",
		"mapping", mapping(7, 8080, "192.168.1.7", json_integer(3600), "a game")),
	    0);
	CU_ASSERT_STRING_EQUAL(printed,
	    "2026-05-01 12:00:00Z  added     TCP 8080 to 192.168.1.7:80,\n"
	    "                                1h 0m, \"a game\" (mapping 7)\n");
	w = begin_narrow();
	print(w, w->change,
	    json_pack(
		"{s:s, s:s, s:o}", "time", "2026-05-01T12:00:00Z", "event", "added", "pinhole", p),
	    0);
	expect_fit_in(NARROW);
}

static json_t *
explanation(void)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:s, s:i, s:n, s:i, s:["
			 "{s:i, s:b, s:n, s:s, s:s, s:i, s:i}, {s:i, s:b, s:i, s:s, s:s, s:n}]}",
	    "client", "192.168.1.7", "lan", "br0", "protocol", "TCP", "external_port", 8080,
	    "internal_client", "192.168.1.7", "internal_port", 8080, "remote_host", "lease_s", 0,
	    "answers", "version", 2, "granted", 1, "reason", "rule", "games " UE, "file",
	    "/etc/portreeve/portreeve.conf", "line", 7, "lease_s", 604800, "version", 1, "granted",
	    0, "upnp_code", 606, "upnp_text", "Action not authorized", "reason",
	    "nobody of these hosts may have a port of these, say those who wrote the rules",
	    "rule");
}

static void
test_explanations_fit_and_have_durations(void)
{
	struct writer *w = begin_narrow();

	print(w, w->explain, explanation(), 0);
	CU_ASSERT_STRING_EQUAL(printed,
	    "TCP port 8080 to 192.168.1.7 port 8080, permanent, asked for\n"
	    "by 192.168.1.7 on br0:\n"
	    "  By version 2: granted, for 7d 0h.\n"
	    "    Rule \"games " UE "\", /etc/portreeve/portreeve.conf:7.\n"
	    "  By version 1: refused; the client is told 606 (Action not\n"
	    "                authorized).\n"
	    "    Because: nobody of these hosts may have a port of these,\n"
	    "    say those who wrote the rules.\n");
	w = begin(writer_text);
	print(w, w->explain,
	    json_pack("{s:o, s:n}", "last",
		trail_row("refused", "192.168.1.8", "the port leads to 192.168.1.7", 3), "now"),
	    0);
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    printed, "2025-06-15 15:09:00 UTC (319d 21h ago): add TCP port 8080 was refused"));
	expect_fit();
}

static struct writer *
begin_colored(void)
{
	struct writer *w = begin(writer_text);

	w->colors = true;
	return w;
}

static void
test_colours_mark_what_matters(void)
{
	struct writer *w = begin_colored();
	json_t *all;

	print(w, w->trail, json_pack("[o]", trail_row("refused", "192.168.1.8", NULL, 1)), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "192.168.1.7:80  \033[31m718 conflict\033[0m\n"));
	CU_ASSERT_EQUAL(strncmp(printed, "\033[1mTIME (UTC)", 14), 0);
	w = begin_colored();
	all = json_pack("[o, o]", finding("unused", "warning", "this", "Delete it.", false),
	    finding("web", "critical", "page", "Close it.", false));
	print(w, w->findings,
	    json_pack("{s:o, s:i, s:i, s:i}", "findings", all, "critical", 1, "warnings", 1,
		"accepted", 0),
	    0);
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "\033[31mCRITICAL\033[0m  web\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "\033[33mWARNING \033[0m  unused\n"));
	w = begin_colored();
	print(w, w->explain, explanation(), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "By version 2: \033[32mgranted"));
	CU_ASSERT_PTR_NOT_NULL(strstr(printed, "By version 1: \033[31mrefused"));
}

static void
test_words_are_wrapped_and_long_ones_broken(void)
{
	FILE *f = fmemopen(printed, sizeof(printed), "w");

	memset(printed, 0, sizeof(printed));
	writer_wrap(f, "  one two  three ", 2, 9);
	writer_wrap(f, "abcdefghijkl " UE, 3, 8);
	writer_wrap(f, HAN HAN HAN, 0, 5);
	writer_wrap(f, HAN, 0, 1); /* no room for even one: it is printed all the same */
	writer_wrap(f, "", 2, 9);
	fclose(f);
	CU_ASSERT_STRING_EQUAL(printed,
	    "one two\n  three\n"
	    "abcde\n   fghij\n   kl " UE "\n" HAN HAN "\n" HAN "\n" HAN "\n\n");
}

static const struct unit_test tests[] = {
	UNIT_TEST(table_aligns),
	UNIT_TEST(empty_table_says_so),
	UNIT_TEST(long_description_ends_with_an_ellipsis_at_100_columns),
	UNIT_TEST(widest_mapping_fits_100_columns),
	UNIT_TEST(hostile_text_is_harmless),
	UNIT_TEST(cut_keeps_whole_characters),
	UNIT_TEST(pinholes_have_a_table_of_their_own),
	UNIT_TEST(the_longest_pinhole_fits_on_two_lines),
	UNIT_TEST(json_is_what_the_daemon_said),
	UNIT_TEST(foreign_objects_are_refused),
	UNIT_TEST(status_reads_well),
	UNIT_TEST(changes_read_well),
	UNIT_TEST(the_trail_reads_well),
	UNIT_TEST(the_trail_names_the_user_of_the_cli),
	UNIT_TEST(findings_read_well),
	UNIT_TEST(many_findings_of_a_kind_are_counted_and_long_ones_wrapped),
	UNIT_TEST(a_narrow_list_leaves_columns_out_one_by_one),
	UNIT_TEST(narrow_pinholes_have_a_line_for_each_end),
	UNIT_TEST(show_says_how_long_ago),
	UNIT_TEST(show_fits_a_narrow_terminal_and_loses_nothing),
	UNIT_TEST(the_trail_fits_a_narrow_terminal),
	UNIT_TEST(what_does_not_fit_beside_a_client_stands_below_it),
	UNIT_TEST(status_and_changes_fit_a_narrow_terminal),
	UNIT_TEST(explanations_fit_and_have_durations),
	UNIT_TEST(colours_mark_what_matters),
	UNIT_TEST(words_are_wrapped_and_long_ones_broken),
	UNIT_END,
};

int
main(void)
{
	return unit_run("writer", tests);
}
