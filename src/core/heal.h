/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the kernel's table what the lease table says, whoever else touches it.
 */
#ifndef PORTREEVE_CORE_HEAL_H
#define PORTREEVE_CORE_HEAL_H

#include "core/core.h"

/* Makes the table right, then watches it. NULL on error, which was logged. */
struct heal *heal_new(struct core *core);
void heal_free(struct heal *heal);

/*
 * The table may not be what it should be: it is looked at when the event loop comes round, but not
 * again and again without pause, however often somebody spoils it.
 */
void heal_soon(struct core *core);

/*
 * Puts another struct nft in the place of core->nft, for settings that it takes at its start only.
 * 0, or -errno and all is as it was.
 */
int heal_replace_nft(struct core *core);

/* Does @fresh need a struct nft of its own, where the present one was made for @now? */
bool heal_wants_other_nft(const struct conf *now, const struct conf *fresh);

/* May the table make TCP's segments smaller under @conf (clamp_mss)? */
bool heal_clamps(const struct conf *conf);

/* struct nft for the present configuration. NULL on error, which was logged. */
struct nft *heal_new_nft(struct core *core);

#endif
