/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at the machine for doctor.c. Every look is bounded; what cannot be seen is said to be so.
 */
#include "core/doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/lan.h"
#include "core/lease.h"
#include "core/lease_json.h"
#include "core/network.h"
#include "core/share.h"
#include "core/wan.h"
#include "kernel/nft_ruleset.h"
#include "platform/multicast.h"
#include "platform/portuse.h"
#include "platform/sysctl.h"

#define SSDP_GROUP 0xeffffffau /* 239.255.255.250 */
#define SSDP_PORT 1900
#define WALKS_MAX 30000 /* rules times mappings: some milliseconds */

/* -1: it cannot be read. */
static int64_t
sysctl_or_none(const char *name)
{
	int64_t number;

	return sysctl_read(name, &number) == 0 ? number : -1;
}

static int64_t
sysctl_if_or_none(const char *ifname, const char *key)
{
	int64_t number;

	return sysctl_read_if("ipv4", ifname, key, &number) == 0 ? number : -1;
}

static void
look_at_settings(struct doctor_facts *f)
{
	f->forward4 = sysctl_or_none("net/ipv4/ip_forward");
	f->forward6 = sysctl_or_none("net/ipv6/conf/all/forwarding");
	f->rp_all = sysctl_or_none("net/ipv4/conf/all/rp_filter");
	f->rp_wan = sysctl_if_or_none(f->wan, "rp_filter");
	f->forward4_wan = sysctl_if_or_none(f->wan, "forwarding");
	f->flows = sysctl_or_none("net/netfilter/nf_conntrack_count");
	f->flows_max = sysctl_or_none("net/netfilter/nf_conntrack_max");
}

static void
look_at_wan(struct doctor_facts *f, const struct core *core)
{
	snprintf(f->wan, sizeof(f->wan), "%s", wan_ifname(core->wan));
	f->wan_connected = wan_status(core->wan) == MSG_WAN_CONNECTED;
	f->wan_address = wan_address(core->wan);
	f->external_address = core->conf.external_address;
	snprintf(f->default_route, sizeof(f->default_route), "%s", network_default_route(core));
}

static void
look_at_lan(struct doctor_facts *f, const struct lan *lan)
{
	struct doctor_lan *out = &f->lans[f->n_lans++];
	struct multicast_bridge bridge;
	size_t i;

	memcpy(out->ifname, lan->ifname, sizeof(out->ifname));
	out->serving = lan->serving;
	out->prefix = lan->prefix;
	for (i = 0; i < lan->n_prefixes6 && !out->prefix6.len; i++)
		if (addr6_is_global(&lan->prefixes6[i].addr))
			out->prefix6 = lan->prefixes6[i];
	out->worker_pid = lan->worker_pid;
	out->restarts = lan->restarts;
	out->forwarding = sysctl_if_or_none(lan->ifname, "forwarding");
	out->joined = multicast_joined(lan->ifname, SSDP_GROUP);
	if (out->joined < 0)
		out->joined = -1;
	if (multicast_bridge(lan->ifname, &bridge) == 0) {
		out->is_bridge = true;
		out->snooping = bridge.snooping;
		out->querier = bridge.querier;
	}
	if (lan->serving && !lan->worker_pid)
		out->http_taken = portuse_taken(lan->prefix.addr, IPPROTO_TCP, f->http_port);
}

static void
look_at_lans(struct doctor_facts *f, const struct core *core)
{
	const struct lan *lan;
	size_t i;

	for (i = 0; (lan = lans_at(core->lans, i)) && f->n_lans < CONF_LANS_MAX; i++)
		look_at_lan(f, lan);
}

/* ---- packet filters ---- */

struct walk {
	struct doctor_facts *f;
	const struct foreign *foreign;
	enum doctor_traffic traffic;
	const char *lan;
	uint32_t lease;
};

