/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CLI's socket: request line in, answer line out. The lease table is the real one; what decides
 * and acts (mapping, wan, lan, notify) is played by the functions below.
 */
#include "config.h"

#include "core/control.h"
#include "core/record.h"
#include "core/reload.h"
#include "core/control_verbs.h"
#include "core/lan.h"
#include "core/connection.h"
#include "core/dhcp.h"
#include "core/mapping.h"
#include "core/pinhole.h"
#include "core/share.h"
#include "core/notify.h"
#include "core/wan.h"
#include "fake_network.h"
#include "unit.h"
#include "lib/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HOST_7 0xc0a80107u /* 192.168.1.7 */
#define HOST_8 0xc0a80108u

/* ==== the players ==== */

static struct {
	enum result add_result;
	struct msg_map added; /* what mapping_add() was asked */
	struct asker asker;
	uint32_t deleted; /* id */
	int reload_rc;
	notify_watch_fn watch_fn;
	void *watch_arg;
	unsigned watchers;
	unsigned asked_health; /* once by each "status" */
} world;

enum result
mapping_add(
    struct core *core, const struct asker *asker, const struct msg_map *req, struct lease **out)
{
	struct lease lease = {
		.remote_host = req->key.remote_host,
		.external_port = req->key.external_port,
		.protocol = req->key.protocol,
		.origin = LEASE_STATIC,
		.enabled = req->enabled,
		.internal_port = req->internal_port,
		.internal_client = req->internal_client,
		.duration_s = req->lease_s,
		.expires_ms = req->lease_s ? core->now_ms() + req->lease_s * 1000LL : LEASE_FOREVER,
		.description = (char *)req->description,
	};

	world.added = *req;
	world.asker = *asker;
	if (world.add_result != RESULT_OK)
		return world.add_result;
	return lease_add(core->leases, &lease, out) == 0 ? RESULT_OK : RESULT_CONFLICT;
}

enum result
mapping_del_lease(struct core *core, struct lease *lease)
{
	world.deleted = lease->id;
	lease_del(core->leases, lease);
	return RESULT_OK;
}

void
mapping_refresh_use(struct core *core UNUSED, struct lease *lease)
{
	if (lease->external_port == 8080)
		lease->last_used_s = 1714565100;
}

enum dhcp_service
dhcp_service(const struct core *core UNUSED, const struct lan *lan UNUSED)
{
	return DHCP_SERVED;
}

const char *
share_nat_str(const struct core *core UNUSED)
{
	return "ours";
}

const char *
dhcp_service_str(enum dhcp_service service)
{
	return service == DHCP_SERVED ? "served" : "";
}

enum msg_wan_status
connection_status(const struct core *core)
{
	return wan_status(core->wan);
}

void
pinhole_refresh_use(struct core *core UNUSED, struct pinhole *p)
{
	p->packets = 12;
}

enum result
pinhole_del_one(struct core *core, struct pinhole *p)
{
	pinhole_table_del(core->pinholes, p);
	return RESULT_OK;
}

int
reload_run(struct core *core UNUSED, json_t **report, char *errors, size_t size)
{
	snprintf(errors, size, "x.conf:1: wan: wrong");
	*report = world.reload_rc == 0 ? json_pack("{s:b}", "reloaded", 1) : NULL;
	return world.reload_rc;
}

struct notify_watcher *
notify_watch(struct core *core UNUSED, notify_watch_fn fn, void *arg)
{
	world.watch_fn = fn;
	world.watch_arg = arg;
	world.watchers++;
	return (struct notify_watcher *)&world;
}

void
notify_unwatch(struct core *core UNUSED, struct notify_watcher *watcher UNUSED)
{
	world.watchers--;
}

static void
health(const struct nft *nft UNUSED, struct nft_health *h)
{
	world.asked_health++;
	*h = (struct nft_health){ .table_ok = true, .owned = false, .heals = 3 };
}

static int64_t
fake_now_ms(void)
{
	return 100000;
}

/* ==== fixture ==== */

/* The beginning and the end of a request to add a mapping. */
#define ADD "{\"verb\":\"add\",\"protocol\":\"TCP\",\"external_port\":80,"
#define LIST_500 "{\"verb\":\"list\",\"limit\":500}\n"
#define TO "\"internal_client\":\"192.168.1.8\""

struct fixture {
	struct core core;
	struct nft nft;
	char dir[32];
};

