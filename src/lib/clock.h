/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two clocks. Leases run on CLOCK_BOOTTIME (suspend counts, nobody can set it); what must
 * survive a reboot or be shown to people is wall-clock time.
 */
#ifndef PORTREEVE_LIB_CLOCK_H
#define PORTREEVE_LIB_CLOCK_H

#include <stdint.h>

/* CLOCK_BOOTTIME in milliseconds. */
int64_t clock_boot_ms(void);

/* CLOCK_MONOTONIC in milliseconds: for deadlines between processes; a suspend does not count. */
int64_t clock_mono_ms(void);

/* The same in microseconds: how long something took. */
uint64_t clock_mono_us(void);

/* CLOCK_REALTIME in whole seconds since 1970. */
int64_t clock_wall_s(void);

#endif
