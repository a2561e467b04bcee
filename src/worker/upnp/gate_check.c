/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a request head into slices, judges it, writes it anew. Pure; the order is: head whole?
 * octets, request line, headers, then what each method asks for, then the body.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/addr.h"
#include "worker/upnp/gate_check.h"
#include "worker/upnp/soap_body.h"
#include "worker/upnp/xml.h"

#define TARGET_MAX 256
#define USER_AGENT_MAX 200
#define URN_MAX 120 /* libupnp keeps a service type in 256 octets */
#define ACTION_MAX 60
#define QUERY_MAX 256 /* octets of the arguments of a QueryStateVariable */
#define SID_MAX 41    /* "uuid:" and 36; libupnp keeps it in 44 octets */
#define TIMEOUT_DEFAULT_S 1800
#define TIMEOUT_MAX_S 86400
#define HTTP_PORT 80

/* What stands in the headers that matter, as it came; the rest of them is dropped. */
struct fields {
	struct gate_slice host, content_length, content_type, transfer_encoding, expect, user_agent;
	struct gate_slice soapaction, ext_soapaction, man;
	struct gate_slice callback, nt, sid, timeout;
};

static const struct {
	const char *name;
	size_t offset;
} known_headers[] = {
	{ "host", offsetof(struct fields, host) },
	{ "content-length", offsetof(struct fields, content_length) },
	{ "content-type", offsetof(struct fields, content_type) },
	{ "transfer-encoding", offsetof(struct fields, transfer_encoding) },
	{ "expect", offsetof(struct fields, expect) },
	{ "user-agent", offsetof(struct fields, user_agent) },
	{ "soapaction", offsetof(struct fields, soapaction) },
	{ "man", offsetof(struct fields, man) },
	{ "callback", offsetof(struct fields, callback) },
	{ "nt", offsetof(struct fields, nt) },
	{ "sid", offsetof(struct fields, sid) },
	{ "timeout", offsetof(struct fields, timeout) },
};

static const struct {
	const char *name;
	enum gate_method method;
} methods[] = {
	{ "GET", GATE_GET },
	{ "HEAD", GATE_HEAD },
	{ "POST", GATE_POST },
	{ "M-POST", GATE_M_POST },
	{ "SUBSCRIBE", GATE_SUBSCRIBE },
	{ "UNSUBSCRIBE", GATE_UNSUBSCRIBE },
};

#define ARRAY_LEN(a) (sizeof(a) / sizeof(*(a)))

static bool
refuse(struct gate_check *out, int status, const char *reason)
{
	out->verdict = GATE_REFUSE;
	out->status = status;
	out->reason = reason;
	return false;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 9110 5.6.2 */
static bool
is_token(char c)
{
	return is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* RFC 3986: what may stand in a path with query; no fragment, no quotes, no brackets. */
static bool
is_url(char c)
{
	return is_alnum(c) || (c && strchr("-._~%!$&'()*+,;=:@/?", c));
}

static bool
all(struct gate_slice s, bool (*is)(char))
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!is(s.at[i]))
			return false;
	return s.len > 0;
}

static bool
equal(struct gate_slice s, const char *text)
{
	return s.len == strlen(text) && strncasecmp(s.at, text, s.len) == 0;
}

static bool
starts_with(struct gate_slice s, const char *text)
{
	return s.len >= strlen(text) && strncasecmp(s.at, text, strlen(text)) == 0;
}

static bool
contains(struct gate_slice s, const char *text)
{
	for (; s.len >= strlen(text); s.at++, s.len--)
		if (starts_with(s, text))
			return true;
	return false;
}

