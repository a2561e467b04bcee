/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/trouble.h"
#include "fakes.h"
#include "lib/compiler.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static enum result
add(struct fixture *f, const struct msg_map *req)
{
	struct asker asker = fake_asker(req->key.client & 0xff);

	return mapping_add(&f->core, &asker, req, NULL);
}

static enum result
del(struct fixture *f, unsigned host, uint16_t external_port)
{
	struct msg_map req = fake_request(host, external_port, 1);
	struct asker asker = fake_asker(host);

	return mapping_del(&f->core, &asker, &req.key);
}

static const struct lease *
find(struct fixture *f, uint16_t external_port)
{
	return lease_find(f->core.leases, MSG_PROTO_TCP, external_port, 0);
}

/* The lease that packets from the internal endpoint seem to come from, by its external port. */
static uint16_t
source_port(struct fixture *f, unsigned host, uint16_t internal_port)
{
	size_t i;

	for (i = 0; i < f->nft.sources.n; i++)
		if (f->nft.sources.item[i].internal_client == LAN_HOST(host) &&
		    f->nft.sources.item[i].internal_port == internal_port)
			return f->nft.sources.item[i].external_port;
	return 0;
}

/* ---- add ---- */

static void
test_a_grant_is_in_table_kernel_and_store(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct asker asker = fake_asker(7);
	struct lease *lease;
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(mapping_add(&f.core, &asker, &req, &lease), RESULT_OK);
	CU_ASSERT_EQUAL(lease->expires_ms, fake_now_ms + 3600000);
	CU_ASSERT_EQUAL(lease->client, LAN_HOST(7));
	CU_ASSERT_EQUAL(f.nft.maps.n, 1);
	CU_ASSERT_EQUAL(f.nft.maps.item[0].timeout_ms, 3600000);
	CU_ASSERT_EQUAL(source_port(&f, 7, 88), 8080);
	CU_ASSERT_EQUAL(f.nft.applies, 1);
	CU_ASSERT_EQUAL(fake_record.added, 1);
	CU_ASSERT_EQUAL(fake_record.clears, 1);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_a_disabled_mapping_is_kept_and_passes_nothing(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	req.enabled = 0;
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 1);
	CU_ASSERT_EQUAL(f.nft.maps.n + f.nft.sources.n, 0);
	CU_ASSERT_EQUAL(fake_record.clears, 0);

	req.enabled = 1;
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_EQUAL(f.nft.maps.n, 1);
	CU_ASSERT_EQUAL(fake_record.clears, 1);
	CU_ASSERT_TRUE(fixture_consistent(&f));

	f.nft.packets = 1;
	req.enabled = 0;
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_EQUAL(f.nft.maps.n + f.nft.sources.n, 0);
	CU_ASSERT_EQUAL(fake_record.cuts, 1);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_descriptions_lose_what_harms_a_terminal(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	strcpy(req.description, "a\x1b[2J\xff <b> \xc3\xbc");
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_STRING_EQUAL(find(&f, 8080)->description, "a?[2J? <b> \xc3\xbc");
	fixture_exit(&f);
}

static void
test_policy_refusal_says_why_and_touches_nothing(void)
{
	struct msg_map req = fake_request(7, 80, 88);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(fake_record.refused_by.result, RESULT_NOT_AUTHORIZED);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_record.refused_by.reason, "min_port"));
	CU_ASSERT_EQUAL(f.nft.applies, 0);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 0);
	fixture_exit(&f);
}

/* WANIPConnection:2 2.4.16, table of the conflicts; one row of ours each. */
static void
test_conflicts_are_as_the_standard_has_them(void)
{
	static const struct {
		unsigned host;
		uint32_t remote_host;
		enum result result;
		size_t count; /* of leases afterwards */
	} rows[] = {
		/* there is 7's mapping, from any host */
		{ 7, 0, RESULT_OK, 1 },
		{ 8, 0, RESULT_CONFLICT, 1 },
		{ 7, 0xcb007109, RESULT_OK, 2 },
		{ 8, 0xcb007109, RESULT_CONFLICT, 1 },
	};
	struct msg_map req;
	struct fixture f;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fixture_init(&f);
		req = fake_request(7, 8080, 88);
		CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
		req = fake_request(rows[i].host, 8080, 88);
		req.key.remote_host = rows[i].remote_host;
		CU_ASSERT_EQUAL(add(&f, &req), rows[i].result);
		CU_ASSERT_EQUAL(lease_count(f.core.leases), rows[i].count);
		CU_ASSERT_TRUE(fixture_consistent(&f));
		fixture_exit(&f);
	}
}

