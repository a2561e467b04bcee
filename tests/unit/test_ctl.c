/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CLI as people and scripts use it: the real program, run against the real control socket and
 * the real mapping code on a fake kernel and a fake disk.
 */
#include "core/control.h"
#include "core/reload.h"
#include "core/lan.h"
#include "core/mapping.h"
#include "core/notify.h"
#include "core/wan.h"
#include "fake_network.h"
#include "fakes.h"
#include "unit.h"
#include "lib/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 16
#define GUARD_S 20 /* a test that hangs fails */

/* What the next reload has to say; NULL: errors. It is read in the daemon's process, so set before
 * the program is started. */
static const char *reload_report;

int
reload_run(struct core *core UNUSED, json_t **report, char *errors, size_t size)
{
	snprintf(errors, size, "x.conf:1: wan: wrong\nx.conf:2: lan: wrong\n");
	if (!reload_report)
		return -EINVAL;
	*report = json_loads(reload_report, 0, NULL);
	return 0;
}

static void
health(const struct nft *nft UNUSED, struct nft_health *h)
{
	*h = (struct nft_health){ .table_ok = true };
}

struct scene {
	struct fixture f;
	char dir[32];
};

static void
scene_init(struct scene *s)
{
	fixture_init(&s->f);
	strcpy(s->dir, "/tmp/portreeve-test-XXXXXX");
	if (!mkdtemp(s->dir))
		abort();
	s->f.nft.nft.health = health;
	s->f.core.opt.run_dir = s->dir;
	s->f.core.base = event_base_new();
	s->f.core.notify = notify_new(&s->f.core);
	CU_ASSERT_EQUAL_FATAL(expiry_start(&s->f.core), 0);
	s->f.core.control = control_new(&s->f.core);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->f.core.control);
}

static void
scene_exit(struct scene *s)
{
	control_free(s->f.core.control);
	expiry_stop(&s->f.core);
	notify_free(s->f.core.notify);
	event_base_free(s->f.core.base);
	fixture_exit(&s->f);
	rmdir(s->dir);
}

/* ---- one run of the program ---- */

struct stream {
	struct event *event;
	struct event_base *base;
	unsigned *open;
	char text[1024 * 1024];
	size_t used;
};

static struct stream out, err;
static pid_t child;

static void
on_output(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct stream *s = arg;
	ssize_t n = read(fd, s->text + s->used, sizeof(s->text) - 1 - s->used);

	if (n > 0) {
		s->used += (size_t)n;
		s->text[s->used] = '\0';
		return;
	}
	event_del(s->event);
	if (--*s->open == 0)
		event_base_loopbreak(s->base);
}

static void
stream_start(struct stream *s, struct event_base *base, int fd, unsigned *open)
{
	s->base = base;
	s->open = open;
	s->used = 0;
	s->text[0] = '\0';
	s->event = event_new(base, fd, EV_READ | EV_PERSIST, on_output, s);
	event_add(s->event, NULL);
	(*open)++;
}

static void
stream_stop(struct stream *s)
{
	int fd = event_get_fd(s->event);

	event_free(s->event);
	close(fd);
}

static void
become_program(char **argv, const int *outs, const int *errs, uid_t uid)
{
	int fd = open(PROGRAM, O_RDONLY | O_CLOEXEC);

	dup2(outs[1], STDOUT_FILENO);
	dup2(errs[1], STDERR_FILENO);
	setenv("GCOV_ERROR_FILE", "/dev/null", 1); /* a stranger may not write our coverage */
	if (uid && (setgroups(0, NULL) < 0 || setgid(uid) < 0 || setuid(uid) < 0))
		_exit(126);
	fexecve(fd, argv, environ);
	_exit(127);
}

