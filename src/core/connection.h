/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection as clients may manage it: WANIPConnection's state machine (2.2.4, table 2-4), true
 * to what rtnetlink shows. What brings the line up and takes it down are the configured commands,
 * which the supervisor runs; without them clients can only look.
 *
 *	Disconnected -RequestConnection-> Connecting -the WAN has an address-> Connected
 *	Connected -RequestTermination, idle, longest time-> PendingDisconnect (or at once)
 *	          -the warning's time, or ForceTermination-> Disconnecting -the WAN is down->
 *	Disconnected
 */
#ifndef PORTREEVE_CORE_CONNECTION_H
#define PORTREEVE_CORE_CONNECTION_H

#include "core/core.h"

/* From the end of the command until the line must be up, or down. */
#define CONNECTION_SETTLE_S 30

/* Reads the times that clients have set. NULL on error, which was logged. */
struct connection *connection_new(struct core *core);
void connection_free(struct connection *c);

/* Request- and ForceTermination: RESULT_NOT_AUTHORIZED where no command is configured. */
enum result connection_ask(struct core *core, enum msg_connect what);

/* RESULT_NOT_AUTHORIZED: by version 2, where no command makes use of them. */
enum result connection_set_time(
    struct core *core, enum msg_timer which, uint32_t seconds, enum msg_igd igd);
void connection_times(const struct core *core, struct msg_times *times);

enum msg_wan_status connection_status(const struct core *core);
enum msg_wan_error connection_error(const struct core *core);

/* wan.c has looked again, with or without news. */
void connection_wan_changed(struct core *core);

/* The supervisor has run a command. */
void connection_hook_done(struct core *core, const struct msg_hook *done);

/* Called by timers of its own: the present phase has lasted too long (or, of a warning, long
 * enough); is an idle or longest time over? */
void connection_time_over(struct core *core);
void connection_look(struct core *core);

#endif
