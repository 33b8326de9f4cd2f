/* Logging in. The work is done on threads of its own, four of them: a burst of
 * log-ins queues there while the request workers serve everybody else. Every
 * refusal takes the same way for a name that exists and one that does not. */
#define LOG_ROOM "auth"

#include <stdio.h>

#include "auth/login.h"

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
    login_defer_to(req, tenant_of(req)->auth->logins, run);
}

void login_defer_to(struct http_req *req, struct work_pool *pool, void (*run)(struct http_req *))
{
    struct deferred *d = ARENA_NEW(http_arena(req), struct deferred);
    *d = (struct deferred){req, run, clock_mono_us()};
    http_defer(req);
    if (work_pool_submit(pool, run_deferred, d)) return;
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

int login_phone(struct http_req *req, json_t *body, sv *out, struct err *err)
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

struct asked { json_t *body; sv name, proof; };       /* a log-in: phone or login, and the proof */

/* ---- what all log-ins end with ----------------------------------------------------------- */

void login_audit(struct http_req *req, const struct person *who, const char *by, const char *why)
{
    struct arena *a = http_arena(req);
    struct auth_principal p = {.kind = who->id ? who->kind : AUTH_ANON, .id = who->id,
                               .name = who->name, .phone_masked = phone_mask(a, who->phone)};
    sv target = who->id ? arena_printf(a, "core.%s/%lld",
                                       who->kind == AUTH_STAFF ? "staff" : "member",
                                       (long long)who->id)
                        : SV("");
    struct auth_audit line = {.action = "login", .target = target, .ok = why == NULL, .result = why,
                              .detail = arena_printf(a, "{\"by\":\"%s\"}", by)};
    auth_audit(&tenant_of(req)->pub, &p, req, &line);
}

static void set_cookie(struct http_req *req, enum auth_kind kind, sv token, int max_age_s)
{
    struct http_cookie_opts o = {.max_age_s = max_age_s, .http_only = true,
                                 .secure = sv_eqs(http_scheme(req), "https"),
                                 .path = session_cookie_path(req)};
    http_add_cookie(req, session_cookie(kind), token, &o);
}

int login_session(struct http_req *req, struct store_conn *c, const struct person *who,
                  const struct admitted *by, struct session_made *made, struct err *err)
{
    struct session_new n = {.kind = who->kind, .who = who->id, .address = http_remote(req),
                            .agent = http_header(req, "user-agent"), .device = by->device,
                            .client = sv_of(device_client(req)),
                            .cookie_only = by->cookie_only};
    int64_t now = clock_now_us();
    struct store_val seen[] = {STORE_T(now), STORE_I(who->id)};
    sv sql = who->kind == AUTH_STAFF ? SV("UPDATE core_staff SET last_login_at = ? WHERE id = ?")
                                     : SV("UPDATE core_member SET last_seen = ? WHERE id = ?");
    if (session_create(tenant_of(req), c, &n, made, err) != 0 ||
        store_exec(c, sql, seen, 2, NULL, err) != 0)
        return -1;
    sv token = arena_sv(http_arena(req), sv_of(made->token));
    set_cookie(req, who->kind, token, (int)((made->expires_us - now) / 1000000));
    return 0;
}

int login_open(struct http_req *req, struct store_conn *c, const struct person *who,
               const struct admitted *by, const json_t *codes, struct err *err)
{
    struct session_made m;
    if (login_session(req, c, who, by, &m, err) != 0) return -1;
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    if (!by->cookie_only) jsonw_kv_str(&w, "token", m.token);
    jsonw_kv_time(&w, "expires_at", m.expires_us);
    jsonw_key(&w, SV("user"));
    jsonw_obj(&w);
    jsonw_kv_id(&w, "id", who->id);
    jsonw_kv_sv(&w, "name", who->name);
    jsonw_end_obj(&w);
    if (codes) {
        jsonw_key(&w, SV("recovery_codes"));
        jsonw_json(&w, codes);
    }
    jsonw_key(&w, SV("agreements"));
    sv place = who->kind == AUTH_STAFF ? SV("staff_login") : SV("member_login");
    if (auth_agreements(c, who->kind, who->id, place, false, &w, err) != 0) return -1;
    jsonw_end_obj(&w);
    http_type(req, "application/json");
    http_add_header(req, "cache-control", SV("no-store"));
    return 0;
}

/* Nobody of a frozen partner signs in. */
#define STAFF_COLUMNS                                                                            \
    "SELECT u.id, u.name, u.phone," \
    " IF(u.partner IS NULL OR o.state = 'active', u.state, 'frozen'), x.password_hash, u.login, x.must_change, x.changed_at" \
    " FROM core_staff u LEFT JOIN core_partner o ON o.id = u.partner"                                \
    " LEFT JOIN core_staff_secret x ON x.staff = u.id"

static int take_staff(struct tenant *t, struct store_conn *c, struct arena *a, sv sql,
                      const struct store_val *args, unsigned n, struct person *out,
                      struct err *err)
{
    struct store_val v[8];
    bool found;
    *out = (struct person){.kind = AUTH_STAFF, .name = SV(""), .phone = SV(""), .login = SV("")};
    if (store_one(c, a, sql, args, n, v, 8, &found, err) != 0) return -1;
    if (!found) return 0;
    out->id = v[0].u.i;
    out->name = v[1].u.s;
    if (people_phone(t, a, AUTH_STAFF, out->id, &v[2], &out->phone, err) != 0) return -1;
    out->active = sv_eqs(v[3].u.s, "active");
    if (v[4].type != STORE_NULL) out->hash = v[4].u.s;
    out->login = v[5].u.s;
    out->must_change = v[6].type == STORE_I64 && v[6].u.i;
    out->changed_at = v[7].type == STORE_TIME ? v[7].u.i : 0;
    return 0;
}

int login_find_staff(struct tenant *t, struct store_conn *c, struct arena *a, sv name,
                     bool by_phone, struct person *out, struct err *err)
{
    struct store_val args[AUTH_MAX_HASHES] = {STORE_S(name)};
    sv by_login = SV(STAFF_COLUMNS " WHERE u.login = ? AND u.deleted_at IS NULL");
    sv by_number = SV(STAFF_COLUMNS " WHERE u.phone_hash IN " PEOPLE_HASHES
                                    " AND u.deleted_at IS NULL LIMIT 1");
    if (by_phone && people_hashes(t, a, AUTH_STAFF, name, args, err) != 0) return -1;
    return take_staff(t, c, a, by_phone ? by_number : by_login, args,
                      by_phone ? AUTH_MAX_HASHES : 1, out, err);
}

int login_staff_by_id(struct tenant *t, struct store_conn *c, struct arena *a, int64_t id,
                      struct person *out, struct err *err)
{
    struct store_val args[] = {STORE_I(id)};
    return take_staff(t, c, a, SV(STAFF_COLUMNS " WHERE u.id = ? AND u.deleted_at IS NULL"), args,
                      1, out, err);
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
        staff_rehash(c, who->id, hash, &e) != 0)
        log_warn("a password hash could not be renewed: %s", e.detail);
}

