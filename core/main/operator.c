#include "main/operator.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "config.h"
#include "main/console.h"

#define LOG_ROOM "main"

static sv member(const json_t *body, const char *key)
{
    return json_get_sv(body, key);
}

/* The tenant named in the path; answers 404 itself when there is none. */
static struct auth_tenant *path_tenant(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct auth_tenant *t = auth_tenant_by_slug(w->auth, http_param(req, "slug"));
    if (!t)
        http_fail_code(req, 404, "tenant_unknown");
    return t;
}

/* ---- tenants ------------------------------------------------------------------------ */

static bool write_tenant(void *arg, struct auth_tenant *t)
{
    struct jsonw *out = arg;
    jsonw_obj(out);
    jsonw_kv_sv(out, "slug", t->slug);
    jsonw_kv_sv(out, "name", t->name);
    jsonw_kv_id(out, "id", t->id);
    jsonw_end_obj(out);
    return true;
}

static void get_tenants(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct jsonw out = jsonw_on(http_out(req));
    jsonw_arr(&out);
    auth_each_tenant(w->auth, write_tenant, &out);
    jsonw_end_arr(&out);
}

static void post_tenant(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct err err = {0};
    json_t *body;
    if (http_json(req, &body, &err) != 0) {
        http_fail(req, &err);
        return;
    }
    struct auth_new_tenant n = {
        .slug = member(body, "slug"),
        .name = member(body, "name"),
        .host = member(body, "host"),
        .admin_login = member(body, "admin"),
        .admin_name = member(body, "admin_name"),
        .admin_phone = member(body, "phone"),
        .admin_password = member(body, "password"),
    };
    if (!n.admin_login.p)
        n.admin_login = SV("admin");
    if (!n.admin_name.p)
        n.admin_name = n.admin_login;
    struct auth_tenant *t;
    sv password;
    if (auth_tenant_create(w->auth, http_arena(req), &n, main_migrate, w, &t, &password, &err) !=
        0) {
        http_fail(req, &err);
        return;
    }
    http_status(req, 201);
    struct jsonw out = jsonw_on(http_out(req));
    jsonw_obj(&out);
    jsonw_kv_sv(&out, "slug", t->slug);
    jsonw_kv_sv(&out, "name", t->name);
    jsonw_kv_sv(&out, "admin", n.admin_login);
    jsonw_kv_sv(&out, "password", password);
    jsonw_end_obj(&out);
}

/* ---- plugins --------------------------------------------------------------------------- */

static void get_plugins(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct auth_tenant *t = path_tenant(req);
    if (t)
        plug_list_json(w->plugins, t, http_out(req));
}

static void switch_plugin(struct http_req *req, bool on)
{
    struct auth_tenant *t = path_tenant(req);
    if (t)
        main_switch_plugin(http_route_data(req), req, t, &auth_system, on);
}

static void enable_plugin(struct http_req *req)
{
    switch_plugin(req, true);
}

static void disable_plugin(struct http_req *req)
{
    switch_plugin(req, false);
}

/* ---- schema ----------------------------------------------------------------------------- */

struct plan_ctx {
    struct main_worker *w;
    struct auth_tenant *tenant;
    struct store_conn *conn;
    struct arena *arena;
    struct jsonw out;
    struct err *err;
    int rc;
};

static int plan_manifest(struct plan_ctx *p, const struct mf_manifest *m)
{
    static const char *const how[] = {
        [STORE_INSTANT] = "instant", [STORE_ONLINE] = "online", [STORE_COPY] = "copy"};
    struct store_table *tables;
    struct store_plan plan;
    size_t n;
    if (model_tables(p->w->model, m, p->arena, &tables, &n, p->err) != 0 ||
        store_plan(p->conn, p->arena, tables, n, true, &plan, p->err) != 0)
        return -1;
    for (size_t i = 0; i < plan.n; i++) {
        jsonw_obj(&p->out);
        jsonw_kv_str(&p->out, "plugin", m->id);
        jsonw_kv_sv(&p->out, "why", plan.steps[i].why);
        jsonw_kv_sv(&p->out, "sql", plan.steps[i].sql);
        jsonw_kv_str(&p->out, "how", how[plan.steps[i].how]);
        jsonw_kv_i64(&p->out, "rows", (int64_t)plan.steps[i].rows);
        jsonw_kv_i64(&p->out, "bytes", (int64_t)plan.steps[i].bytes);
        jsonw_kv_bool(&p->out, "destructive", plan.steps[i].destructive);
        jsonw_end_obj(&p->out);
    }
    return 0;
}

