/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct nft and struct conntrack on the real kernel, each test in a network namespace of its own.
 * nft(8) plays the stranger. Needs root or unprivileged user namespaces, else it is skipped.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/netfilter.h>

#include "kernel/conntrack.h"
#include "kernel/conntrack6.h"
#include "kernel/nft.h"
#include "kernel/nft_probe.h"
#include "lib/log.h"

#define MANY 10000

/* 203.0.113.1 on wan0; the peer is 203.0.113.9 */
#define WAN_ADDR 0xcb007101

static const struct nft_caps all_caps = { true, true, true, true };
static const struct nft_caps old_kernel = { 0 };

struct fixture {
	struct nft_config config;
	struct nft *nft;
	struct nft_mapping *wanted;
	size_t n;
};

/* ---- helpers ---- */

/* Exit status of a shell command, its output hidden. */
static int __attribute__((format(printf, 1, 2))) sh(const char *fmt, ...)
{
	char command[1024], line[1100];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "{ %s; } >/dev/null 2>&1", command);
	return system(line);
}

/* First line of what a shell command prints. */
static const char *__attribute__((format(printf, 1, 2))) output(const char *fmt, ...)
{
	static char line[1024];
	char command[1024];
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	line[0] = '\0';
	f = popen(command, "re");
	if (f && fgets(line, sizeof(line), f))
		line[strcspn(line, "\n")] = '\0';
	if (f)
		pclose(f);
	return line;
}

/* Elements of ours in a map or set. */
static int
count(const char *set)
{
	return atoi(output("{ nft list map inet portreeve %s || nft list set inet portreeve %s; } "
			   "2>/dev/null | grep -o 'comment \"id ' | wc -l",
	    set, set));
}

static bool
next_mapping(void *arg, const void **cursor, struct nft_mapping *out)
{
	struct fixture *f = arg;
	const struct nft_mapping *m = *cursor;

	m = m ? m + 1 : f->wanted;
	if (!m || m == f->wanted + f->n)
		return false;
	*cursor = m;
	*out = *m;
	return true;
}

static int
sync_now(struct fixture *f)
{
	return f->nft->sync(f->nft, next_mapping, f);
}

static struct nft_mapping
mapping(uint32_t id)
{
	return (struct nft_mapping){
		.id = id,
		.internal_client = 0xc0a80100 + id % 200 + 2,
		.external_port = (uint16_t)(1024 + id),
		.internal_port = (uint16_t)(1024 + id),
		.protocol = id % 2 ? IPPROTO_TCP : IPPROTO_UDP,
		.keep_source = true,
		.timeout_ms = 3600000,
	};
}

static void
want(struct fixture *f, size_t n)
{
	size_t i;

	f->wanted = realloc(f->wanted, n * sizeof(*f->wanted));
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->wanted);
	for (i = 0; i < n; i++)
		f->wanted[i] = mapping((uint32_t)i + 1);
	f->n = n;
}

static void
start(struct fixture *f, const struct nft_caps *caps)
{
	f->nft = nft_new_limited(&f->config, caps);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->nft);
}

static void
fixture_init(struct fixture *f, bool own_table, const struct nft_caps *caps)
{
	CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNET), 0);
	*f = (struct fixture){ .config = { .masquerade = true,
				   .own_table = own_table,
				   .worker_uid = 65534,
				   .http_port = 5000 } };
	start(f, caps);
}

static void
stop(struct fixture *f)
{
	if (f->nft)
		f->nft->free(f->nft);
	f->nft = NULL;
}

static void
fixture_exit(struct fixture *f)
{
	stop(f);
	free(f->wanted);
}

static int
apply(struct fixture *f, enum nft_op op, enum nft_op source_op, const struct nft_mapping *m)
{
	const struct nft_change changes[] = { { op, { *m } }, { source_op, { *m } } };

	return f->nft->apply(f->nft, changes, 2);
}

/* Waits for the next foreign change to our table. 1, 0 when there is none, or -errno. */
static int
watch(struct fixture *f, struct nft_culprit *culprit)
{
	struct pollfd pfd = { .fd = f->nft->watch_fd(f->nft), .events = POLLIN };
	int rc = 0;

	while (rc == 0 && poll(&pfd, 1, 100) > 0)
		rc = f->nft->watch_read(f->nft, culprit);
	return rc;
}

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

