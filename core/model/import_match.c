/* What of the resource the rows of a file are: the records that their keys name. */
#define LOG_ROOM "model"
#include "model/import.h"

/* ---- which record is it ---------------------------------------------------------------- */

/* The key's values of a row as they are stored; false when one is blank. */
static bool key_values(const struct import_run *run, const struct import_line *row,
                       struct arena *a, struct store_val *out)
{
    for (unsigned i = 0; i < run->n_keys; i++) {
        const struct import_field *f = import_field_of(run, (unsigned)run->keys[i]);
        const json_t *v = row->body ? json_object_get(row->body, f->f->name) : NULL;
        if (!v || !f->col || !value_store(f->col, v, a, &out[i]) || out[i].type == STORE_NULL)
            return false;
    }
    return run->n_keys > 0;
}

static bool same_value(const struct store_val *a, const struct store_val *b)
{
    if (a->type == STORE_TEXT && b->type == STORE_TEXT) return sv_ieq(a->u.s, b->u.s);
    return a->type == b->type && a->u.i == b->u.i;
}

struct matching {
    const struct import_run *run;
    struct import_line *const *rows;
    unsigned n;
    const struct store_val *vals; /* n * n_keys */
    const bool *has;
};

static bool on_match(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct matching *m = arg;
    unsigned keys = m->run->n_keys;
    for (unsigned i = 0; i < m->n && n_cols > keys; i++) {
        bool same = m->has[i] && !m->rows[i]->match;
        for (unsigned k = 0; same && k < keys; k++)
            same = same_value(&m->vals[i * keys + k], &row[1 + k]);
        if (same) m->rows[i]->match = row[0].u.i;
    }
    return true;
}

/* ---- a sealed key ---------------------------------------------------------------------- */

struct hashed {
    sv hash;
    struct import_line *row;
};
struct hashes {
    struct hashed *v;
    unsigned n;
};

static bool on_hash(void *arg, const struct store_val *row, unsigned n_cols)
{
    const struct hashes *h = arg;
    for (unsigned i = 0; i < h->n && n_cols > 1 && row[1].type == STORE_TEXT; i++)
        if (sv_eq(h->v[i].hash, row[1].u.s) && !h->v[i].row->match) h->v[i].row->match = row[0].u.i;
    return true;
}

/* Everything the values' hashes may be: two of each while a key is being changed. */
static int hash_keys(const struct import_run *run, const struct model_col *col,
                     struct import_line *const *rows, unsigned n, struct arena *a,
                     struct hashes *out, struct err *err)
{
    out->v = ARENA_ARRAY(a, struct hashed, n * PROTECT_HASHES);
    out->n = 0;
    for (unsigned i = 0; i < n; i++) {
        struct store_val v;
        sv all[PROTECT_HASHES];
        unsigned k;
        rows[i]->match = 0;
        if (!key_values(run, rows[i], a, &v) || v.type != STORE_TEXT) continue;
        if (protect_hashes(run->c->tenant, a, run->im->r, col, v.u.s, all, &k, err) < 0) return -1;
        while (k > 0)
            out->v[out->n++] = (struct hashed){all[--k], rows[i]};
    }
    return 0;
}

/* An encrypted key stands alone: no index of several columns has one. */
static int by_hash(const struct import_run *run, const struct model_col *col,
                   struct import_line *const *rows, unsigned n, struct store_conn *conn,
                   struct arena *a, struct err *err)
{
    const struct model_resource *r = run->im->r;
    struct hashes h;
    struct sql s;
    unsigned slots = 1;
    if (hash_keys(run, col, rows, n, a, &h, err) < 0) return -1;
    if (!h.n) return 0;
    sql_start(&s, a);
    buf_printf(&s.text, "SELECT `id`,%.*s FROM %.*s WHERE %s AND %.*s IN (", SVARG(col->hash),
               SVARG(r->ident), r->live ? "`live`=1" : "1", SVARG(col->hash));
    while (slots < h.n)
        slots *= 2;
    for (unsigned i = 0; i < slots; i++) {
        sql_text(&s, i ? ",?" : "?");
        sql_val(&s, STORE_S(h.v[i < h.n ? i : h.n - 1].hash));
    }
    sql_text(&s, ")");
    return store_run(conn, buf_view(&s.text), s.args, s.n, on_hash, &h, err);
}

int import_find_matches(const struct import_run *run, struct import_line *const *rows, unsigned n,
                        struct store_conn *conn, struct arena *a, struct err *err)
{
    const struct model_resource *r = run->im->r;
    const struct import_field *key =
        run->n_keys == 1 ? import_field_of(run, (unsigned)run->keys[0]) : NULL;
    if (key && key->col && key->col->sealed) return by_hash(run, key->col, rows, n, conn, a, err);
    struct store_val *vals = ARENA_ARRAY(a, struct store_val, n * (run->n_keys + 1));
    bool *has = ARENA_ARRAY(a, bool, n);
    unsigned any = 0, slots = 1;
    for (unsigned i = 0; i < n; i++) {
        rows[i]->match = 0;
        has[i] = key_values(run, rows[i], a, &vals[i * run->n_keys]);
        any += has[i];
    }
    if (!any) return 0;
    struct sql s;
    sql_start(&s, a);
    sql_text(&s, "SELECT `id`");
    for (unsigned k = 0; k < run->n_keys; k++)
        buf_printf(&s.text, ",%.*s", SVARG(import_field_of(run, (unsigned)run->keys[k])->col->ident));
    buf_printf(&s.text, " FROM %.*s WHERE %s AND (", SVARG(r->ident), r->live ? "`live`=1" : "1");
    for (unsigned k = 0; k < run->n_keys; k++)
        buf_printf(&s.text, "%s%.*s", k ? "," : "",
                   SVARG(import_field_of(run, (unsigned)run->keys[k])->col->ident));
    sql_text(&s, ") IN (");
    while (slots < any)
        slots *= 2;
    for (unsigned i = 0, put = 0, last = 0; put < slots; i = i + 1 < n ? i + 1 : i) {
        if (has[i]) last = i;
        if (!has[i] && i + 1 < n) continue;
        sql_text(&s, put++ ? ",(" : "(");
        for (unsigned k = 0; k < run->n_keys; k++) {
            sql_text(&s, k ? ",?" : "?");
            sql_val(&s, vals[last * run->n_keys + k]);
        }
        sql_text(&s, ")");
    }
    sql_text(&s, ")");
    struct matching m = {run, rows, n, vals, has};
    return store_run(conn, buf_view(&s.text), s.args, s.n, on_match, &m, err);
}
