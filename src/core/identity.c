/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uuid.h>

#include "lib/log.h"

#define META_NAME "uuid"

/* Ours alone, random once: names made with it meet no others. */
static const uuid_t namespace = { 0x5d, 0x1f, 0x0e, 0x63, 0xb7, 0x0c, 0x4e, 0x8a, 0x9a, 0x44, 0x21,
	0x93, 0x6b, 0xf8, 0xd0, 0x75 };

/* 32 lower-case hexadecimal digits (machine-id(5)); "uninitialized" on a first boot is none. */
static bool
read_machine_id(const char *path, char id[33])
{
	FILE *file = fopen(path, "re");
	bool good;

	if (!file)
		return false;
	good = fgets(id, 33, file) && strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32 &&
	       strspn(id, "0") != 32;
	fclose(file);
	return good;
}

int
identity_uuid(struct store *store, const char *machine_id, uint8_t uuid[16])
{
	const char *path = machine_id ? machine_id : "/etc/machine-id";
	char id[33];
	int rc;

	if (read_machine_id(path, id)) {
		uuid_generate_sha1(uuid, namespace, id, strlen(id));
		return 0;
	}
	if (store->meta_get(store, META_NAME, uuid, 16) == 16)
		return 0;
	uuid_generate_random(uuid);
	rc = store->meta_put(store, META_NAME, uuid, 16);
	log_info("no machine id in %s: this gateway's name is random%s", path,
	    rc < 0 ? ", and another one after the next start" : ", and kept");
	return 0;
}
