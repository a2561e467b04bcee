/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real files read while mappings are there; network and kernel table are the test's. */
#include "core/reload.h"
#include "config/conf_keys.h"
#include "core/dhcp.h"
#include "core/heal.h"
#include "core/network.h"
#include "core/pinhole.h"
#include "core/share.h"
#include "fake_network.h"
#include "fakes.h"
#include "lib/compiler.h"
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/portreeve-test-reload-XXXXXX";
static unsigned networks, replaced;

void
dhcp_look_again(struct core *core UNUSED)
{
}

bool
share_look_for_nat(struct core *core UNUSED)
{
	return false;
}

void
network_update(struct core *core UNUSED)
{
	networks++;
}

bool
heal_wants_other_nft(const struct conf *now, const struct conf *fresh)
{
	return now->share != fresh->share;
}

int
heal_replace_nft(struct core *core UNUSED)
{
	replaced++;
	return 0;
}

static json_t *report;

/* What a reload of @text says; to be read with the functions below. */
static void
reload(struct fixture *f, const char *text)
{
	char errors[512];

	json_decref(report);
	report = NULL;
	CU_ASSERT_TRUE_FATAL(unit_write_file(path, text));
	CU_ASSERT_EQUAL(reload_run(&f->core, &report, errors, sizeof(errors)), 0);
	CU_ASSERT_STRING_EQUAL(errors, "");
}

static json_int_t
number(const char *name)
{
	return json_integer_value(json_object_get(report, name));
}

static const char *
text(json_t *json, const char *name)
{
	const char *value = json_string_value(json_object_get(json, name));

	return value ? value : "(null)";
}

static json_t *
revoked(size_t i)
{
	return json_array_get(json_object_get(report, "revoked"), i);
}

static bool
names(const char *list, const char *what)
{
	json_t *array = json_object_get(report, list);
	size_t i;

	for (i = 0; i < json_array_size(array); i++)
		if (strcmp(json_string_value(json_array_get(array, i)), what) == 0)
			return true;
	return false;
}

/* Host 7 has TCP 5000 and 6000 for an hour, host 8 5008 for ever, the administrator 5009. */
static void
scene_init(struct fixture *f, const char *conf)
{
	static const struct {
		unsigned host;
		uint16_t port;
		uint32_t lease_s;
	} rows[] = { { 7, 5000, 3600 }, { 7, 6000, 3600 }, { 8, 5008, 0 }, { 0, 5009, 0 } };
	size_t i;

	fixture_init(f);
	fake_network.lans[0] = fake_lan;
	networks = replaced = 0;
	conf_keys_defaults(&f->core.conf);
	f->core.opt.conf_path = path;
	reload(f, conf);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asker asker = fake_asker(rows[i].host);
		struct msg_map req =
		    fake_request(rows[i].host ? rows[i].host : 9, rows[i].port, rows[i].port);

		req.lease_s = rows[i].lease_s;
		CU_ASSERT_EQUAL(mapping_add(&f->core, &asker, &req, NULL), RESULT_OK);
	}
}

static struct lease *
find(struct fixture *f, uint16_t port)
{
	return lease_find(f->core.leases, MSG_PROTO_TCP, port, 0);
}

static void
scene_exit(struct fixture *f)
{
	CU_ASSERT_TRUE(fixture_consistent(f));
	fixture_exit(f);
	json_decref(report);
	report = NULL;
}

#define DENY_5000 "rule x {\n action = deny\n external_port = {5000-5999}\n reason = \"no\" }\n"

static void
test_keep_leaves_what_would_be_refused_and_counts_it(void)
{
	struct fixture f;

	scene_init(&f, "");
	reload(&f, DENY_5000);
	CU_ASSERT_TRUE(names("changed", "rule \"x\" (new)"));
	CU_ASSERT_STRING_EQUAL(text(report, "on_reload"), "keep");
	CU_ASSERT_EQUAL(number("refused_count"), 2);
	CU_ASSERT_EQUAL(number("revoked_count"), 0);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 4);
	CU_ASSERT_EQUAL(fake_record.cuts, 0);
	CU_ASSERT_EQUAL(networks, 2);
	CU_ASSERT_EQUAL(replaced, 0);
	scene_exit(&f);
}

static void
test_revoke_ends_it_with_its_reason_and_nothing_else(void)
{
	struct fixture f;

	scene_init(&f, "");
	reload(&f, "on_reload = revoke\n" DENY_5000);
	CU_ASSERT_EQUAL(number("revoked_count"), 2);
	CU_ASSERT_EQUAL(number("refused_count"), 0);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(revoked(0), "external_port")), 5000);
	CU_ASSERT_STRING_EQUAL(text(revoked(0), "internal_client"), "192.168.1.7");
	CU_ASSERT_STRING_EQUAL(text(revoked(0), "reason"), "no");
	CU_ASSERT_STRING_EQUAL(text(revoked(0), "rule"), "x");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(revoked(0), "line")), 2);
	CU_ASSERT_PTR_NULL(find(&f, 5000));
	CU_ASSERT_PTR_NULL(find(&f, 5008));
	CU_ASSERT_PTR_NOT_NULL(find(&f, 6000));
	CU_ASSERT_PTR_NOT_NULL(find(&f, 5009)); /* the administrator's */
	CU_ASSERT_EQUAL(f.nft.maps.n, 2);
	scene_exit(&f);
}

