/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portreeve-dhcp: looks whether somebody else serves DHCP on the LANs, then becomes dnsmasq. It
 * reads what a LAN sends, so it runs as dnsmasq does: as a user of its own, with no more rights.
 *
 *	portreeve-dhcp [--look] FILE	dnsmasq's configuration, which names the interfaces
 *	portreeve-dhcp --check IF...	only looks
 *
 * Its exit status says why it did not become dnsmasq: exits.h.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dhcp/exits.h"
#include "dhcp/look.h"
#include "lib/addr.h"
#include "lib/log.h"
#include "platform/sandbox.h"

/* Where distributions put it; our environment is not asked. */
static const char *const programs[] = { "/usr/sbin/dnsmasq", "/usr/local/sbin/dnsmasq",
	"/usr/bin/dnsmasq", "/sbin/dnsmasq" };

static _Noreturn void
usage(void)
{
	fputs("usage: portreeve-dhcp [--look] FILE | --check IF...\n"
	      "Started by portreeved(8) and portreeve(1).\n",
	    stderr);
	exit(2);
}

/* The "interface=" lines of @path. */
static size_t
read_interfaces(const char *path, char ifnames[EXITS_LANS][IFNAMSIZ])
{
	FILE *in = fopen(path, "re");
	char line[512];
	size_t n = 0;

	while (in && n < EXITS_LANS && fgets(line, sizeof(line), in))
		if (sscanf(line, "interface=%15s", ifnames[n]) == 1)
			n++;
	if (in)
		fclose(in);
	return n;
}

/* Ends the process if there is another server. */
static void
look_first(char ifnames[EXITS_LANS][IFNAMSIZ], size_t n)
{
	enum look_result result;
	char text[ADDR4_STRLEN];
	uint32_t server;
	int found = look((const char(*)[IFNAMSIZ])ifnames, n, &result, &server);

	switch (result) {
	case LOOK_NOBODY:
		return;
	case LOOK_TAKEN:
		log_warn("%s: another program of this machine serves DHCP there", ifnames[found]);
		exit(EXITS_TAKEN + found);
	case LOOK_ANSWERS:
		log_warn("%s: %s serves DHCP there", ifnames[found], addr4_str(server, text));
		exit(EXITS_ANSWERS + found);
	}
}

/* Only looks: run as root by the CLI, so what it does not need goes first. */
static _Noreturn void
check(int argc, char **argv)
{
	char ifnames[EXITS_LANS][IFNAMSIZ];
	struct sandbox_user user;
	int i;

	log_set_level(LOG_LEVEL_ERROR);
	sandbox_find_user("nobody", "this", &user);
	log_set_level(LOG_LEVEL_INFO);
	if (geteuid() != 0 || sandbox_become_dnsmasq(&user) < 0) {
		log_error("cannot look for DHCP servers without being root");
		exit(2);
	}
	if (argc < 1 || argc > EXITS_LANS)
		usage();
	for (i = 0; i < argc; i++)
		snprintf(ifnames[i], sizeof(ifnames[i]), "%s", argv[i]);
	look_first(ifnames, (size_t)argc);
	exit(EXITS_NONE);
}

/*
 * Root only where there is nobody else to be, in a user namespace: then dnsmasq must not try, or it
 * ends. A pid file is of no use, its parent knows.
 */
static _Noreturn void
become_dnsmasq(const char *path)
{
	char file[512];
	const char *argv[] = { "dnsmasq", "--keep-in-foreground", file, "--pid-file=", NULL, NULL,
		NULL };
	char *environment[] = { NULL };
	size_t i;

	snprintf(file, sizeof(file), "--conf-file=%s", path);
	if (geteuid() == 0) {
		argv[4] = "--user=root";
		argv[5] = "--group=";
	}
	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		execve(programs[i], (char *const *)argv, environment);
		if (errno != ENOENT && errno != EACCES)
			log_error("%s: %s", programs[i], strerror(errno));
	}
	log_warn("dnsmasq is not installed: there is no DHCP and no DNS for the LANs");
	exit(EXITS_NO_DNSMASQ);
}

int
main(int argc, char **argv)
{
	char ifnames[EXITS_LANS][IFNAMSIZ];
	bool first;

	log_open("portreeve-dhcp", LOG_LEVEL_INFO);
	if (argc > 1 && strcmp(argv[1], "--check") == 0)
		check(argc - 2, argv + 2);
	first = argc == 3 && strcmp(argv[1], "--look") == 0;
	if (argc != 2 + first || argv[argc - 1][0] == '-')
		usage();
	if (first)
		look_first(ifnames, read_interfaces(argv[2], ifnames));
	become_dnsmasq(argv[argc - 1]);
}
