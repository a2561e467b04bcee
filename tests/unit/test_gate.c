/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "lib/addr.h"
#include "unit.h"
#include "worker/upnp/gate_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENVELOPE(inner)                                                                            \
	"<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/"        \
	"envelope/\" s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>" inner \
	"</s:Body></s:Envelope>\r\n"
#define URN "urn:schemas-upnp-org:service:WANIPConnection:1"
#define CALL ENVELOPE("<u:Act xmlns:u=\"" URN "\"><NewA>1</NewA></u:Act>")
#define CALL_OUT                                                                                   \
	"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"               \
	"<u:Act xmlns:u=\"" URN "\"></u:Act></s:Body></s:Envelope>"
#define ACTION "SOAPACTION: \"" URN "#Act\"\r\n"
#define HOST "Host: 192.168.7.1:5431\r\n"
#define SUBSCRIBE(callback)                                                                        \
	"SUBSCRIBE /evt HTTP/1.1\r\n" HOST "NT: upnp:event\r\nCALLBACK: " callback "\r\n\r\n"

static const struct gate_ends ends = { .self = 0xc0a80701, .port = 5431, .peer = 0xc0a80709 };

static struct gate_check
check(const char *text)
{
	struct gate_check c;
	size_t len = strlen(text);
	char *exact = malloc(len ? len : 1); /* so that ASan sees a read past the end */

	memcpy(exact, text, len);
	gate_check(exact, len, &ends, &c);
	free(exact);
	return c;
}

/* The status that @text is refused with; 0: it passes so far. */
static int
status(const char *text)
{
	struct gate_check c = check(text);

	return c.verdict == GATE_REFUSE ? c.status : 0;
}

/* A POST with @headers and @body, whose length is written for it. */
static const char *
post(const char *headers, const char *body)
{
	static char text[80000];

	snprintf(text, sizeof(text),
	    "POST /ctl HTTP/1.1\r\n" HOST "%sContent-Length: %zu\r\n\r\n%s", headers, strlen(body),
	    body);
	return text;
}

/* The arguments of the call that was last rewritten, as "name=text;name=text;". */
static char arguments[GATE_BODY_MAX];

static void
list_arguments(struct soap_args args)
{
	const char *name, *text;
	size_t len = 0;

	arguments[0] = '\0';
	while ((name = soap_args_next(&args, &text)))
		len += (size_t)snprintf(
		    arguments + len, sizeof(arguments) - len, "%s=%s;", name, text);
}

/* What libupnp gets to see of @text, or "NNN" if it is refused. */
static const char *
rewritten(const char *text)
{
	static char out[GATE_HEADER_MAX + GATE_BODY_MAX + GATE_REWRITE_ROOM];
	struct gate_check c = { 0 };
	size_t len = 0;

	gate_check(text, strlen(text), &ends, &c);
	if (c.verdict == GATE_PASS)
		len = gate_rewrite(&c, &ends, out, sizeof(out) - 1);
	if (len == 0)
		snprintf(out, sizeof(out), "%d", c.verdict == GATE_REFUSE ? c.status : 0);
	else
		list_arguments(c.args);
	out[len ? len : 3] = '\0';
	return out;
}

static void
test_a_request_passes_once_it_is_whole_and_not_before(void)
{
	const char *get = "GET /rootDesc.xml HTTP/1.1\r\n" HOST "\r\n";
	const char *call = post(ACTION, CALL);
	struct gate_check c;
	size_t i;

	for (i = 0; i < strlen(get); i++) {
		gate_check(get, i, &ends, &c);
		CU_ASSERT_EQUAL(c.verdict, GATE_MORE);
		CU_ASSERT_EQUAL(c.need, 0);
	}
	CU_ASSERT_EQUAL(check(get).verdict, GATE_PASS);
	for (i = 0; i < strlen(call); i++) {
		gate_check(call, i, &ends, &c);
		CU_ASSERT_EQUAL(c.verdict, GATE_MORE);
	}
	CU_ASSERT_EQUAL(c.need, strlen(call));
	CU_ASSERT_EQUAL(check(call).verdict, GATE_PASS);
}

