/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a child comes to life: fork, descriptors 3 (its channel) and 4 (the lock of the group), the
 * rights of its role, exec.
 *
 * Programs are opened once and started by descriptor. So a worker's user need not be able to walk
 * to where they are, and a restart never mixes versions when the package is upgraded meanwhile.
 */
#ifndef PORTREEVE_SUPERVISOR_SPAWN_H
#define PORTREEVE_SUPERVISOR_SPAWN_H

#include "config/conf.h"
#include "platform/sandbox.h"
#include "supervisor/options.h"
#include "supervisor/supervise.h"

struct spawner {
	const struct options *opt;
	struct sandbox_user user; /* of the workers */
	enum log_level log_level; /* of the workers; the core reads the configuration itself */
	int core_fd, upnp_fd, dhcp_fd, seclog_fd; /* the programs */
	int log_dir;                              /* of the security log; -1: none is written */
	char seclog_path[CONF_FILE_MAX], seclog_kib[16];
	char dhcp_user[32];
	int run_fd;        /* the run directory */
	char leases[4096]; /* the path of dnsmasq's */
	int xml_fd;        /* the directory of descriptions; -1: there is none */
	int group_fd;      /* rundir_lock_group(), or -1 */
};

/* Opens what will be needed, with the rights of the start. 0 or -errno, which was logged. */
int spawner_init(
    struct spawner *sp, const struct options *opt, const struct conf *conf, int group_fd);

/* See struct supervise_ops. */
pid_t spawner_spawn(struct spawner *sp, const struct supervise_spec *spec, int fd);

#endif
