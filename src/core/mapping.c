/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grants, refreshes and ends mappings. Owns no state of its own: it keeps table, kernel and store
 * in step, in this order, and steps back in reverse.
 *
 * What the kernel must be told is the difference between two images: what it holds of all that a
 * change touches, before and after the change in the table. The way back is the same difference
 * the other way round.
 */
#include "core/mapping.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/decide.h"
#include "core/flows.h"
#include "core/heal.h"
#include "core/notify.h"
#include "core/record.h"
#include "lib/log.h"
#include "lib/utf8.h"

#define CHANGES_MAX 60   /* in one transaction: nft->apply() takes 64 */
#define LINES_PER_S 50   /* in the log */
#define CHANGES_OF_END 3 /* of one lease that ends: the mapping, and its source port's heir */

/* ---- the kernel's view ---- */

struct element {
	bool there;
	int64_t expires_ms;
	struct nft_mapping mapping;
};

struct image {
	struct element map;       /* of the lease in question */
	struct element source[2]; /* of its internal endpoint; a refresh may have two */
	size_t n_sources;
};

struct changes {
	struct nft_change item[CHANGES_MAX];
	size_t n;
};

static void
element_fill(const struct core *core, const struct lease *l, struct element *e)
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
	};
}

/* @lease: NULL when it is not in the table yet. @like: its protocol, internal client and port. */
static void
image_take(const struct core *core, const struct lease *lease, const struct lease *like,
    uint16_t other_port, struct image *image)
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
changes_add(struct changes *c, enum nft_op op, const struct element *e)
{
	c->item[c->n].op = op;
	c->item[c->n++].mapping = e->mapping;
}

/* The kernel cannot change what an element leads to: such a one goes and comes, in one step. */
static void
changes_add_map(struct changes *c, const struct element *before, const struct element *after)
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
changes_add_source(struct changes *c, const struct element *before, const struct element *after)
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

static void
changes_between(const struct image *before, const struct image *after, struct changes *c)
{
	size_t i;

	changes_add_map(c, &before->map, &after->map);
	for (i = 0; i < before->n_sources; i++)
		changes_add_source(c, &before->source[i], &after->source[i]);
}

static int
kernel_apply(struct core *core, const struct changes *c)
{
	int rc;

	if (c->n == 0)
		return 0;
	rc = core->nft->apply(core->nft, c->item, c->n);
	if (rc != -ENOENT)
		return rc;
	/* Somebody has taken the table away, and the answer must not wait for the watch: put back
	 * all that the lease table knows, which may have this change in it already. */
	rc = mapping_sync(core);
	return rc < 0 ? rc : core->nft->apply(core->nft, c->item, c->n);
}

static int
kernel_change(struct core *core, const struct image *before, const struct image *after)
{
	struct changes c = { .n = 0 };

	changes_between(before, after, &c);
	return kernel_apply(core, &c);
}

/* Kernel, then store, which gets @lease or (NULL) forgets @id. All of it or nothing. */
static int
commit(struct core *core, const struct image *before, const struct image *after,
    const struct lease *lease, uint32_t id)
{
	int rc;

	rc = kernel_change(core, before, after);
	if (rc < 0)
		return rc;
	if (lease)
		rc = core->store->put(core->store, lease, core->now_ms(), core->wall_s());
	else
		rc = core->store->del(core->store, id);
	if (rc < 0 && kernel_change(core, after, before) < 0)
		heal_soon(core);
	return rc;
}

