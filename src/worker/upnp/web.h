/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The documents clients fetch, from memory: libupnp's web server asks here and nowhere else, so no
 * path of a request ever reaches the file system.
 */
#ifndef PORTREEVE_WORKER_UPNP_WEB_H
#define PORTREEVE_WORKER_UPNP_WEB_H

#include <stddef.h>

#define WEB_DOCUMENTS_MAX 16
#define WEB_PATH_MAX 32

/*
 * Serves @text of @len octets at "/@name". Before web_start() only. Keeps @text. 0 or -ENOSPC.
 */
int web_add(const char *name, const char *text, size_t len);

/* After UpnpInit2(). 0 or -EIO. */
int web_start(void);

#endif
