/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every type, alone and as a list, by a table of the test's own. */
#include "config/conf_keys.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct all {
	uint16_t u16;
	struct prefix4 prefix;
	struct conf_client client;
	struct mac mac;
	struct addr6 host;
	struct conf_range range;
	struct conf_prefix6 prefix6;
	char domain[CONF_DOMAIN_MAX];
	struct conf_ports ports;
	uint8_t choice;
	char text[12];
	uint32_t numbers[3];
	size_t n_numbers;
	uint8_t choices[2];
	size_t n_choices;
	char texts[2][8];
	size_t n_texts;
	uint32_t guard;
};

static const char *const colours[] = { "", "red", "green", "blue", NULL };

#define FIELD(member) .offset = offsetof(struct all, member)
#define LIST(array, n)                                                                             \
	.list = { offsetof(struct all, n),                                                         \
		sizeof(((struct all *)0)->array) / sizeof(((struct all *)0)->array[0]),            \
		sizeof(((struct all *)0)->array[0]) },                                             \
	FIELD(array)

static const struct conf_key keys[] = {
	{ "u16", CONF_U16, FIELD(u16), 5, 1000, "7", "" },
	{ "prefix", CONF_PREFIX, FIELD(prefix), 0, 0, "\"\"", "" },
	{ "client", CONF_CLIENT, FIELD(client), 0, 0, NULL, "" },
	{ "mac", CONF_MAC, FIELD(mac), 0, 0, "\"\"", "" },
	{ "host", CONF_HOST, FIELD(host), 0, 0, NULL, "" },
	{ "range", CONF_RANGE, FIELD(range), 0, 0, "\"\"", "" },
	{ "prefix6", CONF_PREFIX6, FIELD(prefix6), 0, 0, "\"\"", "" },
	{ "domain", CONF_DOMAIN, FIELD(domain), 0, 0, "lan", "" },
	{ "ports", CONF_PORTS, FIELD(ports), 1, 65535, "\"\"", "" },
	{ "choice", CONF_CHOICE, .words = colours, FIELD(choice), 0, 0, "green", "" },
	{ "text", CONF_TEXT, FIELD(text), 0, sizeof(((struct all *)0)->text), "\"\"", "" },
	{ "numbers", CONF_U32, LIST(numbers, n_numbers), 2, 9, "{}", "" },
	{ "choices", CONF_CHOICE, .words = colours, LIST(choices, n_choices), 0, 0, "{}", "" },
	{ "texts", CONF_TEXT, LIST(texts, n_texts), 0, 8, "{}", "" },
	{ 0 },
};

static const struct conf_key *
key_of(const char *name)
{
	const struct conf_key *key = conf_key_find(keys, name);

	if (!key)
		abort();
	return key;
}

/* What conf_key_print() makes of it. */
static const char *
print(const struct all *all, const char *name, char buf[128])
{
	FILE *f = fmemopen(buf, 128, "w");

	buf[0] = '\0';
	conf_key_print(all, key_of(name), f);
	fclose(f);
	return buf;
}

static void
test_what_is_legal_is_taken_and_printed_in_one_form(void)
{
	static const struct {
		const char *key, *text, *printed;
	} rows[] = {
		{ "u16", "5", "5" },
		{ "u16", "1000", "1000" },
		{ "prefix", "192.168.137.1/24", "\"192.168.137.1/24\"" },
		{ "prefix", "", "\"\"" },
		{ "client", "192.168.1.7", "\"192.168.1.7\"" },
		{ "client", "192.168.1.7/32", "\"192.168.1.7\"" },
		{ "client", "192.168.0.0/16", "\"192.168.0.0/16\"" },
		{ "client", "0.0.0.0/0", "\"0.0.0.0/0\"" },
		{ "client", "2001:DB8::1", "\"2001:db8::1\"" },
		{ "client", "2001:db8::/32", "\"2001:db8::/32\"" },
		{ "client", "::/0", "\"::/0\"" },
		{ "client", "52-54-00-AB-cd-01", "\"52:54:00:ab:cd:01\"" },
		{ "host", "203.0.113.2", "\"203.0.113.2\"" },
		{ "host", "127.0.0.53", "\"127.0.0.53\"" },
		{ "host", "2001:DB8::53", "\"2001:db8::53\"" },
		{ "range", "192.168.1.5-192.168.1.9", "\"192.168.1.5-192.168.1.9\"" },
		{ "range", "192.168.1.5-192.168.1.5", "\"192.168.1.5-192.168.1.5\"" },
		{ "range", "", "\"\"" },
		{ "prefix6", "auto", "auto" },
		{ "prefix6", "2001:DB8:1::/48", "\"2001:db8:1::/48\"" },
		{ "prefix6", "fd00:1:2:3::/64", "\"fd00:1:2:3::/64\"" },
		{ "prefix6", "", "\"\"" },
		{ "domain", "home.arpa", "\"home.arpa\"" },
		{ "domain", "a-b", "\"a-b\"" },
		{ "mac", "52:54:00:12:34:56", "\"52:54:00:12:34:56\"" },
		{ "ports", "1", "1" },
		{ "ports", "7100-7103", "7100-7103" },
		{ "ports", "65535-65535", "65535" },
		{ "ports", "", "\"\"" },
		{ "choice", "red", "red" },
		{ "choice", "blue", "blue" },
		{ "text", "a \"b\" $c\\", "\"a \\\"b\\\" \\$c\\\\\"" },
		{ "text", "12345678901", "\"12345678901\"" },
	};
	char why[CONF_WHY_MAX], buf[128];
	struct all all;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&all, 0, sizeof(all));
		CU_ASSERT_EQUAL(conf_key_set(&all, key_of(rows[i].key), rows[i].text, why), 0);
		CU_ASSERT_STRING_EQUAL(print(&all, rows[i].key, buf), rows[i].printed);
	}
}