bool
mapping_next(void *arg, const void **cursor, struct nft_mapping *out)
{
	const struct core *core = arg;
	struct element e = { .there = false };
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

/*
 * Flows may have begun through the mapping: they have, or nobody knows. To be asked before the
 * element goes. A first flow that begins just between the two is not seen, a matter of
 * microseconds.
 */
static bool
may_have_flows(const struct core *core, const struct lease *l)
{
	struct element e;
	uint64_t packets;

	if (!l->enabled)
		return false;
	if (!l->counted || l->use_packets || l->last_used_s)
		return true;
	element_fill(core, l, &e);
	return core->nft->map_use(core->nft, &e.mapping, &packets) < 0 || packets > 0;
}

/* ---- log lines ---- */

#define MAPPING_STRLEN 96

static const char *
mapping_str(const struct lease *l, char buf[MAPPING_STRLEN])
{
	char inside[ADDR4_STRLEN], remote[ADDR4_STRLEN];

	snprintf(buf, MAPPING_STRLEN, "%s %u%s%s -> %s:%u",
	    l->protocol == IPPROTO_TCP ? "TCP" : "UDP", l->external_port,
	    l->remote_host ? " from " : "", l->remote_host ? addr4_str(l->remote_host, remote) : "",
	    addr4_str(l->internal_client, inside), l->internal_port);
	return buf;
}

/* Clients decide how often something happens here, but not how much is written to the disk. */
void
mapping_say(struct core *core, const char *fmt, ...)
{
	char line[MSG_DESCRIPTION_MAX + 256];
	va_list ap;

	if (log_get_level() < LOG_LEVEL_INFO)
		return;
	if (core->now_ms() - core->log_budget.since_ms >= 1000) {
		if (core->log_budget.left_out)
			log_info(
			    "%u lines about mappings were left out", core->log_budget.left_out);
		core->log_budget.since_ms = core->now_ms();
		core->log_budget.lines = core->log_budget.left_out = 0;
	}
	if (core->log_budget.lines >= LINES_PER_S) {
		core->log_budget.left_out++;
		return;
	}
	core->log_budget.lines++;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	utf8_tame_marks(line);
	log_info("%s", line);
}

static const char *
asker_str(uint32_t client, char buf[ADDR4_STRLEN])
{
	return client ? addr4_str(client, buf) : "administrator";
}

static enum result
refuse(struct core *core, const struct asker *asker, const struct msg_map *req,
    const struct policy_verdict *v)
{
	struct lease as_asked = { .remote_host = req->key.remote_host,
		.external_port = req->key.external_port,
		.protocol = req->key.protocol,
		.internal_client = req->internal_client,
		.internal_port = req->internal_port };
	char what[MAPPING_STRLEN], who[ADDR4_STRLEN], rule[POLICY_DECIDER_STRLEN];

	mapping_say(core, "%s refused to %s: %s: %s%s", mapping_str(&as_asked, what),
	    asker_str(asker->client, who), result_str(v->result), v->reason,
	    policy_decider_str(v, core_conf_path(core), rule));
	record_verdict(core, v);
	notify_refused(core, asker, req, v);
	return v->result;
}

/* The rule allowed it, and something else failed. */
static enum result
fail(struct core *core, const struct asker *asker, const struct msg_map *req, enum result result,
    struct policy_verdict *v)
{
	v->result = result;
	snprintf(v->reason, sizeof(v->reason), "%s",
	    result == RESULT_NO_RESOURCES ? "the table is full (max_mappings)"
					  : "kernel, store or memory failed");
	return refuse(core, asker, req, v);
}

static void
log_granted(
    struct core *core, const char *verb, const struct lease *l, const struct policy_verdict *v)
{
	char what[MAPPING_STRLEN], who[ADDR4_STRLEN], time[32] = "permanent";
	char rule[POLICY_DECIDER_STRLEN];

	if (l->duration_s)
		snprintf(time, sizeof(time), "%" PRIu32 " s", l->duration_s);
	mapping_say(core, "%s %s for %s, %s%s%s: %s", mapping_str(l, what), verb,
	    asker_str(l->client, who), time, l->enabled ? "" : ", disabled",
	    policy_decider_str(v, core_conf_path(core), rule), l->description);
}

/* ---- add and refresh ---- */

/* @text: place for the description, which is made harmless for logs, JSON and terminals. */
static void
lease_from_request(const struct core *core, const struct asker *asker, const struct msg_map *req,
    const struct policy_verdict *v, struct lease *l, char text[MSG_DESCRIPTION_MAX])
{
	memcpy(text, req->description, MSG_DESCRIPTION_MAX);
	text[MSG_DESCRIPTION_MAX - 1] = '\0';
	utf8_sanitize(text);
	*l = (struct lease){
		.remote_host = req->key.remote_host,
		.external_port = req->key.external_port,
		.protocol = req->key.protocol,
		.origin = (uint8_t)asker->origin,
		.enabled = req->enabled,
		.counted = true,
		.internal_port = req->internal_port,
		.internal_client = req->internal_client,
		.client = asker->client,
		.rule = v->rule_id,
		.duration_s = v->lease_s,
		.expires_ms =
		    v->lease_s ? core->now_ms() + v->lease_s * INT64_C(1000) : LEASE_FOREVER,
		.created_s = core->wall_s(),
		.description = text,
	};
}

static enum result
grant(struct core *core, const struct lease *wanted, const struct policy_verdict *v,
    struct lease **out)
{
	struct image before, after;
	struct lease *lease;
	int rc;

	image_take(core, NULL, wanted, wanted->internal_port, &before);
	rc = lease_add(core->leases, wanted, &lease);
	if (rc == -ENOSPC)
		return RESULT_NO_RESOURCES;
	if (rc < 0)
		return RESULT_FAILED;
	image_take(core, lease, lease, lease->internal_port, &after);
	if (commit(core, &before, &after, lease, lease->id) < 0) {
		lease_del(core->leases, lease);
		return RESULT_FAILED;
	}

	if (lease->enabled)
		flows_clear_stale(core->flows, lease);
	expiry_rearm(core);
	core->update_id++;
	log_granted(core, "granted", lease, v);
	record_lease(core, lease);
	notify_lease(core, NOTIFY_ADDED, lease);
	*out = lease;
	return RESULT_OK;
}

/* Connections through the old form end, ones that bypass the new form are forgotten. */
static void
refresh_flows(struct core *core, const struct lease *old, const struct lease *lease, bool used,
    const struct policy_verdict *v)
{
	bool moved = old->internal_port != lease->internal_port;
	char what[MAPPING_STRLEN];

	if (used && (moved || !lease->enabled))
		flows_cut(core->flows, old);
	if (lease->enabled && (moved || !old->enabled))
		flows_clear_stale(core->flows, lease);
	if (moved || old->enabled != lease->enabled)
		log_granted(core, "changed", lease, v);
	else
		log_debug("%s refreshed", mapping_str(lease, what));
}

static enum result
refresh(struct core *core, struct lease *lease, const struct lease *wanted,
    const struct policy_verdict *v)
{
	struct lease other = *wanted; /* the new form, and after the exchange the old one */
	struct image before, after;
	bool used = may_have_flows(core, lease);

	/* A renewal on a kernel before 6.12 makes the element anew, and the counter with it. */
	other.counted = !used || other.internal_port != lease->internal_port;
	other.created_s = lease->created_s;
	other.last_used_s = lease->last_used_s;
	other.use_packets = lease->use_packets;
	other.description = strdup(wanted->description);
	if (!other.description)
		return RESULT_FAILED;

	image_take(core, lease, lease, wanted->internal_port, &before);
	lease_exchange(core->leases, lease, &other);
	image_take(core, lease, &other, wanted->internal_port, &after);
	if (commit(core, &before, &after, lease, lease->id) < 0) {
		lease_exchange(core->leases, lease, &other);
		lease->counted = !used; /* the way back may have made the element anew */
		free(other.description);
		return RESULT_FAILED;
	}

	refresh_flows(core, &other, lease, used, v);
	expiry_rearm(core);
	core->update_id++;
	record_lease(core, lease);
	core->row.action = TRAIL_RENEW;
	notify_lease(core, NOTIFY_UPDATED, lease);
	free(other.description);
	return RESULT_OK;
}

enum result
mapping_add(
    struct core *core, const struct asker *asker, const struct msg_map *req, struct lease **out)
{
	char text[MSG_DESCRIPTION_MAX];
	struct policy_verdict v;
	struct lease *lease, wanted;
	enum result result;

	lease = lease_find(
	    core->leases, req->key.protocol, req->key.external_port, req->key.remote_host);
	decide(core, asker, req, lease, &v);
	if (v.result != RESULT_OK)
		return refuse(core, asker, req, &v);

	record_verdict(core, &v);
	lease_from_request(core, asker, req, &v, &wanted, text);
	if (lease)
		result = refresh(core, lease, &wanted, &v);
	else
		result = grant(core, &wanted, &v, &lease);
	if (result != RESULT_OK)
		return fail(core, asker, req, result, &v);
	if (out)
		*out = lease;
	return RESULT_OK;
}

enum result
mapping_add_any(
    struct core *core, const struct asker *asker, const struct msg_map *req, uint16_t *port)
{
	struct msg_map wish = *req;
	struct policy_verdict v;
	enum result result;

	decide_any_port(core, asker, &wish, &v);
	if (v.result != RESULT_OK)
		return refuse(core, asker, req, &v);
	result = mapping_add(core, asker, &wish, NULL);
	*port = wish.key.external_port;
	return result;
}

/* ---- delete and expire ---- */

/*
 * Takes the lease out of force without forgetting it: @old is what it was, @c what the kernel must
 * be told. Since nothing is freed, lease_exchange() with @old brings it back.
 */
static void
retire(struct core *core, struct lease *lease, struct lease *old, struct image *before,
    struct image *after)
{
	image_take(core, lease, lease, lease->internal_port, before);
	*old = *lease;
	old->enabled = false;
	old->expires_ms = LEASE_FOREVER;
	lease_exchange(core->leases, lease, old);
	image_take(core, lease, lease, lease->internal_port, after);
}

/* Says good-bye to a retired lease. */
static void
bury(struct core *core, struct lease *lease, const struct lease *old, bool used,
    enum notify_kind kind)
{
	char what[MAPPING_STRLEN];

	if (used)
		flows_cut(core->flows, old);
	mapping_say(
	    core, "%s %s", mapping_str(old, what), kind == NOTIFY_EXPIRED ? "expired" : "deleted");
	notify_lease(core, kind, old);
	if (kind == NOTIFY_EXPIRED)
		record_expired(core, old);
	lease_del(core->leases, lease);
}

enum result
mapping_del_lease(struct core *core, struct lease *lease)
{
	bool used = may_have_flows(core, lease);
	struct image before, after;
	struct lease old;

	record_lease(core, lease);
	retire(core, lease, &old, &before, &after);
	if (commit(core, &before, &after, NULL, lease->id) < 0) {
		lease_exchange(core->leases, lease, &old);
		lease->counted = !used; /* the way back made the element anew */
		record_reason(core, "kernel or store failed");
		return RESULT_FAILED;
	}
	core->update_id++;
	bury(core, lease, &old, used, NOTIFY_DELETED);
	expiry_rearm(core);
	return RESULT_OK;
}

enum result
mapping_revoke(struct core *core, struct lease *lease, const struct policy_verdict *why)
{
	char what[MAPPING_STRLEN], rule[POLICY_DECIDER_STRLEN];
	enum result result;

	mapping_say(core, "%s revoked: %s%s", mapping_str(lease, what), why->reason,
	    policy_decider_str(why, core_conf_path(core), rule));
	record_begin(core);
	result = mapping_del_lease(core, lease);
	if (result == RESULT_OK)
		record_verdict(core, why);
	record_by_configuration(core, TRAIL_DELETE, result);
	return result;
}

enum result
mapping_shorten(struct core *core, struct lease *lease, const struct policy_verdict *v)
{
	struct lease wanted = *lease;
	enum result result;

	wanted.duration_s = v->lease_s;
	wanted.expires_ms = core->now_ms() + v->lease_s * INT64_C(1000);
	wanted.rule = v->rule_id;
	record_begin(core);
	result = refresh(core, lease, &wanted, v);
	if (result == RESULT_OK)
		record_verdict(core, v);
	record_by_configuration(core, TRAIL_RENEW, result);
	return result;
}

enum result
mapping_del(struct core *core, const struct asker *asker, const struct msg_map_key *key)
{
	struct lease *lease =
	    lease_find(core->leases, key->protocol, key->external_port, key->remote_host);
	char what[MAPPING_STRLEN], who[ADDR4_STRLEN];

	if (!lease) {
		record_reason(core, "there is no such mapping");
		return RESULT_NO_SUCH_ENTRY;
	}
	if (!policy_may_delete(&core->conf, asker, lease)) {
		mapping_say(core, "%s: not deleted for %s, it is not its own",
		    mapping_str(lease, what), asker_str(asker->client, who));
		record_reason(core, "it is not its own");
		return RESULT_NOT_AUTHORIZED;
	}
	return mapping_del_lease(core, lease);
}

/* ---- a range ---- */

/* What a range call ends, and what it was before it was retired. */
struct ended {
	struct lease *lease, old;
	bool used; /* flows may have begun through it */
};

struct ending {
	struct ended *v;
	size_t n, room;
};

static int
ending_add(struct ending *e, struct lease *lease)
{
	size_t room = e->room ? e->room * 2 : 64;
	struct ended *v;

	if (e->n == e->room) {
		v = realloc(e->v, room * sizeof(*v));
		if (!v)
			return -ENOMEM;
		e->v = v;
		e->room = room;
	}
	e->v[e->n++].lease = lease;
	return 0;
}

/* With NewManage, where that means anything: whatever the asker may delete. */
static int
gather_all(
    struct core *core, const struct asker *asker, const struct msg_range *range, struct ending *e)
{
	uint32_t port = range->first_port;
	struct lease *l;
	int rc = 0;

	while (rc == 0 && (port = lease_next_port(core->leases, range->protocol, port)) != 0 &&
	       port <= range->last_port) {
		l = lease_on_port(core->leases, range->protocol, (uint16_t)port, NULL);
		for (; l && rc == 0;
		     l = lease_on_port(core->leases, range->protocol, (uint16_t)port, l))
			if (policy_may_delete(&core->conf, asker, l))
				rc = ending_add(e, l);
		port++;
	}
	return rc;
}

/* Else what leads to the asker, and nothing of anybody else's. */
static int
gather_own(
    struct core *core, const struct asker *asker, const struct msg_range *range, struct ending *e)
{
	struct lease *l;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && (l = lease_of(core->leases, asker->client, i)); i++)
		if (mapping_in_range(range, l) && policy_may_delete(&core->conf, asker, l))
			rc = ending_add(e, l);
	return rc;
}

