/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "unit.h"
#include "worker/upnp/ssdp_check.h"

#include <stdio.h>
#include <string.h>

#define SEARCH(mx, st)                                                                             \
	"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: " mx   \
	"\r\nST: " st "\r\n\r\n"

static const char *
rewritten(const char *text, bool multicast)
{
	static char buf[2500];

	strcpy(buf, text);
	buf[ssdp_rewrite(buf, strlen(text), sizeof(buf), multicast)] = '\0';
	return buf;
}

static void
test_searches_of_any_form_become_one(void)
{
	static const char *const good[] = {
		SEARCH("2", "ssdp:all"),
		("M-SEARCH * HTTP/1.1\r\nHost:239.255.255.250:1900\r\nST:ssdp:all\r\n"
		 "Man:\"ssdp:discover\"\r\nMX:2\r\n\r\n"),
		"M-SEARCH * HTTP/1.1\nman: ssdp:discover \nst: ssdp:all\nmx: 2\nUser-Agent: x\n\n",
		"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nMX: 2\r\nST: ssdp:all",
	};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		CU_ASSERT_STRING_EQUAL(rewritten(good[i], true), SEARCH("2", "ssdp:all"));
}

static void
test_what_is_no_search_is_dropped(void)
{
	static const char *const bad[] = {
		"",
		"NOTIFY * HTTP/1.1\r\n\r\n",
		"M-SEARCH / HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nMX: 2\r\nST: ssdp:all\r\n\r\n",
		"M-SEARCH * HTTP/1.1\r\nMX: 2\r\nST: ssdp:all\r\n\r\n",
		"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:other\"\r\nMX: 2\r\nST: ssdp:all\r\n\r\n",
		"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\r\n\r\n",
		"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nMX: 2\r\n\r\n",
		SEARCH("-1", "ssdp:all"),
		SEARCH("x", "ssdp:all"),
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_STRING_EQUAL(rewritten(bad[i], true), "");
}

static void
test_mx_is_at_most_five(void)
{
	CU_ASSERT_STRING_EQUAL(rewritten(SEARCH("120", "ssdp:all"), true), SEARCH("5", "ssdp:all"));
	CU_ASSERT_STRING_EQUAL(
	    rewritten(SEARCH("9999999", "ssdp:all"), true), SEARCH("5", "ssdp:all"));
	CU_ASSERT_STRING_EQUAL(rewritten(SEARCH("0", "ssdp:all"), true), SEARCH("0", "ssdp:all"));
}

static void
test_unicast_search_needs_no_mx_and_may_name_us_as_host(void)
{
	CU_ASSERT_STRING_EQUAL(rewritten("M-SEARCH * HTTP/1.1\r\nHOST: 192.168.7.1:1900\r\n"
					 "MAN: \"ssdp:discover\"\r\nST: upnp:rootdevice\r\n\r\n",
				   false),
	    SEARCH("1", "upnp:rootdevice"));
}

static void
test_search_target_is_of_a_known_form(void)
{
	static const char *const good[] = { "upnp:rootdevice", "uuid:0-1a",
		"urn:schemas-upnp-org:device:InternetGatewayDevice:1",
		"urn:schemas-upnp-org:service:WANIPConnection:2", "urn:a.b:service:x_y:10" };
	static const char *const bad[] = { "", "x", "uuid:", "uuid:%n",
		"urn:", "urn:a:device:", "urn:a:device:b", "urn:a:device:b:", "urn:a:device:b:c",
		"urn:a:device::1", "urn:a:service:1", "urn::device:b:1", "urn:a:other:b:1",
		"urn:a:device:b:1:2", "urn:a:device:b:9999" };
	char text[512], expected[512];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(text, sizeof(text), SEARCH("3", "%s"), good[i]);
		strcpy(expected, text);
		CU_ASSERT_STRING_EQUAL(rewritten(text, true), expected);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), SEARCH("3", "%s"), bad[i]);
		CU_ASSERT_STRING_EQUAL(rewritten(text, true), "");
	}
	snprintf(text, sizeof(text), SEARCH("3", "uuid:%0200d"), 0);
	CU_ASSERT_STRING_EQUAL(rewritten(text, true), "");
}

static const struct unit_test tests[] = {
	UNIT_TEST(searches_of_any_form_become_one),
	UNIT_TEST(what_is_no_search_is_dropped),
	UNIT_TEST(mx_is_at_most_five),
	UNIT_TEST(unicast_search_needs_no_mx_and_may_name_us_as_host),
	UNIT_TEST(search_target_is_of_a_known_form),
	UNIT_END,
};

int
main(void)
{
	return unit_run("ssdp_check", tests);
}