/* ---- tests ---- */

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

/* ---- what packets tell ---- */

#define LAN_ADDR 0xc0a80101 /* 192.168.1.1 on lan0; the peer is 192.168.1.9 */

static const struct nft_net wan_and_lan = {
	.wan = "wan0", .wan_addrs = { WAN_ADDR }, .n_wan_addrs = 1, .lans = { "lan0" }, .n_lans = 1
};

static void
knock_init(struct fixture *f)
{
	fixture_init(f, false, &all_caps);
	CU_ASSERT_EQUAL(sh("ip link add wan0 type veth peer name wan1 && "
			   "ip link add lan0 type veth peer name lan1 && "
			   "for i in wan0 wan1 lan0 lan1; do ip link set $i up || exit 1; done && "
			   "ip addr add 203.0.113.1/24 dev wan0 && "
			   "ip addr add 192.168.1.1/24 dev lan0"),
	    0);
	CU_ASSERT_EQUAL(f->nft->set_net(f->nft, &wan_and_lan), 0);
	CU_ASSERT(sync_now(f) > 0);
}

static uint16_t
checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* An empty UDP packet comes in where @link (wan1, lan1) ends. */
static void
send_udp(const char *link, uint32_t from, uint32_t to, uint16_t port)
{
	struct {
		struct ether_header eth;
		struct iphdr ip;
		struct udphdr udp;
	} __attribute__((packed)) frame = {
		.eth.ether_type = htons(ETHERTYPE_IP),
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP },
		.udp = { .source = htons(4000), .dest = htons(port), .len = htons(8) },
	};
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(link) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	memset(frame.eth.ether_dhost, 0xff, ETH_ALEN);
	memset(frame.eth.ether_shost, 0x02, ETH_ALEN);
	frame.ip.tot_len = htons(sizeof(frame.ip) + sizeof(frame.udp));
	frame.ip.saddr = htonl(from);
	frame.ip.daddr = htonl(to);
	frame.ip.check = checksum(&frame.ip, sizeof(frame.ip));
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(
	    sendto(fd, &frame, sizeof(frame), 0, (void *)&ll, sizeof(ll)), (ssize_t)sizeof(frame));
	close(fd);
}

static int
knocked(struct fixture *f, uint16_t port)
{
	uint64_t record;

	return f->nft->knocked(f->nft, IPPROTO_UDP, port, &record);
}

/* Packets that were sent go through the kernel soon, mostly at once. */
static bool
is_knocked_soon(struct fixture *f, uint16_t port)
{
	int i;

	for (i = 0; i < 100 && knocked(f, port) != 1; i++)
		usleep(10000);
	return i < 100;
}

static void
test_a_port_that_was_tried_in_vain_is_remembered(void)
{
	struct fixture f;

	knock_init(&f);
	CU_ASSERT_EQUAL(knocked(&f, 6000), 0);
	send_udp("wan1", WAN_ADDR + 8, WAN_ADDR, 6000);
	CU_ASSERT_TRUE(is_knocked_soon(&f, 6000));
	CU_ASSERT_EQUAL(knocked(&f, 6001), 0);
	CU_ASSERT_STRING_EQUAL(output("nft list set inet portreeve knocked4 | "
				      "grep -o 'udp . 6000 timeout 10m'"),
	    "udp . 6000 timeout 10m");

	/* A LAN host that tries the external address. */
	send_udp("lan1", LAN_ADDR + 8, WAN_ADDR, 6002);
	CU_ASSERT_TRUE(is_knocked_soon(&f, 6002));
	/* What it wants of us is no knock; the packet behind it tells that it has passed. */
	send_udp("lan1", LAN_ADDR + 8, LAN_ADDR, 6003);
	send_udp("lan1", LAN_ADDR + 8, WAN_ADDR, 6004);
	CU_ASSERT_TRUE(is_knocked_soon(&f, 6004));
	CU_ASSERT_EQUAL(knocked(&f, 6003), 0);
	fixture_exit(&f);
}

