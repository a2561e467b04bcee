/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the facts mean: a table of checks. No I/O, no clock. */
#include "core/doctor.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

#define CORE_LATE_S 10 /* later than portreeved by this, the core is not the first one */
#define DISK_WARN (16u << 20)
#define DISK_FAIL (1u << 20)

struct report {
	const char *id;
	doctor_line_fn on_line;
	void *arg;
};

static void __attribute__((format(printf, 4, 5)))
say(const struct report *r, enum doctor_result result, const char *remedy, const char *fmt, ...)
{
	struct doctor_line line = { .id = r->id, .result = result };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line.reason, sizeof(line.reason), fmt, ap);
	va_end(ap);
	snprintf(line.remedy, sizeof(line.remedy), "%s", remedy);
	r->on_line(r->arg, &line);
}

/* ---- the kernel's settings ---- */

static void
check_forwarding(const struct doctor_facts *f, const struct report *r)
{
	static const char remedy[] = "sysctl -w net.ipv4.ip_forward=1, and the same in "
				     "/etc/sysctl.d/ so that it stays";
	bool said = false;
	size_t i;

	if (f->forward4 < 0)
		return say(r, DOCTOR_SKIP, "", "net.ipv4.ip_forward cannot be read");
	if (f->forward4 == 0)
		return say(r, DOCTOR_FAIL, remedy,
		    "the kernel forwards no IPv4 packets: nothing gets from the WAN to a LAN");
	for (i = 0; i < f->n_lans; i++) {
		char text[200];

		if (!f->lans[i].serving || f->lans[i].forwarding != 0)
			continue;
		snprintf(text, sizeof(text), "sysctl -w net.ipv4.conf.%s.forwarding=1",
		    f->lans[i].ifname);
		say(r, DOCTOR_FAIL, text, "what comes from %s is not forwarded", f->lans[i].ifname);
		said = true;
	}
	if (f->wan[0] && f->forward4_wan == 0) {
		char text[200];

		snprintf(text, sizeof(text), "sysctl -w net.ipv4.conf.%s.forwarding=1", f->wan);
		say(r, DOCTOR_FAIL, text, "what comes from %s is not forwarded", f->wan);
		said = true;
	}
	if (!said)
		say(r, DOCTOR_OK, "", "IPv4 is forwarded");
}

static void
check_forwarding6(const struct doctor_facts *f, const struct report *r)
{
	if (f->forward6 < 0)
		return say(r, DOCTOR_SKIP, "", "there is no IPv6 here");
	if (f->forward6 > 0)
		return say(r, DOCTOR_OK, "", "IPv6 is forwarded");
	if (f->pinholes)
		return say(r, DOCTOR_WARN,
		    "sysctl -w net.ipv6.conf.all.forwarding=1, with accept_ra=2 for a WAN that "
		    "learns its route from router advertisements",
		    "IPv6 is not forwarded, so the pinholes that clients may open lead nowhere");
	say(r, DOCTOR_OK, "", "IPv6 is not forwarded, and pinholes are off");
}

/* The kernel takes the stricter of the setting for all and the interface's own. */
static void
check_rp_filter(const struct doctor_facts *f, const struct report *r)
{
	int64_t mode = f->rp_all > f->rp_wan ? f->rp_all : f->rp_wan;
	char remedy[200];

	if (!f->wan[0] || f->rp_all < 0 || f->rp_wan < 0)
		return say(r, DOCTOR_SKIP, "", "there is no WAN interface to look at");
	if (mode != 1)
		return say(r, DOCTOR_OK, "", "the reverse path filter of %s is %s", f->wan,
		    mode == 0 ? "off" : "loose");
	if (f->default_route[0] && strcmp(f->default_route, f->wan) == 0)
		return say(r, DOCTOR_OK, "",
		    "the reverse path filter of %s is strict, and the default route leads there",
		    f->wan);
	snprintf(remedy, sizeof(remedy),
	    "sysctl -w net.ipv4.conf.%s.rp_filter=2 (loose), or let the default route lead to %s",
	    f->wan, f->wan);
	say(r, DOCTOR_FAIL, remedy,
	    "the reverse path filter of %s is strict, but the default route leads %s%s: what comes "
	    "from the Internet is dropped",
	    f->wan, f->default_route[0] ? "to " : "nowhere", f->default_route);
}

