/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any octets: a packet of which nothing is read beyond its end, and one line without surprises. */
#include "config.h"

#include "fuzz.h"
#include "seclog/line.h"
#include "seclog/packet.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tm when = { .tm_year = 126, .tm_mon = 4, .tm_mday = 1 };
	char line[LINE_MAX_OCTETS];
	struct packet p;
	size_t len, i;

	if (!packet_parse(data, size, &p)) {
		FUZZ_ASSERT(
		    size < 40 || (data[0] >> 4 != 6 && (data[0] >> 4 != 4 || (data[0] & 15) < 5)));
		return 0;
	}
	FUZZ_ASSERT(!p.has_tcp || p.has_ports);
	len = line_format(line, &when, "DROP", &p, "-", "FORWARD");
	FUZZ_ASSERT(len == strlen(line) && line[len - 1] == '\n');
	for (i = 0; i < len - 1; i++)
		FUZZ_ASSERT(line[i] >= ' ' && line[i] < 0x7f);
	return 0;
}
