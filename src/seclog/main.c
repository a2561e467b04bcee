/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portreeve-seclog: writes the security log. Started by portreeved(8), as the workers' user:
 *
 *	portreeve-seclog FILE MAX_KIB LOG_LEVEL
 *
 * Descriptor 3 is the directory of FILE. Opens the kernel's log with the one right it was started
 * with, gives that up, too, and only then reads what strangers have sent.
 */
#include "config.h"

#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernel/nft_log.h"
#include "lib/log.h"
#include "platform/sandbox.h"
#include "seclog/file.h"
#include "seclog/line.h"
#include "seclog/nflog.h"

#define DIRECTORY_FD 3

struct seclog {
	struct mnl_socket *nl;
	struct file file;
	int last_error; /* of the file; said once */
};

static volatile sig_atomic_t stopping;

static void
on_stop(int signo)
{
	stopping = signo;
}

static void
write_line(struct seclog *s, const char *action, const struct packet *packet, const char *path)
{
	char line[LINE_MAX_OCTETS];
	time_t now = time(NULL);
	struct tm when;
	size_t len;
	int rc;

	localtime_r(&now, &when);
	len = line_format(line, &when, action, packet, "-", path);
	rc = file_write(&s->file, line, len);
	if (rc < 0 && rc != s->last_error)
		log_error("security log: %s: %s", s->file.name, strerror(-rc));
	s->last_error = rc;
}

/* A prefix that is not ours: somebody else logs to our group. */
static bool
is_action(const char *prefix)
{
	size_t i;

	for (i = 0; i < NFT_LOG_KINDS; i++)
		if (strcmp(nft_log_prefixes[i], prefix) == 0)
			return true;
	return false;
}

static void
on_packet(void *arg, const struct nflog_packet *got)
{
	struct packet packet;

	if (is_action(got->prefix) && packet_parse(got->data, got->len, &packet))
		write_line(arg, got->prefix, &packet, got->forwarded ? "FORWARD" : "RECEIVE");
}

static int
run(struct seclog *s)
{
	struct pollfd pfd = { .fd = mnl_socket_get_fd(s->nl), .events = POLLIN };
	static char buf[NFLOG_BUFFER];
	int rc;

	while (!stopping) {
		if (poll(&pfd, 1, -1) < 0)
			continue; /* a signal */
		rc = nflog_read(s->nl, buf, on_packet, s);
		if (rc == -ENOBUFS)
			write_line(s, "INFO-EVENTS-LOST", NULL, "-");
		else if (rc < 0 && rc != -EAGAIN && rc != -EINTR)
			return rc;
	}
	return 0;
}

/* Once without rights: better now than with the first packet. */
static int
try_file(struct seclog *s, const char *path)
{
	int rc = file_write(&s->file, "", 0);

	if (rc == -EACCES || rc == -EPERM)
		log_error(
		    "security log: %s: its directory must belong to user %u", path, geteuid());
	else if (rc < 0)
		log_error("security log: %s: %s", path, strerror(-rc));
	return rc;
}

int
main(int argc, char **argv)
{
	struct seclog s = { .last_error = 0 };
	char copy[4096];
	enum log_level level;
	int rc;

	if (argc != 4 || log_level_parse(argv[3], &level) < 0) {
		fputs("portreeve-seclog is started by portreeved(8)\n", stderr);
		return EXIT_FAILURE;
	}
	log_open("portreeve-seclog", level);
	signal(SIGTERM, on_stop);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	tzset();
	snprintf(copy, sizeof(copy), "%s", argv[1]);
	file_init(&s.file, DIRECTORY_FD, basename(copy), strtoul(argv[2], NULL, 10) * 1024);
	rc = nflog_open(NFT_LOG_GROUP, &s.nl);
	if (rc < 0) {
		log_error("security log: group %d of nfnetlink_log: %s", NFT_LOG_GROUP,
		    rc == -EBUSY ? "another program has it" : strerror(-rc));
		return EXIT_FAILURE;
	}
	if (sandbox_enter(SANDBOX_WORKER) < 0) {
		log_error("security log: rights cannot be given up");
		return EXIT_FAILURE;
	}
	if (try_file(&s, argv[1]) < 0)
		return EXIT_FAILURE;
	return run(&s) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
