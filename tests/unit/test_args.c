/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker/upnp/args.h"
#include "unit.h"

#include <string.h>

static const struct scpd_var proto = {
	.name = "Protocol", .type = SCPD_STRING, .nvalues = 2, .values = { "TCP", "UDP" }
};
static const struct scpd_var port = { .name = "Port", .type = SCPD_UI2, .maximum = 65535 };
static const struct scpd_var flag = { .name = "Flag", .type = SCPD_BOOLEAN, .maximum = 1 };
static const struct scpd_var lease = { .name = "Lease", .type = SCPD_UI4, .maximum = UINT32_MAX };
static const struct scpd_var percent = {
	.name = "Percent", .type = SCPD_UI2, .minimum = 1, .maximum = 100
};
static const struct scpd_var text = { .name = "Text", .type = SCPD_STRING };

static struct scpd_action
one(const char *name, const struct scpd_var *var)
{
	struct scpd_action action = { .name = "A", .nargs = 2 };

	strcpy(action.args[0].name, name);
	action.args[0].var = var;
	strcpy(action.args[1].name, "NewAnswer");
	action.args[1].var = &text;
	action.args[1].out = true;
	return action;
}

/* Checks one argument of type @var with @value; NULL: it does not come. */
static enum result
check(const struct scpd_var *var, const char *value, uint32_t *number)
{
	struct scpd_action action = one("NewX", var);
	enum result result;
	struct args args;

	args_init(&args, &action);
	if (value)
		args_put(&args, "NewX", value);
	result = args_check(&args);
	if (result == RESULT_OK && number)
		*number = args_number(&args, "NewX");
	return result;
}

static void
test_numbers_are_read_as_real_clients_write_them(void)
{
	static const struct {
		const char *value;
		uint32_t number;
	} good[] = { { "0", 0 }, { "80", 80 }, { "+80", 80 }, { "00080", 80 }, { " 80\r\n", 80 },
		{ "65535", 65535 }, { "0000000000000000000000000000001", 1 } };
	static const char *const no_number[] = { "", " ", "x", "8o", "80 80", "0x50", "1.0", "+",
		"-", "1e3", "-1", "-0", "99999999999999999999999999x" };
	static const char *const too_big[] = { "65536", "4294967296", "18446744073709551616",
		"18446744073709551697", "99999999999999999999999999999" };
	uint32_t number;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		number = 77;
		CU_ASSERT_EQUAL(check(&port, good[i].value, &number), RESULT_OK);
		CU_ASSERT_EQUAL(number, good[i].number);
	}
	for (i = 0; i < sizeof(no_number) / sizeof(no_number[0]); i++)
		CU_ASSERT_EQUAL(check(&port, no_number[i], NULL), RESULT_INVALID_ARGS);
	for (i = 0; i < sizeof(too_big) / sizeof(too_big[0]); i++)
		CU_ASSERT_EQUAL(check(&port, too_big[i], NULL), RESULT_OUT_OF_RANGE);
}

static void
test_ranges_of_the_scpd_hold(void)
{
	uint32_t number;

	CU_ASSERT_EQUAL(check(&percent, "0", NULL), RESULT_OUT_OF_RANGE);
	CU_ASSERT_EQUAL(check(&percent, "1", NULL), RESULT_OK);
	CU_ASSERT_EQUAL(check(&percent, "100", NULL), RESULT_OK);
	CU_ASSERT_EQUAL(check(&percent, "101", NULL), RESULT_OUT_OF_RANGE);
	CU_ASSERT_EQUAL(check(&lease, "4294967295", &number), RESULT_OK);
	CU_ASSERT_EQUAL(number, UINT32_MAX);
	CU_ASSERT_EQUAL(check(&lease, "4294967296", NULL), RESULT_OUT_OF_RANGE);
}

