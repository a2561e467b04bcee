/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device description: who we are (UDA 1.0 section 2.1), and the documents that are served.
 */
#ifndef PORTREEVE_WORKER_UPNP_DESC_H
#define PORTREEVE_WORKER_UPNP_DESC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/msg.h"

#define DESC_UDN_MAX 42 /* "uuid:", 36 letters, NUL */
#define DESC_FRIENDLY_MAX 64
#define DESC_SERIAL_MAX 13
#define DESC_DEFAULT_SERVICE_MAX 128
#define DESC_DOCUMENT_MAX 65536

/* The tree of an IGD, from the root down. */
enum desc_device { DESC_GATEWAY, DESC_WAN, DESC_CONNECTION, DESC_LAN, DESC_DEVICES };

/* The documents that there are: of IGD:1 and of IGD:2. */
#define DESC_VIEW_1 1u
#define DESC_VIEW_2 2u
#define DESC_VIEWS (DESC_VIEW_1 | DESC_VIEW_2)

/* Where they are: what IGD:1 clients have always been told, and its newer sister. */
#define DESC_PATH_1 "description.xml"
#define DESC_PATH_2 "description2.xml"

/* "InternetGatewayDevice" and so on, without domain and version. */
extern const char *const desc_device_types[DESC_DEVICES];

/* Names that stay as long as the machine is the same; constant once made. */
struct desc_names {
	unsigned views; /* DESC_VIEW_*: those that are shown */
	bool ppp;       /* the WAN is a PPP link */
	char udn[DESC_DEVICES][DESC_UDN_MAX];
	char friendly[DESC_FRIENDLY_MAX];
	char serial[DESC_SERIAL_MAX];

	/* Layer3Forwarding's DefaultConnectionService: the one connection there is. */
	char default_service[DESC_DEFAULT_SERVICE_MAX];
};

void desc_names(struct desc_names *names, const struct msg_gateway *gateway, bool ppp);

/* The version of a device's type in the document of @igd, 1 or 2; 0: it is not in there. */
unsigned desc_device_version(enum desc_device device, unsigned igd);

/* The version by which it is announced: the highest of the views that are shown. */
unsigned desc_announced_version(const struct desc_names *names, enum desc_device device);

/*
 * Fills the places @LIKE_THIS@ of the description @text of IGD:@igd with @names and @version,
 * escaped. 0 and a new text in @out (the caller frees it), -EINVAL for a place we know nothing of,
 * -ENOMEM.
 */
int desc_fill(const char *text, const struct desc_names *names, unsigned igd, const char *version,
    char **out);

/*
 * What libupnp is told to serve, which no client sees: one tree with the services of both views. A
 * service of the IGD:1 view whose place in IGD:2 is another's has version 0 there: it takes calls
 * and subscriptions, and no search asks for it (ssdp_send.h keeps it out of the advertisements).
 * 0 and a new text in @out (the caller frees it), or -ENOMEM.
 */
int desc_registration(const struct desc_names *names, char **out);

/* Reads the file @name in @dir. 0 and a new, terminated text of *@len octets, or -errno (logged).
 */
int desc_read(const char *dir, const char *name, char **text, size_t *len);

#endif
