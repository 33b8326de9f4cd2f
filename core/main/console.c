#include "main/console.h"

#include "config.h"

#define LOG_ROOM "main"

struct boot {
    struct main_worker *w;
    struct auth_tenant *tenant;
    const struct auth_principal *who;
    struct arena *arena;
    struct jsonw out;
    void (*write)(struct boot *b, const struct mf_manifest *m);
};

static void write_title(struct jsonw *w, const char *key, struct mf_title t)
{
    jsonw_key(w, sv_of(key));
    jsonw_obj(w);
    jsonw_kv_str(w, "zh", t.zh);
    jsonw_kv_str(w, "en", t.en);
    jsonw_end_obj(w);
}

/* ---- each manifest that serves this tenant: core first, then plugins ------------------ */

static bool is_served(const struct boot *b, const struct plug_info *i)
{
    return i->manifest && i->state == PLUG_RUNNING && auth_plugin_on(b->tenant, sv_of(i->id));
}

static bool write_plugin(void *arg, const struct plug_info *i)
{
    struct boot *b = arg;
    if (is_served(b, i))
        b->write(b, i->manifest);
    return true;
}

static void each_manifest(struct boot *b, void (*write)(struct boot *, const struct mf_manifest *))
{
    b->write = write;
    write(b, b->w->core);
    plug_each(b->w->plugins, write_plugin, b);
}

/* "poll:read" of a manifest -> may this person? No permission named: staff may. */
static bool may(const struct boot *b, const struct mf_manifest *m, const char *permission)
{
    sv action, resource = sv_cut(sv_of(permission), ':', &action);
    if (!permission || b->who->admin)
        return true;
    sv full = arena_printf(b->arena, "%s.%.*s", m->id, SVARG(resource));
    return auth_can(b->who, full, action);
}

/* A menu that only holds others is shown when one of those is. */
static bool menu_is_seen(const struct boot *b, const struct mf_manifest *m,
                         const struct mf_menu *menu)
{
    if (!auth_menu_shown(b->who, sv_of(menu->id)))
        return false;
    if (menu->resource || menu->page || menu->permission)
        return may(b, m, menu->permission);
    for (size_t i = 0; i < m->n_menus; i++)
        if (m->menus[i].parent && strcmp(m->menus[i].parent, menu->id) == 0 &&
            menu_is_seen(b, m, &m->menus[i]))
            return true;
    return false;
}

static void write_menus(struct boot *b, const struct mf_manifest *m)
{
    struct jsonw *w = &b->out;
    for (size_t i = 0; i < m->n_menus; i++) {
        const struct mf_menu *menu = &m->menus[i];
        if (!menu_is_seen(b, m, menu))
            continue;
        jsonw_obj(w);
        jsonw_kv_str(w, "id", menu->id);
        jsonw_kv_str(w, "plugin", m->id);
        jsonw_kv_str(w, "parent", menu->parent);
        write_title(w, "title", menu->title);
        jsonw_kv_str(w, "icon", menu->icon);
        jsonw_kv_str(w, "resource", menu->resource);
        jsonw_kv_str(w, "page", menu->page);
        jsonw_kv_i64(w, "order", menu->order);
        jsonw_end_obj(w);
    }
}

/* What nobody may do is not offered to the administrator either. */
static bool may_do(struct boot *b, const struct mf_resource *r, sv name, const char *action)
{
    bool edits = strcmp(action, "read") != 0 && strcmp(action, "export") != 0;
    if (strcmp(action, "import") == 0 && !r->import.on) return false;
    return !(edits && (r->traits & MF_MANAGED)) && auth_can(b->who, name, sv_of(action));
}

