/* expand=: references as {id, label} and children as arrays, with one query per
 * name however many rows the page has.
 *
 * A label is shown when the caller may see the row it is of. Of staff and
 * departments the names are no secret among staff, since every record says who
 * owns it; of files name and type are shown, their bytes have rights of their own. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdlib.h>

#define MAX_REFS 32
#define MAX_KIDS 8

struct expand_ref {
    const struct model_col *col;
    const struct model_policy *p; /* NULL: no row may be seen */
    bool open;                    /* names are no secret: the scope is left out */
    struct rows found;            /* id, label, and of files type and size; by id */
};

struct expand_kid {
    const struct model_child *k;
    const struct model_policy *p;
    const struct model_col **cols;
    unsigned n_cols, n_shown, at_by;
    struct rows found; /* by parent, then in their order */
    struct expand *sub;
    sv sub_text;
};

struct expand {
    struct model_ctx *c;
    const struct model_policy *p;
    struct expand_ref refs[MAX_REFS];
    struct expand_kid kids[MAX_KIDS];
    unsigned n_refs, n_kids;
};

bool expand_any(const struct expand *x)
{
    return x->n_refs || x->n_kids;
}

static int complain(sv name, const char *code, struct err *err)
{
    char text[80];
    size_t n = name.n < sizeof text - 1 ? name.n : sizeof text - 1;
    if (n) memcpy(text, name.p, n);
    text[n] = '\0';
    err_set(err, 400, "bad_request", NULL);
    return err_field(err, text, code, NULL);
}

/* ---- what was asked for ----------------------------------------------------------- */

static const struct model_resource *target(const struct model_col *c)
{
    return c->ref ? c->ref : c->many;
}

static int add_ref(struct expand *x, const struct model_col *col, struct err *err)
{
    for (unsigned i = 0; i < x->n_refs; i++)
        if (x->refs[i].col == col) return 0;
    if (x->n_refs == MAX_REFS) return complain(col->name, "too_many_items", err);
    struct expand_ref *ref = &x->refs[x->n_refs++];
    *ref = (struct expand_ref){.col = col};
    struct err none = {0};
    const struct model_resource *to = target(col);
    ref->p = policy_of(to, x->c->who, x->c->arena, &none);
    bool known = sv_eqs(to->name, "core.staff") || sv_eqs(to->name, "core.dept") || col->file;
    ref->open = known && (x->c->who->kind == AUTH_STAFF || x->c->who->kind == AUTH_KEY);
    return 0;
}

static struct expand_kid *add_kid(struct expand *x, const struct model_child *k)
{
    for (unsigned i = 0; i < x->n_kids; i++)
        if (x->kids[i].k == k) return &x->kids[i];
    if (x->n_kids == MAX_KIDS) return NULL;
    struct expand_kid *kid = &x->kids[x->n_kids++];
    struct arena *a = x->c->arena;
    *kid = (struct expand_kid){.k = k, .p = policy_of_child(k, x->c->who, a)};
    kid->cols = ARENA_ARRAY(a, const struct model_col *, kid->p->n_cols + 1);
    memcpy(kid->cols, kid->p->cols, kid->p->n_cols * sizeof *kid->cols);
    kid->n_cols = kid->n_shown = kid->at_by = kid->p->n_cols;
    for (unsigned i = 0; i < kid->n_shown; i++)
        if (kid->cols[i] == k->by) kid->at_by = i;
    if (kid->at_by == kid->n_shown) kid->cols[kid->n_cols++] = k->by;
    return kid;
}

