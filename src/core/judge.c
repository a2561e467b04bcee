/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/judge.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1 /* a failed HASH_ADD leaves hh.tbl NULL */
#include <uthash.h>

#include "core/lan.h"
#include "core/policy.h"
#include "platform/neigh.h"

/* How many of those judged so far lead to @client by @rule (ALL: by whatever rule). */
#define ALL UINT32_MAX

struct tally {
	struct tally_key {
		uint32_t rule, client;
	} key;
	size_t n;
	UT_hash_handle hh;
};

struct judging {
	struct core *core;
	struct neigh_list *neighbours;
	struct tally *tallies;
	size_t by_rule[POLICY_RULES];
};

static size_t *
tally_of(struct judging *j, uint32_t rule, uint32_t client)
{
	const struct tally_key key = { rule, client };
	struct tally *t;

	HASH_FIND(hh, j->tallies, &key, sizeof(key), t);
	if (t)
		return &t->n;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->key = key;
	HASH_ADD(hh, j->tallies, key, sizeof(t->key), t);
	if (t->hh.tbl)
		return &t->n;
	free(t);
	return NULL;
}

static size_t
count(const void *arg, uint16_t rule, uint32_t client)
{
	const struct judging *j = arg;
	const struct tally_key key = { rule, client };
	struct tally *t;

	if (!client)
		return j->by_rule[rule];
	HASH_FIND(hh, j->tallies, &key, sizeof(key), t);
	return t ? t->n : 0;
}

/* A host that sleeps has no MAC address that we could know; that is no reason to end anything. */
static void
judge(struct judging *j, const struct lan *lan, const struct lease *lease, size_t have,
    struct policy_verdict *v)
{
	const struct asker asker = { .origin = (enum lease_origin)lease->origin,
		.client = lease->client,
		.lan = lan->prefix,
		.ifname = lan->ifname,
		.ifindex = lan->ifindex };
	const struct msg_map req = { .key = { .client = lease->client,
					 .remote_host = lease->remote_host,
					 .external_port = lease->external_port,
					 .protocol = lease->protocol },
		.internal_client = lease->internal_client,
		.internal_port = lease->internal_port,
		.enabled = lease->enabled,
		.lease_s = lease->duration_s };
	struct policy_facts facts = { .mappings_of_client = have, .count = count, .arg = j };
	const struct addr6 addr = addr6_from4(lease->client);
	struct mac mac;

	policy_check(&j->core->conf, &asker, &req, &facts, v);
	if (!v->needs_mac)
		return;
	if (neigh_list_find_mac(j->neighbours, asker.ifindex, &addr, &mac)) {
		facts.mac = &mac;
		policy_check(&j->core->conf, &asker, &req, &facts, v);
	} else {
		v->result = RESULT_OK;
	}
}

static int
tally(struct judging *j, const struct lease *lease)
{
	size_t *all = tally_of(j, ALL, lease->internal_client);
	size_t *own = tally_of(j, lease->rule, lease->internal_client);

	if (!all || !own)
		return -ENOMEM;
	++*all;
	++*own;
	j->by_rule[lease->rule]++;
	return 0;
}

static int
judge_one(struct judging *j, struct lease *lease,
    void (*judged)(void *arg, struct lease *lease, const struct policy_verdict *v), void *arg)
{
	const struct lan *lan = lans_find_addr4(j->core->lans, lease->internal_client);
	size_t *have = tally_of(j, ALL, lease->internal_client);
	uint32_t id = lease->id;
	struct policy_verdict v;

	if (!have)
		return -ENOMEM;
	if (!lan)
		return tally(j, lease);
	judge(j, lan, lease, *have, &v);
	lease_set_rule(j->core->leases, lease, v.rule_id);
	if (judged)
		judged(arg, lease, &v);
	lease = lease_find_id(j->core->leases, id);
	return lease ? tally(j, lease) : 0;
}

int
judge_leases(struct core *core, struct neigh_list *neighbours,
    void (*judged)(void *arg, struct lease *lease, const struct policy_verdict *v), void *arg)
{
	struct judging j = { .core = core, .neighbours = neighbours };
	struct tally *t, *next;
	struct lease *lease;
	uint32_t id = 0;
	int rc = 0;

	while (rc == 0 && (lease = lease_after(core->leases, id))) {
		id = lease->id;
		if (lease->origin == LEASE_UPNP)
			rc = judge_one(&j, lease, judged, arg);
	}
	HASH_ITER(hh, j.tallies, t, next)
	{
		HASH_DEL(j.tallies, t);
		free(t);
	}
	return rc;
}
