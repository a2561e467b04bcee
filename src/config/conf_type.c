/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each type of a key means: how it is spelt, what is legal, how it is printed. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf_keys.h"
#include "lib/compiler.h"
#include "lib/utf8.h"

/* Room for any one value. */
union value {
	bool truth;
	uint8_t choice;
	uint16_t u16;
	uint32_t u32;
	struct prefix4 prefix;
	struct addr6 host;
	struct conf_range range;
	struct conf_prefix6 prefix6;
	struct conf_client client;
	struct mac mac;
	struct conf_ports ports;
	struct conf_chain chain;
	struct conf_endpoint endpoint;
	enum log_level level;
	char text[CONF_COMMAND_MAX];
};

/* ---- parsers: 0, -EINVAL: not even the type, or an error that describe() knows ---- */

static int
parse_bool(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			v->truth = i % 2;
			return 0;
		}
	}
	return -EINVAL;
}

static int
parse_switch(const struct conf_key *key, const char *text, union value *v)
{
	if (strcmp(text, "auto") == 0)
		return 0;
	if (parse_bool(key, text, v) < 0)
		return -EINVAL;
	v->choice = v->truth ? CONF_YES : CONF_NO;
	return 0;
}

/* Decimal digits only, up to @end: a sign, a blank or "0x" is somebody's mistake. */
static int
digits(const struct conf_key *key, const char *text, const char *end, uint32_t *value)
{
	uint64_t n = 0;
	const char *p;

	for (p = text; p < end && *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > UINT32_MAX)
			return -ERANGE;
	}
	if (p < end || p == text)
		return -EINVAL;
	if (n < key->min || n > key->max)
		return -ERANGE;
	*value = (uint32_t)n;
	return 0;
}

static int
parse_u32(const struct conf_key *key, const char *text, union value *v)
{
	return digits(key, text, text + strlen(text), &v->u32);
}

static int
parse_u16(const struct conf_key *key, const char *text, union value *v)
{
	uint32_t number = 0;
	int rc = digits(key, text, text + strlen(text), &number);

	v->u16 = (uint16_t)number;
	return rc;
}

static int
parse_ports(const struct conf_key *key, const char *text, union value *v)
{
	const char *end = text + strlen(text), *hyphen = strchr(text, '-');
	uint32_t first = 0, last = 0;
	int rc;

	rc = digits(key, text, hyphen ? hyphen : end, &first);
	if (rc < 0)
		return rc;
	last = first;
	if (hyphen)
		rc = digits(key, hyphen + 1, end, &last);
	if (rc == 0 && last < first)
		return -EDOM;
	v->ports.first = (uint16_t)first;
	v->ports.last = (uint16_t)last;
	return rc;
}

/*
 * What the kernel takes as a name (dev_valid_name), less what a file or a terminal would take for
 * something else.
 */
static int
parse_ifname(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	const char *p;

	if (strlen(text) >= IFNAMSIZ || !strcmp(text, ".") || !strcmp(text, ".."))
		return -EINVAL;
	for (p = text; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("/:\"\\$", *p))
			return -EINVAL;
	strcpy(v->text, text);
	return 0;
}

static int
parse_user(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	const char *p;

	if (*text == '-' || strlen(text) >= sizeof(((struct conf *)0)->worker_user))
		return -EINVAL;
	for (p = text; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("/:,\"\\$", *p))
			return -EINVAL;
	strcpy(v->text, text);
	return 0;
}

static int
check_host(uint32_t addr)
{
	switch (addr4_kind(addr)) {
	case ADDR4_PUBLIC:
	case ADDR4_PRIVATE:
	case ADDR4_SHARED:
	case ADDR4_DOCUMENTATION:
		return 0;
	case ADDR4_LINK_LOCAL:
	case ADDR4_LOOPBACK:
	case ADDR4_SPECIAL:
		break;
	}
	return -EADDRNOTAVAIL;
}

