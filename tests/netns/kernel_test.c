/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our table on the real kernel: mappings, what strangers do to it, restarts. */
#define _GNU_SOURCE
#include "kernel_lab.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MANY 10000

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Whole seconds until the element of @m expires, -1 when it does not or is not there. nft(8) writes
 * 1d2h3m4s5ms. */
static int
expires_s(const struct nft_mapping *m)
{
	const char *at = output("nft get element inet portreeve pm4 '{ %s . %u }' 2>/dev/null | "
				"sed -n 's/.* expires \\([0-9a-z]*\\).*/\\1/p'",
	    m->protocol == IPPROTO_TCP ? "tcp" : "udp", m->external_port);
	int total = at[0] ? 0 : -1;

	while (at[0]) {
		char *unit;
		long n = strtol(at, &unit, 10);

		if (strncmp(unit, "ms", 2) == 0)
			break;
		total += (int)n * (*unit == 'd'      ? 86400
				      : *unit == 'h' ? 3600
				      : *unit == 'm' ? 60
						     : 1);
		at = unit + 1;
	}
	return total;
}

static void
test_sync_creates_the_table_and_then_finds_nothing_to_do(void)
{
	struct fixture f;
	struct nft_health health;

	fixture_init(&f, true, &all_caps);
	want(&f, 3);
	f.nft->health(f.nft, &health);
	CU_ASSERT_FALSE(health.table_ok);
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(count("pm4"), 3);
	CU_ASSERT_EQUAL(count("src4"), 3);
	CU_ASSERT_EQUAL(count("mapped4"), 3);
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	f.nft->health(f.nft, &health);
	CU_ASSERT_TRUE(health.table_ok);
	CU_ASSERT_EQUAL(health.heals, 0);
	fixture_exit(&f);
}

static void
test_an_administrator_can_save_and_load_what_nft_lists(void)
{
	struct fixture f;
	struct nft_net net = { .wan = "wan0",
		.wan_addrs = { 0xcb007101 },
		.n_wan_addrs = 1,
		.lans = { "lan0", "lan1" },
		.n_lans = 2 };

	fixture_init(&f, false, &all_caps);
	want(&f, 3);
	CU_ASSERT_EQUAL(f.nft->set_net(f.nft, &net), 0);
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(sh("nft list ruleset | nft -c -f -"), 0);
	fixture_exit(&f);
}

static void
check_apply(const struct nft_caps *caps)
{
	struct fixture f;
	struct nft_mapping m = mapping(1);
	uint64_t packets = 5;

	fixture_init(&f, true, caps);
	CU_ASSERT(sync_now(&f) > 0);

	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_ADD, NFT_SOURCE_ADD, &m), 0);
	CU_ASSERT(expires_s(&m) > 3500 && expires_s(&m) <= 3660);
	CU_ASSERT_EQUAL(f.nft->map_use(f.nft, &m, &packets), caps->counters ? 0 : -EOPNOTSUPP);
	CU_ASSERT_EQUAL(packets, caps->counters ? 0 : 5);

	m.timeout_ms = 7200000;
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_RENEW, NFT_SOURCE_RENEW, &m), 0);
	CU_ASSERT(expires_s(&m) > 7000);
	m.timeout_ms = 60000;
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_RENEW, NFT_SOURCE_RENEW, &m), 0);
	CU_ASSERT(expires_s(&m) > 60 && expires_s(&m) <= 120);

	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_DEL, NFT_SOURCE_DEL, &m), 0);
	CU_ASSERT_EQUAL(count("pm4") + count("src4") + count("mapped4"), 0);
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_DEL, NFT_SOURCE_DEL, &m), 0); /* absent: no error */

	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_RENEW, NFT_SOURCE_RENEW, &m), 0); /* absent: added */
	CU_ASSERT_EQUAL(count("pm4"), 1);
	fixture_exit(&f);
}