static void
check_conntrack(const struct doctor_facts *f, const struct report *r)
{
	static const char remedy[] = "sysctl -w net.netfilter.nf_conntrack_max=N, about 1 MiB of "
				     "memory for 4000 more; conntrack -L shows who fills it";
	int64_t percent;

	if (f->flows < 0 || f->flows_max <= 0)
		return say(r, DOCTOR_SKIP, "", "the kernel's connection tracking is not loaded");
	percent = f->flows * 100 / f->flows_max;
	say(r,
	    percent >= 95   ? DOCTOR_FAIL
	    : percent >= 80 ? DOCTOR_WARN
			    : DOCTOR_OK,
	    percent >= 80 ? remedy : "",
	    "%" PRId64 " of %" PRId64 " connections are tracked (%" PRId64 "%%)%s", f->flows,
	    f->flows_max, percent, percent >= 95 ? ": new ones are dropped when it is full" : "");
}

/* ---- the WAN ---- */

static void
check_wan(const struct doctor_facts *f, const struct report *r)
{
	if (!f->wan[0])
		return say(r, DOCTOR_FAIL,
		    "name the interface with wan = NAME, or bring the default route up",
		    "there is no WAN: no default route, and none is configured");
	if (!f->wan_connected)
		return say(r, DOCTOR_FAIL,
		    "bring the link up and give it an address; mappings wait and take effect then",
		    "the WAN %s has no link or no address", f->wan);
	say(r, DOCTOR_OK, "", "the WAN is %s", f->wan);
}

static void
say_address(const struct doctor_facts *f, const struct report *r, const char *addr)
{
	static const char upstream[] =
	    "bridge mode on the device in front, or let it pass all ports to this gateway and set "
	    "external_address to its public address";

	switch (addr4_kind(f->wan_address)) {
	case ADDR4_PUBLIC:
		return say(r, DOCTOR_OK, "", "the WAN's address %s is public", addr);
	case ADDR4_PRIVATE:
		return say(r, DOCTOR_WARN, upstream,
		    "the WAN's address %s is private: another device translates in front of this "
		    "one, and what is mapped here is not reachable from the Internet",
		    addr);
	case ADDR4_SHARED:
		return say(r, DOCTOR_WARN,
		    "ask the provider for a public IPv4 address; IPv6 pinholes work without one",
		    "the WAN's address %s is shared (100.64.0.0/10): the provider translates, and "
		    "what is mapped here is not reachable from the Internet",
		    addr);
	case ADDR4_DOCUMENTATION:
		return say(r, DOCTOR_WARN,
		    "give the WAN the address that the provider assigned; in a laboratory set "
		    "external_address",
		    "the WAN's address %s is one for documentation, which the Internet does not "
		    "route",
		    addr);
	case ADDR4_LINK_LOCAL:
	case ADDR4_LOOPBACK:
	case ADDR4_SPECIAL:
		break;
	}
	say(r, DOCTOR_FAIL, "give the WAN the address that the provider assigned",
	    "the WAN's address %s is none that others can reach", addr);
}

static void
check_wan_address(const struct doctor_facts *f, const struct report *r)
{
	char addr[ADDR4_STRLEN], told[ADDR4_STRLEN];

	if (!f->wan_address)
		return say(r, DOCTOR_SKIP, "", "the WAN has no address at present");
	addr4_str(f->wan_address, addr);
	if (f->external_address)
		return say(r, DOCTOR_OK, "",
		    "the WAN's address is %s (%s), and clients are told %s, as configured", addr,
		    addr4_kind_str(addr4_kind(f->wan_address)),
		    addr4_str(f->external_address, told));
	say_address(f, r, addr);
}

