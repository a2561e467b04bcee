/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One object a line, as the daemon said it. */
#include "ctl/writer.h"

#include <string.h>

#include "lib/compiler.h"
#include "lib/utf8.h"

static void
print(struct writer *w, json_t *json)
{
	json_dumpf(json, w->out, JSON_COMPACT);
	fputc('\n', w->out);
}

static int
on_object(struct writer *w, json_t *json)
{
	print(w, json);
	return 0;
}

static int
on_list(struct writer *w, json_t *mappings, json_t *pinholes)
{
	json_t *json = json_pack("{s:O, s:O}", "mappings", mappings, "pinholes", pinholes);

	print(w, json);
	json_decref(json);
	return 0;
}

static int
on_trail(struct writer *w, json_t *rows)
{
	json_t *json = json_pack("{s:O}", "trail", rows);

	print(w, json);
	json_decref(json);
	return 0;
}

static int
on_metrics(struct writer *w, json_t *answer, const char *text UNUSED)
{
	return on_object(w, answer);
}

static int
on_change(struct writer *w, json_t *change)
{
	print(w, change);
	fflush(w->out);
	return 0;
}

static void
on_done(struct writer *w, json_t *answer, const char *text UNUSED)
{
	print(w, answer);
}

static void
on_error(struct writer *w, const char *code, const char *message)
{
	char tame[WRITER_TEXT_MAX]; /* a path need not be UTF-8 */
	json_t *json;

	if (!utf8_valid(message, strlen(message)))
		message = writer_tame(message, sizeof(tame), tame);
	json = json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message);
	print(w, json);
	json_decref(json);
}

struct writer *
writer_json(FILE *out, FILE *err)
{
	static struct writer writer = {
		.status = on_object,
		.list = on_list,
		.mapping = on_object,
		.pinhole = on_object,
		.trail = on_trail,
		.findings = on_object,
		.metrics = on_metrics,
		.explain = on_object,
		.reload = on_object,
		.change = on_change,
		.doctor = on_object,
		.done = on_done,
		.error = on_error,
	};

	writer.out = out;
	writer.err = err;
	return &writer;
}