static void
check_counts(struct fixture *f, const struct nft_mapping *m, uint64_t connections, uint64_t packets,
    uint64_t octets)
{
	uint64_t seen[3] = { 0 };

	CU_ASSERT_EQUAL(f->nft->map_use(f->nft, m, &seen[0]), 0);
	CU_ASSERT_EQUAL(f->nft->map_traffic(f->nft, m, &seen[1], &seen[2]), 0);
	CU_ASSERT_EQUAL(seen[0], connections);
	CU_ASSERT_EQUAL(seen[1], packets);
	CU_ASSERT_EQUAL(seen[2], octets);
}

/* As far as somebody knows what they were. */
static void
check_counts_go_on(const struct nft_caps *caps, uint32_t remote_host)
{
	struct fixture f;
	struct nft_mapping *m;

	fixture_init(&f, false, caps);
	want(&f, 1);
	m = &f.wanted[0];
	m->remote_host = remote_host;
	CU_ASSERT(sync_now(&f) > 0);
	check_counts(&f, m, 0, 0, 0);
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_DEL, NFT_SOURCE_DEL, m), 0);
	m->connections = 2;
	m->packets = 7;
	m->octets = 700;
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_ADD, NFT_SOURCE_ADD, m), 0);
	check_counts(&f, m, 2, 7, 700);

	/* From here on we know of less. */
	m->connections = 1;
	m->packets = 4;
	m->octets = 400;
	m->timeout_ms += 2 * NFT_GRACE_MS;
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_RENEW, NFT_SOURCE_RENEW, m), 0);
	check_counts(&f, m, 2, 7, 700);
	m->timeout_ms += 2 * NFT_GRACE_MS;
	CU_ASSERT(sync_now(&f) > 0);
	check_counts(&f, m, 2, 7, 700);
	CU_ASSERT_EQUAL(sh("nft add chain inet portreeve mine"), 0); /* the table is made anew */
	CU_ASSERT(sync_now(&f) > 0);
	check_counts(&f, m, 2, 7, 700);
	CU_ASSERT_EQUAL(sh("nft delete table inet portreeve"), 0);
	CU_ASSERT(sync_now(&f) > 0);
	check_counts(&f, m, 1, 4, 400);

	/* Another mapping in its place has nothing to do with it. */
	m->id++;
	m->connections = m->packets = m->octets = 0;
	CU_ASSERT(sync_now(&f) > 0);
	check_counts(&f, m, 0, 0, 0);
	fixture_exit(&f);
}

static void
test_what_was_counted_is_kept_when_elements_are_made_anew(void)
{
	static const struct nft_caps old_but_counting = { .counters = true };

	check_counts_go_on(&all_caps, 0);
	check_counts_go_on(&all_caps, WAN_ADDR + 8);
	check_counts_go_on(&old_but_counting, 0);
}

static void
test_mappings_are_added_renewed_and_deleted(void)
{
	check_apply(&all_caps);
}

static void
test_the_same_on_the_ways_of_an_old_kernel(void)
{
	check_apply(&old_kernel);
}

static void
check_leftover(const struct nft_caps *caps)
{
	struct fixture f;
	struct nft_mapping m = mapping(1);
	struct nft_change changes[2];

	fixture_init(&f, true, caps);
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_ADD, NFT_SOURCE_ADD, &m), 0);

	/* The same key leads elsewhere now; the other change of the transaction is a plain one. */
	m.id = 9;
	m.internal_port = 4711;
	changes[0] = (struct nft_change){ NFT_MAP_DEL, { mapping(2) } };
	changes[1] = (struct nft_change){ NFT_MAP_ADD, { m } };
	CU_ASSERT_EQUAL(f.nft->apply(f.nft, changes, 2), 0);
	CU_ASSERT_EQUAL(sh("nft list map inet portreeve pm4 | grep -q '\"id 9\".* 4711'"), 0);
	CU_ASSERT_EQUAL(count("pm4"), 1);
	fixture_exit(&f);
}

static void
test_a_leftover_element_does_not_keep_a_new_mapping_out(void)
{
	check_leftover(&all_caps);
	check_leftover(&old_kernel);
}