static bool
is_same_place(const struct foreign_place *a, const struct foreign_place *b)
{
	return a->family == b->family && a->handle == b->handle && a->hook == b->hook &&
	       strcmp(a->table, b->table) == 0 && strcmp(a->chain, b->chain) == 0 &&
	       strcmp(a->base, b->base) == 0;
}

/* A rule is told once for each kind of traffic; who drops all mappings need not be told of one. */
static bool
is_told(const struct walk *w, const struct foreign_finding *finding)
{
	size_t i;

	for (i = 0; i < w->f->n_findings; i++) {
		const struct doctor_finding *d = &w->f->findings[i];

		if (d->traffic == w->traffic && d->lease == w->lease &&
		    is_same_place(&d->foreign.place, &finding->place))
			return true;
		if (w->lease && !d->lease && d->traffic == w->traffic &&
		    is_same_place(&d->foreign.place, &finding->place) &&
		    d->foreign.verdict == finding->verdict && !d->foreign.exceptions)
			return true;
	}
	return false;
}

static void
on_finding(void *arg, const struct foreign_finding *finding)
{
	struct walk *w = arg;
	struct doctor_finding *d;

	if (is_told(w, finding) || (w->lease && finding->verdict != FOREIGN_DROPS))
		return;
	if (w->f->n_findings == DOCTOR_FINDINGS_MAX) {
		w->f->findings_left_out = true;
		return;
	}
	d = &w->f->findings[w->f->n_findings++];
	d->traffic = w->traffic;
	d->lease = w->lease;
	snprintf(d->lan, sizeof(d->lan), "%s", w->lan);
	d->foreign = *finding;
}

static void
put_address(uint8_t octets[16], uint32_t addr)
{
	addr = htonl(addr);
	memcpy(octets, &addr, sizeof(addr));
}

static struct foreign_packet
packet_between(uint8_t protocol, const char *iif, const char *oif)
{
	struct foreign_packet p = { .family = NFPROTO_IPV4, .protocol = protocol };

	snprintf(p.iif, sizeof(p.iif), "%s", iif);
	snprintf(p.oif, sizeof(p.oif), "%s", oif);
	p.iifindex = *iif ? if_nametoindex(iif) : 0;
	p.oifindex = *oif ? if_nametoindex(oif) : 0;
	return p;
}

/* What we let in carries it, from our forward chain on. */
static void
put_mark(struct foreign_packet *p, const struct doctor_facts *f)
{
	p->mark = f->join_mark;
	p->mark_priority = nft_chains[CHAIN_FORWARD].priority;
}

static void
judge(struct walk *w, const struct foreign_packet *p, enum doctor_traffic traffic, uint32_t hook)
{
	w->traffic = traffic;
	foreign_judge(w->foreign, p, hook, on_finding, w);
}

static struct foreign_packet
arriving(const struct doctor_facts *f, uint8_t protocol)
{
	struct foreign_packet p = packet_between(protocol, f->wan, "");

	put_address(p.dst, f->wan_address);
	p.dst_len = f->wan_address ? 32 : 0;
	p.to = FOREIGN_TO_US;
	return p;
}

/* From the Internet to a host of @lan, and back. */
static void
judge_forward(struct walk *w, const struct doctor_lan *lan, uint8_t protocol)
{
	struct foreign_packet in = packet_between(protocol, w->f->wan, lan->ifname);
	struct foreign_packet out = packet_between(protocol, lan->ifname, w->f->wan);

	put_address(in.dst, lan->prefix.addr);
	in.dst_len = lan->prefix.len;
	put_address(out.src, lan->prefix.addr);
	out.src_len = lan->prefix.len;
	in.dnated = !w->f->routed;
	put_mark(&in, w->f);
	judge(w, &in, DOCTOR_MAPPING, NF_INET_FORWARD);
	judge(w, &in, DOCTOR_MAPPING, NF_INET_POST_ROUTING);
	if (w->f->share) {
		judge(w, &out, DOCTOR_OUTBOUND, NF_INET_FORWARD);
		in.dnated = false;
		in.mark = 0;
		in.reply = true;
		judge(w, &in, DOCTOR_REPLY, NF_INET_FORWARD);
	}
	if (w->f->pinholes) {
		in = packet_between(protocol, w->f->wan, lan->ifname);
		in.family = NFPROTO_IPV6;
		put_mark(&in, w->f);
		memcpy(in.dst, lan->prefix6.addr.octet, sizeof(in.dst));
		in.dst_len = lan->prefix6.len;
		judge(w, &in, DOCTOR_PINHOLE, NF_INET_FORWARD);
	}
}

