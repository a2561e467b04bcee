/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of checks. No I/O, no clock. */
#include "core/findings.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400

struct check;

struct search {
	const struct findings_facts *facts;
	const struct check *check;
	finding_fn found;
	void *arg;
};

struct check {
	enum conf_finding id;
	enum finding_severity severity;
	const char *why;
	const char *remedy;
	/* One of the two: of the gateway, or of each way in. */
	void (*gateway)(const struct search *s);
	void (*way)(const struct search *s, const struct findings_way *way);
};

/* ---- saying it ---- */

static struct finding
begin(const struct search *s)
{
	return (struct finding){ .id = s->check->id,
		.severity = s->check->severity,
		.why = s->check->why,
		.remedy = s->check->remedy };
}

static void __attribute__((format(printf, 2, 3))) say(const struct search *s, const char *fmt, ...)
{
	struct finding finding = begin(s);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(finding.seen, sizeof(finding.seen), fmt, ap);
	va_end(ap);
	s->found(s->arg, &finding);
}

static const char *
protocol_name(uint16_t protocol, char buf[16])
{
	if (protocol == IPPROTO_TCP)
		return "TCP";
	if (protocol == IPPROTO_UDP)
		return "UDP";
	snprintf(buf, 16, protocol == MSG_PROTO_ANY ? "any" : "%u", protocol);
	return buf;
}

/* "TCP 2222 to 192.168.1.7 port 22 ("ssh")" */
static void
way_str(const struct findings_way *way, char *buf, size_t size)
{
	char name[16], inside[ADDR6_STRLEN], port[24] = "";

	if (way->internal_port)
		snprintf(port, sizeof(port), " port %u", way->internal_port);
	snprintf(buf, size, "%s%s %u to %s%s%s%s%s", way->pinhole ? "pinhole " : "",
	    protocol_name(way->protocol, name), way->external_port,
	    addr6_str(&way->internal, inside), port, way->description[0] ? " (\"" : "",
	    way->description, way->description[0] ? "\")" : "");
}

static void __attribute__((format(printf, 3, 4)))
say_way(const struct search *s, const struct findings_way *way, const char *fmt, ...)
{
	struct finding finding = begin(s);
	char what[256], name[16];
	size_t used;
	va_list ap;

	way_str(way, what, sizeof(what));
	snprintf(finding.subject, sizeof(finding.subject), "%s %u",
	    protocol_name(way->protocol, name), way->external_port);
	snprintf(finding.seen, sizeof(finding.seen), "%s ", what);
	used = strlen(finding.seen);
	va_start(ap, fmt);
	vsnprintf(finding.seen + used, sizeof(finding.seen) - used, fmt, ap);
	va_end(ap);
	if (way->pinhole)
		finding.pinhole = (uint16_t)way->id;
	else
		finding.mapping = way->id;
	s->found(s->arg, &finding);
}

static void __attribute__((format(printf, 3, 4)))
say_host(const struct search *s, const struct findings_way *way, const char *fmt, ...)
{
	struct finding finding = begin(s);
	va_list ap;

	addr6_str(&way->internal, finding.subject);
	va_start(ap, fmt);
	vsnprintf(finding.seen, sizeof(finding.seen), fmt, ap);
	va_end(ap);
	s->found(s->arg, &finding);
}

/* ---- ways in ---- */

struct service {
	uint16_t port;
	uint8_t protocol; /* 0: both */
	const char *name;
};

