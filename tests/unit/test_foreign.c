/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The judge over rules that are made here, step by step; real ones are in foreign_test.c. */
#include "unit.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "kernel/foreign_model.h"

#define CHAINS 4
#define RULES 8
#define STEPS 8

/* One table with a base chain "base" in the forward hook; others are added by name. */
struct fixture {
	struct foreign f;
	struct foreign_chain chains[CHAINS];
	struct foreign_rule rules[CHAINS][RULES];
	struct foreign_step steps[CHAINS][RULES][STEPS];
	struct foreign_set set;
	struct foreign_elem elems[4];
	struct foreign_packet packet;
	struct foreign_finding found;
};

static void
add_chain(struct fixture *f, const char *name)
{
	static char table[] = "t";
	struct foreign_chain *chain = &f->chains[f->f.n_chains];

	chain->family = NFPROTO_INET;
	chain->table = table;
	chain->name = (char *)(uintptr_t)name;
	chain->policy = NF_ACCEPT;
	chain->rules = f->rules[f->f.n_chains++];
}

static void
init(struct fixture *f, uint32_t policy)
{
	memset(f, 0, sizeof(*f));
	f->f.chains = f->chains;
	add_chain(f, "base");
	f->chains[0].base = true;
	f->chains[0].hook = NF_INET_FORWARD;
	f->chains[0].policy = policy;
	f->packet = (struct foreign_packet){
		.family = NFPROTO_IPV4,
		.protocol = 6,
		.iif = "wan0",
		.oif = "lan0",
		.dst = { 192, 168, 1 },
		.dst_len = 24,
		.dnated = true,
	};
}

/* A new rule at the end of the chain that was added last, and steps at its end. */
static void
rule(struct fixture *f)
{
	struct foreign_chain *chain = &f->chains[f->f.n_chains - 1];

	chain->rules[chain->n].handle = 10 * f->f.n_chains + chain->n;
	chain->rules[chain->n].steps = f->steps[f->f.n_chains - 1][chain->n];
	chain->n++;
}

static struct foreign_step *
step(struct fixture *f, enum foreign_step_kind kind)
{
	struct foreign_chain *chain = &f->chains[f->f.n_chains - 1];
	struct foreign_rule *r = &chain->rules[chain->n - 1];
	struct foreign_step *s = &r->steps[r->n++];

	s->kind = (uint8_t)kind;
	return s;
}

static void
verdict(struct fixture *f, int32_t verdict, const char *chain)
{
	struct foreign_step *s = step(f, STEP_VERDICT);

	s->verdict = verdict;
	s->chain = (char *)(uintptr_t)chain;
}

/* "th dport @op @port" */
static void
match_port(struct fixture *f, uint32_t op, uint16_t port)
{
	struct foreign_step *s = step(f, STEP_PAYLOAD);

	s->key = NFT_PAYLOAD_TRANSPORT_HEADER;
	s->offset = 2;
	s->len = 2;
	s = step(f, STEP_CMP);
	s->key = op;
	s->len = 2;
	port = htons(port);
	memcpy(s->a, &port, 2);
}

/* "ip daddr @a.b.0.0/16" as nft writes it: mask, then compare. */
static void
match_net16(struct fixture *f, uint8_t a, uint8_t b)
{
	struct foreign_step *s = step(f, STEP_PAYLOAD);

	s->key = NFT_PAYLOAD_NETWORK_HEADER;
	s->offset = 16;
	s->len = 4;
	s = step(f, STEP_BITWISE);
	s->len = 4;
	s->a[0] = s->a[1] = 0xff;
	s = step(f, STEP_CMP);
	s->key = NFT_CMP_EQ;
	s->len = 4;
	s->a[0] = a;
	s->a[1] = b;
}

static void
on_finding(void *arg, const struct foreign_finding *finding)
{
	*(struct foreign_finding *)arg = *finding;
}

static enum foreign_verdict
judge(struct fixture *f)
{
	f->found = (struct foreign_finding){ .verdict = FOREIGN_PASSES };
	foreign_judge(&f->f, &f->packet, NF_INET_FORWARD, on_finding, &f->found);
	return f->found.verdict;
}

static void
test_the_policy_decides_when_no_rule_does(void)
{
	struct fixture f;

	init(&f, NF_ACCEPT);
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_PASSES);
	init(&f, NF_DROP);
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_DROPS);
	CU_ASSERT_STRING_EQUAL(f.found.place.chain, "base");
	CU_ASSERT_STRING_EQUAL(f.found.place.table, "t");
	CU_ASSERT_EQUAL(f.found.place.handle, 0);
}

