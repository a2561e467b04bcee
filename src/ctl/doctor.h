/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "portreeve doctor": what the core says of the machine, and what portreeve-probe hears on the
 * LANs.
 */
#ifndef PORTREEVE_CTL_DOCTOR_H
#define PORTREEVE_CTL_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Turns what portreeve-probe printed into checks at the end of @checks. @lans: [{"interface",
 * "address"}, ...] as the core names them. 0, or -EPROTO: it is not what the program prints.
 */
int doctor_add_probe(json_t *checks, json_t *lans, const char *text);

/* The checks could not be made, and why. */
void doctor_skip_probe(json_t *checks, const char *reason);

/* 0 all is well, 1 there is a warning, 2 a failure; -EPROTO: these are no checks. */
int doctor_worst(json_t *checks);

/* For people: a line each, and below it what to do, in @columns. 0 or -EPROTO. */
int doctor_print(FILE *out, json_t *checks, size_t columns, bool colors);

#endif
