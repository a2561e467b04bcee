/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moves what a database's write-ahead log has gathered into the database file, off the request
 * path: a thread with a connection of its own does it about a second after a write, since it waits
 * for the disk. No writes, no wake-ups.
 */
#ifndef PORTREEVE_CORE_CHECKPOINT_H
#define PORTREEVE_CORE_CHECKPOINT_H

struct checkpoint;

#define CHECKPOINT_GATHER_MS 1000

/*
 * For the database at @path (kept, not copied); @gather_ms from a write to the checkpoint, so that
 * what follows is taken along. No thread yet. NULL: no memory.
 */
struct checkpoint *checkpoint_new(const char *path, int gather_ms);

/* Ends the thread; it may be waiting for the disk. */
void checkpoint_free(struct checkpoint *cp);

/* Something was written. The first call starts the thread. 0, or -errno when there is none. */
int checkpoint_poke(struct checkpoint *cp);

#endif