static struct gate_slice
trimmed(struct gate_slice s, const char *set)
{
	while (s.len && s.at[0] && strchr(set, s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len && s.at[s.len - 1] && strchr(set, s.at[s.len - 1]))
		s.len--;
	return s;
}

/* Cuts @s at the first @c: returns what is before; @s becomes what is after, or NULL. */
static struct gate_slice
cut(struct gate_slice *s, char c)
{
	struct gate_slice before = *s;
	const char *at = s->len ? memchr(s->at, c, s->len) : NULL;

	if (!at) {
		*s = (struct gate_slice){ NULL, 0 };
		return before;
	}
	before.len = (size_t)(at - before.at);
	s->len -= before.len + 1;
	s->at = at + 1;
	return before;
}

/* Decimal digits only, at most @max. */
static bool
number(struct gate_slice s, uint32_t max, uint32_t *value)
{
	uint64_t v = 0;
	size_t i;

	if (!all(s, is_digit))
		return false;
	for (i = 0; i < s.len; i++) {
		v = v * 10 + (uint64_t)(s.at[i] - '0');
		if (v > max)
			return false;
	}
	*value = (uint32_t)v;
	return true;
}

static bool
address(struct gate_slice s, uint32_t *addr)
{
	char text[ADDR4_STRLEN];

	if (s.len >= sizeof(text) || memchr(s.at, '\0', s.len))
		return false;
	memcpy(text, s.at, s.len);
	text[s.len] = '\0';
	return addr4_parse(text, addr) == 0;
}

/* Length of the head with its empty line, 0 if that has not come. Lines may end in LF alone. */
static size_t
head_length(const char *data, size_t len)
{
	const char *lf = data, *end = data + len;

	while ((lf = memchr(lf, '\n', (size_t)(end - lf)))) {
		lf++;
		if (end - lf >= 1 && lf[0] == '\n')
			return (size_t)(lf - data) + 1;
		if (end - lf >= 2 && lf[0] == '\r' && lf[1] == '\n')
			return (size_t)(lf - data) + 2;
	}
	return 0;
}

/* No control characters but tabs, and CR only before LF. */
static bool
head_octets_ok(const char *head, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)head[i];

		if (c == '\r' && (i + 1 == len || head[i + 1] != '\n'))
			return false;
		if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
			return false;
	}
	return true;
}

static bool
check_target(struct gate_slice t, struct gate_check *out)
{
	if (t.len == 0 || t.at[0] != '/')
		return refuse(out, 400, "the request target is not a path");
	/* libupnp takes what follows "//" for a host, and looks it up. */
	if (t.len > 1 && t.at[1] == '/')
		return refuse(out, 400, "the request target begins with //");
	if (t.len > TARGET_MAX)
		return refuse(out, 414, "the request target is too long");
	if (!all(t, is_url))
		return refuse(out, 400, "a character in the request target");
	out->target = t;
	return true;
}

static bool
check_request_line(struct gate_slice line, struct gate_check *out)
{
	struct gate_slice method = cut(&line, ' ');
	struct gate_slice target = cut(&line, ' ');
	size_t i;

	if (!all(method, is_token) || !line.at || !starts_with(line, "HTTP/"))
		return refuse(out, 400, "malformed request line");
	if (equal(line, "HTTP/1.0") || equal(line, "HTTP/1.1"))
		out->minor = (unsigned int)(line.at[7] - '0');
	else
		return refuse(out, 505, "HTTP version");

	for (i = 0; i < ARRAY_LEN(methods); i++) {
		/* RFC 9110 9.1: the method is case-sensitive. */
		if (method.len == strlen(methods[i].name) &&
		    memcmp(method.at, methods[i].name, method.len) == 0) {
			out->method = methods[i].method;
			return check_target(target, out);
		}
	}
	return refuse(out, 501, "method");
}

static bool
read_header(struct gate_slice line, struct fields *f, struct gate_check *out)
{
	struct gate_slice value = line, name = cut(&value, ':');
	struct gate_slice *field = NULL;
	size_t i;

	/* Folded lines and blanks before the colon: RFC 9112 5.1, 5.2 */
	if (!value.at || !all(name, is_token))
		return refuse(out, 400, "malformed header line");

	for (i = 0; i < ARRAY_LEN(known_headers) && !field; i++)
		if (equal(name, known_headers[i].name))
			field = (struct gate_slice *)((char *)f + known_headers[i].offset);
	/* RFC 2774: "01-SOAPACTION", the number being named by MAN. */
	if (!field && name.len == strlen("01-soapaction") && is_digit(name.at[0]) &&
	    is_digit(name.at[1]) && contains(name, "-soapaction"))
		field = &f->ext_soapaction;
	if (!field)
		return true;
	if (field->at)
		return refuse(out, 400, "a header that may come once came twice");
	*field = trimmed(value, " \t");
	return true;
}

