/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns the sweeps through the connection table: when they begin, and the events that feed them. */
#include "core/flows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/conntrack.h"
#include "kernel/conntrack6.h"
#include "lib/compiler.h"
#include "lib/log.h"

/*
 * The least time between two sweeps: 50 ms, but enough that they take no more than 1/32 of a
 * processor. One sweep walks the whole hash table of the kernel, whatever is in it: 0.3 ms with
 * 16,384 buckets, 5 ms with 262,144.
 */
#define SWEEP_INTERVAL_MS 50
#define SWEEP_INTERVAL_MAX_MS 1000
#define SWEEP_SHARE 32

#define WISHES6_MAX 64 /* more of them do not wait */

struct flows {
	struct core *core;
	struct conntrack *ct;
	struct event *readable;
	struct event *later;
	int64_t swept_ms; /* when the last sweep was asked for */
	int64_t cost_us;  /* CPU time it has taken so far */

	/* What the kernel's record of knocks does not know, as it came before. */
	struct ct_ports stale;
	uint64_t record;
	int64_t surveyed_ms;

	/* Of pinholes. */
	struct ct_match6 wishes6[WISHES6_MAX];
	size_t n_wishes6;
	struct event *later6;
};

static int64_t
cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t
interval_ms(const struct flows *flows)
{
	int64_t ms = flows->cost_us * SWEEP_SHARE / 1000;

	if (ms < SWEEP_INTERVAL_MS)
		return SWEEP_INTERVAL_MS;
	return ms < SWEEP_INTERVAL_MAX_MS ? ms : SWEEP_INTERVAL_MAX_MS;
}

static void
sweep(struct flows *flows)
{
	int64_t begun_us = cpu_us();

	flows->swept_ms = flows->core->now_ms();
	conntrack_sweep(flows->ct); /* what fails was logged; the next wish tries again */
	flows->cost_us = cpu_us() - begun_us;
}

static void
on_readable(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct flows *flows = arg;
	int64_t begun_us = cpu_us();

	conntrack_read(flows->ct);
	flows->cost_us += cpu_us() - begun_us;
}

static void
on_later(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	sweep(arg);
}

/* Before they are forgotten: see struct nft_flow. */
static void
on_ending(void *arg, const struct nft_flow *ended, size_t n)
{
	struct nft *nft = ((struct flows *)arg)->core->nft;
	int rc = nft->end_flows(nft, ended, n);

	if (rc < 0)
		log_debug("%zu flows may go on from inside: %s", n, strerror(-rc));
}

static void
on_later6(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct flows *flows = arg;
	int rc;

	rc = conntrack6_forget(flows->wishes6, flows->n_wishes6, on_ending, flows);
	if (rc < 0)
		log_warn(
		    "connection tracking: flows of pinholes could not be ended: %s", strerror(-rc));
	flows->n_wishes6 = 0;
}

struct flows *
flows_new(struct core *core)
{
	struct flows *flows = calloc(1, sizeof(*flows));

	if (!flows)
		return NULL;
	flows->core = core;
	flows->swept_ms = core->now_ms() - SWEEP_INTERVAL_MS;
	flows->ct = conntrack_new(on_ending, flows);
	if (!flows->ct) {
		free(flows);
		return NULL;
	}
	flows->readable = event_new(
	    core->base, conntrack_fd(flows->ct), EV_READ | EV_PERSIST, on_readable, flows);
	flows->later = event_new(core->base, -1, 0, on_later, flows);
	flows->later6 = event_new(core->base, -1, 0, on_later6, flows);
	if (!flows->readable || !flows->later || !flows->later6 ||
	    event_add(flows->readable, NULL) < 0) {
		log_error("connection tracking: no event");
		flows_free(flows);
		return NULL;
	}
	return flows;
}

void
flows_free(struct flows *flows)
{
	if (!flows)
		return;
	if (flows->readable)
		event_free(flows->readable);
	if (flows->later)
		event_free(flows->later);
	if (flows->later6)
		event_free(flows->later6);
	conntrack_free(flows->ct);
	free(flows);
}

static void
wish(struct flows *flows, const struct ct_match *match)
{
	int64_t wait_ms = flows->swept_ms + interval_ms(flows) - flows->core->now_ms();
	struct timeval tv = { 0, 0 };

	if (conntrack_forget(flows->ct, match) < 0) {
		log_warn("connection tracking: no memory to forget the flows of port %u",
		    match->external_port);
		return;
	}
	if (event_pending(flows->later, EV_TIMEOUT, NULL))
		return;
	if (wait_ms > 0) {
		tv.tv_sec = wait_ms / 1000;
		tv.tv_usec = wait_ms % 1000 * 1000;
	}
	event_add(
	    flows->later, &tv); /* at the earliest in the loop's next turn: first the answer */
}

/*
 * A peer was sending to that port, so far as kernel and survey know; true as well when they do not
 * know. A survey is part of the next sweep: the caller asks for one then.
 */
static bool
may_be_stale(struct flows *flows, const struct lease *lease)
{
	struct nft *nft = flows->core->nft;
	uint64_t record = 0;
	int rc = nft->knocked(nft, lease->protocol, lease->external_port, &record);

	if (rc < 0)
		return true;
	if (record != flows->record) {
		conntrack_survey(flows->ct, &flows->stale);
		flows->record = record;
		flows->surveyed_ms = flows->core->now_ms();
	}
	if (rc > 0 || !flows->stale.complete)
		return true;
	return flows->core->now_ms() - flows->surveyed_ms < NFT_KNOCK_MS &&
	       conntrack_has_port(&flows->stale, lease->protocol, lease->external_port);
}

void
flows_cut(struct flows *flows, const struct lease *lease)
{
	struct ct_match match = {
		.remote_host = lease->remote_host,
		.internal_client = lease->internal_client,
		.external_port = lease->external_port,
		.internal_port = lease->internal_port,
		.protocol = lease->protocol,
	};

	wish(flows, &match);
	if (conf_opens_hosts(&flows->core->conf)) {
		match.external_port = lease->internal_port;
		match.untranslated = true;
		wish(flows, &match);
	}
}

void
flows_clear_stale(struct flows *flows, const struct lease *lease)
{
	struct ct_match match = {
		.remote_host = lease->remote_host,
		.external_port = lease->external_port,
		.protocol = lease->protocol,
		.unreplied_only = true,
	};

	if (may_be_stale(flows, lease))
		wish(flows, &match);
}

/* Gathered as well, so that a burst costs one walk; the first of them waits as long as the last. */
void
flows_cut6(struct flows *flows, const struct pinhole *p)
{
	const struct timeval soon = { 0, SWEEP_INTERVAL_MS * 1000 };

	if (flows->n_wishes6 == WISHES6_MAX)
		on_later6(-1, 0, flows);
	flows->wishes6[flows->n_wishes6++] = (struct ct_match6){
		.remote_host = p->key.remote_host,
		.internal_client = p->key.internal_client,
		.remote_port = p->key.remote_port,
		.internal_port = p->key.internal_port,
		.protocol = p->key.protocol,
	};
	if (!event_pending(flows->later6, EV_TIMEOUT, NULL))
		event_add(flows->later6, &soon);
}
