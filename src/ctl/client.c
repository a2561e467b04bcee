/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_LIMIT_S 10

struct client {
	const char *path; /* the caller's */
	int fd;
	FILE *in;
	char *line;
	size_t line_size;
};

static char error_text[512];

static void __attribute__((format(printf, 1, 2))) set_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error_text, sizeof(error_text), fmt, ap);
	va_end(ap);
}

const char *
client_error(void)
{
	return error_text;
}

/* Only who may look into its directory learns whose the socket is. */
static void
explain_permission(const char *path)
{
	const struct group *group = NULL;
	struct stat st;

	if (stat(path, &st) == 0 && st.st_gid != 0)
		group = getgrgid(st.st_gid);
	set_error("no permission to open %s: become root%s%s", path,
	    group ? ", or a member of the group " : "", group ? group->gr_name : "");
}

/* Why connect() failed, and what to do about it. */
static void
explain_connect(const char *path, int error)
{
	struct stat st;

	switch (error) {
	case ENOENT:
	case ENOTDIR:
		set_error("%s is not there: start portreeved, or name the place of its socket with "
			  "--run-dir or --socket",
		    path);
		return;
	case EACCES:
	case EPERM:
		explain_permission(path);
		return;
	case ECONNREFUSED:
		if (stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
			set_error(
			    "%s is no socket: name the daemon's with --run-dir or --socket", path);
		else
			set_error("nobody listens at %s any more: start portreeved", path);
		return;
	case EPROTOTYPE:
		set_error("%s is another program's socket: name the daemon's with --run-dir or "
			  "--socket",
		    path);
		return;
	case EAGAIN:
		set_error("%s: the daemon is too busy; try again", path);
		return;
	}
	set_error("%s: %s", path, strerror(error));
}

static int
dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = ANSWER_LIMIT_S };
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		set_error("%.64s...: the path of a socket has at most %zu octets", path,
		    sizeof(addr.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		set_error("socket: %s", strerror(errno));
		return -errno;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		explain_connect(path, errno);
		close(fd);
		return -ECONNREFUSED;
	}
	return fd;
}

struct client *
client_open(const char *path)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client) {
		set_error("out of memory");
		return NULL;
	}
	client->path = path;
	client->fd = dial(path);
	if (client->fd >= 0)
		client->in = fdopen(client->fd, "r");
	if (!client->in) {
		if (client->fd >= 0)
			close(client->fd);
		free(client);
		return NULL;
	}
	return client;
}

void
client_close(struct client *client)
{
	if (!client)
		return;
	fclose(client->in);
	free(client->line);
	free(client);
}

int
client_send(struct client *client, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t len, done = 0;
	ssize_t n = 0;

	if (!text) {
		set_error("out of memory");
		return -ENOMEM;
	}
	len = strlen(text);
	text[len] = '\n'; /* in the place of the NUL */
	for (; done <= len; done += (size_t)n) {
		n = send(client->fd, text + done, len + 1 - done, MSG_NOSIGNAL);
		if (n < 0)
			break;
	}
	free(text);
	/* a daemon that turned us away has said why before it closed */
	if (n < 0 && errno != EPIPE && errno != ECONNRESET) {
		set_error("the daemon does not take the request: %s", strerror(errno));
		return -EIO;
	}
	return 0;
}

json_t *
client_read(struct client *client)
{
	json_error_t error;
	json_t *answer;
	ssize_t n;

	errno = 0;
	n = getline(&client->line, &client->line_size, client->in);
	if (n < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			set_error("%s: no answer for %d s: see the daemon's log, or name its "
				  "socket with --run-dir or --socket",
			    client->path, ANSWER_LIMIT_S);
		else
			set_error("%s: closed without an answer: see whether portreeved still runs",
			    client->path);
		return NULL;
	}
	answer = json_loadb(client->line, (size_t)n, 0, &error);
	if (!json_is_object(answer)) {
		json_decref(answer);
		set_error("what answers at %s is not portreeved: name its socket with --run-dir or "
			  "--socket",
		    client->path);
		return NULL;
	}
	return answer;
}

int
client_wait(struct client *client, int timeout_ms)
{
	struct pollfd pfd = { .fd = client->fd, .events = POLLIN };
	char waste[4096];
	ssize_t n;

	if (poll(&pfd, 1, timeout_ms) <= 0)
		return 0;
	do
		n = recv(client->fd, waste, sizeof(waste), MSG_DONTWAIT);
	while (n == sizeof(waste));
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return 1;
	set_error("the daemon has closed the connection");
	return -EPIPE;
}

void
client_wait_forever(struct client *client)
{
	const struct timeval never = { 0 };

	setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof(never));
}
