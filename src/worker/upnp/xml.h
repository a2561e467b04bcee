/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text into XML, where libupnp sends what it is given as it is. */
#ifndef PORTREEVE_WORKER_UPNP_XML_H
#define PORTREEVE_WORKER_UPNP_XML_H

#include <stddef.h>

#define XML_ESCAPED_MAX(len) ((len)*6 + 1) /* "&quot;" is the longest */

/*
 * Writes @text with & < > " ' as entities into @buf, always terminated and never cut within an
 * entity. 0, or -ENOSPC: @buf holds what fitted.
 */
int xml_escape(char *buf, size_t size, const char *text);

#endif
