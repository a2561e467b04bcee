/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "probe/dhcp_probe.h"
#include "probe/ssdp_probe.h"

#define BOOTP_AT 42
#define OPTIONS_AT (BOOTP_AT + 236)

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t chaddr[6] = { 2, 1, 2, 3, 4, 5 };

/* What 192.168.1.3 offers, naming 192.168.1.4 as router: the request, turned round. */
static void
make_offer(uint8_t frame[DHCP_PROBE_FRAME])
{
	static const uint8_t options[] = { 53, 1, 2, 0, 0, 1, 4, 255, 255, 255, 0, 3, 4, 192, 168,
		1, 4, 255 };
	static const uint8_t from[] = { 192, 168, 1, 3 };

	dhcp_probe_build(frame, mac, chaddr, 0x11223344);
	memcpy(frame + 26, from, 4);
	frame[35] = 67;
	frame[37] = 68;
	frame[BOOTP_AT] = 2;
	memcpy(frame + OPTIONS_AT + 4, options, sizeof(options));
}

static bool
parse(const uint8_t *frame, size_t len, struct dhcp_offer *offer)
{
	return dhcp_probe_parse(frame, len, chaddr, 0x11223344, offer);
}

static void
test_a_request_is_a_valid_broadcast(void)
{
	uint8_t f[DHCP_PROBE_FRAME];
	unsigned sum = 0, i;

	dhcp_probe_build(f, mac, chaddr, 0x11223344);
	CU_ASSERT_EQUAL(memcmp(f, "\xff\xff\xff\xff\xff\xff", 6), 0);
	CU_ASSERT_EQUAL(memcmp(f + 6, mac, 6), 0);
	for (i = 14; i < 34; i += 2)
		sum += (unsigned)f[i] << 8 | f[i + 1];
	CU_ASSERT_EQUAL((sum & 0xffff) + (sum >> 16), 0xffff); /* the header's sum is right */
	CU_ASSERT_EQUAL(memcmp(f + 34, "\0\x44\0\x43", 4), 0);
	CU_ASSERT_EQUAL(f[BOOTP_AT], 1);
	CU_ASSERT_EQUAL(memcmp(f + BOOTP_AT + 4, "\x11\x22\x33\x44", 4), 0);
	CU_ASSERT_EQUAL(f[BOOTP_AT + 10], 0x80); /* to everybody */
	CU_ASSERT_EQUAL(memcmp(f + BOOTP_AT + 28, chaddr, 6), 0);
	CU_ASSERT_EQUAL(memcmp(f + OPTIONS_AT, "\x63\x82\x53\x63\x35\1\1", 7), 0);
}

static void
test_an_offer_tells_server_and_router(void)
{
	uint8_t f[DHCP_PROBE_FRAME];
	struct dhcp_offer offer;

	make_offer(f);
	CU_ASSERT_TRUE(parse(f, sizeof(f), &offer));
	CU_ASSERT_EQUAL(offer.server, 0xc0a80103);
	CU_ASSERT_EQUAL(offer.router, 0xc0a80104);
	f[OPTIONS_AT + 4 + 11] = 255; /* no router */
	CU_ASSERT_TRUE(parse(f, sizeof(f), &offer));
	CU_ASSERT_EQUAL(offer.router, 0);
}

/* Each of these octets decides. */
static void
test_what_is_no_offer_for_us_is_left_alone(void)
{
	static const size_t decisive[] = { 12, 14, 20, 23, 34, 35, 37, BOOTP_AT, BOOTP_AT + 4,
		BOOTP_AT + 7, BOOTP_AT + 28, BOOTP_AT + 33, OPTIONS_AT, OPTIONS_AT + 3,
		OPTIONS_AT + 4, OPTIONS_AT + 6 };
	uint8_t f[DHCP_PROBE_FRAME];
	struct dhcp_offer offer;
	size_t i;

	for (i = 0; i < sizeof(decisive) / sizeof(decisive[0]); i++) {
		make_offer(f);
		f[decisive[i]] ^= 0x31;
		CU_ASSERT_FALSE(parse(f, sizeof(f), &offer));
	}
	dhcp_probe_build(f, mac, chaddr, 0x11223344);
	CU_ASSERT_FALSE(parse(f, sizeof(f), &offer)); /* our own request */
}

static void
test_no_length_leads_out_of_the_frame(void)
{
	uint8_t f[DHCP_PROBE_FRAME], *copy;
	struct dhcp_offer offer;
	size_t len, at;

	for (len = 0; len < sizeof(f); len++) {
		make_offer(f);
		copy = malloc(len + 1); /* so that a sanitizer sees each octet too far */
		memcpy(copy, f, len);
		CU_ASSERT_FALSE(parse(copy, len, &offer));
		free(copy);
	}
	for (at = 0; at < sizeof(f); at++) {
		make_offer(f);
		f[at] = 0xff;
		parse(f, sizeof(f), &offer);
	}
	make_offer(f);
	memset(f + OPTIONS_AT + 4, 200, sizeof(f) - OPTIONS_AT - 4); /* options without an end */
	CU_ASSERT_FALSE(parse(f, sizeof(f), &offer));
}

static void
test_only_answers_count_and_ours_are_known_by_their_url(void)
{
	static const char ours[] = "HTTP/1.1 200 OK\r\nLOCATION: "
				   "http://192.168.1.1:5431/description.xml\r\n\r\n";
	static const char notify[] = "NOTIFY * HTTP/1.1\r\n\r\n";
	size_t len;

	CU_ASSERT_TRUE(ssdp_probe_is_answer(ours, sizeof(ours) - 1));
	CU_ASSERT_FALSE(ssdp_probe_is_answer(ours, 11));
	CU_ASSERT_FALSE(ssdp_probe_is_answer(notify, sizeof(notify) - 1));
	CU_ASSERT_FALSE(ssdp_probe_is_answer(ours, 0));
	CU_ASSERT_FALSE(ssdp_probe_is_answer(ssdp_probe_search(&len), len));
	CU_ASSERT_TRUE(ssdp_probe_is_ours(ours, sizeof(ours) - 1, 0xc0a80101, 5431));
	CU_ASSERT_FALSE(ssdp_probe_is_ours(ours, sizeof(ours) - 1, 0xc0a80101, 543));
	CU_ASSERT_FALSE(ssdp_probe_is_ours(ours, sizeof(ours) - 1, 0xc0a80102, 5431));
	CU_ASSERT_FALSE(ssdp_probe_is_ours(ours, 20, 0xc0a80101, 5431));
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_request_is_a_valid_broadcast),
	UNIT_TEST(an_offer_tells_server_and_router),
	UNIT_TEST(what_is_no_offer_for_us_is_left_alone),
	UNIT_TEST(no_length_leads_out_of_the_frame),
	UNIT_TEST(only_answers_count_and_ours_are_known_by_their_url),
	UNIT_END,
};

int
main(void)
{
	return unit_run("probe", tests);
}
