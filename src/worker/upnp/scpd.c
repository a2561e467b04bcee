/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expat reads, a table says which element may stand where, and a document that is anything else
 * is refused: it is our own, so a mistake in it is to be found at the start.
 */
#include "worker/upnp/scpd.h"

#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/compiler.h"
#include "lib/log.h"

#define SCPD_NAMESPACE "urn:schemas-upnp-org:service-1-0"

enum element {
	EL_NONE,
	EL_SCPD,
	EL_SPEC_VERSION,
	EL_MAJOR,
	EL_MINOR,
	EL_ACTION_LIST,
	EL_ACTION,
	EL_ACTION_NAME,
	EL_ARGUMENT_LIST,
	EL_ARGUMENT,
	EL_ARGUMENT_NAME,
	EL_DIRECTION,
	EL_RETVAL,
	EL_RELATED,
	EL_STATE_TABLE,
	EL_VARIABLE,
	EL_VARIABLE_NAME,
	EL_DATA_TYPE,
	EL_DEFAULT,
	EL_VALUE_LIST,
	EL_VALUE,
	EL_RANGE,
	EL_MINIMUM,
	EL_MAXIMUM,
	EL_STEP,
	EL_COUNT
};

static const struct {
	const char *name;
	enum element parent;
} elements[EL_COUNT] = {
	[EL_SCPD] = { "scpd", EL_NONE },
	[EL_SPEC_VERSION] = { "specVersion", EL_SCPD },
	[EL_MAJOR] = { "major", EL_SPEC_VERSION },
	[EL_MINOR] = { "minor", EL_SPEC_VERSION },
	[EL_ACTION_LIST] = { "actionList", EL_SCPD },
	[EL_ACTION] = { "action", EL_ACTION_LIST },
	[EL_ACTION_NAME] = { "name", EL_ACTION },
	[EL_ARGUMENT_LIST] = { "argumentList", EL_ACTION },
	[EL_ARGUMENT] = { "argument", EL_ARGUMENT_LIST },
	[EL_ARGUMENT_NAME] = { "name", EL_ARGUMENT },
	[EL_DIRECTION] = { "direction", EL_ARGUMENT },
	[EL_RETVAL] = { "retval", EL_ARGUMENT },
	[EL_RELATED] = { "relatedStateVariable", EL_ARGUMENT },
	[EL_STATE_TABLE] = { "serviceStateTable", EL_SCPD },
	[EL_VARIABLE] = { "stateVariable", EL_STATE_TABLE },
	[EL_VARIABLE_NAME] = { "name", EL_VARIABLE },
	[EL_DATA_TYPE] = { "dataType", EL_VARIABLE },
	[EL_DEFAULT] = { "defaultValue", EL_VARIABLE },
	[EL_VALUE_LIST] = { "allowedValueList", EL_VARIABLE },
	[EL_VALUE] = { "allowedValue", EL_VALUE_LIST },
	[EL_RANGE] = { "allowedValueRange", EL_VARIABLE },
	[EL_MINIMUM] = { "minimum", EL_RANGE },
	[EL_MAXIMUM] = { "maximum", EL_RANGE },
	[EL_STEP] = { "step", EL_RANGE },
};

static const struct {
	const char *name;
	enum scpd_type type;
	uint32_t maximum;
} types[] = {
	{ "string", SCPD_STRING, 0 },
	{ "boolean", SCPD_BOOLEAN, 1 },
	{ "ui2", SCPD_UI2, UINT16_MAX },
	{ "ui4", SCPD_UI4, UINT32_MAX },
};

struct reader {
	XML_Parser expat;
	struct scpd *scpd;
	enum element stack[SCPD_DEPTH_MAX];
	unsigned depth;
	char text[SCPD_NAME_MAX]; /* of the innermost element */
	size_t text_len;
	const char *why; /* what is wrong; NULL: nothing yet */
};

static void
refuse(struct reader *r, const char *why)
{
	if (!r->why)
		r->why = why;
	XML_StopParser(r->expat, XML_FALSE);
}

static struct scpd_action *
last_action(struct reader *r)
{
	return &r->scpd->actions[r->scpd->nactions - 1];
}

static struct scpd_arg *
last_arg(struct reader *r)
{
	struct scpd_action *action = last_action(r);

	return &action->args[action->nargs - 1];
}

static struct scpd_var *
last_var(struct reader *r)
{
	return &r->scpd->vars[r->scpd->nvars - 1];
}

static const char *
attribute(const XML_Char **attrs, const char *name)
{
	for (; *attrs; attrs += 2)
		if (strcmp(attrs[0], name) == 0)
			return attrs[1];
	return NULL;
}

