/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker/upnp/ssdp_send.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#define UDN "uuid:00000000-0000-5000-8000-000000000001"
#define IGD "urn:schemas-upnp-org:device:InternetGatewayDevice"
#define WANIP "urn:schemas-upnp-org:service:WANIPConnection"
#define L3F "urn:schemas-upnp-org:service:Layer3Forwarding"
#define FIREWALL "urn:schemas-upnp-org:service:WANIPv6FirewallControl"

static struct ssdp_self self;
static char out[SSDP_SEND_MAX];

static void
begin(void)
{
	self = (struct ssdp_self){
		.boot_id = 77,
		.config_id = 5,
		.server = "Linux/any UPnP/1.0 us/1",
		.location_1 = "http://192.168.1.1:5000/one",
		.location_2 = "http://192.168.1.1:5000/two",
	};
	ssdp_self_add(&self, "upnp:rootdevice", 0, false);
	ssdp_self_add(&self, UDN, 0, false);
	ssdp_self_add(&self, IGD, 2, false);
	ssdp_self_add(&self, WANIP, 2, false);
	ssdp_self_add(&self, L3F, 1, false);
	ssdp_self_add(&self, FIREWALL, 1, true);
}

/* libupnp's answer to a search for @st, written anew. */
static size_t
answer(const char *st)
{
	char text[1024];
	size_t n;

	snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nDATE: today\r\nEXT:\r\n"
	    "LOCATION: http://elsewhere/\r\nOPT: \"x\"; ns=01\r\n01-NLS: x\r\nSERVER: sdk\r\n"
	    "X-User-Agent: redsonic\r\nST: %s\r\nUSN: " UDN "::%s\r\n\r\n",
	    st, st);
	n = ssdp_send_rewrite(&self, text, strlen(text), out);
	out[n] = '\0';
	return n;
}

static size_t
notify(const char *nts, const char *nt)
{
	char text[1024];
	size_t n;

	snprintf(text, sizeof(text),
	    "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nCACHE-CONTROL: max-age=1800\r\n"
	    "LOCATION: http://elsewhere/\r\nNT: %s\r\nNTS: %s\r\nSERVER: sdk\r\n"
	    "USN: " UDN "::%s\r\n\r\n",
	    nt, nts, nt);
	n = ssdp_send_rewrite(&self, text, strlen(text), out);
	out[n] = '\0';
	return n;
}

static bool
leads_to(const char *location)
{
	char line[128];

	snprintf(line, sizeof(line), "\r\nLOCATION: %s\r\n", location);
	return strstr(out, line) != NULL;
}

static void
test_an_answer_says_what_it_must_and_no_more(void)
{
	begin();
	CU_ASSERT_TRUE(answer(IGD ":2"));
	CU_ASSERT_STRING_EQUAL(out,
	    "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nDATE: today\r\nEXT:\r\n"
	    "LOCATION: http://192.168.1.1:5000/two\r\nSERVER: Linux/any UPnP/1.0 us/1\r\n"
	    "ST: " IGD ":2\r\nUSN: " UDN "::" IGD ":2\r\nBOOTID.UPNP.ORG: 77\r\n"
	    "CONFIGID.UPNP.ORG: 5\r\n\r\n");
}

static void
test_a_byebye_has_no_location(void)
{
	begin();
	CU_ASSERT_TRUE(notify("ssdp:byebye", L3F ":1"));
	CU_ASSERT_STRING_EQUAL(out,
	    "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNT: " L3F ":1\r\n"
	    "NTS: ssdp:byebye\r\nUSN: " UDN "::" L3F ":1\r\nBOOTID.UPNP.ORG: 77\r\n"
	    "CONFIGID.UPNP.ORG: 5\r\n\r\n");
	CU_ASSERT_TRUE(notify("ssdp:alive", L3F ":1"));
	CU_ASSERT_TRUE(leads_to(self.location_1));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "\r\nCACHE-CONTROL: max-age=1800\r\n"));
}

static void
test_an_update_names_this_boot_and_the_next(void)
{
	static const char text[] = "NOTIFY * HTTP/1.1\r\nNT: " L3F ":1\r\nNTS: ssdp:update\r\n"
				   "USN: " UDN "::" L3F ":1\r\nNEXTBOOTID.UPNP.ORG: 78\r\n\r\n";

	begin();
	out[ssdp_send_rewrite(&self, text, strlen(text), out)] = '\0';
	CU_ASSERT_STRING_EQUAL(out,
	    "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
	    "LOCATION: http://192.168.1.1:5000/one\r\nNEXTBOOTID.UPNP.ORG: 78\r\n"
	    "NT: " L3F ":1\r\nNTS: ssdp:update\r\nUSN: " UDN "::" L3F ":1\r\n"
	    "BOOTID.UPNP.ORG: 77\r\nCONFIGID.UPNP.ORG: 5\r\n\r\n");
}

static void
test_who_asks_for_version_2_gets_its_document_and_others_the_first(void)
{
	static const struct {
		const char *target;
		int document;
	} rows[] = { { IGD ":1", 1 }, { IGD ":2", 2 }, { WANIP ":1", 1 }, { WANIP ":2", 2 },
		{ L3F ":1", 1 }, { FIREWALL ":1", 2 }, { "upnp:rootdevice", 1 }, { UDN, 1 } };
	size_t i;

	begin();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT_TRUE(answer(rows[i].target));
		CU_ASSERT_TRUE(leads_to(rows[i].document == 1 ? self.location_1 : self.location_2));
		CU_ASSERT_TRUE(notify("ssdp:alive", rows[i].target));
		CU_ASSERT_TRUE(leads_to(rows[i].document == 1 ? self.location_1 : self.location_2));
	}
}

static void
test_with_one_document_all_lead_there(void)
{
	begin();
	self.location_1[0] = '\0';
	CU_ASSERT_TRUE(answer(IGD ":1") && leads_to(self.location_2));
	begin();
	self.location_2[0] = '\0';
	CU_ASSERT_TRUE(answer(IGD ":1") && leads_to(self.location_1));
}

static void
test_what_is_not_ours_stays_unsaid(void)
{
	static const char *const other[] = { IGD ":3", IGD ":0", IGD, IGD ":", IGD ":1x", L3F ":2",
		"urn:schemas-upnp-org:service:WANIP:1", "uuid:1", UDN "0", "upnp:rootdevice:1" };
	size_t i;

	begin();
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		CU_ASSERT_EQUAL(answer(other[i]), 0);
	CU_ASSERT_EQUAL(ssdp_send_rewrite(&self, "M-SEARCH * HTTP/1.1\r\n\r\n", 23, out), 0);
	CU_ASSERT_EQUAL(ssdp_send_rewrite(&self, "", 0, out), 0);
	CU_ASSERT_EQUAL(ssdp_send_rewrite(&self, "NOTIFY * HTTP/1.1\r\n", 19, out), 0);
}

static const struct unit_test tests[] = {
	UNIT_TEST(an_answer_says_what_it_must_and_no_more),
	UNIT_TEST(a_byebye_has_no_location),
	UNIT_TEST(an_update_names_this_boot_and_the_next),
	UNIT_TEST(who_asks_for_version_2_gets_its_document_and_others_the_first),
	UNIT_TEST(with_one_document_all_lead_there),
	UNIT_TEST(what_is_not_ours_stays_unsaid),
	UNIT_END,
};

int
main(void)
{
	return unit_run("ssdp_send", tests);
}
