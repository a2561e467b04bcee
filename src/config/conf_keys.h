/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of all configuration keys and sections: type, range, default and help of each. The
 * reader, the printer, the command line's -o, the manual page's test and the shipped example all
 * follow these tables.
 *
 * To add a key: a member in struct conf (conf.h), a row in conf_keys[], its item in
 * doc/portreeve.conf.5, its lines in init/portreeve.conf ("SHOW=1 ./test_conf" prints the whole
 * example anew) and, if the default is not 0, a line in test_conf.c.
 *
 * To add a section, NAME "TITLE" { ... }: in conf.h a struct that begins with struct conf_entry, an
 * array of it with its most, and its count in struct conf; in conf_keys.c a table of its fields,
 * whose offsets are in that struct (macro FIELD), and a row in conf_sections[]. What no single
 * field can know is for the row's check(). The manual page lists the section as
 * ".It Ic NAME Ar ""TITLE""" and its fields as ".It Va NAME.FIELD = Ar WHAT", each with
 * "Legal: ... Default: ..." as conf_key_legal() has it ("Must be given." in place of a default).
 *
 * A list is any type's: the row says LIST(array, count) where others have AT(member).
 */
#ifndef PORTREEVE_CONFIG_CONF_KEYS_H
#define PORTREEVE_CONFIG_CONF_KEYS_H

#include "config/conf.h"

#define CONF_WHY_MAX 512 /* room for an explanation, with the NUL */

enum conf_type {
	CONF_BOOL,     /* bool */
	CONF_SWITCH,   /* uint8_t: enum conf_switch */
	CONF_U16,      /* uint16_t, min to max */
	CONF_U32,      /* uint32_t, min to max */
	CONF_IFNAME,   /* char[IFNAMSIZ] */
	CONF_ADDRESS,  /* uint32_t, host byte order: a host's IPv4 address */
	CONF_PREFIX,   /* struct prefix4: a host's address on its network, 192.168.1.1/24 */
	CONF_HOST,     /* struct addr6: a host's address, IPv4 as ::ffff:a.b.c.d */
	CONF_RANGE,    /* struct conf_range */
	CONF_PREFIX6,  /* struct conf_prefix6 */
	CONF_DOMAIN,   /* char[CONF_DOMAIN_MAX]: a domain's name */
	CONF_CLIENT,   /* struct conf_client: address, prefix or MAC */
	CONF_MAC,      /* struct mac: one host's */
	CONF_PORTS,    /* struct conf_ports: one port or a range, both within min and max */
	CONF_USER,     /* char[32] */
	CONF_LEVEL,    /* enum log_level */
	CONF_CHOICE,   /* uint8_t: which of the row's words */
	CONF_FILE,     /* char[CONF_FILE_MAX]: an absolute path */
	CONF_COMMAND,  /* char[CONF_COMMAND_MAX] */
	CONF_ENDPOINT, /* struct conf_endpoint: an IPv4 address, and a port if wanted */
	CONF_CHAIN,    /* struct conf_chain: family, table and chain of another's ruleset */
	CONF_BIT,      /* uint32_t with one bit set */
	CONF_TEXT,     /* char[max]: printable UTF-8, so max counts the NUL */
	CONF_TYPE_COUNT
};

struct conf_key {
	const char *name;
	enum conf_type type;
	size_t offset;        /* in struct conf, or in the section's struct: value, or array */
	uint32_t min, max;    /* of the numbers */
	const char *fallback; /* the default, as it would stand in the file. "\"\"": may be empty,
				 which is all zeros; NULL (only in sections): must be given,
				 and be something else than all zeros */
	const char *help;     /* whole sentences, lines of at most 76 columns */
	const char *const *words; /* of CONF_CHOICE, up to NULL; a first one that is empty is what
				     the empty text means */
	struct {
		size_t count;  /* offset of its size_t */
		size_t most;   /* 0: no list */
		size_t stride; /* octets of one item */
	} list;
};

struct conf_section {
	const char *name;
	const struct conf_key *fields; /* ends as conf_keys does */
	size_t offset, count;          /* in struct conf: the array, and its size_t */
	size_t most, stride;
	const char *help;    /* as a key's */
	const char *example; /* entries for the file that is shown while there are none, lines
				indented with one tab, or NULL */
	/* Is the whole @entry good? NULL, or what is wrong and what is legal. May be NULL itself.
	 */
	const char *(*check)(const void *entry);
};

/* Both end with a row whose name is NULL; in the order in which a file should give them. */
extern const struct conf_key conf_keys[];
extern const struct conf_section conf_sections[];

/* NULL: there is no such one. A section's fields are found by passing them as @keys. */
const struct conf_key *conf_key_find(const struct conf_key *keys, const char *name);
const struct conf_section *conf_section_find(const char *name);

/* The entries of a section: how many, and one of them by its place or its title (NULL: none). */
size_t conf_section_count(const struct conf *conf, const struct conf_section *section);
struct conf_entry *conf_section_at(
    const struct conf *conf, const struct conf_section *section, size_t i);
struct conf_entry *conf_section_entry(
    const struct conf *conf, const struct conf_section *section, const char *title);

/*
 * Adds one with all fields at their defaults. NULL: @why says what is wrong (no title, taken, too
 * many) and what is legal.
 */
struct conf_entry *conf_section_add(struct conf *conf, const struct conf_section *section,
    const char *title, char why[CONF_WHY_MAX]);

/* Every key at its default, no entry in any section. */
void conf_keys_defaults(struct conf *conf);

/* ---- conf_type.c: what a type means. @base: the struct that has the key ---- */

/* All of @keys at their defaults; those that must be given are all zeros. */
void conf_defaults(void *base, const struct conf_key *keys);

/*
 * Gives @key the value that @text spells; to a list it adds one item. 0, or -EINVAL with what is
 * wrong and what is legal in @why; @base is then as it was.
 */
int conf_key_set(void *base, const struct conf_key *key, const char *text, char why[CONF_WHY_MAX]);

/* Empties a list. */
void conf_key_clear(void *base, const struct conf_key *key);

bool conf_key_is_list(const struct conf_key *key);

/* Is it a list without items, or a value of all zeros? */
bool conf_key_is_empty(const void *base, const struct conf_key *key);

/* Have both structs the same value there? */
bool conf_key_same(const void *a, const void *b, const struct conf_key *key);

/* Gives @base the value that @from has. */
void conf_key_copy(void *base, const void *from, const struct conf_key *key);

/* "yes or no", "1 to 65535", ...: for people. */
const char *conf_key_legal(const struct conf_key *key, char buf[CONF_WHY_MAX]);

/* The present value in the file's syntax. */
void conf_key_print(const void *base, const struct conf_key *key, FILE *out);

#endif
