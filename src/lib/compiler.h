/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What C cannot say of itself. */
#ifndef PORTREEVE_LIB_COMPILER_H
#define PORTREEVE_LIB_COMPILER_H

/* Behind a parameter's name: a callback's signature demands it, this one has no use for it. */
#define UNUSED __attribute__((unused))

#endif