static void
wan_has(uint32_t address)
{
	fake_network.ifname = address ? "eth0" : "";
	fake_network.address = address;
	fake_network.status = address ? MSG_WAN_CONNECTED : MSG_WAN_UNCONFIGURED;
	fake_network.link_up = address != 0;
}

static void
fixture_init(struct fixture *f)
{
	memset(&world, 0, sizeof(world));
	memset(f, 0, sizeof(*f));
	wan_has(0x08080808);
	f->nft.health = health;
	f->core.nft = &f->nft;
	f->core.conf.http_port = 5431;
	f->core.conf.max_mappings = 32768;
	f->core.now_ms = fake_now_ms;
	f->core.started_ms = 40000;
	f->core.leases = lease_table_new(2000);
	f->core.pinholes = pinhole_table_new(2000);
	strcpy(f->dir, "/tmp/portreeve-test-XXXXXX");
	if (!mkdtemp(f->dir))
		abort();
	f->core.opt.run_dir = f->dir;
	f->core.base = event_base_new();
}

static void
fixture_exit(struct fixture *f)
{
	control_free(f->core.control);
	event_base_free(f->core.base);
	lease_table_free(f->core.leases);
	pinhole_table_free(f->core.pinholes);
	rmdir(f->dir);
}

static struct lease *
put(struct fixture *f, uint16_t port, const char *description)
{
	struct lease l = {
		.external_port = port,
		.protocol = MSG_PROTO_TCP,
		.enabled = true,
		.internal_port = 80,
		.internal_client = HOST_7,
		.client = HOST_7,
		.expires_ms = 100000 + 60000,
		.created_s = 1714564800,
		.description = (char *)description,
	};
	struct lease *lease;

	if (lease_add(f->core.leases, &l, &lease) < 0)
		abort();
	return lease;
}

static const struct control_peer nobody = { .has_uid = false };

/* The answer as compact text with sorted members; valid until the next call. */
static const char *
answer_as(struct fixture *f, bool may_change, const char *line)
{
	const struct control_peer peer = {
		.may_change = may_change, .has_uid = true, .uid = may_change ? 0 : 1000
	};
	static char text[64 * 1024];
	json_t *answer;
	bool watch;
	char *dump;

	answer = control_answer(&f->core, &peer, line, strlen(line), &watch);
	dump = json_dumps(answer, JSON_COMPACT);
	snprintf(text, sizeof(text), "%s", dump);
	free(dump);
	json_decref(answer);
	return text;
}

static const char *
answer(struct fixture *f, const char *line)
{
	return answer_as(f, true, line);
}

static void
expect_error(struct fixture *f, const char *line, const char *code)
{
	char want[64];
	const char *got = answer(f, line);

	snprintf(want, sizeof(want), "{\"error\":{\"code\":\"%s\",", code);
	CU_ASSERT_EQUAL(strncmp(got, want, strlen(want)), 0);
	if (strncmp(got, want, strlen(want)) != 0)
		printf("\nfor %s\ngot %s\nwant %s\n", line, got, want);
}

/* ==== verbs ==== */

static void
test_mapping_is_listed_with_every_member(void)
{
	struct fixture f;

	fixture_init(&f);
	put(&f, 8080, "web \xc3\xbc");
	CU_ASSERT_STRING_EQUAL(answer(&f, "{\"verb\":\"list\"}"),
	    "{\"mappings\":[{\"id\":1,\"enabled\":true,\"protocol\":\"TCP\","
	    "\"external_port\":8080,\"remote_host\":null,\"internal_client\":\"192.168.1.7\","
	    "\"internal_port\":80,\"lease_remaining_s\":60,\"description\":\"web \xc3\xbc\","
	    "\"origin\":\"upnp\",\"client\":\"192.168.1.7\",\"created\":\"2024-05-01T12:00:00Z\","
	    "\"last_used\":\"2024-05-01T12:05:00Z\",\"packets\":0,\"octets\":0}],"
	    "\"next\":null}");
	fixture_exit(&f);
}

