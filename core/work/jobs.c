/* The jobs thread: looks for due jobs in every tenant's database, hands them to
 * the worker pool, keeps their leases, and fires the schedules. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "work/jobs.h"

#define LOG_ROOM "work"

#define MIN_GAP_US 10000 /* between sweeps, however often they are asked for */
#define END_ATTEMPTS 4

/* ---- running one -------------------------------------------------------------------- */

bool work_job_wanted(const struct work_job *job)
{
    const struct running *r = (const struct running *)job;
    pthread_mutex_lock(&r->jobs->lock);
    bool stopping = r->jobs->stopping;
    pthread_mutex_unlock(&r->jobs->lock);
    return !stopping && !atomic_load(&r->lost);
}

bool work_job_progress(struct work_job *job, int percent)
{
    struct running *r = (struct running *)job;
    struct work_jobs *j = r->jobs;
    struct store_conn *c;
    struct err err;
    bool ours = true;
    if (percent < 0) percent = 0;
    if (percent > 100) percent = 100;
    if (!work_job_wanted(job)) return false;
    err_clear(&err);
    if (store_get(job->db, &c, &err) != 0) return true; /* no news is no reason to stop */
    int64_t until = clock_now_us() + (int64_t)j->o.lease_s * 1000000;
    if (job_renew(c, job, until, percent, &ours, &err) != 0) ours = true;
    store_put(c);
    if (!ours) atomic_store(&r->lost, true);
    return ours;
}

/* What came of it must be written down; otherwise the job runs again when its
 * lease is over, which is allowed but wasteful. */
static void write_end(struct running *r, enum job_end how, const char *why)
{
    struct err err;
    for (int i = 1; i <= END_ATTEMPTS; i++) {
        struct store_conn *c;
        err_clear(&err);
        if (store_get(r->job.db, &c, &err) == 0) {
            int rc = job_end(c, r, how, why, clock_now_us(), &err);
            store_put(c);
            if (rc == 0) return;
        }
        struct timespec t = {.tv_nsec = i * 100000000L};
        nanosleep(&t, NULL);
    }
    log_error("the end of job %lld (%.*s) could not be written, it will run again: %s",
              (long long)r->job.id, SVARG(r->job.kind), err.detail);
}

static void unlink_running(struct work_jobs *j, struct running *r)
{
    pthread_mutex_lock(&j->lock);
    struct running **p = &j->running;
    while (*p != r)
        p = &(*p)->next;
    *p = r->next;
    j->n_running--;
    j->woken = true; /* a place is free */
    pthread_cond_signal(&j->wake);
    pthread_cond_signal(&j->idle);
    pthread_mutex_unlock(&j->lock);
}

static void free_running(struct running *r)
{
    arena_free(r->job.arena);
    free(r);
}

static void run_job(void *arg)
{
    struct running *r = arg;
    struct work_jobs *j = r->jobs;
    struct err err;
    char why[500] = "";
    enum job_end how = JOB_DONE;
    err_clear(&err);
    if (j->o.run(j->o.arg, &r->job, &err) != 0) {
        pthread_mutex_lock(&j->lock);
        how = j->stopping ? JOB_BACK : JOB_FAILED;
        pthread_mutex_unlock(&j->lock);
        snprintf(why, sizeof why, "%s%s%s", err.code ? err.code : "failed",
                 err.detail[0] ? ": " : "", err.detail);
        log_warn("job %lld (%.*s), attempt %d: %s", (long long)r->job.id, SVARG(r->job.kind),
                 r->job.attempt, why);
    }
    write_end(r, how, why);
    unlink_running(j, r);
    free_running(r);
}

static void start_job(struct work_jobs *j, void *tenant, struct store_db *db,
                      const struct job_row *row)
{
    /* kind and payload behind it; the arena is the handler's, to do as it likes */
    struct running *r = xmalloc(sizeof *r + row->kind.n + row->payload.n);
    char *kind = (char *)(r + 1), *payload = kind + row->kind.n;
    memcpy(kind, row->kind.p, row->kind.n);
    memcpy(payload, row->payload.p, row->payload.n);
    *r = (struct running){.job = {.id = row->id,
                                  .kind = {kind, row->kind.n},
                                  .payload = {payload, row->payload.n},
                                  .attempt = row->attempt,
                                  .tenant = tenant,
                                  .db = db,
                                  .arena = arena_new(0)}};
    r->jobs = j;
    r->max_attempts = row->max_attempts;
    pthread_mutex_lock(&j->lock);
    r->next = j->running;
    j->running = r;
    j->n_running++;
    pthread_mutex_unlock(&j->lock);
    if (work_pool_submit(j->o.pool, run_job, r)) return;
    /* The pool is full of requests: somebody else, or we later. */
    write_end(r, JOB_BACK, "");
    unlink_running(j, r);
    free_running(r);
}

