/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit for people: two verbs of struct writer, see writer.h. */
#ifndef PORTREEVE_CTL_WRITER_AUDIT_H
#define PORTREEVE_CTL_WRITER_AUDIT_H

#include "ctl/writer.h"

int writer_audit_trail(struct writer *w, json_t *rows);
int writer_audit_findings(struct writer *w, json_t *report);

#endif
