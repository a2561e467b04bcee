/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A point of time as people write it. */
#ifndef PORTREEVE_CTL_SINCE_H
#define PORTREEVE_CTL_SINCE_H

#include <stdint.h>

#define SINCE_LEGAL                                                                                \
	"a number with s, m, h, d or w (\"2h\": two hours ago), or a date and time of UTC "        \
	"(\"2026-05-01\", \"2026-05-01T12:00\")"

/* @text at @now_s, both Unix time. 0, or -EINVAL: neither of the two forms. */
int since_parse(const char *text, int64_t now_s, int64_t *out);

#endif