static void write_can(struct boot *b, const struct mf_manifest *m)
{
    static const char *const actions[] = {"read", "create", "update", "delete", "export", "import"};
    struct jsonw *w = &b->out;
    for (size_t i = 0; i < m->n_resources; i++) {
        const struct mf_resource *r = &m->resources[i];
        sv name = arena_printf(b->arena, "%s.%s", m->id, r->name);
        if (r->internal || !(b->who->admin || auth_can(b->who, name, SV("read"))))
            continue;
        jsonw_key(w, name);
        jsonw_obj(w);
        write_title(w, "title", r->title);
        jsonw_key(w, SV("can"));
        jsonw_obj(w);
        for (size_t k = 0; k < sizeof actions / sizeof actions[0]; k++)
            jsonw_kv_bool(w, actions[k], may_do(b, r, name, actions[k]));
        jsonw_key(w, SV("do"));
        jsonw_arr(w);
        for (size_t k = 0; k < r->n_transitions; k++)
            if (auth_can(b->who, name, sv_of(r->transitions[k].name)))
                jsonw_cstr(w, r->transitions[k].name);
        jsonw_end_arr(w);
        jsonw_end_obj(w);
        jsonw_end_obj(w);
    }
}

static void write_module(struct boot *b, const struct mf_manifest *m, const char *id,
                         const char *module, const char *at, struct mf_title title)
{
    struct jsonw *w = &b->out;
    sv url = main_site_module(b->w->site, b->arena, sv_of(m->id), module);
    if (!url.p) {
        log_warn("plugin %s names a module it does not bring: %s", m->id, module);
        return;
    }
    jsonw_obj(w);
    jsonw_kv_str(w, "plugin", m->id);
    jsonw_kv_str(w, at ? "at" : "id", at ? at : id);
    write_title(w, "title", title);
    jsonw_kv_sv(w, "module", url);
    jsonw_end_obj(w);
}

static void write_pages(struct boot *b, const struct mf_manifest *m)
{
    for (size_t i = 0; i < m->n_pages; i++)
        write_module(b, m, m->pages[i].id, m->pages[i].module, NULL, m->pages[i].title);
}

static void write_slots(struct boot *b, const struct mf_manifest *m)
{
    for (size_t i = 0; i < m->n_slots; i++)
        write_module(b, m, NULL, m->slots[i].module, m->slots[i].at, m->slots[i].title);
}

/* ---- GET /api/console/bootstrap --------------------------------------------------------- */

static bool staff_only(struct http_req *req)
{
    const struct auth_principal *p = auth_of(req);
    if (auth_is_staff(p))
        return true;
    http_fail_code(req, p->kind == AUTH_ANON ? 401 : 403,
                   p->kind == AUTH_ANON ? "unauthorized" : "forbidden");
    return false;
}

bool main_admin_only(struct http_req *req)
{
    if (!staff_only(req))
        return false;
    if (auth_of(req)->admin)
        return true;
    http_fail_code(req, 403, "forbidden");
    return false;
}

static struct boot begin(struct http_req *req)
{
    return (struct boot){
        .w = http_route_data(req),
        .tenant = auth_tenant_of(req),
        .who = auth_of(req),
        .arena = http_arena(req),
        .out = jsonw_on(http_out(req)),
    };
}

static void get_bootstrap(struct http_req *req)
{
    if (!staff_only(req))
        return;
    struct boot b = begin(req);
    struct jsonw *w = &b.out;
    jsonw_obj(w);
    jsonw_key(w, SV("user"));
    jsonw_obj(w);
    jsonw_kv_id(w, "id", b.who->id);
    jsonw_kv_sv(w, "name", b.who->name);
    jsonw_end_obj(w);
    jsonw_key(w, SV("tenant"));
    jsonw_obj(w);
    jsonw_kv_sv(w, "slug", b.tenant->slug);
    jsonw_kv_sv(w, "name", b.tenant->name);
    jsonw_end_obj(w);
    jsonw_kv_bool(w, "admin", b.who->admin);
    jsonw_kv_str(w, "lang", http_lang(req));
    jsonw_kv_str(w, "version", PACKAGE_VERSION);
    jsonw_key(w, SV("menus"));
    jsonw_arr(w);
    each_manifest(&b, write_menus);
    jsonw_end_arr(w);
    jsonw_key(w, SV("resources"));
    jsonw_obj(w);
    each_manifest(&b, write_can);
    jsonw_end_obj(w);
    jsonw_key(w, SV("pages"));
    jsonw_arr(w);
    each_manifest(&b, write_pages);
    jsonw_end_arr(w);
    jsonw_key(w, SV("slots"));
    jsonw_arr(w);
    each_manifest(&b, write_slots);
    jsonw_end_arr(w);
    jsonw_end_obj(w);
    http_add_header(req, "cache-control", SV("no-store"));
}

