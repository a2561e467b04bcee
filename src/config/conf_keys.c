/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One row for each key, section and field of a section. Reads no file. */
#include "config/conf_keys.h"

#include <string.h>

#include "config/conf_finding.h"
#include "config/conf_preset.h"
#include "lib/utf8.h"

#define AT(member) .offset = offsetof(struct conf, member)
#define FIELD(s, member) .offset = offsetof(s, member)
#define LIST(s, array, n)                                                                          \
	.list = { offsetof(s, n), sizeof(((s *)0)->array) / sizeof(((s *)0)->array[0]),            \
		sizeof(((s *)0)->array[0]) },                                                      \
	.offset = offsetof(s, array)
#define WORDS(array) .words = (array)

static const char *const on_reload_words[] = { "keep", "revoke", NULL };
static const char *const igd_words[] = { "auto", "1", "2", NULL };
static const char *const firewall_words[] = { "off", "own", "join", NULL };
static const char *const icmp_words[] = { "echo", "timestamp", "mask", "router", "redirect", NULL };
static const char *const helper_words[] = { "ftp", "tftp", "sip", "h323", "pptp", NULL };

const struct conf_key conf_keys[] = {
	{ "wan", CONF_IFNAME, AT(wan), 0, 0, "\"\"",
	    "The interface that leads to the Internet.\n"
	    "Empty: the one that has the default route, followed when that changes." },
	{ "lan", CONF_IFNAME, LIST(struct conf, lans, n_lans), 0, 0, "{}",
	    "The interfaces whose hosts may ask for port mappings, at most 16.\n"
	    "Empty: every interface but the WAN that has a private IPv4 address." },
	{ "share", CONF_BOOL, AT(share), 0, 0, "no",
	    "Share the connection (ICS): packets from a LAN leave with the WAN's address\n"
	    "(masquerading), forwarding is turned on, a LAN without an address gets one,\n"
	    "and its hosts get theirs by DHCP. What others do already is left to them." },
	{ "lan_address", CONF_PREFIX, AT(lan_address), 0, 0, "192.168.137.1/24",
	    "When sharing, the gateway's address on a LAN that has none. Further such\n"
	    "LANs get the networks that follow." },
	{ "lan_prefix6", CONF_PREFIX6, AT(lan_prefix6), 0, 0, "\"\"",
	    "When sharing, the IPv6 prefix whose networks (/64) the LANs get, one each.\n"
	    "auto: they have theirs from who got them delegated. With either, IPv6 is\n"
	    "forwarded and routers are advertised. Empty: IPv6 is left alone." },
	{ "dhcp", CONF_SWITCH, AT(dhcp), 0, 0, "auto",
	    "When sharing, let dnsmasq serve DHCP and DNS on the LANs. auto: on those that\n"
	    "lan names, where no other DHCP server is found. yes: without looking." },
	{ "dhcp_range", CONF_RANGE, AT(dhcp_range), 0, 0, "\"\"",
	    "The addresses that hosts may get. Empty, or not of a LAN's network: all, but\n"
	    "for the first 99 of a network that large." },
	{ "dhcp_lease_s", CONF_U32, AT(dhcp_lease_s), 120, 31536000, "43200",
	    "Seconds for which a host gets its address." },
	{ "domain", CONF_DOMAIN, AT(domain), 0, 0, "lan",
	    "The domain of the hosts of the LANs: \"printer\" is \"printer.lan\", too." },
	{ "dns", CONF_HOST, LIST(struct conf, dns, n_dns), 0, 0, "{}",
	    "The DNS servers that are asked for the names of others, at most 8. Empty:\n"
	    "those of the system (/etc/resolv.conf)." },
	{ "dhcp_user", CONF_USER, AT(dhcp_user), 0, 0, "dnsmasq",
	    "The user as whom dnsmasq runs; not that of worker_user." },
	{ "clamp_mss", CONF_SWITCH, AT(clamp_mss), 0, 0, "auto",
	    "Let TCP announce no larger segments than fit the path (MSS clamping). auto:\n"
	    "when sharing, on links whose MTU is smaller than that of others or than\n"
	    "Ethernet's. yes: on WAN and LANs in any case." },
	{ "secure", CONF_BOOL, AT(secure), 0, 0, "yes",
	    "A client may map ports to its own address only." },
	{ "min_port", CONF_U16, AT(min_port), 1, 65535, "1024",
	    "The lowest external port that a client may have without a rule that names it.\n"
	    "Ports below 1024 must be named in any case." },
	{ "max_mappings_per_client", CONF_U32, AT(max_mappings_per_client), 1, 65535, "128",
	    "How many mappings may lead to one host of a LAN." },
	{ "max_mappings", CONF_U32, AT(max_mappings), 1, 131072, "32768",
	    "How many mappings there may be in all." },
	{ "max_lease_s", CONF_U32, AT(max_lease_s), 0, UINT32_MAX, "0",
	    "The longest lease in seconds; longer and permanent ones are cut to it.\n"
	    "0: no limit, and permanent mappings are allowed." },
	{ "external_address", CONF_ADDRESS, AT(external_address), 0, 0, "\"\"",
	    "The address that clients are told instead of the WAN interface's own, for\n"
	    "a gateway behind a 1:1 NAT. Hosts of the LANs reach mapped ports by it, too.\n"
	    "Empty: the interface's." },
	{ "http_port", CONF_U16, AT(http_port), 1024, 65535, "5431",
	    "The TCP port on which each LAN is served (descriptions, control, events)." },
	{ "notify_interval_s", CONF_U32, AT(notify_interval_s), 60, 86400, "900",
	    "Seconds between two announcements of the gateway on a LAN; clients forget\n"
	    "it after twice that time without one." },
	{ "igd_version", CONF_CHOICE, WORDS(igd_words), AT(igd_version), 0, 0, "auto",
	    "Which InternetGatewayDevice clients are shown. auto: version 2, and version 1\n"
	    "to those that search for it or cannot bear the other." },
	{ "on_connect", CONF_COMMAND, AT(on_connect), 0, 0, "\"\"",
	    "The program, with arguments, that brings the WAN up when a client asks for\n"
	    "it (RequestConnection). Empty: clients cannot do that." },
	{ "on_disconnect", CONF_COMMAND, AT(on_disconnect), 0, 0, "\"\"",
	    "The program, with arguments, that takes the WAN down when a client asks for\n"
	    "it, or when an idle or longest time that a client has set is over. Empty:\n"
	    "clients cannot do that." },
	{ "firewall", CONF_CHOICE, WORDS(firewall_words), AT(firewall), 0, 0, "off",
	    "own: drop what comes from the WAN, to the gateway or through it, unless it\n"
	    "is an answer, mapped, let in by a pinhole or by the configuration.\n"
	    "join: another ruleset drops, and in its chains (join_chain) what we would\n"
	    "let in is accepted. off: we have nothing to do with that." },
	{ "join_chain", CONF_CHAIN, LIST(struct conf, joins, n_joins), 0, 0, "{}",
	    "Chains of another ruleset in which one rule of ours is kept first." },
	{ "join_mark", CONF_BIT, AT(join_mark), 0, 0, "0x10000000",
	    "The bit of the packet mark by which that rule knows what we let in.\n"
	    "Nothing else may use it." },
	{ "icmp_allow", CONF_CHOICE, WORDS(icmp_words), LIST(struct conf, icmp_allow, n_icmp_allow),
	    0, 0, "{}",
	    "ICMP messages from the WAN that the firewall lets in beyond those without\n"
	    "which the Internet does not work." },
	{ "open", CONF_TEXT, LIST(struct conf, open, n_open), 0, CONF_NAME_MAX, "{}",
	    "Services that the gateway itself offers to the WAN, by their names: those\n"
	    "built in, and those of the sections service." },
	{ "helpers", CONF_CHOICE, WORDS(helper_words), LIST(struct conf, helpers, n_helpers), 0, 0,
	    "{}",
	    "Protocols that name addresses and ports in what they say: the kernel reads\n"
	    "along for hosts of the LANs, and lets in what was agreed." },
	{ "allow_pinholes", CONF_BOOL, AT(allow_pinholes), 0, 0, "yes",
	    "Clients may open IPv6 pinholes in the firewall, each for its own addresses." },
	{ "security_log", CONF_FILE, AT(security_log), 0, 0, "\"\"",
	    "The file of the security log, in a directory that belongs to worker_user (it\n"
	    "is made if there is none). Empty: no such log." },
	{ "security_log_kib", CONF_U32, AT(security_log_kib), 64, 1048576, "4096",
	    "How large it gets, in KiB, before it is renamed to FILE.old." },
	{ "log_dropped", CONF_BOOL, AT(log_dropped), 0, 0, "yes",
	    "Packets that the firewall drops are in it (firewall = own)." },
	{ "log_opened", CONF_BOOL, AT(log_opened), 0, 0, "no",
	    "Connections that are opened are in it, from either side." },
	{ "log_rate", CONF_U32, AT(log_rate), 1, 10000, "50",
	    "How many lines a second each kind may cause; twice that at once." },
	{ "keep_mappings_on_exit", CONF_BOOL, AT(keep_mappings_on_exit), 0, 0, "yes",
	    "Leave the mappings in the kernel when the daemon stops, so that traffic goes\n"
	    "on while it is restarted or upgraded. They still end with their leases." },
	{ "table_owner", CONF_BOOL, AT(table_owner), 0, 0, "yes",
	    "Own the kernel table where the kernel can (6.9 and later), so that\n"
	    "\"nft flush ruleset\" spares it." },
	{ "audit_max_rows", CONF_U32, AT(audit_max_rows), 0, 1000000, "20000",
	    "How many rows the audit trail keeps, about 200 octets each; the oldest go\n"
	    "first. 0: none." },
	{ "audit_max_days", CONF_U32, AT(audit_max_days), 0, 3650, "90",
	    "How many days a row of the audit trail is kept. 0: as long as there is room." },
	{ "audit_unused_days", CONF_U32, AT(audit_unused_days), 0, 3650, "30",
	    "After how many days without use a mapping is one that portreeve audit names.\n"
	    "0: never." },
	{ "audit_many_ports", CONF_U32, AT(audit_many_ports), 1, 65535, "32",
	    "How many mappings that lead to one host are so many that it names them." },
	{ "audit_accept", CONF_CHOICE, WORDS(conf_finding_words),
	    LIST(struct conf, audit_accept, n_audit_accept), 0, 0, "{}",
	    "What portreeve audit may find and not mind: the ids of findings." },
	{ "worker_user", CONF_USER, AT(worker_user), 0, 0, "portreeve",
	    "The user as whom the processes that read packets of the LANs run." },
	{ "log_level", CONF_LEVEL, AT(log_level), 0, 0, "info",
	    "How much is logged. error: somebody must act. warn: odd things, too.\n"
	    "info: mappings that come and go, too. debug: all." },
	{ "on_reload", CONF_CHOICE, WORDS(on_reload_words), AT(on_reload), 0, 0, "keep",
	    "What a reload does with mappings that would not be granted any more. revoke:\n"
	    "it ends them, and cuts leases to what is the longest now." },
	{ "preset", CONF_CHOICE, WORDS(conf_preset_words), LIST(struct conf, presets, n_presets), 0,
	    0, "{}",
	    "Sets of rules that follow those of the file, in this order; strict refuses\n"
	    "what none of them allows, so it must be the last." },
	{ 0 },
};

