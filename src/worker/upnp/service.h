/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The services of the gateway, each a table of actions and of evented variables. wanip.c and
 * wancommon.c fill them; soap.c and gena.c serve them.
 */
#ifndef PORTREEVE_WORKER_UPNP_SERVICE_H
#define PORTREEVE_WORKER_UPNP_SERVICE_H

#include "ipc/channel.h"
#include "worker/upnp/args.h"
#include "worker/upnp/desc.h"

#define SERVICE_CORE_MS 5000 /* how long a client waits for the core before it gets 501 */
#define SERVICE_VALUE_MAX DESC_DEFAULT_SERVICE_MAX
#define SERVICE_EVENTS_MAX 4

/* One action under way. */
struct call {
	struct channel_client *core;
	const struct desc_names *names;
	uint32_t client;      /* address of the control point; 0: it has none that is IPv4 */
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

struct service {
	const char *type;     /* without its version */
	const char *id;       /* serviceId */
	const char *document; /* its SCPD in xml/ */
	enum desc_device device;
	const struct service_action *actions; /* ends with a NULL name */
	const struct service_event *events;   /* ends with a NULL name */
};

extern const struct service service_layer3, service_wancommon, service_wanip;

enum { SERVICE_LAYER3, SERVICE_WANCOMMON, SERVICE_WANIP, SERVICE_COUNT };
extern const struct service *const services[SERVICE_COUNT];

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
