/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Evented variables: what subscribers know, what they are still owed, and when they may be told
 * (UDA 1.0 section 4).
 *
 * Pure bookkeeping with the caller's clock. Nothing here sends: main.c asks gena_next() for the
 * next thing to send, on a thread of its own. The caller keeps the lock.
 */
#ifndef PORTREEVE_WORKER_UPNP_GENA_H
#define PORTREEVE_WORKER_UPNP_GENA_H

#include "worker/upnp/service.h"

/*
 * Subscriptions of one service. Who sends leaves libupnp the time to be done with one service
 * before the next: its queue takes 100 jobs, and one refused there would silence that subscriber
 * for ever.
 */
#define GENA_SUBSCRIPTIONS 80 /* a host's share: subscriptions.h */
#define GENA_PAUSE_MS 10
#define GENA_SUBSCRIPTION_S 1800 /* the longest granted */
#define GENA_SID_MAX 48

/* GUPnP loses an initial event that overtakes the answer to its SUBSCRIBE. */
#define GENA_INITIAL_MS 50

/*
 * Changes of one service are told at most this often; the last value always is. Only a new
 * subscriber hurries that: first the others are told, so that all always believe the same.
 */
#define GENA_MODERATION_MS 200

/*
 * libupnp forgets subscriptions that have run out only when it sends something: so each service
 * that was ever subscribed to repeats its values this often, else the dead would fill its table.
 */
#define GENA_REPEAT_MS (GENA_SUBSCRIPTION_S * 1000)

struct gena_values {
	char text[SERVICE_EVENTS_MAX][SERVICE_VALUE_MAX];
};

struct gena_service {
	const struct service *service;
	unsigned nvars;
	struct gena_values present, told;
	bool subscribed; /* somebody ever was */
	int64_t told_ms;
};

struct gena_waiting {
	unsigned service;
	char sid[GENA_SID_MAX];
	int64_t due_ms;
};

struct gena {
	struct desc_names names;
	bool known; /* a state came */
	struct gena_service services[SERVICE_COUNT];
	unsigned nwaiting;
	struct gena_waiting waiting[SERVICE_COUNT * GENA_SUBSCRIPTIONS]; /* oldest first */
};

/* One event to send. */
struct gena_job {
	const struct service *service;
	char sid[GENA_SID_MAX]; /* the initial event of this one; empty: to all */
	int n;
	const char *names[SERVICE_EVENTS_MAX];
	struct gena_values values;
};

void gena_init(struct gena *gena, const struct desc_names *names);

/* What is true now. */
void gena_state(struct gena *gena, const struct msg_state *state);

/* @sid has subscribed. 0, or -ENOSPC: it will get no events. */
int gena_subscribe(struct gena *gena, const char *key, const char *sid, int64_t now_ms);

/* Is an initial event due? Then is the time to look what is true now. */
bool gena_initial_due(const struct gena *gena, int64_t now_ms);

/* Takes the next event that is due. False: nothing is, at @now_ms. */
bool gena_next(struct gena *gena, int64_t now_ms, struct gena_job *job);

/* When gena_next() will have something, or -1: not before one of the calls above. */
int64_t gena_due_ms(const struct gena *gena);

#endif
