/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What we may change of the system, each as a name and a value, both text, so that a change can be
 * written down and undone by another process later.
 *
 *	sysctl:net/ipv4/ip_forward          what the file says
 *	address:lan0:192.168.137.1/24       "absent" or "present"; IPv6, too
 *	link:lan0                           "down" or "up"
 */
#ifndef PORTREEVE_PLATFORM_SETTING_H
#define PORTREEVE_PLATFORM_SETTING_H

#define SETTING_NAME_MAX 128 /* with the NUL */
#define SETTING_VALUE_MAX 32

/*
 * The present value. 0 or -errno: -ENODEV, -ENOENT: there is no such thing (any more); -EINVAL: no
 * name of a setting.
 */
int setting_get(const char *name, char value[SETTING_VALUE_MAX]);

/* 0 or -errno, as above. Setting what is set already is fine. */
int setting_set(const char *name, const char *value);

#endif
