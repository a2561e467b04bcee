/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who got which address: reads the lease file that dnsmasq keeps in the state directory. Pure but
 * for dhcp_leases_find(). IPv4 only: IPv6 hosts choose their addresses themselves.
 */
#ifndef PORTREEVE_CORE_DHCP_LEASES_H
#define PORTREEVE_CORE_DHCP_LEASES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mac.h"

#define DHCP_LEASES_FILE "dhcp.leases"
#define DHCP_HOST_MAX 64 /* octets of a host name, with the NUL */

struct dhcp_lease {
	uint32_t address;
	int64_t expires_s; /* wall clock; 0: never */
	struct mac mac;
	char host[DHCP_HOST_MAX]; /* as the client or a reservation names it: letters, digits, '-',
				     '_' and '.'; "" when unknown */
};

/*
 * One line: "EXPIRES MAC ADDRESS HOST CLIENT-ID". False: it is none of an IPv4 lease by MAC. The
 * host name is the client's word, so anything but a plain name is left out.
 */
bool dhcp_leases_parse(const char *line, struct dhcp_lease *lease);

/*
 * Looks @address up in the first 4096 lines of @state_dir's file, which is the DHCP server's to
 * write. False: not there, or no such file.
 */
bool dhcp_leases_find(const char *state_dir, uint32_t address, struct dhcp_lease *lease);

#endif