static int
parse_address(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	int rc = addr4_parse(text, &v->u32);

	return rc < 0 ? rc : check_host(v->u32);
}

static int
parse_prefix(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	int rc = strchr(text, '/') ? prefix4_parse(text, &v->prefix) : -EINVAL;

	if (rc < 0)
		return rc;
	if (prefix4_is_edge(&v->prefix, v->prefix.addr))
		return -EADDRNOTAVAIL;
	return check_host(v->prefix.addr);
}

/* 192.168.1.7/24 is a mistake: the host was meant, or the network. */
static bool
has_host_bits(const struct prefix6 *prefix)
{
	size_t i;

	for (i = prefix->len; i < 128; i++)
		if (prefix->addr.octet[i / 8] & 0x80 >> i % 8)
			return true;
	return false;
}

/* Somebody who answers: neither a group nor nobody. */
static int
parse_host(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	uint32_t four;

	if (addr4_parse(text, &four) == 0) {
		v->host = addr6_from4(four);
		return addr4_kind(four) == ADDR4_SPECIAL ? -EADDRNOTAVAIL : 0;
	}
	if (addr6_parse(text, &v->host) < 0 || addr6_to4(&v->host, &four))
		return -EINVAL;
	/* A link-local one needs an interface, which is not told here. */
	return addr6_is_zero(&v->host) || v->host.octet[0] == 0xff || addr6_is_link_local(&v->host)
		   ? -EADDRNOTAVAIL
		   : 0;
}

static int
parse_range(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	const char *hyphen = strchr(text, '-');
	char first[ADDR4_STRLEN];
	int rc;

	if (!hyphen || hyphen - text >= ADDR4_STRLEN)
		return -EINVAL;
	snprintf(first, sizeof(first), "%.*s", (int)(hyphen - text), text);
	if (addr4_parse(first, &v->range.first) < 0 || addr4_parse(hyphen + 1, &v->range.last) < 0)
		return -EINVAL;
	rc = check_host(v->range.first);
	if (rc == 0)
		rc = check_host(v->range.last);
	return rc == 0 && v->range.last < v->range.first ? -EDOM : rc;
}

static int
parse_prefix6(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	struct prefix6 *prefix = &v->prefix6.prefix;

	if (strcmp(text, "auto") == 0) {
		v->prefix6.automatic = true;
		return 0;
	}
	if (!strchr(text, '/') || prefix6_parse(text, prefix) < 0)
		return -EINVAL;
	if (prefix->len < 16 || prefix->len > 64)
		return -ERANGE;
	/* 2000::/3, or fc00::/7 for a LAN of its own */
	if (!addr6_is_global(&prefix->addr) && (prefix->addr.octet[0] & 0xfe) != 0xfc)
		return -EADDRNOTAVAIL;
	return has_host_bits(prefix) ? -EXDEV : 0;
}

/* RFC 1123 2.1: labels of letters, digits and hyphens, the latter inside only. */
static int
parse_domain(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	const char *p;

	if (strlen(text) >= CONF_DOMAIN_MAX)
		return -E2BIG;
	for (p = text; *p; p++) {
		bool inside = p > text && p[-1] != '.' && p[1] && p[1] != '.';

		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || (inside && (*p == '-' || *p == '.'))))
			return -EINVAL;
	}
	strcpy(v->text, text);
	return 0;
}

static int
parse_mac(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	int rc = mac_parse(text, &v->mac);

	if (rc < 0)
		return rc;
	return mac_is_host(&v->mac) ? 0 : -EADDRNOTAVAIL;
}

static int
parse_client(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	struct conf_client *client = &v->client;
	struct prefix4 four;

	if (mac_parse(text, &client->mac) == 0) {
		client->is_mac = true;
		return mac_is_host(&client->mac) ? 0 : -EADDRNOTAVAIL;
	}
	if (prefix4_parse(text, &four) == 0) {
		client->prefix.addr = addr6_from4(four.addr);
		client->prefix.len = (uint8_t)(96 + four.len);
	} else if (prefix6_parse(text, &client->prefix) < 0) {
		return -EINVAL;
	}
	return has_host_bits(&client->prefix) ? -EXDEV : 0;
}

