/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines: "LEVEL PROGRAM: text" to stderr, which systemd and the supervisor's caller keep; with
 * the journal's <N> priority prefix when stderr is the journal ($JOURNAL_STREAM), or to syslog.
 *
 * error: a human must act. warn: odd, and we go on. info: a lease came or went. debug: by topic.
 * Thread-safe: a line is written by one write(2).
 */
#ifndef PORTREEVE_LIB_LOG_H
#define PORTREEVE_LIB_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* @program (kept, not copied) names this process in each line. */
void log_open(const char *program, enum log_level level);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* "error", "warn", "info", "debug". 0 or -EINVAL. */
int log_level_parse(const char *text, enum log_level *level);
const char *log_level_str(enum log_level level);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
