/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fakes.h"
#include "unit.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/connection.h"
#include "core/dhcp.h"
#include "core/share.h"
#include "core/control.h"
#include "core/flows.h"
#include "core/heal.h"
#include "core/network.h"
#include "core/pinhole.h"
#include "platform/cttimeout.h"
#include "platform/neigh.h"
#include "core/parent.h"
#include "core/wan.h"
#include "ipc/channel.h"
#include "lib/compiler.h"
#include "lib/log.h"

struct fake_record fake_record;
int64_t fake_now_ms, fake_wall_s;

static int64_t
now_ms(void)
{
	return fake_now_ms;
}

static int64_t
wall_s(void)
{
	return fake_wall_s;
}

/* One failure that was ordered. */
static int
take(int *failure)
{
	int rc = *failure;

	*failure = 0;
	return rc;
}

/* ---- kernel ---- */

static bool
same_map(const struct nft_mapping *a, const struct nft_mapping *b)
{
	return a->protocol == b->protocol && a->external_port == b->external_port &&
	       a->remote_host == b->remote_host;
}

static bool
same_source(const struct nft_mapping *a, const struct nft_mapping *b)
{
	return a->protocol == b->protocol && a->internal_client == b->internal_client &&
	       a->internal_port == b->internal_port;
}

typedef bool (*same_fn)(const struct nft_mapping *a, const struct nft_mapping *b);

static struct nft_mapping *
set_find(struct fake_set *set, same_fn same, const struct nft_mapping *m)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (same(&set->item[i], m))
			return &set->item[i];
	return NULL;
}

static int
set_add(struct fake_set *set, same_fn same, const struct nft_mapping *m)
{
	struct nft_mapping *old = set_find(set, same, m);

	if (!old) {
		if (set->n == FAKE_ELEMENTS_MAX)
			return -ENFILE;
		set->item[set->n++] = *m;
		return 0;
	}
	if (old->internal_client != m->internal_client || old->internal_port != m->internal_port ||
	    old->external_port != m->external_port)
		return -EEXIST;
	*old = *m;
	return 0;
}

static void
set_del(struct fake_set *set, same_fn same, const struct nft_mapping *m)
{
	struct nft_mapping *old = set_find(set, same, m);

	if (old)
		*old = set->item[--set->n];
}

static bool
same_pinhole(const struct nft_pinhole *a, const struct nft_pinhole *b)
{
	return addr6_same(&a->remote_host, &b->remote_host) &&
	       addr6_same(&a->internal_client, &b->internal_client) &&
	       a->remote_port == b->remote_port && a->internal_port == b->internal_port &&
	       a->protocol == b->protocol;
}

static struct nft_pinhole *
nft_pinhole_find(struct fake_nft *f, const struct nft_pinhole *p)
{
	size_t i;

	for (i = 0; i < f->n_pinholes; i++)
		if (same_pinhole(&f->pinholes[i], p))
			return &f->pinholes[i];
	return NULL;
}

static void
nft_pinhole_add(struct fake_nft *f, const struct nft_pinhole *p)
{
	struct nft_pinhole *old = nft_pinhole_find(f, p);

	*(old ? old : &f->pinholes[f->n_pinholes++]) = *p;
}

static void
nft_pinhole_del(struct fake_nft *f, const struct nft_pinhole *p)
{
	struct nft_pinhole *old = nft_pinhole_find(f, p);

	if (old)
		*old = f->pinholes[--f->n_pinholes];
}

static int
change(struct fake_nft *f, const struct nft_change *c)
{
	switch (c->op) {
	case NFT_MAP_ADD:
	case NFT_MAP_RENEW:
		return set_add(&f->maps, same_map, &c->mapping);
	case NFT_MAP_DEL:
		set_del(&f->maps, same_map, &c->mapping);
		return 0;
	case NFT_SOURCE_ADD:
	case NFT_SOURCE_RENEW:
		return set_add(&f->sources, same_source, &c->mapping);
	case NFT_SOURCE_DEL:
		set_del(&f->sources, same_source, &c->mapping);
		return 0;
	case NFT_PINHOLE_ADD:
	case NFT_PINHOLE_RENEW:
		nft_pinhole_add(f, &c->pinhole);
		return 0;
	case NFT_PINHOLE_DEL:
		nft_pinhole_del(f, &c->pinhole);
		return 0;
	}
	return -EINVAL;
}