static void
test_another_protocol_is_no_conflict(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	req = fake_request(8, 8080, 88);
	req.key.protocol = MSG_PROTO_UDP;
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_a_conflict_is_told_before_a_full_share(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	f.core.conf.max_mappings_per_client = 1;
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	req = fake_request(8, 8081, 88);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	req = fake_request(8, 8080, 88);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_CONFLICT);
	req = fake_request(8, 8082, 88);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_NO_RESOURCES);
	fixture_exit(&f);
}

static void
test_a_full_table_is_728(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	lease_table_set_max(f.core.leases, 1);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	req = fake_request(8, 8081, 88);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_NO_RESOURCES);
	req = fake_request(7, 8080, 81);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	fixture_exit(&f);
}

static void
test_the_administrators_mapping_is_neither_taken_nor_deleted_by_clients(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct asker administrator = fake_asker(0);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(mapping_add(&f.core, &administrator, &req, NULL), RESULT_OK);
	CU_ASSERT_EQUAL(find(&f, 8080)->origin, LEASE_STATIC);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_CONFLICT);
	req = fake_request(8, 8080, 88);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_CONFLICT);
	CU_ASSERT_EQUAL(del(&f, 7, 8080), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(mapping_del(&f.core, &administrator, &req.key), RESULT_OK);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 0);
	fixture_exit(&f);
}

static void
test_the_administrator_does_not_take_a_clients_port_silently(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct asker administrator = fake_asker(0);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_EQUAL(mapping_add(&f.core, &administrator, &req, NULL), RESULT_CONFLICT);
	req = fake_request(8, 8080, 88);
	CU_ASSERT_EQUAL(mapping_add(&f.core, &administrator, &req, NULL), RESULT_CONFLICT);
	CU_ASSERT_EQUAL(find(&f, 8080)->origin, LEASE_UPNP);
	fixture_exit(&f);
}

/* ---- refresh ---- */