/* ---- elements begin -------------------------------------------------------------------------- */

static void
begin_variable(struct reader *r, const XML_Char **attrs)
{
	const char *events = attribute(attrs, "sendEvents");

	if (r->scpd->nvars == SCPD_VARS_MAX) {
		refuse(r, "too many state variables");
		return;
	}
	r->scpd->nvars++;
	/* UDA 1.0 2.3: the default is "yes". */
	last_var(r)->evented = !events || strcmp(events, "yes") == 0;
}

static void
begin(struct reader *r, enum element element, const XML_Char **attrs)
{
	const char *xmlns;

	if (element == EL_SCPD) {
		xmlns = attribute(attrs, "xmlns");
		if (!xmlns || strcmp(xmlns, SCPD_NAMESPACE) != 0)
			refuse(r, "not an SCPD");
	} else if (element == EL_ACTION) {
		if (r->scpd->nactions == SCPD_ACTIONS_MAX)
			refuse(r, "too many actions");
		else
			r->scpd->nactions++;
	} else if (element == EL_ARGUMENT) {
		if (last_action(r)->nargs == SCPD_ARGS_MAX)
			refuse(r, "too many arguments");
		else
			last_action(r)->nargs++;
	} else if (element == EL_VARIABLE) {
		begin_variable(r, attrs);
	}
}

static void
on_start(void *data, const XML_Char *name, const XML_Char **attrs)
{
	struct reader *r = data;
	enum element parent = r->depth ? r->stack[r->depth - 1] : EL_NONE;
	enum element element;

	if (r->why) /* Expat may call once more after it was stopped */
		return;
	for (element = EL_NONE + 1; element < EL_COUNT; element++)
		if (elements[element].parent == parent && strcmp(elements[element].name, name) == 0)
			break;
	if (element == EL_COUNT || r->depth == SCPD_DEPTH_MAX) {
		refuse(r, "an element that does not belong there");
		return;
	}
	r->stack[r->depth++] = element;
	r->text_len = 0;
	begin(r, element, attrs);
}

/* ---- elements end ---------------------------------------------------------------------------- */

static void
end_name(struct reader *r, char name[SCPD_NAME_MAX])
{
	if (!r->text[0] || name[0])
		refuse(r, "a name that is empty or given twice");
	else
		memcpy(name, r->text, SCPD_NAME_MAX);
}

static void
end_direction(struct reader *r)
{
	struct scpd_action *action = last_action(r);
	struct scpd_arg *arg = last_arg(r);

	if (strcmp(r->text, "in") != 0 && strcmp(r->text, "out") != 0) {
		refuse(r, "a direction that is neither in nor out");
		return;
	}
	arg->out = r->text[0] == 'o';
	if (!arg->out && action->nargs > 1 && arg[-1].out)
		refuse(r, "an input argument after an output argument");
}

static void
end_data_type(struct reader *r)
{
	struct scpd_var *var = last_var(r);
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].name, r->text) == 0) {
			var->type = types[i].type;
			var->maximum = types[i].maximum;
			return;
		}
	}
	refuse(r, "an unknown data type");
}

static void
end_value(struct reader *r)
{
	struct scpd_var *var = last_var(r);

	if (var->type != SCPD_STRING || var->nvalues == SCPD_VALUES_MAX || !r->text[0] ||
	    strlen(r->text) >= SCPD_VALUE_MAX) {
		refuse(r, "an allowed value that cannot be");
		return;
	}
	strcpy(var->values[var->nvalues++], r->text);
}

static void
end_limit(struct reader *r, uint32_t *limit)
{
	struct scpd_var *var = last_var(r);
	unsigned long long number;
	char *end;

	number = strtoull(r->text, &end, 10);
	if (var->type == SCPD_STRING || end == r->text || *end || r->text[0] == '-' ||
	    number > UINT32_MAX || (limit == &var->maximum && number > var->maximum)) {
		refuse(r, "a range that cannot be");
		return;
	}
	*limit = (uint32_t)number;
}

static void
on_end(void *data, const XML_Char *name UNUSED)
{
	struct reader *r = data;

	if (r->why)
		return;
	r->text[r->text_len] = '\0';
	switch (r->stack[--r->depth]) {
	case EL_ACTION_NAME:
		end_name(r, last_action(r)->name);
		break;
	case EL_ARGUMENT_NAME:
		end_name(r, last_arg(r)->name);
		break;
	case EL_DIRECTION:
		end_direction(r);
		break;
	case EL_RELATED:
		end_name(r, last_arg(r)->related);
		break;
	case EL_VARIABLE_NAME:
		end_name(r, last_var(r)->name);
		break;
	case EL_DATA_TYPE:
		end_data_type(r);
		break;
	case EL_VALUE:
		end_value(r);
		break;
	case EL_MINIMUM:
		end_limit(r, &last_var(r)->minimum);
		break;
	case EL_MAXIMUM:
		end_limit(r, &last_var(r)->maximum);
		break;
	default: /* structure, and what we have no use for */
		break;
	}
	r->text_len = 0;
}