static void
test_a_sender_that_goes_on_stays_remembered(void)
{
	struct fixture f;

	knock_init(&f);
	send_udp("wan1", WAN_ADDR + 8, WAN_ADDR, 6000);
	CU_ASSERT_TRUE(is_knocked_soon(&f, 6000));
	CU_ASSERT_EQUAL(sh("nft flush set inet portreeve knocked4"), 0);
	CU_ASSERT_EQUAL(knocked(&f, 6000), 0);
	send_udp("wan1", WAN_ADDR + 8, WAN_ADDR, 6000); /* the same flow as before */
	CU_ASSERT_TRUE(is_knocked_soon(&f, 6000));
	fixture_exit(&f);
}

static void
test_knocks_neither_wake_us_nor_are_they_mended(void)
{
	struct fixture f;
	struct nft_culprit culprit;
	struct nft_mapping m = mapping(1);
	uint16_t port;

	knock_init(&f);
	for (port = 6000; port < 8000; port++)
		send_udp("wan1", WAN_ADDR + 8, WAN_ADDR, port);
	CU_ASSERT_TRUE(is_knocked_soon(&f, 7999));
	CU_ASSERT_EQUAL(watch(&f, &culprit), 0);
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	CU_ASSERT_EQUAL(knocked(&f, 6000), 1);
	CU_ASSERT_EQUAL(sh("nft list ruleset | nft -c -f -"), 0);

	stop(&f);
	start(&f, &all_caps);
	CU_ASSERT_EQUAL(f.nft->set_net(f.nft, &wan_and_lan), 0);
	CU_ASSERT_EQUAL(knocked(&f, 6000), -EAGAIN);
	CU_ASSERT_EQUAL(sync_now(&f), 0);
	CU_ASSERT_EQUAL(knocked(&f, 6000), 1);
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_ADD, NFT_SOURCE_ADD, &m), 0);
	fixture_exit(&f);
}

static void
test_the_record_of_knocks_is_another_when_some_may_be_missing(void)
{
	struct fixture f;
	uint64_t first = 0, second = 0, third = 0;

	knock_init(&f);
	CU_ASSERT_EQUAL(f.nft->knocked(f.nft, IPPROTO_TCP, 1, &first), 0);
	CU_ASSERT_EQUAL(f.nft->knocked(f.nft, IPPROTO_TCP, 2, &second), 0);
	CU_ASSERT_EQUAL(first, second);
	CU_ASSERT_EQUAL(f.nft->set_net(f.nft, &wan_and_lan), 0);
	CU_ASSERT_EQUAL(f.nft->knocked(f.nft, IPPROTO_TCP, 1, &second), 0);
	CU_ASSERT_NOT_EQUAL(first, second);
	CU_ASSERT_EQUAL(sh("nft delete table inet portreeve"), 0);
	CU_ASSERT(sync_now(&f) > 0);
	CU_ASSERT_EQUAL(f.nft->knocked(f.nft, IPPROTO_TCP, 1, &third), 0);
	CU_ASSERT_NOT_EQUAL(second, third);
	fixture_exit(&f);
}

static void
test_a_mapped_port_counts_and_is_not_knocked_at(void)
{
	struct fixture f;
	struct nft_mapping m = mapping(2);
	uint64_t packets = 0;

	knock_init(&f);
	m.internal_client = LAN_ADDR + 8;
	CU_ASSERT_EQUAL(apply(&f, NFT_MAP_ADD, NFT_SOURCE_ADD, &m), 0);
	send_udp("wan1", WAN_ADDR + 8, WAN_ADDR, m.external_port);
	send_udp("wan1", WAN_ADDR + 8, WAN_ADDR, 6000);
	CU_ASSERT_TRUE(is_knocked_soon(&f, 6000));
	CU_ASSERT_EQUAL(knocked(&f, m.external_port), 0);
	CU_ASSERT_EQUAL(f.nft->map_use(f.nft, &m, &packets), 0);
	CU_ASSERT_EQUAL(packets, 1);
	fixture_exit(&f);
}

/* ---- connection tracking ---- */

/* Reads until the sweep has ended. */
static void
sweep(struct conntrack *ct)
{
	struct pollfd pfd = { .fd = conntrack_fd(ct), .events = POLLIN };

	CU_ASSERT_EQUAL(conntrack_sweep(ct), 0);
	while (poll(&pfd, 1, 50) > 0)
		CU_ASSERT_EQUAL(conntrack_read(ct), 0);
}

