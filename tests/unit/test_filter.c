/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What "list" shows of what there is. */
#include <string.h>

#include "ctl/filter.h"
#include "unit.h"

/* Three mappings and a pinhole, as the daemon gives them: in order of id. */
static json_t *
table(void)
{
	return json_loads("[{\"id\": 1, \"protocol\": \"TCP\", \"external_port\": 8080,"
			  "  \"internal_client\": \"192.168.1.10\", \"internal_port\": 80,"
			  "  \"lease_remaining_s\": null, \"origin\": \"static\", \"client\": null,"
			  "  \"created\": \"2026-05-01T12:00:00Z\", \"last_used\": null},"
			  " {\"id\": 2, \"protocol\": \"UDP\", \"external_port\": 3074,"
			  "  \"internal_client\": \"192.168.1.9\", \"internal_port\": 3074,"
			  "  \"lease_remaining_s\": 20, \"origin\": \"upnp\","
			  "  \"client\": \"192.168.1.9\","
			  "  \"created\": \"2026-05-01T13:00:00Z\","
			  "  \"last_used\": \"2026-05-02T12:00:00Z\"},"
			  " {\"id\": 3, \"protocol\": \"TCP\", \"external_port\": 80,"
			  "  \"internal_client\": \"192.168.1.10\", \"internal_port\": 8080,"
			  "  \"lease_remaining_s\": 10, \"origin\": \"upnp\","
			  "  \"client\": \"192.168.1.7\","
			  "  \"created\": \"2026-05-01T14:00:00Z\", \"last_used\": null},"
			  " {\"id\": 4, \"protocol\": 47, \"remote_port\": null,"
			  "  \"internal_client\": \"2001:db8::7\", \"internal_port\": null,"
			  "  \"lease_remaining_s\": 30, \"origin\": \"upnp\","
			  "  \"client\": \"2001:db8::7\","
			  "  \"created\": \"2026-05-01T11:00:00Z\", \"last_used\": null}]",
	    0, NULL);
}

/* The ids of what passes, in order. */
static const char *
ids(const struct filter *filter)
{
	static char text[32];
	json_t *array = table(), *some = filter_apply(filter, array);
	size_t i;

	CU_ASSERT_PTR_NULL(filter_check(filter));
	for (i = 0; i < json_array_size(some) && i < sizeof(text) - 1; i++)
		text[i] = (char)('0' + json_integer_value(
					   json_object_get(json_array_get(some, i), "id")));
	text[i] = '\0';
	json_decref(some);
	json_decref(array);
	return text;
}

#define EXPECT(expected, ...) CU_ASSERT_STRING_EQUAL(ids(&(struct filter){ __VA_ARGS__ }), expected)

static void
test_without_a_filter_all_pass_in_their_order(void)
{
	EXPECT("1234", .client = NULL);
}

static void
test_a_client_is_who_asked_or_whom_it_leads_to(void)
{
	EXPECT("13", .client = "192.168.1.10");
	EXPECT("3", .client = "192.168.1.7");
	EXPECT("4", .client = "2001:DB8::7");
	EXPECT("", .client = "192.168.1.1");
}

static void
test_protocol_port_origin_and_use_narrow_each_other(void)
{
	EXPECT("13", .protocol = "tcp");
	EXPECT("4", .protocol = "47");
	EXPECT("13", .port = "80");
	EXPECT("3", .port = "80", .origin = "upnp");
	EXPECT("134", .unused = true);
	EXPECT("34", .unused = true, .origin = "upnp");
	EXPECT("", .protocol = "udp", .unused = true);
}

static void
test_sorting_puts_what_is_missing_last(void)
{
	EXPECT("3214", .sort = "port");
	EXPECT("3241", .sort = "left");
	EXPECT("3214", .sort = "created");
	EXPECT("2134", .sort = "used");
	EXPECT("2134", .sort = "inside");
}

static void
test_what_makes_no_sense_is_told_with_what_is_legal(void)
{
	static const struct {
		struct filter filter;
		const char *legal;
	} cases[] = {
		{ { .protocol = "icmpx" }, "tcp, udp" },
		{ { .protocol = "256" }, "255" },
		{ { .port = "0" }, "1 to 65535" },
		{ { .port = "65536" }, "1 to 65535" },
		{ { .port = "8o" }, "1 to 65535" },
		{ { .origin = "igd" }, "upnp, static" },
		{ { .sort = "size" }, "id, port" },
	};
	const char *wrong;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		wrong = filter_check(&cases[i].filter);
		CU_ASSERT_PTR_NOT_NULL_FATAL(wrong);
		CU_ASSERT_PTR_NOT_NULL(strstr(wrong, cases[i].legal));
	}
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(without_a_filter_all_pass_in_their_order),
		UNIT_TEST(a_client_is_who_asked_or_whom_it_leads_to),
		UNIT_TEST(protocol_port_origin_and_use_narrow_each_other),
		UNIT_TEST(sorting_puts_what_is_missing_last),
		UNIT_TEST(what_makes_no_sense_is_told_with_what_is_legal),
		UNIT_END,
	};

	return unit_run("filter", tests);
}