/* Runs it while the event loop serves it. Returns its exit status; output is in @out and @err. */
static int
run_as(struct scene *s, uid_t uid, char **argv)
{
	const struct timeval guard = { .tv_sec = GUARD_S };
	int outs[2], errs[2], status;
	unsigned n_open = 0;

	if (pipe2(outs, O_CLOEXEC) < 0 || pipe2(errs, O_CLOEXEC) < 0)
		abort();
	child = fork();
	if (child == 0)
		become_program(argv, outs, errs, uid);
	close(outs[1]);
	close(errs[1]);
	stream_start(&out, s->f.core.base, outs[0], &n_open);
	stream_start(&err, s->f.core.base, errs[0], &n_open);
	event_base_loopexit(s->f.core.base, &guard);
	event_base_dispatch(s->f.core.base);
	CU_ASSERT_EQUAL(n_open, 0);
	if (n_open)
		kill(child, SIGKILL);
	stream_stop(&out);
	stream_stop(&err);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* @line: words separated by blanks. The run directory is added, unless the words name a place. */
static int
run_line(struct scene *s, uid_t uid, const char *line)
{
	char copy[256], *argv[WORDS_MAX] = { "portreeve" }, *save, *word;
	size_t n = 1;

	if (!strstr(line, "--run-dir") && !strstr(line, "--socket")) {
		argv[n++] = "--run-dir";
		argv[n++] = s->dir;
	}
	snprintf(copy, sizeof(copy), "%s", line);
	for (word = strtok_r(copy, " ", &save); word && n < WORDS_MAX - 1;
	     word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	return run_as(s, uid, argv);
}

/* Output and errors are compared whole, NULL: not at all. */
static void
expect(struct scene *s, const char *line, int status, const char *stdout_is, const char *stderr_is)
{
	int got = run_line(s, 0, line);
	bool ok = got == status && (!stdout_is || strcmp(out.text, stdout_is) == 0) &&
		  (!stderr_is || strcmp(err.text, stderr_is) == 0);

	CU_ASSERT_TRUE(ok);
	if (!ok)
		printf("\nportreeve %s\nexit %d, wanted %d\nstdout: %sstderr: %s", line, got,
		    status, out.text, err.text);
}

/* ---- tests ---- */

static void
test_mapping_is_added_shown_and_deleted(void)
{
	struct scene s;

	scene_init(&s);
	expect(&s, "list", 0, "There are no mappings.\n", "");
	expect(&s, "add tcp 80 192.168.1.7:8080 --lease 3600 --description web", 0,
	    "Mapping 1: TCP port 80 leads to 192.168.1.7 port 8080.\n", "");
	CU_ASSERT_EQUAL(s.f.nft.maps.n, 1);
	CU_ASSERT_EQUAL(s.f.store.n, 1);
	expect(&s, "list", 0,
	    "ID  OUTSIDE    FROM  INSIDE            ON    LEFT  BY      DESCRIPTION\n"
	    " 1  TCP    80  any   192.168.1.7:8080  yes  1h 0m  static  web\n",
	    "");
	expect(&s, "list --port 81", 0, "There are no such mappings.\n", "");
	expect(&s, "show 1", 0, NULL, "");
	CU_ASSERT_PTR_NOT_NULL(strstr(out.text, "id           1\n"
						"outside      TCP port 80\n"
						"from         any remote host\n"
						"inside       192.168.1.7 port 8080\n"
						"enabled      yes\n"
						"left         1h 0m\n"
						"description  web\n"
						"asked by     the administrator (static)\n"
						"created      2023-11-14 22:13:20 UTC ("));
	CU_ASSERT_PTR_NOT_NULL(strstr(out.text, "h ago)\n"
						"last used    never\n"
						"packets      0, both ways (0 B)\n"
						"connections  0\n"
						"flows        none at the moment\n"));
	expect(&s, "delete TCP 80", 0, "Mapping 1 is deleted.\n", "");
	CU_ASSERT_EQUAL(s.f.nft.maps.n, 0);
	CU_ASSERT_EQUAL(s.f.store.n, 0);
	scene_exit(&s);
}

static void
test_pinhole_is_listed_shown_and_deleted(void)
{
	struct pinhole p = { .key = { .internal_port = 8080, .protocol = MSG_PROTO_TCP },
		.duration_s = 3600,
		.created_s = 1700000000 };
	struct scene s;

	scene_init(&s);
	addr6_parse("2001:db8:1::7", &p.key.internal_client);
	p.client = p.key.internal_client;
	p.expires_ms = fake_now_ms + 3600000;
	CU_ASSERT_EQUAL(pinhole_table_add(s.f.core.pinholes, &p, NULL), 0);
	expect(&s, "list", 0,
	    "There are no mappings.\n"
	    "\n"
	    "IPv6 pinholes\n"
	    "ID      PROTO  INSIDE                    LEFT  BY       PACKETS  FROM\n"
	    "p1      TCP    [2001:db8:1::7]:8080     1h 0m  upnp           0  any\n",
	    "");
	expect(&s, "show p1", 0, NULL, "");
	CU_ASSERT_PTR_NOT_NULL(strstr(out.text, "[2001:db8:1::7]:8080"));
	expect(
	    &s, "show 1", 1, "", "portreeve: there is no mapping with id 1; see portreeve list\n");
	expect(
	    &s, "show p2", 1, "", "portreeve: there is no pinhole with id 2; see portreeve list\n");
	expect(&s, "show p", 2, "", NULL);
	expect(&s, "delete p1", 0, "Pinhole 1 is deleted.\n", "");
	expect(&s, "delete p1", 1, "",
	    "portreeve: there is no pinhole with id 1; see portreeve list\n");
	scene_exit(&s);
}

static void
test_remote_host_is_part_of_what_names_a_mapping(void)
{
	struct scene s;

	scene_init(&s);
	expect(&s, "add udp 53 192.168.1.7 --remote 203.0.113.5", 0, NULL, "");
	expect(&s, "delete udp 53", 1, "",
	    "portreeve: there is no mapping of UDP port 53; see portreeve list\n");
	expect(&s, "delete udp 53 --remote 203.0.113.5", 0, "Mapping 1 is deleted.\n", "");
	scene_exit(&s);
}

static void
test_status_is_printed(void)
{
	struct scene s;

	scene_init(&s);
	expect(&s, "status", 0, NULL, "");
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(out.text, "WAN        eth0, connected for 1m 17s, 203.0.113.5 (documentation)\n"
			     "LAN        br0, 192.168.1.1, http://192.168.1.1:0/ctl/wanip\n"
			     "           worker 4711, restarted 2 times\n"
			     "Mappings   0 of at most 1000\n"
			     "IPv6       firewall on, 0 pinholes\n"
			     "Kernel     table in force, not owned, restored 0 times\n"));
	scene_exit(&s);
}

static void
test_refusals_end_with_status_1_and_a_line(void)
{
	struct asker client = fake_asker(9);
	struct msg_map map = fake_request(9, 5000, 88);
	struct scene s;

	scene_init(&s);
	CU_ASSERT_EQUAL(mapping_add(&s.f.core, &client, &map, NULL), RESULT_OK);
	expect(&s, "show 99", 1, "",
	    "portreeve: there is no mapping with id 99; see portreeve list\n");
	expect(&s, "delete 99", 1, "",
	    "portreeve: there is no mapping with id 99; see portreeve list\n");
	expect(&s, "add tcp 5000 192.168.1.7", 1, "",
	    "portreeve: TCP port 5000 already leads to 192.168.1.9 port 88 (mapping 1); "
	    "delete that first\n");
	s.f.nft.fail_apply = -ENOBUFS;
	expect(&s, "add tcp 5001 192.168.1.7", 1, "",
	    "portreeve: the kernel refused it: No buffer space available\n");
	s.f.store.fail_put = -ENOSPC;
	expect(&s, "add tcp 5001 192.168.1.7", 1, "",
	    "portreeve: /var/lib/test cannot be written: the disk is full\n");
	expect(&s, "reload", 1, "",
	    "portreeve: x.conf:1: wan: wrong\nportreeve: x.conf:2: lan: wrong\n");
	expect(&s, "--json show 99", 1,
	    "{\"error\":{\"code\":\"not-found\",\"message\":\"there is no mapping with id 99; see "
	    "portreeve list\"}}"
	    "\n",
	    "");
	scene_exit(&s);
}

static void
test_senseless_command_lines_end_with_status_2(void)
{
	static const struct {
		const char *line, *said;
	} cases[] = {
		{ "", "what shall be done? Name a verb" },
		{ "dance", "there is no verb \"dance\"" },
		{ "--dance", "there is no option \"--dance\"" },
		{ "status now", "usage: portreeve status" },
		{ "show", "usage: portreeve show ID | pID" },
		{ "show 0", "the id is a number from 1 to 4294967295, not \"0\"" },
		{ "show x", "the id is a number from 1 to 4294967295, not \"x\"" },
		{ "add tcp 80", "usage: portreeve add PROTO EXT_PORT INTERNAL_CLIENT[:INT_PORT]" },
		{ "add sctp 80 192.168.1.7", "\"sctp\" is no protocol; it is tcp or udp" },
		{ "add tcp 0 192.168.1.7",
		    "the external port is a number from 1 to 65535, not \"0\"" },
		{ "add tcp 65536 192.168.1.7",
		    "the external port is a number from 1 to 65535, not \"65536\"" },
		{ "add tcp 99999999999999999999 192.168.1.7",
		    "the external port is a number from 1 to 65535, not "
		    "\"99999999999999999999\"" },
		{ "add tcp 80 host",
		    "\"host\" is no internal client; it is an IPv4 address, or ADDRESS:PORT" },
		{ "add tcp 80 192.168.1.7:",
		    "the internal port is a number from 1 to 65535, not \"\"" },
		{ "add tcp 80 192.168.1.7:0",
		    "the internal port is a number from 1 to 65535, not \"0\"" },
		{ "add tcp 80 192.168.1.7 --remote any",
		    "\"any\" is no remote host; it is an IPv4 address" },
		{ "add tcp 80 192.168.1.7 --lease 1h",
		    "the lease is a number from 0 to 4294967295, not \"1h\"" },
		{ "add tcp 80 192.168.1.7 --description \xff", "the description is not UTF-8" },
		{ "add tcp 80 192.168.1.7 --lease", "\"--lease\" needs a value" },
		{ "list --lease 4", "--lease does not go with list" },
		{ "delete 1 --remote 203.0.113.5",
		    "--remote goes with a protocol and a port, not with an id" },
		{ "explain 192.168.1.7 tcp",
		    "usage: portreeve explain CLIENT PROTO EXT_PORT, or explain --last CLIENT" },
		{ "explain", "usage: portreeve explain CLIENT PROTO EXT_PORT, or explain --last "
			     "CLIENT" },
		{ "explain host tcp 80",
		    "\"host\" is no internal client; it is an IPv4 address, or ADDRESS:PORT" },
		{ "explain 192.168.1.7:5 tcp 80",
		    "\"192.168.1.7:5\" is no client; it is an IPv4 address" },
		{ "explain 192.168.1.7 icmp 80", "\"icmp\" is no protocol; it is tcp or udp" },
		{ "explain 192.168.1.7 tcp 0",
		    "the external port is a number from 1 to 65535, not \"0\"" },
		{ "explain 192.168.1.7 tcp 80 --to 192.168.1.8:x",
		    "the internal port is a number from 1 to 65535, not \"x\"" },
		{ "explain --last 192.168.1.7 --to 192.168.1.8",
		    "--last goes alone: portreeve explain --last CLIENT" },
		{ "delete tcp", "the id is a number from 1 to 4294967295, not \"tcp\"" },
	};
	char want[256];
	struct scene s;
	size_t i;

	scene_init(&s);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(want, sizeof(want), "portreeve: %s (try --help)\n", cases[i].said);
		expect(&s, cases[i].line, 2, "", want);
	}
	CU_ASSERT_EQUAL(lease_count(s.f.core.leases), 0);
	scene_exit(&s);
}

