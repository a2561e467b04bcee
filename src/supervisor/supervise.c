/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "supervisor/supervise.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dhcp/exits.h"
#include "ipc/channel.h"
#include "lib/log.h"
#include "supervisor/child.h"

/* A worker must have time for its good-bye, and the core must outlive it. */
_Static_assert(MSG_GOODBYE_MS + 50 < SUPERVISE_REPLACE_MS, "no time to say good-bye to a LAN");
_Static_assert(MSG_GOODBYE_MS + 50 < SUPERVISE_CORE_TERM_MS, "no time to say good-bye at the end");
_Static_assert(SUPERVISE_CORE_TERM_MS < SUPERVISE_KILL_MS, "no time for the core's end");

/* Messages read from one process before the others have their turn. */
#define BURST 16

struct served {
	struct child child;
	struct msg_lan wanted;  /* what the core asked for last; no name: a free place */
	struct msg_lan running; /* what the present process was started for */
	bool told;              /* the present core knows of it */
	bool attached;          /* the present process and the present core have their channels */
};

struct supervisor {
	const struct supervise_ops *ops;
	void *arg;
	struct child core, dhcp, seclog;
	bool dhcp_wanted;
	uint32_t dhcp_serial; /* of the wish */
	bool dhcp_look;       /* at its next start */
	uint32_t dhcp_status; /* with which it gave up */
	struct served lans[SUPERVISE_LANS_MAX];
	bool core_ready; /* the present core */
	bool was_ready;  /* any core */
	bool stopping;
	int status;           /* to end with */
	int64_t ping_ms;      /* when to ask for signs of life */
	int64_t adopt_ms;     /* when to stop the workers a new core knows nothing of */
	int64_t core_term_ms; /* stop: the core's turn, whether the workers are gone or not */
	int64_t end_ms;       /* stop: no more patience */
};

#define for_each_lan(sup, s) for ((s) = (sup)->lans; (s) < (sup)->lans + SUPERVISE_LANS_MAX; (s)++)

static int64_t
now(const struct supervisor *sup)
{
	return sup->ops->now_ms(sup->arg);
}

/* All places, for CHILDREN values of @i. */
#define CHILDREN (3 + SUPERVISE_LANS_MAX)

static struct child *
child_at(struct supervisor *sup, size_t i)
{
	struct child *const alone[] = { &sup->core, &sup->dhcp, &sup->seclog };

	return i < 3 ? alone[i] : &sup->lans[i - 3].child;
}

#define for_each_child(sup, i, child)                                                              \
	for ((i) = 0; (i) < CHILDREN && ((child) = child_at((sup), (i))); (i)++)

/* Of a worker only. */
static struct served *
served_by(struct child *child)
{
	return (struct served *)((char *)child - offsetof(struct served, child));
}

/* ---- channels between core and worker -------------------------------------------------------- */

/*
 * Fresh pairs for calls and events: one end of each to the worker, the other to the core. Our
 * copies are closed, so each side sees when the other is gone.
 */
static void
attach(struct supervisor *sup, struct served *s)
{
	struct msg_worker worker = { .pid = (uint32_t)s->child.pid, .restarts = s->child.restarts };
	int calls[2] = { -1, -1 }, events[2] = { -1, -1 };
	int rc;

	if (!sup->core_ready || sup->stopping || !s->told || s->attached || !s->child.pid ||
	    s->child.stopping || s->child.fd < 0)
		return;
	memcpy(worker.ifname, s->running.ifname, sizeof(worker.ifname));
	rc = channel_pair(calls);
	if (rc == 0)
		rc = channel_pair(events);
	if (rc == 0)
		rc = channel_send(
		    s->child.fd, MSG_CHANNELS, NULL, 0, (const int[]){ calls[0], events[0] }, 2);
	if (rc == 0)
		rc = channel_send(sup->core.fd, MSG_WORKER, &worker, sizeof(worker),
		    (const int[]){ calls[1], events[1] }, 2);
	if (rc < 0)
		log_error("no channels between the core and the worker on %s: %s",
		    s->running.ifname, strerror(-rc));
	s->attached = rc == 0;
	for (int i = 0; i < 2; i++) {
		if (calls[i] >= 0)
			close(calls[i]);
		if (events[i] >= 0)
			close(events[i]);
	}
}

/* ---- dnsmasq --------------------------------------------------------------------------------- */

