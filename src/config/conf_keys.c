/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One row for each key, and what its type means. Reads no file. */
#include "config/conf_keys.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"

#define AT(field) offsetof(struct conf, field)

const struct conf_key conf_keys[] = {
	{ "wan", CONF_IFNAME, AT(wan), 0, 0, "\"\"",
	    "The interface that leads to the Internet.\n"
	    "Empty: the one that has the default route, followed when that changes." },
	{ "lan", CONF_IFNAMES, AT(lans), 0, 0, "{}",
	    "The interfaces whose hosts may ask for port mappings, at most 16.\n"
	    "Empty: every interface but the WAN that has a private IPv4 address." },
	{ "share", CONF_BOOL, AT(share), 0, 0, "no",
	    "Share the connection: packets from a LAN leave with the WAN's address\n"
	    "(masquerading). Leave it off where another ruleset does that already." },
	{ "clamp_mss", CONF_SWITCH, AT(clamp_mss), 0, 0, "auto",
	    "Let TCP announce no larger segments than fit the path (MSS clamping). auto:\n"
	    "when sharing, on links whose MTU is smaller than that of others or than\n"
	    "Ethernet's. yes: on WAN and LANs in any case." },
	{ "secure", CONF_BOOL, AT(secure), 0, 0, "yes",
	    "A client may map ports to its own address only." },
	{ "min_port", CONF_U16, AT(min_port), 1, 65535, "1024",
	    "The lowest external port that a client may have." },
	{ "max_mappings_per_client", CONF_U32, AT(max_mappings_per_client), 1, 65535, "128",
	    "How many mappings may lead to one host of a LAN." },
	{ "max_mappings", CONF_U32, AT(max_mappings), 1, 131072, "32768",
	    "How many mappings there may be in all." },
	{ "max_lease_s", CONF_U32, AT(max_lease_s), 0, UINT32_MAX, "0",
	    "The longest lease in seconds; longer and permanent ones are cut to it.\n"
	    "0: no limit, and permanent mappings are allowed." },
	{ "external_address", CONF_ADDRESS, AT(external_address), 0, 0, "\"\"",
	    "The address that clients are told instead of the WAN interface's own, for\n"
	    "a gateway behind a 1:1 NAT. Empty: the interface's." },
	{ "http_port", CONF_U16, AT(http_port), 1024, 65535, "5431",
	    "The TCP port on which each LAN is served (descriptions, control, events)." },
	{ "notify_interval_s", CONF_U32, AT(notify_interval_s), 60, 86400, "900",
	    "Seconds between two announcements of the gateway on a LAN; clients forget\n"
	    "it after twice that time without one." },
	{ "igd_version", CONF_IGD, AT(igd_version), 0, 0, "auto",
	    "Which InternetGatewayDevice clients are shown. auto: version 2, and version 1\n"
	    "to those that search for it or cannot bear the other." },
	{ "on_connect", CONF_COMMAND, AT(on_connect), 0, 0, "\"\"",
	    "The program, with arguments, that brings the WAN up when a client asks for\n"
	    "it (RequestConnection). Empty: clients cannot do that." },
	{ "on_disconnect", CONF_COMMAND, AT(on_disconnect), 0, 0, "\"\"",
	    "The program, with arguments, that takes the WAN down when a client asks for\n"
	    "it, or when an idle or longest time that a client has set is over. Empty:\n"
	    "clients cannot do that." },
	{ "ipv6_firewall", CONF_BOOL, AT(ipv6_firewall), 0, 0, "no",
	    "Drop IPv6 packets from the WAN to a LAN that belong to no connection begun\n"
	    "inside, unless a client has opened a pinhole for them. Leave it off where\n"
	    "another ruleset does that already." },
	{ "allow_pinholes", CONF_BOOL, AT(allow_pinholes), 0, 0, "yes",
	    "Clients may open pinholes in that firewall, each for its own addresses." },
	{ "keep_mappings_on_exit", CONF_BOOL, AT(keep_mappings_on_exit), 0, 0, "yes",
	    "Leave the mappings in the kernel when the daemon stops, so that traffic goes\n"
	    "on while it is restarted or upgraded. They still end with their leases." },
	{ "table_owner", CONF_BOOL, AT(table_owner), 0, 0, "yes",
	    "Own the kernel table where the kernel can (6.9 and later), so that\n"
	    "\"nft flush ruleset\" spares it." },
	{ "worker_user", CONF_USER, AT(worker_user), 0, 0, "portreeve",
	    "The user as whom the processes that read packets of the LANs run." },
	{ "log_level", CONF_LEVEL, AT(log_level), 0, 0, "info",
	    "How much is logged. error: somebody must act. warn: odd things, too.\n"
	    "info: mappings that come and go, too. debug: all." },
	{ 0 },
};

