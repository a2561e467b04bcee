/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What passes the gate is written anew, and that passes the gate as it is; but for several callback
 * URLs in one, a form that no client may speak.
 */
#include "config.h"

#include "fuzz.h"
#include "worker/upnp/gate_check.h"

#include <string.h>

#define ROOM (GATE_HEADER_MAX + GATE_BODY_MAX + GATE_REWRITE_ROOM)

static const struct gate_ends ends = { .self = 0xc0a80701, .port = 5431, .peer = 0xc0a80709 };

/* Behind the request, whole, and as many octets as were said. */
static void
check_arguments(struct soap_args args, const char *end)
{
	const char *text;

	FUZZ_ASSERT(args.len == 0 || (args.at == end && args.at[args.len - 1] == '\0'));
	while (soap_args_next(&args, &text))
		FUZZ_ASSERT(args.at[-1] == '\0');
	FUZZ_ASSERT(args.len == 0);
}

static void
rewrite_twice(struct gate_check *check)
{
	static char first[ROOM], second[ROOM];
	struct gate_check again;
	size_t len = gate_rewrite(check, &ends, first, sizeof(first));

	if (len == 0) {
		FUZZ_ASSERT(check->verdict == GATE_REFUSE && check->status && check->reason);
		return;
	}
	FUZZ_ASSERT(!memchr(first, '\0', len));
	check_arguments(check->args, first + len);
	gate_check(first, len, &ends, &again);
	if (check->n_callbacks > 1) {
		FUZZ_ASSERT(again.verdict == GATE_REFUSE);
		return;
	}
	FUZZ_ASSERT(again.verdict == GATE_PASS && again.need == len);
	FUZZ_ASSERT(gate_rewrite(&again, &ends, second, sizeof(second)) == len);
	FUZZ_ASSERT(memcmp(first, second, len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gate_check check;

	gate_check((const char *)data, size, &ends, &check);
	switch (check.verdict) {
	case GATE_MORE:
	case GATE_CONTINUE:
		FUZZ_ASSERT(check.need == 0 || check.need > size);
		break;
	case GATE_REFUSE:
		FUZZ_ASSERT(check.status >= 400 && check.reason);
		break;
	case GATE_PASS:
		FUZZ_ASSERT(check.need > 0 && check.need <= size);
		rewrite_twice(&check);
		break;
	}
	return 0;
}
