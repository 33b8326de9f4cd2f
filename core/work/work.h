/* work: everything that happens outside a loop thread. The worker pool that
 * requests run on, durable jobs and their schedules, the reactor for outbound
 * HTTP, and the channel hub. */
#ifndef ATRIUM_CORE_WORK_H
#define ATRIUM_CORE_WORK_H

#include "base/base.h"
#include "store/store.h"

/* ---- worker pool --------------------------------------------------------- */

struct work_pool;
/* `threads` workers and a bounded ring of `queue` jobs. */
struct work_pool *work_pool_start(unsigned threads, unsigned queue);
/* [any] Never blocks; false when the ring is full or the pool stops. */
bool work_pool_submit(struct work_pool *p, void (*run)(void *), void *arg);
/* Runs what is queued (at most timeout_ms), then ends the threads. */
void work_pool_stop(struct work_pool *p, unsigned timeout_ms);
struct work_pool_stats { unsigned threads, busy, queued; uint64_t done, refused; };
void work_pool_stats(const struct work_pool *p, struct work_pool_stats *out);
bool work_on_worker(void);       /* [any] true on a pool thread */

/* ---- durable jobs --------------------------------------------------------- */

/* Jobs are rows of `core_job` in the tenant's database, claimed with SKIP
 * LOCKED by any node, at least once. States: queued, running, done, failed
 * (will be retried), dead (no retries left), cancelled. */
struct work_jobs;

struct work_job {
    int64_t id;
    sv kind;                     /* "<plugin>.<hook>" */
    sv payload;                  /* JSON */
    int attempt;                 /* 1.. */
    void *tenant;                /* from work_jobs_opts.tenants */
    struct store_db *db;
    struct arena *arena;
};
/* Called by a handler now and then: stores progress 0..100, returns false when
 * somebody cancelled the job, or this node ends: stop soon and return -1. (In
 * the second case the job is queued again and the attempt not counted.) `job` is
 * the very struct that `run` was given. [worker] */
bool work_job_progress(struct work_job *job, int percent);

/* The same answer from what this node knows by now, without asking the database
 * (leases are renewed anyway): for handlers that fence themselves. [any] */
bool work_job_wanted(const struct work_job *job);

struct work_jobs_opts {
    struct work_pool *pool;
    unsigned max_running;        /* on this node (8) */
    unsigned poll_ms;            /* (1000); adds also wake the claimer */
    /* Name of this node, for the lease. What an earlier process of this name left
     * behind when it died is claimed again at once, not when its leases are over. */
    const char *node;
    unsigned lease_s;            /* (60) a running job whose lease ran out is claimed again */
    unsigned keep_done_s;        /* (7 days) finished and cancelled ones are deleted after it */
    void *arg;
    /* Calls fn for each tenant whose jobs this node serves. [jobs thread] */
    void (*tenants)(void *arg, bool (*fn)(void *ctx, void *tenant, struct store_db *db), void *ctx);
    /* Runs one job; -1 with err: retried with back-off until max_attempts. [worker] */
    int (*run)(void *arg, struct work_job *job, struct err *err);
};
struct work_jobs *work_jobs_start(const struct work_jobs_opts *o, struct err *err);
void work_jobs_stop(struct work_jobs *j, unsigned timeout_ms);

struct work_add {
    sv kind, payload;
    sv key;                      /* idempotency key within the kind, or SV_NULL */
    int64_t run_at_us;           /* 0: now */
    int priority;                /* 0 normal, higher first */
    int max_attempts;            /* 0: 10 */
};
/* Adds in the caller's transaction when there is one; *id is the existing job's
 * when the key is known. Wake-up comes after commit by work_jobs_wake or the
 * poll. [worker] */
int work_job_add(struct store_conn *c, const struct work_add *add, int64_t *id, struct err *err);
void work_jobs_wake(struct work_jobs *j);
/* The tables that jobs and schedules need; part of every tenant's plan. */
const struct store_table *work_tables(size_t *n);

/* Cron: "m h dom mon dow" in a fixed offset of minutes from UTC. One run across
 * nodes: the due run is a job with the key "<name>@<due time>". */
struct work_cron;                /* parsed expression */
int work_cron_parse(struct arena *a, sv expr, struct work_cron **out, struct err *err);
int64_t work_cron_next(const struct work_cron *c, int64_t after_us, int offset_minutes);
/* [any] Called by main when the set of schedules changes (plugin on/off). The
 * list is copied. A schedule that was missed runs once when the node is back. */
struct work_schedule { void *tenant; struct store_db *db; sv name, kind, expr; int offset_minutes; };
int work_jobs_set_schedules(struct work_jobs *j, const struct work_schedule *s, size_t n,
                            struct err *err);

/* ---- reactor --------------------------------------------------------------- */

struct work_reactor;
struct work_http {               /* one outbound request */
    const char *method;
    sv url;
    const char *const *headers;  /* "Name: value", NULL-terminated, or NULL */
    sv body;                     /* copied */
    unsigned timeout_ms;         /* (10000) */
    size_t max_body;             /* (1 MiB) */
    bool allow_private;          /* private, loopback and link-local addresses */
    /* [reactor thread, short] status 0: no answer, see error. */
    void (*done)(void *arg, int status, sv body, const char *error);
    void *arg;
};
struct work_reactor *work_reactor_start(struct err *err);
/* [any] false: stopping or more than 10,000 waiting. Per-host concurrency (8),
 * connection reuse, verification of TLS always, redirects never followed, a
 * circuit per host that opens after 5 failures for 10 s. */
bool work_reactor_http(struct work_reactor *r, const struct work_http *req);
void work_reactor_stop(struct work_reactor *r);

/* ---- channels --------------------------------------------------------------- */

/* Publish/subscribe in process. A channel is (tenant, name); subscribers are
 * sinks. Each message has a rising id; the last `keep` are kept for resume. */
struct work_hub;
struct work_sub;
struct work_hub *work_hub_new(unsigned keep);
void work_hub_free(struct work_hub *h);
/* [any] `sink` is called for kept messages after `last_id` (0: none; the newest
 * one only when `last_id` < 0), then for each new one, under no lock of the
 * caller's, in order; false from it unsubscribes, but the handle must still be
 * given to work_hub_unsubscribe. It must not block, nor call the hub for the
 * same channel. */
struct work_sub *work_hub_subscribe(struct work_hub *h, int64_t tenant, sv name, int64_t last_id,
                                    bool (*sink)(void *arg, int64_t id, sv data), void *arg);
/* After it returns the sink is not running and will not be called; `s` is gone.
 * Not from inside the sink. [any] */
void work_hub_unsubscribe(struct work_hub *h, struct work_sub *s);
int64_t work_hub_publish(struct work_hub *h, int64_t tenant, sv name, sv data);   /* [any] */
unsigned work_hub_count(struct work_hub *h, int64_t tenant, sv name);            /* [any] */

#endif
