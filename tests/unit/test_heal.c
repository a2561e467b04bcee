/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/heal.h"
#include "core/network.h"
#include "core/share.h"
#include "fakes.h"
#include "lib/compiler.h"
#include "platform/sandbox.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- around it ---- */

static struct nft *next_nft; /* what nft_new() gives */
static struct nft_config asked;
static unsigned tells;

struct nft *
nft_new(const struct nft_config *config)
{
	asked = *config;
	return next_nft;
}

bool
share_masquerades(const struct core *core)
{
	return core->conf.share;
}

void
sandbox_find_user(const char *wanted, const char *who UNUSED, struct sandbox_user *user)
{
	*user = (struct sandbox_user){ .uid = 777, .exclusive = strcmp(wanted, "portreeve") == 0 };
}

void
network_tell_nft(struct core *core UNUSED)
{
	tells++;
}

struct scene {
	struct fixture f;
	int fd;           /* readable: somebody changed nf_tables */
	int watch_result; /* of the next look */
	struct nft_culprit culprit;
	unsigned joins, leaves;
};

static struct scene *scene;

static int
join_others(struct nft *nft UNUSED)
{
	scene->joins++;
	return 0;
}

static int
leave_others(struct nft *nft UNUSED, const struct nft_config *next)
{
	CU_ASSERT_EQUAL(next->n_joins, 0);
	scene->leaves++;
	return 0;
}

static int
watch_fd(const struct nft *nft UNUSED)
{
	return scene->fd;
}

static int
watch_read(struct nft *nft UNUSED, struct nft_culprit *culprit)
{
	eventfd_t count;

	eventfd_read(scene->fd, &count);
	*culprit = scene->culprit;
	return scene->watch_result;
}

static void
scene_init(struct scene *s)
{
	fixture_init(&s->f);
	scene = s;
	s->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	s->watch_result = 1;
	s->culprit = (struct nft_culprit){ 7, "nft", "table deleted", .table = true };
	s->f.nft.nft.watch_fd = watch_fd;
	s->f.nft.nft.watch_read = watch_read;
	s->f.nft.nft.join = join_others;
	s->f.nft.nft.leave = leave_others;
	s->joins = s->leaves = 0;
	s->f.core.base = event_base_new();
	s->f.core.heal = heal_new(&s->f.core);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->f.core.heal);
}

static void
scene_exit(struct scene *s)
{
	heal_free(s->f.core.heal);
	event_base_free(s->f.core.base);
	close(s->fd);
	fixture_exit(&s->f);
}

/* The news, then the look that follows. */
static void
spoil(struct scene *s)
{
	int i;

	s->f.nft.table_lost = true;
	s->f.nft.maps.n = 0;
	eventfd_write(s->fd, 1);
	for (i = 0; i < 3; i++)
		fixture_turn(&s->f);
}

static void
grant(struct scene *s)
{
	struct msg_map req = fake_request(7, 8080, 88);
	struct asker asker = fake_asker(7);

	CU_ASSERT_EQUAL(mapping_add(&s->f.core, &asker, &req, NULL), RESULT_OK);
}

/* ---- what must hold ---- */

static void
test_the_table_is_made_at_the_start(void)
{
	struct scene s;

	scene_init(&s);
	CU_ASSERT_EQUAL(s.f.nft.syncs, 1);
	scene_exit(&s);
}

static void
test_a_spoilt_table_is_mended_at_once_and_the_culprit_named(void)
{
	struct scene s;

	scene_init(&s);
	grant(&s);
	spoil(&s);
	CU_ASSERT_EQUAL(s.f.nft.syncs, 2);
	CU_ASSERT_TRUE(fixture_consistent(&s.f));
	CU_ASSERT_EQUAL(fake_record.states, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_record.state_text, "nft (pid 7): table deleted"));
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_record.state_text, "1 thing restored"));
	scene_exit(&s);
}

static void
test_lost_events_are_a_reason_to_look(void)
{
	struct scene s;

	scene_init(&s);
	s.watch_result = -ENOBUFS;
	spoil(&s);
	CU_ASSERT_EQUAL(s.f.nft.syncs, 2);
	scene_exit(&s);
}

