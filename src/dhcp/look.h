/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does anybody else serve DHCP on a LAN? Asks as a host without an address does (RFC 2131) and
 * waits for offers, on packet sockets, so that neither addresses nor routes nor port 68 matter.
 */
#ifndef PORTREEVE_DHCP_LOOK_H
#define PORTREEVE_DHCP_LOOK_H

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

#define LOOK_MS 4000       /* servers that ping an address first take 3 s to answer */
#define LOOK_AGAIN_MS 1000 /* between two questions */

enum look_result {
	LOOK_NOBODY,
	LOOK_TAKEN,   /* a program of this machine has the server's port there */
	LOOK_ANSWERS, /* @server has answered */
};

/*
 * Looks at all @n interfaces together, at most LOOK_MS; one that is not there, or where it is not
 * permitted to look (logged), counts as LOOK_NOBODY. Returns the index of the first that is served
 * by another, with *@result and *@server, or -1.
 */
int look(const char (*ifnames)[IFNAMSIZ], size_t n, enum look_result *result, uint32_t *server);

#endif
