/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The services of the gateway, each a table of actions and of evented variables. wanip.c, wanip2.c,
 * wanipv6.c, wancommon.c and lanhost.c fill them; soap.c and gena.c serve them.
 *
 * There are two views of the gateway: an IGD:1 and an IGD:2 document with the same UDNs. What is
 * the same in both is one service here. The connection is not: an IGD:1 client subscribes to the
 * variables and calls the actions of WANIPConnection:1, so each version is a service of its own
 * with its own URLs, and libupnp serves both at a time (see desc_registration()).
 */
#ifndef PORTREEVE_WORKER_UPNP_SERVICE_H
#define PORTREEVE_WORKER_UPNP_SERVICE_H

#include "ipc/channel.h"
#include "lib/addr.h"
#include "worker/upnp/args.h"
#include "worker/upnp/desc.h"

#define SERVICE_CORE_MS 5000 /* how long a client waits for the core before it gets 501 */
#define SERVICE_VALUE_MAX DESC_DEFAULT_SERVICE_MAX
#define SERVICE_EVENTS_MAX 5

/* One action under way. */
struct call {
	struct channel_client *core;
	const struct desc_names *names;
	struct prefix4 lan;   /* our address there, and its prefix length */
	uint32_t client;      /* address of the control point; 0: it has none that is IPv4 */
	enum msg_igd igd;     /* the version of the connection service that it called */
	bool decided;         /* the core was asked for a change, and so knows of it */
	struct args in;       /* checked */
	struct answer answer; /* every output argument is given by who returns RESULT_OK */
};

struct service_action {
	const char *name;
	enum result (*handle)(struct call *call);
};

struct service_event {
	const char *name;
	void (*value)(const struct desc_names *names, const struct msg_state *state,
	    char text[SERVICE_VALUE_MAX]);
};

enum service_link { SERVICE_ANY_LINK, SERVICE_IP_LINK, SERVICE_PPP_LINK };

struct service {
	const char *key;  /* its serviceId between libupnp and us, where each has one of its own */
	const char *type; /* without its version */
	unsigned version; /* of the type */
	const char *id;   /* serviceId in the documents */
	const char *document; /* its SCPD in xml/ */
	const char *path;     /* its URLs are /ctl/PATH and /evt/PATH */
	enum desc_device device;
	unsigned views;                       /* DESC_VIEW_*: the documents that have it */
	enum service_link link;               /* the kind of WAN that it is for */
	const struct service *newer;          /* what takes its place in IGD:2; NULL: nothing */
	const struct service *older;          /* has the actions that are not in the table here */
	const struct service_action *actions; /* ends with a NULL name */
	const struct service_event *events;   /* ends with a NULL name */
};

extern const struct service service_layer3, service_wancommon, service_wanip, service_wanip2,
    service_wanppp, service_wanipv6, service_wanethlink, service_lanhost;

enum {
	SERVICE_LAYER3,
	SERVICE_WANCOMMON,
	SERVICE_WANIP,
	SERVICE_WANIP2,
	SERVICE_WANPPP,
	SERVICE_WANIPV6,
	SERVICE_WANETHLINK,
	SERVICE_LANHOST,
	SERVICE_COUNT
};
extern const struct service *const services[SERVICE_COUNT];

/* Is it served, with the views and the link that @names tells of? */
bool service_offered(const struct service *service, const struct desc_names *names);

/* Is it what NOTIFY tells of: offered, and not only to those who know nothing newer? */
bool service_announced(const struct service *service, const struct desc_names *names);

/* The connection service of the IGD:1 (1) or the IGD:2 (2) document. */
const struct service *service_connection(const struct desc_names *names, unsigned igd);

/*
 * Asks the core, at most SERVICE_CORE_MS; waits for a core that is being restarted. Its result, or
 * RESULT_FAILED when there was none.
 */
enum result call_core(
    struct call *call, enum msg_type type, const void *body, size_t size, struct msg *reply);

/* The same for what needs no body. */
enum result call_state(struct call *call, struct msg_state *state);
enum result call_counters(struct call *call, struct msg_counters *counters);

#endif