static void
on_text(void *data, const XML_Char *text, int len)
{
	struct reader *r = data;
	int i;

	for (i = 0; i < len && !r->why; i++) {
		if (r->text_len == 0 && strchr(" \t\r\n", text[i]))
			continue;
		if (r->text_len + 1 == sizeof(r->text)) {
			refuse(r, "a text that is too long");
			return;
		}
		r->text[r->text_len++] = text[i];
	}
}

/* No entities of its own, nothing from elsewhere. */
static void
on_doctype(void *data, const XML_Char *name UNUSED, const XML_Char *sysid UNUSED,
    const XML_Char *pubid UNUSED, int sub UNUSED)
{
	refuse(data, "a DTD");
}

/* ---- the whole ------------------------------------------------------------------------------- */

static const char *
resolve_action(const struct scpd *scpd, struct scpd_action *action)
{
	struct scpd_arg *arg;

	if (!action->name[0] || scpd_action(scpd, action->name) != action)
		return "an action without a name of its own";
	for (arg = action->args; arg < action->args + action->nargs; arg++) {
		arg->var = scpd_var(scpd, arg->related);
		if (!arg->name[0] || !arg->var)
			return "an argument without a name or a related state variable";
	}
	return NULL;
}

static const char *
resolve(struct scpd *scpd)
{
	const char *why = NULL;
	unsigned i;

	if (scpd->nvars == 0)
		return "no state variable";
	for (i = 0; i < scpd->nvars && !why; i++) {
		if (!scpd->vars[i].name[0] || scpd_var(scpd, scpd->vars[i].name) != &scpd->vars[i])
			why = "a state variable without a name of its own";
		else if (scpd->vars[i].minimum > scpd->vars[i].maximum)
			why = "an empty range";
	}
	for (i = 0; i < scpd->nactions && !why; i++)
		why = resolve_action(scpd, &scpd->actions[i]);
	return why;
}

int
scpd_parse(struct scpd *scpd, const char *name, const char *text, size_t len)
{
	struct reader r = { .scpd = scpd };
	unsigned long line = 0;

	memset(scpd, 0, sizeof(*scpd));
	r.expat = XML_ParserCreate("UTF-8");
	if (!r.expat)
		return -ENOMEM;
	XML_SetUserData(r.expat, &r);
	XML_SetElementHandler(r.expat, on_start, on_end);
	XML_SetCharacterDataHandler(r.expat, on_text);
	XML_SetStartDoctypeDeclHandler(r.expat, on_doctype);

	if (len > SCPD_DOCUMENT_MAX)
		r.why = "too long";
	else if (XML_Parse(r.expat, text, (int)len, XML_TRUE) != XML_STATUS_OK && !r.why)
		r.why = XML_ErrorString(XML_GetErrorCode(r.expat));
	line = XML_GetCurrentLineNumber(r.expat);
	XML_ParserFree(r.expat);
	if (!r.why)
		r.why = resolve(scpd);
	if (!r.why)
		return 0;
	log_error("%s:%lu: %s", name, line, r.why);
	return -EINVAL;
}

const struct scpd_action *
scpd_action(const struct scpd *scpd, const char *name)
{
	unsigned i;

	for (i = 0; i < scpd->nactions; i++)
		if (strcmp(scpd->actions[i].name, name) == 0)
			return &scpd->actions[i];
	return NULL;
}

const struct scpd_var *
scpd_var(const struct scpd *scpd, const char *name)
{
	unsigned i;

	for (i = 0; i < scpd->nvars; i++)
		if (strcmp(scpd->vars[i].name, name) == 0)
			return &scpd->vars[i];
	return NULL;
}

const struct scpd_action *
scpd_getter(const struct scpd *scpd, const struct scpd_var *var, unsigned *arg)
{
	const struct scpd_action *action;
	unsigned i;

	for (action = scpd->actions; action < scpd->actions + scpd->nactions; action++) {
		if (action->nargs == 0 || !action->args[0].out)
			continue;
		for (i = 0; i < action->nargs; i++) {
			if (action->args[i].var == var) {
				*arg = i;
				return action;
			}
		}
	}
	return NULL;
}
