/* Logging in. The work is done on threads of its own, four of them: a burst of
 * log-ins queues there while the request workers serve everybody else. Every
 * refusal takes the same way for a name that exists and one that does not. */
#define LOG_ROOM "auth"

#include <stdio.h>

#include "auth/room.h"

#define WAIT_US 10000000             /* in the queue; the browser has given up after that */

static struct tenant *tenant_of(struct http_req *req)
{
    return tenant_full(auth_tenant_of(req));
}

/* ---- on the log-in threads --------------------------------------------------------------- */

struct deferred { struct http_req *req; void (*run)(struct http_req *); int64_t at; };

static void overloaded(struct http_req *req)
{
    struct err e = {0};
    err_set(&e, 503, "overloaded", NULL);
    e.retry_after = 2;
    http_fail(req, &e);
}

static void run_deferred(void *arg)
{
    struct deferred *d = arg;
    struct http_req *req = d->req;
    if (clock_mono_us() - d->at > WAIT_US)
        overloaded(req);
    else
        d->run(req);
    http_send(req);
}

void login_defer(struct http_req *req, void (*run)(struct http_req *))
{
    struct deferred *d = ARENA_NEW(http_arena(req), struct deferred);
    *d = (struct deferred){req, run, clock_mono_us()};
    http_defer(req);
    if (work_pool_submit(tenant_of(req)->auth->logins, run_deferred, d)) return;
    overloaded(req);
    http_send(req);
}

/* ---- the body ---------------------------------------------------------------------------- */

int login_text(json_t *body, const char *name, bool required, size_t max, sv *out,
                       struct err *err)
{
    json_t *v = json_object_get(body, name);
    *out = SV_NULL;
    if (!v || json_is_null(v)) return required ? err_field(err, name, "required", NULL) : 0;
    if (!json_is_string(v)) return err_field(err, name, "not_string", NULL);
    *out = sv_make(json_string_value(v), json_string_length(v));
    if (out->n == 0 && required) return err_field(err, name, "required", NULL);
    char limit[24];
    snprintf(limit, sizeof limit, "%zu", max);
    return out->n > max ? err_field(err, name, "too_long", limit, NULL) : 0;
}

static int phone_member(struct http_req *req, json_t *body, sv *out, struct err *err)
{
    sv text;
    if (login_text(body, "phone", true, 40, &text, err) != 0) return -1;
    *out = phone_normal(http_arena(req), text);
    return out->p ? 0 : err_field(err, "phone", "not_phone", NULL);
}

int login_body(struct http_req *req, json_t **body, struct err *err)
{
    if (session_same_origin(req, false, err) != 0) return -1;
    return http_json(req, body, err);
}

/* ---- what all log-ins end with ----------------------------------------------------------- */

struct person {
    enum auth_kind kind;
    int64_t id;
    sv name, phone, hash;
    bool active;
};

static void audit_login(struct http_req *req, const struct person *who, const char *by, bool ok)
{
    struct auth_principal p = {.kind = who->id ? who->kind : AUTH_ANON, .id = who->id,
                               .name = who->name,
                               .phone_masked = phone_mask(http_arena(req), who->phone)};
    sv target = who->id ? arena_printf(http_arena(req), "core.%s/%lld",
                                       who->kind == AUTH_STAFF ? "staff" : "member",
                                       (long long)who->id)
                        : SV("");
    struct auth_audit line = {.action = "login", .target = target, .ok = ok,
                              .detail = arena_printf(http_arena(req), "{\"by\":\"%s\"}", by)};
    auth_audit(&tenant_of(req)->pub, &p, req, &line);
}

static void set_cookie(struct http_req *req, enum auth_kind kind, sv token, int max_age_s)
{
    struct http_cookie_opts o = {.max_age_s = max_age_s, .http_only = true,
                                 .secure = sv_eqs(http_scheme(req), "https"),
                                 .path = session_cookie_path(req)};
    http_add_cookie(req, session_cookie(kind), token, &o);
}

