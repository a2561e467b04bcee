/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "message.h"

#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "kernel/nft_table.h"

struct nlmsghdr *
message(void)
{
	static union {
		struct nlmsghdr nlh;
		char room[NFT_ROOM];
	} u;

	memset(&u, 0, sizeof(u));
	mnl_nlmsg_put_header(&u);
	mnl_nlmsg_put_extra_header(&u.nlh, sizeof(struct nfgenmsg));
	return &u.nlh;
}

const struct nlattr *
message_attr(const struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}
