/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker/upnp/desc.h"
#include "worker/upnp/scpd.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD                                                                                       \
	"<?xml version=\"1.0\"?><scpd xmlns=\"urn:schemas-upnp-org:service-1-0\">"                 \
	"<specVersion><major>1</major><minor>0</minor></specVersion>"
#define VAR(name, rest)                                                                            \
	"<stateVariable sendEvents=\"no\"><name>" name "</name>" rest "</stateVariable>"
#define VARS(text) "<serviceStateTable>" text "</serviceStateTable>"
#define ARG(name, direction, related)                                                              \
	"<argument><name>" name "</name><direction>" direction                                     \
	"</direction><relatedStateVariable>" related "</relatedStateVariable></argument>"
#define ACTION(name, args)                                                                         \
	"<action><name>" name "</name><argumentList>" args "</argumentList></action>"
#define ACTIONS(text) "<actionList>" text "</actionList>"
#define PORT VAR("Port", "<dataType>ui2</dataType>")
#define TAIL "</scpd>"

static struct scpd scpd;

static int
parse(const char *text)
{
	return scpd_parse(&scpd, "test", text, strlen(text));
}

static void
test_actions_arguments_and_variables_are_read(void)
{
	const struct scpd_action *action;
	const struct scpd_var *var;

	CU_ASSERT_EQUAL_FATAL(
	    parse(HEAD ACTIONS(ACTION("Open", ARG("NewPort", "in", "Port") ARG("NewColour", "out",
						  "Colour")) "<action><name>Close</name></action>")
		    VARS(VAR("Port",
			"<dataType>ui2</dataType><defaultValue>80</defaultValue><allowedValueRange>"
			"<minimum>1</minimum><maximum>1000</maximum><step>1</step>"
			"</allowedValueRange>") VAR("Colour",
			"<dataType>string</dataType><allowedValueList>"
			"<allowedValue>Red</allowedValue><allowedValue>Blue"
			"</allowedValue></allowedValueList>") "<stateVariable>"
							      "<name>Flag</name>"
							      "<dataType>boolean</dataType>"
							      "</stateVariable>") TAIL),
	    0);
	CU_ASSERT_EQUAL(scpd.nactions, 2);
	CU_ASSERT_EQUAL(scpd.nvars, 3);
	action = scpd_action(&scpd, "Open");
	CU_ASSERT_PTR_NOT_NULL_FATAL(action);
	CU_ASSERT_EQUAL(action->nargs, 2);
	CU_ASSERT_STRING_EQUAL(action->args[0].name, "NewPort");
	CU_ASSERT_FALSE(action->args[0].out);
	CU_ASSERT_TRUE(action->args[1].out);
	CU_ASSERT_PTR_EQUAL(action->args[0].var, scpd_var(&scpd, "Port"));
	CU_ASSERT_EQUAL(scpd_action(&scpd, "Close")->nargs, 0);
	CU_ASSERT_PTR_NULL(scpd_action(&scpd, "open"));
	CU_ASSERT_PTR_NULL(scpd_var(&scpd, "port"));

	var = scpd_var(&scpd, "Port");
	CU_ASSERT_EQUAL(var->type, SCPD_UI2);
	CU_ASSERT_EQUAL(var->minimum, 1);
	CU_ASSERT_EQUAL(var->maximum, 1000);
	CU_ASSERT_FALSE(var->evented);
	var = scpd_var(&scpd, "Colour");
	CU_ASSERT_EQUAL(var->nvalues, 2);
	CU_ASSERT_STRING_EQUAL(var->values[1], "Blue");
	/* UDA 1.0: "yes" where nothing is said */
	CU_ASSERT_TRUE(scpd_var(&scpd, "Flag")->evented);
}

static void
test_a_type_without_range_has_its_own(void)
{
	CU_ASSERT_EQUAL(parse(HEAD VARS(PORT VAR("Time", "<dataType>ui4</dataType>")) TAIL), 0);
	CU_ASSERT_EQUAL(scpd_var(&scpd, "Port")->maximum, 65535);
	CU_ASSERT_EQUAL(scpd_var(&scpd, "Time")->maximum, UINT32_MAX);
}

