/* The second factor of staff: enrolling with a secret that is confirmed by a code,
 * checking, recovery codes, taking it away. The secret lies sealed with a key of
 * the tenant; a code serves once, for its step is remembered. */
#define LOG_ROOM "auth"

#include <openssl/crypto.h>
#include <stdio.h>

#include "auth/login.h"

#define SECRET_BYTES 20
#define RECOVERY_CODES 10
#define RECOVERY_CHARS 10            /* of 54 signs each: 57 bits */

struct factor { sv secret; bool there, confirmed; int64_t last_step; };

static void seal_key(const struct tenant *t, unsigned char key[32])
{
    seal_hmac(t->pub.secret, SV("key:totp"), key);
}

static sv about(struct arena *a, int64_t staff)
{
    return arena_printf(a, "totp/%lld", (long long)staff);
}

static int read_factor(const struct tenant *t, struct store_conn *c, struct arena *a, int64_t staff,
                       struct factor *f, struct err *err)
{
    struct store_val args[] = {STORE_I(staff)}, v[3];
    unsigned char key[32];
    *f = (struct factor){0};
    if (store_one(c, a, SV("SELECT secret, confirmed, last_step FROM core_totp WHERE staff = ?"),
                  args, 1, v, 3, &f->there, err) != 0)
        return -1;
    if (!f->there) return 0;
    seal_key(t, key);
    int rc = seal_open(a, key, about(a, staff), v[0].u.s, &f->secret);
    OPENSSL_cleanse(key, sizeof key);
    if (rc != 0) return err_internal(err, "a second factor was sealed with another key");
    f->confirmed = v[1].u.i != 0;
    f->last_step = v[2].u.i;
    return 0;
}

int factor_enrolled(struct store_conn *c, int64_t staff, bool *yes, struct err *err)
{
    struct arena *a = arena_new(256);
    struct store_val args[] = {STORE_I(staff)}, v[1];
    int rc = store_one(c, a, SV("SELECT id FROM core_totp WHERE staff = ? AND confirmed = 1"), args,
                       1, v, 1, yes, err);
    arena_free(a);
    return rc;
}

int factor_begin(struct http_req *req, struct store_conn *c, const struct person *who,
                 struct jsonw *w, struct err *err)
{
    struct tenant *t = login_tenant(req);
    struct arena *a = http_arena(req);
    unsigned char secret[SECRET_BYTES], key[32];
    struct buf text = BUF_IN(a), uri = BUF_IN(a);
    int64_t now = clock_now_us();
    bool enrolled;
    sv picture;
    if (factor_enrolled(c, who->id, &enrolled, err) != 0) return -1;
    if (enrolled) return err_set(err, 409, "auth.factor_there", NULL);
    rand_bytes(secret, sizeof secret);
    sv bytes = sv_make((char *)secret, sizeof secret);
    seal_key(t, key);
    sv sealed = seal_text(a, key, about(a, who->id), bytes);
    struct store_val args[] = {STORE_I(id_next()), STORE_T(now), STORE_T(now), STORE_I(who->id),
                               STORE_S(sealed)};
    if (store_exec(c, SV("INSERT INTO core_totp (id, created_at, updated_at, staff, secret,"
                         " confirmed, last_step) VALUES (?, ?, ?, ?, ?, 0, 0)"
                         " ON DUPLICATE KEY UPDATE secret = VALUES(secret), last_step = 0,"
                         " updated_at = VALUES(updated_at)"), args, 5, NULL, err) != 0)
        return -1;
    totp_base32(&text, bytes);
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(secret, sizeof secret);
    totp_uri(&uri, t->pub.name, who->login, buf_view(&text));
    if (qr_data(a, buf_view(&uri), &picture, err) != 0) return -1;
    jsonw_kv_sv(w, "secret", buf_view(&text));
    jsonw_kv_sv(w, "uri", buf_view(&uri));
    jsonw_kv_sv(w, "qr", picture);
    return 0;
}

/* ---- recovery codes ---------------------------------------------------------------------- */

static void recovery_hash(const struct tenant *t, int64_t staff, sv code, char out[AUTH_HASH_CHARS])
{
    struct arena *a = arena_new(256);
    unsigned char mac[32];
    struct buf plain = BUF_IN(a);
    for (size_t i = 0; i < code.n; i++)
        if (code.p[i] != '-' && code.p[i] != ' ') buf_chr(&plain, code.p[i]);
    seal_hmac(t->pub.secret, arena_printf(a, "recovery:%lld:%.*s", (long long)staff,
                                          SVARG(buf_view(&plain))), mac);
    seal_hex(mac, sizeof mac, out);
    arena_free(a);
}

struct recovery { struct tenant *t; int64_t staff; json_t *codes; };