static void
test_what_is_not_legal_is_told_and_changes_nothing(void)
{
	static const struct {
		const char *key, *text, *says;
	} rows[] = {
		{ "u16", "4", "is out of range; legal: 5 to 1000" },
		{ "u16", "1001", "is out of range; legal: 5 to 1000" },
		{ "u16", "", "is not a whole number; legal: 5 to 1000" },
		{ "prefix", "192.168.1.1", "is no address with a length" },
		{ "prefix", "192.168.1.0/24", "is no host's address" },
		{ "prefix", "192.168.1.1/33", "is no address with a length" },
		{ "prefix", "127.0.0.1/8", "is no host's address" },
		{ "client", "", "is no address, prefix or MAC address" },
		{ "client", "192.168.1.7/24", "has bits beyond its length" },
		{ "client", "2001:db8::1/32", "has bits beyond its length" },
		{ "client", "192.168.1", "is no address, prefix or MAC address" },
		{ "client", "192.168.1.0/", "is no address, prefix or MAC address" },
		{ "client", "52:54:00:12:34", "is no address, prefix or MAC address" },
		{ "client", "01:00:5e:00:00:01", "is no host's address" },
		{ "host", "dns.example", "is no address" },
		{ "host", "0.0.0.0", "is no host's address" },
		{ "host", "::", "is no host's address" },
		{ "host", "fe80::1", "is no host's address" },
		{ "host", "ff02::1", "is no host's address" },
		{ "range", "192.168.1.5", "is no range of addresses" },
		{ "range", "192.168.1.5-", "is no range of addresses" },
		{ "range", "192.168.1.9-192.168.1.5", "ends before it begins" },
		{ "range", "192.168.1.9-224.0.0.1", "is no host's address" },
		{ "prefix6", "2001:db8::/65", "is out of range" },
		{ "prefix6", "2001:db8::1/64", "has bits beyond its length" },
		{ "prefix6", "fe80::/64", "is no host's address" },
		{ "prefix6", "2001:db8::", "is neither auto nor an IPv6 prefix" },
		{ "prefix6", "192.168.1.0/24", "is neither auto nor an IPv6 prefix" },
		{ "domain", "", "cannot be the name of a domain" },
		{ "domain", "a..b", "cannot be the name of a domain" },
		{ "domain", "-a", "cannot be the name of a domain" },
		{ "domain", "a-.b", "cannot be the name of a domain" },
		{ "domain", "a.", "cannot be the name of a domain" },
		{ "domain", "a,b", "cannot be the name of a domain" },
		{ "domain", "a\nb", "cannot be the name of a domain" },
		{ "mac", "00:00:00:00:00:00", "is no host's address" },
		{ "mac", "52:54:00:12:34:5g", "is not a MAC address" },
		{ "mac", "52:54:00-12:34:56", "is not a MAC address" },
		{ "ports", "0", "is out of range" },
		{ "ports", "1-65536", "is out of range" },
		{ "ports", "9-8", "ends before it begins" },
		{ "ports", "-8", "is neither a port nor a range" },
		{ "ports", "8-", "is neither a port nor a range" },
		{ "ports", "1-2-3", "is neither a port nor a range" },
		{ "ports", "1 - 2", "is neither a port nor a range" },
		{ "choice", "", "is none of these; legal: red, green or blue" },
		{ "choice", "Red", "is none of these; legal: red, green or blue" },
		{ "text", "123456789012",
		    "is too long; legal: a text of at most 11 octets, or empty" },
		{ "text", "a\nb", "is not plain text" },
		{ "text", "a\xff", "is not plain text" },
		{ "text", "\xe2\x80\xae", "is not plain text" },
	};
	struct all all, before;
	char why[CONF_WHY_MAX];
	size_t i;

	memset(&before, 0x5a, sizeof(before));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		all = before;
		why[0] = '\0';
		CU_ASSERT_EQUAL(
		    conf_key_set(&all, key_of(rows[i].key), rows[i].text, why), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, rows[i].says));
		if (!strstr(why, rows[i].says))
			printf("\nfor %s = %s: %s\n", rows[i].key, rows[i].text, why);
		CU_ASSERT_EQUAL(memcmp(&all, &before, sizeof(all)), 0);
	}
}

