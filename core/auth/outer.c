/* Outer log-ins over HTTP: which there are, the way there, the way back. What waits
 * for a foreign server has threads of its own, so that a slow one holds nobody else. */
#define LOG_ROOM "auth"

#include <openssl/crypto.h>

#include "auth/outer.h"

#define KIND "outer"
#define LIFE_US (10 * 60 * 1000000LL)
#define COOKIE "atrium_o"

/* ---- providers ------------------------------------------------------------------------------- */

static sv text_of(const struct store_val *v)
{
    return v->type == STORE_TEXT ? v->u.s : SV("");
}

static void secret_key(const struct tenant *t, unsigned char key[32])
{
    seal_hmac(t->pub.secret, SV("key:provider"), key);
}

static sv about(struct arena *a, int64_t provider)
{
    return arena_printf(a, "provider/%lld", (long long)provider);
}

static int find_provider(struct http_req *req, struct store_conn *c, sv code, struct provider *p,
                         struct err *err)
{
    struct arena *a = http_arena(req);
    struct store_val args[] = {STORE_S(code)}, v[14];
    unsigned char key[32];
    bool found;
    if (store_one(c, a, SV("SELECT p.id, p.code, p.name, p.kind, p.issuer, p.client_id, p.agent_id,"
                           " p.authorize_url, p.scopes, p.`match`, p.role, p.create_staff,"
                           " p.trust_factor, s.secret FROM core_login_provider p"
                           " LEFT JOIN core_provider_secret s ON s.provider = p.id"
                           " WHERE p.code = ? AND p.enabled = 1"), args, 1, v, 14, &found, err) != 0)
        return -1;
    if (!found) return err_set(err, 404, "not_found", NULL);
    *p = (struct provider){.id = v[0].u.i, .code = text_of(&v[1]), .name = text_of(&v[2]),
                           .kind = text_of(&v[3]), .issuer = text_of(&v[4]),
                           .client_id = text_of(&v[5]), .agent_id = text_of(&v[6]),
                           .authorize_url = text_of(&v[7]), .scopes = text_of(&v[8]),
                           .match = text_of(&v[9]),
                           .role = v[10].type == STORE_I64 ? v[10].u.i : 0,
                           .create_staff = v[11].u.i != 0, .trust_factor = v[12].u.i != 0,
                           .secret = SV("")};
    if (v[13].type != STORE_TEXT) return 0;
    secret_key(login_tenant(req), key);
    int rc = seal_open(a, key, about(a, p->id), v[13].u.s, &p->secret);
    OPENSSL_cleanse(key, sizeof key);
    return rc == 0 ? 0 : err_internal(err, "a provider's secret was sealed with another key");
}

struct listing { struct jsonw w; bool admin; };

static bool on_provider(void *arg, const struct store_val *v, unsigned n)
{
    struct listing *l = arg;
    (void)n;
    jsonw_obj(&l->w);
    jsonw_kv_sv(&l->w, "code", v[0].u.s);
    jsonw_kv_sv(&l->w, "name", v[1].u.s);
    jsonw_kv_sv(&l->w, "kind", v[2].u.s);
    if (l->admin) {
        jsonw_kv_bool(&l->w, "enabled", v[3].u.i != 0);
        jsonw_kv_bool(&l->w, "has_secret", v[4].type == STORE_I64);
    }
    jsonw_end_obj(&l->w);
    return true;
}

/* Everybody sees those that are on; administrators all of them. */
static void get_providers(struct http_req *req)
{
    struct listing l = {.w = jsonw_on(http_out(req)), .admin = auth_of(req)->admin};
    struct store_val all[] = {STORE_I(l.admin)};
    struct err e = {0};
    struct store_conn *c;
    if (store_get(auth_tenant_of(req)->db, &c, &e) != 0) {
        http_fail(req, &e);
        return;
    }
    jsonw_arr(&l.w);
    int rc = store_run(c, SV("SELECT p.code, p.name, p.kind, p.enabled, s.id"
                             " FROM core_login_provider p LEFT JOIN core_provider_secret s"
                             " ON s.provider = p.id WHERE p.enabled = 1 OR ? ORDER BY p.id"),
                       all, 1, on_provider, &l, &e);
    store_put(c);
    jsonw_end_arr(&l.w);
    http_type(req, "application/json");
    http_add_header(req, "cache-control", SV("no-store"));
    if (rc != 0) {
        buf_clear(http_out(req));
        http_fail(req, &e);
    }
}

