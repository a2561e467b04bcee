/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "supervisor/child.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "lib/log.h"

static const struct {
	const char *name;
	bool channel;
	int back_off_max_ms;
} kinds[SUPERVISE_KINDS] = {
	[SUPERVISE_CORE] = { "portreeve-core", true, SUPERVISE_BACKOFF_MAX_MS },
	[SUPERVISE_WORKER] = { "portreeve-upnp", true, SUPERVISE_BACKOFF_MAX_MS },
	[SUPERVISE_DHCP] = { "dnsmasq", false, SUPERVISE_SLOW_BACKOFF_MS },
	[SUPERVISE_SECLOG] = { "portreeve-seclog", false, SUPERVISE_SLOW_BACKOFF_MS },
};

static int64_t
now(const struct child *child)
{
	return child->ops->now_ms(child->arg);
}

void
child_init(
    struct child *child, const struct supervise_ops *ops, void *arg, enum supervise_kind kind)
{
	*child = (struct child){ .ops = ops,
		.arg = arg,
		.kind = kind,
		.fd = -1,
		.start_ms = CHILD_NEVER,
		.kill_ms = CHILD_NEVER,
		.pong_ms = CHILD_NEVER };
	snprintf(child->name, sizeof(child->name), "%s", kinds[kind].name);
}

void
child_close(struct child *child)
{
	if (child->fd >= 0)
		close(child->fd);
	child->fd = -1;
	child->pong_ms = CHILD_NEVER;
}

/* ---- start ---- */

int64_t
child_back_off(struct child *child)
{
	int64_t delay = 0, most = kinds[child->kind].back_off_max_ms;
	unsigned i;

	if (child->deaths)
		delay = SUPERVISE_BACKOFF_MS;
	for (i = 1; i < child->deaths && delay < most; i++)
		delay *= 2;
	if (delay > most)
		delay = most;
	child->deaths++;
	child->restarts++;
	child->start_ms = now(child) + delay;
	return delay;
}

/* The process itself, with @fd as its end of a channel (-1: none). */
static bool
spawn(struct child *child, const struct supervise_spec *spec, int fd)
{
	pid_t pid = child->ops->spawn(child->arg, spec, fd);

	if (pid < 0) {
		child_back_off(child);
		return false;
	}
	child->pid = pid;
	child->stopping = false;
	child->started_ms = now(child);
	log_info("%s (pid %d) started", child->name, (int)pid);
	return true;
}

bool
child_start(struct child *child, const struct supervise_spec *spec)
{
	int ends[2], rc;
	bool started;

	child->start_ms = CHILD_NEVER;
	if (!kinds[child->kind].channel)
		return spawn(child, spec, -1);
	rc = channel_pair(ends);
	if (rc < 0) {
		log_error("no channel for a process: %s", strerror(-rc));
		child_back_off(child);
		return false;
	}
	started = spawn(child, spec, ends[1]);
	if (started)
		child->fd = ends[0];
	else
		close(ends[0]);
	close(ends[1]);
	return started;
}

/* ---- end ---- */

void
child_kill(struct child *child, const char *why)
{
	log_error("%s (pid %d) %s: killing it", child->name, (int)child->pid, why);
	child->kill_ms = child->pong_ms = CHILD_NEVER;
	child->ops->kill(child->arg, child->pid, SIGKILL);
}

void
child_stop(struct child *child, int patience_ms)
{
	child->start_ms = CHILD_NEVER;
	if (!child->pid || child->stopping)
		return;
	child->stopping = true;
	child->pong_ms = CHILD_NEVER;
	child->kill_ms = now(child) + patience_ms;
	child->ops->kill(child->arg, child->pid, SIGTERM);
}

void
child_log_exit(const struct child *child, int status, int64_t delay_ms)
{
	char who[64], how[64];

	snprintf(who, sizeof(who), "%s (pid %d)", child->name, (int)child->pid);
	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(how, sizeof(how), "with status %d", WEXITSTATUS(status));
	if (child->stopping)
		log_debug("%s ended %s", who, how);
	else if (delay_ms < 0)
		log_error("%s ended %s", who, how);
	else
		log_warn("%s ended %s; another starts in %d ms", who, how, (int)delay_ms);
}

/* ---- signs of life ---- */

/* A channel that is full is not read: that counts as no answer. */
void
child_ping(struct child *child)
{
	if (!child->pid || child->fd < 0 || child->stopping)
		return;
	channel_send(child->fd, MSG_PING, NULL, 0, NULL, 0);
	if (child->pong_ms == CHILD_NEVER)
		child->pong_ms = now(child) + SUPERVISE_PONG_MS;
}

void
child_on_timer(struct child *child)
{
	int64_t t = now(child);

	if (child->pid && child->kill_ms <= t)
		child_kill(child, child->stopping ? "does not end" : "has hung up");
	else if (child->pid && child->pong_ms <= t)
		child_kill(child, "gives no sign of life");
}
