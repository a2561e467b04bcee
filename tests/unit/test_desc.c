/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker/upnp/advert.h"
#include "worker/upnp/desc.h"
#include "worker/upnp/service.h"
#include "worker/upnp/xml.h"
#include "unit.h"
#include "lib/compiler.h"

#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct msg_gateway gateway = {
	.uuid = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
	.http_port = 5000,
	.notify_interval_s = 900,
	.hostname = "gate",
};

/* What Expat tells of the description. */
static struct {
	char last[64];  /* element */
	char text[256]; /* in it */
	unsigned udns, devices, services, too_long;
	bool unfilled;
	char udn[8][DESC_UDN_MAX];
	char friendly[DESC_FRIENDLY_MAX];
	char all_services[1024], all_devices[512];
} seen;

static void
on_start(void *data UNUSED, const XML_Char *name, const XML_Char **attrs UNUSED)
{
	snprintf(seen.last, sizeof(seen.last), "%s", name);
	seen.text[0] = '\0';
	seen.devices += strcmp(name, "device") == 0;
	seen.services += strcmp(name, "service") == 0;
}

static void
on_text(void *data UNUSED, const XML_Char *text, int len)
{
	strncat(seen.text, text, (size_t)len);
}

/* UDA 1.0 2.1: how long each may be. */
static size_t
limit(const char *name)
{
	static const struct {
		const char *name;
		size_t max;
	} limits[] = { { "friendlyName", 63 }, { "manufacturer", 63 }, { "modelDescription", 127 },
		{ "modelName", 31 }, { "modelNumber", 31 }, { "serialNumber", 63 },
		{ "deviceType", 64 }, { "serviceType", 64 }, { "serviceId", 64 } };
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (strcmp(limits[i].name, name) == 0)
			return limits[i].max;
	return sizeof(seen.text);
}

static void
on_end(void *data UNUSED, const XML_Char *name)
{
	size_t len;

	if (strcmp(name, seen.last) != 0)
		return;
	if (strlen(seen.text) > limit(name) || !seen.text[0])
		seen.too_long++;
	if (strcmp(name, "UDN") == 0 && seen.udns < 8)
		snprintf(seen.udn[seen.udns++], DESC_UDN_MAX, "%.41s", seen.text);
	if (strcmp(name, "friendlyName") == 0 && !seen.friendly[0])
		snprintf(seen.friendly, sizeof(seen.friendly), "%.63s", seen.text);
	if (strcmp(name, "serviceType") == 0 || strcmp(name, "serviceId") == 0 ||
	    strcmp(name, "SCPDURL") == 0) {
		len = strlen(seen.all_services);
		snprintf(
		    seen.all_services + len, sizeof(seen.all_services) - len, "%s\n", seen.text);
	}
	if (strcmp(name, "deviceType") == 0) {
		len = strlen(seen.all_devices);
		snprintf(seen.all_devices + len, sizeof(seen.all_devices) - len, "%s\n", seen.text);
	}
	seen.last[0] = '\0';
}

/* Fills our description for @gw and reads it again. */
static void
read_view(const struct msg_gateway *gw, struct desc_names *names, unsigned igd, bool ppp)
{
	XML_Parser expat = XML_ParserCreate(NULL);
	char *text, *filled = NULL;
	size_t len;

	memset(&seen, 0, sizeof(seen));
	desc_names(names, gw, ppp);
	CU_ASSERT_EQUAL_FATAL(
	    desc_read(XML_SOURCE_DIR, igd == 2 ? "gatedesc2.xml" : "gatedesc.xml", &text, &len), 0);
	CU_ASSERT_EQUAL_FATAL(desc_fill(text, names, igd, "0.1.0", &filled), 0);
	XML_SetElementHandler(expat, on_start, on_end);
	XML_SetCharacterDataHandler(expat, on_text);
	CU_ASSERT_EQUAL(XML_Parse(expat, filled, (int)strlen(filled), XML_TRUE), XML_STATUS_OK);
	seen.unfilled = strchr(filled, '@') != NULL;
	XML_ParserFree(expat);
	free(filled);
	free(text);
}

static void
read_description(const struct msg_gateway *gw, struct desc_names *names)
{
	read_view(gw, names, 1, false);
}

static void
test_the_tree_is_complete_and_within_its_limits(void)
{
	struct desc_names names;

	read_description(&gateway, &names);
	CU_ASSERT_EQUAL(seen.devices, 3);
	CU_ASSERT_EQUAL(seen.services, 3);
	CU_ASSERT_EQUAL(seen.udns, 3);
	CU_ASSERT_EQUAL(seen.too_long, 0);
	CU_ASSERT_FALSE(seen.unfilled);
	CU_ASSERT_STRING_EQUAL(seen.friendly, "gate router");
	CU_ASSERT_STRING_EQUAL(seen.udn[DESC_GATEWAY], names.udn[DESC_GATEWAY]);
	CU_ASSERT_STRING_EQUAL(seen.udn[DESC_WAN], names.udn[DESC_WAN]);
	CU_ASSERT_STRING_EQUAL(seen.udn[DESC_CONNECTION], names.udn[DESC_CONNECTION]);
}