static void
test_revoke_cuts_leases_that_are_too_long_now(void)
{
	struct fixture f;
	uint32_t id;

	scene_init(&f, "");
	id = find(&f, 5008)->id;
	reload(&f, "on_reload = revoke\nmax_lease_s = 7200\n");
	CU_ASSERT_EQUAL(number("shortened_count"), 1); /* the permanent one */
	CU_ASSERT_EQUAL(find(&f, 5008)->duration_s, 7200);
	CU_ASSERT_EQUAL(find(&f, 5008)->expires_ms, fake_now_ms + 7200000);
	CU_ASSERT_EQUAL(find(&f, 5008)->id, id);
	CU_ASSERT_EQUAL(find(&f, 5000)->duration_s, 3600);
	CU_ASSERT_EQUAL(fake_record.cuts, 0); /* its connections go on */
	reload(&f, "on_reload = revoke\nmax_lease_s = 7200\nmin_port = 2000\n");
	CU_ASSERT_EQUAL(number("shortened_count"), 0);
	reload(&f, "on_reload = revoke\nrule x { action = allow\n permanent = no }\n");
	CU_ASSERT_EQUAL(number("revoked_count"), 0);
	CU_ASSERT_EQUAL(find(&f, 5008)->rule, 1);
	scene_exit(&f);
}

static void
test_pinholes_are_judged_too(void)
{
	struct pinhole_asker asker = { .client = { { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 7 } },
		.lan = &fake_lan };
	struct msg_pinhole req = { .internal_port = 8000, .protocol = IPPROTO_TCP, .lease_s = 600 };
	struct fixture f;
	uint16_t id;

	scene_init(&f, "firewall = own\n");
	memcpy(req.internal_client, asker.client.octet, 16);
	CU_ASSERT_EQUAL(pinhole_add(&f.core, &asker, &req, &id), RESULT_OK);
	reload(&f, "firewall = own\nrule x { action = deny\n internal_port = {8000} }\n");
	CU_ASSERT_EQUAL(number("refused_count"), 1);
	CU_ASSERT_EQUAL(pinhole_count(f.core.pinholes), 1);
	reload(&f, "firewall = own\non_reload = revoke\n"
		   "rule x { action = deny\n internal_port = {8000} }\n");
	CU_ASSERT_EQUAL(number("revoked_count"), 1);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(revoked(0), "pinhole")), id);
	CU_ASSERT_EQUAL(pinhole_count(f.core.pinholes), 0);

	reload(&f, "firewall = own\n");
	CU_ASSERT_EQUAL(pinhole_add(&f.core, &asker, &req, &id), RESULT_OK);
	reload(&f, "firewall = own\nallow_pinholes = no\non_reload = revoke\n");
	CU_ASSERT_EQUAL(number("revoked_count"), 1);
	scene_exit(&f);
}

static void
test_what_holds_only_from_the_next_start_on_is_told_and_not_taken(void)
{
	struct fixture f;

	scene_init(&f, "");
	reload(&f, "http_port = 5555\nworker_user = other\non_connect = /bin/true\nshare = yes\n");
	CU_ASSERT_TRUE(names("changed", "http_port"));
	CU_ASSERT_TRUE(names("changed", "share"));
	CU_ASSERT_TRUE(names("next_start", "http_port"));
	CU_ASSERT_TRUE(names("next_start", "worker_user"));
	CU_ASSERT_TRUE(names("next_start", "on_connect"));
	CU_ASSERT_FALSE(names("next_start", "share"));
	CU_ASSERT_EQUAL(f.core.conf.http_port, 5431);
	CU_ASSERT_STRING_EQUAL(f.core.conf.worker_user, "portreeve");
	CU_ASSERT_STRING_EQUAL(f.core.conf.on_connect, "");
	CU_ASSERT_TRUE(f.core.conf.share);
	CU_ASSERT_EQUAL(replaced, 1);
	scene_exit(&f);
}

static void
test_a_faulty_file_changes_nothing(void)
{
	struct conf *before = malloc(sizeof(*before));
	char errors[512];
	struct fixture f;

	scene_init(&f, "min_port = 3000\n");
	*before = f.core.conf;
	CU_ASSERT_TRUE_FATAL(unit_write_file(path, "on_reload = revoke\nmin_port = 0\n" DENY_5000));
	json_decref(report);
	report = NULL;
	CU_ASSERT_EQUAL(reload_run(&f.core, &report, errors, sizeof(errors)), -EINVAL);
	CU_ASSERT_PTR_NULL(report);
	CU_ASSERT_PTR_NOT_NULL(strstr(errors, ":2: min_port: "));
	CU_ASSERT_EQUAL(memcmp(before, &f.core.conf, sizeof(*before)), 0);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 4);
	CU_ASSERT_EQUAL(networks, 1);
	free(before);
	scene_exit(&f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(keep_leaves_what_would_be_refused_and_counts_it),
	UNIT_TEST(revoke_ends_it_with_its_reason_and_nothing_else),
	UNIT_TEST(revoke_cuts_leases_that_are_too_long_now),
	UNIT_TEST(pinholes_are_judged_too),
	UNIT_TEST(what_holds_only_from_the_next_start_on_is_told_and_not_taken),
	UNIT_TEST(a_faulty_file_changes_nothing),
	UNIT_END,
};

int
main(void)
{
	return unit_run_with_file("reload", tests, path);
}
