/* The group-commit writer. One thread takes whatever has queued up, runs it as
 * one transaction, and only then tells the callers; while the disk works the
 * next batch gathers. The fewer the transactions, the cheaper each record: under
 * load the batches grow by themselves, and an idle writer adds no delay. */
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "store/internal.h"

#define LOG_ROOM "store"

#define GIVE_UP_US (5 * 1000000LL) /* of a batch that the database does not take */
#define CONFLICTS 10               /* attempts at a batch that deadlocks */

struct store_writer {
    struct store_db *db;
    struct store_writer_opts o;
    struct store_conn *c;      /* [writer thread] */
    struct arena *a;           /* [writer thread] of the batch being written */
    struct store_item **items; /* [writer thread] max_batch of them */
    int64_t down_since;        /* [writer thread] 0: the database answers */
    int64_t logged_at;         /* [writer thread] an outage is not told per batch */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct store_item *first, **last;
    unsigned queued;
    bool waiting, stopping;
    _Atomic uint64_t n_items, n_batches, n_failed;
};

static void pause_us(int64_t us)
{
    struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    nanosleep(&t, NULL);
}

/* A batch may run several times; what an earlier run said is forgotten. */
static void forget_answers(struct store_writer *w, struct store_item **items, size_t n)
{
    arena_reset(w->a);
    for (size_t i = 0; i < n; i++) {
        items[i]->result = 0;
        items[i]->out = NULL;
        if (items[i]->err && err_is(items[i]->err)) err_clear(items[i]->err);
    }
}

static int run_once(struct store_writer *w, struct store_item **items, size_t n, struct err *err)
{
    struct store_conn *c = w->c;
    forget_answers(w, items, n);
    c->used = false; /* an idle connection may be replaced silently */
    if (store_begin(c, err) != 0) return -1;
    if (w->o.batch(w->o.arg, c, w->a, items, n, err) == 0 && store_commit(c, err) == 0) return 0;
    if (!err_is(err)) err_internal(err, "writer %s: the batch failed without a reason", w->o.name);
    store_rollback(c);
    return -1;
}

/* Runs the items as one transaction, again while that can help. A connection
 * lost at COMMIT leaves open what happened; the batch is run again all the same,
 * which is why it must be idempotent. */
static int run_batch(struct store_writer *w, struct store_item **items, size_t n, struct err *err)
{
    int64_t since = clock_mono_us();
    for (int conflicts = 0;;) {
        err_clear(err);
        if (run_once(w, items, n, err) == 0) {
            w->down_since = 0;
            return 0;
        }
        if (w->c->broken) {
            int64_t now = clock_mono_us();
            if (!w->down_since) w->down_since = since;
            /* Later batches do not wait again for a database that was away all
             * the time of an earlier one: their callers are told at once. */
            if (now - w->down_since > GIVE_UP_US) return -1;
            pause_us(20000 + (int64_t)rand_below(30000));
        } else if (w->c->retryable && ++conflicts < CONFLICTS) {
            pause_us(500 + (int64_t)rand_below((uint64_t)1000 << conflicts));
        } else {
            return -1;
        }
    }
}

static void finish(struct store_item *item, bool ok, const struct err *why)
{
    if (!ok && item->err && !err_is(item->err)) err_copy(item->err, why);
    item->done(item, ok); /* the item may be gone now */
}

/* A record that the database refuses must not sink its neighbours: a batch that
 * fails is halved until the bad one stands alone. */