static void
check_default_route(const struct doctor_facts *f, const struct report *r)
{
	char remedy[200];

	if (f->default_route[0] && strcmp(f->default_route, f->wan) == 0)
		return say(r, DOCTOR_OK, "", "the default route leads to %s", f->wan);
	if (!f->default_route[0])
		return say(r, DOCTOR_FAIL,
		    "ip route add default via GATEWAY, or look at what dials",
		    "there is no IPv4 default route: answers to the Internet have no way");
	snprintf(remedy, sizeof(remedy), "wan = %s in the configuration, or another route",
	    f->default_route);
	say(r, DOCTOR_WARN, remedy,
	    "the default route leads to %s, but the WAN is %s: what LANs send does not leave there",
	    f->default_route, f->wan[0] ? f->wan : "none");
}

/* ---- packet filters ---- */

static void
check_table(const struct doctor_facts *f, const struct report *r)
{
	if (f->foreign_error)
		return say(r, DOCTOR_WARN, "try again; the daemon's log says more",
		    "the kernel's tables cannot be read now: %s", strerror(-f->foreign_error));
	if (!f->foreign.our_table || f->foreign.our_chains < f->our_chains)
		return say(r, DOCTOR_FAIL,
		    "it is restored within a second; if it is not, the daemon's log says why",
		    "the table inet " NFT_TABLE " is %s",
		    f->foreign.our_table ? "not complete" : "not there");
	if (!f->health.table_ok)
		return say(r, DOCTOR_FAIL, "the daemon's log says what the kernel refused",
		    "the table inet " NFT_TABLE " is not what it should be");
	say(r, DOCTOR_OK, "",
	    "the table inet " NFT_TABLE " is complete%s; restored %" PRIu64 " times",
	    f->health.owned ? " and owned" : "", f->health.heals);
}

static const char *const traffic_names[DOCTOR_TRAFFICS] = {
	[DOCTOR_ARRIVAL] = "what arrives for mapped ports",
	[DOCTOR_MAPPING] = "what is mapped",
	[DOCTOR_PINHOLE] = "IPv6 through pinholes",
	[DOCTOR_SEARCH] = "UPnP searches",
	[DOCTOR_CONTROL] = "UPnP calls",
	[DOCTOR_OUTBOUND] = "what LANs send to the Internet",
	[DOCTOR_REPLY] = "what the Internet answers",
};

/* "inet firewall, chain forward (hook forward, priority 0), rule handle 7" */
static const char *
place_str(const struct foreign_place *p, char *buf, size_t size)
{
	char via[FOREIGN_NAME_MAX + 16] = "", rule[40] = "its policy";

	if (strcmp(p->base, p->chain) != 0)
		snprintf(via, sizeof(via), " reached from %s", p->base);
	if (p->handle)
		snprintf(rule, sizeof(rule), "rule handle %" PRIu64, p->handle);
	snprintf(buf, size, "table %s %s, chain %s%s (hook %s, priority %d), %s",
	    foreign_family_str(p->family), p->table, p->chain, via, foreign_hook_str(p->hook),
	    p->priority, rule);
	return buf;
}

/*
 * What goes before the rule in the way, in the words of nft and of iptables. $W is the WAN, $L the
 * LAN, $P the port of UPnP, $6 what keeps a rule of both families to IPv6. What is no pinhole, our
 * own firewall drops.
 */
static const struct {
	const char *nft, *iptables;
} remedies[DOCTOR_TRAFFICS] = {
	[DOCTOR_MAPPING] = { "ct status dnat accept", "-m conntrack --ctstate DNAT -j ACCEPT" },
	[DOCTOR_PINHOLE] = { "iifname $W oifname $L $6accept", "-i $W -o $L -j ACCEPT" },
	[DOCTOR_SEARCH] = { "iifname $L udp dport 1900 accept",
	    "-i $L -p udp --dport 1900 -j ACCEPT" },
	[DOCTOR_CONTROL] = { "iifname $L tcp dport $P accept",
	    "-i $L -p tcp --dport $P -j ACCEPT" },
	[DOCTOR_OUTBOUND] = { "iifname $L oifname $W accept", "-i $L -o $W -j ACCEPT" },
	[DOCTOR_REPLY] = { "ct state established,related accept",
	    "-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT" },
};