/* ---- looking for more --------------------------------------------------------------- */

struct sweep {
    struct work_jobs *j;
    unsigned skip, seen; /* tenants before the one to begin with */
    bool second_round;
    struct job_row *rows;
};

static unsigned free_places(struct work_jobs *j)
{
    pthread_mutex_lock(&j->lock);
    unsigned n =
        j->stopping || j->n_running >= j->o.max_running ? 0 : j->o.max_running - j->n_running;
    pthread_mutex_unlock(&j->lock);
    return n;
}

static void serve_tenant(struct sweep *s, void *tenant, struct store_db *db)
{
    struct work_jobs *j = s->j;
    struct store_conn *c;
    struct err err;
    err_clear(&err);
    if (store_get(db, &c, &err) != 0) return;
    int64_t now = clock_now_us();
    unsigned places = free_places(j), half = (j->o.max_running + 1) / 2;
    struct arena *a = arena_new(0);
    struct job_claim claim = {.node = j->node,
                              .now = now,
                              .lease_until = now + (int64_t)j->o.lease_s * 1000000,
                              .purge_before = now - (int64_t)j->o.keep_done_s * 1000000,
                              /* one tenant's backlog must not take every place at once */
                              .limit = places < half ? places : half,
                              .a = a,
                              .rows = s->rows};
    int rc = job_claim(c, &claim, &err);
    store_put(c);
    if (rc == 0)
        for (unsigned i = 0; i < claim.n; i++)
            start_job(j, tenant, db, &claim.rows[i]);
    else if (err.status != 503)
        log_error("jobs cannot be claimed: %s %s", err.code, err.detail);
    if (rc == 0 && claim.n == claim.limit && claim.n > 0) work_jobs_wake(j); /* maybe more */
    arena_free(a);
}

static bool visit_tenant(void *ctx, void *tenant, struct store_db *db)
{
    struct sweep *s = ctx;
    unsigned i = s->seen++;
    if ((i < s->skip) != s->second_round) return true;
    serve_tenant(s, tenant, db);
    return free_places(s->j) > 0;
}

/* Each sweep begins with another tenant, so that none is always served last. */
static void sweep(struct work_jobs *j)
{
    if (!free_places(j)) return;
    struct sweep s = {.j = j, .skip = j->sweep++};
    s.rows = xmalloc(j->o.max_running * sizeof *s.rows);
    j->o.tenants(j->o.arg, visit_tenant, &s);
    if (s.skip && s.seen <= s.skip) {
        /* there are fewer than that: begin anew */
        j->sweep = 1;
        s.skip = s.seen;
    }
    if (s.skip && free_places(j)) {
        s.seen = 0;
        s.second_round = true;
        j->o.tenants(j->o.arg, visit_tenant, &s);
    }
    free(s.rows);
}

static void renew_leases(struct work_jobs *j)
{
    struct lease {
        struct work_job job;
        struct running *r;
    } * leases;
    /* Copies, because a job may end while its lease is being renewed. */
    pthread_mutex_lock(&j->lock);
    unsigned n = 0;
    leases = xmalloc((j->n_running + 1) * sizeof *leases);
    for (struct running *r = j->running; r; r = r->next)
        leases[n++] = (struct lease){r->job, r};
    pthread_mutex_unlock(&j->lock);
    for (unsigned i = 0; i < n; i++) {
        struct store_conn *c;
        struct err err;
        bool ours = true;
        err_clear(&err);
        if (store_get(leases[i].job.db, &c, &err) != 0) continue;
        int64_t until = clock_now_us() + (int64_t)j->o.lease_s * 1000000;
        if (job_renew(c, &leases[i].job, until, -1, &ours, &err) != 0) ours = true;
        store_put(c);
        if (ours) continue;
        pthread_mutex_lock(&j->lock);
        struct running *r = j->running;
        while (r && r != leases[i].r)
            r = r->next;
        if (r && r->job.id == leases[i].job.id && r->job.attempt == leases[i].job.attempt)
            atomic_store(&r->lost, true);
        pthread_mutex_unlock(&j->lock);
    }
    free(leases);
}

static void take_schedules(struct work_jobs *j)
{
    pthread_mutex_lock(&j->lock);
    struct schedules *news = j->new_schedules;
    j->new_schedules = NULL;
    pthread_mutex_unlock(&j->lock);
    if (!news) return;
    schedules_free(j->schedules);
    j->schedules = news;
}

