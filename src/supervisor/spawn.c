/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "supervisor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/log.h"

#define CHANNEL_FD 3
#define GROUP_FD 4
#define SPARE_FD 10 /* ours are kept above, so that 3 and 4 are free in a child */

#define UPNP_ARGS_MAX 16

static int
open_program(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC), high, rc;

	if (fd < 0) {
		rc = -errno;
		log_error("%s: %s", path, strerror(-rc));
		return rc;
	}
	high = fcntl(fd, F_DUPFD_CLOEXEC, SPARE_FD);
	rc = -errno;
	close(fd);
	return high < 0 ? rc : high;
}

/*
 * The directory of the security log, made for @user if it is not there; only what was made is given
 * to him, whatever he may have put in its place meanwhile. -1: there shall be no log, or it cannot
 * be had, which was logged.
 */
static int
open_log_dir(const char *path, const struct sandbox_user *user)
{
	char copy[CONF_FILE_MAX];
	const char *dir;
	bool made;
	int fd, high;

	if (!path[0])
		return -1;
	snprintf(copy, sizeof(copy), "%s", path);
	dir = dirname(copy);
	made = mkdir(dir, 0750) == 0;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (made ? O_NOFOLLOW : 0));
	if (fd >= 0 && made && user->switchable && fchown(fd, user->uid, user->gid) < 0)
		log_warn("security_log: %s: %s", dir, strerror(errno));
	high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, SPARE_FD);
	if (high < 0)
		log_error("security_log: %s: %s", dir, strerror(errno));
	if (fd >= 0)
		close(fd);
	return high;
}

int
spawner_init(struct spawner *sp, const struct options *opt, const struct conf *conf, int group_fd)
{
	memset(sp, 0, sizeof(*sp));
	sp->opt = opt;
	sp->log_level = conf->log_level;
	sp->group_fd = group_fd;
	sp->core_fd = open_program(PKGLIBEXECDIR "/portreeve-core");
	sp->upnp_fd = open_program(PKGLIBEXECDIR "/portreeve-upnp");
	sp->dhcp_fd = open_program(PKGLIBEXECDIR "/portreeve-dhcp");
	sp->seclog_fd = open_program(PKGLIBEXECDIR "/portreeve-seclog");
	sp->xml_fd = open_program(XMLDIR);
	sp->run_fd = open_program(opt->run_dir);
	snprintf(sp->leases, sizeof(sp->leases), "%s/dhcp.leases", opt->state_dir);
	snprintf(sp->dhcp_user, sizeof(sp->dhcp_user), "%s", conf->dhcp_user);
	snprintf(sp->seclog_path, sizeof(sp->seclog_path), "%s", conf->security_log);
	snprintf(sp->seclog_kib, sizeof(sp->seclog_kib), "%u", conf->security_log_kib);
	if (sp->core_fd < 0)
		return sp->core_fd;
	if (sp->upnp_fd < 0)
		return sp->upnp_fd;
	if (sp->dhcp_fd < 0)
		return sp->dhcp_fd;
	if (sp->seclog_fd < 0)
		return sp->seclog_fd;
	if (sp->xml_fd < 0)
		return sp->xml_fd;
	if (sp->run_fd < 0)
		return sp->run_fd;
	sandbox_find_user(conf->worker_user, "workers", &sp->user);
	sp->log_dir = open_log_dir(conf->security_log, &sp->user);
	return 0;
}

/* ---- in the child ---------------------------------------------------------------------------- */

static void
place_fd(int fd, int place)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, SPARE_FD);

	if (high < 0 || dup2(high, place) < 0)
		_exit(127);
	close(high);
}