static void
fill(const char *template, const struct doctor_facts *f, const struct doctor_finding *d, char *buf,
    size_t size)
{
	char port[8], octet[2] = "";
	const char *part;
	size_t len = 0;

	snprintf(port, sizeof(port), "%u", f->http_port);
	for (buf[0] = '\0'; *template && len < size - 1; template ++) {
		octet[0] = *template;
		part = octet;
		if (*template == '$')
			switch (*++template) {
			case 'W':
				part = f->wan;
				break;
			case 'L':
				part = d->lan;
				break;
			case 'P':
				part = port;
				break;
			case '6':
				part = d->foreign.place.family == NFPROTO_INET &&
					       d->traffic == DOCTOR_PINHOLE
					   ? "meta nfproto ipv6 "
					   : "";
				break;
			}
		len += (size_t)snprintf(buf + len, size - len, "%s", part);
	}
}

/* Is it a table that iptables made, or keeps? */
static bool
is_of_iptables(const struct foreign_place *p)
{
	return (p->family == NFPROTO_IPV4 || p->family == NFPROTO_IPV6) &&
	       strcmp(p->table, "filter") == 0 && p->base[0] >= 'A' && p->base[0] <= 'Z';
}

static const char *
remedy_of(const struct doctor_facts *f, const struct doctor_finding *d, char *buf, size_t size)
{
	const struct foreign_place *p = &d->foreign.place;
	enum doctor_traffic traffic = d->traffic;
	bool iptables = is_of_iptables(p);
	char rule[200];

	if (f->join_mark && p->hook == NF_INET_FORWARD &&
	    (traffic == DOCTOR_MAPPING || traffic == DOCTOR_PINHOLE)) {
		snprintf(buf, size, "add \"%s %s %s\" to join_chain in the configuration",
		    foreign_family_str(p->family), p->table, p->base);
		return buf;
	}
	/* Where nothing is translated, a mapping is a way in like a pinhole. */
	if (d->traffic == DOCTOR_MAPPING && f->routed)
		traffic = DOCTOR_PINHOLE;
	if (!remedies[traffic].nft) {
		snprintf(buf, size, "let that firewall accept it on %s: nft -a list table %s %s",
		    f->wan, foreign_family_str(p->family), p->table);
		return buf;
	}
	fill(iptables ? remedies[traffic].iptables : remedies[traffic].nft, f, d, rule,
	    sizeof(rule));
	if (iptables)
		snprintf(buf, size, "%s -I %s %s",
		    p->family == NFPROTO_IPV6 ? "ip6tables" : "iptables", p->base, rule);
	else
		snprintf(buf, size, "nft insert rule %s %s %s %s", foreign_family_str(p->family),
		    p->table, p->base, rule);
	snprintf(buf + strlen(buf), size - strlen(buf),
	    "; in that firewall's own configuration, so that it stays%s",
	    p->hook == NF_INET_FORWARD && d->traffic == DOCTOR_MAPPING ? "; or firewall = join here"
								       : "");
	return buf;
}

static void
say_finding(const struct doctor_facts *f, const struct report *r, const struct doctor_finding *d)
{
	bool drops = d->foreign.verdict == FOREIGN_DROPS;
	char place[320], remedy[480], what[100];

	place_str(&d->foreign.place, place, sizeof(place));
	remedy_of(f, d, remedy, sizeof(remedy));
	if (d->lease)
		snprintf(what, sizeof(what), "mapping %u", d->lease);
	else
		snprintf(what, sizeof(what), "%s", traffic_names[d->traffic]);
	if (!drops)
		return say(r, DOCTOR_WARN, remedy,
		    "%s may drop %s (%s): a condition before it cannot be judged from here", place,
		    what, d->lan);
	/* Of mappings the exceptions may be those that there are: each was looked at. */
	if (d->foreign.exceptions && !d->lease)
		return say(r, DOCTOR_WARN, remedy,
		    "%s drops %s (%s), but for what its own rules let in", place, what, d->lan);
	say(r, DOCTOR_FAIL, remedy, "%s drops %s (%s)", place, what, d->lan);
}

