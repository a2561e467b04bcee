/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules do and did ("explain", "reload"), for people: struct writer's verbs, see writer.h. */
#ifndef PORTREEVE_CTL_WRITER_EXPLAIN_H
#define PORTREEVE_CTL_WRITER_EXPLAIN_H

#include "ctl/writer.h"

int writer_explain(struct writer *w, json_t *explanation);
int writer_reload(struct writer *w, json_t *report);

#endif
