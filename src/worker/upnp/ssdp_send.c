/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker/upnp/ssdp_send.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VALUE_MAX 192

/* What we take over of what libupnp says. */
struct message {
	bool notify; /* else the answer to a search */
	char cache_control[VALUE_MAX], date[VALUE_MAX];
	char target[VALUE_MAX]; /* NT or ST */
	char nts[VALUE_MAX], usn[VALUE_MAX];
	char next_boot_id[VALUE_MAX]; /* of an update */
};

void
ssdp_self_add(struct ssdp_self *self, const char *name, unsigned version, bool new)
{
	struct ssdp_resource *r = &self->resources[self->n];

	if (self->n == SSDP_SEND_RESOURCES || strlen(name) >= sizeof(r->name))
		return;
	strcpy(r->name, name);
	r->version = version;
	r->new = new;
	self->n++;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void
take(const char *line, size_t len, const char *name, char value[VALUE_MAX])
{
	size_t skip = strlen(name);

	if (len < skip || strncasecmp(line, name, skip) != 0)
		return;
	while (skip < len && (line[skip] == ' ' || line[skip] == '\t'))
		skip++;
	if (len - skip >= VALUE_MAX)
		return;
	memcpy(value, line + skip, len - skip);
	value[len - skip] = '\0';
}

static bool
read_message(struct message *m, const char *text, size_t len)
{
	const char *end = text + len, *line, *next;
	size_t size;

	memset(m, 0, sizeof(*m));
	m->notify = len > 7 && memcmp(text, "NOTIFY ", 7) == 0;
	if (!m->notify && (len < 9 || memcmp(text, "HTTP/1.1 ", 9) != 0))
		return false;
	for (line = text; line < end; line = next) {
		next = memchr(line, '\n', (size_t)(end - line));
		next = next ? next + 1 : end;
		size = (size_t)(next - line);
		while (size && (line[size - 1] == '\n' || line[size - 1] == '\r'))
			size--;
		take(line, size, "CACHE-CONTROL:", m->cache_control);
		take(line, size, "DATE:", m->date);
		take(line, size, m->notify ? "NT:" : "ST:", m->target);
		take(line, size, "NTS:", m->nts);
		take(line, size, "USN:", m->usn);
		take(line, size, "NEXTBOOTID.UPNP.ORG:", m->next_boot_id);
	}
	return m->target[0] && m->usn[0] && (m->notify ? m->nts[0] : m->cache_control[0]);
}

/* ---- what it is about ------------------------------------------------------------------------ */

/* The resource that NT or ST names, and the version it is called by. NULL: none of ours. */
static const struct ssdp_resource *
find(const struct ssdp_self *self, const char *target, unsigned *version)
{
	const struct ssdp_resource *r;
	const char *digits;
	size_t len;

	for (r = self->resources; r < self->resources + self->n; r++) {
		len = strlen(r->name);
		if (strncmp(target, r->name, len) != 0)
			continue;
		*version = 0;
		if (r->version == 0 && target[len] == '\0')
			return r;
		digits = target + len + 1;
		if (r->version == 0 || target[len] != ':' || digits[0] == '0' || !digits[0] ||
		    strlen(digits) > 3 || digits[strspn(digits, "0123456789")] != '\0')
			continue;
		*version = (unsigned)strtoul(digits, NULL, 10);
		return *version <= r->version ? r : NULL;
	}
	return NULL;
}

static const char *
location(const struct ssdp_self *self, const struct ssdp_resource *r, unsigned version)
{
	if (!self->location_1[0])
		return self->location_2;
	if (!self->location_2[0])
		return self->location_1;
	return r->new || version >= 2 ? self->location_2 : self->location_1;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int
write_notify(const struct ssdp_self *self, const struct message *m, const char *where, char *out)
{
	bool alive = strcmp(m->nts, "ssdp:alive") == 0;
	bool update = strcmp(m->nts, "ssdp:update") == 0;
	int n = 0;

	n += snprintf(
	    out + n, SSDP_SEND_MAX / 2, "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n");
	if (alive)
		n += snprintf(out + n, SSDP_SEND_MAX / 2,
		    "CACHE-CONTROL: %s\r\nLOCATION: %s\r\nSERVER: %s\r\n", m->cache_control, where,
		    self->server);
	if (update)
		n += snprintf(out + n, SSDP_SEND_MAX / 2,
		    "LOCATION: %s\r\nNEXTBOOTID.UPNP.ORG: %s\r\n", where, m->next_boot_id);
	return n + snprintf(out + n, SSDP_SEND_MAX - (size_t)n, "NT: %s\r\nNTS: %s\r\nUSN: %s\r\n",
		       m->target, m->nts, m->usn);
}

static int
write_answer(const struct ssdp_self *self, const struct message *m, const char *where, char *out)
{
	return snprintf(out, SSDP_SEND_MAX,
	    "HTTP/1.1 200 OK\r\nCACHE-CONTROL: %s\r\nDATE: %s\r\nEXT:\r\nLOCATION: %s\r\n"
	    "SERVER: %s\r\nST: %s\r\nUSN: %s\r\n",
	    m->cache_control, m->date, where, self->server, m->target, m->usn);
}

size_t
ssdp_send_rewrite(
    const struct ssdp_self *self, const char *text, size_t len, char out[SSDP_SEND_MAX])
{
	const struct ssdp_resource *r;
	const char *where;
	struct message m;
	unsigned version;
	size_t room;
	int n, end;

	if (!read_message(&m, text, len))
		return 0;
	r = find(self, m.target, &version);
	if (!r)
		return 0;
	where = location(self, r, version);
	n = m.notify ? write_notify(self, &m, where, out) : write_answer(self, &m, where, out);
	if (n < 0 || n >= SSDP_SEND_MAX)
		return 0;
	room = SSDP_SEND_MAX - (size_t)n;
	end = snprintf(out + n, room, "BOOTID.UPNP.ORG: %u\r\nCONFIGID.UPNP.ORG: %u\r\n\r\n",
	    (unsigned)atomic_load(&self->boot_id), (unsigned)self->config_id);
	return end < 0 || (size_t)end >= room ? 0 : (size_t)(n + end);
}
