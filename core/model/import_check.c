/* The first half: reads the file, says of each row what it would become, and puts
 * it into the staging table. Nothing else is written, so a run that was cut off
 * begins anew. */
#define LOG_ROOM "model"
#include "model/import.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- values seen in this file -------------------------------------------------------- */

/* Hashes of the values of one unique column, with their lines. */
struct seen {
    uint64_t *hash;
    uint32_t *line;
    uint32_t mask, n;
};

static void seen_grow(struct seen *s)
{
    struct seen old = *s;
    uint32_t cap = old.hash ? (old.mask + 1) * 2 : 4096;
    s->hash = calloc(cap, sizeof *s->hash);
    s->line = calloc(cap, sizeof *s->line);
    if (!s->hash || !s->line) panic("import: out of memory");
    s->mask = cap - 1;
    for (uint32_t i = 0; old.hash && i <= old.mask; i++) {
        if (!old.hash[i]) continue;
        uint32_t k = (uint32_t)old.hash[i] & s->mask;
        while (s->hash[k])
            k = (k + 1) & s->mask;
        s->hash[k] = old.hash[i];
        s->line[k] = old.line[i];
    }
    free(old.hash);
    free(old.line);
}

/* The line that brought the same value before, or 0. */
static uint32_t seen_before(struct seen *s, uint64_t h, uint32_t line)
{
    if (!s->hash || s->n * 10 > (uint64_t)s->mask * 7) seen_grow(s);
    h |= 1;
    uint32_t k = (uint32_t)h & s->mask;
    for (; s->hash[k]; k = (k + 1) & s->mask)
        if (s->hash[k] == h) return s->line[k];
    s->hash[k] = h;
    s->line[k] = line;
    s->n++;
    return 0;
}

/* ---- the run ------------------------------------------------------------------------- */

struct check {
    struct task_run *task;
    struct import_run run;
    struct import im;
    struct model_ctx c;
    struct arena *a; /* of the batch */
    struct import_line *lines;
    struct import_line *rows[IMPORT_BATCH];
    unsigned n;
    struct seen keys, *unique; /* by field */
    bool heading_read, failed;
    struct err *err;
};

/* Of all the key's cells; 0: one is blank. */
static uint64_t key_hash(const struct check *k, const struct import_line *row)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (unsigned i = 0; i < k->run.n_keys; i++) {
        unsigned at = (unsigned)k->run.keys[i];
        sv v = at < row->n ? import_trim(row->cells[at]) : SV("");
        if (!v.n) return 0;
        h = import_hash(h, v);
    }
    return k->run.n_keys ? h : 0;
}

static void again_in_file(struct err *err, const char *field, uint32_t line)
{
    char text[16];
    snprintf(text, sizeof text, "%u", line);
    err_field(err, field, "import_twice", text, NULL);
}

/* Unique fields that are not the key: twice in the file is once too often. */
static void unique_in_file(struct check *k, struct import_line *row)
{
    for (unsigned i = 0; i < row->n && i < k->run.n_columns; i++) {
        int at = k->run.by_column[i];
        if (at < 0 || !k->run.fields[at].f->unique) continue;
        if (k->run.n_keys == 1 && k->run.keys[0] == (int)i) continue;
        sv v = import_trim(row->cells[i]);
        uint32_t line = v.n ? seen_before(&k->unique[at], import_hash(7, v), (uint32_t)row->line) : 0;
        if (line) again_in_file(&row->err, k->run.fields[at].f->name, line);
    }
}

static bool complained(const struct err *e, const char *field)
{
    for (unsigned i = 0; i < e->n_fields; i++)
        if (strcmp(e->fields[i].field, field) == 0) return true;
    return false;
}

/* What the cells alone did not tell; a field that could not be read is not missing. */
static void validate(const struct mf_resource *mf, struct import_line *row, bool create)
{
    struct err more = {0};
    if (validate_body(mf, row->body, NULL, row->body, create, false, &more) == 0) return;
    for (unsigned i = 0; i < more.n_fields; i++) {
        const struct err_item *x = &more.fields[i];
        if (!complained(&row->err, x->field))
            err_field(&row->err, x->field, x->code, x->args[0], x->args[1], x->args[2], NULL);
    }
}

static void judge(struct check *k, struct import_line *row)
{
    const struct mf_resource *mf = k->im.r->mf;
    uint64_t h = key_hash(k, row);
    uint32_t line = h ? seen_before(&k->keys, h, (uint32_t)row->line) : 0;
    bool known = row->match || line, update = known && k->im.on_match == MF_UPDATE;
    row->state = !known ? ROW_CREATE : update ? ROW_UPDATE : ROW_SKIP;
    if (known && k->im.on_match == MF_FAIL) {
        if (line)
            again_in_file(&row->err, mf->import.key[0], line);
        else
            err_field(&row->err, mf->import.key[0], "not_unique", NULL);
    }
    if (row->state != ROW_SKIP) {
        unique_in_file(k, row);
        validate(mf, row, !known);
    }
    /* A row that will be skipped is not looked at further. */
    if (err_is(&row->err) && row->state == ROW_SKIP) err_clear(&row->err);
    if (err_is(&row->err)) row->state = ROW_BAD;
    k->im.n[row->state]++;
    k->im.rows++;
}

