/* Tasks: a row that people watch, and the durable job that works it off. The job's
 * kind is core.task for all of them; the row says what is to be done. */
#define LOG_ROOM "model"
#include "model/task.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/bulk.h"
#include "model/import.h"
#include "model/internal.h"
#include "model/task_store.h"

#define MAX_TRIES 5       /* that came no step further */
#define JOB_ATTEMPTS 1000 /* of the job; the tries of the row decide */
#define KEEP_US (INT64_C(30) * 86400 * 1000000)

struct task_kind {
    struct task_kind *next;
    const char *name;
    task_fn *fn;
};

void task_kind(struct model *m, const char *kind, task_fn *fn)
{
    for (const struct task_kind *k = m->task_kinds; k; k = k->next)
        if (strcmp(k->name, kind) == 0) panic("task_kind: a kind is registered twice");
    if (m->sealed) panic("task_kind after model_seal");
    struct task_kind *k = ARENA_NEW(m->a, struct task_kind);
    *k = (struct task_kind){m->task_kinds, kind, fn};
    m->task_kinds = k;
}

static task_fn *kind_find(const struct model *m, sv kind)
{
    for (const struct task_kind *k = m->task_kinds; k; k = k->next)
        if (sv_eqs(kind, k->name)) return k->fn;
    return NULL;
}

/* ---- adding ------------------------------------------------------------------------ */

struct adding {
    struct model_ctx *c;
    const struct task_new *n;
    int64_t id;
};

static int insert_both(void *arg, struct store_conn *conn, struct err *err)
{
    struct adding *x = arg;
    char payload[40];
    int64_t job;
    snprintf(payload, sizeof payload, "{\"task\":\"%lld\"}", (long long)x->id);
    struct work_add add = {
        .kind = SV("core.task"), .payload = sv_of(payload), .max_attempts = JOB_ATTEMPTS};
    if (task_insert(conn, x->c, x->n, x->id, err) < 0) return -1;
    return work_job_add(conn, &add, &job, err);
}

int task_add(struct model_ctx *c, const struct task_new *n, int64_t *id, struct err *err)
{
    struct adding x = {c, n, id_next()};
    struct store_conn *conn;
    if (c->who->kind != AUTH_STAFF && c->who->kind != AUTH_SYSTEM)
        return err_set(err, 403, "forbidden", NULL);
    if (conn_enter(c, &conn, err) < 0) return -1;
    int rc = store_tx(conn, insert_both, &x, err);
    conn_leave(c, conn);
    if (rc < 0) return -1;
    *id = x.id;
    return 0;
}

void task_wake(struct model *m)
{
    struct work_jobs *jobs = atomic_load(&m->jobs);
    if (jobs) work_jobs_wake(jobs);
}

/* ---- while it runs ----------------------------------------------------------------- */

