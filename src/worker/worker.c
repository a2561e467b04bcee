/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the worker's main thread: three descriptors and a timer. Knows nothing of the protocol the
 * worker speaks, and never blocks but in poll(), so a PONG means that the worker works.
 */
#include "config.h"

#include "worker/worker.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/log.h"
#include "platform/sandbox.h"

/* Messages read from one channel before the others have their turn. */
#define BURST 16

/* The supervisor waits 900 ms; when it is gone nobody else would end a good-bye that hangs. */
#define STOP_S 2

/* ---- start ----------------------------------------------------------------------------------- */

static int
parse_uint32(const char *text, uint32_t *out)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || value == 0 || value > INT32_MAX)
		return -EINVAL;
	*out = (uint32_t)value;
	return 0;
}

static int
set_option(struct worker *w, int opt, const char *value)
{
	enum log_level level;
	int rc = 0;

	switch (opt) {
	case 'l':
		if (!*value || strlen(value) >= sizeof(w->ifname))
			return -EINVAL;
		strcpy(w->ifname, value);
		break;
	case 'i':
		rc = parse_uint32(value, &w->ifindex);
		break;
	case 'a':
		rc = prefix4_parse(value, &w->address);
		break;
	case 'x':
		w->xml_dir = value;
		break;
	case 'v':
		rc = log_level_parse(value, &level);
		if (rc == 0)
			log_set_level(level);
		break;
	}
	return rc;
}

