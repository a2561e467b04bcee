/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor's decisions with a fake clock and fake processes: each is a number and the other
 * end of a real channel, through which the test speaks as core or worker.
 */
#include "config.h"

#include "supervisor/rundir.h"
#include "supervisor/supervise.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dhcp/exits.h"
#include "ipc/channel.h"
#include "lib/log.h"

#define PROCESSES 64
#define FIRST_PID 100
#define BY_SIGNAL(sig) (sig)
#define WITH_STATUS(n) ((n) << 8)

struct process {
	pid_t pid;
	int fd; /* its descriptor 3, -1 once it has ended */
	bool worker;
	bool dhcp;
	bool look;
	struct msg_lan lan;
	int last_signal;
	bool seclog;
};

struct fixture {
	int64_t now_ms;
	struct process processes[PROCESSES];
	unsigned started;
	unsigned ready;
	int fail_spawns;
	unsigned hooks; /* asked for */
	int fail_hook;
	struct supervisor *sup;
};

static int64_t
fake_now_ms(void *arg)
{
	return ((struct fixture *)arg)->now_ms;
}

static pid_t
fake_spawn(void *arg, const struct supervise_spec *spec, int fd)
{
	struct fixture *f = arg;
	struct process *p;

	if (f->fail_spawns > 0) {
		f->fail_spawns--;
		return -EAGAIN;
	}
	CU_ASSERT_TRUE_FATAL(f->started < PROCESSES);
	p = &f->processes[f->started++];
	p->pid = (pid_t)(FIRST_PID + f->started);
	p->fd = fd < 0 ? -1 : dup(fd);
	p->worker = spec->kind == SUPERVISE_WORKER;
	p->dhcp = spec->kind == SUPERVISE_DHCP;
	p->look = spec->look;
	p->seclog = spec->kind == SUPERVISE_SECLOG;
	if (spec->lan)
		p->lan = *spec->lan;
	return p->pid;
}

static void
fake_kill(void *arg, pid_t pid, int sig)
{
	struct fixture *f = arg;
	unsigned i;

	for (i = 0; i < f->started; i++)
		if (f->processes[i].pid == pid)
			f->processes[i].last_signal = sig;
}

static int
fake_hook(void *arg, const struct msg_hook *hook)
{
	struct fixture *f = arg;

	CU_ASSERT_STRING_EQUAL(hook->wan_interface, "ppp0");
	f->hooks++;
	return f->fail_hook;
}

static void
fake_ready(void *arg)
{
	((struct fixture *)arg)->ready++;
}

static const struct supervise_ops fake_ops = {
	.now_ms = fake_now_ms,
	.spawn = fake_spawn,
	.kill = fake_kill,
	.hook = fake_hook,
	.on_ready = fake_ready,
};

static void
fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->now_ms = 1000000;
	f->sup = supervise_new(&fake_ops, f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->sup);
	supervise_start(f->sup);
}

static void
fixture_exit(struct fixture *f)
{
	unsigned i;

	supervise_free(f->sup);
	for (i = 0; i < f->started; i++)
		if (f->processes[i].fd >= 0)
			close(f->processes[i].fd);
}

/* One turn of main.c's loop, at the present time. */
static void
turn(struct fixture *f)
{
	struct pollfd fds[SUPERVISE_FDS];

	supervise_fds(f->sup, fds);
	poll(fds, SUPERVISE_FDS, 0);
	supervise_on_fds(f->sup, fds);
	supervise_on_timer(f->sup);
}

static void
pass(struct fixture *f, int ms)
{
	f->now_ms += ms;
	turn(f);
}

/* The process started last. */
static struct process *
latest(struct fixture *f)
{
	return &f->processes[f->started - 1];
}

static void
die(struct fixture *f, struct process *p, int status)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	supervise_on_exit(f->sup, p->pid, status);
	turn(f);
}

static void
say(struct fixture *f, struct process *p, enum msg_type type, const void *body, size_t size)
{
	CU_ASSERT_EQUAL(channel_send(p->fd, type, body, size, NULL, 0), 0);
	turn(f);
}

static void
say_lan(struct fixture *f, struct process *core, const char *ifname, uint32_t address, bool serve)
{
	struct msg_lan lan = { .ifindex = 3, .address = address, .prefix_len = 24, .serve = serve };

	snprintf(lan.ifname, sizeof(lan.ifname), "%s", ifname);
	say(f, core, MSG_LAN, &lan, sizeof(lan));
}

/* How dnsmasq fares, as a core was told last. */
static struct msg_dhcp_state dhcp_told;

/* The next message to @p but for that, or false. Descriptors go to @fds, or are closed. */
static bool
hear(struct process *p, struct msg *msg, int fds[MSG_FDS_MAX])
{
	int own[MSG_FDS_MAX], i;

	do {
		if (channel_recv(p->fd, msg, fds ? fds : own, MSG_FROM_SUPERVISOR) < 0)
			return false;
		if (msg->header.type == MSG_DHCP_STATE)
			dhcp_told = msg->body.dhcp_state;
	} while (msg->header.type == MSG_DHCP_STATE);
	for (i = 0; !fds && i < MSG_FDS_MAX; i++)
		if (own[i] >= 0)
			close(own[i]);
	return true;
}