/* Retires all, a transaction for each slice. @retired: how many were taken out of force. */
static int
retire_all(struct core *core, struct ending *e, size_t *retired)
{
	struct changes c = { .n = 0 };
	struct image before, after;
	struct ended *v;
	int rc = 0;

	for (*retired = 0; rc == 0 && *retired < e->n; ++*retired) {
		v = &e->v[*retired];
		v->used = may_have_flows(core, v->lease);
		retire(core, v->lease, &v->old, &before, &after);
		changes_between(&before, &after, &c);
		if (c.n + CHANGES_OF_END > CHANGES_MAX) {
			rc = kernel_apply(core, &c);
			c.n = 0;
		}
	}
	return rc < 0 ? rc : kernel_apply(core, &c);
}

static int
forget_ended(struct core *core, const struct ending *e)
{
	size_t i;

	core->store->begin(core->store);
	for (i = 0; i < e->n; i++)
		core->store->del(core->store, e->v[i].old.id);
	return core->store->commit(core->store);
}

/* Of a range all go or none: the table is as before, and the kernel is told all it says. */
static void
unretire(struct core *core, struct ending *e, size_t retired)
{
	while (retired--)
		lease_exchange(core->leases, e->v[retired].lease, &e->v[retired].old);
	if (mapping_sync(core) < 0)
		heal_soon(core);
}

