/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How answers are printed: for people (tables as wide as the terminal; may change) or as JSON (what
 * the daemon said; stable).
 *
 * The verbs that print return 0, or -EPROTO when the object is none that we know. Objects stay the
 * caller's.
 */
#ifndef PORTREEVE_CTL_WRITER_H
#define PORTREEVE_CTL_WRITER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct writer {
	int (*status)(struct writer *w, json_t *status);
	int (*list)(struct writer *w, json_t *mappings, json_t *pinholes); /* all of them */
	int (*mapping)(struct writer *w, json_t *mapping);
	int (*pinhole)(struct writer *w, json_t *pinhole);
	int (*trail)(struct writer *w, json_t *rows); /* all rows that were asked for */
	/* {"findings": [...], "critical": N, "warnings": N, "accepted": N} */
	int (*findings)(struct writer *w, json_t *report);
	/* OpenMetrics text, whole lines, the daemon's own; @answer for programs. */
	int (*metrics)(struct writer *w, json_t *answer, const char *text);
	int (*explain)(struct writer *w, json_t *explanation);
	int (*reload)(struct writer *w, json_t *report); /* what a reload has changed */
	int (*change)(struct writer *w, json_t *change); /* one line of "watch"; flushed */

	/* {"checks": [...], ...}: see doctor.h */
	int (*doctor)(struct writer *w, json_t *doctor);

	/* A verb has done its work: @answer for programs, @text for people. */
	void (*done)(struct writer *w, json_t *answer, const char *text);

	/* The daemon refused, or is not there. */
	void (*error)(struct writer *w, const char *code, const char *message);

	FILE *out, *err;
	unsigned columns; /* of a line for people */
	bool colors;
	bool some;     /* lists are of what passed a filter: an empty one may not say "none" */
	int64_t now_s; /* Unix time, to say how long ago something was */
};

/* Filled, static; good for one at a time. */
struct writer *writer_text(FILE *out, FILE *err);
struct writer *writer_json(FILE *out, FILE *err);

/* For verbs that go on and on: the terminal may have got another width. */
void writer_measure(struct writer *w);

/* A mapping of the daemon's, as a struct. Text belongs to the JSON object. */
struct writer_mapping {
	json_int_t id;
	int enabled;
	const char *protocol;
	int external_port, internal_port;
	const char *remote_host, *client; /* NULL: any; the administrator */
	const char *internal_client;
	json_int_t remaining_s; /* -1: permanent */
	const char *description, *origin;
	const char *created, *last_used; /* NULL: not known; never */
	json_int_t packets, octets;      /* through it, both ways */
};

/* 0 or -EPROTO. */
int writer_unpack_mapping(json_t *json, struct writer_mapping *m);

/* A pinhole of the daemon's. Numbers that are -1: any. */
struct writer_pinhole {
	json_int_t id, remaining_s, packets;
	const char *protocol; /* NULL: protocol_number */
	int protocol_number;
	const char *remote_host; /* NULL: any */
	int remote_port, internal_port;
	const char *internal_client, *client, *origin;
	const char *created, *last_used; /* NULL: not known; never */
};

/* 0 or -EPROTO. */
int writer_unpack_pinhole(json_t *json, struct writer_pinhole *p);

/* A member of an answer that may be missing or null: NULL. It belongs to @json. */
const char *writer_text_of(json_t *json, const char *name);

#define WRITER_TEXT_MAX 2048

/*
 * Text of strangers made fit for a terminal: control characters and the marks that turn the
 * direction of writing become '?', and what is wider than @columns is cut and ends with an
 * ellipsis. Returns @buf.
 */
const char *writer_tame(const char *text, size_t columns, char buf[WRITER_TEXT_MAX]);

/* ---- for people: what the writers of text share ---- */

enum writer_color {
	WRITER_PLAIN,
	WRITER_BOLD,
	WRITER_DIM,
	WRITER_GOOD,
	WRITER_BAD,
	WRITER_ODD,
};

/* What follows has that colour, where there are colours. */
void writer_paint(struct writer *w, enum writer_color color);

/*
 * The words of @text, which is tame, as lines of at most @columns that begin in column @indent;
 * what is before it in the first line is there already. A word that is too long for a line is
 * broken.
 */
void writer_wrap(FILE *out, const char *text, size_t indent, size_t columns);

/* A paragraph: @head as it is, and behind it the text in lines of the terminal's width. The text is
 * made tame. */
void writer_say(struct writer *w, enum writer_color color, const char *head, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