static void
test_one_remote_host_has_a_map_of_its_own(void)
{
	struct fixture f;
	struct nft_mapping m = mapping(1);

	fixture_init(&f, true, &all_caps);
	CU_ASSERT(sync_now(&f) > 0);
	m.remote_host = 0xcb007109;
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_ADD, NFT_SOURCE_ADD, &m), 0);
	CU_ASSERT_EQUAL(count("pm4r"), 1);
	CU_ASSERT_EQUAL(count("pm4") + count("mapped4"), 0);
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_DEL, NFT_SOURCE_DEL, &m), 0);
	CU_ASSERT_EQUAL(count("pm4r") + count("src4"), 0);
	fixture_exit(&f);
}

static void
test_a_permanent_mapping_has_no_timeout(void)
{
	struct fixture f;
	struct nft_mapping m = mapping(1);

	fixture_init(&f, true, &all_caps);
	CU_ASSERT(sync_now(&f) > 0);
	m.timeout_ms = 0;
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_ADD, NFT_SOURCE_ADD, &m), 0);
	CU_ASSERT_EQUAL(count("pm4"), 1);
	CU_ASSERT_EQUAL(expires_s(&m), -1);
	m.timeout_ms = 3600000;
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_RENEW, NFT_SOURCE_RENEW, &m), 0);
	CU_ASSERT(expires_s(&m) > 3500);
	fixture_exit(&f);
}

static void
check_loss(const struct nft_caps *caps)
{
	struct fixture f;
	struct nft_mapping m = mapping(1);

	fixture_init(&f, false, caps);
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(sh("nft delete table inet portreeve"), 0);
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_DEL, NFT_SOURCE_DEL, &m), -ENOENT);
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_ADD, NFT_SOURCE_ADD, &m), -ENOENT);
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_RENEW, NFT_SOURCE_RENEW, &m), -ENOENT);
	fixture_exit(&f);
}

static void
test_a_request_notices_that_the_table_is_gone(void)
{
	check_loss(&all_caps);
	check_loss(&old_kernel);
}

/* What a stranger does to a table that is not owned, and what we say of it. */
static void
check_heal(const char *command, const char *what)
{
	struct fixture f;
	struct nft_culprit culprit = { 0 };
	struct nft_health health;

	fixture_init(&f, false, &all_caps);
	want(&f, 5);
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(sh("%s", command), 0);
	CU_ASSERT_EQUAL(watch(&f, &culprit), 1);
	CU_ASSERT_STRING_EQUAL(culprit.name, "nft");
	CU_ASSERT(culprit.pid > 0);
	CU_ASSERT_STRING_EQUAL(culprit.what, what);
	f.nft->health(f.nft, &health);
	CU_ASSERT_FALSE(health.table_ok);

	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(count("pm4"), 5);
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	f.nft->health(f.nft, &health);
	CU_ASSERT_TRUE(health.table_ok);
	CU_ASSERT_EQUAL(health.heals, 1);
	fixture_exit(&f);
}

static void
test_what_a_stranger_breaks_is_named_and_restored(void)
{
	check_heal("nft delete table inet portreeve", "table deleted");
	check_heal("nft flush ruleset", "table deleted");
	check_heal(
	    "nft delete element inet portreeve pm4 '{ tcp . 1025 }'", "1 element removed from pm4");
	check_heal("nft delete element inet portreeve pm4 '{ tcp . 1025, tcp . 1027 }'",
	    "2 elements removed from pm4");
	check_heal("nft flush map inet portreeve src4", "5 elements removed from src4");
	check_heal("nft add element inet portreeve pm4 '{ tcp . 9 : 192.168.1.9 . 9 }'",
	    "1 element added to pm4");
	check_heal("nft flush chain inet portreeve hairpin", "5 rules removed");
	check_heal("nft insert rule inet portreeve forward drop", "1 rule added");
	check_heal("nft add chain inet portreeve mine", "1 chain added");
	check_heal("nft chain inet portreeve forward '{ policy drop; }'", "1 chain added");
	check_heal("saved=$(nft list ruleset); "
		   "{ echo 'flush ruleset'; echo \"$saved\"; } | nft -f -",
	    "table replaced");
}

