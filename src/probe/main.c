/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portreeve-probe: asks the LANs, for "portreeve doctor", whether there is another gateway or DHCP
 * server, and whether our own worker answers a search.
 *
 *	portreeve-probe HTTP_PORT INTERFACE ADDRESS [INTERFACE ADDRESS]...
 *
 * Opens its sockets as root, then becomes nobody without any right, and only then reads what
 * strangers answer. Prints a line for each thing found, made of words and addresses of its own:
 *
 *	searched IF yes|no            our worker answered a search
 *	igd IF ADDRESS                another gateway did
 *	dhcp IF ADDRESS ROUTER        an offer, and the gateway that it names (0.0.0.0: none)
 *	unasked IF                    no offers were asked for: not an Ethernet
 *	done
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "platform/sandbox.h"
#include "probe/dhcp_probe.h"
#include "probe/dhcp_socket.h"
#include "probe/ssdp_probe.h"

#define LANS_MAX 16
#define FOUND_MAX 16       /* of each kind on one LAN */
#define LASTS_MS 4500      /* searches want a second; a DHCP server may ping for three first */
#define AGAIN_MS 500       /* then all is asked once more: a datagram may be lost */
#define DATAGRAMS_MAX 2000 /* looked at in all, whoever sends them */

struct found {
	uint32_t addr, router;
};

struct lan {
	char ifname[IFNAMSIZ];
	uint32_t addr;
	int ssdp, dhcp; /* sockets; -1: none */
	int ifindex;
	uint8_t mac[6], chaddr[6];
	uint32_t xid;
	bool answered; /* our worker */
	struct found igds[FOUND_MAX], servers[FOUND_MAX];
	size_t n_igds, n_servers;
};

struct probe {
	uint16_t http_port;
	struct lan lans[LANS_MAX];
	size_t n;
	unsigned datagrams;
};

/* ---- sockets ---- */

static int
fail(const struct lan *lan, const char *what)
{
	int rc = -errno;

	log_error("%s: %s: %s", lan->ifname, what, strerror(-rc));
	return rc;
}

/* Not bound to the device: our own worker's answer comes by the loopback. */
static int
open_ssdp(struct lan *lan)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr = { htonl(lan->addr) } };
	struct ip_mreqn by = { .imr_ifindex = lan->ifindex };
	int ttl = 2, loop = 1;

	lan->ssdp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (lan->ssdp < 0 || bind(lan->ssdp, (struct sockaddr *)&name, sizeof(name)) < 0 ||
	    setsockopt(lan->ssdp, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by)) < 0 ||
	    setsockopt(lan->ssdp, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl)) < 0 ||
	    setsockopt(lan->ssdp, IPPROTO_IP, IP_MULTICAST_LOOP, &loop, sizeof(loop)) < 0)
		return fail(lan, "a socket for searches");
	return 0;
}

static int
open_dhcp(struct lan *lan)
{
	lan->dhcp = dhcp_socket_open(lan->ifname, lan->mac);
	if (lan->dhcp >= 0 || lan->dhcp == -EPROTONOSUPPORT)
		return 0;
	errno = -lan->dhcp;
	return fail(lan, "a socket for offers");
}

static int
open_lan(struct lan *lan)
{
	uint8_t dice[sizeof(lan->chaddr) + sizeof(lan->xid)];

	lan->ifindex = (int)if_nametoindex(lan->ifname);
	if (!lan->ifindex)
		return fail(lan, "no such interface");
	if (getrandom(dice, sizeof(dice), 0) != sizeof(dice))
		return fail(lan, "no random numbers");
	memcpy(lan->chaddr, dice, sizeof(lan->chaddr));
	memcpy(&lan->xid, dice + sizeof(lan->chaddr), sizeof(lan->xid));
	lan->chaddr[0] = (uint8_t)((lan->chaddr[0] & 0xfc) | 2); /* a made-up single card */
	return open_ssdp(lan) < 0 || open_dhcp(lan) < 0 ? -EIO : 0;
}

/* ---- asking ---- */

/* What cannot be sent will not be answered, and that is what is said. */
static void
ask(const struct lan *lan)
{
	struct sockaddr_in group = {
		.sin_family = AF_INET,
		.sin_port = htons(SSDP_PROBE_PORT),
		.sin_addr = { htonl(SSDP_PROBE_GROUP) },
	};
	uint8_t frame[DHCP_PROBE_FRAME];
	const char *search;
	size_t len;

	search = ssdp_probe_search(&len);
	if (sendto(lan->ssdp, search, len, 0, (struct sockaddr *)&group, sizeof(group)) < 0)
		log_error("%s: the search: %s", lan->ifname, strerror(errno));
	if (lan->dhcp < 0)
		return;
	dhcp_probe_build(frame, lan->mac, lan->chaddr, lan->xid);
	if (send(lan->dhcp, frame, sizeof(frame), 0) < 0)
		log_error("%s: the DHCP request: %s", lan->ifname, strerror(errno));
}

static void
ask_all(const struct probe *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		ask(&p->lans[i]);
}

/* ---- answers ---- */

static void
remember(struct found *list, size_t *n, uint32_t addr, uint32_t router)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (list[i].addr == addr && list[i].router == router)
			return;
	if (*n < FOUND_MAX)
		list[(*n)++] = (struct found){ addr, router };
}

