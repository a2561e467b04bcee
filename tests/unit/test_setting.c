/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On the real kernel, in a network namespace of its own. */
#include "config.h"

#include "platform/setting.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define IS(name, want)                                                                             \
	do {                                                                                       \
		char value_[SETTING_VALUE_MAX] = "";                                               \
		CU_ASSERT_EQUAL(setting_get(name, value_), 0);                                     \
		CU_ASSERT_STRING_EQUAL(value_, want);                                              \
	} while (0)

static void
test_a_sysctl_is_read_and_written(void)
{
	IS("sysctl:net/ipv4/ip_forward", "0");
	CU_ASSERT_EQUAL(setting_set("sysctl:net/ipv4/ip_forward", "1"), 0);
	IS("sysctl:net/ipv4/ip_forward", "1");
	CU_ASSERT_EQUAL(setting_set("sysctl:net/ipv4/ip_forward", "0"), 0);
	IS("sysctl:net/ipv4/ip_forward", "0");
	CU_ASSERT_EQUAL(setting_set("sysctl:net/ipv4/conf/none0/forwarding", "1"), -ENOENT);
}

static void
test_addresses_of_both_families_come_and_go(void)
{
	static const char *const names[] = { "address:lo:192.168.137.1/24",
		"address:lo:2001:db8:1::1/64" };
	size_t i;

	for (i = 0; i < 2; i++) {
		IS(names[i], "absent");
		CU_ASSERT_EQUAL(setting_set(names[i], "present"), 0);
		IS(names[i], "present");
		CU_ASSERT_EQUAL(setting_set(names[i], "present"), 0);
		CU_ASSERT_EQUAL(setting_set(names[i], "absent"), 0);
		IS(names[i], "absent");
		CU_ASSERT_EQUAL(setting_set(names[i], "absent"), 0);
	}
	IS("address:lo:192.168.137.1/25", "absent"); /* of that length, too */
	CU_ASSERT_EQUAL(setting_set("address:none0:192.168.137.1/24", "present"), -ENODEV);
}

static void
test_a_link_goes_up_and_down(void)
{
	IS("link:lo", "up");
	CU_ASSERT_EQUAL(setting_set("link:lo", "down"), 0);
	IS("link:lo", "down");
	CU_ASSERT_EQUAL(setting_set("link:lo", "up"), 0);
	CU_ASSERT_EQUAL(setting_set("link:none0", "up"), -ENODEV);
}

static void
test_other_names_are_refused(void)
{
	static const char *const names[] = { "", "sysctl", "sysctl:kernel/core_pattern",
		"sysctl:net/../kernel/core_pattern", "sysctl:/etc/passwd", "address:lo",
		"address::10.0.0.1/8", "address:lo:10.0.0",
		"address:a-name-that-is-too-long:10.0.0.1/8", "file:/etc/passwd" };
	char value[SETTING_VALUE_MAX];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CU_ASSERT_EQUAL(setting_get(names[i], value), -EINVAL);
		CU_ASSERT_EQUAL(setting_set(names[i], "1"), -EINVAL);
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_sysctl_is_read_and_written),
	UNIT_TEST(addresses_of_both_families_come_and_go),
	UNIT_TEST(a_link_goes_up_and_down),
	UNIT_TEST(other_names_are_refused),
	UNIT_END,
};

int
main(void)
{
	if (!unit_enter_netns("setting"))
		return UNIT_SKIPPED;
	if (setting_set("link:lo", "up") < 0 ||
	    setting_set("sysctl:net/ipv4/ip_forward", "0") < 0) {
		printf("setting: skipped: nothing can be set here: %s\n", strerror(errno));
		return UNIT_SKIPPED;
	}
	return unit_run("setting", tests);
}
