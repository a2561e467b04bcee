/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns one thread and its connection. The thread touches nothing else of the program. */
#include "core/checkpoint.h"
#include "lib/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STACK_SIZE (256 * 1024)
#define BUSY_MS 200

/*
 * A passive checkpoint lets writers go on, and the log begins anew only once it has caught up with
 * them. Under a load that never pauses it never does, so above this many pages writers are made to
 * wait for the rest, a few milliseconds.
 */
#define LOG_PAGES_MAX 8192

struct checkpoint {
	const char *path;
	int gather_ms;
	sqlite3 *db; /* the thread's alone */
	int last_error;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool stop;         /* under lock */
	atomic_bool dirty; /* set under lock, so that the thread does not miss it */
};

/* Waits until told to stop, or gather_ms. Called and returns with the lock held. */
static void
gather(struct checkpoint *cp)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += cp->gather_ms / 1000;
	until.tv_nsec += cp->gather_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (!cp->stop)
		if (pthread_cond_timedwait(&cp->cond, &cp->lock, &until) == ETIMEDOUT)
			break;
}

static int
open_own(struct checkpoint *cp)
{
	int rc;

	if (cp->db)
		return SQLITE_OK;
	rc = sqlite3_open_v2(cp->path, &cp->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_db_config(cp->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
		sqlite3_busy_timeout(cp->db, BUSY_MS);
		rc = sqlite3_exec(cp->db,
		    "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-16",
		    NULL, NULL, NULL);
	}
	if (rc != SQLITE_OK) {
		sqlite3_close(cp->db);
		cp->db = NULL;
	}
	return rc;
}

static void
run(struct checkpoint *cp)
{
	int pages = 0, done = 0;
	int rc = open_own(cp);

	if (rc == SQLITE_OK)
		rc = sqlite3_wal_checkpoint_v2(
		    cp->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &done);
	if (rc == SQLITE_OK && pages > LOG_PAGES_MAX)
		rc = sqlite3_wal_checkpoint_v2(
		    cp->db, NULL, SQLITE_CHECKPOINT_RESTART, &pages, &done);
	if (rc == SQLITE_BUSY) /* somebody reads or writes for long; the next one will do */
		rc = SQLITE_OK;
	if (rc != SQLITE_OK && rc != cp->last_error)
		log_warn("%s: checkpoint: %s", cp->path, sqlite3_errstr(rc));
	cp->last_error = rc;
}

static void *
checkpoint_thread(void *arg)
{
	struct checkpoint *cp = arg;

	pthread_mutex_lock(&cp->lock);
	while (!cp->stop) {
		if (!cp->dirty) {
			pthread_cond_wait(&cp->cond, &cp->lock);
			continue;
		}
		gather(cp);
		if (cp->stop)
			break;
		cp->dirty = false;
		pthread_mutex_unlock(&cp->lock);
		run(cp);
		pthread_mutex_lock(&cp->lock);
	}
	pthread_mutex_unlock(&cp->lock);
	sqlite3_close(cp->db);
	return NULL;
}

struct checkpoint *
checkpoint_new(const char *path, int gather_ms)
{
	struct checkpoint *cp = calloc(1, sizeof(*cp));
	pthread_condattr_t attr;

	if (!cp)
		return NULL;
	cp->path = path;
	cp->gather_ms = gather_ms;
	pthread_mutex_init(&cp->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&cp->cond, &attr);
	pthread_condattr_destroy(&attr);
	return cp;
}

void
checkpoint_free(struct checkpoint *cp)
{
	if (!cp)
		return;
	if (cp->started) {
		pthread_mutex_lock(&cp->lock);
		cp->stop = true;
		pthread_cond_signal(&cp->cond);
		pthread_mutex_unlock(&cp->lock);
		pthread_join(cp->thread, NULL);
	}
	pthread_cond_destroy(&cp->cond);
	pthread_mutex_destroy(&cp->lock);
	free(cp);
}

/* Signals are the main thread's: this one blocks them all. */
static int
start(struct checkpoint *cp)
{
	pthread_attr_t attr;
	sigset_t all, saved;
	int rc;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	rc = pthread_create(&cp->thread, &attr, checkpoint_thread, cp);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	pthread_attr_destroy(&attr);
	cp->started = rc == 0;
	return -rc;
}

int
checkpoint_poke(struct checkpoint *cp)
{
	if (!cp->started) {
		int rc = start(cp);

		if (rc < 0)
			return rc;
	}
	if (cp->dirty)
		return 0;
	pthread_mutex_lock(&cp->lock);
	cp->dirty = true;
	pthread_cond_signal(&cp->cond);
	pthread_mutex_unlock(&cp->lock);
	return 0;
}