static void
test_a_refresh_renews_in_place(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;
	uint32_t id;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	id = find(&f, 8080)->id;
	fake_now_ms += 1000000;
	fake_wall_s += 1000;
	strcpy(req.description, "other");
	req.lease_s = 60;
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_EQUAL(find(&f, 8080)->id, id);
	CU_ASSERT_EQUAL(find(&f, 8080)->expires_ms, fake_now_ms + 60000);
	CU_ASSERT_EQUAL(find(&f, 8080)->created_s, fake_wall_s - 1000);
	CU_ASSERT_STRING_EQUAL(find(&f, 8080)->description, "other");
	CU_ASSERT_EQUAL(f.nft.maps.item[0].timeout_ms, 60000);
	CU_ASSERT_EQUAL(fake_record.updated, 1);
	CU_ASSERT_EQUAL(fake_record.cuts, 0);
	CU_ASSERT_EQUAL(fake_record.clears, 1); /* of the grant */
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_a_refresh_may_move_to_another_internal_port(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	f.nft.packets = 1;
	req.internal_port = 81;
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_EQUAL(f.nft.maps.item[0].internal_port, 81);
	CU_ASSERT_EQUAL(source_port(&f, 7, 88), 0);
	CU_ASSERT_EQUAL(source_port(&f, 7, 81), 8080);
	CU_ASSERT_EQUAL(fake_record.cuts, 1);
	CU_ASSERT_EQUAL(fake_record.last_cut.internal_port, 88);
	CU_ASSERT_EQUAL(fake_record.clears, 2);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

static void
test_a_refresh_succeeds_when_the_share_is_more_than_full(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	req = fake_request(7, 8081, 81);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	f.core.conf.max_mappings_per_client = 1; /* by a reload */
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	fixture_exit(&f);
}

static void
test_permanent_becomes_finite_and_back(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	req.lease_s = 0;
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_EQUAL(find(&f, 8080)->expires_ms, LEASE_FOREVER);
	CU_ASSERT_EQUAL(f.nft.maps.item[0].timeout_ms, 0);
	req.lease_s = 60;
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_EQUAL(f.nft.maps.item[0].timeout_ms, 60000);
	CU_ASSERT_EQUAL(f.nft.sources.item[0].timeout_ms, 60000);
	req.lease_s = 0;
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_EQUAL(f.nft.sources.item[0].timeout_ms, 0);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

/* ---- source ports ---- */

static void
test_the_source_port_is_handed_over_to_the_next_lease(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	req = fake_request(7, 8081, 88);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_EQUAL(source_port(&f, 7, 88), 8080);
	CU_ASSERT_TRUE(fixture_consistent(&f));

	CU_ASSERT_EQUAL(del(&f, 7, 8080), RESULT_OK);
	CU_ASSERT_EQUAL(source_port(&f, 7, 88), 8081);
	CU_ASSERT_TRUE(fixture_consistent(&f));

	CU_ASSERT_EQUAL(del(&f, 7, 8081), RESULT_OK);
	CU_ASSERT_EQUAL(f.nft.sources.n, 0);
	fixture_exit(&f);
}

static void
test_moving_hands_one_source_port_over_and_takes_another(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK); /* the oldest, owns 80 */
	req = fake_request(7, 8081, 88);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	req = fake_request(7, 8082, 90);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK); /* owns 90 */
	req = fake_request(7, 8080, 90);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_EQUAL(source_port(&f, 7, 88), 8081);
	CU_ASSERT_EQUAL(source_port(&f, 7, 90), 8080);
	CU_ASSERT_TRUE(fixture_consistent(&f));

	f.store.fail_put = -EIO;
	req = fake_request(7, 8080, 88);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_FAILED);
	CU_ASSERT_EQUAL(source_port(&f, 7, 90), 8080);
	CU_ASSERT_TRUE(fixture_consistent(&f));
	fixture_exit(&f);
}

/* ---- each step failing in turn ---- */

enum step { ADD, REFRESH, MOVE, DISABLE, DELETE, N_STEPS };

static enum result
take_step(struct fixture *f, enum step step)
{
	struct msg_map req = fake_request(7, 8080, 88);

	switch (step) {
	case ADD:
		req.key.external_port = 9000;
		break;
	case REFRESH:
		req.lease_s = 99;
		strcpy(req.description, "refreshed");
		break;
	case MOVE:
		req.internal_port = 90;
		break;
	case DISABLE:
		req.enabled = 0;
		break;
	case DELETE:
		return del(f, 7, 8080);
	case N_STEPS:
		break;
	}
	return add(f, &req);
}

/* Two leases on one endpoint, so that each step moves a source port, too. */
static void
two_leases(struct fixture *f)
{
	struct msg_map req = fake_request(7, 8080, 88);

	fixture_init(f);
	CU_ASSERT_EQUAL(add(f, &req), RESULT_OK);
	req = fake_request(7, 8081, 88);
	CU_ASSERT_EQUAL(add(f, &req), RESULT_OK);
	memset(&fake_record, 0, sizeof(fake_record));
}

