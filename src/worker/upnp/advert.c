/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker/upnp/advert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SSDP_GROUP 0xeffffffa /* 239.255.255.250 */
#define SSDP_PORT 1900
#define SSDP_TTL 2
#define TYPE_MAX 96

static void
build(char buf[ADVERT_MAX], const struct advert *advert, const char *nt, const char *udn)
{
	/* The USN of a device by its UDN is the UDN alone. */
	bool plain = strcmp(nt, udn) == 0;
	char age[48] = "", next[48] = "";

	if (advert->max_age_s)
		snprintf(age, sizeof(age), "CACHE-CONTROL: max-age=%u\r\n", advert->max_age_s);
	if (advert->next_boot_id)
		snprintf(next, sizeof(next), "NEXTBOOTID.UPNP.ORG: %u\r\n", advert->next_boot_id);
	snprintf(buf, ADVERT_MAX,
	    "NOTIFY * HTTP/1.1\r\n"
	    "HOST: 239.255.255.250:1900\r\n"
	    "%s"
	    "NT: %s\r\n"
	    "NTS: %s\r\n"
	    "USN: %s%s%s\r\n"
	    "%s"
	    "\r\n",
	    age, nt, advert->nts, udn, plain ? "" : "::", plain ? "" : nt, next);
}

bool
advert_build(const struct desc_names *names, unsigned which, const struct advert *advert,
    char buf[ADVERT_MAX])
{
	const struct service *service;
	char type[TYPE_MAX];
	unsigned version;

	if (which == 0) {
		build(buf, advert, "upnp:rootdevice", names->udn[DESC_GATEWAY]);
	} else if (which <= DESC_DEVICES) {
		if (desc_announced_version(names, which - 1) == 0)
			return false;
		build(buf, advert, names->udn[which - 1], names->udn[which - 1]);
	} else if (which <= 2 * DESC_DEVICES) {
		which -= DESC_DEVICES + 1;
		version = desc_announced_version(names, which);
		if (version == 0)
			return false;
		snprintf(type, sizeof(type), "urn:schemas-upnp-org:device:%s:%u",
		    desc_device_types[which], version);
		build(buf, advert, type, names->udn[which]);
	} else {
		service = services[which - 2 * DESC_DEVICES - 1];
		if (!service_announced(service, names))
			return false;
		snprintf(type, sizeof(type), "%s:%u", service->type, service->version);
		build(buf, advert, type, names->udn[service->device]);
	}
	return true;
}

static int
open_socket(uint32_t ifindex)
{
	const struct ip_mreqn mreq = { .imr_ifindex = (int)ifindex };
	const int ttl = SSDP_TTL;
	int fd, rc;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &mreq, sizeof(mreq)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl)) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

int
advert_send(const struct desc_names *names, uint32_t ifindex, const struct advert *advert)
{
	const struct sockaddr_in group = {
		.sin_family = AF_INET,
		.sin_port = htons(SSDP_PORT),
		.sin_addr.s_addr = htonl(SSDP_GROUP),
	};
	char buf[ADVERT_MAX];
	unsigned i;
	int fd, rc = 0;

	fd = open_socket(ifindex);
	if (fd < 0)
		return fd;
	for (i = 0; i < ADVERTS && rc == 0; i++) {
		if (advert_build(names, i, advert, buf) &&
		    sendto(fd, buf, strlen(buf), 0, (const struct sockaddr *)&group,
			sizeof(group)) < 0)
			rc = -errno;
	}
	close(fd);
	return rc;
}
