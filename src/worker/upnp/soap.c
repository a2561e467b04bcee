/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker/upnp/soap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/result.h"
#include "lib/log.h"
#include "worker/upnp/xml.h"

#define TYPE_MAX 96 /* a service type with its version */
#define CURRENT_MAX XML_ESCAPED_MAX(SERVICE_VALUE_MAX)

/* ---- tables ---------------------------------------------------------------------------------- */

static const struct service_action *
find_action(const struct service *service, const char *name)
{
	const struct service_action *action;

	for (; service; service = service->older)
		for (action = service->actions; action->name; action++)
			if (strcmp(action->name, name) == 0)
				return action;
	return NULL;
}

static const struct service_event *
find_event(const struct service *service, const char *name)
{
	const struct service_event *event;

	for (event = service->events; event->name; event++)
		if (strcmp(event->name, name) == 0)
			return event;
	return NULL;
}

static unsigned
find_service(const char *key)
{
	unsigned i;

	for (i = 0; i < SERVICE_COUNT; i++)
		if (strcmp(services[i]->key, key) == 0)
			break;
	return i;
}

static int
check_service(const struct service *service, const struct scpd *scpd)
{
	const struct service_action *action;
	const struct service_event *event;
	const struct service *owner;
	const struct scpd_var *var;
	unsigned i;

	for (i = 0; i < scpd->nactions; i++)
		if (!find_action(service, scpd->actions[i].name))
			goto differ;
	for (owner = service; owner; owner = owner->older)
		for (action = owner->actions; action->name; action++)
			if (!scpd_action(scpd, action->name))
				goto differ;
	for (i = 0; i < scpd->nvars; i++)
		if (scpd->vars[i].evented != !!find_event(service, scpd->vars[i].name))
			goto differ;
	for (event = service->events; event->name; event++) {
		var = scpd_var(scpd, event->name);
		if (!var)
			goto differ;
	}
	return 0;

differ:
	log_error("%s does not describe what is implemented", service->document);
	return -EINVAL;
}

int
soap_check(const struct soap *soap)
{
	int rc = 0;
	unsigned i;

	for (i = 0; i < SERVICE_COUNT && rc == 0; i++)
		rc = check_service(services[i], &soap->scpd[i]);
	return rc;
}

/* ---- state variables ------------------------------------------------------------------------- */

static enum result
query_event(struct call *call, const struct service_event *event, char text[SERVICE_VALUE_MAX])
{
	struct msg_state state;
	enum result result = call_state(call, &state);

	if (result == RESULT_OK)
		event->value(call->names, &state, text);
	return result;
}

/* What some action without input tells has a value at any time; the rest are arguments only. */
enum result
soap_query(const struct soap *soap, unsigned service, const char *name, char *buf, size_t size)
{
	const struct scpd_var *var = scpd_var(&soap->scpd[service], name);
	struct call call = { .core = soap->core, .names = &soap->names, .lan = soap->lan };
	char text[SERVICE_VALUE_MAX] = "";
	const struct service_event *event;
	const struct scpd_action *getter;
	enum result result;
	unsigned arg;

	if (!var)
		return RESULT_INVALID_VAR;
	event = find_event(services[service], name);
	getter = event ? NULL : scpd_getter(&soap->scpd[service], var, &arg);
	if (event) {
		result = query_event(&call, event, text);
	} else if (getter) {
		answer_init(&call.answer, getter);
		result = find_action(services[service], getter->name)->handle(&call);
		if (result == RESULT_OK)
			snprintf(text, sizeof(text), "%s", call.answer.text[arg]);
		answer_exit(&call.answer);
	} else {
		result = RESULT_INVALID_VAR;
	}
	if (result == RESULT_OK && xml_escape(buf, size, text) < 0)
		result = RESULT_FAILED;
	return result;
}

void
soap_on_query(const struct soap *soap, UpnpStateVarRequest *request)
{
	unsigned service = find_service(UpnpStateVarRequest_get_ServiceID_cstr(request));
	const char *name = UpnpStateVarRequest_get_StateVarName_cstr(request);
	enum result result = RESULT_INVALID_VAR;
	char text[CURRENT_MAX];

	if (service < SERVICE_COUNT)
		result = soap_query(soap, service, name, text, sizeof(text));
	if (result == RESULT_OK) {
		UpnpStateVarRequest_set_ErrCode(request, UPNP_E_SUCCESS);
		UpnpStateVarRequest_set_CurrentVal(request, text);
		return;
	}
	/*
	 * No text: libupnp would read it after it has freed it. Without one it says what there is
	 * to say here, 404 Invalid Var.
	 */
	UpnpStateVarRequest_set_ErrCode(request, result_upnp_code(RESULT_INVALID_VAR));
}

