/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of services, and how their actions reach the core. */
#include "worker/upnp/service.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/log.h"

#define RETRY_MS 50

const struct service *const services[SERVICE_COUNT] = {
	[SERVICE_LAYER3] = &service_layer3,
	[SERVICE_WANCOMMON] = &service_wancommon,
	[SERVICE_WANIP] = &service_wanip,
	[SERVICE_WANIP2] = &service_wanip2,
	[SERVICE_WANPPP] = &service_wanppp,
	[SERVICE_WANIPV6] = &service_wanipv6,
	[SERVICE_WANETHLINK] = &service_wanethlink,
	[SERVICE_LANHOST] = &service_lanhost,
};

bool
service_offered(const struct service *service, const struct desc_names *names)
{
	enum service_link present = names->ppp ? SERVICE_PPP_LINK : SERVICE_IP_LINK;

	return (service->views & names->views) &&
	       (service->link == SERVICE_ANY_LINK || service->link == present);
}

bool
service_announced(const struct service *service, const struct desc_names *names)
{
	return service_offered(service, names) &&
	       !(service->newer && service_offered(service->newer, names));
}

const struct service *
service_connection(const struct desc_names *names, unsigned igd)
{
	if (names->ppp)
		return &service_wanppp;
	return igd == 2 ? &service_wanip2 : &service_wanip;
}

/* Does the core's audit trail tell of it, whatever it answers? */
static bool
is_change(enum msg_type type)
{
	switch ((int)type) {
	case MSG_MAP_ADD:
	case MSG_MAP_ADD_ANY:
	case MSG_MAP_DEL:
	case MSG_MAP_DEL_RANGE:
	case MSG_CONNECTION:
	case MSG_TIME_SET:
	case MSG_PINHOLE_ADD:
	case MSG_PINHOLE_UPDATE:
	case MSG_PINHOLE_DEL:
		return true;
	}
	return false;
}

enum result
call_core(struct call *call, enum msg_type type, const void *body, size_t size, struct msg *reply)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
	int64_t deadline = clock_boot_ms() + SERVICE_CORE_MS;
	int64_t left = SERVICE_CORE_MS;
	int rc;

	call->decided |= is_change(type);
	/*
	 * -EPIPE: the core died, and a new one comes within a moment. A client would rather wait
	 * than be refused; adding and deleting twice does no harm.
	 */
	for (;;) {
		rc = channel_call(call->core, type, body, size, reply, (int)left);
		left = deadline - clock_boot_ms();
		if (rc != -EPIPE || left <= RETRY_MS)
			break;
		nanosleep(&pause, NULL);
		left -= RETRY_MS;
	}
	if (rc < 0) {
		log_warn("no answer from the core to %s: %s", msg_type_str(type), strerror(-rc));
		return RESULT_FAILED;
	}
	return reply->header.result;
}

enum result
call_state(struct call *call, struct msg_state *state)
{
	enum result result;
	struct msg reply;

	result = call_core(call, MSG_STATE_GET, NULL, 0, &reply);
	if (result == RESULT_OK)
		*state = reply.body.state;
	return result;
}

enum result
call_counters(struct call *call, struct msg_counters *counters)
{
	enum result result;
	struct msg reply;

	result = call_core(call, MSG_COUNTERS_GET, NULL, 0, &reply);
	if (result == RESULT_OK)
		*counters = reply.body.counters;
	return result;
}