static void
check_foreign(const struct doctor_facts *f, const struct report *r)
{
	size_t i;

	if (f->foreign_error)
		return say(r, DOCTOR_SKIP, "", "others' rules cannot be read now: %s",
		    strerror(-f->foreign_error));
	for (i = 0; i < f->n_findings; i++)
		say_finding(f, r, &f->findings[i]);
	if (f->findings_left_out)
		say(r, DOCTOR_WARN, "mend those above, and ask again",
		    "more rules of others are in the way than are shown here");
	if (!f->foreign.complete)
		say(r, DOCTOR_WARN, "nft list ruleset shows all",
		    "only the first %u rules of others were read: there are too many",
		    f->foreign.rules);
	if (f->legacy)
		say(r, DOCTOR_WARN, "iptables-legacy-save shows them; move them to nftables",
		    "there are rules of the old iptables, which cannot be read from here");
	if (f->n_findings == 0 && f->foreign.complete && !f->legacy)
		say(r, DOCTOR_OK, "",
		    "the rules of others let pass what we open (tables: %u, rules: %u)",
		    f->foreign.tables, f->foreign.rules);
}

static void
check_nat_order(const struct doctor_facts *f, const struct report *r)
{
	char place[320], which[40];

	if (f->foreign_error)
		return say(r, DOCTOR_SKIP, "", "others' rules cannot be read now");
	if (f->dnat_first) {
		snprintf(which, sizeof(which), f->dnat_lease ? "mapping %u" : "all ports",
		    f->dnat_lease);
		say(r, DOCTOR_FAIL,
		    "remove that port forward, or let it come later than ours (a priority above "
		    "dstnat)",
		    "%s translates %s before we do",
		    place_str(&f->dnat.place, place, sizeof(place)), which);
	}
	if (f->snat_first)
		say(r, DOCTOR_WARN,
		    "give that chain a priority of srcnat (100) or later, or remove the rule",
		    "%s translates what leaves by the WAN before we do: mapped programs do not "
		    "keep "
		    "their port",
		    place_str(&f->snat.place, place, sizeof(place)));
	if (!f->dnat_first && !f->snat_first)
		say(r, DOCTOR_OK, "",
		    "nobody translates before we do (chains of others that translate: %u)",
		    f->foreign.nat_chains);
}

static bool
has_private_lan(const struct doctor_facts *f)
{
	size_t i;

	for (i = 0; i < f->n_lans; i++)
		if (f->lans[i].serving && addr4_kind(f->lans[i].prefix.addr) != ADDR4_PUBLIC)
			return true;
	return false;
}

/* Somebody must translate what leaves, or a private LAN does not come back. */
static void
check_sharing(const struct doctor_facts *f, const struct report *r)
{
	char place[320];

	if (f->foreign_error || !f->wan[0])
		return say(r, DOCTOR_SKIP, "", "there is no WAN to look at");
	if (f->masquerades)
		return say(r, DOCTOR_OK, "", "LANs share the WAN's address %s %s",
		    f->masquerades_us ? "by us, and would by" : "by",
		    place_str(&f->masquerade.place, place, sizeof(place)));
	if (f->masquerades_us)
		return say(r, DOCTOR_OK, "", "LANs share the WAN's address by us");
	if (f->routed)
		return say(r, DOCTOR_OK, "",
		    "nothing is translated: hosts are known by their own addresses");
	if (!has_private_lan(f))
		return say(r, DOCTOR_OK, "", "no LAN has addresses that would have to be shared");
	say(r, DOCTOR_WARN, "share = yes in the configuration, or a masquerade rule of yours",
	    "nobody translates what private addresses of LANs send to %s", f->wan);
}

