/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which mappings and pinholes "list" shows, and in which order. Pure. */
#ifndef PORTREEVE_CTL_FILTER_H
#define PORTREEVE_CTL_FILTER_H

#include <jansson.h>
#include <stdbool.h>

/* As on the command line; NULL: all. */
struct filter {
	const char *client;   /* address of who asked, or of where it leads to */
	const char *protocol; /* "tcp" or "udp", in any case; of pinholes also a number or "any" */
	const char *port;     /* outside or inside */
	const char *origin;
	const char *sort;
	bool unused; /* never seen in use */
};

/* NULL, or what is wrong and what is legal, in static memory. */
const char *filter_check(const struct filter *filter);

/*
 * Those objects of @array (mappings or pinholes of lease_json.h) that pass, sorted; equal ones stay
 * in the daemon's order. A new reference; NULL: no memory.
 */
json_t *filter_apply(const struct filter *filter, json_t *array);

#endif
