/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One SSDP datagram of ours, as libupnp means it and as it leaves. Pure.
 *
 * libupnp 1.8 names one description for all it tells, has no BOOTID.UPNP.ORG and CONFIGID.UPNP.ORG
 * (UDA 1.1 1.2.2), signs as a product of its own, and answers a search for a type whose name only
 * begins as one of ours does. So its datagrams are written anew: what is not a resource of ours
 * stays unsaid.
 *
 * Which description a resource leads to, with both shown: that of IGD:2 for what only IGD:2 has, by
 * type or by version, and that of IGD:1 for all the rest, the root device and the UDNs included.
 * Whoever knows IGD:2 asks for it or hears it announced by its type; most of those who ask for
 * less, or for nothing in particular, take only literal ":1" types, and Windows, consoles and many
 * stacks fail at a tree of version 2. Advertisements follow the same rule, so that one USN always
 * leads to one place.
 */
#ifndef PORTREEVE_WORKER_UPNP_SSDP_SEND_H
#define PORTREEVE_WORKER_UPNP_SSDP_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SSDP_SEND_RESOURCES 24
#define SSDP_SEND_NAME_MAX 96
#define SSDP_SEND_LOCATION_MAX 64
#define SSDP_SEND_SERVER_MAX 64
#define SSDP_SEND_MAX 1024 /* octets of a datagram */

struct ssdp_resource {
	char name[SSDP_SEND_NAME_MAX]; /* of NT and ST; a type is without its version */
	unsigned version;              /* the highest of the type; 0: it has none */
	bool new;                      /* the IGD:1 document does not have it in any version */
};

/* Constant once libupnp has a device to tell of, but for the boot id. */
struct ssdp_self {
	_Atomic uint32_t boot_id;
	uint32_t config_id;
	char server[SSDP_SEND_SERVER_MAX];
	/* Of the IGD:1 and of the IGD:2 document. One of them may be empty: it is not shown. */
	char location_1[SSDP_SEND_LOCATION_MAX], location_2[SSDP_SEND_LOCATION_MAX];
	unsigned n;
	struct ssdp_resource resources[SSDP_SEND_RESOURCES];
};

/* Adds a resource; what does not fit is not told. */
void ssdp_self_add(struct ssdp_self *self, const char *name, unsigned version, bool new);

/*
 * Writes the @len octets of @text, a NOTIFY or an answer to a search, anew into @out. The new
 * length; 0: it is not to be sent.
 */
size_t ssdp_send_rewrite(
    const struct ssdp_self *self, const char *text, size_t len, char out[SSDP_SEND_MAX]);

#endif