static void
test_the_description_names_what_the_tables_serve(void)
{
	struct desc_names names;
	unsigned i, view;
	char line[256];

	for (view = 0; view < 4; view++) {
		read_view(&gateway, &names, view % 2 + 1, view >= 2);
		for (i = 0; i < SERVICE_COUNT; i++) {
			snprintf(line, sizeof(line), "%s:%u\n%s\n/%s\n", services[i]->type,
			    services[i]->version, services[i]->id, services[i]->document);
			CU_ASSERT_EQUAL(strstr(seen.all_services, line) != NULL,
			    service_offered(services[i], &names) &&
				(services[i]->views & (view % 2 + 1)));
		}
	}
}

static void
test_the_tree_of_igd_2_has_the_same_udns_and_one_device_more(void)
{
	struct desc_names names;
	unsigned i, version;
	char type[96];

	read_view(&gateway, &names, 2, false);
	CU_ASSERT_EQUAL(seen.devices, 4);
	CU_ASSERT_EQUAL(seen.udns, 4);
	CU_ASSERT_EQUAL(seen.services, 6);
	CU_ASSERT_FALSE(seen.unfilled);
	for (i = 0; i < DESC_DEVICES; i++) {
		CU_ASSERT_STRING_EQUAL(seen.udn[i], names.udn[i]);
		version = desc_device_version(i, 2);
		snprintf(type, sizeof(type), "urn:schemas-upnp-org:device:%s:%u\n",
		    desc_device_types[i], version);
		CU_ASSERT_PTR_NOT_NULL(strstr(seen.all_devices, type));
	}
}

/* How many times @word is in @text. */
static unsigned
times(const char *text, const char *word)
{
	unsigned n = 0;

	while ((text = strstr(text, word)) != NULL)
		n++, text++;
	return n;
}

static void
test_libupnp_is_told_of_the_services_of_both_views(void)
{
	struct msg_gateway other = gateway;
	struct desc_names names;
	char *text = NULL;

	desc_names(&names, &gateway, false);
	CU_ASSERT_EQUAL_FATAL(desc_registration(&names, &text), 0);
	CU_ASSERT_EQUAL(times(text, "<device>"), 4);
	CU_ASSERT_EQUAL(times(text, "<service>"), 7);
	CU_ASSERT_EQUAL(times(text, ":WANIPConnection:2<"), 1);
	CU_ASSERT_EQUAL(times(text, ":WANIPConnection:0<"), 1);
	free(text);

	other.igd_version = 1;
	desc_names(&names, &other, false);
	CU_ASSERT_EQUAL_FATAL(desc_registration(&names, &text), 0);
	CU_ASSERT_EQUAL(times(text, "<device>"), 3);
	CU_ASSERT_EQUAL(times(text, "<service>"), 3);
	CU_ASSERT_EQUAL(times(text, ":WANIPConnection:1<"), 1);
	CU_ASSERT_EQUAL(times(text, "2</deviceType>"), 0);
	free(text);

	other.igd_version = 2;
	desc_names(&names, &other, true);
	CU_ASSERT_EQUAL_FATAL(desc_registration(&names, &text), 0);
	CU_ASSERT_EQUAL(times(text, "<service>"), 6);
	CU_ASSERT_EQUAL(times(text, ":WANPPPConnection:1<"), 1);
	CU_ASSERT_EQUAL(times(text, ":WANIPConnection:"), 0);
	free(text);
}

static void
test_udns_are_distinct_and_stay(void)
{
	struct msg_gateway other = gateway;
	struct desc_names a, b;

	desc_names(&a, &gateway, false);
	strcpy(other.hostname, "renamed");
	other.http_port = 80;
	desc_names(&b, &other, false);
	CU_ASSERT_EQUAL(memcmp(a.udn, b.udn, sizeof(a.udn)), 0);
	CU_ASSERT_STRING_NOT_EQUAL(a.udn[0], a.udn[1]);
	CU_ASSERT_STRING_NOT_EQUAL(a.udn[0], a.udn[2]);
	CU_ASSERT_STRING_NOT_EQUAL(a.udn[1], a.udn[2]);
	CU_ASSERT_EQUAL(strlen(a.udn[0]), DESC_UDN_MAX - 1);
	CU_ASSERT_EQUAL(strlen(a.serial), 12);
	/* for ever: clients remember us by it */
	CU_ASSERT_STRING_EQUAL(a.udn[DESC_GATEWAY], "uuid:c28778dc-50e6-5555-afaa-49cffe93542a");
	other.uuid[0] ^= 1;
	desc_names(&b, &other, false);
	CU_ASSERT_STRING_NOT_EQUAL(a.udn[0], b.udn[0]);
}

static void
test_the_default_service_is_the_connection(void)
{
	char expected[DESC_DEFAULT_SERVICE_MAX];
	struct desc_names names;

	desc_names(&names, &gateway, false);
	snprintf(expected, sizeof(expected),
	    "%s:WANConnectionDevice:1,urn:upnp-org:serviceId:WANIPConn1",
	    names.udn[DESC_CONNECTION]);
	CU_ASSERT_STRING_EQUAL(names.default_service, expected);
}

