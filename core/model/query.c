/* A list request checked against the policy and compiled; what list, count and
 * export have in common. */
#define LOG_ROOM "model"
#include "model/custom.h"

static int bad(const char *code, const char *what, struct err *err)
{
    return err_set(err, 400, code, what, NULL);
}

/* ---- fields ----------------------------------------------------------------------- */

static void show(struct query *q, const struct model_col *c)
{
    if (colset_has(&q->show, c->at)) return;
    colset_put(&q->show, c->at);
    q->cols[q->n_cols++] = c == q->r->custom ? q->p->custom : c;
}

/* The columns in the order they are asked for, the id first. */
static int read_fields(struct query *q, sv text, struct err *err)
{
    q->cols = ARENA_ARRAY(q->a, const struct model_col *, q->r->n_cols + 1);
    show(q, q->r->id);
    if (!text.n) {
        for (unsigned i = 0; i < q->r->n_cols; i++)
            if (colset_has(&q->p->readable, i) && !q->r->cols[i].part_of) show(q, &q->r->cols[i]);
        if (q->deleted) show(q, q->r->deleted_at);
        return 0;
    }
    q->id_unasked = true;
    while (text.p) {
        sv rest, name = sv_trim(sv_cut(text, ',', &rest));
        const struct model_child *k = kid_find(q->r, name);
        if (k && colset_has(&q->p->readable, k->at)) {
            colset_put(&q->show, k->at);
        } else if (name.n) {
            const struct model_col *c = policy_col(q->p, name, "bad_request", err);
            if (!c) return -1;
            if (c == q->r->id) q->id_unasked = false;
            show(q, c);
        }
        text = rest;
    }
    return 0;
}

/* ---- sort ------------------------------------------------------------------------- */

static int read_sort(struct query *q, sv text, struct err *err)
{
    q->sort = q->r->sort;
    q->desc = q->r->sort_desc;
    if (!text.n && (!colset_has(&q->p->readable, q->sort->at) ||
                    colset_has(&q->p->masked, q->sort->at))) {
        q->sort = q->r->id;
        q->desc = true;
    }
    if (text.n) {
        q->desc = text.p[0] == '-';
        sv name = q->desc ? sv_make(text.p + 1, text.n - 1) : text;
        q->sort = policy_col(q->p, name, "bad_sort", err);
        if (!q->sort || protect_order(q->p, q->sort, err) < 0) return -1;
        if (!q->sort->sort) {
            bad("bad_sort", q->sort->f->name, err);
            return err_field(err, q->sort->f->name, "bad_sort", q->sort->f->name, NULL);
        }
    }
    /* Ids are made in the order of time: the primary key is the cheapest index. */
    if (q->sort == q->r->created_at) q->sort = q->r->id;
    q->shape = sv_hash(
        arena_printf(q->a, "%.*s %c%s", SVARG(q->r->name), q->desc ? '-' : '+', q->sort->f->name));
    return 0;
}

/* ---- filter ----------------------------------------------------------------------- */

struct seen {
    struct query *q;
    struct err *err;
};

static bool filter_col(void *arg, const struct model_col *c)
{
    struct seen *s = arg;
    if (!policy_col(s->q->p, c->name, "bad_filter", s->err)) return false;
    if (c == s->q->r->deleted_at) s->q->deleted = true;
    if (c->filter || c == s->q->r->deleted_at) return true;
    err_set(s->err, 400, "bad_filter", c->f->name, NULL);
    err_field(s->err, c->f->name, "filter_no_index", NULL);
    return false;
}

/* Conditions joined by AND: each of them alone may be served by an index. */
static void find_narrows(struct query *q, const struct cond *c)
{
    if (c->op == OP_AND) {
        for (const struct cond *k = c->first; k; k = k->next)
            find_narrows(q, k);
        return;
    }
    if (c->op == OP_OR || c->op == OP_NOT || c->op == OP_NE || c->op == OP_LIKE ||
        c->op == OP_ENDS || c->op == OP_NOT_NULL || q->n_narrows == 8)
        return;
    q->narrows[q->n_narrows++] = c->col;
    if (c->op != OP_EQ || c->vals[0].var == VAR_TIME) return;
    q->narrows[q->n_narrows - 1] = q->narrows[q->n_equals];
    q->narrows[q->n_equals++] = c->col;
}