/* What nobody wants strangers to try their luck at. */
static const struct service management[] = {
	{ 22, IPPROTO_TCP, "SSH" },
	{ 23, IPPROTO_TCP, "Telnet" },
	{ 69, IPPROTO_UDP, "TFTP" },
	{ 135, IPPROTO_TCP, "Windows RPC" },
	{ 137, IPPROTO_UDP, "NetBIOS" },
	{ 138, IPPROTO_UDP, "NetBIOS" },
	{ 139, IPPROTO_TCP, "Windows file sharing" },
	{ 161, IPPROTO_UDP, "SNMP" },
	{ 389, IPPROTO_TCP, "LDAP" },
	{ 445, IPPROTO_TCP, "Windows file sharing" },
	{ 512, IPPROTO_TCP, "rexec" },
	{ 513, IPPROTO_TCP, "rlogin" },
	{ 514, IPPROTO_TCP, "rsh" },
	{ 623, IPPROTO_UDP, "IPMI" },
	{ 873, IPPROTO_TCP, "rsync" },
	{ 1433, IPPROTO_TCP, "SQL Server" },
	{ 1521, IPPROTO_TCP, "Oracle" },
	{ 2049, 0, "NFS" },
	{ 2375, IPPROTO_TCP, "Docker" },
	{ 2376, IPPROTO_TCP, "Docker" },
	{ 3306, IPPROTO_TCP, "MySQL" },
	{ 3389, 0, "Remote Desktop" },
	{ 5432, IPPROTO_TCP, "PostgreSQL" },
	{ 5900, IPPROTO_TCP, "VNC" },
	{ 5901, IPPROTO_TCP, "VNC" },
	{ 5985, IPPROTO_TCP, "WinRM" },
	{ 5986, IPPROTO_TCP, "WinRM" },
	{ 6379, IPPROTO_TCP, "Redis" },
	{ 7547, IPPROTO_TCP, "TR-069" },
	{ 8291, IPPROTO_TCP, "WinBox" },
	{ 9100, IPPROTO_TCP, "a printer" },
	{ 9200, IPPROTO_TCP, "Elasticsearch" },
	{ 10000, IPPROTO_TCP, "Webmin" },
	{ 11211, 0, "memcached" },
	{ 27017, IPPROTO_TCP, "MongoDB" },
};

/* On many devices the page that manages them. */
static const struct service web[] = {
	{ 80, IPPROTO_TCP, "HTTP" },
	{ 443, IPPROTO_TCP, "HTTPS" },
	{ 5000, IPPROTO_TCP, "HTTP of storage devices" },
	{ 5001, IPPROTO_TCP, "HTTPS of storage devices" },
	{ 8000, IPPROTO_TCP, "HTTP" },
	{ 8080, IPPROTO_TCP, "HTTP" },
	{ 8443, IPPROTO_TCP, "HTTPS" },
	{ 8888, IPPROTO_TCP, "HTTP" },
};

#define FIND(services, way, outside)                                                               \
	find_service(services, sizeof(services) / sizeof((services)[0]), way, outside)

/*
 * Which of @n services is behind it: NULL for none, or when only one remote host gets in. By the
 * port that the host listens on, and with @outside also by the one that strangers see.
 */
static const struct service *
find_service(const struct service *services, size_t n, const struct findings_way *way, bool outside)
{
	size_t i;

	if (!way->enabled || !way->any_remote)
		return NULL;
	for (i = 0; i < n; i++)
		if ((services[i].port == way->internal_port ||
			(outside && services[i].port == way->external_port)) &&
		    (!services[i].protocol || services[i].protocol == way->protocol ||
			way->protocol == MSG_PROTO_ANY))
			return &services[i];
	return NULL;
}

static void
check_management(const struct search *s, const struct findings_way *way)
{
	const struct service *service = FIND(management, way, true);

	if (service)
		say_way(s, way, "lets the whole Internet try %s", service->name);
}

/* These ports are common for other things outside, too: of them the inside alone is a sign. */
static void
check_web(const struct search *s, const struct findings_way *way)
{
	const struct service *service = FIND(web, way, false);

	if (service)
		say_way(s, way, "lets the whole Internet open %s there", service->name);
}

/* A pinhole's owner has many addresses, so one that differs says nothing. */
static void
check_other_host(const struct search *s, const struct findings_way *way)
{
	char client[ADDR6_STRLEN];

	if (way->by_client && !way->pinhole && !addr6_same(&way->client, &way->internal))
		say_way(s, way, "was asked for by %s", addr6_str(&way->client, client));
}

static void
check_permanent(const struct search *s, const struct findings_way *way)
{
	if (way->by_client && way->permanent)
		say_way(s, way, "never ends");
}

static void
check_many(const struct search *s, const struct findings_way *way)
{
	char inside[ADDR6_STRLEN];

	if (way->first_of_host && way->of_host >= s->facts->many_ports)
		say_host(s, way, "%zu mappings lead to %s", way->of_host,
		    addr6_str(&way->internal, inside));
}

static void
check_unused(const struct search *s, const struct findings_way *way)
{
	int64_t limit_s = (int64_t)s->facts->unused_days * DAY_S;
	int64_t since_s = way->last_used_s ? way->last_used_s : way->created_s;

	if (!s->facts->unused_days || !since_s || s->facts->now_s - since_s < limit_s)
		return;
	say_way(s, way,
	    way->last_used_s ? "was last used %lld days ago"
			     : "was never used in the %lld days that it is there",
	    (long long)((s->facts->now_s - since_s) / DAY_S));
}

