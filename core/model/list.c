/* Pages of rows. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdio.h>

#define DEFAULT_LIMIT 20
#define MAX_LIMIT 200
#define COUNT_CAP 10000

struct page {
    const struct query *q;
    const struct model_ctx *c;
    struct err *err;
    struct buf ids; /* of revealed rows */
    struct buf *out;
    size_t start; /* of the rows in `out` */
    struct rows rows;
    unsigned n, limit;
    bool more, keep;       /* keep: rows are written after expand */
    struct store_val last; /* sort value and id of the last row shown */
    int64_t last_id;
};

static bool page_row(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct page *p = arg;
    const struct query *q = p->q;
    if (p->n == p->limit) {
        p->more = true;
        return false;
    }
    if (++p->n == p->limit) {
        p->last = val_copy(q->a, &row[q->at_sort]);
        p->last_id = row[q->at_id].u.i;
    }
    if (p->c->reveal) buf_printf(&p->ids, "%s\"%lld\"", p->ids.n ? "," : "",
                                 (long long)row[q->at_id].u.i);
    if (p->keep) return rows_collect(&p->rows, row, n_cols);
    if (p->n > 1) buf_chr(p->out, ',');
    size_t at = p->out->n;
    if (q->p->guarded) {
        struct store_val *own = ARENA_ARRAY(q->a, struct store_val, n_cols);
        memcpy(own, row, n_cols * sizeof *own);
        if (protect_vals(q->p, p->c, q->cols, q->n_shown, row[q->at_id].u.i, own, p->err) < 0)
            return false;
        row = own;
    }
    row_fields(p->out, q->cols, q->n_shown, row);
    p->out->p[at] = '{';
    buf_chr(p->out, '}');
    return true;
}

static void page_again(void *arg)
{
    struct page *p = arg;
    p->n = 0;
    p->rows.n = 0;
    p->ids.n = 0;
    p->more = false;
    p->out->n = p->start;
}

static int write_count(const struct page *p, struct store_conn *conn, struct buf *out,
                       struct err *err)
{
    int64_t n = p->n;
    /* A first page that is not full has told the count already. */
    if (p->q->after || p->more) {
        if (plan_count(p->q, COUNT_CAP, conn, &n, err) < 0) return -1;
    }
    bool capped = n > COUNT_CAP;
    buf_str(out, ",\"count\":");
    buf_i64(out, capped ? COUNT_CAP : n);
    buf_str(out, capped ? ",\"count_capped\":true" : ",\"count_capped\":false");
    return 0;
}

static int run_page(struct page *p, struct model_ctx *c, struct store_conn *conn, struct expand *x,
                    bool count, struct err *err)
{
    const struct query *q = p->q;
    buf_str(p->out, "{\"items\":[");
    p->start = p->out->n;
    struct plan_rows to = {.row = page_row, .again = page_again, .arg = p};
    if (plan_run(q, p->limit + 1, conn, &to, err) < 0 || err_is(err)) return -1;
    if (p->keep) {
        if (expand_load(x, conn, &p->rows, err) < 0 || protect_rows(q->p, c, &p->rows, err) < 0)
            return -1;
        for (size_t i = 0; i < p->rows.n; i++) {
            if (i) buf_chr(p->out, ',');
            expand_row(x, &p->rows, i, q->n_shown, p->out);
        }
    }
    buf_str(p->out, "],\"next\":");
    if (p->more) {
        buf_chr(p->out, '"');
        cursor_write(c->tenant->secret, q->shape, &p->last, p->last_id, p->out);
        buf_chr(p->out, '"');
    } else {
        buf_str(p->out, "null");
    }
    if (count && write_count(p, conn, p->out, err) < 0) return -1;
    buf_chr(p->out, '}');
    return 0;
}

/* Children that `fields` names are asked for as if by `expand`. */
static sv with_children(const struct query *q, sv expand)
{
    struct buf b = BUF_IN(q->a);
    buf_sv(&b, expand);
    for (unsigned i = 0; i < q->r->n_kids; i++) {
        if (!colset_has(&q->show, q->r->kids[i].at)) continue;
        if (b.n) buf_chr(&b, ',');
        buf_str(&b, q->r->kids[i].f->name);
    }
    return b.n ? buf_view(&b) : SV_NULL;
}

int model_list(const struct model_resource *r, struct model_ctx *c, const struct model_list *l,
               struct buf *out, struct err *err)
{
    struct query q;
    struct expand *x = NULL;
    if (l->limit > MAX_LIMIT) {
        char max[8];
        snprintf(max, sizeof max, "%d", MAX_LIMIT);
        err_set(err, 400, "bad_limit", max, NULL);
        return err_field(err, "limit", "bad_limit", max, NULL);
    }
    if (query_prepare(r, c, l, &q, err) < 0) return -1;
    sv expand = with_children(&q, l->expand);
    if (expand.n && expand_parse(q.p, c, expand, false, &x, err) < 0) return -1;
    struct page p = {.q = &q,
                     .c = c,
                     .err = err,
                     .ids = BUF_IN(c->arena),
                     .out = out,
                     .limit = l->limit ? l->limit : DEFAULT_LIMIT,
                     .keep = x && expand_any(x)};
    p.rows = (struct rows){.a = q.a, .cols = q.cols, .n_cols = q.n_cols};
    struct store_conn *conn;
    if (conn_enter(c, &conn, err) < 0) return -1;
    size_t at = out->n;
    int rc = run_page(&p, c, conn, x, l->count, err);
    if (rc < 0) out->n = at;
    conn_leave(c, conn);
    if (rc == 0 && c->reveal)
        reveal_audit(c, 0, arena_printf(c->arena, "[%.*s]", SVARG(buf_view(&p.ids))));
    return rc;
}