static void
test_explain_says_what_would_be_answered_and_by_which_rule(void)
{
	struct conf_rule *rule;
	struct scene s;

	scene_init(&s);
	s.f.core.opt.conf_path = "/etc/p.conf";
	expect(&s, "explain 192.168.1.7 tcp 5000", 0,
	    "TCP port 5000 to 192.168.1.7 port 5000, permanent, asked for by 192.168.1.7 on br0:\n"
	    "  By version 1: granted, permanent.\n"
	    "    No rule matches: the limits of the keys hold.\n"
	    "  By version 2: granted, for 7d 0h.\n"
	    "    No rule matches: the limits of the keys hold.\n",
	    "");
	expect(&s, "explain 192.168.1.7 udp 5000 --to 192.168.1.8:6000 --remote 203.0.113.9", 0,
	    "UDP port 5000 from 203.0.113.9 to 192.168.1.8 port 6000, permanent, asked for by "
	    "192.168.1.7 on br0:\n"
	    "  By version 1: refused; the client is told 606 (Action not authorized).\n"
	    "    Because: 192.168.1.8 is another host (secure).\n"
	    "    Key secure, which is at its default.\n"
	    "  By version 2: refused; the client is told 606 (Action not authorized).\n"
	    "    Because: 192.168.1.8 is another host (secure).\n"
	    "    Key secure, which is at its default.\n",
	    "");
	rule = &s.f.core.conf.rules[s.f.core.conf.n_rules++];
	*rule = (struct conf_rule){ .head = { "games", 7 },
		.action = CONF_ALLOW,
		.max_lease_s = 60,
		.n_internal = 1,
		.internal = { { 5000, 5000 } } };
	rule = &s.f.core.conf.rules[s.f.core.conf.n_rules++];
	*rule =
	    (struct conf_rule){ .head = { "rest", 12 }, .action = CONF_DENY, .reason = "no games" };
	expect(&s, "explain 192.168.1.7 tcp 5000 --lease 30", 0,
	    "TCP port 5000 to 192.168.1.7 port 5000, for 30s, asked for by 192.168.1.7 on br0:\n"
	    "  By version 1: granted, for 30s.\n"
	    "    Rule \"games\", /etc/p.conf:7.\n"
	    "  By version 2: granted, for 30s.\n"
	    "    Rule \"games\", /etc/p.conf:7.\n",
	    "");
	expect(&s, "explain 192.168.1.7 tcp 5001 --json", 0,
	    "{\"client\":\"192.168.1.7\",\"lan\":\"br0\",\"protocol\":\"TCP\",\"external_port\":"
	    "5001,"
	    "\"internal_client\":\"192.168.1.7\",\"internal_port\":5001,\"remote_host\":null,"
	    "\"lease_s\":0,\"answers\":["
	    "{\"version\":1,\"granted\":false,\"result\":\"not-authorized\",\"upnp_code\":606,"
	    "\"upnp_text\":\"Action not authorized\",\"reason\":\"no games\",\"rule\":\"rest\","
	    "\"file\":\"/etc/p.conf\",\"line\":12,\"key\":null,\"lease_s\":null},"
	    "{\"version\":2,\"granted\":false,\"result\":\"not-authorized\",\"upnp_code\":606,"
	    "\"upnp_text\":\"Action not authorized\",\"reason\":\"no games\",\"rule\":\"rest\","
	    "\"file\":\"/etc/p.conf\",\"line\":12,\"key\":null,\"lease_s\":null}]}\n",
	    "");
	/* what would be in the way, as each version says it */
	s.f.core.conf.n_rules = 0;
	expect(&s, "add tcp 6000 192.168.1.8", 0, NULL, "");
	expect(&s, "explain 192.168.1.7 tcp 6000", 0,
	    "TCP port 6000 to 192.168.1.7 port 6000, permanent, asked for by 192.168.1.7 on br0:\n"
	    "  By version 1: refused; the client is told 718 (ConflictInMappingEntry).\n"
	    "    Because: the port leads to 192.168.1.8.\n"
	    "  By version 2: refused; the client is told 729 (ConflictWithOtherMechanisms).\n"
	    "    Because: the port leads to 192.168.1.8.\n",
	    "");
	s.f.core.conf.max_mappings = 1;
	expect(&s, "explain 192.168.1.7 tcp 6001", 0, NULL, "");
	CU_ASSERT_PTR_NOT_NULL(strstr(out.text, "told 728 (NoPortMapsAvailable)"));
	CU_ASSERT_EQUAL(lease_count(s.f.core.leases), 1);
	CU_ASSERT_EQUAL(s.f.nft.applies, 1);

	expect(&s, "explain 10.0.0.1 tcp 6001", 1, "",
	    "portreeve: 10.0.0.1 is on no LAN that is served, so nothing that it asks for comes "
	    "here\n");
	expect(&s, "explain --last 192.168.1.7", 1, "",
	    "portreeve: the audit trail cannot be read, or is off (audit_max_rows); the daemon's "
	    "log says why\n");
	scene_exit(&s);
}