static void
test_an_accept_ends_the_chain_before_the_policy(void)
{
	struct fixture f;

	init(&f, NF_DROP);
	rule(&f);
	verdict(&f, NF_ACCEPT, NULL);
	rule(&f);
	verdict(&f, NF_DROP, NULL);
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_PASSES);
}

static void
test_accepting_one_port_leaves_an_exception(void)
{
	struct fixture f;

	init(&f, NF_DROP);
	rule(&f);
	match_port(&f, NFT_CMP_EQ, 22);
	verdict(&f, NF_ACCEPT, NULL);
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_DROPS);
	CU_ASSERT_TRUE(f.found.exceptions);
	f.packet.dport = 22;
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_PASSES);
	f.packet.dport = 23;
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_DROPS);
	CU_ASSERT_FALSE(f.found.exceptions);
}

static void
test_dropping_one_port_is_no_matter_and_all_others_is(void)
{
	struct fixture f;

	init(&f, NF_ACCEPT);
	rule(&f);
	match_port(&f, NFT_CMP_EQ, 22);
	verdict(&f, NF_DROP, NULL);
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_PASSES);
	f.packet.dport = 22;
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_DROPS);

	init(&f, NF_ACCEPT);
	rule(&f);
	match_port(&f, NFT_CMP_NEQ, 22);
	verdict(&f, NF_DROP, NULL);
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_DROPS);
	CU_ASSERT_TRUE(f.found.exceptions);
}

static void
test_ports_are_compared_as_numbers(void)
{
	static const struct {
		uint32_t op;
		uint16_t port;
		bool drops;
	} cases[] = {
		{ NFT_CMP_LT, 1024, false },
		{ NFT_CMP_LT, 5001, true },
		{ NFT_CMP_LTE, 5000, true },
		{ NFT_CMP_LTE, 4999, false },
		{ NFT_CMP_GT, 5000, false },
		{ NFT_CMP_GT, 4999, true },
		{ NFT_CMP_GTE, 5000, true },
		{ NFT_CMP_GTE, 5001, false },
	};
	struct fixture f;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		init(&f, NF_ACCEPT);
		f.packet.dport = 5000;
		rule(&f);
		match_port(&f, cases[i].op, cases[i].port);
		verdict(&f, NF_DROP, NULL);
		CU_ASSERT_EQUAL(judge(&f) == FOREIGN_DROPS, cases[i].drops);
		f.packet.dport = 0; /* any: half of them is not all */
		CU_ASSERT_EQUAL(judge(&f), FOREIGN_PASSES);
	}
}

static void
test_known_bits_of_an_address_are_enough(void)
{
	struct fixture f;

	init(&f, NF_DROP);
	rule(&f);
	match_net16(&f, 192, 168);
	verdict(&f, NF_ACCEPT, NULL);
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_PASSES);
	f.packet.dst[1] = 169;
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_DROPS);
	CU_ASSERT_FALSE(f.found.exceptions);
	f.packet.dst_len = 8;
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_DROPS);
	CU_ASSERT_TRUE(f.found.exceptions);
}

static void
test_a_condition_that_cannot_be_read_before_a_drop_is_unclear(void)
{
	struct fixture f;

	init(&f, NF_DROP);
	rule(&f);
	step(&f, STEP_OPAQUE);
	verdict(&f, NF_ACCEPT, NULL);
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_UNCLEAR);

	init(&f, NF_DROP); /* what it returns may be anything, what it drops is dropped anyway */
	rule(&f);
	step(&f, STEP_OPAQUE);
	verdict(&f, NF_DROP, NULL);
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_DROPS);

	init(&f, NF_DROP);
	rule(&f);
	verdict(&f, NF_QUEUE, NULL);
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_UNCLEAR);
}

static void
test_a_rate_lets_some_in(void)
{
	struct fixture f;

	init(&f, NF_DROP);
	rule(&f);
	step(&f, STEP_SOME);
	verdict(&f, NF_ACCEPT, NULL);
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_DROPS);
	CU_ASSERT_TRUE(f.found.exceptions);
}

static void
test_jumps_come_back_and_gotos_do_not(void)
{
	struct fixture f;

	init(&f, NF_ACCEPT);
	rule(&f);
	verdict(&f, NFT_JUMP, "empty");
	rule(&f);
	verdict(&f, NF_DROP, NULL);
	add_chain(&f, "empty");
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_DROPS);
	f.chains[0].rules[0].steps[0].verdict = NFT_GOTO;
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_PASSES);
}

