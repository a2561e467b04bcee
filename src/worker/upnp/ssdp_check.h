/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One SSDP datagram: is it a search that we answer, and how libupnp gets to see it. Pure; fuzzed.
 *
 * libupnp takes a search only with HOST 239.255.255.250:1900 (so no unicast one), MAN in quotes and
 * any MX up to 120 s; it is written anew in that form.
 */
#ifndef PORTREEVE_WORKER_UPNP_SSDP_CHECK_H
#define PORTREEVE_WORKER_UPNP_SSDP_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#define SSDP_MX_MAX 5 /* UDA 1.1 1.3.2: what is more counts as 5 */
#define SSDP_ST_MAX 128

/*
 * Rewrites the @len octets in @buf (@cap in all) in place. Returns the new length; 0: not a search
 * for anything, no answer. @multicast: it came by multicast and must have an MX; a unicast search
 * need not, and is answered at once.
 */
size_t ssdp_rewrite(char *buf, size_t len, size_t cap, bool multicast);

#endif
