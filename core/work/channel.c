/* Channels: publish and subscribe within the process. A channel lives while it
 * has subscribers or kept messages that somebody may still ask for. Delivery
 * happens under the channel's own lock: that is what keeps messages in order,
 * and what lets work_hub_unsubscribe promise that the sink runs no more. */
#include <pthread.h>
#include <stdlib.h>

#include "base/panic.h"
#include "work/work.h"

#define BUCKETS 1024
/* Channels without subscribers are let go after this long, looked at when a new
 * one is made and there are many. */
#define IDLE_US (10 * 60 * 1000000LL)
#define MANY_CHANNELS 1024

struct message {
    int64_t id;
    size_t n;
    char data[];
};

struct work_sub {
    struct work_sub *next;
    struct channel *ch;
    bool (*sink)(void *arg, int64_t id, sv data); /* NULL: it has said false */
    void *arg;
};

struct channel {
    struct channel *next; /* same bucket; hub's lock */
    unsigned refs;        /* calls at work on it; hub's lock */
    int64_t tenant;
    uint64_t hash;
    sv name;
    pthread_mutex_t lock; /* everything below */
    struct work_sub *subs;
    unsigned n_subs;
    struct message **kept; /* a ring of hub->keep */
    unsigned first, n_kept;
    int64_t last_id, used_at;
};

struct work_hub {
    pthread_mutex_t lock; /* the table; never held during delivery */
    unsigned keep, n_channels, sweep_at;
    struct channel *buckets[BUCKETS];
};

struct work_hub *work_hub_new(unsigned keep)
{
    struct work_hub *h = xmalloc(sizeof *h);
    *h = (struct work_hub){.keep = keep ? keep : 1, .sweep_at = MANY_CHANNELS};
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

static void channel_free(struct work_hub *h, struct channel *ch)
{
    for (unsigned i = 0; i < ch->n_kept; i++)
        free(ch->kept[(ch->first + i) % h->keep]);
    for (struct work_sub *s = ch->subs, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    pthread_mutex_destroy(&ch->lock);
    free(ch->kept);
    free((void *)ch->name.p);
    free(ch);
}

void work_hub_free(struct work_hub *h)
{
    if (!h) return;
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (struct channel *ch = h->buckets[i], *next; ch; ch = next) {
            next = ch->next;
            channel_free(h, ch);
        }
    }
    pthread_mutex_destroy(&h->lock);
    free(h);
}

static uint64_t hash_of(int64_t tenant, sv name)
{
    return sv_hash(name) ^ (uint64_t)tenant * UINT64_C(0x9e3779b97f4a7c15);
}

/* With the hub's lock. Nobody is at work on a channel with refs 0, so its own
 * fields may be looked at. */
static void sweep(struct work_hub *h)
{
    int64_t before = clock_mono_us() - IDLE_US;
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (struct channel **p = &h->buckets[i]; *p;) {
            struct channel *ch = *p;
            if (ch->refs || ch->subs || ch->used_at > before) {
                p = &ch->next;
                continue;
            }
            *p = ch->next;
            h->n_channels--;
            channel_free(h, ch);
        }
    }
    h->sweep_at = h->n_channels * 2 > MANY_CHANNELS ? h->n_channels * 2 : MANY_CHANNELS;
}

/* Finds a channel (or makes it) and holds it. */
static struct channel *hold(struct work_hub *h, int64_t tenant, sv name, bool make)
{
    uint64_t hash = hash_of(tenant, name);
    struct channel **bucket = &h->buckets[hash % BUCKETS];
    pthread_mutex_lock(&h->lock);
    struct channel *ch = *bucket;
    while (ch && !(ch->hash == hash && ch->tenant == tenant && sv_eq(ch->name, name)))
        ch = ch->next;
    if (!ch && make) {
        if (h->n_channels >= h->sweep_at) sweep(h);
        ch = xmalloc(sizeof *ch);
        char *own = xmalloc(name.n + 1);
        if (name.n) memcpy(own, name.p, name.n);
        *ch = (struct channel){.tenant = tenant, .hash = hash, .name = {own, name.n}};
        ch->kept = xmalloc(h->keep * sizeof(struct message *));
        ch->used_at = clock_mono_us();
        pthread_mutex_init(&ch->lock, NULL);
        ch->next = *bucket;
        *bucket = ch;
        h->n_channels++;
    }
    if (ch) ch->refs++;
    pthread_mutex_unlock(&h->lock);
    return ch;
}