static void
test_chains_that_jump_in_a_circle_end(void)
{
	struct fixture f;

	init(&f, NF_DROP);
	rule(&f);
	verdict(&f, NFT_JUMP, "round");
	add_chain(&f, "round");
	rule(&f);
	verdict(&f, NFT_JUMP, "round");
	rule(&f);
	verdict(&f, NFT_JUMP, "round");
	rule(&f);
	verdict(&f, NFT_JUMP, "round");
	CU_ASSERT_NOT_EQUAL(judge(&f), FOREIGN_PASSES);
}

static void
test_a_chain_that_was_not_read_is_unclear(void)
{
	struct fixture f;

	init(&f, NF_DROP);
	rule(&f);
	verdict(&f, NFT_JUMP, "elsewhere");
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_UNCLEAR);
}

/* "th dport @s" with the ports 22 and 8000-8099. */
static void
add_set(struct fixture *f, bool complete)
{
	static char name[] = "s";
	struct foreign_step *s = step(f, STEP_PAYLOAD);

	s->key = NFT_PAYLOAD_TRANSPORT_HEADER;
	s->offset = 2;
	s->len = 2;
	step(f, STEP_LOOKUP)->set = name;
	f->set = (struct foreign_set){ .family = NFPROTO_INET,
		.table = f->chains[0].table,
		.name = name,
		.key_len = 2,
		.complete = complete,
		.elems = f->elems,
		.n = 2 };
	memcpy(f->elems[0].from, "\0\x16", 2);
	memcpy(f->elems[0].to, "\0\x16", 2);
	memcpy(f->elems[1].from, "\x1f\x40", 2);
	memcpy(f->elems[1].to, "\x1f\xa3", 2);
	f->f.sets = &f->set;
	f->f.n_sets = 1;
}

static void
test_sets_hold_what_they_hold(void)
{
	struct fixture f;

	init(&f, NF_DROP);
	rule(&f);
	add_set(&f, true);
	verdict(&f, NF_ACCEPT, NULL);
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_DROPS);
	CU_ASSERT_TRUE(f.found.exceptions);
	f.packet.dport = 8099;
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_PASSES);
	f.packet.dport = 8100;
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_DROPS);
	f.set.complete = false;
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_UNCLEAR);
	f.packet.dport = 22;
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_PASSES);
	f.f.n_sets = 0; /* it was not read */
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_UNCLEAR);
}

static void
test_other_hooks_and_families_are_left_out(void)
{
	struct fixture f;

	init(&f, NF_DROP);
	f.chains[0].family = NFPROTO_IPV6;
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_PASSES);
	f.packet.family = NFPROTO_IPV6;
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_DROPS);
	f.chains[0].hook = NF_INET_LOCAL_IN;
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_PASSES);
}

static void
test_nonsense_from_the_kernel_is_survived(void)
{
	struct fixture f;
	struct foreign_step *s;

	init(&f, NF_DROP);
	rule(&f);
	s = step(&f, STEP_PAYLOAD);
	s->key = NFT_PAYLOAD_NETWORK_HEADER;
	s->offset = UINT32_MAX;
	s->len = 16;
	s->reg = 60;
	s = step(&f, STEP_CMP);
	s->from = 255;
	s->len = 16;
	s = step(&f, STEP_BITWISE);
	s->reg = 63;
	s->from = 62;
	s->len = 16;
	s = step(&f, STEP_META);
	s->reg = 200;
	s->len = 255;
	verdict(&f, NF_ACCEPT, NULL);
	CU_ASSERT_EQUAL(judge(&f), FOREIGN_UNCLEAR);
}

static const struct unit_test tests[] = {
	UNIT_TEST(the_policy_decides_when_no_rule_does),
	UNIT_TEST(an_accept_ends_the_chain_before_the_policy),
	UNIT_TEST(accepting_one_port_leaves_an_exception),
	UNIT_TEST(dropping_one_port_is_no_matter_and_all_others_is),
	UNIT_TEST(ports_are_compared_as_numbers),
	UNIT_TEST(known_bits_of_an_address_are_enough),
	UNIT_TEST(a_condition_that_cannot_be_read_before_a_drop_is_unclear),
	UNIT_TEST(a_rate_lets_some_in),
	UNIT_TEST(jumps_come_back_and_gotos_do_not),
	UNIT_TEST(chains_that_jump_in_a_circle_end),
	UNIT_TEST(a_chain_that_was_not_read_is_unclear),
	UNIT_TEST(sets_hold_what_they_hold),
	UNIT_TEST(other_hooks_and_families_are_left_out),
	UNIT_TEST(nonsense_from_the_kernel_is_survived),
	UNIT_END,
};

int
main(void)
{
	return unit_run("foreign", tests);
}