struct fake_nft *
fake_nft_of(struct nft *nft)
{
	return (struct fake_nft *)nft;
}

static int
fake_apply(struct nft *nft, const struct nft_change *changes, size_t n)
{
	static struct fake_set maps, sources;
	struct fake_nft *f = fake_nft_of(nft);
	size_t i;
	int rc;

	f->applies++;
	if (f->fail_apply_after)
		f->fail_apply_after--;
	else if ((rc = take(&f->fail_apply)))
		return rc;
	if (f->table_lost)
		return -ENOENT;
	if (n == 0 || n > 64)
		return -EINVAL;
	if (n > f->largest)
		f->largest = n;
	maps = f->maps;
	sources = f->sources;
	for (i = 0; i < n; i++) {
		rc = change(f, &changes[i]);
		if (rc < 0) {
			f->maps = maps;
			f->sources = sources;
			return rc;
		}
	}
	return 0;
}

static int
fake_set_net(struct nft *nft, const struct nft_net *net)
{
	fake_nft_of(nft)->net = *net;
	return 0;
}

static int
fake_sync(struct nft *nft, nft_next_fn next, void *arg)
{
	struct fake_nft *f = fake_nft_of(nft);
	const void *cursor = NULL;
	struct nft_pinhole p;
	struct nft_mapping m;
	int rc = take(&f->fail_sync);

	f->syncs++;
	if (rc)
		return rc;
	f->table_lost = false;
	f->maps.n = f->sources.n = 0;
	while (next(arg, &cursor, &m)) {
		set_add(&f->maps, same_map, &m);
		if (m.keep_source)
			set_add(&f->sources, same_source, &m);
	}
	cursor = NULL;
	for (f->n_pinholes = 0; ((struct core *)arg)->pinholes && pinhole_next(arg, &cursor, &p);)
		nft_pinhole_add(f, &p);
	return (int)(f->maps.n + f->n_pinholes);
}

static int
fake_map_use(struct nft *nft, const struct nft_mapping *mapping, uint64_t *packets)
{
	struct fake_nft *f = fake_nft_of(nft);

	if (!set_find(&f->maps, same_map, mapping))
		return -ENOENT;
	if (f->fail_use)
		return f->fail_use;
	*packets = f->packets;
	return 0;
}

static int
fake_map_traffic(
    struct nft *nft, const struct nft_mapping *mapping, uint64_t *packets, uint64_t *octets)
{
	const struct fake_nft *f = fake_nft_of(nft);
	int rc = fake_map_use(nft, mapping, packets);

	if (rc < 0)
		return rc;
	*packets = f->traffic;
	*octets = f->traffic * 100;
	return 0;
}

/* It takes them from the core, as heal.c tells the real one to. */
static void
fake_set_pinholes(struct nft *nft UNUSED, nft_next_pinhole_fn next, void *arg UNUSED)
{
	CU_ASSERT_PTR_EQUAL(next, pinhole_next);
}

static int
fake_pinhole_use(struct nft *nft, const struct nft_pinhole *pinhole, uint64_t *packets)
{
	struct fake_nft *f = fake_nft_of(nft);

	if (!nft_pinhole_find(f, pinhole))
		return -ENOENT;
	if (f->fail_use)
		return f->fail_use;
	*packets = f->packets;
	return 0;
}

static int
fake_knocked(struct nft *nft, uint8_t protocol UNUSED, uint16_t port UNUSED, uint64_t *record)
{
	struct fake_nft *f = fake_nft_of(nft);

	*record = f->record;
	return f->knocked;
}

static int
fake_end_flows(struct nft *nft, const struct nft_flow *flows UNUSED, size_t n)
{
	struct fake_nft *f = fake_nft_of(nft);

	f->ended += n;
	return f->fail_use;
}

/* ---- store ---- */

static struct fake_store *
fake_store_of(struct store *store)
{
	return (struct fake_store *)store;
}

static struct lease *
row_find(struct fake_store *f, uint32_t id)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->row[i].id == id)
			return &f->row[i];
	return NULL;
}

static int
fake_put(struct store *store, const struct lease *lease, int64_t at_ms UNUSED, int64_t at_s UNUSED)
{
	struct fake_store *f = fake_store_of(store);
	struct lease *row = row_find(f, lease->id);
	int rc = take(&f->fail_put);

	f->puts++;
	if (rc)
		return rc;
	if (row)
		free(row->description);
	else
		row = &f->row[f->n++];
	*row = *lease;
	row->description = strdup(lease->description);
	return 0;
}