static int
flows(const char *filter)
{
	return atoi(output("conntrack -L %s 2>/dev/null | wc -l", filter));
}

/* A peer's flow through a mapping of 8080 to @client, as the kernel would have it. */
static void
add_mapped_flow(const char *peer, const char *client)
{
	CU_ASSERT_EQUAL(sh("conntrack -I -p tcp -s %s -d 203.0.113.1 --sport 4000 --dport 8080 "
			   "--dst-nat %s:80 --state ESTABLISHED -t 100 -u SEEN_REPLY,ASSURED",
			    peer, client),
	    0);
}

static struct conntrack *
conntrack_start(void)
{
	struct conntrack *ct;

	CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNET), 0);
	ct = conntrack_new(NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ct);
	return ct;
}

static void
test_flows_end_with_their_mapping(void)
{
	struct conntrack *ct = conntrack_start();
	struct ct_match match = { .external_port = 8080, .protocol = IPPROTO_TCP };

	add_mapped_flow("203.0.113.9", "192.168.1.10");
	add_mapped_flow("203.0.113.10", "192.168.1.10");
	add_mapped_flow("203.0.113.11", "192.168.1.11");
	CU_ASSERT_EQUAL(flows("--dst-nat"), 3);

	match.external_port = 8081;
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	sweep(ct);
	CU_ASSERT_EQUAL(flows(""), 3);

	match.external_port = 8080;
	match.internal_client = 0xc0a8010a;
	match.internal_port = 80;
	match.remote_host = 0xcb007109;
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	sweep(ct);
	CU_ASSERT_EQUAL(flows(""), 2);
	CU_ASSERT_EQUAL(flows("-s 203.0.113.9"), 0);

	/* Two wishes at once, so that the kernel cannot filter by port. */
	match.remote_host = 0;
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	match.external_port = 9;
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	sweep(ct);
	CU_ASSERT_EQUAL(flows(""), 1);
	CU_ASSERT_EQUAL(flows("-s 203.0.113.11"), 1);
	CU_ASSERT_EQUAL(conntrack_forgotten(ct), 2);
	conntrack_free(ct);
}

/* While they are still there. */
static void
on_ending(void *arg, const struct nft_flow *ended, size_t n)
{
	struct fixture *f = arg;

	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_EQUAL(flows("--dst-nat"), 1);
	CU_ASSERT_EQUAL(f->nft->end_flows(f->nft, ended, n), 0);
	CU_ASSERT_EQUAL(f->nft->end_flows(f->nft, ended, n), 0); /* known already: no error */
}

static void
test_tcp_flows_that_end_are_named_to_the_kernel_before(void)
{
	struct ct_match match = { .external_port = 8080, .protocol = IPPROTO_TCP };
	struct nft_flow six = { .inside_port = 80, .peer_port = 4000 };
	struct conntrack *ct;
	struct fixture f;

	fixture_init(&f, false, &all_caps);
	CU_ASSERT(sync_now(&f) > 0);
	ct = conntrack_new(on_ending, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ct);
	add_mapped_flow("203.0.113.9", "192.168.1.10");
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	sweep(ct);
	CU_ASSERT_EQUAL(flows(""), 0);
	CU_ASSERT_STRING_EQUAL(output("nft list set inet portreeve ended4 | "
				      "grep -o '192.* timeout 1h'"),
	    "192.168.1.10 . 80 . 203.0.113.9 . 4000 timeout 1h");
	addr6_parse("2001:db8:1::7", &six.inside);
	addr6_parse("2001:db8:f::9", &six.peer);
	CU_ASSERT_EQUAL(f.nft->end_flows(f.nft, &six, 1), 0);
	CU_ASSERT_STRING_EQUAL(output("nft list set inet portreeve ended6 | "
				      "grep -o '2001.* timeout 1h'"),
	    "2001:db8:1::7 . 80 . 2001:db8:f::9 . 4000 timeout 1h");
	CU_ASSERT_EQUAL(sync_now(&f), 0); /* and they are no fault of the table */
	conntrack_free(ct);
	fixture_exit(&f);
}

