/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portreeve-upnp: the gateway as one LAN sees it. Starts libupnp behind its border, registers the
 * root device, hands requests to soap.c and sends what gena.c says is due.
 *
 * Threads: the worker's main loop; libupnp's own, which call on_upnp(); one that sends events, so
 * that neither of the others ever waits for a subscriber.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef WITH_SANITIZERS
#include <sanitizer/lsan_interface.h>
#endif
#include <upnp/upnp.h>
#include <upnp/upnptools.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "worker/upnp/advert.h"
#include "worker/upnp/gate.h"
#include "worker/upnp/gena.h"
#include "worker/upnp/guard.h"
#include "worker/upnp/soap.h"
#include "worker/upnp/web.h"
#include "worker/upnp/xml.h"
#include "worker/worker.h"

#define DESCRIPTION_FILE_1 "gatedesc.xml"
#define DESCRIPTION_FILE_2 "gatedesc2.xml"
#define CONFIG_ID_MASK 0xffffffu /* UDA 1.1 1.2.2: above are reserved numbers */

/* libupnp advertises again 30 s before half of it is over. */
#define MAX_AGE_S(interval_s) (2 * (interval_s))

/* Of a request, as the gate hands it on: what it lets through, and what it adds to that. */
#define CONTENT_MAX (2 * 65536)

#define STATE_MS 1000
#define UNDER_WAY_MS 100                /* at the end, for the requests that libupnp has */
#define BYEBYE_MS (MSG_GOODBYE_MS - 50) /* for libupnp: two sets, 100 ms apart */

struct igd {
	struct worker *worker;
	struct msg_gateway gateway;
	struct soap soap;
	struct ssdp_self self;
	UpnpDevice_Handle device;
	bool serving;
	bool ppp; /* the kind of WAN that the documents are for */

	pthread_mutex_t lock; /* of the rest */
	pthread_cond_t wake;
	struct gena gena;
	bool gone; /* byebye was sent */
};

/* ---- events ---------------------------------------------------------------------------------- */

static void
send_event(const struct igd *igd, const struct gena_job *job)
{
	const char *udn = igd->soap.names.udn[job->service->device];
	char escaped[SERVICE_EVENTS_MAX][XML_ESCAPED_MAX(SERVICE_VALUE_MAX)];
	const char *names[SERVICE_EVENTS_MAX], *values[SERVICE_EVENTS_MAX];
	int i, rc;

	for (i = 0; i < job->n; i++) {
		xml_escape(escaped[i], sizeof(escaped[i]), job->values.text[i]);
		names[i] = job->names[i];
		values[i] = escaped[i];
	}
	if (job->sid[0])
		rc = UpnpAcceptSubscription(
		    igd->device, udn, job->service->key, names, values, job->n, job->sid);
	else
		rc = UpnpNotify(igd->device, udn, job->service->key, names, values, job->n);
	if (rc != UPNP_E_SUCCESS)
		log_debug("event of %s: %s", job->service->key, UpnpGetErrorMessage(rc));
}

/* Sleeps until @due_ms of CLOCK_BOOTTIME, or until woken when it is -1. */
static void
wait_until(struct igd *igd, int64_t due_ms)
{
	int64_t left_ms = due_ms - clock_boot_ms();
	struct timespec ts;

	if (due_ms == -1) {
		pthread_cond_wait(&igd->wake, &igd->lock);
	} else if (left_ms > 0) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		ts.tv_sec += left_ms / 1000;
		ts.tv_nsec += left_ms % 1000 * 1000000;
		if (ts.tv_nsec >= 1000000000) {
			ts.tv_sec++;
			ts.tv_nsec -= 1000000000;
		}
		pthread_cond_timedwait(&igd->wake, &igd->lock, &ts);
	}
}

static void
keep_state(struct igd *igd, const struct msg_state *state)
{
	pthread_mutex_lock(&igd->lock);
	gena_state(&igd->gena, state);
	pthread_cond_broadcast(&igd->wake);
	pthread_mutex_unlock(&igd->lock);
}

/* On the main thread. Another kind of link has other documents: those are read at the start only.
 */
static void
on_state(void *arg, const struct msg_state *state)
{
	struct igd *igd = arg;

	if (igd->serving && igd->ppp != (state->wan_ppp != 0)) {
		log_info("the WAN is now %s PPP link: starting anew", state->wan_ppp ? "a" : "no");
		igd->worker->stale = true;
	}
	keep_state(igd, state);
}

/* The core tells changes, and gathers them for a moment; this is what is true now. */
static bool
ask_state(struct igd *igd, struct msg_state *state)
{
	struct msg reply;
	int rc;

	rc = channel_call(igd->worker->core, MSG_STATE_GET, NULL, 0, &reply, STATE_MS);
	if (rc < 0 || reply.header.result != RESULT_OK) {
		log_warn("the core does not tell its state");
		return false;
	}
	*state = reply.body.state;
	return true;
}

