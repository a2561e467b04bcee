/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_udata.h"

#include <string.h>

size_t
nft_udata_put(uint8_t *buf, size_t at, uint8_t type, const void *value, size_t len)
{
	if (at + 2 + len > NFT_UDATA_MAX)
		return at;
	buf[at] = type;
	buf[at + 1] = (uint8_t)len;
	memcpy(buf + at + 2, value, len);
	return at + 2 + len;
}

const uint8_t *
nft_udata_find(const struct nlattr *attr, uint8_t type, size_t len)
{
	const uint8_t *buf = mnl_attr_get_payload(attr);
	size_t size = mnl_attr_get_payload_len(attr), at = 0;

	while (at + 2 <= size && at + 2 + buf[at + 1] <= size) {
		if (buf[at] == type && buf[at + 1] == len)
			return buf + at + 2;
		at += 2 + (size_t)buf[at + 1];
	}
	return NULL;
}
