/* GET and PATCH /api/core/plugins/<id>/settings: a plugin's settings in a tenant. */
#include "main/console.h"

static const struct mf_manifest *path_manifest(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct auth_tenant *t = auth_tenant_of(req);
    struct plug_info i;
    sv id = http_param(req, "id");
    if (sv_eqs(id, "core"))
        return w->core;          /* always on */
    if (plug_find(w->plugins, id, &i) && i.manifest && auth_plugin_on(t, id))
        return i.manifest;
    http_fail_code(req, 404, "plugin_disabled");
    return NULL;
}

static void write_settings(struct http_req *req, const struct mf_manifest *m)
{
    struct auth_tenant *t = auth_tenant_of(req);
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_key(&w, SV("fields"));
    jsonw_arr(&w);
    for (size_t i = 0; i < m->n_settings; i++)
        model_field_schema(&m->settings[i].field, &w);
    jsonw_end_arr(&w);
    jsonw_key(&w, SV("values"));
    jsonw_obj(&w);
    for (size_t i = 0; i < m->n_settings; i++) {
        const char *name = m->settings[i].field.name;
        jsonw_kv_raw(&w, name, model_setting(t, http_arena(req), m, sv_of(name)));
    }
    jsonw_end_obj(&w);
    jsonw_end_obj(&w);
}

static void get_settings(struct http_req *req)
{
    const struct mf_manifest *m = main_admin_only(req) ? path_manifest(req) : NULL;
    if (m)
        write_settings(req, m);
}

static void patch_settings(struct http_req *req)
{
    const struct mf_manifest *m = main_admin_only(req) ? path_manifest(req) : NULL;
    struct err err = {0};
    json_t *body;
    if (!m)
        return;
    struct auth_tenant *t = auth_tenant_of(req);
    if (http_json(req, &body, &err) != 0 ||
        model_settings_set(t, m, body, auth_of(req)->id, &err) != 0) {
        http_fail(req, &err);
        return;
    }
    auth_forget(t);              /* log-in keeps the core's */
    struct auth_audit line = {.action = "plugin_settings", .target = sv_of(m->id), .ok = true};
    auth_audit(t, auth_of(req), req, &line);
    write_settings(req, m);
}

int main_plugin_settings_routes(struct main_worker *w, struct http_router *r, struct err *err)
{
    const struct http_route routes[] = {
        {HTTP_GET, "/api/core/plugins/:id/settings", 0, get_settings, w, NULL},
        {HTTP_PATCH, "/api/core/plugins/:id/settings", 0, patch_settings, w, NULL},
    };
    return http_router_add_all(r, routes, sizeof routes / sizeof routes[0], err);
}