static int open_session(struct http_req *req, struct store_conn *c, const struct person *who,
                        struct err *err)
{
    struct session_new n = {.kind = who->kind, .who = who->id, .address = http_remote(req),
                            .agent = http_header(req, "user-agent")};
    struct session_made m;
    int64_t now = clock_now_us();
    struct store_val seen[] = {STORE_T(now), STORE_I(who->id)};
    sv sql = who->kind == AUTH_STAFF ? SV("UPDATE core_staff SET last_login_at = ? WHERE id = ?")
                                     : SV("UPDATE core_member SET last_seen = ? WHERE id = ?");
    if (session_create(tenant_of(req), c, &n, &m, err) != 0 ||
        store_exec(c, sql, seen, 2, NULL, err) != 0)
        return -1;
    sv token = arena_sv(http_arena(req), sv_of(m.token));
    set_cookie(req, who->kind, token, (int)((m.expires_us - now) / 1000000));
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_sv(&w, "token", token);
    jsonw_kv_time(&w, "expires_at", m.expires_us);
    jsonw_key(&w, SV("user"));
    jsonw_obj(&w);
    jsonw_kv_id(&w, "id", who->id);
    jsonw_kv_sv(&w, "name", who->name);
    jsonw_end_obj(&w);
    jsonw_end_obj(&w);
    http_type(req, "application/json");
    http_add_header(req, "cache-control", SV("no-store"));
    return 0;
}

static int find_staff(struct store_conn *c, struct arena *a, sv name, bool by_phone,
                      struct person *out, struct err *err)
{
    struct store_val args[] = {STORE_S(name), STORE_S(phone_long(a, name))}, v[5];
    bool found;
    *out = (struct person){.kind = AUTH_STAFF, .name = SV(""), .phone = SV("")};
    sv by_login = SV("SELECT u.id, u.name, u.phone, u.state, x.password_hash FROM core_staff u"
                     " LEFT JOIN core_staff_secret x ON x.staff = u.id"
                     " WHERE u.login = ? AND u.deleted_at IS NULL");
    sv by_number = SV("SELECT u.id, u.name, u.phone, u.state, x.password_hash FROM core_staff u"
                      " LEFT JOIN core_staff_secret x ON x.staff = u.id"
                      " WHERE u.phone IN (?, ?) AND u.deleted_at IS NULL"
                      " ORDER BY LENGTH(u.phone) LIMIT 1");
    if (store_one(c, a, by_phone ? by_number : by_login, args, by_phone ? 2 : 1, v, 5, &found,
                  err) != 0)
        return -1;
    if (!found) return 0;
    out->id = v[0].u.i;
    out->name = v[1].u.s;
    if (v[2].type != STORE_NULL) out->phone = v[2].u.s;
    out->active = sv_eqs(v[3].u.s, "active");
    if (v[4].type != STORE_NULL) out->hash = v[4].u.s;
    return 0;
}

/* ---- staff: password --------------------------------------------------------------------- */

static int check_password(const struct person *who, sv password, bool *ok, struct err *err)
{
    *ok = false;
    if (!who->hash.p) return password_verify_nobody(password, err);
    return password_verify(who->hash, password, ok, err);
}

/* A hash made with earlier parameters is made anew while the password is here. */
static void renew_hash(struct http_req *req, struct store_conn *c, const struct person *who,
                       sv password)
{
    struct err e = {0};
    sv hash;
    if (!password_outdated(who->hash)) return;
    if (auth_password_hash(http_arena(req), password, &hash, &e) != 0 ||
        staff_set_password(c, who->id, hash, &e) != 0)
        log_warn("a password hash could not be renewed: %s", e.detail);
}