static int set_secret(struct http_req *req, struct err *err)
{
    const struct auth_principal *p = auth_of(req);
    struct arena *a = http_arena(req);
    struct store_conn *c;
    struct store_val code[] = {STORE_S(http_param(req, "code"))}, v[1];
    unsigned char key[32];
    json_t *body;
    bool found;
    sv secret;
    if (!p->admin) return err_set(err, p->kind == AUTH_ANON ? 401 : 403,
                                  p->kind == AUTH_ANON ? "unauthorized" : "forbidden", NULL);
    if (login_body(req, &body, err) != 0 ||
        login_text(body, "secret", true, 300, &secret, err) != 0 ||
        store_get(auth_tenant_of(req)->db, &c, err) != 0)
        return -1;
    int rc = store_one(c, a, SV("SELECT id FROM core_login_provider WHERE code = ?"), code, 1, v, 1,
                       &found, err);
    if (rc == 0 && !found) rc = err_set(err, 404, "not_found", NULL);
    if (rc == 0) {
        int64_t now = clock_now_us();
        secret_key(login_tenant(req), key);
        struct store_val args[] = {STORE_I(id_next()), STORE_T(now), STORE_T(now), v[0],
                                   STORE_S(seal_text(a, key, about(a, v[0].u.i), secret))};
        OPENSSL_cleanse(key, sizeof key);
        rc = store_exec(c, SV("INSERT INTO core_provider_secret (id, created_at, updated_at,"
                              " provider, secret) VALUES (?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE"
                              " secret = VALUES(secret), updated_at = VALUES(updated_at)"),
                        args, 5, NULL, err);
    }
    store_put(c);
    if (rc != 0) return -1;
    struct auth_audit line = {.action = "provider_secret", .ok = true,
                              .target = arena_printf(a, "core.login_provider/%lld",
                                                     (long long)v[0].u.i)};
    auth_audit(auth_tenant_of(req), p, req, &line);
    http_status(req, 204);
    return 0;
}

static void post_secret(struct http_req *req)
{
    struct err e = {0};
    if (set_secret(req, &e) != 0) http_fail(req, &e);
}

/* ---- there ------------------------------------------------------------------------------------- */

static sv redirect_of(struct http_req *req, const struct provider *p)
{
    sv scheme = http_scheme(req), host = http_host(req), prefix = http_prefix(req);
    return arena_printf(http_arena(req), "%.*s://%.*s%.*s/api/auth/outer/%.*s/callback",
                        SVARG(scheme), SVARG(host), SVARG(prefix), SVARG(p->code));
}

static void set_cookie(struct http_req *req, sv value, int max_age_s)
{
    struct http_cookie_opts o = {.max_age_s = max_age_s, .http_only = true,
                                 .secure = sv_eqs(http_scheme(req), "https"),
                                 .path = session_cookie_path(req)};
    http_add_cookie(req, COOKIE, value, &o);
}

static bool has_part(sv text, sv part)
{
    for (size_t i = 0; i + part.n <= text.n; i++)
        if (sv_ieq(sv_make(text.p + i, part.n), part)) return true;
    return false;
}

static int make_state(struct http_req *req, struct store_conn *c, const struct provider *p,
                      sv back, int64_t link, struct outer_way *w, struct err *err)
{
    struct arena *a = http_arena(req);
    struct buf data = BUF_IN(a);
    struct jsonw j = jsonw_on(&data);
    char *state = arena_zalloc(a, AUTH_TOKEN_CHARS + 1), *nonce = arena_zalloc(a, 44);
    char *verifier = arena_zalloc(a, 44);
    ticket_text(nonce);
    ticket_text(verifier);
    jsonw_obj(&j);
    jsonw_kv_sv(&j, "provider", p->code);
    jsonw_kv_str(&j, "nonce", nonce);
    jsonw_kv_str(&j, "verifier", verifier);
    jsonw_kv_sv(&j, "back", back);
    jsonw_end_obj(&j);
    struct ticket_new n = {.kind = KIND, .staff = link, .life_us = LIFE_US,
                           .address = http_remote(req), .data = buf_view(&data)};
    if (ticket_make(c, &n, state, err) != 0) return -1;
    *w = (struct outer_way){.redirect = redirect_of(req, p), .state = sv_of(state),
                            .nonce = sv_of(nonce), .verifier = sv_of(verifier),
                            .in_wecom = has_part(http_header(req, "user-agent"), SV("wxwork"))};
    return 0;
}

