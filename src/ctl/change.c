/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs that alter. */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "lib/addr.h"
#include "lib/utf8.h"

enum ctl_exit
change_add(struct ctl *ctl)
{
	uint32_t external_port, internal_port, lease_s = 0;
	const char *protocol = ctl_parse_protocol(ctl->words[0]);
	char inside[ADDR4_STRLEN], text[128];
	struct writer_mapping m;
	enum ctl_exit rc;
	json_t *answer;

	if (!protocol ||
	    ctl_parse_number(ctl->words[1], "the external port", 1, 65535, &external_port) < 0)
		return CTL_USAGE;
	internal_port = external_port;
	if (ctl_parse_inside(ctl->words[2], inside, &internal_port) < 0 ||
	    ctl_parse_remote(ctl->remote) < 0)
		return CTL_USAGE;
	if (ctl->lease && ctl_parse_number(ctl->lease, "the lease", 0, UINT32_MAX, &lease_s) < 0)
		return CTL_USAGE;
	if (ctl->description && !utf8_valid(ctl->description, strlen(ctl->description)))
		return ctl_usage("the description is not UTF-8");
	rc = ctl_ask(ctl,
	    json_pack("{s:s, s:s, s:I, s:s, s:I, s:s?, s:I, s:s?}", "verb", "add", "protocol",
		protocol, "external_port", (json_int_t)external_port, "internal_client", inside,
		"internal_port", (json_int_t)internal_port, "remote_host", ctl->remote, "lease_s",
		(json_int_t)lease_s, "description", ctl->description),
	    &answer);
	if (rc != CTL_OK)
		return rc;
	if (writer_unpack_mapping(answer, &m) < 0) {
		rc = ctl_not_understood(ctl);
	} else {
		snprintf(text, sizeof(text), "Mapping %lld: %s port %d leads to %s port %d.",
		    (long long)m.id, m.protocol, m.external_port, m.internal_client,
		    m.internal_port);
		ctl->writer->done(ctl->writer, answer, text);
	}
	json_decref(answer);
	return rc;
}

/* The request for "delete ID", "delete pID" or "delete PROTO PORT". NULL: what is wrong was said.
 */
static json_t *
build_delete(struct ctl *ctl)
{
	bool pinhole = ctl->n_words == 1 && ctl->words[0][0] == 'p';
	const char *protocol;
	uint32_t number;

	if (ctl->n_words == 1) {
		if (ctl->remote) {
			ctl_usage("--remote goes with a protocol and a port, not with an id");
			return NULL;
		}
		if (ctl_parse_number(ctl->words[0] + pinhole, "the id", 1,
			pinhole ? UINT16_MAX : UINT32_MAX, &number) < 0)
			return NULL;
		return json_pack(
		    "{s:s, s:I}", "verb", "delete", pinhole ? "pinhole" : "id", (json_int_t)number);
	}
	protocol = ctl_parse_protocol(ctl->words[0]);
	if (!protocol ||
	    ctl_parse_number(ctl->words[1], "the external port", 1, 65535, &number) < 0 ||
	    ctl_parse_remote(ctl->remote) < 0)
		return NULL;
	return json_pack("{s:s, s:s, s:I, s:s?}", "verb", "delete", "protocol", protocol,
	    "external_port", (json_int_t)number, "remote_host", ctl->remote);
}

enum ctl_exit
change_delete(struct ctl *ctl)
{
	json_t *request = build_delete(ctl), *answer;
	enum ctl_exit rc;
	char text[64];
	json_int_t id;

	if (!request)
		return CTL_USAGE;
	rc = ctl_ask(ctl, request, &answer);
	if (rc != CTL_OK)
		return rc;
	if (json_unpack(answer, "{s:I}", "deleted", &id) < 0) {
		rc = ctl_not_understood(ctl);
	} else {
		snprintf(text, sizeof(text), "%s %lld is deleted.",
		    ctl->words[0][0] == 'p' && ctl->n_words == 1 ? "Pinhole" : "Mapping",
		    (long long)id);
		ctl->writer->done(ctl->writer, answer, text);
	}
	json_decref(answer);
	return rc;
}

enum ctl_exit
change_reload(struct ctl *ctl)
{
	enum ctl_exit rc;
	json_t *answer;

	rc = ctl_ask(ctl, json_pack("{s:s}", "verb", "reload"), &answer);
	if (rc != CTL_OK)
		return rc;
	if (ctl->writer->reload(ctl->writer, answer) < 0)
		rc = ctl_not_understood(ctl);
	json_decref(answer);
	return rc;
}