/* Waits for the next poll or a wake-up; false when it is time to end. */
static bool wait_more(struct work_jobs *j, int64_t swept_at)
{
    int64_t at = swept_at + (int64_t)j->o.poll_ms * 1000;
    struct timespec until = {.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000};
    pthread_mutex_lock(&j->lock);
    while (!j->woken && !j->stopping && clock_mono_us() < at)
        pthread_cond_timedwait(&j->wake, &j->lock, &until);
    j->woken = false;
    bool go_on = !j->stopping;
    pthread_mutex_unlock(&j->lock);
    int64_t early = swept_at + MIN_GAP_US - clock_mono_us();
    if (go_on && early > 0) {
        struct timespec t = {.tv_nsec = early * 1000};
        nanosleep(&t, NULL);
    }
    return go_on;
}

static bool take_over(void *ctx, void *tenant, struct store_db *db)
{
    struct work_jobs *j = ctx;
    struct store_conn *c;
    struct err err;
    (void)tenant;
    err_clear(&err);
    if (store_get(db, &c, &err) != 0) return true;
    if (job_take_over(c, j->node, clock_now_us(), &err) != 0)
        log_warn("jobs of an earlier process wait for their leases: %s", err.detail);
    store_put(c);
    return true;
}

static void *jobs_main(void *arg)
{
    struct work_jobs *j = arg;
    int64_t swept_at;
    j->o.tenants(j->o.arg, take_over, j);
    do {
        swept_at = clock_mono_us();
        if (swept_at >= j->renew_at) {
            renew_leases(j);
            j->renew_at = swept_at + (int64_t)j->o.lease_s * 1000000 / 3;
        }
        take_schedules(j);
        schedules_run(j->schedules, clock_now_us());
        sweep(j);
    } while (wait_more(j, swept_at));
    return NULL;
}

/* ---- life --------------------------------------------------------------------------- */

struct work_jobs *work_jobs_start(const struct work_jobs_opts *o, struct err *err)
{
    if (!o->pool || !o->tenants || !o->run) {
        err_internal(err, "work_jobs_start: pool, tenants and run are wanted");
        return NULL;
    }
    struct work_jobs *j = xmalloc(sizeof *j);
    *j = (struct work_jobs){.o = *o};
    if (!j->o.max_running) j->o.max_running = 8;
    if (!j->o.poll_ms) j->o.poll_ms = 1000;
    if (!j->o.lease_s) j->o.lease_s = 60;
    if (!j->o.keep_done_s) j->o.keep_done_s = 7 * 86400;
    sv node = sv_of(o->node ? o->node : "node");
    if (node.n > 50) node.n = 50;
    j->node = xmalloc(64);
    snprintf(j->node, 64, "%.*s:%d", SVARG(node), (int)getpid());
    j->o.node = j->node;
    pthread_mutex_init(&j->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&j->wake, &attr);
    pthread_cond_init(&j->idle, &attr);
    pthread_condattr_destroy(&attr);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&j->thread, NULL, jobs_main, j) != 0) panic("work: cannot start a thread");
    pthread_setname_np(j->thread, "jobs");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return j;
}

void work_jobs_wake(struct work_jobs *j)
{
    pthread_mutex_lock(&j->lock);
    j->woken = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
}

int work_jobs_set_schedules(struct work_jobs *j, const struct work_schedule *s, size_t n,
                            struct err *err)
{
    struct schedules *news = schedules_new(s, n, err);
    if (!news) return -1;
    pthread_mutex_lock(&j->lock);
    struct schedules *old = j->new_schedules; /* never taken over */
    j->new_schedules = news;
    j->woken = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    schedules_free(old);
    return 0;
}

void work_jobs_stop(struct work_jobs *j, unsigned timeout_ms)
{
    if (!j) return;
    pthread_mutex_lock(&j->lock);
    j->stopping = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    pthread_join(j->thread, NULL);

    int64_t at = clock_mono_us() + (int64_t)timeout_ms * 1000;
    struct timespec until = {.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000};
    pthread_mutex_lock(&j->lock);
    while (j->n_running && clock_mono_us() < at)
        pthread_cond_timedwait(&j->idle, &j->lock, &until);
    unsigned left = j->n_running;
    pthread_mutex_unlock(&j->lock);
    if (left) {
        /* They still use it. Their leases will run out and others take over. */
        log_error("%u jobs did not end within %u ms", left, timeout_ms);
        return;
    }
    schedules_free(j->schedules);
    schedules_free(j->new_schedules);
    pthread_cond_destroy(&j->wake);
    pthread_cond_destroy(&j->idle);
    pthread_mutex_destroy(&j->lock);
    free(j->node);
    free(j);
}
