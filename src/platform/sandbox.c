/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each role gives up. Three layers, so that a mistake in one is held by the next: user and
 * capabilities, no_new_privs with an empty bounding set, and a list of system calls that no daemon
 * of ours makes.
 *
 *	supervisor   SETUID SETGID SETPCAP KILL; to hand on, but not in force, what dnsmasq needs
 *	             (NET_ADMIN NET_RAW NET_BIND_SERVICE); in the bounding set this and what the
 *core needs. No system call list: its children would inherit it, and it parses nothing. dnsmasq
 *what it was handed, as a user of its own. core         NET_ADMIN, CHOWN (the control socket's
 *group); DAC_OVERRIDE only if the supervisor found that the core cannot reach its files otherwise.
 *	worker       nothing.
 *
 * The list of calls is a list of refusals (EPERM), not of permissions: what glibc's threads call
 * differs between versions, what an intruder wants does not.
 */
#include "config.h"

#include "platform/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- user ------------------------------------------------------------------------------------ */

/* Does @map (/proc/self/uid_map or gid_map) know @id? Where there is no such file, all are known.
 */
static bool
id_mapped(const char *map, unsigned long id)
{
	unsigned long inside, outside, count;
	bool found = false;
	FILE *file = fopen(map, "re");

	if (!file)
		return true;
	while (!found && fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3)
		found = id >= inside && id - inside < count;
	fclose(file);
	return found;
}

/* In a user namespace that is not the first one some things cannot be had, nor dropped. */
static bool
in_user_namespace(void)
{
	unsigned long inside = 0, outside = 0, count = UINT32_MAX;
	FILE *file = fopen("/proc/self/uid_map", "re");
	bool nested = false;

	if (!file)
		return false;
	if (fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3)
		nested = inside != 0 || outside != 0 || count != UINT32_MAX;
	fclose(file);
	return nested;
}

static bool
find_passwd(const char *name, struct sandbox_user *user)
{
	const struct passwd *pw = getpwnam(name);

	if (!pw)
		return false;
	user->uid = pw->pw_uid;
	user->gid = pw->pw_gid;
	snprintf(user->name, sizeof(user->name), "%s", name);
	return true;
}

static void
stay_who_we_are(struct sandbox_user *user)
{
	const struct passwd *pw = getpwuid(geteuid());

	user->uid = geteuid();
	user->gid = getegid();
	user->switchable = false;
	user->exclusive = false;
	snprintf(user->name, sizeof(user->name), "%s", pw ? pw->pw_name : "");
	if (!pw)
		snprintf(user->name, sizeof(user->name), "uid %u", (unsigned)user->uid);
}

void
sandbox_find_user(const char *wanted, const char *who, struct sandbox_user *user)
{
	bool known;

	memset(user, 0, sizeof(*user));
	if (geteuid() != 0) {
		stay_who_we_are(user);
		log_warn("not started as root: %s run as %s, like the rest", who, user->name);
		return;
	}
	known = find_passwd(wanted, user);
	if (!known && !find_passwd("nobody", user)) {
		stay_who_we_are(user);
		log_warn("neither user %s nor nobody here: %s stay %s, without capabilities",
		    wanted, who, user->name);
		return;
	}
	if (!id_mapped("/proc/self/uid_map", user->uid) ||
	    !id_mapped("/proc/self/gid_map", user->gid)) {
		stay_who_we_are(user);
		log_info("no user %s in this user namespace: %s stay %s, without capabilities",
		    wanted, who, user->name);
		return;
	}
	if (!known)
		log_warn("no user %s on this system: %s run as nobody", wanted, who);
	user->switchable = user->uid != 0;
	user->exclusive = user->switchable && strcmp(user->name, "nobody") != 0;
	if (!user->switchable)
		log_warn("user %s is root: %s keep uid 0, without capabilities", wanted, who);
}

/* A bounding set of @but: no exec from here on can gain another capability, not even as uid 0. */
static int
drop_bounding_set(uint64_t but)
{
	unsigned long cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (!(but >> cap & 1) && prctl(PR_CAPBSET_READ, cap) == 1 &&
		    prctl(PR_CAPBSET_DROP, cap) < 0)
			return -errno;
	return 0;
}

