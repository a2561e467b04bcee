/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grants and refreshes mappings, and deletes them by their key. Owns no state of its own: it keeps
 * table, kernel and store in step, in this order, and steps back in reverse.
 */
#include "core/mapping.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/decide.h"
#include "core/flows.h"
#include "core/mapping_image.h"
#include "core/mapping_say.h"
#include "core/notify.h"
#include "core/record.h"
#include "core/trouble.h"
#include "lib/log.h"
#include "lib/utf8.h"

static enum result
refuse(struct core *core, const struct asker *asker, const struct msg_map *req,
    const struct policy_verdict *v)
{
	struct lease as_asked = { .remote_host = req->key.remote_host,
		.external_port = req->key.external_port,
		.protocol = req->key.protocol,
		.internal_client = req->internal_client,
		.internal_port = req->internal_port };
	char what[MAPPING_STRLEN], who[ADDR4_STRLEN];

	mapping_say_refused(
	    core, mapping_str(&as_asked, what), mapping_client_str(asker->client, who), v);
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
	    result == RESULT_NO_RESOURCES ? "the table is full (max_mappings)" : trouble_str(core));
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
	    mapping_client_str(l->client, who), time, l->enabled ? "" : ", disabled",
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
	struct mapping_image before, after;
	struct lease *lease;
	int rc;

	mapping_image_take(core, NULL, wanted, wanted->internal_port, &before);
	rc = lease_add(core->leases, wanted, &lease);
	if (rc == -ENOSPC)
		return RESULT_NO_RESOURCES;
	if (rc < 0) {
		trouble_memory(core);
		return RESULT_FAILED;
	}
	mapping_image_take(core, lease, lease, lease->internal_port, &after);
	if (mapping_image_commit(core, &before, &after, lease, lease->id) < 0) {
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
	struct mapping_image before, after;
	bool used = mapping_may_have_flows(core, lease);

	/* One that leads elsewhere is made anew, and goes on from what is known of it. */
	if (used && other.internal_port != lease->internal_port)
		mapping_read_use(core, lease);
	other.counted = !used || other.internal_port != lease->internal_port;
	other.created_s = lease->created_s;
	other.last_used_s = lease->last_used_s;
	other.use_packets = lease->use_packets;
	other.packets = lease->packets;
	other.octets = lease->octets;
	other.description = strdup(wanted->description);
	if (!other.description) {
		trouble_memory(core);
		return RESULT_FAILED;
	}

	mapping_image_take(core, lease, lease, wanted->internal_port, &before);
	lease_exchange(core->leases, lease, &other);
	mapping_image_take(core, lease, &other, wanted->internal_port, &after);
	if (mapping_image_commit(core, &before, &after, lease, lease->id) < 0) {
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

enum result
mapping_shorten(struct core *core, struct lease *lease, const struct policy_verdict *v)
{
	struct lease wanted = *lease;

	wanted.duration_s = v->lease_s;
	wanted.expires_ms = core->now_ms() + v->lease_s * INT64_C(1000);
	wanted.rule = v->rule_id;
	record_begin(core);
	return record_by_rules(core, TRAIL_RENEW, v, refresh(core, lease, &wanted, v));
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
		    mapping_str(lease, what), mapping_client_str(asker->client, who));
		record_reason(core, "it is not its own");
		return RESULT_NOT_AUTHORIZED;
	}
	return mapping_del_lease(core, lease);
}
