/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list is constant while libupnp's threads read it. Everything is read-only. */
#include "worker/upnp/web.h"
#include "lib/compiler.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <upnp/upnp.h>

/* From 1.14 on each callback has one more parameter, a cookie of the request. */
#if UPNP_VERSION >= 11400
#define REQUEST_COOKIE , const void *request_cookie UNUSED
#define REQUEST_COOKIE_OUT , const void **request_cookie UNUSED
#else
#define REQUEST_COOKIE
#define REQUEST_COOKIE_OUT
#endif

struct document {
	char path[WEB_PATH_MAX];
	const char *text;
	size_t len;
};

/* One that is being read. */
struct reading {
	const struct document *document;
	size_t at;
};

static struct document documents[WEB_DOCUMENTS_MAX];
static unsigned ndocuments;
static time_t since;

int
web_add(const char *name, const char *text, size_t len)
{
	struct document *d = &documents[ndocuments];

	if (ndocuments == WEB_DOCUMENTS_MAX ||
	    snprintf(d->path, sizeof(d->path), "/%s", name) >= (int)sizeof(d->path))
		return -ENOSPC;
	d->text = text;
	d->len = len;
	ndocuments++;
	return 0;
}

static const struct document *
find(const char *path)
{
	unsigned i;

	for (i = 0; i < ndocuments; i++)
		if (strcmp(documents[i].path, path) == 0)
			return &documents[i];
	return NULL;
}

/* ---- callbacks, on libupnp's threads --------------------------------------------------------- */

static int
on_info(const char *path, UpnpFileInfo *info, const void *cookie UNUSED REQUEST_COOKIE_OUT)
{
	const struct document *d = find(path);

	if (!d)
		return -1;
	UpnpFileInfo_set_FileLength(info, (off_t)d->len);
	UpnpFileInfo_set_LastModified(info, since);
	UpnpFileInfo_set_IsDirectory(info, 0);
	UpnpFileInfo_set_IsReadable(info, 1);
	UpnpFileInfo_set_ContentType(info, "text/xml; charset=\"utf-8\"");
	return 0;
}

static UpnpWebFileHandle
on_open(const char *path, enum UpnpOpenFileMode mode, const void *cookie UNUSED REQUEST_COOKIE)
{
	const struct document *d = mode == UPNP_READ ? find(path) : NULL;
	struct reading *r = d ? calloc(1, sizeof(*r)) : NULL;

	if (r)
		r->document = d;
	return r;
}

static int
on_read(UpnpWebFileHandle handle, char *buf, size_t size, const void *cookie UNUSED REQUEST_COOKIE)
{
	struct reading *r = handle;
	size_t left = r->document->len - r->at;

	if (size > left)
		size = left;
	memcpy(buf, r->document->text + r->at, size);
	r->at += size;
	return (int)size;
}

static int
on_write(UpnpWebFileHandle handle UNUSED, char *buf UNUSED, size_t size UNUSED,
    const void *cookie UNUSED REQUEST_COOKIE)
{
	return -1;
}

static int
on_seek(
    UpnpWebFileHandle handle, off_t offset, int origin, const void *cookie UNUSED REQUEST_COOKIE)
{
	struct reading *r = handle;
	off_t at = offset;

	if (origin == SEEK_CUR)
		at += (off_t)r->at;
	else if (origin == SEEK_END)
		at += (off_t)r->document->len;
	if (at < 0 || at > (off_t)r->document->len)
		return -1;
	r->at = (size_t)at;
	return 0;
}

static int
on_close(UpnpWebFileHandle handle, const void *cookie UNUSED REQUEST_COOKIE)
{
	free(handle);
	return 0;
}

int
web_start(void)
{
	since = time(NULL);
	if (UpnpVirtualDir_set_GetInfoCallback(on_info) != UPNP_E_SUCCESS ||
	    UpnpVirtualDir_set_OpenCallback(on_open) != UPNP_E_SUCCESS ||
	    UpnpVirtualDir_set_ReadCallback(on_read) != UPNP_E_SUCCESS ||
	    UpnpVirtualDir_set_WriteCallback(on_write) != UPNP_E_SUCCESS ||
	    UpnpVirtualDir_set_SeekCallback(on_seek) != UPNP_E_SUCCESS ||
	    UpnpVirtualDir_set_CloseCallback(on_close) != UPNP_E_SUCCESS ||
	    UpnpAddVirtualDir("/", NULL, NULL) != UPNP_E_SUCCESS)
		return -EIO;
	return 0;
}