static void
test_methods_other_than_ours_are_501(void)
{
	static const char *const ours[] = { "GET", "HEAD" };
	static const char *const others[] = { "PUT", "DELETE", "OPTIONS", "TRACE", "NOTIFY",
		"M-SEARCH", "get", "GETX" };
	char text[128];
	size_t i;

	for (i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		snprintf(text, sizeof(text), "%s / HTTP/1.1\r\n" HOST "\r\n", ours[i]);
		CU_ASSERT_EQUAL(check(text).verdict, GATE_PASS);
	}
	for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
		snprintf(text, sizeof(text), "%s / HTTP/1.1\r\n" HOST "\r\n", others[i]);
		CU_ASSERT_EQUAL(status(text), 501);
	}
}

static void
test_target_must_be_a_plain_path(void)
{
	static const char *const bad[] = { "http://192.168.7.1:5431/x", "*", "//evil/x", "x",
		"/a\"b", "/a<b", "/a#b", "/a\\b", "/a{b", "/a\xc3\xbc" };
	char text[512];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", bad[i]);
		CU_ASSERT_EQUAL(status(text), 400);
	}
	snprintf(text, sizeof(text), "GET /%0300d HTTP/1.1\r\n" HOST "\r\n", 0);
	CU_ASSERT_EQUAL(status(text), 414);
	CU_ASSERT_EQUAL(status("GET /a/b.xml?q=1%20 HTTP/1.1\r\n" HOST "\r\n"), 0);
}

static void
test_malformed_heads_are_400(void)
{
	static const char *const bad[] = {
		"GET /\r\n\r\n",
		"GET  / HTTP/1.1\r\n" HOST "\r\n",
		"GET / FTP/1.1\r\n" HOST "\r\n",
		" GET / HTTP/1.1\r\n" HOST "\r\n",
		"GET / HTTP/1.1\r\n" HOST "no colon here\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: b\r\n folded\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST HOST "\r\n",
		"GET / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Content-Length: 1x\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_EQUAL(status(bad[i]), 400);
	CU_ASSERT_EQUAL(status("GET / HTTP/2.0\r\n" HOST "\r\n"), 505);
}

static void
test_head_is_bounded(void)
{
	static char text[GATE_HEADER_MAX * 2];
	size_t at;
	int i;

	memset(text, 'a', GATE_HEADER_MAX);
	CU_ASSERT_EQUAL(status(text), 0);
	text[GATE_HEADER_MAX] = 'a';
	CU_ASSERT_EQUAL(status(text), 431);

	at = (size_t)sprintf(text, "GET / HTTP/1.1\r\n" HOST);
	for (i = 0; i < GATE_HEADERS_MAX; i++)
		at += (size_t)sprintf(text + at, "A: b\r\n");
	sprintf(text + at, "\r\n");
	CU_ASSERT_EQUAL(status(text), 431);
}

static void
test_body_is_bounded_before_it_comes(void)
{
	CU_ASSERT_EQUAL(
	    status("POST /c HTTP/1.1\r\n" HOST ACTION "Content-Length: 65536\r\n\r\n"), 0);
	CU_ASSERT_EQUAL(
	    status("POST /c HTTP/1.1\r\n" HOST ACTION "Content-Length: 65537\r\n\r\n"), 413);
	CU_ASSERT_EQUAL(status("POST /c HTTP/1.1\r\n" HOST ACTION
			       "Content-Length: 99999999999999999999\r\n\r\n"),
	    413);
	CU_ASSERT_EQUAL(status("POST /c HTTP/1.1\r\n" HOST ACTION "\r\n"), 411);
	CU_ASSERT_EQUAL(
	    status("POST /c HTTP/1.1\r\n" HOST ACTION "Transfer-Encoding: chunked\r\n\r\n"), 501);
}

static void
test_host_must_be_our_own_address(void)
{
	static const char *const bad[] = { "router.lan", "192.168.7.2", "192.168.7.1:80",
		"192.168.7.1:", "192.168.7.1:5431x", "", "[::1]", "192.168.7.1.evil.example" };
	char text[128];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", bad[i]);
		CU_ASSERT_EQUAL(status(text), 400);
	}
	CU_ASSERT_EQUAL(status("GET / HTTP/1.1\r\nhost:192.168.7.1\r\n\r\n"), 0);
	CU_ASSERT_EQUAL(status("GET / HTTP/1.1\r\n\r\n"), 400);
	CU_ASSERT_EQUAL(status("GET / HTTP/1.0\r\n\r\n"), 0);
}

