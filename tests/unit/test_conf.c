/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/conf.h"
#include "config/conf_keys.h"
#include "config/conf_service.h"
#include "unit.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/addr.h"

static char path[] = "/tmp/portreeve-test-conf-XXXXXX";
static char said[8192]; /* what conf_load() had to complain about, the file's name as FILE */

static void
shorten_path(char *text)
{
	size_t n = strlen(path);
	char *at;

	while ((at = strstr(text, path)) != NULL) {
		memcpy(at, "FILE", 4);
		memmove(at + 4, at + n, strlen(at + n) + 1);
	}
}

/* Loads @text as a file, then the overrides up to NULL. */
static int
load(struct conf *conf, const char *text, const char **overrides)
{
	struct conf_overrides over = { .items = overrides };
	FILE *errors = fmemopen(said, sizeof(said), "w");
	int rc;

	while (overrides && overrides[over.n])
		over.n++;
	CU_ASSERT_TRUE_FATAL(unit_write_file(path, text));
	memset(said, 0, sizeof(said));
	rc = conf_load(conf, path, &over, errors);
	fclose(errors);
	shorten_path(said);
	return rc;
}

static void
expect_complaint(const char *text, const char *complaint)
{
	struct conf conf;

	CU_ASSERT_EQUAL(load(&conf, text, NULL), -EINVAL);
	CU_ASSERT_STRING_EQUAL(said, complaint);
	if (strcmp(said, complaint) != 0)
		printf("\nfor:  %s\ngot:  %swant: %s", text, said, complaint);
}

static void
expect_override_complaint(const char *item, const char *complaint)
{
	const char *over[] = { item, NULL };
	struct conf conf;

	CU_ASSERT_EQUAL(load(&conf, "", over), -EINVAL);
	CU_ASSERT_STRING_EQUAL(said, complaint);
	if (strcmp(said, complaint) != 0)
		printf("\nfor:  %s\ngot:  %swant: %s", item, said, complaint);
}

static void
test_empty_file_gives_the_defaults_of_the_header(void)
{
	struct conf c;

	CU_ASSERT_EQUAL(load(&c, "# nothing\n", NULL), 0);
	CU_ASSERT_STRING_EQUAL(said, "");
	CU_ASSERT_STRING_EQUAL(c.wan, "");
	CU_ASSERT_EQUAL(c.n_lans, 0);
	CU_ASSERT_FALSE(c.share);
	CU_ASSERT_EQUAL(c.clamp_mss, CONF_AUTO);
	CU_ASSERT_EQUAL(c.lan_address.addr, 0xc0a88901);
	CU_ASSERT_EQUAL(c.lan_address.len, 24);
	CU_ASSERT_FALSE(c.lan_prefix6.automatic);
	CU_ASSERT_EQUAL(c.lan_prefix6.prefix.len, 0);
	CU_ASSERT_EQUAL(c.dhcp, CONF_AUTO);
	CU_ASSERT_EQUAL(c.dhcp_range.first, 0);
	CU_ASSERT_EQUAL(c.dhcp_lease_s, 43200);
	CU_ASSERT_STRING_EQUAL(c.domain, "lan");
	CU_ASSERT_EQUAL(c.n_dns, 0);
	CU_ASSERT_STRING_EQUAL(c.dhcp_user, "dnsmasq");
	CU_ASSERT_EQUAL(c.n_reservations, 0);
	CU_ASSERT_TRUE(c.secure);
	CU_ASSERT_EQUAL(c.min_port, 1024);
	CU_ASSERT_EQUAL(c.max_mappings_per_client, 128);
	CU_ASSERT_EQUAL(c.max_mappings, 32768);
	CU_ASSERT_EQUAL(c.max_lease_s, 0);
	CU_ASSERT_EQUAL(c.external_address, 0);
	CU_ASSERT_EQUAL(c.http_port, 5431);
	CU_ASSERT_EQUAL(c.notify_interval_s, 900);
	CU_ASSERT_EQUAL(c.igd_version, 0);
	CU_ASSERT_STRING_EQUAL(c.on_connect, "");
	CU_ASSERT_STRING_EQUAL(c.on_disconnect, "");
	CU_ASSERT_EQUAL(c.firewall, CONF_FIREWALL_OFF);
	CU_ASSERT_EQUAL(c.join_mark, 0x10000000);
	CU_ASSERT_TRUE(c.allow_pinholes);
	CU_ASSERT_TRUE(c.keep_mappings_on_exit);
	CU_ASSERT_TRUE(c.table_owner);
	CU_ASSERT_EQUAL(c.audit_max_rows, 20000);
	CU_ASSERT_EQUAL(c.audit_max_days, 90);
	CU_ASSERT_EQUAL(c.audit_unused_days, 30);
	CU_ASSERT_EQUAL(c.audit_many_ports, 32);
	CU_ASSERT_EQUAL(c.n_audit_accept, 0);
	CU_ASSERT_STRING_EQUAL(c.worker_user, "portreeve");
	CU_ASSERT_EQUAL(c.log_level, LOG_LEVEL_INFO);
	CU_ASSERT_EQUAL(c.on_reload, CONF_KEEP);
	CU_ASSERT_EQUAL(c.n_presets, 0);
	CU_ASSERT_EQUAL(c.n_rules, 0);
}

