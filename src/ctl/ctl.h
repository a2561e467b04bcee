/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portreeve, the CLI: what its verbs share. A verb turns its words into a request, sends it with
 * client.c and hands the answer to the writer.
 */
#ifndef PORTREEVE_CTL_CTL_H
#define PORTREEVE_CTL_CTL_H

#include <stdbool.h>

#include "ctl/client.h"
#include "ctl/writer.h"
#include "lib/addr.h"

/* Exit status, documented in portreeve(1). */
enum ctl_exit {
	CTL_OK = 0,
	CTL_REFUSED = 1,     /* or not found */
	CTL_USAGE = 2,       /* the command line makes no sense */
	CTL_UNREACHABLE = 3, /* no daemon, no permission, no sensible answer */
	/* of "audit" alone, as monitoring knows them */
	CTL_AUDIT_WARNINGS = 1,
	CTL_AUDIT_CRITICAL = 2,
};

/* Options that only some verbs take; the others go with every verb. */
enum ctl_takes {
	CTL_TAKES_REMOTE = 1,
	CTL_TAKES_LEASE = 2,
	CTL_TAKES_DESCRIPTION = 4,
	CTL_TAKES_TRAIL = 8, /* the filters of the audit trail */
	CTL_TAKES_EXPLAIN = 16,
	CTL_TAKES_WATCH = 1024,
	CTL_TAKES_LIST = 32, /* the filters of the list */
	CTL_TAKES_CONFIG = 64,
};

struct ctl {
	const char *socket;    /* its path */
	struct client *client; /* NULL until the first ctl_ask(): usage comes before reachability */
	struct writer *writer;
	/* the command line; what was not given is NULL */
	const char *remote, *lease, *description;
	const char *since, *of_client, *port, *result;
	const char *to, *last;
	const char *proto, *origin, *sort;
	const char *config;
	bool unused, live, json, drops;
	bool quiet;  /* a refusal is not said: what is asked for is only an extra */
	int n_words; /* after the verb */
	char **words;
};

struct ctl_verb {
	const char *name;
	const char *words; /* the synopsis after the name; "" when it takes none */
	const char *help;
	unsigned takes; /* enum ctl_takes */
	int min_words, max_words;
	enum ctl_exit (*run)(struct ctl *ctl);
};

struct ctl_option {
	const char *name;  /* without the dashes */
	const char *value; /* what stands for its argument; NULL: takes none */
	const char *help;
	unsigned only_for; /* enum ctl_takes; 0: goes with every verb */
};

/* verbs.c; both end with an entry whose name is NULL. */
extern const struct ctl_verb ctl_verbs[];
extern const struct ctl_option ctl_options[];

/* show.c: verbs that read. */
enum ctl_exit show_status(struct ctl *ctl);
enum ctl_exit show_one(struct ctl *ctl);
enum ctl_exit show_watch(struct ctl *ctl);
enum ctl_exit show_metrics(struct ctl *ctl);

/* drops.c: "watch --drops" */
enum ctl_exit drops_run(struct ctl *ctl);

/* explain.c */
enum ctl_exit explain_run(struct ctl *ctl);

/* list.c: the verb that reads all. */
enum ctl_exit list_run(struct ctl *ctl);

/* audit.c: the verb that looks back. */
enum ctl_exit audit_run(struct ctl *ctl);

/* All rows that the request @filters is about, onto the end of @all. CTL_OK, or what is wrong was
 * said. */
enum ctl_exit audit_read_trail(struct ctl *ctl, const json_t *filters, json_t *all);

/* probe.c: asks the daemon and the LANs. Its status is 0, 1 for warnings or 2 for failures. */
enum ctl_exit doctor_run(struct ctl *ctl);

/* change.c: verbs that alter. */
enum ctl_exit change_add(struct ctl *ctl);
enum ctl_exit change_delete(struct ctl *ctl);
enum ctl_exit change_reload(struct ctl *ctl);

/* share.c: the verb that writes the configuration. */
enum ctl_exit share_run(struct ctl *ctl);

/*
 * Connects where that is not done yet, sends @request (taken over) and waits for the answer. CTL_OK
 * with *@answer, a new reference; else the writer has said what is wrong.
 */
enum ctl_exit ctl_ask(struct ctl *ctl, json_t *request, json_t **answer);

/* Says that an answer is none we know. Returns CTL_UNREACHABLE. */
enum ctl_exit ctl_not_understood(struct ctl *ctl);

/* Says what is wrong with the command line. Returns CTL_USAGE. */
enum ctl_exit ctl_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Whole decimal number in the range; anything else is told with @what. 0 or -EINVAL. */
int ctl_parse_number(
    const char *text, const char *what, uint32_t min, uint32_t max, uint32_t *value);

/* ---- words.c: NULL or -EINVAL after saying what is wrong ---- */

/* "TCP" or "UDP". */
const char *ctl_parse_protocol(const char *word);

/* "192.168.1.7" or "192.168.1.7:80"; without a port *@port stays. */
int ctl_parse_inside(const char *word, char addr[ADDR4_STRLEN], uint32_t *port);

/* An address; NULL is right, too. */
int ctl_parse_remote(const char *word);

#endif
