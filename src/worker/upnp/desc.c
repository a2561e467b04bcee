/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fills the descriptions kept in xml/. Decides no layout: the document does. */
#include "worker/upnp/desc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "lib/log.h"
#include "worker/upnp/service.h"
#include "worker/upnp/xml.h"

#define PLACE_MAX 32
#define FRIENDLY_SUFFIX " router"

/* The UDNs are made from these and the machine's own UUID: never change them. */
const char *const desc_device_types[DESC_DEVICES] = {
	[DESC_GATEWAY] = "InternetGatewayDevice",
	[DESC_WAN] = "WANDevice",
	[DESC_CONNECTION] = "WANConnectionDevice",
};

static void
make_udn(char udn[DESC_UDN_MAX], const uint8_t base[16], const char *seed)
{
	uuid_t uuid;

	uuid_generate_sha1(uuid, base, seed, strlen(seed));
	memcpy(udn, "uuid:", 5);
	uuid_unparse_lower(uuid, udn + 5);
}

void
desc_names(struct desc_names *names, const struct msg_gateway *gateway)
{
	unsigned i;

	memset(names, 0, sizeof(*names));
	for (i = 0; i < DESC_DEVICES; i++)
		make_udn(names->udn[i], gateway->uuid, desc_device_types[i]);

	snprintf(names->friendly, sizeof(names->friendly), "%.*s" FRIENDLY_SUFFIX,
	    (int)(DESC_FRIENDLY_MAX - sizeof(FRIENDLY_SUFFIX)), gateway->hostname);

	/* The UDN's last group: 12 hexadecimal digits. */
	snprintf(names->serial, sizeof(names->serial), "%s",
	    names->udn[DESC_GATEWAY] + DESC_UDN_MAX - DESC_SERIAL_MAX);

	snprintf(names->default_service, sizeof(names->default_service),
	    "%s:WANConnectionDevice:1,%s", names->udn[DESC_CONNECTION], service_wanip.id);
}

/* ---- filling --------------------------------------------------------------------------------- */

static const char *
place_value(const char *place, const struct desc_names *names, const char *version)
{
	const struct {
		const char *place;
		const char *value;
	} values[] = {
		{ "FRIENDLY_NAME", names->friendly },
		{ "VERSION", version },
		{ "SERIAL", names->serial },
		{ "UDN_GATEWAY", names->udn[DESC_GATEWAY] },
		{ "UDN_WAN", names->udn[DESC_WAN] },
		{ "UDN_CONNECTION", names->udn[DESC_CONNECTION] },
	};
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (strcmp(values[i].place, place) == 0)
			return values[i].value;
	return NULL;
}

/* Writes the value of the place that begins at @text, and moves @text behind it. */
static int
fill_place(FILE *f, const char **text, const struct desc_names *names, const char *version)
{
	char place[PLACE_MAX], escaped[XML_ESCAPED_MAX(DESC_FRIENDLY_MAX)];
	const char *end = strchr(*text + 1, '@');
	const char *value;
	size_t len;

	len = end ? (size_t)(end - *text - 1) : PLACE_MAX;
	if (len >= sizeof(place))
		return -EINVAL;
	memcpy(place, *text + 1, len);
	place[len] = '\0';
	value = place_value(place, names, version);
	if (!value || xml_escape(escaped, sizeof(escaped), value) < 0)
		return -EINVAL;
	fputs(escaped, f);
	*text = end + 1;
	return 0;
}

int
desc_fill(const char *text, const struct desc_names *names, const char *version, char **out)
{
	size_t len;
	FILE *f;
	int rc = 0;

	f = open_memstream(out, &len);
	if (!f)
		return -ENOMEM;
	while (*text && rc == 0) {
		if (*text == '@')
			rc = fill_place(f, &text, names, version);
		else
			fputc(*text++, f);
	}
	if (ferror(f) && rc == 0)
		rc = -ENOMEM;
	if (fclose(f) != 0 && rc == 0)
		rc = -ENOMEM;
	if (rc < 0) {
		free(*out);
		*out = NULL;
	}
	return rc;
}

/* ---- files ----------------------------------------------------------------------------------- */

static int
read_all(int fd, char **text, size_t *len)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > DESC_DOCUMENT_MAX)
		return -EINVAL;
	*text = malloc((size_t)st.st_size + 1);
	if (!*text)
		return -ENOMEM;
	n = read(fd, *text, (size_t)st.st_size);
	if (n != st.st_size) {
		free(*text);
		return n < 0 ? -errno : -EIO;
	}
	*len = (size_t)n;
	(*text)[n] = '\0';
	return 0;
}

int
desc_read(const char *dir, const char *name, char **text, size_t *len)
{
	char path[4096];
	int fd, rc;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	rc = fd < 0 ? -errno : read_all(fd, text, len);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		log_error("%s: %s", path, strerror(-rc));
	return rc;
}