static void
test_file_sets_every_key(void)
{
	struct conf c;

	CU_ASSERT_EQUAL(
	    load(&c,
		"wan = ppp0\nlan = {\"br0\", eth1} // two\nshare = yes\nsecure = off\n"
		"min_port = 1\nmax_mappings_per_client = 65535\nmax_mappings=131072\n"
		"max_lease_s = 4294967295\nexternal_address = 203.0.113.9\n"
		"http_port = 1024\nnotify_interval_s = 86400\n"
		"igd_version = 2\non_connect = \"/usr/bin/pon dsl\"\n"
		"on_disconnect = /usr/bin/poff\nfirewall = join\nicmp_allow = {mask, echo}\n"
		"join_chain = {\"inet filter forward\", \"ip6 a-b_C FORWARD.1\"}\n"
		"join_mark = 0x40\n"
		"allow_pinholes = no\n"
		"keep_mappings_on_exit = no\ntable_owner = false\n"
		"worker_user = nobody\nlog_level = debug\n",
		NULL),
	    0);
	CU_ASSERT_STRING_EQUAL(said, "");
	CU_ASSERT_STRING_EQUAL(c.wan, "ppp0");
	CU_ASSERT_EQUAL_FATAL(c.n_lans, 2);
	CU_ASSERT_STRING_EQUAL(c.lans[0], "br0");
	CU_ASSERT_STRING_EQUAL(c.lans[1], "eth1");
	CU_ASSERT_TRUE(c.share);
	CU_ASSERT_FALSE(c.secure);
	CU_ASSERT_EQUAL(c.min_port, 1);
	CU_ASSERT_EQUAL(c.max_mappings_per_client, 65535);
	CU_ASSERT_EQUAL(c.max_mappings, 131072);
	CU_ASSERT_EQUAL(c.max_lease_s, UINT32_MAX);
	CU_ASSERT_EQUAL(c.external_address, 0xcb007109);
	CU_ASSERT_EQUAL(c.http_port, 1024);
	CU_ASSERT_EQUAL(c.notify_interval_s, 86400);
	CU_ASSERT_EQUAL(c.igd_version, 2);
	CU_ASSERT_STRING_EQUAL(c.on_connect, "/usr/bin/pon dsl");
	CU_ASSERT_STRING_EQUAL(c.on_disconnect, "/usr/bin/poff");
	CU_ASSERT_EQUAL(c.firewall, CONF_FIREWALL_JOIN);
	CU_ASSERT_EQUAL(c.n_joins, 2);
	CU_ASSERT_EQUAL(c.joins[0].family, CONF_INET);
	CU_ASSERT_STRING_EQUAL(c.joins[0].table, "filter");
	CU_ASSERT_STRING_EQUAL(c.joins[0].chain, "forward");
	CU_ASSERT_EQUAL(c.joins[1].family, CONF_IP6);
	CU_ASSERT_STRING_EQUAL(c.joins[1].table, "a-b_C");
	CU_ASSERT_STRING_EQUAL(c.joins[1].chain, "FORWARD.1");
	CU_ASSERT_EQUAL(c.join_mark, 0x40);
	CU_ASSERT_EQUAL(c.n_icmp_allow, 2);
	CU_ASSERT_EQUAL(c.icmp_allow[0], CONF_ICMP_MASK);
	CU_ASSERT_EQUAL(c.icmp_allow[1], CONF_ICMP_ECHO);
	CU_ASSERT_FALSE(c.allow_pinholes);
	CU_ASSERT_FALSE(c.keep_mappings_on_exit);
	CU_ASSERT_FALSE(c.table_owner);
	CU_ASSERT_STRING_EQUAL(c.worker_user, "nobody");
	CU_ASSERT_EQUAL(c.log_level, LOG_LEVEL_DEBUG);
}

static void
test_wrong_value_is_named_with_line_key_and_what_is_legal(void)
{
	expect_complaint(
	    "\nmin_port = 0\n", "FILE:2: min_port: \"0\" is out of range; legal: 1 to 65535\n");
	expect_complaint(
	    "min_port = 65536", "FILE:1: min_port: \"65536\" is out of range; legal: 1 to 65535\n");
	expect_complaint("max_mappings = 99999999999999999999999",
	    "FILE:1: max_mappings: \"99999999999999999999999\" is out of range; "
	    "legal: 1 to 131072\n");
	expect_complaint("http_port = yes",
	    "FILE:1: http_port: \"yes\" is not a whole number; legal: 1024 to 65535\n");
	expect_complaint("max_lease_s = -1",
	    "FILE:1: max_lease_s: \"-1\" is not a whole number; legal: 0 to 4294967295\n");
	expect_complaint(
	    "secure = 1", "FILE:1: secure: \"1\" is neither yes nor no; legal: yes or no\n");
	expect_complaint("external_address = 203.0.113",
	    "FILE:1: external_address: \"203.0.113\" is not an IPv4 address; "
	    "legal: an IPv4 address, or empty\n");
	expect_complaint("external_address = 224.0.0.1",
	    "FILE:1: external_address: \"224.0.0.1\" is no host's address; "
	    "legal: an IPv4 address, or empty\n");
	expect_complaint("log_level = loud", "FILE:1: log_level: \"loud\" is not a log level; "
					     "legal: error, warn, info or debug\n");
	expect_complaint("igd_version = 3",
	    "FILE:1: igd_version: \"3\" is none of these; legal: auto, 1 or 2\n");
	expect_complaint("on_connect = \"pon dsl\"",
	    "FILE:1: on_connect: \"pon dsl\" is no command that can be run without a shell; "
	    "legal: the absolute path of a program and its arguments, or empty\n");
	expect_complaint("on_connect = \"/bin/a; b\"",
	    "FILE:1: on_connect: \"/bin/a; b\" is no command that can be run without a shell; "
	    "legal: the absolute path of a program and its arguments, or empty\n");
	expect_complaint("worker_user = \"\"", "FILE:1: worker_user: \"\" cannot be the name of a "
					       "user; legal: a user's name, at most 31 octets\n");
}

static void
test_every_wrong_value_is_told(void)
{
	expect_complaint("min_port = a\nsecure = b\n",
	    "FILE:1: min_port: \"a\" is not a whole number; legal: 1 to 65535\n"
	    "FILE:2: secure: \"b\" is neither yes nor no; legal: yes or no\n");
}

static void
test_impossible_interface_names_are_refused(void)
{
	static const char *const bad[] = { "a/b", "a b", "0123456789abcdef", "..", "a:1", "a\tb",
		"\xc3\xbc" };
	char text[64], legal[128];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct conf c;

		snprintf(text, sizeof(text), "wan = \"%s\"", bad[i]);
		CU_ASSERT_EQUAL(load(&c, text, NULL), -EINVAL);
		snprintf(legal, sizeof(legal), "cannot be the name of an interface; legal: ");
		CU_ASSERT_PTR_NOT_NULL(strstr(said, legal));
		snprintf(text, sizeof(text), "lan = {\"%s\"}", bad[i]);
		CU_ASSERT_EQUAL(load(&c, text, NULL), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(said, legal));
	}
	expect_complaint("lan = {\"\"}", "FILE:1: lan: \"\" cannot be the name of an interface; "
					 "legal: a list of at most 16 interfaces' names\n");
}

static void
test_services_have_names_that_exist(void)
{
	expect_complaint("open = {ssh, \"gopher\"}",
	    "FILE:1: open: there is no service \"gopher\"; legal: a built-in one, or a section "
	    "\"service\"\n");
	expect_complaint("open = {\"many\"}\nservice \"many\" {\n tcp = {1-300}\n}\n",
	    "FILE:1: open: these services have too many ports; legal: at most 256 in all\n");
	expect_complaint(
	    "service \"x\" {\n}\n", "FILE:2: service \"x\": has no port; legal: with tcp or udp\n");
}