static bool
hears(struct process *p, enum msg_type type)
{
	struct msg msg;

	return hear(p, &msg, NULL) && msg.header.type == type;
}

static void
answer_pings(struct fixture *f, struct process *p)
{
	struct msg msg;

	while (hear(p, &msg, NULL))
		if (msg.header.type == MSG_PING)
			say(f, p, MSG_PONG, NULL, 0);
}

/* A core that is ready, and one worker; what they were told so far has been read. */
static void
fixture_serving(struct fixture *f, struct process **core, struct process **worker)
{
	fixture_init(f);
	*core = latest(f);
	say(f, *core, MSG_READY, NULL, 0);
	say_lan(f, *core, "lan0", 0xc0a80101, true);
	*worker = latest(f);
	CU_ASSERT_EQUAL_FATAL(f->started, 2);
	CU_ASSERT_TRUE(hears(*core, MSG_WORKER));
	CU_ASSERT_TRUE(hears(*worker, MSG_CHANNELS));
}

/* ---- start ----------------------------------------------------------------------------------- */

static void
test_workers_start_once_the_core_is_ready(void)
{
	struct process *core;
	struct fixture f;

	fixture_init(&f);
	core = latest(&f);
	CU_ASSERT_EQUAL(f.started, 1);
	CU_ASSERT_FALSE(core->worker);
	say_lan(&f, core, "lan0", 0xc0a80101, true);
	CU_ASSERT_EQUAL(f.started, 1);
	say(&f, core, MSG_READY, NULL, 0);
	CU_ASSERT_EQUAL(f.ready, 1);
	CU_ASSERT_EQUAL(f.started, 2);
	CU_ASSERT_STRING_EQUAL(latest(&f)->lan.ifname, "lan0");
	say_lan(&f, core, "lan1", 0xc0a80201, true);
	CU_ASSERT_EQUAL(f.started, 3);
	CU_ASSERT_STRING_EQUAL(latest(&f)->lan.ifname, "lan1");
	CU_ASSERT_EQUAL(latest(&f)->lan.address, 0xc0a80201);
	fixture_exit(&f);
}

static void
test_core_and_worker_get_the_ends_of_the_same_channels(void)
{
	int core_fds[MSG_FDS_MAX], worker_fds[MSG_FDS_MAX];
	struct msg_state state = { .link_up = 1 };
	struct process *core, *worker;
	struct fixture f;
	struct msg msg;

	fixture_init(&f);
	core = latest(&f);
	say(&f, core, MSG_READY, NULL, 0);
	say_lan(&f, core, "lan0", 0xc0a80101, true);
	worker = latest(&f);
	CU_ASSERT_TRUE_FATAL(hear(core, &msg, core_fds));
	CU_ASSERT_EQUAL(msg.header.type, MSG_WORKER);
	CU_ASSERT_EQUAL(msg.body.worker.pid, (uint32_t)worker->pid);
	CU_ASSERT_STRING_EQUAL(msg.body.worker.ifname, "lan0");
	CU_ASSERT_TRUE_FATAL(hear(worker, &msg, worker_fds));
	CU_ASSERT_EQUAL(msg.header.type, MSG_CHANNELS);

	/* calls, then events; nobody else holds an end */
	close(worker_fds[0]);
	CU_ASSERT_EQUAL(channel_recv(core_fds[0], &msg, NULL, MSG_FROM_WORKER_CALL), -EPIPE);
	CU_ASSERT_EQUAL(channel_send(core_fds[1], MSG_STATE, &state, sizeof(state), NULL, 0), 0);
	CU_ASSERT_EQUAL(channel_recv(worker_fds[1], &msg, NULL, MSG_FROM_CORE_EVENT), 0);
	close(core_fds[0]);
	close(core_fds[1]);
	CU_ASSERT_EQUAL(channel_recv(worker_fds[1], &msg, NULL, MSG_FROM_CORE_EVENT), -EPIPE);
	close(worker_fds[1]);
	fixture_exit(&f);
}

static void
test_core_that_cannot_start_ends_all(void)
{
	struct fixture f;
	int status = -1;

	fixture_init(&f);
	die(&f, latest(&f), WITH_STATUS(1));
	CU_ASSERT_TRUE(supervise_done(f.sup, &status));
	CU_ASSERT_EQUAL(status, EXIT_FAILURE);
	pass(&f, 60000);
	CU_ASSERT_EQUAL(f.started, 1);
	fixture_exit(&f);
}

