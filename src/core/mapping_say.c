/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/mapping_say.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/log.h"
#include "lib/utf8.h"

#define LINES_PER_S 50

const char *
mapping_str(const struct lease *l, char buf[MAPPING_STRLEN])
{
	char inside[ADDR4_STRLEN], remote[ADDR4_STRLEN];

	snprintf(buf, MAPPING_STRLEN, "%s %u%s%s -> %s:%u",
	    l->protocol == IPPROTO_TCP ? "TCP" : "UDP", l->external_port,
	    l->remote_host ? " from " : "", l->remote_host ? addr4_str(l->remote_host, remote) : "",
	    addr4_str(l->internal_client, inside), l->internal_port);
	return buf;
}

const char *
mapping_client_str(uint32_t client, char buf[ADDR4_STRLEN])
{
	return client ? addr4_str(client, buf) : "administrator";
}

void
mapping_say(struct core *core, const char *fmt, ...)
{
	char line[MSG_DESCRIPTION_MAX + 256];
	va_list ap;

	if (log_get_level() < LOG_LEVEL_INFO)
		return;
	if (core->now_ms() - core->log_budget.since_ms >= 1000) {
		if (core->log_budget.left_out)
			log_info(
			    "%u lines about mappings were left out", core->log_budget.left_out);
		core->log_budget.since_ms = core->now_ms();
		core->log_budget.lines = core->log_budget.left_out = 0;
	}
	if (core->log_budget.lines >= LINES_PER_S) {
		core->log_budget.left_out++;
		return;
	}
	core->log_budget.lines++;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	utf8_tame_marks(line);
	log_info("%s", line);
}

void
mapping_say_refused(
    struct core *core, const char *what, const char *who, const struct policy_verdict *v)
{
	char rule[POLICY_DECIDER_STRLEN];

	mapping_say(core, "%s refused to %s: %s: %s%s", what, who, result_str(v->result), v->reason,
	    policy_decider_str(v, core_conf_path(core), rule));
}

void
mapping_say_revoked(struct core *core, const char *what, const struct policy_verdict *why)
{
	char rule[POLICY_DECIDER_STRLEN];

	mapping_say(core, "%s revoked: %s%s", what, why->reason,
	    policy_decider_str(why, core_conf_path(core), rule));
}

void
mapping_say_ended(struct core *core, const char *what, enum notify_kind kind)
{
	mapping_say(core, "%s %s", what, kind == NOTIFY_EXPIRED ? "expired" : "deleted");
}
