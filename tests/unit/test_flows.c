/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the connection table is swept; the table itself is a fake. */
#include "core/flows.h"
#include "fakes.h"
#include "kernel/conntrack.h"
#include "kernel/conntrack6.h"
#include "lib/compiler.h"
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- around it ---- */

struct conntrack {
	int fd;
	unsigned wishes, sweeps;
	struct ct_match last; /* wish */
	bool fails;
	struct ct_ports *survey; /* asked for */
	uint16_t unreplied;      /* UDP port that a survey finds; 0: none */
	ct_ending_fn ending;
	void *arg;
};

static struct conntrack fake_ct;

struct conntrack *
conntrack_new(ct_ending_fn ending, void *arg)
{
	fake_ct = (struct conntrack){ .fd = eventfd(0, EFD_CLOEXEC), .ending = ending, .arg = arg };
	return &fake_ct;
}

void
conntrack_free(struct conntrack *ct)
{
	close(ct->fd);
}

int
conntrack_fd(const struct conntrack *ct)
{
	return ct->fd;
}

int
conntrack_read(struct conntrack *ct UNUSED)
{
	return 0;
}

int
conntrack_forget(struct conntrack *ct, const struct ct_match *match)
{
	ct->last = *match;
	ct->wishes++;
	return 0;
}

void
conntrack_survey(struct conntrack *ct, struct ct_ports *ports)
{
	*ports = (struct ct_ports){ 0 };
	ct->survey = ports;
}

bool
conntrack_has_port(const struct ct_ports *ports, uint8_t protocol, uint16_t port)
{
	return ports->bits[protocol == IPPROTO_UDP][port / 8] & 1u << port % 8;
}

int
conntrack_sweep(struct conntrack *ct)
{
	const struct nft_flow flow = { .inside_port = 7000 };
	uint16_t port = ct->unreplied;

	ct->sweeps++;
	ct->ending(ct->arg, &flow, 1);
	if (ct->fails)
		return -ENOBUFS;
	if (!ct->survey)
		return 0;
	if (port)
		ct->survey->bits[1][port / 8] |= (uint8_t)(1u << port % 8);
	ct->survey->complete = true;
	ct->survey = NULL;
	return 0;
}

static unsigned walks6;
static size_t wishes6;

int
conntrack6_forget(const struct ct_match6 *wishes, size_t n, ct_ending_fn ending, void *arg)
{
	const struct nft_flow flow = { .inside_port = wishes[0].internal_port };

	ending(arg, &flow, 1);
	CU_ASSERT_EQUAL(wishes[0].internal_port, 8080);
	walks6++;
	wishes6 += n;
	return 0;
}

static void
start(struct fixture *f)
{
	fixture_init(f);
	f->core.conf.firewall = CONF_FIREWALL_OFF;
	f->core.base = event_base_new();
	f->nft.record = 1;
	f->core.flows = flows_new(&f->core);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->core.flows);
}

static void
stop(struct fixture *f)
{
	flows_free(f->core.flows);
	event_base_free(f->core.base);
	fixture_exit(f);
}

/* Turns of the loop until all that was asked for is done. */
static void
settle(struct fixture *f)
{
	event_base_loop(f->core.base, EVLOOP_NONBLOCK);
	fake_now_ms += 1000; /* no sweep has to wait for the one before */
}

static const struct lease udp_5000 = {
	.protocol = IPPROTO_UDP, .external_port = 5000, .internal_port = 7000
};

/* How many sweeps a new mapping of UDP 5000 costs. */
static unsigned
sweeps_of_a_mapping(struct fixture *f)
{
	unsigned before = fake_ct.sweeps;

	flows_clear_stale(f->core.flows, &udp_5000);
	settle(f);
	return fake_ct.sweeps - before;
}

/* ---- tests ---- */

static void
test_without_translation_flows_to_the_host_itself_are_cut_too(void)
{
	struct fixture f;

	start(&f);
	flows_cut(f.core.flows, &udp_5000);
	CU_ASSERT_EQUAL(fake_ct.wishes, 1);
	f.core.conf.firewall = CONF_FIREWALL_OWN;
	f.core.conf.share = true;
	flows_cut(f.core.flows, &udp_5000);
	CU_ASSERT_EQUAL(fake_ct.wishes, 2);
	f.core.conf.share = false;
	flows_cut(f.core.flows, &udp_5000);
	CU_ASSERT_EQUAL(fake_ct.wishes, 4);
	CU_ASSERT_TRUE(fake_ct.last.untranslated);
	CU_ASSERT_EQUAL(fake_ct.last.external_port, udp_5000.internal_port);
	stop(&f);
}

static void
test_there_is_no_sweep_where_nobody_knocked(void)
{
	struct fixture f;

	start(&f);
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 1); /* and with it the survey */
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 0);
	CU_ASSERT_EQUAL(fake_ct.wishes, 1);
	stop(&f);
}

