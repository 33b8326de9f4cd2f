/* atrium.jobs/1: work outside a request. Jobs are rows: they survive the process
 * and run at least once, on any node, with back-off and a dead-letter list. */
#ifndef ATRIUM_JOBS_H
#define ATRIUM_JOBS_H

#include "atrium/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ATRIUM_JOBS_1 "atrium.jobs/1"

struct atrium_host;

/* Filled by the host, grows at its end. Valid until: the callback returns. */
struct atrium_job {
    uint32_t size;               /* sizeof(struct atrium_job) of the host */
    uint32_t attempt;            /* 1, 2, ... */
    int64_t id;
    struct atrium_str payload;   /* JSON as it was enqueued; from a schedule
                                  * {"schedule": "<plugin>.<job>", "due": "<RFC 3339>"} */
};

/* [worker] May block; a long one calls progress now and then. It may run twice:
 * write it so that the second run finds the work done. Anything but ATRIUM_OK:
 * again later. */
typedef atrium_status atrium_job_fn(void *self, struct atrium_ctx *ctx,
                                    const struct atrium_job *job, struct atrium_error *err);

struct atrium_enqueue {
    uint32_t size;               /* sizeof, set by the caller */
    uint32_t max_attempts;       /* 0: 10 */
    int64_t run_at_us;           /* 0: now */
    int32_t priority;            /* higher first */
    uint32_t reserved;           /* 0 */
    struct atrium_str key;       /* of idempotency within the job's name; absent: none */
};

struct atrium_jobs_1 {
    /* [init] Binds a job that the manifest declares under `jobs` with
     * `hook: <name>`. */
    atrium_status (*bind_job)(const struct atrium_host *host, struct atrium_str name,
                              atrium_job_fn *fn, struct atrium_error *err);
    /* [worker, may block] Adds a job of this plugin by its hook's name, in the
     * open transaction when there is one. `opts` may be NULL. *id (may be NULL)
     * is the earlier job's when the key is known. */
    atrium_status (*enqueue)(struct atrium_ctx *ctx, struct atrium_str name,
                             struct atrium_str payload, const struct atrium_enqueue *opts,
                             int64_t *id, struct atrium_error *err);
    /* [worker, may block] In a job: notes 0..100; false: somebody cancelled it,
     * return soon. */
    bool (*progress)(struct atrium_ctx *ctx, uint32_t percent);
};

#ifdef __cplusplus
}
#endif
#endif
