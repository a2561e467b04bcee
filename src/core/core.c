/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns struct core: what starts after what, and stops in reverse. */
#include "config.h"

#include "core/core.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/audit.h"
#include "core/claim.h"
#include "core/clockwatch.h"
#include "core/connection.h"
#include "core/control.h"
#include "core/doctor.h"
#include "core/dhcp.h"
#include "core/flows.h"
#include "core/forward.h"
#include "core/heal.h"
#include "core/identity.h"
#include "core/judge.h"
#include "core/mapping.h"
#include "core/metrics_socket.h"
#include "core/network.h"
#include "core/notify.h"
#include "core/parent.h"
#include "core/pinhole.h"
#include "core/record.h"
#include "core/share.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/log.h"
#include "platform/neigh.h"
#include "platform/portuse.h"

#define META_RUNNING "running" /* the core is, or has ended without saying so */

/* ---- the parts ---- */

static int
parent_check(struct core *core UNUSED)
{
	return parent_exists() ? 0 : -ENOTCONN;
}

static int
conf_start(struct core *core)
{
	int rc = conf_load(&core->conf, core->opt.conf_path, &core->opt.over, stderr);

	if (rc == 0)
		log_set_level(core->conf.log_level);
	return rc;
}

static int
base_start(struct core *core)
{
	core->base = event_base_new();
	return core->base ? 0 : -ENOMEM;
}

static void
base_stop(struct core *core)
{
	event_base_free(core->base);
}

static int
claim_start(struct core *core)
{
	return claim_take(core->base, "portreeve-core", &core->claim);
}

static void
claim_stop(struct core *core)
{
	claim_free(core->claim);
}

static int
store_start(struct core *core)
{
	core->store = store_open(core->opt.state_dir);
	return core->store ? 0 : -EIO;
}

static void
store_stop(struct core *core)
{
	core->store->free(core->store);
}

static int
identity_start(struct core *core)
{
	return identity_uuid(core->store, NULL, core->uuid);
}

/* Of the audit trail: which network card a client has, as far as the kernel knows. */
static void
client_mac(
    void *arg UNUSED, uint32_t ifindex, const struct addr6 *client, char buf[TRAIL_MAC_STRLEN])
{
	struct neigh n;
	size_t i;

	buf[0] = '\0';
	if (neigh_look(ifindex, client, &n) < 0)
		return;
	for (i = 0; i < n.len; i++)
		snprintf(buf + 3 * i, 4, "%02x:", n.lladdr[i]);
	buf[3 * n.len - 1] = '\0';
}

/* ... and which name the DHCP server that we run knows it by. */
static void
client_host(void *arg, const struct addr6 *client, char buf[TRAIL_HOST_MAX])
{
	struct core *core = arg;
	struct dhcp_lease lease;
	uint32_t addr;

	buf[0] = '\0';
	if (addr6_to4(client, &addr) &&
	    dhcp_leases_find(&core->dhcp_leases, core->opt.state_dir, addr, &lease) &&
	    (lease.expires_s == 0 || lease.expires_s > core->wall_s()))
		snprintf(buf, TRAIL_HOST_MAX, "%s", lease.host);
}

/* There is a trail from now on: what has happened before is said first. */
static void
trail_begin(struct core *core)
{
	const char *spare = core->store->spare(core->store);
	uint8_t running = 0;

	if (core->store->meta_get(core->store, META_RUNNING, &running, 1) == 1 && running)
		record_event(core, TRAIL_BY_DAEMON, TRAIL_CRASH,
		    "portreeve-core did not end in order before");
	if (spare)
		record_event(core, TRAIL_BY_DAEMON, TRAIL_SET_ASIDE,
		    "the database of the mappings could not be used; it is now %s",
		    strrchr(spare, '/') ? strrchr(spare, '/') + 1 : spare);
	record_event(core, TRAIL_BY_DAEMON, TRAIL_START, "portreeve " PACKAGE_VERSION " starts");
	running = 1;
	core->store->meta_put(core->store, META_RUNNING, &running, 1);
}

/* Without a trail the gateway does its work all the same. */
static int
trail_start(struct core *core)
{
	const struct trail_options options = {
		.dir = core->opt.state_dir,
		.base = core->base,
		.now_ms = core->now_ms,
		.wall_s = core->wall_s,
		.rows_max = core->conf.audit_max_rows,
		.days_max = core->conf.audit_max_days,
		.mac = client_mac,
		.host = client_host,
		.arg = core,
	};

	core->trail = trail_new(&options);
	if (core->trail)
		trail_begin(core);
	else
		log_warn("no memory for an audit trail");
	return 0;
}

