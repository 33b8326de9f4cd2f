/* One's own row of core.staff: name, e-mail, login name, phone. The engine writes it,
 * so that checks, history and audit are those of every write; that it is one's own,
 * and these fields only, is what allows it. */
#include "main/console.h"

#define LOG_ROOM "main"

static bool staff_only(struct http_req *req)
{
    if (auth_of(req)->kind == AUTH_STAFF)
        return true;
    http_fail_code(req, 401, "unauthorized");
    return false;
}

static int write_own(struct http_req *req, json_t *body, struct err *err)
{
    struct main_worker *w = http_route_data(req);
    struct auth_principal self = *auth_of(req);
    self.admin = true;
    struct model_ctx c = {.tenant = auth_tenant_of(req),
                          .who = &self,
                          .req = req,
                          .arena = http_arena(req),
                          .lang = http_lang(req)};
    return model_update(model_find(w->model, SV("core.staff")), &c, self.id, -1, body, err);
}

static void answer(struct http_req *req, int rc, const struct err *err)
{
    if (rc != 0)
        http_fail(req, err);
    else
        http_status(req, 204);
}

static void drop(void *v)
{
    json_decref(v);
}

static json_t *new_object(struct http_req *req)
{
    json_t *o = json_object();
    arena_on_free(http_arena(req), drop, o);
    return o;
}

static int patch(struct http_req *req, struct err *err)
{
    static const char *const own[] = {"name", "email", "login"};
    json_t *body, *change = new_object(req);
    const char *key;
    json_t *value;
    if (http_json(req, &body, err) != 0)
        return -1;
    json_object_foreach(body, key, value)
    {
        bool known = strcmp(key, "password") == 0 || strcmp(key, "totp") == 0;
        for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
            if (strcmp(key, own[i]) != 0)
                continue;
            known = true;
            json_object_set(change, key, value);
        }
        if (!known)
            err_field(err, key, "unknown_field", NULL);
    }
    if (err_is(err))
        return -1;
    /* the login is half of what lets somebody in */
    if (json_object_get(change, "login") && auth_reauth(req, body, err) != 0)
        return -1;
    return write_own(req, change, err);
}

static void patch_me(struct http_req *req)
{
    struct err err = {0};
    if (staff_only(req))
        answer(req, patch(req, &err), &err);
}

static void post_phone_code(struct http_req *req)
{
    struct err err = {0};
    json_t *body;
    if (!staff_only(req))
        return;
    if (http_json(req, &body, &err) != 0 || auth_rebind_code(req, body, &err) != 0)
        http_fail(req, &err);
}

static int rebind(struct http_req *req, struct err *err)
{
    json_t *body, *change = new_object(req);
    sv phone;
    if (http_json(req, &body, err) != 0 || auth_reauth(req, body, err) != 0 ||
        auth_rebind_phone(req, body, &phone, err) != 0)
        return -1;
    json_object_set_new(change, "phone", json_stringn(phone.p, phone.n));
    return write_own(req, change, err);
}

static void post_phone(struct http_req *req)
{
    struct err err = {0};
    if (staff_only(req))
        answer(req, rebind(req, &err), &err);
}

int main_profile_routes(struct main_worker *w, struct http_router *r, struct err *err)
{
    const struct http_route routes[] = {
        {HTTP_PATCH, "/api/auth/me", 0, patch_me, w, NULL},
        {HTTP_POST, "/api/auth/me/phone/code", 0, post_phone_code, w, NULL},
        {HTTP_POST, "/api/auth/me/phone", 0, post_phone, w, NULL},
    };
    return http_router_add_all(r, routes, sizeof routes / sizeof routes[0], err);
}
