/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/pinhole.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "core/flows.h"
#include "core/heal.h"
#include "core/mapping.h"
#include "core/mapping_image.h"
#include "core/mapping_say.h"
#include "core/notify.h"
#include "core/pinhole_check.h"
#include "core/record.h"
#include "core/trouble.h"
#include "lib/log.h"
#include "platform/cttimeout.h"

#define ENDS_MAX 60 /* in one transaction */

/* Ids are given out of blocks whose end is on disk: after a crash the next block begins. */
#define ID_BLOCK 64
#define META_LAST_ID "pinhole_last_id"

/* ---- the kernel's view ---- */

static void
fill_nft(const struct core *core, const struct pinhole *p, struct nft_pinhole *out)
{
	int64_t left_ms = p->expires_ms - core->now_ms();

	*out = (struct nft_pinhole){
		.id = p->id,
		.remote_host = p->key.remote_host,
		.internal_client = p->key.internal_client,
		.remote_port = p->key.remote_port,
		.internal_port = p->key.internal_port,
		.protocol = p->key.protocol,
		.timeout_ms = left_ms > 0 ? left_ms : 1, /* 0 is permanent */
	};
}

bool
pinhole_next(void *arg, const void **cursor, struct nft_pinhole *out)
{
	const struct core *core = arg;
	const struct pinhole *p = pinhole_after(core->pinholes, (uint16_t)(uintptr_t)*cursor);

	if (!p)
		return false;
	*cursor = (const void *)(uintptr_t)p->id;
	fill_nft(core, p, out);
	return true;
}

static int
kernel_change(struct core *core, enum nft_op op, const struct pinhole *p)
{
	struct nft_change change = { .op = op };
	int rc;

	fill_nft(core, p, &change.pinhole);
	rc = mapping_apply(core, &change, 1);
	if (rc < 0)
		trouble_kernel(core, rc);
	return rc;
}

static int
store_put(struct core *core, const struct pinhole *p)
{
	int rc = core->store->put_pinhole(core->store, p, core->now_ms(), core->wall_s());

	if (rc < 0)
		trouble_store(core, rc);
	return rc;
}

/* ---- log lines ---- */

#define PINHOLE_STRLEN 192

static const char *
protocol_of(const struct pinhole *p, char buf[16])
{
	if (p->key.protocol == IPPROTO_TCP)
		return "TCP";
	if (p->key.protocol == IPPROTO_UDP)
		return "UDP";
	if (p->key.protocol == MSG_PROTO_ANY)
		return "any";
	snprintf(buf, 16, "protocol %u", p->key.protocol);
	return buf;
}

/* "pinhole 7: TCP from any to 2001:db8::7 port 80" */
static const char *
pinhole_str(const struct pinhole *p, char buf[PINHOLE_STRLEN])
{
	char protocol[16], remote[ADDR6_STRLEN], inside[ADDR6_STRLEN], rport[16] = "",
								       port[16] = "";

	if (p->key.remote_port)
		snprintf(rport, sizeof(rport), " port %u", p->key.remote_port);
	if (p->key.internal_port)
		snprintf(port, sizeof(port), " port %u", p->key.internal_port);
	snprintf(buf, PINHOLE_STRLEN, "pinhole %u: %s from %s%s to %s%s", p->id,
	    protocol_of(p, protocol),
	    addr6_is_zero(&p->key.remote_host) ? "any" : addr6_str(&p->key.remote_host, remote),
	    rport, addr6_str(&p->key.internal_client, inside), port);
	return buf;
}

static enum result
refuse(struct core *core, const struct pinhole_asker *asker, const struct pinhole *p,
    const struct policy_verdict *v)
{
	char what[PINHOLE_STRLEN], who[ADDR6_STRLEN];

	mapping_say_refused(core, pinhole_str(p, what), addr6_str(&asker->client, who), v);
	record_verdict(core, v);
	return v->result;
}

static enum result
refuse_for(struct core *core, const struct pinhole_asker *asker, const struct pinhole *p,
    enum result result, const char *reason)
{
	struct policy_verdict v = { .result = result };

	snprintf(v.reason, sizeof(v.reason), "%s", reason);
	return refuse(core, asker, p, &v);
}

static struct pinhole_key
key_of(const struct msg_pinhole *req)
{
	struct pinhole_key key = { .remote_port = req->remote_port,
		.internal_port = req->internal_port,
		.protocol = req->protocol };

	memcpy(key.remote_host.octet, req->remote_host, 16);
	memcpy(key.internal_client.octet, req->internal_client, 16);
	return key;
}

/* ---- add and renew ---- */

