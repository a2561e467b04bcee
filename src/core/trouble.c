/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/trouble.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SAY(core, ...) snprintf((core)->trouble, sizeof((core)->trouble), __VA_ARGS__)

void
trouble_kernel(struct core *core, int rc)
{
	SAY(core, "the kernel refused it: %s", strerror(-rc));
}

void
trouble_store(struct core *core, int rc)
{
	SAY(core, "%.80s cannot be written: %s", core->opt.state_dir, store_error_str(rc));
}

void
trouble_memory(struct core *core)
{
	SAY(core, "there is no memory for it");
}

const char *
trouble_str(const struct core *core)
{
	return core->trouble[0] ? core->trouble : "the daemon could not do it";
}
