/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "platform/multicast.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "platform/link.h"

/*
 * /proc/net/igmp: a line for each interface that begins with its number, and below it, indented,
 * one for each group, as the octets in memory read as a number.
 */
int
multicast_joined(const char *ifname, uint32_t group)
{
	char line[128], name[IFNAMSIZ];
	bool here = false, joined = false;
	unsigned value;
	FILE *f = fopen("/proc/net/igmp", "re");

	if (!f)
		return -errno;
	while (!joined && fgets(line, sizeof(line), f)) {
		if (line[0] >= '0' && line[0] <= '9')
			here = sscanf(line, "%*u %15s", name) == 1 && strcmp(name, ifname) == 0;
		else if (here && sscanf(line, " %8X", &value) == 1)
			joined = value == htonl(group);
	}
	fclose(f);
	return joined;
}

static int
on_bridge_attr(const struct nlattr *attr, void *data)
{
	struct multicast_bridge *bridge = data;

	if (mnl_attr_get_payload_len(attr) != 1)
		return MNL_CB_OK;
	if (mnl_attr_get_type(attr) == IFLA_BR_MCAST_SNOOPING)
		bridge->snooping = mnl_attr_get_u8(attr);
	if (mnl_attr_get_type(attr) == IFLA_BR_MCAST_QUERIER)
		bridge->querier = mnl_attr_get_u8(attr);
	return MNL_CB_OK;
}

static bool
parse_info(const struct nlattr *info, struct multicast_bridge *bridge)
{
	const struct nlattr *attr;
	bool is_bridge = false;

	mnl_attr_for_each_nested(attr, info)
	{
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			is_bridge = strcmp(mnl_attr_get_str(attr), "bridge") == 0;
		else if (mnl_attr_get_type(attr) == IFLA_INFO_DATA && is_bridge)
			mnl_attr_parse_nested(attr, on_bridge_attr, bridge);
	}
	return is_bridge;
}

struct answer {
	struct multicast_bridge *bridge;
	bool is_bridge;
};

static int
on_link(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	struct answer *answer = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			answer->is_bridge = parse_info(attr, answer->bridge);
	}
	return MNL_CB_STOP;
}

int
multicast_bridge(const char *ifname, struct multicast_bridge *bridge)
{
	struct answer answer = { .bridge = bridge };
	int rc;

	*bridge = (struct multicast_bridge){ 0 };
	rc = link_ask(ifname, on_link, &answer);
	return rc == 0 && !answer.is_bridge ? -ENODEV : rc;
}