static int
switch_user(const struct sandbox_user *user)
{
	if (setgroups(0, NULL) < 0) {
		if (!in_user_namespace())
			return -errno;
		log_warn("supplementary groups cannot be dropped in this user namespace");
	}
	if (setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	return setresuid(-1, 0, -1) == 0 ? -EPERM : 0; /* the way back must be closed */
}

int
sandbox_become(const struct sandbox_user *user)
{
	int rc = drop_bounding_set(0);

	if (rc < 0 && geteuid() == 0 && !in_user_namespace())
		return rc;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* or exec would hand them on */
	if (user->switchable) {
		rc = switch_user(user);
		if (rc < 0)
			return rc;
	}
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* ---- capabilities ---------------------------------------------------------------------------- */

static const unsigned supervisor_caps[] = { CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL };
static const unsigned core_caps[] = { CAP_NET_ADMIN, CAP_CHOWN };

/* What DHCP takes: raw sockets, ports below 1024, the neighbour table. */
static const unsigned dnsmasq_caps[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE };

static bool keep_file_override;

bool
sandbox_reaches(const char *path, int mode)
{
	bool reaches;
	void *saved;

	capng_get_caps_process();
	saved = capng_save_state();
	capng_updatev(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, -1);
	capng_apply(CAPNG_SELECT_CAPS);
	reaches = faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 || errno == ENOENT;
	if (saved) {
		capng_restore_state(&saved);
		capng_apply(CAPNG_SELECT_CAPS);
	}
	return reaches;
}

void
sandbox_keep_file_override(void)
{
	keep_file_override = true;
}

/* What we have of @caps, as a mask. After capng_get_caps_process(), before capng_clear(). */
static uint64_t
held_of(const unsigned *caps, size_t n)
{
	uint64_t mask = 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (capng_have_capability(CAPNG_PERMITTED, caps[i]))
			mask |= (uint64_t)1 << caps[i];
	return mask;
}

static void
keep(uint64_t mask, capng_type_t where)
{
	unsigned cap;

	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (mask & (uint64_t)1 << cap)
			capng_update(CAPNG_ADD, where, cap);
}

static int
apply_caps(const char *who)
{
	int rc = capng_apply(CAPNG_SELECT_CAPS);

	if (rc != 0) {
		log_error("%s: capabilities cannot be dropped (libcap-ng says %d)", who, rc);
		return -EPERM;
	}
	return 0;
}

/* Without CAP_SETPCAP the bounding set stays; then nothing is held that could use it. */
static void
apply_bounds(const char *who, bool may_drop)
{
	if (!may_drop)
		log_debug("%s: no right to narrow the bounding set", who);
	else if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
		log_warn("%s: the bounding set of capabilities cannot be narrowed", who);
}

/* Nothing else is left, and exec hands these on, whoever we are by then. */
static int
hand_on(const unsigned *caps, size_t n, const char *who)
{
	uint64_t held;
	size_t i;
	int rc;

	capng_get_caps_process();
	held = held_of(caps, n);
	capng_clear(CAPNG_SELECT_CAPS);
	keep(held, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE);
	rc = apply_caps(who);
	if (rc < 0)
		return rc;
	for (i = 0; i < n; i++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, caps[i], 0, 0) < 0 &&
		    errno != EPERM)
			return -errno;
	return 0;
}

static int
become_keeping(const struct sandbox_user *user, const unsigned *caps, size_t n, const char *who)
{
	pid_t parent = getppid();
	uint64_t mask;
	int rc;

	capng_get_caps_process();
	mask = held_of(caps, n);
	rc = drop_bounding_set(mask);

	if (rc < 0 && geteuid() == 0 && !in_user_namespace())
		return rc;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -errno;
	if (user->switchable) {
		rc = switch_user(user);
		if (rc < 0)
			return rc;
	}
	rc = hand_on(caps, n, who);
	if (rc < 0)
		return rc;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH; /* it has ended before we asked to be told */
}

int
sandbox_become_dnsmasq(const struct sandbox_user *user)
{
	return become_keeping(user, dnsmasq_caps, COUNT(dnsmasq_caps), "dnsmasq");
}

int
sandbox_become_seclog(const struct sandbox_user *user)
{
	static const unsigned caps[] = { CAP_NET_ADMIN };

	return become_keeping(user, caps, COUNT(caps), "security log");
}

static int
enter_supervisor(void)
{
	uint64_t held, handed_on;
	bool may_drop;
	size_t i;

	/* Not root: what the core needs reaches it as ambient capabilities, which end with ours. */
	if (geteuid() != 0)
		return 0;
	capng_get_caps_process();
	may_drop = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	held = held_of(supervisor_caps, COUNT(supervisor_caps));
	handed_on = held_of(dnsmasq_caps, COUNT(dnsmasq_caps));
	capng_clear(CAPNG_SELECT_BOTH);
	keep(held, CAPNG_EFFECTIVE | CAPNG_PERMITTED);
	keep(handed_on, CAPNG_PERMITTED);
	for (i = 0; i < COUNT(core_caps); i++)
		capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, core_caps[i]);
	for (i = 0; i < COUNT(dnsmasq_caps); i++)
		capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, dnsmasq_caps[i]);
	capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, CAP_SETPCAP); /* so that the core can go on */
	if (keep_file_override)
		capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, CAP_DAC_OVERRIDE);
	apply_bounds("portreeved", may_drop);
	return apply_caps("portreeved");
}

