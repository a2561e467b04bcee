/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "seclog/line.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lib/addr.h"

const char line_head[] = "#Version: 1.5\n"
			 "#Software: " PACKAGE_NAME " " PACKAGE_VERSION "\n"
			 "#Time Format: Local\n"
			 "#Fields: date time action protocol src-ip dst-ip src-port dst-port size "
			 "tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path\n\n";

#define NUMBER_MAX 16

static const char *
number_str(bool known, uint32_t n, char buf[NUMBER_MAX])
{
	if (!known)
		return "-";
	snprintf(buf, NUMBER_MAX, "%u", n);
	return buf;
}

static const char *
protocol_str(uint8_t protocol, char buf[NUMBER_MAX])
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_ICMP:
		return "ICMP";
	case IPPROTO_ICMPV6:
		return "ICMPV6";
	default:
		return number_str(true, protocol, buf);
	}
}

/* "SA": the letters of those that are set. */
static const char *
flags_str(const struct packet *p, char buf[8])
{
	static const char letters[] = "FSRPAU";
	size_t i, n = 0;

	if (!p->has_tcp || !p->tcp_flags)
		return "-";
	for (i = 0; letters[i]; i++)
		if (p->tcp_flags & 1 << i)
			buf[n++] = letters[i];
	buf[n] = '\0';
	return buf;
}

static const char *
addr_str(const struct addr6 *addr, char buf[ADDR6_STRLEN])
{
	uint32_t addr4;

	return addr6_to4(addr, &addr4) ? addr4_str(addr4, buf) : addr6_str(addr, buf);
}

static int
format_packet(char *buf, size_t size, const struct packet *p)
{
	char src[ADDR6_STRLEN], dst[ADDR6_STRLEN], flags[8], n[8][NUMBER_MAX];

	return snprintf(buf, size, "%s %s %s %s %s %u %s %s %s %s %s %s",
	    protocol_str(p->protocol, n[0]), addr_str(&p->src, src), addr_str(&p->dst, dst),
	    number_str(p->has_ports, p->src_port, n[1]),
	    number_str(p->has_ports, p->dst_port, n[2]), p->size, flags_str(p, flags),
	    number_str(p->has_tcp, p->tcp_seq, n[3]), number_str(p->has_tcp, p->tcp_ack, n[4]),
	    number_str(p->has_tcp, p->tcp_window, n[5]),
	    number_str(p->has_icmp, p->icmp_type, n[6]),
	    number_str(p->has_icmp, p->icmp_code, n[7]));
}

size_t
line_format(char buf[LINE_MAX_OCTETS], const struct tm *when, const char *action,
    const struct packet *packet, const char *info, const char *path)
{
	char fields[LINE_MAX_OCTETS / 2] = "- - - - - - - - - - - -", time[32];
	int n;

	strftime(time, sizeof(time), "%Y-%m-%d %H:%M:%S", when);
	if (packet)
		format_packet(fields, sizeof(fields), packet);
	n = snprintf(buf, LINE_MAX_OCTETS, "%s %s %s %.64s %s\n", time, action, fields, info, path);
	return n < 0 ? 0 : n < LINE_MAX_OCTETS ? (size_t)n : LINE_MAX_OCTETS - 1;
}
