/* From a request body to the row as it will be. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdio.h>

/* ---- the body against the policy -------------------------------------------------- */

static bool equal_or_none(const json_t *a, const json_t *b)
{
    bool none_a = !a || json_is_null(a), none_b = !b || json_is_null(b);
    return none_a || none_b ? none_a && none_b : json_equal(a, b);
}

/* What cannot be changed but is sent back as it was read is no complaint: a
 * client may give whole rows. */
static void strip_unchanged(const struct model_policy *p, json_t *body, const json_t *before)
{
    for (unsigned i = 0; i < p->res->n_cols; i++) {
        const char *name = p->res->cols[i].f->name;
        const json_t *v = json_object_get(body, name);
        if (!v || colset_has(&p->writable, i) || !colset_has(&p->readable, i)) continue;
        if (equal_or_none(v, json_object_get(before, name))) json_object_del(body, name);
    }
}

static const json_t *row_by_id(const json_t *list, const json_t *id)
{
    for (size_t i = 0; id && i < json_array_size(list); i++)
        if (json_equal(json_object_get(json_array_get(list, i), "id"), id))
            return json_array_get(list, i);
    return NULL;
}

static int complain(const char *prefix, const char *name, const char *code, struct err *err)
{
    char path[MODEL_PATH];
    path_join(path, prefix, name);
    return err_field(err, path, code, NULL);
}

/* Fields that the grant takes away; the rest is the validator's. */
static void check_rights(const struct model_policy *p, const json_t *body, const char *prefix,
                         struct err *err)
{
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)body, name, v)
    {
        const struct model_col *c = col_find(p->res, sv_of(name));
        const struct model_child *k = c ? NULL : kid_find(p->res, sv_of(name));
        if (!c && !k) continue;
        unsigned at = c ? c->at : k->at;
        if (colset_has(&p->hidden, at))
            complain(prefix, name, "forbidden", err);
        else if (colset_has(&p->fixed, at))
            complain(prefix, name, "read_only", err);
    }
}

/* Children rows with an id must be this row's, each once. */
static void check_children(struct write *w, const struct model_child *k, json_t *list,
                           struct err *err)
{
    const struct model_policy *p = policy_of_child(k, w->c->who, w->a);
    const json_t *had = w->before ? json_object_get(w->before, k->f->name) : NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *row = json_array_get(list, i);
        const json_t *id = json_object_get(row, "id"), *old = row_by_id(had, id);
        char prefix[MODEL_PATH];
        if (!json_is_object(row)) continue;
        path_item(prefix, k->f->name, i, ".");
        if (id && json_is_null(id)) {
            json_object_del(row, "id");
        } else if (id && !old) {
            complain(prefix, "id", "ref_not_found", err);
        } else if (old) {
            for (size_t n = 0; n < i; n++)
                if (json_equal(json_object_get(json_array_get(list, n), "id"), id)) {
                    complain(prefix, "id", "duplicate", err);
                    break;
                }
            const char *by = k->by->f->name;
            json_t *keep = json_incref((json_t *)(uintptr_t)id);
            protect_strip(p, w->c, row, old);
            strip_unchanged(p, row, old);
            if (equal_or_none(json_object_get(row, by), json_object_get(old, by)))
                json_object_del(row, by);
            json_object_set_new(row, "id", keep);
        }
        check_rights(p, row, prefix, err);
    }
}

int merge_check(struct write *w, json_t *body, struct err *err)
{
    if (!json_is_object(body)) return err_set(err, 400, "bad_request", NULL);
    const json_t *version = json_object_get(body, "version");
    if (w->before && w->r->version && version) {
        if (!json_equal(version, json_object_get(w->before, "version")))
            return err_set(err, 409, "version_conflict", NULL);
        json_object_del(body, "version");
    }
    if (w->before) {
        protect_strip(w->p, w->c, body, w->before);
        strip_unchanged(w->p, body, w->before);
    }
    check_rights(w->p, body, "", err);
    for (unsigned i = 0; i < w->r->n_kids; i++) {
        const struct model_child *k = &w->r->kids[i];
        check_children(w, k, json_object_get(body, k->f->name), err);
    }
    return err_is(err) ? -1 : 0;
}

/* ---- laying the body over the row ------------------------------------------------- */

