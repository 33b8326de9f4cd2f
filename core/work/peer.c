/* The hosts that the reactor talks to. Each has its own queue and its own
 * circuit, so that a broken one costs the others nothing. */
#include <stdlib.h>

#include "work/reactor.h"

#define PEER_MAX 8   /* requests at a time */
#define OPEN_AFTER 5 /* failures in a row */
#define BUCKETS 256
#define MANY_PEERS 4096

int64_t peer_open_us = 10 * 1000000LL;

struct peer {
    struct peer *next;
    uint64_t hash;
    unsigned active, failures;
    int64_t open_until; /* 0: closed */
    bool probing;
    struct request *first, **last;
    size_t key_n;
    char key[];
};

struct peers {
    unsigned n;
    struct peer *buckets[BUCKETS];
};

struct peers *peers_new(void)
{
    struct peers *p = xmalloc(sizeof *p);
    *p = (struct peers){0};
    return p;
}

void peers_free(struct peers *p)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (struct peer *peer = p->buckets[i], *next; peer; peer = next) {
            next = peer->next;
            free(peer);
        }
    }
    free(p);
}

/* Lets go of hosts about which there is nothing to remember. */
static void forget_idle(struct peers *p)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (struct peer **at = &p->buckets[i]; *at;) {
            struct peer *peer = *at;
            if (peer->active || peer->first || peer->failures) {
                at = &peer->next;
                continue;
            }
            *at = peer->next;
            free(peer);
            p->n--;
        }
    }
}

struct peer *peers_find(struct peers *p, sv key)
{
    uint64_t hash = sv_hash(key);
    struct peer *peer = p->buckets[hash % BUCKETS];
    while (peer && !(peer->hash == hash && sv_eq(sv_make(peer->key, peer->key_n), key)))
        peer = peer->next;
    if (peer) return peer;
    if (p->n >= MANY_PEERS) forget_idle(p);
    peer = xmalloc(sizeof *peer + key.n);
    *peer = (struct peer){.hash = hash, .key_n = key.n, .next = p->buckets[hash % BUCKETS]};
    memcpy(peer->key, key.p, key.n);
    peer->last = &peer->first;
    p->buckets[hash % BUCKETS] = peer;
    p->n++;
    return peer;
}

bool peer_admit(struct peer *peer, struct request *r, const char **error)
{
    int64_t now = clock_mono_us();
    if (now >= r->deadline) {
        *error = "timed out while waiting for its turn";
        return false;
    }
    if (peer->open_until) {
        if (now < peer->open_until || peer->probing) {
            *error = "the host has failed several times and is left alone for a while";
            return false;
        }
        peer->probing = r->probe = true;
    } else if (peer->active >= PEER_MAX) {
        r->next = NULL;
        *peer->last = r;
        peer->last = &r->next;
        return false;
    }
    peer->active++;
    return true;
}

void peer_ended(struct peer *peer, const struct request *r, bool failed)
{
    peer->active--;
    if (r->probe) peer->probing = false;
    if (!failed) {
        peer->failures = 0;
        peer->open_until = 0;
        return;
    }
    if (++peer->failures >= OPEN_AFTER) peer->open_until = clock_mono_us() + peer_open_us;
}

struct request *peer_next(struct peer *peer)
{
    struct request *r = peer->first;
    if (!r || (peer->active >= PEER_MAX && !peer->open_until)) return NULL;
    peer->first = r->next;
    if (!peer->first) peer->last = &peer->first;
    r->next = NULL;
    return r;
}

struct request *peers_drain(struct peers *p)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (struct peer *peer = p->buckets[i]; peer; peer = peer->next) {
            struct request *r = peer->first;
            if (!r) continue;
            peer->first = r->next;
            if (!peer->first) peer->last = &peer->first;
            return r;
        }
    }
    return NULL;
}