static void
test_a_new_mapping_clears_unanswered_flows_only(void)
{
	struct conntrack *ct = conntrack_start();
	struct ct_match match = {
		.external_port = 8080, .protocol = IPPROTO_UDP, .unreplied_only = true
	};

	/* A peer that was sending already, one that was answered, and a LAN host's own flow. */
	CU_ASSERT_EQUAL(sh("conntrack -I -p udp -s 203.0.113.9 -d 203.0.113.1 --sport 4000 "
			   "--dport 8080 -t 100"),
	    0);
	CU_ASSERT_EQUAL(sh("conntrack -I -p udp -s 203.0.113.10 -d 203.0.113.1 --sport 4000 "
			   "--dport 8080 -t 100 -u SEEN_REPLY"),
	    0);
	CU_ASSERT_EQUAL(sh("conntrack -I -p udp -s 192.168.1.10 -d 203.0.113.9 --sport 4000 "
			   "--dport 8080 --src-nat 203.0.113.1 -t 100"),
	    0);
	CU_ASSERT_EQUAL(flows(""), 3);
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	sweep(ct);
	CU_ASSERT_EQUAL(flows(""), 2);
	CU_ASSERT_EQUAL(flows("-s 203.0.113.9"), 0);
	conntrack_free(ct);
}

static void
test_a_survey_finds_the_ports_of_unanswered_flows(void)
{
	struct conntrack *ct = conntrack_start();
	struct ct_match match = {
		.external_port = 8080, .protocol = IPPROTO_UDP, .unreplied_only = true
	};
	struct ct_ports ports;
	int round;

	CU_ASSERT_EQUAL(sh("conntrack -I -p udp -s 203.0.113.9 -d 203.0.113.1 --sport 4000 "
			   "--dport 8081 -t 100"),
	    0);
	CU_ASSERT_EQUAL(sh("conntrack -I -p udp -s 203.0.113.10 -d 203.0.113.1 --sport 4000 "
			   "--dport 8082 -t 100 -u SEEN_REPLY"),
	    0);
	add_mapped_flow("203.0.113.9", "192.168.1.10");
	/* Alone, with a wish that the kernel could filter by, and with one of another kind. */
	for (round = 0; round < 3; round++) {
		conntrack_survey(ct, &ports);
		CU_ASSERT_FALSE(ports.complete);
		match.unreplied_only = round == 1;
		if (round)
			CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
		sweep(ct);
		CU_ASSERT_TRUE(ports.complete);
		CU_ASSERT_TRUE(conntrack_has_port(&ports, IPPROTO_UDP, 8081));
		CU_ASSERT_FALSE(conntrack_has_port(&ports, IPPROTO_TCP, 8081));
		CU_ASSERT_FALSE(conntrack_has_port(&ports, IPPROTO_UDP, 8082));
		CU_ASSERT_FALSE(conntrack_has_port(&ports, IPPROTO_TCP, 8080));
	}
	CU_ASSERT_EQUAL(flows(""), 3);
	conntrack_free(ct);
}

static void
test_a_survey_asked_for_during_a_sweep_waits_for_the_next(void)
{
	struct conntrack *ct = conntrack_start();
	struct ct_ports ports;

	conntrack_survey(ct, &ports);
	CU_ASSERT_EQUAL(conntrack_sweep(ct), 0);
	conntrack_survey(ct, &ports);
	CU_ASSERT_EQUAL(conntrack_read(ct), 0);
	CU_ASSERT_FALSE(ports.complete);
	sweep(ct);
	CU_ASSERT_TRUE(ports.complete);
	conntrack_free(ct);
}

static void
test_wishes_of_a_running_sweep_wait_for_the_next(void)
{
	struct conntrack *ct = conntrack_start();
	struct ct_match match = { .external_port = 9, .protocol = IPPROTO_TCP };

	add_mapped_flow("203.0.113.9", "192.168.1.10");
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	CU_ASSERT_EQUAL(conntrack_sweep(ct), 0);
	match.external_port = 8080;
	CU_ASSERT_EQUAL(conntrack_forget(ct, &match), 0);
	sweep(ct); /* asked for while the first is under way */
	CU_ASSERT_EQUAL(conntrack_forgotten(ct), 1);
	CU_ASSERT_EQUAL(flows(""), 0);
	conntrack_free(ct);
}

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

/* ---- IPv6 flows ---- */

