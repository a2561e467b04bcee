/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/conf_preset.h"

const char *const conf_preset_words[CONF_PRESET_COUNT + 1] = { "", "messenger", "console", "p2p",
	"strict", NULL };

#define ALLOW(name, proto)                                                                         \
	.head = { .title = (name) }, .action = CONF_ALLOW, .permanent = true, .protocol = (proto)
#define INTERNAL(n, ...) .n_internal = (n), .internal = { __VA_ARGS__ }

static const struct conf_rule messenger[] = {
	{ ALLOW("messenger/sip", CONF_PROTOCOL_ANY), INTERNAL(2, { 5060, 5060 }, { 7100, 7103 }) },
	{ ALLOW("messenger/media", CONF_UDP), INTERNAL(2, { 5350, 5353 }, { 5004, 65535 }) },
	{ ALLOW("messenger/t120", CONF_TCP), INTERNAL(1, { 1503, 1503 }) },
	{ ALLOW("messenger/files", CONF_TCP), INTERNAL(1, { 6891, 6900 }) },
	{ ALLOW("messenger/assistance", CONF_TCP), INTERNAL(1, { 3389, 3389 }) },
};

static const struct conf_rule console[] = {
	{ ALLOW("console/game", CONF_PROTOCOL_ANY), INTERNAL(1, { 3074, 3079 }) },
	{ ALLOW("console/voice", CONF_PROTOCOL_ANY), INTERNAL(2, { 3478, 3480 }, { 9293, 9308 }) },
	{ ALLOW("console/tunnel", CONF_UDP), INTERNAL(2, { 3544, 3544 }, { 4500, 4500 }) },
	{ ALLOW("console/peers", CONF_UDP), INTERNAL(1, { 45000, 65535 }) },
};

static const struct conf_rule p2p[] = {
	{ ALLOW("p2p/peers", CONF_PROTOCOL_ANY), .max_mappings_per_client = 16,
	    .max_lease_s = 86400 },
};

static const struct conf_rule strict[] = {
	{ .head = { .title = "strict/rest" },
	    .action = CONF_DENY,
	    .permanent = true,
	    .reason = "no rule allows it" },
};

#define RULES(array) (array), sizeof(array) / sizeof((array)[0])

const struct conf_preset conf_presets[CONF_PRESET_COUNT] = {
	[CONF_PRESET_MESSENGER] = { "what programs of the kind of Windows Messenger open: SIP, "
				    "audio and video, T.120, files, remote assistance",
	    RULES(messenger) },
	[CONF_PRESET_CONSOLE] = { "what game consoles open", RULES(console) },
	[CONF_PRESET_P2P] = { "any ports but those that must be named, 16 for each host and for a "
			      "day at most",
	    RULES(p2p) },
	[CONF_PRESET_STRICT] = { "nothing but what a rule before it allows", RULES(strict) },
};

bool
conf_preset_is_used(const struct conf *conf, enum conf_preset_id preset)
{
	size_t i;

	for (i = 0; i < conf->n_presets; i++)
		if (conf->presets[i] == preset)
			return true;
	for (i = 0; i < conf->n_rules; i++)
		if (conf->rules[i].preset == preset)
			return true;
	return false;
}