static void
check_gone(const struct search *s, const struct findings_way *way)
{
	if (way->host == FINDINGS_HOST_GONE)
		say_way(s, way, "leads to a host that does not answer on the LAN any more");
}

static void
check_low(const struct search *s, const struct findings_way *way)
{
	if (way->by_client && !way->pinhole && way->external_port < IPPORT_RESERVED)
		say_way(s, way, "is on a port that is reserved for services of the gateway");
}

/* ---- the gateway ---- */

static void
check_secure(const struct search *s)
{
	if (!s->facts->secure)
		say(s, "secure = no: any program on a LAN may open ports to any host there");
}

/* What the doctor found, with his remedy, which knows the place. */
static void
say_lines(const struct search *s, const char *id, enum doctor_result least)
{
	const struct doctor_line *line;
	struct finding finding;
	size_t i;

	for (i = 0; i < s->facts->n_lines; i++) {
		line = &s->facts->lines[i];
		if (strcmp(line->id, id) != 0 || line->result < least ||
		    line->result == DOCTOR_SKIP)
			continue;
		finding = begin(s);
		snprintf(finding.seen, sizeof(finding.seen), "%s", line->reason);
		if (line->remedy[0])
			finding.remedy = line->remedy;
		s->found(s->arg, &finding);
	}
}

static void
check_foreign(const struct search *s)
{
	say_lines(s, "foreign-rules", DOCTOR_FAIL);
}

static void
check_table(const struct search *s)
{
	say_lines(s, "kernel-table", DOCTOR_FAIL);
}

static void
check_forwarding(const struct search *s)
{
	say_lines(s, "forwarding-ipv4", DOCTOR_FAIL);
}

static void
check_state(const struct search *s)
{
	say_lines(s, "state", DOCTOR_FAIL);
}

static void
check_double_nat(const struct search *s)
{
	enum addr4_kind kind = addr4_kind(s->facts->wan_address);
	char addr[ADDR4_STRLEN];

	if (s->facts->double_nat)
		say(s, "the WAN's address %s is %s: another NAT is in front of this one",
		    addr4_str(s->facts->wan_address, addr), addr4_kind_str(kind));
}