static void
expect_no_trace(struct fixture *f)
{
	const struct lease *l = find(f, 8080);

	CU_ASSERT_EQUAL(lease_count(f->core.leases), 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	CU_ASSERT_TRUE(l->enabled);
	CU_ASSERT_EQUAL(l->duration_s, 3600);
	CU_ASSERT_EQUAL(l->internal_port, 88);
	CU_ASSERT_STRING_EQUAL(l->description, "test");
	CU_ASSERT_EQUAL(source_port(f, 7, 88), 8080);
	CU_ASSERT_TRUE(fixture_consistent(f));
	CU_ASSERT_EQUAL(fake_record.added + fake_record.updated + fake_record.deleted, 0);
	CU_ASSERT_EQUAL(fake_record.cuts + fake_record.clears, 0);
}

static void
test_kernel_refusal_leaves_no_trace(void)
{
	struct fixture f;
	int step;

	for (step = 0; step < N_STEPS; step++) {
		two_leases(&f);
		f.nft.fail_apply = -ENOBUFS;
		CU_ASSERT_EQUAL(take_step(&f, (enum step)step), RESULT_FAILED);
		expect_no_trace(&f);
		CU_ASSERT_EQUAL(fake_record.heals, 0);
		fixture_exit(&f);
	}
}

static void
test_store_refusal_leaves_no_trace(void)
{
	struct fixture f;
	int step;

	for (step = 0; step < N_STEPS; step++) {
		two_leases(&f);
		f.store.fail_put = f.store.fail_del = -ENOSPC;
		CU_ASSERT_EQUAL(take_step(&f, (enum step)step), RESULT_FAILED);
		expect_no_trace(&f);
		CU_ASSERT_EQUAL(fake_record.heals, 0);
		fixture_exit(&f);
	}
}

/* Log, trail and CLI all have it from there: of a full disk above all, that it is full, and where.
 */
static void
test_a_failure_tells_what_failed_and_where(void)
{
	struct fixture f;
	int step;

	for (step = 0; step < N_STEPS; step++) {
		two_leases(&f);
		f.store.fail_put = f.store.fail_del = -ENOSPC;
		CU_ASSERT_EQUAL(take_step(&f, (enum step)step), RESULT_FAILED);
		CU_ASSERT_STRING_EQUAL(
		    f.core.row.reason, "/var/lib/test cannot be written: the disk is full");
		f.store.fail_put = f.store.fail_del = -EROFS;
		CU_ASSERT_EQUAL(take_step(&f, (enum step)step), RESULT_FAILED);
		CU_ASSERT_STRING_EQUAL(
		    f.core.row.reason, "/var/lib/test cannot be written: Read-only file system");
		f.store.fail_put = f.store.fail_del = 0;
		f.nft.fail_apply = -ENOBUFS;
		CU_ASSERT_EQUAL(take_step(&f, (enum step)step), RESULT_FAILED);
		CU_ASSERT_STRING_EQUAL(
		    f.core.row.reason, "the kernel refused it: No buffer space available");
		CU_ASSERT_STRING_EQUAL(f.core.row.reason, trouble_str(&f.core));
		fixture_exit(&f);
	}
}

static void
test_what_cannot_be_undone_is_mended_soon(void)
{
	struct fixture f;
	int step;

	for (step = 0; step < N_STEPS; step++) {
		two_leases(&f);
		f.store.fail_put = f.store.fail_del = -ENOSPC;
		f.nft.fail_apply_after = 1;
		f.nft.fail_apply = -ENOBUFS;
		CU_ASSERT_EQUAL(take_step(&f, (enum step)step), RESULT_FAILED);
		CU_ASSERT_EQUAL(fake_record.heals, 1);
		f.nft.nft.sync(&f.nft.nft, mapping_next, &f.core);
		expect_no_trace(&f);
		fixture_exit(&f);
	}
}

static void
test_a_lost_table_is_put_back_before_the_answer(void)
{
	struct fixture f;
	int step;

	for (step = 0; step < N_STEPS; step++) {
		two_leases(&f);
		f.nft.table_lost = true;
		f.nft.maps.n = f.nft.sources.n = 0;
		CU_ASSERT_EQUAL(take_step(&f, (enum step)step), RESULT_OK);
		CU_ASSERT_EQUAL(f.nft.syncs, 1);
		CU_ASSERT_TRUE(fixture_consistent(&f));
		fixture_exit(&f);
	}
}

static void
test_a_table_that_stays_lost_is_a_failure(void)
{
	struct fixture f;

	two_leases(&f);
	f.nft.table_lost = true;
	f.nft.fail_sync = -EPERM;
	CU_ASSERT_EQUAL(take_step(&f, ADD), RESULT_FAILED);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 2);
	fixture_exit(&f);
}

/* ---- delete ---- */