static int refused(struct http_req *req, struct store_conn *c, const struct lockout *lock,
                   const struct person *who, const char *by, const char *why, struct err *err)
{
    login_audit(req, who, by, why);
    return lockout_fail(lock, c, err);
}

static int by_password(struct http_req *req, struct store_conn *c, const struct asked *k,
                       struct err *err)
{
    struct auth_rules rules = auth_rules_of(&tenant_of(req)->pub);
    struct lockout lock;
    struct person who;
    struct err wrong = {0};
    bool ok = false;
    sv phone = phone_normal(http_arena(req), k->name);   /* a login begins with a letter */
    sv name = phone.p ? phone : sv_trim(k->name);
    sv subject = phone.p ? phone_pseudonym(http_arena(req), tenant_of(req), phone) : name;
    lockout_init(&lock, &rules, "login", subject, http_remote(req));
    if (login_find_staff(tenant_of(req), c, http_arena(req), name, phone.p != NULL, &who, err) != 0)
        return -1;
    if (lockout_check(&lock, c, err) != 0) {
        if (sv_eqs(sv_of(err->code), "locked_out")) login_audit(req, &who, "password", "locked_out");
        return -1;
    }
    /* a guess without the captcha is a guess: it counts, and nothing is hashed for it */
    if (captcha_check(req, c, &lock, false, k->body, &wrong) != 0) {
        if (wrong.status == 422 && refused(req, c, &lock, &who, "password", "captcha", err) != 0)
            return -1;
        err_copy(err, &wrong);
        return -1;
    }
    if (check_password(&who, k->proof, &ok, err) != 0) return -1;
    if (!ok || !who.active) {
        const char *why = !who.id ? "unknown" : !ok ? "password" : "suspended";
        if (refused(req, c, &lock, &who, "password", why, err) != 0) return -1;
        return err_set(err, 401, "login_failed", NULL);
    }
    if (lockout_clear(&lock, c, err) != 0) return -1;
    renew_hash(req, c, &who, k->proof);
    return steps_go_on(req, c, &who, &(struct steps){.by = "password"}, err);
}