static void
test_booleans_have_six_spellings(void)
{
	static const char *const yes[] = { "1", "true", "yes", "TRUE", " Yes " };
	static const char *const no[] = { "0", "false", "no", "False" };
	static const char *const bad[] = { "", "2", "on", "-1", "truely", "t" };
	uint32_t number;
	size_t i;

	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		CU_ASSERT_TRUE(check(&flag, yes[i], &number) == RESULT_OK && number == 1);
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		CU_ASSERT_TRUE(check(&flag, no[i], &number) == RESULT_OK && number == 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(check(&flag, bad[i], NULL), RESULT_INVALID_ARGS);
}

static void
test_listed_values_go_on_in_the_lists_spelling(void)
{
	struct scpd_action action = one("NewProtocol", &proto);
	struct args args;

	args_init(&args, &action);
	args_put(&args, "NewProtocol", " udp ");
	CU_ASSERT_EQUAL(args_check(&args), RESULT_OK);
	CU_ASSERT_STRING_EQUAL(args_text(&args, "NewProtocol"), "UDP");
	CU_ASSERT_EQUAL(check(&proto, "SCTP", NULL), RESULT_OUT_OF_RANGE);
	CU_ASSERT_EQUAL(check(&proto, "TC", NULL), RESULT_OUT_OF_RANGE);
	CU_ASSERT_EQUAL(check(&proto, "", NULL), RESULT_OUT_OF_RANGE);
}

static void
test_missing_arguments_are_402_and_extra_ones_nothing(void)
{
	struct scpd_action action = one("NewX", &port);
	struct args args;

	CU_ASSERT_EQUAL(check(&port, NULL, NULL), RESULT_INVALID_ARGS);
	args_init(&args, &action);
	args_put(&args, "NewAnswer", "not mine to give");
	args_put(&args, "NewY", "1");
	CU_ASSERT_EQUAL(args_check(&args), RESULT_INVALID_ARGS);
	args_put(&args, "NewX", "5");
	args_put(&args, "NewX", "6");
	CU_ASSERT_EQUAL(args_check(&args), RESULT_OK);
	CU_ASSERT_EQUAL(args_number(&args, "NewX"), 5);
}

static void
test_what_clients_leave_out_has_its_usual_value(void)
{
	static const struct {
		const char *name;
		const struct scpd_var *var;
		const char *text;
		uint32_t number;
	} rows[] = {
		{ "NewRemoteHost", &text, "", 0 },
		{ "NewEnabled", &flag, "1", 1 },
		{ "NewPortMappingDescription", &text, "", 0 },
		{ "NewLeaseDuration", &lease, "0", 0 },
	};
	struct scpd_action action;
	struct args args;
	size_t i;

	for (i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		action = one(rows[i / 2].name, rows[i / 2].var);
		args_init(&args, &action);
		if (i % 2)
			args_put(&args, rows[i / 2].name, rows[i / 2].text[0] ? " \n" : "");
		CU_ASSERT_EQUAL(args_check(&args), RESULT_OK);
		CU_ASSERT_STRING_EQUAL(args_text(&args, rows[i / 2].name), rows[i / 2].text);
		CU_ASSERT_EQUAL(args_number(&args, rows[i / 2].name), rows[i / 2].number);
	}
}

/* Reads an address the one way or the other. */
static enum result
address(bool remote, const char *value, uint32_t *addr)
{
	struct scpd_action action = one("NewHost", &text);
	struct args args;

	args_init(&args, &action);
	args_put(&args, "NewHost", value);
	CU_ASSERT_EQUAL(args_check(&args), RESULT_OK);
	return remote ? args_remote_host(&args, "NewHost", addr)
		      : args_internal_client(&args, "NewHost", addr);
}

static void
test_every_way_to_write_the_remote_wildcard_is_one(void)
{
	static const char *const any[] = { "", "*", "0.0.0.0", "  ", " * " };
	static const char *const bad[] = { "example.net", "1.2.3", "::", "::/0", "1.2.3.4/32",
		"255.255.255.2555", "1.2.3.4 5" };
	uint32_t addr;
	size_t i;

	for (i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
		addr = 1;
		CU_ASSERT_EQUAL(address(true, any[i], &addr), RESULT_OK);
		CU_ASSERT_EQUAL(addr, 0);
	}
	CU_ASSERT_EQUAL(address(true, " 203.0.113.9 ", &addr), RESULT_OK);
	CU_ASSERT_EQUAL(addr, 0xcb007109);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(address(true, bad[i], &addr), RESULT_INVALID_ARGS);
}

static void
test_an_internal_client_is_an_address(void)
{
	uint32_t addr;

	CU_ASSERT_EQUAL(address(false, "192.168.1.2\n", &addr), RESULT_OK);
	CU_ASSERT_EQUAL(addr, 0xc0a80102);
	CU_ASSERT_EQUAL(address(false, "", &addr), RESULT_WILDCARD_CLIENT);
	CU_ASSERT_EQUAL(address(false, " ", &addr), RESULT_WILDCARD_CLIENT);
	CU_ASSERT_EQUAL(address(false, "0.0.0.0", &addr), RESULT_WILDCARD_CLIENT);
	CU_ASSERT_EQUAL(address(false, "*", &addr), RESULT_INVALID_ARGS);
	CU_ASSERT_EQUAL(address(false, "laptop", &addr), RESULT_INVALID_ARGS);
}

static void
test_descriptions_are_kept_whole_or_refused(void)
{
	struct scpd_action action = one("NewText", &text);
	char longest[MSG_DESCRIPTION_MAX + 1], out[MSG_DESCRIPTION_MAX];
	struct args args;

	memset(longest, 'a', sizeof(longest));
	longest[MSG_DESCRIPTION_MAX - 1] = '\0';
	args_init(&args, &action);
	args_put(&args, "NewText", longest);
	CU_ASSERT_EQUAL(args_description(&args, "NewText", out), RESULT_OK);
	CU_ASSERT_STRING_EQUAL(out, longest);
	longest[MSG_DESCRIPTION_MAX - 1] = 'a';
	longest[MSG_DESCRIPTION_MAX] = '\0';
	CU_ASSERT_EQUAL(args_description(&args, "NewText", out), RESULT_TOO_LONG);

	strcpy(longest, " <b> -> \xc3\xbc \xe6\xbc\xa2 ");
	CU_ASSERT_EQUAL(args_description(&args, "NewText", out), RESULT_OK);
	CU_ASSERT_STRING_EQUAL(out, longest);
	CU_ASSERT_EQUAL(out[MSG_DESCRIPTION_MAX - 1], '\0');
	strcpy(longest, "a\x1b[2J\n");
	CU_ASSERT_EQUAL(args_description(&args, "NewText", out), RESULT_OK);
	CU_ASSERT_STRING_EQUAL(out, "a?[2J?");
	strcpy(longest, "\xff");
	CU_ASSERT_EQUAL(args_description(&args, "NewText", out), RESULT_INVALID_ARGS);
}

static void
test_answers_hold_text_numbers_and_addresses(void)
{
	struct scpd_action action = one("NewX", &port);
	struct answer answer;

	answer_init(&answer, &action);
	CU_ASSERT_PTR_NULL(answer.text[1]);
	answer_number(&answer, "NewAnswer", UINT32_MAX);
	CU_ASSERT_STRING_EQUAL(answer.text[1], "4294967295");
	answer_addr(&answer, "NewAnswer", 0);
	CU_ASSERT_STRING_EQUAL(answer.text[1], "");
	answer_addr(&answer, "NewAnswer", 0xcb007105);
	CU_ASSERT_STRING_EQUAL(answer.text[1], "203.0.113.5");
	answer_text(&answer, "NewAnswer", "TCP");
	CU_ASSERT_STRING_EQUAL(answer.text[1], "TCP");
}

static const struct unit_test tests[] = {
	UNIT_TEST(numbers_are_read_as_real_clients_write_them),
	UNIT_TEST(ranges_of_the_scpd_hold),
	UNIT_TEST(booleans_have_six_spellings),
	UNIT_TEST(listed_values_go_on_in_the_lists_spelling),
	UNIT_TEST(missing_arguments_are_402_and_extra_ones_nothing),
	UNIT_TEST(what_clients_leave_out_has_its_usual_value),
	UNIT_TEST(every_way_to_write_the_remote_wildcard_is_one),
	UNIT_TEST(an_internal_client_is_an_address),
	UNIT_TEST(descriptions_are_kept_whole_or_refused),
	UNIT_TEST(answers_hold_text_numbers_and_addresses),
	UNIT_END,
};

int
main(void)
{
	return unit_run("args", tests);
}
