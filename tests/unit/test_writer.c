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

static char printed[64 * 1024];

static json_t *
mapping(int id, int port, const char *client, json_t *remaining, const char *description)
{
	return json_pack("{s:i, s:b, s:s, s:i, s:n, s:s, s:i, s:o, s:s, s:s, s:s, s:s, s:n}", "id",
	    id, "enabled", 1, "protocol", "TCP", "external_port", port, "remote_host",
	    "internal_client", client, "internal_port", 80, "lease_remaining_s", remaining,
	    "description", description, "origin", "upnp", "client", client, "created",
	    "2024-05-01T12:00:00Z", "last_used");
}

typedef int (*print_fn)(struct writer *, json_t *);

static struct writer *
begin(struct writer *(*get)(FILE *, FILE *))
{
	FILE *f = fmemopen(printed, sizeof(printed), "w");

	memset(printed, 0, sizeof(printed));
	return get(f, f);
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

/* Every line at most 100 columns, and @column of each begins where the title does. */
static void
expect_fit(void)
{
	char copy[sizeof(printed)], *line, *save;

	strcpy(copy, printed);
	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		CU_ASSERT(utf8_width(line) <= TERMINAL_COLUMNS);
		CU_ASSERT_TRUE(utf8_valid(line, strlen(line)));
		CU_ASSERT_NOT_EQUAL(line[strlen(line) - 1], ' ');
	}
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
					"packets      12\n");

	w = begin(writer_text);
	print(w, w->change,
	    json_pack("{s:s, s:s, s:o}", "time", "2026-05-01T12:00:00Z", "event", "added",
		"pinhole", pinhole("2001:db8::7", json_integer(80), json_null(), json_null())),
	    0);
	CU_ASSERT_STRING_EQUAL(printed, "2026-05-01T12:00:00Z  added     UDP from any to "
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
	    "           Double NAT: another router translates before this one (a private "
	    "address).\n"
	    "           Ports mapped here can be reached from the Internet only if it forwards "
	    "them.\n"
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
	    "here\n"
	    "           can be reached in the provider's network, but not from the Internet.\n"));
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
	CU_ASSERT_STRING_EQUAL(printed, "2024-05-01T12:00:00Z  added     TCP 8080 to "
					"192.168.1.7:80, 1h 0m, \"web\" (mapping 7)\n");
	w = begin(writer_text);
	print(w, w->change,
	    json_pack("{s:s, s:s, s:s, s:s, s:i, s:n, s:s, s:i, s:s, s:s}", "time",
		"2024-05-01T12:00:00Z", "event", "refused", "client", "192.168.1.9", "protocol",
		"UDP", "external_port", 53, "remote_host", "internal_client", "192.168.1.9",
		"internal_port", 53, "result", "not-authorized", "reason", "below min_port"),
	    0);
	CU_ASSERT_STRING_EQUAL(printed,
	    "2024-05-01T12:00:00Z  refused   UDP 53 to 192.168.1.9:53 for 192.168.1.9: "
	    "not-authorized, below min_port\n");
	w = begin(writer_text);
	print(w, w->change,
	    json_pack("{s:s, s:s, s:s}", "time", "2024-05-01T12:00:00Z", "event", "wan", "text",
		"eth0 has 203.0.113.7"),
	    0);
	CU_ASSERT_STRING_EQUAL(printed, "2024-05-01T12:00:00Z  wan       eth0 has 203.0.113.7\n");
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
	UNIT_TEST(findings_read_well),
	UNIT_TEST(many_findings_of_a_kind_are_counted_and_long_ones_wrapped),
	UNIT_END,
};

int
main(void)
{
	return unit_run("writer", tests);
}