/* The disk knows the end of the block that an id is from, before the id is given. */
static int
reserve_ids(struct core *core)
{
	uint16_t last = pinhole_last_id(core->pinholes), end = (uint16_t)(last + ID_BLOCK);
	int rc;

	if ((uint16_t)(core->pinhole_id_end - last - 1) < ID_BLOCK)
		return 0;
	rc = core->store->meta_put(core->store, META_LAST_ID, &end, sizeof(end));
	if (rc == 0)
		core->pinhole_id_end = end;
	else
		trouble_store(core, rc);
	return rc;
}

static enum result
open_new(struct core *core, const struct pinhole *wanted, struct pinhole **out)
{
	struct pinhole *p;
	int rc;

	if (reserve_ids(core) < 0)
		return RESULT_FAILED;
	rc = pinhole_table_add(core->pinholes, wanted, &p);
	if (rc == -ENOSPC)
		return RESULT_NO_PINHOLES_LEFT;
	if (rc < 0) {
		trouble_memory(core);
		return RESULT_FAILED;
	}
	if (kernel_change(core, NFT_PINHOLE_ADD, p) < 0)
		goto undo_table;
	if (store_put(core, p) < 0)
		goto undo_kernel;
	*out = p;
	return RESULT_OK;

undo_kernel:
	if (kernel_change(core, NFT_PINHOLE_DEL, p) < 0)
		heal_soon(core);
undo_table:
	pinhole_table_del(core->pinholes, p);
	return RESULT_FAILED;
}

/* Before 6.12 a renewal makes the element anew, so what it has counted is read first. */
static enum result
renew(struct core *core, struct pinhole *p, uint32_t lease_s)
{
	struct pinhole old;

	pinhole_refresh_use(core, p);
	old = *p;
	pinhole_table_renew(core->pinholes, p, lease_s, core->now_ms() + lease_s * INT64_C(1000));
	if (kernel_change(core, NFT_PINHOLE_RENEW, p) == 0) {
		if (store_put(core, p) == 0)
			return RESULT_OK;
		pinhole_table_renew(core->pinholes, p, old.duration_s, old.expires_ms);
		if (kernel_change(core, NFT_PINHOLE_RENEW, p) < 0)
			heal_soon(core);
		return RESULT_FAILED;
	}
	pinhole_table_renew(core->pinholes, p, old.duration_s, old.expires_ms);
	return RESULT_FAILED;
}

static void
say_granted(struct core *core, const char *verb, const struct pinhole *p)
{
	char what[PINHOLE_STRLEN], who[ADDR6_STRLEN];

	mapping_say(core, "%s %s for %s, %" PRIu32 " s", pinhole_str(p, what), verb,
	    addr6_str(&p->client, who), p->duration_s);
}

static enum result
open_or_renew(struct core *core, struct pinhole *wanted, struct pinhole **out)
{
	enum result result;

	*out = pinhole_find(core->pinholes, &wanted->key);
	if (*out) {
		result = renew(core, *out, wanted->duration_s);
		if (result == RESULT_OK)
			notify_pinhole(core, NOTIFY_UPDATED, *out);
		return result;
	}
	if (pinhole_count_of(core->pinholes, &wanted->host) >= core->conf.max_mappings_per_client)
		return RESULT_NO_PINHOLES_LEFT;
	result = open_new(core, wanted, out);
	if (result == RESULT_OK) {
		say_granted(core, "granted", *out);
		notify_pinhole(core, NOTIFY_ADDED, *out);
	}
	return result;
}

enum result
pinhole_add(struct core *core, const struct pinhole_asker *asker, const struct msg_pinhole *req,
    uint16_t *id)
{
	struct pinhole wanted = { .origin = LEASE_UPNP,
		.key = key_of(req),
		.client = asker->client,
		.duration_s = req->lease_s,
		.expires_ms = core->now_ms() + req->lease_s * INT64_C(1000),
		.created_s = core->wall_s() };
	const char *reason = "the firewall or the pinholes are switched off";
	enum result result = pinhole_check_service(core);
	struct policy_verdict v;
	struct pinhole *p;

	if (result == RESULT_OK)
		result = pinhole_check_form(req, &wanted.key, &reason);
	if (result == RESULT_OK)
		result = pinhole_check_client(core, asker, &wanted.key, &reason);
	if (result != RESULT_OK)
		return refuse_for(core, asker, &wanted, result, reason);
	pinhole_check_rules(core, asker, &wanted.key, NULL, &v);
	if (v.result != RESULT_OK)
		return refuse(core, asker, &wanted, &v);
	wanted.host = pinhole_share_of(asker, &wanted.key.internal_client);
	result = open_or_renew(core, &wanted, &p);
	if (result == RESULT_NO_PINHOLES_LEFT)
		return refuse_for(core, asker, &wanted, result,
		    "as many as there may be (max_mappings_per_client, max_mappings)");
	if (result != RESULT_OK)
		return refuse_for(core, asker, &wanted, result, trouble_str(core));
	*id = p->id;
	record_pinhole(core, p);
	expiry_rearm(core);
	return RESULT_OK;
}

