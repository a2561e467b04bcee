/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why portreeve-dhcp did not become dnsmasq, as exit status: the only word between it and who
 * started it. dnsmasq itself ends with small numbers.
 */
#ifndef PORTREEVE_DHCP_EXITS_H
#define PORTREEVE_DHCP_EXITS_H

#include <stdbool.h>

#define EXITS_NONE 0        /* nobody else serves; only where no dnsmasq was to be started */
#define EXITS_NO_DNSMASQ 79 /* it is not installed */
#define EXITS_TAKEN 80      /* + n: another program of this machine serves the n-th interface */
#define EXITS_ANSWERS 100   /* + n: another machine there has answered */
#define EXITS_LANS 16
#define EXITS_LOOK_MS 4500 /* after so long it is dnsmasq, or has ended */

/* To try again would not help. */
static inline bool
exits_is_final(int status)
{
	return status >= EXITS_NO_DNSMASQ && status < EXITS_ANSWERS + EXITS_LANS;
}

#endif
