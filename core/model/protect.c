/* Protected fields on their way out and in: opened and masked for the caller,
 * sealed for tables and history, refused where a comparison would tell more than
 * the mask shows. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include "auth/protect.h"

static struct auth_place place(const struct model_col *c, const struct model_resource *r,
                               int64_t id)
{
    return (struct auth_place){r->name, c->name, id};
}

bool protect_masked(const struct model_policy *p, const struct model_ctx *c, unsigned at)
{
    if (!colset_has(&p->masked, at)) return false;
    return !(c->reveal && c->reveal->r == p->res && colset_has(&c->reveal->cols, at));
}

/* ---- out -------------------------------------------------------------------------- */

static int show(const struct model_policy *p, const struct model_ctx *c,
                const struct model_col *col, int64_t id, struct store_val *v, struct err *err)
{
    if (v->type != STORE_TEXT && v->type != STORE_BLOB) return 0;
    sv text = v->u.s;
    if (col->sealed) {
        struct auth_place at = place(col, p->res, id);
        if (auth_open_value(c->tenant, c->arena, &at, text, &text, err) < 0) return -1;
    }
    if (protect_masked(p, c, col->at)) text = mask_text(c->arena, col->f->type, text);
    *v = STORE_S(text);
    return 0;
}

/* A value that does not open is logged and shown as none, so that one damaged row
 * does not take the list with it; keys that cannot be read are an error. */
int protect_vals(const struct model_policy *p, const struct model_ctx *c,
                 const struct model_col *const *cols, unsigned n, int64_t id,
                 struct store_val *vals, struct err *err)
{
    if (!p->guarded) return 0;
    for (unsigned i = 0; i < n; i++) {
        struct err e = {0};
        if (!cols[i]->sealed && !colset_has(&p->masked, cols[i]->at)) continue;
        if (show(p, c, cols[i], id, &vals[i], &e) == 0) continue;
        if (e.status == 503 || p->everything) {
            err_copy(err, &e);
            return -1;
        }
        log_error("%s", e.detail);
        vals[i] = STORE_N;
    }
    return 0;
}

int protect_rows(const struct model_policy *p, const struct model_ctx *c, struct rows *rows,
                 struct err *err)
{
    if (!p->guarded) return 0;
    unsigned at = 0;
    while (at < rows->n_cols && rows->cols[at] != p->res->id)
        at++;
    for (size_t i = 0; i < rows->n && at < rows->n_cols; i++) {
        struct store_val *row = rows->vals + i * rows->n_cols;
        if (protect_vals(p, c, rows->cols, rows->n_cols, row[at].u.i, row, err) < 0) return -1;
    }
    return 0;
}

static json_t *text_json(sv v)
{
    return json_stringn(v.p ? v.p : "", v.n);
}

/* A value out of the history. */
static void show_json(const struct model_policy *p, const struct model_ctx *c,
                      const struct model_col *col, int64_t id, json_t *holder, const char *key)
{
    const json_t *j = json_object_get(holder, key);
    struct err e = {0};
    if (!json_is_string(j) || (!col->sealed && !colset_has(&p->masked, col->at))) return;
    struct store_val v = STORE_S(sv_make(json_string_value(j), json_string_length(j)));
    if (show(p, c, col, id, &v, &e) < 0) {
        log_error("%s", e.detail);
        json_object_set_new(holder, key, json_null());
        return;
    }
    json_object_set_new(holder, key, text_json(v.u.s));
}

static int64_t id_of(const json_t *row)
{
    int64_t id = 0;
    sv text = json_get_sv(row, "id");
    return text.p && sv_i64(text, &id) ? id : 0;
}

static void show_child_rows(const struct model_policy *p, const struct model_ctx *c, json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *row = json_array_get(list, i);
        for (unsigned k = 0; k < p->res->n_cols; k++) {
            const struct model_col *col = &p->res->cols[k];
            if (!colset_has(&p->readable, k))
                json_object_del(row, col->f->name);
            else
                show_json(p, c, col, id_of(row), row, col->f->name);
        }
    }
}

