/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel holds of mappings, and how it and the store follow the table.
 *
 * What the kernel must be told is the difference between two images: what it holds of all that a
 * change touches, before and after the change in the table. The way back is the same difference
 * the other way round.
 */
#ifndef PORTREEVE_CORE_MAPPING_IMAGE_H
#define PORTREEVE_CORE_MAPPING_IMAGE_H

#include "core/core.h"

#define MAPPING_CHANGES_MAX 60   /* in one transaction: nft->apply() takes 64 */
#define MAPPING_CHANGES_OF_END 3 /* of one lease that ends: the mapping, its source port's heir */

struct mapping_element {
	bool there;
	int64_t expires_ms;
	struct nft_mapping mapping;
};

struct mapping_image {
	struct mapping_element map;       /* of the lease in question */
	struct mapping_element source[2]; /* of its internal endpoint; a refresh may have two */
	size_t n_sources;
};

struct mapping_changes {
	struct nft_change item[MAPPING_CHANGES_MAX];
	size_t n;
};

/*
 * @lease: NULL when it is not in the table yet. @like: its protocol, internal client and port.
 * @other_port: another internal port that the change touches, or the same.
 */
void mapping_image_take(const struct core *core, const struct lease *lease,
    const struct lease *like, uint16_t other_port, struct mapping_image *image);

/* Adds to @c what makes @after of @before; of a lease that ends at most MAPPING_CHANGES_OF_END. */
void mapping_image_changes(const struct mapping_image *before, const struct mapping_image *after,
    struct mapping_changes *c);

/* Kernel, then store, which gets @lease or (NULL) forgets @id. All of it or nothing: 0 or -errno.
 */
int mapping_image_commit(struct core *core, const struct mapping_image *before,
    const struct mapping_image *after, const struct lease *lease, uint32_t id);

/* One transaction, of mappings or pinholes. Where somebody has taken the table away, it is put back
 * first. 0 or -errno. */
int mapping_apply(struct core *core, const struct nft_change *changes, size_t n);

/*
 * Flows may have begun through the mapping: they have, or nobody knows. To be asked before the
 * element goes. A first flow that begins just between the two is not seen, a matter of
 * microseconds.
 */
bool mapping_may_have_flows(const struct core *core, const struct lease *l);

/* Reads what the kernel has counted. True: somebody has used the mapping since the last look. One
 * that is not there, or a kernel that does not count, has nothing new. */
bool mapping_read_use(struct core *core, struct lease *lease);

#endif
