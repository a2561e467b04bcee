/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/mapping_image.h"

#include <errno.h>

#include "core/heal.h"
#include "core/mapping.h"
#include "core/trouble.h"

static void
element_fill(const struct core *core, const struct lease *l, struct mapping_element *e)
{
	int64_t left_ms;

	e->there = l && l->enabled;
	if (!e->there)
		return;
	e->expires_ms = l->expires_ms;
	left_ms = l->expires_ms == LEASE_FOREVER ? 0 : l->expires_ms - core->now_ms();
	e->mapping = (struct nft_mapping){
		.id = l->id,
		.remote_host = l->remote_host,
		.internal_client = l->internal_client,
		.external_port = l->external_port,
		.internal_port = l->internal_port,
		.protocol = l->protocol,
		.keep_source = lease_source_owner(core->leases, l->protocol, l->internal_client,
				   l->internal_port) == l,
		/* 0 means permanent, so a lease in its last moment gets 1 ms (and the grace) */
		.timeout_ms = l->expires_ms == LEASE_FOREVER || left_ms > 0 ? left_ms : 1,
		.connections = l->use_packets,
		.packets = l->packets,
		.octets = l->octets,
	};
}

void
mapping_image_take(const struct core *core, const struct lease *lease, const struct lease *like,
    uint16_t other_port, struct mapping_image *image)
{
	uint16_t ports[2] = { like->internal_port, other_port };
	size_t i;

	element_fill(core, lease, &image->map);
	image->n_sources = other_port == like->internal_port ? 1 : 2;
	for (i = 0; i < image->n_sources; i++)
		element_fill(core,
		    lease_source_owner(
			core->leases, like->protocol, like->internal_client, ports[i]),
		    &image->source[i]);
}

static void
changes_add(struct mapping_changes *c, enum nft_op op, const struct mapping_element *e)
{
	c->item[c->n].op = op;
	c->item[c->n++].mapping = e->mapping;
}

/* The kernel cannot change what an element leads to: such a one goes and comes, in one step. */
static void
changes_add_map(struct mapping_changes *c, const struct mapping_element *before,
    const struct mapping_element *after)
{
	if (before->there && after->there &&
	    before->mapping.internal_port == after->mapping.internal_port) {
		changes_add(c, NFT_MAP_RENEW, after);
		return;
	}
	if (before->there)
		changes_add(c, NFT_MAP_DEL, before);
	if (after->there)
		changes_add(c, NFT_MAP_ADD, after);
}

static void
changes_add_source(struct mapping_changes *c, const struct mapping_element *before,
    const struct mapping_element *after)
{
	if (before->there && after->there && before->mapping.id == after->mapping.id) {
		/* Another lease's entry is left alone, unless its time is another now. */
		if (before->expires_ms != after->expires_ms)
			changes_add(c, NFT_SOURCE_RENEW, after);
		return;
	}
	if (before->there)
		changes_add(c, NFT_SOURCE_DEL, before);
	if (after->there)
		changes_add(c, NFT_SOURCE_ADD, after);
}

void
mapping_image_changes(const struct mapping_image *before, const struct mapping_image *after,
    struct mapping_changes *c)
{
	size_t i;

	changes_add_map(c, &before->map, &after->map);
	for (i = 0; i < before->n_sources; i++)
		changes_add_source(c, &before->source[i], &after->source[i]);
}

int
mapping_apply(struct core *core, const struct nft_change *changes, size_t n)
{
	int rc;

	if (n == 0)
		return 0;
	rc = core->nft->apply(core->nft, changes, n);
	if (rc != -ENOENT)
		return rc;
	/* Somebody has taken the table away, and the answer must not wait for the watch: put back
	 * all that the lease table knows, which may have this change in it already. */
	rc = mapping_sync(core);
	return rc < 0 ? rc : core->nft->apply(core->nft, changes, n);
}

static int
change(struct core *core, const struct mapping_image *before, const struct mapping_image *after)
{
	struct mapping_changes c = { .n = 0 };

	mapping_image_changes(before, after, &c);
	return mapping_apply(core, c.item, c.n);
}

int
mapping_image_commit(struct core *core, const struct mapping_image *before,
    const struct mapping_image *after, const struct lease *lease, uint32_t id)
{
	int rc;

	rc = change(core, before, after);
	if (rc < 0) {
		trouble_kernel(core, rc);
		return rc;
	}
	if (lease)
		rc = core->store->put(core->store, lease, core->now_ms(), core->wall_s());
	else
		rc = core->store->del(core->store, id);
	if (rc == 0)
		return 0;
	trouble_store(core, rc);
	if (change(core, after, before) < 0)
		heal_soon(core);
	return rc;
}

bool
mapping_next(void *arg, const void **cursor, struct nft_mapping *out)
{
	const struct core *core = arg;
	struct mapping_element e = { .there = false };
	uint32_t id = (uint32_t)(uintptr_t)*cursor;
	const struct lease *l;

	while (!e.there) {
		l = lease_after(core->leases, id);
		if (!l)
			return false;
		id = l->id;
		element_fill(core, l, &e);
	}
	*cursor = (const void *)(uintptr_t)id;
	*out = e.mapping;
	return true;
}

int
mapping_sync(struct core *core)
{
	int rc = core->nft->sync(core->nft, mapping_next, core);
	struct lease *l;
	size_t i;

	/* Elements may have been made anew, and their counters with them. */
	for (i = 0; rc != 0 && (l = lease_at(core->leases, i)); i++)
		l->counted = false;
	return rc;
}

bool
mapping_may_have_flows(const struct core *core, const struct lease *l)
{
	struct mapping_element e;
	uint64_t packets;

	if (!l->enabled)
		return false;
	if (!l->counted || l->use_packets || l->last_used_s)
		return true;
	element_fill(core, l, &e);
	return core->nft->map_use(core->nft, &e.mapping, &packets) < 0 || packets > 0;
}

bool
mapping_read_use(struct core *core, struct lease *lease)
{
	uint64_t connections, packets, octets;
	struct mapping_element e;
	bool used;

	element_fill(core, lease, &e);
	if (!e.there || core->nft->map_use(core->nft, &e.mapping, &connections) < 0 ||
	    core->nft->map_traffic(core->nft, &e.mapping, &packets, &octets) < 0)
		return false;
	/* Fewer than before: others have made the element anew, and its counter with it. */
	used = (connections != lease->use_packets && connections) ||
	       (packets != lease->packets && packets);
	if (used)
		lease->last_used_s = core->wall_s();
	lease->use_packets = connections;
	lease->packets = packets;
	lease->octets = octets;
	return used;
}

void
mapping_refresh_use(struct core *core, struct lease *lease)
{
	const uint64_t connections = lease->use_packets;
	const int64_t last_used_s = lease->last_used_s;

	/* The disk gets it so that a use of long ago is not taken for a fresh one after a restart;
	 * of a flow that goes on that holds for the minute. */
	if (mapping_read_use(core, lease) &&
	    (lease->use_packets != connections || lease->last_used_s / 60 != last_used_s / 60))
		core->store->put(core->store, lease, core->now_ms(), core->wall_s());
}

void
mapping_save_use(struct core *core)
{
	struct lease *l;
	size_t i;

	if (core->store->begin(core->store) < 0)
		return;
	for (i = 0; (l = lease_at(core->leases, i)); i++)
		if (mapping_read_use(core, l))
			core->store->put(core->store, l, core->now_ms(), core->wall_s());
	core->store->commit(core->store);
}