static int
fake_del(struct store *store, uint32_t id)
{
	struct fake_store *f = fake_store_of(store);
	struct lease *row = row_find(f, id);
	int rc = f->batch_error ? f->batch_error : take(&f->fail_del);

	if (f->in_batch)
		f->batch_error = rc;
	if (rc || !row)
		return rc;
	if (f->in_batch)
		f->gone[f->n_gone++] = *row;
	else
		free(row->description);
	*row = f->row[--f->n];
	return 0;
}

static int
fake_put_pinhole(
    struct store *store, const struct pinhole *p, int64_t at_ms UNUSED, int64_t at_s UNUSED)
{
	struct fake_store *f = fake_store_of(store);
	int rc = take(&f->fail_put);
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < f->n_pinholes && f->pinholes[i].id != p->id; i++)
		;
	f->n_pinholes += i == f->n_pinholes;
	f->pinholes[i] = *p;
	return 0;
}

static int
fake_del_pinhole(struct store *store, uint16_t id)
{
	struct fake_store *f = fake_store_of(store);
	int rc = take(&f->fail_del);
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < f->n_pinholes && f->pinholes[i].id != id; i++)
		;
	if (i < f->n_pinholes)
		f->pinholes[i] = f->pinholes[--f->n_pinholes];
	return 0;
}

static int
fake_load_pinholes(
    struct store *store, int64_t at_ms UNUSED, int64_t at_s UNUSED, store_pinhole_fn fn, void *arg)
{
	struct fake_store *f = fake_store_of(store);
	size_t i;

	for (i = 0; i < f->n_pinholes; i++)
		if (fn(arg, &f->pinholes[i]) < 0)
			return -EIO;
	return 0;
}

static int
fake_begin(struct store *store)
{
	struct fake_store *f = fake_store_of(store);

	f->begins++;
	f->in_batch = true;
	f->batch_error = take(&f->fail_begin);
	return f->batch_error;
}

static int
fake_commit(struct store *store)
{
	struct fake_store *f = fake_store_of(store);
	int rc = f->batch_error ? f->batch_error : take(&f->fail_commit);

	f->commits++;
	f->in_batch = false;
	f->batch_error = 0;
	for (; f->n_gone; f->n_gone--) {
		if (rc)
			f->row[f->n++] = f->gone[f->n_gone - 1];
		else
			free(f->gone[f->n_gone - 1].description);
	}
	return rc;
}

static int
fake_meta_get(struct store *store, const char *name UNUSED, void *buf, size_t size)
{
	struct fake_store *f = fake_store_of(store);

	if (!f->meta_size || f->meta_size > size)
		return f->meta_size ? -EMSGSIZE : -ENOENT;
	memcpy(buf, f->meta, f->meta_size);
	return (int)f->meta_size;
}

static int
fake_meta_put(struct store *store, const char *name UNUSED, const void *buf, size_t size)
{
	struct fake_store *f = fake_store_of(store);

	if (size > sizeof(f->meta))
		return -ENOSPC;
	memcpy(f->meta, buf, size);
	f->meta_size = size;
	return 0;
}

/* ---- the modules around; weak, so that a test of one of them can link the real one ---- */

__attribute__((weak)) void
notify_lease(struct core *core UNUSED, enum notify_kind kind, const struct lease *lease UNUSED)
{
	switch (kind) {
	case NOTIFY_ADDED:
		fake_record.added++;
		break;
	case NOTIFY_UPDATED:
		fake_record.updated++;
		break;
	case NOTIFY_DELETED:
		fake_record.deleted++;
		break;
	case NOTIFY_EXPIRED:
		fake_record.expired++;
		break;
	}
}

__attribute__((weak)) void
notify_refused(struct core *core UNUSED, const struct asker *asker UNUSED,
    const struct msg_map *req UNUSED, const struct policy_verdict *v)
{
	fake_record.refused++;
	fake_record.refused_by = *v;
}

__attribute__((weak)) void
notify_fill_state(const struct core *core, struct msg_state *state)
{
	memset(state, 0, sizeof(*state));
	state->wan_status = MSG_WAN_CONNECTED;
	state->external_address = 0xcb007105;
	state->mappings = (uint32_t)lease_count(core->leases);
}