void protect_change(const struct model_policy *p, const struct model_ctx *c, int64_t id,
                    json_t *change)
{
    sv field = json_get_sv(change, "field");
    const struct model_col *col = col_find(p->res, field);
    const struct model_child *k = col ? NULL : kid_find(p->res, field);
    if (col) {
        show_json(p, c, col, id, change, "before");
        show_json(p, c, col, id, change, "after");
    } else if (k) {
        const struct model_policy *kp = policy_of_child(k, c->who, c->arena);
        show_child_rows(kp, c, json_object_get(change, "before"));
        show_child_rows(kp, c, json_object_get(change, "after"));
    }
}

static void mask_member(struct arena *a, const struct model_col *c, json_t *row)
{
    sv v = json_get_sv(row, c->f->name);
    if (v.p && v.n)
        json_object_set_new(row, c->f->name, text_json(mask_text(a, c->f->type, v)));
}

/* A row in the clear as somebody may see it. */
json_t *protect_seen(const struct model_policy *p, const struct model_ctx *c, const json_t *row)
{
    json_t *out = json_deep_copy(row);
    for (unsigned i = 0; i < p->res->n_cols; i++)
        if (colset_has(&p->masked, i)) mask_member(c->arena, &p->res->cols[i], out);
    for (unsigned i = 0; i < p->res->n_kids; i++) {
        const struct model_child *k = &p->res->kids[i];
        json_t *list = json_object_get(out, k->f->name);
        const struct model_policy *kp = policy_of_child(k, c->who, c->arena);
        if (!kp->guarded) continue;
        for (size_t n = 0; n < json_array_size(list); n++)
            json_array_set_new(list, n, protect_seen(kp, c, json_array_get(list, n)));
    }
    return out;
}

/* What listeners of an event are told: masked where everybody sees a mask. */
json_t *protect_told(const struct model_resource *r, struct arena *a, const json_t *row)
{
    json_t *out = json_deep_copy(row);
    for (unsigned i = 0; i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        if (c->f->protect.masked) mask_member(a, c, out);
    }
    for (unsigned i = 0; i < r->n_kids; i++) {
        json_t *list = json_object_get(out, r->kids[i].f->name);
        if (!r->kids[i].res->guarded) continue;
        for (size_t n = 0; n < json_array_size(list); n++)
            json_array_set_new(list, n,
                               protect_told(r->kids[i].res, a, json_array_get(list, n)));
    }
    return out;
}

/* ---- in --------------------------------------------------------------------------- */

/* The mask that was read may be sent back: it is no change. */
void protect_strip(const struct model_policy *p, const struct model_ctx *c, json_t *body,
                   const json_t *before)
{
    if (!p->guarded) return;
    for (unsigned i = 0; i < p->res->n_cols; i++) {
        const struct mf_field *f = p->res->cols[i].f;
        if (!colset_has(&p->masked, i)) continue;
        sv given = json_get_sv(body, f->name), have = json_get_sv(before, f->name);
        if (given.p && have.p && sv_eq(given, mask_text(c->arena, f->type, have)))
            json_object_del(body, f->name);
    }
}

int protect_store(struct write *w, const struct model_resource *r, const struct model_col *c,
                  int64_t id, struct store_val *v, struct store_val *hash, struct err *err)
{
    struct auth_place at = place(c, r, id);
    sv plain = v->u.s, text;
    *hash = STORE_N;
    if (!c->sealed || v->type != STORE_TEXT) return 0;
    if (auth_seal_value(w->c->tenant, w->a, &at, plain, &text, err) < 0) return -1;
    *v = STORE_S(text);
    if (!c->hash.n) return 0;
    if (auth_hash(w->c->tenant, w->a, &at, c->f->type, plain, &text, err) < 0) return -1;
    *hash = STORE_S(text);
    return c->f->unique ? protect_unique(w, r, c, id, plain, err) : 0;
}

static bool take_row(void *arg, const struct store_val *row, unsigned n_cols)
{
    (void)row;
    (void)n_cols;
    *(bool *)arg = true;
    return true;
}

