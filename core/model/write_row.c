/* One row, or the rows of a children field, from JSON into the database. */
#define LOG_ROOM "model"
#include "model/batch.h"

#include <stdio.h>

static const json_t *member(const json_t *row, const struct model_col *c)
{
    return row ? json_object_get(row, c->f->name) : NULL;
}

static bool differs(const json_t *before, const json_t *after, const struct model_col *c)
{
    const json_t *a = member(before, c), *b = member(after, c);
    bool none_a = !a || json_is_null(a), none_b = !b || json_is_null(b);
    return none_a || none_b ? none_a != none_b : !json_equal(a, b);
}

static int store_value(const struct model_resource *r, const struct model_col *c, const json_t *row,
                       struct arena *a, struct store_val *out, struct err *err)
{
    if (value_store(c, member(row, c), a, out)) return 0;
    return err_internal(err, "%s: a hook made \"%s\" something it cannot be", r->name.p,
                        c->f->name);
}

/* ---- one row ---------------------------------------------------------------------- */

int write_insert(struct write *w, const struct model_resource *r, int64_t id, const json_t *row,
                 const char *prefix, struct err *err)
{
    struct sql s;
    sql_start(&s, w->a);
    buf_printf(&s.text, "INSERT INTO %.*s (", SVARG(r->ident));
    /* The id says when it was made; both times agree unless the clock jumped. */
    int64_t made = id_time_us(id), apart = made > w->now ? made - w->now : w->now - made;
    int64_t at = apart < 1000000 ? made : w->now;
    for (unsigned i = 0; i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        struct store_val v;
        if (c == r->deleted_at || c == r->live) continue;
        if (c == r->id)
            v = STORE_I(id);
        else if (c == r->created_at || c == r->updated_at)
            v = STORE_T(at);
        else if (c == r->created_by)
            v = auth_is_staff(w->c->who) ? STORE_I(w->c->who->id) : STORE_N;
        else if (c == r->version)
            v = STORE_I(1);
        else if (store_value(r, c, row, w->a, &v, err) < 0)
            return -1;
        struct store_val hash;
        if (protect_store(w, r, c, id, &v, &hash, err) < 0) return -1;
        if (s.n) buf_chr(&s.text, ',');
        sql_ident(&s, c);
        sql_val(&s, v);
        if (!c->hash.n) continue;
        buf_printf(&s.text, ",%.*s", SVARG(c->hash));
        sql_val(&s, hash);
    }
    sql_text(&s, ") VALUES ");
    if (write_rows(w, buf_view(&s.text), s.args, s.n, 1, err) < 0)
        return write_failed(w, r, prefix, err);
    if (links_write(w, r, id, NULL, row, err) < 0 || custom_write(w, r, id, NULL, row, err) < 0 ||
        rich_write(w, r, id, NULL, row, err) < 0)
        return -1;
    return has_trait(r, MF_TREE) ? tree_insert(w, r, id, row, prefix, err) : 0;
}

int write_update(struct write *w, const struct model_resource *r, int64_t id, const json_t *before,
                 const json_t *after, bool touch, const char *prefix, bool *changed,
                 struct err *err)
{
    struct sql s;
    sql_start(&s, w->a);
    buf_printf(&s.text, "UPDATE %.*s SET ", SVARG(r->ident));
    for (unsigned i = 0; i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        struct store_val v;
        bool own = c == r->owner || c == r->dept || c == r->partner || c == r->state;
        if (c->system && !c->part_of && c != r->custom && !own) continue;
        if (!differs(before, after, c)) continue;
        struct store_val hash;
        if (store_value(r, c, after, w->a, &v, err) < 0 ||
            protect_store(w, r, c, id, &v, &hash, err) < 0)
            return -1;
        sql_ident(&s, c);
        sql_text(&s, "=?,");
        sql_val(&s, v);
        if (!c->hash.n) continue;
        buf_printf(&s.text, "%.*s=?,", SVARG(c->hash));
        sql_val(&s, hash);
    }
    *changed = s.n > 0 || touch;
    if (!*changed) return 0;
    sql_text(&s, "`updated_at`=?");
    sql_val(&s, STORE_T(w->now));
    if (r->version) sql_text(&s, ",`version`=`version`+1");
    sql_text(&s, " WHERE `id`=?");
    sql_val(&s, STORE_I(id));
    if (store_exec(w->conn, buf_view(&s.text), s.args, s.n, NULL, err) < 0)
        return write_failed(w, r, prefix, err);
    if (links_write(w, r, id, before, after, err) < 0 ||
        custom_write(w, r, id, before, after, err) < 0 ||
        rich_write(w, r, id, before, after, err) < 0)
        return -1;
    return has_trait(r, MF_TREE) ? tree_move(w, r, id, before, after, prefix, err) : 0;
}