static void
test_delete_ends_it_everywhere(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	f.nft.packets = 1;
	CU_ASSERT_EQUAL(del(&f, 7, 8080), RESULT_OK);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 0);
	CU_ASSERT_EQUAL(f.nft.maps.n + f.nft.sources.n + f.store.n, 0);
	CU_ASSERT_EQUAL(fake_record.cuts, 1);
	CU_ASSERT_EQUAL(fake_record.last_cut.internal_client, LAN_HOST(7));
	CU_ASSERT_EQUAL(fake_record.deleted, 1);
	CU_ASSERT_EQUAL(del(&f, 7, 8080), RESULT_NO_SUCH_ENTRY);
	fixture_exit(&f);
}

static void
test_only_the_owner_deletes_in_secure_mode(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_EQUAL(del(&f, 8, 8080), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 1);
	f.core.conf.secure = false;
	CU_ASSERT_EQUAL(del(&f, 8, 8080), RESULT_OK);
	fixture_exit(&f);
}

static void
test_who_asked_for_another_host_may_delete_it_after_secure_is_set(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	f.core.conf.secure = false;
	req.internal_client = LAN_HOST(9);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	f.core.conf.secure = true;
	CU_ASSERT_EQUAL(del(&f, 8, 8080), RESULT_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(del(&f, 7, 8080), RESULT_OK);
	fixture_exit(&f);
}

static void
test_delete_takes_the_exact_remote_host(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct asker asker = fake_asker(7);
	struct fixture f;

	fixture_init(&f);
	req.key.remote_host = 0xcb007109;
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	CU_ASSERT_EQUAL(del(&f, 7, 8080), RESULT_NO_SUCH_ENTRY);
	CU_ASSERT_EQUAL(mapping_del(&f.core, &asker, &req.key), RESULT_OK);
	fixture_exit(&f);
}

/* ---- expiry ---- */

static void
test_a_lease_ends_at_its_time_and_not_before(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	f.nft.packets = 1;
	fake_now_ms += 3599999;
	CU_ASSERT_EQUAL(mapping_expire(&f.core), 0);
	fake_now_ms += 1;
	CU_ASSERT_EQUAL(mapping_expire(&f.core), 1);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 0);
	CU_ASSERT_EQUAL(f.nft.maps.n + f.nft.sources.n + f.store.n, 0);
	CU_ASSERT_EQUAL(fake_record.expired, 1);
	CU_ASSERT_EQUAL(fake_record.cuts, 1);
	fixture_exit(&f);
}

static void
test_many_that_end_together_end_in_slices(void)
{
	struct msg_map req;
	struct fixture f;
	size_t n, total = 0, slices = 0;
	uint16_t i;

	fixture_init(&f);
	f.core.conf.max_mappings_per_client = 1000;
	for (i = 0; i < 200; i++) {
		/* four external ports lead to each endpoint, so source ports are handed down */
		req = fake_request(7, 2000 + i, 100 + i / 4);
		CU_ASSERT_EQUAL_FATAL(add(&f, &req), RESULT_OK);
	}
	req = fake_request(7, 3000, 100);
	req.lease_s = 7200;
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	fake_now_ms += 3600000;
	f.nft.largest = 0;
	while ((n = mapping_expire(&f.core))) {
		total += n;
		slices++;
	}
	CU_ASSERT_EQUAL(total, 200);
	CU_ASSERT_TRUE(f.nft.largest <= 60);
	CU_ASSERT_EQUAL(f.store.begins, slices);
	CU_ASSERT_EQUAL(f.store.commits, slices);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 1);
	CU_ASSERT_EQUAL(source_port(&f, 7, 100), 3000);
	CU_ASSERT_EQUAL(f.nft.maps.n, 1);
	CU_ASSERT_EQUAL(f.nft.sources.n, 1);
	fixture_exit(&f);
}

static void
test_a_lease_ends_even_when_kernel_and_store_refuse(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	fake_now_ms += 3600000;
	f.nft.fail_apply = -ENOBUFS;
	f.store.fail_begin = f.store.fail_del = f.store.fail_commit = -EIO;
	CU_ASSERT_EQUAL(mapping_expire(&f.core), 1);
	CU_ASSERT_EQUAL(lease_count(f.core.leases), 0);
	CU_ASSERT_EQUAL(fake_record.heals, 1);
	fixture_exit(&f);
}