static bool
read_head(struct gate_slice head, struct fields *f, struct gate_check *out)
{
	struct gate_slice line = cut(&head, '\n');
	unsigned int lines = 0;

	if (!check_request_line(trimmed(line, "\r"), out))
		return false;
	while (head.at) {
		line = trimmed(cut(&head, '\n'), "\r");
		if (line.len == 0)
			break;
		if (++lines > GATE_HEADERS_MAX)
			return refuse(out, 431, "too many headers");
		if (!read_header(line, f, out))
			return false;
	}
	return true;
}

/* DNS rebinding: a browser that was led here names another host. */
static bool
check_host(const struct fields *f, const struct gate_ends *ends, struct gate_check *out)
{
	struct gate_slice port = f->host, host = cut(&port, ':');
	uint32_t addr, number_of_port;

	if (!f->host.at)
		return out->minor == 0 || refuse(out, 400, "no Host header");
	if (!address(host, &addr) || addr != ends->self)
		return refuse(out, 400, "Host is not our address");
	if (port.at && (!number(port, UINT16_MAX, &number_of_port) || number_of_port != ends->port))
		return refuse(out, 400, "Host has another port");
	return true;
}

/* "a.b.c.d", port (80 if there is none) and "/path" (may be empty) of
 * "http://a.b.c.d[:port][/path]". */
static bool
split_callback(
    struct gate_slice url, struct gate_slice *host, uint32_t *port, struct gate_slice *path)
{
	struct gate_slice digits;

	if (!starts_with(url, "http://"))
		return false;
	*path = (struct gate_slice){ url.at + 7, url.len - 7 };
	digits = cut(path, '/');
	*host = cut(&digits, ':');
	/* The slash belongs to the path. */
	*path = path->at ? (struct gate_slice){ path->at - 1, path->len + 1 }
			 : (struct gate_slice){ "", 0 };
	*port = 80;
	return !digits.at || (number(digits, UINT16_MAX, port) && *port != 0);
}

/* Does @url lead to the peer itself? CVE-2020-12695, UDA 2.0 revision of 2020. */
static bool
callback_fits(struct gate_slice url, const struct gate_ends *ends)
{
	struct gate_slice host, path;
	uint32_t addr, port;

	return url.len <= GATE_CALLBACK_MAX && all(url, is_url) &&
	       split_callback(url, &host, &port, &path) && address(host, &addr) &&
	       addr == ends->peer && addr != ends->self;
}

static bool
check_callback(struct gate_slice list, const struct gate_ends *ends, struct gate_check *out)
{
	struct gate_slice url;

	while (list.at && out->n_callbacks < GATE_CALLBACKS_MAX) {
		cut(&list, '<');
		if (!list.at)
			break;
		url = cut(&list, '>');
		if (list.at && callback_fits(url, ends))
			out->callbacks[out->n_callbacks++] = url;
	}
	if (out->n_callbacks)
		return true;
	return refuse(out, 412, "no CALLBACK leads to the subscriber itself");
}

/*
 * "Second-N"; anything else, "infinite" too, is the default. Home automation renews with a
 * fraction, "Second-540.0", of which the whole seconds count.
 */
static uint32_t
timeout_s(struct gate_slice s)
{
	struct gate_slice fraction;
	const char *point;
	uint32_t n;

	if (!starts_with(s, "Second-"))
		return TIMEOUT_DEFAULT_S;
	s.at += strlen("Second-");
	s.len -= strlen("Second-");
	point = memchr(s.at, '.', s.len);
	if (point) {
		fraction.at = point + 1;
		fraction.len = (size_t)(s.at + s.len - fraction.at);
		if (!all(fraction, is_digit))
			return TIMEOUT_DEFAULT_S;
		s.len = (size_t)(point - s.at);
	}
	if (!all(s, is_digit))
		return TIMEOUT_DEFAULT_S;
	if (!number(s, TIMEOUT_MAX_S, &n))
		return TIMEOUT_MAX_S;
	return n > 0 ? n : 1;
}

static bool
is_sid(char c)
{
	return is_alnum(c) || c == '-' || c == ':';
}

