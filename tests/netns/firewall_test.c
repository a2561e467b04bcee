/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The firewall on the real kernel: pinholes, helpers, and what is joined to chains of others. */
#define _GNU_SOURCE
#include "kernel_lab.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <linux/netfilter.h>

/* ---- pinholes ---- */

/* One for each combination of wildcards, and a second protocol. */
static struct nft_pinhole
pinhole(unsigned i)
{
	struct nft_pinhole p = { .id = i + 1, .timeout_ms = 3600000 };

	addr6_parse("2001:db8:1::7", &p.internal_client);
	p.protocol = i < 8 ? IPPROTO_TCP : NFT_PROTO_ANY;
	if (i & 1)
		addr6_parse("2001:db8:f::9", &p.remote_host);
	if (i & 2 && i < 8)
		p.remote_port = 5000;
	if (i & 4 && i < 8)
		p.internal_port = 8080;
	return p;
}
#define PINHOLES 10

/* The set it belongs into, and its key as nft(8) writes it. */
static const struct {
	const char *set, *key;
} pinhole_keys[PINHOLES] = {
	{ "ph6p", "2001:db8:1::7 . tcp" },
	{ "ph6pr", "2001:db8:f::9 . 2001:db8:1::7 . tcp" },
	{ "ph6ps", "2001:db8:1::7 . tcp . 5000" },
	{ "ph6prs", "2001:db8:f::9 . 2001:db8:1::7 . tcp . 5000" },
	{ "ph6", "2001:db8:1::7 . tcp . 8080" },
	{ "ph6r", "2001:db8:f::9 . 2001:db8:1::7 . tcp . 8080" },
	{ "ph6s", "2001:db8:1::7 . tcp . 8080 . 5000" },
	{ "ph6rs", "2001:db8:f::9 . 2001:db8:1::7 . tcp . 8080 . 5000" },
	{ "ph6a", "2001:db8:1::7" },
	{ "ph6ar", "2001:db8:f::9 . 2001:db8:1::7" },
};

static bool
has_pinhole(unsigned i)
{
	return sh("nft get element inet portreeve %s '{ %s }'", pinhole_keys[i].set,
		   pinhole_keys[i].key) == 0;
}

static int
apply_pinhole(struct fixture *f, enum nft_op op, unsigned i)
{
	const struct nft_change change = { .op = op, .pinhole = pinhole(i) };

	return f->nft->apply(f->nft, &change, 1);
}

static bool
next_pinhole(void *arg, const void **cursor, struct nft_pinhole *out)
{
	const unsigned *n = arg;
	uintptr_t i = (uintptr_t)*cursor;

	if (i == *n)
		return false;
	*out = pinhole((unsigned)i);
	*cursor = (const void *)(i + 1);
	return true;
}

static void
check_pinholes(const struct nft_caps *caps)
{
	struct fixture f;
	struct nft_pinhole p;
	uint64_t packets;
	unsigned i;
	int rc;

	fixture_init(&f, false, caps);
	CU_ASSERT(sync_now(&f) > 0);
	for (i = 0; i < PINHOLES; i++) {
		p = pinhole(i);
		CU_ASSERT_FALSE(has_pinhole(i));
		CU_ASSERT_EQUAL(apply_pinhole(&f, NFT_PINHOLE_ADD, i), 0);
		CU_ASSERT_TRUE(has_pinhole(i));
		CU_ASSERT_EQUAL(apply_pinhole(&f, NFT_PINHOLE_RENEW, i), 0);
		CU_ASSERT_TRUE(has_pinhole(i));
		packets = 99;
		rc = f.nft->pinhole_use(f.nft, &p, &packets);
		CU_ASSERT_EQUAL(rc, caps->counters ? 0 : -EOPNOTSUPP);
		CU_ASSERT_EQUAL(packets, caps->counters ? 0 : 99);
	}
	for (i = 0; i < PINHOLES; i++) {
		CU_ASSERT_EQUAL(apply_pinhole(&f, NFT_PINHOLE_DEL, i), 0);
		CU_ASSERT_FALSE(has_pinhole(i));
		CU_ASSERT_EQUAL(apply_pinhole(&f, NFT_PINHOLE_DEL, i), 0); /* absent: no error */
	}
	fixture_exit(&f);
}

