/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who got which address: reads the lease file that dnsmasq keeps in the state directory. Pure but
 * for dhcp_leases_find(), which reads it when it has changed. IPv4 only: IPv6 hosts choose their
 * addresses themselves.
 */
#ifndef PORTREEVE_CORE_DHCP_LEASES_H
#define PORTREEVE_CORE_DHCP_LEASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/mac.h"

#define DHCP_LEASES_FILE "dhcp.leases"
#define DHCP_HOST_MAX 64 /* octets of a host name, with the NUL */

struct dhcp_lease {
	uint32_t address;
	int64_t expires_s; /* wall clock; 0: never */
	struct mac mac;
	char host[DHCP_HOST_MAX]; /* as the client or a reservation names it: letters, digits, '-',
				     '_' and '.'; "" when unknown */
	uint16_t line;            /* of the file, from 0 */
};

/* What was in the file, and which state of it that was. Zero is an empty one. */
struct dhcp_leases {
	struct dhcp_lease *all; /* by address, then line */
	size_t n;
	bool read;
	struct stat as; /* of what was read */
};

/*
 * One line: "EXPIRES MAC ADDRESS HOST CLIENT-ID". False: it is none of an IPv4 lease by MAC. The
 * host name is the client's word, so anything but a plain name is left out.
 */
bool dhcp_leases_parse(const char *line, struct dhcp_lease *lease);

/*
 * Looks @address up in the first 4096 lines of @state_dir's file, which is the DHCP server's to
 * write; it is read again only when its time or size is another one, or when it was written so
 * shortly before it was read that more may have followed. False: not there, no such file, or it is
 * none that can be read.
 */
bool dhcp_leases_find(
    struct dhcp_leases *leases, const char *state_dir, uint32_t address, struct dhcp_lease *lease);
void dhcp_leases_free(struct dhcp_leases *leases);

#endif