static int read_filter(struct query *q, sv text, struct err *err)
{
    struct cond *c = NULL;
    struct seen s = {q, err};
    text = sv_trim(text);
    if (!text.n) return 0;
    if (cond_parse(q->r, q->a, text, false, &c, err) < 0) return -1;
    if (protect_filter(q->p, c, err) < 0 || !cond_each_col(c, filter_col, &s)) return -1;
    if (custom_resolve(q->r, c, q->who, q->tenant, q->a, err) < 0) return -1;
    struct cond_at at = {q->r, q->tenant};
    if (cond_compile_for(c, &at, q->a, &q->filter, err) < 0) return -1;
    find_narrows(q, c);
    frag_settle(&q->filter, q->a, clock_now_us(), q->utc_offset);
    return 0;
}

static int bad_search(struct err *err)
{
    err_set(err, 400, "bad_filter", "q", NULL);
    return err_field(err, "q", "bad_search", NULL);
}

/* "Contains" on a masked column would read it out letter by letter. */
static bool searched(const struct query *q, const struct model_col *c)
{
    return c->f->search && colset_has(&q->p->readable, c->at) &&
           !colset_has(&q->p->masked, c->at);
}

static int read_search(struct query *q, sv text, struct err *err)
{
    text = sv_trim(text);
    if (!text.n) return 0;
    if (text.n > 200 || !sv_utf8_ok(text)) return bad_search(err);
    struct buf b = BUF_IN(q->a);
    buf_chr(&b, '%');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '%' || text.p[i] == '_' || text.p[i] == '|') buf_chr(&b, '|');
        buf_chr(&b, text.p[i]);
    }
    buf_chr(&b, '%');
    q->search = buf_view(&b);
    for (unsigned i = 0; i < q->r->n_cols; i++)
        if (searched(q, &q->r->cols[i])) return 0;
    return bad_search(err);
}

/* ---- the whole -------------------------------------------------------------------- */

/* The sort's column is fetched for the cursor, shown or not. */
static void sort_column(struct query *q)
{
    q->n_shown = q->at_sort = q->n_cols;
    for (unsigned i = 0; i < q->n_shown; i++)
        if (q->cols[i] == q->sort) q->at_sort = i;
    if (q->at_sort == q->n_shown) q->cols[q->n_cols++] = q->sort;
    q->at_id = 0;
}

static int bad_deleted(struct err *err)
{
    err_set(err, 400, "bad_request", NULL);
    return err_field(err, "deleted", "not_in_options", "-", NULL);
}

int query_prepare(const struct model_resource *r, struct model_ctx *c, const struct model_list *l,
                  struct query *q, struct err *err)
{
    *q = (struct query){.tenant = c->tenant,
                        .r = r,
                        .who = c->who,
                        .a = c->arena,
                        .utc_offset = c->tenant->utc_offset};
    q->p = policy_of(r, c->who, c->arena, err);
    if (!q->p) return -1;
    if (!q->p->can_read) return policy_refuse(c->who, err);
    if (l->deleted && !r->deleted_at) return bad_deleted(err);
    if (l->deleted && !q->p->can_delete) return policy_refuse(c->who, err);
    q->deleted = l->deleted;
    if (read_filter(q, l->filter, err) < 0 || read_search(q, l->search, err) < 0 ||
        read_fields(q, l->fields, err) < 0 || read_sort(q, l->sort, err) < 0)
        return -1;
    sort_column(q);
    if (!l->after.n) return 0;
    q->after = true;
    return cursor_read(c->tenant->secret, q->shape, c->arena, l->after, &q->after_val, &q->after_id,
                       err);
}