static void
test_changes_of_others_to_their_own_tables_are_nothing_to_us(void)
{
	struct fixture f;
	struct nft_culprit culprit;
	int i;

	fixture_init(&f, false, &all_caps);
	CU_ASSERT(sync_now(&f) > 0);
	for (i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(sh("nft add table inet other%d; nft add table ip portreeve", i), 0);
	CU_ASSERT_EQUAL(watch(&f, &culprit), 0);
	fixture_exit(&f);
}

static void
test_our_own_changes_do_not_wake_us(void)
{
	struct fixture f;
	struct nft_mapping m = mapping(1);
	struct pollfd pfd;

	fixture_init(&f, true, &all_caps);
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_ADD, NFT_SOURCE_ADD, &m), 0);
	pfd = (struct pollfd){ .fd = f.nft->watch_fd(f.nft), .events = POLLIN };
	CU_ASSERT_EQUAL(poll(&pfd, 1, 0), 0);
	fixture_exit(&f);
}

static bool
kernel_has_owned_tables(void)
{
	struct fixture f;
	struct nft_health health;

	fixture_init(&f, true, &all_caps);
	CU_ASSERT(sync_now(&f) > 0);
	f.nft->health(f.nft, &health);
	fixture_exit(&f);
	if (!health.owned)
		printf("skipped: the kernel has no owned tables ");
	return health.owned;
}

static void
test_an_owned_table_cannot_be_broken(void)
{
	struct fixture f;

	if (!kernel_has_owned_tables())
		return;
	fixture_init(&f, true, &all_caps);
	want(&f, 5);
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_NOT_EQUAL(sh("nft delete table inet portreeve"), 0);
	CU_ASSERT_NOT_EQUAL(sh("nft delete element inet portreeve pm4 '{ tcp . 1025 }'"), 0);
	CU_ASSERT_NOT_EQUAL(sh("nft insert rule inet portreeve forward drop"), 0);
	CU_ASSERT_EQUAL(sh("nft flush ruleset"), 0);
	CU_ASSERT_EQUAL(count("pm4"), 5);
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	fixture_exit(&f);
}

/* A new run of ours finds what the last one left; nothing is touched that is right. */
static void
check_restart(bool own_before, bool own_after, bool same_table)
{
	struct fixture f;
	struct nft_health health;
	char before[64];

	fixture_init(&f, own_before, &all_caps);
	want(&f, 5);
	CU_ASSERT(sync_now(&f) > 0);
	snprintf(before, sizeof(before), "%s", output("nft -a list table inet portreeve"));
	stop(&f);
	CU_ASSERT_EQUAL(count("pm4"), 5);

	f.config.own_table = own_after;
	start(&f, &all_caps);
	CU_ASSERT_EQUAL(sync_now(&f) == 0, same_table);
	CU_ASSERT_EQUAL(count("pm4"), 5);
	/* The headline tells the table's handle. */
	CU_ASSERT_EQUAL(
	    strcmp(before, output("nft -a list table inet portreeve")) == 0, same_table);
	f.nft->health(f.nft, &health);
	CU_ASSERT_EQUAL(health.owned, own_after);
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	fixture_exit(&f);
}

static void
test_a_restart_adopts_what_is_there(void)
{
	check_restart(false, false, true);
	if (kernel_has_owned_tables())
		check_restart(true, true, true);
}

static void
test_a_table_of_the_other_kind_is_replaced_with_all_its_mappings(void)
{
	if (!kernel_has_owned_tables())
		return;
	check_restart(false, true, false);
	check_restart(true, false, false);
}

static void
test_a_changed_configuration_changes_rules_and_spares_elements(void)
{
	struct fixture f;
	struct nft_mapping m = mapping(1);

	fixture_init(&f, true, &all_caps);
	want(&f, 5);
	m.timeout_ms = 3600000 + 30000; /* within the grace: not worth a renewal */
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_RENEW, NFT_SOURCE_RENEW, &m), 0);
	stop(&f);
	f.config.masquerade = false;
	start(&f, &all_caps);
	CU_ASSERT_EQUAL(sync_now(&f), 1);
	CU_ASSERT_NOT_EQUAL(sh("nft list ruleset | grep -q 'masquerade fully-random'"), 0);
	CU_ASSERT(expires_s(&m) > 3660);
	fixture_exit(&f);
}

