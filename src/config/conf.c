/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the file with libconfuse, which knows lines, comments, quotes and lists. It hands us every
 * value as text: what a value means is decided by conf_keys.c alone, so that file and command line
 * obey the same rules and complain in the same words.
 */
#include "config/conf.h"

#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "config/conf_keys.h"
#include "config/conf_service.h"
#include "lib/compiler.h"
#include "lib/utf8.h"

#define KEYS_MAX CONF_KEYS_MAX /* and fields of one section */
#define SECTIONS_MAX 16
#define FILE_MAX (1 << 20) /* octets */

/*
 * libconfuse takes the end of the file for the end of a section as well. So a key of ours follows
 * the file, which is unknown inside of a section.
 */
#define END_KEY "--end--"
#define END_TEXT " " END_KEY " = 1"

struct loading {
	struct conf conf; /* taken over by the caller only if all went well */
	const char *path;
	bool once; /* who reads it can wait, and does not come again */
	FILE *errors;
	unsigned n_errors;
	cfg_t *root;
	int line_of[KEYS_MAX]; /* where each key was given, 0: not yet */
	struct {
		const struct conf_section *section; /* NULL: outside of any */
		struct conf_entry *entry;           /* NULL: refused, and said */
		int line_of[KEYS_MAX];
	} open; /* what is being read */
};

/* libconfuse's callbacks carry no pointer of ours, and the daemon loads one file at a time. */
static struct loading *loading;

/* @cfg: the section that it is about, or NULL: the file as such, the command line. */
static void __attribute__((format(printf, 4, 5)))
complain(struct loading *l, const cfg_t *cfg, int line, const char *fmt, ...)
{
	char text[4096];
	va_list ap;
	int n = 0;

	if (cfg && cfg != l->root)
		n = snprintf(text, sizeof(text), "%s \"%.64s\": ", cfg->name, cfg->title);
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	utf8_sanitize(text); /* it quotes the file */
	if (line)
		fprintf(l->errors, "%s:%d: %s\n", l->path, line, text);
	else
		fprintf(l->errors, "command line: %s\n", text);
	l->n_errors++;
}

/* About the file as a whole. */
static void __attribute__((format(printf, 2, 3)))
complain_of_file(struct loading *l, const char *fmt, ...)
{
	va_list ap;

	fprintf(l->errors, "%s: ", l->path);
	va_start(ap, fmt);
	vfprintf(l->errors, fmt, ap);
	va_end(ap);
	fputc('\n', l->errors);
	l->n_errors++;
}

/* "wan, lan, ..., rule \"NAME\" { }": what may stand there; sections only in the file itself. */
static void
list_legal(const struct conf_key *keys, const struct conf_section *sections, char *buf, size_t size)
{
	FILE *out = fmemopen(buf, size, "w");
	const char *mark = "";

	buf[0] = '\0';
	if (!out)
		return;
	for (; keys->name; keys++, mark = ", ")
		fprintf(out, "%s%s", mark, keys->name);
	for (; sections && sections->name; sections++, mark = ", ")
		fprintf(out, "%s%s \"NAME\" { }", mark, sections->name);
	fclose(out);
}

static void
complain_unknown(struct loading *l, const cfg_t *cfg, int line, const char *name)
{
	const struct conf_section *section =
	    cfg && cfg != l->root ? conf_section_find(cfg->name) : NULL;
	char all[2048];

	list_legal(section ? section->fields : conf_keys, section ? NULL : conf_sections, all,
	    sizeof(all));
	complain(l, cfg, line, "%.64s: there is no such key; legal: %s", name, all);
}

/* What libconfuse itself finds wrong; it stops reading after that. */
static void __attribute__((format(printf, 2, 0))) on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[512];

	const char *name;

	if (strcmp(fmt, "no such option '%s'") == 0) {
		name = va_arg(ap, const char *);
		if (strcmp(name, END_KEY) == 0)
			complain(loading, cfg, loading->root->line,
			    "is not closed; legal: } at its end");
		else
			complain_unknown(loading, cfg, cfg->line, name);
		return;
	}
	vsnprintf(text, sizeof(text), fmt, ap);
	complain(loading, cfg, cfg->line,
	    "%s; legal: key = value, key = {value, ...} for a list, or section \"NAME\" { ... }",
	    text);
}