static int by_password(struct http_req *req, struct store_conn *c, sv login, sv password,
                       struct err *err)
{
    struct lockout lock;
    struct person who;
    bool ok;
    sv phone = phone_normal(http_arena(req), login);     /* a login begins with a letter */
    sv name = phone.p ? phone : sv_trim(login);
    lockout_init(&lock, tenant_of(req)->auth, "login", name, http_remote(req));
    if (lockout_check(&lock, c, err) != 0 ||
        find_staff(c, http_arena(req), name, phone.p != NULL, &who, err) != 0 ||
        check_password(&who, password, &ok, err) != 0)
        return -1;
    if (!ok || !who.active) {
        if (lockout_fail(&lock, c, err) != 0) return -1;
        audit_login(req, &who, "password", false);
        return err_set(err, 401, "login_failed", NULL);
    }
    if (lockout_clear(&lock, c, err) != 0) return -1;
    renew_hash(req, c, &who, password);
    if (open_session(req, c, &who, err) != 0) return -1;
    audit_login(req, &who, "password", true);
    return 0;
}

/* ---- staff and members: code ------------------------------------------------------------- */

static int use_code(struct http_req *req, struct store_conn *c, sv phone, const char *purpose,
                    sv code, struct err *err)
{
    struct lockout lock;
    struct err e = {0};
    /* the code itself bears five tries; guessing over many phones is the address's fault */
    lockout_init(&lock, tenant_of(req)->auth, "phone", SV(""), http_remote(req));
    if (lockout_check(&lock, c, err) != 0) return -1;
    if (code_use(tenant_of(req), c, phone, sv_of(purpose), code, &e) == 0) return 0;
    if (e.status == 401 && lockout_fail(&lock, c, err) != 0) return -1;
    err_copy(err, &e);
    return -1;
}

static int staff_by_code(struct http_req *req, struct store_conn *c, sv phone, sv code,
                         struct err *err)
{
    struct person who;
    if (find_staff(c, http_arena(req), phone, true, &who, err) != 0) return -1;
    if (use_code(req, c, phone, "staff", code, err) != 0) {
        if (err->status == 401) audit_login(req, &who, "code", false);
        return -1;
    }
    if (!who.active) return err_set(err, 401, "code_invalid", NULL);
    if (open_session(req, c, &who, err) != 0) return -1;
    audit_login(req, &who, "code", true);
    return 0;
}

static int find_member(struct store_conn *c, struct arena *a, sv phone, struct person *out,
                       struct err *err)
{
    struct store_val args[] = {STORE_S(phone), STORE_S(phone_long(a, phone))}, v[3];
    bool found;
    *out = (struct person){.kind = AUTH_MEMBER, .name = SV(""), .phone = phone};
    if (store_one(c, a, SV("SELECT id, name, state FROM core_member WHERE phone IN (?, ?)"
                           " ORDER BY LENGTH(phone) LIMIT 1"), args, 2, v, 3, &found, err) != 0)
        return -1;
    if (!found) return 0;
    out->id = v[0].u.i;
    out->name = v[1].type == STORE_NULL ? SV("") : v[1].u.s;
    out->active = sv_eqs(v[2].u.s, "active");
    return 0;
}

static int register_member(struct store_conn *c, struct arena *a, sv phone, struct person *out,
                           struct err *err)
{
    int64_t now = clock_now_us();
    struct store_val args[] = {STORE_I(id_next()), STORE_T(now), STORE_T(now), STORE_S(phone),
                               STORE_S(phone_mask(a, phone)), STORE_T(now)};
    /* two log-ins at once: both find the one row */
    if (store_exec(c, SV("INSERT INTO core_member (id, created_at, updated_at, phone, name,"
                         " last_seen, state, version) VALUES (?, ?, ?, ?, ?, ?, 'active', 1)"
                         " ON DUPLICATE KEY UPDATE last_seen = VALUES(last_seen)"),
                   args, 6, NULL, err) != 0)
        return -1;
    return find_member(c, a, phone, out, err);
}