static void
test_forwards_are_checked(void)
{
	static const struct {
		const char *fields, *wrong;
	} cases[] = {
		{ "to = \"192.168.1.10\"",
		    "1: forward \"x\": service, external_port: legal: exactly one of them" },
		{ "service = \"http\"\nexternal_port = 80\nto = \"192.168.1.10\"",
		    "1: forward \"x\": service, external_port: legal: exactly one of them" },
		{ "service = \"http\"\nprotocol = tcp\nto = \"192.168.1.10\"",
		    "1: forward \"x\": protocol: the service has its own; legal: without service" },
		{ "external_port = 1000-3000\nto = \"192.168.1.10\"",
		    "1: forward \"x\": external_port: is too long a range; legal: at most 1024 "
		    "ports" },
		{ "service = \"gopher\"\nto = \"192.168.1.10\"",
		    "1: forward \"x\": service: there is none of that name; legal: a built-in one, "
		    "or "
		    "a section \"service\"" },
		{ "service = \"ipsec\"\nto = \"192.168.1.10:500\"",
		    "1: forward \"x\": to: has one port and the service several; legal: without a "
		    "port" },
		{ "external_port = 80\nto = \"192.168.1.10:0\"",
		    "3: forward \"x\": to: \"192.168.1.10:0\" is out of range; legal: an IPv4 "
		    "address, with a port or without, such as 192.168.1.10:80" },
		{ "external_port = 80\nto = \"127.0.0.1\"",
		    "3: forward \"x\": to: \"127.0.0.1\" is no host's address; legal: an IPv4 "
		    "address, with a port or without, such as 192.168.1.10:80" },
	};
	char text[256], wanted[256];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "forward \"x\" {\n%s\n}\n", cases[i].fields);
		snprintf(wanted, sizeof(wanted), "FILE:%s\n", cases[i].wrong);
		expect_complaint(text, wanted);
	}
}

static void
test_two_forwards_do_not_want_the_same_port(void)
{
	struct conf c;

	expect_complaint("forward \"a\" {\nexternal_port = 70-90\nto = \"192.168.1.10\"\n}\n"
			 "forward \"b\" {\nservice = \"http\"\nto = \"192.168.1.11\"\n}\n",
	    "FILE:5: forward \"b\": wants a port that \"a\" has; legal: another port\n");
	CU_ASSERT_EQUAL(load(&c,
			    "forward \"a\" {\nprotocol = udp\nexternal_port = 70-90\n"
			    "to = \"192.168.1.10\"\n}\n"
			    "forward \"b\" {\nservice = \"http\"\nto = \"192.168.1.11\"\n}\n"
			    "forward \"c\" {\nservice = \"http\"\nto = \"192.168.1.11:81\"\n"
			    "remote_host = 9.9.9.9\n}\n",
			    NULL),
	    0);
	CU_ASSERT_EQUAL(c.n_forwards, 3);
}

static void
test_chains_to_join_are_checked(void)
{
	static const char *const bad[] = { "inet filter", "filter forward", "bridge filter forward",
		"inet filter forward now", "inet  forward", "inet 1filter forward",
		"inet fil;ter forward", "arp filter input" };
	char text[128], wanted[256];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "join_chain = {\"%s\"}", bad[i]);
		snprintf(wanted, sizeof(wanted),
		    "FILE:1: join_chain: \"%s\" is no chain; legal: a list of at most 16 chains, "
		    "such "
		    "as \"inet filter forward\" (of ip, ip6 or inet)\n",
		    bad[i]);
		expect_complaint(text, wanted);
	}
	expect_complaint("join_chain = {\"inet portreeve forward\"}",
	    "FILE:1: join_chain: \"inet portreeve forward\" is our own; legal: a list of at most "
	    "16 "
	    "chains, such as \"inet filter forward\" (of ip, ip6 or inet)\n");
	expect_complaint("join_mark = 3",
	    "FILE:1: join_mark: \"3\" is out of range; legal: one bit, 0x1 to 0x80000000\n");
	expect_complaint("join_mark = 0",
	    "FILE:1: join_mark: \"0\" is out of range; legal: one bit, 0x1 to 0x80000000\n");
	expect_complaint("join_mark = 0x100000000",
	    "FILE:1: join_mark: \"0x100000000\" is out of range; legal: one bit, 0x1 to "
	    "0x80000000\n");
	expect_complaint("join_mark = 0x",
	    "FILE:1: join_mark: \"0x\" is not a number; legal: one bit, 0x1 to 0x80000000\n");
	expect_complaint("\nfirewall = join",
	    "FILE:2: firewall: join joins nothing; legal: with a join_chain\n");
}

static void
test_unknown_key_is_named_with_all_legal_ones(void)
{
	const struct conf_section *section;
	const struct conf_key *key;
	struct conf c;

	CU_ASSERT_EQUAL(load(&c, "wan = a\nminport = 5\n", NULL), -EINVAL);
	CU_ASSERT_EQUAL(strncmp(said, "FILE:2: minport: there is no such key; legal: ", 46), 0);
	for (key = conf_keys; key->name; key++)
		CU_ASSERT_PTR_NOT_NULL(strstr(said, key->name));
	for (section = conf_sections; section->name; section++)
		CU_ASSERT_PTR_NOT_NULL(strstr(said, section->name));
}

static void
test_duplicates_are_refused(void)
{
	expect_complaint("min_port = 5\n\nmin_port = 5\n",
	    "FILE:3: min_port: given twice, first in line 1; legal: once\n");
	expect_complaint(
	    "lan = {a}\nlan = {b}", "FILE:2: lan: given twice, first in line 1; legal: once\n");
	expect_complaint("lan = {a, b, a}",
	    "FILE:1: lan: \"a\" stands there twice; legal: a list of "
	    "at most 16 interfaces' names\n");
	expect_complaint("lan = {a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q}",
	    "FILE:1: lan: \"q\" is one too many; legal: a list of at most 16 interfaces' "
	    "names\n");
}

static void
test_list_may_be_extended(void)
{
	struct conf c;

	CU_ASSERT_EQUAL(load(&c, "lan = {a}\nlan += {b}", NULL), 0);
	CU_ASSERT_EQUAL(c.n_lans, 2);
	CU_ASSERT_STRING_EQUAL(c.lans[1], "b");
}

static void
test_wan_cannot_be_a_lan(void)
{
	const char *over[] = { "lan=a", "wan=a", NULL };
	struct conf c;

	expect_complaint("wan = a\nlan = {b,\na}\n",
	    "FILE:2: lan: \"a\" is the wan, too; legal: another interface\n");
	CU_ASSERT_EQUAL(load(&c, "", over), -EINVAL);
	CU_ASSERT_STRING_EQUAL(
	    said, "command line: lan: \"a\" is the wan, too; legal: another interface\n");
}

