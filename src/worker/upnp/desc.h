/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device description: who we are (UDA 1.0 section 2.1), and the documents that are served.
 */
#ifndef PORTREEVE_WORKER_UPNP_DESC_H
#define PORTREEVE_WORKER_UPNP_DESC_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/msg.h"

#define DESC_UDN_MAX 42 /* "uuid:", 36 letters, NUL */
#define DESC_FRIENDLY_MAX 64
#define DESC_SERIAL_MAX 13
#define DESC_DEFAULT_SERVICE_MAX 128
#define DESC_DOCUMENT_MAX 65536

/* The tree of an IGD, from the root down. */
enum desc_device { DESC_GATEWAY, DESC_WAN, DESC_CONNECTION, DESC_DEVICES };

/* "InternetGatewayDevice" and so on, without domain and version. */
extern const char *const desc_device_types[DESC_DEVICES];

/* Names that stay as long as the machine is the same; constant once made. */
struct desc_names {
	char udn[DESC_DEVICES][DESC_UDN_MAX];
	char friendly[DESC_FRIENDLY_MAX];
	char serial[DESC_SERIAL_MAX];

	/* Layer3Forwarding's DefaultConnectionService: the one connection there is. */
	char default_service[DESC_DEFAULT_SERVICE_MAX];
};

void desc_names(struct desc_names *names, const struct msg_gateway *gateway);

/*
 * Fills the places @LIKE_THIS@ of the description @text with @names and @version, escaped. 0 and a
 * new text in @out (the caller frees it), -EINVAL for a place we know nothing of, -ENOMEM.
 */
int desc_fill(const char *text, const struct desc_names *names, const char *version, char **out);

/* Reads the file @name in @dir. 0 and a new, terminated text of *@len octets, or -errno (logged).
 */
int desc_read(const char *dir, const char *name, char **text, size_t *len);

#endif
