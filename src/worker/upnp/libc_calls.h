/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libc's own functions behind those that guard.c and threads.c put in their place. gate.c and
 * courier.c make their system calls through these, since by name they would come back to the guard.
 */
#ifndef PORTREEVE_WORKER_UPNP_LIBC_CALLS_H
#define PORTREEVE_WORKER_UPNP_LIBC_CALLS_H

#include <ifaddrs.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/utsname.h>

/*
 * Declares and begins the definition of what takes the place of libc's NAME. By its assembler name,
 * so that neither the headers' attributes and unions nor their inline versions get in the way.
 */
#define BORDER(type, name, ...)                                                                    \
	type border_##name(__VA_ARGS__) __asm__(#name)                                             \
	    __attribute__((used, visibility("default")));                                          \
	type border_##name(__VA_ARGS__)

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
	int (*pthread_cond_signal)(pthread_cond_t *cond);
	int (*pthread_cond_wait)(pthread_cond_t *cond, pthread_mutex_t *mutex);
	int (*pthread_cond_timedwait)(
	    pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until);
	int (*pthread_mutex_lock)(pthread_mutex_t *mutex);
	int (*pthread_mutex_unlock)(pthread_mutex_t *mutex);
	int (*pthread_setschedparam)(pthread_t thread, int policy, const struct sched_param *param);
	int (*sched_get_priority_min)(int policy);
	int (*sched_get_priority_max)(int policy);
};

/* One of ours, of BORDER(), beside the name that it is to be found by. */
struct libc_border {
	const char *name;
	void (*ours)(void);
};
#define LIBC_BORDER(function)                                                                      \
	{                                                                                          \
		.name = #function, .ours = (void (*)(void))border_##function                       \
	}

/* The name of the first of @n that an undefined reference in a shared library is not resolved to,
 * or NULL: all are ours. */
const char *libc_calls_unbound(const struct libc_border *border, size_t n);

/* Found on first use; ends the process if one is missing, since nothing could be trusted then. */
const struct libc_calls *libc_calls(void);

#endif
