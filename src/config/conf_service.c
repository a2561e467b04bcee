/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Built in rather than read from a file, so that a name means the same where there is no file. */
#include "config/conf_service.h"

#include <string.h>

#define TCP(ports...)                                                                              \
	.tcp = { ports },                                                                          \
	.n_tcp = sizeof((struct conf_ports[]){ ports }) / sizeof(struct conf_ports)
#define UDP(ports...)                                                                              \
	.udp = { ports },                                                                          \
	.n_udp = sizeof((struct conf_ports[]){ ports }) / sizeof(struct conf_ports)
#define ONE(port)                                                                                  \
	{                                                                                          \
		port, port                                                                         \
	}

static const struct conf_service builtin[] = {
	{ { "ftp", 0 }, TCP(ONE(21)) },
	{ { "ssh", 0 }, TCP(ONE(22)) },
	{ { "telnet", 0 }, TCP(ONE(23)) },
	{ { "smtp", 0 }, TCP(ONE(25)) },
	{ { "dns", 0 }, TCP(ONE(53)), UDP(ONE(53)) },
	{ { "http", 0 }, TCP(ONE(80)) },
	{ { "pop3", 0 }, TCP(ONE(110)) },
	{ { "ntp", 0 }, UDP(ONE(123)) },
	{ { "imap", 0 }, TCP(ONE(143)) },
	{ { "https", 0 }, TCP(ONE(443)), UDP(ONE(443)) },
	{ { "submission", 0 }, TCP(ONE(587)) },
	{ { "imaps", 0 }, TCP(ONE(993)) },
	{ { "pop3s", 0 }, TCP(ONE(995)) },
	{ { "openvpn", 0 }, TCP(ONE(1194)), UDP(ONE(1194)) },
	{ { "t120", 0 }, TCP(ONE(1503)) },
	{ { "rdp", 0 }, TCP(ONE(3389)), UDP(ONE(3389)) },
	{ { "ipsec", 0 }, UDP(ONE(500), ONE(4500)) },
	{ { "sip", 0 }, TCP(ONE(5060)), UDP(ONE(5060)) },
	{ { "vnc", 0 }, TCP(ONE(5900)) },
	{ { "wireguard", 0 }, UDP(ONE(51820)) },
};

const struct conf_service *
conf_service_builtin(size_t index)
{
	return index < sizeof(builtin) / sizeof(builtin[0]) ? &builtin[index] : NULL;
}

const struct conf_service *
conf_service_find(const struct conf *conf, const char *name)
{
	const struct conf_service *service;
	size_t i;

	for (i = 0; i < conf->n_services; i++)
		if (strcmp(conf->services[i].head.title, name) == 0)
			return &conf->services[i];
	for (i = 0; (service = conf_service_builtin(i)); i++)
		if (strcmp(service->head.title, name) == 0)
			return service;
	return NULL;
}

static size_t
count_ports(const struct conf_ports *ports, size_t n)
{
	size_t total = 0, i;

	for (i = 0; i < n; i++)
		total += (size_t)(ports[i].last - ports[i].first) + 1;
	return total;
}

size_t
conf_service_ports(const struct conf *conf)
{
	const struct conf_service *s;
	size_t total = 0, i;

	for (i = 0; i < conf->n_open; i++) {
		s = conf_service_find(conf, conf->open[i]);
		if (s)
			total += count_ports(s->tcp, s->n_tcp) + count_ports(s->udp, s->n_udp);
	}
	return total;
}

#define FORWARD_PORTS_MAX 1024

static bool
is_one_port(const struct conf_service *s)
{
	return s->n_tcp <= 1 && s->n_udp <= 1 && (!s->n_tcp || s->tcp[0].first == s->tcp[0].last) &&
	       (!s->n_udp || s->udp[0].first == s->udp[0].last) &&
	       (!s->n_tcp || !s->n_udp || s->tcp[0].first == s->udp[0].first);
}

const char *
conf_service_check_forward(const struct conf *conf, const struct conf_forward *f)
{
	const struct conf_service *service;

	if (!f->service[0])
		return NULL;
	service = conf_service_find(conf, f->service);
	if (!service)
		return "service: there is none of that name; legal: a built-in one, or a section "
		       "\"service\"";
	if (count_ports(service->tcp, service->n_tcp) + count_ports(service->udp, service->n_udp) >
	    FORWARD_PORTS_MAX)
		return "service: has too many ports to be forwarded; legal: at most 1024";
	if (f->to.port && !is_one_port(service))
		return "to: has one port and the service several; legal: without a port";
	return NULL;
}

/* The ports that @f wants of one protocol. Returns how many ranges there are. */
static size_t
ranges_of(const struct conf *conf, const struct conf_forward *f, enum conf_protocol protocol,
    const struct conf_ports **ranges)
{
	const struct conf_service *s = f->service[0] ? conf_service_find(conf, f->service) : NULL;

	*ranges = &f->external;
	if (!f->service[0])
		return !f->protocol || f->protocol == protocol;
	if (!s)
		return 0;
	*ranges = protocol == CONF_TCP ? s->tcp : s->udp;
	return protocol == CONF_TCP ? s->n_tcp : s->n_udp;
}

static bool
do_meet(const struct conf *conf, const struct conf_forward *a, const struct conf_forward *b,
    enum conf_protocol protocol)
{
	const struct conf_ports *of_a, *of_b;
	size_t n_a = ranges_of(conf, a, protocol, &of_a);
	size_t n_b = ranges_of(conf, b, protocol, &of_b), i, j;

	for (i = 0; i < n_a; i++)
		for (j = 0; j < n_b; j++)
			if (of_a[i].first <= of_b[j].last && of_b[j].first <= of_a[i].last)
				return true;
	return false;
}

/* For different remote hosts a port may be mapped twice, but to one host only. */
bool
conf_service_forwards_clash(
    const struct conf *conf, const struct conf_forward *a, const struct conf_forward *b)
{
	if (a->remote_host != b->remote_host && a->to.addr == b->to.addr)
		return false;
	return do_meet(conf, a, b, CONF_TCP) || do_meet(conf, a, b, CONF_UDP);
}