/* What a host of @lan says to us. */
static void
judge_input(struct walk *w, const struct doctor_lan *lan)
{
	struct foreign_packet p = packet_between(IPPROTO_UDP, lan->ifname, "");

	put_address(p.src, lan->prefix.addr);
	p.src_len = lan->prefix.len;
	put_address(p.dst, SSDP_GROUP);
	p.dst_len = 32;
	p.dport = SSDP_PORT;
	p.to = FOREIGN_TO_MANY;
	judge(w, &p, DOCTOR_SEARCH, NF_INET_PRE_ROUTING);
	judge(w, &p, DOCTOR_SEARCH, NF_INET_LOCAL_IN);
	put_address(p.dst, lan->prefix.addr);
	p.protocol = IPPROTO_TCP;
	p.dport = w->f->http_port;
	p.to = FOREIGN_TO_US;
	judge(w, &p, DOCTOR_CONTROL, NF_INET_PRE_ROUTING);
	judge(w, &p, DOCTOR_CONTROL, NF_INET_LOCAL_IN);
}

/* The interface of the LAN that has @addr; "": none that is served. */
static const char *
lan_of(const struct doctor_facts *f, uint32_t addr)
{
	size_t i;

	for (i = 0; i < f->n_lans; i++)
		if (f->lans[i].serving && prefix4_contains(&f->lans[i].prefix, addr))
			return f->lans[i].ifname;
	return "";
}

static void
judge_lease(struct walk *w, const struct lease *lease)
{
	struct foreign_packet p = arriving(w->f, lease->protocol);
	struct foreign_nat nat;

	w->lan = lan_of(w->f, lease->internal_client);
	if (!*w->lan || !lease->enabled)
		return;
	w->lease = lease->id;
	put_address(p.src, lease->remote_host);
	p.src_len = lease->remote_host ? 32 : 0;
	p.dport = lease->external_port;
	judge(w, &p, DOCTOR_ARRIVAL, NF_INET_INGRESS);
	judge(w, &p, DOCTOR_ARRIVAL, NF_INET_PRE_ROUTING);
	if (!w->f->dnat_first &&
	    foreign_translates(w->foreign, &p, NF_INET_PRE_ROUTING, FOREIGN_NAT_DESTINATION,
		INT32_MIN, nft_chains[CHAIN_PREROUTING].priority, &nat) &&
	    nat.all) {
		w->f->dnat_first = true;
		w->f->dnat = nat;
		w->f->dnat_lease = lease->id;
	}
	snprintf(p.oif, sizeof(p.oif), "%s", w->lan);
	p.oifindex = if_nametoindex(w->lan);
	put_address(p.dst, lease->internal_client);
	p.dst_len = 32;
	p.dport = lease->internal_port;
	p.dnated = !w->f->routed;
	put_mark(&p, w->f);
	p.to = FOREIGN_TO_OTHERS;
	judge(w, &p, DOCTOR_MAPPING, NF_INET_FORWARD);
}

