/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SOAP request's body, read with Expat: the arguments of the call, as text.
 *
 * libupnp 1.8.4 insists on Envelope, Body and action each being the first child of the one before,
 * crashes on a QueryStateVariable without an element in it, recurses into whatever depth it is
 * sent, and reads and writes the arguments of a call three times over. None of that reaches it:
 * prefixes, comments, CDATA, SOAP headers and white space are gone, a DTD, an unknown shape or text
 * that is not UTF-8 is an error.
 */
#ifndef PORTREEVE_WORKER_UPNP_SOAP_BODY_H
#define PORTREEVE_WORKER_UPNP_SOAP_BODY_H

#include <stddef.h>

#define SOAP_ARGS_MAX 32

/*
 * The arguments of a call, in the order in which they came: of each its name without prefix and its
 * text, every one with its NUL. Borrowed from whoever has the buffer.
 */
struct soap_args {
	const char *at;
	size_t len;
};

/*
 * Reads the @len octets at @body as a call of @action, whatever its namespace: SOAPACTION, which is
 * where that comes from, wins over the body, but the names must agree. Writes the arguments to
 * @out, which takes no more octets than the body has. NULL; or why it is not a call of @action or
 * longer than @cap, which *@full tells apart.
 */
const char *soap_body_read(const char *body, size_t len, const char *action, char *out, size_t cap,
    struct soap_args *args, int *full);

/* Takes the next argument off @args: its name, with its *@text. NULL: there is none. */
const char *soap_args_next(struct soap_args *args, const char **text);

#endif