static void
test_permanent_mapping_of_the_administrator_has_nulls(void)
{
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_STRING_EQUAL(
	    answer(&f, "{\"verb\":\"add\",\"protocol\":\"udp\",\"external_port\":53,"
		       "\"internal_client\":\"192.168.1.8\",\"remote_host\":\"203.0.113.5\","
		       "\"description\":null}"),
	    "{\"id\":1,\"enabled\":true,\"protocol\":\"UDP\",\"external_port\":53,"
	    "\"remote_host\":\"203.0.113.5\",\"internal_client\":\"192.168.1.8\","
	    "\"internal_port\":53,\"lease_remaining_s\":null,\"description\":\"\","
	    "\"origin\":\"static\",\"client\":null,\"created\":null,\"last_used\":null,"
	    "\"packets\":0,\"octets\":0}");
	CU_ASSERT_EQUAL(world.asker.origin, LEASE_STATIC);
	CU_ASSERT_EQUAL(world.asker.client, 0);
	CU_ASSERT_EQUAL(world.added.key.remote_host, 0xcb007105);
	CU_ASSERT_EQUAL(world.added.enabled, 1);
	CU_ASSERT_STRING_EQUAL(
	    answer(&f, "{\"verb\":\"delete\",\"protocol\":\"UDP\",\"external_port\":53,"
		       "\"remote_host\":\"203.0.113.5\"}"),
	    "{\"deleted\":1}");
	fixture_exit(&f);
}

static void
test_pinholes_are_listed_shown_and_deleted(void)
{
	static const char json[] =
	    "{\"id\":1,\"protocol\":\"UDP\",\"remote_host\":null,\"remote_port\":5000,"
	    "\"internal_client\":\"2001:db8::7\",\"internal_port\":3074,\"lease_remaining_s\":60,"
	    "\"origin\":\"upnp\",\"client\":\"192.168.1.7\",\"created\":\"2024-05-01T12:00:00Z\","
	    "\"last_used\":null,\"packets\":12}";
	struct pinhole p = { .key = { .remote_port = 5000, .internal_port = 3074, .protocol = 17 },
		.client = addr6_from4(0xc0a80107),
		.created_s = 1714564800 };
	struct fixture f;
	char list[512];

	fixture_init(&f);
	p.expires_ms = f.core.now_ms() + 60000;
	addr6_parse("2001:db8::7", &p.key.internal_client);
	CU_ASSERT_EQUAL(pinhole_table_add(f.core.pinholes, &p, NULL), 0);
	snprintf(list, sizeof(list), "{\"pinholes\":[%s],\"next\":null}", json);
	CU_ASSERT_STRING_EQUAL(answer(&f, "{\"verb\":\"list\",\"of\":\"pinholes\"}"), list);
	CU_ASSERT_STRING_EQUAL(answer(&f, "{\"verb\":\"show\",\"pinhole\":1}"), json);
	expect_error(&f, "{\"verb\":\"show\",\"pinhole\":2}", "not-found");
	expect_error(&f, "{\"verb\":\"show\",\"pinhole\":65537}", "not-found");
	expect_error(&f, "{\"verb\":\"show\",\"pinhole\":\"1\"}", "invalid-args");
	expect_error(&f, "{\"verb\":\"show\",\"pinhole\":1,\"id\":1}", "invalid-args");
	expect_error(&f, "{\"verb\":\"list\",\"of\":\"leases\"}", "invalid-args");
	CU_ASSERT_STRING_EQUAL(
	    answer(&f, "{\"verb\":\"delete\",\"pinhole\":1}"), "{\"deleted\":1}");
	CU_ASSERT_EQUAL(pinhole_count(f.core.pinholes), 0);
	fixture_exit(&f);
}

static void
test_list_comes_in_pages_that_join(void)
{
	struct fixture f;
	json_int_t after = 0;
	char line[128];
	unsigned pages = 0, seen = 0;
	json_t *page, *mappings;
	bool watch;
	int i;

	fixture_init(&f);
	for (i = 0; i < 1201; i++)
		put(&f, (uint16_t)(2000 + i), "");
	do {
		snprintf(line, sizeof(line), "{\"verb\":\"list\",\"after\":%lld,\"limit\":500}",
		    (long long)after);
		page = control_answer(&f.core, &nobody, line, strlen(line), &watch);
		mappings = json_object_get(page, "mappings");
		CU_ASSERT(json_array_size(mappings) <= CONTROL_LIST_MAX);
		seen += (unsigned)json_array_size(mappings);
		after = json_integer_value(json_object_get(page, "next"));
		json_decref(page);
		pages++;
	} while (after && pages < 10);
	CU_ASSERT_EQUAL(pages, 3);
	CU_ASSERT_EQUAL(seen, 1201);
	page = control_answer(&f.core, &nobody, "{\"verb\":\"list\"}", 15, &watch);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(page, "mappings")), CONTROL_LIST_DEFAULT);
	json_decref(page);
	fixture_exit(&f);
}

