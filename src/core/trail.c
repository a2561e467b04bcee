/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the ring of rows that wait for the disk, what is counted instead of repeated, and each
 * client's budget.
 *
 * Ids are given here, so that a row can be counted up whether it has been written yet or not: those
 * in the ring are the last ones given, without a gap.
 */
#include "core/trail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/trail_store.h"
#include "lib/compiler.h"
#include "lib/log.h"

#define WAYS 4
#define FOLD_SETS 128
#define PURSE_SETS 128
#define FACES 512           /* a power of two */
#define FACE_KNOWN_MS 10000 /* so long it is believed without asking again */
#define PRUNE_EVERY 64      /* rows */
#define PRUNE_EVERY_S 3600  /* or when it was read or written so long after */
#define PRUNE_MORE_MS 20    /* while there is more to prune */
#define REOPEN_MS 600000    /* after a file could not be opened */
#define DAY_S 86400

/* A row that the same may be added to. */
struct fold {
	uint64_t what; /* hash of all that must be the same; 0: free */
	uint64_t id;
	int64_t since_s;
	int64_t last_s;
	uint32_t more; /* not written yet */
};

/* What is left of a client's budget. */
struct purse {
	uint64_t who; /* hash; 0: free */
	int64_t filled_ms;
	uint32_t rows;
};

/* Who a client is, as last found out. */
struct face {
	struct addr6 client;
	uint32_t ifindex;
	int64_t asked_ms; /* 0: free */
	char mac[TRAIL_MAC_STRLEN];
	char host[TRAIL_HOST_MAX];
};

struct trail {
	struct trail_options opt;
	struct trail_store *store; /* NULL: cannot be opened at present */
	struct event *timer;
	int64_t reopen_ms; /* not before */
	int64_t mend_ms;   /* nor a second time because it is damaged */
	int error;         /* as last logged */
	uint64_t next_id;
	uint64_t lost; /* rows, since the last that was written */
	unsigned unpruned;
	int64_t pruned_s; /* wall clock */
	uint64_t seed;
	struct fold folds[FOLD_SETS][WAYS];
	struct purse purses[PURSE_SETS][WAYS];
	struct face faces[FACES];
	size_t n, first; /* of the ring */
	struct trail_row ring[TRAIL_RING];
};

/* ---- words ---- */

const char *
trail_origin_str(enum trail_origin origin)
{
	static const char *const words[TRAIL_ORIGINS] = { "upnp", "cli", "configuration", "expiry",
		"healing", "daemon" };

	return origin < TRAIL_ORIGINS ? words[origin] : "unknown";
}

const char *
trail_action_str(enum trail_action action)
{
	static const char *const words[TRAIL_ACTIONS] = {
		[TRAIL_ADD] = "add",
		[TRAIL_ADD_ANY] = "add-any",
		[TRAIL_RENEW] = "renew",
		[TRAIL_DELETE] = "delete",
		[TRAIL_DELETE_RANGE] = "delete-range",
		[TRAIL_PINHOLE_ADD] = "pinhole-add",
		[TRAIL_PINHOLE_UPDATE] = "pinhole-update",
		[TRAIL_PINHOLE_DELETE] = "pinhole-delete",
		[TRAIL_CONNECT] = "connect",
		[TRAIL_DISCONNECT] = "disconnect",
		[TRAIL_FORCE_DISCONNECT] = "force-disconnect",
		[TRAIL_SET_TIME] = "set-time",
		[TRAIL_CONFIGURE] = "configure",
		[TRAIL_RELOAD] = "reload",
		[TRAIL_EXPIRE] = "expire",
		[TRAIL_HEAL] = "heal",
		[TRAIL_WORKER_END] = "worker-end",
		[TRAIL_START] = "start",
		[TRAIL_CRASH] = "crash",
		[TRAIL_STOP] = "stop",
		[TRAIL_CLOCK_JUMP] = "clock-jump",
		[TRAIL_SET_ASIDE] = "set-aside",
		[TRAIL_ROWS_LOST] = "rows-lost",
		[TRAIL_LEFT_OUT] = "left-out",
	};

	return action < TRAIL_ACTIONS ? words[action] : "unknown";
}

