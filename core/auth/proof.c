/* A session that proves itself anew before what an open screen must not give away.
 * Its log-in is the first proof; each lasts five minutes. */
#define LOG_ROOM "auth"

#include "auth/login.h"

#define PROOF_US (5LL * 60 * 1000000)

static struct tenant *tenant_of(struct http_req *req)
{
    return tenant_full(auth_tenant_of(req));
}

int auth_proved(const struct auth_principal *p, struct store_conn *c, struct err *err)
{
    struct arena *a = arena_new(256);
    struct store_val id[] = {STORE_I(p->session)}, v[2];
    bool found = false;
    int64_t last = 0;
    int rc = p->session ? store_one(c, a, SV("SELECT created_at, proved_at FROM core_session"
                                             " WHERE id = ?"),
                                    id, 1, v, 2, &found, err)
                        : 0;
    if (rc == 0 && found) last = v[1].type == STORE_TIME ? v[1].u.i : v[0].u.i;
    arena_free(a);
    if (rc != 0) return -1;
    return clock_now_us() - last < PROOF_US ? 0 : err_set(err, 403, "reauth_required", NULL);
}

/* ---- the ways ---------------------------------------------------------------------------- */

struct owner { sv login, hash, phone; };

static int read_owner(struct tenant *t, struct store_conn *c, struct arena *a, int64_t staff,
                      struct owner *out, struct err *err)
{
    struct store_val id[] = {STORE_I(staff)}, v[3];
    bool found;
    if (store_one(c, a, SV("SELECT u.login, x.password_hash, u.phone FROM core_staff u"
                           " LEFT JOIN core_staff_secret x ON x.staff = u.id WHERE u.id = ?"),
                  id, 1, v, 3, &found, err) != 0)
        return -1;
    if (!found) return err_set(err, 401, "unauthorized", NULL);
    out->login = v[0].u.s;
    out->hash = v[1].type == STORE_NULL ? SV_NULL : v[1].u.s;
    sv phone;
    if (people_phone(t, a, AUTH_STAFF, staff, &v[2], &phone, err) != 0) return -1;
    out->phone = phone.n ? phone_normal(a, phone) : SV_NULL;
    return 0;
}

/* Guessing here counts as guessing at the log-in does. */
static int by_password(struct http_req *req, struct store_conn *c, const struct owner *who,
                       sv password, struct err *err)
{
    struct auth_rules rules = auth_rules_of(auth_tenant_of(req));
    struct lockout lock;
    bool ok = false;
    lockout_init(&lock, &rules, "login", who->login, http_remote(req));
    if (lockout_check(&lock, c, err) != 0) return -1;
    if (who->hash.p && password_verify(who->hash, password, &ok, err) != 0) return -1;
    if (ok) return lockout_clear(&lock, c, err);
    if (lockout_fail(&lock, c, err) != 0) return -1;
    return err_field(err, "password", "auth.wrong_password", NULL);
}

static int by_code(struct http_req *req, struct store_conn *c, const struct owner *who, sv code,
                   struct err *err)
{
    struct auth_rules rules = auth_rules_of(auth_tenant_of(req));
    struct lockout lock;
    struct err e = {0};
    lockout_init(&lock, &rules, "phone", SV(""), http_remote(req));
    if (lockout_check(&lock, c, err) != 0) return -1;
    if (who->phone.p && code_use(tenant_of(req), c, who->phone, SV("reauth"), code, &e) == 0)
        return 0;
    if (e.status && e.status != 401) {
        err_copy(err, &e);
        return -1;
    }
    if (lockout_fail(&lock, c, err) != 0) return -1;
    return err_field(err, "code", "code_invalid", NULL);
}

/* The second factor's own counting bounds guesses. */
static int by_totp(struct http_req *req, struct store_conn *c, sv code, struct err *err)
{
    struct err e = {0};
    if (factor_check(req, c, auth_of(req)->id, code, false, NULL, &e) == 0) return 0;
    if (e.status == 401) return err_field(err, "totp", "auth.factor", NULL);
    err_copy(err, &e);
    return -1;
}

static int prove(struct http_req *req, struct store_conn *c, json_t *body, struct err *err)
{
    const struct auth_principal *p = auth_of(req);
    struct owner who;
    sv password, code, totp;
    if (login_text(body, "totp", false, 40, &totp, err) != 0 ||
        login_text(body, "password", false, 200, &password, err) != 0 ||
        login_text(body, "code", false, 20, &code, err) != 0 ||
        read_owner(tenant_of(req), c, http_arena(req), p->id, &who, err) != 0)
        return -1;
    if (!password.p && !code.p && !totp.p) return err_field(err, "password", "required", NULL);
    int rc = password.p ? by_password(req, c, &who, password, err)
             : code.p   ? by_code(req, c, &who, code, err)
                        : by_totp(req, c, totp, err);
    if (rc != 0) return -1;
    struct store_val args[] = {STORE_T(clock_now_us()), STORE_I(p->session)};
    return store_exec(c, SV("UPDATE core_session SET proved_at = ? WHERE id = ?"), args, 2, NULL,
                      err);
}

