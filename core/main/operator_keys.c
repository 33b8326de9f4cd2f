/* The operator's commands about keys: what there is, rotations. */
#include "main/operator.h"

#include "auth/protect.h"

#define LOG_ROOM "main"

static struct auth_tenant *path_tenant(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct auth_tenant *t = auth_tenant_by_slug(w->auth, http_param(req, "slug"));
    if (!t)
        http_fail_code(req, 404, "tenant_unknown");
    return t;
}

static void write_keys(struct jsonw *out, const char *name, const struct auth_key *keys, unsigned n)
{
    jsonw_key(out, sv_of(name));
    jsonw_arr(out);
    for (unsigned i = 0; i < n; i++) {
        jsonw_obj(out);
        jsonw_kv_i64(out, "number", keys[i].number);
        jsonw_kv_str(out, "suite", suite_name(keys[i].suite));
        jsonw_kv_str(out, "state", auth_key_state_name(keys[i].state));
        jsonw_kv_time(out, "since", keys[i].since);
        jsonw_end_obj(out);
    }
    jsonw_end_arr(out);
}

static void get_keys(struct http_req *req)
{
    struct auth_tenant *t = path_tenant(req);
    struct auth_keys keys;
    struct err err = {0};
    if (!t)
        return;
    if (auth_keys(t, true, &keys, &err) != 0) {
        http_fail(req, &err);
        return;
    }
    struct jsonw out = jsonw_on(http_out(req));
    jsonw_obj(&out);
    write_keys(&out, "data", keys.data, keys.n_data);
    write_keys(&out, "hash", keys.hash, keys.n_hash);
    jsonw_end_obj(&out);
}

/* By the request, else by the tenant's setting. */
static int suite_of(struct http_req *req, struct auth_tenant *t, enum suite *out, struct err *err)
{
    struct main_worker *w = http_route_data(req);
    json_t *body = NULL;
    if (http_body(req).n && http_json(req, &body, err) != 0)
        return -1;
    sv name = json_get_sv(body, "suite");
    if (!name.p) {
        sv set = model_setting(t, http_arena(req), w->core, SV("cipher_suite"));
        name = set.n > 2 ? sv_make(set.p + 1, set.n - 2) : SV("aes");
    }
    if (suite_of_name(name, out))
        return 0;
    return err_field(err, "suite", "not_in_options", "aes, sm4, sm4-gcm, sm4-ctr", NULL);
}

static void rotate(struct http_req *req,
                   int (*fn)(struct auth_tenant *, enum suite, unsigned *, struct err *))
{
    struct main_worker *w = http_route_data(req);
    struct auth_tenant *t = path_tenant(req);
    struct err err = {0};
    enum suite suite;
    unsigned number;
    int64_t task;
    if (!t)
        return;
    if (suite_of(req, t, &suite, &err) != 0 || fn(t, suite, &number, &err) != 0 ||
        model_rekey(w->model, t, &task, &err) != 0) {
        http_fail(req, &err);
        return;
    }
    struct jsonw out = jsonw_on(http_out(req));
    http_status(req, 202);
    jsonw_obj(&out);
    jsonw_kv_i64(&out, "number", number);
    jsonw_kv_str(&out, "suite", suite_name(suite));
    jsonw_kv_id(&out, "task", task);
    jsonw_end_obj(&out);
}

static void rotate_data(struct http_req *req)
{
    rotate(req, auth_key_rotate);
}

static void rotate_hash(struct http_req *req)
{
    rotate(req, auth_key_next_hash);
}

static void rotate_master(struct http_req *req)
{
    struct main_worker *w = http_route_data(req);
    struct err err = {0};
    unsigned number, rows;
    if (auth_master_rotate(w->auth, &number, &rows, &err) != 0) {
        http_fail(req, &err);
        return;
    }
    struct jsonw out = jsonw_on(http_out(req));
    jsonw_obj(&out);
    jsonw_kv_i64(&out, "number", number);
    jsonw_kv_i64(&out, "rewrapped", rows);
    jsonw_end_obj(&out);
}

int main_operator_key_routes(struct main_worker *w, struct http_router *r, struct err *err)
{
    const struct http_route routes[] = {
        {HTTP_GET, "/operator/tenants/:slug/keys", 0, get_keys, w, NULL},
        {HTTP_POST, "/operator/tenants/:slug/keys/rotate", 0, rotate_data, w, NULL},
        {HTTP_POST, "/operator/tenants/:slug/keys/rotate-hash", 0, rotate_hash, w, NULL},
        {HTTP_POST, "/operator/keys/rotate-master", 0, rotate_master, w, NULL},
    };
    return http_router_add_all(r, routes, sizeof routes / sizeof routes[0], err);
}
