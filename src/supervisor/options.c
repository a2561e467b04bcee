/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "supervisor/options.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPT_LAN = 256,
	OPT_WAN,
	OPT_RUN_DIR,
	OPT_STATE_DIR,
	OPT_LOG_LEVEL,
	OPT_FOREGROUND,
	OPT_CHECK_CONFIG,
	OPT_PRINT_CONFIG,
	OPT_VERSION,
	OPT_HELP,
};

const struct option options_long[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "lan", required_argument, NULL, OPT_LAN },
	{ "wan", required_argument, NULL, OPT_WAN },
	{ "option", required_argument, NULL, 'o' },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "run-dir", required_argument, NULL, OPT_RUN_DIR },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "foreground", no_argument, NULL, OPT_FOREGROUND },
	{ "check-config", no_argument, NULL, OPT_CHECK_CONFIG },
	{ "print-config", no_argument, NULL, OPT_PRINT_CONFIG },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

static const char help[] =
    "Usage: portreeved [OPTION]...\n"
    "\n"
    "The gateway side of UPnP IGD: programs on the LAN ask for a port to be opened, the policy\n"
    "decides, the kernel does it. Stays in the foreground and logs to standard error.\n"
    "\n"
    "  -c, --config FILE       read FILE instead of " CONF_PATH "\n"
    "      --wan IF            the interface towards the Internet; default: the default route's\n"
    "      --lan IF            serve this interface; may be repeated; default: every other one\n"
    "                          with a private address\n"
    "  -o, --option KEY=VALUE  set any key of the configuration; may be repeated\n"
    "      --log-level LEVEL   error, warn, info or debug\n"
    "      --run-dir DIR       sockets and the pid file; default " RUNSTATEDIR "/portreeve\n"
    "      --state-dir DIR     what survives a reboot; default " LOCALSTATEDIR "/lib/portreeve\n"
    "      --foreground        as always\n"
    "      --check-config      read the configuration, say what is wrong with it, and end\n"
    "      --print-config      print every key with its present value, and end\n"
    "      --version           print the version, and end\n"
    "      --help              print this, and end\n"
    "\n"
    "Signals: SIGTERM and SIGINT end it within a second, SIGHUP reads the configuration again.\n"
    "Exit status: 0 ended as told, 1 failed, 2 wrong options.\n";

static const char legal[] =
    "-c FILE, --wan IF, --lan IF, -o KEY=VALUE, --log-level LEVEL, --run-dir DIR, --state-dir DIR, "
    "--foreground, --check-config, --print-config, --version, --help";

static void
add_override(struct options *opt, const char *item)
{
	const char **items =
	    reallocarray(opt->over.items, opt->over.n + 1, sizeof(*opt->over.items));

	if (!items)
		err(EXIT_FAILURE, "options");
	items[opt->over.n++] = item;
	opt->over.items = items;
}

/* --lan eth1 is -o lan=eth1: one place checks both. */
static void
add_key(struct options *opt, const char *key, const char *value)
{
	char *item;

	if (asprintf(&item, "%s=%s", key, value) < 0)
		err(EXIT_FAILURE, "options");
	add_override(opt, item);
}

static const char *
directory(const char *name, const char *value)
{
	if (!*value)
		errx(EXIT_USAGE, "%s: is empty; legal: the path of a directory", name);
	return value;
}

static void
wrong_option(int what, char **argv)
{
	const char *arg = argv[optind - 1];

	if (what == ':')
		errx(EXIT_USAGE, "%s: needs a value; legal: %s", arg, legal);
	if (optopt && optopt < 256 && strncmp(arg, "--", 2) != 0)
		errx(EXIT_USAGE, "-%c: no such option; legal: %s", optopt, legal);
	errx(EXIT_USAGE, "%s: no such option; legal: %s", arg, legal);
}

static void
take_option(struct options *opt, int what, char *value)
{
	switch (what) {
	case 'c':
		opt->conf_path = value;
		break;
	case 'o':
		add_override(opt, value);
		break;
	case OPT_LAN:
		add_key(opt, "lan", value);
		break;
	case OPT_WAN:
		add_key(opt, "wan", value);
		break;
	case OPT_LOG_LEVEL:
		add_key(opt, "log_level", value);
		break;
	case OPT_RUN_DIR:
		opt->run_dir = directory("--run-dir", value);
		break;
	case OPT_STATE_DIR:
		opt->state_dir = directory("--state-dir", value);
		break;
	case OPT_FOREGROUND:
		break;
	case OPT_CHECK_CONFIG:
		opt->check_config = true;
		break;
	case OPT_PRINT_CONFIG:
		opt->print_config = true;
		break;
	case OPT_VERSION:
		puts("portreeved " PACKAGE_VERSION);
		exit(EXIT_SUCCESS);
	case OPT_HELP:
		fputs(help, stdout);
		exit(EXIT_SUCCESS);
	}
}

void
options_parse(struct options *opt, int argc, char **argv)
{
	int what;

	memset(opt, 0, sizeof(*opt));
	opt->run_dir = RUNSTATEDIR "/portreeve";
	opt->state_dir = LOCALSTATEDIR "/lib/portreeve";
	opterr = 0;
	while ((what = getopt_long(argc, argv, ":c:o:", options_long, NULL)) != -1) {
		if (what == '?' || what == ':')
			wrong_option(what, argv);
		take_option(opt, what, optarg);
	}
	if (optind < argc)
		errx(EXIT_USAGE, "%s: unexpected; legal: %s", argv[optind], legal);
}