static int make_codes(void *arg, struct store_conn *c, struct err *err)
{
    struct recovery *r = arg;
    struct store_val staff[] = {STORE_I(r->staff)};
    int64_t now = clock_now_us();
    json_array_clear(r->codes);
    if (store_exec(c, SV("DELETE FROM core_recovery_code WHERE staff = ?"), staff, 1, NULL, err) !=
        0)
        return -1;
    for (int i = 0; i < RECOVERY_CODES; i++) {
        char text[RECOVERY_CHARS + 1], shown[RECOVERY_CHARS + 2], hash[AUTH_HASH_CHARS];
        rand_text(text, RECOVERY_CHARS);
        snprintf(shown, sizeof shown, "%.5s-%.5s", text, text + 5);
        recovery_hash(r->t, r->staff, sv_of(text), hash);
        struct store_val args[] = {STORE_I(id_next()), STORE_T(now), STORE_T(now), staff[0],
                                   STORE_S(sv_make(hash, sizeof hash))};
        if (store_exec(c, SV("INSERT INTO core_recovery_code (id, created_at, updated_at, staff,"
                             " code_hash) VALUES (?, ?, ?, ?, ?)"), args, 5, NULL, err) != 0)
            return -1;
        json_array_append_new(r->codes, json_string(shown));
    }
    return 0;
}

static void drop(void *v)
{
    json_decref(v);
}

static int new_codes(struct http_req *req, struct store_conn *c, int64_t staff, json_t **codes,
                     struct err *err)
{
    struct recovery r = {login_tenant(req), staff, json_array()};
    arena_on_free(http_arena(req), drop, r.codes);
    if (store_tx(c, make_codes, &r, err) != 0) return -1;
    *codes = r.codes;
    return 0;
}

static int use_recovery(const struct tenant *t, struct store_conn *c, int64_t staff, sv code,
                        bool *ok, struct err *err)
{
    char hash[AUTH_HASH_CHARS];
    uint64_t n = 0;
    recovery_hash(t, staff, code, hash);
    struct store_val args[] = {STORE_I(staff), STORE_S(sv_make(hash, sizeof hash))};
    int rc = store_exec(c, SV("DELETE FROM core_recovery_code WHERE staff = ? AND code_hash = ?"),
                        args, 2, &n, err);
    *ok = rc == 0 && n == 1;
    return rc;
}

/* ---- checking ---------------------------------------------------------------------------- */

/* The step is taken by one statement: of two requests with one code one is right. */
static int use_step(struct store_conn *c, int64_t staff, int64_t step, bool *ok, struct err *err)
{
    struct store_val args[] = {STORE_I(step), STORE_I(staff), STORE_I(step)};
    uint64_t n = 0;
    int rc = store_exec(c, SV("UPDATE core_totp SET last_step = ?, confirmed = 1 WHERE staff = ?"
                              " AND last_step < ?"), args, 3, &n, err);
    *ok = rc == 0 && n == 1;
    return rc;
}

static int right_code(struct http_req *req, struct store_conn *c, int64_t staff, sv code,
                      bool confirm, bool *ok, struct err *err)
{
    struct tenant *t = login_tenant(req);
    struct factor f;
    *ok = false;
    code = sv_trim(code);
    if (read_factor(t, c, http_arena(req), staff, &f, err) != 0) return -1;
    if (!f.there || f.confirmed == confirm) return 0;
    int64_t step = totp_check(f.secret, code, clock_now_us(), f.last_step);
    if (step) return use_step(c, staff, step, ok, err);
    if (!confirm && code.n >= RECOVERY_CHARS) return use_recovery(t, c, staff, code, ok, err);
    return 0;
}

int factor_check(struct http_req *req, struct store_conn *c, int64_t staff, sv code, bool confirm,
                 json_t **codes, struct err *err)
{
    struct auth_rules rules = auth_rules_of(&login_tenant(req)->pub);
    struct lockout lock;
    bool ok;
    sv subject = arena_printf(http_arena(req), "%lld", (long long)staff);
    lockout_init(&lock, &rules, "totp", subject, http_remote(req));
    if (lockout_check(&lock, c, err) != 0 ||
        right_code(req, c, staff, code, confirm, &ok, err) != 0)
        return -1;
    if (!ok) {
        if (lockout_fail(&lock, c, err) != 0) return -1;
        return err_set(err, 401, "auth.factor", NULL);
    }
    if (lockout_clear(&lock, c, err) != 0) return -1;
    return confirm ? new_codes(req, c, staff, codes, err) : 0;
}

/* ---- one's own: /api/auth/totp/... --------------------------------------------------------- */

struct own { struct http_req *req; struct store_conn *c; json_t *body; struct person who; };

static void told(struct own *o, const char *action, int64_t staff)
{
    struct arena *a = http_arena(o->req);
    struct auth_audit line = {.action = action, .ok = true,
                              .target = arena_printf(a, "core.staff/%lld", (long long)staff)};
    auth_audit(auth_tenant_of(o->req), auth_of(o->req), o->req, &line);
}

static void answer_codes(struct http_req *req, const json_t *codes)
{
    struct jsonw w = jsonw_on(http_out(req));
    jsonw_obj(&w);
    jsonw_key(&w, SV("recovery_codes"));
    jsonw_json(&w, codes);
    jsonw_end_obj(&w);
    http_type(req, "application/json");
    http_add_header(req, "cache-control", SV("no-store"));
}