static void
tell_dhcp(struct supervisor *sup)
{
	struct msg_dhcp_state state = { .serial = sup->dhcp_serial,
		.pid = (uint32_t)sup->dhcp.pid,
		.restarts = sup->dhcp.restarts };
	int rc;

	if (!sup->core_ready || sup->core.fd < 0)
		return;
	if (!state.pid)
		state.status = sup->dhcp_status;
	rc = channel_send(sup->core.fd, MSG_DHCP_STATE, &state, sizeof(state), NULL, 0);
	if (rc < 0 && rc != -EPIPE)
		log_warn("the core was not told of dnsmasq: %s", strerror(-rc));
}

static void
on_dhcp(struct supervisor *sup, const struct msg_dhcp *dhcp)
{
	struct child *child = &sup->dhcp;

	sup->dhcp_wanted = dhcp->run;
	sup->dhcp_serial = dhcp->serial;
	sup->dhcp_look = dhcp->look;
	sup->dhcp_status = 0;
	child->deaths = 0;
	if (child->pid)
		child_stop(child, SUPERVISE_REPLACE_MS); /* its end starts the next */
	else
		child->start_ms = dhcp->run ? now(sup) : CHILD_NEVER;
}

void
supervise_want_seclog(struct supervisor *sup)
{
	sup->seclog.start_ms = now(sup);
}

/* ---- what the core says ---------------------------------------------------------------------- */

static void
on_ready(struct supervisor *sup)
{
	struct served *s;

	sup->core_ready = true;
	if (sup->was_ready)
		sup->adopt_ms = now(sup) + SUPERVISE_ADOPT_MS;
	sup->was_ready = true;
	for_each_lan (sup, s)
		attach(sup, s);
	tell_dhcp(sup);
	sup->ops->on_ready(sup->arg);
}

static bool
same_place(const struct msg_lan *a, const struct msg_lan *b)
{
	return a->ifindex == b->ifindex && a->address == b->address &&
	       a->prefix_len == b->prefix_len;
}

static void
served_init(struct supervisor *sup, struct served *s)
{
	memset(s, 0, sizeof(*s));
	child_init(&s->child, sup->ops, sup->arg, SUPERVISE_WORKER);
}

/* The place of @ifname, else a free one, else one that is not served any more, else NULL. */
static struct served *
find_place(struct supervisor *sup, const char *ifname)
{
	struct served *s, *spare = NULL;

	for_each_lan (sup, s)
		if (strcmp(s->wanted.ifname, ifname) == 0)
			return s;
	for_each_lan (sup, s)
		if (!s->wanted.ifname[0])
			return s;
	for_each_lan (sup, s)
		if (!s->wanted.serve && !s->child.pid)
			spare = s;
	if (spare)
		served_init(sup, spare);
	return spare;
}

static void
on_lan(struct supervisor *sup, const struct msg_lan *lan)
{
	struct served *s = find_place(sup, lan->ifname);
	bool changed;

	if (!s) {
		log_error("%s cannot be served: there are %d LANs already", lan->ifname,
		    SUPERVISE_LANS_MAX);
		return;
	}
	changed = !s->wanted.serve || !same_place(&s->wanted, lan);
	s->wanted = *lan;
	s->told = true;
	if (!lan->serve) {
		child_stop(&s->child, SUPERVISE_KILL_MS);
	} else if (s->child.pid && !s->child.stopping && same_place(&s->running, lan)) {
		attach(sup, s);
	} else if (s->child.pid) {
		child_stop(&s->child, SUPERVISE_REPLACE_MS); /* its end starts the next */
	} else if (changed) {
		s->child.deaths = 0; /* what was wrong with the old place is past */
		s->child.start_ms = now(sup);
	}
}

/* The core has let go of a worker that sent it nonsense, or does not read its answers. */
static void
on_worker_refused(struct supervisor *sup, const struct msg_worker *worker)
{
	struct served *s;

	for_each_lan (sup, s)
		if (s->child.pid && (uint32_t)s->child.pid == worker->pid)
			child_kill(&s->child, "broke the contract with the core");
}

void
supervise_on_hook_done(struct supervisor *sup, const struct msg_hook *done)
{
	int rc = -EPIPE;

	if (sup->core.fd >= 0)
		rc = channel_send(sup->core.fd, MSG_HOOK_DONE, done, sizeof(*done), NULL, 0);
	if (rc < 0 && rc != -EPIPE)
		log_warn("the core was not told that a command has ended: %s", strerror(-rc));
}

