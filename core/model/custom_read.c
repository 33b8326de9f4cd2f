/* Fields of the tenant's own where rows are read: filters and what a grant hides. */
#define LOG_ROOM "model"
#include "model/custom.h"

static bool uses(const struct cond *c)
{
    if (c->custom.n) return true;
    for (const struct cond *k = c->first; k; k = k->next)
        if (uses(k)) return true;
    return false;
}

static int resolve(const struct model_resource *r, struct cond *c, const struct custom_defs *d,
                   const struct auth_principal *who, struct arena *a, struct err *err)
{
    for (struct cond *k = c->first; k; k = k->next)
        if (resolve(r, k, d, who, a, err) < 0) return -1;
    if (!c->custom.n) return 0;
    const char *path = arena_printf(a, "custom.%.*s", SVARG(c->custom)).p;
    const struct custom_field *f = custom_find(d, c->custom);
    if (custom_hidden(r, who, c->custom)) {
        err_set(err, 403, "forbidden", NULL);
        return err_field(err, path, "forbidden", NULL);
    }
    if (!f) return cond_fail(err, "filter_unknown", c->at, sv_of(path), NULL);
    if (!f->filterable) {
        err_set(err, 400, "bad_filter", path, NULL);
        return err_field(err, path, "filter_no_index", NULL);
    }
    c->custom_field = &f->f;
    return 0;
}

int custom_resolve(const struct model_resource *r, struct cond *c, const struct auth_principal *who,
                   const struct auth_tenant *tenant, struct arena *a, struct err *err)
{
    struct store_conn *conn;
    struct custom_defs *d = ARENA_NEW(a, struct custom_defs);
    if (!r->custom || !uses(c)) return 0;
    if (store_get(tenant->db, &conn, err) < 0) return -1;
    int rc = custom_load(conn, a, r, d, err);
    store_put(conn);
    return rc < 0 ? -1 : resolve(r, c, d, who, a, err);
}

/* ---- what a grant hides ------------------------------------------------------------ */

static bool of_custom(sv name)
{
    return sv_starts(name, SV("custom."));
}

const struct model_col *custom_of(const struct model_resource *r, const struct auth_grant *g,
                                  struct arena *a)
{
    unsigned n = 0;
    for (unsigned i = 0; g && i < g->n_hidden; i++)
        n += of_custom(g->hidden[i]);
    if (!r->custom || !n) return r->custom;
    struct model_col *c = ARENA_NEW(a, struct model_col);
    *c = *r->custom;
    c->hide = ARENA_ARRAY(a, sv, n);
    for (unsigned i = 0; i < g->n_hidden; i++)
        if (of_custom(g->hidden[i]))
            c->hide[c->n_hide++] = arena_sv(a, sv_make(g->hidden[i].p + 7, g->hidden[i].n - 7));
    return c;
}

bool custom_same(const struct model_col *c, const struct auth_grant *g)
{
    unsigned n = 0;
    if (!c) return true;
    for (unsigned i = 0; g && i < g->n_hidden; i++) {
        sv name = g->hidden[i];
        if (!of_custom(name)) continue;
        if (n == c->n_hide || !sv_eq(c->hide[n++], sv_make(name.p + 7, name.n - 7))) return false;
    }
    return n == c->n_hide;
}

void custom_value(struct buf *out, const struct model_col *c, sv json)
{
    json_t *v = json_loadb(json.p ? json.p : "", json.n, 0, NULL);
    struct jsonw w = jsonw_on(out);
    for (unsigned i = 0; v && i < c->n_hide; i++)
        json_object_deln(v, c->hide[i].p, c->hide[i].n);
    if (!v || json_object_size(v) == 0)
        jsonw_null(&w);
    else
        jsonw_json(&w, v);
    json_decref(v);
}
