/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns dnsmasq's configuration. */
#include "core/dhcp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dhcp_leases.h"
#include "core/dnsmasq_conf.h"
#include "core/notify.h"
#include "core/parent.h"
#include "core/share.h"
#include "dhcp/exits.h"
#include "lib/log.h"
#include "platform/sandbox.h"

struct dhcp {
	struct core *core;
	bool known;                  /* the supervisor has said how it fares */
	struct msg_dhcp_state state; /* what it said last */
	uint32_t serial;             /* of what we asked last */
	int64_t look_end_ms;         /* when it will know, if it had to look first */
	bool running;                /* as we asked last: to run */
	char *text;                  /* for which we asked, or that we found; NULL: none */
	struct dnsmasq_wish asked;   /* the LANs of it, in their order */
	struct dnsmasq_lan others[CONF_LANS_MAX]; /* that somebody else serves */
	size_t n_others;
};

/* ---- what is wanted ---- */

/* Another address is another network, with other servers. */
static bool
is_others(const struct dhcp *dhcp, const struct lan *lan)
{
	size_t i;

	for (i = 0; i < dhcp->n_others; i++)
		if (strcmp(dhcp->others[i].ifname, lan->ifname) == 0 &&
		    dhcp->others[i].prefix.addr == lan->prefix.addr &&
		    dhcp->others[i].prefix.len == lan->prefix.len)
			return true;
	return false;
}

/*
 * An interface that was merely found, since it has a private address, may be a bridge of virtual
 * machines or a network of somebody else's, and is not given a server unless that is said.
 */
static bool
is_wanted(const struct conf *conf)
{
	return conf->share && (conf->dhcp == CONF_YES || (conf->dhcp == CONF_AUTO && conf->n_lans));
}

static void
fill_wish(const struct dhcp *dhcp, struct dnsmasq_wish *wish)
{
	const struct core *core = dhcp->core;
	const struct lan *lan;
	size_t i;

	memset(wish, 0, sizeof(*wish));
	wish->conf = &core->conf;
	if (!is_wanted(&core->conf))
		return;
	for (i = 0; (lan = lans_at(core->lans, i)) && wish->n_lans < CONF_LANS_MAX; i++) {
		struct dnsmasq_lan *out = &wish->lans[wish->n_lans];

		if (!lan->serving || is_others(dhcp, lan))
			continue;
		memcpy(out->ifname, lan->ifname, sizeof(out->ifname));
		out->prefix = lan->prefix;
		out->ipv6 = share_has_ipv6(core, lan);
		wish->n_lans++;
	}
}

/* Is there a LAN in @wish that was not asked for before? Only then there is something to look at.
 */
static bool
has_new_lan(const struct dhcp *dhcp, const struct dnsmasq_wish *wish)
{
	size_t i, j;

	for (i = 0; i < wish->n_lans; i++) {
		for (j = 0; j < dhcp->asked.n_lans; j++)
			if (prefix4_same(&dhcp->asked.lans[j].prefix, &wish->lans[i].prefix) &&
			    strcmp(dhcp->asked.lans[j].ifname, wish->lans[i].ifname) == 0)
				break;
		if (j == dhcp->asked.n_lans)
			return true;
	}
	return false;
}

/* ---- files ---- */

static int
write_conf(const struct core *core, const char *text)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	FILE *out;
	bool ok;

	snprintf(path, sizeof(path), "%s/dnsmasq.conf", core->opt.run_dir);
	snprintf(fresh, sizeof(fresh), "%s/dnsmasq.conf.new", core->opt.run_dir);
	out = fopen(fresh, "we");
	if (!out)
		return -errno;
	ok = fputs(text, out) >= 0;
	ok = fclose(out) == 0 && ok;
	return ok && rename(fresh, path) == 0 ? 0 : -EIO;
}

