/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes one key in the text of a configuration file and leaves all else as it is: comments, other
 * keys, sections, blanks. Pure. The text is one that config/conf.c takes.
 */
#ifndef PORTREEVE_CTL_CONF_EDIT_H
#define PORTREEVE_CTL_CONF_EDIT_H

/*
 * @text with @key = @value: in the place of what the key has now; else behind the line "#KEY = ..."
 * of the shipped example; else at the end. @value is as it stands in the file, quotes and braces
 * included. To be freed; NULL: no memory.
 */
char *conf_edit_set(const char *text, const char *key, const char *value);

#endif
