/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "platform/cttimeout.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>

#define DIR "/proc/sys/net/netfilter/nf_conntrack_"

static const char *
key_of(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return DIR "tcp_timeout_established";
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return DIR "udp_timeout_stream";
	case IPPROTO_SCTP:
		return DIR "sctp_timeout_established";
	case IPPROTO_DCCP:
		return DIR "dccp_timeout_open";
	case IPPROTO_ICMPV6:
		return DIR "icmpv6_timeout";
	case IPPROTO_GRE:
		return DIR "gre_timeout_stream";
	}
	return DIR "generic_timeout";
}

static int
read_number(const char *path, uint32_t *number)
{
	FILE *f = fopen(path, "re");
	int rc;

	if (!f)
		return -errno;
	rc = fscanf(f, "%" SCNu32, number) == 1 ? 0 : -EIO;
	fclose(f);
	return rc;
}

int
cttimeout_read(uint8_t protocol, uint32_t *seconds)
{
	int rc = read_number(key_of(protocol), seconds);

	return rc == -ENOENT ? read_number(DIR "generic_timeout", seconds) : rc;
}
