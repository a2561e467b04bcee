/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "supervisor/supervise.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dhcp/exits.h"
#include "ipc/channel.h"
#include "lib/addr.h"
#include "lib/log.h"

#define NEVER INT64_MAX

/* A worker must have time for its good-bye, and the core must outlive it. */
_Static_assert(MSG_GOODBYE_MS + 50 < SUPERVISE_REPLACE_MS, "no time to say good-bye to a LAN");
_Static_assert(MSG_GOODBYE_MS + 50 < SUPERVISE_CORE_TERM_MS, "no time to say good-bye at the end");
_Static_assert(SUPERVISE_CORE_TERM_MS < SUPERVISE_KILL_MS, "no time for the core's end");

/* Messages read from one process before the others have their turn. */
#define BURST 16

/* One place for a process, whether it runs or waits for its start. */
struct child {
	pid_t pid;          /* 0: none runs */
	int fd;             /* our end of its channel, -1: none */
	bool stopping;      /* was told to end */
	unsigned deaths;    /* in a row, none of them wanted */
	uint32_t restarts;  /* in all */
	int64_t started_ms; /* the process that runs */
	int64_t start_ms;   /* when to start the next one */
	int64_t kill_ms;    /* when to end it by force... */
	int64_t pong_ms;    /* ...and when, were no sign of life to come */
};

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
	struct child core;
	struct child dhcp;
	bool dhcp_wanted;
	uint32_t dhcp_serial; /* of the wish */
	bool dhcp_look;       /* at its next start */
	uint32_t dhcp_status; /* with which it gave up */
	struct child seclog;
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

/* The LAN that @child serves, or NULL for those that serve none. */
static struct served *
served_by(struct supervisor *sup, struct child *child)
{
	return child == &sup->core || child == &sup->dhcp || child == &sup->seclog
		   ? NULL
		   : (struct served *)((char *)child - offsetof(struct served, child));
}

/* "portreeve-upnp on lan0 (pid 123)" */
static const char *
child_str(struct supervisor *sup, struct child *child, char *buf, size_t size)
{
	struct served *s = served_by(sup, child);

	if (s)
		snprintf(
		    buf, size, "portreeve-upnp on %s (pid %d)", s->wanted.ifname, (int)child->pid);
	else
		snprintf(buf, size, "%s (pid %d)",
		    child == &sup->dhcp     ? "dnsmasq"
		    : child == &sup->seclog ? "portreeve-seclog"
					    : "portreeve-core",
		    (int)child->pid);
	return buf;
}

/* ---- one process ----------------------------------------------------------------------------- */

static void
child_init(struct child *child)
{
	memset(child, 0, sizeof(*child));
	child->fd = -1;
	child->start_ms = child->kill_ms = child->pong_ms = NEVER;
}

static void
child_close(struct child *child)
{
	if (child->fd >= 0)
		close(child->fd);
	child->fd = -1;
	child->pong_ms = NEVER;
}

static void
child_kill(struct supervisor *sup, struct child *child, const char *why)
{
	char who[64];

	log_error("%s %s: killing it", child_str(sup, child, who, sizeof(who)), why);
	child->kill_ms = child->pong_ms = NEVER;
	sup->ops->kill(sup->arg, child->pid, SIGKILL);
}

