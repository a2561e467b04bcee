/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portreeved: options, configuration, directories, and then the loop around supervise.c. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/conf.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/log.h"
#include "platform/sandbox.h"
#include "supervisor/hooks.h"
#include "supervisor/options.h"
#include "supervisor/rundir.h"
#include "supervisor/sdnotify.h"
#include "supervisor/spawn.h"
#include "supervisor/supervise.h"

/* For the processes of a supervisor that was killed: they end by themselves, well within this. */
#define ORPHANS_MS 3000

/* ---- start ----------------------------------------------------------------------------------- */

/* No descriptor of ours may ever be taken for standard input or output. */
static void
open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* None that our caller forgot may reach a worker. The configuration may have been one of them. */
static void
close_other_fds(void)
{
	syscall(SYS_close_range, 3u, ~0u, 0u);
}

/*
 * Wrong on the command line is wrong usage; wrong in the file is a failure. The daemon will read it
 * again, who only checks or prints it does not: "-c /dev/stdin" or "-c <(...)" will do for him.
 */
static void
load_conf(struct conf *conf, const struct options *opt)
{
	bool once = opt->check_config || opt->print_config;

	if (conf_load(conf, "/dev/null", &opt->over, stderr) < 0)
		exit(EXIT_USAGE);
	if ((once ? conf_load_once : conf_load)(conf, opt->conf_path, &opt->over, stderr) < 0)
		exit(EXIT_FAILURE);
}

/* The absolute path, so that we can stay in "/" and hold no file system busy. */
static const char *
absolute(const char *path)
{
	char *full = realpath(path, NULL);

	return full ? full : path;
}

static int
make_directories(struct options *opt)
{
	const struct {
		const char **path;
		const char *option;
		mode_t mode;
	} dirs[] = {
		{ &opt->run_dir, "--run-dir", 0755 },
		{ &opt->state_dir, "--state-dir", 0700 },
	};
	size_t i;
	int rc;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		rc = rundir_make(*dirs[i].path, dirs[i].mode);
		if (rc < 0) {
			log_error("%s: %s: %s %s", *dirs[i].path, strerror(-rc),
			    rc == -EACCES && geteuid() != 0 ? "start portreeved as root, or name a "
							      "directory of yours with"
							    : "name another directory with",
			    dirs[i].option);
			return rc;
		}
		*dirs[i].path = absolute(*dirs[i].path);
	}
	if (opt->conf_path)
		opt->conf_path = absolute(opt->conf_path);
	return chdir("/") < 0 ? -errno : 0;
}

/* The pid file's descriptor, or -errno, which was said. */
static int
lock_run_dir(const char *run_dir)
{
	pid_t first;
	int fd = rundir_lock(run_dir, &first);

	if (fd == -EBUSY)
		log_error("portreeved already runs on %s: end pid %d first, or let \"portreeve "
			  "reload\" have it read its configuration again",
		    run_dir, (int)first);
	else if (fd < 0)
		log_error("%s/portreeved.pid: %s", run_dir, strerror(-fd));
	return fd;
}

static int
lock_group(const char *run_dir)
{
	int fd = rundir_lock_group(run_dir, ORPHANS_MS);

	if (fd == -EBUSY)
		log_warn("processes of a former portreeved are still there: going on beside them");
	else if (fd < 0)
		log_warn("%s/portreeved.group: %s", run_dir, strerror(-fd));
	return fd;
}

/* The core works without the right to override file permissions, where the files are root's. */
static int
enter_sandbox(const struct options *opt)
{
	const struct {
		const char *path;
		int mode;
	} files[] = {
		{ opt->run_dir, R_OK | W_OK | X_OK },
		{ opt->state_dir, R_OK | W_OK | X_OK },
		{ opt->conf_path ? opt->conf_path : CONF_PATH, R_OK },
	};
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (sandbox_reaches(files[i].path, files[i].mode))
			continue;
		log_info("%s is in another user's hands: the core keeps CAP_DAC_OVERRIDE for it",
		    files[i].path);
		sandbox_keep_file_override();
	}
	return sandbox_enter(SANDBOX_SUPERVISOR);
}

/* What the family's operations need. */
struct tools {
	struct spawner spawner;
	struct hooks hooks;
};

/* ---- loop ------------------------------------------------------------------------------------ */

