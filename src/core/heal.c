/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns the watch over the kernel's table, and when it is mended. */
#include "core/heal.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf_service.h"
#include "core/mapping.h"
#include "core/network.h"
#include "core/notify.h"
#include "core/pinhole.h"
#include "core/policy.h"
#include "core/share.h"
#include "core/record.h"
#include "lib/compiler.h"
#include "lib/log.h"
#include "platform/sandbox.h"

/*
 * A look at the table reads all of it. Two looks are this far apart at least, and so far that they
 * take a fifth of the time at most; a look at 65,000 elements takes about 0.2 s.
 */
#define PAUSE_MS 100
#define PAUSE_FACTOR 4
#define RETRY_MS 1000 /* after a look that failed */

struct heal {
	struct core *core;
	struct event *watch;
	struct event *timer;
	int64_t next_ms; /* not before */
	bool table;      /* ours is to be looked at, besides the chains of others */
	bool suspected;  /* @culprit did something to it since the last look */
	struct nft_culprit culprit;
};

static void
plan(struct heal *heal)
{
	int64_t wait_ms = heal->next_ms - heal->core->now_ms();
	struct timeval tv = { 0, 0 };

	if (event_pending(heal->timer, EV_TIMEOUT, NULL))
		return;
	if (wait_ms > 0) {
		tv.tv_sec = wait_ms / 1000;
		tv.tv_usec = wait_ms % 1000 * 1000;
	}
	event_add(heal->timer, &tv);
}

void
heal_soon(struct core *core)
{
	core->heal->table = true;
	plan(core->heal);
}

/* "the table inet portreeve was changed by nft (pid 7): table deleted; 14 things restored" */
static void
report(struct heal *heal, int restored)
{
	const struct nft_culprit *c = &heal->culprit;
	char text[256];
	int n;

	n = snprintf(text, sizeof(text), "the table inet " NFT_TABLE " was changed");
	if (heal->suspected)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " by %s (pid %u): %s",
		    c->name[0] ? c->name : "a program", c->pid, c->what);
	snprintf(text + n, sizeof(text) - (size_t)n, "; %d thing%s restored", restored,
	    restored == 1 ? "" : "s");
	log_warn("%s", text);
	record_event(heal->core, TRAIL_BY_HEALING, TRAIL_HEAL, "%s", text);
	notify_state(heal->core, "healed", text);
}

/* 0, or -errno: to be tried again. */
static int
look_at_table(struct heal *heal)
{
	int restored;

	if (!heal->table)
		return 0;
	restored = mapping_sync(heal->core);
	if (restored < 0)
		return restored;
	if (restored > 0 || heal->suspected)
		report(heal, restored);
	heal->table = heal->suspected = false;
	return 0;
}

/* What fails was logged, and what comes next in that table makes us look again. */
static void
look_at_joined(struct heal *heal)
{
	struct nft *nft = heal->core->nft;
	int restored = nft->join(nft);

	if (restored > 0)
		log_warn(
		    "join_chain: %d chain%s got our rule anew", restored, restored == 1 ? "" : "s");
}

static void
on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct heal *heal = arg;
	struct core *core = heal->core;
	int64_t began_ms = core->now_ms(), took_ms;
	int rc;

	rc = look_at_table(heal);
	look_at_joined(heal);
	took_ms = core->now_ms() - began_ms;
	heal->next_ms = began_ms + took_ms;
	heal->next_ms += took_ms * PAUSE_FACTOR > PAUSE_MS ? took_ms * PAUSE_FACTOR : PAUSE_MS;
	if (rc < 0) {
		heal->next_ms = began_ms + RETRY_MS;
		plan(heal);
	}
}

static void
on_watch(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct heal *heal = arg;
	struct nft_culprit culprit;
	int rc;

	rc = heal->core->nft->watch_read(heal->core->nft, &culprit);
	if (rc == 0 || rc == -EAGAIN)
		return;
	if (rc < 0 || culprit.table)
		heal->table = true;
	if (rc > 0 && culprit.table && !heal->suspected) {
		heal->suspected = true; /* the first of several is the one to name */
		heal->culprit = culprit;
	}
	plan(heal);
}

static int
watch(struct heal *heal)
{
	struct nft *nft = heal->core->nft;

	heal->watch =
	    event_new(heal->core->base, nft->watch_fd(nft), EV_READ | EV_PERSIST, on_watch, heal);
	if (!heal->watch || event_add(heal->watch, NULL) < 0)
		return -ENOMEM;
	return 0;
}

bool
heal_clamps(const struct conf *conf)
{
	return conf->clamp_mss == CONF_YES || (conf->clamp_mss == CONF_AUTO && conf->share);
}

_Static_assert(1 << CONF_HELPER_PPTP == NFT_HELPER_PPTP, "numbered alike");
_Static_assert(CONF_OPEN_PORTS_MAX <= NFT_SERVICES_MAX, "conf.c checks how many there are");
_Static_assert((int)CONF_FIREWALL_JOIN == (int)NFT_FIREWALL_JOIN &&
		   1 << CONF_ICMP_REDIRECT == NFT_ICMP_REDIRECT &&
		   CONF_CHAINS_MAX <= NFT_JOINS_MAX && CONF_CHAIN_NAME_MAX <= NFT_NAME_SIZE,
    "configuration and kernel number these alike");