static void
test_broken_syntax_has_a_line_and_does_not_spoil_the_next_load(void)
{
	static const char *const broken[] = { "min_port", "min_port 5", "min_port = \"abc",
		"lan = {", "min_port = {1}", "}", "min_port += 4", "lan = {a b}", "include(\"x\")",
		"sec { a = 1 }", "min_port = 5 = 6", "rule { action = deny }", "rule \"a\" = 5",
		"rule \"a\" { action = deny", "rule \"a\" \"b\" { }", "rule \"a\" { lan = {",
		"rule \"a\" { rule \"b\" { } }", "/* for ever", "rule \"a\" { action = deny /*" };
	struct conf c;
	size_t i;

	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		CU_ASSERT_EQUAL(load(&c, broken[i], NULL), -EINVAL);
		CU_ASSERT_EQUAL(strncmp(said, "FILE:1: ", 8), 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(said, "; legal: "));
		CU_ASSERT_EQUAL(load(&c, "wan = eth7\n", NULL), 0);
		CU_ASSERT_STRING_EQUAL(c.wan, "eth7");
	}
}

static void
test_hostile_file_cannot_write_to_the_terminal(void)
{
	struct conf c;

	CU_ASSERT_EQUAL(load(&c, "min_port = \"\x1b[2J\"\n", NULL), -EINVAL);
	CU_ASSERT_PTR_NULL(strchr(said, '\x1b'));
}

static void
test_failed_load_leaves_the_struct_alone(void)
{
	struct conf c;

	memset(&c, 0x5a, sizeof(c));
	CU_ASSERT_EQUAL(load(&c, "wan = a\nmin_port = x\n", NULL), -EINVAL);
	CU_ASSERT_EQUAL(((unsigned char *)&c)[0], 0x5a);
}

static void
test_overrides_follow_the_file(void)
{
	const char *over[] = { "wan=", "lan=br0", "lan=br1", "min_port=2000", "share=on",
		"external_address=203.0.113.7", NULL };
	const char *clear[] = { "lan=", NULL };
	struct conf c;

	CU_ASSERT_EQUAL(load(&c, "wan = a\nlan = {x, y, z}\nmin_port = 5\n", over), 0);
	CU_ASSERT_STRING_EQUAL(c.wan, "");
	CU_ASSERT_EQUAL_FATAL(c.n_lans, 2);
	CU_ASSERT_STRING_EQUAL(c.lans[0], "br0");
	CU_ASSERT_STRING_EQUAL(c.lans[1], "br1");
	CU_ASSERT_EQUAL(c.min_port, 2000);
	CU_ASSERT_TRUE(c.share);
	CU_ASSERT_EQUAL(c.external_address, 0xcb007107);

	CU_ASSERT_EQUAL(load(&c, "lan = {x, y, z}\n", clear), 0);
	CU_ASSERT_EQUAL(c.n_lans, 0);
}

static void
test_wrong_overrides_are_named(void)
{
	struct conf c;
	const char *unknown[] = { "minport=4", NULL };

	expect_override_complaint(
	    "min_port=0", "command line: min_port: \"0\" is out of range; legal: 1 to 65535\n");
	expect_override_complaint(
	    "min_port", "command line: min_port: has no value; legal: KEY=VALUE\n");
	expect_override_complaint("=5", "command line: =5: has no value; legal: KEY=VALUE\n");
	expect_override_complaint("lan=a/b", "command line: lan: \"a/b\" cannot be the name of an "
					     "interface; legal: a list of at most 16 interfaces' "
					     "names\n");
	CU_ASSERT_EQUAL(load(&c, "", unknown), -EINVAL);
	CU_ASSERT_EQUAL(
	    strncmp(said, "command line: minport: there is no such key; legal: ", 52), 0);
}

static void
test_missing_file_matters_only_when_named(void)
{
	FILE *errors = fmemopen(said, sizeof(said), "w");
	struct conf c;

	CU_ASSERT_EQUAL(conf_load(&c, "/nonexistent/portreeve.conf", NULL, errors), -EINVAL);
	fclose(errors);
	CU_ASSERT_STRING_EQUAL(
	    said, "/nonexistent/portreeve.conf: cannot be opened: No such file or directory\n");
}

/* conf_load(), or conf_load_once(), of something that is no regular file. */
static int
load_thing(const char *thing, bool once)
{
	FILE *errors = fmemopen(said, sizeof(said), "w");
	struct conf c;
	int rc;

	memset(said, 0, sizeof(said));
	alarm(5); /* rather than for ever */
	rc = (once ? conf_load_once : conf_load)(&c, thing, NULL, errors);
	alarm(0);
	fclose(errors);
	return rc;
}

static void
bind_socket(const char *at)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", at);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
}

static void
test_what_is_no_regular_file_is_refused_and_not_waited_for(void)
{
	CU_ASSERT_EQUAL(load_thing("/", false), -EINVAL);
	CU_ASSERT_STRING_EQUAL(said, "/: is a directory; legal: a regular file\n");
	CU_ASSERT_EQUAL(load_thing("/dev/zero", false), -EINVAL);
	CU_ASSERT_STRING_EQUAL(said, "/dev/zero: is a device; legal: a regular file\n");
	CU_ASSERT_EQUAL(load_thing("/dev/null", false), 0);

	unlink(path);
	CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
	CU_ASSERT_EQUAL(load_thing(path, false), -EINVAL);
	shorten_path(said);
	CU_ASSERT_STRING_EQUAL(said, "FILE: is a pipe; legal: a regular file\n");
	unlink(path);
	bind_socket(path);
	CU_ASSERT_EQUAL(load_thing(path, false), -EINVAL);
	shorten_path(said);
	CU_ASSERT_STRING_EQUAL(said, "FILE: is a socket; legal: a regular file\n");
	unlink(path);
}

static void
test_who_reads_it_once_may_take_it_from_a_pipe(void)
{
	static const char good[] = "min_port = 2000\n", bad[] = "\nmin_port = 0\n";
	char name[32];
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	snprintf(name, sizeof(name), "/dev/fd/%d", fds[0]);
	CU_ASSERT_EQUAL(write(fds[1], good, strlen(good)), (ssize_t)strlen(good));
	CU_ASSERT_EQUAL(load_thing(name, false), -EINVAL); /* and has read nothing */
	close(fds[1]);
	CU_ASSERT_EQUAL(load_thing(name, true), 0);
	close(fds[0]);

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	snprintf(name, sizeof(name), "/dev/fd/%d", fds[0]);
	CU_ASSERT_EQUAL(write(fds[1], bad, strlen(bad)), (ssize_t)strlen(bad));
	close(fds[1]);
	CU_ASSERT_EQUAL(load_thing(name, true), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, ":2: min_port: "));
	close(fds[0]);
	CU_ASSERT_EQUAL(load_thing("/", true), -EINVAL);
}

