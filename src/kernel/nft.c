/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs of struct nft on the real kernel. One socket makes all changes, as only it may when the
 * table is owned; another one listens.
 */
#include "kernel/nft.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/nft_batch.h"
#include "kernel/nft_elem.h"
#include "kernel/nft_join.h"
#include "kernel/nft_plan.h"
#include "kernel/nft_present.h"
#include "kernel/nft_probe.h"
#include "kernel/nft_sync.h"
#include "kernel/nft_table.h"
#include "kernel/nft_watch.h"
#include "lib/log.h"

struct nft_kernel {
	struct nft nft; /* first: the core holds a pointer to it */
	struct nft_config config;
	struct nft_caps caps;
	struct nfnl nl;
	struct nft_watch watch;
	struct nft_join join;
	struct nft_batch batch; /* its memory serves all requests */
	struct nft_net net;     /* as the kernel has it, or shall have it at the next sync */
	bool net_known;
	bool synced;     /* once at least */
	uint64_t record; /* of knocks; another number whenever some may have been missed */
	struct nft_health health;
	nft_next_pinhole_fn next_pinhole;
	void *pinhole_arg;
};

static struct nft_kernel *
kernel_of(struct nft *nft)
{
	return (struct nft_kernel *)nft;
}

/* Never the same again, in another struct nft neither. */
static void
begin_record(struct nft_kernel *k)
{
	static uint64_t records;

	k->record = ++records;
}

/* ---- one transaction of elements ---- */

/* Where hosts are open, connections are counted in two places and known as their sum only: there
 * neither goes on from it. */
static void
put_map(const struct nft_kernel *k, const struct nft_mapping *m, enum nft_set_id *set,
    struct nft_elem *elem)
{
	nft_elem_map(m, set, elem);
	if (k->config.open_hosts)
		elem->packets = 0;
}

static void
plan_change(const struct nft_kernel *k, struct nft_plan *plan, const struct nft_change *change)
{
	enum nft_how how = NFT_HOW_ADD;
	struct nft_elem elem;
	enum nft_set_id set;

	switch (change->op) {
	case NFT_MAP_ADD:
	case NFT_SOURCE_ADD:
	case NFT_PINHOLE_ADD:
		break;
	case NFT_MAP_DEL:
	case NFT_SOURCE_DEL:
	case NFT_PINHOLE_DEL:
		how = NFT_HOW_DELETE;
		break;
	case NFT_MAP_RENEW:
	case NFT_SOURCE_RENEW:
	case NFT_PINHOLE_RENEW:
		how = NFT_HOW_RENEW;
		break;
	}
	if (change->op >= NFT_PINHOLE_ADD) {
		nft_elem_pinhole(&change->pinhole, &set, &elem);
		nft_plan_add(plan, set, how, &elem);
		return;
	}
	if (change->op >= NFT_SOURCE_ADD) {
		nft_elem_source(&change->mapping, &elem);
		nft_plan_add(plan, SET_SRC4, how, &elem);
		if (k->config.open_hosts) {
			nft_elem_open(&change->mapping, &set, &elem);
			nft_plan_add(plan, set, how, &elem);
		}
		return;
	}
	put_map(k, &change->mapping, &set, &elem);
	nft_plan_add(plan, set, how, &elem);
	if (set == SET_PM4) {
		nft_elem_mapped(&change->mapping, &elem);
		nft_plan_add(plan, SET_MAPPED4, how, &elem);
	} else {
		nft_elem_mapped_remote(&change->mapping, &elem);
		nft_plan_add(plan, SET_MAPPED4R, how, &elem);
	}
}

static void
begin_plan(struct nft_kernel *k, struct nft_plan *plan)
{
	nft_plan_begin(plan, &k->nl, &k->batch, &k->caps);
}

static int
run_plan(struct nft_kernel *k, struct nft_plan *plan)
{
	int rc = nft_plan_run(plan);

	if (rc == -ENOENT)
		k->health.table_ok = false;
	return rc;
}

static int
kernel_apply(struct nft *nft, const struct nft_change *changes, size_t n)
{
	struct nft_kernel *k = kernel_of(nft);
	struct nft_plan plan;
	size_t i;

	if (n > NFT_CHANGES_MAX)
		return -EINVAL;
	begin_plan(k, &plan);
	for (i = 0; i < n; i++)
		plan_change(k, &plan, &changes[i]);
	return run_plan(k, &plan);
}

