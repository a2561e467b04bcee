/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb "doctor", and how portreeve-probe is run. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/doctor.h"
#include "lib/clock.h"

#define PROGRAM PKGLIBEXECDIR "/portreeve-probe"
#define LANS_MAX 16
#define PATIENCE_MS 10000 /* the program takes less than five seconds */
#define TEXT_MAX 16384

/* Reads until the other end is closed, the time is over or @text is full. */
static int
read_all(int fd, char text[TEXT_MAX])
{
	int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < TEXT_MAX - 1) {
		int64_t left_ms = until_ms - clock_mono_ms();

		if (left_ms <= 0 || poll(&pfd, 1, (int)left_ms) == 0)
			return -ETIMEDOUT;
		n = read(fd, text + len, TEXT_MAX - 1 - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			len += (size_t)n;
	}
	text[len] = '\0';
	return n == 0 ? 0 : -EIO;
}

/* Runs @argv with its output into @text. 0, the errno with which it could not be run, or -EIO. */
static int
run(char *const argv[], char text[TEXT_MAX])
{
	static char *const env[] = { NULL };
	posix_spawn_file_actions_t actions;
	int pipe_fds[2], rc, status = 0;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
	rc = -posix_spawn(&pid, PROGRAM, &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fds[1]);
	if (rc == 0) {
		rc = read_all(pipe_fds[0], text);
		if (rc < 0)
			kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (rc == 0 && status != 0)
			rc = -EIO;
	}
	close(pipe_fds[0]);
	return rc;
}

/* Words and addresses come from the daemon; they stay JSON's. False: there is no LAN to ask. */
static bool
make_words(json_t *lans, char *port, const char *words[2 * LANS_MAX + 3])
{
	size_t i, n = 0;

	words[n++] = PROGRAM;
	words[n++] = port;
	for (i = 0; i < json_array_size(lans) && i < LANS_MAX; i++) {
		if (json_unpack(json_array_get(lans, i), "{s:s, s:s}", "interface", &words[n],
			"address", &words[n + 1]) == 0)
			n += 2;
	}
	words[n] = NULL;
	return n > 2;
}

static void
probe(json_t *checks, json_t *lans, json_int_t http_port)
{
	const char *words[2 * LANS_MAX + 3];
	char text[TEXT_MAX], port[8];
	int rc;

	snprintf(port, sizeof(port), "%u", (unsigned)http_port % 65536);
	if (!make_words(lans, port, words))
		return doctor_skip_probe(checks, "no LAN is served");
	if (geteuid() != 0)
		return doctor_skip_probe(checks, "this needs root");
	rc = run((char *const *)(uintptr_t)words, text);
	if (rc == 0 && doctor_add_probe(checks, lans, text) == 0)
		return;
	doctor_skip_probe(
	    checks, rc == -ENOENT ? PROGRAM " is not installed" : "portreeve-probe failed");
}

enum ctl_exit
doctor_run(struct ctl *ctl)
{
	json_t *answer, *checks, *lans;
	json_int_t http_port;
	enum ctl_exit rc;
	int worst = -EPROTO;

	rc = ctl_ask(ctl, json_pack("{s:s}", "verb", "doctor"), &answer);
	if (rc != CTL_OK)
		return rc;
	if (json_unpack(answer, "{s:o, s:o, s:I}", "checks", &checks, "lans", &lans, "http_port",
		&http_port) == 0 &&
	    json_is_array(checks)) {
		probe(checks, lans, http_port);
		worst = doctor_worst(checks);
	}
	if (worst >= 0 && ctl->writer->doctor(ctl->writer, answer) < 0)
		worst = -EPROTO;
	json_decref(answer);
	return worst < 0 ? ctl_not_understood(ctl) : (enum ctl_exit)worst;
}