static void
test_failed_fork_is_tried_again(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	f.fail_spawns = 2;
	die(&f, worker, BY_SIGNAL(SIGKILL));
	CU_ASSERT_EQUAL(f.started, 2);
	pass(&f, SUPERVISE_BACKOFF_MS);
	CU_ASSERT_EQUAL(f.started, 2);
	pass(&f, 2 * SUPERVISE_BACKOFF_MS);
	CU_ASSERT_EQUAL(f.started, 3);
	fixture_exit(&f);
}

/* ---- restarts -------------------------------------------------------------------------------- */

static void
test_dead_worker_is_back_at_once_and_the_core_knows(void)
{
	struct process *core, *worker;
	struct fixture f;
	struct msg msg;

	fixture_serving(&f, &core, &worker);
	die(&f, worker, BY_SIGNAL(SIGKILL));
	CU_ASSERT_EQUAL(f.started, 3);
	CU_ASSERT_EQUAL(latest(&f)->lan.address, 0xc0a80101);
	CU_ASSERT_TRUE(hear(core, &msg, NULL));
	CU_ASSERT_EQUAL(msg.header.type, MSG_WORKER_GONE);
	CU_ASSERT_EQUAL(msg.body.worker.pid, (uint32_t)worker->pid);
	CU_ASSERT_TRUE(hear(core, &msg, NULL));
	CU_ASSERT_EQUAL(msg.header.type, MSG_WORKER);
	CU_ASSERT_EQUAL(msg.body.worker.restarts, 1);
	CU_ASSERT_TRUE(hears(latest(&f), MSG_CHANNELS));
	fixture_exit(&f);
}

/* Lets the latest process die; milliseconds until there is another. */
static int
delay_of_restart(struct fixture *f)
{
	unsigned before = f->started;
	int waited = 0, step;

	die(f, latest(f), BY_SIGNAL(SIGSEGV));
	while (f->started == before && waited < 60000) {
		step = supervise_timeout_ms(f->sup);
		CU_ASSERT_TRUE_FATAL(step > 0);
		waited += step;
		pass(f, step);
		answer_pings(f, &f->processes[0]);
	}
	return waited;
}

static void
test_back_off_doubles_up_to_its_bound(void)
{
	static const int expected[] = { 0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000 };
	struct process *core, *worker;
	struct fixture f;
	size_t i;

	fixture_serving(&f, &core, &worker);
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		CU_ASSERT_EQUAL(delay_of_restart(&f), expected[i]);
		answer_pings(&f, core);
	}
	CU_ASSERT_EQUAL(core->last_signal, 0);
	fixture_exit(&f);
}

static void
test_a_settled_life_is_a_fresh_start(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	CU_ASSERT_EQUAL(delay_of_restart(&f), 0);
	CU_ASSERT_EQUAL(delay_of_restart(&f), 10);
	f.now_ms += SUPERVISE_SETTLED_MS;
	CU_ASSERT_EQUAL(delay_of_restart(&f), 0);
	CU_ASSERT_EQUAL(delay_of_restart(&f), 10);
	fixture_exit(&f);
}

static void
test_core_is_restarted_and_adopts_the_workers(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	die(&f, core, BY_SIGNAL(SIGKILL));
	CU_ASSERT_EQUAL(f.started, 3);
	core = latest(&f);
	CU_ASSERT_FALSE(core->worker);
	say(&f, core, MSG_READY, NULL, 0);
	say_lan(&f, core, "lan0", 0xc0a80101, true);
	CU_ASSERT_EQUAL(f.started, 3);
	CU_ASSERT_EQUAL(worker->last_signal, 0);
	CU_ASSERT_TRUE(hears(core, MSG_WORKER));
	CU_ASSERT_TRUE(hears(worker, MSG_CHANNELS));
	say_lan(&f, core, "lan0", 0xc0a80101, true);
	CU_ASSERT_FALSE(hears(worker, MSG_CHANNELS)); /* once is enough */
	fixture_exit(&f);
}

static void
test_lan_that_went_while_there_was_no_core_is_left(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	die(&f, core, BY_SIGNAL(SIGKILL));
	say(&f, latest(&f), MSG_READY, NULL, 0);
	pass(&f, SUPERVISE_ADOPT_MS - 1);
	CU_ASSERT_EQUAL(worker->last_signal, 0);
	pass(&f, 1);
	CU_ASSERT_EQUAL(worker->last_signal, SIGTERM);
	die(&f, worker, WITH_STATUS(0));
	pass(&f, 60000);
	CU_ASSERT_EQUAL(f.started, 3);
	fixture_exit(&f);
}

static void
test_worker_dies_while_there_is_no_core_and_is_back_all_the_same(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	die(&f, core, BY_SIGNAL(SIGKILL));
	core = latest(&f);
	die(&f, worker, BY_SIGNAL(SIGKILL));
	CU_ASSERT_EQUAL(f.started, 4);
	worker = latest(&f);
	say(&f, core, MSG_READY, NULL, 0);
	say_lan(&f, core, "lan0", 0xc0a80101, true);
	CU_ASSERT_TRUE(hears(worker, MSG_CHANNELS));
	CU_ASSERT_EQUAL(f.started, 4);
	fixture_exit(&f);
}