static int
kernel_end_flows(struct nft *nft, const struct nft_flow *flows, size_t n)
{
	struct nft_kernel *k = kernel_of(nft);
	struct nft_elem elem;
	enum nft_set_id set;
	struct nft_plan plan;
	size_t i;

	if (n > NFT_CHANGES_MAX)
		return -EINVAL;
	begin_plan(k, &plan);
	for (i = 0; i < n; i++) {
		nft_elem_flow(&flows[i], &set, &elem);
		nft_plan_add(&plan, set, NFT_HOW_UPDATE, &elem);
	}
	return run_plan(k, &plan);
}

/* ---- interfaces and addresses ---- */

static const enum nft_set_id net_sets[] = { SET_WAN_IF, SET_LAN_IF, SET_WAN4, SET_CLAMP_IF };

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NET_SETS N_OF(net_sets)
#define NET_MAX 17 /* elements of each */

/* What @net means for one of these sets. Returns the number of elements. */
static size_t
net_elems(const struct nft_net *net, enum nft_set_id set, struct nft_elem elems[NET_MAX])
{
	size_t n = 0, i;

	if (set == SET_WAN_IF && net->wan[0])
		nft_elem_ifname(net->wan, &elems[n++]);
	for (i = 0; set == SET_LAN_IF && i < net->n_lans && i < N_OF(net->lans); i++)
		nft_elem_ifname(net->lans[i], &elems[n++]);
	for (i = 0; set == SET_WAN4 && i < net->n_wan_addrs && i < N_OF(net->wan_addrs); i++)
		nft_elem_addr(net->wan_addrs[i], &elems[n++]);
	for (i = 0; set == SET_CLAMP_IF && i < net->n_clamp && i < N_OF(net->clamp); i++)
		nft_elem_ifname(net->clamp[i], &elems[n++]);
	return n;
}

static bool
has_key(const struct nft_elem *elems, size_t n, const struct nft_elem *elem)
{
	while (n--)
		if (memcmp(elems[n].key, elem->key, sizeof(elem->key)) == 0)
			return true;
	return false;
}

static void
plan_net(struct nft_plan *plan, enum nft_set_id set, const struct nft_net *from,
    const struct nft_net *to)
{
	struct nft_elem old[NET_MAX], new[NET_MAX];
	size_t n_old = net_elems(from, set, old), n_new = net_elems(to, set, new), i;

	for (i = 0; i < n_old; i++)
		if (!has_key(new, n_new, &old[i]) && !has_key(old, i, &old[i]))
			nft_plan_add(plan, set, NFT_HOW_DELETE, &old[i]);
	for (i = 0; i < n_new; i++)
		if (!has_key(old, n_old, &new[i]) && !has_key(new, i, &new[i]))
			nft_plan_add(plan, set, NFT_HOW_UPDATE, &new[i]);
}

/* Each of them as it was and as it will be. */
#define NET_STEPS_MAX                                                                              \
	(2 * (1 + N_OF(((struct nft_net *)0)->lans) + N_OF(((struct nft_net *)0)->wan_addrs) +     \
		 N_OF(((struct nft_net *)0)->clamp)))
_Static_assert(NET_STEPS_MAX <= NFT_STEPS_MAX, "a plan must hold a whole change of net");

static int
kernel_set_net(struct nft *nft, const struct nft_net *net)
{
	struct nft_kernel *k = kernel_of(nft);
	struct nft_plan plan;
	size_t i;
	int rc = 0;

	if (k->synced) {
		begin_plan(k, &plan);
		for (i = 0; i < NET_SETS; i++)
			plan_net(&plan, net_sets[i], &k->net, net);
		rc = run_plan(k, &plan);
	}
	/* Also after an error: it is what sync() shall bring about. */
	k->net = *net;
	k->net_known = true;
	begin_record(k);
	return rc;
}

/* ---- sync ---- */

/* A counter is for sets that have one. */
static int
want_elem(
    const struct nft_kernel *k, struct nft_sync *sync, enum nft_set_id set, struct nft_elem *elem)
{
	if (!k->caps.counters)
		elem->packets = elem->octets = 0;
	return nft_elems_add(&sync->wanted[set], elem);
}