static int member_by_code(struct http_req *req, struct store_conn *c, sv phone, sv code,
                          struct err *err)
{
    struct person who;
    if (use_code(req, c, phone, "member", code, err) != 0 ||
        find_member(c, http_arena(req), phone, &who, err) != 0)
        return -1;
    if (!who.id && register_member(c, http_arena(req), phone, &who, err) != 0) return -1;
    if (!who.active) return err_set(err, 403, "forbidden", NULL);
    if (open_session(req, c, &who, err) != 0) return -1;
    audit_login(req, &who, "code", true);
    return 0;
}

/* ---- routes ------------------------------------------------------------------------------ */

static int with_conn(struct http_req *req,
                     int (*fn)(struct http_req *, struct store_conn *, sv, sv, struct err *),
                     sv name, sv proof, struct err *err)
{
    struct store_conn *c;
    if (store_get(tenant_of(req)->pub.db, &c, err) != 0) return -1;
    int rc = fn(req, c, name, proof, err);
    store_put(c);
    return rc;
}

static int staff_login(struct http_req *req, struct err *err)
{
    json_t *body;
    sv login, password, phone, code;
    if (login_body(req, &body, err) != 0) return -1;
    if (json_object_get(body, "code")) {
        if (phone_member(req, body, &phone, err) != 0 ||
            login_text(body, "code", true, 20, &code, err) != 0)
            return -1;
        return with_conn(req, staff_by_code, phone, code, err);
    }
    int rc = login_text(body, "login", true, 100, &login, err);
    rc |= login_text(body, "password", true, 200, &password, err);
    return rc ? -1 : with_conn(req, by_password, login, password, err);
}

static void run_staff_login(struct http_req *req)
{
    struct err e = {0};
    if (staff_login(req, &e) != 0) http_fail(req, &e);
}

void login_staff(struct http_req *req)
{
    login_defer(req, run_staff_login);
}

void login_member(struct http_req *req)
{
    struct err e = {0};
    json_t *body;
    sv phone, code;
    if (login_body(req, &body, &e) != 0 || phone_member(req, body, &phone, &e) != 0 ||
        login_text(body, "code", true, 20, &code, &e) != 0 ||
        with_conn(req, member_by_code, phone, code, &e) != 0)
        http_fail(req, &e);
}

static int ask_code(struct http_req *req, sv phone, sv purpose, struct err *err)
{
    struct code_ask k = {phone, purpose, http_remote(req), http_lang(req)};
    struct code_job *job;
    struct store_conn *c;
    int64_t wait = 0;
    if (store_get(tenant_of(req)->pub.db, &c, err) != 0) return -1;
    int rc = code_request(tenant_of(req), c, &k, &job, &wait, err);
    store_put(c);
    if (rc != 0 || code_deliver(job, err) != 0) return -1;
    http_status(req, 202);
    http_type(req, "application/json");
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_kv_i64(&w, "retry_after", wait);
    jsonw_end_obj(&w);
    return 0;
}

void login_code(struct http_req *req)
{
    struct err e = {0};
    json_t *body;
    sv phone, purpose;
    int rc = login_body(req, &body, &e);
    if (rc == 0) rc = phone_member(req, body, &phone, &e);
    if (rc == 0) rc = login_text(body, "purpose", true, 20, &purpose, &e);
    if (rc == 0 && !sv_eqs(purpose, "staff") && !sv_eqs(purpose, "member"))
        rc = err_field(&e, "purpose", "not_in_options", "staff, member", NULL);
    if (rc == 0) rc = ask_code(req, phone, purpose, &e);
    if (rc != 0) http_fail(req, &e);
}

void login_end(struct http_req *req, enum auth_kind kind)
{
    const struct auth_principal *p = auth_of(req);
    struct err e = {0};
    if (p->kind == kind) {
        if (session_end(tenant_of(req), req, p, &e) != 0) {
            http_fail(req, &e);
            return;
        }
        struct auth_audit line = {.action = "logout", .ok = true};
        auth_audit(&tenant_of(req)->pub, p, req, &line);
    }
    set_cookie(req, kind, SV(""), 0);
    http_status(req, 204);
}