/* ---- LANs ------------------------------------------------------------------------------------ */

static void
test_changed_lan_gets_a_new_worker_when_the_old_one_has_said_good_bye(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	say_lan(&f, core, "lan0", 0xc0a80501, true);
	CU_ASSERT_EQUAL(worker->last_signal, SIGTERM);
	CU_ASSERT_EQUAL(f.started, 2);
	pass(&f, 20);
	die(&f, worker, WITH_STATUS(0));
	CU_ASSERT_EQUAL(f.started, 3);
	CU_ASSERT_EQUAL(latest(&f)->lan.address, 0xc0a80501);
	CU_ASSERT_EQUAL(latest(&f)->last_signal, 0);
	fixture_exit(&f);
}

static void
test_old_worker_that_hangs_does_not_keep_the_new_one_waiting(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	say_lan(&f, core, "lan0", 0xc0a80501, true);
	pass(&f, SUPERVISE_REPLACE_MS);
	CU_ASSERT_EQUAL(worker->last_signal, SIGKILL);
	die(&f, worker, BY_SIGNAL(SIGKILL));
	CU_ASSERT_EQUAL(f.started, 3);
	fixture_exit(&f);
}

static void
test_change_of_place_ends_the_back_off(void)
{
	struct process *core, *worker;
	struct fixture f;
	int i;

	fixture_serving(&f, &core, &worker);
	for (i = 0; i < 4; i++)
		delay_of_restart(&f);
	die(&f, latest(&f), BY_SIGNAL(SIGSEGV));
	CU_ASSERT_EQUAL(f.started, 6);
	say_lan(&f, core, "lan0", 0xc0a80101, true); /* nothing new */
	CU_ASSERT_EQUAL(f.started, 6);
	say_lan(&f, core, "lan0", 0xc0a80501, true);
	CU_ASSERT_EQUAL(f.started, 7);
	CU_ASSERT_EQUAL(latest(&f)->lan.address, 0xc0a80501);
	fixture_exit(&f);
}

static void
test_lan_that_is_gone_is_left_for_good_or_until_it_comes_back(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	say_lan(&f, core, "lan0", 0xc0a80101, false);
	CU_ASSERT_EQUAL(worker->last_signal, SIGTERM);
	die(&f, worker, WITH_STATUS(0));
	pass(&f, 1000);
	CU_ASSERT_EQUAL(f.started, 2);
	say_lan(&f, core, "lan0", 0xc0a80101, true);
	CU_ASSERT_EQUAL(f.started, 3);

	/* gone and back before the old worker has ended */
	say_lan(&f, core, "lan0", 0xc0a80101, false);
	say_lan(&f, core, "lan0", 0xc0a80101, true);
	CU_ASSERT_EQUAL(f.started, 3);
	die(&f, latest(&f), WITH_STATUS(0));
	CU_ASSERT_EQUAL(f.started, 4);
	fixture_exit(&f);
}

static void
test_more_lans_than_there_is_room_for_are_refused(void)
{
	struct process *core, *worker;
	char ifname[IFNAMSIZ];
	struct fixture f;
	int i;

	fixture_serving(&f, &core, &worker);
	for (i = 1; i < SUPERVISE_LANS_MAX; i++) {
		snprintf(ifname, sizeof(ifname), "lan%d", i);
		say_lan(&f, core, ifname, 0xc0a80101 + (uint32_t)i * 256, true);
	}
	CU_ASSERT_EQUAL(f.started, 1 + SUPERVISE_LANS_MAX);
	say_lan(&f, core, "toomany", 0x0a000001, true);
	CU_ASSERT_EQUAL(f.started, 1 + SUPERVISE_LANS_MAX);
	say_lan(&f, core, "lan0", 0xc0a80101, false);
	die(&f, worker, WITH_STATUS(0));
	say_lan(&f, core, "lan99", 0x0a000001, true); /* takes the place of lan0 */
	CU_ASSERT_EQUAL(f.started, 2 + SUPERVISE_LANS_MAX);
	fixture_exit(&f);
}

/* ---- signs of life --------------------------------------------------------------------------- */

static void
test_who_answers_lives_and_who_does_not_is_killed(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	pass(&f, SUPERVISE_PING_MS);
	CU_ASSERT_TRUE(hears(core, MSG_PING));
	CU_ASSERT_TRUE(hears(worker, MSG_PING));
	say(&f, core, MSG_PONG, NULL, 0);
	pass(&f, SUPERVISE_PONG_MS - 1);
	CU_ASSERT_EQUAL(worker->last_signal, 0);
	pass(&f, 1);
	CU_ASSERT_EQUAL(worker->last_signal, SIGKILL);
	CU_ASSERT_EQUAL(core->last_signal, 0);
	die(&f, worker, BY_SIGNAL(SIGKILL));
	CU_ASSERT_EQUAL(f.started, 3);
	fixture_exit(&f);
}