static void
fill_ports(uint8_t protocol, const struct conf_ports *ports, size_t n, struct nft_config *config)
{
	uint32_t port;
	size_t i;

	for (i = 0; i < n; i++) {
		for (port = ports[i].first; port <= ports[i].last; port++) {
			if (config->n_services == NFT_SERVICES_MAX)
				return; /* conf.c lets it not come so far */
			config->services[config->n_services].protocol = protocol;
			config->services[config->n_services++].port = (uint16_t)port;
		}
	}
}

static void
fill_service(const struct conf_service *service, struct nft_config *config)
{
	fill_ports(IPPROTO_TCP, service->tcp, service->n_tcp, config);
	fill_ports(IPPROTO_UDP, service->udp, service->n_udp, config);
}

static void
fill_joins(const struct conf *conf, struct nft_config *config)
{
	static const uint8_t families[] = {
		[CONF_IP] = NFPROTO_IPV4, [CONF_IP6] = NFPROTO_IPV6, [CONF_INET] = NFPROTO_INET
	};
	size_t i;

	config->join_mark = conf->join_mark;
	for (i = 0; i < conf->n_joins; i++) {
		config->joins[i].family = families[conf->joins[i].family];
		strcpy(config->joins[i].table, conf->joins[i].table);
		strcpy(config->joins[i].chain, conf->joins[i].chain);
	}
	config->n_joins = conf->n_joins;
}

/* What @conf means for the table. Every octet is set, so that two of them can be compared. */
static void
fill_config(const struct conf *conf, struct nft_config *config)
{
	size_t i;

	memset(config, 0, sizeof(*config));
	config->masquerade = conf->share;
	config->clamp_mss = heal_clamps(conf);
	config->own_table = conf->table_owner;
	config->worker_uid = (uid_t)-1;
	config->http_port = conf->http_port;
	config->firewall = (enum nft_firewall)conf->firewall;
	config->open_hosts = conf_opens_hosts(conf);
	for (i = 0; i < conf->n_icmp_allow; i++)
		config->icmp_allow |= 1u << conf->icmp_allow[i];
	config->min_port = policy_lowest_port(conf);
	config->log_dropped = conf->security_log[0] && conf->log_dropped;
	config->log_opened = conf->security_log[0] && conf->log_opened;
	config->log_rate = conf->log_rate;
	for (i = 0; i < conf->n_open; i++)
		fill_service(conf_service_find(conf, conf->open[i]), config);
	for (i = 0; i < conf->n_helpers; i++)
		config->helpers |= 1u << conf->helpers[i];
	if (conf->firewall == CONF_FIREWALL_JOIN)
		fill_joins(conf, config);
}

bool
heal_wants_other_nft(const struct conf *now, const struct conf *fresh)
{
	struct nft_config a, b;

	fill_config(now, &a);
	fill_config(fresh, &b);
	return memcmp(&a, &b, sizeof(a)) != 0;
}

/* Only a user of its own may be named in rules: others run as nobody, too. */
struct nft *
heal_new_nft(struct core *core)
{
	enum log_level level = log_get_level();
	struct nft_config config;
	struct sandbox_user user;
	struct nft *nft;

	fill_config(&core->conf, &config);
	config.masquerade = share_masquerades(core);
	log_set_level(LOG_LEVEL_ERROR); /* the supervisor has said it all */
	sandbox_find_user(core->conf.worker_user, "workers", &user);
	log_set_level(level);
	if (user.exclusive)
		config.worker_uid = user.uid;
	nft = nft_new(&config);
	if (nft)
		nft->set_pinholes(nft, pinhole_next, core);
	return nft;
}

int
heal_replace_nft(struct core *core)
{
	struct nft *old = core->nft, *fresh = heal_new_nft(core);
	struct heal *heal = core->heal;
	struct nft_config config;
	int rc;

	if (!fresh)
		return -EIO;
	fill_config(&core->conf, &config);
	if (old->leave(old, &config) < 0)
		log_error("join_chain: our rule could not be taken out everywhere");
	/* The old one lets go of the table before the new one takes it over: an owned table has one
	 * owner. */
	event_free(heal->watch);
	heal->watch = NULL;
	old->free(old);
	core->nft = fresh;
	network_tell_nft(core);
	rc = mapping_sync(core);
	if (rc < 0) {
		heal->table = true;
		plan(heal);
	}
	fresh->join(fresh);
	return watch(heal);
}

/* Also out of chains that an earlier run joined and this one does not. */
static void
join_others(struct core *core)
{
	struct nft_config config;

	fill_config(&core->conf, &config);
	if (core->nft->leave(core->nft, &config) < 0)
		log_error("join_chain: rules of an earlier run could not be looked for");
	core->nft->join(core->nft);
}

struct heal *
heal_new(struct core *core)
{
	struct heal *heal = calloc(1, sizeof(*heal));
	int rc;

	if (!heal)
		return NULL;
	heal->core = core;
	rc = mapping_sync(core);
	if (rc < 0) {
		log_error("the table inet " NFT_TABLE " cannot be made: %s", strerror(-rc));
		free(heal);
		return NULL;
	}
	log_debug("the table inet " NFT_TABLE " took %d changes", rc);
	join_others(core);
	heal->timer = event_new(core->base, -1, 0, on_timer, heal);
	if (!heal->timer || watch(heal) < 0) {
		log_error("the table inet " NFT_TABLE " cannot be watched");
		heal_free(heal);
		return NULL;
	}
	return heal;
}

void
heal_free(struct heal *heal)
{
	if (!heal)
		return;
	if (heal->watch)
		event_free(heal->watch);
	if (heal->timer)
		event_free(heal->timer);
	free(heal);
}