/* While a section is read, the line of what it is in stays where the section began. */
static void
open_section(struct loading *l, const cfg_t *cfg, int line)
{
	char why[CONF_WHY_MAX];

	memset(&l->open, 0, sizeof(l->open));
	l->open.section = conf_section_find(cfg->name);
	l->open.entry = conf_section_add(&l->conf, l->open.section, cfg->title, why);
	if (l->open.entry)
		l->open.entry->line = line;
	else
		complain(l, cfg, line, "%s", why);
}

/* A whole section was read; one without any field comes to us only here. */
static int
on_section_end(cfg_t *cfg, cfg_opt_t *opt)
{
	if (!loading->open.section)
		open_section(loading, cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1), cfg->line);
	loading->open.section = NULL;
	return 0;
}

/* One value, or one item of a list. Returns 0 even when it is wrong, so that the rest is read. */
static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	struct loading *l = loading;
	bool is_field = cfg != l->root;
	const struct conf_key *keys = conf_keys, *key;
	void *base = &l->conf;
	int *line = l->line_of;
	char why[CONF_WHY_MAX];

	*(const char **)result = text;
	if (is_field) {
		if (!l->open.section)
			open_section(l, cfg, l->root->line);
		if (!l->open.entry)
			return 0;
		keys = l->open.section->fields;
		base = l->open.entry;
		line = l->open.line_of;
	}
	key = conf_key_find(keys, opt->name);
	line += key - keys;
	/* libconfuse has already made room: a first item means a new list */
	if (*line && (!conf_key_is_list(key) || opt->nvalues <= 1)) {
		complain(l, cfg, cfg->line, "%s: given twice, first in line %d; legal: once",
		    key->name, *line);
		return 0;
	}
	if (!*line && conf_key_is_list(key))
		conf_key_clear(base, key);
	if (!*line)
		*line = cfg->line;
	if (conf_key_set(base, key, text, why) < 0)
		complain(l, cfg, cfg->line, "%s: %s", key->name, why);
	return 0;
}

static int
on_end(cfg_t *cfg UNUSED, cfg_opt_t *opt UNUSED, const char *text, void *result)
{
	*(const char **)result = text;
	return 0;
}

/* Returns how many were filled in, less the end. */
static size_t
fill_options(const struct conf_key *keys, cfg_opt_t opts[KEYS_MAX])
{
	const cfg_opt_t end = CFG_END();
	size_t i;

	for (i = 0; keys[i].name; i++) {
		const cfg_opt_t one = CFG_STR_CB(keys[i].name, NULL, CFGF_NODEFAULT, on_value);
		const cfg_opt_t list =
		    CFG_STR_LIST_CB(keys[i].name, NULL, CFGF_NODEFAULT, on_value);

		assert(i < KEYS_MAX - 1);
		opts[i] = conf_key_is_list(&keys[i]) ? list : one;
	}
	opts[i] = end;
	return i;
}

/* What libconfuse is to know of: names, and what is a list or a section. It copies none of it. */
struct grammar {
	cfg_opt_t keys[KEYS_MAX + SECTIONS_MAX + 1];
	cfg_opt_t fields[SECTIONS_MAX][KEYS_MAX];
};

static void
fill_grammar(struct grammar *g)
{
	size_t n = fill_options(conf_keys, g->keys), i;
	const cfg_opt_t end_key = CFG_STR_CB(END_KEY, NULL, CFGF_NODEFAULT, on_end);
	const cfg_opt_t end = CFG_END();

	g->keys[n++] = end_key;
	for (i = 0; conf_sections[i].name; i++) {
		const cfg_opt_t section = CFG_SEC(conf_sections[i].name, g->fields[i],
		    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);

		assert(i < SECTIONS_MAX);
		fill_options(conf_sections[i].fields, g->fields[i]);
		g->keys[n + i] = section;
		g->keys[n + i].validcb = on_section_end;
	}
	g->keys[n + i] = end;
}

/* cfg_init() sets the process's locale; messages would come in another language than ours. */
static cfg_t *
init_keeping_locale(cfg_opt_t *opts)
{
	char *messages = strdup(setlocale(LC_MESSAGES, NULL));
	char *ctype = strdup(setlocale(LC_CTYPE, NULL));
	cfg_t *cfg;

	cfg = cfg_init(opts, CFGF_NONE);
	setlocale(LC_MESSAGES, messages ? messages : "C");
	setlocale(LC_CTYPE, ctype ? ctype : "C");
	free(messages);
	free(ctype);
	return cfg;
}

