/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker/upnp/subscriptions.h"

/* FNV-1a: SIDs are libupnp's own random numbers, nobody can choose one to collide. */
static uint64_t
hash(const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3;
	return h;
}

uint32_t
subscriptions_key(const char *target, size_t len)
{
	return (uint32_t)hash(target, len);
}

static void
forget(struct subscriptions *s, size_t i)
{
	s->v[i] = s->v[--s->n];
}

bool
subscriptions_may(struct subscriptions *s, uint32_t peer, uint32_t service, int64_t now_ms)
{
	unsigned held = 0;
	size_t i = 0;

	while (i < s->n) {
		if (s->v[i].expires_ms <= now_ms) {
			forget(s, i);
			continue;
		}
		held += s->v[i].peer == peer && s->v[i].service == service;
		i++;
	}
	return held < SUBSCRIPTIONS_PER_HOST && s->n < SUBSCRIPTIONS_MAX;
}

void
subscriptions_granted(struct subscriptions *s, uint32_t peer, uint32_t service, const char *sid,
    size_t len, int64_t expires_ms)
{
	const uint64_t id = hash(sid, len);
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->v[i].sid == id)
			break;
	if (i == SUBSCRIPTIONS_MAX)
		return;
	s->n += i == s->n;
	s->v[i] = (struct subscription){ peer, service, id, expires_ms };
}

void
subscriptions_ended(struct subscriptions *s, const char *sid, size_t len)
{
	const uint64_t id = hash(sid, len);
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->v[i].sid == id) {
			forget(s, i);
			return;
		}
}
