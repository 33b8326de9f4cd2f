/* GET /api/core/explain: why somebody may or may not do something, in words. */
#define LOG_ROOM "model"
#include "model/internal.h"

struct explain {
    const struct model_resource *r;
    const struct auth_principal *who; /* of whom it is asked */
    struct auth_role_view *roles;
    size_t n;
    int64_t id; /* of the row, 0: none */
    struct store_conn *conn;
    struct arena *a;
    bool zh;
    struct jsonw w;
    struct err *err;
};

static bool take_truth(void *arg, const struct store_val *v, unsigned n_cols)
{
    if (n_cols && v[0].type == STORE_I64) *(int *)arg = v[0].u.i != 0;
    return true;
}

/* Does the scope hold of the row, for the person or for whom he acts for? -1: the
 * row is not there, or it failed. */
static int holds(struct explain *x, sv scope, unsigned hat, enum auth_act act)
{
    int truth = -1, k = scope_find(x->r, scope);
    struct frag f = k >= 0 ? x->r->scopes[k] : (struct frag){0};
    struct sql s;
    struct frag_arg *args = ARENA_ARRAY(x->a, struct frag_arg, f.n_args + 1);
    for (unsigned i = 0; i < f.n_args; i++) {
        args[i] = f.args[i];
        args[i].hat = (unsigned char)hat;
        if (args[i].var == VAR_CUSTOM) args[i].act = (unsigned char)act;
    }
    f.args = args;
    sql_start(&s, x->a);
    sql_text(&s, "SELECT (");
    if (f.text.p)
        frag_render(&f, x->who, &s);
    else
        sql_text(&s, "1");
    buf_printf(&s.text, ") FROM %.*s WHERE `id`=?", SVARG(x->r->ident));
    sql_val(&s, STORE_I(x->id));
    if (store_run(x->conn, buf_view(&s.text), s.args, s.n, take_truth, &truth, x->err) < 0)
        return -1;
    return truth;
}

