/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of portreeved. */
#ifndef PORTREEVE_SUPERVISOR_OPTIONS_H
#define PORTREEVE_SUPERVISOR_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>

#include "config/conf.h"

#define EXIT_USAGE 2

/* The long ones; a test compares the manual page with them. */
extern const struct option options_long[];

struct options {
	const char *conf_path; /* NULL: the default one, if it is there */
	const char *run_dir;
	const char *state_dir;
	struct conf_overrides over; /* -o, and --lan, --wan, --log-level as such */
	bool check_config;
	bool print_config;
};

/*
 * Fills @opt, which points into @argv and to memory that lives as long as the process. Prints and
 * ends the process on --help and --version (status 0) and on a mistake (EXIT_USAGE, with what is
 * legal).
 */
void options_parse(struct options *opt, int argc, char **argv);

#endif
