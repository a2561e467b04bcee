/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portreeve-core, started by portreeved: options, then the order of start and stop. */
#include "config.h"

#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "core/core.h"
#include "lib/log.h"
#include "platform/sandbox.h"

#define USAGE                                                                                      \
	"usage: portreeve-core --run-dir DIR --state-dir DIR [-c FILE] [-o KEY=VALUE]...\n"        \
	"Started by portreeved(8), which is what you want to run.\n"

static _Noreturn void
usage(void)
{
	fputs(USAGE, stderr);
	exit(2);
}

static void
options_parse(struct core_options *opt, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "run-dir", required_argument, NULL, 'r' },
		{ "state-dir", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*opt = (struct core_options){ .over.items = calloc((size_t)argc, sizeof(char *)) };
	if (!opt->over.items)
		exit(EXIT_FAILURE);
	while ((c = getopt_long(argc, argv, "c:o:", longopts, NULL)) != -1) {
		switch (c) {
		case 'c':
			opt->conf_path = optarg;
			break;
		case 'o':
			opt->over.items[opt->over.n++] = optarg;
			break;
		case 'r':
			opt->run_dir = optarg;
			break;
		case 's':
			opt->state_dir = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind != argc || !opt->run_dir || !opt->state_dir)
		usage();
}

/* No core file with others' data; descriptors for the CLI's 32 clients, 16 workers and our own. */
static void
limit_resources(void)
{
	const struct rlimit none = { 0, 0 }, files = { 256, 256 };

	if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_NOFILE, &files) < 0)
		log_warn("resource limits could not be set");
	mallopt(M_ARENA_MAX, 1); /* one thread does the work; a second arena is waste */
}

int
main(int argc, char **argv)
{
	struct core_options opt;
	struct core *core;
	int rc = -1;

	log_open("portreeve-core", LOG_LEVEL_INFO);
	prctl(
	    PR_SET_NAME, "portreeve-core"); /* started by descriptor, older kernels call it "10" */
	options_parse(&opt, argc, argv);
	limit_resources();

	core = core_new(&opt); /* configuration, store, kernel table, monitors, sockets */
	if (core)
		rc = sandbox_enter(SANDBOX_CORE);
	if (rc == 0)
		rc = core_run(core); /* until a signal says stop, or the supervisor is gone */

	core_free(core);
	free(opt.over.items);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
