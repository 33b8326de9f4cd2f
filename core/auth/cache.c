/* Sessions in memory: 64 shards of a bounded table each. An entry answers for
 * FRESH_US without a query; then one request goes to look while the others take
 * the old answer for at most CHECK_US more, so that a session ended on another
 * node dies within five seconds and an expiring entry does not send everybody to
 * the database at once. The key is a keyed hash of the token: the token itself is
 * not kept, and strangers cannot choose where their entries fall. */
#define LOG_ROOM "auth"

#include <stdlib.h>

#include "auth/room.h"

#define SHARDS 64
#define FRESH_US 4000000
#define CHECK_US 1000000
#define DEAD_US 60000000             /* longer than any look-up in flight */

enum kind { FREE, GOOD, BAD, DEAD };

struct entry {
    struct hash128 key;
    uint64_t gen;
    int64_t until;                   /* monotonic: fresh, or the end of a check */
    struct session *s;               /* GOOD: counted */
    uint32_t next;                   /* in the bucket, 0: the end, else index + 1 */
    uint8_t kind;
    bool used;                       /* since the hand passed */
};

struct shard {
    _Alignas(64) pthread_mutex_t lock;
    uint32_t *buckets;               /* index + 1 */
    struct entry *entries;
    uint32_t n, cap, mask, hand;
};

struct session_cache {
    struct shard shard[SHARDS];
    uint64_t key[2];
};

void session_ref(struct session *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
}

void session_unref(struct session *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    roles_unref(s->roles);
    free(s->rule);
    free(s);
}

struct session_cache *scache_new(unsigned capacity)
{
    struct session_cache *c = aligned_alloc(64, sizeof *c);
    if (!c) panic("auth: no memory for the session cache");
    memset(c, 0, sizeof *c);
    rand_bytes(c->key, sizeof c->key);
    uint32_t cap = capacity / SHARDS + 1, buckets = 16;
    while (buckets < cap) buckets *= 2;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shard[i];
        pthread_mutex_init(&s->lock, NULL);
        s->cap = cap;
        s->mask = buckets - 1;
        s->entries = calloc(cap, sizeof *s->entries);     /* untouched pages cost nothing */
        s->buckets = calloc(buckets, sizeof *s->buckets);
        if (!s->entries || !s->buckets) panic("auth: no memory for the session cache");
    }
    return c;
}

void scache_free(struct session_cache *c)
{
    if (!c) return;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shard[i];
        for (uint32_t k = 0; k < s->n; k++) session_unref(s->entries[k].s);
        pthread_mutex_destroy(&s->lock);
        free(s->entries);
        free(s->buckets);
    }
    free(c);
}

struct hash128 scache_key(const struct session_cache *c, int64_t tenant, sv token)
{
    /* the tenant is part of what is hashed: its token is nothing to another */
    char text[sizeof tenant + 128];
    size_t n = token.n < 128 ? token.n : 128;
    memcpy(text, &tenant, sizeof tenant);
    memcpy(text + sizeof tenant, token.p, n);
    return seal_siphash(c->key, sv_make(text, sizeof tenant + n));
}

static struct shard *shard_of(struct session_cache *c, struct hash128 key)
{
    return &c->shard[key.b % SHARDS];
}

/* Under the lock. */
static struct entry *find(struct shard *s, struct hash128 key)
{
    for (uint32_t i = s->buckets[key.a & s->mask]; i; i = s->entries[i - 1].next) {
        struct entry *e = &s->entries[i - 1];
        if (e->key.a == key.a && e->key.b == key.b) return e;
    }
    return NULL;
}

static void unlink_entry(struct shard *s, uint32_t index)
{
    uint32_t *p = &s->buckets[s->entries[index].key.a & s->mask];
    while (*p != index + 1) p = &s->entries[*p - 1].next;
    *p = s->entries[index].next;
}

/* A place for a new entry: a free one, else the first that nobody used since the
 * hand came by. Dead ones go last of all: they guard against look-ups in flight. */
static uint32_t make_room(struct shard *s)
{
    if (s->n < s->cap) return s->n++;
    for (uint32_t i = 0; i < 3 * s->cap; i++) {
        struct entry *e = &s->entries[s->hand];
        uint32_t at = s->hand;
        s->hand = (s->hand + 1) % s->cap;
        if ((e->used || (e->kind == DEAD && clock_mono_us() < e->until)) && i < 2 * s->cap) {
            e->used = false;
            continue;
        }
        unlink_entry(s, at);
        return at;
    }
    return 0;                        /* not reached: the third round takes any */
}

/* Returns the session that the entry let go of, to be released without the lock. */
static struct session *set(struct shard *s, struct hash128 key, const struct entry *value)
{
    struct session *old = NULL;
    struct entry *e = find(s, key);
    uint32_t next;
    if (e) {
        old = e->s;
        next = e->next;
    } else {
        uint32_t at = make_room(s);
        e = &s->entries[at];
        old = e->kind == FREE ? NULL : e->s;
        next = s->buckets[key.a & s->mask];
        s->buckets[key.a & s->mask] = at + 1;
    }
    *e = *value;
    e->key = key;
    e->next = next;
    e->used = false;                 /* set when it is asked for: what came once goes first */
    return old;
}

enum scache_answer scache_get(struct session_cache *c, struct hash128 key, uint64_t gen,
                            int64_t now_mono, struct session **out)
{
    struct shard *s = shard_of(c, key);
    enum scache_answer answer = CACHE_MISS;
    *out = NULL;
    pthread_mutex_lock(&s->lock);
    struct entry *e = find(s, key);
    if (e && e->kind == DEAD) {
        if (now_mono < e->until) answer = CACHE_BAD;
    } else if (e && e->kind == BAD) {
        if (now_mono < e->until && e->gen == gen) answer = CACHE_BAD;
    } else if (e && e->kind == GOOD) {
        answer = CACHE_HIT;
        if (e->gen != gen || now_mono >= e->until) {
            answer = CACHE_CHECK;
            if (e->gen == gen) e->until = now_mono + CHECK_US;
        }
        e->used = true;
        *out = e->s;
        session_ref(e->s);
    }
    pthread_mutex_unlock(&s->lock);
    return answer;
}

void scache_put(struct session_cache *c, struct hash128 key, uint64_t gen, int64_t now_mono,
               struct session *session)
{
    struct shard *s = shard_of(c, key);
    struct session *old = session;
    struct entry value = {.gen = gen,
                          .until = now_mono + FRESH_US,
                          .s = session,
                          .kind = session ? GOOD : BAD};
    if (session) session_ref(session);
    pthread_mutex_lock(&s->lock);
    struct entry *e = find(s, key);
    /* what was looked up before the end, or before a later look, comes too late */
    bool late = e && ((e->kind == DEAD && now_mono < e->until) ||
                      (e->kind == GOOD && e->gen > gen));
    if (!late) old = set(s, key, &value);
    pthread_mutex_unlock(&s->lock);
    session_unref(old);
}

void scache_kill(struct session_cache *c, struct hash128 key, int64_t now_mono)
{
    struct shard *s = shard_of(c, key);
    struct entry value = {.until = now_mono + DEAD_US, .kind = DEAD};
    pthread_mutex_lock(&s->lock);
    struct session *old = set(s, key, &value);
    pthread_mutex_unlock(&s->lock);
    session_unref(old);
}