static bool plan_plugin(void *arg, const struct plug_info *i)
{
    struct plan_ctx *p = arg;
    if (main_plugin_stands(i) && auth_plugin_on(p->tenant, sv_of(i->id)))
        p->rc = plan_manifest(p, i->manifest);
    return p->rc == 0;
}

static void get_plan(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct err err = {0};
    struct plan_ctx p = {.w = w, .tenant = path_tenant(req), .arena = http_arena(req), .err = &err};
    if (!p.tenant)
        return;
    if (store_get(p.tenant->db, &p.conn, &err) != 0) {
        http_fail(req, &err);
        return;
    }
    p.out = jsonw_on(http_out(req));
    jsonw_arr(&p.out);
    p.rc = plan_manifest(&p, w->core);
    if (p.rc == 0)
        plug_each(w->plugins, plan_plugin, &p);
    jsonw_end_arr(&p.out);
    store_put(p.conn);
    if (p.rc != 0)
        http_fail(req, &err);
}

static void post_migrate(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct auth_tenant *t = path_tenant(req);
    struct err err = {0};
    if (t && main_migrate(w, t, &err) != 0)
        http_fail(req, &err);
    else if (t)
        buf_str(http_out(req), "{\"migrated\":true}");
}

struct drop_ctx {
    struct main_worker *w;
    struct auth_tenant *tenant;
    size_t dropped;
    struct err *err;
    int rc;
};

static bool drop_plugin(void *arg, const struct plug_info *i)
{
    struct drop_ctx *d = arg;
    size_t n = 0;
    if (main_plugin_stands(i) && auth_plugin_on(d->tenant, sv_of(i->id)))
        d->rc = model_drop_retired(d->w->model, i->manifest, d->tenant, &n, d->err);
    d->dropped += n;
    return d->rc == 0;
}

/* {"sure": "<tenant>"}: what is dropped does not come back. */
static void post_drop_retired(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct auth_tenant *t = path_tenant(req);
    struct err err = {0};
    json_t *body;
    if (!t)
        return;
    if (http_json(req, &body, &err) != 0) {
        http_fail(req, &err);
        return;
    }
    const char *sure = json_string_value(json_object_get(body, "sure"));
    if (!sure || !sv_eqs(t->slug, sure)) {
        err_field(&err, "sure", "required", NULL);
        http_fail(req, &err);
        return;
    }
    struct drop_ctx d = {.w = w, .tenant = t, .err = &err};
    d.rc = model_drop_retired(w->model, w->core, t, &d.dropped, &err);
    if (d.rc == 0)
        plug_each(w->plugins, drop_plugin, &d);
    if (d.rc != 0)
        http_fail(req, &err);
    else
        buf_printf(http_out(req), "{\"dropped\":%zu}", d.dropped);
}

/* A whole number, as a number or as text; null or "none": no limit. */
static bool seats_of(const json_t *v, int64_t *out)
{
    const char *text = json_string_value(v);
    *out = json_is_integer(v) ? json_integer_value(v) : -1;
    if (json_is_null(v) || (text && strcmp(text, "none") == 0))
        return true;
    if (text && !sv_i64(sv_of(text), out))
        return false;
    return *out >= 0 && *out <= 1000000;
}

static void put_seats(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct auth_tenant *t = path_tenant(req);
    struct err err = {0};
    json_t *body;
    if (!t)
        return;
    int64_t n = -1;
    if (http_json(req, &body, &err) == 0 && !seats_of(json_object_get(body, "seats"), &n))
        err_field(&err, "seats", "not_integer", NULL);
    if (err_is(&err) || auth_tenant_seats(w->auth, t, n, &err) != 0) {
        http_fail(req, &err);
        return;
    }
    struct auth_audit line = {.action = "tenant_seats", .target = t->slug, .ok = true};
    auth_audit(t, &auth_system, req, &line);
    struct jsonw out = jsonw_on(http_out(req));
    jsonw_obj(&out);
    jsonw_key(&out, SV("seats"));
    if (n < 0)
        jsonw_null(&out);
    else
        jsonw_i64(&out, n);
    jsonw_end_obj(&out);
}