static int add_name(struct expand *x, sv name, struct err *err)
{
    sv rest, head = sv_cut(name, '.', &rest);
    const struct model_child *k = kid_find(x->p->res, head);
    if (k && colset_has(&x->p->readable, k->at)) {
        struct expand_kid *kid = add_kid(x, k);
        if (!kid) return complain(name, "too_many_items", err);
        if (rest.p)
            kid->sub_text = arena_printf(x->c->arena, "%.*s%s%.*s", SVARG(kid->sub_text),
                                         kid->sub_text.n ? "," : "", SVARG(rest));
        return 0;
    }
    if (k && colset_has(&x->p->hidden, k->at)) {
        err_set(err, 403, "forbidden", NULL);
        return err_field(err, k->f->name, "forbidden", NULL);
    }
    const struct model_col *col = policy_col(x->p, head, "bad_request", err);
    if (!col) return -1;
    if (!target(col) || rest.p) return complain(name, "not_id", err);
    return add_ref(x, col, err);
}

int expand_parse(const struct model_policy *p, struct model_ctx *c, sv text, bool kids,
                 struct expand **out, struct err *err)
{
    struct expand *x = ARENA_NEW(c->arena, struct expand);
    x->c = c;
    x->p = p;
    *out = x;
    for (unsigned i = 0; kids && i < p->res->n_kids; i++)
        if (colset_has(&p->readable, p->res->kids[i].at)) add_kid(x, &p->res->kids[i]);
    while (text.p) {
        sv rest, name = sv_trim(sv_cut(text, ',', &rest));
        if (name.n && add_name(x, name, err) < 0) return -1;
        text = rest;
    }
    for (unsigned i = 0; i < x->n_kids; i++) {
        struct expand_kid *kid = &x->kids[i];
        if (kid->sub_text.n && expand_parse(kid->p, c, kid->sub_text, false, &kid->sub, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- loading ---------------------------------------------------------------------- */

static unsigned place(const struct rows *rows, const struct model_col *col)
{
    for (unsigned i = 0; i < rows->n_cols; i++)
        if (rows->cols[i] == col) return i;
    return rows->n_cols;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The next id of a set as the engine writes it, ["1","2"]; false at its end. */
static bool next_id(sv *list, int64_t *id)
{
    size_t i = 0, n = 0;
    while (i < list->n && (list->p[i] < '0' || list->p[i] > '9'))
        i++;
    while (i + n < list->n && list->p[i + n] >= '0' && list->p[i + n] <= '9')
        n++;
    sv digits = {list->p + i, n};
    *list = sv_make(list->p + i + n, list->n - i - n);
    return n && sv_i64(digits, id);
}

static size_t count_ids(const struct store_val *v)
{
    size_t n = 0;
    int64_t id;
    if (v->type == STORE_I64) return 1;
    for (sv rest = v->type == STORE_TEXT ? v->u.s : SV(""); next_id(&rest, &id);)
        n++;
    return n;
}

/* The distinct ids in one column of the rows. */
static size_t ids_of(struct arena *a, const struct rows *rows, unsigned at, int64_t **out)
{
    size_t n = 0, k = 0;
    for (size_t i = 0; i < rows->n; i++)
        n += count_ids(&rows_at(rows, i)[at]);
    int64_t *ids = ARENA_ARRAY(a, int64_t, n);
    n = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const struct store_val *v = &rows_at(rows, i)[at];
        if (v->type == STORE_I64) ids[n++] = v->u.i;
        int64_t id;
        for (sv rest = v->type == STORE_TEXT ? v->u.s : SV(""); next_id(&rest, &id);)
            ids[n++] = id;
    }
    if (n) qsort(ids, n, sizeof *ids, by_value);
    for (size_t i = 0; i < n; i++)
        if (k == 0 || ids[k - 1] != ids[i]) ids[k++] = ids[i];
    *out = ids;
    return k;
}

/* What a request reveals is of its own rows, not of those they refer to. */
static int show_labels(struct expand *x, struct expand_ref *ref, struct err *err)
{
    if (!target(ref->col)->guarded) return 0;
    struct model_ctx c = *x->c;
    c.reveal = NULL;
    const struct model_policy *p = ref->p ? ref->p : policy_of_nobody(target(ref->col), c.arena);
    return protect_rows(p, &c, &ref->found, err);
}

static int load_ref(struct expand *x, struct expand_ref *ref, struct store_conn *conn,
                    const struct rows *rows, struct err *err)
{
    struct arena *a = x->c->arena;
    const struct model_resource *to = target(ref->col);
    const struct model_col **cols = ARENA_ARRAY(a, const struct model_col *, 4);
    unsigned n = 0;
    cols[n++] = to->id;
    cols[n++] = to->label ? to->label : to->id;
    if (ref->col->file) {
        cols[n++] = col_find(to, SV("type"));
        cols[n++] = col_find(to, SV("size"));
    }
    ref->found = (struct rows){.a = a, .cols = cols, .n_cols = n};
    bool seen = ref->p && ref->p->can_read && colset_has(&ref->p->readable, cols[1]->at);
    unsigned at = place(rows, ref->col);
    int64_t *ids;
    size_t n_ids = at < rows->n_cols ? ids_of(a, rows, at, &ids) : 0;
    if (!n_ids || (!seen && !ref->open)) return 0;

    struct sql s;
    sql_start(&s, a);
    sql_text(&s, "SELECT ");
    for (unsigned i = 0; i < n; i++) {
        if (i) buf_chr(&s.text, ',');
        sql_ident(&s, cols[i]);
    }
    buf_printf(&s.text, " FROM %.*s WHERE `id` IN ", SVARG(to->ident));
    sql_in_ids(&s, ids, n_ids);
    if (!ref->open && ref->p->read.text.p) {
        sql_text(&s, " AND ");
        frag_render(&ref->p->read, x->c->who, &s);
    }
    sql_text(&s, " ORDER BY `id`");
    if (store_run(conn, buf_view(&s.text), s.args, s.n, rows_collect, &ref->found, err) < 0)
        return -1;
    return show_labels(x, ref, err);
}

static int load_kid(struct expand *x, struct expand_kid *kid, struct store_conn *conn,
                    const struct rows *rows, struct err *err)
{
    struct arena *a = x->c->arena;
    const struct model_resource *r = kid->k->res;
    kid->found = (struct rows){.a = a, .cols = kid->cols, .n_cols = kid->n_cols};
    int64_t *ids;
    size_t n = ids_of(a, rows, 0, &ids);
    if (!n) return 0;
    struct sql s;
    sql_start(&s, a);
    sql_text(&s, "SELECT ");
    for (unsigned i = 0; i < kid->n_cols; i++) {
        if (i) buf_chr(&s.text, ',');
        sql_ident(&s, kid->cols[i]);
    }
    buf_printf(&s.text, " FROM %.*s WHERE %.*s IN ", SVARG(r->ident), SVARG(kid->k->by->ident));
    sql_in_ids(&s, ids, n);
    if (r->deleted_at) sql_text(&s, " AND `deleted_at` IS NULL");
    buf_printf(&s.text, " ORDER BY %.*s%s,`id`", SVARG(kid->k->by->ident),
               kid->k->position ? ",`position`" : "");
    if (store_run(conn, buf_view(&s.text), s.args, s.n, rows_collect, &kid->found, err) < 0)
        return -1;
    if (protect_rows(kid->p, x->c, &kid->found, err) < 0) return -1;
    return kid->sub ? expand_load(kid->sub, conn, &kid->found, err) : 0;
}

int expand_load(struct expand *x, struct store_conn *conn, const struct rows *rows, struct err *err)
{
    for (unsigned i = 0; i < x->n_refs; i++)
        if (load_ref(x, &x->refs[i], conn, rows, err) < 0) return -1;
    for (unsigned i = 0; i < x->n_kids; i++)
        if (load_kid(x, &x->kids[i], conn, rows, err) < 0) return -1;
    return 0;
}

/* ---- writing ---------------------------------------------------------------------- */

void file_url(struct buf *out, int64_t id, sv name)
{
    buf_str(out, "/files/");
    buf_i64(out, id);
    buf_chr(out, '/');
    buf_urlencode(out, name.n ? name : SV("file"));
}

static const struct store_val *found(const struct rows *rows, unsigned at, int64_t id)
{
    size_t lo = 0, hi = rows->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (rows_at(rows, mid)[at].u.i < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == rows->n || rows_at(rows, lo)[at].u.i != id) return NULL;
    return rows_at(rows, lo);
}

const struct store_val *expand_label(const struct expand *x, const struct model_col *c, int64_t id,
                                     const struct model_col **label)
{
    for (unsigned i = 0; i < x->n_refs; i++) {
        if (x->refs[i].col != c) continue;
        const struct store_val *row = found(&x->refs[i].found, 0, id);
        *label = x->refs[i].found.cols[1];
        return row ? &row[1] : NULL;
    }
    return NULL;
}

static void write_one(const struct expand *x, const struct expand_ref *ref, int64_t id,
                      struct buf *out)
{
    const struct store_val *row = found(&ref->found, 0, id);
    buf_str(out, "{\"id\":\"");
    buf_i64(out, id);
    buf_str(out, "\",\"label\":");
    if (row)
        row_value(out, ref->found.cols[1], &row[1]);
    else
        buf_str(out, "null");
    if (row && ref->col->file) {
        struct jsonw w = jsonw_on(out);
        struct buf url = BUF_IN(x->c->arena);
        file_url(&url, id, row[1].type == STORE_TEXT ? row[1].u.s : SV(""));
        row_fields(out, ref->found.cols + 2, 2, row + 2);
        buf_str(out, ",\"url\":");
        jsonw_sv(&w, buf_view(&url));
    }
    buf_chr(out, '}');
}

static void write_ref(const struct expand *x, const struct expand_ref *ref,
                      const struct store_val *v, struct buf *out)
{
    int64_t id;
    if (v->type == STORE_I64) {
        write_one(x, ref, v->u.i, out);
        return;
    }
    if (v->type != STORE_TEXT) {
        buf_str(out, "null");
        return;
    }
    bool first = true;
    buf_chr(out, '[');
    for (sv rest = v->u.s; next_id(&rest, &id); first = false) {
        if (!first) buf_chr(out, ',');
        write_one(x, ref, id, out);
    }
    buf_chr(out, ']');
}

static void write_kid(const struct expand_kid *kid, int64_t parent, struct buf *out)
{
    const struct store_val *row = found(&kid->found, kid->at_by, parent);
    buf_sv(out, kid->k->key);
    buf_chr(out, '[');
    size_t i = row ? (size_t)(row - kid->found.vals) / kid->found.n_cols : kid->found.n;
    for (size_t from = i; i < kid->found.n; i++) {
        if (rows_at(&kid->found, i)[kid->at_by].u.i != parent) break;
        if (i > from) buf_chr(out, ',');
        expand_row(kid->sub, &kid->found, i, kid->n_shown, out);
    }
    buf_chr(out, ']');
}

void expand_row(const struct expand *x, const struct rows *rows, size_t i, unsigned n_shown,
                struct buf *out)
{
    const struct store_val *row = rows_at(rows, i);
    size_t at = out->n;
    for (unsigned k = 0; k < n_shown; k++) {
        const struct expand_ref *ref = NULL;
        for (unsigned j = 0; x && j < x->n_refs && !ref; j++)
            if (x->refs[j].col == rows->cols[k]) ref = &x->refs[j];
        buf_sv(out, rows->cols[k]->key);
        if (ref)
            write_ref(x, ref, &row[k], out);
        else
            row_value(out, rows->cols[k], &row[k]);
    }
    /* Each key was written with a comma before it; the first one opens the row. */
    out->p[at] = '{';
    for (unsigned k = 0; x && k < x->n_kids; k++)
        write_kid(&x->kids[k], row[0].u.i, out);
    buf_chr(out, '}');
}
