/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb that asks what a client would be answered, and why. */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "lib/utf8.h"

static json_t *
build_last(struct ctl *ctl)
{
	if (ctl->n_words || ctl->to || ctl->remote || ctl->lease) {
		ctl_usage("--last goes alone: portreeve explain --last CLIENT");
		return NULL;
	}
	if (!utf8_valid(ctl->last, strlen(ctl->last))) {
		ctl_usage("--last is not UTF-8");
		return NULL;
	}
	return json_pack("{s:s, s:s}", "verb", "explain", "last", ctl->last);
}

/* NULL: what is wrong was said. */
static json_t *
build(struct ctl *ctl)
{
	uint32_t external_port, internal_port, lease_s = 0, none = 0;
	char client[ADDR4_STRLEN], to[ADDR4_STRLEN];
	const char *protocol;

	if (ctl->last)
		return build_last(ctl);
	if (ctl->n_words != 3) {
		ctl_usage("usage: portreeve explain CLIENT PROTO EXT_PORT, or explain --last "
			  "CLIENT");
		return NULL;
	}
	if (strchr(ctl->words[0], ':')) {
		ctl_usage("\"%s\" is no client; it is an IPv4 address", ctl->words[0]);
		return NULL;
	}
	protocol = ctl_parse_protocol(ctl->words[1]);
	if (!protocol || ctl_parse_inside(ctl->words[0], client, &none) < 0 ||
	    ctl_parse_number(ctl->words[2], "the external port", 1, 65535, &external_port) < 0)
		return NULL;
	internal_port = external_port;
	snprintf(to, sizeof(to), "%s", client);
	if ((ctl->to && ctl_parse_inside(ctl->to, to, &internal_port) < 0) ||
	    ctl_parse_remote(ctl->remote) < 0 ||
	    (ctl->lease && ctl_parse_number(ctl->lease, "the lease", 0, UINT32_MAX, &lease_s) < 0))
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:s?, s:I}", "verb", "explain", "client",
	    client, "protocol", protocol, "external_port", (json_int_t)external_port,
	    "internal_client", to, "internal_port", (json_int_t)internal_port, "remote_host",
	    ctl->remote, "lease_s", (json_int_t)lease_s);
}

enum ctl_exit
explain_run(struct ctl *ctl)
{
	json_t *request = build(ctl), *answer;
	enum ctl_exit rc;

	if (!request)
		return CTL_USAGE;
	rc = ctl_ask(ctl, request, &answer);
	if (rc != CTL_OK)
		return rc;
	if (ctl->writer->explain(ctl->writer, answer) < 0)
		rc = ctl_not_understood(ctl);
	json_decref(answer);
	return rc;
}
