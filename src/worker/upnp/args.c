/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pure. The tolerances that real clients need are the tables at the top and nowhere else. */
#include "worker/upnp/args.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/addr.h"
#include "lib/utf8.h"

#define BLANKS " \t\r\n"

/* What clients leave out or leave empty, and what they mean by it. */
static const struct {
	const char *name;
	const char *text;
} left_out[] = {
	{ "NewRemoteHost", "" },
	{ "NewEnabled", "1" },
	{ "NewPortMappingDescription", "" },
	{ "NewLeaseDuration", "0" },
};

/*
 * Where more than the range's most is asked for, the most is what is meant: lease times in
 * milliseconds, or for ever.
 */
static const char *const clamped[] = { "NewLeaseDuration" };

/* How clients write "any remote host"; the standard's way is the empty text. */
static const char *const wildcards[] = { "", "*", "0.0.0.0" };
static const char *const wildcards6[] = { "", "*", "::", "::/0" };

/* UDA 1.0 2.5: what a boolean may look like. */
static const struct {
	const char *text;
	uint32_t value;
} booleans[] = {
	{ "0", 0 },
	{ "1", 1 },
	{ "false", 0 },
	{ "true", 1 },
	{ "no", 0 },
	{ "yes", 1 },
};

/* @text without the blanks around it. */
static const char *
trim(const char *text, size_t *len)
{
	text += strspn(text, BLANKS);
	*len = strlen(text);
	while (*len > 0 && strchr(BLANKS, text[*len - 1]))
		--*len;
	return text;
}

static bool
same(const char *text, const char *word)
{
	size_t len;

	text = trim(text, &len);
	return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

static unsigned
find(const struct scpd_action *action, const char *name, bool out)
{
	unsigned i;

	for (i = 0; i < action->nargs; i++)
		if (action->args[i].out == out && strcmp(action->args[i].name, name) == 0)
			break;
	return i;
}

void
args_init(struct args *args, const struct scpd_action *action)
{
	*args = (struct args){ .action = action };
}

void
args_put(struct args *args, const char *name, const char *text)
{
	unsigned i = find(args->action, name, false);

	if (i < args->action->nargs && !args->text[i])
		args->text[i] = text;
}

/* ---- checks by type -------------------------------------------------------------------------- */

static enum result
check_boolean(const char *text, uint32_t *value)
{
	size_t i;

	for (i = 0; i < sizeof(booleans) / sizeof(booleans[0]); i++) {
		if (same(text, booleans[i].text)) {
			*value = booleans[i].value;
			return RESULT_OK;
		}
	}
	return RESULT_INVALID_ARGS;
}

/* Not a number without sign: 402. One that the type or the range does not hold: 601. */
static enum result
check_number(const char *text, const struct scpd_var *var, bool clamp, uint32_t *value)
{
	bool too_big = false;
	uint64_t number = 0;
	size_t len, i = 0;

	text = trim(text, &len);
	if (len > 0 && text[0] == '+')
		i++;
	if (i == len)
		return RESULT_INVALID_ARGS;
	for (; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return RESULT_INVALID_ARGS;
		number = number * 10 + (uint64_t)(text[i] - '0');
		too_big |= number > var->maximum;
		if (too_big)
			number = 0; /* the rest is read for its letters only */
	}
	if (too_big && clamp && var->maximum < UINT32_MAX)
		number = var->maximum;
	else if (too_big || number < var->minimum)
		return RESULT_OUT_OF_RANGE;
	*value = (uint32_t)number;
	return RESULT_OK;
}

/* Case does not matter, and the list's own spelling goes on from here. */
static enum result
check_listed(const char **text, const struct scpd_var *var)
{
	unsigned i;

	for (i = 0; i < var->nvalues; i++) {
		if (same(*text, var->values[i])) {
			*text = var->values[i];
			return RESULT_OK;
		}
	}
	return RESULT_OUT_OF_RANGE;
}

static bool
is_clamped(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(clamped) / sizeof(clamped[0]); i++)
		if (strcmp(clamped[i], name) == 0)
			return true;
	return false;
}

static enum result
check_arg(struct args *args, unsigned i)
{
	const struct scpd_var *var = args->action->args[i].var;

	switch (var->type) {
	case SCPD_STRING:
		return var->nvalues ? check_listed(&args->text[i], var) : RESULT_OK;
	case SCPD_BOOLEAN:
		return check_boolean(args->text[i], &args->number[i]);
	case SCPD_UI2:
	case SCPD_UI4:
		return check_number(
		    args->text[i], var, is_clamped(args->action->args[i].name), &args->number[i]);
	}
	return RESULT_FAILED;
}

static const char *
usual_value(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (strcmp(left_out[i].name, name) == 0)
			return left_out[i].text;
	return NULL;
}