static json_t *id_json(int64_t id)
{
    char text[24];
    if (id <= 0) return json_null();
    snprintf(text, sizeof text, "%lld", (long long)id);
    return json_string(text);
}

/* $today, $now, $user, $dept: of whoever writes, where the tenant is. */
static json_t *variable_default(struct write *w, const struct mf_field *f)
{
    const struct auth_principal *who = w->c->who;
    bool staff = who->kind == AUTH_STAFF;
    char text[32];
    int64_t local = w->now + (int64_t)w->c->tenant->utc_offset * 60000000;
    size_t n = clock_rfc3339(f->type == MF_DATETIME ? w->now : local, text);
    if (f->type == MF_USER) return id_json(staff ? who->id : 0);
    if (f->type == MF_DEPT) return id_json(staff ? who->dept : 0);
    if (f->type == MF_DATE) return json_stringn(text, 10);
    return f->type == MF_TIME ? json_stringn(text + 11, 8) : json_stringn(text, n);
}

static json_t *default_of(struct write *w, const struct mf_field *f)
{
    if (mf_default_var(f)) return variable_default(w, f);
    json_t *v = f->has_default
                    ? json_loadb(f->dflt.p ? f->dflt.p : "", f->dflt.n, JSON_DECODE_ANY, NULL)
                    : NULL;
    return v ? v : json_null();
}

static json_t *clean(struct write *w, const struct mf_field *f, const json_t *v)
{
    if (value_void(f, v)) return default_of(w, f);
    if (f->type != MF_RICHTEXT || !json_is_string(v)) return value_normal(f, v);
    struct buf b = BUF_IN(w->a);
    sanitise_html(sv_make(json_string_value(v), json_string_length(v)), &b);
    return json_stringn(b.p ? b.p : "", b.n);
}

/* One row, not its children. `before` NULL: a new one. */
static json_t *lay(struct write *w, const struct model_resource *r, const json_t *before,
                   const json_t *body)
{
    json_t *row = before ? json_deep_copy((json_t *)(uintptr_t)before) : json_object();
    for (unsigned i = 0; i < r->n_cols; i++) {
        const struct model_col *c = &r->cols[i];
        const json_t *v = json_object_get(body, c->f->name);
        if (c->system && c != r->owner && c != r->dept && c != r->partner) continue;
        if (v)
            json_object_set_new(row, c->f->name, clean(w, c->f, v));
        else if (!before && !c->system)
            json_object_set_new(row, c->f->name, default_of(w, c->f));
    }
    return row;
}

static void own_columns(struct write *w, json_t *row)
{
    const struct model_resource *r = w->r;
    const struct auth_principal *who = w->c->who;
    bool staff = auth_is_staff(who);
    if (r->owner && !json_object_get(row, "owner"))
        json_object_set_new(row, "owner", id_json(staff ? who->id : 0));
    if (r->dept && !json_object_get(row, "dept"))
        json_object_set_new(row, "dept", id_json(staff ? who->dept : 0));
    /* Whose row it is, is no choice of a partner's person. */
    if (r->partner && (who->kind == AUTH_PARTNER || !json_object_get(row, "partner")))
        json_object_set_new(row, "partner", id_json(who->partner));
    if (r->state) json_object_set_new(row, "state", json_string(r->mf->initial));
    if (r->version) json_object_set_new(row, "version", json_integer(1));
}

json_t *merge_row(struct write *w, const json_t *body)
{
    json_t *row = json_keep(w->a, lay(w, w->r, w->before, body));
    if (!w->before) own_columns(w, row);
    for (unsigned i = 0; i < w->r->n_kids; i++) {
        const struct model_child *k = &w->r->kids[i];
        const json_t *given = json_object_get(body, k->f->name);
        if (!given && w->before) continue; /* as they are */
        const json_t *had = w->before ? json_object_get(w->before, k->f->name) : NULL;
        json_t *list = json_array();
        for (size_t n = 0; n < json_array_size(given); n++) {
            const json_t *one = json_array_get(given, n);
            json_array_append_new(list,
                                  lay(w, k->res, row_by_id(had, json_object_get(one, "id")), one));
        }
        json_object_set_new(row, k->f->name, list);
    }
    return row;
}