static void
test_what_is_not_an_scpd_is_refused(void)
{
	static const char *const bad[] = {
		"",
		"plain text",
		"<scpd>",
		"<scpd xmlns=\"urn:schemas-upnp-org:device-1-0\">" VARS(PORT) TAIL,
		"<scpd>" VARS(PORT) TAIL,
		"<root xmlns=\"urn:schemas-upnp-org:service-1-0\"/>",
		HEAD TAIL,                             /* no variable */
		HEAD VARS(PORT),                       /* cut off */
		HEAD VARS(PORT) "<name>x</name>" TAIL, /* out of place */
		HEAD VARS(PORT) "<x/>" TAIL,           /* unknown and empty */
		HEAD VARS(PORT PORT) TAIL,             /* twice */
		HEAD VARS(VAR("", "<dataType>ui2</dataType>")) TAIL,
		HEAD VARS(VAR("A", "<dataType>ui9</dataType>")) TAIL,
		HEAD VARS(VAR("A", "<dataType>string</dataType><allowedValueRange><minimum>0"
				   "</minimum><maximum>9</maximum></allowedValueRange>")) TAIL,
		HEAD VARS(VAR("A", "<dataType>ui2</dataType><allowedValueRange><minimum>0"
				   "</minimum><maximum>65536</maximum></allowedValueRange>")) TAIL,
		HEAD VARS(VAR("A", "<dataType>ui2</dataType><allowedValueRange><minimum>9"
				   "</minimum><maximum>8</maximum></allowedValueRange>")) TAIL,
		HEAD VARS(VAR("A", "<dataType>ui2</dataType><allowedValueList><allowedValue>1"
				   "</allowedValue></allowedValueList>")) TAIL,
		HEAD ACTIONS(ACTION("Open", ARG("NewPort", "in", "Prot"))) VARS(PORT) TAIL,
		HEAD ACTIONS(ACTION("Open", ARG("NewPort", "up", "Port"))) VARS(PORT) TAIL,
		HEAD ACTIONS(ACTION("Open", ARG("A", "out", "Port") ARG("B", "in", "Port")))
		    VARS(PORT) TAIL,
		HEAD ACTIONS("<action/>") VARS(PORT) TAIL,
		HEAD ACTIONS("<action><name>A</name></action><action><name>A</name></action>")
		    VARS(PORT) TAIL,
		"<!DOCTYPE scpd [<!ENTITY a \"b\">]>" HEAD VARS(PORT) TAIL,
		"<!DOCTYPE scpd SYSTEM \"http://198.51.100.1/x.dtd\">" HEAD VARS(PORT) TAIL,
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(parse(bad[i]), -EINVAL);
}

/* Writes @n times what @fmt makes of the number. */
static char *
repeat(const char *head, const char *fmt, unsigned n, const char *tail)
{
	char *text = calloc(1, SCPD_DOCUMENT_MAX * 2);
	size_t len;
	unsigned i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	len = (size_t)sprintf(text, "%s", head);
	for (i = 0; i < n; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		len += (size_t)sprintf(text + len, fmt, i);
#pragma GCC diagnostic pop
	}
	strcpy(text + len, tail);
	return text;
}

static int
parse_repeated(const char *head, const char *fmt, unsigned n, const char *tail)
{
	char *text = repeat(head, fmt, n, tail);
	int rc = parse(text);

	free(text);
	return rc;
}

static void
test_every_table_has_a_bound(void)
{
	static const char var[] = VAR("V%u", "<dataType>ui2</dataType>");
	static const char action[] = "<action><name>A%u</name></action>";
	static const char arg[] = ARG("N%u", "in", "Port");
	static const char vars[] = HEAD "<serviceStateTable>";
	static const char actions[] = HEAD VARS(PORT) "<actionList>";
	static const char args[] = HEAD VARS(PORT) "<actionList><action><name>A</name>"
						   "<argumentList>";
	static const char values[] = HEAD "<serviceStateTable><stateVariable><name>A</name>"
					  "<dataType>string</dataType><allowedValueList>";

	CU_ASSERT_EQUAL(parse_repeated(vars, var, SCPD_VARS_MAX, "</serviceStateTable>" TAIL), 0);
	CU_ASSERT_EQUAL(
	    parse_repeated(vars, var, SCPD_VARS_MAX + 1, "</serviceStateTable>" TAIL), -EINVAL);
	CU_ASSERT_EQUAL(parse_repeated(actions, action, SCPD_ACTIONS_MAX, "</actionList>" TAIL), 0);
	CU_ASSERT_EQUAL(
	    parse_repeated(actions, action, SCPD_ACTIONS_MAX + 1, "</actionList>" TAIL), -EINVAL);
	CU_ASSERT_EQUAL(
	    parse_repeated(args, arg, SCPD_ARGS_MAX, "</argumentList></action></actionList>" TAIL),
	    0);
	CU_ASSERT_EQUAL(parse_repeated(args, arg, SCPD_ARGS_MAX + 1,
			    "</argumentList></action></actionList>" TAIL),
	    -EINVAL);
	CU_ASSERT_EQUAL(
	    parse_repeated(values, "<allowedValue>x%u</allowedValue>", SCPD_VALUES_MAX + 1,
		"</allowedValueList></stateVariable></serviceStateTable>" TAIL),
	    -EINVAL);
	/* a name, the depth, the document */
	CU_ASSERT_EQUAL(parse_repeated(HEAD "<serviceStateTable><stateVariable><name>", "%08u",
			    SCPD_NAME_MAX / 8,
			    "</name><dataType>ui2</dataType></stateVariable>"
			    "</serviceStateTable>" TAIL),
	    -EINVAL);
	CU_ASSERT_EQUAL(parse_repeated("", "<scpd%u>", 200, ""), -EINVAL);
	CU_ASSERT_EQUAL(parse_repeated(HEAD VARS(PORT) TAIL, "<!-- %08u -->", 5000, ""), -EINVAL);
}

static void
load(const char *name)
{
	char *text;
	size_t len;

	CU_ASSERT_EQUAL_FATAL(desc_read(XML_SOURCE_DIR, name, &text, &len), 0);
	CU_ASSERT_EQUAL(scpd_parse(&scpd, name, text, len), 0);
	free(text);
}

static void
test_our_own_documents_are_read(void)
{
	const struct scpd_action *add;

	load("l3f.xml");
	CU_ASSERT_EQUAL(scpd.nactions, 2);
	load("wancommon.xml");
	CU_ASSERT_PTR_NOT_NULL(scpd_action(&scpd, "GetCommonLinkProperties"));
	load("wanip1.xml");
	add = scpd_action(&scpd, "AddPortMapping");
	CU_ASSERT_PTR_NOT_NULL_FATAL(add);
	CU_ASSERT_EQUAL(add->nargs, 8);
	CU_ASSERT_STRING_EQUAL(add->args[2].name, "NewProtocol");
	CU_ASSERT_STRING_EQUAL(add->args[2].var->name, "PortMappingProtocol");
	/* version 1 knows nothing of these */
	CU_ASSERT_PTR_NULL(scpd_action(&scpd, "AddAnyPortMapping"));
	CU_ASSERT_PTR_NULL(scpd_var(&scpd, "SystemUpdateID"));
}

static void
test_the_action_that_tells_a_variable_is_found(void)
{
	const struct scpd_action *getter;
	unsigned arg = 99;

	load("wanip1.xml");
	getter = scpd_getter(&scpd, scpd_var(&scpd, "Uptime"), &arg);
	CU_ASSERT_PTR_NOT_NULL_FATAL(getter);
	CU_ASSERT_STRING_EQUAL(getter->name, "GetStatusInfo");
	CU_ASSERT_EQUAL(arg, 2);
	CU_ASSERT_PTR_NULL(scpd_getter(&scpd, scpd_var(&scpd, "InternalClient"), &arg));
}

static const struct unit_test tests[] = {
	UNIT_TEST(actions_arguments_and_variables_are_read),
	UNIT_TEST(a_type_without_range_has_its_own),
	UNIT_TEST(what_is_not_an_scpd_is_refused),
	UNIT_TEST(every_table_has_a_bound),
	UNIT_TEST(our_own_documents_are_read),
	UNIT_TEST(the_action_that_tells_a_variable_is_found),
	UNIT_END,
};

int
main(void)
{
	return unit_run("scpd", tests);
}
