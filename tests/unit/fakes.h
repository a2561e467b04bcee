/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A core without a machine under it: kernel, store and clock are in memory, and any step can be
 * made to fail.
 */
#ifndef PORTREEVE_TESTS_FAKES_H
#define PORTREEVE_TESTS_FAKES_H

#include "core/core.h"
#include "core/lan.h"
#include "core/mapping.h"
#include "core/notify.h"
#include "core/policy.h"

#define FAKE_ELEMENTS_MAX 2048
#define FAKE_PINHOLES_MAX 512

struct fake_set {
	struct nft_mapping item[FAKE_ELEMENTS_MAX];
	size_t n;
};

/* Behaves as nft.h says; what a mapping leads to cannot be changed in place (-EEXIST). */
struct fake_nft {
	struct nft nft;
	struct fake_set maps, sources;
	struct nft_pinhole pinholes[FAKE_PINHOLES_MAX];
	size_t n_pinholes;
	int fail_apply, fail_sync; /* -errno of the next call */
	unsigned fail_apply_after; /* so many calls of apply succeed before */
	bool table_lost;           /* -ENOENT until sync */
	unsigned applies, syncs;
	size_t largest;   /* transaction so far */
	uint64_t packets; /* what every element has counted */
	uint64_t traffic; /* ... of a mapping, of 100 octets each */
	int fail_use;     /* -errno of map_use() */
	int knocked;      /* the answer of knocked(), and its record */
	uint64_t record;
	size_t ended; /* flows */
	struct nft_net net;
};

struct fake_store {
	struct store store;
	struct lease row[FAKE_ELEMENTS_MAX];
	size_t n;
	struct pinhole pinholes[FAKE_PINHOLES_MAX];
	size_t n_pinholes;
	int fail_put, fail_del, fail_begin, fail_commit; /* -errno of the next call */
	unsigned begins, commits, puts;
	struct lease gone[FAKE_ELEMENTS_MAX]; /* deleted by the batch under way, to come back */
	size_t n_gone;
	bool in_batch;
	int batch_error;
	char meta[64]; /* one value, whatever its name */
	size_t meta_size;
};

/* What the modules around said; set back by fixture_init(). */
struct fake_record {
	unsigned added, updated, deleted, expired, refused;
	struct policy_verdict refused_by;
	unsigned cuts, clears; /* flows_cut(), flows_clear_stale() */
	struct lease last_cut;
	unsigned cuts6; /* flows_cut6() */
	struct pinhole_key last_cut6;
	unsigned pinholes_added, pinholes_updated, pinholes_deleted, pinholes_expired;
	unsigned neighbours_asked; /* neigh_find() */
	unsigned neighbours_read;  /* all at once, by neigh_list_find_mac() */
	unsigned heals, states, greets, reloads, stops;
	struct msg_dhcp_state dhcp_state; /* told last */
	unsigned hooks_done;              /* connection_hook_done() */
	struct msg_hook last_hook;
	uint32_t refused_worker; /* pid given to parent_refuse_worker() */
	char state_text[256];    /* of the last notify_state() */
};

extern struct fake_record fake_record;
extern int64_t fake_now_ms, fake_wall_s;

struct fixture {
	struct core core;
	struct fake_nft nft;
	struct fake_store store;
};

/* A core with the default policy. */
void fixture_init(struct fixture *f);
void fixture_exit(struct fixture *f);

/* One turn of the core's event loop, which does not wait. */
void fixture_turn(struct fixture *f);

/* The type of the next message that the core has sent to the other end of @fd, 0: none. It has
 * passed the check of who gets it. */
int fixture_heard(int fd, struct msg *msg, enum msg_peer from);

/* Kernel and store hold just what the lease table says. */
bool fixture_consistent(struct fixture *f);

/* Addresses of the tests' LAN, 192.168.1.1/24. */
#define LAN_HOST(n) (0xc0a80100u | (n))
struct asker fake_asker(unsigned host);  /* 0: the administrator */
struct asker fake_asker2(unsigned host); /* calling by version 2 */

/* Asks for TCP @external_port to @internal_port of @host, for an hour. */
struct msg_map fake_request(unsigned host, uint16_t external_port, uint16_t internal_port);

/* The neighbours: what neigh_find() says. Host @n has 02:..:n, and addresses 192.168.1.n and
 * 2001:db8:1::n and 2001:db8:1:0:n::/80. Hosts in @fake_unknown are not known until they are looked
 * for once, fake_unknown by IPv6 and fake_unknown4 by IPv4. */
extern unsigned fake_unknown, fake_unknown4;
extern const struct lan fake_lan; /* 192.168.1.1/24 and 2001:db8:1::1/64 */

struct fake_nft *fake_nft_of(struct nft *nft);

#endif
