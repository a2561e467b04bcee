/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: text to one plain struct, which is constant once loaded.
 *
 * Keys and sections with type, range, default and help stand in tables, conf_keys.c; the file is
 * read with libconfuse. Every error names file, line, key and what is legal.
 */
#ifndef PORTREEVE_CONFIG_CONF_H
#define PORTREEVE_CONFIG_CONF_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/addr.h"
#include "lib/addr6.h"
#include "config/conf_finding.h"
#include "lib/log.h"
#include "lib/mac.h"

#define CONF_KEYS_MAX 64 /* outside of sections */
#define CONF_LANS_MAX 16
#define CONF_FILE_MAX 256    /* octets of a path, with the NUL */
#define CONF_COMMAND_MAX 256 /* octets of a command, with the NUL */
#define CONF_NAME_MAX 32     /* ... of a section's title */
#define CONF_RULES_MAX 64
#define CONF_RULE_CLIENTS_MAX 16
#define CONF_RULE_LANS_MAX 8
#define CONF_RULE_PORTS_MAX 8
#define CONF_REASON_MAX 96
#define CONF_DNS_MAX 8
#define CONF_DOMAIN_MAX 64 /* octets of a domain's name, with the NUL */
#define CONF_RESERVATIONS_MAX 256
#define CONF_PATH SYSCONFDIR "/portreeve/portreeve.conf"

/* The head of each entry of a section: NAME "TITLE" { ... }. */
struct conf_entry {
	char title[CONF_NAME_MAX];
	int line; /* where it begins in the file; 0: the command line */
};

/* Whom a rule is about. */
struct conf_client {
	bool is_mac;
	struct mac mac;
	struct prefix6 prefix; /* if it is no MAC; IPv4 as ::ffff:a.b.c.d/(96 + length) */
};

struct conf_ports {
	uint16_t first, last;
};

/* IPv4 addresses; 0 to 0: none given. */
struct conf_range {
	uint32_t first, last;
};

/* A prefix for the LANs, of 64 bits or fewer; all zeros: none. */
struct conf_prefix6 {
	bool automatic; /* what is on the LANs already, as delegated by the provider */
	struct prefix6 prefix;
};

/* reservation "NAME" { ... }: the title is the host's name. */
struct conf_reservation {
	struct conf_entry head;
	struct mac mac;
	uint32_t address;
};

/* A switch that can be left to the daemon. */
enum conf_switch { CONF_AUTO, CONF_NO, CONF_YES };

/* What a reload does with mappings that would not be granted any more. */
enum conf_on_reload { CONF_KEEP, CONF_REVOKE };

enum conf_action { CONF_ACTION_NONE, CONF_ALLOW, CONF_DENY };
enum conf_preset_id {
	CONF_PRESET_NONE,
	CONF_PRESET_MESSENGER,
	CONF_PRESET_CONSOLE,
	CONF_PRESET_P2P,
	CONF_PRESET_STRICT,
	CONF_PRESET_COUNT
};
enum conf_protocol { CONF_PROTOCOL_ANY, CONF_TCP, CONF_UDP };

/* rule "TITLE" { ... }: what a list leaves empty matches all; core/policy.c says what it means. */
struct conf_rule {
	struct conf_entry head;
	uint8_t action; /* enum conf_action; may be none if there is a preset */
	uint8_t preset; /* enum conf_preset_id; its rules, for these clients and LANs */
	struct conf_client clients[CONF_RULE_CLIENTS_MAX];
	size_t n_clients;
	char lans[CONF_RULE_LANS_MAX][IFNAMSIZ];
	size_t n_lans;
	uint8_t protocol; /* enum conf_protocol */
	struct conf_ports external[CONF_RULE_PORTS_MAX];
	size_t n_external;
	struct conf_ports internal[CONF_RULE_PORTS_MAX];
	size_t n_internal;
	uint32_t max_mappings_per_client; /* 0: the key's of that name */
	uint32_t max_mappings;            /* in all, by this rule; 0: no limit of its own */
	uint32_t max_lease_s;             /* 0: the key's of that name */
	bool permanent;                   /* may a lease be permanent? */
	bool remote_host_required;
	char reason[CONF_REASON_MAX]; /* of a denial, for log and administrator; may be empty */
};

/* "firewall" */
enum conf_firewall { CONF_FIREWALL_OFF, CONF_FIREWALL_OWN, CONF_FIREWALL_JOIN };

/* "icmp_allow" */
enum conf_icmp {
	CONF_ICMP_ECHO,
	CONF_ICMP_TIMESTAMP,
	CONF_ICMP_MASK,
	CONF_ICMP_ROUTER,
	CONF_ICMP_REDIRECT,
	CONF_ICMP_COUNT
};

#define CONF_SERVICES_MAX 32
#define CONF_SERVICE_PORTS_MAX 8
#define CONF_OPEN_MAX 16
#define CONF_OPEN_PORTS_MAX 256 /* of all services that are open */
#define CONF_FORWARDS_MAX 64
#define CONF_FORWARD_TEXT_MAX 64

