/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of verbs and options, and what the verbs share. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/conf.h"
#include "ctl/ctl.h"

const struct ctl_verb ctl_verbs[] = {
	{ "status", "", "the WAN, the LANs, the kernel's table, how many mappings there are", 0, 0,
	    0, show_status },
	{ "list", "", "mappings and pinholes: all, or some", CTL_TAKES_LIST, 0, 0, list_run },
	{ "show", "ID | pID", "all about one mapping or pinhole", 0, 1, 1, show_one },
	{ "metrics", "", "counters for monitoring, as OpenMetrics text", 0, 0, 0, show_metrics },
	{ "add", "PROTO EXT_PORT INTERNAL_CLIENT[:INT_PORT]",
	    "map an external port to a host of a LAN",
	    CTL_TAKES_REMOTE | CTL_TAKES_LEASE | CTL_TAKES_DESCRIPTION, 3, 3, change_add },
	{ "delete", "ID | pID | PROTO EXT_PORT", "end a mapping or a pinhole, and its connections",
	    CTL_TAKES_REMOTE, 1, 2, change_delete },
	{ "watch", "", "changes as they happen, until interrupted", CTL_TAKES_WATCH, 0, 0,
	    show_watch },
	{ "audit", "[trail]", "what is not as it should be; trail: who asked for what, and why so",
	    CTL_TAKES_TRAIL, 0, 1, audit_run },
	{ "doctor", "", "is there anything that keeps the gateway from working?", 0, 0, 0,
	    doctor_run },
	{ "explain", "CLIENT PROTO EXT_PORT",
	    "what a client would be answered, and why; --last: why it was refused",
	    CTL_TAKES_REMOTE | CTL_TAKES_LEASE | CTL_TAKES_EXPLAIN, 0, 3, explain_run },
	{ "share", "WAN LAN", "write into the configuration that WAN is shared with LAN",
	    CTL_TAKES_CONFIG, 2, 2, share_run },
	{ "reload", "", "let the daemon read its configuration again", 0, 0, 0, change_reload },
	{ 0 },
};

const struct ctl_option ctl_options[] = {
	{ "json", NULL, "print what the daemon says as JSON, for programs", 0 },
	{ "socket", "PATH", "the daemon's control socket", 0 },
	{ "run-dir", "DIR", "the directory with that socket (" RUNSTATEDIR "/portreeve)", 0 },
	{ "remote", "ADDRESS", "only for packets of this remote host (any)", CTL_TAKES_REMOTE },
	{ "lease", "SECONDS", "end after that time (0: never)", CTL_TAKES_LEASE },
	{ "description", "TEXT", "what it is for", CTL_TAKES_DESCRIPTION },
	{ "since", "TIME", "only what happened since then: 2h, 3d, or a date and time",
	    CTL_TAKES_TRAIL },
	{ "client", "ADDRESS", "only what this client asked for, or what is for it",
	    CTL_TAKES_TRAIL | CTL_TAKES_LIST },
	{ "port", "PORT", "only what is about this port", CTL_TAKES_TRAIL | CTL_TAKES_LIST },
	{ "proto", "PROTO", "only tcp, udp, or another protocol by its number", CTL_TAKES_LIST },
	{ "origin", "ORIGIN", "only what is of this origin: upnp, static or config",
	    CTL_TAKES_LIST },
	{ "unused", NULL, "only what was never seen in use", CTL_TAKES_LIST },
	{ "sort", "KEY", "in order of: id, port, inside, client, left, created or used",
	    CTL_TAKES_LIST },
	{ "drops", NULL, "the packets that the firewall drops instead", CTL_TAKES_WATCH },
	{ "watch", NULL, "show it again whenever something changes, until interrupted",
	    CTL_TAKES_LIST },
	{ "result", "RESULT", "only what was answered so: ok, refused or expired",
	    CTL_TAKES_TRAIL },
	{ "to", "HOST[:PORT]", "where the mapping is to lead (to the client, the same port)",
	    CTL_TAKES_EXPLAIN },
	{ "last", "CLIENT", "the last refusal of this client", CTL_TAKES_EXPLAIN },
	{ "config", "FILE", "the file to write (" CONF_PATH ")", CTL_TAKES_CONFIG },
	{ "help", NULL, "print this and exit", 0 },
	{ "version", NULL, "print the version and exit", 0 },
	{ 0 },
};

enum ctl_exit
ctl_usage(const char *fmt, ...)
{
	char text[512], tame[WRITER_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "portreeve: %s (try --help)\n", writer_tame(text, sizeof(text), tame));
	return CTL_USAGE;
}

int
ctl_parse_number(const char *text, const char *what, uint32_t min, uint32_t max, uint32_t *value)
{
	const char *p;
	uint64_t n = 0;

	for (p = text; *p >= '0' && *p <= '9' && n <= max; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	if (*p || p == text || n < min || n > max) {
		ctl_usage("%s is a number from %u to %u, not \"%s\"", what, min, max, text);
		return -EINVAL;
	}
	*value = (uint32_t)n;
	return 0;
}

enum ctl_exit
ctl_not_understood(struct ctl *ctl)
{
	ctl->writer->error(ctl->writer, "not-understood",
	    "the daemon's answer is not understood; is it of another version?");
	return CTL_UNREACHABLE;
}

/* CTL_OK, or what the daemon refused was said. */
static enum ctl_exit
check_error(struct ctl *ctl, json_t *answer)
{
	const char *code, *message;

	if (!json_object_get(answer, "error"))
		return CTL_OK;
	if (json_unpack(answer, "{s:{s:s, s:s}}", "error", "code", &code, "message", &message) < 0)
		return ctl_not_understood(ctl);
	if (!ctl->quiet)
		ctl->writer->error(ctl->writer, code, message);
	return CTL_REFUSED;
}

enum ctl_exit
ctl_ask(struct ctl *ctl, json_t *request, json_t **answer)
{
	enum ctl_exit rc;

	*answer = NULL;
	if (!ctl->client)
		ctl->client = client_open(ctl->socket);
	if (ctl->client && client_send(ctl->client, request) == 0)
		*answer = client_read(ctl->client);
	json_decref(request);
	if (!*answer) {
		ctl->writer->error(ctl->writer, "unreachable", client_error());
		return CTL_UNREACHABLE;
	}
	rc = check_error(ctl, *answer);
	if (rc != CTL_OK) {
		json_decref(*answer);
		*answer = NULL;
	}
	return rc;
}
