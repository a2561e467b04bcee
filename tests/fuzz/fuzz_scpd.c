/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the reader takes holds together, and what it refuses it has said once. */
#include "config.h"

#include "fuzz.h"
#include "lib/log.h"
#include "worker/upnp/scpd.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static unsigned said;

void
log_error(const char *fmt, ...)
{
	said += fmt[0] != '\0';
}

static bool
is_name(const char *name)
{
	return name[0] && memchr(name, '\0', SCPD_NAME_MAX);
}

static void
check_action(const struct scpd *scpd, const struct scpd_action *action)
{
	bool out = false;
	unsigned i;

	FUZZ_ASSERT(is_name(action->name) && action->nargs <= SCPD_ARGS_MAX);
	FUZZ_ASSERT(scpd_action(scpd, action->name));
	for (i = 0; i < action->nargs; i++) {
		const struct scpd_arg *arg = &action->args[i];

		FUZZ_ASSERT(is_name(arg->name) && arg->var);
		FUZZ_ASSERT(arg->var >= scpd->vars && arg->var < scpd->vars + scpd->nvars);
		FUZZ_ASSERT(strcmp(arg->var->name, arg->related) == 0);
		FUZZ_ASSERT(arg->out || !out);
		out = arg->out;
	}
}

static void
check_var(const struct scpd *scpd, const struct scpd_var *var)
{
	const struct scpd_action *getter;
	unsigned arg, i;

	FUZZ_ASSERT(is_name(var->name) && scpd_var(scpd, var->name));
	FUZZ_ASSERT(var->minimum <= var->maximum && var->nvalues <= SCPD_VALUES_MAX);
	for (i = 0; i < var->nvalues; i++)
		FUZZ_ASSERT(memchr(var->values[i], '\0', SCPD_VALUE_MAX));
	getter = scpd_getter(scpd, var, &arg);
	FUZZ_ASSERT(!getter || (arg < getter->nargs && getter->args[arg].var == var));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct scpd scpd;
	unsigned i;
	int rc;

	said = 0;
	rc = scpd_parse(&scpd, "fuzz", (const char *)data, size);
	FUZZ_ASSERT(rc == 0 ? said == 0 : rc == -EINVAL && said == 1);
	if (rc < 0)
		return 0;
	FUZZ_ASSERT(scpd.nactions <= SCPD_ACTIONS_MAX && scpd.nvars <= SCPD_VARS_MAX);
	for (i = 0; i < scpd.nactions; i++)
		check_action(&scpd, &scpd.actions[i]);
	for (i = 0; i < scpd.nvars; i++)
		check_var(&scpd, &scpd.vars[i]);
	return 0;
}
