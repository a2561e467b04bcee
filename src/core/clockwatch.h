/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notices when the wall clock is set, which matters to who reads times later: of leases, of the
 * audit trail. The kernel tells (TFD_TIMER_CANCEL_ON_SET), so nothing is looked at in vain.
 */
#ifndef PORTREEVE_CORE_CLOCKWATCH_H
#define PORTREEVE_CORE_CLOCKWATCH_H

#include "core/core.h"

#define CLOCKWATCH_JUMP_S 10 /* less is everyday business of whoever keeps the time */

/* 0, or -errno, which was logged. */
int clockwatch_start(struct core *core);
void clockwatch_stop(struct core *core);

/*
 * By how much the wall clock has moved against CLOCK_BOOTTIME since @base_s (wall - boottime,
 * brought up to date); 0: by less than CLOCKWATCH_JUMP_S. Pure.
 */
int64_t clockwatch_jump_s(int64_t *base_s, int64_t now_ms, int64_t wall_s);

#endif
