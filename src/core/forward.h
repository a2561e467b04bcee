/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sections "forward" of the configuration: mappings that follow it and that nobody else takes,
 * changes or ends.
 */
#ifndef PORTREEVE_CORE_FORWARD_H
#define PORTREEVE_CORE_FORWARD_H

#include "core/core.h"

/*
 * Makes the mappings of origin LEASE_CONFIG those of the configuration: the difference only, so
 * that what stays is not touched. Whatever else has one of their ports gives way. What cannot be
 * had was logged.
 */
void forward_apply(struct core *core);

#endif