static int start(struct http_req *req, struct err *err)
{
    const struct auth_principal *who = auth_of(req);
    struct arena *a = http_arena(req);
    struct store_conn *c;
    struct provider p;
    struct outer_way w;
    struct buf url = BUF_IN(a);
    json_t *body;
    sv back;
    if (login_body(req, &body, err) != 0 || login_text(body, "back", false, 300, &back, err) != 0)
        return -1;
    bool link = json_is_true(json_object_get(body, "link"));
    if (link && who->kind != AUTH_STAFF) return err_set(err, 401, "unauthorized", NULL);
    if (store_get(auth_tenant_of(req)->db, &c, err) != 0) return -1;
    int rc = find_provider(req, c, http_param(req, "code"), &p, err);
    if (rc == 0) rc = make_state(req, c, &p, back, link ? who->id : 0, &w, err);
    store_put(c);                        /* not held while somebody else is asked */
    if (rc != 0) return -1;
    if (sv_eqs(p.kind, "wecom")) wecom_url(&p, &w, &url);
    else if (oidc_url(login_tenant(req)->auth, a, &p, &w, &url, err) != 0) return -1;
    set_cookie(req, w.state, LIFE_US / 1000000);
    struct jsonw j = jsonw_on(http_out(req));
    jsonw_obj(&j);
    jsonw_kv_sv(&j, "url", buf_view(&url));
    jsonw_end_obj(&j);
    http_type(req, "application/json");
    http_add_header(req, "cache-control", SV("no-store"));
    return 0;
}

static void run_start(struct http_req *req)
{
    struct err e = {0};
    if (start(req, &e) != 0) {
        if (e.detail[0]) log_warn("outer log-in: %s", e.detail);
        http_fail(req, &e);
    }
}

static void post_start(struct http_req *req)
{
    login_defer_to(req, login_tenant(req)->auth->outer.pool, run_start);
}

/* ---- and back ---------------------------------------------------------------------------------- */

struct returning {
    struct provider p;
    struct outer_way w;
    struct outer_who o;
    sv back;
    int64_t link;                    /* staff who links it, 0: a log-in */
};

static int read_state(struct http_req *req, struct store_conn *c, struct returning *r,
                      struct err *err)
{
    struct arena *a = http_arena(req);
    struct ticket t;
    json_t *data;
    sv state = http_query(req, "state");
    /* the browser that went is the one that comes back */
    if (!state.n || !sv_eq_const_time(state, http_cookie(req, COOKIE)))
        return err_set(err, 401, "auth.ticket", NULL);
    if (ticket_try(c, a, KIND, state, &t, err) != 0 || ticket_use(c, &t, err) != 0 ||
        json_parse(a, t.data, &data, err) != 0)
        return -1;
    sv code = http_param(req, "code");
    if (!sv_eq(json_get_sv(data, "provider"), code)) return err_set(err, 401, "auth.ticket", NULL);
    if (find_provider(req, c, code, &r->p, err) != 0) return -1;
    r->w = (struct outer_way){.redirect = redirect_of(req, &r->p), .state = state,
                              .nonce = json_get_sv(data, "nonce"),
                              .verifier = json_get_sv(data, "verifier")};
    r->back = json_get_sv(data, "back");
    r->link = t.staff;
    return 0;
}

static int ask(struct http_req *req, struct returning *r, struct err *err)
{
    struct auth *au = login_tenant(req)->auth;
    sv code = http_query(req, "code");
    if (!code.n || code.n > 2000) return err_set(err, 401, "auth.outer", NULL);
    return sv_eqs(r->p.kind, "wecom")
               ? wecom_who(au, http_arena(req), &r->p, code, &r->o, err)
               : oidc_who(au, http_arena(req), &r->p, &r->w, code, &r->o, err);
}

static int enter(struct http_req *req, struct store_conn *c, struct returning *r,
                 char ticket[AUTH_TOKEN_CHARS + 1], struct err *err)
{
    const char *by = sv_eqs(r->p.kind, "wecom") ? "wecom" : "oidc";
    struct person who;
    ticket[0] = 0;
    if (r->link) {
        /* still the same person's browser */
        if (auth_of(req)->kind != AUTH_STAFF || auth_of(req)->id != r->link)
            return err_set(err, 401, "auth.ticket", NULL);
        return linked_add(req, c, &r->p, &r->o, r->link, err);
    }
    if (linked_staff(req, c, &r->p, &r->o, &who, err) != 0) return -1;
    if (!who.id || !who.active) {
        login_audit(req, &who, by, who.id ? "suspended" : "not_linked");
        return err_set(err, 403, "auth.outer_unknown", NULL);
    }
    struct steps s = {.by = by, .passed = r->p.trust_factor ? PASSED_FACTOR : 0};
    return steps_ticket(req, c, &who, &s, ticket, err);
}

