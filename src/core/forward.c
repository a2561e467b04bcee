/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/forward.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf_service.h"
#include "core/mapping.h"
#include "core/record.h"
#include "lib/log.h"

/* What is wanted: one request for each mapping. */
struct wanted {
	struct msg_map *v;
	size_t n, cap;
	bool failed; /* no memory */
};

static void
want(struct wanted *w, const struct conf_forward *f, uint8_t protocol, uint16_t port,
    uint16_t internal_port)
{
	size_t cap = w->cap ? 2 * w->cap : 32;
	struct msg_map *v, *m;

	if (w->n == w->cap) {
		v = realloc(w->v, cap * sizeof(*v));
		if (!v) {
			w->failed = true;
			return;
		}
		w->v = v;
		w->cap = cap;
	}
	m = &w->v[w->n++];
	memset(m, 0, sizeof(*m));
	m->key.remote_host = f->remote_host;
	m->key.external_port = port;
	m->key.protocol = protocol;
	m->internal_client = f->to.addr;
	m->internal_port = internal_port;
	m->enabled = 1;
	snprintf(m->description, sizeof(m->description), "%s",
	    f->description[0] ? f->description : f->head.title);
}

/* A port that @to names is that of the first; the others follow in their order. */
static void
want_ports(
    struct wanted *w, const struct conf_forward *f, uint8_t protocol, const struct conf_ports *p)
{
	uint32_t port, to = f->to.port ? f->to.port : p->first;

	for (port = p->first; port <= p->last && to <= UINT16_MAX; port++, to++)
		want(w, f, protocol, (uint16_t)port, (uint16_t)to);
}

static void
want_forward(const struct conf *conf, struct wanted *w, const struct conf_forward *f)
{
	const struct conf_service *s = f->service[0] ? conf_service_find(conf, f->service) : NULL;
	size_t i;

	for (i = 0; s && i < s->n_tcp; i++)
		want_ports(w, f, IPPROTO_TCP, &s->tcp[i]);
	for (i = 0; s && i < s->n_udp; i++)
		want_ports(w, f, IPPROTO_UDP, &s->udp[i]);
	if (s)
		return;
	if (f->protocol != CONF_UDP)
		want_ports(w, f, IPPROTO_TCP, &f->external);
	if (f->protocol != CONF_TCP)
		want_ports(w, f, IPPROTO_UDP, &f->external);
}

static bool
is_as_wanted(const struct lease *l, const struct msg_map *m)
{
	return l->origin == LEASE_CONFIG && l->protocol == m->key.protocol &&
	       l->external_port == m->key.external_port && l->remote_host == m->key.remote_host &&
	       l->internal_client == m->internal_client && l->internal_port == m->internal_port &&
	       strcmp(l->description, m->description) == 0;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(&((const struct msg_map *)a)->key, &((const struct msg_map *)b)->key,
	    sizeof(struct msg_map_key));
}

/* Ends a mapping in the configuration's name. False: it could not be done. */
static bool
end(struct core *core, struct lease *l, const char *why)
{
	enum result result;

	record_begin(core);
	result = mapping_del_lease(core, l);
	if (result == RESULT_OK)
		record_reason(core, why);
	record_by_configuration(core, TRAIL_DELETE, result);
	return result == RESULT_OK;
}

/* Those of the configuration that it does not want any more, or not so. */
static void
drop_unwanted(struct core *core, const struct wanted *w)
{
	struct lease *l = NULL;
	uint32_t id = 0;

	while ((l = lease_after(core->leases, id))) {
		struct msg_map like = { .key = { 0 } };
		const struct msg_map *m;

		id = l->id;
		if (l->origin != LEASE_CONFIG)
			continue;
		like.key.protocol = l->protocol;
		like.key.external_port = l->external_port;
		like.key.remote_host = l->remote_host;
		m = w->n ? bsearch(&like, w->v, w->n, sizeof(*w->v), compare) : NULL;
		if ((!m || !is_as_wanted(l, m)) &&
		    !end(core, l, "the configuration does not forward it any more"))
			log_error("forward: a mapping that is wanted no more could not be ended");
	}
}

/* A client, or the administrator at the command line, came first: the file goes before them. */
static void
make_room(struct core *core, const struct msg_map *m)
{
	struct lease *l, *next;

	for (l = lease_on_port(core->leases, m->key.protocol, m->key.external_port, NULL); l;
	     l = next) {
		next = lease_on_port(core->leases, m->key.protocol, m->key.external_port, l);
		if (l->origin == LEASE_CONFIG ||
		    (l->origin == LEASE_STATIC && l->internal_client == m->internal_client &&
			l->remote_host != m->key.remote_host))
			continue;
		log_warn("forward: %s port %u was mapped by %s, which gives way",
		    m->key.protocol == IPPROTO_TCP ? "TCP" : "UDP", m->key.external_port,
		    l->origin == LEASE_UPNP ? "a client" : "the command line");
		if (!end(core, l, "the configuration forwards the port"))
			return;
		next = lease_on_port(core->leases, m->key.protocol, m->key.external_port, NULL);
	}
}

static void
add_missing(struct core *core, const struct wanted *w)
{
	const struct asker asker = { .origin = LEASE_CONFIG };
	const struct lease *l;
	enum result result;
	size_t i;

	for (i = 0; i < w->n; i++) {
		const struct msg_map *m = &w->v[i];

		l = lease_find(
		    core->leases, m->key.protocol, m->key.external_port, m->key.remote_host);
		if (l && is_as_wanted(l, m))
			continue;
		make_room(core, m);
		record_begin(core);
		result = mapping_add(core, &asker, m, NULL);
		record_add_configured(core, m, result);
		if (result != RESULT_OK)
			log_error("forward: %s port %u cannot be had: %s",
			    m->key.protocol == IPPROTO_TCP ? "TCP" : "UDP", m->key.external_port,
			    result_str(result));
	}
}

void
forward_apply(struct core *core)
{
	struct wanted w = { 0 };
	size_t i;

	for (i = 0; i < core->conf.n_forwards; i++)
		want_forward(&core->conf, &w, &core->conf.forwards[i]);
	if (w.failed) {
		log_error("forward: out of memory");
		free(w.v);
		return;
	}
	if (w.n)
		qsort(w.v, w.n, sizeof(*w.v), compare);
	drop_unwanted(core, &w);
	add_missing(core, &w);
	free(w.v);
}
