/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of the security log, in the W3C extended format with the fields that users of the Windows
 * firewall know. Pure.
 */
#ifndef PORTREEVE_SECLOG_LINE_H
#define PORTREEVE_SECLOG_LINE_H

#include <time.h>

#include "seclog/packet.h"

#define LINE_MAX_OCTETS 512

/* The head of each file; ends with a newline. */
extern const char line_head[];

/*
 * @action: "DROP", "OPEN", "OPEN-INBOUND" or "INFO-EVENTS-LOST"; @path: "RECEIVE" or "FORWARD".
 * @packet NULL: there is none, and all its fields are "-". @info: "-" for none. Returns the length,
 * newline included.
 */
size_t line_format(char buf[LINE_MAX_OCTETS], const struct tm *when, const char *action,
    const struct packet *packet, const char *info, const char *path);

#endif