static int begin(struct own *o, struct err *err)
{
    if (reauth_check(o->req, o->c, &o->who, o->body, err) != 0) return -1;
    struct jsonw w = jsonw_on(http_out(o->req));
    jsonw_obj(&w);
    if (factor_begin(o->req, o->c, &o->who, &w, err) != 0) return -1;
    jsonw_end_obj(&w);
    http_type(o->req, "application/json");
    http_add_header(o->req, "cache-control", SV("no-store"));
    return 0;
}

/* A wrong code is a field's complaint here: the session is good. */
static int code_at_field(struct err *err, const struct err *e)
{
    if (e->status == 401) return err_field(err, "code", "auth.factor", NULL);
    err_copy(err, e);
    return -1;
}

static int confirm(struct own *o, struct err *err)
{
    struct err e = {0};
    json_t *codes = NULL;
    sv code;
    if (login_text(o->body, "code", true, 40, &code, err) != 0) return -1;
    if (factor_check(o->req, o->c, o->who.id, code, true, &codes, &e) != 0)
        return code_at_field(err, &e);
    told(o, "totp_enrol", o->who.id);
    answer_codes(o->req, codes);
    return 0;
}

static int fresh_codes(struct own *o, struct err *err)
{
    struct err e = {0};
    json_t *codes = NULL;
    sv code;
    if (login_text(o->body, "code", true, 40, &code, err) != 0) return -1;
    if (factor_check(o->req, o->c, o->who.id, code, false, NULL, &e) != 0)
        return code_at_field(err, &e);
    if (new_codes(o->req, o->c, o->who.id, &codes, err) != 0) return -1;
    told(o, "totp_codes", o->who.id);
    answer_codes(o->req, codes);
    return 0;
}

static int forget(struct store_conn *c, int64_t staff, struct err *err)
{
    struct store_val args[] = {STORE_I(staff)};
    if (store_exec(c, SV("DELETE FROM core_totp WHERE staff = ?"), args, 1, NULL, err) != 0)
        return -1;
    return store_exec(c, SV("DELETE FROM core_recovery_code WHERE staff = ?"), args, 1, NULL, err);
}

static int take_away(struct own *o, struct err *err)
{
    struct auth_rules rules = auth_rules_of(auth_tenant_of(o->req));
    struct err e = {0};
    sv code;
    if (rules.totp == AUTH_TOTP_ALL || (rules.totp == AUTH_TOTP_ADMINS && auth_of(o->req)->admin))
        return err_set(err, 409, "auth.factor_rule", NULL);
    if (login_text(o->body, "code", true, 40, &code, err) != 0) return -1;
    if (factor_check(o->req, o->c, o->who.id, code, false, NULL, &e) != 0)
        return code_at_field(err, &e);
    if (forget(o->c, o->who.id, err) != 0) return -1;
    told(o, "totp_remove", o->who.id);
    http_status(o->req, 204);
    return 0;
}

static void run(struct http_req *req, int (*fn)(struct own *, struct err *))
{
    const struct auth_principal *p = auth_of(req);
    struct own o = {.req = req};
    struct err e = {0};
    if (!auth_is_staff(p)) {
        http_fail_code(req, 401, "unauthorized");
        return;
    }
    auth_rules_of(auth_tenant_of(req));
    if (login_body(req, &o.body, &e) != 0 ||
        store_get(login_tenant(req)->pub.db, &o.c, &e) != 0) {
        http_fail(req, &e);
        return;
    }
    if (login_staff_by_id(login_tenant(req), o.c, http_arena(req), p->id, &o.who, &e) != 0 ||
        fn(&o, &e) != 0) {
        buf_clear(http_out(req));
        http_fail(req, &e);
    }
    store_put(o.c);
}

static void run_begin(struct http_req *req)
{
    run(req, begin);
}

void factor_routes_begin(struct http_req *req)
{
    login_defer(req, run_begin);     /* asks for the password */
}

void factor_routes_confirm(struct http_req *req)
{
    run(req, confirm);
}

void factor_routes_codes(struct http_req *req)
{
    run(req, fresh_codes);
}

void factor_routes_remove(struct http_req *req)
{
    run(req, take_away);
}

/* ---- somebody else's: he has lost it ------------------------------------------------------- */

static int reset(struct own *o, struct err *err)
{
    struct person who;
    int64_t id;
    if (!auth_of(o->req)->admin) return err_set(err, 403, "forbidden", NULL);
    if (!sv_i64(http_param(o->req, "id"), &id)) return err_set(err, 404, "not_found", NULL);
    if (login_staff_by_id(login_tenant(o->req), o->c, http_arena(o->req), id, &who, err) != 0)
        return -1;
    if (!who.id) return err_set(err, 404, "not_found", NULL);
    if (forget(o->c, id, err) != 0) return -1;
    told(o, "totp_reset", id);
    http_status(o->req, 204);
    return 0;
}

void factor_routes_reset(struct http_req *req)
{
    run(req, reset);
}
