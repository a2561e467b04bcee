/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SOAP request's body, read with Expat and written anew in the one shape that libupnp takes.
 *
 * libupnp 1.8.4 insists on Envelope, Body and action each being the first child of the one before,
 * crashes on a QueryStateVariable without an element in it, and recurses into whatever depth it is
 * sent. None of that reaches it: prefixes, comments, CDATA, SOAP headers and white space are gone,
 * a DTD, an unknown shape or text that is not UTF-8 is an error.
 */
#ifndef PORTREEVE_WORKER_UPNP_SOAP_BODY_H
#define PORTREEVE_WORKER_UPNP_SOAP_BODY_H

#include <stddef.h>

#define SOAP_ARGS_MAX 32

/*
 * Rewrites the @len octets at @body as a call of @action in namespace @urn: SOAPACTION, which is
 * where both come from, wins over the namespace in the body, but the names must agree. Returns the
 * length written to @out; 0: not a SOAP call of @action, with @why telling; never more than @cap.
 * *@full tells that @cap was too small.
 */
size_t soap_body_rewrite(const char *body, size_t len, const char *urn, const char *action,
    char *out, size_t cap, const char **why, int *full);

#endif
