/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libc's own functions behind those that guard.c puts in their place. gate.c and courier.c make
 * their system calls through these, since by name they would come back to the guard.
 */
#ifndef PORTREEVE_WORKER_UPNP_LIBC_CALLS_H
#define PORTREEVE_WORKER_UPNP_LIBC_CALLS_H

#include <ifaddrs.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/utsname.h>

struct libc_calls {
	int (*socket)(int domain, int type, int protocol);
	int (*bind)(int fd, const struct sockaddr *addr, socklen_t len);
	int (*listen)(int fd, int backlog);
	int (*accept)(int fd, struct sockaddr *addr, socklen_t *len);
	int (*connect)(int fd, const struct sockaddr *addr, socklen_t len);
	int (*getsockname)(int fd, struct sockaddr *addr, socklen_t *len);
	int (*setsockopt)(int fd, int level, int option, const void *value, socklen_t len);
	ssize_t (*recv)(int fd, void *buf, size_t len, int flags);
	ssize_t (*recvfrom)(
	    int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addr_len);
	ssize_t (*send)(int fd, const void *buf, size_t len, int flags);
	ssize_t (*sendto)(int fd, const void *buf, size_t len, int flags,
	    const struct sockaddr *addr, socklen_t addr_len);
	int (*select)(int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout);
	int (*close)(int fd);
	int (*ioctl)(int fd, unsigned long request, void *arg);
	int (*getifaddrs)(struct ifaddrs **list);
	void (*freeifaddrs)(struct ifaddrs *list);
	int (*getaddrinfo)(const char *node, const char *service, const struct addrinfo *hints,
	    struct addrinfo **result);
	FILE *(*fopen)(const char *path, const char *mode);
	int (*uname)(struct utsname *name);
};

/* Found on first use; ends the process if one is missing, since nothing could be trusted then. */
const struct libc_calls *libc_calls(void);

#endif