static void
test_a_second_daemon_is_refused(void)
{
	struct fixture f, g;

	if (!kernel_has_owned_tables())
		return;
	fixture_init(&f, true, &all_caps);
	want(&f, 5);
	CU_ASSERT(sync_now(&f) > 0);
	g = (struct fixture){ .config = f.config };
	start(&g, &all_caps);
	CU_ASSERT_EQUAL(sync_now(&g), -EBUSY);
	fixture_exit(&g);
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	fixture_exit(&f);
}

static void
test_interfaces_follow_and_outlive_a_restart(void)
{
	struct fixture f;
	struct nft_net net = { .wan = "wan0",
		.wan_addrs = { 0xcb007101, 0xcb007102 },
		.n_wan_addrs = 2,
		.lans = { "lan0", "lan1" },
		.n_lans = 2,
		.clamp = { "wan0" },
		.n_clamp = 1 };

	fixture_init(&f, true, &all_caps);
	CU_ASSERT_EQUAL(f.nft->set_net(f.nft, &net), 0); /* remembered */
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(sh("nft get element inet portreeve wan_if '{ wan0 }' && "
			   "nft get element inet portreeve lan_if '{ lan1 }' && "
			   "nft get element inet portreeve clamp_if '{ wan0 }' && "
			   "nft get element inet portreeve wan4 '{ 203.0.113.2 }'"),
	    0);

	strcpy(net.wan, "ppp0");
	net.n_wan_addrs = net.n_lans = 1;
	strcpy(net.clamp[0], "ppp0");
	CU_ASSERT_EQUAL(f.nft->set_net(f.nft, &net), 0);
	CU_ASSERT_EQUAL(sh("nft get element inet portreeve wan_if '{ ppp0 }'"), 0);
	CU_ASSERT_NOT_EQUAL(sh("nft get element inet portreeve wan_if '{ wan0 }'"), 0);
	CU_ASSERT_NOT_EQUAL(sh("nft get element inet portreeve lan_if '{ lan1 }'"), 0);
	CU_ASSERT_NOT_EQUAL(sh("nft get element inet portreeve wan4 '{ 203.0.113.2 }'"), 0);
	CU_ASSERT_EQUAL(sync_now(&f), 0);

	stop(&f);
	start(&f, &all_caps);
	CU_ASSERT_EQUAL(sync_now(&f), 0); /* nobody has told us otherwise yet */
	CU_ASSERT_EQUAL(sh("nft get element inet portreeve wan_if '{ ppp0 }'"), 0);
	CU_ASSERT_EQUAL(sh("nft get element inet portreeve clamp_if '{ ppp0 }'"), 0);
	net.wan[0] = '\0';
	net.n_clamp = 0;
	CU_ASSERT_EQUAL(f.nft->set_net(f.nft, &net), 0);
	CU_ASSERT_NOT_EQUAL(sh("nft get element inet portreeve wan_if '{ ppp0 }'"), 0);
	CU_ASSERT_NOT_EQUAL(sh("nft get element inet portreeve clamp_if '{ ppp0 }'"), 0);
	CU_ASSERT_EQUAL(sh("nft get element inet portreeve lan_if '{ lan0 }'"), 0);
	fixture_exit(&f);
}

static void
test_timeouts_that_are_far_off_are_mended(void)
{
	struct fixture f;
	struct nft_mapping m = mapping(2);

	fixture_init(&f, true, &all_caps);
	want(&f, 3);
	CU_ASSERT(sync_now(&f) > 0);
	f.wanted[1].timeout_ms += 2 * NFT_GRACE_MS;
	CU_ASSERT_EQUAL(sync_now(&f), 3); /* pm4, src4, mapped4 */
	CU_ASSERT(expires_s(&m) > 3700);
	f.wanted[1].timeout_ms += NFT_GRACE_MS / 2;
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	fixture_exit(&f);
}

