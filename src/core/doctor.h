/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portreeve doctor: does the machine around us let a gateway work?
 *
 * doctor_gather.c looks, doctor.c judges what was seen: a table of checks, pure. Not for a request
 * path: gathering takes some milliseconds.
 */
#ifndef PORTREEVE_CORE_DOCTOR_H
#define PORTREEVE_CORE_DOCTOR_H

#include <jansson.h>

#include "config/conf.h"
#include "core/core.h"
#include "kernel/foreign.h"
#include "kernel/nft.h"
#include "lib/addr.h"
#include "lib/addr6.h"

#define DOCTOR_FINDINGS_MAX 16
#define DOCTOR_TAKEN_MAX 8
#define DOCTOR_LEASES_MAX 256 /* mappings that are looked at one by one */

/* What somebody's rule is in the way of. */
enum doctor_traffic {
	DOCTOR_ARRIVAL,  /* to a mapped port, before it is translated */
	DOCTOR_MAPPING,  /* the same, on its way to the LAN */
	DOCTOR_PINHOLE,  /* IPv6 through a pinhole */
	DOCTOR_SEARCH,   /* UPnP searches from the LAN */
	DOCTOR_CONTROL,  /* UPnP calls from the LAN */
	DOCTOR_OUTBOUND, /* from the LAN to the Internet, where we share the WAN */
	DOCTOR_REPLY,    /* ... and what is answered */
	DOCTOR_TRAFFICS,
};

struct doctor_finding {
	enum doctor_traffic traffic;
	uint32_t lease; /* id of the mapping; 0: all of that traffic */
	char lan[IFNAMSIZ];
	struct foreign_finding foreign;
};

struct doctor_lan {
	char ifname[IFNAMSIZ];
	bool serving;
	struct prefix4 prefix;
	struct prefix6 prefix6; /* one that the Internet reaches; of length 0: none */
	uint32_t worker_pid, restarts;
	int joined; /* the group of searches; -1: not known */
	bool is_bridge, snooping, querier;
	bool http_taken;    /* its port is another program's */
	int64_t forwarding; /* -1: not known */
};

struct doctor_taken {
	uint32_t lease;
	uint16_t port;
	uint8_t protocol;
};

/* Numbers that are -1 could not be found out. */
struct doctor_facts {
	bool share, pinholes;
	bool masquerades_us; /* we translate what leaves by the WAN */
	bool routed;         /* nobody shall: a firewall without translation */
	uint16_t http_port;
	uint32_t join_mark; /* firewall = join: the bit that says what we let in; else 0 */
	/* the WAN */
	char wan[IFNAMSIZ]; /* empty: none */
	bool wan_connected;
	uint32_t wan_address, external_address; /* 0: none; none configured */
	char default_route[IFNAMSIZ];           /* empty: none */
	/* the kernel's settings */
	int64_t forward4, forward6, forward4_wan;
	int64_t rp_all, rp_wan;
	int64_t flows, flows_max;
	/* the LANs */
	struct doctor_lan lans[CONF_LANS_MAX];
	size_t n_lans;
	/* packet filters */
	struct nft_health health;
	unsigned our_chains; /* that there should be */
	int foreign_error;   /* -errno, or 0 */
	struct foreign_summary foreign;
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	size_t n_findings;
	bool findings_left_out;
	bool legacy; /* rules of the old iptables, which we cannot read */
	bool dnat_first, snat_first, masquerades; /* of others */
	struct foreign_nat dnat, snat, masquerade;
	uint32_t dnat_lease; /* the mapping whose port is taken; 0: none in particular */
	/* ports */
	struct doctor_taken taken[DOCTOR_TAKEN_MAX];
	size_t n_taken;
	/* us */
	int64_t core_age_s, daemon_age_s;
	int state_error; /* -errno, or 0 */
	int store_error; /* of the last write there: -errno, or 0 */
	char state_dir[256];
	uint64_t disk_free, disk_size; /* octets */
	char kernel[72];               /* its release */
};

enum doctor_result { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_SKIP };

struct doctor_line {
	const char *id;
	enum doctor_result result;
	char reason[512];
	char remedy[512]; /* empty: none is needed */
};

typedef void (*doctor_line_fn)(void *arg, const struct doctor_line *line);

/* All checks, each of which says one line or more. Pure. */
void doctor_check(const struct doctor_facts *facts, doctor_line_fn on_line, void *arg);

/* Looks at this machine. Takes some milliseconds. */
void doctor_gather(struct core *core, struct doctor_facts *facts);

/*
 * {"checks": [{"id", "result", "reason", "remedy"}, ...], "lans": [{"interface", "address"}, ...],
 * "http_port"}, the LANs being those that are served. A new reference, or NULL when memory is out.
 */
json_t *doctor_json(struct core *core);

#endif
