/* How often a key may call: a bucket of `per_minute` tokens that fills evenly.
 * The whole state of a bucket is one time, at which it would be full again, so
 * that the table is small and bounded: 4096 keys of all tenants in sets of eight.
 * Who is pushed out is the one whose bucket is the fullest, and starts full. */
#define LOG_ROOM "auth"

#include "auth/room.h"

#define MINUTE_US INT64_C(60000000)
#define SETS 512
#define WAYS 8

struct rate_answer rate_take(int64_t *full_at, unsigned per_minute, int64_t now)
{
    int64_t each = MINUTE_US / per_minute, span = each * per_minute;
    int64_t next = (*full_at > now ? *full_at : now) + each;
    struct rate_answer a = {.limit = per_minute, .ok = next - now <= span};
    if (a.ok) *full_at = next;
    int64_t owed = *full_at > now ? *full_at - now : 0;
    a.remaining = owed < span ? (unsigned)((span - owed) / each) : 0;
    a.reset_s = (int)((owed + 999999) / 1000000);
    if (!a.ok) a.retry_s = (int)((next - now - span + 999999) / 1000000);
    return a;
}

struct bucket {
    int64_t key, full_at;
};

static struct set {
    _Alignas(64) pthread_mutex_t lock;
    struct bucket way[WAYS];
} sets[SETS];

static void make_locks(void)
{
    for (size_t i = 0; i < SETS; i++) pthread_mutex_init(&sets[i].lock, NULL);
}

struct rate_answer rate_of_key(int64_t key, unsigned per_minute, int64_t now)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_locks);
    struct set *s = &sets[((uint64_t)key * UINT64_C(0x9e3779b97f4a7c15)) >> 55];
    pthread_mutex_lock(&s->lock);
    struct bucket *b = &s->way[0];
    for (unsigned i = 0; i < WAYS; i++) {
        if (s->way[i].key == key) {
            b = &s->way[i];
            break;
        }
        if (s->way[i].full_at < b->full_at) b = &s->way[i];
    }
    if (b->key != key) *b = (struct bucket){.key = key};
    struct rate_answer a = rate_take(&b->full_at, per_minute, now);
    pthread_mutex_unlock(&s->lock);
    return a;
}