/* ---- description and use ---- */

static void
test_clients_see_the_time_that_is_left(void)
{
	struct msg_map req = fake_request(7, 8080, 88), out;
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	fake_now_ms += 600500;
	mapping_describe(&f.core, find(&f, 8080), &out);
	CU_ASSERT_EQUAL(out.lease_s, 3000);
	CU_ASSERT_EQUAL(out.internal_client, LAN_HOST(7));
	CU_ASSERT_EQUAL(out.enabled, 1);
	CU_ASSERT_STRING_EQUAL(out.description, "test");
	fixture_exit(&f);
}

static void
test_use_is_told_by_a_counter_that_moved(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct lease *lease;
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	lease = lease_at(f.core.leases, 0);
	mapping_refresh_use(&f.core, lease);
	CU_ASSERT_EQUAL(lease->last_used_s, 0);
	f.nft.packets = 3;
	mapping_refresh_use(&f.core, lease);
	CU_ASSERT_EQUAL(lease->last_used_s, fake_wall_s);
	fake_wall_s += 10;
	mapping_refresh_use(&f.core, lease);
	CU_ASSERT_EQUAL(lease->last_used_s, fake_wall_s - 10);
	fixture_exit(&f);
}

static void
test_a_flow_that_goes_on_is_use_and_written_once_a_minute(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct lease *lease;
	struct fixture f;
	unsigned puts, i;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	lease = lease_at(f.core.leases, 0);
	f.nft.packets = 1;
	mapping_refresh_use(&f.core, lease);
	puts = f.store.puts;
	for (i = 1; i <= 120; i++) {
		fake_wall_s++;
		f.nft.traffic += 3;
		mapping_refresh_use(&f.core, lease);
		CU_ASSERT_EQUAL(lease->last_used_s, fake_wall_s);
		CU_ASSERT_EQUAL(lease->packets, i * 3);
		CU_ASSERT_EQUAL(lease->octets, i * 300);
	}
	CU_ASSERT_EQUAL(f.store.puts - puts, 2);
	fixture_exit(&f);
}

static void
test_the_kernel_is_told_what_was_counted_so_far(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct nft_mapping told;
	const void *cursor = NULL;
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	f.nft.packets = 2;
	f.nft.traffic = 9;
	mapping_save_use(&f.core);
	CU_ASSERT_TRUE_FATAL(mapping_next(&f.core, &cursor, &told));
	CU_ASSERT_EQUAL(told.connections, 2);
	CU_ASSERT_EQUAL(told.packets, 9);
	CU_ASSERT_EQUAL(told.octets, 900);
	req.lease_s = 60; /* a renewal */
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	cursor = NULL;
	CU_ASSERT_TRUE_FATAL(mapping_next(&f.core, &cursor, &told));
	CU_ASSERT_EQUAL(told.packets, 9);
	fixture_exit(&f);
}

/* ---- flows are looked for only where some can be ---- */

/* How many cuts it takes to end a mapping that was granted and then went through @life. */
static unsigned
cuts_after(void (*life)(struct fixture *f, struct msg_map *req))
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;
	unsigned cuts;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	life(&f, &req);
	fake_record.cuts = 0;
	CU_ASSERT_EQUAL(del(&f, 7, 8080), RESULT_OK);
	cuts = fake_record.cuts;
	fixture_exit(&f);
	return cuts;
}

static void
live_unused(struct fixture *f, struct msg_map *req)
{
	CU_ASSERT_EQUAL(add(f, req), RESULT_OK);
	req->internal_port = 81;
	CU_ASSERT_EQUAL(add(f, req), RESULT_OK);
	req->enabled = 0;
	CU_ASSERT_EQUAL(add(f, req), RESULT_OK);
	req->enabled = 1;
	CU_ASSERT_EQUAL(add(f, req), RESULT_OK);
	CU_ASSERT_EQUAL(fake_record.cuts, 0);
}

