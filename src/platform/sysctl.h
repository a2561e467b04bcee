/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that the kernel tells under /proc/sys, of our network namespace. */
#ifndef PORTREEVE_PLATFORM_SYSCTL_H
#define PORTREEVE_PLATFORM_SYSCTL_H

#include <stdint.h>

/* The number in /proc/sys/@name ("net/ipv4/ip_forward"). 0 or -errno (-ENOENT: none of that name).
 */
int sysctl_read(const char *name, int64_t *number);

/* The same of a key per interface: /proc/sys/net/@family/conf/@ifname/@key; @family: "ipv4", ... */
int sysctl_read_if(const char *family, const char *ifname, const char *key, int64_t *number);

#endif
