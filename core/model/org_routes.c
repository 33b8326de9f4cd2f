/* What of the organisation is more than one row: moving somebody, menus of several
 * roles, seats and their use, and what roles may speak of. */
#define LOG_ROOM "model"
#include "model/internal.h"

#include <stdio.h>

/* ---- GET /api/core/grants/catalog ------------------------------------------------- */

static void named(struct jsonw *w, const char *name, const struct mf_title *t, const char *lang)
{
    jsonw_obj(w);
    jsonw_kv_str(w, "name", name);
    jsonw_kv_str(w, "title", title_of(t, lang));
    jsonw_end_obj(w);
}

/* `masked`: there is something to unmask. */
static void field(struct jsonw *w, const struct mf_field *f, const char *lang)
{
    jsonw_obj(w);
    jsonw_kv_str(w, "name", f->name);
    jsonw_kv_str(w, "title", title_of(&f->title, lang));
    if (f->protect.masked) jsonw_kv_bool(w, "masked", true);
    jsonw_end_obj(w);
}

static void write_scopes(struct jsonw *w, const struct model_resource *r, const char *lang)
{
    static const struct { const char *name; struct mf_title title; } own[] = {
        {"all", {"全部", "All"}},
        {"own", {"本人", "Own"}},
        {"department", {"本部门", "Own department"}},
        {"subtree", {"本部门及下级", "Department and below"}},
        {"custom", {"指定部门", "Chosen departments"}}};
    jsonw_key(w, SV("scopes"));
    jsonw_arr(w);
    for (size_t i = 0; i < r->mf->n_scopes; i++)
        named(w, r->mf->scopes[i].name, &r->mf->scopes[i].title, lang);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        int k = scope_find(r, sv_of(own[i].name));
        if (i == 0 || k >= (int)r->mf->n_scopes) named(w, own[i].name, &own[i].title, lang);
    }
    jsonw_end_arr(w);
}

static void write_resource(struct jsonw *w, const struct model_resource *r, const char *lang)
{
    bool edit = !(r->mf->traits & MF_NO_EDIT);
    jsonw_obj(w);
    jsonw_kv_sv(w, "name", r->name);
    jsonw_kv_str(w, "title", title_of(&r->mf->title, lang));
    jsonw_key(w, SV("actions"));
    jsonw_arr(w);
    jsonw_cstr(w, "read");
    if (resource_creatable(r->mf)) {
        jsonw_cstr(w, "create");
        jsonw_cstr(w, "import");
    }
    if (edit) jsonw_cstr(w, "update");
    if (edit) jsonw_cstr(w, "delete");
    jsonw_cstr(w, "export");
    jsonw_end_arr(w);
    write_scopes(w, r, lang);
    jsonw_key(w, SV("transitions"));
    jsonw_arr(w);
    for (size_t i = 0; i < r->mf->n_transitions; i++)
        named(w, r->mf->transitions[i].name, &r->mf->transitions[i].title, lang);
    jsonw_end_arr(w);
    jsonw_key(w, SV("fields"));
    jsonw_arr(w);
    for (size_t i = 0; i < r->mf->n_fields; i++)
        if (!r->mf->fields[i].hidden) field(w, &r->mf->fields[i], lang);
    jsonw_end_arr(w);
    jsonw_kv_bool(w, "partner", r->partner);
    jsonw_end_obj(w);
}

static void write_menus(struct jsonw *w, const struct mf_manifest *mf, const char *lang)
{
    jsonw_key(w, SV("menus"));
    jsonw_arr(w);
    for (size_t i = 0; i < mf->n_menus; i++) {
        jsonw_obj(w);
        jsonw_kv_str(w, "id", mf->menus[i].id);
        jsonw_kv_str(w, "parent", mf->menus[i].parent);
        jsonw_kv_str(w, "title", title_of(&mf->menus[i].title, lang));
        jsonw_end_obj(w);
    }
    jsonw_end_arr(w);
}