static int64_t
op_now_ms(void *arg UNUSED)
{
	return clock_mono_ms();
}

static pid_t
op_spawn(void *arg, const struct supervise_spec *spec, int fd)
{
	return spawner_spawn(&((struct tools *)arg)->spawner, spec, fd);
}

static void
op_kill(void *arg UNUSED, pid_t pid, int sig)
{
	if (kill(pid, sig) < 0 && errno != ESRCH)
		log_error("signal %d to pid %d: %s", sig, (int)pid, strerror(errno));
}

static int
op_hook(void *arg, const struct msg_hook *hook)
{
	return hooks_run(&((struct tools *)arg)->hooks, hook);
}

static void
op_ready(void *arg UNUSED)
{
	sdnotify("READY=1");
}

static const struct supervise_ops ops = {
	.now_ms = op_now_ms,
	.spawn = op_spawn,
	.kill = op_kill,
	.hook = op_hook,
	.on_ready = op_ready,
};

static int
open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
reap(struct supervisor *sup)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		supervise_on_exit(sup, pid, status);
}

static void
on_signals(struct supervisor *sup, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			reap(sup);
			break;
		case SIGHUP:
			supervise_reload(sup);
			break;
		default:
			log_info("stopping: %s", strsignal((int)info.ssi_signo));
			sdnotify("STOPPING=1");
			supervise_stop(sup);
			break;
		}
	}
}

static void
on_hooks(struct supervisor *sup, struct hooks *hooks)
{
	struct msg_hook done;

	if (hooks_read(hooks, &done) > 0)
		supervise_on_hook_done(sup, &done);
}

/* Messages before deaths: what a process said last still counts. */
static int
run(struct supervisor *sup, struct hooks *hooks, int signal_fd)
{
	struct pollfd fds[SUPERVISE_FDS + 2];
	struct pollfd *signals = &fds[SUPERVISE_FDS], *hook = &fds[SUPERVISE_FDS + 1];
	int status;

	supervise_start(sup);
	while (!supervise_done(sup, &status)) {
		supervise_fds(sup, fds);
		*signals = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
		*hook = (struct pollfd){ .fd = hooks->fd, .events = POLLIN };
		if (poll(fds, SUPERVISE_FDS + 2, supervise_timeout_ms(sup)) < 0 && errno != EINTR) {
			log_error("poll: %s", strerror(errno));
			return EXIT_FAILURE;
		}
		supervise_on_fds(sup, fds);
		if (hook->revents)
			on_hooks(sup, hooks);
		if (signals->revents)
			on_signals(sup, signal_fd);
		supervise_on_timer(sup);
	}
	return status;
}

int
main(int argc, char **argv)
{
	struct supervisor *sup;
	struct tools tools;
	static struct options opt; /* and what it points to: as long as the process lives */
	struct conf conf;
	int pid_fd, signal_fd, status;

	open_standard_fds();
	umask(022);
	options_parse(&opt, argc, argv);
	load_conf(&conf, &opt);
	close_other_fds();
	if (opt.print_config)
		conf_print(&conf, stdout);
	if (opt.check_config)
		fprintf(stderr, "portreeved: the configuration is good\n");
	if (opt.print_config || opt.check_config)
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;

	log_open("portreeved", conf.log_level);
	log_info("portreeved " PACKAGE_VERSION " starts");
	if (make_directories(&opt) < 0)
		return EXIT_FAILURE;
	pid_fd = lock_run_dir(opt.run_dir);
	if (pid_fd < 0 || spawner_init(&tools.spawner, &opt, &conf, lock_group(opt.run_dir)) < 0)
		return EXIT_FAILURE;
	if (hooks_start(&tools.hooks, (const char *[2]){ conf.on_connect, conf.on_disconnect },
		HOOKS_LIMIT_MS) < 0)
		return EXIT_FAILURE;
	signal_fd = open_signals();
	sup = supervise_new(&ops, &tools);
	if (signal_fd < 0 || !sup || enter_sandbox(&opt) < 0)
		return EXIT_FAILURE;
	if (tools.spawner.log_dir >= 0)
		supervise_want_seclog(sup);

	status = run(sup, &tools.hooks, signal_fd);

	supervise_free(sup);
	hooks_stop(&tools.hooks);
	rundir_unlock(pid_fd);
	log_info("portreeved ends");
	return status;
}
