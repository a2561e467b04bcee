/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole sets of advertisements that libupnp does not make.
 *
 * The good-byes that a start begins with: whoever remembers us from before a crash must forget that
 * first (UDA 1.0 1.1.3). libupnp says byebye only for a device that it serves, and would then
 * answer searches for one that is just going.
 *
 * News of another BOOTID, which is the same on all LANs and grows when the gateway comes anew to
 * one of them: an update and then an alive tell the others that nothing was lost (UDA 1.1 1.2.4).
 */
#ifndef PORTREEVE_WORKER_UPNP_ADVERT_H
#define PORTREEVE_WORKER_UPNP_ADVERT_H

#include "worker/upnp/service.h"

#define ADVERT_MAX 512
/* One for the root, two for each device, one for each service (UDA 1.0 1.1.2), at most. */
#define ADVERTS (1 + 2 * DESC_DEVICES + SERVICE_COUNT)

struct advert {
	const char *nts;       /* "ssdp:byebye", "ssdp:update", "ssdp:alive" */
	unsigned max_age_s;    /* of alive; 0 in the others */
	uint32_t next_boot_id; /* of update; 0 in the others */
};

/* Writes message @which, from 0 on. False: what it would name is not announced. Pure. */
bool advert_build(const struct desc_names *names, unsigned which, const struct advert *advert,
    char buf[ADVERT_MAX]);

/*
 * Sends all of them once by the interface @ifindex; the border adds what all messages of ours have.
 * 0 or -errno.
 */
int advert_send(const struct desc_names *names, uint32_t ifindex, const struct advert *advert);

#endif
