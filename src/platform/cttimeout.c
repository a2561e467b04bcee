/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "platform/cttimeout.h"

#include <errno.h>
#include <netinet/in.h>

#include "platform/sysctl.h"

#define DIR "net/netfilter/nf_conntrack_"

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

int
cttimeout_read(uint8_t protocol, uint32_t *seconds)
{
	int64_t number = 0;
	int rc = sysctl_read(key_of(protocol), &number);

	if (rc == -ENOENT)
		rc = sysctl_read(DIR "generic_timeout", &number);
	if (rc == 0 && (number < 0 || number > UINT32_MAX))
		rc = -ERANGE;
	if (rc == 0)
		*seconds = (uint32_t)number;
	return rc;
}