/* ---- rule ---- */

static const char *const action_words[] = { "", "allow", "deny", NULL };
static const char *const protocol_words[] = { "", "tcp", "udp", NULL };

static const struct conf_key rule_fields[] = {
	{ "action", CONF_CHOICE, WORDS(action_words), FIELD(struct conf_rule, action), 0, 0, "\"\"",
	    "What is done with a request that matches. Empty only if there is a preset." },
	{ "preset", CONF_CHOICE, WORDS(conf_preset_words), FIELD(struct conf_rule, preset), 0, 0,
	    "\"\"",
	    "A set of rules that this one stands for; it may limit them to its clients\n"
	    "and LANs, bring limits of its own, or deny what they allow." },
	{ "client", CONF_CLIENT, LIST(struct conf_rule, clients, n_clients), 0, 0, "{}",
	    "Who asks: addresses, prefixes and MAC addresses. Empty: everybody." },
	{ "lan", CONF_IFNAME, LIST(struct conf_rule, lans, n_lans), 0, 0, "{}",
	    "The LAN interface by which it is asked. Empty: any." },
	{ "protocol", CONF_CHOICE, WORDS(protocol_words), FIELD(struct conf_rule, protocol), 0, 0,
	    "\"\"", "Empty: any." },
	{ "external_port", CONF_PORTS, LIST(struct conf_rule, external, n_external), 1, 65535, "{}",
	    "The ports on the WAN's side. Empty: any from min_port on; ports below 1024\n"
	    "must be named." },
	{ "internal_port", CONF_PORTS, LIST(struct conf_rule, internal, n_internal), 1, 65535, "{}",
	    "The ports of the host inside. Empty: any but those by which hosts are\n"
	    "managed (22, 23, 80, 443, 445, 3389), which must be named." },
	{ "max_mappings_per_client", CONF_U32, FIELD(struct conf_rule, max_mappings_per_client), 0,
	    65535, "0",
	    "How many mappings that this rule allows may lead to one host. 0: what the\n"
	    "key of that name says." },
	{ "max_mappings", CONF_U32, FIELD(struct conf_rule, max_mappings), 0, 131072, "0",
	    "How many mappings this rule allows in all. 0: no limit of its own." },
	{ "max_lease_s", CONF_U32, FIELD(struct conf_rule, max_lease_s), 0, UINT32_MAX, "0",
	    "The longest lease in seconds; longer and permanent ones are cut to it.\n"
	    "0: what the key of that name says." },
	{ "permanent", CONF_BOOL, FIELD(struct conf_rule, permanent), 0, 0, "yes",
	    "May a mapping be permanent? If not, who asks for one is refused, unless\n"
	    "max_lease_s makes it a shorter one." },
	{ "remote_host_required", CONF_BOOL, FIELD(struct conf_rule, remote_host_required), 0, 0,
	    "no", "Refuse mappings that let everybody in, rather than one remote host." },
	{ "reason", CONF_TEXT, FIELD(struct conf_rule, reason), 0, CONF_REASON_MAX, "\"\"",
	    "Why it is denied, for the log and for \"portreeve explain\"." },
	{ 0 },
};

