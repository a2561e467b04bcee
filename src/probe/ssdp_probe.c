/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "probe/ssdp_probe.h"

#include <stdio.h>
#include <string.h>

#include "lib/addr.h"

/* Version 1: gateways of version 2 answer to it as well (UDA 1.1 section 1.3.2). */
static const char search[] = "M-SEARCH * HTTP/1.1\r\n"
			     "HOST: 239.255.255.250:1900\r\n"
			     "MAN: \"ssdp:discover\"\r\n"
			     "MX: 1\r\n"
			     "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
			     "\r\n";

const char *
ssdp_probe_search(size_t *len)
{
	*len = sizeof(search) - 1;
	return search;
}

bool
ssdp_probe_is_answer(const char *data, size_t len)
{
	static const char prefix[] = "HTTP/1.1 200";

	return len >= sizeof(prefix) - 1 && memcmp(data, prefix, sizeof(prefix) - 1) == 0;
}

bool
ssdp_probe_is_ours(const char *data, size_t len, uint32_t addr, uint16_t port)
{
	char url[48], text[ADDR4_STRLEN];

	snprintf(url, sizeof(url), "http://%s:%u/", addr4_str(addr, text), port);
	return memmem(data, len, url, strlen(url)) != NULL;
}
