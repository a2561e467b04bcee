/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One handler for each message a worker may send: the border is a table. */
#ifndef PORTREEVE_CORE_REQUEST_H
#define PORTREEVE_CORE_REQUEST_H

#include "core/core.h"
#include "core/lan.h"

/* Takes over the descriptors and answers the worker of @lan until it goes. 0 or -errno. */
int request_attach(struct core *core, struct lan *lan, int calls_fd, int events_fd);

/* Closes what is left of the worker's channels. */
void request_detach(struct core *core, struct lan *lan);

/*
 * Answers one checked request in @reply (header.result and body). -EPROTO: the client address is
 * not on @lan, which only a worker in enemy hands would send.
 */
int request_dispatch(
    struct core *core, const struct lan *lan, const struct msg *req, struct msg *reply);

#endif
