/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks rules with packets of which only something is known. Pure: no netlink.
 *
 * A condition is met by a share of the packets in question; shares are ordered and joined by taking
 * the lesser. Registers hold bits that are known, that are free (any value occurs, such as a
 * stranger's port) or that are opaque (there is a value, and we do not know it).
 */
#include "kernel/foreign_model.h"

#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 16     /* of jumps, as in the kernel */
#define STEPS_MAX 100000 /* of one walk: rules may be jumped to from everywhere */
#define PRIO_CONNTRACK (-200)

enum share {
	SHARE_NONE,
	SHARE_SOME,
	SHARE_UNKNOWN, /* none, some or all */
	SHARE_MOST,    /* all but some */
	SHARE_ALL,
};

struct regs {
	uint8_t val[FOREIGN_REGS];
	uint8_t known[FOREIGN_REGS];  /* bits of val that are known */
	uint8_t opaque[FOREIGN_REGS]; /* not 0: what is not known of this octet is not free */
};

/* The headers, with the same meaning. */
struct headers {
	uint8_t nh[40], nh_known[40], nh_free[40];
	uint8_t th[20], th_known[20], th_free[20];
};

struct walk {
	const struct foreign *f;
	const struct foreign_packet *packet;
	const struct foreign_chain *base;
	struct headers headers;
	struct regs regs;
	unsigned steps;
	enum share left; /* of the packets, those no rule has accepted so far */
	struct foreign_finding finding;
	/* foreign_translates() */
	bool wants_nat, nat_found;
	enum foreign_nat_kind kind;
	struct foreign_nat nat;
};

static enum share
lesser(enum share a, enum share b)
{
	return a < b ? a : b;
}

static enum share
all_but(enum share share)
{
	switch (share) {
	case SHARE_NONE:
		return SHARE_ALL;
	case SHARE_SOME:
		return SHARE_MOST;
	case SHARE_UNKNOWN:
		return SHARE_UNKNOWN;
	case SHARE_MOST:
		return SHARE_SOME;
	case SHARE_ALL:
		return SHARE_NONE;
	}
	return SHARE_UNKNOWN;
}

static enum share
less(enum share from, enum share what)
{
	return what == SHARE_ALL ? SHARE_NONE : lesser(from, all_but(what));
}

/* ---- the packets ---- */

/* @bits of @addr, the rest free. */
static void
put_address(
    uint8_t *val, uint8_t *known, uint8_t *free_, const uint8_t *addr, unsigned bits, unsigned size)
{
	unsigned i;

	for (i = 0; i < size; i++) {
		unsigned here = bits >= 8 ? 8 : bits;

		known[i] = (uint8_t)(0xff00u >> here);
		val[i] = addr[i] & known[i];
		free_[i] = 1;
		bits -= here;
	}
}

static void
put_known(uint8_t *val, uint8_t *known, uint8_t value)
{
	*val = value;
	*known = 0xff;
}

static void
put_port(struct headers *h, unsigned at, uint16_t port)
{
	if (port) {
		put_known(&h->th[at], &h->th_known[at], (uint8_t)(port >> 8));
		put_known(&h->th[at + 1], &h->th_known[at + 1], (uint8_t)port);
	}
	h->th_free[at] = h->th_free[at + 1] = 1;
}

static void
headers_fill(struct headers *h, const struct foreign_packet *p)
{
	bool v6 = p->family == NFPROTO_IPV6;
	unsigned src = v6 ? 8 : 12, dst = v6 ? 24 : 16, size = v6 ? 16 : 4;

	memset(h, 0, sizeof(*h));
	put_known(&h->nh[v6 ? 6 : 9], &h->nh_known[v6 ? 6 : 9], p->protocol);
	put_address(&h->nh[src], &h->nh_known[src], &h->nh_free[src], p->src, p->src_len, size);
	put_address(&h->nh[dst], &h->nh_known[dst], &h->nh_free[dst], p->dst, p->dst_len, size);
	put_port(h, 0, p->sport);
	put_port(h, 2, p->dport);
	if (p->protocol == IPPROTO_TCP && !p->reply)
		put_known(&h->th[13], &h->th_known[13], 0x02); /* SYN alone begins a flow */
}

/* ---- registers ---- */

static bool
fits(unsigned at, unsigned len)
{
	return len > 0 && len <= FOREIGN_REGS && at <= FOREIGN_REGS - len;
}

/* The kernel clears the rest of the last register of 32 bits. */
static void
reg_set(struct regs *r, unsigned at, const void *val, unsigned len)
{
	unsigned room = (len + 3) & ~3u;

	if (!fits(at, room))
		return;
	memset(r->val + at, 0, room);
	memcpy(r->val + at, val, len);
	memset(r->known + at, 0xff, room);
	memset(r->opaque + at, 0, room);
}

static void
reg_unknown(struct regs *r, unsigned at, unsigned len, bool opaque)
{
	unsigned room = (len + 3) & ~3u;

	if (at >= FOREIGN_REGS)
		return;
	if (room > FOREIGN_REGS - at)
		room = FOREIGN_REGS - at;
	memset(r->val + at, 0, room);
	memset(r->known + at, 0, room);
	memset(r->opaque + at, opaque, room);
}

static void
set_u32(struct regs *r, unsigned at, uint32_t value)
{
	reg_set(r, at, &value, sizeof(value));
}

/* A number of which we know some bits that are set. */
static void
set_bits(struct regs *r, unsigned at, uint32_t bits)
{
	reg_unknown(r, at, sizeof(bits), true);
	if (!fits(at, sizeof(bits)))
		return;
	memcpy(r->val + at, &bits, sizeof(bits));
	memcpy(r->known + at, &bits, sizeof(bits));
}

static void
set_name(struct regs *r, unsigned at, const char *name)
{
	char text[IFNAMSIZ] = { 0 };

	snprintf(text, sizeof(text), "%s", name);
	reg_set(r, at, text, sizeof(text));
}

static void
set_index(struct regs *r, unsigned at, const char *name, uint32_t index)
{
	if (index || !name[0])
		set_u32(r, at, index);
	else
		reg_unknown(r, at, 4, true);
}

static void
load_meta(struct walk *w, const struct foreign_step *s)
{
	const struct foreign_packet *p = w->packet;
	uint16_t ethertype = htons(p->family == NFPROTO_IPV6 ? 0x86dd : 0x0800);
	uint8_t octet;

	switch (s->key) {
	case NFT_META_IIFNAME:
		return set_name(&w->regs, s->reg, p->iif);
	case NFT_META_OIFNAME:
		return set_name(&w->regs, s->reg, p->oif);
	case NFT_META_IIF:
		return set_index(&w->regs, s->reg, p->iif, p->iifindex);
	case NFT_META_OIF:
		return set_index(&w->regs, s->reg, p->oif, p->oifindex);
	case NFT_META_PROTOCOL:
		return reg_set(&w->regs, s->reg, &ethertype, sizeof(ethertype));
	case NFT_META_NFPROTO:
		return reg_set(&w->regs, s->reg, &p->family, 1);
	case NFT_META_L4PROTO:
		return reg_set(&w->regs, s->reg, &p->protocol, 1);
	case NFT_META_MARK:
		return set_bits(
		    &w->regs, s->reg, w->base->priority > p->mark_priority ? p->mark : 0);
	case NFT_META_PKTTYPE:
		octet = p->to == FOREIGN_TO_MANY ? 2 : 0; /* PACKET_MULTICAST, PACKET_HOST */
		return reg_set(&w->regs, s->reg, &octet, 1);
	}
	reg_unknown(&w->regs, s->reg, s->len ? s->len : 4, true);
}

static void
load_ct(struct walk *w, const struct foreign_step *s)
{
	const struct foreign_packet *p = w->packet;
	uint8_t octet = p->reply;

	if (w->base->priority > PRIO_CONNTRACK && w->base->hook != NF_INET_INGRESS) {
		switch (s->key) {
		case NFT_CT_STATE:
			return set_u32(&w->regs, s->reg,
			    NF_CT_STATE_BIT(p->reply ? IP_CT_ESTABLISHED_REPLY : IP_CT_NEW));
		case NFT_CT_STATUS:
			return set_u32(&w->regs, s->reg,
			    (p->dnated ? IPS_DST_NAT : 0) |
				(p->reply ? IPS_SEEN_REPLY | IPS_CONFIRMED : 0));
		case NFT_CT_DIRECTION:
			return reg_set(&w->regs, s->reg, &octet, 1);
		case NFT_CT_L3PROTOCOL:
			return reg_set(&w->regs, s->reg, &p->family, 1);
		case NFT_CT_PROTOCOL:
			return reg_set(&w->regs, s->reg, &p->protocol, 1);
		}
	}
	reg_unknown(&w->regs, s->reg, s->len ? s->len : 4, true);
}

static uint32_t
address_type(const struct foreign_packet *p)
{
	switch (p->to) {
	case FOREIGN_TO_OTHERS:
		return RTN_UNICAST;
	case FOREIGN_TO_US:
		return RTN_LOCAL;
	case FOREIGN_TO_MANY:
		return RTN_MULTICAST;
	}
	return RTN_UNICAST;
}

static void
load_payload(struct walk *w, const struct foreign_step *s)
{
	const struct headers *h = &w->headers;
	bool network = s->key == NFT_PAYLOAD_NETWORK_HEADER;
	const uint8_t *val = network ? h->nh : h->th;
	const uint8_t *known = network ? h->nh_known : h->th_known;
	const uint8_t *free_ = network ? h->nh_free : h->th_free;
	unsigned size = network ? sizeof(h->nh) : sizeof(h->th), i;

	if (!fits(s->reg, s->len))
		return;
	reg_unknown(&w->regs, s->reg, s->len, true);
	if ((!network && s->key != NFT_PAYLOAD_TRANSPORT_HEADER) || s->offset > size ||
	    s->len > size - s->offset)
		return;
	for (i = 0; i < s->len; i++) {
		w->regs.val[s->reg + i] = val[s->offset + i];
		w->regs.known[s->reg + i] = known[s->offset + i];
		w->regs.opaque[s->reg + i] = !free_[s->offset + i];
	}
	for (; i & 3; i++) { /* the kernel clears the rest of the register */
		w->regs.known[s->reg + i] = 0xff;
		w->regs.opaque[s->reg + i] = 0;
	}
}

static void
bitwise(struct regs *r, const struct foreign_step *s)
{
	unsigned i;

	if (!fits(s->reg, s->len) || !fits(s->from, s->len) || s->len > sizeof(s->a))
		return;
	for (i = 0; i < s->len; i++) {
		uint8_t val = (r->val[s->from + i] & s->a[i]) ^ s->b[i];
		uint8_t known = r->known[s->from + i] | (uint8_t)~s->a[i];

		r->opaque[s->reg + i] = known == 0xff ? 0 : r->opaque[s->from + i];
		r->known[s->reg + i] = known;
		r->val[s->reg + i] = val & known;
	}
}

/* ---- conditions ---- */

/* How far @len octets at @at are known: all, or what the rest is. */
enum extent { EXTENT_KNOWN, EXTENT_FREE, EXTENT_OPAQUE };

static enum extent
extent(const struct regs *r, unsigned at, unsigned len)
{
	enum extent e = EXTENT_KNOWN;
	unsigned i;

	for (i = at; i < at + len; i++) {
		if (r->known[i] == 0xff)
			continue;
		if (r->opaque[i])
			return EXTENT_OPAQUE;
		e = EXTENT_FREE;
	}
	return e;
}

/* The least and the greatest value that there may be. */
static void
bounds(const struct regs *r, unsigned at, unsigned len, uint8_t *least, uint8_t *greatest)
{
	unsigned i;

	for (i = 0; i < len; i++) {
		least[i] = r->val[at + i] & r->known[at + i];
		greatest[i] = least[i] | (uint8_t)~r->known[at + i];
	}
}

/* The share whose @len octets at @at are from @from to @to (as big-endian numbers). */
static enum share
within(const struct regs *r, unsigned at, unsigned len, const uint8_t *from, const uint8_t *to)
{
	uint8_t least[FOREIGN_REGS], greatest[FOREIGN_REGS];
	unsigned i;

	if (!fits(at, len))
		return SHARE_UNKNOWN;
	bounds(r, at, len, least, greatest);
	if (memcmp(greatest, from, len) < 0 || memcmp(least, to, len) > 0)
		return SHARE_NONE;
	if (memcmp(least, from, len) >= 0 && memcmp(greatest, to, len) <= 0)
		return SHARE_ALL;
	if (memcmp(from, to, len) == 0) { /* one value, which known bits may rule out */
		for (i = 0; i < len; i++)
			if ((r->val[at + i] ^ from[i]) & r->known[at + i])
				return SHARE_NONE;
	}
	return extent(r, at, len) == EXTENT_FREE ? SHARE_SOME : SHARE_UNKNOWN;
}

static enum share
compare(const struct regs *r, const struct foreign_step *s)
{
	uint8_t zero[16] = { 0 }, ones[16];
	enum share share;

	memset(ones, 0xff, sizeof(ones));
	if (s->len > sizeof(s->a))
		return SHARE_UNKNOWN;
	switch (s->key) {
	case NFT_CMP_EQ:
		return within(r, s->from, s->len, s->a, s->a);
	case NFT_CMP_NEQ:
		return all_but(within(r, s->from, s->len, s->a, s->a));
	case NFT_CMP_LTE:
		return within(r, s->from, s->len, zero, s->a);
	case NFT_CMP_GTE:
		return within(r, s->from, s->len, s->a, ones);
	case NFT_CMP_LT:
		share = within(r, s->from, s->len, s->a, ones);
		break;
	case NFT_CMP_GT:
		share = within(r, s->from, s->len, zero, s->a);
		break;
	default:
		return SHARE_UNKNOWN;
	}
	/* Half of the ports are some, and the other half, too. */
	return share == SHARE_SOME ? SHARE_SOME : all_but(share);
}

static enum share
lookup(const struct walk *w, const struct foreign_chain *chain, const struct foreign_step *s)
{
	const struct foreign_set *set = foreign_find_set(w->f, chain, s->set);
	enum share found = SHARE_NONE, share;
	size_t i;

	if (!set || !fits(s->from, set->key_len) || set->key_len > FOREIGN_KEY_MAX)
		return SHARE_UNKNOWN;
	for (i = 0; i < set->n; i++) {
		share =
		    within(&w->regs, s->from, set->key_len, set->elems[i].from, set->elems[i].to);
		if (share > found)
			found = share;
	}
	if (!set->complete && found < SHARE_UNKNOWN)
		found = extent(&w->regs, s->from, set->key_len) == EXTENT_FREE ? SHARE_SOME
									       : SHARE_UNKNOWN;
	return s->invert ? all_but(found) : found;
}

/* ---- rules ---- */

static struct foreign_place
place_of(const struct walk *w, const struct foreign_chain *chain, uint64_t handle)
{
	struct foreign_place place = {
		.family = chain->family,
		.handle = handle,
		.hook = w->base->hook,
		.priority = w->base->priority,
	};

	snprintf(place.table, sizeof(place.table), "%s", chain->table);
	snprintf(place.chain, sizeof(place.chain), "%s", chain->name);
	snprintf(place.base, sizeof(place.base), "%s", w->base->name);
	return place;
}

/* Where a walk is in one chain. */
struct frame {
	const struct foreign_chain *chain;
	enum share into; /* of the packets, those that came into this chain */
	enum share here; /* of those, the ones that have not left it by "return" */
	unsigned depth;
	uint64_t handle; /* of the rule */
};

static void walk_chain(
    struct walk *w, const struct foreign_chain *chain, enum share into, unsigned depth);

static void
note(struct walk *w, const struct frame *frame, enum foreign_verdict verdict, bool exceptions)
{
	if (verdict <= w->finding.verdict)
		return;
	w->finding.verdict = verdict;
	w->finding.exceptions = exceptions;
	w->finding.place = place_of(w, frame->chain, frame->handle);
}

/* A blocklist drops some, and a rule that we cannot read may be one: neither is worth a word. */
static void
on_drop(struct walk *w, const struct frame *frame, enum share match)
{
	enum share meant = lesser(frame->into, match), there = lesser(w->left, frame->here);

	if (meant >= SHARE_MOST && there >= SHARE_MOST)
		note(w, frame, FOREIGN_DROPS, lesser(meant, there) == SHARE_MOST);
	else if (meant >= SHARE_MOST && there == SHARE_UNKNOWN)
		note(w, frame, FOREIGN_UNCLEAR, false);
	if (lesser(meant, frame->here) >= SHARE_MOST)
		w->left = less(w->left, lesser(meant, frame->here));
}

static void
on_accept(struct walk *w, const struct frame *frame, enum share match)
{
	w->left = less(w->left, lesser(lesser(frame->into, frame->here), match));
}

static void
on_nat(struct walk *w, const struct frame *frame, const struct foreign_step *s, enum share match)
{
	enum share share = lesser(lesser(w->left, match), lesser(frame->into, frame->here));

	if (w->wants_nat && !w->nat_found && s->key == w->kind && share != SHARE_NONE) {
		w->nat_found = true;
		w->nat.kind = w->kind;
		w->nat.all = share >= SHARE_MOST;
		w->nat.place = place_of(w, frame->chain, frame->handle);
	}
	on_accept(w, frame, match);
}

static void
on_verdict(
    struct walk *w, struct frame *frame, int32_t verdict, const char *target, enum share match)
{
	const struct foreign_chain *chain;

	switch (verdict) {
	case NFT_CONTINUE:
	case NFT_BREAK:
		return;
	case NFT_RETURN:
		frame->here = less(frame->here, match);
		return;
	case NFT_JUMP:
	case NFT_GOTO:
		chain = target ? foreign_find_chain(w->f, frame->chain, target) : NULL;
		if (!chain) /* not read: it may accept them */
			on_accept(w, frame, lesser(match, SHARE_UNKNOWN));
		else
			walk_chain(w, chain, lesser(lesser(frame->into, frame->here), match),
			    frame->depth + 1);
		if (verdict == NFT_GOTO)
			frame->here = less(frame->here, match);
		return;
	}
	switch (verdict & NF_VERDICT_MASK) {
	case NF_DROP:
		on_drop(w, frame, match);
		return;
	case NF_ACCEPT:
	case NF_STOP:
		on_accept(w, frame, match);
		return;
	}
	on_accept(w, frame, lesser(match, SHARE_UNKNOWN)); /* a program decides (queue) */
}

/* A map of verdicts: each element that may be the one is a rule of its own. */
static void
on_verdict_map(struct walk *w, struct frame *frame, const struct foreign_step *s, enum share match)
{
	const struct foreign_set *set = foreign_find_set(w->f, frame->chain, s->set);
	enum share share;
	size_t i;

	if (!set || !fits(s->from, set->key_len) || set->key_len > FOREIGN_KEY_MAX) {
		on_accept(w, frame, lesser(match, SHARE_UNKNOWN));
		return;
	}
	for (i = 0; i < set->n; i++) {
		struct regs before = w->regs;

		share =
		    within(&w->regs, s->from, set->key_len, set->elems[i].from, set->elems[i].to);
		if (share != SHARE_NONE)
			on_verdict(w, frame, set->elems[i].verdict, set->elems[i].chain,
			    lesser(match, share));
		w->regs = before;
	}
	if (!set->complete)
		on_accept(w, frame, lesser(match, SHARE_UNKNOWN));
}

static enum share
within_range(const struct regs *regs, const struct foreign_step *s)
{
	enum share share = within(regs, s->from, s->len, s->a, s->b);

	return s->invert ? all_but(share) : share;
}

/* False: no further packet gets beyond this step. */
static bool
run_step(struct walk *w, struct frame *frame, const struct foreign_step *s, enum share *match)
{
	switch ((enum foreign_step_kind)s->kind) {
	case STEP_META:
		load_meta(w, s);
		return true;
	case STEP_CT:
		load_ct(w, s);
		return true;
	case STEP_FIB_TYPE:
		set_u32(&w->regs, s->reg, address_type(w->packet));
		return true;
	case STEP_FIB_PRESENT:
		set_u32(&w->regs, s->reg, 1); /* rp_filter has a check of its own */
		return true;
	case STEP_PAYLOAD:
		load_payload(w, s);
		return true;
	case STEP_IMMEDIATE:
		reg_set(&w->regs, s->reg, s->a, s->len);
		return true;
	case STEP_UNREAD:
		reg_unknown(&w->regs, s->reg, s->len, true);
		return true;
	case STEP_BITWISE:
		bitwise(&w->regs, s);
		return true;
	case STEP_CMP:
		*match = lesser(*match, compare(&w->regs, s));
		return *match != SHARE_NONE;
	case STEP_RANGE:
		*match = lesser(*match, within_range(&w->regs, s));
		return *match != SHARE_NONE;
	case STEP_LOOKUP:
		if (s->verdict_map) {
			on_verdict_map(w, frame, s, *match);
			return false;
		}
		*match = lesser(*match, lookup(w, frame->chain, s));
		return *match != SHARE_NONE;
	case STEP_SOME:
		*match = lesser(*match, SHARE_SOME);
		return true;
	case STEP_OPAQUE:
		*match = lesser(*match, SHARE_UNKNOWN);
		return true;
	case STEP_VERDICT:
		on_verdict(w, frame, s->verdict, s->chain, *match);
		return false;
	case STEP_NAT:
		on_nat(w, frame, s, *match);
		return false;
	}
	return false;
}

static void
walk_rule(struct walk *w, struct frame *frame, const struct foreign_rule *rule)
{
	enum share match = SHARE_ALL;
	size_t i;

	frame->handle = rule->handle;
	memset(&w->regs, 0, sizeof(w->regs));
	memset(w->regs.opaque, 1, sizeof(w->regs.opaque));
	for (i = 0; i < rule->n; i++)
		if (!run_step(w, frame, &rule->steps[i], &match))
			return;
}

static void
walk_chain(struct walk *w, const struct foreign_chain *chain, enum share into, unsigned depth)
{
	struct frame frame = { .chain = chain, .into = into, .here = SHARE_ALL, .depth = depth };
	size_t i;

	if (depth > DEPTH_MAX)
		return;
	for (i = 0; i < chain->n && w->left != SHARE_NONE && frame.here != SHARE_NONE; i++) {
		w->steps += 1 + (unsigned)chain->rules[i].n;
		if (w->steps > STEPS_MAX) {
			w->left = lesser(w->left, SHARE_UNKNOWN);
			return;
		}
		walk_rule(w, &frame, &chain->rules[i]);
	}
}

static void
walk_base(struct walk *w, const struct foreign_chain *base)
{
	struct frame frame = { .chain = base, .into = SHARE_ALL, .here = SHARE_ALL };

	w->base = base;
	w->steps = 0;
	w->left = SHARE_ALL;
	w->finding = (struct foreign_finding){ .verdict = FOREIGN_PASSES };
	walk_chain(w, base, SHARE_ALL, 0);
	if (w->left != SHARE_NONE && base->policy == NF_DROP)
		on_drop(w, &frame, SHARE_ALL);
}

/* ---- which chains ---- */

static bool
is_on_device(const struct foreign_chain *chain, const char *ifname)
{
	size_t i;

	for (i = 0; i < FOREIGN_DEVICES; i++)
		if (strncmp(chain->devices[i], ifname, IFNAMSIZ) == 0)
			return true;
	return false;
}

static bool
sees(const struct foreign_chain *chain, const struct foreign_packet *p, uint32_t hook)
{
	if (!chain->base || chain->hook != hook)
		return false;
	if (chain->hook == NF_INET_INGRESS)
		return is_on_device(chain, p->iif);
	return chain->family == NFPROTO_INET || chain->family == p->family;
}

void
foreign_judge(const struct foreign *f, const struct foreign_packet *packet, uint32_t hook,
    foreign_finding_fn on_finding, void *arg)
{
	struct walk w = { .f = f, .packet = packet };
	size_t i;

	headers_fill(&w.headers, packet);
	for (i = 0; i < f->n_chains; i++) {
		if (!sees(&f->chains[i], packet, hook))
			continue;
		walk_base(&w, &f->chains[i]);
		if (w.finding.verdict != FOREIGN_PASSES)
			on_finding(arg, &w.finding);
	}
}

bool
foreign_translates(const struct foreign *f, const struct foreign_packet *packet, uint32_t hook,
    enum foreign_nat_kind kind, int32_t from, int32_t to, struct foreign_nat *nat)
{
	struct walk w = { .f = f, .packet = packet, .wants_nat = true, .kind = kind };
	size_t i;

	headers_fill(&w.headers, packet);
	for (i = 0; i < f->n_chains && !w.nat_found; i++) {
		const struct foreign_chain *chain = &f->chains[i];

		if (chain->nat && sees(chain, packet, hook) && chain->priority >= from &&
		    chain->priority <= to)
			walk_base(&w, chain);
	}
	if (w.nat_found)
		*nat = w.nat;
	return w.nat_found;
}

/* ---- the snapshot ---- */

static bool
is_same_table(const struct foreign_chain *like, uint8_t family, const char *table)
{
	return like->family == family && strcmp(like->table, table) == 0;
}

struct foreign_chain *
foreign_find_chain(const struct foreign *f, const struct foreign_chain *like, const char *name)
{
	size_t i;

	for (i = 0; i < f->n_chains; i++)
		if (strcmp(f->chains[i].name, name) == 0 &&
		    is_same_table(like, f->chains[i].family, f->chains[i].table))
			return &f->chains[i];
	return NULL;
}

struct foreign_set *
foreign_find_set(const struct foreign *f, const struct foreign_chain *like, const char *name)
{
	size_t i;

	for (i = 0; i < f->n_sets; i++)
		if (strcmp(f->sets[i].name, name) == 0 &&
		    is_same_table(like, f->sets[i].family, f->sets[i].table))
			return &f->sets[i];
	return NULL;
}

void
foreign_summary(const struct foreign *f, struct foreign_summary *summary)
{
	*summary = f->summary;
}

const char *
foreign_family_str(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_NETDEV:
		return "netdev";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_ARP:
		return "arp";
	}
	return "?";
}

const char *
foreign_hook_str(uint32_t hook)
{
	static const char *const names[] = {
		[NF_INET_PRE_ROUTING] = "prerouting",
		[NF_INET_LOCAL_IN] = "input",
		[NF_INET_FORWARD] = "forward",
		[NF_INET_LOCAL_OUT] = "output",
		[NF_INET_POST_ROUTING] = "postrouting",
		[NF_INET_INGRESS] = "ingress",
	};

	return hook < sizeof(names) / sizeof(names[0]) ? names[hook] : "?";
}