static void get_catalog(struct http_req *req)
{
    const struct model *m = http_route_data(req);
    const struct auth_principal *who = auth_of(req);
    const struct auth_tenant *t = auth_tenant_of(req);
    const char *lang = http_lang(req);
    struct err err = {0};
    if (!auth_is_staff(who) || !auth_can(who, SV("core.role"), SV("read"))) {
        policy_refuse(who, &err);
        http_fail(req, &err);
        return;
    }
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_arr(&w);
    for (size_t i = 0; i < m->n_plugins; i++) {
        const struct model_plugin *p = m->plugins[i];
        bool core = strcmp(p->mf->id, "core") == 0;
        if (p->dropped || (!core && !auth_plugin_on(t, sv_of(p->mf->id)))) continue;
        jsonw_obj(&w);
        jsonw_kv_str(&w, "plugin", p->mf->id);
        jsonw_kv_str(&w, "title", title_of(&p->mf->title, lang));
        jsonw_key(&w, SV("resources"));
        jsonw_arr(&w);
        for (size_t k = 0; k < p->n_res; k++) {
            const struct model_resource *r = p->res[k];
            bool theirs = who->kind != AUTH_PARTNER || r->partner;
            if (!r->mf->internal && !r->parent && theirs) write_resource(&w, r, lang);
        }
        jsonw_end_arr(&w);
        write_menus(&w, p->mf, lang);
        jsonw_end_obj(&w);
    }
    jsonw_end_arr(&w);
}

/* ---- several writes in one transaction -------------------------------------------- */

struct together {
    struct model *m;
    struct model_ctx c;
    const json_t *body;
    int64_t id;
    int (*fn)(struct together *t, struct err *err);
};

static int in_tx(void *arg, struct store_conn *conn, struct err *err)
{
    struct together *t = arg;
    t->c.conn = conn;
    t->c.done = NULL;
    return t->fn(t, err);
}

static int run_together(struct together *t, struct http_req *req, struct err *err)
{
    struct store_conn *conn;
    json_t *body;
    t->m = http_route_data(req);
    t->c = request_ctx(req);
    t->c.may_ask = false;
    if (!auth_is_staff(t->c.who)) return policy_refuse(t->c.who, err);
    if (http_json(req, &body, err) < 0) return -1;
    if (!json_is_object(body)) return err_set(err, 400, "bad_request", NULL);
    t->body = body;
    if (store_get(t->c.tenant->db, &conn, err) < 0) return -1;
    int rc = store_tx(conn, in_tx, t, err);
    t->c.conn = NULL;
    store_put(conn);
    if (rc == 0) model_committed(&t->c);
    return rc;
}

static bool take_number(void *arg, const struct store_val *v, unsigned n_cols)
{
    if (n_cols && v[0].type == STORE_I64) *(int64_t *)arg = v[0].u.i;
    return true;
}

/* ---- POST /api/core/roles/menus --------------------------------------------------- */

/* null takes the list away; a body that does not speak of it leaves it. */
static void put_list(json_t *grants, const json_t *body, const char *key)
{
    const json_t *list = json_object_get(body, key);
    if (json_is_null(list))
        json_object_del(grants, key);
    else if (list)
        json_object_set_new(grants, key, json_deep_copy((json_t *)(uintptr_t)list));
}

static int one_role(struct together *t, const struct model_resource *r, int64_t id, struct err *err)
{
    struct buf row = BUF_IN(t->c.arena);
    json_t *doc;
    if (model_get(r, &t->c, id, SV(""), &row, err) < 0 ||
        json_parse(t->c.arena, buf_view(&row), &doc, err) < 0)
        return -1;
    json_t *body = json_keep(t->c.arena, json_object());
    const json_t *had = json_object_get(doc, "grants");
    json_t *grants = json_is_object(had) ? json_deep_copy((json_t *)(uintptr_t)had) : json_object();
    json_object_set_new(body, "grants", grants);
    put_list(grants, t->body, "menus");
    put_list(grants, t->body, "hide_menus");
    return model_update(r, &t->c, id, -1, body, err);
}

