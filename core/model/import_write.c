/* Bodies to records: a batch of rows at once where the resource allows it, in
 * halves when one of them is refused by the tables, at last one by one. */
#define LOG_ROOM "model"
#include "model/batch.h"
#include "model/import.h"

#define FEW 4 /* so many are written one by one */

/* What the server does not know how to go on from; the rest is the row's own. */
static bool is_fault(const struct err *e, const struct store_conn *conn)
{
    return e->status >= 500 || store_retryable(conn);
}

/* True: there is nothing to write. */
static bool settled(const struct import_run *run, struct import_line *row)
{
    const struct import *im = run->im;
    if (err_is(&row->err)) {
        row->state = ROW_FAILED;
        return true;
    }
    if (!row->match || im->on_match == MF_UPDATE) return false;
    row->state = im->on_match == MF_SKIP ? ROW_SKIPPED : ROW_FAILED;
    if (row->state == ROW_FAILED)
        err_field(&row->err, im->r->mf->import.key[0], "not_unique", NULL);
    return true;
}

static int write_it(const struct import_run *run, struct import_line *row)
{
    const struct model_resource *r = run->im->r;
    int rc = row->match ? model_update(r, run->c, row->match, -1, row->body, &row->err)
                        : model_create(r, run->c, row->body, &row->row_id, &row->err);
    if (rc < 0) {
        row->state = ROW_FAILED;
        return -1;
    }
    row->state = row->match ? ROW_UPDATED : ROW_CREATED;
    if (row->match) row->row_id = row->match;
    return 0;
}

static int alone(const struct import_run *run, struct import_line *row, struct err *err)
{
    struct store_conn *conn = run->c->conn;
    if (settled(run, row)) return 0;
    if (store_savepoint(conn, err) < 0) return -1;
    if (write_it(run, row) == 0) return 0;
    if (is_fault(&row->err, conn)) {
        err_copy(err, &row->err);
        return -1;
    }
    return store_rollback_to(conn, err);
}

/* ---- many at once ----------------------------------------------------------------------- */

static int look_up(const struct import_run *run, struct write_batch *b,
                   struct import_line *const *rows, unsigned n, struct arena *a, struct err *err)
{
    json_t **bodies = ARENA_ARRAY(a, json_t *, n);
    int64_t *ids = ARENA_ARRAY(a, int64_t, n);
    unsigned n_bodies = 0, n_ids = 0;
    for (unsigned i = 0; i < n; i++) {
        bool update = rows[i]->match && run->im->on_match == MF_UPDATE;
        if (err_is(&rows[i]->err) || (rows[i]->match && !update)) continue;
        bodies[n_bodies++] = rows[i]->body;
        if (update) ids[n_ids++] = rows[i]->match;
    }
    if (batch_refs(b, run->im->r, run->c, bodies, n_bodies, err) < 0) return -1;
    return n_ids ? batch_lock(b, run->im->r, run->c, ids, n_ids, err) : 0;
}

static int gather(const struct import_run *run, struct write_batch *b,
                  struct import_line *const *rows, unsigned n, struct err *err)
{
    for (unsigned i = 0; i < n; i++) {
        if (settled(run, rows[i])) continue;
        batch_mark(b);
        if (write_it(run, rows[i]) == 0) continue;
        batch_back(b);
        if (!is_fault(&rows[i]->err, run->c->conn)) continue;
        err_copy(err, &rows[i]->err);
        return -1;
    }
    return batch_flush(b, run->c, err);
}

/* 1: written; 0: some row was refused, nothing is written; -1. */
static int together(const struct import_run *run, struct import_line *const *rows, unsigned n,
                    struct arena *a, struct err *err)
{
    struct model_ctx *c = run->c;
    struct model_done *due = c->done;
    struct write_batch *b = batch_new(c, n);
    if (store_savepoint(c->conn, err) < 0 || look_up(run, b, rows, n, a, err) < 0) return -1;
    c->batch = b;
    c->done = NULL;
    int rc = gather(run, b, rows, n, err);
    c->batch = NULL;
    if (rc == 0) {
        c->done = done_join(due, c->done);
        return 1;
    }
    c->done = due;
    if (is_fault(err, c->conn)) return -1;
    err_clear(err);
    return store_rollback_to(c->conn, err);
}

static int some(const struct import_run *run, struct import_line *const *rows, unsigned n,
                struct arena *a, struct err *err)
{
    int rc = 0;
    if (n > FEW && run->together) {
        rc = together(run, rows, n, a, err);
        if (rc != 0) return rc < 0 ? -1 : 0;
        return some(run, rows, n / 2, a, err) < 0
                   ? -1
                   : some(run, rows + n / 2, n - n / 2, a, err);
    }
    for (unsigned i = 0; rc == 0 && i < n; i++)
        rc = alone(run, rows[i], err);
    return rc;
}

/* ---- rows that name the same record -------------------------------------------------------- */

static sv key_cell(const struct import_run *run, const struct import_line *row, unsigned i)
{
    unsigned at = (unsigned)run->keys[i];
    return at < row->n ? import_trim(row->cells[at]) : SV("");
}

static bool same_record(const struct import_run *run, const struct import_line *a,
                        const struct import_line *b)
{
    if (a->match || b->match) return a->match == b->match;
    for (unsigned i = 0; i < run->n_keys; i++) {
        sv x = key_cell(run, a, i);
        if (!x.n || !sv_ieq(x, key_cell(run, b, i))) return false;
    }
    return run->n_keys > 0;
}

static uint64_t record_hash(const struct import_run *run, const struct import_line *row)
{
    uint64_t h = (uint64_t)row->match * 0x9e3779b97f4a7c15u;
    for (unsigned i = 0; !row->match && i < run->n_keys; i++)
        h = import_hash(h, key_cell(run, row, i));
    return h ^ h >> 32;
}

/* Rows since the last one that had to wait for others. */
struct named {
    struct import_line **slots;
    uint32_t mask;
};

/* False when an earlier one names the same record: it may make it. */
static bool first_to_name(struct named *x, const struct import_run *run, struct import_line *row)
{
    uint32_t i = (uint32_t)record_hash(run, row) & x->mask;
    for (; x->slots[i]; i = (i + 1) & x->mask)
        if (same_record(run, x->slots[i], row)) return false;
    x->slots[i] = row;
    return true;
}

int import_write(const struct import_run *run, struct import_line **rows, unsigned n,
                 struct store_conn *conn, struct arena *a, struct err *err)
{
    struct named x = {.mask = 1};
    unsigned from = 0;
    while (x.mask < 2 * n)
        x.mask = x.mask * 2 + 1;
    x.slots = ARENA_ARRAY(a, struct import_line *, x.mask + 1);
    for (unsigned i = 0; i < n; i++) {
        if (first_to_name(&x, run, rows[i])) continue;
        if (some(run, rows + from, i - from, a, err) < 0) return -1;
        from = i;
        memset(x.slots, 0, (x.mask + 1) * sizeof *x.slots);
        if (!rows[i]->match && import_bodies(run, &rows[i], 1, conn, a, err) < 0) return -1;
        first_to_name(&x, run, rows[i]);
    }
    return some(run, rows + from, n - from, a, err);
}