static void
test_stuck_core_is_killed_and_replaced(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	pass(&f, SUPERVISE_PING_MS);
	say(&f, worker, MSG_PONG, NULL, 0);
	pass(&f, SUPERVISE_PONG_MS);
	CU_ASSERT_EQUAL(core->last_signal, SIGKILL);
	CU_ASSERT_EQUAL(worker->last_signal, 0);
	die(&f, core, BY_SIGNAL(SIGKILL));
	CU_ASSERT_EQUAL(f.started, 3);
	fixture_exit(&f);
}

static void
test_idle_supervisor_wakes_once_in_five_seconds(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	CU_ASSERT_EQUAL(supervise_timeout_ms(f.sup), SUPERVISE_PING_MS);
	pass(&f, SUPERVISE_PING_MS);
	say(&f, core, MSG_PONG, NULL, 0);
	say(&f, worker, MSG_PONG, NULL, 0);
	CU_ASSERT_EQUAL(supervise_timeout_ms(f.sup), SUPERVISE_PING_MS);
	fixture_exit(&f);
}

static void
test_who_breaks_the_contract_is_killed(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	say(&f, worker, MSG_READY, NULL, 0); /* the core's to say */
	CU_ASSERT_EQUAL(worker->last_signal, SIGKILL);
	CU_ASSERT_EQUAL(f.ready, 1);
	say(&f, core, MSG_PING, NULL, 0);
	CU_ASSERT_EQUAL(core->last_signal, SIGKILL);
	fixture_exit(&f);
}

static void
test_worker_that_the_core_refuses_is_killed(void)
{
	struct msg_worker refused = { .ifname = "lan0" };
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	refused.pid = (uint32_t)core->pid; /* not a worker */
	say(&f, core, MSG_WORKER_GONE, &refused, sizeof(refused));
	CU_ASSERT_EQUAL(core->last_signal, 0);
	CU_ASSERT_EQUAL(worker->last_signal, 0);
	refused.pid = (uint32_t)worker->pid;
	say(&f, core, MSG_WORKER_GONE, &refused, sizeof(refused));
	CU_ASSERT_EQUAL(worker->last_signal, SIGKILL);
	die(&f, worker, BY_SIGNAL(SIGKILL));
	CU_ASSERT_EQUAL(f.started, 3);
	fixture_exit(&f);
}

static void
test_who_hangs_up_and_stays_is_killed(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	close(worker->fd);
	worker->fd = -1;
	turn(&f);
	CU_ASSERT_EQUAL(worker->last_signal, 0); /* ending, most likely */
	pass(&f, SUPERVISE_HANGUP_MS);
	CU_ASSERT_EQUAL(worker->last_signal, SIGKILL);
	fixture_exit(&f);
}

/* ---- stop ------------------------------------------------------------------------------------ */

static void
test_stop_ends_the_workers_then_the_core(void)
{
	struct process *core, *worker;
	struct fixture f;
	int status = -1;

	fixture_serving(&f, &core, &worker);
	supervise_stop(f.sup);
	CU_ASSERT_EQUAL(worker->last_signal, SIGTERM);
	CU_ASSERT_EQUAL(core->last_signal, 0);
	die(&f, worker, WITH_STATUS(0));
	CU_ASSERT_EQUAL(core->last_signal, SIGTERM);
	CU_ASSERT_FALSE(supervise_done(f.sup, &status));
	die(&f, core, WITH_STATUS(0));
	CU_ASSERT_TRUE(supervise_done(f.sup, &status));
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(f.started, 2);
	fixture_exit(&f);
}

static void
test_stop_ends_within_a_second_whatever_hangs(void)
{
	struct process *core, *worker;
	int64_t began_ms;
	struct fixture f;
	int step;

	fixture_serving(&f, &core, &worker);
	began_ms = f.now_ms;
	supervise_stop(f.sup);
	while (worker->last_signal != SIGKILL || core->last_signal != SIGKILL) {
		step = supervise_timeout_ms(f.sup);
		CU_ASSERT_TRUE_FATAL(step > 0);
		pass(&f, step);
		if (core->last_signal == SIGTERM)
			CU_ASSERT_TRUE(f.now_ms - began_ms >= SUPERVISE_CORE_TERM_MS);
	}
	CU_ASSERT_EQUAL(f.now_ms - began_ms, SUPERVISE_KILL_MS);
	fixture_exit(&f);
}

static void
test_nothing_is_started_once_told_to_stop(void)
{
	struct process *core, *worker;
	struct fixture f;
	int status;

	fixture_serving(&f, &core, &worker);
	die(&f, worker, BY_SIGNAL(SIGKILL));     /* at once */
	die(&f, latest(&f), BY_SIGNAL(SIGKILL)); /* in 10 ms */
	CU_ASSERT_EQUAL(f.started, 3);
	supervise_stop(f.sup);
	say_lan(&f, core, "lan1", 0xc0a80201, true);
	pass(&f, 100);
	die(&f, core, BY_SIGNAL(SIGKILL));
	pass(&f, 60000);
	CU_ASSERT_EQUAL(f.started, 3);
	CU_ASSERT_TRUE(supervise_done(f.sup, &status));
	fixture_exit(&f);
}