static void
read_stream(struct loading *l, FILE *in)
{
	unsigned before = l->n_errors;
	struct grammar grammar;

	fill_grammar(&grammar);
	l->root = init_keeping_locale(grammar.keys);
	if (!l->root) {
		complain(l, NULL, 1, "out of memory");
		return;
	}
	cfg_set_error_function(l->root, on_error);
	loading = l;
	if (cfg_parse_fp(l->root, in) != CFG_SUCCESS && l->n_errors == before)
		complain(l, NULL, l->root->line, "cannot be read");
	loading = NULL;
	cfg_free(l->root);
	l->root = NULL;
}

/* The file's text, with room for the key that follows it. NULL: errno says why not. Free it. */
static char *
slurp(FILE *in)
{
	char *text = calloc(1, FILE_MAX + sizeof(END_TEXT));
	size_t n;

	if (!text)
		return NULL;
	errno = 0;
	n = fread(text, 1, FILE_MAX, in);
	if (!ferror(in) && n < FILE_MAX && strlen(text) == n)
		return text;
	if (!ferror(in))
		errno = n == FILE_MAX ? EFBIG : EILSEQ;
	free(text);
	return NULL;
}

/* The end of the quoted text that begins at @p, or of all. */
static char *
skip_quoted(char *p)
{
	char mark = *p++;

	for (; *p && *p != mark; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : p;
}

/* Blanks for the comment at @p but for the ends of lines. Its end, or NULL: it has none. */
static char *
blank_comment(char *p)
{
	const char *end = p[0] == '/' && p[1] == '*' ? "*/" : "\n";
	char *stop = strstr(p + (*end == '*' ? 2 : 0), end);

	if (!stop && *end == '*')
		return NULL;
	stop = stop ? stop + (*end == '*' ? 2 : 0) : p + strlen(p);
	for (; p < stop; p++)
		if (*p != '\n')
			*p = ' ';
	return p;
}

/*
 * libconfuse counts the lines of comments twice, so it does not get to see any. As with it, "#"
 * begins one everywhere but in quotes, slashes only where a word may begin. Returns the line of one
 * that does not end, else 0.
 */
static int
blank_comments(char *text)
{
	char *p = text, *end;
	bool in_word = false;
	int line = 1;

	while (*p) {
		if (*p == '"' || *p == '\'')
			end = skip_quoted(p);
		else if (*p == '#' || (!in_word && *p == '/' && (p[1] == '/' || p[1] == '*')))
			end = blank_comment(p);
		else
			end = p + 1;
		if (!end)
			return line;
		for (; p < end; p++)
			line += *p == '\n';
		in_word = !strchr(" \t\r\n\"'{}()=,+", p[-1]);
	}
	return 0;
}

static void
read_text(struct loading *l, char *text)
{
	int line = blank_comments(text);
	FILE *in;

	if (line) {
		complain(l, NULL, line, "a comment is not closed; legal: */ at its end");
		return;
	}
	strcat(text, END_TEXT);
	in = fmemopen(text, strlen(text), "r");
	if (in) {
		read_stream(l, in);
		fclose(in);
	}
}

/* What is there instead of a file; NULL: it is one, or nothing at all, as which /dev/null is known.
 */
static const char *
what_else(const struct stat *st, bool once)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return NULL;
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return once ? NULL : "a pipe";
	case S_IFSOCK:
		return "a socket";
	case S_IFCHR:
		return once || st->st_rdev == makedev(1, 3) ? NULL : "a device";
	}
	return "a device";
}

/* A daemon comes again and must not wait, so it takes no pipe. NULL: that was said, or there is no
 * file and there need not be one. */
static FILE *
open_file(struct loading *l, bool must_exist)
{
	int fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (l->once ? 0 : O_NONBLOCK));
	const char *no_file = NULL;
	struct stat st;
	FILE *in = NULL;

	if (fd < 0 && errno == ENOENT && !must_exist)
		return NULL;
	if (fd >= 0 ? fstat(fd, &st) == 0 : errno == ENXIO && stat(l->path, &st) == 0)
		no_file = what_else(&st, l->once);
	if (no_file)
		complain_of_file(l, "is %s; legal: a regular file", no_file);
	else
		in = fd < 0 ? NULL : fdopen(fd, "r");
	if (!no_file && !in)
		complain_of_file(l, "cannot be opened: %s", strerror(errno));
	if (!in && fd >= 0)
		close(fd);
	return in;
}