/* ---- requests -------------------------------------------------------------------------------- */

static uint32_t
client_address(const struct sockaddr_storage *ss)
{
	struct sockaddr_in sin;

	if (ss->ss_family != AF_INET)
		return 0;
	memcpy(&sin, ss, sizeof(sin));
	return ntohl(sin.sin_addr.s_addr);
}

static enum result
read_args(struct args *in, struct soap_args came)
{
	const char *name, *text;

	while ((name = soap_args_next(&came, &text)))
		args_put(in, name, text);
	return args_check(in);
}

/*
 * The service type as the client calls it, for the answer goes back under the same name, whatever
 * its version. 0 or -EINVAL.
 */
static int
called_type(
    const struct service *service, IXML_Node *action, char type[TYPE_MAX], unsigned *version)
{
	const char *uri = ixmlNode_getNamespaceURI(action);
	size_t len = strlen(service->type), digits;

	if (!uri || strncmp(uri, service->type, len) != 0 || uri[len] != ':')
		return -EINVAL;
	digits = strspn(uri + len + 1, "0123456789");
	if (digits == 0 || digits > SOAP_VERSION_DIGITS || uri[len + 1 + digits] != '\0')
		return -EINVAL;
	snprintf(type, TYPE_MAX, "%s", uri);
	*version = (unsigned)strtoul(uri + len + 1, NULL, 10);
	return 0;
}

static enum result
invoke(const struct soap *soap, unsigned service, struct call *call, struct soap_args args,
    const char *name)
{
	const struct service_action *action = find_action(services[service], name);
	const struct scpd_action *described = scpd_action(&soap->scpd[service], name);
	enum result result;

	if (!action || !described)
		return RESULT_INVALID_ACTION;
	args_init(&call->in, described);
	answer_init(&call->answer, described);
	result = read_args(&call->in, args);
	return result == RESULT_OK ? action->handle(call) : result;
}

/*
 * A client that read the IGD:2 document may still speak version 1 only (UDA 1.0 2.1: a newer one
 * does all that an older one does). It gets what version 1 has, with the meaning it has there.
 */
static unsigned
called_service(unsigned service, unsigned version)
{
	unsigned i;

	for (i = 0; i < SERVICE_COUNT; i++)
		if (version < services[service]->version && services[i]->newer == services[service])
			return i;
	return service;
}

/* ---- answers --------------------------------------------------------------------------------- */

#define OPENING                                                                                    \
	"<?xml version=\"1.0\"?>\n<s:Envelope "                                                    \
	"xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "                                   \
	"s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
#define CLOSING "</s:Body></s:Envelope>"

/* Octets enough for the answer's body; 0: a value is missing. */
static size_t
measure_answer(const struct answer *answer, const char *name, const char *type)
{
	size_t size = sizeof(OPENING CLOSING "<u:Response xmlns:u=\"\"></u:Response>");
	unsigned i;

	size += 2 * strlen(name) + strlen(type);
	for (i = 0; i < answer->action->nargs; i++) {
		if (!answer->action->args[i].out)
			continue;
		if (!answer->text[i])
			return 0;
		size += 2 * strlen(answer->action->args[i].name) + strlen("<></>") +
			XML_ESCAPED_MAX(strlen(answer->text[i]));
	}
	return size;
}

/* Output arguments in the order of the SCPD, which is part of the contract. */
static char *
write_answer(const struct answer *answer, const char *name, const char *type)
{
	size_t size = measure_answer(answer, name, type), len;
	char *body = size ? malloc(size) : NULL;
	const char *arg;
	unsigned i;

	if (!body)
		return NULL;
	len = (size_t)snprintf(body, size, OPENING "<u:%sResponse xmlns:u=\"%s\">", name, type);
	for (i = 0; i < answer->action->nargs; i++) {
		if (!answer->action->args[i].out)
			continue;
		arg = answer->action->args[i].name;
		len += (size_t)snprintf(body + len, size - len, "<%s>", arg);
		xml_escape(body + len, size - len, answer->text[i]);
		len += strlen(body + len);
		len += (size_t)snprintf(body + len, size - len, "</%s>", arg);
	}
	snprintf(body + len, size - len, "</u:%sResponse>" CLOSING, name);
	return body;
}

/* What libupnp needs to see, to send the header of an answer. */
static IXML_Document *
empty_answer(void)
{
	IXML_Document *doc = ixmlDocument_createDocument();
	IXML_Element *element = doc ? ixmlDocument_createElement(doc, "answer") : NULL;

	if (element && ixmlNode_appendChild(&doc->n, &element->n) == IXML_SUCCESS)
		return doc;
	ixmlElement_free(element);
	ixmlDocument_free(doc);
	return NULL;
}