static void
live_used_before_a_renewal(struct fixture *f, struct msg_map *req)
{
	f->nft.packets = 1;
	CU_ASSERT_EQUAL(add(f, req), RESULT_OK);
	f->nft.packets = 0; /* as a kernel before 6.12 counts on */
}

static void
live_used_before_a_failed_renewal(struct fixture *f, struct msg_map *req)
{
	f->nft.packets = 1;
	f->store.fail_put = -ENOSPC;
	CU_ASSERT_EQUAL(add(f, req), RESULT_FAILED);
	f->nft.packets = 0;
}

static void
live_used_before_a_failed_delete(struct fixture *f, struct msg_map *req UNUSED)
{
	f->nft.packets = 1;
	f->store.fail_del = -ENOSPC;
	CU_ASSERT_EQUAL(del(f, 7, 8080), RESULT_FAILED);
	f->nft.packets = 0;
}

static void
live_seen_in_use(struct fixture *f, struct msg_map *req UNUSED)
{
	f->nft.packets = 1;
	mapping_refresh_use(&f->core, lease_at(f->core.leases, 0));
	f->nft.packets = 0;
}

static void
live_through_a_healing(struct fixture *f, struct msg_map *req UNUSED)
{
	CU_ASSERT(mapping_sync(&f->core) > 0);
}

static void
live_uncounted(struct fixture *f, struct msg_map *req UNUSED)
{
	f->nft.fail_use = -EOPNOTSUPP;
}

static void
live_as_one_that_was_restored(struct fixture *f, struct msg_map *req UNUSED)
{
	const struct lease row = { .external_port = 8080,
		.protocol = IPPROTO_TCP,
		.enabled = true,
		.internal_port = 80,
		.internal_client = LAN_HOST(7),
		.client = LAN_HOST(7),
		.expires_ms = LEASE_FOREVER };

	CU_ASSERT_EQUAL(del(f, 7, 8080), RESULT_OK);
	CU_ASSERT_EQUAL(lease_add(f->core.leases, &row, NULL), 0);
}

static void
test_an_unused_mapping_ends_without_a_look_at_flows(void)
{
	CU_ASSERT_EQUAL(cuts_after(live_unused), 0);
}

static void
test_flows_are_cut_when_any_may_have_begun(void)
{
	CU_ASSERT_EQUAL(cuts_after(live_used_before_a_renewal), 1);
	CU_ASSERT_EQUAL(cuts_after(live_used_before_a_failed_renewal), 1);
	CU_ASSERT_EQUAL(cuts_after(live_used_before_a_failed_delete), 1);
	CU_ASSERT_EQUAL(cuts_after(live_seen_in_use), 1);
	CU_ASSERT_EQUAL(cuts_after(live_through_a_healing), 1);
	CU_ASSERT_EQUAL(cuts_after(live_uncounted), 1);
	CU_ASSERT_EQUAL(cuts_after(live_as_one_that_was_restored), 1);
}

static void
test_an_unused_lease_expires_without_a_look_at_flows(void)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct fixture f;

	fixture_init(&f);
	CU_ASSERT_EQUAL(add(&f, &req), RESULT_OK);
	fake_now_ms += 3600000;
	CU_ASSERT_EQUAL(mapping_expire(&f.core), 1);
	CU_ASSERT_EQUAL(fake_record.cuts, 0);
	fixture_exit(&f);
}

/* ---- random requests: whatever fails, the three stay in step ---- */

static uint64_t state;

