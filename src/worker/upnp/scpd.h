/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a service offers, as its SCPD in xml/ says (UDA 1.0 section 2.3).
 *
 * Control points fetch the document; we check their requests against what was read from it, so the
 * two cannot differ. Constant once read; any thread may look things up.
 */
#ifndef PORTREEVE_WORKER_UPNP_SCPD_H
#define PORTREEVE_WORKER_UPNP_SCPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCPD_DOCUMENT_MAX 65536 /* octets */
#define SCPD_DEPTH_MAX 8
#define SCPD_NAME_MAX 48 /* with the NUL; the standard says 32 letters */
#define SCPD_VALUE_MAX 32
#define SCPD_ACTIONS_MAX 24
#define SCPD_ARGS_MAX 16
#define SCPD_VARS_MAX 40
#define SCPD_VALUES_MAX 12

enum scpd_type { SCPD_STRING, SCPD_BOOLEAN, SCPD_UI2, SCPD_UI4 };

struct scpd_var {
	char name[SCPD_NAME_MAX];
	enum scpd_type type;
	bool evented;
	uint32_t minimum, maximum; /* of numbers: the range, or else the type's limits */
	unsigned nvalues;          /* of strings: 0 is any text */
	char values[SCPD_VALUES_MAX][SCPD_VALUE_MAX];
};

struct scpd_arg {
	char name[SCPD_NAME_MAX];
	bool out;
	char related[SCPD_NAME_MAX];
	const struct scpd_var *var; /* the related one; never NULL */
};

struct scpd_action {
	char name[SCPD_NAME_MAX];
	unsigned nargs;
	struct scpd_arg args[SCPD_ARGS_MAX]; /* those that go in come first */
};

struct scpd {
	unsigned nactions, nvars;
	struct scpd_action actions[SCPD_ACTIONS_MAX];
	struct scpd_var vars[SCPD_VARS_MAX];
};

/*
 * Reads the document @text of @len octets; @name is what a log line calls it. 0, or -EINVAL: not
 * well-formed, a DTD, an element out of place, an unknown related variable, too long or too many
 * of anything; said with its line.
 */
int scpd_parse(struct scpd *scpd, const char *name, const char *text, size_t len);

/* NULL: there is none. */
const struct scpd_action *scpd_action(const struct scpd *scpd, const char *name);
const struct scpd_var *scpd_var(const struct scpd *scpd, const char *name);

/*
 * The action without input that tells the value of @var, and which of its arguments does. NULL:
 * none does.
 */
const struct scpd_action *scpd_getter(
    const struct scpd *scpd, const struct scpd_var *var, unsigned *arg);

#endif