static char *
printed(const struct conf *c)
{
	size_t size;
	static char *text; /* the caller frees it */
	FILE *f = open_memstream(&text, &size);

	conf_print(c, f);
	fclose(f);
	return text;
}

/* All but which line it is from. */
static bool
is_same(const struct conf *a, struct conf *b)
{
	memcpy(b->lines, a->lines, sizeof(b->lines));
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void
test_printed_file_reads_back_the_same(void)
{
	const char *over[] = { "wan=ppp0", "lan=br0", "lan=eth1.5", "secure=no", "max_lease_s=3600",
		"external_address=203.0.113.9", "worker_user=_pr", "log_level=warn", NULL };
	struct conf first, second;
	char *text;

	CU_ASSERT_EQUAL(load(&first, "", over), 0);
	text = printed(&first);
	CU_ASSERT_EQUAL(load(&second, text, NULL), 0);
	CU_ASSERT_STRING_EQUAL(said, "");
	CU_ASSERT_TRUE(is_same(&first, &second));
	free(text);

	CU_ASSERT_EQUAL(load(&first, "", NULL), 0);
	text = printed(&first);
	CU_ASSERT_EQUAL(load(&second, text, NULL), 0);
	CU_ASSERT_TRUE(is_same(&first, &second));
	free(text);
}

/* ---- sections ---- */

static void
test_sections_are_read_in_order_with_their_lines(void)
{
	struct conf c;

	CU_ASSERT_EQUAL(
	    load(&c,
		"min_port = 2000\n\nrule \"b\" {\n\taction = deny\n"
		"\tclient = {\"192.168.1.0/24\", 52-54-00-AA-00-01, \"2001:db8::/32\"}\n"
		"\tlan = br0\n\tprotocol = tcp\n"
		"\texternal_port = {80, \"8000-8100\"}\n\tinternal_port = {1}\n"
		"\tmax_mappings = 7\n\tpermanent = no\n\tremote_host_required = yes\n"
		"\treason = \"say \\\"no\\\"\"\n}\n# more\n"
		"rule a { action = allow }\nwan = eth0\n",
		NULL),
	    0);
	CU_ASSERT_STRING_EQUAL(said, "");
	CU_ASSERT_EQUAL(c.min_port, 2000);
	CU_ASSERT_STRING_EQUAL(c.wan, "eth0");
	CU_ASSERT_EQUAL_FATAL(c.n_rules, 2);
	CU_ASSERT_STRING_EQUAL(c.rules[0].head.title, "b");
	CU_ASSERT_EQUAL(c.rules[0].head.line, 3);
	CU_ASSERT_EQUAL(c.rules[0].action, CONF_DENY);
	CU_ASSERT_EQUAL_FATAL(c.rules[0].n_clients, 3);
	CU_ASSERT_EQUAL(c.rules[0].clients[0].prefix.len, 96 + 24);
	CU_ASSERT_TRUE(c.rules[0].clients[1].is_mac);
	CU_ASSERT_EQUAL(c.rules[0].clients[1].mac.octet[3], 0xaa);
	CU_ASSERT_EQUAL(c.rules[0].clients[2].prefix.len, 32);
	CU_ASSERT_EQUAL_FATAL(c.rules[0].n_lans, 1);
	CU_ASSERT_STRING_EQUAL(c.rules[0].lans[0], "br0");
	CU_ASSERT_EQUAL(c.rules[0].protocol, CONF_TCP);
	CU_ASSERT_EQUAL_FATAL(c.rules[0].n_external, 2);
	CU_ASSERT_EQUAL(c.rules[0].external[0].first, 80);
	CU_ASSERT_EQUAL(c.rules[0].external[0].last, 80);
	CU_ASSERT_EQUAL(c.rules[0].external[1].first, 8000);
	CU_ASSERT_EQUAL(c.rules[0].external[1].last, 8100);
	CU_ASSERT_EQUAL(c.rules[0].n_internal, 1);
	CU_ASSERT_EQUAL(c.rules[0].max_mappings, 7);
	CU_ASSERT_FALSE(c.rules[0].permanent);
	CU_ASSERT_TRUE(c.rules[0].remote_host_required);
	CU_ASSERT_STRING_EQUAL(c.rules[0].reason, "say \"no\"");

	CU_ASSERT_STRING_EQUAL(c.rules[1].head.title, "a");
	CU_ASSERT_EQUAL(c.rules[1].head.line, 16);
	CU_ASSERT_EQUAL(c.rules[1].action, CONF_ALLOW);
	CU_ASSERT_TRUE(c.rules[1].permanent);
	CU_ASSERT_EQUAL(c.rules[1].n_clients, 0);
}

static void
test_errors_in_a_section_name_line_title_and_field(void)
{
	expect_complaint("rule \"a\" {\n\taction = deny\n\tprotocol = icmp\n}\n",
	    "FILE:3: rule \"a\": protocol: \"icmp\" is none of these; legal: tcp or udp, or "
	    "empty\n");
	expect_complaint("rule \"a\" { action = deny\n\texternal_port = {9-5}\n"
			 "\tinternal_port = {0}\n}\n",
	    "FILE:2: rule \"a\": external_port: \"9-5\" ends before it begins; legal: a list of at "
	    "most 8 ports from 1 to 65535, or ranges such as 7100-7103\n"
	    "FILE:3: rule \"a\": internal_port: \"0\" is out of range; legal: a list of at "
	    "most 8 ports from 1 to 65535, or ranges such as 7100-7103\n");
	expect_complaint("\nrule \"a\" {\n}\nwan = b\n",
	    "FILE:3: rule \"a\": action: is missing; legal: allow or deny\n");
	expect_complaint("rule \"a\" { action = allow\n reason = \"so\" }",
	    "FILE:1: rule \"a\": reason: nothing is denied here; legal: with action = deny\n");
	expect_complaint("rule \"a\" { action = deny\n\n action = allow }",
	    "FILE:3: rule \"a\": action: given twice, first in line 1; legal: once\n");
	expect_complaint(
	    "rule \"a\" { action = deny }\nrule \"b\" { action = deny\nlan = {\"a/b\"} }",
	    "FILE:3: rule \"b\": lan: \"a/b\" cannot be the name of an interface; legal: a list of "
	    "at most 8 interfaces' names\n");
}

static void
test_reservations_are_for_named_hosts_and_no_two_of_them_alike(void)
{
	struct conf c;

	CU_ASSERT_EQUAL(
	    load(&c, "reservation printer {\nmac = 52:54:00:00:00:01\naddress = 10.0.0.5\n}", NULL),
	    0);
	CU_ASSERT_EQUAL_FATAL(c.n_reservations, 1);
	CU_ASSERT_EQUAL(c.reservations[0].address, 0x0a000005);
	CU_ASSERT_EQUAL(c.reservations[0].mac.octet[5], 1);
	expect_complaint("reservation a { mac = 52:54:00:00:00:01 address = 10.0.0.5 }\n"
			 "reservation b { mac = 52:54:00:00:00:01 address = 10.0.0.6 }\n"
			 "reservation c { mac = 52:54:00:00:00:02 address = 10.0.0.5 }\n",
	    "FILE:2: reservation \"b\": has the mac of \"a\"; legal: another\n"
	    "FILE:3: reservation \"c\": has the address of \"a\"; legal: another\n");
	expect_complaint("reservation \"a b\" { mac = 52:54:00:00:00:01 address = 10.0.0.5 }\n",
	    "FILE:1: reservation \"a b\": its title cannot be the name of a host; legal: letters, "
	    "digits and hyphens inside\n");
	expect_complaint("worker_user = u\ndhcp_user = u\n",
	    "FILE:2: dhcp_user: \"u\" is the worker_user, too; legal: another user\n");
}

static void
test_a_file_that_was_cut_off_is_refused(void)
{
	expect_complaint("min_port = 5\nrule \"a\" {\n\taction = deny\n\n",
	    "FILE:2: rule \"a\": is not closed; legal: } at its end\n");
	expect_complaint("min_port = 5\n\n/* and so on",
	    "FILE:3: a comment is not closed; legal: */ at its end\n");
}

static void
test_comments_do_not_upset_the_count_of_lines(void)
{
	expect_complaint("# one\n# two\nwan = a # three\n/* four\n five */\nrule b {\n// seven\n"
			 "action = deny # \"\n}\nmin_port = 0 // \"\n",
	    "FILE:10: min_port: \"0\" is out of range; legal: 1 to 65535\n");
	expect_complaint("on_connect = \"/x#\\\"//y\"\nlan = {\"/*\"}\n",
	    "FILE:1: on_connect: \"/x#\"//y\" is no command that can be run without a shell; "
	    "legal: the absolute path of a program and its arguments, or empty\n"
	    "FILE:2: lan: \"/*\" cannot be the name of an interface; "
	    "legal: a list of at most 16 interfaces' names\n");
	expect_complaint("wan = a//b\n",
	    "FILE:1: wan: \"a//b\" cannot be the name of an interface; "
	    "legal: an interface's name, or empty\n");
}

static void
test_unknown_field_is_named_with_the_legal_ones_of_its_section(void)
{
	struct conf c;

	CU_ASSERT_EQUAL(load(&c, "rule \"a\" {\n\tacton = deny\n}\n", NULL), -EINVAL);
	CU_ASSERT_EQUAL(
	    strncmp(said, "FILE:2: rule \"a\": acton: there is no such key; legal: action, ", 62),
	    0);
	CU_ASSERT_PTR_NULL(strstr(said, "min_port"));
}

static void
test_titles_are_there_once_and_can_be_spelt_everywhere(void)
{
	char text[64];
	size_t i;
	static const char *const bad[] = { "", " a", "a ", "a.b", "a=b",
		"0123456789012345678901234567890x", "a#b", "\xff" };

	expect_complaint("rule \"a\" {\naction = deny }\nrule \"a\" { action = deny }",
	    "FILE:3: found duplicate title 'a'; legal: key = value, key = {value, ...} for a list, "
	    "or section \"NAME\" { ... }\n");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct conf c;

		snprintf(text, sizeof(text), "\nrule \"%s\" {\n action = deny }", bad[i]);
		CU_ASSERT_EQUAL(load(&c, text, NULL), -EINVAL);
		CU_ASSERT_EQUAL(strncmp(said, "FILE:2: rule \"", 14), 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(said, "cannot be a title; legal: 1 to 31 octets"));
	}
}