static void
read_file(struct loading *l, bool must_exist)
{
	FILE *in = open_file(l, must_exist);
	char *text;

	if (!in)
		return;
	text = slurp(in);
	if (text)
		read_text(l, text);
	else
		complain_of_file(l, "cannot be read: %s", strerror(errno));
	free(text);
	fclose(in);
}

/* ---- the command line ---- */

/* Has one before @over->items[i] named the same list? Then that one has replaced the file's. */
static bool
is_continued(const struct conf_overrides *over, size_t i, size_t name_length)
{
	size_t before;

	for (before = 0; before < i; before++)
		if (strncmp(over->items[before], over->items[i], name_length + 1) == 0)
			return true;
	return false;
}

/* @name: "KEY", or "SECTION.TITLE.FIELD", which is taken apart. The struct that has the key; NULL:
 * there is no such key, and that was said. */
static void *
find_override(struct loading *l, char *name, const struct conf_key **key)
{
	char *title = strchr(name, '.'), *field = title ? strrchr(name, '.') : NULL;
	char why[CONF_WHY_MAX], whole[128];
	const struct conf_section *section;
	struct conf_entry *entry;

	snprintf(whole, sizeof(whole), "%s", name);
	if (!title) {
		*key = conf_key_find(conf_keys, name);
		if (!*key)
			complain_unknown(l, NULL, 0, name);
		return *key ? &l->conf : NULL;
	}
	*title++ = *field++ = '\0';
	section = conf_section_find(name);
	*key = section ? conf_key_find(section->fields, field) : NULL;
	if (!*key || title == field) {
		complain(l, NULL, 0, "%s: there is no such key; legal: SECTION.NAME.KEY", whole);
		return NULL;
	}
	entry = conf_section_entry(&l->conf, section, title);
	if (!entry)
		entry = conf_section_add(&l->conf, section, title, why);
	if (!entry)
		complain(l, NULL, 0, "%s: %s", whole, why);
	return entry;
}

/* "KEY=VALUE"; the first item for a list takes the place of the file's. */
static void
override(struct loading *l, const struct conf_overrides *over, size_t i)
{
	const char *item = over->items[i], *equals = strchr(item, '=');
	const struct conf_key *key;
	char why[CONF_WHY_MAX];
	char name[128];
	void *base;

	if (!equals || equals == item) {
		complain(l, NULL, 0, "%.64s: has no value; legal: KEY=VALUE", item);
		return;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(equals - item), item);
	base = find_override(l, name, &key);
	if (!base)
		return;
	if (base == &l->conf)
		l->conf.lines[key - conf_keys] = CONF_LINE_OPTION;
	if (conf_key_is_list(key)) {
		if (!is_continued(over, i, (size_t)(equals - item)))
			conf_key_clear(base, key);
		if (!equals[1])
			return;
	}
	if (conf_key_set(base, key, equals + 1, why) < 0)
		complain(l, NULL, 0, "%.*s: %s", (int)(equals - item), item, why);
}

/* ---- the whole ---- */

static const char *
what_is_missing(const struct conf_section *section, const struct conf_entry *entry, char why[512])
{
	const struct conf_key *key;
	char legal[CONF_WHY_MAX];

	for (key = section->fields; key->name; key++) {
		if (key->fallback || !conf_key_is_empty(entry, key))
			continue;
		snprintf(
		    why, 512, "%s: is missing; legal: %s", key->name, conf_key_legal(key, legal));
		return why;
	}
	return NULL;
}

static void
check_section(struct loading *l, const struct conf_section *section)
{
	const struct conf_entry *entry;
	const char *wrong;
	char why[512];
	size_t i;

	for (i = 0; i < conf_section_count(&l->conf, section); i++) {
		entry = conf_section_at(&l->conf, section, i);
		wrong = what_is_missing(section, entry, why);
		if (!wrong && section->check)
			wrong = section->check(entry);
		if (wrong)
			complain(l, NULL, entry->line, "%s \"%s\": %s", section->name, entry->title,
			    wrong);
	}
}

static int
line_of(const struct loading *l, const char *name)
{
	return l->line_of[conf_key_find(conf_keys, name) - conf_keys];
}

