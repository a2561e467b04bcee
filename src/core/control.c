/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CLI's socket: clients, lines and bounds. What a line means is in control_verbs.c.
 *
 * Nobody here may hold up the gateway: one request is answered each time round the event loop, the
 * clients taking turns, so that workers are served in between; a client's unread answers are
 * bounded, and one that neither reads nor writes is dropped.
 */
#include "core/control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/control_verbs.h"
#include "core/local_socket.h"
#include "core/notify.h"
#include "lib/compiler.h"
#include "lib/log.h"

#define LINE_MAX_OCTETS (64 * 1024)
#define OUTPUT_PAUSE (256 * 1024) /* no further request is answered while so much is unread */
#define OUTPUT_MAX (1024 * 1024)  /* a watcher that leaves so much unread is dropped */
#define CLIENTS_MAX 32
#define CLIENTS_RESERVED 4 /* of those: for peers that may change something */

static const struct timeval idle_limit = { .tv_sec = 60 };
static const struct timeval stuck_limit = { .tv_sec = 30 };
static const struct timeval accept_pause = { .tv_sec = 1 };

struct client {
	LIST_ENTRY(client) link;
	struct control *control;
	struct bufferevent *bev;
	struct notify_watcher *watcher; /* NULL: does not watch */
	TAILQ_ENTRY(client) turn;
	bool waiting; /* for its turn */
	struct control_peer peer;
	bool ending; /* no more requests: gone once its answers are written */
};

struct control {
	struct core *core;
	struct evconnlistener *listener;
	struct event *resume; /* accepts again after a pause */
	struct event *turn;   /* the next time round: the first of those who wait */
	TAILQ_HEAD(, client) waiting;
	LIST_HEAD(, client) clients;
	unsigned n_clients;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static void
client_free(struct client *client)
{
	struct control *control = client->control;

	if (client->watcher)
		notify_unwatch(control->core, client->watcher);
	if (client->waiting)
		TAILQ_REMOVE(&control->waiting, client, turn);
	LIST_REMOVE(client, link);
	control->n_clients--;
	bufferevent_free(client->bev);
	free(client);
}

/* Frees it when the event loop comes round: the caller may be walking the watchers. */
static void
client_free_later(struct client *client)
{
	bufferevent_trigger_event(client->bev, BEV_EVENT_ERROR, BEV_TRIG_DEFER_CALLBACKS);
}

static size_t
unread(const struct client *client)
{
	return evbuffer_get_length(bufferevent_get_output(client->bev));
}

static void
send_line(struct client *client, const char *line)
{
	if (bufferevent_write(client->bev, line, strlen(line)) < 0 ||
	    bufferevent_write(client->bev, "\n", 1) < 0)
		client_free_later(client);
}

/* Takes @answer over. */
static void
send_json(struct client *client, json_t *answer)
{
	char *line = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	if (line) {
		send_line(client, line);
	} else {
		log_error("control: no memory for an answer");
		client_free_later(client);
	}
	free(line);
	json_decref(answer);
}

static void
on_change(void *arg, const char *line)
{
	struct client *client = arg;

	if (unread(client) > OUTPUT_MAX)
		client_free_later(client);
	else
		send_line(client, line);
}

static void
start_watching(struct client *client)
{
	client->watcher = notify_watch(client->control->core, on_change, client);
	if (!client->watcher) {
		client_free_later(client);
		return;
	}
	bufferevent_set_timeouts(client->bev, NULL, &stuck_limit);
}

static void
answer_line(struct client *client, const char *line, size_t len)
{
	bool watch = false;
	json_t *answer;

	answer = control_answer(client->control->core, &client->peer, line, len, &watch);
	send_json(client, answer);
	if (watch && !client->watcher)
		start_watching(client);
}

/* The next request, to be freed, or NULL. What comes last needs no newline. */
static char *
next_line(const struct client *client, struct evbuffer *in, size_t *len)
{
	char *line = evbuffer_readln(in, len, EVBUFFER_EOL_LF);

	if (line || !client->ending || evbuffer_get_length(in) == 0)
		return line;
	*len = evbuffer_get_length(in);
	line = malloc(*len);
	if (line)
		evbuffer_remove(in, line, *len);
	return line;
}

static void
client_wait_turn(struct client *client)
{
	static const struct timeval next_time_round = { 0 };
	struct control *control = client->control;

	if (client->waiting)
		return;
	client->waiting = true;
	TAILQ_INSERT_TAIL(&control->waiting, client, turn);
	event_add(control->turn, &next_time_round);
}

/* One request, if a whole one is there and there is room for its answer. */
static void
client_step(struct client *client)
{
	struct evbuffer *in = bufferevent_get_input(client->bev);
	char *line;
	size_t len;

	if (unread(client) > OUTPUT_PAUSE)
		return;
	line = next_line(client, in, &len);
	if (line) {
		answer_line(client, line, len);
		free(line);
		client_wait_turn(client);
		return;
	}
	if (evbuffer_get_length(in) >= LINE_MAX_OCTETS) {
		send_json(client,
		    control_error("malformed", "a request has at most %d octets", LINE_MAX_OCTETS));
		evbuffer_drain(in, evbuffer_get_length(in));
		bufferevent_disable(client->bev, EV_READ);
		client->ending = true;
	}
	if (client->ending && unread(client) == 0)
		client_free_later(client);
}

static void
on_turn(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	static const struct timeval next_time_round = { 0 };
	struct control *control = arg;
	struct client *client = TAILQ_FIRST(&control->waiting);

	if (client) {
		TAILQ_REMOVE(&control->waiting, client, turn);
		client->waiting = false;
		client_step(client);
	}
	if (!TAILQ_EMPTY(&control->waiting))
		event_add(control->turn, &next_time_round);
}

static void
on_readable(struct bufferevent *bev UNUSED, void *arg)
{
	client_wait_turn(arg);
}

/* All answers are out. */
static void
on_written(struct bufferevent *bev UNUSED, void *arg)
{
	client_wait_turn(arg);
}

static void
on_event(struct bufferevent *bev UNUSED, short what, void *arg)
{
	struct client *client = arg;

	if (what & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) {
		client_free(client);
		return;
	}
	if (what & BEV_EVENT_EOF) {
		/* it may have sent its requests and closed only that direction; a watcher that
		 * does so is gone */
		if (client->watcher) {
			client_free(client);
			return;
		}
		client->ending = true;
		client_wait_turn(client);
	}
}

static struct control_peer
peer_of(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
		log_warn("control: who connected is not known: %s", strerror(errno));
		return (struct control_peer){ .may_change = false };
	}
	return (struct control_peer){ .may_change = cred.uid == 0 || cred.uid == geteuid(),
		.has_uid = true,
		.uid = cred.uid };
}