static enum result
end_all(struct core *core, struct ending *e)
{
	size_t retired, i;
	char text[64];

	if (retire_all(core, e, &retired) < 0 || forget_ended(core, e) < 0) {
		unretire(core, e, retired);
		return RESULT_FAILED;
	}
	core->update_id++;
	snprintf(text, sizeof(text), "%zu mapping%s ended", e->n, e->n == 1 ? "" : "s");
	record_reason(core, text);
	for (i = 0; i < e->n; i++)
		bury(core, e->v[i].lease, &e->v[i].old, e->v[i].used, NOTIFY_DELETED);
	expiry_rearm(core);
	return RESULT_OK;
}

enum result
mapping_del_range(struct core *core, const struct asker *asker, const struct msg_range *range)
{
	enum result result = mapping_check_range(core, asker, range);
	struct ending e = { .n = 0 };
	int rc;

	if (result != RESULT_OK)
		return result;
	if (range->manage && policy_may_manage(&core->conf))
		rc = gather_all(core, asker, range, &e);
	else
		rc = gather_own(core, asker, range, &e);
	if (rc < 0)
		result = RESULT_FAILED;
	else
		result = e.n ? end_all(core, &e) : RESULT_NOT_FOUND;
	free(e.v);
	return result;
}

/* ---- expire ---- */