/* Also whether a program of the gateway listens on a mapped port. */
static void
look_at_leases(struct doctor_facts *f, const struct foreign *foreign, struct core *core)
{
	struct walk w = { .f = f, .foreign = foreign };
	const struct lease *lease;
	uint32_t id = 0;
	size_t i, max = DOCTOR_LEASES_MAX;

	if (max > WALKS_MAX / (f->foreign.rules + 1))
		max = WALKS_MAX / (f->foreign.rules + 1);
	for (i = 0; i < max && (lease = lease_after(core->leases, id)); i++) {
		id = lease->id;
		if (foreign)
			judge_lease(&w, lease);
		if (f->n_taken < DOCTOR_TAKEN_MAX && lease->enabled && core->port_in_use &&
		    core->port_in_use(f->wan_address, lease->protocol, lease->external_port))
			f->taken[f->n_taken++] = (struct doctor_taken){ lease->id,
				lease->external_port, lease->protocol };
	}
}

/* Who translates before us, and does another share the WAN's address? */
static void
look_at_nat(struct doctor_facts *f, const struct foreign *foreign, const struct doctor_lan *lan)
{
	struct foreign_packet in = arriving(f, IPPROTO_TCP);
	struct foreign_packet out = packet_between(IPPROTO_TCP, lan->ifname, f->wan);
	int32_t ours = nft_chains[CHAIN_POSTROUTING].priority;

	put_address(out.src, lan->prefix.addr);
	out.src_len = lan->prefix.len;
	f->dnat_first =
	    foreign_translates(foreign, &in, NF_INET_PRE_ROUTING, FOREIGN_NAT_DESTINATION,
		INT32_MIN, nft_chains[CHAIN_PREROUTING].priority, &f->dnat) &&
	    f->dnat.all;
	f->snat_first = foreign_translates(
	    foreign, &out, NF_INET_POST_ROUTING, FOREIGN_NAT_SOURCE, INT32_MIN, ours, &f->snat);
	f->masquerades = foreign_translates(foreign, &out, NF_INET_POST_ROUTING, FOREIGN_NAT_SOURCE,
	    INT32_MIN, INT32_MAX, &f->masquerade);
}

static void
judge_all(struct doctor_facts *f, const struct foreign *foreign)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct walk w = { .f = f, .foreign = foreign };
	struct foreign_packet p;
	bool nat_seen = false;
	size_t i, n;

	for (i = 0; i < f->n_lans; i++) {
		if (!f->lans[i].serving)
			continue;
		w.lan = f->lans[i].ifname;
		judge_input(&w, &f->lans[i]);
		for (n = 0; f->wan[0] && n < sizeof(protocols); n++)
			judge_forward(&w, &f->lans[i], protocols[n]);
		if (f->wan[0] && !nat_seen)
			look_at_nat(f, foreign, &f->lans[i]);
		nat_seen = true;
	}
	w.lan = f->wan;
	for (n = 0; f->wan[0] && n < sizeof(protocols); n++) {
		p = arriving(f, protocols[n]);
		judge(&w, &p, DOCTOR_ARRIVAL, NF_INET_INGRESS);
		judge(&w, &p, DOCTOR_ARRIVAL, NF_INET_PRE_ROUTING);
	}
}

/* Tables of the old iptables are loaded by their first use and listed there. */
static bool
has_legacy_rules(void)
{
	static const char *const lists[] = { "/proc/net/ip_tables_names",
		"/proc/net/ip6_tables_names" };
	bool found = false;
	size_t i;
	FILE *f;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]) && !found; i++) {
		f = fopen(lists[i], "re");
		found = f && fgetc(f) != EOF;
		if (f)
			fclose(f);
	}
	return found;
}

static void
look_at_filters(struct doctor_facts *f, struct core *core)
{
	struct foreign *foreign;

	core->nft->health(core->nft, &f->health);
	f->our_chains = NFT_CHAINS;
	f->legacy = has_legacy_rules();
	f->foreign_error = foreign_read(&foreign);
	if (f->foreign_error == 0) {
		foreign_summary(foreign, &f->foreign);
		judge_all(f, foreign);
	}
	look_at_leases(f, foreign, core);
	foreign_free(foreign);
}

/* ---- us ---- */