static void
test_one_section_too_many_is_refused_and_the_rest_is_read(void)
{
	char text[8192];
	size_t n = 0, i;
	struct conf c;

	for (i = 0; i <= CONF_RULES_MAX; i++)
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, "rule r%zu { action = deny }\n", i);
	snprintf(text + n, sizeof(text) - n, "min_port = 0\n");
	CU_ASSERT_EQUAL(load(&c, text, NULL), -EINVAL);
	CU_ASSERT_STRING_EQUAL(said,
	    "FILE:65: rule \"r64\": is one too many; legal: at most 64\n"
	    "FILE:66: min_port: \"0\" is out of range; legal: 1 to 65535\n");
}

static void
test_the_command_line_reaches_into_sections(void)
{
	const char *over[] = { "rule.a.action=deny", "rule.a.lan=x", "rule.a.lan=y",
		"rule.new one.action=allow", "rule.b.client=", NULL };
	struct conf c;

	CU_ASSERT_EQUAL(load(&c,
			    "rule a { action = allow\n lan = {k, l, m} }\n"
			    "rule b { action = deny\n client = {10.0.0.1} }",
			    over),
	    0);
	CU_ASSERT_STRING_EQUAL(said, "");
	CU_ASSERT_EQUAL_FATAL(c.n_rules, 3);
	CU_ASSERT_EQUAL(c.rules[0].action, CONF_DENY);
	CU_ASSERT_EQUAL_FATAL(c.rules[0].n_lans, 2);
	CU_ASSERT_STRING_EQUAL(c.rules[0].lans[1], "y");
	CU_ASSERT_EQUAL(c.rules[1].n_clients, 0);
	CU_ASSERT_STRING_EQUAL(c.rules[2].head.title, "new one");
	CU_ASSERT_EQUAL(c.rules[2].head.line, 0);

	expect_override_complaint("rule.a.acton=deny",
	    "command line: rule.a.acton: there is no such key; legal: SECTION.NAME.KEY\n");
	expect_override_complaint(
	    "rule.a=deny", "command line: rule.a: there is no such key; legal: SECTION.NAME.KEY\n");
	expect_override_complaint("frob.a.action=deny",
	    "command line: frob.a.action: there is no such key; legal: SECTION.NAME.KEY\n");
	expect_override_complaint("rule.a.action=perhaps",
	    "command line: rule.a.action: \"perhaps\" is none of these; "
	    "legal: allow or deny, or empty\n");
	expect_override_complaint(
	    "rule.a.lan=x", "command line: rule \"a\": action: is missing; legal: allow or deny\n");
	expect_override_complaint("rule..action=deny",
	    "command line: rule..action: cannot be a title; legal: 1 to 31 octets, none of "
	    "\"'\\$./={}#,\n");
}

