/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run directory: who owns it now, and whether the processes of a former owner are gone.
 *
 *	RUN_DIR/portreeved.pid    locked by the supervisor; holds its pid, empty after a clean end
 *	RUN_DIR/portreeved.group  locked through a descriptor that all children inherit, so the lock
 *	                          lasts until the last of them has ended, whatever became of us
 */
#ifndef PORTREEVE_SUPERVISOR_RUNDIR_H
#define PORTREEVE_SUPERVISOR_RUNDIR_H

#include <sys/types.h>

/* Makes @path and what is missing above it; the last part gets @mode. 0 or -errno. */
int rundir_make(const char *path, mode_t mode);

/* The locked pid file, close-on-exec, or -errno; -EBUSY: @first holds the pid of who has it. */
int rundir_lock(const char *run_dir, pid_t *first);

/* At a clean end: empties the file and lets it go. */
void rundir_unlock(int fd);

/*
 * The lock of the children, close-on-exec: for them to inherit. Waits for those of a former
 * supervisor that was killed, at most @patience_ms; then goes on without the lock (-EBUSY).
 */
int rundir_lock_group(const char *run_dir, int patience_ms);

#endif