static void
add_flow6(const char *src, unsigned sport, const char *dst, unsigned dport)
{
	CU_ASSERT_EQUAL(sh("conntrack -I -p udp -s %s -d %s --sport %u --dport %u -t 100 "
			   "-u SEEN_REPLY",
			    src, dst, sport, dport),
	    0);
}

static bool
has_flow6(const char *src, const char *dst, unsigned dport)
{
	return sh("conntrack -L -f ipv6 -p udp -s %s -d %s --dport %u | grep -q .", src, dst,
		   dport) == 0;
}

static void
test_flows_end_with_their_pinhole(void)
{
	struct ct_match6 wishes[2] = { { .protocol = IPPROTO_UDP, .internal_port = 8080 } };

	if (sh("command -v conntrack") != 0) {
		printf("skipped: no conntrack(8) ");
		return;
	}
	CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNET), 0);
	addr6_parse("2001:db8:1::7", &wishes[0].internal_client);
	add_flow6("2001:db8:f::9", 5000, "2001:db8:1::7", 8080);
	add_flow6("2001:db8:f::9", 5000, "2001:db8:1::7", 8081);
	add_flow6("2001:db8:f::9", 5000, "2001:db8:1::8", 8080);
	add_flow6("2001:db8:1::7", 8080, "2001:db8:f::9", 5001); /* begun inside */
	CU_ASSERT_EQUAL(conntrack6_forget(wishes, 1, NULL, NULL), 1);
	CU_ASSERT_FALSE(has_flow6("2001:db8:f::9", "2001:db8:1::7", 8080));
	CU_ASSERT_TRUE(has_flow6("2001:db8:f::9", "2001:db8:1::7", 8081));
	CU_ASSERT_TRUE(has_flow6("2001:db8:f::9", "2001:db8:1::8", 8080));
	CU_ASSERT_TRUE(has_flow6("2001:db8:1::7", "2001:db8:f::9", 5001));

	/* several at once, and of any port: no filter in the kernel then */
	wishes[0].internal_port = 0;
	wishes[0].protocol = CT_PROTO_ANY;
	wishes[1] = wishes[0];
	addr6_parse("2001:db8:1::8", &wishes[1].internal_client);
	wishes[1].remote_port = 4999;
	CU_ASSERT_EQUAL(conntrack6_forget(wishes, 2, NULL, NULL), 1);
	wishes[1].remote_port = 5000;
	addr6_parse("2001:db8:f::8", &wishes[1].remote_host);
	CU_ASSERT_EQUAL(conntrack6_forget(wishes, 2, NULL, NULL), 0);
	addr6_parse("2001:db8:f::9", &wishes[1].remote_host);
	CU_ASSERT_EQUAL(conntrack6_forget(wishes, 2, NULL, NULL), 1);
	CU_ASSERT_TRUE(has_flow6("2001:db8:1::7", "2001:db8:f::9", 5001));
	CU_ASSERT_EQUAL(conntrack6_forget(wishes, 0, NULL, NULL), 0);
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
	UNIT_TEST(flows_end_with_their_pinhole),
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
	UNIT_TEST(flows_end_with_their_mapping),
	UNIT_TEST(tcp_flows_that_end_are_named_to_the_kernel_before),
	UNIT_TEST(a_new_mapping_clears_unanswered_flows_only),
	UNIT_TEST(a_port_that_was_tried_in_vain_is_remembered),
	UNIT_TEST(a_sender_that_goes_on_stays_remembered),
	UNIT_TEST(knocks_neither_wake_us_nor_are_they_mended),
	UNIT_TEST(the_record_of_knocks_is_another_when_some_may_be_missing),
	UNIT_TEST(a_mapped_port_counts_and_is_not_knocked_at),
	UNIT_TEST(a_survey_finds_the_ports_of_unanswered_flows),
	UNIT_TEST(a_survey_asked_for_during_a_sweep_waits_for_the_next),
	UNIT_TEST(wishes_of_a_running_sweep_wait_for_the_next),
	UNIT_END,
};

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	log_open("test", LOG_LEVEL_ERROR);
	if (!unit_enter_netns("nft_kernel"))
		return UNIT_SKIPPED;
	if (sh("nft --version && conntrack --version") != 0) {
		printf("nft_kernel: skipped: nft(8) or conntrack(8) is missing\n");
		return UNIT_SKIPPED;
	}
	return unit_run("nft_kernel", tests);
}
