/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests on the real kernel share: a struct nft in a network namespace of its own, and the
 * shell, by which nft(8) plays the stranger.
 */
#ifndef PORTREEVE_TESTS_KERNEL_LAB_H
#define PORTREEVE_TESTS_KERNEL_LAB_H

#include "kernel/nft.h"
#include "kernel/nft_probe.h"
#include "unit.h"

/* 203.0.113.1 on wan0; the peer is 203.0.113.9 */
#define WAN_ADDR 0xcb007101

extern const struct nft_caps all_caps;   /* that the running kernel has, too */
extern const struct nft_caps old_kernel; /* the ways that any kernel knows */

struct fixture {
	struct nft_config config;
	struct nft *nft;
	struct nft_mapping *wanted;
	size_t n;
};

/*
 * For main(): runs @tests, each of which makes network namespaces of its own. Skipped where that is
 * not permitted, or where @tools (a shell command) fails.
 */
int kernel_lab_run(const char *suite, const struct unit_test *tests, const char *tools);

/* A fresh network namespace, and a struct nft in it that makes use of @caps only. */
void fixture_init(struct fixture *f, bool own_table, const struct nft_caps *caps);
void fixture_exit(struct fixture *f);

/* The daemon ends, and begins anew with f->config. The table stays. */
void stop(struct fixture *f);
void start(struct fixture *f, const struct nft_caps *caps);

/* One of many mappings, all different. want: the first @n of them are to be there after sync_now(),
 * which is nft->sync(). */
struct nft_mapping mapping(uint32_t id);
void want(struct fixture *f, size_t n);
int sync_now(struct fixture *f);

/* Two changes in one transaction, both of @m. 0 or -errno. */
int apply(struct fixture *f, enum nft_op op, enum nft_op source_op, const struct nft_mapping *m);

/* Waits for the next foreign change to our table. 1, 0 when there is none, or -errno. */
int watch(struct fixture *f, struct nft_culprit *culprit);

/* Exit status of a shell command, its output hidden. */
int sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* First line of what a shell command prints, until the next call. */
const char *output(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Elements of ours in a map or set. */
int count(const char *set);

#endif