/* Another LAN of ours may be on the same wire. */
static bool
is_ours(const struct probe *p, uint32_t addr, const char *data, size_t len)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->lans[i].addr == addr)
			return ssdp_probe_is_ours(data, len, addr, p->http_port);
	return false;
}

static void
on_ssdp(struct probe *p, struct lan *lan)
{
	struct sockaddr_in from = { 0 };
	socklen_t from_len = sizeof(from);
	char data[DHCP_SOCKET_FRAME_MAX];
	uint32_t addr;
	ssize_t len;

	len = recvfrom(lan->ssdp, data, sizeof(data), 0, (struct sockaddr *)&from, &from_len);
	if (len < 0 || from.sin_family != AF_INET || !ssdp_probe_is_answer(data, (size_t)len))
		return;
	addr = ntohl(from.sin_addr.s_addr);
	if (is_ours(p, addr, data, (size_t)len))
		lan->answered |= addr == lan->addr;
	else
		remember(lan->igds, &lan->n_igds, addr, 0);
}

static void
on_dhcp(struct lan *lan)
{
	struct dhcp_offer offer;
	uint8_t frame[DHCP_SOCKET_FRAME_MAX];
	ssize_t len;

	len = recv(lan->dhcp, frame, sizeof(frame), 0);
	if (len > 0 && dhcp_probe_parse(frame, (size_t)len, lan->chaddr, lan->xid, &offer))
		remember(lan->servers, &lan->n_servers, offer.server, offer.router);
}

static void
on_readable(struct probe *p, const struct pollfd *fds)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (fds[2 * i].revents && p->datagrams++ < DATAGRAMS_MAX)
			on_ssdp(p, &p->lans[i]);
		if (fds[2 * i + 1].revents && p->datagrams++ < DATAGRAMS_MAX)
			on_dhcp(&p->lans[i]);
	}
}

static void
listen_a_while(struct probe *p)
{
	int64_t began_ms = clock_boot_ms(), now_ms = began_ms, until_ms;
	struct pollfd fds[2 * LANS_MAX];
	bool again = false;
	size_t i;

	for (i = 0; i < p->n; i++) {
		fds[2 * i] = (struct pollfd){ .fd = p->lans[i].ssdp, .events = POLLIN };
		fds[2 * i + 1] = (struct pollfd){ .fd = p->lans[i].dhcp, .events = POLLIN };
	}
	while (now_ms < began_ms + LASTS_MS && p->datagrams < DATAGRAMS_MAX) {
		if (!again && now_ms >= began_ms + AGAIN_MS) {
			ask_all(p);
			again = true;
		}
		until_ms = began_ms + (again ? LASTS_MS : AGAIN_MS);
		if (poll(fds, 2 * p->n, (int)(until_ms - now_ms)) > 0)
			on_readable(p, fds);
		now_ms = clock_boot_ms();
	}
}

static void
print(const struct lan *lan)
{
	char addr[ADDR4_STRLEN], router[ADDR4_STRLEN];
	size_t i;

	printf("searched %s %s\n", lan->ifname, lan->answered ? "yes" : "no");
	for (i = 0; i < lan->n_igds; i++)
		printf("igd %s %s\n", lan->ifname, addr4_str(lan->igds[i].addr, addr));
	for (i = 0; i < lan->n_servers; i++)
		printf("dhcp %s %s %s\n", lan->ifname, addr4_str(lan->servers[i].addr, addr),
		    addr4_str(lan->servers[i].router, router));
	if (lan->dhcp < 0)
		printf("unasked %s\n", lan->ifname);
}

/* ---- life ---- */

static int
parse(struct probe *p, int argc, char **argv)
{
	char *end;
	int i;

	if (argc < 4 || argc % 2 || (argc - 2) / 2 > LANS_MAX)
		return -EINVAL;
	p->http_port = (uint16_t)strtoul(argv[1], &end, 10);
	if (*end || !p->http_port)
		return -EINVAL;
	for (i = 2; i < argc; i += 2) {
		struct lan *lan = &p->lans[p->n++];

		lan->ssdp = lan->dhcp = -1;
		if (strlen(argv[i]) >= sizeof(lan->ifname) ||
		    addr4_parse(argv[i + 1], &lan->addr) < 0)
			return -EINVAL;
		memcpy(lan->ifname, argv[i], strlen(argv[i]));
	}
	return 0;
}

static int
give_up_rights(void)
{
	struct sandbox_user user;
	int rc;

	sandbox_find_user("nobody", "the probe", &user);
	rc = sandbox_become(&user);
	if (rc == 0)
		rc = sandbox_enter(SANDBOX_WORKER);
	if (rc < 0)
		log_error("rights cannot be given up: %s", strerror(-rc));
	return rc;
}

int
main(int argc, char **argv)
{
	struct probe probe = { .n = 0 };
	size_t i;

	log_open("portreeve-probe", LOG_LEVEL_ERROR);
	if (parse(&probe, argc, argv) < 0) {
		fputs("portreeve-probe is run by \"portreeve doctor\", which is what you want\n",
		    stderr);
		return EXIT_FAILURE;
	}
	for (i = 0; i < probe.n; i++)
		if (open_lan(&probe.lans[i]) < 0)
			return EXIT_FAILURE;
	if (give_up_rights() < 0)
		return EXIT_FAILURE;
	ask_all(&probe);
	listen_a_while(&probe);
	for (i = 0; i < probe.n; i++)
		print(&probe.lans[i]);
	puts("done");
	return EXIT_SUCCESS;
}
