/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf_keys.h"
#include "core/dhcp.h"
#include "core/forward.h"
#include "core/heal.h"
#include "core/judge.h"
#include "core/lease_json.h"
#include "core/mapping.h"
#include "core/network.h"
#include "core/notify.h"
#include "core/pinhole.h"
#include "core/policy.h"
#include "core/record.h"
#include "core/share.h"
#include "lib/log.h"
#include "platform/neigh.h"

struct reload {
	struct core *core;
	json_t *changed, *next_start, *revoked; /* NULL: no memory, or nobody asks */
	size_t n_revoked, n_shortened, n_refused;
	struct neigh_list neighbours;
};

/* ---- the struct ---- */

/* What is used at the start only stays what it was, and the administrator is told. */
static const char *const fixed[] = { "http_port", "notify_interval_s", "igd_version", "on_connect",
	"on_disconnect", "dhcp_user", "worker_user" };

static void
keep_fixed(struct reload *r, struct conf *fresh)
{
	const struct conf *now = &r->core->conf;
	const struct conf_key *key;
	size_t i;

	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		key = conf_key_find(conf_keys, fixed[i]);
		if (conf_key_same(now, fresh, key))
			continue;
		log_warn("%s: stays until portreeved is started again", key->name);
		json_array_append_new(r->next_start, json_string(key->name));
		conf_key_copy(fresh, now, key);
	}
	if (fresh->log_level != now->log_level)
		log_info("log_level: workers keep theirs until portreeved is started again");
}

static void
on_difference(void *arg, const char *what)
{
	struct reload *r = arg;

	log_info("configuration: %s", what);
	json_array_append_new(r->changed, text_json(what));
}

static void
apply(struct core *core, const struct conf *fresh)
{
	bool other_nft = heal_wants_other_nft(&core->conf, fresh);

	core->conf = *fresh;
	log_set_level(core->conf.log_level);
	lease_table_set_max(core->leases, core->conf.max_mappings);
	pinhole_table_set_max(core->pinholes, core->conf.max_mappings);
	trail_set_retention(core->trail, core->conf.audit_max_rows, core->conf.audit_max_days);
	dhcp_look_again(core);
	network_update(core);
	other_nft = share_look_for_nat(core) || other_nft;
	if (other_nft && heal_replace_nft(core) < 0)
		log_error("what has changed for the kernel's table is not in force before the "
			  "next start");
	forward_apply(core);
}

/* ---- mappings that are there ---- */

static bool
revokes(const struct reload *r)
{
	return r->core->conf.on_reload == CONF_REVOKE;
}

static json_t *
why_json(json_t *what, const struct policy_verdict *v)
{
	json_object_set_new(what, "reason", text_json(v->reason));
	json_object_set_new(what, "rule", *v->rule ? text_json(v->rule) : json_null());
	json_object_set_new(what, "line", v->line ? json_integer(v->line) : json_null());
	return what;
}

static void
tell_revoked(struct reload *r, json_t *what, const struct policy_verdict *v)
{
	r->n_revoked++;
	if (json_array_size(r->revoked) < RELOAD_TOLD_MAX)
		json_array_append_new(r->revoked, why_json(what, v));
	else
		json_decref(what);
}

static void
revoke(struct reload *r, struct lease *lease, const struct policy_verdict *v)
{
	json_t *what = json_pack("{s:I, s:s, s:i, s:o, s:i}", "id", (json_int_t)lease->id,
	    "protocol", protocol_str(lease->protocol), "external_port", lease->external_port,
	    "internal_client", addr_json(lease->internal_client), "internal_port",
	    lease->internal_port);

	if (mapping_revoke(r->core, lease, v) == RESULT_OK)
		tell_revoked(r, what, v);
	else
		json_decref(what);
}

