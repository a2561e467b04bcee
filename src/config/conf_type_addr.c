/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types of keys that are addresses, of hosts and networks. */
#include <errno.h>
#include <string.h>

#include "config/conf_type.h"
#include "lib/compiler.h"

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
parse_address(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
{
	int rc = addr4_parse(text, &v->u32);

	return rc < 0 ? rc : check_host(v->u32);
}

static void
print_address(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	char addr[ADDR4_STRLEN];

	fputs(addr4_str(*(const uint32_t *)value, addr), out);
}

const struct conf_type_spec conf_type_address = {
	.size = sizeof(uint32_t),
	.parse = parse_address,
	.print = print_address,
	.one = "an IPv4 address",
	.many = "IPv4 addresses",
	.wrong = "is not an IPv4 address",
};

static int
parse_prefix(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
{
	int rc = strchr(text, '/') ? prefix4_parse(text, &v->prefix) : -EINVAL;

	if (rc < 0)
		return rc;
	if (prefix4_is_edge(&v->prefix, v->prefix.addr))
		return -EADDRNOTAVAIL;
	return check_host(v->prefix.addr);
}

static void
print_prefix(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	char prefix[PREFIX4_STRLEN];

	fprintf(out, "\"%s\"", prefix4_str(value, prefix));
}

const struct conf_type_spec conf_type_prefix = {
	.size = sizeof(struct prefix4),
	.parse = parse_prefix,
	.print = print_prefix,
	.one = "an IPv4 address with the length of its prefix, such as 192.168.1.1/24",
	.many = "IPv4 addresses with the length of their prefixes",
	.wrong = "is no address with a length",
};

/* Somebody who answers: neither a group nor nobody. */
static int
parse_host(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
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

static void
print_host(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	char addr[ADDR6_STRLEN];

	fprintf(out, "\"%s\"", addr6_str(value, addr));
}

const struct conf_type_spec conf_type_host = {
	.size = sizeof(struct addr6),
	.parse = parse_host,
	.print = print_host,
	.one = "an IPv4 or IPv6 address",
	.many = "IPv4 or IPv6 addresses",
	.wrong = "is no address",
};

static int
parse_range(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
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

static void
print_range(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	const struct conf_range *range = value;
	char first[ADDR4_STRLEN], last[ADDR4_STRLEN];

	fprintf(out, "\"%s-%s\"", addr4_str(range->first, first), addr4_str(range->last, last));
}

const struct conf_type_spec conf_type_range = {
	.size = sizeof(struct conf_range),
	.parse = parse_range,
	.print = print_range,
	.one = "the first and the last IPv4 address, such as 192.168.1.100-192.168.1.200",
	.many = "ranges of IPv4 addresses",
	.wrong = "is no range of addresses",
};

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

static int
parse_prefix6(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
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

const struct conf_type_spec conf_type_prefix6 = {
	.size = sizeof(struct conf_prefix6),
	.parse = parse_prefix6,
	.print = print_prefix6,
	.one = "auto, or an IPv6 prefix of at most 64 bits, such as 2001:db8:1::/48",
	.many = "IPv6 prefixes of at most 64 bits",
	.wrong = "is neither auto nor an IPv6 prefix",
};

static int
parse_mac(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
{
	int rc = mac_parse(text, &v->mac);

	if (rc < 0)
		return rc;
	return mac_is_host(&v->mac) ? 0 : -EADDRNOTAVAIL;
}

static void
print_mac(const struct conf_key *key UNUSED, const void *value, FILE *out)
{
	char mac[MAC_STRLEN];

	fprintf(out, "\"%s\"", mac_str(value, mac));
}

const struct conf_type_spec conf_type_mac = {
	.size = sizeof(struct mac),
	.parse = parse_mac,
	.print = print_mac,
	.one = "a MAC address, such as 52:54:00:12:34:56",
	.many = "MAC addresses",
	.wrong = "is not a MAC address",
};

static int
parse_client(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
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

const struct conf_type_spec conf_type_client = {
	.size = sizeof(struct conf_client),
	.parse = parse_client,
	.print = print_client,
	.one = "an address, a prefix or a MAC address",
	.many = "addresses, prefixes and MAC addresses",
	.wrong = "is no address, prefix or MAC address",
};

static int
parse_endpoint(const struct conf_key *key UNUSED, const char *text, union conf_value *v)
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
		rc = conf_type_digits(&port, colon + 1, text + strlen(text), &number);
	v->endpoint.port = (uint16_t)number;
	return rc;
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

const struct conf_type_spec conf_type_endpoint = {
	.size = sizeof(struct conf_endpoint),
	.parse = parse_endpoint,
	.print = print_endpoint,
	.one = "an IPv4 address, with a port or without, such as 192.168.1.10:80",
	.many = "IPv4 addresses with ports",
	.wrong = "is no address",
};