/* CAP_DAC_OVERRIDE reached us through a narrowed bounding set only if it is needed. */
static int
enter_core(void)
{
	static const unsigned override[] = { CAP_DAC_OVERRIDE };
	uint64_t held;
	bool may_drop;

	capng_get_caps_process();
	may_drop = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	held = held_of(core_caps, COUNT(core_caps)) | held_of(override, COUNT(override));
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN))
		log_error("no CAP_NET_ADMIN: start portreeved as root, or inside \"unshare -Urn\"");
	capng_clear(CAPNG_SELECT_BOTH);
	keep(held, CAPNG_EFFECTIVE | CAPNG_PERMITTED);
	apply_bounds("core", may_drop);
	return apply_caps("core");
}

static int
enter_worker(void)
{
	bool may_drop;

	capng_get_caps_process();
	may_drop = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	capng_clear(CAPNG_SELECT_BOTH);
	apply_bounds("worker", may_drop);
	return apply_caps("worker");
}

/* ---- system calls ---------------------------------------------------------------------------- */

#ifndef WITH_SANITIZERS

/* By name: libseccomp skips what this architecture or this kernel's headers do not know. */
static const char *const refused_calls[] = {
	/* another program */
	"execve",
	"execveat",
	/* another process's memory, and the way to it */
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"process_madvise",
	"pidfd_getfd",
	"kcmp",
	"kill",
	"tkill",
	"rt_sigqueueinfo",
	"rt_tgsigqueueinfo",
	"pidfd_send_signal",
	/* another view of the system */
	"mount",
	"umount",
	"umount2",
	"pivot_root",
	"chroot",
	"move_mount",
	"open_tree",
	"open_tree_attr",
	"fsopen",
	"fsconfig",
	"fsmount",
	"fspick",
	"mount_setattr",
	"unshare",
	"setns",
	"open_by_handle_at",
	"name_to_handle_at",
	"fanotify_init",
	"quotactl",
	"quotactl_fd",
	"acct",
	"swapon",
	"swapoff",
	/* another user */
	"setuid",
	"setuid32",
	"setgid",
	"setgid32",
	"setreuid",
	"setreuid32",
	"setregid",
	"setregid32",
	"setresuid",
	"setresuid32",
	"setresgid",
	"setresgid32",
	"setfsuid",
	"setfsuid32",
	"setfsgid",
	"setfsgid32",
	"setgroups",
	"setgroups32",
	"capset",
	/* the kernel's larger doors */
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"reboot",
	"bpf",
	"perf_event_open",
	"userfaultfd",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"add_key",
	"request_key",
	"keyctl",
	"lookup_dcookie",
	"nfsservctl",
	"vhangup",
	"personality",
	"modify_ldt",
	"iopl",
	"ioperm",
	"syslog",
	"settimeofday",
	"stime",
	"clock_settime",
	"clock_settime64",
	"clock_adjtime",
	"clock_adjtime64",
	"adjtimex",
	"sethostname",
	"setdomainname",
};