static void
test_client_that_expects_is_told_to_go_on(void)
{
	const char *head =
	    "POST /c HTTP/1.1\r\n" HOST ACTION "Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n";
	char text[512];

	CU_ASSERT_EQUAL(check(head).verdict, GATE_CONTINUE);
	snprintf(text, sizeof(text), "%sab", head);
	CU_ASSERT_EQUAL(check(text).verdict, GATE_MORE);
	CU_ASSERT_EQUAL(status("GET / HTTP/1.1\r\n" HOST "Expect: miracles\r\n\r\n"), 417);
	CU_ASSERT_PTR_NULL(
	    strstr(rewritten(post(ACTION "Expect: 100-continue\r\n", CALL)), "xpect"));
}

static void
test_libupnp_sees_one_form_of_a_call(void)
{
	static char expected[1024];

	snprintf(expected, sizeof(expected),
	    "POST /ctl HTTP/1.1\r\nHOST: 192.168.7.1:5431\r\nUSER-AGENT: x?y\r\n"
	    "CONTENT-TYPE: text/xml; charset=\"utf-8\"\r\nSOAPACTION: \"" URN "#Act\"\r\n"
	    "CONTENT-LENGTH: %05zu\r\n\r\n" CALL_OUT,
	    strlen(CALL_OUT));
	CU_ASSERT_STRING_EQUAL(rewritten(post("soapaction:" URN "#Act\r\nUser-Agent: x\xfey\r\n"
					      "Content-type: text/xml ; charset=\"utf-8\"\r\n"
					      "Connection: Keep-Alive\r\nAccept-Encoding: gzip\r\n",
				   CALL)),
	    expected);
	CU_ASSERT_STRING_EQUAL(arguments, "NewA=1;");
}

/* Same outcome for every way in which a real client writes the same call. */
static void
test_tolerances_of_real_clients(void)
{
	static const char *const bodies[] = {
		CALL,
		"\xef\xbb\xbf" CALL "\r\n\r\n",
		ENVELOPE("<u:Act xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:2\">"
			 "<NewA>1</NewA></u:Act>"),
		ENVELOPE("<!-- c --><Act><NewA><![CDATA[1]]></NewA></Act>"),
		ENVELOPE("\n<m:Act xmlns:m=\"" URN "\">\n\t<m:NewA xmlns:dt=\"x\" dt:dt=\"ui4\">1"
			 "</m:NewA>\n</m:Act>\n"),
		"<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\">"
		"<SOAP-ENV:Header><x><y/></x></SOAP-ENV:Header><SOAP-ENV:Body>"
		"<m:Act xmlns:m=\"" URN "\"><NewA>1</NewA></m:Act></SOAP-ENV:Body>"
		"</SOAP-ENV:Envelope>",
	};
	static const char *const headers[] = { ACTION, "SOAPAction: " URN "#Act\r\n",
		"sOaPaCtIoN:   \"" URN "#Act\"  \r\nContent-Type: application/soap+xml\r\n" };
	size_t i, j;

	for (i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		for (j = 0; j < sizeof(headers) / sizeof(*headers); j++) {
			CU_ASSERT_PTR_NOT_NULL(
			    strstr(rewritten(post(headers[j], bodies[i])), "\r\n\r\n" CALL_OUT));
			CU_ASSERT_STRING_EQUAL(arguments, "NewA=1;");
		}
	}
	/* bare LF, empty lines before, HTTP/1.0, GET with a length of 0 */
	CU_ASSERT_EQUAL(status("\r\n\r\nGET / HTTP/1.0\nA: b\n\n"), 0);
	CU_ASSERT_EQUAL(check("GET / HTTP/1.0\nA: b\n\n").verdict, GATE_PASS);
	CU_ASSERT_EQUAL(
	    check("GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n").verdict, GATE_PASS);
}