static int
want_mapping(const struct nft_kernel *k, struct nft_sync *sync, const struct nft_mapping *m)
{
	struct nft_elem elem;
	enum nft_set_id set;
	int rc;

	put_map(k, m, &set, &elem);
	rc = want_elem(k, sync, set, &elem);
	if (rc == 0 && set == SET_PM4) {
		nft_elem_mapped(m, &elem);
		rc = want_elem(k, sync, SET_MAPPED4, &elem);
	} else if (rc == 0) {
		nft_elem_mapped_remote(m, &elem);
		rc = want_elem(k, sync, SET_MAPPED4R, &elem);
	}
	if (rc == 0 && m->keep_source) {
		nft_elem_source(m, &elem);
		rc = nft_elems_add(&sync->wanted[SET_SRC4], &elem);
	}
	if (rc == 0 && m->keep_source && k->config.open_hosts) {
		nft_elem_open(m, &set, &elem);
		rc = nft_elems_add(&sync->wanted[set], &elem);
	}
	return rc;
}

static int
want_pinholes(struct nft_kernel *k, struct nft_sync *sync)
{
	const void *cursor = NULL;
	struct nft_pinhole p;
	struct nft_elem elem;
	enum nft_set_id set;
	int rc = 0;

	while (rc == 0 && k->next_pinhole && k->next_pinhole(k->pinhole_arg, &cursor, &p)) {
		nft_elem_pinhole(&p, &set, &elem);
		rc = nft_elems_add(&sync->wanted[set], &elem);
	}
	return rc;
}

static int
want_all(struct nft_kernel *k, struct nft_sync *sync, nft_next_fn next, void *arg)
{
	struct nft_elem elems[NET_MAX];
	const void *cursor = NULL;
	struct nft_mapping m;
	size_t s, i, n;
	int rc = 0;

	while (rc == 0 && next(arg, &cursor, &m))
		rc = want_mapping(k, sync, &m);
	if (rc == 0)
		rc = want_pinholes(k, sync);
	for (i = 0; i < k->config.n_services && rc == 0; i++) {
		const struct nft_port *port = &k->config.services[i];
		const struct nft_mapping like = { .protocol = port->protocol,
			.external_port = port->port };

		nft_elem_mapped(&like, &elems[0]);
		rc = nft_elems_add(&sync->wanted[SET_SERVICES], &elems[0]);
	}
	for (s = 0; s < NET_SETS; s++) {
		n = net_elems(&k->net, net_sets[s], elems);
		for (i = 0; i < n && rc == 0; i++)
			rc = nft_elems_add(&sync->wanted[net_sets[s]], &elems[i]);
	}
	return rc;
}

/* What the kernel still had of an earlier run. */
static void
learn_net(struct nft_kernel *k, const struct nft_sync *sync)
{
	const struct nft_elems *wan = &sync->wanted[SET_WAN_IF], *lan = &sync->wanted[SET_LAN_IF];
	const struct nft_elems *wan4 = &sync->wanted[SET_WAN4],
			       *clamp = &sync->wanted[SET_CLAMP_IF];
	struct nft_net net = { 0 };
	size_t i;

	if (wan->n)
		memcpy(net.wan, wan->v[0].key, IFNAMSIZ - 1);
	for (i = 0; i < lan->n && i < N_OF(net.lans); i++)
		memcpy(net.lans[net.n_lans++], lan->v[i].key, IFNAMSIZ - 1);
	for (i = 0; i < clamp->n && i < N_OF(net.clamp); i++)
		memcpy(net.clamp[net.n_clamp++], clamp->v[i].key, IFNAMSIZ - 1);
	for (i = 0; i < wan4->n && i < N_OF(net.wan_addrs); i++) {
		const uint8_t *a = wan4->v[i].key;

		net.wan_addrs[net.n_wan_addrs++] =
		    (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];
	}
	k->net = net;
}

static int
kernel_sync(struct nft *nft, nft_next_fn next, void *arg)
{
	struct nft_kernel *k = kernel_of(nft);
	struct nft_sync sync = {
		.nl = &k->nl,
		.watch = &k->watch,
		.caps = &k->caps,
		.config = &k->config,
		.keep_net = !k->net_known,
	};
	int rc;

	rc = want_all(k, &sync, next, arg);
	if (rc == 0)
		rc = nft_sync_run(&sync);
	k->health.table_ok = rc == 0;
	if (rc == 0) {
		k->health.owned = sync.owned;
		k->health.heals += k->synced && sync.changed;
		if (!k->net_known)
			learn_net(k, &sync);
		k->synced = true;
		rc = (int)sync.changed;
	}
	begin_record(k);
	nft_sync_exit(&sync);
	return rc;
}

