/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A search is written anew, and that is a search as it is. */
#include "config.h"

#include "fuzz.h"
#include "worker/upnp/ssdp_check.h"

#include <string.h>

#define ROOM 2499 /* libupnp's buffer */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char buf[ROOM], again[ROOM];
	size_t len;

	if (size > sizeof(buf))
		size = sizeof(buf);
	memcpy(buf, data, size);
	len = ssdp_rewrite(buf, size, sizeof(buf), true);
	FUZZ_ASSERT(len < sizeof(buf));
	memcpy(again, buf, len);
	FUZZ_ASSERT(len == 0 || ssdp_rewrite(again, len, sizeof(again), true) == len);
	FUZZ_ASSERT(memcmp(buf, again, len) == 0);
	return 0;
}