static void
turn_away(int fd)
{
	static const char busy[] = "{\"error\": {\"code\": \"busy\", \"message\": "
				   "\"too many clients; try again\"}}\n";

	if (send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("control: a client too many went before it was told");
	close(fd);
}

static void
on_accept(struct evconnlistener *listener UNUSED, int fd, struct sockaddr *addr UNUSED,
    int len UNUSED, void *arg)
{
	struct control *control = arg;
	struct client *client;
	const struct control_peer peer = peer_of(fd);

	if (control->n_clients >= CLIENTS_MAX - (peer.may_change ? 0 : CLIENTS_RESERVED)) {
		turn_away(fd);
		return;
	}
	client = calloc(1, sizeof(*client));
	if (client)
		client->bev =
		    bufferevent_socket_new(control->core->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!client || !client->bev) {
		log_error("control: no memory for a client");
		free(client);
		close(fd);
		return;
	}
	client->control = control;
	client->peer = peer;
	LIST_INSERT_HEAD(&control->clients, client, link);
	control->n_clients++;
	bufferevent_setcb(client->bev, on_readable, on_written, on_event, client);
	bufferevent_setwatermark(client->bev, EV_READ, 0, LINE_MAX_OCTETS);
	bufferevent_set_timeouts(client->bev, &idle_limit, &stuck_limit);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
}

/* Out of descriptors, as a rule: without a pause the event loop would spin. */
static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct control *control = arg;

	log_warn("control: accept: %s", strerror(errno));
	evconnlistener_disable(listener);
	event_add(control->resume, &accept_pause);
}

static void
on_resume(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct control *control = arg;

	evconnlistener_enable(control->listener);
}

static int
start_listening(struct control *control)
{
	struct event_base *base = control->core->base;
	int fd = local_listen(control->path, CLIENTS_MAX);

	if (fd < 0)
		return fd;
	control->resume = event_new(base, -1, 0, on_resume, control);
	control->turn = event_new(base, -1, 0, on_turn, control);
	if (control->resume && control->turn)
		control->listener = evconnlistener_new(
		    base, on_accept, control, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!control->listener) {
		close(fd);
		unlink(control->path);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(control->listener, on_accept_error);
	return 0;
}

static void
free_events(struct control *control)
{
	if (control->resume)
		event_free(control->resume);
	if (control->turn)
		event_free(control->turn);
}

struct control *
control_new(struct core *core)
{
	struct control *control = calloc(1, sizeof(*control));
	int n, rc;

	if (!control) {
		log_error("control: out of memory");
		return NULL;
	}
	control->core = core;
	LIST_INIT(&control->clients);
	TAILQ_INIT(&control->waiting);
	signal(SIGPIPE, SIG_IGN); /* bufferevents write to peers that may have gone */
	n = snprintf(control->path, sizeof(control->path), "%s/" CONTROL_SOCKET, core->opt.run_dir);
	rc = (size_t)n >= sizeof(control->path) ? -ENAMETOOLONG : start_listening(control);
	if (rc < 0) {
		log_error("control: %s/" CONTROL_SOCKET ": %s", core->opt.run_dir,
		    local_listen_error_str(rc));
		free_events(control);
		free(control);
		return NULL;
	}
	return control;
}

void
control_free(struct control *control)
{
	if (!control)
		return;
	while (!LIST_EMPTY(&control->clients))
		client_free(LIST_FIRST(&control->clients));
	evconnlistener_free(control->listener);
	free_events(control);
	unlink(control->path);
	free(control);
}