static void
test_reload_says_what_has_changed_and_what_was_revoked(void)
{
	struct scene s;

	scene_init(&s);
	reload_report =
	    "{\"reloaded\":true,\"changed\":[],\"next_start\":[],\"on_reload\":\"keep\","
	    "\"revoked_count\":0,\"revoked\":[],\"shortened_count\":0,"
	    "\"refused_count\":0}";
	expect(
	    &s, "reload", 0, "The configuration is read again.\nNothing in it has changed.\n", "");
	reload_report =
	    "{\"reloaded\":true,\"changed\":[\"http_port\",\"rule \\\"x\\\" (new)\"],"
	    "\"next_start\":[\"http_port\"],\"on_reload\":\"revoke\",\"revoked_count\":3,"
	    "\"revoked\":[{\"id\":7,\"protocol\":\"TCP\",\"external_port\":5000,"
	    "\"internal_client\":\"192.168.1.7\",\"internal_port\":88,\"reason\":\"not here\","
	    "\"rule\":\"x\",\"line\":3},{\"pinhole\":2,\"protocol\":\"any\","
	    "\"internal_client\":\"2001:db8::7\",\"internal_port\":null,\"reason\":\"off\","
	    "\"rule\":null,\"line\":null}],\"shortened_count\":1,\"refused_count\":2}";
	expect(&s, "reload", 0,
	    "The configuration is read again.\n"
	    "Changed: http_port, rule \"x\" (new).\n"
	    "Not before the next start: http_port.\n"
	    "3 mappings are revoked.\n"
	    "  TCP port 5000 to 192.168.1.7 port 88: not here (rule \"x\", line 3)\n"
	    "  any to 2001:db8::7: off\n"
	    "  and 1 more; \"portreeve audit trail\" has all of them\n"
	    "1 mapping has a shorter lease now.\n"
	    "2 mappings are kept that would be refused now (on_reload = keep).\n",
	    "");
	reload_report = NULL;
	scene_exit(&s);
}

