/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each attempt is made by a child that has entered the sandbox; its exit status is the errno. */
#include "config.h"

#include "platform/sandbox.h"
#include "unit.h"

#include <cap-ng.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"

#define NOT_ENTERED 200

/* errno of @attempt inside the sandbox of @role, 0 when it succeeded. */
static int
inside(enum sandbox_role role, int (*attempt)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_enter(role) < 0)
			_exit(NOT_ENTERED);
		_exit(attempt() < 0 ? errno : 0);
	}
	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_TRUE_FATAL(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
hold_no_capability(void)
{
	capng_get_caps_process();
	if (capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE)
		return 0;
	errno = EPERM;
	return -1;
}

static int
cannot_gain(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -1;
}

static void *
thread(void *arg)
{
	return arg;
}

static int
threads_work(void)
{
	pthread_t id;
	int i;

	for (i = 0; i < 4; i++) {
		errno = pthread_create(&id, NULL, thread, NULL);
		if (errno)
			return -1;
		pthread_join(id, NULL);
	}
	return 0;
}

static int
our_sockets_work(void)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };
	size_t i;

	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (socket(families[i], SOCK_DGRAM, 0) < 0 && errno != EAFNOSUPPORT)
			return -1;
	return socket(AF_NETLINK, SOCK_RAW, 0) < 0 ? -1 : 0;
}

static void
test_a_worker_has_no_capability_nor_a_way_to_one(void)
{
	CU_ASSERT_EQUAL(inside(SANDBOX_WORKER, hold_no_capability), 0);
	CU_ASSERT_EQUAL(inside(SANDBOX_WORKER, cannot_gain), 0);
	CU_ASSERT_EQUAL(inside(SANDBOX_CORE, cannot_gain), 0);
}

static void
test_threads_and_our_sockets_work_inside(void)
{
	CU_ASSERT_EQUAL(inside(SANDBOX_WORKER, threads_work), 0);
	CU_ASSERT_EQUAL(inside(SANDBOX_WORKER, our_sockets_work), 0);
	CU_ASSERT_EQUAL(inside(SANDBOX_CORE, our_sockets_work), 0);
}

#ifndef WITH_SANITIZERS

static int
do_exec(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static int
do_ptrace(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int
do_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static int
do_clone_newuser(void)
{
	return (int)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
}

static int
do_kill_parent(void)
{
	return kill(getppid(), 0);
}

static int
do_setuid(void)
{
	return setuid(getuid());
}

static int
do_packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static int
do_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int
do_unix_pair(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

static int
do_vsock(void)
{
	return socket(AF_VSOCK, SOCK_STREAM, 0);
}

static int
do_netfilter(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 12);
}

static int
do_io_uring(void)
{
	return (int)syscall(SYS_io_uring_setup, 1, NULL);
}

static void
test_what_an_intruder_wants_is_refused(void)
{
	static int (*const attempts[])(void) = { do_exec, do_ptrace, do_unshare, do_clone_newuser,
		do_kill_parent, do_setuid, do_io_uring };
	size_t i;

	for (i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		CU_ASSERT_EQUAL(inside(SANDBOX_WORKER, attempts[i]), EPERM);
		CU_ASSERT_EQUAL(inside(SANDBOX_CORE, attempts[i]), EPERM);
	}
}

static void
test_other_socket_families_are_refused(void)
{
	CU_ASSERT_EQUAL(inside(SANDBOX_WORKER, do_packet_socket), EAFNOSUPPORT);
	CU_ASSERT_EQUAL(inside(SANDBOX_WORKER, do_vsock), EAFNOSUPPORT);
	CU_ASSERT_EQUAL(inside(SANDBOX_CORE, do_packet_socket), EAFNOSUPPORT);
}

static void
test_netfilter_is_the_core_s_alone(void)
{
	CU_ASSERT_EQUAL(inside(SANDBOX_WORKER, do_netfilter), EAFNOSUPPORT);
	CU_ASSERT_NOT_EQUAL(inside(SANDBOX_CORE, do_netfilter), EAFNOSUPPORT);
}

static void
test_the_control_socket_is_out_of_a_worker_s_reach(void)
{
	CU_ASSERT_EQUAL(inside(SANDBOX_WORKER, do_unix_socket), EAFNOSUPPORT);
	CU_ASSERT_EQUAL(inside(SANDBOX_WORKER, do_unix_pair), 0);
	CU_ASSERT_EQUAL(inside(SANDBOX_CORE, do_unix_socket), 0);
}

#endif

static void
test_user_falls_back_and_is_exclusive_only_when_its_own(void)
{
	struct sandbox_user user;

	sandbox_find_user("no-such-user-here", "workers", &user);
	CU_ASSERT_FALSE(user.exclusive);
	CU_ASSERT_TRUE(user.name[0] != '\0');
	CU_ASSERT_TRUE(user.switchable || user.uid == geteuid());
	sandbox_find_user("nobody", "workers", &user);
	CU_ASSERT_FALSE(user.exclusive);
	sandbox_find_user("root", "workers", &user);
	CU_ASSERT_FALSE(user.exclusive);
	CU_ASSERT_FALSE(user.switchable);
}

static void
test_what_does_not_exist_is_no_reason_to_keep_rights(void)
{
	CU_ASSERT_TRUE(sandbox_reaches("/nonexistent/portreeve.conf", R_OK));
	CU_ASSERT_TRUE(sandbox_reaches("/", R_OK | X_OK));
}

int
main(void)
{
	static const struct unit_test tests[] = {
		UNIT_TEST(a_worker_has_no_capability_nor_a_way_to_one),
		UNIT_TEST(threads_and_our_sockets_work_inside),
#ifndef WITH_SANITIZERS
		UNIT_TEST(what_an_intruder_wants_is_refused),
		UNIT_TEST(other_socket_families_are_refused),
		UNIT_TEST(netfilter_is_the_core_s_alone),
		UNIT_TEST(the_control_socket_is_out_of_a_worker_s_reach),
#endif
		UNIT_TEST(user_falls_back_and_is_exclusive_only_when_its_own),
		UNIT_TEST(what_does_not_exist_is_no_reason_to_keep_rights),
		UNIT_END,
	};

	log_open("test_sandbox", LOG_LEVEL_ERROR);
	return unit_run("sandbox", tests);
}