static void
test_there_is_one_where_somebody_knocked_or_the_kernel_does_not_know(void)
{
	struct fixture f;

	start(&f);
	sweeps_of_a_mapping(&f);
	f.nft.knocked = 1;
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 1);
	f.nft.knocked = -EAGAIN;
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 1);
	f.nft.knocked = 0;
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 0);
	stop(&f);
}

static void
test_a_flow_older_than_the_record_is_known_while_it_may_live(void)
{
	struct fixture f;

	start(&f);
	fake_ct.unreplied = 5000;
	sweeps_of_a_mapping(&f);
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 1);
	fake_now_ms += NFT_KNOCK_MS;
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 0);
	stop(&f);
}

static void
test_a_record_that_began_anew_wants_a_survey(void)
{
	struct fixture f;

	start(&f);
	sweeps_of_a_mapping(&f);
	f.nft.record = 2;
	fake_ct.unreplied = 5000;
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 1);
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 1);
	f.nft.record = 3;
	fake_ct.unreplied = 0;
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 1);
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 0);
	stop(&f);
}

static void
test_without_a_whole_survey_each_mapping_wants_a_sweep(void)
{
	struct fixture f;

	start(&f);
	fake_ct.fails = true;
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 1);
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 1);
	fake_ct.fails = false;
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 1);
	CU_ASSERT_EQUAL(sweeps_of_a_mapping(&f), 0);
	stop(&f);
}

static void
test_the_answer_goes_first(void)
{
	struct fixture f;

	start(&f);
	flows_cut(f.core.flows, &udp_5000);
	CU_ASSERT_EQUAL(fake_ct.wishes, 1);
	CU_ASSERT_EQUAL(fake_ct.sweeps, 0);
	settle(&f);
	CU_ASSERT_EQUAL(fake_ct.sweeps, 1);
	stop(&f);
}

static void
test_wishes_that_come_together_share_a_sweep(void)
{
	struct fixture f;
	int i;

	start(&f);
	for (i = 0; i < 5; i++)
		flows_cut(f.core.flows, &udp_5000);
	settle(&f);
	CU_ASSERT_EQUAL(fake_ct.sweeps, 1);
	stop(&f);
}

static void
test_pinholes_that_end_together_share_a_walk(void)
{
	const struct pinhole pinhole = { .key = {
					     .internal_port = 8080, .protocol = IPPROTO_UDP } };
	struct fixture f;
	int i;

	start(&f);
	walks6 = 0;
	wishes6 = 0;
	for (i = 0; i < 5; i++)
		flows_cut6(f.core.flows, &pinhole);
	CU_ASSERT_EQUAL(walks6, 0);
	event_base_loop(f.core.base, EVLOOP_ONCE);
	CU_ASSERT_EQUAL(walks6, 1);
	CU_ASSERT_EQUAL(wishes6, 5);
	for (i = 0; i < 100; i++) /* more than can wait */
		flows_cut6(f.core.flows, &pinhole);
	CU_ASSERT_EQUAL(walks6, 2);
	event_base_loop(f.core.base, EVLOOP_ONCE);
	CU_ASSERT_EQUAL(walks6, 3);
	CU_ASSERT_EQUAL(wishes6, 105);
	stop(&f);
}

/* Else the inside could go on with them. */
static void
test_the_kernel_is_told_the_flows_that_end(void)
{
	const struct pinhole pinhole = { .key = {
					     .internal_port = 8080, .protocol = IPPROTO_TCP } };
	struct fixture f;

	start(&f);
	f.nft.ended = 0;
	flows_cut(f.core.flows, &udp_5000);
	settle(&f);
	CU_ASSERT_EQUAL(f.nft.ended, 1);
	flows_cut6(f.core.flows, &pinhole);
	event_base_loop(f.core.base, EVLOOP_ONCE);
	CU_ASSERT_EQUAL(f.nft.ended, 2);
	stop(&f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(the_kernel_is_told_the_flows_that_end),
	UNIT_TEST(pinholes_that_end_together_share_a_walk),
	UNIT_TEST(without_translation_flows_to_the_host_itself_are_cut_too),
	UNIT_TEST(there_is_no_sweep_where_nobody_knocked),
	UNIT_TEST(there_is_one_where_somebody_knocked_or_the_kernel_does_not_know),
	UNIT_TEST(a_flow_older_than_the_record_is_known_while_it_may_live),
	UNIT_TEST(a_record_that_began_anew_wants_a_survey),
	UNIT_TEST(without_a_whole_survey_each_mapping_wants_a_sweep),
	UNIT_TEST(the_answer_goes_first),
	UNIT_TEST(wishes_that_come_together_share_a_sweep),
	UNIT_END,
};

int
main(void)
{
	return unit_run("flows", tests);
}