static void
child_stop(struct supervisor *sup, struct child *child, int patience_ms)
{
	child->start_ms = NEVER;
	if (!child->pid || child->stopping)
		return;
	child->stopping = true;
	child->pong_ms = NEVER;
	child->kill_ms = now(sup) + patience_ms;
	sup->ops->kill(sup->arg, child->pid, SIGTERM);
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

/* ---- start and restart ----------------------------------------------------------------------- */

/* Plans the next start of one that died unasked, or could not be started. */
static int64_t
child_back_off(struct supervisor *sup, struct child *child)
{
	int64_t delay = 0, most = SUPERVISE_BACKOFF_MAX_MS;
	unsigned i;

	if (child == &sup->dhcp || child == &sup->seclog)
		most = SUPERVISE_SLOW_BACKOFF_MS;
	if (child->deaths)
		delay = SUPERVISE_BACKOFF_MS;
	for (i = 1; i < child->deaths && delay < most; i++)
		delay *= 2;
	if (delay > most)
		delay = most;
	child->deaths++;
	child->restarts++;
	child->start_ms = now(sup) + delay;
	return delay;
}

/* The process itself, with @fd as its end of a channel (-1: none). False: later, perhaps. */
static bool
child_spawn(struct supervisor *sup, struct child *child, const struct supervise_spec *spec, int fd)
{
	pid_t pid = sup->ops->spawn(sup->arg, spec, fd);
	char who[64];

	child->start_ms = NEVER;
	if (pid < 0) {
		child_back_off(sup, child);
		return false;
	}
	child->pid = pid;
	child->stopping = false;
	child->started_ms = now(sup);
	log_info("%s started", child_str(sup, child, who, sizeof(who)));
	return true;
}

static void
child_start(struct supervisor *sup, struct child *child)
{
	struct served *s = served_by(sup, child);
	struct supervise_spec spec = { .lan = s ? &s->running : NULL };
	int ends[2], rc;

	child->start_ms = NEVER;
	if (s) {
		s->running = s->wanted;
		s->attached = false;
	}
	rc = channel_pair(ends);
	if (rc < 0) {
		log_error("no channel for a process: %s", strerror(-rc));
		child_back_off(sup, child);
		return;
	}
	if (child_spawn(sup, child, &spec, ends[1]))
		child->fd = ends[0];
	else
		close(ends[0]);
	close(ends[1]);
	if (s)
		attach(sup, s);
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
dhcp_start(struct supervisor *sup)
{
	const struct supervise_spec spec = { .dhcp = true, .look = sup->dhcp_look };

	if (!child_spawn(sup, &sup->dhcp, &spec, -1))
		return;
	tell_dhcp(sup);
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
		child_stop(sup, child, SUPERVISE_REPLACE_MS); /* its end starts the next */
	else
		child->start_ms = dhcp->run ? now(sup) : NEVER;
}

/* ---- the security log ------------------------------------------------------------------------ */

static void
seclog_start(struct supervisor *sup)
{
	const struct supervise_spec spec = { .seclog = true };

	child_spawn(sup, &sup->seclog, &spec, -1);
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
	if (spare) {
		memset(spare, 0, sizeof(*spare));
		child_init(&spare->child);
	}
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
		child_stop(sup, &s->child, SUPERVISE_KILL_MS);
	} else if (s->child.pid && !s->child.stopping && same_place(&s->running, lan)) {
		attach(sup, s);
	} else if (s->child.pid) {
		child_stop(sup, &s->child, SUPERVISE_REPLACE_MS); /* its end starts the next */
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
			child_kill(sup, &s->child, "broke the contract with the core");
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
		child_stop(sup, &s->child, SUPERVISE_KILL_MS);
	}
}

/* ---- messages -------------------------------------------------------------------------------- */

static int
on_message(struct supervisor *sup, struct child *child, const struct msg *msg)
{
	switch (msg->header.type) {
	case MSG_PONG:
		child->pong_ms = NEVER;
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
	enum msg_peer peer = child == &sup->core ? MSG_FROM_CORE : MSG_FROM_WORKER;
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
		child_kill(sup, child, "broke the contract");
	else if (child->kill_ms == NEVER)
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

static void
log_exit(struct supervisor *sup, struct child *child, int status, int64_t delay)
{
	char who[64], how[64];

	child_str(sup, child, who, sizeof(who));
	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(how, sizeof(how), "with status %d", WEXITSTATUS(status));
	if (child->stopping)
		log_debug("%s ended %s", who, how);
	else if (delay < 0)
		log_error("%s ended %s", who, how);
	else
		log_warn("%s ended %s; another starts in %d ms", who, how, (int)delay);
}

/*
 * A core that ends by itself before any was ready has said why; to try again would not help. One
 * that a signal ended is another matter.
 */
static void
on_core_exit(struct supervisor *sup, int status)
{
	struct child *core = &sup->core;
	struct served *s;

	sup->core_ready = false;
	sup->adopt_ms = NEVER;
	for_each_lan (sup, s)
		s->told = s->attached = false;
	if (sup->stopping) {
		log_exit(sup, core, status, -1);
	} else if (!sup->was_ready && WIFEXITED(status) && WEXITSTATUS(status) != 0) {
		log_exit(sup, core, status, -1);
		log_error("portreeve-core could not start: giving up");
		sup->status = EXIT_FAILURE;
		supervise_stop(sup);
	} else {
		core->stopping = false; /* it was not us */
		log_exit(sup, core, status, child_back_off(sup, core));
	}
}

static void
on_worker_exit(struct supervisor *sup, struct served *s, int status)
{
	struct msg_worker worker = { .pid = (uint32_t)s->child.pid };
	int rc;

	memcpy(worker.ifname, s->running.ifname, sizeof(worker.ifname));
	worker.restarts = s->child.restarts;
	if (s->attached && sup->core.fd >= 0) {
		rc = channel_send(sup->core.fd, MSG_WORKER_GONE, &worker, sizeof(worker), NULL, 0);
		if (rc < 0 && rc != -EPIPE)
			log_warn("the core was not told of a worker's end: %s", strerror(-rc));
	}
	s->attached = false;
	if (sup->stopping || !s->wanted.serve || s->child.stopping)
		log_exit(sup, &s->child, status, -1);
	else
		log_exit(sup, &s->child, status, child_back_off(sup, &s->child));
	if (!sup->stopping && s->wanted.serve && s->child.stopping)
		s->child.start_ms = now(sup); /* its LAN has changed */
}

static void
on_dhcp_exit(struct supervisor *sup, int status)
{
	struct child *child = &sup->dhcp;
	bool gave_up = WIFEXITED(status) && exits_is_final(WEXITSTATUS(status));

	/* Then it had looked, and who takes its place need not. One that may have died of what it
	 * saw has not. */
	if (now(sup) - child->started_ms >= EXITS_LOOK_MS)
		sup->dhcp_look = false;
	if (sup->stopping || !sup->dhcp_wanted || child->stopping) {
		log_exit(sup, child, status, -1);
		if (!sup->stopping && sup->dhcp_wanted)
			child->start_ms = now(sup);
	} else if (gave_up) {
		sup->dhcp_wanted = false;
		sup->dhcp_status = (uint32_t)WEXITSTATUS(status);
	} else {
		log_exit(sup, child, status, child_back_off(sup, child));
	}
}

static void
on_seclog_exit(struct supervisor *sup, int status)
{
	struct child *child = &sup->seclog;

	log_exit(sup, child, status, sup->stopping ? -1 : child_back_off(sup, child));
}

/* The workers first, so that they can say good-bye while the core still answers. */
static void
stop_core_in_turn(struct supervisor *sup)
{
	struct served *s;

	for_each_lan (sup, s)
		if (s->child.pid && now(sup) < sup->core_term_ms)
			return;
	sup->core_term_ms = NEVER;
	child_stop(sup, &sup->core, (int)(sup->end_ms - now(sup)));
}

static struct child *
find_child(struct supervisor *sup, pid_t pid)
{
	struct served *s;

	if (sup->core.pid == pid)
		return &sup->core;
	if (sup->dhcp.pid == pid)
		return &sup->dhcp;
	if (sup->seclog.pid == pid)
		return &sup->seclog;
	for_each_lan (sup, s)
		if (s->child.pid == pid)
			return &s->child;
	return NULL;
}

void
supervise_on_exit(struct supervisor *sup, pid_t pid, int status)
{
	struct child *child = find_child(sup, pid);
	struct served *s;

	if (!child)
		return;
	child_close(child);
	child->kill_ms = NEVER;
	if (now(sup) - child->started_ms >= SUPERVISE_SETTLED_MS)
		child->deaths = 0;
	s = served_by(sup, child);
	if (s)
		on_worker_exit(sup, s, status);
	else if (child == &sup->dhcp)
		on_dhcp_exit(sup, status);
	else if (child == &sup->seclog)
		on_seclog_exit(sup, status);
	else
		on_core_exit(sup, status);
	child->pid = 0;
	child->stopping = false;
	if (child == &sup->dhcp)
		tell_dhcp(sup);
	if (sup->stopping)
		stop_core_in_turn(sup);
}

/* ---- time ------------------------------------------------------------------------------------ */

static bool
may_start(const struct supervisor *sup, const struct child *child)
{
	return !child->pid && !sup->stopping && (child == &sup->core || sup->was_ready);
}

static void
on_child_timer(struct supervisor *sup, struct child *child, int64_t t)
{
	if (child->pid && child->kill_ms <= t)
		child_kill(sup, child, child->stopping ? "does not end" : "has hung up");
	else if (child->pid && child->pong_ms <= t)
		child_kill(sup, child, "gives no sign of life");
	else if (may_start(sup, child) && child->start_ms <= t)
		child == &sup->dhcp     ? dhcp_start(sup)
		: child == &sup->seclog ? seclog_start(sup)
					: child_start(sup, child);
}

/* A channel that is full is not read: that counts as no answer. */
static void
ping(struct child *child, int64_t t)
{
	if (!child->pid || child->fd < 0 || child->stopping)
		return;
	channel_send(child->fd, MSG_PING, NULL, 0, NULL, 0);
	if (child->pong_ms == NEVER)
		child->pong_ms = t + SUPERVISE_PONG_MS;
}

static void
ping_all(struct supervisor *sup, int64_t t)
{
	struct served *s;

	sup->ping_ms = t + SUPERVISE_PING_MS;
	ping(&sup->core, t);
	for_each_lan (sup, s) {
		ping(&s->child, t);
		attach(sup, s); /* if it failed before */
	}
}

void
supervise_on_timer(struct supervisor *sup)
{
	int64_t t = now(sup);
	struct served *s;

	on_child_timer(sup, &sup->core, t);
	on_child_timer(sup, &sup->dhcp, t);
	on_child_timer(sup, &sup->seclog, t);
	for_each_lan (sup, s)
		on_child_timer(sup, &s->child, t);
	if (sup->adopt_ms <= t) {
		sup->adopt_ms = NEVER;
		stop_forgotten(sup);
	}
	if (sup->stopping)
		stop_core_in_turn(sup);
	else if (sup->ping_ms <= t)
		ping_all(sup, t);
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
	return may_start(sup, child) ? child->start_ms : NEVER;
}

int
supervise_timeout_ms(const struct supervisor *sup)
{
	int64_t next = earlier(child_next(sup, &sup->core), child_next(sup, &sup->dhcp)), left;
	const struct served *s;

	for_each_lan (sup, s)
		next = earlier(next, child_next(sup, &s->child));
	next = earlier(next, child_next(sup, &sup->seclog));
	next = earlier(next, sup->adopt_ms);
	next = earlier(next, sup->stopping ? sup->core_term_ms : sup->ping_ms);
	if (next == NEVER)
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
	sup->ping_ms = sup->adopt_ms = sup->core_term_ms = sup->end_ms = NEVER;
	child_init(&sup->core);
	child_init(&sup->dhcp);
	child_init(&sup->seclog);
	for_each_lan (sup, s)
		child_init(&s->child);
	return sup;
}

void
supervise_free(struct supervisor *sup)
{
	struct served *s;

	if (!sup)
		return;
	child_close(&sup->core);
	for_each_lan (sup, s)
		child_close(&s->child);
	free(sup);
}

void
supervise_start(struct supervisor *sup)
{
	sup->ping_ms = now(sup) + SUPERVISE_PING_MS;
	child_start(sup, &sup->core);
}

void
supervise_stop(struct supervisor *sup)
{
	struct served *s;

	if (sup->stopping)
		return;
	sup->stopping = true;
	sup->adopt_ms = NEVER;
	sup->core_term_ms = now(sup) + SUPERVISE_CORE_TERM_MS;
	sup->end_ms = now(sup) + SUPERVISE_KILL_MS;
	child_stop(sup, &sup->dhcp, SUPERVISE_KILL_MS);
	child_stop(sup, &sup->seclog, SUPERVISE_KILL_MS);
	for_each_lan (sup, s)
		child_stop(sup, &s->child, SUPERVISE_KILL_MS);
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
supervise_done(const struct supervisor *sup, int *status)
{
	const struct served *s;

	if (!sup->stopping || sup->core.pid || sup->dhcp.pid || sup->seclog.pid)
		return false;
	for_each_lan (sup, s)
		if (s->child.pid)
			return false;
	*status = sup->status;
	return true;
}
