/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a lease ends, one at a time (mapping_del_lease(), mapping_expire()) or many
 * (mapping_range.c): it is retired, kernel and store follow, and then it is buried, or brought
 * back.
 */
#ifndef PORTREEVE_CORE_MAPPING_END_H
#define PORTREEVE_CORE_MAPPING_END_H

#include "core/mapping_image.h"
#include "core/notify.h"

/*
 * Takes the lease out of force without forgetting it: @old is what it was, @before and @after what
 * the kernel has of it. Since nothing is freed, lease_exchange() with @old brings it back.
 */
void mapping_end_retire(struct core *core, struct lease *lease, struct lease *old,
    struct mapping_image *before, struct mapping_image *after);

/* Says good-bye to a retired lease and frees it. @used: its flows end with it. */
void mapping_end_bury(struct core *core, struct lease *lease, const struct lease *old, bool used,
    enum notify_kind kind);

#endif