static int come_back(struct http_req *req, struct returning *r, char ticket[AUTH_TOKEN_CHARS + 1],
                     struct err *err)
{
    struct store_conn *c;
    auth_rules_of(auth_tenant_of(req));
    if (store_get(auth_tenant_of(req)->db, &c, err) != 0) return -1;
    int rc = read_state(req, c, r, err);
    store_put(c);
    if (rc != 0 || ask(req, r, err) != 0 || store_get(auth_tenant_of(req)->db, &c, err) != 0)
        return -1;
    rc = enter(req, c, r, ticket, err);
    store_put(c);
    return rc;
}

/* Only a place within the console. */
static sv inside(sv back)
{
    bool ok = back.n && back.p[0] == '/' && !(back.n > 1 && back.p[1] == '/');
    for (size_t i = 0; ok && i < back.n; i++) {
        unsigned char ch = (unsigned char)back.p[i];
        ok = ch > ' ' && ch < 127 && ch != '"' && ch != '<' && ch != '>' && ch != '\\';
    }
    return ok ? back : SV("/");
}

static void run_callback(struct http_req *req)
{
    struct returning r = {0};
    struct err e = {0};
    char ticket[AUTH_TOKEN_CHARS + 1] = "";
    struct buf to = BUF_IN(http_arena(req));
    buf_sv(&to, http_prefix(req));
    buf_str(&to, "/console/#");
    if (come_back(req, &r, ticket, &e) != 0) {
        if (e.detail[0]) log_warn("outer log-in: %s", e.detail);
        if (!e.status || e.status >= 500 || sv_eqs(sv_of(e.code), "auth.outer")) {
            struct person nobody = {.kind = AUTH_STAFF, .name = SV(""), .phone = SV("")};
            login_audit(req, &nobody, "outer", e.code);
        }
        buf_printf(&to, "%s?error=%s", r.link ? "/me" : "/login", e.code ? e.code : "internal");
    } else if (ticket[0]) {
        buf_printf(&to, "/login?ticket=%s&back=", ticket);
        buf_urlencode(&to, inside(r.back));
    } else {
        buf_sv(&to, inside(r.back));
    }
    set_cookie(req, SV(""), 0);
    http_status(req, 302);
    http_add_header(req, "location", buf_view(&to));
    http_add_header(req, "cache-control", SV("no-store"));
    http_add_header(req, "referrer-policy", SV("no-referrer"));
}

static void get_callback(struct http_req *req)
{
    login_defer_to(req, login_tenant(req)->auth->outer.pool, run_callback);
}

/* ---- one's own links ----------------------------------------------------------------------------- */

static int unlink_own(struct http_req *req, struct err *err)
{
    const struct auth_principal *p = auth_of(req);
    struct store_conn *c;
    uint64_t n = 0;
    int64_t id;
    if (p->kind != AUTH_STAFF) return err_set(err, 401, "unauthorized", NULL);
    if (!sv_i64(http_param(req, "id"), &id)) return err_set(err, 404, "not_found", NULL);
    struct store_val args[] = {STORE_I(id), STORE_I(p->id)};
    if (store_get(auth_tenant_of(req)->db, &c, err) != 0) return -1;
    int rc = store_exec(c, SV("DELETE FROM core_identity WHERE id = ? AND staff = ?"), args, 2, &n,
                        err);
    store_put(c);
    if (rc != 0) return -1;
    if (!n) return err_set(err, 404, "not_found", NULL);
    struct auth_audit line = {.action = "identity_unlink", .ok = true,
                              .target = arena_printf(http_arena(req), "core.staff/%lld",
                                                     (long long)p->id)};
    auth_audit(auth_tenant_of(req), p, req, &line);
    http_status(req, 204);
    return 0;
}

static void delete_identity(struct http_req *req)
{
    struct err e = {0};
    if (unlink_own(req, &e) != 0) http_fail(req, &e);
}

int outer_routes(struct auth *a, struct http_router *r, struct err *err)
{
    const struct http_route routes[] = {
        {.method = HTTP_GET, .pattern = "/api/auth/outer", .handler = get_providers},
        {.method = HTTP_POST, .pattern = "/api/auth/outer/:code/start", .handler = post_start},
        {.method = HTTP_GET, .pattern = "/api/auth/outer/:code/callback",
         .handler = get_callback},
        {.method = HTTP_POST, .pattern = "/api/auth/outer/:code/secret", .handler = post_secret},
        {.method = HTTP_DELETE, .pattern = "/api/auth/me/identities/:id",
         .handler = delete_identity},
    };
    (void)a;
    return http_router_add_all(r, routes, sizeof routes / sizeof routes[0], err);
}
