/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local sockets. listen() is ours here: it is the moment at which a client that finds the socket
 * would be refused, so each test can say what must be seen then.
 */
#include "config.h"

#include "core/local_socket.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static struct {
	const char *path;      /* of the socket to be */
	int found;             /* what a client got at the moment of listen(): 0 or -errno */
	unsigned listened;     /* how often */
	int fail;              /* listen() fails by this errno */
	bool somebody_came_in; /* a directory takes the place meanwhile */
} world;

/* 0 or -errno. */
static int
try_to_connect(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	rc = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

int
listen(int fd, int backlog)
{
	world.listened++;
	world.found = try_to_connect(world.path);
	if (world.somebody_came_in && mkdir(world.path, 0700) < 0)
		abort();
	if (world.fail) {
		errno = world.fail;
		return -1;
	}
	return (int)syscall(SYS_listen, fd, backlog);
}

struct fixture {
	char dir[64], path[128], aside[160];
};

static void
fixture_init(struct fixture *f)
{
	memset(&world, 0, sizeof(world));
	strcpy(f->dir, "/tmp/portreeve-test-XXXXXX");
	if (!mkdtemp(f->dir))
		abort();
	snprintf(f->path, sizeof(f->path), "%s/x.sock", f->dir);
	snprintf(f->aside, sizeof(f->aside), "%s" LOCAL_SOCKET_ASIDE, f->path);
	world.path = f->path;
}

/* Nothing else may be left in the directory. */
static void
fixture_exit(struct fixture *f)
{
	unlink(f->path);
	CU_ASSERT_EQUAL(rmdir(f->dir), 0);
}

/* As a core that was killed leaves it: bound, and nobody listens. */
static void
leave_dead_socket(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		abort();
	close(fd);
}

static void
leave_file(const char *path)
{
	close(open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
}

static void
test_nobody_finds_a_socket_that_does_not_listen_yet(void)
{
	struct fixture f;
	struct stat st;
	int fd;

	fixture_init(&f);
	fd = local_listen(f.path, 4);
	CU_ASSERT(fd >= 0);
	CU_ASSERT_EQUAL(world.listened, 1);
	CU_ASSERT_EQUAL(world.found, -ENOENT);
	CU_ASSERT_EQUAL(try_to_connect(f.path), 0);
	CU_ASSERT_EQUAL(stat(f.path, &st), 0);
	CU_ASSERT(S_ISSOCK(st.st_mode));
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0660);
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
	fixture_exit(&f);
}

static void
test_a_dead_socket_is_replaced_by_one_that_listens(void)
{
	struct fixture f;
	int fd;

	fixture_init(&f);
	leave_dead_socket(f.path);
	leave_dead_socket(f.aside); /* its core was killed at that very moment */
	CU_ASSERT_EQUAL(try_to_connect(f.path), -ECONNREFUSED);
	fd = local_listen(f.path, 4);
	CU_ASSERT(fd >= 0);
	CU_ASSERT_EQUAL(try_to_connect(f.path), 0);
	close(fd);
	fixture_exit(&f);
}

static void
test_what_is_no_socket_stays(void)
{
	struct fixture f;
	struct stat st;

	fixture_init(&f);
	leave_file(f.path);
	CU_ASSERT_EQUAL(local_listen(f.path, 4), -EEXIST);
	CU_ASSERT(stat(f.path, &st) == 0 && S_ISREG(st.st_mode));
	unlink(f.path);
	leave_file(f.aside);
	CU_ASSERT_EQUAL(local_listen(f.path, 4), -EEXIST);
	CU_ASSERT(stat(f.aside, &st) == 0 && S_ISREG(st.st_mode));
	unlink(f.aside);
	CU_ASSERT_EQUAL(world.listened, 0);
	fixture_exit(&f);
}

static void
test_a_failure_leaves_nothing_behind(void)
{
	struct fixture f;

	fixture_init(&f);
	world.fail = EADDRINUSE;
	CU_ASSERT_EQUAL(local_listen(f.path, 4), -EADDRINUSE);
	CU_ASSERT(access(f.path, F_OK) < 0 && access(f.aside, F_OK) < 0);
	world.fail = 0;
	world.somebody_came_in = true;
	CU_ASSERT_EQUAL(local_listen(f.path, 4), -EISDIR);
	CU_ASSERT(access(f.aside, F_OK) < 0);
	CU_ASSERT_EQUAL(rmdir(f.path), 0);
	fixture_exit(&f);
}

/* What fits is bound whole, what does not fit is refused, and nothing in between is cut short. */
static void
test_the_longest_path_has_106_octets(void)
{
	struct fixture f;
	size_t used;
	int fd;

	fixture_init(&f);
	used = (size_t)snprintf(f.path, sizeof(f.path), "%s/", f.dir);
	memset(f.path + used, 'x', 107 - used);
	f.path[107] = '\0';
	CU_ASSERT_EQUAL(local_listen(f.path, 4), -ENAMETOOLONG);
	f.path[106] = '\0';
	fd = local_listen(f.path, 4);
	CU_ASSERT(fd >= 0);
	CU_ASSERT_EQUAL(try_to_connect(f.path), 0);
	close(fd);
	fixture_exit(&f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(nobody_finds_a_socket_that_does_not_listen_yet),
	UNIT_TEST(a_dead_socket_is_replaced_by_one_that_listens),
	UNIT_TEST(what_is_no_socket_stays),
	UNIT_TEST(a_failure_leaves_nothing_behind),
	UNIT_TEST(the_longest_path_has_106_octets),
	UNIT_END,
};

int
main(void)
{
	return unit_run("local_socket", tests);
}