static void
test_missing_daemon_ends_with_status_3_and_advice(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char line[256], path[64];
	struct scene s;
	int fd;

	scene_init(&s);
	expect(&s, "list --run-dir /nonexistent", 3, "",
	    "portreeve: /nonexistent/control.sock is not there: start portreeved, or name the "
	    "place of its socket with --run-dir or --socket\n");
	expect(&s, "list --socket /etc/passwd", 3, "",
	    "portreeve: /etc/passwd is no socket: name the daemon's with --run-dir or "
	    "--socket\n");
	expect(&s, "list --json --socket /etc/passwd", 3, NULL, "");
	CU_ASSERT_EQUAL(strncmp(out.text, "{\"error\":{\"code\":\"unreachable\",", 31), 0);

	snprintf(path, sizeof(path), "%s/dead.sock", s.dir);
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		abort();
	close(fd);
	snprintf(line, sizeof(line), "list --socket %s", path);
	expect(&s, line, 3, "", NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "nobody listens at "));
	unlink(path);

	memset(line, 'x', 200);
	memcpy(line, "list --socket /", 15);
	line[200] = '\0';
	expect(&s, line, 3, "", NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "has at most 107 octets"));
	scene_exit(&s);
}

static void
test_help_and_version_need_no_daemon(void)
{
	struct scene s;

	scene_init(&s);
	expect(&s, "--run-dir /nonexistent --help", 0, NULL, "");
	CU_ASSERT_EQUAL(strncmp(out.text, "Usage: portreeve ", 17), 0);
	expect(&s, "--run-dir /nonexistent --version", 0, NULL, "");
	CU_ASSERT_EQUAL(strncmp(out.text, "portreeve ", 10), 0);
	scene_exit(&s);
}