/* When the core does not say, its first state does: see on_state(). */
static bool
link_is_ppp(struct igd *igd)
{
	struct msg_state state;

	return ask_state(igd, &state) && state.wan_ppp;
}

static void *
events_thread(void *arg)
{
	const struct timespec pause = { .tv_nsec = GENA_PAUSE_MS * 1000000L };
	struct igd *igd = arg;
	struct msg_state state;
	struct gena_job job;

	pthread_mutex_lock(&igd->lock);
	for (;;) {
		if (gena_initial_due(&igd->gena, clock_boot_ms())) {
			pthread_mutex_unlock(&igd->lock);
			if (ask_state(igd, &state))
				keep_state(igd, &state);
			pthread_mutex_lock(&igd->lock);
		}
		if (gena_next(&igd->gena, clock_boot_ms(), &job)) {
			pthread_mutex_unlock(&igd->lock);
			send_event(igd, &job);
			nanosleep(&pause, NULL);
			pthread_mutex_lock(&igd->lock);
		} else {
			wait_until(igd, gena_due_ms(&igd->gena));
		}
	}
	return NULL;
}

static void
on_subscribe(struct igd *igd, const UpnpSubscriptionRequest *request)
{
	int rc;

	pthread_mutex_lock(&igd->lock);
	rc = gena_subscribe(&igd->gena, UpnpSubscriptionRequest_get_ServiceId_cstr(request),
	    UpnpSubscriptionRequest_get_SID_cstr(request), clock_boot_ms());
	pthread_cond_broadcast(&igd->wake);
	pthread_mutex_unlock(&igd->lock);
	if (rc < 0)
		log_warn("a subscription gets no events: too many at once");
}

/* On libupnp's threads. The event's type says what @event points at, and it is ours to fill. */
static int
on_upnp(Upnp_EventType type, const void *event, void *cookie)
{
	struct igd *igd = cookie;

	if (type == UPNP_CONTROL_ACTION_REQUEST)
		gate_answer(
		    soap_on_action(&igd->soap, (UpnpActionRequest *)event, gate_arguments()));
	else if (type == UPNP_CONTROL_GET_VAR_REQUEST)
		soap_on_query(&igd->soap, (UpnpStateVarRequest *)event);
	else if (type == UPNP_EVENT_SUBSCRIPTION_REQUEST)
		on_subscribe(igd, event);
	return 0;
}

/* ---- start ----------------------------------------------------------------------------------- */

/* Serves a document that lives as long as the process does, and has CONFIGID know of it (FNV-1a).
 */
static int
serve(struct igd *igd, const char *name, const char *text, size_t len)
{
	uint32_t hash = igd->self.config_id;
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619u;
	igd->self.config_id = hash;
	return web_add(name, text, len);
}

/* All are read, so that all are checked; what this gateway does not offer is not served. */
static int
load_service(struct igd *igd, unsigned service)
{
	const char *name = services[service]->document;
	char *text;
	size_t len;
	int rc;

	rc = desc_read(igd->worker->xml_dir, name, &text, &len);
	if (rc < 0)
		return rc;
	rc = scpd_parse(&igd->soap.scpd[service], name, text, len);
	if (rc < 0 || !service_offered(services[service], &igd->soap.names)) {
		free(text);
		return rc;
	}
	return serve(igd, name, text, len);
}

static int
load_description(struct igd *igd, unsigned version, const char *path)
{
	const char *name = version == 2 ? DESCRIPTION_FILE_2 : DESCRIPTION_FILE_1;
	char *text, *filled;
	size_t len;
	int rc;

	rc = desc_read(igd->worker->xml_dir, name, &text, &len);
	if (rc < 0)
		return rc;
	rc = desc_fill(text, &igd->soap.names, version, PACKAGE_VERSION, &filled);
	free(text);
	if (rc < 0) {
		log_error("%s/%s cannot be filled", igd->worker->xml_dir, name);
		return rc;
	}
	return serve(igd, path, filled, strlen(filled));
}

static int
load_documents(struct igd *igd)
{
	unsigned views = igd->soap.names.views, i;
	int rc = 0;

	igd->self.config_id = 2166136261u;
	for (i = 0; i < SERVICE_COUNT && rc == 0; i++)
		rc = load_service(igd, i);
	if (rc == 0)
		rc = soap_check(&igd->soap);
	/* The first path always leads somewhere: clients remember it. */
	if (rc == 0)
		rc = load_description(igd, views & DESC_VIEW_1 ? 1 : 2, DESC_PATH_1);
	if (rc == 0 && views & DESC_VIEW_2)
		rc = load_description(igd, 2, DESC_PATH_2);
	igd->self.config_id &= CONFIG_ID_MASK;
	return rc;
}