static int
refuse_calls(scmp_filter_ctx ctx)
{
	size_t i;
	int nr, rc;

	for (i = 0; i < COUNT(refused_calls); i++) {
		nr = seccomp_syscall_resolve_name(refused_calls[i]);
		if (nr == __NR_SCMP_ERROR)
			continue;
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr, 0);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/*
 * Families: UNIX, INET, INET6 and NETLINK. Each other one is named, because a rule compares an
 * argument once only; a value with high bits set is above NETLINK, too. A worker gets no UNIX
 * either (pairs stay possible): it runs in the group that may open the control socket.
 */
static int
refuse_sockets(scmp_filter_ctx ctx, enum sandbox_role role)
{
	const uint32_t refuse = SCMP_ACT_ERRNO(EAFNOSUPPORT);
	uint64_t family;
	int rc;

	rc = seccomp_rule_add(
	    ctx, refuse, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_GT, (uint64_t)AF_NETLINK, 0));
	for (family = 0; rc == 0 && family < AF_NETLINK; family++) {
		if ((family == AF_UNIX && role != SANDBOX_WORKER) || family == AF_INET ||
		    family == AF_INET6)
			continue;
		rc = seccomp_rule_add(
		    ctx, refuse, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, family, 0));
	}
	/* A worker asks rtnetlink for addresses (getifaddrs), and nothing else of netlink. */
	if (rc == 0 && role == SANDBOX_WORKER)
		rc = seccomp_rule_add(ctx, refuse, SCMP_SYS(socket), 2,
		    SCMP_A0(SCMP_CMP_EQ, (uint64_t)AF_NETLINK, 0), SCMP_A2(SCMP_CMP_NE, 0, 0));
	return rc;
}

/* Threads yes, namespaces no. clone3 hides its flags in memory: glibc falls back to clone. */
static int
refuse_namespaces(scmp_filter_ctx ctx)
{
	static const uint64_t flags[] = { CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
		CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET };
	size_t i;
	int rc;

	rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	for (i = 0; rc == 0 && i < COUNT(flags); i++)
#ifdef __s390__
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
		    SCMP_A1(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
#else
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
		    SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
#endif
	return rc;
}

/* Nobody of ours types for others. */
static int
refuse_ioctls(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
	    SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, TIOCSTI));

	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
		    SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, TIOCLINUX));
	return rc;
}

static int
enter_seccomp(enum sandbox_role role)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int rc;

	if (!ctx)
		return -ENOMEM;
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree: few steps a call */
	rc = refuse_calls(ctx);
	if (rc == 0)
		rc = refuse_sockets(ctx, role);
	if (rc == 0)
		rc = refuse_namespaces(ctx);
	if (rc == 0)
		rc = refuse_ioctls(ctx);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc;
}

#endif

/* No core file with others' data in it, and no ptrace by another process of the same user. */
static int
lock_down(enum sandbox_role role)
{
	int rc = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
#ifdef WITH_SANITIZERS
	(void)role;
	log_debug("built with sanitizers: no list of system calls");
#else
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	rc = enter_seccomp(role);
	if (rc < 0)
		log_error("the list of system calls cannot be set: %s", strerror(-rc));
#endif
	return rc;
}

int
sandbox_enter(enum sandbox_role role)
{
	int rc = 0;

	switch (role) {
	case SANDBOX_SUPERVISOR:
		return enter_supervisor();
	case SANDBOX_CORE:
		rc = enter_core();
		break;
	case SANDBOX_WORKER:
		rc = enter_worker();
		break;
	}
	if (rc == 0)
		rc = lock_down(role);
	if (rc < 0 && in_user_namespace()) {
		log_warn("not all rights could be dropped in this user namespace; going on");
		rc = 0;
	}
	return rc;
}
