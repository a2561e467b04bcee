/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "supervisor/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

#define WORDS_MAX 32
#define CHANNEL_FD 3
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct runner {
	const char *const *commands; /* on_connect, on_disconnect */
	int limit_ms;
	struct msg_hook hook; /* of the command under way */
	pid_t pid;            /* 0: none */
	int pid_fd;
	int64_t end_ms;
};

static const char *
name_of(const struct msg_hook *hook)
{
	return hook->disconnect ? "on_disconnect" : "on_connect";
}

/* ---- in the command's process ---- */

static void
split_words(char *text, char *words[WORDS_MAX])
{
	char *word, *save = NULL;
	size_t n = 0;

	for (word = strtok_r(text, " \t", &save); word && n < WORDS_MAX - 1;
	     word = strtok_r(NULL, " \t", &save))
		words[n++] = word;
	words[n] = NULL;
}

static _Noreturn void
become_command(const struct runner *r)
{
	const char *command = r->commands[r->hook.disconnect];
	char text[1024], wan[64], action[64], path[] = "PATH=" DEFAULT_PATH, *words[WORDS_MAX];
	char *environment[] = { path, wan, action, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	snprintf(text, sizeof(text), "%s", command);
	snprintf(wan, sizeof(wan), "PORTREEVE_WAN=%s", r->hook.wan_interface);
	snprintf(action, sizeof(action), "PORTREEVE_ACTION=%s",
	    r->hook.disconnect ? "disconnect" : "connect");
	split_words(text, words);
	setsid();
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	close(CHANNEL_FD);
	if (words[0])
		execve(words[0], words, environment);
	log_error("%s: %s: %s", name_of(&r->hook), command, strerror(errno));
	_exit(127);
}

/* ---- in the process that waits ---- */

static void
answer(struct runner *r, bool ok)
{
	r->hook.ok = ok;
	/* A supervisor that does not read has other worries than this. */
	send(CHANNEL_FD, &r->hook, sizeof(r->hook), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
run(struct runner *r)
{
	r->pid = fork();
	if (r->pid == 0)
		become_command(r);
	if (r->pid < 0) {
		log_error("%s: fork: %s", name_of(&r->hook), strerror(errno));
		r->pid = 0;
		answer(r, false);
		return;
	}
	r->pid_fd = (int)syscall(SYS_pidfd_open, r->pid, 0u);
	r->end_ms = clock_mono_ms() + r->limit_ms;
	log_info(
	    "%s: %s (pid %d)", name_of(&r->hook), r->commands[r->hook.disconnect], (int)r->pid);
}

/* With all its children, as far as they have not begun a session of their own. */
static int
kill_command(struct runner *r)
{
	int status = 0;

	kill(-r->pid, SIGKILL);
	kill(r->pid, SIGKILL); /* it may not have begun its session yet */
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static void
end(struct runner *r, int status)
{
	bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (WIFSIGNALED(status))
		log_warn("%s was ended by signal %d", name_of(&r->hook), WTERMSIG(status));
	else if (!ok)
		log_warn("%s ended with status %d", name_of(&r->hook), WEXITSTATUS(status));
	else
		log_info("%s ended well", name_of(&r->hook));
	if (r->pid_fd >= 0)
		close(r->pid_fd);
	r->pid_fd = -1;
	r->pid = 0;
	answer(r, ok);
}

static void
on_wish(struct runner *r, const struct msg_hook *wish)
{
	if (r->pid) {
		log_warn("%s is broken off: there is another wish", name_of(&r->hook));
		end(r, kill_command(r));
	}
	r->hook = *wish;
	if (wish->disconnect <= 1 && memchr(wish->wan_interface, '\0', IFNAMSIZ))
		run(r);
	else
		answer(r, false);
}

static void
on_command(struct runner *r)
{
	int status;

	if (!r->pid)
		return;
	if (waitpid(r->pid, &status, WNOHANG) == r->pid) {
		end(r, status);
	} else if (clock_mono_ms() >= r->end_ms) {
		log_warn("%s has taken more than %d s: killing it", name_of(&r->hook),
		    r->limit_ms / 1000);
		end(r, kill_command(r));
	}
}

/* Until the supervisor has let go of us and no command runs. */
static _Noreturn void
wait_for_wishes(struct runner *r)
{
	struct pollfd fds[2] = { { .fd = CHANNEL_FD, .events = POLLIN } };
	struct msg_hook wish;
	ssize_t n;

	while (fds[0].fd >= 0 || r->pid) {
		int64_t left_ms = r->pid ? r->end_ms - clock_mono_ms() : -1;

		fds[1] = (struct pollfd){ .fd = r->pid ? r->pid_fd : -1, .events = POLLIN };
		if (r->pid && (left_ms < 0 || r->pid_fd < 0))
			left_ms = left_ms < 0 ? 0 : 50; /* a kernel without pidfd_open */
		poll(fds, 2, (int)left_ms);
		on_command(r);
		if (fds[0].fd < 0 || !fds[0].revents)
			continue;
		n = recv(CHANNEL_FD, &wish, sizeof(wish), MSG_DONTWAIT);
		if (n == (ssize_t)sizeof(wish))
			on_wish(r, &wish);
		else if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			fds[0].fd = -1;
	}
	_exit(0);
}

/* Nothing of the supervisor's is left open but its messages and the channel. */
static _Noreturn void
become_runner(struct runner *r, int fd)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	setpgid(0, 0); /* Ctrl-C is for the supervisor */
	if (fd != CHANNEL_FD)
		dup2(fd, CHANNEL_FD);
	fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC);
	syscall(SYS_close_range, CHANNEL_FD + 1u, ~0u, 0u);
	sigaction(SIGPIPE, &dfl, NULL);
	sigaction(SIGCHLD, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	wait_for_wishes(r);
}

/* ---- in the supervisor ---- */

int
hooks_start(struct hooks *hooks, const char *const commands[2], int limit_ms)
{
	struct runner r = { .commands = commands, .limit_ms = limit_ms, .pid_fd = -1 };
	int ends[2], rc;
	pid_t pid;

	hooks->fd = -1;
	if (!*commands[0] && !*commands[1])
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become_runner(&r, ends[1]);
	rc = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (rc < 0) {
		close(ends[0]);
		log_error("on_connect and on_disconnect cannot be run: %s", strerror(-rc));
		return rc;
	}
	hooks->fd = ends[0];
	return 0;
}

void
hooks_stop(struct hooks *hooks)
{
	if (hooks->fd >= 0)
		close(hooks->fd);
	hooks->fd = -1;
}

int
hooks_run(struct hooks *hooks, const struct msg_hook *hook)
{
	if (hooks->fd < 0)
		return -ENOENT;
	return send(hooks->fd, hook, sizeof(*hook), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int
hooks_read(struct hooks *hooks, struct msg_hook *done)
{
	ssize_t n = recv(hooks->fd, done, sizeof(*done), MSG_DONTWAIT);

	if (n == (ssize_t)sizeof(*done))
		return 1;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	log_error("what runs on_connect and on_disconnect is gone: no more of that");
	hooks_stop(hooks);
	return -EPIPE;
}