__attribute__((weak)) const char *
wan_ifname(const struct wan *wan UNUSED)
{
	return "lo"; /* every network namespace has it */
}

__attribute__((weak)) uint32_t
wan_address(const struct wan *wan UNUSED)
{
	return 0xcb007105;
}

__attribute__((weak)) enum msg_wan_status
wan_status(const struct wan *wan UNUSED)
{
	return MSG_WAN_CONNECTED;
}

__attribute__((weak)) enum msg_wan_status
connection_status(const struct core *core)
{
	return wan_status(core->wan);
}

__attribute__((weak)) enum msg_wan_error
connection_error(const struct core *core UNUSED)
{
	return MSG_ERROR_NONE;
}

__attribute__((weak)) enum result
connection_ask(struct core *core UNUSED, enum msg_connect what UNUSED)
{
	return RESULT_NOT_AUTHORIZED;
}

__attribute__((weak)) enum result
connection_set_time(struct core *core UNUSED, enum msg_timer which UNUSED, uint32_t seconds UNUSED,
    enum msg_igd igd UNUSED)
{
	return RESULT_NOT_AUTHORIZED;
}

__attribute__((weak)) void
connection_times(const struct core *core UNUSED, struct msg_times *times)
{
	*times = (struct msg_times){ { 0, 600, 0 } };
}

__attribute__((weak)) void
connection_hook_done(struct core *core UNUSED, const struct msg_hook *done)
{
	fake_record.hooks_done++;
	fake_record.last_hook = *done;
}

__attribute__((weak)) bool
wan_is_ppp(const struct wan *wan UNUSED)
{
	return false;
}

__attribute__((weak)) void
flows_cut(struct flows *flows UNUSED, const struct lease *lease)
{
	fake_record.cuts++;
	fake_record.last_cut = *lease;
	fake_record.last_cut.description = NULL;
}

__attribute__((weak)) void
flows_cut6(struct flows *flows UNUSED, const struct pinhole *p)
{
	fake_record.cuts6++;
	fake_record.last_cut6 = p->key;
}

__attribute__((weak)) void
notify_pinhole(struct core *core UNUSED, enum notify_kind kind, const struct pinhole *p UNUSED)
{
	switch (kind) {
	case NOTIFY_ADDED:
		fake_record.pinholes_added++;
		break;
	case NOTIFY_UPDATED:
		fake_record.pinholes_updated++;
		break;
	case NOTIFY_DELETED:
		fake_record.pinholes_deleted++;
		break;
	case NOTIFY_EXPIRED:
		fake_record.pinholes_expired++;
		break;
	}
}

__attribute__((weak)) bool
network_is_ours6(const struct core *core UNUSED, const struct addr6 *addr)
{
	return addr6_same(addr, &fake_lan.prefixes6[0].addr);
}

__attribute__((weak)) int
cttimeout_read(uint8_t protocol, uint32_t *seconds)
{
	*seconds = protocol == MSG_PROTO_TCP ? 432000 : 120;
	return 0;
}

unsigned fake_unknown, fake_unknown4;

const struct lan fake_lan = {
	.ifname = "lan0",
	.ifindex = 2,
	.prefix = { LAN_HOST(1), 24 },
	.prefixes6 = { { { { 0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 1 } }, 64 } },
	.n_prefixes6 = 1,
	.calls_fd = -1,
	.events_fd = -1,
};

/* Who has that address, by fakes.h; 0: nobody. */
static unsigned
host_of(const struct addr6 *addr)
{
	uint32_t addr4;

	if (addr6_to4(addr, &addr4))
		return addr4 & 0xff;
	if (!prefix6_contains(&fake_lan.prefixes6[0], addr))
		return 0;
	return addr->octet[9] ? addr->octet[9] : addr->octet[15];
}

__attribute__((weak)) int
neigh_find(uint32_t ifindex, const struct addr6 *addr, struct neigh *out)
{
	unsigned host = host_of(addr);

	memset(out, 0, sizeof(*out));
	fake_record.neighbours_asked++;
	if (!host || (host == fake_unknown && addr->octet[0] == 0x20)) {
		fake_unknown = host ? 0 : fake_unknown;
		return -ENOENT;
	}
	if (host == fake_unknown4 && addr->octet[0] == 0) {
		fake_unknown4 = 0;
		return -ENOENT;
	}
	out->len = ifindex == fake_lan.ifindex ? 6 : 0;
	out->lladdr[0] = 2;
	out->lladdr[5] = (uint8_t)host;
	return 0;
}