/* Its user owns the lease file but not the directory, so it can write this file only. */
static int
make_leases(const struct core *core)
{
	enum log_level level = log_get_level();
	struct sandbox_user user;
	char path[PATH_MAX];
	int fd, rc = 0;

	snprintf(path, sizeof(path), "%s/" DHCP_LEASES_FILE, core->opt.state_dir);
	fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	log_set_level(LOG_LEVEL_ERROR); /* the supervisor says it */
	sandbox_find_user(core->conf.dhcp_user, "dnsmasq", &user);
	log_set_level(level);
	if (user.switchable && fchown(fd, user.uid, (gid_t)-1) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* What the core before us has asked for. */
static char *
read_conf(const struct core *core)
{
	char path[PATH_MAX];
	size_t size = 0;
	char *text = NULL;
	FILE *in;

	snprintf(path, sizeof(path), "%s/dnsmasq.conf", core->opt.run_dir);
	in = fopen(path, "re");
	if (!in)
		return NULL;
	if (getdelim(&text, &size, '\0', in) < 0) {
		free(text);
		text = NULL;
	}
	fclose(in);
	return text;
}

/* ---- asking for it ---- */

static void
forget(struct dhcp *dhcp)
{
	free(dhcp->text);
	dhcp->text = NULL;
	memset(&dhcp->asked, 0, sizeof(dhcp->asked));
}

static bool
ask(struct dhcp *dhcp, bool run, bool look)
{
	struct msg_dhcp wish = { .run = run, .look = look };

	if (++dhcp->serial == 0)
		dhcp->serial = 1;
	wish.serial = dhcp->serial;
	return parent_run_dhcp(&wish) == 0 && run;
}

static void
stop(struct dhcp *dhcp)
{
	if (dhcp->running || dhcp->state.pid)
		ask(dhcp, false, false);
	dhcp->running = false;
	forget(dhcp);
}

/* Takes @text over. */
static void
start(struct dhcp *dhcp, const struct dnsmasq_wish *wish, char *text)
{
	struct core *core = dhcp->core;
	bool look = core->conf.dhcp == CONF_AUTO && has_new_lan(dhcp, wish);
	int rc = write_conf(core, text);

	if (rc == 0)
		rc = make_leases(core);
	if (rc < 0) {
		log_error("dnsmasq's files cannot be written: %s", strerror(-rc));
		free(text);
		stop(dhcp);
		return;
	}
	forget(dhcp);
	dhcp->text = text;
	dhcp->asked = *wish;
	dhcp->look_end_ms = look ? core->now_ms() + EXITS_LOOK_MS : 0;
	dhcp->running = ask(dhcp, true, look);
}

void
dhcp_update(struct core *core)
{
	struct dhcp *dhcp = core->dhcp;
	struct dnsmasq_wish wish;
	char *text;

	if (!dhcp || !dhcp->known)
		return;
	fill_wish(dhcp, &wish);
	if (!wish.n_lans) {
		stop(dhcp);
		return;
	}
	text = dnsmasq_conf_build(&wish);
	if (!text) {
		log_error("no memory for dnsmasq's configuration");
		return;
	}
	if (dhcp->running && dhcp->text && strcmp(dhcp->text, text) == 0)
		free(text);
	else
		start(dhcp, &wish, text);
}

void
dhcp_look_again(struct core *core)
{
	struct dhcp *dhcp = core->dhcp;

	dhcp->n_others = 0;
	if (!dhcp->state.pid) {
		dhcp->running = false; /* it may be installed by now */
		memset(&dhcp->asked, 0, sizeof(dhcp->asked));
	}
}

/* ---- what becomes of it ---- */

/* One LAN fewer, and on with the rest. */
static void
leave_to_others(struct dhcp *dhcp, size_t i)
{
	struct core *core = dhcp->core;
	char text[96];

	if (i >= dhcp->asked.n_lans || dhcp->n_others == CONF_LANS_MAX)
		return;
	dhcp->others[dhcp->n_others++] = dhcp->asked.lans[i];
	snprintf(text, sizeof(text), "%s: somebody else serves DHCP, so we do not",
	    dhcp->asked.lans[i].ifname);
	log_warn("%s; \"dhcp = yes\" would", text);
	notify_state(core, "dhcp", text);
	/* The LANs that were looked at before this one are still not known: look again. */
	dhcp->running = false;
	forget(dhcp);
	dhcp_update(core);
}

/*
 * One that runs is the former core's, and goes on if it is as we would have it. If not, nothing is
 * known of its LANs: somebody else may serve those that it leaves out.
 */
static void
take_over(struct dhcp *dhcp)
{
	char *text;

	dhcp->serial = dhcp->state.serial;
	if (!dhcp->state.pid)
		return;
	dhcp->text = read_conf(dhcp->core);
	fill_wish(dhcp, &dhcp->asked);
	text = dnsmasq_conf_build(&dhcp->asked);
	dhcp->running = text && dhcp->text && strcmp(text, dhcp->text) == 0;
	if (!dhcp->running)
		forget(dhcp);
	free(text);
}

void
dhcp_on_state(struct core *core, const struct msg_dhcp_state *state)
{
	struct dhcp *dhcp = core->dhcp;
	bool first = !dhcp->known;

	dhcp->known = true;
	dhcp->state = *state;
	if (first) {
		take_over(dhcp);
		dhcp_update(core);
	} else if (state->serial != dhcp->serial) {
		return; /* we have asked for something else meanwhile */
	} else if (state->status >= EXITS_ANSWERS) {
		leave_to_others(dhcp, state->status - EXITS_ANSWERS);
	} else if (state->status >= EXITS_TAKEN) {
		leave_to_others(dhcp, state->status - EXITS_TAKEN);
	} else if (state->status == EXITS_NO_DNSMASQ) {
		notify_state(core, "dhcp", "dnsmasq is not installed");
	}
}

enum dhcp_service
dhcp_service(const struct core *core, const struct lan *lan)
{
	const struct dhcp *dhcp = core->dhcp;

	if (!dhcp || !is_wanted(&core->conf) || !lan->serving)
		return DHCP_OFF;
	if (is_others(dhcp, lan))
		return DHCP_OTHER;
	if (core->now_ms() < dhcp->look_end_ms && !dhcp->state.status)
		return DHCP_LOOKING;
	return dhcp->state.pid ? DHCP_SERVED : DHCP_FAILED;
}

const char *
dhcp_service_str(enum dhcp_service service)
{
	switch (service) {
	case DHCP_OFF:
		return "off";
	case DHCP_LOOKING:
		return "looking";
	case DHCP_SERVED:
		return "served";
	case DHCP_OTHER:
		return "other";
	case DHCP_FAILED:
		return "failed";
	}
	return "unknown";
}

uint32_t
dhcp_pid(const struct core *core)
{
	return core->dhcp ? core->dhcp->state.pid : 0;
}

/* ---- life ---- */

struct dhcp *
dhcp_new(struct core *core)
{
	struct dhcp *dhcp = calloc(1, sizeof(*dhcp));

	if (dhcp)
		dhcp->core = core;
	return dhcp;
}

void
dhcp_free(struct dhcp *dhcp)
{
	if (!dhcp)
		return;
	free(dhcp->text);
	free(dhcp);
}
