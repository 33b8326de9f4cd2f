/* publish_latest: of a topic's messages at most one goes out each interval, and
 * the newest always does. One thread with a heap of what is due; a topic that is
 * quiet is forgotten. */
#include "plugin/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define LOG_ROOM "plugin"

#define BUCKETS 1024
#define MAX_TOPICS 65536         /* waiting at once; above it messages go out at once */

struct topic {
    struct topic *next;          /* of its bucket */
    uint64_t hash;
    int64_t tenant;
    int64_t due_us;              /* when it may send again; its place in the heap */
    unsigned heap;               /* index */
    unsigned interval_ms;
    size_t name_n;
    char *data;                  /* what waits, NULL: nothing */
    size_t data_n;
    char name[];
};

struct plug_coalesce {
    struct work_hub *hub;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool stop;
    struct topic *buckets[BUCKETS];
    struct topic **heap;         /* by due_us, smallest first */
    unsigned n, cap;
};

/* ---- the heap -------------------------------------------------------------------- */

static void put_at(struct plug_coalesce *c, unsigned i, struct topic *t)
{
    c->heap[i] = t;
    t->heap = i;
}

static void sift_up(struct plug_coalesce *c, unsigned i)
{
    struct topic *t = c->heap[i];
    for (; i > 0 && c->heap[(i - 1) / 2]->due_us > t->due_us; i = (i - 1) / 2)
        put_at(c, i, c->heap[(i - 1) / 2]);
    put_at(c, i, t);
}

static void sift_down(struct plug_coalesce *c, unsigned i)
{
    struct topic *t = c->heap[i];
    for (;;) {
        unsigned k = 2 * i + 1;
        if (k >= c->n) break;
        if (k + 1 < c->n && c->heap[k + 1]->due_us < c->heap[k]->due_us) k++;
        if (c->heap[k]->due_us >= t->due_us) break;
        put_at(c, i, c->heap[k]);
        i = k;
    }
    put_at(c, i, t);
}

static void heap_push(struct plug_coalesce *c, struct topic *t)
{
    if (c->n == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 64;
        c->heap = xrealloc(c->heap, c->cap * sizeof *c->heap);
    }
    c->n++;
    put_at(c, c->n - 1, t);
    sift_up(c, c->n - 1);
}

static void heap_pop(struct plug_coalesce *c)
{
    struct topic *last = c->heap[--c->n];
    if (c->n == 0) return;
    put_at(c, 0, last);
    sift_down(c, 0);
}

/* ---- topics ------------------------------------------------------------------------ */

static struct topic **slot(struct plug_coalesce *c, uint64_t hash, int64_t tenant, sv name)
{
    struct topic **t = &c->buckets[hash % BUCKETS];
    for (; *t; t = &(*t)->next) {
        if ((*t)->hash == hash && (*t)->tenant == tenant &&
            sv_eq(sv_make((*t)->name, (*t)->name_n), name))
            break;
    }
    return t;
}

static void forget(struct plug_coalesce *c, struct topic *t)
{
    *slot(c, t->hash, t->tenant, sv_make(t->name, t->name_n)) = t->next;
    free(t->data);
    free(t);
}

static void keep(struct topic *t, sv data)
{
    t->data = xrealloc(t->data, data.n ? data.n : 1);
    memcpy(t->data, data.p, data.n);
    t->data_n = data.n;
}

/* The head of the heap is due: sends what waits, or forgets a quiet topic.
 * Publishing runs the listeners' sinks, so not under the lock. */
static void run_head(struct plug_coalesce *c, int64_t now)
{
    struct topic *t = c->heap[0];
    if (!t->data) {
        heap_pop(c);
        forget(c, t);
        return;
    }
    char *data = t->data;
    size_t n = t->data_n;
    t->data = NULL;
    t->due_us = now + (int64_t)t->interval_ms * 1000;
    sift_down(c, 0);
    /* The topic may be forgotten meanwhile: its name is copied. */
    size_t name_n = t->name_n;
    char *name = xmalloc(name_n + 1);
    memcpy(name, t->name, name_n);
    int64_t tenant = t->tenant;
    pthread_mutex_unlock(&c->lock);
    work_hub_publish(c->hub, tenant, sv_make(name, name_n), sv_make(data, n));
    free(name);
    free(data);
    pthread_mutex_lock(&c->lock);
}

static void *run(void *arg)
{
    struct plug_coalesce *c = arg;
    pthread_mutex_lock(&c->lock);
    while (!c->stop) {
        if (c->n == 0) {
            pthread_cond_wait(&c->wake, &c->lock);
            continue;
        }
        int64_t now = clock_mono_us(), due = c->heap[0]->due_us;
        if (due <= now) {
            run_head(c, now);
            continue;
        }
        struct timespec until = {.tv_sec = due / 1000000, .tv_nsec = due % 1000000 * 1000};
        pthread_cond_timedwait(&c->wake, &c->lock, &until);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

void coalesce_put(struct plug_coalesce *c, int64_t tenant, sv name, sv data, unsigned interval_ms)
{
    uint64_t hash = sv_hash(name) ^ (uint64_t)tenant * UINT64_C(0x9e3779b97f4a7c15);
    pthread_mutex_lock(&c->lock);
    struct topic **at = slot(c, hash, tenant, name), *t = *at;
    if (t) {                     /* not yet: what waits is replaced */
        t->interval_ms = interval_ms;
        keep(t, data);
        pthread_mutex_unlock(&c->lock);
        return;
    }
    if (c->n < MAX_TOPICS) {
        t = xmalloc(sizeof *t + name.n);
        *t = (struct topic){
            .hash = hash,
            .tenant = tenant,
            .due_us = clock_mono_us() + (int64_t)interval_ms * 1000,
            .interval_ms = interval_ms,
            .name_n = name.n,
        };
        memcpy(t->name, name.p, name.n);
        *at = t;
        heap_push(c, t);
        if (t->heap == 0) pthread_cond_signal(&c->wake);
    }
    pthread_mutex_unlock(&c->lock);
    /* The first after a quiet time goes out at once. */
    work_hub_publish(c->hub, tenant, name, data);
}

struct plug_coalesce *coalesce_new(struct work_hub *hub)
{
    struct plug_coalesce *c = xmalloc(sizeof *c);
    memset(c, 0, sizeof *c);
    c->hub = hub;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wake, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&c->thread, NULL, run, c) != 0) panic("no thread for live messages");
    return c;
}

void coalesce_free(struct plug_coalesce *c)
{
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    for (unsigned i = 0; i < c->n; i++) {
        struct topic *t = c->heap[i];
        if (t->data)
            work_hub_publish(c->hub, t->tenant, sv_make(t->name, t->name_n),
                             sv_make(t->data, t->data_n));
        free(t->data);
        free(t);
    }
    free(c->heap);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