static const char *
check_rule(const void *entry)
{
	const struct conf_rule *rule = entry;

	if (!rule->action && !rule->preset)
		return "action: is missing; legal: allow or deny";
	if (rule->preset && (rule->protocol || rule->n_external || rule->n_internal))
		return "preset: has protocols and ports of its own; legal: without protocol, "
		       "external_port and internal_port";
	if (rule->preset == CONF_PRESET_STRICT && rule->action == CONF_ALLOW)
		return "action: strict allows nothing; legal: deny, or empty";
	if (rule->reason[0] && rule->action != CONF_DENY && rule->preset != CONF_PRESET_STRICT)
		return "reason: nothing is denied here; legal: with action = deny";
	return NULL;
}

/* ---- reservation ---- */

static const struct conf_key reservation_fields[] = {
	{ "mac", CONF_MAC, FIELD(struct conf_reservation, mac), 0, 0, NULL,
	    "The host's MAC address." },
	{ "address", CONF_ADDRESS, FIELD(struct conf_reservation, address), 0, 0, NULL,
	    "The address that it gets, and nobody else." },
	{ 0 },
};

static const char *
check_reservation(const void *entry)
{
	const char *name = ((const struct conf_reservation *)entry)->head.title, *p;

	for (p = name; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || (*p == '-' && p > name && p[1])))
			return "its title cannot be the name of a host; legal: letters, digits "
			       "and hyphens inside";
	return NULL;
}