/* ---- ports and LANs ---- */

static void
check_ports(const struct doctor_facts *f, const struct report *r)
{
	bool said = false;
	char remedy[200];
	size_t i;

	for (i = 0; i < f->n_lans; i++) {
		const struct doctor_lan *lan = &f->lans[i];

		if (!lan->serving || !lan->http_taken)
			continue;
		snprintf(remedy, sizeof(remedy),
		    "ss -ltnp 'sport = :%u' names it: stop it, or set http_port", f->http_port);
		say(r, DOCTOR_FAIL, remedy,
		    "TCP port %u of %s, where UPnP is served, is another "
		    "program's",
		    f->http_port, lan->ifname);
		said = true;
	}
	for (i = 0; i < f->n_taken; i++) {
		snprintf(remedy, sizeof(remedy),
		    "portreeve delete %u, or move the gateway's own program to another port",
		    f->taken[i].lease);
		say(r, DOCTOR_WARN, remedy,
		    "%s port %u is mapped (mapping %u), and a program of the gateway listens there "
		    "in vain",
		    f->taken[i].protocol == IPPROTO_TCP ? "TCP" : "UDP", f->taken[i].port,
		    f->taken[i].lease);
		said = true;
	}
	if (!said)
		say(r, DOCTOR_OK, "", "no program of the gateway is in the way");
}

static bool
check_lan_multicast(const struct doctor_lan *lan, const struct report *r)
{
	char remedy[200];

	if (lan->joined == 0 && lan->worker_pid) {
		say(r, DOCTOR_FAIL, "the daemon's log says why; then: systemctl restart portreeve",
		    "nobody listens on %s for searches (239.255.255.250): clients do not find us",
		    lan->ifname);
		return true;
	}
	if (lan->is_bridge && lan->snooping && !lan->querier) {
		snprintf(remedy, sizeof(remedy),
		    "ip link set %s type bridge mcast_querier 1, or "
		    "mcast_snooping 0",
		    lan->ifname);
		say(r, DOCTOR_WARN, remedy,
		    "the bridge %s filters multicast (IGMP snooping) and asks for no membership "
		    "itself: after some minutes searches are lost unless another device asks",
		    lan->ifname);
		return true;
	}
	return false;
}

static void
check_multicast(const struct doctor_facts *f, const struct report *r)
{
	bool said = false;
	size_t i, n = 0;

	for (i = 0; i < f->n_lans; i++) {
		if (!f->lans[i].serving)
			continue;
		n++;
		said |= check_lan_multicast(&f->lans[i], r);
	}
	if (n == 0)
		say(r, DOCTOR_FAIL,
		    "name the LAN with lan = NAME, bring it up and give it an address",
		    "no LAN is served");
	else if (!said)
		say(r, DOCTOR_OK, "", "searches are listened for on each LAN");
}

/* ---- us ---- */

static void
check_processes(const struct doctor_facts *f, const struct report *r)
{
	bool said = false;
	size_t i;

	if (f->core_age_s >= 0 && f->daemon_age_s > f->core_age_s + CORE_LATE_S) {
		say(r, DOCTOR_WARN, "the daemon's log says why; mappings were not disturbed",
		    "portreeve-core was started again: it is %" PRId64 " s old, portreeved %" PRId64
		    " s",
		    f->core_age_s, f->daemon_age_s);
		said = true;
	}
	for (i = 0; i < f->n_lans; i++) {
		const struct doctor_lan *lan = &f->lans[i];

		if (!lan->serving || (lan->worker_pid && !lan->restarts))
			continue;
		say(r, lan->worker_pid ? DOCTOR_WARN : DOCTOR_FAIL, "the daemon's log says why",
		    lan->worker_pid ? "the worker of %s was started again, %u times"
				    : "the worker of %s is not there (started again %u times)",
		    lan->ifname, lan->restarts);
		said = true;
	}
	if (!said)
		say(r, DOCTOR_OK, "", "all processes run since the start");
}