static int flush(struct check *k)
{
    struct store_conn *conn;
    if (!k->n) return 0;
    if (store_get(k->task->tenant->db, &conn, k->err) < 0) return -1;
    int rc = import_bodies(&k->run, k->rows, k->n, conn, k->a, k->err);
    for (unsigned i = 0; rc == 0 && i < k->n; i++)
        judge(k, k->rows[i]);
    if (rc == 0) rc = store_begin(conn, k->err);
    if (rc == 0) {
        k->task->done = k->im.rows;
        k->task->failed = k->im.n[ROW_BAD];
        rc = import_stage(conn, &k->im, k->rows, k->n, k->a, k->err);
        if (rc == 0 && !task_progress(k->task, conn, NULL)) rc = -1;
        if (rc == 0)
            rc = store_commit(conn, k->err);
        else
            store_rollback(conn);
    }
    store_put(conn);
    arena_reset(k->a);
    k->n = 0;
    return rc;
}

static bool on_row(void *arg, const struct sheet_row *row)
{
    struct check *k = arg;
    if (!k->heading_read) {
        k->heading_read = true;
        return true;
    }
    struct import_line *line = k->rows[k->n];
    line->line = row->line;
    line->n = row->n;
    line->match = line->row_id = 0;
    line->body = NULL;
    line->cells = ARENA_ARRAY(k->a, sv, row->n);
    for (unsigned i = 0; i < row->n; i++)
        line->cells[i] = arena_sv(k->a, row->cells[i]);
    if (++k->n < IMPORT_BATCH) return true;
    k->failed = flush(k) < 0;
    return !k->failed;
}

static int read_rows(struct check *k)
{
    struct arena *a = k->task->arena;
    struct store_conn *conn;
    const char *dir = state_subdir(a, "imports", k->err);
    if (!dir || store_get(k->task->tenant->db, &conn, k->err) < 0) return -1;
    int rc = import_clear(conn, k->im.id, 0xff, k->err);
    store_put(conn);
    if (rc < 0) return -1;
    const char *path = arena_printf(a, "%s/%.*s", dir, SVARG(k->im.path)).p;
    if (sheet_read(path, &k->im.spec, dir, on_row, k, k->err) < 0 || k->failed) return -1;
    return flush(k);
}

static int finish(struct check *k)
{
    struct store_conn *conn;
    if (store_get(k->task->tenant->db, &conn, k->err) < 0) return -1;
    int rc = import_save(conn, &k->im, "checked", k->err);
    store_put(conn);
    json_t *sum = json_pack("{s:I,s:I,s:I,s:I,s:I}", "rows", (json_int_t)k->im.rows, "create",
                            (json_int_t)k->im.n[ROW_CREATE], "update",
                            (json_int_t)k->im.n[ROW_UPDATE], "skip",
                            (json_int_t)k->im.n[ROW_SKIP], "errors", (json_int_t)k->im.n[ROW_BAD]);
    if (rc == 0) rc = task_result(k->task, sum, 0, k->err);
    json_decref(sum);
    return rc;
}

int import_check_task(struct task_run *task, struct err *err)
{
    struct check k = {.task = task, .err = err, .a = arena_new(1 << 20)};
    const struct model_resource *r =
        model_find(task->model, json_get_sv(task->input, "resource"));
    int64_t id = 0;
    sv_i64(json_get_sv(task->input, "import"), &id);
    k.c = (struct model_ctx){
        .tenant = task->tenant, .who = task->who, .arena = task->arena, .lang = task->lang};
    k.lines = calloc(IMPORT_BATCH, sizeof *k.lines);
    if (!k.lines) panic("import: out of memory");
    for (unsigned i = 0; i < IMPORT_BATCH; i++)
        k.rows[i] = &k.lines[i];
    int rc = r ? import_load(&k.c, r, id, &k.im, err) : err_set(err, 404, "not_found", NULL);
    memset(k.im.n, 0, sizeof k.im.n);
    k.im.rows = 0;
    if (rc == 0) rc = import_run_start(&k.run, &k.im, &k.c, err);
    if (rc == 0) {
        k.unique = ARENA_ARRAY(task->arena, struct seen, k.run.n_fields + 1);
        rc = read_rows(&k);
        if (rc == 0) rc = finish(&k);
        for (unsigned i = 0; i < k.run.n_fields; i++) {
            free(k.unique[i].hash);
            free(k.unique[i].line);
        }
    }
    import_run_end(&k.run);
    free(k.keys.hash);
    free(k.keys.line);
    free(k.lines);
    arena_free(k.a);
    return rc;
}