void query_where(const struct query *q, struct sql *s)
{
    policy_where(q->p, q->who, &q->p->read, q->deleted, s);
    if (q->deleted && q->p->del.text.p) { /* the bin is for who may empty it */
        sql_text(s, " AND ");
        frag_render(&q->p->del, q->who, s);
    }
    query_narrow(q, s);
}

void query_narrow(const struct query *q, struct sql *s)
{
    if (q->filter.text.p) {
        sql_text(s, " AND ");
        frag_render(&q->filter, q->who, s);
    }
    if (!q->search.n) return;
    bool any = false;
    for (unsigned i = 0; i < q->r->n_cols; i++) {
        const struct model_col *c = &q->r->cols[i];
        if (!searched(q, c)) continue;
        sql_text(s, any ? " OR " : " AND (");
        sql_ident(s, c);
        sql_text(s, " LIKE ? ESCAPE '|'");
        sql_val(s, STORE_S(q->search));
        any = true;
    }
    sql_text(s, ")");
}

/* A time of day is read as a span, and compared as one only when it is text. */
static struct store_val after_value(const struct query *q)
{
    struct buf b = BUF_IN(q->a);
    if (q->sort->kind != COL_CLOCK || q->after_val.type != STORE_TIME) return q->after_val;
    row_value(&b, q->sort, &q->after_val);
    return STORE_S(sv_make(b.p + 1, b.n - 2));
}

/* Rows behind the cursor. NULLs come first in rising order, last in falling. */
void query_keyset(const struct query *q, struct sql *s)
{
    if (!q->after) return;
    sv col = q->sort->ident;
    const char *op = q->desc ? "<" : ">";
    if (q->sort == q->r->id) {
        buf_printf(&s->text, " AND `id`%s?", op);
        sql_val(s, STORE_I(q->after_id));
        return;
    }
    if (q->after_val.type == STORE_NULL) {
        buf_printf(&s->text,
                   q->desc ? " AND %.*s IS NULL AND `id`%s?" : " AND (%.*s IS NOT NULL OR `id`%s?)",
                   SVARG(col), op);
        sql_val(s, STORE_I(q->after_id));
        return;
    }
    sv val = q->sort->param;
    buf_printf(&s->text, " AND (%.*s%s%.*s OR (%.*s=%.*s AND `id`%s?)", SVARG(col), op, SVARG(val),
               SVARG(col), SVARG(val), op);
    if (q->desc && !q->sort->not_null) buf_printf(&s->text, " OR %.*s IS NULL", SVARG(col));
    buf_chr(&s->text, ')');
    sql_val(s, after_value(q));
    sql_val(s, after_value(q));
    sql_val(s, STORE_I(q->after_id));
}

void query_columns(const struct query *q, struct sql *s)
{
    sql_text(s, "SELECT ");
    for (unsigned i = 0; i < q->n_cols; i++) {
        if (i) buf_chr(&s->text, ',');
        sql_ident(s, q->cols[i]);
    }
}

void query_select(const struct query *q, unsigned limit, struct sql *s)
{
    const char *dir = q->desc ? " DESC" : "";
    if (plan_select(q, limit, s)) return;
    query_columns(q, s);
    buf_printf(&s->text, " FROM %.*s", SVARG(q->r->ident));
    query_where(q, s);
    query_keyset(q, s);
    sql_text(s, " ORDER BY ");
    if (q->sort != q->r->id) buf_printf(&s->text, "%.*s%s,", SVARG(q->sort->ident), dir);
    buf_printf(&s->text, "`id`%s LIMIT ?", dir);
    sql_val(s, STORE_I((int64_t)limit));
}

/* The limit inside keeps the count of a large table as cheap as that of a small one. */
void query_count(const struct query *q, unsigned cap, struct sql *s)
{
    buf_printf(&s->text, "SELECT COUNT(*) FROM (SELECT 1 FROM %.*s", SVARG(q->r->ident));
    query_where(q, s);
    sql_text(s, " LIMIT ?) AS `x`");
    sql_val(s, STORE_I((int64_t)cap + 1));
}