static void
test_printed_sections_read_back_the_same(void)
{
	static const char text[] =
	    "rule \"one\" {\n\taction = deny\n\tclient = {\"192.168.1.0/24\", \"10.0.0.1\", "
	    "\"2001:db8::/32\", \"52:54:00:00:00:01\"}\n\tlan = {\"br0\"}\n"
	    "\tprotocol = udp\n\texternal_port = {80, 8000-8100}\n"
	    "\treason = \"\\\"\\$5\\\\ \xc3\xbc\"\n}\n"
	    "rule \"two\" {\n\taction = allow\n\tpermanent = no\n}\n";
	struct conf first, second;
	char *once, *twice;

	CU_ASSERT_EQUAL(load(&first, text, NULL), 0);
	CU_ASSERT_STRING_EQUAL(said, "");
	once = printed(&first);
	CU_ASSERT_PTR_NOT_NULL(strstr(once, text));
	CU_ASSERT_EQUAL(load(&second, once, NULL), 0);
	CU_ASSERT_STRING_EQUAL(said, "");
	CU_ASSERT_STRING_EQUAL(second.rules[0].reason, "\"$5\\ \xc3\xbc");
	twice = printed(&second);
	CU_ASSERT_STRING_EQUAL(once, twice);
	free(once);
	free(twice);
}

static void
test_each_key_knows_where_its_value_comes_from(void)
{
	const char *over[] = { "min_port=3000", "rule.a.action=deny", "lan=br0", NULL };
	struct conf c;

	CU_ASSERT_EQUAL(load(&c,
			    "# a comment\nwan = x\n\nmin_port = 2000\nsecure =\n  no\n"
			    "rule a { action = allow }\nlan = {a,\n b}\nmax_lease_s = 60\n",
			    over),
	    0);
	CU_ASSERT_EQUAL(conf_line(&c, "wan"), 2);
	CU_ASSERT_EQUAL(conf_line(&c, "min_port"), CONF_LINE_OPTION);
	CU_ASSERT_EQUAL(conf_line(&c, "lan"), CONF_LINE_OPTION);
	CU_ASSERT_EQUAL(conf_line(&c, "max_lease_s"), 10);
	CU_ASSERT_EQUAL(conf_line(&c, "max_mappings"), CONF_LINE_DEFAULT);
	CU_ASSERT_EQUAL(load(&c, "", NULL), 0);
	CU_ASSERT_EQUAL(conf_line(&c, "wan"), CONF_LINE_DEFAULT);
}

static void
test_presets_are_named_by_key_and_rule(void)
{
	struct conf c;
	char *text;

	CU_ASSERT_EQUAL(load(&c,
			    "wan = x\npreset = {messenger, strict}\n"
			    "rule a { preset = console\n client = {10.0.0.1} }\n",
			    NULL),
	    0);
	CU_ASSERT_EQUAL_FATAL(c.n_presets, 2);
	CU_ASSERT_EQUAL(c.presets[0], CONF_PRESET_MESSENGER);
	CU_ASSERT_EQUAL(c.presets[1], CONF_PRESET_STRICT);
	CU_ASSERT_EQUAL(c.preset_line, 2);
	CU_ASSERT_EQUAL(c.rules[0].preset, CONF_PRESET_CONSOLE);
	text = printed(&c);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\npreset = {messenger, strict}\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n# The preset \"console\" stands for:\n"));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(text, "#rule \"messenger/assistance\" {\n#\taction = allow\n#\tprotocol = tcp\n"
			 "#\tinternal_port = {3389}\n#}\n"));
	CU_ASSERT_PTR_NULL(strstr(text, "p2p/"));
	free(text);

	expect_complaint("\npreset = {strict, messenger}",
	    "FILE:2: preset: \"strict\" leaves nothing to those behind it; legal: as the last "
	    "one\n");
	expect_complaint("preset = {quake}",
	    "FILE:1: preset: \"quake\" is none of these; legal: a list of at most 4 of messenger, "
	    "console, p2p or strict\n");
	expect_complaint("rule a { preset = p2p\n protocol = tcp }",
	    "FILE:1: rule \"a\": preset: has protocols and ports of its own; legal: without "
	    "protocol, external_port and internal_port\n");
	expect_complaint("rule a { preset = strict\n action = allow }",
	    "FILE:1: rule \"a\": action: strict allows nothing; legal: deny, or empty\n");
}

static char differences[512];

static void
on_difference(void *arg, const char *what)
{
	CU_ASSERT_PTR_EQUAL(arg, differences);
	snprintf(differences + strlen(differences), sizeof(differences) - strlen(differences),
	    "%s; ", what);
}

static void
expect_differences(const char *a, const char *b, const char *want)
{
	struct conf old, fresh;

	CU_ASSERT_EQUAL(load(&old, a, NULL), 0);
	CU_ASSERT_EQUAL(load(&fresh, b, NULL), 0);
	differences[0] = '\0';
	conf_diff(&old, &fresh, on_difference, differences);
	CU_ASSERT_STRING_EQUAL(differences, want);
}

static void
test_differences_are_told_by_key_and_title(void)
{
	expect_differences("wan = a", "\n\nwan = a\n", "");
	expect_differences(
	    "wan = a\nlan = {b, c}", "wan = b\nlan = {c}\nmin_port = 2000", "wan; lan; min_port; ");
	expect_differences(
	    "rule a { action = deny }", "\n# further down\nrule a { action = deny }", "");
	expect_differences("rule a { action = deny }\nrule b { action = deny }",
	    "rule b { action = allow }\nrule c { action = deny }",
	    "rule \"a\" (gone); rule \"b\" (changed); rule \"c\" (new); ");
	expect_differences("rule a { action = deny }\nrule b { action = deny }",
	    "rule b { action = deny }\nrule a { action = deny }",
	    "rule \"b\" (moved); rule \"a\" (moved); ");
	expect_differences("rule a { action = deny }\nrule b { action = deny\n lan = {x} }",
	    "rule b { action = deny\n lan = {y} }", "rule \"a\" (gone); rule \"b\" (changed); ");
	expect_differences("preset = {p2p}", "preset = {p2p, strict}", "preset; ");
}

/* The examples that are shown where there are no entries are not wrong themselves. */
static void
test_examples_of_sections_can_be_read(void)
{
	const struct conf_section *section;
	struct conf c;

	for (section = conf_sections; section->name; section++) {
		CU_ASSERT_EQUAL(load(&c, section->example ? section->example : "", NULL), 0);
		CU_ASSERT_STRING_EQUAL(said, "");
		CU_ASSERT_EQUAL(!section->example, conf_section_count(&c, section) == 0);
	}
}