static void
test_long_list_is_one_json_object_in_order(void)
{
	json_t *json, *mappings;
	json_int_t before = 0, id;
	struct scene s;
	size_t i;

	scene_init(&s);
	lease_table_set_max(s.f.core.leases, 2000);
	for (i = 0; i < 1201; i++) {
		struct lease l = { .protocol = MSG_PROTO_TCP,
			.external_port = (uint16_t)(2000 + i),
			.internal_client = LAN_HOST(7),
			.internal_port = 80,
			.expires_ms = LEASE_FOREVER };

		CU_ASSERT_EQUAL(lease_add(s.f.core.leases, &l, NULL), 0);
	}
	CU_ASSERT_EQUAL(run_line(&s, 0, "list --json"), 0);
	json = json_loads(out.text, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	CU_ASSERT_EQUAL(json_object_size(json), 2);
	mappings = json_object_get(json, "mappings");
	CU_ASSERT_EQUAL(json_array_size(mappings), 1201);
	for (i = 0; i < json_array_size(mappings); i++) {
		id = json_integer_value(json_object_get(json_array_get(mappings, i), "id"));
		CU_ASSERT(id > before);
		before = id;
	}
	json_decref(json);
	scene_exit(&s);
}

/* Refreshes a mapping until the watcher has printed something, then interrupts it. */
static void
on_tick(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct scene *s = arg;
	struct asker client = fake_asker(9);
	struct msg_map map = fake_request(9, 5000, 88);

	mapping_add(&s->f.core, &client, &map, NULL);
	if (strchr(out.text, '\n'))
		kill(child, SIGINT);
}

static void
test_watch_prints_changes_until_interrupted(void)
{
	const struct timeval tick = { .tv_usec = 5000 };
	struct event *timer;
	struct scene s;

	scene_init(&s);
	timer = event_new(s.f.core.base, -1, EV_PERSIST, on_tick, &s);
	out.text[0] = '\0';
	event_add(timer, &tick);
	expect(&s, "watch", 0, NULL, "");
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(out.text, "  TCP 5000 to 192.168.1.9:88, 1h 0m, \"test\" (mapping 1)\n"));
	event_free(timer);
	scene_exit(&s);
}

