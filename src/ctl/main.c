/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portreeve: reads the command line, finds the verb, finds the daemon. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

#define OPTIONS_MAX 32

struct command_line {
	const char *values[OPTIONS_MAX]; /* by place in ctl_options; "" for one without argument */
	const struct ctl_verb *verb;
	int n_words;
	char **words;
};

static const char *
value_of(const struct command_line *cl, const char *option)
{
	size_t i;

	for (i = 0; ctl_options[i].name; i++)
		if (strcmp(ctl_options[i].name, option) == 0)
			return cl->values[i];
	return NULL;
}

static void
print_help(void)
{
	const struct ctl_option *o;
	const struct ctl_verb *v;
	char left[64];

	fputs("Usage: portreeve [OPTION]... VERB [WORD]...\n"
	      "Shows and changes what portreeved, the UPnP gateway, lets in.\n\nVerbs:\n",
	    stdout);
	for (v = ctl_verbs; v->name; v++) {
		snprintf(left, sizeof(left), "%s %s", v->name, v->words);
		printf("  %-28s%s%s\n", left,
		    strlen(left) >= 28 ? "\n                              " : "", v->help);
	}
	fputs("\nOptions:\n", stdout);
	for (o = ctl_options; o->name; o++) {
		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value ? " " : "",
		    o->value ? o->value : "");
		printf("  %-28s%s\n", left, o->help);
	}
	fputs("\nExit status: 0 done, 1 refused or not found, 2 usage, 3 daemon not reachable;\n"
	      "audit, doctor: 0 all is well, 1 warnings, 2 what is critical or fails.\n",
	    stdout);
}

/* The words and options of the command line. CTL_OK, or CTL_USAGE after saying why. */
static enum ctl_exit
parse_options(struct command_line *cl, int argc, char **argv)
{
	struct option longs[OPTIONS_MAX + 1] = { { 0 } };
	size_t i;
	int c;

	for (i = 0; i < OPTIONS_MAX && ctl_options[i].name; i++) {
		longs[i].name = ctl_options[i].name;
		longs[i].has_arg = ctl_options[i].value ? required_argument : no_argument;
		longs[i].val = (int)i;
	}
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == '?')
			return ctl_usage("there is no option \"%s\"", argv[optind - 1]);
		if (c == ':')
			return ctl_usage("\"%s\" needs a value", argv[optind - 1]);
		cl->values[c] = optarg ? optarg : "";
	}
	cl->n_words = argc - optind;
	cl->words = argv + optind;
	return CTL_OK;
}

/* The verb, with as many words and only such options as it takes. */
static enum ctl_exit
parse_verb(struct command_line *cl)
{
	const struct ctl_verb *v;
	size_t i;

	if (cl->n_words == 0)
		return ctl_usage("what shall be done? Name a verb");
	for (v = ctl_verbs; v->name; v++)
		if (strcmp(v->name, cl->words[0]) == 0)
			break;
	if (!v->name)
		return ctl_usage("there is no verb \"%s\"", cl->words[0]);
	cl->verb = v;
	cl->n_words--;
	cl->words++;
	if (cl->n_words < v->min_words || cl->n_words > v->max_words)
		return ctl_usage(
		    "usage: portreeve %s%s%s", v->name, *v->words ? " " : "", v->words);
	for (i = 0; ctl_options[i].name; i++)
		if (cl->values[i] && ctl_options[i].only_for &&
		    !(ctl_options[i].only_for & v->takes))
			return ctl_usage("--%s does not go with %s", ctl_options[i].name, v->name);
	return CTL_OK;
}

static int
socket_path(const struct command_line *cl, char *path, size_t size)
{
	const char *run_dir = value_of(cl, "run-dir");
	const char *socket = value_of(cl, "socket");
	int n;

	if (socket)
		n = snprintf(path, size, "%s", socket);
	else
		n = snprintf(
		    path, size, "%s/control.sock", run_dir ? run_dir : RUNSTATEDIR "/portreeve");
	return n < 0 || (size_t)n >= size ? -1 : 0;
}

static enum ctl_exit
run(const struct command_line *cl)
{
	struct ctl ctl = {
		.writer = value_of(cl, "json") ? writer_json(stdout, stderr)
					       : writer_text(stdout, stderr),
		.remote = value_of(cl, "remote"),
		.lease = value_of(cl, "lease"),
		.description = value_of(cl, "description"),
		.since = value_of(cl, "since"),
		.of_client = value_of(cl, "client"),
		.port = value_of(cl, "port"),
		.result = value_of(cl, "result"),
		.to = value_of(cl, "to"),
		.last = value_of(cl, "last"),
		.proto = value_of(cl, "proto"),
		.origin = value_of(cl, "origin"),
		.sort = value_of(cl, "sort"),
		.config = value_of(cl, "config"),
		.unused = value_of(cl, "unused") != NULL,
		.live = value_of(cl, "watch") != NULL,
		.json = value_of(cl, "json") != NULL,
		.drops = value_of(cl, "drops") != NULL,
		.n_words = cl->n_words,
		.words = cl->words,
	};
	enum ctl_exit rc;
	char path[4096];

	if (socket_path(cl, path, sizeof(path)) < 0)
		return ctl_usage("the socket's path is too long");
	ctl.socket = path;
	rc = cl->verb->run(&ctl);
	client_close(ctl.client);
	return rc;
}

int
main(int argc, char **argv)
{
	struct command_line cl = { .verb = NULL };
	enum ctl_exit rc;

	rc = parse_options(&cl, argc, argv);
	if (rc != CTL_OK)
		return rc;
	if (value_of(&cl, "help")) {
		print_help();
	} else if (value_of(&cl, "version")) {
		puts("portreeve " PACKAGE_VERSION);
	} else {
		rc = parse_verb(&cl);
		if (rc == CTL_OK)
			rc = run(&cl);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fputs("portreeve: the output cannot be written\n", stderr);
		return CTL_REFUSED;
	}
	return rc;
}
