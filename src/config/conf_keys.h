/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of all configuration keys: type, range, default and help of each. The reader, the
 * printer, the manual page's test and the shipped example all follow this table.
 */
#ifndef PORTREEVE_CONFIG_CONF_KEYS_H
#define PORTREEVE_CONFIG_CONF_KEYS_H

#include "config/conf.h"

#define CONF_WHY_MAX 256 /* room for an explanation, with the NUL */

enum conf_type {
	CONF_BOOL,    /* bool */
	CONF_U16,     /* uint16_t */
	CONF_U32,     /* uint32_t */
	CONF_IFNAME,  /* char[IFNAMSIZ]; may be empty */
	CONF_IFNAMES, /* struct conf's lans and n_lans: the one list */
	CONF_ADDRESS, /* uint32_t, host byte order; empty text is 0 */
	CONF_USER,    /* char[32] */
	CONF_LEVEL,   /* enum log_level */
	CONF_IGD,     /* uint8_t: 0 for auto, 1, 2 */
	CONF_SWITCH,  /* uint8_t: enum conf_switch */
	CONF_COMMAND, /* char[CONF_COMMAND_MAX]; may be empty */
};

struct conf_key {
	const char *name;
	enum conf_type type;
	size_t offset;        /* in struct conf */
	uint32_t min, max;    /* of the numbers */
	const char *fallback; /* the default, as it would stand in the file */
	const char *help;     /* whole sentences, lines of at most 76 columns */
};

/* Ends with an entry whose name is NULL; in the order in which a file should give them. */
extern const struct conf_key conf_keys[];

/* NULL: there is no such key. */
const struct conf_key *conf_key_find(const char *name);

/* Every key at its default. */
void conf_keys_defaults(struct conf *conf);

/*
 * Gives @key the value that @text spells; to a list it adds one item. 0, or -EINVAL with what is
 * wrong and what is legal in @why; @conf is then as it was.
 */
int conf_key_set(
    struct conf *conf, const struct conf_key *key, const char *text, char why[CONF_WHY_MAX]);

/* Empties a list. */
void conf_key_clear(struct conf *conf, const struct conf_key *key);

/* "yes or no", "1 to 65535", ...: for people. */
const char *conf_key_legal(const struct conf_key *key, char buf[CONF_WHY_MAX]);

/* The present value in the file's syntax. */
void conf_key_print(const struct conf *conf, const struct conf_key *key, FILE *out);

#endif