/* ---- the routes -------------------------------------------------------------------------- */

static int staff_session(struct http_req *req, struct err *err)
{
    const struct auth_principal *p = auth_of(req);
    if (auth_is_staff(p) && p->session) return 0;
    return p->kind == AUTH_ANON ? err_set(err, 401, "unauthorized", NULL)
                                : err_set(err, 403, "forbidden", NULL);
}

static void run_prove(struct http_req *req)
{
    const struct auth_principal *p = auth_of(req);
    struct err e = {0};
    json_t *body;
    struct store_conn *c;
    int rc = staff_session(req, &e);
    if (rc == 0) rc = login_body(req, &body, &e);
    if (rc == 0) rc = store_get(auth_tenant_of(req)->db, &c, &e);
    if (rc == 0) {
        rc = prove(req, c, body, &e);
        store_put(c);
        struct auth_audit line = {.action = "reauth", .ok = rc == 0,
                                  .target = arena_printf(http_arena(req), "core.staff/%lld",
                                                         (long long)p->id)};
        auth_audit(auth_tenant_of(req), p, req, &line);
    }
    if (rc == 0)
        http_status(req, 204);
    else
        http_fail(req, &e);
}

static void post_proof(struct http_req *req)
{
    login_defer(req, run_prove);
}

static int send_code(struct http_req *req, int64_t *wait, struct err *err)
{
    struct tenant *t = tenant_of(req);
    struct store_conn *c;
    struct owner who;
    struct code_job *job = NULL;
    if (staff_session(req, err) != 0 || session_same_origin(req, false, err) != 0 ||
        store_get(t->pub.db, &c, err) != 0)
        return -1;
    int rc = read_owner(tenant_of(req), c, http_arena(req), auth_of(req)->id, &who, err);
    if (rc == 0 && !who.phone.p) rc = err_set(err, 409, "auth.no_phone", NULL);
    struct code_ask k = {.phone = who.phone, .purpose = SV("reauth"), .address = http_remote(req),
                         .lang = http_lang(req)};
    if (rc == 0) rc = code_request(t, c, &k, &job, wait, err);
    store_put(c);
    return rc == 0 ? code_deliver(job, err) : -1;
}

static void run_send(struct http_req *req)
{
    struct err e = {0};
    int64_t wait = 0;
    if (send_code(req, &wait, &e) != 0) {
        http_fail(req, &e);
        return;
    }
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_i64(&w, "wait", wait);
    jsonw_end_obj(&w);
    http_type(req, "application/json");
    http_status(req, 202);
}

static void get_ways(struct http_req *req)
{
    struct err e = {0};
    struct store_conn *c;
    struct owner who;
    bool enrolled = false;
    int rc = staff_session(req, &e);
    if (rc == 0) rc = store_get(auth_tenant_of(req)->db, &c, &e);
    if (rc == 0) {
        rc = read_owner(tenant_of(req), c, http_arena(req), auth_of(req)->id, &who, &e);
        if (rc == 0) rc = factor_enrolled(c, auth_of(req)->id, &enrolled, &e);
        store_put(c);
    }
    if (rc != 0) {
        http_fail(req, &e);
        return;
    }
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_key(&w, SV("ways"));
    jsonw_arr(&w);
    if (who.hash.p) jsonw_cstr(&w, "password");
    if (who.phone.p) jsonw_cstr(&w, "code");
    if (enrolled) jsonw_cstr(&w, "totp");
    jsonw_end_arr(&w);
    jsonw_kv_sv(&w, "phone", who.phone.p ? phone_mask(http_arena(req), who.phone) : SV_NULL);
    jsonw_end_obj(&w);
    http_type(req, "application/json");
    http_add_header(req, "cache-control", SV("no-store"));
}

int proof_routes(struct http_router *r, struct err *err)
{
    const struct http_route routes[] = {
        {.method = HTTP_GET, .pattern = "/api/auth/reauth", .handler = get_ways},
        {.method = HTTP_POST, .pattern = "/api/auth/reauth", .handler = post_proof},
        {.method = HTTP_POST, .pattern = "/api/auth/reauth/code", .handler = run_send},
    };
    return http_router_add_all(r, routes, sizeof routes / sizeof routes[0], err);
}