static void
test_reload_reaches_the_core(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	supervise_reload(f.sup);
	CU_ASSERT_TRUE(hears(core, MSG_RELOAD));
	fixture_exit(&f);
}

/* ---- the run directory ----------------------------------------------------------------------- */

static char *
temp_dir(char path[64])
{
	snprintf(path, 64, "/tmp/test_supervise.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(path));
	return path;
}

static void
remove_dir(const char *dir)
{
	static const char *const names[] = { "portreeved.pid", "portreeved.group" };
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static void
test_directories_are_made_with_their_mode(void)
{
	char dir[64], path[128];
	struct stat st;

	temp_dir(dir);
	snprintf(path, sizeof(path), "%s/a/b", dir);
	CU_ASSERT_EQUAL(rundir_make(path, 0700), 0);
	CU_ASSERT_EQUAL(rundir_make(path, 0700), 0);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0700);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/a", dir);
	rmdir(path);
	CU_ASSERT_EQUAL(rundir_make("/dev/null", 0700), -ENOTDIR);
	CU_ASSERT_EQUAL(rundir_make("/dev/null/x", 0700), -ENOTDIR);
	CU_ASSERT_EQUAL(rundir_make("", 0700), -ENOENT);
	remove_dir(dir);
}

static void
test_second_start_is_refused_with_the_pid_of_the_first(void)
{
	char dir[64];
	pid_t first;
	int fd;

	temp_dir(dir);
	fd = rundir_lock(dir, &first);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CU_ASSERT_EQUAL(rundir_lock(dir, &first), -EBUSY);
	CU_ASSERT_EQUAL(first, getpid());
	rundir_unlock(fd);
	fd = rundir_lock(dir, &first);
	CU_ASSERT_TRUE(fd >= 0);
	rundir_unlock(fd);
	remove_dir(dir);
}

/* A child's descriptor is a duplicate: the lock lives until the last of them is closed. */
static void
test_children_of_a_killed_supervisor_are_waited_for(void)
{
	int fd, inherited;
	char dir[64];

	temp_dir(dir);
	fd = rundir_lock_group(dir, 0);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	inherited = dup(fd);
	close(fd);
	CU_ASSERT_EQUAL(rundir_lock_group(dir, 0), -EBUSY);
	close(inherited);
	fd = rundir_lock_group(dir, 0);
	CU_ASSERT_TRUE(fd >= 0);
	close(fd);
	remove_dir(dir);
}

static void
test_commands_are_run_and_the_core_hears_how_it_went(void)
{
	struct msg_hook hook = { .wan_interface = "ppp0" };
	struct fixture f;
	struct msg msg;
	int fd;

	fixture_init(&f);
	fd = latest(&f)->fd;
	CU_ASSERT_EQUAL(channel_send(fd, MSG_HOOK, &hook, sizeof(hook), NULL, 0), 0);
	turn(&f);
	CU_ASSERT_EQUAL(f.hooks, 1);
	CU_ASSERT_EQUAL(channel_recv(fd, &msg, NULL, MSG_FROM_SUPERVISOR), -EAGAIN);
	hook.ok = 1;
	supervise_on_hook_done(f.sup, &hook);
	CU_ASSERT_EQUAL(channel_recv(fd, &msg, NULL, MSG_FROM_SUPERVISOR), 0);
	CU_ASSERT_EQUAL(msg.header.type, MSG_HOOK_DONE);
	CU_ASSERT_EQUAL(msg.body.hook.ok, 1);

	f.fail_hook = -ENOENT; /* none is configured */
	hook.ok = 0;
	CU_ASSERT_EQUAL(channel_send(fd, MSG_HOOK, &hook, sizeof(hook), NULL, 0), 0);
	turn(&f);
	CU_ASSERT_EQUAL(channel_recv(fd, &msg, NULL, MSG_FROM_SUPERVISOR), 0);
	CU_ASSERT_EQUAL(msg.body.hook.ok, 0);
	fixture_exit(&f);
}

/* ---- dnsmasq --------------------------------------------------------------------------------- */

static void
say_dhcp(struct fixture *f, struct process *core, uint32_t serial, bool run, bool look)
{
	struct msg_dhcp dhcp = { .serial = serial, .run = run, .look = look };

	say(f, core, MSG_DHCP, &dhcp, sizeof(dhcp));
}

/* Reads what there is, so that dhcp_told is up to date. */
static const struct msg_dhcp_state *
told(struct process *core)
{
	struct msg msg;

	while (hear(core, &msg, NULL))
		;
	return &dhcp_told;
}

static void
test_dnsmasq_runs_while_the_core_wants_it(void)
{
	struct process *core, *worker, *dnsmasq;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	CU_ASSERT_EQUAL(told(core)->pid, 0);
	say_dhcp(&f, core, 1, true, true);
	CU_ASSERT_EQUAL_FATAL(f.started, 3);
	dnsmasq = latest(&f);
	CU_ASSERT_TRUE(dnsmasq->dhcp);
	CU_ASSERT_TRUE(dnsmasq->look);
	CU_ASSERT_EQUAL(told(core)->pid, (uint32_t)dnsmasq->pid);
	CU_ASSERT_EQUAL(told(core)->serial, 1);
	say_dhcp(&f, core, 2, false, false);
	CU_ASSERT_EQUAL(dnsmasq->last_signal, SIGTERM);
	die(&f, dnsmasq, WITH_STATUS(0));
	CU_ASSERT_EQUAL(f.started, 3);
	CU_ASSERT_EQUAL(told(core)->pid, 0);
	CU_ASSERT_EQUAL(told(core)->serial, 2);
	fixture_exit(&f);
}

static void
test_another_configuration_is_another_dnsmasq(void)
{
	struct process *core, *worker, *dnsmasq;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	say_dhcp(&f, core, 1, true, false);
	dnsmasq = latest(&f);
	say_dhcp(&f, core, 2, true, false);
	CU_ASSERT_EQUAL(dnsmasq->last_signal, SIGTERM);
	CU_ASSERT_EQUAL(f.started, 3);
	die(&f, dnsmasq, WITH_STATUS(0));
	CU_ASSERT_EQUAL_FATAL(f.started, 4);
	CU_ASSERT_TRUE(latest(&f)->dhcp);
	CU_ASSERT_EQUAL(told(core)->restarts, 0);
	/* one that does not end is ended */
	say_dhcp(&f, core, 3, true, false);
	dnsmasq = latest(&f);
	pass(&f, SUPERVISE_REPLACE_MS);
	CU_ASSERT_EQUAL(dnsmasq->last_signal, SIGKILL);
	fixture_exit(&f);
}

static void
test_a_dnsmasq_that_dies_is_back_with_patience_and_looks_once_only(void)
{
	struct process *core, *worker;
	struct fixture f;
	unsigned i;

	fixture_serving(&f, &core, &worker);
	say_dhcp(&f, core, 1, true, true);
	pass(&f, EXITS_LOOK_MS);
	die(&f, latest(&f), BY_SIGNAL(SIGKILL));
	CU_ASSERT_EQUAL_FATAL(f.started, 4);
	CU_ASSERT_FALSE(latest(&f)->look);
	CU_ASSERT_EQUAL(told(core)->restarts, 1);
	for (i = 0; i < 20; i++) {
		die(&f, latest(&f), WITH_STATUS(2));
		pass(&f, SUPERVISE_SLOW_BACKOFF_MS);
		answer_pings(&f, core);
		answer_pings(&f, worker);
	}
	CU_ASSERT_EQUAL(f.started, 24);
	die(&f, latest(&f), WITH_STATUS(2));
	pass(&f, SUPERVISE_SLOW_BACKOFF_MS - 1);
	CU_ASSERT_EQUAL(f.started, 24);
	fixture_exit(&f);
}

static void
test_one_that_dies_while_it_looks_has_not_looked(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	say_dhcp(&f, core, 1, true, true);
	pass(&f, EXITS_LOOK_MS - 1);
	die(&f, latest(&f), BY_SIGNAL(SIGSEGV));
	CU_ASSERT_EQUAL_FATAL(f.started, 4);
	CU_ASSERT_TRUE(latest(&f)->look);
	fixture_exit(&f);
}

static void
test_one_that_gives_up_is_left_and_the_core_told_why(void)
{
	struct process *core, *worker;
	struct fixture f;

	fixture_serving(&f, &core, &worker);
	say_dhcp(&f, core, 1, true, true);
	die(&f, latest(&f), WITH_STATUS(EXITS_ANSWERS + 1));
	pass(&f, SUPERVISE_SLOW_BACKOFF_MS);
	CU_ASSERT_EQUAL(f.started, 3);
	CU_ASSERT_EQUAL(told(core)->pid, 0);
	CU_ASSERT_EQUAL(told(core)->status, EXITS_ANSWERS + 1);
	say_dhcp(&f, core, 2, true, true);
	CU_ASSERT_EQUAL(f.started, 4);
	CU_ASSERT_EQUAL(told(core)->status, 0);
	fixture_exit(&f);
}

static void
test_the_security_log_starts_with_the_core_and_comes_back(void)
{
	struct process *core, *log;
	struct fixture f;
	int status;

	fixture_init(&f);
	supervise_want_seclog(f.sup);
	core = latest(&f);
	pass(&f, 10);
	CU_ASSERT_EQUAL(f.started, 1); /* there is no table to log yet */
	say(&f, core, MSG_READY, NULL, 0);
	pass(&f, 0);
	CU_ASSERT_EQUAL_FATAL(f.started, 2);
	CU_ASSERT_TRUE(latest(&f)->seclog);
	die(&f, latest(&f), BY_SIGNAL(SIGKILL));
	pass(&f, 0);
	CU_ASSERT_EQUAL_FATAL(f.started, 3);
	log = latest(&f);
	CU_ASSERT_TRUE(log->seclog);
	supervise_stop(f.sup);
	CU_ASSERT_EQUAL(log->last_signal, SIGTERM);
	die(&f, core, WITH_STATUS(0));
	CU_ASSERT_FALSE(supervise_done(f.sup, &status));
	die(&f, log, WITH_STATUS(0));
	CU_ASSERT_TRUE(supervise_done(f.sup, &status));
	fixture_exit(&f);
}

static void
test_dnsmasq_outlives_a_core_and_ends_with_the_rest(void)
{
	struct process *core, *worker, *dnsmasq;
	struct fixture f;
	int status;

	fixture_serving(&f, &core, &worker);
	say_dhcp(&f, core, 7, true, false);
	dnsmasq = latest(&f);
	die(&f, core, BY_SIGNAL(SIGSEGV));
	CU_ASSERT_EQUAL(dnsmasq->last_signal, 0);
	core = latest(&f);
	say(&f, core, MSG_READY, NULL, 0);
	CU_ASSERT_EQUAL(told(core)->pid, (uint32_t)dnsmasq->pid);
	CU_ASSERT_EQUAL(told(core)->serial, 7);
	supervise_stop(f.sup);
	CU_ASSERT_EQUAL(dnsmasq->last_signal, SIGTERM);
	die(&f, worker, WITH_STATUS(0));
	die(&f, core, WITH_STATUS(0));
	CU_ASSERT_FALSE(supervise_done(f.sup, &status));
	die(&f, dnsmasq, WITH_STATUS(0));
	CU_ASSERT_TRUE(supervise_done(f.sup, &status));
	fixture_exit(&f);
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(dnsmasq_runs_while_the_core_wants_it),
		UNIT_TEST(another_configuration_is_another_dnsmasq),
		UNIT_TEST(a_dnsmasq_that_dies_is_back_with_patience_and_looks_once_only),
		UNIT_TEST(one_that_dies_while_it_looks_has_not_looked),
		UNIT_TEST(one_that_gives_up_is_left_and_the_core_told_why),
		UNIT_TEST(the_security_log_starts_with_the_core_and_comes_back),
		UNIT_TEST(dnsmasq_outlives_a_core_and_ends_with_the_rest),
		UNIT_TEST(commands_are_run_and_the_core_hears_how_it_went),
		UNIT_TEST(workers_start_once_the_core_is_ready),
		UNIT_TEST(core_and_worker_get_the_ends_of_the_same_channels),
		UNIT_TEST(core_that_cannot_start_ends_all),
		UNIT_TEST(failed_fork_is_tried_again),
		UNIT_TEST(dead_worker_is_back_at_once_and_the_core_knows),
		UNIT_TEST(back_off_doubles_up_to_its_bound),
		UNIT_TEST(a_settled_life_is_a_fresh_start),
		UNIT_TEST(core_is_restarted_and_adopts_the_workers),
		UNIT_TEST(lan_that_went_while_there_was_no_core_is_left),
		UNIT_TEST(worker_dies_while_there_is_no_core_and_is_back_all_the_same),
		UNIT_TEST(changed_lan_gets_a_new_worker_when_the_old_one_has_said_good_bye),
		UNIT_TEST(old_worker_that_hangs_does_not_keep_the_new_one_waiting),
		UNIT_TEST(change_of_place_ends_the_back_off),
		UNIT_TEST(lan_that_is_gone_is_left_for_good_or_until_it_comes_back),
		UNIT_TEST(more_lans_than_there_is_room_for_are_refused),
		UNIT_TEST(who_answers_lives_and_who_does_not_is_killed),
		UNIT_TEST(stuck_core_is_killed_and_replaced),
		UNIT_TEST(idle_supervisor_wakes_once_in_five_seconds),
		UNIT_TEST(who_breaks_the_contract_is_killed),
		UNIT_TEST(worker_that_the_core_refuses_is_killed),
		UNIT_TEST(who_hangs_up_and_stays_is_killed),
		UNIT_TEST(stop_ends_the_workers_then_the_core),
		UNIT_TEST(stop_ends_within_a_second_whatever_hangs),
		UNIT_TEST(nothing_is_started_once_told_to_stop),
		UNIT_TEST(reload_reaches_the_core),
		UNIT_TEST(directories_are_made_with_their_mode),
		UNIT_TEST(second_start_is_refused_with_the_pid_of_the_first),
		UNIT_TEST(children_of_a_killed_supervisor_are_waited_for),
		UNIT_END,
	};

	log_open("test_supervise", LOG_LEVEL_ERROR);
	return unit_run("supervise", tests);
}