static int set_menus(struct together *t, struct err *err)
{
    const struct model_resource *r = model_find(t->m, SV("core.role"));
    const json_t *roles = json_object_get(t->body, "roles");
    if (json_array_size(roles) == 0) return err_field(err, "roles", "required", NULL);
    if (json_array_size(roles) > 200) return err_field(err, "roles", "too_many_items", "200", NULL);
    for (size_t i = 0; i < json_array_size(roles); i++) {
        int64_t id;
        const char *text = json_string_value(json_array_get(roles, i));
        if (!text || !sv_i64(sv_of(text), &id)) return err_field(err, "roles", "not_id", NULL);
        if (one_role(t, r, id, err) < 0) return -1;
    }
    return 0;
}

static void post_menus(struct http_req *req)
{
    struct together t = {.fn = set_menus};
    struct err err = {0};
    if (run_together(&t, req, &err) < 0)
        http_fail(req, &err);
    else
        http_status(req, 204);
}

/* ---- POST /api/core/staff/:id/move ------------------------------------------------ */

struct open_postings {
    int64_t ids[64];
    size_t n;
};

static bool take_posting(void *arg, const struct store_val *v, unsigned n_cols)
{
    struct open_postings *o = arg;
    (void)n_cols;
    if (o->n < sizeof o->ids / sizeof o->ids[0]) o->ids[o->n++] = v[0].u.i;
    return true;
}

static void put_time(json_t *row, const char *key, int64_t us)
{
    char text[40];
    size_t n = clock_rfc3339(us, text);
    json_object_set_new(row, key, json_stringn(text, n));
}

static int end_main(struct together *t, const struct model_resource *r, int64_t now, struct err *err)
{
    struct open_postings open = {.n = 0};
    struct store_val args[] = {STORE_I(t->id), STORE_T(now)};
    if (store_run(t->c.conn,
                  SV("SELECT `id` FROM `core_staff_post` WHERE `staff`=? AND `kind`='main' AND "
                     "(`until` IS NULL OR `until`>?) FOR UPDATE"),
                  args, 2, take_posting, &open, err) < 0)
        return -1;
    for (size_t i = 0; i < open.n; i++) {
        json_t *end = json_keep(t->c.arena, json_object());
        put_time(end, "until", now);
        if (model_update(r, &t->c, open.ids[i], -1, end, err) < 0) return -1;
    }
    return 0;
}

static int new_posting(struct together *t, const char *post, struct err *err)
{
    const struct model_resource *r = model_find(t->m, SV("core.staff_post"));
    const json_t *reason = json_object_get(t->body, "reason");
    const char *kind = json_string_value(json_object_get(t->body, "kind"));
    int64_t now = clock_now_us(), id, partner = 0;
    char text[24];
    struct store_val who[] = {STORE_I(t->id)};
    bool is_main = !kind || strcmp(kind, "main") == 0;
    if (is_main && end_main(t, r, now, err) < 0) return -1;
    if (store_run(t->c.conn, SV("SELECT `partner` FROM `core_staff` WHERE `id`=?"), who, 1,
                  take_number, &partner, err) < 0)
        return -1;
    json_t *row = json_keep(t->c.arena, json_object());
    snprintf(text, sizeof text, "%lld", (long long)t->id);
    json_object_set_new(row, "staff", json_string(text));
    json_object_set_new(row, "post", json_string(post));
    json_object_set_new(row, "kind", json_string(kind ? kind : "main"));
    put_time(row, "since", now);
    if (json_is_string(reason))
        json_object_set_new(row, "reason", json_deep_copy((json_t *)(uintptr_t)reason));
    if (partner && t->c.who->kind != AUTH_PARTNER) {
        snprintf(text, sizeof text, "%lld", (long long)partner);
        json_object_set_new(row, "partner", json_string(text));
    }
    return model_create(r, &t->c, row, &id, err);
}

static int move(struct together *t, struct err *err)
{
    const json_t *dept = json_object_get(t->body, "department");
    const char *post = json_string_value(json_object_get(t->body, "post"));
    if (!dept && !post) return err_field(err, "department", "required", NULL);
    if (dept) {
        json_t *body = json_keep(t->c.arena, json_object());
        json_object_set_new(body, "department", json_deep_copy((json_t *)(uintptr_t)dept));
        if (model_update(model_find(t->m, SV("core.staff")), &t->c, t->id, -1, body, err) < 0)
            return -1;
    }
    return post ? new_posting(t, post, err) : 0;
}

