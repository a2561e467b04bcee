/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters and speed of one interface. Keeps nothing open between two calls. */
#include "platform/ifstat.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/link.h"

static int
on_link(const struct nlmsghdr *nlh, void *data)
{
	struct ifstat *stat = data;
	struct rtnl_link_stats64 stats = { 0 };
	const struct nlattr *attr;
	size_t len;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attr) != IFLA_STATS64)
			continue;
		/* Copied: the attribute is aligned to 4 octets only, and has grown over time. */
		len = mnl_attr_get_payload_len(attr);
		memcpy(
		    &stats, mnl_attr_get_payload(attr), len < sizeof(stats) ? len : sizeof(stats));
	}
	stat->rx_bytes = stats.rx_bytes;
	stat->tx_bytes = stats.tx_bytes;
	stat->rx_packets = stats.rx_packets;
	stat->tx_packets = stats.tx_packets;
	return MNL_CB_STOP;
}

/* Virtual links mostly have none, and one without carrier says SPEED_UNKNOWN: then 0. */
static uint64_t
read_speed(const char *ifname)
{
	struct ethtool_cmd cmd = { .cmd = ETHTOOL_GSET };
	struct ifreq ifr = { 0 };
	uint32_t mbit = 0;
	int fd;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	strncpy(ifr.ifr_name, ifname, sizeof(ifr.ifr_name) - 1);
	ifr.ifr_data = (void *)&cmd;
	if (ioctl(fd, SIOCETHTOOL, &ifr) == 0)
		mbit = ethtool_cmd_speed(&cmd);
	close(fd);
	return mbit == (uint32_t)SPEED_UNKNOWN ? 0 : (uint64_t)mbit * 1000000;
}

int
ifstat_read(const char *ifname, struct ifstat *stat)
{
	int rc;

	memset(stat, 0, sizeof(*stat));
	rc = link_ask(ifname, on_link, stat);
	if (rc < 0)
		return rc;
	stat->speed_bps = read_speed(ifname);
	return 0;
}
