/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long connection tracking keeps an idle flow, as the administrator has set it. */
#ifndef PORTREEVE_PLATFORM_CTTIMEOUT_H
#define PORTREEVE_PLATFORM_CTTIMEOUT_H

#include <stdint.h>

/*
 * Seconds, for a flow of @protocol that both sides have used (net.netfilter.nf_conntrack_*; a
 * protocol that has no key of its own has the generic one). 0 or -errno: there is no connection
 * tracking.
 */
int cttimeout_read(uint8_t protocol, uint32_t *seconds);

#endif