static void
test_a_long_host_name_is_cut(void)
{
	struct msg_gateway other = gateway;
	struct desc_names names;

	memset(other.hostname, 'x', sizeof(other.hostname) - 1);
	read_description(&other, &names);
	CU_ASSERT_EQUAL(strlen(names.friendly), DESC_FRIENDLY_MAX - 1);
	CU_ASSERT_STRING_EQUAL(names.friendly + DESC_FRIENDLY_MAX - 1 - 7, " router");
	CU_ASSERT_EQUAL(seen.too_long, 0);
}

static void
test_values_are_escaped(void)
{
	struct msg_gateway other = gateway;
	struct desc_names names;

	strcpy(other.hostname, "<b>&\"'@VERSION@");
	read_description(&other, &names);
	CU_ASSERT_STRING_EQUAL(seen.friendly, "<b>&\"'@VERSION@ router");
}

static void
test_unknown_places_are_refused(void)
{
	static const char *const bad[] = { "@NOTHING@", "@", "a@b", "@@",
		"@AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@" };
	struct desc_names names;
	char *out = NULL;
	size_t i;

	desc_names(&names, &gateway, false);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_EQUAL(desc_fill(bad[i], &names, 1, "1", &out), -EINVAL);
		CU_ASSERT_PTR_NULL(out);
	}
}

static void
test_escaping_never_cuts_an_entity(void)
{
	char buf[8];

	CU_ASSERT_EQUAL(xml_escape(buf, sizeof(buf), "a<b"), 0);
	CU_ASSERT_STRING_EQUAL(buf, "a&lt;b");
	CU_ASSERT_EQUAL(xml_escape(buf, sizeof(buf), "abc\"d"), -ENOSPC);
	CU_ASSERT_STRING_EQUAL(buf, "abc");
	CU_ASSERT_EQUAL(xml_escape(buf, sizeof(buf), "1234567"), 0);
	CU_ASSERT_EQUAL(xml_escape(buf, sizeof(buf), "12345678"), -ENOSPC);
}

static const struct advert byebye = { .nts = "ssdp:byebye" };

static bool
says_byebye(const struct desc_names *names, const char *nt, const char *usn)
{
	char buf[ADVERT_MAX], expected[ADVERT_MAX];
	unsigned i;

	snprintf(expected, sizeof(expected),
	    "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNT: %s\r\n"
	    "NTS: ssdp:byebye\r\nUSN: %s\r\n\r\n",
	    nt, usn);
	for (i = 0; i < ADVERTS; i++) {
		if (advert_build(names, i, &byebye, buf) && strcmp(buf, expected) == 0)
			return true;
	}
	return false;
}

static void
test_byebye_names_every_device_and_service_of_the_tree(void)
{
	char nt[128], usn[256], buf[ADVERT_MAX];
	struct desc_names names;
	unsigned i, n = 0;

	read_view(&gateway, &names, 2, false);
	for (i = 0; i < ADVERTS; i++)
		n += advert_build(&names, i, &byebye, buf);
	CU_ASSERT_EQUAL(n, 3 + 2 * 3 + 6);
	snprintf(usn, sizeof(usn), "%s::upnp:rootdevice", names.udn[DESC_GATEWAY]);
	CU_ASSERT_TRUE(says_byebye(&names, "upnp:rootdevice", usn));
	for (i = 0; i < DESC_DEVICES; i++) {
		CU_ASSERT_TRUE(says_byebye(&names, names.udn[i], names.udn[i]));
		snprintf(nt, sizeof(nt), "urn:schemas-upnp-org:device:%s:%u", desc_device_types[i],
		    desc_announced_version(&names, i));
		CU_ASSERT_PTR_NOT_NULL(strstr(seen.all_devices, nt));
		snprintf(usn, sizeof(usn), "%s::%s", names.udn[i], nt);
		CU_ASSERT_TRUE(says_byebye(&names, nt, usn));
	}
	for (i = 0; i < SERVICE_COUNT; i++) {
		snprintf(nt, sizeof(nt), "%s:%u", services[i]->type, services[i]->version);
		snprintf(usn, sizeof(usn), "%s::%s", names.udn[services[i]->device], nt);
		CU_ASSERT_EQUAL(
		    says_byebye(&names, nt, usn), service_announced(services[i], &names));
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(the_tree_is_complete_and_within_its_limits),
	UNIT_TEST(the_description_names_what_the_tables_serve),
	UNIT_TEST(the_tree_of_igd_2_has_the_same_udns_and_one_device_more),
	UNIT_TEST(libupnp_is_told_of_the_services_of_both_views),
	UNIT_TEST(udns_are_distinct_and_stay),
	UNIT_TEST(the_default_service_is_the_connection),
	UNIT_TEST(a_long_host_name_is_cut),
	UNIT_TEST(values_are_escaped),
	UNIT_TEST(unknown_places_are_refused),
	UNIT_TEST(escaping_never_cuts_an_entity),
	UNIT_TEST(byebye_names_every_device_and_service_of_the_tree),
	UNIT_END,
};

int
main(void)
{
	return unit_run("desc", tests);
}
