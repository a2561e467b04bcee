/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RUN_DIR/metrics.sock: "GET /metrics" by HTTP, for scrapers; who may read control.sock may ask
 * here, too. Requests are read by libevent's HTTP server, with bounds of size and time.
 */
#ifndef PORTREEVE_CORE_METRICS_SOCKET_H
#define PORTREEVE_CORE_METRICS_SOCKET_H

#include "core/core.h"

#define METRICS_SOCKET "metrics.sock" /* in the run directory */

/* NULL: it cannot be had, which was logged; the gateway does its work all the same. */
struct metrics_socket *metrics_socket_new(struct core *core);
void metrics_socket_free(struct metrics_socket *socket);

#endif