const char *
trail_outcome_str(const struct trail_row *row)
{
	if (row->action == TRAIL_EXPIRE)
		return "expired";
	if (row->action > TRAIL_EXPIRE && row->action != TRAIL_LEFT_OUT)
		return "event";
	return row->result == RESULT_OK ? "ok" : "refused";
}

/* ---- hashes: seeded, so that no client can choose requests that share a place ---- */

static uint64_t
mix(uint64_t hash, uint64_t word)
{
	hash ^= word;
	hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93u;
	return hash ^ hash >> 29;
}

static uint64_t
mix_bytes(uint64_t hash, const void *data, size_t len)
{
	const char *at = data;
	uint64_t word;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = mix(hash, word);
	}
	word = len; /* so that a text differs from a longer one that begins with it */
	memcpy((char *)&word + 1, at, len);
	return mix(hash, word);
}

static uint64_t
mix_addr(uint64_t hash, const struct addr6 *addr)
{
	uint64_t half[2];

	memcpy(half, addr->octet, sizeof(half));
	return mix(mix(hash, half[0]), half[1]);
}

/* Never 0. */
static uint64_t
hash_of_row(const struct trail *t, const struct trail_row *r)
{
	uint64_t hash = t->seed;

	hash = mix(hash, (uint64_t)r->origin | (uint64_t)r->action << 8 |
			     (uint64_t)r->result << 16 | (uint64_t)r->enabled << 24 |
			     (uint64_t)r->protocol << 32 | (uint64_t)r->external_port << 48);
	hash = mix(hash,
	    (uint64_t)r->last_port | (uint64_t)r->internal_port << 16 | (uint64_t)r->lease_s << 32);
	hash = mix(hash, (uint64_t)r->mapping | (uint64_t)r->pinhole << 32);
	hash = mix(hash, (uint64_t)r->uid | (uint64_t)r->has_uid << 32);
	hash = mix_addr(hash, &r->client);
	hash = mix_addr(hash, &r->remote_host);
	hash = mix_addr(hash, &r->internal_client);
	hash = mix_bytes(hash, r->reason, strlen(r->reason));
	hash = mix_bytes(hash, r->description, strlen(r->description));
	return hash | 1;
}

/* ---- budgets ---- */

/*
 * Whoever is a stranger has one: a client, for all that is done for it; and who tampers with the
 * kernel's table. The administrator has none. What is refused has a budget of its own, so that a
 * grant cannot be hidden behind a flood of refusals.
 */
static bool
has_budget(const struct trail_row *row)
{
	return row->origin != TRAIL_BY_CLI && row->origin != TRAIL_BY_CONFIGURATION;
}

static uint64_t
hash_of_client(const struct trail *t, const struct trail_row *row)
{
	uint64_t hash = mix(mix_addr(t->seed, &row->client), row->result != RESULT_OK);

	return (addr6_is_zero(&row->client) ? mix(hash, row->origin) : hash) | 1;
}

/* The client's, or that of the one in its set that was quiet for longest. */
static struct purse *
purse_of(struct trail *t, uint64_t who, int64_t now_ms)
{
	struct purse *set = t->purses[who >> 1 & (PURSE_SETS - 1)], *oldest = set;
	size_t i;

	for (i = 0; i < WAYS; i++) {
		if (set[i].who == who)
			return &set[i];
		if (set[i].filled_ms < oldest->filled_ms)
			oldest = &set[i];
	}
	*oldest = (struct purse){ .who = who, .filled_ms = now_ms, .rows = TRAIL_BURST };
	return oldest;
}

