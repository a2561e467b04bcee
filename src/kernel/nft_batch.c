/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 16384
#define FRAME (NLMSG_HDRLEN + sizeof(struct nfgenmsg))

void
nft_batch_init(struct nft_batch *b, struct nfnl *nl)
{
	*b = (struct nft_batch){ .nl = nl };
}

void
nft_batch_exit(struct nft_batch *b)
{
	free(b->buf);
	b->buf = NULL;
	b->cap = 0;
}

static bool
reserve(struct nft_batch *b, size_t room)
{
	size_t cap = b->cap ? b->cap : FIRST_SIZE;
	char *buf;

	if (b->error)
		return false;
	while (cap - b->len < room)
		cap *= 2;
	if (cap == b->cap)
		return true;
	buf = realloc(b->buf, cap);
	if (!buf) {
		b->error = -ENOMEM;
		return false;
	}
	b->buf = buf;
	b->cap = cap;
	return true;
}

static struct nlmsghdr *
put_header(struct nft_batch *b, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(b->buf + b->len);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++b->nl->seq;
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
	return nlh;
}

/* The last message may have grown. */
static void
close_last(struct nft_batch *b)
{
	const struct nlmsghdr *nlh = (const void *)(b->buf + b->open);

	b->len = b->open + NLMSG_ALIGN(nlh->nlmsg_len);
}

void
nft_batch_begin(struct nft_batch *b)
{
	b->len = b->open = 0;
	b->count = 0;
	b->error = 0;
	if (!reserve(b, 2 * FRAME))
		return;
	put_header(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	close_last(b);
}

struct nlmsghdr *
nft_batch_msg(struct nft_batch *b, uint16_t type, uint16_t flags, size_t room)
{
	if (b->error)
		return NULL;
	close_last(b);
	if (!reserve(b, room + 2 * FRAME)) /* with the end of the batch */
		return NULL;
	memset(b->buf + b->len, 0, room + FRAME); /* libmnl leaves padding as it finds it */
	b->open = b->len;
	b->count++;
	return put_header(b, NFNL_SUBSYS_NFTABLES << 8 | type, flags, NFPROTO_INET, 0);
}

size_t
nft_batch_size(const struct nft_batch *b)
{
	const struct nlmsghdr *nlh;

	if (!b->buf)
		return 0;
	nlh = (const void *)(b->buf + b->open);
	return b->open + nlh->nlmsg_len + FRAME;
}

/*
 * Reads answers until the one to the last message, which alone asked for an ack; the kernel gives
 * them in order, errors of the whole batch first, and all of them before sendmsg() returned.
 */
static int
gather(struct nft_batch *b, uint32_t first, uint32_t last, nft_batch_error_fn on_error, void *arg)
{
	int res = 0;
	bool acked = false;

	while (!acked) {
		const struct nlmsghdr *nlh = (const void *)b->nl->rx;
		int len = nfnl_recv(b->nl), err;

		if (len == -EAGAIN)
			return res ? res : -EIO;
		if (len < 0)
			return len;
		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_type != NLMSG_ERROR || nlh->nlmsg_seq - first > last - first)
				continue;
			acked = nlh->nlmsg_seq == last;
			err = nfnl_error(nlh);
			if (err == 0)
				continue;
			res = res ? res : err;
			if (on_error && nlh->nlmsg_seq != first)
				on_error(arg, nlh->nlmsg_seq - first - 1, err);
		}
	}
	return res;
}

static int
send_batch(struct nft_batch *b, bool commit, nft_batch_error_fn on_error, void *arg)
{
	struct nlmsghdr *nlh;
	uint32_t first, last;
	int rc;

	if (b->error || b->count == 0)
		return b->error;
	close_last(b);
	nlh = (void *)(b->buf + b->open);
	nlh->nlmsg_flags |= NLM_F_ACK;
	last = nlh->nlmsg_seq;
	first = last - b->count;
	if (commit) {
		b->open = b->len;
		put_header(b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
		close_last(b);
	}
	rc = nfnl_send(b->nl, b->buf, b->len);
	return rc < 0 ? rc : gather(b, first, last, on_error, arg);
}

int
nft_batch_send(struct nft_batch *b, nft_batch_error_fn on_error, void *arg)
{
	return send_batch(b, true, on_error, arg);
}

int
nft_batch_check(struct nft_batch *b, nft_batch_error_fn on_error, void *arg)
{
	return send_batch(b, false, on_error, arg);
}