/* ---- plugins ------------------------------------------------------------------------------ */

static void get_plugins(struct http_req *req)
{
    if (!main_admin_only(req))
        return;
    struct main_worker *w = http_route_data(req);
    plug_list_json(w->plugins, auth_tenant_of(req), http_out(req));
}

void main_switch_plugin(struct main_worker *w, struct http_req *req, struct auth_tenant *t,
                        const struct auth_principal *who, bool on)
{
    sv id = http_param(req, "id");
    struct err err = {0};
    store_deadline(0);           /* it may have tables to make */
    int rc = plug_switch(w->plugins, t, who, id, on, &err);
    struct auth_audit line = {
        .action = on ? "plugin_enable" : "plugin_disable", .target = id, .ok = rc == 0};
    auth_audit(t, who, req, &line);
    if (rc != 0) {
        http_fail(req, &err);
        return;
    }
    struct jsonw out = jsonw_on(http_out(req));
    jsonw_obj(&out);
    jsonw_kv_sv(&out, "id", id);
    jsonw_kv_str(&out, "state", on ? "on" : "off");
    jsonw_end_obj(&out);
}

static void switch_plugin(struct http_req *req, bool on)
{
    if (main_admin_only(req))
        main_switch_plugin(http_route_data(req), req, auth_tenant_of(req),
                           auth_of(req), on);
}

static void enable_plugin(struct http_req *req)
{
    switch_plugin(req, true);
}

static void disable_plugin(struct http_req *req)
{
    switch_plugin(req, false);
}

/* The start page's counts of the core's own rows. */
static void get_stats(struct http_req *req)
{
    if (!staff_only(req))
        return;
    static const char *const names[] = {"staff", "member"};
    struct auth_tenant *t = auth_tenant_of(req);
    struct store_conn *c;
    struct err err = {0};
    if (store_get(t->db, &c, &err) != 0) {
        http_fail(req, &err);
        return;
    }
    struct jsonw out = jsonw_on(http_out(req));
    jsonw_obj(&out);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof names / sizeof names[0]; i++) {
        if (!auth_can(auth_of(req), arena_printf(http_arena(req), "core.%s", names[i]), SV("read")))
            continue;
        struct store_val n;
        bool found;
        sv sql = arena_printf(http_arena(req), "SELECT COUNT(*) FROM core_%s", names[i]);
        rc = store_one(c, http_arena(req), sql, NULL, 0, &n, 1, &found, &err);
        if (rc == 0 && found)
            jsonw_kv_i64(&out, names[i], n.u.i);
    }
    jsonw_end_obj(&out);
    store_put(c);
    if (rc != 0)
        http_fail(req, &err);
}

int main_console_routes(struct main_worker *w, struct http_router *r, struct err *err)
{
    const struct http_route routes[] = {
        {HTTP_GET, "/api/console/bootstrap", 0, get_bootstrap, w, NULL},
        {HTTP_GET, "/api/core/plugins", 0, get_plugins, w, NULL},
        {HTTP_POST, "/api/core/plugins/:id/enable", 0, enable_plugin, w, NULL},
        {HTTP_POST, "/api/core/plugins/:id/disable", 0, disable_plugin, w, NULL},
        {HTTP_GET, "/api/core/stats", 0, get_stats, w, NULL},
    };
    if (http_router_add_all(r, routes, sizeof routes / sizeof routes[0], err) != 0)
        return -1;
    if (main_profile_routes(w, r, err) != 0)
        return -1;
    return main_plugin_settings_routes(w, r, err);
}