/* ---- staff and members: code ------------------------------------------------------------- */

static int use_code(struct http_req *req, struct store_conn *c, sv phone, const char *purpose,
                    sv code, struct err *err)
{
    struct auth_rules rules = auth_rules_of(&tenant_of(req)->pub);
    struct lockout lock;
    struct err e = {0};
    /* the code itself bears five tries; guessing over many phones is the address's fault */
    lockout_init(&lock, &rules, "phone", SV(""), http_remote(req));
    if (lockout_check(&lock, c, err) != 0) return -1;
    if (code_use(tenant_of(req), c, phone, sv_of(purpose), code, &e) == 0) return 0;
    if (e.status == 401 && lockout_fail(&lock, c, err) != 0) return -1;
    err_copy(err, &e);
    return -1;
}

static int staff_by_code(struct http_req *req, struct store_conn *c, const struct asked *k,
                         struct err *err)
{
    struct person who;
    if (login_find_staff(tenant_of(req), c, http_arena(req), k->name, true, &who, err) != 0)
        return -1;
    if (use_code(req, c, k->name, "staff", k->proof, err) != 0) {
        if (err->status == 401) login_audit(req, &who, "code", "code");
        return -1;
    }
    if (!who.active) {
        login_audit(req, &who, "code", "suspended");
        return err_set(err, 401, "code_invalid", NULL);
    }
    return steps_go_on(req, c, &who, &(struct steps){.by = "code"}, err);
}

static int find_member(struct tenant *t, struct store_conn *c, struct arena *a, sv phone,
                       struct person *out, struct err *err)
{
    struct store_val args[AUTH_MAX_HASHES], v[3];
    bool found;
    *out = (struct person){.kind = AUTH_MEMBER, .name = SV(""), .phone = phone};
    if (people_hashes(t, a, AUTH_MEMBER, phone, args, err) != 0 ||
        store_one(c, a, SV("SELECT id, name, state FROM core_member WHERE phone_hash IN "
                           PEOPLE_HASHES " LIMIT 1"),
                  args, AUTH_MAX_HASHES, v, 3, &found, err) != 0)
        return -1;
    if (!found) return 0;
    out->id = v[0].u.i;
    out->name = v[1].type == STORE_NULL ? SV("") : v[1].u.s;
    out->active = sv_eqs(v[2].u.s, "active");
    return 0;
}

struct registering {
    struct tenant *t;
    struct arena *a;
    sv phone;
    bool made;
};

/* Two log-ins at once: both find the one row, and one of them has made it. */
static int insert_member(void *arg, struct store_conn *c, struct err *err)
{
    struct registering *r = arg;
    const struct auth_events *on = &r->t->auth->events;
    int64_t now = clock_now_us(), id = id_next();
    struct store_val kept[2];
    uint64_t n = 0;
    r->made = false;
    if (people_seal_phone(r->t, r->a, AUTH_MEMBER, id, r->phone, kept, err) != 0) return -1;
    struct store_val args[] = {STORE_I(id), STORE_T(now), STORE_T(now), kept[0], kept[1],
                               STORE_S(phone_mask(r->a, r->phone)), STORE_T(now)};
    if (store_exec(c, SV("INSERT IGNORE INTO core_member (id, created_at, updated_at, phone,"
                         " phone_hash, name, last_seen, state, version)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?, 'active', 1)"),
                   args, 7, &n, err) != 0)
        return -1;
    r->made = n == 1;
    if (!r->made || !on->made) return 0;
    return on->made(on->made_arg, &r->t->pub, c, SV("core.member"), id, err);
}

static int register_member(struct tenant *t, struct store_conn *c, struct arena *a, sv phone,
                           bool *made, struct person *out, struct err *err)
{
    struct registering r = {.t = t, .a = a, .phone = phone};
    if (store_tx(c, insert_member, &r, err) != 0) return -1;
    *made = r.made;
    return find_member(t, c, a, phone, out, err);
}

static void tell_created(struct http_req *req, const struct person *who)
{
    struct tenant *t = tenant_of(req);
    const struct auth_events *on = &t->auth->events;
    if (on->committed) on->committed(on->made_arg, &t->pub, SV("core.member"));
    if (!on->tell) return;
    struct buf b = BUF_IN(http_arena(req));
    struct jsonw w = jsonw_on(&b);
    jsonw_obj(&w);
    jsonw_kv_id(&w, "id", who->id);
    jsonw_kv_sv(&w, "phone", phone_mask(http_arena(req), who->phone));
    jsonw_kv_sv(&w, "name", who->name);
    jsonw_kv_str(&w, "state", "active");
    jsonw_end_obj(&w);
    on->tell(on->arg, &t->pub, SV("core.member.created"), who->id, buf_view(&b));
}