bool task_progress(struct task_run *run, struct store_conn *conn, json_t *cursor)
{
    struct err err = {0};
    struct store_conn *own = NULL;
    bool ours = true;
    if (!work_job_wanted(run->job)) {
        run->own.stopping = true;
        return false;
    }
    char *text = cursor ? json_dumps(cursor, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    int rc = conn ? 0 : store_get(run->tenant->db, &own, &err);
    if (rc == 0) rc = task_step(conn ? conn : own, run, text, &ours, &err);
    if (own) store_put(own);
    free(text);
    if (rc < 0) { /* the caller's next statement meets the same trouble and tells it */
        log_warn("progress of task %lld: %s", (long long)run->id, err.detail);
        return true;
    }
    run->own.cancelled = !ours;
    if (ours && cursor) run->cursor = json_keep(run->arena, json_deep_copy(cursor));
    return ours;
}

int task_result(struct task_run *run, const json_t *result, int64_t file, struct err *err)
{
    struct store_conn *conn;
    char *text = result ? json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    int rc = store_get(run->tenant->db, &conn, err);
    if (rc == 0) {
        rc = task_put_result(conn, run, sv_of(text), file, err);
        store_put(conn);
    }
    free(text);
    return rc;
}

/* ---- one run ----------------------------------------------------------------------- */

/* What went wrong, in the asker's language; complaints about fields too. */
static sv error_text(const struct task_run *run, const struct err *e)
{
    struct buf b = BUF_IN(run->arena);
    msg_format(&b, run->lang, e->code ? e->code : "internal", e->args);
    for (unsigned i = 0; i < e->n_fields; i++) {
        buf_printf(&b, "%s%s: ", i ? "; " : " ", e->fields[i].field);
        msg_format(&b, run->lang, e->fields[i].code, e->fields[i].args);
    }
    sv text = buf_view(&b);
    if (text.n > 500) text.n = 500;
    while (text.n && !sv_utf8_ok(text))
        text.n--;
    return text;
}

static int principal(struct task_run *run, const struct task_row *row, struct err *err)
{
    run->who = &auth_system;
    if (sv_eqs(row->asker, "system")) return 0;
    if (auth_staff_principal(run->tenant, run->arena, row->owner, &run->who, err) < 0) return -1;
    return run->who ? 0 : err_set(err, 403, "task_nobody", NULL);
}

static int prepare(struct task_run *run, const struct task_row *row, struct err *err)
{
    json_t *input = NULL, *cursor = NULL;
    run->lang = sv_eqs(row->lang, "en") ? "en" : "zh";
    run->total = row->total;
    run->done = row->done;
    run->failed = row->failed;
    if (row->tries > MAX_TRIES) return err_set(err, 409, "task_gave_up", NULL);
    struct auth_place at = TASK_INPUT(run->id);
    sv text;
    if (kept_open(run->tenant, run->arena, &at, row->input, &text, err) < 0 ||
        (text.n && json_parse(run->arena, text, &input, err) < 0) ||
        (row->cursor.n && json_parse(run->arena, row->cursor, &cursor, err) < 0))
        return -1;
    run->input = input;
    run->cursor = cursor;
    return principal(run, row, err);
}

static int write_end(struct task_run *run, const char *state, sv error, struct err *err)
{
    struct store_conn *conn;
    if (store_get(run->tenant->db, &conn, err) < 0) return -1;
    int rc = task_end(conn, run, state, error, err);
    store_put(conn);
    return rc;
}

static int give_back(struct task_run *run, struct err *err)
{
    struct store_conn *conn;
    if (store_get(run->tenant->db, &conn, err) < 0) return -1;
    task_back(conn, run, err);
    store_put(conn);
    if (!err_is(err)) err_set(err, 503, "unavailable", NULL);
    return -1;
}

/* What the run came to. -1 lets the job run again later. */
static int settle(struct task_run *run, int rc, const struct err *failed, int64_t tries,
                  struct err *err)
{
    if (rc == 0) return write_end(run, "done", SV_NULL, err);
    if (run->own.cancelled) return 0; /* the row says so already */
    if (run->own.stopping) return give_back(run, err);
    log_warn("task %lld: %s %s", (long long)run->id, failed->code ? failed->code : "failed",
             failed->detail);
    bool again = failed->status >= 500 && failed->status != 507 && tries < MAX_TRIES;
    if (write_end(run, again ? "queued" : "failed", error_text(run, failed), err) < 0) return -1;
    if (!again) return 0;
    err_copy(err, failed);
    return -1;
}

static int claim(struct task_run *run, struct task_row *row, bool *ours, struct err *err)
{
    struct store_conn *conn;
    if (store_get(run->tenant->db, &conn, err) < 0) return -1;
    int rc = task_claim(conn, run->id, run->own.runner, ours, err);
    if (rc == 0 && *ours) rc = task_read(conn, run->arena, run->id, row, ours, err);
    store_put(conn);
    return rc;
}

static int run_task(struct model *m, struct auth_tenant *t, struct work_job *job, struct err *err)
{
    struct task_run run = {.tenant = t, .model = m, .arena = job->arena, .job = job, .lang = "zh"};
    struct task_row row = {0};
    struct err failed = {0};
    json_t *payload;
    bool ours = false;
    if (json_parse(job->arena, job->payload, &payload, err) < 0) return -1;
    if (!sv_i64(json_get_sv(payload, "task"), &run.id)) return 0;
    run.own.runner = id_next();
    if (claim(&run, &row, &ours, err) < 0) return -1;
    if (!ours) return 0; /* cancelled while it waited */
    int rc = prepare(&run, &row, &failed);
    task_fn *fn = kind_find(m, row.kind);
    if (rc == 0 && !fn) rc = err_set(&failed, 409, "task_unknown", NULL);
    if (rc == 0) rc = fn(&run, &failed);
    return settle(&run, rc, &failed, row.tries, err);
}

/* ---- old ones ---------------------------------------------------------------------- */

static int sweep(struct model *m, struct auth_tenant *t, struct work_job *job, struct err *err)
{
    struct store_conn *conn;
    uint64_t n = 1;
    int rc = 0;
    (void)m;
    if (store_get(t->db, &conn, err) < 0) return -1;
    while (rc == 0 && n > 0 && work_job_wanted(job))
        rc = task_delete_old(conn, clock_now_us() - KEEP_US, &n, err);
    if (rc == 0) rc = import_sweep(conn, err);
    store_put(conn);
    exports_sweep();
    return rc;
}

void tasks_init(struct model *m)
{
    task_kind(m, "core.bulk", bulk_run);
    task_kind(m, "core.hand_over", hand_over_run);
    model_core_job(m, "task", run_task);
    model_core_job(m, "tasks_sweep", sweep);
    task_kind(m, "core.import_check", import_check_task);
    task_kind(m, "core.export", export_task);
    task_kind(m, "core.import", import_commit_task);
}