/* Asks nobody, so who is unknown stays so. */
__attribute__((weak)) bool
neigh_list_find_mac(
    struct neigh_list *list, uint32_t ifindex, const struct addr6 *addr, struct mac *mac)
{
	const unsigned unknown = fake_unknown, unknown4 = fake_unknown4;
	const unsigned asked = fake_record.neighbours_asked;
	bool found;

	fake_record.neighbours_read += !list->read;
	list->read = true;
	found = neigh_find_mac(ifindex, addr, mac);
	fake_record.neighbours_asked = asked;
	fake_unknown = unknown;
	fake_unknown4 = unknown4;
	return found;
}

__attribute__((weak)) void
neigh_list_free(struct neigh_list *list)
{
	list->read = false;
}

__attribute__((weak)) bool
neigh_same(const struct neigh *a, const struct neigh *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

__attribute__((weak)) void
flows_clear_stale(struct flows *flows UNUSED, const struct lease *lease UNUSED)
{
	fake_record.clears++;
}

__attribute__((weak)) void
heal_soon(struct core *core UNUSED)
{
	fake_record.heals++;
}

__attribute__((weak)) void
parent_refuse_worker(struct core *core UNUSED, const struct lan *lan)
{
	fake_record.refused_worker = lan->worker_pid;
}

__attribute__((weak)) void
notify_state(struct core *core UNUSED, const char *what UNUSED, const char *text)
{
	fake_record.states++;
	snprintf(fake_record.state_text, sizeof(fake_record.state_text), "%s", text);
}

__attribute__((weak)) void
notify_greet(struct core *core UNUSED, struct lan *lan UNUSED)
{
	fake_record.greets++;
}

__attribute__((weak)) void
core_stop(struct core *core UNUSED)
{
	fake_record.stops++;
}

/* ---- fixture ---- */

void
fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	memset(&fake_record, 0, sizeof(fake_record));
	fake_now_ms = 1000000;
	fake_wall_s = 1700000000;
	log_set_level(LOG_LEVEL_ERROR);

	f->nft.nft = (struct nft){ .apply = fake_apply,
		.set_net = fake_set_net,
		.sync = fake_sync,
		.map_use = fake_map_use,
		.map_traffic = fake_map_traffic,
		.pinhole_use = fake_pinhole_use,
		.set_pinholes = fake_set_pinholes,
		.knocked = fake_knocked,
		.end_flows = fake_end_flows };
	f->store.store = (struct store){
		.put = fake_put,
		.del = fake_del,
		.begin = fake_begin,
		.commit = fake_commit,
		.put_pinhole = fake_put_pinhole,
		.del_pinhole = fake_del_pinhole,
		.load_pinholes = fake_load_pinholes,
		.meta_get = fake_meta_get,
		.meta_put = fake_meta_put,
	};
	f->core.conf = (struct conf){ .secure = true,
		.min_port = 1024,
		.max_mappings_per_client = 128,
		.max_mappings = 1000 };
	f->core.conf.firewall = CONF_FIREWALL_OWN;
	f->core.conf.allow_pinholes = true;
	f->core.leases = lease_table_new(f->core.conf.max_mappings);
	f->core.pinholes = pinhole_table_new(f->core.conf.max_mappings);
	fake_unknown = fake_unknown4 = 0;
	f->core.opt.state_dir = "/var/lib/test";
	f->core.nft = &f->nft.nft;
	f->core.store = &f->store.store;
	f->core.now_ms = now_ms;
	f->core.wall_s = wall_s;
}

void
fixture_exit(struct fixture *f)
{
	lease_table_free(f->core.leases);
	pinhole_table_free(f->core.pinholes);
	while (f->store.n)
		free(f->store.row[--f->store.n].description);
}

static bool
same_element(const struct nft_mapping *a, const struct nft_mapping *b)
{
	return a->id == b->id && a->remote_host == b->remote_host &&
	       a->internal_client == b->internal_client && a->external_port == b->external_port &&
	       a->internal_port == b->internal_port && a->protocol == b->protocol &&
	       a->timeout_ms == b->timeout_ms;
}