/* Without a text libupnp would make a 501 of any code. */
static void
set_fault(UpnpActionRequest *request, enum result result)
{
	char text[128];

	xml_escape(text, sizeof(text), result_upnp_text(result));
	UpnpActionRequest_set_ErrCode(request, result_upnp_code(result));
	UpnpActionRequest_strcpy_ErrStr(request, text);
}

/* What the audit trail calls an action that changes something. */
static const struct {
	const char *name;
	enum msg_change change;
} changes[] = {
	{ "AddPortMapping", MSG_CHANGE_ADD },
	{ "AddAnyPortMapping", MSG_CHANGE_ADD_ANY },
	{ "DeletePortMapping", MSG_CHANGE_DEL },
	{ "DeletePortMappingRange", MSG_CHANGE_DEL_RANGE },
	{ "AddPinhole", MSG_CHANGE_PINHOLE_ADD },
	{ "UpdatePinhole", MSG_CHANGE_PINHOLE_UPDATE },
	{ "DeletePinhole", MSG_CHANGE_PINHOLE_DEL },
	{ "RequestConnection", MSG_CHANGE_CONNECT },
	{ "RequestTermination", MSG_CHANGE_DISCONNECT },
	{ "ForceTermination", MSG_CHANGE_DISCONNECT_NOW },
	{ "SetAutoDisconnectTime", MSG_CHANGE_TIME },
	{ "SetIdleDisconnectTime", MSG_CHANGE_TIME },
	{ "SetWarnDisconnectDelay", MSG_CHANGE_TIME },
	{ "SetConnectionType", MSG_CHANGE_CONFIGURE },
	{ "ConfigureConnection", MSG_CHANGE_CONFIGURE },
};

#define TELL_MS 100 /* a trail that lacks a row is better than a client that waits */

/* "NewExternalPort=70000, NewProtocol=TCP": as the client gave them, as much as there is room for.
 */
static void
list_arguments(struct soap_args args, char *buf, size_t size)
{
	const char *name, *text;
	size_t len = 0;
	int n;

	while (len < size && (name = soap_args_next(&args, &text))) {
		n = snprintf(buf + len, size - len, "%s%s=%s", len ? ", " : "", name, text);
		len += n < 0 ? size : (size_t)n;
	}
}

/* Tells the core of a change that was refused here, so that its trail has it. */
static void
tell_refused(const struct call *call, struct soap_args args, const char *name, enum result result)
{
	struct msg_refused refused = { .client = call->client, .result = (uint8_t)result };
	struct msg reply;
	size_t i;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (strcmp(changes[i].name, name) == 0)
			break;
	if (call->decided || !call->client || i == sizeof(changes) / sizeof(changes[0]))
		return;
	refused.change = (uint8_t)changes[i].change;
	list_arguments(args, refused.arguments, sizeof(refused.arguments));
	if (channel_call(call->core, MSG_REFUSED, &refused, sizeof(refused), &reply, TELL_MS) < 0)
		log_debug("%s: the core was not told that it was refused", name);
}

char *
soap_on_action(const struct soap *soap, UpnpActionRequest *request, struct soap_args args)
{
	unsigned service = find_service(UpnpActionRequest_get_ServiceID_cstr(request));
	const char *name = UpnpActionRequest_get_ActionName_cstr(request);
	IXML_Document *doc = UpnpActionRequest_get_ActionRequest(request);
	IXML_Node *element = doc ? ixmlNode_getFirstChild((IXML_Node *)doc) : NULL;
	struct call call = { .core = soap->core, .names = &soap->names, .lan = soap->lan };
	enum result result = RESULT_INVALID_ACTION;
	char type[TYPE_MAX], *body = NULL;
	unsigned version;

	call.client = client_address(UpnpActionRequest_get_CtrlPtIPAddr(request));
	if (service < SERVICE_COUNT && element &&
	    called_type(services[service], element, type, &version) == 0) {
		service = called_service(service, version);
		call.igd = services[service]->version >= 2 ? MSG_IGD2 : MSG_IGD1;
		result = invoke(soap, service, &call, args, name);
	}
	if (result == RESULT_OK) {
		body = write_answer(&call.answer, name, type);
		UpnpActionRequest_set_ActionResult(request, body ? empty_answer() : NULL);
		result =
		    body && UpnpActionRequest_get_ActionResult(request) ? RESULT_OK : RESULT_FAILED;
	}
	answer_exit(&call.answer);
	if (result == RESULT_OK) {
		UpnpActionRequest_set_ErrCode(request, UPNP_E_SUCCESS);
	} else {
		free(body);
		body = NULL;
		tell_refused(&call, args, name, result);
		set_fault(request, result);
	}
	log_debug("%s %s: %s", services[service < SERVICE_COUNT ? service : 0]->document, name,
	    result_str(result));
	return body;
}