static int
parse_level(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	return log_level_parse(text, &v->level);
}

static int
parse_choice(const struct conf_key *key, const char *text, union value *v)
{
	uint8_t i;

	for (i = 0; key->words[i]; i++) {
		if (*text && strcmp(text, key->words[i]) == 0) {
			v->choice = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* Words between blanks; no shell reads it, so what only a shell understands is somebody's mistake.
 */
static int
parse_command(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	const char *p;

	if (strlen(text) >= CONF_COMMAND_MAX)
		return -E2BIG;
	if (*text != '/')
		return -EINVAL;
	for (p = text; *p; p++)
		if (*p < ' ' || *p == 0x7f || strchr("\"'\\$`|&;<>*?", *p))
			return -EINVAL;
	strcpy(v->text, text);
	return 0;
}

static int
parse_endpoint(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	static const struct conf_key port = { .min = 1, .max = 65535 };
	const char *colon = strchr(text, ':');
	char addr[ADDR4_STRLEN];
	uint32_t number = 0;
	size_t n = colon ? (size_t)(colon - text) : strlen(text);
	int rc;

	if (n >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, n);
	addr[n] = '\0';
	rc = addr4_parse(addr, &v->endpoint.addr);
	if (rc == 0)
		rc = check_host(v->endpoint.addr);
	if (rc == 0 && colon)
		rc = digits(&port, colon + 1, text + strlen(text), &number);
	v->endpoint.port = (uint16_t)number;
	return rc;
}

static const char *const families[] = {
	[CONF_IP] = "ip", [CONF_IP6] = "ip6", [CONF_INET] = "inet"
};

/* What nft(8) takes for a name. */
static bool
chain_name_valid(const char *name)
{
	size_t n =
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./\\");

	return n > 0 && n < CONF_CHAIN_NAME_MAX && name[n] == '\0' &&
	       !strchr("0123456789-./\\", *name);
}

static int
parse_chain(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	char words[3 * CONF_CHAIN_NAME_MAX], *rest = words, *family, *table, *chain;
	size_t i;

	if (strlen(text) >= sizeof(words))
		return -E2BIG;
	strcpy(words, text);
	family = strsep(&rest, " ");
	table = strsep(&rest, " ");
	chain = rest; /* with all that follows: no name has a blank */
	if (!table || !chain || !chain_name_valid(table) || !chain_name_valid(chain))
		return -EINVAL;
	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (strcmp(family, families[i]) != 0)
			continue;
		v->chain.family = (uint8_t)i;
		strcpy(v->chain.table, table);
		strcpy(v->chain.chain, chain);
		return i == CONF_INET && strcmp(table, "portreeve") == 0 ? -EBUSY : 0;
	}
	return -EINVAL;
}

/* 0x10000000, or the same as a decimal number. */
static int
parse_bit(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	const char *legal = strncmp(text, "0x", 2) == 0 ? "0123456789abcdefABCDEF" : "0123456789";
	const char *from = text + (legal[10] ? 2 : 0);
	unsigned long long n;

	if (!*from || from[strspn(from, legal)] || strlen(from) > 10)
		return -EINVAL;
	n = strtoull(from, NULL, legal[10] ? 16 : 10);
	if (n == 0 || n > UINT32_MAX || n & (n - 1))
		return -ERANGE;
	v->u32 = (uint32_t)n;
	return 0;
}

static int
parse_file(const struct conf_key *key UNUSED, const char *text, union value *v)
{
	const size_t len = strlen(text);
	size_t i;

	if (len >= CONF_FILE_MAX)
		return -E2BIG;
	if (*text != '/' || text[len - 1] == '/')
		return -EINVAL;
	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f || strchr("\"\\$", text[i]))
			return -EINVAL;
	strcpy(v->text, text);
	return 0;
}

static int
parse_text(const struct conf_key *key, const char *text, union value *v)
{
	const char *p;

	assert(key->max <= sizeof(v->text));
	if (strlen(text) >= key->max)
		return -E2BIG;
	if (!utf8_valid(text, strlen(text)))
		return -EINVAL;
	for (p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return -EINVAL;
	strcpy(v->text, text);
	utf8_tame_marks(v->text);
	return strcmp(v->text, text) == 0 ? 0 : -EINVAL;
}

/* ---- printers, of a value that is not empty ---- */

static void
print_quoted(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	const char *p;

	fputc('"', out);
	for (p = value; *p; p++)
		fprintf(out, "%s%c", strchr("\"\\$", *p) ? "\\" : "", *p);
	fputc('"', out);
}

static void
print_bool(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	fputs(*(const bool *)value ? "yes" : "no", out);
}

static void
print_switch(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	static const char *const words[] = { "auto", "no", "yes" };

	fputs(words[*(const uint8_t *)value], out);
}

static void
print_u16(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	fprintf(out, "%u", *(const uint16_t *)value);
}

static void
print_u32(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	fprintf(out, "%u", *(const uint32_t *)value);
}

static void
print_address(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	char addr[ADDR4_STRLEN];

	fputs(addr4_str(*(const uint32_t *)value, addr), out);
}

static void
print_prefix(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	char prefix[PREFIX4_STRLEN];

	fprintf(out, "\"%s\"", prefix4_str(value, prefix));
}

static void
print_host(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	char addr[ADDR6_STRLEN];

	fprintf(out, "\"%s\"", addr6_str(value, addr));
}

static void
print_range(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	const struct conf_range *range = value;
	char first[ADDR4_STRLEN], last[ADDR4_STRLEN];

	fprintf(out, "\"%s-%s\"", addr4_str(range->first, first), addr4_str(range->last, last));
}

static void
print_prefix6(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	const struct conf_prefix6 *prefix6 = value;
	char addr[ADDR6_STRLEN];

	if (prefix6->automatic)
		fputs("auto", out);
	else
		fprintf(
		    out, "\"%s/%u\"", addr6_str(&prefix6->prefix.addr, addr), prefix6->prefix.len);
}

static void
print_mac(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	char mac[MAC_STRLEN];

	fprintf(out, "\"%s\"", mac_str(value, mac));
}

static void
print_client(const struct conf_key *key, const void *value, FILE *out)
{
	const struct conf_client *client = value;
	unsigned longest, len = client->prefix.len;
	char addr[ADDR6_STRLEN];
	uint32_t four;

	if (client->is_mac) {
		print_mac(key, &client->mac, out);
		return;
	}
	longest = 128;
	if (len >= 96 && addr6_to4(&client->prefix.addr, &four)) {
		longest = 32;
		len -= 96;
	}
	fprintf(out, "\"%s", addr6_str(&client->prefix.addr, addr));
	if (len < longest)
		fprintf(out, "/%u", len);
	fputc('"', out);
}

static void
print_ports(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	const struct conf_ports *ports = value;

	if (ports->first == ports->last)
		fprintf(out, "%u", ports->first);
	else
		fprintf(out, "%u-%u", ports->first, ports->last);
}

static void
print_level(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	fputs(log_level_str(*(const enum log_level *)value), out);
}

static void
print_endpoint(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	const struct conf_endpoint *e = value;
	char addr[ADDR4_STRLEN];

	fprintf(out, "\"%s", addr4_str(e->addr, addr));
	if (e->port)
		fprintf(out, ":%u", e->port);
	fputc('"', out);
}

static void
print_chain(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	const struct conf_chain *c = value;

	fprintf(out, "\"%s %s %s\"", families[c->family], c->table, c->chain);
}

static void
print_bit(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	fprintf(out, "0x%x", *(const uint32_t *)value);
}

static void
print_choice(const struct conf_key *key, const void *value, FILE *out)
{
	fputs(key->words[*(const uint8_t *)value], out);
}

/* ---- the table ---- */

static const struct {
	size_t size; /* octets of one value; 0: the row's max */
	int (*parse)(const struct conf_key *key, const char *text, union value *v);
	void (*print)(const struct conf_key *key, const void *value, FILE *out);
	const char *one, *many; /* what is legal, for expand() */
	const char *wrong;      /* what is not */
} types[CONF_TYPE_COUNT] = {
	[CONF_BOOL] = { sizeof(bool), parse_bool, print_bool, "yes or no", "truth values",
	    "is neither yes nor no" },
	[CONF_SWITCH] = { sizeof(uint8_t), parse_switch, print_switch, "auto, yes or no",
	    "switches", "is neither auto nor yes nor no" },
	[CONF_U16] = { sizeof(uint16_t), parse_u16, print_u16, "%a to %z", "numbers from %a to %z",
	    "is not a whole number" },
	[CONF_U32] = { sizeof(uint32_t), parse_u32, print_u32, "%a to %z", "numbers from %a to %z",
	    "is not a whole number" },
	[CONF_IFNAME] = { IFNAMSIZ, parse_ifname, print_quoted, "an interface's name",
	    "interfaces' names", "cannot be the name of an interface" },
	[CONF_ADDRESS] = { sizeof(uint32_t), parse_address, print_address, "an IPv4 address",
	    "IPv4 addresses", "is not an IPv4 address" },
	[CONF_PREFIX] = { sizeof(struct prefix4), parse_prefix, print_prefix,
	    "an IPv4 address with the length of its prefix, such as 192.168.1.1/24",
	    "IPv4 addresses with the length of their prefixes", "is no address with a length" },
	[CONF_HOST] = { sizeof(struct addr6), parse_host, print_host, "an IPv4 or IPv6 address",
	    "IPv4 or IPv6 addresses", "is no address" },
	[CONF_RANGE] = { sizeof(struct conf_range), parse_range, print_range,
	    "the first and the last IPv4 address, such as 192.168.1.100-192.168.1.200",
	    "ranges of IPv4 addresses", "is no range of addresses" },
	[CONF_PREFIX6] = { sizeof(struct conf_prefix6), parse_prefix6, print_prefix6,
	    "auto, or an IPv6 prefix of at most 64 bits, such as 2001:db8:1::/48",
	    "IPv6 prefixes of at most 64 bits", "is neither auto nor an IPv6 prefix" },
	[CONF_DOMAIN] = { CONF_DOMAIN_MAX, parse_domain, print_quoted,
	    "the name of a domain, at most 63 octets", "domains' names",
	    "cannot be the name of a domain" },
	[CONF_CLIENT] = { sizeof(struct conf_client), parse_client, print_client,
	    "an address, a prefix or a MAC address", "addresses, prefixes and MAC addresses",
	    "is no address, prefix or MAC address" },
	[CONF_MAC] = { sizeof(struct mac), parse_mac, print_mac,
	    "a MAC address, such as 52:54:00:12:34:56", "MAC addresses", "is not a MAC address" },
	[CONF_PORTS] = { sizeof(struct conf_ports), parse_ports, print_ports,
	    "a port from %a to %z, or a range such as 7100-7103",
	    "ports from %a to %z, or ranges such as 7100-7103", "is neither a port nor a range" },
	[CONF_USER] = { sizeof(((struct conf *)0)->worker_user), parse_user, print_quoted,
	    "a user's name, at most 31 octets", "users' names", "cannot be the name of a user" },
	[CONF_LEVEL] = { sizeof(enum log_level), parse_level, print_level,
	    "error, warn, info or debug", "log levels", "is not a log level" },
	[CONF_CHOICE] = { sizeof(uint8_t), parse_choice, print_choice, "%w", "of %w",
	    "is none of these" },
	[CONF_FILE] = { CONF_FILE_MAX, parse_file, print_quoted, "the absolute path of a file",
	    "paths of files", "is not the path of a file" },
	[CONF_COMMAND] = { CONF_COMMAND_MAX, parse_command, print_quoted,
	    "the absolute path of a program and its arguments", "commands",
	    "is no command that can be run without a shell" },
	[CONF_ENDPOINT] = { sizeof(struct conf_endpoint), parse_endpoint, print_endpoint,
	    "an IPv4 address, with a port or without, such as 192.168.1.10:80",
	    "IPv4 addresses with ports", "is no address" },
	[CONF_CHAIN] = { sizeof(struct conf_chain), parse_chain, print_chain,
	    "a chain, such as \"inet filter forward\"",
	    "chains, such as \"inet filter forward\" (of ip, ip6 or inet)", "is no chain" },
	[CONF_BIT] = { sizeof(uint32_t), parse_bit, print_bit, "one bit, 0x1 to 0x80000000",
	    "bits, 0x1 to 0x80000000", "is not a number" },
	[CONF_TEXT] = { 0, parse_text, print_quoted, "a text of at most %o octets",
	    "texts of at most %o octets", "is not plain text" },
};

static size_t
size_of(const struct conf_key *key)
{
	return types[key->type].size ? types[key->type].size : key->max;
}

bool
conf_key_is_list(const struct conf_key *key)
{
	return key->list.most > 0;
}

static bool
may_be_empty(const struct conf_key *key)
{
	return key->fallback && strcmp(key->fallback, "\"\"") == 0;
}

static size_t *
count_of(void *base, const struct conf_key *key)
{
	return (size_t *)((char *)base + key->list.count);
}

static size_t
count_in(const void *base, const struct conf_key *key)
{
	return *(const size_t *)((const char *)base + key->list.count);
}

static const void *
item_in(const void *base, const struct conf_key *key, size_t i)
{
	return (const char *)base + key->offset + i * key->list.stride;
}

/* ---- setting ---- */

static int
add_item(void *base, const struct conf_key *key, const union value *v)
{
	size_t i, n = count_in(base, key);

	assert(key->list.stride == size_of(key));
	for (i = 0; i < n; i++)
		if (memcmp(item_in(base, key, i), v, size_of(key)) == 0)
			return -EEXIST;
	if (n == key->list.most)
		return -ENOSPC;
	memcpy((char *)base + key->offset + n * key->list.stride, v, size_of(key));
	(*count_of(base, key))++;
	return 0;
}

/* 0, or an error that describe() knows. */
static int
set(void *base, const struct conf_key *key, const char *text)
{
	union value v;
	int rc = 0;

	memset(&v, 0, sizeof(v));
	if (*text)
		rc = types[key->type].parse(key, text, &v);
	else if (conf_key_is_list(key) || !may_be_empty(key))
		rc = -EINVAL;
	if (rc < 0)
		return rc;
	if (conf_key_is_list(key))
		return add_item(base, key, &v);
	memcpy((char *)base + key->offset, &v, size_of(key));
	return 0;
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
	case -EDOM:
		return "ends before it begins";
	case -EBUSY:
		return "is our own";
	case -EXDEV:
		return "has bits beyond its length";
	}
	return types[key->type].wrong;
}

int
conf_key_set(void *base, const struct conf_key *key, const char *text, char why[CONF_WHY_MAX])
{
	char legal[CONF_WHY_MAX];
	int rc;

	rc = set(base, key, text);
	if (rc == 0)
		return 0;
	snprintf(why, CONF_WHY_MAX, "\"%.48s\" %s; legal: %.400s", text, describe(key, rc),
	    conf_key_legal(key, legal));
	return -EINVAL;
}

void
conf_key_clear(void *base, const struct conf_key *key)
{
	assert(conf_key_is_list(key));
	*count_of(base, key) = 0;
	memset((char *)base + key->offset, 0, key->list.most * key->list.stride);
}

/* A list is empty by default. */
void
conf_defaults(void *base, const struct conf_key *keys)
{
	const struct conf_key *key;

	for (key = keys; key->name; key++) {
		if (conf_key_is_list(key))
			conf_key_clear(base, key);
		else if (!key->fallback || may_be_empty(key))
			memset((char *)base + key->offset, 0, size_of(key));
		else if (set(base, key, key->fallback) < 0)
			assert(!"a default that its own key refuses");
	}
}

bool
conf_key_is_empty(const void *base, const struct conf_key *key)
{
	static const union value empty;

	if (conf_key_is_list(key))
		return count_in(base, key) == 0;
	return memcmp((const char *)base + key->offset, &empty, size_of(key)) == 0;
}

bool
conf_key_same(const void *a, const void *b, const struct conf_key *key)
{
	size_t i, n;

	if (!conf_key_is_list(key))
		return memcmp((const char *)a + key->offset, (const char *)b + key->offset,
			   size_of(key)) == 0;
	n = count_in(a, key);
	if (n != count_in(b, key))
		return false;
	for (i = 0; i < n; i++)
		if (memcmp(item_in(a, key, i), item_in(b, key, i), size_of(key)) != 0)
			return false;
	return true;
}

void
conf_key_copy(void *base, const void *from, const struct conf_key *key)
{
	bool is_list = conf_key_is_list(key);

	memcpy((char *)base + key->offset, (const char *)from + key->offset,
	    is_list ? key->list.most * key->list.stride : size_of(key));
	if (is_list)
		*count_of(base, key) = count_in(from, key);
}

/* ---- for people ---- */

/* "auto, 1 or 2" */
static void
print_words(const struct conf_key *key, FILE *out)
{
	const char *const *w = key->words + !*key->words[0];
	const char *mark = "";

	for (; *w; w++) {
		fprintf(out, "%s%s", mark, *w);
		mark = w[1] && w[2] ? ", " : " or ";
	}
}

/* %a: min, %z: max, %o: max without the NUL, %w: the words. */
static void
expand(const struct conf_key *key, const char *text, FILE *out)
{
	const char *p;

	for (p = text; *p; p++) {
		if (*p != '%') {
			fputc(*p, out);
			continue;
		}
		switch (*++p) {
		case 'a':
			fprintf(out, "%u", key->min);
			break;
		case 'z':
			fprintf(out, "%u", key->max);
			break;
		case 'o':
			fprintf(out, "%u", key->max - 1);
			break;
		case 'w':
			print_words(key, out);
			break;
		}
	}
}

const char *
conf_key_legal(const struct conf_key *key, char buf[CONF_WHY_MAX])
{
	FILE *out = fmemopen(buf, CONF_WHY_MAX, "w");

	buf[0] = '\0';
	if (!out)
		return buf;
	if (conf_key_is_list(key)) {
		fprintf(out, "a list of at most %zu ", key->list.most);
		expand(key, types[key->type].many, out);
	} else {
		expand(key, types[key->type].one, out);
		fputs(may_be_empty(key) ? ", or empty" : "", out);
	}
	fclose(out);
	return buf;
}

void
conf_key_print(const void *base, const struct conf_key *key, FILE *out)
{
	size_t i, n;

	if (!conf_key_is_list(key) && may_be_empty(key) && conf_key_is_empty(base, key)) {
		fputs("\"\"", out);
		return;
	}
	if (!conf_key_is_list(key)) {
		types[key->type].print(key, (const char *)base + key->offset, out);
		return;
	}
	n = count_in(base, key);
	fputc('{', out);
	for (i = 0; i < n; i++) {
		if (i)
			fputs(", ", out);
		types[key->type].print(key, item_in(base, key, i), out);
	}
	fputc('}', out);
}
