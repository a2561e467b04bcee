/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns the socket of the metrics and libevent's HTTP server on it. */
#include "config.h"

#include "core/metrics_socket.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/local_socket.h"
#include "lib/compiler.h"
#include "lib/log.h"

#define BACKLOG 8
#define HEADERS_MAX 4096
#define PATIENCE_S 5

/* No scraper is taken on while the core has so many descriptors: others want half of the 256. */
#define DESCRIPTORS_MAX 128
#define PAUSE_S 1
#define CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct metrics_socket {
	struct core *core;
	struct evhttp *http;
	struct evconnlistener *listener; /* owned by http */
	struct event *again;             /* to listen, after a pause */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static void
on_metrics(struct evhttp_request *request, void *arg)
{
	struct metrics_socket *s = arg;
	struct evbuffer *body = evhttp_request_get_output_buffer(request);
	char *text = metrics_text(s->core);

	if (!text || evbuffer_add(body, text, strlen(text)) < 0) {
		evhttp_send_error(request, HTTP_INTERNAL, "no memory");
	} else {
		evhttp_add_header(
		    evhttp_request_get_output_headers(request), "Content-Type", CONTENT_TYPE);
		evhttp_send_reply(request, HTTP_OK, "OK", NULL);
	}
	free(text);
}

/* ---- not too many at a time: libevent sets no bound ---- */

/* The kernel gives the lowest number that is free. */
static bool
is_crowded(struct metrics_socket *s)
{
	int fd = fcntl(evconnlistener_get_fd(s->listener), F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd < 0 || fd >= DESCRIPTORS_MAX;
}

static void
pause_if_crowded(struct metrics_socket *s)
{
	static const struct timeval pause = { PAUSE_S, 0 };

	if (is_crowded(s) && event_add(s->again, &pause) == 0)
		evconnlistener_disable(s->listener);
	else
		evconnlistener_enable(s->listener);
}

static void
on_again(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	pause_if_crowded(arg);
}

/* One has been accepted. NULL: libevent makes its bufferevent as ever. */
static struct bufferevent *
on_accepted(struct event_base *base UNUSED, void *arg)
{
	pause_if_crowded(arg);
	return NULL;
}

/* ---- life ---- */

static int
listen_on(struct metrics_socket *s, int fd)
{
	struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(s->http, fd);

	if (!bound)
		return -ENOMEM;
	s->listener = evhttp_bound_socket_get_listener(bound);
	return 0;
}

static int
serve(struct metrics_socket *s)
{
	int fd = local_listen(s->path, BACKLOG);

	if (fd < 0)
		return fd;
	s->http = evhttp_new(s->core->base);
	s->again = event_new(s->core->base, -1, 0, on_again, s);
	if (!s->http || !s->again || evhttp_set_cb(s->http, "/metrics", on_metrics, s) < 0 ||
	    listen_on(s, fd) < 0) {
		close(fd);
		unlink(s->path);
		return -ENOMEM;
	}
	evhttp_set_allowed_methods(s->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(s->http, HEADERS_MAX);
	evhttp_set_max_body_size(s->http, 0);
	evhttp_set_timeout(s->http, PATIENCE_S);
	evhttp_set_bevcb(s->http, on_accepted, s);
	return 0;
}

struct metrics_socket *
metrics_socket_new(struct core *core)
{
	struct metrics_socket *s = calloc(1, sizeof(*s));
	int n, rc;

	if (!s)
		return NULL;
	s->core = core;
	n = snprintf(s->path, sizeof(s->path), "%s/" METRICS_SOCKET, core->opt.run_dir);
	rc = n < 0 || (size_t)n >= sizeof(s->path) ? -ENAMETOOLONG : serve(s);
	if (rc == 0)
		return s;
	log_warn(
	    "metrics: %s/" METRICS_SOCKET ": %s", core->opt.run_dir, local_listen_error_str(rc));
	if (s->http)
		evhttp_free(s->http);
	if (s->again)
		event_free(s->again);
	free(s);
	return NULL;
}

void
metrics_socket_free(struct metrics_socket *s)
{
	if (!s)
		return;
	evhttp_free(s->http);
	event_free(s->again);
	unlink(s->path);
	free(s);
}