static int member_by_code(struct http_req *req, struct store_conn *c, const struct asked *k,
                          bool *made, struct person *who, struct err *err)
{
    if (use_code(req, c, k->name, "member", k->proof, err) != 0) {
        struct person nobody = {.kind = AUTH_MEMBER, .name = SV(""), .phone = k->name};
        if (err->status == 401) login_audit(req, &nobody, "code", "code");
        return -1;
    }
    if (find_member(tenant_of(req), c, http_arena(req), k->name, who, err) != 0) return -1;
    if (!who->id && register_member(tenant_of(req), c, http_arena(req), k->name, made, who, err) != 0)
        return -1;
    if (!who->active) {
        login_audit(req, who, "code", "blocked");
        return err_set(err, 403, "forbidden", NULL);
    }
    if (login_open(req, c, who, &(struct admitted){0}, NULL, err) != 0) return -1;
    login_audit(req, who, "code", NULL);
    return 0;
}

/* ---- routes ------------------------------------------------------------------------------ */

static int staff_login(struct http_req *req, struct err *err)
{
    struct asked k;
    struct store_conn *c;
    if (login_body(req, &k.body, err) != 0) return -1;
    bool code = json_object_get(k.body, "code") != NULL;
    if (code) {
        if (login_phone(req, k.body, &k.name, err) != 0 ||
            login_text(k.body, "code", true, 20, &k.proof, err) != 0)
            return -1;
    } else {
        int rc = login_text(k.body, "login", true, 100, &k.name, err);
        rc |= login_text(k.body, "password", true, 200, &k.proof, err);
        if (rc != 0) return -1;
    }
    auth_rules_of(&tenant_of(req)->pub);     /* fresh before a connection is held */
    if (store_get(tenant_of(req)->pub.db, &c, err) != 0) return -1;
    int rc = code ? staff_by_code(req, c, &k, err) : by_password(req, c, &k, err);
    store_put(c);
    return rc;
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

static int member_login(struct http_req *req, struct err *err)
{
    struct asked k;
    struct person who;
    struct store_conn *c;
    bool made = false;
    if (login_body(req, &k.body, err) != 0 || login_phone(req, k.body, &k.name, err) != 0 ||
        login_text(k.body, "code", true, 20, &k.proof, err) != 0 ||
        store_get(tenant_of(req)->pub.db, &c, err) != 0)
        return -1;
    int rc = member_by_code(req, c, &k, &made, &who, err);
    store_put(c);
    if (rc == 0 && made) tell_created(req, &who);    /* listeners take connections of their own */
    return rc;
}

void login_member(struct http_req *req)
{
    struct err e = {0};
    if (member_login(req, &e) != 0) http_fail(req, &e);
}

int login_send_code(struct http_req *req, const json_t *body, sv phone, sv purpose, struct err *err)
{
    struct auth_rules rules = auth_rules_of(&tenant_of(req)->pub);
    struct code_ask k = {phone, purpose, http_remote(req), http_lang(req)};
    struct lockout lock;
    struct code_job *job;
    struct store_conn *c;
    int64_t wait = 0;
    lockout_init(&lock, &rules, "phone", SV(""), http_remote(req));
    if (store_get(tenant_of(req)->pub.db, &c, err) != 0) return -1;
    int rc = captcha_check(req, c, &lock, rules.captcha_codes, body, err);
    if (rc == 0) rc = code_request(tenant_of(req), c, &k, &job, &wait, err);
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
    if (rc == 0) rc = login_phone(req, body, &phone, &e);
    if (rc == 0) rc = login_text(body, "purpose", true, 20, &purpose, &e);
    if (rc == 0 && !sv_eqs(purpose, "staff") && !sv_eqs(purpose, "member"))
        rc = err_field(&e, "purpose", "not_in_options", "staff, member", NULL);
    if (rc == 0) rc = login_send_code(req, body, phone, purpose, &e);
    if (rc != 0) http_fail(req, &e);
}

void login_end(struct http_req *req, enum auth_kind kind)
{
    const struct auth_principal *p = auth_of(req);
    struct err e = {0};
    if (p->kind == kind || (kind == AUTH_STAFF && p->kind == AUTH_PARTNER)) {
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