/* The one that @asker names, if it is its own. */
static enum result
find_own(struct core *core, const struct pinhole_asker *asker, uint16_t id, struct pinhole **out)
{
	enum result result = pinhole_check_service(core);

	if (result != RESULT_OK)
		return result;
	*out = pinhole_find_id(core->pinholes, id);
	if (!*out) {
		record_reason(core, "there is no such pinhole");
		return RESULT_NO_SUCH_PINHOLE;
	}
	if (pinhole_may_touch(core, asker, &(*out)->key.internal_client))
		return RESULT_OK;
	return refuse_for(core, asker, *out, RESULT_NOT_AUTHORIZED, "it is another host's");
}

enum result
pinhole_update(struct core *core, const struct pinhole_asker *asker, uint16_t id, uint32_t lease_s)
{
	enum result result = pinhole_check_service(core);
	struct pinhole *p;

	if (result == RESULT_OK && (lease_s == 0 || lease_s > PINHOLE_LEASE_MAX_S))
		return RESULT_INVALID_ARGS;
	result = find_own(core, asker, id, &p);
	if (result == RESULT_OK)
		result = renew(core, p, lease_s);
	if (result == RESULT_FAILED)
		record_reason(core, trouble_str(core));
	if (result != RESULT_OK)
		return result;
	record_pinhole(core, p);
	notify_pinhole(core, NOTIFY_UPDATED, p);
	expiry_rearm(core);
	return RESULT_OK;
}

/* ---- use ---- */

void
pinhole_refresh_use(struct core *core, struct pinhole *p)
{
	struct nft_pinhole like;
	uint64_t counter;

	fill_nft(core, p, &like);
	if (core->nft->pinhole_use(core->nft, &like, &counter) < 0 || counter == p->counter)
		return;
	/* Fewer than before: the element was made anew since, and its counter with it. */
	p->packets += counter > p->counter ? counter - p->counter : counter;
	p->counter = counter;
	if (counter > 0)
		p->last_used_s = core->wall_s();
	store_put(core, p); /* best effort */
}

enum result
pinhole_use(struct core *core, const struct pinhole_asker *asker, uint16_t id, uint64_t *packets)
{
	struct pinhole *p;
	enum result result = find_own(core, asker, id, &p);

	if (result != RESULT_OK)
		return result;
	pinhole_refresh_use(core, p);
	*packets = p->packets;
	return RESULT_OK;
}

enum result
pinhole_outbound_timeout(struct core *core, const struct pinhole_asker *asker,
    const struct msg_pinhole *req, uint32_t *seconds)
{
	struct pinhole_key key = key_of(req);

	if (core->conf.firewall == CONF_FIREWALL_OFF)
		return RESULT_FIREWALL_DISABLED;
	if (key.protocol == MSG_PROTO_ANY)
		return RESULT_WILDCARD_PROTOCOL;
	if (!pinhole_is_protocol(key.protocol))
		return RESULT_PROTOCOL_UNSUPPORTED;
	if (!addr6_is_zero(&key.internal_client) &&
	    !pinhole_may_touch(core, asker, &key.internal_client))
		return RESULT_NOT_AUTHORIZED;
	return cttimeout_read((uint8_t)key.protocol, seconds) < 0 ? RESULT_FAILED : RESULT_OK;
}

/* ---- close and expire ---- */

/* Its flows end with it, if any came through. To be asked before the element goes. */
static bool
was_used(struct core *core, struct pinhole *p)
{
	uint64_t packets;
	struct nft_pinhole like;

	if (p->packets)
		return true;
	fill_nft(core, p, &like);
	return core->nft->pinhole_use(core->nft, &like, &packets) < 0 || packets > 0;
}

static void
bury(struct core *core, struct pinhole *p, bool used, enum notify_kind kind)
{
	char what[PINHOLE_STRLEN];

	if (used)
		flows_cut6(core->flows, p);
	mapping_say_ended(core, pinhole_str(p, what), kind);
	notify_pinhole(core, kind, p);
	if (kind == NOTIFY_EXPIRED)
		record_expired_pinhole(core, p);
	pinhole_table_del(core->pinholes, p);
}

