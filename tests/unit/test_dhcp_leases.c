/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/dhcp_leases.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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

/* ---- the file ---- */

struct fixture {
	char dir[64], path[128];
	struct dhcp_leases leases;
	struct dhcp_lease lease; /* as found last */
};

static void
fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	strcpy(f->dir, "/tmp/test-leases-XXXXXX");
	if (!mkdtemp(f->dir))
		abort();
	snprintf(f->path, sizeof(f->path), "%s/" DHCP_LEASES_FILE, f->dir);
}

static void
fixture_exit(struct fixture *f)
{
	dhcp_leases_free(&f->leases);
	unlink(f->path);
	rmdir(f->dir);
}

/* As dnsmasq does it: into the same file, from its begin. The time is said afterwards. */
static void
write_file_at(struct fixture *f, const char *text, struct timespec mtime)
{
	const struct timespec times[2] = { mtime, mtime };
	int fd = open(f->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    ftruncate(fd, (off_t)strlen(text)) < 0 || futimens(fd, times) < 0)
		abort();
	close(fd);
}

static void
write_file(struct fixture *f, const char *text, time_t mtime_s)
{
	write_file_at(f, text, (struct timespec){ mtime_s, 0 });
}

/* The host name that is known for @address; NULL: none. */
static const char *
name_of(struct fixture *f, uint32_t address)
{
	return dhcp_leases_find(&f->leases, f->dir, address, &f->lease) ? f->lease.host : NULL;
}

static void
test_an_address_is_found_in_the_file(void)
{
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_PTR_NULL(name_of(&f, 0xc0a88965));
	write_file(&f, sample, 1000);
	CU_ASSERT_STRING_EQUAL(name_of(&f, 0xc0a88964), "phone");
	CU_ASSERT_STRING_EQUAL(name_of(&f, 0xc0a88965), "");
	CU_ASSERT_EQUAL(f.lease.mac.octet[5], 0x0b);
	CU_ASSERT_STRING_EQUAL(name_of(&f, 0xc0a88966), "");
	CU_ASSERT_PTR_NULL(name_of(&f, 0xc0a88963));
	CU_ASSERT_PTR_NULL(name_of(&f, 0xc0a88970));
	fixture_exit(&f);
}

/* What was changed behind its back, time and size the same, shows that it is not read again. */
static void
test_the_file_is_read_once_for_each_state_of_it(void)
{
	struct fixture f;

	fixture_init(&f);
	write_file(&f, "0 02:00:00:00:00:0a 10.0.0.1 one *\n", 1000);
	CU_ASSERT_STRING_EQUAL(name_of(&f, 0x0a000001), "one");
	write_file(&f, "0 02:00:00:00:00:0a 10.0.0.1 two *\n", 1000);
	CU_ASSERT_STRING_EQUAL(name_of(&f, 0x0a000001), "one");
	write_file(&f, "0 02:00:00:00:00:0a 10.0.0.1 two *\n", 1001); /* another time */
	CU_ASSERT_STRING_EQUAL(name_of(&f, 0x0a000001), "two");
	write_file(&f, "0 02:00:00:00:00:0a 10.0.0.1 three *\n", 1001); /* another size */
	CU_ASSERT_STRING_EQUAL(name_of(&f, 0x0a000001), "three");
	unlink(f.path);
	CU_ASSERT_PTR_NULL(name_of(&f, 0x0a000001));
	write_file(&f, "0 02:00:00:00:00:0a 10.0.0.1 four *\n", 1002);
	CU_ASSERT_STRING_EQUAL(name_of(&f, 0x0a000001), "four");
	fixture_exit(&f);
}

static struct timespec
tick(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return now;
}

static bool
is_still(struct timespec then)
{
	struct timespec now = tick();

	return now.tv_sec == then.tv_sec && now.tv_nsec == then.tv_nsec;
}

/* Read in the very tick of the file system's clock in which it was written, and written again. */
static void
test_what_is_written_right_behind_us_is_not_missed(void)
{
	struct timespec then;
	struct fixture f;
	int tries = 0;

	fixture_init(&f);
	do {
		then = tick();
		write_file_at(&f, "0 02:00:00:00:00:0a 10.0.0.1 one *\n", then);
		CU_ASSERT_STRING_EQUAL(name_of(&f, 0x0a000001), "one");
	} while (!is_still(then) && ++tries < 1000);
	write_file_at(&f, "0 02:00:00:00:00:0a 10.0.0.1 two *\n", then);
	CU_ASSERT(tries < 1000);
	CU_ASSERT_STRING_EQUAL(name_of(&f, 0x0a000001), "two");
	fixture_exit(&f);
}

static void
test_a_thousand_leases_are_all_found_whatever_their_order(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct fixture f;
	uint32_t i;

	fixture_init(&f);
	for (i = 0; i < 1000; i++) {
		uint32_t n = i * 7 % 1000;

		fprintf(out, "0 02:00:00:00:00:0a 10.0.%u.%u n%u *\n", n / 250, n % 250, n);
	}
	fprintf(out, "0 02:00:00:00:00:0a 10.0.0.7 again *\n"); /* the first one counts */
	fclose(out);
	write_file(&f, text, 1000);
	for (i = 0; i < 1000; i++) {
		snprintf(text, size, "n%u", i);
		if (strcmp(name_of(&f, 0x0a000000 + (i / 250 << 8) + i % 250), text) != 0)
			break;
	}
	CU_ASSERT_EQUAL(i, 1000);
	free(text);
	fixture_exit(&f);
}

/* Its user may write what he likes there; whoever looks must come back. */
static void
test_a_file_that_does_not_end_is_not_read_to_its_end(void)
{
	struct fixture f;

	fixture_init(&f);
	write_file(&f, "", 1000);
	CU_ASSERT_EQUAL(truncate(f.path, (off_t)1 << 40), 0);
	CU_ASSERT_PTR_NULL(name_of(&f, 0xc0a88965));
	fixture_exit(&f);
}

static void
test_what_is_no_file_is_not_waited_for(void)
{
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(mkfifo(f.path, 0600), 0);
	alarm(5); /* rather than for ever */
	CU_ASSERT_PTR_NULL(name_of(&f, 0xc0a88965));
	alarm(0);
	fixture_exit(&f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_line_tells_who_has_which_address_until_when),
	UNIT_TEST(names_that_are_none_are_left_out),
	UNIT_TEST(other_lines_are_passed_over),
	UNIT_TEST(an_address_is_found_in_the_file),
	UNIT_TEST(the_file_is_read_once_for_each_state_of_it),
	UNIT_TEST(what_is_written_right_behind_us_is_not_missed),
	UNIT_TEST(a_thousand_leases_are_all_found_whatever_their_order),
	UNIT_TEST(what_is_no_file_is_not_waited_for),
	UNIT_TEST(a_file_that_does_not_end_is_not_read_to_its_end),
	UNIT_END,
};

int
main(void)
{
	return unit_run("dhcp_leases", tests);
}