static int
parse_options(struct worker *w, int argc, char **argv)
{
	static const struct option options[] = {
		{ "lan", required_argument, NULL, 'l' },
		{ "ifindex", required_argument, NULL, 'i' },
		{ "address", required_argument, NULL, 'a' },
		{ "log-level", required_argument, NULL, 'v' },
		{ "xml", required_argument, NULL, 'x' },
		{ 0 },
	};
	int opt, index = 0;

	while ((opt = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (opt == '?')
			return -EINVAL;
		if (set_option(w, opt, optarg) < 0) {
			log_error("--%s %s: not legal", options[index].name, optarg);
			return -EINVAL;
		}
	}
	if (optind != argc || !w->ifname[0] || !w->ifindex || !w->address.addr || !w->xml_dir) {
		log_error("started by portreeved with --lan IF --ifindex N --address A.B.C.D/LEN "
			  "--log-level LEVEL --xml DIR");
		return -EINVAL;
	}
	return 0;
}

/* Before any thread is made, so that all of them leave these signals to the main loop. */
static int
block_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

int
worker_init(struct worker *w, const char *program, int argc, char **argv)
{
	int rc;

	memset(w, 0, sizeof(*w));
	w->events_fd = -1;
	log_open(program, LOG_LEVEL_INFO);
	prctl(PR_SET_NAME, program); /* started by descriptor, it may have none that people know */

	rc = parse_options(w, argc, argv);
	if (rc < 0)
		return rc;
	rc = block_signals();
	if (rc < 0)
		return rc;
	rc = sandbox_enter(SANDBOX_WORKER);
	if (rc < 0)
		return rc;
	w->core = channel_client_new(-1);
	return w->core ? 0 : -ENOMEM;
}

/* ---- loop ------------------------------------------------------------------------------------ */

struct loop {
	struct worker *w;
	const struct worker_ops *ops;
	void *arg;
	int signal_fd;
	bool greeted; /* MSG_GATEWAY came on the present events channel */
	bool stop;
	int status; /* of the process */
};

static void
loop_fail(struct loop *loop)
{
	loop->stop = true;
	loop->status = EXIT_FAILURE;
}

static void
drop_core(struct worker *w)
{
	if (w->events_fd >= 0)
		close(w->events_fd);
	w->events_fd = -1;
	channel_client_set_fd(w->core, -1);
}

static void
on_channels(struct loop *loop, const int fds[MSG_FDS_MAX])
{
	drop_core(loop->w);
	channel_client_set_fd(loop->w->core, fds[0]);
	loop->w->events_fd = fds[1];
	loop->greeted = false;
}

static void
on_supervisor(struct loop *loop)
{
	int fds[MSG_FDS_MAX], rc = 0, i;
	struct msg msg;

	for (i = 0; i < BURST && !loop->stop; i++) {
		rc = channel_recv(WORKER_SUPERVISOR_FD, &msg, fds, MSG_FROM_SUPERVISOR);
		if (rc < 0)
			break;
		if (msg.header.type == MSG_CHANNELS)
			on_channels(loop, fds);
		else if (msg.header.type == MSG_PING)
			channel_send(WORKER_SUPERVISOR_FD, MSG_PONG, NULL, 0, NULL, 0);
		else
			rc = -EPROTO;
		if (rc < 0)
			break;
	}
	if (rc == -EPIPE) {
		log_warn("the supervisor is gone: ending, too");
		loop->stop = true;
	} else if (rc < 0 && rc != -EAGAIN) {
		log_error("the supervisor broke the contract: %s", strerror(-rc));
		loop_fail(loop);
	}
}

static void
on_event(struct loop *loop, const struct msg *msg)
{
	int rc;

	if (msg->header.type == MSG_STATE) {
		loop->ops->on_state(loop->arg, &msg->body.state);
		if (loop->w->stale)
			loop_fail(loop);
		return;
	}
	rc = loop->ops->on_gateway(loop->arg, &msg->body.gateway);
	if (rc < 0) {
		log_error("%s cannot be served: %s", loop->w->ifname, strerror(-rc));
		loop_fail(loop);
	}
	loop->greeted = true;
}

static void
on_core(struct loop *loop)
{
	struct msg msg;
	int rc = 0, i;

	for (i = 0; i < BURST && !loop->stop && rc == 0; i++) {
		rc = channel_recv(loop->w->events_fd, &msg, NULL, MSG_FROM_CORE_EVENT);
		if (rc == 0 && msg.header.type != MSG_GATEWAY && !loop->greeted)
			rc = -EPROTO;
		if (rc == 0)
			on_event(loop, &msg);
	}
	if (rc == -EPIPE) {
		log_debug("the core is gone: waiting for another");
		drop_core(loop->w);
	} else if (rc < 0 && rc != -EAGAIN) {
		log_error("the core broke the contract: %s", strerror(-rc));
		loop_fail(loop);
	}
}

static void
on_signal(struct loop *loop)
{
	struct signalfd_siginfo info;

	while (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo == SIGTERM)
			loop->stop = true; /* SIGINT and SIGHUP are the supervisor's to answer */
}

static int
next_timeout(const struct loop *loop)
{
	return loop->ops->timeout_ms ? loop->ops->timeout_ms(loop->arg) : -1;
}

static void
loop_once(struct loop *loop)
{
	struct pollfd fds[] = {
		{ .fd = WORKER_SUPERVISOR_FD, .events = POLLIN },
		{ .fd = loop->signal_fd, .events = POLLIN },
		{ .fd = loop->w->events_fd, .events = POLLIN },
	};

	if (poll(fds, sizeof(fds) / sizeof(fds[0]), next_timeout(loop)) < 0) {
		if (errno != EINTR)
			loop_fail(loop);
		return;
	}
	if (fds[1].revents)
		on_signal(loop);
	if (fds[2].revents && !loop->stop)
		on_core(loop);
	if (fds[0].revents && !loop->stop)
		on_supervisor(loop); /* last: it may replace the events channel */
	if (!loop->stop && next_timeout(loop) == 0)
		loop->ops->on_timer(loop->arg);
}

int
worker_run(struct worker *w, const struct worker_ops *ops, void *arg)
{
	struct loop loop = { .w = w, .ops = ops, .arg = arg, .status = EXIT_SUCCESS };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	loop.signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (loop.signal_fd < 0) {
		log_error("signalfd: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	while (!loop.stop)
		loop_once(&loop);

	alarm(STOP_S);
	ops->on_stop(arg);
	drop_core(w);
	close(loop.signal_fd);
	return loop.status;
}