static unsigned
pick(unsigned below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

static void
random_request(struct fixture *f)
{
	struct msg_map req =
	    fake_request(2 + pick(3), (uint16_t)(2000 + pick(12)), (uint16_t)(81 + pick(3)));
	struct asker asker = fake_asker(pick(8) ? req.key.client & 0xff : 0);

	req.key.remote_host = pick(3);
	req.enabled = pick(4) != 0;
	req.lease_s = pick(3) ? 3600 : 0;
	if (pick(6) == 0)
		f->nft.fail_apply = -ENOBUFS;
	if (pick(6) == 0)
		f->store.fail_put = -ENOSPC;
	if (pick(6) == 0)
		f->store.fail_del = -ENOSPC;
	if (pick(10) == 0) {
		f->nft.table_lost = true;
		f->nft.maps.n = f->nft.sources.n = 0;
	}
	if (pick(3))
		mapping_add(&f->core, &asker, &req, NULL);
	else
		mapping_del(&f->core, &asker, &req.key);
	f->nft.fail_apply = f->store.fail_put = f->store.fail_del = 0;
	if (f->nft.table_lost)
		f->nft.nft.sync(&f->nft.nft, mapping_next, &f->core);
}

/* MAPPING_SEED=N repeats a run. */
static void
test_random_requests_and_failures_leave_all_in_step(void)
{
	const char *given = getenv("MAPPING_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	struct fixture f;
	bool good = true;
	unsigned i;

	printf("seed %llu ", (unsigned long long)seed);
	state = seed;
	fixture_init(&f);
	for (i = 0; i < 3000 && good; i++) {
		random_request(&f);
		good = fixture_consistent(&f);
	}
	CU_ASSERT_TRUE(good);
	if (!good)
		printf("step %u, MAPPING_SEED=%llu repeats it\n", i, (unsigned long long)seed);
	fixture_exit(&f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_grant_is_in_table_kernel_and_store),
	UNIT_TEST(a_disabled_mapping_is_kept_and_passes_nothing),
	UNIT_TEST(descriptions_lose_what_harms_a_terminal),
	UNIT_TEST(policy_refusal_says_why_and_touches_nothing),
	UNIT_TEST(conflicts_are_as_the_standard_has_them),
	UNIT_TEST(another_protocol_is_no_conflict),
	UNIT_TEST(a_conflict_is_told_before_a_full_share),
	UNIT_TEST(a_full_table_is_728),
	UNIT_TEST(the_administrators_mapping_is_neither_taken_nor_deleted_by_clients),
	UNIT_TEST(the_administrator_does_not_take_a_clients_port_silently),
	UNIT_TEST(a_refresh_renews_in_place),
	UNIT_TEST(a_refresh_may_move_to_another_internal_port),
	UNIT_TEST(a_refresh_succeeds_when_the_share_is_more_than_full),
	UNIT_TEST(permanent_becomes_finite_and_back),
	UNIT_TEST(the_source_port_is_handed_over_to_the_next_lease),
	UNIT_TEST(moving_hands_one_source_port_over_and_takes_another),
	UNIT_TEST(kernel_refusal_leaves_no_trace),
	UNIT_TEST(store_refusal_leaves_no_trace),
	UNIT_TEST(what_cannot_be_undone_is_mended_soon),
	UNIT_TEST(a_failure_tells_what_failed_and_where),
	UNIT_TEST(a_lost_table_is_put_back_before_the_answer),
	UNIT_TEST(a_table_that_stays_lost_is_a_failure),
	UNIT_TEST(delete_ends_it_everywhere),
	UNIT_TEST(only_the_owner_deletes_in_secure_mode),
	UNIT_TEST(who_asked_for_another_host_may_delete_it_after_secure_is_set),
	UNIT_TEST(delete_takes_the_exact_remote_host),
	UNIT_TEST(a_lease_ends_at_its_time_and_not_before),
	UNIT_TEST(many_that_end_together_end_in_slices),
	UNIT_TEST(a_lease_ends_even_when_kernel_and_store_refuse),
	UNIT_TEST(clients_see_the_time_that_is_left),
	UNIT_TEST(use_is_told_by_a_counter_that_moved),
	UNIT_TEST(a_flow_that_goes_on_is_use_and_written_once_a_minute),
	UNIT_TEST(the_kernel_is_told_what_was_counted_so_far),
	UNIT_TEST(an_unused_mapping_ends_without_a_look_at_flows),
	UNIT_TEST(flows_are_cut_when_any_may_have_begun),
	UNIT_TEST(an_unused_lease_expires_without_a_look_at_flows),
	UNIT_TEST(random_requests_and_failures_leave_all_in_step),
	UNIT_END,
};

int
main(void)
{
	return unit_run("mapping", tests);
}
