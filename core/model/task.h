/* Tasks (任务): long work in somebody's name, which he can watch and cancel: bulk
 * changes, imports, exports, re-encryption. A task is a row of core.task and one
 * durable job; it survives the death of its node and goes on at its cursor.
 *
 * A kind is registered once, before the model is sealed. Its function runs on a
 * worker, at least once for each stretch of work: after a crash it is called again
 * with the cursor that was stored last, so what it does between two calls of
 * task_progress must be idempotent or one transaction with it. */
#ifndef ATRIUM_CORE_MODEL_TASK_H
#define ATRIUM_CORE_MODEL_TASK_H

#include "model/model.h"

struct task_run {
    int64_t id;                          /* of the row of core.task */
    struct auth_tenant *tenant;
    /* Who asked, with the rights he has now; a person who is gone or suspended
     * meanwhile ends the task. auth_system for tasks of the system. */
    const struct auth_principal *who;
    const char *lang;
    struct model *model;
    struct arena *arena;                 /* of the run; use arenas of your own in loops */
    const json_t *input;                 /* as it was given to task_add */
    json_t *cursor;                      /* where the last stored step ended; NULL at first */
    int64_t total, done, failed;         /* counts so far; total 0: not known yet */
    struct work_job *job;
    struct {                             /* task.c's own */
        int64_t runner;
        bool cancelled, stopping;
    } own;
};

/* -1 with err: the task fails and shows the error (a 5xx is tried again with
 * back-off first). 0: it is done. */
typedef int task_fn(struct task_run *run, struct err *err);

/* [init, before model_seal] `kind`: "core.bulk", "core.import". The string must
 * last. The engine's own kinds are bound in tasks_init (task.c). */
void task_kind(struct model *m, const char *kind, task_fn *fn);

struct task_new {
    const char *kind;
    sv title;                            /* what people see: "批量修改 12 条 投票" in c->lang */
    sv resource;                         /* "vote.poll", or SV_NULL */
    json_t *input;                       /* copied */
    int64_t total;                       /* when known */
};
/* Adds row and job in the context's transaction or one of its own. Staff and the
 * system may ask; it begins within a second of the commit. [worker] */
int task_add(struct model_ctx *c, const struct task_new *n, int64_t *id, struct err *err);
/* After the commit, for who does not want to wait that second. [any] */
void task_wake(struct model *m);

/* Stores run->total, done, failed and `cursor` (NULL: unchanged), in the open
 * transaction of `conn` when there is one, which the caller then commits. False: it
 * was cancelled, somebody else runs it by now, or this node ends: roll back, stop
 * and return -1 at once, without an error of your own. run->cursor becomes
 * `cursor`. [worker] */
bool task_progress(struct task_run *run, struct store_conn *conn, json_t *cursor);
/* What the task ends with: JSON shown as `result` (a summary; rows that failed go
 * to a file), and a file of core.file that may be fetched, 0: none. */
int task_result(struct task_run *run, const json_t *result, int64_t file, struct err *err);

#endif