static void post_move(struct http_req *req)
{
    struct together t = {.fn = move};
    struct err err = {0};
    if (!sv_i64(http_param(req, "id"), &t.id)) err_set(&err, 404, "not_found", NULL);
    if (err_is(&err) || run_together(&t, req, &err) < 0 ||
        model_get(model_find(t.m, SV("core.staff")), &t.c, t.id, SV(""), http_out(req), &err) < 0)
        http_fail(req, &err);
}

/* ---- GET /api/core/seats ---------------------------------------------------------- */

static bool write_unit(void *arg, const struct store_val *v, unsigned n_cols)
{
    struct jsonw *w = arg;
    static const char *const keys[] = {"id", "dept", "partner"};
    (void)n_cols;
    jsonw_obj(w);
    for (unsigned i = 0; i < 3; i++) {
        jsonw_key(w, sv_of(keys[i]));
        if (v[i].type == STORE_NULL)
            jsonw_null(w);
        else
            jsonw_id(w, v[i].u.i);
    }
    jsonw_kv_sv(w, "name", v[3].type == STORE_NULL ? SV("") : v[3].u.s);
    jsonw_kv_i64(w, "seats", v[4].u.i);
    jsonw_kv_i64(w, "used", v[5].u.i);
    jsonw_end_obj(w);
    return true;
}

static int seats(struct http_req *req, struct store_conn *conn, struct err *err)
{
    int64_t total = atomic_load(&auth_tenant_of(req)->seats), used = 0;
    struct jsonw w = jsonw_on(http_out(req));
    if (store_run(conn,
                  SV("SELECT COUNT(*) FROM `core_staff` WHERE `state`='active' AND `live`=1"), NULL,
                  0, take_number, &used, err) < 0)
        return -1;
    jsonw_obj(&w);
    jsonw_key(&w, SV("total"));
    if (total < 0)
        jsonw_null(&w);
    else
        jsonw_i64(&w, total);
    jsonw_kv_i64(&w, "used", used);
    jsonw_key(&w, SV("units"));
    jsonw_arr(&w);
    int rc = store_run(
        conn,
        SV("SELECT s.`id`,s.`dept`,s.`partner`,IFNULL(d.`name`,r.`name`),s.`seats`,"
           "(SELECT COUNT(*) FROM `core_staff` AS p WHERE p.`state`='active' AND p.`live`=1 AND "
           "(p.`partner`=s.`partner` OR p.`department` IN (SELECT `descendant` FROM "
           "`core_dept_tree` WHERE `ancestor`=s.`dept`))) FROM `core_seat` AS s LEFT JOIN "
           "`core_dept` AS d ON d.`id`=s.`dept` LEFT JOIN `core_partner` AS r ON "
           "r.`id`=s.`partner` ORDER BY s.`id`"),
        NULL, 0, write_unit, &w, err);
    jsonw_end_arr(&w);
    jsonw_end_obj(&w);
    return rc;
}

static void get_seats(struct http_req *req)
{
    struct model_ctx c = request_ctx(req);
    struct store_conn *conn;
    struct err err = {0};
    if (!c.who->admin) policy_refuse(c.who, &err);
    if (err_is(&err) || conn_enter(&c, &conn, &err) < 0) {
        http_fail(req, &err);
        return;
    }
    int rc = seats(req, conn, &err);
    conn_leave(&c, conn);
    if (rc < 0) http_fail(req, &err);
}

int org_routes(struct model *m, struct http_router *router, struct err *err)
{
    const struct http_route routes[] = {
        {HTTP_GET, "/api/core/grants/catalog", 0, get_catalog, m, NULL},
        {HTTP_GET, "/api/core/explain", 0, org_explain, m, NULL},
        {HTTP_GET, "/api/core/seats", 0, get_seats, m, NULL},
        {HTTP_POST, "/api/core/roles/menus", 0, post_menus, m, NULL},
        {HTTP_POST, "/api/core/staff/:id/move", 0, post_move, m, NULL},
        {HTTP_POST, "/api/core/staff/:id/hand-over", 0, org_hand_over, m, NULL},
    };
    return http_router_add_all(router, routes, sizeof routes / sizeof routes[0], err);
}