static void write_items(struct store_writer *w, struct store_item **items, size_t n)
{
    struct err err;
    if (run_batch(w, items, n, &err) == 0) {
        atomic_fetch_add_explicit(&w->n_items, n, memory_order_relaxed);
        atomic_fetch_add_explicit(&w->n_batches, 1, memory_order_relaxed);
        if (w->o.after) w->o.after(w->o.arg, w->a);
        for (size_t i = 0; i < n; i++)
            finish(items[i], true, NULL);
        return;
    }
    /* What is wrong with the database is wrong for each of them. */
    bool everybody = w->c->broken || err.status == 503 || err.status == 507;
    if (n > 1 && !everybody) {
        write_items(w, items, n / 2);
        write_items(w, items + n / 2, n - n / 2);
        return;
    }
    int64_t now = clock_mono_us();
    if (!w->logged_at || now - w->logged_at > 1000000) {
        log_warn("writer %s: %zu records failed: %s: %s", w->o.name, n, err.code, err.detail);
        w->logged_at = now;
    }
    atomic_fetch_add_explicit(&w->n_failed, n, memory_order_relaxed);
    for (size_t i = 0; i < n; i++)
        finish(items[i], false, &err);
}

/* Takes up to max_batch items; 0 when the writer shall end. */
static size_t gather(struct store_writer *w)
{
    size_t n = 0;
    pthread_mutex_lock(&w->lock);
    while (!w->first && !w->stopping) {
        w->waiting = true;
        pthread_cond_wait(&w->more, &w->lock);
        w->waiting = false;
    }
    while (w->first && n < w->o.max_batch) {
        struct store_item *item = w->first;
        w->first = item->next;
        item->next = NULL;
        w->items[n++] = item;
    }
    if (!w->first) w->last = &w->first;
    w->queued -= (unsigned)n;
    pthread_mutex_unlock(&w->lock);
    return n;
}

static void *writer_main(void *arg)
{
    struct store_writer *w = arg;
    mysql_thread_init();
    for (size_t n; (n = gather(w)) != 0;)
        write_items(w, w->items, n);
    mysql_thread_end();
    return NULL;
}

struct store_writer *store_writer_start(struct store_db *db, const struct store_writer_opts *o)
{
    struct store_writer *w = xmalloc(sizeof *w);
    *w = (struct store_writer){.db = db, .o = *o};
    if (!w->o.max_batch) w->o.max_batch = 512;
    if (!w->o.max_queue) w->o.max_queue = 20000;
    size_t name_n = strlen(o->name ? o->name : "?") + 1;
    char *name = xmalloc(name_n);
    memcpy(name, o->name ? o->name : "?", name_n);
    w->o.name = name;
    w->items = xmalloc(sizeof(struct store_item *) * w->o.max_batch);
    w->a = arena_new(64 << 10);
    w->last = &w->first;
    /* Its own, so that a pool with every connection in use cannot hold it up. It
     * is opened by the first batch. */
    w->c = conn_new(db);
    w->c->broken = true;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    if (pthread_create(&w->thread, NULL, writer_main, w) != 0)
        panic("store: cannot start a thread");
    return w;
}

bool store_writer_add(struct store_writer *w, struct store_item *item)
{
    item->next = NULL;
    pthread_mutex_lock(&w->lock);
    bool room = !w->stopping && w->queued < w->o.max_queue;
    if (room) {
        *w->last = item;
        w->last = &item->next;
        w->queued++;
        if (w->waiting) pthread_cond_signal(&w->more);
        w->waiting = false; /* woken once, not by everybody who comes now */
    }
    pthread_mutex_unlock(&w->lock);
    return room;
}

void store_writer_stop(struct store_writer *w)
{
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    conn_free(w->c);
    arena_free(w->a);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
    free(w->items);
    free((void *)w->o.name);
    free(w);
}

void store_writer_stats(const struct store_writer *w, struct store_writer_stats *out)
{
    struct store_writer *m = (struct store_writer *)w; /* only the lock is touched */
    pthread_mutex_lock(&m->lock);
    out->queued = m->queued;
    pthread_mutex_unlock(&m->lock);
    out->items = atomic_load_explicit(&m->n_items, memory_order_relaxed);
    out->batches = atomic_load_explicit(&m->n_batches, memory_order_relaxed);
    out->failed = atomic_load_explicit(&m->n_failed, memory_order_relaxed);
}
