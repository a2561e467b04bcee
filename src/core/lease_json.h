/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mapping as the CLI and its watchers see it: the JSON object documented in doc/json.md.
 *
 *	{"id": 7, "enabled": true, "protocol": "TCP", "external_port": 8080, "remote_host": null,
 *	 "internal_client": "192.168.1.7", "internal_port": 80, "lease_remaining_s": 3600,
 *	 "description": "web", "origin": "upnp", "client": "192.168.1.7",
 *	 "created": "2024-05-01T12:00:00Z", "last_used": null, "packets": 0, "octets": 0}
 *
 * remote_host is null for any, lease_remaining_s for a permanent mapping, client for the
 * administrator, last_used while it was never seen in use. packets and octets (of either direction)
 * and last_used are as of the last time that somebody looked; list and show do.
 *
 * A pinhole:
 *
 *	{"id": 7, "protocol": "UDP", "remote_host": null, "remote_port": null,
 *	 "internal_client": "2001:db8::7", "internal_port": 3074, "lease_remaining_s": 3600,
 *	 "origin": "upnp", "client": "2001:db8::7", "created": ..., "last_used": null, "packets": 0}
 *
 * Its protocol is "TCP", "UDP", a number or "any"; remote_host, remote_port and internal_port are
 *null for any.
 *
 * A line of `portreeve watch` is {"time": ..., "event": EVENT, ...} with
 *	added, updated, deleted, expired    "mapping" or "pinhole": the objects above
 *	refused                             "client", "protocol", "external_port", "remote_host",
 *	                                    "internal_client", "internal_port", "result", "reason",
 *	                                    "rule" (null: none decided), "line"
 *	anything else                       "text": what happened, in words
 */
#ifndef PORTREEVE_CORE_LEASE_JSON_H
#define PORTREEVE_CORE_LEASE_JSON_H

#include <jansson.h>

#include "core/lease.h"
#include "core/pinhole_table.h"

/* A new reference, or NULL when memory is out. @now_ms: CLOCK_BOOTTIME. */
json_t *lease_json(const struct lease *lease, int64_t now_ms);

json_t *pinhole_json(const struct pinhole *p, int64_t now_ms);

/* "upnp", "static": stable. */
const char *lease_origin_str(enum lease_origin origin);

/* "TCP" or "UDP". */
const char *protocol_str(uint8_t protocol);

/* The address as text; null for 0. */
json_t *addr_json(uint32_t addr);
json_t *addr6_json(const struct addr6 *addr); /* null for ::, IPv4 as such */

/* "2024-05-01T12:00:00Z" (ISO 8601, UTC); null for 0. */
json_t *time_json(int64_t wall_s);

/* JSON knows no broken UTF-8: what is none becomes '?'. */
json_t *text_json(const char *text);

#endif