/* ---- service, forward ---- */

static const struct conf_key service_fields[] = {
	{ "tcp", CONF_PORTS, LIST(struct conf_service, tcp, n_tcp), 1, 65535, "{}",
	    "Its TCP ports." },
	{ "udp", CONF_PORTS, LIST(struct conf_service, udp, n_udp), 1, 65535, "{}",
	    "Its UDP ports." },
	{ 0 },
};

static const char *
check_service(const void *entry)
{
	const struct conf_service *service = entry;

	return service->n_tcp + service->n_udp ? NULL : "has no port; legal: with tcp or udp";
}

static const struct conf_key forward_fields[] = {
	{ "service", CONF_TEXT, FIELD(struct conf_forward, service), 0, CONF_NAME_MAX, "\"\"",
	    "The service whose ports are mapped." },
	{ "protocol", CONF_CHOICE, WORDS(protocol_words), FIELD(struct conf_forward, protocol), 0,
	    0, "\"\"", "Without a service. Empty: both." },
	{ "external_port", CONF_PORTS, FIELD(struct conf_forward, external), 1, 65535, "\"\"",
	    "The ports on the WAN's side, without a service." },
	{ "to", CONF_ENDPOINT, FIELD(struct conf_forward, to), 0, 0, NULL,
	    "Where they lead. Without a port: to the same one." },
	{ "remote_host", CONF_ADDRESS, FIELD(struct conf_forward, remote_host), 0, 0, "\"\"",
	    "The only host of the Internet that may use it. Empty: any." },
	{ "description", CONF_TEXT, FIELD(struct conf_forward, description), 0,
	    CONF_FORWARD_TEXT_MAX, "\"\"", "Empty: the title." },
	{ 0 },
};

static const char *
check_forward(const void *entry)
{
	const struct conf_forward *f = entry;

	if (!f->service[0] == !f->external.first)
		return "service, external_port: legal: exactly one of them";
	if (f->service[0] && f->protocol)
		return "protocol: the service has its own; legal: without service";
	if (f->external.last - f->external.first >= 1024)
		return "external_port: is too long a range; legal: at most 1024 ports";
	return NULL;
}

#define SECTION(member, n)                                                                         \
	.offset = offsetof(struct conf, member), .count = offsetof(struct conf, n),                \
	.most = sizeof(((struct conf *)0)->member) / sizeof(((struct conf *)0)->member[0]),        \
	.stride = sizeof(((struct conf *)0)->member[0])

