/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What clients are told of mappings: which they may see, in what order. Changes nothing. */
#include "core/mapping.h"

#include <stdio.h>
#include <string.h>

#include "core/policy.h"

/* ---- what may be seen ---- */

#define OWN_WALK_MAX 256 /* a client with so many: better walk the ports */

enum result
mapping_get(const struct core *core, const struct asker *asker, const struct msg_map_key *key,
    const struct lease **out)
{
	*out = lease_find(core->leases, key->protocol, key->external_port, key->remote_host);
	if (!*out)
		return RESULT_NO_SUCH_ENTRY;
	return policy_may_see(&core->conf, asker, *out) ? RESULT_OK : RESULT_NOT_AUTHORIZED;
}

/* Indexes are those of what can be seen: clients stop at the first fault. */
enum result
mapping_at(
    const struct core *core, const struct asker *asker, uint32_t index, const struct lease **out)
{
	size_t i;

	if (asker->igd == MSG_IGD1 || !core->conf.secure) {
		*out = lease_at(core->leases, index);
		return *out ? RESULT_OK : RESULT_NO_SUCH_INDEX;
	}
	for (i = 0; (*out = lease_of(core->leases, asker->client, i)); i++)
		if (policy_may_see(&core->conf, asker, *out) && index-- == 0)
			return RESULT_OK;
	return RESULT_NO_SUCH_INDEX;
}

/* Orders by external port and remote host. */
static bool
is_behind(const struct lease *l, uint16_t port, uint32_t remote_host)
{
	return l->external_port > port ||
	       (l->external_port == port && l->remote_host > remote_host);
}

/* Without NewManage, or where that means nothing, only what leads to the asker. */
static bool
is_listed(const struct core *core, const struct asker *asker, const struct msg_range *range,
    const struct lease *l)
{
	if (l->internal_client != asker->client &&
	    !(range->manage && policy_may_manage(&core->conf)))
		return false;
	return mapping_in_range(range, l) && policy_may_see(&core->conf, asker, l);
}

/* Of two candidates behind the last one got, the nearer. */
static const struct lease *
nearer(const struct core *core, const struct asker *asker, const struct msg_range_next *next,
    const struct lease *best, const struct lease *l)
{
	if (!is_listed(core, asker, &next->range, l) ||
	    (next->after_port && !is_behind(l, next->after_port, next->after_remote_host)))
		return best;
	return best && is_behind(l, best->external_port, best->remote_host) ? best : l;
}

static const struct lease *
next_own(const struct core *core, const struct asker *asker, const struct msg_range_next *next)
{
	const struct lease *best = NULL, *l;
	size_t i;

	for (i = 0; (l = lease_of(core->leases, asker->client, i)); i++)
		best = nearer(core, asker, next, best, l);
	return best;
}

static const struct lease *
next_on_ports(const struct core *core, const struct asker *asker, const struct msg_range_next *next)
{
	uint8_t protocol = next->range.protocol;
	const struct lease *best = NULL, *l = NULL;
	uint32_t port = next->range.first_port;

	if (port < next->after_port)
		port = next->after_port;
	for (; !best && (port = lease_next_port(core->leases, protocol, port)) != 0 &&
	       port <= next->range.last_port;
	     port++)
		while ((l = lease_on_port(core->leases, protocol, (uint16_t)port, l)))
			best = nearer(core, asker, next, best, l);
	return best;
}

enum result
mapping_after(const struct core *core, const struct asker *asker, const struct msg_range_next *next,
    const struct lease **out)
{
	enum result result = mapping_check_range(core, asker, &next->range);
	bool own = !next->range.manage || !policy_may_manage(&core->conf);

	if (result != RESULT_OK)
		return result;
	if (own && !lease_of(core->leases, asker->client, OWN_WALK_MAX))
		*out = next_own(core, asker, next);
	else
		*out = next_on_ports(core, asker, next);
	return *out ? RESULT_OK : RESULT_NOT_FOUND;
}

/* ---- what is told of a mapping ---- */

void
mapping_describe(const struct core *core, const struct lease *lease, struct msg_map *out)
{
	memset(out, 0, sizeof(*out));
	out->key.client = lease->client;
	out->key.remote_host = lease->remote_host;
	out->key.external_port = lease->external_port;
	out->key.protocol = lease->protocol;
	out->internal_client = lease->internal_client;
	out->internal_port = lease->internal_port;
	out->enabled = lease->enabled;
	out->lease_s = lease_remaining_s(lease, core->now_ms());
	snprintf(out->description, sizeof(out->description), "%s", lease->description);
}