const struct conf_key *
conf_key_find(const char *name)
{
	const struct conf_key *key;

	for (key = conf_keys; key->name; key++)
		if (strcmp(key->name, name) == 0)
			return key;
	return NULL;
}

const char *
conf_key_legal(const struct conf_key *key, char buf[CONF_WHY_MAX])
{
	switch (key->type) {
	case CONF_BOOL:
		return "yes or no";
	case CONF_U16:
	case CONF_U32:
		snprintf(buf, CONF_WHY_MAX, "%u to %u", key->min, key->max);
		return buf;
	case CONF_IFNAME:
		return "an interface's name, or empty";
	case CONF_IFNAMES:
		return "a list of at most 16 interfaces' names";
	case CONF_ADDRESS:
		return "an IPv4 address, or empty";
	case CONF_USER:
		return "a user's name, at most 31 octets";
	case CONF_LEVEL:
		return "error, warn, info or debug";
	case CONF_IGD:
		return "auto, 1 or 2";
	case CONF_SWITCH:
		return "auto, yes or no";
	case CONF_COMMAND:
		return "the absolute path of a program and its arguments, or empty";
	}
	return "";
}

static int
parse_bool(const char *text, bool *value)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			*value = i % 2;
			return 0;
		}
	}
	return -EINVAL;
}

/* Decimal digits only: a sign, a blank or "0x" is somebody's mistake. */
static int
parse_number(const struct conf_key *key, const char *text, uint32_t *value)
{
	uint64_t n = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > UINT32_MAX)
			return -ERANGE;
	}
	if (*p || p == text)
		return -EINVAL;
	if (n < key->min || n > key->max)
		return -ERANGE;
	*value = (uint32_t)n;
	return 0;
}

/*
 * What the kernel takes as a name (dev_valid_name), less what a file or a terminal would take for
 * something else.
 */
static bool
ifname_valid(const char *text)
{
	const char *p;

	if (!*text || strlen(text) >= IFNAMSIZ || !strcmp(text, ".") || !strcmp(text, ".."))
		return false;
	for (p = text; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("/:\"\\$", *p))
			return false;
	return true;
}

static bool
user_valid(const char *text)
{
	const char *p;

	if (!*text || *text == '-' || strlen(text) >= sizeof(((struct conf *)0)->worker_user))
		return false;
	for (p = text; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("/:,\"\\$", *p))
			return false;
	return true;
}

static int
parse_address(const char *text, uint32_t *value)
{
	uint32_t addr = 0;

	if (*text && addr4_parse(text, &addr) < 0)
		return -EINVAL;
	switch (addr4_kind(addr)) {
	case ADDR4_PUBLIC:
	case ADDR4_PRIVATE:
	case ADDR4_SHARED:
	case ADDR4_DOCUMENTATION:
		break;
	case ADDR4_LINK_LOCAL:
	case ADDR4_LOOPBACK:
	case ADDR4_SPECIAL:
		if (*text)
			return -EADDRNOTAVAIL;
	}
	*value = addr;
	return 0;
}