static void
test_status_tells_wan_lans_and_kernel(void)
{
	struct fixture f;

	fixture_init(&f);
	put(&f, 8080, "web");
	CU_ASSERT_STRING_EQUAL(answer(&f, "{\"verb\":\"status\"}"),
	    "{\"schema\":1,\"version\":\"" PACKAGE_VERSION
	    "\",\"uptime_s\":60,\"wan\":{\"interface\":\"eth0\","
	    "\"state\":\"connected\",\"link_up\":true,\"address\":\"8.8.8.8\","
	    "\"address_kind\":\"public\",\"double_nat\":false,\"external_address\":\"8.8.8.8\","
	    "\"uptime_s\":77},"
	    "\"lans\":[{\"interface\":\"br0\",\"serving\":true,\"address\":\"192.168.1.1\","
	    "\"prefix_len\":24,\"control_url\":\"http://192.168.1.1:5431/ctl/wanip\","
	    "\"worker_pid\":4711,\"restarts\":2,\"dhcp\":\"served\",\"nat\":\"ours\"}],"
	    "\"mappings\":{\"count\":1,"
	    "\"max\":32768},"
	    "\"pinholes\":{\"count\":0,\"firewall\":false,\"allowed\":false},"
	    "\"kernel\":{\"table_ok\":true,\"owned\":false,\"heals\":3,\"joins\":0,\"joined\":0},"
	    "\"security_log\":null}");
	fake_network.double_nat = true;
	CU_ASSERT_PTR_NOT_NULL(strstr(answer(&f, "{\"verb\":\"status\"}"), "\"double_nat\":true"));
	fake_network.double_nat = false;
	wan_has(0);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer(&f, "{\"verb\":\"status\"}"),
	    "{\"interface\":null,\"state\":\"unconfigured\",\"link_up\":false,\"address\":null,"
	    "\"address_kind\":null,\"double_nat\":false,\"external_address\":null,"));
	fixture_exit(&f);
}

/* Clients find the same path in the description. */
static void
test_control_url_is_that_of_the_description(void)
{
	FILE *xml = fopen(XML_SOURCES "/gatedesc.xml", "r");
	static char text[64 * 1024];

	CU_ASSERT_PTR_NOT_NULL_FATAL(xml);
	text[fread(text, 1, sizeof(text) - 1, xml)] = '\0';
	fclose(xml);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "<controlURL>/ctl/wanip</controlURL>"));
}

static void
test_show_and_delete_by_id(void)
{
	struct fixture f;
	uint32_t id;

	fixture_init(&f);
	put(&f, 1000, "");
	id = put(&f, 2000, "two")->id;
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(answer(&f, "{\"verb\":\"show\",\"id\":2}"), "\"external_port\":2000"));
	CU_ASSERT_STRING_EQUAL(answer(&f, "{\"verb\":\"delete\",\"id\":2}"), "{\"deleted\":2}");
	CU_ASSERT_EQUAL(world.deleted, id);
	expect_error(&f, "{\"verb\":\"show\",\"id\":2}", "not-found");
	expect_error(&f, "{\"verb\":\"delete\",\"id\":2}", "not-found");
	expect_error(&f, "{\"verb\":\"delete\",\"id\":-1}", "not-found");
	expect_error(&f, "{\"verb\":\"delete\",\"id\":4294967297}", "not-found");
	expect_error(
	    &f, "{\"verb\":\"delete\",\"protocol\":\"UDP\",\"external_port\":1000}", "not-found");
	fixture_exit(&f);
}

static void
test_conflict_names_who_has_the_port(void)
{
	struct fixture f;

	fixture_init(&f);
	put(&f, 8080, "web");
	CU_ASSERT_STRING_EQUAL(
	    answer(&f, "{\"verb\":\"add\",\"protocol\":\"TCP\",\"external_port\":8080,"
		       "\"internal_client\":\"192.168.1.8\"}"),
	    "{\"error\":{\"code\":\"conflict\",\"message\":\"TCP port 8080 already leads to "
	    "192.168.1.7 port 80 (mapping 1); delete that first\"}}");
	world.add_result = RESULT_CONFLICT;
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    answer(&f, "{\"verb\":\"add\",\"protocol\":\"TCP\",\"external_port\":8080,"
		       "\"remote_host\":\"203.0.113.5\",\"internal_client\":\"192.168.1.8\"}"),
	    "already leads to 192.168.1.7 port 80 (mapping 1)"));
	fixture_exit(&f);
}

