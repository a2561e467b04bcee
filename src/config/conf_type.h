/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each type of a key means: how it is spelt, what is legal, how it is printed. The types stand
 * in conf_type_plain.c, conf_type_addr.c and conf_type_text.c; conf_type.c has the table.
 */
#ifndef PORTREEVE_CONFIG_CONF_TYPE_H
#define PORTREEVE_CONFIG_CONF_TYPE_H

#include "config/conf_keys.h"

/* Room for any one value. */
union conf_value {
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

struct conf_type_spec {
	size_t size; /* octets of one value; 0: the key's max */
	/* @v is all zero before. 0; -EINVAL: not even the type; or another error that conf_type.c
	 * has words for. */
	int (*parse)(const struct conf_key *key, const char *text, union conf_value *v);
	/* Of a value that is not empty, as the configuration file has it. */
	void (*print)(const struct conf_key *key, const void *value, FILE *out);
	/* What is legal, and what is not. In the first two %a is the key's min, %z its max, %o its
	 * max without the NUL, %w its words. */
	const char *one, *many, *wrong;
};

extern const struct conf_type_spec conf_type_bool, conf_type_switch, conf_type_u16, conf_type_u32,
    conf_type_ifname, conf_type_address, conf_type_prefix, conf_type_host, conf_type_range,
    conf_type_prefix6, conf_type_domain, conf_type_client, conf_type_mac, conf_type_ports,
    conf_type_user, conf_type_level, conf_type_choice, conf_type_file, conf_type_command,
    conf_type_endpoint, conf_type_chain, conf_type_bit, conf_type_text;

/* Decimal digits only, up to @end: a sign, a blank or "0x" is somebody's mistake. 0, -EINVAL, or
 * -ERANGE by the key's min and max. */
int conf_type_digits(
    const struct conf_key *key, const char *text, const char *end, uint32_t *value);

#endif
