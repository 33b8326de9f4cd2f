/* The second half: staged rows become records, 500 at a time, each batch with its
 * rows' states, the counts and the task's cursor in one transaction. So it can be
 * cut off anywhere and goes on with no record twice and none left out. */
#define LOG_ROOM "model"
#include "model/import.h"

#include <stdlib.h>
#include <unistd.h>

struct commit {
    struct task_run *task;
    struct import_run run;
    struct import im;
    struct model_ctx c;
    struct arena *a; /* of the batch */
    int64_t after;   /* line of the last row that is done */
    struct import_line *rows;
    unsigned n;
    int64_t before[8]; /* counts as they were before the batch */
    bool stop;
};

static void count(struct commit *k)
{
    for (unsigned i = 0; i < k->n; i++)
        k->im.n[k->rows[i].state]++;
    k->task->done = 0;
    for (int s = ROW_CREATED; s <= ROW_FAILED; s++)
        k->task->done += k->im.n[s];
    k->task->failed = k->im.n[ROW_FAILED];
}

static int batch(void *arg, struct store_conn *conn, struct err *err)
{
    struct commit *k = arg;
    arena_reset(k->a);
    k->c.conn = conn;
    k->c.arena = k->a;
    k->c.done = NULL;
    memcpy(k->im.n, k->before, sizeof k->before);
    if (import_rows(conn, k->a, &k->im, k->after, 1u << ROW_CREATE | 1u << ROW_UPDATE,
                    IMPORT_BATCH, &k->rows, &k->n, err) < 0)
        return -1;
    if (!k->n) return 0;
    struct import_line **rows = ARENA_ARRAY(k->a, struct import_line *, k->n);
    for (unsigned i = 0; i < k->n; i++)
        rows[i] = &k->rows[i];
    if (import_bodies(&k->run, rows, k->n, conn, k->a, err) < 0 ||
        import_write(&k->run, rows, k->n, conn, k->a, err) < 0 ||
        import_settle(conn, &k->im, rows, k->n, k->a, err) < 0)
        return -1;
    count(k);
    if (import_save(conn, &k->im, "committing", err) < 0) return -1;
    json_t *cursor = json_pack("{s:I}", "line", (json_int_t)rows[k->n - 1]->line);
    k->stop = !task_progress(k->task, conn, cursor);
    json_decref(cursor);
    return k->stop ? -1 : 0;
}

/* One line of the log for the batch; the records' own history says the rest. */
static void batch_line(const struct commit *k)
{
    const int64_t *n = k->im.n, *was = k->before;
    sv detail = arena_printf(k->a,
                             "{\"import\":\"%lld\",\"lines\":[%lld,%lld],\"created\":%lld,"
                             "\"updated\":%lld,\"failed\":%lld}",
                             (long long)k->im.id, (long long)k->rows[0].line,
                             (long long)k->rows[k->n - 1].line,
                             (long long)(n[ROW_CREATED] - was[ROW_CREATED]),
                             (long long)(n[ROW_UPDATED] - was[ROW_UPDATED]),
                             (long long)(n[ROW_FAILED] - was[ROW_FAILED]));
    auth_audit(k->task->tenant, k->task->who, NULL,
               &(struct auth_audit){.action = "import.rows",
                                    .target = k->im.r->name,
                                    .detail = detail,
                                    .ok = true});
}

static int all_batches(struct commit *k, struct err *err)
{
    for (;;) {
        struct store_conn *conn;
        memcpy(k->before, k->im.n, sizeof k->before);
        if (store_get(k->task->tenant->db, &conn, err) < 0) return -1;
        int rc = store_tx(conn, batch, k, err);
        store_put(conn);
        if (rc < 0) return -1;
        k->c.conn = NULL;
        model_committed(&k->c);
        if (!k->n) return 0;
        if (k->c.one_line && has_trait(k->im.r, MF_AUDITED)) batch_line(k);
        k->after = k->rows[k->n - 1].line;
    }
}

static sv summary(const struct commit *k)
{
    const int64_t *n = k->im.n;
    return arena_printf(k->task->arena,
                        "{\"import\":\"%lld\",\"created\":%lld,\"updated\":%lld,\"skipped\":%lld,"
                        "\"failed\":%lld}",
                        (long long)k->im.id, (long long)n[ROW_CREATED], (long long)n[ROW_UPDATED],
                        (long long)(n[ROW_SKIPPED] + n[ROW_SKIP]),
                        (long long)(n[ROW_FAILED] + n[ROW_BAD]));
}

/* What was brought in is in its table; the file and the rows that went well are not
 * kept beside it, those that failed until they are mended. */
static int finish(struct commit *k, struct err *err)
{
    struct store_conn *conn;
    json_t *shown = NULL;
    if (store_get(k->task->tenant->db, &conn, err) < 0) return -1;
    int rc = import_save(conn, &k->im, "done", err);
    if (rc == 0)
        rc = import_clear(conn, k->im.id,
                          1u << ROW_CREATED | 1u << ROW_UPDATED | 1u << ROW_SKIPPED | 1u << ROW_SKIP,
                          err);
    store_put(conn);
    if (rc < 0) return -1;
    const char *dir = state_subdir(k->task->arena, "imports", err);
    if (dir) unlink(arena_printf(k->task->arena, "%s/%.*s", dir, SVARG(k->im.path)).p);
    sv text = summary(k);
    const struct auth_hat *behalf = policy_behalf(k->im.r, k->task->who, SV("import"));
    auth_audit(k->task->tenant, k->task->who, NULL,
               &(struct auth_audit){.action = "import", .target = k->im.r->name, .detail = text,
                                    .ok = true, .on_behalf = behalf ? behalf->id : 0});
    if (json_parse(k->task->arena, text, &shown, err) < 0) return -1;
    return task_result(k->task, shown, 0, err);
}

int import_commit_task(struct task_run *task, struct err *err)
{
    struct commit k = {.task = task, .a = arena_new(1 << 20)};
    const struct model_resource *r =
        model_find(task->model, json_get_sv(task->input, "resource"));
    int64_t id = 0;
    sv_i64(json_get_sv(task->input, "import"), &id);
    struct model_ctx c = {
        .tenant = task->tenant, .who = task->who, .arena = task->arena, .lang = task->lang};
    k.c = c;
    k.c.proved = true; /* when it was started */
    k.c.one_line = r && !core_resource(r->mf);
    k.after = task->cursor ? json_integer_value(json_object_get(task->cursor, "line")) : 0;
    int rc = r ? import_load(&c, r, id, &k.im, err) : err_set(err, 404, "not_found", NULL);
    if (rc == 0) rc = import_run_start(&k.run, &k.im, &c, err);
    k.run.c = &k.c;
    if (rc == 0) rc = all_batches(&k, err);
    if (rc == 0) rc = finish(&k, err);
    import_run_end(&k.run);
    arena_free(k.a);
    return rc;
}
