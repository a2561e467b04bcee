/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Durations, sizes and times as people say them. Each returns @buf. */
#ifndef PORTREEVE_CTL_HUMAN_H
#define PORTREEVE_CTL_HUMAN_H

#include <stdint.h>

#define HUMAN_MAX 64

/* "59s", "5m 3s", "23h 59m", "12d 3h": two units say enough. */
const char *human_duration(int64_t s, char buf[HUMAN_MAX]);

/* "999 B", "1.5 KiB", "12.0 GiB" */
const char *human_size(int64_t octets, char buf[HUMAN_MAX]);

/* "2026-05-01 12:00:00", what the daemon says less the letters; anything else as it is, cut. */
const char *human_time(const char *iso, char buf[HUMAN_MAX]);

/* "2026-05-01 12:00:00 UTC (3h 5m ago)"; how long ago is left out for what is still to come at
 * @now_s (Unix time). */
const char *human_time_ago(const char *iso, int64_t now_s, char buf[HUMAN_MAX]);

#endif
