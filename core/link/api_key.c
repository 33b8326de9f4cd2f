/* API keys as records: what may be put into one, and its secret. */
#define LOG_ROOM "link"
#include "link/room.h"

/* ---- what a key may hold ------------------------------------------------------------ */

static int role_allowed(const struct model_hook_call *call, const json_t *row, size_t i,
                        struct err *err)
{
    int64_t id;
    struct store_val code;
    bool found;
    if (!sv_i64(json_get_sv(row, "role"), &id)) return 0; /* the engine says what is wrong */
    struct store_val args[] = {STORE_I(id)};
    if (store_one(call->conn, call->arena, SV("SELECT code FROM core_role WHERE id = ?"), args, 1,
                  &code, 1, &found, err) != 0)
        return -1;
    if (!found || auth_may_give_role(call->who, code.u.s)) return 0;
    return err_field(err, arena_printf(call->arena, "roles.%zu.role", i).p, "key_rights",
                     arena_str(call->arena, code.u.s), NULL);
}

static bool grants_shaped(const json_t *grants)
{
    const char *name;
    json_t *x;
    if (!grants || json_is_null(grants)) return true;
    if (!json_is_object(grants)) return false;
    json_object_foreach((json_t *)(uintptr_t)grants, name, x) if (!json_is_object(x)) return false;
    return true;
}

/* Of its own a key has at most what its maker has. */
static int grants_given(const struct model_hook_call *call, const json_t *grants, struct err *err)
{
    const struct auth_roles *inner;
    sv what = SV("");
    if (!grants || json_is_null(grants) || call->who->admin) return 0;
    char *text = json_dumps(grants, JSON_COMPACT);
    sv doc = arena_sv(call->arena, sv_of(text));
    free(text);
    if (auth_roles_read(call->conn, call->arena, &doc, 1, &inner, err) != 0) return -1;
    if (call->who->roles && auth_roles_within(inner, call->who->roles, &what)) return 0;
    return err_field(err, "grants", "key_rights", arena_str(call->arena, what), NULL);
}

/* Checked at each change, whoever made the key: who widens its life or takes a new
 * secret for it holds its rights from then on. */
int api_key_check(struct model_hook_call *call, struct err *err)
{
    const json_t *roles = json_object_get(call->after, "roles");
    const json_t *grants = json_object_get(call->after, "grants");
    if (call->who->kind == AUTH_SYSTEM || strcmp(call->event, "check") != 0) return 0;
    if (call->who->kind != AUTH_STAFF) return err_set(err, 403, "key_people_only", NULL);
    if (!auth_addresses_ok(json_get_sv(call->after, "addresses")))
        err_field(err, "addresses", "not_addresses", NULL);
    if (!grants_shaped(grants))
        err_field(err, "grants", "not_object", NULL);
    else if (grants_given(call, grants, err) != 0 && err->status != 422)
        return -1;
    for (size_t i = 0; i < json_array_size(roles); i++)
        if (role_allowed(call, json_array_get(roles, i), i, err) != 0 && err->status != 422)
            return -1;
    return err_is(err) ? -1 : 0;
}

/* ---- its secret --------------------------------------------------------------------- */

struct renewal {
    const struct model_resource *r;
    struct http_req *req;
    struct model_ctx system;
    int64_t id;
    struct auth_key_secret secret;
};

/* First nothing is changed in the caller's name, which asks for his right to change
 * this row and for all that the key may do; then the engine's own hand writes. */
static int renew(void *arg, struct store_conn *conn, struct err *err)
{
    struct renewal *x = arg;
    if (link_may_update(x->req, conn, x->r, x->id, err) != 0) return -1;
    x->system = link_ctx(x->req, conn);
    x->system.who = &auth_system;
    auth_key_make(&x->secret);
    json_t *body = json_pack("{s:s%, s:s%}", "prefix", x->secret.token, x->secret.prefix_n,
                             "secret_hash", x->secret.hash, sizeof x->secret.hash);
    int rc = model_update(x->r, &x->system, x->id, -1, body, err);
    json_decref(body);
    return rc;
}

void api_key_secret(struct http_req *req)
{
    struct renewal x = {.r = model_find(link_of(req)->o.model, SV("core.api_key")), .req = req};
    struct err err = {0};
    if (auth_of(req)->kind != AUTH_STAFF)
        err_set(&err, auth_of(req)->kind == AUTH_ANON ? 401 : 403,
                auth_of(req)->kind == AUTH_ANON ? "unauthorized" : "key_people_only", NULL);
    else if (link_id(req, &x.id, &err) == 0)
        link_tx(auth_tenant_of(req), renew, &x, &err);
    if (err_is(&err)) {
        http_fail(req, &err);
        return;
    }
    model_committed(&x.system);
    sv target = arena_printf(http_arena(req), "core.api_key/%lld", (long long)x.id);
    auth_audit(auth_tenant_of(req), auth_of(req), req,
               &(struct auth_audit){.action = "key_secret", .target = target, .ok = true});
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_id(&w, "id", x.id);
    jsonw_kv_sv(&w, "secret", sv_of(x.secret.token));
    jsonw_kv_sv(&w, "prefix", sv_make(x.secret.token, x.secret.prefix_n));
    jsonw_end_obj(&w);
    http_add_header(req, "cache-control", SV("no-store"));
}