static bool
may_spend(struct trail *t, const struct trail_row *row)
{
	int64_t now_ms = t->opt.now_ms(), due;
	struct purse *purse;

	if (!has_budget(row))
		return true;
	purse = purse_of(t, hash_of_client(t, row), now_ms);
	due = (now_ms - purse->filled_ms) / TRAIL_REFILL_MS;
	if (due > 0) {
		purse->filled_ms += due * TRAIL_REFILL_MS;
		due += purse->rows;
		purse->rows = due < TRAIL_BURST ? (uint32_t)due : TRAIL_BURST;
	}
	if (purse->rows == 0)
		return false;
	purse->rows--;
	return true;
}

/* ---- the ring ---- */

static struct trail_row *
ring_at(struct trail *t, size_t i)
{
	return &t->ring[(t->first + i) % TRAIL_RING];
}

static void
plan(struct trail *t, int wait_ms)
{
	struct timeval tv = { wait_ms / 1000, wait_ms % 1000 * 1000 };

	if (t->timer && !event_pending(t->timer, EV_TIMEOUT, NULL))
		event_add(t->timer, &tv);
}

static void
plan_write(struct trail *t)
{
	plan(t, t->error ? TRAIL_RETRY_MS : TRAIL_GATHER_MS);
}

/* Half of the ring is full, and the disk is well: do not wait any longer. */
static void
hurry(struct trail *t)
{
	static const struct timeval now = { 0, 0 };

	if (t->timer && t->n == TRAIL_RING / 2 && !t->error)
		event_add(t->timer, &now);
}

static uint64_t
push(struct trail *t, const struct trail_row *row)
{
	struct trail_row *at;

	if (t->n == TRAIL_RING) {
		t->first = (t->first + 1) % TRAIL_RING;
		t->n--;
		t->lost++;
	}
	at = ring_at(t, t->n++);
	*at = *row;
	at->id = t->next_id++;
	at->time_s = at->last_s = t->opt.wall_s();
	at->count = 1;
	plan_write(t);
	hurry(t);
	return at->id;
}

/* ---- what is the same again ---- */

static void
count_up(struct trail *t, struct fold *fold)
{
	struct trail_row *row;

	fold->last_s = t->opt.wall_s();
	if (t->n && fold->id >= ring_at(t, 0)->id) {
		row = ring_at(t, (size_t)(fold->id - ring_at(t, 0)->id));
		row->count++;
		row->last_s = fold->last_s;
		return;
	}
	fold->more++;
	plan_write(t);
}

static struct fold *
fold_find(struct trail *t, uint64_t what)
{
	struct fold *set = t->folds[what >> 1 & (FOLD_SETS - 1)];
	size_t i;

	for (i = 0; i < WAYS; i++)
		if (set[i].what == what)
			return &set[i];
	return NULL;
}

/* Takes the place of the oldest. Where all have something to write the row is just not counted up
 * for a moment. */
static void
fold_remember(struct trail *t, uint64_t what, uint64_t id)
{
	struct fold *set = t->folds[what >> 1 & (FOLD_SETS - 1)], *place = NULL;
	int64_t now_s = t->opt.wall_s();
	size_t i;

	for (i = 0; i < WAYS; i++) {
		if (set[i].what == what) {
			place = &set[i];
			break;
		}
		if (set[i].more == 0 && (!place || set[i].last_s < place->last_s))
			place = &set[i];
	}
	if (place && place->more == 0)
		*place = (struct fold){ .what = what, .id = id, .since_s = now_s, .last_s = now_s };
}

/* True: it was counted in an earlier row. */
static bool
fold_into(struct trail *t, uint64_t what)
{
	struct fold *fold = fold_find(t, what);
	int64_t age_s;

	if (!fold)
		return false;
	age_s = t->opt.wall_s() - fold->since_s;
	if (age_s < 0 || age_s >= TRAIL_FOLD_S)
		return false;
	count_up(t, fold);
	return true;
}