/* Valid while the clock stands still: timeouts count from when they were set. */
static bool
kernel_consistent(struct fixture *f)
{
	const struct nft_mapping *got;
	const void *cursor = NULL;
	size_t maps = 0, sources = 0;
	struct nft_mapping m;

	while (mapping_next(&f->core, &cursor, &m)) {
		got = set_find(&f->nft.maps, same_map, &m);
		if (!got || !same_element(got, &m))
			return false;
		maps++;
		if (!m.keep_source)
			continue;
		got = set_find(&f->nft.sources, same_source, &m);
		if (!got || !same_element(got, &m))
			return false;
		sources++;
	}
	return maps == f->nft.maps.n && sources == f->nft.sources.n;
}

static bool
same_row(const struct lease *a, const struct lease *b)
{
	return a->remote_host == b->remote_host && a->external_port == b->external_port &&
	       a->protocol == b->protocol && a->origin == b->origin && a->enabled == b->enabled &&
	       a->internal_port == b->internal_port && a->internal_client == b->internal_client &&
	       a->client == b->client && a->duration_s == b->duration_s &&
	       a->expires_ms == b->expires_ms && a->created_s == b->created_s &&
	       strcmp(a->description, b->description) == 0;
}

static bool
pinholes_consistent(struct fixture *f)
{
	const struct pinhole *p = NULL;
	const void *cursor = NULL;
	struct nft_pinhole like;
	size_t n = 0, i;

	while (pinhole_next(&f->core, &cursor, &like)) {
		p = pinhole_after(f->core.pinholes, p ? p->id : 0);
		for (i = 0; i < f->store.n_pinholes && f->store.pinholes[i].id != p->id; i++)
			;
		if (!nft_pinhole_find(&f->nft, &like) ||
		    nft_pinhole_find(&f->nft, &like)->timeout_ms != like.timeout_ms ||
		    i == f->store.n_pinholes || f->store.pinholes[i].expires_ms != p->expires_ms ||
		    memcmp(&f->store.pinholes[i].key, &p->key, sizeof(p->key)) != 0)
			return false;
		n++;
	}
	return n == f->nft.n_pinholes && n == f->store.n_pinholes;
}

void
fixture_turn(struct fixture *f)
{
	event_base_loop(f->core.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

int
fixture_heard(int fd, struct msg *msg, enum msg_peer from)
{
	int rc = channel_recv(fd, msg, NULL, from);

	if (rc == -EAGAIN)
		return 0;
	CU_ASSERT_EQUAL(rc, 0);
	return msg->header.type;
}

bool
fixture_consistent(struct fixture *f)
{
	const struct lease *l = NULL, *row;
	size_t i;

	for (i = 0; (l = lease_at(f->core.leases, i)); i++) {
		row = row_find(&f->store, l->id);
		if (!row || !same_row(row, l))
			return false;
	}
	return i == f->store.n && kernel_consistent(f) && pinholes_consistent(f);
}

struct asker
fake_asker(unsigned host)
{
	return (struct asker){
		.origin = host ? LEASE_UPNP : LEASE_STATIC,
		.client = host ? LAN_HOST(host) : 0,
		.lan = { LAN_HOST(1), 24 },
		.ifname = fake_lan.ifname,
		.ifindex = fake_lan.ifindex,
	};
}

struct asker
fake_asker2(unsigned host)
{
	struct asker asker = fake_asker(host);

	asker.igd = MSG_IGD2;
	return asker;
}

struct msg_map
fake_request(unsigned host, uint16_t external_port, uint16_t internal_port)
{
	return (struct msg_map){
		.key = { .client = LAN_HOST(host),
		    .external_port = external_port,
		    .protocol = MSG_PROTO_TCP },
		.internal_client = LAN_HOST(host),
		.internal_port = internal_port,
		.enabled = 1,
		.lease_s = 3600,
		.description = "test",
	};
}

/* ---- DHCP ---- */

enum dhcp_service
dhcp_service(const struct core *core UNUSED, const struct lan *lan UNUSED)
{
	return DHCP_OFF;
}

const char *
share_nat_str(const struct core *core UNUSED)
{
	return "off";
}

const char *
dhcp_service_str(enum dhcp_service service UNUSED)
{
	return "off";
}

void
dhcp_on_state(struct core *core UNUSED, const struct msg_dhcp_state *state)
{
	fake_record.dhcp_state = *state;
}
