/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "watch --drops": follows the security log, over its rotations. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "lib/compiler.h"

#define BACKLOG (16 * 1024) /* octets of the file's end that are shown first */
#define FIELDS 17
#define LINE_MAX_OCTETS 512

enum field { DATE, TIME, ACTION, PROTOCOL, SRC, DST, SRC_PORT, DST_PORT, PATH = FIELDS - 1 };

struct drops {
	const char *path;
	FILE *in; /* NULL: not there at the moment */
	ino_t inode;
};

/* Every line was flushed, so nothing is lost. */
static void
on_interrupt(int signo UNUSED)
{
	_exit(CTL_OK);
}

/* The words of @line in place. False: it is no line of ours, or not whole. */
static bool
split(char *line, char *fields[FIELDS])
{
	char *save, *word = strtok_r(line, " \n", &save);
	size_t n = 0;

	for (; word && n < FIELDS; word = strtok_r(NULL, " \n", &save))
		fields[n++] = word;
	return n == FIELDS && !word;
}

/* "12:00:00" local time, as the daemon writes all times. */
static bool
utc_time(const char *date, const char *time_of_day, char *buf, size_t size)
{
	struct tm tm = { .tm_isdst = -1 };
	time_t when;

	if (sscanf(date, "%d-%d-%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday) != 3 ||
	    sscanf(time_of_day, "%d:%d:%d", &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 3)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	when = mktime(&tm);
	return gmtime_r(&when, &tm) && strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0;
}

static json_t *
port_json(const char *word)
{
	return strcmp(word, "-") == 0 ? json_null() : json_integer(strtol(word, NULL, 10));
}

static json_t *
drop_json(char *line)
{
	char *f[FIELDS], when[32], text[LINE_MAX_OCTETS];
	bool ports;

	if (!split(line, f) || strcmp(f[ACTION], "DROP") != 0 ||
	    !utc_time(f[DATE], f[TIME], when, sizeof(when)))
		return NULL;
	ports = strcmp(f[SRC_PORT], "-") != 0;
	snprintf(text, sizeof(text), "%s %s%s%s to %s%s%s", f[PROTOCOL], f[SRC],
	    ports ? " port " : "", ports ? f[SRC_PORT] : "", f[DST], ports ? " port " : "",
	    ports ? f[DST_PORT] : "");
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:b, s:s}", "time", when, "event",
	    "dropped", "protocol", f[PROTOCOL], "src", f[SRC], "src_port", port_json(f[SRC_PORT]),
	    "dst", f[DST], "dst_port", port_json(f[DST_PORT]), "forwarded",
	    strcmp(f[PATH], "FORWARD") == 0, "text", text);
}

/* The whole lines that are there. */
static void
print_new(struct ctl *ctl, struct drops *d)
{
	char line[LINE_MAX_OCTETS];
	json_t *drop;

	while (d->in && fgets(line, sizeof(line), d->in)) {
		if (!strchr(line, '\n')) { /* the rest comes later */
			fseek(d->in, -(long)strlen(line), SEEK_CUR);
			break;
		}
		drop = drop_json(line);
		if (drop) {
			writer_measure(ctl->writer);
			ctl->writer->change(ctl->writer, drop);
		}
		json_decref(drop);
	}
	if (d->in)
		clearerr(d->in);
}

/* Its directory is the workers': what they might put there, a link or a pipe, is not read. */
static void
open_log(struct drops *d)
{
	int fd = open(d->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	d->in = NULL;
	if (fd < 0)
		return;
	errno = EINVAL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		d->in = fdopen(fd, "r");
	if (d->in)
		d->inode = st.st_ino;
	else
		close(fd);
}

/* The file that has the name now, if it is another one: from its beginning. */
static void
follow(struct ctl *ctl, struct drops *d)
{
	struct stat st;

	if (lstat(d->path, &st) < 0 || (d->in && st.st_ino == d->inode))
		return;
	if (d->in) {
		print_new(ctl, d);
		fclose(d->in);
	}
	open_log(d);
}

static enum ctl_exit
cannot(struct ctl *ctl, const char *path)
{
	char message[LINE_MAX_OCTETS];

	snprintf(message, sizeof(message), "%.300s: %s%s", path, strerror(errno),
	    errno == EACCES ? ": be root, or a member of the group of the file" : "");
	ctl->writer->error(ctl->writer, "failed", message);
	return CTL_REFUSED;
}

static enum ctl_exit
watch(struct ctl *ctl, const char *path)
{
	char copy[4096], events[4096];
	struct drops d = { .path = path };
	int fd = inotify_init1(IN_CLOEXEC);

	snprintf(copy, sizeof(copy), "%s", path);
	if (fd < 0 || inotify_add_watch(fd, dirname(copy), IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return cannot(ctl, path);
	follow(ctl, &d);
	if (!d.in)
		return cannot(ctl, path);
	if (fseek(d.in, -BACKLOG, SEEK_END) < 0)
		rewind(d.in);
	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
	do {
		print_new(ctl, &d);
		follow(ctl, &d);
		print_new(ctl, &d);
	} while (read(fd, events, sizeof(events)) > 0);
	return cannot(ctl, path);
}

enum ctl_exit
drops_run(struct ctl *ctl)
{
	const char *path;
	enum ctl_exit rc;
	json_t *status;

	rc = ctl_ask(ctl, json_pack("{s:s}", "verb", "status"), &status);
	if (rc != CTL_OK)
		return rc;
	path = writer_text_of(status, "security_log");
	if (path) {
		rc = watch(ctl, path);
	} else {
		ctl->writer->error(ctl->writer, "not-found",
		    "there is no security log: set security_log in the configuration, and "
		    "firewall = own");
		rc = CTL_REFUSED;
	}
	json_decref(status);
	return rc;
}