/* ---- the rest ---- */

static int
kernel_watch_fd(const struct nft *nft)
{
	return ((const struct nft_kernel *)nft)->watch.nl.fd;
}

static int
kernel_watch_read(struct nft *nft, struct nft_culprit *culprit)
{
	struct nft_kernel *k = kernel_of(nft);
	int rc = nft_watch_read(&k->watch, culprit);

	if (rc < 0 || (rc > 0 && culprit->table))
		k->health.table_ok = false;
	return rc;
}

static int
kernel_join(struct nft *nft)
{
	return nft_join_run(&kernel_of(nft)->join);
}

static int
kernel_leave(struct nft *nft, const struct nft_config *next)
{
	return nft_join_leave(&kernel_of(nft)->join, next);
}

static int
kernel_map_use(struct nft *nft, const struct nft_mapping *mapping, uint64_t *packets)
{
	struct nft_kernel *k = kernel_of(nft);
	struct nft_elem elem;
	enum nft_set_id set;
	int rc;

	if (!k->caps.counters)
		return -EOPNOTSUPP;
	nft_elem_map(mapping, &set, &elem);
	rc = nft_present_ask(&k->nl, set, &elem);
	if (rc < 0)
		return rc;
	*packets = elem.packets;
	if (!k->config.open_hosts || !mapping->keep_source)
		return 0;
	nft_elem_open(mapping, &set, &elem);
	rc = nft_present_ask(&k->nl, set, &elem);
	if (rc == 0)
		*packets += elem.packets;
	return rc;
}

static int
kernel_map_traffic(
    struct nft *nft, const struct nft_mapping *mapping, uint64_t *packets, uint64_t *octets)
{
	enum nft_set_id set = mapping->remote_host ? SET_MAPPED4R : SET_MAPPED4;
	struct nft_kernel *k = kernel_of(nft);
	struct nft_elem elem;
	int rc;

	if (!k->caps.counters)
		return -EOPNOTSUPP;
	if (mapping->remote_host)
		nft_elem_mapped_remote(mapping, &elem);
	else
		nft_elem_mapped(mapping, &elem);
	rc = nft_present_ask(&k->nl, set, &elem);
	if (rc < 0)
		return rc;
	*packets = elem.packets;
	*octets = elem.octets;
	return 0;
}

static int
kernel_pinhole_use(struct nft *nft, const struct nft_pinhole *pinhole, uint64_t *packets)
{
	struct nft_kernel *k = kernel_of(nft);
	struct nft_elem elem;
	enum nft_set_id set;
	int rc;

	if (!k->caps.counters)
		return -EOPNOTSUPP;
	nft_elem_pinhole(pinhole, &set, &elem);
	rc = nft_present_ask(&k->nl, set, &elem);
	if (rc == 0)
		*packets = elem.packets;
	return rc;
}

static void
kernel_set_pinholes(struct nft *nft, nft_next_pinhole_fn next, void *arg)
{
	kernel_of(nft)->next_pinhole = next;
	kernel_of(nft)->pinhole_arg = arg;
}

static int
kernel_knocked(struct nft *nft, uint8_t protocol, uint16_t port, uint64_t *record)
{
	const struct nft_mapping like = { .protocol = protocol, .external_port = port };
	struct nft_kernel *k = kernel_of(nft);
	struct nft_elem elem;
	int rc;

	*record = k->record;
	if (!k->health.table_ok)
		return -EAGAIN;
	nft_elem_mapped(&like, &elem);
	rc = nft_present_ask(&k->nl, SET_KNOCKED4, &elem);
	return rc == 0 ? 1 : rc == -ENOENT ? 0 : rc;
}

static void
kernel_health(const struct nft *nft, struct nft_health *health)
{
	const struct nft_kernel *k = (const struct nft_kernel *)nft;

	*health = k->health;
	health->joins = k->config.n_joins;
	health->joined = nft_join_count(&k->join);
}

