/* Rows of core.task. Nobody but task.c includes this. */
#ifndef ATRIUM_CORE_MODEL_TASK_STORE_H
#define ATRIUM_CORE_MODEL_TASK_STORE_H

#include "model/internal.h"
#include "model/kept.h"
#include "model/task.h"

struct task_row {
    sv kind, asker, lang, input, cursor; /* input sealed; cursor: JSON; SV_NULL: none */
    int64_t owner;                       /* 0: none */
    int64_t total, done, failed, tries;
};

/* `input` may hold values of protected fields and lies sealed. */
#define TASK_INPUT(id) {SV("core.task"), SV("input"), id}
int task_insert(struct store_conn *conn, const struct model_ctx *c, const struct task_new *n,
                int64_t id, struct err *err);
/* Makes the run `runner` the only one that may write; *ours false: the task is
 * over, or gone. */
int task_claim(struct store_conn *c, int64_t id, int64_t runner, bool *ours, struct err *err);
int task_read(struct store_conn *c, struct arena *a, int64_t id, struct task_row *out, bool *found,
              struct err *err);
/* Counts and cursor (NULL: unchanged) of the run; *ours false: it is not its any more. */
int task_step(struct store_conn *c, const struct task_run *run, const char *cursor, bool *ours,
              struct err *err);
/* The end of the run: `state` with the counts as they are; "queued": once more. */
int task_end(struct store_conn *c, const struct task_run *run, const char *state, sv error,
             struct err *err);
/* The run did nothing wrong, its node ends: the try does not count. */
int task_back(struct store_conn *c, const struct task_run *run, struct err *err);
int task_put_result(struct store_conn *c, const struct task_run *run, sv result, int64_t file,
                    struct err *err);
/* Deletes some that ended before `before`; *n says how many. */
int task_delete_old(struct store_conn *c, int64_t before, uint64_t *n, struct err *err);

#endif