static void
on_hook(struct supervisor *sup, const struct msg_hook *hook)
{
	int rc = sup->stopping ? -ECANCELED : sup->ops->hook(sup->arg, hook);

	if (rc < 0) {
		log_warn("%s is not run: %s", hook->disconnect ? "on_disconnect" : "on_connect",
		    strerror(-rc));
		supervise_on_hook_done(sup, hook);
	}
}

/* A new core knows nothing of these, so their LANs went while there was none. */
static void
stop_forgotten(struct supervisor *sup)
{
	struct served *s;

	for_each_lan (sup, s) {
		if (!s->wanted.serve || s->told)
			continue;
		s->wanted.serve = 0;
		child_stop(&s->child, SUPERVISE_KILL_MS);
	}
}

/* ---- messages -------------------------------------------------------------------------------- */

static int
on_message(struct supervisor *sup, struct child *child, const struct msg *msg)
{
	switch (msg->header.type) {
	case MSG_PONG:
		child->pong_ms = CHILD_NEVER;
		return 0;
	case MSG_READY:
		on_ready(sup);
		return 0;
	case MSG_LAN:
		if (!sup->stopping)
			on_lan(sup, &msg->body.lan);
		return 0;
	case MSG_WORKER_GONE:
		on_worker_refused(sup, &msg->body.worker);
		return 0;
	case MSG_HOOK:
		on_hook(sup, &msg->body.hook);
		return 0;
	case MSG_DHCP:
		if (!sup->stopping)
			on_dhcp(sup, &msg->body.dhcp);
		return 0;
	}
	return -EPROTO;
}

static void
on_readable(struct supervisor *sup, struct child *child)
{
	enum msg_peer peer = child->kind == SUPERVISE_CORE ? MSG_FROM_CORE : MSG_FROM_WORKER;
	struct msg msg;
	int i, rc = 0;

	for (i = 0; i < BURST && rc == 0 && child->fd >= 0; i++) {
		rc = channel_recv(child->fd, &msg, NULL, peer);
		if (rc == 0)
			rc = on_message(sup, child, &msg);
	}
	if (rc == 0 || rc == -EAGAIN)
		return;
	child_close(child);
	if (rc != -EPIPE)
		child_kill(child, "broke the contract");
	else if (child->kill_ms == CHILD_NEVER)
		child->kill_ms = now(sup) + SUPERVISE_HANGUP_MS; /* it should end by itself */
}

void
supervise_fds(const struct supervisor *sup, struct pollfd fds[SUPERVISE_FDS])
{
	size_t i;

	fds[0] = (struct pollfd){ .fd = sup->core.fd, .events = POLLIN };
	for (i = 0; i < SUPERVISE_LANS_MAX; i++)
		fds[1 + i] = (struct pollfd){ .fd = sup->lans[i].child.fd, .events = POLLIN };
}

void
supervise_on_fds(struct supervisor *sup, const struct pollfd fds[SUPERVISE_FDS])
{
	struct child *child;
	size_t i;

	for (i = 0; i < SUPERVISE_FDS; i++) {
		child = i ? &sup->lans[i - 1].child : &sup->core;
		if (fds[i].fd >= 0 && fds[i].revents && child->fd == fds[i].fd)
			on_readable(sup, child);
	}
}

/* ---- deaths ---------------------------------------------------------------------------------- */

/*
 * A core that ends by itself before any was ready has said why; to try again would not help. One
 * that a signal ended is another matter.
 */
static void
on_core_exit(struct supervisor *sup, struct child *core, int status)
{
	struct served *s;

	sup->core_ready = false;
	sup->adopt_ms = CHILD_NEVER;
	for_each_lan (sup, s)
		s->told = s->attached = false;
	if (sup->stopping) {
		child_log_exit(core, status, -1);
	} else if (!sup->was_ready && WIFEXITED(status) && WEXITSTATUS(status) != 0) {
		child_log_exit(core, status, -1);
		log_error("portreeve-core could not start: giving up");
		sup->status = EXIT_FAILURE;
		supervise_stop(sup);
	} else {
		core->stopping = false; /* it was not us */
		child_log_exit(core, status, child_back_off(core));
	}
}

