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
#include "core/network.h"
#include "core/notify.h"
#include "core/policy.h"
#include "core/record.h"
#include "lib/log.h"
#include "platform/cttimeout.h"
#include "platform/neigh.h"

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
kernel_apply(struct core *core, const struct nft_change *changes, size_t n)
{
	int rc = core->nft->apply(core->nft, changes, n);

	if (rc != -ENOENT)
		return rc;
	/* As in mapping.c: somebody has taken the table away. */
	rc = mapping_sync(core);
	return rc < 0 ? rc : core->nft->apply(core->nft, changes, n);
}

static int
kernel_change(struct core *core, enum nft_op op, const struct pinhole *p)
{
	struct nft_change change = { .op = op };

	fill_nft(core, p, &change.pinhole);
	return kernel_apply(core, &change, 1);
}

static int
store_put(struct core *core, const struct pinhole *p)
{
	return core->store->put_pinhole(core->store, p, core->now_ms(), core->wall_s());
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
	char what[PINHOLE_STRLEN], who[ADDR6_STRLEN], rule[POLICY_DECIDER_STRLEN];

	mapping_say(core, "%s refused to %s: %s: %s%s", pinhole_str(p, what),
	    addr6_str(&asker->client, who), result_str(v->result), v->reason,
	    policy_decider_str(v, core_conf_path(core), rule));
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

/* ---- who may what ---- */

static enum result
check_service(const struct core *core)
{
	if (core->conf.firewall == CONF_FIREWALL_OFF)
		return RESULT_FIREWALL_DISABLED;
	return core->conf.allow_pinholes ? RESULT_OK : RESULT_PINHOLES_FORBIDDEN;
}

/*
 * Is it one host? True for one address; else the link-layer addresses decide. That of @internal may
 * not be known yet: then the kernel looks for it, and core->unsettled says that asking again soon
 * may give another answer.
 */
static bool
is_same_host(struct core *core, const struct pinhole_asker *asker, const struct addr6 *internal)
{
	struct neigh a, b;
	int rc;

	if (addr6_same(&asker->client, internal))
		return true;
	if (neigh_find(asker->lan->ifindex, &asker->client, &a) < 0)
		return false;
	rc = neigh_find(asker->lan->ifindex, internal, &b);
	if (rc == -ENOENT)
		core->unsettled = true;
	return rc == 0 && neigh_same(&a, &b);
}

static bool
may_touch(struct core *core, const struct pinhole_asker *asker, const struct addr6 *internal)
{
	return !core->conf.secure || is_same_host(core, asker, internal);
}

/* Whose share a pinhole takes: addresses are cheap in IPv6, network cards are not. */
static struct addr6
share_of(const struct pinhole_asker *asker, const struct addr6 *internal)
{
	struct addr6 share = { { 0 } };
	struct neigh n;

	if (neigh_find(asker->lan->ifindex, internal, &n) < 0)
		return *internal;
	memcpy(share.octet + sizeof(share.octet) - n.len, n.lladdr, n.len);
	return share;
}

static bool
is_on_lan(const struct lan *lan, const struct addr6 *addr)
{
	size_t i;

	for (i = 0; i < lan->n_prefixes6; i++)
		if (prefix6_contains(&lan->prefixes6[i], addr))
			return true;
	return false;
}

static bool
has_ports(uint16_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

/* Numbers of extension headers: no packet is "of" them, so no filter could find one. */
static bool
is_protocol(uint16_t protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_NONE:
	case IPPROTO_DSTOPTS:
	case IPPROTO_RAW:
		return false;
	}
	return true;
}

/* 0, or what cannot be a pinhole, whoever asks. @p: the key as asked for, and as it will be. */
static enum result
check_form(const struct msg_pinhole *req, struct pinhole_key *key, const char **reason)
{
	*reason = "the lease is not 1 to 86400 s";
	if (req->lease_s == 0 || req->lease_s > PINHOLE_LEASE_MAX_S)
		return RESULT_INVALID_ARGS;
	*reason = "the remote host is none of the Internet";
	if (!addr6_is_zero(&key->remote_host) && !addr6_is_global(&key->remote_host))
		return RESULT_INVALID_ARGS;
	*reason = "the internal client is a wildcard";
	if (addr6_is_zero(&key->internal_client))
		return RESULT_WILDCARD_PINHOLE_CLIENT;
	*reason = "no packets are of that protocol";
	if (!is_protocol(key->protocol))
		return RESULT_PROTOCOL_UNSUPPORTED;
	*reason = "a port of any protocol";
	if (key->protocol == MSG_PROTO_ANY && (key->remote_port || key->internal_port))
		return RESULT_WILDCARD_PROTOCOL;
	if (!has_ports(key->protocol))
		key->remote_port = key->internal_port = 0;
	return RESULT_OK;
}

static enum result
check_client(struct core *core, const struct pinhole_asker *asker, const struct pinhole_key *key,
    const char **reason)
{
	const struct addr6 *internal = &key->internal_client;

	*reason = "it is no host of the Internet on that LAN";
	if (!addr6_is_global(internal) || !is_on_lan(asker->lan, internal))
		return RESULT_NOT_AUTHORIZED;
	*reason = "it is the gateway itself";
	if (network_is_ours6(core, internal))
		return RESULT_NOT_AUTHORIZED;
	*reason = "it is another host (secure)";
	return may_touch(core, asker, internal) ? RESULT_OK : RESULT_NOT_AUTHORIZED;
}

/* @neighbours NULL: the kernel is asked, and asks the host. */
static bool
find_mac(const struct pinhole_asker *asker, struct neigh_list *neighbours, struct mac *mac)
{
	uint32_t ifindex = asker->lan->ifindex;

	return neighbours ? neigh_list_find_mac(neighbours, ifindex, &asker->client, mac)
			  : neigh_find_mac(ifindex, &asker->client, mac);
}

static void
check_rules(struct core *core, const struct pinhole_asker *asker, const struct pinhole_key *key,
    struct neigh_list *neighbours, struct policy_verdict *v)
{
	const struct policy_pinhole req = { .client = asker->client,
		.ifname = asker->lan->ifname,
		.protocol = key->protocol,
		.port = key->internal_port,
		.any_remote = addr6_is_zero(&key->remote_host) };
	struct policy_facts facts = { .mac = NULL };
	struct mac mac;

	policy_check_pinhole(&core->conf, &req, &facts, v);
	if (!v->needs_mac)
		return;
	if (find_mac(asker, neighbours, &mac)) {
		facts.mac = &mac;
		policy_check_pinhole(&core->conf, &req, &facts, v);
	} else {
		core->unsettled = true;
	}
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
	return rc;
}

static enum result
open_new(struct core *core, const struct pinhole *wanted, struct pinhole **out)
{
	struct pinhole *p;
	int rc = reserve_ids(core);

	if (rc == 0)
		rc = pinhole_table_add(core->pinholes, wanted, &p);
	if (rc < 0)
		return rc == -ENOSPC ? RESULT_NO_PINHOLES_LEFT : RESULT_FAILED;
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
	enum result result = check_service(core);
	struct policy_verdict v;
	struct pinhole *p;

	if (result == RESULT_OK)
		result = check_form(req, &wanted.key, &reason);
	if (result == RESULT_OK)
		result = check_client(core, asker, &wanted.key, &reason);
	if (result != RESULT_OK)
		return refuse_for(core, asker, &wanted, result, reason);
	check_rules(core, asker, &wanted.key, NULL, &v);
	if (v.result != RESULT_OK)
		return refuse(core, asker, &wanted, &v);
	wanted.host = share_of(asker, &wanted.key.internal_client);
	result = open_or_renew(core, &wanted, &p);
	if (result == RESULT_NO_PINHOLES_LEFT)
		return refuse_for(core, asker, &wanted, result,
		    "as many as there may be (max_mappings_per_client, max_mappings)");
	if (result != RESULT_OK)
		return refuse_for(core, asker, &wanted, result, "kernel, store or memory failed");
	*id = p->id;
	record_pinhole(core, p);
	expiry_rearm(core);
	return RESULT_OK;
}

/* The one that @asker names, if it is its own. */
static enum result
find_own(struct core *core, const struct pinhole_asker *asker, uint16_t id, struct pinhole **out)
{
	enum result result = check_service(core);

	if (result != RESULT_OK)
		return result;
	*out = pinhole_find_id(core->pinholes, id);
	if (!*out) {
		record_reason(core, "there is no such pinhole");
		return RESULT_NO_SUCH_PINHOLE;
	}
	if (may_touch(core, asker, &(*out)->key.internal_client))
		return RESULT_OK;
	return refuse_for(core, asker, *out, RESULT_NOT_AUTHORIZED, "it is another host's");
}

enum result
pinhole_update(struct core *core, const struct pinhole_asker *asker, uint16_t id, uint32_t lease_s)
{
	enum result result = check_service(core);
	struct pinhole *p;

	if (result == RESULT_OK && (lease_s == 0 || lease_s > PINHOLE_LEASE_MAX_S))
		return RESULT_INVALID_ARGS;
	result = find_own(core, asker, id, &p);
	if (result == RESULT_OK)
		result = renew(core, p, lease_s);
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
	if (!is_protocol(key.protocol))
		return RESULT_PROTOCOL_UNSUPPORTED;
	if (!addr6_is_zero(&key.internal_client) && !may_touch(core, asker, &key.internal_client))
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
	mapping_say(
	    core, "%s %s", pinhole_str(p, what), kind == NOTIFY_EXPIRED ? "expired" : "deleted");
	notify_pinhole(core, kind, p);
	if (kind == NOTIFY_EXPIRED)
		record_expired_pinhole(core, p);
	pinhole_table_del(core->pinholes, p);
}

enum result
pinhole_del_one(struct core *core, struct pinhole *p)
{
	bool used = was_used(core, p);

	record_pinhole(core, p);
	if (kernel_change(core, NFT_PINHOLE_DEL, p) < 0)
		return RESULT_FAILED;
	if (core->store->del_pinhole(core->store, p->id) < 0) {
		if (kernel_change(core, NFT_PINHOLE_ADD, p) < 0)
			heal_soon(core);
		return RESULT_FAILED;
	}
	bury(core, p, used, NOTIFY_DELETED);
	expiry_rearm(core);
	return RESULT_OK;
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
		check_rules(core, &asker, &p->key, neighbours, v);
		core->unsettled = false; /* nobody waits for it */
	}
	if (v->needs_mac)
		v->result = RESULT_OK;
}

enum result
pinhole_revoke(struct core *core, struct pinhole *p, const struct policy_verdict *why)
{
	char what[PINHOLE_STRLEN], rule[POLICY_DECIDER_STRLEN];
	enum result result;

	mapping_say(core, "%s revoked: %s%s", pinhole_str(p, what), why->reason,
	    policy_decider_str(why, core_conf_path(core), rule));
	record_begin(core);
	result = pinhole_del_one(core, p);
	if (result == RESULT_OK)
		record_verdict(core, why);
	record_by_configuration(core, TRAIL_PINHOLE_DELETE, result);
	return result;
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
	if (kernel_apply(core, changes, n) < 0)
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
