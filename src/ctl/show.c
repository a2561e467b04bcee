/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs that read. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "lib/compiler.h"

enum ctl_exit
show_status(struct ctl *ctl)
{
	enum ctl_exit rc;
	json_t *answer;

	rc = ctl_ask(ctl, json_pack("{s:s}", "verb", "status"), &answer);
	if (rc != CTL_OK)
		return rc;
	if (ctl->writer->status(ctl->writer, answer) < 0)
		rc = ctl_not_understood(ctl);
	json_decref(answer);
	return rc;
}

/* Adds the members of the daemon's answer about flows to @json. A pinhole has counted already. */
static enum ctl_exit
add_flows(struct ctl *ctl, json_t *json, bool pinhole, json_int_t id)
{
	json_t *answer, *flows, *connections;
	enum ctl_exit rc;

	rc = ctl_ask(
	    ctl, json_pack("{s:s, s:I}", "verb", "flows", pinhole ? "pinhole" : "id", id), &answer);
	if (rc != CTL_OK)
		return rc;
	flows = json_object_get(answer, "flows");
	connections = json_object_get(answer, "connections");
	if (!json_is_array(flows) || (!pinhole && !json_is_integer(connections)) ||
	    (connections && json_object_set(json, "connections", connections) < 0) ||
	    json_object_set(json, "flows", flows) < 0)
		rc = ctl_not_understood(ctl);
	json_decref(answer);
	return rc;
}

/* What it does at the moment, and what has become of it so far, as far as that can be told. */
static enum ctl_exit
add_life(struct ctl *ctl, json_t *json, bool pinhole)
{
	json_int_t id = json_integer_value(json_object_get(json, "id"));
	json_t *rows = json_array(), *filter;
	enum ctl_exit rc;

	ctl->quiet = true;
	rc = add_flows(ctl, json, pinhole, id);
	filter = json_pack(
	    "{s:s, s:i, s:I}", "verb", "trail", "limit", 200, pinhole ? "pinhole" : "mapping", id);
	if (rc == CTL_OK || rc == CTL_REFUSED)
		rc = audit_read_trail(ctl, filter, rows);
	if (rc == CTL_OK)
		json_object_set(json, "trail", rows);
	ctl->quiet = false;
	json_decref(filter);
	json_decref(rows);
	return rc == CTL_REFUSED ? CTL_OK : rc;
}

enum ctl_exit
show_one(struct ctl *ctl)
{
	const char *word = ctl->words[0];
	json_t *answer, *request;
	bool pinhole = *word == 'p';
	enum ctl_exit rc;
	uint32_t id;

	if (ctl_parse_number(word + pinhole, "the id", 1, pinhole ? UINT16_MAX : UINT32_MAX, &id) <
	    0)
		return CTL_USAGE;
	request =
	    json_pack("{s:s, s:I}", "verb", "show", pinhole ? "pinhole" : "id", (json_int_t)id);
	rc = ctl_ask(ctl, request, &answer);
	if (rc != CTL_OK)
		return rc;
	rc = add_life(ctl, answer, pinhole);
	if (rc != CTL_OK) {
		json_decref(answer);
		return rc;
	}
	if ((pinhole ? ctl->writer->pinhole : ctl->writer->mapping)(ctl->writer, answer) < 0)
		rc = ctl_not_understood(ctl);
	json_decref(answer);
	return rc;
}

enum ctl_exit
show_metrics(struct ctl *ctl)
{
	enum ctl_exit rc;
	const char *text;
	json_t *answer;

	rc = ctl_ask(ctl, json_pack("{s:s}", "verb", "metrics"), &answer);
	if (rc != CTL_OK)
		return rc;
	if (json_unpack(answer, "{s:s}", "metrics", &text) < 0 ||
	    ctl->writer->metrics(ctl->writer, answer, text) < 0)
		rc = ctl_not_understood(ctl);
	json_decref(answer);
	return rc;
}

/* Every line was flushed, so nothing is lost; a flag would leave a gap before the next read. */
static void
on_interrupt(int signo UNUSED)
{
	_exit(CTL_OK);
}

enum ctl_exit
show_watch(struct ctl *ctl)
{
	enum ctl_exit rc;
	json_t *answer;

	if (ctl->drops)
		return drops_run(ctl);
	rc = ctl_ask(ctl, json_pack("{s:s}", "verb", "watch"), &answer);
	if (rc != CTL_OK)
		return rc;
	json_decref(answer);
	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
	client_wait_forever(ctl->client);
	while ((answer = client_read(ctl->client)) != NULL) {
		writer_measure(ctl->writer);
		if (ctl->writer->change(ctl->writer, answer) < 0)
			rc = ctl_not_understood(ctl);
		json_decref(answer);
		if (rc != CTL_OK)
			return rc;
	}
	ctl->writer->error(ctl->writer, "unreachable", client_error());
	return CTL_UNREACHABLE;
}
