/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run while building: "portreeve-completion bash|zsh" prints what that shell completes, made from
 * the tables of verbs and options. Both get the same functions, in words that both understand, and
 * differ in how they ask them.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

/* What the shells make of a placeholder; one that is not here can be anything, so nothing is
 * proposed. Words with an @ are for expansion by the shell's part below. */
static const struct {
	const char *placeholder, *proposals;
} proposals[] = {
	{ "PROTO", "tcp udp" },
	{ "ID", "@id" },
	{ "pID", "" }, /* stands beside ID, whose list has both */
	{ "PATH", "@file" },
	{ "FILE", "@file" },
	{ "DIR", "@dir" },
	{ "RESULT", "ok refused expired" },
	{ "ORIGIN", "upnp static config" },
	{ "KEY", "id port inside client left created used" },
};

/* A word of a synopsis as what may stand for it: itself, or the proposals for its placeholder. */
static void
print_proposals(const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(proposals) / sizeof(proposals[0]); i++) {
		if (strlen(proposals[i].placeholder) == len &&
		    strncmp(proposals[i].placeholder, word, len) == 0) {
			printf(" %s", proposals[i].proposals);
			return;
		}
	}
	if (islower((unsigned char)*word))
		printf(" %.*s", (int)len, word);
}

/*
 * The @n-th word (from 0) of each alternative of a synopsis: "ID | PROTO EXT_PORT" has ID and PROTO
 * at 0 and EXT_PORT at 1. What may be left out stands in brackets.
 */
static void
print_nth(const char *synopsis, int n)
{
	const char *p = synopsis, *end;
	int at = 0;

	while (*p) {
		p += strspn(p, " []");
		end = p + strcspn(p, " []|");
		if (end > p && at++ == n)
			print_proposals(p, (size_t)(end - p));
		p = end + strspn(end, " []");
		if (*p == '|') {
			at = end == p ? at - 1 : 0; /* "a|b" is one word, "a | b" two ways */
			p++;
		}
	}
}

static void
print_words(void)
{
	const struct ctl_verb *v;
	int n;

	fputs("# _portreeve_words VERB N: what may stand as its word N\n"
	      "_portreeve_words()\n{\n\tcase $1:$2 in\n",
	    stdout);
	for (v = ctl_verbs; v->name; v++) {
		for (n = 0; n < v->max_words; n++) {
			printf("\t%s:%d) echo \"", v->name, n + 1);
			print_nth(v->words, n);
			puts("\" ;;");
		}
	}
	fputs("\tesac\n}\n\n", stdout);
}

static void
print_options(void)
{
	const struct ctl_option *o;
	const struct ctl_verb *v;

	fputs("# _portreeve_options VERB: those that go with it; with none, those that go alone\n"
	      "_portreeve_options()\n{\n\tcase $1 in\n",
	    stdout);
	for (v = ctl_verbs; v->name; v++) {
		printf("\t%s) echo \"", v->name);
		for (o = ctl_options; o->name; o++)
			if (!o->only_for || (o->only_for & v->takes))
				printf(" --%s", o->name);
		puts("\" ;;");
	}
	fputs("\t\"\") echo \"", stdout);
	for (o = ctl_options; o->name; o++)
		if (!o->only_for)
			printf(" --%s", o->name);
	fputs("\" ;;\n\tesac\n}\n\n", stdout);
}

static void
print_values(void)
{
	const struct ctl_option *o;

	fputs("# _portreeve_value OPTION: what its value may be; nothing where it has none\n"
	      "_portreeve_value()\n{\n\tcase $1 in\n",
	    stdout);
	for (o = ctl_options; o->name; o++) {
		if (!o->value)
			continue;
		printf("\t--%s) echo \"@value", o->name);
		print_nth(o->value, 0);
		puts("\" ;;");
	}
	fputs("\tesac\n}\n\n", stdout);
}

/* Fit for single quotes in a shell, and for zsh, which ends a name at a colon. */
static void
print_quoted(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			printf("%s%c", *text == ':' ? "\\" : "", *text);
	}
}

static void
print_verbs(void)
{
	const struct ctl_verb *v;

	fputs("_portreeve_verbs()\n{\n\techo \"", stdout);
	for (v = ctl_verbs; v->name; v++)
		printf(" %s", v->name);
	fputs("\"\n}\n\n", stdout);
}

static void
print_described_verbs(void)
{
	const struct ctl_verb *v;

	fputs("_portreeve_described=(\n", stdout);
	for (v = ctl_verbs; v->name; v++) {
		printf("\t'%s:", v->name);
		print_quoted(v->help);
		puts("'");
	}
	fputs(")\n\n", stdout);
}