/* ---- what SSDP tells of us ------------------------------------------------------------------- */

static void
set_location(const struct igd *igd, char location[SSDP_SEND_LOCATION_MAX], const char *path)
{
	char addr[ADDR4_STRLEN];

	snprintf(location, SSDP_SEND_LOCATION_MAX, "http://%s:%u/%s",
	    addr4_str(igd->worker->address.addr, addr), igd->gateway.http_port, path);
}

static void
add_device(struct igd *igd, enum desc_device device)
{
	const struct desc_names *names = &igd->soap.names;
	bool new = desc_device_version(device, 1) == 0;
	char type[SSDP_SEND_NAME_MAX];

	snprintf(type, sizeof(type), "urn:schemas-upnp-org:device:%s", desc_device_types[device]);
	ssdp_self_add(&igd->self, type, desc_announced_version(names, device), new);
	ssdp_self_add(&igd->self, names->udn[device], 0, new);
}

static void
introduce(struct igd *igd)
{
	const struct desc_names *names = &igd->soap.names;
	struct ssdp_self *self = &igd->self;
	unsigned i;

	self->boot_id = igd->gateway.boot_id;
	/* Which kernel this is, is nobody's business; that it is Linux, anybody sees. */
	snprintf(
	    self->server, sizeof(self->server), "Linux/any UPnP/1.0 portreeve/%s", PACKAGE_VERSION);
	if (names->views & DESC_VIEW_1)
		set_location(igd, self->location_1, DESC_PATH_1);
	if (names->views & DESC_VIEW_2)
		set_location(igd, self->location_2, DESC_PATH_2);

	ssdp_self_add(self, "upnp:rootdevice", 0, false);
	for (i = 0; i < DESC_DEVICES; i++)
		if (desc_announced_version(names, i))
			add_device(igd, i);
	for (i = 0; i < SERVICE_COUNT; i++)
		if (service_announced(services[i], names))
			ssdp_self_add(self, services[i]->type, services[i]->version,
			    services[i]->views == DESC_VIEW_2 && services[i]->version == 1);
}

/* ---- libupnp --------------------------------------------------------------------------------- */

static int
upnp_error(const char *what, int rc)
{
	if (rc == UPNP_E_SUCCESS)
		return 0;
	log_error("%s: %s (%d)", what, UpnpGetErrorMessage(rc), rc);
	return -EIO;
}

static int
start_upnp(struct igd *igd)
{
	struct guard_config config = {
		.ifname = igd->worker->ifname,
		.ifindex = igd->worker->ifindex,
		.address = igd->worker->address,
		.http_port = igd->gateway.http_port,
		.self = &igd->self,
	};
	int rc;

	guard_init(&config);
	/* -203 is no fault of ours: the LAN's IPv6 address may be too young. We are restarted. */
	rc = UpnpInit2(config.ifname, config.http_port);
	if (rc != UPNP_E_SUCCESS && guard_told_why())
		return -EADDRINUSE;
	rc = upnp_error("libupnp does not start", rc);
	if (rc == 0)
		rc = guard_self_test();
	if (rc == 0 && UpnpGetServerPort() != config.http_port) {
		log_error(
		    "libupnp serves port %u instead of %u", UpnpGetServerPort(), config.http_port);
		rc = -EADDRINUSE;
	}
	if (rc == 0)
		rc = upnp_error("libupnp's limit of content", UpnpSetMaxContentLength(CONTENT_MAX));
	return rc == 0 ? web_start() : rc;
}

/* Twice, for datagrams are lost. Not being heard is no reason not to serve. */
static void
say(const struct igd *igd, const struct advert *advert)
{
	int rc = 0, i;

	for (i = 0; i < 2 && rc == 0; i++)
		rc = advert_send(&igd->soap.names, igd->worker->ifindex, advert);
	if (rc < 0)
		log_warn("%s: %s: %s", igd->worker->ifname, advert->nts, strerror(-rc));
}

static void
say_byebye(const struct igd *igd)
{
	say(igd, &(struct advert){ .nts = "ssdp:byebye" });
}

static int
announce(struct igd *igd)
{
	char *description;
	int rc;

	rc = desc_registration(&igd->soap.names, &description);
	if (rc < 0)
		return rc;
	rc = upnp_error("libupnp does not take the description",
	    UpnpRegisterRootDevice2(
		UPNPREG_BUF_DESC, description, strlen(description), 1, on_upnp, igd, &igd->device));
	free(description);
	if (rc < 0)
		return rc;
	igd->serving = true;
	UpnpSetMaxSubscriptions(igd->device, GENA_SUBSCRIPTIONS);
	UpnpSetMaxSubscriptionTimeOut(igd->device, GENA_SUBSCRIPTION_S);
	guard_open();
	return upnp_error("advertisement",
	    UpnpSendAdvertisement(igd->device, (int)MAX_AGE_S(igd->gateway.notify_interval_s)));
}

