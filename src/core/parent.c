/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns core's end of the supervisor's channel. */
#include "core/parent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/connection.h"
#include "core/control.h"
#include "core/dhcp.h"
#include "core/notify.h"
#include "core/record.h"
#include "core/reload.h"
#include "core/request.h"
#include "core/wan.h"
#include "ipc/channel.h"
#include "lib/compiler.h"
#include "lib/log.h"

#define MESSAGES_PER_TURN 16

struct parent {
	struct core *core;
	struct event *readable;
	bool ready;   /* was said */
	bool missing; /* a LAN could not be told: all are told again with the next sign of life */
};

/* ---- to the supervisor ---- */

static int
tell(struct parent *parent, const struct lan *lan)
{
	struct msg_lan msg = {
		.ifindex = lan->ifindex,
		.address = lan->prefix.addr,
		.prefix_len = lan->prefix.len,
		.serve = lan->serving,
	};
	int rc;

	memcpy(msg.ifname, lan->ifname, sizeof(msg.ifname));
	rc = channel_send(PARENT_FD, MSG_LAN, &msg, sizeof(msg), NULL, 0);
	if (rc < 0) {
		parent->missing = true;
		log_warn("portreeved was not told of %s: %s", lan->ifname, strerror(-rc));
	}
	return rc;
}

static void
tell_all(struct parent *parent)
{
	const struct lan *lan;
	size_t i;

	parent->missing = false;
	for (i = 0; (lan = lans_at(parent->core->lans, i)); i++)
		if (tell(parent, lan) < 0)
			break;
}

void
parent_tell_lan(struct core *core, const struct lan *lan)
{
	if (core->parent->ready)
		tell(core->parent, lan);
}

void
parent_refuse_worker(struct core *core, const struct lan *lan)
{
	struct msg_worker worker = { .pid = lan->worker_pid, .restarts = lan->restarts };
	int rc;

	if (!core->parent || !lan->worker_pid)
		return;
	memcpy(worker.ifname, lan->ifname, sizeof(worker.ifname));
	rc = channel_send(PARENT_FD, MSG_WORKER_GONE, &worker, sizeof(worker), NULL, 0);
	if (rc < 0)
		log_warn("portreeved was not told of a bad worker: %s", strerror(-rc));
}

int
parent_run_hook(struct core *core, bool disconnect)
{
	struct msg_hook hook = { .disconnect = disconnect };
	int rc;

	snprintf(hook.wan_interface, sizeof(hook.wan_interface), "%s", wan_ifname(core->wan));
	rc = channel_send(PARENT_FD, MSG_HOOK, &hook, sizeof(hook), NULL, 0);
	if (rc < 0)
		log_error("portreeved was not asked to run a command: %s", strerror(-rc));
	return rc;
}

int
parent_run_dhcp(const struct msg_dhcp *dhcp)
{
	int rc = channel_send(PARENT_FD, MSG_DHCP, dhcp, sizeof(*dhcp), NULL, 0);

	if (rc < 0)
		log_error("portreeved was not asked to run dnsmasq: %s", strerror(-rc));
	return rc;
}

int
parent_ready(struct core *core)
{
	int rc = channel_send(PARENT_FD, MSG_READY, NULL, 0, NULL, 0);

	if (rc < 0) {
		log_error("portreeved does not hear: %s", strerror(-rc));
		return rc;
	}
	core->parent->ready = true;
	tell_all(core->parent);
	return 0;
}

/* ---- from the supervisor ---- */