static const char common[] =
    "# _portreeve_next WORD...: what may stand after these words of a command line\n"
    "_portreeve_next()\n"
    "{\n"
    "\tlocal word verb='' n=1 value=''\n"
    "\tfor word; do\n"
    "\t\tcase $word in\n"
    "\t\t=) ;;\n"
    "\t\t--*=*) ;;\n"
    "\t\t*)\n"
    "\t\t\tif [ -n \"$value\" ]; then\n"
    "\t\t\t\tvalue=\n"
    "\t\t\telif [ \"${word#-}\" != \"$word\" ]; then\n"
    "\t\t\t\tvalue=$(_portreeve_value \"$word\")\n"
    "\t\t\telif [ -z \"$verb\" ]; then\n"
    "\t\t\t\tverb=$word\n"
    "\t\t\telse\n"
    "\t\t\t\tn=$((n + 1))\n"
    "\t\t\tfi\n"
    "\t\t\t;;\n"
    "\t\tesac\n"
    "\tdone\n"
    "\tif [ -n \"$value\" ]; then\n"
    "\t\techo \"$value\"\n"
    "\telif [ -z \"$verb\" ]; then\n"
    "\t\techo \"@verb $(_portreeve_options \"\")\"\n"
    "\telse\n"
    "\t\techo \"$(_portreeve_words \"$verb\" $n) $(_portreeve_options \"$verb\")\"\n"
    "\tfi\n"
    "}\n"
    "\n"
    "# _portreeve_ids PROGRAM WORD...: of the mappings and pinholes of the daemon these words "
    "name\n"
    "_portreeve_ids()\n"
    "{\n"
    "\tlocal program=$1 option=--run-dir value='' last='' word\n"
    "\tshift\n"
    "\tfor word; do\n"
    "\t\tcase $last:$word in\n"
    "\t\t*:--run-dir=* | *:--socket=*) option=${word%%=*} value=${word#*=} ;;\n"
    "\t\t--run-dir:* | --socket:*) option=$last value=$word ;;\n"
    "\t\tesac\n"
    "\t\t[ \"$word\" = \"=\" ] || last=$word\n"
    "\tdone\n"
    "\t\"$program\" list ${value:+\"$option=$value\"} 2>/dev/null |\n"
    "\t\tawk '$1 ~ /^p?[0-9]+$/ { print $1 }'\n"
    "}\n"
    "\n";

static const char bash[] =
    "_portreeve()\n"
    "{\n"
    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} proposal list=\n"
    "\tlocal before=(\"${COMP_WORDS[@]:1:COMP_CWORD-1}\")\n"
    "\t[ \"$cur\" != = ] || cur=\n"
    "\tCOMPREPLY=()\n"
    "\tfor proposal in $(_portreeve_next \"${before[@]}\"); do\n"
    "\t\tcase $proposal in\n"
    "\t\t@verb) list+=\" $(_portreeve_verbs)\" ;;\n"
    "\t\t@id) list+=\" $(_portreeve_ids \"$1\" \"${before[@]}\")\" ;;\n"
    "\t\t@file | @dir)\n"
    "\t\t\tcompopt -o filenames 2>/dev/null\n"
    "\t\t\tmapfile -t COMPREPLY < <(compgen -\"${proposal:1:1}\" -- \"$cur\")\n"
    "\t\t\t;;\n"
    "\t\t@*) ;;\n"
    "\t\t-*) [ \"${cur#-}\" = \"$cur\" ] || list+=\" $proposal\" ;;\n"
    "\t\t*) list+=\" $proposal\" ;;\n"
    "\t\tesac\n"
    "\tdone\n"
    "\t[ -z \"$list\" ] || mapfile -t COMPREPLY < <(compgen -W \"$list\" -- \"$cur\")\n"
    "}\n"
    "\n"
    "complete -F _portreeve portreeve\n";

static const char zsh[] = "_portreeve()\n"
			  "{\n"
			  "\tlocal proposal\n"
			  "\tlocal -a before list\n"
			  "\tbefore=(\"${(@)words[2,CURRENT-1]}\")\n"
			  "\tfor proposal in ${=\"$(_portreeve_next $before)\"}; do\n"
			  "\t\tcase $proposal in\n"
			  "\t\t@verb) _describe verb _portreeve_described ;;\n"
			  "\t\t@id) list+=(${(f)\"$(_portreeve_ids $words[1] $before)\"}) ;;\n"
			  "\t\t@file) _files ;;\n"
			  "\t\t@dir) _files -/ ;;\n"
			  "\t\t@*) ;;\n"
			  "\t\t-*) [[ $PREFIX != -* ]] || list+=($proposal) ;;\n"
			  "\t\t*) list+=($proposal) ;;\n"
			  "\t\tesac\n"
			  "\tdone\n"
			  "\tcompadd -a list\n"
			  "}\n"
			  "\n"
			  "_portreeve \"$@\"\n";

int
main(int argc, char **argv)
{
	bool for_zsh = argc == 2 && strcmp(argv[1], "zsh") == 0;

	if (!for_zsh && (argc != 2 || strcmp(argv[1], "bash") != 0)) {
		fputs("usage: portreeve-completion bash|zsh\n", stderr);
		return EXIT_FAILURE;
	}
	if (for_zsh)
		fputs("#compdef portreeve\n", stdout);
	printf("# %s completion for portreeve(1), made from the program's own tables\n\n", argv[1]);
	print_verbs();
	print_words();
	print_options();
	print_values();
	fputs(common, stdout);
	if (for_zsh)
		print_described_verbs();
	fputs(for_zsh ? zsh : bash, stdout);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