/* ---- staff ---------------------------------------------------------------------------------- */

static void post_user(struct http_req *req)
{
    struct auth_tenant *t = path_tenant(req);
    struct err err = {0};
    json_t *body;
    if (!t)
        return;
    if (http_json(req, &body, &err) != 0) {
        http_fail(req, &err);
        return;
    }
    static const sv admin_role[] = {{"admin", 5}};
    struct auth_new_staff n = {
        .login = member(body, "login"),
        .name = member(body, "name"),
        .phone = member(body, "phone"),
        .password = member(body, "password"),
        .roles = admin_role,
        .n_roles = json_is_true(json_object_get(body, "admin")) ? 1 : 0,
    };
    int64_t id;
    sv password;
    if (auth_staff_create(t, http_arena(req), &n, &id, &password, &err) != 0) {
        http_fail(req, &err);
        return;
    }
    http_status(req, 201);
    struct jsonw out = jsonw_on(http_out(req));
    jsonw_obj(&out);
    jsonw_kv_id(&out, "id", id);
    jsonw_kv_sv(&out, "login", n.login);
    jsonw_kv_sv(&out, "password", password);
    jsonw_end_obj(&out);
}

/* ---- status and doctor ----------------------------------------------------------------------- */

static bool write_plugin_state(void *arg, const struct plug_info *i)
{
    struct jsonw *out = arg;
    jsonw_obj(out);
    jsonw_kv_str(out, "id", i->id);
    jsonw_kv_str(out, "version", i->manifest ? i->manifest->version : NULL);
    jsonw_kv_str(out, "state", plug_state_name(i->state));
    if (i->error[0])
        jsonw_kv_str(out, "error", i->error);
    jsonw_end_obj(out);
    return true;
}

static void get_status(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct http_stats h;
    struct work_pool_stats p;
    http_server_stats(w->server, &h);
    work_pool_stats(w->pool, &p);
    struct jsonw out = jsonw_on(http_out(req));
    jsonw_obj(&out);
    jsonw_kv_str(&out, "version", PACKAGE_VERSION);
    jsonw_kv_i64(&out, "pid", getpid());
    jsonw_kv_i64(&out, "uptime_s", (clock_mono_us() - w->started_us) / 1000000);
    jsonw_kv_str(&out, "database", w->settings.database.embedded ? "private MariaDB" : "configured");
    jsonw_kv_i64(&out, "connections", (int64_t)h.connections);
    jsonw_kv_i64(&out, "requests", (int64_t)h.requests);
    jsonw_kv_i64(&out, "workers_busy", p.busy);
    jsonw_kv_i64(&out, "workers", p.threads);
    jsonw_key(&out, SV("plugins"));
    jsonw_arr(&out);
    plug_each(w->plugins, write_plugin_state, &out);
    jsonw_end_arr(&out);
    jsonw_end_obj(&out);
}

static void finding(struct jsonw *out, const char *what, bool ok, const char *advice)
{
    jsonw_obj(out);
    jsonw_kv_str(out, "check", what);
    jsonw_kv_bool(out, "ok", ok);
    if (!ok)
        jsonw_kv_str(out, "advice", advice);
    jsonw_end_obj(out);
}

static bool check_plugin(void *arg, const struct plug_info *i)
{
    struct jsonw *out = arg;
    char what[160];
    snprintf(what, sizeof what, "plugin %s", i->id);
    finding(out, what, i->state != PLUG_FAILED && i->state != PLUG_QUARANTINED,
            i->error[0] ? i->error : "in quarantine after repeated crashes; SIGHUP tries again");
    return true;
}

struct doctor {
    struct jsonw out;
    struct arena *arena;
};