static void
check_state(const struct doctor_facts *f, const struct report *r)
{
	uint64_t mib = f->disk_free >> 20;

	if (f->state_error)
		return say(r, DOCTOR_FAIL,
		    "mappings are granted only once they are on disk: make the directory writable "
		    "for the daemon",
		    "%s cannot be written: %s", f->state_dir, strerror(-f->state_error));
	if (f->store_error)
		return say(r, DOCTOR_FAIL,
		    f->store_error == -ENOSPC
			? "requests are refused meanwhile: make room there, or raise the quota; "
			  "the next request tries again"
			: "requests are refused meanwhile: the daemon's log says more; the next "
			  "request tries again",
		    "%s could not be written when that was last tried: %s; %" PRIu64
		    " MiB are free",
		    f->state_dir, store_error_str(f->store_error), mib);
	say(r,
	    f->disk_free < DISK_FAIL   ? DOCTOR_FAIL
	    : f->disk_free < DISK_WARN ? DOCTOR_WARN
				       : DOCTOR_OK,
	    f->disk_free < DISK_WARN ? "make room; mappings are granted only once they are on disk"
				     : "",
	    "%s can be written, %" PRIu64 " MiB are free", f->state_dir, mib);
}

static void
check_kernel(const struct doctor_facts *f, const struct report *r)
{
	const struct nft_health *h = &f->health;

	say(r, h->counters ? DOCTOR_OK : DOCTOR_WARN, h->counters ? "" : "a kernel of 5.7 or later",
	    "Linux %s: owned table %s, renewal in place %s, silent delete %s, counters %s%s",
	    f->kernel, h->owner_persist ? "yes" : "no (6.9)",
	    h->renew_in_place ? "yes" : "no (6.12)", h->destroy ? "yes" : "no (6.3)",
	    h->counters ? "yes" : "no (5.7)",
	    h->counters ? "" : ": it is not known when a mapping was last used");
}

/*
 * The border does not ask which version it is: what it holds, it holds of any. A worker that is
 * there has passed the self-test, without which it does not serve.
 */
static void
check_libupnp(const struct doctor_facts *f, const struct report *r)
{
	size_t i, n = 0;

	for (i = 0; i < f->n_lans; i++)
		n += f->lans[i].serving && f->lans[i].worker_pid;
	if (n == 0)
		return say(r, DOCTOR_SKIP, "", "libupnp %s; no worker is there", LIBUPNP_VERSION);
	say(r, DOCTOR_OK, "",
	    "built with libupnp %s, and its border has passed the self-test: held are requests "
	    "that "
	    "crash or block it (also QueryStateVariable), callbacks to others (CVE-2020-12695), "
	    "names for our address (CVE-2021-29462), and multicast by the wrong interface",
	    LIBUPNP_VERSION);
}

/* ---- the table ---- */

static const struct {
	const char *id;
	void (*check)(const struct doctor_facts *f, const struct report *r);
} checks[] = {
	{ "wan", check_wan },
	{ "wan-address", check_wan_address },
	{ "default-route", check_default_route },
	{ "forwarding-ipv4", check_forwarding },
	{ "forwarding-ipv6", check_forwarding6 },
	{ "reverse-path", check_rp_filter },
	{ "kernel-table", check_table },
	{ "foreign-rules", check_foreign },
	{ "nat-order", check_nat_order },
	{ "sharing", check_sharing },
	{ "ports", check_ports },
	{ "conntrack", check_conntrack },
	{ "multicast", check_multicast },
	{ "processes", check_processes },
	{ "state", check_state },
	{ "kernel", check_kernel },
	{ "libupnp", check_libupnp },
};

void
doctor_check(const struct doctor_facts *facts, doctor_line_fn on_line, void *arg)
{
	struct report report = { .on_line = on_line, .arg = arg };
	size_t i;

	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		report.id = checks[i].id;
		checks[i].check(facts, &report);
	}
}
