/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the output can show. */
#ifndef PORTREEVE_CTL_TERMINAL_H
#define PORTREEVE_CTL_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

#define TERMINAL_COLUMNS 100 /* of what is no terminal */

/* The width of a line, 60 to 400. */
unsigned terminal_columns(FILE *out);

/* A terminal that shows colours, and nobody set NO_COLOR (https://no-color.org). */
bool terminal_has_colors(FILE *out);

/* Clears a terminal's screen; elsewhere an empty line begins the next picture. */
void terminal_clear(FILE *out);

#endif