/* While a new hash key is introduced a value has two hashes, and the index sees
 * only equal ones. Writers of unique values then queue at one row of the counters,
 * each seeing what the one before has committed. */
int protect_unique(struct write *w, const struct model_resource *r, const struct model_col *c,
                   int64_t id, sv plain, struct err *err)
{
    struct auth_place at = place(c, r, id);
    sv hashes[AUTH_MAX_HASHES];
    unsigned n;
    bool found = false;
    if (auth_hashes(w->c->tenant, w->a, &at, c->f->type, plain, hashes, &n, err) < 0) return -1;
    if (n < 2) return 0;
    if (store_exec(w->conn,
                   SV("INSERT INTO `core_sequence` (`name`,`value`) VALUES ('core.rehash',1) "
                      "ON DUPLICATE KEY UPDATE `value`=`value`+1"),
                   NULL, 0, NULL, err) < 0)
        return -1;
    struct sql s;
    sql_start(&s, w->a);
    buf_printf(&s.text, "SELECT `id` FROM %.*s WHERE `id`<>?%s AND %.*s IN (", SVARG(r->ident),
               r->deleted_at ? " AND `live`=1" : "", SVARG(c->hash));
    sql_val(&s, STORE_I(id));
    for (unsigned i = 0; i < n; i++) {
        sql_text(&s, i ? ",?" : "?");
        sql_val(&s, STORE_S(hashes[i]));
    }
    sql_text(&s, ") LIMIT 1 FOR UPDATE");
    if (store_run(w->conn, buf_view(&s.text), s.args, s.n, take_row, &found, err) < 0) return -1;
    return found ? err_field(err, c->f->name, "not_unique", NULL) : 0;
}

json_t *protect_seal_json(struct write *w, const struct model_resource *r,
                          const struct model_col *c, int64_t id, const json_t *v, struct err *err)
{
    struct auth_place at = place(c, r, id);
    sv text;
    if (!c->sealed || !json_is_string(v) || !json_string_length(v))
        return json_incref((json_t *)(uintptr_t)v);
    sv plain = sv_make(json_string_value(v), json_string_length(v));
    if (auth_seal_value(w->c->tenant, w->a, &at, plain, &text, err) < 0) return NULL;
    return text_json(text);
}

/* ---- comparing -------------------------------------------------------------------- */

static int refuse(const struct model_policy *p, const struct model_col *c, struct err *err)
{
    if (colset_has(&p->masked, c->at)) {
        err_set(err, 403, "forbidden", NULL);
        return err_field(err, c->f->name, "forbidden", NULL);
    }
    err_set(err, 400, "bad_filter", c->f->name, NULL);
    return err_field(err, c->f->name, "filter_protected", c->f->name, NULL);
}

int protect_filter(const struct model_policy *p, const struct cond *c, struct err *err)
{
    if (c->op == OP_AND || c->op == OP_OR || c->op == OP_NOT) {
        for (const struct cond *k = c->first; k; k = k->next)
            if (protect_filter(p, k, err) < 0) return -1;
        return 0;
    }
    if (!c->col->sealed && !colset_has(&p->masked, c->col->at)) return 0;
    if (!colset_has(&p->readable, c->col->at)) return 0; /* refused as every hidden column */
    if (c->op == OP_NULL || c->op == OP_NOT_NULL) return 0;
    bool exact = c->op == OP_EQ || c->op == OP_IN;
    return exact && c->col->f->protect.exact ? 0 : refuse(p, c->col, err);
}

int protect_order(const struct model_policy *p, const struct model_col *c, struct err *err)
{
    return c->sealed || colset_has(&p->masked, c->at) ? refuse(p, c, err) : 0;
}

int protect_hashes(struct auth_tenant *t, struct arena *a, const struct model_resource *r,
                   const struct model_col *c, sv plain, sv out[PROTECT_HASHES], unsigned *n,
                   struct err *err)
{
    _Static_assert(PROTECT_HASHES >= AUTH_MAX_HASHES, "room for every hash");
    struct auth_place at = place(c, r, 0);
    return auth_hashes(t, a, &at, c->f->type, plain, out, n, err);
}
