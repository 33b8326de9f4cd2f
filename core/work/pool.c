/* The worker pool: a bounded ring of jobs and a stack of sleeping workers. The
 * worker that fell asleep last is woken first, since its stack is still warm.
 * Each sleeps on a word of its own, so a job wakes one thread and never a herd;
 * and none is woken for a job that a thread already on its way will take. */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/panic.h"
#include "work/work.h"

#define LOG_ROOM "work"

struct job {
    void (*run)(void *);
    void *arg;
};

struct worker {
    struct work_pool *p;
    struct worker *below;   /* on the stack of sleepers */
    _Atomic uint32_t awake; /* the word it sleeps on */
    pthread_t thread;
};

struct work_pool {
    pthread_mutex_t lock;
    struct job *ring;
    unsigned cap, head, queued;
    struct worker *sleepers;
    unsigned waking; /* woken, but not yet at the ring */
    unsigned busy;
    bool stopping;
    uint64_t done, refused;
    unsigned n_threads, alive;
    pthread_cond_t ended;   /* a thread has; monotonic clock */
    struct work_pool *next; /* of the abandoned */
    struct worker workers[];
};

static _Thread_local bool on_worker;

bool work_on_worker(void)
{
    return on_worker;
}

static void sleep_on(struct worker *w)
{
    while (!atomic_load_explicit(&w->awake, memory_order_acquire))
        syscall(SYS_futex, &w->awake, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void wake(struct worker *w)
{
    atomic_store_explicit(&w->awake, 1, memory_order_release);
    syscall(SYS_futex, &w->awake, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* With the lock held. */
static struct worker *pop_sleeper(struct work_pool *p)
{
    struct worker *w = p->sleepers;
    if (w) {
        p->sleepers = w->below;
        p->waking++;
    }
    return w;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct work_pool *p = w->p;
    on_worker = true;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        if (p->queued) {
            struct job job = p->ring[p->head];
            p->head = (p->head + 1) & (p->cap - 1);
            p->queued--;
            p->busy++;
            pthread_mutex_unlock(&p->lock);
            job.run(job.arg);
            pthread_mutex_lock(&p->lock);
            p->busy--;
            p->done++;
            continue;
        }
        if (p->stopping) break;
        atomic_store_explicit(&w->awake, 0, memory_order_relaxed);
        w->below = p->sleepers;
        p->sleepers = w;
        pthread_mutex_unlock(&p->lock);
        sleep_on(w);
        pthread_mutex_lock(&p->lock);
        p->waking--;
    }
    p->alive--;
    pthread_cond_signal(&p->ended);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct work_pool *work_pool_start(unsigned threads, unsigned queue)
{
    if (!threads) threads = 1;
    struct work_pool *p = xmalloc(sizeof *p + threads * sizeof *p->workers);
    *p = (struct work_pool){.n_threads = threads, .alive = threads, .cap = 16};
    while (p->cap < queue)
        p->cap *= 2;
    p->ring = xmalloc(p->cap * sizeof *p->ring);
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->ended, &attr);
    pthread_condattr_destroy(&attr);
    /* Signals are for the main thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < threads; i++) {
        struct worker *w = &p->workers[i];
        *w = (struct worker){.p = p};
        if (pthread_create(&w->thread, NULL, worker_main, w) != 0)
            panic("work: cannot start a worker thread");
        char name[16];
        snprintf(name, sizeof name, "worker-%u", i % 1000);
        pthread_setname_np(w->thread, name);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p;
}

bool work_pool_submit(struct work_pool *p, void (*run)(void *), void *arg)
{
    struct worker *w = NULL;
    pthread_mutex_lock(&p->lock);
    bool taken = !p->stopping && p->queued < p->cap;
    if (taken) {
        p->ring[(p->head + p->queued++) & (p->cap - 1)] = (struct job){run, arg};
        if (p->queued > p->waking) w = pop_sleeper(p);
    } else {
        p->refused++;
    }
    pthread_mutex_unlock(&p->lock);
    if (w) wake(w);
    return taken;
}

static struct timespec in_ms(unsigned ms)
{
    int64_t at = clock_mono_us() + (int64_t)ms * 1000;
    return (struct timespec){.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000};
}

/* Its threads still use it, so it is not freed: the process is about to end
 * anyway. Kept in sight for leak checkers. */
static void abandon(struct work_pool *p)
{
    static struct work_pool *_Atomic abandoned;
    for (unsigned i = 0; i < p->n_threads; i++)
        pthread_detach(p->workers[i].thread);
    p->next = atomic_exchange(&abandoned, p);
}

void work_pool_stop(struct work_pool *p, unsigned timeout_ms)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    for (struct worker *w; (w = pop_sleeper(p)) != NULL;)
        wake(w);
    pthread_mutex_unlock(&p->lock);

    struct timespec until = in_ms(timeout_ms);
    pthread_mutex_lock(&p->lock);
    while (p->alive && pthread_cond_timedwait(&p->ended, &p->lock, &until) != ETIMEDOUT) {
    }
    unsigned alive = p->alive;
    if (alive) {
        /* Late already: what has not begun shall not begin. */
        log_error("%u workers did not end within %u ms, %u jobs dropped", alive, timeout_ms,
                  p->queued);
        p->queued = 0;
    }
    pthread_mutex_unlock(&p->lock);
    if (alive) {
        abandon(p);
        return;
    }
    for (unsigned i = 0; i < p->n_threads; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->ended);
    pthread_mutex_destroy(&p->lock);
    free(p->ring);
    free(p);
}

void work_pool_stats(const struct work_pool *p, struct work_pool_stats *out)
{
    struct work_pool *m = (struct work_pool *)p; /* only the lock is touched */
    pthread_mutex_lock(&m->lock);
    *out = (struct work_pool_stats){.threads = p->n_threads,
                                    .busy = p->busy,
                                    .queued = p->queued,
                                    .done = p->done,
                                    .refused = p->refused};
    pthread_mutex_unlock(&m->lock);
}
