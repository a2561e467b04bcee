/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns the table of libc's functions; constant once found. */
#include "config.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "worker/upnp/libc_calls.h"

static struct libc_calls calls;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Object and function pointers have the same form wherever dlsym() exists (POSIX). */
static void
find(const char *name, void *slot)
{
	void *address = dlsym(RTLD_NEXT, name);

	if (!address) {
		log_error("no %s() behind ours: %s", name, dlerror());
		abort();
	}
	memcpy(slot, &address, sizeof(address));
}

static void
find_all(void)
{
	find("socket", &calls.socket);
	find("bind", &calls.bind);
	find("listen", &calls.listen);
	find("accept", &calls.accept);
	find("connect", &calls.connect);
	find("getsockname", &calls.getsockname);
	find("setsockopt", &calls.setsockopt);
	find("recv", &calls.recv);
	find("recvfrom", &calls.recvfrom);
	find("send", &calls.send);
	find("sendto", &calls.sendto);
	find("select", &calls.select);
	find("close", &calls.close);
	find("ioctl", &calls.ioctl);
	find("getifaddrs", &calls.getifaddrs);
	find("freeifaddrs", &calls.freeifaddrs);
	find("getaddrinfo", &calls.getaddrinfo);
	find("fopen", &calls.fopen);
	find("uname", &calls.uname);
	find("pthread_cond_signal", &calls.pthread_cond_signal);
	find("pthread_cond_wait", &calls.pthread_cond_wait);
	find("pthread_cond_timedwait", &calls.pthread_cond_timedwait);
	find("pthread_mutex_lock", &calls.pthread_mutex_lock);
	find("pthread_mutex_unlock", &calls.pthread_mutex_unlock);
	find("pthread_setschedparam", &calls.pthread_setschedparam);
	find("sched_get_priority_min", &calls.sched_get_priority_min);
	find("sched_get_priority_max", &calls.sched_get_priority_max);
}

const struct libc_calls *
libc_calls(void)
{
	pthread_once(&once, find_all);
	return &calls;
}

const char *
libc_calls_unbound(const struct libc_border *border, size_t n)
{
	void (*found)(void);
	void *address;
	size_t i;

	for (i = 0; i < n; i++) {
		address = dlsym(RTLD_DEFAULT, border[i].name);
		memcpy(&found, &address, sizeof(found));
		if (found != border[i].ours)
			return border[i].name;
	}
	return NULL;
}
