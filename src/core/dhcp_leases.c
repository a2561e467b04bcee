/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/dhcp_leases.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/addr.h"

#define LINE_MAX_OCTETS 1024
#define LINES_MAX 4096 /* of 1000 leases at most, unless its user writes what he likes */

static bool
is_plain(const char *name)
{
	for (; *name; name++)
		if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
			(*name >= '0' && *name <= '9') || strchr("-_.", *name)))
			return false;
	return true;
}

bool
dhcp_leases_parse(const char *line, struct dhcp_lease *lease)
{
	char mac[64], address[64], host[256];

	memset(lease, 0, sizeof(*lease));
	if (sscanf(line, "%" SCNd64 " %63s %63s %255s", &lease->expires_s, mac, address, host) !=
		4 ||
	    lease->expires_s < 0 || mac_parse(mac, &lease->mac) < 0 ||
	    addr4_parse(address, &lease->address) < 0)
		return false;
	if (strlen(host) < sizeof(lease->host) && is_plain(host)) /* "*": unknown */
		snprintf(lease->host, sizeof(lease->host), "%.63s", host);
	return true;
}

/* ---- the copy ---- */

static int
by_address(const void *a, const void *b)
{
	const struct dhcp_lease *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

/* NULL: there is no memory for more. */
static struct dhcp_lease *
grow(struct dhcp_leases *leases, size_t *room)
{
	struct dhcp_lease *all;

	if (leases->n == *room) {
		*room = *room ? *room * 2 : 16;
		all = realloc(leases->all, *room * sizeof(*all));
		if (!all)
			return NULL;
		leases->all = all;
	}
	return &leases->all[leases->n];
}

static void
read_lines(struct dhcp_leases *leases, FILE *in)
{
	char line[LINE_MAX_OCTETS];
	struct dhcp_lease *lease;
	size_t room = 0;
	uint16_t i;

	for (i = 0; i < LINES_MAX && fgets(line, sizeof(line), in); i++) {
		lease = grow(leases, &room);
		if (!lease)
			break;
		if (dhcp_leases_parse(line, lease)) {
			lease->line = i;
			leases->n++;
		}
	}
	if (leases->n)
		qsort(leases->all, leases->n, sizeof(*leases->all), by_address);
}

/*
 * The clock of files ticks in milliseconds. What was written in the tick in which we read may have
 * been written once more behind us, with the same time; so it counts as read only once the tick is
 * over. @as: of the open file, before it is read.
 */
static bool
is_settled(const struct stat *as)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return now.tv_sec != as->st_mtim.tv_sec || now.tv_nsec != as->st_mtim.tv_nsec;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Another user may write there: no FIFO makes us wait, and a file without an end has one. */
static void
read_file(struct dhcp_leases *leases, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool regular = fd >= 0 && fstat(fd, &leases->as) == 0 && S_ISREG(leases->as.st_mode);
	FILE *in = regular ? fdopen(fd, "r") : NULL;

	if (in) {
		leases->read = is_settled(&leases->as);
		read_lines(leases, in);
		fclose(in);
	} else if (fd >= 0) {
		close(fd);
	}
}

/* The copy is up to date, or empty. */
static void
look(struct dhcp_leases *leases, const char *state_dir)
{
	char path[PATH_MAX];
	struct stat now;

	snprintf(path, sizeof(path), "%s/" DHCP_LEASES_FILE, state_dir);
	if (leases->read && stat(path, &now) == 0 && is_same(&leases->as, &now))
		return;
	dhcp_leases_free(leases);
	read_file(leases, path);
}

bool
dhcp_leases_find(
    struct dhcp_leases *leases, const char *state_dir, uint32_t address, struct dhcp_lease *lease)
{
	size_t low = 0, high, middle;

	look(leases, state_dir);
	for (high = leases->n; low < high;) {
		middle = low + (high - low) / 2;
		if (leases->all[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == leases->n || leases->all[low].address != address)
		return false;
	*lease = leases->all[low];
	return true;
}

void
dhcp_leases_free(struct dhcp_leases *leases)
{
	free(leases->all);
	memset(leases, 0, sizeof(*leases));
}
