/* The address table. An entry lives while connections point at it or while its
 * bucket is not full again; a shard that is full of such entries lets further
 * addresses share one entry, so the table never grows and nobody escapes the
 * limits by coming from many addresses. */
#define LOG_ROOM "http"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>

#include "http/limits.h"

#define SHARDS 64u
#define BUCKETS 256u
#define SHARD_MAX 1024u /* 64 * 1024 addresses in all */

struct key {
    unsigned char b[16];
};

struct limit_peer {
    struct limit_peer *next;
    struct key key;
    struct shard *shard;
    bool shared;                    /* stands for all that a full shard cannot hold */
    unsigned connections;           /* under the shard's lock */
    _Atomic int64_t spent_until_us; /* the bucket is full again then */
};

struct shard {
    pthread_mutex_t mu;
    size_t n;
    struct limit_peer *bucket[BUCKETS];
    struct limit_peer overflow;
};

struct limits {
    unsigned max, max_by_address;
    bool by_address;
    int64_t interval_us, burst_us; /* 0: no rate limit */
    _Atomic unsigned connections;
    struct shard shard[SHARDS];
};

struct limits *limits_new(const struct http_limits *l, bool count_by_address)
{
    struct limits *t = calloc(1, sizeof(*t));
    if (!t) abort();
    t->max = l->connections;
    t->max_by_address = l->connections_per_ip;
    t->by_address = count_by_address;
    if (l->rate_per_ip) {
        unsigned burst = l->rate_burst ? l->rate_burst : 2 * l->rate_per_ip;
        t->interval_us = 1000000 / l->rate_per_ip;
        if (t->interval_us == 0) t->interval_us = 1;
        t->burst_us = t->interval_us * burst;
    }
    for (unsigned i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&t->shard[i].mu, NULL);
        t->shard[i].overflow.shard = &t->shard[i];
        t->shard[i].overflow.shared = true;
    }
    return t;
}

void limits_free(struct limits *t)
{
    if (!t) return;
    for (unsigned i = 0; i < SHARDS; i++) {
        for (unsigned b = 0; b < BUCKETS; b++) {
            for (struct limit_peer *p = t->shard[i].bucket[b], *next; p; p = next) {
                next = p->next;
                free(p);
            }
        }
        pthread_mutex_destroy(&t->shard[i].mu);
    }
    free(t);
}

/* IPv4 as mapped; of IPv6 the first 64 bits, which is what one customer gets. */
static struct key key_of(const struct sockaddr *sa)
{
    struct key k = {{0}};
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)sa;
        k.b[10] = k.b[11] = 0xff;
        memcpy(k.b + 12, &in->sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)sa;
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
            memcpy(k.b, &in6->sin6_addr, 16);
        else
            memcpy(k.b, &in6->sin6_addr, 8);
    }
    return k; /* Unix sockets share the zero key */
}

static bool spent(struct limit_peer *p, int64_t now_us)
{
    return atomic_load_explicit(&p->spent_until_us, memory_order_relaxed) > now_us;
}

static void sweep(struct shard *s, int64_t now_us)
{
    for (unsigned b = 0; b < BUCKETS; b++) {
        struct limit_peer **at = &s->bucket[b];
        while (*at) {
            struct limit_peer *p = *at;
            if (p->connections == 0 && !spent(p, now_us)) {
                *at = p->next;
                free(p);
                s->n--;
            } else {
                at = &p->next;
            }
        }
    }
}

/* Under the shard's lock. */
static struct limit_peer *find_or_add(struct shard *s, const struct key *k, uint64_t hash)
{
    struct limit_peer **at = &s->bucket[(hash >> 8) % BUCKETS];
    for (struct limit_peer *p = *at; p; p = p->next)
        if (memcmp(&p->key, k, sizeof(*k)) == 0) return p;
    if (s->n >= SHARD_MAX) {
        sweep(s, clock_mono_us());
        if (s->n >= SHARD_MAX) return &s->overflow;
    }
    struct limit_peer *p = calloc(1, sizeof(*p));
    if (!p) return &s->overflow;
    p->key = *k;
    p->shard = s;
    p->next = *at;
    *at = p;
    s->n++;
    return p;
}

static uint64_t hash_of(const struct key *k)
{
    return sv_hash(sv_make((const char *)k->b, sizeof(k->b)));
}

enum limit_verdict limits_connect(struct limits *t, const struct sockaddr *sa,
                                  struct limit_peer **peer)
{
    if (atomic_fetch_add_explicit(&t->connections, 1, memory_order_relaxed) >= t->max) {
        atomic_fetch_sub_explicit(&t->connections, 1, memory_order_relaxed);
        return LIMIT_ALL;
    }
    struct key k = key_of(sa);
    uint64_t hash = hash_of(&k);
    struct shard *s = &t->shard[hash % SHARDS];
    pthread_mutex_lock(&s->mu);
    struct limit_peer *p = find_or_add(s, &k, hash);
    bool ok = !t->by_address || p->connections < t->max_by_address;
    if (ok) p->connections++;
    pthread_mutex_unlock(&s->mu);
    if (!ok) {
        atomic_fetch_sub_explicit(&t->connections, 1, memory_order_relaxed);
        return LIMIT_ADDRESS;
    }
    *peer = p;
    return LIMIT_OK;
}

void limits_disconnect(struct limits *t, struct limit_peer *p)
{
    struct shard *s = p->shard;
    pthread_mutex_lock(&s->mu);
    p->connections--;
    if (!p->shared && p->connections == 0 && !spent(p, clock_mono_us())) {
        struct limit_peer **at = &s->bucket[(hash_of(&p->key) >> 8) % BUCKETS];
        while (*at != p)
            at = &(*at)->next;
        *at = p->next;
        free(p);
        s->n--;
    }
    pthread_mutex_unlock(&s->mu);
    atomic_fetch_sub_explicit(&t->connections, 1, memory_order_relaxed);
}

/* The bucket as one number: the time at which it is full again (GCRA). */
static bool draw(const struct limits *t, struct limit_peer *p, int64_t now_us)
{
    int64_t until = atomic_load_explicit(&p->spent_until_us, memory_order_relaxed), next;
    do {
        next = (until > now_us ? until : now_us) + t->interval_us;
        if (next - now_us > t->burst_us) return false;
    } while (!atomic_compare_exchange_weak_explicit(&p->spent_until_us, &until, next,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

bool limits_request(struct limits *t, struct limit_peer *peer, int64_t now_us)
{
    return t->interval_us == 0 || draw(t, peer, now_us);
}

bool limits_request_ip(struct limits *t, sv ip, int64_t now_us)
{
    if (t->interval_us == 0) return true;
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct key k = {{0}};
    if (ip.n < sizeof(text)) {
        memcpy(text, ip.p, ip.n);
        text[ip.n] = 0;
        if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
            k = key_of((struct sockaddr *)&in);
        else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
            k = key_of((struct sockaddr *)&in6);
    }
    uint64_t hash = hash_of(&k);
    struct shard *s = &t->shard[hash % SHARDS];
    pthread_mutex_lock(&s->mu);
    bool ok = draw(t, find_or_add(s, &k, hash), now_us);
    pthread_mutex_unlock(&s->mu);
    return ok;
}
