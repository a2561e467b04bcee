/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who this gateway is: the same name after every restart and reboot, another on every machine. */
#ifndef PORTREEVE_CORE_IDENTITY_H
#define PORTREEVE_CORE_IDENTITY_H

#include <stdint.h>

#include "core/store.h"

/*
 * The base of the UDNs: a version 5 UUID of the machine id, which itself must not be shown to
 * others (machine-id(5)); where there is none, a random one kept in @store.
 * @machine_id: the file; NULL: /etc/machine-id. 0, or -errno when not even that works.
 */
int identity_uuid(struct store *store, const char *machine_id, uint8_t uuid[16]);

#endif