/* When process @pid began, in ms of CLOCK_BOOTTIME; -1: not known. */
static int64_t
began_ms(pid_t pid)
{
	char path[40], line[1024], *after;
	unsigned long long ticks = 0;
	bool ok;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	ok = f && fgets(line, sizeof(line), f);
	if (f)
		fclose(f);
	after = ok ? strrchr(line, ')') : NULL; /* a name may hold anything */
	if (!after || sscanf(after + 1,
			  " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			  "%*s %*s %llu",
			  &ticks) != 1)
		return -1;
	return (int64_t)(ticks * 1000 / (unsigned long long)sysconf(_SC_CLK_TCK));
}

static void
look_at_us(struct doctor_facts *f, const struct core *core)
{
	int64_t daemon_ms = began_ms(getppid());
	struct utsname name;
	struct statvfs fs;

	f->core_age_s = (core->now_ms() - core->started_ms) / 1000;
	f->daemon_age_s = daemon_ms < 0 ? -1 : (core->now_ms() - daemon_ms) / 1000;
	f->store_error = core->store->error;
	snprintf(f->state_dir, sizeof(f->state_dir), "%s", core->opt.state_dir);
	if (faccessat(AT_FDCWD, f->state_dir, W_OK | X_OK, AT_EACCESS) < 0 ||
	    statvfs(f->state_dir, &fs) < 0) {
		f->state_error = -errno;
	} else {
		f->disk_free = (uint64_t)fs.f_bavail * fs.f_frsize;
		f->disk_size = (uint64_t)fs.f_blocks * fs.f_frsize;
		f->state_error = fs.f_flag & ST_RDONLY ? -EROFS : 0;
	}
	if (uname(&name) == 0)
		snprintf(f->kernel, sizeof(f->kernel), "%s", name.release);
}

void
doctor_gather(struct core *core, struct doctor_facts *f)
{
	memset(f, 0, sizeof(*f));
	f->share = core->conf.share;
	f->masquerades_us = share_masquerades(core);
	f->routed = conf_opens_hosts(&core->conf);
	f->join_mark = core->conf.firewall == CONF_FIREWALL_JOIN ? core->conf.join_mark : 0;
	f->pinholes = core->conf.firewall != CONF_FIREWALL_OFF && core->conf.allow_pinholes;
	f->http_port = core->conf.http_port;
	look_at_wan(f, core);
	look_at_settings(f);
	look_at_lans(f, core);
	look_at_filters(f, core);
	look_at_us(f, core);
}

/* ---- to the CLI ---- */

static const char *
doctor_result_str(enum doctor_result result)
{
	switch (result) {
	case DOCTOR_OK:
		return "ok";
	case DOCTOR_WARN:
		return "warn";
	case DOCTOR_FAIL:
		return "fail";
	case DOCTOR_SKIP:
		return "skip";
	}
	return "fail";
}

static void
on_line(void *arg, const struct doctor_line *line)
{
	json_array_append_new(
	    arg, json_pack("{s:s, s:s, s:o, s:o}", "id", line->id, "result",
		     doctor_result_str(line->result), "reason", text_json(line->reason), "remedy",
		     line->remedy[0] ? text_json(line->remedy) : json_null()));
}

json_t *
doctor_json(struct core *core)
{
	json_t *checks = json_array(), *lans = json_array();
	struct doctor_facts facts;
	char addr[ADDR4_STRLEN];
	size_t i;

	doctor_gather(core, &facts);
	doctor_check(&facts, on_line, checks);
	for (i = 0; i < facts.n_lans; i++)
		if (facts.lans[i].serving)
			json_array_append_new(
			    lans, json_pack("{s:s, s:s}", "interface", facts.lans[i].ifname,
				      "address", addr4_str(facts.lans[i].prefix.addr, addr)));
	return json_pack(
	    "{s:o, s:o, s:i}", "checks", checks, "lans", lans, "http_port", core->conf.http_port);
}