static int
kernel_remove(struct nft *nft)
{
	struct nft_kernel *k = kernel_of(nft);
	int rc, left = nft_join_leave(&k->join, NULL);
	struct nlmsghdr *nlh;

	nft_batch_begin(&k->batch);
	nlh = nft_batch_msg(&k->batch, NFT_MSG_DELTABLE, 0, NFT_ROOM);
	if (nlh)
		nft_table_put(nlh, NFT_TABLE, 0);
	rc = nft_batch_send(&k->batch, NULL, NULL);
	k->health.table_ok = k->health.owned = k->synced = false;
	return rc == 0 || rc == -ENOENT ? left : rc;
}

static void
kernel_free(struct nft *nft)
{
	struct nft_kernel *k = kernel_of(nft);

	nft_batch_exit(&k->batch);
	nft_watch_close(&k->watch);
	nfnl_close(&k->nl);
	free(k);
}

static const struct nft verbs = {
	.apply = kernel_apply,
	.set_net = kernel_set_net,
	.sync = kernel_sync,
	.watch_fd = kernel_watch_fd,
	.watch_read = kernel_watch_read,
	.map_use = kernel_map_use,
	.map_traffic = kernel_map_traffic,
	.pinhole_use = kernel_pinhole_use,
	.set_pinholes = kernel_set_pinholes,
	.knocked = kernel_knocked,
	.end_flows = kernel_end_flows,
	.join = kernel_join,
	.leave = kernel_leave,
	.health = kernel_health,
	.remove = kernel_remove,
	.free = kernel_free,
};

static const char *
yes(bool value)
{
	return value ? "yes" : "no";
}

static int
open_kernel(struct nft_kernel *k)
{
	int rc = nfnl_open(&k->nl);

	if (rc == 0)
		rc = nft_watch_open(&k->watch, k->nl.portid, &k->config);
	if (rc == 0)
		rc = nft_probe(&k->nl, &k->caps);
	return rc;
}

/* Better without one than without a table. */
static void
drop_missing_helpers(struct nft_kernel *k)
{
	uint32_t wanted = k->config.helpers;
	int i;

	if (!wanted)
		return;
	k->config.helpers = nft_probe_helpers(&k->nl, wanted);
	for (i = 0; i < NFT_HELPERS; i++)
		if (wanted & ~k->config.helpers & nft_helpers[i].of)
			log_warn("helpers: this kernel has none for %s", nft_helpers[i].name);
}

static const char *
what_to_do(int rc)
{
	switch (-rc) {
	case EPERM:
	case EACCES:
		return ": start portreeved as root, or inside \"unshare -Urn\"";
	case EPROTONOSUPPORT:
	case EAFNOSUPPORT:
	case EOPNOTSUPP:
	case EINVAL:
	case ENOENT:
		return ": the kernel needs CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET and "
		       "CONFIG_NFT_NAT: "
		       "try \"modprobe nf_tables\" and \"modprobe nft_chain_nat\"";
	}
	return "";
}

struct nft *
nft_new_limited(const struct nft_config *config, const struct nft_caps *limit)
{
	struct nft_kernel *k = calloc(1, sizeof(*k));
	int rc;

	if (!k) {
		log_error("nf_tables: no memory");
		return NULL;
	}
	k->nft = verbs;
	k->config = *config;
	k->nl.fd = k->watch.nl.fd = -1;
	nft_batch_init(&k->batch, &k->nl);
	k->join = (struct nft_join){ .nl = &k->nl, .config = &k->config };
	begin_record(k);
	rc = open_kernel(k);
	if (rc < 0) {
		log_error("nf_tables cannot be used: %s%s", strerror(-rc), what_to_do(rc));
		kernel_free(&k->nft);
		return NULL;
	}
	drop_missing_helpers(k);
	k->caps.owner_persist &= limit->owner_persist;
	k->caps.renew_in_place &= limit->renew_in_place;
	k->caps.destroy &= limit->destroy;
	k->caps.counters &= limit->counters;
	k->health.renew_in_place = k->caps.renew_in_place;
	k->health.owner_persist = k->caps.owner_persist;
	k->health.destroy = k->caps.destroy;
	k->health.counters = k->caps.counters;
	log_debug("nf_tables: owned tables %s, renewal in place %s, destroy %s, counters %s",
	    yes(k->caps.owner_persist), yes(k->caps.renew_in_place), yes(k->caps.destroy),
	    yes(k->caps.counters));
	return &k->nft;
}

struct nft *
nft_new(const struct nft_config *config)
{
	static const struct nft_caps all = { true, true, true, true };

	return nft_new_limited(config, &all);
}