static void
add_or_count(struct trail *t, const struct trail_row *row)
{
	uint64_t what = hash_of_row(t, row);

	if (!fold_into(t, what))
		fold_remember(t, what, push(t, row));
}

static void
leave_out(struct trail *t, const struct trail_row *row)
{
	struct trail_row left = { .origin = row->origin,
		.action = TRAIL_LEFT_OUT,
		.result = row->result,
		.told_upnp = row->told_upnp,
		.ifindex = row->ifindex,
		.client = row->client };

	snprintf(left.reason, sizeof(left.reason), "more than is kept one by one of one client");
	add_or_count(t, &left);
}

void
trail_add(struct trail *t, const struct trail_row *row)
{
	uint64_t what;

	if (!t || t->opt.rows_max == 0)
		return;
	what = hash_of_row(t, row);
	if (fold_into(t, what))
		return;
	if (may_spend(t, row))
		fold_remember(t, what, push(t, row));
	else
		leave_out(t, row);
}

/* ---- to the disk ---- */

static void
say_set_aside(struct trail *t, const char *spare)
{
	struct trail_row row = { .origin = TRAIL_BY_DAEMON, .action = TRAIL_SET_ASIDE };

	snprintf(row.reason, sizeof(row.reason), "%s could not be used; it is now %.60s",
	    TRAIL_FILE_NAME, strrchr(spare, '/') ? strrchr(spare, '/') + 1 : spare);
	push(t, &row);
}

/* The rows that wait go behind those of the file. */
static void
renumber(struct trail *t)
{
	uint64_t last = trail_store_last_id(t->store);
	size_t i;

	if (t->next_id - t->n > last)
		return;
	for (i = 0; i < t->n; i++)
		ring_at(t, i)->id = last + 1 + i;
	t->next_id = last + 1 + t->n;
	memset(t->folds, 0, sizeof(t->folds));
}

static int
open_store(struct trail *t)
{
	char spare[512];

	if (t->store)
		return 0;
	if (t->opt.now_ms() < t->reopen_ms)
		return -EIO;
	t->store = trail_store_open(t->opt.dir, spare, sizeof(spare));
	if (!t->store) {
		t->reopen_ms = t->opt.now_ms() + REOPEN_MS;
		return -EIO;
	}
	renumber(t);
	if (*spare)
		say_set_aside(t, spare);
	return 0;
}

/* Hosts of one network differ at the end, so they do not get into each other's way. */
static struct face *
face_place(struct trail *t, const struct addr6 *addr)
{
	return &t->faces[((size_t)addr->octet[14] << 8 | addr->octet[15]) & (FACES - 1)];
}

static const struct face *
face_of(struct trail *t, const struct trail_row *row)
{
	static const struct face unknown;
	struct face *face = face_place(t, &row->client);
	int64_t now_ms = t->opt.now_ms();

	if (addr6_is_zero(&row->client))
		return &unknown;
	if (face->asked_ms && now_ms - face->asked_ms < FACE_KNOWN_MS &&
	    face->ifindex == row->ifindex && addr6_same(&face->client, &row->client))
		return face;
	*face = (struct face){ .client = row->client, .ifindex = row->ifindex, .asked_ms = now_ms };
	if (t->opt.mac && row->ifindex)
		t->opt.mac(t->opt.arg, row->ifindex, &row->client, face->mac);
	if (t->opt.host)
		t->opt.host(t->opt.arg, &row->client, face->host);
	return face;
}

static void
put_row(struct trail *t, const struct trail_row *row)
{
	const struct face *face = face_of(t, row);

	trail_store_put(t->store, row, face->mac, face->host);
}

/* All counts that go to rows on disk; @written: they are there now. */
static void
put_repeats(struct trail *t, bool written)
{
	struct fold *fold = t->folds[0];
	size_t i;

	for (i = 0; i < FOLD_SETS * WAYS; i++, fold++) {
		if (fold->more && !written)
			trail_store_repeat(t->store, fold->id, fold->more, fold->last_s);
		else if (written)
			fold->more = 0;
	}
}