static void
test_pinholes_of_every_kind_come_and_go(void)
{
	check_pinholes(&all_caps);
	check_pinholes(&old_kernel);
}

static void
test_lost_pinholes_are_restored_and_foreign_ones_closed(void)
{
	unsigned n = PINHOLES, i;
	struct fixture f;

	fixture_init(&f, false, &all_caps);
	stop(&f);
	f.config.firewall = NFT_FIREWALL_OWN;
	f.config.min_port = 1024;
	start(&f, &all_caps);
	f.nft->set_pinholes(f.nft, next_pinhole, &n);
	CU_ASSERT(sync_now(&f) > 0);
	for (i = 0; i < PINHOLES; i++)
		CU_ASSERT_TRUE(has_pinhole(i));
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	CU_ASSERT_EQUAL(sh("nft delete element inet portreeve ph6 '{ 2001:db8:1::7 . tcp . 8080 }' "
			   "&& nft add element inet portreeve ph6 '{ 2001:db8:1::8 . tcp . 22 }'"),
	    0);
	CU_ASSERT_EQUAL(sync_now(&f), 2);
	CU_ASSERT_TRUE(has_pinhole(4));
	CU_ASSERT_NOT_EQUAL(
	    sh("nft get element inet portreeve ph6 '{ 2001:db8:1::8 . tcp . 22 }'"), 0);
	CU_ASSERT_EQUAL(sh("nft delete table inet portreeve"), 0);
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_TRUE(has_pinhole(9));
	fixture_exit(&f);
}

/* What nft(8) lists can be saved and loaded: it has understood every rule and set. */
static void
test_the_firewall_is_readable_by_nft(void)
{
	unsigned n = PINHOLES;
	struct fixture f;

	fixture_init(&f, false, &all_caps);
	stop(&f);
	f.config.firewall = NFT_FIREWALL_OWN;
	f.config.min_port = 1024;
	start(&f, &all_caps);
	f.nft->set_pinholes(f.nft, next_pinhole, &n);
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(sh("nft list chain inet portreeve pinholes | grep -q "
			   "'ip6 saddr \\. ip6 daddr \\. meta l4proto \\. th dport \\. th sport "
			   "@ph6rs accept'"),
	    0);
	CU_ASSERT_EQUAL(
	    sh("nft list chain inet portreeve wan_forward | grep -q 'ct direction original "
	       "jump pinholes'"),
	    0);
	CU_ASSERT_EQUAL(sh("saved=$(nft list ruleset); nft delete table inet portreeve && "
			   "echo \"$saved\" | nft -f -"),
	    0);
	CU_ASSERT_TRUE(has_pinhole(7));
	fixture_exit(&f);
}

static void
test_helpers_are_made_with_the_rules_that_name_them(void)
{
	struct fixture f;

	fixture_init(&f, false, &all_caps);
	CU_ASSERT(sync_now(&f) > 0); /* a table without them */
	stop(&f);
	f.config.helpers = NFT_HELPER_FTP;
	start(&f, &all_caps);
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	CU_ASSERT_EQUAL(
	    sh("nft list chain inet portreeve helpers | grep -q 'ct helper set \"ftp\"'"), 0);
	CU_ASSERT_EQUAL(sh("saved=$(nft list ruleset); nft delete table inet portreeve && "
			   "echo \"$saved\" | nft -f -"),
	    0);
	CU_ASSERT_EQUAL(sh("nft flush chain inet portreeve helpers"), 0);
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(
	    sh("nft list chain inet portreeve helpers | grep -q 'ct helper set \"ftp\"'"), 0);
	fixture_exit(&f);
}

