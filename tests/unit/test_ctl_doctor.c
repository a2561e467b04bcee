/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the CLI makes of the probe's lines, and how checks are printed. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/doctor.h"

struct fixture {
	json_t *checks, *lans;
};

static void
init(struct fixture *f)
{
	f->checks = json_array();
	f->lans = json_pack("[{s:s, s:s}, {s:s, s:s}]", "interface", "lan0", "address",
	    "192.168.1.1", "interface", "lan1", "address", "192.168.2.1");
}

static void
done(struct fixture *f)
{
	json_decref(f->checks);
	json_decref(f->lans);
}

/* "search:ok other-igd:warn ..." */
static const char *
results(const struct fixture *f)
{
	static char text[1024];
	size_t i, len = 0;

	text[0] = '\0';
	for (i = 0; i < json_array_size(f->checks); i++) {
		const char *id, *result;

		CU_ASSERT_EQUAL_FATAL(json_unpack(json_array_get(f->checks, i), "{s:s, s:s}", "id",
					  &id, "result", &result),
		    0);
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len, "%s%s:%s", i ? " " : "", id, result);
	}
	return text;
}

static void
test_a_quiet_lan_is_well(void)
{
	struct fixture f;

	init(&f);
	CU_ASSERT_EQUAL(
	    doctor_add_probe(f.checks, f.lans, "searched lan0 yes\nsearched lan1 yes\ndone\n"), 0);
	CU_ASSERT_STRING_EQUAL(results(&f), "search:ok search:ok other-igd:ok other-dhcp:ok");
	CU_ASSERT_EQUAL(doctor_worst(f.checks), 0);
	done(&f);
}

static void
test_others_on_the_lan_are_told(void)
{
	struct fixture f;

	init(&f);
	CU_ASSERT_EQUAL(doctor_add_probe(f.checks, f.lans,
			    "searched lan0 no\nigd lan0 192.168.1.3\nigd lan0 192.168.1.1\n"
			    "dhcp lan0 192.168.1.3 192.168.1.1\ndhcp lan0 192.168.1.3 192.168.1.3\n"
			    "dhcp lan0 192.168.1.4 0.0.0.0\nunasked lan1\ndone\n"),
	    0);
	CU_ASSERT_STRING_EQUAL(results(&f),
	    "search:fail other-igd:warn other-igd:fail other-dhcp:ok other-dhcp:warn "
	    "other-dhcp:warn other-dhcp:skip");
	CU_ASSERT_EQUAL(doctor_worst(f.checks), 2);
	done(&f);
}

static void
test_what_the_probe_does_not_print_is_refused(void)
{
	static const char *const wrong[] = {
		"",
		"searched lan0 yes\n",       /* it did not end */
		"done",                      /* cut off */
		"searched lan9 yes\ndone\n", /* no such LAN */
		"searched lan0\ndone\n",     /* words are missing */
		"igd lan0 192.168.1.3 x\ndone\n",
		"dhcp lan0 192.168.1.3\ndone\n",
		"dhcp lan0 a b c\ndone\n",
		"what lan0 yes\ndone\n",
		"\n",
		"searched lan0interfacewithalongname yes\ndone\n",
	};
	struct fixture f;
	char flood[4096];
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		init(&f);
		CU_ASSERT_EQUAL(doctor_add_probe(f.checks, f.lans, wrong[i]), -EPROTO);
		done(&f);
	}
	memset(flood, 'a', sizeof(flood));
	memcpy(flood + sizeof(flood) - 7, "\ndone\n", 7);
	init(&f);
	CU_ASSERT_EQUAL(doctor_add_probe(f.checks, f.lans, flood), -EPROTO);
	done(&f);
}

static void
test_the_worst_line_is_the_exit_status(void)
{
	json_t *checks = json_pack("[{s:s}, {s:s}]", "result", "ok", "result", "skip");

	CU_ASSERT_EQUAL(doctor_worst(checks), 0);
	json_array_append_new(checks, json_pack("{s:s}", "result", "warn"));
	CU_ASSERT_EQUAL(doctor_worst(checks), 1);
	json_array_insert_new(checks, 0, json_pack("{s:s}", "result", "fail"));
	CU_ASSERT_EQUAL(doctor_worst(checks), 2);
	json_array_append_new(checks, json_pack("{s:i}", "result", 1));
	CU_ASSERT_EQUAL(doctor_worst(checks), -EPROTO);
	json_decref(checks);
	CU_ASSERT_EQUAL(doctor_worst(NULL), -EPROTO);
}

static void
test_lines_fit_and_what_to_do_stands_below(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	json_t *checks = json_pack("[{s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:n}]", "id",
	    "foreign-rules", "result", "fail", "reason",
	    "table inet a\033[31mb drops what is mapped, which is the long sentence of this test",
	    "remedy", "let it pass", "id", "wan", "result", "ok", "reason", "fine", "remedy");

	CU_ASSERT_EQUAL(doctor_print(out, checks, 50, false), 0);
	fclose(out);
	CU_ASSERT_STRING_EQUAL(text, "fail  foreign-rules    table inet a?[31mb drops\n"
				     "                       what is mapped, which is\n"
				     "                       the long sentence of this\n"
				     "                       test\n"
				     "                    -> let it pass\n"
				     "ok    wan              fine\n");
	free(text);
	json_array_append_new(checks, json_string("no check"));
	out = open_memstream(&text, &size);
	CU_ASSERT_EQUAL(doctor_print(out, checks, 50, false), -EPROTO);
	fclose(out);
	free(text);
	json_decref(checks);
}

static void
test_colours_are_around_the_result_only(void)
{
	json_t *checks = json_pack(
	    "[{s:s, s:s, s:s, s:n}]", "id", "wan", "result", "fail", "reason", "gone", "remedy");
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	CU_ASSERT_EQUAL(doctor_print(out, checks, 50, true), 0);
	fclose(out);
	CU_ASSERT_STRING_EQUAL(text, "\033[31mfail\033[0m  wan              gone\n");
	free(text);
	json_decref(checks);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_quiet_lan_is_well),
	UNIT_TEST(others_on_the_lan_are_told),
	UNIT_TEST(what_the_probe_does_not_print_is_refused),
	UNIT_TEST(the_worst_line_is_the_exit_status),
	UNIT_TEST(lines_fit_and_what_to_do_stands_below),
	UNIT_TEST(colours_are_around_the_result_only),
	UNIT_END,
};

int
main(void)
{
	return unit_run("ctl_doctor", tests);
}
