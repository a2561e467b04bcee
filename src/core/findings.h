/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an administrator should know of what is open, and of the gateway itself: a table of checks
 * over a snapshot. Pure: audit.c takes the snapshot, so tests make one of their own.
 *
 * A snapshot is of the gateway, or of some of the ways in that are open: thousands of them are
 * looked at in pieces, between which others are served.
 */
#ifndef PORTREEVE_CORE_FINDINGS_H
#define PORTREEVE_CORE_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/conf_finding.h"
#include "core/doctor.h"
#include "core/trail_store.h"
#include "lib/addr6.h"

#define FINDINGS_LINES_MAX 32
#define FINDINGS_INCIDENT_DAYS 7 /* what happened before that is history */

/* Of the host that a way leads to. */
enum findings_host { FINDINGS_HOST_UNKNOWN, FINDINGS_HOST_THERE, FINDINGS_HOST_GONE };

/* One mapping or pinhole. */
struct findings_way {
	uint32_t id;
	bool pinhole;
	bool enabled;
	bool by_client; /* false: the administrator's */
	bool any_remote;
	bool permanent;
	uint16_t protocol;
	uint16_t external_port; /* of a pinhole the internal one */
	uint16_t internal_port; /* 0: any, of a pinhole */
	struct addr6 internal;
	struct addr6 client;            /* who asked */
	int64_t created_s, last_used_s; /* wall clock; 0: not known, never */
	enum findings_host host;
	size_t of_host;     /* so many mappings lead to that host... */
	bool first_of_host; /* ... and of those this is the one to speak for it */
	char description[TRAIL_DESCRIPTION_MAX];
};

/* What happened of late, by itself: see trail.h. */
enum findings_incident {
	FINDINGS_HEALED,
	FINDINGS_WORKER_ENDED,
	FINDINGS_CORE_CRASHED,
	FINDINGS_CLOCK_JUMPED,
	FINDINGS_SET_ASIDE,
	FINDINGS_ROWS_LOST,
	FINDINGS_INCIDENTS
};

struct findings_facts {
	int64_t now_s;        /* wall clock */
	uint32_t unused_days; /* "audit_unused_days" */
	uint32_t many_ports;  /* "audit_many_ports" */

	/* of the gateway; not looked at without @gateway */
	bool gateway;
	bool secure;
	bool double_nat;
	uint32_t wan_address;
	struct doctor_line lines[FINDINGS_LINES_MAX]; /* the doctor's that are not well */
	size_t n_lines;
	struct trail_incident incidents[FINDINGS_INCIDENTS];

	const struct findings_way *ways;
	size_t n_ways;
};

enum finding_severity { FINDING_WARNING, FINDING_CRITICAL };

struct finding {
	enum conf_finding id;
	enum finding_severity severity;
	char subject[80]; /* what it is about, in short: "TCP 22", "192.168.1.7"; empty: the gateway
			   */
	char seen[640];
	const char *why;
	const char *remedy;
	uint32_t mapping; /* 0: none */
	uint16_t pinhole;
};

typedef void (*finding_fn)(void *arg, const struct finding *finding);

/* All checks; @found hears of each finding, which lives during the call. */
void findings_check(const struct findings_facts *facts, finding_fn found, void *arg);

/* "warning", "critical". */
const char *finding_severity_str(enum finding_severity severity);

#endif
