/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * May there be such a pinhole, and may this host have it? Changes nothing, but asks the kernel for
 * neighbours; where an answer is still to come, core->unsettled says that asking again soon may
 * give another one.
 */
#ifndef PORTREEVE_CORE_PINHOLE_CHECK_H
#define PORTREEVE_CORE_PINHOLE_CHECK_H

#include "core/pinhole.h"
#include "core/policy.h"

/* RESULT_FIREWALL_DISABLED, RESULT_PINHOLES_FORBIDDEN: there are none at all. */
enum result pinhole_check_service(const struct core *core);

/* Is it the asker's own address, or its host's? All are, without "secure". */
bool pinhole_may_touch(
    struct core *core, const struct pinhole_asker *asker, const struct addr6 *internal);

/* Whose share a pinhole takes: addresses are cheap in IPv6, network cards are not. */
struct addr6 pinhole_share_of(const struct pinhole_asker *asker, const struct addr6 *internal);

/* False for numbers of extension headers: no packet is "of" them, so no filter could find one. */
bool pinhole_is_protocol(uint16_t protocol);

/*
 * Why not, in result and @reason: form for what cannot be a pinhole, whoever asks (@key: as asked
 * for, and as it will be); client for hosts that are none, or not the asker.
 */
enum result pinhole_check_form(
    const struct msg_pinhole *req, struct pinhole_key *key, const char **reason);
enum result pinhole_check_client(struct core *core, const struct pinhole_asker *asker,
    const struct pinhole_key *key, const char **reason);

/* What the rules say, into @v. @neighbours NULL: the kernel is asked, and asks the host. */
void pinhole_check_rules(struct core *core, const struct pinhole_asker *asker,
    const struct pinhole_key *key, struct neigh_list *neighbours, struct policy_verdict *v);

#endif
