/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A word to the service manager, if there is one that listens (sd_notify(3)). */
#ifndef PORTREEVE_SUPERVISOR_SDNOTIFY_H
#define PORTREEVE_SUPERVISOR_SDNOTIFY_H

/* @state: "READY=1". Does nothing without $NOTIFY_SOCKET. */
void sdnotify(const char *state);

#endif
