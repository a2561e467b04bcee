/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/dhcp_socket.h"

#include <errno.h>
#include <linux/filter.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Only UDP to port 68 comes up, so that a busy LAN costs nothing. */
static int
filter_offers(int fd)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETHER_HDR_LEN + 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, ETHER_HDR_LEN),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, ETHER_HDR_LEN + 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 68, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, DHCP_SOCKET_FRAME_MAX),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* Protocol 0 until the filter is there: nothing comes before it. */
static int
set_up(int fd, const char *ifname, uint8_t mac[6])
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET, .sll_protocol = htons(ETHERTYPE_IP) };
	struct ifreq ifr = { 0 };

	strncpy(ifr.ifr_name, ifname, sizeof(ifr.ifr_name) - 1);
	if (ioctl(fd, SIOCGIFINDEX, &ifr) < 0)
		return -errno;
	name.sll_ifindex = ifr.ifr_ifindex;
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		return -errno;
	if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EPROTONOSUPPORT;
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	if (filter_offers(fd) < 0 || bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		return -errno;
	return 0;
}

int
dhcp_socket_open(const char *ifname, uint8_t mac[6])
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;

	if (fd < 0)
		return -errno;
	rc = set_up(fd, ifname, mac);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}
