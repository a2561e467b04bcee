/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 text that came from a stranger and is shown to people. */
#ifndef PORTREEVE_LIB_UTF8_H
#define PORTREEVE_LIB_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms) for all @len octets. */
bool utf8_valid(const char *text, size_t len);

/*
 * Makes @text harmless in place: control characters and octets that are not UTF-8 become '?', so
 * that it can be logged, stored and printed on a terminal. The length does not change.
 */
void utf8_sanitize(char *text);

/*
 * For a line of a table or a log: the marks that turn the direction of writing (Unicode 5.8,
 * "bidirectional ordering controls") and the line separators become '?', too, since with them a
 * description could rewrite the whole line. The length does not change.
 */
void utf8_tame_marks(char *text);

/* Columns that @text takes on a terminal. Counts code points; wide characters count as two. */
size_t utf8_width(const char *text);

#endif