static int
write_batch(struct trail *t)
{
	size_t i;
	int rc;

	trail_store_begin(t->store);
	for (i = 0; i < t->n; i++)
		put_row(t, ring_at(t, i));
	put_repeats(t, false);
	rc = trail_store_commit(t->store);
	if (rc < 0)
		return rc;
	put_repeats(t, true);
	t->unpruned += (unsigned)t->n;
	t->first = t->n = 0;
	return 0;
}

static void
say_written(struct trail *t, int rc)
{
	struct trail_row row = { .origin = TRAIL_BY_DAEMON, .action = TRAIL_ROWS_LOST };

	if (rc < 0 && rc != t->error)
		log_error("%s: the audit trail cannot be written: %s", t->opt.dir,
		    t->store ? trail_store_error(t->store) : "there is no file");
	else if (rc == 0 && t->error)
		log_info("%s: the audit trail is written again, %llu rows are lost", t->opt.dir,
		    (unsigned long long)t->lost);
	t->error = rc;
	if (rc < 0 || !t->lost)
		return;
	snprintf(row.reason, sizeof(row.reason), "%llu rows could not be written",
	    (unsigned long long)t->lost);
	t->lost = 0;
	push(t, &row);
}

static void
prune(struct trail *t)
{
	int64_t oldest_s = INT64_MIN, now_s = t->opt.wall_s();
	bool lately = now_s >= t->pruned_s && now_s - t->pruned_s < PRUNE_EVERY_S;

	if (t->unpruned < PRUNE_EVERY && lately)
		return;
	if (t->opt.days_max)
		oldest_s = now_s - (int64_t)t->opt.days_max * DAY_S;
	t->unpruned = 0;
	t->pruned_s = now_s;
	if (!trail_store_prune(t->store, t->opt.rows_max, oldest_s))
		return;
	t->unpruned = PRUNE_EVERY;
	plan(t, PRUNE_MORE_MS);
}

/* What is wrong with it is found when it is opened again, and then it is set aside. */
static void
close_damaged(struct trail *t)
{
	trail_store_free(t->store);
	t->store = NULL;
	t->reopen_ms = t->mend_ms;
	t->mend_ms = t->opt.now_ms() + REOPEN_MS;
}

int
trail_flush(struct trail *t)
{
	int rc = open_store(t);

	if (rc == 0)
		rc = write_batch(t);
	say_written(t, rc);
	if (rc == 0)
		prune(t);
	if (rc == -EBADMSG)
		close_damaged(t);
	if (rc < 0)
		plan(t, TRAIL_RETRY_MS);
	return rc;
}

static void
on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	trail_flush(arg);
}

struct trail_store *
trail_read(struct trail *t)
{
	if (!t)
		return NULL;
	if (!t->error)
		trail_flush(t);
	return t->store;
}

/* ---- life ---- */

struct trail *
trail_new(const struct trail_options *options)
{
	struct trail *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->opt = *options;
	t->next_id = 1;
	t->unpruned = PRUNE_EVERY;
	if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) != sizeof(t->seed))
		t->seed = (uint64_t)(uintptr_t)t;
	if (t->opt.base) {
		t->timer = event_new(t->opt.base, -1, 0, on_timer, t);
		if (!t->timer) {
			free(t);
			return NULL;
		}
	}
	open_store(t);
	return t;
}

void
trail_free(struct trail *t)
{
	if (!t)
		return;
	trail_flush(t);
	if (t->n) /* "rows are lost", by now */
		trail_flush(t);
	if (t->timer)
		event_free(t->timer);
	trail_store_free(t->store);
	free(t);
}

void
trail_set_retention(struct trail *t, uint32_t rows_max, uint32_t days_max)
{
	if (!t)
		return;
	t->opt.rows_max = rows_max;
	t->opt.days_max = days_max;
	t->unpruned = PRUNE_EVERY;
}
