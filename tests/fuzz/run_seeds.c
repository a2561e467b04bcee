/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzzer on each file of a directory, on every beginning of it, and on copies with single
 * octets changed by a generator with a fixed seed: the same on every run.
 */
#include "config.h"

#include "fuzz.h"

#include <dirent.h>
#include <string.h>

#define SEED_MAX 65536
#define CHANGES 2000

static uint64_t state = 1;

static uint32_t
next_random(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33);
}

/* In a block of its own, so that ASan sees a step past the end. */
static void
try_octets(const char *data, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);

	FUZZ_ASSERT(exact);
	memcpy(exact, data, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

static void
try_seed(const char *data, size_t len)
{
	static char copy[SEED_MAX];
	size_t i;

	for (i = 0; i <= len; i++)
		try_octets(data, i);
	for (i = 0; i < CHANGES && len > 0; i++) {
		memcpy(copy, data, len);
		copy[next_random() % len] = (char)next_random();
		copy[next_random() % len] = "\r\n :<>\"#\0/"[next_random() % 11];
		try_octets(copy, len);
	}
}

static int
run_file(const char *dir, const char *name)
{
	static char data[SEED_MAX];
	char path[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f) {
		perror(path);
		return -1;
	}
	len = fread(data, 1, sizeof(data), f);
	fclose(f);
	try_seed(data, len);
	return 0;
}

int
main(void)
{
	DIR *dir = opendir(SEEDS);
	struct dirent *entry;
	int passed = 0, failed = 0;

	if (!dir) {
		perror(SEEDS);
		return EXIT_FAILURE;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (run_file(SEEDS, entry->d_name) == 0)
			passed++;
		else
			failed++;
	}
	closedir(dir);
	printf("%s: %d passed, %d failed\n", SUITE, passed, failed);
	return passed > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
