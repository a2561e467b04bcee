/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/dnsmasq_conf.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/addr6.h"

/* Hosts of a network of this size or a larger one that may have their addresses by hand. */
#define BY_HAND 100
#define BY_HAND_PREFIX 24

bool
dnsmasq_conf_range(
    const struct conf *conf, const struct prefix4 *prefix, uint32_t *first, uint32_t *last)
{
	uint32_t mask = prefix4_mask(prefix->len), network = prefix->addr & mask;

	if (prefix->len == 0 || prefix->len > 30)
		return false;
	if (conf->dhcp_range.first && prefix4_contains(prefix, conf->dhcp_range.first) &&
	    prefix4_contains(prefix, conf->dhcp_range.last)) {
		*first = conf->dhcp_range.first;
		*last = conf->dhcp_range.last;
		return true;
	}
	*first = network + (prefix->len <= BY_HAND_PREFIX ? BY_HAND : 1);
	*last = (network | ~mask) - 1;
	return true;
}

static void
put_general(FILE *out)
{
	fputs(
	    "# Made by portreeve-core of portreeve.conf(5); what is changed here is lost.\n"
	    "log-facility=-\n"
	    "bind-dynamic\n"
	    "except-interface=lo\n"
	    "no-hosts\n"
	    "domain-needed\n"
	    "bogus-priv\n"
	    "dhcp-authoritative\n"
	    "dhcp-leasefile=/dev/stdin\n"
	    /* A host that calls itself so would be asked by browsers how to reach the Internet. */
	    "dhcp-name-match=set:not-a-name,wpad\n"
	    "dhcp-ignore-names=tag:not-a-name\n",
	    out);
}

static void
put_upstream(const struct conf *conf, FILE *out)
{
	char text[ADDR6_STRLEN];
	size_t i;

	if (!conf->n_dns) {
		fputs("resolv-file=/etc/resolv.conf\n", out);
		return;
	}
	fputs("no-resolv\n", out);
	for (i = 0; i < conf->n_dns; i++)
		fprintf(out, "server=%s\n", addr6_str(&conf->dns[i], text));
}

/* Our host name as far as the first dot, in plain letters. "gateway" where there is none. */
static void
own_name(char name[HOST_NAME_MAX + 1])
{
	char *p;

	if (gethostname(name, HOST_NAME_MAX) < 0)
		name[0] = '\0';
	name[HOST_NAME_MAX] = '\0';
	name[strcspn(name, ".")] = '\0';
	for (p = name; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || *p == '-'))
			break;
	if (*p || p == name || strcmp(name, "localhost") == 0)
		strcpy(name, "gateway");
}

static void
put_lan(const struct dnsmasq_wish *wish, const struct dnsmasq_lan *lan, FILE *out)
{
	char name[HOST_NAME_MAX + 1], a[ADDR4_STRLEN], b[ADDR4_STRLEN], mask[ADDR4_STRLEN];
	uint32_t first, last;

	own_name(name);
	fprintf(out, "\ninterface=%s\n", lan->ifname);
	fprintf(out, "interface-name=%s,%s\n", name, lan->ifname);
	fprintf(out, "interface-name=%s.%s,%s\n", name, wish->conf->domain, lan->ifname);
	if (dnsmasq_conf_range(wish->conf, &lan->prefix, &first, &last))
		fprintf(out, "dhcp-range=%s,%s,%s,%u\n", addr4_str(first, a), addr4_str(last, b),
		    addr4_str(prefix4_mask(lan->prefix.len), mask), wish->conf->dhcp_lease_s);
	if (lan->ipv6)
		fprintf(out, "dhcp-range=::,constructor:%s,ra-stateless,ra-names,64,%u\n",
		    lan->ifname, wish->conf->dhcp_lease_s);
}

static bool
is_of_a_lan(const struct dnsmasq_wish *wish, uint32_t address)
{
	size_t i;

	for (i = 0; i < wish->n_lans; i++)
		if (prefix4_contains(&wish->lans[i].prefix, address))
			return true;
	return false;
}

/* A name that is served whether its host is there or not; an address only to its own host. */
static void
put_reservation(
    const struct dnsmasq_wish *wish, const struct conf_reservation *reservation, FILE *out)
{
	const char *name = reservation->head.title;
	const uint8_t *m = reservation->mac.octet;
	char address[ADDR4_STRLEN];

	if (!is_of_a_lan(wish, reservation->address))
		return;
	addr4_str(reservation->address, address);
	fprintf(out, "host-record=%s,%s.%s,%s\n", name, name, wish->conf->domain, address);
	fprintf(out, "dhcp-host=%02x:%02x:%02x:%02x:%02x:%02x,%s,%s\n", m[0], m[1], m[2], m[3],
	    m[4], m[5], address, name);
}

char *
dnsmasq_conf_build(const struct dnsmasq_wish *wish)
{
	const struct conf *conf = wish->conf;
	bool ipv6 = false;
	char *text = NULL;
	size_t size = 0, i;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	put_general(out);
	if (conf->log_level != LOG_LEVEL_DEBUG)
		fputs("quiet-dhcp\nquiet-dhcp6\nquiet-ra\n", out);
	fprintf(out, "domain=%s\nlocal=/%s/\n", conf->domain, conf->domain);
	put_upstream(conf, out);
	for (i = 0; i < wish->n_lans; i++)
		ipv6 = ipv6 || wish->lans[i].ipv6;
	if (ipv6)
		fputs("enable-ra\n", out);
	for (i = 0; i < wish->n_lans; i++)
		put_lan(wish, &wish->lans[i], out);
	fputc('\n', out);
	for (i = 0; i < conf->n_reservations; i++)
		put_reservation(wish, &conf->reservations[i], out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