const struct conf_section conf_sections[] = {
	{ "reservation", reservation_fields, SECTION(reservations, n_reservations),
	    "Hosts that get a certain address by DHCP. The title is the host's name.",
	    "reservation \"printer\" {\n"
	    "\tmac = \"52:54:00:12:34:56\"\n"
	    "\taddress = \"192.168.137.20\"\n"
	    "}\n",
	    check_reservation },
	{ "rule", rule_fields, SECTION(rules, n_rules),
	    "Rules of what clients may have. The first that matches decides; what none\n"
	    "matches has the limits of the keys above.",
	    "rule \"no games for the printer\" {\n"
	    "\taction = deny\n"
	    "\tclient = {\"192.168.1.20\", \"52:54:00:12:34:56\"}\n"
	    "\treason = \"printers need no port\"\n"
	    "}\n",
	    check_rule },
	{ "service", service_fields, SECTION(services, n_services),
	    "Ports under one name, besides the names that are built in.",
	    "service \"game\" {\n"
	    "\ttcp = {27015}\n"
	    "\tudp = {27015, 27020-27030}\n"
	    "}\n",
	    check_service },
	{ "forward", forward_fields, SECTION(forwards, n_forwards),
	    "Mappings by this file, which no client can take or delete.",
	    "forward \"web\" {\n"
	    "\tservice = \"http\"\n"
	    "\tto = \"192.168.1.10\"\n"
	    "}\n"
	    "forward \"camera\" {\n"
	    "\tprotocol = tcp\n"
	    "\texternal_port = 8080\n"
	    "\tto = \"192.168.1.20:80\"\n"
	    "}\n",
	    check_forward },
	{ 0 },
};

/* ---- finding ---- */

const struct conf_key *
conf_key_find(const struct conf_key *keys, const char *name)
{
	const struct conf_key *key;

	for (key = keys; key->name; key++)
		if (strcmp(key->name, name) == 0)
			return key;
	return NULL;
}

const struct conf_section *
conf_section_find(const char *name)
{
	const struct conf_section *section;

	for (section = conf_sections; section->name; section++)
		if (strcmp(section->name, name) == 0)
			return section;
	return NULL;
}

size_t
conf_section_count(const struct conf *conf, const struct conf_section *section)
{
	return *(const size_t *)((const char *)conf + section->count);
}

struct conf_entry *
conf_section_at(const struct conf *conf, const struct conf_section *section, size_t i)
{
	return (struct conf_entry *)((uintptr_t)conf + section->offset + i * section->stride);
}

struct conf_entry *
conf_section_entry(const struct conf *conf, const struct conf_section *section, const char *title)
{
	size_t i, n = conf_section_count(conf, section);

	for (i = 0; i < n; i++)
		if (strcmp(conf_section_at(conf, section, i)->title, title) == 0)
			return conf_section_at(conf, section, i);
	return NULL;
}

/* What a file, the command line ("rule.TITLE.action=deny") and a log can all spell. */
static bool
title_valid(const char *title)
{
	size_t n = strlen(title);
	const char *p;

	if (n == 0 || n >= CONF_NAME_MAX || title[0] == ' ' || title[n - 1] == ' ' ||
	    !utf8_valid(title, n))
		return false;
	for (p = title; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f || strchr("\"'\\$./={}#,", *p))
			return false;
	return true;
}

struct conf_entry *
conf_section_add(struct conf *conf, const struct conf_section *section, const char *title,
    char why[CONF_WHY_MAX])
{
	size_t *count = (size_t *)((char *)conf + section->count);
	const struct conf_entry *twin = conf_section_entry(conf, section, title);
	struct conf_entry *entry;

	if (!title_valid(title)) {
		snprintf(why, CONF_WHY_MAX,
		    "cannot be a title; legal: 1 to %d octets, none of \"'\\$./={}#,",
		    CONF_NAME_MAX - 1);
		return NULL;
	}
	if (twin) {
		snprintf(why, CONF_WHY_MAX, "given twice, first in line %d; legal: another title",
		    twin->line);
		return NULL;
	}
	if (*count == section->most) {
		snprintf(why, CONF_WHY_MAX, "is one too many; legal: at most %zu", section->most);
		return NULL;
	}
	entry = conf_section_at(conf, section, (*count)++);
	memset(entry, 0, section->stride);
	conf_defaults(entry, section->fields);
	strcpy(entry->title, title);
	return entry;
}

void
conf_keys_defaults(struct conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	conf_defaults(conf, conf_keys);
}
