/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What "explain" found, for people: struct writer's verb, see writer.h. */
#ifndef PORTREEVE_CTL_WRITER_EXPLAIN_H
#define PORTREEVE_CTL_WRITER_EXPLAIN_H

#include "ctl/writer.h"

int writer_explain(struct writer *w, json_t *explanation);

#endif
