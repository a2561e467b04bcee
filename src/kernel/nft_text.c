/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_text.h"

#include <stdarg.h>
#include <stdio.h>

#include "kernel/nft_log.h"

struct text {
	char *buf;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3))) append(struct text *text, const char *fmt, ...)
{
	size_t room = text->size - text->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text->buf + text->len, room, fmt, ap);
	va_end(ap);
	text->len += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

static void
put_set(struct text *text, const struct nft_term *term)
{
	append(text, "@%s", nft_sets[term->set].name);
}

static void
put_value(struct text *text, const struct nft_term *term)
{
	append(text, "%u", term->value);
}

static void
put_udp_ports(struct text *text, const struct nft_term *term)
{
	append(text, "%u udp dport %u", term->value >> 16, term->value & 0xffff);
}

static void
put_types(struct text *text, const struct nft_term *term)
{
	append(text, "%u-%u", term->value >> 8, term->value & 0xff);
}

static void
put_open(struct text *text, const struct nft_term *term)
{
	append(text, "%sip daddr . meta l4proto . th dport @%s",
	    term->set == SET_OPEN4R ? "ip saddr . " : "", nft_sets[term->set].name);
}

static void
put_mapped(struct text *text, const struct nft_term *term)
{
	append(text, "%smeta l4proto . ct original proto-dst @%s",
	    term->set == SET_MAPPED4R ? "ct original ip saddr . " : "", nft_sets[term->set].name);
}

/* "ip6 saddr . ip6 daddr . meta l4proto . th dport . th sport": see nft_ruleset_pinhole(). */
static void
put_pinhole(struct text *text, const struct nft_term *term)
{
	struct nft_pinhole_fields f = nft_ruleset_pinhole(term->set);

	append(text, "%sip6 daddr%s%s%s @%s", f.remote_host ? "ip6 saddr . " : "",
	    f.protocol ? " . meta l4proto" : "", f.internal_port ? " . th dport" : "",
	    f.remote_port ? " . th sport" : "", nft_sets[term->set].name);
}

static void
put_ended(struct text *text, const struct nft_term *term)
{
	const char *ip = term->set == SET_ENDED6 ? "ip6" : "ip";

	append(text, "%s saddr . tcp sport . %s daddr . tcp dport @%s", ip, ip,
	    nft_sets[term->set].name);
}

static void
put_helper(struct text *text, const struct nft_term *term)
{
	append(text, "\"%s\"", nft_helpers[term->value].name);
}

static void
put_mark(struct text *text, const struct nft_term *term)
{
	append(text, "0x%08x", term->value);
}

static void
put_chain(struct text *text, const struct nft_term *term)
{
	append(text, "%s", nft_chains[term->value].name);
}

static void
put_knock(struct text *text, const struct nft_term *term)
{
	(void)term;
	append(text, "{ meta l4proto . th dport timeout %us }", NFT_KNOCK_MS / 1000);
}

static void
put_log(struct text *text, const struct nft_term *term)
{
	uint32_t rate = term->value >> 8;

	append(text, "%u/second burst %u packets log prefix \"%s\" group %u snaplen %u", rate,
	    2 * rate, nft_log_prefixes[term->value & 0xff], NFT_LOG_GROUP, NFT_LOG_SNAP);
}