static void
trail_stop(struct core *core)
{
	const uint8_t running = 0;

	record_event(core, TRAIL_BY_DAEMON, TRAIL_STOP, "portreeve stops");
	core->store->meta_put(core->store, META_RUNNING, &running, 1);
	trail_free(core->trail);
	core->trail = NULL;
	dhcp_leases_free(&core->dhcp_leases);
}

static int
on_stored_lease(void *arg, const struct lease *lease)
{
	return lease_add(arg, lease, NULL);
}

/* A smaller max_mappings refuses new ones; what was promised before is kept. */
static int
leases_start(struct core *core)
{
	int rc;

	core->leases = lease_table_new(SIZE_MAX);
	if (!core->leases)
		return -ENOMEM;
	rc = core->store->load(
	    core->store, core->now_ms(), core->wall_s(), on_stored_lease, core->leases);
	if (rc < 0) {
		lease_table_free(core->leases);
		return rc;
	}
	lease_table_set_max(core->leases, core->conf.max_mappings);
	log_info("%zu mappings restored", lease_count(core->leases));
	return 0;
}

static void
leases_stop(struct core *core)
{
	lease_table_free(core->leases);
}

static void
pinholes_stop(struct core *core)
{
	pinhole_table_free(core->pinholes);
}

static int
nft_start(struct core *core)
{
	core->nft = heal_new_nft(core);
	return core->nft ? 0 : -EIO;
}

static void
nft_stop(struct core *core)
{
	if (!core->nft)
		return;
	if (core->told_to_stop && !core->conf.keep_mappings_on_exit) {
		mapping_save_use(core);
		core->nft->remove(core->nft);
	}
	core->nft->free(core->nft);
}

static int
notify_start(struct core *core)
{
	core->notify = notify_new(core);
	return core->notify ? 0 : -ENOMEM;
}

static void
notify_stop(struct core *core)
{
	notify_free(core->notify);
}

static int
connection_start(struct core *core)
{
	core->connection = connection_new(core);
	return core->connection ? 0 : -ENOMEM;
}

static void
connection_stop(struct core *core)
{
	connection_free(core->connection);
}

static int
share_start(struct core *core)
{
	core->share = share_new(core);
	return core->share ? 0 : -ENOMEM;
}

static void
share_stop(struct core *core)
{
	share_free(core->share, core->told_to_stop);
}

static int
dhcp_start(struct core *core)
{
	core->dhcp = dhcp_new(core);
	return core->dhcp ? 0 : -ENOMEM;
}

static void
dhcp_stop(struct core *core)
{
	dhcp_free(core->dhcp);
}

static int
network_start(struct core *core)
{
	core->network = network_new(core);
	return core->network ? 0 : -EIO;
}

static void
network_stop(struct core *core)
{
	network_free(core->network);
}

/* Late, since rules may speak of LANs and of MAC addresses. */
static int
rules_start(struct core *core)
{
	struct neigh_list neighbours = { .read = false };
	int rc = judge_leases(core, &neighbours, NULL, NULL);

	neigh_list_free(&neighbours);
	return rc;
}

/* Who else translates is known once the WAN and the LANs are. */
static int
leave_nat_to_others(struct core *core)
{
	if (!share_look_for_nat(core))
		return 0;
	core->nft->free(core->nft);
	core->nft = heal_new_nft(core);
	if (!core->nft)
		return -EIO;
	network_tell_nft(core);
	return 0;
}

static int
heal_start(struct core *core)
{
	int rc = leave_nat_to_others(core);

	if (rc < 0)
		return rc;
	core->heal = heal_new(core);
	return core->heal ? 0 : -EIO;
}

static void
heal_stop(struct core *core)
{
	heal_free(core->heal);
}

static int
flows_start(struct core *core)
{
	core->flows = flows_new(core);
	return core->flows ? 0 : -EIO;
}

static void
flows_stop(struct core *core)
{
	flows_free(core->flows);
}

static int
control_start(struct core *core)
{
	core->control = control_new(core);
	return core->control ? 0 : -EIO;
}

static void
control_stop(struct core *core)
{
	control_free(core->control);
}

/* Without it the CLI can still tell. */
static int
metrics_start(struct core *core)
{
	core->metrics_socket = metrics_socket_new(core);
	return 0;
}