/* What the code that finds its way by offsets relies on. */
static void
test_tables_are_sound(void)
{
	const struct conf_section *section;
	char legal[CONF_WHY_MAX];
	const struct conf_key *key;

	for (section = conf_sections; section->name; section++) {
		CU_ASSERT_TRUE(section->stride >= sizeof(struct conf_entry));
		CU_ASSERT_EQUAL(conf_section_find(section->name), section);
		CU_ASSERT_PTR_NULL(conf_key_find(conf_keys, section->name));
		for (key = section->fields; key->name; key++) {
			CU_ASSERT_TRUE(key->offset >= sizeof(struct conf_entry));
			CU_ASSERT_TRUE(key->offset < section->stride);
			CU_ASSERT_EQUAL(conf_key_find(section->fields, key->name), key);
			CU_ASSERT_TRUE(strlen(conf_key_legal(key, legal)) > 0);
		}
	}
	for (key = conf_keys; key->name; key++) {
		CU_ASSERT_PTR_NOT_NULL(key->fallback);
		CU_ASSERT_EQUAL(conf_key_find(conf_keys, key->name), key);
		CU_ASSERT_TRUE(key->offset < sizeof(struct conf));
	}
}

/* The example is what conf_print() gives for the defaults, with each assignment commented out. */
static void
test_shipped_example_shows_every_default(void)
{
	char want[32768] = "", got[32768] = "", *text, *line, *save = NULL;
	size_t used = 0;
	struct conf c;
	FILE *f;

	CU_ASSERT_EQUAL(load(&c, "", NULL), 0);
	text = printed(&c);
	for (line = text; *line; line = save + 1) {
		save = strchr(line, '\n');
		used += (size_t)snprintf(want + used, sizeof(want) - used, "%s%.*s\n",
		    *line == '#' || *line == '\n' ? "" : "#", (int)(save - line), line);
	}
	free(text);
	f = fopen(EXAMPLE_CONF, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
	fclose(f);
	CU_ASSERT_STRING_EQUAL(got, want);
	if (strcmp(got, want) != 0 && getenv("SHOW"))
		fputs(want, stderr);
}

/* The table of services in the shipped file, read as if an administrator had made it his own. */
static void
test_shipped_example_lists_every_service_as_it_is_built_in(void)
{
	static const char first[] = "\n# The services that are built in";
	const struct conf_service *builtin, *read;
	struct conf empty, c;
	char *text, *at, *to;
	size_t i;

	CU_ASSERT_EQUAL(load(&empty, "", NULL), 0);
	text = printed(&empty);
	at = strstr(text, first);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	at = to = strchr(at + 1, '\n') + 1;
	for (i = 0; at[i]; i++)
		if (at[i] != '#')
			*to++ = at[i];
	*to = '\0';
	CU_ASSERT_EQUAL(load(&c, at, NULL), 0);
	for (i = 0; (builtin = conf_service_builtin(i)) && i < c.n_services; i++) {
		read = &c.services[i];
		CU_ASSERT_STRING_EQUAL(read->head.title, builtin->head.title);
		CU_ASSERT_EQUAL(read->n_tcp, builtin->n_tcp);
		CU_ASSERT_EQUAL(memcmp(read->tcp, builtin->tcp, sizeof(read->tcp)), 0);
		CU_ASSERT_EQUAL(read->n_udp, builtin->n_udp);
		CU_ASSERT_EQUAL(memcmp(read->udp, builtin->udp, sizeof(read->udp)), 0);
	}
	CU_ASSERT_PTR_NULL(builtin);
	CU_ASSERT_EQUAL(i, c.n_services);
	free(text);
}

static void
test_locale_is_left_alone(void)
{
	struct conf c;

	setenv("LC_ALL", "C.UTF-8", 1);
	CU_ASSERT_EQUAL(load(&c, "", NULL), 0);
	CU_ASSERT_STRING_EQUAL(setlocale(LC_ALL, NULL), "C");
	unsetenv("LC_ALL");
}

static const struct unit_test tests[] = {
	UNIT_TEST(empty_file_gives_the_defaults_of_the_header),
	UNIT_TEST(file_sets_every_key),
	UNIT_TEST(wrong_value_is_named_with_line_key_and_what_is_legal),
	UNIT_TEST(every_wrong_value_is_told),
	UNIT_TEST(impossible_interface_names_are_refused),
	UNIT_TEST(services_have_names_that_exist),
	UNIT_TEST(forwards_are_checked),
	UNIT_TEST(two_forwards_do_not_want_the_same_port),
	UNIT_TEST(chains_to_join_are_checked),
	UNIT_TEST(unknown_key_is_named_with_all_legal_ones),
	UNIT_TEST(duplicates_are_refused),
	UNIT_TEST(list_may_be_extended),
	UNIT_TEST(wan_cannot_be_a_lan),
	UNIT_TEST(broken_syntax_has_a_line_and_does_not_spoil_the_next_load),
	UNIT_TEST(hostile_file_cannot_write_to_the_terminal),
	UNIT_TEST(failed_load_leaves_the_struct_alone),
	UNIT_TEST(overrides_follow_the_file),
	UNIT_TEST(wrong_overrides_are_named),
	UNIT_TEST(missing_file_matters_only_when_named),
	UNIT_TEST(what_is_no_regular_file_is_refused_and_not_waited_for),
	UNIT_TEST(who_reads_it_once_may_take_it_from_a_pipe),
	UNIT_TEST(printed_file_reads_back_the_same),
	UNIT_TEST(sections_are_read_in_order_with_their_lines),
	UNIT_TEST(errors_in_a_section_name_line_title_and_field),
	UNIT_TEST(reservations_are_for_named_hosts_and_no_two_of_them_alike),
	UNIT_TEST(a_file_that_was_cut_off_is_refused),
	UNIT_TEST(comments_do_not_upset_the_count_of_lines),
	UNIT_TEST(unknown_field_is_named_with_the_legal_ones_of_its_section),
	UNIT_TEST(titles_are_there_once_and_can_be_spelt_everywhere),
	UNIT_TEST(one_section_too_many_is_refused_and_the_rest_is_read),
	UNIT_TEST(the_command_line_reaches_into_sections),
	UNIT_TEST(printed_sections_read_back_the_same),
	UNIT_TEST(each_key_knows_where_its_value_comes_from),
	UNIT_TEST(presets_are_named_by_key_and_rule),
	UNIT_TEST(differences_are_told_by_key_and_title),
	UNIT_TEST(examples_of_sections_can_be_read),
	UNIT_TEST(tables_are_sound),
	UNIT_TEST(shipped_example_shows_every_default),
	UNIT_TEST(shipped_example_lists_every_service_as_it_is_built_in),
	UNIT_TEST(locale_is_left_alone),
	UNIT_END,
};

int
main(void)
{
	return unit_run_with_file("conf", tests, path);
}