/* Words, then what only the term knows. */
static const struct {
	const char *words;
	void (*put)(struct text *text, const struct nft_term *term);
} kinds[TERM_KINDS] = {
	[TERM_IIF_IN] = { "iifname ", put_set },
	[TERM_IIF_NOT_IN] = { "iifname != ", put_set },
	[TERM_IIF_NOT_LO] = { "iifname != \"lo\"", NULL },
	[TERM_OIF_IN] = { "oifname ", put_set },
	[TERM_OIF_NOT_IN] = { "oifname != ", put_set },
	[TERM_OIF_NOT_LO] = { "oifname != \"lo\"", NULL },
	[TERM_IPV4] = { "meta nfproto ipv4", NULL },
	[TERM_IPV6] = { "meta nfproto ipv6", NULL },
	[TERM_TCP_OR_UDP] = { "meta l4proto { tcp, udp }", NULL },
	[TERM_PROTO] = { "meta l4proto ", put_value },
	[TERM_UDP_DPORT] = { "udp dport ", put_value },
	[TERM_UDP_PORTS] = { "udp sport ", put_udp_ports },
	[TERM_TCP_DPORT] = { "tcp dport ", put_value },
	[TERM_BELOW_DPORT] = { "th dport < ", put_value },
	[TERM_ICMP] = { "icmp type ", put_value },
	[TERM_ICMPV6] = { "icmpv6 type ", put_types },
	[TERM_LOCAL] = { "fib daddr type local", NULL },
	[TERM_DADDR_IN] = { "ip daddr ", put_set },
	[TERM_SENT_TO] = { "ct original ip daddr ", put_set },
	[TERM_SPORT_FREE] = { "meta l4proto . th sport != @mapped4", NULL },
	[TERM_SERVICE] = { "meta l4proto . th dport @services", NULL },
	[TERM_DNATED] = { "ct status dnat", NULL },
	[TERM_UNREPLIED] = { "ct state new,related", NULL },
	[TERM_ESTABLISHED] = { "ct state established,related", NULL },
	[TERM_ORIGINAL] = { "ct direction original", NULL },
	[TERM_SKUID] = { "meta skuid ", put_value },
	[TERM_OPEN4] = { "", put_open },
	[TERM_MAPPED] = { "", put_mapped },
	[TERM_PINHOLE] = { "", put_pinhole },
	[TERM_ENDED] = { "", put_ended },
	[TERM_TCP_SYN] = { "tcp flags & (syn|rst) == syn", NULL },
	[TERM_MIDSTREAM] = { "tcp flags & syn == 0", NULL },
	[TERM_JUMP] = { "jump ", put_chain },
	[TERM_ACCEPT] = { "accept", NULL },
	[TERM_DROP] = { "drop", NULL },
	[TERM_RETURN] = { "return", NULL },
	[TERM_LET_IN] = { "let in", NULL },
	[TERM_HELPER] = { "ct helper set ", put_helper },
	[TERM_MARK] = { "meta mark set meta mark | ", put_mark },
	[TERM_DNAT_PM4] = { "dnat ip to meta l4proto . th dport map @pm4", NULL },
	[TERM_DNAT_PM4R] = { "dnat ip to ip saddr . meta l4proto . th dport map @pm4r", NULL },
	[TERM_MASQ] = { "masquerade", NULL },
	[TERM_MASQ_RANDOM] = { "masquerade fully-random", NULL },
	[TERM_MASQ_SRC4] = { "masquerade to :ip saddr . meta l4proto . th sport map @src4", NULL },
	[TERM_SNAT] = { "snat ip to ct original ip daddr", NULL },
	[TERM_SNAT_RANDOM] = { "snat ip to ct original ip daddr fully-random", NULL },
	[TERM_SNAT_SRC4] = { "snat ip to ct original ip daddr:"
			     "ip saddr . meta l4proto . th sport map @src4",
	    NULL },
	[TERM_KNOCK] = { "update @knocked4 ", put_knock },
	[TERM_LOG] = { "limit rate ", put_log },
	[TERM_CLAMP_MSS] = { "tcp option maxseg size set rt mtu", NULL },
};

const char *
nft_text_rule(const struct nft_rule *rule, char *buf, size_t size)
{
	struct text text = { .buf = buf, .size = size };
	const struct nft_term *term;

	append(&text, "%s:", nft_chains[rule->chain].name);
	for (term = rule->terms; term < rule->terms + NFT_TERMS && term->kind != TERM_END; term++) {
		append(&text, " %s", kinds[term->kind].words);
		if (kinds[term->kind].put)
			kinds[term->kind].put(&text, term);
	}
	return buf;
}