static void
say_incident(const struct search *s, enum findings_incident which, const char *what)
{
	const struct trail_incident *incident = &s->facts->incidents[which];
	time_t last = (time_t)incident->last_s;
	char when[32] = "?";
	struct tm tm;

	if (incident->count == 0)
		return;
	if (gmtime_r(&last, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	say(s, "%s %u time%s in the last %d days, last at %s UTC: %s", what, incident->count,
	    incident->count == 1 ? "" : "s", FINDINGS_INCIDENT_DAYS, when, incident->text);
}

static void
check_healed(const struct search *s)
{
	say_incident(s, FINDINGS_HEALED, "others changed the kernel's table");
}

static void
check_workers(const struct search *s)
{
	say_incident(s, FINDINGS_WORKER_ENDED, "a worker ended unasked");
}

static void
check_crash(const struct search *s)
{
	say_incident(s, FINDINGS_CORE_CRASHED, "the core did not end in order");
}

static void
check_clock(const struct search *s)
{
	say_incident(s, FINDINGS_CLOCK_JUMPED, "the clock jumped");
}

static void
check_aside(const struct search *s)
{
	say_incident(s, FINDINGS_SET_ASIDE, "a database had to be set aside");
}

static void
check_lost(const struct search *s)
{
	say_incident(s, FINDINGS_ROWS_LOST, "the audit trail lost rows");
}

/* ---- the table ---- */

static const struct check checks[] = {
	{ CONF_FINDING_MANAGEMENT_PORT, FINDING_CRITICAL,
	    "Such ports are tried all day by programs that guess passwords and know holes; who "
	    "gets "
	    "in owns the host.",
	    "Delete it, use a VPN, or let in one remote host only (portreeve add --remote); a deny "
	    "rule keeps it from coming back.",
	    NULL, check_management },
	{ CONF_FINDING_WEB_PORT, FINDING_WARNING,
	    "On cameras, printers, storage and routers this is the page that manages them.",
	    "Make sure that a web server for the public is behind it; else delete it.", NULL,
	    check_web },
	{ CONF_FINDING_OTHER_HOST, FINDING_WARNING,
	    "One host opened a port to another, which may know nothing of it.",
	    "Ask the owner of the host; secure = yes lets clients open ports to themselves only.",
	    NULL, check_other_host },
	{ CONF_FINDING_PERMANENT_LEASE, FINDING_WARNING,
	    "It stays open when the program, or the host, is long gone.",
	    "Set max_lease_s, which programs that run renew in time, or permanent = no in a rule.",
	    NULL, check_permanent },
	{ CONF_FINDING_MANY_PORTS, FINDING_WARNING,
	    "Few programs need so many; malware and faulty programs open them by the dozen.",
	    "Look at what runs there; max_mappings_per_client is the limit.", NULL, check_many },
	{ CONF_FINDING_UNUSED, FINDING_WARNING,
	    "What nobody uses only serves those who look for a way in.",
	    "Delete it; a program that needs it will ask again.", NULL, check_unused },
	{ CONF_FINDING_HOST_GONE, FINDING_WARNING,
	    "Whatever gets that address next is open to the Internet there.",
	    "Delete it, unless the host only sleeps.", NULL, check_gone },
	{ CONF_FINDING_LOW_PORT, FINDING_WARNING,
	    "The Internet expects the gateway's own services there.",
	    "Delete it, or accept this if the rule that names the port is meant.", NULL,
	    check_low },
	{ CONF_FINDING_SECURE_OFF, FINDING_CRITICAL,
	    "One infected or curious host is enough to expose all others.",
	    "secure = yes in the configuration.", check_secure, NULL },
	{ CONF_FINDING_FOREIGN_DROP, FINDING_CRITICAL,
	    "Clients are told that they can be reached, and they cannot.",
	    "Let that firewall accept it.", check_foreign, NULL },
	{ CONF_FINDING_TABLE_CHANGED, FINDING_WARNING,
	    "While it is changed nothing works, or more is open than is granted.",
	    "Keep that program from our table; table_owner = yes does it where the kernel can.",
	    check_healed, NULL },
	{ CONF_FINDING_TABLE_MISSING, FINDING_CRITICAL, "No mapping works.",
	    "The daemon's log says what the kernel refused.", check_table, NULL },
	{ CONF_FINDING_FORWARDING_OFF, FINDING_CRITICAL, "No packet gets from the WAN to a LAN.",
	    "sysctl -w net.ipv4.ip_forward=1", check_forwarding, NULL },
	{ CONF_FINDING_DOUBLE_NAT, FINDING_WARNING,
	    "Clients are told that they can be reached, but only from the network in front.",
	    "Bridge mode on the device in front; or let it pass all ports to this gateway, and set "
	    "external_address. Of a provider's NAT: a public address, or IPv6.",
	    check_double_nat, NULL },
	{ CONF_FINDING_WORKER_RESTARTS, FINDING_WARNING,
	    "A worker reads what strangers on the LAN send: one that ends is faulty, or attacked.",
	    "The daemon's log says how it ended; portreeve audit trail, who sent something then.",
	    check_workers, NULL },
	{ CONF_FINDING_CORE_CRASH, FINDING_WARNING,
	    "The process that owns all state was killed, or ended by a fault or a power cut.",
	    "The daemon's log says how it ended.", check_crash, NULL },
	{ CONF_FINDING_CLOCK_JUMP, FINDING_WARNING,
	    "Times in the trail before and after do not compare.",
	    "Have the time kept by chrony or the like, and set before portreeved starts.",
	    check_clock, NULL },
	{ CONF_FINDING_STORE_SET_ASIDE, FINDING_CRITICAL,
	    "Mappings or the trail until then are lost, and something damages files.",
	    "Look at the disk; the file is kept in the state directory.", check_aside, NULL },
	{ CONF_FINDING_STORE_UNWRITABLE, FINDING_CRITICAL,
	    "What clients and the administrator ask for is refused, refreshes included, so that "
	    "mappings end.",
	    "Make room on the disk.", check_state, NULL },
	{ CONF_FINDING_TRAIL_LOST, FINDING_WARNING, "What happened then cannot be told any more.",
	    "Make room on the disk; audit_max_rows bounds the trail.", check_lost, NULL },
};

#define N_CHECKS (sizeof(checks) / sizeof(checks[0]))

void
findings_check(const struct findings_facts *facts, finding_fn found, void *arg)
{
	struct search s = { .facts = facts, .found = found, .arg = arg };
	size_t i, way;

	for (i = 0; i < N_CHECKS; i++) {
		s.check = &checks[i];
		if (checks[i].gateway && facts->gateway)
			checks[i].gateway(&s);
		for (way = 0; checks[i].way && way < facts->n_ways; way++)
			checks[i].way(&s, &facts->ways[way]);
	}
}

const char *
finding_severity_str(enum finding_severity severity)
{
	return severity == FINDING_CRITICAL ? "critical" : "warning";
}
