/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A UPnP search for gateways, and what of its answers is looked at: who sent it. Pure. */
#ifndef PORTREEVE_PROBE_SSDP_PROBE_H
#define PORTREEVE_PROBE_SSDP_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SSDP_PROBE_GROUP 0xeffffffau /* 239.255.255.250 */
#define SSDP_PROBE_PORT 1900
#define SSDP_PROBE_MX_S 1 /* within which answers are to come */

/* The datagram to send: its text, and its length to @len. */
const char *ssdp_probe_search(size_t *len);

/* Is it an answer to a search, whatever else is in it? */
bool ssdp_probe_is_answer(const char *data, size_t len);

/* Does it lead to http://@addr:@port/, that is to our own worker? */
bool ssdp_probe_is_ours(const char *data, size_t len, uint32_t addr, uint16_t port);

#endif