/* Its own process group: Ctrl-C in a terminal is for the supervisor, which ends all in order. */
static void
child_prepare(const struct spawner *sp, int fd)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	setpgid(0, 0);
	if (fd >= 0)
		place_fd(fd, CHANNEL_FD);
	if (sp->group_fd >= 0)
		place_fd(sp->group_fd, GROUP_FD);
	sigaction(SIGPIPE, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
child_exec(int program_fd, const char **argv)
{
	syscall(SYS_execveat, program_fd, "", argv, environ, AT_EMPTY_PATH);
	log_error("%s: %s", argv[0], strerror(errno));
	_exit(127);
}

static void
run_core(const struct spawner *sp, const struct supervise_spec *spec)
{
	const struct options *opt = sp->opt;
	const char **argv = calloc(8 + 2 * opt->over.n, sizeof(*argv));
	size_t n = 0, i;

	(void)spec;
	if (!argv)
		_exit(127);
	argv[n++] = "portreeve-core";
	argv[n++] = "--run-dir";
	argv[n++] = opt->run_dir;
	argv[n++] = "--state-dir";
	argv[n++] = opt->state_dir;
	if (opt->conf_path) {
		argv[n++] = "-c";
		argv[n++] = opt->conf_path;
	}
	for (i = 0; i < opt->over.n; i++) {
		argv[n++] = "-o";
		argv[n++] = opt->over.items[i];
	}
	child_exec(sp->core_fd, argv);
}

/*
 * The descriptions are its working directory: it reads them as ".", wherever they are. The core is
 * asked through channels only, so nothing else is needed from the file system.
 */
static void
run_upnp(const struct spawner *sp, const struct supervise_spec *spec)
{
	const struct msg_lan *lan = spec->lan;
	struct prefix4 prefix = { .addr = lan->address, .len = lan->prefix_len };
	char address[PREFIX4_STRLEN], index[16];
	const char *argv[UPNP_ARGS_MAX] = { "portreeve-upnp", "--lan", lan->ifname, "--ifindex",
		index, "--address", address, "--log-level", log_level_str(sp->log_level), "--xml",
		XMLDIR };
	int rc;

	snprintf(index, sizeof(index), "%u", lan->ifindex);
	prefix4_str(&prefix, address);
	if (fchdir(sp->xml_fd) == 0)
		argv[10] = ".";
	rc = sandbox_become(&sp->user);
	if (rc < 0) {
		log_error("workers cannot become user %s: %s", sp->user.name, strerror(-rc));
		_exit(127);
	}
	child_exec(sp->upnp_fd, argv);
}

/*
 * Its working directory is the run directory with its configuration, its standard input the lease
 * file: so its user need not be able to walk to either, and the core's files are out of reach. It
 * opens the lease file anew, by /dev/stdin, and is the owner.
 */
static void
run_dhcp(const struct spawner *sp, const struct supervise_spec *spec)
{
	const char *argv[] = { "portreeve-dhcp", spec->look ? "--look" : "dnsmasq.conf",
		spec->look ? "dnsmasq.conf" : NULL, NULL };
	struct sandbox_user user;
	int leases = open(sp->leases, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc;

	if (leases < 0 || dup2(leases, STDIN_FILENO) < 0 || fchdir(sp->run_fd) < 0) {
		log_error("%s: %s", sp->leases, strerror(errno));
		_exit(127);
	}
	sandbox_find_user(sp->dhcp_user, "dnsmasq", &user);
	rc = sandbox_become_dnsmasq(&user);
	if (rc < 0) {
		log_error("dnsmasq cannot become user %s: %s", user.name, strerror(-rc));
		_exit(127);
	}
	child_exec(sp->dhcp_fd, argv);
}

/* Its directory is descriptor 3. It gives the right to open the kernel's log up by itself. */
static void
run_seclog(const struct spawner *sp, const struct supervise_spec *spec)
{
	const char *argv[] = { "portreeve-seclog", sp->seclog_path, sp->seclog_kib,
		log_level_str(sp->log_level), NULL };
	int rc;

	(void)spec;
	place_fd(sp->log_dir, CHANNEL_FD);
	rc = sandbox_become_seclog(&sp->user);
	if (rc < 0) {
		log_error(
		    "the security log cannot become user %s: %s", sp->user.name, strerror(-rc));
		_exit(127);
	}
	child_exec(sp->seclog_fd, argv);
}

/* Of the new process; none returns but by a failed exec. */
static void (*const run[SUPERVISE_KINDS])(
    const struct spawner *sp, const struct supervise_spec *spec) = {
	[SUPERVISE_CORE] = run_core,
	[SUPERVISE_WORKER] = run_upnp,
	[SUPERVISE_DHCP] = run_dhcp,
	[SUPERVISE_SECLOG] = run_seclog,
};

pid_t
spawner_spawn(struct spawner *sp, const struct supervise_spec *spec, int fd)
{
	pid_t pid = fork();
	int rc;

	if (pid < 0) {
		rc = -errno;
		log_error("fork: %s", strerror(-rc));
		return rc;
	}
	if (pid > 0)
		return pid;
	child_prepare(sp, fd);
	run[spec->kind](sp, spec);
	_exit(127);
}
