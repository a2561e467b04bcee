/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What single words of a command line mean, for more than one verb. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ctl/ctl.h"

const char *
ctl_parse_protocol(const char *word)
{
	if (strcasecmp(word, "tcp") == 0)
		return "TCP";
	if (strcasecmp(word, "udp") == 0)
		return "UDP";
	ctl_usage("\"%s\" is no protocol; it is tcp or udp", word);
	return NULL;
}

int
ctl_parse_inside(const char *word, char addr[ADDR4_STRLEN], uint32_t *port)
{
	const char *colon = strchr(word, ':');
	size_t n = colon ? (size_t)(colon - word) : strlen(word);
	uint32_t parsed = 0;

	snprintf(addr, ADDR4_STRLEN, "%.*s", n < ADDR4_STRLEN ? (int)n : 0, word);
	if (addr4_parse(addr, &parsed) < 0 || !parsed) {
		ctl_usage(
		    "\"%s\" is no internal client; it is an IPv4 address, or ADDRESS:PORT", word);
		return -EINVAL;
	}
	return colon ? ctl_parse_number(colon + 1, "the internal port", 1, 65535, port) : 0;
}

int
ctl_parse_remote(const char *word)
{
	uint32_t addr;

	if (!word || (addr4_parse(word, &addr) == 0 && addr))
		return 0;
	ctl_usage("\"%s\" is no remote host; it is an IPv4 address", word);
	return -EINVAL;
}
