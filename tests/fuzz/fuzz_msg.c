/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A message is judged by its own octets alone, and only at its own length and with its own number
 * of descriptors. Input: who sends, how many descriptors, a type, octets; these are tried as a
 * whole message and as the body of one of that type, since few ever hit upon a header.
 */
#include "config.h"

#include "fuzz.h"
#include "ipc/msg.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* The verdict with @fill behind the message, where an earlier one may have left anything. */
static int
verdict(const uint8_t *data, size_t len, unsigned fds, enum msg_peer peer, int fill)
{
	struct msg msg;

	memset(&msg, fill, sizeof(msg));
	memcpy(&msg, data, len);
	return msg_check(&msg, len, fds, peer);
}

static void
check_accepted(const uint8_t *data, size_t len, unsigned fds, enum msg_peer peer)
{
	struct msg_header header;

	memcpy(&header, data, sizeof(header));
	FUZZ_ASSERT(header.type < MSG_TYPE_COUNT && msg_type_str(header.type));
	FUZZ_ASSERT(len == sizeof(header) + header.size);
	FUZZ_ASSERT(verdict(data, len, fds + 1, peer, 0) < 0);
	FUZZ_ASSERT(verdict(data, len - 1, fds, peer, 0) < 0);
	if (peer == MSG_FROM_CORE_REPLY)
		FUZZ_ASSERT(header.size == (header.result ? 0 : msg_reply_size(header.type)));
	else
		FUZZ_ASSERT(header.size == msg_size(header.type));
}

/* The header that goes with a body of @type, which is cut or filled up to its size. */
static size_t
frame(struct msg *msg, const uint8_t *body, size_t len, unsigned type, enum msg_peer peer)
{
	bool is_reply = peer == MSG_FROM_CORE_REPLY;
	size_t size = is_reply ? msg_reply_size(type) : msg_size(type);

	memset(msg, 0, sizeof(*msg));
	msg->header.type = (uint16_t)type;
	msg->header.size = (uint16_t)size;
	msg->header.serial = is_reply || peer == MSG_FROM_WORKER_CALL;
	memcpy(&msg->body, body, len < size ? len : size);
	return sizeof(msg->header) + size;
}

static void
try_message(const uint8_t *data, size_t len, unsigned fds, enum msg_peer peer)
{
	int rc = verdict(data, len, fds, peer, 0);

	FUZZ_ASSERT(rc == 0 || rc == -EPROTO);
	FUZZ_ASSERT(verdict(data, len, fds, peer, 0xff) == rc);
	if (rc == 0)
		check_accepted(data, len, fds, peer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum msg_peer peer;
	struct msg msg;
	unsigned fds;
	size_t len;

	if (size < 3 || size - 3 > sizeof(msg))
		return 0;
	peer = (enum msg_peer)(data[0] % (MSG_FROM_WORKER + 1));
	fds = data[1];
	try_message(data + 3, size - 3, fds, peer);
	len = frame(&msg, data + 3, size - 3, data[2] % MSG_TYPE_COUNT, peer);
	try_message((const uint8_t *)&msg, len, fds, peer);
	return 0;
}
