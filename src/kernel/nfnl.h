/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One nfnetlink socket: open with large limits, send, receive, ask.
 *
 * The kernel works on a message before sendmsg() returns, so answers are there at once and nothing
 * here waits: receiving is always MSG_DONTWAIT, and "nothing there" is -EAGAIN.
 */
#ifndef PORTREEVE_KERNEL_NFNL_H
#define PORTREEVE_KERNEL_NFNL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NFNL_RX_SIZE 65536 /* more than the kernel ever puts into one piece of a dump */
#define NFNL_ASK_SIZE 512

struct nfnl {
	int fd;
	uint32_t portid;
	uint32_t seq;    /* of the last message sent */
	size_t max_send; /* octets that one send may carry */
	char *rx;
};

/* 0 or -errno. A failed open needs no close; closing twice is harmless. */
int nfnl_open(struct nfnl *nl);
void nfnl_close(struct nfnl *nl);

/* 0 or -errno. */
int nfnl_send(struct nfnl *nl, const void *buf, size_t len);

/* One datagram of the kernel into nl->rx: its length, or -errno (-EAGAIN: none there). */
int nfnl_recv(struct nfnl *nl);

/*
 * A request that reads: nfnl_ask_begin() starts it in @buf (at least 256 octets), the caller adds
 * attributes, nfnl_ask() sends it and gives each answer to @on_msg (may be NULL), which returns 0
 * or -errno. 0 or the first -errno, the kernel's included; -EINTR: the dump was not consistent.
 */
typedef int (*nfnl_msg_fn)(void *arg, const struct nlmsghdr *nlh);
struct nlmsghdr *nfnl_ask_begin(
    char buf[NFNL_ASK_SIZE], uint16_t type, uint16_t flags, uint8_t family);
int nfnl_ask(struct nfnl *nl, struct nlmsghdr *req, nfnl_msg_fn on_msg, void *arg);

/* The error of an NLMSG_ERROR message: 0 (an ack) or -errno. */
int nfnl_error(const struct nlmsghdr *nlh);

/* The attributes of @nest by type, those below @max, into @tb; NULL: not there. They stay its own.
 */
void nfnl_parse_nest(const struct nlattr *nest, const struct nlattr **tb, size_t max);

/* The same of a message's own attributes, which follow a struct nfgenmsg. */
void nfnl_parse(const struct nlmsghdr *nlh, const struct nlattr **tb, size_t max);

/* Numbers that the kernel sends big endian, in host order; 0 if @attr is NULL or of another size.
 */
uint32_t nfnl_u32(const struct nlattr *attr);
uint64_t nfnl_u64(const struct nlattr *attr);

/* Copies the NFTA_DATA_VALUE in @nest. false: it does not have exactly @len octets. */
bool nfnl_data(const struct nlattr *nest, void *value, size_t len);

/* Which process holds the nfnetlink socket @portid. 0 or -ENOENT. Slow: walks /proc. */
int nfnl_holder(uint32_t portid, uint32_t *pid, char *name, size_t size);

#endif