static int
start(struct igd *igd)
{
	pthread_t thread;
	int rc;

	igd->soap.core = igd->worker->core;
	igd->soap.lan = igd->worker->address;
	desc_names(&igd->soap.names, &igd->gateway, igd->ppp);
	gena_init(&igd->gena, &igd->soap.names);
	rc = load_documents(igd);
	if (rc < 0)
		return rc;
	introduce(igd);
	rc = start_upnp(igd);
	if (rc < 0)
		return rc;
	say_byebye(igd);
	rc = announce(igd);
	if (rc < 0)
		return rc;
	rc = -pthread_create(&thread, NULL, events_thread, igd);
	if (rc < 0)
		return rc;
	pthread_detach(thread);
	log_info("%s: gateway announced at %s", igd->worker->ifname,
	    igd->self.location_1[0] ? igd->self.location_1 : igd->self.location_2);
	return 0;
}

/*
 * The gateway has come anew to another LAN, or a later core has come: nothing has changed for those
 * who know us here, and they hear so.
 */
static void
change_boot_id(struct igd *igd, uint32_t boot_id)
{
	const struct advert update = { .nts = "ssdp:update", .next_boot_id = boot_id };
	const struct advert alive = { .nts = "ssdp:alive",
		.max_age_s = MAX_AGE_S(igd->gateway.notify_interval_s) };

	say(igd, &update);
	igd->gateway.boot_id = boot_id;
	atomic_store(&igd->self.boot_id, boot_id);
	say(igd, &alive);
}

/* But for the boot id. */
static bool
same_gateway(const struct msg_gateway *ours, const struct msg_gateway *told)
{
	struct msg_gateway other = *told;

	other.boot_id = ours->boot_id;
	return memcmp(ours, &other, sizeof(other)) == 0;
}

static int
on_gateway(void *arg, const struct msg_gateway *gateway)
{
	struct igd *igd = arg;

	if (!igd->serving) {
		igd->gateway = *gateway;
		igd->ppp = link_is_ppp(igd);
		return start(igd);
	}
	if (!same_gateway(&igd->gateway, gateway)) {
		log_info("what the gateway announces has changed: starting anew");
		return -ESTALE;
	}
	if (igd->gateway.boot_id != gateway->boot_id)
		change_boot_id(igd, gateway->boot_id);
	return 0; /* its state follows */
}

/* ---- stop ------------------------------------------------------------------------------------ */

static void *
byebye_thread(void *arg)
{
	struct igd *igd = arg;

	UpnpUnRegisterRootDevice(igd->device);
	pthread_mutex_lock(&igd->lock);
	igd->gone = true;
	pthread_cond_broadcast(&igd->wake);
	pthread_mutex_unlock(&igd->lock);
	return NULL;
}

/*
 * libupnp may wait for a lock of its own that a slow client holds; we do not wait for libupnp, and
 * say it ourselves.
 */
static void
on_stop(void *arg)
{
	int64_t deadline_ms = clock_boot_ms() + BYEBYE_MS;
	struct igd *igd = arg;
	pthread_t thread;
	bool said;

	if (!igd->serving)
		return;
	guard_shut(UNDER_WAY_MS);
	if (pthread_create(&thread, NULL, byebye_thread, igd) != 0)
		deadline_ms = 0;
	pthread_mutex_lock(&igd->lock);
	while (!igd->gone && clock_boot_ms() < deadline_ms)
		wait_until(igd, deadline_ms);
	said = igd->gone;
	pthread_mutex_unlock(&igd->lock);
	if (!said)
		say_byebye(igd);
}

static void
init(struct igd *igd, struct worker *worker)
{
	pthread_condattr_t attr;

	igd->worker = worker;
	pthread_mutex_init(&igd->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&igd->wake, &attr);
	pthread_condattr_destroy(&attr);
}

#ifdef WITH_SANITIZERS
/* libupnp's list nodes: a few octets in a hundred requests, which we cannot free for it. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libupnp.so\n";
}
#endif

int
main(int argc, char **argv)
{
	static const struct worker_ops ops = {
		.on_gateway = on_gateway,
		.on_state = on_state,
		.on_stop = on_stop,
	};
	static struct igd igd;
	struct worker worker;
	int status;

	if (worker_init(&worker, "portreeve-upnp", argc, argv) < 0)
		return EXIT_FAILURE;
	init(&igd, &worker);
	status = worker_run(&worker, &ops, &igd);
	/* No UpnpFinish(): it can wait for minutes on a subscriber that is gone. */
#ifdef WITH_SANITIZERS
	__lsan_do_leak_check(); /* _exit() would not */
#endif
	_exit(status);
}
