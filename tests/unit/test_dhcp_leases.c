/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/dhcp_leases.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char sample[] =
    "1795000000 02:00:00:00:00:0a 192.168.137.100 phone 01:02:00:00:00:00:0a\n"
    "0 02:00:00:00:00:0b 192.168.137.101 * *\n"
    "1795000000 02:00:00:00:00:0c 192.168.137.102 bad\x1b[name *\n"
    "duid 00:01:00:01:2c:4f\n"
    "1795000000 12345 2001:db8::5 six 00:01\n";

static void
test_a_line_tells_who_has_which_address_until_when(void)
{
	struct dhcp_lease lease;

	CU_ASSERT_TRUE(dhcp_leases_parse(sample, &lease));
	CU_ASSERT_EQUAL(lease.expires_s, 1795000000);
	CU_ASSERT_EQUAL(lease.address, 0xc0a88964);
	CU_ASSERT_EQUAL(memcmp(lease.mac.octet, "\2\0\0\0\0\x0a", 6), 0);
	CU_ASSERT_STRING_EQUAL(lease.host, "phone");
}

static void
test_names_that_are_none_are_left_out(void)
{
	char line[256];
	struct dhcp_lease lease;

	CU_ASSERT_TRUE(dhcp_leases_parse("0 02:00:00:00:00:0b 10.0.0.1 * *", &lease));
	CU_ASSERT_STRING_EQUAL(lease.host, "");
	CU_ASSERT_TRUE(dhcp_leases_parse("0 02:00:00:00:00:0b 10.0.0.1 a\x1b[1m *", &lease));
	CU_ASSERT_STRING_EQUAL(lease.host, "");
	snprintf(line, sizeof(line), "0 02:00:00:00:00:0b 10.0.0.1 %0*d *", DHCP_HOST_MAX, 0);
	CU_ASSERT_TRUE(dhcp_leases_parse(line, &lease));
	CU_ASSERT_STRING_EQUAL(lease.host, "");
}

static void
test_other_lines_are_passed_over(void)
{
	static const char *const lines[] = { "", "\n", "duid 00:01", "1 2 3", "x y 10.0.0.1 z",
		"1 02:00:00:00:00 10.0.0.1 a *", "1 02:00:00:00:00:0b:0c 10.0.0.1 a *",
		"1 02:00:00:00:00:0b 10.0.0 a *", "-1 02:00:00:00:00:0b 10.0.0.1 a *",
		"1 zz:00:00:00:00:0b 10.0.0.1 a *" };
	struct dhcp_lease lease;
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		CU_ASSERT_FALSE(dhcp_leases_parse(lines[i], &lease));
}

static void
test_an_address_is_found_in_the_file(void)
{
	char dir[] = "/tmp/test-leases-XXXXXX", path[64];
	struct dhcp_lease lease;
	FILE *f;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	CU_ASSERT_FALSE(dhcp_leases_find(dir, 0xc0a88965, &lease));
	snprintf(path, sizeof(path), "%s/" DHCP_LEASES_FILE, dir);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(sample, f);
	fclose(f);
	CU_ASSERT_TRUE(dhcp_leases_find(dir, 0xc0a88965, &lease));
	CU_ASSERT_EQUAL(lease.mac.octet[5], 0x0b);
	CU_ASSERT_FALSE(dhcp_leases_find(dir, 0xc0a88970, &lease));
	unlink(path);
	rmdir(dir);
}

/* Its user may write what he likes there; whoever looks must come back. */
static void
test_a_file_that_does_not_end_is_not_read_to_its_end(void)
{
	char dir[] = "/tmp/test-leases-XXXXXX", path[64];
	struct dhcp_lease lease;
	FILE *f;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/" DHCP_LEASES_FILE, dir);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(ftruncate(fileno(f), (off_t)1 << 40), 0);
	fclose(f);
	CU_ASSERT_FALSE(dhcp_leases_find(dir, 0xc0a88965, &lease));
	unlink(path);
	rmdir(dir);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_line_tells_who_has_which_address_until_when),
	UNIT_TEST(names_that_are_none_are_left_out),
	UNIT_TEST(other_lines_are_passed_over),
	UNIT_TEST(an_address_is_found_in_the_file),
	UNIT_TEST(a_file_that_does_not_end_is_not_read_to_its_end),
	UNIT_END,
};

int
main(void)
{
	return unit_run("dhcp_leases", tests);
}