/* dnsmasq would not start with two of a kind. */
static void
check_reservations(struct loading *l)
{
	const struct conf_reservation *all = l->conf.reservations;
	size_t i, j;

	for (i = 0; i < l->conf.n_reservations; i++)
		for (j = 0; j < i; j++)
			if (mac_same(&all[i].mac, &all[j].mac) || all[i].address == all[j].address)
				complain(l, NULL, all[i].head.line,
				    "reservation \"%s\": has the %s of \"%s\"; legal: another",
				    all[i].head.title,
				    all[i].address == all[j].address ? "address" : "mac",
				    all[j].head.title);
}

static void
check_forwards(struct loading *l)
{
	const struct conf *conf = &l->conf;
	const struct conf_forward *f;
	const char *wrong;
	size_t i, j;

	for (i = 0; i < conf->n_forwards; i++) {
		f = &conf->forwards[i];
		wrong = conf_service_check_forward(conf, f);
		if (wrong)
			complain(l, NULL, f->head.line, "forward \"%s\": %s", f->head.title, wrong);
		for (j = 0; j < i; j++)
			if (conf_service_forwards_clash(conf, f, &conf->forwards[j]))
				complain(l, NULL, f->head.line,
				    "forward \"%s\": wants a port that \"%s\" has; legal: another "
				    "port",
				    f->head.title, conf->forwards[j].head.title);
	}
}

/* What no single key can know. */
static void
check_whole(struct loading *l)
{
	const struct conf *conf = &l->conf;
	size_t i;

	for (i = 0; *conf->wan && i < conf->n_lans; i++)
		if (strcmp(conf->lans[i], conf->wan) == 0)
			complain(l, NULL, line_of(l, "lan"),
			    "lan: \"%s\" is the wan, too; legal: another interface", conf->wan);
	for (i = 0; i < conf->n_open; i++)
		if (!conf_service_find(conf, conf->open[i]))
			complain(l, NULL, line_of(l, "open"),
			    "open: there is no service \"%s\"; legal: a built-in one, or a section "
			    "\"service\"",
			    conf->open[i]);
	if (conf_service_ports(conf) > CONF_OPEN_PORTS_MAX)
		complain(l, NULL, line_of(l, "open"),
		    "open: these services have too many ports; legal: at most %d in all",
		    CONF_OPEN_PORTS_MAX);
	check_forwards(l);
	if (conf->firewall == CONF_FIREWALL_JOIN && conf->n_joins == 0)
		complain(l, NULL, line_of(l, "firewall"),
		    "firewall: join joins nothing; legal: with a join_chain");
	for (i = 0; i + 1 < conf->n_presets; i++)
		if (conf->presets[i] == CONF_PRESET_STRICT)
			complain(l, NULL, line_of(l, "preset"),
			    "preset: \"strict\" leaves nothing to those behind it; legal: as the "
			    "last one");
	/* Workers speak to LANs only, by a rule that knows them by their user. */
	if (strcmp(conf->dhcp_user, conf->worker_user) == 0)
		complain(l, NULL, line_of(l, "dhcp_user"),
		    "dhcp_user: \"%s\" is the worker_user, too; legal: another user",
		    conf->dhcp_user);
	check_reservations(l);
}

static int
load(
    struct conf *conf, const char *path, bool once, const struct conf_overrides *over, FILE *errors)
{
	struct loading l = { .path = path ? path : CONF_PATH, .once = once, .errors = errors };
	const struct conf_section *section;
	size_t i;

	conf_keys_defaults(&l.conf);
	read_file(&l, path != NULL);
	for (i = 0; over && i < over->n; i++)
		override(&l, over, i);
	/* what could not be read might be what seems to be missing */
	for (section = conf_sections; section->name && !l.n_errors; section++)
		check_section(&l, section);
	check_whole(&l);
	l.conf.preset_line = line_of(&l, "preset");
	for (i = 0; i < KEYS_MAX; i++)
		if (l.conf.lines[i] == CONF_LINE_DEFAULT)
			l.conf.lines[i] = l.line_of[i];
	if (l.n_errors)
		return -EINVAL;
	*conf = l.conf;
	return 0;
}

int
conf_line(const struct conf *conf, const char *name)
{
	const struct conf_key *key = conf_key_find(conf_keys, name);

	assert(key);
	return conf->lines[key - conf_keys];
}

int
conf_load(struct conf *conf, const char *path, const struct conf_overrides *over, FILE *errors)
{
	return load(conf, path, false, over, errors);
}

int
conf_load_once(struct conf *conf, const char *path, const struct conf_overrides *over, FILE *errors)
{
	return load(conf, path, true, over, errors);
}
