/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rtnetlink says of one interface. Keeps nothing open between two calls. */
#ifndef PORTREEVE_PLATFORM_LINK_H
#define PORTREEVE_PLATFORM_LINK_H

#include <libmnl/libmnl.h>

/* Gives the RTM_NEWLINK message of @ifname to @on_link. 0 or -errno (-ENODEV). */
int link_ask(const char *ifname, mnl_cb_t on_link, void *arg);

#endif