/* UDA 1.1 section 4.1 */
static bool
check_gena(const struct fields *f, const struct gate_ends *ends, struct gate_check *out)
{
	if (f->sid.at && (f->nt.at || f->callback.at))
		return refuse(out, 400, "SID together with NT or CALLBACK");
	if (f->sid.at &&
	    (f->sid.len > SID_MAX || !starts_with(f->sid, "uuid:") || !all(f->sid, is_sid)))
		return refuse(out, 412, "malformed SID");
	out->sid = f->sid;
	out->timeout_s = timeout_s(f->timeout);
	if (f->sid.at)
		return true;
	if (out->method == GATE_UNSUBSCRIBE)
		return refuse(out, 412, "no SID");
	/* Windows Me says propchange. */
	if (!equal(f->nt, "upnp:event") && !equal(f->nt, "upnp:propchange"))
		return refuse(out, 412, "NT is not upnp:event");
	return check_callback(f->callback, ends, out);
}

static bool
is_urn(char c)
{
	return is_alnum(c) || (c && strchr("-._:", c));
}

static bool
is_name(char c)
{
	return is_alnum(c) || c == '_' || c == '-';
}

/* "urn#Action", with the quotes or without. */
static bool
check_soapaction(const struct fields *f, struct gate_check *out)
{
	struct gate_slice s = f->soapaction;

	if (out->method == GATE_M_POST) {
		if (!contains(f->man, "ns=") || !f->ext_soapaction.at)
			return refuse(out, 510, "M-POST without its extension headers");
		s = f->ext_soapaction;
	}
	if (!s.at)
		return refuse(out, 400, "no SOAPACTION");
	out->action = trimmed(s, "\" \t");
	out->action_urn = cut(&out->action, '#');
	if (!out->action.at || !all(out->action_urn, is_urn) || !all(out->action, is_name) ||
	    out->action_urn.len > URN_MAX || out->action.len > ACTION_MAX ||
	    is_digit(out->action.at[0]) || out->action.at[0] == '-')
		return refuse(out, 400, "malformed SOAPACTION");
	return true;
}

static bool
check_post(const struct fields *f, struct gate_check *out)
{
	if (!f->content_length.at)
		return refuse(out, 411, "no Content-Length");
	/* A web page can send text/plain without asking; SOAPACTION it cannot. */
	if (f->content_type.at && !contains(f->content_type, "xml"))
		return refuse(out, 415, "Content-Type is not XML");
	return check_soapaction(f, out);
}

/* Sets the body's length: what follows the head belongs to it. */
static bool
check_framing(const struct fields *f, uint32_t *body_len, struct gate_check *out)
{
	bool post = out->method == GATE_POST || out->method == GATE_M_POST;

	*body_len = 0;
	if (f->transfer_encoding.at)
		return refuse(out, 501, "Transfer-Encoding");
	if (f->expect.at && !equal(f->expect, "100-continue"))
		return refuse(out, 417, "Expect");
	if (f->content_length.at && !number(f->content_length, GATE_BODY_MAX, body_len))
		return all(f->content_length, is_digit) ? refuse(out, 413, "body too long")
							: refuse(out, 400, "Content-Length");
	if (*body_len > 0 && !post)
		return refuse(out, 400, "a body where none belongs");
	return true;
}

static bool
check_method(const struct fields *f, const struct gate_ends *ends, struct gate_check *out)
{
	switch (out->method) {
	case GATE_GET:
	case GATE_HEAD:
		return true;
	case GATE_POST:
	case GATE_M_POST:
		return check_post(f, out);
	case GATE_SUBSCRIBE:
	case GATE_UNSUBSCRIBE:
		return check_gena(f, ends, out);
	}
	return refuse(out, 501, "method");
}