static void
metrics_stop(struct core *core)
{
	metrics_socket_free(core->metrics_socket);
}

static int
forwards_start(struct core *core)
{
	forward_apply(core);
	return 0;
}

static int
parent_start(struct core *core)
{
	core->parent = parent_new(core);
	return core->parent ? 0 : -EIO;
}

static void
parent_stop(struct core *core)
{
	parent_free(core->parent);
}

static void
on_signal(evutil_socket_t sig, short what UNUSED, void *arg)
{
	struct core *core = arg;

	log_debug("signal %d: ending", (int)sig);
	core->told_to_stop = true;
	core_stop(core);
}

static int
signals_start(struct core *core)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN); /* the supervisor says MSG_RELOAD */
	core->sigterm = evsignal_new(core->base, SIGTERM, on_signal, core);
	core->sigint = evsignal_new(core->base, SIGINT, on_signal, core);
	if (!core->sigterm || !core->sigint || event_add(core->sigterm, NULL) < 0 ||
	    event_add(core->sigint, NULL) < 0)
		return -ENOMEM;
	return 0;
}

static void
signals_stop(struct core *core)
{
	if (core->sigterm)
		event_free(core->sigterm);
	if (core->sigint)
		event_free(core->sigint);
}

/*
 * Each may use those before it. What the kernel keeps when we fail comes late: who cannot start
 * must leave no open ports behind.
 */
static const struct part {
	const char *name;
	int (*start)(struct core *core); /* what fails has logged why, or is out of memory */
	void (*stop)(struct core *core);
} parts[] = {
	{ "supervisor", parent_check, NULL },
	{ "configuration", conf_start, NULL },
	{ "event loop", base_start, base_stop },
	{ "signals", signals_start, signals_stop },
	{ "network namespace", claim_start, claim_stop },
	{ "store", store_start, store_stop },
	{ "identity", identity_start, NULL },
	{ "audit trail", trail_start, trail_stop },
	{ "clock watch", clockwatch_start, clockwatch_stop },
	{ "leases", leases_start, leases_stop },
	{ "pinholes", pinhole_load, pinholes_stop },
	{ "packet filter", nft_start, nft_stop },
	{ "notifications", notify_start, notify_stop },
	{ "control socket", control_start, control_stop },
	{ "metrics socket", metrics_start, metrics_stop },
	{ "connection", connection_start, connection_stop },
	{ "sharing", share_start, share_stop },
	{ "DHCP", dhcp_start, dhcp_stop },
	{ "network", network_start, network_stop },
	{ "rules", rules_start, NULL },
	{ "kernel table", heal_start, heal_stop },
	{ "connection tracking", flows_start, flows_stop },
	{ "lease timer", expiry_start, expiry_stop },
	{ "forwards", forwards_start, NULL },
	{ "workers", parent_start, parent_stop },
};

#define N_PARTS (sizeof(parts) / sizeof(parts[0]))

/* ---- life ---- */

static void
stop_parts(struct core *core, size_t n)
{
	while (n--)
		if (parts[n].stop)
			parts[n].stop(core);
	free(core);
}

struct core *
core_new(const struct core_options *opt)
{
	struct core *core = calloc(1, sizeof(*core));
	size_t i;
	int rc;

	if (!core)
		return NULL;
	core->opt = *opt;
	core->now_ms = clock_boot_ms;
	core->wall_s = clock_wall_s;
	core->port_in_use = portuse_taken;
	core->read_flows = flowlist_read;
	core->read_pinhole_flows = flowlist_read_pinhole;
	core->doctor = doctor_json;
	core->audit = audit_answer;
	core->started_ms = core->now_ms();
	for (i = 0; i < N_PARTS; i++) {
		rc = parts[i].start(core);
		if (rc < 0) {
			log_error("cannot start: %s: %s", parts[i].name,
			    rc == -ENOMEM ? "out of memory" : "the line before says why");
			stop_parts(core, i);
			return NULL;
		}
	}
	return core;
}

int
core_run(struct core *core)
{
	int rc = parent_ready(core);

	if (rc < 0)
		return rc;
	log_info("ready after %d ms", (int)(core->now_ms() - core->started_ms));
	if (event_base_dispatch(core->base) < 0) {
		log_error("event loop: %s", strerror(errno));
		return -EIO;
	}
	return 0;
}

void
core_stop(struct core *core)
{
	event_base_loopbreak(core->base);
}

void
core_free(struct core *core)
{
	if (core)
		stop_parts(core, N_PARTS);
}
