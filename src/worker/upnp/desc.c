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
	[DESC_LAN] = "LANDevice",
};

/* Indexed by the version of the IGD. */
static const unsigned device_versions[DESC_DEVICES][3] = {
	[DESC_GATEWAY] = { 0, 1, 2 },
	[DESC_WAN] = { 0, 1, 2 },
	[DESC_CONNECTION] = { 0, 1, 2 },
	[DESC_LAN] = { 0, 0, 1 },
};

unsigned
desc_device_version(enum desc_device device, unsigned igd)
{
	return device_versions[device][igd];
}

unsigned
desc_announced_version(const struct desc_names *names, enum desc_device device)
{
	return desc_device_version(device, names->views & DESC_VIEW_2 ? 2 : 1);
}

static void
make_udn(char udn[DESC_UDN_MAX], const uint8_t base[16], const char *seed)
{
	uuid_t uuid;

	uuid_generate_sha1(uuid, base, seed, strlen(seed));
	memcpy(udn, "uuid:", 5);
	uuid_unparse_lower(uuid, udn + 5);
}

void
desc_names(struct desc_names *names, const struct msg_gateway *gateway, bool ppp)
{
	unsigned i;

	memset(names, 0, sizeof(*names));
	names->views = gateway->igd_version == 0   ? DESC_VIEWS
		       : gateway->igd_version == 1 ? DESC_VIEW_1
						   : DESC_VIEW_2;
	names->ppp = ppp;
	for (i = 0; i < DESC_DEVICES; i++)
		make_udn(names->udn[i], gateway->uuid, desc_device_types[i]);

	snprintf(names->friendly, sizeof(names->friendly), "%.*s" FRIENDLY_SUFFIX,
	    (int)(DESC_FRIENDLY_MAX - sizeof(FRIENDLY_SUFFIX)), gateway->hostname);

	/* The UDN's last group: 12 hexadecimal digits. */
	snprintf(names->serial, sizeof(names->serial), "%s",
	    names->udn[DESC_GATEWAY] + DESC_UDN_MAX - DESC_SERIAL_MAX);

	/* One value for both views: every client knows version 1, and both devices are the same. */
	snprintf(names->default_service, sizeof(names->default_service),
	    "%s:WANConnectionDevice:%d,%s", names->udn[DESC_CONNECTION],
	    names->views & DESC_VIEW_1 ? 1 : 2, service_connection(names, 1)->id);
}

/* ---- filling --------------------------------------------------------------------------------- */

/* Ends a text that grew in memory: 0, or @rc or -ENOMEM and no text. */
static int
close_text(FILE *f, int rc, char **out)
{
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

/* The values of all places in the document of IGD:@igd. */
struct places {
	const struct desc_names *names;
	const struct service *connection;
	const char *version; /* ours */
	char type[64];       /* of the connection service */
};

static const char *
place_value(const char *place, const struct places *p)
{
	const struct desc_names *names = p->names;
	const struct {
		const char *place;
		const char *value;
	} values[] = {
		{ "FRIENDLY_NAME", names->friendly },
		{ "VERSION", p->version },
		{ "SERIAL", names->serial },
		{ "UDN_GATEWAY", names->udn[DESC_GATEWAY] },
		{ "UDN_WAN", names->udn[DESC_WAN] },
		{ "UDN_CONNECTION", names->udn[DESC_CONNECTION] },
		{ "UDN_LAN", names->udn[DESC_LAN] },
		{ "CONNECTION_TYPE", p->type },
		{ "CONNECTION_ID", strrchr(p->connection->id, ':') + 1 },
		{ "CONNECTION_DOCUMENT", p->connection->document },
		{ "CONNECTION_PATH", p->connection->path },
	};
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (strcmp(values[i].place, place) == 0)
			return values[i].value;
	return NULL;
}

/* Writes the value of the place that begins at @text, and moves @text behind it. */
static int
fill_place(FILE *f, const char **text, const struct places *places)
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
	value = place_value(place, places);
	if (!value || xml_escape(escaped, sizeof(escaped), value) < 0)
		return -EINVAL;
	fputs(escaped, f);
	*text = end + 1;
	return 0;
}

int
desc_fill(
    const char *text, const struct desc_names *names, unsigned igd, const char *version, char **out)
{
	struct places places = {
		.names = names,
		.connection = service_connection(names, igd),
		.version = version,
	};
	size_t len;
	FILE *f;
	int rc = 0;

	snprintf(places.type, sizeof(places.type), "%s:%u",
	    strrchr(places.connection->type, ':') + 1, places.connection->version);
	f = open_memstream(out, &len);
	if (!f)
		return -ENOMEM;
	while (*text && rc == 0) {
		if (*text == '@')
			rc = fill_place(f, &text, &places);
		else
			fputc(*text++, f);
	}
	return close_text(f, rc, out);
}

/* ---- what libupnp is told -------------------------------------------------------------------- */

static void
put_service(FILE *f, const struct service *service, const struct desc_names *names)
{
	bool evented = service->events[0].name != NULL;

	fprintf(f,
	    "<service><serviceType>%s:%u</serviceType><serviceId>%s</serviceId>"
	    "<SCPDURL>/%s</SCPDURL><controlURL>/ctl/%s</controlURL>"
	    "<eventSubURL>%s%s</eventSubURL></service>",
	    service->type, service_announced(service, names) ? service->version : 0, service->key,
	    service->document, service->path, evented ? "/evt/" : "", evented ? service->path : "");
}

/* Begins a device and leaves it open, for others are in it. */
static void
put_device(FILE *f, enum desc_device device, const struct desc_names *names)
{
	unsigned i;

	fprintf(f,
	    "<device><deviceType>urn:schemas-upnp-org:device:%s:%u</deviceType>"
	    "<friendlyName>portreeve</friendlyName><manufacturer>portreeve</manufacturer>"
	    "<modelName>portreeve</modelName><UDN>%s</UDN><serviceList>",
	    desc_device_types[device], desc_announced_version(names, device), names->udn[device]);
	for (i = 0; i < SERVICE_COUNT; i++)
		if (services[i]->device == device && service_offered(services[i], names))
			put_service(f, services[i], names);
	fputs("</serviceList>", f);
}

int
desc_registration(const struct desc_names *names, char **out)
{
	size_t len;
	FILE *f;

	f = open_memstream(out, &len);
	if (!f)
		return -ENOMEM;
	fputs("<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\">"
	      "<specVersion><major>1</major><minor>0</minor></specVersion>",
	    f);
	put_device(f, DESC_GATEWAY, names);
	fputs("<deviceList>", f);
	put_device(f, DESC_WAN, names);
	fputs("<deviceList>", f);
	put_device(f, DESC_CONNECTION, names);
	fputs("</device></deviceList></device>", f);
	if (desc_announced_version(names, DESC_LAN)) {
		put_device(f, DESC_LAN, names);
		fputs("</device>", f);
	}
	fputs("</deviceList></device></root>", f);
	return close_text(f, 0, out);
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
