/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why what was decided was not done: one line for the log, the trail and the CLI. Whoever sees
 * kernel, disk or memory fail says so here, before RESULT_FAILED tells a client nothing.
 */
#ifndef PORTREEVE_CORE_TROUBLE_H
#define PORTREEVE_CORE_TROUBLE_H

#include "core/core.h"

/* @rc: -errno. */
void trouble_kernel(struct core *core, int rc);
void trouble_store(struct core *core, int rc);
void trouble_memory(struct core *core);

/* The last one: "STATE_DIR cannot be written: the disk is full". Never empty. */
const char *trouble_str(const struct core *core);

#endif