enum result
args_check(struct args *args)
{
	enum result result = RESULT_OK;
	const char *usual;
	unsigned i;

	/* What is missing is said before what is wrong, wherever it stands. */
	for (i = 0; i < args->action->nargs && !args->action->args[i].out; i++) {
		usual = usual_value(args->action->args[i].name);
		if (usual && (!args->text[i] || (usual[0] && same(args->text[i], ""))))
			args->text[i] = usual;
		if (!args->text[i])
			return RESULT_INVALID_ARGS;
	}
	for (i = 0; i < args->action->nargs && !args->action->args[i].out; i++) {
		result = check_arg(args, i);
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_OK;
}

/* ---- what handlers read ---------------------------------------------------------------------- */

const char *
args_text(const struct args *args, const char *name)
{
	unsigned i = find(args->action, name, false);

	assert(i < args->action->nargs);
	return args->text[i];
}

uint32_t
args_number(const struct args *args, const char *name)
{
	unsigned i = find(args->action, name, false);

	assert(i < args->action->nargs);
	return args->number[i];
}

static enum result
parse_addr(const char *text, uint32_t *addr)
{
	char quad[ADDR4_STRLEN];
	size_t len;

	text = trim(text, &len);
	if (len >= sizeof(quad))
		return RESULT_INVALID_ARGS;
	memcpy(quad, text, len);
	quad[len] = '\0';
	return addr4_parse(quad, addr) == 0 ? RESULT_OK : RESULT_INVALID_ARGS;
}

enum result
args_remote_host(const struct args *args, const char *name, uint32_t *addr)
{
	const char *text = args_text(args, name);
	size_t i;

	*addr = 0;
	for (i = 0; i < sizeof(wildcards) / sizeof(wildcards[0]); i++)
		if (same(text, wildcards[i]))
			return RESULT_OK;
	return parse_addr(text, addr);
}

enum result
args_internal_client(const struct args *args, const char *name, uint32_t *addr)
{
	const char *text = args_text(args, name);
	enum result result;

	if (same(text, ""))
		return RESULT_WILDCARD_CLIENT;
	result = parse_addr(text, addr);
	return result == RESULT_OK && *addr == 0 ? RESULT_WILDCARD_CLIENT : result;
}

enum result
args_addr6(const struct args *args, const char *name, uint8_t addr[16])
{
	const char *text = args_text(args, name);
	char copy[INET6_ADDRSTRLEN];
	size_t i, len;

	memset(addr, 0, 16);
	for (i = 0; i < sizeof(wildcards6) / sizeof(wildcards6[0]); i++)
		if (same(text, wildcards6[i]))
			return RESULT_OK;
	text = trim(text, &len);
	if (len >= sizeof(copy))
		return RESULT_INVALID_ARGS;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return inet_pton(AF_INET6, copy, addr) == 1 ? RESULT_OK : RESULT_INVALID_ARGS;
}

enum result
args_description(const struct args *args, const char *name, char text[MSG_DESCRIPTION_MAX])
{
	const char *given = args_text(args, name);
	size_t len = strlen(given);

	if (len >= MSG_DESCRIPTION_MAX)
		return RESULT_TOO_LONG;
	if (!utf8_valid(given, len))
		return RESULT_INVALID_ARGS;
	memset(text, 0, MSG_DESCRIPTION_MAX);
	memcpy(text, given, len);
	utf8_sanitize(text);
	return RESULT_OK;
}

/* ---- answers --------------------------------------------------------------------------------- */

void
answer_init(struct answer *answer, const struct scpd_action *action)
{
	answer->action = action;
	memset(answer->text, 0, sizeof(answer->text));
	answer->used = 0;
	answer->large = NULL;
}

void
answer_exit(struct answer *answer)
{
	free(answer->large);
	answer->large = NULL;
}

void
answer_take(struct answer *answer, const char *name, char *text)
{
	unsigned i = find(answer->action, name, true);

	assert(i < answer->action->nargs && !answer->large);
	answer->text[i] = answer->large = text;
}

void
answer_text(struct answer *answer, const char *name, const char *text)
{
	unsigned i = find(answer->action, name, true);
	size_t size = strlen(text) + 1;

	assert(i < answer->action->nargs);
	assert(size <= sizeof(answer->store) - answer->used);
	answer->text[i] = memcpy(answer->store + answer->used, text, size);
	answer->used += size;
}

void
answer_number(struct answer *answer, const char *name, uint32_t number)
{
	char text[11];

	snprintf(text, sizeof(text), "%u", (unsigned)number);
	answer_text(answer, name, text);
}

void
answer_addr(struct answer *answer, const char *name, uint32_t addr)
{
	char text[ADDR4_STRLEN];

	answer_text(answer, name, addr ? addr4_str(addr, text) : "");
}
