/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the file with libconfuse, which knows lines, comments, quotes and lists. It hands us every
 * value as text: what a value means is decided by conf_keys.c alone, so that file and command line
 * obey the same rules and complain in the same words.
 */
#include "config/conf.h"

#include <confuse.h>
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/conf_keys.h"
#include "lib/utf8.h"

#define KEYS_MAX 64

struct loading {
	struct conf conf; /* taken over by the caller only if all went well */
	const char *path;
	FILE *errors;
	unsigned n_errors;
	int line_of[KEYS_MAX]; /* where each key was given, 0: not yet */
};

/* libconfuse's callbacks carry no pointer of ours, and the daemon loads one file at a time. */
static struct loading *loading;

static size_t
index_of(const struct conf_key *key)
{
	return (size_t)(key - conf_keys);
}

static void __attribute__((format(printf, 3, 4)))
complain(struct loading *l, int line, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	utf8_sanitize(text); /* it quotes the file */
	if (line)
		fprintf(l->errors, "%s:%d: %s\n", l->path, line, text);
	else
		fprintf(l->errors, "command line: %s\n", text);
	l->n_errors++;
}

static void
complain_unknown(struct loading *l, int line, const char *name)
{
	const struct conf_key *key;
	char all[512] = "";
	size_t used = 0;
	int n;

	for (key = conf_keys; key->name; key++) {
		n = snprintf(all + used, sizeof(all) - used, "%s%s", used ? ", " : "", key->name);
		if (n < 0 || (size_t)n >= sizeof(all) - used)
			break;
		used += (size_t)n;
	}
	complain(l, line, "%.64s: there is no such key; legal: %s", name, all);
}

/* What libconfuse itself finds wrong; it stops reading after that. */
static void __attribute__((format(printf, 2, 0))) on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[512];

	if (strcmp(fmt, "no such option '%s'") == 0) {
		complain_unknown(loading, cfg->line, va_arg(ap, const char *));
		return;
	}
	vsnprintf(text, sizeof(text), fmt, ap);
	complain(
	    loading, cfg->line, "%s; legal: key = value, or key = {value, ...} for a list", text);
}

/* One value, or one item of a list. Returns 0 even when it is wrong, so that the rest is read. */
static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	const struct conf_key *key = conf_key_find(opt->name);
	struct loading *l = loading;
	int *line = &l->line_of[index_of(key)];
	char why[CONF_WHY_MAX];

	*(const char **)result = text;
	/* libconfuse has already made room: a first item means a new list */
	if (*line && (key->type != CONF_IFNAMES || opt->nvalues <= 1)) {
		complain(l, cfg->line, "%s: given twice, first in line %d; legal: once", key->name,
		    *line);
		return 0;
	}
	if (!*line)
		*line = cfg->line;
	if (conf_key_set(&l->conf, key, text, why) < 0)
		complain(l, cfg->line, "%s: %s", key->name, why);
	return 0;
}

static void
fill_options(cfg_opt_t opts[KEYS_MAX])
{
	const cfg_opt_t end = CFG_END();
	const struct conf_key *key;

	for (key = conf_keys; key->name && index_of(key) < KEYS_MAX - 1; key++) {
		const cfg_opt_t one = CFG_STR_CB(key->name, NULL, CFGF_NODEFAULT, on_value);
		const cfg_opt_t list = CFG_STR_LIST_CB(key->name, NULL, CFGF_NODEFAULT, on_value);

		opts[index_of(key)] = key->type == CONF_IFNAMES ? list : one;
	}
	opts[index_of(key)] = end;
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
	cfg_opt_t opts[KEYS_MAX];
	unsigned before = l->n_errors;
	cfg_t *cfg;

	fill_options(opts);
	cfg = init_keeping_locale(opts);
	if (!cfg) {
		complain(l, 1, "out of memory");
		return;
	}
	cfg_set_error_function(cfg, on_error);
	loading = l;
	if (cfg_parse_fp(cfg, in) != CFG_SUCCESS && l->n_errors == before)
		complain(l, cfg->line, "cannot be read");
	loading = NULL;
	cfg_free(cfg);
}

static void
read_file(struct loading *l, bool must_exist)
{
	struct stat st;
	FILE *in;

	in = fopen(l->path, "re");
	if (!in) {
		if (errno != ENOENT || must_exist) {
			fprintf(l->errors, "%s: cannot be opened: %s\n", l->path, strerror(errno));
			l->n_errors++;
		}
		return;
	}
	/* libconfuse's scanner ends the process when a read fails, as it does on a directory */
	if (fstat(fileno(in), &st) < 0 || S_ISDIR(st.st_mode)) {
		fprintf(l->errors, "%s: is a directory; legal: a file\n", l->path);
		l->n_errors++;
	} else {
		read_stream(l, in);
	}
	fclose(in);
}

/* "KEY=VALUE"; the first item for a list takes the place of the file's. */
static void
override(struct loading *l, const char *item, bool replaced[KEYS_MAX])
{
	const char *equals = strchr(item, '=');
	const struct conf_key *key;
	char why[CONF_WHY_MAX];
	char name[64];

	if (!equals || equals == item) {
		complain(l, 0, "%.64s: has no value; legal: KEY=VALUE", item);
		return;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(equals - item), item);
	key = conf_key_find(name);
	if (!key) {
		complain_unknown(l, 0, name);
		return;
	}
	if (key->type == CONF_IFNAMES) {
		if (!replaced[index_of(key)])
			conf_key_clear(&l->conf, key);
		replaced[index_of(key)] = true;
		if (!equals[1])
			return;
	}
	if (conf_key_set(&l->conf, key, equals + 1, why) < 0)
		complain(l, 0, "%s: %s", name, why);
}

/* What no single key can know. */
static void
check_whole(struct loading *l)
{
	const char *wan = l->conf.wan;
	size_t i;
	int line;

	for (i = 0; *wan && i < l->conf.n_lans; i++) {
		if (strcmp(l->conf.lans[i], wan) != 0)
			continue;
		line = l->line_of[index_of(conf_key_find("lan"))];
		complain(l, line, "lan: \"%s\" is the wan, too; legal: another interface", wan);
	}
}

int
conf_load(struct conf *conf, const char *path, const struct conf_overrides *over, FILE *errors)
{
	struct loading l = { .path = path ? path : CONF_PATH, .errors = errors };
	bool replaced[KEYS_MAX] = { false };
	size_t i;

	conf_keys_defaults(&l.conf);
	read_file(&l, path != NULL);
	for (i = 0; over && i < over->n; i++)
		override(&l, over->items[i], replaced);
	check_whole(&l);
	if (l.n_errors)
		return -EINVAL;
	*conf = l.conf;
	return 0;
}

static void
print_help(const char *help, FILE *out)
{
	const char *end;

	for (; help; help = end ? end + 1 : NULL) {
		end = strchr(help, '\n');
		fprintf(out, "# %.*s\n", end ? (int)(end - help) : (int)strlen(help), help);
	}
}

void
conf_print(const struct conf *conf, FILE *out)
{
	const struct conf_key *key;
	char legal[CONF_WHY_MAX];

	fputs("# Configuration of portreeved, see portreeve.conf(5).\n", out);
	for (key = conf_keys; key->name; key++) {
		fputc('\n', out);
		print_help(key->help, out);
		fprintf(
		    out, "# Legal: %s. Default: %s\n", conf_key_legal(key, legal), key->fallback);
		fprintf(out, "%s = ", key->name);
		conf_key_print(conf, key, out);
		fputc('\n', out);
	}
}
