/* One row by its id. Without children and expand it is one SELECT whose text
 * was made with the policy, and values go straight into the answer. */
#define LOG_ROOM "model"
#include "model/internal.h"

#define MAX_SCOPE_ARGS 15

struct one {
    const struct model_policy *p;
    const struct model_ctx *c;
    struct err *err;
    struct buf *out;
    bool found;
};

/* The row in a copy that may be changed; NULL: it cannot be opened. */
static const struct store_val *opened(const struct one *o, const struct store_val *row,
                                      unsigned n_cols)
{
    if (!o->p->guarded) return row;
    struct store_val *own = ARENA_ARRAY(o->c->arena, struct store_val, n_cols);
    memcpy(own, row, n_cols * sizeof *own);
    return protect_vals(o->p, o->c, o->p->cols, n_cols, row[0].u.i, own, o->err) < 0 ? NULL : own;
}

static bool write_one(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct one *o = arg;
    size_t at = o->out->n;
    row = opened(o, row, n_cols);
    o->found = true;
    if (!row) return false;
    row_fields(o->out, o->p->cols, n_cols, row);
    o->out->p[at] = '{'; /* in the place of the first comma */
    buf_chr(o->out, '}');
    return true;
}

/* Arguments of a scope whose text is part of the policy's. */
static unsigned scope_args(const struct frag *f, const struct model_ctx *c, struct store_val *out)
{
    for (unsigned i = 0; i < f->n_args; i++)
        out[i] = frag_value(&f->args[i], c->who, c->arena);
    return f->n_args;
}

static int run(const struct model_policy *p, struct model_ctx *c, struct store_conn *conn,
               int64_t id, store_row_fn *fn, void *arg, struct err *err)
{
    if (p->get_text.p && p->read.n_args <= MAX_SCOPE_ARGS) {
        struct store_val args[1 + MAX_SCOPE_ARGS];
        args[0] = STORE_I(id);
        unsigned n = 1 + scope_args(&p->read, c, args + 1);
        return store_run(conn, p->get_text, args, n, fn, arg, err);
    }
    struct sql s;
    sql_start(&s, c->arena);
    buf_printf(&s.text, "SELECT %.*s FROM %.*s", SVARG(p->columns), SVARG(p->res->ident));
    policy_where(p, c->who, &p->read, false, &s);
    sql_text(&s, " AND `id`=?");
    sql_val(&s, STORE_I(id));
    return store_run(conn, buf_view(&s.text), s.args, s.n, fn, arg, err);
}

static int get_expanded(const struct model_policy *p, struct model_ctx *c, struct store_conn *conn,
                        int64_t id, struct expand *x, struct buf *out, struct err *err)
{
    struct rows rows = {.a = c->arena, .cols = p->cols, .n_cols = p->n_cols};
    if (run(p, c, conn, id, rows_collect, &rows, err) < 0) return -1;
    if (!rows.n) return err_set(err, 404, "not_found", NULL);
    if (expand_load(x, conn, &rows, err) < 0 || protect_rows(p, c, &rows, err) < 0) return -1;
    expand_row(x, &rows, 0, p->n_cols, out);
    return 0;
}

int model_get(const struct model_resource *r, struct model_ctx *c, int64_t id, sv expand,
              struct buf *out, struct err *err)
{
    const struct model_policy *p = policy_of(r, c->who, c->arena, err);
    if (!p) return -1;
    if (!p->can_read) return policy_refuse(c->who, err);
    struct expand *x = NULL;
    if ((r->n_kids || expand.n) && expand_parse(p, c, expand, true, &x, err) < 0) return -1;
    struct store_conn *conn;
    if (conn_enter(c, &conn, err) < 0) return -1;
    int rc;
    if (x && expand_any(x)) {
        rc = get_expanded(p, c, conn, id, x, out, err);
    } else {
        struct one o = {.p = p, .c = c, .err = err, .out = out};
        size_t at = out->n;
        rc = run(p, c, conn, id, write_one, &o, err);
        if (rc == 0 && err_is(err)) rc = -1;
        if (rc < 0) out->n = at;
        if (rc == 0 && !o.found) rc = err_set(err, 404, "not_found", NULL);
    }
    conn_leave(c, conn);
    if (rc == 0) reveal_audit(c, id, SV_NULL);
    return rc;
}
