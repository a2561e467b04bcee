/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libupnp's thread pool does to the scheduler, made cheap; see threads.c. */
#ifndef PORTREEVE_WORKER_UPNP_THREADS_H
#define PORTREEVE_WORKER_UPNP_THREADS_H

/* The name of a function of the pool that is not bound to ours, or NULL: all are. */
const char *threads_unbound(void);

#endif
