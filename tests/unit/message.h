/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A message for tests of what the kernel folder writes and reads. */
#ifndef PORTREEVE_TESTS_MESSAGE_H
#define PORTREEVE_TESTS_MESSAGE_H

#include <libmnl/libmnl.h>

/* Some message of nfnetlink with nothing in it but headers; the same memory each time. */
struct nlmsghdr *message(void);

/* Its first attribute of @type, or NULL. */
const struct nlattr *message_attr(const struct nlmsghdr *nlh, uint16_t type);

#endif