enum result
pinhole_del_one(struct core *core, struct pinhole *p)
{
	bool used = was_used(core, p);
	int rc;

	record_pinhole(core, p);
	if (kernel_change(core, NFT_PINHOLE_DEL, p) < 0)
		goto failed;
	rc = core->store->del_pinhole(core->store, p->id);
	if (rc < 0) {
		trouble_store(core, rc);
		if (kernel_change(core, NFT_PINHOLE_ADD, p) < 0)
			heal_soon(core);
		goto failed;
	}
	bury(core, p, used, NOTIFY_DELETED);
	expiry_rearm(core);
	return RESULT_OK;

failed:
	record_reason(core, trouble_str(core));
	return RESULT_FAILED;
}

void
pinhole_judge(struct core *core, const struct lan *lan, const struct pinhole *p,
    struct neigh_list *neighbours, struct policy_verdict *v)
{
	struct pinhole_asker asker = { .client = p->client, .lan = lan };

	*v = (struct policy_verdict){ .result = RESULT_OK };
	if (!core->conf.allow_pinholes) {
		v->result = RESULT_PINHOLES_FORBIDDEN;
		snprintf(
		    v->reason, sizeof(v->reason), "pinholes are switched off (allow_pinholes)");
	} else if (lan) {
		pinhole_check_rules(core, &asker, &p->key, neighbours, v);
		core->unsettled = false; /* nobody waits for it */
	}
	if (v->needs_mac)
		v->result = RESULT_OK;
}

enum result
pinhole_revoke(struct core *core, struct pinhole *p, const struct policy_verdict *why)
{
	char what[PINHOLE_STRLEN];

	mapping_say_revoked(core, pinhole_str(p, what), why);
	record_begin(core);
	return record_by_rules(core, TRAIL_PINHOLE_DELETE, why, pinhole_del_one(core, p));
}

enum result
pinhole_del(struct core *core, const struct pinhole_asker *asker, uint16_t id)
{
	struct pinhole *p;
	enum result result = find_own(core, asker, id, &p);

	return result == RESULT_OK ? pinhole_del_one(core, p) : result;
}

/* Rows that stay behind are dropped at the next load, since their time is over. */
static void
expire_rows(struct core *core, struct pinhole *const *ended, size_t n)
{
	size_t i;

	core->store->begin(core->store);
	for (i = 0; i < n; i++)
		core->store->del_pinhole(core->store, ended[i]->id);
	core->store->commit(core->store);
}

size_t
pinhole_expire(struct core *core)
{
	struct nft_change changes[ENDS_MAX];
	struct pinhole *ended[ENDS_MAX], *p;
	bool used[ENDS_MAX];
	int64_t now_ms = core->now_ms();
	size_t n = 0, i;

	while (
	    n < ENDS_MAX && (p = pinhole_next_expiry(core->pinholes)) && p->expires_ms <= now_ms) {
		used[n] = was_used(core, p);
		changes[n].op = NFT_PINHOLE_DEL;
		fill_nft(core, p, &changes[n].pinhole);
		ended[n++] = p;
		pinhole_table_renew(core->pinholes, p, p->duration_s, INT64_MAX); /* is done */
	}
	if (n == 0)
		return 0;
	if (mapping_apply(core, changes, n) < 0)
		heal_soon(core);
	expire_rows(core, ended, n);
	for (i = 0; i < n; i++)
		bury(core, ended[i], used[i], NOTIFY_EXPIRED);
	return n;
}

/* ---- restart ---- */

static int
on_stored(void *arg, const struct pinhole *p)
{
	return pinhole_table_add(arg, p, NULL);
}

int
pinhole_load(struct core *core)
{
	uint16_t last;
	int rc;

	core->pinholes = pinhole_table_new(PINHOLES_MAX);
	if (!core->pinholes)
		return -ENOMEM;
	rc = core->store->load_pinholes(
	    core->store, core->now_ms(), core->wall_s(), on_stored, core->pinholes);
	if (rc < 0) {
		pinhole_table_free(core->pinholes);
		return rc;
	}
	pinhole_table_set_max(core->pinholes, core->conf.max_mappings);
	if (core->store->meta_get(core->store, META_LAST_ID, &last, sizeof(last)) == sizeof(last))
		pinhole_set_last_id(core->pinholes, last);
	core->pinhole_id_end = pinhole_last_id(core->pinholes);
	if (pinhole_count(core->pinholes))
		log_info("%zu pinholes restored", pinhole_count(core->pinholes));
	return 0;
}