static bool check_tenant(void *arg, struct auth_tenant *t)
{
    struct doctor *d = arg;
    struct store_conn *c;
    struct err err = {0};
    bool ok = store_get(t->db, &c, &err) == 0;
    if (ok)
        store_put(c);
    finding(&d->out, arena_printf(d->arena, "database of tenant %.*s", SVARG(t->slug)).p, ok,
            "its account cannot connect; see the log");
    return true;
}

static void get_doctor(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct doctor d = {jsonw_on(http_out(req)), http_arena(req)};
    struct stat st;
    struct statvfs fs;
    jsonw_arr(&d.out);
    finding(&d.out, "state directory is private",
            stat(w->settings.state_dir, &st) == 0 && (st.st_mode & 077) == 0,
            "chmod 700: it holds keys and the database");
    finding(&d.out, "at least 1 GiB free on the state directory's disk",
            statvfs(w->settings.state_dir, &fs) == 0 &&
                (uint64_t)fs.f_bavail * fs.f_frsize > (1ull << 30),
            "make room: writes fail with 507 when the disk is full");
    finding(&d.out, "the console is installed",
            access(arena_printf(d.arena, "%s/console/index.html", w->settings.www_dir).p, R_OK) ==
                0,
            "run tools/build-www and install again");
    finding(&d.out, "the public client is installed",
            access(arena_printf(d.arena, "%s/client/index.html", w->settings.www_dir).p, R_OK) == 0,
            "run tools/build-www and install again");
    auth_each_tenant(w->auth, check_tenant, &d);
    plug_each(w->plugins, check_plugin, &d.out);
    jsonw_end_arr(&d.out);
}

/* ---- the operation log ----------------------------------------------------------------------- */

static void get_audit_verify(struct http_req *req)
{
    struct auth_tenant *t = path_tenant(req);
    struct auth_audit_report r;
    struct err err = {0};
    if (!t)
        return;
    if (auth_audit_verify(t, &r, &err) != 0) {
        http_fail(req, &err);
        return;
    }
    struct jsonw out = jsonw_on(http_out(req));
    jsonw_obj(&out);
    jsonw_kv_bool(&out, "ok", r.why == NULL);
    jsonw_kv_i64(&out, "lines", (int64_t)r.lines);
    if (r.why) {
        jsonw_kv_str(&out, "why", r.why);
        jsonw_kv_id(&out, "first_bad", r.bad);
    }
    jsonw_kv_i64(&out, "anchors", r.anchors);
    jsonw_kv_i64(&out, "removed_by_retention", (int64_t)r.removed);
    jsonw_end_obj(&out);
}

int main_operator_routes(struct main_worker *w, struct http_router *r, struct err *err)
{
    const struct http_route routes[] = {
        {HTTP_GET, "/operator/status", 0, get_status, w, NULL},
        {HTTP_GET, "/operator/doctor", 0, get_doctor, w, NULL},
        {HTTP_GET, "/operator/tenants", 0, get_tenants, w, NULL},
        {HTTP_POST, "/operator/tenants", 0, post_tenant, w, NULL},
        {HTTP_GET, "/operator/tenants/:slug/plugins", 0, get_plugins, w, NULL},
        {HTTP_POST, "/operator/tenants/:slug/plugins/:id/enable", 0, enable_plugin, w, NULL},
        {HTTP_POST, "/operator/tenants/:slug/plugins/:id/disable", 0, disable_plugin, w, NULL},
        {HTTP_POST, "/operator/tenants/:slug/users", 0, post_user, w, NULL},
        {HTTP_GET, "/operator/tenants/:slug/audit/verify", 0, get_audit_verify, w, NULL},
        {HTTP_PUT, "/operator/tenants/:slug/seats", 0, put_seats, w, NULL},
        {HTTP_GET, "/operator/tenants/:slug/plan", 0, get_plan, w, NULL},
        {HTTP_POST, "/operator/tenants/:slug/migrate", 0, post_migrate, w, NULL},
        {HTTP_POST, "/operator/tenants/:slug/drop-retired", 0, post_drop_retired, w, NULL},
    };
    if (http_router_add_all(r, routes, sizeof routes / sizeof routes[0], err) != 0)
        return -1;
    if (main_operator_key_routes(w, r, err) != 0)
        return -1;
    return main_health_routes(w, r, err);
}
