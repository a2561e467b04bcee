/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzzer is one function that must survive any octets; what must hold beyond that it asserts with
 * FUZZ_ASSERT. Built by libFuzzer with --enable-fuzzing (clang), and with run_seeds.c as a plain
 * test that runs the seeds and their mutilations.
 */
#ifndef PORTREEVE_TESTS_FUZZ_H
#define PORTREEVE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_ASSERT(what)                                                                          \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #what);   \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