static sv title_of_scope(const struct explain *x, sv name)
{
    static const char *const own[][3] = {{"all", "全部", "all rows"},
                                         {"own", "本人", "own rows"},
                                         {"department", "本部门", "own department"},
                                         {"subtree", "本部门及下级", "own department and below"},
                                         {"custom", "指定部门", "chosen departments"}};
    for (size_t i = 0; i < x->r->mf->n_scopes; i++) {
        const struct mf_scope *s = &x->r->mf->scopes[i];
        if (sv_eqs(name, s->name)) return sv_of(x->zh ? s->title.zh : s->title.en);
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (sv_eqs(name, own[i][0])) return sv_of(x->zh ? own[i][1] : own[i][2]);
    return name;
}

static sv words(const struct explain *x, const struct auth_role_view *v, sv scope, int truth)
{
    sv from = SV(""), where = SV("");
    if (sv_eqs(v->via, "post"))
        from = arena_printf(x->a, x->zh ? "（岗位：%.*s）" : " (post %.*s)", SVARG(v->via_name));
    else if (sv_eqs(v->via, "delegation"))
        from = arena_printf(x->a, x->zh ? "（代理：%.*s）" : " (on behalf of %.*s)", SVARG(v->via_name));
    if (scope.p)
        where = arena_printf(x->a, x->zh ? "，范围：%.*s%s" : ", scope: %.*s%s",
                             SVARG(title_of_scope(x, scope)),
                             truth < 0 ? "" : x->zh ? truth ? "，此行在范围内" : "，此行不在范围内"
                             : truth ? ", which holds this row" : ", which does not hold this row");
    return arena_printf(x->a, x->zh ? "角色“%.*s”%.*s允许%.*s" : "role \"%.*s\"%.*s allows it%.*s",
                        SVARG(v->name), SVARG(from), SVARG(where));
}

static bool reason(struct explain *x, const struct auth_role_view *v, sv scope, enum auth_act act)
{
    int truth = scope.p && x->id ? holds(x, scope, v->hat, act) : -1;
    jsonw_obj(&x->w);
    jsonw_kv_id(&x->w, "role", v->id);
    jsonw_kv_sv(&x->w, "code", v->code);
    jsonw_kv_sv(&x->w, "via", v->via);
    jsonw_kv_sv(&x->w, "via_name", v->via_name);
    jsonw_kv_sv(&x->w, "scope", scope);
    jsonw_key(&x->w, SV("holds"));
    if (truth < 0)
        jsonw_null(&x->w);
    else
        jsonw_bool(&x->w, truth);
    jsonw_kv_sv(&x->w, "text", words(x, v, scope, truth));
    jsonw_end_obj(&x->w);
    return truth != 0;
}

static bool has(const sv *v, unsigned n, sv name)
{
    for (unsigned i = 0; i < n; i++)
        if (sv_eq(v[i], name) || sv_eqs(v[i], "all")) return true;
    return false;
}

/* Reasons of one role for one action; true when one of them lets it happen. */
static bool by_role(struct explain *x, const struct auth_role_view *v, sv action)
{
    const struct auth_grant *g = auth_grant_in(v->roles, x->r->name);
    static const char *const acts[] = {"read", "update", "delete"};
    if (v->admin) return reason(x, v, SV_NULL, AUTH_READ);
    if (!g) return false;
    const sv *scopes[] = {g->read, g->update, g->del};
    const unsigned n[] = {g->n_read, g->n_update, g->n_del};
    for (unsigned k = 0; k < 3; k++) {
        bool any = false;
        if (!sv_eqs(action, acts[k])) continue;
        for (unsigned i = 0; i < n[k]; i++)
            any |= reason(x, v, scopes[k][i], (enum auth_act)k);
        return any;
    }
    bool flag = sv_eqs(action, "create") ? g->create : sv_eqs(action, "export") ? g->export
                : has(g->doing, g->n_doing, action);
    return flag && reason(x, v, SV_NULL, AUTH_READ);
}

static void one_action(struct explain *x, sv action)
{
    bool allowed = false;
    jsonw_obj(&x->w);
    jsonw_kv_sv(&x->w, "action", action);
    jsonw_key(&x->w, SV("reasons"));
    jsonw_arr(&x->w);
    for (size_t i = 0; i < x->n; i++)
        allowed |= by_role(x, &x->roles[i], action);
    jsonw_end_arr(&x->w);
    /* the last word has the compiled union: a partner's limit takes away */
    jsonw_kv_bool(&x->w, "allowed", allowed && (x->who->admin || auth_can(x->who, x->r->name, action)));
    jsonw_end_obj(&x->w);
}

static int answer(struct explain *x, struct http_req *req, int64_t staff, struct err *err)
{
    static const char *const acts[] = {"read", "create", "update", "delete", "export"};
    struct model_ctx c = request_ctx(req);
    if (auth_staff_principal(c.tenant, x->a, staff, &x->who, err) < 0) return -1;
    if (!x->who) return err_set(err, 404, "not_found", NULL);
    if (auth_roles_of_staff(c.tenant, x->a, x->who, &x->roles, &x->n, err) < 0 ||
        conn_enter(&c, &x->conn, err) < 0)
        return -1;
    x->w = jsonw_on(http_out(req));
    jsonw_obj(&x->w);
    jsonw_kv_id(&x->w, "staff", staff);
    jsonw_kv_sv(&x->w, "resource", x->r->name);
    jsonw_kv_bool(&x->w, "admin", x->who->admin);
    jsonw_key(&x->w, SV("actions"));
    jsonw_arr(&x->w);
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        one_action(x, sv_of(acts[i]));
    for (size_t i = 0; i < x->r->mf->n_transitions; i++)
        one_action(x, sv_of(x->r->mf->transitions[i].name));
    jsonw_end_arr(&x->w);
    jsonw_end_obj(&x->w);
    conn_leave(&c, x->conn);
    return err_is(err) ? -1 : 0;
}

/* ---- all rights of somebody -------------------------------------------------------- */

static void names(struct jsonw *w, const char *key, const sv *v, unsigned n)
{
    if (n == 0) return;
    jsonw_key(w, sv_of(key));
    jsonw_arr(w);
    for (unsigned i = 0; i < n; i++)
        jsonw_sv(w, v[i]);
    jsonw_end_arr(w);
}

static void marks(struct jsonw *w, const struct auth_grant *g)
{
    const struct { const char *mark; const sv *v; unsigned n; } all[] = {
        {"masked", g->masked, g->n_masked},
        {"unmasked", g->unmasked, g->n_unmasked},
        {"read_only", g->read_only, g->n_read_only},
        {"hidden", g->hidden, g->n_hidden}};
    json_t *map = json_object();
    const char *name;
    json_t *mark;
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        for (unsigned i = 0; i < all[k].n; i++)
            json_object_setn_new(map, all[k].v[i].p, all[k].v[i].n, json_string(all[k].mark));
    if (json_object_size(map)) {
        jsonw_key(w, SV("fields"));
        jsonw_obj(w);
        json_object_foreach(map, name, mark) jsonw_kv_str(w, name, json_string_value(mark));
        jsonw_end_obj(w);
    }
    json_decref(map);
}

/* The union of all his roles, written as a role's own. */
static void write_union(struct explain *x, const struct model *m)
{
    jsonw_key(&x->w, SV("grants"));
    jsonw_obj(&x->w);
    for (size_t i = 0; i < m->n_plugins; i++)
        for (size_t k = 0; k < m->plugins[i]->n_res; k++) {
            const struct model_resource *r = m->plugins[i]->res[k];
            const struct auth_grant *g = x->who->admin ? NULL : auth_grant_of(x->who, r->name);
            if (!g || r->mf->internal || r->parent) continue;
            jsonw_key(&x->w, r->name);
            jsonw_obj(&x->w);
            names(&x->w, "read", g->read, g->n_read);
            names(&x->w, "update", g->update, g->n_update);
            names(&x->w, "delete", g->del, g->n_del);
            names(&x->w, "do", g->doing, g->n_doing);
            if (g->create) jsonw_kv_bool(&x->w, "create", true);
            if (g->export) jsonw_kv_bool(&x->w, "export", true);
            if (g->import) jsonw_kv_bool(&x->w, "import", true);
            marks(&x->w, g);
            jsonw_end_obj(&x->w);
        }
    jsonw_end_obj(&x->w);
}

static int rights(struct explain *x, struct http_req *req, int64_t staff, struct err *err)
{
    struct model_ctx c = request_ctx(req);
    if (auth_staff_principal(c.tenant, x->a, staff, &x->who, err) < 0) return -1;
    if (!x->who) return err_set(err, 404, "not_found", NULL);
    if (auth_roles_of_staff(c.tenant, x->a, x->who, &x->roles, &x->n, err) < 0) return -1;
    x->w = jsonw_on(http_out(req));
    jsonw_obj(&x->w);
    jsonw_kv_id(&x->w, "staff", staff);
    jsonw_kv_bool(&x->w, "admin", x->who->admin);
    jsonw_key(&x->w, SV("roles"));
    jsonw_arr(&x->w);
    for (size_t i = 0; i < x->n; i++) {
        jsonw_obj(&x->w);
        jsonw_kv_id(&x->w, "role", x->roles[i].id);
        jsonw_kv_sv(&x->w, "code", x->roles[i].code);
        jsonw_kv_sv(&x->w, "name", x->roles[i].name);
        jsonw_kv_sv(&x->w, "via", x->roles[i].via);
        jsonw_kv_sv(&x->w, "via_name", x->roles[i].via_name);
        jsonw_end_obj(&x->w);
    }
    jsonw_end_arr(&x->w);
    write_union(x, http_route_data(req));
    jsonw_end_obj(&x->w);
    return 0;
}

void org_explain(struct http_req *req)
{
    bool whole = http_query(req, "resource").n == 0;
    struct err err = {0};
    int64_t staff;
    struct explain x = {.a = http_arena(req), .err = &err, .zh = strcmp(http_lang(req), "zh") == 0,
                        .r = model_find(http_route_data(req), http_query(req, "resource"))};
    if (!auth_of(req)->admin)
        policy_refuse(auth_of(req), &err);
    else if (!sv_i64(http_query(req, "staff"), &staff) || (!whole && (!x.r || x.r->mf->internal)))
        err_set(&err, 404, "not_found", NULL);
    else if (http_query(req, "id").n && !sv_i64(http_query(req, "id"), &x.id))
        err_field(&err, "id", "not_id", NULL);
    if (err_is(&err) || (whole ? rights : answer)(&x, req, staff, &err) < 0) http_fail(req, &err);
}