/* ---- references ------------------------------------------------------------------- */

struct target {
    bool found;
    char type[104]; /* of a file */
};

static bool take_target(void *arg, const struct store_val *row, unsigned n_cols)
{
    struct target *t = arg;
    t->found = true;
    if (n_cols > 1 && row[1].type == STORE_TEXT)
        snprintf(t->type, sizeof t->type, "%.*s", SVARG(row[1].u.s));
    return true;
}

/* A partner's person refers to what he can see; -1: to nothing of that kind. */
int ref_visible(struct model_ctx *c, struct arena *a, const struct model_resource *to,
                struct sql *s)
{
    const struct auth_principal *who = c->who;
    struct err none = {0};
    if (who->kind != AUTH_PARTNER) return 0;
    const struct model_policy *p = policy_of(to, who, a, &none);
    if (!p || !p->can_read) return -1;
    if (!p->read.text.p) return 0;
    sql_text(s, " AND ");
    frag_render(&p->read, who, s);
    return 0;
}

/* Who puts a file into a record shows it to all who read that, so it must be one
 * that he may see himself. What a restored row refers to it referred to before. */
static int check_file(struct write *w, int64_t id, const char *path, struct err *err)
{
    bool yes = w->p->everything || strcmp(w->action, "restore") == 0;
    struct err failed = {0};
    if (!yes && file_allowed(w->c, w->conn, id, &yes, &failed) < 0) {
        err_copy(err, &failed);
        return -1;
    }
    return yes ? 0 : err_field(err, path, "ref_not_found", NULL);
}

static int check_ref(struct write *w, const struct model_col *c, int64_t id, const char *path,
                     struct err *err)
{
    const struct model_resource *to = c->ref ? c->ref : c->many;
    struct target t = {0};
    struct sql s;
    if (batch_knows(w->c->batch, to, id)) return 0;
    sql_start(&s, w->a);
    /* The share lock holds back whoever would delete it before we commit. */
    buf_printf(&s.text, "SELECT `id`%s FROM %.*s WHERE `id`=?%s", c->file ? ",`type`" : "",
               SVARG(to->ident), to->deleted_at ? " AND `deleted_at` IS NULL" : "");
    sql_val(&s, STORE_I(id));
    if (ref_visible(w->c, w->a, to, &s) < 0) return err_field(err, path, "ref_not_found", NULL);
    sql_text(&s, " LOCK IN SHARE MODE");
    struct err failed = {0};
    if (store_run(w->conn, buf_view(&s.text), s.args, s.n, take_target, &t, &failed) < 0) {
        err_copy(err, &failed);
        return -1;
    }
    if (!t.found) return err_field(err, path, "ref_not_found", NULL);
    if (c->file && !file_accepted(c->f, t.type))
        return err_field(err, path, "file_type_refused", t.type, NULL);
    return sv_eqs(to->name, "core.file") ? check_file(w, id, path, err) : 0;
}

/* Those that a set has not had before. */
static int check_set(struct write *w, const struct model_col *c, const json_t *before,
                     const json_t *after, const char *path, struct err *err)
{
    const json_t *old = member(before, c), *new = member(after, c);
    for (size_t i = 0; i < json_array_size(new); i++) {
        const json_t *one = json_array_get(new, i);
        char at[MODEL_PATH];
        int64_t id;
        if (link_holds(old, one)) continue;
        path_item(at, path, i, "");
        if (!json_is_string(one) || !sv_i64(sv_of(json_string_value(one)), &id))
            return err_field(err, at, "not_id", NULL);
        if (check_ref(w, c, id, at, err) < 0 && err->status != 422) return -1;
    }
    return 0;
}

int write_refs(struct write *w, const struct model_resource *r, const struct model_col *skip,
               const json_t *before, const json_t *after, const char *prefix, struct err *err)
{
    for (unsigned i = 0; i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        char path[MODEL_PATH];
        int64_t id;
        if (c->many && differs(before, after, c)) {
            path_join(path, prefix, c->f->name);
            if (check_set(w, c, before, after, path, err) < 0 && err->status != 422) return -1;
        }
        if (!c->ref || c == skip || c == r->created_by || !differs(before, after, c)) continue;
        const json_t *v = member(after, c);
        if (!json_is_string(v)) continue;
        path_join(path, prefix, c->f->name);
        if (!sv_i64(sv_of(json_string_value(v)), &id)) return err_field(err, path, "not_id", NULL);
        /* The caller's own identity was checked with the request. */
        if (!before && c == r->owner && id == w->c->who->id) continue;
        if (!before && c == r->dept && id == w->c->who->dept) continue;
        if (check_ref(w, c, id, path, err) < 0 && err->status != 422) return -1;
    }
    if (dict_check(w, r, before, after, prefix, err) < 0 && err->status != 422) return -1;
    if (rich_check(w, r, before, after, prefix, err) < 0 && err->status != 422) return -1;
    return err_is(err) ? -1 : 0;
}