static void
test_changes_elsewhere_are_none_of_ours(void)
{
	struct scene s;

	scene_init(&s);
	s.watch_result = 0;
	spoil(&s);
	CU_ASSERT_EQUAL(s.f.nft.syncs, 1);
	scene_exit(&s);
}

static void
test_somebody_who_goes_on_spoiling_does_not_keep_us_busy(void)
{
	struct scene s;

	scene_init(&s);
	spoil(&s);
	fake_now_ms -= 60000; /* so that the pause cannot end while we look */
	spoil(&s);
	spoil(&s);
	CU_ASSERT_EQUAL(s.f.nft.syncs, 2);
	scene_exit(&s);
}

static void
test_after_a_pause_it_is_mended_at_once_again(void)
{
	struct scene s;

	scene_init(&s);
	spoil(&s);
	fake_now_ms += 100;
	spoil(&s);
	CU_ASSERT_EQUAL(s.f.nft.syncs, 3);
	scene_exit(&s);
}

static void
test_a_table_that_cannot_be_made_is_an_error(void)
{
	struct scene s;

	scene_init(&s);
	s.f.nft.fail_sync = -EPERM;
	CU_ASSERT_PTR_NULL(heal_new(&s.f.core));
	scene_exit(&s);
}

static void
no_free(struct nft *nft UNUSED)
{
}

static void
test_another_nft_gets_all_that_the_old_one_had(void)
{
	static struct fake_nft other;
	struct scene s;

	scene_init(&s);
	grant(&s);
	other = s.f.nft;
	other.maps.n = other.sources.n = other.syncs = 0;
	next_nft = &other.nft;
	tells = 0;
	s.f.nft.nft.free = no_free;
	s.f.core.conf.share = true;
	strcpy(s.f.core.conf.worker_user, "portreeve");
	CU_ASSERT_EQUAL(heal_replace_nft(&s.f.core), 0);
	CU_ASSERT_TRUE(asked.masquerade);
	CU_ASSERT_EQUAL(asked.worker_uid, 777);
	CU_ASSERT_PTR_EQUAL(s.f.core.nft, &other.nft);
	CU_ASSERT_EQUAL(tells, 1);
	CU_ASSERT_EQUAL(other.syncs, 1);
	CU_ASSERT_EQUAL(other.maps.n, 1);
	scene_exit(&s);
}

static void
test_a_shared_user_is_named_in_no_rule(void)
{
	struct fixture f;

	fixture_init(&f);
	strcpy(f.core.conf.worker_user, "nobody");
	heal_new_nft(&f.core);
	CU_ASSERT_EQUAL(asked.worker_uid, (uid_t)-1);
	fixture_exit(&f);
}

static void
test_a_joined_chain_is_looked_at_without_reading_our_table(void)
{
	struct scene s;
	unsigned syncs, joins;
	int i;

	scene_init(&s);
	CU_ASSERT_EQUAL(s.leaves, 1); /* what an earlier run has left */
	CU_ASSERT_EQUAL(s.joins, 1);
	s.culprit = (struct nft_culprit){ 7, "ufw", "", .joined = true };
	syncs = s.f.nft.syncs;
	joins = s.joins;
	fake_now_ms += 1000;
	eventfd_write(s.fd, 1);
	for (i = 0; i < 3; i++)
		fixture_turn(&s.f);
	CU_ASSERT_EQUAL(s.joins, joins + 1);
	CU_ASSERT_EQUAL(s.f.nft.syncs, syncs);
	scene_exit(&s);
}

static const struct unit_test tests[] = {
	UNIT_TEST(the_table_is_made_at_the_start),
	UNIT_TEST(a_spoilt_table_is_mended_at_once_and_the_culprit_named),
	UNIT_TEST(lost_events_are_a_reason_to_look),
	UNIT_TEST(changes_elsewhere_are_none_of_ours),
	UNIT_TEST(somebody_who_goes_on_spoiling_does_not_keep_us_busy),
	UNIT_TEST(after_a_pause_it_is_mended_at_once_again),
	UNIT_TEST(a_table_that_cannot_be_made_is_an_error),
	UNIT_TEST(another_nft_gets_all_that_the_old_one_had),
	UNIT_TEST(a_shared_user_is_named_in_no_rule),
	UNIT_TEST(a_joined_chain_is_looked_at_without_reading_our_table),
	UNIT_END,
};

int
main(void)
{
	return unit_run("heal", tests);
}