static void
test_every_refusal_has_its_code(void)
{
	static const char line[] = "{\"verb\":\"add\",\"protocol\":\"TCP\",\"external_port\":8080,"
				   "\"internal_client\":\"192.168.1.8\"}";
	struct fixture f;

	fixture_init(&f);
	world.add_result = RESULT_FAILED;
	expect_error(&f, line, "failed");
	world.add_result = RESULT_NO_RESOURCES;
	expect_error(&f, line, "no-resources");
	CU_ASSERT_PTR_NOT_NULL(strstr(answer(&f, line), "see max_mappings and max_mappings_per"));
	world.add_result = RESULT_NOT_AUTHORIZED;
	expect_error(&f, line, "not-authorized");
	CU_ASSERT_PTR_NOT_NULL(strstr(answer(&f, line), "\"refused: "));
	world.add_result = RESULT_CONFLICT; /* with something that is no mapping */
	expect_error(&f, line, "conflict");
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(answer(&f, line), "the external port is in use on the gateway"));
	fixture_exit(&f);
}

static void
test_changing_verbs_are_not_for_everybody(void)
{
	static const char *const lines[] = {
		ADD TO "}",
		"{\"verb\":\"delete\",\"id\":1}",
		"{\"verb\":\"reload\"}",
	};
	struct fixture f;
	size_t i;

	fixture_init(&f);
	put(&f, 8080, "web");
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(answer_as(&f, false, lines[i]), "not-permitted"));
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 1);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(answer_as(&f, false, "{\"verb\":\"show\",\"id\":1}"), "\"web\""));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(answer_as(&f, false, "{\"verb\":\"status\"}"), "\"version\""));
	fixture_exit(&f);
}

static void
test_reload_passes_the_messages_on(void)
{
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_STRING_EQUAL(answer(&f, "{\"verb\":\"reload\"}"), "{\"reloaded\":true}");
	world.reload_rc = -EINVAL;
	CU_ASSERT_STRING_EQUAL(answer(&f, "{\"verb\":\"reload\"}"),
	    "{\"error\":{\"code\":\"bad-configuration\",\"message\":\"x.conf:1: wan: wrong\"}}");
	fixture_exit(&f);
}

static void
test_nonsense_is_answered_by_an_error(void)
{
	static const struct {
		const char *line, *code;
	} cases[] = {
		{ "", "malformed" },
		{ "hello", "malformed" },
		{ "{\"verb\":", "malformed" },
		{ "[]", "malformed" },
		{ "42", "malformed" },
		{ "{}", "malformed" },
		{ "{\"verb\":7}", "malformed" },
		{ "{\"verb\":\"list\"} x", "malformed" },
		{ "{\"verb\":\"list\",\"verb\":\"list\"}", "malformed" },
		{ "{\"verb\":\"\\u0000\"}", "malformed" },
		{ "{\"verb\":\"\xff\"}", "malformed" },
		{ "{\"verb\":\"dance\"}", "unknown-verb" },
		{ "{\"verb\":\"list\",\"limit\":0}", "invalid-args" },
		{ "{\"verb\":\"list\",\"limit\":501}", "invalid-args" },
		{ "{\"verb\":\"list\",\"after\":-1}", "invalid-args" },
		{ "{\"verb\":\"list\",\"more\":1}", "invalid-args" },
		{ "{\"verb\":\"show\"}", "invalid-args" },
		{ "{\"verb\":\"show\",\"id\":\"1\"}", "invalid-args" },
		{ "{\"verb\":\"delete\"}", "invalid-args" },
		{ "{\"verb\":\"delete\",\"id\":1,\"protocol\":\"TCP\"}", "invalid-args" },
		{ "{\"verb\":\"delete\",\"protocol\":\"TCP\",\"external_port\":0}",
		    "invalid-args" },
		{ ADD "\"remote_host\":\"x\"," TO "}", "invalid-args" },
		{ ADD "\"remote_host\":\"0.0.0.0\"," TO "}", "invalid-args" },
		{ ADD "\"internal_client\":\"host\"}", "invalid-args" },
		{ ADD "\"internal_client\":\"0.0.0.0\"}", "invalid-args" },
		{ ADD "\"internal_port\":0," TO "}", "invalid-args" },
		{ ADD "\"internal_port\":65536," TO "}", "invalid-args" },
		{ ADD "\"lease_s\":-1," TO "}", "invalid-args" },
		{ ADD "\"lease_s\":4294967296," TO "}", "invalid-args" },
		{ ADD "\"enabled\":1," TO "}", "invalid-args" },
		{ ADD "\"lese_s\":1," TO "}", "invalid-args" },
		{ "{\"verb\":\"add\",\"protocol\":\"SCTP\",\"external_port\":80," TO "}",
		    "invalid-args" },
		{ "{\"verb\":\"add\",\"protocol\":\"TCP\",\"external_port\":65536," TO "}",
		    "invalid-args" },
	};
	struct fixture f;
	size_t i;

	fixture_init(&f);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_error(&f, cases[i].line, cases[i].code);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 0);
	fixture_exit(&f);
}

