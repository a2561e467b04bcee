/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "kernel_lab.h"

#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

const struct nft_caps all_caps = { true, true, true, true };
const struct nft_caps old_kernel = { 0 };

int
kernel_lab_run(const char *suite, const struct unit_test *tests, const char *tools)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	log_open("test", LOG_LEVEL_ERROR);
	if (!unit_enter_netns(suite))
		return UNIT_SKIPPED;
	if (sh("%s", tools) != 0) {
		printf("%s: skipped: \"%s\" fails\n", suite, tools);
		return UNIT_SKIPPED;
	}
	return unit_run(suite, tests);
}

int
sh(const char *fmt, ...)
{
	char command[1024], line[1100];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "{ %s; } >/dev/null 2>&1", command);
	return system(line);
}

const char *
output(const char *fmt, ...)
{
	static char line[1024];
	char command[1024];
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	line[0] = '\0';
	f = popen(command, "re");
	if (f && fgets(line, sizeof(line), f))
		line[strcspn(line, "\n")] = '\0';
	if (f)
		pclose(f);
	return line;
}

int
count(const char *set)
{
	return atoi(output("{ nft list map inet portreeve %s || nft list set inet portreeve %s; } "
			   "2>/dev/null | grep -o 'comment \"id ' | wc -l",
	    set, set));
}

static bool
next_mapping(void *arg, const void **cursor, struct nft_mapping *out)
{
	struct fixture *f = arg;
	const struct nft_mapping *m = *cursor;

	m = m ? m + 1 : f->wanted;
	if (!m || m == f->wanted + f->n)
		return false;
	*cursor = m;
	*out = *m;
	return true;
}

int
sync_now(struct fixture *f)
{
	return f->nft->sync(f->nft, next_mapping, f);
}

struct nft_mapping
mapping(uint32_t id)
{
	return (struct nft_mapping){
		.id = id,
		.internal_client = 0xc0a80100 + id % 200 + 2,
		.external_port = (uint16_t)(1024 + id),
		.internal_port = (uint16_t)(1024 + id),
		.protocol = id % 2 ? IPPROTO_TCP : IPPROTO_UDP,
		.keep_source = true,
		.timeout_ms = 3600000,
	};
}

void
want(struct fixture *f, size_t n)
{
	size_t i;

	f->wanted = realloc(f->wanted, n * sizeof(*f->wanted));
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->wanted);
	for (i = 0; i < n; i++)
		f->wanted[i] = mapping((uint32_t)i + 1);
	f->n = n;
}

void
start(struct fixture *f, const struct nft_caps *caps)
{
	f->nft = nft_new_limited(&f->config, caps);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->nft);
}

void
fixture_init(struct fixture *f, bool own_table, const struct nft_caps *caps)
{
	CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNET), 0);
	*f = (struct fixture){ .config = { .masquerade = true,
				   .own_table = own_table,
				   .worker_uid = 65534,
				   .http_port = 5000 } };
	start(f, caps);
}

void
stop(struct fixture *f)
{
	if (f->nft)
		f->nft->free(f->nft);
	f->nft = NULL;
}

void
fixture_exit(struct fixture *f)
{
	stop(f);
	free(f->wanted);
}

int
apply(struct fixture *f, enum nft_op op, enum nft_op source_op, const struct nft_mapping *m)
{
	const struct nft_change changes[] = { { op, { *m } }, { source_op, { *m } } };

	return f->nft->apply(f->nft, changes, 2);
}

int
watch(struct fixture *f, struct nft_culprit *culprit)
{
	struct pollfd pfd = { .fd = f->nft->watch_fd(f->nft), .events = POLLIN };
	int rc = 0;

	while (rc == 0 && poll(&pfd, 1, 100) > 0)
		rc = f->nft->watch_read(f->nft, culprit);
	return rc;
}
