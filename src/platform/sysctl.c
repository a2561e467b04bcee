/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "platform/sysctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int
sysctl_read(const char *name, int64_t *number)
{
	char path[256];
	FILE *f;
	int rc;

	if ((size_t)snprintf(path, sizeof(path), "/proc/sys/%s", name) >= sizeof(path))
		return -ENAMETOOLONG;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	rc = fscanf(f, "%" SCNd64, number) == 1 ? 0 : -EIO;
	fclose(f);
	return rc;
}

int
sysctl_read_if(const char *family, const char *ifname, const char *key, int64_t *number)
{
	char name[200];

	if (!*ifname || strchr(ifname, '/') || strcmp(ifname, "..") == 0)
		return -ENOENT;
	snprintf(name, sizeof(name), "net/%s/conf/%s/%s", family, ifname, key);
	return sysctl_read(name, number);
}