static void
test_description_is_bounded_and_made_harmless(void)
{
	char line[1024], text[600];
	struct fixture f;

	fixture_init(&f);
	memset(text, 'x', sizeof(text));
	text[MSG_DESCRIPTION_MAX] = '\0';
	snprintf(line, sizeof(line), ADD TO ",\"description\":\"%s\"}", text);
	expect_error(&f, line, "invalid-args");
	text[MSG_DESCRIPTION_MAX - 1] = '\0';
	snprintf(line, sizeof(line), ADD TO ",\"description\":\"%s\"}", text);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer(&f, line), text));
	answer(&f, "{\"verb\":\"delete\",\"id\":1}");
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(answer(&f, ADD TO ",\"description\":\"a\\u001b[2Jb\"}"), "\"a?[2Jb\""));
	put(&f, 99, "broken \xff octet"); /* however it got there: the answer is still JSON */
	CU_ASSERT_PTR_NOT_NULL(strstr(answer(&f, "{\"verb\":\"list\"}"), "\"broken ? octet\""));
	fixture_exit(&f);
}

static void
test_the_trail_gets_the_user_who_asked(void)
{
	static const char add[] = ADD TO "}";
	struct fixture f;

	fixture_init(&f);
	answer_as(&f, true, add);
	CU_ASSERT_EQUAL(f.core.row.action, TRAIL_ADD);
	CU_ASSERT_TRUE(f.core.row.has_uid);
	CU_ASSERT_EQUAL(f.core.row.uid, 0);
	answer_as(&f, false, "{\"verb\":\"delete\",\"id\":1}");
	CU_ASSERT_EQUAL(f.core.row.result, RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(f.core.row.uid, 1000);
	answer_as(&f, true, "{\"verb\":\"delete\",\"id\":99}"); /* there is none */
	CU_ASSERT_TRUE(f.core.row.has_uid);
	CU_ASSERT_EQUAL(f.core.row.uid, 0);
	/* and what comes next by itself is nobody's */
	CU_ASSERT_FALSE(f.core.cli_has_uid);
	record_begin(&f.core);
	record_by_cli(&f.core, TRAIL_DELETE, RESULT_OK);
	CU_ASSERT_FALSE(f.core.row.has_uid);
	fixture_exit(&f);
}

/* ==== the socket ==== */

static int
dial(struct fixture *f)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/" CONTROL_SOCKET, f->dir);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		abort();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void
turn(struct fixture *f)
{
	int i;

	for (i = 0; i < 20; i++)
		event_base_loop(f->core.base, EVLOOP_NONBLOCK);
}

/* What has come for @fd, at most @size - 1 octets; "EOF" when it was closed and nothing is left. */
static const char *
came(struct fixture *f, int fd, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t n;

	do {
		turn(f);
		n = read(fd, buf + used, size - 1 - used);
		if (n > 0)
			used += (size_t)n;
	} while (n > 0 && used < size - 1);
	buf[used] = '\0';
	return n == 0 && used == 0 ? "EOF" : buf;
}

static void
say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
}

static void
test_requests_in_pieces_and_in_heaps_are_answered_in_order(void)
{
	struct fixture f;
	char buf[8192];
	int fd;

	fixture_init(&f);
	f.core.control = control_new(&f.core);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f.core.control);
	fd = dial(&f);
	say(fd, "{\"verb\":");
	CU_ASSERT_STRING_EQUAL(came(&f, fd, buf, sizeof(buf)), "");
	say(fd, "\"list\"}\nx\n{\"verb\":\"list\"}\n");
	CU_ASSERT_STRING_EQUAL(came(&f, fd, buf, sizeof(buf)),
	    "{\"mappings\":[],\"next\":null}\n"
	    "{\"error\":{\"code\":\"malformed\",\"message\":\"not JSON: '[' or '{' expected near "
	    "'x'\"}}\n"
	    "{\"mappings\":[],\"next\":null}\n");
	close(fd);
	fixture_exit(&f);
}

