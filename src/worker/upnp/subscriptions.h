/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has how many event subscriptions, so that one host cannot have all that a service may have.
 * libupnp counts them for each service only. Pure: the gate tells what was asked and answered.
 */
#ifndef PORTREEVE_WORKER_UPNP_SUBSCRIPTIONS_H
#define PORTREEVE_WORKER_UPNP_SUBSCRIPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUBSCRIPTIONS_PER_HOST 16 /* of one service */
#define SUBSCRIPTIONS_MAX 1024    /* more than libupnp grants in all */

struct subscriptions {
	size_t n;
	struct subscription {
		uint32_t peer;
		uint32_t service; /* subscriptions_key() of its event URL */
		uint64_t sid;
		int64_t expires_ms;
	} v[SUBSCRIPTIONS_MAX];
};

/* The number that stands for an event URL. */
uint32_t subscriptions_key(const char *target, size_t len);

/* May @peer have another one? Forgets those that have run out at @now_ms. */
bool subscriptions_may(struct subscriptions *s, uint32_t peer, uint32_t service, int64_t now_ms);

/* One was granted or renewed until @expires_ms. */
void subscriptions_granted(struct subscriptions *s, uint32_t peer, uint32_t service,
    const char *sid, size_t len, int64_t expires_ms);

/* One was given up. */
void subscriptions_ended(struct subscriptions *s, const char *sid, size_t len);

#endif