static void
test_other_users_may_look_only_if_they_may_open_the_socket(void)
{
	const uid_t stranger = 65534;
	char path[64];
	struct scene s;

	if (geteuid() != 0)
		return; /* only root can play somebody else */
	scene_init(&s);
	snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, s.dir);
	chmod(s.dir, 0755);
	CU_ASSERT_EQUAL(run_line(&s, stranger, "list"), 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "portreeve: no permission to open "));
	chmod(path, 0666);
	CU_ASSERT_EQUAL(run_line(&s, stranger, "list"), 0);
	CU_ASSERT_EQUAL(run_line(&s, stranger, "add tcp 80 192.168.1.7"), 1);
	CU_ASSERT_STRING_EQUAL(err.text, "portreeve: only root may add\n");
	CU_ASSERT_EQUAL(lease_count(s.f.core.leases), 0);
	scene_exit(&s);
}

static const struct unit_test tests[] = {
	UNIT_TEST(mapping_is_added_shown_and_deleted),
	UNIT_TEST(pinhole_is_listed_shown_and_deleted),
	UNIT_TEST(remote_host_is_part_of_what_names_a_mapping),
	UNIT_TEST(status_is_printed),
	UNIT_TEST(refusals_end_with_status_1_and_a_line),
	UNIT_TEST(senseless_command_lines_end_with_status_2),
	UNIT_TEST(explain_says_what_would_be_answered_and_by_which_rule),
	UNIT_TEST(reload_says_what_has_changed_and_what_was_revoked),
	UNIT_TEST(missing_daemon_ends_with_status_3_and_advice),
	UNIT_TEST(help_and_version_need_no_daemon),
	UNIT_TEST(long_list_is_one_json_object_in_order),
	UNIT_TEST(watch_prints_changes_until_interrupted),
	UNIT_TEST(other_users_may_look_only_if_they_may_open_the_socket),
	UNIT_END,
};

int
main(void)
{
	return unit_run("ctl", tests);
}