static void
test_m_post_becomes_post(void)
{
	char text[2048];

	snprintf(text, sizeof(text),
	    "M-POST /ctl HTTP/1.1\r\n" HOST
	    "Man: \"http://schemas.xmlsoap.org/soap/envelope/\"; ns=01\r\n"
	    "01-SOAPACTION: \"" URN "#Act\"\r\nContent-Length: %zu\r\n\r\n%s",
	    strlen(CALL), CALL);
	CU_ASSERT_EQUAL(strncmp(rewritten(text), "POST /ctl HTTP/1.1\r\n", 20), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(rewritten(text), "\r\nSOAPACTION: \"" URN "#Act\"\r\n"));
	CU_ASSERT_EQUAL(
	    status("M-POST /c HTTP/1.1\r\n" HOST ACTION "Content-Length: 5\r\n\r\n"), 510);
}

static void
test_post_without_a_proper_soapaction_is_400(void)
{
	static const char *const bad[] = { "", "SOAPACTION: \r\n", "SOAPACTION: \"\"\r\n",
		"SOAPACTION: Act\r\n", "SOAPACTION: \"#Act\"\r\n", "SOAPACTION: \"" URN "#\"\r\n",
		"SOAPACTION: \"" URN "#A b\"\r\n", "SOAPACTION: \"urn:<x>#Act\"\r\n",
		"SOAPACTION: \"" URN "#A#B\"\r\n" };
	char text[2048];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_EQUAL(status(post(bad[i], CALL)), 400);
	CU_ASSERT_EQUAL(status(post(ACTION "Content-Type: text/plain\r\n", CALL)), 415);
	snprintf(text, sizeof(text), "SOAPACTION: \"urn:%0300d#Act\"\r\n", 0);
	CU_ASSERT_EQUAL(status(post(text, CALL)), 400);
}

static void
test_a_body_that_is_not_the_call_is_400(void)
{
	static const char *const bad[] = {
		"",
		"garbage",
		"<a/>",
		ENVELOPE(""),
		ENVELOPE("<u:Other xmlns:u=\"" URN "\"/>"),
		ENVELOPE("<Act/><Act/>"),
		ENVELOPE("<Act><NewA><x/></NewA></Act>"),
		ENVELOPE("<Act><NewA>a <b> & c</NewA></Act>"),
		ENVELOPE("<Act><NewA>\xff\xfe</NewA></Act>"),
		ENVELOPE("<Act>") "<",
		CALL CALL,
		"<!DOCTYPE a [<!ENTITY x \"y\">]>" CALL_OUT,
		"<Envelope><Body><Act/></Body></Envelope>",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_STRING_EQUAL(rewritten(post(ACTION, bad[i])), "400");
}

static void
test_depth_and_number_of_elements_are_bounded(void)
{
	static char deep[GATE_BODY_MAX], wide[GATE_BODY_MAX];
	size_t at;
	int i;

	at = (size_t)sprintf(deep, "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/"
				   "envelope/\"><s:Header>");
	while (at < GATE_BODY_MAX - 8)
		at += (size_t)sprintf(deep + at, "<a>");
	CU_ASSERT_STRING_EQUAL(rewritten(post(ACTION, deep)), "400");

	at = (size_t)sprintf(wide, "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/"
				   "envelope/\"><s:Body><Act>");
	for (i = 0; i < 33; i++)
		at += (size_t)sprintf(wide + at, "<a/>");
	sprintf(wide + at, "</Act></s:Body></s:Envelope>");
	CU_ASSERT_STRING_EQUAL(rewritten(post(ACTION, wide)), "400");
}

static void
test_arguments_are_read_as_text(void)
{
	rewritten(post(
	    ACTION, ENVELOPE("<Act><D>a &lt;b> &amp;amp; \"c' &#228;</D><D> &#9;</D><E> x </E><F/>"
			     "<G>]]&gt;<![CDATA[<&]]></G></Act>")));
	CU_ASSERT_STRING_EQUAL(arguments, "D=a <b> &amp; \"c' \xc3\xa4;D= \t;E= x ;F=;G=]]><&;");
	rewritten(post(ACTION, ENVELOPE("<Act>text</Act>")));
	CU_ASSERT_STRING_EQUAL(arguments, "");
}

/* Whatever is in the head: a body at its bound leaves room for the arguments. */
static void
test_longest_arguments_have_room(void)
{
	enum { LEN = GATE_BODY_MAX + 1 - sizeof(ENVELOPE("<Act><NewA></NewA></Act>")) };
	static char text[LEN + 1], body[GATE_BODY_MAX + 1];

	memset(text, 'x', LEN);
	snprintf(body, sizeof(body), ENVELOPE("<Act><NewA>%s</NewA></Act>"), text);
	CU_ASSERT_EQUAL(strlen(body), GATE_BODY_MAX);
	CU_ASSERT_EQUAL(strncmp(rewritten(post(ACTION, body)), "POST ", 5), 0);
	CU_ASSERT_EQUAL(strlen(arguments), strlen("NewA=;") + LEN);
}

/* libupnp's own reader crashes where the child is no element. */
static void
test_query_of_a_variable_has_one_shape(void)
{
	const char *action =
	    "SOAPACTION: \"urn:schemas-upnp-org:control-1-0#QueryStateVariable\"\r\n";

	CU_ASSERT_PTR_NOT_NULL(strstr(
	    rewritten(post(action, ENVELOPE("<u:QueryStateVariable xmlns:u=\"urn:schemas-upnp-org:"
					    "control-1-0\"> <u:varName>V</u:varName>"
					    "</u:QueryStateVariable>"))),
	    "<u:QueryStateVariable xmlns:u=\"urn:schemas-upnp-org:control-1-0\">"
	    "<varName>V</varName></u:QueryStateVariable>"));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(rewritten(post(action, ENVELOPE("<QueryStateVariable>text<![CDATA[x]]>"
						   "</QueryStateVariable>"))),
		"control-1-0\"></u:QueryStateVariable>"));
}