static void
on_worker(struct core *core, const struct msg_worker *worker, const int fds[MSG_FDS_MAX])
{
	struct lan *lan = lans_find(core->lans, worker->ifname);

	if (!lan || !lan->serving) {
		log_debug("%s: a worker came for a LAN that is not served now", worker->ifname);
		close(fds[0]);
		close(fds[1]);
		return;
	}
	if (request_attach(core, lan, fds[0], fds[1]) < 0) {
		log_error("%s: no memory for its worker", lan->ifname);
		return;
	}
	if (lan->gone_pid && worker->restarts > lan->restarts)
		record_event(core, TRAIL_BY_DAEMON, TRAIL_WORKER_END,
		    "%s: its worker (pid %u) ended unasked, pid %u took its place", lan->ifname,
		    lan->gone_pid, worker->pid);
	lan->gone_pid = 0;
	lan->worker_pid = worker->pid;
	lan->restarts = worker->restarts;
	notify_greet(core, lan);
	log_debug("%s: worker %u has come", lan->ifname, worker->pid);
}

/* News of a worker's end may come after its successor. */
static void
on_worker_gone(struct core *core, const struct msg_worker *worker)
{
	struct lan *lan = lans_find(core->lans, worker->ifname);

	if (!lan || lan->worker_pid != worker->pid)
		return;
	request_detach(core, lan);
	lan->gone_pid = lan->worker_pid;
	lan->worker_pid = 0;
	lan->restarts = worker->restarts;
}

static void
on_ping(struct parent *parent)
{
	int rc = channel_send(PARENT_FD, MSG_PONG, NULL, 0, NULL, 0);

	if (rc < 0)
		log_warn("portreeved does not hear: %s", strerror(-rc));
	if (parent->missing)
		tell_all(parent);
}

static int
on_message(struct parent *parent, const struct msg *msg, const int fds[MSG_FDS_MAX])
{
	char errors[4096];

	switch (msg->header.type) {
	case MSG_WORKER:
		on_worker(parent->core, &msg->body.worker, fds);
		return 0;
	case MSG_WORKER_GONE:
		on_worker_gone(parent->core, &msg->body.worker);
		return 0;
	case MSG_HOOK_DONE:
		connection_hook_done(parent->core, &msg->body.hook);
		return 0;
	case MSG_DHCP_STATE:
		dhcp_on_state(parent->core, &msg->body.dhcp_state);
		return 0;
	case MSG_PING:
		on_ping(parent);
		return 0;
	case MSG_RELOAD:
		reload_run(
		    parent->core, NULL, errors, sizeof(errors)); /* says itself what is wrong */
		return 0;
	}
	return -EPROTO;
}

static void
on_readable(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct parent *parent = arg;
	int fds[MSG_FDS_MAX];
	struct msg msg;
	int rc = 0, i;

	for (i = 0; i < MESSAGES_PER_TURN && rc == 0; i++) {
		rc = channel_recv(fd, &msg, fds, MSG_FROM_SUPERVISOR);
		if (rc == 0)
			rc = on_message(parent, &msg, fds);
	}
	if (rc == 0 || rc == -EAGAIN)
		return;
	if (rc == -EPIPE)
		log_warn("portreeved is gone: ending, and leaving all as it is");
	else
		log_error("portreeved's channel: %s: ending", strerror(-rc));
	core_stop(parent->core);
}

/* ---- life ---- */

bool
parent_exists(void)
{
	socklen_t len = sizeof(int);
	int type;

	if (getsockopt(PARENT_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET)
		return true;
	log_error("portreeve-core is started by portreeved, which is what you want to run");
	return false;
}

struct parent *
parent_new(struct core *core)
{
	struct parent *parent;

	evutil_make_socket_nonblocking(PARENT_FD);
	parent = calloc(1, sizeof(*parent));
	if (!parent)
		return NULL;
	parent->core = core;
	parent->readable =
	    event_new(core->base, PARENT_FD, EV_READ | EV_PERSIST, on_readable, parent);
	if (!parent->readable || event_add(parent->readable, NULL) < 0) {
		log_error("portreeved's channel: no event");
		parent_free(parent);
		return NULL;
	}
	return parent;
}

void
parent_free(struct parent *parent)
{
	struct lan *lan;
	size_t i;

	if (!parent)
		return;
	for (i = 0; (lan = lans_at(parent->core->lans, i)); i++)
		request_detach(parent->core, lan);
	if (parent->readable)
		event_free(parent->readable);
	free(parent);
}