int write_derive(struct write *w, struct err *err)
{
    char prefix[MODEL_PATH];
    parts_write(w->r, w->after);
    for (unsigned i = 0; i < w->r->n_kids; i++) {
        const struct model_child *k = &w->r->kids[i];
        const json_t *list = json_object_get(w->after, k->f->name);
        for (size_t n = 0; n < json_array_size(list); n++) {
            parts_write(k->res, json_array_get(list, n));
            path_item(prefix, k->f->name, n, ".");
            if (compute_row(w, k->res, json_array_get(list, n), prefix, err) < 0) return -1;
        }
    }
    return compute_row(w, w->r, w->after, "", err);
}

int write_hooks(struct write *w, struct err *err)
{
    if (write_hook(w, w->r->mf->check_hook, "check", err) < 0) return -1;
    for (size_t i = 0; i < w->r->mf->n_fields; i++) {
        const struct mf_field *f = &w->r->mf->fields[i];
        if (f->compute_hook && write_hook(w, f->compute_hook, "check", err) < 0) return -1;
    }
    return write_derive(w, err);
}

/* ---- children --------------------------------------------------------------------- */

static const json_t *by_id(const json_t *list, const json_t *id)
{
    for (size_t i = 0; id && i < json_array_size(list); i++)
        if (json_equal(json_object_get(json_array_get(list, i), "id"), id))
            return json_array_get(list, i);
    return NULL;
}

static int64_t id_of(const json_t *row)
{
    int64_t id = 0;
    const char *s = json_string_value(json_object_get(row, "id"));
    return s && sv_i64(sv_of(s), &id) ? id : 0;
}

static json_t *id_json(int64_t id)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)id);
    return json_string(text);
}

/* Rows left out go first, so that their unique values are free again. */
static int drop_missing(struct write *w, const struct model_child *k, const json_t *before,
                        const json_t *after, bool *changed, struct err *err)
{
    for (size_t i = 0; i < json_array_size(before); i++) {
        const json_t *row = json_array_get(before, i);
        if (by_id(after, json_object_get(row, "id"))) continue;
        if (write_remove(w, k->res, id_of(row), 0, err) < 0) return -1;
        *changed = true;
    }
    return 0;
}

static int write_child(struct write *w, const struct model_child *k, size_t i, json_t *row,
                       const json_t *before, bool *changed, struct err *err)
{
    char prefix[MODEL_PATH];
    bool one = false;
    path_item(prefix, k->f->name, i, ".");
    if (k->position) json_object_set_new(row, "position", json_integer((json_int_t)i));
    const json_t *old = by_id(before, json_object_get(row, "id"));
    if (old) {
        if (write_update(w, k->res, id_of(row), old, row, false, prefix, &one, err) < 0) return -1;
        *changed |= one;
        return 0;
    }
    int64_t id = id_next();
    json_object_set_new(row, "id", id_json(id));
    json_object_set_new(row, k->by->f->name, id_json(w->id));
    *changed = true;
    return write_insert(w, k->res, id, row, prefix, err);
}

int write_children_refs(struct write *w, struct err *err)
{
    for (unsigned i = 0; i < w->r->n_kids; i++) {
        const struct model_child *k = &w->r->kids[i];
        const json_t *after = json_object_get(w->after, k->f->name);
        const json_t *before = w->before ? json_object_get(w->before, k->f->name) : NULL;
        for (size_t n = 0; n < json_array_size(after); n++) {
            char prefix[MODEL_PATH];
            const json_t *row = json_array_get(after, n);
            const json_t *old = by_id(before, json_object_get(row, "id"));
            path_item(prefix, k->f->name, n, ".");
            if (write_refs(w, k->res, k->by, old, row, prefix, err) < 0 && err->status != 422)
                return -1;
        }
    }
    return err_is(err) ? -1 : 0;
}

int write_children(struct write *w, bool *changed, struct err *err)
{
    for (unsigned i = 0; i < w->r->n_kids; i++) {
        const struct model_child *k = &w->r->kids[i];
        json_t *after = json_object_get(w->after, k->f->name);
        const json_t *before = w->before ? json_object_get(w->before, k->f->name) : NULL;
        if (drop_missing(w, k, before, after, changed, err) < 0) return -1;
        for (size_t n = 0; n < json_array_size(after); n++)
            if (write_child(w, k, n, json_array_get(after, n), before, changed, err) < 0) return -1;
    }
    return 0;
}
