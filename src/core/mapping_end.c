/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/mapping_end.h"

#include "core/flows.h"
#include "core/heal.h"
#include "core/mapping.h"
#include "core/mapping_say.h"
#include "core/record.h"
#include "core/trouble.h"

void
mapping_end_retire(struct core *core, struct lease *lease, struct lease *old,
    struct mapping_image *before, struct mapping_image *after)
{
	mapping_image_take(core, lease, lease, lease->internal_port, before);
	*old = *lease;
	old->enabled = false;
	old->expires_ms = LEASE_FOREVER;
	lease_exchange(core->leases, lease, old);
	mapping_image_take(core, lease, lease, lease->internal_port, after);
}

void
mapping_end_bury(struct core *core, struct lease *lease, const struct lease *old, bool used,
    enum notify_kind kind)
{
	char what[MAPPING_STRLEN];

	if (used)
		flows_cut(core->flows, old);
	mapping_say_ended(core, mapping_str(old, what), kind);
	notify_lease(core, kind, old);
	if (kind == NOTIFY_EXPIRED)
		record_expired(core, old);
	lease_del(core->leases, lease);
}

enum result
mapping_del_lease(struct core *core, struct lease *lease)
{
	bool used = mapping_may_have_flows(core, lease);
	struct mapping_image before, after;
	struct lease old;

	record_lease(core, lease);
	mapping_end_retire(core, lease, &old, &before, &after);
	if (mapping_image_commit(core, &before, &after, NULL, lease->id) < 0) {
		lease_exchange(core->leases, lease, &old);
		lease->counted = !used; /* the way back made the element anew */
		record_reason(core, trouble_str(core));
		return RESULT_FAILED;
	}
	core->update_id++;
	mapping_end_bury(core, lease, &old, used, NOTIFY_DELETED);
	expiry_rearm(core);
	return RESULT_OK;
}

enum result
mapping_revoke(struct core *core, struct lease *lease, const struct policy_verdict *why)
{
	char what[MAPPING_STRLEN];

	mapping_say_revoked(core, mapping_str(lease, what), why);
	record_begin(core);
	return record_by_rules(core, TRAIL_DELETE, why, mapping_del_lease(core, lease));
}

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
	struct lease *lease[MAPPING_CHANGES_MAX], old[MAPPING_CHANGES_MAX], *next;
	struct mapping_changes c = { .n = 0 };
	struct mapping_image before, after;
	int64_t now_ms = core->now_ms();
	bool used[MAPPING_CHANGES_MAX];
	size_t n = 0, i;

	while (n < MAPPING_CHANGES_MAX && c.n + MAPPING_CHANGES_OF_END <= MAPPING_CHANGES_MAX) {
		next = lease_next_expiry(core->leases);
		if (!next || next->expires_ms > now_ms)
			break;
		used[n] = mapping_may_have_flows(core, next);
		mapping_end_retire(core, next, &old[n], &before, &after);
		mapping_image_changes(&before, &after, &c);
		lease[n++] = next;
	}
	if (n == 0)
		return 0;
	if (mapping_apply(core, c.item, c.n) < 0)
		heal_soon(core);
	expire_rows(core, old, n);
	core->update_id += (uint32_t)n;
	for (i = 0; i < n; i++)
		mapping_end_bury(core, lease[i], &old[i], used[i], NOTIFY_EXPIRED);
	expiry_rearm(core);
	return n;
}