/* service "NAME" { ... }: ports under one name. */
struct conf_service {
	struct conf_entry head;
	struct conf_ports tcp[CONF_SERVICE_PORTS_MAX];
	size_t n_tcp;
	struct conf_ports udp[CONF_SERVICE_PORTS_MAX];
	size_t n_udp;
};

/* "helpers" */
enum conf_helper {
	CONF_HELPER_FTP,
	CONF_HELPER_TFTP,
	CONF_HELPER_SIP,
	CONF_HELPER_H323,
	CONF_HELPER_PPTP,
	CONF_HELPER_COUNT
};

struct conf_endpoint {
	uint32_t addr; /* IPv4, host byte order */
	uint16_t port; /* 0: not given */
};

/* forward "NAME" { ... }: a mapping, or several, by the file. */
struct conf_forward {
	struct conf_entry head;
	char service[CONF_NAME_MAX]; /* or, if empty: */
	uint8_t protocol;            /* enum conf_protocol; any: both */
	struct conf_ports external;  /* 0: none given */
	struct conf_endpoint to;
	uint32_t remote_host; /* 0: any */
	char description[CONF_FORWARD_TEXT_MAX];
};

#define CONF_CHAIN_NAME_MAX 64
#define CONF_CHAINS_MAX 16

/* A chain of another table of nf_tables. */
struct conf_chain {
	uint8_t family; /* enum conf_family */
	char table[CONF_CHAIN_NAME_MAX];
	char chain[CONF_CHAIN_NAME_MAX];
};
enum conf_family { CONF_IP, CONF_IP6, CONF_INET };

/* Where a key got its value, if not a line of the file. */
#define CONF_LINE_DEFAULT 0
#define CONF_LINE_OPTION (-1) /* the command line */

struct conf {
	char wan[IFNAMSIZ]; /* "wan"; empty: the default route's interface, followed */
	char lans[CONF_LANS_MAX][IFNAMSIZ]; /* "lan", a list; empty: every other interface with a
					       private address */
	size_t n_lans;
	bool share; /* "share": masquerade, forward, give LANs what they need (ICS); default no */
	struct prefix4 lan_address; /* "lan_address": for the first LAN that has none when sharing,
				       the next networks for others; default 192.168.137.1/24 */
	struct conf_prefix6 lan_prefix6; /* "lan_prefix6": share IPv6, too; default none */
	uint8_t dhcp; /* "dhcp" enum conf_switch: DHCP and DNS by dnsmasq when sharing; default
			 auto: unless there is another server */
	struct conf_range dhcp_range;   /* "dhcp_range"; default none: as dnsmasq_conf.h says */
	uint32_t dhcp_lease_s;          /* "dhcp_lease_s" 120..31536000; default 43200 */
	char domain[CONF_DOMAIN_MAX];   /* "domain" of the LANs' hosts; default lan */
	struct addr6 dns[CONF_DNS_MAX]; /* "dns", a list, IPv4 as ::ffff:a.b.c.d: where names of
					   others are asked for; empty: as the system does */
	size_t n_dns;
	char dhcp_user[32]; /* "dhcp_user": as whom dnsmasq runs; default dnsmasq */
	uint8_t clamp_mss;  /* "clamp_mss" enum conf_switch: TCP's segments fit the links; default
			       auto: where sharing and needed */
	bool secure;        /* "secure": clients map to themselves only; default yes */
	uint16_t min_port;  /* "min_port" 1..65535: least external port for clients, and never below
			      1024  without a rule; default 1024 */
	uint32_t max_mappings_per_client; /* "max_mappings_per_client" 1..65535; default 128 */
	uint32_t max_mappings;            /* "max_mappings" 1..131072; default 32768 */
	uint32_t max_lease_s; /* "max_lease_s" 0..2^32-1, 0: no limit and permanent ones allowed;
				 default 0 */
	uint32_t external_address;  /* "external_address": reported instead of the WAN's; default
				       none (0) */
	uint16_t http_port;         /* "http_port" 1024..65535; default 5431 */
	uint32_t notify_interval_s; /* "notify_interval_s" 60..86400: max-age is twice that; default
				       900 */
	uint8_t igd_version;        /* "igd_version" auto (0), 1 or 2; default auto */
	char on_connect[CONF_COMMAND_MAX]; /* "on_connect": a program and its arguments that bring
					      the WAN up; default none (empty) */
	char on_disconnect[CONF_COMMAND_MAX]; /* "on_disconnect": ... and take it down */
	uint8_t firewall; /* "firewall" off, own or join: enum conf_firewall; default off */
	uint8_t icmp_allow[CONF_ICMP_COUNT]; /* "icmp_allow", a list of enum conf_icmp; default
						empty */
	size_t n_icmp_allow;
	struct conf_chain joins[CONF_CHAINS_MAX]; /* "join_chain", a list; default empty */
	size_t n_joins;
	uint32_t join_mark; /* "join_mark": one bit of packet marks; default 0x10000000 */
	char open[CONF_OPEN_MAX][CONF_NAME_MAX]; /* "open", a list of services that the gateway
						    itself offers to the WAN; default empty */
	size_t n_open;
	uint8_t helpers[CONF_HELPER_COUNT]; /* "helpers", a list of enum conf_helper; default empty
					     */
	size_t n_helpers;
	bool allow_pinholes; /* "allow_pinholes": clients may open the firewall; default yes */
	char security_log[CONF_FILE_MAX]; /* "security_log"; empty: none */
	uint32_t security_log_kib;        /* "security_log_kib" 64..1048576; default 4096 */
	bool log_dropped;                 /* "log_dropped"; default yes */
	bool log_opened;                  /* "log_opened"; default no */
	uint32_t log_rate;                /* "log_rate" 1..10000 lines a second; default 50 */
	bool keep_mappings_on_exit; /* "keep_mappings_on_exit": leave the kernel table at stop;
				       default yes */
	uint32_t audit_max_rows;    /* "audit_max_rows" 0..1000000: of the audit trail, 0: there is
				       none;    default 20000 */
	uint32_t audit_max_days;    /* "audit_max_days" 0..3650, 0: no limit by age; default 90 */
	uint32_t audit_unused_days; /* "audit_unused_days" 0..3650, 0: never; default 30 */
	uint32_t audit_many_ports;  /* "audit_many_ports" 1..65535; default 32 */
	uint8_t audit_accept[CONF_FINDING_COUNT - 1]; /* "audit_accept", a list of enum
							 conf_finding */
	size_t n_audit_accept;
	bool table_owner;     /* "table_owner": own the kernel table where it can be; default yes */
	char worker_user[32]; /* "worker_user"; default portreeve */
	enum log_level log_level; /* "log_level": error, warn, info, debug; default info */
	uint8_t on_reload;        /* "on_reload" enum conf_on_reload; default keep */
	uint8_t presets[CONF_PRESET_COUNT - 1]; /* "preset", a list of enum conf_preset_id, in the
						   order in which they follow the rules */
	size_t n_presets;
	int preset_line;          /* of the file; 0: the command line, or none */
	int lines[CONF_KEYS_MAX]; /* of each key: conf_line() */
	struct conf_reservation reservations[CONF_RESERVATIONS_MAX]; /* sections "reservation" */
	size_t n_reservations;
	struct conf_rule rules[CONF_RULES_MAX]; /* sections "rule", in the file's order */
	size_t n_rules;
	struct conf_service services[CONF_SERVICES_MAX]; /* sections "service" */
	size_t n_services;
	struct conf_forward forwards[CONF_FORWARDS_MAX]; /* sections "forward" */
	size_t n_forwards;
};