/* ---- chains of others ---- */

static void
start_joining(struct fixture *f)
{
	fixture_init(f, false, &all_caps);
	stop(f);
	f->config.firewall = NFT_FIREWALL_JOIN;
	f->config.join_mark = 0x40;
	f->config.n_joins = 1;
	f->config.joins[0] = (struct nft_chain_ref){ NFPROTO_INET, "theirs", "forward" };
	start(f, &all_caps);
	CU_ASSERT(sync_now(f) > 0);
}

static void
test_what_joins_is_readable_by_nft(void)
{
	struct fixture f;

	start_joining(&f);
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	CU_ASSERT_EQUAL(sh("saved=$(nft list ruleset); nft delete table inet portreeve && "
			   "echo \"$saved\" | nft -f -"),
	    0);
	CU_ASSERT_EQUAL(sh("nft list chain inet portreeve let_in | grep -q "
			   "'meta mark set meta mark | 0x00000040'"),
	    0);
	fixture_exit(&f);
}

static void
test_a_chain_is_joined_when_it_comes_and_once(void)
{
	struct nft_culprit culprit;
	struct nft_health health;
	struct fixture f;

	start_joining(&f);
	CU_ASSERT_EQUAL(f.nft->join(f.nft), 0);
	f.nft->health(f.nft, &health);
	CU_ASSERT_EQUAL(health.joined, 0);
	CU_ASSERT_EQUAL(sh("nft add table inet theirs && nft add chain inet theirs forward && "
			   "nft add rule inet theirs forward drop"),
	    0);
	CU_ASSERT_EQUAL(watch(&f, &culprit), 1);
	CU_ASSERT_TRUE(culprit.joined);
	CU_ASSERT_FALSE(culprit.table);
	CU_ASSERT_EQUAL(f.nft->join(f.nft), 1);
	CU_ASSERT_EQUAL(f.nft->join(f.nft), 0);
	CU_ASSERT_STRING_EQUAL(
	    output("nft list chain inet theirs forward | grep -c 'mark & 0x00000040 =='"), "1");
	f.nft->health(f.nft, &health);
	CU_ASSERT_EQUAL(health.joined, 1);

	/* the same by somebody else's hand, and something before it */
	CU_ASSERT_EQUAL(
	    sh("nft insert rule inet theirs forward meta mark and 0x40 == 0x40 accept && "
	       "nft insert rule inet theirs forward counter"),
	    0);
	CU_ASSERT_EQUAL(f.nft->join(f.nft), 1);
	CU_ASSERT_STRING_EQUAL(
	    output("nft list chain inet theirs forward | grep -c 'mark & 0x00000040 =='"), "1");
	CU_ASSERT_EQUAL(
	    sh("nft list chain inet theirs forward | sed -n 3p | grep -q 0x00000040"), 0);

	/* taken out, and nothing else */
	CU_ASSERT_EQUAL(f.nft->leave(f.nft, &f.config), 0);
	CU_ASSERT_EQUAL(f.nft->join(f.nft), 0);
	CU_ASSERT_EQUAL(f.nft->leave(f.nft, NULL), 0);
	CU_ASSERT_NOT_EQUAL(sh("nft list chain inet theirs forward | grep -q 0x00000040"), 0);
	CU_ASSERT_EQUAL(sh("nft list chain inet theirs forward | grep -q drop"), 0);
	fixture_exit(&f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(helpers_are_made_with_the_rules_that_name_them),
	UNIT_TEST(what_joins_is_readable_by_nft),
	UNIT_TEST(a_chain_is_joined_when_it_comes_and_once),
	UNIT_TEST(pinholes_of_every_kind_come_and_go),
	UNIT_TEST(lost_pinholes_are_restored_and_foreign_ones_closed),
	UNIT_TEST(the_firewall_is_readable_by_nft),
	UNIT_END,
};

int
main(void)
{
	return kernel_lab_run("firewall_kernel", tests, "nft --version");
}