static void
test_events_go_to_the_subscriber_itself_only(void)
{
	static const char *const bad[] = { "", "<>", "http://192.168.7.9/", "<http://192.168.7.8/>",
		"<http://192.168.7.1/>", "<http://203.0.113.1/>", "<https://192.168.7.9/>",
		"<http://host.lan/>", "<http://192.168.7.9:0/>", "<http://192.168.7.9:99999/>",
		"<http://192.168.7.9@203.0.113.1/>", "<http://192.168.7.9 /x>",
		"<http://192.168.7.9/a b>", "<http://192.168.7.9/", "<http://127.0.0.1/>" };
	char text[1024];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), SUBSCRIBE("%s"), bad[i]);
		CU_ASSERT_EQUAL(status(text), 412);
	}
	snprintf(text, sizeof(text), SUBSCRIBE("<http://192.168.7.9/%0512d>"), 0);
	CU_ASSERT_EQUAL(status(text), 412);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(rewritten(SUBSCRIBE("<http://[fe80::1]:99/a><http://192.168.7.9:2869/b?c=d>"
				       "<http://192.168.7.8/e>")),
		"\r\nCALLBACK: <http://192.168.7.9:2869/b?c=d>\r\nTIMEOUT: Second-1800\r\n\r\n"));
}

static void
test_all_callbacks_of_the_subscriber_are_handed_on_in_order(void)
{
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    rewritten(SUBSCRIBE(
		"<http://192.168.7.9/a> <http://192.168.7.8/b>,"
		"<http://192.168.7.9:2869><http://192.168.7.9:99/c?d><http://192.168.7.9:1/{}>")),
	    "\r\nCALLBACK: <http://192.168.7.9:80/a{2869/}{99/c?d}>\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    rewritten(SUBSCRIBE("<http://192.168.7.9:1><http://192.168.7.9:2><http://192.168.7.9:3>"
				"<http://192.168.7.9:4><http://192.168.7.9:5>")),
	    "\r\nCALLBACK: <http://192.168.7.9:1/{2/}{3/}{4/}>\r\n"));
}