static void
on_worker_exit(struct supervisor *sup, struct child *child, int status)
{
	struct msg_worker worker = { .pid = (uint32_t)child->pid, .restarts = child->restarts };
	struct served *s = served_by(child);
	int rc;

	memcpy(worker.ifname, s->running.ifname, sizeof(worker.ifname));
	if (s->attached && sup->core.fd >= 0) {
		rc = channel_send(sup->core.fd, MSG_WORKER_GONE, &worker, sizeof(worker), NULL, 0);
		if (rc < 0 && rc != -EPIPE)
			log_warn("the core was not told of a worker's end: %s", strerror(-rc));
	}
	s->attached = false;
	if (sup->stopping || !s->wanted.serve || child->stopping)
		child_log_exit(child, status, -1);
	else
		child_log_exit(child, status, child_back_off(child));
	if (!sup->stopping && s->wanted.serve && child->stopping)
		child->start_ms = now(sup); /* its LAN has changed */
}

static void
on_dhcp_exit(struct supervisor *sup, struct child *child, int status)
{
	bool gave_up = WIFEXITED(status) && exits_is_final(WEXITSTATUS(status));

	/* Then it had looked, and who takes its place need not. One that may have died of what it
	 * saw has not. */
	if (now(sup) - child->started_ms >= EXITS_LOOK_MS)
		sup->dhcp_look = false;
	if (sup->stopping || !sup->dhcp_wanted || child->stopping) {
		child_log_exit(child, status, -1);
		if (!sup->stopping && sup->dhcp_wanted)
			child->start_ms = now(sup);
	} else if (gave_up) {
		sup->dhcp_wanted = false;
		sup->dhcp_status = (uint32_t)WEXITSTATUS(status);
	} else {
		child_log_exit(child, status, child_back_off(child));
	}
}

static void
on_seclog_exit(struct supervisor *sup, struct child *child, int status)
{
	child_log_exit(child, status, sup->stopping ? -1 : child_back_off(child));
}

/* The workers first, so that they can say good-bye while the core still answers. */
static void
stop_core_in_turn(struct supervisor *sup)
{
	struct served *s;

	for_each_lan (sup, s)
		if (s->child.pid && now(sup) < sup->core_term_ms)
			return;
	sup->core_term_ms = CHILD_NEVER;
	child_stop(&sup->core, (int)(sup->end_ms - now(sup)));
}

/* ---- what each kind means for the others ----------------------------------------------------- */

static void
prepare_worker(struct supervisor *sup, struct child *child, struct supervise_spec *spec)
{
	struct served *s = served_by(child);

	(void)sup;
	s->running = s->wanted;
	s->attached = false;
	snprintf(child->name, sizeof(child->name), "portreeve-upnp on %s", s->running.ifname);
	spec->lan = &s->running;
}

static void
prepare_dhcp(struct supervisor *sup, struct child *child, struct supervise_spec *spec)
{
	(void)child;
	spec->look = sup->dhcp_look;
}

static void
on_worker_started(struct supervisor *sup, struct child *child)
{
	attach(sup, served_by(child));
}

static void
on_dhcp_changed(struct supervisor *sup, struct child *child)
{
	(void)child;
	tell_dhcp(sup);
}

/* A row for each kind; NULL: nothing to do. */
static const struct {
	void (*prepare)(struct supervisor *sup, struct child *child, struct supervise_spec *spec);
	void (*on_started)(struct supervisor *sup, struct child *child);
	void (*on_exit)(
	    struct supervisor *sup, struct child *child, int status); /* its pid known */
	void (*on_gone)(struct supervisor *sup, struct child *child);
} kinds[SUPERVISE_KINDS] = {
	[SUPERVISE_CORE] = { NULL, NULL, on_core_exit, NULL },
	[SUPERVISE_WORKER] = { prepare_worker, on_worker_started, on_worker_exit, NULL },
	[SUPERVISE_DHCP] = { prepare_dhcp, on_dhcp_changed, on_dhcp_exit, on_dhcp_changed },
	[SUPERVISE_SECLOG] = { NULL, NULL, on_seclog_exit, NULL },
};

static void
start(struct supervisor *sup, struct child *child)
{
	struct supervise_spec spec = { .kind = child->kind };

	if (kinds[child->kind].prepare)
		kinds[child->kind].prepare(sup, child, &spec);
	if (child_start(child, &spec) && kinds[child->kind].on_started)
		kinds[child->kind].on_started(sup, child);
}

static struct child *
find_child(struct supervisor *sup, pid_t pid)
{
	struct child *child;
	size_t i;

	for_each_child(sup, i, child) if (child->pid == pid) return child;
	return NULL;
}