static void
test_removal_leaves_nothing(void)
{
	struct fixture f;

	fixture_init(&f, true, &all_caps);
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(f.nft->remove(f.nft), 0);
	CU_ASSERT_EQUAL(f.nft->remove(f.nft), 0);
	CU_ASSERT_STRING_EQUAL(output("nft list ruleset"), "");
	CU_ASSERT(sync_now(&f) > 0);
	fixture_exit(&f);
}

static void
test_the_probe_leaves_nothing(void)
{
	struct fixture f;

	fixture_init(&f, true, &all_caps);
	CU_ASSERT_STRING_EQUAL(output("nft list ruleset"), "");
	fixture_exit(&f);
}

static void
test_ten_thousand_mappings_are_quick(void)
{
	struct fixture f;
	struct nft_mapping m = mapping(20001);
	double t0, t1, t2, t3, t4;
	int i;

	fixture_init(&f, true, &all_caps);
	want(&f, MANY);
	t0 = now_ms();
	CU_ASSERT_EQUAL(sync_now(&f), 3 * MANY + 1);
	t1 = now_ms();
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	t2 = now_ms();
	stop(&f);
	start(&f, &all_caps);
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	t3 = now_ms();
	for (i = 0; i < 1000; i++) {
		CU_ASSERT_EQUAL(apply(&f, NFT_MAP_ADD, NFT_SOURCE_ADD, &m), 0);
		CU_ASSERT_EQUAL(apply(&f, NFT_MAP_RENEW, NFT_SOURCE_RENEW, &m), 0);
		CU_ASSERT_EQUAL(apply(&f, NFT_MAP_DEL, NFT_SOURCE_DEL, &m), 0);
	}
	t4 = now_ms();
	printf("(create %.0f ms, compare %.0f ms, restart %.0f ms, one change %.1f us) ", t1 - t0,
	    t2 - t1, t3 - t2, (t4 - t3) / 3);
	CU_ASSERT(t1 - t0 < 1500);
	CU_ASSERT(t2 - t1 < 1500);
	fixture_exit(&f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(sync_creates_the_table_and_then_finds_nothing_to_do),
	UNIT_TEST(an_administrator_can_save_and_load_what_nft_lists),
	UNIT_TEST(what_was_counted_is_kept_when_elements_are_made_anew),
	UNIT_TEST(mappings_are_added_renewed_and_deleted),
	UNIT_TEST(the_same_on_the_ways_of_an_old_kernel),
	UNIT_TEST(a_leftover_element_does_not_keep_a_new_mapping_out),
	UNIT_TEST(one_remote_host_has_a_map_of_its_own),
	UNIT_TEST(a_permanent_mapping_has_no_timeout),
	UNIT_TEST(a_request_notices_that_the_table_is_gone),
	UNIT_TEST(what_a_stranger_breaks_is_named_and_restored),
	UNIT_TEST(changes_of_others_to_their_own_tables_are_nothing_to_us),
	UNIT_TEST(our_own_changes_do_not_wake_us),
	UNIT_TEST(an_owned_table_cannot_be_broken),
	UNIT_TEST(a_restart_adopts_what_is_there),
	UNIT_TEST(a_table_of_the_other_kind_is_replaced_with_all_its_mappings),
	UNIT_TEST(a_changed_configuration_changes_rules_and_spares_elements),
	UNIT_TEST(a_second_daemon_is_refused),
	UNIT_TEST(interfaces_follow_and_outlive_a_restart),
	UNIT_TEST(timeouts_that_are_far_off_are_mended),
	UNIT_TEST(removal_leaves_nothing),
	UNIT_TEST(the_probe_leaves_nothing),
	UNIT_TEST(ten_thousand_mappings_are_quick),
	UNIT_END,
};

int
main(void)
{
	return kernel_lab_run("nft_kernel", tests, "nft --version");
}
