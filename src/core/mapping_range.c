/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges of external ports, as WANIPConnection:2 lets clients name them, and what ends a whole one:
 * all of its mappings or none. */
#include "core/mapping.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/heal.h"
#include "core/mapping_end.h"
#include "core/policy.h"
#include "core/record.h"
#include "core/trouble.h"

bool
mapping_in_range(const struct msg_range *range, const struct lease *l)
{
	return l->protocol == range->protocol && l->external_port >= range->first_port &&
	       l->external_port <= range->last_port;
}

enum result
mapping_check_range(
    const struct core *core, const struct asker *asker, const struct msg_range *range)
{
	if (range->first_port > range->last_port)
		return RESULT_INCONSISTENT;
	if (!policy_may_reach(&core->conf, asker, range->first_port))
		return RESULT_NOT_AUTHORIZED;
	return RESULT_OK;
}

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
	struct mapping_changes c = { .n = 0 };
	struct mapping_image before, after;
	struct ended *v;
	int rc = 0;

	for (*retired = 0; rc == 0 && *retired < e->n; ++*retired) {
		v = &e->v[*retired];
		v->used = mapping_may_have_flows(core, v->lease);
		mapping_end_retire(core, v->lease, &v->old, &before, &after);
		mapping_image_changes(&before, &after, &c);
		if (c.n + MAPPING_CHANGES_OF_END > MAPPING_CHANGES_MAX) {
			rc = mapping_apply(core, c.item, c.n);
			c.n = 0;
		}
	}
	if (rc == 0)
		rc = mapping_apply(core, c.item, c.n);
	if (rc < 0)
		trouble_kernel(core, rc);
	return rc;
}

static int
forget_ended(struct core *core, const struct ending *e)
{
	size_t i;
	int rc;

	core->store->begin(core->store);
	for (i = 0; i < e->n; i++)
		core->store->del(core->store, e->v[i].old.id);
	rc = core->store->commit(core->store);
	if (rc < 0)
		trouble_store(core, rc);
	return rc;
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
		mapping_end_bury(core, e->v[i].lease, &e->v[i].old, e->v[i].used, NOTIFY_DELETED);
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
	if (rc < 0) {
		trouble_memory(core);
		result = RESULT_FAILED;
	} else {
		result = e.n ? end_all(core, &e) : RESULT_NOT_FOUND;
	}
	if (result == RESULT_FAILED)
		record_reason(core, trouble_str(core));
	free(e.v);
	return result;
}
