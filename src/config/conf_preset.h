/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Presets: names for sets of rules that many will want. The key "preset" puts them behind the rules
 * of the file; a rule that names one stands for them, for its own clients.
 */
#ifndef PORTREEVE_CONFIG_CONF_PRESET_H
#define PORTREEVE_CONFIG_CONF_PRESET_H

#include "config/conf.h"

struct conf_preset {
	const char *help;
	/* titles are PRESET/NAME, which no rule of a file can have */
	const struct conf_rule *rules;
	size_t n_rules;
};

/* By enum conf_preset_id. */
extern const struct conf_preset conf_presets[CONF_PRESET_COUNT];

/* The words for CONF_CHOICE, by enum conf_preset_id. */
extern const char *const conf_preset_words[CONF_PRESET_COUNT + 1];

/* Is @preset named by the key or by a rule? */
bool conf_preset_is_used(const struct conf *conf, enum conf_preset_id preset);

#endif