static void let_go(struct work_hub *h, struct channel *ch)
{
    pthread_mutex_lock(&h->lock);
    ch->refs--;
    pthread_mutex_unlock(&h->lock);
}

static void deliver(struct channel *ch, struct work_sub *s, const struct message *m)
{
    if (!s->sink || s->sink(s->arg, m->id, sv_make(m->data, m->n))) return;
    s->sink = NULL; /* the handle stays its owner's */
    ch->n_subs--;
}

struct work_sub *work_hub_subscribe(struct work_hub *h, int64_t tenant, sv name, int64_t last_id,
                                    bool (*sink)(void *arg, int64_t id, sv data), void *arg)
{
    struct channel *ch = hold(h, tenant, name, true);
    struct work_sub *s = xmalloc(sizeof *s);
    *s = (struct work_sub){.ch = ch, .sink = sink, .arg = arg};
    pthread_mutex_lock(&ch->lock);
    s->next = ch->subs;
    ch->subs = s;
    ch->n_subs++;
    unsigned i = last_id > 0 ? 0 : ch->n_kept; /* none */
    if (last_id < 0 && ch->n_kept) i = ch->n_kept - 1;
    for (; i < ch->n_kept; i++) {
        const struct message *m = ch->kept[(ch->first + i) % h->keep];
        if (m->id > last_id) deliver(ch, s, m);
    }
    pthread_mutex_unlock(&ch->lock);
    let_go(h, ch);
    return s;
}

void work_hub_unsubscribe(struct work_hub *h, struct work_sub *s)
{
    if (!s) return;
    struct channel *ch = s->ch; /* lives as long as it has subscribers */
    pthread_mutex_lock(&h->lock);
    ch->refs++;
    pthread_mutex_unlock(&h->lock);
    pthread_mutex_lock(&ch->lock);
    struct work_sub **p = &ch->subs;
    while (*p != s)
        p = &(*p)->next;
    *p = s->next;
    if (s->sink) ch->n_subs--;
    ch->used_at = clock_mono_us();
    pthread_mutex_unlock(&ch->lock);
    let_go(h, ch);
    free(s);
}

int64_t work_hub_publish(struct work_hub *h, int64_t tenant, sv name, sv data)
{
    struct message *m = xmalloc(sizeof *m + data.n);
    m->n = data.n;
    if (data.n) memcpy(m->data, data.p, data.n);
    struct channel *ch = hold(h, tenant, name, true);
    struct message *old = NULL;
    pthread_mutex_lock(&ch->lock);
    /* Time-ordered, so that a reader who comes back after the channel, or this
     * process, began anew still asks for what is later than it knows. */
    int64_t id = id_next();
    ch->last_id = m->id = id > ch->last_id ? id : ch->last_id + 1;
    id = m->id;
    ch->used_at = clock_mono_us();
    if (ch->n_kept == h->keep) {
        old = ch->kept[ch->first];
        ch->first = (ch->first + 1) % h->keep;
        ch->n_kept--;
    }
    ch->kept[(ch->first + ch->n_kept++) % h->keep] = m;
    for (struct work_sub *s = ch->subs; s; s = s->next)
        deliver(ch, s, m);
    pthread_mutex_unlock(&ch->lock);
    let_go(h, ch);
    free(old);
    return id;
}

unsigned work_hub_count(struct work_hub *h, int64_t tenant, sv name)
{
    struct channel *ch = hold(h, tenant, name, false);
    if (!ch) return 0;
    pthread_mutex_lock(&ch->lock);
    unsigned n = ch->n_subs;
    pthread_mutex_unlock(&ch->lock);
    let_go(h, ch);
    return n;
}
