/* What the files about jobs share. Nobody else includes it. */
#ifndef ATRIUM_CORE_WORK_JOBS_H
#define ATRIUM_CORE_WORK_JOBS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/panic.h"
#include "work/work.h"

/* A job at work on this node. Owned by the list in struct work_jobs; freed on
 * the worker thread when it is over. */
struct running {
    struct work_job job; /* first: handlers hold a pointer to it */
    struct work_jobs *jobs;
    struct running *next;
    int max_attempts;
    _Atomic bool lost; /* cancelled, or its lease went to somebody else */
};

struct work_jobs {
    struct work_jobs_opts o;
    char *node;
    pthread_t thread;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t wake;
    pthread_cond_t idle; /* a job has ended */
    struct running *running;
    unsigned n_running;
    bool woken, stopping;
    struct schedules *new_schedules; /* to be taken over by the jobs thread */
    /* of the jobs thread alone */
    struct schedules *schedules;
    int64_t renew_at;
    unsigned sweep; /* counts; who is served first goes round */
};

/* ---- job_store.c: the rows ----------------------------------------------------- */

struct job_row {
    int64_t id;
    sv kind, payload;
    int attempt, max_attempts;
};

struct job_claim {
    const char *node;
    int64_t now, lease_until, purge_before;
    unsigned limit;
    struct arena *a;
    struct job_row *rows; /* room for `limit` */
    unsigned n;
};

/* Claims what is due, the highest priority first; puts jobs without attempts
 * left aside as dead, and deletes some of what was finished long ago. */
int job_claim(struct store_conn *c, struct job_claim *claim, struct err *err);

enum job_end { JOB_DONE, JOB_FAILED, JOB_BACK }; /* BACK: not begun, or to be begun again */
int job_end(struct store_conn *c, const struct running *r, enum job_end how, const char *why,
            int64_t now, struct err *err);
/* Renews the lease; *ours is false when the job is not this node's any more.
 * `percent` -1: progress stays as it is. */
int job_renew(struct store_conn *c, const struct work_job *job, int64_t until, int percent,
              bool *ours, struct err *err);

/* `node` is "name:pid": ends the leases of processes of that name that are dead. */
int job_take_over(struct store_conn *c, const char *node, int64_t now, struct err *err);

/* ---- schedule.c: times that become jobs ------------------------------------------ */

struct schedules *schedules_new(const struct work_schedule *s, size_t n, struct err *err);
void schedules_free(struct schedules *s);
/* Adds a job for each schedule that is due; true when one was added. */
bool schedules_run(struct schedules *s, int64_t now);

#endif