static void
test_any_type_makes_a_list_with_bounds(void)
{
	char why[CONF_WHY_MAX], buf[128];
	struct all all;

	memset(&all, 0, sizeof(all));
	all.guard = 0x5a5a5a5a;
	conf_defaults(&all, keys);
	CU_ASSERT_EQUAL(conf_key_set(&all, key_of("numbers"), "2", why), 0);
	CU_ASSERT_EQUAL(conf_key_set(&all, key_of("numbers"), "10", why), -EINVAL);
	CU_ASSERT_STRING_EQUAL(
	    why, "\"10\" is out of range; legal: a list of at most 3 numbers from 2 to 9");
	CU_ASSERT_EQUAL(conf_key_set(&all, key_of("numbers"), "2", why), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "stands there twice"));
	CU_ASSERT_EQUAL(conf_key_set(&all, key_of("numbers"), "9", why), 0);
	CU_ASSERT_EQUAL(conf_key_set(&all, key_of("numbers"), "4", why), 0);
	CU_ASSERT_EQUAL(conf_key_set(&all, key_of("numbers"), "5", why), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "is one too many"));
	CU_ASSERT_STRING_EQUAL(print(&all, "numbers", buf), "{2, 9, 4}");

	CU_ASSERT_EQUAL(conf_key_set(&all, key_of("choices"), "blue", why), 0);
	CU_ASSERT_EQUAL(conf_key_set(&all, key_of("choices"), "red", why), 0);
	CU_ASSERT_EQUAL(conf_key_set(&all, key_of("choices"), "", why), -EINVAL);
	CU_ASSERT_STRING_EQUAL(print(&all, "choices", buf), "{blue, red}");
	CU_ASSERT_EQUAL(conf_key_set(&all, key_of("texts"), "a b", why), 0);
	CU_ASSERT_EQUAL(conf_key_set(&all, key_of("texts"), "12345678", why), -EINVAL);
	CU_ASSERT_STRING_EQUAL(print(&all, "texts", buf), "{\"a b\"}");
	CU_ASSERT_EQUAL(all.guard, 0x5a5a5a5a);

	conf_key_clear(&all, key_of("numbers"));
	CU_ASSERT_TRUE(conf_key_is_empty(&all, key_of("numbers")));
	CU_ASSERT_STRING_EQUAL(print(&all, "numbers", buf), "{}");
}

static void
test_defaults_and_sameness(void)
{
	char why[CONF_WHY_MAX];
	struct all a, b;
	const struct conf_key *key;

	memset(&a, 0x5a, sizeof(a));
	memset(&b, 0xa5, sizeof(b));
	conf_defaults(&a, keys);
	conf_defaults(&b, keys);
	CU_ASSERT_EQUAL(a.u16, 7);
	CU_ASSERT_EQUAL(a.choice, 2);
	for (key = keys; key->name; key++)
		CU_ASSERT_TRUE(conf_key_same(&a, &b, key));
	CU_ASSERT_EQUAL(conf_key_set(&a, key_of("numbers"), "3", why), 0);
	CU_ASSERT_FALSE(conf_key_same(&a, &b, key_of("numbers")));
	CU_ASSERT_EQUAL(conf_key_set(&b, key_of("numbers"), "4", why), 0);
	CU_ASSERT_FALSE(conf_key_same(&a, &b, key_of("numbers")));
	CU_ASSERT_EQUAL(conf_key_set(&b, key_of("ports"), "1-2", why), 0);
	CU_ASSERT_FALSE(conf_key_same(&a, &b, key_of("ports")));
}

static const struct unit_test tests[] = {
	UNIT_TEST(what_is_legal_is_taken_and_printed_in_one_form),
	UNIT_TEST(what_is_not_legal_is_told_and_changes_nothing),
	UNIT_TEST(any_type_makes_a_list_with_bounds),
	UNIT_TEST(defaults_and_sameness),
	UNIT_END,
};

int
main(void)
{
	return unit_run("conf_type", tests);
}