static int
parse_igd(const char *text, uint8_t *version)
{
	static const char *const words[] = { "auto", "1", "2" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			*version = (uint8_t)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
parse_switch(const char *text, uint8_t *value)
{
	bool on;

	if (strcmp(text, "auto") == 0) {
		*value = CONF_AUTO;
		return 0;
	}
	if (parse_bool(text, &on) < 0)
		return -EINVAL;
	*value = on ? CONF_YES : CONF_NO;
	return 0;
}

/* Words between blanks; no shell reads it, so what only a shell understands is somebody's mistake.
 */
static bool
command_valid(const char *text)
{
	const char *p;

	if (*text && *text != '/')
		return false;
	for (p = text; *p; p++)
		if (*p < ' ' || *p == 0x7f || strchr("\"'\\$`|&;<>*?", *p))
			return false;
	return true;
}

/* 0, -EINVAL: not even the type; -ERANGE, -EEXIST, -ENOSPC, -EADDRNOTAVAIL, -E2BIG: as describe()
 * says. */
static int
set(struct conf *conf, const struct conf_key *key, const char *text)
{
	void *field = (char *)conf + key->offset;
	uint32_t number;
	size_t i;
	int rc;

	switch (key->type) {
	case CONF_BOOL:
		return parse_bool(text, field);
	case CONF_U16:
		rc = parse_number(key, text, &number);
		if (rc == 0)
			*(uint16_t *)field = (uint16_t)number;
		return rc;
	case CONF_U32:
		return parse_number(key, text, field);
	case CONF_IFNAME:
		if (*text && !ifname_valid(text))
			return -EINVAL;
		snprintf(field, IFNAMSIZ, "%s", text);
		return 0;
	case CONF_IFNAMES:
		if (!ifname_valid(text))
			return -EINVAL;
		for (i = 0; i < conf->n_lans; i++)
			if (strcmp(conf->lans[i], text) == 0)
				return -EEXIST;
		if (conf->n_lans == CONF_LANS_MAX)
			return -ENOSPC;
		snprintf(conf->lans[conf->n_lans++], IFNAMSIZ, "%s", text);
		return 0;
	case CONF_ADDRESS:
		return parse_address(text, field);
	case CONF_USER:
		if (!user_valid(text))
			return -EINVAL;
		snprintf(field, sizeof(conf->worker_user), "%s", text);
		return 0;
	case CONF_LEVEL:
		return log_level_parse(text, field);
	case CONF_IGD:
		return parse_igd(text, field);
	case CONF_SWITCH:
		return parse_switch(text, field);
	case CONF_COMMAND:
		if (strlen(text) >= CONF_COMMAND_MAX)
			return -E2BIG;
		if (!command_valid(text))
			return -EINVAL;
		snprintf(field, CONF_COMMAND_MAX, "%s", text);
		return 0;
	}
	return -EINVAL;
}

static const char *
describe(const struct conf_key *key, int error)
{
	switch (error) {
	case -ERANGE:
		return "is out of range";
	case -E2BIG:
		return "is too long";
	case -EEXIST:
		return "stands there twice";
	case -ENOSPC:
		return "is one too many";
	case -EADDRNOTAVAIL:
		return "is no host's address";
	}
	switch (key->type) {
	case CONF_BOOL:
		return "is neither yes nor no";
	case CONF_U16:
	case CONF_U32:
		return "is not a whole number";
	case CONF_IFNAME:
	case CONF_IFNAMES:
		return "cannot be the name of an interface";
	case CONF_ADDRESS:
		return "is not an IPv4 address";
	case CONF_USER:
		return "cannot be the name of a user";
	case CONF_LEVEL:
		return "is not a log level";
	case CONF_IGD:
		return "is no version";
	case CONF_SWITCH:
		return "is neither auto nor yes nor no";
	case CONF_COMMAND:
		return "is no command that can be run without a shell";
	}
	return "is wrong";
}

int
conf_key_set(
    struct conf *conf, const struct conf_key *key, const char *text, char why[CONF_WHY_MAX])
{
	char legal[CONF_WHY_MAX];
	int rc;

	rc = set(conf, key, text);
	if (rc == 0)
		return 0;
	snprintf(why, CONF_WHY_MAX, "\"%.48s\" %s; legal: %.120s", text, describe(key, rc),
	    conf_key_legal(key, legal));
	return -EINVAL;
}

void
conf_key_clear(struct conf *conf, const struct conf_key *key)
{
	assert(key->type == CONF_IFNAMES);
	conf->n_lans = 0;
	memset(conf->lans, 0, sizeof(conf->lans));
}

void
conf_keys_defaults(struct conf *conf)
{
	const struct conf_key *key;
	const char *text;

	memset(conf, 0, sizeof(*conf));
	for (key = conf_keys; key->name; key++) {
		text = strcmp(key->fallback, "\"\"") == 0 ? "" : key->fallback;
		if (key->type != CONF_IFNAMES && set(conf, key, text) < 0)
			assert(!"a default that its own key refuses");
	}
}

static void
print_list(const struct conf *conf, FILE *out)
{
	size_t i;

	fputc('{', out);
	for (i = 0; i < conf->n_lans; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", conf->lans[i]);
	fputc('}', out);
}

void
conf_key_print(const struct conf *conf, const struct conf_key *key, FILE *out)
{
	const void *field = (const char *)conf + key->offset;
	char addr[ADDR4_STRLEN];

	switch (key->type) {
	case CONF_BOOL:
		fputs(*(const bool *)field ? "yes" : "no", out);
		break;
	case CONF_U16:
		fprintf(out, "%u", *(const uint16_t *)field);
		break;
	case CONF_U32:
		fprintf(out, "%u", *(const uint32_t *)field);
		break;
	case CONF_IFNAMES:
		print_list(conf, out);
		break;
	case CONF_ADDRESS:
		if (*(const uint32_t *)field)
			fputs(addr4_str(*(const uint32_t *)field, addr), out);
		else
			fputs("\"\"", out);
		break;
	case CONF_IGD:
		fputs(*(const uint8_t *)field == 0   ? "auto"
		      : *(const uint8_t *)field == 1 ? "1"
						     : "2",
		    out);
		break;
	case CONF_SWITCH:
		fputs(*(const uint8_t *)field == CONF_AUTO  ? "auto"
		      : *(const uint8_t *)field == CONF_YES ? "yes"
							    : "no",
		    out);
		break;
	case CONF_IFNAME:
	case CONF_USER:
	case CONF_COMMAND:
		fprintf(out, "\"%s\"", (const char *)field);
		break;
	case CONF_LEVEL:
		fputs(log_level_str(*(const enum log_level *)field), out);
		break;
	}
}