/* One "-o KEY=VALUE" of the command line each, applied after the file; --lan, --wan and the like
 * are such, too. A field of a section is "SECTION.TITLE.FIELD=VALUE"; an entry that is not there
 * yet begins so. */
struct conf_overrides {
	const char **items;
	size_t n;
};

/*
 * Defaults, then @path (NULL: CONF_PATH if it exists), then @over. 0, or -EINVAL with @conf left
 * alone; every error found was printed to @errors as "FILE:LINE: KEY: what is wrong; legal: ..."
 * ("command line: KEY: ..." for overrides). One item for a list replaces the file's list, further
 * ones are added; "lan=" empties it. Only a regular file is read, and /dev/null as an empty one, so
 * that it never waits. Not for two threads at a time.
 */
int conf_load(struct conf *conf, const char *path, const struct conf_overrides *over, FILE *errors);

/* The same for who need not read it again and can wait: from a pipe or a terminal, too. */
int conf_load_once(
    struct conf *conf, const char *path, const struct conf_overrides *over, FILE *errors);

/* The line of the file that gave the key of that name its value, or one of CONF_LINE_... */
int conf_line(const struct conf *conf, const char *name);

/*
 * Calls @differs for each key that has another value in @fresh, by its name, and for each entry of
 * a section that came, went or changed: 'rule "TITLE" (new)', "(gone)", "(changed)", "(moved)".
 */
void conf_diff(const struct conf *old, const struct conf *fresh,
    void (*differs)(void *arg, const char *what), void *arg);

/* All keys and sections with present value, range and help, in the file's syntax (portreeved
 * --print-config). Of an entry the fields that are not at their defaults. */
void conf_print(const struct conf *conf, FILE *out);

/*
 * A firewall without translation: hosts are known by their own addresses, and a mapping lets
 * packets to those in, too.
 */
static inline bool
conf_opens_hosts(const struct conf *conf)
{
	return conf->firewall != CONF_FIREWALL_OFF && !conf->share;
}

#endif
