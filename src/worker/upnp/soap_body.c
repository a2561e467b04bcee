/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pure, though it keeps a parser for the next body. One pass of Expat: the handlers know where they
 * are by depth and write the arguments as they go.
 */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include <expat.h>

#include "lib/compiler.h"
#include "worker/upnp/soap_body.h"

#define SOAP_NS "http://schemas.xmlsoap.org/soap/envelope/"
#define NS_SEP '|' /* no URI has it, so the last one in a name is ours */
#define NAME_MAX_LEN 64

/* Where in the envelope the parser stands: also the depth of the open element. */
enum level { LEVEL_TOP, LEVEL_ENVELOPE, LEVEL_BODY, LEVEL_ACTION, LEVEL_ARG };

struct reading {
	XML_Parser parser;
	const char *action;
	char *out;
	size_t cap, len;
	enum level level;
	unsigned int skip; /* depth within an element that does not concern us: SOAP headers */
	unsigned int bodies, actions, args;
	bool full;
	const char *why;
};

static void
stop(struct reading *r, const char *why)
{
	if (!r->why)
		r->why = why;
	XML_StopParser(r->parser, XML_FALSE);
}

static void
put(struct reading *r, const char *text, size_t len)
{
	if (len > r->cap - r->len) {
		r->full = true;
		stop(r, "SOAP body too long");
		return;
	}
	memcpy(r->out + r->len, text, len);
	r->len += len;
}

static void
put_str(struct reading *r, const char *text)
{
	put(r, text, strlen(text) + 1);
}

/* "URI|local" to its two parts; @uri_len is 0 for a name in no namespace. */
static const char *
local_name(const char *name, size_t *uri_len)
{
	const char *sep = strrchr(name, NS_SEP);

	*uri_len = sep ? (size_t)(sep - name) : 0;
	return sep ? sep + 1 : name;
}

static bool
is_soap(const char *name, const char *local)
{
	size_t uri_len;
	const char *found = local_name(name, &uri_len);

	return uri_len == strlen(SOAP_NS) && memcmp(name, SOAP_NS, uri_len) == 0 &&
	       strcmp(found, local) == 0;
}

static void
start_arg(struct reading *r, const char *local)
{
	if (++r->args > SOAP_ARGS_MAX) {
		stop(r, "too many arguments");
		return;
	}
	if (strlen(local) > NAME_MAX_LEN) {
		stop(r, "argument name too long");
		return;
	}
	put_str(r, local);
}

static void XMLCALL
on_start(void *arg, const XML_Char *name, const XML_Char **atts UNUSED)
{
	struct reading *r = arg;
	size_t uri_len;
	const char *local = local_name(name, &uri_len);

	if (r->skip) {
		/* Expat itself does not recurse; the bound is for the sake of the number. */
		if (++r->skip > SOAP_ARGS_MAX)
			stop(r, "SOAP header nested too deep");
		return;
	}
	switch (r->level) {
	case LEVEL_TOP:
		if (!is_soap(name, "Envelope")) {
			stop(r, "not a SOAP envelope");
			return;
		}
		break;
	case LEVEL_ENVELOPE:
		if (!is_soap(name, "Body")) {
			r->skip = 1;
			return;
		}
		if (++r->bodies > 1) {
			stop(r, "more than one SOAP body");
			return;
		}
		break;
	case LEVEL_BODY:
		if (++r->actions > 1 || strcmp(local, r->action) != 0) {
			stop(r, "the body is not the call that SOAPACTION names");
			return;
		}
		break;
	case LEVEL_ACTION:
		start_arg(r, local);
		break;
	case LEVEL_ARG:
		stop(r, "an element within an argument");
		return;
	}
	r->level++;
}

static void XMLCALL
on_end(void *arg, const XML_Char *name UNUSED)
{
	struct reading *r = arg;

	if (r->skip) {
		r->skip--;
		return;
	}
	if (r->level == LEVEL_ARG)
		put(r, "", 1);
	r->level--;
}

static void XMLCALL
on_text(void *arg, const XML_Char *text, int len)
{
	struct reading *r = arg;

	if (r->level == LEVEL_ARG && !r->skip)
		put(r, text, (size_t)len);
}

static void XMLCALL
on_doctype(void *arg, const XML_Char *name UNUSED, const XML_Char *sysid UNUSED,
    const XML_Char *pubid UNUSED, int has_internal_subset UNUSED)
{
	stop(arg, "DTD");
}

/* White space and a byte order mark before, white space and NULs after: seen from real clients. */
static const char *
trim(const char *body, size_t *len)
{
	while (*len && strchr(" \t\r\n", body[*len - 1])) /* NUL too */
		(*len)--;
	if (*len >= 3 && memcmp(body, "\xef\xbb\xbf", 3) == 0) {
		body += 3;
		*len -= 3;
	}
	while (*len && *body && strchr(" \t\r\n", *body)) {
		body++;
		(*len)--;
	}
	return body;
}

static void
parse(struct reading *r, const char *body, size_t len)
{
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	if (XML_Parse(r->parser, body, (int)len, XML_TRUE) != XML_STATUS_OK && !r->why)
		r->why = XML_ErrorString(XML_GetErrorCode(r->parser));
	if (!r->why && r->actions == 0)
		r->why = "no call in the SOAP body";
}

/*
 * Of each thread, since it is not shared; making one anew for each body costs as much as reading a
 * short body does. So does a new salt for its hash tables: the thread's own is as secret. UTF-8
 * whatever the document says of itself: libupnp knows no other encoding.
 */
static XML_Parser
fresh_parser(void)
{
	static __thread XML_Parser kept;
	static __thread unsigned long salt;

	if (!kept || !XML_ParserReset(kept, "UTF-8")) {
		XML_ParserFree(kept);
		kept = XML_ParserCreateNS("UTF-8", NS_SEP);
	}
	/* Without one, as with 0, Expat makes its own. */
	if (salt == 0 && getrandom(&salt, sizeof(salt), GRND_NONBLOCK) != (ssize_t)sizeof(salt))
		salt = 0;
	if (kept)
		XML_SetHashSalt(kept, salt);
	return kept;
}

const char *
soap_body_read(const char *body, size_t len, const char *action, char *out, size_t cap,
    struct soap_args *args, int *full)
{
	struct reading r = {
		.parser = fresh_parser(),
		.action = action,
		.out = out,
		.cap = cap,
	};

	*full = 0;
	if (!r.parser)
		return "out of memory";
	body = trim(body, &len);
	parse(&r, body, len < INT32_MAX ? len : 0);
	*args = (struct soap_args){ out, r.len };
	*full = r.full;
	return r.why;
}

const char *
soap_args_next(struct soap_args *args, const char **text)
{
	const char *name = args->at;
	size_t len;

	if (args->len == 0)
		return NULL;
	*text = name + strlen(name) + 1;
	len = (size_t)(*text - name) + strlen(*text) + 1;
	args->at += len;
	args->len -= len;
	return name;
}
