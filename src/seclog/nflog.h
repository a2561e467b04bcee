/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel's packet filter logs to a group of nfnetlink_log. */
#ifndef PORTREEVE_SECLOG_NFLOG_H
#define PORTREEVE_SECLOG_NFLOG_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nflog_packet {
	const char *prefix; /* of the rule; NUL-terminated, never NULL */
	const uint8_t *data;
	size_t len;
	bool forwarded; /* it has an interface to leave by */
};

typedef void (*nflog_fn)(void *arg, const struct nflog_packet *packet);

/*
 * A socket that gets the packets of @group, which is ours alone. -errno; -EBUSY: another program
 * has the group; -EPERM: this needs CAP_NET_ADMIN.
 */
int nflog_open(uint16_t group, struct mnl_socket **out);

/*
 * Gives one message's packets to @fn. 0 or -errno; -ENOBUFS: some were lost; -EAGAIN: there was
 * nothing. @buf: of NFLOG_BUFFER octets.
 */
#define NFLOG_BUFFER 65536
int nflog_read(struct mnl_socket *nl, char *buf, nflog_fn fn, void *arg);

#endif