/* Rows that stay behind are dropped at the next load, since their time is over. */
static void
expire_rows(struct core *core, const struct lease *old, size_t n)
{
	size_t i;

	core->store->begin(core->store);
	for (i = 0; i < n; i++)
		core->store->del(core->store, old[i].id);
	core->store->commit(core->store);
}

size_t
mapping_expire(struct core *core)
{
	struct lease *lease[CHANGES_MAX], old[CHANGES_MAX], *next;
	struct changes c = { .n = 0 };
	struct image before, after;
	int64_t now_ms = core->now_ms();
	bool used[CHANGES_MAX];
	size_t n = 0, i;

	while (n < CHANGES_MAX && c.n + CHANGES_OF_END <= CHANGES_MAX) {
		next = lease_next_expiry(core->leases);
		if (!next || next->expires_ms > now_ms)
			break;
		used[n] = may_have_flows(core, next);
		retire(core, next, &old[n], &before, &after);
		changes_between(&before, &after, &c);
		lease[n++] = next;
	}
	if (n == 0)
		return 0;
	if (kernel_apply(core, &c) < 0)
		heal_soon(core);
	expire_rows(core, old, n);
	core->update_id += (uint32_t)n;
	for (i = 0; i < n; i++)
		bury(core, lease[i], &old[i], used[i], NOTIFY_EXPIRED);
	expiry_rearm(core);
	return n;
}

/* ---- use ---- */

void
mapping_refresh_use(struct core *core, struct lease *lease)
{
	struct element e;
	uint64_t packets;

	element_fill(core, lease, &e);
	if (!e.there || core->nft->map_use(core->nft, &e.mapping, &packets) < 0)
		return;
	if (packets == lease->use_packets)
		return;
	/* Fewer than before: the element was made anew since, and its counter with it. */
	if (packets > 0)
		lease->last_used_s = core->wall_s();
	lease->use_packets = packets;
	/* Best effort, so that a use of long ago is not taken for a fresh one after a restart. */
	core->store->put(core->store, lease, core->now_ms(), core->wall_s());
}