static void
test_one_request_is_answered_each_time_round_the_loop(void)
{
	unsigned before, most = 0;
	struct fixture f;
	int fds[3], i, k;

	fixture_init(&f);
	f.core.control = control_new(&f.core);
	for (i = 0; i < 3; i++) {
		fds[i] = dial(&f);
		for (k = 0; k < 10; k++)
			say(fds[i], "{\"verb\":\"status\"}\n");
	}
	for (i = 0; i < 100; i++) {
		before = world.asked_health;
		event_base_loop(f.core.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		if (world.asked_health - before > most)
			most = world.asked_health - before;
	}
	CU_ASSERT_EQUAL(most, 1);
	CU_ASSERT_EQUAL(world.asked_health, 30);
	for (i = 0; i < 3; i++)
		close(fds[i]);
	fixture_exit(&f);
}

static void
test_half_closed_peer_still_gets_its_answers(void)
{
	struct fixture f;
	char buf[8192];
	int fd;

	fixture_init(&f);
	f.core.control = control_new(&f.core);
	fd = dial(&f);
	say(fd, "{\"verb\":\"list\"}\n{\"verb\":\"list\"}");
	shutdown(fd, SHUT_WR);
	CU_ASSERT_STRING_EQUAL(came(&f, fd, buf, sizeof(buf)),
	    "{\"mappings\":[],\"next\":null}\n{\"mappings\":[],\"next\":null}\n");
	CU_ASSERT_STRING_EQUAL(came(&f, fd, buf, sizeof(buf)), "EOF");
	close(fd);
	fixture_exit(&f);
}

static void
test_endless_line_ends_the_client(void)
{
	static char block[4096], buf[8192];
	struct fixture f;
	int fd, i;

	fixture_init(&f);
	f.core.control = control_new(&f.core);
	fd = dial(&f);
	memset(block, 'x', sizeof(block));
	for (i = 0; i < 64; i++) {
		if (send(fd, block, sizeof(block), MSG_NOSIGNAL) < 0)
			break;
		turn(&f);
	}
	CU_ASSERT(i < 64);
	CU_ASSERT_PTR_NOT_NULL(strstr(came(&f, fd, buf, sizeof(buf)), "at most 65536 octets"));
	close(fd);
	fixture_exit(&f);
}

static void
test_client_too_many_is_told_and_the_others_go_on(void)
{
	struct fixture f;
	int fds[33], i;
	char buf[512];

	fixture_init(&f);
	f.core.control = control_new(&f.core);
	for (i = 0; i < 33; i++) {
		fds[i] = dial(&f);
		turn(&f);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(came(&f, fds[32], buf, sizeof(buf)), "\"busy\""));
	CU_ASSERT_STRING_EQUAL(came(&f, fds[32], buf, sizeof(buf)), "EOF");
	say(fds[31], "{\"verb\":\"list\"}\n");
	CU_ASSERT_STRING_EQUAL(
	    came(&f, fds[31], buf, sizeof(buf)), "{\"mappings\":[],\"next\":null}\n");
	close(fds[0]);
	turn(&f);
	close(fds[32]);
	fds[32] = fds[0] = dial(&f);
	say(fds[0], "{\"verb\":\"list\"}\n");
	CU_ASSERT_STRING_EQUAL(
	    came(&f, fds[0], buf, sizeof(buf)), "{\"mappings\":[],\"next\":null}\n");
	for (i = 0; i < 32; i++)
		close(fds[i]);
	fixture_exit(&f);
}

static void
test_reader_that_sleeps_is_not_answered_without_bound(void)
{
	static char buf[64 * 1024];
	size_t got = 0, sent = 0;
	struct fixture f;
	const char *text;
	int fd, i;

	fixture_init(&f);
	for (i = 0; i < 500; i++)
		put(&f, (uint16_t)(2000 + i), "0123456789012345678901234567890123456789");
	f.core.control = control_new(&f.core);
	fd = dial(&f);
	for (i = 0; i < 200; i++) {
		if (send(fd, LIST_500, strlen(LIST_500), MSG_NOSIGNAL) > 0)
			sent++;
		turn(&f);
	}
	/* it is held up, not lost: all answers come once it reads */
	for (i = 0; i < 5000 && got < sent; i++) {
		text = came(&f, fd, buf, sizeof(buf));
		while ((text = strstr(text, "\"next\":null")) != NULL) {
			got++;
			text++;
		}
		if (got < sent && strlen(buf) < 12)
			break;
	}
	CU_ASSERT(got > sent - 20); /* a match may be cut by our buffer's end */
	close(fd);
	fixture_exit(&f);
}

static void
test_watcher_gets_each_change_and_leaves_without_trace(void)
{
	struct fixture f;
	char buf[512];
	int fd;

	fixture_init(&f);
	f.core.control = control_new(&f.core);
	fd = dial(&f);
	say(fd, "{\"verb\":\"watch\"}\n{\"verb\":\"watch\"}\n");
	CU_ASSERT_STRING_EQUAL(
	    came(&f, fd, buf, sizeof(buf)), "{\"watching\":true}\n{\"watching\":true}\n");
	CU_ASSERT_EQUAL_FATAL(world.watchers, 1);
	world.watch_fn(world.watch_arg, "{\"event\":\"added\"}");
	CU_ASSERT_STRING_EQUAL(came(&f, fd, buf, sizeof(buf)), "{\"event\":\"added\"}\n");
	close(fd);
	turn(&f);
	CU_ASSERT_EQUAL(world.watchers, 0);
	fixture_exit(&f);
}

static void
test_watcher_that_does_not_read_is_dropped(void)
{
	static char line[10000];
	struct fixture f;
	char buf[64];
	int fd, i;

	fixture_init(&f);
	f.core.control = control_new(&f.core);
	fd = dial(&f);
	say(fd, "{\"verb\":\"watch\"}\n");
	came(&f, fd, buf, sizeof(buf));
	memset(line, 'x', sizeof(line) - 1);
	for (i = 0; i < 1000 && world.watchers; i++) {
		/* still there during the call: the notifier is walking its list */
		world.watch_fn(world.watch_arg, line);
		CU_ASSERT_EQUAL(world.watchers, 1);
		turn(&f);
	}
	CU_ASSERT_EQUAL(world.watchers, 0);
	close(fd);
	fixture_exit(&f);
}

static void
test_socket_is_closed_to_others_and_replaces_a_stale_one(void)
{
	struct fixture f;
	char path[64];
	struct stat st;
	int fd;

	fixture_init(&f);
	snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, f.dir);
	f.core.control = control_new(&f.core);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0660);
	control_free(f.core.control);
	CU_ASSERT_EQUAL(stat(path, &st), -1);

	if (mknod(path, S_IFSOCK | 0600, 0) < 0)
		abort();
	f.core.control = control_new(&f.core);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f.core.control);
	close(dial(&f));
	control_free(f.core.control);

	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	f.core.control = control_new(&f.core); /* somebody's file: not ours to remove */
	CU_ASSERT_PTR_NULL(f.core.control);
	unlink(path);
	fixture_exit(&f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(mapping_is_listed_with_every_member),
	UNIT_TEST(permanent_mapping_of_the_administrator_has_nulls),
	UNIT_TEST(pinholes_are_listed_shown_and_deleted),
	UNIT_TEST(list_comes_in_pages_that_join),
	UNIT_TEST(status_tells_wan_lans_and_kernel),
	UNIT_TEST(control_url_is_that_of_the_description),
	UNIT_TEST(show_and_delete_by_id),
	UNIT_TEST(conflict_names_who_has_the_port),
	UNIT_TEST(every_refusal_has_its_code),
	UNIT_TEST(changing_verbs_are_not_for_everybody),
	UNIT_TEST(reload_passes_the_messages_on),
	UNIT_TEST(nonsense_is_answered_by_an_error),
	UNIT_TEST(the_trail_gets_the_user_who_asked),
	UNIT_TEST(description_is_bounded_and_made_harmless),
	UNIT_TEST(requests_in_pieces_and_in_heaps_are_answered_in_order),
	UNIT_TEST(one_request_is_answered_each_time_round_the_loop),
	UNIT_TEST(half_closed_peer_still_gets_its_answers),
	UNIT_TEST(endless_line_ends_the_client),
	UNIT_TEST(client_too_many_is_told_and_the_others_go_on),
	UNIT_TEST(reader_that_sleeps_is_not_answered_without_bound),
	UNIT_TEST(watcher_gets_each_change_and_leaves_without_trace),
	UNIT_TEST(watcher_that_does_not_read_is_dropped),
	UNIT_TEST(socket_is_closed_to_others_and_replaces_a_stale_one),
	UNIT_END,
};

int
main(void)
{
	return unit_run("control", tests);
}