void
supervise_on_exit(struct supervisor *sup, pid_t pid, int status)
{
	struct child *child = find_child(sup, pid);

	if (!child)
		return;
	child_close(child);
	child->kill_ms = CHILD_NEVER;
	if (now(sup) - child->started_ms >= SUPERVISE_SETTLED_MS)
		child->deaths = 0;
	kinds[child->kind].on_exit(sup, child, status);
	child->pid = 0;
	child->stopping = false;
	if (kinds[child->kind].on_gone)
		kinds[child->kind].on_gone(sup, child);
	if (sup->stopping)
		stop_core_in_turn(sup);
}

/* ---- time ------------------------------------------------------------------------------------ */

static bool
may_start(const struct supervisor *sup, const struct child *child)
{
	return !child->pid && !sup->stopping && (child->kind == SUPERVISE_CORE || sup->was_ready);
}

static void
ping_all(struct supervisor *sup)
{
	struct served *s;

	sup->ping_ms = now(sup) + SUPERVISE_PING_MS;
	child_ping(&sup->core);
	for_each_lan (sup, s) {
		child_ping(&s->child);
		attach(sup, s); /* if it failed before */
	}
}

void
supervise_on_timer(struct supervisor *sup)
{
	int64_t t = now(sup);
	struct child *child;
	size_t i;

	for_each_child(sup, i, child)
	{
		child_on_timer(child);
		if (may_start(sup, child) && child->start_ms <= t)
			start(sup, child);
	}
	if (sup->adopt_ms <= t) {
		sup->adopt_ms = CHILD_NEVER;
		stop_forgotten(sup);
	}
	if (sup->stopping)
		stop_core_in_turn(sup);
	else if (sup->ping_ms <= t)
		ping_all(sup);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
child_next(const struct supervisor *sup, const struct child *child)
{
	if (child->pid)
		return earlier(child->kill_ms, child->pong_ms);
	return may_start(sup, child) ? child->start_ms : CHILD_NEVER;
}

int
supervise_timeout_ms(struct supervisor *sup)
{
	int64_t next = CHILD_NEVER, left;
	struct child *child;
	size_t i;

	for_each_child(sup, i, child) next = earlier(next, child_next(sup, child));
	next = earlier(next, sup->adopt_ms);
	next = earlier(next, sup->stopping ? sup->core_term_ms : sup->ping_ms);
	if (next == CHILD_NEVER)
		return -1;
	left = next - now(sup);
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* ---- life ------------------------------------------------------------------------------------ */

struct supervisor *
supervise_new(const struct supervise_ops *ops, void *arg)
{
	struct supervisor *sup = calloc(1, sizeof(*sup));
	struct served *s;

	if (!sup)
		return NULL;
	sup->ops = ops;
	sup->arg = arg;
	sup->status = EXIT_SUCCESS;
	sup->ping_ms = sup->adopt_ms = sup->core_term_ms = sup->end_ms = CHILD_NEVER;
	child_init(&sup->core, ops, arg, SUPERVISE_CORE);
	child_init(&sup->dhcp, ops, arg, SUPERVISE_DHCP);
	child_init(&sup->seclog, ops, arg, SUPERVISE_SECLOG);
	for_each_lan (sup, s)
		served_init(sup, s);
	return sup;
}

void
supervise_free(struct supervisor *sup)
{
	struct child *child;
	size_t i;

	if (!sup)
		return;
	for_each_child(sup, i, child) child_close(child);
	free(sup);
}

void
supervise_start(struct supervisor *sup)
{
	sup->ping_ms = now(sup) + SUPERVISE_PING_MS;
	start(sup, &sup->core);
}

void
supervise_stop(struct supervisor *sup)
{
	struct child *child;
	size_t i;

	if (sup->stopping)
		return;
	sup->stopping = true;
	sup->adopt_ms = CHILD_NEVER;
	sup->core_term_ms = now(sup) + SUPERVISE_CORE_TERM_MS;
	sup->end_ms = now(sup) + SUPERVISE_KILL_MS;
	for_each_child(sup, i, child) if (child->kind != SUPERVISE_CORE)
	    child_stop(child, SUPERVISE_KILL_MS);
	stop_core_in_turn(sup);
}

void
supervise_reload(struct supervisor *sup)
{
	int rc = -EPIPE;

	if (sup->core.fd >= 0)
		rc = channel_send(sup->core.fd, MSG_RELOAD, NULL, 0, NULL, 0);
	if (rc < 0)
		log_warn("the core cannot be told to reload now: %s", strerror(-rc));
}

bool
supervise_done(struct supervisor *sup, int *status)
{
	struct child *child;
	size_t i;

	if (!sup->stopping)
		return false;
	for_each_child(sup, i, child) if (child->pid) return false;
	*status = sup->status;
	return true;
}
