/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/dhcp_leases.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/addr.h"

#define LINE_MAX_OCTETS 1024
#define LINES_MAX 4096 /* of 1000 leases at most, unless its user writes what he likes */

static bool
is_plain(const char *name)
{
	for (; *name; name++)
		if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
			(*name >= '0' && *name <= '9') || strchr("-_.", *name)))
			return false;
	return true;
}

bool
dhcp_leases_parse(const char *line, struct dhcp_lease *lease)
{
	char mac[64], address[64], host[256];

	memset(lease, 0, sizeof(*lease));
	if (sscanf(line, "%" SCNd64 " %63s %63s %255s", &lease->expires_s, mac, address, host) !=
		4 ||
	    lease->expires_s < 0 || mac_parse(mac, &lease->mac) < 0 ||
	    addr4_parse(address, &lease->address) < 0)
		return false;
	if (strlen(host) < sizeof(lease->host) && is_plain(host)) /* "*": unknown */
		snprintf(lease->host, sizeof(lease->host), "%.63s", host);
	return true;
}

bool
dhcp_leases_find(const char *state_dir, uint32_t address, struct dhcp_lease *lease)
{
	char path[PATH_MAX], line[LINE_MAX_OCTETS];
	bool found = false;
	FILE *in;
	int i;

	snprintf(path, sizeof(path), "%s/" DHCP_LEASES_FILE, state_dir);
	in = fopen(path, "re");
	for (i = 0; in && !found && i < LINES_MAX && fgets(line, sizeof(line), in); i++)
		found = dhcp_leases_parse(line, lease) && lease->address == address;
	if (in)
		fclose(in);
	return found;
}
