/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each role gives up: user, capabilities, the way back to them, and system calls. */
#ifndef PORTREEVE_PLATFORM_SANDBOX_H
#define PORTREEVE_PLATFORM_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

enum sandbox_role { SANDBOX_SUPERVISOR, SANDBOX_CORE, SANDBOX_WORKER };

struct sandbox_user {
	uid_t uid;
	gid_t gid;
	bool switchable; /* false: in a user namespace that maps no such user; stay who we are */
	bool exclusive;  /* nobody else is this user, so rules may name it: not root nor nobody */
	char name[32];
};

/*
 * The user that @who ("workers", "dnsmasq") run as: @wanted, else nobody, else who we are. Says in
 * the log what was chosen when it is not @wanted.
 */
void sandbox_find_user(const char *wanted, const char *who, struct sandbox_user *user);

/*
 * In a fresh child before exec: becomes @user without groups, empties the bounding set and sets
 * no_new_privs, so that the program starts with nothing. 0 or -errno.
 */
int sandbox_become(const struct sandbox_user *user);

/*
 * The same for dnsmasq, which keeps what it needs to serve DHCP: NET_ADMIN, NET_RAW and
 * NET_BIND_SERVICE, as ambient capabilities. When the process that forked us ends, we do, too.
 */
int sandbox_become_dnsmasq(const struct sandbox_user *user);

/* The same for who writes the security log: NET_ADMIN, to open the kernel's log. */
int sandbox_become_seclog(const struct sandbox_user *user);

/*
 * Can the core reach @path (R_OK, W_OK, X_OK) without the right to override file permissions? True
 * for what does not exist. The supervisor asks before sandbox_enter().
 */
bool sandbox_reaches(const char *path, int mode);

/* It cannot: children of the supervisor may have CAP_DAC_OVERRIDE, and the core keeps it. */
void sandbox_keep_file_override(void);

/*
 * Gives up what @role does not need: capabilities (bounding set too), no_new_privs, and a seccomp
 * list that ends the way to exec, ptrace, mounts and the like. What cannot be dropped inside a user
 * namespace is logged, not fatal; elsewhere it is. 0 or -errno.
 */
int sandbox_enter(enum sandbox_role role);

#endif