static void
test_subscription_headers_exclude_each_other(void)
{
#define HEAD(method) method " /evt HTTP/1.1\r\n" HOST
	CU_ASSERT_EQUAL(status(HEAD("SUBSCRIBE") "SID: uuid:a\r\nNT: upnp:event\r\n\r\n"), 400);
	CU_ASSERT_EQUAL(status(HEAD("SUBSCRIBE") "SID: uuid:a\r\nCALLBACK: <x>\r\n\r\n"), 400);
	CU_ASSERT_EQUAL(status(HEAD("SUBSCRIBE") "NT: other\r\nCALLBACK: <x>\r\n\r\n"), 412);
	CU_ASSERT_EQUAL(status(HEAD("SUBSCRIBE") "\r\n"), 412);
	CU_ASSERT_EQUAL(status(HEAD("SUBSCRIBE") "SID: abc\r\n\r\n"), 412);
	CU_ASSERT_EQUAL(status(HEAD("UNSUBSCRIBE") "\r\n"), 412);
	CU_ASSERT_EQUAL(status(HEAD("UNSUBSCRIBE") "SID: uuid:a\r\n\r\n"), 0);
	CU_ASSERT_STRING_EQUAL(
	    rewritten(HEAD("SUBSCRIBE") "SID: uuid:a-1\r\nTIMEOUT: Second-infinite\r\n\r\n"),
	    "SUBSCRIBE /evt HTTP/1.1\r\nHOST: 192.168.7.1:5431\r\nSID: uuid:a-1\r\n"
	    "TIMEOUT: Second-1800\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    rewritten(HEAD("SUBSCRIBE") "SID: uuid:a\r\nTIMEOUT: second-99999999999\r\n\r\n"),
	    "Second-86400\r\n"));
#undef HEAD
}

static void
test_of_a_timeout_with_a_fraction_the_whole_seconds_count(void)
{
	static const struct {
		const char *asked, *granted;
	} cases[] = {
		{ "540.0", "540" },
		{ "1799.999", "1799" },
		{ "0.5", "1" },
		{ "99999999999.0", "86400" },
		{ "540.", "1800" },
		{ ".5", "1800" },
		{ "5.x", "1800" },
		{ "5.0.0", "1800" },
		{ "", "1800" },
	};
	char text[160], want[64];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(text, sizeof(text),
		    "SUBSCRIBE /evt HTTP/1.1\r\n" HOST "SID: uuid:a\r\nTIMEOUT: Second-%s\r\n\r\n",
		    cases[i].asked);
		snprintf(want, sizeof(want), "\r\nTIMEOUT: Second-%s\r\n\r\n", cases[i].granted);
		CU_ASSERT_PTR_NOT_NULL(strstr(rewritten(text), want));
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_request_passes_once_it_is_whole_and_not_before),
	UNIT_TEST(methods_other_than_ours_are_501),
	UNIT_TEST(target_must_be_a_plain_path),
	UNIT_TEST(malformed_heads_are_400),
	UNIT_TEST(head_is_bounded),
	UNIT_TEST(body_is_bounded_before_it_comes),
	UNIT_TEST(host_must_be_our_own_address),
	UNIT_TEST(client_that_expects_is_told_to_go_on),
	UNIT_TEST(libupnp_sees_one_form_of_a_call),
	UNIT_TEST(tolerances_of_real_clients),
	UNIT_TEST(m_post_becomes_post),
	UNIT_TEST(post_without_a_proper_soapaction_is_400),
	UNIT_TEST(a_body_that_is_not_the_call_is_400),
	UNIT_TEST(depth_and_number_of_elements_are_bounded),
	UNIT_TEST(arguments_are_read_as_text),
	UNIT_TEST(longest_arguments_have_room),
	UNIT_TEST(query_of_a_variable_has_one_shape),
	UNIT_TEST(events_go_to_the_subscriber_itself_only),
	UNIT_TEST(all_callbacks_of_the_subscriber_are_handed_on_in_order),
	UNIT_TEST(subscription_headers_exclude_each_other),
	UNIT_TEST(of_a_timeout_with_a_fraction_the_whole_seconds_count),
	UNIT_END,
};

int
main(void)
{
	return unit_run("gate", tests);
}