void
gate_check(const char *data, size_t len, const struct gate_ends *ends, struct gate_check *out)
{
	struct fields f = { 0 };
	size_t skip = 0, head_len;
	uint32_t body_len;

	*out = (struct gate_check){ .verdict = GATE_MORE };

	/* RFC 9112 2.2: empty lines before the request line */
	while (skip < len && skip < 4 && (data[skip] == '\r' || data[skip] == '\n'))
		skip++;
	head_len = head_length(data + skip, len - skip);
	if (head_len > GATE_HEADER_MAX || (head_len == 0 && len > GATE_HEADER_MAX)) {
		refuse(out, 431, "header too long");
		return;
	}
	if (head_len == 0)
		return;
	if (!head_octets_ok(data + skip, head_len)) {
		refuse(out, 400, "control character in the header");
		return;
	}
	if (!read_head((struct gate_slice){ data + skip, head_len }, &f, out) ||
	    !check_host(&f, ends, out) || !check_framing(&f, &body_len, out) ||
	    !check_method(&f, ends, out))
		return;

	out->user_agent = f.user_agent;
	out->need = skip + head_len + body_len;
	if (len >= out->need) {
		out->body = (struct gate_slice){ data + skip + head_len, body_len };
		out->verdict = GATE_PASS;
	} else if (f.expect.at && out->minor > 0 && len == skip + head_len) {
		/* RFC 9110 10.1.1: no need to say it once the body has begun to come */
		out->verdict = GATE_CONTINUE;
	}
}

/* A bounded writer: the first part that does not fit sticks. */
struct writer {
	char *out;
	size_t cap, len;
	bool full;
};

static void
put(struct writer *w, const char *text, size_t len)
{
	if (w->full || len > w->cap - w->len) {
		w->full = true;
		return;
	}
	memcpy(w->out + w->len, text, len);
	w->len += len;
}

static void
put_str(struct writer *w, const char *text)
{
	put(w, text, strlen(text));
}

static void
put_slice(struct writer *w, const char *name, struct gate_slice s)
{
	if (!s.at)
		return;
	put_str(w, name);
	put(w, s.at, s.len);
	put_str(w, "\r\n");
}

/* What a stranger says of his program may hold anything: printable ASCII stays. */
static void
put_user_agent(struct writer *w, struct gate_slice s)
{
	char text[USER_AGENT_MAX];
	size_t i, len = s.len < sizeof(text) ? s.len : sizeof(text);

	if (!s.at)
		return;
	for (i = 0; i < len; i++)
		text[i] = s.at[i] >= 0x20 && s.at[i] < 0x7f ? s.at[i] : '?';
	put_slice(w, "USER-AGENT: ", trimmed((struct gate_slice){ text, len }, " "));
}

static bool
knows_igd1_only(struct gate_slice user_agent)
{
	static const char *const names[] = { "Microsoft", "FDSSDP", "Xbox", "PlayStation" };
	size_t i;

	for (i = 0; user_agent.at && i < ARRAY_LEN(names); i++)
		if (contains(user_agent, names[i]))
			return true;
	return false;
}

static void
put_request_line(struct writer *w, const struct gate_check *c, const struct gate_ends *ends)
{
	static const char *const names[] = {
		[GATE_GET] = "GET ",
		[GATE_HEAD] = "HEAD ",
		[GATE_POST] = "POST ",
		[GATE_M_POST] = "POST ",
		[GATE_SUBSCRIBE] = "SUBSCRIBE ",
		[GATE_UNSUBSCRIBE] = "UNSUBSCRIBE ",
	};
	char line[64], addr[ADDR4_STRLEN];

	put_str(w, names[c->method]);
	if (equal(c->target, GATE_PATH_2) && knows_igd1_only(c->user_agent))
		put_str(w, GATE_PATH_1);
	else
		put(w, c->target.at, c->target.len);
	snprintf(line, sizeof(line), " HTTP/1.%u\r\nHOST: %s:%u\r\n", c->minor,
	    addr4_str(ends->self, addr), ends->port);
	put_str(w, line);
	put_user_agent(w, c->user_agent);
}

/* All of them as one URL: gate_rewrite(). */
static void
put_callbacks(struct writer *w, const struct gate_check *c)
{
	struct gate_slice host, path;
	char text[16];
	uint32_t port;
	size_t i;

	put_str(w, "NT: upnp:event\r\nCALLBACK: <");
	for (i = 0; i < c->n_callbacks; i++) {
		split_callback(c->callbacks[i], &host, &port, &path);
		put_str(w, i ? "{" : "http://");
		if (i == 0)
			put(w, host.at, host.len);
		snprintf(text, sizeof(text), i ? "%u" : ":%u", port);
		put_str(w, text);
		put_str(w, path.len ? "" : "/");
		put(w, path.at, path.len);
		put_str(w, i ? "}" : "");
	}
	put_str(w, ">\r\n");
}

