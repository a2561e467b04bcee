/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any frame: it is an offer for our client, from a server's port, or it is none. */
#include "config.h"

#include "fuzz.h"
#include "probe/dhcp_probe.h"

#include <string.h>

static const uint8_t chaddr[6] = { 2, 1, 2, 3, 4, 5 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dhcp_offer offer = { 1, 1 };

	if (!dhcp_probe_parse(data, size, chaddr, 0x11223344, &offer)) {
		FUZZ_ASSERT(offer.server == 1 && offer.router == 1); /* nothing was written */
		return 0;
	}
	FUZZ_ASSERT(size >= 14 + 20 + 8 + 240);
	FUZZ_ASSERT(memmem(data, size, chaddr, sizeof(chaddr)) != NULL);
	FUZZ_ASSERT(memmem(data, size, "\x63\x82\x53\x63", 4) != NULL);
	return 0;
}