static void
on_judged(void *arg, struct lease *lease, const struct policy_verdict *v)
{
	uint32_t left_s = lease_remaining_s(lease, ((struct reload *)arg)->core->now_ms());
	struct reload *r = arg;

	if (v->result != RESULT_OK && revokes(r)) {
		revoke(r, lease, v);
	} else if (v->result != RESULT_OK) {
		r->n_refused++;
	} else if (v->lease_s && (!left_s || left_s > v->lease_s) && revokes(r)) {
		if (mapping_shorten(r->core, lease, v) == RESULT_OK)
			r->n_shortened++;
	}
}

static void
judge_pinholes(struct reload *r)
{
	const struct lan *lan;
	struct policy_verdict v;
	struct pinhole *p;
	uint16_t id = 0;
	json_t *what;

	while ((p = pinhole_after(r->core->pinholes, id))) {
		id = p->id;
		lan = lans_find_addr6(r->core->lans, &p->key.internal_client);
		pinhole_judge(r->core, lan, p, &r->neighbours, &v);
		if (v.result == RESULT_OK)
			continue;
		if (!revokes(r)) {
			r->n_refused++;
			continue;
		}
		what = pinhole_json(p, r->core->now_ms());
		json_object_set_new(what, "pinhole", json_integer(p->id));
		json_object_del(what, "id");
		if (pinhole_revoke(r->core, p, &v) == RESULT_OK)
			tell_revoked(r, what, &v);
		else
			json_decref(what);
	}
}

/* ---- the whole ---- */

/* Errors were meant for one reader; the log gets them line by line. */
static void
log_lines(char *text)
{
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			log_error("%s", line);
}

static void
say(struct reload *r)
{
	char text[128] = "";

	if (r->n_revoked + r->n_shortened + r->n_refused)
		snprintf(text, sizeof(text),
		    ": %zu revoked, %zu shortened, %zu kept that would be refused now",
		    r->n_revoked, r->n_shortened, r->n_refused);
	log_info("configuration read again%s", text);
	if (!text[0])
		snprintf(text, sizeof(text), "the configuration was read again");
	notify_state(r->core, "reloaded", text[0] == ':' ? text + 2 : text);
}

static json_t *
report_json(struct reload *r)
{
	return json_pack("{s:b, s:o, s:o, s:s, s:I, s:o, s:I, s:I}", "reloaded", 1, "changed",
	    r->changed, "next_start", r->next_start, "on_reload", revokes(r) ? "revoke" : "keep",
	    "revoked_count", (json_int_t)r->n_revoked, "revoked", r->revoked, "shortened_count",
	    (json_int_t)r->n_shortened, "refused_count", (json_int_t)r->n_refused);
}

static void
take_over(struct reload *r, struct conf *fresh)
{
	r->changed = json_array();
	r->next_start = json_array();
	r->revoked = json_array();
	conf_diff(&r->core->conf, fresh, on_difference, r);
	keep_fixed(r, fresh);
	apply(r->core, fresh);
	record_reload(r->core, NULL);
	if (judge_leases(r->core, &r->neighbours, on_judged, r) < 0)
		log_error("no memory to judge all mappings by the new rules");
	judge_pinholes(r);
	neigh_list_free(&r->neighbours);
	say(r);
}

int
reload_run(struct core *core, json_t **report, char *errors, size_t size)
{
	struct reload r = { .core = core };
	struct conf *fresh = malloc(sizeof(*fresh));
	size_t length = 0;
	char *text = NULL;
	FILE *stream = fresh ? open_memstream(&text, &length) : NULL;
	int rc = stream ? 0 : -ENOMEM;

	if (rc == 0) {
		rc = conf_load(fresh, core->opt.conf_path, &core->opt.over, stream);
		fclose(stream);
	}
	snprintf(errors, size, "%s", text ? text : "out of memory");
	if (rc < 0) {
		log_lines(text);
		log_error("configuration not read again: nothing has changed");
		record_reload(core, errors);
	} else {
		take_over(&r, fresh);
		json_t *json = report_json(&r);
		if (report)
			*report = json;
		else
			json_decref(json);
	}
	free(text);
	free(fresh);
	return rc;
}
