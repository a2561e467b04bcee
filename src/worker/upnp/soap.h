/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From (service, action) to its handler, and from its result to an answer or a fault (UDA 1.0
 * section 3). Runs on libupnp's threads and keeps nothing between two requests.
 */
#ifndef PORTREEVE_WORKER_UPNP_SOAP_H
#define PORTREEVE_WORKER_UPNP_SOAP_H

#include <upnp/upnp.h>

#include "worker/upnp/service.h"
#include "worker/upnp/soap_body.h"

#define SOAP_VERSION_DIGITS 2 /* of a service's version in a request */

/* Constant once libupnp serves it. */
struct soap {
	struct channel_client *core;
	struct desc_names names;
	struct prefix4 lan;
	struct scpd scpd[SERVICE_COUNT];
};

/*
 * Every action of the SCPD has a handler and every handler an action; every evented variable has
 * a value and the other way round. 0, or -EINVAL which was said.
 */
int soap_check(const struct soap *soap);

/*
 * UPNP_CONTROL_ACTION_REQUEST: answers @request, a call with the arguments @args. Returns the body
 * of the answer, allocated, which the caller has sent in place of libupnp's; NULL: a fault, which
 * libupnp sends.
 */
char *soap_on_action(const struct soap *soap, UpnpActionRequest *request, struct soap_args args);

/* UPNP_CONTROL_GET_VAR_REQUEST (QueryStateVariable): answers @request. */
void soap_on_query(const struct soap *soap, UpnpStateVarRequest *request);

/*
 * The value of the state variable @name, escaped for XML. RESULT_INVALID_VAR: none of that name
 * has one outside of an action.
 */
enum result soap_query(
    const struct soap *soap, unsigned service, const char *name, char *buf, size_t size);

#endif
