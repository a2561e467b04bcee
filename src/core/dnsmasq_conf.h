/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration that dnsmasq gets, as text. Pure: no files, no processes. */
#ifndef PORTREEVE_CORE_DNSMASQ_CONF_H
#define PORTREEVE_CORE_DNSMASQ_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/conf.h"

/* A LAN that gets its addresses from us. */
struct dnsmasq_lan {
	char ifname[IFNAMSIZ];
	struct prefix4 prefix; /* our address there; zero: no IPv4 */
	bool ipv6;             /* router advertisements for the prefixes it has */
};

/* What the configuration says does not change while a core runs, but by a reload; the LANs do. */
struct dnsmasq_wish {
	const struct conf *conf;
	struct dnsmasq_lan lans[CONF_LANS_MAX];
	size_t n_lans;
};

/*
 * The text for @wish, to be freed; NULL: no memory. Equal wishes make equal texts, so that who
 * starts dnsmasq can see whether anything has changed.
 */
char *dnsmasq_conf_build(const struct dnsmasq_wish *wish);

/*
 * The addresses that hosts of a LAN may get: of dhcp_range where it lies in @prefix, else all but
 * the ends and our own, the lower ones left for hosts that have theirs by hand where there is room.
 * False: there are none.
 */
bool dnsmasq_conf_range(
    const struct conf *conf, const struct prefix4 *prefix, uint32_t *first, uint32_t *last);

#endif