static void
put_subscription(struct writer *w, const struct gate_check *c)
{
	char line[40];

	put_slice(w, "SID: ", c->sid);
	if (c->n_callbacks)
		put_callbacks(w, c);
	if (c->method == GATE_SUBSCRIBE) {
		snprintf(line, sizeof(line), "TIMEOUT: Second-%u\r\n", c->timeout_s);
		put_str(w, line);
	}
}

static bool
read_args(struct writer *w, struct gate_check *c, char *out, size_t cap, struct soap_args *args)
{
	char action[ACTION_MAX + 1];
	const char *why;
	int full;

	memcpy(action, c->action.at, c->action.len);
	action[c->action.len] = '\0';
	why = soap_body_read(c->body.at, c->body.len, action, out, cap, args, &full);
	if (why)
		refuse(c, full ? 413 : 400, why);
	w->full = why != NULL;
	return !why;
}

/* The one call that libupnp reads itself. */
static void
put_query(struct writer *w, struct gate_check *c)
{
	char names[QUERY_MAX], escaped[XML_ESCAPED_MAX(QUERY_MAX)];
	const char *name, *text;
	struct soap_args args;

	if (!read_args(w, c, names, sizeof(names), &args))
		return;
	while ((name = soap_args_next(&args, &text))) {
		xml_escape(escaped, sizeof(escaped), text);
		put_str(w, "<");
		put_str(w, name);
		put_str(w, ">");
		put_str(w, escaped);
		put_str(w, "</");
		put_str(w, name);
		put_str(w, ">");
	}
}

static void
put_envelope(struct writer *w, struct gate_check *c, bool query)
{
	put_str(w, "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><u:");
	put(w, c->action.at, c->action.len);
	put_str(w, " xmlns:u=\"");
	put(w, c->action_urn.at, c->action_urn.len);
	put_str(w, "\">");
	if (query)
		put_query(w, c);
	put_str(w, "</u:");
	put(w, c->action.at, c->action.len);
	put_str(w, "></s:Body></s:Envelope>");
}

/* The length stands before the body: its place is left blank until the body is written. */
static void
put_call(struct writer *w, struct gate_check *c)
{
	const bool query = equal(c->action, "QueryStateVariable");
	char digits[24];
	size_t at, body;

	put_str(w, "CONTENT-TYPE: text/xml; charset=\"utf-8\"\r\nSOAPACTION: \"");
	put(w, c->action_urn.at, c->action_urn.len);
	put_str(w, "#");
	put(w, c->action.at, c->action.len);
	put_str(w, "\"\r\nCONTENT-LENGTH: ");
	at = w->len;
	put_str(w, "00000\r\n\r\n");
	body = w->len;
	put_envelope(w, c, query);
	if (w->full)
		return;
	snprintf(digits, sizeof(digits), "%05zu", w->len - body);
	memcpy(w->out + at, digits, 5);
	if (!query)
		read_args(w, c, w->out + w->len, w->cap - w->len, &c->args);
}

size_t
gate_rewrite(struct gate_check *check, const struct gate_ends *ends, char *out, size_t cap)
{
	struct writer w = { .out = out, .cap = cap };

	check->args = (struct soap_args){ 0 };
	put_request_line(&w, check, ends);
	switch (check->method) {
	case GATE_GET:
	case GATE_HEAD:
		put_str(&w, "\r\n");
		break;
	case GATE_SUBSCRIBE:
	case GATE_UNSUBSCRIBE:
		put_subscription(&w, check);
		put_str(&w, "\r\n");
		break;
	case GATE_POST:
	case GATE_M_POST:
		put_call(&w, check);
		break;
	}
	if (!w.full)
		return w.len;
	if (check->verdict != GATE_REFUSE)
		refuse(check, 413, "request too long");
	return 0;
}

const char *
gate_status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
		{ 400, "Bad Request" },
		{ 408, "Request Timeout" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 431, "Request Header Fields Too Large" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
		{ 510, "Not Extended" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Error";
}
