/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which ports the gateway itself uses. */
#ifndef PORTREEVE_PLATFORM_PORTUSE_H
#define PORTREEVE_PLATFORM_PORTUSE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Is there a socket that gets packets for @addr (0: any of ours) and @port? Tried by taking the
 * port for a moment, which costs some microseconds. False when that cannot be found out. @protocol:
 * IPPROTO_TCP or IPPROTO_UDP.
 */
bool portuse_taken(uint32_t addr, uint8_t protocol, uint16_t port);

#endif
