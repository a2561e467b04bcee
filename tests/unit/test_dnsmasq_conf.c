/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/dnsmasq_conf.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "config/conf_keys.h"

#define LAN(a, b, c, d, length)                                                                    \
	{                                                                                          \
		(uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d), length                           \
	}

static struct conf conf;
static struct dnsmasq_wish wish;
static char *text;

static void
setup(void)
{
	conf_keys_defaults(&conf);
	wish = (struct dnsmasq_wish){
		.conf = &conf,
		.lans = { { .ifname = "lan0", .prefix = LAN(192, 168, 137, 1, 24) } },
		.n_lans = 1,
	};
}

/* Is @line one of the lines? */
static bool
has(const char *line)
{
	size_t n = strlen(line);
	const char *p;

	for (p = text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (strncmp(p, line, n) == 0 && p[n] == '\n')
			return true;
	return false;
}

static void
build(void)
{
	free(text);
	text = dnsmasq_conf_build(&wish);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
}

static void
test_it_serves_the_lans_and_nobody_else(void)
{
	setup();
	wish.lans[wish.n_lans++] =
	    (struct dnsmasq_lan){ .ifname = "br1", .prefix = LAN(10, 1, 2, 3, 28) };
	build();
	CU_ASSERT_TRUE(has("interface=lan0"));
	CU_ASSERT_TRUE(has("interface=br1"));
	CU_ASSERT_TRUE(has("except-interface=lo"));
	CU_ASSERT_TRUE(has("bind-dynamic"));
	CU_ASSERT_TRUE(has("dhcp-range=192.168.137.100,192.168.137.254,255.255.255.0,43200"));
	CU_ASSERT_TRUE(has("dhcp-range=10.1.2.1,10.1.2.14,255.255.255.240,43200"));
	CU_ASSERT_TRUE(has("domain=lan"));
	CU_ASSERT_TRUE(has("local=/lan/"));
}

static void
test_names_of_others_are_asked_where_the_system_does_or_as_told(void)
{
	setup();
	build();
	CU_ASSERT_TRUE(has("resolv-file=/etc/resolv.conf"));
	conf.dns[conf.n_dns++] = addr6_from4(0xcb007102);
	addr6_parse("2001:db8::53", &conf.dns[conf.n_dns++]);
	build();
	CU_ASSERT_FALSE(has("resolv-file=/etc/resolv.conf"));
	CU_ASSERT_TRUE(has("no-resolv"));
	CU_ASSERT_TRUE(has("server=203.0.113.2"));
	CU_ASSERT_TRUE(has("server=2001:db8::53"));
}

static void
test_routers_are_advertised_where_there_is_ipv6(void)
{
	setup();
	build();
	CU_ASSERT_FALSE(has("enable-ra"));
	wish.lans[0].ipv6 = true;
	build();
	CU_ASSERT_TRUE(has("enable-ra"));
	CU_ASSERT_TRUE(has("dhcp-range=::,constructor:lan0,ra-stateless,ra-names,64,43200"));
}

static void
test_a_reservation_is_a_name_and_an_address_of_a_lan(void)
{
	setup();
	conf.n_reservations = 2;
	strcpy(conf.reservations[0].head.title, "printer");
	memcpy(conf.reservations[0].mac.octet, "\x02\0\0\0\xab\x1f", 6);
	conf.reservations[0].address = 0xc0a88914;
	strcpy(conf.reservations[1].head.title, "elsewhere");
	conf.reservations[1].address = 0x0a000001;
	build();
	CU_ASSERT_TRUE(has("host-record=printer,printer.lan,192.168.137.20"));
	CU_ASSERT_TRUE(has("dhcp-host=02:00:00:00:ab:1f,192.168.137.20,printer"));
	CU_ASSERT_PTR_NULL(strstr(text, "elsewhere"));
}

static void
test_the_range_fits_its_lan(void)
{
	static const struct {
		struct prefix4 prefix;
		uint32_t first, last; /* 0: none */
	} rows[] = {
		{ LAN(192, 168, 137, 1, 24), 0xc0a88964, 0xc0a889fe },
		{ LAN(10, 0, 0, 1, 16), 0x0a000064, 0x0a00fffe },
		{ LAN(192, 168, 1, 129, 25), 0xc0a80181, 0xc0a801fe },
		{ LAN(192, 168, 1, 1, 30), 0xc0a80101, 0xc0a80102 },
		{ LAN(192, 168, 1, 1, 31), 0, 0 }, { LAN(192, 168, 1, 1, 32), 0, 0 },
		{ LAN(172, 16, 5, 1, 24), 0xac100505, 0xac100509 }, /* as configured */
	};
	uint32_t first, last;
	size_t i;

	setup();
	conf.dhcp_range = (struct conf_range){ 0xac100505, 0xac100509 };
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		first = last = 0;
		CU_ASSERT_EQUAL(
		    dnsmasq_conf_range(&conf, &rows[i].prefix, &first, &last), rows[i].first != 0);
		CU_ASSERT_EQUAL(first, rows[i].first);
		CU_ASSERT_EQUAL(last, rows[i].last);
	}
}

static void
test_equal_wishes_make_equal_texts(void)
{
	char *before;

	setup();
	build();
	before = text;
	text = NULL;
	build();
	CU_ASSERT_STRING_EQUAL(text, before);
	free(before);
}

static const struct unit_test tests[] = {
	UNIT_TEST(it_serves_the_lans_and_nobody_else),
	UNIT_TEST(names_of_others_are_asked_where_the_system_does_or_as_told),
	UNIT_TEST(routers_are_advertised_where_there_is_ipv6),
	UNIT_TEST(a_reservation_is_a_name_and_an_address_of_a_lan),
	UNIT_TEST(the_range_fits_its_lan),
	UNIT_TEST(equal_wishes_make_equal_texts),
	UNIT_END,
};

int
main(void)
{
	int rc = unit_run("dnsmasq_conf", tests);

	free(text);
	return rc;
}
