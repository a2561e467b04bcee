/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names for ports: those that are built in, and the file's sections "service". */
#ifndef PORTREEVE_CONFIG_CONF_SERVICE_H
#define PORTREEVE_CONFIG_CONF_SERVICE_H

#include "config/conf.h"

/* The service of that name; one of the file goes before one that is built in. NULL: there is none.
 */
const struct conf_service *conf_service_find(const struct conf *conf, const char *name);

/* The built-in ones, for people and tests. NULL past the end. */
const struct conf_service *conf_service_builtin(size_t index);

/* How many ports the services of @conf's "open" have in all. */
size_t conf_service_ports(const struct conf *conf);

/* What of @forward no single field can know. NULL, or what is wrong and what is legal. */
const char *conf_service_check_forward(const struct conf *conf, const struct conf_forward *forward);

/* Do they want the same external port, so that not both can have it? */
bool conf_service_forwards_clash(
    const struct conf *conf, const struct conf_forward *a, const struct conf_forward *b);

#endif
